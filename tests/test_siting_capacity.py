"""The p-median with capacities against brute force, and what is said where nothing fits."""

import itertools
import math
import re
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import BrokenPlanError, CostMatrixError
from gridplan.siting import (
    Limits,
    Rules,
    SoftCapacity,
    capacitated,
    evaluate,
    p_median,
    packing_tree,
)
from gridplan.siting.packing_tree import solve_packing

QUICK = settings(max_examples=60, deadline=None)
INF = np.inf


@st.composite
def instances(draw, *, holes=None):
    """Return cost, weights, load, capacity, p and rules of a tiny problem, ids out of order."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    whole = draw(st.booleans())
    cost = rng.integers(0, 30, (n, m)).astype(float) if whole else rng.uniform(0, 3000, (n, m))
    if draw(st.booleans()) if holes is None else holes:
        cost[rng.random((n, m)) < 0.25] = INF
    weights = rng.integers(0, 4, n) * (1.0 if whole else 0.37)
    load = rng.integers(0, 6, n).astype(float) if draw(st.booleans()) else rng.uniform(0, 5, n)
    load[~np.isfinite(cost).any(axis=1) & (weights == 0)] = 0.0
    capacity = rng.uniform(0.5, 1.6, m) * max(load.sum(), 1.0) * rng.uniform(0.4, 1.0)
    capacity = np.floor(capacity) if draw(st.booleans()) else capacity
    roles = rng.choice(["free", "fixed", "required", "forbidden"], m, p=[0.7, 0.1, 0.1, 0.1])
    sites = np.array([f"s{at}" for at in rng.permutation(m)])
    demand = [f"d{at}" for at in rng.permutation(n)]
    rules = Rules(
        fixed=sites[roles == "fixed"],
        required=sites[roles == "required"],
        forbidden=sites[roles == "forbidden"],
        allow_unreachable=True,
    )
    least = max(1, int(np.isin(roles, ["fixed", "required"]).sum()))
    most = int((roles != "forbidden").sum())
    open_sites = roles != "forbidden"
    if most < least or not np.isfinite(cost[:, open_sites][load > 0]).any(axis=1).all():
        rules, most, least = Rules(allow_unreachable=True), m, 1
    p = draw(st.integers(least, most))
    return (
        pd.DataFrame(cost, demand, sites),
        pd.Series(weights, demand, dtype=float),
        pd.Series(load, demand),
        pd.Series(capacity, sites),
        p,
        rules,
    )


def brute_force(instance):
    """Return the least objective over all sets of p sites and all assignments."""
    cost, weights, load, capacity, p, rules = instance
    must = {*rules.fixed, *rules.required}
    allowed = [site for site in cost.columns if site not in set(rules.forbidden)]
    served = cost.index[
        ((weights > 0) | (load > 0)) & np.isfinite(cost[allowed]).any(axis=1).to_numpy()
    ]
    best = INF
    for sites in itertools.combinations(allowed, p):
        if must <= set(sites):
            best = min(best, best_assignment(cost, weights, load, capacity, served, sites))
    return best


def best_assignment(cost, weights, load, capacity, served, sites):
    """Return the least cost of all assignments to some sites."""
    best = INF
    for goes in itertools.product(sites, repeat=len(served)):
        held = dict.fromkeys(sites, 0.0)
        for one, site in zip(served, goes, strict=True):
            held[site] += load[one]
        if any(held[site] > capacity[site] * (1 + 1e-9) for site in sites):
            continue
        walks = [cost.loc[one, site] for one, site in zip(served, goes, strict=True)]
        if np.isfinite(walks).all():
            total = math.fsum(weights[one] * m for one, m in zip(served, walks, strict=True))
            best = min(best, total)
    return best


def solve(instance, **options):
    """Return the plan, or None where the loads are refused beforehand."""
    cost, weights, load, capacity, p, rules = instance
    try:
        return p_median(cost, weights, p=p, load=load, capacity=capacity, rules=rules, **options)
    except CostMatrixError as fault:
        assert "The load is" in str(fault)  # noqa: PT017 (some instances only)
        return None


def check_plan(plan, instance):
    """Check what every plan promises, whatever its objective."""
    cost, weights, load, capacity, p, rules = instance
    assert len(set(plan.sites)) == p
    assert {*rules.fixed, *rules.required} <= set(plan.sites)
    assert not set(rules.forbidden) & set(plan.sites)
    goes = plan.assignment.dropna()
    assert set(goes) <= set(plan.sites)
    asked = (weights > 0) | (load > 0)
    assert set(cost.index[asked]) - set(plan.unreachable) <= set(goes.index)
    held = load[goes.index].groupby(goes).sum()
    assert (held <= capacity[held.index] * (1 + 1e-9) + 1e-12).all()
    walked = [weights[one] * cost.loc[one, site] for one, site in goes.items() if weights[one]]
    assert plan.objective == pytest.approx(math.fsum(walked), rel=1e-12)
    assert plan.loads.index.tolist() == list(plan.sites)
    assert plan.loads["load"].sum() == pytest.approx(load[goes.index].sum())
    assert (plan.loads["shortfall"] == 0).all()
    assert (plan.loads["capacity"] == capacity[list(plan.sites)]).all()


@given(instances())
@QUICK
def test_equals_brute_force(instance):
    best = brute_force(instance)
    plan = solve(instance)
    if plan is None:
        assert math.isinf(best)
    elif math.isinf(best):
        assert (plan.status, plan.sites, plan.objective) == ("infeasible", (), INF)
        assert plan.bound == INF
        assert plan.assignment.isna().all()
        assert plan.cause is not None
    else:
        assert plan.status == "proven"
        assert plan.stopped_by is None
        assert plan.cause is None
        assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
        assert plan.lower_bound <= plan.objective
        check_plan(plan, instance)


@given(instances(), st.integers(1, 120), st.integers(0, 3))
@QUICK
def test_stopped_anywhere_the_bound_is_on_the_right_side(instance, work, seed):
    best = brute_force(instance)
    plan = solve(instance, limits=Limits(work=work, seed=seed))
    if plan is None or math.isinf(best):
        assert plan is None or plan.status in {"infeasible", "stopped"}
        return
    assert plan.status in {"proven", "gap", "stopped"}
    assert plan.bound <= best + 1e-9 * max(1.0, best)
    assert plan.objective >= best - 1e-9 * max(1.0, best)
    if plan.sites:
        check_plan(plan, instance)
    if plan.status == "proven":
        assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    else:
        assert plan.stopped_by == "work"


@given(instances(), st.integers(0, 10**6))
@QUICK
def test_order_of_rows_and_columns_changes_nothing(instance, seed):
    cost, weights, load, capacity, p, rules = instance
    rng = np.random.default_rng(seed)
    shuffled = cost.iloc[rng.permutation(len(cost)), rng.permutation(cost.shape[1])]
    one = solve(instance)
    two = solve((shuffled, weights[shuffled.index], load.iloc[::-1], capacity.iloc[::-1], p, rules))
    assert (one is None) == (two is None)
    if one is not None:
        assert (one.sites, one.objective, one.bound) == (two.sites, two.objective, two.bound)
        pd.testing.assert_series_equal(one.assignment, two.assignment)
        pd.testing.assert_frame_equal(one.loads, two.loads)


@given(instances(), st.floats(1.0, 2.0))
@QUICK
def test_more_capacity_never_raises_the_objective(instance, factor):
    cost, weights, load, capacity, p, rules = instance
    plan = solve(instance)
    wider = solve((cost, weights, load, capacity * factor, p, rules))
    if plan is not None and plan.sites:
        assert wider.objective <= plan.objective * (1 + 1e-9) + 1e-9


@given(instances(), st.booleans())
@QUICK
def test_capacity_that_never_binds_is_none(instance, endless):
    cost, weights, load, capacity, p, rules = instance
    free = p_median(cost, weights, p=p, rules=rules)
    amount = INF if endless else load.sum() + 1.0
    plan = solve((cost, weights, load, capacity * 0.0 + amount, p, rules))
    assert plan is not None
    # Demand with a load and without weight has to be within reach as well.
    assert plan.objective >= free.objective * (1 - 1e-9)
    if (load[weights == 0] == 0).all():
        assert plan.objective == free.objective
        assert plan.sites == free.sites
        pd.testing.assert_series_equal(plan.assignment, free.assignment)


@given(instances(holes=False))
@QUICK
def test_soft_capacity_changes_no_plan(instance):
    cost, weights, load, capacity, p, rules = instance
    free = p_median(cost, weights, p=p, rules=rules)
    plan = p_median(cost, weights, p=p, load=load, capacity=SoftCapacity(capacity), rules=rules)
    assert (plan.sites, plan.objective, plan.status) == (free.sites, free.objective, free.status)
    pd.testing.assert_series_equal(plan.assignment, free.assignment)
    held = load.groupby(plan.assignment).sum().reindex(list(plan.sites), fill_value=0.0)
    np.testing.assert_allclose(plan.loads["load"], held, atol=1e-12)
    short = np.maximum(held - capacity[held.index], 0.0)
    np.testing.assert_allclose(plan.loads["shortfall"], short, atol=1e-6)


def town(n=60, m=25, p=6, seed=3, fill=0.9):
    """Return a problem of some size with capacities that bind."""
    rng = np.random.default_rng(seed)
    homes, sites = rng.uniform(0, 2000, (n, 2)), rng.uniform(0, 2000, (m, 2))
    cost = np.hypot(*(homes[:, None] - sites[None]).T).T.round()
    load = rng.integers(1, 30, n).astype(float)
    return cost, load, load.sum() / p / fill, p


def test_a_town_is_proven_and_the_same_each_time():
    cost, load, capacity, p = town()
    plan = p_median(cost, load, p=p, capacity=capacity)
    again = p_median(cost, load, p=p, capacity=capacity)
    assert plan.status == "proven"
    assert plan.loads["load"].max() <= capacity
    assert (plan.sites, plan.objective, plan.bound, plan.work) == (
        again.sites,
        again.objective,
        again.bound,
        again.work,
    )
    pd.testing.assert_series_equal(plan.assignment, again.assignment)
    assert plan.objective >= p_median(cost, load, p=p).objective
    assert plan.objective >= evaluate(cost, plan.sites, load).objective


def test_loads_that_are_no_whole_numbers_are_packed_exactly():
    cost, load, capacity, p = town(n=30, m=12, p=4)
    scaled = p_median(cost, load, p=p, load=load * 0.1, capacity=capacity * 0.1)
    assert scaled.status == "proven"
    assert scaled.objective == p_median(cost, load, p=p, capacity=capacity).objective


def test_progress_never_goes_back():
    cost, load, capacity, p = town()
    told = []
    limits = Limits(progress=lambda bound, objective: told.append((bound, objective)))
    plan = p_median(cost, load, p=p, capacity=capacity, limits=limits)
    bounds, objectives = zip(*told, strict=True)
    assert list(bounds) == sorted(bounds)
    assert list(objectives) == sorted(objectives, reverse=True)
    assert told[-1] == (plan.bound, plan.objective)


@pytest.mark.parametrize("seed", [5, 8, 10])
def test_a_site_that_holds_nothing_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    cost, load = pd.DataFrame(rng.uniform(0, 2000, (7, 5))), pd.Series(rng.uniform(0, 6, 7))
    capacity = pd.Series(rng.uniform(0.3, 0.8, 5) * load.sum())
    capacity[0] = 0.0
    instance = (cost, load, load, capacity, 3, Rules(fixed=[0]))
    with mock.patch.object(packing_tree, "PairModel", wraps=packing_tree.PairModel) as models:
        plan = solve(instance)
    assert models.called
    assert plan.status == "proven"
    assert plan.objective == pytest.approx(brute_force(instance), rel=1e-9)


def test_an_interrupt_keeps_the_plan_and_its_bound():
    cost, load, capacity, p = town()
    best = p_median(cost, load, p=p, capacity=capacity).objective

    def stop(bound, objective):
        if math.isfinite(objective) and math.isfinite(bound):
            raise KeyboardInterrupt

    plan = p_median(cost, load, p=p, capacity=capacity, limits=Limits(progress=stop))
    assert (plan.status, plan.stopped_by) == ("gap", "interrupt")
    assert plan.bound <= best <= plan.objective < INF


def test_a_gap_that_is_good_enough_ends_the_search():
    cost, load, capacity, p = town()
    plan = p_median(cost, load, p=p, capacity=capacity, limits=Limits(gap=0.05))
    assert plan.status in {"gap", "proven"}
    assert plan.gap <= 0.05
    assert plan.stopped_by is None


SQUARE = pd.DataFrame(
    [[0.0, 9.0, 9.0], [9.0, 0.0, 9.0], [9.0, 9.0, 0.0]], ["d1", "d2", "d3"], ["A", "B", "C"]
)
ONES = pd.Series(1.0, SQUARE.index)

IMPOSSIBLE = {
    "p too small": (
        {"p": 2, "load": ONES * 10, "capacity": 12.0},
        (
            r"The load is 30 in total, and the 2 allowed sites that hold most.*hold 24\. "
            r"Raise p \(with p = 3 there is a plan, with fewer sites none\); or make the "
            r"capacities 1\.667 times"
        ),
    ),
    "one demand point too large": (
        {"p": 2, "load": pd.Series({"d1": 20.0, "d2": 1.0, "d3": 1.0}), "capacity": 16.0},
        (
            r"1 demand point has a load above .* \(the largest 20\): d1\. No number of sites "
            r"helps.*Make the capacities 1\.25 times as large "
            r"\(there is a plan then, with less none\)"
        ),
    ),
    "nothing fits together": (
        {"p": 2, "load": ONES * 10, "capacity": 15.0},
        (
            r"proven that no 2 sites can be filled .*Raise p "
            r"\(with p = 3 there is a plan, with fewer sites none\)"
        ),
    ),
    "what is required holds too little": (
        {
            "p": 1,
            "load": ONES,
            "capacity": pd.Series({"A": 2.0, "B": 9.0, "C": 9.0}),
            "rules": Rules(required=["A"]),
        },
        (
            r"1 allowed sites that hold most, fixed and required ones among them, hold 2\. "
            r"Raise p \(with p = 2 there is a plan, with fewer sites none\); or make the "
            r"capacities 1\.5 times"
        ),
    ),
}


@pytest.mark.parametrize(("given", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_no_plan_has_a_cause_and_a_relaxation(given, words):
    plan = p_median(SQUARE, ONES, **given)
    assert (plan.status, plan.sites, plan.objective, plan.bound) == ("infeasible", (), INF, INF)
    assert plan.loads.empty
    assert re.search(words, plan.cause.en)
    assert plan.cause.zh != plan.cause.en


FAULTS = {
    "total too small": (
        {"load": ONES * 10, "capacity": 9.0},
        r"The load is 30 in total, but all 3 allowed sites together hold 27: 3 too little",
    ),
    "total too small by rule": (
        {"load": ONES * 10, "capacity": 14.0, "rules": Rules(forbidden=["C"])},
        "all 2 allowed sites together hold 28: 2 too little",
    ),
    "no capacity at all": ({"capacity": 0.0}, "all 3 allowed sites together hold 0"),
    "load missing": ({"load": ONES[:2], "capacity": 5.0}, "1 demand point of the cost .*: d3"),
    "load too many": (
        {"load": pd.concat([ONES, pd.Series({"d9": 1.0})]), "capacity": 5.0},
        "1 id of the loads is not among the demand points of the cost: d9",
    ),
    "load twice": (
        {"load": pd.concat([ONES, ONES[:1]]), "capacity": 5.0},
        "1 id of loads occurs more than once: d1",
    ),
    "load negative": ({"load": -ONES, "capacity": 5.0}, "3 of 3 loads are negative: d1, d2, d3"),
    "load nan": (
        {"load": ONES.where(ONES.index != "d2"), "capacity": 5.0},
        r"1 of 3 loads is missing \(NaN\): d2",
    ),
    "load infinite": ({"load": ONES * INF, "capacity": 5.0}, "3 of 3 loads are infinite"),
    "load text": (
        {"load": pd.Series("x", ONES.index), "capacity": 5.0},
        "3 of 3 loads are no numbers: d1 = x, d2 = x, d3 = x",
    ),
    "load shape": ({"load": np.ones(2), "capacity": 5.0}, r"loads are a ndarray of shape \(2,\)"),
    "capacity missing": (
        {"capacity": pd.Series({"A": 5.0})},
        "2 sites of the cost have no number among the capacities: B, C",
    ),
    "capacity unknown": (
        {"capacity": pd.Series(5.0, ["A", "B", "C", "Z"])},
        "1 id of the capacities is not among the sites of the cost: Z",
    ),
    "capacity negative": (
        {"capacity": pd.Series({"A": -5.0, "B": 9.0, "C": 9.0})},
        "1 of 3 capacities is negative: A",
    ),
    "capacity nan": ({"capacity": np.nan}, r"3 of 3 capacities are missing \(NaN\): A, B, C"),
    "capacity a list": ({"capacity": [5.0, 5.0, 5.0]}, "The capacities are a list; expected"),
    "soft capacity negative": ({"capacity": SoftCapacity(-1.0)}, "3 of 3 capacities are negative"),
    "load out of reach": (
        {
            "load": ONES,
            "capacity": 5.0,
            "weights": ONES.where(ONES.index != "d1", 0.0),
            "cost": SQUARE
            + pd.DataFrame(INF, ["d1"], SQUARE.columns).reindex(SQUARE.index).fillna(0),
        },
        "1 demand point without weight has a load, and no allowed site reaches it: d1",
    ),
}


@pytest.mark.parametrize(("given", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_fault(given, words):
    given = {"cost": SQUARE, "weights": ONES, "p": 2, **given}
    with pytest.raises(CostMatrixError, match=words) as caught:
        p_median(given.pop("cost"), given.pop("weights"), **given)
    assert len(caught.value.faults) == 1
    assert caught.value.lines("zh") != caught.value.lines("en")


def test_loads_and_capacities_are_matched_by_label_or_given_in_order():
    turned = SQUARE.loc[["d3", "d1", "d2"], ["C", "A", "B"]]
    by_label = p_median(
        turned,
        pd.Series({"d1": 1.0, "d2": 2.0, "d3": 3.0}),
        p=2,
        load=pd.Series({"d1": 5.0, "d2": 6.0, "d3": 7.0}),
        capacity=pd.Series({"A": 20.0, "B": 8.0, "C": 12.0}),
    )
    in_order = p_median(
        turned,
        np.array([3.0, 1.0, 2.0]),
        p=2,
        load=np.array([7.0, 5.0, 6.0]),
        capacity=np.array([12.0, 20.0, 8.0]),
    )
    assert by_label.objective == in_order.objective
    pd.testing.assert_frame_equal(by_label.loads, in_order.loads)


def test_load_without_capacity_is_only_told():
    plan = p_median(SQUARE, ONES, p=1, load=ONES * 7)
    assert plan.loads.iloc[0].tolist() == [21.0, INF, 0.0]


def test_limits_too_tight_for_a_bound_claim_nothing():
    cost, load, capacity, p = town()
    plan = p_median(cost, load, p=p, capacity=capacity, limits=Limits(work=1))
    assert plan.status in {"stopped", "gap"}
    assert plan.stopped_by == "work"


def test_a_broken_plan_is_not_given_out(monkeypatch):
    def overload(_problem, packing, search, _relaxed):
        solve_packing(packing, search)
        best = search.packed
        everybody = np.full(len(packing.rows), best.chosen[0])
        search.packed = type(best)(best.value, best.chosen, everybody)

    cost, load, capacity, p = town(n=12, m=6, p=3, fill=0.8)
    monkeypatch.setattr(capacitated, "_solve", overload)
    with pytest.raises(BrokenPlanError, match="Sites that hold more than their capacity: 1"):
        p_median(cost, load, p=p, capacity=capacity)


def test_a_factor_for_all_sites_is_no_promise():
    with pytest.raises(
        CostMatrixError, match=r"at least 1\.334 times as large \(nobody is divided"
    ):
        p_median(np.ones((4, 3)), np.ones(4), p=3, capacity=1.0)
