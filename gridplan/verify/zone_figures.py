"""Do the figures that a plan tells of its zone systems follow from its cells and homes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import Finding
from gridplan.verify.frames import (
    Flags,
    Floats,
    given_of,
    is_in,
    number,
    numbers,
    shapes,
    sound,
    texts,
)
from gridplan.verify.rules import finding
from gridplan.verify.world import World, section
from gridplan.verify.zone_allowed import allowed, bodies
from gridplan.verify.zone_anchors import anchor_findings
from gridplan.verify.zone_lines import line_findings

_RATIO, _LEAST = 1e-6, 1e-6
"""Between a figure and the same counted again: relative, and in its unit."""
Loads = Mapping[str, Mapping[str, "pd.Series[float]"]]
"""What each zone has, by system and load."""


def figure_findings(world: World, members: pd.DataFrame, counted: Loads) -> list[Finding]:
    """Check the summary, the columns of `zones` and the rows of `zone_loads` of all systems."""
    systems = section(section(world.summary, "zones"), "systems")
    known = {str(name): section(systems, name) for name in systems if name in counted}
    return [
        *_summary_findings(world, known, counted),
        *_missed_findings(world, known),
        *_bound_findings(world, members, known, counted),
        *_column_findings(world, members, known, counted),
        *anchor_findings(world, members),
        *line_findings(world, known),
    ]


def near(told: object, true: float) -> bool:
    """Return whether a figure is what was counted; not a number where there is none."""
    value = number(told)
    if value is None or math.isnan(true):
        return value is None and math.isnan(true)
    return abs(value - true) <= _LEAST + _RATIO * abs(true)


def _spread(load: pd.Series[float]) -> dict[str, float]:
    """Return how uneven loads are; nothing of loads that are 0 everywhere."""
    mean = float(load.mean())
    if not mean > 0:
        return {}
    share = load.to_numpy(dtype=np.float64) / mean
    return {
        "cv": float(share.std()),
        "max_over_mean": float(share.max()),
        "max_deviation_share": float(np.abs(share - 1).max()),
    }


def _summary_findings(
    world: World, known: Mapping[str, Mapping[str, Any]], counted: Loads
) -> list[Finding]:
    wrong = []
    for name, claims in sorted(known.items()):
        true = _of_shapes(world, name) | {"count": float(len(counted[name]["cells"]))}
        wrong += [
            f"{name} {key}" for key, value in true.items() if not near(claims.get(key), value)
        ]
        weights = section(claims, "weights")
        spreads = [_spread(counted[name][one]) for one in weights or ["area_m2"]
                   if one in counted[name]]  # fmt: skip
        for weight in sorted(set(weights) & set(counted[name])):
            claim = section(weights, weight)
            spread = _spread(counted[name][weight])
            spread["mean"] = float(counted[name][weight].mean())
            wrong += [f"{name} {weight} {key}" for key in ("mean", "cv", "max_over_mean")
                      if key in spread and not near(claim.get(key), spread[key])]  # fmt: skip
        wrong += [f"{name} {key}" for key in _odd(claims, spreads)]
    return finding("zone_summary", wrong, layer="summary")


def _odd(claims: Mapping[str, Any], spreads: list[dict[str, float]]) -> list[str]:
    """Return the figures of a system that are of none of its weights, those of the nearest one."""
    found = [[key for key, value in one.items() if not near(claims.get(key), value)]
             for one in spreads]  # fmt: skip
    return min(found, key=len, default=[])


def _of_shapes(world: World, name: str) -> dict[str, float]:
    """Return the figures of a system that follow from the layer of its zones."""
    zones = world.get("zones")
    if zones is None or not world.has("zones", "zone_system", "geometry"):
        return {}
    own = texts(zones, "zone_system") == name
    outlines = shapes(zones)[own]
    if not own.any() or not sound(outlines).all():
        return {}
    found = {"compactness_median": float(np.median(_compactness(outlines)))}
    if "reach_m" in zones:
        reach = numbers(zones, "reach_m")[own]
        reach = reach[~np.isnan(reach)]
        found["reach_median_m"] = float(np.median(reach)) if len(reach) else math.nan
        found["reach_max_m"] = float(reach.max(initial=-math.inf)) if len(reach) else math.nan
    return found


def _compactness(outlines: np.ndarray) -> Floats:
    return np.asarray(4 * math.pi * shapely.area(outlines) / shapely.length(outlines) ** 2)


def _missed_findings(world: World, known: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Find the systems of which the missed targets do not name zones beyond what is allowed."""
    if "targets_missed" not in world.summary:
        return []
    told = world.summary["targets_missed"] or ()
    said = [str(one.get("en", "")) for one in told if one.get("key") == "zone_balance"]
    beyond = sum(
        bool(section(section(claims, "weights"), weight).get("missed"))
        for claims in known.values()
        for weight in section(claims, "weights")
    )
    silent = [f"targets_missed ({len(said)} / {beyond})"] if len(said) != beyond else []
    return finding("zone_summary", silent, layer="summary")


def _bound_findings(
    world: World, members: pd.DataFrame, known: Mapping[str, Mapping[str, Any]], counted: Loads
) -> list[Finding]:
    """Find the rows of `zone_loads` that are missing, or not what the summary allows."""
    columns = ("zone_system", "zone_id", "load_kind", "least", "most", "deviation_share")
    if not world.has("zone_loads", *columns):
        return []
    table = world.layers["zone_loads"]
    keys = zip(*(texts(table, one) for one in columns[:3]), strict=True)
    figures = zip(*(numbers(table, one) for one in columns[3:]), strict=True)
    told: dict[tuple[Any, ...], list[tuple[float, ...]]] = {}
    for key, row in zip(keys, figures, strict=True):
        told.setdefault(key, []).append(row)
    wrong = []
    for name, claims in sorted(known.items()):
        weights = section(claims, "weights")
        body = bodies(world, claims, members[members["zone_system"] == name])
        for weight in sorted(set(weights) & set(counted[name])):
            load = counted[name][weight]
            bounds, mean = allowed(claims, weight, load, body), float(load.mean())
            rows = zip(load.index, bounds["least"], bounds["most"], load, strict=True)
            for zone, least, most, value in rows:
                true = [least, most, float(value) / mean - 1 if mean else 0.0]
                found = told.get((name, zone, weight), [])
                fits = [all(near(a, b) for a, b in zip(row, true, strict=True)) for row in found]
                if fits != [True]:
                    wrong.append(f"{name}/{zone} {weight}")
    return finding("zone_load_differs", wrong, layer="zone_loads")


def _column_findings(
    world: World,
    members: pd.DataFrame,
    known: Mapping[str, Mapping[str, Any]],
    counted: Loads,
) -> list[Finding]:
    """Check the columns of `zones` that follow from shapes, loads and homes."""
    if not world.has("zones", "zone_system", "zone_id", "geometry"):
        return []
    zones = world.layers["zones"]
    names = np.array([f"{a}/{b}" for a, b in zip(texts(zones, "zone_system"),
                      texts(zones, "zone_id"), strict=True)], dtype=object)  # fmt: skip
    findings: list[Finding] = []
    outlines = shapes(zones)
    fit = sound(outlines)
    true: Floats = np.full(len(zones), np.nan, dtype=np.float64)
    true[fit] = _compactness(outlines[fit])
    findings += _differs(world, names, "compactness", true, fit)
    for column, values in _of_homes(world, members).items():
        summed = np.asarray(values.reindex(names, fill_value=0.0), dtype=np.float64)
        findings += _differs(world, names, column, summed, np.ones(len(zones), dtype=bool))
    findings += _living(world, names, outlines, fit)
    return findings + _work(world, known, counted)


def _differs(
    world: World, names: np.ndarray, column: str, true: Floats, asked: Flags
) -> list[Finding]:
    if not world.has("zones", column):
        return []
    told = numbers(world.layers["zones"], column)
    wrong = asked & ~(np.abs(told - true) <= _LEAST + _RATIO * np.abs(true))
    return finding("zone_figures", names[wrong], layer="zones", detail=column)


def _of_homes(world: World, members: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """Return how many estates and buildings have homes in each zone."""
    if not world.has("cells", "cell_uid") or not world.has("demand", "demand_id", "cell_uid"):
        return {}
    demand, uid = world.layers["demand"], texts(world.layers["cells"], "cell_uid")
    zone = pd.DataFrame({
        "cell": uid[members["cell"].to_numpy()],
        "zone": members["zone_system"].astype(str) + "/" + members["zone_id"].astype(str),
    })  # fmt: skip
    homes = pd.DataFrame({"cell": texts(demand, "cell_uid"), "home": texts(demand, "demand_id")})
    found: dict[str, pd.Series[float]] = {}
    if "estate_id" in demand:
        homes["estate"] = texts(demand, "estate_id")
        placed = homes.merge(zone, on="cell")
        found["estates"] = placed.groupby("zone")["estate"].nunique().astype(float)
    if world.has("buildings", "building_id"):
        own = homes[homes["home"].isin(set(texts(world.layers["buildings"], "building_id")))]
        found["buildings"] = own.merge(zone, on="cell").groupby("zone").size().astype(float)
    return found


def _living(world: World, names: np.ndarray, outlines: np.ndarray, fit: Flags) -> list[Finding]:
    """Check the households of zones against those of the buildings that stand in them."""
    if not world.has("buildings", "households", "geometry") or not world.has("zones", "households"):
        return []
    buildings, zones = world.layers["buildings"], world.layers["zones"]
    housed, drawn = numbers(buildings, "households"), shapes(buildings)
    usable = sound(drawn) & (housed > 0)
    points = shapely.point_on_surface(drawn[usable])
    zone, home = shapely.STRtree(points).query(outlines, predicate="intersects")
    system = texts(zones, "zone_system")[zone]
    # A building on the border of two zones may count in either.
    shared = pd.DataFrame({"system": system, "home": home}).duplicated(keep=False).to_numpy()
    people = housed[usable][home]
    most = np.bincount(zone, weights=people, minlength=len(zones))
    least = np.bincount(zone, weights=np.where(shared, 0.0, people), minlength=len(zones))
    told = np.nan_to_num(numbers(zones, "households"))
    wrong = fit & ((told < least - _LEAST) | (told > most + _LEAST))
    return finding("zone_figures", names[wrong], layer="zones", detail="households")


def _work(world: World, known: Mapping[str, Mapping[str, Any]], counted: Loads) -> list[Finding]:
    """Check the workload of zones: of one of their system's weights, or residents."""
    if not world.has("zones", "workload"):
        return []
    zones = world.layers["zones"]
    system, zone = texts(zones, "zone_system"), texts(zones, "zone_id")
    told, wrong = numbers(zones, "workload"), []
    for name in sorted(counted):
        own, loads = system == name, counted[name]
        # What is 0 everywhere is no weight that the summary could balance.
        weights = [*section(known.get(name, {}), "weights")] or ["population"]
        nothing = [one for one, load in loads.items() if not load.any()]
        odd = [
            _unlike(told[own], np.asarray(loads[one].reindex(zone[own]), dtype=np.float64))
            for one in [*weights, *nothing]
            if one in loads
        ]
        if odd and own.any():
            worst = min(odd, key=lambda one: int(one.sum()))
            wrong += _named(name, zone[own][worst])
    return finding("zone_figures", wrong, layer="zones", detail="workload")


def _unlike(told: Floats, true: Floats) -> Flags:
    return np.asarray(~(np.abs(told - true) <= 1e-2 + _RATIO * np.abs(true)))


def _named(system: str, zones: Iterable[object]) -> list[str]:
    return [f"{system}/{one}" for one in zones]


def unlisted(world: World, members: pd.DataFrame) -> list[str]:
    """Return the zones with homes of the systems that no row of `zone_estates` is about."""
    listed = set(texts(world.layers["zone_estates"], "zone_system"))
    systems = section(section(world.summary, "zones"), "systems")
    uid = texts(world.layers["cells"], "cell_uid")
    homes = texts(world.layers["demand"], "cell_uid")
    lived_in = homes[given_of(homes)]
    own = members[members["zone_system"].isin(set(map(str, systems)) - listed)]
    own = own[is_in(uid[own["cell"].to_numpy()], lived_in)]
    return sorted({f"{a}/{b}" for a, b in zip(own["zone_system"], own["zone_id"], strict=True)})
