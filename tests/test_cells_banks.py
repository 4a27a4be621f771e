"""Cells that water parts in two and in three."""

import numpy as np
import pytest

from gridplan.cells.atoms import Atoms
from gridplan.cells.balance import UNIFORM
from gridplan.cells.banks import part_banks, walks
from gridplan.cells.groups import OPEN, WET, adjacency_lists
from gridplan.cells.halves import make_cutter
from gridplan.cells.raster import Frame
from gridplan.cells.search import Search

TARGET = 10_000.0
MOST_SHARE = 1.42
MAIN, FIRST, SECOND, WATER, MORE_WATER, BESIDE_FIRST, BESIDE_SECOND = range(7)


def search_of(area, borders, cells, over=()):
    """Return a search over atoms that meet along 50 m each; a way runs at the borders `over`."""
    wet = is_wet(len(area))
    left, right = (np.array(ends, dtype=np.intp) for ends in zip(*borders, strict=True))
    nothing, places = np.zeros(len(area)), np.zeros(len(area), dtype=np.intp)
    atoms = Atoms(
        area_m2=np.array(area, dtype=float), x=nothing, y=nothing, rim_m=nothing,
        built_m2=nothing, components=nothing, face=places, left=left, right=right,
        length_m=np.full(len(left), 50.0), worth=np.zeros(len(left)), estate=places,
        land_m=np.where(wet[left] | wet[right], 0.0, 50.0), bridge=np.isin(range(len(left)), over),
        image=np.zeros((1, 1), dtype=np.int32), frame=Frame(0.0, 0.0, 1, 1, 2.0),
    )  # fmt: skip
    cut = UNIFORM.cut(atoms.length_m, atoms.worth, TARGET**0.5)
    search = Search(make_cutter(atoms, cut, UNIFORM), adjacency_lists(atoms, cut), UNIFORM)
    for own in cells:
        search.add(own, realm=OPEN, target_m2=TARGET)
    return search


def is_wet(count):
    """Return which atoms are water."""
    return np.isin(np.arange(count), [WATER, MORE_WATER])


def parted(search, whole=()):
    """Return how many banks moved, and the cells that are left."""
    wet = is_wet(len(search.size))
    ways = walks(search.cutter.atoms, wet)
    moved = part_banks(
        search, wet, ways, target_m2=TARGET, most_share=MOST_SHARE, whole=frozenset(whole)
    )
    cells = search.cells
    assert all(cells.of_atom[one] == at for at, own in enumerate(cells.members) for one in own)
    assert sum(map(len, cells.members)) == len(search.size)
    return moved, sorted(sorted(own) for own in cells.members if own)


@pytest.mark.parametrize("second_m2", [1_500.0, 1_600.0])
def test_two_banks_beside_the_same_rest_go_each_to_its_own_side(second_m2):
    """The second bank leaves the cell that the first left behind, whichever is larger."""
    search = search_of(
        [6_000, 1_550, second_m2, 400, 400, 8_000, 8_000],
        [(MAIN, WATER), (WATER, FIRST), (MAIN, MORE_WATER), (MORE_WATER, SECOND),
         (FIRST, BESIDE_FIRST), (SECOND, BESIDE_SECOND)],
        [[MAIN, WATER, FIRST, MORE_WATER, SECOND], [BESIDE_FIRST], [BESIDE_SECOND]],
    )  # fmt: skip
    moved, cells = parted(search)
    assert moved == 2
    assert [FIRST, BESIDE_FIRST] in cells
    assert [SECOND, BESIDE_SECOND] in cells
    assert [MAIN, WATER, MORE_WATER] in cells


def test_a_bank_beyond_another_goes_with_it():
    """Three banks in a row: what only the middle one joined to the rest is no bank any more."""
    search = search_of(
        [6_000, 2_000, 1_500, 400, 400, 5_000, 8_000],
        [(MAIN, WATER), (WATER, FIRST), (FIRST, MORE_WATER), (MORE_WATER, SECOND),
         (FIRST, BESIDE_FIRST), (MAIN, BESIDE_SECOND)],
        [[MAIN, WATER, FIRST, MORE_WATER, SECOND], [BESIDE_FIRST], [BESIDE_SECOND]],
    )  # fmt: skip
    moved, cells = parted(search)
    assert moved == 1
    assert [FIRST, SECOND, MORE_WATER, BESIDE_FIRST] in cells
    assert [MAIN, WATER] in cells


def test_a_bank_without_room_beside_it_stays():
    search = search_of(
        [6_000, 1_500, 1_500, 400, 400, 13_000, 13_500],
        [(MAIN, WATER), (WATER, FIRST), (MAIN, MORE_WATER), (MORE_WATER, SECOND),
         (FIRST, BESIDE_FIRST), (SECOND, BESIDE_SECOND)],
        [[MAIN, WATER, FIRST, MORE_WATER, SECOND], [BESIDE_FIRST], [BESIDE_SECOND]],
    )  # fmt: skip
    moved, cells = parted(search)
    assert moved == 0
    assert [MAIN, FIRST, SECOND, WATER, MORE_WATER] in cells


@pytest.mark.parametrize("over", [(), (5,)])
def test_a_bank_that_a_way_leads_to_stays(over):
    """A way between two pieces of water leads over both, and to what lies beside them."""
    search = search_of(
        [6_000, 1_500, 100, 400, 400, 8_000, 100],
        [(MAIN, WATER), (WATER, FIRST), (MAIN, MORE_WATER), (MORE_WATER, FIRST),
         (FIRST, BESIDE_FIRST), (WATER, MORE_WATER), (SECOND, MAIN), (BESIDE_SECOND, MAIN)],
        [[MAIN, WATER, FIRST, MORE_WATER, SECOND, BESIDE_SECOND], [BESIDE_FIRST]],
        over=over,
    )  # fmt: skip
    moved, cells = parted(search)
    assert moved == (0 if over else 1)
    assert ([FIRST, BESIDE_FIRST] in cells) != bool(over)


@pytest.mark.parametrize(("realm", "moves"), [(OPEN, 1), (WET, 1), (7, 0)])
def test_a_bank_goes_to_open_land_or_water_and_into_no_estate(realm, moves):
    search = search_of(
        [6_000, 1_500, 100, 400, 400, 8_000, 100],
        [(MAIN, WATER), (WATER, FIRST), (MAIN, MORE_WATER), (FIRST, BESIDE_FIRST),
         (SECOND, MAIN), (BESIDE_SECOND, MAIN)],
        [[MAIN, WATER, FIRST, MORE_WATER, SECOND, BESIDE_SECOND], [BESIDE_FIRST]],
    )  # fmt: skip
    search.cells.realm[1] = realm
    assert parted(search)[0] == moves


def test_a_bank_of_open_land_that_is_large_enough_is_a_cell_by_itself():
    search = search_of(
        [26_000, 9_000, 100, 400, 400, 39_000, 100],
        [(MAIN, WATER), (WATER, FIRST), (MAIN, MORE_WATER), (FIRST, BESIDE_FIRST),
         (SECOND, MAIN), (BESIDE_SECOND, MAIN)],
        [[MAIN, WATER, FIRST, MORE_WATER, SECOND, BESIDE_SECOND], [BESIDE_FIRST]],
    )  # fmt: skip
    search.cells.target[0] = 4 * TARGET
    moved, cells = parted(search)
    assert moved == 1
    assert [FIRST] in cells
