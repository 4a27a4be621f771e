"""Do the anchors of zones stand in them, and is the farthest walk as far as the plan says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import Finding
from gridplan.verify.frames import Floats, Texts, numbers, shapes, sound, texts
from gridplan.verify.rules import finding
from gridplan.verify.sums import with_service_points
from gridplan.verify.world import World

Walks = dict[tuple[str, str], float]
"""Metres from a home to a committee."""


def anchor_findings(world: World, members: pd.DataFrame) -> list[Finding]:
    """
    Check the anchor of each zone and the walk to it from the farthest home.

    Where a committee stands in a zone, the anchor is one such. Where the walk from every
    home to the anchor is known, the farthest one is the reach; else it is no less than
    what is known, nor than the straight line.
    """
    needed = ("zone_system", "zone_id", "geometry", "anchor")
    if not world.has("zones", *needed) or not world.has("committees", "committee_id", "geometry"):
        return []
    zones = world.layers["zones"]
    names = np.array([f"{a}/{b}" for a, b in zip(texts(zones, "zone_system"),
                      texts(zones, "zone_id"), strict=True)], dtype=object)  # fmt: skip
    anchors = texts(zones, "anchor")
    findings = finding("zone_anchors", _strange(world, names, anchors), layer="zones")
    if world.has("zones", "reach_m", "unreached") and world.has(
        "demand", "demand_id", "cell_uid", "geometry"
    ):
        wrong = _wrong_reach(world, members, names, anchors)
        findings += finding("zone_figures", wrong, layer="zones", detail="reach_m")
    return findings


def _strange(world: World, names: Texts, anchors: Texts) -> list[str]:
    """Return the zones of which the anchor is unknown, or another than the committee in them."""
    committees, outlines = world.layers["committees"], shapes(world.layers["zones"])
    ids, points = texts(committees, "committee_id"), shapes(committees)
    fit = sound(outlines)
    inside: dict[str, set[str]] = {str(one): set() for one in names}
    beside: dict[str, set[str]] = {str(one): set() for one in names}
    for name, outline in zip(names[fit], outlines[fit], strict=True):
        for one, point in zip(ids, points, strict=True):
            if point is None or shapely.distance(outline, point) > world.tolerances.contact_m:
                continue
            beside[name].add(one)
            if shapely.contains_properly(outline, point):
                inside[name].add(one)
    known = set(ids)
    wrong = []
    for name, anchor in zip(names, anchors, strict=True):
        stray = anchor is not None and anchor not in known
        if stray or (inside[name] and anchor not in beside[name]):
            wrong.append(f"{name}: {anchor or '-'}")
    return wrong


def _wrong_reach(world: World, members: pd.DataFrame, names: Texts, anchors: Texts) -> list[str]:
    zones, demand = world.layers["zones"], world.layers["demand"]
    told, lost = numbers(zones, "reach_m"), np.nan_to_num(numbers(zones, "unreached"))
    uid = texts(world.layers["cells"], "cell_uid")[members["cell"].to_numpy()]
    zone = members["zone_system"].astype(str) + "/" + members["zone_id"].astype(str)
    cells = pd.DataFrame({"cell": uid, "zone": zone.to_numpy()})
    homes = pd.DataFrame({"cell": texts(demand, "cell_uid"), "at": np.arange(len(demand))})
    of_zone = homes.merge(cells, on="cell").groupby("zone")["at"].agg(list)
    walks, straight = _walks(world), _straight(world)
    ids, wrong = texts(demand, "demand_id"), []
    for at, (name, anchor) in enumerate(zip(names, anchors, strict=True)):
        own = of_zone.get(name, [])
        if anchor is None or lost[at] or not own:
            continue
        known = np.array([walks.get((ids[one], anchor), np.nan) for one in own])
        lines = straight.get(anchor)
        far = np.nanmax(known) if (~np.isnan(known)).any() else 0.0
        if lines is not None:
            far = max(far, float(np.nanmax(lines[own], initial=0.0)) - world.tolerances.straight_m)
        slack = world.tolerances.distance_m
        more = told[at] > np.nanmax(known, initial=0.0) + slack and not np.isnan(known).any()
        if not told[at] >= far - slack or more:
            wrong.append(str(name))
    return wrong


def _walks(world: World) -> Walks:
    """Return the walks from homes to committees that the layers tell."""
    demand = world.layers["demand"]
    found: Walks = {}
    tables = [(demand, f"{one}_id", f"{one}_m") for one in ("committee", "nearest_committee")]
    if world.has("nearest_facilities", "demand_id", "facility_id", "metres"):
        tables.append((world.layers["nearest_facilities"], "facility_id", "metres"))
    for table, column, metres in tables:
        if {column, metres} <= set(table):
            keys = zip(texts(table, "demand_id"), texts(table, column), strict=True)
            found.update(
                (key, far)
                for key, far in zip(keys, numbers(table, metres).tolist(), strict=True)
                if not np.isnan(far)
            )
    return found


def _straight(world: World) -> dict[str, Floats]:
    """Return, for each committee, the straight line from each home to its nearest point."""
    places = with_service_points(
        world.layers["committees"], "committee_id", world.get("in_facilities")
    )
    ids, points, homes = (
        texts(places, "committee_id"), shapes(places), shapes(world.layers["demand"]),
    )  # fmt: skip
    found: dict[str, Floats] = {}
    for one, point in zip(ids, points, strict=True):
        metres = np.asarray(shapely.distance(homes, point), dtype=np.float64)
        found[one] = np.fmin(found[one], metres) if one in found else metres
    return found
