"""Fewer moves after a search for a new plan: all partitions of few units, else giving back."""

from __future__ import annotations

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.land import zone_sums
from gridplan.zones.system_asked import Asked
from gridplan.zones.system_state import DECIMALS, rank_of

_MOST_UNITS = 12
_MOST_PARTITIONS = 300_000
"""More labels of units than these are left to single moves."""
_MOST_TIES = 50
_EPS = 1e-9


def fewest_moves(asked: Asked, zone: Ints, moved: Floats) -> Ints:
    """
    Return zones with no more excess and no more moves than those given.

    Of up to 12 units, where all partitions are few enough, the fewest that can move.

    Parameters
    ----------
    asked : Asked
    zone : array of int, shape (n,)
        Of each unit.
    moved : array of float, shape (n, k)
        What moves where a unit is in each zone.
    """
    exact = _of_all(asked, moved)
    found = _given_back(asked, zone, moved) if exact is None else exact
    return min((zone, found), key=lambda one: _order(asked, one, moved))


def _order(asked: Asked, zone: Ints, moved: Floats) -> tuple[float, float]:
    total = float(moved[np.arange(len(zone)), zone].sum())
    return rank_of(asked.units, zone, asked.aims)[0], round(total, DECIMALS)


def _of_all(asked: Asked, moved: Floats) -> Ints | None:
    """Return the best of all partitions; None if they are too many, or none fits."""
    count, k = moved.shape
    if count > _MOST_UNITS or k**count > _MOST_PARTITIONS:
        return None
    labels = np.indices((k,) * count).reshape(count, -1).T
    fits = np.ones(len(labels), dtype=bool)
    for unit in range(count):
        fits &= np.isin(labels[:, unit], _allowed(asked, unit))
    for own in range(k):
        fits &= (labels == own).any(axis=1)
    labels = labels[fits]
    excess = np.round(_excesses(asked, labels), DECIMALS)
    total = np.round(moved[np.arange(count), labels].sum(axis=1), DECIMALS)
    best: list[Ints] = []
    least = (np.inf, np.inf)
    for at in np.lexsort((total, excess)).tolist():
        worse = (excess[at], total[at]) > least
        if best and (worse or len(best) >= _MOST_TIES):
            break
        if _connected(asked, labels[at]):
            least = (excess[at], total[at])
            best.append(labels[at])
    return min(best, key=lambda one: rank_of(asked.units, one, asked.aims), default=None)


def _allowed(asked: Asked, unit: int) -> list[int]:
    """Return the zones in which a unit may be."""
    seeds = asked.seeds
    for own, units in enumerate(seeds.units):
        if unit in units and (unit == units[0] or asked.units.fixed[unit]):
            return [own]
    return [
        own
        for own in asked.zones_of_pieces[asked.ground.piece[unit]].tolist()
        if own >= len(seeds.units) or not seeds.closed[own] or unit in seeds.units[own]
    ]


def _excesses(asked: Asked, labels: Ints) -> Floats:
    aims, total = asked.aims, np.zeros(len(labels))
    for kind, weight in enumerate(asked.units.weights.T):
        for own in range(asked.k):
            load = (labels == own) @ weight
            beyond = np.maximum(load - aims.most[own, kind], aims.least[own, kind] - load)
            off = np.maximum(beyond, 0.0) / aims.span[kind]
            total += np.where(off > _EPS, off, 0.0)
    return np.asarray(total, dtype=np.float64)


def _connected(asked: Asked, zone: Ints) -> bool:
    graph = asked.ground.land.graph
    same = zone[graph.left] == zone[graph.right]
    part = labelled_components(graph.left[same], graph.right[same], len(zone))
    return int(part.max()) + 1 == len(set(zone.tolist())) == asked.k


def _excess(asked: Asked, zone: Ints) -> float:
    load = np.stack([zone_sums(one, zone, asked.k) for one in asked.units.weights.T], axis=1)
    return round(asked.aims.excess(load), DECIMALS)


def _given_back(asked: Asked, zone: Ints, moved: Floats) -> Ints:
    """Return zones after single moves back, while the excess does not grow."""
    near = asked.ground.neighbours()
    zone, excess = zone.copy(), _excess(asked, zone)
    while True:
        own = moved[np.arange(len(zone)), zone]
        gains = [
            (float(moved[unit, other] - own[unit]), unit, other)
            for unit in np.flatnonzero(own > moved.min(axis=1) + _EPS).tolist()
            for other in sorted({int(zone[one]) for one in near[unit]})
            if moved[unit, other] < own[unit] - _EPS and other in _allowed(asked, unit)
        ]
        for _, unit, other in sorted(gains):
            tried = zone.copy()
            tried[unit] = other
            more = _excess(asked, tried)
            if more <= excess and _connected(asked, tried):
                zone, excess = tried, more
                break
        else:
            return zone
