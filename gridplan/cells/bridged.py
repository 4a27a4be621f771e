"""Cells of water with several bridges are cut between these, so that each has a cell of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.geometry import Floats, Geometries

Ints = npt.NDArray[np.intp]

BESIDE_M = 1.0
"""A way so near to a cell leads on to it."""
JOINED_M = 2.0
"""Ways so near to each other are one."""
_WATER = 0.95
"""A cell with less land than the rest of it has none that one walks along."""
_ONE_PLACE_M = 50.0
"""Bridges so near to each other are one crossing, as the carriageways of a road are."""
_LEAST_M = 3.0
"""A way that is shorter within a cell only touches it."""
_SEVERAL = 2
_LONGER = 1.5
"""Of cuts that are longer than the shortest by no more than this the middle one is taken."""
_MOST_CORNERS = 1_500
"""A cell with more corners is left as it is: there are too many pairs of them."""
_MOST_LOOKED = 2_000
_STEP_M = 2.0
_NEVER_WALKED = ("motorway", "motorway_link")


@dataclass(frozen=True, slots=True)
class Waters:
    """
    Water, and what leads over it.

    Attributes
    ----------
    areas : array of polygons
    ways : array of lines
        Streets and paths that one may walk along.
    """

    areas: Geometries
    ways: Geometries


def waters_of(streets: gpd.GeoDataFrame, water: gpd.GeoDataFrame) -> Waters:
    """Return the water of a place, and the streets that one may walk along."""
    closed = streets["highway"].isin(_NEVER_WALKED).to_numpy(dtype=bool)
    if "foot" in streets:
        closed = closed | streets["foot"].eq("no").fillna(value=False).to_numpy(dtype=bool)
    ways = streets.geometry.to_numpy()[~closed]
    # The order of the rows must not decide anything.
    ordered = ways[np.argsort(shapely.to_wkb(shapely.normalize(ways)), kind="stable")]
    return Waters(np.asarray(water.geometry.to_numpy()), np.asarray(ordered, dtype=object))


def water_cells(shapes: Geometries, water: Geometries) -> Iterator[int]:
    """Yield the cells of water, in their order: at least 95 % of each is in some polygons."""
    if not len(water):
        return
    cell, area = shapely.STRtree(water).query(shapes, predicate="intersects")
    for one in np.unique(cell).tolist():
        # Areas of water may overlap.
        wet = shapely.union_all(shapely.intersection(water[area[cell == one]], shapes[one]))
        if shapely.area(wet) >= _WATER * shapely.area(shapes[one]):
            yield one


def walks_within(cell: shapely.Geometry, ways: Geometries, tree: shapely.STRtree) -> Geometries:
    """Return the ways within a cell, those of one crossing as one geometry."""
    room = shapely.buffer(cell, BESIDE_M)
    inside = shapely.intersection(ways[tree.query(room, predicate="intersects")], room)
    pieces = shapely.get_parts(inside)
    whole = _together(pieces[shapely.length(pieces) > 0], JOINED_M)
    return _together(whole[shapely.length(whole) >= _LEAST_M], _ONE_PLACE_M)


def _together(lines: Geometries, distance_m: float) -> Geometries:
    """Return lines with those near each other as one."""
    count = len(lines)
    if not count:
        return lines
    a, b = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=distance_m)
    near = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    label = connected_components(near, directed=False)[1]
    first = np.unique(label, return_index=True)[1]
    return np.array([shapely.union_all(lines[label == label[one]]) for one in sorted(first)],
                    dtype=object)  # fmt: skip


def cut_between_bridges(
    polygons: Geometries,
    community: Ints,
    waters: Waters,
    *,
    footprints: Geometries,
    least_m2: float,
) -> tuple[Geometries, Ints]:
    """
    Return cells of which those of water with several bridges are cut between them.

    A zone is in one part, so it holds the water under its bridge: over a cell with several
    bridges one zone alone could reach across. Cut are such cells from corner to corner, so
    that no other cell changes, about where they are narrowest; of nearly as short cuts at the
    one farthest from both bridges. A cut goes through no building, and leaves no sliver.

    Parameters
    ----------
    polygons : array of Polygon, shape (n,)
        Cells with matching corners.
    community : array of int, shape (n,)
    waters : Waters
    footprints : array of polygons
    least_m2 : float
        A part has this area at least.

    Returns
    -------
    array of Polygon, array of int
        The cells, parts that are new behind the others; their communities.

    Examples
    --------
    >>> canal = shapely.Polygon([(0, 0), (200, 0), (400, 0), (400, 30), (210, 30), (0, 30)])
    >>> banks = shapely.box([0, 0], [30, -50], [400, 400], [80, 0])
    >>> bridges = np.array([shapely.LineString([(x, -20), (x, 50)]) for x in (50, 350)])
    >>> found, _ = cut_between_bridges(
    ...     np.array([canal, *banks]), np.zeros(3, dtype=np.intp),
    ...     Waters(np.array([canal]), bridges), footprints=bridges[:0], least_m2=5_000.0)
    >>> shapely.area(found).tolist()
    [6150.0, 20000.0, 20000.0, 5850.0]
    """
    cut, added, owner = polygons.copy(), [], []
    tree, cells = shapely.STRtree(waters.ways), shapely.STRtree(polygons)
    for own in water_cells(polygons, waters.areas) if len(waters.ways) else ():
        walks = _crossings(cells, own, walks_within(polygons[own], waters.ways, tree))
        near = footprints[shapely.intersects(footprints, polygons[own])]
        first, *others = _divided(polygons[own], walks, near, least_m2)
        cut[own] = first
        added += others
        owner += [community[own]] * len(others)
    if not added:
        return polygons, community
    return (
        np.array([*cut, *added], dtype=object),
        np.concatenate([community, np.array(owner, dtype=np.intp)]),
    )


def _crossings(cells: shapely.STRtree, own: int, walks: Geometries) -> Geometries:
    """Return the ways that lead over a cell from one to another."""
    if len(walks) < _SEVERAL:
        return walks[:0]
    walk, cell = cells.query(walks, predicate="dwithin", distance=BESIDE_M)
    met = np.bincount(walk[cell != own], minlength=len(walks))
    return walks[met >= _SEVERAL]


def _divided(
    cell: shapely.Polygon, walks: Geometries, footprints: Geometries, least_m2: float
) -> list[shapely.Polygon]:
    """Return the parts of a cell, each with one of the ways over it, as far as it can be cut."""
    if len(walks) < _SEVERAL:
        return [cell]
    parts = _cut(cell, walks, footprints, least_m2)
    if parts is None:
        return [cell]
    # No way is at the cut, so that each is nearer to its own part.
    nearer = shapely.distance(walks[:, None], np.array(parts, dtype=object)).argmin(axis=1)
    return [
        one
        for at, part in enumerate(parts)
        for one in _divided(part, walks[nearer == at], footprints, least_m2)
    ]


def _cut(
    cell: shapely.Polygon, walks: Geometries, footprints: Geometries, least_m2: float
) -> list[shapely.Polygon] | None:
    """Return two parts of a cell with some ways each; None where no cut is found."""
    ring = shapely.get_exterior_ring(cell)
    corners = shapely.get_coordinates(ring)[:-1]
    if len(corners) > _MOST_CORNERS:
        return None
    pairs, length = _parting(ring, corners, walks)
    found: list[tuple[float, list[shapely.Polygon]]] = []
    shortest = np.inf
    for (a, b), metres in zip(pairs[:_MOST_LOOKED].tolist(), length.tolist(), strict=False):
        if metres > _LONGER * shortest:
            break
        line = shapely.linestrings([corners[a], corners[b]])
        far = float(shapely.distance(walks, line).min())
        if far <= JOINED_M or not _inside(cell, line) or _through(footprints, line):
            continue
        parts = _parts(cell, line)
        if len(parts) == _SEVERAL and min(map(shapely.area, parts)) >= least_m2:
            shortest = min(shortest, metres)
            found.append((far, parts))
    # Of equally far ones the first, which is the shortest.
    return max(found, key=lambda one: round(one[0], 3))[1] if found else None


def _inside(cell: shapely.Polygon, line: shapely.Geometry) -> bool:
    """Return whether a line lies within a cell, and no part of it along the outline."""
    along = shapely.intersection(line, shapely.boundary(cell))
    return bool(shapely.covers(cell, line)) and not shapely.length(along)


def _through(footprints: Geometries, line: shapely.Geometry) -> bool:
    """Return whether a line goes through a building."""
    return bool((shapely.intersects(footprints, line) & ~shapely.touches(footprints, line)).any())


def _parting(ring: shapely.Geometry, corners: Floats, walks: Geometries) -> tuple[Ints, Floats]:
    """Return the pairs of corners with ways on both sides of their line, the nearest first."""
    count = len(corners)
    at = np.concatenate([[0.0], np.hypot(*np.diff(corners, axis=0).T).cumsum()])
    a, b = np.triu_indices(count, 2)
    kept: npt.NDArray[np.bool_] = np.ones(len(a), dtype=np.bool_)
    inner: npt.NDArray[np.bool_] = np.zeros(len(a), dtype=np.bool_)
    outer = inner.copy()
    for walk in walks:
        place = _places(ring, walk)
        # Of a sorted list, how many lie between two corners is a difference of two places.
        below = np.searchsorted(place, at)
        between = below[b] - below[a]
        inner |= between == len(place)
        outer |= between == 0
        kept &= (between == 0) | (between == len(place))
    chosen = np.flatnonzero(kept & inner & outer)
    a, b = a[chosen], b[chosen]
    length: Floats = np.hypot(*(corners[a] - corners[b]).T).round(3)
    order = np.lexsort((b, a, length))
    return np.stack([a, b], axis=1)[order], length[order]


def _places(ring: shapely.Geometry, walk: shapely.Geometry) -> Floats:
    """Return where a way meets an outline, by the metres along it, sorted."""
    points = shapely.points(shapely.get_coordinates(shapely.segmentize(walk, _STEP_M)))
    beside = points[shapely.distance(points, ring) <= BESIDE_M]
    return np.sort(shapely.line_locate_point(ring, beside if len(beside) else points))


def _parts(cell: shapely.Polygon, line: shapely.Geometry) -> list[shapely.Polygon]:
    """Return the parts of a cell along a line from corner to corner, in a fixed order."""
    edges = shapely.union_all([shapely.boundary(cell), line])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    inner = shapely.point_on_surface(faces)
    found = shapely.normalize(faces[shapely.intersects(cell, inner)])
    return sorted(found.tolist(), key=lambda one: shapely.bounds(one).tolist())
