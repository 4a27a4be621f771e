"""Tables of measures of several kinds: what competes for a budget, and the best mix."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Message, counted
from gridplan.plan import Plan
from gridplan.present.gaps import at_most_percent
from gridplan.present.words import number, reason_label, same, word
from gridplan.terms import known

TITLES = {
    "measure_plans": Message(en="Measures for a budget", zh="同一预算的措施"),
    "measures": Message(en="Measures one by one", zh="各项措施"),
}
"""Titles of these tables, in the order of the workbook."""

ABOUT = {
    "measure_plans": Message(
        en="What a budget brings if it is spent on rooms alone, and with gates, bridges and "
        "service points among the choices. Kinds without a cost in the settings are not "
        "considered. The other tables and the maps follow the answer that was chosen, not this "
        "mix.",
        zh="同一预算仅建活动室，与同时考虑出入口、桥梁、服务点时的效果对照。设置中没有造价的种类"
        "不参与比选。其他各表与地图按所采用的答案，不随本组合变化。",
    ),
    "measures": Message(
        en="What each measure costs and saves, by itself today and beside all others of the mix; "
        "and those that are not in it, with the reason.",
        zh="每项措施的造价，单独实施与在组合中节省的步行；未列入的措施及原因。",
    ),
}
"""What each of these tables tells."""

PLACES = ("room", "service_point")
"""Kinds of measures that people walk to; the others they walk through."""

_KM = 1000.0


def measure_headings() -> dict[str, Message]:
    """Return the headings of these tables that no term has."""
    return {
        "measure": Message(en="measure", zh="措施"),
        "where": Message(en="where", zh="位置"),
        "service_points": Message(en="service points", zh="居委会服务点（处）"),
        "alone_km": Message(en="saved alone (resident-km)", zh="单独节省（人·公里）"),
        "last_km": Message(en="saved in the mix (resident-km)", zh="组合内节省（人·公里）"),
        "worse_without": Message(en="residents it helps", zh="受益居民（人）"),
        "out": Message(en="why not considered", zh="未参与比选原因"),
    }


def measure_tables() -> dict[str, Callable[[Plan], pd.DataFrame]]:
    """Return what makes each of these tables, by the names of `TITLES`."""
    return {"measure_plans": plans_table, "measures": measures_table}


def mix_sentence(plan: Plan) -> Message | None:
    """Return in one sentence what the mix of measures is; None where none was asked for."""
    table = plan.layers.get("measure_plans")
    if table is None or not len(table):
        return None
    by_name = pd.DataFrame(table).set_index("plan")
    mix, rooms = by_name.loc["mix"], by_name.loc["rooms_alone"]
    money = number(mix["budget"])
    if pd.isna(mix["objective"]):
        none = word("status", str(mix["status"]))
        return Message(
            en=f"No mix of measures was found for {money} yuan ({none.en}).",
            zh=f"{money} 元预算未得到措施组合（{none.zh}）。",
        )
    parts = _counted_kinds(plan)
    best = _BEST if mix["status"] == "proven" else _FOUND
    en = f"For {money} yuan {best.en} is {parts.en}: {number(mix['cost'])} yuan"
    zh = f"{money} 元预算下{best.zh}为{parts.zh}，造价 {number(mix['cost'])} 元"
    if not pd.isna(mix["mean_m"]):
        en += f", a mean walk of {number(mix['mean_m'])} m"
        zh += f"，平均步行 {number(mix['mean_m'])} 米"
    if not pd.isna(rooms["mean_m"]):
        en += f" (rooms alone: {number(rooms['mean_m'])} m)"
        zh += f"（仅建活动室为 {number(rooms['mean_m'])} 米）"
    proof = _proof(mix)
    return Message(en=f"{en}. {proof.en}", zh=f"{zh}。{proof.zh}")


_BEST = Message(en="the best mix of measures", zh="的最优措施组合")
_FOUND = Message(en="the best mix of measures that was found", zh="已找到的最好措施组合")


def _proof(mix: pd.Series) -> Message:
    if mix["status"] == "proven":
        return Message(
            en="Proven: no other mix of these measures leaves less walk in total.",
            zh="已证明：这些措施的其他组合步行总和都不更少。",
        )
    return Message(
        en=f"Not proven: at most {at_most_percent(mix['gap'], 'en')} less walk in total.",
        zh=f"未证明最优：步行总和至多再减 {at_most_percent(mix['gap'], 'zh')}。",
    )


def _counted_kinds(plan: Plan) -> Message:
    """Return how many measures of each kind the mix has, rooms first."""
    measures = pd.DataFrame(plan.layers["measures"])
    counts = measures.loc[measures["in_plan"].astype(bool), "kind"].value_counts()
    kinds = [one for one in _KINDS if one in counts]
    if not kinds:
        return Message(en="to build nothing", zh="不建任何设施")
    said = [(int(counts[one]), _KINDS[one]) for one in kinds]
    en = [counted(count, *words.en.split("|")) for count, words in said]
    zh = [f"{words.zh} {count} 处" for count, words in said]
    joined = en[0] if len(en) == 1 else f"{', '.join(en[:-1])} and {en[-1]}"
    return Message(en=joined, zh="、".join(zh))


_KINDS = {
    "room": Message(en="new room|new rooms", zh="新增活动室"),
    "service_point": Message(en="service point|service points", zh="居委会服务点"),
    "gate": Message(en="gate opened|gates opened", zh="开放出入口"),
    "new_gate": Message(en="new gate|new gates", zh="新开出入口"),
    "bridge": Message(en="bridge|bridges", zh="桥"),
    "crossing": Message(en="railway crossing|railway crossings", zh="过轨通道"),
    "join": Message(en="path|paths", zh="连通道"),
}


def plans_table(plan: Plan) -> pd.DataFrame:
    """Return today, the best rooms alone and the best mix, one row each."""
    plans = plan.layers.get("measure_plans")
    if plans is None or not len(plans):
        return pd.DataFrame()
    points = _service_points(plan)
    rows = [
        {
            "option": word("kind", str(one["plan"])),
            "cost": one["cost"],
            **_places(one, points),
            "links": one["links"],
            **{key: one[key] for key in ("mean_m", "p90_m", "within_share", "unreachable")},
            "walk_km": _km(one["objective"]),
            "bound_km": _km(one["lower_bound"]),
            "gap_share": one["gap"],
            "status": None if pd.isna(one["status"]) else word("status", str(one["status"])),
        }
        for one in plans.to_dict("records")
    ]
    return pd.DataFrame(rows)


def mix_row(plan: Plan, rooms_existing: int) -> list[dict[str, Any]]:
    """Return the mix of measures as a row beside the three answers; none where there is none."""
    plans = plan.layers.get("measure_plans")
    if plans is None or not len(plans):
        return []
    rows = pd.DataFrame(plans).to_dict("records")
    one = next(row for row in rows if row["plan"] == "mix")
    known = pd.notna(one["objective"])
    parts = _counted_kinds(plan) if known else word("status", str(one["status"]))
    money = number(one["budget"])
    rooms = int(one["rooms_new"])
    figures = ("mean_m", "p90_m", "within_share", "beyond", "unreachable")
    return [
        {
            "option": Message(
                en=f"mix of measures for {money} yuan: {parts.en}",
                zh=f"{money} 元的措施组合：{parts.zh}",
            ),
            "chosen": False,
            "rooms_existing": rooms_existing,
            "rooms_new": rooms,
            "cadres": rooms_existing + rooms,
            "cost": one["cost"] if known else None,
            **{key: one.get(key) for key in figures},
            "proof": _short_proof(one),
            "gap_share": one["gap"] if known else None,
        }
    ]


def _short_proof(mix: Mapping[Hashable, Any]) -> Message:
    """Return what is proven of a mix in a few words, as beside the answers."""
    if pd.isna(mix["objective"]):
        return Message(en="no plan", zh="没有方案")
    if mix["status"] == "proven":
        return Message(en="least total walk: proven", zh="步行总和最小：已证明")
    return Message(
        en=f"not proven: at most {at_most_percent(mix['gap'], 'en')} better",
        zh=f"未证明：至多再改进 {at_most_percent(mix['gap'], 'zh')}",
    )


def _service_points(plan: Plan) -> frozenset[str]:
    """Return the measures that are service points: places, but no rooms."""
    measures = pd.DataFrame(plan.layers["measures"])
    return frozenset(measures.loc[measures["kind"] == "service_point", "measure_id"].astype(str))


def _places(one: Mapping[Hashable, Any], points: frozenset[str]) -> dict[str, int]:
    """Return the new rooms and, where there are any to choose from, the service points."""
    opened = {"service_points": int(one["service_points"])} if points else {}
    return {"rooms_new": int(one["rooms_new"]), **opened}


def measures_table(plan: Plan) -> pd.DataFrame:
    """Return every measure: what it costs and saves, and why it is not considered."""
    measures = plan.layers.get("measures")
    if measures is None or not len(measures):
        return pd.DataFrame()
    sites = plan.place.sites
    names = dict(zip(sites["site_id"], sites["name"], strict=True))
    estates = plan.layers.get("estates")
    known_estates = (
        {} if estates is None else dict(zip(estates["estate_id"], estates["name"], strict=True))
    )
    rows = [
        {**_row(one, names), "where": _where(one, known_estates)}
        for one in pd.DataFrame(measures).to_dict("records")
    ]
    return pd.DataFrame(rows).astype({"in_plan": "object", "out": "object"})


def _row(one: Mapping[Hashable, Any], names: Mapping[Hashable, Any]) -> dict[str, object]:
    name, kind = names.get(one["measure_id"]), str(one["kind"])
    own = str(one["measure_id"])
    return {
        "measure": same(own if name is None or pd.isna(name) else f"{own} {name}"),
        "kind": word("kind", kind) if known(kind, "kind") else same(kind),
        "where": None,
        "in_plan": bool(one["in_plan"]),
        "cost": one["cost"],
        "alone_km": _km(one["alone_walk"]),
        "last_km": _km(one["last_walk"]),
        "worse_without": one["residents"],
        "out": None if pd.isna(one["reason"]) else reason_label(str(one["reason"])),
    }


def _where(one: Mapping[Hashable, Any], estates: Mapping[Hashable, Any]) -> Message | None:
    """Return the estate in which a measure lies, and the nearest street that has a name."""
    estate, street = one.get("estate_id"), one.get("street")
    name = None if pd.isna(estate) else estates.get(estate)
    inside = None if pd.isna(estate) else str(estate if pd.isna(name) else name)
    by = None if pd.isna(street) else str(street)
    if by is None:
        return None if inside is None else same(inside)
    if inside is None:
        return Message(en=f"at {by}", zh=f"{by}旁")
    return Message(en=f"{inside}, at {by}", zh=f"{inside}（{by}旁）")


def _km(metres: float) -> float:
    return math.nan if pd.isna(metres) else metres / _KM
