"""The maximal covering location problem: most residents within a distance of p open sites."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from gridplan.errors import CostMatrixError, FaultList, Message
from gridplan.siting.causes import explained
from gridplan.siting.checked import checked
from gridplan.siting.cover import (
    make_cover,
    merged,
    most_model,
    set_model,
    without_dominated,
)
from gridplan.siting.cover_plans import Pool, Task, start_values
from gridplan.siting.highs import Options, Outcome, solve_model
from gridplan.siting.ledger import Ledger, siting_of
from gridplan.siting.matrix import Flags
from gridplan.siting.options import Limits, Rules
from gridplan.siting.problem import Problem, make_problem
from gridplan.siting.proof import Proof
from gridplan.siting.resample import Coverage, greedy_most
from gridplan.siting.result import Siting
from gridplan.siting.search import OutOfEffortError, StoppedBy
from gridplan.siting.wanted import Wanted
from gridplan.verify.choice import Asked

_NO_RULES = Rules()
_NO_LIMITS = Limits()
# Draws for each open site in the first run, a short one.
_FIRST_DRAWS_PER_SITE = 40
# Work of the proof for each draw of the search beside it, so that both take about as long.
_WORK_PER_DRAW = 1.0 / 700.0
# Rounds without a better plan until the proof gets as much again alone, and most of that. A
# problem that is too large for districts is then left to HiGHS.
_PATIENCE, _MOST_ALONE = 4, 3
# Work of the first try of the tree search.
_FIRST_TRY = 1_500.0
# A small problem is given to the tree search at once.
_SMALL = 200_000
# Districts are made of pairs of sites that share demand, counted once for each they share.
_MOST_ALIKE = 2e8


def mclp(
    cost: np.ndarray | pd.DataFrame,
    weights: np.ndarray | pd.Series,
    *,
    p: int | None = None,
    radius_m: float,
    rules: Rules = _NO_RULES,
    limits: Limits = _NO_LIMITS,
) -> Siting:
    r"""
    Open p sites so that the most weight lives within a distance of an open one.

    The model [1]_, for :math:`N_i = \{j : d_{ij} \le S\}`:

    .. math::
        \max \sum_i w_i z_i \quad \text{s.t.} \quad z_i \le \sum_{j \in N_i} y_j, \quad
        \sum_j y_j = p, \quad y_j \in \{0, 1\},\; 0 \le z_i \le 1

    with the rows of the rules (budget, counts by group). Demand that the same sites
    cover is made one, sites that another makes needless are dropped. Plans come
    from heat-bath annealing, and from the best combination of the sites of the
    plans that were met (exact, on those sites alone); the bound from the linear
    relaxation, whose reduced costs also rule sites out, and from a tree that splits
    on how many sites of a district are open, for sites that cover much the same.

    Parameters
    ----------
    cost : ndarray or DataFrame, shape (n_demand, n_sites), or a long DataFrame
        Metres, as in `p_median`.
    weights : Series by demand id, or ndarray in the row order of `cost`
        Residents.
    p : int or None
        Number of open sites, fixed and required ones included; None, with a budget:
        as many as it allows.
    radius_m : float
        Service radius in metres, that distance included.
    rules : Rules
    limits : Limits

    Returns
    -------
    Siting
        `objective` is the weight covered, and `bound` is from above. Demand beyond
        the radius of every open site has no site in `assignment`; that which no
        allowed site covers is listed in `unreachable`, and is part of the total.

    Raises
    ------
    CostMatrixError
        With one message per fault.

    References
    ----------
    .. [1] Church, R. and ReVelle, C. (1974). The maximal covering location problem.
       *Papers of the Regional Science Association*, 32, 101-118.
       https://doi.org/10.1007/BF01942293

    Examples
    --------
    >>> cost = pd.DataFrame(
    ...     {"A": [0.0, 500.0, 900.0], "B": [500.0, 0.0, 400.0], "C": [900.0, 400.0, 0.0]},
    ...     index=["north", "middle", "south"],
    ... )
    >>> residents = pd.Series({"north": 10, "middle": 20, "south": 30})
    >>> plan = mclp(cost, residents, p=1, radius_m=400.0)
    >>> plan.sites, plan.objective, plan.bound, plan.status
    (('B',), 50.0, 50.0, 'proven')
    """
    faults = FaultList()
    check_radius(radius_m, faults)
    if p is None and rules.budget is None:
        faults.add(
            en="p is None and there is no budget. Give a number of sites, or a budget.",
            zh="未给出 p，也没有预算。请给出选址数量或预算。",
        )
    faults.raise_if_any(CostMatrixError)
    problem = make_problem(
        cost, weights, replace(rules, allow_unreachable=True), p=p, conditions=True
    )
    within = problem.cost <= radius_m
    counted = problem.weights > 0
    whole = bool((problem.weights % 1.0 == 0).all())
    ledger = Ledger(limits, maximise=True, whole=whole)
    stopped_by: StoppedBy | None = None
    try:
        most_coverage(problem, within, p, ledger)
    except OutOfEffortError as stop:
        stopped_by = stop.reason
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    lost = counted & ~within[:, problem.may_open].any(axis=1)
    plan = siting_of(ledger, problem, stopped_by, unreachable=lost, within_m=radius_m)
    return checked(plan, problem, Asked(model="mclp", p=p, radius_m=radius_m))


def check_radius(radius_m: float, faults: FaultList) -> None:
    """Add a fault if the radius is no distance."""
    number = isinstance(radius_m, (int, float, np.number)) and not isinstance(radius_m, bool)
    if not number or not 0 <= radius_m < math.inf:
        faults.add(
            en=f"radius_m is {radius_m!r}; expected metres, 0 or more.",
            zh=f"服务半径 radius_m 为 {radius_m!r}，应为不小于 0 的米数。",
        )


def most_coverage(problem: Problem, within: Flags, p: int | None, ledger: Ledger) -> None:
    """Find the most weight that p sites cover, in `ledger`."""
    counted = problem.weights > 0
    cover = make_cover(problem, within, counted, p=p)
    ledger.bring_bound(cover.done + math.fsum(cover.weights[cover.covers.any(axis=1)]))
    whole = merged(cover)
    cover = merged(without_dominated(whole)) if cover.free else whole
    task = Task(problem, within, cover, p, ledger)
    state = Coverage(cover)
    if not cover.free and not _start(state, task):
        return
    start = greedy_most(state, ledger)
    task.offer(start)
    if ledger.closed:
        return
    pool = Pool(task, state)
    pool.run(_FIRST_DRAWS_PER_SITE)
    if ledger.closed:
        return
    small = cover.covers.size <= _SMALL
    relaxed = solve_model(most_model(cover).relaxed, ledger, options=Options(interior=not small))
    ledger.bring_bound(cover.done - relaxed.bound)
    ledger.heed(relaxed.stopped_by)
    if small and not ledger.closed:
        _branch(task, relaxed, pool, work=_FIRST_TRY)
    if not ledger.closed:
        _plan_and_prove(task, relaxed, pool)


def _plan_and_prove(task: Task, relaxed: Outcome, pool: Pool) -> None:
    """Look for plans and for the proof beside them; the longer in vain, the more for the proof."""
    cover, ledger = task.cover, task.ledger
    proof = None
    if np.square(cover.covers.sum(axis=1, dtype=np.float64)).sum() <= _MOST_ALIKE:
        proof = Proof(cover, ledger, pool.take, basis=relaxed.basis)
    idle = 0
    while not ledger.closed and not (proof is not None and proof.done):
        before = ledger.value
        if proof is not None:
            share = pool.draws_of_rounds * _WORK_PER_DRAW
            proof.round(pool.rounds, share)
            alone = min(idle // _PATIENCE, _MOST_ALONE)
            if alone and not (ledger.closed or proof.done):
                proof.alone(share * alone)
        else:
            pool.rounds()
        idle = 0 if ledger.value > before else idle + 1
        if proof is None and idle == _PATIENCE:
            _branch(task, relaxed, pool, work=math.inf)


def _start(state: Coverage, task: Task) -> bool:
    """Open some sites that keep all conditions; False if it is proven that none do."""
    cover, ledger = task.cover, task.ledger
    bare = cover.where(np.zeros(len(cover.weights), bool), np.ones(len(cover.sites), bool))
    out = solve_model(set_model(bare, np.zeros(len(cover.sites))), ledger)
    if out.answer == "infeasible":
        ledger.infeasible = True
        head = Message(
            en="It is proven that no set of sites keeps the budget and all counts.",
            zh="已证明：没有任何选址组合能同时满足预算与各项数量要求。",
        )
        nobody = np.zeros(len(task.problem.weights), dtype=np.bool_)
        wanted = Wanted(task.problem, task.p, task.within, nobody)
        ledger.cause = explained(head, wanted, ledger)
        return False
    chosen = out.chosen(len(cover.sites))
    if chosen is not None:
        state.reset(chosen)
        task.offer(chosen)
    ledger.heed(out.stopped_by)
    return chosen is not None


def _branch(task: Task, relaxed: Outcome, pool: Pool, *, work: float) -> None:
    """Search the tree of the sites that the relaxation does not rule out."""
    cover, ledger = task.cover, task.ledger
    m = len(cover.sites)
    kept = np.ones(m, dtype=np.bool_)
    if relaxed.reduced is not None and math.isfinite(relaxed.bound):
        room = cover.done - relaxed.bound - ledger.value
        kept = relaxed.reduced[:m] <= room * (1.0 + 1e-9) + 1e-6
    if pool.best is not None:
        kept[pool.best] = True
    part = merged(cover.where(np.ones(len(cover.weights), bool), kept))
    columns = np.flatnonzero(kept)
    start = None
    if pool.best is not None:
        start = start_values(part, np.searchsorted(columns, pool.best))
    out = solve_model(
        most_model(part), ledger, start=start, options=Options(work=work, gap=ledger.limits.gap)
    )
    chosen = out.chosen(len(columns))
    if chosen is not None:
        task.offer(columns[chosen])
    ledger.bring_bound(cover.done - out.bound)
    ledger.heed(out.stopped_by)
