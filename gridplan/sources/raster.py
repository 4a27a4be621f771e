"""Rasters of residents, such as WorldPop: their sum in each of a set of areas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from gridplan.errors import InputError, Message, MissingPackageError, both_ids, counted

if TYPE_CHECKING:
    from rasterio import DatasetReader

Floats = npt.NDArray[np.float64]

NODATA_BELOW = -3e38
"""
Values up to here mean "no data", whatever the file declares: WorldPop writes the lowest number
of its type, which differs by rounding from the one in the file's header.
"""

_STEP_M = 100.0
_TURNED = 1e-12


def raster_sums(path: Path, areas: gpd.GeoDataFrame) -> Floats:
    """
    Return the sum of a raster in each area, cells by the share of them that is covered.

    The areas are brought to the raster's system (never the raster to theirs, which
    would change its sum), their edges in steps of 100 m, so that a line that is
    straight in metres stays where it is. Cells without data count as 0.

    Parameters
    ----------
    path : path of a raster that rasterio reads; its first band is taken
    areas : GeoDataFrame of polygons, shape (n,), in a projected system

    Returns
    -------
    float array, shape (n,)
        In the raster's unit, for WorldPop residents.

    Raises
    ------
    MissingPackageError
        Without the extra ``raster`` (rasterio, exactextract).
    InputError
        If the file is no raster, has no system or is turned, does not reach the
        areas, or has no data or negative counts there.
    """
    rasterio, extract, source_of = _packages()
    try:
        with rasterio.open(path) as raster:
            _check_grid(raster, path)
            shapes = areas.geometry.segmentize(_STEP_M).to_crs(raster.crs)
            values, box = _window(raster, shapes.total_bounds, path)
            wkt = raster.crs.to_wkt()
    except rasterio.errors.RasterioIOError as error:
        raise InputError(
            Message(
                en=f"{path.name} cannot be read as a raster ({error}). Name a GeoTIFF.",
                zh=f"{path.name} 无法作为栅格读取（{error}）。请指定 GeoTIFF 文件。",
            )
        ) from error
    zones = gpd.GeoDataFrame(geometry=shapes.reset_index(drop=True)).set_crs(
        wkt, allow_override=True
    )
    found = extract(
        source_of(values, *box, srs_wkt=zones.crs.to_wkt()), zones, ["sum"], output="pandas"
    )
    # An area that touches no cell of the window has no sum, and nobody in it.
    sums: Floats = found["sum"].astype("float64").fillna(0.0).to_numpy()
    return sums


def _packages() -> tuple[Any, Any, Any]:
    try:
        import rasterio
        import rasterio.errors
        from exactextract import exact_extract
        from exactextract.raster import NumPyRasterSource
    except ImportError as error:
        raise MissingPackageError(
            Message(
                en=f"A raster needs the package {error.name}. Install the extra: "
                f"pip install gridplan[raster].",
                zh=f"读取栅格需要软件包 {error.name}。请安装附加组：pip install gridplan[raster]。",
            )
        ) from error
    return rasterio, exact_extract, NumPyRasterSource


def _check_grid(raster: DatasetReader, path: Path) -> None:
    if raster.crs is None:
        raise InputError(
            Message(
                en=f"{path.name} says no coordinate system. Assign it (e.g. with gdal_edit).",
                zh=f"{path.name} 没有坐标系。请先为其指定坐标系（如用 gdal_edit）。",
            )
        )
    turned = max(abs(raster.transform.b), abs(raster.transform.d)) > _TURNED
    if turned or raster.transform.e >= 0:
        raise InputError(
            Message(
                en=f"{path.name} is turned or upside down. Warp it to a north-up raster.",
                zh=f"{path.name} 不是正北朝上的栅格，请先重新投影（warp）。",
            )
        )


def _window(
    raster: DatasetReader, bounds: Floats, path: Path
) -> tuple[Floats, tuple[float, float, float, float]]:
    """Return the values around the areas, 0 where there are none, and their extent."""
    from rasterio.windows import Window

    left, top, wide, high = window_of(
        bounds,
        origin=(raster.transform.c, raster.transform.f),
        cell=(raster.transform.a, -raster.transform.e),
        shape=(raster.height, raster.width),
    )
    if wide <= 0 or high <= 0:
        west, south, east, north = (f"{one:.4f}" for one in raster.bounds)
        raise InputError(
            Message(
                en=f"{path.name} does not reach the communities: it covers {west}–{east}, "
                f"{south}–{north} in {raster.crs}. Name the raster of this region.",
                zh=f"{path.name} 不覆盖本区域：其范围为 {west}–{east}、{south}–{north}"
                f"（{raster.crs}）。请指定本地区的栅格。",
            )
        )
    read = raster.read(1, window=Window(left, top, wide, high)).astype(np.float64)
    values = counts_of(read, nodata=raster.nodata, what=path.name)
    west, north = raster.transform * (left, top)
    east, south = raster.transform * (left + wide, top + high)
    return values, (west, south, east, north)


def window_of(
    bounds: Floats,
    *,
    origin: tuple[float, float],
    cell: tuple[float, float],
    shape: tuple[int, int],
) -> tuple[int, int, int, int]:
    """
    Return first column, first row, columns and rows of the cells that bounds touch.

    Parameters
    ----------
    bounds : west, south, east, north
    origin : west and north edge of the raster
    cell : width and height of a cell
    shape : rows and columns of the raster

    Examples
    --------
    >>> window_of(np.array([2.5, 1.5, 3.5, 9.0]), origin=(0, 5), cell=(1, 1), shape=(5, 10))
    (2, 0, 2, 4)
    """
    west, south, east, north = bounds
    columns = np.clip([(west - origin[0]) / cell[0], (east - origin[0]) / cell[0]], 0, shape[1])
    rows = np.clip([(origin[1] - north) / cell[1], (origin[1] - south) / cell[1]], 0, shape[0])
    left, right = int(np.floor(columns[0])), int(np.ceil(columns[1]))
    top, bottom = int(np.floor(rows[0])), int(np.ceil(rows[1]))
    return left, top, right - left, bottom - top


def counts_of(values: Floats, *, nodata: float | None, what: str) -> Floats:
    """
    Return the values with 0 where there are no data.

    Raises
    ------
    InputError
        If there are no data at all, or negative counts.
    """
    missing = ~np.isfinite(values) | (values <= NODATA_BELOW)
    if nodata is not None:
        missing |= values == nodata
    if missing.all():
        raise InputError(
            Message(
                en=f"{what} holds no data in the place: all {values.size:,} cells are empty. "
                f"Name the raster of this region.",
                zh=f"{what} 在本区域没有数据：{values.size:,} 个像元均为空。请指定本地区的栅格。",
            )
        )
    negative = ~missing & (values < 0)
    if negative.any():
        shown, shown_zh = both_ids([f"{one:g}" for one in np.unique(values[negative])])
        raise InputError(
            Message(
                en=f"{what} has {counted(int(negative.sum()), 'cell', 'cells')} with negative "
                f"counts: {shown}. Is it a raster of residents?",
                zh=f"{what} 有 {int(negative.sum()):,} 个像元为负数：{shown_zh}。"
                f"请确认它是人口栅格。",
            )
        )
    return np.where(missing, 0.0, values)
