"""Management cells: partition and codes."""

from gridplan.cells.codes import (
    GB_T_30428,
    CodeProfile,
    assign_codes,
    cell_uids,
    code_faults,
    community_code_faults,
)
from gridplan.cells.land import Land
from gridplan.cells.options import CellOptions
from gridplan.cells.plan import CellPlan, managed_communities, plan_cells
from gridplan.cells.square import partition

__all__ = [
    "GB_T_30428",
    "CellOptions",
    "CellPlan",
    "CodeProfile",
    "Land",
    "assign_codes",
    "cell_uids",
    "code_faults",
    "community_code_faults",
    "managed_communities",
    "partition",
    "plan_cells",
]
