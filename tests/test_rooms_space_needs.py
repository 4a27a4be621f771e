"""Sums and flows that rule out every plan: never more than brute force does, and soon told."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import InfeasibleError
from gridplan.rooms.full_rooms import with_hard_space
from gridplan.rooms.space_needs import space_needs
from gridplan.siting import Limits, p_median
from tests.test_rooms_space import FAR, question


def drawn(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 6)), int(rng.integers(2, 6))
    walks = np.round(rng.random((n, m)) * 900)
    walks[rng.random((n, m)) < 0.45] = FAR
    opened = int(rng.integers(0, 2))
    names = [*(f"k{j}" for j in range(opened)), *(f"r{j}" for j in range(m - opened))]
    area = dict(zip(names, rng.choice([30.0, 50.0, 80.0, 120.0], m), strict=True))
    return question(walks, rng.integers(1, 30, n), m - opened, area), m - opened


def divided_fits(asked, opened):
    """Whether households, divided as may be, fit: every set of homes has room enough (Hall)."""
    reach = np.isfinite(asked.metres)
    homes = np.flatnonzero(reach[:, np.union1d(asked.fixed, asked.free)].any(axis=1))
    holds = asked.space.holds().to_numpy()
    for size in range(1, len(homes) + 1):
        for some in itertools.combinations(homes, size):
            near = [j for j in opened if reach[list(some), j].any()]
            if asked.space.households[list(some)].sum() > math.fsum(holds[near]) + 1e-6:
                return False
    return True


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=st.integers(0, 100_000))
def test_needs_are_never_more_than_those_of_every_set_of_sites(seed):
    asked, new = drawn(seed)
    fixed = asked.fixed.tolist()
    fits = [
        size
        for size in range(new + 1)
        for some in itertools.combinations(asked.free.tolist(), size)
        if divided_fits(asked, [*fixed, *some])
    ]
    needs = space_needs(asked, asked.space, new)
    # With all open the flow is exact: a cut is told if and only if some homes lack room.
    assert (needs.rooms is None) == (not fits)
    if fits:
        assert needs.rooms <= min(fits)
        assert needs.why is None
        if needs.rooms > 1:
            few = space_needs(asked, asked.space, needs.rooms - 1).why
            assert f"only with {needs.rooms} new rooms or more" in few.en
            assert f"至少需新增 {needs.rooms} 处" in few.zh


def test_separate_parts_need_a_room_each_and_homes_without_room_are_named():
    # Two banks, 25 households each; a room holds 20, so two on each.
    walks = [[100, 200, FAR, FAR], [FAR, FAR, 100, 200]]
    asked = question(walks, [25, 25], 4, {f"r{j}": 80.0 for j in range(4)})
    assert space_needs(asked, asked.space, 3).rooms == 4
    # A large room on one bank is of no use to the other, whatever the sums.
    area = {"r0": 120.0, "r1": 120.0, "r2": 50.0, "r3": 50.0}
    asked = question(walks, [25, 25], 4, area)
    why = space_needs(asked, asked.space, 4).why
    assert "1 home with 25 households reach only 2 places (r2, r3), which hold 20." in why.en
    assert "只能到达 2 处场所（r2、r3），合计只能容纳 20 户" in why.zh


def test_a_refusal_by_sums_solves_nothing_but_what_it_offers(monkeypatch):
    limits = []

    def watched(*given, **named):
        limits.append(named["limits"])
        return p_median(*given, **named)

    monkeypatch.setattr("gridplan.rooms.full_rooms.p_median", watched)
    asked = question([[FAR, 100, 200, 300]] * 3, [10, 10, 10], 3, {f"r{j}": 50.0 for j in range(3)})
    with pytest.raises(InfeasibleError) as caught:
        with_hard_space(asked, 1)
    [said] = caught.value.faults
    assert "only with 3 new rooms or more, and not with 1" in said.en
    assert "With [siting].p = 3 there is a plan." in said.en
    # Any plan is enough, and why there is none is told here alone.
    assert limits
    assert all(one.gap > 1 and not one.explain for one in limits)


def test_causes_are_left_out_where_nobody_asks():
    apart = np.array([[0.0, FAR], [FAR, 0.0]])
    quiet = p_median(apart, np.ones(2), p=1, limits=Limits(explain=False))
    assert quiet.cause.en == (
        "It is proven that no p sites that keep all rules reach everybody, at any distance."
    )
    near = np.zeros((2, 2))
    room = {"load": np.full(2, 3.0), "capacity": np.full(2, 4.0)}
    full = p_median(near, np.ones(2), p=1, **room, limits=Limits(explain=False))
    assert full.status == "infeasible"
    assert "times as large" not in full.cause.en
