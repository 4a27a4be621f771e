"""Residents to the buildings they live in, in whole numbers that keep every total."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.demand.allocate import Spots, place_counts, place_groups
from gridplan.demand.homes import first_containing, homes_of
from gridplan.demand.options import DemandOptions
from gridplan.errors import FaultList, InputError, Message
from gridplan.place import Place

UNPLACED = "unplaced"
"""Reason of residents for whom there is no home in their unit."""

GRADES = {"estate": "A", "community": "B", "total": "D"}
"""How good a count is, by the level it is given for: register, table, (C: estimated), total."""

_ESTIMATED = "C"


def spread_residents(place: Place, *, options: DemandOptions | None = None) -> gpd.GeoDataFrame:
    """
    Return the demand points: residents at the homes of their unit.

    Each count of ``place.population`` is spread over the homes of its unit, in
    proportion to known households, else floor space over the floor space per
    resident of its kind, by largest remainder. Units may be of three levels at
    once: what an estate counts is kept, its community spreads the rest over its
    other homes, and a total what is left of it; column by column, so that a
    community may say the ages of an estate that only counts its residents.
    Where groups that are everybody (ages, women and men) sum to the residents of
    a unit, they also do so in every building.

    Returns
    -------
    GeoDataFrame, sorted by ``demand_id`` (the building's id)
        ``population``, ``population_register`` (null where not given), one
        column per group, ``community_id``, ``estate_id``, ``reason`` (null, or
        ``unplaced`` for residents of a unit without homes of its own; geometry
        null then), ``grade``: A from a register (counted by estate, or by the
        households of the building in a counted community), B from a table by
        community, C estimated, D from a total only.

    Raises
    ------
    InputError
        If the place has no residents at all, or estates hold more than the
        community (or the total) they are part of.
    """
    homes = homes_of(place, options or DemandOptions())
    units = place.population.sort_values(["level", "unit_id"], kind="stable", ignore_index=True)
    rows = pd.concat([homes, _unplaced_rows(place, units)], ignore_index=True)
    spots = Spots.of(rows, units)
    faults = FaultList()
    population = place_counts(spots, units, "population", faults)
    register = place_counts(spots, units, "population_register", faults)
    shares = place_groups(spots, units, place.groups, population.counts, faults)
    faults.raise_if_any()
    if int(population.counts.sum()) <= 0:
        raise InputError(_nobody())
    counts = {
        "population": pd.array(population.counts, dtype="Int64"),
        "population_register": register.nullable(),
        **{name: share.nullable() for name, share in shares.items()},
    }
    demand = gpd.GeoDataFrame(
        rows[["community_id", "estate_id", "geometry", "demand_id"]].assign(
            reason=rows["reason"].astype("object").where(rows["reason"].notna(), None),
            grade=_grades(units, population.unit, rows["known"].to_numpy(dtype=bool)),
            **counts,
        ),
        geometry="geometry",
        crs=place.crs,
    )
    held = demand[list(counts)].fillna(0).to_numpy(dtype=np.int64)
    keep = (held > 0).any(axis=1)
    ordered: gpd.GeoDataFrame = demand[keep].sort_values("demand_id", kind="stable")
    return ordered.reset_index(drop=True)


def _nobody() -> Message:
    return Message(
        en="The population table holds no residents. Give [place].population a total or a table "
        "with counts.",
        zh="人口表中没有居民。请在 [place].population 中给出总数或含人数的表。",
    )


def _unplaced_rows(place: Place, units: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return a row per unit that takes what its homes cannot; most stay empty."""
    ids, levels = units["unit_id"].astype(str), units["level"]
    where = dict(zip(place.estates["estate_id"], estate_communities(place), strict=True))
    estate = ids.where(levels == "estate", None).astype("object")
    community = ids.where(levels == "community", estate.map(where)).astype("object")
    prefix = np.where(levels == "estate", f"{UNPLACED}-estate-", f"{UNPLACED}-")
    return gpd.GeoDataFrame(
        {
            "demand_id": prefix + ids,
            "community_id": community.where(community.notna(), None),
            "estate_id": estate,
            "capacity": 0.0,
            "known": False,
            "reason": UNPLACED,
        },
        geometry=[None] * len(units),
        crs=place.crs,
    )


def estate_communities(place: Place) -> pd.Series[str]:
    """Return the community that holds a point of each estate, null where none does."""
    points = shapely.point_on_surface(place.estates.geometry.to_numpy())
    return first_containing(points, place.communities, "community_id")


def _grades(
    units: pd.DataFrame, unit: npt.NDArray[np.intp], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    """Return the grade of each row: its unit's, better where households are known."""
    own = unit_grades(units).to_numpy(dtype=object)
    grade: npt.NDArray[np.object_] = own[unit]
    grade[unit < 0] = None
    grade[known & (grade == GRADES["community"])] = GRADES["estate"]
    grade[known & (grade == GRADES["total"])] = _ESTIMATED
    return grade


def unit_grades(units: pd.DataFrame) -> pd.Series[str]:
    """Return the grade of each unit's count: what the table says, else by its level."""
    by_level = units["level"].map(GRADES)
    if "grade" not in units:
        return by_level
    said: pd.Series[str] = units["grade"].where(units["grade"].notna(), by_level)
    return said
