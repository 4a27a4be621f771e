"""Municipal components along the streets: lamps, manholes, bins, signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gridplan.geometry import Floats
from gridplan.sources.demo.frames import on_grid
from gridplan.sources.demo.options import CRS, DemoOptions

_ARTERIAL = ("primary", "secondary", "tertiary")
_PATHS = ("footway", "path", "steps", "pedestrian", "service")
_BUSY_M = 60.0
"""Components are closer together this near to shops, schools and halls."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How far apart components of a kind stand along a street, and how far from its middle."""

    name: str
    main_class: str
    arterial_m: float
    local_m: float
    busy_m: float
    aside_m: float


_KINDS = (
    _Kind("路灯", "公用设施", 40.0, 75.0, 45.0, 4.5),
    _Kind("雨水井盖", "公用设施", 120.0, 180.0, 110.0, 1.0),
    _Kind("果皮箱", "市容环境", 250.0, 900.0, 90.0, 3.5),
    _Kind("交通标志牌", "道路交通", 220.0, 800.0, 260.0, 5.0),
)


def street_components(
    layers: Mapping[str, gpd.GeoDataFrame], options: DemoOptions
) -> gpd.GeoDataFrame:
    """
    Return components beside the streets, the more the busier a street is.

    Parameters
    ----------
    layers : mapping
        ``boundary``, ``streets`` and ``buildings`` of the town.
    options : DemoOptions

    Returns
    -------
    GeoDataFrame
        ``component_id``, ``kind``, ``main_class``; points inside the boundary.
    """
    rng = np.random.default_rng([options.seed, 41])
    streets = layers["streets"]
    open_to_all = streets["foot"].isna() & ~streets["highway"].isin(_PATHS)
    streets = streets[open_to_all & (streets["bridge"] == 0)]
    ways = streets.geometry.to_numpy()
    arterial = streets["highway"].isin(_ARTERIAL).to_numpy()
    buildings = layers["buildings"]
    shops = buildings[buildings["kind"].isin(["commercial", "public"])].geometry.to_numpy()
    busy = np.zeros(len(ways), dtype=bool)
    busy[shapely.STRtree(ways).query(shops, predicate="dwithin", distance=_BUSY_M)[1]] = True
    kinds: list[_Kind] = []
    places: list[Floats] = []
    for kind in _KINDS:
        usual = np.where(arterial, kind.arterial_m, kind.local_m)
        apart = np.where(busy, np.minimum(usual, kind.busy_m), usual)
        found = _along(ways, apart, kind.aside_m, rng)
        kinds += [kind] * len(found)
        places.append(found)
    points = shapely.points(on_grid(np.concatenate(places)))
    outline = layers["boundary"].geometry.iloc[0]
    shapely.prepare(outline)
    inside = np.flatnonzero(shapely.contains(outline, points))
    return gpd.GeoDataFrame(
        {
            "component_id": [f"P{number:05d}" for number in range(1, len(inside) + 1)],
            "kind": [kinds[at].name for at in inside],
            "main_class": [kinds[at].main_class for at in inside],
        },
        geometry=points[inside],
        crs=CRS,
    )


def _along(ways: np.ndarray, apart_m: Floats, aside_m: float, rng: np.random.Generator) -> Floats:
    """Return points along the ways, on either side of them by turns."""
    length = shapely.length(ways)
    first = rng.uniform(0.0, apart_m)
    count = np.maximum(np.ceil((length - first) / apart_m), 0).astype(np.intp)
    way = np.repeat(np.arange(len(ways)), count)
    number = np.arange(len(way)) - np.repeat(np.cumsum(count) - count, count)
    metres = first[way] + number * apart_m[way]
    here, ahead = (
        shapely.get_coordinates(shapely.line_interpolate_point(ways[way], metres + step))
        for step in (-0.5, 0.5)
    )
    run = ahead - here
    run /= np.maximum(np.hypot(*run.T), 1e-9)[:, None]
    side = np.where(number % 2 == 0, aside_m, -aside_m)
    return np.asarray((here + ahead) / 2 + side[:, None] * run[:, ::-1] * np.array([-1.0, 1.0]))
