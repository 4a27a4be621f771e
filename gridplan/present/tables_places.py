"""Tables of places: rooms, zones and committees, with the residents they serve."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.words import NONE, TOTAL, word
from gridplan.present.zone_limits import zone_limits
from gridplan.present.zone_weights import RESIDENTS, weight_word, zone_weights

ACROSS = Message(en="several", zh="跨社区")
"""Stands for the community of a zone that holds cells of more than one."""

_ROOMS = (
    "site_id", "name", "kind", "estate_id", "residents", "mean_m", "max_m", "area_m2",
    "footprint_m2", "needed_m2", "shortfall_m2", "assigned", "staff", "ownership", "cost", "phase",
    "assumed", "why",
)  # fmt: skip
_ZONES = (
    "zone_id", "name", "community", "cells", "area_m2", "population", "households",
    "evenly", "workload", "allowed", "beyond_allowed", "compactness", "estates", "buildings",
    "anchor", "reach_m",
)  # fmt: skip
_CELLS = (
    "cell_id", "community_id", "zone_id", "area_m2", "population", "components", "exception",
    "standard", "cell_uid",
)  # fmt: skip
_COMMITTEES = ("committee_id", "name", "kind", "inside", "residents_own", "residents_nearest",
               "staff")  # fmt: skip


def rooms_table(plan: Plan) -> pd.DataFrame:
    """
    Return committees and rooms with the residents they serve, and those whom none serves.

    Of an assumed site only the footprint of its building is known: it stands in a column
    of its own and is no area of a room.
    """
    rooms = plan.layers.get("rooms")
    if rooms is None or not len(rooms):
        return pd.DataFrame()
    assumed = rooms["assumed"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    area = pd.to_numeric(rooms["area_m2"], errors="coerce").astype("float64")
    told = pd.DataFrame(rooms).assign(
        why=reasons_of(rooms),
        area_m2=area.mask(assumed),
        footprint_m2=area.where(assumed),
        assumed=rooms["assumed"] if assumed.any() else None,
        kind=_kinds(plan, rooms),
        ownership=_words(rooms["ownership"]),
        site_id=rooms["site_id"].astype(str),
        assigned=_assigned(plan, rooms["site_id"]),
    )
    order = {"proposed": 0, "required": 1, "existing": 2}
    told["_rank"] = rooms["kind"].map(order).fillna(len(order))
    listed = told.sort_values(["_rank", "site_id"], kind="stable")
    kept = listed[[column for column in _ROOMS if column in listed]]
    demand = plan.layers["demand"]
    without = aggregate.people(demand)[demand["room_id"].isna()].sum()
    lacking = {"assigned": _not_assigned(plan)} if "assigned_id" in demand else {}
    return _totalled(
        kept,
        "site_id",
        {"residents": without, **lacking},
        ["residents", "staff", "cost", "area_m2", "needed_m2", "shortfall_m2", "assigned"],
    )


def _kinds(plan: Plan, rooms: pd.DataFrame) -> pd.Series:
    """Return the kinds of rooms in words; one that was moved names the site that it replaces."""
    moves = (plan.summary.get("siting") or {}).get("moves") or []
    given_up = {str(one["to"]): str(one["from"]) for one in moves}
    sites = plan.place.sites
    names = dict(zip(sites["site_id"].astype(str), sites["name"], strict=True))
    found: list[Message | None] = []
    for site, kind in zip(rooms["site_id"].astype(str), _words(rooms["kind"]), strict=True):
        left = given_up.get(site)
        name = None if left is None else names.get(left)
        shown = left if name is None or pd.isna(name) or name == left else f"{left} {name}"
        moved = Message(en=f"moved from {shown}", zh=f"由 {shown} 改设")
        found.append(kind if left is None else moved)
    return pd.Series(found, index=rooms.index, dtype=object)


def _assigned(plan: Plan, ids: pd.Series) -> pd.Series:
    """Return the residents given to each place where floor area is a hard limit; else nothing."""
    demand = plan.layers["demand"]
    if "assigned_id" not in demand:
        return pd.Series([None] * len(ids), index=ids.index, dtype=object)
    given = aggregate.people(demand).groupby(demand["assigned_id"]).sum()
    return ids.map(given).fillna(0).round().astype("int64")


def _not_assigned(plan: Plan) -> float:
    demand = plan.layers["demand"]
    return float(aggregate.people(demand)[demand["assigned_id"].isna()].sum())


def _words(column: pd.Series) -> pd.Series:
    """Return kinds in both languages; one the house does not know stays as it is."""
    found = [None if pd.isna(one) else word("kind", str(one)) for one in column]
    return pd.Series(found, index=column.index, dtype=object)


def reasons_of(rooms: pd.DataFrame) -> pd.Series:
    """Return why each room stands where it stands: ``why`` in Chinese, ``why_en`` in English."""
    english = rooms["why_en"] if "why_en" in rooms else rooms["why"]
    found = [
        None if pd.isna(zh) else Message(en=str(zh if pd.isna(en) else en), zh=str(zh))
        for zh, en in zip(rooms["why"], english, strict=True)
    ]
    return pd.Series(found, index=rooms.index, dtype=object)


def main_zones(plan: Plan) -> pd.DataFrame | None:
    """Return the zones of the main system; None where the plan has no zones."""
    zones = plan.layers.get("zones")
    if zones is None or not len(zones):
        return None
    main: pd.DataFrame = zones[zones["zone_system"] == zones["zone_system"].iloc[0]]
    return main


def anchor_names(plan: Plan, anchors: pd.Series) -> pd.Series:
    """Return the committees that stand in zones by their names."""
    committees = plan.layers["committees"]
    names = dict(zip(committees["committee_id"], committees["name"], strict=True))
    return anchors.map(lambda one: names.get(one, one) if pd.notna(one) else None)


def zones_table(plan: Plan) -> pd.DataFrame:
    """Return the zones of the main system with their sums; one across communities says so."""
    main = main_zones(plan)
    if main is None:
        return pd.DataFrame()
    names = plan.layers["communities"].set_index("community_id")["name"]
    community = [
        ACROSS if pd.isna(one) else str(names.get(one, one)) for one in main["community_id"]
    ]
    told = pd.DataFrame(main).assign(
        community=pd.Series(community, index=main.index, dtype=object), **zone_limits(plan, main)
    )
    weight = zone_weights(plan, main)[0][0]
    if weight != RESIDENTS:
        told["evenly"] = pd.Series([weight_word(weight)] * len(told), index=told.index)
    if "anchor" in told:
        told["anchor"] = anchor_names(plan, told["anchor"])
    kept = told[[column for column in _ZONES if column in told]]
    if (kept["name"].astype("string") == kept["zone_id"].astype("string")).all():
        kept = kept.drop(columns="name")
    return _totalled(
        kept,
        "zone_id",
        {},
        ["cells", "area_m2", "population", "households", "workload", "buildings"],
    )


def cells_table(plan: Plan) -> pd.DataFrame:
    """Return the cells with their codes, for the workbook, and those whose home is in none."""
    cells, demand = plan.layers["cells"], plan.layers["demand"]
    reasons = [None if pd.isna(one) else word("exception", str(one)) for one in cells["exception"]]
    told = pd.DataFrame(cells).assign(
        exception=pd.Series(reasons, index=cells.index, dtype=object),
        cell_id=cells["cell_id"].astype(str),
    )
    kept = told[[column for column in _CELLS if column in told]].sort_values("cell_id")
    without = aggregate.people(demand)[demand["cell_uid"].isna()].sum()
    sums = ["area_m2", "population", "components"]
    return _totalled(kept, "cell_id", {"population": without}, sums)


def committees_table(plan: Plan) -> pd.DataFrame:
    """Return the committees with their own and their nearest residents."""
    committees, demand = plan.layers["committees"], plan.layers["demand"]
    people = aggregate.people(demand)
    without = {
        "residents_own": people[demand["committee_id"].isna()].sum(),
        "residents_nearest": people[demand["nearest_committee_id"].isna()].sum(),
    }
    told = pd.DataFrame(committees).assign(kind=_words(committees["kind"]))
    inside = aggregate.committees_inside(plan)
    if not inside.all():
        told["inside"] = inside
    kept = told[[column for column in _COMMITTEES if column in told]]
    return _totalled(kept, "committee_id", without, ["residents_own", "residents_nearest", "staff"])


def _totalled(
    frame: pd.DataFrame, key: str, without: dict[str, float], sums: list[str]
) -> pd.DataFrame:
    """Return `frame` with a row for whom nothing serves, and a row of totals."""
    plain = pd.DataFrame(frame).reset_index(drop=True)
    rows: list[dict[str, Any]] = []
    if any(without.values()):
        rows.append({key: NONE, **{c: round(v) for c, v in without.items()}})
    total: dict[str, Any] = {key: TOTAL}
    for column in sums:
        if column in plain:
            given = pd.to_numeric(plain[column], errors="coerce")
            total[column] = given.sum(min_count=1) + without.get(column, 0)
    records = [*plain.astype(object).to_dict("records"), *rows, total]
    return pd.DataFrame(records, columns=plain.columns)
