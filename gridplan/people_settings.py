"""The settings of residents: `[place].population` in full, and `[demand]`."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import Any, Self

import pydantic
from pydantic import ConfigDict, ValidationInfo

from gridplan.demand import DemandOptions
from gridplan.setting_faults import house_fault
from gridplan.setting_fields import FROZEN, Section, default_of, over_defaults, setting

UNVERIFIED = "starting value, unverified / 初始值，未核实"
UNSTATED = "not stated / 未注明"
HOUSEHOLDS = "households"
"""Word of `[place].population` for residents estimated from homes alone."""


def at_least_one(value: Any) -> int:
    """Return a number of residents; true is no number, though Python counts it as 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise house_fault(
            en="expected a whole number of residents, or a table",
            zh="应为居民总数（整数），或人口表",
        )
    if value < 1:
        raise house_fault(en="there must be at least 1 resident", zh="居民总数至少为 1")
    return value


class PopulationTable(Section):
    """A table of residents."""

    model_config = FROZEN
    file: str | None = setting(None, en="Table, CSV or XLSX.", zh="人口表，CSV 或 XLSX。")
    sheet: str | None = setting(None, en="Sheet of the workbook.", zh="工作表。")
    rename: dict[str, str] = setting(
        {}, en="Our column = the table's column.", zh="本软件字段 = 表中字段。"
    )
    groups: tuple[str, ...] = setting(
        (),
        en="Columns of the table that count groups of residents, beside ages, women, men and "
        "the other well-known ones.",
        zh="表中按人群统计的列（年龄、性别等常用列之外）。",
    )
    as_of: dt.date | None = setting(
        None,
        en="Date of the counts; not set: [place].as_of.",
        zh="统计日期；不填则同 [place].as_of。",
    )
    source: str | None = setting(
        None, en="Where the counts come from; not set: the file.", zh="数据来源；不填则为文件名。"
    )


class PopulationSource(PopulationTable):
    """Where the residents come from, in full."""

    total: int | None = setting(
        None, en="All residents, where there is no table.", zh="常住人口总数（没有表时）。"
    )
    raster: str | None = setting(
        None,
        en="Raster of residents per cell, e.g. WorldPop: the sum of each community; with "
        "`total`, its shares.",
        zh="人口栅格（如 WorldPop）：各社区取栅格之和；同时给出 `total` 时只取比例。",
    )
    estates: PopulationTable | None = setting(
        None,
        en="A further table of estates, whose counts are kept.",
        zh="另一张居住小区人口表，其数值予以保留。",
    )

    @pydantic.field_validator("total", mode="before")
    @classmethod
    def _checked_total(cls, value: Any) -> Any:
        return None if value is None else at_least_one(value)

    @pydantic.model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.file is not None and (self.total is not None or self.raster is not None):
            raise house_fault(
                en="give either `total` or `file`, not both; `raster` goes with `total` only",
                zh="请填写 `total` 或 `file`（只能其一）；`raster` 只能与 `total` 同用",
            )
        if all(one is None for one in (self.file, self.total, self.raster, self.estates)):
            raise house_fault(
                en="give either `total` or `file` (or `raster`, or `estates`)",
                zh="请填写 `total` 或 `file`（或 `raster`、`estates`）",
            )
        if self.estates is not None and self.estates.file is None:
            raise house_fault(en="`estates` needs a `file`", zh="`estates` 需要填写 `file`")
        return self


class DemandSettings(Section):
    """`[demand]`: how residents are spread over homes."""

    # The sources are completed where none is given, too.
    model_config = ConfigDict(**FROZEN, validate_default=True)
    home_m2: dict[str, float] = setting(
        dict(default_of(DemandOptions, "home_m2")),
        en="Floor space per resident by kind of building (unverified starting values).",
        zh="各类住房人均建筑面积（初始值，未核实）。",
        unit="m²",
    )
    home_m2_source: dict[str, str] = setting(
        {},
        en="Where each floor space per resident comes from; not said: unverified starting value, "
        "or not stated where it was changed.",
        zh="各类人均建筑面积的出处；不填则为初始值（未核实），改动过的记为未注明。",
    )
    occupancy: dict[str, float] = setting(
        dict(default_of(DemandOptions, "occupancy")),
        en="Share of the floor of each kind of building that is lived in.",
        zh="各类住房的实际居住比例（入住率）。",
        unit="share",
    )
    floors: float = setting(
        default_of(DemandOptions, "floors"),
        en="Storeys where a building does not say.",
        zh="未注明层数时的默认层数。",
        gt=0,
    )
    persons_per_household: float = setting(
        default_of(DemandOptions, "persons_per_household"),
        en="Residents per household, where a building's households are known.",
        zh="户均人口（建筑户数已知时使用）。",
        gt=0,
    )

    @pydantic.field_validator("home_m2", mode="after")
    @classmethod
    def _homes_over_the_defaults(cls, given: dict[str, float]) -> dict[str, float]:
        return over_defaults(
            given,
            default_of(DemandOptions, "home_m2"),
            en="floor space per resident must be above 0",
            zh="人均建筑面积必须大于 0",
        )

    @pydantic.field_validator("occupancy", mode="after")
    @classmethod
    def _occupancy_over_the_defaults(cls, given: dict[str, float]) -> dict[str, float]:
        return over_defaults(
            given,
            default_of(DemandOptions, "occupancy"),
            most=1.0,
            en="a share that is lived in must be above 0 and at most 1",
            zh="入住率必须大于 0 且不超过 1",
        )

    @pydantic.field_validator("home_m2_source", mode="after")
    @classmethod
    def _a_source_for_each(cls, given: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        default = default_of(DemandOptions, "home_m2")
        used = info.data.get("home_m2", default)
        return {
            kind: given.get(kind, UNVERIFIED if default.get(kind) == value else UNSTATED)
            for kind, value in used.items()
        }

    @property
    def options(self) -> DemandOptions:
        """The settings as the algorithm takes them."""
        return DemandOptions(
            home_m2=MappingProxyType(dict(self.home_m2)),
            occupancy=MappingProxyType(dict(self.occupancy)),
            floors=self.floors,
            persons_per_household=self.persons_per_household,
        )
