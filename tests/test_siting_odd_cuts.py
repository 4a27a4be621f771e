"""Cuts of odd sets: no plan breaks them, they are found where they are, and they lift the bound."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridplan.siting import Limits
from gridplan.siting.cover import Cover, Side, most_model, set_model
from gridplan.siting.district_tree import DistrictTree
from gridplan.siting.districts import BothSides, Districts, Part
from gridplan.siting.ledger import Ledger
from gridplan.siting.odd_cuts import OddCuts


def cover_of(within, weights=None, p=None, needs=1.0):
    n, m = within.shape
    side = Side(np.empty((0, m)), np.empty(0), np.empty(0))
    return Cover(
        covers=within, weights=np.ones(n) if weights is None else weights,
        needs=np.full(n, needs), cost=np.ones(m), sites=np.arange(m),
        opened=np.empty(0, dtype=np.intp), slots=p, side=side, exact=False, done=0.0,
    )  # fmt: skip


def town(n, m, seed, radius_m=300.0):
    rng = np.random.default_rng(seed)
    homes, sites = rng.uniform(0, 1000, (n, 2)), rng.uniform(0, 1000, (m, 2))
    metres = np.hypot(*(homes[:, None] - sites[None]).T).T
    return metres <= radius_m


def scattered(n, m, seed):
    """Return what has no places: relaxations of these open many sites in parts."""
    return np.random.default_rng(seed).random((n, m)) < 0.3


def in_parts(within, seed):
    """Return sites that are open in parts, and what they leave out of each demand."""
    shares = np.random.default_rng(seed).choice([0.0, 0.25, 0.5], within.shape[1])
    return shares, np.clip(1.0 - within @ shares, 0.0, 1.0)


def nothing(_steps):
    """Count no work."""


def ring(size):
    """Return demand in a ring, each site between two neighbours."""
    within = np.eye(size, dtype=bool)
    return within | np.roll(within, 1, axis=1)


def relaxed(model):
    """Solve a relaxation by scipy, for values that do not come from the code under test."""
    rows = model.rows.toarray()
    parts = [(rows, model.most), (-rows, -model.least)]
    above = np.vstack([matrix[np.isfinite(ends)] for matrix, ends in parts])
    ends = np.concatenate([ends[np.isfinite(ends)] for _, ends in parts])
    found = linprog(
        model.cost, above, ends, bounds=np.column_stack([model.lower, model.upper]).tolist()
    )
    return found.x, found.fun


@given(st.integers(4, 9), st.integers(1, 3), st.integers(0, 10**6), st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_no_plan_breaks_a_cut_and_every_relaxation_that_is_cut_did(m, p, seed, wide):
    within = scattered(14, m, seed)
    cover = cover_of(within, p=min(p, m))
    shares, missed = in_parts(within, seed)
    cuts = OddCuts(cover, nothing)
    sets = cuts.broken(shares, missed, wide=wide)
    rows, least = cuts.matrix(sets, most=True)
    values = np.concatenate([shares, 1.0 - missed])
    assert all(len(one) % 2 and len(set(one.tolist())) == len(one) for one in sets)
    assert (rows @ values < least - 0.01).all()
    for size in range(m + 1):
        for some in itertools.combinations(range(m), size):
            shares = np.zeros(m)
            shares[list(some)] = 1.0
            covered = within[:, list(some)].any(axis=1).astype(float)
            assert (rows @ np.concatenate([shares, covered]) >= least - 1e-9).all()


@given(st.integers(4, 9), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_whoever_covers_everybody_keeps_the_cuts(m, seed):
    within = scattered(14, m, seed)
    within = within[within.any(axis=1)]
    cover = cover_of(within)
    values, _ = relaxed(set_model(cover, cover.cost))
    cuts = OddCuts(cover, nothing)
    rows, least = cuts.matrix(cuts.broken(values, np.zeros(len(within)), wide=True), most=False)
    assert rows.shape[1] == m
    for some in itertools.product([0.0, 1.0], repeat=m):
        if (within @ np.array(some) >= 1.0).all():
            assert (rows @ np.array(some) >= least - 1e-9).all()


@pytest.mark.parametrize(("size", "wide", "found"), [(3, False, 1), (5, False, 0), (5, True, 1)])
def test_a_ring_of_odd_length_is_found_and_needs_one_site_more(size, wide, found):
    cover = cover_of(ring(size))
    cuts = OddCuts(cover, nothing)
    halves = np.full(size, 0.5)
    sets = cuts.broken(halves, np.zeros(size), wide=wide)
    assert [sorted(one.tolist()) for one in sets] == [list(range(size))] * found
    rows, least = cuts.matrix(sets, most=False)
    assert (rows.toarray() == 1.0).all()
    assert (least == (size + 1) / 2).all()


def test_demand_that_needs_two_sites_takes_part_in_no_cut():
    cuts = OddCuts(cover_of(ring(3), needs=2.0), nothing)
    assert cuts.broken(np.full(3, 0.5), np.zeros(3), wide=True) == []


def test_sets_do_not_depend_on_the_order_of_sites():
    cover = cover_of(town(250, 90, 25, 160.0), p=15)
    values, _ = relaxed(most_model(cover))
    shares, missed = values[:90], 1.0 - values[90:]
    order = np.random.default_rng(1).permutation(90)
    turned = cover_of(cover.covers[:, order], p=15)
    sets = [
        {tuple(one) for one in OddCuts(one, nothing).broken(part, missed, wide=False)}
        for one, part in ((cover, shares), (turned, shares[order]))
    ]
    assert sets[0] == sets[1]
    assert sets[0]


@pytest.mark.parametrize("most", [True, False])
def test_the_root_is_cut_as_far_as_all_cuts_together_say(most):
    rng = np.random.default_rng(5)
    within = town(250, 90, 25, 160.0)
    within = within[within.any(axis=1)]
    weights = rng.integers(1, 50, len(within)).astype(float)
    cover = cover_of(within, weights, p=15 if most else None)
    ledger = Ledger(Limits(work=10**9), maximise=most)
    both = BothSides(cover, Districts(cover), ledger)
    part = Part({}, np.zeros(90, dtype=bool), np.zeros(90, dtype=bool))
    solved = both.alone(part, None)
    model = most_model(cover) if most else set_model(cover, cover.cost)
    assert solved.bound == pytest.approx(-relaxed(model)[1])
    missed = solved.missed if most else np.zeros(len(within))
    cuts = OddCuts(cover, nothing)
    rows, least = cuts.matrix(cuts.broken(solved.shares, missed, wide=True), most=most)
    assert len(least)
    both.add_cuts(rows, least)
    again = both.go_on(part)
    wider = most_model(cover) if most else set_model(cover, cover.cost)
    added = type(wider)(
        wider.cost, np.vstack([wider.rows.toarray(), rows.toarray()]),
        np.concatenate([wider.least, least]),
        np.concatenate([wider.most, np.full(len(least), np.inf)]),
        wider.lower, wider.upper, wider.whole,
    )  # fmt: skip
    expected = -linear(added)
    assert again.bound == pytest.approx(expected)
    assert again.bound < solved.bound - 1e-6
    both.settle()
    sides = both.solve([part, part], again.basis)
    assert [one.bound for one in sides] == pytest.approx([expected, expected])


def linear(model):
    """Return the least of a relaxation whose rows are dense, by scipy."""
    parts = [(model.rows, model.most), (-model.rows, -model.least)]
    above = np.vstack([matrix[np.isfinite(ends)] for matrix, ends in parts])
    ends = np.concatenate([ends[np.isfinite(ends)] for _, ends in parts])
    bounds = np.column_stack([model.lower, model.upper]).tolist()
    return linprog(model.cost, above, ends, bounds=bounds).fun


def test_a_ring_is_proven_without_a_split():
    cover = cover_of(ring(9))
    ledger = Ledger(Limits(work=10**9), whole=True)
    ledger.offer(5.0, np.array([0, 2, 4, 6, 8]))
    tree = DistrictTree(cover, ledger, lambda _shares: None)
    assert tree.bound == pytest.approx(4.5) or tree.done
    tree.run(10**6)
    assert (tree.done, ledger.bound) == (True, 5.0)
