"""What a run would refuse for its zone systems, before most of the work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import geopandas as gpd
import pandas as pd

from gridplan.config import Config
from gridplan.demand import spread_residents
from gridplan.errors import FaultList, InfeasibleError, Message
from gridplan.place import Place
from gridplan.steps.zone_bands import check_band
from gridplan.steps.zoning import given_cells, locked_to, of_system, taken_ids
from gridplan.zone_settings import PRESETS, SystemSettings
from gridplan.zones import home_households


def rehearse_systems(
    place: Place, config: Config, cells: gpd.GeoDataFrame, *, faults: FaultList
) -> None:
    """Add to the faults why systems cannot be made of these cells, of every system."""
    cells = cells.assign(cell_uid=cells["cell_id"])
    banded = any(settings.band is not None for _, settings in config.zones.named)
    homes = _homes(place, config) if banded else None
    for name, settings in config.zones.named:
        locked = faults.heed(partial(_locked, place, cells, name, config))
        faults.heed(partial(_check_number, name, settings, cells, config, locked or {}))
        if homes is not None and settings.band is not None:
            faults.heed(partial(_check_band, name, settings, (cells, homes), config))


def _locked(place: Place, cells: gpd.GeoDataFrame, name: str, config: Config) -> dict[str, str]:
    """Return the zone of each cell that stays where a department has it."""
    settings, taken = dict(config.zones.named)[name], taken_ids(config, name, {})
    locked, _ = given_cells(place, cells, name, settings, taken)
    locked_to(cells, name, settings, locked, taken)
    return locked


def _check_number(
    name: str,
    settings: SystemSettings,
    cells: gpd.GeoDataFrame,
    config: Config,
    locked: Mapping[str, str],
) -> None:
    """Refuse more zones than there can be, or fewer than communities that hold some each."""
    zones, free = len(set(locked.values())), len(cells) - len(locked)
    k = _asked_k(name, settings, config)
    _check_nesting(name, settings, cells, config)
    if k > len(cells):
        # The most is a run's to tell: cells that stay together, and open water with its
        # bank, are known there, and leave fewer zones.
        message = Message(
            en=f"{k} zones are asked for, but there are {len(cells)} cells. There can be no more "
            f"zones than cells, and fewer where cells stay together or water goes with its bank. "
            f"Ask for fewer.",
            zh=f"要求划分 {k} 个分区，但只有 {len(cells)} 个单元网格。分区数不得多于网格数；"
            f"须保持完整的网格、随岸边网格的水面均减少可分数量。请减少分区数。",
        )
    elif k > zones + free:
        message = Message(
            en=f"{k} zones are asked for, but {zones} zones of {settings.given} are kept and "
            f"{free} cells are left for others. Ask for {zones + free} at most, or keep fewer.",
            zh=f"要求划分 {k} 个分区，但保留 {settings.given} 的 {zones} 个分区后，只余 {free} 个"
            f"单元网格，最多 {zones + free} 个；也可减少保留的分区。",
        )
    else:
        return
    raise InfeasibleError(of_system(name, message))


def _asked_k(name: str, settings: SystemSettings, config: Config) -> int:
    """Return the number of zones asked for, that of `[zones].k` for the main system; 0: none."""
    return settings.k or (config.zones.k if name == config.zones.main else 0)


def _check_nesting(
    name: str, settings: SystemSettings, cells: gpd.GeoDataFrame, config: Config
) -> None:
    """Refuse fewer zones than communities that hold some each, or more than whole ones make."""
    k = _asked_k(name, settings, config)
    nest = settings.nest or PRESETS[settings.preset].nest
    communities = cells["community_id"].nunique()
    if nest == "inside" and 0 < k < communities:
        message = Message(
            en=f"{k} zones are asked for, each inside one community, but {communities} communities "
            f"have cells. Ask for {communities} at least, or set nest = free.",
            zh=f"要求划分 {k} 个分区且各在一个社区内，但有单元网格的社区有 {communities} 个，"
            f"至少 {communities} 个；或设 nest = free。",
        )
    elif nest == "unions" and k > communities:
        message = Message(
            en=f"{k} zones of whole communities are asked for, but {communities} communities have "
            f"cells. Ask for {communities} at most, or set nest = inside.",
            zh=f"要求划分 {k} 个由整社区组成的分区，但有单元网格的社区只有 {communities} 个，"
            f"最多 {communities} 个；或设 nest = inside。",
        )
    else:
        return
    raise InfeasibleError(of_system(name, message))


def _homes(place: Place, config: Config) -> pd.DataFrame:
    """Return the residents and households of the homes of each community."""
    homes = spread_residents(place, options=config.demand.options)
    each = config.demand.persons_per_household
    return pd.DataFrame(
        {
            "community_id": homes["community_id"].to_numpy(),
            "population": homes["population"].fillna(0).to_numpy(dtype=float),
            "households": home_households(
                homes, place.buildings, persons_per_household=each
            ).to_numpy(),
        }
    )


def _check_band(
    name: str,
    settings: SystemSettings,
    known: tuple[gpd.GeoDataFrame, pd.DataFrame],
    config: Config,
) -> None:
    """Refuse a band that no number of zones satisfies, of what is known before a run."""
    cells, homes = known
    weight = next(iter(settings.weights), PRESETS[settings.preset].weights[0])
    land = pd.DataFrame(
        {"community_id": cells["community_id"], "cells": 1.0, "area_m2": cells.geometry.area}
    )
    table = next((one for one in (homes, land) if weight in one), None)
    if table is None or settings.band is None:
        return
    inside = (settings.nest or PRESETS[settings.preset].nest) == "inside"
    totals = [math.fsum(table[weight])]
    if inside and settings.parent is None:
        totals = table.groupby("community_id")[weight].sum().tolist()
    k = _asked_k(name, settings, config)
    try:
        check_band(settings.band, totals, weight=weight, k=k)
    except InfeasibleError as error:
        raise InfeasibleError(*(of_system(name, one) for one in error.faults)) from error
