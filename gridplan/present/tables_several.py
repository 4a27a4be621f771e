"""Several objectives at once: the stages of a choice in words, and the frontier of two."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.words import NOTHING, model_unit, number, percent, same, word
from gridplan.rooms import MODELS

TITLES = {"trade_offs": Message(en="Two objectives", zh="两个目标")}
"""Titles of these tables, in the order of the workbook."""

ABOUT = {
    "trade_offs": Message(
        en="Plans of the number of rooms, or of the budget, asked for, of which none is better in "
        "both objectives; limits on the first in equal steps, the second as good as can be within "
        "each, with its bound.",
        zh="在设定数量或预算内、两个目标均不劣的各方案：第一目标取等距界限，"
        "第二目标在各界限内求最优并给出界。",
    ),
}
"""What each of these tables tells."""

Fact = tuple[Message, Message]

_MEASURES = {
    "mean": Message(en="total walk", zh="步行总和"),
    "share": Message(en="residents within the norm", zh="标准距离内居民"),
    "longest": Message(en="longest walk", zh="最远步行"),
    "p90": Message(en="distance of nine in ten", zh="九成居民步行上限"),
    "ede": Message(en="equivalent walk", zh="等效步行"),
}


def measure(objective: str) -> Message:
    """Return what an objective is a figure of."""
    return _MEASURES.get(objective, same(objective))


def several_tables() -> dict[str, Callable[[Plan], pd.DataFrame]]:
    """Return what makes each of these tables, by the names of `TITLES`."""
    return {"trade_offs": trade_offs_table}


def several_headings() -> dict[str, Message]:
    """Return the headings of these tables that no term has."""
    return {
        "first_value": Message(en="first objective", zh="第一目标"),
        "second_value": Message(en="second objective", zh="第二目标"),
        "second_bound": Message(en="bound of the second", zh="第二目标的界"),
        "is_chosen": Message(en="the plan", zh="本方案"),
    }


def trade_offs(plan: Plan) -> pd.DataFrame | None:
    """Return the frontier of two objectives; None where the plan has none."""
    found = plan.layers.get("trade_offs")
    if found is None or not plan.summary.get("siting"):
        return None
    known = pd.DataFrame(found[found["first"].notna()]).reset_index(drop=True)
    return known if len(known) else None


def trade_offs_table(plan: Plan) -> pd.DataFrame:
    """Return the plans of which none is better in both objectives, one row each."""
    found = trade_offs(plan)
    if found is None:
        return pd.DataFrame()
    new = plan.layers["rooms"]
    ours = " ".join(sorted(new.loc[new["kind"] != "existing", "site_id"].astype(str)))
    told = pd.DataFrame(
        {
            "first_value": [_valued(plan, one, "first") for one in found.to_dict("records")],
            "second_value": [_valued(plan, one, "second") for one in found.to_dict("records")],
            "second_bound": [
                _valued(plan, one, "second", figure="bound") for one in found.to_dict("records")
            ],
            "gap_share": found["gap"],
            "status": [word("status", str(one)) for one in found["status"]],
            "rooms_new": found["rooms_new"],
            "cost": found["cost"],
            **{name: found[name] for name in ("mean_m", "p90_m", "max_m", "within_share")},
            "is_chosen": (found["sites"].astype(str) == ours).astype(object),
        }
    )
    return told.astype({"is_chosen": "object"})


def _valued(
    plan: Plan, row: Mapping[Any, Any], which: str, *, figure: str | None = None
) -> Message | None:
    objective = str(row[f"{which}_objective"])
    return valued(plan.summary["siting"], objective, row[figure or which])


def valued(siting: Mapping[str, Any], objective: str, value: object) -> Message | None:
    """Return the value of an objective with its unit; None where there is none."""
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    model = MODELS.get(objective)  # type: ignore[call-overload]
    unit = model_unit(model, weighted=bool(siting.get("group_weights"))) or same("")
    figure = number(value)
    return Message(en=f"{figure} {unit.en}".strip(), zh=f"{figure} {unit.zh}".strip())


def stage_facts(siting: Mapping[str, Any]) -> list[Fact]:
    """Return each objective of several, and the conditions, as rows of label and value."""
    rows = []
    for place, one in enumerate(siting.get("stages") or [], start=1):
        objective = str(one["objective"])
        name, status = word("kind", objective), word("status", str(one["status"]))
        value, best = (
            valued(siting, objective, one[key]) or same(NOTHING) for key in ("value", "best")
        )
        rows.append(
            (
                Message(en=f"objective {place}: {name.en}", zh=f"目标 {place}：{name.zh}"),
                Message(
                    en=f"{value.en} (best within those before: {best.en}, {status.en})",
                    zh=f"{value.zh}（前面目标限内最优 {best.zh}，{status.zh}）",
                ),
            )
        )
    slack = siting.get("objective_tolerance")
    if slack:
        rows.append(
            (
                Message(en="each but the last may be worse by", zh="末级之前各目标可变差"),
                Message(en=percent(slack, "en"), zh=percent(slack, "zh")),
            )
        )
    share = siting.get("least_share")
    if share is not None:
        norm = number(siting.get("norm_m"))
        rows.append(
            (
                Message(en=f"condition: within {norm} m", zh=f"约束：≤ {norm} m"),
                Message(
                    en=f"at least {percent(share, 'en')} of residents",
                    zh=f"至少 {percent(share, 'zh')} 的居民",
                ),
            )
        )
    times = int(siting.get("backup") or 1)
    if times > 1:
        rows.append(
            (
                Message(en="places for each home (answer B)", zh="每处住房的场所数（答案 B）"),
                same(str(times)),
            )
        )
    return rows


def trade_off_title(plan: Plan) -> Message:
    """Return the finding of the frontier of two objectives."""
    found = trade_offs(plan)
    if found is None or len(found) < 2:  # noqa: PLR2004 - one plan has nothing to trade
        return Message(en="Two objectives", zh="两个目标")
    siting, first, last = plan.summary["siting"], found.iloc[0], found.iloc[-1]
    ends = [
        valued(siting, str(row[f"{which}_objective"]), row[which]) or same(NOTHING)
        for which in ("first", "second")
        for row in (first, last)
    ]
    names = [measure(str(first[f"{which}_objective"])) for which in ("first", "second")]
    said = [
        Message(
            en=f"{name.en} {ends[2 * at].en} → {ends[2 * at + 1].en}",
            zh=f"{name.zh} {ends[2 * at].zh} → {ends[2 * at + 1].zh}",
        )
        for at, name in enumerate(names)
    ]
    return Message(
        en=f"{len(found)} plans: {said[0].en}, {said[1].en}",
        zh=f"{len(found)} 个方案：{said[0].zh}，{said[1].zh}",
    )


def spans(found: pd.DataFrame, column: str) -> float:
    """Return how far a column reaches; 1 where it stands still, so that it can be drawn."""
    width = float(found[column].max() - found[column].min())
    return width if width > 0 and math.isfinite(width) else 1.0
