"""Which cells share a border, and how long it is."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.geometry import GRID_M, Floats, Geometries, shared_borders

Ints = npt.NDArray[np.intp]

NEAR_M = 0.01
"""Borders of cells drawn elsewhere that are nearer than this are one border."""

ALONG_M = 0.1
"""Shorter contacts of such cells are corners."""


@dataclass(frozen=True, slots=True)
class Contiguity:
    """
    Rook contiguity: pairs of cells that share more than a point.

    Attributes
    ----------
    left, right : array of int, shape (m,)
        Positions of the two cells, ``left < right``, sorted.
    border_m : array of float, shape (m,)
        Length of the border they share.
    count : int
        Number of cells.
    """

    left: Ints
    right: Ints
    border_m: Floats
    count: int

    def components(self) -> Ints:
        """
        Return the connected piece of land each cell lies in, shape (count,).

        Pieces are numbered from 0 in the order of their first cell.
        """
        return labelled_components(self.left, self.right, self.count)


def labelled_components(left: Ints, right: Ints, count: int) -> Ints:
    """Return the connected component of each of `count` nodes, numbered by first node."""
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    first = np.unique(labels, return_index=True)[1]
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: Ints = rank[labels]
    return numbered


def rook_graph(cells: gpd.GeoDataFrame) -> Contiguity:
    """
    Return the rook contiguity of cells.

    Parameters
    ----------
    cells : GeoDataFrame
        Where neighbours have the same vertices along their border, a common border
        shorter than the 1 mm grid is rounding, not a way across. In a grid drawn
        elsewhere, whose vertices do not match or whose cells overlap, a border is what
        runs nearer than `NEAR_M` along a neighbour, for at least `ALONG_M`.

    Examples
    --------
    >>> row = gpd.GeoDataFrame(geometry=[shapely.box(x, 0, x + 1, 1) for x in (0, 1, 5)])
    >>> graph = rook_graph(row)
    >>> graph.border_m.tolist(), graph.components().tolist()
    ([1.0], [0, 0, 1])
    """
    shapes = cells.geometry.to_numpy()
    borders = shared_borders(shapes)
    borders = borders[borders["length_m"] >= GRID_M]
    if not shapely.coverage_is_valid(shapes):
        borders = _near_borders(shapes, borders)
    return Contiguity(
        left=borders["left"].to_numpy(dtype=np.intp),
        right=borders["right"].to_numpy(dtype=np.intp),
        border_m=borders["length_m"].to_numpy(dtype=np.float64),
        count=len(cells),
    )


def _near_borders(shapes: Geometries, exact: pd.DataFrame) -> pd.DataFrame:
    """Return the exact borders and those of cells that only come near, or overlap."""
    left, right = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=NEAR_M)
    left, right = left[left < right], right[left < right]
    near = shapely.buffer(shapes[right], NEAR_M, quad_segs=1, join_style="mitre")
    along_m = shapely.length(shapely.intersection(shapely.boundary(shapes[left]), near))
    found = pd.DataFrame({"left": left, "right": right, "length_m": along_m})
    both = pd.concat([exact, found[along_m >= ALONG_M]], ignore_index=True)
    longest = both.groupby(["left", "right"], sort=True)["length_m"].max()
    return pd.DataFrame(longest.reset_index())
