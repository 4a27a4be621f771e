"""`gridplan.toml` as it is written, and what the command line sets over it; not yet checked."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gridplan.errors import InputError, Message, MissingInputError, SettingsError
from gridplan.toml_faults import toml_fault

SETTINGS_NAME = "gridplan.toml"

_OTHER_ENCODINGS = ("utf-16", "gb18030")


def read_raw(path: Path, *, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """
    Return the tables of a settings file, with the overrides in them.

    Parameters
    ----------
    overrides : sequence of ``section.key=value``, values as in TOML, else text

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputError
        If it cannot be read.
    SettingsError
        If it is no TOML in UTF-8, or an override cannot be applied.
    """
    if not path.is_file():
        raise MissingInputError(_no_file(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            Message(
                en=f"{path} cannot be read ({error.strerror}).",
                zh=f"{path} 无法读取（{error.strerror}）。",
            )
        ) from error
    raw = _parsed(content, path.name)
    _apply_all(raw, overrides)
    return raw


def _no_file(path: Path) -> Message:
    if path.is_dir() and (path / SETTINGS_NAME).is_file():
        return Message(
            en=f"{path} is a folder. Name the settings file in it: {path / SETTINGS_NAME}.",
            zh=f"{path} 是文件夹，请指定其中的设置文件：{path / SETTINGS_NAME}。",
        )
    return Message(
        en=f"There is no settings file {path}. Make one with `gridplan init`.",
        zh=f"找不到设置文件 {path}。可用 `gridplan init` 新建。",
    )


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        other = _other_encoding(content)
        raise SettingsError(
            Message(
                en=f"{name} is no valid TOML in UTF-8: byte {error.start + 1:,} is not UTF-8."
                + (f" It seems to be {other}; save it as UTF-8." if other else ""),
                zh=f"{name} 不是有效的 UTF-8 TOML 文件：第 {error.start + 1:,} 字节不是 UTF-8。"
                + (f"文件编码似为 {other}，请另存为 UTF-8。" if other else ""),
            )
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(toml_fault(name, content.decode("utf-8-sig"), str(error))) from error


def _other_encoding(content: bytes) -> str | None:
    """Return the encoding in which some bytes are TOML after all."""
    for encoding in _OTHER_ENCODINGS:
        try:
            tomllib.loads(content.decode(encoding))
        except (ValueError, RecursionError):
            continue
        return encoding.upper()
    return None


def _apply_all(raw: dict[str, Any], overrides: Sequence[str]) -> None:
    given: dict[tuple[str, ...], str] = {}
    for override in overrides:
        key, equals, text = override.partition("=")
        parts = tuple(part.strip() for part in key.split("."))
        if not equals or not all(parts):
            raise SettingsError(
                Message(
                    en=f"--set {override!r}: expected KEY=VALUE, e.g. siting.p=12.",
                    zh=f"--set {override!r}：应为 KEY=VALUE，例如 siting.p=12。",
                )
            )
        if given.setdefault(parts, text.strip()) != text.strip():
            name = ".".join(parts)
            raise SettingsError(
                Message(
                    en=f"{name} is set twice, to {given[parts]} and to {text.strip()} "
                    f"(--lang sets report.lang). Keep one.",
                    zh=f"{name} 被设置两次：{given[parts]} 与 {text.strip()}"
                    f"（--lang 即设置 report.lang）。请只保留一个。",
                )
            )
        _apply(raw, parts, text)


def _apply(raw: dict[str, Any], parts: Sequence[str], text: str) -> None:
    table = raw
    for depth, part in enumerate(parts[:-1], start=1):
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            holder = ".".join(parts[:depth])
            raise SettingsError(
                Message(
                    en=f"--set {'.'.join(parts)}: {holder} is a single value, so nothing can be "
                    f"set inside it.",
                    zh=f"--set {'.'.join(parts)}：{holder} 是单个值，不能再设置下级项。",
                )
            )
        table = inner
    table[parts[-1]] = _value(text)


def _value(text: str) -> Any:  # noqa: ANN401 - whatever TOML can say
    """Return what a text says in TOML, else the text itself."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if read.keys() == {"value"} else text
