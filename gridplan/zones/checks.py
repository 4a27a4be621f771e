"""What must hold of cells and weights before zones are made."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.errors import FaultList, agreed, both_ids, first_ids, ids_zh


def cell_faults(cells: gpd.GeoDataFrame) -> FaultList:
    """Return what is wrong with the ids of cells."""
    faults = FaultList()
    if "cell_uid" not in cells or not len(cells):
        faults.add(
            en=f"Zones need cells with a column `cell_uid`; there are {len(cells)} cells with the "
            f"columns {[str(name) for name in cells.columns]}.",
            zh=f"划分责任区需要带 `cell_uid` 字段的单元网格；现有 {len(cells)} 个，字段 "
            f"{[str(name) for name in cells.columns]}。",
        )
        return faults
    uid = cells["cell_uid"]
    bad = uid.isna() | uid.duplicated(keep=False)
    if bad.any():
        shown, shown_zh = both_ids(sorted(uid[bad].astype(str).unique()))
        faults.add(
            en=f"{int(bad.sum())} of {len(uid)} cells "
            f"{agreed(int(bad.sum()), 'has', 'have')} no `cell_uid` or one that occurs more "
            f"than once: {shown}. Give each cell its own.",
            zh=f"{len(uid)} 个单元网格中有 {int(bad.sum())} 个缺少 `cell_uid` 或编号重复："
            f"{shown_zh}。请为每个网格设唯一编号。",
        )
    return faults


def weight_faults(
    uid: pd.Series[str], weights: pd.Series[float], faults: FaultList, *, name: str = ""
) -> None:
    """Add what is wrong with the weights of cells; a name tells one of several from others."""
    of_en, of_zh = (f"{name}: ", f"{name}：") if name else ("", "")
    known, given = set(uid), set(weights.index)
    unweighted = sorted(known - given)
    unknown = sorted(str(label) for label in given - known)
    twice = sorted(str(label) for label in weights.index[weights.index.duplicated()].unique())
    for labels, en, zh in (
        (unweighted, f"{len(unweighted)} of {len(known)} cells have no weight", "个网格没有权重"),
        (unknown, f"{len(unknown)} weights belong to no cell", "个权重不属于任何网格"),
        (twice, f"{len(twice)} cells have more than one weight", "个网格有多个权重"),
    ):
        if labels:
            faults.add(
                en=f"{of_en}{en}: {first_ids(labels)}. "
                f"Index the weights by `cell_uid`, one per cell.",
                zh=f"{of_zh}{len(labels)} {zh}：{ids_zh(labels)}。"
                f"权重须以 `cell_uid` 为索引，一格一个。",
            )
    numbers = pd.to_numeric(weights, errors="coerce").astype("float64")
    bad = ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        shown, shown_zh = both_ids([f"{label} = {value}" for label, value in weights[bad].items()])
        faults.add(
            en=f"{of_en}{int(bad.sum())} of {len(weights)} weights "
            f"{agreed(int(bad.sum()), 'is', 'are')} missing, negative or not "
            f"finite: {shown}. Give numbers from 0 up.",
            zh=f"{of_zh}{len(weights)} 个权重中有 {int(bad.sum())} 个缺失、为负或无穷：{shown_zh}。"
            f"权重应为非负数。",
        )
