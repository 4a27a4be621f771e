"""The parts of the zones room: contiguity, the search's sums, dissolving."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import InputError
from gridplan.zones import dissolve_zones, proposed_k, rook_graph
from gridplan.zones.land import land_of, zone_perimeters, zone_sums
from gridplan.zones.pieces import zones_per_piece
from gridplan.zones.starts import bisected
from gridplan.zones.zoning import Zoning

CRS = 4549


def block(columns, rows):
    polygons = [
        shapely.box(x, y, x + 100, y + 100)
        for y in range(0, 100 * rows, 100)
        for x in range(0, 100 * columns, 100)
    ]
    return cells_of(polygons)


def cells_of(polygons):
    ids = [f"c{number:05d}" for number in range(len(polygons))]
    return gpd.GeoDataFrame({"cell_uid": ids}, geometry=list(polygons), crs=CRS)


def voronoi(count, seed):
    points = np.random.default_rng(seed).uniform(0, 1000, (count, 2)).round(3)
    return cells_of(shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points))))


# Contiguity


@settings(max_examples=20)
@given(st.integers(2, 40), st.integers(0, 10**6))
def test_contiguity_is_what_intersections_measure(count, seed):
    cells = voronoi(count, seed)
    graph = rook_graph(cells)
    assert (graph.left < graph.right).all()
    shapes = cells.geometry.to_numpy()
    pairs = dict(zip(zip(graph.left, graph.right, strict=True), graph.border_m, strict=True))
    for a in range(count):
        shared = shapely.length(shapely.intersection(shapes[a], shapes[a + 1 :]))
        for b, length in enumerate(shared, start=a + 1):
            assert pairs.get((a, b), 0.0) == pytest.approx(length, abs=2e-3)


def test_a_corner_and_a_border_of_rounding_do_not_count():
    cells = cells_of(
        [
            shapely.box(0, 0, 1, 1),
            shapely.box(1, 1, 2, 2),
            shapely.Polygon([(1, 1), (1, 0.9995), (2, 0), (2, 1)]),
        ]
    )
    graph = rook_graph(cells)
    assert list(zip(graph.left, graph.right, strict=True)) == [(1, 2)]
    assert graph.components().tolist() == [0, 1, 1]


def test_pieces_are_numbered_by_their_first_cell():
    cells = cells_of([shapely.box(x, 0, x + 1, 1) for x in (9, 0, 5, 1, 10)])
    assert rook_graph(cells).components().tolist() == [0, 1, 2, 1, 0]


# Sums of zones


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_sums_and_outlines_are_those_of_the_dissolved_polygons(seed):
    cells, rng = voronoi(30, seed), np.random.default_rng(seed)
    zone = rng.integers(0, 4, 30)
    zone[:4] = range(4)
    land = land_of(cells, rng.integers(0, 9, 30).astype(float))
    whole = [shapely.union_all(cells.geometry.to_numpy()[zone == own]) for own in range(4)]
    assert zone_sums(land.area_m2, zone, 4) == pytest.approx(shapely.area(whole))
    assert zone_perimeters(land, zone, 4) == pytest.approx(shapely.length(whole), abs=0.01)


def test_a_cell_that_holds_its_zone_together_may_not_leave():
    land = land_of(block(5, 1), np.ones(5))
    zoning = Zoning(land, np.array([0, 0, 0, 1, 1]), 2)
    assert [zoning.may_leave(cell) for cell in range(5)] == [True, False, True, True, True]


def test_an_even_straight_row_is_cut_in_the_middle():
    land = land_of(block(10, 2), np.ones(20))
    zone = bisected(land, 2, np.random.default_rng(0))
    assert np.bincount(zone).tolist() == [10, 10]


@pytest.mark.parametrize(
    ("loads", "pieces", "k", "zones"),
    [
        ([9.0, 9, 1], [0, 0, 1], 2, [1, 1]),
        ([9.0, 9, 1], [0, 0, 1], 3, [2, 1]),
        ([90.0, 1, 1, 1], [0, 1, 1, 1], 4, [1, 3]),
        ([0.0, 0, 0], [0, 0, 1], 3, [2, 1]),
    ],
)
def test_zones_go_where_the_load_is_as_long_as_there_are_cells(loads, pieces, k, zones):
    assert zones_per_piece(np.array(loads), np.array(pieces), k).tolist() == zones


def test_the_proposal_rounds_half_up():
    assert [proposed_k(residents) for residents in (44_999, 45_000, 55_000)] == [4, 5, 6]


# Dissolving


def with_people(cells):
    people = pd.array(np.arange(len(cells)), dtype="Int64")
    return cells.assign(population=people, community_id=["a"] * 3 + ["b"] * (len(cells) - 3))


def test_zones_follow_from_their_cells():
    cells = with_people(block(3, 2))
    zone_of = pd.Series(["Z02", "Z02", "Z01", "Z01", "Z01", "Z01"], index=cells["cell_uid"])
    zones = dissolve_zones(cells.iloc[::-1], zone_of.sample(frac=1, random_state=0))
    columns = ["zone_id", "cells", "area_m2", "population", "community_id", "compactness"]
    assert zones.columns.tolist() == [*columns, "geometry"]
    assert zones["zone_id"].tolist() == ["Z01", "Z02"]
    assert zones["cells"].tolist() == [4, 2]
    assert zones["area_m2"].tolist() == [40_000.0, 20_000.0]
    assert zones["population"].tolist() == [14, 1]
    assert zones["community_id"].tolist() == [None, "a"]
    assert zones["compactness"].tolist() == pytest.approx([4 * np.pi * 4 / 100, 4 * np.pi * 2 / 36])
    assert zones.crs == CRS
    assert zones.geometry[1].equals(shapely.box(0, 0, 200, 100))


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_zones_tile_what_the_cells_tile(seed):
    cells = voronoi(30, seed)
    own = bisected(land_of(cells, np.ones(30)), 4, np.random.default_rng(seed))
    zone_of = pd.Series([f"Z{number:02d}" for number in own], index=cells["cell_uid"])
    zones = dissolve_zones(cells, zone_of)
    shapes = zones.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    whole = shapely.union_all(cells.geometry.to_numpy())
    assert shapely.area(shapely.symmetric_difference(shapely.union_all(shapes), whole)) < 1e-4
    assert zones["area_m2"].sum() == pytest.approx(cells.area.sum())
    assert zones["cells"].sum() == 30


def test_cells_without_figures_give_zones_without():
    cells = block(2, 1)
    zones = dissolve_zones(cells, pd.Series("Z01", index=cells["cell_uid"]))
    assert zones["population"].isna().all()
    assert zones["community_id"].tolist() == [None]


def test_a_cell_without_a_zone_is_refused():
    cells = block(3, 1)
    zone_of = pd.Series(["Z01"], index=["c00001"])
    with pytest.raises(InputError, match="2 of 3 cells have no zone: c00000, c00002"):
        dissolve_zones(cells, zone_of)
