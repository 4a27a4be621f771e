"""Table of the phases of answer A, with a row of what all of them come to."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.words import NOT_GIVEN, TOTAL, word

_KM = 1000.0
_PROVEN = Message(en="proven, what was built before being kept", zh="已证明（此前已建者不变）")
_COLUMNS = (
    "phase", "rooms", "rooms_so_far", "available", "cost", "residents_gained", "saved_km",
    "mean_m", "p90_m", "within_share", "beyond", "unreachable", "gap_share", "status", "sites",
)  # fmt: skip
_ADDED = ("rooms", "residents_gained", "saved_km")
_AT_THE_END = ("rooms_so_far", "mean_m", "p90_m", "within_share", "beyond", "unreachable")


def phases_table(plan: Plan) -> pd.DataFrame:
    """Return the phases of answer A, and what they add up to and leave at the end."""
    phases = plan.layers.get("room_phases")
    if phases is None or not len(phases):
        return pd.DataFrame()
    told = pd.DataFrame(phases).assign(
        saved_km=pd.to_numeric(phases["saved_walk"]) / _KM, gap_share=phases["gap"]
    )
    rows: list[dict[Any, Any]] = [
        {**one, "status": _proof(one["status"])} for one in told.to_dict("records")
    ]
    total: dict[Any, Any] = {name: rows[-1][name] for name in _AT_THE_END}
    total |= {name: math.fsum(told[name]) for name in (*_ADDED, "cost")}
    for one in [*rows, total]:
        one["cost"] = NOT_GIVEN if pd.isna(one["cost"]) else one["cost"]
    return pd.DataFrame([*rows, {**total, "phase": TOTAL}], columns=list(_COLUMNS))


def _proof(status: object) -> Message | None:
    """Return what is proven of a phase: of the rooms that are left, never of the whole plan."""
    if status is None or pd.isna(status):  # type: ignore[call-overload]
        return None
    return _PROVEN if status == "proven" else word("status", str(status))
