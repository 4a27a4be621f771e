"""Why each new room stands where it stands: whom it serves, what it saves, what else would do."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridplan.errors import Message, Note
from gridplan.rooms.objectives import Objective
from gridplan.rooms.question import Flags, Floats, Positions, RoomQuestion
from gridplan.rooms.worth import Worth

REASON_COLUMNS = (
    "site_id", "residents", "within", "reached", "saved_walk", "saved_each_m",
    "closing_walk", "closing_within", "closing_stranded", "closing_objective", "next_site_id",
    "next_walk", "next_within", "next_stranded", "next_objective",
)  # fmt: skip
_ROUNDING = 1e-9
GROUP_COLUMNS = ("site_id", "group", "residents", "saved_walk", "saved_each_m")


def room_reasons(
    question: RoomQuestion,
    opened: Positions,
    *,
    objective: Objective = "mean",
    told: bool = True,
    given: Positions | None = None,
    least_within: float = 0.0,
    budget: float = math.inf,
) -> pd.DataFrame:
    """
    Return what each new room is good for.

    Parameters
    ----------
    opened : positions of all open places, new rooms among them
    objective : {"mean", "share", "longest", "p90", "ede"}
        By which the next-best site is the next best.
    told : bool
        The plan was chosen by that very objective, so that its value is told. Answers A and B
        have another, and with rooms that are given the nearest place is not what counts.
    given : int array, shape (n_demand,), optional
        The place that each home is given, -1 for none, where floor area is a hard limit. Then
        there is no next-best site and no figure of closing: what is nearest says nothing of a
        room that may be full, and others would be given others.
    least_within : float
        What has to live within the norm (weighted where groups have weights): a site that does
        not keep it is no next-best one.
    budget : float
        Yuan that the new rooms cost together at most: a site that breaks it, or without a cost,
        is no next-best one.

    Returns
    -------
    DataFrame, one row per new room, columns as in `REASON_COLUMNS`
        ``residents`` whose nearest place it is, or who are given it; of them ``within`` the
        norm, and ``reached``, who reach no place today. ``saved_walk``: resident-metres that the
        others of them walk less than today, and the mean of that. ``closing_walk``:
        resident-metres more if it were closed and all else stayed; ``closing_within``: residents
        who would no longer be within the norm; ``closing_stranded``: who would reach no place.
        ``closing_objective``: by how much the objective would be worse, in its own unit
        (`Worth.loss`), null where it is not told. All of ``closing_…`` are null with `given`.
        ``next_…`` tells the same of moving it to the closed site where that costs least by the
        objective, the numbers by community, the least share and the budget being kept; null
        where there is none.
    """
    facts = _Facts(
        question, opened, objective, told=told, given=given, least_within=least_within,
        budget=budget,
    )  # fmt: skip
    new = [j for j in opened if question.site_ids[int(j)] in question.candidates]
    rows = [facts.row(int(j)) for j in new]
    table = pd.DataFrame(rows, columns=list(REASON_COLUMNS))
    metres = [name for name in REASON_COLUMNS if name.endswith(("_m", "_walk", "_objective"))]
    counts = ["closing_within", "closing_stranded", "next_within", "next_stranded"]
    return table.astype(
        {
            **dict.fromkeys(metres, "float64"),
            **dict.fromkeys(counts, "Int64"),
            "next_site_id": "object",
        }
    )


def no_closing_note() -> Note:
    """Return why nothing is told of closing and moving rooms where floor area is a hard limit."""
    message = Message(
        en='With [siting].capacity = "hard" nothing is told of closing a room or moving it: its '
        "residents would be given rooms that may be full, and others would have to move on, so "
        "that the walks to the nearest place say nothing of it. To see what a room is worth, run "
        "the project again with a [[siting.decisions]] that forbids its site.",
        zh='[siting].capacity = "hard" 时不列关闭或移动活动室的后果：其居民须改分到可能已满的'
        "活动室，并带动其他居民改分，到最近场所的步行不能说明问题。如需了解某处活动室的作用，"
        "请在 [[siting.decisions]] 中将其场地设为禁用（forbidden）后重新运行。",
    )
    return Note("room_reasons_without_closing", 1, message, ())


def group_reasons(
    question: RoomQuestion,
    opened: Positions,
    groups: Mapping[str, Floats],
    *,
    given: Positions | None = None,
) -> pd.DataFrame:
    """
    Return whom of each group each new room serves, and what it saves them.

    Parameters
    ----------
    groups : mapping of group to residents, shape (n_demand,)
    given : int array, optional
        As in `room_reasons`.

    Returns
    -------
    DataFrame, one row per new room and group, columns as in `GROUP_COLUMNS`
    """
    facts = _Facts(question, opened, "mean", told=False, given=given)
    rows = []
    for j in opened:
        site = question.site_ids[int(j)]
        if site not in question.candidates:
            continue
        own = facts.near == j
        had = own & np.isfinite(facts.today)
        less = (facts.today[had] - facts.walk[had]) if had.any() else np.zeros(0)
        for group, people in groups.items():
            counts = np.nan_to_num(people)
            saved, those = math.fsum(less * counts[had]), math.fsum(counts[had])
            rows.append(
                {
                    "site_id": site,
                    "group": group,
                    "residents": round(math.fsum(counts[own])),
                    "saved_walk": saved,
                    "saved_each_m": saved / those if those else math.nan,
                }
            )
    table = pd.DataFrame(rows, columns=list(GROUP_COLUMNS))
    return table.astype({"saved_walk": "float64", "saved_each_m": "float64"})


class _Facts:
    """The walks of a plan, and those with a room taken away."""

    def __init__(
        self,
        question: RoomQuestion,
        opened: Positions,
        objective: Objective,
        *,
        told: bool,
        given: Positions | None = None,
        least_within: float = 0.0,
        budget: float = math.inf,
    ) -> None:
        self.told, self.least_within, self.budget = told, least_within, budget
        self.worth = Worth(question, objective)
        self.question, self.opened = question, np.sort(opened)
        self.people = question.residents
        self.today = question.nearest_m(question.fixed)
        offered = question.metres[:, self.opened]
        self.walk = offered.min(axis=1, initial=math.inf)
        near = self.opened[offered.argmin(axis=1)]
        self.near = np.where(np.isfinite(self.walk) & (self.people > 0), near, -1)
        self.given = given is not None
        if given is not None:
            walk = question.metres[np.arange(len(given)), given]
            self.near, self.walk = given, np.where(given >= 0, walk, math.inf)
        self.closed = np.array(
            [j for j in question.free if j not in set(self.opened.tolist())], dtype=np.intp
        )
        if self.given:
            self.closed = self.closed[:0]

    def row(self, j: int) -> dict[str, object]:
        own = self.near == j
        had = own & np.isfinite(self.today)
        saved = math.fsum((self.today[had] - self.walk[had]) * self.people[had])
        those = self._sum(had)
        rest = self.question.nearest_m(self.opened[self.opened != j])
        return {
            "site_id": self.question.site_ids[j],
            "residents": round(self._sum(own)),
            "within": round(self._sum(own & (self.walk <= self.question.norm_m))),
            "reached": round(self._sum(own & ~np.isfinite(self.today))),
            "saved_walk": saved,
            "saved_each_m": saved / those if those else math.nan,
            **self._closing(rest),
            **self._next(j, rest),
        }

    def _closing(self, rest: Floats) -> dict[str, object]:
        if self.given:
            return {"closing_walk": math.nan, "closing_within": pd.NA,
                    "closing_stranded": pd.NA, "closing_objective": math.nan}  # fmt: skip
        more, within, stranded = self._loss(rest)
        return {
            "closing_walk": more,
            "closing_within": within,
            "closing_stranded": stranded,
            "closing_objective": self._worse(rest),
        }

    def _next(self, j: int, rest: Floats) -> dict[str, object]:
        closed = self.closed
        if self.question.counts.binding and len(closed):
            others = self.opened[self.opened != j]
            counts, ids = self.question.counts, self.question.site_ids
            closed = closed[counts.allowed(others, ids, closed)]
        if self.least_within > 0 and len(closed):
            moved = np.minimum(rest[:, None], self.question.metres[:, closed])
            near = self.question.counted @ (moved <= self.question.norm_m)
            closed = closed[near >= self.least_within * (1.0 - _ROUNDING)]
        if math.isfinite(self.budget):
            closed = closed[self._affordable(j, closed)]
        if not len(closed):
            return {"next_site_id": None, "next_walk": math.nan, "next_within": pd.NA,
                    "next_stranded": pd.NA, "next_objective": math.nan}  # fmt: skip
        offered = self.question.metres[:, closed]
        best = int(closed[self.worth.best(np.isfinite(self.walk), rest, offered)])
        moved = np.minimum(rest, self.question.metres[:, best])
        more, within, stranded = self._loss(moved)
        return {
            "next_site_id": self.question.site_ids[best],
            "next_walk": more,
            "next_within": within,
            "next_stranded": stranded,
            "next_objective": self._worse(moved),
        }

    def _affordable(self, j: int, closed: Positions) -> Flags:
        """Return which sites can be paid for in place of a room; without a cost none can."""
        question = self.question
        cost = question.cost.to_numpy(dtype=float)
        others = [one for one in self.opened if one != j]
        new = [one for one in others if question.site_ids[int(one)] in question.candidates]
        spent = math.fsum(cost[new])
        return np.asarray(spent + cost[closed] <= self.budget * (1.0 + _ROUNDING))

    def _worse(self, walk: Floats) -> float:
        return self.worth.loss(self.walk, walk) if self.told else math.nan

    def _loss(self, walk: Floats) -> tuple[float, int, int]:
        """Return metres more, residents fewer within the norm, and stranded, with other walks."""
        still = np.isfinite(walk) & np.isfinite(self.walk)
        more = math.fsum((walk[still] - self.walk[still]) * self.people[still])
        norm = self.question.norm_m
        within = self._sum(self.walk <= norm) - self._sum(walk <= norm)
        stranded = self._sum(np.isfinite(self.walk)) - self._sum(np.isfinite(walk))
        return more, round(within), round(stranded)

    def _sum(self, rows: Flags) -> float:
        return math.fsum(self.people[rows])
