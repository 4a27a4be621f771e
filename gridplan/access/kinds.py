"""Walks to facilities of other kinds than committees and rooms: the nearest of each kind."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.access.facilities import walks_by_kind
from gridplan.access.measures import basis_of
from gridplan.access.units import Basis
from gridplan.access.walks import Walks, nearest_columns
from gridplan.place import Place

_PREFIX = "facility"


def service_points(place: Place) -> gpd.GeoSeries:
    """Return the places of the committees, then their further service points, by id."""
    ids = place.committees["committee_id"]
    further = place.facilities[place.facilities["facility_id"].isin(ids)]
    shapes = pd.concat([place.committees.geometry, further.geometry]).to_numpy()
    return gpd.GeoSeries(shapes, index=[*ids, *further["facility_id"]], crs=place.crs)


def nearest_by_kind(
    place: Place, demand: gpd.GeoDataFrame, walks: Walks
) -> dict[str, pd.DataFrame]:
    """
    Return the nearest facility of each kind, by kind, sorted.

    Returns
    -------
    dict of kind to DataFrame
        ``facility_id``, ``facility_m``, ``facility_reason``, indexed like `demand`.
    """
    of_kind = _others(place)
    if not len(of_kind):
        return {}
    columns = walks.first_point + of_kind.index.to_numpy()
    found = walks_by_kind(walks.metres[:, columns], of_kind)
    return {
        kind: nearest_columns(
            demand,
            walks,
            metres.to_numpy(dtype=np.float64),
            metres.columns.to_numpy(dtype=object),
            _PREFIX,
        )
        for kind, metres in found.items()
    }


def facility_walks(demand: pd.DataFrame, nearest: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """
    Return the table `facility_walks`: one row per demand point and kind of facility.

    Parameters
    ----------
    nearest : mapping
        As `nearest_by_kind` gives it.

    Returns
    -------
    DataFrame, sorted as `demand`, then by kind
        ``demand_id``, ``kind``, ``facility_id``, ``metres`` (null where there is no
        walk), ``reason`` (why there is none).
    """
    names = ["demand_id", "kind", "facility_id", "metres", "reason"]
    parts = [
        found.set_axis(names[2:], axis="columns").assign(
            demand_id=demand["demand_id"], kind=kind, row=np.arange(len(demand))
        )
        for kind, found in nearest.items()
    ]
    if not parts:
        texts = dict.fromkeys(names, "object") | {"metres": "float64"}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in texts.items()})
    table = pd.concat(parts, ignore_index=True).sort_values("row", kind="stable")
    return table[names].reset_index(drop=True)


def kind_bases(
    place: Place, demand: gpd.GeoDataFrame, nearest: Mapping[str, pd.DataFrame]
) -> dict[str, Basis]:
    """Return the walks to each kind of facility as bases for the tables by unit."""
    others = _others(place)
    bases = {}
    for kind, found in nearest.items():
        own = others[others["kind"] == kind]
        points = gpd.GeoSeries(own.geometry.to_numpy(), index=own["facility_id"], crs=place.crs)
        bases[kind] = basis_of(demand[["geometry"]].join(found), _PREFIX, points)
    return bases


def _others(place: Place) -> gpd.GeoDataFrame:
    """Return the service points that are no committee's, indexed by position."""
    own = place.facilities["facility_id"].isin(place.committees["committee_id"])
    return place.facilities[~own]
