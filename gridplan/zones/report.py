"""A partition as it leaves the room: numbered zones, their balance, what was missed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from gridplan.cells.order import reading_order
from gridplan.errors import Message, Note, first_ids
from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.land import Land, zone_perimeters, zone_sums
from gridplan.zones.limits import BalanceLimit
from gridplan.zones.options import ZoneStart

_LEAST_DIGITS = 2


@dataclass(frozen=True)
class ZonePlan:
    """
    Zones of a set of cells, and how well they meet what was asked.

    Attributes
    ----------
    zone_of : Series of str, indexed by ``cell_uid`` in the order of the cells
        ``zone_id`` of each cell: ``Z01`` … in rows from the north, from west to east.
    balance : DataFrame indexed by ``zone_id``
        ``cells``, ``load``, ``deviation_share`` (load over mean load, less 1),
        ``compactness`` (isoperimetric quotient, 0 to 1, higher is more compact).
    k : int
        Number of zones.
    tolerance : float
        The largest deviation asked for.
    balanced_on : {"weights", "area"}
        What ``load`` is: the weights given, or the area in m² where all were zero.
    start : {"own", "metis"}
        The first partition that led to this one.
    work : int
        Moves proposed.
    targets_missed : tuple of Note
        Soft targets that were not reached, with the zones concerned, the worst first.
    notes : tuple of Note
        What else the planner should know.
    """

    zone_of: pd.Series[str]
    balance: pd.DataFrame
    k: int
    tolerance: float
    balanced_on: Literal["weights", "area"]
    start: ZoneStart
    work: int
    targets_missed: tuple[Note, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def max_deviation_share(self) -> float:
        """Largest difference of a zone's load from the mean, as a share of the mean."""
        return float(self.balance["deviation_share"].abs().max())


def zone_names(land: Land, zone: Ints, k: int) -> list[str]:
    """
    Return the id of each zone: numbered in rows from the north, from west to east.

    Zones are placed by their centroids; a row is as high as a square of the mean area
    of a zone.
    """
    area_m2 = zone_sums(land.area_m2, zone, k)
    x = zone_sums(land.x * land.area_m2, zone, k) / area_m2
    y = zone_sums(land.y * land.area_m2, zone, k) / area_m2
    first_cell = np.unique(zone, return_index=True)[1]
    order = reading_order(x, y, row_height_m=math.sqrt(area_m2.mean()), ties=first_cell)
    digits = max(_LEAST_DIGITS, len(str(k)))
    names = [""] * k
    for number, own in enumerate(order.tolist(), start=1):
        names[own] = f"Z{number:0{digits}d}"
    return names


def balance_table(land: Land, zone: Ints, names: list[str]) -> pd.DataFrame:
    """Return cells, load, deviation and compactness of each zone, by ``zone_id``."""
    k = len(names)
    load = zone_sums(land.load, zone, k)
    area_m2 = zone_sums(land.area_m2, zone, k)
    outline_m = zone_perimeters(land, zone, k)
    table = pd.DataFrame(
        {
            "cells": np.bincount(zone, minlength=k),
            "load": load,
            "deviation_share": load / (math.fsum(load) / k) - 1,
            "compactness": 4 * math.pi * area_m2 / outline_m**2,
        },
        index=pd.Index(names, name="zone_id"),
    )
    return table.sort_index()


def missed_targets(
    balance: pd.DataFrame,
    zone_of: pd.Series[str],
    loads: Floats,
    tolerance: float,
    *,
    limit: BalanceLimit | None = None,
) -> tuple[Note, ...]:
    """
    Return a note that names the zones beyond the tolerance, the worst first.

    `limit` says why no partition could have met it, where that is known.
    """
    off = balance["deviation_share"].abs()
    beyond = off[off > tolerance + np.finfo(float).eps]
    if beyond.empty:
        return ()
    worst_first = beyond.sort_values(ascending=False, kind="stable").index.tolist()
    worst = worst_first[0]
    load, share = balance.loc[worst, ["load", "deviation_share"]]
    mean = math.fsum(balance["load"]) / len(balance)
    en, zh = _cause(zone_of, loads, worst, (1 + tolerance) * mean)
    # As asked for: 0.001 is no ±0 %.
    band = f"±{100 * tolerance:.6g}%"
    message = Message(
        en=f"{len(beyond)} of {len(balance)} zones are beyond {band} of the mean load "
        f"{mean:,.0f}: {first_ids(worst_first)}. {worst} binds: {load:,.0f} ({share:+.1%}){en}.",
        zh=f"{len(balance)} 个责任区中有 {len(beyond)} 个超出均值 {mean:,.0f} 的 "
        f"{band}：{first_ids(worst_first)}。偏差最大的是 {worst}：{load:,.0f}"
        f"（{share:+.1%}）{zh}。",
    )
    if limit is not None:
        message = Message(
            en=f"{message.en} {limit.message.en}", zh=f"{message.zh}{limit.message.zh}"
        )
    return (Note("zone_balance", len(beyond), message, tuple(worst_first)),)


def _cause(zone_of: pd.Series[str], loads: Floats, worst: str, most: float) -> tuple[str, str]:
    own = np.flatnonzero(zone_of.to_numpy() == worst)
    heaviest = int(own[loads[own].argmax()])
    if loads[heaviest] <= most:
        return "", ""
    uid, load = zone_of.index[heaviest], loads[heaviest]
    return f", of which {load:,.0f} in cell {uid} alone", f"，其中单元网格 {uid} 独占 {load:,.0f}"
