"""Residents to the buildings they live in, in whole numbers that keep every total."""

from gridplan.demand.checks import HomeCheck, check_place_homes, check_weights, estate_excess
from gridplan.demand.groups import partitions
from gridplan.demand.homes import doors, doors_of, first_containing, home_capacity
from gridplan.demand.options import NOT_HOMES, DemandOptions
from gridplan.demand.placement import placement_table, worst_grades
from gridplan.demand.rounding import largest_remainder, spread_groups
from gridplan.demand.sensitivity import demand_variants, sensitivity
from gridplan.demand.spread import (
    GRADES,
    UNPLACED,
    spread_residents,
    unit_grades,
)

__all__ = [
    "GRADES",
    "NOT_HOMES",
    "UNPLACED",
    "DemandOptions",
    "HomeCheck",
    "check_place_homes",
    "check_weights",
    "demand_variants",
    "doors",
    "doors_of",
    "estate_excess",
    "first_containing",
    "home_capacity",
    "largest_remainder",
    "partitions",
    "placement_table",
    "sensitivity",
    "spread_groups",
    "spread_residents",
    "unit_grades",
    "worst_grades",
]
