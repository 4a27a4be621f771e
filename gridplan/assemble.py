"""The layers of the contract, put together from what the steps found."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.demand import first_containing, worst_grades
from gridplan.geometry import Floats
from gridplan.network import Network, is_closed
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
    """
    Return the estates with their residents, gates, walks and the room that serves most.

    Those that lie in the communities, and those that a demand point names: an estate
    may lie across the boundary with its middle outside, and belongs to the community
    of most of its residents then.
    """
    layer = place.estates.copy()
    points = shapely.point_on_surface(layer.geometry.to_numpy())
    inside = first_containing(points, place.communities, "community_id")
    own = demand[demand["estate_id"].notna()]
    by_residents = layer["estate_id"].map(_most_by(own, "estate_id", "community_id"))
    layer["community_id"] = inside.where(inside.notna(), by_residents).astype("object")
    named = layer["estate_id"].isin(own["estate_id"])
    layer = layer[layer["community_id"].notna() | named].reset_index(drop=True)
    ids = layer["estate_id"]
    residents = own.groupby("estate_id")["population"].sum()
    layer["population"] = ids.map(residents).fillna(0).astype("int64")
    gates = place.gates["estate_id"][~is_closed(place.gates)].value_counts()
    layer["gates"] = ids.map(gates).fillna(0).astype("int64")
    layer["room_id"] = ids.map(_most_by(own, "estate_id", "room_id")).astype("object")
    layer["room_m"] = ids.map(_mean_by(own, "estate_id", "room_m"))
    layer["committee_mean_m"] = ids.map(_mean_by(own, "estate_id", "committee_m"))
    layer["committee_max_m"] = ids.map(own.groupby("estate_id")["committee_m"].max())
    columns = ["estate_id", "name", "community_id", "kind", "households", "population", "walled"]
    walks = ["gates", "room_id", "room_m", "committee_mean_m", "committee_max_m"]
    return layer[[*columns, *walks, "geometry"]]


def _most_by(demand: pd.DataFrame, by: str, what: str) -> pd.Series[str]:
    """Return, for each unit, the value that most of its residents have; of equals the first."""
    counted = demand.groupby([by, what])["population"].sum().reset_index()
    ordered = counted.sort_values(["population", what], ascending=[False, True])
    return ordered.drop_duplicates(by).set_index(by)[what]


def _mean_by(demand: pd.DataFrame, by: str, metres: str) -> pd.Series[float]:
    """Return the mean walk by unit, weighted by residents that have a distance."""
    known = demand[demand[metres].notna()]
    weight = known["population"].astype(float)
    total = weight.groupby(known[by]).sum()
    walked: pd.Series[float] = (weight * known[metres]).groupby(known[by]).sum()
    return walked[total > 0] / total[total > 0]


def gates_layer(place: Place, proposed: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the gates: those of the data (``mapped`` unless they say otherwise), and proposals."""
    layer = place.gates.copy()
    layer["status"] = layer["status"].fillna("mapped").astype("object")
    columns = ["gate_id", "estate_id", "status", "geometry"]
    # A plan that is read again brings its proposals along as gates of the data.
    fresh = proposed[~proposed["gate_id"].isin(layer["gate_id"])]
    parts = [part[columns] for part in (layer, fresh) if len(part)]
    every = pd.concat(parts, ignore_index=True) if parts else layer[columns]
    return gpd.GeoDataFrame(every, crs=place.crs)


def streets_layer(network: Network) -> gpd.GeoDataFrame:
    """Return the edges of the network."""
    edges = network.edges
    first = ["edge_id", "u", "v", "length_m", "walkable", "component", "name", "highway"]
    rest = [name for name in ("steps", "bridge", "tunnel", "osm_id") if name in edges]
    return edges[[*first, *rest, "geometry"]]


def rooms_layer(
    place: Place,
    demand: pd.DataFrame,
    opened: Sequence[str],
    closing: Mapping[str, Closing] | None,
    *,
    required: Collection[str] = (),
    phase_of: Mapping[str, int] | None = None,
) -> gpd.GeoDataFrame:
    """
    Return the open rooms: committees and existing rooms (``existing``), and what is proposed.

    Parameters
    ----------
    opened : ids of the open sites and committees
    closing : what closing a site would cost, by id; None: not told, since residents are given
        a room, and would be given others
    required : ids of candidate sites that a decision opens
    phase_of : in which phase a room is built, by id
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
    kind = place.sites["kind"].replace({"candidate": "proposed"})
    sites = place.sites.assign(
        kind=kind.mask(place.sites["site_id"].isin(required), "required"),
        staff=pd.array([pd.NA] * len(place.sites), dtype="Int64"),
    )
    rooms = pd.concat([committees, sites], ignore_index=True)
    rooms = rooms[rooms["site_id"].isin(opened)].sort_values("site_id", kind="stable")
    way = "assigned" if "assigned_id" in demand else "room"
    served = demand[demand[f"{way}_id"].notna()].groupby(f"{way}_id")
    ids = rooms["site_id"]
    rooms["residents"] = ids.map(served["population"].sum()).fillna(0).astype("int64")
    rooms["mean_m"] = ids.map(_mean_by(demand, f"{way}_id", f"{way}_m"))
    rooms["max_m"] = ids.map(served[f"{way}_m"].max())
    rooms["phase"] = ids.map(dict(phase_of or {})).astype("Int64")
    rooms["assumed"] = rooms["assumed"].astype("boolean").fillna(value=False).astype(bool)
    told = rooms[["site_id", "kind", "residents"]].itertuples(index=False)
    reasons = [_why(row, closing) for row in told]
    untold = Closing(math.nan, math.nan)
    shut = [untold if closing is None else closing.get(one, Closing()) for one in ids]
    rooms["without_resident_m"] = [one.metres for one in shut]
    rooms["without_lost_residents"] = [one.stranded for one in shut]
    rooms["why"] = [zh for zh, _ in reasons]
    rooms["why_en"] = [en for _, en in reasons]
    first = ["site_id", "name", "kind", "estate_id", "area_m2", "ownership", "cost"]
    rest = ["residents", "mean_m", "max_m", "staff", "phase", "assumed", "why", "why_en"]
    rest[-2:-2] = ["without_resident_m", "without_lost_residents"]
    layer = gpd.GeoDataFrame(rooms[[*first, *rest, "geometry"]], crs=place.crs)
    return layer.reset_index(drop=True)


def _why(room: tuple[str, str, int], closing: Mapping[str, Closing] | None) -> tuple[str, str]:
    site_id, kind, residents = room
    if kind == "existing":
        return "现有，保留", "exists and stays"
    if closing is None:
        who = "resident is" if residents == 1 else "residents are"
        return (
            f"按面积上限分配到此处的居民 {residents:,} 名",
            f"{residents:,} {who} given it, floor area being a limit",
        )
    cost = closing.get(site_id, Closing())
    walk_km, lost = cost.metres / 1000, round(cost.stranded)
    zh, en = [], []
    if lost == 0 or walk_km > 0:
        zh.append(f"居民合计多走 {walk_km:,.0f} 公里（单程）")
        en.append(f"residents would walk {walk_km:,.0f} km more in total (one way)")
    if lost:
        zh.append(f"{lost:,} 名居民步行无法到达任何居委会或活动室")
        who = "resident" if lost == 1 else "residents"
        en.append(f"{lost:,} {who} would reach no committee or room on foot")
    return f"若不设此处，{'，另有 '.join(zh)}", f"without it {' and '.join(en)}"


def cells_with_residents(cells: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the cells with the residents whose homes stand in them."""
    residents = demand.groupby("cell_uid")["population"].sum()
    counted = cells["cell_uid"].map(residents).fillna(0).astype("int64")
    return cells.assign(population=counted)


@dataclass(frozen=True, slots=True)
class Closing:
    """
    What it would cost to close one open site.

    Attributes
    ----------
    metres : float
        Resident-metres more, of those who reach another open site.
    stranded : float
        Residents who reach no other open site.
    """

    metres: float = 0.0
    stranded: float = 0.0


def closing_costs(
    walks_m: Floats, weights: Floats, opened: Sequence[int], names: Sequence[str]
) -> dict[str, Closing]:
    """
    Return what closing each open site alone would cost.

    The residents of a closed site go to their second nearest; those who reach no
    other are counted as stranded.

    Parameters
    ----------
    walks_m : float array, shape (n_demand, n_sites)
        ``inf`` where there is no path.
    weights : float array, shape (n_demand,)
        Residents.
    opened : positions of the open sites
    names : ids of all sites

    Examples
    --------
    >>> walks = np.array([[100.0, 300.0], [50.0, np.inf]])
    >>> closing_costs(walks, np.array([2.0, 7.0]), [0, 1], ["a", "b"])["a"]
    Closing(metres=400.0, stranded=7.0)
    """
    if not len(opened):
        return {}
    # A last column that nobody reaches stands for the second nearest where there is one site.
    none = np.full((len(walks_m), 1), np.inf)
    offered = np.concatenate([walks_m[:, list(opened)], none], axis=1)
    order = np.argsort(offered, axis=1, kind="stable")[:, :2]
    rows = np.arange(len(offered))
    first_m, second_m = offered[rows, order[:, 0]], offered[rows, order[:, 1]]
    served, other = np.isfinite(first_m), np.isfinite(second_m)
    extra_m = np.subtract(second_m, first_m, out=np.zeros(len(offered)), where=other)
    at, count = order[served, 0], len(opened) + 1
    more = np.bincount(at, weights=(extra_m * weights)[served], minlength=count)
    alone = np.bincount(at, weights=(weights * ~other)[served], minlength=count)
    return {
        names[j]: Closing(float(m), float(n))
        for j, m, n in zip(opened, more[:-1], alone[:-1], strict=True)
    }
