"""Cells as squares of a lattice, cut at the community lines."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.cells.communities import checked_communities
from gridplan.cells.options import CellOptions
from gridplan.cells.order import reading_order
from gridplan.cells.tiling import Faces, merge_slivers, tile
from gridplan.geometry import Floats, Geometries

DEFAULT = CellOptions(method="square")

SLIVER = "sliver"
"""Exception of a cell below the least size that has no neighbour in its community."""


def partition(communities: gpd.GeoDataFrame, *, options: CellOptions = DEFAULT) -> gpd.GeoDataFrame:
    """
    Cut the communities into management cells that tile them exactly.

    Parameters
    ----------
    communities : GeoDataFrame
        ``community_id`` (text, unique) and polygons in projected metres that tile
        the place; their lines need not share vertices. Not changed.
    options : CellOptions, optional

    Returns
    -------
    GeoDataFrame
        ``community_id``, ``area_m2``, ``exception`` (null, or ``sliver`` for a cell
        below ``min_share`` of the target that has no neighbour in its community) and
        ``geometry``, one connected polygon each; neighbours share the same vertices.
        Sorted by community, then from north to south in rows from the west,
        whatever the order of `communities`.

    Raises
    ------
    CrsError, InputError, SettingsError
        As in `gridplan.cells.communities.checked_communities`.

    Examples
    --------
    >>> town = gpd.GeoDataFrame(
    ...     {"community_id": ["320583999001"]}, geometry=[shapely.box(0, 0, 300, 200)], crs=4549
    ... )
    >>> partition(town)["area_m2"].tolist()
    [10000.0, 10000.0, 10000.0, 10000.0, 10000.0, 10000.0]
    """
    own = checked_communities(communities, options)
    shapes = own.geometry.to_numpy()
    faces = tile(_lattice(shapes, options.side_m), shapes)
    merged, stuck = merge_slivers(faces, min_area_m2=options.min_share * options.target_m2)
    order = _row_by_row(merged, options.side_m)
    polygons = merged.polygons[order]
    exception = [SLIVER if small else None for small in stuck[order]]
    return gpd.GeoDataFrame(
        {
            "community_id": own["community_id"].to_numpy()[merged.owner[order]],
            "area_m2": shapely.area(polygons),
            "exception": pd.Series(exception, dtype="object"),
        },
        geometry=polygons,
        crs=communities.crs,
    )


def _lattice(shapes: Geometries, side_m: float) -> Geometries:
    """Return lines at multiples of the side that reach one square beyond the shapes."""
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = _multiples(west, east, side_m), _multiples(south, north, side_m)
    upright = np.stack([[x, np.full_like(x, y[0])], [x, np.full_like(x, y[-1])]])
    level = np.stack([[np.full_like(y, x[0]), y], [np.full_like(y, x[-1]), y]])
    ends = np.concatenate([upright.transpose(2, 0, 1), level.transpose(2, 0, 1)])
    return np.asarray(shapely.linestrings(ends), dtype=object)


def _multiples(low: float, high: float, side_m: float) -> Floats:
    first, last = np.floor(low / side_m) - 1, np.ceil(high / side_m) + 1
    return side_m * np.arange(first, last + 1)


def _row_by_row(faces: Faces, side_m: float) -> np.ndarray:
    centroids = shapely.centroid(faces.polygons)
    order = reading_order(
        shapely.get_x(centroids),
        shapely.get_y(centroids),
        row_height_m=side_m,
        ties=shapely.to_wkb(faces.polygons),
    )
    return order[np.argsort(faces.owner[order], kind="stable")]
