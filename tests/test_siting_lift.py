"""The bound that comes region by region, and the p-median without its count beneath it."""

import itertools
import math
from contextlib import suppress
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.siting import Limits, Rules, branch, lift, p_median
from gridplan.siting.branch import _AT_ROOT
from gridplan.siting.core import make_core
from gridplan.siting.cuts import CutModel, Rows
from gridplan.siting.interchange import greedy
from gridplan.siting.lagrangian import Dual
from gridplan.siting.priced import PricedCore, improved
from gridplan.siting.problem import make_problem
from gridplan.siting.radius import RadiusModel
from gridplan.siting.search import OutOfEffortError, Search
from tests.test_siting_parts import QUICK, best_value, cores, dense, new_search, relaxed_from_greedy

TWO_AT_MOST = mock.patch("gridplan.siting.lift._OPEN_SITES", 2)
THREE_AT_MOST = mock.patch("gridplan.siting.lift._OPEN_SITES", 3)


def priced(core, seed):
    """Return the sites of a core with prices of their own, in no group's favour."""
    m = len(core.sites)
    return PricedCore(
        pairs=core.pairs,
        sites=np.arange(m),
        opened=np.empty(0, dtype=np.intp),
        slots=m,
        penalty=core.penalty,
        integral=False,
        price=np.random.default_rng(seed).integers(0, 40, m) / 4.0,
    )


def cheapest_set(core):
    cost = np.column_stack([core.base, dense(core)])
    sets = itertools.product((False, True), repeat=len(core.sites))
    return min(
        math.fsum(cost[:, [True, *chosen]].min(axis=1)) + math.fsum(core.price[list(chosen)])
        for chosen in sets
    )


def model_of(core, search, groups):
    """Return the cut model of a core with so many groups, and no row yet."""
    n, m = len(core.pairs), len(core.sites)
    group = np.unique(np.arange(n) % groups, return_inverse=True)[1]
    nothing = Rows.fresh(np.empty((0, m)), np.empty(0), np.empty(0, dtype=np.intp))
    return CutModel(core, search, group=group, first=nothing)


@given(cores(), st.integers(0, 10**6), st.integers(1, 4))
@QUICK
def test_the_tree_of_priced_sites_ends_at_the_cheapest_set(made, seed, groups):
    core = priced(made[1], seed)
    search = new_search(core)
    search.offer(core, improved(core, np.empty(0, dtype=np.intp)))
    tree = branch._planted(model_of(core, search, groups), core, search)
    before = search.bound
    while tree.grow(1):
        assert before <= search.bound <= search.value
        before = search.bound
    assert search.value == pytest.approx(cheapest_set(core), rel=1e-9)
    assert search.bound == pytest.approx(search.value, rel=1e-8)


@given(cores(), st.integers(0, 10**6))
@QUICK
def test_opening_and_closing_one_site_brings_nothing_more(made, seed):
    core = priced(made[1], seed)
    start = np.flatnonzero(np.random.default_rng(seed).random(len(core.sites)) < 0.5)
    best = improved(core, start)
    value = core.value(best)
    assert value <= core.value(start)
    for site in range(len(core.sites)):
        other = np.setxor1d(best, [site])
        assert core.value(other) >= value * (1.0 - 1e-9)


@given(cores())
@settings(max_examples=30, deadline=None)
def test_regions_bound_every_plan_and_no_less_than_the_relaxation(made):
    core = made[1]
    model, root, search = relaxed_from_greedy(core, CutModel.of)
    if search.closed:
        return
    plan, calls = core.like(search.sites, root.shares), []
    with TWO_AT_MOST:
        lift.lift(model, plan, search, branch._planted, between=lambda: calls.append(1))
    assert search.bound <= best_value(core) * (1 + 1e-9)
    if core.slots >= 4:
        assert search.bound >= root.bound * (1 - 1e-9) - 1e-6


def test_a_region_that_costs_more_than_any_plan_is_solved_all_the_same():
    """Prices are part of its value: beyond what the whole can cost, it is not hopeless."""
    metres, weights, p = quarters()
    model, root, search, plan = rooted(metres, weights, p)
    search.hopeless = 1.02 * root.bound
    best = p_median(metres, weights, p=p).objective
    with THREE_AT_MOST:
        lift.lift(model, plan, search, branch._planted, between=lambda: None)
    assert search.bound <= best


def test_a_tree_that_is_closed_before_its_last_node_claims_nothing():
    core = priced(make_core(make_problem(*quarters()[:2], Rules(), p=12), 12), 0)
    search = new_search(core)
    search.offer(core, improved(core, np.empty(0, dtype=np.intp)))
    tree = branch._planted(model_of(core, search, 9), core, search)
    search.limits = Limits(work=10**6, gap=0.999)
    before = search.bound
    tree.grow(1)
    assert len(tree.nodes) == 1
    assert before <= search.bound < search.value


@given(cores())
@settings(max_examples=30, deadline=None)
def test_a_proof_with_regions_ends_at_the_best_plan(made):
    problem, core = made
    few = mock.patch("gridplan.siting.lagrangian._ITERATIONS", 2)
    cuts = mock.patch("gridplan.siting.branch._RADIUS_FACTOR", 10**9)
    with few, cuts, TWO_AT_MOST:
        plan = p_median(
            problem.cost, problem.weights, p=core.slots, rules=Rules(allow_unreachable=True)
        )
    best = best_value(core)
    if best >= core.penalty:
        assert plan.status == "infeasible"
    else:
        assert (plan.status, plan.objective) == ("proven", best)


def quarters(count=4, homes=40, rooms=15, p=12, seed=3):
    """Return walks in a town of quarters, within which nothing is in line with anything."""
    rng = np.random.default_rng(seed)
    metres = np.full((count * homes, count * rooms), 400.0)
    for at in range(count):
        own = slice(at * homes, (at + 1) * homes), slice(at * rooms, (at + 1) * rooms)
        metres[own] = rng.integers(1, 100, (homes, rooms))
    return metres, rng.integers(1, 30, count * homes).astype(float), p


def rooted(metres, weights, p):
    """Return a relaxation that was solved, its search, and a plan to be parted."""
    core = make_core(make_problem(metres, weights, Rules(), p=p), p)
    search = Search(Limits(work=10**9), core.integral, core.penalty, core.hopeless)
    search.offer(core, greedy(core.pairs, core.slots, search))
    m = len(core.sites)
    first = core.first_ranks(search.sites)
    second = core.pairs.second_open(core.flags(search.sites), first)
    prices = (core.pairs.paid(first) + core.pairs.paid(second)) / 2.0
    model = CutModel.of(Dual(core, prices, np.full(m, core.slots / m)), search)
    nothing = np.zeros(m, dtype=bool)
    root = model.converge(nothing, nothing, _AT_ROOT)
    return model, root, search, core.like(search.sites, root.shares)


def test_regions_lift_a_bound_that_fractions_hold_down():
    metres, weights, p = quarters()
    best = p_median(metres, weights, p=p).objective
    model, root, search, plan = rooted(metres, weights, p)
    with THREE_AT_MOST:
        lift.lift(model, plan, search, branch._planted, between=lambda: None)
    assert root.bound < 0.95 * best
    assert root.bound + 0.95 * (best - root.bound) < search.bound <= best


def test_regions_are_the_quarters_of_a_town_that_has_such():
    model, _, _, plan = rooted(*quarters())
    with THREE_AT_MOST:
        region = lift._regions(model, plan)
    of_home = region[model.group].reshape(4, -1)
    assert (of_home == of_home[:, :1]).all()
    assert sorted(of_home[:, 0].tolist()) == [0, 1, 2, 3]


def test_few_open_sites_are_not_parted():
    model, _, search, plan = rooted(*quarters())
    before = search.work, search.bound
    lift.lift(model, plan, search, branch._planted, between=lambda: None)
    assert (search.work, search.bound) == before


def test_between_is_called_after_each_few_nodes():
    model, _, search, plan = rooted(*quarters())
    bounds = []
    with THREE_AT_MOST, mock.patch("gridplan.siting.lift._NODES_AT_ONCE", 1):
        lift.lift(model, plan, search, branch._planted, between=lambda: bounds.append(search.bound))
    assert len(bounds) > 8
    assert bounds == sorted(bounds)


def test_what_stops_a_region_stops_the_search():
    model, _, search, plan = rooted(*quarters())
    search.limits = Limits(work=int(search.work) + 5)
    with THREE_AT_MOST, pytest.raises(OutOfEffortError):
        lift.lift(model, plan, search, branch._planted, between=lambda: None)
    assert search.bound <= search.value


@pytest.mark.parametrize("model", [CutModel.of, RadiusModel])
@given(cores(), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_a_probe_lifts_as_far_as_fixing_the_site_does(model, made, seed):
    core = made[1]
    relaxation, _, search = relaxed_from_greedy(core, model)
    m = len(core.sites)
    nothing = np.zeros(m, dtype=bool)
    site = int(np.random.default_rng(seed).integers(m))
    only = np.arange(m) == site
    for side, opened, closed in ((0.0, nothing, only), (1.0, only, nothing)):
        if (
            core.slots == m - 1
            and side == 0.0
            and core.only_plan(opened=opened, closed=closed) is None
        ):
            continue
        fixed = best_value_with(core, opened, closed)
        lifted = relaxation.probe(site, side, opened=nothing, closed=nothing)
        assert lifted <= fixed + 1e-6 * core.penalty
        relaxation._fix(opened, closed)
        with suppress(OutOfEffortError):
            relaxation._solved()
        solved = relaxation._bounded(opened, closed).bound
        relaxation._fix(nothing, nothing)
        relaxation._solved()
        assert lifted == pytest.approx(solved, rel=1e-6, abs=1e-6 * max(1.0, search.value))


def best_value_with(core, opened, closed):
    cost = dense(core)
    sets = itertools.combinations(range(len(core.sites)), core.slots)
    allowed = (
        chosen
        for chosen in sets
        if set(np.flatnonzero(opened)) <= set(chosen) and not closed[list(chosen)].any()
    )
    return min((math.fsum(cost[:, list(chosen)].min(axis=1)) for chosen in allowed), default=np.inf)
