"""Rezoning: few residents move, targets are met, the frontier is one."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import InputError, SettingsError
from gridplan.zones import SystemOptions, SystemRules, rezone, rezoning_frontier, zone_system
from gridplan.zones.rezone_fewest import fewest_moves
from gridplan.zones.system_asked import asked_of
from tests.test_zones_system import (
    assert_system,
    cells_of,
    graph_of,
    squares,
    table,
    voronoi,
)

QUICK = {"starts": 2, "moves_per_unit": 20, "least_moves": 2000, "work": 15_000}


def moved_residents(found, earlier, weights):
    """Return the residents whose zone has another id than before, counted from the plan."""
    now = found.plan.zone_of
    was = earlier.reindex(now.index)
    changed = was.notna() & (was != now)
    return weights["residents"].reindex(now.index)[changed].sum()


@settings(max_examples=12)
@given(st.data())
def test_any_earlier_plan_gives_whole_zones_and_a_true_list_of_moves(data):
    count, seed = data.draw(st.integers(6, 50)), data.draw(st.integers(0, 10**6))
    cells, rng = voronoi(count, seed), np.random.default_rng(seed)
    weights = table(cells, seed)
    names = rng.choice(["甲", "乙", "丙", "丁"], count).astype(object)
    names[rng.random(count) < 0.2] = None
    names[0] = "甲"
    earlier = pd.Series(names, index=cells["cell_uid"]).sample(frac=1, random_state=1)
    earlier = pd.concat([earlier.iloc[: count - 2], pd.Series(["甲"], index=["gone"])])
    if not earlier.reindex(cells["cell_uid"]).notna().any():
        return
    k = data.draw(st.sampled_from([0, 1, 2, 5]))
    options = SystemOptions(k=k, **QUICK)
    stability = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    found = rezone(cells, weights, earlier, stability=stability, options=options)
    assert_system(found.plan, cells, weights)
    known = earlier.reindex(cells["cell_uid"]).dropna()
    assert found.plan.k == (k or known.nunique())
    assert found.moved_residents == pytest.approx(moved_residents(found, earlier, weights))
    assert found.moves["residents"].sum() == pytest.approx(found.moved_residents)
    now = found.plan.zone_of[found.moves["cell_uid"]]
    assert now.tolist() == found.moves["to_zone_id"].tolist()
    assert (found.excess > 1e-9) == bool(found.plan.targets_missed)


@settings(max_examples=6)
@given(st.integers(20, 60), st.integers(0, 10**6), st.integers(2, 5))
def test_a_plan_that_meets_the_targets_stays_where_stability_is_all(count, seed, k):
    cells = voronoi(count, seed)
    weights = table(cells, seed, names=("residents",))
    first = zone_system(cells, weights, options=SystemOptions(k=k, tolerance=0.5, **QUICK))
    if first.targets_missed:
        return
    options = SystemOptions(tolerance=0.5, **QUICK)
    again = rezone(cells, weights, first.zone_of, stability=1.0, options=options)
    assert again.plan.zone_of.to_dict() == first.zone_of.to_dict()
    assert again.moved_residents == 0.0
    assert not len(again.moves)


def fewest_moved(cells, load, earlier, k, tolerance):
    """Return the least residents that move of all connected plans within the tolerance."""
    place = {uid: at for at, uid in enumerate(cells["cell_uid"])}
    graph = nx.relabel_nodes(graph_of(cells), place)
    best, mean = np.inf, load.sum() / k
    for labels in itertools.product(range(k), repeat=len(load)):
        zone = np.array(labels)
        moved = load[zone != earlier].sum()
        loads = np.bincount(zone, weights=load, minlength=k)
        if moved < best and (np.abs(loads - mean) <= tolerance * mean + 1e-9).all():
            parts = (np.flatnonzero(zone == own).tolist() for own in range(k))
            if all(nx.is_connected(graph.subgraph(one)) for one in parts):
                best = moved
    return best


@pytest.mark.parametrize("seed", range(5))
def test_the_fewest_that_must_move_do_where_stability_is_all(seed):
    cells = voronoi(11, seed)
    load = np.random.default_rng(seed).integers(2, 20, 11).astype(float)
    first = zone_system(cells, pd.DataFrame({"residents": 1.0}, index=cells["cell_uid"]),
                        options=SystemOptions(k=2, **QUICK))  # fmt: skip
    earlier = pd.factorize(first.zone_of, sort=True)[0]
    weights = pd.DataFrame({"residents": load}, index=cells["cell_uid"])
    best = fewest_moved(cells, load, earlier, 2, 0.15)
    found = rezone(cells, weights, first.zone_of, stability=1.0,
                   options=SystemOptions(tolerance=0.15, **QUICK))  # fmt: skip
    if np.isinf(best):
        assert found.plan.targets_missed
    else:
        assert not found.plan.targets_missed
        assert found.moved_residents == pytest.approx(best)


@pytest.mark.parametrize("labels", ["aaaab", "abbbb", "abaab", "aabbb"])
def test_of_few_units_the_fewest_move(labels):
    cells = voronoi(5, 120)
    weights = table(cells, names=("residents",))
    earlier = pd.Series(list(labels), index=cells["cell_uid"])
    load, was = weights["residents"].to_numpy(), pd.factorize(earlier, sort=True)[0]
    best = fewest_moved(cells, load, was, 2, 0.2)
    found = rezone(cells, weights, earlier, stability=1.0, options=SystemOptions(k=2, **QUICK))
    assert found.excess == 0.0
    assert found.moved_residents == pytest.approx(best)


def test_stability_never_stands_before_the_targets():
    cells = voronoi(30, 0)
    weights = table(cells, names=("residents",))
    west = cells.geometry.centroid.x < 400
    lop = pd.DataFrame({"residents": np.where(west, 10.0, 1.0)}, index=cells["cell_uid"])
    options = SystemOptions(k=3, tolerance=0.1, **QUICK)
    earlier = zone_system(cells, lop, options=options).zone_of
    calm, still = (
        rezone(cells, weights, earlier, stability=one, options=options) for one in (0.5, 1.0)
    )
    assert calm.excess == still.excess == 0.0
    assert 0 < still.moved_residents <= calm.moved_residents


def test_units_that_moved_for_nothing_are_given_back():
    cells, weights, earlier = grown_town()
    options = SystemOptions(k=4, tolerance=0.5, **QUICK)
    asked = asked_of(cells, weights, SystemRules(), options)
    before = pd.factorize(earlier.reindex(asked.own["cell_uid"]), sort=True)[0]
    was = np.empty(96, dtype=np.intp)
    was[asked.ground.unit] = before
    moved = np.ones((96, 4))
    moved[np.arange(96), was] = 0.0
    away = was.copy()
    away[[asked.ground.unit[at] for at in (4, 5, 17)]] = was[asked.ground.unit[6]]
    assert (fewest_moves(asked, away, moved) == was).all()


def grown_town():
    """Return 12 x 8 cells in four even zones, and loads that have grown in the west."""
    cells = cells_of(squares(12, 8))
    x, y = np.arange(96) % 12, np.arange(96) // 12
    earlier = pd.Series([f"{'南北'[b]}{'西东'[a]}" for a, b in zip(x // 6, y // 4, strict=True)],
                        index=cells["cell_uid"])  # fmt: skip
    weights = pd.DataFrame({"residents": np.where(x < 3, 16.0, 10.0)}, index=cells["cell_uid"])
    return cells, weights, earlier


def test_the_frontier_trades_moves_for_shape_and_every_point_is_verified():
    cells, weights, earlier = grown_town()
    options = SystemOptions(tolerance=0.05, **QUICK)
    rows, found = rezoning_frontier(cells, weights, earlier, options=options)
    assert rows["stability"].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert rows["connected"].all()
    assert rows["complete"].all()
    assert rows["excess"].tolist() == [0.0] * 5
    assert rows["moved_residents"].is_monotonic_decreasing
    assert rows["moved_residents"].iloc[-1] > 0
    for one, moved in zip(found, rows["moved_residents"], strict=True):
        assert_system(one.plan, cells, weights)
        assert moved == moved_residents(one, earlier, weights)
        assert set(one.plan.balance.index) == set(earlier)


def test_locked_cells_and_the_ids_of_zones_are_kept():
    cells, weights, earlier = grown_town()
    rules = SystemRules(locked={"c0005": "南东"}, anchors={"A": "c0000"})
    found = rezone(cells, weights, earlier, rules=rules, options=SystemOptions(k=5, **QUICK))
    assert_system(found.plan, cells, weights)
    assert found.plan.zone_of["c0005"] == "南东"
    fresh = set(found.plan.balance.index) - set(earlier)
    assert len(fresh) == 1
    assert fresh.pop().startswith("Z")


def test_earlier_ids_are_text_and_new_ones_have_the_prefix():
    cells, weights, earlier = grown_town()
    numbered = earlier.map({"北西": 1, "北东": 2, "南西": 3, "南东": 4})
    options = SystemOptions(k=5, prefix="G", **QUICK)
    found = rezone(cells, weights, numbered, options=options)
    assert set(found.plan.balance.index) == {"1", "2", "3", "4", "G01"}
    again = rezone(cells, weights, numbered.astype(float), options=options)
    assert again.plan.zone_of.to_dict() == found.plan.zone_of.to_dict()
    assert 0 < found.moved_residents < weights["residents"].sum() / 2


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"stability": 1.5}, SettingsError, "weight of stability is 1.5"),
        ({"earlier": pd.Series(["a"], index=["x"])}, InputError,
         "None of the 96 cells has an earlier zone; 1 are given"),
        ({"earlier": pd.Series(["a", "b"], index=["c0000"] * 2)}, InputError,
         "1 cell has several earlier zones: c0000"),
    ],
)  # fmt: skip
def test_faults_of_rezoning_are_named(change, error, message):
    cells, weights, earlier = grown_town()
    given_ = {"earlier": earlier, "options": SystemOptions(**QUICK)} | change
    with pytest.raises(error, match=message) as caught:
        rezone(cells, weights, **given_)
    assert all(fault.zh for fault in caught.value.faults)
