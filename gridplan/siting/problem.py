"""A siting problem, checked once: who walks how far to which site, and what is allowed."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridplan.errors import (
    CostMatrixError,
    FaultList,
    Message,
    agreed,
    both_ids,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.siting.conditions import NO_CONDITIONS, Conditions, read_conditions
from gridplan.siting.matrix import Flags, Floats, Ids, in_order, read_cost, with_weights
from gridplan.siting.options import Rules

# Far below the largest number, since the solvers multiply by small factors and add up.
_LARGEST_TOTAL = 1e300
_NO_COUNT = Message(
    en="p is None; expected a whole number of sites, 1 or more.",
    zh="未给出 p，应为不小于 1 的整数。",
)


@dataclass(frozen=True)
class Problem:
    """
    Costs, weights and rules that fit together, ordered by id.

    Attributes
    ----------
    cost : ndarray, shape (n_demand, n_sites)
        Distance in metres; ``inf`` where a pair is not allowed.
    weights : ndarray, shape (n_demand,)
        Residents (or any other weight), 0 or more.
    demand_ids, site_ids : tuple
        Labels of rows and columns, in order.
    must_open, may_open : ndarray of bool, shape (n_sites,)
        Sites that are fixed or required; sites that are not forbidden.
    unreachable : ndarray of bool, shape (n_demand,)
        Demand with weight that no allowed site reaches.
    conditions : Conditions
        Costs, budget and counts of groups.
    """

    cost: Floats
    weights: Floats
    demand_ids: Ids
    site_ids: Ids
    must_open: Flags
    may_open: Flags
    unreachable: Flags
    conditions: Conditions = NO_CONDITIONS

    @property
    def counted(self) -> Flags:
        """Demand that enters the objective: with weight, and within reach of a site."""
        return (self.weights > 0) & ~self.unreachable


def make_problem(
    cost: object,
    weights: object,
    rules: Rules,
    *,
    p: int | None = None,
    conditions: bool = False,
    reach: bool = False,
    given: bool = False,
) -> Problem:
    """
    Check everything a siting is given and order it by id.

    Parameters
    ----------
    cost : ndarray or DataFrame, shape (n_demand, n_sites), or a long DataFrame
        Metres. In an array, ids are positions. A long frame has the columns
        ``demand_id``, ``site_id``, ``cost_m``; a pair that is absent is not allowed.
    weights : Series by demand id, or ndarray in the row order of `cost`
        Residents. None: every demand point has the weight 1.
    rules : Rules
        Fixed, required and forbidden sites, budget, counts of groups.
    p : int, optional
        Number of open sites, fixed and required ones included.
    conditions : bool
        The solver that asks respects budgets and counts of groups; where it does
        not, rules that have them are a fault.
    reach : bool
        The same of a share of the weight near an open site, and of hard capacities.
    given : bool
        The fixed sites are those of a plan that is given, and are called so.

    Raises
    ------
    CostMatrixError
        With one message per fault.
    """
    faults = FaultList()
    labelled = read_cost(cost, faults)
    if weights is None and labelled:
        weights = pd.Series(1.0, index=pd.Index(list(labelled.demand_ids), dtype="object"))
    matched = with_weights(labelled, weights, faults) if labelled else None
    limits = NO_CONDITIONS
    if labelled:
        must, may = _check_rules(rules, labelled.site_ids, faults, given=given)
        _check_count(p, must, may, faults)
        _check_reach(rules, faults, offered=reach)
        limits = read_conditions(
            rules, labelled.site_ids, (must, may), faults, offered=conditions, p=p
        )
    if not labelled or not matched:
        raise CostMatrixError(*faults.faults)
    labelled, numbers = matched
    lost = (numbers > 0) & ~(np.isfinite(labelled.metres) & may).any(axis=1)
    if lost.any() and not rules.allow_unreachable:
        _add_unreachable(labelled.demand_ids, numbers, lost, faults)
    _check_sizes(labelled.metres, numbers, faults)
    faults.raise_if_any(CostMatrixError)
    return Problem(
        labelled.metres, numbers, labelled.demand_ids, labelled.site_ids, must, may, lost, limits
    )


def _check_sizes(metres: Floats, weights: Floats, faults: FaultList) -> None:
    """Refuse totals beyond the range of numbers: they would look like pairs without a path."""
    longest = float(metres.max(initial=0.0, where=np.isfinite(metres)))
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(weights.sum())
        if longest * total <= _LARGEST_TOTAL or not np.isfinite(total):
            return
    faults.add(
        en=f"The largest cost ({longest:g}) times all weight ({total:g}) is above "
        f"{_LARGEST_TOTAL:g}, beyond what can be computed. Give both in larger units.",
        zh=f"最大成本（{longest:g}）与权重合计（{total:g}）之积超过 {_LARGEST_TOTAL:g}，"
        f"超出可计算范围。请改用更大的单位。",
    )


def require_count(p: int | None) -> None:
    """Raise a `CostMatrixError` where a number of sites is not given, but needed."""
    if p is None:
        raise CostMatrixError(_NO_COUNT)


def _check_rules(
    rules: Rules, site_ids: Ids, faults: FaultList, *, given: bool
) -> tuple[Flags, Flags]:
    known = {one: at for at, one in enumerate(site_ids)}
    fixed = ("given", "给定的") if given else ("fixed", "已有")
    for name, (en, zh) in (
        ("fixed", fixed), ("required", ("required", "必选")), ("forbidden", ("forbidden", "禁用")),
    ):  # fmt: skip
        unknown = in_order([one for one in getattr(rules, name) if one not in known])
        if unknown:
            sites = counted(len(unknown), f"{en} site is", f"{en} sites are")
            faults.add(
                en=f"{sites} not in the cost matrix: "
                f"{first_ids(unknown)}. Its sites are {first_ids(site_ids)}.",
                zh=f"{len(unknown)} 个{zh}选址点不在成本矩阵中：{ids_zh(unknown)}。"
                f"矩阵中的选址点为 {ids_zh(site_ids)}。",
            )
    must = _flags([*rules.fixed, *rules.required], known)
    closed = _flags(rules.forbidden, known)
    both = [site_ids[at] for at in np.nonzero(must & closed)[0]]
    if both:
        faults.add(
            en=f"{counted(len(both), 'site is', 'sites are')} fixed or required and also "
            f"forbidden: {first_ids(both)}. Take each out of one of the lists.",
            zh=f"{len(both)} 个选址点既是已有或必选、又被禁用：{ids_zh(both)}。"
            f"请从其中一个名单中去掉。",
        )
    return must, ~closed


def _flags(ids: Collection[Hashable], known: dict[Hashable, int]) -> Flags:
    flags = np.zeros(len(known), dtype=np.bool_)
    flags[[known[one] for one in ids if one in known]] = True
    return flags


def _check_count(p: int | None, must: Flags, may: Flags, faults: FaultList) -> None:
    if p is None:
        return
    if isinstance(p, bool) or not isinstance(p, (int, np.integer)) or p < 1:
        faults.add(
            en=f"p is {p!r}; expected a whole number of sites, 1 or more.",
            zh=f"p 为 {p!r}，应为不小于 1 的整数。",
        )
        return
    if p > may.sum():
        faults.add(
            en=f"p is {p}, but only {int(may.sum())} of {counted(len(may), 'site', 'sites')} may "
            f"be open. "
            f"Lower p or add candidates.",
            zh=f"p 为 {p}，但 {len(may)} 个选址点中只有 {int(may.sum())} 个可用。"
            f"请减小 p 或增加候选点。",
        )
    if p < must.sum():
        faults.add(
            en=f"p is {p}, but {counted(int(must.sum()), 'site is', 'sites are')} fixed or "
            f"required, and p counts them. Raise p to at least that.",
            zh=f"p 为 {p}，但已有和必选的选址点共 {int(must.sum())} 个，且计入 p。"
            f"请把 p 提高到不小于此数。",
        )


def _check_reach(rules: Rules, faults: FaultList, *, offered: bool) -> None:
    if rules.reach is not None and not offered:
        faults.add(
            en="This problem does not take a share of the weight near a site (reach). Take it "
            "out of the rules, or ask p_median or lexicographic.",
            zh="该问题不支持可达比例要求（reach）。"
            "请从规则中去掉，或改用 p_median、lexicographic。",
        )
    if rules.capacity is not None and not offered:
        faults.add(
            en="This problem does not take hard capacities (capacity). Take them out of the "
            "rules, or ask p_median, lexicographic or pareto.",
            zh="该问题不支持硬性容量（capacity）。"
            "请从规则中去掉，或改用 p_median、lexicographic、pareto。",
        )


def _add_unreachable(ids: Ids, weights: Floats, lost: Flags, faults: FaultList) -> None:
    which, which_zh = both_ids([ids[at] for at in np.nonzero(lost)[0]])
    count, total = int(lost.sum()), float(weights[lost].sum())
    faults.add(
        en=f"{count} of {counted(len(ids), 'demand point', 'demand points')} (weight {total:g}) "
        f"{agreed(count, 'is', 'are')} reached by no allowed site: {which}. Add a site or a path, "
        f"or set allow_unreachable to leave them out.",
        zh=f"{len(ids)} 个需求点中有 {count} 个（权重 {total:g}）没有任何可用选址点可达："
        f"{which_zh}。"
        f"请增加选址点或通路，或设 allow_unreachable 将其排除。",
    )
