"""Tables of the answers to where rooms go: side by side, with reasons, staff, decisions, curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.curve_question import PLAN, number_asked, plan_row
from gridplan.present.reason_remarks import remarks
from gridplan.present.tables_measures import mix_row
from gridplan.present.tables_phases import phases_table
from gridplan.present.words import (
    NONE,
    NOT_GIVEN,
    TOTAL,
    answer_name,
    choice_status,
    model_unit,
    number,
    same,
    word,
)
from gridplan.rooms import MODELS
from gridplan.terms import Family, known

TITLES = {
    "options": Message(en="Three answers", zh="三种答案"),
    "curve": Message(en="Number of rooms", zh="活动室数量曲线"),
    "phases": Message(en="Phases of answer A", zh="答案 A 分期"),
    "reasons": Message(en="Reasons per place", zh="选点理由"),
    "room_groups": Message(en="Groups per place", zh="各人群受益"),
    "staffing": Message(en="Staffing", zh="人员配备"),
    "decisions": Message(en="Decisions", zh="决定记录"),
    "left": Message(en="Who is left", zh="未覆盖居民"),
    "estate_rooms": Message(en="Estates, answer A", zh="答案 A 各小区"),
}
"""Titles of these tables, in the order of the workbook."""

ABOUT = {
    "options": Message(
        en="A: a room in every estate that can host one, small neighbours sharing. B: the fewest "
        "rooms that bring everybody within the norm whom a site can bring there. C: the number of "
        "rooms, or the budget, that was asked for. Who is left is counted, by place in another "
        "sheet. A mix of measures, where costs of gates or bridges are given, stands last; its "
        "walks go over what it opens.",
        zh="A：有条件的小区各设一处，小型邻近小区合用；B：以最少活动室使可覆盖居民均在标准距离内；"
        "C：按设定的数量或预算。未覆盖居民计数列出，地点另见一表。如给出出入口、桥梁等造价，"
        "末行为措施组合，其步行可经所开通的连通处。",
    ),
    "curve": Message(
        en="What each further room brings: chosen anew for each number (free), and only ever added "
        "to (nested); where asked for, anew for further objectives, each with its own bound. The "
        "knee is Kneedle's (Satopää et al. 2011, doi:10.1109/ICDCSW.2011.20), of the curve as "
        "far as it goes: a longer curve has it later. A row is marked "
        "where it is the plan; a budget, floor area as a limit, numbers by community and "
        "objectives that come first are not in the curve. Equivalent walks have one aversion per "
        "metre (siting.ede_kappa), as in all tables.",
        zh="每增一处活动室的效果：各数量分别选址（自由）与只增不减（嵌套）；如有要求，"
        "另按其他目标分别选址并给出界。拐点采用 Kneedle 定义"
        "（Satopää 等，2011，doi:10.1109/ICDCSW.2011.20），随曲线长度而变，"
        "曲线越长越靠后。与方案一致的行另有备注；"
        "曲线不考虑预算、硬性面积容量、各社区数量要求与优先目标。"
        "等效步行与其他各表采用同一每米厌恶系数（siting.ede_kappa）。",
    ),
    "phases": Message(
        en="What each phase of answer A builds and brings; what is built stays. A phase is proven "
        "where no other of the rooms then left would bring more by its end: the order as a whole "
        "is not. The total has the state after the last phase.",
        zh="答案 A 各期建设内容与效果，已建的保留。“已证明”仅指：在此前已建者不变时，"
        "改建其余任何活动室都不会使本期末更好；并非证明整个先后次序最优。合计行为末期建成后的状况。",
    ),
    "reasons": Message(
        en="Whom each new room serves, what it saves against today, and what closing it or moving "
        "it to the next-best site would cost, by the objective that chose the rooms; then existing "
        "rooms and committees, which stay: whom they serve, and what closing them would cost. "
        "Resident-kilometres are one way, each resident counted once, everybody at the nearest, "
        "or where floor area is a hard limit at the place given; there a figure that is not proven "
        "is the most, with the least beside it.",
        zh="每处新增活动室服务谁、较现状节省多少步行，以及不设或改设次优场地（按选址目标）的代价；"
        "其后为保留的现有活动室与居委会：服务谁、撤销的代价。"
        "人·公里为单程，居民不加权并按就近计；面积为硬性容量时按所分配的场所计，"
        "未证明的数值为上限，旁列下限。",
    ),
    "room_groups": Message(
        en="The same for each population group.", zh="各活动室与居委会服务的各人群。"
    ),
    "staffing": Message(
        en="Staff of committees by the norm per 10,000 residents, and one cadre for each room "
        "beside these; what was not given is said to be so.",
        zh="居委会按每万人标准配备，活动室另各配一名社区干部；未提供的数据照实注明。",
    ),
    "decisions": Message(
        en="Sites that were decided on, who asked and why, and what each decision costs against "
        "the plan without it; of several, last, what all cost together against the plan without "
        "any (prices do not add up). Below zero a figure is better with the decision: one that the "
        "rooms were not chosen by, or one of a price that is not proven.",
        zh="对场地的决定、提出者与理由，以及与没有该决定的方案相比的代价；有多条时，末行为与没有任何"
        "决定的方案相比的合计代价（各条代价不可相加）。负值表示有此决定反而更好："
        "该指标并非选址目标，或代价未经证明。",
    ),
    "left": Message(
        en="Residents who are not within the norm, for each answer by place and cause.",
        zh="各答案下不在标准距离内的居民，按地点与原因列出。",
    ),
    "estate_rooms": Message(
        en="How each estate is served with answer A, also those without space.",
        zh="按答案 A 各小区的服务方式，含没有场地的小区。",
    ),
}
"""What each of these tables tells."""

TOTALLED = frozenset({"staffing"})

_KM = 1000.0
_WALKS = {"saved_walk": "saved_km", "closing_walk": "closing_km", "next_walk": "next_km",
          "price_walk": "price_km"}  # fmt: skip


def room_tables() -> dict[str, Callable[[Plan], pd.DataFrame]]:
    """Return what makes each of these tables, by the names of `TITLES`."""
    return {
        "options": options_table,
        "curve": curve_table,
        "phases": phases_table,
        "reasons": reasons_table,
        "room_groups": groups_table,
        "staffing": staffing_table,
        "decisions": decisions_table,
        "left": left_table,
        "estate_rooms": estates_table,
    }


def options_table(plan: Plan) -> pd.DataFrame:
    """Return today, the three answers and, where it was sought, the mix of measures."""
    options = _layer(plan, "room_options")
    if options is None:
        return pd.DataFrame()
    records: list[dict[str, Any]] = [
        {str(key): value for key, value in one.items()} for one in options.to_dict("records")
    ]
    given = any(one.get("walked_to") == "assigned" for one in records)
    rows = [
        {
            "option": answer_name(plan, str(one["answer"]), phases=one["phases"]),
            "chosen": bool(one["chosen"]),
            **{key: one[key] for key in ("rooms_existing", "rooms_new", "cadres")},
            "walked_to": word("kind", str(one.get("walked_to"))) if given else None,
            "cost": _given(one["cost"]),
            "shortfall_m2": one.get("shortfall_m2"),
            **{key: one[key] for key in ("mean_m", "p90_m", "within_share")},
            "backup": one.get("backup"),
            **{key: one[key] for key in ("beyond", "no_site", "unreachable")},
            "proof": choice_status(one, plan.summary["siting"]),
            "gap_share": _finite(one["gap"]),
        }
        for one in records
    ]
    mix = mix_row(plan, int(rows[0]["rooms_existing"]))
    table = pd.DataFrame([*_today(plan, rows), *rows, *mix], columns=list(rows[0]))
    return table.astype({"chosen": "object"})


def _today(plan: Plan, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for today, from the figures of the summary."""
    before = plan.summary["access"].get("before")
    norm = f"{float(plan.summary['siting'].get('norm_m') or 0):g}"
    if not before or norm not in before["within"]:
        return []
    everybody, share = float(plan.summary["residents"]), before["within"][norm]
    unreached = everybody - _reached(plan)
    return [
        {
            "option": Message(en="today", zh="现状"),
            "rooms_existing": rows[0]["rooms_existing"],
            "rooms_new": 0,
            "walked_to": rows[0]["walked_to"] and word("kind", "nearest"),
            "mean_m": before["mean_m"],
            "p90_m": before["p90_m"],
            "within_share": share,
            "beyond": round(everybody * (1.0 - share) - unreached),
            "unreachable": round(unreached),
        }
    ]


def _reached(plan: Plan) -> float:
    demand = plan.layers["demand"]
    reached = demand["room_before_m"].notna()
    return float(pd.to_numeric(demand["population"]).fillna(0)[reached].sum())


def curve_table(plan: Plan) -> pd.DataFrame:
    """Return the curve of rooms, one row a number, free and nested side by side."""
    curve = _layer(plan, "frontier")
    if curve is None or "sequence" not in curve:
        return pd.DataFrame()
    chosen = plan_row(plan, curve)
    mark = Message(en="number asked for", zh="设定数量") if number_asked(plan) else PLAN
    total_walk = curve["model"] == "p-median"
    weighted = bool(plan.summary["siting"].get("group_weights"))
    told = pd.DataFrame(
        {
            "p": curve["p"],
            "sequence": _words(curve["sequence"]),
            **{name: curve[name] for name in ("mean_m", "p90_m", "max_m", "ede_m")},
            "within_share": curve["within_share"],
            "walk_km": curve["objective"].where(total_walk) / _KM,
            "bound_km": curve["lower_bound"].where(total_walk) / _KM,
            "own_value": curve["objective"].mask(total_walk),
            "own_bound": curve["lower_bound"].mask(total_walk),
            "own_unit": [
                model_unit(one, weighted=weighted) for one in curve["model"].mask(total_walk)
            ],
            "gap_share": curve["gap"],
            "status": _words(curve["status"], "status"),
        }
    )
    marks = [
        _mark(knee=bool(knee), chosen=mark if row == chosen else None)
        for row, knee in curve["knee"].items()
    ]
    told["mark"] = _objects(marks, told)
    rank = {name: place for place, name in enumerate(("free", "nested", *MODELS))}
    ranked = curve.assign(_rank=curve["sequence"].map(rank))
    order = ranked.sort_values(["p", "_rank"], kind="stable").index
    return told.loc[order].reset_index(drop=True)


def _mark(*, knee: bool, chosen: Message | None) -> Message | None:
    said = [chosen] if chosen else []
    said += [Message(en="knee", zh="拐点")] if knee else []
    if not said:
        return None
    return Message(en=", ".join(one.en for one in said), zh="、".join(one.zh for one in said))


def reasons_table(plan: Plan) -> pd.DataFrame:
    """Return whom each place serves, what a new one saves, and what else would cost."""
    reasons = _layer(plan, "room_reasons")
    if reasons is None:
        return pd.DataFrame()
    told = _in_km(reasons)
    names = _site_names(plan)
    told["open_place"] = _objects([_called(one, names) for one in reasons["site_id"]], told)
    told["next_site"] = _objects([_called(one, names) for one in reasons["next_site_id"]], told)
    for what in ("closing", "next"):
        told[f"{what}_objective"] = _in_own_unit(plan, reasons, f"{what}_objective")
        told[f"{what}_least_km"] = _least_km(reasons, what)
    told["mark"] = _objects(remarks(plan, reasons), told)
    told["kind"] = _words(reasons["kind"]) if "kind" in reasons else None
    if not told["reached"].any():
        told["reached"] = None
    for column in ("closing_stranded", "next_stranded"):
        if not told[column].fillna(0).any():
            told[column] = None
    columns = ["open_place", "kind", "residents", "within", "reached", "saved_km", "saved_each_m",
               "closing_objective", "closing_km", "closing_least_km", "closing_within",
               "closing_stranded", "next_site", "next_objective", "next_km", "next_least_km",
               "next_within", "next_stranded", "mark"]  # fmt: skip
    return told[columns]


def _least_km(reasons: pd.DataFrame, what: str) -> pd.Series:
    """Return the bounds of figures that are not proven."""
    if f"{what}_bound" not in reasons:
        return pd.Series(math.nan, index=reasons.index)
    bound: pd.Series = reasons[f"{what}_bound"].where(reasons[f"{what}_status"] == "gap")
    return bound / _KM


def groups_table(plan: Plan) -> pd.DataFrame:
    """Return whom of each group each place serves."""
    groups = _layer(plan, "room_groups")
    if groups is None:
        return pd.DataFrame()
    names = _site_names(plan)
    told = _in_km(groups)
    told["open_place"] = _objects([_called(one, names) for one in groups["site_id"]], told)
    told["group"] = _objects([word("group", str(one)) for one in groups["group"]], told)
    told["kind"] = _words(groups["kind"]) if "kind" in groups else None
    return told[["open_place", "kind", "group", "residents", "saved_km", "saved_each_m"]]


def staffing_table(plan: Plan) -> pd.DataFrame:
    """Return the staff of committees and rooms, with a row of totals."""
    staff = _layer(plan, "staffing")
    if staff is None:
        return pd.DataFrame()
    rows: list[dict[str, Any]] = [
        {
            "place_id": NONE if pd.isna(one["place_id"]) else str(one["place_id"]),
            "name": None if pd.isna(one["name"]) else str(one["name"]),
            "kind": word("kind", str(one["kind"])),
            "residents": one["residents"],
            "existing": _given(one["existing"]),
            "needed": one["needed"],
            "staff_gap": _given(one["gap"]),
            "yearly_cost": _given(one["yearly_cost"]),
        }
        for one in staff.to_dict("records")
    ]
    total: dict[str, Any] = {"place_id": TOTAL, "needed": math.fsum(staff["needed"])}
    for column, key in (("existing", "existing"), ("gap", "staff_gap"),
                        ("yearly_cost", "yearly_cost")):  # fmt: skip
        given = pd.to_numeric(staff[column])
        total[key] = NOT_GIVEN if given.isna().any() else math.fsum(given)
    return pd.DataFrame([*rows, total])


def decisions_table(plan: Plan) -> pd.DataFrame:
    """Return the decision log with the price of each decision."""
    decisions = _layer(plan, "decisions")
    if decisions is None:
        return pd.DataFrame()
    names = _site_names(plan)
    told = _in_km(decisions)
    told["room"] = _objects([_called(one, names) for one in decisions["site_id"]], told)
    told["decision"] = _words(decisions["decision"])
    given_up = decisions["moved_from"] if "moved_from" in decisions else [None] * len(decisions)
    told["moved_from"] = _objects([_called(one, names) for one in given_up], told)
    told["price_status"] = _words(decisions["price_status"], "status")
    for column in ("asked_by", "reason", "date"):
        told[column] = _objects(
            [
                None if pd.isna(site) else NOT_GIVEN if pd.isna(one) else str(one)
                for site, one in zip(decisions["site_id"], decisions[column], strict=True)
            ],
            told,
        )
    told["price_cost"] = _objects([_given(one) for one in decisions["price_cost"]], told)
    reasons = decisions.get("price_reason")
    told["price_objective"] = _in_own_unit(plan, decisions, "price_objective", reasons=reasons)
    columns = ["room", "decision", "moved_from", "asked_by", "reason", "date", "open_without",
               "price_objective", "price_km", "price_residents", "price_rooms", "price_cost",
               "price_status"]  # fmt: skip
    return told[columns].astype({"open_without": "object"})


def _in_own_unit(
    plan: Plan, table: pd.DataFrame, column: str, *, reasons: pd.Series | None = None
) -> pd.Series:
    """Return a column in the unit of the objective, where that is not the walk told beside it."""
    siting, count = plan.summary["siting"], len(table)
    # Of several objectives the most important.
    model = (siting.get("stages") or [siting])[0]["model"]
    unit = model_unit(model, weighted=bool(siting.get("group_weights")))
    # Where places are given, prices are of walks to the nearest, other reasons of those given.
    given = siting.get("capacity") == "hard" and reasons is not None
    plain = model in {"p-median", "lscp"} and not given
    why = [None] * count if reasons is None else reasons.tolist()
    if column not in table or unit is None or (plain and not siting.get("group_weights")):
        return _objects([None] * count, table)
    said = [
        (None if pd.isna(reason) else word("kind", str(reason)))
        if pd.isna(value)
        else Message(en=f"{number(value)} {unit.en}", zh=f"{number(value)} {unit.zh}")
        for value, reason in zip(table[column], why, strict=True)
    ]
    return _objects(said, table)


def left_table(plan: Plan) -> pd.DataFrame:
    """Return who is left with each answer, by place and cause."""
    left = _layer(plan, "left_behind")
    if left is None:
        return pd.DataFrame()
    communities = _names_of(plan, "communities", "community_id")
    estates = _names_of(plan, "estates", "estate_id")
    told = pd.DataFrame(
        {
            "answer": left["answer"].astype("object"),
            "community": [_named(one, communities) for one in left["community_id"]],
            "estate": [_named(one, estates) for one in left["estate_id"]],
            "street": left["street"].astype("object"),
            "cause": [_cause(str(one)) for one in left["cause"]],
        }
    )
    told["population"] = left["residents"]
    return told.assign(**{name: left[name] for name in ("mean_m", "max_m", "least_m")})


def estates_table(plan: Plan) -> pd.DataFrame:
    """Return how each estate is served with answer A."""
    estates = _layer(plan, "estate_rooms")
    if estates is None:
        return pd.DataFrame()
    names = _site_names(plan)
    told = pd.DataFrame(estates).assign(
        served=_words(estates["served"]),
        population=estates["residents"],
        room=_objects([_called(one, names) for one in estates["site_id"]], estates),
    )
    return told[["estate_id", "name", "households", "population", "served", "room", "mean_m",
                 "max_m"]]  # fmt: skip


def _layer(plan: Plan, name: str) -> pd.DataFrame | None:
    """Return a table of the plan; None where it has no rows, or nothing was sited."""
    found = plan.layers.get(name) if plan.summary.get("siting") else None
    return None if found is None or not len(found) else pd.DataFrame(found)


def _in_km(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with resident-metres as resident-kilometres, under names of their own."""
    given = {old: new for old, new in _WALKS.items() if old in table}
    return table.rename(columns=given).assign(
        **{new: pd.to_numeric(table[old]) / _KM for old, new in given.items()}
    )


def _given(value: object) -> object:
    return NOT_GIVEN if value is None or pd.isna(value) else value  # type: ignore[call-overload]


def _finite(value: float) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _words(column: pd.Series, family: Family = "kind") -> pd.Series:
    found = [None if pd.isna(one) else word(family, str(one)) for one in column]
    return pd.Series(found, index=column.index, dtype=object)


def _objects(values: Sequence[object], table: pd.DataFrame) -> pd.Series:
    """Return values of any kind as a column of a table."""
    return pd.Series(list(values), index=table.index, dtype=object)


def _cause(key: str) -> Message:
    return word("kind", key) if known(key, "kind") else word("reason", key)


def _site_names(plan: Plan) -> dict[Hashable, str]:
    """Return the names of sites and committees by id, as far as they have one."""
    sites = dict(zip(plan.place.sites["site_id"], plan.place.sites["name"], strict=True))
    offices = _names_of(plan, "committees", "committee_id")
    return {**sites, **offices}


def _names_of(plan: Plan, layer: str, key: str) -> dict[Hashable, str]:
    frame = plan.layers[layer]
    return dict(zip(frame[key], frame["name"], strict=True))


def _called(site: object, names: Mapping[Hashable, str]) -> Message | None:
    """Return a site as it is printed: its id and its name."""
    if site is None or pd.isna(site):  # type: ignore[call-overload]
        return None
    name = names.get(str(site))
    return same(f"{site} {name}" if name and not pd.isna(name) and name != site else str(site))


def _named(key: object, names: Mapping[Hashable, str]) -> str | None:
    if key is None or pd.isna(key):  # type: ignore[call-overload]
        return None
    name = names.get(str(key))
    return str(key) if name is None or pd.isna(name) else str(name)
