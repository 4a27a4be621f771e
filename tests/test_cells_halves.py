"""Land divided much at once: the same as alone, whole, connected, and what it costs."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gridplan.cells.atoms import Atoms
from gridplan.cells.balance import UNIFORM
from gridplan.cells.divisions import ways_to_divide
from gridplan.cells.groups import OPEN, adjacency_lists
from gridplan.cells.halves import Ground, divide, divide_all, make_cutter
from gridplan.cells.pixels import FaceBorders, extents, meetings
from gridplan.cells.raster import Frame
from gridplan.cells.search import Search

SIDE, TARGET = 8, 10_000.0


def lattice(worth, holes=()):
    """Return squares of 40 m in a lattice, but for the holes, with borders of these worths."""
    places = [at for at in range(SIDE * SIDE) if at not in holes]
    at = {place: number for number, place in enumerate(places)}
    pairs = [
        (at[one], at[one + step])
        for one in places
        for step in (1, SIDE)
        if one + step in at and (step == SIDE or one % SIDE < SIDE - 1)
    ]
    left, right = np.array(pairs, dtype=np.intp).T
    n, nothing = len(places), np.zeros(len(places), dtype=np.intp)
    row, column = np.divmod(places, SIDE)
    inner = np.bincount(np.concatenate([left, right]), minlength=n)
    return Atoms(
        area_m2=np.full(n, 1600.0), x=40.0 * column, y=-40.0 * row, rim_m=40.0 * (4 - inner),
        built_m2=np.zeros(n), components=np.zeros(n), face=nothing, left=left, right=right,
        length_m=np.full(len(left), 40.0), worth=np.resize(worth, len(left)),
        land_m=np.full(len(left), 40.0), bridge=np.zeros(len(left), dtype=bool), estate=nothing,
        image=np.zeros((1, 1), dtype=np.int32), frame=Frame(0.0, 0.0, 1, 1, 2.0),
    )  # fmt: skip


def cutter_of(atoms):
    """Return what cutting these atoms needs."""
    return make_cutter(atoms, UNIFORM.cut(atoms.length_m, atoms.worth, TARGET**0.5), UNIFORM)


def graph_of(atoms):
    """Return which atoms touch."""
    graph = nx.Graph(zip(atoms.left.tolist(), atoms.right.tolist(), strict=True))
    graph.add_nodes_from(range(len(atoms.area_m2)))
    return graph


WORTHS = st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=1, max_size=60)
HOLES = st.sets(st.integers(0, SIDE * SIDE - 1), max_size=20)


@given(WORTHS, HOLES, st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_grounds_divided_together_are_divided_as_alone_into_connected_parts(worth, holes, counts):
    atoms = lattice(worth, holes)
    cutter, graph = cutter_of(atoms), graph_of(atoms)
    pieces = [np.array(sorted(one)) for one in nx.connected_components(graph)]
    grounds = [Ground(pieces[at % len(pieces)], count, TARGET) for at, count in enumerate(counts)]
    together = divide_all(cutter, grounds)
    for ground, parts in zip(grounds, together, strict=True):
        alone = divide(cutter, ground)
        assert [part.tolist() for part in parts] == [part.tolist() for part in alone]
        assert sorted(np.concatenate(parts).tolist()) == ground.own.tolist()
        assert 1 <= len(parts) <= ground.count
        assert all(nx.is_connected(graph.subgraph(part.tolist())) for part in parts)


@given(WORTHS, st.integers(1, 8))
def test_a_division_costs_what_its_cells_and_the_borders_between_them_do(worth, count):
    atoms = lattice(worth)
    cutter = cutter_of(atoms)
    ((way,),) = ways_to_divide(cutter, [[Ground(np.arange(SIDE * SIDE), count, TARGET)]])
    search = Search(cutter, adjacency_lists(atoms, cutter.cut), UNIFORM)
    cells = [search.add(part.tolist(), realm=OPEN, target_m2=TARGET) for part in way.parts]
    of_atom = np.array(search.cells.of_atom)
    cuts = cutter.cut[of_atom[atoms.left] != of_atom[atoms.right]].sum()
    assert way.cost == pytest.approx(sum(search.cost(one) for one in cells) + cuts, abs=1e-3)


def test_a_street_across_the_land_is_where_it_is_cut():
    atoms = lattice([0.0])
    street = (atoms.right - atoms.left == SIDE) & (atoms.left // SIDE == 3)
    atoms.worth[street] = 1.0
    parts = divide(cutter_of(atoms), Ground(np.arange(SIDE * SIDE), 2, 4 * TARGET))
    assert sorted(map(len, parts)) == [32, 32]
    assert {tuple(sorted(set((part // SIDE).tolist()))) for part in parts} == {
        (0, 1, 2, 3),
        (4, 5, 6, 7),
    }


IMAGES = arrays.arrays(np.int32, (6, 7), elements=st.integers(-1, 5))
FACES = arrays.arrays(np.int32, (6, 7), elements=st.integers(0, 3))


@given(IMAGES, FACES, st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_pixels_of_joined_labels_need_not_be_counted_again(image, face, join):
    join = np.unique(join, return_inverse=True)[1]
    # Faces 0 and 1 meet at a street, 1 and 2 (of water) do not meet.
    between = FaceBorders(
        np.array([1]), np.array([0.5]), np.array([True]), np.array([False, False, True])
    )
    joined = np.where(image >= 0, join[image], -1).astype(np.int32)
    n, under = int(join.max()) + 1, face > 1
    again, first = extents(joined, under, n), extents(image, under, 6).joined(join)
    for name in ("count", "column", "row", "covered"):
        assert getattr(again, name).tolist() == getattr(first, name).tolist()
    once = meetings(joined, face, between).borders(n, 2.0)
    summed = meetings(image, face, between).joined(join).borders(n, 2.0)
    for name in ("left", "right", "length_m", "worth", "land_m", "bridge", "rim_m"):
        np.testing.assert_allclose(getattr(once, name), getattr(summed, name), atol=1e-9)
    row, column = np.indices(joined.shape)
    for label in range(n):
        mine = joined == label
        assert again.count[label] == mine.sum()
        assert (again.row[label], again.column[label]) == (row[mine].sum(), column[mine].sum())
        assert again.covered[label] == (mine & under).sum()
