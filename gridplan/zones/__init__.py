"""Responsibility zones: contiguity, balanced partition, districts round a centre."""

from gridplan.zones.bridges import Bridges, bridges_over
from gridplan.zones.contiguity import Contiguity, rook_graph
from gridplan.zones.crossings import uncrossed_borders
from gridplan.zones.dissolve import dissolve_zones
from gridplan.zones.districts import districts
from gridplan.zones.districts_problem import (
    DistrictOptions,
    DistrictPlan,
    DistrictProblem,
    district_cost,
)
from gridplan.zones.estates import inner_road_shares
from gridplan.zones.line_share import border_line_shares, border_share
from gridplan.zones.loads import CELL_LOADS, cell_loads, home_households
from gridplan.zones.pieces import proposed_k
from gridplan.zones.reach import zone_reach
from gridplan.zones.reference import Reference, zone_reference
from gridplan.zones.rezone import Rezoning, rezone, rezoning_frontier
from gridplan.zones.system import zone_system
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemPlan, SystemRules

__all__ = [
    "CELL_LOADS",
    "Bridges",
    "Contiguity",
    "DistrictOptions",
    "DistrictPlan",
    "DistrictProblem",
    "Reference",
    "Rezoning",
    "SystemOptions",
    "SystemPlan",
    "SystemRules",
    "border_line_shares",
    "border_share",
    "bridges_over",
    "cell_loads",
    "dissolve_zones",
    "district_cost",
    "districts",
    "home_households",
    "inner_road_shares",
    "proposed_k",
    "rezone",
    "rezoning_frontier",
    "rook_graph",
    "uncrossed_borders",
    "zone_reach",
    "zone_reference",
    "zone_system",
]
