"""Water with several bridges: each joins its own land, no zone reaches along the canal."""

from dataclasses import replace

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
    rezone,
    rook_graph,
    uncrossed_borders,
    zone_system,
)
from gridplan.zones.bridges import used_crossings
from gridplan.zones.overland import zones_across
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


def water_of_two(west):
    """Return a canal town whose second bank is of A, B and C; the water beside B's is B's."""
    cells, water = canal_town(rows=1)
    beside = shapely.box(0, 25, 500, 50) if west else shapely.box(500, 25, 1000, 50)
    rest = shapely.difference(water, beside)
    cells = cells_of([*cells.geometry[:-1], rest, beside])
    middle = cells.geometry.centroid
    other = (middle.y > 25) & ((middle.x < 500) if west else (middle.x > 500))
    further = other & (middle.y > 50) & ((middle.x > 300) & (middle.x < 700))
    cells["community_id"] = np.where(further, "C", np.where(other, "B", "A"))
    return cells, water


@pytest.mark.parametrize("west", [True, False])
def test_empty_land_goes_with_the_land_that_its_bridge_leads_to(west):
    """Bridges to B and C join none of A's land; the third leads to its own empty fields."""
    cells, water = water_of_two(west)
    ways = ways_at(50, 450, 850) if west else ways_at(50, 550, 950)
    parted, bridges = barred(cells, water, ways)
    graph, middle = rook_graph(cells), cells.geometry.centroid
    home = cells["community_id"].to_numpy()
    shut = parted | (home[graph.left] != home[graph.right])
    own = bridges.only(~shut[bridges.border])
    used = used_crossings(own, graph, shut, np.stack([middle.x, middle.y], axis=1),
                          lambda _: (0, 0.0))  # fmt: skip
    fields = ((middle.y > 50) & (home == "A")).to_numpy()
    reached = {one for one, beside in own.beside(graph).items() if fields[beside].any()}
    assert reached & set(used.tolist())


def test_empty_land_with_a_bridge_is_torn_off_like_any_other():
    """Search and verifier say the same of fields that a zone has only by the water."""
    cells, water = canal_town(rows=1)
    ways = ways_at(150, 850)
    parted, bridges = barred(cells, water, ways)
    middle, wet = cells.geometry.centroid, cells.index == len(cells) - 1
    fields = ((middle.y > 50) & (middle.x < 600)).to_numpy()
    south = ((middle.y < 50) & ~wet).to_numpy()
    west = south & (middle.x < 300).to_numpy()
    for own, torn in ((south & ~west, [0, 1]), (west, [])):
        zone = np.where(fields | wet | own, 0, 1)
        told = zones_across(rook_graph(cells), parted, bridges, carried=fields, zone=zone, k=2,
                            home=np.zeros(len(cells), dtype=np.intp))  # fmt: skip
        layers, summary = plan_of(cells, zone.astype(str), np.array([water]), ways)
        layers["cells"]["population"] = np.where(fields | wet, 0, 10)
        assert told == torn
        assert found_of("zone_across", layers, summary) == [f"mine/{one}" for one in torn]


def said_apart(places, border, fields, locked, k):
    """Return the zones of which search and verifier do not say the same."""
    cells, water = canal_town(columns=8, rows=1)
    ways = ways_at(*(one * 100 + 50 for one in sorted(places)))
    parted, bridges = barred(cells, water, ways)
    middle = cells.geometry.centroid
    north = middle.y > 50
    cells["community_id"] = np.where(north & (middle.x > border * 100), "B", "A")
    empty = north & (middle.x < fields * 100)
    loads = pd.DataFrame({"residents": np.where(empty, 0.0, 10.0)}, cells["cell_uid"])
    loads.iloc[-1] = 0.0
    own = (middle.x < 100 * locked) & (cells["community_id"] == "A")
    plan = zone_system(
        cells, loads,
        rules=SystemRules(parted=parted, bridges=bridges,
                          locked=dict.fromkeys(cells["cell_uid"][own], "L")),
        options=SystemOptions(k=k, nest="inside", **QUICK),
    )  # fmt: skip
    layers, summary = plan_of(cells, plan.zone_of.to_numpy(), np.array([water]), ways,
                              nest="inside", across=list(plan.across))  # fmt: skip
    layers["cells"]["population"] = loads["residents"].to_numpy()
    return found_of("zone_across", layers, summary)


@settings(max_examples=8)
@given(st.data())
def test_search_and_verifier_agree_on_who_reaches_across(data):
    """Communities on both banks, some of it empty, and several bridges over the same water."""
    places = data.draw(st.sets(st.integers(0, 7), min_size=2, max_size=3))
    border, fields = data.draw(st.integers(1, 8)), data.draw(st.integers(0, 8))
    locked, k = data.draw(st.integers(0, 2)), data.draw(st.integers(3, 5))
    assert not said_apart(places, border, fields, locked, k)


def test_empty_land_that_two_zones_share_tears_neither():
    """Of five empty fields that no bridge reaches four are in the locked zone, one is alone."""
    assert not said_apart({5, 6}, border=5, fields=5, locked=1, k=4)


def east_and_west(ways):
    """Return the cells of a town of four rows, its canal and rules with these bridges."""
    cells, water = canal_town()
    parted, bridges = barred(cells, water, ways)
    loads = pd.DataFrame({"residents": 10.0}, cells["cell_uid"])
    loads.loc[cells["cell_uid"].iloc[-1]] = 0.0
    return cells, loads, SystemRules(parted=parted, bridges=bridges)


def feet_of(cells, x):
    """Return the cells at both ends of a bridge."""
    at = shapely.LineString([(x, -10), (x, 60)])
    cut = cells.geometry.intersects(at) & (cells.geometry.area < 20_000)
    return cells["cell_uid"][cut].tolist()


def test_a_bridge_within_a_locked_zone_is_used_before_others():
    cells, loads, rules = east_and_west(ways_at(50, 550, 950))
    feet = feet_of(cells, 950)
    assert len(feet) == 2
    locked = replace(rules, locked=dict.fromkeys(feet, "A"))
    plan = zone_system(cells, loads, rules=locked, options=SystemOptions(k=4, **QUICK))
    assert not plan.targets_missed
    assert plan.across == ()
    assert plan.zone_of[feet].eq("A").all()


def test_a_bridge_within_an_earlier_zone_is_used_before_others():
    """East of 600 m one zone holds both banks; nothing has changed, so that nobody moves."""
    cells, loads, rules = east_and_west(ways_at(50, 950))
    middle = cells.geometry.centroid
    banks = np.where(middle.y < 25, "south", "north")
    earlier = pd.Series(np.where(middle.x > 600, "east", banks), index=cells["cell_uid"])
    earlier.iloc[-1] = "east"
    found = rezone(cells, loads, earlier, stability=1.0, rules=rules,
                   options=SystemOptions(k=3, tolerance=0.3, **QUICK))  # fmt: skip
    assert found.moved_residents == 0.0


def test_nothing_is_proven_where_other_zones_could_use_other_bridges():
    """Zones that the search does not look for, since each water has one bridge, are no proof."""
    banks = [shapely.box(x, y, x + 100, y + 100) for y in (-100, 50) for x in range(0, 400, 100)]
    canal = [shapely.box(0, 0, 300, 50), shapely.box(300, 0, 400, 50)]
    cells, ways = cells_of([*banks, *canal], community_id=["A"] * 10), ways_at(50, 150, 250)
    rails = [lines(((200, -110), (200, 0)))[0], lines(((100, 50), (100, 160)))[0]]
    shapes, graph = cells.geometry.to_numpy(), rook_graph(cells)
    obstacles = np.array([shapely.box(0, 0, 400, 50), *rails], dtype=object)
    parted = uncrossed_borders(shapes, graph, obstacles=obstacles, ways=lines(*ways))
    bridges = bridges_over(shapes, graph, parted, water=obstacles[:1], ways=lines(*ways))
    residents = [32.0, 15, 7, 18, 33, 10, 12, 5, 0, 0]
    loads = pd.DataFrame({"residents": residents}, cells["cell_uid"])
    plan = zone_system(
        cells, loads, rules=SystemRules(parted=parted, bridges=bridges),
        options=SystemOptions(k=2, tolerance=0.1, nest="inside", **QUICK),
    )  # fmt: skip
    # 32 + 33 = 65 over the bridge at 50 m, and 67 of the rest over the other two: within 10 %.
    assert not any("proven" in one.message.en for one in (*plan.targets_missed, *plan.notes))


@pytest.mark.parametrize("gap_m", [0.0, 0.5])
def test_land_behind_a_gap_is_told_apart_from_land_behind_water(gap_m):
    """The last of ten columns is too little for a zone, and stands behind a canal or a gap."""
    banks = [shapely.box(x, 0, x + 100, 100) for x in range(0, 900, 100)]
    cells = cells_of([*banks, shapely.box(900 + gap_m, 0, 1000, 100)])
    graph = rook_graph(cells)
    loads = pd.DataFrame({"residents": [10.0] * 9 + [20.0]}, cells["cell_uid"])
    plan = zone_system(cells, loads, rules=SystemRules(parted=graph.right == 9),
                       options=SystemOptions(k=3, tolerance=0.05, **QUICK))  # fmt: skip
    (missed,) = (one.message for one in plan.targets_missed)
    assert ("no border with other cells of its community (a gap" in missed.en) == bool(gap_m)
    assert ("by water that other zones cross" in missed.en) == (not gap_m)
    assert ("网格空隙" in missed.zh) == bool(gap_m)
    assert plan.zone_of.iloc[-1] in plan.cut_off
    # Land that nothing touches may have been attached to other land: the count says nothing.
    assert plan.proven == (0 if gap_m else 3)
    assert ("all of them must be" in missed.en) == (not gap_m)


def test_a_kept_zone_and_the_land_it_parts_off_have_reasons_of_their_own():
    """The first of ten columns is too little for a zone, and the second is kept as given."""
    cells = cells_of([shapely.box(x, 0, x + 100, 100) for x in range(0, 1000, 100)])
    loads = pd.DataFrame({"residents": [5.0, 3.0] + [10.0] * 8}, cells["cell_uid"])
    plan = zone_system(
        cells, loads, rules=SystemRules(locked={cells["cell_uid"].iloc[1]: "K"}),
        options=SystemOptions(k=4, tolerance=0.5, kept=("K",), **QUICK),
    )  # fmt: skip
    (missed,) = (one.message for one in plan.targets_missed)
    apart = plan.zone_of.iloc[0]
    assert f"{apart}: 5 on land that kept zones part from the rest, which no number" in missed.en
    assert "K: 3 in a zone that was given and is kept as it is." in missed.en
    assert "K：合计 3，为给定且保持不变的分区。" in missed.zh
    assert "no border" not in missed.en
    assert "water" not in missed.en


def test_the_one_thing_that_keeps_a_zone_beyond_is_named():
    """In a row 7 is too large by itself, of 2 and 5 none can go; 4 could take the 2."""
    cells = cells_of([shapely.box(x, 0, x + 100, 100) for x in range(0, 400, 100)])
    loads = pd.DataFrame({"residents": [7.0, 2.0, 5.0, 4.0]}, cells["cell_uid"])
    plan = zone_system(cells, loads, options=SystemOptions(k=3, tolerance=0.05, **QUICK))
    (missed,) = (one.message for one in plan.targets_missed)
    assert plan.zone_of.tolist() == ["Z01", "Z02", "Z02", "Z03"]
    first, second = cells["cell_uid"].iloc[:2]
    assert "keep 2 of them so" in missed.en
    assert f"Z01 {first} 7, Z02 − {second} 2." in missed.en
    assert f"Z01 {first} 7、Z02 − {second} 2。" in missed.zh
