"""New rooms beside the facilities that are there: which candidates to open."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pandas as pd

from gridplan.errors import (
    FaultList,
    InfeasibleError,
    InputError,
    Message,
    StoppedError,
    agreed,
    both_ids,
    counted,
)
from gridplan.siting.conflict import in_residents
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.median import p_median
from gridplan.siting.options import Limits, Rules
from gridplan.siting.reach import Part, separate_parts
from gridplan.siting.result import Siting


@dataclass(frozen=True)
class RoomProblem:
    """
    Facilities that are open, candidates, and how far everybody walks to each.

    Attributes
    ----------
    metres : float array, shape (n_demand, n_sites)
        Walks; ``inf`` where there is no path.
    demand_ids, site_ids : sequences of str
    residents : float array, shape (n_demand,)
    candidates : collection of str
        The sites that may be opened; all others are open already and stay.
    required, forbidden : collections of str
        Candidates that have to be opened, and that must stay closed.
    weights : float array, shape (n_demand,), optional
        What each demand point counts in the objective; its residents if absent.
    counts : Rules
        Of these, how many open sites each group has: `groups`, `at_least`, `at_most`.
    """

    metres: Floats
    demand_ids: Sequence[Hashable]
    site_ids: Sequence[Hashable]
    residents: Floats
    candidates: Collection[Hashable] = field(default=())
    required: Collection[Hashable] = field(default=())
    forbidden: Collection[Hashable] = field(default=())
    weights: Floats | None = None
    counts: Rules = field(default_factory=Rules)

    @property
    def counted(self) -> Floats:
        """What each demand point counts in the objective."""
        return self.residents if self.weights is None else self.weights

    @property
    def fixed(self) -> tuple[Hashable, ...]:
        """The sites that are open already."""
        new = frozenset(self.candidates)
        return tuple(one for one in self.site_ids if one not in new)


class Solver(Protocol):
    """What chooses p sites: `p_median`, or any other problem with its own options filled in."""

    def __call__(
        self, cost: pd.DataFrame, weights: pd.Series, *, p: int, rules: Rules, limits: Limits
    ) -> Siting:
        """Return the best p sites."""
        ...  # pragma: no cover - never called


def propose_rooms(
    problem: RoomProblem,
    *,
    p_new: int,
    limits: Limits | None = None,
    solver: Solver = p_median,
    everybody: bool = True,
) -> Siting:
    """
    Open `p_new` candidates so that residents walk least in total (p-median).

    Required sites are among the `p_new`; forbidden ones are as if they were not there.
    Residents that no site reaches are left out; where no new room is asked for, so are those
    whom only candidates reach. Where nobody is left, the result has the
    status ``infeasible``, no figures, and the open sites alone.

    Parameters
    ----------
    problem : RoomProblem
    p_new : int
    limits : Limits, optional
    solver : callable
        Another objective than the least total walk.
    everybody : bool
        The objective needs everybody whom some site reaches to reach an open one.

    Raises
    ------
    InputError
        If there are fewer candidates than rooms asked for.
    InfeasibleError
        If more sites are required than rooms asked for; if the rooms are too few to reach
        everybody whom some site reaches (with the least number that would), or the rules leave
        no plan.
    StoppedError
        If the limits ended the search before any plan.
    KeyboardInterrupt
        If a key interrupted the search before any plan.
    """
    barred, wanted = frozenset(problem.forbidden), frozenset(problem.required)
    new = frozenset(problem.candidates)
    opened = _positions(problem, frozenset(problem.site_ids) - new)
    check_number(problem, p_new)
    may, must = _positions(problem, new - barred), _positions(problem, wanted)
    usable = np.concatenate([opened, may]) if p_new else opened
    reached = np.isfinite(problem.metres[:, usable]).any(axis=1) & (problem.residents > 0)
    if not reached.any():
        return _nobody_reached(problem)
    standing = np.concatenate([opened, must])
    parts = separate_parts(problem.metres, problem.residents, opened=standing, candidates=may)
    if everybody and p_new and len(parts) > p_new - len(must):
        raise InfeasibleError(_too_few(parts, len(must), p_new, problem.site_ids))
    names = pd.Index([one for one, kept in zip(problem.demand_ids, reached, strict=True) if kept])
    result = solver(
        pd.DataFrame(problem.metres[reached], index=names, columns=list(problem.site_ids)),
        pd.Series(problem.counted[reached], index=names),
        p=len(opened) + p_new,
        rules=replace(
            problem.counts,
            fixed=problem.fixed,
            required=sorted(wanted, key=str),
            forbidden=barred,
        ),
        limits=limits or Limits(),
    )
    if not result.sites:
        if problem.weights is None and result.cause is not None:
            result = replace(result, cause=in_residents(result.cause))
        raise without_plan(result, no_plan(result, p_new))
    return result


def without_plan(result: Siting, message: Message) -> BaseException:
    """Return what to raise where a search has no plan to give back: proven, or merely stopped."""
    if result.status == "infeasible":
        return InfeasibleError(message)
    if result.stopped_by == "interrupt":
        return KeyboardInterrupt()
    return StoppedError(
        message, reason=result.stopped_by or "work", bound=result.bound, work=result.work
    )


def _positions(problem: RoomProblem, ids: frozenset[Hashable]) -> Positions:
    return np.array([j for j, one in enumerate(problem.site_ids) if one in ids], dtype=np.intp)


def check_number(problem: RoomProblem, p_new: int) -> None:
    """
    Raise an error if there are fewer candidates, or more required sites, than rooms.

    `InputError` of the candidates; `InfeasibleError` where only the decisions ask for too much.
    """
    barred_sites = frozenset(problem.forbidden)
    candidates = len(frozenset(problem.candidates) - barred_sites)
    required = len(frozenset(problem.required))
    faults = FaultList()
    if p_new > candidates:
        barred = len(barred_sites)
        faults.add(
            en=f"[siting].p = {p_new}, but there are {candidates} candidate sites"
            + (f" ({barred} more are forbidden)" if barred else "")
            + ". Lower p or add sites.",
            zh=f"[siting].p = {p_new}，但候选点只有 {candidates} 个"
            + (f"（另有 {barred} 个被禁用）" if barred else "")
            + "。请减小 p 或增加候选点。",
        )
    if required > p_new:
        which, which_zh = both_ids(sorted(str(one) for one in problem.required))
        faults.cannot(
            en=f"[siting].p = {p_new}, but {required} sites have to be opened: {which}. Raise p to "
            f"{required} or more, or take out a decision.",
            zh=f"[siting].p = {p_new}，但必须开设的场地有 {required} 个：{which_zh}。"
            f"请将 p 提高到不小于 {required}，或去掉其中的决定。",
        )
    faults.raise_if_any(InputError)


def _nobody_reached(problem: RoomProblem) -> Siting:
    return Siting(
        sites=problem.fixed,
        assignment=pd.Series(
            [None] * len(problem.demand_ids),
            index=pd.Index(list(problem.demand_ids), name="demand_id"),
            dtype="object",
            name="site_id",
        ),
        objective=math.inf,
        bound=math.inf,
        gap=math.inf,
        status="infeasible",
        stopped_by=None,
        seconds=0.0,
        work=0.0,
        unreachable=tuple(
            one for one, n in zip(problem.demand_ids, problem.residents, strict=True) if n > 0
        ),
    )


def _too_few(
    parts: Sequence[Part], required: int, p_new: int, site_ids: Sequence[Hashable]
) -> Message:
    least = required + len(parts)
    residents = math.fsum(part.weight for part in parts)
    shown, shown_zh = both_ids([site_ids[part.sites[0]] for part in parts])
    return Message(
        en=f"[siting].p = {p_new} is too few: {residents:,.0f} residents live on "
        f"{counted(len(parts), 'separate part', 'separate parts')} of the walking network that "
        f"only candidate sites reach (one site of each: {shown}). Raise p to {least} or more, join "
        f"{agreed(len(parts), 'the part', 'the parts')} to the other streets (bridges, gates), or "
        f"take out the candidates there, which leaves their residents out of reach.",
        zh=f"[siting].p = {p_new} 不够：{residents:,.0f} 名居民位于 {len(parts)} 片互不连通的"
        f"步行路网上，只有当地候选点可达（各举一处：{shown_zh}）。请将 p 提高到不小于 {least}，"
        f"或将其与其他道路连通（桥、出入口），或去掉当地候选点（这些居民将列为不可达）。",
    )


def no_plan(result: Siting, p_new: int) -> Message:
    """Return why a search ended without a plan: what rules it out, or which limit ended it."""
    if result.status == "infeasible":
        cause = result.cause or Message(en="", zh="")
        return Message(
            en=f"It is proven that no choice of {p_new} new rooms keeps all rules and reaches "
            f"every resident whom some site reaches. Raise [siting].p, ease the rules, or join "
            f"the parts of the walking network. {cause.en}".rstrip(),
            zh=f"已证明：新增 {p_new} 处活动室无论如何选取，都无法同时满足各项规则并让所有可达居民"
            f"步行到达。请增大 [siting].p、放宽规则，或连通步行路网。{cause.zh}",
        )
    setting, en, zh = _STOPPED.get(str(result.stopped_by), _STOPPED["work"])
    return Message(
        en=f"The siting was stopped by {en} after {result.work:,.0f} steps of work, before there "
        f"was a plan. Raise {setting}.",
        zh=f"选址在得到方案之前因{zh}停止（已计算 {result.work:,.0f} 步）。请增大 {setting}。",
    )


_STOPPED = {
    "work": ("[siting].work", "its limit of work", "计算量上限"),
    "time": ("[siting].time_s", "its limit of time", "时限"),
}
"""Which setting to raise, and what ended the search, in both languages."""
