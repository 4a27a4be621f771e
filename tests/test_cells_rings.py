"""Cells around others: found as a brute search finds them, and parted wherever that can be."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridplan.cells.atoms import Atoms
from gridplan.cells.balance import UNIFORM
from gridplan.cells.groups import OPEN, adjacency_lists
from gridplan.cells.halves import make_cutter
from gridplan.cells.raster import Frame
from gridplan.cells.rings import enclosures, part_rings
from gridplan.cells.search import Search

WIDE, HIGH, SIDE_M = 9, 6, 40.0
BEYOND = -1


def search_of(label, target_m2=10_000.0):
    """Return a search over squares of 40 m with cells of these labels, in parts if need be."""
    row, column = np.divmod(np.arange(WIDE * HIGH), WIDE)
    at = np.arange(WIDE * HIGH)
    pairs = [
        np.stack([at, at + 1])[:, column < WIDE - 1],
        np.stack([at, at + WIDE])[:, row < HIGH - 1],
    ]
    left, right = np.concatenate(pairs, axis=1).astype(np.intp)
    inner = np.bincount(np.concatenate([left, right]))
    nothing, places = np.zeros(len(at)), np.zeros(len(at), dtype=np.intp)
    atoms = Atoms(
        area_m2=np.full(len(at), SIDE_M**2), x=SIDE_M * column, y=-SIDE_M * row,
        rim_m=SIDE_M * (4 - inner), built_m2=nothing, components=nothing, face=places, left=left,
        right=right, length_m=np.full(len(left), SIDE_M), worth=np.zeros(len(left)),
        land_m=np.full(len(left), SIDE_M), bridge=np.zeros(len(left), dtype=bool), estate=places,
        image=np.zeros((1, 1), dtype=np.int32), frame=Frame(0.0, 0.0, 1, 1, 2.0),
    )  # fmt: skip
    cut = UNIFORM.cut(atoms.length_m, atoms.worth, 100.0)
    search = Search(make_cutter(atoms, cut, UNIFORM), adjacency_lists(atoms, cut), UNIFORM)
    same = np.asarray(label)[left] == np.asarray(label)[right]
    graph = nx.Graph(zip(left[same].tolist(), right[same].tolist(), strict=True))
    graph.add_nodes_from(at.tolist())
    for own in sorted(map(sorted, nx.connected_components(graph))):
        search.add(own, realm=OPEN, target_m2=target_m2)
    return search


def cells_around_others(search):
    """Return what cannot be reached from outside without each cell, looked for cell by cell."""
    graph = nx.Graph()
    for atom, near in enumerate(search.near):
        graph.add_edges_from(
            (search.cells.of_atom[atom], search.cells.of_atom[o]) for o, *_ in near
        )
        if search.rim[atom] > 0:
            graph.add_edge(search.cells.of_atom[atom], BEYOND)
    return {
        (host, frozenset(inside))
        for host in set(graph) - {BEYOND}
        for inside in nx.connected_components(graph.subgraph(set(graph) - {host}))
        if BEYOND not in inside
    }


LABELS = st.lists(st.integers(0, 2), min_size=WIDE * HIGH, max_size=WIDE * HIGH)


@given(LABELS)
def test_enclosures_are_those_that_a_search_without_each_cell_finds(label):
    search = search_of(label)
    found = [(host, frozenset(inside)) for host, inside in enclosures(search)]
    assert len(found) == len(set(found))
    assert set(found) == cells_around_others(search)


@given(LABELS)
def test_parting_keeps_the_land_and_opens_each_ring_that_two_parts_can(label):
    search = search_of(label)
    before = len(cells_around_others(search))
    parted = part_rings(search, least_m2=0.0, whole=frozenset())
    assert len(cells_around_others(search)) <= before - parted
    assert sorted(a for own in search.cells.members for a in own) == list(range(WIDE * HIGH))
    assert all(
        search.cells.of_atom[a] == n for n, own in enumerate(search.cells.members) for a in own
    )


@pytest.mark.parametrize(
    ("least_m2", "ground"),
    [
        (4_800.0, "...1.1..1 .1.1....1 2..22.2.2 2....222. 3.3...... 3.3..3..3"),
        (8_000.0, ".1..1.... ..1.1..1. .......2. .222..2.2 .3.....3. .3.....3."),
        (3_200.0, "..1.1.1.1 ......... ...22.2.. .22.2.2.. .3..3.33. ...3.33.."),
    ],
)
def test_a_ring_is_parted_at_its_island_where_it_divides_better_elsewhere(least_m2, ground):
    """Of the ways to divide the land around by area none opens the ring."""
    search = search_of([*ground.replace(" ", "")])
    assert len(cells_around_others(search)) == 1
    assert part_rings(search, least_m2=least_m2, whole=frozenset()) == 1
    assert not cells_around_others(search)


def test_a_ring_that_must_stay_whole_stays():
    label = np.zeros((HIGH, WIDE), dtype=int)
    label[2, 2] = 1
    search = search_of(label.ravel())
    assert part_rings(search, least_m2=2_000.0, whole=frozenset({OPEN})) == 0
    assert part_rings(search, least_m2=1e6, whole=frozenset()) == 0
    assert len(cells_around_others(search)) == 1
    assert part_rings(search, least_m2=2_000.0, whole=frozenset()) == 1
