"""Zones beyond what is allowed pass on what is wrong with them."""

from dataclasses import replace

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.zones.system_exchange import Exchange, exchanged
from gridplan.zones.system_found import zones_beyond
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_solve import Piece, Run
from tests.test_zones_packing import aims_of, units_of


def piece_of(units, aims, zone):
    k = len(aims.target)
    part = Piece(units, np.arange(units.land.count), np.arange(k), aims, (), 0)
    part.offer(np.array(zone))
    return part


def connected(part):
    graph = part.units.land.graph
    land = nx.Graph(list(zip(graph.left.tolist(), graph.right.tolist(), strict=True)))
    return all(nx.is_connected(land.subgraph(np.flatnonzero(part.zone == own).tolist()))
               for own in range(len(part.zones)))  # fmt: skip


ROWS = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]


@settings(max_examples=25)
@given(st.lists(st.integers(1, 6), min_size=12, max_size=12), st.integers(0, 99))
def test_zones_stay_connected_and_no_more_are_beyond(load, seed):
    units = units_of(load, 4)
    mean = sum(load) / 3
    part = piece_of(units, aims_of(3, mean, mean * 0.9, mean * 1.1), ROWS)
    before = int(zones_beyond(part).sum())
    run = Run(SystemOptions(seed=seed), None)
    exchanged(part, run, Exchange(60))
    assert sorted(set(part.zone.tolist())) == [0, 1, 2]
    assert connected(part)
    assert int(zones_beyond(part).sum()) <= before
    assert (run.work > 0) == (before > 0)


def test_what_is_wrong_wanders_to_where_there_is_room():
    """Too much in the first row has room in the last one alone: all three rows must change."""
    units = units_of([3, 3, 3, 3, 2, 3, 2, 3, 2, 2, 1, 2], 4)
    aims = aims_of(3, 9.5, 9.0, 10.5)
    found = []
    for _ in range(2):
        part = piece_of(units, aims, ROWS)
        assert zones_beyond(part).tolist() == [True, False, True]
        exchanged(part, Run(SystemOptions(), None), Exchange(2_000))
        assert not zones_beyond(part).any()
        assert connected(part)
        found.append(part.zone.tolist())
    assert found[0] == found[1]


def test_what_holds_a_unit_that_fits_nowhere_is_left():
    units = units_of([20, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 2], 4)
    aims = aims_of(3, 11.0, 10.0, 13.0)
    part = piece_of(units, aims, ROWS)
    run = Run(SystemOptions(), None)
    exchanged(part, run, Exchange(500), stuck=(0,))
    assert run.work == 0
    assert zones_beyond(part).tolist() == [True, False, False]


def test_anchors_and_several_loads_are_left_alone():
    units = units_of([3, 3, 3, 3, 2, 3, 2, 3, 2, 2, 1, 2], 4)
    fixed = np.zeros(12, dtype=np.bool_)
    fixed[0] = True
    part = piece_of(replace(units, fixed=fixed), aims_of(3, 9.5, 9.0, 10.5), ROWS)
    run = Run(SystemOptions(), None)
    exchanged(part, run, Exchange(500))
    assert run.work == 0
    assert part.zone.tolist() == ROWS
