"""Zones of three departments, each with borders of its own, as offices find them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from gridplan.geometry import GRID_M, Geometries
from gridplan.sources.demo.options import CRS, DemoOptions
from gridplan.sources.demo.outline import Outline

POLICE, CITY, MARKET = "公安", "城管", "市场监管"

_ZONES = {CITY: 8, POLICE: 6, MARKET: 7}
"""Zones of each department in a town of the reference's size."""
_WANDERING_M, _FREEHAND_M = 260.0, 25.0
_MARGIN_M = 40.0
_LEAST = 2


def department_zones(outline: Outline, options: DemoOptions) -> gpd.GeoDataFrame:
    """
    Return the zones of three departments: like each other, and nowhere the same.

    Each groups superblocks round centres of its own. City management leaves one superblock
    out, two teams of the police claim the same one, and the market office has drawn its
    zones by hand, across the line and beyond the boundary.

    Returns
    -------
    GeoDataFrame
        ``department``, ``zone_id``, ``name``, polygons.
    """
    rng = np.random.default_rng([options.seed, 31])
    blocks = np.array(list(outline.polygons.values()), dtype=object)
    middle = shapely.get_coordinates(shapely.centroid(blocks))
    most = max(_LEAST, round(max(_ZONES.values()) * options.share_of_reference))
    centres = _spread(middle, min(most, len(blocks)))
    rows: list[tuple[str, str, str, shapely.Geometry]] = []
    for department, usual in _ZONES.items():
        count = max(_LEAST, min(round(usual * options.share_of_reference), len(centres)))
        own = centres[:count] + rng.normal(0.0, _WANDERING_M, (count, 2))
        nearest = np.hypot(*(middle[:, None] - own[None]).transpose(2, 0, 1)).argmin(axis=1)
        groups = [np.flatnonzero(nearest == zone) for zone in range(count)]
        groups = [group for group in groups if len(group)]
        shapes = _drawn(department, blocks, groups)
        for number, shape in enumerate(shapes, start=1):
            rows.append((department, str(number), f"{department}第{number}片区", shape))
    frame = {
        name: np.array([row[place] for row in rows], dtype=object)
        for place, name in enumerate(("department", "zone_id", "name"))
    }
    return gpd.GeoDataFrame(frame, geometry=[row[3] for row in rows], crs=CRS)


def _spread(points: np.ndarray, count: int) -> np.ndarray:
    """Return points far from each other: the first one, then always the farthest."""
    chosen = [int(np.lexsort((points[:, 1], points[:, 0]))[0])]
    away = np.hypot(*(points - points[chosen[0]]).T)
    while len(chosen) < count:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.hypot(*(points - points[chosen[-1]]).T))
    return points[chosen]


def _drawn(department: str, blocks: Geometries, groups: list[np.ndarray]) -> list[shapely.Geometry]:
    if department == CITY:
        largest = max(groups, key=len)
        groups = [group[1:] if group is largest and len(group) > 1 else group for group in groups]
    if department == POLICE and len(groups) > 1:
        groups = [np.append(groups[0], groups[1][:1]), *groups[1:]]
    shapes = [shapely.union_all(blocks[group], grid_size=GRID_M) for group in groups]
    if department == MARKET:
        wide = shapely.buffer(np.array(shapes), _MARGIN_M, join_style="mitre")
        free = shapely.simplify(shapely.buffer(wide, -_MARGIN_M), _FREEHAND_M)
        shapes = list(shapely.set_precision(free, GRID_M))
    return shapes
