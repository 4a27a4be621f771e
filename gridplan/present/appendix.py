"""The appendix of the report: norms and settings by their meaning, in both languages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gridplan.config import Config
from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.words import NOTHING, same, word
from gridplan.terms import known


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that was in force: what it means, its value with unit, and its key."""

    meaning: Message
    value: Message
    key: str


@dataclass(frozen=True, slots=True)
class NormRow:
    """A norm: what it is, its value with unit, its source, and whether that was checked."""

    label: Message
    value: Message
    source: Message
    verified: bool


def norm_rows(plan: Plan) -> list[NormRow]:
    """Return the norms by their meaning; a source in two languages is split at its slash."""
    return [
        NormRow(
            word("norm", str(norm["key"])),
            _with_unit(_value(norm["value"]), norm.get("unit")),
            _source(norm.get("source")),
            verified=bool(norm.get("verified")),
        )
        for norm in plan.summary.get("norms") or []
    ]


def _source(text: str | None) -> Message:
    if not text:
        return same(NOTHING)
    en, slash, zh = text.partition(" / ")
    return Message(en=en, zh=zh) if slash else same(text)


def setting_rows(settings: Mapping[str, Any]) -> list[Setting]:
    """
    Return the settings that hold something.

    A setting is named by its meaning (as in ``docs/settings.md``); one the house does
    not know keeps its key. Of a path only the file's name is told.
    """
    return list(_rows(settings, Config, ()))


def _rows(
    settings: Mapping[str, Any], model: type[BaseModel] | None, path: tuple[str, ...]
) -> Iterator[Setting]:
    for key, value in settings.items():
        if value is None or value in ({}, [], ()):
            continue
        field = model.model_fields.get(key) if model else None
        inner = _model_of(field)
        here = (*path, str(key))
        if isinstance(value, Mapping) and (inner or not field):
            yield from _rows(value, inner, here)
        elif isinstance(value, Mapping):
            yield from _table_rows(value, field, here)
        else:
            yield _setting(value, field, here)


def _model_of(field: FieldInfo | None) -> type[BaseModel] | None:
    found = field.annotation if field else None
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _table_rows(
    table: Mapping[str, Any], field: FieldInfo | None, path: tuple[str, ...]
) -> Iterator[Setting]:
    """Return a setting that is a table of its own, one row per entry."""
    for key, value in table.items():
        if value is None or value in ({}, [], ()):
            continue
        row = _setting(value, field, (*path, str(key)))
        label = word("kind", str(key))
        yield dataclasses.replace(
            row,
            meaning=Message(
                en=f"{row.meaning.en.rstrip('.')}: {label.en}",
                zh=f"{row.meaning.zh.rstrip('。')}：{label.zh}",
            ),
        )


def _setting(value: object, field: FieldInfo | None, path: tuple[str, ...]) -> Setting:
    key = ".".join(path)
    if field is None:
        return Setting(same(key), same(_value(value)), key)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    meaning = Message(en=field.description or key, zh=str(extra.get("zh") or key))
    if isinstance(value, str) and known(value, "kind"):
        return Setting(meaning, word("kind", value), key)
    return Setting(meaning, _with_unit(_value(value), str(extra.get("unit") or "")), key)


def _with_unit(value: str, unit: object) -> Message:
    if not unit or unit == "1":
        return same(value)
    if unit == "share":
        return same(f"{100 * float(value):g}%")
    return same(f"{value} {unit}")


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) or NOTHING
    if isinstance(value, list | tuple):
        return ", ".join(_value(one) for one in value) or NOTHING
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.10g}"
    return file_name(str(value))


def file_name(text: str) -> str:
    r"""
    Return the name alone of a path that begins at the root of a machine; else the text.

    Examples
    --------
    >>> file_name("/a/town.gpkg"), file_name("D:\\a\\town.gpkg"), file_name("a/b.gpkg")
    ('town.gpkg', 'town.gpkg', 'a/b.gpkg')
    """
    for flavour in (PureWindowsPath, PurePosixPath):
        path = flavour(text)
        if path.is_absolute() and path.name:
            return path.name
    return text
