"""The walking network: edges, obstacles, doors, shortest walks."""

from gridplan.network.edges import Network, NetworkOptions, build_network, is_walkable
from gridplan.network.graph import WalkGraph, build_graph, walking_distances
from gridplan.network.snap import Obstacles, Snapped, obstacles, snap_to_network, wall_lines

__all__ = [
    "Network",
    "NetworkOptions",
    "Obstacles",
    "Snapped",
    "WalkGraph",
    "build_graph",
    "build_network",
    "is_walkable",
    "obstacles",
    "snap_to_network",
    "walking_distances",
    "wall_lines",
]
