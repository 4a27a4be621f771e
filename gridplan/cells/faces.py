"""The faces that lines cut out of the communities, and what kind of line parts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.cells.land import KINDS, Lines
from gridplan.cells.sums import sums_by
from gridplan.geometry import Floats, Geometries, inner_points

Ints = npt.NDArray[np.intp]

OUTSIDE = -1
NO_LINE = len(KINDS)
"""Kind of a border that no line of the ground explains: a community line, or a cut."""

_ON_LINE_M = 0.002

_LED_ON_M = 50.0
"""A line that ends in the open is led on over at most this distance."""

_AHEAD_M = 0.05


@dataclass(frozen=True, slots=True)
class FaceSet:
    """
    Faces that tile the communities.

    Attributes
    ----------
    polygons : array of Polygon, shape (n,)
    community : array of int, shape (n,)
    left, right : array of int, shape (m,)
        Pairs of faces that share a border, ``left < right``.
    length_m : array of float, shape (m, len(KINDS) + 1)
        Length of the border by kind of line, the last column where there is none.
    edges : array of LineString
        The noded lines that bound the faces.
    """

    polygons: Geometries
    community: Ints
    left: Ints
    right: Ints
    length_m: Floats
    edges: Geometries


def make_faces(lines: Lines, communities: Geometries, footprints: Geometries) -> FaceSet:
    """
    Return the faces that the lines cut out of communities that tile the place.

    All is noded in floating point, so that each line stays where it is. A line that
    ends in the open is led straight on to the next one, if that is near and no
    building lies between; else it bounds nothing.
    """
    outline = shapely.union_all(shapely.envelope(communities))
    near = shapely.intersects(outline, lines.shapes)
    rings = shapely.get_parts(shapely.boundary(communities))
    noded = shapely.get_parts(shapely.union_all(np.concatenate([lines.shapes[near], rings])))
    led_on = _led_on(noded, footprints)
    if len(led_on):
        noded = shapely.get_parts(shapely.union_all(np.concatenate([noded, led_on])))
    polygons, edges = _closed(noded)
    community = _owners(polygons, communities)
    inside = community != OUTSIDE
    polygons, community = shapely.normalize(polygons[inside]), community[inside]
    order = _in_order(polygons, community)
    polygons, community = polygons[order], community[order]
    borders = borders_by_kind(polygons, lines)
    return FaceSet(polygons, community, *borders, edges)


def _led_on(edges: Geometries, footprints: Geometries) -> Geometries:
    """Return straight lines from loose ends to the edge ahead of them."""
    ends = np.stack([shapely.get_coordinates(shapely.get_point(edges, k)) for k in (0, -1)])
    before = np.stack([shapely.get_coordinates(shapely.get_point(edges, k)) for k in (1, -2)])
    ends, before = ends.reshape(-1, 2), before.reshape(-1, 2)
    where, times = np.unique(ends, axis=0, return_inverse=True, return_counts=True)[1:]
    loose = times[where] == 1
    ends, before = ends[loose], before[loose]
    step = ends - before
    step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), _ON_LINE_M)[:, None]
    starts = ends + step * _AHEAD_M
    rays = shapely.linestrings(np.stack([starts, ends + step * _LED_ON_M], axis=1))
    ray, edge = shapely.STRtree(edges).query(rays, predicate="intersects")
    hits = shapely.intersection(rays[ray], edges[edge])
    metres = shapely.distance(shapely.points(starts[ray]), hits)
    reach = np.full(len(rays), np.inf)
    np.minimum.at(reach, ray, metres)
    found = np.isfinite(reach)
    tips = ends + step * (_AHEAD_M + np.where(found, reach, 0.0) + _AHEAD_M)[:, None]
    lines = shapely.linestrings(np.stack([ends, tips], axis=1))[found]
    blocked = np.unique(shapely.STRtree(footprints).query(lines, predicate="intersects")[0])
    return np.asarray(np.delete(lines, blocked), dtype=object)


def _closed(edges: Geometries) -> tuple[Geometries, Geometries]:
    """Return the polygons that edges close, and the edges without what closes nothing."""
    found, *loose = shapely.polygonize_full(edges)
    open_ends = np.concatenate([shapely.get_parts(lines) for lines in loose])
    keys, dropped = (shapely.to_wkb(shapely.normalize(own)) for own in (edges, open_ends))
    # Hashed, not sorted: keys are long, and there is one for each edge of the place.
    return shapely.get_parts(found), edges[~pd.Series(keys).isin(dropped).to_numpy()]


def _owners(polygons: Geometries, communities: Geometries) -> Ints:
    inner = inner_points(polygons)
    face, community = shapely.STRtree(communities).query(inner, predicate="intersects")
    owner = np.full(len(polygons), len(communities), dtype=np.intp)
    np.minimum.at(owner, face, community)
    owner[owner == len(communities)] = OUTSIDE
    return owner


def _in_order(polygons: Geometries, community: Ints) -> Ints:
    centre = shapely.centroid(polygons)
    x, y = shapely.get_x(centre).round(3), shapely.get_y(centre).round(3)
    return np.lexsort((x, -y, community))


def segments(polygons: Geometries) -> pd.DataFrame:
    """
    Return the segments of the rings of a coverage, once each, with the two polygons beside.

    Returns
    -------
    DataFrame with ``x0``, ``y0``, ``x1``, ``y1``, ``left``, ``right`` (positions,
    ``left < right``; `OUTSIDE` as left where only one polygon is beside) and ``length_m``.
    """
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, end = coords[:-1][same], coords[1:][same]
    flip = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[flip], end[flip] = end[flip], start[flip].copy()
    whose = owner[part[ring[:-1][same]]]
    order = np.lexsort((whose, end[:, 1], end[:, 0], start[:, 1], start[:, 0]))
    ends = np.concatenate([start, end], axis=1)[order]
    whose = whose[order]
    new = np.ones(len(ends), dtype=bool)
    new[1:] = (ends[1:] != ends[:-1]).any(axis=1)
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(ends)))
    last = first + count - 1
    found = pd.DataFrame(ends[first], columns=["x0", "y0", "x1", "y1"])
    found["left"] = np.where(count > 1, whose[first], OUTSIDE)
    found["right"] = whose[last]
    found["length_m"] = np.hypot(found["x1"] - found["x0"], found["y1"] - found["y0"])
    return found


def line_kinds(found: pd.DataFrame, lines: Lines) -> Ints:
    """Return the kind of the line each segment runs on, the first of `KINDS` if several do."""
    middle = shapely.points(
        (found["x0"] + found["x1"]).to_numpy() / 2, (found["y0"] + found["y1"]).to_numpy() / 2
    )
    kind = np.full(len(found), NO_LINE, dtype=np.intp)
    # Straight steps, not lines: of a long winding line most is far from any one segment.
    tree, of_step = lines.steps
    segment, step = tree.query(middle, "dwithin", distance=_ON_LINE_M)
    np.minimum.at(kind, segment, of_step[step])
    return kind


def borders_by_kind(polygons: Geometries, lines: Lines) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of polygons that share a border, and its length by kind of line."""
    found = segments(polygons)
    found = found[found["left"] != OUTSIDE].reset_index(drop=True)
    kind = line_kinds(found, lines)
    n = len(polygons)
    key = found["left"].to_numpy() * n + found["right"].to_numpy()
    pairs, pair = np.unique(key, return_inverse=True)
    width = NO_LINE + 1
    flat = sums_by(pair * width + kind, found["length_m"].to_numpy(), len(pairs) * width)
    return pairs // n, pairs % n, flat.reshape(len(pairs), width)
