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
from gridplan.zones.contiguity import Contiguity

Zones = TypeVar("Zones")

_LEAST = 1e-9
"""A step costs at least this share of the largest cost: of equal ways the shortest is taken."""
_MOST_TRIES = 400
"""Ways that are tried; each makes zones of all cells anew."""


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
    best, tries = made(label), 0
    least = rank(best)
    while tries < _MOST_TRIES:
        for part in _parts(graph, cost, label, mass):
            tries += 1
            way = _way(graph, cost, label, part)
            if not len(way):
                continue
            other = label.copy()
            other[way] = part.zone
            zones = made(other)
            if rank(zones) < least:
                best, least, label = zones, rank(zones), other
                break
        else:
            return best
    return best


def _parts(graph: Contiguity, cost: Floats, label: Ints, mass: Floats) -> list[_Part]:
    """Return all parts but the main one of each zone, those dearest to give away first."""
    same = label[graph.left] == label[graph.right]
    part = Contiguity(
        graph.left[same], graph.right[same], graph.border_m[same], graph.count
    ).components()
    weight = np.bincount(part, weights=mass)
    second = np.partition(cost, 1, axis=1)[:, 1] if cost.shape[1] > 1 else cost[:, 0]
    regret = np.maximum(second - cost[np.arange(len(label)), label], 0.0)
    lost = np.bincount(part, weights=regret)
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


def _way(graph: Contiguity, cost: Floats, label: Ints, part: _Part) -> Ints:
    """Return the cells between a part and the rest of its zone that join them at least cost."""
    dearer = cost[:, part.zone] - cost[np.arange(len(label)), label]
    step = np.maximum(dearer, 0.0) + _LEAST * max(float(cost.max()), _LEAST)
    ends = np.concatenate([graph.left, graph.right]), np.concatenate([graph.right, graph.left])
    ways = csr_array((step[ends[1]], ends), shape=(graph.count, graph.count))
    found = dijkstra(ways, indices=part.rest, min_only=True, return_predecessors=True)
    length, before = found[0], found[1]
    cell = int(part.cells[length[part.cells].argmin()])
    if not np.isfinite(length[cell]):
        return np.empty(0, dtype=np.intp)
    way = []
    while before[cell] >= 0:
        cell = int(before[cell])
        way.append(cell)
    return np.array([one for one in way if label[one] != part.zone], dtype=np.intp)
