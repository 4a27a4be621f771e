"""The table of what is wrong with a grid that was given, and of what was mended."""

from __future__ import annotations

import pandas as pd
import shapely

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.terms import term

TITLES = {"cell_faults": Message(en="Existing grid", zh="现有网格")}
"""Title of this table in the workbook."""

ABOUT = {
    "cell_faults": Message(
        en="Faults of the existing grid with place and area, and what was mended on request; the "
        "layer cell_faults has their shapes.",
        zh="现有网格的问题及其位置与面积，以及按要求所作的修补；图形见 cell_faults 图层。",
    )
}


def cell_headings() -> dict[str, Message]:
    """Return the headings of this table that no term has."""
    return {
        "fault_cells": Message(en="cells", zh="单元网格"),
        "east_m": Message(en="x (m)", zh="X (m)"),
        "north_m": Message(en="y (m)", zh="Y (m)"),
        "fault_m2": Message(en="area (m²)", zh="面积 (m²)"),
    }


def cell_faults_table(plan: Plan) -> pd.DataFrame:
    """Return one row per fault: kind, cells, community, area, and a point in it."""
    faults = plan.layers.get("cell_faults")
    if faults is None or not len(faults):
        return pd.DataFrame()
    points = shapely.point_on_surface(faults["geometry"].to_numpy())
    return pd.DataFrame(
        {
            "fault": [term(str(one), "cell_fault").message for one in faults["fault"]],
            "fault_cells": faults["cell_id"].astype("object").to_numpy(),
            "other_id": faults["other_id"].astype("object").to_numpy(),
            "community_id": faults["community_id"].astype("object").to_numpy(),
            "fault_m2": faults["area_m2"].to_numpy(dtype=float),
            "repaired": [bool(one) for one in faults["repaired"]],
            "given_to": faults["given_to"].astype("object").to_numpy(),
            "east_m": shapely.get_x(points),
            "north_m": shapely.get_y(points),
        }
    )
