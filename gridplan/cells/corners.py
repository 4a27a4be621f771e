"""Corners of a coverage: those of others put into an edge they lie on, and taken out again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import numpy as np
import shapely

from gridplan.geometry import Floats, Geometries

_ON_M = 1e-6
"""A corner nearer to an edge than this lies on it; what computing a crossing moves is 1e-9 m."""


def with_common_corners(polygons: Geometries) -> Geometries:
    """
    Return the polygons with each corner of another one put into the edges that it lies on.

    Lines that follow each other are then the same to the last digit, and noding them
    leaves no needle between. No outline moves by more than a micrometre.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon, shape (n,)
        In projected metres.

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 5)
    >>> shapely.get_num_coordinates(with_common_corners(np.array([left, right]))).tolist()
    [6, 5]
    """
    places = np.unique(shapely.get_coordinates(polygons), axis=0)
    tree = shapely.STRtree(shapely.points(places))

    def fuller(ring: Floats) -> Floats:
        edges = shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1))
        edge, place = tree.query(edges, predicate="dwithin", distance=_ON_M)
        first_m = _apart(places[place], ring[edge])
        between = (first_m > _ON_M) & (_apart(places[place], ring[edge + 1]) > _ON_M)
        if not between.any():
            return ring
        edge, place, first_m = edge[between], place[between], first_m[between]
        order = np.lexsort((first_m, edge))
        return np.asarray(np.insert(ring, edge[order] + 1, places[place[order]], axis=0))

    return _with_rings(polygons, fuller)


def without_idle_corners(polygons: Geometries, kept: Floats) -> Geometries:
    """
    Return the polygons without corners on a straight line that are not among `kept`.

    Both sides of a border lose the same corners, as long as every place where three
    polygons meet is kept.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon, shape (n,)
    kept : array of float, shape (m, 2)
        Coordinates that stay, to the last digit.

    Examples
    --------
    >>> square = shapely.Polygon([(0, 0), (5, 0), (10, 0), (10, 10), (0, 10)])
    >>> corners = shapely.get_coordinates(shapely.box(0, 0, 10, 10))
    >>> shapely.get_num_coordinates(without_idle_corners(np.array([square]), corners)).tolist()
    [5]
    """
    known = np.unique(kept @ [1, 1j])

    def barer(ring: Floats) -> Floats:
        own = ring[:-1]
        stays = np.isin(own @ [1, 1j], known)
        if stays.all() or stays.sum() < _LEAST_CORNERS:
            return ring
        first = int(np.argmax(stays))
        own, stays = np.roll(own, -first, axis=0), np.roll(stays, -first)
        at = np.flatnonzero(stays)
        run = np.searchsorted(at, np.arange(len(own)), side="right") - 1
        ends = own[np.append(at, 0)]
        chords = shapely.linestrings(np.stack([ends[run], ends[run + 1]], axis=1))
        bent = np.bincount(run, shapely.distance(shapely.points(own), chords) > _ON_M) > 0
        left = own[stays | bent[run]]
        return np.asarray(np.concatenate([left, left[:1]]))

    return _with_rings(polygons, barer)


_LEAST_CORNERS = 3


def _apart(left: Floats, right: Floats) -> Floats:
    return np.asarray(np.hypot(*(left - right).T))


def _with_rings(polygons: Geometries, change: Callable[[Floats], Floats]) -> Geometries:
    """Return the polygons with each ring changed; those of which none is, as they are."""
    result = polygons.copy()
    for at, polygon in enumerate(polygons):
        parts = [shapely.get_rings(one) for one in shapely.get_parts(polygon)]
        rings = [[shapely.get_coordinates(one) for one in own] for own in parts]
        changed = [[change(ring) for ring in own] for own in rings]
        if all(map(np.array_equal, chain(*changed), chain(*rings))):
            continue
        shapes = [shapely.Polygon(own[0], own[1:]) for own in changed]
        result[at] = shapes[0] if len(shapes) == 1 else shapely.MultiPolygon(shapes)
    return result
