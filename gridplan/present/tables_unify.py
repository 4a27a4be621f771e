"""Tables of one boundary for all departments: how they differ, what moves, who does what."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.words import same, word

TITLES = {
    "zonings": Message(en="Departments' zonings", zh="部门分区"),
    "conflicts": Message(en="Conflicts of departments", zh="边界冲突"),
    "handovers": Message(en="Handovers", zh="移交清单"),
    "duties": Message(en="Duties by class", zh="分类执法"),
}
"""Titles of these tables, in the order of the workbook."""

ABOUT = {
    "zonings": Message(
        en="How far the zoning of each department is from that of each other, and what would "
        "change hands if all took one of them over, beside the proposal.",
        zh="各部门分区两两之间的差异；若全部采用某一部门的分区，移交多少，与统一方案对照。",
    ),
    "conflicts": Message(
        en="Where departments' zones do not say the same: real conflicts first, the largest "
        "first, then slivers of drawing. Every place is in the layer conflicts.",
        zh="各部门分区说法不一之处：先列真正的冲突（大者在前），后列绘图细缝；"
        "图形见 conflicts 图层。",
    ),
    "handovers": Message(
        en="For signing: which zone of a department gives land to which, under the proposal. An "
        "entry is a pair of zones; its land may lie in several places, which `gridplan confirm` "
        "numbers one by one.",
        zh="供签字确认：统一边界后，各部门由哪个分区移交给哪个分区。每项为一对新旧分区，"
        "其用地可能分为多处，`gridplan confirm` 逐处编号。",
    ),
    "duties": Message(
        en="Who is responsible for each class of enforcement in each zone; what no department "
        "has falls to the office of the place.",
        zh="每个责任区、每类执法事项的责任单位；无责任部门的由属地兜底。",
    ),
}
"""What each of these tables tells."""

_PROPOSAL = Message(en="the proposal", zh="统一方案")
_NONE = Message(en="nobody", zh="无")
_NEW = Message(en="new", zh="新设")


def unify_headings(plan: Plan) -> dict[str, Message]:
    """Return the headings of these tables that no term has, by what the settings count."""
    by_area = (plan.settings.get("unify") or {}).get("by") == "area"
    adopted = plan.layers.get("zonings_adopted")
    departments = [] if adopted is None else adopted["department"].astype(str).tolist()
    en, zh = ("m²", "m²") if by_area else ("residents", "人")
    return {
        "adopted": Message(en="taken over by all", zh="全部采用"),
        "changes": Message(en=f"changes hands ({en})", zh=f"移交量（{zh}）"),
        "changes_by_cells": Message(
            en=f"… along cells, connected ({en})", zh=f"沿网格且连片（{zh}）"
        ),
        "handed": Message(en="hand over", zh="移交"),
        "gives": Message(en="gives", zh="移出"),
        "takes": Message(en="takes", zh="接收"),
        "unified": Message(en="unified zone", zh="统一责任区"),
        "team": Message(en="team", zh="承接分区"),
        **{
            f"apart_{at}_share": Message(en=f"unlike {name}", zh=f"与{name}差异")
            for at, name in enumerate(departments)
        },
    }


def unify_tables() -> dict[str, Callable[[Plan], pd.DataFrame]]:
    """Return what makes each of these tables, by the names of `TITLES`."""
    return {
        "zonings": zonings_table,
        "conflicts": conflicts_table,
        "handovers": handovers_table,
        "duties": duties_table,
    }


def zonings_table(plan: Plan) -> pd.DataFrame:
    """Return what adopting each department's zoning would move, how far it is from the others."""
    adopted, apart = plan.layers.get("zonings_adopted"), plan.layers.get("zonings_apart")
    if adopted is None or apart is None or not len(adopted):
        return pd.DataFrame()
    departments = adopted["department"].astype(str).tolist()
    share = {
        frozenset((str(a), str(b))): float(value)
        for a, b, value in apart[["department", "other", "information_share"]].itertuples(
            index=False
        )
    }
    rows: list[dict[str, object]] = []
    for one in adopted.to_dict("records"):
        name = str(one["department"])
        rows.append(
            {
                "adopted": same(name),
                "changes": one["changes"],
                "changes_by_cells": one["changes_by_cells"],
                **{
                    f"apart_{at}_share": share.get(frozenset((name, other)))
                    for at, other in enumerate(departments)
                },
            }
        )
    figures = (plan.summary.get("unify") or {}).get("changes")
    rows.append({"adopted": _PROPOSAL, "changes": figures, "changes_by_cells": figures})
    return pd.DataFrame(rows)


def conflicts_table(plan: Plan) -> pd.DataFrame:
    """Return the places of conflict, real ones first."""
    places = plan.layers.get("conflicts")
    if places is None or not len(places):
        return pd.DataFrame()
    return pd.DataFrame(
        {
            "conflict_id": places["conflict_id"].astype(str),
            "kind": [word("kind", str(one)) for one in places["kind"]],
            "sliver": places["sliver"].astype(bool),
            "claims": places["claims"].astype(str),
            "area_m2": places["area_m2"].astype(float),
            "population": places["population"],
            "width_m": places["width_m"].astype(float),
        }
    )


def handovers_table(plan: Plan) -> pd.DataFrame:
    """Return what each department's zones give and take."""
    moves = plan.layers.get("handovers")
    if moves is None or not len(moves):
        return pd.DataFrame()
    return pd.DataFrame(
        {
            "department": moves["department"].astype(str),
            "unified": moves["zone_id"].astype(str),
            "gives": [_NONE if pd.isna(one) else same(str(one)) for one in moves["from_zone_id"]],
            "takes": [_NEW if pd.isna(one) else same(str(one)) for one in moves["to_zone_id"]],
            "handed": [word("kind", str(one)) for one in moves["kind"]],
            "area_m2": moves["area_m2"].astype(float),
            "population": moves["population"],
        }
    )


def duties_table(plan: Plan) -> pd.DataFrame:
    """Return the responsible body of each class in each unified zone."""
    found = plan.layers.get("duties")
    if found is None or not len(found):
        return pd.DataFrame()
    return pd.DataFrame(
        {
            "unified": found["zone_id"].astype(str),
            "class": found["class"].astype(str),
            "department": found["department"].astype(str),
            "team": [None if pd.isna(one) else str(one) for one in found["old_zone_id"]],
            "by_default": found["by_default"].astype(bool),
        }
    )
