"""Homes given to places that hold only so many households, against brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.rooms import full_assignment
from gridplan.rooms.full_assignment import FullPlaces
from gridplan.rooms.full_exchange import exchanged
from gridplan.rooms.space_needs import left_over
from tests.test_rooms_space import question

FAR = math.inf
AREAS = [0.0, 50.0, 80.0, 120.0]


def small_question(seed, *, homes=5, opened=2, new=3):
    """A place with a few homes; the first place has no limit in half of the cases."""
    rng = np.random.default_rng(seed)
    walks = rng.integers(1, 12, (homes, opened + new)).astype(float) * 100
    walks[rng.random(walks.shape) < 0.15] = FAR
    households = rng.integers(1, 16, homes)
    ids = [f"k{j}" for j in range(opened)] + [f"r{j}" for j in range(new)]
    area = {one: float(rng.choice(AREAS)) for one in ids}
    if seed % 2:
        area.pop("k0")
    return question(walks, households, new, area)


def everyway(asked, served, opened):
    """The least weighted walk of the homes that reach a place, or ``inf``; by trying all."""
    holds = asked.space.holds().to_numpy(dtype=float)
    rows = [i for i in np.flatnonzero(served) if np.isfinite(asked.metres[i, opened]).any()]
    best = FAR
    for goes in itertools.product(opened, repeat=len(rows)):
        load = np.bincount(goes, asked.space.households[rows], minlength=len(holds))
        if (load <= holds).all():
            walk = sum(
                asked.counted[i] * asked.metres[i, j] for i, j in zip(rows, goes, strict=True)
            )
            best = min(best, walk)
    return best


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_an_assignment_is_the_best_of_all(seed):
    asked = small_question(seed)
    opened = np.arange(5)
    served = np.ones(5, dtype=bool)
    found = FullPlaces(asked, served, searches=1).assign(opened)
    best = everyway(asked, served, opened)
    assert found.status == ("infeasible" if math.isinf(best) else "proven")
    assert found.objective == pytest.approx(best)
    assert (found.over > 0) <= (found.status == "infeasible")
    reached = np.isfinite(asked.metres).any(axis=1)
    assert (found.given[reached] >= 0).all() == found.planned


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.integers(1, 40))
def test_bounds_are_bounds_and_plans_fit_however_soon_a_search_ends(seed, steps):
    asked = small_question(seed, homes=6)
    served, opened = np.ones(6, dtype=bool), np.arange(4)
    places = FullPlaces(asked, served, searches=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(full_assignment, "_MOST_STEPS", steps)
        patch.setattr(full_assignment, "_LEAST_STEPS", 1)
        patch.setattr(full_assignment, "_CORE_HOMES", -1)
        patch.setattr(full_assignment, "_CORE_HOMES_UNPLANNED", -1)
        found = places.assign(opened)
    best = everyway(asked, served, opened)
    assert found.bound <= best * (1 + 1e-9) or math.isinf(best)
    assert found.objective >= best * (1 - 1e-9) or not found.planned
    assert found.status != "infeasible" or math.isinf(best)
    if found.planned:
        given_to = found.given >= 0
        load = np.bincount(found.given[given_to], asked.space.households[given_to], minlength=5)
        assert (load <= asked.space.holds().to_numpy() * (1 + 1e-9)).all()
    prices = np.random.default_rng(seed).random(5) * 1000
    [least] = places.bounds(opened, np.array([4]), prices)
    assert least <= everyway(asked, served, np.arange(5)) * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_households_left_over_are_those_that_no_division_of_homes_places(seed):
    rng = np.random.default_rng(seed)
    near = rng.random((5, 3)) < 0.5
    load, holds = rng.integers(0, 9, 5).astype(float), rng.integers(0, 12, 3).astype(float)
    # By the theorem of Hall, the worst set of homes against the places in its reach.
    worst = max(
        load[list(some)].sum() - holds[near[list(some)].any(axis=0)].sum()
        for size in range(6)
        for some in itertools.combinations(range(5), size)
    )
    assert left_over(near, load, holds) == pytest.approx(worst)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_exchanges_keep_the_limits_and_leave_none_that_saves(seed):
    rng = np.random.default_rng(seed)
    cost = rng.integers(1, 30, (7, 3)).astype(float)
    load = rng.integers(1, 6, 7).astype(float)
    goes = rng.integers(0, 3, 7)
    held = np.bincount(goes, load, minlength=3)
    holds = held + rng.integers(0, 3, 3)
    found = exchanged(cost, load, holds, goes, most=100)

    def worth(assigned):
        return cost[np.arange(7), assigned].sum()

    assert (np.bincount(found, load, minlength=3) <= holds).all()
    assert worth(found) <= worth(goes)
    for one, other in itertools.permutations(range(7), 2):
        for on in range(3):
            moved = found.copy()
            moved[one], moved[other] = found[other], on
            fits = (np.bincount(moved, load, minlength=3) <= holds).all()
            nearer = cost[one, found[other]] < cost[one, found[one]]
            into = found[one] != found[other] != on and nearer
            assert not (into and fits) or worth(moved) >= worth(found) - 1e-6
