"""The named lines that a border may run along: streets, waters, railways, walls."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.bounds.options import BoundsOptions
from gridplan.bounds.sides import Ints, Pieces, lengths
from gridplan.errors import Message
from gridplan.geometry import Floats, Geometries

NOBODY = -1
"""Stands for no landmark and no neighbour."""

_STRAIGHT = 2
_DECIMALS = 3
_GAP_M = 0.5
"""Lines that end so near to each other are one."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """
    Named lines as straight segments, and the waters that they bound.

    Attributes
    ----------
    names : tuple of Message
        Sorted, each once.
    segments : array of LineString, shape (n,)
    name_of : array of int, shape (n,)
        Position in `names` of each segment.
    waters : array of polygons, shape (m,)
    water_name : array of int, shape (m,)
    shore : array of bool, shape (n,)
        Segments of the shore of a water.
    """

    names: tuple[Message, ...]
    segments: Geometries
    name_of: Ints
    waters: Geometries
    water_name: Ints
    shore: npt.NDArray[np.bool_]


def landmarks_of(
    *,
    streets: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
) -> Landmarks:
    """
    Return the named lines of a place.

    Parameters
    ----------
    streets, water, barriers, estates : GeoDataFrame
        As in `gridplan.place.SCHEMAS`, in one CRS in metres. A tunnel bounds nothing; a
        walled estate gives its wall, an open one nothing.
    """
    overground = streets[~_flag(streets, "tunnel")]
    walled = estates[_flag(estates, "walled")]
    pools = water[_named(water)]
    groups = (
        _lines(overground[_named(overground)], "{}", "{}"),
        _lines(barriers[_named(barriers)], "{}", "{}"),
        _lines(walled[_named(walled)], "the wall of {}", "{}围墙"),
        _lines(pools, "{}", "{}"),
    )
    given = [name for _, own in groups for name in own]
    names = tuple(sorted(set(given), key=lambda one: (one.zh, one.en)))
    place = {name: at for at, name in enumerate(names)}
    lines = np.concatenate([shapes for shapes, _ in groups])
    segments, line = _segments(lines)
    of_line = np.array([place[name] for name in given], dtype=np.intp)
    first_shore = len(lines) - len(groups[-1][0])
    return Landmarks(
        names=names,
        segments=segments,
        name_of=of_line[line],
        waters=pools.geometry.to_numpy(),
        water_name=of_line[first_shore:],
        shore=line >= first_shore,
    )


def _flag(frame: gpd.GeoDataFrame, column: str) -> npt.NDArray[np.bool_]:
    if column not in frame:
        return np.zeros(len(frame), dtype=bool)
    return np.asarray(frame[column].astype("boolean").fillna(value=False), dtype=bool)


def _named(frame: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    if "name" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return np.asarray(frame["name"].astype("string").str.strip().fillna("") != "", dtype=bool)


def _lines(frame: gpd.GeoDataFrame, en: str, zh: str) -> tuple[Geometries, list[Message]]:
    shapes = frame.geometry.to_numpy()
    areal = shapely.get_dimensions(shapes) == _STRAIGHT
    lines = shapes.copy()
    lines[areal] = shapely.boundary(shapes[areal])
    given = frame["name"].astype(str).str.strip() if "name" in frame else pd.Series(dtype=str)
    return lines, [Message(en=en.format(one), zh=zh.format(one)) for one in given]


def _segments(lines: Geometries) -> tuple[Geometries, Ints]:
    """Return the straight segments of lines, and the line of each."""
    parts, line = shapely.get_parts(lines, return_index=True)
    places, part = shapely.get_coordinates(parts, return_index=True)
    inside = part[1:] == part[:-1]
    ends = np.stack([places[:-1][inside], places[1:][inside]], axis=1)
    moves = (ends[:, 0] != ends[:, 1]).any(axis=1)
    return shapely.linestrings(ends[moves]), line[part[:-1][inside][moves]]


def along_landmarks(pieces: Pieces, marks: Landmarks, *, options: BoundsOptions) -> Ints:
    """
    Return the name that each piece of border runs along, `NOBODY` where none does.

    The nearest line wins among those within `near_m` that run in about the direction of
    the piece, or of the border there; inside a water its shore gives the direction, and the
    distance is 0.

    Returns
    -------
    array of int, shape (number of pieces,)
        Positions in ``marks.names``.
    """
    found = np.full(len(pieces.unit), NOBODY, dtype=np.intp)
    if not len(marks.segments):
        return found
    points = shapely.points(pieces.middle)
    tree = shapely.STRtree(marks.segments)
    piece, segment = tree.query(points, predicate="dwithin", distance=options.near_m)
    beside = _beside(pieces.middle[piece], marks.segments[segment])
    piece, segment = piece[beside], segment[beside]
    distance = shapely.distance(points[piece], marks.segments[segment])
    name = marks.name_of[segment]
    wet, wet_segment, wet_name = _in_water(points, marks)
    piece = np.concatenate([piece, wet])
    segment = np.concatenate([segment, wet_segment])
    name = np.concatenate([name, wet_name])
    distance = np.concatenate([distance, np.zeros(len(wet))]).round(_DECIMALS)
    runs = _parallel(pieces, piece, marks.segments[segment], options.turn_deg)
    piece, name, distance = piece[runs], name[runs], distance[runs]
    order = np.lexsort((name, distance, piece))
    first = order[np.unique(piece[order], return_index=True)[1]]
    found[piece[first]] = name[first]
    return found


def _beside(points: Floats, segments: Geometries) -> npt.NDArray[np.bool_]:
    """
    Return which points lie beside a segment rather than beyond its end.

    Outside a bend a point may be past both segments that meet there, but then less than
    it is away from them.
    """
    ends = shapely.get_coordinates(segments).reshape(-1, 2, 2)
    along, reach = ends[:, 1] - ends[:, 0], points - ends[:, 0]
    length = lengths(along)
    at = (along * reach).sum(axis=1) / length
    aside = np.abs(along[:, 0] * reach[:, 1] - along[:, 1] * reach[:, 0]) / length
    past = np.maximum(np.maximum(-at, at - length), 0.0)
    return np.asarray(past <= aside + _GAP_M)


def _in_water(points: Geometries, marks: Landmarks) -> tuple[Ints, Ints, Ints]:
    """Return points inside a named water, the shore nearest to each, and the water's name."""
    point, water = shapely.STRtree(marks.waters).query(points, predicate="intersects")
    shore = np.flatnonzero(marks.shore)
    if not len(point):
        return point, point, point
    tree = shapely.STRtree(marks.segments[shore])
    nearest = tree.query_nearest(points[point], all_matches=False)[1]
    return point, shore[nearest], marks.water_name[water]


def _parallel(
    pieces: Pieces, piece: Ints, segments: Geometries, turn_deg: float
) -> npt.NDArray[np.bool_]:
    ends = shapely.get_coordinates(segments).reshape(-1, 2, 2)
    along = ends[:, 1] - ends[:, 0]
    least = np.cos(np.radians(turn_deg))
    own, course = (pieces.end - pieces.start)[piece], pieces.course[piece]
    return np.asarray((_cosine(own, along) >= least) | (_cosine(course, along) >= least))


def _cosine(one: Floats, other: Floats) -> Floats:
    """Return the cosine of the angle between lines, whichever way they run."""
    dot = np.abs((one * other).sum(axis=1))
    return np.asarray(dot / np.maximum(lengths(one) * lengths(other), np.finfo(float).tiny))
