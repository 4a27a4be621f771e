"""
Independent checks of a plan.

Pure functions on frames that share no code with what they check: they import numpy,
pandas, shapely and `gridplan.errors` only, and never snap or repair. Each check can be
used by itself and reports raw figures; `verify_plan` runs all that the layers allow.
"""

from gridplan.verify.capacity import check_assignment, check_capacity, check_total
from gridplan.verify.choice import Asked, check_choice
from gridplan.verify.codes import check_codes, check_ids
from gridplan.verify.contract import CONTRACT_COLUMNS, CONTRACT_LAYERS, check_contract
from gridplan.verify.crossing import check_buildings, check_communities
from gridplan.verify.findings import STANDARD, Checked, Finding, Report, Severity, Tolerances
from gridplan.verify.lineage import KINDS, check_lineage
from gridplan.verify.links import check_community_committees, check_frontier
from gridplan.verify.plan import verify_plan
from gridplan.verify.profiles import GB_T_30428, CodeProfile, profile_of_form
from gridplan.verify.rule import Rule
from gridplan.verify.services import (
    check_facility_walks,
    check_placement,
    check_ranges,
    check_served,
    check_shared,
)
from gridplan.verify.siting import check_claims, check_room_figures, check_rooms
from gridplan.verify.sums import (
    REASONS,
    check_counts,
    check_distances,
    check_homes,
    check_nearest,
    check_residents,
    check_totals,
)
from gridplan.verify.tiling import check_boundary, check_overlaps, check_shapes, check_tiling
from gridplan.verify.wording import RULES
from gridplan.verify.zone_drawn import check_drawn_zones
from gridplan.verify.zones import (
    check_complete,
    check_connected,
    check_zone_shapes,
    check_zone_sums,
    membership,
)

__all__ = [
    "CONTRACT_COLUMNS",
    "CONTRACT_LAYERS",
    "GB_T_30428",
    "KINDS",
    "REASONS",
    "RULES",
    "STANDARD",
    "Asked",
    "Checked",
    "CodeProfile",
    "Finding",
    "Report",
    "Rule",
    "Severity",
    "Tolerances",
    "check_assignment",
    "check_boundary",
    "check_buildings",
    "check_capacity",
    "check_choice",
    "check_claims",
    "check_codes",
    "check_communities",
    "check_community_committees",
    "check_complete",
    "check_connected",
    "check_contract",
    "check_counts",
    "check_distances",
    "check_drawn_zones",
    "check_facility_walks",
    "check_frontier",
    "check_homes",
    "check_ids",
    "check_lineage",
    "check_nearest",
    "check_overlaps",
    "check_placement",
    "check_ranges",
    "check_residents",
    "check_room_figures",
    "check_rooms",
    "check_served",
    "check_shapes",
    "check_shared",
    "check_tiling",
    "check_total",
    "check_totals",
    "check_zone_shapes",
    "check_zone_sums",
    "membership",
    "profile_of_form",
    "verify_plan",
]
