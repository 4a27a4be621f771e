"""Where cells part inside a face: pixel borders turned into lines that a planner would draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.cells.raster import Frame
from gridplan.geometry import Floats, Geometries

Ints = npt.NDArray[np.intp]
Labels = npt.NDArray[np.int32]

_FREE_M = 20.0
"""How far a straight piece of a cut may run from the pixel border where it crosses no building."""

_CLOSE_M = 1.5
"""How far it may do so anywhere."""

_WALL_M = 0.3
"""A cut may touch a building by this much: it can run along a party wall."""

_CORNERS = 3
"""A line that closes on itself needs so many corners."""

_FINE_M = 1.2
"""Steps of the pixels are evened out first, within this."""

_BACK = 4
"""Steps over pixels from the end of an arc to where it is surely inside its face."""

_BEYOND_M = 0.05
"""A cut runs this far beyond the line it ends on, so that both surely meet."""


def pixel_borders(cell: Labels, face: Labels, frame: Frame) -> Geometries:
    """
    Return the borders between cells inside faces, as lines along pixels.

    Parameters
    ----------
    cell, face : array of int, shape (rows, columns)
        Below 0 and 0 outside.
    """
    inside = (cell >= 0) & (face > 0)
    sideways = _differ(cell, face, inside, axis=1)
    upright = _differ(cell, face, inside, axis=0)
    row, column = np.nonzero(sideways)
    standing = np.stack([column + 1, row, column + 1, row + 1], axis=1)
    row, column = np.nonzero(upright)
    lying = np.stack([column, row + 1, column + 1, row + 1], axis=1)
    steps = np.concatenate([standing, lying]).reshape(-1, 2, 2)
    if not len(steps):
        return np.empty(0, dtype=object)
    merged = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(steps.astype(float))))
    parts = shapely.get_parts(merged)

    def on_ground(xy: Floats) -> Floats:
        return np.stack(
            [frame.west + xy[:, 0] * frame.pixel_m, frame.north - xy[:, 1] * frame.pixel_m], axis=1
        )

    return np.asarray(shapely.normalize(shapely.transform(parts, on_ground)), dtype=object)


def _differ(
    cell: Labels, face: Labels, inside: npt.NDArray[np.bool_], *, axis: int
) -> npt.NDArray[np.bool_]:
    one = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
    other = (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))
    same_face = (face[one] == face[other]) & inside[one] & inside[other]
    return np.asarray(same_face & (cell[one] != cell[other]))


def drawn_cuts(arcs: Geometries, edges: Geometries, footprints: Geometries) -> Geometries:
    """
    Return the pixel borders as lines: ended on the lines around them, and straightened.

    Parameters
    ----------
    arcs : array of LineString
        As `pixel_borders` returns them.
    edges : array of LineString
        Lines they may end on.
    footprints : array of Polygon or MultiPolygon
        Buildings a cut should not cross.
    """
    if not len(arcs):
        return arcs
    ended = shapely.simplify(_ended(arcs, edges), _FINE_M)
    near = np.unique(shapely.STRtree(footprints).query(ended, "dwithin", distance=_FREE_M)[1])
    inner = shapely.buffer(footprints[near], -_WALL_M, quad_segs=1)
    return _straightened(ended, shapely.STRtree(inner))


def _straightened(arcs: Geometries, buildings: shapely.STRtree) -> Geometries:
    """
    Return the arcs with as few vertices as the buildings allow.

    As Douglas and Peucker's, but a straight piece is parted at its farthest vertex
    only where it runs too far from the arc, or less far but through a building [1]_.

    References
    ----------
    .. [1] Douglas, D. H. and Peucker, T. K. (1973). Algorithms for the reduction of the
       number of points required to represent a digitized line or its caricature.
       *Cartographica*, 10(2), 112-122. https://doi.org/10.3138/FM57-6770-U75U-7727
    """
    coords, arc = shapely.get_coordinates(arcs, return_index=True)
    first = np.searchsorted(arc, np.arange(len(arcs)))
    last = np.searchsorted(arc, np.arange(len(arcs)), side="right") - 1
    kept = np.zeros(len(coords), dtype=bool)
    kept[first] = kept[last] = True
    start, end = _halved(coords, first, last)
    kept[start] = kept[end] = True
    while len(start):
        far, metres = _farthest(coords, start, end)
        pieces = shapely.linestrings(np.stack([coords[start], coords[end]], axis=1))
        crossing = np.zeros(len(pieces), dtype=bool)
        crossing[np.unique(buildings.query(pieces, predicate="intersects")[0])] = True
        split = (metres > _FREE_M) | (crossing & (metres > _CLOSE_M))
        far, start, end = far[split], start[split], end[split]
        kept[far] = True
        start, end = np.concatenate([start, far]), np.concatenate([far, end])
        more = end - start > 1
        start, end = start[more], end[more]
    return np.asarray(shapely.linestrings(coords[kept], indices=arc[kept]), dtype=object)


def _halved(coords: Floats, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return the arcs as pieces from vertex to vertex; one that closes on itself as three."""
    closed = (coords[first] == coords[last]).all(axis=1) & (last - first >= _CORNERS)
    third, rest = first + (last - first) // 3, first + 2 * (last - first) // 3
    starts = [first[~closed], first[closed], third[closed], rest[closed]]
    ends = [last[~closed], third[closed], rest[closed], last[closed]]
    start, end = np.concatenate(starts), np.concatenate(ends)
    more = end - start > 1
    return start[more], end[more]


def _farthest(coords: Floats, start: Ints, end: Ints) -> tuple[Ints, Floats]:
    """Return, for each piece, its vertex farthest from the straight line, and how far."""
    count = end - start - 1
    piece = np.repeat(np.arange(len(start)), count)
    offset = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    vertex = start[piece] + 1 + offset
    lines = shapely.linestrings(np.stack([coords[start], coords[end]], axis=1))
    metres = shapely.distance(shapely.points(coords[vertex]), lines[piece])
    order = np.lexsort((vertex, -metres.round(6), piece))
    best = order[np.unique(piece[order], return_index=True)[1]]
    return vertex[best], metres[best]


def _ended(arcs: Geometries, edges: Geometries) -> Geometries:
    """Return the arcs with their loose ends led to the nearest edge, and a little beyond."""
    coords, arc = shapely.get_coordinates(arcs, return_index=True)
    first = np.searchsorted(arc, np.arange(len(arcs)))
    last = np.searchsorted(arc, np.arange(len(arcs)), side="right") - 1
    ends = coords[np.concatenate([first, last])]
    where, times = np.unique(ends, axis=0, return_inverse=True, return_counts=True)[1:]
    loose = times[where] == 1
    # The last step over pixels may lead beyond the edge: where it comes from is taken farther in.
    inner = np.concatenate([np.minimum(first + _BACK, last), np.maximum(last - _BACK, first)])
    points, sources = shapely.points(ends[loose]), shapely.points(coords[inner[loose]])
    at, edge = shapely.STRtree(edges).query_nearest(points, all_matches=False)
    target = np.full((len(ends), 2), np.nan)
    target[np.flatnonzero(loose)[at]] = _beyond(
        _legs(points[at], edges[edge])[:, 1], _legs(sources[at], edges[edge])
    )
    n = len(arcs)
    return np.array(
        [
            shapely.LineString(_with_ends(coords[a : b + 1], target[one], target[one + n]))
            for one, (a, b) in enumerate(zip(first, last, strict=True))
        ],
        dtype=object,
    )


def _legs(points: Geometries, edges: Geometries) -> Floats:
    return np.asarray(
        shapely.get_coordinates(shapely.shortest_line(points, edges)).reshape(-1, 2, 2)
    )


def _beyond(ends: Floats, legs: Floats) -> Floats:
    """Return the ends moved beyond their edge, seen from where the legs to it begin."""
    step = legs[:, 1] - legs[:, 0]
    length = np.hypot(step[:, 0], step[:, 1])[:, None]
    return np.asarray(ends + step / np.maximum(length, _BEYOND_M) * _BEYOND_M)


def _with_ends(own: Floats, start: Floats, end: Floats) -> Floats:
    """Return the vertices of an arc with the loose ends replaced."""
    first, last = np.isfinite(start).all(), np.isfinite(end).all()
    parts = [own[int(first) : len(own) - int(last)]]
    if first:
        parts.insert(0, start[None])
    if last:
        parts.append(end[None])
    return np.concatenate(parts)
