"""What no leg may cross: walls, the banks of water, railways, hard borders; and walled ground."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries

Ints = npt.NDArray[np.intp]

WALL, WATER, RAIL, BORDER = "wall", "water", "rail", "border"
HARD_BORDER = "hard_border"
"""Kind of a barrier that nobody crosses, not even along a street."""

_WALL_KINDS = ("wall", "fence", "city_wall", "retaining_wall", "guard_rail")
_WATER_KINDS = ("river", "canal")
_RAIL_KINDS = ("rail",)

CLEARANCE_M = 0.5
"""A street this near the mapped line of a wall or canal may run on top of it."""


@dataclass(frozen=True)
class Grounds:
    """
    Ground enclosed by walls.

    Attributes
    ----------
    areas : array of Polygon, shape (n,)
        One per part of a walled estate, and one per area that wall lines close.
    names : tuple of str, length n
        The estate's id, or that of the first wall line around the area.
    is_estate : bool array, shape (n,)
    """

    areas: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    names: tuple[str, ...] = ()
    is_estate: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))

    def some(self, chosen: Ints) -> Grounds:
        """Return some of the grounds, by position."""
        names = tuple(self.names[one] for one in chosen)
        return Grounds(self.areas[chosen], names, self.is_estate[chosen])

    def holding(self, points: Geometries) -> tuple[Ints, Ints]:
        """Return the pairs (point, ground) of points that lie in a ground."""
        if not len(self.areas):
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        point, ground = shapely.STRtree(self.areas).query(points, predicate="intersects")
        order = np.lexsort([ground, point])
        return point[order], ground[order]


@dataclass(frozen=True)
class Obstacles:
    """
    Lines that no leg may cross, and the ground that walls enclose.

    Attributes
    ----------
    lines : array of LineString or MultiLineString, shape (n,)
    kinds : str array, shape (n,)
        ``wall``, ``water``, ``rail`` or ``border``.
    grounds : Grounds
    if_walled : Obstacles, optional
        The same with the walls that nobody knows of, where they are taken as open.
    """

    lines: Geometries
    kinds: npt.NDArray[np.str_]
    grounds: Grounds = field(default_factory=Grounds)
    if_walled: Obstacles | None = None

    def of_kind(self, kind: str) -> Geometries:
        """Return the lines of one kind."""
        return np.asarray(self.lines[self.kinds == kind], dtype=object)

    @cached_property
    def segments(self) -> tuple[shapely.STRtree, npt.NDArray[np.str_]]:
        """A tree of the single segments of all lines, and the kind of each."""
        parts, owner = shapely.get_parts(self.lines, return_index=True)
        coords, part = shapely.get_coordinates(parts, return_index=True)
        same = part[1:] == part[:-1]
        ends = np.stack([coords[:-1][same], coords[1:][same]], axis=1)
        return shapely.STRtree(shapely.linestrings(ends)), self.kinds[owner[part[:-1][same]]]


def wall_lines(*, barriers: gpd.GeoDataFrame, estates: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the lines that only a gate opens: walls, fences, the edges of walled estates."""
    walled = estates[is_walled(estates)]
    own = barriers.geometry.to_numpy()[barriers["kind"].isin(_WALL_KINDS)]
    rings = shapely.get_parts(shapely.boundary(walled.geometry.to_numpy()))
    return gpd.GeoSeries(np.concatenate([own, rings]), crs=barriers.crs)


def is_walled(estates: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """Return which estates are said to be walled; unknown counts as open."""
    walled: npt.NDArray[np.bool_] = estates["walled"].fillna(value=False).to_numpy(dtype=bool)
    return walled


def is_wall(barriers: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """Return which barriers are walls, that a gate can open."""
    return np.asarray(barriers["kind"].isin(_WALL_KINDS), dtype=bool)


def walled_grounds(*, barriers: gpd.GeoDataFrame, estates: gpd.GeoDataFrame) -> Grounds:
    """Return the ground that walls enclose: walled estates, and what wall lines close."""
    walled = estates[is_walled(estates)]
    parts, owner = shapely.get_parts(walled.geometry.to_numpy(), return_index=True)
    names = walled["estate_id"].to_numpy()[owner].astype(str).tolist()
    walls = barriers[is_wall(barriers)]
    lines = walls.geometry.to_numpy()
    closed = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(lines))))
    first: list[str] = []
    if len(closed):
        area, wall = shapely.STRtree(lines).query(shapely.boundary(closed), predicate="intersects")
        around = pd.Series(walls["barrier_id"].to_numpy()[wall]).groupby(area).min()
        first = around.astype(str).tolist()
    return Grounds(
        areas=np.concatenate([parts, closed]),
        names=(*names, *first),
        is_estate=np.repeat([True, False], [len(parts), len(closed)]),
    )


def obstacles(
    *, water: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, estates: gpd.GeoDataFrame
) -> Obstacles:
    """Return the lines no leg may cross: water's edge, barriers, walls of walled estates."""
    kinds = barriers["kind"]
    own = barriers.geometry.to_numpy()
    named = (
        (shapely.boundary(water.geometry.to_numpy()), WATER),
        (own[kinds.isin(_WATER_KINDS)], WATER),
        (own[kinds.isin(_RAIL_KINDS)], RAIL),
        (own[kinds == HARD_BORDER], BORDER),
        (wall_lines(barriers=barriers, estates=estates).to_numpy(), WALL),
    )
    lines = np.concatenate([geometries for geometries, _ in named])
    words = np.concatenate([np.full(len(geometries), word) for geometries, word in named])
    grounds = walled_grounds(barriers=barriers, estates=estates)
    return Obstacles(lines=lines, kinds=words, grounds=grounds)


def crosses_obstacle(
    legs: Geometries, blocks: Obstacles, *, both_ends: bool = False
) -> npt.NDArray[np.object_]:
    """
    Return, for each straight leg, the kind of obstacle it crosses, or an empty text.

    The last half metre does not count: a street may run on top of a wall's mapped
    line, and a gate lies on it. With `both_ends` neither does the first.
    """
    word = np.full(len(legs), "", dtype=object)
    if not len(blocks.lines) or not len(legs):
        return word
    tree, kinds = blocks.segments
    # A leg of no length crosses nothing: a gate lies on its wall, and on the street through it.
    real = np.flatnonzero(shapely.length(legs) > GRID_M)
    leg, line = tree.query(_shortened(legs[real], both_ends=both_ends), predicate="intersects")
    found = pd.Series(kinds[line]).groupby(real[leg]).min()
    word[found.index.to_numpy()] = found.to_numpy()
    return word


def straight_legs(starts: Floats, ends: Floats) -> Geometries:
    """Return the straight lines between points, each given as (n, 2) coordinates."""
    return np.asarray(shapely.linestrings(np.stack([starts, ends], axis=1)), dtype=object)


def _shortened(legs: Geometries, *, both_ends: bool) -> Geometries:
    length = shapely.length(legs)[:, None]
    coords = shapely.get_coordinates(legs).reshape(-1, 2, 2)
    start, step = coords[:, 0], coords[:, 1] - coords[:, 0]
    cut = np.minimum(CLEARANCE_M, length / (4 if both_ends else 2)) / length
    first = start + step * cut if both_ends else start
    return straight_legs(first, start + step * (1 - cut))
