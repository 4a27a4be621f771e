"""Cells of water with several bridges, found from the layers: nobody walks along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from gridplan.verify.contact import components
from gridplan.verify.frames import Floats, Places, Shapes

_STEP_M = 0.5
_LEAST_POINTS = 7
"""So many points of ways make a crossing; fewer only touch the water."""


@dataclass(frozen=True)
class WaterReading:
    """What counts as a cell of water, and as one place to cross it."""

    share: float
    beside_m: float
    one_place_m: float


MAY_CROSS = WaterReading(share=0.96, beside_m=1.1, one_place_m=55.0)
SURELY_CROSSES = WaterReading(share=0.94, beside_m=0.9, one_place_m=45.0)


def wet_shares(polygons: Shapes, water: Shapes) -> Floats:
    """Return the share of each cell that is water."""
    shares = np.zeros(len(polygons))
    water = water[~shapely.is_missing(water)]
    if not len(water):
        return shares
    cells, areas = shapely.STRtree(water).query(polygons, predicate="intersects")
    for one in np.unique(cells).tolist():
        dry = shapely.difference(polygons[one], shapely.union_all(water[areas[cells == one]]))
        shares[one] = 1 - shapely.area(dry) / shapely.area(polygons[one])
    return shares


def by_bridges(
    polygons: Shapes, pairs: Places, wet: Floats, ways: Shapes, reading: WaterReading
) -> tuple[Places, set[int]]:
    """
    Return pairs of cells in which bridges join land, and the cells of water that join nothing.

    Parameters
    ----------
    polygons : array of polygons, shape (n,)
    pairs : array of int, shape (2, m)
        Cells that hang together if a cell of water is one place.
    wet : array of float, shape (n,)
        Share of each cell that is water.
    ways : array of lines
    reading : WaterReading
    """
    water = np.flatnonzero(wet >= reading.share)
    points, place = _places(polygons[water], ways, reading)
    if not len(points):
        return pairs, set()
    tree = shapely.STRtree(points)
    met: dict[tuple[int, int], set[int]] = {}
    for own in water.tolist():
        on_it = set(tree.query(polygons[own], predicate="dwithin", distance=1.0).tolist())
        mine = (pairs == own).any(axis=0)
        for other in (pairs[:, mine].sum(axis=0) - own).tolist():
            near = tree.query(polygons[other], predicate="dwithin", distance=reading.beside_m)
            met[own, other] = {int(place[one]) for one in near.tolist() if one in on_it}
    split = {
        own
        for own in water.tolist()
        if len(set().union(*(at for (one, _), at in met.items() if one == own))) > 1
    }
    beside: dict[int, set[int]] = {}
    for (own, other), at in met.items():
        if own in split and other not in split:
            for one in at:
                beside.setdefault(one, set()).add(other)
    kept = ~np.isin(pairs, sorted(split)).any(axis=0)
    joined = {(a, b) for cells in beside.values() for a in cells for b in cells if a < b}
    links = np.array(sorted(joined), dtype=np.intp).reshape(-1, 2).T
    return np.concatenate([pairs[:, kept], links], axis=1), split


def _places(water: Shapes, ways: Shapes, reading: WaterReading) -> tuple[Shapes, Places]:
    """Return points every half metre on ways over water, and the place that each belongs to."""
    room = shapely.buffer(water, 1.0)
    at, way = shapely.STRtree(ways).query(room, predicate="intersects")
    inside = shapely.intersection(ways[way], room[at])
    fine = shapely.segmentize(inside, _STEP_M)
    coords = shapely.get_coordinates(fine)
    points = shapely.points(np.unique(np.round(coords, 3), axis=0))
    if not len(points):
        return points, np.empty(0, dtype=np.intp)
    first = _grouped(points, 2 * reading.beside_m)
    enough = np.bincount(first) >= _LEAST_POINTS
    points = points[enough[first]]
    return points, _grouped(points, reading.one_place_m)


def _grouped(points: Shapes, distance_m: float) -> Places:
    """Return the group of each point: those nearer than a distance are in one."""
    a, b = shapely.STRtree(points).query(points, predicate="dwithin", distance=distance_m)
    once = a < b
    return components(len(points), a[once].tolist(), b[once].tolist())
