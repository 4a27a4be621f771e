"""Do zones hang together over land, with water, railways and motorways between cells looked at."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.contact import components, rook
from gridplan.verify.findings import Checked, Finding
from gridplan.verify.frames import Flags, Floats, Places, Shapes, number, shapes, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World, section
from gridplan.verify.zone_allowed import LEAST, RATIO, bodies
from gridplan.verify.zone_water import MAY_CROSS, SURELY_CROSSES, by_bridges, wet_shares
from gridplan.verify.zones import check_connected

_NEVER_WALKED = ("motorway", "motorway_link")
_TRUNKS = ("trunk", "trunk_link")
_FENCES, _FENCE_M = ("guard_rail", "jersey_barrier", "fence"), 20.0
_BARRED_LINES = ("river", "canal", "rail")
_HARD = "hard_border"
_UNIFIED = "unified"
_STEP_M = 0.5
_BESIDE_M = 1.0
_AROUND_M = 5.0
_EMPTY_SHARE = 0.1
"""What land may have, as a share of a mean zone, that is too little to hold a zone together."""


@dataclass(frozen=True)
class _Reading:
    """How strictly borders are read: what is certainly open, or what may be."""

    beside_m: float
    free_m: float
    passage_m: float
    reach: float


_MAY_BE = _Reading(beside_m=0.9, free_m=0.5, passage_m=10.5, reach=1.001)
_SURELY = _Reading(beside_m=1.1, free_m=2.0, passage_m=3.0, reach=0.999)


def connected(world: World) -> Checked:
    """Check that zones are in one piece; islands may go with a zone where that was asked for."""
    if world.members is None or not world.has("cells", "geometry"):
        return Checked()
    found = check_connected(
        world.layers["cells"], world.members, pairs=world.pairs, tolerances=world.tolerances
    )
    kept = without_islands(world, found)
    count = sum(one.count for one in kept.findings if one.rule == "zone_disconnected")
    return Checked(kept.findings, {"zones_disconnected": float(count)})


def without_islands(world: World, found: Checked) -> Checked:
    """Return what was found, without zones that are in parts since islands go with them."""
    attached = _attached(world)
    if not attached:
        return found
    kept: list[Finding] = []
    for one in found.findings:
        if one.rule not in {"zone_disconnected", "multipart"}:
            kept.append(one)
            continue
        ids = [name for name in one.ids if not _names(attached, name)]
        kept += finding(one.rule, ids, layer="zones", where=one.where)
    return Checked(tuple(kept), found.figures)


def _names(zones: set[str], name: str) -> bool:
    """Return whether a finding's id, with or without its system and parts, is one of zones."""
    bare = name.rsplit(" (", 1)[0]
    return bare in zones or any(one.split("/", 1)[1] == bare for one in zones)


def _attached(world: World) -> set[str]:
    """Return the zones whose parts, but for the largest, are whole islands of the place."""
    systems = section(section(world.summary, "zones"), "systems")
    asking = [str(one) for one in systems if section(systems, one).get("islands") == "attach"]
    if not asking or world.members is None:
        return set()
    pairs = world.pairs[rook(shapes(world.layers["cells"]), world.pairs,
                             tolerances=world.tolerances)]  # fmt: skip
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    piece = components(len(world.layers["cells"]), left.tolist(), right.tolist())
    found = set()
    for name in asking:
        own = world.members[world.members["zone_system"] == name]
        for zone, rows in own.groupby("zone_id", sort=True):
            cells = rows["cell"].to_numpy()
            parts = _parts(cells, left, right)
            whole = [set(cells[parts == one].tolist()) for one in np.unique(parts)]
            main = max(whole, key=len)
            if all(
                one is main or one == set(np.flatnonzero(piece == piece[min(one)]).tolist())
                for one in whole
            ):
                found.add(f"{name}/{zone}")
    return found


def _within(pairs: Places, cells: Places, body: np.ndarray) -> Places:
    """Return the pairs of cells of one body: no zone reaches from one to another."""
    home = dict(zip(cells.tolist(), body.tolist(), strict=True))
    one, other = pairs
    same = [home.get(a) == home.get(b) for a, b in zip(one.tolist(), other.tolist(), strict=True)]
    return pairs[:, np.array(same, dtype=np.bool_)]


def _parts(cells: Places, left: Places, right: Places) -> Places:
    """Return the connected part of each of the cells, by the pairs among them."""
    place = {cell: at for at, cell in enumerate(cells.tolist())}
    both = [(place[a], place[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)
            if a in place and b in place]  # fmt: skip
    return components(len(cells), [one[0] for one in both], [one[1] for one in both])


@dataclass(frozen=True)
class OverLand:
    """
    Pairs of cells that may hang together over land, and those that surely do.

    ``water`` are cells that several bridges cross, which hold nothing together; ``shut`` says
    whether anything parts cells at all.
    """

    may: Places
    sure: Places
    water: set[int]
    shut: bool
    dry: Places

    def cut_off(
        self, own: pd.DataFrame, load: Floats, bounds: pd.DataFrame
    ) -> dict[str, tuple[str, ...]]:
        """
        Return, by their first, the zones whose land no number of zones divides evenly.

        The land that hangs together without water that several bridges cross, which one zone
        alone can hold, if whole zones lie in it: for no k are k times ``least`` and ``most``
        on both sides of its load.
        """
        dry = own[~own["cell"].isin(self.water)]
        cells = dry["cell"].to_numpy()
        body = dry["zone_id"].map(bounds["body"]).to_numpy()
        told = dry.assign(part=_parts(cells, *_within(self.dry, cells, body)), load=load[cells])
        told["body"] = body
        told = told[told.groupby("part")["load"].transform("sum") > 0]
        home = told.groupby("zone_id")["part"].nunique()
        several = told.groupby("body")["part"].nunique()
        found = {}
        for _, rows in told.groupby("part"):
            zones = sorted(set(rows["zone_id"]))
            body, total = rows["body"].iloc[0], float(rows["load"].sum())
            if several[body] == 1 or (rows["body"] != body).any() or (home[zones] > 1).any():
                continue
            least, most = bounds["least"][zones].min(), bounds["most"][zones].max()
            slack = LEAST + RATIO * most
            many = int(total / (least - slack)) if least > slack else len(zones)
            if many * (most + slack) < total:
                found[str(zones[0])] = tuple(map(str, zones))
        return found


def land_of(world: World) -> OverLand | None:
    """Return which cells hang together over land, where a system asks for it; None: none does."""
    asking = _asking(world)
    needed = all(world.has(one, "geometry") for one in ("cells", "in_streets", "in_water"))
    return _open_pairs(world) if asking and needed and world.members is not None else None


def _asking(world: World) -> dict[str, Mapping[str, Any]]:
    """Return what is said of the systems whose zones hang together over land, by name."""
    systems = section(section(world.summary, "zones"), "systems")
    told = {str(one): section(systems, str(one)) for one in systems}
    across = section(world.summary, "unify").get("across")
    if across is not None:
        told[_UNIFIED] = {"water_parts": True, "across": across, "weights": {"population": {}}}
    return {one: told[one] for one in sorted(told) if told[one].get("water_parts")}


def land_findings(
    world: World, loads: Mapping[str, Floats], land: OverLand | None
) -> list[Finding]:
    """
    Compare the zones that are said to reach across water, railways or motorways with the layers.

    Of a system whose zones hang together over land, a zone that does not and is not named in
    `across` is a fault, and so is one that is named and does. Open water and empty land that
    no crossing reaches hold no zone together, nor tear it.
    """
    if land is None or world.members is None:
        return []
    wrong = []
    for name, claims in _asking(world).items():
        own = world.members[world.members["zone_system"] == name]
        told = {str(one) for one in claims.get("across") or ()}
        # Water that several bridges cross holds nothing together, nor is it torn off.
        dry = own[~own["cell"].isin(land.water)]
        torn = _torn(world, claims, dry, (land.may, land.sure), loads) if land.shut else set()
        split = _split(dry, land.sure) if told else set()
        wrong += [f"{name}/{one}" for one in sorted((torn - told) | (told - split))]
    return finding("zone_across", wrong, layer="zones")


def _split(own: pd.DataFrame, pairs: Places) -> set[str]:
    """Return the zones that are not in one part by pairs of cells."""
    return {
        str(zone)
        for zone, rows in own.groupby("zone_id")
        if len(np.unique(_parts(rows["cell"].to_numpy(), *pairs))) > 1
    }


def _torn(
    world: World,
    claims: Mapping[str, Any],
    own: pd.DataFrame,
    pairs: tuple[Places, Places],
    loads: Mapping[str, Floats],
) -> set[str]:
    """Return the zones with parts that are more than open water and empty land."""
    may, sure = pairs
    body = own["zone_id"].map(bodies(world, claims, own)).to_numpy()
    kept = own["zone_id"].isin(claims.get("kept") or ()).to_numpy()
    count = len(world.layers["cells"])
    home: np.ndarray = np.full(count, None, dtype=object)
    home[own["cell"].to_numpy()] = [f"{a} {b}" for a, b in zip(body, kept, strict=True)]
    ends = [(a, b) for a, b in sure.T.tolist() if home[a] is not None and home[a] == home[b]]
    piece = components(count, [a for a, _ in ends], [b for _, b in ends])
    weights = [one for one in section(claims, "weights") if one in loads]
    zones = own["zone_id"].nunique()
    most = {one: _EMPTY_SHARE * loads[one].sum() / max(zones, 1) for one in weights}
    # Empty land is open to none of the land that people live on, whoever has which of it.
    lived_on = np.zeros(count, dtype=bool)
    for load in weights:
        lived_on |= (np.bincount(piece, weights=loads[load]) > most[load])[piece]
    torn = set()
    for zone, rows in own.groupby("zone_id", sort=True):
        cells = rows["cell"].to_numpy()
        parts = _parts(cells, *may)
        groups = [set(cells[parts == one].tolist()) for one in np.unique(parts)]
        firm = [
            one
            for one in groups
            if lived_on[list(one)].any()
            or any(loads[load][list(one)].sum() > most[load] for load in weights)
        ]
        if len(firm) > 1:
            torn.add(str(zone))
    return torn


def _open_pairs(world: World) -> OverLand:
    """Return the pairs of cells by two readings of their borders."""
    polygons = shapes(world.layers["cells"])
    pairs = world.pairs[rook(polygons, world.pairs, tolerances=world.tolerances)]
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    blocked, hard, ways = _obstacles(world)
    wet = _touched(polygons, np.concatenate([blocked, hard]))
    # A border that runs along an obstacle is one of two cells beside it.
    asked = np.flatnonzero(wet[left] & wet[right])
    borders = _border_points(polygons, left, right, asked)
    reach_m = number(section(world.summary, "zones").get("crossing_m")) or 0.0
    soaked = wet_shares(polygons, shapes(world.layers["in_water"]))
    found, water, some = [], [], False
    for reading, crossing in ((_MAY_BE, MAY_CROSS), (_SURELY, SURELY_CROSSES)):
        shut = _closed(borders, len(left), blocked, reading)
        walked = np.flatnonzero(shut)
        shut[walked] = ~_passed(polygons, left[walked], right[walked], ways, reading)
        shut |= _closed(borders, len(left), hard, reading)
        shut &= ~_round(polygons, left, right, shut, reach_m * reading.reach)
        open_ = np.stack([left[~shut], right[~shut]])
        bridged, over = by_bridges(polygons, open_, soaked, ways, crossing)
        found.append(bridged)
        water.append(over)
        some = some or bool(shut.any() or over)
    touch = set(zip(left.tolist(), right.tolist(), strict=True))
    dry = [at for at, one in enumerate(found[0].T.tolist()) if tuple(one) in touch]
    return OverLand(found[0], found[1], water[0] & water[1], some, found[0][:, dry])


def _obstacles(world: World) -> tuple[Shapes, Shapes, Shapes]:
    """Return what parts cells, what nothing crosses, and what one walks along."""
    streets = world.layers["in_streets"]
    lines, kind = shapes(streets), texts(streets, "highway")
    raised: Flags = np.zeros(len(streets), dtype=bool)
    for column in ("bridge", "tunnel"):
        if column in streets:
            raised |= streets[column].fillna(value=False).to_numpy(dtype=bool)
    no_foot: Flags = np.zeros(len(streets), dtype=bool)
    if "foot" in streets:
        no_foot = texts(streets, "foot") == "no"
    never = np.isin(kind.astype(str), _NEVER_WALKED)
    trunk = np.isin(kind.astype(str), _TRUNKS) & ~raised
    parts = [shapes(world.layers["in_water"]), lines[never & ~raised], lines[trunk & no_foot]]
    hard = np.empty(0, dtype=object)
    if world.has("in_barriers", "kind", "geometry"):
        barriers = shapes(world.layers["in_barriers"])
        what = texts(world.layers["in_barriers"], "kind").astype(str)
        parts.append(barriers[np.isin(what, _BARRED_LINES)])
        hard = barriers[what == _HARD]
        fences = shapely.union_all(shapely.buffer(barriers[np.isin(what, _FENCES)], _FENCE_M))
        fenced = shapely.intersection(lines[trunk], fences)
        parts.append(fenced[~shapely.is_empty(fenced)])
    blocked = np.concatenate(parts)
    blocked = blocked[~shapely.is_missing(blocked)]
    ways = lines[~never & ~no_foot]
    return blocked, hard, ways[~shapely.is_missing(ways)]


def _touched(polygons: Shapes, obstacles: Shapes) -> Flags:
    touched = np.zeros(len(polygons), dtype=bool)
    if len(obstacles):
        near = shapely.STRtree(obstacles).query(
            polygons, predicate="dwithin", distance=_SURELY.beside_m
        )
        touched[near[0]] = True
    return touched


def _border_points(
    polygons: Shapes, left: Places, right: Places, asked: Places
) -> tuple[Shapes, Floats, Places]:
    """Return points along common borders, what metres each stands for, and of which pair."""
    wide = shapely.buffer(polygons[right[asked]], 2e-3, quad_segs=1, join_style="mitre")
    border = shapely.intersection(shapely.boundary(polygons[left[asked]]), wide)
    parts, pair = shapely.get_parts(border, return_index=True)
    fine = shapely.segmentize(parts, 2 * _STEP_M)
    coords, part = shapely.get_coordinates(fine, return_index=True)
    same = part[1:] == part[:-1]
    begins, ends = coords[:-1][same], coords[1:][same]
    metres = np.hypot(*(ends - begins).T)
    return shapely.points((begins + ends) / 2), metres, asked[pair[part[1:][same]]]


def _closed(
    borders: tuple[Shapes, Floats, Places], count: int, obstacles: Shapes, reading: _Reading
) -> Flags:
    """Return the borders of which too little is free of obstacles."""
    points, metres, pair = borders
    if not len(obstacles):
        return np.zeros(count, dtype=bool)
    near = shapely.STRtree(obstacles).query(points, predicate="dwithin", distance=reading.beside_m)[
        0
    ]
    free = np.ones(len(points), dtype=bool)
    free[near] = False
    free_m = np.bincount(pair[free], weights=metres[free], minlength=count)
    touched = np.bincount(pair[~free], minlength=count) > 0
    return np.asarray(touched & (free_m < reading.free_m), dtype=bool)


def _passed(
    polygons: Shapes, left: Places, right: Places, ways: Shapes, reading: _Reading
) -> Flags:
    """Return the pairs with a way on which one is beside one cell, then beside the other."""
    found = np.zeros(len(left), dtype=bool)
    if not len(ways) or not len(left):
        return found
    border = shapely.intersection(
        shapely.boundary(polygons[left]), shapely.buffer(polygons[right], 2e-3)
    )
    at, way = shapely.STRtree(ways).query(border, predicate="dwithin", distance=1.1 * _BESIDE_M)
    for one in np.unique(at).tolist():
        around = shapely.buffer(border[one], _AROUND_M)
        walked = shapely.segmentize(shapely.intersection(ways[way[at == one]], around), _STEP_M)
        points = shapely.points(shapely.get_coordinates(walked))
        first = shapely.distance(points, polygons[left[one]]) <= _BESIDE_M
        second = shapely.distance(points, polygons[right[one]]) <= _BESIDE_M
        here, there = points[first & ~second], points[second & ~first]
        if len(here) and len(there):
            gap = shapely.distance(shapely.multipoints(here), shapely.multipoints(there))
            found[one] = gap <= reading.passage_m
    return found


def _round(polygons: Shapes, left: Places, right: Places, shut: Flags, reach_m: float) -> Flags:
    """Return the shut borders one gets round within a distance, from middle to middle."""
    found = np.zeros(len(left), dtype=bool)
    if reach_m <= 0:
        return found
    middle = shapely.get_coordinates(shapely.centroid(polygons))
    near: list[list[tuple[int, float]]] = [[] for _ in polygons]
    for a, b in zip(left[~shut].tolist(), right[~shut].tolist(), strict=True):
        metres = float(np.hypot(*(middle[a] - middle[b])))
        near[a].append((b, metres))
        near[b].append((a, metres))
    far: dict[int, dict[int, float]] = {}
    for at in np.flatnonzero(shut).tolist():
        one = int(left[at])
        if one not in far:
            far[one] = _walked(near, one, reach_m)
        found[at] = int(right[at]) in far[one]
    return found


def _walked(near: list[list[tuple[int, float]]], start: int, reach_m: float) -> dict[int, float]:
    """Return the cells within a distance of one, and how far they are."""
    far, queue = {start: 0.0}, [(0.0, start)]
    while queue:
        metres, cell = heapq.heappop(queue)
        if metres > far[cell]:
            continue
        for other, more in near[cell]:
            total = metres + more
            if total <= reach_m and total < far.get(other, np.inf):
                far[other] = total
                heapq.heappush(queue, (total, other))
    return far
