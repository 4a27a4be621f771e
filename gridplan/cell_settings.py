"""The settings of cells: `[cells]`."""

from __future__ import annotations

from gridplan.cells import CellOptions
from gridplan.cells.options import Borders, CellMethod, Estates, Preset
from gridplan.setting_fields import FROZEN, Section, default_of, setting

_SMALLEST_CELL_M2 = 10
_LARGEST_FACTOR = 100


class CellSettings(Section):
    """`[cells]`: the management cells."""

    model_config = FROZEN
    method: CellMethod = setting(
        default_of(CellOptions, "method"),
        en="How cells are drawn: `fabric` follows streets, water and walls and cuts no building; "
        "`square` cuts a lattice; `given` takes over the grid of `[place].cells`.",
        zh="单元网格划分方法：`fabric` 沿道路、水系与围墙划分且不切割建筑；`square` 为方格网；"
        "`given` 沿用 `[place].cells` 中的现有网格。",
    )
    preset: Preset = setting(
        default_of(CellOptions, "preset"),
        en="`uniform`: areas near the target first; `recognisable`: borders on streets, walls and "
        "canals first.",
        zh="`uniform` 优先接近目标面积；`recognisable` 优先以道路、围墙、河道为界。",
    )
    borders: Borders = setting(
        default_of(CellOptions, "borders"),
        en="Lines that cells follow: `major` (streets for vehicles, railways, water, walls) or "
        "`all` (service ways and paths too).",
        zh="可作界线的线：`major` 为车行道路、铁路、水系、围墙；`all` 还含内部道路与小路。",
    )
    estates: Estates = setting(
        default_of(CellOptions, "estates"),
        en="A walled estate is divided only inside itself (`cut`) or is one cell (`whole`).",
        zh="封闭小区只在内部划分（`cut`）或整体为一个网格（`whole`）。",
    )
    target_m2: float = setting(
        default_of(CellOptions, "target_m2"),
        en="Target area of a cell.",
        zh="单元网格目标面积。",
        unit="m²",
        ge=_SMALLEST_CELL_M2,
    )
    open_factor: float = setting(
        default_of(CellOptions, "open_factor"),
        en="Cells of land that is not built up are this many times the target area.",
        zh="非建成区网格面积为目标面积的倍数。",
        ge=1,
        le=_LARGEST_FACTOR,
    )
    open_share: float = setting(
        default_of(CellOptions, "open_share"),
        en="Land with less than this share under buildings is not built up.",
        zh="建筑占地比例低于此值的土地视为非建成区。",
        unit="share",
        ge=0,
        le=1,
    )
    repair: bool = setting(
        default_of(CellOptions, "repair"),
        en="Mend a given grid: gaps go to the neighbour with the longest border, overlaps to the "
        "larger cell, slivers are merged, land beyond the boundary is cut off; every change is "
        "listed. Not set: faults are listed and nothing is changed.",
        zh="修补现有网格：空隙并入公共边界最长的相邻网格，重叠归面积较大者，狭长碎片并入邻格，"
        "超出边界部分裁去，逐项列出。不设置则只列出问题，不作改动。",
    )
