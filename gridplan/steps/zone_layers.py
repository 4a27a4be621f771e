"""The zone systems as layers and tables of the contract, and as figures of the summary."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.demand import first_containing
from gridplan.errors import Message, Note
from gridplan.steps.rezoning import moves_between
from gridplan.steps.work import Work
from gridplan.steps.zone_bands import load_word
from gridplan.steps.zoning import MadeSystem, cut_estates, system_word
from gridplan.zone_words import with_held
from gridplan.zones import border_share, dissolve_zones, zone_reach

_KEY = ["zone_system", "zone_id"]


def system_layers(work: Work) -> dict[str, pd.DataFrame]:
    """Return the layers `zones`, `cell_zones`, `zone_loads` and `zone_estates` of all systems."""
    cells, made = work.found["cells"], work.found["systems"]
    zones = [
        zone_layer(work, cells, one.plan.zone_of, system=name, made=one)
        for name, one in made.items()
    ]
    members = [_members(cells, one.plan.zone_of, name) for name, one in made.items()]
    moved = [_moves(work, one) for one in made.values() if one.earlier is not None]
    more = {"zone_moves": pd.concat(moved, ignore_index=True)} if moved else {}
    return {
        **more,
        "zones": gpd.GeoDataFrame(pd.concat(zones, ignore_index=True), crs=work.place.crs),
        "cell_zones": pd.concat(members, ignore_index=True),
        "zone_loads": pd.concat([_loads(one) for one in made.values()], ignore_index=True),
        "zone_estates": pd.concat(
            [zone_estates(work, one.plan.zone_of, name) for name, one in made.items()],
            ignore_index=True,
        ),
    }


def _moves(work: Work, made: MadeSystem) -> pd.DataFrame:
    """Return what changes zone against an earlier plan."""
    people = work.found["cell_loads"]["population"]
    earlier = pd.Series(dtype=object) if made.earlier is None else made.earlier
    table = moves_between(made.plan, earlier, people)
    table.insert(0, "zone_system", made.name)
    return table


def zone_layer(
    work: Work,
    cells: gpd.GeoDataFrame,
    zone_of: pd.Series[str],
    *,
    system: str,
    made: MadeSystem | None = None,
) -> gpd.GeoDataFrame:
    """Return the zones of a system as the contract has them."""
    zones = dissolve_zones(cells, zone_of)
    zones["zone_system"] = system
    zones["parent_zone_id"] = _parent(zones, zone_of, made)
    zones["name"] = zones["zone_id"]
    homes = work.place.buildings
    points = shapely.point_on_surface(homes.geometry.to_numpy())
    where = first_containing(points, zones, "zone_id")
    households = homes["households"].groupby(where).sum(min_count=1)
    zones["households"] = zones["zone_id"].map(households).astype("Int64")
    load = "population" if made is None else made.weights[0]
    sums = work.found["cell_loads"][load].groupby(zone_of.reindex(work.found["cell_loads"].index))
    zones["workload"] = zones["zone_id"].map(sums.sum()).astype(float)
    zones = zones.merge(_reach(work, zone_of, made), on="zone_id", how="left")
    own = zone_estates(work, zone_of, system)
    counted = own[own["estate_id"].notna()].groupby("zone_id").size()
    zones["estates"] = zones["zone_id"].map(counted).fillna(0).astype("int64")
    buildings = own.groupby("zone_id")["buildings"].sum()
    zones["buildings"] = zones["zone_id"].map(buildings).fillna(0).astype("int64")
    first = [*_KEY, "parent_zone_id", "name", "community_id", "cells"]
    rest = ["area_m2", "population", "households", "workload", "compactness"]
    more = ["estates", "buildings", "anchor", "reach_m", "unreached", "geometry"]
    return gpd.GeoDataFrame(zones[[*first, *rest, *more]], crs=work.place.crs)


def _parent(
    zones: pd.DataFrame, zone_of: pd.Series[str], made: MadeSystem | None
) -> pd.Series[str]:
    if made is None or made.parents is None:
        return pd.Series([None] * len(zones), index=zones.index, dtype="object")
    above = made.parents.reindex(zone_of.index).groupby(zone_of.to_numpy()).first()
    return zones["zone_id"].map(above).astype("object")


def _members(cells: pd.DataFrame, zone_of: pd.Series[str], system: str) -> pd.DataFrame:
    zone = cells["cell_uid"].map(zone_of)
    return pd.DataFrame({"cell_uid": cells["cell_uid"], "zone_system": system, "zone_id": zone})


def _loads(made: MadeSystem) -> pd.DataFrame:
    """Return what each zone has of each weight, beside what is allowed."""
    balance, parts = made.plan.balance, []
    for weight, bounds in made.bounds.items():
        parts.append(
            pd.DataFrame(
                {
                    "zone_system": made.name,
                    "zone_id": balance.index.astype(object),
                    "load_kind": weight,
                    "load": balance[weight].to_numpy(dtype=float),
                    "deviation_share": balance[f"{weight}_deviation_share"].to_numpy(dtype=float),
                    "least": bounds["least"].to_numpy(dtype=float),
                    "most": bounds["most"].to_numpy(dtype=float),
                }
            )
        )
    if not parts:
        columns = [*_KEY, "load_kind", "load", "deviation_share", "least", "most"]
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)


def zone_estates(work: Work, zone_of: pd.Series[str], system: str) -> pd.DataFrame:
    """Return the homes of each zone by estate: buildings, households, residents, their ids."""
    demand = work.found["demand"]
    homes = demand[demand["cell_uid"].notna()]
    known = work.place.buildings.set_index("building_id")["households"]
    told = pd.DataFrame(
        {
            "zone_id": homes["cell_uid"].map(zone_of),
            "estate_id": homes["estate_id"].astype("object"),
            "buildings": homes["demand_id"].isin(known.index).astype("int64"),
            "households": homes["demand_id"].map(known).astype("Int64"),
            "population": homes["population"].fillna(0).astype("int64"),
            "building_ids": homes["demand_id"],
        }
    ).sort_values(["zone_id", "estate_id", "building_ids"])
    grouped = told.groupby(["zone_id", "estate_id"], dropna=False, sort=True)
    table = grouped.agg(
        buildings=("buildings", "sum"),
        households=("households", lambda own: own.sum(min_count=1)),
        population=("population", "sum"),
        building_ids=("building_ids", " ".join),
    ).reset_index()
    table["households"] = table["households"].astype("Int64")
    table["estate_id"] = table["estate_id"].astype("object").where(table["estate_id"].notna(), None)
    table.insert(0, "zone_system", system)
    return table


def _reach(work: Work, zone_of: pd.Series[str], made: MadeSystem | None) -> pd.DataFrame:
    """
    Return each zone's anchor, and the walk to it from the farthest cell.

    The anchor is the committee that stands in the zone; of several, or of all where none
    does, the one that its residents walk to least. Of zones inside communities it is one of
    those that serve their community.
    """
    walks, demand = work.found["walks"], work.found["demand"]
    homes = demand["cell_uid"].notna().to_numpy()
    ids = [str(one) for one in walks.ids[: walks.committees]]
    metres = pd.DataFrame(walks.metres[homes, : walks.committees], columns=ids)
    uid = demand["cell_uid"].to_numpy()[homes]
    farthest = metres.groupby(uid).max().reindex(zone_of.index)
    people = demand["population"].to_numpy()[homes]
    serving = _serving(work, zone_of, made)
    anchor_of = _anchor_of(work, zone_of, (metres, uid, people), serving)
    told = zone_reach(zone_of, anchor_of, farthest)
    return told.reset_index()[["zone_id", "anchor", "reach_m", "unreached"]]


def _serving(work: Work, zone_of: pd.Series[str], made: MadeSystem | None) -> dict[str, set[str]]:
    """Return the committees of each zone's community, where zones lie inside communities."""
    if made is None or made.nest != "inside":
        return {}
    cells, pairs = work.found["cells"], work.found["community_committees"]
    community = pd.Series(cells["community_id"].to_numpy(), index=cells["cell_uid"])
    home = community.reindex(zone_of.index).groupby(zone_of.to_numpy()).first()
    own = pairs.groupby("community_id")["committee_id"].agg(set)
    return {str(zone): own[one] for zone, one in home.items() if one in own.index}


def _anchor_of(
    work: Work,
    zone_of: pd.Series[str],
    walks: tuple[pd.DataFrame, np.ndarray, np.ndarray],
    serving: Mapping[str, set[str]],
) -> pd.Series[str]:
    metres, uid, people = walks
    zone = zone_of.reindex(uid).to_numpy()
    weight = pd.Series(people, dtype="Float64").fillna(0).to_numpy(dtype=float)[:, None]
    finite = np.isfinite(metres.to_numpy())
    walked = pd.DataFrame(np.where(finite, metres, 0.0) * weight, columns=metres.columns)
    lost = pd.DataFrame(~finite * weight, columns=metres.columns)
    walked, lost = walked.groupby(zone).sum(), lost.groupby(zone).sum()
    committees = work.place.committees
    cell = first_containing(committees.geometry.to_numpy(), work.found["cells"], "cell_uid")
    inside = pd.Series(cell.map(zone_of).to_numpy(), index=committees["committee_id"])
    found = {}
    for name in sorted(set(zone_of)):
        among = serving.get(name, set(metres.columns))
        own = sorted(among & set(inside.index[inside == name]))
        if name not in walked.index:
            # Nobody lives there: only a committee that stands in it is its anchor.
            found.update({name: own[0]} if own else {})
            continue
        own = own or sorted(among & set(metres.columns)) or sorted(metres.columns)
        found[name] = min(own, key=lambda one: (lost.loc[name, one], walked.loc[name, one], one))
    return pd.Series(found, dtype="object")


def system_figures(work: Work) -> dict[str, Any]:
    """Return the block ``zones`` of the summary."""
    zones = work.found["layers"]["zones"]
    return {
        "main": work.config.zones.main,
        "persons_per_household": work.config.demand.persons_per_household,
        "crossing_m": work.config.zones.crossing_m,
        "systems": {
            name: _figures(work, zones[zones["zone_system"] == name], one)
            for name, one in work.found["systems"].items()
        },
    }


def _figures(work: Work, zones: gpd.GeoDataFrame, made: MadeSystem) -> dict[str, Any]:
    settings, options, place = made.settings, made.options, work.place
    first = made.plan.balance[_first(made)].to_numpy(dtype=float)
    mean = first.mean()
    reach = zones["reach_m"].dropna()
    return {
        "count": len(zones),
        "preset": settings.preset,
        "tolerance": options.tolerances.get(made.weights[0], options.tolerance),
        "max_deviation_share": float(np.abs(first / mean - 1).max()),
        "max_over_mean": float(first.max() / mean),
        "cv": float(first.std() / mean),
        "compactness_median": float(zones["compactness"].median()),
        "border_share": border_share(
            zones.geometry.to_numpy(),
            streets=place.streets.geometry.to_numpy(),
            water=place.water.geometry.to_numpy(),
        ),
        "reach_median_m": float(reach.median()) if len(reach) else None,
        "reach_max_m": float(reach.max()) if len(reach) else None,
        "band": None if options.band is None else list(options.band),
        "nest": made.nest,
        "estates": settings.estates,
        "estates_cut": list(cut_estates(made.plan.zone_of, work.found["demand"])),
        "islands": settings.islands,
        "water_parts": settings.water_parts,
        "across": list(made.plan.across),
        "parent": settings.parent,
        "anchors": made.anchors,
        # An empty list of zones to keep: nothing is given.
        "given": settings.given if settings.keep else None,
        "kept": list(made.kept),
        "locked": {zone: sorted(codes) for zone, codes in sorted(settings.locked.items())},
        "rezoned": _rezoned(work, made),
        "weights": {weight: _balance(made, weight) for weight in made.bounds},
    }


def _rezoned(work: Work, made: MadeSystem) -> dict[str, Any] | None:
    """Return how much of the place is in another zone than in an earlier plan."""
    if made.earlier is None:
        return None
    moves, people = _moves(work, made), work.found["cell_loads"]["population"]
    moved = float(moves["population"].sum())
    total = math.fsum(people)
    return {
        "stability": made.settings.stability,
        "moved_cells": int(moves["cells"].sum()),
        "moved_residents": moved,
        "moved_share": moved / total if total else 0.0,
    }


def _first(made: MadeSystem) -> str:
    """Return the first weight that is not 0 everywhere, else the area the engine took."""
    return next(iter(made.bounds), "area_m2")


def _balance(made: MadeSystem, weight: str) -> dict[str, Any]:
    loads = made.plan.balance[weight]
    least, most = (made.bounds[weight][one] for one in ("least", "most"))
    mean = float(loads.mean())
    slack = 1e-9 * mean
    missed = loads.index[(loads > most + slack) | (loads < least - slack)]
    return {
        "tolerance": made.options.tolerances.get(weight, made.options.tolerance),
        "least": float(least.min()),
        "most": float(most.max()),
        "mean": mean,
        "max_over_mean": float(loads.max()) / mean,
        "cv": float(loads.std(ddof=0)) / mean,
        "missed": sorted(str(one) for one in missed),
    }


def missed_by_systems(
    made: Mapping[str, MadeSystem], communities: pd.DataFrame | None = None
) -> list[Note]:
    """
    Return what the systems did not meet, each under its name and in the planner's words.

    Communities are told by their names, where they are given, beside their ids.
    """
    names = {} if communities is None else _names(communities)
    return [
        Note(
            note.code,
            note.count,
            _with_names(_in_words(name, one, note), names),
            note.ids,
        )
        for name, one in made.items()
        for note in one.plan.targets_missed
    ]


def _names(communities: pd.DataFrame) -> dict[str, str]:
    named = communities[communities["name"].notna()]
    ids, names = named["community_id"].astype(str), named["name"].astype(str)
    return {one: name for one, name in zip(ids, names, strict=True) if name not in {"", one}}


def _with_names(message: Message, names: Mapping[str, str]) -> Message:
    """Return a message with the name of each community before its id."""
    if not names:
        return message
    ids = re.compile(rf"(?a)(?<!\w)(?:{'|'.join(map(re.escape, sorted(names)))})(?!\w)")
    return Message(
        en=ids.sub(lambda found: f"{names[found[0]]} ({found[0]})", message.en),
        zh=ids.sub(lambda found: f"{names[found[0]]}（{found[0]}）", message.zh),
    )


def _in_words(name: str, made: MadeSystem, note: Note) -> Message:
    cells = frozenset(map(str, made.plan.zone_of.index))
    own = next((one for one in made.weights if note.message.en.startswith(f"{one}: ")),
               made.weights[0])  # fmt: skip
    message = with_held(note.message, map(str, note.ids), load_word(own), cells=cells)
    system, en, zh = system_word(name), message.en, message.zh
    for weight in made.weights:
        word = load_word(weight)
        if en.startswith(f"{weight}: "):
            en = f"{word.en}{en.removeprefix(weight)}"
        if zh.startswith(f"{weight}："):
            zh = f"{word.zh}{zh.removeprefix(weight)}"
    return Message(en=f"{system.en}: {en}", zh=f"{system.zh}：{zh}")
