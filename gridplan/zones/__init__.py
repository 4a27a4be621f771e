"""Responsibility zones: contiguity and balanced partition."""

from gridplan.zones.contiguity import Contiguity, rook_graph
from gridplan.zones.dissolve import dissolve_zones
from gridplan.zones.options import ZoneOptions, proposed_k
from gridplan.zones.partition import partition_zones
from gridplan.zones.pieces import number_of_zones
from gridplan.zones.report import ZonePlan

__all__ = [
    "Contiguity",
    "ZoneOptions",
    "ZonePlan",
    "dissolve_zones",
    "number_of_zones",
    "partition_zones",
    "proposed_k",
    "rook_graph",
]
