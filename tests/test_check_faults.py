"""`gridplan check` and `report` on what is broken or drawn by hand: sentences and statuses."""

from __future__ import annotations

import json
import shutil
import sqlite3

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from gridplan import layer_commands
from gridplan.cli import app
from gridplan.config import Config, parse_config
from gridplan.errors import SettingsError
from gridplan.lenient import salvage
from gridplan.present.verdict import verdict, verdict_lines
from gridplan.store.geopackage import CONTRACT_LAYERS, SUMMARY_BLOCKS
from gridplan.verify.contract import CONTRACT_COLUMNS
from gridplan.verify.plan import CHECKS
from tests import contract, tiny
from tests.test_zone_systems_run import BASE, zonings

runner = CliRunner()
CODES = ["999901001001001", "999901001001002"]


def call(*arguments, lang="en"):
    return runner.invoke(app, [*map(str, arguments), "--lang", lang])


def cells(gap=0.0, *, crs=tiny.CRS, **columns):
    halves = [tiny.box(0, 0, 100, 100), tiny.box(100 + gap, 0, 200, 100)]
    return gpd.GeoDataFrame(columns or {"cell_id": CODES}, geometry=halves, crs=tiny.CRS).to_crs(
        crs
    )


def boundary(crs=tiny.CRS):
    return gpd.GeoDataFrame({"name": ["x"]}, geometry=[tiny.box(0, 0, 200, 100)], crs=tiny.CRS)\
        .to_crs(crs)  # fmt: skip


def package(path, **layers):
    for name, frame in layers.items():
        frame.to_file(path, layer=name, driver="GPKG", engine="pyogrio")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    project = tiny.write(tmp_path_factory.mktemp("town"))
    result = call("run", project, "--out", project.parent / "run")
    assert result.exit_code == 0, result.output
    return project.parent / "run"


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


# --- coordinate systems -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crs", "said"),
    [("EPSG:4326", "EPSG:4326"), ("EPSG:3857", "too large"), ("EPSG:2276", "US survey foot")],
)
def test_cells_that_are_not_in_metres_are_refused(tmp_path, crs, said):
    path = package(tmp_path / "a.gpkg", cells=cells(crs=crs), boundary=boundary(crs))
    result = call("check", path)
    assert result.exit_code == 2
    assert said in result.stderr or crs in result.stderr
    assert len(result.stderr.splitlines()) == 2, "both layers are named"
    for layer in ("`cells`", "`boundary`"):
        assert layer in result.stderr
    assert "projected CRS in metres" in result.stderr
    assert "以米为单位的投影坐标系" in call("check", path, lang="zh").stderr


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_cells_without_a_system_are_refused(tmp_path):
    path = package(tmp_path / "a.gpkg", cells=cells().set_crs(None, allow_override=True))
    result = call("check", path)
    assert result.exit_code == 2
    assert "`cells` has no coordinate system" in result.stderr


def test_layers_in_two_systems_are_refused(tmp_path):
    path = package(tmp_path / "a.gpkg", cells=cells(), boundary=boundary("EPSG:32651"))
    result = call("check", path)
    assert result.exit_code == 2
    assert "CGCS2000 / 3-degree Gauss-Kruger CM 120E" in result.stderr
    assert "WGS 84 / UTM zone 51N" in result.stderr


def test_degrees_declared_as_metres_are_refused(tmp_path):
    wrong = cells(crs="EPSG:4326").set_crs(tiny.CRS, allow_override=True)
    result = call("check", package(tmp_path / "a.gpkg", cells=wrong))
    assert result.exit_code == 2
    assert "look like degrees" in result.stderr


def test_a_base_map_in_another_system_does_no_harm(tmp_path):
    other = gpd.GeoDataFrame(geometry=[shapely.Point(120.98, 31.46)], crs="EPSG:4326")
    path = package(tmp_path / "a.gpkg", cells=cells(), boundary=boundary(), basemap=other)
    result = call("check", path)
    assert result.exit_code == 0, result.output
    assert "left aside: basemap" in result.stdout


# --- drawn by hand ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("grid 2026", cells()),
        ("CELLS", cells(CELL_ID=CODES, ZONE_ID=["a", "a"])),
        ("单元网格", cells(网格编码=CODES)),
        ("cells", cells(fid_1=[1, 2])),
    ],
)
def test_what_can_be_checked_is_checked(tmp_path, name, frame):
    path = package(tmp_path / "drawn.gpkg", **{name: frame})
    result = call("check", path)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith("Nothing hard found: ")
    assert "no layer `boundary`" in result.stdout
    assert "to have it verified, add `boundary`" in result.stdout


def test_names_that_were_taken_for_others_are_said(tmp_path):
    frame = cells(网格编码=[CODES[0]] * 2, ZONE_ID=["a", "b"])
    result = call("check", package(tmp_path / "drawn.gpkg", grid=frame))
    assert "grid → cells, 网格编码 → cell_id, ZONE_ID → zone_id" in result.stdout
    assert result.exit_code == 2
    assert "[id_repeated]" in result.stdout


def test_overlaps_show_without_a_boundary(tmp_path):
    result = call("check", package(tmp_path / "drawn.gpkg", cells=cells(-1)))
    assert result.exit_code == 2
    assert "[overlap]" in result.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a.gpkg is empty"),
        (b'{"type": "FeatureCollection", "features": []}', "a.gpkg is no GeoPackage"),
        (b"SQLite format 3\x00" + b"x" * 5000, "damaged or not whole"),
    ],
)
def test_a_file_that_is_no_geopackage(tmp_path, content, said):
    path = tmp_path / "a.gpkg"
    path.write_bytes(content)
    result = call("check", path)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_another_file_is_refused(tmp_path):
    (tmp_path / "cells.geojson").write_text("{}")
    result = call("check", tmp_path / "cells.geojson")
    assert result.exit_code == 2
    assert "cells.geojson cannot be checked" in result.stderr


# --- runs ---------------------------------------------------------------------------------------


def table(path, statement):
    database = sqlite3.connect(path)
    with database:
        database.execute(statement)
    database.close()


def truncated(folder):
    content = (folder / "plan.gpkg").read_bytes()
    (folder / "plan.gpkg").write_bytes(content[: len(content) // 2])


def summary(text):
    return lambda folder: (folder / "summary.json").write_text(text, encoding="utf-8")


def summary_without(block):
    def spoil(folder):
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        del found[block]
        (folder / "summary.json").write_text(json.dumps(found), encoding="utf-8")

    return spoil


def sql(statement):
    return lambda folder: table(folder / "plan.gpkg", statement)


BROKEN = {
    "no JSON": (summary("{"), "summary.json is no JSON"),
    "a list": (summary("[]"), "summary.json holds a list"),
    "no bytes": (summary(""), "summary.json is no JSON"),
    "no siting": (summary_without("siting"), "lacks blocks, or has broken ones: siting"),
    "no contract": (summary_without("contract"), "was written under contract ''"),
    "a later contract": (summary('{"contract": "2.0"}'), "Install a newer gridplan"),
    "no package": (lambda folder: (folder / "plan.gpkg").unlink(), "plan.gpkg missing"),
    "a truncated package": (truncated, "damaged or not whole"),
    "no meta": (sql("DELETE FROM gpkg_contents WHERE table_name = 'gridplan_meta'"),
                "gridplan_meta"),
    "a later package": (sql("UPDATE gridplan_meta SET value = '2.0' WHERE key = 'contract'"),
                        "Install a newer gridplan"),
    "meta without settings": (sql("DELETE FROM gridplan_meta WHERE key = 'settings'"),
                              "gridplan_meta: settings is missing"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["check", "report"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_run_is_refused_in_one_sentence(run, name, command):
    spoil, said = BROKEN[name]
    spoil(run)
    result = call(command, run)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_plan_is_held_to_the_whole_contract(run):
    frame = gpd.read_file(run / "plan.gpkg", layer="demand", engine="pyogrio")
    table(run / "plan.gpkg", "DELETE FROM gpkg_contents WHERE table_name = 'cell_zones'")
    frame.drop(columns="room_reason").to_file(
        run / "plan.gpkg", layer="demand", driver="GPKG", engine="pyogrio"
    )
    report, _ = layer_commands.check_layers(run)
    hard = {(one.rule, one.layer, one.ids) for one in report.findings if one.severity == "hard"}
    assert ("layer_missing", "cell_zones", ("cell_zones",)) in hard
    assert ("column_missing", "demand", ("room_reason",)) in hard
    refused = call("report", run)
    assert refused.exit_code == 2
    assert "cell_zones is missing" in refused.stderr


def test_layers_that_came_later_may_be_missing_but_not_in_part(run):
    frame = gpd.read_file(run / "plan.gpkg", layer="walks", engine="pyogrio")
    table(run / "plan.gpkg", "DELETE FROM gpkg_contents WHERE table_name = 'access_by_unit'")
    frame.drop(columns="why").to_file(
        run / "plan.gpkg", layer="walks", driver="GPKG", engine="pyogrio"
    )
    report, _ = layer_commands.check_layers(run)
    hard = {(one.rule, one.layer, one.ids) for one in report.findings if one.severity == "hard"}
    assert hard == {("column_missing", "walks", ("why",))}


def test_a_summary_that_was_edited_is_found(run):
    text = (run / "summary.json").read_text(encoding="utf-8")
    found = json.loads(text) | {"residents_unplaced": 17}
    (run / "summary.json").write_text(json.dumps(found), encoding="utf-8")
    result = call("check", run)
    assert result.exit_code == 2
    assert "residents_unplaced" in result.stdout


def test_the_contract_is_the_one_that_is_written_down_apart():
    for layer, columns in contract.COLUMNS.items():
        assert set(columns) <= set(CONTRACT_COLUMNS[layer])
    assert set(CONTRACT_LAYERS) == set(contract.COLUMNS)
    assert set(contract.SUMMARY) <= set(SUMMARY_BLOCKS)


# --- the verdict --------------------------------------------------------------------------------


def test_a_clean_run_ends_with_a_verdict_in_either_language(made):
    english, chinese = call("check", made), call("check", made, lang="zh")
    assert english.exit_code == chinese.exit_code == 0, english.output
    assert english.stdout.splitlines()[-1].startswith("Nothing hard found: ")
    assert chinese.stdout.splitlines()[-1].startswith("未发现硬性问题：")
    assert "tiling error: " in english.stdout
    assert "铺满误差：" in chinese.stdout
    assert "left aside" not in english.stdout
    assert "tiling_error_m2" not in english.stdout + chinese.stdout


def test_the_verdict_counts_and_hard_findings_come_first(tmp_path):
    frame = cells(5, cell_id=[CODES[0]] * 2)
    path = package(tmp_path / "a.gpkg", cells=frame, boundary=boundary())
    places = tmp_path / "places.geojson"
    result = call("check", path, "--map", places)
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert lines[-1].startswith("2 hard findings: do not use this plan")
    marks = [line[0] for line in lines if line[0] in "✗!"]
    assert marks == sorted(marks, key="✗!".index)
    assert "findings without a place, not on the map: column_missing" in lines[-2]
    found = gpd.read_file(places)
    assert {"rule", "severity", "layer", "ids", "zh", "en"} <= set(found)
    gap = found.set_index("rule").loc["gap"]
    assert "Gaps between" in gap["en"]
    assert "空隙" in gap["zh"]
    east, north = gap.geometry.centroid.coords[0]
    assert 120 < east < 122
    assert 31 < north < 32


def test_a_map_without_places_opens(tmp_path):
    path = package(tmp_path / "a.gpkg", cells=cells(), boundary=boundary())
    places = tmp_path / "places.geojson"
    assert call("check", path, "--map", places).exit_code == 0
    assert json.loads(places.read_text(encoding="utf-8"))["features"] == []


def test_every_check_has_a_name():
    from gridplan.present.verdict import _CHECKS

    assert {one.name for one in CHECKS} <= set(_CHECKS)


def test_the_words_of_the_verdict():
    from gridplan.verify import verify_plan

    report = verify_plan({"cells": pd.DataFrame({"geometry": [shapely.box(0, 0, 9, 9)]})})
    assert verdict(report).en == (
        f"Nothing hard found: {len(report.checked)} checks made, {len(report.skipped)} skipped, "
        f"{len(report.findings)} remarks."
    )
    assert verdict_lines(report, "zh")[-1] == verdict(report).zh


# --- all at once ---------------------------------------------------------------------------------

SEVERAL = """
least_share = 1.0
group_weights = { nobody = 2.0 }

[[siting.decisions]]
site_id = "r9"
decision = "required"
asked_by = "社区办"
reason = "现有用房"
date = "2026-05-04"

[unify]
importance = { "水务" = 2.0 }

[zones.systems.first]
given = "水务"
band = [700, 900]

[zones.systems.second]
k = 1000

[zones.systems.third]
weights = { shops = 0.2 }
"""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_independent_faults_are_told_together_the_quickly_found_first(tmp_path, lang):
    frames = {**tiny.town(), "zonings": zonings()}
    project = tiny.write(tmp_path / "town", frames, toml=tiny.TOML + SEVERAL)
    result = call("check", project, lang=lang)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    places = [
        next(at for at, line in enumerate(lines) if all(one in line for one in words))
        for words in (["nobody"], ["r9"], ["shops"], ["水务"], ["first", "900"], ["second", "1000"])
    ]
    assert places == sorted(places)
    assert len(lines) == 7, "the department without zones is named by [unify] and by `given`"


def test_settings_that_do_not_go_together_are_told_together():
    with pytest.raises(SettingsError) as caught:
        parse_config(
            {
                "place": {**BASE["place"], "community_code": "7"},
                "access": {"catchment_norm": "walk_to_the_moon_m"},
            }
        )
    assert "catchment_norm name no distance" in str(caught.value)
    assert "community_code = '7'" in str(caught.value)
    with pytest.raises(SettingsError) as caught:
        parse_config(
            {
                **BASE,
                "siting": {"tolerance": 0.1, "trade_off": ["mean"]},
                "zones": {"presets": [], "systems": {"unified": {}, "a": {"keep": ["1"]}}},
            }
        )
    said = str(caught.value)
    for words in ("`tolerance` is about", "should name two", "another name", "no `given` says"):
        assert words in said


# --- settings and files together -----------------------------------------------------------------


def spoilt(folder):
    """A project with faults of settings, of a file and of the walking network."""
    frames = tiny.town()
    frames["streets"]["highway"] = "motorway"
    toml = tiny.TOML.replace("p = 1", 'p = "many"') + "\n[report]\ncell_bounds = 3\n"
    return tiny.write(folder, frames, toml=toml)


def test_faults_of_settings_hide_no_fault_of_the_network(tmp_path):
    result = call("check", spoilt(tmp_path))
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert "[siting].p = 'many'" in lines[0]
    assert any("[report].cell_bounds = 3" in one for one in lines)
    assert any("can be walked along" in one for one in lines), lines
    assert len(lines) == 3


def test_faults_of_settings_and_of_files_stand_together(tmp_path):
    path = tiny.write(tmp_path, toml=tiny.TOML.replace("k = 2", "k = -2"), population="a,b\n1,2\n")
    result = call("check", path)
    assert result.exit_code == 2
    assert "[zones].k = -2" in result.stderr
    assert "population.csv" in result.stderr
    # What a file lacks since its setting is at fault is no fault of its own.
    path.write_text(tiny.TOML.replace('"population.csv"', "true"), encoding="utf-8")
    assert len(call("check", path).stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "line", ['osm_date = "2026-01-01"', 'comittees = "town.gpkg"', 'barrier = "b.gpkg"']
)
def test_an_unknown_setting_of_the_place_hides_no_fault_of_a_file(tmp_path, line):
    toml = tiny.TOML.replace("[place]\n", f"[place]\n{line}\n")
    path = tiny.write(tmp_path, toml=toml)
    # Without the setting a file is no fault, and what is made of all files is not judged.
    assert len(call("check", path).stderr.splitlines()) == 1
    path = tiny.write(tmp_path / "both", toml=toml, population="a,b\n1,2\n")
    result = call("check", path)
    assert result.exit_code == 2
    first, *others = result.stderr.splitlines()
    assert line.split(" ")[0] in first
    assert any("population.csv" in one for one in others)


def test_a_project_is_checked_with_settings_of_the_command_line(tmp_path, run):
    path = tiny.write(tmp_path / "project")
    assert call("check", path, "--set", "siting.p=2").exit_code == 0
    result = call("check", path, "--set", "siting.p=99")
    assert result.exit_code in {2, 3}
    assert "99" in result.stderr
    result = call("check", path, "--set", "p=2")
    assert "belongs to [siting].p" in result.stderr
    result = call("check", run, "--set", "siting.p=2")
    assert result.exit_code == 2
    assert "--set is for a project" in result.stderr


TOGETHER = frozenset({"norms", "access", "cells"})


@pytest.mark.parametrize(
    ("more", "left", "count"),
    [
        ({}, TOGETHER, 2),
        ({"zone": {"k": 2}}, frozenset(Config.model_fields), 2),
        ({"access": {"catchment_norm": "nothing"}}, TOGETHER, 2),
        ({"report": 3, "run": {"seed": -1}}, TOGETHER | {"report", "run"}, 4),
        ({"cells": {"target_m2": 0}}, TOGETHER, 2),
    ],
)
def test_what_is_salvaged_of_settings_is_known(more, left, count):
    place = {"name": "t", "population": 9, "community_code": "12"}
    found = salvage({"place": {**place, "as_of": "soon"}, **more})
    assert found.config.place.population == 9
    assert found.config.place.community_code is None
    assert found.left == left
    assert len(found.faults) == count, found.faults


# --- how even zones drawn by hand have to be ----------------------------------------------------


def drawn_zones(tmp_path):
    west, east = (shapely.box(x, 3.5e6, x + 100, 3.5e6 + 100) for x in (500_000, 500_100))
    zones = gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=[west, east], crs="EPSG:4549")
    homes = gpd.GeoDataFrame(
        {"population": [35.0, 65.0]}, geometry=[west.centroid, east.centroid], crs="EPSG:4549"
    )
    return package(tmp_path / "drawn.gpkg", zones=zones, demand=homes)


def test_zones_drawn_by_hand_are_held_to_a_tolerance_that_is_given(tmp_path):
    path = drawn_zones(tmp_path)
    told = call("check", path).stdout
    assert "[zone_unbalanced]" not in told
    assert "zones main: the one with most residents has 1.30 times the mean (--tolerance" in told
    held = call("check", path, "--tolerance", "0.2").stdout
    assert "[zone_unbalanced]" in held
    assert "40–60 residents, within 20% of the mean" in held
    assert "has 1.30 times the mean\n" in held
    assert "[zone_unbalanced]" not in call("check", path, "--tolerance", "0.4").stdout


def test_a_tolerance_out_of_range_or_place_is_refused(tmp_path, run):
    for share in ("0", "1.5", "nan"):
        refused = call("check", drawn_zones(tmp_path), "--tolerance", share)
        assert refused.exit_code == 2
        assert "expected a share above 0 and at most 1" in refused.stderr
    alone = package(tmp_path / "alone.gpkg", zones=gpd.GeoDataFrame(
        {"zone_id": ["a"]}, geometry=[shapely.box(5e5, 3.5e6, 5e5 + 9, 3.5e6 + 9)], crs="EPSG:4549"
    ))  # fmt: skip
    bare = call("check", alone, "--tolerance", "0.1")
    assert bare.exit_code == 2
    assert "no zones with residents to hold to it" in bare.stderr
    made = call("check", run, "--tolerance", "0.1")
    assert made.exit_code == 2
    assert "was made by gridplan" in made.stderr
    (tmp_path / "gridplan.toml").write_text("")
    project = call("check", tmp_path / "gridplan.toml", "--tolerance", "0.1")
    assert project.exit_code == 2
    assert "--set zones.tolerance=0.1" in project.stderr
