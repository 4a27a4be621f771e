"""Norms: numbers that are configuration, with their source."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from pydantic import Field

from gridplan.errors import Message, SettingsError
from gridplan.setting_faults import NEAR, house_fault, nearest_name
from gridplan.setting_fields import FROZEN, Section
from gridplan.siting import ROOM_NORM, Grade, GradedNorm

WALK = "walk_"
"""With what the name of a walking norm begins."""

_NEAR_MISS = 0.8
_GRADE = re.compile(r"room_grade(\d+)_(m2|households)")
_GRADE_UNITS = {"m2": "m²", "households": "households"}
_FARTHEST_M = 100_000


class Norm(Section):
    """A norm: a number that is configuration, with its source."""

    model_config = FROZEN
    value: float = Field(ge=0)
    unit: str
    source: str
    verified: bool = False


_CIRCLES = "GB 50180-2018"
_OFFICES = "Zones of enforcement offices in practice / 综合执法中队工作责任区实践"
_GRID = "300 to 500 households per social grid / 社会治理网格 300–500 户"

DEFAULT_NORMS: Mapping[str, Norm] = {
    "walk_5min_m": Norm(
        value=300,
        unit="m",
        source="GB 50180-2018, 5-minute living circle / GB 50180-2018，五分钟生活圈",
    ),
    "walk_10min_m": Norm(
        value=500,
        unit="m",
        source="GB 50180-2018, 10-minute living circle / GB 50180-2018，十分钟生活圈",
    ),
    "walk_15min_m": Norm(
        value=1000,
        unit="m",
        source="GB 50180-2018, 15-minute living circle / GB 50180-2018，十五分钟生活圈",
    ),
    "room_norm_m": Norm(
        value=500, unit="m", source="Culture and activity station / 文化活动站服务半径"
    ),
    "share_room_m": Norm(
        value=300,
        unit="m",
        source="GB 50180-2018, 5-minute living circle / GB 50180-2018，五分钟生活圈",
    ),
    "estate_room_households": Norm(
        value=300,
        unit="households",
        source="Graded norm of Guiyang for estate activity rooms / 贵阳小区活动室分级标准",
    ),
    "enforcement_zones_least": Norm(value=4, unit="zones", source=_OFFICES),
    "enforcement_zones_most": Norm(value=11, unit="zones", source=_OFFICES),
    "social_grid_least_households": Norm(value=300, unit="households", source=_GRID),
    "social_grid_most_households": Norm(value=500, unit="households", source=_GRID),
    "patrol_cells": Norm(
        value=18,
        unit="cells",
        source="A collector of Dongcheng patrols 18 ha / 东城区监督员人均巡查 18 公顷",
    ),
    "workers_per_10000": Norm(
        value=18, unit="1", source="Community workers per 10,000 residents / 每万人社区工作者"
    ),
    **{
        f"room_grade{place}_{part}": Norm(
            value=value, unit=_GRADE_UNITS[part], source=ROOM_NORM.source
        )
        for place, grade in enumerate(ROOM_NORM.grades, 1)
        for part, value in (("m2", grade.area_m2), ("households", grade.households))
    },
}


def graded_norm(norms: Mapping[str, Norm]) -> GradedNorm:
    """
    Return the graded norm of rooms: ``room_grade1_m2``, ``room_grade1_households``, and so on.

    A grade of which both values are 0 is not used.

    Raises
    ------
    ValueError
        As a fault of the settings: a grade with one of its values only, or grades that do
        not ascend.
    """
    found: dict[int, dict[str, Norm]] = {}
    for key, norm in norms.items():
        named = _GRADE.fullmatch(key)
        if named:
            found.setdefault(int(named[1]), {})[named[2]] = norm
    used = [
        (place, parts)
        for place, parts in sorted(found.items())
        if any(norm.value for norm in parts.values())
    ]
    half = [place for place, parts in used if len(parts) < len(_GRADE_UNITS)]
    if half:
        raise house_fault(
            en=f"grades of the room norm need both room_gradeN_m2 and room_gradeN_households, but "
            f"these have one of them: {half}",
            zh=f"活动室分级标准每档须同时有 room_gradeN_m2 与 room_gradeN_households，"
            f"而下列各档只有其一：{half}",
        )
    own = list(dict.fromkeys(norm.source for _, parts in used for norm in parts.values()))
    try:
        return GradedNorm(
            tuple(Grade(parts["m2"].value, parts["households"].value) for _, parts in used),
            source="; ".join(own),
            verified=all(norm.verified for _, parts in used for norm in parts.values()),
        )
    except SettingsError as error:
        raise house_fault(
            en="; ".join(one.en for one in error.faults),
            zh="；".join(one.zh for one in error.faults),
        ) from error


def norm_faults(key: str, norm: Norm) -> Iterator[Message]:
    """Yield what keeps a norm from being used: a distance is in metres and above 0."""
    is_distance = key.startswith(WALK) or key.endswith("_m")
    grade = _GRADE.fullmatch(key)
    unit = DEFAULT_NORMS[key].unit if key in DEFAULT_NORMS else norm.unit
    unit = _GRADE_UNITS[grade[2]] if grade else "m" if is_distance else unit
    if norm.unit != unit:
        yield Message(
            en=f"the unit of {key} should be {unit!r}, not {norm.unit!r}",
            zh=f"{key} 的单位应为 {unit!r}，而不是 {norm.unit!r}",
        )
    if is_distance and not 0 < norm.value <= _FARTHEST_M:
        yield Message(
            en=f"{key} = {norm.value:g} should be above 0 and at most {_FARTHEST_M:,} metres",
            zh=f"{key} = {norm.value:g} 应大于 0 且不超过 {_FARTHEST_M:,} 米",
        )


def unread_norms(norms: Iterable[str], named: Collection[str]) -> Iterator[Message]:
    """
    Yield why norms are refused that nothing would read, each with the nearest known name.

    A planner's own are walks (``walk_…``), grades of rooms, and distances that other
    settings name. A walk whose name is nearly a known one is a slip, unless only its
    numbers differ.

    Parameters
    ----------
    norms : iterable of str
        Names of the settings' norms.
    named : collection of str
        Norms that other settings go by.
    """
    for key in norms:
        if key in DEFAULT_NORMS or key in named or _GRADE.fullmatch(key):
            continue
        is_walk = key.startswith(WALK)
        near = nearest_name(key, DEFAULT_NORMS, cutoff=_NEAR_MISS if is_walk else NEAR)
        if is_walk and (near is None or _numberless(key) == _numberless(near)):
            continue
        yield Message(
            en=f"there is no norm [norms].{key}{f'; did you mean `{near}`?' if near else ''} A "
            f"distance of your own begins with `{WALK}` (and is not nearly a known name), or is "
            f"named by [access].area_norms",
            zh=f"没有规范值 [norms].{key}{f'，是否指 `{near}`？' if near else '。'}"
            f"自定义步行距离的名称以 `{WALK}` 开头（不宜与内置名称相近），"
            f"或由 [access].area_norms 指定",
        )


def _numberless(key: str) -> str:
    return re.sub(r"\d+", "#", key)
