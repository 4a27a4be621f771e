"""What of a stored plan the doubts are drawn from, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.config import Config
from gridplan.demand import DemandOptions, first_containing
from gridplan.geometry import Floats, Geometries
from gridplan.plan import Plan

CUT_OFF = ("unreachable", "too_far_from_street")
"""Reasons of residents who have no walk, though there is somewhere to walk to."""
_MOST_BUILDINGS = 100
"""A larger estate is no place that one looks at; its streets are."""


def is_yes(flags: pd.Series[bool]) -> npt.NDArray[np.bool_]:
    """Return which flags are set; a file gives them back as numbers where some are unknown."""
    return np.asarray(flags.astype("boolean").fillna(value=False), dtype=bool)


@dataclass(frozen=True)
class Scene:
    """A stored plan, with its homes and streets as the doubts need them."""

    plan: Plan

    @cached_property
    def options(self) -> DemandOptions:
        """How residents were spread over the homes."""
        return Config.model_validate(dict(self.plan.settings)).demand.options

    @cached_property
    def demand(self) -> gpd.GeoDataFrame:
        """
        The placed residents, with ``group``: the place one goes to see them.

        Their estate; outside estates, and in those too large to walk round, the named
        street of their community that they walk to, else the cell.
        """
        demand = self.plan.layer("demand")
        placed = demand[demand.geometry.notna() & ~demand.geometry.is_empty]
        placed = placed.sort_values("demand_id", kind="stable").reset_index(drop=True)
        streets = self.plan.layers["streets"]
        name_of = dict(zip(streets["edge_id"], streets["name"], strict=True))
        street = placed["edge_id"].map(name_of).astype("object")
        by_street = "street:" + placed["community_id"].astype(str) + ":" + street.astype(str)
        by_cell = "cell:" + placed["cell_uid"].astype(str)
        outside = by_street.where(street.notna(), by_cell)
        by_estate = "estate:" + placed["estate_id"].astype(str)
        small = by_estate.map(by_estate.value_counts()) <= _MOST_BUILDINGS
        group = by_estate.where(placed["estate_id"].notna() & small, outside)
        return placed.assign(group=group, street=street)

    @cached_property
    def residents(self) -> Floats:
        """Residents of each row of `demand`."""
        found: Floats = np.asarray(self.demand["population"].fillna(0), dtype=np.float64)
        return found

    def metres(self, column: str) -> Floats:
        """Return the walks of a column of `demand`; ``inf`` where there is none."""
        found: Floats = np.asarray(self.demand[column].fillna(np.inf), dtype=np.float64)
        return found

    @cached_property
    def named_streets(self) -> gpd.GeoDataFrame:
        """The walkable streets that have a name."""
        streets = self.plan.layer("streets")
        named: gpd.GeoDataFrame = streets[streets["name"].notna() & streets["walkable"]]
        return named.reset_index(drop=True)

    def places(self, points: Geometries) -> pd.DataFrame:
        """Return ``community``, ``estate`` (names) and ``street`` (the nearest named) of points."""
        names = []
        for layer, key in (("communities", "community_id"), ("estates", "estate_id")):
            areas = self.plan.layer(layer)
            name_of = dict(zip(areas[key], areas["name"], strict=True))
            names.append(first_containing(points, areas, key).map(name_of).astype("object"))
        street = pd.Series([None] * len(points), dtype="object")
        named = self.named_streets
        if len(named) and len(points):
            lines = named.geometry.to_numpy()
            point, near = shapely.STRtree(lines).query_nearest(points, all_matches=True)
            found = pd.Series(named["name"].to_numpy()[near]).groupby(point).min()
            street.loc[found.index] = found
        return pd.DataFrame({"community": names[0], "estate": names[1], "street": street})

    @cached_property
    def answered(self) -> frozenset[str]:
        """Ids of what has been looked at already."""
        return frozenset(self.plan.place.field_checks["check_id"])
