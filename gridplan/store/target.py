"""Where a command may write: settled and refused before any work is done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from gridplan.errors import Message, OutputError, first_ids, ids_zh
from gridplan.store.folder import PREFIX, RUN_CONTENTS, is_run, refusal
from gridplan.store.names import safe_name

WINDOWS = os.name == "nt"

_PLACES = (".geojson", ".json")
_FIGURES = "figures"


def resolve_target(folder: Path) -> Path:
    """
    Return the folder a planner named, absolute and with links followed.

    A run replaces its folder by renaming, so it must not be the current folder, nor
    one above it, nor the root of a disk.

    Raises
    ------
    OutputError
    """
    try:
        target = folder.expanduser().resolve()
        here = Path.cwd()
    except (OSError, RuntimeError, ValueError) as error:
        raise refusal(folder, error) from error
    if target == here or target in here.parents:
        raise OutputError(
            Message(
                en=f"{folder} is the current folder or one above it, which is not replaced. "
                f"Name a folder of its own, e.g. --out {Path('runs') / 'first'}.",
                zh=f"{folder} 是当前文件夹或其上级，不能替换。"
                f"请另指定文件夹，例如 --out {Path('runs') / 'first'}。",
            )
        )
    if WINDOWS and safe_name(target.name) != target.name:
        raise OutputError(
            Message(
                en=f"{target.name!r} is no name that Windows takes for a folder. Take e.g. "
                f"{safe_name(target.name)!r}.",
                zh=f"Windows 不接受文件夹名 {target.name!r}，可改为 {safe_name(target.name)!r}。",
            )
        )
    return target


def check_target(folder: Path, *, replace: bool, also: Sequence[str] = ()) -> None:
    """
    Refuse a target that cannot or must not be written, before any work is done.

    Raises
    ------
    OutputError
        If the target is a file, holds a run and `replace` is not given, holds
        anything that a run does not write (but for the names in `also`), or its
        parent cannot be written.
    """
    try:
        check_folder(folder)
        if folder.is_dir() and any(folder.iterdir()):
            _check_contents(folder, replace=replace, also=also)
        _check_writable(folder.parent)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise refusal(folder, error) from error


def check_folder(folder: Path) -> None:
    """Refuse a folder that is a file, or that cannot be made or written in."""
    if _is_there(folder) and not folder.is_dir():
        raise OutputError(
            Message(
                en=f"{folder} is a file, not a folder. Choose another --out.",
                zh=f"{folder} 是文件而不是文件夹，请另选 --out。",
            )
        )
    _check_writable(folder)


def check_places_file(path: Path) -> None:
    """Refuse a file for places of findings that is none, or that cannot be written."""
    if path.suffix.lower() not in _PLACES:
        raise OutputError(
            Message(
                en=f"{path}: places are written as GeoJSON. Give a name that ends in .geojson: "
                f"`gridplan check … --map FILE.geojson`.",
                zh=f"{path}：问题位置以 GeoJSON 写出，文件名须以 .geojson 结尾："
                f"`gridplan check … --map FILE.geojson`。",
            )
        )
    if path.is_dir() or not _is_there(path.parent):
        raise OutputError(
            Message(
                en=f"{path} cannot be written: it is a folder, or lies in one that is not there.",
                zh=f"{path} 无法写入：它是文件夹，或其所在文件夹不存在。",
            )
        )
    _check_writable(path.parent)


def keep_inputs(folder: Path, inputs: Iterable[Path]) -> None:
    """Refuse to replace a folder that holds what the run is read from."""
    inside = [path for path in inputs if folder in path.resolve().parents]
    if inside:
        raise OutputError(
            Message(
                en=f"{folder} holds inputs of this run ({first_ids([p.name for p in inside])}) "
                f"and would be replaced with them. Choose another --out.",
                zh=f"{folder} 中有本次运行的输入文件（{ids_zh([p.name for p in inside])}），"
                f"替换会将其删除。请另选 --out。",
            )
        )


def _check_contents(folder: Path, *, replace: bool, also: Sequence[str]) -> None:
    if not is_run(folder):
        raise OutputError(
            Message(
                en=f"{folder} is not empty and holds no run; it is left alone. "
                f"Choose another --out.",
                zh=f"{folder} 非空且不是运行成果，未作改动。请另选 --out。",
            )
        )
    if not replace:
        raise OutputError(
            Message(
                en=f"{folder} holds an earlier run. Add --replace, or choose another --out.",
                zh=f"{folder} 已有运行成果。请加 --replace 或另选 --out。",
            )
        )
    others = _others(folder, {*RUN_CONTENTS, *also})
    if others:
        raise OutputError(
            Message(
                en=f"{folder} also holds what no run has written: {first_ids(others)}. Move it "
                f"elsewhere, or choose another --out.",
                zh=f"{folder} 中还有并非成果的内容：{ids_zh(others)}。请移走或另选 --out。",
            )
        )


def _others(folder: Path, known: set[str]) -> list[str]:
    """Return what is in a run's folder though no run writes it, the folder of figures too."""
    others = [
        path.name
        for path in folder.iterdir()
        if path.name not in known and not path.name.startswith("plan.gpkg-")
    ]
    if (folder / _FIGURES).is_dir():
        drawn = (folder / _FIGURES).iterdir()
        others += [f"{_FIGURES}/{path.name}" for path in drawn if path.suffix != ".png"]
    return sorted(others)


def _check_writable(folder: Path) -> None:
    """Refuse a folder whose nearest ancestor that is there cannot be written in."""
    nearest = next((one for one in (folder, *folder.parents) if _is_there(one)), folder)
    probe = nearest / f"{PREFIX}probe-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise refusal(nearest, error) from error


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError) as error:
        raise refusal(path, error) from error
