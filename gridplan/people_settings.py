"""The settings of residents: `[place].population` in full, and `[demand]`."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any, Self

import pydantic

from gridplan.demand import DemandOptions
from gridplan.setting_faults import house_fault
from gridplan.setting_fields import FROZEN, Section, default_of, setting


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


class PopulationSource(Section):
    """Where the residents come from, in full."""

    model_config = FROZEN
    total: int | None = setting(
        None, en="All residents, where there is no table.", zh="常住人口总数（没有表时）。"
    )
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

    @pydantic.field_validator("total", mode="before")
    @classmethod
    def _checked_total(cls, value: Any) -> Any:
        return None if value is None else at_least_one(value)

    @pydantic.model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.total is None) == (self.file is None):
            both = self.total is not None
            raise house_fault(
                en=f"give either `total` or `file`{', not both' if both else ''}",
                zh=f"请填写 `total` 或 `file`{'（只能其一）' if both else ''}",
            )
        return self


class DemandSettings(Section):
    """`[demand]`: how residents are spread over homes."""

    model_config = FROZEN
    home_m2: dict[str, float] = setting(
        dict(default_of(DemandOptions, "home_m2")),
        en="Floor space per resident by kind of building (unverified starting values).",
        zh="各类住房人均建筑面积（初始值，未核实）。",
        unit="m²",
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
    def _over_the_defaults(cls, given: dict[str, float]) -> dict[str, float]:
        wrong = {kind: value for kind, value in given.items() if not 0 < value < math.inf}
        if wrong:
            raise house_fault(
                en=f"floor space per resident must be above 0, not {wrong}",
                zh=f"人均建筑面积必须大于 0，现为 {wrong}",
            )
        return {**default_of(DemandOptions, "home_m2"), **given}

    @property
    def options(self) -> DemandOptions:
        """The settings as the algorithm takes them."""
        return DemandOptions(
            home_m2=MappingProxyType(dict(self.home_m2)),
            floors=self.floors,
            persons_per_household=self.persons_per_household,
        )
