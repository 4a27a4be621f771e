"""Zones in several parts: where a way between the parts costs less than to give them away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridplan.geometry import Floats
from gridplan.unify.claims import Ints
from gridplan.zones.contiguity import Contiguity, labelled_components

Zones = TypeVar("Zones")

_LEAST = 1e-9
"""A step costs at least this share of the largest cost: of equal ways the shortest is taken."""
_CELLS, _FEWEST_TRIES = 60_000, 10
"""Ways that are tried, fewer of more cells, since each makes zones of all of them anew."""
_LOOKS = 4
"""So many times as many ways are looked for."""
_DECIMALS = 6
_RENAMED = 0.05
"""By what share new names of the zones may make them cost less than their division did."""


@dataclass(frozen=True)
class _Part:
    """A part of a zone that is not with the rest of it."""

    zone: int
    cells: Ints
    rest: Ints


def joined_zones(
    graph: Contiguity,
    cost: Floats,
    label: Ints,
    mass: Floats,
    made: Callable[[Ints], Zones],
    rank: Callable[[Zones], tuple[float, float]],
) -> Zones:
    """
    Return connected zones of a division whose zones may be in several parts.

    A part is given away, or joined to the rest of its zone by the cells between them that
    this costs least, whichever is better for all zones; parts of most cost come first.

    Parameters
    ----------
    graph : Contiguity
        Of the cells.
    cost : ndarray, shape (n, k)
        Of each cell in each zone.
    label : ndarray of int, shape (n,)
    mass : ndarray, shape (n,)
        The part of a zone that has most of it is what the others are joined to.
    made : callable
        Makes connected zones of a division, in which parts are given away.
    rank : callable
        Of such zones; smaller is better.
    """
    best = made(label)
    least, tries = rank(best), max(_FEWEST_TRIES, _CELLS // max(graph.count, 1))
    looks, every = _LOOKS * tries, np.arange(len(label))
    better = True
    while better:
        better = False
        base = float(cost[every, label].sum())
        for part in _parts(graph, cost, label, mass):
            if not tries or not looks:
                return best
            looks -= 1
            way, dearer = _way(graph, cost, label, part)
            # Zones cost at least as much as their division, by the names that they began with.
            if not len(way) or (least[0] <= 0 and base + dearer >= least[1] * (1.0 + _RENAMED)):
                continue
            tries -= 1
            other = label.copy()
            other[way] = part.zone
            zones = made(other)
            if rank(zones) < least:
                best, least, label, better = zones, rank(zones), other, True
                break
    return best


def _parts(graph: Contiguity, cost: Floats, label: Ints, mass: Floats) -> list[_Part]:
    """Return all parts but the main one of each zone, those dearest to give away first."""
    same = label[graph.left] == label[graph.right]
    part = labelled_components(graph.left[same], graph.right[same], graph.count)
    weight = np.bincount(part, weights=mass)
    second = np.partition(cost, 1, axis=1)[:, 1] if cost.shape[1] > 1 else cost[:, 0]
    regret = np.maximum(second - cost[np.arange(len(label)), label], 0.0)
    lost = np.round(np.bincount(part, weights=regret), _DECIMALS)
    order = np.argsort(part, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(part[order])) + 1)
    found = []
    for zone in np.unique(label).tolist():
        own = np.unique(part[label == zone])
        main = own[np.lexsort((own, -weight[own]))[0]]
        found += [
            _Part(zone, members[one], members[main])
            for one in own.tolist()
            if one != main and lost[one] > 0
        ]
    return sorted(found, key=lambda one: (-lost[part[one.cells[0]]], int(one.cells[0])))


def _way(graph: Contiguity, cost: Floats, label: Ints, part: _Part) -> tuple[Ints, float]:
    """
    Return the cells that join a part to the rest of its zone at least cost, and that cost.

    No cells where there is no way.
    """
    dearer = cost[:, part.zone] - cost[np.arange(len(label)), label]
    step = np.maximum(dearer, 0.0) + _LEAST * max(float(cost.max()), _LEAST)
    ends = np.concatenate([graph.left, graph.right]), np.concatenate([graph.right, graph.left])
    ways = csr_array((step[ends[1]], ends), shape=(graph.count, graph.count))
    length, before = dijkstra(ways, indices=part.rest, min_only=True, return_predecessors=True)[:2]
    cell = int(part.cells[length[part.cells].argmin()])
    if not np.isfinite(length[cell]):
        return np.empty(0, dtype=np.intp), 0.0
    way = []
    while before[cell] >= 0:
        cell = int(before[cell])
        way.append(cell)
    found = np.array([one for one in way if label[one] != part.zone], dtype=np.intp)
    return found, float(dearer[found].sum())
