"""The cells as the algorithms see them: a weighted planar graph."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Contiguity, Ints, rook_graph


@dataclass(frozen=True, slots=True)
class Land:
    """
    Cells in a fixed order, with all that a partition into zones looks at.

    Attributes
    ----------
    load : array of float, shape (n,)
        What the zones share evenly.
    area_m2, perimeter_m, x, y : array of float, shape (n,)
        Of each cell; x and y of its centroid.
    graph : Contiguity
    """

    load: Floats
    area_m2: Floats
    perimeter_m: Floats
    x: Floats
    y: Floats
    graph: Contiguity

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.load)

    def part(self, members: Ints) -> Land:
        """Return the land of some of the cells, renumbered in their order."""
        place = np.full(self.count, -1, dtype=np.intp)
        place[members] = np.arange(len(members))
        left, right = place[self.graph.left], place[self.graph.right]
        inside = (left >= 0) & (right >= 0)
        return Land(
            load=self.load[members],
            area_m2=self.area_m2[members],
            perimeter_m=self.perimeter_m[members],
            x=self.x[members],
            y=self.y[members],
            graph=Contiguity(
                left[inside], right[inside], self.graph.border_m[inside], len(members)
            ),
        )


def land_of(cells: gpd.GeoDataFrame, load: Floats | None) -> Land:
    """Return the graph of `cells`, in their order; without a load, area is the load."""
    shapes = cells.geometry.to_numpy()
    area_m2 = np.asarray(shapely.area(shapes), dtype=np.float64)
    centroids = shapely.centroid(shapes)
    return Land(
        load=area_m2 if load is None else load,
        area_m2=area_m2,
        perimeter_m=shapely.length(shapes),
        x=shapely.get_x(centroids),
        y=shapely.get_y(centroids),
        graph=rook_graph(cells),
    )


def zone_sums(values: Floats, zone: Ints, k: int) -> Floats:
    """Return the exact sum of `values` in each of `k` zones."""
    order = np.argsort(zone, kind="stable")
    ends = np.searchsorted(zone[order], np.arange(k + 1))
    sorted_values = values[order]
    sums = [math.fsum(sorted_values[a:b]) for a, b in itertools.pairwise(ends)]
    return np.array(sums, dtype=np.float64)


def zone_perimeters(land: Land, zone: Ints, k: int) -> Floats:
    """Return the length of each zone's outline, holes included, in metres."""
    graph = land.graph
    inner = zone[graph.left] == zone[graph.right]
    shared = zone_sums(graph.border_m[inner], zone[graph.left[inner]], k)
    return zone_sums(land.perimeter_m, zone, k) - 2 * shared
