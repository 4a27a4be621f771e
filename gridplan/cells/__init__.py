"""Management cells: partition and codes."""

from gridplan.cells.codes import (
    assign_codes,
    cell_uids,
    code_faults,
    community_code_faults,
    kept_uids,
)
from gridplan.cells.land import Land
from gridplan.cells.options import CellOptions
from gridplan.cells.overflow import Overflow, coarser_open_factor, overflows
from gridplan.cells.plan import CellPlan, managed_communities, plan_cells
from gridplan.cells.profiles import (
    CJ_T_213,
    GB_T_30428,
    GB_T_47678,
    LOCAL_16,
    PROFILES,
    UNIT_GRID,
    CodeProfile,
)
from gridplan.cells.square import partition

__all__ = [
    "CJ_T_213",
    "GB_T_30428",
    "GB_T_47678",
    "LOCAL_16",
    "PROFILES",
    "UNIT_GRID",
    "CellOptions",
    "CellPlan",
    "CodeProfile",
    "Land",
    "Overflow",
    "assign_codes",
    "cell_uids",
    "coarser_open_factor",
    "code_faults",
    "community_code_faults",
    "kept_uids",
    "managed_communities",
    "overflows",
    "partition",
    "plan_cells",
]
