"""Balanced connected districts round a centre, with a bound on what may be lacking."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gridplan.siting.options import Limits
from gridplan.siting.search import Effort, OutOfEffortError
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.districts_bound import lower_bound
from gridplan.zones.districts_checks import check_districts
from gridplan.zones.districts_exact import best_districts, near_pairs
from gridplan.zones.districts_missed import missed_bounds
from gridplan.zones.districts_problem import (
    DistrictOptions,
    DistrictPlan,
    DistrictProblem,
    DistrictStatus,
    Flags,
    district_cost,
)
from gridplan.zones.districts_search import (
    Best,
    Course,
    Districts,
    anneal_districts,
    grown,
    spread_centres,
)
from gridplan.zones.pieces import zones_per_piece

DEFAULT = DistrictOptions()
DEFAULT_LIMITS = Limits(work=1_000_000)
_MOVES_PER_STEP = 100.0
_RECENTRED = 5
_NEAR_CENTRES, _NEAR_HOPS = 3, 1
_NEAR_GAP = 0.002
"""A plan as near to the best near an arrangement is good enough to go on with."""
_COLUMNS = 1_000.0
"""A step on a model of more columns takes longer in proportion."""
_WIDE = 0.1
"""A gap that a model of more than `_COLUMNS` columns does not close within its work."""
_PROVEN = 1e-9
_HARD = {"hot": 0.01, "cold": 0.0005, "dear": 6.0, "pace": 1.1}
"""From an arrangement that is kept: cold, and dearer until the loads are within the bounds."""


@dataclass(slots=True)
class _Run:
    """What a search has found so far; true at any moment at which it is stopped."""

    problem: DistrictProblem
    options: DistrictOptions
    effort: Effort
    best: Best = field(default_factory=Best)
    pool: list[tuple[float, list[int]]] = field(default_factory=list)
    bound: float = 0.0
    moves: int = 0
    none_exists: bool = False
    stopped_by: str | None = None

    def spend(self, moves: int) -> None:
        self.moves += moves
        self.effort.spend(moves / _MOVES_PER_STEP)

    @property
    def target(self) -> float:
        """Cost of the best plan within the bounds; ``inf`` before there is one."""
        return self.best.rank[1] if self.best.rank[0] == 0.0 else math.inf


def districts(
    problem: DistrictProblem, *, options: DistrictOptions = DEFAULT, limits: Limits = DEFAULT_LIMITS
) -> DistrictPlan:
    r"""
    Group units into connected districts of bounded load, near to a centre.

    Location-allocation gives the starts: districts grown from spread centres, which
    then move to where their district costs least. Annealing with moves, swaps and
    chains follows, first with loads that may be beyond the bounds at a price. The best
    arrangements of centres are then annealed within the bounds, and a whole-number
    model looks for the best plan near each of them. A Lagrangian bound says how little
    a plan could cost, rules out pairs of unit and centre that no better plan uses, and,
    where few enough are left, a model with rounds of separator cuts decides.

    Parameters
    ----------
    problem : DistrictProblem
        Not changed.
    options : DistrictOptions, optional
    limits : Limits, optional
        Work (a hundred proposed moves, ten simplex iterations or a node are one step),
        a safety stop in seconds, the gap that is good enough, and the seed.

    Returns
    -------
    DistrictPlan
        The same for any order of the units, where they have ids. Loads that are beyond
        their bounds are no error: see ``missed``.

    Raises
    ------
    InputError
        If arrays do not fit together, or a weight or a cost is negative or missing, or
        all weights are 0.
    SettingsError
        If `k` or the bounds mean nothing.
    InfeasibleError
        If there are fewer units than districts, more pieces of land, or a total load
        that `k` districts within the bounds cannot have.

    Examples
    --------
    >>> line = np.abs(np.subtract.outer(np.arange(6.0), np.arange(6.0)))
    >>> row = DistrictProblem(
    ...     np.arange(5), np.arange(1, 6), np.ones((6, 1)), line, 2,
    ...     np.array([3.0]), np.array([3.0]),
    ... )
    >>> plan = districts(row)
    >>> plan.district.tolist(), plan.centre.tolist(), plan.objective, plan.status
    ([0, 0, 0, 1, 1, 1], [1, 4], 4.0, 'proven')
    """
    check_districts(problem)
    order = np.array(
        sorted(range(problem.count), key=lambda at: (str(problem.names[at]), at))
        if problem.ids
        else range(problem.count),
        dtype=np.intp,
    )
    run = _Run(problem.reordered(order), options, Effort(limits))
    try:
        for stage in _STAGES:
            if run.stopped_by is None and not _good_enough(run):
                stage(run)
    except OutOfEffortError as stop:
        run.stopped_by = stop.reason
    return _plan(run, problem, order)


def _good_enough(run: _Run) -> bool:
    gap = max(run.effort.limits.gap, _PROVEN)
    return math.isfinite(run.target) and run.target - run.bound <= gap * run.target


def _arranged(run: _Run) -> None:
    """Anneal the starts, and keep the best of each arrangement of centres."""
    problem, options, effort = run.problem, run.options, run.effort
    piece = labelled_components(problem.left, problem.right, problem.count)
    weight = (problem.weights / problem.weights.sum(axis=0)).sum(axis=1)
    quota = zones_per_piece(weight, piece, problem.k)
    moves = max(options.moves_per_unit * problem.count, options.least_moves)
    course = Course(moves)
    found: dict[tuple[int, ...], tuple[float, list[int]]] = {}
    for number in range(options.starts):
        rng = np.random.default_rng([effort.limits.seed, number])
        centres = spread_centres(problem, quota, piece, rng)
        district = grown(problem, centres, weight)
        for _ in range(_RECENTRED):
            centres = district_cost(problem, district)[1].tolist()
            district = grown(problem, centres, weight)
        state = Districts(problem, district)
        soft = Best(dear=course.dear * state.unit)
        anneal_districts(state, (run.best, soft), course, rng, run.spend)
        key = tuple(sorted(district_cost(problem, np.array(soft.district))[1].tolist()))
        one = soft.rank[1], soft.district
        found[key] = min(found.get(key, one), one)
    run.pool = sorted(found.values())


def _hardened(run: _Run) -> None:
    """Bring the best arrangements within the bounds."""
    options, problem = run.options, run.problem
    moves = max(options.moves_per_unit * problem.count, options.least_moves)
    for number, (_, district) in enumerate(run.pool[: options.hardened]):
        rng = np.random.default_rng([run.effort.limits.seed, number, 1])
        state = Districts(problem, np.array(district, dtype=np.intp))
        anneal_districts(state, (run.best,), Course(moves, **_HARD), rng, run.spend)


def _bounded(run: _Run) -> None:
    """Raise the bound."""
    if run.options.bound_steps:
        steps = run.options.bound_steps
        bound = lower_bound(run.problem, run.target, steps=steps)
        run.effort.spend(bound.steps)
        run.bound = max(run.bound, bound.value)


def _searched_near(run: _Run) -> None:
    """Look for the best plan near each arrangement, by a whole-number model."""
    for district in [run.best.district, *(one for _, one in run.pool)]:
        _try_exact(
            run,
            near_pairs(
                run.problem,
                np.array(district, dtype=np.intp),
                centres=_NEAR_CENTRES,
                hops=_NEAR_HOPS,
            ),
            columns=run.options.near_columns,
            work=run.options.near_work,
            gap=_NEAR_GAP,
        )
        if run.stopped_by is not None or _good_enough(run):
            return


def _decided(run: _Run) -> None:
    """Decide what the bound leaves open."""
    options = run.options
    allowed = np.ones((run.problem.count, run.problem.count), dtype=np.bool_)
    if options.bound_steps:
        bound = lower_bound(run.problem, run.target, steps=options.bound_steps)
        run.effort.spend(bound.steps)
        run.bound, allowed = max(run.bound, bound.value), bound.open
    wide = math.isfinite(run.target) and run.target - run.bound > _WIDE * run.target
    if wide and int(allowed.sum()) > _COLUMNS:
        return
    below = _try_exact(run, allowed, columns=options.exact_columns, work=options.exact_work)
    if below is not None:
        run.none_exists = math.isinf(below) and math.isinf(run.target)
        run.bound = max(run.bound, min(below, run.target))


def _try_exact(
    run: _Run, allowed: Flags, *, columns: int, work: float, gap: float = 0.0
) -> float | None:
    """Keep what a model finds; return its bound on all plans it allows, None if left out."""
    size = int(allowed.sum())
    if not 0 < size <= columns:
        return None
    work *= min(1.0, _COLUMNS / size)
    out = best_districts(run.problem, allowed, run.target, run.effort, work=work, gap=gap)
    run.stopped_by = out.stopped_by
    if out.district is not None:
        cost = district_cost(run.problem, out.district)[0]
        run.best.offer(0.0, cost, out.district.tolist())
    return out.bound


_STAGES: tuple[Callable[[_Run], None], ...] = (
    _arranged,
    _hardened,
    _bounded,
    _searched_near,
    _decided,
)


def _plan(run: _Run, problem: DistrictProblem, order: Ints) -> DistrictPlan:
    """Return the best plan in the order in which the units were given."""
    ordered = np.array(run.best.district, dtype=np.intp)
    centres = district_cost(run.problem, ordered)[1]
    rank = np.empty(problem.k, dtype=np.intp)
    rank[np.argsort(centres)] = np.arange(problem.k)
    district = np.empty(problem.count, dtype=np.intp)
    district[order] = rank[ordered]
    objective, _ = district_cost(problem, district)
    loads = np.array([problem.weights[district == own].sum(axis=0) for own in range(problem.k)])
    missed = missed_bounds(problem, loads, none_exists=run.none_exists)
    gap = max(0.0, 1.0 - run.bound / objective) if objective > 0 else 0.0
    status: DistrictStatus = "proven" if gap <= _PROVEN else "gap"
    return DistrictPlan(
        district=district,
        centre=order[np.sort(centres)],
        loads=loads,
        objective=objective,
        bound=min(run.bound, objective) if not missed else run.bound,
        gap=gap,
        status="unbalanced" if missed else status,
        work=run.moves,
        missed=missed,
        stopped_by=run.stopped_by,
    )
