"""Local search: border cells change zone by annealing, and no zone ever falls apart."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.land import Land, zone_perimeters, zone_sums

_SQUARE = 16.0
"""P² / A of a square, so that the shape of a square zone costs 1."""
_BLOCK = 4096
_LOOK_AROUND = 400
"""Cells looked at before a zone is taken to fall apart; a way round that long is a ring."""
_EPS = 1e-9

Move = tuple[int, int, int, float, float]
"""Cell, its zone, the zone it would join, and the border it has with either, in metres."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The load every zone should have, and the share of it by which it may differ."""

    mean: float
    tolerance: float

    def beyond(self, load: float) -> float:
        """Return how far a load is outside the tolerance, in tolerances."""
        allowed = self.mean * self.tolerance
        return max(0.0, abs(load - self.mean) / allowed - 1)


@dataclass(frozen=True, slots=True)
class Phase:
    """
    One course of annealing.

    Attributes
    ----------
    moves : int
        Moves to propose: the unit of work.
    hot, cold : float
        First and last temperature; 1 is about the price of one cell more on a border.
    shape : float
        Weight of compactness.
    margin : float
        A zone that misses the mean load by this share of it costs 1.
    beyond : float
        What each margin costs on top that a zone is outside the tolerance.
    """

    moves: int
    hot: float
    cold: float
    shape: float
    margin: float
    beyond: float


class Zoning:
    """
    Connected zones whose border cells can change zone.

    Every move that `may_leave` allows keeps each zone connected and not empty, and the
    sums of load, area and outline of each zone those of its cells.
    """

    def __init__(self, land: Land, zone: Ints, k: int) -> None:
        left, right = land.graph.left, land.graph.right
        self.left: list[int] = left.tolist()
        self.right: list[int] = right.tolist()
        self.near = _neighbours(land)
        self.cell_load: list[float] = land.load.tolist()
        self.cell_area: list[float] = land.area_m2.tolist()
        self.cell_outline: list[float] = land.perimeter_m.tolist()
        self.zone: list[int] = zone.tolist()
        self.load: list[float] = zone_sums(land.load, zone, k).tolist()
        self.area: list[float] = zone_sums(land.area_m2, zone, k).tolist()
        self.outline: list[float] = zone_perimeters(land, zone, k).tolist()
        cut = zone[left] != zone[right]
        self.cut: list[int] = np.flatnonzero(cut).tolist()
        self.cut_place: list[int] = np.where(cut, np.cumsum(cut) - 1, -1).tolist()

    def proposed(self, pick: float) -> Move:
        """Return the move across the border that `pick`, in [0, 1), stands for."""
        number = pick * 2 * len(self.cut)
        edge = self.cut[int(number / 2)]
        cell, other = self.left[edge], self.right[edge]
        if int(number) % 2:
            cell, other = other, cell
        return self.move_to(cell, self.zone[other])

    def move_to(self, cell: int, host: int) -> Move:
        """Return the move of a cell to a zone; one alone in its zone has no border at home."""
        zone = self.zone
        home = zone[cell]
        home_m = host_m = 0.0
        for near, border_m, _ in self.near[cell]:
            if zone[near] == home:
                home_m += border_m
            elif zone[near] == host:
                host_m += border_m
        return cell, home, host, home_m, host_m

    def may_leave(self, cell: int) -> bool:
        """Return whether the zone of a cell stays connected without it."""
        zone, near = self.zone, self.near
        home = zone[cell]
        own = [other for other, _, _ in near[cell] if zone[other] == home]
        missing = set(own[1:])
        seen = {cell, own[0]}
        queue = deque(own[:1])
        while missing and queue and len(seen) < _LOOK_AROUND:
            for other, _, _ in near[queue.popleft()]:
                if zone[other] == home and other not in seen:
                    seen.add(other)
                    missing.discard(other)
                    queue.append(other)
        return not missing

    def apply(self, move: Move) -> None:
        """Let a cell change zone."""
        cell, home, host, home_m, host_m = move
        load, area, outline = self.cell_load[cell], self.cell_area[cell], self.cell_outline[cell]
        self.zone[cell] = host
        self.load[home] -= load
        self.load[host] += load
        self.area[home] -= area
        self.area[host] += area
        self.outline[home] += 2 * home_m - outline
        self.outline[host] += outline - 2 * host_m
        for near, _, edge in self.near[cell]:
            if self.zone[near] == host:
                self._drop_cut(edge)
            elif self.zone[near] == home:
                self.cut_place[edge] = len(self.cut)
                self.cut.append(edge)

    def _drop_cut(self, edge: int) -> None:
        last = self.cut.pop()
        if last != edge:
            place = self.cut_place[edge]
            self.cut[place] = last
            self.cut_place[last] = place
        self.cut_place[edge] = -1


def _neighbours(land: Land) -> list[list[tuple[int, float, int]]]:
    """Return neighbour, common border in metres and number of the edge, for each cell."""
    near: list[list[tuple[int, float, int]]] = [[] for _ in range(land.count)]
    graph = land.graph
    edges = zip(graph.left.tolist(), graph.right.tolist(), graph.border_m.tolist(), strict=True)
    for edge, (left, right, border_m) in enumerate(edges):
        near[left].append((right, border_m, edge))
        near[right].append((left, border_m, edge))
    return near


@dataclass(slots=True)
class _Record:
    """The best zoning met, as the moves made since."""

    excess: float
    price: float
    since: list[tuple[int, int]] = field(default_factory=list)

    def add(self, cell: int, home: int, excess: float, price: float) -> None:
        self.since.append((cell, home))
        closer = excess < self.excess - _EPS
        if closer or (excess < self.excess + _EPS and price < self.price - _EPS):
            self.excess, self.price = excess, price
            self.since.clear()


def anneal(zoning: Zoning, goal: Goal, phase: Phase, rng: np.random.Generator) -> None:
    r"""
    Improve the zones by simulated annealing of border moves [1]_.

    The price of a zone with load :math:`w`, area :math:`A` and outline :math:`P` is
    the shape weight times :math:`P^2 / 16 A` (1 for a square, 4π/16 times the inverse
    of the isoperimetric quotient), plus
    :math:`((w - \bar w) / m \bar w)^2` for a margin :math:`m`, plus a steep price for
    what lies beyond the tolerance. A move is a cell that joins the zone across one of
    its borders; a swap is two of them, the first against a price that the temperature
    allows. What is left in `zoning` is the best it has been: first the least excess
    beyond the tolerance, then the least price.

    References
    ----------
    .. [1] Kirkpatrick, S., Gelatt, C. D. and Vecchi, M. P. (1983). Optimization by
       simulated annealing. *Science*, 220(4598), 671-680.
       https://doi.org/10.1126/science.220.4598.671
    """
    if not zoning.cut:
        return
    price = pricing(goal, phase)
    prices = [price(*sums) for sums in zip(zoning.load, zoning.area, zoning.outline, strict=True)]
    excess, total = math.fsum(map(goal.beyond, zoning.load)), math.fsum(prices)
    best = _Record(excess, total)
    cells_per_zone = len(zoning.zone) / len(prices)
    for picks, slacks in _blocks(phase, cells_per_zone, rng):
        for pick, slack in zip(picks, slacks, strict=True):
            move = zoning.proposed(pick)
            cell, home, host, home_m, host_m = move
            if not home_m:
                continue
            load, area = zoning.cell_load[cell], zoning.cell_area[cell]
            outline = zoning.cell_outline[cell]
            before = prices[home] + prices[host]
            left = price(
                zoning.load[home] - load,
                zoning.area[home] - area,
                zoning.outline[home] + 2 * home_m - outline,
            )
            joined = price(
                zoning.load[host] + load,
                zoning.area[host] + area,
                zoning.outline[host] + outline - 2 * host_m,
            )
            if left + joined - before >= slack or not zoning.may_leave(cell):
                continue
            excess -= goal.beyond(zoning.load[home]) + goal.beyond(zoning.load[host])
            zoning.apply(move)
            excess += goal.beyond(zoning.load[home]) + goal.beyond(zoning.load[host])
            prices[home], prices[host] = left, joined
            total += left + joined - before
            best.add(cell, home, excess, total)
    _go_back(zoning, best)


def pricing(goal: Goal, phase: Phase) -> Callable[[float, float, float], float]:
    """Return the price of a zone of a load, an area and an outline."""
    mean, shape, missed = goal.mean, phase.shape / _SQUARE, goal.mean * phase.margin
    allowed = goal.mean * goal.tolerance

    def price(load: float, area: float, outline: float) -> float:
        off = abs(load - mean)
        even = shape * outline * outline / area + (off / missed) ** 2
        return even if off <= allowed else even + phase.beyond * (off - allowed) / missed

    return price


def _blocks(
    phase: Phase, cells_per_zone: float, rng: np.random.Generator
) -> Iterator[tuple[list[float], list[float]]]:
    """Yield random picks, and how much worse each move may be, as it gets colder."""
    one_cell = 1 / math.sqrt(max(cells_per_zone, 1.0))
    for done in range(0, phase.moves, _BLOCK):
        size = min(_BLOCK, phase.moves - done)
        cooled = (phase.cold / phase.hot) ** (done / phase.moves)
        temperature = phase.hot * cooled * one_cell
        picks = rng.random(size)
        yield picks.tolist(), (-temperature * np.log1p(-rng.random(size))).tolist()


def _go_back(zoning: Zoning, best: _Record) -> None:
    """Undo the moves made since the best zoning."""
    for cell, home in reversed(best.since):
        zoning.apply(zoning.move_to(cell, home))
