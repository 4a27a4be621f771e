"""Residents to the buildings they live in, in whole numbers that keep every total."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.demand.homes import doors, home_capacity
from gridplan.demand.options import DemandOptions
from gridplan.demand.rounding import largest_remainder, spread_groups
from gridplan.errors import InputError, Message
from gridplan.geometry import Floats
from gridplan.place import Place

UNPLACED = "unplaced"
"""Reason of residents for whom there is no home in their community."""

_FIXED_COLUMNS = ("population", "population_register")


def spread_residents(place: Place, *, options: DemandOptions | None = None) -> gpd.GeoDataFrame:
    """
    Return the demand points: residents at the homes of their community.

    Each total of ``place.population`` is spread over the homes of its unit in
    proportion to known households, else floor space over the floor space per
    resident of its kind, by largest remainder. Where the groups of a unit sum to
    its population, they also sum to it in every building.

    Returns
    -------
    GeoDataFrame, sorted by ``demand_id`` (the building's id)
        ``population``, ``population_register`` (null where not given), one
        column per group, ``community_id``, ``estate_id``, ``reason`` (null, or
        ``unplaced`` for residents of a unit without homes; geometry null then).

    Raises
    ------
    InputError
        If the place has no residents at all.
    """
    chosen = options or DemandOptions()
    homes = doors(place)
    homes["capacity"] = home_capacity(homes, place.estates, chosen)
    homes = homes[homes["capacity"] > 0]
    groups = list(place.groups)
    units = place.population.to_dict("records")
    parts = [_spread_unit(homes, unit, groups) for unit in units]
    demand = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=place.crs)
    if int(demand["population"].sum()) <= 0:
        raise InputError(
            Message(
                en="The population table holds no residents. Give [place].population a total "
                "or a table with counts.",
                zh="人口表中没有居民。请在 [place].population 中给出总数或含人数的表。",
            )
        )
    keep = (demand["population"] > 0) | (demand["population_register"].fillna(0) > 0)
    ordered: gpd.GeoDataFrame = demand[keep].sort_values("demand_id", kind="stable")
    return ordered.reset_index(drop=True)


def _spread_unit(
    homes: gpd.GeoDataFrame, unit: dict[Hashable, Any], groups: list[str]
) -> gpd.GeoDataFrame:
    community = str(unit["unit_id"]) if unit["level"] == "community" else None
    own = homes if community is None else homes[homes["community_id"] == community]
    counts = {
        name: None if pd.isna(unit[name]) else int(unit[name])
        for name in (*_FIXED_COLUMNS, *groups)
        if name in unit
    }
    if own.empty:
        return _unplaced_row(homes, str(unit["unit_id"]), community, counts)
    placed = own[["community_id", "estate_id", "geometry"]].assign(
        demand_id=own["building_id"], reason=None
    )
    return _spread_counts(placed, own["capacity"].to_numpy(), counts, groups)


def _spread_counts(
    placed: gpd.GeoDataFrame, capacity: Floats, counts: dict[str, int | None], groups: list[str]
) -> gpd.GeoDataFrame:
    spread = placed.copy()
    for name in _FIXED_COLUMNS:
        total = counts.get(name)
        spread[name] = pd.array(
            [pd.NA] * len(spread) if total is None else largest_remainder(capacity, total),
            dtype="Int64",
        )
    given = [name for name in groups if counts[name] is not None]
    totals = np.array([counts[name] or 0 for name in given], dtype=np.int64)
    population = spread["population"].fillna(0).to_numpy(dtype=np.int64)
    if given and int(totals.sum()) == int(population.sum()):
        shares = spread_groups(population, totals)
    else:
        weights = population.astype(float) if population.sum() else capacity
        columns = [largest_remainder(weights, int(total)) for total in totals]
        shares = np.array(columns, dtype=np.int64).reshape(len(given), len(spread)).T
    for name in groups:
        values = shares[:, given.index(name)] if name in given else [pd.NA] * len(spread)
        spread[name] = pd.array(values, dtype="Int64")
    return spread


def _unplaced_row(
    homes: gpd.GeoDataFrame, unit_id: str, community: str | None, counts: dict[str, int | None]
) -> gpd.GeoDataFrame:
    row = {
        "demand_id": f"{UNPLACED}-{unit_id}",
        "community_id": community,
        "estate_id": None,
        "reason": UNPLACED,
        "geometry": None,
        **{name: pd.array([count], dtype="Int64")[0] for name, count in counts.items()},
    }
    for name in _FIXED_COLUMNS:
        row.setdefault(name, pd.NA)
    frame = gpd.GeoDataFrame([row], geometry="geometry", crs=homes.crs)
    return frame.astype(dict.fromkeys({*counts, *_FIXED_COLUMNS}, "Int64"))
