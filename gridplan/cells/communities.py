"""What must hold of the communities before they are cut into cells."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from gridplan.cells.options import CellOptions, option_faults
from gridplan.errors import (
    FaultList,
    InputError,
    Message,
    SettingsError,
    agreed,
    both_ids,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.geometry import Geometries, plain_layer, require_projected_metres

OVERLAP_M2 = 1.0
"""Two communities may overlap by this much: lines on the 1 mm grid that lack a common vertex
part by up to half a millimetre, which over a few kilometres is less than 1 m²."""


def checked_communities(communities: gpd.GeoDataFrame, options: CellOptions) -> gpd.GeoDataFrame:
    """
    Return ``community_id`` and normalised geometry sorted by id, or refuse.

    Raises
    ------
    CrsError
        If the communities are in no projected metric system.
    InputError
        If ids are missing or repeated, or a community has no area, is invalid or
        overlaps another by more than `OVERLAP_M2`; faults of the settings are
        reported with them.
    SettingsError
        If only the settings are at fault.
    """
    require_projected_metres(communities.crs, what="communities")
    communities = plain_layer(communities)
    settings = option_faults(options).faults
    found = _column_faults(communities) or _shape_faults(communities)
    total_m2 = 0.0 if found else float(communities.area.sum())
    if not (settings or found):
        settings = _size_faults(options, total_m2)
    if found:
        raise InputError(*found, *settings)
    if settings:
        raise SettingsError(*settings)
    ids = communities["community_id"].astype("string").astype("object")
    plain = gpd.GeoDataFrame(
        {"community_id": ids}, geometry=communities.normalize(), crs=communities.crs
    )
    return plain.sort_values("community_id", kind="stable").reset_index(drop=True)


def _column_faults(communities: gpd.GeoDataFrame) -> list[Message]:
    faults = FaultList()
    if not len(communities):
        faults.add(
            en="There is no community. Give at least one polygon, e.g. the boundary itself.",
            zh="没有任何社区。请至少提供一个面，例如街道边界本身。",
        )
    if "community_id" not in communities:
        faults.add(
            en=f"The communities lack the column `community_id`; they have "
            f"{[str(name) for name in communities.columns]}.",
            zh=f"社区图层缺少字段 `community_id`；现有字段 "
            f"{[str(name) for name in communities.columns]}。",
        )
        return faults.faults
    ids = communities["community_id"]
    if ids.isna().any():
        faults.add(
            en=f"{int(ids.isna().sum())} of {len(ids)} communities "
            f"{agreed(int(ids.isna().sum()), 'has', 'have')} no `community_id`. Give each an id.",
            zh=f"{len(ids)} 个社区中有 {int(ids.isna().sum())} 个没有 `community_id`，请补全。",
        )
    twice = sorted(ids[ids.duplicated() & ids.notna()].astype(str).unique())
    if twice:
        faults.add(
            en=f"{counted(len(twice), 'community id occurs', 'community ids occur')} more than "
            f"once: {first_ids(twice)}. Dissolve the parts of one community into one row.",
            zh=f"{len(twice)} 个社区编号重复：{ids_zh(twice)}。请先把同一社区的各部分合并为一行。",
        )
    return faults.faults


def _shape_faults(communities: gpd.GeoDataFrame) -> list[Message]:
    faults = FaultList()
    ids = communities["community_id"].astype(str).to_numpy()
    shapes = communities.geometry.to_numpy()
    flat = ~(shapely.area(shapes) > 0)
    broken = ~flat & ~shapely.is_valid(shapes)
    for bad, verb, en, zh in (
        (
            flat,
            ("has", "have"),
            "no area. Draw a polygon for each or leave it out",
            "没有面积，请补画或删除",
        ),
        (
            broken,
            ("is no", "are no"),
            "valid polygon (a ring crosses itself). Repair each",
            "几何无效，请修复",
        ),
    ):
        if bad.any():
            which, which_zh = both_ids(sorted(ids[bad]))
            faults.add(
                en=f"{int(bad.sum())} of {len(ids)} communities {agreed(int(bad.sum()), *verb)} "
                f"{en}: {which}.",
                zh=f"{len(ids)} 个社区中有 {int(bad.sum())} 个{zh}：{which_zh}。",
            )
    if not faults.faults:
        _overlap_faults(ids, shapes, faults)
    return faults.faults


def _overlap_faults(ids: np.ndarray, shapes: Geometries, faults: FaultList) -> None:
    order = np.argsort(ids, kind="stable")
    ids, shapes = ids[order], shapes[order]
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    in_order = np.lexsort((right, left))
    left, right = left[in_order], right[in_order]
    area_m2 = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    over = area_m2 > OVERLAP_M2
    if not over.any():
        return
    pairs = [
        f"{ids[a]} / {ids[b]} ({m2:,.0f} m²)"
        for a, b, m2 in zip(left[over], right[over], area_m2[over], strict=True)
    ]
    total = f"{area_m2[over].sum():,.0f}"
    faults.add(
        en=f"{counted(len(pairs), 'pair', 'pairs')} of communities "
        f"{agreed(len(pairs), 'overlaps', 'overlap')}, by {total} m² in all: {first_ids(pairs)}. "
        f"Every place belongs to one community: correct their line.",
        zh=f"{len(pairs)} 对社区相互重叠，共 {total} 平方米：{ids_zh(pairs)}。"
        f"每处土地只能属于一个社区，请修正界线。",
    )


def _size_faults(options: CellOptions, total_m2: float) -> list[Message]:
    faults = FaultList()
    if options.target_m2 > total_m2:
        faults.add(
            en=f"The target area of a cell, {options.target_m2:,.0f} m², is larger than the place, "
            f"{total_m2:,.0f} m². Give a `target_m2` well below that.",
            zh=f"单元网格目标面积 {options.target_m2:,.0f} 平方米大于整个范围 {total_m2:,.0f} "
            f"平方米。请将 `target_m2` 调到远小于该值。",
        )
    expected = total_m2 / options.target_m2
    if expected > options.max_cells:
        faults.add(
            en=f"A target of {options.target_m2:g} m² would give about {expected:,.0f} cells; the "
            f"limit is {options.max_cells:,}. Give a larger `target_m2`, e.g. 10000.",
            zh=f"目标面积 {options.target_m2:g} 平方米将产生约 {expected:,.0f} 个单元网格，"
            f"超过上限 {options.max_cells:,}。请调大 `target_m2`，例如 10000。",
        )
    return faults.faults
