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
from gridplan.rooms.question import NO_WAY_M, Positions, RoomQuestion, walks_of
from gridplan.siting.nulls import with_none

DECISION_COLUMNS = (
    "site_id", "decision", "moved_from", "asked_by", "reason", "date", "answer", "open_without",
    "price_walk", "price_residents", "price_rooms", "price_cost", "price_objective",
    "price_reason", "price_status",
)  # fmt: skip


ALL_DECISIONS = "all_decisions"
"""The kind of the row that has the price of all decisions together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    A site that somebody wants open, or closed, or in place of another.

    Attributes
    ----------
    site_id : str
    decision : {"required", "forbidden", "moved"}
        ``moved``: the site is required and `moved_from` forbidden, in one decision.
    moved_from : str or None
        The site that is given up, of a move.
    asked_by : str or None
        An office or a role; None for a site that the data call required.
    reason : str or None
    date : date or None
    """

    site_id: str
    decision: Literal["required", "forbidden", "moved"]
    moved_from: str | None = None
    asked_by: str | None = None
    reason: str | None = None
    date: dt.date | None = None

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that it decides on."""
        return (self.site_id,) if self.moved_from is None else (self.site_id, self.moved_from)

    @property
    def required(self) -> tuple[str, ...]:
        """The site that has to be opened, if any."""
        return () if self.decision == "forbidden" else (self.site_id,)

    @property
    def forbidden(self) -> tuple[str, ...]:
        """The site that stays closed, if any."""
        if self.decision == "forbidden":
            return (self.site_id,)
        return () if self.moved_from is None else (self.moved_from,)


def decisions_table(
    question: RoomQuestion,
    decisions: Sequence[Decision],
    found: Answer,
    *,
    solve: Callable[[RoomQuestion], Answer],
    budget: float | None = None,
    backup: int = 1,
) -> pd.DataFrame:
    """
    Return each decision with its price, and what all of them cost together.

    The price is found by solving again without that one decision, all others kept and with
    as many rooms (or the same budget, or the same norm). A move is one decision on two sites
    and has one price. Prices do not add up: what all cost together is found by solving without
    any of them.

    Parameters
    ----------
    found : Answer
        With all decisions.
    solve : callable
        Gives the same answer to another question.
    budget : float or None
        Of answer C, in yuan: its objective is about the homes that sites with a cost reach.
    backup : int
        Of answer B: open places within the norm of each home, or as many as it has.

    Returns
    -------
    DataFrame, one row per decision, columns as in `DECISION_COLUMNS`
        Of several decisions, a last row `ALL_DECISIONS` without a site has what all of them cost.
        ``open_without``: whether the plan without the decision opens the site.
        ``price_walk``: resident-metres that the decision costs; ``price_residents``: residents
        fewer within the norm; ``price_rooms``: rooms more; ``price_cost``: yuan more (null
        where a cost is not given). ``price_objective``: by how much the objective is worse, in
        its own unit; null with a ``price_reason`` where two values of it have no difference:
        ``homes_differ``, the decision changes which homes the objective is about, since a
        forbidden site alone reaches some, or how many places are asked for them (then with
        ``price_rooms`` null, too); ``no_objective``, answer A is a rule;
        ``several_objectives``, the last one is within limits that the decision moves.
        ``price_status``: ``proven`` where both plans are, else
        ``gap``: then the price may be smaller or greater; ``infeasible`` where there is no
        plan without the decision, ``stopped`` where none was found within the limits.
    """
    reach = _Reach(found, budget, backup)
    rows = [
        {
            **_log(one),
            "answer": found.key,
            **_price(question, one.sites, found, solve, reach),
        }
        for one in sorted(decisions, key=lambda one: (one.site_id, one.decision))
    ]
    if len(rows) > 1:
        every = sorted({site for one in decisions for site in one.sites})
        price = _price(question, every, found, solve, reach)
        named = {"decision": ALL_DECISIONS, "answer": found.key}
        rows.append({**price, **named, "open_without": pd.NA})
    table = pd.DataFrame(rows, columns=list(DECISION_COLUMNS))
    texts = ["site_id", "decision", "moved_from", "asked_by", "reason", "date", "answer",
             "price_reason", "price_status"]  # fmt: skip
    typed = table.astype(
        {
            **dict.fromkeys(["price_walk", "price_cost", "price_objective"], "float64"),
            **dict.fromkeys(["price_residents", "price_rooms"], "Int64"),
            "open_without": "boolean",
        }
    )
    return with_none(typed, texts)


def _log(one: Decision) -> dict[str, object]:
    return {
        "site_id": one.site_id,
        "decision": one.decision,
        "moved_from": one.moved_from,
        "asked_by": one.asked_by,
        "reason": one.reason,
        "date": one.date.isoformat() if one.date else None,
    }


def _price(
    question: RoomQuestion,
    sites: Sequence[str],
    found: Answer,
    solve: Callable[[RoomQuestion], Answer],
    reach: _Reach,
) -> dict[str, object]:
    without = question.without(*sites)
    try:
        other = solve(without)
    except (InfeasibleError, StoppedError) as error:
        status = "stopped" if isinstance(error, StoppedError) else "infeasible"
        return {"open_without": pd.NA, "price_walk": math.nan, "price_residents": pd.NA,
                "price_rooms": pd.NA, "price_cost": math.nan, "price_objective": math.nan,
                "price_reason": None, "price_status": status}  # fmt: skip
    ours, theirs = (walks_of(question, one.walks_m(question)) for one in (found, other))
    new, old = found.chosen.sites, other.chosen.sites
    proven = found.chosen.status == other.chosen.status == "proven"
    reason = _no_difference(question, without, found, reach)
    # Rooms that leave a home with fewer places around are not fewer rooms for the same.
    uneven = reason == "homes_differ" and reach.times > 1
    return {
        "open_without": sites[0] in old,
        "price_walk": _common_price(question, found, other),
        "price_residents": round(theirs.within - ours.within),
        "price_rooms": pd.NA if uneven else len(new) - len(old),
        "price_cost": question.cost_of(new) - question.cost_of(old),
        "price_objective": math.nan if reason else _worse_by(found.chosen, other.chosen),
        "price_reason": reason,
        "price_status": "proven" if proven else "gap",
    }


def _no_difference(
    question: RoomQuestion, without: RoomQuestion, found: Answer, reach: _Reach
) -> str | None:
    """Return why two values of the objective have no difference; None where they have one."""
    if found.key == "A":
        return "no_objective"
    # The last objective is within limits that the decision moves.
    if found.chosen.stages:
        return "several_objectives"
    # Who lives within the norm is counted among everybody, reached or not.
    if found.chosen.model in MAXIMISED:
        return None
    ours, theirs = (reach.of(one) for one in (question, without))
    return "homes_differ" if (ours != theirs).any() else None


@dataclass(frozen=True, slots=True)
class _Reach:
    """Of how many places an objective asks each home to have one within its distance."""

    found: Answer
    budget: float | None
    backup: int

    @property
    def times(self) -> int:
        return self.backup if self.found.chosen.model == "lscp" else 1

    def of(self, question: RoomQuestion) -> Positions:
        """Return how many places are asked for each home, as many as it has; 0: left out."""
        free = question.free
        if self.budget is not None and self.found.key == "C":
            free = free[np.isfinite(question.cost.to_numpy(dtype=float)[free])]
        may = np.concatenate([question.fixed, free])
        radius_m = question.norm_m if self.found.chosen.model == "lscp" else NO_WAY_M
        held = (question.metres[:, may] <= radius_m).sum(axis=1)
        return np.where(question.residents > 0, np.minimum(held, self.times), 0)


def _worse_by(ours: Chosen, theirs: Chosen) -> float:
    sign = -1.0 if ours.model in MAXIMISED else 1.0
    worse = sign * (ours.objective - theirs.objective)
    return worse if math.isfinite(worse) else math.nan


def _common_price(question: RoomQuestion, found: Answer, other: Answer) -> float:
    """Return the resident-metres between two plans, of those who reach a place with both."""
    ours, theirs = (one.walks_m(question) for one in (found, other))
    both = np.isfinite(ours) & np.isfinite(theirs)
    return math.fsum((ours[both] - theirs[both]) * question.residents[both])
