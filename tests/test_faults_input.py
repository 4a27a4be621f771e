"""Bad input: one fault a row, its message, exit status 2, nothing written, no traceback."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from gridplan.cli import app
from gridplan.project import open_project
from tests import tiny

runner = CliRunner()


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def refused(project, *arguments, command="run"):
    """Run a command that must be refused; return its lines on stderr."""
    before = files_of(project.parent)
    result = runner.invoke(app, [command, str(project), "--lang", "en", *arguments])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert files_of(project.parent) == before
    return result.stderr.strip().splitlines()


def spoil(layer, change):
    """Return the town with one layer changed."""
    frames = tiny.town()
    frames[layer] = change(frames[layer])
    return frames


def in_degrees_undeclared(frame):
    return frame.to_crs(4326).set_crs(tiny.CRS, allow_override=True)


def swapped_degrees(frame):
    degrees = frame.to_crs(4326)
    return degrees.set_geometry(
        gpd.GeoSeries(shapely.transform(degrees.geometry.to_numpy(), lambda xy: xy[:, ::-1])),
        crs=4326,
    )


def bow_tie(frame):
    ring = [(0, 0), (400, 400), (400, 0), (0, 400), (0, 0)]
    crossed = shapely.Polygon([(tiny.X + x, tiny.Y + y) for x, y in ring])
    return frame.set_geometry([crossed], crs=tiny.CRS)


def moved(frame, metres):
    shapes = frame.geometry.to_list()
    shapes[0] = shapely.transform(shapes[0], lambda xy: xy + np.array([metres, 0.0]))
    return frame.set_geometry(shapes, crs=tiny.CRS)


LAYER_FAULTS = {
    "degrees declared as metres": ("boundary", in_degrees_undeclared, "look like degrees"),
    "web mercator": ("boundary", lambda f: f.to_crs(3857), "areas and distances are too large"),
    "longitude and latitude exchanged": ("committees", swapped_degrees, "look exchanged"),
    "boundary crosses itself": ("boundary", bow_tie, "1 polygon of `boundary` is not valid"),
    "no streets": ("streets", lambda f: f.iloc[:0], "no `streets`"),
    "no buildings": ("buildings", lambda f: f.iloc[:0], "no `buildings`"),
    "streets elsewhere": (
        "streets",
        lambda f: f.set_geometry(f.translate(50_000), crs=tiny.CRS),
        "No street lies within the buffer",
    ),
    "duplicate ids": (
        "buildings",
        lambda f: f.assign(building_id="b0"),
        "1 id occurs more than once in `buildings`.`building_id`: b0",
    ),
    "buildings without storeys": (
        "buildings",
        lambda f: f.assign(floors=0),
        "6 of 6 buildings have 0 storeys",
    ),
    "buildings of impossible height": (
        "buildings",
        lambda f: f.assign(floors=200),
        "6 of 6 buildings have more than 100 storeys: b0 = 200",
    ),
    "no building is housing": (
        "buildings",
        lambda f: f.assign(kind="住宅", households=None),
        "None of the 6 buildings is housing, and none has households. Their kinds are: 住宅 6",
    ),
    "a column is missing": (
        "buildings",
        lambda f: f.drop(columns="kind"),
        r"`buildings` lacks the columns ['kind']",
    ),
    "households as text": (
        "buildings",
        lambda f: f.assign(households="thirty"),
        "6 of 6 values of `buildings`.`households` are no numbers: b0 = thirty",
    ),
    "negative households": (
        "buildings",
        lambda f: f.assign(households=-1),
        "6 of 6 values of `buildings`.`households` are negative",
    ),
    "committee beyond the buffer": (
        "committees",
        lambda f: moved(f, 3_000.0),
        "1 committee lies more than 2,000 m outside the boundary: k1",
    ),
    "one id for a site and a committee": (
        "sites",
        lambda f: f.assign(site_id=["k1", "r2", "r3"]),
        "1 id is used for a site and a committee: k1",
    ),
    "an unknown kind of site": (
        "sites",
        lambda f: f.assign(kind="maybe"),
        "none of existing, candidate, required: maybe",
    ),
}


@pytest.mark.parametrize("name", LAYER_FAULTS)
def test_a_fault_of_a_layer_is_named(name, tmp_path):
    layer, change, message = LAYER_FAULTS[name]
    lines = refused(tiny.write(tmp_path, spoil(layer, change)))
    assert any(message in line for line in lines), lines


POPULATION_FAULTS = {
    "communities that do not match": (
        tiny.POPULATION.replace("999901001002", "999901001009"),
        "1 code only in the table (999901001009), 1 only in the layer (999901001002)",
    ),
    "negative": (tiny.POPULATION.replace(",600,", ",-600,"), "is negative or not finite"),
    "text": (tiny.POPULATION.replace(",600,", ",many,"), "999901001001 = many"),
    "missing": (tiny.POPULATION.replace(",600,", ",,"), "1 row has no count of residents"),
    "fractions": (tiny.POPULATION.replace(",600,", ",600.5,"), "is no whole number"),
    "repeated": (
        tiny.POPULATION.replace("999901001002", "999901001001"),
        "1 community occurs more than once: 999901001001",
    ),
    "a row without its code": (
        tiny.POPULATION.replace("999901001002", ""),
        "1 row has no community code (or estate) without being a row of sums",
    ),
    "sums that are wrong": (
        tiny.POPULATION.replace("合计,,1000,400,150,", "合计,,1000,400,151,"),
        "`age_0_14`: the row of sums says 151, but its communities sum to 150",
    ),
    "a group larger than everybody": (
        tiny.POPULATION.replace(",80\n", ",800\n").replace(",120\n", ",840\n"),
        "the group `age_60_plus` is larger than the population in 1 of 2 rows",
    ),
    "nobody at all": (
        "社区编码,常住人口\n999901001001,0\n999901001002,0\n",
        "all counts of residents are 0",
    ),
    "no code": (
        tiny.POPULATION.replace("社区编码", "序号"),
        "needs a column of community codes (or of estates)",
    ),
}


@pytest.mark.parametrize("name", POPULATION_FAULTS)
def test_a_fault_of_the_population_table_is_named(name, tmp_path):
    population, message = POPULATION_FAULTS[name]
    lines = refused(tiny.write(tmp_path, population=population))
    assert any(message in line for line in lines), lines


def test_check_refuses_a_population_nobody_can_use(tmp_path):
    for value in ("0", "-5", "true"):
        toml = tiny.TOML.replace('"population.csv"', value)
        lines = refused(tiny.write(tmp_path / value, toml=toml), command="check")
        assert len(lines) == 1
        assert "[place].population" in lines[0]


def test_columns_that_look_personal_are_told_of_and_dropped(tmp_path):
    rows = tiny.POPULATION.strip().split("\n")
    extra = ("联系电话", "13900000001", "13900000002", "")
    population = "\n".join(f"{row},{cell}" for row, cell in zip(rows, extra, strict=True))
    project = tiny.write(tmp_path, population=population)
    result = runner.invoke(app, ["check", str(project), "--lang", "en"])
    assert result.exit_code == 0
    assert "look personal: 联系电话" in result.stdout
    assert "13900000001" not in result.output


def test_no_such_file(tmp_path):
    toml = tiny.TOML.replace("town.gpkg", "towns.gpkg").replace("population.csv", "人口.xlsx")
    lines = refused(tiny.write(tmp_path, toml=toml))
    assert len(lines) == 2
    assert "there is no file towns.gpkg" in lines[0]
    assert "there is no file 人口.xlsx" in lines[1]


def test_no_such_project(tmp_path):
    assert "There is no settings file" in refused(tmp_path / "gridplan.toml")[0]


def test_a_broken_pbf(tmp_path):
    (tmp_path / "town.osm.pbf").write_bytes(b"\x00\x00\x00\x0bnot a pbf" * 20)
    project = tiny.write(
        tmp_path, toml=tiny.TOML.replace('layers = "town.gpkg"', 'osm = "town.osm.pbf"')
    )
    assert any("town.osm.pbf" in line for line in refused(project))


def test_a_web_mercator_setting(tmp_path):
    project = tiny.write(tmp_path, toml=tiny.TOML.replace("EPSG:4549", "EPSG:3857"))
    assert "areas and distances are too large" in refused(project)[0]


def test_a_setting_in_degrees(tmp_path):
    project = tiny.write(tmp_path, toml=tiny.TOML.replace("EPSG:4549", "EPSG:4490"))
    assert "not projected in metres" in refused(project)[0]


def test_a_typo_in_a_setting(tmp_path):
    project = tiny.write(tmp_path, toml=tiny.TOML.replace("[siting]\np", "[siting]\npp"))
    assert "no setting [siting].pp. Did you mean `p`?" in refused(project)[0]


def test_more_rooms_than_sites(tmp_path):
    lines = refused(tiny.write(tmp_path), "--set", "siting.p=3")
    assert len(lines) == 1
    assert "[siting].p = 3, but there are 2 candidate sites. Lower p or add sites" in lines[0]


def test_all_faults_of_one_input_together(tmp_path):
    frames = spoil("buildings", lambda f: f.assign(households=-1))
    frames["committees"] = moved(frames["committees"], 3_000.0)
    project = tiny.write(tmp_path, frames, population=POPULATION_FAULTS["text"][0])
    text = "\n".join(refused(project, "--set", "siting.p=9"))
    for part in ("are negative", "2,000 m outside", "= many", "[siting].p = 9"):
        assert part in text


def test_check_reports_the_same_faults(tmp_path):
    project = tiny.write(tmp_path, spoil("buildings", lambda f: f.assign(households=-1)))
    assert refused(project) == refused(project, command="check")


def test_faults_in_chinese(tmp_path):
    project = tiny.write(tmp_path, spoil("buildings", lambda f: f.assign(households=-1)))
    result = runner.invoke(app, ["run", str(project), "--lang", "zh"])
    assert "为负数或无穷" in result.stderr


def test_a_committee_inside_the_buffer_is_a_warning(tmp_path):
    project = tiny.write(tmp_path, spoil("committees", lambda f: moved(f, 300.0)))
    result = runner.invoke(app, ["check", str(project), "--lang", "en"])
    assert result.exit_code == 0
    assert "1 committee stands outside the boundary, within the buffer, and counts: k1" in (
        result.stdout
    )


def test_outputs_that_are_refused(tmp_path):
    project = tiny.write(tmp_path / "project")
    taken = tmp_path / "taken"
    taken.write_text("x", encoding="utf-8")
    assert "is a file, not a folder" in refused(project, "--out", str(taken))[0]
    assert "cannot be written" in refused(project, "--out", "/proc/gridplan/run")[0]
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.docx").write_text("x", encoding="utf-8")
    assert "holds no run" in refused(project, "--out", str(full), "--replace")[0]


def test_communities_without_their_codes(tmp_path):
    project = tiny.write(tmp_path, spoil("communities", lambda f: f.drop(columns="community_id")))
    for command in ("check", "run"):
        lines = refused(project, command=command)
        assert any("`communities` lacks the columns ['community_id']" in one for one in lines)


def test_buildings_on_each_other_are_noted_by_kind_and_kept(tmp_path):
    frames = tiny.town()
    town = frames["buildings"]
    boxes = {
        "one": (220, 60, 240, 80), "same": (220, 60, 240, 80), "outer": (250, 60, 280, 80),
        "inner": (255, 65, 265, 75), "left": (300, 60, 320, 80), "right": (315, 70, 335, 90),
        "wall": (335, 70, 345, 90),
    }  # fmt: skip
    rows = [town.iloc[[0]].assign(building_id=one) for one in boxes]
    more = gpd.GeoDataFrame(pd.concat(rows, ignore_index=True), crs=tiny.CRS)
    more = more.set_geometry([tiny.box(*one) for one in boxes.values()], crs=tiny.CRS)
    frames["buildings"] = gpd.GeoDataFrame(
        pd.concat([town, more], ignore_index=True), crs=tiny.CRS
    ).sample(frac=1, random_state=3)
    place = open_project(tiny.write(tmp_path, frames)).place
    assert set(boxes) <= set(place.buildings["building_id"])
    told = {one.code: one for one in place.notes if one.code.startswith("buildings_")}
    assert {code: one.ids for code, one in told.items()} == {
        "buildings_twice": ("one + same",),
        "buildings_nested": ("inner + outer",),
        "buildings_overlap": ("left + right",),
    }
    assert "partly on another one (50.0 m² in common)" in told["buildings_overlap"].message.en


def test_counts_of_one_are_told_in_the_singular(tmp_path):
    """No sentence of the reading says `1 … are`: nouns and verbs go by the number."""
    frames = tiny.town()
    frames["committees"] = moved(frames["committees"], 300.0)
    frames["buildings"] = moved(frames["buildings"], 5_000.0)
    place = open_project(tiny.write(tmp_path, frames)).place
    told = [note.message.en for note in place.notes if note.count == 1]
    assert any(one.startswith("1 of 6 buildings lies outside") for one in told)
    assert any(one.startswith("1 committee stands outside") for one in told)
    wrong = re.compile(r"\b1 (of [0-9]+ )?[a-z ]+ (are|were|have|lie|stand|cross|carry)\b")
    assert [one for one in told if wrong.search(one)] == []
