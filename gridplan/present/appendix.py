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
from gridplan.terms import Family, known


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
            _with_unit(_said(norm["value"]), norm.get("unit")),
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
        label = _named(str(key))
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
        return Setting(same(key), _said(value), key)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    meaning = Message(en=field.description or key, zh=str(extra.get("zh") or key))
    if isinstance(value, str):
        chosen = _CHOICES.get((key, value))
        return Setting(meaning, chosen or _of_text(value), key)
    if key in _TAGS:
        return Setting(meaning, same(", ".join(map(str, value))), key)  # type: ignore[call-overload]
    return Setting(meaning, _with_unit(_said(value), str(extra.get("unit") or "")), key)


_CHOICES = {
    (key, value): Message(en=value, zh=f"{zh}（{value}）")
    for key, value, zh in (
        ("cells.preset", "uniform", "面积均匀"),
        ("cells.preset", "recognisable", "界线易认"),
        ("cells.borders", "major", "主要界线"),
        ("cells.borders", "all", "全部界线"),
        ("cells.estates", "cut", "小区内部划分"),
        ("cells.estates", "whole", "小区整体一格"),
        ("unify.by", "residents", "按人口"),
        ("unify.by", "area", "按面积"),
        ("report.lang", "zh", "中文"),
        ("report.lang", "en", "英文"),
    )
}
"""What a choice is called in Chinese; the word that the file has stays beside it."""

_TAGS = frozenset({"network.not_walkable"})
"""Settings that list tags of the data, which are no words of the house."""

_UNITS = {
    "households": Message(en="households", zh="户"),
    "zones": Message(en="zones", zh="个责任区"),
    "cells": Message(en="cells", zh="个单元网格"),
}


def _with_unit(value: Message, unit: object) -> Message:
    if not unit or unit == "1":
        return value
    if unit == "share":
        return same(f"{100 * float(value.en):g}%")
    told = _UNITS.get(str(unit), same(str(unit)))
    return Message(en=f"{value.en} {told.en}", zh=f"{value.zh} {told.zh}")


def _said(value: object) -> Message:
    """Return a value in both languages."""
    if isinstance(value, Mapping):
        return _of_table(value)
    if isinstance(value, list | tuple):
        return _joined([_said(one) for one in value])
    if isinstance(value, bool):
        return Message(en="yes", zh="是") if value else Message(en="no", zh="否")
    if isinstance(value, int):
        return same(f"{value:,}")
    if isinstance(value, float):
        return same(f"{value:,.10g}")
    return _of_text(str(value))


def _of_table(table: Mapping[str, Any]) -> Message:
    """Return a norm by its value, a decision by its site and kind, and others entry by entry."""
    if {"value", "unit"} <= set(table):
        return _with_unit(_said(table["value"]), table["unit"])
    if {"site_id", "decision"} <= set(table):
        kind, left = word("kind", str(table["decision"])), table.get("moved_from")
        moved = Message(en=f" from {left}", zh=f"（原 {left}）") if left else same("")
        site = table["site_id"]
        return Message(en=f"{site} {kind.en}{moved.en}", zh=f"{site} {kind.zh}{moved.zh}")
    return _joined([_pair(str(key), _said(one)) for key, one in table.items() if one is not None])


def _of_text(text: str) -> Message:
    """Return a text by the name of what it stands for; of one in two languages either half."""
    families: tuple[Family, ...] = ("kind", "norm")
    for family in families:
        if known(text, family):
            return word(family, text)
    named = file_name(text)
    return _source(text) if " / " in text and named == text else same(named)


def _named(key: str) -> Message:
    """Return what an entry of a table is called: a kind, else a group, else itself."""
    families: tuple[Family, ...] = ("kind", "group", "norm")
    for family in families:
        if known(key, family):
            return word(family, key)
    return same(key)


def _pair(key: str, value: Message) -> Message:
    return Message(en=f"{key} = {value.en}", zh=f"{key} = {value.zh}")


def _joined(parts: list[Message]) -> Message:
    if not parts:
        return same(NOTHING)
    return Message(en=", ".join(one.en for one in parts), zh="、".join(one.zh for one in parts))


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
