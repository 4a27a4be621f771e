"""The walks of a place: from every home to every committee, site and gate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.access.choose import Texts, choose_facility, missing_reasons, own_committees
from gridplan.access.facilities import STEPS, step_free
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
    snap_to_network,
    walking_distances,
)
from gridplan.place import Place

_SAME_WALK_M = 0.01


@dataclass(frozen=True)
class Walks:
    """
    Walks from every demand point to every committee, site and gate, in metres.

    `graph` and `facilities` (committees, sites, gates) are what routes are drawn from.
    """

    ids: tuple[str, ...]
    doors: Snapped
    metres: Floats
    gate_metres: Floats
    committees: int
    sites: int
    graph: WalkGraph
    facilities: Ends


def measure_walks(
    place: Place,
    demand: gpd.GeoDataFrame,
    network: Network,
    blocks: Obstacles,
    *,
    options: NetworkOptions,
) -> Walks:
    """Return the walks from every home to every committee, site and gate."""
    gates = place.gates[place.gates["estate_id"].notna()]
    parts = (place.committees, place.sites, gates)
    targets = np.concatenate([part.geometry.to_numpy() for part in parts])
    facilities = snap_to_network(targets, network, blocks=blocks, options=options)
    graph = build_graph(network, facilities)
    doors = snap_to_network(demand.geometry.to_numpy(), network, blocks=blocks, options=options)
    first_gate = len(place.committees) + len(place.sites)
    at_gates = Snapped(
        edge=facilities.edge[first_gate:],
        offset_m=facilities.offset_m[first_gate:],
        leg_m=facilities.leg_m[first_gate:],
        detour=facilities.detour[first_gate:],
    )
    return Walks(
        ids=(
            *place.committees["committee_id"],
            *place.sites["site_id"],
            *gates["gate_id"],
        ),
        doors=doors,
        metres=walking_distances(graph, doors),
        gate_metres=walking_distances(graph, at_gates),
        committees=len(place.committees),
        sites=len(place.sites),
        graph=graph,
        facilities=Ends(targets, facilities),
    )


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
    if not (network.walkable["highway"] == STEPS).any():
        return walks.metres[:, : walks.committees]
    level = replace(network, edges=step_free(network.edges))
    return measure_walks(place, demand, level, blocks, options=options).metres[
        :, : walks.committees
    ]


def community_committees(place: Place) -> pd.DataFrame:
    """Return which committees serve which community: as the table says, else by place."""
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
    edges = network.walkable["edge_id"].to_numpy()
    on_street = walks.doors.edge >= 0
    demand = demand.assign(
        edge_id=np.where(on_street, edges[walks.doors.edge], None),
        leg_m=walks.doors.leg_m,
        leg_detour=pd.Series(walks.doors.detour, index=demand.index).replace("", None),
    )
    ids = place.committees["committee_id"].to_numpy()
    metres = walks.metres[:, : walks.committees]
    own = own_committees(demand, place.committees, table)
    chosen = nearest_columns(demand, walks, metres, ids, "committee", allowed=own)
    nearest = nearest_columns(demand, walks, metres, ids, "nearest_committee")
    demand = pd.concat([demand, chosen, nearest], axis="columns")
    demand["gate_id"] = _gates_passed(place, demand, walks)
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
        on_street=walks.doors.edge >= 0,
        has_facility=served,
    )
    columns = {f"{prefix}_id": chosen, f"{prefix}_m": walk_m, f"{prefix}_reason": reasons}
    return pd.DataFrame(columns, index=demand.index)


def _gates_passed(place: Place, demand: gpd.GeoDataFrame, walks: Walks) -> Texts:
    """Return the gate of the estate through which the walk to the own committee leads."""
    passed = np.full(len(demand), None, dtype=object)
    gates = place.gates[place.gates["estate_id"].notna()]
    first = walks.committees + walks.sites
    column = {c: j for j, c in enumerate(walks.ids[: walks.committees])}
    for estate, rows in demand[demand["committee_id"].notna()].groupby("estate_id").groups.items():
        own = np.flatnonzero(gates["estate_id"] == estate)
        if not len(own):
            continue
        at = demand.index.get_indexer(rows)
        target = np.array([column[c] for c in demand["committee_id"].iloc[at]])
        through = walks.metres[np.ix_(at, first + own)] + walks.gate_metres[np.ix_(own, target)].T
        best = through.argmin(axis=1)
        least = through[np.arange(len(at)), best]
        same = least <= demand["committee_m"].to_numpy()[at] + _SAME_WALK_M
        passed[at[same]] = gates["gate_id"].to_numpy()[own[best[same]]]
    return passed
