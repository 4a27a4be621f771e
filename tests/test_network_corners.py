"""Ways round the corners of walled ground, against an oracle that knows every corner."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.access import Ends, reached_streets, walk_routes
from gridplan.network import build_graph, leg_line, snap_to_network
from gridplan.network.geodesic import Corners
from gridplan.network.obstacles import CLEARANCE_M
from tests.worlds import streets, walks_on, world

BENT = shapely.Polygon([(0, 0), (100, 0), (100, 100), (75, 100), (75, 25), (0, 25)])
ROUND = [(-20, -20), (120, -20), (120, 120), (-20, 120), (-20, -20)]
DOOR, BEHIND = (12, 12), (87, 100)
SLACK_M = 4 * CLEARANCE_M
"""What keeping half a metre off the walls may cost round two corners."""


def oracle(ground, start, end):
    """Return the shortest way inside a polygon: every vertex, every pair, by networkx."""
    nodes = [start, end, *shapely.get_coordinates(ground)[:-1].tolist()]
    graph = nx.Graph()
    graph.add_nodes_from(range(len(nodes)))
    for i, j in itertools.combinations(range(len(nodes)), 2):
        leg = shapely.LineString([nodes[i], nodes[j]])
        if ground.buffer(1e-6).covers(leg):
            graph.add_edge(i, j, weight=leg.length)
    return nx.dijkstra_path_length(graph, 0, 1)


def ends_of(place, *points):
    shapes = np.array([shapely.Point(one) for one in points], dtype=object)
    snapped = snap_to_network(shapes, place.network, blocks=place.blocks, options=place.options)
    return Ends(shapes, snapped)


def test_a_gate_behind_a_corner_is_a_way_out():
    place = world(streets(ROUND), estates=[BENT], gates=[BEHIND])
    expected = oracle(BENT, DOOR, BEHIND) + 20
    got = place.walks([DOOR], [(87, 120)])[0, 0]
    assert expected <= got <= expected + SLACK_M
    assert got > np.hypot(75, 88) + 20


def test_the_whole_walk_chooses_among_gates_seen_and_hidden():
    place = world(streets(ROUND), estates=[BENT], gates=[(12, 0), BEHIND])
    ways = place.snap(DOOR).connections
    assert len(ways) == 2
    assert ways["leg_m"].iloc[0] == pytest.approx(12)
    hidden = oracle(BENT, DOOR, BEHIND)
    assert hidden <= ways["leg_m"].iloc[1] <= hidden + SLACK_M
    near, far = place.walks([DOOR], [(12, -20), (87, 120)])[0]
    assert near == pytest.approx(32)
    assert hidden + 20 <= far <= hidden + 20 + SLACK_M


def test_a_way_longer_than_the_limit_is_none():
    tall = shapely.Polygon([(0, 0), (100, 0), (100, 400), (75, 400), (75, 25), (0, 25)])
    high = [(-20, -20), (120, -20), (120, 420), (-20, 420), (-20, -20)]
    place = world(streets(high), estates=[tall], gates=[(12, 0), (87, 400)])
    assert place.snap(DOOR).connections["leg_m"].tolist() == pytest.approx([12])


def test_a_pond_in_the_way_is_walked_round_and_a_canal_is_not():
    square = shapely.box(0, 0, 100, 100)
    pond = shapely.box(30, 40, 70, 60)
    around = world(streets(ROUND), estates=[square], gates=[(50, 100)], water=[pond])
    expected = 2 * np.hypot(20, 20) + 20 + np.hypot(20, 40) - np.hypot(20, 20)
    assert around.snap((50, 20)).leg_m[0] == pytest.approx(expected, abs=SLACK_M)
    canal = shapely.box(-5, 40, 105, 60)
    parted = world(streets(ROUND), estates=[square], gates=[(50, 100)], water=[canal])
    assert not len(parted.snap((50, 20)).connections)


def test_home_and_room_round_a_corner_of_bare_ground():
    place = world(streets(ROUND), estates=[BENT], gates=[(12, 0)])
    expected = oracle(BENT, DOOR, (87, 90))
    got = walks_on(place, [DOOR], [(87, 90)])[0, 0]
    assert expected <= got <= expected + SLACK_M


def test_bare_ground_is_crossed_from_gate_to_gate_round_its_corner():
    place = world(streets([(-50, -20), (150, -20)], [(-50, 120), (150, 120)]),
                  estates=[BENT], gates=[(12, 0), BEHIND])  # fmt: skip
    expected = oracle(BENT, (12, 0), BEHIND) + 40
    got = place.walks([(12, -20)], [(87, 120)])[0, 0]
    assert expected <= got <= expected + SLACK_M


def test_route_and_service_area_follow_the_way_round_the_corner():
    place = world(streets(ROUND), estates=[BENT], gates=[BEHIND])
    doors, goals = ends_of(place, DOOR), ends_of(place, (87, 120))
    graph = build_graph(place.network, goals.snapped)
    walk_m = place.walks([DOOR], [(87, 120)])[0, 0]
    [route] = walk_routes(
        place.network, graph, [(0, 0)], doors=doors, facilities=goals, blocks=place.blocks
    )
    assert route.metres == pytest.approx(walk_m)
    assert BENT.buffer(0.01).covers(shapely.intersection(route.line, BENT.buffer(-1)))
    assert route.line.intersection(BENT.exterior).length < 0.01
    assert len(shapely.get_parts(route.line.intersection(BENT.exterior))) == 1
    # From inside, too: the last leg is that of the facility.
    doors, goals = ends_of(place, (87, 120)), ends_of(place, DOOR)
    graph = build_graph(place.network, goals.snapped)
    [back] = walk_routes(
        place.network, graph, [(0, 0)], doors=doors, facilities=goals, blocks=place.blocks
    )
    assert back.metres == pytest.approx(walk_m)
    parts = reached_streets(
        place.network, graph, goals, 0, reach_m=walk_m + 50, blocks=place.blocks
    )
    leg = parts[0]
    assert leg.length == pytest.approx(walk_m - 20)
    assert BENT.buffer(0.01).covers(leg)


def test_a_straight_leg_stays_straight():
    place = world(streets(ROUND), estates=[BENT], gates=[BEHIND])
    line = leg_line(shapely.Point(12, 12), shapely.Point(60, 12), 48.0, place.blocks)
    assert shapely.get_coordinates(line).tolist() == [[12, 12], [60, 12]]


def test_ground_without_inner_corners_has_none():
    place = world(streets(ROUND), estates=[shapely.box(0, 0, 100, 100)], gates=[(50, 0)])
    assert len(Corners.inside(place.blocks.grounds.areas[0], place.blocks).places) == 0


@st.composite
def combs(draw):
    """Ground with teeth of wall from above and below, a door at one end, a gate at the other."""
    teeth = draw(st.integers(1, 4))
    width = 12
    depth = [draw(st.integers(10, 34)) for _ in range(teeth)]
    length = width * (2 * teeth + 1)
    ground = shapely.box(0, 0, length, 40)
    for number, deep in enumerate(depth):
        x = width * (2 * number + 1)
        low = 0 if draw(st.booleans()) else 40 - deep
        ground = ground.difference(shapely.box(x, low, x + width, low + deep))
    y = draw(st.integers(3, 37))
    return ground, (draw(st.integers(3, 9)), y), (length, draw(st.integers(3, 37)))


@settings(max_examples=40, deadline=None)
@given(combs())
def test_the_way_is_the_oracles_but_for_the_clearance(comb):
    ground, door, gate = comb
    length = gate[0]
    ring = [(-20, -20), (length + 20, -20), (length + 20, 60), (-20, 60), (-20, -20)]
    place = world(streets(ring), estates=[ground], gates=[gate])
    expected = oracle(ground, door, gate)
    ways = place.snap(door).connections
    if expected > place.options.max_leg_m:
        return
    assert len(ways) == 1 or expected + 16 * CLEARANCE_M > place.options.max_leg_m
    if len(ways):
        assert expected - 1e-6 <= ways["leg_m"].iloc[0] <= expected + 16 * CLEARANCE_M
