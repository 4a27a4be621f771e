"""Covering problems against brute force: LSCP, MCLP, p-center, p-quantile, under all rules."""

import itertools
import math
import time
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridplan.siting import Limits, Rules, lscp, mclp, p_center, p_quantile
from gridplan.siting.center import least_radius
from gridplan.siting.cover import Cover, Side
from gridplan.siting.ledger import Ledger
from gridplan.siting.row_weighting import Fewer
from gridplan.siting.search import OutOfEffortError

QUICK = settings(max_examples=60, deadline=None)
INF = np.inf


@st.composite
def instances(draw, *, ruled=None, holes=None):
    """Return cost, weights, p and rules of a small problem, with ids out of order."""
    n, m = draw(st.integers(1, 14)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    whole = draw(st.booleans())
    cost = rng.integers(0, 30, (n, m)).astype(float) if whole else rng.uniform(0, 30, (n, m))
    if draw(st.booleans()) if holes is None else holes:
        cost[rng.random((n, m)) < 0.25] = INF
    weights = rng.integers(0, 6, n).astype(float) * (1.0 if whole else 0.37)
    sites = np.array([f"s{at}" for at in rng.permutation(m)])
    roles = rng.choice(["free", "fixed", "required", "forbidden"], m, p=[0.7, 0.1, 0.1, 0.1])
    if (roles == "forbidden").all():
        roles[:] = "free"
    named = {role: sites[roles == role].tolist() for role in ("fixed", "required", "forbidden")}
    must = int(np.isin(roles, ["fixed", "required"]).sum())
    p = draw(st.integers(max(1, must), int((roles != "forbidden").sum())))
    extra = {}
    if draw(st.booleans()) if ruled is None else ruled:
        price = rng.integers(1, 9, m).astype(float)
        paid = price[roles == "required"].sum()
        extra["cost_of"] = dict(zip(sites.tolist(), price.tolist(), strict=True))
        extra["budget"] = float(paid + rng.integers(1, 9) * rng.integers(1, 4))
        group = rng.choice(["east", "west"], m)
        extra["groups"] = dict(zip(sites.tolist(), group.tolist(), strict=True))
        held = {one: int(((group == one) & np.isin(roles, ["fixed", "required"])).sum())
                for one in ("east", "west")}  # fmt: skip
        may = {one: int(((group == one) & (roles != "forbidden")).sum()) for one in held}
        if may["east"]:
            extra["at_least"] = {"east": 1}
            p = max(p, must + (held["east"] == 0))
        if may["west"]:
            extra["at_most"] = {"west": held["west"] + 1}
    rules = Rules(**named, allow_unreachable=True, **extra)
    demand = [f"d{at}" for at in rng.permutation(n)]
    return pd.DataFrame(cost, demand, sites), pd.Series(weights, demand), p, rules


def keeps(chosen, rules):
    """Whether a set of sites keeps all rules."""
    if not {*rules.fixed, *rules.required} <= set(chosen) or set(rules.forbidden) & set(chosen):
        return False
    if rules.budget is not None:
        spent = sum(rules.cost_of[one] for one in chosen if one not in rules.fixed)
        if spent > rules.budget + 1e-9:
            return False
    held = {}
    for one in chosen:
        name = (rules.groups or {}).get(one)
        held[name] = held.get(name, 0) + 1
    return all(held.get(one, 0) >= least for one, least in rules.at_least.items()) and all(
        held.get(one, 0) <= most for one, most in rules.at_most.items()
    )


def plans(cost, rules, sizes):
    """Yield every set of sites of these sizes that keeps the rules."""
    for size in sizes:
        for chosen in itertools.combinations(cost.columns, size):
            if keeps(chosen, rules):
                yield list(chosen)


def nearest(cost, chosen):
    return cost[chosen].min(axis=1)


def counted(cost, weights, rules):
    """Return demand with weight that some allowed site reaches."""
    allowed = [one for one in cost.columns if one not in set(rules.forbidden)]
    return (weights > 0) & np.isfinite(cost[allowed]).any(axis=1)


@given(instances(), st.sampled_from([0.0, 5.0, 10.0, 20.0]), st.booleans())
@QUICK
def test_mclp_equals_brute_force(instance, radius_m, counts):
    cost, weights, p, rules = instance
    p = None if not counts and rules.budget is not None else p
    sizes = range(cost.shape[1] + 1) if p is None else [p]
    sets = plans(cost, rules, sizes)
    best = max(
        (math.fsum(weights[nearest(cost, one) <= radius_m]) if one else 0.0 for one in sets),
        default=None,
    )
    plan = mclp(cost, weights, p=p, radius_m=radius_m, rules=rules)
    if best is None:
        assert (plan.status, plan.sites) == ("infeasible", ())
        assert "no set of sites" in plan.cause.en
        return
    assert plan.status == "proven"
    assert plan.objective == pytest.approx(best, abs=1e-9)
    assert plan.bound >= plan.objective
    assert keeps(plan.sites, rules)
    assert p is None or len(plan.sites) == p
    served = plan.assignment.dropna().index
    assert math.fsum(weights[served]) == pytest.approx(best, abs=1e-9)


@given(instances(), st.integers(1, 40))
@QUICK
def test_mclp_stopped_anywhere_has_a_bound_from_above(instance, work):
    cost, weights, p, rules = instance
    best = max(
        (math.fsum(weights[nearest(cost, one) <= 10.0]) for one in plans(cost, rules, [p])),
        default=None,
    )
    plan = mclp(cost, weights, p=p, radius_m=10.0, rules=rules, limits=Limits(work=work))
    if best is None:
        assert plan.status in {"infeasible", "stopped"}
        return
    assert plan.bound >= best - 1e-9
    if plan.status == "stopped":
        assert (plan.sites, plan.objective) == ((), math.inf)
        return
    assert plan.objective <= best + 1e-9
    if plan.status == "proven":
        assert plan.objective == pytest.approx(best, abs=1e-9)
    else:
        assert plan.stopped_by == "work"


@given(instances())
@QUICK
def test_mclp_by_annealing_merging_and_branching_equals_brute_force(instance):
    cost, weights, p, rules = instance
    best = max(
        (math.fsum(weights[nearest(cost, one) <= 8.0]) for one in plans(cost, rules, [p])),
        default=None,
    )
    with mock.patch("gridplan.siting.most_cover._SMALL", 0):
        plan = mclp(cost, weights, p=p, radius_m=8.0, rules=rules)
    assert plan.status == ("infeasible" if best is None else "proven")
    if best is not None:
        assert plan.objective == pytest.approx(best, abs=1e-9)


def least_paid(cost, rules, radius_m, backup):
    """Return who can be covered, and the least that covering them costs, None if nothing does."""
    allowed = [one for one in cost.columns if one not in set(rules.forbidden)]
    due = (cost[allowed] <= radius_m).sum(axis=1) >= backup
    best = None
    for chosen in plans(cost, rules, range(cost.shape[1] + 1)):
        if ((cost[chosen] <= radius_m).sum(axis=1) >= backup)[due].all():
            price = rules.cost_of
            paid = len(chosen) if price is None else sum(
                price[one] for one in chosen if one not in rules.fixed
            )  # fmt: skip
            best = paid if best is None else min(best, paid)
    return due, best


@given(instances(), st.sampled_from([5.0, 10.0, 20.0]), st.integers(1, 2))
@QUICK
def test_lscp_equals_brute_force(instance, radius_m, backup):
    cost, _, _, rules = instance
    due, best = least_paid(cost, rules, radius_m, backup)
    plan = lscp(cost, radius_m=radius_m, backup=backup, rules=rules)
    assert sorted(plan.unreachable) == sorted(due.index[~due])
    if best is None:
        assert plan.status == "infeasible"
        assert "covers all demand within the radius" in plan.cause.en
        return
    assert plan.status == "proven"
    assert plan.objective == pytest.approx(best)
    assert plan.bound == pytest.approx(best, rel=1e-9)


@contextmanager
def by_search_and_tree():
    """Take every problem for a large one, and leave little to the search for plans."""
    place = "gridplan.siting.least_cover."
    with (
        mock.patch("gridplan.siting.set_cover.LARGE", -1),
        mock.patch("gridplan.siting.center.LARGE", -1),
        mock.patch(place + "_QUICK_MOVES", 1),
        mock.patch(place + "_FIRST_MOVES", 1),
        mock.patch(place + "_MOVES", 2),
    ):
        yield


@given(instances(), st.sampled_from([5.0, 10.0, 20.0]), st.integers(1, 2), st.booleans())
@QUICK
def test_lscp_by_search_and_tree_equals_brute_force(instance, radius_m, backup, priced):
    cost, _, _, rules = instance
    price = {one: 1.0 + len(one) + 0.3 * int(one[1:]) for one in cost.columns}
    plain = {"budget": None, "at_least": {}, "at_most": {}, "cost_of": price if priced else None}
    rules = replace(rules, **plain)
    due, best = least_paid(cost, rules, radius_m, backup)
    with by_search_and_tree():
        plan = lscp(cost, radius_m=radius_m, backup=backup, rules=rules)
    assert plan.status == "proven"
    assert plan.objective == pytest.approx(best)
    assert plan.bound == pytest.approx(best, rel=1e-9)
    covered = (cost[list(plan.sites)] <= radius_m).sum(axis=1) >= backup
    assert covered[due].all()


@given(instances(ruled=False))
@QUICK
def test_p_center_by_search_and_tree_equals_the_usual_way(instance):
    cost, weights, p, rules = instance
    usual = p_center(cost, p=p, weights=weights, rules=rules)
    # So little work that many radii are left open at first.
    with by_search_and_tree(), mock.patch("gridplan.siting.center._FIRST_TRY", 3.0):
        plan = p_center(cost, p=p, weights=weights, rules=rules)
    assert (plan.status, plan.objective) == (usual.status, usual.objective)


@given(st.integers(0, 10**6), st.integers(1, 40), st.floats(0.0, 1.0))
@QUICK
def test_radii_left_open_are_asked_again_until_the_least_is_known(seed, count, share):
    rng = np.random.default_rng(seed)
    radii = np.sort(rng.choice(1000, count, replace=False)).astype(float)
    least = int(rng.integers(count))
    # What each radius takes: a smaller one may be easier, as may be a larger one.
    needed = np.where(rng.random(count) < share, 500.0 * 4.0 ** rng.integers(0, 4, count), 0.0)
    asked = []

    def ask(radius_m, work):
        at = int(np.searchsorted(radii, radius_m))
        asked.append(at)
        if work < needed[at]:
            return "open"
        return (float(radii[rng.integers(least, at + 1)]), np.array([at])) if at >= least else None

    ledger = Ledger(Limits(), exact=True)
    assert least_radius(radii, ask, ledger)
    assert ledger.value == ledger.bound == radii[least]
    assert len(asked) <= 8 * (count + 1)


def test_a_relaxation_that_proves_the_plan_is_the_proof():
    rng = np.random.default_rng(40)
    homes, sites = np.sort(rng.uniform(0, 20000, 700)), rng.uniform(0, 20000, 400)
    price = rng.uniform(1, 5, 400) * rng.choice([1.0, 1e4, 1e6])
    rules = Rules(allow_unreachable=True, cost_of=dict(enumerate(price.tolist())))
    # Along a street the relaxation is whole, but interior points stop short of it.
    cost = np.abs(homes[:, None] - sites)
    with mock.patch("gridplan.siting.set_cover.LARGE", -1):
        plan = lscp(cost, radius_m=500.0, rules=rules)
    assert plan.status == "proven"
    assert plan.objective == pytest.approx(lscp(cost, radius_m=500.0, rules=rules).objective)


def test_a_large_cover_is_searched_beside_its_proof():
    rng = np.random.default_rng(5)
    homes, sites = rng.uniform(0, 3000, (600, 2)), rng.uniform(0, 3000, (200, 2))
    cost = np.abs(homes[:, None] - sites).sum(axis=2)
    rules = Rules(allow_unreachable=True)
    steps = []
    limits = Limits(work=250, progress=lambda *told: steps.append(told))
    with mock.patch("gridplan.siting.set_cover.LARGE", -1):
        plan = lscp(cost, radius_m=400.0, rules=rules, limits=limits)
        again = lscp(cost, radius_m=400.0, rules=rules, limits=Limits(work=250))
    assert (again.sites, again.bound) == (plan.sites, plan.bound)
    assert math.ceil(lscp_relaxation(cost, 400.0) - 1e-6) <= plan.bound <= plan.objective
    assert plan.objective <= steps[0][1] - 2
    served = cost[:, list(plan.sites)].min(axis=1) <= 400.0
    assert served[(cost <= 400.0).any(axis=1)].all()


def lscp_relaxation(cost, radius_m):
    """Return the value of the linear relaxation, by another solver."""
    within = (cost <= radius_m).astype(float)
    within = within[within.any(axis=1)]
    ones = np.ones(within.shape[1])
    return linprog(ones, A_ub=-within, b_ub=-np.ones(len(within)), bounds=(0, 1)).fun


@given(st.integers(0, 10**6), st.integers(1, 2))
@settings(max_examples=20, deadline=None)
def test_what_a_site_is_worth_is_kept_up_to_date(seed, most_needed):
    rng = np.random.default_rng(seed)
    covers = rng.random((40, 15)) < 0.3
    covers = covers[covers.sum(axis=1) >= most_needed]
    needs = rng.integers(1, most_needed + 1, len(covers)).astype(float)
    nothing = np.zeros((0, 15)), np.zeros(0), np.zeros(0)
    cover = Cover(covers, np.ones(len(covers)), needs, rng.uniform(1, 3, 15), np.arange(15),
                  np.empty(0, dtype=int), None, Side(*nothing), exact=False, done=0.0)  # fmt: skip
    search = Fewer(cover, np.arange(15), Ledger(Limits()))
    before = search.cost
    for _ in range(10):
        search.run(20)
        state = search._state
        assert search.cost <= before
        assert (covers[:, search.best].sum(axis=1) >= needs).all()
        held = covers[:, state.open].sum(axis=1)
        gain = state._weight[held < needs] @ covers[held < needs]
        loss = state._weight[held <= needs] @ covers[held <= needs]
        assert state.score == pytest.approx(np.where(state.open, -loss, gain))
        before = search.cost


@given(instances())
@QUICK
def test_p_center_equals_brute_force(instance):
    cost, weights, p, rules = instance
    due = counted(cost, weights, rules)
    best = min(
        (nearest(cost, one)[due].max() if due.any() else 0.0 for one in plans(cost, rules, [p])),
        default=INF,
    )
    plan = p_center(cost, p=p, weights=weights, rules=rules)
    if math.isinf(best):
        assert (plan.status, plan.objective) == ("infeasible", INF)
        return
    assert plan.status == "proven"
    assert plan.objective == best
    assert plan.bound <= best
    assert plan.bound == pytest.approx(best, rel=1e-9)
    assert keeps(plan.sites, rules)
    assert len(plan.sites) == p


def quantile(cost, weights, chosen, share):
    """Return the least distance within which a share of all weight lives."""
    near = nearest(cost, chosen)
    for radius_m in sorted(set(near[weights > 0])):
        if math.fsum(weights[near <= radius_m]) >= share * math.fsum(weights) * (1 - 1e-12):
            return radius_m
    return 0.0


@given(instances(), st.sampled_from([0.5, 0.9, 1.0]))
@QUICK
def test_p_quantile_equals_brute_force(instance, share):
    cost, weights, p, rules = instance
    best = min(
        (quantile(cost, weights, one, share) for one in plans(cost, rules, [p])), default=INF
    )
    plan = p_quantile(cost, weights, p=p, share=share, rules=rules)
    if math.isinf(best):
        assert plan.status == "infeasible"
        return
    assert plan.status == "proven"
    assert plan.objective == best
    assert plan.bound <= best


@given(instances(), st.integers(1, 12))
@QUICK
def test_stopped_anywhere_the_radius_has_a_bound_from_below(instance, work):
    cost, weights, p, rules = instance
    due = counted(cost, weights, rules)
    sets = list(plans(cost, rules, [p]))
    longest = min(
        (nearest(cost, one)[due].max() if due.any() else 0.0 for one in sets), default=INF
    )
    share = min((quantile(cost, weights, one, 0.9) for one in sets), default=INF)
    limits = Limits(work=work)
    for best, plan in (
        (longest, p_center(cost, p=p, weights=weights, rules=rules, limits=limits)),
        (share, p_quantile(cost, weights, p=p, rules=rules, limits=limits)),
    ):
        assert plan.bound <= best or (plan.status == "infeasible" and math.isinf(best))
        assert plan.objective >= best
        assert plan.status != "proven" or plan.objective == best


@given(instances(ruled=False, holes=False), st.sampled_from([5.0, 10.0, 20.0]))
@QUICK
def test_lscp_counts_the_smallest_p_with_full_coverage(instance, radius_m):
    cost, _, _, rules = instance
    everybody = pd.Series(1.0, index=cost.index)
    plan = lscp(cost, radius_m=radius_m, rules=rules)
    reached = len(cost) - len(plan.unreachable)
    need = max(1, len({*rules.fixed, *rules.required}))
    most = cost.shape[1] - len(rules.forbidden)
    full = [
        p
        for p in range(need, most + 1)
        if mclp(cost, everybody, p=p, radius_m=radius_m, rules=rules).objective == reached
    ]
    assert max(plan.objective, need) == full[0]


@given(instances(ruled=False))
@QUICK
def test_coverage_never_falls_with_p_nor_with_radius(instance):
    cost, weights, _, _ = instance
    by_p = [mclp(cost, weights, p=p, radius_m=8.0).objective for p in range(1, cost.shape[1] + 1)]
    by_radius = [mclp(cost, weights, p=1, radius_m=r).objective for r in (0.0, 4.0, 9.0, 20.0)]
    # Proven up to a gap of 1e-9: equal coverage may differ in the last digit.
    assert all(np.diff(by_p) >= -1e-9)
    assert all(np.diff(by_radius) >= -1e-9)


@given(instances(), st.integers(0, 10**6))
@QUICK
def test_order_of_rows_and_columns_changes_nothing(instance, seed):
    cost, weights, p, rules = instance
    rng = np.random.default_rng(seed)
    shuffled = cost.iloc[rng.permutation(len(cost)), rng.permutation(cost.shape[1])]
    mixed = weights.iloc[rng.permutation(len(weights))]
    for solve in (
        lambda c, w: mclp(c, w, p=p, radius_m=9.0, rules=rules),
        lambda c, w: p_center(c, p=p, weights=w, rules=rules),
        lambda c, w: p_quantile(c, w, p=p, rules=rules),
        lambda c, _: lscp(c, radius_m=9.0, rules=rules),
    ):
        one, two = solve(cost, weights), solve(shuffled, mixed)
        assert (one.sites, one.objective, one.bound) == (two.sites, two.objective, two.bound)
        pd.testing.assert_series_equal(one.assignment, two.assignment)


def town(n, m, seed=0):
    """Return Manhattan metres in a square of 3 km, and residents."""
    rng = np.random.default_rng(seed)
    demand, sites = rng.uniform(0, 3000, (n, 2)), rng.uniform(0, 3000, (m, 2))
    return np.abs(demand[:, None] - sites[None]).sum(axis=2), rng.integers(5, 121, n).astype(float)


def test_same_seed_same_plan():
    cost, weights = town(1500, 300)
    limits = Limits(work=1500, seed=3)
    one, two = (mclp(cost, weights, p=12, radius_m=300.0, limits=limits) for _ in range(2))
    assert (one.sites, one.objective, one.bound, one.work) == (
        two.sites, two.objective, two.bound, two.work
    )  # fmt: skip


def test_time_ends_a_search_with_a_plan():
    cost, weights = town(4000, 800)
    # A clock of its own: a fast machine proves this within any time that a slow one needs.
    with mock.patch.object(time, "perf_counter", itertools.count(step=0.1).__next__):
        plan = mclp(cost, weights, p=25, radius_m=250.0, limits=Limits(time_s=20.0))
    assert (plan.status, plan.stopped_by) == ("gap", "time")
    assert plan.bound > plan.objective > 0


def test_a_cover_that_is_still_made_smaller_has_a_plan():
    cost, _ = town(300, 80)
    rules = Rules(allow_unreachable=True)
    late = OutOfEffortError("time")
    place = "gridplan.siting.set_cover."
    with mock.patch(place + "LARGE", -1), mock.patch(place + "reduced", side_effect=late):
        plan = lscp(cost, radius_m=500.0, rules=rules)
    assert (plan.status, plan.stopped_by) == ("gap", "time")
    assert plan.assignment.notna().sum() == len(cost) - len(plan.unreachable)


def test_an_interrupt_keeps_the_plan():
    cost, weights = town(800, 200)

    def stop(_, objective):
        if objective > 0:
            raise KeyboardInterrupt

    plan = mclp(cost, weights, p=8, radius_m=300.0, limits=Limits(progress=stop))
    assert (plan.status, plan.stopped_by) == ("gap", "interrupt")
    assert len(plan.sites) == 8


def test_an_interrupt_of_a_radius_that_is_decided_ends_all():
    cost, _ = town(300, 80)

    def decided_when_stopped(_cover, _start, inner, _offer):
        inner.bring_bound(1e6)
        reason = "interrupt"
        raise OutOfEffortError(reason)

    place = "gridplan.siting.center."
    with (
        mock.patch(place + "LARGE", -1),
        mock.patch(place + "least_cover", side_effect=decided_when_stopped) as asked,
    ):
        plan = p_center(cost, p=5)
    assert (plan.status, plan.stopped_by, asked.call_count) == ("gap", "interrupt", 1)


def test_of_equal_radii_a_low_mean_is_taken():
    cost = pd.DataFrame({"A": [9.0, 9.0, 9.0], "B": [9.0, 1.0, 1.0]}, ["d1", "d2", "d3"])
    plan = p_center(cost, p=1)
    assert (plan.objective, plan.sites, plan.notes) == (9.0, ("B",), ())
    paid = Rules(cost_of={"A": 1, "B": 1}, budget=5)
    assert "ties are not broken" in p_center(cost, p=1, rules=paid).notes[0].en


def test_an_infeasible_problem_names_what_would_do():
    cost = pd.DataFrame(
        {"A": [0.0, 500.0, 900.0], "B": [500.0, 0.0, 400.0], "C": [900.0, 400.0, 0.0]},
        index=["d1", "d2", "d3"],
    )
    price = {"A": 5.0, "B": 6.0, "C": 7.0}
    plan = lscp(cost, radius_m=100.0, rules=Rules(cost_of=price, budget=11.0))
    assert plan.status == "infeasible"
    assert plan.cause.en.endswith(
        "At best, 1 demand point stays uncovered: d3. The least budget that would do is 18, and "
        "not 11. The smallest radius that would do is 400 m."
    )
    few = mclp(cost, pd.Series(1.0, cost.index), p=3, radius_m=1.0,
               rules=Rules(cost_of=price, budget=11.0))  # fmt: skip
    assert (
        "The least budget that would do is 18, and not 11. With p = 2 (and not 3)" in few.cause.en
    )
    ring = np.full((5, 5), INF)
    for at in range(5):
        ring[at, at] = ring[at, (at + 1) % 5] = 10.0
    islands = p_center(ring, p=2)
    assert islands.status == "infeasible"
    assert "With p = 3 (and not 2) it can be done." in islands.cause.en
    assert p_center(ring, p=3).objective == 10.0
    assert p_quantile(ring, np.ones(5), p=2, share=0.8).objective == 10.0
    assert "no p sites reach 90%" in p_quantile(ring, np.ones(5), p=2).cause.en


def test_fixed_sites_cost_nothing_and_count():
    cost, weights = town(60, 12)
    price = dict.fromkeys(range(12), 10.0)
    rules = Rules(fixed=[3], cost_of=price, budget=20.0)
    plan = mclp(cost, weights, p=None, radius_m=600.0, rules=rules)
    assert len(plan.sites) == 3
    assert 3 in plan.sites
    assert plan.status == "proven"


def test_nothing_is_printed(capfd):
    cost, weights = town(150, 40, seed=11)
    mclp(cost, weights, p=5, radius_m=400.0)
    p_center(cost, p=5)
    lscp(cost, radius_m=700.0, rules=Rules(allow_unreachable=True))
    assert capfd.readouterr() == ("", "")
