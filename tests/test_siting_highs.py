"""HiGHS behind its interface: answers against brute force, limits, interrupts, silence."""

import _thread
import itertools
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from gridplan.siting import Limits
from gridplan.siting.highs import Model, Options, dual_bound, solve_model
from gridplan.siting.search import Effort

QUICK = settings(max_examples=30, deadline=None)
INF = np.inf


def covering(n, m, *, share=0.3, seed=0, whole=True, cost=None):
    """Return a set covering model."""
    rng = np.random.default_rng(seed)
    rows = (rng.random((n, m)) < share).astype(float)
    rows[np.arange(n), rng.integers(0, m, n)] = 1.0
    return Model(
        cost=np.ones(m) if cost is None else cost,
        rows=csr_array(rows),
        least=np.ones(n),
        most=np.full(n, INF),
        lower=np.zeros(m),
        upper=np.ones(m),
        whole=np.full(m, whole),
    )


def least(model):
    """Return the least cost by trying all 0-1 vectors."""
    rows = model.rows.toarray()
    vectors = np.array(list(itertools.product([0.0, 1.0], repeat=len(model.cost))))
    good = (vectors @ rows.T >= model.least).all(axis=1)
    return float((vectors[good] @ model.cost).min())


HARD = covering(200, 200, share=0.04)


@given(st.integers(0, 10**6), st.booleans())
@QUICK
def test_equals_brute_force(seed, even):
    rng = np.random.default_rng(seed)
    cost = rng.integers(1, 9, 9).astype(float) if even else rng.uniform(0.1, 9.0, 9)
    model = covering(8, 9, seed=seed, cost=cost)
    out = solve_model(model, Effort(Limits()))
    assert out.answer == "optimal"
    assert out.objective == pytest.approx(least(model), rel=1e-9)
    assert out.bound == pytest.approx(out.objective, rel=1e-9)
    assert out.bound <= out.objective
    relaxed = solve_model(covering(8, 9, seed=seed, cost=cost, whole=False), Effort(Limits()))
    assert relaxed.bound <= out.objective * (1 + 1e-12)
    assert relaxed.bound == pytest.approx(relaxed.objective, rel=1e-6)


def test_a_cutoff_is_strict():
    model = covering(8, 9)
    best = least(model)
    at, above = (
        solve_model(model, Effort(Limits()), options=Options(cutoff=best + more))
        for more in (0.0, 1.0)
    )
    assert (at.answer, at.values, at.bound) == ("infeasible", None, INF)
    assert (above.answer, above.objective) == ("optimal", best)


def test_same_work_same_outcome():
    one, two = (solve_model(HARD, Effort(Limits(work=800))) for _ in range(2))
    assert (one.answer, one.stopped_by) == ("stopped", "work")
    assert (one.objective, one.bound) == (two.objective, two.bound)
    assert one.bound < one.objective
    assert (one.values == two.values).all()


def test_work_of_one_model_is_no_limit_of_the_solver():
    effort = Effort(Limits())
    out = solve_model(HARD, effort, options=Options(work=50))
    assert (out.answer, out.stopped_by) == ("stopped", None)
    assert effort.work >= 50


def test_a_start_is_kept():
    start = np.ones(200)
    out = solve_model(HARD, Effort(Limits(work=1)), start=start)
    assert out.objective <= 200.0
    assert (HARD.rows @ out.values >= 1).all()


def test_no_effort_left():
    spent = Effort(Limits(work=10))
    spent.work = 10.0
    assert solve_model(HARD, spent).stopped_by == "work"
    assert solve_model(HARD, Effort(Limits(time_s=1e-9))).stopped_by == "time"


def test_time_stops_it():
    began = time.perf_counter()
    out = solve_model(HARD, Effort(Limits(time_s=0.5)))
    assert (out.answer, out.stopped_by) == ("stopped", "time")
    assert time.perf_counter() - began < 5.0


@pytest.fixture
def interruptible():
    """A process started in the background ignores Ctrl-C, unless told otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_keeps_what_was_found():
    threading.Timer(0.5, _thread.interrupt_main).start()
    out = solve_model(HARD, Effort(Limits(work=10**9)), start=np.ones(200))
    assert (out.answer, out.stopped_by) == ("stopped", "interrupt")
    assert out.values is not None
    assert 0 < out.bound < out.objective


def test_a_linear_program_that_is_stopped_has_a_bound_that_holds():
    relaxed = covering(200, 200, share=0.04, whole=False)
    done = solve_model(relaxed, Effort(Limits()))
    early = solve_model(relaxed, Effort(Limits(work=5)), options=Options(presolve=False))
    assert done.answer == "optimal"
    assert early.stopped_by == "work"
    assert early.bound <= done.bound <= done.objective + 1e-9
    assert done.reduced.shape == (200,)


def test_any_dual_values_give_a_bound():
    model = covering(8, 9)
    rng = np.random.default_rng(0)
    for _ in range(20):
        bound, _ = dual_bound(model, rng.uniform(-1, 1, 8))
        assert bound <= least(model)


def test_infeasible():
    model = covering(8, 9)
    none = Model(**{**vars(model), "upper": np.zeros(9)})
    assert solve_model(none, Effort(Limits())).answer == "infeasible"
    none = Model(**{**vars(none), "whole": np.zeros(9, dtype=bool)})
    out = solve_model(none, Effort(Limits()))
    assert (out.answer, out.bound) == ("infeasible", INF)


def test_nothing_is_printed(capfd):
    solve_model(HARD, Effort(Limits(work=100)))
    assert capfd.readouterr() == ("", "")
