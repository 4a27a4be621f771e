"""Whether the plan is a choice of the curve of rooms, and what that curve leaves out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Message, counted
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.words import least_of, number, percent

_SAME = 1e-9
"""Objectives that differ by less than this share are those of one choice."""

PLAN = Message(en="the plan", zh="方案")
_MEDIAN = "p-median"


def plan_row(plan: Plan, curve: pd.DataFrame) -> Hashable | None:
    """
    Return the label of the row of a curve that is the plan; None where none is.

    It has the model, the number of new rooms and the objective of the plan. What only grows is
    another question, so that the nested sequence never has it.
    """
    siting = plan.summary["siting"]
    objective = siting.get("objective")
    if objective is None:
        return None
    near = (curve["objective"] - objective).abs() <= _SAME * abs(objective)
    asked = (curve["model"] == siting["model"]) & (curve["sequence"] != "nested")
    found = curve.index[near & asked & (curve["p"] == aggregate.new_rooms(plan))]
    return found[0] if len(found) else None


def number_asked(plan: Plan) -> bool:
    """Return whether the number of rooms of the plan was asked for, or came out."""
    siting = plan.summary["siting"]
    return siting.get("answer", "C") == "C" and siting.get("budget") is None


def plan_point(plan: Plan, curve: pd.DataFrame) -> dict[str, Any] | None:
    """Return the figures of a plan that no row of the free curve is; None where one is."""
    options = plan.layers.get("room_options")
    if options is None or plan_row(plan, curve[curve["sequence"] == "free"]) is not None:
        return None
    chosen = pd.DataFrame(options[options["chosen"].astype(bool)])
    return {str(key): value for key, value in chosen.iloc[0].items()} if len(chosen) else None


def curve_omits(plan: Plan) -> Message:
    """Return in one sentence what a curve leaves out that the plan is not a choice of."""
    siting = plan.summary["siting"]
    left = _omitted(siting)
    if not left:
        return Message(
            en="The plan is a point of its own: the search for the curve found another choice.",
            zh="方案单独标出：曲线搜索得到的是另一选法。",
        )
    return Message(
        en="The curve is the least total walk of each number and leaves out "
        f"{', '.join(one.en for one in left)}; the plan is a point of its own.",
        zh=f"曲线为各数量下居民步行总和最小，未考虑{'、'.join(one.zh for one in left)}；"
        "方案单独标出。",
    )


def beside_curve(plan: Plan) -> Message | None:
    """
    Return why the plan is not on the curve of rooms, with the figures of both; None where it is.

    The curve may have no choice of so many rooms; then only the reason is told.
    """
    curve = plan.layers.get("frontier")
    if curve is None or "sequence" not in curve or not plan.summary.get("siting"):
        return None
    known = pd.DataFrame(curve[curve["objective"].notna()])
    point = plan_point(plan, known) if len(known) else None
    if point is None:
        return None
    why, rooms = curve_omits(plan), int(point["rooms_new"])
    same = known[(known["sequence"] == "free") & (known["p"] == rooms)]
    if same.empty or pd.isna(point["mean_m"]):
        return why
    own, other = _walk_of(plan, point), _walk_of(plan, same.iloc[0].to_dict())
    count = counted(rooms, "new room", "new rooms")
    price = _price_of(plan, str(same.iloc[0]["sites"]))
    return Message(
        en=f"{why.en} With {count} it has {own.en}; the curve has {other.en} there{price.en}.",
        zh=f"{why.zh}新增 {rooms} 处时，方案{own.zh}；曲线上为{other.zh}{price.zh}。",
    )


def _price_of(plan: Plan, sites: str) -> Message:
    """Return what the new rooms of a choice cost, where a budget bounds those of the plan."""
    all_sites, chosen = plan.place.sites, set(sites.split())
    new = all_sites["site_id"].astype(str).isin(chosen) & (all_sites["kind"] != "existing")
    cost = pd.to_numeric(all_sites.loc[new, "cost"], errors="coerce")
    if plan.summary["siting"].get("budget") is None or cost.isna().any():
        return Message(en="", zh="")
    money = number(cost.sum())
    return Message(en=f", with rooms for {money} yuan", zh=f"，其活动室造价 {money} 元")


def _walk_of(plan: Plan, row: Mapping[Any, Any]) -> Message:
    """Return the mean walk and the share within the norm of rooms, in words."""
    norm, metres = number(plan.summary["siting"].get("norm_m")), number(row["mean_m"], 1)
    share = row["within_share"]
    return Message(
        en=f"a mean walk of {metres} m and {percent(share, 'en')} within {norm} m",
        zh=f"平均步行 {metres} m、{percent(share, 'zh')} 的居民在 {norm} m 内",
    )


def _omitted(siting: dict[str, Any]) -> list[Message]:
    answer, share = siting.get("answer", "C"), siting.get("least_share")
    if answer == "A":
        return [Message(en="one room for every estate (answer A)", zh="各小区各设一处（答案 A）")]
    least = least_of(siting["model"])
    said = [
        (siting["model"] != _MEDIAN,
         Message(en=f"the objective of the plan ({least.en})", zh=f"方案的目标（{least.zh}）")),
        (bool(siting.get("stages")),
         Message(en="the objectives that come first", zh="优先的各级目标")),
        (share is not None,
         Message(en=f"the least share within the norm ({percent(share, 'en')})",
                 zh=f"最低达标比例（{percent(share, 'zh')}）")),
        (answer == "C" and siting.get("budget") is not None,
         Message(en=f"the budget ({number(siting.get('budget'))} yuan)",
                 zh=f"预算（{number(siting.get('budget'))} 元）")),
        (siting.get("capacity") == "hard",
         Message(en="floor area as a limit", zh="硬性面积容量")),
        (bool(siting.get("at_least") or siting.get("at_most")),
         Message(en="the numbers by community", zh="各社区数量要求")),
    ]  # fmt: skip
    return [message for holds, message in said if holds]
