"""Where residents may live: the doors of the buildings, and how many each could hold."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.demand.options import DemandOptions
from gridplan.geometry import Floats
from gridplan.place import Place


def doors(place: Place) -> gpd.GeoDataFrame:
    """
    Return the buildings inside the boundary with their point, community and estate.

    The point is the centroid where it lies in the building, else a point on it.
    A building belongs to the community (and, where it names none, the estate)
    that holds its point. Columns: ``building_id``, ``kind``, ``floors``,
    ``households``, ``estate_id``, ``community_id``, ``footprint_m2``; geometry point.
    """
    return doors_of(place.buildings, place.communities, place.estates)


def doors_of(
    buildings: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, estates: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return what `doors` does, from the three layers it needs."""
    shapes = buildings.geometry.to_numpy()
    points = shapely.centroid(shapes)
    outside = ~shapely.intersects(shapes, points)
    points[outside] = shapely.point_on_surface(shapes[outside])
    found = buildings.assign(footprint_m2=shapely.area(shapes)).set_geometry(
        gpd.GeoSeries(points, index=buildings.index, crs=buildings.crs)
    )
    found["community_id"] = first_containing(points, communities, "community_id")
    in_estate = first_containing(points, estates, "estate_id")
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


def home_capacity(
    homes: gpd.GeoDataFrame, estates: gpd.GeoDataFrame, options: DemandOptions
) -> Floats:
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
