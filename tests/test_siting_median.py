"""The p-median against brute force, its promises, and what happens when it is stopped."""

import _thread
import itertools
import math
import threading
import time
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.siting import Limits, Rules, evaluate, p_ede, p_median

QUICK = settings(max_examples=40, deadline=None)
INF = np.inf


@st.composite
def instances(draw, *, whole=None, holes=None):
    """Return cost, weights, p and rules of a small problem, with ids out of order."""
    n, m = draw(st.integers(1, 14)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    whole = draw(st.booleans()) if whole is None else whole
    cost = rng.integers(0, 30, (n, m)).astype(float) if whole else rng.uniform(0, 3000, (n, m))
    if draw(st.booleans()) if holes is None else holes:
        cost[rng.random((n, m)) < 0.35] = INF
    weights = rng.integers(0, 6, n).astype(float) * (1.0 if whole else 0.37)
    roles = rng.choice(["free", "fixed", "required", "forbidden"], m, p=[0.7, 0.1, 0.1, 0.1])
    sites = np.array([f"s{at}" for at in rng.permutation(m)])
    rules = Rules(
        fixed=sites[roles == "fixed"],
        required=sites[roles == "required"],
        forbidden=sites[roles == "forbidden"],
        allow_unreachable=True,
    )
    least = max(1, int(np.isin(roles, ["fixed", "required"]).sum()))
    most = int((roles != "forbidden").sum())
    if most < least:
        rules, most = Rules(allow_unreachable=True), m
    p = draw(st.integers(least, most))
    demand = [f"d{at}" for at in rng.permutation(n)]
    return pd.DataFrame(cost, demand, sites), pd.Series(weights, demand), p, rules


def brute_force(cost, weights, p, rules):
    """Return the least objective over all sets of p sites; inf if none serves everybody."""
    must = {*rules.fixed, *rules.required}
    allowed = [site for site in cost.columns if site not in set(rules.forbidden)]
    counted = (weights > 0) & np.isfinite(cost[allowed]).any(axis=1)
    metres, weight = cost[counted], weights[counted].to_numpy()
    best = INF
    for sites in itertools.combinations(allowed, p):
        if must <= set(sites):
            best = min(best, math.fsum(weight * metres[list(sites)].min(axis=1).to_numpy()))
    return best


def check_plan(plan, cost, weights, p, rules):
    """Check what every plan promises, whatever its objective."""
    chosen = list(plan.sites)
    assert len(set(chosen)) == p
    assert {*rules.fixed, *rules.required} <= set(chosen)
    assert not set(rules.forbidden) & set(chosen)
    reached = plan.assignment.dropna()
    assert set(reached) <= set(chosen)
    assert list(plan.assignment.index) == sorted(cost.index)
    walked = pd.Series({i: cost.loc[i, j] for i, j in reached.items()}, dtype=float)
    nearest = cost.loc[reached.index, chosen].min(axis=1)
    assert (walked == nearest).all()
    served = [i for i in cost.index if i not in plan.unreachable and weights[i] > 0]
    assert set(served) <= set(reached.index)
    assert plan.objective == pytest.approx(float((walked * weights)[served].sum()), rel=1e-12)


@given(instances())
@QUICK
def test_equals_brute_force(instance):
    cost, weights, p, rules = instance
    best = brute_force(cost, weights, p, rules)
    plan = p_median(cost, weights, p=p, rules=rules)
    if math.isinf(best):
        assert (plan.status, plan.sites, plan.objective) == ("infeasible", (), INF)
        assert plan.assignment.isna().all()
        return
    assert plan.status == "proven"
    assert plan.stopped_by is None
    assert plan.objective == pytest.approx(best, rel=1e-12, abs=1e-9)
    assert plan.lower_bound == plan.bound <= plan.objective
    check_plan(plan, cost, weights, p, rules)


@given(instances(), st.integers(1, 60), st.integers(0, 3))
@QUICK
def test_stopped_anywhere_the_bound_is_on_the_right_side(instance, work, seed):
    cost, weights, p, rules = instance
    best = brute_force(cost, weights, p, rules)
    plan = p_median(cost, weights, p=p, rules=rules, limits=Limits(work=work, seed=seed))
    if math.isinf(best):
        assert plan.status in {"infeasible", "stopped"}
        return
    assert plan.status in {"proven", "gap", "stopped"}
    assert plan.bound <= best + 1e-9 * max(1.0, best)
    assert plan.objective >= best - 1e-9 * max(1.0, best)
    if plan.status == "proven":
        assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    else:
        assert plan.stopped_by == "work"
    if plan.sites:
        check_plan(plan, cost, weights, p, rules)


@given(instances(whole=True, holes=False), st.integers(0, 10**6))
@QUICK
def test_order_of_rows_and_columns_changes_nothing(instance, seed):
    cost, weights, p, rules = instance
    rng = np.random.default_rng(seed)
    shuffled = cost.iloc[rng.permutation(len(cost)), rng.permutation(cost.shape[1])]
    one = p_median(cost, weights, p=p, rules=rules)
    two = p_median(shuffled, weights.iloc[rng.permutation(len(weights))], p=p, rules=rules)
    assert (one.sites, one.objective, one.bound) == (two.sites, two.objective, two.bound)
    pd.testing.assert_series_equal(one.assignment, two.assignment)


@given(instances(holes=False))
@QUICK
def test_objective_never_rises_with_p(instance):
    cost, weights, _, _ = instance
    plans = [p_median(cost, weights, p=p) for p in range(1, cost.shape[1] + 1)]
    objectives = [plan.objective for plan in plans]
    assert all(b <= a * (1 + 1e-12) for a, b in itertools.pairwise(objectives))


@given(instances(holes=False))
@QUICK
def test_evaluate_gives_the_objective_of_the_plan(instance):
    cost, weights, p, rules = instance
    plan = p_median(cost, weights, p=p, rules=rules)
    figures = evaluate(cost, plan.sites, weights)
    assert figures.objective == plan.objective
    assert figures.sites == plan.sites
    assert figures.loads.sum() == pytest.approx(weights.sum())
    assert figures.loads.index.tolist() == list(plan.sites)
    pd.testing.assert_series_equal(figures.assignment, plan.assignment)


def town(n, m, seed=0):
    """Return Manhattan metres in a square of 3 km, and residents."""
    rng = np.random.default_rng(seed)
    demand, sites = rng.uniform(0, 3000, (n, 2)), rng.uniform(0, 3000, (m, 2))
    return np.abs(demand[:, None] - sites[None]).sum(axis=2), rng.integers(5, 121, n).astype(float)


def test_array_ids_are_positions():
    cost, weights = town(60, 20)
    plan = p_median(cost, weights, p=4)
    assert plan.status == "proven"
    assert all(isinstance(site, int) for site in plan.sites)
    best = min(
        float(weights @ cost[:, list(sites)].min(axis=1))
        for sites in itertools.combinations(range(20), 4)
    )
    assert plan.objective == pytest.approx(best, rel=1e-12)


@given(instances(holes=False))
@QUICK
def test_cuts_and_branches_alone_equal_brute_force(instance):
    cost, weights, p, rules = instance
    with mock.patch("gridplan.siting.lagrangian._ITERATIONS", 2):
        plan = p_median(cost, weights, p=p, rules=rules)
    assert plan.status == "proven"
    assert plan.objective == pytest.approx(brute_force(cost, weights, p, rules), rel=1e-9)


def test_the_bound_rises_through_cuts_and_branches():
    cost, weights = town(60, 16, seed=11)
    bounds = []
    limits = Limits(progress=lambda bound, _: bounds.append(bound))
    with mock.patch("gridplan.siting.lagrangian._ITERATIONS", 2):
        plan = p_median(cost, weights, p=4, limits=limits)
    assert bounds == sorted(bounds)
    assert plan.status == "proven"
    best = min(
        float(weights @ cost[:, list(sites)].min(axis=1))
        for sites in itertools.combinations(range(16), 4)
    )
    assert plan.objective == pytest.approx(best, rel=1e-12)


def test_gap_that_is_good_enough_ends_the_search():
    cost, weights = town(300, 80)
    plan = p_median(cost, weights, p=6, limits=Limits(gap=0.05))
    assert plan.status == "gap"
    assert plan.stopped_by is None
    assert plan.gap <= 0.05


def test_same_seed_same_plan():
    cost, weights = town(400, 100)
    one, two = (p_median(cost, weights, p=7, limits=Limits(work=900, seed=3)) for _ in range(2))
    assert (one.sites, one.objective, one.bound) == (two.sites, two.objective, two.bound)
    assert one.work == two.work


def test_too_little_work_for_a_plan_still_gives_a_bound():
    cost, weights = town(50, 20)
    plan = p_median(cost, weights, p=5, limits=Limits(work=2))
    assert (plan.status, plan.stopped_by, plan.sites) == ("stopped", "work", ())
    assert plan.objective == plan.gap == INF
    assert plan.bound == pytest.approx(float((weights * cost.min(axis=1)).sum()))


@pytest.mark.parametrize("looks", [0, 20, 100, 300])
def test_a_run_ended_by_time_is_never_called_proven(looks):
    cost, weights = town(2000, 300)
    # A clock that is one second on at every look: how fast the machine is does not matter.
    with mock.patch.object(
        time, "perf_counter", itertools.count(time.perf_counter(), 1.0).__next__
    ):
        plan = p_median(cost, weights, p=12, limits=Limits(time_s=looks + 0.5))
    assert plan.stopped_by == "time"
    assert plan.status in {"gap", "stopped"}
    assert plan.gap > 1e-9


def test_interrupt_by_progress_keeps_the_plan():
    cost, weights = town(200, 60)

    def stop(_, objective):
        if math.isfinite(objective):
            raise KeyboardInterrupt

    plan = p_median(cost, weights, p=6, limits=Limits(progress=stop))
    assert (plan.status, plan.stopped_by) == ("gap", "interrupt")
    assert evaluate(cost, plan.sites, weights).objective == plan.objective
    assert 0 < plan.bound < plan.objective


def test_interrupt_from_outside_keeps_the_plan():
    cost, weights = town(4000, 500)
    timer = threading.Timer(1.5, _thread.interrupt_main)
    started = []

    def start(_, objective):
        if math.isfinite(objective) and not started:
            started.append(timer.start())

    plan = p_median(cost, weights, p=12, limits=Limits(progress=start))
    assert (plan.status, plan.stopped_by) == ("gap", "interrupt")
    assert len(plan.sites) == 12
    assert evaluate(cost, plan.sites, weights).objective == plan.objective


def test_nothing_is_printed(capfd):
    cost, weights = town(150, 40, seed=11)
    p_median(cost, weights, p=5)
    assert capfd.readouterr() == ("", "")


def test_unreachable_demand_is_left_out_on_request_and_listed():
    cost = pd.DataFrame({"A": [1.0, INF, INF], "B": [5.0, INF, INF]}, ["d1", "d2", "d3"])
    weights = pd.Series({"d1": 2.0, "d2": 3.0, "d3": 0.0})
    plan = p_median(cost, weights, p=1, rules=Rules(allow_unreachable=True))
    assert (plan.sites, plan.objective, plan.status) == (("A",), 2.0, "proven")
    # No weight, no fault: d3 is nobody's loss, but nobody serves it either.
    assert plan.unreachable == ("d2",)
    assert plan.assignment.isna().tolist() == [False, True, True]


def test_islands_that_p_sites_cannot_serve_are_infeasible():
    cost = np.full((30, 30), INF)
    for island in range(3):
        cost[island * 10 : island * 10 + 10, island * 10 : island * 10 + 10] = 100.0
    assert p_median(cost, np.ones(30), p=2).status == "infeasible"
    enough = p_median(cost, np.ones(30), p=3)
    assert (enough.status, enough.objective) == ("proven", 3000.0)
    # An odd ring needs three: its relaxation needs only two and a half.
    ring = np.full((5, 5), INF)
    for at in range(5):
        ring[at, at] = ring[at, (at + 1) % 5] = 10.0
    assert p_median(ring, np.ones(5), p=2).status == "infeasible"
    assert p_median(ring, np.ones(5), p=3).objective == 50.0


def test_weightless_demand_is_assigned_too():
    cost = pd.DataFrame({"A": [0.0, 9.0], "B": [9.0, 0.0]}, ["d1", "d2"])
    plan = p_median(cost, pd.Series({"d1": 1.0, "d2": 0.0}), p=1)
    assert plan.assignment.to_dict() == {"d1": "A", "d2": "A"}
    nobody = p_median(cost, pd.Series({"d1": 0.0, "d2": 0.0}), p=1)
    assert (nobody.objective, nobody.status, len(nobody.sites)) == (0.0, "proven", 1)


def test_ties_go_to_the_first_site():
    cost = pd.DataFrame(1.0, index=["d1", "d2"], columns=["C", "B", "A"])
    plan = p_median(cost, pd.Series(1.0, index=["d1", "d2"]), p=2)
    assert plan.sites == ("A", "B")
    assert set(plan.assignment) == {"A"}


def test_fixed_sites_count_in_p():
    cost, weights = town(80, 25)
    fixed = Rules(fixed=[3, 7], required=[11])
    plan = p_median(cost, weights, p=5, rules=fixed)
    assert len(plan.sites) == 5
    assert {3, 7, 11} <= set(plan.sites)
    alone = p_median(cost, weights, p=3, rules=fixed)
    assert (alone.sites, alone.status) == ((3, 7, 11), "proven")
    assert plan.objective < alone.objective


def test_evaluation_by_hand():
    cost = pd.DataFrame(
        {"A": [100.0, 900.0, 300.0, INF], "B": [400.0, 300.0, 300.0, INF]},
        ["d1", "d2", "d3", "d4"],
    )
    weights = pd.Series({"d1": 85.0, "d2": 10.0, "d3": 5.0, "d4": 0.0})
    figures = evaluate(cost, ["B", "A"], weights)
    assert figures.objective == 85 * 100 + 10 * 300 + 5 * 300
    assert figures.mean_m == figures.objective / 100
    assert (figures.p90_m, figures.max_m) == (300.0, 300.0)
    assert figures.assignment.to_dict() == {"d1": "A", "d2": "B", "d3": "A", "d4": None}
    assert figures.loads.to_dict() == {"A": 90.0, "B": 10.0}
    assert figures.unreached == ()
    lost = evaluate(cost, ["A"], weights.replace(0.0, 1.0))
    assert (lost.unreached, lost.objective, lost.max_m) == (("d4",), INF, INF)
    assert lost.p90_m == 900.0


@pytest.mark.parametrize("solve", [p_median, p_ede])
@pytest.mark.parametrize("parts", [2, 5])
def test_where_p_sites_cannot_reach_everybody_the_least_p_is_told(solve, parts):
    apart = np.where(np.eye(parts, dtype=bool), 0.0, math.inf)
    # Homes twice, and a site that is as good as the first.
    cost = np.hstack([np.repeat(apart, 2, axis=0), np.repeat(apart[:, :1], 2, axis=0)])
    plan = solve(cost, np.ones(2 * parts), p=parts - 1)
    assert plan.status == "infeasible"
    assert f"With p = {parts} (and not {parts - 1}) it can be done." in plan.cause.en
    assert f"p 取 {parts}" in plan.cause.zh
    assert solve(cost, np.ones(2 * parts), p=parts).cause is None
