"""Lines without nodes of their own are cut wherever they meet."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from gridplan.errors import Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.geometry import GRID_M, Floats, Geometries

Ints = npt.NDArray[np.intp]

NEAR_MISS_M = 2.0
"""Dead ends this near another street are told, so that the planner can join them."""

Joined = dict[tuple[int, int], tuple[str, float]]
"""By line and end: the line's id, and the largest gap closed there, in metres."""

MeetingPoints = dict[int, list[tuple[float, float, float]]]
"""For each line, points as (distance along the line, x, y)."""


def node_lines(
    streets: gpd.GeoDataFrame, *, join_m: float
) -> tuple[gpd.GeoDataFrame, tuple[Note, ...]]:
    """Cut lines without nodes wherever they meet, and name the nodes by place."""
    parts = streets.explode(index_parts=False).reset_index(drop=True)
    level = street_levels(parts)
    lines = parts.geometry.to_numpy()
    meeting, gaps, same = _meeting_points(lines, level, join_m=join_m)
    ids = parts["street_id"].to_numpy()
    joined = {key: (str(ids[key[0]]), gap) for key, gap in gaps.items()}
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
    edges["u"], edges["v"] = _end_nodes(np.asarray(pieces, dtype=object), same)
    near = _near_misses(parts, lines, level, join_m=join_m)
    return edges, (*_joined_note(joined, join_m), *_near_miss_note(near))


def _joined_note(joined: Joined, join_m: float) -> tuple[Note, ...]:
    if not joined:
        return ()
    largest_m = max(gap for _, gap in joined.values())
    ids = tuple(sorted({name for name, _ in joined.values()}))
    message = Message(
        en=f"{counted(len(joined), 'street end', 'street ends')} within {join_m:g} m of another "
        f"street {agreed(len(joined), 'was', 'were')} joined to it; the largest gap was "
        f"{largest_m:.3f} m.",
        zh=f"{len(joined)} 个街道端点距另一街道不足 {join_m:g} 米，已连接；"
        f"最大间隙 {largest_m:.3f} 米。",
    )
    return (Note("ends_joined", len(joined), message, ids),)


def _near_miss_note(near: pd.DataFrame) -> tuple[Note, ...]:
    if near.empty:
        return ()
    largest_m = float(near["gap_m"].max())
    places = [
        f"{one.street_id} ({one.x:.1f}, {one.y:.1f}; {one.gap_m:.2f} m)"
        for one in near.itertuples(index=False)
    ]
    message = Message(
        en=f"{counted(len(near), 'dead end stops', 'dead ends stop')} up to {largest_m:.2f} m "
        f"short of another street, not joined to it: {first_ids(places)}. Mend the lines, or raise "
        f"[network].join_m.",
        zh=f"{len(near)} 个断头路端点距另一街道不超过 {largest_m:.2f} 米而未连接："
        f"{ids_zh(places)}。请修正线形，或调大 [network].join_m。",
    )
    return (Note("ends_nearly_meet", len(near), message, tuple(near["street_id"])),)


def _near_misses(
    streets: gpd.GeoDataFrame, lines: Geometries, level: Floats, *, join_m: float
) -> pd.DataFrame:
    """Return the dead ends just beyond `join_m` of another line at their level, by id."""
    found = []
    tree = shapely.STRtree(lines)
    for end in (0, -1):
        points = shapely.get_point(lines, end)
        own, other = tree.query(points, "dwithin", distance=NEAR_MISS_M)
        own, other = own[own != other], other[own != other]
        gap_m = shapely.distance(points[own], lines[other])
        joined = np.isin(own, own[gap_m <= join_m])
        rows = ~joined & (level[own] == level[other])
        found.append(
            pd.DataFrame(
                {
                    "street_id": streets["street_id"].to_numpy()[own[rows]],
                    "end": end,
                    "gap_m": gap_m[rows],
                    "x": shapely.get_x(points[own[rows]]),
                    "y": shapely.get_y(points[own[rows]]),
                }
            )
        )
    every = pd.concat(found, ignore_index=True).sort_values(["street_id", "x", "y", "gap_m"])
    return every.drop_duplicates(["street_id", "end", "x", "y"], ignore_index=True)


def street_levels(streets: gpd.GeoDataFrame) -> Floats:
    """Return the level at which a line runs: its `layer`, else +1 on bridges, -1 in tunnels."""
    over = streets["bridge"].fillna(value=False).to_numpy(dtype=bool)
    under = streets["tunnel"].fillna(value=False).to_numpy(dtype=bool)
    given = streets["layer"].to_numpy(dtype=float)
    own = over.astype(float) - under.astype(float)
    return np.asarray(np.where(np.isfinite(given), given, own), dtype=float)


def _meeting_points(
    lines: Geometries, level: Floats, *, join_m: float
) -> tuple[MeetingPoints, dict[tuple[int, int], float], list[tuple[str, str]]]:
    """
    Return, for each line, the points where others meet it, the gaps closed, and joined ends.

    Gaps are by line and end; joined ends are pairs of node names.

    Crossings in the middle of both lines count at the same level only.
    """
    tree = shapely.STRtree(lines)
    first, second = tree.query(lines, predicate="dwithin", distance=join_m)
    other = first != second
    first, second = first[other], second[other]
    meeting: MeetingPoints = {}
    joined: dict[tuple[int, int], float] = {}
    same: list[tuple[str, str]] = []
    for end in (0, -1):
        points = shapely.get_point(lines[first], end)
        gap = shapely.distance(points, lines[second])
        may = _may_join(points, lines, level, (first, second), gap=gap, join_m=join_m)
        for i in np.flatnonzero((gap <= join_m) & may):
            target = lines[second[i]]
            along = float(shapely.line_locate_point(target, points[i]))
            if GRID_M < along < target.length - GRID_M:
                _add_point(meeting, int(second[i]), along, points[i])
            else:
                foot = shapely.line_interpolate_point(target, along)
                same.append((_names(points[i : i + 1])[0], _names(np.array([foot]))[0]))
            if gap[i] > GRID_M:
                key = (int(first[i]), end)
                joined[key] = max(joined.get(key, 0.0), float(gap[i]))
    level_pairs = (level[first] == level[second]) & (first < second)
    for i, j in zip(first[level_pairs], second[level_pairs], strict=True):
        for point in _crossings(lines[i], lines[j]):
            for row in (int(i), int(j)):
                _add_point(meeting, row, float(shapely.line_locate_point(lines[row], point)), point)
    return meeting, joined, same


def _may_join(
    points: Geometries,
    lines: Geometries,
    level: Floats,
    pair: tuple[Ints, Ints],
    *,
    gap: Floats,
    join_m: float,
) -> npt.NDArray[np.bool_]:
    """
    Say which ends may meet a line: at its level, from a bridge to the ground, or at its end.

    Across levels a gap is closed between two ends only: a street that passes just
    beside the head of a bridge is not the street the bridge comes down to.
    """
    own, other = level[pair[0]], level[pair[1]]
    target = lines[pair[1]]
    to_start = shapely.distance(points, shapely.get_point(target, 0))
    to_end = shapely.distance(points, shapely.get_point(target, -1))
    end_to_end = np.minimum(to_start, to_end) <= max(join_m, GRID_M)
    touches_ground = (other == 0) & (gap <= GRID_M)
    return np.asarray((own == other) | touches_ground | end_to_end, dtype=bool)


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


def _end_nodes(pieces: Geometries, same: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """
    Name the ends of the pieces by their place on the 1 mm grid.

    Ends at one place are one node, whatever their level: a bridge begins where
    the street on the ground ends. So are the pairs of `same`.
    """
    alias = _aliases(same)
    starts, ends = (_names(shapely.get_point(pieces, end)) for end in (0, -1))
    return [alias.get(one, one) for one in starts], [alias.get(one, one) for one in ends]


def _names(points: Geometries) -> list[str]:
    xy = np.round(shapely.get_coordinates(points) / GRID_M).astype(int)
    return [f"p{x}_{y}" for x, y in xy]


def _aliases(same: list[tuple[str, str]]) -> dict[str, str]:
    """Return the first name of each set of nodes that pairs of names make one."""
    pairs = [pair for pair in same if pair[0] != pair[1]]
    if not pairs:
        return {}
    codes, names = pd.factorize(np.array(pairs, dtype=object).ravel(), sort=True)
    left, right = codes[::2], codes[1::2]
    links = sparse.coo_matrix((np.ones(len(left)), (left, right)), shape=(len(names),) * 2)
    _, label = csgraph.connected_components(links, directed=False)
    first = pd.Series(names).groupby(label).transform("min")
    return dict(zip(names, first, strict=True))
