"""Shortest walks between points on the network's edges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from gridplan.geometry import GRID_M, Floats
from gridplan.network.edges import Network
from gridplan.network.snap import Snapped

Ints = npt.NDArray[np.intp]

_CHUNK = 200
_GAP_M = 1.0


@dataclass(frozen=True)
class WalkGraph:
    """
    The walkable edges cut at the facilities, ready for shortest paths.

    Because each facility is a node, the distance from any point on an edge is
    the lesser of the two ways along its own piece: exact, also when the point
    and the facility lie on the same edge. A facility that meets the network in
    several places is a node of its own, that only walks from it pass.
    """

    matrix: sparse.csr_matrix
    facility_node: Ints
    facility_leg_m: Floats
    piece_start_m: Floats
    piece_from: Ints
    piece_to: Ints
    edge_start_m: Floats
    piece_length_m: Floats


def build_graph(network: Network, facilities: Snapped) -> WalkGraph:
    """
    Return the graph of the walkable edges with one node per facility.

    Parameters
    ----------
    facilities : Snapped
        Facilities that no edge is near get node -1 and reach nobody.
    """
    tails, heads, n_nodes = network.node_codes
    length_m = network.walkable["length_m"].to_numpy()
    meets = facilities.connections
    stop_node = n_nodes + np.arange(len(meets))
    edges = np.arange(len(length_m))
    stops = pd.DataFrame(
        {
            "edge": np.concatenate([edges, edges, meets["edge"]]),
            "at_m": np.concatenate([0 * length_m, length_m, meets["offset_m"]]),
            "order": np.repeat([0, 2, 1], [len(edges), len(edges), len(meets)]),
            "node": np.concatenate([tails, heads, stop_node]),
        }
    )
    stops = stops.sort_values(["edge", "order", "at_m", "node"], kind="stable")
    edge, at_m, stop = (stops[name].to_numpy() for name in ("edge", "at_m", "node"))
    inner = edge[1:] == edge[:-1]
    # All pieces stand on one line, edge after edge with a gap, so that one search finds a piece.
    edge_start_m = np.concatenate([[0.0], np.cumsum(length_m + _GAP_M)[:-1]])
    pieces_m = np.maximum((at_m[1:] - at_m[:-1])[inner], 0.0)
    piece_from, piece_to = stop[:-1][inner], stop[1:][inner]
    node, leg_m, legs = _facility_nodes(facilities, meets, stop_node)
    return WalkGraph(
        matrix=_links(piece_from, piece_to, pieces_m, legs, n_nodes + len(meets) + len(facilities)),
        facility_node=node,
        facility_leg_m=leg_m,
        piece_start_m=(edge_start_m[edge] + at_m)[:-1][inner],
        piece_from=piece_from,
        piece_to=piece_to,
        edge_start_m=edge_start_m,
        piece_length_m=pieces_m,
    )


def _facility_nodes(
    facilities: Snapped, meets: pd.DataFrame, stop_node: Ints
) -> tuple[Ints, Floats, pd.DataFrame]:
    """Return each facility's node, the leg to it, and the legs that are links of the graph."""
    point = meets["point"].to_numpy()
    several = meets.duplicated("point", keep=False).to_numpy()
    node = np.full(len(facilities), -1, dtype=np.intp)
    leg_m = facilities.leg_m.copy()
    node[point[~several]] = stop_node[~several]
    own = stop_node[-1:].max(initial=-1) + 1 + point[several]
    node[point[several]] = own
    leg_m[point[several]] = 0.0
    legs = pd.DataFrame(
        {
            "row": own,
            "column": stop_node[several],
            "length_m": meets["leg_m"].to_numpy()[several],
        }
    )
    return node, leg_m, legs


def walking_distances(graph: WalkGraph, doors: Snapped, *, limit_m: float = np.inf) -> Floats:
    """
    Return the walk from each door to each facility, both legs included.

    Of a door's several ways onto the network, the one that makes the whole walk
    shortest counts.

    Parameters
    ----------
    limit_m : float
        Walks longer than this are not looked for.

    Returns
    -------
    float array, shape (n_doors, n_facilities), metres
        ``inf`` where there is no path within the limit, or no street near the one or
        the other.
    """
    walks_m = np.full((len(doors), len(graph.facility_node)), np.inf)
    ways = doors.connections
    if not len(ways):
        return walks_m
    point = ways["point"].to_numpy()
    first = np.flatnonzero(np.concatenate([[True], point[1:] != point[:-1]]))
    reached = np.flatnonzero(graph.facility_node >= 0)
    for chunk in np.array_split(reached, max(1, -(-len(reached) // _CHUNK))):
        if not len(chunk):
            continue
        street_m = way_metres(graph, ways, chunk, limit_m=limit_m)
        least_m = (
            np.minimum.reduceat(street_m, first, axis=1) if len(first) < len(ways) else street_m
        )
        walks_m[np.ix_(point[first], chunk)] = least_m.T
    walks_m[walks_m > limit_m] = np.inf
    return walks_m


def connections_used(graph: WalkGraph, doors: Snapped, facility: Ints) -> Snapped:
    """
    Return the doors with the way onto the network that a given walk takes.

    Parameters
    ----------
    facility : int array, shape (n_doors,)
        Position of the facility each door walks to; -1 for none (the nearest
        way onto the network is kept, as it is where there is no path).
    """
    ways = doors.connections
    several = ways.duplicated("point", keep=False).to_numpy()
    open_to_choice = several & (facility[ways["point"].to_numpy()] >= 0)
    ways = ways[open_to_choice].reset_index(drop=True)
    if not len(ways):
        return doors
    goal = facility[ways["point"].to_numpy()]
    goals, column = np.unique(goal, return_inverse=True)
    goals_m = way_metres(graph, ways, goals, limit_m=np.inf)[column, np.arange(len(ways))]
    # Compared on the grid, so that rounding noise decides no tie.
    ranked = ways.assign(rank=np.round(goals_m / GRID_M), row=np.arange(len(ways)))
    best = ranked.sort_values(["point", "rank", "row"]).drop_duplicates("point")
    at = best["point"].to_numpy()
    edge, offset_m, leg_m = doors.edge.copy(), doors.offset_m.copy(), doors.leg_m.copy()
    edge[at], offset_m[at], leg_m[at] = best["edge"], best["offset_m"], best["leg_m"]
    return replace(doors, edge=edge, offset_m=offset_m, leg_m=leg_m, further=doors.further.iloc[:0])


def way_metres(graph: WalkGraph, ways: pd.DataFrame, chunk: Ints, *, limit_m: float) -> Floats:
    """Return the walk over each way onto the network, shape (n_facilities, n_ways)."""
    position_m = graph.edge_start_m[ways["edge"]] + ways["offset_m"].to_numpy()
    piece = np.searchsorted(graph.piece_start_m, position_m, side="right") - 1
    along_m = np.clip(position_m - graph.piece_start_m[piece], 0.0, graph.piece_length_m[piece])
    rest_m = graph.piece_length_m[piece] - along_m
    nodes = graph.facility_node[chunk]
    node_m = csgraph.dijkstra(graph.matrix, directed=True, indices=nodes, limit=limit_m)
    through_from = node_m[:, graph.piece_from[piece]] + along_m
    through_to = node_m[:, graph.piece_to[piece]] + rest_m
    legs_m = ways["leg_m"].to_numpy() + graph.facility_leg_m[chunk][:, None]
    walk_m: Floats = np.minimum(through_from, through_to) + legs_m
    return walk_m


def _links(
    tails: Ints, heads: Ints, length_m: Floats, legs: pd.DataFrame, n_nodes: int
) -> sparse.csr_matrix:
    """Return pieces in both directions (of parallel ones the shortest), and legs in one."""
    links = pd.DataFrame(
        {
            "row": np.concatenate([tails, heads]),
            "column": np.concatenate([heads, tails]),
            "length_m": np.concatenate([length_m, length_m]),
        }
    )
    links = pd.concat([links, legs], ignore_index=True)
    shortest = links[links["row"] != links["column"]].groupby(["row", "column"])["length_m"].min()
    rows, columns = (shortest.index.get_level_values(i).to_numpy() for i in (0, 1))
    return sparse.csr_matrix((shortest.to_numpy(), (rows, columns)), shape=(n_nodes, n_nodes))
