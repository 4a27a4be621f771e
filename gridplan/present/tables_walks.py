"""Tables of walks: per community, today against the plan, per group, and the ledger of reasons."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.words import NONE, TOTAL, reason_label, word

Flags = npt.NDArray[np.bool_]

_WALK_FIELDS = ("mean_m", "median_m", "p90_m", "max_m")


def communities_table(plan: Plan) -> pd.DataFrame:
    """
    Return the walk to the own committee per community.

    Columns: ``community_id``, ``name``, ``committees`` (their names), ``population``,
    ``households``, mean, median, 90th percentile and longest walk, per norm
    ``within_<norm>_share`` (of all residents), ``line_<norm>_share`` (the service radius as
    the crow flies, for the headline norm) and ``missing_<reason>`` residents per reason.
    """
    demand, communities = plan.layers["demand"], plan.layers["communities"]
    codes = list(aggregate.missing(demand, "committee_m"))
    near = _near_as_the_crow_flies(plan)
    named = _own_committees(plan)
    rows = [
        {
            "community_id": key,
            "name": name,
            "committees": named.get(key, NONE),
            **({} if key is TOTAL else {"households": households}),
            **_walk_row(plan, rows_of, near, codes),
        }
        for key, name, households, rows_of in _parts(plan)
    ]
    table = pd.DataFrame(rows)
    table.loc[table.index[-1], "committees"] = None
    given = pd.to_numeric(communities["households"])
    table["households"] = table["households"].astype(object)
    table.loc[table.index[-1], "households"] = given.sum(min_count=1)
    first = ["community_id", "name", "committees", "population", "households"]
    return table[[*first, *(column for column in table.columns if column not in first)]]


def _parts(plan: Plan) -> list[tuple[Any, Any, Any, Flags]]:
    """Return id, name, households and rows of `demand` per community, the rest, and all."""
    demand, communities = plan.layers["demand"], plan.layers["communities"]
    keys = communities["community_id"].astype(str)
    own = demand["community_id"].astype("string")
    found: list[tuple[Any, Any, Any, Flags]] = [
        (key, name, households, (own == key).fillna(value=False).to_numpy(dtype=bool))
        for key, name, households in zip(
            keys, communities["name"], communities["households"], strict=True
        )
    ]
    rest = ~own.isin(keys).to_numpy(dtype=bool)
    if rest.any():
        found.append((NONE, None, None, rest))
    return [*found, (TOTAL, None, None, np.ones(len(demand), dtype=bool))]


def _own_committees(plan: Plan) -> dict[str, Message]:
    """Return the names of the committees that serve each community, by its id."""
    demand, committees = plan.layers["demand"], plan.layers["committees"]
    names = dict(zip(committees["committee_id"].astype(str), committees["name"], strict=True))
    pairs = demand[["community_id", "committee_id"]].dropna().astype(str).drop_duplicates()
    by_community = pairs.sort_values("committee_id").groupby("community_id")["committee_id"]
    listed = {str(key): [str(names.get(one, one)) for one in ids] for key, ids in by_community}
    return {key: Message(en=", ".join(own), zh="、".join(own)) for key, own in listed.items()}


def _near_as_the_crow_flies(plan: Plan) -> Flags:
    """Return who lives within the headline norm of an own committee in a straight line."""
    demand, committees = plan.layer("demand"), plan.layer("committees")
    norm = float(aggregate.headline_norm(plan.summary))
    at = committees.set_index(committees["committee_id"].astype(str)).geometry
    pairs = demand[["community_id", "committee_id"]].dropna().astype(str).drop_duplicates()
    homes = demand.geometry.to_numpy()
    near = np.zeros(len(demand), dtype=bool)
    for community, own in pairs.groupby("community_id")["committee_id"]:
        rows = np.flatnonzero((demand["community_id"] == community).to_numpy(dtype=bool))
        for one in own:
            # A home that could not be placed has no distance: the comparison is false.
            near[rows] |= shapely.distance(homes[rows], at[one]) <= norm
    return near


def _walk_row(plan: Plan, rows: Flags, near: Flags, codes: list[str]) -> dict[str, Any]:
    demand = plan.layers["demand"][rows]
    people = aggregate.people(demand)
    own = aggregate.metres(demand["committee_m"])
    spread = asdict(aggregate.spread(own, people))
    everybody = max(people.sum(), 1.0)
    headline = aggregate.headline_norm(plan.summary)
    found: dict[str, Any] = {"population": round(people.sum())}
    found |= {field: spread[field] for field in _WALK_FIELDS}
    for norm in aggregate.norms_m(plan):
        key = f"{norm:g}"
        found[f"within_{key}_share"] = people[own <= norm].sum() / everybody
        if key == headline:
            found[f"line_{key}_share"] = people[near[rows]].sum() / everybody
    missing = aggregate.missing(demand, "committee_m")
    return found | {f"missing_{code}": missing.get(code, 0) for code in codes}


def change_table(plan: Plan) -> pd.DataFrame:
    """
    Return per community the walk to a committee or room, today and with the plan.

    Per state its mean and 90th-percentile walk, the share of all residents within the headline
    norm, the residents beyond it, and those without a distance, who are not far but not reached.
    Then the rooms of the community, the place that is nearest to most of its residents with the
    plan, and the floor area that its rooms lack, where the plan holds these.
    """
    rooms = _rooms_of_communities(plan)
    rows = [
        {
            "community_id": key,
            "name": name,
            **_change_row(plan, rows_of),
            **rooms.get(None if key is NONE else key, {}),
        }
        for key, name, _, rows_of in _parts(plan)
    ]
    return pd.DataFrame(rows)


def _rooms_of_communities(plan: Plan) -> dict[Any, dict[str, Any]]:
    """Return rooms, nearest place and shortfall of each community, null for those in none."""
    change = plan.layers.get("community_change")
    if change is None or not len(change):
        return {}
    rooms = plan.layers["rooms"]
    names = dict(zip(rooms["site_id"], rooms["name"], strict=True))
    sums = ["rooms_existing", "rooms_new", "shortfall_m2"]
    found: dict[Any, dict[str, Any]] = {}
    for row in change.to_dict("records"):
        nearest = row["after_nearest_id"]
        found[row["community_id"]] = {
            **{name: row[name] for name in sums},
            "after_nearest": None if pd.isna(nearest) else _named(nearest, names),
        }
    total = change[sums].sum(min_count=1)
    found[TOTAL] = {name: total[name] for name in sums}
    return found


def _named(site: object, names: dict[Any, Any]) -> str:
    name = names.get(site)
    return str(site) if name is None or pd.isna(name) else str(name)


def _change_row(plan: Plan, rows: Flags) -> dict[str, Any]:
    demand = plan.layers["demand"][rows]
    people = aggregate.people(demand)
    norm = float(aggregate.headline_norm(plan.summary))
    found: dict[str, Any] = {"population": round(people.sum())}
    for state, column in _states(plan).items():
        far = aggregate.metres(demand[column])
        found |= _state_row(state, far, people, norm)
        found[f"{state}_p90_m"] = aggregate.spread(far, people).p90_m
        found[f"{state}_beyond"] = round(people[far > norm].sum())
        found[f"{state}_missing"] = round(people[far.isna()].sum())
    return found


def _states(plan: Plan) -> dict[str, str]:
    columns = aggregate.walk_columns(plan)
    return {state: column for state, column in columns.items() if state != "own"}


def _state_row(state: str, far: pd.Series, people: pd.Series, norm: float) -> dict[str, Any]:
    return {
        f"{state}_mean_m": aggregate.spread(far, people).mean_m,
        f"{state}_within_share": people[far <= norm].sum() / max(people.sum(), 1.0),
    }


def groups_table(plan: Plan) -> pd.DataFrame:
    """Return, per population group, how many live within the norm today and with the plan."""
    demand = plan.layers["demand"]
    groups = [g for g in plan.summary.get("groups") or {} if g in demand]
    rows = []
    for group in [*groups, None]:
        people = aggregate.people(demand, group or "population")
        label = word("group", group) if group else TOTAL
        rows.append({"group": label, **_group_row(plan, people)})
    return pd.DataFrame(rows) if groups else pd.DataFrame()


def _group_row(plan: Plan, people: pd.Series) -> dict[str, Any]:
    demand = plan.layers["demand"]
    norm = float(aggregate.headline_norm(plan.summary))
    row: dict[str, Any] = {"population": round(people.sum())}
    for state, column in _states(plan).items():
        row |= _state_row(state, aggregate.metres(demand[column]), people, norm)
    return row


def walls_table(plan: Plan) -> pd.DataFrame:
    """
    Return the range of the walk to the own committee where walls are unknown.

    One row per estate of unknown walls that has residents, those first whose walks differ
    most; then all other residents, and all. Per case (``open``, ``walled``) the mean walk, the
    share of all residents within the headline norm, and residents without a walk.
    """
    demand, estates = plan.layers["demand"], plan.layers["estates"]
    if "committee_walled_m" not in demand:
        return pd.DataFrame()
    unknown = estates[estates["walled"].isna()]
    own = demand["estate_id"].astype("string")
    parts: list[tuple[Any, Flags]] = [
        (key if pd.isna(name) else str(name), (own == key).fillna(value=False).to_numpy(dtype=bool))
        for key, name in zip(unknown["estate_id"].astype(str), unknown["name"], strict=True)
    ]
    elsewhere = ~own.isin(unknown["estate_id"].astype(str)).to_numpy(dtype=bool)
    found = [_walls_row(plan, label, rows) for label, rows in parts]
    found = [row for row in found if row["population"]]
    found.sort(key=lambda row: (-row["moved"], str(row["of_unit"])))
    others = Message(en="all others", zh="其他居民")
    found.append(_walls_row(plan, others, elsewhere))
    found.append(_walls_row(plan, TOTAL, np.ones(len(demand), dtype=bool)))
    return pd.DataFrame(found).drop(columns="moved")


def _walls_row(plan: Plan, label: object, rows: Flags) -> dict[str, Any]:
    demand = plan.layers["demand"][rows]
    people = aggregate.people(demand)
    norm = float(aggregate.headline_norm(plan.summary))
    far = {state: aggregate.metres(demand[f"committee_{state}_m"]) for state in ("open", "walled")}
    moved = (far["walled"] - far["open"]).abs() * people
    row: dict[str, Any] = {"of_unit": label, "population": round(people.sum())}
    for state, metres in far.items():
        row |= _state_row(state, metres, people, norm)
        row[f"{state}_missing"] = round(people[metres.isna()].sum())
    return row | {"moved": round(moved.sum())}


def ledger_table(plan: Plan) -> pd.DataFrame:
    """Return, for each walk, how many residents have one and why each of the others has none."""
    demand = plan.layers["demand"]
    people = aggregate.people(demand)
    columns = list(dict.fromkeys(["committee_m", "nearest_committee_m", *_states(plan).values()]))
    found = {
        f"{column.removesuffix('_m')}_residents": people.groupby(
            aggregate.reasons(demand, column)
        ).sum()
        for column in columns
    }
    table = pd.DataFrame(found).fillna(0).round().astype("int64")
    order = sorted(table.index, key=lambda code: (code != "", *aggregate.reason_order(str(code))))
    table = table.loc[order]
    rows = [
        {"reason": reason_label(str(code)), **row} for code, row in table.to_dict("index").items()
    ]
    return pd.DataFrame([*rows, {"reason": TOTAL, **table.sum().to_dict()}])
