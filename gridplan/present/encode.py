"""Geometry and text for a page: degrees as whole steps of 1e-6, JSON that cannot end its script."""

from __future__ import annotations

import json
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

STEPS_PER_DEGREE = 1_000_000
"""Six decimals, about 0.1 m."""

Path = list[int]
"""latitude, longitude of the first point, then differences, in steps from the origin."""


class Encoder:
    """
    Turns projected geometry into short whole numbers.

    Parameters
    ----------
    crs : pyproj.CRS
        The project's CRS.
    bounds : (west, south, east, north)
        Extent in `crs`; its south-west corner becomes the origin.
    """

    def __init__(self, crs: pyproj.CRS, bounds: Sequence[float]) -> None:
        self._to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        lon, lat = self._to_degrees.transform(bounds[0], bounds[1])
        self.origin = (round(lat * STEPS_PER_DEGREE), round(lon * STEPS_PER_DEGREE))

    def corner(self, x: float, y: float) -> tuple[float, float]:
        """Return latitude and longitude in degrees, to six decimals."""
        lon, lat = self._to_degrees.transform(x, y)
        return round(float(lat), 6), round(float(lon), 6)

    def polygons(self, shapes: gpd.GeoSeries) -> list[list[list[Path]]]:
        """Return per shape its parts, per part its rings: outer, then holes."""
        parts, owner = shapely.get_parts(np.asarray(shapes, dtype=object), return_index=True)
        rings, part_of = shapely.get_rings(parts, return_index=True)
        paths = self._paths(rings, closed=True)
        by_part: list[list[Path]] = [[] for _ in parts]
        for path, part in zip(paths, part_of.tolist(), strict=True):
            by_part[part].append(path)
        found: list[list[list[Path]]] = [[] for _ in range(len(shapes))]
        for part_rings, shape in zip(by_part, owner.tolist(), strict=True):
            found[shape].append(part_rings)
        return found

    def lines(self, shapes: gpd.GeoSeries) -> list[Path]:
        """Return the paths of all lines together; which line one belongs to is not kept."""
        parts = shapely.get_parts(np.asarray(shapes, dtype=object))
        return self._paths(parts, closed=False)

    def points(self, shapes: gpd.GeoSeries) -> list[Path]:
        """Return latitude and longitude per point."""
        array = np.asarray(shapes, dtype=object)
        steps = self._steps(np.column_stack([shapely.get_x(array), shapely.get_y(array)]))
        return [list(map(int, pair)) for pair in steps]

    def _paths(self, lines: npt.NDArray[np.object_], *, closed: bool) -> list[Path]:
        coords, owner = shapely.get_coordinates(lines, return_index=True)
        steps = self._steps(coords)
        found = []
        ends = np.searchsorted(owner, np.arange(len(lines)), side="right")
        starts = np.searchsorted(owner, np.arange(len(lines)), side="left")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            # The page closes rings by itself.
            own = steps[start : end - 1 if closed else end]
            moved = np.diff(own, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
            moved = moved[np.r_[True, np.any(moved[1:] != 0, axis=1)]] if len(moved) else moved
            found.append([int(one) for one in moved.ravel()])
        return found

    def _steps(self, coords: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        lon, lat = self._to_degrees.transform(coords[:, 0], coords[:, 1])
        degrees = np.column_stack([lat, lon])
        steps = np.rint(degrees * STEPS_PER_DEGREE) - np.array(self.origin)
        whole: npt.NDArray[np.int64] = steps.astype(np.int64)
        return whole


def script_json(value: object) -> str:
    r"""
    Return JSON that can stand inside a ``<script>`` element.

    Every ``<`` is written as an escape, so no name can end the script or open a
    comment, and so are the two line separators that old engines refuse.

    Examples
    --------
    >>> script_json({"name": "</script>"})
    '{"name":"\\u003c/script>"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
