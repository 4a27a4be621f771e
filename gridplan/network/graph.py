"""Shortest walks between points on the network's edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from gridplan.geometry import Floats
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
    and the facility lie on the same edge.
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
    snapped = facilities.edge >= 0
    node = np.full(len(facilities.edge), -1, dtype=np.intp)
    node[snapped] = n_nodes + np.arange(int(snapped.sum()))
    edges = np.arange(len(length_m))
    stops = pd.DataFrame(
        {
            "edge": np.concatenate([edges, edges, facilities.edge[snapped]]),
            "at_m": np.concatenate([0 * length_m, length_m, facilities.offset_m[snapped]]),
            "order": np.repeat([0, 2, 1], [len(edges), len(edges), int(snapped.sum())]),
            "node": np.concatenate([tails, heads, node[snapped]]),
        }
    )
    stops = stops.sort_values(["edge", "order", "at_m", "node"], kind="stable")
    edge, at_m, stop = (stops[name].to_numpy() for name in ("edge", "at_m", "node"))
    inner = edge[1:] == edge[:-1]
    # All pieces stand on one line, edge after edge with a gap, so that one search finds a piece.
    edge_start_m = np.concatenate([[0.0], np.cumsum(length_m + _GAP_M)[:-1]])
    pieces_m = np.maximum((at_m[1:] - at_m[:-1])[inner], 0.0)
    piece_from, piece_to = stop[:-1][inner], stop[1:][inner]
    return WalkGraph(
        matrix=_symmetric(piece_from, piece_to, pieces_m, n_nodes + int(snapped.sum())),
        facility_node=node,
        facility_leg_m=facilities.leg_m,
        piece_start_m=(edge_start_m[edge] + at_m)[:-1][inner],
        piece_from=piece_from,
        piece_to=piece_to,
        edge_start_m=edge_start_m,
        piece_length_m=pieces_m,
    )


def walking_distances(graph: WalkGraph, doors: Snapped) -> Floats:
    """
    Return the walk from each door to each facility, both legs included.

    Returns
    -------
    float array, shape (n_doors, n_facilities), metres
        ``inf`` where there is no path, or no street near the one or the other.
    """
    walks_m = np.full((len(doors.edge), len(graph.facility_node)), np.inf)
    on_street = np.flatnonzero(doors.edge >= 0)
    position_m = graph.edge_start_m[doors.edge[on_street]] + doors.offset_m[on_street]
    piece = np.searchsorted(graph.piece_start_m, position_m, side="right") - 1
    along_m = np.clip(position_m - graph.piece_start_m[piece], 0.0, graph.piece_length_m[piece])
    rest_m = graph.piece_length_m[piece] - along_m
    reached = np.flatnonzero(graph.facility_node >= 0)
    for chunk in np.array_split(reached, max(1, -(-len(reached) // _CHUNK))):
        if not len(chunk):
            continue
        node_m = csgraph.dijkstra(graph.matrix, directed=True, indices=graph.facility_node[chunk])
        through_from = node_m[:, graph.piece_from[piece]] + along_m
        through_to = node_m[:, graph.piece_to[piece]] + rest_m
        street_m = np.minimum(through_from, through_to)
        legs_m = doors.leg_m[on_street] + graph.facility_leg_m[chunk][:, None]
        walks_m[np.ix_(on_street, chunk)] = (street_m + legs_m).T
    return walks_m


def _symmetric(tails: Ints, heads: Ints, length_m: Floats, n_nodes: int) -> sparse.csr_matrix:
    """Return the adjacency in both directions; of parallel edges the shortest."""
    links = pd.DataFrame(
        {
            "row": np.concatenate([tails, heads]),
            "column": np.concatenate([heads, tails]),
            "length_m": np.concatenate([length_m, length_m]),
        }
    )
    shortest = links[links["row"] != links["column"]].groupby(["row", "column"])["length_m"].min()
    rows, columns = (shortest.index.get_level_values(i).to_numpy() for i in (0, 1))
    return sparse.csr_matrix((shortest.to_numpy(), (rows, columns)), shape=(n_nodes, n_nodes))
