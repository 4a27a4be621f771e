"""Rooms that may be given only as many households as they hold, and what to do where that fails."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.errors import (
    InfeasibleError,
    Message,
    Note,
    StoppedError,
    both_ids,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.rooms.question import RoomQuestion
from gridplan.rooms.searches import heeded
from gridplan.rooms.space import Space
from gridplan.rooms.space_needs import SpaceNeeds, space_needs
from gridplan.siting import HardCapacity, Limits, Rules, Siting, p_median, propose_rooms
from gridplan.siting.rooms import check_number

_QUICK_WORK = 3_000
"""Counted work of looking for a plan with a relaxation; none found says nothing."""

# A step of work takes as long as there are pairs of home and site.
_QUICK_PAIRS, _LEAST_WORK = 20_000, 100
# A plan this much beyond its bound is a plan: whether there is one is asked, not for the best.
_ANY_GAP = 1e12
_MORE_ROOMS = 6
_ROUNDING = 1e-6
# Sums of capacities that are enough but for rounding.
_FITS = 1.0 + 1e-9


class _NoSpaceError(InfeasibleError):
    """It is proven that the floor areas leave no plan."""


def with_hard_space(question: RoomQuestion, p_new: int) -> Siting:
    """
    Open a number of rooms with the least total walk, none given more than it holds.

    Raises
    ------
    InputError, InfeasibleError
        As `propose_rooms`; where the floor areas leave no plan, with the homes or the sums
        that cause it, and a number of rooms, or square metres, with which there is one.
    """
    check_number(question.problem, p_new)
    needs = space_needs(question, _space_of(question), p_new)
    if needs.why is not None:
        raise InfeasibleError(_why(question, p_new, needs))
    try:
        return _propose(question, p_new, limits=question.limits)
    except _NoSpaceError as none:
        raise InfeasibleError(_why(question, p_new, needs)) from none


def hard_rules(question: RoomQuestion, rules: Rules, cost: pd.DataFrame) -> Rules:
    """
    Return rules with the households that sites hold; as they are without a hard limit.

    Parameters
    ----------
    cost : DataFrame
        Of the homes and sites that the solver is given.

    Raises
    ------
    InfeasibleError
        If the sites that may be open hold too little together.
    """
    space = question.space
    if space is None or not space.hard:
        return rules
    load = pd.Series(space.households, index=list(question.demand_ids)).reindex(cost.index)
    holds = space.holds().reindex(cost.columns)
    closed = frozenset(rules.forbidden)
    held = math.fsum(amount for one, amount in holds.items() if one not in closed)
    total = math.fsum(load)
    if total > held * _FITS:
        raise InfeasibleError(_holding_too_little(total, held))
    return replace(rules, capacity=HardCapacity(holds, load))


def check_space(question: RoomQuestion, p_new: int | None) -> None:
    """
    Refuse what the floor areas rule out by sums alone, where other conditions are asked as well.

    Parameters
    ----------
    p_new : int or None
        New rooms; None for any number.

    Raises
    ------
    InfeasibleError
        With the homes or the sums that cause it.
    """
    space = question.space
    if space is None or not space.hard:
        return
    needs = space_needs(question, space, len(question.free) if p_new is None else p_new)
    why = _too_large(question) or needs.why
    if why is not None:
        raise InfeasibleError(Message(en=f"{why.en} {_OR_SOFT.en}", zh=f"{why.zh}{_OR_SOFT.zh}"))


def limit_notes(space: Space) -> list[Note]:
    """Return what hard limits mean for sites of unknown area, and of less than the norm asks."""
    area = space.area_m2.sort_index()
    unknown = [str(one) for one in area.index[area.isna()]]
    small = [str(one) for one in area.index[area < space.norm.grades[0].area_m2]]
    notes = []
    if unknown:
        notes.append(
            Note(
                "rooms_without_area",
                len(unknown),
                Message(
                    en=f"{counted(len(unknown), 'site has', 'sites have')} no known floor area and "
                    f"thus no limit: {first_ids(unknown)}. Fill in `area_m2`.",
                    zh=f"{len(unknown)} 处场地面积不详，不设容量上限：{ids_zh(unknown)}。"
                    f"请补填 `area_m2`。",
                ),
                tuple(unknown),
            )
        )
    if small:
        least = space.norm.grades[0].area_m2
        notes.append(
            Note(
                "rooms_below_norm",
                len(small),
                Message(
                    en=f"{counted(len(small), 'site is', 'sites are')} below the {least:g} m² of "
                    f"the graded norm's first grade: {first_ids(small)}. With hard capacity nobody "
                    f"is given to them.",
                    zh=f"{len(small)} 处场地不足分级标准首档的 {least:g} 平方米："
                    f"{ids_zh(small)}。按硬性容量不向其分配居民。",
                ),
                tuple(small),
            )
        )
    return notes


@dataclass(frozen=True)
class _HardSpace:
    """The p-median with the households that sites hold, areas `more_m2` larger than they are."""

    space: Space
    households: pd.Series
    more_m2: float

    def __call__(
        self, cost: pd.DataFrame, weights: pd.Series, *, p: int, rules: Rules, limits: Limits
    ) -> Siting:
        load = self.households.reindex(cost.index)
        holds = self.space.holds(more_m2=self.more_m2).reindex(cost.columns)
        closed = frozenset(rules.forbidden)
        held = math.fsum(amount for one, amount in holds.items() if one not in closed)
        if math.fsum(load) > held * _FITS:
            raise _NoSpaceError(_NO_PLAN)
        found = p_median(cost, weights, p=p, load=load, capacity=holds, rules=rules, limits=limits)
        if found.status == "infeasible":
            raise _NoSpaceError(_NO_PLAN)
        return found


_NO_PLAN = Message(en="The floor areas leave no plan.", zh="按场地面积没有可行方案。")


def _propose(question: RoomQuestion, p_new: int, *, limits: Limits, more_m2: float = 0.0) -> Siting:
    space = _space_of(question)
    households = pd.Series(space.households, index=list(question.demand_ids))
    solver = _HardSpace(space, households, more_m2)
    # What would help is told here, in rooms and square metres.
    limits = replace(limits, explain=False)
    return heeded(propose_rooms(question.problem, p_new=p_new, limits=limits, solver=solver))


def _space_of(question: RoomQuestion) -> Space:
    if question.space is None:
        msg = "hard capacity needs floor areas"
        raise ValueError(msg)
    return question.space


def _why(question: RoomQuestion, p_new: int, needs: SpaceNeeds) -> Message:
    cause = _too_large(question) or _too_little(question) or needs.why
    parts = [cause or _proven(question, p_new)]
    rooms = None if needs.rooms is None else _enough_rooms(question, max(p_new + 1, needs.rooms))
    if rooms is not None:
        parts.append(
            Message(
                en=f"With [siting].p = {rooms} there is a plan.",
                zh=f"[siting].p = {rooms} 时有可行方案。",
            )
        )
    area = _enough_area(question, p_new)
    if area is not None:
        parts.append(area)
    parts.append(_OR_SOFT)
    return Message(en=" ".join(one.en for one in parts), zh="".join(one.zh for one in parts))


_OR_SOFT = Message(
    en='Or tell what is lacking with capacity = "soft".',
    zh='也可用 capacity = "soft" 列出面积缺口。',
)


def _too_little(question: RoomQuestion) -> Message | None:
    """Say that all places together hold too little, whatever the number of rooms."""
    space = _space_of(question)
    may = np.concatenate([question.fixed, question.free])
    held = math.fsum(space.holds().to_numpy(dtype=float)[may])
    served = np.isfinite(question.nearest_m(may)) & (question.residents > 0)
    total = math.fsum(space.households[served])
    return None if total <= held * _FITS else _holding_too_little(total, held)


def _holding_too_little(total: float, held: float) -> Message:
    return Message(
        en=f'[siting].capacity = "hard": {total:,.0f} households ask for a room, and all '
        f"committees, rooms and candidate sites together hold {held:,.0f}.",
        zh=f'[siting].capacity = "hard"：共有 {total:,.0f} 户需要活动室，而居委会、活动室与候选场地'
        f"合计只能容纳 {held:,.0f} 户。",
    )


def _proven(question: RoomQuestion, p_new: int) -> Message:
    space = _space_of(question)
    unlimited = [one for one, held in space.holds().items() if math.isinf(held)]
    nearest = question.nearest_m(question.at([str(one) for one in unlimited]))
    bound = ~np.isfinite(nearest) & (question.residents > 0)
    households = math.fsum(space.households[bound])
    return Message(
        en=f'[siting].capacity = "hard": it is proven that no choice of {p_new} new rooms holds '
        f"all households. {counted(int(bound.sum()), 'home', 'homes')} ({households:,.0f} "
        f"households) reach only places with a limit.",
        zh=f'[siting].capacity = "hard"：已证明新增 {p_new} 处活动室无论如何选取都'
        f"容纳不下全部住户。"
        f"有 {int(bound.sum())} 处住房（{households:,.0f} 户）只能到达有容量上限的场所。",
    )


def _too_large(question: RoomQuestion) -> Message | None:
    """Say which homes have more households than any place they reach holds."""
    space = _space_of(question)
    may = np.concatenate([question.fixed, question.free])
    holds = space.holds().to_numpy(dtype=float)[may]
    reach = np.isfinite(question.metres[:, may])
    largest = np.where(reach, holds, 0.0).max(axis=1, initial=0.0)
    over = (space.households > largest * _FITS) & reach.any(axis=1) & (question.residents > 0)
    if not over.any():
        return None
    which, which_zh = both_ids([question.demand_ids[i] for i in np.flatnonzero(over)])
    most = float(space.households[over].max())
    return Message(
        en=f'[siting].capacity = "hard": {counted(int(over.sum()), "home has", "homes have")} more '
        f"households (up to {most:,.0f}) than any place in reach holds: {which}. No number of "
        f"rooms helps.",
        zh=f'[siting].capacity = "hard"：有 {int(over.sum())} 处住房的户数（最多 {most:,.0f} 户）'
        f"超过其可达的任何场所的容量：{which_zh}。增加活动室数量无济于事。",
    )


def _enough_rooms(question: RoomQuestion, least: int) -> int | None:
    """Return the least of a few numbers of rooms, from the one needed on, with a plan found."""
    if _too_large(question) is not None:
        return None
    most = min(least + _MORE_ROOMS - 1, len(question.free))
    return next((p for p in range(least, most + 1) if _plan(question, p) is not None), None)


def _enough_area(question: RoomQuestion, p_new: int) -> Message | None:
    """Return by how many square metres larger rooms have a plan, and which it would be."""
    space = _space_of(question)
    area = space.area_m2.to_numpy(dtype=float)
    grades = np.array([one.area_m2 for one in space.norm.grades])
    missing = (grades[None, :] - area[np.isfinite(area), None]).ravel()
    steps = np.unique(missing[missing > 0])
    low, high, plan = -1, len(steps), None
    # More area never makes a plan impossible: halve towards the first step that has one.
    while high - low > 1:
        middle = (low + high) // 2
        found = _plan(question, p_new, more_m2=float(steps[middle]))
        if found is None:
            low = middle
        else:
            high, plan = middle, found
    if plan is None or plan.loads is None:
        return None
    lacking = space.lacking_m2(plan.loads["load"]).fillna(0.0)
    # Rounded up, for what is told has to be enough.
    short = np.ceil(lacking[lacking > 0].sort_index() - _ROUNDING).astype(int)
    named = ", ".join(f"{one} +{more:,}" for one, more in short.items())
    total = int(short.sum())
    return Message(
        en=f"{total:,} m² more ({named}) are enough for p = {p_new}; less may do.",
        zh=f"增加 {total:,} 平方米（{named}）即足以使 p = {p_new} 有可行方案，或许更少也可。",
    )


def _plan(question: RoomQuestion, p_new: int, *, more_m2: float = 0.0) -> Siting | None:
    space = _space_of(question)
    larger = replace(question, space=replace(space, area_m2=space.area_m2 + more_m2))
    if space_needs(larger, _space_of(larger), p_new).why is not None:
        return None
    pairs = max(1, question.metres.size)
    work = max(_LEAST_WORK, int(_QUICK_WORK * min(1.0, _QUICK_PAIRS / pairs)))
    own = question.limits
    limits = Limits(work=work, seed=own.seed, gap=_ANY_GAP, stop=own.stop)
    try:
        return _propose(question, p_new, limits=limits, more_m2=more_m2)
    except (InfeasibleError, StoppedError):
        return None
