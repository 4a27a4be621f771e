"""The straight line beside the walk: service radii and detours."""

from __future__ import annotations

import numpy as np
import shapely

from gridplan.geometry import Floats, Geometries


def straight_distances(points: Geometries, facilities: Geometries) -> Floats:
    """
    Return the straight metres from each point to each facility, shape (n, n_facilities).

    ``inf`` for points without a place.
    """
    nowhere = np.asarray(shapely.is_missing(points) | shapely.is_empty(points), dtype=bool)
    start = np.full((len(points), 2), np.nan)
    start[~nowhere] = shapely.get_coordinates(points[~nowhere])
    end = shapely.get_coordinates(facilities)
    gap = start[:, None, :] - end[None, :, :]
    metres = np.hypot(gap[..., 0], gap[..., 1])
    metres[nowhere] = np.inf
    return np.asarray(metres, dtype=np.float64)


def detour_ratios(walks_m: Floats, straight_m: Floats) -> Floats:
    """
    Return each walk over the straight line to the same place.

    1 is a straight walk, lower is better; ``nan`` where there is no walk, or no
    distance to walk.

    Examples
    --------
    >>> detour_ratios(np.array([300.0, np.inf, 0.0]), np.array([200.0, 200.0, 0.0])).tolist()
    [1.5, nan, nan]
    """
    known = np.isfinite(walks_m) & np.isfinite(straight_m) & (straight_m > 0)
    ratios: Floats = np.full(len(walks_m), np.nan)
    np.divide(walks_m, straight_m, out=ratios, where=known)
    return ratios
