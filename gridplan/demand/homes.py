"""Where residents may live: the doors of the buildings, and how many each could hold."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.demand.options import DemandOptions
from gridplan.geometry import Floats
from gridplan.place import Place

_AREAL = 2


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
    homes: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
    options: DemandOptions,
    *,
    estate_households: Mapping[str, float] | None = None,
) -> Floats:
    r"""
    Return the residents each building could hold.

    Known households times residents per household; else floor space, which is
    footprint times storeys times the share lived in over the floor space per
    resident of its kind. Where the households of an estate are known, what its
    buildings with known households leave of them goes to its other homes, by
    floor space.

    Parameters
    ----------
    homes : GeoDataFrame
        As `doors` gives it.
    estate_households : mapping of estate to households, optional
        Over those of `estates`.

    Returns
    -------
    float array, shape (n_homes,)
        Zero for a building that is no housing.
    """
    kind = _kind(homes, estates)
    person_m2 = kind.map(dict(options.home_m2)).astype(float).to_numpy()
    lived_in = kind.map(dict(options.occupancy)).astype(float).fillna(1.0).to_numpy()
    floors = homes["floors"].fillna(options.floors).to_numpy(dtype=float)
    footprint_m2 = homes["footprint_m2"].to_numpy()
    by_floor = np.nan_to_num(footprint_m2 * floors * lived_in / person_m2)
    households = homes["households"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(households)
    capacity: Floats = np.where(known, households * options.persons_per_household, by_floor)
    given = estates.set_index("estate_id")["households"].dropna().to_dict()
    given |= estate_households or {}
    for estate, rows in homes.groupby("estate_id").indices.items():
        open_rows = rows[~known[rows]]
        floor_space = by_floor[open_rows].sum()
        if given.get(str(estate), 0) > 0 and floor_space > 0:
            whole = float(given[str(estate)]) * options.persons_per_household
            rest = max(whole - capacity[rows[known[rows]]].sum(), 0.0)
            capacity[open_rows] = by_floor[open_rows] * (rest / floor_space)
    return capacity


def _kind(homes: gpd.GeoDataFrame, estates: gpd.GeoDataFrame) -> pd.Series[str]:
    """Return the kind of each building; flats in a resettlement estate are resettlement."""
    estate_kind = homes["estate_id"].map(
        dict(zip(estates["estate_id"], estates["kind"], strict=True))
    )
    resettled = (estate_kind == "resettlement") & (homes["kind"] == "residential")
    kind: pd.Series[str] = homes["kind"].where(~resettled, "resettlement")
    return kind


def homes_of(place: Place, options: DemandOptions) -> gpd.GeoDataFrame:
    """
    Return where residents of a place may live, and in what proportion.

    The buildings that are housing; where the place has cells with weights, a cell's
    weight goes to the homes in it by their capacity, to its own point where it
    holds none, and buildings outside every cell hold nobody.

    Returns
    -------
    GeoDataFrame, sorted by ``demand_id``
        ``demand_id`` (the building's, or ``cell-`` and the cell's), ``community_id``,
        ``estate_id``, ``capacity`` (residents or weight, above 0), ``known``
        (whether households or weights say so), geometry point.
    """
    homes = doors(place)
    households = _table_households(place.population)
    homes["capacity"] = home_capacity(homes, place.estates, options, estate_households=households)
    homes["known"] = homes["households"].notna()
    homes = homes.rename(columns={"building_id": "demand_id"})
    if len(place.weights):
        homes = weighted_homes(homes[homes["capacity"] > 0].reset_index(drop=True), place)
    columns = ["demand_id", "community_id", "estate_id", "capacity", "known", "geometry"]
    found: gpd.GeoDataFrame = homes.loc[homes["capacity"] > 0, columns]
    return found.sort_values("demand_id", kind="stable").reset_index(drop=True)


def _table_households(population: pd.DataFrame) -> dict[str, float]:
    if "households" not in population:
        return {}
    rows = population[(population["level"] == "estate") & population["households"].notna()]
    return {str(k): float(v) for k, v in zip(rows["unit_id"], rows["households"], strict=True)}


def weighted_homes(homes: gpd.GeoDataFrame, place: Place) -> gpd.GeoDataFrame:
    """Return the homes with the weights of the cells they stand in, and cells without homes."""
    cells = place.weights
    weight = dict(zip(cells["weight_id"], cells["weight"], strict=True))
    areal = cells[shapely.get_dimensions(cells.geometry.to_numpy()) == _AREAL]
    cell = first_containing(homes.geometry.to_numpy(), areal, "weight_id")
    sums = homes["capacity"].groupby(cell.to_numpy()).sum()
    share = homes["capacity"] / cell.map(sums).to_numpy(dtype=float, na_value=np.nan)
    filled = homes.assign(
        capacity=(share * cell.map(weight).to_numpy(dtype=float)).fillna(0.0), known=True
    )
    bare = cells[~cells["weight_id"].isin(sums.index)].reset_index(drop=True)
    points = shapely.point_on_surface(bare.geometry.to_numpy())
    own = gpd.GeoDataFrame(
        {
            "demand_id": "cell-" + bare["weight_id"].astype(str),
            "community_id": first_containing(points, place.communities, "community_id"),
            "estate_id": first_containing(points, place.estates, "estate_id"),
            "capacity": bare["weight"].astype(float),
            "known": True,
        },
        geometry=points,
        crs=place.crs,
    )
    own = own[own["community_id"].notna()]
    joined: gpd.GeoDataFrame = pd.concat([filled, own], ignore_index=True)
    return joined
