"""Walks in hand-drawn worlds, in metres worked out by hand."""

from __future__ import annotations

import itertools
import math

import pytest
import shapely

from tests.worlds import streets, walk

CANAL = shapely.box(-500, 40, 500, 60)


def test_straight_street_counts_both_legs():
    # 10 m to the street, 100 m along it, 20 m from it.
    assert walk(streets([(0, 0), (200, 0)]), (50, 10), (150, -20)) == pytest.approx(130)


def test_same_edge_needs_no_detour_over_its_ends():
    assert walk(streets([(0, 0), (1000, 0)]), (500, 1), (510, 1)) == pytest.approx(12)


def test_bridge_decides_the_distance_over_a_canal():
    # The two sit 100 m apart across the water; the bridge is 300 m east.
    world = streets([(0, 0), (300, 0)], [(300, 0), (300, 100)], [(300, 100), (0, 100)])
    assert walk(world, (0, 10), (0, 90), water=[CANAL]) == pytest.approx(10 + 300 + 100 + 300 + 10)


def test_no_leg_across_a_canal():
    # The nearest street lies beyond the canal; the one on the own bank is farther.
    world = streets([(0, 70), (300, 70)], [(300, 70), (300, 0)], [(300, 0), (0, 0)])
    got = walk(world, (0, 38), (300, 0), water=[CANAL])
    assert got == pytest.approx(38 + 300)


def test_underpass_does_not_meet_the_street_above():
    # Street above: west-east. Underpass: south-north below it, joined only by a ramp in the east.
    world = streets(
        [(0, 0), (400, 0)],
        [(100, -100), (100, 100)],
        [(100, 100), (400, 100), (400, 0)],
        tunnel=[False, True, False],
        layer=[0, -1, 0],
    )
    # 50 m south of the street to a point on it 10 m east: up, round by the ramp, back west.
    got = walk(world, (100, -50), (110, 0))
    assert got == pytest.approx(50 + 100 + 300 + 100 + 290)


def test_bridge_over_a_street_does_not_meet_it():
    # The bridge runs above the street at x = 100 and comes down at x = 0 only.
    world = streets(
        [(100, -100), (100, 100)],
        [(0, 0), (200, 0)],
        [(0, 0), (0, 100), (100, 100)],
        bridge=[False, True, False],
        layer=[0, 1, 0],
    )
    # From the bridge back to the ground in the west and round to the street below.
    assert walk(world, (150, 0), (100, -50)) == pytest.approx(150 + 100 + 100 + 150)


def test_crossing_at_grade_is_a_junction():
    world = streets([(0, 0), (200, 0)], [(100, -100), (100, 100)])
    assert walk(world, (0, 0), (100, 100)) == pytest.approx(200)


def test_end_that_touches_another_street_joins_it():
    world = streets([(0, 0), (200, 0)], [(100, 0), (100, 100)])
    assert walk(world, (0, 0), (100, 100)) == pytest.approx(200)


def test_near_miss_within_the_tolerance_is_joined():
    world = streets([(0, 0), (200, 0)], [(100, 0.03), (100, 100)])
    assert walk(world, (0, 0), (100, 100)) == pytest.approx(200, abs=0.1)


def test_near_miss_beyond_the_tolerance_is_not():
    world = streets([(0, 0), (200, 0)], [(100, 0.2), (100, 100)])
    assert math.isinf(walk(world, (0, 0), (100, 100)))


def test_dead_end_is_walked_back():
    # The home stands beside the tip of a dead end, its wall keeping it from the through street.
    world = streets([(0, 0), (300, 0)], [(0, 0), (0, 50), (200, 50)])
    wall = [(-50, 20), (-10, 20), (-10, 80), (250, 80), (250, 20), (10, 20)]
    assert walk(world, (200, 45), (200, 0), walls=[wall]) == pytest.approx(5 + 200 + 50 + 200)


def test_island_is_unreachable_not_far():
    world = streets([(0, 0), (100, 0)], [(500, 0), (600, 0)])
    assert math.isinf(walk(world, (50, 0), (550, 0)))


def test_dual_carriageway_is_crossed_where_the_map_crosses_it():
    # Two carriageways 20 m apart, joined at x = 200 only; homes face each other at x = 0.
    world = streets([(0, 0), (200, 0)], [(0, 20), (200, 20)], [(200, 0), (200, 20)])
    assert walk(world, (0, -5), (0, 25)) == pytest.approx(5 + 200 + 20 + 200 + 5)


ESTATE = shapely.box(0, 0, 200, 200)
ROUND = [(-20, -20), (220, -20), (220, 220), (-20, 220), (-20, -20)]


def test_walled_estate_without_inner_streets_is_left_by_its_gate():
    # Door (100, 20): the street is 40 m south, behind the wall. Gate in the north wall.
    got = walk(streets(ROUND), (100, 20), (100, -20), estates=[ESTATE], gates=[(100, 200)])
    # 180 m to the gate, 20 m out, then round: 120 west or east, 240 down, 120 back.
    assert got == pytest.approx(180 + 20 + 120 + 240 + 120)


def test_two_gates_give_the_shorter_way():
    gates = [(100, 200), (100, 0)]
    got = walk(streets(ROUND), (100, 20), (100, -20), estates=[ESTATE], gates=gates)
    assert got == pytest.approx(20 + 20)


def test_inner_street_that_ends_at_the_gate_is_joined_to_the_street_outside():
    world = streets(ROUND, [(100, 0), (100, 150)])
    got = walk(world, (90, 150), (100, -20), estates=[ESTATE], gates=[(100, 0)])
    assert got == pytest.approx(10 + 150 + 20)


def test_street_through_the_gate_is_not_linked_twice():
    world = streets(ROUND, [(100, -20), (100, 150)])
    got = walk(world, (90, 150), (100, -20), estates=[ESTATE], gates=[(100, 0)])
    assert got == pytest.approx(10 + 150 + 20)


@pytest.mark.parametrize("gate_y", [-9.9, -7, -2, -0.6, -0.4, 0, 0.3, 0.5, 3, 9.9])
def test_gate_beside_its_wall_opens_it(gate_y):
    # No street at the gate: 20 m to the wall, wherever in reach of it the gate was drawn.
    got = walk(streets(ROUND), (100, 20), (100, -20), estates=[ESTATE], gates=[(100, gate_y)])
    assert got == pytest.approx(20 + 20)


DRIVE = [(100, -20), (100, -2)]


def test_gate_at_the_end_of_a_drive_before_the_wall_opens_it():
    got = walk(streets(ROUND, DRIVE), (100, 20), (100, -20), estates=[ESTATE], gates=[(100, -2)])
    assert got == pytest.approx(20 + 2 + 18)


def test_gate_at_the_end_of_a_drive_joins_it_to_the_street_inside():
    # The street inside begins 30 m behind the wall; the home is 10 m beside its far end.
    world = streets(ROUND, DRIVE, [(100, 30), (100, 180)])
    got = walk(world, (90, 180), (100, -20), estates=[ESTATE], gates=[(100, -2)])
    assert got == pytest.approx(10 + 150 + 30 + 2 + 18)


def test_gate_behind_the_wall_at_the_end_of_a_street_inside_opens_it():
    world = streets(ROUND, [(100, 2), (100, 180)])
    got = walk(world, (90, 180), (100, -20), estates=[ESTATE], gates=[(100, 2)])
    assert got == pytest.approx(10 + 178 + 2 + 20)


def test_gate_on_a_drive_that_ends_just_behind_the_wall_opens_it():
    world = streets(ROUND, [(100, -20), (100, 2)])
    got = walk(world, (100, 22), (100, -20), estates=[ESTATE], gates=[(100, 2)])
    assert got == pytest.approx(20 + 22)


def test_gate_drawn_on_a_street_along_the_wall_opens_it():
    # The street runs 5 m before the wall, and the gate was put on it.
    world = streets([(-200, -5), (400, -5)])
    got = walk(world, (100, 20), (300, -5), estates=[ESTATE], gates=[(100, -5)])
    assert got == pytest.approx(20 + 5 + 200)


def test_gate_on_a_street_that_crosses_the_wall_askew_is_where_it_crosses():
    # The street climbs 3 m in 4; the gate was drawn 5 m along it before the wall.
    world = streets([(80, -15), (140, 30)], [(140, 30), (140, 90)])
    got = walk(world, (135, 90), (80, -15), estates=[ESTATE], gates=[(96, -3)])
    assert got == pytest.approx(5 + 60 + 75)


def test_wall_without_a_gate_shuts_in():
    world = streets([(-20, -20), (220, -20)])
    assert math.isnan(walk(world, (100, 20), (0, -20), estates=[ESTATE]))


def test_gate_in_a_wall_line():
    # Street on both sides of a wall; gate at x = 0.
    world = streets([(0, -10), (200, -10)], [(0, 10), (200, 10)])
    got = walk(world, (200, -12), (200, 12), walls=[[(-100, 0), (300, 0)]], gates=[(0, 0)])
    assert got == pytest.approx(2 + 200 + 10 + 10 + 200 + 2)


def test_motorway_is_not_walked():
    world = streets(
        [(0, 0), (200, 0)],
        [(0, 0), (0, 100), (200, 100), (200, 0)],
        highway=["motorway", "footway"],
    )
    # Both stand on the footway, 1 m up; the straight motorway would be 202 m.
    assert walk(world, (0, 1), (200, 1)) == pytest.approx(99 + 200 + 99)


def test_far_from_every_street():
    assert math.isnan(walk(streets([(0, 0), (100, 0)]), (50, 400), (50, 0)))


LONG = [(0, 0), (400, 0)]


def test_a_small_pond_before_the_door_is_passed():
    # The door faces a pond 10 m wide; past its corner one sees the street 20 m to the side.
    pond = shapely.box(195, 20, 205, 30)
    got = walk(streets(LONG), (200, 40), (200, -10), water=[pond])
    assert got == pytest.approx(math.hypot(20, 40) + 20 + 10, abs=0.01)


@pytest.mark.parametrize("cuts", [(), (110, 120), (100,), (50, 150, 250)])
def test_a_wall_before_the_street_is_passed_at_its_end_however_the_street_is_cut(cuts):
    # The wall runs 5 m before the street; past its west end one meets the street at x = 145.45.
    stops = [0, *cuts, 400]
    world = streets(*([(a, 0), (b, 0)] for a, b in itertools.pairwise(stops)))
    got = walk(world, (200, 60), (390, -5), walls=[[(150, 5), (250, 5)]])
    aside = 50 * 60 / 55
    # The other end is as far, and nearer to the goal; of equally near places one is taken.
    ways = [math.hypot(aside, 60) + 190 + side * aside + 5 for side in (-1, 1)]
    assert min(abs(got - way) for way in ways) < 0.01


def test_a_door_behind_a_wall_that_hides_the_street_has_none():
    wall = [(-300, 5), (700, 5)]
    assert math.isnan(walk(streets(LONG), (200, 60), (200, -5), walls=[wall]))


def test_a_street_that_comes_out_from_behind_a_wall_is_met_there():
    # The wall ends on the street's west side; the nearest place of the street is behind it.
    world = streets([(0, -50), (0, 200)], [(0, -50), (300, -50)])
    got = walk(world, (60, 100), (300, -55), walls=[[(30, 60), (30, 300)]])
    # Past the wall's south end, 40 m down for 30 m west: the street at (0, 20).
    assert got == pytest.approx(math.hypot(60, 80) + 70 + 300 + 5, abs=0.01)
