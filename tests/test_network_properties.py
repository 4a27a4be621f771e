"""What holds of walks in every world: symmetry, the triangle, edges and gates only help."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gridplan.network import build_graph, build_network, walking_distances, wall_variants
from tests.worlds import streets, walks_on, world

STEP_M = 40
SIZE = 5
ESTATE = shapely.box(35, 35, 130, 130)
SIDES = [(80, 35), (80, 130), (35, 80), (130, 80)]

links = st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1), st.booleans())
grids = st.sets(links, min_size=6, max_size=30).map(sorted)
spots = st.lists(
    st.tuples(st.integers(-10, 190), st.integers(-10, 190)), min_size=3, max_size=5, unique=True
)


def lines_of(grid):
    """Return one street per link of a lattice, eastward or northward."""
    return streets(
        *(
            [
                (x * STEP_M, y * STEP_M),
                ((x + east) * STEP_M, (y + (not east)) * STEP_M),
            ]
            for x, y, east in grid
        )
    )


@given(grids, spots, st.lists(st.sampled_from(SIDES), unique=True))
@settings(max_examples=40)
def test_walks_are_the_same_both_ways(grid, places, gates):
    place = world(lines_of(grid), estates=[ESTATE], gates=gates)
    metres = place.walks(places, places)
    np.testing.assert_allclose(metres, metres.T, atol=1e-6)


@given(grids, spots)
@settings(max_examples=40)
def test_a_walk_by_way_of_somewhere_is_no_shorter(grid, places):
    metres = world(lines_of(grid)).walks(places, places)
    by_way = (metres[:, :, None] + metres[None, :, :]).min(axis=1)
    other = ~np.eye(len(places), dtype=bool)
    assert (metres <= by_way + 1e-6)[other].all()


@given(grids, spots, st.lists(st.sampled_from(SIDES), unique=True), st.sampled_from(SIDES))
@settings(max_examples=60)
def test_adding_a_gate_never_lengthens_a_walk(grid, places, gates, new):
    assume(new not in gates)
    fewer, more = (
        world(lines_of(grid), estates=[ESTATE], gates=one).walks(places, places)
        for one in (gates, [*gates, new])
    )
    assert (more <= fewer + 1e-6).all()


@given(grids, spots, st.data())
@settings(max_examples=60)
def test_removing_an_edge_never_shortens_a_walk(grid, places, data):
    place = world(lines_of(grid))
    snapped = place.snap(*places)
    used = set(place.network.walkable["edge_id"].to_numpy()[snapped.edge[snapped.edge >= 0]])
    # Nobody begins on the edge that goes: a door that moves to another street has another walk.
    free = sorted(set(place.network.walkable["edge_id"]) - used)
    assume(free)
    gone = data.draw(st.sampled_from(free))
    kept = place.network.edges[place.network.edges["edge_id"] != gone]
    kept = kept.rename(columns={"edge_id": "street_id"}).drop(columns=["length_m", "component"])

    class Fewer:
        blocks = place.blocks
        network = build_network(kept, gates=place.gates, blocks=place.blocks)

    fewer, more = walks_on(Fewer, places, places), place.walks(places, places)
    assert (fewer >= more - 1e-6).all()


@given(grids, spots, st.integers(20, 400))
@settings(max_examples=30)
def test_walks_within_a_limit_are_those_not_longer_than_it(grid, places, limit_m):
    place = world(lines_of(grid), estates=[ESTATE], gates=SIDES)
    whole = walks_without_straight(place, places, np.inf)
    cut = walks_without_straight(place, places, float(limit_m))
    expected = np.where(whole <= limit_m, whole, np.inf)
    np.testing.assert_allclose(cut, expected, atol=1e-6)


def walks_without_straight(place, places, limit_m):
    snapped = place.snap(*places)
    return walking_distances(build_graph(place.network, snapped), snapped, limit_m=limit_m)


def test_a_gate_through_which_nothing_leads_changes_nothing():
    ways = streets([(-20, -20), (220, -20)])
    before, after = (
        world(ways, estates=[ESTATE], gates=gates).walks([(0, 0)], [(200, 0)])[0, 0]
        for gates in ([], [(80, 130)])
    )
    assert before == pytest.approx(after)


@given(grids, spots, st.lists(st.sampled_from(SIDES), unique=True), st.integers(0, 12))
@settings(max_examples=40)
def test_a_wall_never_shortens_a_walk(grid, places, gates, short_m):
    # The outline misses the streets' ends by up to 12 m: some cross it, some end before it.
    outline = shapely.box(35 + short_m, 35, 155, 130)
    place = world(lines_of(grid), estates=[outline], gates=gates, walled=None)
    opened, walled = wall_variants(
        place.streets,
        gates=place.gates,
        water=place.water,
        barriers=place.barriers,
        estates=place.estates,
    )
    open_m, walled_m = (walks_on(one, places, places) for one in (opened, walled))
    assert (open_m <= walled_m + 1e-6).all()


ponds = st.lists(
    st.tuples(st.integers(-5, 170), st.integers(-5, 170), st.integers(3, 45), st.integers(3, 45)),
    min_size=1,
    max_size=4,
)


@given(grids, spots, ponds, st.floats(0.05, 0.95))
@settings(max_examples=40)
def test_cutting_streets_into_pieces_changes_no_walk(grid, places, boxes, share):
    water = [shapely.box(x, y, x + wide, y + high) for x, y, wide, high in boxes]
    whole = lines_of(grid)
    ends = [shapely.get_coordinates(line) for line in whole.geometry]
    halves = [(a + (b - a) * share, a, b) for a, b in ends]
    cut = streets(
        *([one, end] for middle, a, b in halves for one, end in ((a, middle), (middle, b)))
    )
    before, after = (world(one, water=water).walks(places, places) for one in (whole, cut))
    assert (np.isinf(before) == np.isinf(after)).all()
    np.testing.assert_allclose(after, before, atol=0.01)
