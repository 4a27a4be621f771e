"""What the demo town is asked for, and what it is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from gridplan.errors import FaultList, SettingsError

TOWN_NAME = "新镇街道（演示）"
CRS = "EPSG:4549"
AS_OF = "2026-06-30"

POPULATION_HEADERS = (
    "社区编码",
    "社区名称",
    "常住人口",
    "户籍人口",
    "户数",
    "0-14岁",
    "15-59岁",
    "60岁及以上",
)
"""Headers of the population table, in the planner's words and order."""

REFERENCE_POPULATION = 80_000
_REFERENCE_COMMUNITIES = 11
_LEAST_AREA_KM2 = 0.8
_LEAST_DENSITY, _GREATEST_DENSITY = 1_500.0, 12_000.0
_MOST_COMMUNITIES = 399


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """
    Size and seed of the synthetic town.

    Attributes
    ----------
    population : int
        Actual residents, met exactly.
    area_km2 : float
        Area inside the boundary, met to a few square metres.
    seed : int
        The same options give the same town.
    communities : int or None
        Number of communities and committees; None keeps the proportion of 新镇,
        11 for 80,000 residents, and at least two.

    Raises
    ------
    SettingsError
        If the town is too small, too thin or too dense to look like one.
    """

    population: int = REFERENCE_POPULATION
    area_km2: float = 15.0
    seed: int = 2026
    communities: int | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that the generator cannot fill sensibly."""
        faults = FaultList()
        if not (math.isfinite(self.area_km2) and self.area_km2 >= _LEAST_AREA_KM2):
            faults.add(
                en=f"area_km2 is {self.area_km2}; a demo town needs at least {_LEAST_AREA_KM2}.",
                zh=f"area_km2 为 {self.area_km2}；演示街道至少需要 {_LEAST_AREA_KM2} 平方公里。",
            )
        elif not _LEAST_DENSITY <= self.population / self.area_km2 <= _GREATEST_DENSITY:
            faults.add(
                en=f"{self.population} residents on {self.area_km2:g} km² are outside "
                f"{_LEAST_DENSITY:g} to {_GREATEST_DENSITY:g} per km². Change one of the two.",
                zh=f"{self.area_km2:g} 平方公里 {self.population} 人，超出每平方公里 "
                f"{_LEAST_DENSITY:g} 至 {_GREATEST_DENSITY:g} 人的范围。请调整其中一项。",
            )
        if self.communities is not None and not 1 <= self.communities <= _MOST_COMMUNITIES:
            faults.add(
                en=f"communities is {self.communities}; give 1 to {_MOST_COMMUNITIES}.",
                zh=f"communities 为 {self.communities}；应在 1 至 {_MOST_COMMUNITIES} 之间。",
            )
        faults.raise_if_any(SettingsError)

    @property
    def area_m2(self) -> float:
        """Area inside the boundary in square metres."""
        return self.area_km2 * 1e6

    @property
    def share_of_reference(self) -> float:
        """Residents over the 80,000 of the default town, to scale counts with."""
        return self.population / REFERENCE_POPULATION

    @property
    def wanted_communities(self) -> int:
        """
        Number of communities asked for, before the ground may limit it.

        Examples
        --------
        >>> DemoOptions().wanted_communities
        11
        >>> DemoOptions(population=4_000, area_km2=1.0).wanted_communities
        2
        """
        if self.communities is not None:
            return self.communities
        scaled = round(_REFERENCE_COMMUNITIES * self.share_of_reference)
        return min(max(scaled, 2), _MOST_COMMUNITIES)


@dataclass(frozen=True)
class DemoTown:
    """
    The synthetic sub-district, as a planner would hold it.

    Attributes
    ----------
    options : DemoOptions
        What it was made from.
    layers : mapping of layer name to GeoDataFrame
        The layers of `gridplan.place.SCHEMAS` in EPSG:4549, on the 1 mm grid.
    population : DataFrame
        One row per community, columns `POPULATION_HEADERS`, codes as text.
    """

    options: DemoOptions
    layers: Mapping[str, gpd.GeoDataFrame]
    population: pd.DataFrame
