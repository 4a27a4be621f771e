"""The smallest relaxation of capacities that leave no plan, against all assignments there are."""

from __future__ import annotations

import itertools
import math
import re
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridplan.errors import CostMatrixError
from gridplan.siting import Limits, Rules, p_median

INF = math.inf


def random_instance(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 7)), int(rng.integers(2, 6))
    cost = rng.integers(1, 50, (n, m)).astype(float)
    cost[rng.random((n, m)) < 0.15] = INF
    for row in np.flatnonzero(np.isinf(cost).all(axis=1)):
        cost[row, rng.integers(m)] = 5.0
    load = rng.integers(1, 12, n) + (rng.integers(0, 10, n) / 10 if rng.random() < 0.3 else 0.0)
    capacity = rng.integers(2, 25, m).astype(float)
    must = [int(rng.integers(m))] if rng.random() < 0.3 else []
    return cost, load, capacity, int(rng.integers(1, m)), must


def brute_force(cost, load, capacity, p, must):
    """Return the least factor of capacities for p sites, and the least number of sites."""
    n, m = cost.shape
    factor, count = INF, None
    for size in range(1, m + 1):
        for sites in itertools.combinations(range(m), size):
            if not set(must) <= set(sites):
                continue
            reached = [[j for j in sites if math.isfinite(cost[i, j])] for i in range(n)]
            for goes in itertools.product(*reached):
                held = np.bincount(goes, weights=load, minlength=m)
                needed = float((held / capacity).max())
                factor = min(factor, needed) if size == p else factor
                count = size if count is None and needed <= 1 + 1e-9 else count
    return factor, count


def solved(instance, **limits):
    cost, load, capacity, p, must = instance
    demand, sites = [f"d{i}" for i in range(len(load))], [f"s{j}" for j in range(len(capacity))]
    return p_median(
        pd.DataFrame(cost, demand, sites),
        pd.Series(1.0, demand),
        p=p,
        load=pd.Series(load, demand),
        capacity=pd.Series(capacity, sites),
        rules=Rules(required=[sites[at] for at in must]),
        limits=Limits(**limits),
    )


@given(st.integers(0, 10**6))
@example(372)  # the old search stopped a step above the least factor
@example(371)  # ... said 3 sites where 2 do
@example(362)  # ... offered a factor where no capacity helps
@settings(max_examples=80, deadline=None)
def test_the_smallest_relaxation_is_the_smallest(seed):
    instance = random_instance(seed)
    try:
        plan = solved(instance)
    except CostMatrixError:
        return
    if plan.status != "infeasible" or "capacit" not in plan.cause.en.lower():
        return
    factor, count = brute_force(*instance)
    said = plan.cause.en
    if math.isinf(factor):
        assert "No capacity, however large" in said
        assert "times as large" not in said
    else:
        least = math.ceil(factor * 1000 - 1e-6) / 1000
        assert f"make the capacities {least:g} times as large (" in said.replace("Make", "make")
        assert "with less none" in said
    if count is None:
        assert "with p =" not in said
        assert "aise p" not in said
    else:
        assert f"with p = {count} there is a plan, with fewer sites none" in said
    assert len(re.findall("[一-鿿]", plan.cause.zh)) > 20


def test_a_time_limit_also_ends_the_search_for_a_relaxation(monkeypatch):
    """With no time left nothing is searched, and nothing more than sums is claimed."""
    late = itertools.count(1)
    began = time.perf_counter()
    monkeypatch.setattr("gridplan.siting.search._now", lambda: began + 10.0 * next(late))
    plan = solved(
        (np.ones((3, 2)), np.array([5.0, 5.0, 5.0]), np.array([9.0, 9.0]), 1, []), time_s=5
    )
    assert plan.status == "infeasible"
    assert "Raise p (at least to 2); or make the capacities at least 1.667" in plan.cause.en


@pytest.mark.parametrize("size", [0.0, 1e-3, 1e6])
def test_the_unit_of_loads_does_not_matter(size):
    unit = size or 1.0
    plan = solved(
        (np.ones((3, 2)), np.array([5.0, 5.0, 4.0]) * unit, np.array([9.0, 9.0]) * unit, 1, [])
    )
    assert "make the capacities 1.556 times as large" in plan.cause.en
