"""Remarks on the reasons of places: what the others do not hold, what is below zero."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.below_zero import below_zero
from gridplan.present.words import number

_LEAST = 1e-6
_NEW = ("required", "proposed")
_WHOLES = Message(
    en="without it: the others do not hold all homes, none of which is divided",
    zh="不设：其余场所容纳不下全部住房（每处住房不拆分）",
)
_UNKNOWN = Message(
    en="without it: whether the others hold everybody is not known",
    zh="不设：其余场所能否容纳全部住户未知",
)
_NOWHERE = Message(
    en="moved: with no other site are all households held",
    zh="改设：任何其他场地都容纳不下全部住户",
)
_NOT_FOUND = Message(
    en="moved: no site was found that holds everybody; there may be one",
    zh="改设：未找到能容纳全部住户的场地，但不表示没有",
)
_NONE_HOLDS = Message(
    en="moved: no other site that may be opened in its place has room for a home within reach",
    zh="改设：可替换的其他场地均容纳不下任何可达的住房，或没有可替换的场地",
)
_ANEW = Message(
    en="without it below zero: everybody is given a place anew, better than in the plan, which is "
    "not proven to be the best",
    zh="不设为负值：方案未证明最优，重新分配后反而更好",
)
_OTHER_RULES = Message(
    en="without it below zero: everybody is given a place anew by the total walk alone, and the "
    "plan keeps a least share or further objectives beside it",
    zh="不设为负值：重新分配仅以步行总和为准，而方案另须满足最低比例或其他目标",
)
_OTHER_AIM = Message(
    en="without it walk below zero: everybody is given a place anew by the total walk, and in the "
    "plan by another objective",
    zh="不设步行为负值：重新分配以步行总和为准，而方案以另一目标为准",
)
_WEIGHTED = Message(
    en="without it walk below zero: places are given by the weights of groups",
    zh="不设步行为负值：按各人群权重分配场所",
)


def remarks(plan: Plan, reasons: pd.DataFrame) -> list[Message | None]:
    """Return a remark for each place, None where there is nothing to say of its figures."""
    rows, siting = reasons.to_dict("records"), plan.summary["siting"]
    return [
        _joined([*_closing(row, siting), *_next(row), *([one] if one else [])])
        for row, one in zip(rows, below_zero(plan, reasons), strict=True)
    ]


def _closing(row: Mapping[Any, Any], siting: Mapping[str, Any]) -> Iterator[Message]:
    status = row.get("closing_status")
    if status == "infeasible":
        yield _over(row.get("closing_households"))
    elif status == "stopped":
        yield _UNKNOWN
    if pd.isna(status):
        return
    worse, walk = row.get("closing_objective"), row.get("closing_walk")
    if worse is not None and worse < -_LEAST:
        others = siting.get("stages") or siting.get("least_share") is not None
        yield _OTHER_RULES if others else _ANEW
    elif walk is not None and walk < -_LEAST:
        # There is a figure in the objective where that is the walk, by what homes count.
        yield _OTHER_AIM if pd.isna(worse) else _WEIGHTED


def _next(row: Mapping[Any, Any]) -> Iterator[Message]:
    status = row.get("next_status")
    if _none_holds(row):
        yield _NONE_HOLDS
    elif status == "infeasible":
        yield _NOWHERE
    elif status == "stopped":
        yield _NOT_FOUND


def _none_holds(row: Mapping[Any, Any]) -> bool:
    """Return whether a new room under hard capacity has no site that it could move to."""
    new = row.get("kind") in _NEW and not pd.isna(row.get("closing_status"))
    return new and pd.isna(row.get("next_status"))


def _over(households: float | None) -> Message:
    if households is None or not households > 0:
        return _WHOLES
    # Less than one is one too: no home is divided.
    least = number(max(1, math.floor(households)))
    return Message(
        en=f"without it: the others do not hold all households; {least} or more are left over",
        zh=f"不设：其余场所容纳不下全部住户，至少余 {least} 户",
    )


def _joined(said: list[Message]) -> Message | None:
    if not said:
        return None
    return Message(en="; ".join(one.en for one in said), zh="；".join(one.zh for one in said))
