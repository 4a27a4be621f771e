"""Several objectives at once, against brute force over all sets of sites."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.access import kolm_pollak_ede
from gridplan.errors import CostMatrixError, SettingsError
from gridplan.siting import Aim, Limits, Reach, Rules, lexicographic, p_median, pareto, several
from gridplan.siting.aims import solve_aim
from gridplan.siting.assessment import weighted_quantile
from gridplan.siting.search import Effort
from tests.test_siting_cover import counted, instances, nearest, plans

QUICK = settings(max_examples=50, deadline=None)
KAPPA = 0.05
AIMS = (
    Aim("mean"),
    Aim("share", radius_m=9.0),
    Aim("longest"),
    Aim("p90"),
    Aim("p90", share=0.5),
    Aim("ede", kappa_per_m=KAPPA),
)


def figure(aim, cost, weights, rules, chosen):
    """Return an objective so that less is better; inf where somebody is not served."""
    rows = counted(cost, weights, rules)
    walks, people = nearest(cost, chosen), weights
    if not np.isfinite(walks[rows]).all():
        return math.inf
    if aim.kind == "mean":
        return math.fsum(people[rows] * walks[rows])
    if aim.kind == "share":
        return -math.fsum(people[rows & (walks <= aim.radius_m)])
    if aim.kind == "longest":
        return walks[rows].max()
    if aim.kind == "p90":
        every = people > 0
        return weighted_quantile(walks[every].to_numpy(), people[every].to_numpy(), aim.share)
    return (
        math.log(math.fsum(people[rows] * np.exp(KAPPA * walks[rows])) / math.fsum(people[rows]))
        / KAPPA
    )


def worst(value, slack):
    """Return the limit that a best value leaves, for figures of which less is better."""
    value = value + slack * abs(value)
    return value + 1e-9 * max(1.0, abs(value))


@given(instances(), st.lists(st.sampled_from(AIMS), min_size=2, max_size=3, unique=True),
       st.sampled_from([0.0, 0.0, 0.1, 0.5]))  # fmt: skip
@QUICK
def test_one_after_the_other_equals_brute_force(instance, aims, slack):
    cost, weights, p, rules = instance
    if not counted(cost, weights, rules).any():
        return
    found = lexicographic(cost, weights, objectives=aims, p=p, slack=slack, rules=rules)
    left = [one for one in plans(cost, rules, [p])
            if math.isfinite(figure(AIMS[0], cost, weights, rules, one))]  # fmt: skip
    if not left:
        assert (found.siting.sites, found.status) == ((), "infeasible")
        return
    for aim, stage in zip(aims, found.stages, strict=False):
        sign = -1.0 if aim.kind == "share" else 1.0
        values = [figure(aim, cost, weights, rules, one) for one in left]
        if math.isinf(min(values)):
            # More than the rest of the weight is reached by nobody.
            assert stage.status == found.status == "infeasible"
            assert f"{aim.share:.0%} of the weight within" in found.cause.en
            assert f"权重达 {aim.share:.0%}" in found.cause.zh
            return
        assert (stage.status, stage.cause) == ("proven", None)
        assert sign * stage.objective == pytest.approx(min(values), rel=1e-7, abs=1e-7)
        assert sign * stage.bound <= min(values) + 1e-6
        left = [
            one for one, it in zip(left, values, strict=True) if it <= worst(min(values), slack)
        ]
        mine = figure(aim, cost, weights, rules, list(found.siting.sites))
        assert sign * stage.final == pytest.approx(mine, rel=1e-7, abs=1e-7)
        assert mine <= worst(min(values), slack) + 1e-7
    assert found.status == "proven"
    assert len(found.stages) == len(aims)
    assert set(found.siting.sites) in [set(one) for one in left]


@given(instances(), st.permutations(AIMS).map(lambda all_: all_[:2]))
@settings(max_examples=30, deadline=None)
def test_no_plan_beats_one_of_the_frontier(instance, aims):
    cost, weights, p, rules = instance
    if not counted(cost, weights, rules).any():
        return
    curve = pareto(cost, weights, aims=tuple(aims), p=p, points=4, rules=rules)
    every = [[figure(aim, cost, weights, rules, one) for aim in aims]
             for one in plans(cost, rules, [p])]  # fmt: skip
    every = [one for one in every if np.isfinite(one).all()]
    if not every:
        assert "infeasible" in curve["status"].tolist()
        return
    assert (curve["status"] == "proven").all()
    signs = [-1.0 if aim.kind == "share" else 1.0 for aim in aims]
    for row in curve.itertuples():
        mine = (signs[0] * row.first, signs[1] * row.second)
        slack = [1e-6 * max(1.0, abs(one)) for one in mine]
        assert not any(
            (a <= mine[0] - slack[0] and b <= mine[1] + slack[1] / 2)
            or (a <= mine[0] + slack[0] / 2 and b <= mine[1] - slack[1])
            for a, b in every
        )
    best = min(one[0] for one in every)
    assert signs[0] * curve["first"].iloc[0] == pytest.approx(best, rel=1e-7, abs=1e-7)
    least = min(one[1] for one in every)
    assert signs[1] * curve["second"].iloc[-1] == pytest.approx(least, rel=1e-7, abs=1e-7)


@given(instances(), st.permutations(AIMS).map(lambda all_: all_[:2]), st.integers(2, 200))
@settings(max_examples=30, deadline=None)
def test_what_ended_the_search_of_a_point_is_a_word_or_none(instance, aims, work):
    cost, weights, p, rules = instance
    if not counted(cost, weights, rules).any():
        return
    limits = Limits(work=work)
    curve = pareto(cost, weights, aims=tuple(aims), p=p, points=4, rules=rules, limits=limits)
    for row in curve.itertuples():
        assert row.stopped_by in ((None,) if row.status == "proven" else (None, "work"))
        assert row.assignment is None
        assert row.cause is None or row.cause.en
        assert row.cause is None or not row.sites


def town(n, m, seed=0):
    rng = np.random.default_rng(seed)
    homes, sites = rng.uniform(0, 3000, (n, 2)), rng.uniform(0, 3000, (m, 2))
    metres = np.hypot(*(homes[:, None, :] - sites[None, :, :]).transpose(2, 0, 1)).round()
    return metres, rng.integers(1, 90, n).astype(float)


def test_slack_in_the_first_buys_some_of_the_second():
    metres, people = town(80, 15)
    means = [
        lexicographic(metres, people, objectives=("longest", "mean"), p=5, slack=slack)
        for slack in (0.0, 0.2, 9.0)
    ]
    assert all(one.status == "proven" for one in means)
    finals = [one.stages[1].objective for one in means]
    assert finals[0] >= finals[1] >= finals[2]
    assert finals[2] == p_median(metres, people, p=5).objective
    assert means[1].stages[0].final <= 1.2 * means[0].stages[0].objective


def test_a_limit_of_work_is_told_and_leaves_a_plan():
    metres, people = town(120, 25)
    found = lexicographic(
        metres, people, objectives=("share", "mean"), p=6, limits=Limits(work=120)
    )
    assert found.status in {"gap", "proven"}
    assert len(found.siting.sites) == 6
    again = lexicographic(
        metres, people, objectives=("share", "mean"), p=6, limits=Limits(work=120)
    )
    assert again.siting.sites == found.siting.sites


def interrupted_at(monkeypatch, at):
    """Let a key interrupt the search of this number, after it found a plan."""
    calls = []

    def solve(*given):
        calls.append(1)
        found, sites = solve_aim(*given)
        if len(calls) == at:
            found = replace(found, status="gap", stopped_by="interrupt")
        return found, sites

    monkeypatch.setattr(several, "solve_aim", solve)
    return calls


class Clock:
    """A clock that goes only when it is told to."""

    now = 100.0

    def __call__(self):
        return self.now


def slow_searches(monkeypatch, *, without_plan=0):
    """Let each search use all the time it is given, the first ones without a plan."""
    clock, given = Clock(), []
    monkeypatch.setattr("gridplan.siting.search._now", clock)
    monkeypatch.setattr(several, "Effort", lambda limits: Effort(limits, started=clock.now))

    def solve(stand, aim, limits):
        given.append(limits.time_s)
        clock.now += limits.time_s
        found, sites = solve_aim(stand, aim, replace(limits, time_s=None))
        if len(given) <= without_plan:
            return replace(found, sites=(), status="stopped", stopped_by="time"), None
        return found, sites

    monkeypatch.setattr(several, "solve_aim", solve)
    return given


SEARCHES = {
    "lexicographic": lambda limits: lexicographic(
        *town(40, 10), objectives=("share", "longest", "mean"), p=3, limits=limits
    ),
    "pareto": lambda limits: pareto(
        *town(40, 10), aims=("share", "mean"), p=3, points=4, limits=limits
    ),
}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())
def test_all_searches_together_keep_to_the_time(search, monkeypatch):
    given = slow_searches(monkeypatch)
    search(Limits(time_s=6.0))
    assert len(given) >= 3
    # What is left is divided, so that no search has nothing, and nothing is left over.
    assert 5.9 < sum(given) < 6.0 + 1e-6
    assert given[0] == pytest.approx(6.0 / (3 if len(given) == 3 else 6))


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())
def test_a_first_search_without_a_plan_has_all_the_time_that_is_left(search, monkeypatch):
    given = slow_searches(monkeypatch, without_plan=1)
    search(Limits(time_s=6.0))
    assert sum(given[:2]) == pytest.approx(6.0)
    assert sum(given) < 6.0 + 1e-6


@pytest.mark.parametrize("at", [1, 2, 3])
def test_after_an_interrupt_no_further_stage_is_begun(monkeypatch, at):
    metres, people = town(40, 10)
    calls = interrupted_at(monkeypatch, at)
    found = lexicographic(metres, people, objectives=("share", "mean", "longest"), p=3)
    assert len(calls) == len(found.stages) == at
    assert len(found.siting.sites) == 3
    assert (found.status, found.stopped_by) == ("gap", "interrupt")
    assert (found.siting.status, found.siting.stopped_by) == ("gap", "interrupt")


def test_an_interrupted_stage_without_a_plan_leaves_that_of_the_one_before(monkeypatch):
    metres, people = town(40, 10)
    left = lexicographic(metres, people, objectives=("share",), p=3)

    def solve(stand, aim, limits):
        found, sites = solve_aim(stand, aim, limits)
        if aim.kind == "share":
            return found, sites
        return replace(found, sites=(), status="stopped", stopped_by="interrupt"), None

    monkeypatch.setattr(several, "solve_aim", solve)
    found = lexicographic(metres, people, objectives=("share", "mean", "longest"), p=3)
    assert found.siting.sites == left.siting.sites
    assert (len(found.stages), found.status, found.stopped_by) == (2, "stopped", "interrupt")


def test_a_stage_of_the_p90_that_nobody_can_keep_tells_why():
    far = np.inf
    metres = np.array([[far, 900.0], [200, 100], [300, 700], [far, far], [far, 900], [far, far]])
    rules = Rules(allow_unreachable=True)
    found = lexicographic(metres, np.ones(6), objectives=("mean", "p90"), p=2, rules=rules)
    assert [one.status for one in found.stages] == ["proven", "infeasible"]
    assert found.siting.sites == (0, 1)
    assert "This alone cannot be kept: 90% of the weight within 900 m." in found.cause.en
    assert found.stages[0].cause is None


@pytest.mark.parametrize("at", range(1, 10))
def test_after_an_interrupt_no_further_limit_is_tried(monkeypatch, at):
    metres, people = town(40, 10)
    calls = interrupted_at(monkeypatch, at)
    curve = pareto(metres, people, aims=("share", "mean"), p=3, points=4)
    assert len(calls) == at
    last = curve.iloc[-1]
    assert (last["status"], last["stopped_by"]) == ("gap", "interrupt")
    assert (curve["sites"].map(len) == 3).all()
    assert curve["first"].is_monotonic_decreasing


def test_a_share_in_the_rules_holds_in_every_stage():
    metres, people = town(60, 12)
    rules = Rules(reach=Reach(900.0, 0.6))
    found = lexicographic(metres, people, objectives=("longest", "mean"), p=6, rules=rules)
    chosen = list(found.siting.sites)
    near = metres[:, chosen].min(axis=1) <= 900.0
    assert people[near].sum() >= 0.6 * people.sum()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda d, w: lexicographic(d, w, objectives=("far",), p=1), SettingsError, "'far'"),
        (lambda d, w: lexicographic(d, w, objectives=(), p=1), CostMatrixError, "objectives is"),
        (lambda d, w: lexicographic(d, w, objectives="mean", p=1), CostMatrixError, "objectives"),
        (
            lambda d, w: lexicographic(d, w, objectives=("mean",), p=1, slack=-1.0),
            CostMatrixError,
            "slack is -1.0",
        ),
        (lambda d, w: lexicographic(d, w, objectives=("mean",)), CostMatrixError, "no budget"),
        (
            lambda d, w: pareto(d, w, aims=("mean", "share"), p=1, points=1),
            CostMatrixError,
            "points is 1",
        ),
        (lambda _d, _w: Aim("share", radius_m=-1.0), SettingsError, "radius_m is -1.0"),
        (lambda _d, _w: Aim("p90", share=0.0), SettingsError, "share is 0.0"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(call, error, words):
    metres, people = town(6, 3)
    with pytest.raises(error, match=words):
        call(metres, people)


def test_the_figures_agree_with_those_of_evaluation():
    walks, people = np.array([100.0, 400.0]), np.array([3.0, 1.0])
    frame = pd.DataFrame({"A": walks})
    mine = figure(Aim("ede", kappa_per_m=KAPPA), frame, pd.Series(people), Rules(), ["A"])
    assert mine > kolm_pollak_ede(walks, people, aversion=0.01)
