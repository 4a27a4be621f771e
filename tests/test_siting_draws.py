"""What a search for most coverage keeps in its books while sites open and close."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.siting import Limits, Rules, resample
from gridplan.siting.cover import make_cover
from gridplan.siting.ledger import Ledger
from gridplan.siting.problem import make_problem
from gridplan.siting.resample import Cooling, Coverage, anneal, greedy_most

QUICK = settings(max_examples=60, deadline=None)
KEPT = (0, 20, 10**6)


@st.composite
def covers(draw):
    """Return a small cover: whole weights, broken ones, or more than single precision holds."""
    n, m = draw(st.integers(1, 12)), draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    weights = rng.integers(1, 100, n) * draw(st.sampled_from([1.0, 0.1, 2.0**23 + 1.0]))
    cost = np.where(rng.random((n, m)) < 0.4, 0.0, 2.0)
    p = draw(st.integers(1, m - 1))
    rules = Rules(allow_unreachable=True)
    problem = make_problem(cost, weights, rules, p=p, conditions=True)
    return make_cover(problem, problem.cost <= 1.0, weights > 0, p=p)


def books(cover, opened):
    """Return, from their definitions, the gain of every site and the weight that is covered."""
    left = ~cover.covers[:, opened].any(axis=1)
    return cover.covers[left].T @ cover.weights[left], float(cover.weights[~left].sum())


@pytest.mark.parametrize("kept", KEPT)
@given(covers(), st.integers(0, 10**6))
@QUICK
def test_gains_and_value_stay_what_they_are_defined_as(kept, cover, seed):
    rng, m = np.random.default_rng(seed), len(cover.sites)
    with mock.patch.object(resample, "_MOST_KEPT", kept):
        state = Coverage(cover)
    for site in rng.integers(m, size=40).tolist():
        (state.remove if state.open[site] else state.add)(site)
        gain, value = books(cover, state.open)
        np.testing.assert_allclose(state.gain, gain, rtol=1e-9, atol=1e-6)
        assert state.value == pytest.approx(value, rel=1e-9, abs=1e-6)


@given(covers(), st.integers(0, 10**6))
@QUICK
def test_annealing_returns_the_best_plan_it_met_and_its_weight(cover, seed):
    ledger = Ledger(Limits(seed=seed), maximise=True)
    state = Coverage(cover)
    first = books(cover, greedy_most(state, ledger))[1]
    value, chosen = anneal(state, Cooling(60, 20.0, 0.1), ledger)
    assert len(set(chosen.tolist())) == cover.slots
    assert (np.diff(chosen) > 0).all()
    assert value == pytest.approx(books(cover, chosen)[1])
    assert value >= first or value == pytest.approx(first)


def test_what_neighbours_share_is_kept_up_to_a_limit():
    cost = np.where(np.eye(6) + np.eye(6, k=1) > 0, 0.0, 2.0)
    rules = Rules(allow_unreachable=True)
    problem = make_problem(cost, np.ones(6), rules, p=2, conditions=True)
    cover = make_cover(problem, problem.cost <= 1.0, np.ones(6, bool), p=2)
    with mock.patch.object(resample, "_MOST_KEPT", 4):
        state = Coverage(cover)
    for site in range(6):
        state.add(site)
    known = [one for one in state._local if one is not None]
    assert 0 < sum(one.size for one in known) <= 4
