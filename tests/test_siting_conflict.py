"""Why there is no plan: the limits that conflict, and changes that would do, by brute force."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import CostMatrixError
from gridplan.siting import (
    Limits,
    Reach,
    Rules,
    Stop,
    conflict,
    lexicographic,
    lscp,
    mclp,
    p_center,
    p_ede,
    p_median,
    p_quantile,
)
from gridplan.siting.conflict import _Question, conflicting
from gridplan.siting.highs import solve_model
from gridplan.siting.ledger import Ledger
from gridplan.siting.problem import make_problem
from gridplan.siting.search import OutOfEffortError
from gridplan.siting.wanted import Wanted


def drawn(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 8)), int(rng.integers(2, 7))
    metres = np.round(rng.random((n, m)) * 1000)
    metres[rng.random((n, m)) < 0.45] = math.inf
    metres[np.arange(n), rng.integers(0, m, n)] = 500.0
    group = rng.integers(0, 2, m).tolist()
    some = sorted(set(group))
    rules = Rules(
        cost_of=dict(enumerate(rng.integers(1, 20, m).astype(float))),
        budget=float(rng.integers(5, 40)) if rng.random() < 0.6 else None,
        groups=dict(enumerate(group)),
        at_least={some[0]: 1} if rng.random() < 0.3 else {},
        at_most={one: int(rng.integers(1, 3)) for one in some if rng.random() < 0.5},
        required=[0] if rng.random() < 0.2 else [],
        reach=Reach(float(rng.integers(100, 900)), 0.9) if rng.random() < 0.5 else None,
    )
    return metres, rng.integers(1, 9, n).astype(float), int(rng.integers(1, m + 1)), rules


def broken(metres, weights, sites, limits):
    """Return the limits that a set of sites breaks; `limits` by name."""
    p, rules = limits
    near, count = metres[:, sites].min(axis=1), Counter(rules.groups[one] for one in sites)
    found = set()
    if not np.isfinite(near).all():
        found.add(("served", 0))
    if rules.reach is not None:
        within = weights[near <= rules.reach.radius_m].sum()
        if within < rules.reach.share * weights.sum() - 1e-9:
            found.add(("reach", 0))
    if not set(rules.required) <= set(sites):
        found.add(("kept", 0))
    if rules.budget is not None and sum(rules.cost_of[one] for one in sites) > rules.budget:
        found.add(("budget", 0))
    if len(sites) != p:
        found.add(("count", 0))
    found |= {("least", one) for one, least in rules.at_least.items() if count[one] < least}
    return found | {("most", one) for one, most in rules.at_most.items() if count[one] > most}


def share_radius(near, weights, share):
    """Return the distance within which a share of the weight lives."""
    order = np.argsort(near)
    within = np.cumsum(weights[order])
    return near[order][np.searchsorted(within, share * weights.sum() - 1e-9)]


def subsets(count):
    return [
        list(one)
        for size in range(1, count + 1)
        for one in itertools.combinations(range(count), size)
    ]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=st.integers(0, 100_000))
def test_limits_named_conflict_and_none_of_them_is_needless(seed):
    metres, weights, p, rules = drawn(seed)
    try:
        problem = make_problem(metres, weights, rules, p=p, conditions=True, reach=True)
    except CostMatrixError:
        return
    reaches = () if rules.reach is None else (rules.reach,)
    wanted = Wanted(problem, p, np.isfinite(metres), problem.counted, reaches=reaches)
    question = _Question.of(wanted, Ledger(Limits()))
    found = conflicting(question, wanted.limits())
    breaks = [broken(metres, weights, one, (p, rules)) for one in subsets(metres.shape[1])]
    assert (found is None) == any(not one for one in breaks)
    if found is None:
        return
    names = problem.conditions.names
    kept = {(kind, names[at] if kind in {"least", "most"} else at) for kind, at in found}
    assert all(one & kept for one in breaks)
    for left_out in kept:
        fewer = kept - {left_out}
        # The empty set of sites counts here, too: nobody served, no site open.
        nothing = {("served", 0), ("count", 0), ("reach", 0), ("kept", 0)}
        nothing |= {("least", one) for one, least in rules.at_least.items() if least}
        assert any(not (one & fewer) for one in [*breaks, nothing])


CHANGES = {
    "p": r"With (?:p = )?(\d+) (?:open sites )?\(and not",
    "budget": r"least budget that would do is ([\d.]*\d)",
    "share": r"With ([\d.]+)% \(and not",
    "radius": r"Within ([\d,.]+) m \(and not",
    "at_least": r"With at_least = (\d+) \(and not \d+\) for (\d+)",
    "at_most": r"With at_most = (\d+) \(and not \d+\) for (\d+)",
}


def changed(p, rules, key, found):
    """Return number of sites and rules with the change that a cause offers."""
    value = float(found[1].replace(",", ""))
    if key == "radius":
        return p, replace(rules, reach=Reach(value, rules.reach.share))
    if key == "p":
        return int(value), rules
    if key == "budget":
        return p, replace(rules, budget=value)
    if key == "share":
        return p, replace(rules, reach=Reach(rules.reach.radius_m, value / 100.0))
    other = {**getattr(rules, key), int(found[2]): int(value)}
    return p, replace(rules, **{key: other})


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=st.integers(0, 100_000))
def test_each_change_told_does_with_all_other_limits_and_a_smaller_one_does_not(seed):
    metres, weights, p, rules = drawn(seed)
    try:
        plan = p_median(metres, weights, p=p, rules=rules)
    except CostMatrixError:
        return
    if plan.status != "infeasible":
        return
    assert "cannot be kept" in plan.cause.en
    assert re.search("无法(同时)?满足：", plan.cause.zh)
    breaks = {
        tuple(one): broken(metres, weights, one, (p, rules)) for one in subsets(len(metres[0]))
    }
    told = 0
    for key, pattern in CHANGES.items():
        for found in re.finditer(pattern, plan.cause.en):
            told += 1
            other_p, other = changed(p, rules, key, found)
            assert p_median(metres, weights, p=other_p, rules=other).status == "proven"
    # Whatever alone stands in the way of some plan has a change that is told.
    alone = {next(iter(one))[0] for one in breaks.values() if len(one) == 1}
    assert bool(told) == bool(alone - {"served", "kept"})
    assert ("No other number" in plan.cause.en) == (not told)
    assert ("Within" in plan.cause.en) == ("reach" in alone)
    if "reach" in alone:
        least = min(
            share_radius(metres[:, sites].min(axis=1), weights, rules.reach.share)
            for sites, one in breaks.items()
            if one == {("reach", 0)}
        )
        assert f"Within {least:,.12g} m (and not {rules.reach.radius_m:g})" in plan.cause.en
    if ("budget", 0) in {next(iter(one)) for one in breaks.values() if len(one) == 1}:
        least = min(
            sum(rules.cost_of[j] for j in sites)
            for sites, one in breaks.items()
            if one == {("budget", 0)}
        )
        assert f"The least budget that would do is {least:g}, " in plan.cause.en


ISLANDS = np.array([[100.0, 200, math.inf], [100, 300, math.inf], [math.inf, math.inf, 50]])
IN_A = Rules(groups={0: "a", 1: "a", 2: "b"}, at_least={"a": 2})


@pytest.mark.parametrize(
    "solve",
    [
        lambda rules: p_median(ISLANDS, np.ones(3), p=2, rules=rules),
        lambda rules: p_center(ISLANDS, p=2, rules=rules),
        lambda rules: p_ede(ISLANDS, np.ones(3), p=2, rules=rules),
        lambda rules: p_quantile(ISLANDS, np.ones(3), p=2, share=1.0, rules=rules),
        lambda rules: lexicographic(ISLANDS, np.ones(3), objectives=("longest", "mean"), p=2,
                                    rules=rules).siting,
        lambda rules: lexicographic(ISLANDS, np.ones(3), objectives=("p90", "mean"), p=2,
                                    rules=rules).siting,
    ],
    ids=["median", "center", "ede", "quantile", "longest", "p90"],
)  # fmt: skip
def test_every_objective_names_the_limits_that_conflict(solve):
    cause = solve(IN_A).cause
    assert "p = 2; at_least (a = 2)." in cause.en
    assert "With p = 3 (and not 2) it can be done." in cause.en
    assert "With at_least = 1 (and not 2) for a it can be done." in cause.en
    assert "a 的 at_least 取 1（现为 2）即可满足" in cause.zh


def test_a_cover_names_them_and_offers_the_radius():
    rules = Rules(groups={0: "a", 1: "a", 2: "b"}, at_most={"b": 0})
    cause = lscp(ISLANDS, radius_m=1000.0, rules=rules).cause
    assert "everybody served by allowed sites; at_most (b = 0)." in cause.en
    assert "With at_most = 1 (and not 0) for b it can be done." in cause.en
    assert "No other number" not in cause.en


def test_required_sites_are_named_and_what_takes_too_long_is_said():
    metres = np.array([[1.0, math.inf], [2.0, math.inf], [math.inf, 3.0]])
    wide = np.column_stack([metres, [math.inf, 4.0, math.inf]])
    plan = p_median(wide, np.ones(3), p=2, rules=Rules(required=[2]))
    assert "fixed or required sites (1: 2); 2 open sites, 1 fixed" in plan.cause.en
    assert "With 3 open sites (and not 2) it can be done: 2 beside 1 fixed" in plan.cause.en


def test_where_there_is_no_plan_every_problem_returns_the_same_figures():
    rules = Rules(groups={0: "a", 1: "a", 2: "b"}, at_most={"a": 0, "b": 0})
    none = mclp(ISLANDS, np.ones(3), p=1, radius_m=200.0, rules=rules)
    least = p_median(ISLANDS, np.ones(3), p=1, rules=rules)
    assert (none.status, none.objective, none.bound, none.gap) == (
        least.status, least.objective, least.bound, least.gap
    ) == ("infeasible", math.inf, math.inf, math.inf)  # fmt: skip
    rng = np.random.default_rng(0)
    far = rng.random((60, 20)) * 1000.0
    stopped = mclp(far, np.ones(60), p=5, radius_m=100.0, limits=Limits(work=1))
    assert (stopped.status, stopped.objective, stopped.gap) == ("stopped", math.inf, math.inf)
    assert stopped.bound <= 60.0


def test_an_interrupt_is_told_in_seconds():
    # Steps of a model that was broken off are never counted.
    plan = p_median(ISLANDS, np.ones(3), p=2)
    broken_off = replace(plan, status="stopped", stopped_by="interrupt", work=0.0, seconds=2.51)
    assert "ended by an interrupt after 2.5 s, before there was a plan" in broken_off.cause.en
    assert "搜索在 2.5 秒后因人为中断而停止" in broken_off.cause.zh


def test_a_list_of_pairs_without_costs_is_one_fault():
    pairs = pd.DataFrame({"demand_id": ["d1", "d2"], "site_id": ["s1", "s1"], "metres": [1.0, 2.0]})
    with pytest.raises(CostMatrixError) as caught:
        p_median(pairs, pd.Series({"d1": 1.0, "d2": 1.0}), p=1)
    [fault] = caught.value.faults
    assert "demand_id and site_id of a list of pairs, but no cost_m" in fault.en
    assert "没有 cost_m" in fault.zh


def test_weights_that_are_no_numbers_ask_for_no_metres():
    weights = pd.Series({0: "many", 1: 1.0, 2: 1.0}, dtype="object")
    with pytest.raises(CostMatrixError) as caught:
        p_median(ISLANDS, weights, p=2)
    [fault] = caught.value.faults
    assert "Give weights (residents) as numbers." in fault.en
    assert "请填写数字（权重，如居民数）" in fault.zh
    load = pd.Series({0: "many", 1: 1.0, 2: 1.0}, dtype="object")
    with pytest.raises(CostMatrixError) as caught:
        p_median(ISLANDS, np.ones(3), p=2, load=load, capacity=np.full(3, 9.0))
    assert "metres" not in " ".join(one.en for one in caught.value.faults)


ONE_IN_EACH = Rules(
    groups={0: "a", 1: "a", 2: "b"}, at_least={"a": 1, "b": 1}, budget=3.0,
    cost_of={0: 2.0, 1: 2.0, 2: 2.0},
)  # fmt: skip


def test_most_coverage_names_the_limits_that_conflict_too():
    plan = mclp(ISLANDS, np.ones(3), p=2, radius_m=200.0, rules=ONE_IN_EACH)
    assert "These cannot be kept together: budget = 3; p = 2." in plan.cause.en
    assert "The least budget that would do is 4, and not 3." in plan.cause.en
    assert "以下各项无法同时满足：预算 = 3；p = 2。" in plan.cause.zh


def test_a_share_is_told_with_the_digits_that_were_asked_for():
    plan = p_median(ISLANDS, np.ones(3), p=2, rules=Rules(reach=Reach(60.0, 0.5554)))
    assert "55.54% of the weight within 60 m" in plan.cause.en
    assert "60 米内的权重达 55.54%" in plan.cause.zh


class Stopping:
    """Ends an explanation at one of its models."""

    def __init__(self, stop, models):
        self.stop, self.models = stop, models

    def __call__(self, *asked, **options):
        self.models -= 1
        if self.models < 0:
            raise self.stop
        return solve_model(*asked, **options)


STOPS = {
    "work": (OutOfEffortError("work"), "the limit of work", "工作量上限"),
    "time": (OutOfEffortError("time"), "the limit of time", "时间上限"),
    "key": (OutOfEffortError("key"), "a key (Ctrl-C)", "按键（Ctrl-C）"),
    "interrupt": (KeyboardInterrupt(), "an interrupt", "人为中断"),
}


@pytest.mark.parametrize(("solve", "first"), [
    (lambda rules: p_median(ISLANDS, np.ones(3), p=2, rules=rules), 6),
    (lambda rules: mclp(ISLANDS, np.ones(3), p=2, radius_m=200.0, rules=rules), 5),
    (lambda rules: lscp(ISLANDS, radius_m=200.0, rules=rules), 5),
], ids=["median", "mclp", "lscp"])  # fmt: skip
@pytest.mark.parametrize("reason", STOPS)
def test_an_explanation_that_was_cut_short_says_so(monkeypatch, reason, solve, first):
    stop, en, zh = STOPS[reason]
    whole = solve(ONE_IN_EACH).cause
    assert "cut short" not in whole.en
    for models, told in ((0, "Which limits conflict was not found out: the"), (first, "The")):
        monkeypatch.setattr(conflict, "solve_model", Stopping(stop, models))
        plan = solve(ONE_IN_EACH)
        assert (plan.status, plan.objective) == ("infeasible", math.inf)
        assert f"{told} explanation was cut short by {en}" in plan.cause.en
        assert f"说明因{zh}而提前结束" in plan.cause.zh
        assert ("kept together" in plan.cause.en) == bool(models)


def test_a_key_asks_an_explanation_to_end_too():
    plan = p_median(ISLANDS, np.ones(3), p=2, rules=IN_A, limits=Limits(stop=Stop(asked=True)))
    assert "cut short by a key (Ctrl-C)" in plan.cause.en


def test_a_change_that_was_not_searched_for_to_the_end_is_left_open(monkeypatch):
    monkeypatch.setattr(conflict._Changes, "_best", leave_open)
    plan = p_median(ISLANDS, np.ones(3), p=2, rules=IN_A)
    assert "Whether other numbers would do was not found" in plan.cause.en
    assert "未能查明" in plan.cause.zh
    assert "No other number" not in plan.cause.en


def leave_open(changes, *_):
    changes.open = True
