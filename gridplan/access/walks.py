"""The walks of a place: from every home to every committee, site and gate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.access.choose import Texts, choose_facility, missing_reasons, own_committees
from gridplan.access.facilities import step_free
from gridplan.access.routes import Ends
from gridplan.demand import first_containing
from gridplan.geometry import Floats
from gridplan.network import (
    Network,
    NetworkOptions,
    Obstacles,
    Snapped,
    WalkGraph,
    build_graph,
    connections_used,
    gates_on_network,
    snap_to_network,
    straight_walks,
    walking_distances,
)
from gridplan.network.edges import Ints
from gridplan.place import Place

_SAME_WALK_M = 0.01


@dataclass(frozen=True)
class Walks:
    """
    Walks from every demand point to every committee, site, service point and gate, in metres.

    ``points`` are the further service points (``facility_id``, ``kind``): of committees,
    and of facilities of other kinds. A committee's column is the least over its points;
    ``own_m`` are the walks to the places of the committees themselves. ``gates`` are the
    ids of the gates that open a wall, the rows of ``gate_metres``. ``facilities`` are the
    committees, sites and points; ``graph`` and ``stops`` (the gates too) are what routes
    are drawn from.
    """

    ids: tuple[str, ...]
    doors: Snapped
    facilities: Snapped
    metres: Floats
    gates: tuple[str, ...]
    gate_metres: Floats
    committees: int
    sites: int
    points: pd.DataFrame
    own_m: Floats
    graph: WalkGraph
    stops: Ends

    @property
    def first_point(self) -> int:
        """Column of the first service point."""
        return self.committees + self.sites

    @property
    def first_gate(self) -> int:
        """Column of the first gate."""
        return self.first_point + len(self.points)

    def stop_of(self, rows: Ints, committee: Ints) -> Ints:
        """
        Return which stop of a committee each walk leads to: its place, or a service point.

        Parameters
        ----------
        rows, committee : int arrays, shape (n,)
            Positions of the demand, and columns of the committees (-1: none, returned so).
        """
        stop = committee.copy()
        least_m = self.own_m[rows, committee]
        of_point = self.points["facility_id"].to_numpy()
        for place, facility in enumerate(of_point, start=self.first_point):
            own = np.array([facility == one for one in self.ids[: self.committees]], dtype=bool)
            walk_m = self.metres[rows, place]
            nearer = (committee >= 0) & own[committee] & (walk_m < least_m)
            stop[nearer], least_m[nearer] = place, walk_m[nearer]
        return stop


def measure_walks(
    place: Place,
    demand: gpd.GeoDataFrame,
    network: Network,
    blocks: Obstacles,
    *,
    options: NetworkOptions,
    committees_only: bool = False,
    doors: Snapped | None = None,
) -> Walks:
    """
    Return the walks from every home to every committee and site, and to gates of estates.

    Parameters
    ----------
    committees_only : bool
        Leave out sites and gates, where nobody will ask for them.
    doors : Snapped, optional
        Where the homes meet this network, if that is known.
    """
    sites = place.sites.iloc[:0] if committees_only else place.sites
    points = place.facilities
    if committees_only:
        points = points[points["facility_id"].isin(place.committees["committee_id"])]
    parts = (place.committees, sites, points)
    targets = np.concatenate([part.geometry.to_numpy() for part in parts])
    facilities = snap_to_network(targets, network, blocks=blocks, options=options)
    of_estates = set(place.gates["gate_id"][place.gates["estate_id"].notna()])
    asked = network.gates["gate_id"].isin(() if committees_only else of_estates).to_numpy()
    at_gates = gates_on_network(network, asked)
    stops = joined(facilities, at_gates)
    graph = build_graph(network, stops)
    homes = demand.geometry.to_numpy()
    if doors is None:
        doors = snap_to_network(homes, network, blocks=blocks, options=options)
    metres = walking_distances(graph, doors)
    straight_m = straight_walks(homes, targets, network, blocks=blocks, options=options)
    metres[:, : len(targets)] = np.minimum(metres[:, : len(targets)], straight_m)
    gates = tuple(network.gates["gate_id"][asked])
    own_m = metres[:, : len(place.committees)].copy()
    _least_over_own(metres, place.committees["committee_id"], points["facility_id"], len(sites))
    return Walks(
        ids=(*place.committees["committee_id"], *sites["site_id"], *points["facility_id"], *gates),
        doors=doors,
        facilities=facilities,
        metres=metres,
        gates=gates,
        gate_metres=walking_distances(graph, at_gates),
        committees=len(place.committees),
        sites=len(sites),
        points=pd.DataFrame(points[["facility_id", "kind"]]).reset_index(drop=True),
        own_m=own_m,
        graph=graph,
        stops=Ends(np.concatenate([targets, network.gates.geometry.to_numpy()[asked]]), stops),
    )


def _least_over_own(
    metres: Floats, committees: pd.Series[str], points: pd.Series[str], sites: int
) -> None:
    """Put the least walk over a committee's service points into the committee's column."""
    column = {one: j for j, one in enumerate(committees)}
    for place, facility in enumerate(points, start=len(committees) + sites):
        if facility in column:
            own = metres[:, column[facility]]
            np.minimum(own, metres[:, place], out=own)


def step_free_committee_walks(
    place: Place,
    demand: gpd.GeoDataFrame,
    walks: Walks,
    network: Network,
    blocks: Obstacles,
    *,
    options: NetworkOptions,
) -> Floats:
    """Return the walks to the committees without stairs, shape (n_demand, n_committees)."""
    if not network.walkable["steps"].any():
        return walks.metres[:, : walks.committees]
    level = replace(network, edges=step_free(network.edges))
    every = np.ones(len(network.gates), dtype=bool)
    on_level = gates_on_network(level, every).edge >= 0
    level = replace(level, gates=network.gates[on_level].reset_index(drop=True))
    found = measure_walks(place, demand, level, blocks, options=options, committees_only=True)
    # Walls that hold only stairs would seem to hold no ways at all, and be crossed straight.
    with_stairs = walks.metres[:, : walks.committees]
    least: Floats = np.maximum(found.metres[:, : walks.committees], with_stairs)
    return least


def community_committees(place: Place) -> pd.DataFrame:
    """
    Return which committees serve which community.

    As the planner's table says; without one, as each committee's ``community_id``
    says, else by where it stands.
    """
    if len(place.community_committees):
        return place.community_committees.copy()
    committees = place.committees
    where = first_containing(committees.geometry.to_numpy(), place.communities, "community_id")
    community = committees["community_id"].where(committees["community_id"].notna(), where)
    table = pd.DataFrame(
        {"community_id": community, "committee_id": committees["committee_id"]}
    ).dropna()
    return table.sort_values(["community_id", "committee_id"]).reset_index(drop=True)


def committee_walks(
    place: Place, demand: gpd.GeoDataFrame, walks: Walks, network: Network, table: pd.DataFrame
) -> gpd.GeoDataFrame:
    """
    Return the demand with its street, its own and its nearest committee, and its gate.

    Parameters
    ----------
    table : DataFrame
        ``community_id``, ``committee_id``: which committees serve which community.
    """
    ids = place.committees["committee_id"].to_numpy()
    metres = walks.metres[:, : walks.committees]
    own = own_committees(demand, place.committees, table)
    chosen = nearest_columns(demand, walks, metres, ids, "committee", allowed=own)
    nearest = nearest_columns(demand, walks, metres, ids, "nearest_committee")
    edges = network.walkable["edge_id"].to_numpy()
    column = {c: j for j, c in enumerate(ids)}
    goal = np.array([column.get(c, -1) for c in chosen["committee_id"]], dtype=np.intp)
    stop = walks.stop_of(np.arange(len(demand)), goal)
    used = connections_used(walks.graph, walks.doors, stop)
    demand = demand.assign(
        edge_id=np.where(used.edge >= 0, edges[used.edge], None),
        leg_m=used.leg_m,
        leg_detour=pd.Series(used.detour, index=demand.index).replace("", None),
    )
    demand = pd.concat([demand, chosen, nearest], axis="columns")
    demand["gate_id"] = _gates_passed(place, demand, walks, stop)
    return demand


def nearest_columns(
    demand: gpd.GeoDataFrame,
    walks: Walks,
    metres: Floats,
    ids: Texts,
    prefix: str,
    *,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Return the columns ``<prefix>_id``, ``_m`` and ``_reason``."""
    order = np.argsort(ids.astype(str), kind="stable")
    permitted = None if allowed is None else allowed[:, order]
    chosen, walk_m = choose_facility(metres[:, order], ids[order], allowed=permitted)
    everybody = np.full(len(demand), len(ids) > 0)
    served = everybody if allowed is None else np.asarray(allowed.any(axis=1), dtype=bool)
    reasons = missing_reasons(
        walk_m,
        placed=demand["reason"].isna().to_numpy(),
        near_street=(walks.doors.edge >= 0) | walks.doors.is_barred,
        has_facility=served,
    )
    columns = {f"{prefix}_id": chosen, f"{prefix}_m": walk_m, f"{prefix}_reason": reasons}
    return pd.DataFrame(columns, index=demand.index)


def _gates_passed(place: Place, demand: gpd.GeoDataFrame, walks: Walks, stop: Ints) -> Texts:
    """Return the gate of the estate through which the walk to the own committee leads."""
    passed = np.full(len(demand), None, dtype=object)
    estate_of = dict(zip(place.gates["gate_id"], place.gates["estate_id"], strict=True))
    estate_of_gate = np.array([estate_of[gate] for gate in walks.gates], dtype=object)
    gate_ids = np.array(walks.gates, dtype=object)
    first = walks.first_gate
    for estate, rows in demand[demand["committee_id"].notna()].groupby("estate_id").groups.items():
        own = np.flatnonzero(estate_of_gate == estate)
        if not len(own):
            continue
        at = demand.index.get_indexer(rows)
        through = walks.metres[np.ix_(at, first + own)]
        through = through + walks.gate_metres[np.ix_(own, stop[at])].T
        best = through.argmin(axis=1)
        least = through[np.arange(len(at)), best]
        same = least <= demand["committee_m"].to_numpy()[at] + _SAME_WALK_M
        passed[at[same]] = gate_ids[own[best[same]]]
    return passed


def joined(left: Snapped, right: Snapped) -> Snapped:
    """Return the points of both, one after the other."""
    further = right.further.assign(point=right.further["point"] + len(left))
    return Snapped(
        edge=np.concatenate([left.edge, right.edge]),
        offset_m=np.concatenate([left.offset_m, right.offset_m]),
        leg_m=np.concatenate([left.leg_m, right.leg_m]),
        detour=np.concatenate([left.detour, right.detour]),
        further=pd.concat([left.further, further], ignore_index=True),
    )
