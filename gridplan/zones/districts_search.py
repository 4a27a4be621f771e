"""Districts round a centre by annealing: moves, swaps and chains through a third district."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import DistrictProblem
from gridplan.zones.parts import Move, Parts

_BLOCK = 1024
_SINGLE = 0.7
"""Share of moves that are proposed alone; after the others a second one follows."""
_LINKS = 3
"""Moves in a chain at most."""
_TRIED = 6
"""Of the moves that could follow, so many of the best are tried."""
_LEAST_DEAR, _MOST_DEAR = 0.3, 100.0
_EPS = 1e-12
_LEAST_UNIT = 1e-300

SOFT = 3.0
"""A price of the excess at which the search passes through districts beyond the bounds."""


@dataclass(frozen=True, slots=True)
class Course:
    """
    One course of annealing; prices and temperatures in mean costs of a district.

    Attributes
    ----------
    moves : int
        Moves to propose.
    hot, cold : float
        First and last temperature.
    dear : float
        First price of one mean load beyond the bounds.
    pace : float
        Factor by which the price rises after some moves all beyond the bounds, and
        falls after others; 1 keeps it.
    """

    moves: int
    hot: float = 0.1
    cold: float = 0.002
    dear: float = SOFT
    pace: float = 1.0


@dataclass(slots=True)
class Best:
    """
    The best districts so far, by excess over the bounds and cost.

    With a price of the excess, the least sum of both; without, first the least excess.
    """

    dear: float = math.inf
    rank: tuple[float, float] = (math.inf, math.inf)
    district: list[int] = field(default_factory=list)

    def offer(self, excess: float, cost: float, district: list[int]) -> None:
        """Keep a copy of what is better."""
        rank = excess, cost
        if math.isfinite(self.dear):
            rank = 0.0, cost + self.dear * excess
        if rank < self.rank:
            self.rank, self.district = rank, list(district)


class Districts:
    """Connected districts, their loads, and what each would cost from any centre."""

    def __init__(self, problem: DistrictProblem, district: Ints) -> None:
        k = problem.k
        self.parts = Parts(problem.left, problem.right, district, k)
        self.mean = problem.weights.sum(axis=0) / k
        scaled = problem.weights / self.mean
        self.weight: list[list[float]] = scaled.tolist()
        self.bounds: list[tuple[float, float]] = list(
            zip(
                (problem.lower / self.mean).tolist(),
                (problem.upper / self.mean).tolist(),
                strict=True,
            )
        )
        self.cost = problem.cost
        self.sums = np.zeros((k, problem.count))
        np.add.at(self.sums, district, problem.cost)
        load = np.zeros((k, scaled.shape[1]))
        np.add.at(load, district, scaled)
        self.load: list[list[float]] = load.tolist()
        self.excess: list[float] = [self.beyond(one) for one in self.load]
        self.centre: list[int] = [0] * k
        self.price: list[float] = [0.0] * k
        for own in range(k):
            self.centre[own], self.price[own] = self.best_centre(own)
        self.unit = max(math.fsum(self.price) / k, _LEAST_UNIT)
        """Mean cost of a district at the beginning: the unit of prices and temperatures."""

    def beyond(self, load: list[float]) -> float:
        """Return how far loads are outside the bounds, in mean loads, added up."""
        off = 0.0
        for one, (least, most) in zip(load, self.bounds, strict=True):
            if one > most:
                off += one - most
            elif one < least:
                off += least - one
        return 0.0 if off < _EPS else off

    def best_centre(self, own: int, *, without: int = -1) -> tuple[int, float]:
        """Return the centre of a district and its cost, also without one of its units."""
        members = np.fromiter(self.parts.members[own], dtype=np.intp)
        sums = self.sums[own][members]
        if without >= 0:
            members = members[members != without]
            sums = (self.sums[own] - self.cost[without])[members]
        at = int(sums.argmin())
        return int(members[at]), float(sums[at])

    def effect(self, move: Move) -> tuple[float, float]:
        """
        Return what a move adds to the cost, centres kept, and to the excess.

        A centre that leaves costs what its district then costs from the next best one.
        """
        unit, home, host = move
        weight = self.weight[unit]
        lighter = [one - own for one, own in zip(self.load[home], weight, strict=True)]
        heavier = [one + own for one, own in zip(self.load[host], weight, strict=True)]
        excess = self.beyond(lighter) + self.beyond(heavier)
        left = -self.cost.item(unit, self.centre[home])
        if unit == self.centre[home]:
            left = self.best_centre(home, without=unit)[1] - self.price[home]
        joined = self.cost.item(unit, self.centre[host])
        return left + joined, excess - self.excess[home] - self.excess[host]

    def carry(self, move: Move) -> None:
        """Let a unit change district, for a while: sums and centres stay as they were."""
        unit, home, host = move
        self.parts.apply(move)
        weight = self.weight[unit]
        self.load[home] = [one - own for one, own in zip(self.load[home], weight, strict=True)]
        self.load[host] = [one + own for one, own in zip(self.load[host], weight, strict=True)]
        self.excess[home] = self.beyond(self.load[home])
        self.excess[host] = self.beyond(self.load[host])

    def settle(self, made: list[Move]) -> None:
        """Give the districts that moves have changed their best centres."""
        touched: dict[int, None] = {}
        for unit, home, host in made:
            self.sums[home] -= self.cost[unit]
            self.sums[host] += self.cost[unit]
            touched[home] = touched[host] = None
        for own in touched:
            self.centre[own], self.price[own] = self.best_centre(own)

    def rank(self) -> tuple[float, float]:
        """Return excess and cost."""
        return math.fsum(self.excess), math.fsum(self.price)


def anneal_districts(
    state: Districts,
    keep: tuple[Best, ...],
    course: Course,
    rng: np.random.Generator,
    spend: Callable[[int], None],
) -> None:
    """
    Improve districts by annealing [1]_, and offer each of `keep` what it comes across.

    A move may be followed by a move out of the district it joined: back (a swap) or on
    to a third district (a chain).

    Parameters
    ----------
    state : Districts
        Left as the course ends.
    keep : tuple of Best
    course : Course
    rng : Generator
    spend : callable
        Called with the number of moves after each block of them; may raise to stop.

    References
    ----------
    .. [1] Kirkpatrick, S., Gelatt, C. D. and Vecchi, M. P. (1983). Optimization by
       simulated annealing. *Science*, 220(4598), 671-680.
       https://doi.org/10.1126/science.220.4598.671
    """
    unit, dear = state.unit, course.dear
    for best in keep:
        best.offer(*state.rank(), state.parts.part)
    for done in range(0, course.moves, _BLOCK):
        if not state.parts.cut:
            return
        size = min(_BLOCK, course.moves - done)
        heat = unit * course.hot * (course.cold / course.hot) ** (done / course.moves)
        draws = rng.random((2, size)).tolist()
        slacks = (-heat * np.log1p(-rng.random(size))).tolist()
        inside = False
        for pick, kind, slack in zip(*draws, slacks, strict=True):
            first = state.parts.proposed(pick)
            chain = _chain(state, first, dear * unit, slack, 1 if kind < _SINGLE else _LINKS)
            if chain:
                state.settle(chain)
                excess, cost = state.rank()
                inside = inside or excess == 0.0
                for best in keep:
                    best.offer(excess, cost, state.parts.part)
        dear = max(dear / course.pace, _LEAST_DEAR) if inside else dear * course.pace
        dear = min(dear, _MOST_DEAR)
        spend(size)


def _chain(state: Districts, move: Move, dear: float, slack: float, links: int) -> list[Move]:
    """Make a move, and others after it, if together they are within what is allowed."""
    made: list[Move] = []
    total = 0.0
    while True:
        if len(state.parts.members[move[1]]) == 1 or (made and move[0] == state.centre[move[1]]):
            break
        more, excess = state.effect(move)
        total += more + dear * excess
        last = len(made) + 1 == links
        if (last and total >= slack) or not state.parts.may_leave(move[0]):
            break
        state.carry(move)
        made.append(move)
        if total < slack:
            return made
        if last or made[0][0] == state.centre[made[0][1]]:
            break
        reply = _best_reply(state, move, dear)
        if reply is None:
            break
        move = reply
    for unit, home, host in reversed(made):
        state.carry((unit, host, home))
    return []


def _best_reply(state: Districts, move: Move, dear: float) -> Move | None:
    """Return the best move out of the district that another one has joined."""
    moved, _, own = move
    replies = []
    for reply in state.parts.moves_from(own):
        if reply[0] not in (moved, state.centre[own]):
            more, excess = state.effect(reply)
            replies.append((more + dear * excess, reply))
    replies.sort()
    for _, reply in replies[:_TRIED]:
        if state.parts.may_leave(reply[0]):
            return reply
    return None


def grown(problem: DistrictProblem, centres: list[int], weight: Floats) -> Ints:
    """
    Return connected districts grown from centres.

    The lightest district that still has free land beside it takes of that land what is
    nearest to its centre.

    Parameters
    ----------
    problem : DistrictProblem
        Each connected piece of land holds a centre.
    centres : list of int, length k
    weight : array of float, shape (n,)
    """
    near: list[list[int]] = [[] for _ in range(problem.count)]
    for a, b in zip(problem.left.tolist(), problem.right.tolist(), strict=True):
        near[a].append(b)
        near[b].append(a)
    district = np.full(problem.count, -1, dtype=np.intp)
    district[centres] = np.arange(problem.k)
    load = weight[centres].copy()
    fringe = [{other: None for other in near[centre] if district[other] < 0} for centre in centres]
    for _ in range(problem.count - problem.k):
        own = min((d for d in range(problem.k) if fringe[d]), key=lambda d: (load[d], d))
        column = problem.cost[:, centres[own]]
        unit = min(fringe[own], key=lambda one: (column[one], one))
        district[unit] = own
        load[own] += weight[unit]
        for one in fringe:
            one.pop(unit, None)
        fringe[own].update({other: None for other in near[unit] if district[other] < 0})
    return district


def spread_centres(
    problem: DistrictProblem, quota: Ints, piece: Ints, rng: np.random.Generator
) -> list[int]:
    """
    Return centres far from each other, `quota` of them in each piece of land.

    As in k-means++: each next one is drawn with a chance in proportion to what it
    would cost from the centres so far.
    """
    centres: list[int] = []
    for number, wanted in enumerate(quota.tolist()):
        own = np.flatnonzero(piece == number)
        chosen = [int(own[int(rng.integers(len(own)))])]
        while len(chosen) < wanted:
            left = problem.cost[own][:, chosen].min(axis=1)
            left[np.isin(own, chosen)] = 0.0
            if not left.sum() > 0.0:
                left = (~np.isin(own, chosen)).astype(np.float64)
            reached = np.cumsum(left)
            at = int(np.searchsorted(reached, rng.random() * reached[-1], side="right"))
            at = min(at, len(own) - 1)
            while own[at] in chosen:
                at = (at + 1) % len(own)
            chosen.append(int(own[at]))
        centres += chosen
    return centres
