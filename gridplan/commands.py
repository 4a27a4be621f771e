"""What the commands do, in terms of the rooms below; the command line only parses and prints."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from pathlib import Path

import geopandas as gpd

from gridplan.access import community_committees
from gridplan.config import written_language
from gridplan.errors import (
    GridplanError,
    Language,
    Message,
    OutputError,
    SettingsError,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.geometry import area_scale
from gridplan.lenient import checked_project
from gridplan.pipeline import STEPS, run
from gridplan.place import Place
from gridplan.plan import Plan
from gridplan.present import figures, report_html, tables_xlsx
from gridplan.progress import Progress
from gridplan.project import Project, open_project
from gridplan.project.reading import Spot
from gridplan.settings_doc import data_dictionary, settings_toml
from gridplan.settings_file import SETTINGS_NAME, read_raw
from gridplan.siting import Stop
from gridplan.sources.demo import make_town, write_project
from gridplan.store import (
    check_folder,
    check_places_file,
    check_target,
    is_run,
    keep_inputs,
    make_folder,
    make_manifest,
    mend,
    read_manifest,
    read_run,
    resolve_target,
    safe_name,
    write_file,
    write_run,
)

RUN_STEPS = ("read", *(step.name for step in STEPS), "present", "write")
DEMO_STEPS = ("demo", *RUN_STEPS)
"""What `run_project` and `make_demo` tell of their progress, in order."""

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
    stop: Stop | None = None,
) -> tuple[Plan, Path]:
    """
    Read a project, plan it and write the run's folder.

    Parameters
    ----------
    stop : Stop, optional
        The siting ends with its best plan so far once it asks for that.

    Returns
    -------
    plan, folder
        The folder is ``runs/<name>`` beside the TOML unless `out` says otherwise.
    """
    folder = resolve_target(out or default_folder(toml))
    mend(folder)
    check_target(folder, replace=replace)
    began = time.perf_counter()
    _tell(progress, "read")
    project = open_project(toml, overrides=overrides)
    keep_inputs(folder, [toml, *(toml.parent / name for name in project.inputs)])
    read_s = time.perf_counter() - began
    plan = run(project.place, project.config, progress=progress, stop=stop)
    plan = changed(plan, seconds={"read": read_s, **plan.seconds})
    language = project.config.language_asked
    write_plan(plan, project, folder, language=language, progress=progress)
    return plan, folder


def default_folder(toml: Path) -> Path:
    """Return ``runs/<name>`` beside the TOML: its stem, or its folder's name if that is plain."""
    name = toml.stem if toml.name != SETTINGS_NAME else toml.resolve().parent.name
    return toml.parent / "runs" / safe_name(name)


def write_plan(
    plan: Plan,
    project: Project,
    folder: Path,
    *,
    language: Language | None,
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
    manifest = make_manifest(plan, project.inputs, language=language)
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
    folder: Path,
    *,
    replace: bool = False,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[Plan, Path]:
    """
    Generate the demo project, run it, and write both into `folder`.

    The folder is a run's folder that also holds the project it came from, so that
    ``gridplan run`` on its settings makes the next plan. It is not replaced where
    that project has been changed since.
    """
    folder = resolve_target(folder)
    mend(folder)
    check_target(folder, replace=replace, also=PROJECT_FILES)
    _keep_changes(folder)
    with tempfile.TemporaryDirectory() as scratch:
        _tell(progress, "demo")
        toml = write_project(make_town(), Path(scratch))
        _tell(progress, "read")
        project = open_project(toml, overrides=overrides)
        plan = run(project.place, project.config, progress=progress)
        brought = {name: (Path(scratch) / name).read_bytes() for name in PROJECT_FILES}
    inputs = {name: hashlib.sha256(content).hexdigest() for name, content in brought.items()}
    project = changed(project, inputs=inputs)
    language = project.config.language_asked
    write_plan(plan, project, folder, language=language, also=brought, progress=progress)
    return plan, folder


def _keep_changes(folder: Path) -> None:
    """Refuse to replace a demo whose project a planner has changed since it was made."""
    if not is_run(folder):
        return
    made = read_manifest(folder).get("inputs", {})
    edited = [
        name
        for name in PROJECT_FILES
        if name in made
        and (folder / name).is_file()
        and hashlib.sha256((folder / name).read_bytes()).hexdigest() != made[name]
    ]
    if edited:
        raise OutputError(
            Message(
                en=f"{first_ids(edited)} in {folder} has been changed since the demo was made and "
                f"would be lost. Plan it with `gridplan run {folder / SETTINGS_NAME}`, or choose "
                f"another --out.",
                zh=f"{folder} 中的 {ids_zh(edited)} 在生成演示后有改动，替换将丢失。"
                f"请用 `gridplan run {folder / SETTINGS_NAME}` 运行，或另选 --out。",
            )
        )


def init_project(folder: Path) -> list[Path]:
    """Write a commented `gridplan.toml` and a data dictionary; refuse to overwrite either."""
    files = {SETTINGS_NAME: settings_toml(), "data_dictionary.md": data_dictionary()}
    check_folder(folder)
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise OutputError(
            Message(
                en=f"{folder} already has {', '.join(there)}; nothing was written.",
                zh=f"{folder} 中已有 {'、'.join(there)}，未写入任何文件。",
            )
        )
    make_folder(folder)
    for name, text in files.items():
        write_file(folder / name, text.encode("utf-8"))
    return [folder / name for name in files]


def project_language(toml: Path, overrides: Sequence[str] = ()) -> Language | None:
    """Return the language that a project's settings ask for, where they can be read at all."""
    for given in (overrides, ()):
        try:
            return written_language(read_raw(toml, overrides=given))
        except GridplanError:
            continue
    return None


def run_language(path: Path) -> Language | None:
    """Return the language of the report that a run's settings asked for, if they did."""
    try:
        asked = read_manifest(path).get("language")
    except GridplanError:
        return None
    return asked if asked in ("zh", "en") else None


def check_project(
    toml: Path, *, overrides: Sequence[str] = (), map_file: Path | None = None
) -> tuple[Project, tuple[Message, ...]]:
    """
    Read everything a project names, change nothing; return it with what to know of it.

    Parameters
    ----------
    map_file : Path, optional
        Where to write the places of gaps and overlaps of communities, and of the faults of
        a given grid, as GeoJSON; it is written also where the project is refused.
    """
    if map_file is not None:
        check_places_file(map_file)
    spots: list[Spot] = []
    try:
        project, of_network = checked_project(
            toml,
            overrides=overrides,
            spots=spots,
            heard=lambda faults: spots.extend(_spots_of(faults)),
        )
    finally:
        if map_file is not None:
            _write_spots(spots, map_file)
    notes = (*project.config.notes, *project.place.notes, *of_network)
    return project, (*assumptions(project), *(note.message for note in notes))


def run_remarks(plan: Plan) -> tuple[Message, ...]:
    """Return what to know of a run: the CRS, if it was chosen for the planner, and caveats."""
    chosen = [] if plan.settings["place"]["crs"] else [chosen_crs(plan.place)]
    caveats = [Message(en=one["en"], zh=one["zh"]) for one in plan.summary["caveats"]]
    return (*chosen, *caveats)


def assumptions(project: Project) -> tuple[Message, ...]:
    """Return what was assumed because the project does not say: its CRS, codes, sites."""
    place = project.place
    found = [] if project.config.place.crs else [chosen_crs(place)]
    unofficial = ~place.communities["official"].fillna(value=True).astype(bool)
    if unofficial.any():
        ids = place.communities.loc[unofficial, "community_id"].tolist()
        codes = counted(
            len(ids), "community code is a place-holder", "community codes are place-holders"
        )
        found.append(
            Message(
                en=f"{codes}, not official: {first_ids(ids)}. So will be the cell codes.",
                zh=f"{len(ids)} 个社区编码为占位码，并非正式编码：{ids_zh(ids)}。"
                f"单元网格编码亦然。",
            )
        )
    served = set(community_committees(place)["community_id"])
    lonely = [one for one in place.communities["community_id"] if one not in served]
    if lonely:
        communities = counted(len(lonely), "community has", "communities have")
        found.append(
            Message(
                en=f"{communities} no committee: {first_ids(lonely)}. Residents there have no walk "
                f"to a committee of their own.",
                zh=f"{len(lonely)} 个社区没有居委会：{ids_zh(lonely)}。其居民没有到"
                f"本社区居委会的步行距离。",
            )
        )
    assumed = int((place.sites["assumed"].fillna(value=False).astype(bool)).sum())
    if assumed:
        found.append(
            Message(
                en=f"{counted(assumed, 'site is', 'sites are')} assumed; nobody has checked "
                f"{'it' if assumed == 1 else 'them'} on the ground.",
                zh=f"{assumed} 个候选点为假定，未经实地核实。",
            )
        )
    return tuple(found)


def chosen_crs(place: Place) -> Message:
    """Say which CRS was chosen, and how much larger areas are in it than on the ground."""
    centre = place.outline.centroid
    scale = area_scale(place.crs, centre.x, centre.y)
    name = f"{place.crs.to_string()} ({place.crs.name})"
    return Message(
        en=f"No [place].crs was set: {name} was chosen by longitude; areas in it are {scale:.6f} "
        f"times those on the ground.",
        zh=f"未设置 [place].crs：已按经度选用 {name}；其面积为实地面积的 {scale:.6f} 倍。",
    )


def inventory(place: Place) -> Message:
    """Return what a place is made of, in one line."""
    counts = [
        (len(place.communities), "community", "communities", "个社区"),
        (len(place.committees), "committee", "committees", "个居委会"),
        (len(place.buildings), "building", "buildings", "栋建筑"),
        (len(place.streets), "street", "streets", "条道路"),
    ]
    head = f"{place.name}: {place.crs.to_string()}"
    return Message(
        en=f"{head}, {', '.join(counted(n, one, many) for n, one, many, _ in counts)}; "
        f"ready to run.",
        zh=f"{head}，{'、'.join(f'{n:,} {zh}' for n, _, _, zh in counts)}，可以运行。",
    )


def _spots_of(faults: gpd.GeoDataFrame) -> list[Spot]:
    """Return the faults of a given grid as places on the map."""
    degrees = faults.to_crs("EPSG:4326")
    rows = zip(
        degrees["fault"], degrees["cell_id"], degrees["area_m2"], degrees.geometry, strict=True
    )
    return [Spot(f"cell_{kind}", str(ids), float(area), where) for kind, ids, area, where in rows]


def _write_spots(spots: Sequence[Spot], path: Path) -> None:
    places = gpd.GeoDataFrame(
        {
            "rule": [one.code for one in spots],
            "ids": [one.ids for one in spots],
            "area_m2": [one.area_m2 for one in spots],
        },
        geometry=[one.where for one in spots],
        crs="EPSG:4326",
    )
    write_file(path, places.to_json(drop_id=True).encode("utf-8"))


def report_run(
    folder: Path, *, lang: Language | None, formats: Sequence[str], out: Path | None = None
) -> list[Path]:
    """
    Render the report again from a stored run alone; return the files written.

    Each file is replaced whole. The manifest names the settings of the plan and no
    document, so it stays true when a report is written again in another language.
    """
    odd = [one for one in formats if one not in FORMATS]
    if odd or not formats:
        asked = ",".join(odd) or '""'
        raise SettingsError(
            Message(
                en=f"--format {asked} is not available; choose from {', '.join(FORMATS)}.",
                zh=f"不支持 --format {asked}，可选：{', '.join(FORMATS)}。",
            )
        )
    target = out or (folder if folder.is_dir() else folder.parent)
    check_folder(target)
    _keep_other_run(target, folder)
    plan = read_run(folder)
    language = lang or plan.settings["report"]["lang"]
    wanted = [*formats, "png"] if "html" in formats else formats
    written = []
    for name, content in render(plan, lang=language, formats=wanted).items():
        path = target / name
        make_folder(path.parent)
        write_file(path, content)
        written.append(path)
    return written


def _keep_other_run(target: Path, folder: Path) -> None:
    """Refuse to put the report of one run among the files of another."""
    own = folder if folder.is_dir() else folder.parent
    if is_run(target) and target.resolve() != own.resolve():
        raise OutputError(
            Message(
                en=f"{target} holds another run, whose report would be replaced. Choose another "
                f"--out.",
                zh=f"{target} 中是另一次运行的成果，其报告会被替换。请另选 --out。",
            )
        )


def finished_run(folder: Path) -> Path:
    """Return where the report of a run is."""
    return (folder / "report.html").resolve()


def _tell(progress: Progress | None, step: str) -> None:
    if progress:
        progress(step)
