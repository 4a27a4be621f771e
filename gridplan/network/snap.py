"""From a door to the network: the nearest edge whose leg crosses no wall and no water."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.network.edges import Network, NetworkOptions

Ints = npt.NDArray[np.intp]

_WALL_KINDS = ("wall", "fence", "city_wall", "retaining_wall", "guard_rail")
_WATER_KINDS = ("river", "canal")
_RAIL_KINDS = ("rail",)
_CLEARANCE_M = 0.5
_NOISE_DECIMALS = 6


@dataclass(frozen=True)
class Obstacles:
    """Lines that no leg may cross: walls, the banks of water, railways."""

    lines: Geometries
    kinds: npt.NDArray[np.str_]


@dataclass(frozen=True)
class Snapped:
    """
    Where points meet the network, by position.

    Attributes
    ----------
    edge : int array, shape (n,)
        Position among the walkable edges; -1 where none is in reach.
    offset_m : float array, shape (n,)
        Metres from the start of the edge.
    leg_m : float array, shape (n,)
        Straight metres from the point to the edge.
    detour : str array, shape (n,)
        What lay across the leg to the nearest edge, so that a farther one was
        taken (``wall``, ``water``, ``rail``); empty where it is the nearest.
    """

    edge: Ints
    offset_m: Floats
    leg_m: Floats
    detour: npt.NDArray[np.object_]


def wall_lines(*, barriers: gpd.GeoDataFrame, estates: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the lines that only a gate opens: walls, fences, the edges of walled estates."""
    walled = estates[estates["walled"].fillna(value=False).to_numpy(dtype=bool)]
    own = barriers.geometry.to_numpy()[barriers["kind"].isin(_WALL_KINDS)]
    rings = shapely.get_parts(shapely.boundary(walled.geometry.to_numpy()))
    return gpd.GeoSeries(np.concatenate([own, rings]), crs=barriers.crs)


def obstacles(
    *, water: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, estates: gpd.GeoDataFrame
) -> Obstacles:
    """Return the lines no leg may cross: water's edge, barriers, walls of walled estates."""
    kinds = barriers["kind"]
    named = (
        (shapely.boundary(water.geometry.to_numpy()), "water"),
        (barriers.geometry.to_numpy()[kinds.isin(_WATER_KINDS)], "water"),
        (barriers.geometry.to_numpy()[kinds.isin(_RAIL_KINDS)], "rail"),
        (wall_lines(barriers=barriers, estates=estates).to_numpy(), "wall"),
    )
    lines = np.concatenate([geometries for geometries, _ in named])
    words = np.concatenate([np.full(len(geometries), word) for geometries, word in named])
    return Obstacles(lines=lines, kinds=words)


def snap_to_network(
    points: Geometries,
    network: Network,
    *,
    blocks: Obstacles,
    options: NetworkOptions | None = None,
) -> Snapped:
    """
    Return where each point meets the network.

    The nearest walkable edge within ``options.max_leg_m`` (edges, not nodes);
    of equally near ones the first by id. A leg that would cross a wall, water or
    a railway is refused, and the next edge is tried.

    Parameters
    ----------
    points : array of Point, shape (n,)
    """
    limit_m = (options or NetworkOptions()).max_leg_m
    lines = network.walkable.geometry.to_numpy()
    pairs = _candidates(points, lines, limit_m=limit_m, nearest_only=True)
    free = pairs.assign(blocked_by=_blocked_by(points, lines, pairs, blocks))
    shut = free["blocked_by"] != ""
    chosen = free[~shut]
    if shut.any():
        again = np.setdiff1d(free["point"], chosen["point"])
        wider = _candidates(points[again], lines, limit_m=limit_m, nearest_only=False)
        wider["point"] = again[wider["point"]]
        wider = _first_free(points, lines, wider, blocks)
        first_word = free.drop_duplicates("point").set_index("point")["blocked_by"]
        wider["blocked_by"] = first_word.reindex(wider["point"]).to_numpy()
        chosen = pd.concat([chosen, wider], ignore_index=True)
    return _as_snapped(points, lines, chosen.drop_duplicates("point"))


def crosses_obstacle(legs: Geometries, blocks: Obstacles) -> npt.NDArray[np.object_]:
    """Return, for each straight leg, the kind of obstacle it crosses, or an empty text."""
    word = np.full(len(legs), "", dtype=object)
    if not len(blocks.lines):
        return word
    tree = shapely.STRtree(blocks.lines)
    # A leg of no length crosses nothing: a gate lies on its wall, and on the street through it.
    real = np.flatnonzero(shapely.length(legs) > GRID_M)
    leg, line = tree.query(_shortened(legs[real]), predicate="intersects")
    leg = real[leg]
    order = np.lexsort([blocks.kinds[line], leg])
    for i, j in zip(leg[order][::-1], line[order][::-1], strict=True):
        word[i] = str(blocks.kinds[j])
    return word


def _candidates(
    points: Geometries, lines: Geometries, *, limit_m: float, nearest_only: bool
) -> pd.DataFrame:
    tree = shapely.STRtree(lines)
    if nearest_only:
        # Equally near edges differ by rounding noise: all within a grid step of the nearest
        # are asked for, and the comparison on the grid decides.
        near, first = tree.query_nearest(points, max_distance=limit_m, all_matches=False)
        reach_m = shapely.distance(points[near], lines[first]) + GRID_M
        row, edge = tree.query(points[near], predicate="dwithin", distance=reach_m)
        point = near[row]
    else:
        point, edge = tree.query(points, predicate="dwithin", distance=limit_m)
    leg_m = shapely.distance(points[point], lines[edge])
    pairs = pd.DataFrame({"point": point, "edge": edge, "leg_m": leg_m})
    # Distances are compared on the precision grid; noise is taken off first, since it would
    # send equal ones to either side of half a millimetre.
    pairs["rank"] = np.round(np.round(pairs["leg_m"], _NOISE_DECIMALS) / GRID_M)
    if nearest_only:
        pairs = pairs[pairs["rank"] == pairs.groupby("point")["rank"].transform("min")]
    return pairs.sort_values(["point", "rank", "edge"], kind="stable").reset_index(drop=True)


def _blocked_by(
    points: Geometries, lines: Geometries, pairs: pd.DataFrame, blocks: Obstacles
) -> npt.NDArray[np.object_]:
    start = points[pairs["point"]]
    edge = lines[pairs["edge"]]
    foot = shapely.line_interpolate_point(edge, shapely.line_locate_point(edge, start))
    ends = np.concatenate([shapely.get_coordinates(start), shapely.get_coordinates(foot)], axis=1)
    return crosses_obstacle(shapely.linestrings(ends.reshape(-1, 2, 2)), blocks)


def _first_free(
    points: Geometries, lines: Geometries, pairs: pd.DataFrame, blocks: Obstacles
) -> pd.DataFrame:
    free: pd.DataFrame = pairs[_blocked_by(points, lines, pairs, blocks) == ""]
    return free.drop_duplicates("point")


def _shortened(legs: Geometries) -> Geometries:
    """
    Return the legs without their last half metre.

    A street may run on top of a wall's or canal's mapped line, and a gate lies on it.
    """
    length = shapely.length(legs)
    keep = np.maximum(length - _CLEARANCE_M, length / 2)
    coords = shapely.get_coordinates(legs).reshape(-1, 2, 2).copy()
    share = np.divide(keep, length, out=np.ones_like(keep), where=length > 0)
    coords[:, 1] = coords[:, 0] + (coords[:, 1] - coords[:, 0]) * share[:, None]
    return np.asarray(shapely.linestrings(coords), dtype=object)


def _as_snapped(points: Geometries, lines: Geometries, chosen: pd.DataFrame) -> Snapped:
    edge = np.full(len(points), -1, dtype=np.intp)
    offset_m = np.full(len(points), np.nan)
    leg_m = np.full(len(points), np.nan)
    detour = np.full(len(points), "", dtype=object)
    at = chosen["point"].to_numpy()
    edge[at] = chosen["edge"]
    leg_m[at] = chosen["leg_m"]
    offset_m[at] = shapely.line_locate_point(lines[edge[at]], points[at])
    detour[at] = chosen["blocked_by"]
    return Snapped(edge=edge, offset_m=offset_m, leg_m=leg_m, detour=detour)
