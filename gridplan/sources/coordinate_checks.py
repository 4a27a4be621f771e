"""Whether coordinates can be what their coordinate system says, judged by their ranges."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridplan.errors import Message
from gridplan.geometry import Floats

_MAX_LON, _MAX_LAT = 180.0, 90.0
_CHINA_LON, _CHINA_LAT = (73.0, 135.5), (3.0, 54.0)
_CHINA_EASTING, _CHINA_NORTHING = (100_000.0, 900_000.0), (1_900_000.0, 6_000_000.0)
_ZONE_PREFIX = 1_000_000
_ZONES = range(25, 46)
_PREFIXED_EPSG = 4488
"""EPSG code of the CGCS2000 3-degree zone 25 with zone number in the easting, less 25."""


class _Problem(NamedTuple):
    en: str
    advice_en: str
    zh: str
    advice_zh: str


_EXCHANGED_DEGREES = _Problem(
    "longitude and latitude look exchanged",
    "Exchange them.",
    "经度与纬度似乎互换",
    "请交换两者。",
)
_EXCHANGED_METRES = _Problem(
    "easting and northing look exchanged",
    "Exchange them.",
    "东坐标与北坐标似乎互换",
    "请交换两者。",
)
_NOT_FINITE = _Problem(
    "some coordinates are no numbers", "Correct the file.", "部分坐标不是数字", "请更正文件。"
)


def coordinate_faults(frame: gpd.GeoDataFrame, what: str) -> list[Message]:
    """
    Return faults where coordinates cannot be what the coordinate system says.

    Found are: degrees declared as metres and metres declared as degrees,
    latitude and longitude or easting and northing exchanged (by the ranges of
    China), eastings with a zone number in front under a system without one,
    and coordinates that are not finite.

    Parameters
    ----------
    frame : GeoDataFrame with a CRS
    what : str
        Name of the layer, for the messages.

    Examples
    --------
    >>> swapped = gpd.GeoDataFrame(geometry=gpd.points_from_xy([31.4], [121.0]), crs=4326)
    >>> [fault.en.split(" (")[0] for fault in coordinate_faults(swapped, "committees")]
    ['committees: longitude and latitude look exchanged']
    """
    coords = shapely.get_coordinates(frame.geometry.to_numpy())
    if not len(coords) or frame.crs is None:
        return []
    x, y = (np.array([column.min(), column.max()]) for column in coords.T)
    if not np.isfinite([x, y]).all():
        problem: _Problem | None = _NOT_FINITE
    elif frame.crs.is_projected:
        problem = _problem_of_metres(x, y, frame.crs)
    else:
        problem = _problem_of_degrees(x, y, frame.crs)
    return [] if problem is None else [_message(problem, what, x, y)]


def _message(problem: _Problem, what: str, x: Floats, y: Floats) -> Message:
    where = f"x {x[0]:.9g} … {x[1]:.9g}, y {y[0]:.9g} … {y[1]:.9g}"
    return Message(
        en=f"{what}: {problem.en} ({where}). {problem.advice_en}",
        zh=f"{what}：{problem.zh}（{where}）。{problem.advice_zh}",
    )


def _problem_of_degrees(x: Floats, y: Floats, crs: pyproj.CRS) -> _Problem | None:
    if _within(x, _CHINA_LAT) and _within(y, _CHINA_LON):
        return _EXCHANGED_DEGREES
    if _are_degrees(x, y):
        return None
    return _Problem(
        f"declared {_name(crs)} (degrees) but the coordinates look projected",
        "Name the right system with `crs`.",
        f"声明为 {_name(crs)}（度），但坐标似为投影坐标",
        "请用 `crs` 指明正确的坐标系。",
    )


def _problem_of_metres(x: Floats, y: Floats, crs: pyproj.CRS) -> _Problem | None:
    if _are_degrees(x, y):
        return _Problem(
            f"declared {_name(crs)} but the coordinates look like degrees",
            "Declare EPSG:4326 or EPSG:4490; gridplan projects by itself.",
            f"声明为 {_name(crs)}，但坐标似为经纬度",
            "请声明为 EPSG:4326 或 EPSG:4490，程序会自动投影。",
        )
    if _within(x, _CHINA_NORTHING) and _within(y, _CHINA_EASTING):
        return _EXCHANGED_METRES
    zone = int(x[0] // _ZONE_PREFIX)
    prefixed = zone in _ZONES and int(x[1] // _ZONE_PREFIX) == zone and _within(y, _CHINA_NORTHING)
    if not prefixed or _false_easting(crs) >= _ZONE_PREFIX:
        return None
    return _Problem(
        f"the eastings begin with the zone number {zone}, which {_name(crs)} does not have",
        f"Name the twin with the zone number, e.g. EPSG:{_PREFIXED_EPSG + zone}.",
        f"东坐标带有带号 {zone}，而 {_name(crs)} 不含带号",
        f"请改用含带号的坐标系，例如 EPSG:{_PREFIXED_EPSG + zone}。",
    )


def _are_degrees(x: Floats, y: Floats) -> bool:
    return bool(np.abs(x).max() <= _MAX_LON and np.abs(y).max() <= _MAX_LAT)


def _within(values: Floats, limits: tuple[float, float]) -> bool:
    return bool(values[0] >= limits[0] and values[1] <= limits[1])


def _name(crs: pyproj.CRS) -> str:
    code = crs.to_epsg()
    return crs.name if code is None else f"EPSG:{code}"


def _false_easting(crs: pyproj.CRS) -> float:
    operation = crs.coordinate_operation
    parameters = [] if operation is None else operation.params
    return next((float(one.value) for one in parameters if one.name == "False easting"), 0.0)
