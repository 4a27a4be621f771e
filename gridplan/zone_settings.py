"""The settings of zones: `[zones]`, and `[zones.systems.NAME]` for each zone system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import pydantic

from gridplan.errors import Message
from gridplan.setting_faults import house_fault, listed, refuse_together
from gridplan.setting_fields import FROZEN, Section, default_of, setting
from gridplan.zones import CELL_LOADS, SystemOptions
from gridplan.zones.system_options import Islands, Nesting

Preset = Literal["enforcement", "social_grid", "patrol"]
KeptWhole = Literal["all"]
UNIFIED = "unified"
"""The system that all departments share has this name; it is made by `[unify]`."""


@dataclass(frozen=True, slots=True)
class PresetValues:
    """What a preset sets where a system does not say otherwise."""

    weights: tuple[str, ...]
    nest: Nesting
    by_band: bool
    starts: int
    moves_per_unit: int
    work: int
    prefix: str
    border_weight: float = 0.0


PRESETS: dict[Preset, PresetValues] = {
    "enforcement": PresetValues(("population",), "free", by_band=False, starts=8,
                                moves_per_unit=60, work=1_200_000, prefix="Z",
                                border_weight=0.2),
    "social_grid": PresetValues(("households",), "inside", by_band=True, starts=3,
                                moves_per_unit=100, work=400_000, prefix="G"),
    "patrol": PresetValues(("effort",), "free", by_band=False, starts=3,
                           moves_per_unit=100, work=400_000, prefix="P"),
}  # fmt: skip
"""
Presets from practice; how many zones, or how large, is a norm (`[norms]`). Small zones need fewer
moves for each unit.
"""

_PAIR = 2
_WEIGHTS = ", ".join(f"`{one}`" for one in CELL_LOADS)


class SystemSettings(Section):
    """`[zones.systems.NAME]`: one zone system; what is not set is as its preset has it."""

    model_config = FROZEN
    preset: Preset = setting(
        "enforcement",
        en="`enforcement`: 4 to 11 zones of even residents; `social_grid`: 300 to 500 households "
        "inside one community; `patrol`: about 18 cells, even effort (streets and residents). "
        "The numbers are norms. A system named like a preset has it anyway.",
        zh="`enforcement`：4–11 个责任区，人口均衡；`social_grid`：每格 300–500 户，"
        "不跨社区；`patrol`：约 18 个单元网格，按道路长度与人口计的工作量均衡。"
        "各数值见规范值。与预设同名的体系即采用该预设。",
    )
    k: int = setting(
        0, en="Number of zones; 0: by the preset's norm.", zh="分区数量；0 表示按规范值。", ge=0
    )
    tolerance: float | None = setting(
        None,
        en="Largest deviation of the weights from their mean; takes the place of the preset's "
        "size band. Not set: [zones].tolerance.",
        zh="各权重与均值的最大偏差；填写后不再采用预设的规模区间。不填则按 [zones].tolerance。",
        unit="share",
        gt=0,
        le=1,
    )
    weights: dict[str, float] = setting(
        {},
        en="What zones share evenly, with the tolerance of each, the first one decides on the size "
        f"band: of {_WEIGHTS} and the groups of the population table, e.g. {{ population = 0.2, "
        "age_60_plus = 0.3 }. Empty: the preset's.",
        zh=f"各分区须均衡的权重及其容差，第一个决定规模区间：可选 {_WEIGHTS} 及人口表中的人群，如 "
        "{ population = 0.2, age_60_plus = 0.3 }。不填则按预设。",
    )
    band: tuple[float, float] | None = setting(
        None,
        en="Least and most of the first weight in a zone, e.g. [300, 500]; in place of its "
        "tolerance.",
        zh="每区第一个权重的最小值与最大值，如 [300, 500]，代替其容差。",
    )
    nest: Nesting | None = setting(
        None,
        en="`free`, `inside` one community each, or `unions` of whole communities. Not set: the "
        "preset's.",
        zh="`free` 不受社区限制，`inside` 各在一个社区内，`unions` 由整社区组成。不填则按预设。",
    )
    anchors: Literal["none", "committees"] = setting(
        "none",
        en="`committees`: no zone holds two committees, so that there are at least as many zones.",
        zh="`committees`：每区至多一个居委会，分区数不少于居委会数。",
    )
    estates: Literal["whole", "cut"] = setting(
        "whole",
        en="Estates stay `whole`, but for those larger than a zone may be, or may be `cut` between "
        "cells.",
        zh="`whole` 小区保持完整（超过单区上限者除外），`cut` 可沿网格分属不同分区。",
    )
    parent: str | None = setting(
        None,
        en="Name of a system: each zone lies inside one of its zones.",
        zh="上级体系名称：每个分区位于其某一分区之内。",
    )
    given: str | None = setting(
        None,
        en="A department of [place].zonings whose zones are given: a cell goes with the zone that "
        "has most of it.",
        zh="[place].zonings 中的部门，以其现有分区为准：网格归面积占比最大的分区。",
    )
    keep: KeptWhole | tuple[str, ...] = setting(
        "all",
        en='Which zones of `given` are kept: "all" (cells of nobody are added to them), or a list '
        "of their ids; these stay as they are, and the rest is zoned anew. [] keeps none.",
        zh='`given` 中保留的分区："all" 全部保留（无归属的网格并入），或编号列表：'
        "所列分区不变，其余重新划分；[] 表示均不保留。",
    )
    water_parts: bool = setting(
        True,  # noqa: FBT003 - a default, as in every field
        en="Zones hang together over land: water, a railway, a motorway or a trunk road with a "
        "barrier between two cells parts them, where no street, bridge or level crossing is "
        "within [zones].crossing_m. What has to reach across for all that is named. `false`: a "
        "common border is enough.",
        zh="分区须陆上连片：两格之间的水系、铁路、高速公路或有隔离设施的快速路，"
        "若 [zones].crossing_m 内无道路、桥梁或道口，即视为隔断；仍须跨越者逐一列出。"
        "`false` 则有公共边即可。",
    )
    islands: Islands = setting(
        "own",
        en="Land without a border to the rest, if it has less than half a mean zone: `own` zones, "
        "or `attach` it to the nearest cell.",
        zh="与其余用地不相邻且不足半个平均分区的孤岛：`own` 单独设区，`attach` 并入最近的网格。",
    )
    border_weight: float | None = setting(
        None,
        en="How much shorter a border counts where it runs along a street or water: with more, "
        "zones follow these more and are less round. Not set: 0.2 for `enforcement`, else 0.",
        zh="界线沿道路或水系时按此比例折减长度：越大越贴合道路与水系，形状越不紧凑。"
        "不填：`enforcement` 为 0.2，其余为 0。",
        unit="share",
        ge=0,
        le=0.9,
    )
    locked: dict[str, tuple[str, ...]] = setting(
        {},
        en="Cells that are in one zone, whatever else: name of the zone = codes of its cells, e.g. "
        '{ market = ["320583102001001", "320583102001002"] }; the zone has that name.',
        zh="固定同属一个分区的网格：分区名称 = 网格编码列表，如 "
        '{ market = ["320583102001001", "320583102001002"] }，该分区即以此命名。',
    )
    stability: float = setting(
        0.5,
        en="Where [place].earlier_zones has zones of this system: 0 for the best zones by "
        "themselves, 1 for as few people as possible in another zone than before.",
        zh="[place].earlier_zones 含本体系分区时：0 只求分区最优，1 尽量少改变居民所属分区。",
        unit="share",
        ge=0,
        le=1,
    )
    seed: int | None = setting(
        None, en="Seed; not set: [run].seed.", zh="随机种子；不填则按 [run].seed。", ge=0
    )
    starts: int | None = setting(
        None,
        en="Partitions to begin with, the best result is kept. Not set: the preset's.",
        zh="初始方案个数，取最优者。不填则按预设。",
        ge=1,
        le=100,
    )

    @pydantic.field_validator("weights")
    @classmethod
    def _shares_as_tolerances(cls, weights: dict[str, float]) -> dict[str, float]:
        wrong = {one: share for one, share in weights.items() if not 0 < share <= 1}
        if wrong:
            raise house_fault(
                en=f"tolerances should be above 0 and at most 1, not {listed(wrong)}",
                zh=f"容差应大于 0 且不超过 1，现为 {listed(wrong)}",
            )
        return weights

    @pydantic.field_validator("band", mode="before")
    @classmethod
    def _two_numbers(cls, band: object) -> object:
        if isinstance(band, list | tuple) and len(band) != _PAIR:
            raise house_fault(
                en=f"it should be two numbers, the least and the most of a zone, e.g. [300, 500]; "
                f"it has {len(band)}",
                zh=f"应为两个数，即每区最少与最多，如 [300, 500]；现有 {len(band)} 个",
            )
        return band

    @pydantic.field_validator("keep", mode="before")
    @classmethod
    def _ids_are_text(cls, keep: object) -> object:
        if not isinstance(keep, list | tuple):
            return keep
        # A department may number its zones.
        named = [str(one) if type(one) is int else one for one in keep]
        odd = [one for one in named if not isinstance(one, str)]
        if odd:
            raise house_fault(
                en=f"ids of zones are text, not {listed(odd)}",
                zh=f"分区编号应为文本，现为 {listed(odd)}",
            )
        return named

    @pydantic.field_validator("band")
    @classmethod
    def _ascending(cls, band: tuple[float, float] | None) -> tuple[float, float] | None:
        if band is not None and not 0 <= band[0] <= band[1] > 0:
            raise house_fault(
                en="it should be the least and the most of a zone, in this order, from 0 up",
                zh="应依次为每区最少与最多，且不小于 0",
            )
        return band


class ZoneSettings(Section):
    """`[zones]`: the responsibility zones, and the systems of zones beside them."""

    model_config = FROZEN
    k: int = setting(
        default_of(SystemOptions, "k") or 0,
        en="Number of zones of the main system, the first one; 0: by its norm.",
        zh="主体系（第一个）的责任区数量；0 表示按规范值。",
        ge=0,
    )
    tolerance: float = setting(
        default_of(SystemOptions, "tolerance"),
        en="Largest deviation of a zone's load from the mean, where a system says nothing else.",
        zh="各分区工作量与均值的最大偏差（体系未另行填写时）。",
        unit="share",
        gt=0,
        le=1,
    )
    crossing_m: float = setting(
        300.0,
        en="A crossing within this walk of a border along water, a railway or a motorway joins the "
        "cells there, measured from middle to middle of the cells on the way; 0: only one at "
        "the border itself. 300 m is the five-minute walk of GB 50180-2018.",
        zh="沿水系、铁路或高速公路的公共边，绕行至桥梁、道口的步行距离（沿途各网格中心连线）"
        "不超过此值即视为相连；0 表示仅边上有通道才算。"
        "300 米为 GB 50180-2018 五分钟生活圈步行距离。",
        unit="m",
        ge=0,
        le=5000,
    )
    presets: tuple[Preset, ...] = setting(
        tuple(PRESETS),
        en="Zone systems of a run, by preset; the first one is the main system (`cells.zone_id`).",
        zh="按预设划分的网格体系；第一个为主体系（`cells.zone_id`）。",
    )
    systems: dict[str, SystemSettings] = setting(
        {},
        en="Zone systems by name, as tables [zones.systems.NAME], after those of `presets`; one "
        "with the name of a preset changes that.",
        zh="自定网格体系，写作表 [zones.systems.名称]，列于 `presets` 之后；"
        "与预设同名者修改该预设。",
    )

    @pydantic.model_validator(mode="after")
    def _go_together(self) -> Self:
        of_names = (*self._no_system(), *self._named_badly())
        refuse_together((*of_names, *self._kept_of_none(), *self._nested_and_unions()))
        return self

    def _no_system(self) -> Iterator[Message]:
        if not self.presets and not self.systems:
            yield Message(
                en="[zones].presets is empty and there is no [zones.systems.NAME]; a plan has "
                "zones of one system at least",
                zh="[zones].presets 为空且没有 [zones.systems.名称]；成果至少有一个网格体系",
            )

    def _named_badly(self) -> Iterator[Message]:
        known = dict(self.named)
        for name, system in self.systems.items():
            if name == UNIFIED or not name.strip() or "/" in name:
                yield Message(
                    en=f"[zones.systems.{name}]: choose another name; `{UNIFIED}` is the one "
                    f"boundary of [unify], and names have no slash",
                    zh=f"[zones.systems.{name}]：请换一个名称；`{UNIFIED}` 为 [unify] 的统一边界，"
                    f"名称中不能有斜杠",
                )
            if system.preset != name and name in PRESETS and "preset" in system.model_fields_set:
                yield Message(
                    en=f"[zones.systems.{name}] has the preset {system.preset}; a system with the "
                    f"name of a preset has that preset",
                    zh=f"[zones.systems.{name}] 的预设为 {system.preset}；与预设同名的体系"
                    f"须采用该预设",
                )
            above = list(known)[: list(known).index(name)]
            if system.parent is not None and system.parent not in above:
                yield Message(
                    en=f"[zones.systems.{name}].parent is {system.parent!r}, which is not made "
                    f"before it; there are {', '.join(above) or 'none'}",
                    zh=f"[zones.systems.{name}].parent 为 {system.parent!r}，不在其之前的体系中；"
                    f"现有 {'、'.join(above) or '无'}",
                )

    def _kept_of_none(self) -> Iterator[Message]:
        bare = [one for one, own in self.named if own.given is None and own.keep != "all"]
        if bare:
            yield Message(
                en=f"[zones.systems] {', '.join(bare)}: `keep` names zones to keep, but no "
                f"`given` says whose; give the department of [place].zonings, or leave `keep` out",
                zh=f"[zones.systems] {'、'.join(bare)}：`keep` 指明要保留的分区，但未填 `given`；"
                f"请填写 [place].zonings 中的部门，或去掉 `keep`",
            )

    def _nested_and_unions(self) -> Iterator[Message]:
        both = [one for one, own in self.named if own.parent and own.nest == "unions"]
        if both:
            yield Message(
                en=f"[zones.systems] {', '.join(both)}: zones of whole communities cannot nest in "
                f"zones of a parent too; give `parent`, or nest = unions",
                zh=f"[zones.systems] {'、'.join(both)}：由整社区组成的分区不能同时嵌套于上级体系；"
                f"请只填 `parent` 或 nest = unions",
            )

    @property
    def named(self) -> tuple[tuple[str, SystemSettings], ...]:
        """The systems of a run, by name, in the order they are made; the first is the main one."""
        names = dict.fromkeys([*self.presets, *self.systems])
        found = []
        for name in names:
            one = self.systems.get(name, SystemSettings())
            found.append(
                (name, one.model_copy(update={"preset": name}) if name in PRESETS else one)
            )
        return tuple(found)

    @property
    def main(self) -> str:
        """Name of the main system."""
        return self.named[0][0]
