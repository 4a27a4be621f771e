"""Walls, gates and what is proposed where neither is known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridplan.network import (
    assumed_note,
    build_graph,
    connections_used,
    propose_gates,
    wall_notes,
    wall_variants,
)
from gridplan.place import empty_layer
from tests.worlds import CRS, layer, streets, walk, walks_on, world

ESTATE = shapely.box(0, 0, 200, 200)
ROUND = [(-20, -20), (220, -20), (220, 220), (-20, 220), (-20, -20)]
SOUTH, NORTH = (100, 0), (100, 200)


def notes_of(place, buildings=()):
    homes = (
        layer(
            "buildings",
            {"building_id": [f"h{i}" for i in range(len(buildings))], "kind": "residential"},
            buildings,
        )
        if buildings
        else empty_layer("buildings", crs=gpd.GeoSeries([], crs=CRS).crs)
    )
    found = wall_notes(
        place.network,
        buildings=homes,
        barriers=place.barriers,
        water=place.water,
        blocks=place.blocks,
    )
    return {note.code: note for note in found}


# Doors behind walls without inner streets


def test_the_best_gate_for_the_whole_walk_decides_not_the_nearest():
    # The south gate is nearer to the door; the goal lies beyond the north gate.
    got = walk(streets(ROUND), (100, 90), (100, 220), estates=[ESTATE], gates=[SOUTH, NORTH])
    assert got == pytest.approx(110 + 20)


def test_facilities_behind_walls_are_reached_by_their_best_gate_too():
    got = walk(streets(ROUND), (100, 220), (100, 90), estates=[ESTATE], gates=[SOUTH, NORTH])
    assert got == pytest.approx(110 + 20)


def test_a_stub_of_street_at_one_gate_leaves_the_other_gates_open():
    place = world(streets(ROUND, [(100, -20), (100, 5)]), estates=[ESTATE], gates=[SOUTH, NORTH])
    got = place.walks([(100, 90)], [(100, 220), (100, -20)])
    assert got[0].tolist() == pytest.approx([110 + 20, 85 + 25])


def test_leg_to_a_gate_crosses_no_canal():
    canal = shapely.box(-5, 120, 205, 130)
    place = world(streets(ROUND), estates=[ESTATE], gates=[SOUTH, NORTH], water=[canal])
    # The goal lies 120 m west of the north gate, but the canal parts the door from that gate.
    assert place.walks([(100, 90)], [(-20, 220)])[0, 0] == pytest.approx(90 + 20 + 120 + 240)


def test_leg_inside_a_bent_estate_does_not_leave_it():
    bent = shapely.Polygon([(0, 0), (200, 0), (200, 200), (150, 200), (150, 50), (0, 50)])
    place = world(streets(ROUND), estates=[bent], gates=[(0, 25), (175, 200)])
    # From (25, 25) the gate in the north would be reached across the wall only.
    ways = place.snap((25, 25)).connections
    assert ways["leg_m"].tolist() == pytest.approx([25])


def test_home_and_room_behind_the_same_walls_are_a_straight_line_apart():
    got = walk(streets(ROUND), (50, 100), (150, 100), estates=[ESTATE], gates=[SOUTH])
    assert got == pytest.approx(100)


def test_inner_streets_are_walked_where_there_are_any():
    inner = [(100, -20), (100, 180), (20, 180)]
    got = walk(streets(ROUND, inner), (20, 170), (95, 20), estates=[ESTATE], gates=[SOUTH])
    assert got == pytest.approx(10 + 80 + 160 + 5)


def test_ground_without_streets_is_crossed_from_gate_to_gate():
    place = world(streets([(-50, -20), (250, -20)], [(-50, 220), (250, 220)]),
                  estates=[ESTATE], gates=[SOUTH, NORTH])  # fmt: skip
    assert place.walks([(100, -20)], [(100, 220)])[0, 0] == pytest.approx(240)


def test_closed_ring_of_wall_lines_is_left_by_its_gates():
    ring = [(0, 0), (200, 0), (200, 200), (0, 200), (0, 0)]
    got = walk(streets(ROUND), (100, 90), (100, 220), walls=[ring], gates=[SOUTH, NORTH])
    assert got == pytest.approx(110 + 20)


def test_street_on_top_of_the_wall_is_no_way_out():
    along = [(-20, 0), (220, 0)]
    place = world(streets(along), estates=[ESTATE])
    assert place.snap((100, 20)).edge.tolist() == [-1]


def test_outdoors_a_gates_link_is_nothing_to_begin_on():
    # 5 m beside the link and 10 m from the street: the street is where the walk begins.
    place = world(streets(ROUND), estates=[ESTATE], gates=[NORTH])
    assert place.snap((105, 210)).leg_m.tolist() == pytest.approx([10])


def test_the_connection_used_belongs_to_the_walk():
    place = world(streets(ROUND), estates=[ESTATE], gates=[SOUTH, NORTH])
    doors = place.snap((100, 90), (100, 90))
    graph = build_graph(place.network, place.snap((100, -20), (100, 220)))
    used = connections_used(graph, doors, np.array([0, 1]))
    assert used.leg_m.tolist() == pytest.approx([90, 110])


def test_row_order_of_gates_changes_nothing():
    first, second = (
        world(streets(ROUND), estates=[ESTATE], gates=gates).walks([(90, 90)], [(0, 220)])
        for gates in ([SOUTH, NORTH], [NORTH, SOUTH])
    )
    assert first.tolist() == second.tolist()


def test_gate_beside_its_wall_stands_in_it():
    got = walk(streets(ROUND), (100, 90), (100, 220), estates=[ESTATE], gates=[(100, 208)])
    assert got == pytest.approx(110 + 20)


# Gates nobody mapped


def test_gate_is_proposed_where_a_street_crosses_the_wall():
    place = world(streets(ROUND, [(100, -20), (100, 100)]), estates=[ESTATE])
    found = propose_gates(place.network, place.gates, blocks=place.blocks)
    assert found["gate_id"].tolist() == ["proposed-e0-100-0"]
    assert found[["estate_id", "status"]].to_numpy().tolist() == [["e0", "proposed"]]
    assert found.geometry.iloc[0].equals(shapely.Point(100, 0))


def test_gate_is_proposed_where_a_street_ends_just_before_the_wall():
    place = world(streets(ROUND, [(100, -20), (100, -2)]), estates=[ESTATE])
    found = propose_gates(place.network, place.gates, blocks=place.blocks)
    assert found.geometry.iloc[0].equals(shapely.Point(100, 0))
    far = world(streets(ROUND, [(100, -20), (100, -5)]), estates=[ESTATE])
    assert propose_gates(far.network, far.gates, blocks=far.blocks).empty


def test_mapped_gate_needs_no_proposal_and_two_carriageways_need_one():
    ways = streets(ROUND, [(100, -20), (100, 100)], [(106, -20), (106, 100)])
    place = world(ways, estates=[ESTATE])
    assert len(propose_gates(place.network, place.gates, blocks=place.blocks)) == 1
    mapped = world(ways, estates=[ESTATE], gates=[(103, 0)])
    assert propose_gates(mapped.network, mapped.gates, blocks=mapped.blocks).empty


def test_estate_with_neither_gate_nor_street_is_listed():
    shut = shapely.box(300, 0, 400, 100)
    place = world(streets(ROUND, [(100, -20), (100, 100)]), estates=[ESTATE, shut])
    note = notes_of(place, [ESTATE.buffer(-50), shut.buffer(-20)])["walls_without_gate"]
    assert note.ids == ("e1",)
    assert "1 walled ground has neither a gate that leads to a street nor a" in note.message.en
    assert "e1" in note.message.zh


def test_walls_around_nothing_are_told():
    place = world(streets(ROUND), estates=[ESTATE], gates=[SOUTH])
    note = notes_of(place)["walls_around_nothing"]
    assert "1 wall encloses no building: e0" in note.message.en
    assert "walls_around_nothing" not in notes_of(place, [ESTATE.buffer(-50)])


def test_estate_split_by_a_canal_is_told():
    canal = shapely.box(-50, 90, 250, 110)
    place = world(streets(ROUND), estates=[ESTATE], gates=[SOUTH], water=[canal])
    note = notes_of(place, [ESTATE.buffer(-50)])["estates_split_by_water"]
    assert "1 walled estate is cut apart by water: e0" in note.message.en
    pond = world(
        streets(ROUND), estates=[ESTATE], gates=[SOUTH], water=[shapely.box(90, 90, 99, 99)]
    )
    assert "estates_split_by_water" not in notes_of(pond, [ESTATE.buffer(-50)])


def test_gates_off_every_wall_are_told():
    place = world(streets(ROUND), estates=[ESTATE], gates=[SOUTH, (100, 100)])
    note = next(one for one in place.network.notes if one.code == "gates_off_walls")
    assert note.ids == ("g1",)
    assert "1 gate lies farther than 10 m from every wall" in note.message.en


def test_gate_without_a_street_is_told():
    place = world(streets([(-20, -20), (220, -20)]), estates=[ESTATE], gates=[SOUTH, NORTH])
    note = next(one for one in place.network.notes if one.code == "gates_without_street")
    assert note.ids == ("g1",)
    assert "1 gate reaches no walkable street within 40 m on either side" in note.message.en


def test_a_gate_that_leads_to_no_street_leaves_its_estate_shut_and_told():
    # The gate lies in the wall, 20 m from the street, but a canal runs between.
    canal = shapely.box(-50, -15, 250, -5)
    place = world(streets([(-20, -20), (220, -20)]), estates=[ESTATE], gates=[SOUTH], water=[canal])
    assert "gates_without_street" in {note.code for note in place.network.notes}
    assert notes_of(place)["walls_without_gate"].ids == ("e0",)


def test_a_gate_that_leads_only_inwards_leaves_its_estate_shut_and_told():
    place = world(streets([(-20, -90), (220, -90)], [(100, 20), (100, 180)]),
                  estates=[ESTATE], gates=[SOUTH])  # fmt: skip
    assert place.network.gates["gate_id"].tolist() == ["g0"]
    assert notes_of(place)["walls_without_gate"].ids == ("e0",)


def test_a_gate_that_opens_is_no_reason_for_a_note():
    drive = [(100, -20), (100, -2)]
    place = world(streets(ROUND, drive), estates=[ESTATE], gates=[(100, -2)])
    assert place.network.notes == ()
    assert "walls_without_gate" not in notes_of(place)


# Walls nobody knows of


def variants_of(place):
    return wall_variants(
        place.streets,
        gates=place.gates,
        water=place.water,
        barriers=place.barriers,
        estates=place.estates,
        options=place.options,
    )


def test_unknown_walls_give_a_range():
    place = world(streets(ROUND, [(100, 220), (100, 150)]), estates=[ESTATE], walled=None)
    metres = [walks_on(one, [(100, 20)], [(100, -20)])[0, 0] for one in variants_of(place)]
    # Open: straight out to the street. Walled: up to the street inside, out in the north and round.
    assert metres == pytest.approx([40, 130 + 70 + 120 + 240 + 120])


def test_no_range_where_walls_are_known():
    assert variants_of(world(streets(ROUND), estates=[ESTATE]))[1] is None


def test_unknown_walls_open_where_a_street_ends_before_them():
    place = world(streets(ROUND, [(100, 220), (100, 202)]), estates=[ESTATE], walled=None)
    _, walled = variants_of(place)
    assert walled.network.gates["gate_id"].tolist() == ["proposed-e0-100-200"]


def range_of(place, start, end):
    """Return the walk with unknown walls open, and with them walled."""
    return [walks_on(one, [start], [end])[0, 0] for one in variants_of(place)]


def test_a_wall_that_is_not_there_lengthens_no_walk():
    # The nearest street is 100 m south; the drive's end, 1 m before the outline, is nearer to the
    # goal. Walled, it is the guessed gate: 80 m east and 90 m south of the door, then 1 m out.
    estate = shapely.box(0, 10, 200, 200)
    drive = [(100, 0), (100, 9)]
    place = world(streets([(-500, 0), (1000, 0)], drive), estates=[estate], walled=None)
    by_gate = np.hypot(80, 90) + 1 + 9 + 800 + 10
    assert range_of(place, (20, 100), (900, -10)) == pytest.approx([by_gate, by_gate])


def test_a_door_on_open_ground_may_take_any_street_inside_the_outline():
    # 5 m to a cul-de-sac that leads the long way, 20 m to the street that leads to the goal.
    inner = [[(90, -20), (90, 100)], [(115, 60), (115, 220)]]
    place = world(streets(ROUND, *inner), estates=[ESTATE], walled=None)
    assert range_of(place, (110, 80), (90, -20)) == pytest.approx([20 + 100, 20 + 100])


def test_a_guessed_gate_is_a_way_out_of_its_estate_and_no_way_through():
    # A drive ends 1 m before the outline; the street inside begins 20 m behind it and leads to no
    # other. From its far end one may walk straight to the gate, but nobody walks up it from there.
    inner = [(100, 20), (100, 120)]
    place = world(streets(ROUND, [(100, -20), (100, -1)], inner), estates=[ESTATE], walled=None)
    assert range_of(place, (100, 120), (100, -20)) == pytest.approx([120 + 20] * 2)
    network = variants_of(place)[1].network
    assert network.walkable["component"].nunique() == 2


def test_a_guessed_gate_opens_its_own_estate_in_a_wall_shared_with_another():
    # A drive through the first estate, which is walled, ends 2 m before the second.
    estates = [ESTATE, shapely.box(200, 0, 400, 200)]
    place = world(streets([(-20, -50), (-20, 250)], [(-20, 100), (198, 100)]), estates=estates)
    place.estates["walled"] = pd.array([True, None], dtype="boolean")
    assert range_of(place, (300, 100), (-20, 100)) == pytest.approx([100 + 2 + 218] * 2)


def test_a_mapped_gate_in_an_outline_joins_the_streets_on_both_sides_either_way():
    inner = [(100, 10), (100, 180)]
    place = world(streets(ROUND, inner), estates=[ESTATE], gates=[SOUTH], walled=None)
    assert place.network.walkable["component"].nunique() == 2
    assert range_of(place, (90, 180), (100, -20)) == pytest.approx([10 + 170 + 10 + 20] * 2)


# Shut in, or far from streets


@pytest.mark.parametrize(
    ("layers", "home", "edge", "by"),
    [
        ({"estates": [ESTATE]}, (100, 20), -1, "wall"),
        ({"water": [shapely.box(-300, -15, 500, 260)]}, (100, 20), -1, "water"),
        ({"estates": [ESTATE]}, (100, 900), -1, ""),
        ({"estates": [ESTATE], "gates": [SOUTH]}, (100, 20), 0, "wall"),
        ({}, (100, 20), 0, ""),
    ],
    ids=["shut in by a wall", "by water", "far from streets", "left by the gate", "free"],
)
def test_what_bars_every_way_to_a_street_in_reach_is_told(layers, home, edge, by):
    met = world(streets([(-20, -20), (220, -20)]), **layers).snap(home)
    assert (met.edge[0] < 0) == (edge < 0)
    assert met.detour.tolist() == [by]
    assert met.is_barred.tolist() == [edge < 0 and by != ""]


def test_a_street_on_top_of_the_wall_leaves_those_inside_barred_by_the_wall():
    met = world(streets([(-20, 0), (220, 0)]), estates=[ESTATE]).snap((100, 20))
    assert met.is_barred.tolist() == [True]
    assert met.detour.tolist() == ["wall"]


def test_an_estate_found_to_be_walled_has_the_walk_that_the_range_promised():
    # A drive ends 1 m before the outline, and no street leads inside.
    drive = [(100, -20), (100, -1)]
    place = world(streets(ROUND, drive), estates=[ESTATE], walled=None)
    promised = range_of(place, (100, 120), (-20, -20))[1]
    assert promised == pytest.approx(120 + 1 + 19 + 120)
    layers = {
        "gates": place.gates,
        "water": place.water,
        "barriers": place.barriers,
        "estates": place.estates.assign(walled=pd.array([True], dtype="boolean")),
    }
    start, end = [(100, 120)], [(-20, -20)]
    kept, nothing = wall_variants(place.streets, **layers, gates_unknown=("e0",))
    assert nothing is None
    assert walks_on(kept, start, end)[0, 0] == pytest.approx(promised)
    (note,) = assumed_note(kept.network, ("e0",))
    assert note.ids == ("proposed-e0-100-0",)
    # Known walls whose gates nobody asks about stay shut; so does a gate that was found closed.
    alone, _ = wall_variants(place.streets, **layers)
    assert np.isinf(walks_on(alone, start, end)[0, 0])
    assert assumed_note(alone.network, ("e0",)) == ()
    closed = world(streets(ROUND), gates=[SOUTH]).gates.assign(status="closed")
    looked, _ = wall_variants(place.streets, **{**layers, "gates": closed}, gates_unknown=("e0",))
    assert np.isinf(walks_on(looked, start, end)[0, 0])
