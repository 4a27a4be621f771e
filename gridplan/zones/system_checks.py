"""What must hold of cells, weights, rules and settings before a zone system is made."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.errors import (
    FaultList,
    InfeasibleError,
    InputError,
    SettingsError,
    agreed,
    both_ids,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.geometry import require_projected_metres
from gridplan.zones.checks import cell_faults, weight_faults
from gridplan.zones.contiguity import Ints
from gridplan.zones.system_ground import Ground
from gridplan.zones.system_options import SystemOptions, system_option_faults
from gridplan.zones.system_rules import SystemRules


def check_system(
    cells: gpd.GeoDataFrame, weights: pd.DataFrame, rules: SystemRules, options: SystemOptions
) -> None:
    """
    Refuse what no zone system can be made of.

    Raises
    ------
    CrsError, InputError, SettingsError
        As in `gridplan.zones.zone_system`.
    """
    require_projected_metres(cells.crs, what="cells")
    settings = system_option_faults(options, [str(name) for name in weights])
    faults = cell_faults(cells)
    if not faults.faults:
        _column_faults(cells, weights, rules, options, faults)
        for name in weights:
            weight_faults(cells["cell_uid"], weights[name], faults, name=str(name))
        _rule_faults(cells, rules, options, faults)
    if faults.faults:
        raise InputError(*faults.faults, *settings.faults)
    settings.raise_if_any(SettingsError)


def _column_faults(
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    rules: SystemRules,
    options: SystemOptions,
    faults: FaultList,
) -> None:
    if not weights.shape[1]:
        faults.add(
            en="The table of weights has no column. Give at least one, e.g. `population`.",
            zh="权重表没有任何列，请至少给出一列，例如 `population`。",
        )
    wanted = ["community_id"] if options.nest != "free" else []
    wanted += [rules.estates] if rules.estates is not None else []
    for name in wanted:
        if name not in cells:
            faults.add(
                en=f"The cells have no column `{name}`, which the zones depend on; they have "
                f"{[str(one) for one in cells.columns]}.",
                zh=f"单元网格缺少责任区所依据的 `{name}` 字段；现有 "
                f"{[str(one) for one in cells.columns]}。",
            )
    if options.nest != "free" and "community_id" in cells:
        bare = cells["community_id"].isna()
        if bare.any():
            shown, shown_zh = both_ids(sorted(cells.loc[bare, "cell_uid"].astype(str)))
            faults.add(
                en=f"{int(bare.sum())} of {len(cells)} cells "
                f"{agreed(int(bare.sum()), 'has', 'have')} no `community_id`: {shown}. "
                f"Zones that nest in communities need one for each cell.",
                zh=f"{len(cells)} 个单元网格中有 {int(bare.sum())} 个没有 `community_id`："
                f"{shown_zh}。责任区嵌套于社区时每格都须有。",
            )


def _rule_faults(
    cells: gpd.GeoDataFrame, rules: SystemRules, options: SystemOptions, faults: FaultList
) -> None:
    known = set(cells["cell_uid"])
    outside = sorted(f"{name} → {uid}" for name, uid in rules.anchors.items() if uid not in known)
    if outside:
        faults.add(
            en=f"{len(outside)} of {len(rules.anchors)} anchors are in no cell: "
            f"{first_ids(outside)}. Give the `cell_uid` that each stands in, or leave it out.",
            zh=f"{len(rules.anchors)} 个锚点中有 {len(outside)} 个不在任何网格内："
            f"{ids_zh(outside)}。请给出其所在的 `cell_uid`，或去掉。",
        )
    unknown = sorted(str(uid) for uid in rules.locked if uid not in known)
    if unknown:
        faults.add(
            en=f"{len(unknown)} of {len(rules.locked)} locked cells do not exist: "
            f"{first_ids(unknown)}.",
            zh=f"{len(rules.locked)} 个锁定网格中有 {len(unknown)} 个不存在：{ids_zh(unknown)}。",
        )
    lost = sorted(set(options.kept) - set(rules.locked.values()))
    if lost:
        faults.add(
            en=f"{counted(len(lost), 'zone is', 'zones are')} to be kept, but no cell is locked to "
            f"{agreed(len(lost), 'it', 'them')}: "
            f"{first_ids(lost)}.",
            zh=f"{len(lost)} 个责任区要求保留，但没有网格锁定于其中：{ids_zh(lost)}。",
        )


def check_quota(ground: Ground, k: int, least: Ints, room: Ints, anchors: int) -> None:
    """
    Refuse a number of zones that the land, anchors and locks do not allow.

    Parameters
    ----------
    ground : Ground
    k : int
        Asked for; 0: none.
    least, room : array of int
        Zones that begin in each piece of land, and the most that it has room for.
    anchors : int

    Raises
    ------
    InfeasibleError
    """
    fewest, most = int(np.maximum(least, 1).sum()), int(room.sum())
    pieces = len(room)
    faults = FaultList()
    if k > most:
        cells, units = len(ground.unit), ground.land.count
        faults.add(
            en=f"{counted(k, 'zone is', 'zones are')} asked for, but there are "
            f"{counted(cells, 'cell', 'cells')} in {counted(units, 'unit', 'units')} that stay "
            f"together, some of them in {counted(int(least.sum()), 'zone', 'zones')} that anchors "
            f"and locks begin. "
            f"The largest possible number of zones is {most}.",
            zh=f"要求划分 {k} 个责任区，但只有 {cells} 个单元网格，合为 {units} 个须保持完整的"
            f"单元，锚点与锁定已占 {int(least.sum())} 区。责任区数量最多为 {most}。",
        )
    elif 0 < k < fewest:
        smallest = int(np.bincount(ground.piece).min())
        faults.add(
            en=f"{counted(k, 'zone is', 'zones are')} asked for. The land is in "
            f"{counted(pieces, 'piece', 'pieces')} with no way between them (the smallest of "
            f"{counted(smallest, 'unit', 'units')}), and anchors ({anchors}) and locks begin "
            f"{counted(int(least.sum()), 'zone', 'zones')}; {k} connected zones cannot be. The "
            f"smallest possible "
            f"number is {fewest}; small islands can be attached.",
            zh=f"要求划分 {k} 个责任区。范围由 {pieces} 块互不相通的用地组成（最小的一块有 "
            f"{smallest} 个单元），锚点（{anchors} 个）与锁定已占 {int(least.sum())} 区；"
            f"{k} 个连片责任区不可行。责任区数量最少为 {fewest}；小块孤岛可选择并入。",
        )
    faults.raise_if_any(InfeasibleError)
