"""Several zones divided anew along trees, and units that no zone within the bounds can hold."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.zones.system_loaded import loaded_of, stuck_of
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_packing import least_beyond
from gridplan.zones.system_redivide import keep_fewer, redivided
from gridplan.zones.system_search import Course, anneal_system
from gridplan.zones.system_solve import Piece, Run
from gridplan.zones.system_trees import deep_tree, tree_zones
from tests.test_zones_packing import aims_of, units_of


def near_of(units):
    graph = units.land.graph
    near = [[] for _ in range(graph.count)]
    for a, b in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
        near[a].append(b)
        near[b].append(a)
    return near


def cuts_of(parent, load, zones, bounds):
    """All ways to cut a tree into so many parts within the bounds, by looking at each."""
    for cut in itertools.combinations(range(1, len(parent)), zones - 1):
        graph = nx.Graph()
        graph.add_nodes_from(range(len(parent)))
        graph.add_edges_from((one, parent[one]) for one in range(1, len(parent)) if one not in cut)
        sums = [sum(load[one] for one in part) for part in nx.connected_components(graph)]
        if all(bounds[0] <= one <= bounds[1] for one in sums):
            yield cut


@settings(max_examples=40)
@given(st.lists(st.integers(0, 6), min_size=12, max_size=12), st.integers(1, 4), st.integers(0, 99))
def test_a_tree_is_divided_wherever_it_can_be(load, zones, seed):
    units = units_of(load)
    parent, order = deep_tree(near_of(units), np.random.default_rng(seed))
    assert sorted(order) == list(range(12))
    bounds = (6.0, 10.0)
    found = tree_zones((parent, order), np.array(load, dtype=float), bounds, zones)
    cuts = list(cuts_of(parent, load, zones, bounds))
    assert (found is not None) == bool(cuts)
    if found is not None:
        sums = np.bincount(found, weights=load, minlength=zones)
        assert len(sums) == zones
        assert ((sums >= 6) & (sums <= 10)).all()
        tree = nx.Graph([(one, parent[one]) for one in range(12) if parent[one] >= 0])
        for own in range(zones):
            assert nx.is_connected(tree.subgraph(np.flatnonzero(found == own).tolist()))


@settings(max_examples=25)
@given(st.lists(st.sampled_from([1.0, 1.0, 3.0, 5.0]), min_size=8, max_size=8))
def test_stuck_units_are_in_no_connected_group_within_the_bounds(load):
    units = units_of(load)
    graph = nx.Graph(zip(units.land.graph.left, units.land.graph.right, strict=True))
    free = set()
    for size in range(1, 9):
        for group in itertools.combinations(range(8), size):
            if 6 <= sum(load[one] for one in group) <= 7 and nx.is_connected(graph.subgraph(group)):
                free |= set(group)
    found = stuck_of(loaded_of(units), np.array([6.0]), np.array([7.0]))
    large = {one for one in range(8) if load[one] > 6.0 / 4}
    assert set(found) == large - free


def test_a_stuck_unit_proves_one_zone_beyond_where_there_are_too_many_groups():
    """In the corner, between two estates that are too large to go with it."""
    load = np.ones((8, 8))
    load[0, 0], load[0, 1], load[1, 0] = 5.0, 9.0, 9.0
    units = units_of(load.ravel(), columns=8)
    assert least_beyond(units, aims_of(7, 12.0, 11.0, 13.0)) == (1, 1)
    load[0, 1] = 7.0
    assert least_beyond(units_of(load.ravel(), columns=8), aims_of(7, 12.0, 11.0, 13.0)) is None


def piece_of_columns(load, ends, aims):
    """Zones of whole columns, up to each of the ends."""
    columns = load.shape[1]
    units = units_of(load.ravel(), columns=columns)
    zone = np.tile(np.searchsorted(ends, np.arange(columns), side="right"), len(load))
    piece = Piece(units, np.arange(units.land.count), np.arange(len(ends) + 1), aims, (), 0)
    piece.offer(zone.astype(np.intp))
    return piece


def test_what_is_lacking_comes_from_several_zones_off():
    """Four zones in a row, the first too light and the last too heavy."""
    load = np.ones((6, 30))
    piece = piece_of_columns(load, [5, 13, 21], aims_of(4, 45.0, 42.0, 48.0))
    assert piece.rank[0] > 0
    run = Run(SystemOptions(), None, pieces=[piece])
    redivided(piece, run, SystemOptions(moves_per_unit=20, work=10_000))
    assert piece.rank[0] == 0
    assert run.work > 0
    near = nx.Graph(zip(piece.units.land.graph.left, piece.units.land.graph.right, strict=True))
    for own in range(4):
        assert nx.is_connected(near.subgraph(np.flatnonzero(piece.zone == own).tolist()))


def test_fewer_zones_beyond_come_before_less_excess():
    aims = aims_of(5, 36.0, 34.0, 38.0)
    piece = piece_of_columns(np.ones((6, 30)), [7, 12, 19, 24], aims)
    fewer = piece_of_columns(np.ones((6, 30)), [9, 12, 18, 24], aims)
    assert fewer.rank > piece.rank
    before = piece.zone
    keep_fewer(piece, fewer.zone)
    assert piece.zone.tolist() == fewer.zone.tolist()
    assert piece.rank == fewer.rank
    keep_fewer(piece, before)
    assert piece.zone.tolist() == fewer.zone.tolist()


@pytest.mark.parametrize("change", ["fixed", "even"])
def test_zones_that_are_not_alike_are_left_to_the_search(change):
    aims = aims_of(4, 45.0, 42.0, 48.0)
    piece = piece_of_columns(np.ones((6, 30)), [5, 13, 21], aims)
    if change == "fixed":
        piece.units.fixed[0] = True
    else:
        aims.least[0] = 41.0
    before = piece.zone.copy()
    redivided(piece, Run(SystemOptions(), None, pieces=[piece]), SystemOptions())
    assert piece.zone.tolist() == before.tolist()


def test_zones_take_shape_while_another_is_beyond_what_no_move_mends():
    """An excess that no rounding hits: what is as good and rounder is kept all the same."""
    load = np.ones((6, 12))
    load[:, 0] = [200, 0, 0, 0, 0, 0]
    piece = piece_of_columns(load, [1, 6], aims_of(3, 30.0, 20.0, 41.0))
    zone = piece.zone.reshape(6, 12).copy()
    zone[:5:2, 6] = 1
    zone[1::2, 5] = 2
    piece.rank = (np.inf, np.inf)
    piece.offer(zone.ravel())
    ragged = piece.rank
    course = Course(4_000, hot=0.05, beyond=1000.0)
    found = anneal_system(piece.units, piece.zone, piece.aims, course, np.random.default_rng(0),
                          lambda _moves, _zone: True)  # fmt: skip
    piece.offer(found)
    assert piece.rank[0] <= ragged[0]
    assert piece.rank[1] < ragged[1]
