"""Borders of cells that nobody can walk across: along water, a railway or a motorway."""

from __future__ import annotations

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from gridplan.cells.bridged import BESIDE_M, JOINED_M
from gridplan.geometry import Floats, Geometries
from gridplan.zones.contiguity import Contiguity, Ints, labelled_components
from gridplan.zones.districts_problem import Flags

_WAY_M = 1.0
"""Less free border than this lets nobody through."""
_CLIP_M = 5.0
"""So far from a border it is told whether a way goes on to the other side."""
_ALONG_M = 0.5
_SIDE_M = 1.0
"""A way that has less than this beside one cell alone only touches it."""
_ROWS = 256
"""Cells from which walks are measured at once."""


def uncrossed_borders(
    shapes: Geometries,
    graph: Contiguity,
    *,
    obstacles: Geometries,
    ways: Geometries,
    hard: Geometries | None = None,
    reach_m: float = 0.0,
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
        Streets, paths and bridges that one can walk along. One that goes from one cell
        into the other at their border is a crossing.
    hard : array of geometries, optional
        What nobody crosses, not even along a way.
    reach_m : float
        Cells at a border without a crossing are not parted where one gets from the middle
        of one to that of the other, from middle to middle of the cells between, within
        this distance: round by the next bridge. 0: only at the border itself.

    Returns
    -------
    array of bool, shape (m,)
        True where a border runs along obstacles for its whole length, but for less
        than 1 m, and no way crosses it.

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
    none = np.zeros(len(graph.left), dtype=np.bool_)
    if not len(none):
        return none
    parted = _along(shapes, graph, obstacles)
    closed = np.flatnonzero(parted)
    if len(closed) and len(ways):
        parted[closed] = ~_crossed(shapes, graph, closed, ways)
    if hard is not None:
        parted |= _along(shapes, graph, hard)
    if reach_m > 0 and parted.any():
        parted &= ~_round_about(shapes, graph, parted, reach_m)
    return parted


def common_borders(shapes: Geometries, graph: Contiguity, chosen: Ints) -> Geometries:
    """Return what the two cells of each of some borders have in common."""
    return np.asarray(
        shapely.intersection(
            shapely.boundary(shapes[graph.left[chosen]]),
            shapely.boundary(shapes[graph.right[chosen]]),
        ),
        dtype=object,
    )


def _along(shapes: Geometries, graph: Contiguity, obstacles: Geometries) -> Flags:
    """Return which borders have less than a free metre beside obstacles."""
    found = np.zeros(len(graph.left), dtype=np.bool_)
    if not len(obstacles):
        return found
    wide = shapely.buffer(obstacles, BESIDE_M)
    tree = shapely.STRtree(wide)
    touched = np.zeros(len(shapes), dtype=np.bool_)
    touched[np.unique(tree.query(shapes, predicate="intersects")[0])] = True
    asked = np.flatnonzero(touched[graph.left] | touched[graph.right])
    border = common_borders(shapes, graph, asked)
    at, obstacle = tree.query(border, predicate="intersects")
    for number in np.unique(at).tolist():
        beside = shapely.union_all(wide[obstacle[at == number]])
        free_m = shapely.length(shapely.difference(border[number], beside))
        found[asked[number]] = free_m < _WAY_M
    return found


def _crossed(shapes: Geometries, graph: Contiguity, closed: Ints, ways: Geometries) -> Flags:
    """Return which borders have a way that goes on beside or in both cells."""
    found = np.zeros(len(closed), dtype=np.bool_)
    border = common_borders(shapes, graph, closed)
    at, way = shapely.STRtree(ways).query(border, predicate="dwithin", distance=BESIDE_M)
    for number in np.unique(at).tolist():
        # What runs along the border, on the bank, crosses nothing.
        near = shapely.difference(
            shapely.buffer(border[number], _CLIP_M), shapely.buffer(border[number], _ALONG_M)
        )
        pieces = shapely.get_parts(shapely.intersection(ways[way[at == number]], near))
        pieces = pieces[shapely.length(pieces) > 0]
        if not len(pieces):
            continue
        # Two streets that meet on the border are one way across, as one street is.
        a, b = shapely.STRtree(pieces).query(pieces, predicate="dwithin", distance=JOINED_M)
        whole = labelled_components(a.astype(np.intp), b.astype(np.intp), len(pieces))
        pair = shapes[[graph.left[closed[number]], graph.right[closed[number]]]]
        one, other = shapely.buffer(pair, BESIDE_M)
        # Streets are borders of cells, so that a bridge runs beside two pairs of cells.
        sides = [shapely.difference(one, other), shapely.difference(other, one)]
        beside = [
            np.bincount(whole, weights=shapely.length(shapely.intersection(pieces, side)))
            for side in sides
        ]
        found[number] = bool((np.minimum(*beside) >= _SIDE_M).any())
    return found


def _round_about(shapes: Geometries, graph: Contiguity, parted: Flags, reach_m: float) -> Flags:
    """Return which parted borders one gets round within `reach_m`, by cells that are joined."""
    middle: Floats = shapely.get_coordinates(shapely.centroid(shapes))
    left, right = graph.left[~parted], graph.right[~parted]
    metres = np.hypot(*(middle[left] - middle[right]).T)
    walks = coo_array((metres, (left, right)), shape=(graph.count, graph.count)).tocsr()
    found = np.zeros(len(parted), dtype=np.bool_)
    closed = np.flatnonzero(parted)
    starts = np.unique(graph.left[closed])
    for begin in range(0, len(starts), _ROWS):
        some = starts[begin : begin + _ROWS]
        far = dijkstra(walks, directed=False, indices=some, limit=reach_m)
        mine = closed[np.isin(graph.left[closed], some)]
        row = np.searchsorted(some, graph.left[mine])
        found[mine] = far[row, graph.right[mine]] <= reach_m
    return found
