"""The maximal covering location problem: most residents within a distance of p open sites."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.errors import CostMatrixError, FaultList, Message
from gridplan.siting.causes import joined, least_budget, least_count
from gridplan.siting.checked import checked
from gridplan.siting.cover import (
    Cover,
    filled,
    make_cover,
    merged,
    most_model,
    set_model,
    without_dominated,
)
from gridplan.siting.highs import Options, Outcome, solve_model
from gridplan.siting.ledger import Ledger, siting_of
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.options import Limits, Rules
from gridplan.siting.problem import Problem, make_problem
from gridplan.siting.resample import Cooling, Coverage, anneal, greedy_most
from gridplan.siting.result import Siting
from gridplan.siting.search import OutOfEffortError, StoppedBy

_NO_RULES = Rules()
_NO_LIMITS = Limits()
# First and last temperature, as shares of what a site alone covers, on average.
_HOT, _COLD = 0.025, 0.004
# Draws for each open site in one run, and in the first, short one. Many short runs, merged, are
# better than few long ones; runs grow after some that brought nothing.
_DRAWS_PER_SITE, _FIRST_DRAWS_PER_SITE, _GROWING = 300, 40, 4
# Runs without a better plan until the tree search takes over; plans that are kept to merge.
_PATIENCE, _POOL = 10, 20
# Sites whose reduced cost is below this share of the gap are annealed apart, too.
_FOCUS = 0.05
# Work of the first try of the tree search, and of one merging.
_FIRST_TRY, _MERGING = 1_500.0, 3_000.0
# A small problem is given to the tree search at once.
_SMALL = 200_000


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
    relaxation, whose reduced costs also rule sites out, and from branch and bound.

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
    return checked(plan, problem, model="mclp", p=p, radius_m=radius_m)


def check_radius(radius_m: float, faults: FaultList) -> None:
    """Add a fault if the radius is no distance."""
    number = isinstance(radius_m, (int, float, np.number)) and not isinstance(radius_m, bool)
    if not number or not 0 <= radius_m < math.inf:
        faults.add(
            en=f"radius_m is {radius_m!r}; expected metres, 0 or more.",
            zh=f"服务半径 radius_m 为 {radius_m!r}，应为不小于 0 的米数。",
        )


@dataclass(frozen=True)
class _Task:
    """A covering problem with the cover it was reduced to."""

    problem: Problem
    within: Flags
    cover: Cover
    p: int | None
    ledger: Ledger

    def offer(self, chosen: Positions) -> None:
        """Offer columns of the cover as a plan, filled up to p sites."""
        sites = self.cover.positions(chosen)
        if self.cover.free:
            sites = filled(self.problem, sites, self.p)
        covered = self.within[:, sites].any(axis=1)
        self.ledger.offer(math.fsum(self.problem.weights[covered]), sites)


def most_coverage(problem: Problem, within: Flags, p: int | None, ledger: Ledger) -> None:
    """Find the most weight that p sites cover, in `ledger`."""
    counted = problem.weights > 0
    cover = make_cover(problem, within, counted, p=p)
    ledger.bring_bound(cover.done + math.fsum(cover.weights[cover.covers.any(axis=1)]))
    whole = merged(cover)
    cover = merged(without_dominated(whole)) if cover.free else whole
    task = _Task(problem, within, cover, p, ledger)
    state = Coverage(cover)
    if not cover.free and not _start(state, task):
        return
    start = greedy_most(state, ledger)
    task.offer(start)
    if ledger.closed:
        return
    pool = _Pool(task, state)
    pool.run(_FIRST_DRAWS_PER_SITE)
    if ledger.closed:
        return
    relaxed = solve_model(most_model(cover).relaxed, ledger)
    ledger.bring_bound(cover.done - relaxed.bound)
    ledger.heed(relaxed.stopped_by)
    small = cover.covers.size <= _SMALL
    if small and not ledger.closed:
        _branch(task, relaxed, pool, work=_FIRST_TRY)
    pool.focus(relaxed)
    idle = 0
    while not ledger.closed and idle < _PATIENCE:
        before = ledger.value
        pool.run(_DRAWS_PER_SITE * (1 + idle // _GROWING))
        pool.merge()
        idle = 0 if ledger.value > before else idle + 1
    if not ledger.closed:
        _branch(task, relaxed, pool, work=math.inf)


def _start(state: Coverage, task: _Task) -> bool:
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
        conditions = task.problem.conditions
        parts = [least_budget(bare, conditions, ledger), least_count(bare, ledger)]
        ledger.cause = joined(head, parts)
        return False
    chosen = out.chosen(len(cover.sites))
    if chosen is not None:
        state.reset(chosen)
        task.offer(chosen)
    ledger.heed(out.stopped_by)
    return chosen is not None


class _Pool:
    """Plans that were met; their sites together hold better ones."""

    def __init__(self, task: _Task, state: Coverage) -> None:
        self._task = task
        # What is annealed in turn, with the columns it is made of.
        self._states = [(state, np.arange(len(task.cover.sites)))]
        self._plans: list[tuple[float, Positions]] = []

    def focus(self, relaxed: Outcome) -> None:
        """Anneal the sites that the relaxation finds good, too, every other time."""
        cover, ledger = self._task.cover, self._task.ledger
        if relaxed.reduced is None or ledger.closed or not cover.free:
            return
        room = cover.done - relaxed.bound - ledger.value
        good = relaxed.reduced[: len(cover.sites)] < _FOCUS * room
        if cover.slots is not None and good.sum() > cover.slots:
            part = merged(cover.where(np.ones(len(cover.weights), bool), good))
            state = Coverage(part)
            greedy_most(state, ledger)
            self._states.append((state, np.flatnonzero(good)))

    def run(self, draws_per_site: int) -> None:
        """Anneal once, from where the last run ended."""
        ledger = self._task.ledger
        self._states.append(self._states.pop(0))
        state, columns = self._states[-1]
        slots = int(state.open.sum())
        if not slots:
            return
        typical = state.alone / slots
        cooling = Cooling(draws_per_site * slots, _HOT * typical, _COLD * typical)
        if typical > 0:
            self._keep(columns[anneal(state, cooling, ledger)[1]])

    def _keep(self, chosen: Positions) -> None:
        self._task.offer(chosen)
        value = self._task.cover.covered(chosen)
        if all(not np.array_equal(chosen, other) for _, other in self._plans):
            self._plans.append((value, chosen))
            self._plans.sort(key=lambda one: -one[0])
            del self._plans[_POOL:]

    @property
    def best(self) -> Positions | None:
        """Columns of the best plan."""
        return self._plans[0][1] if self._plans else None

    def merge(self) -> None:
        """Solve the problem exactly on the sites of all kept plans."""
        cover, ledger = self._task.cover, self._task.ledger
        if self.best is None or len(self._plans) == 1:
            return
        columns = np.unique(np.concatenate([one for _, one in self._plans]))
        part = merged(cover.where(np.ones(len(cover.weights), bool), _flags(columns, cover)))
        start = start_values(part, np.searchsorted(columns, self.best))
        out = solve_model(most_model(part), ledger, start=start, options=Options(work=_MERGING))
        chosen = out.chosen(len(columns))
        if chosen is not None:
            self._keep(columns[chosen])
        ledger.heed(out.stopped_by)


def _flags(columns: Positions, cover: Cover) -> Flags:
    flags = np.zeros(len(cover.sites), dtype=np.bool_)
    flags[columns] = True
    return flags


def start_values(cover: Cover, chosen: Positions) -> Floats:
    """Return a set of columns as values of the model of most coverage."""
    sites = np.zeros(len(cover.sites))
    sites[chosen] = 1.0
    return np.concatenate([sites, cover.covers[:, chosen].any(axis=1).astype(np.float64)])


def _branch(task: _Task, relaxed: Outcome, pool: _Pool, *, work: float) -> None:
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
