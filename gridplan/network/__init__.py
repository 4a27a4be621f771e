"""The walking network: edges, obstacles, doors, shortest walks."""

from gridplan.network.edges import Network, NetworkOptions, build_network
from gridplan.network.graph import WalkGraph, build_graph, connections_used, walking_distances
from gridplan.network.inside import straight_walks
from gridplan.network.obstacles import Grounds, Obstacles, obstacles, wall_lines, walled_grounds
from gridplan.network.snap import Snapped, gates_on_network, snap_to_network

__all__ = [
    "Grounds",
    "Network",
    "NetworkOptions",
    "Obstacles",
    "Snapped",
    "WalkGraph",
    "build_graph",
    "build_network",
    "connections_used",
    "gates_on_network",
    "obstacles",
    "snap_to_network",
    "straight_walks",
    "walking_distances",
    "wall_lines",
    "walled_grounds",
]
