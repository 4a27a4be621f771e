"""The rooms that a budget allows: the least total walk for the money."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

import numpy as np
import pandas as pd

from gridplan.errors import InfeasibleError, InputError, Message, Note, both_ids, first_ids, ids_zh
from gridplan.rooms.counts import least_cost
from gridplan.rooms.fewest import Chosen
from gridplan.rooms.question import Positions, RoomQuestion
from gridplan.rooms.searches import heeded
from gridplan.siting import Limits, Rules, Siting, p_median
from gridplan.siting.conflict import in_residents
from gridplan.siting.reach import separate_parts
from gridplan.siting.rooms import no_plan, without_plan


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
                f"{ids_zh(unknown)}。按 [siting].budget 选址时不予采用，请补填 `cost`。",
            ),
            tuple(unknown),
        )
    ]


def nothing_bought_note(question: RoomQuestion, budget: float, *, proven: bool = True) -> Note:
    """Return why a budget buys no room: all cost more, numbers forbid it, or none helps."""
    cost = question.cost.to_numpy(dtype=float)
    priced = [j for j in question.free if not math.isnan(cost[j])]
    cheapest = min(priced, key=lambda j: (cost[j], j))
    name, least = question.site_ids[cheapest], cost[cheapest]
    paid = np.array([j for j in priced if cost[j] <= budget], dtype=np.intp)
    counts = question.counts
    full = counts.binding and not counts.allowed(question.fixed, question.site_ids, paid).any()
    if least > budget:
        said = Message(
            en=f"[siting].budget = {budget:,.0f} yuan buys no room: the cheapest candidate, "
            f"{name}, costs {least:,.0f} yuan. Raise the budget to that or more.",
            zh=f"[siting].budget = {budget:,.0f} 元一处也建不起：造价最低的候选场地 {name} 需 "
            f"{least:,.0f} 元。请将预算提高到不小于此数。",
        )
    elif full:
        said = Message(
            en=f"[siting].budget = {budget:,.0f} yuan buys no room: [siting].at_most leaves none "
            f"of the {len(paid)} that it pays for. Raise at_most, or give sites elsewhere.",
            zh=f"[siting].budget = {budget:,.0f} 元未用于任何活动室：其买得起的 {len(paid)} 个"
            f"场地均受 [siting].at_most 限制。请提高 at_most，或在别处增加场地。",
        )
    else:
        better_en = "makes" if proven else "was found to make"
        better_zh = "都不能改善目标" if proven else "均未见改善目标（搜索未完成）"
        kept_en = ", with the numbers by community kept," if counts.binding else ""
        kept_zh = "在各社区数量限制内，" if counts.binding else ""
        said = Message(
            en=f"[siting].budget = {budget:,.0f} yuan buys no room, since none that it pays for"
            f"{kept_en} {better_en} the objective better. "
            f"Give more candidates, or more money.",
            zh=f"[siting].budget = {budget:,.0f} 元未用于任何活动室：{kept_zh}其买得起的场地"
            f"{better_zh}。请增加候选场地或预算。",
        )
    return Note("budget_buys_nothing", 1, said, (name,))


def overridden_note(p: int, budget: float) -> Note:
    """Return a note that a number of rooms is not used, since a budget takes its place."""
    return Note(
        "budget_overrides_p",
        1,
        Message(
            en=f"[siting].p = {p} is not used: [siting].budget = {budget:,.0f} yuan takes its "
            f"place, with as many rooms as it allows. Take out one of the two.",
            zh=f"[siting].p = {p} 未采用：已由 [siting].budget = {budget:,.0f} 元代替，"
            f"数量以预算为限。请去掉其中一项。",
        ),
    )


class BudgetSolver(Protocol):
    """What chooses sites for a budget: `p_median`, or another problem with its own options."""

    def __call__(
        self, cost: pd.DataFrame, weights: pd.Series, *, rules: Rules, limits: Limits
    ) -> Siting:
        """Return the best sites."""
        ...  # pragma: no cover - never called


def within_budget(
    question: RoomQuestion, budget: float, *, solver: BudgetSolver | None = None
) -> Chosen:
    """
    Open the rooms whose costs together stay within a budget, so that residents walk least.

    The p-median with a budget and any number of rooms, with its bound. Rooms that nobody
    would use are not bought.

    Parameters
    ----------
    budget : float
        Yuan.
    solver : callable, optional
        Another objective than the least total walk.

    Raises
    ------
    InputError
        If no candidate has a cost, or a required one has none.
    InfeasibleError
        If the budget is too small for the required rooms and for one room on each part of the
        walking network that only candidates reach, with the smallest that would do; or if the
        rules leave no plan.
    StoppedError
        If the limits ended the search before any plan.
    """
    priced = priced_sites(question, budget)
    required = question.at(question.required)
    standing = np.concatenate([question.fixed, required])
    _check_parts(question, budget, priced, standing)
    sites = np.union1d(standing, priced)
    asking = question.counted > 0
    if question.space is not None and question.space.hard:
        # Whoever counts nothing takes room all the same.
        asking |= question.residents > 0
    rows = np.isfinite(question.metres[:, sites]).any(axis=1) & asking
    if not rows.any():
        none = question.names(required)
        return Chosen(none, _MODEL, 0.0, 0.0, 0.0, "proven", None)
    ids = [one for one, kept in zip(question.demand_ids, rows, strict=True) if kept]
    bought = np.union1d(required, priced)
    found = (solver or p_median)(
        pd.DataFrame(
            question.metres[np.ix_(rows, sites)], index=ids, columns=list(question.names(sites))
        ),
        pd.Series(question.counted[rows], index=ids),
        rules=replace(
            question.counts.rules(question.names(sites)),
            fixed=question.names(question.fixed),
            required=question.names(required),
            cost_of={one: float(question.cost[one]) for one in question.names(bought)},
            budget=budget,
        ),
        limits=question.limits,
    )
    if not heeded(found).sites:
        ruled_out = found.cause if found.status == "infeasible" else None
        if ruled_out is not None and question.weights is None:
            ruled_out = in_residents(ruled_out)
        message = ruled_out or no_plan(found, len(priced))
        raise without_plan(found, message)
    new = tuple(str(one) for one in found.sites if one in question.candidates)
    return Chosen(
        new, _MODEL, found.objective, found.bound, found.gap, found.status, found.stopped_by
    )


_MODEL = "p-median"


def priced_sites(question: RoomQuestion, budget: float) -> Positions:
    """
    Return the positions of the candidates that a budget can buy: those whose cost is given.

    Raises
    ------
    InputError
        If no candidate has a cost, or a required one has none.
    InfeasibleError
        If the required rooms alone, or with the least numbers by community, cost more.
    """
    cost = question.cost.to_numpy(dtype=float)
    priced = np.array([j for j in question.free if not math.isnan(cost[j])], dtype=np.intp)
    required = question.at(question.required)
    unknown = [question.site_ids[j] for j in required if math.isnan(cost[j])]
    if not len(priced) or unknown:
        what, what_zh = both_ids(unknown or question.names(question.free))
        raise InputError(
            Message(
                en=f"[siting].budget = {budget:,.0f} yuan, but these sites have no cost: {what}. "
                f"Fill in the column `cost` of the sites, or set [siting].p in its place.",
                zh=f"[siting].budget = {budget:,.0f} 元，但下列场地没有造价：{what_zh}。"
                f"请在场地图层中填写 `cost` 字段，或改用 [siting].p。",
            )
        )
    least = math.fsum(cost[required])
    if least > budget:
        raise InfeasibleError(_too_small(budget, least, required=len(required), parts=0))
    offered = {question.site_ids[j]: float(cost[j]) for j in priced}
    counted = least_cost(question.counts, offered, required=question.required)
    if counted > budget:
        raise InfeasibleError(_too_small_for_counts(budget, counted))
    return priced


def _too_small_for_counts(budget: float, least: float) -> Message:
    if math.isinf(least):
        return Message(
            en=f"[siting].budget = {budget:,.0f} yuan: in some communities fewer sites have a cost "
            f"than [siting].at_least asks for. Fill in `cost`, or lower at_least.",
            zh=f"[siting].budget = {budget:,.0f} 元：有的社区给出造价的场地少于 [siting].at_least "
            f"的要求。请补填 `cost`，或降低 at_least。",
        )
    return Message(
        en=f"[siting].budget = {budget:,.0f} yuan is too small: the required rooms and those of "
        f"[siting].at_least cost {least:,.0f} yuan at least. Raise it to that, or lower at_least.",
        zh=f"[siting].budget = {budget:,.0f} 元不够：必选活动室与 [siting].at_least 要求的活动室"
        f"至少需要 {least:,.0f} 元。请提高到不小于此数，或降低 at_least。",
    )


def _check_parts(
    question: RoomQuestion, budget: float, priced: Positions, standing: Positions
) -> None:
    """Raise if the budget has no room for one on each part that only candidates reach."""
    cost = question.cost.to_numpy(dtype=float)
    required = question.at(question.required)
    parts = separate_parts(question.metres, question.residents, opened=standing, candidates=priced)
    least = math.fsum(cost[required]) + math.fsum(
        min(float(cost[j]) for j in part.sites) for part in parts
    )
    if least > budget:
        raise InfeasibleError(_too_small(budget, least, required=len(required), parts=len(parts)))


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
