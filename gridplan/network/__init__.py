"""The walking network: edges, obstacles, doors, shortest walks."""

from gridplan.network.doubtful import (
    GAP,
    OPEN,
    SHUT,
    DoubtfulLinks,
    doubtful_links,
    joined_links,
    straight_links,
    street_spots,
)
from gridplan.network.edges import STEPS_CLASS, Network, NetworkOptions, build_network, is_walkable
from gridplan.network.gates import CLOSED, is_closed
from gridplan.network.geodesic import leg_line
from gridplan.network.graph import (
    WalkGraph,
    build_graph,
    connections_used,
    walking_distances,
    way_metres,
)
from gridplan.network.inside import straight_walks
from gridplan.network.ledger import cut_off_notes, reachability_ledger, remedies
from gridplan.network.new_gates import NEW_GATE, closed_gates, new_gates
from gridplan.network.obstacles import Grounds, Obstacles, obstacles, wall_lines, walled_grounds
from gridplan.network.proposals import assumed_note, proposal_note, propose_gates, wall_notes
from gridplan.network.snap import Snapped, gates_on_network, snap_to_network
from gridplan.network.variants import WallVariant, wall_variants

__all__ = [
    "CLOSED",
    "GAP",
    "NEW_GATE",
    "OPEN",
    "SHUT",
    "STEPS_CLASS",
    "DoubtfulLinks",
    "Grounds",
    "Network",
    "NetworkOptions",
    "Obstacles",
    "Snapped",
    "WalkGraph",
    "WallVariant",
    "assumed_note",
    "build_graph",
    "build_network",
    "closed_gates",
    "connections_used",
    "cut_off_notes",
    "doubtful_links",
    "gates_on_network",
    "is_closed",
    "is_walkable",
    "joined_links",
    "leg_line",
    "new_gates",
    "obstacles",
    "proposal_note",
    "propose_gates",
    "reachability_ledger",
    "remedies",
    "snap_to_network",
    "straight_links",
    "straight_walks",
    "street_spots",
    "walking_distances",
    "wall_lines",
    "wall_notes",
    "wall_variants",
    "walled_grounds",
    "way_metres",
]
