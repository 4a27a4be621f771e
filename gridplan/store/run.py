"""A run on disk: the GeoPackage, the JSON beside it, and what presents it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pyogrio

from gridplan import __version__
from gridplan.errors import InputError, Language, Message, MissingInputError
from gridplan.plan import CONTRACT, Plan
from gridplan.store.folder import RUN_FILES, is_run, mend, refusal, staged
from gridplan.store.geopackage import (
    as_json,
    json_object,
    read_geopackage,
    stored_manifest,
    summary_of,
    write_geopackage,
)

_VERSIONS = ("geopandas", "shapely", "pyogrio", "pyproj", "numpy", "pandas", "scipy", "highspy")


def make_manifest(
    plan: Plan, inputs: Mapping[str, str], *, language: Language | None = None
) -> dict[str, Any]:
    """
    Return versions, seed, settings and the SHA-256 of every input.

    Parameters
    ----------
    inputs : mapping of relative path to SHA-256
    language : {"zh", "en"}, optional
        Of the report, where somebody asked for it: then commands on the run speak it, too.
    """
    return {
        "contract": CONTRACT,
        "gridplan": __version__,
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in _VERSIONS},
        "seed": plan.settings["run"]["seed"],
        "settings": dict(plan.settings),
        "language": language,
        "inputs": dict(sorted(inputs.items())),
    }


def write_run(
    plan: Plan,
    folder: Path,
    *,
    manifest: Mapping[str, Any],
    documents: Mapping[str, bytes],
) -> None:
    """
    Write a run's folder, whole or not at all.

    Parameters
    ----------
    documents : mapping of relative path to content
        Report, tables and figures, already rendered.

    Raises
    ------
    OutputError
    """
    with staged(folder) as aside:
        try:
            write_geopackage(plan, aside / "plan.gpkg", manifest=manifest)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
            raise refusal(folder, error) from error  # such as a full disk
        texts = {
            "summary.json": as_json(plan.summary),
            "manifest.json": as_json(manifest),
            "timing.json": as_json({"seconds": dict(plan.seconds)}),
        }
        contents = {name: text.encode("utf-8") for name, text in texts.items()}
        for name, content in {**contents, **documents}.items():
            path = aside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def read_run(folder: str | Path) -> Plan:
    """
    Return the plan of a run's folder, or of a ``plan.gpkg`` by itself.

    Raises
    ------
    MissingInputError, InputError, ContractError
    """
    path = Path(folder)
    if path.suffix.lower() == ".gpkg":
        return read_geopackage(path)[0]
    read_summary(path)
    return read_geopackage(path / "plan.gpkg")[0]


def read_summary(folder: Path) -> dict[str, Any]:
    """
    Return ``summary.json`` of a run's folder.

    Raises
    ------
    MissingInputError, InputError, ContractError
    """
    mend(folder)
    if not folder.is_dir():
        raise MissingInputError(
            Message(en=f"There is no run {folder}.", zh=f"找不到运行成果 {folder}。")
        )
    if not is_run(folder):
        absent = ", ".join(name for name in RUN_FILES if not (folder / name).is_file())
        raise InputError(
            Message(
                en=f"{folder} holds no run: {absent} missing. Run the project again.",
                zh=f"{folder} 不是完整的运行成果：缺少 {absent}。请重新运行项目。",
            )
        )
    # Bytes that are no UTF-8 become signs that no JSON has.
    text = (folder / "summary.json").read_text(encoding="utf-8", errors="replace")
    return summary_of(text, what="summary.json")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        # Bytes that are no UTF-8 become signs that no JSON has.
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            Message(en=f"{path} cannot be read: {error}.", zh=f"{path} 无法读取：{error}。")
        ) from error
    return json_object(text, what=path.name)


def read_manifest(path: Path) -> dict[str, Any]:
    """
    Return the manifest of a run's folder, or of a ``plan.gpkg`` by itself; empty if it has none.

    Raises
    ------
    MissingInputError, InputError
        If it cannot be read.
    """
    gpkg = path.suffix.lower() == ".gpkg"
    return stored_manifest(path) if gpkg else _read_json(path / "manifest.json")
