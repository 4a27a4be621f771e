"""Gates join the streets on both sides of a wall, where no street runs through them."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Message, Note
from gridplan.geometry import GRID_M
from gridplan.network.noding import cut_line

LINK_CLASS = "gate_link"
"""Highway class of the links that join a gate to the streets on its two sides."""

_AT_GATE_M = 0.1
_LOOK_M = 1.0


@dataclass(frozen=True)
class _Foot:
    """Where a link from a gate meets a street edge."""

    edge: int
    along_m: float
    point: shapely.Point


def link_gates(
    edges: gpd.GeoDataFrame,
    gates: gpd.GeoDataFrame,
    walls: gpd.GeoSeries,
    *,
    wall_m: float,
    link_m: float,
) -> tuple[gpd.GeoDataFrame, tuple[Note, ...]]:
    """
    Return the edges with links through the gates.

    Where a street runs through the gate nothing is added. Else the nearest
    walkable edge on each side of the wall, within `link_m`, is joined to the
    gate by a straight link; a street that ends at the gate is its own side.

    Parameters
    ----------
    edges : GeoDataFrame
        ``edge_id``, ``u``, ``v``, ``walkable``, one LineString each.
    walls : GeoSeries of lines
    wall_m, link_m : float
        How near a gate must be to a wall, and a street to a gate, in metres.
    """
    if not len(gates) or not len(walls):
        return edges, ()
    lines = edges.geometry.to_numpy()
    walkable = np.flatnonzero(edges["walkable"].to_numpy())
    street_tree = shapely.STRtree(lines[walkable])
    wall_lines = walls.to_numpy()
    wall_tree = shapely.STRtree(wall_lines)
    links: list[tuple[str, list[_Foot]]] = []
    stray: list[str] = []
    for gate_id, gate in zip(gates["gate_id"], gates.geometry, strict=True):
        near = wall_tree.query_nearest(gate, max_distance=wall_m)
        if not len(near):
            stray.append(gate_id)
            continue
        candidates = np.sort(walkable[street_tree.query(gate, "dwithin", distance=link_m)])
        feet = _feet_by_side(gate, wall_lines[near.min()], lines, candidates)
        runs_through = len(feet) > 1 and len({foot.edge for foot in feet}) == 1
        if feet and not runs_through:
            links.append((gate_id, feet))
    linked = _add_links(edges, gates, links)
    return linked, _stray_note(stray, wall_m)


def _stray_note(stray: list[str], wall_m: float) -> tuple[Note, ...]:
    if not stray:
        return ()
    message = Message(
        en=f"{len(stray)} gates lie farther than {wall_m:g} m from every wall and open nothing.",
        zh=f"{len(stray)} 个出入口距任何围墙超过 {wall_m:g} 米，未起作用。",
    )
    return (Note("gates_off_walls", len(stray), message, tuple(stray)),)


def _feet_by_side(
    gate: shapely.Point,
    wall: shapely.LineString,
    lines: np.ndarray,
    candidates: np.ndarray,
) -> list[_Foot]:
    """Return the nearest street on each side of the wall, by distance, then by position."""
    order = np.lexsort([candidates, np.round(shapely.distance(gate, lines[candidates]) / GRID_M)])
    by_side: dict[int, _Foot] = {}
    for edge in candidates[order]:
        line = lines[edge]
        along_m = float(shapely.line_locate_point(line, gate))
        foot = _Foot(int(edge), along_m, shapely.line_interpolate_point(line, along_m))
        for side in _sides(gate, wall, line, foot):
            by_side.setdefault(side, foot)
    return [by_side[side] for side in sorted(by_side)]


def _sides(
    gate: shapely.Point, wall: shapely.LineString, line: shapely.LineString, foot: _Foot
) -> list[int]:
    if shapely.distance(gate, foot.point) > _AT_GATE_M:
        looks = [foot.point]
    else:
        ends_m = (foot.along_m - _LOOK_M, foot.along_m + _LOOK_M)
        looks = [
            shapely.line_interpolate_point(line, at) for at in ends_m if 0 <= at <= line.length
        ]
    return [side for look in looks if (side := _side(wall, gate, look))]


def _side(wall: shapely.LineString, gate: shapely.Point, look: shapely.Point) -> int:
    """Return +1 left of the wall's direction, -1 right of it, 0 on it."""
    at = float(shapely.line_locate_point(wall, gate))
    back = shapely.line_interpolate_point(wall, max(at - _LOOK_M, 0.0))
    ahead = shapely.line_interpolate_point(wall, min(at + _LOOK_M, wall.length))
    cross = (ahead.x - back.x) * (look.y - gate.y) - (ahead.y - back.y) * (look.x - gate.x)
    return int(np.sign(np.round(cross, 9)))


def _add_links(
    edges: gpd.GeoDataFrame, gates: gpd.GeoDataFrame, links: list[tuple[str, list[_Foot]]]
) -> gpd.GeoDataFrame:
    place = dict(zip(gates["gate_id"], gates.geometry, strict=True))
    node_of: dict[tuple[int, float], str] = {}
    for gate_id, feet in links:
        for foot in feet:
            node_of.setdefault((foot.edge, foot.along_m), _foot_node(edges, gate_id, foot))
    rows = []
    for gate_id, feet in links:
        at_gate = [f for f in feet if shapely.distance(place[gate_id], f.point) <= GRID_M]
        hub = node_of[at_gate[0].edge, at_gate[0].along_m] if at_gate else f"g{gate_id}"
        for number, foot in enumerate(feet):
            node = node_of[foot.edge, foot.along_m]
            if node == hub:
                continue
            rows.append(
                {
                    "edge_id": f"gate-{gate_id}-{number}",
                    "u": hub,
                    "v": node,
                    "highway": LINK_CLASS,
                    "walkable": True,
                    "geometry": _link_line(place[gate_id], foot),
                }
            )
    cut = _cut_at_feet(edges, node_of)
    if not rows:
        return cut
    added = gpd.GeoDataFrame(rows, geometry="geometry", crs=edges.crs)
    added = added.reindex(columns=cut.columns).astype(
        {c: cut[c].dtype for c in cut.columns if c != "geometry"}
    )
    return gpd.GeoDataFrame(pd.concat([cut, added], ignore_index=True), crs=edges.crs)


def _link_line(gate: shapely.Point, foot: _Foot) -> shapely.LineString:
    return shapely.LineString([(gate.x, gate.y), (foot.point.x, foot.point.y)])


def _foot_node(edges: gpd.GeoDataFrame, gate_id: str, foot: _Foot) -> str:
    """Return the node at a foot: the edge's own end where it is there, else a new one."""
    row = edges.iloc[foot.edge]
    if foot.along_m <= GRID_M:
        return str(row["u"])
    if foot.along_m >= row.geometry.length - GRID_M:
        return str(row["v"])
    return f"g{gate_id}-{row['edge_id']}"


def _cut_at_feet(
    edges: gpd.GeoDataFrame, node_of: dict[tuple[int, float], str]
) -> gpd.GeoDataFrame:
    inner: dict[int, list[tuple[float, str]]] = {}
    for (edge, along_m), node in node_of.items():
        if node.startswith("g"):
            inner.setdefault(edge, []).append((along_m, node))
    if not inner:
        return edges
    kept = edges.drop(index=edges.index[sorted(inner)])
    pieces = [_cut_edge(edges.iloc[[edge]], sorted(inner[edge])) for edge in sorted(inner)]
    return gpd.GeoDataFrame(pd.concat([kept, *pieces], ignore_index=True), crs=edges.crs)


def _cut_edge(row: gpd.GeoDataFrame, cuts: list[tuple[float, str]]) -> gpd.GeoDataFrame:
    line = row.geometry.iloc[0]
    stops = [(along, *line.interpolate(along).coords[0]) for along, _ in cuts]
    lines = cut_line(line, stops)
    nodes = [row["u"].iloc[0], *(node for _, node in cuts), row["v"].iloc[0]]
    parts = row.iloc[[0] * len(lines)].copy()
    parts["edge_id"] = [f"{row['edge_id'].iloc[0]}.{i}" for i in range(len(lines))]
    parts["u"], parts["v"] = nodes[:-1], nodes[1:]
    return parts.set_geometry(gpd.GeoSeries(lines, index=parts.index, crs=row.crs))
