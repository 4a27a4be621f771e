"""What each department claims of each cell, and what it keeps under other borders."""

from __future__ import annotations

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.optimize import linear_sum_assignment

from gridplan.geometry import Floats
from gridplan.unify.options import UnifyOptions
from gridplan.unify.overlay import Zoning

Ints = npt.NDArray[np.intp]

NOBODY = -1
"""In place of a zone: the department has none there."""

_AREA_RESIDENTS = 0.5
"""All land together counts as this many residents, so that empty land has a price, too."""


@dataclass(frozen=True)
class Claims:
    """
    Mass (residents, or m²) of units that the zones of each department hold.

    Attributes
    ----------
    departments : tuple of str
    weights : tuple of float
        How much what changes hands in each counts.
    held : tuple of array of float, shape (n, k_d)
        Mass of a unit that a zone of the department holds.
    claimed : tuple of array of float, shape (n,)
        Mass of a unit that some zone of the department holds, once.
    """

    departments: tuple[str, ...]
    weights: tuple[float, ...]
    held: tuple[Floats, ...]
    claimed: tuple[Floats, ...]

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.claimed[0])


def claims_of(
    units: npt.NDArray[np.object_],
    zonings: tuple[Zoning, ...],
    homes: gpd.GeoDataFrame,
    options: UnifyOptions,
) -> Claims:
    """
    Return what each department's zones hold of each unit.

    Parameters
    ----------
    units : array of polygon, shape (n,)
        Cells, or pieces of the common refinement; they do not overlap.
    zonings : tuple of Zoning
    homes : GeoDataFrame
        Points with ``population``; those without a place are in no unit.
    """
    area = _area_by_unit(units, zonings)
    if options.by == "area":
        masses = area
    else:
        scale = _AREA_RESIDENTS / math.fsum(shapely.area(units))
        people = _residents_by_unit(units, zonings, homes)
        masses = [
            (home + scale * land, any_home + scale * any_land)
            for (home, any_home), (land, any_land) in zip(people, area, strict=True)
        ]
    return Claims(
        departments=tuple(one.department for one in zonings),
        weights=tuple(float(options.importance.get(one.department, 1.0)) for one in zonings),
        held=tuple(held for held, _ in masses),
        claimed=tuple(claimed for _, claimed in masses),
    )


def _area_by_unit(
    units: npt.NDArray[np.object_], zonings: tuple[Zoning, ...]
) -> list[tuple[Floats, Floats]]:
    """Return for each department the m² of each unit in each zone, and in any of them."""
    tree, found = shapely.STRtree(units), []
    for one in zonings:
        held = np.zeros((len(units), len(one.ids)))
        zone, unit = tree.query(one.shapes, predicate="intersects")
        held[unit, zone] = shapely.area(shapely.intersection(units[unit], one.shapes[zone]))
        claimed = held.sum(axis=1)
        several = np.flatnonzero((held > 0).sum(axis=1) > 1)
        for at in several.tolist():
            mine = one.shapes[held[at] > 0]
            claimed[at] = shapely.area(shapely.intersection(units[at], shapely.union_all(mine)))
        found.append((held, claimed))
    return found


def _residents_by_unit(
    units: npt.NDArray[np.object_], zonings: tuple[Zoning, ...], homes: gpd.GeoDataFrame
) -> list[tuple[Floats, Floats]]:
    """Return for each department the residents of each unit in each zone, and in any."""
    where = homes.geometry.to_numpy()
    placed = ~(shapely.is_missing(where) | shapely.is_empty(where))
    points = where[placed]
    people = homes["population"].fillna(0).to_numpy(dtype=np.float64)[placed]
    tree = shapely.STRtree(points)
    unit_of = np.full(len(points), NOBODY, dtype=np.intp)
    unit, home = tree.query(units, predicate="intersects")
    order = np.argsort(-unit, kind="stable")
    unit_of[home[order]] = unit[order]
    found = []
    for one in zonings:
        held = np.zeros((len(units), len(one.ids)))
        zone, home = tree.query(one.shapes, predicate="intersects")
        zone, home = zone[unit_of[home] >= 0], home[unit_of[home] >= 0]
        np.add.at(held, (unit_of[home], zone), people[home])
        once = np.unique(home)
        claimed = np.bincount(unit_of[once], weights=people[once], minlength=len(units))
        found.append((held, claimed.astype(np.float64)))
    return found


def successors(claims: Claims, label: Ints, k: int) -> list[Ints]:
    r"""
    Return for each department which of its zones becomes which new one.

    One to one, so that the most stays in the same hands: an assignment problem for
    each department.

    Parameters
    ----------
    label : array of int, shape (n,)
        New zone of each unit, 0 to k - 1.
    k : int

    Returns
    -------
    list of array of int, shape (k,)
        The zone of the department that each new zone carries on; `NOBODY` where it has
        none left.
    """
    found = []
    for held in claims.held:
        kept = np.zeros((k, held.shape[1]))
        np.add.at(kept, label, held)
        new, old = linear_sum_assignment(-kept)
        carried = np.full(k, NOBODY, dtype=np.intp)
        carried[new] = old
        found.append(carried)
    return found


def change_cost(claims: Claims, carried: list[Ints]) -> Floats:
    """Return what changes hands if a unit is in a new zone, weighted; shape (n, k)."""
    total = np.zeros((claims.units, len(carried[0])))
    for weight, held, claimed, old in zip(
        claims.weights, claims.held, claims.claimed, carried, strict=True
    ):
        kept = np.where(old == NOBODY, 0.0, held[:, old])
        total += weight * np.maximum(claimed[:, None] - kept, 0.0)
    return total


def total_cost(cost: Floats, label: Ints) -> float:
    """Return what changes hands in all units together."""
    return math.fsum(cost[np.arange(len(label)), label])
