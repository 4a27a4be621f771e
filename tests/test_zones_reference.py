"""How far zones are from the evenest: bound and optimum beside enumeration."""

import math

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gridplan.siting import Limits
from gridplan.zones import SystemOptions, SystemRules, zone_reference, zone_system
from tests.test_zones_system import cells_of, graph_of, most_even, squares, table, voronoi

QUICK = {"starts": 1, "moves_per_unit": 20, "least_moves": 1000, "work": 8_000}


@pytest.mark.parametrize(("count", "k", "seed"), [(8, 3, 0), (8, 3, 1), (9, 2, 2), (12, 2, 3)])
def test_the_bound_is_the_best_of_all_partitions(count, k, seed):
    cells = voronoi(count, seed)
    weights = table(cells, seed, names=("residents",))
    options = SystemOptions(k=k, tolerance=0.1, **QUICK)
    plan = zone_system(cells, weights, options=options)
    found = zone_reference(cells, weights, plan, options=options)
    best = most_even(cells, weights["residents"], k) / 0.1
    assert found.bound == pytest.approx(best, abs=1e-4)
    assert found.feasible is bool(best <= 1 + 1e-6)
    worst = plan.balance["residents_deviation_share"].abs().max() / 0.1
    assert found.imbalance == pytest.approx(worst)
    assert found.gap == pytest.approx(worst - best, abs=1e-4)
    if found.status == "gap":
        loads = weights["residents"].groupby(found.zone).sum()
        assert (loads / loads.mean() - 1).abs().max() / 0.1 == pytest.approx(best, abs=1e-4)
        graph = graph_of(cells)
        for _, own in found.zone.groupby(found.zone):
            assert nx.is_connected(graph.subgraph(own.index))


def test_anchors_and_locks_count_in_the_bound():
    cells = cells_of(squares(4, 2))
    weights = pd.DataFrame({"residents": 1.0}, index=cells["cell_uid"])
    options = SystemOptions(k=2, tolerance=0.1, **QUICK)
    rules = SystemRules(locked={f"c000{at}": "A" for at in (0, 1, 2, 3, 4)}, anchors={"x": "c0007"})
    plan = zone_system(cells, weights, rules=rules, options=options)
    found = zone_reference(cells, weights, plan, rules=rules, options=options)
    assert found.bound == pytest.approx(2.5, abs=1e-4)
    assert found.status == "proven"
    assert found.feasible is False


def test_large_instances_have_the_bound_of_their_heaviest_unit():
    cells = voronoi(150, 1)
    weights = table(cells, 1, names=("residents",))
    weights.loc["c0000"] = weights["residents"].sum()
    options = SystemOptions(k=4, tolerance=0.2, **QUICK)
    plan = zone_system(cells, weights, options=options)
    found = zone_reference(cells, weights, plan, options=options)
    mean = weights["residents"].sum() / 4
    assert found.bound == pytest.approx((weights.loc["c0000", "residents"] / mean - 1) / 0.2)
    assert found.stopped_by == "size"
    assert found.feasible is False


def test_a_limit_is_said_and_leaves_a_true_bound():
    cells = voronoi(24, 4)
    weights = table(cells, 4, names=("residents",))
    options = SystemOptions(k=6, tolerance=0.05, **QUICK)
    plan = zone_system(cells, weights, options=options)
    found = zone_reference(cells, weights, plan, options=options, limits=Limits(work=30))
    assert found.stopped_by == "work"
    assert 0 <= found.bound <= found.imbalance
    assert math.isfinite(found.gap)
    assert np.isclose(found.gap, found.imbalance - found.bound)
