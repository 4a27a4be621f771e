"""The p-median under budget, counts by group and a share near a site, against brute force."""

import math
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import CostMatrixError
from gridplan.siting import Limits, Reach, Rules, conditioned, improving, p_ede, p_median
from tests.test_siting_cover import counted, instances, nearest, plans

QUICK = settings(max_examples=60, deadline=None)
INF = np.inf


def total(cost, weights, rules, chosen):
    rows = counted(cost, weights, rules)
    return math.fsum(weights[rows] * nearest(cost[rows], chosen))


def share_near(cost, weights, chosen, radius_m):
    near = nearest(cost, chosen) <= radius_m
    return math.fsum(weights[near]) / max(math.fsum(weights), 1e-12)


def least(cost, weights, rules, sizes):
    """Return the least total over all sets that keep the rules; inf if none serves everybody."""
    found = [INF]
    for chosen in plans(cost, rules, sizes):
        near = rules.reach is None or (
            share_near(cost, weights, chosen, rules.reach.radius_m) >= rules.reach.share - 1e-12
        )
        if near:
            found.append(total(cost, weights, rules, chosen))
    return min(found)


def agrees(plan, best):
    if math.isinf(best):
        assert (plan.status, plan.sites, plan.objective) == ("infeasible", (), INF)
        assert plan.cause is None or plan.cause.en != plan.cause.zh
        return
    assert plan.status == "proven"
    assert plan.objective == pytest.approx(best, rel=1e-12, abs=1e-9)
    assert plan.bound <= plan.objective


@given(instances(ruled=True))
@QUICK
def test_p_sites_under_budget_and_counts_equal_brute_force(instance):
    cost, weights, p, rules = instance
    agrees(p_median(cost, weights, p=p, rules=rules), least(cost, weights, rules, [p]))


@given(instances(ruled=True))
@QUICK
def test_a_budget_without_a_number_equals_brute_force(instance):
    cost, weights, _, rules = instance
    plan = p_median(cost, weights, rules=rules)
    if not (weights > 0).any() or not counted(cost, weights, rules).any():
        return
    agrees(plan, least(cost, weights, rules, range(1, cost.shape[1] + 1)))


@given(instances(), st.floats(0.05, 1.0), st.integers(3, 28), st.booleans())
@QUICK
def test_a_share_within_a_distance_equals_brute_force(instance, share, radius_m, free):
    cost, weights, p, rules = instance
    asked = Rules(
        **{key: getattr(rules, key) for key in Rules.__slots__ if key != "reach"},
        reach=Reach(float(radius_m), share),
    )
    if not (weights > 0).any() or not counted(cost, weights, rules).any():
        return
    if free and rules.budget is not None:
        plan = p_median(cost, weights, rules=asked)
        agrees(plan, least(cost, weights, asked, range(1, cost.shape[1] + 1)))
    else:
        agrees(p_median(cost, weights, p=p, rules=asked), least(cost, weights, asked, [p]))


@given(instances(ruled=True), st.integers(1, 60))
@QUICK
def test_stopped_anywhere_the_bound_is_on_the_right_side(instance, work):
    cost, weights, p, rules = instance
    best = least(cost, weights, rules, [p])
    plan = p_median(cost, weights, p=p, rules=rules, limits=Limits(work=work))
    if math.isinf(best):
        assert plan.status in {"infeasible", "stopped"}
        return
    assert plan.status in {"proven", "gap", "stopped"}
    assert plan.bound <= best + 1e-9 * max(1.0, best)
    assert plan.objective >= best - 1e-9 * max(1.0, best)


@given(instances(ruled=True), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_order_of_rows_and_columns_changes_nothing(instance, seed):
    cost, weights, p, rules = instance
    rng = np.random.default_rng(seed)
    shuffled = cost.iloc[rng.permutation(len(cost)), rng.permutation(cost.shape[1])]
    one = p_median(cost, weights, p=p, rules=rules)
    two = p_median(shuffled, weights, p=p, rules=rules)
    assert (one.sites, one.objective, one.bound) == (two.sites, two.objective, two.bound)


def town(n, m, seed=0):
    rng = np.random.default_rng(seed)
    homes, sites = rng.uniform(0, 3000, (n, 2)), rng.uniform(0, 3000, (m, 2))
    metres = np.hypot(*(homes[:, None, :] - sites[None, :, :]).transpose(2, 0, 1)).round()
    return metres, rng.integers(1, 90, n).astype(float)


@pytest.mark.parametrize("prices", [(0, 0, 3, 4, 5, 6), (0,) * 6])
@pytest.mark.parametrize("p", [3, None])
def test_sites_that_cost_nothing_equal_brute_force(prices, p):
    rng = np.random.default_rng(3)
    cost, weights = pd.DataFrame(rng.uniform(0, 2000, (8, 6))), pd.Series(rng.uniform(1, 9, 8))
    rules = Rules(cost_of=dict(enumerate(map(float, prices))), budget=7.0)
    sizes = range(1, 7) if p is None else [p]
    agrees(p_median(cost, weights, p=p, rules=rules), least(cost, weights, rules, sizes))


def test_a_town_with_a_budget_is_proven_and_the_work_is_counted():
    metres, residents = town(150, 30)
    price = dict(enumerate(np.random.default_rng(1).integers(20, 200, 30).astype(float)))
    rules = Rules(fixed=[0, 1], cost_of=price, budget=500.0)
    plan = p_median(metres, residents, rules=rules)
    again = p_median(metres, residents, rules=rules)
    assert plan.status == "proven"
    assert (plan.sites, plan.work) == (again.sites, again.work)
    more = p_median(metres, residents, rules=Rules(fixed=[0, 1], cost_of=price, budget=700.0))
    assert more.objective <= plan.objective
    assert sum(price[one] for one in plan.sites if one > 1) <= 500.0


def proven_both_ways(metres, residents, **asked):
    """Return the plans of the model of cuts and of that of levels, from a poor start."""
    found = []
    for levels in (0, 10**9):
        # The searches find the best plan of so small a town: here the proof has to.
        with (
            mock.patch.object(conditioned, "_MOST_LEVELS", levels),
            mock.patch.object(improving, "_PATIENCE", 0),
        ):
            found.append(p_median(metres, residents, **asked))
    assert [one.status for one in found] == ["proven", "proven"]
    assert found[0].objective == found[1].objective
    return found[0]


@pytest.mark.parametrize("seed", range(6))
def test_the_models_of_levels_and_of_cuts_prove_the_same_budget(seed):
    metres, residents = town(300, 50, seed)
    rng = np.random.default_rng(seed)
    price = dict(enumerate(rng.integers(20, 200, 50).astype(float)))
    rules = Rules(fixed=range(3), cost_of=price, budget=float(rng.integers(500, 1200)))
    proven_both_ways(metres, residents, rules=rules)


@pytest.mark.parametrize("seed", range(4))
def test_the_models_of_levels_and_of_cuts_prove_the_same_share(seed):
    metres, residents = town(150, 30, seed)
    near = np.sort(metres, axis=1)[:, 2].mean()
    rules = Rules(fixed=range(2), reach=Reach(float(near), 0.5))
    plan = proven_both_ways(metres, residents, p=8, rules=rules)
    within = metres[:, list(plan.sites)].min(axis=1) <= near
    assert residents[within].sum() >= 0.5 * residents.sum()


@pytest.mark.parametrize("seed", range(3))
def test_the_models_of_levels_and_of_cuts_prove_the_same_counts(seed):
    metres, residents = town(260, 36, seed)
    price = dict(enumerate(np.random.default_rng(seed).integers(20, 200, 36).astype(float)))
    counts = {"groups": {one: one % 4 for one in range(36)}, "at_least": {1: 2}, "at_most": {2: 1}}
    rules = Rules(fixed=range(2), cost_of=price, budget=500.0, **counts)
    plan = proven_both_ways(metres, residents, p=7, rules=rules)
    held = [one % 4 for one in plan.sites]
    assert (held.count(1) >= 2, held.count(2) <= 1) == (True, True)


def test_a_budget_beyond_all_needs_is_the_plain_median():
    metres, residents = town(60, 12)
    rules = Rules(cost_of=dict.fromkeys(range(12), 1.0), budget=99.0)
    plan = p_median(metres, residents, p=4, rules=rules)
    plain = p_median(metres, residents, p=4)
    assert (plan.objective, plan.status) == (plain.objective, "proven")


def test_the_equivalent_walk_takes_a_budget_too():
    metres, residents = town(25, 8)
    rules = Rules(cost_of=dict.fromkeys(range(8), 3.0), budget=7.0)
    plan = p_ede(metres, residents, p=2, rules=rules)
    assert (plan.status, len(plan.sites)) == ("proven", 2)
    assert plan.objective == pytest.approx(p_ede(metres, residents, p=2).objective, rel=1e-9)


def test_what_cannot_be_asked_is_refused_in_words():
    metres, residents = town(5, 3)
    with pytest.raises(CostMatrixError, match="p is None and there is no budget"):
        p_median(metres, residents)
    with pytest.raises(CostMatrixError, match="p is None and there is no budget"):
        p_median(metres, residents, capacity=1e6)
    near = Rules(reach=Reach(500.0, 0.9))
    with pytest.raises(CostMatrixError, match="does not take a share of the weight"):
        p_ede(metres, residents, p=1, rules=near)


def test_a_share_out_of_reach_names_the_best_there_is():
    cost = pd.DataFrame({"A": [0.0, 900.0], "B": [900.0, 0.0]}, index=["d1", "d2"])
    rules = Rules(reach=Reach(500.0, 0.9))
    plan = p_median(cost, pd.Series({"d1": 3.0, "d2": 1.0}), p=1, rules=rules)
    assert plan.status == "infeasible"
    assert "With 75.00% (and not 90%) within 500 m it can be done" in plan.cause.en
