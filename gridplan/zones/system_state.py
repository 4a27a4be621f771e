"""Zones of a system under way: their loads, areas and outlines, and what each costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Contiguity, Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.land import Land, zone_perimeters, zone_sums
from gridplan.zones.parts import Parts

_EPS = 1e-9
_EVEN = 0.2
"""Within what is allowed, even loads count for less than square zones."""
DECIMALS = 9

Price = tuple[float, float]
"""What a zone costs, and how far its loads are beyond what is allowed, in spans."""
Loads = tuple[float, ...]
"""What a zone has of each weight, in spans."""
Sums = tuple[list[Loads], list[float], list[float], list[Price]]
"""Loads, areas, outlines and prices of zones."""


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

    def part(self, zones: Ints) -> Aims:
        """Return the aims of some of the zones, in their order."""
        return replace(
            self, target=self.target[zones], least=self.least[zones], most=self.most[zones]
        )


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
    beside : Contiguity
        Borders without a way across: they join no zone, but are no outline of one that
        lies on both sides.
    leaving : array of float, shape (n, k), or None
        What each unit costs in each zone, e.g. for leaving the zone it was in before.
    """

    land: Land
    weights: Floats
    fixed: Flags
    beside: Contiguity
    leaving: Floats | None = None

    def part(self, members: Ints, zones: Ints) -> Units:
        """Return some of the units and zones, renumbered in their order."""
        place = np.full(self.land.count, -1, dtype=np.intp)
        place[members] = np.arange(len(members))
        left, right = place[self.beside.left], place[self.beside.right]
        inside = (left >= 0) & (right >= 0)
        return Units(
            self.land.part(members),
            self.weights[members],
            self.fixed[members],
            Contiguity(left[inside], right[inside], self.beside.border_m[inside], len(members)),
            None if self.leaving is None else self.leaving[np.ix_(members, zones)],
        )

    def outlines(self, zone: Ints, k: int) -> Floats:
        """Return the length of each zone's outline, in metres."""
        inner = zone[self.beside.left] == zone[self.beside.right]
        shared = zone_sums(self.beside.border_m[inner], zone[self.beside.left[inner]], k)
        return zone_perimeters(self.land, zone, k) - 2 * shared


class Prices:
    """What zones cost by their loads, areas and outlines."""

    def __init__(self, aims: Aims, *, shape: float = 1.0, beyond: float = 20.0) -> None:
        self.aims, self.shape, self.beyond = aims, shape, beyond
        bounds = np.stack([aims.target, aims.least, aims.most], axis=2) / aims.span[:, None]
        self.bounds: list[list[tuple[float, float, float]]] = [
            [(one[0], one[1], one[2]) for one in own] for own in bounds.tolist()
        ]
        # One load is what most systems have, and a loop over one takes as long as all the rest.
        self.single = len(aims.span) == 1
        self.cost = self._cost_of_one if self.single else self._cost_of_all

    def _cost_of_one(self, own: int, load: Sequence[float], area: float, outline: float) -> Price:
        """Return the price and the excess of a zone of one load."""
        one, (target, least, most) = load[0], self.bounds[own][0]
        even = self.shape * math.log(outline * outline / area) + _EVEN * (one - target) ** 2
        beyond = one - most if one > most else least - one
        if beyond > _EPS:
            return even + self.beyond * beyond, beyond
        return even, 0.0

    def _cost_of_all(self, own: int, load: Sequence[float], area: float, outline: float) -> Price:
        """Return the price and the excess of a zone."""
        even = self.shape * math.log(outline * outline / area)
        beyond = 0.0
        for one, (target, least, most) in zip(load, self.bounds[own], strict=True):
            even += _EVEN * (one - target) ** 2
            if one > most:
                beyond += one - most
            elif one < least:
                beyond += least - one
        if beyond > _EPS:
            return even + self.beyond * beyond, beyond
        return even, 0.0

    def of_zones(self, units: Units, zone: Ints) -> Sums:
        """Return the loads in spans, areas, outlines and prices of zones."""
        k = len(self.bounds)
        load = np.stack([zone_sums(one, zone, k) for one in units.weights.T], axis=1)
        loads = [tuple(one) for one in (load / self.aims.span).tolist()]
        areas: list[float] = zone_sums(units.land.area_m2, zone, k).tolist()
        outlines: list[float] = units.outlines(zone, k).tolist()
        return loads, areas, outlines, list(map(self.cost, range(k), loads, areas, outlines))


class State(Prices):
    """Zones, their loads, areas and outlines, and what each costs."""

    def __init__(
        self, units: Units, zone: Ints, aims: Aims, *, shape: float = 1.0, beyond: float = 20.0
    ) -> None:
        super().__init__(aims, shape=shape, beyond=beyond)
        land, k = units.land, len(aims.target)
        self.parts = Parts(land.graph.left, land.graph.right, zone, k)
        self.near: list[list[tuple[int, float]]] = [[] for _ in range(land.count)]
        """Every unit beside each one, a way across or not, and the border in metres."""
        for graph in (land.graph, units.beside):
            borders = graph.border_m.tolist()
            for a, b, m in zip(graph.left.tolist(), graph.right.tolist(), borders, strict=True):
                self.near[a].append((b, m))
                self.near[b].append((a, m))
        self.weight: list[list[float]] = (units.weights / aims.span).tolist()
        self.unit_area: list[float] = land.area_m2.tolist()
        self.unit_outline: list[float] = land.perimeter_m.tolist()
        self.leaving: list[list[float]] | None = (
            None if units.leaving is None else units.leaving.tolist()
        )
        self.load, self.area, self.outline, self.costs = self.of_zones(units, zone)

    def moved(self, unit: int, home: int, host: int) -> tuple[Loads, Loads]:
        """Return the loads of two zones after a unit goes from the first to the second."""
        weight, load = self.weight[unit], self.load
        if self.single:
            return (load[home][0] - weight[0],), (load[host][0] + weight[0],)
        return (
            tuple([a - b for a, b in zip(load[home], weight, strict=True)]),
            tuple([a + b for a, b in zip(load[host], weight, strict=True)]),
        )

    def borders(self, unit: int, home: int, host: int) -> tuple[float, float]:
        """Return the border of a unit with its own zone and with another, in metres."""
        part = self.parts.part
        home_m = host_m = 0.0
        for other, metres in self.near[unit]:
            own = part[other]
            if own == home:
                home_m += metres
            elif own == host:
                host_m += metres
        return home_m, host_m

    def left_behind(self) -> float:
        """Return what units cost for the zones they are in."""
        if self.leaving is None:
            return 0.0
        return math.fsum(one[own] for one, own in zip(self.leaving, self.parts.part, strict=True))

    def rank(self) -> tuple[float, float]:
        """Return the excess, then the price; smaller is better."""
        return _rank(self.costs, self.left_behind())


def _rank(costs: Sequence[Price], left: float) -> tuple[float, float]:
    total = math.fsum(one[0] for one in costs) + left
    return round(math.fsum(one[1] for one in costs), DECIMALS), round(total, DECIMALS)


def rank_of(units: Units, zone: Ints, aims: Aims) -> tuple[float, float]:
    """Return how good zones are: excess, then price; smaller is better."""
    leaving, at = units.leaving, np.arange(units.land.count)
    left = 0.0 if leaving is None else math.fsum(leaving[at, zone].tolist())
    return _rank(Prices(aims).of_zones(units, zone)[-1], left)


def widened(aims: Aims, units: Units) -> Aims:
    """Return aims with a span of at least one unit, to pass through uneven zones."""
    one = np.array([np.median(w[w > 0]) if (w > 0).any() else 0.0 for w in units.weights.T])
    return replace(aims, span=np.maximum(aims.span, one))
