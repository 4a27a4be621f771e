"""Tables of a plan that add up: every one ends in a row that equals its sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.words import number
from gridplan.terms import known, term

TOTAL = Message(en="Total", zh="合计")
NONE = Message(en="none", zh="无")
TOTALLED = frozenset({"communities", "groups", "rooms", "zones", "committees", "ledger"})
"""Tables whose last row is a total."""

TITLES = {
    "summary": Message(en="Summary", zh="概要"),
    "communities": Message(en="Communities", zh="社区"),
    "groups": Message(en="Population groups", zh="人群"),
    "rooms": Message(en="Rooms", zh="活动室"),
    "zones": Message(en="Zones", zh="责任区"),
    "committees": Message(en="Committees", zh="居委会"),
    "ledger": Message(en="Ledger of residents", zh="居民台账"),
    "reconcile": Message(en="Reconciliation", zh="平衡核对"),
}
"""Tables in the order of the workbook."""

_ROOMS = (
    "site_id", "name", "kind", "estate_id", "residents", "mean_m", "max_m", "area_m2", "staff",
    "ownership", "cost", "phase", "assumed", "why",
)  # fmt: skip
_ZONES = (
    "zone_system", "zone_id", "name", "community_id", "cells", "area_m2", "population",
    "households", "workload", "compactness",
)  # fmt: skip
_COMMITTEES = ("committee_id", "name", "kind", "residents_own", "residents_nearest", "staff")
_WALK_FIELDS = ("mean_m", "median_m", "p90_m", "max_m")
_BALANCED = 1e-6


def tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """
    Return the tables of a plan, by the names of `TITLES`.

    Ids are text; distances are metres; a missing figure is null; words stand in both
    languages. Tables named in `TOTALLED` end in a row of totals whose first column
    says so. Every resident of `demand` is in ``communities``, ``rooms``,
    ``committees`` and ``ledger``: those who belong to none have a row of their own.
    """
    return {name: table.map(_as_text) for name, table in bilingual_tables(plan).items()}


def bilingual_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Return the tables with words as `Message`, for a page that switches language."""
    makers: dict[str, Callable[[Plan], pd.DataFrame]] = {
        "summary": summary_table,
        "communities": communities_table,
        "groups": groups_table,
        "rooms": rooms_table,
        "zones": zones_table,
        "committees": committees_table,
        "ledger": ledger_table,
        "reconcile": reconcile_table,
    }
    made = {name: make(plan) for name, make in makers.items()}
    return {name: table for name, table in made.items() if len(table)}


def _as_text(value: object) -> object:
    if not isinstance(value, Message):
        return value
    return value.zh if value.zh == value.en else f"{value.zh} {value.en}"


def heading(plan: Plan, column: str) -> Message:
    """Return the heading of a column of these tables, with its unit."""
    norm = number(float(aggregate.headline_norm(plan.summary["access"]["within"])))
    own = {
        "before_mean_m": Message(en="mean today (m)", zh="现状平均 (m)"),
        "after_mean_m": Message(en="mean with plan (m)", zh="方案平均 (m)"),
        "beyond": Message(en=f"own > {norm} m or none", zh=f"本社区 > {norm} m 或无"),
        "before_beyond": Message(en=f"today > {norm} m or none", zh=f"现状 > {norm} m 或无"),
        "after_beyond": Message(en=f"plan > {norm} m or none", zh=f"方案 > {norm} m 或无"),
        "before_within_share": Message(en=f"≤ {norm} m today", zh=f"现状 ≤ {norm} m"),
        "after_within_share": Message(en=f"≤ {norm} m with plan", zh=f"方案 ≤ {norm} m"),
        "committee_residents": Message(en="own committee (residents)", zh="本社区居委会（人）"),
        "nearest_committee_residents": Message(
            en="nearest committee (residents)", zh="最近居委会（人）"
        ),
        "room_residents": Message(
            en="committee or room, plan (residents)", zh="居委会或活动室，方案（人）"
        ),
        "group": Message(en="group", zh="人群"),
        "walk": Message(en="walk", zh="步行对象"),
        "records": Message(en="demand points", zh="居民点数"),
        "key": Message(en="key", zh="键"),
        "figure": Message(en="figure", zh="指标"),
        "value": Message(en="value", zh="数值"),
        "unit": Message(en="unit", zh="单位"),
        "check": Message(en="sums that must agree", zh="应一致的合计"),
        "left": Message(en="left side", zh="左边"),
        "right": Message(en="right side", zh="右边"),
        "difference": Message(en="difference", zh="差"),
        "ok": Message(en="agrees", zh="一致"),
    }
    if column in own:
        return own[column]
    if not known(column, "column"):
        return Message(en=column, zh=column)
    word = term(column, "column")
    unit = f" ({word.unit})" if word.unit in {"m", "m²", "min"} else ""
    return Message(en=word.en + unit, zh=word.zh + unit)


def communities_table(plan: Plan) -> pd.DataFrame:
    """Return residents and walks per community: to the own committee, today and with the plan."""
    demand, communities = plan.layers["demand"], plan.layers["communities"]
    keys = communities["community_id"].astype(str)
    rows = [
        {
            "community_id": key,
            "name": name,
            "households": households,
            **_walk_row(plan, demand[demand["community_id"] == key]),
        }
        for key, name, households in zip(
            keys, communities["name"], communities["households"], strict=True
        )
    ]
    rest = demand[~demand["community_id"].isin(keys)]
    if len(rest):
        rows.append({"community_id": NONE, "name": None, **_walk_row(plan, rest)})
    total = {"community_id": TOTAL, "name": None, **_walk_row(plan, demand)}
    total["households"] = pd.to_numeric(communities["households"]).sum(min_count=1)
    return pd.DataFrame([*rows, total])


def _walk_row(plan: Plan, demand: pd.DataFrame) -> dict[str, Any]:
    norm = float(aggregate.headline_norm(plan.summary["access"]["within"]))
    people = aggregate.people(demand)
    own = aggregate.metres(demand["committee_m"])
    before = aggregate.metres(demand[aggregate.before_column(demand)])
    found = asdict(aggregate.spread(own, people))
    row: dict[str, Any] = {"population": round(people.sum())}
    row |= {field: found[field] for field in _WALK_FIELDS}
    row["beyond"] = round(people[~(own <= norm)].sum())
    row["before_mean_m"] = aggregate.spread(before, people).mean_m
    row["before_beyond"] = round(people[~(before <= norm)].sum())
    column = aggregate.after_column(plan)
    if column:
        after = aggregate.metres(demand[column])
        row["after_mean_m"] = aggregate.spread(after, people).mean_m
        row["after_beyond"] = round(people[~(after <= norm)].sum())
    return row


def groups_table(plan: Plan) -> pd.DataFrame:
    """Return, per population group, how many live within the norm today and with the plan."""
    demand = plan.layers["demand"]
    groups = [g for g in plan.summary.get("groups") or {} if g in demand]
    rows = []
    for group in [*groups, None]:
        people = aggregate.people(demand, group or "population")
        label = group_label(group) if group else TOTAL
        rows.append({"group": label, **_group_row(plan, people)})
    return pd.DataFrame(rows) if groups else pd.DataFrame()


def group_label(group: str) -> Message:
    """Return the label of a population group; one the house does not know keeps its own name."""
    return term(group, "group").message if known(group, "group") else Message(en=group, zh=group)


def _group_row(plan: Plan, people: pd.Series) -> dict[str, Any]:
    demand = plan.layers["demand"]
    norm = float(aggregate.headline_norm(plan.summary["access"]["within"]))
    row: dict[str, Any] = {"population": round(people.sum())}
    columns = {"before": aggregate.before_column(demand), "after": aggregate.after_column(plan)}
    for state, column in columns.items():
        if column is None:
            continue
        far = aggregate.metres(demand[column])
        row[f"{state}_mean_m"] = aggregate.spread(far, people).mean_m
        row[f"{state}_within_share"] = people[far <= norm].sum() / max(people.sum(), 1.0)
    return row


def rooms_table(plan: Plan) -> pd.DataFrame:
    """Return the open places with the residents they serve, and those whom none serves."""
    rooms = plan.layers.get("rooms")
    if rooms is None or not len(rooms):
        return pd.DataFrame()
    order = {"proposed": 0, "required": 1, "existing": 2}
    kept = rooms[[column for column in _ROOMS if column in rooms]].assign(why=reasons_of(rooms))
    listed = kept.assign(
        _rank=kept["kind"].map(order).fillna(len(order)), site_id=kept["site_id"].astype(str)
    )
    listed = listed.sort_values(["_rank", "site_id"], kind="stable").drop(columns="_rank")
    demand = plan.layers["demand"]
    without = aggregate.people(demand)[demand["room_id"].isna()].sum()
    return _totalled(
        listed, "site_id", {"residents": without}, ["residents", "staff", "cost", "area_m2"]
    )


def reasons_of(rooms: pd.DataFrame) -> pd.Series:
    """Return why each room stands where it stands: ``why`` in Chinese, ``why_en`` in English."""
    english = rooms["why_en"] if "why_en" in rooms else rooms["why"]
    found = [
        None if pd.isna(zh) else Message(en=str(zh if pd.isna(en) else en), zh=str(zh))
        for zh, en in zip(rooms["why"], english, strict=True)
    ]
    return pd.Series(found, index=rooms.index, dtype=object)


def zones_table(plan: Plan) -> pd.DataFrame:
    """Return the zones of the main system with their sums."""
    zones = plan.layers.get("zones")
    if zones is None or not len(zones):
        return pd.DataFrame()
    main = zones[zones["zone_system"] == zones["zone_system"].iloc[0]]
    kept = main[[column for column in _ZONES if column in main]]
    return _totalled(
        kept, "zone_id", {}, ["cells", "area_m2", "population", "households", "workload"]
    )


def committees_table(plan: Plan) -> pd.DataFrame:
    """Return the committees with their own and their nearest residents."""
    committees, demand = plan.layers["committees"], plan.layers["demand"]
    people = aggregate.people(demand)
    without = {
        "residents_own": people[demand["committee_id"].isna()].sum(),
        "residents_nearest": people[demand["nearest_committee_id"].isna()].sum(),
    }
    kept = committees[[column for column in _COMMITTEES if column in committees]]
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


def ledger_table(plan: Plan) -> pd.DataFrame:
    """Return, for each walk, how many residents have one and why the others have none."""
    demand = plan.layers["demand"]
    people = aggregate.people(demand)
    walks = [
        ("committee_m", "committee_reason"),
        ("nearest_committee_m", "nearest_committee_reason"),
    ]
    if aggregate.after_column(plan):
        walks.append(("room_m", "room_reason"))
    found = {
        f"{column.removesuffix('_m')}_residents": people.groupby(
            _reasons(demand, column, reason)
        ).sum()
        for column, reason in walks
    }
    table = pd.DataFrame(found).fillna(0).round().astype("int64").sort_index()
    rows = [
        {"reason": reason_label(str(code)), **row} for code, row in table.to_dict("index").items()
    ]
    return pd.DataFrame([*rows, {"reason": TOTAL, **table.sum().to_dict()}])


def _reasons(demand: pd.DataFrame, column: str, reason: str) -> pd.Series:
    """Return why there is no distance: empty where there is one, ``?`` where nothing says."""
    given = demand[reason].astype(object)
    return given.where(given.notna(), "?").where(demand[column].isna(), "")


def reason_label(code: str) -> Message:
    """Return a reason in words; the empty one means that there is a distance."""
    if not code:
        return Message(en="distance found", zh="有步行距离")
    if code == "?":
        return Message(en="no reason given", zh="未给出原因")
    return term(code, "reason").message if known(code, "reason") else Message(en=code, zh=code)


def reconcile_table(plan: Plan) -> pd.DataFrame:
    """Return the sums that must agree, both sides, and whether they do."""
    summary, layers = plan.summary, plan.layers
    demand, cells = layers["demand"], layers["cells"]
    people = aggregate.people(demand)
    placed = people[demand["cell_uid"].notna()].sum()
    checks = [
        ("demand 居民合计 = 居民总数", "residents in demand = residents read",
         people.sum(), summary["residents"]),
        ("已落位 + 未落位 = 居民总数", "placed + not placed = residents read",
         summary["residents_placed"] + summary["residents_unplaced"], summary["residents"]),
        ("网格居民合计 = 落在网格内的居民", "residents of the cells = residents in a cell",
         aggregate.people(cells).sum(), placed),
        ("网格面积合计 = 辖区面积 (m²)", "area of the cells = area of the place (m²)",
         pd.to_numeric(cells["area_m2"]).sum(), summary["place"]["area_m2"]),
        ("网格数 = 概要中的网格数", "cells in the layer = cells in the summary",
         len(cells), summary["cells"]["count"]),
    ]  # fmt: skip
    zones = zones_table(plan)
    if len(zones):
        checks.append(
            ("责任区居民合计 = 网格居民合计", "residents of the zones = residents of the cells",
             zones["population"].iloc[-1], aggregate.people(cells).sum())
        )  # fmt: skip
    rooms = rooms_table(plan)
    if len(rooms):
        checks.append(
            ("各场所服务居民 + 无场所居民 = 居民总数",
             "residents by room + without = residents read",
             rooms["residents"].iloc[-1], summary["residents"])
        )  # fmt: skip
    rows = [
        {"check": Message(en=en, zh=zh), "left": float(left), "right": float(right)}
        for zh, en, left, right in checks
    ]
    table = pd.DataFrame(rows)
    table["difference"] = table["left"] - table["right"]
    table["ok"] = table["difference"].abs() <= _BALANCED * table["right"].abs().clip(lower=1.0)
    return table


def summary_table(plan: Plan) -> pd.DataFrame:
    """Return the figures of the summary as rows of key, label, value and unit."""
    rows = []
    for path, value in _leaves(plan.summary):
        key = path.rsplit(".", 1)[-1]
        if not isinstance(value, str | int | float | bool | None):
            continue
        word = term(key, "indicator") if known(key, "indicator") else None
        rows.append(
            {
                "key": path,
                "figure": word.message if word else None,
                "value": value,
                "unit": word.unit if word else None,
            }
        )
    return pd.DataFrame(rows, dtype=object)


def _leaves(node: object, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(node, dict):
        return [
            leaf
            for key, inner in node.items()
            for leaf in _leaves(inner, f"{path}.{key}" if path else str(key))
        ]
    if isinstance(node, list | tuple):
        return [leaf for i, inner in enumerate(node) for leaf in _leaves(inner, f"{path}.{i}")]
    return [(path, node)]
