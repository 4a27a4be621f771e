"""What must hold of departments' zonings before they are laid over the cells."""

from __future__ import annotations

import geopandas as gpd
import shapely

from gridplan.errors import (
    CrsError,
    FaultList,
    InputError,
    Message,
    SettingsError,
    both_ids,
    first_ids,
)
from gridplan.geometry import require_projected_metres
from gridplan.unify.options import UnifyOptions, option_faults
from gridplan.unify.overlay import PROPOSAL

_POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


def check_zonings(
    cells: gpd.GeoDataFrame, zonings: gpd.GeoDataFrame, options: UnifyOptions
) -> None:
    """
    Refuse zonings and settings that no proposal can be made from.

    Raises
    ------
    CrsError
        If the zonings are in another coordinate system than the cells.
    InputError
        For missing columns, names or polygons.
    SettingsError
        If only the settings are at fault.
    """
    crs = require_projected_metres(cells.crs, what="cells")
    if zonings.crs is None or zonings.crs != crs:
        found = "none" if zonings.crs is None else zonings.crs.name
        raise CrsError(
            Message(
                en=f"The departments' zonings are in {found}, the cells in {crs.name}. Convert "
                f"them first, e.g. with `to_crs`.",
                zh=f"部门分区的坐标系为 {found}，单元网格为 {crs.name}。请先转换到同一坐标系。",
            )
        )
    faults = _zoning_faults(zonings)
    departments = [] if faults.faults else sorted(set(zonings["department"].astype(str)))
    settings = option_faults(options, departments) if departments else FaultList()
    if faults.faults:
        raise InputError(*faults.faults, *settings.faults)
    settings.raise_if_any(SettingsError)


def _zoning_faults(zonings: gpd.GeoDataFrame) -> FaultList:
    faults = FaultList()
    missing = [name for name in ("department", "zone_id") if name not in zonings]
    if missing or not len(zonings):
        faults.add(
            en=f"Departments' zonings need the columns `department` and `zone_id`; there are "
            f"{len(zonings)} rows with the columns {[str(one) for one in zonings.columns]}.",
            zh=f"部门分区需要 `department` 与 `zone_id` 字段；现有 {len(zonings)} 行，字段 "
            f"{[str(one) for one in zonings.columns]}。",
        )
        return faults
    for name in ("department", "zone_id"):
        bare = zonings[name].isna() | (zonings[name].astype(str).str.strip() == "")
        if bare.any():
            rows, rows_zh = both_ids([str(at + 1) for at in range(len(zonings)) if bare.iloc[at]])
            faults.add(
                en=f"{int(bare.sum())} of {len(zonings)} rows of the departments' zonings have no "
                f"`{name}`: rows {rows}. Name each.",
                zh=f"部门分区 {len(zonings)} 行中有 {int(bare.sum())} 行缺少 `{name}`："
                f"第 {rows_zh} 行。请补全。",
            )
    if (zonings["department"].astype(str) == PROPOSAL).any():
        faults.add(
            en=f"A department is called `{PROPOSAL}`, which stands for the proposal. Rename it.",
            zh=f"有部门名为 `{PROPOSAL}`，该名称保留给统一方案。请改名。",
        )
    shapes = zonings.geometry.to_numpy()
    odd = ~shapely.is_valid(shapes)
    odd |= shapely.is_missing(shapes) | shapely.is_empty(shapes)
    odd |= ~(
        (shapely.get_type_id(shapes) == _POLYGONS[0])
        | (shapely.get_type_id(shapes) == _POLYGONS[1])
    )
    if odd.any():
        rows = first_ids(
            [f"{zonings['department'].iloc[at]}/{zonings['zone_id'].iloc[at]}"
             for at in range(len(zonings)) if odd[at]]
        )  # fmt: skip
        faults.add(
            en=f"{int(odd.sum())} of {len(zonings)} rows of the departments' zonings are no valid "
            f"polygon: {rows}. Mend or draw them again.",
            zh=f"部门分区 {len(zonings)} 行中有 {int(odd.sum())} 行不是有效的面：{rows}。"
            f"请修复或重新绘制。",
        )
    return faults
