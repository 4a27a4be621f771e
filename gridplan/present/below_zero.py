"""Why a room would do better elsewhere though the plan has it where it is: figures below zero."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan

_LEAST = 1e-6
_DECIDED = Message(
    en="below zero: a decision keeps the room here, and moved there the plan would be better by "
    "this; the table of decisions has the price",
    zh="负值：该场地由决定指定，改设反而更好；代价见决定记录",
)
_UNPROVEN = Message(
    en="below zero: the plan is not proven to be the best, and this move would make it better",
    zh="负值：方案未证明最优，如此改设更好",
)
_OTHER_AIM = Message(
    en="walk below zero: people would walk less, but rooms are not chosen by the total walk alone",
    zh="步行为负值：改设后步行总和更少，但选址并非仅以步行总和为准",
)
_OTHER_RULES = Message(
    en="below zero: the objective would be better; an aim or rule beside it keeps the room here",
    zh="负值：改设后该目标更好，但另有目标或规则使活动室设于此处",
)


def below_zero(plan: Plan, reasons: pd.DataFrame) -> list[Message | None]:
    """Return a remark for each new room that would do better at its next-best site."""
    return list(_remarks(plan, reasons))


def _remarks(plan: Plan, reasons: pd.DataFrame) -> Iterator[Message | None]:
    siting = plan.summary["siting"]
    required = set(siting.get("required") or [])
    told = reasons["next_objective"].notna()
    objective = told & (reasons["next_objective"] < -_LEAST)
    walk = reasons["next_walk"] < -_LEAST
    for site, worse, less in zip(reasons["site_id"], objective, walk, strict=True):
        if not (worse or less):
            yield None
        elif site in required:
            yield _DECIDED
        elif not worse:
            yield _OTHER_AIM
        else:
            yield _OTHER_RULES if siting["status"] == "proven" else _UNPROVEN
