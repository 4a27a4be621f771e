"""Shortest ways inside walled ground that is no straight line: round its inner corners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csgraph

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.network.obstacles import CLEARANCE_M, Obstacles, crosses_obstacle, straight_legs

Ints = npt.NDArray[np.intp]

_SMOOTH_M = CLEARANCE_M / 2
_BENT_M = 0.01
_NOBODY = -9999


@dataclass(frozen=True)
class Corners:
    """
    The corners round which the shortest ways inside a ground bend, and the ways between them.

    The shortest path among obstacles bends only at corners that stand out into the free
    ground [1]_; they are taken half a metre off the walls and banks, where one walks.

    Attributes
    ----------
    places : float array, shape (k, 2)
    metres : float array, shape (k, k)
        Shortest way between two corners, ``inf`` where there is none.
    before : int array, shape (k, k)
        The corner before the second one on the way from the first; negative for none.

    References
    ----------
    .. [1] Lozano-Pérez, T. and Wesley, M. A. (1979). An algorithm for planning
       collision-free paths among polyhedral obstacles. *Communications of the ACM*,
       22(10), 560-570. https://doi.org/10.1145/359156.359164
    """

    places: Floats
    metres: Floats
    before: Ints

    @classmethod
    def inside(
        cls, area: shapely.Polygon, blocks: Obstacles, *, limit_m: float = np.inf
    ) -> Corners:
        """Return the corners of the free ground in an area, with the ways up to `limit_m`."""
        near = blocks.lines[np.asarray(shapely.intersects(blocks.lines, area), dtype=bool)]
        around = shapely.buffer(
            shapely.union_all([shapely.boundary(area), *near]),
            CLEARANCE_M,
            join_style="mitre",
            cap_style="square",
        )
        places = _standing_out(shapely.simplify(shapely.difference(area, around), _SMOOTH_M))
        if not len(places):
            return cls(places, np.empty((0, 0)), np.empty((0, 0), dtype=np.intp))
        i, j = np.triu_indices(len(places), k=1)
        legs_m = np.hypot(*(places[j] - places[i]).T)
        i, j, legs_m = (one[legs_m <= limit_m] for one in (i, j, legs_m))
        free = crosses_obstacle(straight_legs(places[i], places[j]), blocks) == ""
        graph = np.zeros((len(places), len(places)))
        graph[i[free], j[free]] = legs_m[free]
        found, before = csgraph.dijkstra(
            graph, directed=False, return_predecessors=True, limit=limit_m
        )
        return cls(places=places, metres=np.asarray(found), before=np.asarray(before))


def _standing_out(free: shapely.Geometry) -> Floats:
    """Return the corners of polygons at which the ground outside them is the narrower side."""
    found = []
    for polygon in shapely.get_parts(free):
        for number, ring in enumerate([polygon.exterior, *polygon.interiors]):
            coords = shapely.get_coordinates(ring)[:-1]
            ahead, back = np.roll(coords, -1, axis=0) - coords, coords - np.roll(coords, 1, axis=0)
            turn = back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0]
            # The free ground lies left of a ring that runs against the clock, a hole's right.
            left = ring.is_ccw != (number > 0)
            found.append(coords[turn < 0 if left else turn > 0])
    places = np.concatenate(found) if found else np.empty((0, 2))
    unique: Floats = np.unique(places, axis=0)
    return unique


def _free_metres(
    starts: Floats, ends: Floats, blocks: Obstacles, *, limit_m: float = np.inf
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the straight metres between all starts and ends, and which legs are free."""
    i, j = (one.ravel() for one in np.indices((len(starts), len(ends))))
    metres = np.hypot(*(ends[j] - starts[i]).T)
    asked = np.flatnonzero((metres <= limit_m) & (metres > 0))
    legs = straight_legs(starts[i[asked]], ends[j[asked]])
    free = np.zeros(len(metres), dtype=bool)
    free[asked] = crosses_obstacle(legs, blocks) == ""
    shape = (len(starts), len(ends))
    return metres.reshape(shape), free.reshape(shape)


def bent_connections(
    points: Geometries,
    hidden: pd.DataFrame,
    shapes: Geometries,
    *,
    blocks: Obstacles,
    limit_m: float,
) -> pd.DataFrame:
    """
    Return the shortest way inside the walls to pieces that no straight leg reaches.

    Parameters
    ----------
    points : array of Point
    hidden : DataFrame
        ``point``, ``ground``, ``piece``, ``way``, ``edge``: what is behind a corner.
    shapes : array of geometry, by ``way``
    limit_m : float
        Longest way from a point onto the network.

    Returns
    -------
    DataFrame
        ``point``, ``edge``, ``piece``, ``leg_m`` (round the corners), ``rank`` (on the
        grid), ``x``, ``y`` of the place it leads to; one row per point and piece that can
        be reached.
    """
    parts = []
    for ground in np.unique(hidden["ground"].to_numpy(dtype=np.intp)):
        rows = hidden[hidden["ground"] == ground]
        corners = Corners.inside(blocks.grounds.areas[ground], blocks, limit_m=limit_m)
        if len(corners.places):
            parts.append(_round_corners(points, rows, shapes, corners, blocks, limit_m))
    columns = ["point", "edge", "piece", "leg_m", "rank", "x", "y"]
    if not parts:
        return pd.DataFrame({name: [] for name in columns})
    every = pd.concat(parts, ignore_index=True)
    every = every[every["leg_m"] <= limit_m]
    every["rank"] = np.round(every["leg_m"] / GRID_M)
    ordered = every.sort_values(["point", "piece", "rank", "edge"], kind="stable")
    return ordered.drop_duplicates(["point", "piece"])[columns].reset_index(drop=True)


def _round_corners(
    points: Geometries,
    rows: pd.DataFrame,
    shapes: Geometries,
    corners: Corners,
    blocks: Obstacles,
    limit_m: float,
) -> pd.DataFrame:
    doors, door = np.unique(rows["point"].to_numpy(), return_inverse=True)
    ways, way = np.unique(rows["way"].to_numpy(), return_inverse=True)
    starts = shapely.get_coordinates(points[doors])
    to_corner, free = _free_metres(starts, corners.places, blocks, limit_m=limit_m)
    first_m = np.where(free, to_corner, np.inf)
    last_m, feet = _to_ways(corners.places, shapes[ways], blocks, limit_m)
    found = rows[["point", "edge", "piece"]].assign(leg_m=np.inf, x=np.nan, y=np.nan)
    leg_m, place = np.full(len(rows), np.inf), np.zeros((len(rows), 2))
    for one in range(len(doors)):
        at_corner = (first_m[one][:, None] + corners.metres).min(axis=0)
        whole = at_corner[:, None] + last_m
        own = np.flatnonzero(door == one)
        best = whole[:, way[own]].argmin(axis=0)
        leg_m[own] = whole[best, way[own]]
        place[own] = feet[best, way[own]]
    return found.assign(leg_m=leg_m, x=place[:, 0], y=place[:, 1])


def _to_ways(
    corners: Floats, shapes: Geometries, blocks: Obstacles, limit_m: float
) -> tuple[Floats, Floats]:
    """Return the metres from each corner to each way (``inf`` if not free), and the feet."""
    start = shapely.points(corners)
    lines = shapely.shortest_line(start[:, None], shapes[None, :])
    feet = shapely.get_coordinates(shapely.get_point(lines.ravel(), 1))
    legs = straight_legs(np.repeat(corners, len(shapes), axis=0), feet)
    metres = shapely.length(legs)
    asked = metres <= limit_m
    free = crosses_obstacle(legs[asked], blocks) == ""
    metres[~asked], metres[asked] = np.inf, np.where(free, metres[asked], np.inf)
    shape = (len(corners), len(shapes))
    return metres.reshape(shape), feet.reshape(*shape, 2)


def bent_metres(area: shapely.Polygon, starts: Floats, ends: Floats, blocks: Obstacles) -> Floats:
    """
    Return the shortest way round the corners of a ground from each start to its end.

    Parameters
    ----------
    starts, ends : float arrays, shape (n, 2)
        The places, pair by pair.

    Returns
    -------
    float array, shape (n,)
        ``inf`` where there is no way inside.
    """
    corners = Corners.inside(area, blocks)
    if not len(corners.places):
        return np.full(len(starts), np.inf)
    first, free = _free_metres(starts, corners.places, blocks)
    last, open_to = _free_metres(corners.places, ends, blocks)
    first_m, last_m = np.where(free, first, np.inf), np.where(open_to, last, np.inf)
    found = [
        float(((first_m[one][:, None] + corners.metres).min(axis=0) + last_m[:, one]).min())
        for one in range(len(starts))
    ]
    return np.array(found)


def leg_line(
    point: shapely.Point, foot: shapely.Point, leg_m: float, blocks: Obstacles
) -> shapely.LineString:
    """
    Return the leg from a point onto the network: straight, or round corners inside its walls.

    Parameters
    ----------
    leg_m : float
        Its length as it was measured: longer than the straight line, it is bent.
    """
    ends = np.concatenate([shapely.get_coordinates(point), shapely.get_coordinates(foot)])
    straight = shapely.LineString(ends)
    if not leg_m > straight.length + _BENT_M:
        return straight
    lines = []
    for walls in (blocks, blocks.if_walled):
        if walls is not None:
            _, grounds = walls.grounds.holding(np.array([point], dtype=object))
            areas = walls.grounds.areas[grounds]
            lines += [_bent(ends, Corners.inside(area, walls), walls) for area in areas]
    known = [line for line in lines if line is not None]
    return min(known, key=lambda line: abs(line.length - leg_m), default=straight)


def line_between_gates(
    area: shapely.Polygon, gate: shapely.Point, other: shapely.Point, blocks: Obstacles
) -> shapely.LineString | None:
    """Return the shortest way inside a ground from gate to gate, None where there is none."""
    ends = np.concatenate([shapely.get_coordinates(gate), shapely.get_coordinates(other)])
    return _bent(ends, Corners.inside(area, blocks), blocks, from_gate=True)


def _bent(
    ends: Floats, corners: Corners, blocks: Obstacles, *, from_gate: bool = False
) -> shapely.LineString | None:
    """
    Return the shortest way round corners from the first end to the second.

    Parameters
    ----------
    from_gate : bool
        The first end lies in the wall: its last half metre does not count.
    """
    if not len(corners.places):
        return None
    if from_gate:
        first, free = (one.T for one in _free_metres(corners.places, ends[:1], blocks))
    else:
        first, free = _free_metres(ends[:1], corners.places, blocks)
    last, open_to = _free_metres(corners.places, ends[1:], blocks)
    whole = np.where(free, first, np.inf).T + corners.metres + np.where(open_to, last, np.inf).T
    start, end = np.unravel_index(int(whole.argmin()), whole.shape)
    if not np.isfinite(whole[start, end]):
        return None
    stops = [int(end)]
    while stops[-1] != start and corners.before[start, stops[-1]] != _NOBODY:
        stops.append(int(corners.before[start, stops[-1]]))
    return shapely.LineString(np.concatenate([ends[:1], corners.places[stops[::-1]], ends[1:]]))
