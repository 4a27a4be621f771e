"""Local search of a zone system: border units change zone, several loads, some units fixed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.parts import Move
from gridplan.zones.system_state import DECIMALS, Aims, Loads, Price, State, Units

_BLOCK = 4096
_EPS = 1e-9

Keep = Callable[[int, Ints], bool]
"""Told the moves proposed since the last call and the best zones; false: stop here."""


@dataclass(frozen=True, slots=True)
class Course:
    """
    One course of annealing.

    Attributes
    ----------
    moves : int
        Moves to propose.
    hot, cold : float
        First and last temperature; 1 is what a zone costs more that is less compact by a
        factor of e.
    shape : float
        Weight of compactness.
    beyond : float
        What each span costs that a zone is beyond what is allowed.
    """

    moves: int
    hot: float = 0.2
    cold: float = 0.002
    shape: float = 1.0
    beyond: float = 20.0


def anneal_system(
    units: Units, zone: Ints, aims: Aims, course: Course, rng: np.random.Generator, keep: Keep
) -> Ints:
    r"""
    Return zones improved by annealing of border moves that never break a zone [1]_.

    A zone costs the shape weight times :math:`\ln P^2 / A`, so that one that cannot be
    compact (a canal) does not outweigh the others, plus for each weight
    a fifth of :math:`((w - t) / s)^2` for its target `t` and span `s`, plus a steep price for what
    is beyond its bounds, plus what its units cost for leaving the zone they were in.
    The best zones of the course are returned: first the least
    excess beyond the bounds, then the least price.

    Parameters
    ----------
    units : Units
    zone : array of int, shape (n,)
        Connected zones from 0, each with a unit.
    aims : Aims
    course : Course
    rng : Generator
    keep : callable
        Called after each block of moves.

    References
    ----------
    .. [1] Kirkpatrick, S., Gelatt, C. D. and Vecchi, M. P. (1983). Optimization by
       simulated annealing. *Science*, 220(4598), 671-680.
       https://doi.org/10.1126/science.220.4598.671
    """
    state = State(units, zone, aims, shape=course.shape, beyond=course.beyond)
    walk = Walk(state, units.fixed.tolist())
    for done in range(0, course.moves, _BLOCK):
        if not state.parts.cut:
            break
        size = min(_BLOCK, course.moves - done)
        heat = course.hot * (course.cold / course.hot) ** (done / course.moves)
        slacks = (-heat * np.log1p(-rng.random(size))).tolist()
        walk.block(rng.random(size).tolist(), slacks)
        if not keep(size, walk.best_zone()):
            break
    return walk.best_zone()


_Priced = tuple[int, float, float, Loads, Loads, float, float, Price, Price]
"""
After how many moves a move was priced, what it costs, what it adds to the excess, and of its two
zones the loads, outlines and prices after it.
"""


class Walk:
    """A course under way, and the best zones on it."""

    def __init__(self, state: State, fixed: list[bool]) -> None:
        self.state, self.fixed = state, fixed
        self.total = math.fsum(one[0] for one in state.costs) + state.left_behind()
        # As after each move: else what is as good would count as worse, by rounding.
        self.excess = round(math.fsum(one[1] for one in state.costs), DECIMALS)
        self.best = self.excess, self.total
        self.since: list[tuple[int, int]] = []
        self.moves = 0
        self.changed = [0] * len(state.costs)
        """After how many moves each zone changed last."""
        self.known: list[dict[int, _Priced]] = [{} for _ in fixed]
        """Of each unit, by zone: about half of all moves were proposed to the same two zones."""

    def best_zone(self) -> Ints:
        """Return the best zones: the ones of now, with the moves since undone."""
        part = np.array(self.state.parts.part, dtype=np.intp)
        for unit, home in reversed(self.since):
            part[unit] = home
        return part

    def block(self, picks: list[float], slacks: list[float]) -> None:
        """Propose a block of moves."""
        fixed, changed, known = self.fixed, self.changed, self.known
        parts, members = self.state.parts, self.state.parts.members
        proposed, may_leave = parts.proposed, parts.may_leave
        for pick, slack in zip(picks, slacks, strict=True):
            move = unit, home, host = proposed(pick)
            if fixed[unit] or len(members[home]) == 1:
                continue
            priced = known[unit].get(host)
            if priced is None or priced[0] < changed[home] or priced[0] < changed[host]:
                known[unit][host] = priced = self.priced(move)
            if priced[1] < slack and may_leave(unit):
                self.make(move, priced)

    def priced(self, move: Move) -> _Priced:
        """Return what a move costs."""
        state, (unit, home, host) = self.state, move
        lighter, heavier = state.moved(unit, home, host)
        home_m, host_m = state.borders(unit, home, host)
        area, outline = state.unit_area[unit], state.unit_outline[unit]
        home_line = state.outline[home] + 2 * home_m - outline
        host_line = state.outline[host] + outline - 2 * host_m
        left = state.cost(home, lighter, state.area[home] - area, home_line)
        joined = state.cost(host, heavier, state.area[host] + area, host_line)
        before_home, before_host = state.costs[home], state.costs[host]
        more = left[0] + joined[0] - before_home[0] - before_host[0]
        if state.leaving is not None:
            more += state.leaving[unit][host] - state.leaving[unit][home]
        worse = left[1] + joined[1] - before_home[1] - before_host[1]
        return self.moves, more, worse, lighter, heavier, home_line, host_line, left, joined

    def make(self, move: Move, priced: _Priced) -> None:
        """Let a unit change zone, and remember the best."""
        state, (unit, home, host) = self.state, move
        _, more, worse, lighter, heavier, home_line, host_line, left, joined = priced
        state.parts.apply(move)
        self.moves += 1
        self.changed[home] = self.changed[host] = self.moves
        state.load[home], state.load[host] = lighter, heavier
        state.area[home] -= state.unit_area[unit]
        state.area[host] += state.unit_area[unit]
        state.outline[home], state.outline[host] = home_line, host_line
        state.costs[home], state.costs[host] = left, joined
        self.total += more
        self.excess = max(0.0, round(self.excess + worse, DECIMALS))
        self.since.append((unit, home))
        best = self.best
        if self.excess < best[0] or (self.excess == best[0] and self.total < best[1] - _EPS):
            self.best = self.excess, self.total
            self.since.clear()
