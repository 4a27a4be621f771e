"""The command line: what each command prints, writes and returns."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

import gridplan
from gridplan import commands
from gridplan.cli import app
from gridplan.config import parse_config
from tests import tiny

runner = CliRunner()


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def call(*arguments):
    return runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out maps and report, which take most of the time, where a test is of other things."""
    monkeypatch.setattr(commands, "render", lambda *_, **__: {"report.html": b"<html>"})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the settings of the tiny town and its run."""
    project = tiny.write(tmp_path_factory.mktemp("小 镇"))
    result = call("run", project, "--lang", "en")
    assert result.exit_code == 0, result.output
    return project, project.parent / "runs" / project.parent.name, result


def test_run_says_the_finding_and_where_the_report_is(run):
    _, folder, result = run
    finding, *remarks, report = result.stdout.strip().splitlines()
    assert finding.startswith("1 activity room")
    assert all(line.startswith(("! ", "- ", "…")) for line in remarks)
    assert report == f"Report: {(folder / 'report.html').resolve()}"
    assert result.stderr == ""


def test_the_manifest_names_the_inputs_and_no_machine(run):
    _, folder, _ = run
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["inputs"]) == {"town.gpkg", "population.csv"}
    assert all(len(digest) == 64 for digest in manifest["inputs"].values())
    assert str(folder.parent) not in json.dumps(manifest)


@pytest.mark.usefixtures("undrawn")
def test_settings_on_the_command_line(run, tmp_path):
    project, _, _ = run
    out = tmp_path / "two"
    result = call("run", project, "--out", out, "--set", "siting.p=2", "--set", "zones.k=4")
    assert result.exit_code == 0, result.output
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["siting"]["p"] == 2
    assert summary["zones"]["systems"]["enforcement"]["count"] == 4


def test_no_room_at_all_is_a_plan_too(run):
    project, _, _ = run
    summary = gridplan.run(*gridplan.read_project(project, overrides=["siting.p=0"])).summary
    assert summary["siting"]["p"] == 0
    assert summary["access_after"]["mean_m"] == summary["access"]["before"]["mean_m"]


def test_more_cells_than_codes_is_status_3_and_writes_nothing(run, tmp_path):
    project, _, _ = run
    out = tmp_path / "fine"
    finer = ["--set", "cells.target_m2=40", "--set", "cells.method=square"]
    result = call("run", project, "--out", out, *finer, "--lang", "en")
    assert result.exit_code == 3, result.output
    assert "999" in result.stderr
    assert not out.exists()


def test_interrupted_is_status_130(run, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    project, _, _ = run
    monkeypatch.setattr(commands, "run", interrupt)
    out = tmp_path / "stopped"
    assert call("run", project, "--out", out).exit_code == 130
    assert not out.exists()


def test_init_writes_a_project_and_never_over_one(tmp_path):
    folder = tmp_path / "新 项目"
    result = call("init", folder)
    assert result.exit_code == 0, result.output
    assert {path.name for path in folder.iterdir()} == {"gridplan.toml", "data_dictionary.md"}
    again = call("init", folder, "--lang", "en")
    assert again.exit_code == 2
    assert "already has" in again.stderr


def test_check_of_a_project_says_what_is_there(run):
    project, _, _ = run
    result = call("check", project, "--lang", "en")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == (
        "小镇: EPSG:4549, 2 communities, 2 committees, 6 buildings, 3 streets; ready to run."
    )


def drawn(folder, *, gap):
    """Write cells drawn by hand, with or without a gap; return the GeoPackage."""
    package = folder / "手绘.gpkg"
    squares = [shapely.box(0, 0, 100, 100), shapely.box(100 + gap, 0, 200, 100)]
    cells = gpd.GeoDataFrame(
        {"cell_id": ["999901001001001", "999901001001002"], "cell_uid": ["a", "b"]},
        geometry=squares,
        crs=tiny.CRS,
    )
    boundary = gpd.GeoDataFrame({"name": ["x"]}, geometry=[shapely.box(0, 0, 200, 100)])
    cells.to_file(package, layer="cells", engine="pyogrio")
    boundary.set_crs(tiny.CRS).to_file(package, layer="boundary", engine="pyogrio")
    return package


def test_check_of_cells_drawn_by_hand(tmp_path):
    good = call("check", drawn(tmp_path, gap=0), "--lang", "en")
    assert good.exit_code == 0, good.output
    (tmp_path / "gap").mkdir()
    places = tmp_path / "places.geojson"
    bad = call("check", drawn(tmp_path / "gap", gap=1), "--map", places, "--lang", "en")
    assert bad.exit_code == 2
    assert "tiling error: 100 m²" in bad.stdout
    found = gpd.read_file(places)
    assert len(found) >= 1
    assert found.crs.to_epsg() == 4326


def test_check_needs_cells(tmp_path):
    package = tmp_path / "x.gpkg"
    tiny.town()["boundary"].to_file(package, layer="boundary", engine="pyogrio")
    result = call("check", package, "--lang", "en")
    assert result.exit_code == 2
    assert "has no layer `cells`" in result.stderr


def test_report_in_another_language(run, tmp_path):
    _, folder, _ = run
    result = call("report", folder, "--lang", "en", "--format", "html", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert '<html lang="en"' in (tmp_path / "report.html").read_text(encoding="utf-8")


AT = ("--out", "{folder}/new")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "nowhere"], "There is no run nowhere"),
        (["report", "{folder}"], "holds no run"),
        (["report", "{run}", "--format", "gif"], "--format gif is not available"),
        (["check", "nowhere.gpkg"], "There is no file nowhere.gpkg"),
        (["check", "nowhere.toml"], "There is no settings file"),
        (["report", "{run}", "--format", ""], "is not available; choose from html, xlsx"),
        (["report", "{run}", "--out", "{file}"], "is a file, not a folder"),
        (["report", "{run}", "--out", "{file}/x"], "cannot be written"),
        (["report", "{run}", "--out", "/proc/x"], "cannot be written"),
        (["report", "{run}", "--out", "{other}"], "holds another run"),
        (["report", "{run}/plan.gpkg", "--out", "{other}"], "holds another run"),
        (["check", "{run}", "--map", "/proc/x.geojson"], "cannot be written"),
        (["check", "{run}", "--map", "{folder}/no/x.geojson"], "is not there"),
        (["check", "{run}", "--map", "{file}/x.geojson"], "cannot be written"),
        (["check", "{run}", "--map", "."], "--map FILE.geojson"),
        (["check", "{run}", "--map", "{run}/plan.gpkg"], "--map FILE.geojson"),
        (["check", "{folder}"], "holds no run"),
        (["check", "{file}"], "cannot be checked"),
        (["init", "{file}"], "is a file, not a folder"),
        (["init", "{file}/x"], "cannot be written"),
        (["init", "/proc/x"], "cannot be written"),
        (["init", "{folder}/{long}"], "File name too long"),
        (["run", "{folder}"], "There is no settings file"),
        (["run", "{project}", "--out", "{folder}/{long}"], "File name too long"),
        (["run", "{project}", "--out", "."], "is the current folder or one above it"),
        (["run", "{project}", "--out", ".."], "is the current folder or one above it"),
        (["run", "{project}", "--out", "/"], "is the current folder or one above it"),
        (["run", "{project}", "--out", "{loop}"], "cannot be written"),
        (["demo", "--out", "."], "is the current folder or one above it"),
        (["run", "{project}", "--set", "place.name.x=1", *AT], "place.name is a single value"),
        (["run", "{project}", "--set", "report.lang=zh", *AT], "report.lang is set twice"),
        (["run", "{other}/report.html"], "no valid TOML"),
        (["run", "{other}/plan.gpkg"], "no valid TOML"),
    ],
)
def test_refused_in_words(arguments, message, run, tmp_path):
    project, folder, _ = run
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "other").mkdir()
    for path in folder.glob("*.*"):
        shutil.copy(path, tmp_path / "other")
    places = {"folder": tmp_path, "run": folder, "project": project, "long": "长" * 100}
    before = files_of(tmp_path)
    filled = [
        one.format(
            file=tmp_path / "file", other=tmp_path / "other", loop=tmp_path / "loop", **places
        )
        for one in arguments
    ]
    result = call(*filled, "--lang", "en")
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert files_of(tmp_path) == before


def test_an_unknown_language_is_refused(tmp_path):
    assert call("init", tmp_path / "x", "--lang", "fr").exit_code == 2
    assert not (tmp_path / "x").exists()


def test_the_version_and_the_help_without_a_command():
    version = call("--version")
    assert (version.exit_code, version.stdout) == (0, f"gridplan {gridplan.__version__}\n")
    bare = subprocess.run([sys.executable, "-m", "gridplan"], capture_output=True, check=False)
    asked = subprocess.run(
        [sys.executable, "-m", "gridplan", "--help"], capture_output=True, check=False
    )
    assert bare.returncode == asked.returncode == 0
    assert bare.stdout == asked.stdout
    assert b"fetch" in bare.stdout


# The language: --lang, else the project's, else the locale's


def project_in(folder, lang, *, more=""):
    """Write the tiny town with a first language, in a locale that is the other one."""
    toml = tiny.TOML if lang is None else f'{tiny.TOML}\n[report]\nlang = "{lang}"\n'
    return tiny.write(folder, toml=toml + more)


@pytest.mark.parametrize(
    ("given", "project", "locale", "expected"),
    [
        ("en", "zh", "zh_CN.UTF-8", "en"),
        (None, "zh", "en_GB.UTF-8", "zh"),
        (None, "en", "zh_CN.UTF-8", "en"),
        (None, None, "zh_CN.UTF-8", "zh"),
        (None, None, "C.UTF-8", "en"),
    ],
)
def test_the_language_of_check(tmp_path, monkeypatch, given, project, locale, expected):
    monkeypatch.setenv("LC_ALL", locale)
    toml = project_in(tmp_path, project)
    options = ["--lang", given] if given else []
    words = {"zh": "可以运行", "en": "ready to run"}
    assert words[expected] in call("check", toml, *options).stdout


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("more", ["[zones]\nk = -1\n", "[sitting]\np = 1\n"])
def test_faults_of_settings_are_in_the_project_s_language(tmp_path, monkeypatch, command, more):
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    toml = project_in(tmp_path, "zh", more=more.replace("[zones]\nk", "[run]\nseed"))
    assert "设置项" in call(command, toml).stderr


@pytest.mark.parametrize("command", ["check", "run"])
def test_faults_of_layers_are_in_the_project_s_language(tmp_path, monkeypatch, command):
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    toml = project_in(tmp_path, "zh")
    (tmp_path / "population.csv").unlink()
    assert "找不到文件 population.csv" in call(command, toml).stderr


def test_check_of_a_run_speaks_the_run_s_language(run, monkeypatch):
    _, folder, _ = run
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    for target in (folder, folder / "plan.gpkg"):
        result = call("check", target, "--map", "x.gpkg")
        assert "Give a name that ends in .geojson" in result.stderr


@pytest.mark.parametrize("asked", ["en", None])
def test_a_run_whose_settings_name_no_language_leaves_it_to_the_locale(run, tmp_path, asked):
    _, folder, _ = run
    kept = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    # This run was made with --lang, which stands for the setting.
    assert (kept["language"], kept["settings"]["report"]["lang"]) == ("en", "en")
    (tmp_path / "manifest.json").write_text(json.dumps({**kept, "language": asked}))
    assert commands.run_language(tmp_path) == asked


def test_only_a_language_that_somebody_set_is_asked_for():
    place = {"name": "A", "as_of": "2026-01-31", "population": 5}
    assert parse_config({"place": place}).language_asked is None
    assert parse_config({"place": place, "report": {"cell_bounds": True}}).language_asked is None
    assert parse_config({"place": place, "report": {"lang": "zh"}}).language_asked == "zh"


# What a run says of what it assumed


@pytest.mark.usefixtures("undrawn")
def test_the_chosen_crs_and_place_holders_are_printed(tmp_path):
    toml = tiny.TOML.replace('crs = "EPSG:4549"\n', "")
    frames = tiny.town()
    frames["communities"]["official"] = [False, True]
    frames["sites"]["assumed"] = [False, True, False]
    project = tiny.write(tmp_path, frames, toml=toml)
    for command in ("check", "run"):
        said = call(command, project, "--lang", "en").stdout
        assert "No [place].crs was set: EPSG:4549 (CGCS2000 / 3-degree" in said
        assert "areas in it are 1.0002" in said
        assert "place-holder" in said
        assert "assumed" in said.lower()
    assert "1 community code is a place-holder, not official: 999901001001" in (
        call("check", project, "--lang", "en").stdout
    )
    assert "已按经度选用 EPSG:4549" in call("check", project, "--lang", "zh").stdout


def test_a_near_miss_of_a_norm_is_refused_with_the_name_that_was_meant(tmp_path):
    norm = '\n[norms.walk_5min]\nvalue = 250\nunit = "m"\nsource = "own"\n'
    project = tiny.write(tmp_path, toml=tiny.TOML + norm)
    result = call("run", project, "--lang", "en")
    assert result.exit_code == 2
    assert "there is no norm [norms].walk_5min; did you mean" in result.stderr
    assert not (tmp_path / "runs").exists()


# Where a run is written


def test_a_target_through_a_link_and_with_a_slash(run, tmp_path):
    project, first, _ = run
    shutil.copytree(first, tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    result = call("run", project, "--out", f"{tmp_path / 'link'}/", "--replace", "--lang", "en")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "report.html").is_file()
    assert files_of(tmp_path / "real") == files_of(first)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


@pytest.mark.usefixtures("undrawn")
def test_inputs_inside_the_folder_to_be_replaced_are_kept(tmp_path):
    project = tiny.write(tmp_path)
    out = tmp_path / "runs" / "a"
    assert call("run", project, "--out", out).exit_code == 0
    table = out / "table.csv"
    shutil.copy(tmp_path / "population.csv", table)
    project.write_text(tiny.TOML.replace("population.csv", "runs/a/table.csv"), encoding="utf-8")
    result = call("run", project, "--out", out, "--replace", "--lang", "en")
    assert result.exit_code == 2
    assert "also holds what no run has written: table.csv" in result.stderr
    # Under a name that a run writes, and through a link, it is an input all the same.
    table.rename(out / "timing.json")
    (tmp_path / "table.csv").symlink_to(out / "timing.json")
    project.write_text(tiny.TOML.replace("population.csv", "table.csv"), encoding="utf-8")
    result = call("run", project, "--out", out, "--replace", "--lang", "en")
    assert result.exit_code == 2
    assert "holds inputs of this run (table.csv)" in result.stderr
    assert (out / "timing.json").read_bytes() == (tmp_path / "population.csv").read_bytes()


def test_a_report_again_in_place_in_the_other_language(run, tmp_path):
    _, first, _ = run
    folder = tmp_path / "run"
    shutil.copytree(first, folder)
    before = files_of(folder)
    manifest = (folder / "manifest.json").read_bytes()
    assert '<html lang="en"' in (folder / "report.html").read_text(encoding="utf-8")
    result = call("report", folder, "--lang", "zh")
    assert result.exit_code == 0, result.output
    assert '<html lang="zh' in (folder / "report.html").read_text(encoding="utf-8")
    assert files_of(folder) == before
    assert (folder / "manifest.json").read_bytes() == manifest
    assert call("check", folder).exit_code == 0
    assert call("report", folder).exit_code == 0
    assert (folder / "report.html").read_bytes() == (first / "report.html").read_bytes()


def test_a_demo_whose_project_was_changed_is_not_replaced(tmp_path):
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "gridplan.toml").write_text("[place]", encoding="utf-8")
    for name in ("plan.gpkg", "summary.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    manifest = {"inputs": {"gridplan.toml": "0" * 64}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    result = call("demo", "--out", folder, "--replace", "--lang", "en")
    assert result.exit_code == 2
    assert "gridplan.toml in" in result.stderr
    assert "has been changed since the demo was made" in result.stderr
    assert (folder / "gridplan.toml").read_text(encoding="utf-8") == "[place]"


def test_what_the_system_refuses_is_a_sentence(run, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "plan.gpkg")

    project, _, _ = run
    monkeypatch.setattr(commands, "run", full)
    result = call("run", project, "--out", tmp_path / "x", "--lang", "en")
    assert result.exit_code == 2
    assert "The system refused: No space left on device (plan.gpkg)." in result.stderr
    assert files_of(tmp_path) == []
