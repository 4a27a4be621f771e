"""Residents to the buildings they live in, in whole numbers that keep every total."""

from gridplan.demand.checks import HomeCheck, check_place_homes
from gridplan.demand.homes import doors, doors_of, first_containing
from gridplan.demand.options import NOT_HOMES, DemandOptions
from gridplan.demand.rounding import largest_remainder, spread_groups
from gridplan.demand.spread import UNPLACED, spread_residents

__all__ = [
    "NOT_HOMES",
    "UNPLACED",
    "DemandOptions",
    "HomeCheck",
    "check_place_homes",
    "doors",
    "doors_of",
    "first_containing",
    "largest_remainder",
    "spread_groups",
    "spread_residents",
]
