"""Which cells share a border, and how long it is."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.geometry import GRID_M, Floats, shared_borders

Ints = npt.NDArray[np.intp]


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
        A coverage: neighbours have the same vertices along their border. A common
        border shorter than the 1 mm grid is rounding, not a way across.

    Examples
    --------
    >>> import shapely
    >>> row = gpd.GeoDataFrame(geometry=[shapely.box(x, 0, x + 1, 1) for x in (0, 1, 5)])
    >>> graph = rook_graph(row)
    >>> graph.border_m.tolist(), graph.components().tolist()
    ([1.0], [0, 0, 1])
    """
    borders = shared_borders(cells.geometry.to_numpy())
    borders = borders[borders["length_m"] >= GRID_M]
    return Contiguity(
        left=borders["left"].to_numpy(dtype=np.intp),
        right=borders["right"].to_numpy(dtype=np.intp),
        border_m=borders["length_m"].to_numpy(dtype=np.float64),
        count=len(cells),
    )
