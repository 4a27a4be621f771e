"""Several objectives and each alone under hard capacities, against brute force."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import BrokenPlanError, CostMatrixError
from gridplan.siting import (
    Aim,
    HardCapacity,
    Limits,
    Reach,
    Rules,
    SoftCapacity,
    aims,
    lexicographic,
    lscp,
    mclp,
    p_center,
    p_ede,
    p_median,
    pareto,
)
from gridplan.siting.assessment import weighted_quantile
from tests.test_siting_capacity import town
from tests.test_siting_ruled import REFUSED, brute_force, fillings, instances

QUICK = settings(max_examples=50, deadline=None)
KAPPA = 0.001
AIMS = (
    Aim("mean"),
    Aim("share", radius_m=900.0),
    Aim("longest"),
    Aim("p90"),
    Aim("p90", share=0.5),
    Aim("ede", kappa_per_m=KAPPA),
)


def figure(aim, weights, walks):
    """Return an objective of a plan so that less is better."""
    people = pd.Series({one: weights[one] for one in walks if weights[one] > 0}, dtype=float)
    far = pd.Series(walks, dtype=float)[people.index]
    if aim.kind == "mean":
        return math.fsum(people * far)
    if aim.kind == "share":
        return -math.fsum(people[far <= aim.radius_m])
    if aim.kind == "longest":
        return float(far.max())
    if aim.kind == "p90":
        everybody = (weights > 0).to_numpy()
        every = weights.index[everybody]
        metres = np.array([walks.get(one, math.inf) for one in every])
        return weighted_quantile(metres, weights[everybody].to_numpy(), aim.share)
    return math.log(math.fsum(people * np.exp(KAPPA * far)) / math.fsum(people)) / KAPPA


def worst(value, slack):
    value = value + slack * abs(value)
    return value + 1e-9 * max(1.0, abs(value))


def asked_of(instance):
    """Return cost, weights and options of an instance, its capacities among the rules."""
    cost, weights, load, capacity, p, rules = instance
    return cost, weights, {"p": p, "rules": dataclasses.replace(
        rules, capacity=HardCapacity(capacity, load))}  # fmt: skip


def refused(call):
    """Return what a call gives; None where the input is refused beforehand."""
    try:
        return call()
    except CostMatrixError as fault:
        assert any(one in str(fault) for one in REFUSED.split("|")), str(fault)  # noqa: PT017
        return None


@given(instances(), st.lists(st.sampled_from(AIMS), min_size=1, max_size=3, unique=True),
       st.sampled_from([0.0, 0.0, 0.1, 0.5]))  # fmt: skip
@QUICK
def test_one_after_the_other_equals_brute_force(instance, asked, slack):
    cost, weights, options = asked_of(instance)
    left = [walks for _, walks in fillings(instance)]
    counted = [one for one in weights.index[weights > 0] if not left or one in left[0]]
    if not counted:
        return
    found = refused(lambda: lexicographic(cost, weights, objectives=asked, slack=slack, **options))
    if found is None or not left:
        assert found is None or (found.siting.sites, found.status) == ((), "infeasible")
        return
    for aim, stage in zip(asked, found.stages, strict=False):
        sign = -1.0 if aim.kind == "share" else 1.0
        values = [figure(aim, weights, one) for one in left]
        if math.isinf(min(values)):
            assert stage.status == found.status == "infeasible"
            assert stage.cause.en != stage.cause.zh
            return
        assert (stage.status, stage.cause) == ("proven", None)
        assert sign * stage.objective == pytest.approx(min(values), rel=1e-7, abs=1e-7)
        assert sign * stage.bound <= min(values) + 1e-6
        left = [
            one for one, it in zip(left, values, strict=True) if it <= worst(min(values), slack)
        ]
        given_ = found.siting.assignment.dropna()
        walks = {one: cost.loc[one, site] for one, site in given_.items()}
        mine = figure(aim, weights, walks)
        assert sign * stage.final == pytest.approx(mine, rel=1e-7, abs=1e-7)
        assert mine <= worst(min(values), slack) + 1e-7
    assert found.status == "proven"
    check_filled(found.siting, instance)


def check_filled(plan, instance):
    _, _, load, capacity, _, _ = instance
    goes = plan.assignment.dropna()
    held = load[goes.index].groupby(goes).sum()
    assert set(goes) <= set(plan.sites)
    assert (held <= capacity[held.index] * (1 + 1e-9) + 1e-12).all()
    assert plan.loads.index.tolist() == list(plan.sites)
    assert plan.loads["load"].sum() == pytest.approx(load[goes.index].sum())


@given(instances(), st.sampled_from(AIMS), st.integers(1, 60))
@QUICK
def test_stopped_anywhere_the_bound_is_on_the_right_side(instance, aim, work):
    cost, weights, options = asked_of(instance)
    plans = [walks for _, walks in fillings(instance)]
    if not plans or not any(one in plans[0] for one in weights.index[weights > 0]):
        return
    best = min(figure(aim, weights, one) for one in plans)
    limits = Limits(work=work, explain=False)
    found = lexicographic(cost, weights, objectives=[aim], limits=limits, **options).siting
    sign = -1.0 if aim.kind == "share" else 1.0
    assert found.status in {"proven", "gap", "stopped"} or math.isinf(best)
    if found.status == "infeasible":
        return
    slack = 1e-7 * max(1.0, abs(best))
    assert sign * found.bound <= best + slack
    if found.sites:
        assert sign * found.objective >= best - slack
        check_filled(found, instance)


@given(instances())
@QUICK
def test_capacities_in_the_rules_are_those_of_p_median(instance):
    cost, weights, options = asked_of(instance)
    plan = refused(lambda: p_median(cost, weights, **options))
    if plan is not None:
        best = brute_force(instance)
        assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)


@given(instances(), st.lists(st.sampled_from(AIMS), min_size=2, max_size=2, unique=True))
@settings(max_examples=30, deadline=None)
def test_the_frontier_equals_brute_force_within_each_limit(instance, asked):
    cost, weights, options = asked_of(instance)
    plans = [walks for _, walks in fillings(instance)]
    if not plans or not any(one in plans[0] for one in weights.index[weights > 0]):
        return
    curve = refused(lambda: pareto(cost, weights, aims=tuple(asked), points=3, **options))
    signs = [-1.0 if one.kind == "share" else 1.0 for one in asked]
    values = np.array([[figure(aim, weights, one) for aim in asked] for one in plans])
    for row in curve[curve["sites"].map(len) > 0].to_dict("records"):
        limit = signs[0] * row["limit"]
        inside = values[:, 0] <= limit + 1e-7 * max(1.0, abs(limit))
        assert row["status"] == "proven"
        assert signs[1] * row["second"] == pytest.approx(
            values[inside, 1].min(), rel=1e-7, abs=1e-7
        )
        assert signs[0] * row["first"] <= limit + 1e-7 * max(1.0, abs(limit))
    firsts = (signs[0] * curve["first"]).to_numpy()
    assert (np.diff(firsts) >= -1e-7).all()


@pytest.mark.parametrize("kind", ["share", "longest", "p90", "ede"])
def test_a_town_is_proven_for_each_objective_and_the_same_each_time(kind):
    cost, load, capacity, p = town(n=40, m=15)
    rules = Rules(capacity=HardCapacity(capacity))
    asked = {"objectives": [kind, "mean"], "p": p + 1, "rules": rules}
    found, again = lexicographic(cost, load, **asked), lexicographic(cost, load, **asked)
    assert found.status == "proven"
    assert [(one.objective, one.bound) for one in found.stages] == [
        (one.objective, one.bound) for one in again.stages
    ]
    pd.testing.assert_series_equal(found.siting.assignment, again.siting.assignment)
    free = lexicographic(cost, load, objectives=[kind], p=p + 1)
    best, mine = free.stages[0].objective, found.stages[0].objective
    assert mine <= best + 1e-9 if kind == "share" else mine >= best - 1e-9
    assert found.siting.loads["load"].max() <= capacity


def test_an_interrupt_keeps_the_plan_and_its_bound():
    cost, load, capacity, p = town(n=40, m=15)
    rules = Rules(capacity=HardCapacity(capacity))
    best = lexicographic(cost, load, objectives=["longest"], p=p, rules=rules).stages[0].objective

    def stop(_, objective):
        if math.isfinite(objective):
            raise KeyboardInterrupt

    limits = Limits(progress=stop)
    found = lexicographic(
        cost, load, objectives=["longest", "mean"], p=p, rules=rules, limits=limits
    )
    assert found.stopped_by == "interrupt"
    assert len(found.stages) == 1
    assert found.stages[0].bound <= best <= found.stages[0].objective < math.inf


def test_a_plan_that_overloads_a_site_is_not_given_out(monkeypatch):
    cost, load, capacity, p = town(n=40, m=15)
    rules = Rules(capacity=HardCapacity(capacity))

    def everybody_to_one(result):
        def wrong(*args):
            plan = result(*args)
            goes = plan.assignment.copy()
            goes[:] = plan.sites[0]
            walk = float(cost[:, plan.sites[0]].max())
            return dataclasses.replace(plan, assignment=goes, objective=walk)

        return wrong

    monkeypatch.setattr(aims.FullWithin, "told", everybody_to_one(aims.FullWithin.told))
    with pytest.raises(BrokenPlanError, match="more than their capacity"):
        lexicographic(cost, load, objectives=["longest"], p=p, rules=rules)


WALKS, ONES = np.array([[0.0, 9.0], [9.0, 0.0]]), np.ones(2)
FULL = Rules(capacity=HardCapacity(1.0))
FAULTS = {
    "mclp": lambda: mclp(WALKS, ONES, p=1, radius_m=5.0, rules=FULL),
    "lscp": lambda: lscp(WALKS, radius_m=5.0, rules=FULL),
    "p_center": lambda: p_center(WALKS, p=1, rules=FULL),
    "p_ede": lambda: p_ede(WALKS, ONES, p=1, rules=FULL),
}


@pytest.mark.parametrize("name", FAULTS)
def test_solvers_that_know_no_capacity_refuse_it(name):
    with pytest.raises(CostMatrixError, match="does not take hard capacities") as caught:
        FAULTS[name]()
    assert "不支持硬性容量" in caught.value.faults[0].zh


def test_what_are_no_capacities_is_refused():
    soft = SoftCapacity(pd.Series({"a site": 1.0}))
    with pytest.raises(CostMatrixError, match="type SoftCapacity; expected HardCapacity") as caught:
        Rules(capacity=soft)
    [said] = caught.value.faults
    assert "应为 HardCapacity" in said.zh
    # Not the amounts of every site.
    assert "a site" not in said.en + said.zh
    with pytest.raises(CostMatrixError, match=r"`capacity` is of the type int; expected"):
        Rules(capacity=5)
    with pytest.raises(CostMatrixError, match="Capacities are given twice") as caught:
        p_median(WALKS, ONES, p=2, capacity=1.0, rules=FULL)
    assert "重复给出" in caught.value.faults[0].zh
    with pytest.raises(CostMatrixError, match=r"all 2 allowed sites together hold 2: 8 too little"):
        lexicographic(WALKS, ONES * 5, objectives=["mean"], p=2, rules=FULL)
    told = lexicographic(WALKS, ONES, objectives=["longest"], p=1, rules=FULL)
    assert told.status == "infeasible"
    assert "no plan keeps the capacities together with these" in told.cause.en
    assert "With 2 open sites (and not 1) it can be done" in told.cause.en


@pytest.mark.parametrize("work", [2, 5, 100_000])
def test_no_allowed_site_is_told_however_little_work_is_left(work):
    walks = pd.DataFrame([[900.0, 100.0]], ["d0"], ["s0", "s1"])
    rules = Rules(
        forbidden=["s0", "s1"],
        allow_unreachable=True,
        cost_of={"s0": 2.0, "s1": 1.0},
        budget=6.5,
        reach=Reach(900.0, 1.0),
    )
    room = pd.Series({"s0": math.inf, "s1": 0.0})
    limits = Limits(work=work)
    told = p_median(walks, pd.Series([10.0], ["d0"]), capacity=room, rules=rules, limits=limits)
    assert told.status == "infeasible"
    assert "100% of the weight within 900 m" in told.cause.en
