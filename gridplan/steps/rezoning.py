"""Zones that were there before, given or of an earlier plan, and cells that are locked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import geopandas as gpd
import pandas as pd
import shapely

from gridplan.errors import FaultList, Message, Note, SettingsError, counted, first_ids, ids_zh
from gridplan.place import Place
from gridplan.zone_settings import SystemSettings
from gridplan.zones import SystemPlan


def zone_with_most(cells: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> pd.Series[str]:
    """Return the zone that has most of each cell's area, by ``cell_uid``; null for none."""
    shapes, drawn = cells.geometry.to_numpy(), zones.geometry.to_numpy()
    zone, at = shapely.STRtree(shapes).query(drawn, predicate="intersects")
    area = shapely.area(shapely.intersection(drawn[zone], shapes[at]))
    held = pd.DataFrame({"cell": at, "zone": zones["zone_id"].to_numpy()[zone], "m2": area})
    summed = held.groupby(["cell", "zone"], sort=True)["m2"].sum().reset_index()
    summed = summed[summed["m2"] > 0].sort_values(["m2", "zone"], ascending=[False, True])
    most = summed.drop_duplicates("cell").set_index("cell")["zone"]
    found = pd.Series(range(len(cells)), index=cells["cell_uid"]).map(most).astype("object")
    return found.where(found.notna(), None)


def earlier_zones(place: Place, cells: gpd.GeoDataFrame, name: str) -> pd.Series[str] | None:
    """Return the zone of an earlier plan that has most of each cell; null: it had none of it."""
    zones = place.earlier_zones
    own = zones[zones["zone_system"] == name]
    return None if own.empty else zone_with_most(cells, own)


def locked_cells(
    cells: gpd.GeoDataFrame,
    settings: SystemSettings,
    given: Mapping[str, str],
    taken: Callable[[str], bool],
) -> dict[str, str]:
    """
    Return the zone of each cell that the settings lock, by ``cell_uid``.

    Parameters
    ----------
    given : mapping of ``cell_uid`` to zone
        Cells of given zones; a cell cannot be locked to another one.
    taken : callable
        Whether another system has, or would give, a zone of this name.

    Raises
    ------
    SettingsError
        With one message per fault: codes that no cell has, cells that are locked to several
        zones, and names that are not free.
    """
    faults = FaultList()
    uid_of = dict(zip(cells["cell_id"].astype(str), cells["cell_uid"].astype(str), strict=True))
    zones: dict[str, list[str]] = {}
    for zone, codes in sorted(settings.locked.items()):
        for code in dict.fromkeys(codes):
            zones.setdefault(code, []).append(zone)
    unknown = sorted(set(zones) - set(uid_of))
    if unknown:
        faults.add(
            en=f"`locked` names {counted(len(unknown), 'cell that does', 'cells that do')} not "
            f"exist: {first_ids(unknown)}. Give codes of cells (`cell_id`), as the table of cells "
            f"has them.",
            zh=f"`locked` 中有 {len(unknown)} 个网格不存在：{ids_zh(unknown)}。"
            f"请填写单元网格编码（`cell_id`）。",
        )
    for code, own in sorted(zones.items()):
        before = given.get(uid_of.get(code, ""))
        several = sorted({*own, *([before] if before is not None else [])})
        if len(several) > 1:
            faults.add(
                en=f"Cell {code} is locked to {len(several)} zones that contradict each other: "
                f"{', '.join(several)}. Lock it to one.",
                zh=f"网格 {code} 同时锁定于 {len(several)} 个分区，相互矛盾："
                f"{'、'.join(several)}。请只保留一个。",
            )
    used = sorted(zone for zone in settings.locked if taken(zone))
    if used:
        faults.add(
            en=f"`locked` calls zones as another system does or would: {', '.join(used)}. Choose "
            f"other names, for tables name zones without their system.",
            zh=f"`locked` 的分区名称与其他体系重复：{'、'.join(used)}。请换用其他名称。",
        )
    faults.raise_if_any(SettingsError)
    return {uid_of[code]: own[0] for code, own in zones.items()}


def moves_between(
    plan: SystemPlan, earlier: pd.Series[str], people: pd.Series[float]
) -> pd.DataFrame:
    """
    Return what changes zone: ``from_zone_id``, ``to_zone_id``, ``cells``, ``population``.

    Cells that were in no zone before are left out.
    """
    now = plan.zone_of
    was = earlier.reindex(now.index)
    table = pd.DataFrame(
        {
            "from_zone_id": was.to_numpy(dtype=object),
            "to_zone_id": now.to_numpy(dtype=object),
            "cells": 1,
            "population": people.reindex(now.index).fillna(0.0).to_numpy(dtype=float),
        }
    )
    moved = table[was.notna().to_numpy() & (table["from_zone_id"] != table["to_zone_id"])]
    keys = ["from_zone_id", "to_zone_id"]
    return moved.groupby(keys, sort=True)[["cells", "population"]].sum().reset_index()


def rezoned_note(moves: pd.DataFrame, people: float) -> Note:
    """Return how many people are in another zone than before, and between which zones."""
    moved = float(moves["population"].sum())
    share = moved / people if people else 0.0
    pairs = tuple(
        f"{a}→{b}" for a, b in zip(moves["from_zone_id"], moves["to_zone_id"], strict=True)
    )
    shown = f" ({first_ids(pairs)})" if pairs else ""
    message = Message(
        en=f"{moved:,.0f} residents ({share:.1%}) in "
        f"{counted(int(moves['cells'].sum()), 'cell', 'cells')} are in another zone than in the "
        f"earlier plan{shown}.",
        zh=f"与原方案相比，{int(moves['cells'].sum())} 个网格、{moved:,.0f} 名居民（{share:.1%}）"
        f"改变所属分区{shown}。",
    )
    return Note("zones_rezoned", round(moved), message, pairs)
