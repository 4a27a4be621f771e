"""Borders along no line: as straight as areas, houses and lines allow, node by node."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.cells.land import KINDS, Lines
from gridplan.cells.straight import Aim, _Straight, straight_borders

NONE = np.empty(0, dtype=object)
NO_LINES = Lines(NONE, np.empty(0, dtype=np.intp))
AIM = Aim(10_000.0, 15_000.0)


def halves(*corners, south=(0, 0), north=(0, 100)):
    """Return the two cells that a border from south to north parts a box of 200 m by 100 m into."""
    border = shapely.LineString([(100 + south[0], 0), *corners, (100 + north[0], 100)])
    pieces = shapely.polygonize([shapely.union(shapely.box(0, 0, 200, 100).exterior, border)])
    cells = shapely.get_parts(pieces)
    return shapely.normalize(cells[np.argsort(shapely.get_x(shapely.centroid(cells)))])


def straight(cells, *, lines=(), houses=(), community=None, aim=AIM):
    found = Lines(
        np.array([shapely.LineString(one) for one in lines], dtype=object),
        np.full(len(lines), KINDS.index("street"), dtype=np.intp),
    )
    homes = np.array([shapely.box(*one) for one in houses], dtype=object)
    own = np.zeros(len(cells), dtype=np.intp) if community is None else np.array(community)
    after = straight_borders(cells, own, found, homes, aim=aim)
    assert shapely.coverage_is_valid(after)
    assert shapely.is_valid(after).all()
    assert shapely.area(after).sum() == pytest.approx(shapely.area(cells).sum())
    return after


def corners(cells):
    """Return the corners of the border between two cells, from south to north."""
    shared = shapely.line_merge(shapely.intersection(cells[0], cells[1]))
    found = shapely.get_coordinates(shared).round(6)
    return (found if found[0, 1] < found[-1, 1] else found[::-1]).tolist()


def test_a_zigzag_becomes_straight():
    cells = halves((95, 20), (105, 40), (95, 60), (105, 80))
    assert corners(straight(cells)) == [[100, 0], [100, 100]]


def test_a_house_is_neither_cut_nor_handed_over():
    bulge = [(100, 30), (112, 30), (112, 60), (100, 60)]
    cells = halves(*bulge)
    assert corners(straight(cells)) == [[100, 0], [100, 100]]
    after = straight(cells, houses=[(102, 35, 110, 55)])
    assert after[0].covers(shapely.box(102, 35, 110, 55))
    assert len(corners(after)) <= 2 + len(bulge)
    across = straight(halves((108, 50)), houses=[(95, 45, 107, 55)])
    assert across[0].covers(shapely.box(95, 45, 107, 55))


def test_a_border_along_a_line_stays_on_it():
    bent = [(100, 0), (110, 50), (100, 100)]
    assert len(corners(straight(halves((110, 50)), lines=[bent]))) == 3


def test_a_piece_does_not_cross_a_line_that_the_border_went_round():
    after = straight(halves((120, 20), (120, 80)), lines=[[(100, 50), (115, 50)]])
    assert not after[1].intersects(shapely.LineString([(100, 50), (115, 50)]))


def test_the_line_between_two_communities_stays():
    cells = halves((95, 20), (105, 40))
    after = straight(cells, community=[0, 1])
    assert shapely.equals(after, cells).all()


def test_areas_keep_to_their_aim():
    """Straight on, the cells would have 11,600 and 8,400 m²: farther off than before."""
    cells = halves((100, 98), south=(32, 0), north=(0, 100))
    before = np.abs(shapely.area(cells) / 10_000 - 1)
    after = np.abs(shapely.area(straight(cells)) / 10_000 - 1)
    assert (after <= np.maximum(before, 0.12) + 1e-9).all()
    large = straight(cells, aim=Aim(4_000.0, 5_000.0))
    assert (np.abs(shapely.area(large) / shapely.area(cells) - 1) <= 0.1).all()


@settings(max_examples=40)
@given(
    sways=st.lists(st.integers(-18, 18), min_size=1, max_size=9),
    houses=st.lists(
        st.tuples(st.integers(70, 120), st.integers(5, 85), st.integers(3, 12), st.integers(3, 9)),
        max_size=4,
    ),
    ways=st.lists(st.tuples(st.integers(60, 140), st.integers(1, 99), st.integers(60, 140)),
                  max_size=3),
)  # fmt: skip
def test_whatever_is_beside_it_the_land_is_tiled_and_nobody_is_cut(sways, houses, ways):
    steps = np.linspace(0, 100, len(sways) + 2)[1:-1]
    cells = halves(*((100 + sway, y) for sway, y in zip(sways, steps, strict=True)))
    homes = [(x, y, x + w, y + h) for x, y, w, h in houses]
    shapes = np.array([shapely.box(*one) for one in homes], dtype=object)
    whole = [one for one, shape in zip(homes, shapes, strict=True)
             if not shape.intersects(shapely.boundary(cells[0]))]  # fmt: skip
    lines = [[(x0, y), (x1, y + 0.5)] for x0, y, x1 in ways if x0 != x1]
    after = straight(cells, houses=whole, lines=lines)
    assert shapely.length(after).sum() <= shapely.length(cells).sum() + 1e-6
    assert shapely.get_num_coordinates(after).sum() <= shapely.get_num_coordinates(cells).sum()
    for one in whole:
        house = shapely.box(*one)
        assert shapely.covers(after, house).tolist() == shapely.covers(cells, house).tolist()


def test_a_cell_in_several_parts_keeps_them():
    cells = halves((95, 20), (105, 40), (95, 60), (105, 80))
    island = shapely.box(300, 0, 320, 20)
    apart = np.array([shapely.multipolygons([cells[0], island]), cells[1]], dtype=object)
    after = straight(apart)
    assert shapely.get_num_geometries(after).tolist() == [2, 1]
    assert corners(after) == [[100, 0], [100, 100]]


def test_a_border_that_would_tear_its_cells_stays_as_it_is(monkeypatch):
    """Pieces are seen to miss each other up to the last digit only."""
    cells = halves((20, 50), (60, 80), (60, 30), (150, 50))
    monkeypatch.setattr(_Straight, "drop", lambda *_args: np.array([[20.0, 50.0]]))
    assert shapely.equals_exact(straight(cells), cells).all()
