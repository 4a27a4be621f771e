"""Water that leaves an extract: coasts and rivers of which the file holds only the banks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.geometry import Floats, Geometries
from gridplan.sources.osm_lines import WayNodes, make_pieces, vertices_of
from gridplan.sources.osm_objects import Box

Ints = npt.NDArray[np.intp]

_MAX_TRIM_SHARE = 0.25
"""The box is moved in to a bank's end by at most this share of its side: extracts are cut along
another box than that of what was read."""

_ASIDE_DEGREES = 1e-7
_LAND, _UNKNOWN = -1, -2


@dataclass(frozen=True)
class Faces:
    """Faces between banks and the box, and which lie left and right of each bank segment."""

    shapes: Geometries
    left: Ints
    right: Ints


def bank_lines(nodes: WayNodes) -> Geometries:
    """Return the banks as lines in degrees, cut at absent nodes, in the direction of the ways."""
    if not nodes.way_id:
        return np.empty(0, dtype=object)
    return make_pieces(vertices_of(nodes), at_junctions=False)[0].lines


def water_of_coast(coast: Geometries, box: Box) -> Geometries:
    """
    Return the water beside coastlines inside a box, in degrees.

    OpenStreetMap draws coastlines with the water on their right, along tidal rivers
    too. A face with the coast's land side anywhere in it is left out: the line ends
    there.
    """
    faces = _faces(coast, box)
    wet = np.setdiff1d(faces.right[faces.right >= 0], faces.left)
    return _joined(faces.shapes[wet])


def water_of_banks(banks: Geometries, centres: Geometries, box: Box) -> Geometries:
    """
    Return the water between the banks of an area that leaves a box, in degrees.

    Each bank has water on one side: of the two ways to colour the faces, that one is
    taken in which the centre lines of rivers lie closer together. Where the banks
    do not divide the box, or no centre line says which side is wet, nothing is returned.
    """
    faces = _faces(banks, box)
    colour = _two_colours(faces)
    if colour is None or not len(centres):
        return np.empty(0, dtype=object)
    river = shapely.union_all(centres)
    metres = shapely.length(shapely.intersection(faces.shapes, river))
    area = shapely.area(faces.shapes)
    dense = []
    for one in (0, 1):
        own = colour == one
        dense.append(float(metres[own].sum() / area[own].sum()) if own.any() else 0.0)
    if dense[0] == dense[1]:
        return np.empty(0, dtype=object)
    return _joined(faces.shapes[colour == int(dense[1] > dense[0])])


def _joined(faces: Geometries) -> Geometries:
    if not len(faces):
        return np.empty(0, dtype=object)
    parts = shapely.get_parts(shapely.union_all(faces))
    return np.asarray(parts[np.argsort(shapely.to_wkb(shapely.normalize(parts)))], dtype=object)


def _faces(banks: Geometries, box: Box) -> Faces:
    frame = shapely.box(*_trimmed(banks, box))
    inside = shapely.intersection(banks, frame)
    noded = shapely.union_all([*inside, shapely.boundary(frame)])
    shapes = shapely.get_parts(shapely.polygonize([noded]))
    coords, line = shapely.get_coordinates(shapely.get_parts(inside), return_index=True)
    same = line[1:] == line[:-1]
    start, end = coords[:-1][same], coords[1:][same]
    run = end - start
    length = np.hypot(*run.T)
    aside = np.stack([run[:, 1], -run[:, 0]], axis=1) / length[:, None] * _ASIDE_DEGREES
    middle = (start + end) / 2
    on_edge = shapely.distance(shapely.points(middle), shapely.boundary(frame)) < _ASIDE_DEGREES
    middle, aside = middle[~on_edge], aside[~on_edge]
    return Faces(shapes, _around(shapes, middle - aside), _around(shapes, middle + aside))


def _around(shapes: Geometries, places: Floats) -> Ints:
    found = np.full(len(places), _LAND, dtype=np.intp)
    face, place = shapely.STRtree(shapely.points(places)).query(shapes, predicate="intersects")
    found[place] = face
    return found


def _trimmed(banks: Geometries, box: Box) -> Box:
    """Return the box with its sides moved in to where banks end inside it."""
    ends = np.concatenate(
        [shapely.get_coordinates(shapely.get_point(banks, place)) for place in (0, -1)]
    )
    places, times = np.unique(ends, axis=0, return_counts=True)
    loose = places[times == 1]
    sides = np.array(box)
    spans = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    for x, y in loose:
        depth = np.array([x - sides[0], y - sides[1], sides[2] - x, sides[3] - y]) / spans
        nearest = int(np.argmin(depth))
        if 0 < depth[nearest] <= _MAX_TRIM_SHARE:
            sides[nearest] = (x, y, x, y)[nearest]
    west, south, east, north = sides.tolist()
    return west, south, east, north


def _two_colours(faces: Faces) -> npt.NDArray[np.int8] | None:
    """Return 0 or 1 for each face so that each bank parts two colours; None where none does."""
    beside: dict[int, set[int]] = {face: set() for face in range(len(faces.shapes))}
    for one, other in zip(faces.left.tolist(), faces.right.tolist(), strict=True):
        if one < 0 or other < 0 or one == other:
            return None
        beside[one].add(other)
        beside[other].add(one)
    colour = np.full(len(beside), _UNKNOWN, dtype=np.int8)
    colour[:1] = 0
    queue = deque([0] if beside else [])
    while queue:
        face = queue.popleft()
        for near in sorted(beside[face]):
            if colour[near] == colour[face]:
                return None
            if colour[near] == _UNKNOWN:
                colour[near] = 1 - colour[face]
                queue.append(near)
    return colour if (colour != _UNKNOWN).all() else None
