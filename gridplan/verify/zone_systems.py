"""Are zone systems balanced, nested, anchored and kept as the plan claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import Checked, Finding
from gridplan.verify.frames import (
    Floats,
    given_of,
    number,
    numbers,
    shapes,
    texts,
)
from gridplan.verify.rules import figure, finding
from gridplan.verify.world import World, section
from gridplan.verify.zone_allowed import LEAST, RATIO, allowed, bodies, held_back, norm_sizes
from gridplan.verify.zone_before import lock_findings, move_findings
from gridplan.verify.zone_beyond import beyond_findings
from gridplan.verify.zone_counts import counted_loads
from gridplan.verify.zone_figures import figure_findings, unlisted
from gridplan.verify.zone_groups import fewest_beyond
from gridplan.verify.zone_land import OverLand, land_findings, land_of

_THOUSANDTHS = 1000.0
_PIECE_M, _BESIDE_M = 10.0, 0.05


def systems_of(world: World) -> Checked:
    """Check each zone system that the summary describes against the cells."""
    members = world.members
    if members is None:
        return Checked()
    findings: list[Finding] = []
    figures: dict[str, float] = {}
    systems = section(section(world.summary, "zones"), "systems")
    cells = _cell_loads(world)
    counted = {
        str(name): _loads(cells, own) for name, own in members.groupby("zone_system", sort=True)
    }
    land = land_of(world)
    for name in sorted(map(str, systems)):
        own = members[members["zone_system"] == name]
        claims = section(systems, name)
        if own.empty:
            findings += finding("zone_system_missing", [name], layer="cell_zones")
            continue
        loads = counted[name]
        over_land = land if claims.get("water_parts") else None
        findings += _balance_findings(world, name, claims, own, (loads, cells), over_land)
        findings += _nesting_findings(world, name, claims, own)
        findings += _parent_findings(world, name, claims)
        findings += _anchor_findings(world, name, claims, own)
        findings += _kept_findings(world, name, claims, own)
        findings += _estate_findings(world, name, claims, own)
        findings += lock_findings(world, name, claims, own)
        findings += move_findings(world, name, claims, own)
        figures |= {
            f"zones_max_over_mean/{name}/{load}": float(values.max() / values.mean())
            for load, values in loads.items()
            if load in section(claims, "weights") and values.mean() > 0
        }
    findings += land_findings(world, cells, land)
    findings += _table_findings(world, counted)
    findings += figure_findings(world, members, counted)
    findings += _listing_findings(world, members)
    return Checked(tuple(findings), figures)


def _cell_loads(world: World) -> dict[str, Floats]:
    """Return, for each load that the layers allow, what each cell has of it."""
    cells = world.layers["cells"]
    loads: dict[str, Floats] = {"cells": np.ones(len(cells))}
    if "geometry" in cells:
        area: Floats = np.asarray(shapely.area(shapes(cells)), dtype=np.float64)
        loads["area_m2"] = area
        if world.has("streets", "walkable", "geometry"):
            loads["street_m"] = _street_metres(world)
    if "population" in cells:
        loads["population"] = np.nan_to_num(numbers(cells, "population"))
    loads |= counted_loads(world)
    living = _households(world)
    if living is not None:
        uid = pd.Series(texts(cells, "cell_uid"))
        counts = uid.map(living).fillna(0.0).to_numpy(dtype=np.float64)
        loads["households"] = np.asarray(counts, dtype=np.float64)
    if {"street_m", "population"} <= set(loads):
        parts = [loads[one] for one in ("street_m", "population") if loads[one].sum() > 0]
        share = _THOUSANDTHS / max(len(parts), 1)
        scaled = [share * one / one.sum() for one in parts]
        effort = np.sum(scaled, axis=0) if scaled else np.zeros(len(cells))
        loads["effort"] = np.asarray(effort, dtype=np.float64)
    return loads


def _loads(cells: Mapping[str, Floats], own: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """Return what each zone has of each load."""
    place, zone = own["cell"].to_numpy(), own["zone_id"].to_numpy()
    return {name: pd.Series(load[place]).groupby(zone).sum() for name, load in cells.items()}


def _street_metres(world: World) -> Floats:
    """Return the street in each cell: of a piece along a border, each cell has its part."""
    streets = world.layers["streets"]
    walkable = streets["walkable"].fillna(value=False).astype(bool).to_numpy()
    lines = shapely.segmentize(shapes(streets)[walkable], _PIECE_M)
    pieces = []
    for line in lines:
        points = shapely.get_coordinates(line)
        if len(points):
            pieces.append(np.stack([points[:-1], points[1:]], axis=1))
    ends = np.concatenate(pieces) if pieces else np.zeros((0, 2, 2))
    middles = shapely.points(ends.mean(axis=1))
    metres = np.linalg.norm(np.diff(ends, axis=1), axis=2)
    near = shapely.STRtree(middles).query(
        shapes(world.layers["cells"]), predicate="dwithin", distance=_BESIDE_M
    )
    told = pd.DataFrame({"cell": near[0], "piece": near[1], "m": metres[near[1], 0]})
    told["m"] /= told.groupby("piece")["cell"].transform("size")
    found = told.groupby("cell")["m"].sum().reindex(range(len(world.layers["cells"])))
    return np.asarray(found.fillna(0.0).to_numpy(dtype=np.float64))


def _households(world: World) -> pd.Series[float] | None:
    """Return the households of each cell."""
    living = _households_by_home(world)
    if living is None:
        return None
    return pd.Series(living).groupby(texts(world.layers["demand"], "cell_uid")).sum()


def _households_by_home(world: World) -> Floats | None:
    """Return the households of each home; of one without a count, by its residents."""
    each = number(section(world.summary, "zones").get("persons_per_household"))
    known = world.has("buildings", "building_id", "households")
    if not known or each is None or not world.has("demand", "demand_id", "cell_uid", "population"):
        return None
    buildings, demand = world.layers["buildings"], world.layers["demand"]
    told = dict(zip(texts(buildings, "building_id"), numbers(buildings, "households"), strict=True))
    counted = np.array([told.get(one, np.nan) for one in texts(demand, "demand_id")], dtype=float)
    guessed = np.nan_to_num(numbers(demand, "population")) / each
    return np.where(np.isnan(counted), guessed, counted)


def _balance_findings(
    world: World,
    name: str,
    claims: Mapping[str, Any],
    own: pd.DataFrame,
    counted: tuple[Mapping[str, pd.Series[float]], Mapping[str, Floats]],
    land: OverLand | None,
) -> list[Finding]:
    findings: list[Finding] = []
    loads, cells = counted
    body = bodies(world, claims, own)
    for weight, claim in section(claims, "weights").items():
        if weight not in loads:
            continue
        load = loads[weight]
        bounds = allowed(claims, weight, load, body).assign(body=body)
        slack = LEAST + RATIO * float(load.abs().max())
        least, most = bounds["least"], bounds["most"]
        clearly = load.index[(load > most + slack) | (load < least - slack)]
        nearly = load.index[(load > most - slack) | (load < least + slack)]
        told = {str(one) for one in claim.get("missed") or ()}
        wrong = (set(clearly) - told) | (told - set(nearly))
        findings += finding(
            "zone_balance_claim",
            [
                f"{name}/{one} ({weight} {figure(float(load.get(one, 0.0)))})"
                for one in sorted(wrong)
            ],
            layer="zones",
        )
        ends = {"least": float(least.min()), "most": float(most.max())}
        off = [key for key, true in ends.items()
               if not abs((number(claim.get(key)) or 0.0) - true) <= slack]  # fmt: skip
        findings += finding("zone_band_wrong", [f"{name} {weight}"] if off else [], layer="summary")
        # What the plan tells and may be counts, too: it knows the loads to the last digit.
        off = sorted({*clearly} | (told & set(nearly)))
        if off:
            alone = held_back(world, claims, own, cells[weight], bounds.loc[:])
            table = bounds.assign(load=load, off=bounds.index.isin(off))
            proven = fewest_beyond(
                world, claims, own, cells[weight], table,
                open_=None if land is None else land.may, sizes=norm_sizes(world, claims, weight),
            )  # fmt: skip
            cut = {} if land is None else land.cut_off(own, cells[weight], bounds)
            # Of zones on such land that is the reason.
            parted = {one for zones in cut.values() for one in zones}
            alone = {one: text for one, text in alone.items() if one not in parted}
            findings += beyond_findings(
                name, weight, load[off], bounds.loc[off], (alone, proven), cut
            )
    return findings


def _nesting_findings(
    world: World, name: str, claims: Mapping[str, Any], own: pd.DataFrame
) -> list[Finding]:
    if claims.get("nest") not in {"inside", "unions"} or not world.has("cells", "community_id"):
        return []
    community = texts(world.layers["cells"], "community_id")[own["cell"].to_numpy()]
    pairs = pd.DataFrame({"zone": own["zone_id"].to_numpy(), "community": community})
    by, of = ("zone", "community") if claims["nest"] == "inside" else ("community", "zone")
    counted = pairs.groupby(by)[of].nunique(dropna=False)
    wrong = [f"{name}/{one}" for one in counted.index[counted > 1]]
    return finding("zone_crosses_community", wrong, layer="zones", detail=str(claims["nest"]))


def _parent_findings(world: World, name: str, claims: Mapping[str, Any]) -> list[Finding]:
    parent = claims.get("parent")
    if parent is None or not world.has("zones", "zone_system", "zone_id", "parent_zone_id"):
        return []
    zones = world.layers["zones"]
    system, ids = texts(zones, "zone_system"), texts(zones, "zone_id")
    above, own = texts(zones, "parent_zone_id"), system == name
    known = set(ids[system == parent])
    wrong = [f"{name}/{one}" for one, up in zip(ids[own], above[own], strict=True)
             if up not in known]  # fmt: skip
    return finding("zone_parent_unknown", wrong, layer="zones", detail=str(parent))


def _anchor_findings(
    world: World, name: str, claims: Mapping[str, Any], own: pd.DataFrame
) -> list[Finding]:
    anchors = claims.get("anchors")
    if not isinstance(anchors, Mapping) or not anchors or not world.has("cells", "cell_uid"):
        return []
    uid = texts(world.layers["cells"], "cell_uid")[own["cell"].to_numpy()]
    zone_of = dict(zip(uid, own["zone_id"], strict=True))
    held: dict[Any, list[str]] = {}
    wrong = [f"{name}/{one}" for one, cell in anchors.items() if cell not in zone_of]
    for one, cell in sorted(anchors.items()):
        if cell in zone_of:
            held.setdefault(zone_of[cell], []).append(str(one))
    wrong += [f"{name}/{zone}: {', '.join(ones)}" for zone, ones in held.items() if len(ones) > 1]
    wrong += [f"{name}/{one}" for one in _not_where_they_stand(world, anchors)]
    return finding("zone_anchors", wrong, layer="zones")


def _not_where_they_stand(world: World, anchors: Mapping[str, str]) -> Iterator[str]:
    """Yield the anchors whose committee does not stand in the cell that is named."""
    if not world.has("committees", "committee_id", "geometry"):
        return
    committees, cells = world.layers["committees"], world.layers["cells"]
    where = dict(zip(texts(committees, "committee_id"), shapes(committees), strict=True))
    outline = dict(zip(texts(cells, "cell_uid"), shapes(cells), strict=True))
    for one, cell in sorted(anchors.items()):
        point, polygon = where.get(one), outline.get(cell)
        near = point is not None and polygon is not None
        if near and shapely.distance(point, polygon) > world.tolerances.contact_m:
            yield one


def _kept_findings(
    world: World, name: str, claims: Mapping[str, Any], own: pd.DataFrame
) -> list[Finding]:
    """Check that a kept zone has just the cells of which its given zone has most."""
    kept, body = claims.get("kept"), claims.get("given")
    if body is None or not world.has("in_zonings", "department", "zone_id", "geometry"):
        return []
    zonings = world.layers["in_zonings"]
    mine = texts(zonings, "department") == body
    given, outlines = texts(zonings, "zone_id")[mine], shapes(zonings)[mine]
    polygons = shapes(world.layers["cells"])
    held = np.zeros((len(polygons), len(set(given))))
    names = sorted(map(str, set(given)))
    for at, one in enumerate(names):
        shape = shapely.union_all(outlines[given == one])
        held[:, at] = shapely.area(shapely.intersection(polygons, shape))
    most = np.array(names, dtype=object)[held.argmax(axis=1)]
    claimed = held.max(axis=1) > 0
    named = pd.Series(own["zone_id"].to_numpy(), index=own["cell"].to_numpy())
    zone = named.reindex(range(len(polygons))).to_numpy(dtype=object)
    wrong = []
    for one in names:
        called = one if not kept or one in kept else f"{name}-{one}"
        if kept and called not in kept:
            continue
        before, now = (
            claimed & (most == one),
            np.isin(zone, [called] if kept else [one, f"{name}-{one}"]),
        )
        changed = (before ^ now) if kept else (before & ~now)
        if changed.any():
            wrong.append(f"{name}/{called} ({int(changed.sum())})")
    return finding("zone_not_kept", wrong, layer="zones", detail=str(body))


def _estate_findings(
    world: World, name: str, claims: Mapping[str, Any], own: pd.DataFrame
) -> list[Finding]:
    """Check that the estates whose homes are in several zones are just those that are named."""
    if claims.get("estates") != "whole" or not world.has("demand", "cell_uid", "estate_id"):
        return []
    uid = texts(world.layers["cells"], "cell_uid")[own["cell"].to_numpy()]
    zone_of = dict(zip(uid, own["zone_id"], strict=True))
    demand = world.layers["demand"]
    zones: dict[str, set[str]] = {}
    for estate, cell in zip(texts(demand, "estate_id"), texts(demand, "cell_uid"), strict=True):
        if estate is not None and cell in zone_of:
            zones.setdefault(str(estate), set()).add(zone_of[cell])
    cut = {estate for estate, held in zones.items() if len(held) > 1}
    told = {str(one) for one in claims.get("estates_cut") or ()}
    return finding("zone_estates_cut", sorted(f"{name}/{one}" for one in cut ^ told), layer="zones")


def _table_findings(
    world: World, counted: Mapping[str, Mapping[str, pd.Series[float]]]
) -> list[Finding]:
    """Compare the table `zone_loads` with the loads counted again."""
    if not world.has("zone_loads", "zone_system", "zone_id", "load_kind", "load"):
        return []
    table = world.layers["zone_loads"]
    system, zone = texts(table, "zone_system"), texts(table, "zone_id")
    weight, told = texts(table, "load_kind"), numbers(table, "load")
    wrong = []
    for at in range(len(table)):
        loads = counted.get(system[at], {}).get(weight[at])
        if loads is None and system[at] in counted:
            continue
        value = float(loads.get(zone[at], np.nan)) if loads is not None else np.nan
        if not abs(told[at] - value) <= LEAST + RATIO * abs(value):
            wrong.append(f"{system[at]}/{zone[at]} {weight[at]}")
    return finding("zone_load_differs", wrong, layer="zone_loads")


def _listing_findings(world: World, members: pd.DataFrame) -> list[Finding]:
    """Check that every home is listed once in each system, in its zone, with its residents."""
    columns = ("zone_system", "zone_id", "estate_id", "population", "building_ids")
    if not world.has("zone_estates", *columns) or not world.has("cells", "cell_uid"):
        return []
    if not world.has("demand", "demand_id", "cell_uid", "population"):
        return []
    table, demand = world.layers["zone_estates"], world.layers["demand"]
    uid = texts(world.layers["cells"], "cell_uid")
    homes = pd.DataFrame({"home": texts(demand, "demand_id"), "cell": texts(demand, "cell_uid"),
                          "people": np.nan_to_num(numbers(demand, "population"))})  # fmt: skip
    homes = homes[given_of(homes["cell"].to_numpy())]
    listed = pd.DataFrame(
        {
            "system": texts(table, "zone_system"),
            "zone": texts(table, "zone_id"),
            "people": np.nan_to_num(numbers(table, "population")),
            "homes": [str(one or "").split(" ") for one in texts(table, "building_ids")],
        }
    )
    wrong = unlisted(world, members)
    for name, own in listed.groupby("system", sort=True):
        mine = members[members["zone_system"] == name]
        zone_of = dict(zip(uid[mine["cell"].to_numpy()], mine["zone_id"], strict=True))
        # That a cell is in no zone is another rule's.
        true = homes.assign(zone=homes["cell"].map(zone_of)).dropna(subset="zone")
        told = own[["zone", "homes"]].explode("homes")
        pairs = sorted(zip(told["zone"], told["homes"], strict=True))
        if pairs != sorted(zip(true["zone"], true["home"], strict=True)):
            odd = set(pairs) ^ set(zip(true["zone"], true["home"], strict=True))
            wrong += sorted({f"{name}/{one}" for one, _ in odd}) or [str(name)]
        sums = own.groupby("zone")["people"].sum() - true.groupby("zone")["people"].sum()
        wrong += [f"{name}/{one}" for one in sums.index[sums.abs() > world.tolerances.residents]]
    return finding("zone_listing", sorted(set(wrong)), layer="zone_estates")
