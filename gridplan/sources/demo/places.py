"""Where committees sit, and which rooms exist or could be used."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.geometry import Floats, Geometries
from gridplan.sources.demo.frames import on_grid
from gridplan.sources.demo.options import CRS, DemoOptions
from gridplan.sources.demo.people import Community
from gridplan.sources.demo.tracts import Ints

Mask = npt.NDArray[np.bool_]

_NORM_PER_RESIDENT = 18 / 10_000
_STAFF_SHARE, _LEAST_STAFF = (0.45, 0.85), 3
_BAD_SHARE = 0.3
_NEAR_STREET_M = 60.0
_HOME_PENALTY_M = 250.0
_FAR_QUANTILE = 0.97
_EXISTING_PER_TOWN, _PUBLIC_PER_TOWN = 5, 10
_EXISTING_HOMES = 150
_NO_ROOM_SHARE = 0.14
_AREA_M2_PER_HOME = (0.16, 0.42)
_AREA_M2 = (45.0, 420.0)
_PUBLIC_AREA_M2 = (120.0, 520.0)
_SERVICES = {"社区服务站": 6, "社工站": 3}
"""Stations in a town of the reference's size, by kind."""
_OWNERSHIP = {
    "commodity": ("物业用房", "物业用房", "街道自有", "租赁"),
    "resettlement": ("街道自有", "物业用房"),
    "village": ("集体用房", "租赁"),
    "dormitory": ("租赁",),
    "public": ("街道自有", "街道自有", "租赁"),
    "commercial": ("租赁",),
}
_COST_PER_M2 = {"物业用房": 1_300.0, "街道自有": 1_100.0, "集体用房": 1_500.0, "租赁": 3_200.0}
_COST_SPREAD = (0.85, 1.2)
_COST_STEP = 1_000


def place_committees(
    communities: list[Community],
    buildings: gpd.GeoDataFrame,
    population: pd.DataFrame,
    options: DemoOptions,
) -> gpd.GeoDataFrame:
    """
    Return one committee per community, in one of the buildings given (those near a street).

    Most sit near the middle of their residents, some at the far edge, as real
    ones do; their staff is below the norm of 18 per 10,000 residents.
    """
    rng = np.random.default_rng([options.seed, 15])
    count = len(communities)
    badly = set(rng.permutation(count)[: max(1, round(_BAD_SHARE * count))].tolist())
    eligible = buildings[(buildings["kind"] != "industrial").to_numpy()]
    by_community = eligible.groupby("community_id", sort=False).indices
    points = [
        _committee_point(eligible.iloc[by_community[community.code]], badly=number in badly)
        for number, community in enumerate(communities)
    ]
    residents = population["常住人口"].to_numpy()
    staff = residents * _NORM_PER_RESIDENT * rng.uniform(*_STAFF_SHARE, size=count)
    return gpd.GeoDataFrame(
        {
            "committee_id": [f"W{number:03d}" for number in range(1, count + 1)],
            "name": [f"{one.name}居民委员会" for one in communities],
            "kind": "居委会",
            "community_id": [one.code for one in communities],
            "staff": np.maximum(_LEAST_STAFF, np.rint(staff)).astype(np.int64),
        },
        geometry=points,
        crs=CRS,
    )


def place_sites(
    estates: gpd.GeoDataFrame,
    gates: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    options: DemoOptions,
) -> gpd.GeoDataFrame:
    """
    Return the existing rooms, candidate rooms in most other estates, and some public rooms.

    All lie in one of the buildings given. In some estates no room is to be had.
    """
    rng = np.random.default_rng([options.seed, 16])
    large = np.flatnonzero(estates["households"].to_numpy() >= _EXISTING_HOMES)
    existing_count = max(1, round(_EXISTING_PER_TOWN * options.share_of_reference))
    existing = set(rng.permutation(large)[:existing_count].tolist())
    homes = estates["households"].to_numpy()
    low, high = _AREA_M2_PER_HOME
    areas = np.clip(homes * rng.uniform(low, high, size=len(homes)), *_AREA_M2)
    ownership = [str(rng.choice(_OWNERSHIP[kind])) for kind in estates["kind"]]
    rooms = pd.DataFrame(
        {
            "name": [f"{name}活动室" for name in estates["name"]],
            "kind": ["existing" if k in existing else "candidate" for k in range(len(estates))],
            "estate_id": estates["estate_id"].to_numpy(),
            "area_m2": areas,
            "ownership": ownership,
            "geometry": _estate_rooms(estates, gates, buildings),
        }
    )
    offered = (rng.random(len(rooms)) >= _NO_ROOM_SHARE) | (rooms["kind"] == "existing").to_numpy()
    sites = pd.concat([rooms[offered], _public_rooms(buildings, options, rng)], ignore_index=True)
    sites.insert(0, "site_id", [f"R{number:03d}" for number in range(1, len(sites) + 1)])
    sites["area_m2"] = sites["area_m2"].round().astype(np.float64)
    sites["cost"] = _costs(sites, rng)
    sites["assumed"] = 0
    shapes = sites.pop("geometry")
    return gpd.GeoDataFrame(sites, geometry=shapes.to_numpy(), crs=CRS)


def place_services(
    communities: list[Community], buildings: gpd.GeoDataFrame, options: DemoOptions
) -> gpd.GeoDataFrame:
    """
    Return service stations and social-work stations in buildings open to all.

    One in some communities, as in a town that has begun to set them up; the first station
    of each kind has a second service point, where its community has another such house.
    """
    rng = np.random.default_rng([options.seed, 17])
    names = {one.code: one.name for one in communities}
    open_to_all = buildings[buildings["kind"].isin(["public", "commercial"]).to_numpy()]
    offered = open_to_all.drop_duplicates("name")
    frames = []
    for letter, (kind, per_town) in zip("FH", _SERVICES.items(), strict=True):
        mixed = offered.iloc[rng.permutation(len(offered))]
        first = mixed.drop_duplicates("community_id")
        first = first.iloc[: max(1, round(per_town * options.share_of_reference))]
        rest = mixed[~mixed["name"].isin(first["name"])]
        second = rest[(rest["community_id"] == first["community_id"].iloc[0])].iloc[:1]
        chosen = pd.concat([first, second])
        ids = [f"{letter}{number:03d}" for number in range(1, len(first) + 1)]
        # 莲渡社区 has the 莲渡社区服务站.
        stems = [names[code].removesuffix(kind[:2]) for code in chosen["community_id"]]
        frames.append(
            pd.DataFrame(
                {
                    "facility_id": [*ids, *ids[:1]][: len(chosen)],
                    "kind": kind,
                    "name": [f"{stem}{kind}" for stem in stems],
                    "geometry": room_points(chosen.geometry.to_numpy()),
                }
            )
        )
    services = pd.concat(frames, ignore_index=True)
    shapes = services.pop("geometry")
    return gpd.GeoDataFrame(services, geometry=shapes.to_numpy(), crs=CRS)


def near_street(buildings: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> Mask:
    """Return which buildings have their room close to a street open to all, in row order."""
    public = streets.geometry.to_numpy()[streets["foot"].isna().to_numpy()]
    tree = shapely.STRtree(room_points(buildings.geometry.to_numpy()))
    _, near = tree.query(public, predicate="dwithin", distance=_NEAR_STREET_M)
    return np.isin(np.arange(len(buildings)), near)


def _committee_point(houses: gpd.GeoDataFrame, *, badly: bool) -> shapely.Point:
    points = room_points(houses.geometry.to_numpy())
    where = shapely.get_coordinates(points)
    homes = houses["households"].to_numpy().astype(np.float64)
    middle = np.average(where, axis=0, weights=homes) if homes.sum() else where.mean(axis=0)
    metres = np.hypot(*(where - middle).T)
    if badly:
        far = np.argsort(metres, kind="stable")
        return points[far[int(_FAR_QUANTILE * (len(far) - 1))]]
    private = ~houses["kind"].isin(["public", "commercial"]).to_numpy()
    return points[int(np.argmin(metres + _HOME_PENALTY_M * private))]


def _estate_rooms(
    estates: gpd.GeoDataFrame, gates: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame
) -> Geometries:
    """Return a point in the house nearest to each estate's first gate, or to its middle."""
    first_gate = gates.drop_duplicates("estate_id").set_index("estate_id").geometry
    by_estate = buildings.groupby("estate_id", sort=False).indices
    shapes = buildings.geometry.to_numpy()
    rooms = []
    for estate_id, outline in zip(estates["estate_id"], estates.geometry, strict=True):
        houses = shapes[by_estate[estate_id]]
        target = first_gate[estate_id] if estate_id in first_gate.index else outline.centroid
        rooms.append(houses[int(np.argmin(shapely.distance(houses, target)))])
    return room_points(np.array(rooms, dtype=object))


def _public_rooms(
    buildings: gpd.GeoDataFrame, options: DemoOptions, rng: np.random.Generator
) -> pd.DataFrame:
    count = max(1, round(_PUBLIC_PER_TOWN * options.share_of_reference))
    open_to_all = buildings["kind"].isin(["public", "commercial"]).to_numpy()
    # One house per name, so that rooms do not pile up on one block.
    offered = buildings[open_to_all].drop_duplicates("name")
    places = np.sort(rng.permutation(len(offered))[:count])
    chosen = offered.iloc[places]
    return pd.DataFrame(
        {
            "name": [f"{name}活动室" for name in chosen["name"]],
            "kind": "candidate",
            "estate_id": None,
            "area_m2": rng.uniform(*_PUBLIC_AREA_M2, size=len(chosen)),
            "ownership": [str(rng.choice(_OWNERSHIP[kind])) for kind in chosen["kind"]],
            "geometry": room_points(chosen.geometry.to_numpy()),
        }
    )


def _costs(sites: pd.DataFrame, rng: np.random.Generator) -> Ints:
    """Return fitting out, or three years' rent with it, in whole thousands of yuan."""
    per_m2 = sites["ownership"].map(_COST_PER_M2).to_numpy(dtype=np.float64)
    spread = rng.uniform(*_COST_SPREAD, size=len(sites))
    cost = np.rint(sites["area_m2"].to_numpy() * per_m2 * spread / _COST_STEP) * _COST_STEP
    existing = (sites["kind"] == "existing").to_numpy()
    return np.where(existing, 0, cost).astype(np.int64)


def room_points(houses: Geometries) -> Geometries:
    """Return a point on the 1 mm grid inside each house."""
    inside: Floats = shapely.get_coordinates(shapely.point_on_surface(houses))
    return np.asarray(shapely.points(on_grid(inside)), dtype=object)
