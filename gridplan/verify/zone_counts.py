"""What cells have of components, cases and groups of residents, counted from the layers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.frames import Floats, numbers, shapes, texts
from gridplan.verify.world import World, section

_BESIDE_M = 0.05
_UNKNOWN_MIN = 1.0


def counted_loads(world: World) -> dict[str, Floats]:
    """Return, for each such load that the layers allow, what each cell has of it."""
    cells = world.layers["cells"]
    found: dict[str, Floats] = {}
    if "components" in cells:
        found["components"] = np.nan_to_num(numbers(cells, "components"))
    if world.has("in_cases", "effort_min", "geometry") and "geometry" in cells:
        found["cases"] = _minutes(world)
    if world.has("demand", "cell_uid") and "cell_uid" in cells:
        demand, uid = world.layers["demand"], texts(cells, "cell_uid")
        home = texts(demand, "cell_uid")
        for name in sorted(_claimed(world) & set(map(str, demand))):
            people = pd.Series(np.nan_to_num(numbers(demand, name))).groupby(home).sum()
            found[name] = np.asarray(people.reindex(uid).fillna(0.0), dtype=np.float64)
    return found


def _claimed(world: World) -> set[str]:
    """Return the weights of all zone systems that are counted from the homes alone."""
    systems = section(section(world.summary, "zones"), "systems")
    named = {str(one) for name in systems for one in section(section(systems, name), "weights")}
    return named - {"population"}


def _minutes(world: World) -> Floats:
    """Return the minutes of the cases in each cell; of those beside several, each has a part."""
    cases, cells = world.layers["in_cases"], shapes(world.layers["cells"])
    minutes = numbers(cases, "effort_min")
    usual = _UNKNOWN_MIN if np.isnan(minutes).all() else float(np.nanmean(minutes))
    minutes = np.where(np.isnan(minutes), usual, minutes)
    cell, case = shapely.STRtree(shapes(cases)).query(
        cells, predicate="dwithin", distance=_BESIDE_M
    )
    told = pd.DataFrame({"cell": cell, "case": case})
    told["minutes"] = minutes[case] / told.groupby("case")["cell"].transform("size")
    summed = told.groupby("cell")["minutes"].sum().reindex(range(len(cells))).fillna(0.0)
    return np.asarray(summed, dtype=np.float64)
