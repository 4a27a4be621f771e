"""What offices call the fields of their unit grids."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cell_id": (
            "BGCODE", "网格编码", "单元网格编码", "单元网格标识码", "网格代码", "单元网格代码",
            "网格编号", "标识码", "GRID_CODE", "GRIDCODE", "CELL_CODE", "CELLCODE", "WGBM", "WGDM",
            "编码", "CODE",
        ),
        "cell_uid": ("网格永久编号",),
        "community_id": (
            "社区编码", "社区代码", "所属社区编码", "COMMCODE", "COMM_CODE", "SQCODE", "SQBM",
            "SQDM",
        ),
        "name": ("网格名称", "单元网格名称", "BGNAME", "WGMC", "名称"),
        "ended": ("CHDATE", "终止日期", "作废日期", "失效日期"),
    }
)  # fmt: skip
"""Names that offices give these fields, the most telling first; capitals do not matter."""
