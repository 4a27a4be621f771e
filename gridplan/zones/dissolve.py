"""The layer of zones that follows from the cells in them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.errors import InputError, Message, agreed, both_ids
from gridplan.geometry import isoperimetric_quotient


def dissolve_zones(cells: gpd.GeoDataFrame, zone_of: pd.Series[str]) -> gpd.GeoDataFrame:
    """
    Return one polygon per zone, with the figures that follow from its cells.

    Shared borders are taken out by a coverage union, so that zones tile exactly what
    their cells tile and keep every vertex. Of cells that are no coverage it is the
    plain union, and ``area_m2`` counts land of two of them once.

    Parameters
    ----------
    cells : GeoDataFrame
        ``cell_uid``, polygons that form a coverage and, where the place has them,
        ``population`` and ``community_id``.
    zone_of : Series
        ``zone_id`` of each cell, indexed by ``cell_uid`` in any order.

    Returns
    -------
    GeoDataFrame
        ``zone_id``, ``cells``, ``area_m2``, ``population`` (null if the cells have
        none), ``community_id`` (null if the zone spans several), ``compactness``
        (isoperimetric quotient), geometry; sorted by ``zone_id``.

    Raises
    ------
    InputError
        If a cell has no zone.
    """
    zone = zone_of.reindex(cells["cell_uid"]).to_numpy(dtype=object)
    homeless = pd.isna(zone)
    if homeless.any():
        shown, shown_zh = both_ids(sorted(cells.loc[homeless, "cell_uid"].astype(str)))
        raise InputError(
            Message(
                en=f"{int(homeless.sum())} of {len(cells)} cells "
                f"{agreed(int(homeless.sum()), 'has', 'have')} no zone: {shown}. "
                f"Every cell belongs to one zone.",
                zh=f"{len(cells)} 个单元网格中有 {int(homeless.sum())} 个没有责任区：{shown_zh}。"
                f"每个网格须属于一个责任区。",
            )
        )
    order = np.argsort(cells["cell_uid"].to_numpy(dtype=str), kind="stable")
    rows = [
        _zone_row(zone_id, cells.iloc[order[zone[order] == zone_id]])
        for zone_id in sorted(set(zone))
    ]
    zones = gpd.GeoDataFrame(rows, geometry="geometry", crs=cells.crs)
    zones["population"] = zones["population"].astype("Int64")
    community = zones["community_id"].astype("object")
    zones["community_id"] = community.where(community.notna(), None)
    zones["compactness"] = isoperimetric_quotient(zones.geometry)
    columns = ["zone_id", "cells", "area_m2", "population", "community_id", "compactness"]
    return zones[[*columns, "geometry"]]


def _zone_row(zone_id: str, own: gpd.GeoDataFrame) -> dict[str, object]:
    shapes = own.geometry.to_numpy()
    # The grid of an office may overlap, or have vertices on one side of a border only.
    dissolve = (
        shapely.coverage_union_all if shapely.coverage_is_valid(shapes) else shapely.union_all
    )
    outline = shapely.normalize(dissolve(shapes))
    communities = own["community_id"].unique() if "community_id" in own else []
    population = own["population"].sum(min_count=1) if "population" in own else pd.NA
    return {
        "zone_id": zone_id,
        "cells": len(own),
        "area_m2": shapely.area(outline),
        "population": population,
        "community_id": communities[0] if len(communities) == 1 else None,
        "geometry": outline,
    }
