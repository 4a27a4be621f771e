"""Local search of a zone system: border units change zone, several loads, some units fixed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.system_state import DECIMALS, Aims, State, Units

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
    walk = _Walk(state, units.fixed.tolist())
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


class _Walk:
    """A course under way, and the best zones on it."""

    def __init__(self, state: State, fixed: list[bool]) -> None:
        self.state, self.fixed = state, fixed
        self.total = math.fsum(one[0] for one in state.costs) + state.left_behind()
        # As after each move: else what is as good would count as worse, by rounding.
        self.excess = round(math.fsum(one[1] for one in state.costs), DECIMALS)
        self.best = self.excess, self.total
        self.since: list[tuple[int, int]] = []

    def best_zone(self) -> Ints:
        """Return the best zones: the ones of now, with the moves since undone."""
        part = np.array(self.state.parts.part, dtype=np.intp)
        for unit, home in reversed(self.since):
            part[unit] = home
        return part

    def block(self, picks: list[float], slacks: list[float]) -> None:
        """Propose a block of moves."""
        state, fixed = self.state, self.fixed
        parts, weights, loads, leaving = state.parts, state.weight, state.load, state.leaving
        areas, outlines, costs, members = state.area, state.outline, state.costs, parts.members
        for pick, slack in zip(picks, slacks, strict=True):
            unit, home, host = parts.proposed(pick)
            if fixed[unit] or len(members[home]) == 1:
                continue
            weight = weights[unit]
            lighter = [a - b for a, b in zip(loads[home], weight, strict=False)]
            heavier = [a + b for a, b in zip(loads[host], weight, strict=False)]
            home_m, host_m = state.borders(unit, home, host)
            area, outline = state.unit_area[unit], state.unit_outline[unit]
            home_line = outlines[home] + 2 * home_m - outline
            host_line = outlines[host] + outline - 2 * host_m
            left = state.cost(home, lighter, areas[home] - area, home_line)
            joined = state.cost(host, heavier, areas[host] + area, host_line)
            before_home, before_host = costs[home], costs[host]
            more = left[0] + joined[0] - before_home[0] - before_host[0]
            if leaving is not None:
                more += leaving[unit][host] - leaving[unit][home]
            if more >= slack or not parts.may_leave(unit):
                continue
            worse = left[1] + joined[1] - before_home[1] - before_host[1]
            parts.apply((unit, home, host))
            loads[home], loads[host] = lighter, heavier
            areas[home] -= area
            areas[host] += area
            outlines[home], outlines[host] = home_line, host_line
            costs[home], costs[host] = left, joined
            self.total += more
            self.excess = max(0.0, round(self.excess + worse, DECIMALS))
            self.since.append((unit, home))
            best = self.best
            if self.excess < best[0] or (self.excess == best[0] and self.total < best[1] - _EPS):
                self.best = self.excess, self.total
                self.since.clear()
