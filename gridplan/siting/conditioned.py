"""The least total of a toll under budget, counts by group, and limits on other tolls: exact."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gridplan.errors import Message
from gridplan.siting.aggregated import finish, make_cuts, relax
from gridplan.siting.causes import nobody_served
from gridplan.siting.cover import filled, greedy_cover, make_cover, reduced, set_model
from gridplan.siting.highs import Options, Outcome, solve_model
from gridplan.siting.improving import improve_within, make_table
from gridplan.siting.ladder import Ladder, Toll, beyond_radius, make_ladder
from gridplan.siting.ledger import Ledger, siting_of
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.options import Limits, Reach
from gridplan.siting.problem import Problem
from gridplan.siting.result import Siting
from gridplan.siting.search import OutOfEffortError, StoppedBy

# How far the levels of a model reach at first, as a share of the walks of the best plan, and
# how much farther where that is too short.
_REACH, _STRIDE = 1.5, 2.0
_WHOLE_SLACK = 1e-6
_ROUNDING_SHARE = 1e-12
# Levels from which the cuts of whole groups are the smaller model.
_MOST_LEVELS = 0
# Share of sites ruled out at which a smaller model pays.
_SHRINK_SHARE = 0.1


def reach_tolls(problem: Problem, reach: Reach | None) -> tuple[Toll, ...]:
    """Return the toll of living farther than a radius, limited so that the share is reached."""
    if reach is None:
        return ()
    total = math.fsum(problem.weights)
    lost = math.fsum(problem.weights[problem.unreachable])

    most = (1.0 - reach.share) * total - lost
    return (Toll(beyond_radius(reach.radius_m), most, reach),)


def least_toll(
    problem: Problem,
    tolls: tuple[Toll, ...],
    p: int | None,
    limits: Limits,
    *,
    start: Positions | None = None,
) -> Siting:
    """Return the plan with the least total of the first toll, as `minimise` finds it."""
    counted = problem.counted
    ledger = Ledger(limits)
    metres = problem.cost[counted]
    finite = metres[np.isfinite(metres)]
    ledger.whole = _are_whole(tolls[0].of(finite)) and _are_whole(problem.weights[counted])
    stopped_by: StoppedBy | None = None
    try:
        minimise(problem, tolls, p, ledger, start=start)
    except OutOfEffortError as stop:
        stopped_by = stop.reason
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    if p is None and ledger.plan[1] is not None:
        ledger.plan = (ledger.value, _lean(problem, tolls, ledger.plan[1]))
    return siting_of(ledger, problem, stopped_by, unreachable=problem.unreachable)


def _lean(problem: Problem, tolls: tuple[Toll, ...], sites: Positions) -> Positions:
    """Return a plan without sites that nobody needs, the dearest dropped first."""
    conditions = problem.conditions
    cost = np.zeros(len(problem.site_ids)) if conditions.cost is None else conditions.cost
    ladder = make_ladder(problem, tolls, None, opened=problem.must_open, closed=~problem.may_open)
    own = sites[~problem.must_open[sites]]
    chosen = np.searchsorted(ladder.sites, own)
    paid = ladder.tolls(ladder.ranks(chosen))
    for at in sorted(chosen.tolist(), key=lambda one: (-cost[ladder.sites[one]], one)):
        fewer = chosen[chosen != at]
        if ladder.holds(fewer) and (ladder.tolls(ladder.ranks(fewer)) <= paid).all():
            chosen = fewer
    return np.sort(np.concatenate([ladder.opened, ladder.sites[chosen]]))


def _are_whole(values: Floats) -> bool:
    return bool((values == np.floor(values)).all())


@dataclass
class _Task:
    """What is asked, and which sites are open or closed in every better plan."""

    problem: Problem
    tolls: tuple[Toll, ...]
    p: int | None
    ledger: Ledger
    opened: Flags
    closed: Flags

    def ladder(self) -> Ladder:
        return make_ladder(
            self.problem,
            self.tolls,
            self.p,
            opened=self.opened,
            closed=self.closed,
            look=self.ledger.look,
        )

    def columns(self, ladder: Ladder) -> Positions | None:
        """Return the best plan as columns; None if it uses sites that are ruled out."""
        sites = self.ledger.plan[1]
        if sites is None or not np.isin(ladder.opened, sites).all():
            return None
        own = sites[~np.isin(sites, ladder.opened)]
        return np.searchsorted(ladder.sites, own) if np.isin(own, ladder.sites).all() else None

    @property
    def room(self) -> float:
        """No plan that costs more than this is better than the best one."""
        value = self.ledger.value
        if not math.isfinite(value):
            return math.inf
        whole = self.ledger.whole
        return value - (1.0 - _WHOLE_SLACK if whole else 0.0) + 2.0 * _ROUNDING_SHARE * abs(value)


def minimise(
    problem: Problem,
    tolls: tuple[Toll, ...],
    p: int | None,
    ledger: Ledger,
    *,
    start: Positions | None = None,
    explain: bool = True,
) -> None:
    r"""
    Find the sites with the least total of the first toll, in `ledger`.

    All demand is served, the conditions of the problem hold, and the total of each other
    toll stays within its `most`. Plans come from interchanges that keep the conditions,
    the bound and the proof from cuts of whole groups (`aggregated`). As long as no plan is
    known, they come from the radius formulation [1]_ with the rows of the conditions: only
    the closest levels of each demand point are in the model, which makes it a relaxation;
    more are added until its best solution needs no other.

    Parameters
    ----------
    tolls : tuple of Toll
        The objective, then those that are limited.
    p : int or None
        Open sites; None for any number.
    start : ndarray, optional
        Open sites of a plan that keeps everything.
    explain : bool
        Tell why, where it is proven that there is no plan.

    References
    ----------
    .. [1] Garcia, S., Labbe, M. and Marin, A. (2011). Solving large p-median
       problems with a radius formulation. *INFORMS Journal on Computing*, 23(4),
       546-556. https://doi.org/10.1287/ijoc.1100.0418
    """
    _minimise(problem, tolls, p, ledger, start)
    if explain and ledger.infeasible:
        ledger.cause = cause_of(problem, tolls, p, ledger)


def cause_of(problem: Problem, tolls: tuple[Toll, ...], p: int | None, ledger: Ledger) -> Message:
    """Say which limits no plan keeps, and what change of one would do."""
    caps = [toll for toll in tolls[1:] if math.isfinite(toll.most)]
    reaches = tuple(toll.reach for toll in caps if toll.reach is not None)
    return nobody_served(problem, p, ledger, reaches=reaches, others=len(reaches) < len(caps))


def _minimise(
    problem: Problem,
    tolls: tuple[Toll, ...],
    p: int | None,
    ledger: Ledger,
    start: Positions | None,
) -> None:
    if start is not None:
        # Before any table is built: the limits may end sooner than that.
        ledger.offer(_total(problem, tolls[0], start), np.sort(start))
    task = _Task(problem, tolls, p, ledger, problem.must_open.copy(), ~problem.may_open)
    ladder = task.ladder()
    ledger.bring_bound(float(ladder.tolls(np.zeros(len(ladder.base[0]), dtype=np.intp))[0]))
    sites = _first_plan(task) if start is None else start
    if sites is None:
        return
    own = sites[~np.isin(sites, ladder.opened)]
    chosen = np.searchsorted(ladder.sites, own)
    if len(ladder.sites):
        improve_within(make_table(problem, tolls, ladder), chosen, ledger)
    else:
        ledger.offer(float(ladder.tolls(ladder.ranks(chosen))[0]), ladder.opened)
    if not ledger.closed:
        _prove(task, ladder)


def _total(problem: Problem, toll: Toll, sites: Positions) -> float:
    """Return the total of a toll with some sites open; ``inf`` where somebody reaches none."""
    rows = problem.counted
    nearest = problem.cost[np.ix_(rows, sites)].min(axis=1, initial=np.inf)
    if not np.isfinite(nearest).all():
        return math.inf
    return math.fsum(problem.weights[rows] * toll.of(nearest))


def _first_plan(task: _Task) -> Positions | None:
    """Return a plan that keeps everything; None if it is proven that there is none."""
    problem, ledger = task.problem, task.ledger
    if len(task.tolls) == 1:
        sites = serving_sites(problem, task.p, ledger)
        if sites is None:
            ledger.infeasible = True
        return sites
    # The last limit first: a plan that keeps it, and all before, is where to begin.
    *others, last = task.tolls[1:]
    most = last.most + 1e-9 * max(1.0, abs(last.most))
    inner = Ledger(
        replace(ledger.question(ledger.limits), gap=0.0),
        started=ledger.started,
        work=ledger.work,
        on_the_way=ledger.planned,
        target=most,
    )
    inner.rng = ledger.rng
    try:
        _minimise(problem, (replace(last, most=math.inf), *others), task.p, inner, None)
    finally:
        ledger.work = inner.work
    if inner.infeasible or inner.bound > most:
        ledger.infeasible = True
        return None
    return inner.plan[1]


def serving_sites(problem: Problem, p: int | None, ledger: Ledger) -> Positions | None:
    """Return sites that keep the conditions and reach everybody; None if none do."""
    ledger.spend(1.0)
    cover = make_cover(problem, np.isfinite(problem.cost), problem.counted, p=p)
    if not cover.covers.any(axis=1).all():
        return None
    small = reduced(cover)
    if small.free:
        chosen = greedy_cover(small)
        if small.slots is None or len(chosen) <= small.slots:
            return filled(problem, small.positions(chosen), p)
    out = solve_model(set_model(small, np.zeros(len(small.sites))), ledger)
    found = out.chosen(len(small.sites))
    if found is None:
        ledger.heed(out.stopped_by)
        return None
    sites = small.positions(found)
    return filled(problem, sites, p) if small.free else sites


def _prove(task: _Task, ladder: Ladder) -> None:
    """Close the gap between plan and bound."""
    ledger = task.ledger
    plan = task.columns(ladder)
    if plan is not None and _is_large(task, ladder):
        cuts = make_cuts(ladder, ledger, plan)
        relax(cuts, task.room, plan)
        finish(cuts)
        return
    ladder, used = _relaxed(task, ladder)
    barred: list[Positions] = []
    while not ledger.closed:
        model, constant = ladder.model(used, barred)
        best = task.columns(ladder)
        start = None if best is None else ladder.columns(used, best)
        out = solve_model(model, ledger, start=start, options=Options(gap=ledger.limits.gap))
        if out.answer == "infeasible":
            _nothing_better(ledger)
            return
        chosen = out.chosen(len(ladder.sites))
        wider = np.empty(0, dtype=np.intp)
        if chosen is not None:
            wider = _taken(ladder, used, chosen, ledger, barred)
        ledger.bring_bound(constant + _bound(out, ladder, used, chosen, constant, ledger))
        ledger.heed(out.stopped_by)
        if out.answer == "stopped":
            return
        used[wider] = _longer(used[wider], ladder.count[wider])


def _is_large(task: _Task, ladder: Ladder) -> bool:
    """Whether cuts of whole groups take less time than the levels of all demand."""
    return int(ladder.levels_within(_first_reach(task, ladder)).sum()) > _MOST_LEVELS


def _bound(
    out: Outcome,
    ladder: Ladder,
    used: Positions,
    chosen: Positions | None,
    constant: float,
    ledger: Ledger,
) -> float:
    """Return the bound of a model less its constant, without the solver's tolerances."""
    if out.answer != "optimal" or chosen is None or ledger.limits.gap:
        return out.bound
    return float(ladder.tolls(_within(ladder, used, chosen))[0]) - constant


def _within(ladder: Ladder, used: Positions, chosen: Positions) -> Positions:
    """Return the levels that a model of the first few counts for a set of columns."""
    return np.minimum(ladder.ranks(chosen), used)


def _taken(
    ladder: Ladder,
    used: Positions,
    chosen: Positions,
    ledger: Ledger,
    barred: list[Positions],
) -> Positions:
    """Offer a solution as a plan; return the demand whose levels it goes beyond."""
    ranks = ladder.ranks(chosen)
    tolls = ladder.tolls(ranks)
    good = bool(np.isfinite(tolls[0])) and ladder.holds(chosen) and ladder.allowed(tolls)
    if good:
        ledger.offer(float(tolls[0]), np.concatenate([ladder.opened, ladder.sites[chosen]]))
    wider: Positions = np.flatnonzero((ranks >= used) & (used < ladder.count))
    if not good and not len(wider):
        # Within the tolerances of HiGHS, but not within ours.
        barred.append(chosen)
    return wider


def _longer(used: Positions, count: Positions) -> Positions:
    longer: Positions = np.minimum(np.ceil(_STRIDE * np.maximum(used, 1)).astype(np.intp), count)
    return longer


def _nothing_better(ledger: Ledger) -> None:
    """Take it as proven that no plan is better than the best one, or that there is none."""
    if ledger.plan[1] is None:
        ledger.infeasible = True
    else:
        ledger.bring_bound(ledger.value)


def _relaxed(task: _Task, ladder: Ladder) -> tuple[Ladder, Positions]:
    """Solve the linear relaxation, rule sites out by it, and return what is left."""
    ledger = task.ledger
    reach_m = _first_reach(task, ladder)
    used = ladder.levels_within(reach_m)
    while True:
        model, constant = ladder.model(used)
        out = solve_model(model.relaxed, ledger)
        if out.answer == "infeasible":
            _nothing_better(ledger)
            return ladder, used
        ledger.bring_bound(constant + out.bound)
        ledger.heed(out.stopped_by)
        if ledger.closed or out.values is None or out.reduced is None:
            return ladder, used
        m = len(ladder.sites)
        wider = ladder.reached(used, out.values[m:])
        used[wider] = _longer(used[wider], ladder.count[wider])
        reach_m = np.maximum(reach_m, ladder.metres_of(used))
        if _fixed(task, ladder, constant + out.bound, out.reduced[:m]):
            ladder = task.ladder()
            used = ladder.levels_within(reach_m)
        elif not len(wider):
            return ladder, used


def _fixed(task: _Task, ladder: Ladder, bound: float, reduced: Floats) -> bool:
    """Open and close what no better plan has otherwise; True if that is much."""
    lift = bound + np.abs(reduced)
    beyond = (lift > task.room) & (reduced != 0)
    closing, opening = beyond & (reduced > 0), beyond & (reduced < 0)
    if not opening.any() and closing.sum() < _SHRINK_SHARE * max(1, len(ladder.sites)):
        return False
    task.closed[ladder.sites[closing]] = True
    task.opened[ladder.sites[opening]] = True
    return True


def _first_reach(task: _Task, ladder: Ladder) -> Floats:
    """Return how far the levels of a model reach at first: somewhat beyond the best plan."""
    best = task.columns(ladder)
    if best is None:
        return np.full(len(ladder.count), np.inf)
    return _REACH * ladder.metres_of(ladder.ranks(best) + 1)
