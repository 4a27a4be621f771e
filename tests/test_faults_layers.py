"""What `check` finds when layers do not fit each other: all at once, nothing left out unsaid."""

from __future__ import annotations

import json
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from typer.testing import CliRunner

from gridplan.cli import app
from gridplan.commands import run_project
from gridplan.errors import InputError
from gridplan.project import open_project, read_project
from gridplan.store import read_run
from gridplan.verify import verify_plan
from tests import tiny
from tests.test_faults_input import moved, refused, spoil


def reshaped(frame, *shapes):
    return frame.set_geometry(list(shapes), crs=tiny.CRS)


def note_of(project, code):
    """Return the notes with a code, read from a project that is in order."""
    place = open_project(project).place
    return [one for one in place.notes if one.code == code]


def only_note(project, code):
    found = note_of(project, code)
    assert len(found) == 1, [one.code for one in open_project(project).place.notes]
    return found[0]


# Communities


COMMUNITY_FAULTS = {
    "overlap": (
        lambda f: reshaped(f, tiny.box(200, 0, 400, 400), tiny.box(0, 0, 210, 400)),
        (
            "1 pair of communities overlaps, by 4,000 m² in all: "
            "999901001001 / 999901001002 (4,000 m²)"
        ),
    ),
    "gap below a thousandth": (
        lambda f: reshaped(
            f,
            tiny.box(200, 0, 400, 400).difference(tiny.box(200, 100, 210, 115)),
            tiny.box(0, 0, 200, 400),
        ),
        (
            "150 m² of the boundary (0.09%) lie in no community; the gaps are beside "
            "999901001001/999901001002 (150 m²)"
        ),
    ),
    "codes": (
        lambda f: f.assign(community_id=["C1", "999901001002"]),
        "1 of 2 community codes does not have the 12 digits of GB/T 30428: 'C1'",
    ),
}


@pytest.mark.parametrize("name", COMMUNITY_FAULTS)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_fault_of_the_communities_is_named(name, command, tmp_path):
    change, message = COMMUNITY_FAULTS[name]
    lines = refused(tiny.write(tmp_path, spoil("communities", change)), command=command)
    assert any(message in line for line in lines), lines


def test_slits_between_communities_are_closed_and_listed(tmp_path):
    def drawn_apart(frame):
        line = [(200.4, 0), (199.7, 180), (200.3, 400)]
        return reshaped(
            frame,
            shapely.Polygon([(tiny.X + x, tiny.Y + y) for x, y in [*line, (400, 400), (400, 0)]]),
            tiny.box(0, 0, 200, 400),
        )

    project = tiny.write(tmp_path, spoil("communities", drawn_apart))
    note = only_note(project, "community_slits")
    assert "narrower than 2 m" in note.message.en
    assert note.ids
    plan = tiny.planned(project)
    assert verify_plan(dict(plan.layers), plan.summary).ok
    areas = plan.layers["communities"].area
    assert areas.sum() == pytest.approx(160_000, abs=1e-3)


def test_a_boundary_that_is_cut_from_the_communities_has_no_slits(tmp_path):
    frames = spoil(
        "communities",
        lambda f: reshaped(
            f,
            tiny.box(200, 0, 400, 400).difference(tiny.box(200, 100, 200.5, 150)),
            tiny.box(0, 0, 200, 400),
        ),
    )
    del frames["boundary"]
    place = open_project(tiny.write(tmp_path, frames)).place
    assert place.outline.area == pytest.approx(160_000)
    codes = [one.code for one in place.notes]
    assert "boundary_of_communities" in codes
    assert "community_slits" in codes


def test_a_hole_between_communities_is_said(tmp_path):
    frames = spoil(
        "communities",
        lambda f: reshaped(
            f,
            tiny.box(200, 0, 400, 400).difference(tiny.box(250, 100, 300, 150)),
            tiny.box(0, 0, 200, 400),
        ),
    )
    del frames["boundary"]
    note = only_note(tiny.write(tmp_path, frames), "boundary_holes")
    assert "leave 1 hole (2,500 m²)" in note.message.en


def test_a_boundary_that_cuts_a_community_says_so(tmp_path):
    frames = spoil("boundary", lambda f: reshaped(f, tiny.box(0, 0, 300, 400)))
    note = only_note(tiny.write(tmp_path, frames), "community_cut")
    assert "cuts community 999901001001: 50% of its area lie outside" in note.message.en
    frames["boundary"] = reshaped(frames["boundary"], tiny.box(0, 0, 399, 400))
    assert note_of(tiny.write(tmp_path / "hair", frames), "community_cut") == []


# All at once


def test_faults_of_one_layer_hide_no_others(tmp_path):
    frames = tiny.town()
    del frames["boundary"], frames["communities"], frames["streets"], frames["committees"]
    frames["buildings"] = frames["buildings"].rename(columns={"kind": "Art"})
    lines = refused(tiny.write(tmp_path, frames), "--set", "siting.p=9")
    for part in (
        "no `boundary`",
        "no `streets`",
        "no `committees`",
        "`buildings` lacks the columns ['kind']",
        "[siting].p = 9",
    ):
        assert sum(part in line for line in lines) == 1, (part, lines)


def test_missing_files_hide_no_other_faults(tmp_path):
    toml = tiny.TOML.replace("population.csv", "people.csv").replace(
        "[zones]", 'boundary = "no.shp"\n[zones]'
    )
    frames = spoil("buildings", lambda f: f.assign(households=-1))
    text = "\n".join(refused(tiny.write(tmp_path, frames, toml=toml), command="check"))
    for part in ("no file people.csv", "no file no.shp", "are negative"):
        assert part in text


def test_only_motorways(tmp_path):
    frames = spoil("streets", lambda f: f.assign(highway="motorway"))
    lines = refused(tiny.write(tmp_path, frames), command="check")
    assert lines == [
        (
            "None of the 3 streets near the place can be walked along (they are "
            "motorway). Check the "
            "layer `streets` and [network].not_walkable."
        )
    ]


def test_a_population_of_nobody(tmp_path):
    toml = tiny.TOML.replace('"population.csv"', "0")
    lines = refused(tiny.write(tmp_path, toml=toml), command="check")
    assert any("at least 1 resident" in line for line in lines)


# Rows without a geometry, of another kind, or elsewhere


@pytest.mark.parametrize("layer", ["buildings", "streets", "sites", "committees"])
def test_rows_without_geometry_are_listed(layer, tmp_path):
    key = {"buildings": "b1", "streets": "s3", "sites": "r3", "committees": "k2"}[layer]

    def emptied(frame):
        shapes = frame.geometry.to_list()
        shapes[int(np.flatnonzero(frame.iloc[:, 0] == key)[0])] = None
        return frame.set_geometry(gpd.GeoSeries(shapes, crs=tiny.CRS))

    note = only_note(tiny.write(tmp_path, spoil(layer, emptied)), f"{layer}_without_geometry")
    assert note.ids == (key,)
    assert key in note.message.en


def test_a_layer_without_any_geometry_is_a_fault(tmp_path):
    project = tiny.write(tmp_path)
    empty = {"type": "Feature", "properties": {"building_id": "b1"}, "geometry": None}
    (tmp_path / "b.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [empty]}), encoding="utf-8"
    )
    toml = tiny.TOML.replace("[zones]", 'buildings = "b.geojson"\n[zones]')
    project.write_text(toml, encoding="utf-8")
    assert any("has no geometry" in line for line in refused(project, command="check"))


def test_buildings_given_as_points(tmp_path):
    frames = spoil("buildings", lambda f: f.set_geometry(f.centroid))
    lines = refused(tiny.write(tmp_path, frames))
    assert lines == [
        (
            "`buildings` must be polygons; found Point in 6 of 6 rows: b0, b1, b2, b3, b4 …. "
            "Give a layer of polygons."
        )
    ]


def test_what_lies_outside_is_counted(tmp_path):
    frames = spoil("buildings", lambda f: moved(f, 1_000.0))
    note = only_note(tiny.write(tmp_path, frames), "buildings_outside")
    assert note.message.en == ("1 of 6 buildings lies outside the boundary, left out: b0.")


# Estates, sites and gates


def estates(*shapes):
    ids = [f"e{i}" for i in range(len(shapes))]
    return gpd.GeoDataFrame({"estate_id": ids}, geometry=list(shapes), crs=tiny.CRS)


def test_no_building_keeps_an_estate_that_is_not_there(tmp_path):
    frames = spoil("buildings", lambda f: f.assign(estate_id=["e0", "e0", "e1", "e1", "e9", None]))
    frames["estates"] = estates(tiny.box(20, 20, 200, 60), tiny.box(900, 0, 1000, 100))
    place = open_project(tiny.write(tmp_path, frames)).place
    assert place.estates["estate_id"].tolist() == ["e0"]
    assert place.buildings["estate_id"].tolist() == ["e0", "e0", None, None, None, None]
    by_code = {one.code: one for one in place.notes}
    assert by_code["estates_outside"].ids == ("e1",)
    assert by_code["buildings_estates_unknown"].ids == ("e1", "e9")
    assert by_code["buildings_estates_unknown"].count == 3


@pytest.mark.parametrize("layer", ["sites", "gates"])
def test_a_point_far_outside_is_named_with_its_distance(layer, tmp_path):
    frames = tiny.town()
    frames["gates"] = gpd.GeoDataFrame(
        {"gate_id": ["g1"]}, geometry=[tiny.point(10, 200)], crs=tiny.CRS
    )
    frames[layer] = moved(frames[layer], 9_000.0)
    key = {"sites": "r1", "gates": "g1"}[layer]
    lines = refused(tiny.write(tmp_path, frames))
    assert any(f"1 {layer[:-1]} lies more than 2,000 m outside" in line for line in lines)
    assert any(f"{key} (8,6" in line for line in lines), lines


def test_streets_that_no_building_is_near(tmp_path):
    def shifted(metres):
        return spoil("streets", lambda f: f.set_geometry(f.translate(metres), crs=tiny.CRS))

    lines = refused(tiny.write(tmp_path / "all", shifted(900.0)))
    assert any("6 of 6 buildings (100%) have no street to walk on within 250 m" in x for x in lines)
    note = only_note(tiny.write(tmp_path / "some", shifted(350.0)), "buildings_far_from_streets")
    assert 0 < note.count < 6
    assert "coordinate systems" in note.message.en


# Committees and communities


def test_a_committee_of_an_unknown_community(tmp_path):
    frames = spoil("committees", lambda f: f.assign(community_id=["999901001001", "888"]))
    lines = refused(tiny.write(tmp_path, frames), command="check")
    assert any("names 1 community that is not in the layer" in x and "888" in x for x in lines)


PAIRS = pd.DataFrame(
    {
        "community_id": ["999901001001", "999901001001", "999901001002"],
        "committee_id": ["k1", "k2", "k2"],
    }
)


def with_pairs(folder, pairs, setting='community_committees = "pairs.csv"'):
    project = tiny.write(folder, toml=tiny.TOML.replace("[zones]", f"{setting}\n[zones]"))
    pairs.to_csv(folder / "pairs.csv", index=False)
    return project


def test_the_planners_table_of_committees_is_used(tmp_path):
    plan, folder = run_project(with_pairs(tmp_path, PAIRS))
    assert plan.layers["community_committees"].to_numpy().tolist() == PAIRS.to_numpy().tolist()
    stored = read_run(folder).place.community_committees
    assert stored.to_numpy().tolist() == PAIRS.to_numpy().tolist()
    plain = tiny.planned(tiny.write(tmp_path / "plain"))
    own = plan.layers["demand"].set_index("demand_id")["committee_m"]
    before = plain.layers["demand"].set_index("demand_id")["committee_m"]
    assert (own <= before + 1e-9).all()
    prints = [{one.name: one.fingerprint for one in some.steps} for some in (plan, plain)]
    assert prints[0]["access"] != prints[1]["access"]
    assert prints[0]["demand"] == prints[1]["demand"]


def test_the_table_of_committees_may_be_in_the_common_geopackage(tmp_path):
    project = tiny.write(tmp_path)
    pyogrio.write_dataframe(PAIRS, tmp_path / "town.gpkg", layer="community_committees")
    place = open_project(project).place
    assert place.community_committees.to_numpy().tolist() == PAIRS.to_numpy().tolist()


PAIR_FAULTS = {
    "unknown committee": (PAIRS.replace("k1", "k9"), "names 1 committee that is not"),
    "unknown community": (PAIRS.replace("999901001002", "777"), "names 1 community that is not"),
    "twice": (pd.concat([PAIRS, PAIRS[:1]]), "1 pair occurs more than once: 999901001001 / k1"),
    "empty": (PAIRS.assign(committee_id=["k1", None, "k2"]), "1 row lacks a community"),
    "columns": (PAIRS.rename(columns={"committee_id": "居委会"}), "lacks the columns"),
}


@pytest.mark.parametrize("name", PAIR_FAULTS)
def test_a_fault_of_the_table_of_committees_is_named(name, tmp_path):
    pairs, message = PAIR_FAULTS[name]
    lines = refused(with_pairs(tmp_path, pairs), command="check")
    assert any("pairs.csv" in line and message in line for line in lines), lines


def test_a_community_without_committee_is_noted(tmp_path):
    note = only_note(with_pairs(tmp_path, PAIRS[:2]), "communities_without_committee")
    assert note.ids == ("999901001002",)


# Sources


SOURCE_FAULTS = {
    "a word of another layer": ('buildings = "box"', '[place].buildings = "box" means nothing'),
    "none where it is needed": ('streets = "none"', '[place].streets = "none" means nothing'),
    "tags for a layer read whole": ("water = {osm = {natural = 'water'}}", "[place].water = {osm"),
}


@pytest.mark.parametrize("name", SOURCE_FAULTS)
def test_a_source_that_means_nothing_is_refused(name, tmp_path):
    setting, message = SOURCE_FAULTS[name]
    toml = tiny.TOML.replace("[zones]", f"{setting}\n[zones]")
    lines = refused(tiny.write(tmp_path, toml=toml), command="check")
    assert any(message in line and "Give one of" in line for line in lines), lines


def test_layers_may_be_left_out_by_none(tmp_path):
    frames = tiny.town()
    frames["water"] = gpd.GeoDataFrame(
        {"water_id": ["w1"]}, geometry=[tiny.box(0, 0, 9, 9)], crs=tiny.CRS
    )
    toml = tiny.TOML.replace("[zones]", 'water = "none"\nsites = "none"\n[zones]')
    project = tiny.write(tmp_path, frames, toml=toml.replace("p = 1", "p = 0"))
    place = open_project(project).place
    assert place.water.empty
    assert place.sites.empty
    toml_p = refused(tiny.write(tmp_path / "p", frames, toml=toml))
    assert len(toml_p) == 1
    assert "[siting].p = 1, but there are 0 candidate sites. Lower p or add sites" in toml_p[0]


def test_columns_are_renamed_in_the_common_geopackage(tmp_path):
    frames = spoil("buildings", lambda f: f.rename(columns={"kind": "类型"}))
    setting = 'buildings = { rename = { kind = "类型" } }'
    toml = tiny.TOML.replace("[zones]", f"{setting}\n[zones]")
    place = open_project(tiny.write(tmp_path, frames, toml=toml)).place
    assert place.buildings["kind"].tolist() == ["residential"] * 6


@pytest.mark.parametrize("own", [True, False])
def test_the_crs_is_chosen_from_the_communities(own, tmp_path):
    frames = tiny.town()
    setting = 'boundary = "communities"'
    if own:
        setting += '\ncommunities = "c.geojson"'
        frames["communities"].to_crs(4326).to_file(tmp_path / "c.geojson")
    toml = tiny.TOML.replace('crs = "EPSG:4549"', "").replace("[zones]", f"{setting}\n[zones]")
    assert open_project(tiny.write(tmp_path, frames, toml=toml)).place.crs.to_epsg() == 4549


# The manifest


def test_a_shapefile_is_all_its_parts(tmp_path):
    buildings = tiny.town()["buildings"].rename(columns={"building_id": "bid"})
    buildings.to_file(tmp_path / "b.shp", encoding="utf-8")
    toml = tiny.TOML.replace(
        "[zones]", 'buildings = { file = "b.shp", rename = { building_id = "bid" } }\n[zones]'
    )
    project = tiny.write(tmp_path, toml=toml)
    inputs = open_project(project).inputs
    assert {"b.shp", "b.shx", "b.dbf", "b.prj", "b.cpg"} <= set(inputs)
    before = inputs["b.dbf"]
    buildings.assign(floors=7).to_file(tmp_path / "b.shp", encoding="utf-8")
    assert open_project(project).inputs["b.dbf"] != before


def test_absolute_paths_are_not_kept(tmp_path):
    away = tmp_path / "away"
    tiny.write(away)
    toml = tiny.TOML.replace('"town.gpkg"', f"'{(away / 'town.gpkg').as_posix()}'")
    project = tiny.write(tmp_path / "here", toml=toml)
    absolute = (tmp_path / "here" / "population.csv").as_posix()
    project.write_text(toml.replace('"population.csv"', f"'{absolute}'"), encoding="utf-8")
    plan, folder = run_project(project)
    manifest = (folder / "manifest.json").read_text(encoding="utf-8")
    assert set(json.loads(manifest)["inputs"]) == {"town.gpkg", "population.csv"}
    assert tmp_path.as_posix() not in manifest + json.dumps(plan.settings)
    note = next(one for one in plan.place.notes if one.code == "absolute_paths")
    assert tmp_path.as_posix() not in note.message.en
    assert note.count == 2


def test_the_faults_are_errors_of_the_package(tmp_path):
    project = tiny.write(tmp_path, spoil("streets", lambda f: f.assign(highway="motorway")))
    with pytest.raises(InputError, match="can be walked along"):
        open_project(project)


def test_personal_columns_of_a_layer_never_enter(tmp_path):
    frames = tiny.town()
    frames["committees"]["联系电话"] = ["13800000001", "13800000002"]
    frames["committees"]["会议室"] = ["大", "小"]
    place, _ = read_project(tiny.write(tmp_path, frames))
    assert "联系电话" not in place.committees
    assert place.committees["会议室"].tolist() == ["大", "小"]
    said = [note for note in place.notes if note.code == "committees_personal_dropped"]
    assert [note.ids for note in said] == [("联系电话",)]
    assert "13800000001" not in said[0].message.zh


# What a sceptical reader tried


def test_a_community_without_geometry_is_named(tmp_path):
    frames = tiny.town()
    frames["communities"].loc[1, "geometry"] = None
    lines = refused(tiny.write(tmp_path, frames), command="check")
    assert any("1 of 2 rows of `communities` has no geometry" in line for line in lines)


@pytest.mark.parametrize("crs", ["EPSG:3395", "ESRI:54009"])
def test_a_projection_that_swells_areas_is_refused(tmp_path, crs):
    toml = tiny.TOML.replace('"EPSG:4549"', f'"{crs}"')
    lines = refused(tiny.write(tmp_path, toml=toml), command="check")
    assert any("lengths at this place are" in line and "Set [place].crs" in line for line in lines)


def test_a_zone_of_another_longitude_is_noted(tmp_path):
    toml = tiny.TOML.replace('"EPSG:4549"', '"EPSG:4547"')
    place, _ = read_project(tiny.write(tmp_path, toml=toml))
    assert "crs_of_another_zone" in [note.code for note in place.notes]
    own, _ = read_project(tiny.write(tmp_path / "own"))
    assert "crs_of_another_zone" not in [note.code for note in own.notes]


def test_an_open_slit_between_communities_is_closed_without_a_boundary(tmp_path):
    frames = tiny.town()
    del frames["boundary"]
    frames["communities"].geometry = [tiny.box(200.25, 0, 400, 400), tiny.box(0, 0, 199.75, 400)]
    place, _ = read_project(tiny.write(tmp_path, frames))
    assert place.outline.geom_type == "Polygon"
    assert place.outline.area == pytest.approx(160_000, abs=0.01)
    assert sum(place.communities.area) == pytest.approx(160_000, abs=0.01)
    assert "community_slits" in [note.code for note in place.notes]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (tiny.TOML.replace("k = 2", "k = 50"), "50 zones are asked for, but there are 4 cells"),
        (tiny.TOML + "\n[cells]\ntarget_m2 = 1e9\n", "larger than"),
        (
            tiny.TOML + '\n[cells]\nmethod = "square"\ntarget_m2 = 50\n',
            "numbers at most 999",
        ),
    ],
)
def test_check_refuses_what_a_run_would(tmp_path, toml, message):
    project = tiny.write(tmp_path, toml=toml)
    for command in ("check", "run"):
        result = CliRunner().invoke(app, [command, str(project), "--lang", "en"])
        assert result.exit_code in {2, 3}
        assert message in result.stderr


def test_a_community_without_a_committee_is_told_by_check_and_run(tmp_path):
    frames = tiny.town()
    frames["committees"] = frames["committees"].iloc[:1]
    project = tiny.write(tmp_path, frames)
    said = CliRunner().invoke(app, ["check", str(project), "--lang", "en"]).stdout
    assert "1 community has no committee: 999901001002" in said
    plan = tiny.planned(project)
    found = [one["en"] for one in plan.summary["caveats"]]
    assert any(one.startswith("No committee of their own: 400 residents") for one in found)


def test_field_names_cut_within_a_character_are_told(tmp_path):
    frames = tiny.town()
    streets = frames.pop("streets").rename(columns={"highway": "道路类别"})
    project = tiny.write(
        tmp_path, frames, toml=tiny.TOML.replace("[zones]", 'streets = "road.shp"\n\n[zones]')
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        streets.to_file(tmp_path / "road.shp", encoding="utf-8")
    lines = refused(project, command="check")
    assert any("road.shp: a name of a field is cut" in line for line in lines)
