"""Are locked cells in their zones, and has as much changed since an earlier plan as is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import Finding
from gridplan.verify.frames import number, numbers, shapes, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World, section

_LEAST, _RATIO = 0.5, 1e-6


def lock_findings(
    world: World, name: str, claims: Mapping[str, Any], own: pd.DataFrame
) -> list[Finding]:
    """Find the cells that are said to be locked to a zone and are in another one."""
    locked = section(claims, "locked")
    if not locked or not world.has("cells", "cell_id"):
        return []
    code = texts(world.layers["cells"], "cell_id")[own["cell"].to_numpy()]
    zone_of = dict(zip(code, own["zone_id"], strict=True))
    wrong = [
        f"{name}/{zone}: {one}"
        for zone, codes in sorted(locked.items())
        for one in codes
        if zone_of.get(one) != zone
    ]
    return finding("zone_not_locked", wrong, layer="cell_zones")


def move_findings(
    world: World, name: str, claims: Mapping[str, Any], own: pd.DataFrame
) -> list[Finding]:
    """Count again who is in another zone than in the earlier plan."""
    told = claims.get("rezoned")
    if not isinstance(told, Mapping) or not world.has("in_earlier_zones", "zone_system", "zone_id"):
        return []
    moved = _moved(world, name, own)
    true = {"moved_cells": float(len(moved)), "moved_residents": float(moved["people"].sum())}
    wrong = [
        f"{name} {key}"
        for key, value in true.items()
        if not abs((number(told.get(key)) or 0.0) - value) <= _LEAST + _RATIO * value
    ]
    findings = finding("zone_moves", wrong, layer="summary")
    if world.has("zone_moves", "zone_system", "from_zone_id", "to_zone_id", "population"):
        findings += finding("zone_moves", _odd_rows(world, name, moved), layer="zone_moves")
    return findings


def _moved(world: World, name: str, own: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of which most was in another zone, with ``was``, ``now``, ``people``."""
    earlier = world.layers["in_earlier_zones"]
    mine = texts(earlier, "zone_system") == name
    ids, outlines = texts(earlier, "zone_id")[mine], shapes(earlier)[mine]
    cells = world.layers["cells"]
    polygons = shapes(cells)[own["cell"].to_numpy()]
    zone, at = shapely.STRtree(polygons).query(outlines, predicate="intersects")
    table = pd.DataFrame({
        "row": at,
        "was": ids[zone],
        "m2": shapely.area(shapely.intersection(outlines[zone], polygons[at])),
    })  # fmt: skip
    summed = table[table["m2"] > 0].groupby(["row", "was"])["m2"].sum().reset_index()
    most = summed.sort_values(["m2", "was"], ascending=[False, True]).drop_duplicates("row")
    most["now"] = own["zone_id"].to_numpy()[most["row"]]
    people = np.nan_to_num(numbers(cells, "population"))
    most["people"] = people[own["cell"].to_numpy()[most["row"]]]
    return most[most["was"] != most["now"]]


def _odd_rows(world: World, name: str, moved: pd.DataFrame) -> list[str]:
    """Return the pairs of zones of which `zone_moves` tells other residents."""
    table = world.layers["zone_moves"]
    mine = texts(table, "zone_system") == name
    keys = zip(texts(table, "from_zone_id")[mine], texts(table, "to_zone_id")[mine], strict=True)
    told = dict(zip(keys, numbers(table, "population")[mine].tolist(), strict=True))
    true = moved.groupby(["was", "now"])["people"].sum()
    counted = dict(zip(true.index.to_list(), true.to_list(), strict=True))
    pairs = sorted({*told, *counted}, key=str)
    odd = [
        one for one in pairs if not abs(told.get(one, np.nan) - counted.get(one, np.nan)) <= _LEAST
    ]
    return [f"{name}/{was}→{now}" for was, now in odd]
