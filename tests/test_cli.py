"""The command line: what each command prints, writes and returns."""

from __future__ import annotations

import json

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

import gridplan
from gridplan import commands
from gridplan.cli import app
from tests import tiny

runner = CliRunner()


def call(*arguments):
    return runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the settings of the tiny town and its run."""
    project = tiny.write(tmp_path_factory.mktemp("小 镇"))
    result = call("run", project, "--lang", "en")
    assert result.exit_code == 0, result.output
    return project, project.parent / "runs" / project.parent.name, result


def test_run_says_the_finding_and_where_the_report_is(run):
    _, folder, result = run
    finding, report = result.stdout.strip().splitlines()
    assert finding.startswith("1 activity room")
    assert report == f"Report: {(folder / 'report.html').resolve()}"
    assert result.stderr == ""


def test_the_manifest_names_the_inputs_and_no_machine(run):
    _, folder, _ = run
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["inputs"]) == {"town.gpkg", "population.csv"}
    assert all(len(digest) == 64 for digest in manifest["inputs"].values())
    assert str(folder.parent) not in json.dumps(manifest)


def test_settings_on_the_command_line(run, tmp_path):
    project, _, _ = run
    out = tmp_path / "two"
    result = call("run", project, "--out", out, "--set", "siting.p=2", "--set", "zones.k=4")
    assert result.exit_code == 0, result.output
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["siting"]["p"] == 2
    assert summary["zones"]["systems"]["main"]["count"] == 4


def test_no_room_at_all_is_a_plan_too(run):
    project, _, _ = run
    summary = gridplan.run(*gridplan.read_project(project, overrides=["siting.p=0"])).summary
    assert summary["siting"]["p"] == 0
    assert summary["access_after"]["mean_m"] == summary["access"]["before"]["mean_m"]


def test_more_cells_than_codes_is_status_3_and_writes_nothing(run, tmp_path):
    project, _, _ = run
    out = tmp_path / "fine"
    result = call("run", project, "--out", out, "--set", "cells.target_m2=40", "--lang", "en")
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
    assert "EPSG:4549, 2 / 2 / 6 / 3" in result.stdout


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "nowhere"], "There is no run nowhere"),
        (["report", "{folder}"], "holds no run"),
        (["report", "{run}", "--format", "gif"], "--format gif is not available"),
        (["check", "nowhere.gpkg"], "There is no file nowhere.gpkg"),
        (["check", "nowhere.toml"], "There is no settings file"),
    ],
)
def test_refused_in_words(arguments, message, run, tmp_path):
    _, folder, _ = run
    filled = [one.format(folder=tmp_path, run=folder) for one in arguments]
    result = call(*filled, "--lang", "en")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_an_unknown_language_is_refused(tmp_path):
    assert call("init", tmp_path / "x", "--lang", "fr").exit_code == 2
    assert not (tmp_path / "x").exists()
