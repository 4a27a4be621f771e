"""What each phase of answer A builds for its money: its budget, and what phases before left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.rooms.question import (
    NO_WAY_M,
    Positions,
    RoomQuestion,
    compared_m,
    first_best,
    gains,
    weighted_walk,
)
from gridplan.rooms.searches import heeded
from gridplan.siting import Rules, p_median

MOST_PAIRS = 5_000_000
"""Pairs of home and room up to which the best of a phase is searched for and bounded."""

# Sums of costs may miss a budget by rounding alone.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Built:
    """
    The rooms of one phase.

    Attributes
    ----------
    phase : int
        From 1; phases in which nothing is built are left out.
    sites : list of int
        Positions of its rooms.
    bound : float or None
        No choice for as much leaves less walk; None where none was sought, ``-inf`` where none
        is known.
    available : float
        Yuan that it may spend; NaN where phases have no budget.
    """

    phase: int
    sites: list[int]
    bound: float | None
    available: float = math.nan


def bought_phases(question: RoomQuestion, sites: Sequence[str], budget: float) -> list[Built]:
    """
    Return phases that each buy the rooms with the least total walk for their money.

    A phase may spend its budget and all that phases before it left over, and never more: what
    a phase and all before it cost is at most the budget times its number. It is the p-median
    with that budget among the rooms left, beside all that is built. Where no room that saves
    anybody a metre can be paid, nothing is built and the money is kept: so a room that costs
    more than one budget is built as soon as it has been saved up for, and is the best use then.
    Rooms that save nobody a metre come after all others, the cheapest first. Rooms without a
    known cost, which no budget can plan, are the last phase.

    Whoever reaches nothing counts with 1,000 km, so that reaching somebody comes first. Beyond
    `MOST_PAIRS`, rooms are taken greedily, without a bound.

    Parameters
    ----------
    sites : new rooms, of which all are built in the end
    budget : float
        Yuan per phase, above 0.
    """
    purse = _Purse(question, sites, budget)
    found = list[Built]()
    while purse.left:
        found.append(purse.next_phase())
    unknown = [j for j in question.at(sites).tolist() if math.isnan(purse.cost[j])]
    if unknown:
        last = found[-1].phase + 1 if found else 1
        found.append(Built(last, unknown, None, purse.money(last)))
    return found


class _Purse:
    """The rooms left, and the money left."""

    def __init__(self, question: RoomQuestion, sites: Sequence[str], budget: float) -> None:
        self.question, self.budget = question, budget
        self.cost = question.cost.to_numpy(dtype=float)
        self.left = [j for j in question.at(sites).tolist() if not math.isnan(self.cost[j])]
        self.built = list[int]()
        self.phase = 0
        self.rows = question.counted > 0
        self.walks, self.counted = compared_m(question)[self.rows], question.counted[self.rows]
        self.today = self.walks[:, question.fixed].min(axis=1, initial=NO_WAY_M)

    def money(self, phase: int) -> float:
        """Return what a phase may spend."""
        return self.budget * phase - math.fsum(self.cost[self.built])

    def next_phase(self) -> Built:
        """Build what the next phase buys that can buy something."""
        left = np.array(self.left, dtype=np.intp)
        useful = left[gains(self.walks, self.counted, self.today, left) > 0]
        wanted = useful if len(useful) else left
        spent = math.fsum(self.cost[self.built])
        needed = (spent + float(self.cost[wanted].min())) / self.budget
        self.phase = max(self.phase + 1, math.ceil(needed * (1.0 - _SLACK)))
        money = self.money(self.phase)
        sites, best = self._bought(left, useful, money)
        self.left = [j for j in self.left if j not in frozenset(sites)]
        self.built += sites
        self.today = np.minimum(self.today, self.walks[:, sites].min(axis=1, initial=NO_WAY_M))
        return Built(self.phase, sites, self._told(best), money)

    def _bought(
        self, left: Positions, useful: Positions, money: float
    ) -> tuple[list[int], float | None]:
        """Return what some money buys, and the least compared walk; None where not sought."""
        if self._paid(left, money):
            return left.tolist(), self._walk(left)
        if not len(useful):
            # Nobody walks less with any of them.
            return self._cheapest(left, money), self._walk(left[:0])
        offered = useful[self.cost[useful] <= money + _SLACK * money]
        greedy = self._greedy(offered, money)
        if len(self.counted) * (len(offered) + 1) > MOST_PAIRS:
            return greedy, None
        best, bound = self._solved(offered, money)
        better = best is not None and self._walk(best) <= self._walk(greedy)
        return (best if better and best is not None else greedy), bound

    def _solved(self, offered: Positions, money: float) -> tuple[list[int] | None, float]:
        """Solve the p-median with a budget, all that is built as one place in the first column."""
        cost = np.column_stack([self.today, self.walks[:, offered]])
        price = self.cost[offered].tolist()
        rules = Rules(fixed=[0], cost_of=dict(enumerate([0.0, *price])), budget=money)
        found = heeded(p_median(cost, self.counted, rules=rules, limits=self.question.limits))
        if not found.sites:
            return None, found.bound
        chosen = [int(offered[int(str(at)) - 1]) for at in found.sites if at != 0]
        return chosen, self._walk(chosen) if found.status == "proven" else found.bound

    def _greedy(self, offered: Positions, money: float) -> list[int]:
        """Return the better of two: the most metres saved first, or the most for each yuan."""
        plans = []
        for by_yuan in (False, True):
            today, left, chosen = self.today, offered, list[int]()
            while len(left):
                gain = gains(self.walks, self.counted, today, left)
                rank = gain / np.maximum(self.cost[left], 1.0) if by_yuan else gain
                at = first_best(rank)
                if gain[at] <= 0:
                    break
                chosen.append(int(left[at]))
                today = np.minimum(today, self.walks[:, left[at]])
                left = np.delete(left, at)
                left = np.array(
                    [j for j in left.tolist() if self._paid([*chosen, j], money)], dtype=np.intp
                )
            plans.append(chosen)
        return min(plans, key=self._walk)

    def _cheapest(self, sites: Positions, money: float) -> list[int]:
        """Return the cheapest sites, as long as there is money."""
        chosen = list[int]()
        for j in sites[np.argsort(self.cost[sites], kind="stable")].tolist():
            if self._paid([*chosen, j], money):
                chosen.append(j)
        return chosen

    def _paid(self, sites: Sequence[int] | Positions, money: float) -> bool:
        return math.fsum(self.cost[list(sites)]) <= money + _SLACK * money

    def _walk(self, sites: Sequence[int] | Positions) -> float:
        """Return the compared walk of all by the end of a phase that builds some sites."""
        nearest = self.walks[:, list(sites)].min(axis=1, initial=NO_WAY_M)
        return math.fsum(self.counted * np.minimum(self.today, nearest))

    def _told(self, best: float | None) -> float | None:
        """Return a bound of the compared walk as one of those who reach a place."""
        if best is None:
            return None
        now = math.fsum(self.counted * self.today)
        if best >= now - _SLACK * max(1.0, now):
            standing = np.concatenate([self.question.fixed, np.array(self.built, dtype=np.intp)])
            return weighted_walk(self.question, standing)
        return best if (self.today < NO_WAY_M).all() else -math.inf


def phase_notes(question: RoomQuestion, phase_of: Mapping[str, int], budget: float) -> list[Note]:
    """Return notes on what the phases of a budget leave over, wait for, or cannot plan."""
    cost = question.cost.to_numpy(dtype=float)
    sites = question.at(phase_of.keys())
    dear = question.names([j for j in sites if cost[j] > budget + _SLACK * budget])
    unknown = question.names([j for j in sites if math.isnan(cost[j])])
    last = max(phase_of.values(), default=0)
    empty = sorted(frozenset(range(1, last + 1)) - frozenset(phase_of.values()))
    named, spans = first_ids(dear), _spans(empty)
    rule = Message(en="What a phase leaves over goes to the next.", zh="每期节余转入下一期。")
    notes = []
    if dear:
        said = Message(
            en=f"{len(dear)} of the {len(sites)} rooms of answer A cost more than "
            f"[siting].phase_budget = {budget:,.0f} yuan alone: {named}. {rule.en} Each of these "
            f"is built once enough is saved up, so later than a larger budget would have it.",
            zh=f"答案 A 的 {len(sites)} 处活动室中有 {len(dear)} 处单处造价就超过 "
            f"[siting].phase_budget = {budget:,.0f} 元：{named}。{rule.zh}"
            f"这些活动室待节余足够后才建，因而较晚。",
        )
        notes.append(Note("rooms_above_phase_budget", len(dear), said, dear))
    if empty:
        said = Message(
            en=f"In {len(empty)} of the {last} phases of answer A nothing is built: {spans}. "
            f"[siting].phase_budget = {budget:,.0f} yuan and what earlier phases left pay for "
            f"no room there that saves anybody a metre; the money is kept for a later phase.",
            zh=f"答案 A 的 {last} 期中有 {len(empty)} 期不建设：第 {spans} 期。"
            f"[siting].phase_budget = {budget:,.0f} 元加前期节余仍不足以建设任何能缩短步行的"
            f"活动室，资金留待以后各期。",
        )
        notes.append(Note("phases_without_rooms", len(empty), said))
    if unknown:
        said = Message(
            en=f"No cost is given of {counted(len(unknown), 'room', 'rooms')} of answer A: "
            f"{first_ids(unknown)}. [siting].phase_budget cannot plan them: they are the last "
            f"phase. Fill in `cost`.",
            zh=f"答案 A 有 {len(unknown)} 处活动室没有造价：{ids_zh(unknown)}。"
            f"无法按 [siting].phase_budget 安排，列为最后一期。请补填 `cost`。",
        )
        notes.append(Note("phases_without_cost", len(unknown), said, unknown))
    return notes


def _spans(numbers: Sequence[int]) -> str:
    """Return ascending numbers with runs shortened: 1-3, 7."""
    runs = list[list[int]]()
    for one in numbers:
        if runs and runs[-1][-1] == one - 1:
            runs[-1][1:] = [one]
        else:
            runs.append([one])
    return ", ".join("-".join(str(end) for end in run) for run in runs)
