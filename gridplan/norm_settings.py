"""Norms: numbers that are configuration, with their source."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from pydantic import Field

from gridplan.errors import Message, Note
from gridplan.setting_fields import FROZEN, Section

WALK = "walk_"
"""With what the name of a walking norm begins."""

_NEAR_MISS = 0.8
_FARTHEST_M = 100_000


class Norm(Section):
    """A norm: a number that is configuration, with its source."""

    model_config = FROZEN
    value: float = Field(ge=0)
    unit: str
    source: str
    verified: bool = False


DEFAULT_NORMS: Mapping[str, Norm] = {
    "walk_5min_m": Norm(
        value=300, unit="m", source="GB 50180-2018, 5-minute living circle / 五分钟生活圈"
    ),
    "walk_10min_m": Norm(
        value=500, unit="m", source="GB 50180-2018, 10-minute living circle / 十分钟生活圈"
    ),
    "walk_15min_m": Norm(
        value=1000, unit="m", source="GB 50180-2018, 15-minute living circle / 十五分钟生活圈"
    ),
    "room_norm_m": Norm(
        value=500, unit="m", source="Culture and activity station / 文化活动站服务半径"
    ),
    "share_room_m": Norm(
        value=300, unit="m", source="GB 50180-2018, 5-minute living circle / 五分钟生活圈"
    ),
    "estate_room_households": Norm(
        value=300,
        unit="households",
        source="Graded norm of Guiyang for estate activity rooms / 贵阳小区活动室分级标准",
    ),
    "workers_per_10000": Norm(
        value=18, unit="1", source="Community workers per 10,000 residents / 每万人社区工作者"
    ),
}


def norm_faults(key: str, norm: Norm) -> Iterator[Message]:
    """Yield what keeps a norm from being used: a distance is in metres and above 0."""
    is_distance = key.startswith(WALK) or key.endswith("_m")
    unit = "m" if is_distance else DEFAULT_NORMS[key].unit if key in DEFAULT_NORMS else norm.unit
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


def near_miss(key: str) -> Note | None:
    """Return a note on a norm whose name is nearly a known one; other numbers are meant so."""
    near = difflib.get_close_matches(key, list(DEFAULT_NORMS), n=1, cutoff=_NEAR_MISS)
    if key in DEFAULT_NORMS or not near or _numberless(key) == _numberless(near[0]):
        return None
    return Note(
        "norm_near_miss",
        1,
        Message(
            en=f"[norms.{key}] is taken as a norm of your own; `{near[0]}` stays as it is. If that "
            f"was meant, correct the name.",
            zh=f"[norms.{key}] 按自定义规范处理，内置的 `{near[0]}` 保持不变。"
            f"如本意是后者，请更正名称。",
        ),
        (key,),
    )


def _numberless(key: str) -> str:
    return re.sub(r"\d+", "#", key)
