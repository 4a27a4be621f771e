"""What each decision on a site costs: the plan with it against the best plan without it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from gridplan.errors import InfeasibleError, StoppedError
from gridplan.rooms.answers import Answer
from gridplan.rooms.fewest import Chosen
from gridplan.rooms.objectives import MAXIMISED
from gridplan.rooms.question import RoomQuestion, walks_of

DECISION_COLUMNS = (
    "site_id", "decision", "asked_by", "reason", "date", "answer", "open_without", "price_walk",
    "price_residents", "price_rooms", "price_cost", "price_objective", "price_status",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    A site that somebody wants open, or closed.

    Attributes
    ----------
    site_id : str
    decision : {"required", "forbidden"}
    asked_by : str or None
        An office or a role; None for a site that the data call required.
    reason : str or None
    date : date or None
    """

    site_id: str
    decision: Literal["required", "forbidden"]
    asked_by: str | None = None
    reason: str | None = None
    date: dt.date | None = None


def decisions_table(
    question: RoomQuestion,
    decisions: Sequence[Decision],
    found: Answer,
    *,
    solve: Callable[[RoomQuestion], Answer],
) -> pd.DataFrame:
    """
    Return each decision with its price.

    The price is found by solving again without that one decision, all others kept and with
    as many rooms (or the same budget, or the same norm).

    Parameters
    ----------
    found : Answer
        With all decisions.
    solve : callable
        Gives the same answer to another question.

    Returns
    -------
    DataFrame, one row per decision, columns as in `DECISION_COLUMNS`
        ``open_without``: whether the plan without the decision opens the site.
        ``price_walk``: resident-metres that the decision costs; ``price_residents``: residents
        fewer within the norm; ``price_rooms``: rooms more; ``price_cost``: yuan more (null
        where a cost is not given). ``price_objective``: by how much the objective is worse, in
        its own unit. ``price_status``: ``proven`` where both plans are, else
        ``gap``: then the price may be smaller or greater; ``infeasible`` where there is no
        plan without the decision, ``stopped`` where none was found within the limits.
    """
    rows = [
        {**_log(one), "answer": found.key, **_price(question, one, found, solve)}
        for one in sorted(decisions, key=lambda one: (one.site_id, one.decision))
    ]
    table = pd.DataFrame(rows, columns=list(DECISION_COLUMNS))
    texts = ["site_id", "decision", "asked_by", "reason", "date", "answer", "price_status"]
    return table.astype(
        {
            **dict.fromkeys(texts, "object"),
            **dict.fromkeys(["price_walk", "price_cost", "price_objective"], "float64"),
            **dict.fromkeys(["price_residents", "price_rooms"], "Int64"),
            "open_without": "boolean",
        }
    )


def _log(one: Decision) -> dict[str, object]:
    return {
        "site_id": one.site_id,
        "decision": one.decision,
        "asked_by": one.asked_by,
        "reason": one.reason,
        "date": one.date.isoformat() if one.date else None,
    }


def _price(
    question: RoomQuestion,
    one: Decision,
    found: Answer,
    solve: Callable[[RoomQuestion], Answer],
) -> dict[str, object]:
    try:
        other = solve(question.without(one.site_id))
    except (InfeasibleError, StoppedError) as error:
        status = "stopped" if isinstance(error, StoppedError) else "infeasible"
        return {"open_without": pd.NA, "price_walk": math.nan, "price_residents": pd.NA,
                "price_rooms": pd.NA, "price_cost": math.nan, "price_objective": math.nan,
                "price_status": status}  # fmt: skip
    ours, theirs = (walks_of(question, one.walks_m(question)) for one in (found, other))
    new, old = found.chosen.sites, other.chosen.sites
    proven = found.chosen.status == other.chosen.status == "proven"
    return {
        "open_without": one.site_id in old,
        "price_walk": _common_price(question, found, other),
        "price_residents": round(theirs.within - ours.within),
        "price_rooms": len(new) - len(old),
        "price_cost": question.cost_of(new) - question.cost_of(old),
        "price_objective": _worse_by(found.chosen, other.chosen),
        "price_status": "proven" if proven else "gap",
    }


def _worse_by(ours: Chosen, theirs: Chosen) -> float:
    sign = -1.0 if ours.model in MAXIMISED else 1.0
    worse = sign * (ours.objective - theirs.objective)
    return worse if math.isfinite(worse) else math.nan


def _common_price(question: RoomQuestion, found: Answer, other: Answer) -> float:
    """Return the resident-metres between two plans, of those who reach a place with both."""
    ours, theirs = (one.walks_m(question) for one in (found, other))
    both = np.isfinite(ours) & np.isfinite(theirs)
    return math.fsum((ours[both] - theirs[both]) * question.residents[both])
