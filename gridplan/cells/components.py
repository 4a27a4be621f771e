"""Which cell each municipal component (部件) belongs to, and how even the counts are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries

Ints = npt.NDArray[np.intp]

NOWHERE = -1
"""Stands for the cell of a component that lies in none."""

_ROUNDING_M = 10 * GRID_M
"""A component this near to a cell lies in it: the edge of the place was rounded."""


def cells_of_components(points: Geometries, cells: Geometries) -> Ints:
    """
    Return the position of the one cell that each component belongs to.

    Parameters
    ----------
    points : array of Point, shape (n,)
    cells : array of Polygon or MultiPolygon, shape (m,)
        In an order of their own: on a border the first of the cells has the component, so
        that neither the order of the components nor chance decides.

    Returns
    -------
    array of int, shape (n,)
        `NOWHERE` (-1) for those that lie in no cell.

    Examples
    --------
    >>> cells = np.array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)])
    >>> points = shapely.points([[100.0, 50.0], [150.0, 50.0], [300.0, 50.0]])
    >>> cells_of_components(points, cells).tolist()
    [0, 1, -1]
    """
    found = np.full(len(points), NOWHERE, dtype=np.intp)
    tree = shapely.STRtree(points)
    cell, point = tree.query(cells, predicate="intersects")
    order = np.argsort(-cell, kind="stable")
    found[point[order]] = cell[order]
    lost = np.flatnonzero(found == NOWHERE)
    if len(lost):
        near, cell = shapely.STRtree(cells).query(
            points[lost], predicate="dwithin", distance=_ROUNDING_M
        )
        order = np.argsort(-cell, kind="stable")
        found[lost[near[order]]] = cell[order]
    return found


def built_cells(cells: Geometries, buildings: Geometries, *, open_share: float) -> Ints:
    """
    Return the positions of the cells of built-up land.

    Parameters
    ----------
    cells, buildings : array of Polygon or MultiPolygon
        A building counts where a point inside it lies.
    open_share : float
        Land with less than this share under buildings (0 to 1) is not built up.
    """
    home = cells_of_components(shapely.point_on_surface(buildings), cells)
    held = home != NOWHERE
    under = np.bincount(home[held], shapely.area(buildings[held]), minlength=len(cells))
    return np.flatnonzero(under >= open_share * shapely.area(cells))


def unevenness(counts: Floats) -> float | None:
    r"""
    Return the coefficient of variation of counts, :math:`\sigma / \mu`; 0 is even.

    None where there is nothing to count. Range 0 to :math:`\sqrt{n - 1}`; lower is better.

    Examples
    --------
    >>> unevenness(np.array([4.0, 4.0])), unevenness(np.array([0.0, 4.0]))
    (0.0, 1.0)
    """
    if not len(counts) or not counts.sum():
        return None
    return float(counts.std() / counts.mean())
