"""How much of the borders between zones one can see on the ground: streets and water."""

from __future__ import annotations

import numpy as np
import shapely

from gridplan.geometry import Floats, Geometries
from gridplan.zones.contiguity import Contiguity
from gridplan.zones.estates import inner_road_shares

_BESIDE_M = 2.0
"""A border so near to a street's centre line or a bank runs along it."""


def border_line_shares(
    shapes: Geometries, graph: Contiguity, *, streets: Geometries, water: Geometries
) -> Floats:
    """
    Return the share of each common border of cells along a street or water, shape (m,), 0 to 1.

    Parameters
    ----------
    shapes : array of polygons, shape (n,)
    graph : Contiguity
        Of the cells.
    streets : array of lines
    water : array of polygons
        Inside them a border counts as well.

    Examples
    --------
    >>> from gridplan.zones import rook_graph
    >>> import geopandas as gpd
    >>> pair = gpd.GeoDataFrame(geometry=shapely.box([0, 10], 0, [10, 20], 10))
    >>> street = np.array([shapely.LineString([(11, 0), (11, 5)])])
    >>> shares = border_line_shares(pair.geometry.to_numpy(), rook_graph(pair),
    ...                             streets=street, water=street[:0])
    >>> shares.round(1).tolist()
    [0.5]
    """
    lines = np.concatenate([np.asarray(streets, dtype=object), np.asarray(water, dtype=object)])
    return inner_road_shares(shapes, graph, lines, within_m=_BESIDE_M)


def border_share(zones: Geometries, *, streets: Geometries, water: Geometries) -> float | None:
    """
    Return the share of the borders between zones that runs along a street or water.

    Borders along the edge of the place are no choice of the zones and are left out.

    Parameters
    ----------
    zones : array of polygons, shape (k,)
    streets : array of lines
    water : array of polygons

    Returns
    -------
    float or None
        From 0 to 1, higher is better; None where there is one zone only.

    Examples
    --------
    >>> pair = shapely.box([0, 10], 0, [10, 20], 10)
    >>> street = np.array([shapely.LineString([(11, 0), (11, 5)])])
    >>> round(border_share(pair, streets=street, water=street[:0]), 1)
    0.7
    """
    edge = shapely.boundary(shapely.union_all(zones))
    inner = shapely.difference(shapely.union_all(shapely.boundary(zones)), edge)
    whole_m = float(shapely.length(inner))
    if whole_m == 0.0:
        return None
    near = [*streets[_meets(inner, streets)], *water[_meets(inner, water)]]
    beside = shapely.union_all(shapely.buffer(np.array(near, dtype=object), _BESIDE_M))
    return min(1.0, float(shapely.length(shapely.intersection(inner, beside))) / whole_m)


def _meets(line: shapely.Geometry, shapes: Geometries) -> np.ndarray:
    if not len(shapes):
        return np.zeros(0, dtype=np.intp)
    return np.sort(shapely.STRtree(shapes).query(line, predicate="dwithin", distance=_BESIDE_M))
