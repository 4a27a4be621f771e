"""The settings explained: `gridplan.toml` with comments, `docs/settings.md`, the dictionary."""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gridplan.config import Config
from gridplan.dictionary import data_dictionary
from gridplan.norm_settings import DEFAULT_NORMS
from gridplan.zone_settings import SystemSettings, ZoneSettings

__all__ = ["data_dictionary", "sections", "settings_markdown", "settings_toml"]

_REQUIRED_EXAMPLES = {
    "place.name": '"某某街道"',
    "place.as_of": "2026-06-30",
    "place.population": '"population.xlsx"',
}
_LAYERS_EXAMPLE = "place.layers"

_LAYER_SOURCES = (
    "## Where a layer comes from · 图层来源",
    "",
    "A layer of `[place]` is a file name, or a table that says more. 可写文件名或表：",
    "",
    "```toml",
    "[place]",
    'buildings = "buildings.shp"',
    'estates = { file = "xinzhen.gpkg", layer = "小区", crs = "EPSG:4549" }',
    'communities = { file = "社区.shp", rename = { community_id = "编码", name = "名称" } }',
    'committees = { osm = { amenity = "community_centre" } }',
    'population = { file = "人口.xlsx", sheet = "2026", rename = { population = "实有人口" } }',
    "```",
    "",
    "Residents of estates whose counts are kept, and the rest by community; the parts of a",
    "population source are 人口来源的各项:",
    "",
    "```toml",
    "[place.population]",
    'file = "人口.xlsx"            # by community or estate 按社区或小区',
    'groups = ["低保户"]           # further columns that are groups 其他人群列',
    "as_of = 2025-12-31",
    'source = "统计台账"',
    'estates = { file = "小区.csv", rename = { estate = "楼盘" } }',
    "```",
    "",
    "Instead of `file`: `total`, or `raster` (shares of `total`, where that is given too).",
    "也可不用 `file`，改用 `total` 或 `raster`（两者同用时栅格只定比例）。",
    "",
    "In `rename` the left side is gridplan's column, the right side the file's.",
    "Without `file` a table is about the common GeoPackage `layers`:",
    '`buildings = { rename = { kind = "类型" } }`, `estates = { layer = "小区" }`.',
    "`rename` 左边是本软件字段，右边是文件中的字段；不写 `file` 时指共用的 GeoPackage。",
    "",
    "Gaps and overlaps between communities narrower than 2 m and below 0.5 % of the communities",
    "beside them are closed and listed with area and residents; larger ones are faults",
    "(`gridplan check PROJECT.toml --map FILE.geojson` shows them).",
    "社区之间宽度小于 2 米且不足相邻社区面积 0.5% 的缝隙与重叠自动合并，并列出面积与居民；",
    "更大的视为错误（用 `gridplan check PROJECT.toml --map 文件.geojson` 输出位置图）。",
)


_NORM_HEAD = "| name | value | unit | source | verified |"
_NORM_FORM = (
    "A table for each norm that differs, with `value`, `unit` and `source`, and `verified` (false",
    "where it is left out); a name that begins with `walk_`, as `[norms.walk_own_m]`, adds a",
    "walking distance, and so does a distance that `[access].area_norms` names. Any other name is",
    "refused.",
    "每个要改动的规范值写一张表，含 `value`、`unit`、`source`，以及 `verified`（不填为 false）；",
    "名称以 `walk_` 开头的（如 `[norms.walk_own_m]`）增加一个步行距离；其他",
    "距离须由 `[access].area_norms` 指定；除此以外的名称不予接受。",
    "",
    "```toml",
    "[norms.room_norm_m]",
    "value = 400",
    'unit = "m"',
    'source = "District plan 2026, p. 12 / 区规划 2026，第 12 页"',
    "verified = true",
    "```",
    "",
    'For one run: `--set \'norms.room_norm_m={value=400,unit="m",source="…"}\'`.',
)


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the sections of the settings in order, with their class."""
    for name, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation


def settings_toml() -> str:
    """Return a `gridplan.toml` in which every setting stands with its default and meaning."""
    lines = [
        "# gridplan 项目设置 · settings of a gridplan project",
        "# 路径相对于本文件 · paths are relative to this file",
    ]
    for section, model in sections():
        lines += ["", f"[{section}]"]
        for key, field in model.model_fields.items():
            unit = f" [{_extra(field)['unit']}]" if _extra(field)["unit"] else ""
            lines.append(f"# {_extra(field)['zh']}{unit} · {field.description}")
            lines.append(_assignment(f"{section}.{key}", key, field))
    lines += ["", "# 规范值（可覆盖） · norms (may be overridden)"]
    for key, norm in DEFAULT_NORMS.items():
        lines += [
            f"# [norms.{key}]",
            f"# value = {norm.value:g}",
            f"# unit = {_toml(norm.unit)}",
            f"# source = {_toml(norm.source)}",
            f"# verified = {_toml(norm.verified)}",
        ]
    return "\n".join(lines) + "\n"


def _assignment(name: str, key: str, field: FieldInfo) -> str:
    if name in _REQUIRED_EXAMPLES:
        return f"{key} = {_REQUIRED_EXAMPLES[name]}"
    if name == _LAYERS_EXAMPLE:
        return f'{key} = "layers.gpkg"'
    value = field.get_default(call_default_factory=True)
    if value is None:
        return f"# {key} ="
    return f"# {key} = {_toml(value)}"


def settings_markdown() -> str:
    """Return `docs/settings.md`: type, unit, default and meaning of every setting."""
    lines = [
        "# Settings · 设置",
        "",
        "Generated by `python -m gridplan.settings_doc`; a test compares. 由设置的定义自动生成。",
    ]
    for section, model in sections():
        lines += ["", f"## `[{section}]`", "", *_key_table(model)]
        if model is ZoneSettings:
            lines += ["", "### `[zones.systems.NAME]`", "", *_key_table(SystemSettings)]
    lines += ["", *_LAYER_SOURCES]
    lines += ["", "## `[norms.NAME]`", "", *_NORM_FORM, "", _NORM_HEAD]
    lines.append("|---|---|---|---|---|")
    for key, norm in DEFAULT_NORMS.items():
        verified = "yes" if norm.verified else "no"
        row = (f"`{key}`", f"{norm.value:g}", norm.unit, norm.source, verified)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def _key_table(model: type[BaseModel]) -> Iterator[str]:
    """Yield the lines of the table of a section's keys."""
    yield "| key | type | unit | default | meaning | 含义 |"
    yield "|---|---|---|---|---|---|"
    for key, field in model.model_fields.items():
        cells = (
            f"`{key}`",
            _cell(_type_name(field.annotation)),
            _extra(field)["unit"],
            _cell(_shown_default(field)),
            _cell(field.description or ""),
            _cell(_extra(field)["zh"]),
        )
        yield f"| {' | '.join(cells)} |"


def _extra(field: FieldInfo) -> dict[str, str]:
    extra = field.json_schema_extra
    return typing.cast("dict[str, str]", extra if isinstance(extra, dict) else {})


def _shown_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "not set" if value is None else _toml(value)


def _toml(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(str(value), ensure_ascii=False)


def _type_name(annotation: Any) -> str:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [_type_name(one) for one in typing.get_args(annotation)]
        return " or ".join(part for part in parts if part != "none")
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(json.dumps(one) for one in typing.get_args(annotation))
    if typing.get_origin(annotation) in (list, tuple, dict):
        return "table" if typing.get_origin(annotation) is dict else "list"
    words = {str: "text", int: "whole number", float: "number", bool: "true/false"}
    if annotation is type(None):
        return "none"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(settings_markdown())
