"""The settings of `[unify]`: one boundary for all departments, and who does what in a zone."""

from __future__ import annotations

from typing import Literal

from gridplan.setting_fields import FROZEN, Section, default_of, setting
from gridplan.unify import UnifyOptions

OFFICE = "街道办事处（属地兜底）"
"""The body that is responsible where no department is."""


class UnifySettings(Section):
    """`[unify]`: departments' zonings, `[place].zonings`, made one; nothing without."""

    model_config = FROZEN
    by: Literal["residents", "area"] = setting(
        default_of(UnifyOptions, "by"),
        en="What changes hands is counted in residents or in area.",
        zh="移交量按人口（residents）或面积（area）计。",
    )
    importance: dict[str, float] = setting(
        {},
        en="How much what changes hands in a department counts, by department; 1 if not set.",
        zh="各部门移交量的权重，按部门填写；不填为 1。",
    )
    tolerance: float | None = setting(
        default_of(UnifyOptions, "tolerance"),
        en="Largest deviation of a zone's residents from the mean; not set: no balance is asked "
        "for, so that the least changes hands.",
        zh="各统一责任区人口与均值的最大偏差；不填则不要求均衡，移交最少。",
        unit="share",
        gt=0,
        le=1,
    )
    sliver_m: float = setting(
        default_of(UnifyOptions, "sliver_m"),
        en="A place where departments differ that is narrower is a sliver of drawing, told apart.",
        zh="各部门不一致处窄于此值的视为绘图误差（细缝），单独列出。",
        unit="m",
        ge=0,
    )
    water_parts: bool = setting(
        False,  # noqa: FBT003 - a default, as in every field
        en="`true`: zones of the proposal hang together over land, as those of [zones.systems] do, "
        "as far as that moves no more than to adopt one department's zoning: water, a railway, a "
        "motorway or a trunk road with a barrier parts them, where no crossing is within "
        "[zones].crossing_m. `false`: a common border is enough, and least changes hands.",
        zh="`true` 则统一责任区须陆上连片，规则同 [zones.systems]（水系、铁路、高速公路或有隔离"
        "设施的快速路，若 [zones].crossing_m 内无通道，即视为隔断），但移交量不超过直接采用某一"
        "部门的分区；`false` 则有公共边即可，移交量最少。",
    )
    duties: dict[str, str] = setting(
        {},
        en="Which department is responsible for a class of enforcement: class = department; an "
        'empty one ("") falls to `office`.',
        zh='各执法类别的责任部门：类别 = 部门；填空（""）则由 office 负责。',
    )
    office: str = setting(
        OFFICE,
        en="The body responsible for what no department is.",
        zh="无责任部门时的兜底单位。",
    )
