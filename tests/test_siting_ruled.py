"""Hard capacities beside budget, counts by group and a share, against brute force."""

import dataclasses
import itertools
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import BrokenPlanError, CostMatrixError
from gridplan.siting import Limits, Reach, Rules, capacitated, p_median
from tests.test_siting_capacity import instances as packings
from tests.test_siting_capacity import town

QUICK = settings(max_examples=80, deadline=None)
INF = np.inf


@st.composite
def instances(draw, *, reach=None, numbered=None):
    """Return a tiny problem with capacities and one or more conditions besides."""
    cost, weights, load, capacity, p, rules = draw(packings())
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    ids = cost.columns.tolist()
    kinds = draw(st.sets(st.sampled_from(["budget", "counts", "reach"]), min_size=1))
    kinds = kinds | {"reach"} if reach else kinds
    more = {}
    if draw(st.booleans()) if numbered is None else not numbered:
        p, kinds = None, kinds | {"budget"}
    if "budget" in kinds:
        price = dict(zip(ids, rng.integers(0, 6, len(ids)).astype(float), strict=True))
        must = sum(price[one] for one in rules.required)
        more |= {"cost_of": price, "budget": must + float(rng.integers(1, 12))}
    if "counts" in kinds:
        group = dict(zip(ids, rng.choice(["u", "v"], len(ids)), strict=True))
        more |= {"groups": group}
        has = [one for one in ("u", "v") if one in group.values()]
        if draw(st.booleans()):
            more |= {"at_most": {has[0]: int(rng.integers(1, 3))}}
        else:
            more |= {"at_least": {has[-1]: 1}}
    if "reach" in kinds:
        finite = cost.to_numpy()[np.isfinite(cost.to_numpy())]
        radius = float(rng.choice(finite)) if len(finite) else 1.0
        more |= {"reach": Reach(radius, float(rng.uniform(0.2, 1.0)))}
    return cost, weights, load, capacity, p, dataclasses.replace(rules, **more)


def sets(instance):
    """Yield all sets of sites that keep the rules."""
    cost, _, _, _, p, rules = instance
    must = {*rules.fixed, *rules.required}
    allowed = [one for one in cost.columns if one not in set(rules.forbidden)]
    for size in [p] if p is not None else range(len(allowed) + 1):
        for sites in itertools.combinations(allowed, size):
            held = [(rules.groups or {}).get(one) for one in sites]
            paid = [one for one in sites if one not in rules.fixed]
            spent = sum((rules.cost_of or {}).get(one, 0.0) for one in paid)
            if (
                must <= set(sites)
                and (rules.budget is None or spent <= rules.budget + 1e-9)
                and all(held.count(one) >= least for one, least in rules.at_least.items())
                and all(held.count(one) <= most for one, most in rules.at_most.items())
            ):
                yield sites


def served_of(instance):
    cost, weights, load, _, _, rules = instance
    allowed = [one for one in cost.columns if one not in set(rules.forbidden)]
    reached = np.isfinite(cost[allowed]).any(axis=1).to_numpy()
    return cost.index[((weights > 0) | (load > 0)).to_numpy() & reached]


def fillings(instance):
    """Yield all plans, as the sites and where each demand point goes."""
    cost, weights, load, capacity, _, rules = instance
    served = served_of(instance)
    total = math.fsum(weights)
    walk, fits = cost.to_dict(), (capacity * (1 + 1e-9)).to_dict()
    for sites in sets(instance):
        for goes in itertools.product(sites, repeat=len(served)):
            held = dict.fromkeys(sites, 0.0)
            for one, site in zip(served, goes, strict=True):
                held[site] += load[one]
            walks = [walk[site][one] for one, site in zip(served, goes, strict=True)]
            if any(held[one] > fits[one] for one in sites) or INF in walks:
                continue
            if rules.reach is not None:
                near = math.fsum(
                    weights[one]
                    for one, far in zip(served, walks, strict=True)
                    if far <= rules.reach.radius_m
                )
                if near < rules.reach.share * total - 1e-9:
                    continue
            yield sites, dict(zip(served, walks, strict=True))


def brute_force(instance):
    """Return the least walk over all plans."""
    weights = instance[1]
    return min(
        (math.fsum(weights[one] * far for one, far in walks.items())
         for _, walks in fillings(instance)),
        default=INF,
    )  # fmt: skip


REFUSED = r"The load is|more sites than may be open|at_least and the fixed|sites than at_most"


def solve(instance, **options):
    """Return the plan, or None where the input is refused beforehand."""
    cost, weights, load, capacity, p, rules = instance
    try:
        return p_median(cost, weights, p=p, load=load, capacity=capacity, rules=rules, **options)
    except CostMatrixError as fault:
        assert any(one in str(fault) for one in REFUSED.split("|")), str(fault)  # noqa: PT017
        return None


def check_plan(plan, instance):
    """Check what every plan promises, whatever its objective."""
    cost, weights, load, capacity, _, _ = instance
    assert tuple(sorted(plan.sites)) in {tuple(sorted(one)) for one in sets(instance)}
    goes = plan.assignment.dropna()
    assert set(goes) <= set(plan.sites)
    assert set(served_of(instance)) <= set(goes.index)
    held = load[goes.index].groupby(goes).sum()
    assert (held <= capacity[held.index] * (1 + 1e-9) + 1e-12).all()
    walked = [weights[one] * cost.loc[one, site] for one, site in goes.items() if weights[one]]
    assert plan.objective == pytest.approx(math.fsum(walked), rel=1e-12)
    assert plan.loads.index.tolist() == list(plan.sites)


@given(instances())
@QUICK
def test_equals_brute_force(instance):
    best = brute_force(instance)
    plan = solve(instance)
    if plan is None:
        assert math.isinf(best)
    elif math.isinf(best):
        assert (plan.status, plan.sites, plan.objective, plan.bound) == ("infeasible", (), INF, INF)
        assert plan.cause.en != plan.cause.zh
    else:
        assert (plan.status, plan.stopped_by, plan.cause) == ("proven", None, None)
        assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
        assert plan.bound <= plan.objective
        check_plan(plan, instance)


@given(instances(reach=True, numbered=True))
@QUICK
def test_a_share_near_the_site_that_is_given_equals_brute_force(instance):
    plan, best = solve(instance), brute_force(instance)
    assert plan is None or plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)


@given(instances(), st.integers(1, 60), st.integers(0, 3))
@QUICK
def test_stopped_anywhere_the_bound_is_on_the_right_side(instance, work, seed):
    best = brute_force(instance)
    plan = solve(instance, limits=Limits(work=work, seed=seed, explain=False))
    if plan is None or math.isinf(best):
        assert plan is None or plan.status in {"infeasible", "stopped"}
        return
    assert plan.status in {"proven", "gap", "stopped"}
    assert plan.bound <= best + 1e-9 * max(1.0, best)
    assert plan.objective >= best - 1e-9 * max(1.0, best)
    if plan.status != "stopped":
        check_plan(plan, instance)
    if plan.status == "proven":
        assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    else:
        assert plan.stopped_by == "work"


@given(instances(), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
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
        assert one.cause == two.cause


@given(instances())
@QUICK
def test_more_money_never_raises_the_objective(instance):
    cost, weights, load, capacity, p, rules = instance
    if rules.budget is None:
        return
    plan = solve(instance)
    richer = dataclasses.replace(rules, budget=rules.budget + 3.0)
    wider = solve((cost, weights, load, capacity, p, richer))
    if plan is not None and plan.status == "proven":
        assert wider.objective <= plan.objective * (1 + 1e-9) + 1e-9


@given(instances())
@QUICK
def test_capacity_that_never_binds_is_none(instance):
    cost, weights, load, _, p, rules = instance
    load = load.where(weights > 0, 0.0)
    plan = solve((cost, weights, load, pd.Series(INF, cost.columns), p, rules))
    if plan is not None:
        free = p_median(cost, weights, p=p, rules=rules)
        assert (plan.status, plan.objective) == (free.status, free.objective)


def priced(p=None, **more):
    """Return a town with capacities that bind, and prices of its sites."""
    cost, load, capacity, _ = town()
    price = np.random.default_rng(2).integers(20, 90, cost.shape[1]).astype(float)
    rules = Rules(cost_of=dict(enumerate(price)), budget=330.0, **more)
    return (cost, load), {"p": p, "capacity": capacity, "rules": rules}


@pytest.mark.parametrize("p", [None, 7])
def test_a_town_with_a_budget_is_proven_and_the_same_each_time(p):
    given_, asked = priced(p)
    plan, again = p_median(*given_, **asked), p_median(*given_, **asked)
    assert plan.status == "proven"
    assert (plan.sites, plan.objective, plan.bound, plan.work) == (
        again.sites,
        again.objective,
        again.bound,
        again.work,
    )
    pd.testing.assert_series_equal(plan.assignment, again.assignment)
    assert plan.objective >= p_median(*given_, p=p, rules=asked["rules"]).objective
    paid = asked["rules"].cost_of
    assert sum(paid[one] for one in plan.sites) <= 330.0


def test_what_a_budget_does_not_need_is_not_bought():
    cost = np.array([[0.0, 0.0, 5.0], [9.0, 9.0, 0.0]])
    rules = Rules(cost_of={0: 1.0, 1: 2.0, 2: 1.0}, budget=99.0)
    plan = p_median(cost, np.ones(2), rules=rules, capacity=1.5)
    assert (plan.sites, plan.objective, plan.status) == ((0, 2), 0.0, "proven")


def test_an_interrupt_keeps_the_plan_and_its_bound():
    given_, asked = priced(7)
    best = p_median(*given_, **asked).objective

    def stop(bound, objective):
        if math.isfinite(objective) and math.isfinite(bound):
            raise KeyboardInterrupt

    plan = p_median(*given_, **asked, limits=Limits(progress=stop))
    assert (plan.status, plan.stopped_by) == ("gap", "interrupt")
    assert plan.bound <= best <= plan.objective < INF


def test_progress_never_goes_back():
    told = []
    given_, asked = priced(7)
    limits = Limits(progress=lambda bound, objective: told.append((bound, objective)))
    plan = p_median(*given_, **asked, limits=limits)
    bounds, objectives = zip(*told, strict=True)
    assert list(bounds) == sorted(bounds)
    assert list(objectives) == sorted(objectives, reverse=True)
    assert told[-1] == (plan.bound, plan.objective)


def test_a_gap_that_is_good_enough_ends_the_search():
    given_, asked = priced(7)
    plan = p_median(*given_, **asked, limits=Limits(gap=0.05))
    assert plan.status in {"gap", "proven"}
    assert plan.gap <= 0.05
    assert plan.stopped_by is None


def test_a_plan_that_overloads_a_site_is_not_given_out(monkeypatch):
    given_, asked = priced(7)

    def overload(result):
        def wrong(*args):
            plan = result(*args)
            goes = plan.assignment.copy()
            goes[:] = plan.sites[0]
            walk = math.fsum(given_[1] * given_[0][:, plan.sites[0]])
            return dataclasses.replace(plan, assignment=goes, objective=walk)

        return wrong

    monkeypatch.setattr(capacitated, "_result", overload(capacitated._result))
    with pytest.raises(BrokenPlanError, match="more than their capacity"):
        p_median(*given_, **asked)


APART = pd.DataFrame(
    [[0.0, 9.0, 9.0], [9.0, 0.0, 9.0], [9.0, 9.0, 0.0]], ["d1", "d2", "d3"], ["A", "B", "C"]
)
FAR = pd.DataFrame(
    [[0.0, 99.0, 99.0], [9.0, 0.0, 99.0], [9.0, 99.0, 0.0]], ["d1", "d2", "d3"], ["A", "B", "C"]
)
TENS = pd.Series(10.0, APART.index)
PRICE = {"A": 3.0, "B": 4.0, "C": 5.0}

IMPOSSIBLE = {
    "too little money": (
        {"capacity": 12.0, "rules": Rules(cost_of=PRICE, budget=9.0)},
        (r"no plan keeps the capacities together with these.*: budget = 9\. The least budget that "
        r"would do is 12, and not 9\. SoftCapacity"),
        "预算至少需要 12，现为 9。",
    ),
    "too few sites": (
        {"p": 2, "capacity": 12.0, "rules": Rules(cost_of=PRICE, budget=99.0)},
        r"p = 2; budget = 99\. With 3 open sites \(and not 2\) it can be done\.",
        "开放场地共取 3 处（现为 2 处）即可满足。",
    ),
    "too many near a site": (
        {"p": 2, "capacity": pd.Series({"A": 10.0, "B": 20.0, "C": 20.0}),
         "rules": Rules(reach=Reach(9.5, 0.9))},
        (r"p = 2; 90% of the weight within 9\.5 m of the site it goes to\. With 3 open sites "
        r"\(and not 2\) it can be done\. With 66\.66% \(and not 90%\) within 9\.5 m it can be "
        r"done, and with no more"),
        "9.5 米内比例最多取 66.66%（向下取整，现为 90%）即可满足。",
    ),
    "too many near": (
        {"p": 2, "capacity": 20.0, "rules": Rules(reach=Reach(5.0, 0.9))},
        r"90% of the weight within 5 m; p = 2\..*This leaves the capacities out",
        "以上尚未计入容量",
    ),
    "a group that is full": (
        {
            "capacity": 12.0,
            "rules": Rules(
                cost_of=PRICE, budget=99.0, groups=dict.fromkeys(PRICE, "g"), at_most={"g": 2}
            ),
        },
        r"budget = 99; the counts by group \(at_least, at_most\)\. SoftCapacity",
        "分组数量要求（at_least、at_most）",
    ),
    "a load that fits nowhere": (
        {"capacity": 9.0, "load": pd.Series([10.0, 1.0, 1.0], APART.index),
         "rules": Rules(cost_of=PRICE, budget=99.0)},
        (r"1 demand point has a load above the capacity of every allowed site within reach \(the "
        r"largest 10\): d1\. No number of sites and no budget helps: split this demand point"),
        "增加选址点数量或预算均无济于事",
    ),
    "money for no site at all": (
        {"p": 2, "capacity": 30.0, "rules": Rules(cost_of=PRICE, budget=6.0)},
        r"no p sites that keep all rules reach everybody.*The least budget that would do is 7",
        "预算至少需要 7",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_faults_say_what_conflicts_and_what_would_do(name):
    asked, en, zh = IMPOSSIBLE[name]
    cost = FAR if name == "too many near a site" else APART
    plan = p_median(cost, TENS, **asked)
    assert (plan.status, plan.sites, plan.bound) == ("infeasible", (), INF)
    assert re.search(en, plan.cause.en), plan.cause.en
    assert zh in plan.cause.zh, plan.cause.zh
