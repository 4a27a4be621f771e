"""Cells into connected, balanced, compact responsibility zones."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.errors import Message, Note
from gridplan.zones.checks import check
from gridplan.zones.improve import best_partition
from gridplan.zones.land import land_of
from gridplan.zones.limits import balance_limit
from gridplan.zones.options import ZoneOptions
from gridplan.zones.pieces import number_of_zones, pieces_note
from gridplan.zones.report import ZonePlan, balance_table, missed_targets, zone_names

DEFAULT = ZoneOptions()


def partition_zones(
    cells: gpd.GeoDataFrame, weights: pd.Series[float], *, options: ZoneOptions = DEFAULT
) -> ZonePlan:
    r"""
    Partition cells into connected zones of even load and compact shape.

    Several first partitions (recursive bisection in turned directions) are improved
    by annealing of border moves and the best is kept: first the least excess of a
    zone's load over the tolerance, then the least sum of :math:`P^2 / 16 A` (outline
    and area: short borders, compact zones) and of squared deviations. Where no start
    meets the tolerance, a second course looks for balance alone before shape is
    improved again, unless one cell outweighs a zone, so that no course could. Work is
    counted in moves, so that a run can be repeated.

    Parameters
    ----------
    cells : GeoDataFrame
        ``cell_uid`` (text, unique) and polygons with matching vertices, as
        `gridplan.cells.partition` gives them. Not changed.
    weights : Series
        Load of each cell, e.g. residents, indexed by ``cell_uid`` in any order.
    options : ZoneOptions, optional

    Returns
    -------
    ZonePlan
        The same zones for any order of the rows. A tolerance that is not met is no
        error: see ``targets_missed``.

    Raises
    ------
    InputError
        If ids are missing or repeated, the labels of cells and weights differ, or a
        weight is missing or negative.
    SettingsError
        If only the settings are at fault.
    InfeasibleError
        If there are fewer cells than zones, or more separate pieces of land.
    MissingPackageError
        If METIS is asked for and not installed.
    """
    check(cells, weights, options)
    order = np.argsort(cells["cell_uid"].to_numpy(dtype=str), kind="stable")
    own = cells.iloc[order]
    given = np.asarray(weights.reindex(own["cell_uid"]), dtype=np.float64)
    weighted = bool(given.any())
    land = land_of(own, given if weighted else None)
    piece = land.graph.components()
    k, notes = number_of_zones(options.k, math.fsum(given), piece)
    limit = balance_limit(land.load, own["cell_uid"], k, options.tolerance)
    best, work = best_partition(land, piece, k, options, balance=limit is None)
    names = zone_names(land, best.zone, k)
    zone_of = pd.Series(np.array(names, dtype=object)[best.zone], index=own["cell_uid"])
    balance = balance_table(land, best.zone, names)
    return ZonePlan(
        zone_of=zone_of.reindex(cells["cell_uid"]).rename("zone_id"),
        balance=balance,
        k=k,
        tolerance=options.tolerance,
        balanced_on="weights" if weighted else "area",
        start=best.start,
        work=work,
        targets_missed=missed_targets(balance, zone_of, land.load, options.tolerance, limit=limit),
        notes=(*notes, *pieces_note(piece), *(() if weighted else (_by_area(len(cells)),))),
    )


def _by_area(cells: int) -> Note:
    return Note(
        "zones_by_area",
        cells,
        Message(
            en=f"All {cells} cells have the weight 0; the zones are balanced on area instead.",
            zh=f"全部 {cells} 个单元网格的权重均为 0；改按面积均衡划分责任区。",
        ),
    )
