"""Rasters of residents: sums by area, whatever their system and whatever means no data."""

from __future__ import annotations

import itertools
import sys

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridplan.errors import InputError, MissingPackageError
from gridplan.sources.raster import counts_of, raster_sums, window_of

WUHAN_SUM = 321_181
LOWEST = -3.3999999521443642e38


def written(path, values, *, crs="EPSG:4326", west=120.0, north=31.01, cell=0.001, nodata=LOWEST):
    rasterio = pytest.importorskip("rasterio", reason="needs the extra `raster`")
    pytest.importorskip("exactextract", reason="needs the extra `raster`")
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype="float32", crs=crs, nodata=nodata,
        transform=rasterio.transform.from_origin(west, north, cell, cell),
    ) as raster:  # fmt: skip
        raster.write(values.astype("float32"), 1)
    return path


def areas(*boxes, crs="EPSG:4326"):
    return gpd.GeoDataFrame(geometry=[shapely.box(*box) for box in boxes], crs=crs).to_crs(4549)


def test_cells_count_by_the_share_that_is_covered(tmp_path):
    values = np.arange(100, dtype=float).reshape(10, 10)
    raster = written(tmp_path / "r.tif", values)
    west = areas((119.9, 30.9, 120.0045, 31.1), (120.0045, 30.9, 120.2, 31.1))
    sums = raster_sums(raster, west)
    middle = values[:, 4].sum() / 2
    # exactextract keeps shares of cells in single precision.
    assert sums == pytest.approx(
        [values[:, :4].sum() + middle, values[:, 5:].sum() + middle], rel=1e-5
    )


def test_a_tiling_sums_to_the_whole(tmp_path):
    values = np.random.default_rng(1).random((40, 40))
    values[5:9, 3:20] = LOWEST
    raster = written(tmp_path / "r.tif", values)
    edges = np.linspace(120.003, 120.037, 8)
    tiles = [(x0, y0, x1, y1) for x0, x1 in itertools.pairwise(edges)
             for y0, y1 in [(30.975, 30.99), (30.99, 31.005)]]  # fmt: skip
    parts = raster_sums(raster, areas(*tiles))
    # One outline with the vertices of the tiles, so that both are the same ground.
    whole = raster_sums(raster, areas(*tiles).dissolve())
    assert parts.sum() == pytest.approx(whole[0], rel=1e-6)


def test_a_raster_in_another_system_has_the_same_sum(tmp_path):
    values = np.ones((50, 50))
    raster = written(
        tmp_path / "r.tif", values, crs="EPSG:32650", west=785_000, north=3_436_000, cell=100
    )
    inside = gpd.GeoDataFrame(
        geometry=[shapely.box(786_000, 3_432_000, 787_000, 3_434_000)], crs="EPSG:32650"
    ).to_crs(4549)
    assert raster_sums(raster, inside) == pytest.approx([200], rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crs": None}, r"r\.tif says no coordinate system"),
        ({"west": 100.0}, r"does not reach the communities: it covers 100\.0000–100\.0100"),
        ({"values": np.full((10, 10), LOWEST)}, "holds no data in the place: all 100 cells"),
        ({"values": np.full((10, 10), -2.0)}, "100 cells with negative counts: -2"),
    ],
)
def test_a_raster_that_cannot_be_used_is_refused(tmp_path, change, message):
    values = change.pop("values", np.ones((10, 10)))
    raster = written(tmp_path / "r.tif", values, **change)
    with pytest.raises(InputError, match=message):
        raster_sums(raster, areas((120.0, 31.0, 120.01, 31.01)))


def test_no_raster_at_all_is_refused(tmp_path):
    written(tmp_path / "r.tif", np.ones((3, 3)))
    (tmp_path / "x.tif").write_text("no raster", encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.tif cannot be read as a raster"):
        raster_sums(tmp_path / "x.tif", areas((120.0, 31.0, 120.01, 31.01)))


@pytest.mark.real
def test_the_raster_of_wuhan_sums_to_itself(shared):
    pytest.importorskip("rasterio", reason="needs the extra `raster`")
    pytest.importorskip("exactextract", reason="needs the extra `raster`")
    path = shared("cn_worldpop/pop_60_f_wuhan.tif")
    everywhere = gpd.GeoDataFrame(geometry=[shapely.box(110, 27, 119, 34)], crs=4326).to_crs(4549)
    assert raster_sums(path, everywhere)[0] == pytest.approx(WUHAN_SUM, rel=1e-5)


@pytest.mark.real
def test_a_tiling_of_wuhan_sums_to_what_its_outline_holds(shared):
    pytest.importorskip("rasterio", reason="needs the extra `raster`")
    pytest.importorskip("exactextract", reason="needs the extra `raster`")
    path = shared("cn_worldpop/pop_60_f_wuhan.tif")
    xs, ys = np.linspace(114.2, 114.5, 6), np.linspace(30.5, 30.7, 5)
    tiles = areas(
        *[
            (x0, y0, x1, y1)
            for x0, x1 in itertools.pairwise(xs)
            for y0, y1 in itertools.pairwise(ys)
        ]
    )
    parts, whole = raster_sums(path, tiles), raster_sums(path, tiles.dissolve())
    assert whole[0] > 0
    assert parts.sum() == pytest.approx(whole[0], rel=1e-6)


def test_without_the_extra_the_message_names_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(
        MissingPackageError, match=r"needs the package rasterio.*gridplan\[raster\]"
    ):
        raster_sums(tmp_path / "r.tif", areas((120.0, 31.0, 120.01, 31.01)))


@pytest.mark.parametrize("nodata", [None, -3.4e38, LOWEST])
def test_no_data_is_known_whatever_the_header_says(nodata):
    values = np.array([[1.0, LOWEST], [np.nan, 2.0]])
    assert counts_of(values, nodata=nodata, what="r").tolist() == [[1, 0], [0, 2]]


def test_no_data_of_another_kind_is_what_the_header_says():
    values = np.array([[1.0, -99999.0]])
    assert counts_of(values, nodata=-99999.0, what="r").tolist() == [[1, 0]]
    with pytest.raises(InputError, match="1 cell with negative counts: -99999"):
        counts_of(values, nodata=None, what="r")
    with pytest.raises(InputError, match="holds no data in the place: all 2 cells are empty"):
        counts_of(np.full((1, 2), LOWEST), nodata=None, what="r")


def test_the_window_is_cut_at_the_raster():
    whole = window_of(np.array([-9.0, -9.0, 99.0, 99.0]), origin=(0, 5), cell=(1, 1), shape=(5, 10))
    assert whole == (0, 0, 10, 5)
    beside = window_of(np.array([20.0, 0, 30, 1]), origin=(0, 5), cell=(1, 1), shape=(5, 10))
    assert beside[2] == 0
