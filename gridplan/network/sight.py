"""The nearest place of a street in sight, where the nearest of all is hidden."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.network.obstacles import CLEARANCE_M, Obstacles, crosses_obstacle, straight_legs

Ints = npt.NDArray[np.intp]

_BESIDE = 1e-3
"""How far past a corner one looks, as a share of the distance to it: a metre in a kilometre."""
_TRIED_AT_ONCE = 32
_HALVINGS = 24


def nearest_in_sight(
    points: Geometries, pairs: pd.DataFrame, lines: Geometries, blocks: Obstacles
) -> pd.DataFrame:
    """
    Return for each point the nearest place of its lines that a free leg reaches.

    Along a straight street, what is in sight begins and ends where the line of sight
    grazes a corner of an obstacle, where an obstacle meets the street, or at the street's
    own ends; so the nearest place in sight is one of these, or the foot of the
    perpendicular. It does not depend on how the street is cut into edges.

    Parameters
    ----------
    points : array of Point
    pairs : DataFrame
        ``point``, ``edge`` (positions), ``within_m``: what is farther is of no use.
    lines : array of LineString, by ``edge``

    Returns
    -------
    DataFrame
        ``point``, ``edge``, ``leg_m``, ``rank`` (metres on the grid), ``x``, ``y`` of the
        place; points with nothing in sight are left out.
    """
    rows = []
    for point in np.unique(pairs["point"].to_numpy(dtype=np.intp)).tolist():
        own = pairs[pairs["point"] == point]
        start = shapely.get_coordinates(points[point])[0]
        edges = np.sort(own["edge"].to_numpy(dtype=np.intp))
        found = _nearest(start, edges, lines, blocks, float(own["within_m"].iloc[0]))
        if found is not None:
            edge, place = found
            leg_m = float(np.hypot(*(place - start)))
            rows.append((point, edge, leg_m, np.round(leg_m / GRID_M), *place))
    return pd.DataFrame(rows, columns=["point", "edge", "leg_m", "rank", "x", "y"]).astype(
        {"point": np.intp, "edge": np.intp, "leg_m": float, "x": float, "y": float}
    )


def _nearest(
    start: Floats, edges: Ints, lines: Geometries, blocks: Obstacles, within_m: float
) -> tuple[int, Floats] | None:
    """Return the edge and the place in sight that is nearest to a point."""
    tails, heads, owner = _segments(lines[edges])
    feet = _feet(start, tails, heads)
    near = np.hypot(*(feet - start).T) <= within_m
    tails, heads, owner, feet = tails[near], heads[near], owner[near], feet[near]
    walls = _walls_near(start, blocks, within_m)
    places, of = _candidates(start, (tails, heads, feet), walls)
    metres = np.hypot(*(places - start).T)
    order = np.lexsort([edges[owner[of]], np.round(metres / GRID_M)])
    order = order[metres[order] <= within_m]
    for begin in range(0, len(order), _TRIED_AT_ONCE):
        tried = order[begin : begin + _TRIED_AT_ONCE]
        legs = straight_legs(np.repeat(start[None], len(tried), axis=0), places[tried])
        free = np.flatnonzero(crosses_obstacle(legs, blocks) == "")
        if len(free):
            best = tried[free[0]]
            place = _as_near_as_seen(start, places[best], feet[of[best]], blocks)
            return int(edges[owner[of[best]]]), place
    return None


def _segments(lines: Geometries) -> tuple[Floats, Floats, Ints]:
    """Return both ends of each straight piece of some lines, and whose it is."""
    coords, owner = shapely.get_coordinates(lines, return_index=True)
    same = owner[1:] == owner[:-1]
    return coords[:-1][same], coords[1:][same], owner[:-1][same].astype(np.intp)


def _feet(start: Floats, tails: Floats, heads: Floats) -> Floats:
    step = heads - tails
    square = np.maximum((step**2).sum(axis=1), np.finfo(float).tiny)
    share = np.clip(((start - tails) * step).sum(axis=1) / square, 0.0, 1.0)
    feet: Floats = tails + step * share[:, None]
    return feet


def _walls_near(start: Floats, blocks: Obstacles, within_m: float) -> tuple[Floats, Floats]:
    """Return both ends of each straight piece of the obstacles around a point."""
    tree, _ = blocks.segments
    rows = np.sort(tree.query(shapely.Point(start), "dwithin", distance=within_m + CLEARANCE_M))
    ends = shapely.get_coordinates(tree.geometries[rows]).reshape(-1, 2, 2)
    return ends[:, 0], ends[:, 1]


def _candidates(
    start: Floats, streets: tuple[Floats, Floats, Floats], walls: tuple[Floats, Floats]
) -> tuple[Floats, Ints]:
    """Return the places where sight of the pieces of street may begin, and of which piece."""
    tails, heads, feet = streets
    every = np.arange(len(tails))
    corners = np.unique(np.concatenate(walls), axis=0)
    aside = (corners - start) @ np.array([[0.0, 1.0], [-1.0, 0.0]]) * _BESIDE
    rays = np.concatenate([corners + aside, corners - aside])
    grazing, of_ray = _meetings(tails, heads, start, rays, endless=True)
    meeting, of_wall = _meetings(tails, heads, *walls, endless=False)
    places = np.concatenate([feet, tails, heads, grazing, meeting])
    return places, np.concatenate([every, every, every, of_ray, of_wall])


def _meetings(
    tails: Floats, heads: Floats, starts: Floats, ends: Floats, *, endless: bool
) -> tuple[Floats, Ints]:
    """Return where segments meet others (or the rays through their ends), and which do."""
    step = (heads - tails)[:, None]
    other = (ends - starts)[None]
    between = np.broadcast_to(starts, ends.shape)[None] - tails[:, None]
    cross = step[..., 0] * other[..., 1] - step[..., 1] * other[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (between[..., 0] * other[..., 1] - between[..., 1] * other[..., 0]) / cross
        ahead = (between[..., 0] * step[..., 1] - between[..., 1] * step[..., 0]) / cross
        met = (along >= 0) & (along <= 1) & (ahead >= 0) & (endless | (ahead <= 1))
    segment, which = np.nonzero(met)
    places: Floats = tails[segment] + step[segment, 0] * along[segment, which][:, None]
    return places, segment.astype(np.intp)


def _as_near_as_seen(start: Floats, place: Floats, foot: Floats, blocks: Obstacles) -> Floats:
    """Return the place moved towards the foot of its street as far as it stays in sight."""
    seen, hidden = place, foot
    for _ in range(_HALVINGS):
        if np.hypot(*(hidden - seen)) <= GRID_M / 2:
            break
        middle = (seen + hidden) / 2
        free = crosses_obstacle(straight_legs(start[None], middle[None]), blocks)[0] == ""
        seen, hidden = (middle, hidden) if free else (seen, middle)
    return seen
