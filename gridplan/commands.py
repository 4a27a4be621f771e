"""What the commands do, in terms of the rooms below; the command line only parses and prints."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as changed
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridplan.errors import InputError, Language, Message, Note, OutputError, SettingsError
from gridplan.pipeline import run
from gridplan.plan import Plan
from gridplan.present import figures, report_html, tables_xlsx
from gridplan.project import Project, open_project
from gridplan.settings_doc import data_dictionary, settings_toml
from gridplan.sources.demo import make_town, write_project
from gridplan.store import (
    check_target,
    layer_names,
    make_manifest,
    mend,
    read_drawn,
    read_meta,
    read_run,
    read_summary,
    require_something_to_verify,
    summary_of,
    write_file,
    write_run,
)
from gridplan.verify import Report, verify_plan

Progress = Callable[[str], None]

SETTINGS_NAME = "gridplan.toml"
PROJECT_FILES = (SETTINGS_NAME, "population.xlsx", "xinzhen.gpkg")
"""The demo project's files."""

FORMATS = ("html", "xlsx")


def run_project(
    toml: Path,
    *,
    out: Path | None = None,
    replace: bool = False,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[Plan, Path]:
    """
    Read a project, plan it and write the run's folder.

    Returns
    -------
    plan, folder
        The folder is ``runs/<name>`` beside the TOML unless `out` says otherwise.
    """
    folder = out or default_folder(toml)
    mend(folder)
    check_target(folder, replace=replace)
    began = time.perf_counter()
    _tell(progress, "read")
    project = open_project(toml, overrides=overrides)
    read_s = time.perf_counter() - began
    plan = run(project.place, project.config, progress=progress)
    plan = changed(plan, seconds={"read": read_s, **plan.seconds})
    write_plan(plan, project, folder, progress=progress)
    return plan, folder


def default_folder(toml: Path) -> Path:
    """Return ``runs/<name>`` beside the TOML: its stem, or its folder's name if that is plain."""
    name = toml.stem if toml.name != SETTINGS_NAME else toml.resolve().parent.name
    return toml.parent / "runs" / name


def write_plan(
    plan: Plan,
    project: Project,
    folder: Path,
    *,
    also: Mapping[str, bytes] | None = None,
    progress: Progress | None = None,
) -> None:
    """Render the documents of a plan and write its folder, whole or not at all."""
    began = time.perf_counter()
    _tell(progress, "present")
    documents = {**render(plan, lang=project.config.report.lang), **(also or {})}
    drawn_s = time.perf_counter() - began
    _tell(progress, "write")
    timed = changed(plan, seconds={**plan.seconds, "present": drawn_s})
    manifest = make_manifest(plan, project.inputs)
    write_run(timed, folder, manifest=manifest, documents=documents)


def render(
    plan: Plan, *, lang: Language, formats: Sequence[str] = ("html", "xlsx", "png")
) -> dict[str, bytes]:
    """Return report, tables and figures by the path they have in a run's folder."""
    documents: dict[str, bytes] = {}
    drawn = figures(plan, lang) if {"html", "png"} & set(formats) else {}
    if "html" in formats:
        page = report_html(plan, lang=lang, figures=drawn)
        documents["report.html"] = page.encode("utf-8")
    if "xlsx" in formats:
        documents["tables.xlsx"] = tables_xlsx(plan)
    if "png" in formats:
        documents.update({f"figures/{name}": content for name, content in drawn.items()})
    return documents


def make_demo(
    folder: Path, *, replace: bool = False, progress: Progress | None = None
) -> tuple[Plan, Path]:
    """
    Generate the demo project, run it, and write both into `folder`.

    The folder is a run's folder that also holds the project it came from, so that
    ``gridplan run`` on its settings makes the next plan.
    """
    mend(folder)
    check_target(folder, replace=replace, also=PROJECT_FILES)
    with tempfile.TemporaryDirectory() as scratch:
        _tell(progress, "demo")
        toml = write_project(make_town(), Path(scratch))
        project = open_project(toml)
        plan = run(project.place, project.config, progress=progress)
        brought = {name: (Path(scratch) / name).read_bytes() for name in PROJECT_FILES}
    write_plan(plan, project, folder, also=brought, progress=progress)
    return plan, folder


def init_project(folder: Path) -> list[Path]:
    """Write a commented `gridplan.toml` and a data dictionary; refuse to overwrite either."""
    files = {SETTINGS_NAME: settings_toml(), "data_dictionary.md": data_dictionary()}
    if folder.exists() and not folder.is_dir():
        check_target(folder, replace=False)
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise OutputError(
            Message(
                en=f"{folder} already has {', '.join(there)}; nothing was written.",
                zh=f"{folder} 中已有 {'、'.join(there)}，未写入任何文件。",
            )
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(
            Message(
                en=f"{folder} cannot be written ({error.strerror}).",
                zh=f"{folder} 无法写入（{error.strerror}）。",
            )
        ) from error
    return [folder / name for name in files]


def check_project(toml: Path) -> tuple[Project, tuple[Note, ...]]:
    """Read everything a project names, change nothing; return it with its notes."""
    project = open_project(toml)
    return project, project.place.notes


def check_layers(path: Path, *, map_file: Path | None = None) -> tuple[Report, tuple[Note, ...]]:
    """
    Verify a run's folder, a plan.gpkg or any GeoPackage with such layers.

    Only a plan that gridplan has made is held to the full contract; of layers drawn by
    hand, what can be checked is checked.

    Parameters
    ----------
    map_file : Path, optional
        Where to write the places of the findings, as GeoJSON.

    Returns
    -------
    report, notes
        The notes say which layers and columns were taken for which.
    """
    package, summary = _package_of(path)
    layers, notes = read_drawn(package)
    made = "gridplan_meta" in layers
    if made:
        meta = read_meta(layers["gridplan_meta"], what=package.name)
        summary = summary or summary_of(meta["summary"], what=package.name)
    else:
        require_something_to_verify(layers, what=package.name)
    report = verify_plan(layers, summary, contract=made)
    if map_file is not None:
        _write_places(report, layers, map_file)
    return report, notes


def _package_of(path: Path) -> tuple[Path, Mapping[str, object] | None]:
    if path.suffix.lower() == ".gpkg" and not path.is_dir():
        return path, None
    if path.is_file():
        raise InputError(
            Message(
                en=f"{path.name} cannot be checked: give a project (.toml), a run's folder or a "
                "GeoPackage (.gpkg).",
                zh=f"无法检查 {path.name}：请给出项目（.toml）、成果文件夹或 GeoPackage（.gpkg）。",
            )
        )
    summary, package = read_summary(path), path / "plan.gpkg"
    if "gridplan_meta" not in layer_names(package):
        read_run(package)
    return package, summary


def _write_places(report: Report, layers: Mapping[str, pd.DataFrame], path: Path) -> None:
    crs = next((one.crs for one in layers.values() if isinstance(one, gpd.GeoDataFrame)), None)
    found = [one for one in report.findings if one.where is not None and not one.where.is_empty]
    places = gpd.GeoDataFrame(
        {
            "rule": [finding.rule for finding in found],
            "severity": [finding.severity for finding in found],
            "layer": [finding.layer for finding in found],
            "ids": [", ".join(finding.ids) for finding in found],
            "zh": [finding.message.zh for finding in found],
            "en": [finding.message.en for finding in found],
        },
        geometry=[finding.where for finding in found],
        crs=crs,
    )
    degrees = places.to_crs("EPSG:4326") if places.crs else places
    write_file(path, degrees.to_json(drop_id=True).encode("utf-8"))


def report_run(
    folder: Path, *, lang: Language | None, formats: Sequence[str], out: Path | None = None
) -> list[Path]:
    """Render the report again from a stored run alone; return the files written."""
    odd = [one for one in formats if one not in FORMATS]
    if odd:
        raise SettingsError(
            Message(
                en=f"--format {','.join(odd)} is not available; choose from {', '.join(FORMATS)}.",
                zh=f"不支持 --format {','.join(odd)}，可选：{', '.join(FORMATS)}。",
            )
        )
    plan = read_run(folder)
    language = lang or plan.settings["report"]["lang"]
    target = out or (folder if folder.is_dir() else folder.parent)
    target.mkdir(parents=True, exist_ok=True)
    wanted = [*formats, "png"] if "html" in formats else formats
    written = []
    for name, content in render(plan, lang=language, formats=wanted).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content)
        written.append(path)
    return written


def finished_run(folder: Path) -> Path:
    """Return where the report of a run is."""
    return (folder / "report.html").resolve()


def _tell(progress: Progress | None, step: str) -> None:
    if progress:
        progress(step)
