"""The rooms that a budget allows: the least total walk for the money."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from gridplan.errors import InfeasibleError, InputError, Message, Note, first_ids
from gridplan.rooms.fewest import Chosen
from gridplan.rooms.question import Floats, Positions, RoomQuestion, compared_m, first_best, gains
from gridplan.siting.reach import separate_parts
from gridplan.siting.search import PROVEN_GAP, relative_gap


def unpriced_note(question: RoomQuestion) -> list[Note]:
    """Return a note that names the candidates whose cost is not given: no budget buys them."""
    unknown = [one for one in question.names(question.free) if math.isnan(question.cost[one])]
    if not unknown:
        return []
    return [
        Note(
            "sites_without_cost",
            len(unknown),
            Message(
                en=f"{len(unknown)} of {len(question.free)} candidate sites have no cost: "
                f"{first_ids(unknown)}. [siting].budget leaves them out; fill in `cost`.",
                zh=f"{len(question.free)} 个候选场地中有 {len(unknown)} 个没有造价："
                f"{first_ids(unknown)}。按 [siting].budget 选址时不予采用，请补填 `cost`。",
            ),
            tuple(unknown),
        )
    ]


def within_budget(question: RoomQuestion, budget: float) -> Chosen:
    r"""
    Open the rooms whose costs together stay within a budget, so that residents walk least.

    Rooms are added by metres saved per yuan, and by metres saved alone; the better of the two
    plans is improved by additions and single swaps. The metres saved by a set of rooms are
    submodular, so that for every set :math:`S` no set within the budget saves more than
    :math:`f(S)` and the best fractional knapsack of what each other room would add to
    :math:`S` [1]_; the bound is the best of these over all sets that were built on the way.

    Raises
    ------
    InputError
        If no candidate has a cost, or a required one has none.
    InfeasibleError
        If the budget is too small for the required rooms and for one room on each part of the
        walking network that only candidates reach, with the smallest that would do.

    References
    ----------
    .. [1] Leskovec, J. et al. (2007). Cost-effective outbreak detection in networks. *KDD '07*,
       420-429. https://doi.org/10.1145/1281192.1281239
    """
    knapsack = _knapsack(question, budget)
    plans = [knapsack.filled(by_cost=by_cost) for by_cost in (True, False)]
    best = knapsack.improved(min(plans, key=lambda plan: (knapsack.value(plan), plan)))
    objective = knapsack.value(best)
    bound = min(max(knapsack.bounds), objective)
    gap = relative_gap(objective, bound)
    proven = gap <= PROVEN_GAP
    return Chosen(
        question.names(sorted(best)),
        "p-median",
        objective,
        bound,
        gap,
        "proven" if proven else "gap",
        None,
    )


def priced_sites(question: RoomQuestion, budget: float) -> Positions:
    """
    Return the positions of the candidates that a budget can buy: those whose cost is given.

    Raises
    ------
    InputError
        If no candidate has a cost, or a required one has none.
    InfeasibleError
        If the required rooms alone cost more.
    """
    cost = question.cost.to_numpy(dtype=float)
    priced = np.array([j for j in question.free if not math.isnan(cost[j])], dtype=np.intp)
    required = question.at(question.required)
    unknown = [question.site_ids[j] for j in required if math.isnan(cost[j])]
    if not len(priced) or unknown:
        what = first_ids(unknown or question.names(question.free))
        raise InputError(
            Message(
                en=f"[siting].budget = {budget:,.0f} yuan, but these sites have no cost: {what}. "
                f"Fill in the column `cost` of the sites, or set [siting].p in its place.",
                zh=f"[siting].budget = {budget:,.0f} 元，但下列场地没有造价：{what}。"
                f"请在场地图层中填写 `cost` 字段，或改用 [siting].p。",
            )
        )
    least = math.fsum(cost[required])
    if least > budget:
        raise InfeasibleError(_too_small(budget, least, required=len(required), parts=0))
    return priced


def _too_small(budget: float, least: float, *, required: int, parts: int) -> Message:
    return Message(
        en=f"[siting].budget = {budget:,.0f} yuan is too small: the required rooms "
        f"({required}) and one room on each part of the walking network that only "
        f"candidates reach ({parts}) cost {least:,.0f} yuan at least. Raise it to "
        f"that, or take out a decision.",
        zh=f"[siting].budget = {budget:,.0f} 元不够：必选活动室（{required} 处）以及"
        f"仅候选点可达的各片路网（{parts} 片）至少需要 {least:,.0f} 元。"
        f"请提高到不小于此数，或去掉其中的决定。",
    )


def _knapsack(question: RoomQuestion, budget: float) -> _Knapsack:
    priced = priced_sites(question, budget)
    cost = question.cost.to_numpy(dtype=float)
    required = question.at(question.required)
    standing = np.concatenate([question.fixed, required])
    parts = separate_parts(question.metres, question.residents, opened=standing, candidates=priced)
    least = math.fsum(cost[required]) + math.fsum(
        min(float(cost[j]) for j in part.sites) for part in parts
    )
    if least > budget:
        raise InfeasibleError(_too_small(budget, least, required=len(required), parts=len(parts)))
    usable = np.isfinite(question.metres[:, np.concatenate([standing, priced])]).any(axis=1)
    return _Knapsack(
        walks=compared_m(question)[usable],
        counted=question.counted[usable],
        fixed=question.fixed,
        required=tuple(int(j) for j in required),
        sites=priced,
        cost=cost,
        budget=budget,
    )


@dataclass
class _Knapsack:
    """The search for the best rooms within a budget; `bounds` gathers what was proven."""

    walks: Floats
    counted: Floats
    fixed: Positions
    required: tuple[int, ...]
    sites: Positions
    cost: Floats
    budget: float
    bounds: list[float] = field(default_factory=lambda: [0.0])

    def today(self, plan: tuple[int, ...]) -> Floats:
        """Return the walks with a plan; those of nobody's reach cost most of all."""
        opened = np.concatenate([self.fixed, np.array(plan, dtype=np.intp)])
        nearest = self.walks[:, opened].min(axis=1, initial=math.inf)
        return np.asarray(np.where(np.isfinite(nearest), nearest, self.walks.max(initial=0.0)))

    def value(self, plan: tuple[int, ...]) -> float:
        """Return the resident-metres of a plan, each home by what it counts."""
        return math.fsum(self.today(plan) * self.counted)

    def left(self, plan: tuple[int, ...]) -> float:
        """Return the yuan that a plan leaves."""
        return self.budget - math.fsum(self.cost[list(plan)])

    def filled(self, *, by_cost: bool) -> tuple[int, ...]:
        """Return the required rooms, and others until nothing that saves a metre fits."""
        plan = self.required
        while True:
            rest, saved, left = self._offers(plan)
            self._note_bound(plan, rest, saved, left)
            fits = (self.cost[rest] <= left) & (saved > 0)
            if not fits.any():
                return plan
            free = np.finfo(float).tiny
            worth = saved / np.maximum(self.cost[rest], free) if by_cost else saved
            plan = (*plan, int(rest[fits][first_best(worth[fits])]))

    def improved(self, plan: tuple[int, ...]) -> tuple[int, ...]:
        """Return the plan after additions and swaps of one room, as long as one helps."""
        while True:
            others = [plan, *(tuple(one for one in plan if one != j) for j in self._movable(plan))]
            best, least = plan, self.value(plan)
            for kept in others:
                rest, saved, left = self._offers(kept)
                self._note_bound(kept, rest, saved, left)
                fits = self.cost[rest] <= left
                if not fits.any():
                    continue
                new = (*kept, int(rest[fits][first_best(saved[fits])]))
                value = self.value(new)
                if value < least * (1.0 - PROVEN_GAP):
                    best, least = new, value
            if best == plan:
                return plan
            plan = best

    def _movable(self, plan: tuple[int, ...]) -> list[int]:
        return [j for j in sorted(plan) if j not in self.required]

    def _offers(self, plan: tuple[int, ...]) -> tuple[Positions, Floats, float]:
        rest = np.array([j for j in self.sites if j not in plan], dtype=np.intp)
        return rest, gains(self.walks, self.counted, self.today(plan), rest), self.left(plan)

    def _note_bound(
        self, plan: tuple[int, ...], rest: Positions, saved: Floats, left: float
    ) -> None:
        """Keep what the fractional knapsack on top of a plan proves; the whole budget is free."""
        # The best plan may lack what this one has: all but the required rooms is bought anew.
        money = left + math.fsum(self.cost[[j for j in plan if j not in self.required]])
        rest, saved = rest[self.cost[rest] <= money], saved[self.cost[rest] <= money]
        cost = self.cost[rest]
        order = np.lexsort((rest, -saved / np.maximum(cost, np.finfo(float).tiny)))
        spent = np.concatenate([[0.0], np.cumsum(cost[order])[:-1]])
        share = np.clip((money - spent) / np.maximum(cost[order], np.finfo(float).tiny), 0.0, 1.0)
        share[cost[order] == 0] = 1.0
        self.bounds.append(self.value(plan) - math.fsum(saved[order] * share))
