"""Do the anchors of zones stand in them, and is the farthest walk as far as the plan says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import Finding
from gridplan.verify.frames import Flags, Floats, Texts, numbers, shapes, sound, texts
from gridplan.verify.rules import finding
from gridplan.verify.sums import with_service_points
from gridplan.verify.world import World, section

Walks = dict[tuple[str, str], float]
"""Metres from a home to a committee."""


def anchor_findings(world: World, members: pd.DataFrame) -> list[Finding]:
    """
    Check the anchor of each zone and the walk to it from the farthest home.

    Where a committee stands in a zone, the anchor is one such; of zones inside communities it
    is one that serves theirs. Where the walk from every home to the anchor is known, the
    farthest one is the reach; else it is no less than what is known, nor than the straight
    line. Cells that are said to have no way are no fewer than those with a home that has a way
    to no committee, and no more than those with a home whose walk is not known.
    """
    needed = ("zone_system", "zone_id", "geometry", "anchor")
    if not world.has("zones", *needed) or not world.has("committees", "committee_id", "geometry"):
        return []
    zones = world.layers["zones"]
    names = np.array([f"{a}/{b}" for a, b in zip(texts(zones, "zone_system"),
                      texts(zones, "zone_id"), strict=True)], dtype=object)  # fmt: skip
    anchors = texts(zones, "anchor")
    serving = _serving(world, members)
    findings = finding("zone_anchors", _strange(world, names, anchors, serving), layer="zones")
    if world.has("zones", "reach_m", "unreached") and world.has(
        "demand", "demand_id", "cell_uid", "geometry"
    ):
        far, lost = _wrong_reach(world, members, names, anchors)
        findings += finding("zone_figures", far, layer="zones", detail="reach_m")
        findings += finding("zone_figures", lost, layer="zones", detail="unreached")
    return findings


def _serving(world: World, members: pd.DataFrame) -> dict[str, set[str]]:
    """Return the committees that serve the community of each zone inside one."""
    systems = section(section(world.summary, "zones"), "systems")
    inside = {str(one) for one in systems if section(systems, one).get("nest") == "inside"}
    table = world.get("community_committees")
    if table is None or not inside or not world.has("cells", "community_id"):
        return {}
    pairs = zip(texts(table, "community_id"), texts(table, "committee_id"), strict=True)
    own: dict[str, set[str]] = {}
    for community, committee in pairs:
        own.setdefault(str(community), set()).add(str(committee))
    home = texts(world.layers["cells"], "community_id")
    found: dict[str, set[str]] = {}
    for cell, system, zone in members[["cell", "zone_system", "zone_id"]].itertuples(index=False):
        if system in inside and str(home[cell]) in own:
            found.setdefault(f"{system}/{zone}", own[str(home[cell])])
    return found


def _strange(
    world: World, names: Texts, anchors: Texts, serving: Mapping[str, set[str]]
) -> list[str]:
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
        allowed = serving.get(name, known) & known
        stray = anchor is not None and anchor not in (allowed or known)
        held = inside[name] & (allowed or known)
        if stray or (held and anchor not in beside[name]):
            wrong.append(f"{name}: {anchor or '-'}")
    return wrong


def _wrong_reach(
    world: World, members: pd.DataFrame, names: Texts, anchors: Texts
) -> tuple[list[str], list[str]]:
    """Return the zones whose reach, and whose number of cells without a way, cannot be."""
    zones, demand = world.layers["zones"], world.layers["demand"]
    told, lost = numbers(zones, "reach_m"), np.nan_to_num(numbers(zones, "unreached"))
    uid = texts(world.layers["cells"], "cell_uid")[members["cell"].to_numpy()]
    zone = members["zone_system"].astype(str) + "/" + members["zone_id"].astype(str)
    cells = pd.DataFrame({"cell": uid, "zone": zone.to_numpy()})
    homes = pd.DataFrame({"cell": texts(demand, "cell_uid"), "at": np.arange(len(demand))})
    of_zone = dict(list(homes.merge(cells, on="cell").groupby("zone")))
    walks, straight, nowhere = _walks(world), _straight(world), _nowhere(world)
    ids, slack = texts(demand, "demand_id"), world.tolerances.distance_m
    wrong, odd = [], []
    for at, (name, anchor) in enumerate(zip(names, anchors, strict=True)):
        own = of_zone.get(name)
        if anchor is None or own is None:
            odd += [str(name)] if lost[at] else []
            continue
        places, cell = own["at"].to_numpy(), own["cell"]
        known = pd.Series([walks.get((ids[one], anchor), np.nan) for one in places])
        doubtful = known.isna().groupby(cell.to_numpy()).any()
        least = pd.Series(nowhere[places]).groupby(cell.to_numpy()).any().sum()
        if not least <= lost[at] <= doubtful.sum():
            odd.append(str(name))
        # Of cells without a way the farthest walk is none; which they are is not told.
        sure = np.ones(len(places), dtype=bool)
        if lost[at]:
            sure = ~cell.map(doubtful).to_numpy(dtype=bool)
        metres, lines = known.to_numpy()[sure], straight.get(anchor)
        far = float(np.nanmax(metres, initial=0.0))
        if lines is not None:
            nearest = lines[places[sure]]
            far = max(far, float(np.nanmax(nearest, initial=0.0)) - world.tolerances.straight_m)
        more = told[at] > np.nanmax(metres, initial=0.0) + slack and not known.isna().any()
        none = bool(lost[at]) and not sure.any()
        if (not told[at] >= far - slack and not (none and np.isnan(told[at]))) or more:
            wrong.append(str(name))
    return wrong, odd


def _nowhere(world: World) -> Flags:
    """Return the homes that have a way to no committee at all."""
    demand = world.layers["demand"]
    if "nearest_committee_m" not in demand:
        return np.zeros(len(demand), dtype=bool)
    return np.asarray(np.isnan(numbers(demand, "nearest_committee_m")), dtype=bool)


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
