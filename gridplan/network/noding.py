"""Lines without nodes of their own are cut wherever they meet."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridplan.errors import Message, Note
from gridplan.geometry import GRID_M, Floats, Geometries

Ints = npt.NDArray[np.intp]

MeetingPoints = dict[int, list[tuple[float, float, float]]]
"""For each line, points as (distance along the line, x, y)."""


def node_lines(
    streets: gpd.GeoDataFrame, *, join_m: float
) -> tuple[gpd.GeoDataFrame, tuple[Note, ...]]:
    """Cut lines without nodes wherever they meet, and name the nodes by place."""
    parts = streets.explode(index_parts=False).reset_index(drop=True)
    level = _levels(parts)
    lines = parts.geometry.to_numpy()
    meeting, joined = _meeting_points(lines, level, join_m=join_m)
    pieces: list[shapely.LineString] = []
    owner: list[int] = []
    for row, line in enumerate(lines):
        cut = cut_line(line, meeting.get(row, []))
        pieces.extend(cut)
        owner.extend([row] * len(cut))
    edges = (
        parts.iloc[owner]
        .reset_index(drop=True)
        .set_geometry(gpd.GeoSeries(pieces, crs=streets.crs))
    )
    order = edges.groupby("street_id").cumcount().astype(str)
    edges["street_id"] = edges["street_id"] + "-" + order
    edges["u"], edges["v"] = _end_nodes(np.asarray(pieces, dtype=object))
    notes: tuple[Note, ...] = ()
    if joined:
        notes = (
            Note(
                "ends_joined",
                len(joined),
                Message(
                    en=f"{len(joined)} street ends within {join_m:g} m of another street "
                    f"were joined to it.",
                    zh=f"{len(joined)} 个街道端点距另一街道不足 {join_m:g} 米，已连接。",
                ),
                tuple(parts["street_id"].iloc[list(joined)].tolist()),
            ),
        )
    return edges, notes


def _levels(streets: gpd.GeoDataFrame) -> Floats:
    """Return the level at which a line runs: its `layer`, else +1 on bridges, -1 in tunnels."""
    over = streets["bridge"].fillna(value=False).to_numpy(dtype=bool)
    under = streets["tunnel"].fillna(value=False).to_numpy(dtype=bool)
    given = streets["layer"].to_numpy(dtype=float)
    own = over.astype(float) - under.astype(float)
    return np.asarray(np.where(np.isfinite(given), given, own), dtype=float)


def _meeting_points(
    lines: Geometries, level: Floats, *, join_m: float
) -> tuple[MeetingPoints, list[int]]:
    """
    Return, for each line, the points where others meet it, and the lines whose ends were moved.

    Crossings in the middle of both lines count at the same level only.
    """
    tree = shapely.STRtree(lines)
    first, second = tree.query(lines, predicate="dwithin", distance=join_m)
    other = first != second
    first, second = first[other], second[other]
    meeting: MeetingPoints = {}
    joined: list[int] = []
    for end in (0, -1):
        points = shapely.get_point(lines[first], end)
        gap = shapely.distance(points, lines[second])
        for i in np.flatnonzero((gap <= join_m) & _may_join(points, lines, level, (first, second))):
            along = float(shapely.line_locate_point(lines[second[i]], points[i]))
            _add_point(meeting, int(second[i]), along, points[i])
            if gap[i] > GRID_M:
                joined.append(int(first[i]))
    level_pairs = (level[first] == level[second]) & (first < second)
    for i, j in zip(first[level_pairs], second[level_pairs], strict=True):
        for point in _crossings(lines[i], lines[j]):
            for row in (int(i), int(j)):
                _add_point(meeting, row, float(shapely.line_locate_point(lines[row], point)), point)
    return meeting, sorted(set(joined))


def _may_join(
    points: Geometries, lines: Geometries, level: Floats, pair: tuple[Ints, Ints]
) -> npt.NDArray[np.bool_]:
    """Say which ends may meet a line: at its level, from a bridge to the ground, or at its end."""
    own, other = level[pair[0]], level[pair[1]]
    target = lines[pair[1]]
    at_start = shapely.distance(points, shapely.get_point(target, 0)) <= GRID_M
    at_end = shapely.distance(points, shapely.get_point(target, -1)) <= GRID_M
    return np.asarray((own == other) | (other == 0) | at_start | at_end, dtype=bool)


def _add_point(
    meeting: MeetingPoints,
    row: int,
    along: float,
    point: shapely.Point,
) -> None:
    meeting.setdefault(row, []).append((along, point.x, point.y))


def _crossings(left: shapely.LineString, right: shapely.LineString) -> list[shapely.Point]:
    """Return the points of the 1 mm grid where two lines meet (ends of what they share)."""
    common = shapely.set_precision(shapely.intersection(left, right), GRID_M)
    points: list[shapely.Point] = []
    for part in shapely.get_parts(common):
        if part.is_empty:
            continue
        if shapely.get_dimensions(part) == 0:
            points.append(part)
        elif shapely.get_dimensions(part) == 1:
            points.extend([shapely.get_point(part, 0), shapely.get_point(part, -1)])
    return points


def cut_line(
    line: shapely.LineString, points: list[tuple[float, float, float]]
) -> list[shapely.LineString]:
    """Return the pieces of a line cut at points given as (distance along, x, y)."""
    coords = shapely.get_coordinates(line)
    steps = np.hypot(*np.diff(coords, axis=0).T)
    vertex_at = np.concatenate([[0.0], np.cumsum(steps)])
    length = float(vertex_at[-1])
    inner = sorted({p for p in points if GRID_M < p[0] < length - GRID_M})
    pieces: list[shapely.LineString] = []
    start, start_at = (float(coords[0, 0]), float(coords[0, 1])), 0.0
    for along, x, y in inner:
        if along - start_at <= GRID_M:
            continue
        pieces.append(_piece(coords, vertex_at, (start_at, start), (along, (x, y))))
        start, start_at = (x, y), along
    end = (float(coords[-1, 0]), float(coords[-1, 1]))
    pieces.append(_piece(coords, vertex_at, (start_at, start), (length, end)))
    return pieces


def _piece(
    coords: Floats,
    vertex_at: Floats,
    start: tuple[float, tuple[float, float]],
    end: tuple[float, tuple[float, float]],
) -> shapely.LineString:
    between = (vertex_at > start[0] + GRID_M / 2) & (vertex_at < end[0] - GRID_M / 2)
    return shapely.LineString([start[1], *coords[between], end[1]])


def _end_nodes(pieces: Geometries) -> tuple[list[str], list[str]]:
    """
    Name the ends of the pieces by their place on the 1 mm grid.

    Ends at one place are one node, whatever their level: a bridge begins where
    the street on the ground ends.
    """
    names = []
    for end in (0, -1):
        xy = np.round(shapely.get_coordinates(shapely.get_point(pieces, end)) / GRID_M).astype(int)
        names.append([f"p{x}_{y}" for x, y in xy])
    return names[0], names[1]
