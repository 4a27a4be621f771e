"""The p-median with capacities: what `p_median` does where sites hold only so much."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np
import pandas as pd

from gridplan.errors import BrokenPlanError, Message
from gridplan.siting.assessment import closest, labelled_demand, labelled_sites
from gridplan.siting.conditioned import least_toll
from gridplan.siting.ladder import Toll
from gridplan.siting.loads import Loads, loads_frame
from gridplan.siting.matrix import Positions
from gridplan.siting.options import Limits, Rules
from gridplan.siting.packing import Packing, PackingSearch, make_packing
from gridplan.siting.packing_causes import impossible, no_assignment
from gridplan.siting.packing_conflict import no_filling, too_large, without_capacities
from gridplan.siting.packing_interchange import lean
from gridplan.siting.packing_ruled import RuledSearch, make_ruled
from gridplan.siting.packing_staged import solve_ruled
from gridplan.siting.packing_tree import solve_packing
from gridplan.siting.problem import Problem
from gridplan.siting.result import Siting, Status
from gridplan.siting.search import PROVEN_GAP, Effort, OutOfEffortError, StoppedBy, relative_gap
from gridplan.siting.standing import Standing
from gridplan.verify import check_assignment, check_capacity, check_total

# Share of the limits that the problem without capacities may take: it is a bound, and
# the answer where its plan fits.
_RELAXED_SHARE = 0.25
_LEAST_S = 0.01

Relaxed = Callable[[Limits], Siting]
"""Solves the same problem without capacities within some limits."""


def solve_capacitated(
    problem: Problem, p: int, loads: Loads, *, rules: Rules, limits: Limits, relaxed: Relaxed
) -> Siting:
    """
    Open p sites and assign each demand point to one, so that no site is overloaded.

    Parameters
    ----------
    problem : Problem
    p : int
    loads : Loads
    rules : Rules
        For the check of the plan before it is returned.
    limits : Limits
    relaxed : callable
        The solver without capacities.
    """
    began = Effort(limits).started
    packing = make_packing(problem, p, loads.load, loads.capacity)
    search = PackingSearch(limits, packing.integral, math.inf, packing.hopeless, started=began)
    cause = impossible(problem, packing, loads, search)
    if cause is not None:
        search.raise_bound(math.inf)
        return _result(problem, packing, search, loads, (None, cause))
    stopped_by: StoppedBy | None = None
    try:
        _solve(problem, packing, search, relaxed)
    except OutOfEffortError as stop:
        stopped_by = stop.reason
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    if search.infeasible:
        cause = no_assignment(problem, packing, loads, search)
    plan = _result(problem, packing, search, loads, (stopped_by, cause))
    verify_filling(plan, problem, loads, rules)
    return plan


def solve_conditioned(
    problem: Problem,
    tolls: tuple[Toll, ...],
    p: int | None,
    loads: Loads,
    limits: Limits,
    *,
    start: Standing | None = None,
    target: float = -math.inf,
) -> Siting:
    """
    Assign demand at the least total of the first toll under hard capacities and conditions.

    Budget and counts of the problem hold, and the total of each further toll, of the walks to
    the sites that demand is given, stays within its `most`. The same problem without capacities
    is solved first: it is a bound, and the answer where its plan fits.

    Parameters
    ----------
    tolls : tuple of Toll
    p : int or None
        Open sites; None for any number.
    loads : Loads
    start : Standing, optional
        A plan to begin with, which need not keep everything.
    target : float
        Where it is only asked whether a plan costs no more than this.

    Returns
    -------
    Siting
        Objective and bound are totals of the first toll.
    """
    began = Effort(limits).started
    ruled = make_ruled(problem, tolls, p, loads)
    search = RuledSearch(
        limits, ruled.packing.integral, math.inf, ruled.packing.hopeless,
        started=began, ruled=ruled, target=target,
    )  # fmt: skip
    stopped_by: StoppedBy | None = None
    cause: Message | None = None
    try:
        cause = _solve_conditioned(problem, tolls, p, search, start)
    except OutOfEffortError as stop:
        stopped_by = stop.reason
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    if search.infeasible:
        cause = cause or no_filling(problem, ruled, tolls, search)
    else:
        dear = problem.conditions.cost
        lean(ruled, search, np.zeros(len(ruled.packing.sites)) if dear is None
             else dear[ruled.packing.sites])  # fmt: skip
    return _result(problem, ruled.packing, search, loads, (stopped_by, cause))


def _solve_conditioned(
    problem: Problem,
    tolls: tuple[Toll, ...],
    p: int | None,
    search: RuledSearch,
    start: Standing | None,
) -> Message | None:
    """Search; return why there is no plan where that has nothing to do with capacities."""
    ruled = search.ruled
    search.look()
    if start is not None:
        _offer(problem, search, start)
    cause = too_large(problem, ruled)
    if cause is not None:
        search.raise_bound(math.inf)
        return cause
    plan = least_toll(problem, tolls, p, _share_of(search))
    if plan.status == "infeasible":
        search.raise_bound(math.inf)
        return without_capacities(plan.cause)
    search.raise_bound(plan.bound)
    where = {one: at for at, one in enumerate(problem.site_ids)}
    sites = np.array([where[one] for one in plan.sites], dtype=np.intp)
    if plan.status != "stopped":
        _offer(problem, search, Standing(sites))
    if plan.stopped_by == "interrupt":
        raise KeyboardInterrupt
    search.spend(plan.work)
    if not search.closed:
        first = np.searchsorted(ruled.packing.sites, sites) if plan.sites else None
        solve_ruled(ruled, search, first)
    return None


def _offer(problem: Problem, search: RuledSearch, plan: Standing) -> None:
    """Keep a plan that another search found, if everything holds."""
    packing = search.ruled.packing
    back = np.full(len(problem.site_ids) + 1, -1)
    back[packing.sites] = np.arange(len(packing.sites))
    # A demand point with a load and no weight may be out of reach of this plan.
    assigned = back[plan.near_of(problem)[packing.rows]]
    if (assigned >= 0).all():
        search.keep(packing, back[plan.sites], assigned)


def _share_of(search: PackingSearch) -> Limits:
    """Return the share of what is left that the problem without capacities may take."""
    limits = search.limits
    left_s = None if limits.time_s is None else limits.time_s - search.seconds
    return replace(
        search.question(limits),
        work=max(1, int(_RELAXED_SHARE * (limits.work - search.work))),
        time_s=None if left_s is None else _RELAXED_SHARE * max(left_s, _LEAST_S),
    )


def with_soft_loads(plan: Siting, problem: Problem, loads: Loads) -> Siting:
    """Return a plan without hard capacities, with what each of its sites has to carry."""
    at = {one: position for position, one in enumerate(problem.site_ids)}
    near = np.array([at.get(one, -1) for one in plan.assignment], dtype=np.intp)
    chosen = np.array([at[one] for one in plan.sites], dtype=np.intp)
    return replace(plan, loads=loads_frame(problem, loads, chosen, near))


def _solve(problem: Problem, packing: Packing, search: PackingSearch, relaxed: Relaxed) -> None:
    if not len(packing.rows):
        _open_any(packing, search)
        return
    search.look()
    plan = relaxed(_share_of(search))
    search.raise_bound(plan.bound)
    if plan.sites:
        where = {one: at for at, one in enumerate(problem.site_ids)}
        back = np.full(len(problem.site_ids), -1)
        back[packing.sites] = np.arange(len(packing.sites))
        chosen = back[[where[one] for one in plan.sites]]
        near, _ = closest(problem, packing.sites[chosen])
        goes = near[packing.rows]
        # A demand point with a load and no weight may be out of reach of this plan.
        if (goes >= 0).all():
            search.keep(packing, chosen, back[goes])
    if plan.stopped_by == "interrupt":
        raise KeyboardInterrupt
    search.spend(plan.work)
    if not search.closed:
        solve_packing(packing, search)


def _open_any(packing: Packing, search: PackingSearch) -> None:
    """Where nobody is to be served, any sites that keep the rules are a plan."""
    order = np.argsort(~packing.must, kind="stable")
    search.keep(packing, order[: packing.slots], np.empty(0, dtype=np.intp))
    search.raise_bound(search.value)


def _result(
    problem: Problem,
    packing: Packing,
    search: PackingSearch,
    loads: Loads,
    ended: tuple[StoppedBy | None, Message | None],
) -> Siting:
    value, packed = search.value, search.packed
    planned = math.isfinite(value)
    chosen = packing.sites[packed.chosen]
    near: Positions = np.full(len(problem.demand_ids), -1)
    if planned and len(chosen):
        # Demand that asks for nothing takes no room: it goes to the closest site.
        near, _ = closest(problem, chosen)
        near[packing.rows] = packing.sites[packed.assigned]
    bound = math.inf if search.infeasible else search.bound
    gap = relative_gap(value, bound)
    return Siting(
        sites=tuple(problem.site_ids[at] for at in chosen),
        assignment=labelled_sites(problem, near),
        objective=value,
        bound=bound,
        gap=gap,
        status=_status(search, gap, planned=planned),
        stopped_by=None if gap <= PROVEN_GAP or search.infeasible else ended[0],
        seconds=search.seconds,
        work=search.work,
        unreachable=labelled_demand(problem, problem.unreachable),
        loads=loads_frame(problem, loads, chosen, near),
        cause=ended[1],
    )


def _status(search: PackingSearch, gap: float, *, planned: bool) -> Status:
    if search.infeasible:
        return "infeasible"
    if not planned:
        return "stopped"
    return "proven" if gap <= PROVEN_GAP else "gap"


def verify_filling(plan: Siting, problem: Problem, loads: Loads, rules: Rules) -> None:
    """Raise if an independent check finds a plan broken, whose objective is the total walk."""
    if plan.sites:
        given = plan.sites, plan.assignment
        check_filling(given, problem, loads, rules, total=plan.objective)


def check_filling(
    plan: tuple[tuple[Hashable, ...], pd.Series],
    problem: Problem,
    loads: Loads,
    rules: Rules,
    *,
    total: float | None = None,
) -> None:
    """
    Raise if an independent check finds a plan broken.

    Parameters
    ----------
    plan : (tuple of site ids, Series of site id by demand id)
    total : float, optional
        What the objective is, if that is the weighted sum of distances.

    Raises
    ------
    BrokenPlanError
    """
    sites, assignment = plan
    lost = labelled_demand(problem, problem.unreachable)
    cost = pd.DataFrame(
        problem.cost, index=list(problem.demand_ids), columns=list(problem.site_ids)
    )
    load = dict(zip(problem.demand_ids, loads.load, strict=True))
    weights = dict(zip(problem.demand_ids, problem.weights, strict=True))
    idle = [one for one in problem.demand_ids if not (load[one] or weights[one])]
    checks = [
        check_assignment(
            assignment,
            cost,
            sites=sites,
            required=[*rules.fixed, *rules.required],
            forbidden=rules.forbidden,
            unserved=[*lost, *idle],
        ),
        check_capacity(assignment, load, dict(zip(problem.site_ids, loads.capacity, strict=True))),
    ]
    if total is not None:
        checks.append(check_total(assignment, cost, weights, total))
    broken = [found.message for check in checks for found in check.findings]
    if broken:
        raise BrokenPlanError(*broken)
