"""Why a cell is smaller or larger than it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.cells.land import Land
from gridplan.cells.options import CellOptions
from gridplan.geometry import Floats, Geometries

Ints = npt.NDArray[np.intp]

ESTATE, WATER, RURAL = "estate", "water", "rural"
LARGE_BUILDING, SMALL_COMMUNITY = "large_building", "small_community"
REMAINDER, UNDIVIDED = "remainder", "undivided"

MOST_SHARE = 0.5
"""Share from which water or an estate is most of a cell."""

_LARGE = 0.3
"""Share of a cell under one building from which the building is what makes it large."""


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What lies in each cell, as shares of its area.

    Attributes
    ----------
    built, largest, wet, walled : array of float, shape (n,)
        Under buildings, under the largest of them, under water, in one walled estate.
    """

    built: Floats
    largest: Floats
    wet: Floats
    walled: Floats


def ground_of(cells: Geometries, footprints: Geometries, land: Land) -> Ground:
    """Measure what lies in each cell; each footprint lies in one of them."""
    n, area = len(cells), shapely.area(cells)
    tree = shapely.STRtree(cells)
    building, cell = tree.query(shapely.point_on_surface(footprints), predicate="intersects")
    size = _inner_area(footprints[building], cells[cell])
    largest = np.zeros(n)
    np.maximum.at(largest, cell, size)
    built = np.bincount(cell, weights=size, minlength=n)
    wet = np.bincount(*_shared(tree, cells, land.water.geometry.to_numpy()), minlength=n)
    walled = np.zeros(n)
    np.maximum.at(walled, *_shared(tree, cells, land.walled.geometry.to_numpy()))
    return Ground(built / area, largest / area, wet / area, walled / area)


def _inner_area(footprints: Geometries, cells: Geometries) -> Floats:
    """Return the area that each footprint has in its cell: less than all of it at the boundary."""
    shapely.prepare(cells)
    beyond = ~shapely.covers(cells, footprints)
    area = shapely.area(footprints)
    area[beyond] = shapely.area(shapely.intersection(footprints[beyond], cells[beyond]))
    return np.asarray(area)


def _shared(tree: shapely.STRtree, cells: Geometries, areas: Geometries) -> tuple[Ints, Floats]:
    """Return cells and the area each shares with one of the areas."""
    place, cell = tree.query(areas, predicate="intersects")
    return cell, shapely.area(shapely.intersection(areas[place], cells[cell]))


def exceptions(
    cells: Geometries, community: Ints, ground: Ground, options: CellOptions
) -> list[str | None]:
    """
    Return, for each cell outside the band of areas, why it is; null for the others.

    ``estate``: a walled estate kept whole; ``water``: mostly water; ``rural``: not built
    up; ``large_building``: a building that no cell may cut; ``small_community``: all of
    its community; ``remainder``: small, and every neighbour would become too large;
    ``undivided``: large, and no way to divide it was found.
    """
    share = shapely.area(cells) / options.target_m2
    alone = np.bincount(community)[community] == 1
    small, large = share < options.min_share, share > options.most_share
    whole = (options.estates == "whole") & (ground.walled >= MOST_SHARE)
    reasons = (
        (whole, ESTATE),
        (ground.wet >= MOST_SHARE, WATER),
        (large & (ground.largest >= _LARGE), LARGE_BUILDING),
        (large & (ground.built < options.open_share), RURAL),
        (small & alone, SMALL_COMMUNITY),
        (small, REMAINDER),
        (large, UNDIVIDED),
    )
    found = np.full(len(cells), None, dtype=object)
    for holds, reason in reversed(reasons):
        found[holds & (small | large)] = reason
    return list(found)
