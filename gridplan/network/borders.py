"""Hard borders: nobody crosses them, not even along a street."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.geometry import GRID_M, Geometries
from gridplan.network.noding import cut_line

_LOOK_M = 0.5
_POINT = 0


def cut_at_borders(
    edges: gpd.GeoDataFrame, borders: Geometries
) -> tuple[gpd.GeoDataFrame, tuple[Note, ...]]:
    """
    Return the edges with no way across the borders.

    An edge that crosses one becomes two dead ends, bridges and tunnels too; edges
    that meet at a node on a border stay joined on each side of it only.

    Parameters
    ----------
    edges : GeoDataFrame
        ``edge_id``, ``u``, ``v``, one LineString each.
    borders : array of lines
    """
    lines = edges.geometry.to_numpy()
    border, line = shapely.STRtree(lines).query(borders, predicate="intersects")
    touched = np.unique(line)
    if not len(touched):
        return edges, ()
    near = {int(row): shapely.union_all(borders[border[line == row]]) for row in touched}
    parts = [_cut(edges.iloc[[row]], wall) for row, wall in near.items()]
    crossed = [str(part["edge_id"].iloc[0]).rsplit("|", 1)[0] for part in parts if len(part) > 1]
    kept = edges.drop(index=edges.index[touched])
    every = gpd.GeoDataFrame(pd.concat([kept, *parts], ignore_index=True), crs=edges.crs)
    return every, _cut_note(crossed)


def _cut(row: gpd.GeoDataFrame, border: shapely.Geometry) -> gpd.GeoDataFrame:
    line, edge_id = row.geometry.iloc[0], row["edge_id"].iloc[0]
    meeting = shapely.get_parts(shapely.intersection(line, border))
    points = meeting[shapely.get_type_id(meeting) == _POINT]
    along = shapely.line_locate_point(line, points)
    pieces = cut_line(
        line, [(float(at), point.x, point.y) for at, point in zip(along, points, strict=True)]
    )
    parts = row.iloc[[0] * len(pieces)].copy()
    if len(pieces) > 1:
        parts["edge_id"] = [f"{edge_id}|{i}" for i in range(len(pieces))]
    last = len(pieces) - 1
    parts["u"] = [
        _end(row["u"].iloc[0], piece, border) if i == 0 else f"{edge_id}|{i}a"
        for i, piece in enumerate(pieces)
    ]
    parts["v"] = [
        _end(row["v"].iloc[0], shapely.reverse(piece), border) if i == last else f"{edge_id}|{i}b"
        for i, piece in enumerate(pieces)
    ]
    return parts.set_geometry(gpd.GeoSeries(pieces, index=parts.index, crs=row.crs))


def _end(node: str, line: shapely.LineString, border: shapely.Geometry) -> str:
    """Return the node where a line begins; on a border, the node of the line's side of it."""
    start = shapely.get_point(line, 0)
    if shapely.distance(start, border) > GRID_M:
        return node
    look = shapely.line_interpolate_point(line, min(_LOOK_M, line.length / 2))
    nearest = min(shapely.get_parts(border), key=lambda part: shapely.distance(part, start))
    at = float(shapely.line_locate_point(nearest, start))
    back = shapely.line_interpolate_point(nearest, max(at - _LOOK_M, 0.0))
    ahead = shapely.line_interpolate_point(nearest, min(at + _LOOK_M, nearest.length))
    cross = (ahead.x - back.x) * (look.y - back.y) - (ahead.y - back.y) * (look.x - back.x)
    return f"{node}|{'left' if cross > 0 else 'right'}"


def _cut_note(crossed: list[str]) -> tuple[Note, ...]:
    if not crossed:
        return ()
    message = Message(
        en=f"{counted(len(crossed), 'street crosses', 'streets cross')} a hard border, to be cut "
        f"there: {first_ids(crossed)}.",
        zh=f"{len(crossed)} 条道路穿过不可逾越的界线，已在界线处截断：{ids_zh(crossed)}。",
    )
    return (Note("streets_cut_at_borders", len(crossed), message, tuple(crossed)),)
