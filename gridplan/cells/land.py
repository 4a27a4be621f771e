"""What lies on the ground, and the lines of it that may bound a cell."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.geometry import Geometries, plain_layer

Ints = npt.NDArray[np.intp]
Borders = Literal["major", "all"]

STREET, RAIL, WATER, WALL, WAY, NOTHING = "street", "rail", "water", "wall", "way", ""
KINDS = (STREET, RAIL, WATER, WALL, WAY)
"""Kinds of lines, from what everybody knows as a border to what only neighbours do."""

MAJOR = frozenset({STREET, RAIL, WATER, WALL})

DRIVABLE = frozenset(
    f"{road}{suffix}"
    for road in ("motorway", "trunk", "primary", "secondary", "tertiary")
    for suffix in ("", "_link")
) | {"unclassified", "residential", "living_street", "road", "busway"}
"""Classes of streets that are major lines."""

NO_BORDER = frozenset(
    {
        "platform",
        "corridor",
        "elevator",
        "ferry",
        "proposed",
        "construction",
        "raceway",
        "via_ferrata",
    }
)
"""Classes that are no line on the ground."""

_WALL_KINDS = ("wall", "fence", "city_wall", "retaining_wall", "hard_border")
_WATER_KINDS = ("river", "canal", "stream", "drain", "ditch")
_RAIL_KINDS = ("rail",)
_OVERLAP_M2 = 1e-4


@dataclass(frozen=True)
class Land:
    """
    The layers that cells follow, all in the projected system of the communities.

    Attributes
    ----------
    streets : GeoDataFrame
        ``highway`` and, where known, ``tunnel``; lines.
    water : GeoDataFrame
        Polygons.
    barriers : GeoDataFrame
        ``kind``; lines: walls, railways, narrow canals.
    buildings : GeoDataFrame
        ``building_id``; polygons. No cell cuts one.
    estates : GeoDataFrame
        ``estate_id``, ``walled``; polygons. Those that are walled stay by themselves.
    components : GeoDataFrame, optional
        Points: municipal components, of which cells should have about equally many.
    """

    streets: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    estates: gpd.GeoDataFrame
    components: gpd.GeoDataFrame | None = None

    def plain(self) -> Land:
        """Return the same layers without a precision grid, which would steer every overlay."""
        layers = {one.name: getattr(self, one.name) for one in fields(self)}
        return Land(
            **{name: None if own is None else plain_layer(own) for name, own in layers.items()}
        )

    @property
    def component_points(self) -> Geometries:
        """Where the components stand; empty where there are none."""
        if self.components is None:
            return np.empty(0, dtype=object)
        return np.asarray(self.components.geometry.to_numpy(), dtype=object)

    @property
    def walled(self) -> gpd.GeoDataFrame:
        """The estates that are said to be walled, by id; unknown counts as open."""
        known = self.estates["walled"].fillna(value=False).to_numpy(dtype=bool)
        walled = self.estates[known]
        # Where two overlap, the first has the land: not that of the first row.
        shapes = _ranks(shapely.to_wkb(shapely.normalize(walled.geometry.to_numpy())))
        if "estate_id" not in walled:
            return walled.iloc[np.argsort(shapes, kind="stable")]
        ids = _ranks(walled["estate_id"].astype("string").fillna("").to_numpy(dtype=object))
        return walled.iloc[np.lexsort((shapes, ids))]


@dataclass(frozen=True)
class Lines:
    """
    Lines that may bound a cell.

    Attributes
    ----------
    shapes : array of LineString, shape (n,)
    kind : array of int, shape (n,)
        Position in `KINDS`.
    """

    shapes: Geometries
    kind: Ints

    @cached_property
    def steps(self) -> tuple[shapely.STRtree, Ints]:
        """The straight steps of the lines, and the kind of each."""
        coords, line = shapely.get_coordinates(self.shapes, return_index=True)
        same = line[1:] == line[:-1]
        ends = np.stack([coords[:-1][same], coords[1:][same]], axis=1)
        return shapely.STRtree(shapely.linestrings(ends)), self.kind[line[1:][same]]


def border_lines(land: Land, *, borders: Borders = "all") -> Lines:
    """
    Return the lines of the ground that may bound a cell.

    Parameters
    ----------
    land : Land
    borders : {"all", "major"}
        ``major``: streets for vehicles, railways, water, walls; ``all``: service ways
        and paths too. What runs in a tunnel is no line on the ground.
    """
    streets = land.streets
    highway = streets["highway"].astype("string").fillna("").to_numpy(dtype=object)
    buried = (
        streets["tunnel"].fillna(value=False).to_numpy(dtype=bool)
        if "tunnel" in streets
        else np.zeros(len(streets), dtype=bool)
    )
    drivable = np.isin(highway, sorted(DRIVABLE)) & ~buried
    fine = ~drivable & ~buried & ~np.isin(highway, sorted(NO_BORDER))
    ways = streets.geometry.to_numpy()
    barriers, kinds = land.barriers.geometry.to_numpy(), land.barriers["kind"]
    found = [
        (ways[drivable], STREET),
        (barriers[kinds.isin(_RAIL_KINDS)], RAIL),
        (shapely.boundary(land.water.geometry.to_numpy()), WATER),
        (barriers[kinds.isin(_WATER_KINDS)], WATER),
        (barriers[kinds.isin(_WALL_KINDS)], WALL),
        (shapely.boundary(land.walled.geometry.to_numpy()), WALL),
    ]
    if borders == "all":
        found.append((ways[fine], WAY))
    parts = [shapely.get_parts(np.asarray(shapes, dtype=object)) for shapes, _ in found]
    kind = np.concatenate(
        [np.full(len(own), KINDS.index(word)) for own, (_, word) in zip(parts, found, strict=True)]
    )
    shapes = np.concatenate(parts)
    # The order of the rows must not decide anything, not even the order of noding.
    order = np.lexsort((_ranks(shapely.to_wkb(shapely.normalize(shapes))), kind))
    return Lines(shapes[order], kind[order].astype(np.intp))


def _ranks(keys: npt.NDArray[np.object_]) -> Ints:
    return np.asarray(np.unique(keys, return_inverse=True)[1], dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Footprints:
    """
    What must stay whole: buildings, those that overlap taken together.

    Attributes
    ----------
    shapes : array of Polygon or MultiPolygon, shape (n,)
    of_building : array of int
        Position of the footprint of each building.
    """

    shapes: Geometries
    of_building: Ints


def footprints(buildings: Geometries, outline: shapely.Geometry | None = None) -> Footprints:
    """
    Return the footprints of buildings: those that overlap or contain each other are one.

    Buildings that only share a wall stay apart: a terrace may be parted at a party wall.
    So do those that overlap only beyond an outline, where no cell is.
    """
    left, right = shapely.STRtree(buildings).query(buildings, predicate="intersects")
    left, right = left[left < right], right[left < right]
    apart = shapely.touches(buildings[left], buildings[right])
    left, right = left[~apart], right[~apart]
    common = shapely.intersection(buildings[left], buildings[right])
    if outline is not None:
        beyond = ~shapely.covered_by(common, outline)
        common[beyond] = shapely.intersection(common[beyond], outline)
    shared = shapely.area(common) > _OVERLAP_M2
    left, right = left[shared], right[shared]
    n = len(buildings)
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(n, n))
    label = connected_components(graph, directed=False)[1]
    first, of_building = np.unique(label, return_index=True, return_inverse=True)[1:]
    shapes = buildings[first].copy()
    several = np.flatnonzero(np.bincount(of_building, minlength=len(first)) > 1)
    if len(several):
        order = np.argsort(of_building, kind="stable")
        start = np.searchsorted(of_building[order], several)
        end = np.searchsorted(of_building[order], several, side="right")
        for one, a, b in zip(several, start, end, strict=True):
            shapes[one] = shapely.union_all(buildings[np.sort(order[a:b])])
    return Footprints(shapes, np.asarray(of_building, dtype=np.intp))
