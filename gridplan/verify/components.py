"""Does the number of components of each cell agree with the points that stand in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Message
from gridplan.verify.findings import STANDARD, Checked, Tolerances
from gridplan.verify.frames import labels, missing_columns, numbers, shapes
from gridplan.verify.rules import finding
from gridplan.verify.world import World


def components_of(world: World) -> Checked:
    """Check the components of a plan."""
    return check_components(
        world.layers["cells"], world.layers["in_components"], tolerances=world.tolerances
    )


def check_components(
    cells: pd.DataFrame, components: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that each component is counted once, in a cell that it lies in.

    Parameters
    ----------
    cells : DataFrame
        ``components``, their number, and polygons in ``geometry``.
    components : DataFrame
        Points in ``geometry``; on a border a component may count on either side.

    Returns
    -------
    Checked
        Figures: ``components_error``, by how much the sum is off.
    """
    absent = missing_columns(components, "in_components", ["geometry"])
    absent += missing_columns(cells, "cells", ["geometry", "components"])
    if absent:
        return Checked(tuple(absent))
    points, areas, counted = shapes(components), shapes(cells), numbers(cells, "components")
    cell, point = shapely.STRtree(points).query(
        areas, predicate="dwithin", distance=tolerances.contact_m
    )
    most = np.bincount(cell, minlength=len(cells))
    several = np.bincount(point, minlength=len(points)) > 1
    least = np.bincount(cell[~several[point]], minlength=len(cells))
    wrong = ~((counted >= least) & (counted <= most))
    placed = len(np.unique(point))
    total = float(np.nan_to_num(counted).sum())
    told = Message(
        en=f"{total:g} counted, {placed} in a cell", zh=f"计数 {total:g}，网格内 {placed}"
    )
    found = finding("components_differ", labels(cells, "cells")[wrong], layer="cells", detail=told)
    if not found and total != placed:
        found = finding("components_differ", [f"{total:g} / {placed}"], layer="cells", detail=told)
    return Checked(tuple(found), {"components_error": abs(total - placed)})
