"""Districts round a centre: oracles by enumeration, published plans, faults."""

import dataclasses
import itertools
import math
import time

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from gridplan.errors import InfeasibleError, InputError, SettingsError
from gridplan.siting import Limits
from gridplan.zones import DistrictOptions, DistrictProblem, district_cost, districts
from gridplan.zones.districts_bound import lower_bound
from tests.districting import COUNTIES, CTDP, county_problem, listed_plan, territory_problem

QUICK = DistrictOptions(starts=2, moves_per_unit=20, least_moves=400, hardened=1)
SEARCH_ALONE = dataclasses.replace(QUICK, near_columns=0, exact_columns=0)
NEVER = 10**9


def planar(count, seed, *, k, kinds=1, tolerance=0.3):
    """Return random points in the plane, neighbours by Delaunay's triangles."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 100, (count, 2))
    sides = Delaunay(place).simplices[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2)
    left, right = np.unique(np.sort(sides, axis=1), axis=0).T
    weights = rng.integers(1, 20, (count, kinds)).astype(float)
    mean = weights.sum(axis=0) / k
    return DistrictProblem(
        left=left.astype(np.intp),
        right=right.astype(np.intp),
        weights=weights,
        cost=weights[:, :1] * np.hypot(*(place[:, None] - place).transpose(2, 0, 1)) ** 2,
        k=k,
        lower=mean * (1 - tolerance),
        upper=mean * (1 + tolerance),
    )


def graph_of(problem):
    graph = nx.Graph(zip(problem.left.tolist(), problem.right.tolist(), strict=True))
    graph.add_nodes_from(range(problem.count))
    return graph


def assert_plan(problem, plan):
    """Assert that districts are complete, connected, and what they say of themselves."""
    graph = graph_of(problem)
    assert sorted(set(plan.district.tolist())) == list(range(problem.k))
    beyond = np.zeros(len(problem.lower), dtype=bool)
    total = 0.0
    for own, centre in enumerate(plan.centre.tolist()):
        members = np.flatnonzero(plan.district == own)
        assert nx.is_connected(graph.subgraph(members.tolist()))
        assert centre in members
        load = problem.weights[members].sum(axis=0)
        assert plan.loads[own] == pytest.approx(load)
        beyond |= (load > problem.upper * (1 + 1e-9)) | (load < problem.lower * (1 - 1e-9))
        total += min(problem.cost[members, one].sum() for one in members)
    assert plan.objective == pytest.approx(total)
    assert (plan.status == "unbalanced") == bool(beyond.any()) == bool(plan.missed)
    assert len(plan.missed) == beyond.sum()
    if not plan.missed:
        assert plan.bound <= plan.objective * (1 + 1e-9)
        assert plan.gap == pytest.approx(1 - plan.bound / plan.objective if total else 0, abs=1e-9)


def enumerated(problem):
    """Return the least cost of all connected plans within the bounds; inf without one."""
    graph = graph_of(problem)
    best = math.inf
    for labels in itertools.product(range(problem.k), repeat=problem.count - 1):
        district = np.array([0, *labels])
        firsts = [np.flatnonzero(district == own) for own in range(problem.k)]
        starts = [one[0] for one in firsts if len(one)]
        if len(starts) < problem.k or starts != sorted(starts):
            continue
        loads = np.array([problem.weights[own].sum(axis=0) for own in firsts])
        if (loads < problem.lower).any() or (loads > problem.upper).any():
            continue
        cost = sum(problem.cost[np.ix_(own, own)].sum(axis=0).min() for own in firsts)
        if cost < best and all(nx.is_connected(graph.subgraph(own.tolist())) for own in firsts):
            best = cost
    return best


@settings(max_examples=12)
@given(st.data())
def test_the_best_of_all_plans_is_found_and_proven(data):
    k = data.draw(st.integers(1, 3))
    count = data.draw(st.integers(max(k, 4), 12 if k < 3 else 9))
    problem = planar(
        count,
        data.draw(st.integers(0, 10**6)),
        k=k,
        kinds=data.draw(st.integers(1, 2)),
        tolerance=data.draw(st.sampled_from([0.1, 0.3, 0.8])),
    )
    best = enumerated(problem)
    plan = districts(problem, options=QUICK)
    assert_plan(problem, plan)
    if math.isinf(best):
        assert plan.status == "unbalanced"
        assert any("No connected plan is within" in one.message.en or "alone" in one.message.en
                   for one in plan.missed)  # fmt: skip
    else:
        assert plan.status == "proven"
        assert plan.objective == pytest.approx(best)


@settings(max_examples=12)
@given(st.integers(10, 60), st.integers(2, 6), st.integers(0, 10**6), st.integers(1, 3))
def test_any_planar_graph_gives_connected_districts(count, k, seed, kinds):
    problem = planar(count, seed, k=k, kinds=kinds)
    assert_plan(problem, districts(problem, options=SEARCH_ALONE))


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_the_order_of_the_rows_does_not_matter(seed):
    problem = planar(30, seed, k=4)
    names = tuple(f"u{number:02d}" for number in range(30))
    named = dataclasses.replace(problem, ids=names)
    order = np.random.default_rng(seed).permutation(30)
    first = districts(named, options=SEARCH_ALONE)
    second = districts(named.reordered(order), options=SEARCH_ALONE)
    assert second.district.tolist() == first.district[order].tolist()
    assert order[second.centre].tolist() == first.centre.tolist()
    assert second.objective == first.objective


def test_a_seed_gives_the_same_plan_again():
    problem = planar(60, 1, k=6)
    plans = [districts(problem, options=SEARCH_ALONE, limits=Limits(seed=3)) for _ in range(2)]
    assert plans[0].district.tolist() == plans[1].district.tolist()
    assert plans[0].objective == plans[1].objective


@settings(max_examples=10)
@given(st.integers(0, 10**6))
@example(442)
def test_the_bound_is_below_the_best_and_rules_out_nothing_of_it(seed):
    problem = planar(9, seed, k=2, tolerance=0.4)
    plan = districts(problem, options=QUICK)
    if plan.status != "unbalanced":
        bound = lower_bound(problem, plan.objective, steps=200)
        assert bound.value <= plan.objective * (1 + 1e-9)
        centre_of = plan.centre[plan.district]
        assert bound.open[np.arange(9), centre_of].all()


# Published plans


@pytest.fixture(scope="module")
def published(shared):
    return shared("districting")


@pytest.mark.real
@pytest.mark.parametrize("state", COUNTIES)
def test_the_objective_is_that_of_the_listed_plan(published, state):
    problem, listed = county_problem(published / "us_counties", state)
    plan = listed_plan(published / "us_counties", state, problem)
    assert district_cost(problem, plan)[0] == pytest.approx(listed, rel=1e-6, abs=0.01)


@pytest.mark.slow
@pytest.mark.real
def test_counties_of_arkansas_are_as_good_as_the_listed_plan(published):
    problem, listed = county_problem(published / "us_counties", "AR")
    plan = districts(problem)
    assert_plan(problem, plan)
    assert plan.objective <= 1.0001 * listed
    assert plan.status == "proven"


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("state", ["AL", "IA"])
def test_counties_are_as_good_as_the_listed_plan(published, state):
    problem, listed = county_problem(published / "us_counties", state)
    plan = districts(problem)
    assert_plan(problem, plan)
    assert plan.objective <= 1.005 * listed
    assert plan.status in {"proven", "gap"}


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", CTDP)
def test_territories_with_three_weights_are_proven(published, name):
    problem = territory_problem(published / "ctdp", name)
    plan = districts(problem)
    assert_plan(problem, plan)
    assert plan.status == "proven"
    assert plan.objective <= 1.00001 * CTDP[name]


@pytest.mark.parametrize("k", [1, 4, 5, 6])
def test_two_islands_have_districts_of_their_own(k):
    whole = planar(12, 5, k=1)
    island = np.isin(np.arange(12), [1, 4, 6])
    apart = island[whole.left] == island[whole.right]
    graph = nx.Graph(zip(whole.left[apart].tolist(), whole.right[apart].tolist(), strict=True))
    graph.add_nodes_from(range(12))
    pieces = nx.number_connected_components(graph)
    problem = dataclasses.replace(
        whole,
        left=whole.left[apart],
        right=whole.right[apart],
        k=k,
        lower=np.zeros(1),
        upper=whole.weights.sum(axis=0),
    )
    if k < pieces:
        with pytest.raises(InfeasibleError, match=f"in {pieces} pieces"):
            districts(problem, options=QUICK)
    else:
        plan = districts(problem, options=QUICK)
        assert_plan(problem, plan)
        assert plan.status == "proven"


# Bounds that cannot be met, limits, faults


def line(count, *, k, weights=None, lower=0.0, upper=math.inf):
    place = np.arange(float(count))
    weights = np.ones((count, 1)) if weights is None else np.array(weights, dtype=float)
    return DistrictProblem(
        left=np.arange(count - 1),
        right=np.arange(1, count),
        weights=weights,
        cost=np.abs(np.subtract.outer(place, place)),
        k=k,
        lower=np.full(weights.shape[1], lower),
        upper=np.full(weights.shape[1], upper),
    )


def test_what_no_plan_can_meet_is_said_with_the_district_that_binds():
    plan = districts(line(4, k=2, weights=[[3], [1], [1], [3]], lower=3.5, upper=4.5))
    assert plan.status == "proven"
    plan = districts(line(3, k=2, weights=[[2], [5], [2]], lower=4, upper=5), options=QUICK)
    [note] = plan.missed
    assert plan.status == "unbalanced"
    assert "Weight 0: 2 of 2 districts are beyond 4 to 5" in note.message.en
    assert "No connected plan is within all bounds" in note.message.en
    assert "不存在" in note.message.zh


def test_a_unit_above_the_bound_is_named():
    problem = line(4, k=2, weights=[[1], [9], [1], [1]], lower=4, upper=8)
    [note] = districts(problem, options=QUICK).missed
    assert "Unit 1 alone has 9" in note.message.en


def test_work_that_runs_out_leaves_a_whole_plan():
    problem = planar(40, 3, k=4)
    plan = districts(problem, limits=Limits(work=1))
    assert plan.stopped_by == "work"
    assert_plan(problem, plan)


def test_the_clock_is_a_safety_stop(monkeypatch):
    monkeypatch.setattr(time, "perf_counter", itertools.count(step=1.0).__next__)
    problem = planar(40, 3, k=4)
    plan = districts(problem, limits=Limits(work=NEVER, time_s=5.0))
    assert plan.stopped_by == "time"
    assert_plan(problem, plan)


def changed(**changes):
    return dataclasses.replace(line(4, k=2, lower=1, upper=3), **changes)


FAULTS = [
    ({"weights": np.ones(4)}, InputError, r"shape \(4,\); expected \(units, weights\)"),
    ({"cost": np.ones((4, 3))}, InputError, r"costs have the shape \(4, 3\); expected \(4, 4\)"),
    ({"lower": np.ones(2)}, InputError, r"`lower` has the shape \(2,\)"),
    ({"ids": ("a", "b", "b", "c")}, InputError, "4 ids, 3 different ones, for 4 units"),
    ({"left": np.array([0, 1, 4])}, InputError, "pairs of two different units from 0 to 3"),
    ({"weights": -np.ones((4, 1))}, InputError, "4 of 4 units have a weight that is missing"),
    ({"weights": np.array([[1], [np.nan], [1], [1]])}, InputError, "1 of 4 units .*: 1. Give"),
    ({"weights": np.zeros((4, 1))}, InputError, "All units have 0 of weight 0"),
    ({"cost": -np.ones((4, 4))}, InputError, "4 of 4 units have a cost that is missing"),
    ({"k": 0}, SettingsError, "number of districts is 0"),
    ({"lower": np.array([4.0])}, SettingsError, "bounds of weight 0 are 4 to 3"),
    ({"k": 5}, InfeasibleError, "5 districts are asked for, but there are 4 units"),
    (
        {"left": np.array([0]), "right": np.array([1])},
        InfeasibleError,
        r"in 3 pieces .* smallest of 1 units \(2\)",
    ),
    ({"upper": np.array([1.5])}, InfeasibleError, "Weight 0 is 4 in all; 2 districts of 1 to 1.5"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "error", "message"), FAULTS)
def test_faults_are_named(change, error, message):
    with pytest.raises(error, match=message) as caught:
        districts(changed(**change))
    assert all(fault.zh for fault in caught.value.faults)
    assert caught.value.exit_status == (3 if error is InfeasibleError else 2)
