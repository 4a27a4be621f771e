"""The location set covering problem: the fewest sites that bring everybody within a distance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.errors import (
    CostMatrixError,
    FaultList,
    Message,
    agreed,
    both_ids,
    counted,
)
from gridplan.siting.causes import gathered, left_out
from gridplan.siting.checked import checked
from gridplan.siting.conflict import NONE_ALONE, why_not
from gridplan.siting.cover import Cover, greedy_cover, make_cover, reduced, set_model
from gridplan.siting.highs import solve_model
from gridplan.siting.least_cover import LARGE, least_cover, tree
from gridplan.siting.ledger import Ledger, siting_of
from gridplan.siting.matrix import Flags, Positions
from gridplan.siting.most_cover import check_radius
from gridplan.siting.options import Limits, Rules
from gridplan.siting.problem import Problem, make_problem
from gridplan.siting.result import Siting
from gridplan.siting.search import OutOfEffortError, StoppedBy
from gridplan.siting.wanted import Wanted
from gridplan.verify.choice import Asked

_NO_RULES = Rules()
_NO_LIMITS = Limits()


def lscp(
    cost: np.ndarray | pd.DataFrame,
    *,
    radius_m: float,
    backup: int = 1,
    rules: Rules = _NO_RULES,
    limits: Limits = _NO_LIMITS,
) -> Siting:
    r"""
    Open the fewest sites so that all demand is within a distance of an open one.

    The model [1]_, for :math:`N_i = \{j : d_{ij} \le S\}` and `backup` :math:`b`
    (backup coverage [2]_ for b > 1):

    .. math::
        \min \sum_j f_j y_j \quad \text{s.t.} \quad \sum_{j \in N_i} y_j \ge b
        \; \forall i, \quad y_j \in \{0, 1\}

    with :math:`f_j = 1`, or the cost of opening the site where the rules give
    costs, and the rows of the rules (budget, counts by group). Demand that is
    covered whenever some other demand is, and sites that another makes needless,
    are dropped first; branch and bound does the rest. Of larger problems, good plans
    come from a search that weighs uncovered demand more and more [3]_, and the proof from a
    tree that splits on how many sites of a district are open, as in `mclp`, beside it.

    Parameters
    ----------
    cost : ndarray or DataFrame, shape (n_demand, n_sites), or a long DataFrame
        Metres, as in `p_median`.
    radius_m : float
        Service radius in metres, that distance included.
    backup : int
        How many open sites each demand point needs within the radius.
    rules : Rules
        With `allow_unreachable`, demand that too few allowed sites cover is left
        out and listed in the result; otherwise it is a fault.
    limits : Limits

    Returns
    -------
    Siting
        `objective` is the number of open sites, fixed ones included, or the cost of
        the opened ones. Where budget or counts rule every plan out, the status is
        ``infeasible`` and `cause` says which budget or radius would do, and which
        demand stays uncovered at best.

    Raises
    ------
    CostMatrixError
        With one message per fault.

    References
    ----------
    .. [1] Toregas, C., Swain, R., ReVelle, C. and Bergman, L. (1971). The location of
       emergency service facilities. *Operations Research*, 19(6), 1363-1373.
       https://doi.org/10.1287/opre.19.6.1363
    .. [2] Hogan, K. and ReVelle, C. (1986). Concepts and applications of backup
       coverage. *Management Science*, 32(11), 1434-1444.
       https://doi.org/10.1287/mnsc.32.11.1434
    .. [3] Gao, C., Yao, X., Weise, T. and Li, J. (2015). An efficient local search heuristic
       with row weighting for the unicost set covering problem. *European Journal of
       Operational Research*, 246(3), 750-761.
       https://doi.org/10.1016/j.ejor.2015.05.038

    Examples
    --------
    >>> cost = pd.DataFrame(
    ...     {"A": [0.0, 500.0, 900.0], "B": [500.0, 0.0, 400.0], "C": [900.0, 400.0, 0.0]},
    ...     index=["north", "middle", "south"],
    ... )
    >>> plan = lscp(cost, radius_m=400.0)
    >>> plan.sites, plan.objective, plan.bound, plan.status
    (('A', 'B'), 2.0, 2.0, 'proven')
    """
    faults = FaultList()
    check_radius(radius_m, faults)
    if isinstance(backup, bool) or not isinstance(backup, (int, np.integer)) or backup < 1:
        faults.add(
            en=f"backup is {backup!r}; expected a whole number of sites, 1 or more.",
            zh=f"backup 为 {backup!r}，应为不小于 1 的整数。",
        )
    faults.raise_if_any(CostMatrixError)
    # Who is out of reach is told below, by the radius.
    every = replace(rules, allow_unreachable=True)
    problem = make_problem(cost, None, every, conditions=True)
    within = problem.cost <= radius_m
    lost = within[:, problem.may_open].sum(axis=1) < backup
    if lost.any() and not rules.allow_unreachable:
        raise CostMatrixError(_uncovered(problem, lost, radius_m, int(backup)))
    task = _Task(problem, within, ~lost, int(backup))
    ledger = Ledger(limits, whole=task.whole)
    stopped_by: StoppedBy | None = None
    try:
        _solve(task, ledger)
    except OutOfEffortError as stop:
        stopped_by = stop.reason
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    plan = siting_of(ledger, problem, stopped_by, unreachable=lost, within_m=radius_m)
    return checked(plan, problem, Asked(model="lscp", radius_m=radius_m, backup=int(backup)))


@dataclass(frozen=True)
class _Task:
    problem: Problem
    within: Flags
    counted: Flags
    backup: int

    @property
    def priced(self) -> bool:
        """The rules give costs, and the least is asked for."""
        return self.problem.conditions.cost is not None

    @property
    def whole(self) -> bool:
        """Every objective is a whole number."""
        cost = self.problem.conditions.cost
        return cost is None or bool((cost % 1.0 == 0).all())

    def cover(self, within: Flags) -> Cover:
        """Return what is left to decide."""
        return make_cover(self.problem, within, self.counted, p=None, backup=self.backup)


def _uncovered(problem: Problem, lost: Flags, radius_m: float, backup: int) -> Message:
    ids, ids_zh = both_ids([problem.demand_ids[at] for at in np.flatnonzero(lost)])
    count = int(lost.sum())
    offered = np.sort(problem.cost[:, problem.may_open], axis=1)
    enough = offered.shape[1] >= backup
    needed = float(offered[:, backup - 1].max()) if enough else math.inf
    en = f"The smallest radius that would do is {needed:g} m. Raise radius_m to it"
    zh = f"至少需要 {needed:g} 米的半径。请提高 radius_m"
    if math.isinf(needed):
        en, zh = (
            "No radius would do: some have too few sites at all. Join the paths",
            ("任何半径都不够：部分需求点可达的选址点数量不足。请连通道路"),
        )
    return Message(
        en=f"{count} of {counted(len(lost), 'demand point', 'demand points')} "
        f"{agreed(count, 'has', 'have')} fewer than "
        f"{counted(backup, 'allowed site', 'allowed sites')} within {radius_m:g} m: {ids}. {en}, "
        f"add sites, or set allow_unreachable to leave them out.",
        zh=f"{len(lost)} 个需求点中有 {count} 个在 {radius_m:g} 米内的可用选址点少于 {backup} 个："
        f"{ids_zh}。{zh}、增加候选点，或设 allow_unreachable 将其排除。",
    )


def _solve(task: _Task, ledger: Ledger) -> None:
    cover = task.cover(task.within)
    conditions = task.problem.conditions
    base = (
        float(len(cover.opened))
        if conditions.cost is None
        else math.fsum(conditions.cost[cover.opened])
    )
    ledger.bring_bound(base)
    if cover.free and cover.covers.size > LARGE:
        # Making it smaller may outlast the limits; then this is the plan.
        first = greedy_cover(cover)
        ledger.offer(base + math.fsum(cover.cost[first]), cover.positions(first))
    small = reduced(cover, ledger.look)
    chosen = greedy_cover(small)

    def offer(columns: Positions) -> None:
        ledger.offer(base + math.fsum(small.cost[columns]), small.positions(columns))

    if small.free and small.covers.size > LARGE:
        least_cover(small, chosen, ledger, offer, paid=base)
        return
    if small.free:
        offer(chosen)
    if ledger.closed:
        return
    out = tree(small, chosen if small.free else None, ledger, offer, paid=base)
    if out.answer == "infeasible":
        ledger.infeasible = True
        ledger.cause = _cause(task, cover, ledger)


def _cause(task: _Task, cover: Cover, ledger: Ledger) -> Message:
    head = Message(
        en="It is proven that no set of sites covers all demand within the radius, the budget "
        "and the counts by group.",
        zh="已证明：在给定半径、预算与分组数量要求下，没有任何选址组合能覆盖全部需求。",
    )
    return gathered(head, _reasons(task, cover, ledger), ledger)


def _reasons(task: _Task, cover: Cover, ledger: Ledger) -> Iterator[Message | None]:
    held = task.within[:, cover.opened].sum(axis=1)
    rows = np.flatnonzero(task.counted & (held < task.backup))
    wanted = Wanted(task.problem, None, task.within, task.counted, task.backup)
    why = why_not(wanted, ledger)
    yield next(why, None)
    yield left_out(cover, rows, task.problem.demand_ids, ledger)
    # The radius is a number, too.
    yield from (one for one in why if one is not NONE_ALONE)
    yield _least_radius(task, ledger)


def _least_radius(task: _Task, ledger: Ledger) -> Message | None:
    """Say which radius would do; None if none would, or whom it is for depends on it."""
    if (task.problem.counted & ~task.counted).any():
        return None
    metres = task.problem.cost[np.ix_(task.counted, task.problem.may_open)]
    radii = np.unique(metres[np.isfinite(metres)])
    low, high = -1, len(radii)
    while high - low > 1:
        middle = (low + high) // 2
        cover = task.cover(task.problem.cost <= radii[middle])
        out = solve_model(set_model(cover, np.zeros(len(cover.sites))), ledger)
        ledger.heed(out.stopped_by)
        low, high = (middle, high) if out.answer == "infeasible" else (low, middle)
    if high == len(radii):
        return None
    return Message(
        en=f"The smallest radius that would do is {radii[high]:g} m.",
        zh=f"在同样条件下，半径至少需要 {radii[high]:g} 米。",
    )
