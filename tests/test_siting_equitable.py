"""The least equally distributed equivalent walk, against every set of sites."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gridplan.errors import SettingsError
from gridplan.siting import Limits, Rules, equitable, evaluate, p_ede, p_median


def ede(cost, weights, chosen, kappa):
    nearest = cost[:, list(chosen)].min(axis=1)
    return math.log(np.average(np.exp(kappa * nearest), weights=weights)) / kappa


@st.composite
def instances(draw):
    n, m = draw(st.integers(1, 8)), draw(st.integers(2, 7))
    metres = hnp.arrays(np.float64, (n, m), elements=st.integers(0, 2000).map(float))
    weights = hnp.arrays(np.float64, n, elements=st.integers(1, 300).map(float))
    return draw(metres), draw(weights), draw(st.integers(1, m - 1))


@given(instances(), st.sampled_from([0.0005, 0.002, 0.01]))
@settings(max_examples=60, deadline=None)
def test_it_equals_brute_force(instance, kappa):
    cost, weights, p = instance
    plan = p_ede(cost, weights, p=p, kappa_per_m=kappa)
    sets = itertools.combinations(range(cost.shape[1]), p)
    best = min(ede(cost, weights, chosen, kappa) for chosen in sets)
    assert plan.status == "proven"
    assert plan.objective == pytest.approx(best, abs=1e-6)
    assert ede(cost, weights, plan.sites, kappa) == pytest.approx(best, abs=1e-6)
    assert plan.bound <= best + 1e-6
    nearest = cost[:, list(plan.sites)].min(axis=1)
    assert np.average(nearest, weights=weights) - 1e-6 <= plan.objective
    assert plan.objective <= nearest.max() + 1e-6


def test_without_aversion_it_is_the_p_median():
    rng = np.random.default_rng(3)
    cost, weights = rng.uniform(50, 2000, (40, 9)), rng.integers(1, 90, 40).astype(float)
    mean = p_median(cost, weights, p=3)
    plan = p_ede(cost, weights, p=3, aversion=1e-6)
    assert plan.sites == mean.sites
    assert plan.objective == pytest.approx(mean.objective / weights.sum(), rel=1e-5)


def test_labels_follow_their_rows_and_columns():
    rng = np.random.default_rng(4)
    cost = pd.DataFrame(rng.uniform(0, 900, (12, 6)), list("abcdefghijkl"), list("UVWXYZ"))
    weights = pd.Series(rng.integers(1, 50, 12).astype(float), cost.index)
    rules = Rules(fixed=["W"], forbidden=["Y"])
    plan = p_ede(cost, weights, p=3, rules=rules)
    other = p_ede(cost.iloc[::-1, ::-1], weights.sample(frac=1, random_state=1), p=3, rules=rules)
    assert plan.sites == other.sites
    assert plan.objective == pytest.approx(other.objective)
    assert "W" in plan.sites
    assert "Y" not in plan.sites


def test_those_without_a_way_are_left_out_on_request_and_listed():
    cost = np.array([[100.0, 400.0], [300.0, 200.0], [np.inf, np.inf]])
    rules = Rules(allow_unreachable=True)
    plan = p_ede(cost, np.ones(3), p=1, kappa_per_m=0.01, rules=rules)
    assert plan.unreachable == (2,)
    assert plan.objective == pytest.approx(ede(cost[:2], np.ones(2), plan.sites, 0.01))


def test_everybody_at_a_site_walks_nothing():
    plan = p_ede(np.array([[0.0, 50.0], [0.0, 50.0]]), np.ones(2), p=1)
    assert (plan.objective, plan.status, plan.sites) == (0.0, "proven", (0,))


def test_stopped_early_is_not_proven():
    rng = np.random.default_rng(5)
    cost, weights = rng.uniform(0, 3000, (300, 60)), rng.integers(1, 90, 300).astype(float)
    plan = p_ede(cost, weights, p=9, limits=Limits(work=12))
    assert plan.status == "gap"
    assert plan.stopped_by == "work"
    assert plan.bound < plan.objective


@pytest.mark.parametrize("rules", [Rules(), Rules(cost_of=dict.fromkeys(range(20), 1.0), budget=4)])
def test_progress_is_told_in_metres_as_the_result_is(rules):
    rng = np.random.default_rng(5)
    cost, weights = rng.uniform(0, 3000, (60, 20)), rng.integers(1, 90, 60).astype(float)
    told = []
    limits = Limits(progress=lambda *figures: told.append(figures))
    plan = p_ede(cost, weights, p=4, rules=rules, limits=limits)
    bounds, values = zip(*told, strict=True)
    assert list(bounds) == sorted(bounds)
    assert list(values) == sorted(values, reverse=True)
    assert told[-1] == pytest.approx((plan.bound, plan.objective))


def interrupted(*_, **__):
    raise KeyboardInterrupt


def test_an_interrupt_before_there_is_a_plan_says_so(monkeypatch):
    monkeypatch.setattr(equitable, "spread", interrupted)
    plan = p_ede(np.array([[100.0, 400.0], [300.0, 200.0]]), np.ones(2), p=1)
    assert (plan.status, plan.stopped_by, plan.sites) == ("stopped", "interrupt", ())
    assert "ended by an interrupt" in plan.cause.en
    assert "人为中断" in plan.cause.zh


def test_an_interrupt_keeps_the_plan_that_the_search_was_to_begin_with(monkeypatch):
    cost = np.array([[100.0, 400.0], [300.0, 200.0]])
    monkeypatch.setattr(equitable, "p_median", interrupted)
    plan = p_ede(cost, np.ones(2), p=1, kappa_per_m=0.01)
    assert (plan.status, plan.stopped_by, len(plan.sites)) == ("gap", "interrupt", 1)
    assert plan.objective == pytest.approx(ede(cost, np.ones(2), plan.sites, 0.01))
    assert plan.bound == -math.inf


def test_a_search_without_a_plan_leaves_the_one_it_was_to_begin_with():
    cost = np.array([[100.0, 400.0], [300.0, 200.0]])
    plan = p_ede(cost, np.ones(2), p=1, kappa_per_m=0.01, limits=Limits(time_s=1e-9))
    assert (plan.status, plan.stopped_by, len(plan.sites)) == ("gap", "time", 1)


@pytest.mark.parametrize(
    ("options", "en", "zh"),
    [
        ({"aversion": 0.0}, "must be above 0", "均须大于 0"),
        ({"kappa_per_m": -0.1}, "must be above 0", "均须大于 0"),
        ({"aversion": 5000.0}, "Take at most", "请取不超过"),
    ],
)
def test_an_aversion_that_cannot_be_used_is_refused(options, en, zh):
    cost = np.array([[100.0, 400.0], [300.0, 200.0]])
    with pytest.raises(SettingsError) as error:
        p_ede(cost, np.ones(2), p=1, **options)
    assert en in error.value.faults[0].en
    assert zh in error.value.faults[0].zh


@given(instances(), st.sampled_from([0.0005, 0.002]))
@settings(max_examples=20, deadline=None)
def test_evaluate_with_the_same_kappa_tells_the_objective(instance, kappa):
    cost, weights, p = instance
    plan = p_ede(cost, weights, p=p, kappa_per_m=kappa)
    told = evaluate(cost, plan.sites, weights, kappa_per_m=kappa).ede_m
    assert told == pytest.approx(plan.objective, abs=1e-6)
    for other in itertools.combinations(range(cost.shape[1]), p):
        assert evaluate(cost, other, weights, kappa_per_m=kappa).ede_m >= told - 1e-6
