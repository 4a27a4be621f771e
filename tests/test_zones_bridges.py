"""Water with several bridges: each joins its own land, no zone reaches along the canal."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.zones import (
    SystemOptions,
    SystemRules,
    bridges_over,
    rook_graph,
    uncrossed_borders,
    zone_system,
)
from tests.test_zones_overland import found_of, lines, plan_of
from tests.test_zones_system import QUICK, cells_of

COLUMNS = 10
"""Columns of cells on both banks of a canal that is one cell."""


def canal_town(columns=COLUMNS, rows=2):
    """Return cells north and south of a canal that is one cell, and the canal."""
    west = np.arange(columns) * 100.0
    banks = [
        shapely.box(west, south, west + 100, south + 100)
        for south in (*range(-100 * rows, 0, 100), *range(50, 50 + 100 * rows, 100))
    ]
    water = shapely.box(0, 0, columns * 100, 50)
    return cells_of([*np.concatenate(banks), water]), water


def ways_at(*places):
    return [((x, -90), (x, 140)) for x in places]


def barred(cells, water, ways):
    shapes, graph = cells.geometry.to_numpy(), rook_graph(cells)
    canal = np.array([water])
    parted = uncrossed_borders(shapes, graph, obstacles=canal, ways=lines(*ways))
    return parted, bridges_over(shapes, graph, parted, water=canal, ways=lines(*ways))


def walked(cells, water, ways):
    """Return who walks to whom, by each bridge alone: no code in common with the package."""
    graph = nx.Graph()
    shapes = list(cells.geometry)
    graph.add_nodes_from(cells["cell_uid"])
    dry = [at for at, one in enumerate(shapes) if not one.equals(water)]
    for one in dry:
        for other in dry:
            if one < other and shapes[one].intersection(shapes[other]).length > 1:
                graph.add_edge(cells["cell_uid"][one], cells["cell_uid"][other])
    for (x, south), (_, north) in ways:
        ends = [
            [at for at in dry if shapes[at].distance(shapely.Point(x, y)) < 1]
            for y in (max(south, -2), min(north, 52))
        ]
        graph.add_edges_from(
            (cells["cell_uid"][a], cells["cell_uid"][b]) for a in ends[0] for b in ends[1]
        )
    return graph


@settings(max_examples=10)
@given(st.data())
def test_no_zone_reaches_along_the_water_and_each_is_in_one_part(data):
    cells, water = canal_town(rows=data.draw(st.integers(1, 3)))
    places = data.draw(st.sets(st.integers(0, COLUMNS - 1), min_size=1, max_size=4))
    ways = ways_at(*(one * 100 + 50 for one in sorted(places)))
    parted, bridges = barred(cells, water, ways)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    loads = pd.DataFrame({"residents": rng.integers(20, 90, len(cells)) * 1.0}, cells["cell_uid"])
    canal = cells["cell_uid"].iloc[-1]
    loads.loc[canal] = 0.0
    k = data.draw(st.integers(2, 6))
    plan = zone_system(cells, loads, rules=SystemRules(parted=parted, bridges=bridges),
                       options=SystemOptions(k=k, **QUICK))  # fmt: skip
    assert plan.k == k
    assert plan.across == ()
    land = walked(cells, water, ways)
    graph, ids = rook_graph(cells), cells["cell_uid"].to_numpy()
    rook = nx.Graph(list(zip(ids[graph.left], ids[graph.right], strict=True)))
    for _, own in plan.zone_of.groupby(plan.zone_of):
        assert nx.is_connected(land.subgraph(set(own.index) - {canal}))
        assert nx.is_connected(rook.subgraph(own.index))
    again = zone_system(cells.sample(frac=1.0, random_state=1), loads,
                        rules=SystemRules(parted=parted, bridges=bridges),
                        options=SystemOptions(k=k, **QUICK))  # fmt: skip
    assert again.zone_of.reindex(plan.zone_of.index).equals(plan.zone_of)


@pytest.mark.parametrize(
    ("places", "further", "crossings"),
    [
        ((50, 850), [], 2),
        ((50, 90), [], 0),
        ((50, 850), [((0, 25), (1000, 25))], 0),
        ((450,), [], 0),
        ((50, 450, 850), [], 3),
    ],
)
def test_bridges_near_each_other_or_joined_by_a_path_are_one(places, further, crossings):
    """A cell with one crossing is a place as others are, and is not told of."""
    cells, water = canal_town()
    _, bridges = barred(cells, water, [*ways_at(*places), *further])
    assert len(np.unique(bridges.crossing)) == crossings
    assert len(bridges.water) == min(crossings, 1)


def test_land_that_a_bridge_alone_reaches_has_it():
    """The north is cut in two by a railway, and each half has a bridge of its own."""
    cells, water = canal_town(rows=1)
    ways = ways_at(150, 850)
    rail = np.array([shapely.LineString([(500, 40), (500, 160)]), water], dtype=object)
    shapes, graph = cells.geometry.to_numpy(), rook_graph(cells)
    parted = uncrossed_borders(shapes, graph, obstacles=rail, ways=lines(*ways))
    bridges = bridges_over(shapes, graph, parted, water=rail[1:], ways=lines(*ways))
    loads = pd.DataFrame({"residents": 10.0}, cells["cell_uid"])
    north_east = cells["cell_uid"][(cells.geometry.bounds.miny == 50)
                                   & (cells.geometry.bounds.minx >= 500)]  # fmt: skip
    loads.loc[north_east] = 4.0
    loads.loc[cells["cell_uid"].iloc[-1]] = 0.0
    # 20 residents in the north-east are less than half a zone: it goes by its own bridge.
    plan = zone_system(cells, loads, rules=SystemRules(parted=parted, bridges=bridges),
                       options=SystemOptions(k=3, **QUICK))  # fmt: skip
    assert plan.across == ()
    assert not [one for one in plan.notes if one.code == "zones_land_joined"]
    zone = plan.zone_of[north_east.iloc[0]]
    south = plan.zone_of[cells["cell_uid"][cells.geometry.bounds.miny < 0]]
    assert zone in set(south)


def test_land_of_its_own_decides_on_the_number_of_zones():
    """16 columns, and an island of four with no bridge: 4 zones are proposed, 3 are even."""
    shapes = [shapely.box(x, 0, x + 100, 100) for x in range(0, 2000, 100)]
    cells = cells_of(shapes)
    graph = rook_graph(cells)
    parted = graph.left == 13
    loads = pd.DataFrame({"residents": 10.0}, cells["cell_uid"])
    rules, how = SystemRules(parted=parted), {"tolerance": 0.05, **QUICK}
    plan = zone_system(cells, loads, rules=rules, options=SystemOptions(proposed=11, **how))
    assert plan.k == 10
    (note,) = (one for one in plan.notes if one.code == "zones_number_even")
    assert note.count == 10
    assert "11 zones are proposed" in note.message.en
    assert "11 个分区" in note.message.zh
    assert not plan.targets_missed
    asked = zone_system(cells, loads, rules=rules, options=SystemOptions(k=11, **how))
    assert asked.k == 11


def test_the_verifier_sees_who_walks_along_a_canal():
    cells, water = canal_town(rows=1)
    canal, ways = np.array([water]), ways_at(50, 950)
    middle = cells.geometry.centroid
    west, wet = middle.x < 500, cells.index == len(cells) - 1
    both_ends = np.where(wet | (middle.x < 150) | (middle.x > 850), "ends", "rest")
    assert found_of("zone_across", *plan_of(cells, both_ends, canal, ways)) == [
        "mine/ends",
        "mine/rest",
    ]
    halves = np.where(west | wet, "west", "east")
    assert not found_of("zone_across", *plan_of(cells, halves, canal, ways))
    assert found_of("zone_across", *plan_of(cells, halves, canal, ways, across=["west"])) == [
        "mine/west"
    ]
    joined = [*ways, ((0, 25), (1000, 25))]
    found = found_of("zone_across", *plan_of(cells, both_ends, canal, joined))
    assert "mine/ends" not in found
