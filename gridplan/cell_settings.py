"""The settings of cells: `[cells]`."""

from __future__ import annotations

import dataclasses
from typing import Literal

import pydantic

from gridplan.cells import GB_T_30428, PROFILES, CellOptions, CodeProfile
from gridplan.cells.options import Borders, CellMethod, Estates, Preset
from gridplan.errors import Message, Note
from gridplan.setting_faults import house_fault
from gridplan.setting_fields import FROZEN, Section, default_of, setting

_SMALLEST_CELL_M2 = 10
_LARGEST_FACTOR = 100
_WIDEST_PART = 12

CodePart = Literal["county", "street", "community", "sequence"]
WhenFull = Literal["coarsen", "stop"]


_ONLY_FABRIC = frozenset({"preset", "borders", "estates", "open_factor", "even_components"})
_ONLY_GIVEN = frozenset({"repair"})
"""Settings that only cells drawn, or taken over, in one way look at."""


class LocalProfile(Section):
    """How an office of its own mind builds the code of a cell."""

    model_config = FROZEN
    name: str = setting(en="Name of the rule, as printed.", zh="编码规则名称。")
    county: int = setting(6, en="Width of the county.", zh="县级码位数。", ge=0, le=_WIDEST_PART)
    street: int = setting(
        3, en="Width of the street or town.", zh="街道（乡镇）码位数。", ge=0, le=_WIDEST_PART
    )
    community: int = setting(
        3, en="Width of the community.", zh="社区码位数。", ge=1, le=_WIDEST_PART
    )
    sequence: int = setting(
        3, en="Width of the sequence.", zh="顺序号位数。", ge=1, le=_WIDEST_PART
    )
    letters: tuple[CodePart, ...] = setting(
        (), en="Parts in which capital letters may stand.", zh="可用大写字母的码段。"
    )

    @pydantic.field_validator("name")
    @classmethod
    def _own_name(cls, name: str) -> str:
        if not name.strip() or not name.isprintable() or name.strip() in PROFILES:
            raise house_fault(
                en="it should be a name of its own, in one line",
                zh="应为自定名称，不能与内置规则同名",
            )
        return name.strip()

    @property
    def profile(self) -> CodeProfile:
        """The profile with these widths."""
        widths = (
            ("county", self.county),
            ("street", self.street),
            ("community", self.community),
            ("sequence", self.sequence),
        )
        return CodeProfile(self.name, tuple(one for one in widths if one[1]), self.letters)


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
    even_components: float = setting(
        default_of(CellOptions, "even_components"),
        en="How much an even number of municipal components (`[place].components`) per cell of "
        "built-up land counts beside area and form; 0: they are only counted.",
        zh="建成区各网格部件数量（`[place].components`）均衡相对于面积与形状的权重；"
        "0 表示只统计数量。",
        ge=0,
        le=_LARGEST_FACTOR,
    )
    code_profile: str | LocalProfile = setting(
        GB_T_30428.name,
        en="How codes are built: `GB/T 30428` (15 digits), `CJ/T 213` (14), `GB/T 47678-2026` (15, "
        "letters allowed), `local 16` (16), or an own one: {name = …, county = 6, street = 3, "
        'community = 3, sequence = 4, letters = ["sequence"]}. The parts of `CJ/T 213` and the '
        "letters of `GB/T 47678-2026` are not verified against the texts.",
        zh="编码规则：`GB/T 30428`（15 位数字）、`CJ/T 213`（14 位）、`GB/T 47678-2026`（15 位，"
        "可含字母）、`local 16`（16 位），或自定：{name = …, county = 6, street = 3, "
        'community = 3, sequence = 4, letters = ["sequence"]}。`CJ/T 213` 的码段与 '
        "`GB/T 47678-2026` 的字母位置尚未对照标准原文核实。",
    )
    when_full: WhenFull = setting(
        "coarsen",
        en="What to do where a community has more cells than its codes can number: `coarsen` "
        "makes the cells of open land larger as far as needed, up to 100 times the target area, "
        "whatever `open_factor` is; `stop` refuses; both refuse, with what would do, where that is "
        "not enough.",
        zh="社区的网格数超过编码容量时：`coarsen` 按需放大非建成区网格（不论 `open_factor` 为何值，"
        "至多为目标面积的 100 倍），`stop` 直接停止；"
        "放大后仍不足时均停止并说明可行的设置。",
    )

    repair: bool = setting(
        default_of(CellOptions, "repair"),
        en="Mend a given grid: gaps go to the neighbour whose buildings reach into them, "
        "else to that with the longest border, overlaps to the cell that has the buildings there "
        "whole, else to the larger, slivers are merged, land "
        "beyond the boundary is cut off; every change is listed, and cells away from a fault stay "
        "as they are. Not set: faults are listed and nothing is changed.",
        zh="修补现有网格：空隙并入有建筑伸入其中的相邻网格，否则并入公共边界最长者，"
        "重叠归完整含有该处建筑的网格（否则归面积较大者），"
        "狭长碎片并入邻格，超出边界部分裁去，逐项列出；远离问题处的网格保持原样。"
        "不设置则只列出问题，不作改动。",
    )

    @pydantic.field_validator("code_profile")
    @classmethod
    def _known_profile(cls, given: str | LocalProfile) -> str | LocalProfile:
        if isinstance(given, str) and given not in PROFILES:
            known = ", ".join(PROFILES)
            raise house_fault(
                en=f"it should be one of {known}, or a table with the widths of the parts",
                zh=f"可选 {known}，或给出各码段位数的表",
            )
        return given

    @property
    def profile(self) -> CodeProfile:
        """How the codes of this plan are built."""
        given = self.code_profile
        return PROFILES[given] if isinstance(given, str) else given.profile

    @property
    def notes(self) -> tuple[Note, ...]:
        """A note where settings are given that cells drawn in this way do not look at."""
        unused = _ONLY_GIVEN if self.method == "fabric" else _ONLY_FABRIC
        if self.method == "square":
            unused = _ONLY_FABRIC | _ONLY_GIVEN
        given = tuple(sorted(unused & self.model_fields_set))
        if not given:
            return ()
        names_en = ", ".join(f"`{name}`" for name in given)
        names_zh = "、".join(f"`{name}`" for name in given)
        message = Message(
            en=f'[cells].method = "{self.method}" does not look at {names_en}: '
            f"{'it is' if len(given) == 1 else 'they are'} given and "
            f"{'changes' if len(given) == 1 else 'change'} nothing. Take "
            f"{'it' if len(given) == 1 else 'them'} out, or choose another method.",
            zh=f'[cells].method = "{self.method}" 不使用 {names_zh}，所设值不起作用。'
            f"请删去，或改用其他方法。",
        )
        return (Note("cell_settings_unused", len(given), message, given),)

    @property
    def options(self) -> CellOptions:
        """The options of the partition; the rest of the section is about codes."""
        names = {field.name for field in dataclasses.fields(CellOptions)}
        return CellOptions(**self.model_dump(include=names))
