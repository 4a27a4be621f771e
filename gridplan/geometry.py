"""The gate for coordinate systems, the precision grid, repair, and measures on a coverage."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from gridplan.errors import CrsError, Message

Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]

GRID_M = 0.001
"""Precision grid in metres, fixed once, at reading: overlays of real data fail without one."""

_WEB_MERCATOR = {3857, 3785, 900913, 102100, 102113}
_CHINA_LON_LAT = (73.0, 18.0, 135.5, 54.0)
_GK_FIRST_EPSG, _GK_FIRST_MERIDIAN, _GK_LAST_MERIDIAN, _GK_WIDTH = 4534, 75, 135, 3


_EDGE_M = 1e-6
"""A point nearer to a border than this may be on either side of it."""


def inner_points(polygons: Geometries) -> Geometries:
    """
    Return a point of each polygon that is well inside.

    `shapely.point_on_surface` halves a polygon's height; where only a needle of no width
    lies there, its point is on the border and may be in the neighbour. The centre of the
    largest circle inside is taken instead.

    Parameters
    ----------
    polygons : array of Polygon, shape (n,)
        Valid; in projected metres.

    Examples
    --------
    >>> flag = shapely.Polygon([(0, 0), (0, 10), (4, 10), (1e-9, 6)])
    >>> shapely.dwithin(flag.boundary, inner_points(np.array([flag, flag])), 0.5).tolist()
    [False, False]
    """
    found = np.asarray(shapely.point_on_surface(polygons), dtype=object)
    near = np.flatnonzero(shapely.dwithin(shapely.boundary(polygons), found, _EDGE_M))
    if len(near):
        circles = shapely.maximum_inscribed_circle(polygons[near])
        found[near] = shapely.get_point(circles, 0)
    return found


def require_projected_metres(crs: object, *, what: str) -> pyproj.CRS:
    """
    Return `crs` if areas and distances can be computed in it, else refuse.

    Parameters
    ----------
    crs : anything pyproj understands, or None
    what : str
        The layer or setting in question, for the message.

    Raises
    ------
    CrsError
        For no CRS, degrees, a unit other than the metre, or Web Mercator, whose
        areas are too large by 1 / cos²(latitude) (1.37 at 31.5° N).
    """
    advice_en = "Give a projected CRS in metres, e.g. EPSG:4549 (CGCS2000, 3-degree zone, 120°E)."
    advice_zh = "请使用以米为单位的投影坐标系，例如 EPSG:4549（CGCS2000 三度带，中央经线 120°E）。"
    if crs is None:
        raise CrsError(
            Message(
                en=f"{what} has no coordinate system. {advice_en}",
                zh=f"{what}没有坐标系信息。{advice_zh}",
            )
        )
    try:
        parsed = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise CrsError(
            Message(
                en=f"{what}: {crs!r} is no known coordinate system. {advice_en}",
                zh=f"{what}：无法识别坐标系 {crs!r}。{advice_zh}",
            )
        ) from error
    if parsed.to_epsg() in _WEB_MERCATOR or "Pseudo-Mercator" in parsed.name:
        raise CrsError(
            Message(
                en=f"{what} is in {parsed.name}, where areas and distances are too large "
                f"(area by 37 % at 31.5°N). {advice_en}",
                zh=f"{what}采用 {parsed.name}，面积与距离偏大（北纬 31.5° 处面积偏大 37%）。"
                f"{advice_zh}",
            )
        )
    metres = all(axis.unit_name == "metre" for axis in parsed.axis_info[:2])
    if not parsed.is_projected or not metres:
        raise CrsError(
            Message(
                en=f"{what} is in {parsed.name}, which is not projected in metres. {advice_en}",
                zh=f"{what}采用 {parsed.name}，不是以米为单位的投影坐标系。{advice_zh}",
            )
        )
    return parsed


def choose_crs(lon: float, lat: float) -> pyproj.CRS:
    """
    Return the projected CRS for a place: CGCS2000 3-degree GK in China, else UTM.

    Examples
    --------
    >>> choose_crs(120.98, 31.46).to_epsg(), choose_crs(-3.0, 51.6).to_epsg()
    (4549, 32630)
    """
    west, south, east, north = _CHINA_LON_LAT
    if west <= lon <= east and south <= lat <= north:
        meridian = min(
            max(_GK_WIDTH * round(lon / _GK_WIDTH), _GK_FIRST_MERIDIAN), _GK_LAST_MERIDIAN
        )
        return pyproj.CRS.from_epsg(_GK_FIRST_EPSG + (meridian - _GK_FIRST_MERIDIAN) // _GK_WIDTH)
    zone = min(int((lon + 180) // 6) + 1, 60)
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def area_scale(crs: pyproj.CRS, x: float, y: float) -> float:
    """
    Return grid area over ground area at a point of `crs` (1.0: no distortion).

    Examples
    --------
    >>> round(area_scale(pyproj.CRS.from_epsg(4549), 593_000.0, 3_483_000.0), 6)
    1.000213
    """
    to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = to_degrees.transform(x, y)
    return float(pyproj.Proj(crs).get_factors(lon, lat).areal_scale)


def line_scale(crs: pyproj.CRS, x: float, y: float) -> tuple[float, float]:
    """
    Return the least and the greatest grid length over ground length at a point of `crs`.

    They are the semi-axes of Tissot's indicatrix; 1.0 and 1.0: no distortion.

    Examples
    --------
    >>> low, high = line_scale(pyproj.CRS.from_epsg(4549), 593_000.0, 3_483_000.0)
    >>> round(low, 6), round(high, 6)
    (1.000107, 1.000107)
    """
    to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    factors = pyproj.Proj(crs).get_factors(*to_degrees.transform(x, y))
    return float(factors.tissot_semiminor), float(factors.tissot_semimajor)


def to_grid(geometries: Geometries) -> Geometries:
    """
    Return the geometries with coordinates on the 1 mm grid; collapsed parts vanish.

    The grid is not left attached to them: it would steer every later overlay, and be
    lost on the way through a file.
    """
    return without_grid(shapely.set_precision(geometries, GRID_M))


def without_grid(geometries: Geometries) -> Geometries:
    """Return the same geometries without a precision grid attached to them."""
    return np.asarray(shapely.set_precision(geometries, 0, mode="pointwise"), dtype=object)


def plain_layer(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer without a precision grid on its geometries: itself if there is none."""
    shapes = layer.geometry.to_numpy()
    if not (shapely.get_precision(shapes) > 0).any():
        return layer
    return layer.set_geometry(gpd.GeoSeries(without_grid(shapes), layer.index, crs=layer.crs))


def repair_polygons(
    polygons: Geometries, *, rounded: bool = True
) -> tuple[Geometries, npt.NDArray[np.bool_]]:
    """
    Return valid polygons on the precision grid, and which of them had to be mended.

    Not `rounded`, the others stay as they are to the last digit.

    A ring that crosses itself becomes the area it encloses; parts without area
    are left out, so an entry may come back empty.
    """
    broken = ~shapely.is_valid(polygons)
    mended = polygons.copy()
    if broken.any():
        mended[broken] = polygonal(shapely.make_valid(polygons[broken]))
    return polygonal(to_grid(mended) if rounded else mended), broken


def polygonal(geometries: Geometries) -> Geometries:
    """Return the areal part of each geometry (empty polygon where there is none)."""
    kinds = shapely.get_type_id(geometries)
    plain = np.isin(kinds, [3, 6])
    result = geometries.copy()
    for place in np.flatnonzero(~plain):
        parts = shapely.get_parts(geometries[place])
        areal = [part for part in parts if shapely.get_type_id(part) in (3, 6)]
        result[place] = shapely.union_all(areal) if areal else shapely.Polygon()
    return result


def plain_parts(geometries: Geometries) -> Geometries:
    """
    Return collections of a single part as that part.

    Files promote a whole layer to multi-geometries; the same shape must have one form.
    """
    single = shapely.get_num_geometries(geometries) == 1
    result = geometries.copy()
    result[single] = shapely.get_geometry(geometries[single], 0)
    return result


def isoperimetric_quotient(polygons: gpd.GeoSeries) -> pd.Series[float]:
    r"""
    Return the compactness of each polygon, :math:`4 \pi A / P^2`.

    Range (0, 1], higher is more compact: 1 for a disc, 0.785 for a square [1]_.

    References
    ----------
    .. [1] Polsby, D. D. and Popper, R. D. (1991). The third criterion. *Yale Law
       & Policy Review*, 9(2), 301-353. https://doi.org/10.2139/ssrn.2936284

    Examples
    --------
    >>> squares = gpd.GeoSeries([shapely.box(0, 0, 1, 1)])
    >>> isoperimetric_quotient(squares).round(3).tolist()
    [0.785]
    """
    quotient: pd.Series[float] = 4 * math.pi * polygons.area / polygons.length**2
    return quotient.rename("isoperimetric_quotient")


def shared_borders(polygons: Geometries) -> pd.DataFrame:
    """
    Return the pairs of polygons that share a border, with its length.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon, shape (n,)
        A coverage with a vertex on both sides wherever borders meet, as
        polygonize leaves it.

    Returns
    -------
    DataFrame with columns ``left``, ``right`` (positions, ``left < right``) and
    ``length_m``; sorted by position.
    """
    rings, owner = _rings(polygons)
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    ends = np.concatenate([coords[:-1][same], coords[1:][same]], axis=1)
    owners = owner[ring[:-1][same]]
    flip = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    ends[flip] = ends[flip][:, [2, 3, 0, 1]]
    segments = pd.DataFrame(ends, columns=["x0", "y0", "x1", "y1"])
    segments["owner"] = owners
    pairs = segments.groupby(["x0", "y0", "x1", "y1"], sort=False)["owner"].agg(["min", "max"])
    pairs = pairs[pairs["min"] < pairs["max"]].reset_index()
    pairs["length_m"] = np.hypot(pairs["x1"] - pairs["x0"], pairs["y1"] - pairs["y0"])
    borders = pairs.groupby(["min", "max"], sort=True)["length_m"].sum().reset_index()
    return borders.set_axis(["left", "right", "length_m"], axis="columns")


def _rings(polygons: Geometries) -> tuple[Geometries, npt.NDArray[np.intp]]:
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    return rings, part_owner[ring_part]
