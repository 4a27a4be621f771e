"""Routes are as long as the walk; walks obey the laws of distances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.access.links import link_gain
from gridplan.access.routes import Ends, walk_routes
from gridplan.errors import InputError
from gridplan.network import (
    NetworkOptions,
    build_graph,
    build_network,
    obstacles,
    snap_to_network,
    walking_distances,
)
from gridplan.place import empty_layer
from tests import worlds

FREE = {
    "water": empty_layer("water", crs=worlds.CRS),
    "barriers": empty_layer("barriers", crs=worlds.CRS),
    "estates": empty_layer("estates", crs=worlds.CRS),
}
OPTIONS = NetworkOptions(max_leg_m=2000.0)


def net(layer, blocks=None):
    blocks = blocks or obstacles(**FREE)
    gates = empty_layer("gates", crs=worlds.CRS)
    return build_network(layer, gates=gates, blocks=blocks, options=OPTIONS), blocks


def ends(network, points, blocks):
    shapes = np.array([shapely.Point(one) for one in points], dtype=object)
    return Ends(shapes, snap_to_network(shapes, network, blocks=blocks, options=OPTIONS))


def walks(layer, starts, targets):
    network, blocks = net(layer)
    doors, facilities = ends(network, starts, blocks), ends(network, targets, blocks)
    graph = build_graph(network, facilities.snapped)
    return network, graph, doors, facilities, walking_distances(graph, doors.snapped)


@st.composite
def towns(draw):
    """Random streets (loops, parallels and islands among them) and random points."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    nodes = rng.integers(0, 40, (draw(st.integers(3, 8)), 2)) * 25
    lines = []
    for _ in range(draw(st.integers(2, 10))):
        chosen = rng.integers(0, len(nodes), int(rng.integers(2, 5)))
        line = shapely.LineString(nodes[chosen])
        if line.is_valid and line.length > 1:
            lines.append(nodes[chosen].tolist())
    if not lines:
        lines = [[(0, 0), (100, 0)]]
    points = rng.integers(0, 1000, (6, 2)).tolist()
    return lines, points


@settings(max_examples=40)
@given(towns())
def test_a_route_is_as_long_as_its_walk(town):
    lines, points = town
    network, graph, doors, facilities, metres = walks(
        worlds.streets(*lines), points[:3], points[3:]
    )
    pairs = [(i, j) for i in range(3) for j in range(3)]
    routes = walk_routes(network, graph, pairs, doors=doors, facilities=facilities)
    streets = shapely.union_all(network.walkable.geometry.to_numpy()).buffer(0.01)
    for (i, j), route in zip(pairs, routes, strict=True):
        if not np.isfinite(metres[i, j]):
            assert route.line is None
            assert np.isinf(route.metres)
            continue
        assert route.metres == pytest.approx(metres[i, j], abs=0.001)
        assert route.line.coords[0] == tuple(map(float, points[i]))
        assert route.line.coords[-1] == tuple(map(float, points[3 + j]))
        legs = doors.snapped.leg_m[i] + facilities.snapped.leg_m[j]
        # All but the two legs runs along streets.
        assert shapely.difference(route.line, streets).length <= legs + 0.05


@settings(max_examples=40)
@given(towns())
def test_walks_are_symmetric_and_obey_the_triangle(town):
    lines, points = town
    metres = walks(worlds.streets(*lines), points, points)[-1]
    # The legs of a point are walked out and back; between two points the order is no matter.
    assert np.allclose(metres, metres.T, atol=1e-6, equal_nan=True)
    for middle in range(len(points)):
        by_way_of = metres[:, [middle]] + metres[[middle], :]
        assert (metres <= by_way_of + 1e-6).all()


@settings(max_examples=40)
@given(towns(), st.integers(0, 9))
def test_a_street_taken_away_never_shortens_a_walk(town, which):
    lines, points = town
    if len(lines) < 2:
        return
    network, _, doors, facilities, before = walks(worlds.streets(*lines), points[:3], points[3:])
    gone = which % len(network.edges)
    fewer = network.edges.drop(index=gone)
    used = {*doors.snapped.edge.tolist(), *facilities.snapped.edge.tolist()}
    if gone in used:
        return
    # The same doors on the same edges: their number shifts by the edge taken away.
    smaller = replace(network, edges=fewer.reset_index(drop=True))
    door = type(doors.snapped)(
        edge=doors.snapped.edge - (doors.snapped.edge > gone),
        offset_m=doors.snapped.offset_m,
        leg_m=doors.snapped.leg_m,
        detour=doors.snapped.detour,
    )
    facility = type(doors.snapped)(
        edge=facilities.snapped.edge - (facilities.snapped.edge > gone),
        offset_m=facilities.snapped.offset_m,
        leg_m=facilities.snapped.leg_m,
        detour=facilities.snapped.detour,
    )
    after = walking_distances(build_graph(smaller, facility), door)
    assert (after >= before - 1e-6).all()
    gain = link_gain(after.min(axis=1), before.min(axis=1), np.array([3.0, 4.0, 5.0]))
    assert gain.saved_resident_m >= 0


def test_a_route_goes_over_the_bridge():
    layer = worlds.streets([(0, 0), (300, 0)], [(300, 0), (300, 100)], [(300, 100), (0, 100)])
    network, graph, doors, facilities, _ = walks(layer, [(10, 0)], [(10, 100)])
    [route] = walk_routes(network, graph, [(0, 0)], doors=doors, facilities=facilities)
    assert route.metres == pytest.approx(290 + 100 + 290)
    assert list(route.line.coords) == [(10, 0), (300, 0), (300, 100), (10, 100)]
    assert [network.walkable["edge_id"].iloc[e][:2] for e in route.edges] == ["s0", "s1", "s2"]


def test_a_door_at_the_facility_has_a_route_of_no_length():
    network, graph, doors, facilities, _ = walks(
        worlds.streets([(0, 0), (300, 0)]), [(10, 0)], [(10, 0)]
    )
    [route] = walk_routes(network, graph, [(0, 0)], doors=doors, facilities=facilities)
    assert route.metres == 0


def test_a_graph_of_other_facilities_is_refused():
    network, graph, doors, _, _ = walks(
        worlds.streets([(0, 0), (300, 0)]), [(10, 0)], [(20, 0), (30, 0)]
    )
    with pytest.raises(InputError, match="knows 2 facilities, 1 were given"):
        walk_routes(network, graph, [(0, 0)], doors=doors, facilities=doors)


# Walls: several ways onto the network, the whole walk decides

ESTATE = shapely.box(0, 0, 200, 200)
ROUND = [(-20, -20), (220, -20), (220, 220), (-20, 220), (-20, -20)]
WALLED = {"estates": [ESTATE], "gates": [(100, 0), (100, 200)]}


def route_behind_walls(start, goal):
    """Return the one walk in metres in a walled estate with two gates, and its route."""
    place = worlds.world(worlds.streets(ROUND), **WALLED)
    shapes = [np.array([shapely.Point(one)], dtype=object) for one in (start, goal)]
    doors, goals = (Ends(own, place.snap(*own)) for own in shapes)
    graph = build_graph(place.network, goals.snapped)
    walk_m = float(place.walks([start], [goal])[0, 0])
    [route] = walk_routes(
        place.network, graph, [(0, 0)], doors=doors, facilities=goals, walks_m=[walk_m]
    )
    return walk_m, route


@pytest.mark.parametrize(
    ("start", "goal"),
    [((100, 90), (100, 220)), ((100, 220), (100, 90)), ((100, 110), (100, -20)),
     ((100, -20), (100, 110)), ((50, 100), (150, 100))],
)  # fmt: skip
def test_a_route_behind_walls_is_as_long_as_its_walk(start, goal):
    walk_m, route = route_behind_walls(start, goal)
    assert np.isfinite(walk_m)
    assert route.metres == pytest.approx(walk_m, abs=0.01)
    first, *_, last = shapely.get_coordinates(route.line).tolist()
    assert (tuple(first), tuple(last)) == (start, goal)


def test_the_route_takes_the_gate_of_the_shortest_walk():
    # The south gate is nearer to the door, the goal lies beyond the north gate.
    walk_m, route = route_behind_walls((100, 90), (100, 220))
    assert walk_m == pytest.approx(130)
    assert route.line.distance(shapely.Point(100, 200)) < 0.5
    _, back = route_behind_walls((100, 220), (100, 90))
    assert back.line.distance(shapely.Point(100, 200)) < 0.5


def test_a_walk_on_the_same_bare_ground_is_a_straight_route():
    _, route = route_behind_walls((50, 100), (150, 100))
    assert route.metres == pytest.approx(100)
    assert route.edges == ()
