"""The parts under the p-median with capacities: knapsacks, counts, groups, the norm."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from gridplan.errors import SettingsError
from gridplan.siting import ROOM_NORM, Grade, GradedNorm, Rules
from gridplan.siting.counts import Chooser, Region, nested_groups
from gridplan.siting.highs import Model, Options, solve_model
from gridplan.siting.knapsack import best_loads, forced_values, make_grid, relaxed_values
from gridplan.siting.options import Limits
from gridplan.siting.packing import PackingSearch, make_packing
from gridplan.siting.packing_bound import first_node
from gridplan.siting.packing_merge import merged_plans, model_of
from gridplan.siting.problem import make_problem
from gridplan.siting.search import Effort

QUICK = settings(max_examples=80, deadline=None)


@st.composite
def knapsacks(draw):
    """Return profits, loads and capacities of a few small knapsacks."""
    n, m = draw(st.integers(1, 8)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    load = rng.integers(0, 6, n).astype(float)
    if draw(st.booleans()):
        load = load * 0.77 + rng.uniform(0, 1, n)
    profit = rng.uniform(-5, 9, (n, m))
    profit[rng.random((n, m)) < 0.1] = -np.inf
    return profit, load, rng.uniform(0, 1.2, m) * max(load.sum(), 1.0)


def best_subset(profit, load, capacity, must=()):
    """Return the best value of all subsets that fit."""
    best = -np.inf
    for take in itertools.product([False, True], repeat=len(load)):
        chosen = np.array(take)
        if chosen[list(must)].all() and load[chosen].sum() <= capacity + 1e-12:
            best = max(best, profit[chosen].sum())
    return best


@given(knapsacks())
@QUICK
def test_knapsacks_are_best_or_bounds_from_above(case):
    profit, load, capacity = case
    grid = make_grid(load, capacity)
    value, taken = best_loads(profit, grid)
    relaxed, forced = relaxed_values(profit, grid), forced_values(profit, grid)
    for site in range(profit.shape[1]):
        best = best_subset(profit[:, site], load, capacity[site])
        assert value[site] >= best - 1e-9
        assert relaxed[site] >= value[site] - 1e-9
        assert value[site] == pytest.approx(profit[taken[:, site], site].sum())
        if grid.exact:
            assert value[site] == pytest.approx(best)
            assert load[taken[:, site]].sum() <= capacity[site]
        for row in range(len(load)):
            alone = best_subset(profit[:, site], load, capacity[site], must=[row])
            assert forced[row, site] >= alone - 1e-9


@st.composite
def choices(draw):
    """Return values, sites that must be open, slots and nested regions."""
    m = draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    places = rng.uniform(0, 1, (m, 2))
    groups = nested_groups(np.hypot(*(places[:, None] - places[None]).T))
    regions = tuple(
        Region(group, int(least), int(least + rng.integers(0, 3)))
        for group in groups
        if rng.random() < 0.5
        for least in [rng.integers(0, 3)]
    )
    must = rng.random(m) < 0.2
    slots = draw(st.integers(max(1, int(must.sum())), m))
    return rng.uniform(0, 9, m).round(draw(st.integers(0, 3))), must, slots, regions


@given(choices())
@QUICK
def test_choices_equal_brute_force(case):
    values, must, slots, regions = case
    best, others = -np.inf, np.full(len(values), -np.inf)
    for sites in itertools.combinations(range(len(values)), slots):
        keeps = all(
            region.least <= len(set(region.sites) & set(sites)) <= region.most for region in regions
        )
        if keeps and set(np.nonzero(must)[0]) <= set(sites):
            total = values[list(sites)].sum()
            best = max(best, total)
            for site in sites:
                others[site] = max(others[site], total - values[site])
    pick = Chooser(must, slots, regions).pick(values)
    assert pick.total == pytest.approx(best)
    if np.isfinite(best):
        assert pick.chosen.sum() == slots
        assert values[pick.chosen].sum() == pytest.approx(best)
        np.testing.assert_allclose(pick.others, others, atol=1e-9)


def test_groups_are_nested():
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 1, (20, 2))
    groups = nested_groups(np.hypot(*(places[:, None] - places[None]).T))
    for one, two in itertools.combinations(map(set, groups), 2):
        assert one <= two or two <= one or not one & two
    assert nested_groups(np.zeros((1, 1))) == []


def test_the_norm_of_rooms_by_households():
    needed = ROOM_NORM.area_m2(np.array([0.0, 299, 300, 1500, 1501, 3000, 5000, 5001, 8000]))
    assert needed.tolist() == [0, 50, 50, 50, 80, 80, 120, 170, 200]
    assert ROOM_NORM.households(np.array([0.0, 49, 50, 79.9, 80, 120, 900])).tolist() == [
        0, 0, 1500, 1500, 3000, 5000, 5000,
    ]  # fmt: skip
    assert ROOM_NORM.residents(np.array([80.0]), residents_per_household=2.5).tolist() == [7500]
    short = ROOM_NORM.shortfall_m2(np.array([50.0, 90]), np.array([1800.0, 1800]))
    assert short.tolist() == [30, 0]
    assert not ROOM_NORM.verified
    assert "Guiyang" in ROOM_NORM.source


@given(st.floats(1, 20_000))
@QUICK
def test_a_room_of_the_area_needed_serves_the_households(households):
    area = ROOM_NORM.area_m2(np.array([households]))
    last = ROOM_NORM.grades[-1]
    if households <= last.households:
        assert ROOM_NORM.households(area)[0] >= households
    assert ROOM_NORM.shortfall_m2(area, np.array([households]))[0] == 0.0


@pytest.mark.parametrize(
    ("grades", "words"),
    [
        ((), "expected at least one"),
        ((Grade(50.0, 0.0),), "above 0"),
        ((Grade(-1.0, 100.0),), "above 0"),
        ((Grade(80.0, 900.0), Grade(50.0, 1500.0)), "do not ascend"),
        ((Grade(50.0, 900.0), Grade(80.0, 900.0)), "do not ascend"),
    ],
)
def test_a_norm_without_sense_is_refused(grades, words):
    with pytest.raises(SettingsError, match=words):
        GradedNorm(grades, source="a test")


@given(st.integers(0, 10**6), st.floats(-6.0, 6.0))
@QUICK
def test_a_cutoff_by_pruning_says_no_more_than_it_has_shown(seed, above):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 2, (5, 8)).astype(float)
    model = Model(
        cost=rng.integers(1, 20, 8).astype(float),
        rows=csr_array(rows),
        least=np.minimum(rows.sum(axis=1), 1.0),
        most=np.full(5, np.inf),
        lower=np.zeros(8),
        upper=np.ones(8),
        whole=np.ones(8, dtype=bool),
    )
    best = solve_model(model, Effort(Limits()))
    assert best.answer == "optimal"
    cutoff = best.objective + above
    out = solve_model(model, Effort(Limits()), options=Options(cutoff=cutoff, prune=True))
    if best.objective < cutoff:
        assert (out.answer, out.objective) == ("optimal", best.objective)
    else:
        assert (out.answer, out.values, out.bound) == ("infeasible", None, np.inf)


def two_towns():
    """Return a problem of two towns far apart: two sites each, every home a load of 1."""
    x = np.concatenate([np.arange(6.0), 1_000.0 + np.arange(6.0)])
    cost = np.abs(x[:, None] - x)
    problem = make_problem(cost, np.ones(12), Rules(), p=4)
    return make_packing(problem, 4, np.ones(12), np.full(12, 3.0))


def test_plans_are_merged_by_their_groups():
    packing = two_towns()
    search = PackingSearch(Limits(), packing.integral, math.inf, packing.hopeless)
    good, bad = [1, 1, 1, 4, 4, 4], [0, 5, 0, 5, 0, 5]
    for west, east in ((good, bad), (bad, good)):
        assigned = np.array([*west, *(6 + np.array(east))])
        search.keep(packing, np.unique(assigned), assigned)
    assert search.value == 16.0
    merged_plans(packing, search, first_node(packing))
    assert search.value == 8.0
    assert search.packed.chosen.tolist() == [1, 4, 7, 10]


@given(st.integers(0, 10**6))
@QUICK
def test_the_best_choice_of_groups_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    n, m, p = 5, 4, 2
    problem = make_problem(
        rng.integers(0, 50, (n, m)).astype(float), np.ones(n), Rules(fixed=[1]), p=p
    )
    packing = make_packing(problem, p, np.ones(n), np.full(m, 4.0))
    search = PackingSearch(Limits(), packing.integral, math.inf, packing.hopeless)
    plans = [rng.choice([1, int(rng.integers(m))], n) for _ in range(6)]
    for assigned in plans:
        search.keep(packing, np.unique([1, *assigned]), assigned)
    groups = list(search.groups)
    out = solve_model(model_of(packing, groups), Effort(Limits()))
    best = math.inf
    for picked in itertools.product([0, 1], repeat=len(groups)):
        own = [one for one, use in zip(groups, picked, strict=True) if use]
        at = [one.site for one in own]
        served = {row for one in own for row in one.rows.tolist()}
        if len(set(at)) == len(at) and len(set(at) | {1}) <= p and len(served) == n:
            best = min(best, math.fsum(one.cost for one in own))
    assert out.objective == pytest.approx(best)
