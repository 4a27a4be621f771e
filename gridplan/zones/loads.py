"""What zones may share evenly: residents, households, cells, area, streets, effort, per cell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.geometry import Floats, Geometries

CELL_LOADS = (
    "population", "households", "cells", "area_m2", "street_m", "effort", "components", "cases",
)  # fmt: skip
"""Names of the loads of a cell; groups of residents, such as ``age_60_plus``, are others."""

_THOUSANDTHS = 1000.0
_EVENLY = 0.5
_PIECE_M, _BESIDE_M = 10.0, 0.05


def home_households(
    homes: pd.DataFrame, buildings: pd.DataFrame, *, persons_per_household: float
) -> pd.Series[float]:
    """
    Return the households of each home: as the building says, else from its residents.

    Parameters
    ----------
    homes : DataFrame
        ``demand_id`` (the building's, for a building) and ``population``.
    buildings : DataFrame
        ``building_id`` and ``households``, null where unknown.
    persons_per_household : float
        Residents of a household, above 0.

    Examples
    --------
    >>> homes = pd.DataFrame({"demand_id": ["a", "b"], "population": [30, 26]})
    >>> buildings = pd.DataFrame({"building_id": ["a", "b"], "households": [12, None]})
    >>> home_households(homes, buildings, persons_per_household=2.6).tolist()
    [12.0, 10.0]
    """
    known = pd.to_numeric(buildings.set_index("building_id")["households"]).astype("Float64")
    own = homes["demand_id"].map(known.dropna().astype(float))
    return own.fillna(homes["population"].fillna(0).astype(float) / persons_per_household)


def cell_loads(
    cells: gpd.GeoDataFrame,
    homes: pd.DataFrame,
    households: pd.Series[float],
    streets: Geometries,
    *,
    cases: gpd.GeoDataFrame | None = None,
    groups: Sequence[str] = (),
) -> pd.DataFrame:
    r"""
    Return what each cell has of everything zones may share evenly.

    The effort of a cell :math:`i` is in thousandths of the whole place, half by streets and
    half by residents, as long as a place has no cases of its own:

    .. math:: e_i = 500 \, (s_i / \sum s + r_i / \sum r)

    where only one of the two is known, it counts whole.

    Parameters
    ----------
    cells : GeoDataFrame
        ``cell_uid``, ``population``, polygons, and ``components`` where they are counted.
    homes : DataFrame
        ``cell_uid`` of each home; null for one that is in none.
    households : Series, in the order of `homes`
    streets : array of lines
        See `street_metres`.
    cases : GeoDataFrame, optional
        See `case_minutes`.
    groups : sequence of str
        Columns of `homes` that count some of the residents.

    Returns
    -------
    DataFrame indexed by ``cell_uid``, with the columns `CELL_LOADS` and `groups`
        Residents, households, cells (1), m², metres, thousandths, components, minutes,
        residents of each group.
    """
    uid = cells["cell_uid"].to_numpy()
    living = households.groupby(homes["cell_uid"].to_numpy()).sum()
    table = pd.DataFrame(
        {
            "population": cells["population"].fillna(0).to_numpy(dtype=np.float64),
            "households": living.reindex(uid).fillna(0.0).to_numpy(dtype=np.float64),
            "cells": 1.0,
            "area_m2": shapely.area(cells.geometry.to_numpy()),
            "street_m": street_metres(cells.geometry.to_numpy(), streets),
        },
        index=pd.Index(uid, name="cell_uid"),
    )
    parts = [_share(table[one].to_numpy()) for one in ("street_m", "population")]
    known = [one for one in parts if one.any()]
    weight = _EVENLY if len(known) > 1 else 1.0
    table["effort"] = _THOUSANDTHS * weight * sum(known, start=np.zeros(len(table)))
    counted = cells["components"] if "components" in cells else pd.Series(0.0, index=cells.index)
    table["components"] = counted.to_numpy(dtype=np.float64)
    table["cases"] = 0.0 if cases is None else case_minutes(cells.geometry.to_numpy(), cases)
    for group in groups:
        people = homes[group].fillna(0).astype(float).groupby(homes["cell_uid"].to_numpy()).sum()
        table[group] = people.reindex(uid).fillna(0.0).to_numpy(dtype=np.float64)
    return table[[*CELL_LOADS, *groups]]


def case_minutes(cells: Geometries, cases: gpd.GeoDataFrame) -> Floats:
    """
    Return the minutes that the cases of each cell take.

    A case without ``effort_min`` takes as long as the others in the mean, or one minute
    where none is known; one on a border belongs in equal parts to the cells there.

    Examples
    --------
    >>> pair = shapely.box([0, 10], 0, [10, 20], 10)
    >>> places = gpd.GeoSeries(shapely.points([[5, 5], [15, 5], [10, 5]]))
    >>> told = gpd.GeoDataFrame({"effort_min": [30.0, None, 50.0]}, geometry=places)
    >>> case_minutes(pair, told).tolist()
    [55.0, 65.0]
    """
    minutes = cases["effort_min"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = minutes[~np.isnan(minutes)]
    minutes = np.where(np.isnan(minutes), known.mean() if len(known) else 1.0, minutes)
    points = cases.geometry.to_numpy()
    case, cell = shapely.STRtree(cells).query(points, predicate="dwithin", distance=_BESIDE_M)
    shared = np.bincount(case, minlength=len(points))
    own = minutes[case] / shared[case]
    return np.bincount(cell, weights=own, minlength=len(cells)).astype(np.float64)


def street_metres(cells: Geometries, streets: Geometries) -> Floats:
    """
    Return the metres of street in each cell.

    Streets are taken in pieces of at most 10 m; a piece belongs in equal parts to the
    cells within 5 cm of its middle, since borders follow streets to the rounding only.

    Examples
    --------
    >>> pair = shapely.box([0, 10], 0, [10, 20], 10)
    >>> border = np.array([shapely.LineString([(10, 0), (10, 10)])])
    >>> street_metres(pair, border).tolist()
    [5.0, 5.0]
    """
    fine = shapely.segmentize(streets, _PIECE_M)
    coords, line = shapely.get_coordinates(fine, return_index=True)
    same = line[1:] == line[:-1]
    ends, begins = coords[1:][same], coords[:-1][same]
    metres = np.hypot(*(ends - begins).T)
    middles = shapely.points((ends + begins) / 2)
    piece, cell = shapely.STRtree(cells).query(middles, predicate="dwithin", distance=_BESIDE_M)
    shared = np.bincount(piece, minlength=len(middles))
    own = metres[piece] / shared[piece]
    return np.bincount(cell, weights=own, minlength=len(cells)).astype(np.float64)


def _share(values: Floats) -> Floats:
    total = math.fsum(values)
    return values / total if total else np.zeros(len(values))
