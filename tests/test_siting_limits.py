"""What is no limit is refused in words; figures of distances near the largest number there is."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridplan.access import gini, kolm_pollak_ede
from gridplan.errors import SettingsError
from gridplan.siting import (
    Limits,
    Rules,
    evaluate,
    lexicographic,
    lscp,
    mclp,
    p_center,
    p_ede,
    p_median,
    p_quantile,
    pareto,
)
from gridplan.siting.conditioned import least_toll
from gridplan.siting.cover import make_cover, reduced
from gridplan.siting.ladder import Toll, beyond_radius, walked
from gridplan.siting.packing_plans import _State
from gridplan.siting.problem import make_problem
from gridplan.siting.search import OutOfEffortError, StoppedBy

COST = np.array([[1.0, 2.0], [3.0, 1.0]])
WEIGHTS = np.array([1.0, 2.0])
BUDGET = Rules(budget=3.0, cost_of={0: 1.0, 1: 1.0})

SOLVERS = {
    "p_median": lambda limits: p_median(COST, WEIGHTS, p=1, limits=limits),
    "capacity": lambda limits: p_median(COST, WEIGHTS, p=1, capacity=9.0, limits=limits),
    "budget": lambda limits: p_median(COST, WEIGHTS, rules=BUDGET, limits=limits),
    "p_center": lambda limits: p_center(COST, p=1, limits=limits),
    "lscp": lambda limits: lscp(COST, radius_m=9.0, limits=limits),
    "mclp": lambda limits: mclp(COST, WEIGHTS, p=1, radius_m=9.0, limits=limits),
    "p_ede": lambda limits: p_ede(COST, WEIGHTS, p=1, limits=limits),
    "p_quantile": lambda limits: p_quantile(COST, WEIGHTS, p=1, share=0.9, limits=limits),
    "lexicographic": lambda limits: lexicographic(
        COST, WEIGHTS, objectives=["mean", "longest"], p=1, limits=limits
    ),
    "pareto": lambda limits: pareto(COST, WEIGHTS, aims=("mean", "longest"), p=1, limits=limits),
}


@pytest.mark.parametrize("limits", [None, 5, Limits, {"time_s": 60}])
@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS.keys())
def test_what_are_no_limits_is_refused_in_words(solver, limits):
    with pytest.raises(SettingsError, match=r"`limits` is .*; expected Limits\(") as caught:
        solver(limits)
    assert caught.value.lines("zh") != caught.value.lines("en")


class Clock:
    """Time that passes with each look: some seconds a look."""

    def __init__(self, seconds):
        self.began, self.seconds, self.looks = time.perf_counter(), seconds, 0

    def __call__(self):
        self.looks += 1
        return self.began + self.seconds * self.looks


LARGE = np.random.default_rng(0).integers(1, 900, (3_000, 1_000)).astype(float)
"""Three blocks of a core, a ladder, and two of the radii."""

BUILDING = {
    "core": lambda limits: p_median(LARGE, np.ones(3_000), p=3, limits=limits),
    "ladder": lambda limits: p_median(
        LARGE, np.ones(3_000), rules=Rules(budget=3.0, cost_of=dict.fromkeys(range(1_000), 1.0)),
        limits=limits,
    ),
    "capacity": lambda limits: p_median(
        LARGE, np.ones(3_000), p=3, capacity=2_000.0, limits=limits
    ),
}  # fmt: skip


@pytest.mark.parametrize("solver", BUILDING.values(), ids=BUILDING.keys())
def test_the_time_is_looked_at_while_a_model_is_built(solver, monkeypatch):
    clock = Clock(1.0)
    monkeypatch.setattr("gridplan.siting.search._now", clock)
    plan = solver(Limits(time_s=2.5))
    assert (plan.status, plan.stopped_by, plan.sites) == ("stopped", "time", ())
    # Three looks, one of them in the middle of the work, and those for the result.
    assert clock.looks <= 6


def test_a_radius_is_looked_for_until_the_time_is_up(monkeypatch):
    monkeypatch.setattr("gridplan.siting.search._now", Clock(1.0))
    plan = p_center(LARGE, p=3, limits=Limits(time_s=1.5))
    assert (plan.stopped_by, len(plan.sites)) == ("time", 3)
    assert plan.status in {"gap", "stopped"}


def test_capacities_are_settled_until_the_time_is_up(monkeypatch):
    shifts = []

    def forever(*_):
        shifts.append(1)
        return True

    monkeypatch.setattr(_State, "_shift", forever)
    monkeypatch.setattr("gridplan.siting.search._now", Clock(1.0))
    walks = np.random.default_rng(3).integers(1, 99, (40, 8)).astype(float)
    plan = p_median(walks, np.ones(40), p=3, capacity=14.0, limits=Limits(time_s=60.0))
    assert (plan.stopped_by, len(plan.sites)) == ("time", 3)
    assert plan.loads["load"].max() <= 14.0
    assert 0 < len(shifts) <= 60


def test_a_plan_that_is_known_is_kept_where_no_time_is_left_for_any_model():
    walks = np.array([[450.0, 0.0], [450.0, 600.0], [480.0, 510.0]])
    problem = make_problem(walks, np.array([30.0, 10.0, 10.0]), Rules(), p=1, conditions=True)
    tolls = (Toll(walked), Toll(beyond_radius(500.0), 0.0))
    plan = least_toll(problem, tolls, 1, Limits(time_s=1e-9), start=np.array([0]))
    assert (plan.sites, plan.objective, plan.status) == ((0,), 22_800.0, "gap")
    assert plan.stopped_by == "time"


def test_a_cover_is_made_smaller_under_the_clock():
    problem = make_problem(LARGE[:50, :20], None, Rules(), p=3, conditions=True)
    looks = []
    reduced(
        make_cover(problem, LARGE[:50, :20] < 300, problem.counted, p=3), lambda: looks.append(1)
    )
    assert looks
    with pytest.raises(OutOfEffortError):
        reduced(make_cover(problem, LARGE[:50, :20] < 300, problem.counted, p=3), _up)


def _up():
    reason: StoppedBy = "time"
    raise OutOfEffortError(reason)


walks = st.lists(st.tuples(st.floats(0, 1e4), st.integers(1, 50)), min_size=1, max_size=8).filter(
    lambda one: max(metres for metres, _ in one) > 1e-3
)


@given(walks, st.integers(-900, 900))
def test_figures_of_spread_follow_the_unit(given_walks, power):
    metres = np.array([one for one, _ in given_walks])
    people = np.array([float(count) for _, count in given_walks])
    unit = 2.0**power
    plain, other = (kolm_pollak_ede(metres * scale, people) for scale in (1.0, unit))
    assert other == pytest.approx(plain * unit, rel=1e-9)
    assert gini(metres * unit, people) == pytest.approx(gini(metres, people), abs=1e-12)
    kappa = 0.001
    fixed = kolm_pollak_ede(metres, people, kappa_per_m=kappa)
    assert kolm_pollak_ede(metres * unit, people, kappa_per_m=kappa / unit) == pytest.approx(
        fixed * unit, rel=1e-9
    )


@pytest.mark.parametrize("size", [1e154, 1e200, 1e290])
def test_costs_whose_squares_overflow_have_their_figures(size):
    found = evaluate(COST * size, [0], WEIGHTS)
    plain = evaluate(COST, [0], WEIGHTS)
    assert found.objective == pytest.approx(plain.objective * size)
    assert found.ede_m == pytest.approx(plain.ede_m * size)
    assert found.gini == pytest.approx(plain.gini)
    assert math.isfinite(found.ede_m)


@pytest.mark.parametrize("solver", ["p_median", "p_center", "p_ede", "p_quantile", "mclp", "lscp"])
def test_limits_too_tight_for_a_plan_or_a_bound_are_told(solver):
    plan = SOLVERS[solver](Limits(time_s=1e-9))
    assert plan.stopped_by == "time"
    if plan.status == "stopped":
        told = plan.cause
        assert "before there was a plan. This does not mean that none exists" in told.en
    else:
        assert math.isinf(plan.gap)
        (told,) = plan.notes
        assert "before there was a bound" in told.en
    assert "ended by the limit of time" in told.en
    assert "时间上限" in told.zh
    assert str(plan.restated(plan.objective, plan.bound).notes) == str(plan.notes)
