"""The p-median: p open sites from which the weighted walk is least."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd

from gridplan.errors import CostMatrixError, Message
from gridplan.siting.assessment import closest, labelled_demand, labelled_sites
from gridplan.siting.branch import finish
from gridplan.siting.capacitated import (
    solve_capacitated,
    solve_conditioned,
    verify_filling,
    with_soft_loads,
)
from gridplan.siting.capacity import SoftCapacity
from gridplan.siting.causes import nobody_served
from gridplan.siting.checked import checked
from gridplan.siting.conditioned import least_toll, reach_tolls
from gridplan.siting.core import Core, make_core
from gridplan.siting.interchange import greedy, plan_among
from gridplan.siting.ladder import Toll, walked
from gridplan.siting.lagrangian import subgradient
from gridplan.siting.ledger import Ledger
from gridplan.siting.loads import Loads, read_loads
from gridplan.siting.options import Limits, Reach, Rules
from gridplan.siting.problem import Problem, make_problem
from gridplan.siting.result import Siting, Status
from gridplan.siting.search import (
    PROVEN_GAP,
    Effort,
    OutOfEffortError,
    Search,
    StoppedBy,
    relative_gap,
)
from gridplan.verify.choice import Asked

_NO_COUNT = Message(
    en="p is None and there is no budget. Give a number of sites, or a budget.",
    zh="未给出 p，也没有预算。请给出选址数量或预算。",
)
_TWICE = Message(
    en="Capacities are given twice: as `load` or `capacity`, and in the rules. Give them once.",
    zh="容量重复给出：既有 `load` 或 `capacity`，规则中又有 capacity。请只给一次。",
)
_NO_RULES = Rules()
_NO_LIMITS = Limits()


def p_median(
    cost: np.ndarray | pd.DataFrame,
    weights: np.ndarray | pd.Series,
    *,
    p: int | None = None,
    load: np.ndarray | pd.Series | None = None,
    capacity: np.ndarray | pd.Series | SoftCapacity | float | None = None,
    rules: Rules = _NO_RULES,
    limits: Limits = _NO_LIMITS,
) -> Siting:
    r"""
    Open p sites so that the weighted distance to the closest one is least.

    The model [1]_, for demand :math:`i \in I` with weight :math:`w_i`, candidate
    sites :math:`j \in J` and distance :math:`d_{ij}`:

    .. math::
        \min\; & \sum_{i \in I} \sum_{j \in J} w_i d_{ij} x_{ij} && \\
        \text{s.t.}\; & \sum_{j \in J} x_{ij} = 1 && \forall i \in I
            \quad\text{(everybody has one site)} \\
        & x_{ij} \le y_j && \forall i \in I, j \in J
            \quad\text{(which is open)} \\
        & \sum_{j \in J} y_j = p && \quad\text{(p sites are open)} \\
        & y_j = 1 && \forall j \in \text{fixed} \cup \text{required} \\
        & y_j = 0 && \forall j \in \text{forbidden} \\
        & x_{ij} = 0 && \forall (i, j) \text{ not allowed} \\
        & x_{ij} \ge 0,\; y_j \in \{0, 1\} &&

    where :math:`y_j = 1` if site :math:`j` is open and :math:`x_{ij} = 1` if
    :math:`i` is served by :math:`j`. `p` counts all open sites: fixed and
    required ones are among them.

    The solver finds plans by fast interchange [2]_, bounds them by Lagrangian
    relaxation [3]_ [4]_, which also opens and closes sites for certain, and
    closes the gap by branch and cut on the Benders form [5]_ of what is left.

    With hard capacities :math:`\sum_i q_i x_{ij} \le Q_j y_j` and
    :math:`x_{ij} \in \{0, 1\}`. Then the relaxation leaves a 0/1 knapsack for each
    site [6]_, pairs are dropped by reduced cost, and HiGHS and splits on the number of
    open sites in a part of town close the gap.

    With a budget :math:`\sum_j f_j y_j \le B`, counts by group :math:`l_g \le
    \sum_{j \in J_g} y_j \le u_g`, or a share of the weight within a distance, plans come
    from interchanges that keep these conditions, the bound and the proof from Benders cuts of
    groups of demand [5]_ with their rows, or, as long as no plan is known, from the radius
    formulation [7]_. With these beside hard capacities, the linear relaxation of the model
    above, with their rows and with pairs and rows as they are needed, gives the bound and what
    each pair adds to it; plans come from exchanges of sites, and HiGHS decides on the pairs that
    better plans may use. The share is then of the walks to the sites that demand is given.

    Parameters
    ----------
    cost : ndarray or DataFrame, shape (n_demand, n_sites), or a long DataFrame
        Distance in metres. Rows are demand, columns sites; ``inf`` marks a pair
        that is not allowed, 0 is a distance. In an array the ids are positions.
        A long frame has the columns ``demand_id``, ``site_id``, ``cost_m``, and a
        pair that is absent is not allowed.
    weights : Series by demand id, or ndarray in the row order of `cost`
        Residents, 0 or more. A Series is matched by label.
    p : int or None
        Number of open sites; None, with a budget: as many as it allows.
    load : Series by demand id, or ndarray in the row order of `cost`, optional
        What each demand point takes of the capacity of its site; the weights if absent.
    capacity : Series by site id, ndarray in column order, number or SoftCapacity, optional
        What each site holds at most, in the unit of `load`; ``inf`` for no limit. Each
        demand point goes to one site as a whole, not always the closest. With
        `SoftCapacity`, everybody goes to the closest open site and the result tells
        where that is too much.
    rules : Rules
        Fixed, required and forbidden sites; whether unreachable demand is left out;
        costs and budget, counts by group, share of the weight near a site (`Reach`).
    limits : Limits
        Work, seconds, gap and seed.

    Returns
    -------
    Siting
        The plan with objective, bound, gap and status. The same input, in any
        order of rows and columns, and the same seed give the same plan, unless
        the time limit ended the search. An interrupt returns the best plan so far.

    Raises
    ------
    CostMatrixError
        With one message for each fault: NaN, negative or non-numeric costs or
        weights, ids that do not match or repeat, demand that no allowed site
        reaches, p out of range, more load than all sites hold, unknown or
        contradictory fixed and forbidden sites, a budget without costs or too small for
        the required sites, no p and no budget.

    References
    ----------
    .. [1] ReVelle, C. S. and Swain, R. W. (1970). Central facilities location.
       *Geographical Analysis*, 2(1), 30-42.
       https://doi.org/10.1111/j.1538-4632.1970.tb00142.x
    .. [2] Resende, M. G. C. and Werneck, R. F. (2007). A fast swap-based local
       search procedure for location problems. *Annals of Operations Research*,
       150, 205-230. https://doi.org/10.1007/s10479-006-0154-0
    .. [3] Beasley, J. E. (1993). Lagrangean heuristics for location problems.
       *European Journal of Operational Research*, 65(3), 383-399.
       https://doi.org/10.1016/0377-2217(93)90118-7
    .. [4] Avella, P., Boccia, M., Salerno, S. and Vasilyev, I. (2012). An
       aggregation heuristic for large scale p-median problem. *Computers &
       Operations Research*, 39(7), 1625-1632.
       https://doi.org/10.1016/j.cor.2011.09.016
    .. [5] Duran-Mateluna, C., Ales, Z. and Elloumi, S. (2023). An efficient
       Benders decomposition for the p-median problem. *European Journal of
       Operational Research*, 308(1), 84-96.
       https://doi.org/10.1016/j.ejor.2022.11.033
    .. [6] Ceselli, A. and Righini, G. (2005). A branch-and-price algorithm for the
       capacitated p-median problem. *Networks*, 45(3), 125-142.
       https://doi.org/10.1002/net.20059
    .. [7] Garcia, S., Labbe, M. and Marin, A. (2011). Solving large p-median
       problems with a radius formulation. *INFORMS Journal on Computing*, 23(4),
       546-556. https://doi.org/10.1287/ijoc.1100.0418

    Examples
    --------
    >>> cost = pd.DataFrame(
    ...     {"A": [0.0, 500.0, 900.0], "B": [500.0, 0.0, 400.0], "C": [900.0, 400.0, 0.0]},
    ...     index=["north", "middle", "south"],
    ... )
    >>> residents = pd.Series({"north": 10, "middle": 20, "south": 30})
    >>> plan = p_median(cost, residents, p=2)
    >>> plan.sites, plan.objective, plan.lower_bound, plan.status
    (('B', 'C'), 5000.0, 5000.0, 'proven')
    >>> p_median(cost, residents, p=2, rules=Rules(fixed=["A"])).sites
    ('A', 'C')
    >>> holds = pd.Series({"A": 40.0, "B": 25.0, "C": 40.0})
    >>> full = p_median(cost, residents, p=2, capacity=holds)
    >>> full.sites, full.objective, full.loads["load"].tolist()
    (('B', 'C'), 9000.0, [20.0, 40.0])

    What a budget of 9 buys, where C alone costs 6:

    >>> price = {"A": 3.0, "B": 4.0, "C": 6.0}
    >>> bought = p_median(cost, residents, rules=Rules(cost_of=price, budget=9.0))
    >>> bought.sites, bought.objective, bought.status
    (('A', 'C'), 8000.0, 'proven')
    """
    problem = make_problem(cost, weights, rules, p=p, conditions=True, reach=True)
    if p is None and rules.budget is None:
        raise CostMatrixError(_NO_COUNT)
    held, given = rules.capacity, load is not None or capacity is not None
    if held is None and not given:
        return _planned(problem, p, rules, limits)
    if held is not None and given:
        raise CostMatrixError(_TWICE)
    loads = (
        read_loads(cost, problem, load, capacity)
        if held is None
        else read_loads(cost, problem, held.load, held.amounts)
    )
    if not loads.hard:
        return with_soft_loads(_planned(problem, p, rules, limits), problem, loads)
    return _filled(problem, p, loads, rules, limits)


def _planned(problem: Problem, p: int | None, rules: Rules, limits: Limits) -> Siting:
    if p is not None and not problem.conditions.binding and rules.reach is None:
        return _without_capacity(problem, p, limits)
    plan = least_toll(problem, (Toll(walked), *reach_tolls(problem, rules.reach)), p, limits)
    near = rules.reach or Reach(math.inf, 1.0)
    return checked(
        plan, problem, Asked(model="p_median", p=p, radius_m=near.radius_m, share=near.share)
    )


def _filled(problem: Problem, p: int | None, loads: Loads, rules: Rules, limits: Limits) -> Siting:
    """Solve with hard capacities."""
    if p is not None and not problem.conditions.binding and rules.reach is None:
        relaxed = partial(_without_capacity, problem, p)
        return solve_capacitated(problem, p, loads, rules=rules, limits=limits, relaxed=relaxed)
    tolls = (Toll(walked), *reach_tolls(problem, rules.reach))
    plan = solve_conditioned(problem, tolls, p, loads, limits)
    verify_filling(plan, problem, loads, rules)
    near = rules.reach or Reach(math.inf, 1.0)
    asked = Asked(model="p_median", p=p, radius_m=near.radius_m, share=near.share)
    return checked(plan, problem, asked, assigned=True)


def _without_capacity(problem: Problem, p: int, limits: Limits) -> Siting:
    clock = Effort(limits)
    search = Search(
        limits, integral=False, penalty=math.inf, hopeless=math.inf, started=clock.started
    )
    stopped_by: StoppedBy | None = None
    try:
        core = make_core(problem, p, look=clock.look)
        search.integral, search.penalty, search.hopeless = (
            core.integral,
            core.penalty,
            core.hopeless,
        )
        _solve(core, search)
    except OutOfEffortError as stop:
        stopped_by = stop.reason
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    plan = _result(problem, search, stopped_by, _cause(problem, p, search))
    return checked(plan, problem, Asked(model="p_median", p=p))


def _cause(problem: Problem, p: int, search: Search) -> Message | None:
    """Say how many sites reach everybody, where p do not."""
    if not search.infeasible:
        return None
    return nobody_served(problem, p, Ledger(search.limits, exact=True, work=search.work))


def _solve(core: Core, search: Search) -> None:
    search.raise_bound(math.fsum(core.pairs.paid(np.zeros(len(core.pairs), dtype=np.intp))))
    if _settled(core, search):
        return
    everywhere = np.arange(len(core.sites))
    plan_among(core, greedy(core.pairs, core.slots, search), everywhere, search)
    if core.slots == 1:
        # Greedy has looked at every site.
        search.raise_bound(search.value)
    if search.closed:
        return
    dual = subgradient(core, search)
    if not search.closed and not _settled(dual.core, search):
        finish(dual, search, _solve_region)


def _solve_region(core: Core, search: Search) -> None:
    """Solve a small p-median that has a plan already."""
    if core.decided:
        return
    dual = subgradient(core, search)
    if not search.closed and not dual.core.decided:
        finish(dual, search)
    elif dual.core.decided:
        search.offer(dual.core, np.arange(dual.core.slots))


def _settled(core: Core, search: Search) -> bool:
    """Offer the only plan that a decided core has, which proves the best plan."""
    if not core.decided:
        return False
    search.offer(core, np.arange(core.slots))
    search.raise_bound(search.value)
    return True


def _result(
    problem: Problem, search: Search, stopped_by: StoppedBy | None, cause: Message | None
) -> Siting:
    value, sites = search.plan
    planned = search.feasible and sites is not None
    chosen = sites if planned and sites is not None else np.empty(0, dtype=np.intp)
    near = np.full(len(problem.demand_ids), -1)
    if planned:
        near, _ = closest(problem, chosen)
    objective = value if planned else math.inf
    bound = math.inf if search.infeasible else search.bound
    gap = relative_gap(objective, bound)
    return Siting(
        sites=tuple(problem.site_ids[at] for at in chosen),
        assignment=labelled_sites(problem, near),
        objective=objective,
        bound=bound,
        gap=gap,
        status=_status(search, gap, planned=planned),
        stopped_by=None if gap <= PROVEN_GAP or search.infeasible else stopped_by,
        seconds=search.seconds,
        work=search.work,
        unreachable=labelled_demand(problem, problem.unreachable),
        cause=cause,
    )


def _status(search: Search, gap: float, *, planned: bool) -> Status:
    if search.infeasible:
        return "infeasible"
    if not planned:
        return "stopped"
    return "proven" if gap <= PROVEN_GAP else "gap"
