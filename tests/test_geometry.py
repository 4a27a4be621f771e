"""The gate for coordinate systems, the precision grid, repair, shared borders."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import CrsError
from gridplan.geometry import (
    choose_crs,
    isoperimetric_quotient,
    plain_parts,
    repair_polygons,
    require_projected_metres,
    shared_borders,
    to_grid,
)


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        (None, "has no coordinate system"),
        (4326, "not projected in metres"),
        (4490, "not projected in metres"),
        (3857, "areas and distances are too large"),
        (2263, "not projected in metres"),
        ("EPSG:999999", "is no known coordinate system"),
        ("nonsense", "is no known coordinate system"),
    ],
)
def test_what_cannot_be_measured_in_is_refused(crs, message):
    with pytest.raises(CrsError, match=message):
        require_projected_metres(crs, what="layer x")


@pytest.mark.parametrize("crs", [4549, 4528, 32650, "EPSG:27700"])
def test_projected_metres_pass(crs):
    assert require_projected_metres(crs, what="x") == pyproj.CRS.from_user_input(crs)


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (120.98, 31.46, 4549),
        (116.3, 40.0, 4548),
        (121.6, 31.2, 4550),
        (73.5, 39.5, 4534),
        (135.0, 48.3, 4554),
        (-3.0, 51.6, 32630),
        (18.4, -33.9, 32734),
        (179.99, 10.0, 32660),
    ],
)
def test_a_crs_for_each_place(lon, lat, epsg):
    assert choose_crs(lon, lat).to_epsg() == epsg


def test_the_grid_is_taken_off_again():
    snapped = to_grid(np.array([shapely.Point(0.12345, 9.87654)], dtype=object))
    assert shapely.get_coordinates(snapped).tolist() == [[0.123, 9.877]]
    assert shapely.get_precision(snapped).tolist() == [0.0]


def test_a_bow_tie_becomes_the_area_it_encloses():
    tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    square = shapely.box(0, 0, 1, 1)
    mended, broken = repair_polygons(np.array([tie, square], dtype=object))
    assert broken.tolist() == [True, False]
    assert shapely.area(mended).tolist() == [2.0, 1.0]
    assert shapely.is_valid(mended).all()


def test_a_line_has_no_area_to_keep():
    flat = shapely.Polygon([(0, 0), (1, 0), (2, 0)])
    mended, _ = repair_polygons(np.array([flat], dtype=object))
    assert shapely.is_empty(mended).all()


def test_single_parts_are_plain():
    box, other = shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)
    one, two = shapely.MultiPolygon([box]), shapely.MultiPolygon([box, other])
    plain = plain_parts(np.array([one, two, box, None], dtype=object))
    assert [shapely.get_type_id(shape) for shape in plain] == [3, 6, 3, -1]


@given(st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=20)
def test_shared_borders_of_a_lattice(columns, rows):
    cells = np.array(
        [shapely.box(x, y, x + 1, y + 1) for y in range(rows) for x in range(columns)],
        dtype=object,
    )
    borders = shared_borders(cells)
    expected = {
        (i, j): shapely.length(shapely.intersection(cells[i], cells[j]))
        for i in range(len(cells))
        for j in range(i + 1, len(cells))
    }
    found = {(int(i), int(j)): m for i, j, m in borders.itertuples(index=False)}
    assert found == {pair: metres for pair, metres in expected.items() if metres > 0}


def test_the_quotient_keeps_the_index():
    shapes = gpd.GeoSeries([shapely.Point(0, 0).buffer(1, quad_segs=64)], index=["a"])
    quotient = isoperimetric_quotient(shapes)
    assert quotient.index.tolist() == ["a"]
    assert quotient.iloc[0] == pytest.approx(1.0, abs=1e-3)
