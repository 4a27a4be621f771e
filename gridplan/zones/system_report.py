"""Names and figures of the zones of a system."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.zones.contiguity import Ints
from gridplan.zones.land import zone_perimeters, zone_sums
from gridplan.zones.report import zone_names
from gridplan.zones.system_ground import Ground
from gridplan.zones.system_seeds import Seeds


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
    own: gpd.GeoDataFrame, ground: Ground, zone: Ints, names: list[str], seeds: Seeds
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
    for name in ground.loads:
        load = zone_sums(ground.loads[name].to_numpy(dtype=np.float64), zone, k)
        columns[str(name)] = load
        columns[f"{name}_deviation_share"] = load / (math.fsum(load) / k) - 1
    return pd.DataFrame(columns, index=pd.Index(names, name="zone_id")).sort_index()


def _communities(own: gpd.GeoDataFrame, zone: Ints, k: int) -> np.ndarray:
    found = np.full(k, None, dtype=object)
    if "community_id" in own:
        for number, one in own.groupby(zone, sort=True)["community_id"]:
            if one.notna().all() and (one == one.iloc[0]).all():
                found[int(str(number))] = one.iloc[0]
    return found
