"""Why each open place stands where it stands: whom it serves, what it saves, what else would do."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.rooms.full_assignment import Assignment, FullPlaces
from gridplan.rooms.full_moves import MOST_TRIED, Move, best_move
from gridplan.rooms.objectives import Objective
from gridplan.rooms.question import Flags, Floats, Positions, RoomQuestion
from gridplan.rooms.worth import Worth
from gridplan.siting.nulls import with_none

REASON_COLUMNS = (
    "site_id", "kind", "residents", "within", "reached", "saved_walk", "saved_each_m",
    "closing_walk", "closing_within", "closing_stranded", "closing_objective", "closing_bound",
    "closing_status", "closing_households", "next_site_id", "next_walk", "next_within",
    "next_stranded", "next_objective", "next_bound", "next_status",
)  # fmt: skip
GROUP_COLUMNS = ("site_id", "kind", "group", "residents", "saved_walk", "saved_each_m")

_ROUNDING = 1e-9
_COUNTS = ("closing_within", "closing_stranded", "next_within", "next_stranded")
_WORDS = ("next_site_id", "closing_status", "next_status")
_METRES = (
    "saved_walk", "saved_each_m", "closing_walk", "closing_objective", "closing_bound",
    "closing_households", "next_walk", "next_objective", "next_bound",
)  # fmt: skip
_EXISTING, _COMMITTEE = "existing", "committee"


@dataclass(frozen=True, eq=False, kw_only=True)
class _Asked:
    """What the plan was asked for, as `room_reasons` takes it."""

    objective: Objective = "mean"
    told: bool = True
    given: Positions | None = None
    least_within: float = 0.0
    budget: float = math.inf


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
    Return what each open place is good for: new rooms, and what is there today and stays.

    Parameters
    ----------
    opened : positions of all open places, new rooms among them
    objective : {"mean", "share", "longest", "p90", "ede"}
        By which the next-best site is the next best.
    told : bool
        The plan was chosen by that very objective, so that its value is told. Answers A and B
        have another.
    given : int array, shape (n_demand,), optional
        The place that each home is given, -1 for none, where floor area is a hard limit. Then
        closing and moving give all homes anew, so that they walk least in total.
    least_within : float
        What has to live within the norm (weighted where groups have weights): a site that does
        not keep it is no next-best one.
    budget : float
        Yuan that the new rooms cost together at most: a site that breaks it, or without a cost,
        is no next-best one.

    Returns
    -------
    DataFrame, one row per open place, new ones first, columns as in `REASON_COLUMNS`
        ``kind``: ``required``, ``proposed`` or ``existing``; of committees see `with_committees`.
        ``residents`` whose nearest place it is, or who are given it; of them ``within`` the
        norm, and ``reached``, who reach no place today. ``saved_walk``: resident-metres that the
        others of them walk less than today, and the mean of that; null for what is there today.
        ``closing_walk``: resident-metres more if it were closed and all else stayed;
        ``closing_within``: residents
        who would no longer be within the norm; ``closing_stranded``: who would reach no place.
        ``closing_objective``: by how much the objective would be worse, in its own unit
        (`Worth.loss`), null where it is not told.
        ``next_…`` tells the same of moving it to the closed site where that costs least by the
        objective, the numbers by community, the least share and the budget being kept; null
        where there is none, and for what is there today, which stays.

        With `given` ``closing_status`` and ``next_status`` say how good the assignments are that
        the figures are of: ``proven`` the best; ``gap``: the objective is worse by the figure at
        most, and by ``…_bound`` at least; ``infeasible``: the others do not hold all households
        (``closing_households`` of them are left over at least, 0 where they only do not fit as
        whole homes), or with no site they do; ``stopped``: none was found, which proves nothing.
        Without figures these are null; without `given` all of these are. A site that has room
        for no home within its reach is no next-best one.
    """
    asked = _Asked(
        objective=objective, told=told, given=given, least_within=least_within, budget=budget
    )
    facts = _Facts(question, opened, asked)
    table = pd.DataFrame([facts.row(j) for j in facts.order], columns=list(REASON_COLUMNS))
    typed = {**dict.fromkeys(_METRES, "float64"), **dict.fromkeys(_COUNTS, "Int64")}
    return with_none(table.astype(typed), _WORDS)


def with_committees(reasons: pd.DataFrame, committees: Collection[str]) -> pd.DataFrame:
    """
    Return reasons, by place or by group, with committees told apart from existing rooms.

    Parameters
    ----------
    reasons : DataFrame
        ``site_id``, ``kind``.
    committees : collection of str
        Ids of the offices of committees, which come last.
    """
    office = reasons["site_id"].isin(list(committees))
    told = reasons.assign(kind=reasons["kind"].mask(office, _COMMITTEE))
    return told.loc[office.sort_values(kind="stable").index].reset_index(drop=True)


def of_proven_plan(reasons: pd.DataFrame, *, least_within: float = 0.0) -> pd.DataFrame:
    """
    Return reasons of a plan that is proven to be the best, with what follows from that.

    No assignment to fewer places is better, nor one with another site in place of a room that no
    decision opened, as long as the same homes are served: these bounds are 0 or more. Where a
    share has to live within the norm nothing follows: the assignments need not keep it.

    Parameters
    ----------
    reasons : DataFrame
        As `room_reasons` returns it, of a plan for one objective.
    least_within : float
        As in `room_reasons`.
    """
    told = reasons.copy()
    if least_within > 0:
        return told
    free = {"closing": reasons["kind"].notna(), "next": reasons["kind"] == "proposed"}
    for what, rows in free.items():
        bound, worse = reasons[f"{what}_bound"], reasons[f"{what}_objective"]
        same = reasons[f"{what}_stranded"].eq(0).fillna(value=False).astype(bool)
        raised = rows & same & bound.notna() & (bound < 0)
        # A figure below zero is rounding where the plan is proven.
        told[f"{what}_bound"] = bound.mask(raised, np.minimum(worse, 0.0))
        settled = raised & (worse <= _ROUNDING)
        status = told[f"{what}_status"].astype("object").mask(settled, "proven")
        told[f"{what}_status"] = status.where(status.notna(), None)
    return told


def group_reasons(
    question: RoomQuestion,
    opened: Positions,
    groups: Mapping[str, Floats],
    *,
    given: Positions | None = None,
) -> pd.DataFrame:
    """
    Return whom of each group each open place serves, and what a new one saves them.

    Parameters
    ----------
    groups : mapping of group to residents, shape (n_demand,)
    given : int array, optional
        As in `room_reasons`.

    Returns
    -------
    DataFrame, one row per open place and group, columns as in `GROUP_COLUMNS`
    """
    facts = _Facts(question, opened, _Asked(told=False, given=given))
    rows = [
        {
            "site_id": question.site_ids[j],
            "kind": facts.kind(j),
            "group": group,
            "residents": round(math.fsum(np.nan_to_num(people)[facts.near == j])),
            **facts.saved(j, np.nan_to_num(people)),
        }
        for j in facts.order
        for group, people in groups.items()
    ]
    table = pd.DataFrame(rows, columns=list(GROUP_COLUMNS))
    return table.astype({"saved_walk": "float64", "saved_each_m": "float64"})


class _Facts:
    """The walks of a plan, and those with a place taken away."""

    def __init__(self, question: RoomQuestion, opened: Positions, asked: _Asked) -> None:
        self.by = asked
        self.worth = Worth(question, asked.objective)
        self.question, self.opened = question, np.sort(opened)
        self.people = question.residents
        self.today = question.nearest_m(question.fixed)
        offered = question.metres[:, self.opened]
        self.walk = offered.min(axis=1, initial=math.inf)
        near = self.opened[offered.argmin(axis=1)]
        self.near = np.where(np.isfinite(self.walk) & (self.people > 0), near, -1)
        if asked.given is not None:
            self.near, self.walk = asked.given, self.walks(asked.given)
        self.closed = np.array(
            [j for j in question.free if j not in set(self.opened.tolist())], dtype=np.intp
        )
        places = [int(j) for j in self.opened]
        self.order = sorted(places, key=lambda j: (not self.is_new(j), j))
        self.full = None if asked.given is None else _Given(question, self, asked.given)

    def kind(self, j: int) -> str:
        """Return the kind of a place, as the layer of rooms has it."""
        if not self.is_new(j):
            return _EXISTING
        return "required" if self.question.site_ids[j] in self.question.required else "proposed"

    def is_new(self, j: int) -> bool:
        """Whether a place is not open today."""
        return self.question.site_ids[j] in self.question.candidates

    def row(self, j: int) -> dict[str, object]:
        """Return what is told of a place."""
        own = self.near == j
        told = {
            "site_id": self.question.site_ids[j],
            "kind": self.kind(j),
            "residents": round(self._sum(own)),
            "within": round(self._sum(own & (self.walk <= self.question.norm_m))),
            "reached": round(self._sum(own & ~np.isfinite(self.today))),
            **self.saved(j, self.people),
        }
        others = self.opened[self.opened != j]
        closed = self._allowed(j, others) if self.is_new(j) else self.closed[:0]
        if self.full is not None:
            return {**told, **self.full.closing(others), **self.full.moved(others, closed)}
        rest = self.question.nearest_m(others)
        return {**told, **self.loss("closing", rest), **self._next(rest, closed)}

    def saved(self, j: int, people: Floats) -> dict[str, float]:
        """Return the walk that a new room saves some people against today, and the mean of it."""
        if not self.is_new(j):
            return {"saved_walk": math.nan, "saved_each_m": math.nan}
        had = (self.near == j) & np.isfinite(self.today)
        saved = math.fsum((self.today[had] - self.walk[had]) * people[had])
        those = math.fsum(people[had])
        return {"saved_walk": saved, "saved_each_m": saved / those if those else math.nan}

    def loss(self, what: str, walk: Floats) -> dict[str, object]:
        """Return metres more, residents fewer within the norm, and stranded, with other walks."""
        still = np.isfinite(walk) & np.isfinite(self.walk)
        norm = self.question.norm_m
        within = self._sum(self.walk <= norm) - self._sum(walk <= norm)
        return {
            f"{what}_walk": math.fsum((walk[still] - self.walk[still]) * self.people[still]),
            f"{what}_within": round(within),
            f"{what}_stranded": self.stranded(walk),
            f"{what}_objective": self.worth.loss(self.walk, walk) if self.by.told else math.nan,
        }

    def stranded(self, walk: Floats) -> int:
        """Return residents more who reach no place, with other walks."""
        return round(self._sum(np.isfinite(self.walk)) - self._sum(np.isfinite(walk)))

    def _next(self, rest: Floats, closed: Positions) -> dict[str, object]:
        if not len(closed):
            return {"next_site_id": None}
        offered = self.question.metres[:, closed]
        best = int(closed[self.worth.best(np.isfinite(self.walk), rest, offered)])
        moved = np.minimum(rest, self.question.metres[:, best])
        return {"next_site_id": self.question.site_ids[best], **self.loss("next", moved)}

    def _allowed(self, j: int, others: Positions) -> Positions:
        """Return the closed sites that keep what was asked for in place of a room."""
        closed = self.closed
        if self.question.counts.binding and len(closed):
            counts, ids = self.question.counts, self.question.site_ids
            closed = closed[counts.allowed(others, ids, closed)]
        if self.by.least_within > 0 and len(closed):
            rest = self.question.nearest_m(others)
            moved = np.minimum(rest[:, None], self.question.metres[:, closed])
            near = self.question.counted @ (moved <= self.question.norm_m)
            closed = closed[near >= self.by.least_within * (1.0 - _ROUNDING)]
        if math.isfinite(self.by.budget):
            closed = closed[self._affordable(j, closed)]
        return closed

    def _affordable(self, j: int, closed: Positions) -> Flags:
        """Return which sites can be paid for in place of a room; without a cost none can."""
        cost = self.question.cost.to_numpy(dtype=float)
        new = [one for one in self.opened if one != j and self.is_new(int(one))]
        spent = math.fsum(cost[new])
        return np.asarray(spent + cost[closed] <= self.by.budget * (1.0 + _ROUNDING))

    def walks(self, given: Positions) -> Floats:
        """Return the walks to places that homes are given, ``inf`` where they are given none."""
        walk = self.question.metres[np.arange(len(given)), given]
        return np.where(given >= 0, walk, math.inf)

    def _sum(self, rows: Flags) -> float:
        return math.fsum(self.people[rows])


class _Given:
    """What closing and moving cost where homes are given places: all are given anew."""

    def __init__(self, question: RoomQuestion, facts: _Facts, given: Positions) -> None:
        self.question, self.facts, self.given = question, facts, given
        new = sum(facts.is_new(int(j)) for j in facts.opened)
        self.places = FullPlaces(
            question, given >= 0, searches=1 + len(facts.opened) + MOST_TRIED * new
        )
        self.prices: Floats | None = None
        self.start: Assignment | None = None

    def closing(self, rest: Positions) -> dict[str, object]:
        """Return what is told of closing a place, the rest being kept."""
        self.start = None
        if not self._stopped:
            if self.prices is None:
                self.prices = self.places.assign(self.facts.opened, None, self.given).prices
            self.start = self.places.assign(rest, self.prices, self.given)
        told = self._told("closing", self.start, None if self.start is None else self.start.bound)
        lost = np.where(np.isfinite(self.question.nearest_m(rest)), self.facts.walk, math.inf)
        over = self.start is not None and self.start.status == "infeasible"
        return {
            **told,
            "closing_stranded": self.facts.stranded(lost),
            "closing_status": "stopped" if self.start is None else self.start.status,
            "closing_households": self.start.over if self.start and over else math.nan,
        }

    def moved(self, rest: Positions, closed: Positions) -> dict[str, object]:
        """Return what is told of the best of some sites in place of the room just closed."""
        closed = closed[self.places.useful(closed)]
        if not len(closed):
            return {"next_site_id": None}
        if self.start is None or self._stopped:
            return {"next_site_id": None, "next_status": "stopped"}
        start = self.start if self.start.planned else replace(self.start, given=self.given)
        move: Move = best_move(self.places, rest, closed, start, self._keeps)
        site = None if move.site is None else self.question.site_ids[move.site]
        told = self._told("next", move.found, move.bound)
        return {"next_site_id": site, **told, "next_status": move.status}

    @property
    def _stopped(self) -> bool:
        stop = self.question.limits.stop
        if stop is None or not stop.asked:
            return False
        stop.heeded = True
        return True

    def _told(self, what: str, found: Assignment | None, bound: float | None) -> dict[str, object]:
        if found is None or not found.planned:
            return {}
        walk = self.facts.walks(found.given)
        told = self.facts.loss(what, walk)
        # The walks were made short in total, whatever the objective of the plan.
        plain = self.facts.by.told and self.facts.by.objective == "mean"
        worse = self.facts.worth.loss(self.facts.walk, walk) if plain else math.nan
        slack = math.nan if bound is None else found.objective - bound
        return {**told, f"{what}_objective": worse, f"{what}_bound": worse - slack}

    def _keeps(self, found: Assignment) -> bool:
        least = self.facts.by.least_within
        near = self.facts.walks(found.given) <= self.question.norm_m
        return math.fsum(self.question.counted[near]) >= least * (1.0 - _ROUNDING)
