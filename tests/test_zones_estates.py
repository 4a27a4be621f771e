"""Estates larger than a zone: split along inner roads, by whole cells, as little as needed."""

import itertools
from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import InputError
from gridplan.zones import SystemOptions, SystemRules, inner_road_shares, rook_graph, zone_system
from gridplan.zones.contiguity import Contiguity
from gridplan.zones.estates import estate_groups, shared_estates
from gridplan.zones.land import land_of
from tests.test_zones_system import QUICK, assert_system, cells_of, graph_of, squares, voronoi


def numbered_graph(cells):
    place = {uid: at for at, uid in enumerate(cells["cell_uid"])}
    return nx.relabel_nodes(graph_of(cells), place)


@settings(max_examples=25)
@given(st.integers(3, 40), st.integers(0, 10**6), st.integers(1, 4), st.booleans())
def test_groups_are_connected_within_the_size_and_of_one_estate(count, seed, estates, roads):
    rng = np.random.default_rng(seed)
    cells = voronoi(count, seed)
    land = land_of(cells, None)
    loads = rng.integers(0, 9, (count, 2)).astype(float)
    estate = rng.integers(-1, estates, count)
    most = np.array([12.0, np.inf])
    on_road = rng.choice([0.0, 0.3, 1.0], len(land.graph.left)) if roads else None
    found = estate_groups(land, estate, loads, most, on_road=on_road)
    graph = numbered_graph(cells)
    assert (found.group[estate < 0] == -1).all()
    large = {own for own in range(estates) if loads[estate == own, 0].sum() > most[0]}
    assert set(found.divided) <= large
    for own in set(found.group.tolist()) - {-1}:
        members = np.flatnonzero(found.group == own)
        [home] = set(estate[members].tolist())
        if home in large:
            assert nx.is_connected(graph.subgraph(members.tolist()))
            assert loads[members, 0].sum() <= most[0] or len(members) == 1
        else:
            assert members.tolist() == np.flatnonzero(estate == home).tolist()
    assert set(found.heavy) == set(np.flatnonzero((loads[:, 0] > most[0]) & (estate >= 0)).tolist())


def fewest_parts(graph, load, most):
    """Return the least number of connected parts within a size, up to 4."""
    count = len(load)
    for k in (1, 2, 3):
        for labels in itertools.product(range(k), repeat=count):
            parts = [np.flatnonzero(np.array(labels) == own).tolist() for own in range(k)]
            if all(
                part and load[part].sum() <= most and nx.is_connected(graph.subgraph(part))
                for part in parts
            ):
                return k
    return 4


@pytest.mark.parametrize("seed", range(6))
def test_an_estate_that_two_parts_suffice_for_is_cut_in_two(seed):
    cells = voronoi(8, seed)
    load = np.random.default_rng(seed).integers(1, 9, 8).astype(float)
    most = np.ceil(load.sum() * 0.55)
    land = land_of(cells, None)
    found = estate_groups(land, np.zeros(8, dtype=int), load[:, None], np.array([most]))
    least = fewest_parts(numbered_graph(cells), load, most)
    if least == 2:
        assert len(set(found.group.tolist())) == 2
    assert len(set(found.group.tolist())) >= least


def estate_town():
    """Return 8 x 4 cells, the middle 4 x 2 an estate with a road through its middle."""
    inside = [r in (1, 2) and 2 <= c <= 5 for r in range(4) for c in range(8)]
    cells = cells_of(squares(8, 4), estate_id=["花园" if one else None for one in inside])
    weights = pd.DataFrame({"households": np.where(inside, 100.0, 10.0)}, index=cells["cell_uid"])
    road = np.array([shapely.LineString([(400, 90), (400, 310)])])
    return cells, weights, road


def test_a_large_estate_is_split_along_its_road_and_nowhere_else():
    cells, weights, road = estate_town()
    graph = rook_graph(cells)
    on_road = inner_road_shares(cells.geometry.to_numpy(), graph, road)
    assert (on_road > 0.5).sum() == 2
    assert on_road.max() == pytest.approx(1.0)
    rules = SystemRules(estates="estate_id", inner_roads=on_road)
    plan = zone_system(cells, weights, rules=rules, options=SystemOptions(band=(380, 600), **QUICK))
    assert_system(plan, cells, weights)
    west = [uid for uid, c in zip(cells["cell_uid"], itertools.cycle(range(8))) if c in (2, 3)]
    inside = cells.set_index("cell_uid")["estate_id"].notna()
    for half in (inside[west].index[inside[west]], inside.index[inside].difference(west)):
        assert len(set(plan.zone_of[half])) == 1
    assert plan.zone_of[inside.index[inside]].nunique() == 2
    assert [note.code for note in plan.notes] == ["zones_estate_divided"]
    assert not len(plan.exceptions)


def test_an_estate_of_one_cell_beyond_the_size_is_an_exception_with_its_load():
    cells = cells_of(squares(6, 6), estate_id=["大院" if at == 14 else None for at in range(36)])
    weights = pd.DataFrame({"households": 10.0}, index=cells["cell_uid"])
    weights.loc["c0014"] = 300.0
    rules = SystemRules(estates="estate_id")
    plan = zone_system(cells, weights, rules=rules, options=SystemOptions(band=(80, 120), **QUICK))
    assert_system(plan, cells, weights)
    [note] = plan.notes
    assert note.code == "zones_estate_indivisible"
    assert "大院 (cell c0014: 300 households, at most 120)" in note.message.en
    assert "大院（网格 c0014：households 300，上限 120）" in note.message.zh
    [row] = plan.exceptions.to_dict("records")
    assert row == {
        "zone_id": plan.zone_of["c0014"],
        "weight": "households",
        "cell_uid": "c0014",
        "cells": 1,
        "estate_id": "大院",
        "load": 300.0,
        "most": 120.0,
        "zone_load": plan.balance.loc[plan.zone_of["c0014"], "households"],
    }
    assert [one.ids for one in plan.targets_missed] == [(row["zone_id"],)]


def test_roads_of_other_borders_are_refused():
    cells, weights, _ = estate_town()
    rules = SystemRules(estates="estate_id", inner_roads=np.zeros(3))
    with pytest.raises(InputError, match="`inner_roads` tells of 3 borders, the cells have 52"):
        zone_system(cells, weights, rules=rules, options=SystemOptions(k=3, **QUICK))


# --- cells with buildings of several estates ----------------------------------------------------


def row_of(count):
    return Contiguity(np.arange(count - 1), np.arange(1, count), np.ones(count - 1), count)


def whole(cells, load, lock, most):
    """Whether one zone may have some cells of a row."""
    at = sorted(cells)
    return (
        at[-1] - at[0] == len(at) - 1 and load[at].sum() <= most and len(set(lock[at]) - {-1}) <= 1
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.lists(st.integers(0, 4)),
                       st.sampled_from([-1, -1, -1, 0, 1])), min_size=1, max_size=8),
    st.integers(3, 12),
)  # fmt: skip
def test_estates_that_share_a_cell_stay_together_where_one_zone_may_have_both(cells, most):
    estate = np.array([own for own, _, _, _ in cells])
    load = np.array([[float(amount)] for _, amount, _, _ in cells])
    lock = np.array([own for _, _, _, own in cells])
    shared = {at: tuple(dict.fromkeys(one for one in others if one != estate[at]))
              for at, (_, _, others, _) in enumerate(cells)}  # fmt: skip
    found = shared_estates(estate, shared, load, np.array([float(most)]),
                           graph=row_of(len(cells)), lock=lock)  # fmt: skip
    before = {own: set(np.flatnonzero(estate == own)) for own in set(estate.tolist())}
    after = {own: set(np.flatnonzero(found == own)) for own in set(found.tolist())}
    firm = {own for own, at in before.items() if load[sorted(at)].sum() <= most
            and len(set(lock[sorted(at)]) - {-1}) <= 1}  # fmt: skip
    for own in firm:
        assert len(set(found[sorted(before[own])])) == 1, "an estate that stays whole was torn"
    for at in after.values():
        mains = set(estate[sorted(at)])
        # What was put together can be in one zone; what is as it was may be torn.
        assert whole(at, load[:, 0], lock, most) or len(mains) == 1
    for cell, others in shared.items():
        for other in others:
            if other in firm and estate[cell] in firm and found[cell] not in found[estate == other]:
                both = after[found[cell]] | after[found[min(before[other])]]
                assert not whole(both, load[:, 0], lock, most), "both could have been whole"


@pytest.mark.parametrize("shared", [{0: (1,), 2: (0,)}, {1: (0,), 2: (0,)}, {0: (1, 2)}])
def test_three_estates_that_share_cells_in_a_chain_go_together(shared):
    found = shared_estates(np.array([0, 1, 2]), shared, np.ones((3, 1)), np.array([3.0]),
                           graph=row_of(3), lock=np.full(3, -1))  # fmt: skip
    assert len(set(found.tolist())) == 1


def test_a_zone_system_keeps_the_smaller_estate_of_a_shared_cell_whole():
    """Six cells in a row: four of a large estate, the last shared with the other one's two."""
    cells = gpd.GeoDataFrame(
        {
            "cell_uid": [f"c{n}" for n in range(6)],
            "community_id": "k",
            "estate_id": ["L", "L", "L", "L", "S", "S"],
        },
        geometry=[shapely.box(100 * n, 0, 100 * n + 100, 100) for n in range(6)],
        crs=4549,
    )
    loads = pd.DataFrame({"households": [50.0, 50, 50, 20, 30, 30]}, cells["cell_uid"])
    options = SystemOptions(k=3, tolerance=0.35, **QUICK)
    rules = SystemRules(estates="estate_id")
    apart = zone_system(cells, loads, rules=rules, options=options).zone_of
    whole = zone_system(
        cells, loads, rules=replace(rules, shared={"c3": ("S",)}), options=options
    ).zone_of
    assert len({whole[one] for one in ("c3", "c4", "c5")}) == 1
    assert apart["c4"] == apart["c5"]
