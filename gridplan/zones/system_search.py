"""Local search of a zone system: several loads, units that stay where they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.land import Land, zone_perimeters, zone_sums
from gridplan.zones.parts import Parts

_SQUARE = 16.0
"""P² / A of a square, so that the shape of a square zone costs 1."""
_BLOCK = 4096
_EPS = 1e-9
_EVEN = 0.2
"""Within what is allowed, even loads count for less than square zones."""
_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Aims:
    """
    What the zones of a system should have of each weight.

    Attributes
    ----------
    target, least, most : array of float, shape (k, w)
        The load that costs nothing, and the bounds of what is allowed.
    span : array of float, shape (w,)
        What a load may miss before it costs 1; positive.
    """

    target: Floats
    least: Floats
    most: Floats
    span: Floats

    def excess(self, load: Floats) -> float:
        """Return how far loads, shape (k, w), are beyond what is allowed, in spans."""
        off = np.maximum(np.maximum(load - self.most, self.least - load), 0.0) / self.span
        return math.fsum(np.where(off > _EPS, off, 0.0).ravel())


@dataclass(frozen=True, slots=True)
class Units:
    """
    Units in a fixed order: what zones are made of.

    Attributes
    ----------
    land : Land
        Area, outline and borders; the graph joins units that a zone may join.
    weights : array of float, shape (n, w)
    fixed : array of bool, shape (n,)
        Units that stay in the zone of the start: anchors and locked cells.
    """

    land: Land
    weights: Floats
    fixed: Flags


@dataclass(frozen=True, slots=True)
class Course:
    """
    One course of annealing.

    Attributes
    ----------
    moves : int
        Moves to propose.
    hot, cold : float
        First and last temperature; 1 is about the price of one unit more on a border.
    shape : float
        Weight of compactness.
    beyond : float
        What each span costs that a zone is beyond what is allowed.
    """

    moves: int
    hot: float = 1.0
    cold: float = 0.01
    shape: float = 1.0
    beyond: float = 20.0


class _State:
    """Zones, their loads, areas and outlines, and what each costs."""

    def __init__(self, units: Units, zone: Ints, aims: Aims, course: Course) -> None:
        land, k = units.land, len(aims.target)
        self.parts = Parts(land.graph.left, land.graph.right, zone, k)
        self.border: list[float] = land.graph.border_m.tolist()
        self.weight: list[list[float]] = (units.weights / aims.span).tolist()
        self.unit_area: list[float] = land.area_m2.tolist()
        self.unit_outline: list[float] = land.perimeter_m.tolist()
        load = np.stack([zone_sums(one, zone, k) for one in units.weights.T], axis=1)
        self.load: list[list[float]] = (load / aims.span).tolist()
        self.area: list[float] = zone_sums(land.area_m2, zone, k).tolist()
        self.outline: list[float] = zone_perimeters(land, zone, k).tolist()
        bounds = np.stack([aims.target, aims.least, aims.most], axis=2) / aims.span[:, None]
        self.bounds: list[list[list[float]]] = bounds.tolist()
        self.shape, self.beyond = course.shape / _SQUARE, course.beyond
        self.costs = [self.cost(own, self.load[own], self.area[own], self.outline[own])
                      for own in range(k)]  # fmt: skip

    def cost(self, own: int, load: list[float], area: float, outline: float) -> tuple[float, float]:
        """Return the price and the excess of a zone."""
        even = self.shape * outline * outline / area
        beyond = 0.0
        for one, (target, least, most) in zip(load, self.bounds[own], strict=True):
            even += _EVEN * (one - target) ** 2
            if one > most:
                beyond += one - most
            elif one < least:
                beyond += least - one
        return even + self.beyond * beyond, beyond if beyond > _EPS else 0.0

    def borders(self, unit: int, home: int, host: int) -> tuple[float, float]:
        """Return the border of a unit with its own zone and with another, in metres."""
        part = self.parts.part
        home_m = host_m = 0.0
        for other, edge in self.parts.near[unit]:
            if part[other] == home:
                home_m += self.border[edge]
            elif part[other] == host:
                host_m += self.border[edge]
        return home_m, host_m


def anneal_system(
    units: Units, zone: Ints, aims: Aims, course: Course, rng: np.random.Generator
) -> Ints:
    r"""
    Return zones improved by annealing of border moves that never break a zone.

    A zone costs the shape weight times :math:`P^2 / 16 A`, plus for each weight
    a fifth of :math:`((w - t) / s)^2` for its target `t` and span `s`, plus a steep price for what
    is beyond its bounds. The best zones of the course are returned: first the least
    excess beyond the bounds, then the least price.

    Parameters
    ----------
    units : Units
    zone : array of int, shape (n,)
        Connected zones from 0, each with a unit.
    aims : Aims
    course : Course
    rng : Generator
    """
    state = _State(units, zone, aims, course)
    parts, fixed = state.parts, units.fixed.tolist()
    total = math.fsum(one[0] for one in state.costs)
    excess = math.fsum(one[1] for one in state.costs)
    best = excess, total
    since: list[tuple[int, int]] = []
    one_unit = 1 / math.sqrt(max(len(fixed) / len(state.costs), 1.0))
    for done in range(0, course.moves, _BLOCK):
        if not parts.cut:
            break
        size = min(_BLOCK, course.moves - done)
        heat = course.hot * (course.cold / course.hot) ** (done / course.moves) * one_unit
        slacks = (-heat * np.log1p(-rng.random(size))).tolist()
        for pick, slack in zip(rng.random(size).tolist(), slacks, strict=True):
            unit, home, host = parts.proposed(pick)
            if fixed[unit] or len(parts.members[home]) == 1:
                continue
            weight = state.weight[unit]
            lighter = [a - b for a, b in zip(state.load[home], weight, strict=True)]
            heavier = [a + b for a, b in zip(state.load[host], weight, strict=True)]
            home_m, host_m = state.borders(unit, home, host)
            area, outline = state.unit_area[unit], state.unit_outline[unit]
            home_line = state.outline[home] + 2 * home_m - outline
            host_line = state.outline[host] + outline - 2 * host_m
            left = state.cost(home, lighter, state.area[home] - area, home_line)
            joined = state.cost(host, heavier, state.area[host] + area, host_line)
            before_home, before_host = state.costs[home], state.costs[host]
            more = left[0] + joined[0] - before_home[0] - before_host[0]
            if more >= slack or not parts.may_leave(unit):
                continue
            worse = left[1] + joined[1] - before_home[1] - before_host[1]
            parts.apply((unit, home, host))
            state.load[home], state.load[host] = lighter, heavier
            state.area[home] -= area
            state.area[host] += area
            state.outline[home], state.outline[host] = home_line, host_line
            state.costs[home], state.costs[host] = left, joined
            total += more
            excess = max(0.0, round(excess + worse, _DECIMALS))
            since.append((unit, home))
            if excess < best[0] or (excess == best[0] and total < best[1] - _EPS):
                best = excess, total
                since.clear()
    for unit, home in reversed(since):
        parts.part[unit] = home
    return np.array(parts.part, dtype=np.intp)


def rank_of(units: Units, zone: Ints, aims: Aims, course: Course) -> tuple[float, float]:
    """Return how good zones are: excess, then price; smaller is better."""
    state = _State(units, zone, aims, course)
    load = np.stack([zone_sums(one, zone, len(aims.target)) for one in units.weights.T], axis=1)
    total = math.fsum(one[0] for one in state.costs)
    return round(aims.excess(load), _DECIMALS), round(total, _DECIMALS)


def widened(aims: Aims, units: Units) -> Aims:
    """Return aims with a span of at least one unit, to pass through uneven zones."""
    one = np.array([np.median(w[w > 0]) if (w > 0).any() else 0.0 for w in units.weights.T])
    return replace(aims, span=np.maximum(aims.span, one))
