"""Residents from every kind of source, from the files of a project to the demand of its plan."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from gridplan.cli import app
from gridplan.demand import spread_residents
from gridplan.project.read import open_project, read_project
from gridplan.store import read_run
from tests import tiny
from tests.contract import check_layers

runner = CliRunner()
EAST, WEST = "999901001001", "999901001002"


def project(folder, population, *, frames=None, **files):
    """Write the town with another source of residents and its files."""
    toml = tiny.TOML.replace('"population.csv"', population)
    path = tiny.write(folder, frames, toml=toml)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8-sig")
    return path


def with_estates(**columns):
    """Return the town's layers with two estates; the homes b2 and b5 stand in east ones."""
    frames = tiny.town()
    estates = gpd.GeoDataFrame(
        {"estate_id": ["e1", "e2"], "name": ["东苑", "北苑"], **columns},
        geometry=[tiny.box(330, 30, 380, 60), tiny.box(330, 330, 380, 360)],
        crs=tiny.CRS,
    )
    frames["buildings"] = frames["buildings"].assign(households=None)
    return {**frames, "estates": estates}


def check(path):
    result = runner.invoke(app, ["check", str(path), "--lang", "en"])
    return result.exit_code, result.stdout + result.stderr


def demand_of(path):
    place, config = read_project(path)
    return place, spread_residents(place, options=config.demand.options)


def test_a_table_of_communities_and_one_of_estates(tmp_path):
    source = (
        '{ file = "population.csv", estates = { file = "estates.csv", as_of = 2025-12-31, '
        'source = "物业台账" } }'
    )
    path = project(tmp_path, source, frames=with_estates(), estates="小区,人口\n东苑,450\n")
    place, demand = demand_of(path)
    rows = place.population.set_index("unit_id")
    assert rows.loc["e1", ["level", "as_of", "source", "grade"]].tolist() == [
        "estate", "2025-12-31", "物业台账", "A",
    ]  # fmt: skip
    assert rows.loc[EAST, ["as_of", "source", "grade"]].tolist() == [
        "2026-06-30", "population.csv", "B",
    ]  # fmt: skip
    homes = demand.set_index("demand_id")
    assert homes.loc["b2", ["population", "grade"]].tolist() == [450, "A"]
    assert homes.loc["b5", ["population", "grade"]].tolist() == [150, "B"]
    # The register and the ages come from the community, for the estate too.
    assert demand["population_register"].sum() == 400
    ages = ["age_0_14", "age_15_59", "age_60_plus"]
    assert (demand[ages].sum(axis=1) == demand["population"]).all()
    status, text = check(path)
    assert status == 0
    assert "(units) are of 2025-12-31 (1), 2026-06-30 (2), the place of 2026-06-30" in text


def test_estates_that_hold_more_than_their_community_are_found_by_check(tmp_path):
    source = '{ file = "population.csv", estates = { file = "estates.csv" } }'
    path = project(tmp_path, source, frames=with_estates(), estates="小区,人口\n东苑,650\n")
    status, text = check(path)
    assert status == 2
    assert f"`population`: the estates of community {EAST} hold 650, but it has 600 only" in text


def test_estates_alone_are_told_of_the_homes_they_leave_out(tmp_path):
    path = project(
        tmp_path, '"estates.csv"', frames=with_estates(), estates="小区编号,人口\ne1,9\ne2,8\n"
    )
    _, demand = demand_of(path)
    assert demand["population"].tolist() == [9, 8]
    status, text = check(path)
    assert status == 0
    assert "4 of 6 homes stand in no unit of the population table" in text


def test_two_tables_may_not_count_the_same_estate(tmp_path):
    source = '{ file = "one.csv", estates = { file = "two.csv" } }'
    tables = {"one": "小区编号,人口\ne1,9\n", "two": "小区,人口\n东苑,8\n"}
    status, text = check(project(tmp_path, source, frames=with_estates(), **tables))
    assert status == 2
    assert "Two tables of residents count the same estates: e1" in text


def test_the_households_of_buildings_alone(tmp_path):
    place, demand = demand_of(project(tmp_path, '"households"'))
    # Six homes of 30 households of 2.6 residents; four of them in the west.
    assert place.population["population"].tolist() == [156, 312]
    assert demand["population"].tolist() == [78] * 6
    # A building's households are known, but nobody counted the residents.
    assert set(demand["grade"]) == {"C"}


def weighted(folder, weights):
    """Write the town with 400 residents, two cells with weights, and other homes in none."""
    cells = gpd.GeoDataFrame(
        {"id": ["w1", "w2"], "n": weights},
        geometry=[tiny.box(300, 0, 400, 100), tiny.box(300, 200, 400, 300)],
        crs=tiny.CRS,
    )
    path = project(folder, "400")
    cells.to_file(folder / "cells.gpkg", layer="cells", driver="GPKG")
    layer = 'weights = { file = "cells.gpkg", rename = { weight_id = "id", weight = "n" } }'
    text = path.read_text(encoding="utf-8").replace("[zones]", f"{layer}\n\n[zones]")
    path.write_text(text, encoding="utf-8")
    return path


def test_cells_with_weights(tmp_path):
    path = weighted(tmp_path, [3, 1])
    place, demand = demand_of(path)
    assert len(place.weights) == 2
    assert dict(zip(demand["demand_id"], demand["population"], strict=True)) == {
        "b2": 300, "cell-w2": 100,
    }  # fmt: skip
    status, text = check(path)
    assert status == 0
    assert "5 of 6 buildings stand in no cell of `weights`, without residents: b0, b1" in text


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0, 0], "None of the 2 cells in `weights` has a weight above 0"),
        ([3, None], "1 of 2 cells in `weights` has no weight: w2"),
        ([3, -1], "1 of 2 values of `weights`.`weight` is negative or not finite: w2 = -1"),
    ],
)
def test_weights_that_cannot_be_used(tmp_path, weights, message):
    status, text = check(weighted(tmp_path, weights))
    assert status == 2
    assert message in text


def test_weighted_polygons_are_repaired_and_those_outside_left_out(tmp_path):
    path = weighted(tmp_path, [3, 1])
    bow = shapely.Polygon([(tiny.X + x, tiny.Y + y) for x, y in
                           [(300, 0), (400, 100), (400, 0), (300, 100)]])  # fmt: skip
    cells = gpd.GeoDataFrame(
        {"id": ["w1", "w2", "w3"], "n": [3, 1, 5]},
        geometry=[bow, tiny.point(350, 250), tiny.box(900, 900, 950, 950)],
        crs=tiny.CRS,
    )
    cells.to_file(tmp_path / "cells.gpkg", layer="cells", driver="GPKG")
    place, _ = read_project(path)
    codes = {note.code: note.ids for note in place.notes}
    assert place.weights["weight_id"].tolist() == ["w1", "w2"]
    assert place.weights.geometry.is_valid.all()
    assert codes["weights_repaired"] == ("row 1",) or codes["weights_repaired"] == ("w1",)
    assert codes["weights_outside"] == ("w3",)


def test_weights_of_the_common_file_may_be_left_out(tmp_path):
    frames = tiny.town()
    frames["weights"] = gpd.GeoDataFrame(
        {"weight_id": ["w1"], "weight": [1.0]}, geometry=[tiny.box(0, 0, 9, 9)], crs=tiny.CRS
    )
    path = tiny.write(tmp_path, frames)
    assert len(read_project(path)[0].weights) == 1
    text = path.read_text(encoding="utf-8").replace("[zones]", 'weights = "none"\n\n[zones]')
    path.write_text(text, encoding="utf-8")
    assert read_project(path)[0].weights.empty


def test_absolute_paths_of_a_further_table_are_not_kept(tmp_path):
    (tmp_path / "away").mkdir()
    away = tmp_path / "away" / "estates.csv"
    away.write_text("小区,人口,体重\n东苑,450,1\n", encoding="utf-8-sig")
    source = f"{{ file = \"population.csv\", estates = {{ file = '{away.as_posix()}' }} }}"
    opened = open_project(project(tmp_path / "here", source, frames=with_estates()))
    rows = opened.place.population.set_index("unit_id")
    assert rows.loc["e1", "source"] == "estates.csv"
    assert opened.config.place.population.estates.file == "estates.csv"
    assert "estates.csv" in opened.inputs
    assert not [one for one in opened.place.notes if tmp_path.as_posix() in one.message.en]


def test_every_part_of_a_source_tells_its_faults(tmp_path):
    source = '{ file = "population.csv", estates = { file = "estates.csv" } }'
    path = project(tmp_path, source, frames=with_estates(), estates="小区,人口\n南苑,4\n")
    (tmp_path / "population.csv").write_text(
        tiny.POPULATION.replace(",600,", ",-600,"), encoding="utf-8-sig"
    )
    status, text = check(path)
    assert status == 2
    assert "is negative" in text
    assert "estates that the layer `estates` does not have: 南苑" in text


def test_a_raster_without_the_extra_or_of_another_region_is_refused(tmp_path):
    path = project(tmp_path, '{ raster = "people.tif" }')
    status, text = check(path)
    assert status == 2
    assert "there is no file people.tif" in text
    (tmp_path / "people.tif").write_text("no raster", encoding="utf-8")
    status, text = check(path)
    assert status == 2
    assert "gridplan[raster]" in text or "cannot be read as a raster" in text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{ file = "population.csv", raster = "a.tif" }', "`raster` goes with `total` only"),
        ('{ total = 5, estates = { sheet = "x" } }', "`estates` needs a `file`"),
        ('{ total = 5, estates = { fil = "x" } }', "no setting [place].population.estates.fil"),
    ],
)
def test_sources_that_do_not_go_together(tmp_path, source, message):
    status, text = check(project(tmp_path, source))
    assert status == 2
    assert message in text


def test_the_grade_travels_to_the_run(tmp_path):
    path = project(
        tmp_path,
        '{ file = "population.csv", estates = { file = "estates.csv" } }',
        frames=with_estates(),
        estates="小区,人口\n东苑,450\n",
    )
    result = runner.invoke(app, ["run", str(path), "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    stored = read_run(tmp_path / "run")
    check_layers(stored.layers)
    grades = stored.layers["demand"].set_index("demand_id")["grade"]
    assert (grades["b2"], grades["b5"]) == ("A", "B")
    assert set(stored.layers["communities"]["grade"]) == {"B"}
    pd.testing.assert_frame_equal(
        pd.DataFrame(stored.place.population), pd.DataFrame(read_project(path)[0].population),
        check_dtype=False,
    )  # fmt: skip
