"""Gates join the streets on both sides of a wall, where no street runs through them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.geometry import GRID_M, Geometries
from gridplan.network.geodesic import line_between_gates
from gridplan.network.noding import cut_line
from gridplan.network.obstacles import (
    CLEARANCE_M,
    WALL,
    Grounds,
    Obstacles,
    crosses_obstacle,
    straight_legs,
)

LINK_CLASS = "gate_link"
"""Highway class of the links that join a gate to the streets on its two sides."""
COURTYARD_CLASS = "courtyard_link"
"""Highway class of the straight ways from gate to gate where walls hold no inner street."""
GUESS_CLASS = "guessed_gate_link"
"""Highway class of the ways from a guessed gate to the street outside it, where they end."""
LINK_CLASSES = (LINK_CLASS, COURTYARD_CLASS, GUESS_CLASS)

CLOSED = "closed"
"""Status of a gate that is not there, or never open: somebody has looked."""

AT_GATE_M = 0.1
_LOOK_M = 1.0
_POINT = 0


@dataclass(frozen=True)
class Foot:
    """Where a link from a gate meets a street edge."""

    edge: int
    along_m: float
    point: shapely.Point
    line: shapely.LineString


@dataclass(frozen=True)
class Gate:
    """
    A gate that opens a wall: where in the wall, and the streets it is joined to.

    ``guessed_for`` names the estate whose doors may leave by a gate that is a guess.
    """

    gate_id: str
    point: shapely.Point
    feet: tuple[Foot, ...]
    runs_through: bool
    guessed_for: str | None = None


@dataclass(frozen=True)
class Linked:
    """
    The edges with links through the gates.

    Attributes
    ----------
    edges : GeoDataFrame
    gates : GeoDataFrame
        The gates that open a wall and meet a street: ``gate_id``, ``guessed_for`` (the
        estate of a guessed one, else null), and the point in the wall.
    notes : tuple of Note
    """

    edges: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    notes: tuple[Note, ...]


def link_gates(
    edges: gpd.GeoDataFrame,
    gates: gpd.GeoDataFrame,
    blocks: Obstacles,
    *,
    wall_m: float,
    link_m: float,
    guessed: gpd.GeoDataFrame | None = None,
) -> Linked:
    """
    Return the edges with links through the gates.

    A gate stands in its wall: where the street it was drawn on crosses the wall, else
    at the nearest place of the wall. Where a street runs through it nothing is added.
    Else the nearest walkable edge on each side of the wall, within `link_m`, that no
    obstacle keeps apart, is joined to it by a straight link. Where walls hold no inner
    street (less than `link_m` in all), their gates are joined to each other by straight
    lines.

    Parameters
    ----------
    edges : GeoDataFrame
        ``edge_id``, ``u``, ``v``, ``walkable``, one LineString each.
    blocks : Obstacles
        The walls are those of kind ``wall``.
    wall_m, link_m : float
        How near a gate must be to a wall, and a street to a gate, in metres.
    guessed : GeoDataFrame, optional
        Gates in walls that are themselves a guess: ``gate_id``, ``estate_id``. Each is
        joined to the nearest street outside its estate and to nothing else, so that
        it leads out of doors inside and shortens no other walk.
    """
    some = guessed is not None and len(guessed)
    if not len(gates) and not some:
        return Linked(edges, _spots([], edges), ())
    found = meet_streets(gates, edges, blocks, wall_m=wall_m, link_m=link_m)
    acting = [gate for gate in found if gate.feet]
    at_wall = {gate.gate_id for gate in found}
    stray = [gate_id for gate_id in gates["gate_id"] if gate_id not in at_wall]
    lone = [gate.gate_id for gate in found if not gate.feet]
    bare = bare_grounds(blocks.grounds, edges, least_m=link_m)
    acting += _guessed(guessed, edges, blocks, link_m) if guessed is not None else []
    linked = _add_links(edges, [one for one in acting if not one.runs_through], bare, blocks)
    notes = (*_stray_note(stray, wall_m), *_lone_note(lone, link_m))
    return Linked(linked, _spots(acting, edges), notes)


def meet_streets(
    gates: gpd.GeoDataFrame,
    edges: gpd.GeoDataFrame,
    blocks: Obstacles,
    *,
    wall_m: float,
    link_m: float,
) -> list[Gate]:
    """Return the gates that lie at a wall, with the nearest street on each of its sides."""
    walls = shapely.get_parts(blocks.of_kind(WALL))
    nearest = _nearest_wall(gates.geometry.to_numpy(), walls, wall_m)
    at_wall = np.flatnonzero(nearest >= 0)
    ids = gates["gate_id"].to_numpy()[at_wall]
    own = walls[nearest[at_wall]]
    points = _in_wall(gates.geometry.to_numpy()[at_wall], own, edges, wall_m)
    every = zip(ids, points, own, _feet_near(points, edges, blocks, link_m), strict=True)
    return [_meet(gate_id, point, wall, feet) for gate_id, point, wall, feet in every]


def _in_wall(
    points: Geometries, walls: Geometries, edges: gpd.GeoDataFrame, wall_m: float
) -> Geometries:
    """
    Return each gate's place in its wall.

    Where the street on which the gate was drawn crosses the wall within `wall_m` of it,
    the gate is there: that street may cross the wall askew. Else the nearest place.
    """
    places = np.asarray(
        shapely.line_interpolate_point(walls, shapely.line_locate_point(walls, points)),
        dtype=object,
    )
    exact = shapely.distance(points, places) <= GRID_M
    places[exact] = points[exact]
    lines = edges.geometry.to_numpy()[edges["walkable"].to_numpy()]
    off = np.flatnonzero(~exact)
    at, line = shapely.STRtree(lines).query(points[off], "dwithin", distance=AT_GATE_M)
    row = off[at]
    crossing = shapely.intersection(lines[line], walls[row])
    meeting, pair = shapely.get_parts(crossing, return_index=True)
    single = shapely.get_type_id(meeting) == _POINT
    found = pd.DataFrame({"row": row[pair[single]], "x": 0.0, "y": 0.0})
    found[["x", "y"]] = shapely.get_coordinates(meeting[single])
    found["away"] = np.round(shapely.distance(points[found["row"]], meeting[single]) / GRID_M)
    near = found[found["away"] <= wall_m / GRID_M].sort_values(["row", "away", "x", "y"])
    near = near.drop_duplicates("row")
    places[near["row"].to_numpy()] = shapely.points(near[["x", "y"]].to_numpy(dtype=float))
    return places


def closed_stretches(
    gates: gpd.GeoDataFrame, blocks: Obstacles, *, wall_m: float
) -> tuple[list[str], Geometries]:
    """
    Return the gates known to be closed, and the stretch of wall each of them shuts.

    Within `wall_m` of such a gate no street crosses the wall that is nearest to it.
    A closed gate farther than that from every wall shuts nothing and is left out.
    """
    closed = gates[is_closed(gates)]
    points = closed.geometry.to_numpy()
    walls = shapely.get_parts(blocks.of_kind(WALL))
    wall = _nearest_wall(points, walls, wall_m)
    near = wall >= 0
    around = shapely.buffer(points[near], wall_m)
    stretches = shapely.intersection(walls[wall[near]], around)
    return closed["gate_id"][near].tolist(), np.asarray(stretches, dtype=object)


def is_closed(gates: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """Return which gates are known not to be there, or never to be open."""
    return np.asarray(gates["status"] == CLOSED, dtype=bool)


def bare_grounds(grounds: Grounds, edges: gpd.GeoDataFrame, *, least_m: float) -> Geometries:
    """Return the walled ground with less than `least_m` of walkable street inside it."""
    if not len(grounds.areas):
        return grounds.areas
    street = edges["walkable"].to_numpy() & ~edges["highway"].isin(LINK_CLASSES).to_numpy()
    lines = edges.geometry.to_numpy()[street]
    within = shapely.buffer(grounds.areas, -CLEARANCE_M)
    ground, line = shapely.STRtree(lines).query(within, predicate="intersects")
    inside_m = shapely.length(shapely.intersection(lines[line], within[ground]))
    total_m = np.bincount(ground, weights=inside_m, minlength=len(within))
    return np.asarray(grounds.areas[total_m < least_m], dtype=object)


def _nearest_wall(points: Geometries, walls: Geometries, wall_m: float) -> np.ndarray:
    """Return the wall nearest to each point (the first of equally near ones), or -1."""
    nearest = np.full(len(points), -1, dtype=np.intp)
    tree = shapely.STRtree(walls)
    point, wall = tree.query_nearest(points, max_distance=wall_m, all_matches=True)
    order = np.lexsort([-wall, point])
    nearest[point[order]] = wall[order]
    return nearest


def _feet_near(
    points: Geometries, edges: gpd.GeoDataFrame, blocks: Obstacles, link_m: float
) -> list[list[Foot]]:
    """Return, for each point, the feet on the walkable edges in reach, nearest first."""
    lines = edges.geometry.to_numpy()
    walkable = np.flatnonzero(edges["walkable"].to_numpy())
    gate, near = shapely.STRtree(lines[walkable]).query(points, "dwithin", distance=link_m)
    edge = walkable[near]
    along_m = shapely.line_locate_point(lines[edge], points[gate])
    foot = shapely.line_interpolate_point(lines[edge], along_m)
    away_m = shapely.distance(points[gate], foot)
    legs = straight_legs(shapely.get_coordinates(points[gate]), shapely.get_coordinates(foot))
    free = crosses_obstacle(legs, blocks, both_ends=True) == ""
    order = np.lexsort([edge, np.round(away_m / GRID_M), gate])
    feet: list[list[Foot]] = [[] for _ in points]
    for i in order[free[order]]:
        feet[gate[i]].append(Foot(int(edge[i]), float(along_m[i]), foot[i], lines[edge[i]]))
    return feet


def _meet(gate_id: str, point: shapely.Point, wall: shapely.LineString, feet: list[Foot]) -> Gate:
    """Return the gate with the nearest street on each side of its wall."""
    by_side: dict[int, Foot] = {}
    for foot in feet:
        for side in _sides(point, wall, foot):
            by_side.setdefault(side, foot)
        if len(by_side) > 1:
            break
    chosen = tuple(by_side[side] for side in sorted(by_side))
    runs_through = len(chosen) > 1 and len({foot.edge for foot in chosen}) == 1
    return Gate(gate_id, point, chosen, runs_through)


def _guessed(
    guessed: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, blocks: Obstacles, link_m: float
) -> list[Gate]:
    """Return the guessed gates that a street outside their estate is near, with its foot."""
    names = np.array(blocks.grounds.names, dtype=object)
    points = guessed.geometry.to_numpy()
    every = zip(
        guessed["gate_id"],
        guessed["estate_id"],
        points,
        _feet_near(points, edges, blocks, link_m),
        strict=True,
    )
    found = []
    for gate_id, estate, point, feet in every:
        own = shapely.union_all(blocks.grounds.areas[names == estate])
        foot = next((one for one in feet if _leads_out(own, point, one)), None)
        if foot is not None:
            at_street = shapely.distance(point, foot.point) <= AT_GATE_M
            found.append(Gate(gate_id, point, (foot,), at_street, estate))
    return found


def _leads_out(area: shapely.Geometry, gate: shapely.Point, foot: Foot) -> bool:
    if shapely.distance(gate, foot.point) <= AT_GATE_M:
        return bool(shapely.length(shapely.difference(foot.line, area)) > GRID_M)
    middle = shapely.line_interpolate_point(_straight(gate, foot.point), 0.5, normalized=True)
    return not shapely.intersects(area, middle)


def _sides(gate: shapely.Point, wall: shapely.LineString, foot: Foot) -> list[int]:
    line = foot.line
    if shapely.distance(gate, foot.point) > AT_GATE_M:
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
    edges: gpd.GeoDataFrame, gates: list[Gate], bare: Geometries, blocks: Obstacles
) -> gpd.GeoDataFrame:
    node_of: dict[tuple[int, float], str] = {}
    for gate in gates:
        for foot in gate.feet:
            node_of.setdefault((foot.edge, foot.along_m), _foot_node(edges, gate.gate_id, foot))
    rows: list[dict[str, object]] = []
    hubs: dict[str, str] = {}
    for gate in gates:
        at_gate = [f for f in gate.feet if shapely.distance(gate.point, f.point) <= GRID_M]
        hub = node_of[at_gate[0].edge, at_gate[0].along_m] if at_gate else f"g{gate.gate_id}"
        hubs[gate.gate_id] = hub
        for number, foot in enumerate(gate.feet):
            node = node_of[foot.edge, foot.along_m]
            if node != hub:
                edge_id = f"gate-{gate.gate_id}-{number}"
                line = _straight(gate.point, foot.point)
                word = LINK_CLASS if gate.guessed_for is None else GUESS_CLASS
                rows.append(_link_row(edge_id, (hub, node), word, line))
    known = [gate for gate in gates if gate.guessed_for is None]
    rows.extend(_courtyard_rows(known, hubs, bare, blocks))
    cut = _cut_at_feet(edges, node_of)
    if not rows:
        return cut
    added = gpd.GeoDataFrame(rows, geometry="geometry", crs=edges.crs)
    added = added.reindex(columns=cut.columns).astype(
        {c: cut[c].dtype for c in cut.columns if c != "geometry"}
    )
    return gpd.GeoDataFrame(pd.concat([cut, added], ignore_index=True), crs=edges.crs)


def _courtyard_rows(
    gates: list[Gate], hubs: dict[str, str], bare: Geometries, blocks: Obstacles
) -> list[dict[str, object]]:
    """Return the ways between the gates of ground without inner streets, straight if they can."""
    if not len(bare) or not gates:
        return []
    points = np.array([gate.point for gate in gates], dtype=object)
    area, gate = shapely.STRtree(points).query(bare, "dwithin", distance=CLEARANCE_M)
    ground_of = {
        pair: one
        for one in reversed(range(len(bare)))
        for pair in combinations(np.sort(gate[area == one]).tolist(), 2)
        if hubs[gates[pair[0]].gate_id] != hubs[gates[pair[1]].gate_id]
    }
    pairs = sorted(ground_of)
    lines = np.array([_straight(points[i], points[j]) for i, j in pairs], dtype=object)
    free = crosses_obstacle(lines, blocks, both_ends=True) == ""
    for row in np.flatnonzero(~free):
        i, j = pairs[row]
        bent = line_between_gates(bare[ground_of[i, j]], points[i], points[j], blocks)
        if bent is not None:
            lines[row], free[row] = bent, True
    return [
        _link_row(
            f"court-{gates[i].gate_id}-{gates[j].gate_id}",
            (hubs[gates[i].gate_id], hubs[gates[j].gate_id]),
            COURTYARD_CLASS,
            line,
        )
        for (i, j), line, is_free in zip(pairs, lines, free, strict=True)
        if is_free
    ]


def _link_row(
    edge_id: str, ends: tuple[str, str], highway: str, line: shapely.LineString
) -> dict[str, object]:
    return {
        "edge_id": edge_id,
        "u": ends[0],
        "v": ends[1],
        "highway": highway,
        "walkable": True,
        "steps": False,
        "geometry": line,
    }


def _straight(start: shapely.Point, end: shapely.Point) -> shapely.LineString:
    return shapely.LineString([(start.x, start.y), (end.x, end.y)])


def _spots(gates: list[Gate], edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    ids = pd.Series([gate.gate_id for gate in gates], dtype="object")
    guessed = pd.Series([gate.guessed_for for gate in gates], dtype="object")
    points = np.array([gate.point for gate in gates], dtype=object)
    columns = {"gate_id": ids, "guessed_for": guessed}
    return gpd.GeoDataFrame(columns, geometry=points, crs=edges.crs)


def _stray_note(stray: list[str], wall_m: float) -> tuple[Note, ...]:
    if not stray:
        return ()
    message = Message(
        en=f"{counted(len(stray), 'gate lies', 'gates lie')} farther than {wall_m:g} m from every "
        f"wall and {'opens' if len(stray) == 1 else 'open'} nothing: "
        f"{first_ids(stray)}. Move them onto the wall, or say which estate is walled.",
        zh=f"{len(stray)} 个出入口距任何围墙超过 {wall_m:g} 米，未起作用：{ids_zh(stray)}。"
        f"请将其移到围墙上，或注明小区有围墙。",
    )
    return (Note("gates_off_walls", len(stray), message, tuple(stray)),)


def _lone_note(lone: list[str], link_m: float) -> tuple[Note, ...]:
    if not lone:
        return ()
    message = Message(
        en=f"{counted(len(lone), 'gate reaches', 'gates reach')} no walkable street within "
        f"{link_m:g} m on either side (there is none, or another wall or water lies between) and "
        f"{'opens' if len(lone) == 1 else 'open'} nothing: {first_ids(lone)}. Draw the path that "
        f"leads there.",
        zh=f"{len(lone)} 个出入口两侧 {link_m:g} 米内均没有可到达的步行道路"
        f"（无道路，或被其他围墙、水面阻隔），未起作用：{ids_zh(lone)}。请补画通往出入口的道路。",
    )
    return (Note("gates_without_street", len(lone), message, tuple(lone)),)


def _foot_node(edges: gpd.GeoDataFrame, gate_id: str, foot: Foot) -> str:
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
