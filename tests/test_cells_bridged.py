"""Cells of water are cut between their bridges: one bridge each, no corner that was not there."""

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.cells.bridged import Waters, cut_between_bridges, waters_of

WIDE_M, LEAST_M2 = 30.0, 5_000.0
NONE = np.empty(0, dtype=object)


def canal(corners):
    """Return a canal with corners at these metres on both banks, and cells along the banks."""
    there = [(x, 0.0) for x in corners]
    back = [(x, WIDE_M) for x in reversed(corners)]
    pairs = list(itertools.pairwise(corners))
    banks = [shapely.box(a, y, b, y + 80) for a, b in pairs for y in (-80.0, WIDE_M)]
    return np.array([shapely.Polygon([*there, *back]), *banks], dtype=object)


def bridges_at(*places, ends=(-40.0, 70.0)):
    return [shapely.LineString([(x, ends[0]), (x, ends[1])]) for x in places]


def cut(cells, ways, *, footprints=NONE, least_m2=LEAST_M2):
    waters = Waters(cells[:1], np.array(ways, dtype=object))
    community = np.arange(len(cells), dtype=np.intp)
    found, owner = cut_between_bridges(
        cells, community, waters, footprints=footprints, least_m2=least_m2
    )
    assert owner[: len(cells)].tolist() == community.tolist()
    assert not owner[len(cells) :].any(), "parts are of the community of the water"
    assert all(a.equals(b) for a, b in zip(found[1 : len(cells)], cells[1:], strict=True))
    return [found[0], *found[len(cells) :]]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4, unique=True))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_each_part_has_one_bridge_and_no_corner_is_new(places):
    cells = canal([float(x) for x in range(0, 2_101, 50)])
    ways = bridges_at(*(200 * one for one in places))
    parts = cut(cells, ways, least_m2=2_000.0)
    assert len(parts) == len(ways)
    assert sorted(sum(part.intersects(way) for way in ways) for part in parts) == [1] * len(ways)
    assert sum(part.area for part in parts) == pytest.approx(cells[0].area, abs=1e-6)
    assert shapely.union_all(parts).equals(cells[0])
    known = set(map(tuple, shapely.get_coordinates(cells[0]).tolist()))
    assert {tuple(one) for part in parts for one in shapely.get_coordinates(part)} == known


def test_the_order_of_ways_does_not_matter():
    cells, ways = canal([float(x) for x in range(0, 1_001, 50)]), bridges_at(100, 500, 900)
    named = gpd.GeoDataFrame({"highway": "residential"}, geometry=ways, index=range(3))
    water = gpd.GeoDataFrame(geometry=cells[:1])
    found = []
    for rows in ([0, 1, 2], [2, 0, 1]):
        waters = waters_of(named.iloc[rows], water)
        none = np.zeros(len(cells), dtype=np.intp)
        found.append(cut_between_bridges(cells, none, waters, footprints=NONE, least_m2=100.0)[0])
    assert [a.wkb for a in found[0]] == [b.wkb for b in found[1]]
    assert len(found[0]) == len(cells) + 2


def test_the_cut_is_where_the_canal_is_narrow_and_far_from_both_bridges():
    west, east = cut(canal([float(x) for x in range(0, 1_001, 50)]), bridges_at(100, 800))
    assert {west.bounds[2], east.bounds[0]} == {450.0}


CORNERS = [float(x) for x in range(0, 1_001, 50)]
LEFT = {
    "one crossing: carriageways are near": (CORNERS, bridges_at(400, 440), NONE, LEAST_M2),
    "one bridge": (CORNERS, bridges_at(400), NONE, LEAST_M2),
    "a jetty leads nowhere": (
        CORNERS, [*bridges_at(125), *bridges_at(825, ends=(-40.0, 10.0))], NONE, LEAST_M2,
    ),
    "a towpath joins both": (
        CORNERS, [*bridges_at(100, 900), shapely.LineString([(100, -0.5), (900, -0.5)])], NONE,
        LEAST_M2,
    ),
    "no corner between": ([0.0, 1_000.0], bridges_at(100, 900), NONE, LEAST_M2),
    "a sliver": (CORNERS, bridges_at(100, 900), NONE, 20_000.0),
    "a building lies over the water between": (
        CORNERS, bridges_at(100, 900), np.array([shapely.box(130, -10, 870, 40)]), LEAST_M2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT)
def test_left_as_it_is(case):
    corners, ways, footprints, least_m2 = LEFT[case]
    cells = canal(corners)
    assert [one.wkb for one in cut(cells, ways, footprints=footprints, least_m2=least_m2)] == [
        cells[0].wkb
    ]


def test_nobody_walks_on_motorways_or_where_nobody_may():
    streets = gpd.GeoDataFrame(
        {"highway": ["motorway", "trunk", "residential"], "foot": [None, "no", None]},
        geometry=bridges_at(100, 500, 900),
    )
    water = gpd.GeoDataFrame(geometry=canal(CORNERS)[:1])
    assert [one.bounds[0] for one in waters_of(streets, water).ways] == [900.0]
