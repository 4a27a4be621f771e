"""The layers of the contract, put together from what the steps found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.demand import first_containing, worst_grades
from gridplan.geometry import Floats
from gridplan.network import Network
from gridplan.place import Place


def communities_layer(place: Place, demand: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the communities with the residents and households in them, and their grade."""
    residents = demand.groupby("community_id")["population"].sum()
    layer = place.communities.copy()
    layer["population"] = layer["community_id"].map(residents).fillna(0).astype("int64")
    by_table = place.population[place.population["level"] == "community"]
    layer["households"] = _households(by_table, place.buildings, layer)
    layer["grade"] = layer["community_id"].map(worst_grades(demand, "community_id"))
    names = ["community_id", "name", "population", "households", "grade", "official", "geometry"]
    return layer[names]


def _households(
    table: pd.DataFrame, buildings: gpd.GeoDataFrame, communities: gpd.GeoDataFrame
) -> pd.Series[int]:
    ids = communities["community_id"]
    if len(table) and "households" in table and table["households"].notna().any():
        given = dict(zip(table["unit_id"], table["households"], strict=True))
        households: pd.Series[int] = ids.map(given).astype("Int64")
        return households
    if buildings["households"].notna().any():
        points = shapely.point_on_surface(buildings.geometry.to_numpy())
        where = first_containing(points, communities, "community_id")
        counted: pd.Series[int] = ids.map(buildings["households"].groupby(where).sum())
        return counted.astype("Int64")
    return pd.Series(pd.NA, index=ids.index, dtype="Int64")


def committees_layer(place: Place, demand: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the committees with the residents whose own, and whose nearest, they are."""
    layer = place.committees.copy()
    for column, by in (
        ("residents_own", "committee_id"),
        ("residents_nearest", "nearest_committee_id"),
    ):
        residents = demand.groupby(by)["population"].sum()
        layer[column] = layer["committee_id"].map(residents).fillna(0).astype("int64")
    names = ["committee_id", "name", "kind", "community_id"]
    return layer[[*names, "residents_own", "residents_nearest", "staff", "geometry"]]


def estates_layer(place: Place, demand: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the estates with their residents, gates, walks and the room that serves most."""
    layer = place.estates.copy()
    points = shapely.point_on_surface(layer.geometry.to_numpy())
    layer["community_id"] = first_containing(points, place.communities, "community_id")
    layer = layer[layer["community_id"].notna()].reset_index(drop=True)
    own = demand[demand["estate_id"].notna()]
    ids = layer["estate_id"]
    residents = own.groupby("estate_id")["population"].sum()
    layer["population"] = ids.map(residents).fillna(0).astype("int64")
    gates = place.gates["estate_id"].value_counts()
    layer["gates"] = ids.map(gates).fillna(0).astype("int64")
    served = own.groupby(["estate_id", "room_id"])["population"].sum().reset_index()
    served = served.sort_values(["population", "room_id"], ascending=[False, True])
    most = served.drop_duplicates("estate_id").set_index("estate_id")["room_id"]
    layer["room_id"] = ids.map(most).astype("object")
    layer["room_m"] = ids.map(_mean_by(own, "estate_id", "room_m"))
    layer["committee_mean_m"] = ids.map(_mean_by(own, "estate_id", "committee_m"))
    layer["committee_max_m"] = ids.map(own.groupby("estate_id")["committee_m"].max())
    columns = ["estate_id", "name", "community_id", "kind", "households", "population", "walled"]
    walks = ["gates", "room_id", "room_m", "committee_mean_m", "committee_max_m"]
    return layer[[*columns, *walks, "geometry"]]


def _mean_by(demand: pd.DataFrame, by: str, metres: str) -> pd.Series[float]:
    """Return the mean walk by unit, weighted by residents that have a distance."""
    known = demand[demand[metres].notna()]
    weight = known["population"].astype(float)
    total = weight.groupby(known[by]).sum()
    walked: pd.Series[float] = (weight * known[metres]).groupby(known[by]).sum()
    return walked[total > 0] / total[total > 0]


def gates_layer(place: Place) -> gpd.GeoDataFrame:
    """Return the gates; those of the data are ``mapped`` unless they say otherwise."""
    layer = place.gates.copy()
    layer["status"] = layer["status"].fillna("mapped").astype("object")
    return layer[["gate_id", "estate_id", "status", "geometry"]]


def streets_layer(network: Network) -> gpd.GeoDataFrame:
    """Return the edges of the network."""
    edges = network.edges
    first = ["edge_id", "u", "v", "length_m", "walkable", "component", "name", "highway"]
    rest = [name for name in ("bridge", "tunnel", "osm_id") if name in edges]
    return edges[[*first, *rest, "geometry"]]


def rooms_layer(
    place: Place,
    demand: pd.DataFrame,
    opened: Sequence[str],
    closing_m: Mapping[str, float],
) -> gpd.GeoDataFrame:
    """
    Return the open rooms: committees and existing rooms (``existing``), and what is proposed.

    Parameters
    ----------
    opened : ids of the open sites and committees
    closing_m : resident-metres that closing a site would cost, by id
    """
    committees = gpd.GeoDataFrame(
        {
            "site_id": place.committees["committee_id"],
            "name": place.committees["name"],
            "kind": "existing",
            "ownership": "committee",
            "staff": place.committees["staff"],
        },
        geometry=place.committees.geometry,
        crs=place.crs,
    )
    sites = place.sites.assign(
        kind=place.sites["kind"].replace({"candidate": "proposed"}),
        staff=pd.array([pd.NA] * len(place.sites), dtype="Int64"),
    )
    rooms = pd.concat([committees, sites], ignore_index=True)
    rooms = rooms[rooms["site_id"].isin(opened)].sort_values("site_id", kind="stable")
    served = demand[demand["room_id"].notna()].groupby("room_id")
    ids = rooms["site_id"]
    rooms["residents"] = ids.map(served["population"].sum()).fillna(0).astype("int64")
    rooms["mean_m"] = ids.map(_mean_by(demand, "room_id", "room_m"))
    rooms["max_m"] = ids.map(served["room_m"].max())
    rooms["phase"] = pd.array([pd.NA] * len(rooms), dtype="Int64")
    rooms["assumed"] = rooms["assumed"].astype("boolean").fillna(value=False).astype(bool)
    reasons = [_why(row, closing_m) for row in rooms[["site_id", "kind"]].itertuples(index=False)]
    rooms["why"] = [zh for zh, _ in reasons]
    rooms["why_en"] = [en for _, en in reasons]
    first = ["site_id", "name", "kind", "estate_id", "area_m2", "ownership", "cost"]
    rest = ["residents", "mean_m", "max_m", "staff", "phase", "assumed", "why", "why_en"]
    layer = gpd.GeoDataFrame(rooms[[*first, *rest, "geometry"]], crs=place.crs)
    return layer.reset_index(drop=True)


def _why(room: tuple[str, str], closing_m: Mapping[str, float]) -> tuple[str, str]:
    site_id, kind = room
    if kind == "existing":
        return "现有，保留", "exists and stays"
    cost_km = closing_m.get(site_id, 0.0) / 1000
    return (
        f"若不设此处，居民合计多走 {cost_km:,.0f} 公里（单程）",
        f"without it residents would walk {cost_km:,.0f} km more in total (one way)",
    )


def cells_with_residents(cells: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the cells with the residents whose homes stand in them."""
    residents = demand.groupby("cell_uid")["population"].sum()
    counted = cells["cell_uid"].map(residents).fillna(0).astype("int64")
    return cells.assign(population=counted)


def closing_costs(
    walks_m: Floats, weights: Floats, opened: Sequence[int], names: Sequence[str]
) -> dict[str, float]:
    """
    Return what closing each open site alone would cost, in resident-metres.

    The residents of a closed site go to their second nearest; those that have
    no other are left out of the sum.

    Parameters
    ----------
    walks_m : float array, shape (n_demand, n_sites)
    opened : positions of the open sites
    names : ids of all sites
    """
    if len(opened) < 2:  # noqa: PLR2004 - with one site there is no second nearest
        return dict.fromkeys((names[j] for j in opened), 0.0)
    offered = walks_m[:, list(opened)]
    order = np.argsort(offered, axis=1, kind="stable")[:, :2]
    rows = np.arange(len(offered))
    first_m, second_m = offered[rows, order[:, 0]], offered[rows, order[:, 1]]
    extra_m = np.subtract(second_m, first_m, out=0.0 * weights, where=np.isfinite(second_m))
    loss = extra_m * weights
    totals = np.bincount(order[:, 0], weights=loss, minlength=len(opened))
    return {names[j]: float(total) for j, total in zip(opened, totals, strict=True)}
