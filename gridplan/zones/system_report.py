"""Names and figures of the zones of a system."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.land import zone_perimeters, zone_sums
from gridplan.zones.names import zone_names
from gridplan.zones.system_ground import Ground
from gridplan.zones.system_seeds import Seeds

_ROUNDING = 1e-9


def system_names(
    ground: Ground, zone: Ints, seeds: Seeds, k: int, *, prefix: str = "Z"
) -> list[str]:
    """Return the id of each zone: its locked name, else the next free ``Z01`` … from the north."""
    numbered = [f"{prefix}{one[1:]}" for one in zone_names(ground.cells, zone, k)]
    locked = {number: name for number, name in enumerate(seeds.names) if name is not None}
    taken = set(locked.values())
    free = (name for name in sorted(numbered) if name not in taken)
    spare = (f"{prefix}{number:0{len(str(k))}d}" for number in range(k + 1, 2 * k + len(taken) + 2))
    names = [""] * k
    for own in sorted(range(k), key=lambda one: numbered[one]):
        if own in locked:
            names[own] = locked[own]
        else:
            names[own] = next(free, "") or next(one for one in spare if one not in taken)
    return names


def system_balance(
    own: gpd.GeoDataFrame,
    ground: Ground,
    zone: Ints,
    names: list[str],
    seeds: Seeds,
    *,
    bounds: tuple[Floats, Floats],
) -> pd.DataFrame:
    """Return the figures of each zone, by ``zone_id``; `zone` is that of each cell."""
    k = len(names)
    area_m2 = zone_sums(ground.cells.area_m2, zone, k)
    outline_m = zone_perimeters(ground.cells, zone, k)
    anchors = [*seeds.anchors, *[None] * (k - len(seeds.anchors))]
    columns: dict[str, object] = {
        "cells": np.bincount(zone, minlength=k),
        "area_m2": area_m2,
        "compactness": 4 * math.pi * area_m2 / outline_m**2,
        "anchor": np.array(anchors, dtype=object),
        "community_id": _communities(own, zone, k),
    }
    for at, name in enumerate(ground.loads):
        load = zone_sums(ground.loads[name].to_numpy(dtype=np.float64), zone, k)
        columns[str(name)] = load
        columns[f"{name}_deviation_share"] = load / (math.fsum(load) / k) - 1
        columns[f"{name}_least"], columns[f"{name}_most"] = (one[:, at] for one in bounds)
    return pd.DataFrame(columns, index=pd.Index(names, name="zone_id")).sort_index()


def system_exceptions(
    own: gpd.GeoDataFrame, ground: Ground, zone: Ints, names: list[str], most: Floats
) -> pd.DataFrame:
    """
    Return the zones that one unit alone puts beyond the most that is allowed.

    Parameters
    ----------
    own : GeoDataFrame
        Cells with ``cell_uid``, in the order of the ground.
    ground : Ground
    zone : array of int, shape (n,)
        Of each cell.
    names : list of str, length k
    most : array of float, shape (k, w)
    """
    rows = []
    zone_of_unit = np.empty(ground.land.count, dtype=np.intp)
    zone_of_unit[ground.unit] = zone
    for at, name in enumerate(ground.loads):
        value = ground.weights[:, at]
        sums = zone_sums(ground.loads[name].to_numpy(dtype=np.float64), zone, len(names))
        for unit in np.flatnonzero(value > most[zone_of_unit, at] * (1 + _ROUNDING)).tolist():
            home = int(zone_of_unit[unit])
            cells = np.flatnonzero(ground.unit == unit)
            column = ground.estates
            estate = None if column is None else own[column].iloc[int(cells[0])]
            rows.append(
                {
                    "zone_id": names[home],
                    "weight": str(name),
                    "cell_uid": own["cell_uid"].iloc[int(cells[0])],
                    "cells": len(cells),
                    "estate_id": None if pd.isna(estate) else estate,
                    "load": value[unit],
                    "most": most[home, at],
                    "zone_load": sums[home],
                }
            )
    columns = ["zone_id", "weight", "cell_uid", "cells", "estate_id", "load", "most", "zone_load"]
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values(["weight", "zone_id", "cell_uid"], ignore_index=True)


def _communities(own: gpd.GeoDataFrame, zone: Ints, k: int) -> np.ndarray:
    found = np.full(k, None, dtype=object)
    if "community_id" in own:
        for number, one in own.groupby(zone, sort=True)["community_id"]:
            if one.notna().all() and (one == one.iloc[0]).all():
                found[int(str(number))] = one.iloc[0]
    return found
