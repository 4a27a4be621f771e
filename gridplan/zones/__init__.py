"""Responsibility zones: contiguity, balanced partition, districts round a centre."""

from gridplan.zones.contiguity import Contiguity, rook_graph
from gridplan.zones.dissolve import dissolve_zones
from gridplan.zones.districts import districts
from gridplan.zones.districts_problem import (
    DistrictOptions,
    DistrictPlan,
    DistrictProblem,
    district_cost,
)
from gridplan.zones.options import ZoneOptions, proposed_k
from gridplan.zones.partition import partition_zones
from gridplan.zones.pieces import number_of_zones
from gridplan.zones.report import ZonePlan

__all__ = [
    "Contiguity",
    "DistrictOptions",
    "DistrictPlan",
    "DistrictProblem",
    "ZoneOptions",
    "ZonePlan",
    "dissolve_zones",
    "district_cost",
    "districts",
    "number_of_zones",
    "partition_zones",
    "proposed_k",
    "rook_graph",
]
