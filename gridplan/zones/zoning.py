"""Connected zones whose border cells change zone, so that no zone ever falls apart."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.land import Land, zone_perimeters, zone_sums

_LOOK_AROUND = 400
"""Cells looked at before a zone is taken to fall apart; a way round that long is a ring."""

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
