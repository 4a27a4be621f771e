"""The parts of the p-median's solver: sorted lists, exchanges, relaxations, dives."""

import itertools
import math
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridplan.siting import Limits, Rules, median, p_median, regions
from gridplan.siting.branch import _AT_ROOT
from gridplan.siting.core import make_core
from gridplan.siting.cuts import CutModel
from gridplan.siting.dive import dive
from gridplan.siting.interchange import Exchange, greedy, improve
from gridplan.siting.kicks import shake
from gridplan.siting.lagrangian import Dual, subgradient
from gridplan.siting.problem import make_problem
from gridplan.siting.radius import RadiusModel
from gridplan.siting.search import Search

QUICK = settings(max_examples=40, deadline=None)
INF = np.inf


@st.composite
def cores(draw):
    """Return a small problem, its cost, weights and p, and its core."""
    n, m = draw(st.integers(2, 14)), draw(st.integers(2, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    cost = rng.integers(0, 20, (n, m)).astype(float)
    if draw(st.booleans()):
        cost[rng.random((n, m)) < 0.3] = INF
    weights = rng.integers(1, 6, n).astype(float)
    p = draw(st.integers(1, m - 1))
    rules = Rules(allow_unreachable=True)
    problem = make_problem(cost, weights, rules, p=p)
    return problem, make_core(problem, p)


def new_search(core, seed=0):
    limits = Limits(work=10**6, seed=seed)
    return Search(limits, core.integral, core.penalty, core.hopeless)


def dense(core):
    """Return the matrix that the lists of a core stand for."""
    cost = np.repeat(core.base[:, None], len(core.sites), axis=1)
    cost[core.pairs.row, core.pairs.site] = core.pairs.cost
    return cost


def best_value(core):
    cost = dense(core)
    sets = itertools.combinations(range(len(core.sites)), core.slots)
    return min(math.fsum(cost[:, list(chosen)].min(axis=1)) for chosen in sets)


@given(cores())
@QUICK
def test_lists_hold_what_costs_less_than_the_base_in_order(made):
    problem, core = made
    cost = (problem.cost * problem.weights[:, None])[problem.counted]
    for row in range(len(core.pairs)):
        own = slice(core.pairs.start[row], core.pairs.start[row + 1])
        expected = sorted((c, j) for j, c in enumerate(cost[row]) if c < core.base[row])
        listed = zip(core.pairs.cost[own], core.pairs.site[own], strict=True)
        assert [(float(c), int(j)) for c, j in listed] == expected


@given(cores(), st.integers(0, 10**6))
@QUICK
def test_ranks_prices_and_shares_are_those_of_the_matrix(made, seed):
    core, rng = made[1], np.random.default_rng(seed)
    pairs, cost = core.pairs, dense(core)
    is_open = rng.random(len(core.sites)) < 0.4
    first = pairs.first_open(is_open)
    second = pairs.second_open(is_open, first)
    sorted_costs = np.sort(np.column_stack([cost[:, is_open], core.base, core.base]), axis=1)
    assert (pairs.paid(first) == sorted_costs[:, 0]).all()
    assert (pairs.paid(second) == sorted_costs[:, 1]).all()
    assert core.value(np.nonzero(is_open)[0]) == sorted_costs[:, 0].sum()
    prices = rng.integers(0, 80, len(pairs)).astype(float)
    assert (
        pairs.below(prices) == ((cost < prices[:, None]) & (cost < core.base[:, None])).sum(1)
    ).all()
    shares = rng.integers(0, 5, len(core.sites)) / 4.0
    for row, paid in enumerate(pairs.last_paid(shares)):
        own = slice(pairs.start[row], pairs.start[row + 1])
        enough = np.cumsum(shares[pairs.site[own]]) >= 1.0
        assert paid == (pairs.cost[own][enough.argmax()] if enough.any() else core.base[row])


@given(cores(), st.integers(0, 10**6))
@QUICK
def test_a_table_of_exchanges_stays_true_through_swaps(made, seed):
    core, rng = made[1], np.random.default_rng(seed)
    cost, m = dense(core), len(core.sites)
    table = Exchange.of(core.pairs, rng.permutation(m)[: core.slots])
    for _ in range(4):
        closed = np.nonzero(table.slot < 0)[0]
        table.swap(int(rng.integers(core.slots)), int(rng.choice(closed)))
        now = cost[:, table.open_at].min(axis=1).sum()
        assert table.value == pytest.approx(now)
        savings = np.full((core.slots, m), -INF)
        for slot, site in itertools.product(range(core.slots), np.nonzero(table.slot < 0)[0]):
            after = table.open_at.copy()
            after[slot] = site
            savings[slot, site] = now - cost[:, after].min(axis=1).sum()
        saving, slot, site = table.best()
        assert saving == pytest.approx(savings.max(), abs=1e-9 * core.penalty)
        assert savings[slot, site] == pytest.approx(savings.max(), abs=1e-9 * core.penalty)


@given(cores())
@QUICK
def test_greedy_opens_what_saves_most(made):
    core = made[1]
    cost = dense(core)
    chosen, paid = [], core.base.copy()
    for _ in range(core.slots):
        saved = np.maximum(paid[:, None] - cost, 0.0).sum(axis=0)
        saved[chosen] = -1.0
        chosen.append(int(saved.argmax()))
        paid = np.minimum(paid, cost[:, chosen[-1]])
    found = greedy(core.pairs, core.slots, new_search(core))
    assert found.tolist() == sorted(chosen)
    better = improve(core.pairs, found, new_search(core))
    assert core.value(better) <= core.value(found)


@given(cores(), st.integers(0, 3))
@QUICK
def test_shaking_never_loses_and_keeps_the_number_of_sites(made, seed):
    core = made[1]
    search = new_search(core, seed)
    start = np.arange(core.slots)
    plan = shake(core, start, np.arange(len(core.sites)), search, kicks=20)
    assert len(set(plan.tolist())) == core.slots
    assert core.value(plan) <= core.value(start)
    assert search.value >= best_value(core)


@given(cores(), st.integers(0, 10**6))
@QUICK
def test_a_region_is_the_problem_with_all_other_sites_as_they_are(made, seed):
    core, rng = made[1], np.random.default_rng(seed)
    m = len(core.sites)
    is_open = core.flags(rng.permutation(m)[: core.slots])
    near = np.sort(rng.permutation(m)[: int(rng.integers(1, m + 1))])
    part = regions._core_of(core, is_open, near)
    kept = is_open.copy()
    kept[near] = False
    assert part.slots == is_open[near].sum()
    for chosen in itertools.combinations(range(len(near)), part.slots):
        whole = np.concatenate([np.nonzero(kept)[0], near[list(chosen)]])
        here = np.concatenate([np.nonzero(kept)[0], near[is_open[near]]])
        ours = part.value(np.array(chosen, dtype=int)) - part.value(np.nonzero(is_open[near])[0])
        assert ours == pytest.approx(core.value(whole) - core.value(here), abs=1e-9)


def test_regions_bring_a_poor_plan_close_to_the_best():
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 5000, (260, 2))
    cost = np.abs(places[:, None] - places[None]).sum(axis=2).round()
    core = make_core(make_problem(cost, np.ones(260), Rules(), p=40), 40)
    search = new_search(core)
    start = np.arange(40)
    search.offer(core, start)
    refiner = regions.Refiner(core, search, median._solve_region, start)
    while refiner.step(10):
        pass
    plan = refiner.plan
    best = p_median(cost, np.ones(260), p=40)
    assert best.status == "proven"
    assert len(plan) == 40
    assert search.value == core.value(plan)
    assert best.objective <= search.value <= 1.01 * best.objective < core.value(start)


def linear_relaxation(core):
    """Return the value of the textbook relaxation, solved with all its variables."""
    cost = dense(core)
    n, m = cost.shape
    objective = np.concatenate([np.zeros(m), cost.ravel()])
    served = np.zeros((n, m + n * m))
    opened = np.zeros((n * m, m + n * m))
    for i, j in itertools.product(range(n), range(m)):
        served[i, m + i * m + j] = 1.0
        opened[i * m + j, m + i * m + j], opened[i * m + j, j] = 1.0, -1.0
    count = np.zeros((1, m + n * m))
    count[0, :m] = 1.0
    solved = linprog(
        objective,
        A_ub=opened,
        b_ub=np.zeros(n * m),
        A_eq=np.vstack([served, count]),
        b_eq=np.append(np.ones(n), core.slots),
        bounds=(0.0, 1.0),
    )
    return float(solved.fun)


def relaxed_from_greedy(core, model):
    """Return a relaxation of everything, what came out, and a search that knows a greedy plan."""
    search = new_search(core)
    search.offer(core, greedy(core.pairs, core.slots, new_search(core)))
    m = len(core.sites)
    prices = core.pairs.paid(np.minimum(1, np.maximum(core.pairs.count - 1, 0)))
    relaxation = model(Dual(core, prices, np.full(m, core.slots / m)), search)
    nothing = np.zeros(m, dtype=bool)
    return relaxation, relaxation.converge(nothing, nothing, _AT_ROOT), search


@pytest.mark.parametrize("model", [CutModel.of, RadiusModel])
@given(cores())
@settings(max_examples=25, deadline=None)
def test_both_relaxations_are_the_textbook_one_and_bound_the_best_plan(model, made):
    core = made[1]
    relaxation, relaxed, search = relaxed_from_greedy(core, model)
    assert relaxed.bound <= best_value(core) + 1e-9 * core.penalty
    expected = linear_relaxation(core)
    assert relaxed.bound <= expected + 1e-6 * max(1.0, expected)
    if relaxed.bound < search.cutoff:
        assert relaxed.bound >= expected - 0.01 * max(1.0, abs(expected))
    plan = dive(relaxation, relaxed, search)
    assert len(set(plan.tolist())) == core.slots


@pytest.mark.parametrize("factor", [0, 10**9])
@given(cores())
@settings(max_examples=25, deadline=None)
def test_either_relaxation_alone_proves_the_best_plan(factor, made):
    problem, core = made
    few = mock.patch("gridplan.siting.lagrangian._ITERATIONS", 2)
    with few, mock.patch("gridplan.siting.branch._RADIUS_FACTOR", factor):
        plan = p_median(
            problem.cost, problem.weights, p=core.slots, rules=Rules(allow_unreachable=True)
        )
    best = best_value(core)
    if best >= core.penalty:
        assert plan.status == "infeasible"
    else:
        assert (plan.status, plan.objective) == ("proven", best)


@given(cores())
@QUICK
def test_the_bound_of_the_prices_holds(made):
    core = made[1]
    search = new_search(core)
    search.offer(core, np.arange(core.slots))
    subgradient(core, search)
    assert search.bound <= best_value(core) * (1 + 1e-12)


def test_a_plan_that_uses_closed_sites_is_filled_up():
    cost = np.arange(20.0).reshape(4, 5)
    core = make_core(make_problem(cost, np.ones(4), Rules(), p=3), 3)
    opened, closed = np.zeros(5, dtype=bool), np.zeros(5, dtype=bool)
    opened[4], closed[0] = True, True
    left = core.without(opened=opened, closed=closed)
    weight = np.array([0.1, 0.9, 0.5])
    assert left.sites.tolist() == [1, 2, 3]
    assert left.like(np.array([0, 1, 3]), weight).tolist() == [0, 2]
    assert left.like(np.array([0, 3, 4]), weight).tolist() == [1, 2]
    assert left.like(np.array([1, 2, 3]), weight).tolist() == [1, 2]


def test_a_list_of_pairs_is_solved_like_the_matrix_it_stands_for():
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 2000, (300, 2))
    cost = np.sqrt(((places[:, None] - places[None, :60]) ** 2).sum(axis=2)).round()
    cost[cost > 900] = INF
    wide = pd.DataFrame(cost, [f"d{at}" for at in range(300)], [f"s{at}" for at in range(60)])
    row, column = np.nonzero(np.isfinite(cost))
    order = rng.permutation(len(row))
    pairs = pd.DataFrame(
        {
            "demand_id": wide.index[row][order],
            "site_id": wide.columns[column][order],
            "cost_m": cost[row, column][order],
        }
    )
    weights = pd.Series(rng.integers(1, 9, 300).astype(float), wide.index)
    one, two = p_median(wide, weights, p=9), p_median(pairs, weights, p=9)
    assert one.status == two.status == "proven"
    assert (one.sites, one.objective, one.bound) == (two.sites, two.objective, two.bound)
    pd.testing.assert_series_equal(one.assignment, two.assignment)
