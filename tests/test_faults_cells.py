"""Input that cells are drawn from and that is not as it should be: told, mended or refused."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from gridplan.cli import app
from gridplan.project import open_project
from gridplan.verify import verify_plan
from tests import tiny
from tests.test_faults_input import refused
from tests.test_faults_layers import only_note, reshaped

runner = CliRunner()
FABRIC = tiny.TOML.replace("[zones]", '[cells]\nmethod = "fabric"\n\n[zones]')
WEST, EAST = "999901001002", "999901001001"


def drawn(folder, frames, toml=FABRIC):
    """Return the plan of a town; it holds all hard rules."""
    plan = tiny.planned(tiny.write(folder, frames, toml=toml))
    assert plan.summary["proofs"]["tiling_error_m2"] < 0.01
    assert plan.summary["proofs"]["buildings_cut"] == 0
    assert verify_plan(dict(plan.layers), plan.summary).ok
    return plan


def told(plan):
    return " ".join(one["en"] for one in plan.summary["caveats"])


def with_rows(frame, key, rows):
    """Return a layer with further rows: the last one's columns, an id and a shape each."""
    more = [frame.iloc[[-1]].assign(**{key: one}).set_geometry([shape]) for one, shape in rows]
    return gpd.GeoDataFrame(
        pd.concat([frame, *(one.set_crs(tiny.CRS, allow_override=True) for one in more)],
                  ignore_index=True)
    )  # fmt: skip


# Streets


def test_streets_that_enclose_nothing_make_cells_and_are_told(tmp_path):
    frames = tiny.town()
    frames["streets"] = frames["streets"].iloc[[1]]
    plan = drawn(tmp_path, frames)
    assert "No streets enclose any land" in told(plan)
    assert len(plan.layers["cells"]) > 1


def test_streets_that_enclose_land_are_not_told_of(tmp_path):
    frames = tiny.town()
    ring = tiny.line((20, 210), (380, 210), (380, 300), (20, 300), (20, 210))
    frames["streets"] = with_rows(frames["streets"], "street_id", [("ring", ring)])
    assert "No streets enclose any land" not in told(drawn(tmp_path, frames))


def test_lines_that_lie_there_twice_change_no_cell(tmp_path):
    frames = tiny.town()
    once = drawn(tmp_path / "once", frames).layers["cells"]
    lines = frames["streets"].geometry.to_list()
    frames["streets"] = with_rows(
        frames["streets"], "street_id",
        [("again", lines[0]), ("turned", shapely.reverse(lines[1])),
         ("part", tiny.line((0, 320), (150, 320)))],
    )  # fmt: skip
    plan = drawn(tmp_path / "twice", frames)
    twice = plan.layers["cells"]
    # The first of both is the original, by id: `again` is before `s1`, `turned` after `s2`.
    assert "2 streets lie exactly on another one: s1, turned." in told(plan)
    assert shapely.equals(once.geometry.to_numpy(), twice.geometry.to_numpy()).all()


def test_a_street_that_crosses_itself_is_no_obstacle(tmp_path):
    frames = tiny.town()
    loop = tiny.line((20, 220), (180, 300), (180, 220), (20, 300))
    frames["streets"] = with_rows(frames["streets"], "street_id", [("loop", loop)])
    plan = drawn(tmp_path, frames)
    assert "1 street crosses itself: loop." in told(plan)


# Buildings


def test_buildings_that_overlap_lie_in_each_other_or_are_invalid_stay_whole(tmp_path):
    frames = tiny.town()
    ring = [(250, 240), (290, 260), (290, 240), (250, 260)]
    bow = shapely.Polygon([(tiny.X + x, tiny.Y + y) for x, y in ring])
    frames["buildings"] = with_rows(
        frames["buildings"],
        "building_id",
        [
            ("over", tiny.box(60, 45, 130, 60)),
            ("inner", tiny.box(345, 42, 355, 50)),
            ("twice", tiny.box(140, 340, 170, 352)),
            ("bow", bow),
        ],
    )
    toml = tiny.write(tmp_path / "notes", frames, toml=FABRIC)
    assert only_note(toml, "buildings_repaired").ids == ("bow",)
    drawn(tmp_path / "plan", frames)


def test_a_building_larger_than_a_cell_is_whole_and_named(tmp_path):
    frames = tiny.town()
    frames["buildings"] = with_rows(
        frames["buildings"], "building_id", [("hall", tiny.box(10, 80, 190, 190))]
    )
    cells = drawn(tmp_path, frames).layers["cells"]
    hall = cells[cells.geometry.contains(tiny.point(100, 130))]
    assert hall["exception"].tolist() == ["large_building"]
    assert hall.area.iloc[0] > 180 * 110


# Settings


@pytest.mark.parametrize("method", ["fabric", "square"])
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_target_larger_than_the_place_is_refused(method, command, tmp_path):
    settings = ("--set", f'cells.method="{method}"', "--set", "cells.target_m2=200000")
    toml = tiny.TOML.replace("[zones]", f'[cells]\nmethod = "{method}"\ntarget_m2 = 2e5\n\n[zones]')
    lines = refused(
        tiny.write(tmp_path, toml=toml), *(settings if command == "run" else ()), command=command
    )
    assert any("200,000 m², is larger than the place, 160,000 m²" in one for one in lines), lines


# Slivers between communities


def split_at(west_x, east_x):
    """Return the communities with a gap or an overlap between two lines."""
    frames = tiny.town()
    frames["communities"] = reshaped(
        frames["communities"], tiny.box(east_x, 0, 400, 400), tiny.box(0, 0, west_x, 400)
    )
    return frames


def test_slivers_below_two_metres_are_closed_and_listed_with_land_and_residents(tmp_path):
    frames = tiny.town()
    gap = tiny.box(198.5, 0, 200, 100)
    frames["communities"] = reshaped(
        frames["communities"], tiny.box(200, 0, 400, 400), tiny.box(0, 0, 200, 400).difference(gap)
    )
    note = only_note(tiny.write(tmp_path, frames), "community_slits")
    assert note.ids == (f"{EAST}/{WEST} → {WEST} (150.00 m², 0 residents)",)
    assert "150.00 m² and 0 residents in all" in note.message.en
    plan = tiny.planned(tiny.write(tmp_path / "run", frames))
    assert plan.layers["communities"].area.sum() == pytest.approx(160_000)


def test_residents_of_a_sliver_are_counted(tmp_path):
    frames = tiny.town()
    gap = tiny.box(198.5, 0, 200, 100)
    frames["communities"] = reshaped(
        frames["communities"], tiny.box(200, 0, 400, 400), tiny.box(0, 0, 200, 400).difference(gap)
    )
    frames["buildings"] = with_rows(
        frames["buildings"], "building_id", [("b9", tiny.box(196.5, 20, 202, 40))]
    )
    note = only_note(tiny.write(tmp_path, frames), "community_slits")
    assert "(150.00 m², 0 residents)" not in note.ids[0]


REFUSED = {
    "wider than 2 m": (198.0, 200.5, "1,000 m² of the boundary"),
    "more than 0.5 % of a community": (199.0, 200.5, "600 m² of the boundary"),
    "a wide overlap": (203.0, 200.0, "1 pair of communities overlaps, by 1,200 m² in all"),
    "a large overlap": (201.5, 200.0, "1 pair of communities overlaps, by 600 m² in all"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_larger_slivers_are_refused_with_a_map_of_the_places(name, tmp_path):
    west_x, east_x, message = REFUSED[name]
    toml = tiny.write(tmp_path / "town", split_at(west_x, east_x))
    lines = refused(toml)
    assert any(message in one and "--map FILE.geojson` writes a map" in one for one in lines), lines
    places = tmp_path / "places.geojson"
    result = runner.invoke(app, ["check", str(toml), "--map", str(places), "--lang", "en"])
    assert result.exit_code == 2
    found = gpd.read_file(places)
    assert found["area_m2"].sum() == pytest.approx(abs(west_x - east_x) * 400)
    assert f"{EAST}" in found["ids"].iloc[0]
    shape = found.to_crs(tiny.CRS).geometry.iloc[0]
    assert shape.distance(tiny.point((west_x + east_x) / 2, 200)) < 0.1


def test_the_map_of_a_project_in_order_shows_what_was_closed(tmp_path):
    toml = tiny.write(tmp_path / "town", split_at(200.0, 200.5))
    places = tmp_path / "places.geojson"
    result = runner.invoke(app, ["check", str(toml), "--map", str(places), "--lang", "en"])
    assert result.exit_code == 0, result.output
    [feature] = json.loads(places.read_text(encoding="utf-8"))["features"]
    assert feature["properties"]["rule"] == "community_slit"
    assert feature["properties"]["area_m2"] == pytest.approx(200)


def test_a_building_that_the_boundary_parts_holds_its_cell_together(tmp_path):
    frames = tiny.town()
    arms = [tiny.box(-30, 60, 10, 70), tiny.box(-30, 300, 10, 310), tiny.box(-30, 60, -10, 310)]
    frames["buildings"] = with_rows(
        frames["buildings"], "building_id", [("u", shapely.union_all(arms))]
    )
    plan = tiny.planned(tiny.write(tmp_path, frames, toml=FABRIC))
    assert (plan.layers["cells"].geom_type == "MultiPolygon").sum() == 1
    layers = {**plan.layers, "in_buildings": frames["buildings"]}
    report = verify_plan(layers, plan.summary)
    assert report.ok
    assert [one.count for one in report.of_rule("parted_building")] == [1]
    # Without the building nothing holds the parts together.
    alone = {**layers, "in_buildings": tiny.town()["buildings"]}
    assert [one.severity for one in verify_plan(alone, plan.summary).of_rule("multipart")] == [
        "hard"
    ]


def test_a_community_beyond_the_boundary_is_cut_with_a_note(tmp_path):
    frames = tiny.town()
    east = frames["communities"]["community_id"] == EAST
    reach = shapely.union(tiny.box(200, 0, 400, 400), tiny.box(399, 100, 401, 300))
    frames["communities"].loc[east, "geometry"] = reach
    toml = tiny.write(tmp_path / "town", frames)
    note = only_note(toml, "communities_trimmed")
    assert note.ids == (f"{EAST} (200.00 m²)",)
    assert "--map FILE.geojson" in note.message.en
    places = tmp_path / "places.geojson"
    result = runner.invoke(app, ["check", str(toml), "--map", str(places), "--lang", "en"])
    assert result.exit_code == 0, result.output
    [feature] = json.loads(places.read_text(encoding="utf-8"))["features"]
    assert feature["properties"]["rule"] == "community_beyond"
    # A hairline, as two drawings of one line leave it, is none.
    hair = shapely.union(tiny.box(200, 0, 400, 400), tiny.box(399, 0, 400.0005, 400))
    frames["communities"].loc[east, "geometry"] = hair
    notes = open_project(tiny.write(tmp_path / "hair", frames)).place.notes
    assert "communities_trimmed" not in [one.code for one in notes]
