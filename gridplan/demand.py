"""Residents to the buildings they live in, in whole numbers that keep every total."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.errors import InputError, Message
from gridplan.geometry import Floats
from gridplan.place import Place

Counts = npt.NDArray[np.int64]

UNPLACED = "unplaced"
"""Reason of residents for whom there is no home in their community."""

_FIXED_COLUMNS = ("population", "population_register")


@dataclass(frozen=True, slots=True)
class DemandOptions:
    """
    How residents are spread over the homes of their community.

    Attributes
    ----------
    home_m2 : mapping of building kind to m² of floor per resident
        Kinds that are not listed hold no residents. In an estate of kind
        ``resettlement`` that entry overrides ``residential``.
    floors : float
        Storeys where a building does not say.
    persons_per_household : float
        Residents per household, where the households of a building are known
        (they override floor space).
    """

    home_m2: MappingProxyType[str, float] = field(
        default_factory=lambda: MappingProxyType(
            {"residential": 35.0, "resettlement": 28.0, "village": 10.0, "dormitory": 5.0}
        )
    )
    floors: float = 2.0
    persons_per_household: float = 2.6


def doors(place: Place) -> gpd.GeoDataFrame:
    """
    Return the buildings inside the boundary with their point, community and estate.

    The point is the centroid where it lies in the building, else a point on it.
    A building belongs to the community (and, where it names none, the estate)
    that holds its point. Columns: ``building_id``, ``kind``, ``floors``,
    ``households``, ``estate_id``, ``community_id``, ``footprint_m2``; geometry point.
    """
    buildings = place.buildings
    shapes = buildings.geometry.to_numpy()
    points = shapely.centroid(shapes)
    outside = ~shapely.intersects(shapes, points)
    points[outside] = shapely.point_on_surface(shapes[outside])
    found = buildings.assign(footprint_m2=shapely.area(shapes)).set_geometry(
        gpd.GeoSeries(points, index=buildings.index, crs=buildings.crs)
    )
    found["community_id"] = first_containing(points, place.communities, "community_id")
    in_estate = first_containing(points, place.estates, "estate_id")
    found["estate_id"] = found["estate_id"].where(found["estate_id"].notna(), in_estate)
    inside: gpd.GeoDataFrame = found[found["community_id"].notna()]
    return inside.reset_index(drop=True)


def first_containing(
    points: npt.NDArray[np.object_], areas: gpd.GeoDataFrame, key: str
) -> pd.Series[str]:
    """Return the id of the area that holds each point (the first by id), null where none does."""
    tree = shapely.STRtree(points)
    area, point = tree.query(areas.geometry.to_numpy(), predicate="intersects")
    found = pd.Series([None] * len(points), dtype="object")
    order = np.argsort(-area, kind="stable")
    found.iloc[point[order]] = areas[key].to_numpy()[area[order]]
    return found


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
    homes["capacity"] = _capacity(homes, place.estates, chosen)
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


def _capacity(homes: gpd.GeoDataFrame, estates: gpd.GeoDataFrame, options: DemandOptions) -> Floats:
    """Return the residents a building could hold, from households, else from floor space."""
    estate_kind = homes["estate_id"].map(
        dict(zip(estates["estate_id"], estates["kind"], strict=True))
    )
    resettled = (estate_kind == "resettlement") & (homes["kind"] == "residential")
    kind = homes["kind"].where(~resettled, "resettlement")
    person_m2 = kind.map(dict(options.home_m2)).astype(float).to_numpy()
    floors = homes["floors"].fillna(options.floors).to_numpy(dtype=float)
    by_floor = np.nan_to_num(homes["footprint_m2"].to_numpy() * floors / person_m2)
    households = homes["households"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(households)
    residents: Floats = np.where(known, households * options.persons_per_household, by_floor)
    return residents


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


def largest_remainder(weights: Floats, total: int) -> Counts:
    """
    Return whole numbers in proportion to `weights` that sum to `total`.

    Hamilton's method: the whole parts first, the rest to the largest remainders,
    of equal ones to the first.

    Parameters
    ----------
    weights : float array, shape (n,), not negative, with a positive sum
    total : int, not negative

    Examples
    --------
    >>> largest_remainder(np.array([1.0, 1.0, 1.0]), 10).tolist()
    [4, 3, 3]
    """
    exact = weights / weights.sum() * total
    whole: Counts = np.floor(exact).astype(np.int64)
    # Remainders are compared to 1e-9, so that rounding noise decides no tie.
    remainder = np.round(exact - whole, 9)
    rest = total - int(whole.sum())
    winners = np.argsort(-remainder, kind="stable")[:rest]
    whole[winners] += 1
    return whole


def spread_groups(population: Counts, totals: Counts) -> Counts:
    """
    Return group counts per building with both margins exact.

    Building after building takes its share of what is left of each group by
    largest remainder, so that rows sum to `population` and columns to `totals`.

    Parameters
    ----------
    population : int array, shape (n_buildings,)
    totals : int array, shape (n_groups,), with the same sum

    Examples
    --------
    >>> spread_groups(np.array([3, 5, 2]), np.array([4, 6])).tolist()
    [[1, 2], [2, 3], [1, 1]]
    """
    left = totals.astype(np.int64).copy()
    shares = np.zeros((len(population), len(totals)), dtype=np.int64)
    for row, people in enumerate(population):
        if people > 0:
            shares[row] = largest_remainder(left.astype(float), int(people))
            left -= shares[row]
    return shares
