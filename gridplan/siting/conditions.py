"""What the sites of a plan may cost, and how many each community has at least and at most."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gridplan.errors import FaultList, agreed, both_ids, counted, first_ids, ids_zh
from gridplan.siting.matrix import Flags, Floats, Ids, in_order
from gridplan.siting.options import Rules

# Sums of costs may miss a budget by rounding alone.
_BUDGET_SLACK = 1e-9
NO_GROUP = -1
"""Position of a site that is in no counted group."""


@dataclass(frozen=True)
class Conditions:
    """
    Costs and counts by position of the site; empty where the rules say nothing.

    Attributes
    ----------
    cost : ndarray, shape (n_sites,), or None
        Of opening a site; 0 for fixed ones.
    budget : float
        ``inf`` without one.
    group : ndarray of int, shape (n_sites,)
        Position of the counted group a site is in, or -1.
    names : tuple
        The counted groups.
    least, most : ndarray, shape (n_groups,)
    """

    cost: Floats | None = None
    budget: float = math.inf
    group: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    names: Ids = ()
    least: Floats = field(default_factory=lambda: np.empty(0))
    most: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def binding(self) -> bool:
        """Not every set of sites is allowed."""
        return math.isfinite(self.budget) or bool(self.names)

    def rows(self, n_sites: int) -> tuple[Floats, Floats, Floats]:
        """Return the rows of a model: coefficients of the sites, least and most."""
        parts, least, most = [], [], []
        if math.isfinite(self.budget) and self.cost is not None:
            parts.append(self.cost)
            least.append(-math.inf)
            most.append(self.allowed_cost)
        for at in range(len(self.names)):
            parts.append((self.group == at).astype(np.float64))
            least.append(float(self.least[at]))
            most.append(float(self.most[at]))
        matrix = np.vstack(parts) if parts else np.empty((0, n_sites))
        return matrix, np.array(least), np.array(most)

    @property
    def allowed_cost(self) -> float:
        """The budget, and what rounding may add to a sum."""
        return self.budget + _BUDGET_SLACK * max(1.0, abs(self.budget))

    def hold(self, chosen: npt.NDArray[np.intp]) -> bool:
        """Whether a set of sites keeps budget and counts."""
        if not self.binding:
            return True
        if self.cost is not None and math.fsum(self.cost[chosen]) > self.allowed_cost:
            return False
        counts = self.counts(chosen)
        return bool(((counts >= self.least) & (counts <= self.most)).all())

    def counts(self, chosen: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return how many chosen sites each counted group has."""
        groups = self.group[chosen] if self.names else np.empty(0, dtype=np.intp)
        return np.bincount(groups[groups != NO_GROUP], minlength=len(self.names))


NO_CONDITIONS = Conditions()


def read_conditions(
    rules: Rules,
    site_ids: Ids,
    roles: tuple[Flags, Flags],
    faults: FaultList,
    *,
    offered: bool,
    p: int | None,
) -> Conditions:
    """
    Check what the rules say of costs and groups; every fault is added to `faults`.

    Parameters
    ----------
    roles : (must_open, may_open)
        Flags by site.
    offered : bool
        Whether the solver that asks respects budgets and counts.
    """
    counted = {**dict(rules.at_least), **dict(rules.at_most)}
    if not (rules.cost_of or rules.budget is not None or counted):
        return NO_CONDITIONS
    if not offered and (rules.budget is not None or counted):
        faults.add(
            en="This problem does not take a budget or counts by group (budget, at_least, "
            "at_most). Take them out of the rules, or ask p_median, mclp, lscp or p_center.",
            zh="该问题暂不支持预算及分组数量要求（budget、at_least、at_most）。"
            "请从规则中去掉，或改用 p_median、mclp、lscp、p_center。",
        )
        return NO_CONDITIONS
    cost = _costs(rules, site_ids, roles, faults)
    budget = _budget(rules, cost, roles, faults)
    names, group = _groups(rules, site_ids, in_order(list(counted)), faults)
    least = _bounds(rules.at_least, names, 0.0, "at_least", faults)
    most = _bounds(rules.at_most, names, math.inf, "at_most", faults)
    found = Conditions(cost, budget, group, tuple(names), least, most)
    _check_counts(found, roles, p, faults)
    return found


def _costs(
    rules: Rules, site_ids: Ids, roles: tuple[Flags, Flags], faults: FaultList
) -> Floats | None:
    if rules.cost_of is None:
        return None
    given: Mapping[Hashable, Any] = dict(rules.cost_of.items())
    fixed = frozenset(rules.fixed)
    known = frozenset(site_ids)
    wrong = [
        one
        for one, value in given.items()
        if isinstance(value, (bool, str)) or not _is_amount(value)
    ]
    unknown = [one for one in given if one not in known]
    missing = [
        one
        for one, may in zip(site_ids, roles[1], strict=True)
        if may and one not in given and one not in fixed
    ]
    for ids, one, many, zh in (
        (wrong, "cost is no finite number of 0 or more", "costs are no finite numbers of 0 or more",
         "成本不是不小于 0 的有限数"),
        (unknown, "site with a cost is not in the cost matrix",
         "sites with a cost are not in the cost matrix", "有开设成本但不在成本矩阵中"),
        (missing, "candidate site has no cost (cost_of)", "candidate sites have no cost (cost_of)",
         "候选点缺少开设成本（cost_of）"),
    ):  # fmt: skip
        if ids:
            which, which_zh = both_ids(in_order(ids))
            faults.add(
                en=f"{counted(len(ids), one, many)}: {which}. Give each candidate one cost.",
                zh=f"{len(ids)} 个选址点{zh}：{which_zh}。请为每个候选点填写一个成本。",
            )
    if wrong or missing:
        return None
    return np.array([0.0 if one in fixed else float(given.get(one, 0.0)) for one in site_ids])


def _is_amount(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and 0 <= float(value) < math.inf


def _budget(
    rules: Rules, cost: Floats | None, roles: tuple[Flags, Flags], faults: FaultList
) -> float:
    budget = rules.budget
    if budget is None:
        return math.inf
    if isinstance(budget, bool) or not _is_amount(budget):
        faults.add(
            en=f"The budget is {budget!r}; expected a number of 0 or more.",
            zh=f"预算为 {budget!r}，应为不小于 0 的数。",
        )
        return math.inf
    if rules.cost_of is None:
        faults.add(
            en=f"There is a budget ({budget:g}) but no costs. Give cost_of, by site.",
            zh=f"有预算（{budget:g}）但没有开设成本。请按选址点给出 cost_of。",
        )
    elif cost is not None:
        needed = math.fsum(cost[roles[0]])
        if needed > budget + _BUDGET_SLACK * max(1.0, budget):
            faults.add(
                en=f"The budget is {budget:g}, but the required sites alone cost {needed:g}. "
                f"Raise it to at least that, or require fewer.",
                zh=f"预算为 {budget:g}，但仅必选点就需 {needed:g}。"
                f"请把预算提高到不小于此数，或减少必选点。",
            )
    return float(budget)


def _groups(
    rules: Rules, site_ids: Ids, names: Sequence[Hashable], faults: FaultList
) -> tuple[Sequence[Hashable], npt.NDArray[np.intp]]:
    of: Mapping[Hashable, Hashable] = dict((rules.groups or {}).items())
    at = {name: position for position, name in enumerate(names)}
    group = np.array([at.get(of.get(one), NO_GROUP) for one in site_ids], dtype=np.intp)
    empty = [name for name in names if not (group == at[name]).any()]
    if empty:
        faults.add(
            en=f"{counted(len(empty), 'group', 'groups')} with a count (at_least, at_most) "
            f"{agreed(len(empty), 'has', 'have')} no site: "
            f"{first_ids(empty)}. Name the group of each site in groups.",
            zh=f"{len(empty)} 个有数量要求（at_least、at_most）的分组没有选址点："
            f"{ids_zh(empty)}。请在 groups 中给出各选址点所属分组。",
        )
    return names, group


def _bounds(
    given: Mapping[Hashable, int],
    names: Sequence[Hashable],
    otherwise: float,
    key: str,
    faults: FaultList,
) -> Floats:
    wrong = [
        name
        for name, count in given.items()
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 0
    ]
    if wrong:
        faults.add(
            en=f"{counted(len(wrong), 'count', 'counts')} of {key} "
            f"{agreed(len(wrong), 'is no whole number', 'are no whole numbers')} of 0 or more: "
            f"{first_ids(in_order(wrong))}.",
            zh=f"{key} 中有 {len(wrong)} 个分组的数量不是非负整数：{ids_zh(in_order(wrong))}。",
        )
        given = {}
    return np.array([float(given.get(name, otherwise)) for name in names])


def _check_counts(
    found: Conditions, roles: tuple[Flags, Flags], p: int | None, faults: FaultList
) -> None:
    must, may = roles
    total = found.counts(np.arange(len(may)))
    held, available = found.counts(np.flatnonzero(must)), found.counts(np.flatnonzero(may))
    for which, one, many, zh in (
        (
            found.least > found.most,
            "is asked to have at least more than at most",
            "are asked to have at least more than at most",
            "的下限大于上限",
        ),
        (
            (found.least > available) & (total > 0),
            "is asked to have more sites than may be open there (at_least)",
            "are asked to have more sites than may be open there (at_least)",
            "的下限超过可用选址点数（at_least）",
        ),
        (
            held > found.most,
            "has more fixed and required sites than at_most allows",
            "have more fixed and required sites than at_most allows",
            "的已有和必选点数超过上限（at_most）",
        ),
    ):
        if which.any():
            ids, ids_zh = both_ids([found.names[at] for at in np.flatnonzero(which)])
            groups = counted(int(which.sum()), f"group {one}", f"groups {many}")
            faults.add(
                en=f"{groups}: {ids}. Change the counts.",
                zh=f"{int(which.sum())} 个分组{zh}：{ids_zh}。请调整数量要求。",
            )
    needed = int(np.maximum(found.least, held).sum()) + int(
        must.sum() - held.sum() if len(held) else 0
    )
    if isinstance(p, int) and found.names and p < needed and p >= must.sum():
        faults.add(
            en=f"p is {p}, but at_least and the fixed and required sites need {needed} open "
            f"sites. Raise p to at least that.",
            zh=f"p 为 {p}，但 at_least 与已有、必选点共需 {needed} 处。请把 p 提高到不小于此数。",
        )
