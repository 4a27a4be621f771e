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


def test_a_band_of_no_width_leaves_zones_possible():
    cells = cells_of(squares(4, 1))
    weights = pd.DataFrame({"residents": [5000.0, 1000, 1000, 5000]}, index=cells["cell_uid"])
    options = SystemOptions(k=2, band=(300, 300), **QUICK)
    plan = zone_system(cells, weights, options=options)
    assert plan.balance["residents"].tolist() == [6000, 6000]
    assert "keep the rules at all" not in plan.targets_missed[0].message.en
    found = zone_reference(cells, weights, plan, options=options)
    assert found.bound == pytest.approx(5700 / 3e-4, rel=1e-5)
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


def test_that_no_partition_is_within_the_tolerance_is_said_with_its_proof():
    cells = cells_of(squares(5, 1))
    weights = pd.DataFrame({"residents": [4.0, 1.0, 4.0, 1.0, 4.0]}, index=cells["cell_uid"])
    options = SystemOptions(k=2, tolerance=0.2, **QUICK)
    plan = zone_system(cells, weights, options=options)
    [note] = plan.targets_missed
    assert "binds" in note.message.en
    assert "proven that no 2 connected zones are within what is allowed" in note.message.en
    assert "by 1.43 tolerances" in note.message.en
    assert "已证明 2 个连片责任区无法全部在允许范围内" in note.message.zh
    wide = zone_system(cells, weights, options=SystemOptions(k=2, tolerance=0.3, **QUICK))
    assert wide.targets_missed == ()


def test_of_whole_communities_the_number_nearest_to_the_norm_is_taken_that_can_be_even():
    codes = [f"m{at // 2}" for at in range(12)]
    cells = cells_of(squares(12, 1), community_id=codes)
    weights = pd.DataFrame({"residents": 5000.0}, index=cells["cell_uid"])
    own = zone_system(cells, weights, options=SystemOptions(nest="unions", tolerance=0.2, **QUICK))
    assert own.k == 6
    assert own.notes == ()
    uneven = weights.assign(residents=[5000.0] * 4 + [2500.0] * 8)
    plan = zone_system(cells, uneven, options=SystemOptions(nest="unions", tolerance=0.1, **QUICK))
    assert plan.k == 4
    assert plan.targets_missed == ()
    plain = uneven.assign(residents=uneven["residents"] * 1.25)
    found = zone_system(cells, plain, options=SystemOptions(nest="unions", tolerance=0.1, **QUICK))
    assert found.k == 4
    [note] = found.notes
    assert note.code == "zones_number_even"
    assert "5 zones are proposed by the norm" in note.message.en


def test_the_proof_of_all_weights_is_told_once_and_says_so():
    cells = cells_of(squares(5, 1))
    weights = pd.DataFrame(
        {"residents": [4.0, 1.0, 4.0, 1.0, 4.0], "homes": [4.0, 1.0, 4.0, 1.0, 4.0]},
        index=cells["cell_uid"],
    )
    plan = zone_system(cells, weights, options=SystemOptions(k=2, tolerance=0.2, **QUICK))
    first, second = plan.targets_missed
    assert "within what is allowed of all these loads at once" in first.message.en
    assert "（各项工作量同时计）" in first.message.zh
    assert "connected zones are within" not in second.message.en
    assert "连片责任区无法" not in second.message.zh
