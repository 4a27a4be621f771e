"""One boundary for all departments: overlay, conflicts, proposal, handovers and duties."""

from gridplan.unify.checks import check_zonings
from gridplan.unify.conflicts import agreed_m2, conflict_sums, conflicts, handovers
from gridplan.unify.disagreement import disagreement, mean_disagreement
from gridplan.unify.duties import duties
from gridplan.unify.options import UnifyOptions
from gridplan.unify.overland import Barred
from gridplan.unify.parcels import Ground, Parcels, parcels
from gridplan.unify.proposal import Unified, propose_zones

__all__ = [
    "Barred",
    "Ground",
    "Parcels",
    "Unified",
    "UnifyOptions",
    "agreed_m2",
    "check_zonings",
    "conflict_sums",
    "conflicts",
    "disagreement",
    "duties",
    "handovers",
    "mean_disagreement",
    "parcels",
    "propose_zones",
]
