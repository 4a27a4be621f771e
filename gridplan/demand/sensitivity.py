"""How residents, and walks, move when the figures per resident are other than assumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.demand.homes import doors
from gridplan.demand.options import DemandOptions
from gridplan.demand.spread import spread_residents
from gridplan.place import Place

CHANGE: Final = 0.3
"""
Share by which each figure is moved: a flat's floor space per resident differs by as much
between the towns of one province, and more between a rental village and its neighbour.
"""

HOUSEHOLD_SIZE: Final = "persons_per_household"
FLOORS: Final = "floors"


def demand_variants(
    place: Place, *, options: DemandOptions | None = None, change: float = CHANGE
) -> dict[str, gpd.GeoDataFrame]:
    """
    Return the demand with each per-person figure moved down and up by itself.

    Totals stay as given; what moves is who lives where inside them. A figure
    that concerns no home of the place is left out.

    Returns
    -------
    dict
        ``"village -30%"`` → the frame `spread_residents` gives with 30 % less floor
        space per resident of a village home, and so on, in the order of the
        settings; then ``"persons_per_household …"``, where some homes are counted by
        households and others by floor space, and ``"floors …"``, where some of the
        latter do not say their storeys: no figure per resident, but assumed likewise.
    """
    base = options or DemandOptions()
    return {
        f"{name} {factor - 1:+.0%}": spread_residents(place, options=moved)
        for name, factor, moved in _moved_options(place, base, change)
    }


def _moved_options(
    place: Place, base: DemandOptions, change: float
) -> Iterator[tuple[str, float, DemandOptions]]:
    homes = doors(place)
    open_homes = homes[homes["households"].isna()]
    kinds = set(open_homes["kind"].dropna())
    if (place.estates["kind"] == "resettlement").any() and "residential" in kinds:
        kinds.add("resettlement")
    factors = (1.0 - change, 1.0 + change)
    for kind in (one for one in base.home_m2 if one in kinds):
        for factor in factors:
            figures = {**base.home_m2, kind: base.home_m2[kind] * factor}
            yield kind, factor, dataclasses.replace(base, home_m2=MappingProxyType(figures))
    by_floor = open_homes[open_homes["kind"].isin(list(base.home_m2))]
    single = {HOUSEHOLD_SIZE: len(by_floor) > 0 and homes["households"].notna().any()}
    single[FLOORS] = by_floor["floors"].isna().any()
    for name in (one for one, matters in single.items() if matters):
        for factor in factors:
            yield name, factor, dataclasses.replace(base, **{name: getattr(base, name) * factor})


def sensitivity(
    base: pd.DataFrame,
    variants: Mapping[str, pd.DataFrame],
    *,
    by: str,
    metres: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """
    Return how far each unit's residents, or its mean walk, move among the variants.

    Parameters
    ----------
    base : DataFrame
        The demand of the plan.
    variants : mapping of name to DataFrame
        As `demand_variants` gives it.
    by : str
        Column of units: ``demand_id``, ``estate_id`` or ``community_id``.
    metres : Series, optional
        Walk in metres by ``demand_id``; then the mean walk of residents that have
        one is compared, else the number of residents.

    Returns
    -------
    DataFrame, indexed and sorted by unit
        ``base``, ``low`` and ``high`` over base and variants (residents, or metres;
        null where a unit has no walk), ``spread`` = high - low, ``driver``: the
        figure whose variant lies farthest from the base (the first of equal
        ones; null where nothing moves).
    """
    demands = {"base": base, **variants}
    units = sorted({unit for demand in demands.values() for unit in demand[by].dropna()})
    columns = {name: _figure(demand, by, metres) for name, demand in demands.items()}
    table = pd.DataFrame(columns, index=pd.Index(units, name=by))
    if metres is None:
        table = table.fillna(0.0)
    moved = table.drop(columns="base").sub(table["base"], axis="index").abs()
    largest = moved.max(axis="columns")
    driver = pd.Series([None] * len(table), index=table.index, dtype="object")
    if variants:
        farthest = moved.fillna(-np.inf).idxmax(axis="columns")
        driver = farthest.astype("object").where(largest > 0, None)
    found = pd.DataFrame(
        {
            "base": table["base"],
            "low": table.min(axis="columns"),
            "high": table.max(axis="columns"),
            "driver": driver,
        }
    )
    found.insert(3, "spread", found["high"] - found["low"])
    return found


def _figure(demand: pd.DataFrame, by: str, metres: pd.Series[float] | None) -> pd.Series[float]:
    people = demand["population"].fillna(0).astype(float)
    if metres is None:
        residents: pd.Series[float] = people.groupby(demand[by]).sum()
        return residents
    walk = demand["demand_id"].map(metres).astype(float)
    reached = walk.notna() & (people > 0)
    total = people[reached].groupby(demand.loc[reached, by]).sum()
    walked: pd.Series[float] = (people * walk)[reached].groupby(demand.loc[reached, by]).sum()
    return walked / total
