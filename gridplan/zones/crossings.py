"""Borders of cells that nobody can walk across: along water or a motorway, without a crossing."""

from __future__ import annotations

import numpy as np
import shapely

from gridplan.geometry import Geometries
from gridplan.zones.contiguity import Contiguity
from gridplan.zones.districts_problem import Flags

_BESIDE_M = 1.0
"""A border so near to water or a motorway runs along it."""
_WAY_M = 1.0
"""Less free border than this lets nobody through."""


def uncrossed_borders(
    shapes: Geometries, graph: Contiguity, *, obstacles: Geometries, ways: Geometries
) -> Flags:
    """
    Return which common borders of cells part them: no free stretch, and no way across.

    Parameters
    ----------
    shapes : array of polygons, shape (n,)
    graph : Contiguity
        Of the cells.
    obstacles : array of geometries
        Water, motorways, railways: what one cannot walk over, lines or areas.
    ways : array of lines
        Streets, paths and bridges that one can walk along. One that meets the border
        is a crossing.

    Returns
    -------
    array of bool, shape (m,)
        True where a border runs along obstacles for its whole length, but for less
        than 1 m, and no way meets it.

    Examples
    --------
    >>> from gridplan.zones import Contiguity
    >>> cells = shapely.box([0, 10], 0, [10, 20], 10)
    >>> pair = Contiguity(np.array([0]), np.array([1]), np.array([10.0]), 2)
    >>> canal = np.array([shapely.box(10, -5, 12, 15)])
    >>> bridge = np.array([shapely.LineString([(5, 5), (15, 5)])])
    >>> uncrossed_borders(cells, pair, obstacles=canal, ways=bridge[:0]).tolist()
    [True]
    >>> uncrossed_borders(cells, pair, obstacles=canal, ways=bridge).tolist()
    [False]
    """
    parted = np.zeros(len(graph.left), dtype=np.bool_)
    if not len(obstacles) or not len(parted):
        return parted
    wide = shapely.buffer(obstacles, _BESIDE_M)
    tree = shapely.STRtree(wide)
    touched = np.unique(tree.query(shapes, predicate="intersects")[0])
    wet = np.zeros(len(shapes), dtype=np.bool_)
    wet[touched] = True
    asked = np.flatnonzero(wet[graph.left] | wet[graph.right])
    border = shapely.intersection(
        shapely.boundary(shapes[graph.left[asked]]), shapely.boundary(shapes[graph.right[asked]])
    )
    at, obstacle = tree.query(border, predicate="intersects")
    for number in np.unique(at).tolist():
        beside = shapely.union_all(wide[obstacle[at == number]])
        free_m = shapely.length(shapely.difference(border[number], beside))
        parted[asked[number]] = free_m < _WAY_M
    closed = np.flatnonzero(parted[asked])
    if len(closed) and len(ways):
        near = shapely.STRtree(ways).query(border[closed], predicate="dwithin", distance=_BESIDE_M)
        parted[asked[closed[np.unique(near[0])]]] = False
    return parted
