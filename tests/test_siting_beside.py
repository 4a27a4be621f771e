"""The proof beside the search for plans: who is faster changes nothing, and both end together."""

import itertools
import threading
import time
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.siting import Limits, mclp, most_cover
from gridplan.siting.beside import Aside, side_by_side
from gridplan.siting.cover_plans import Pool
from gridplan.siting.search import OutOfEffortError


def town(n, m, seed):
    """Return metres between homes and sites in a square, and whole residents."""
    rng = np.random.default_rng(seed)
    homes, sites = rng.uniform(0, 1000, (n, 2)), rng.uniform(0, 1000, (m, 2))
    return np.hypot(*(homes[:, None] - sites[None]).T).T, rng.integers(1, 90, n).astype(float)


@given(st.integers(3, 12), st.integers(1, 4), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_proof_in_a_thread_agrees_with_brute_force(m, p, seed):
    cost, residents = town(15, m, seed)
    with mock.patch.object(most_cover, "_SMALL", 0):
        plan = mclp(cost, residents, p=min(p, m), radius_m=300.0)
    within = cost <= 300.0
    best = max(
        residents[within[:, list(some)].any(axis=1)].sum()
        for some in itertools.combinations(range(m), min(p, m))
    )
    assert (plan.status, plan.objective, plan.bound) == ("proven", best, best)


SLOWER = {"neither": (0.0, 0.0), "plans": (0.2, 0.0), "proof": (0.0, 0.2)}


@pytest.fixture(scope="module")
def plain():
    return _stopped_by_work("neither")


def _stopped_by_work(which):
    """Return all that a search for most coverage tells, one of both sides slowed down."""
    cost, residents = town(700, 450, 3)
    plans_s, proof_s = SLOWER[which]
    rounds, grow = Pool.rounds, most_cover.Proof._grow

    def slow_rounds(self):
        time.sleep(plans_s)
        rounds(self)

    def slow_grow(self, work):
        time.sleep(proof_s)
        grow(self, work)

    told = []
    limits = Limits(work=1_500, seed=5, progress=lambda bound, value: told.append((bound, value)))
    with (
        mock.patch.object(Pool, "rounds", slow_rounds),
        mock.patch.object(most_cover.Proof, "_grow", slow_grow),
    ):
        plan = mclp(cost, residents, p=20, radius_m=100.0, limits=limits)
    return plan.sites, plan.objective, plan.bound, plan.status, plan.stopped_by, plan.work, told


@pytest.mark.parametrize("which", ["plans", "proof"])
def test_the_same_work_gives_the_same_whoever_is_faster(plain, which):
    assert _stopped_by_work(which) == plain


def test_the_search_that_is_slowed_down_had_bounds_to_find(plain):
    bounds = {bound for bound, _ in plain[-1]}
    assert len(bounds) >= 3


def test_an_interrupt_ends_the_proof_and_keeps_the_plan():
    cost, residents = town(700, 450, 3)

    def rounds(_pool):
        time.sleep(0.3)
        raise KeyboardInterrupt

    began = time.perf_counter()
    with mock.patch.object(Pool, "rounds", rounds):
        plan = mclp(cost, residents, p=20, radius_m=100.0, limits=Limits(work=10**9))
    assert (plan.status, plan.stopped_by, len(plan.sites)) == ("gap", "interrupt", 20)
    assert time.perf_counter() - began < 30.0
    assert threading.active_count() == 1


@pytest.mark.parametrize(("reason", "called"), [("work", False), ("time", True)])
def test_the_other_is_called_unless_work_ended_the_first(reason, called):
    aside = Aside(Limits())
    begun, seen = threading.Event(), []

    def first():
        begun.wait(5.0)
        raise OutOfEffortError(reason)

    def other():
        begun.set()
        seen.append(aside.called.wait(0.2))

    with pytest.raises(OutOfEffortError):
        side_by_side(first, other, aside.called)
    assert seen == [called]
    assert aside.late is called


def test_both_results_come_back_and_a_fault_of_the_other_is_raised():
    assert side_by_side(lambda: 1, lambda: "two") == (1, "two")
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda: 1, lambda: 1 // 0)
