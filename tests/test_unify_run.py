"""One boundary for all departments, from the project's file to the run's layers and proofs."""

import dataclasses
import re

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

import gridplan
from gridplan.bounds import SIDES
from gridplan.cli import app
from gridplan.errors import InputError
from gridplan.present.tables_sums import summary_table
from gridplan.present.tabulation import tables
from gridplan.sign_commands import land_of
from gridplan.steps.unifying import duty_notes
from gridplan.store import make_manifest, read_run, write_geopackage
from gridplan.terms import TERMS
from gridplan.verify import verify_plan
from tests import test_cells_given as given_grid
from tests import tiny

runner = CliRunner()
TOML = (
    tiny.TOML
    + """
[unify]
importance = { "城管" = 2 }

[unify.duties]
"市容环境" = "城管"
"施工管理" = ""
"""
)


def zonings():
    """Two departments: their lines are 60 m apart, and one leaves a corner out."""
    rows = [
        ("城管", "1", tiny.box(0, 0, 200, 400)),
        ("城管", "2", tiny.box(200, 0, 450, 400)),
        ("公安", "甲", tiny.box(0, 0, 260, 400)),
        ("公安", "乙", tiny.box(260, 0, 400, 350)),
    ]
    frame = pd.DataFrame([row[:2] for row in rows], columns=["department", "zone_id"])
    return gpd.GeoDataFrame(frame, geometry=[row[2] for row in rows], crs=tiny.CRS)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return tiny.write(
        tmp_path_factory.mktemp("unify") / "town", {**tiny.town(), "zonings": zonings()}, toml=TOML
    )


@pytest.fixture(scope="module")
def plan(project):
    return gridplan.run(*gridplan.read_project(project))


def test_the_summary_sheet_has_a_group_of_one_boundary_in_both_languages(plan):
    sheet = summary_table(plan).set_index("key")
    rows = sheet[sheet.index.str.startswith("unify.")]
    assert {key.removeprefix("unify.") for key in rows.index} == set(plan.summary["unify"]) - {
        "across"
    }
    assert {(one.en, one.zh) for one in rows["block"]} == {("One boundary", "边界统一")}
    assert all(one.zh != one.en for one in rows["figure"])
    assert rows.loc["unify.by", "value"].zh == "居民数"


def findings(plan, **changed):
    names = ("boundary", "communities", "buildings", "sites", "facilities", "population", "zonings")
    layers = {**plan.layers, **{f"in_{name}": getattr(plan.place, name) for name in names}}
    report = verify_plan({**layers, **changed}, plan.summary)
    return {one.rule: one for one in report.findings if one.severity == "hard"}


def test_a_run_has_the_unified_zones_and_what_they_move(plan):
    zones, members = plan.layers["zones"], plan.layers["cell_zones"]
    unified = zones[zones["zone_system"] == "unified"]
    assert len(unified) == 2
    assert set(members[members["zone_system"] == "unified"]["cell_uid"]) == set(
        plan.layers["cells"]["cell_uid"]
    )
    figures = plan.summary["unify"]
    assert figures["departments"] == 2
    total_m2 = figures["agreed_m2"] + figures["conflict_m2"] + figures["sliver_m2"]
    assert total_m2 == pytest.approx(400 * 400, abs=1.0)
    assert set(plan.layers["conflicts"]["kind"]) == {"dispute", "blank"}
    assert len(plan.layers["duties"]) == 4
    assert findings(plan) == {}


def test_every_zone_has_its_borders_in_words(plan):
    words = plan.layers["bounds_words"]
    told = set(words[words["level"] == "zone"]["unit_id"])
    assert {"U01", "U02"} <= told
    unified = words[words["unit_id"].isin(["U01", "U02"])]
    assert not unified["text_en"].str.contains("zone Z0").any()


def test_the_borders_name_the_system_of_each_zone(plan):
    table = tables(plan)["bounds"]
    levels = [str(one) for one in table["of_level"]]
    zones = plan.layers["zones"]["zone_system"].value_counts()
    for system in ("unified", "enforcement", "social_grid", "patrol"):
        said = TERMS["kind"][system]
        assert sum(said.en in one and said.zh in one for one in levels) == zones[system]


def test_zones_that_reach_beyond_the_boundary_are_named(plan):
    assert any("城管/2" in one["en"] for one in plan.summary["caveats"])


def test_the_report_has_its_tables(plan):
    made = tables(plan)
    assert made["zonings"]["adopted"].tolist()[-1] == "统一方案 the proposal"
    assert len(made["conflicts"]) == len(plan.layers["conflicts"])
    assert made["duties"]["by_default"].sum() == 2
    assert set(made["handovers"]["handed"]) <= {"移交 handed over", "空白 blank", "重叠 overlap"}


def test_without_zonings_nothing_is_said(tmp_path):
    bare = gridplan.run(*gridplan.read_project(tiny.write(tmp_path / "town")))
    assert "unify" not in bare.summary
    assert not {"conflicts", "handovers", "duties"} & set(bare.layers)
    assert set(bare.layers["zones"]["zone_system"]) == {"enforcement", "social_grid", "patrol"}


def _grown(frame, row, by_m):
    shapes = frame.geometry.to_numpy().copy()
    shapes[row] = shapely.buffer(shapes[row], by_m)
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def test_a_conflict_of_another_size_is_found(plan):
    places = plan.layers["conflicts"]
    wider = _grown(places, 0, 3.0)
    assert "conflict_sums" in findings(plan, conflicts=wider)
    assert "conflict_sums" in findings(plan, conflicts=places.iloc[1:])


def test_a_handover_that_is_not_the_difference_is_found(plan):
    moves = plan.layers["handovers"]
    found = findings(plan, handovers=_grown(moves, 0, 2.0))
    assert moves["department"].iloc[0] in found["handover_area"].message.en
    assert "handover_area" in findings(plan, handovers=moves.iloc[1:])


@pytest.fixture(scope="module")
def stored(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored") / "run"
    folder.mkdir()
    manifest = make_manifest(plan, {})
    write_geopackage(plan, folder / "plan.gpkg", manifest=manifest)
    return folder


def test_the_land_that_is_signed_sums_to_the_handovers(plan):
    land = land_of(plan)
    told = [*land.places.groupby("department")[["area_m2", "population"]].sum().iterrows()]
    strips = land.strips.set_index("department").reindex([one for one, _ in told]).fillna(0)
    moves = plan.layers["handovers"].groupby("department")[["area_m2", "population"]].sum()
    for department, sums in told:
        assert sums["area_m2"] + strips.loc[department, "area_m2"] == pytest.approx(
            moves.loc[department, "area_m2"], abs=1e-3
        )
        assert (
            sums["population"] + strips.loc[department, "population"]
            == (moves.loc[department, "population"])
        )
    assert not any(land.places[f"{side}_zh"].eq("").any() for side in SIDES)


def test_residents_of_the_same_land_count_for_each_department_that_hands_it_over(plan):
    moves = plan.layers["handovers"]
    homes = plan.layer("demand")
    moves = moves[moves["from_zone_id"].notna()].iloc[[0]].assign(department="城管")
    moves = moves.set_geometry([tiny.box(0, 0, 400, 400)]).assign(from_zone_id="1")
    both = pd.concat([moves, moves.assign(department="公安", from_zone_id="甲")])
    land = land_of(dataclasses.replace(plan, layers={**plan.layers, "handovers": both}))
    assert land.places["population"].tolist() == [homes["population"].sum()] * 2


def test_land_is_bounded_by_zones_old_and_new_and_by_the_outer_boundary(plan):
    land = land_of(plan)
    words = {text for side in SIDES for text in land.places[f"{side}_en"]}
    assert any("the outer boundary from" in one for one in words)
    lines = {line for one in words for line in one.split(", ") if line.startswith("the line with")}
    assert lines
    assert {line.split(" from E ")[0].split(" ")[-2] for line in lines} <= {"zone"}


def test_places_too_narrow_are_summed_as_strips(plan):
    wide = land_of(
        dataclasses.replace(plan, settings={**plan.settings, "unify": {"sliver_m": 1e6}})
    )
    assert wide.places.empty
    assert wide.strips["area_m2"].sum() == pytest.approx(
        plan.layers["handovers"].geometry.area.sum(), abs=1e-3
    )


def test_departments_get_a_page_to_sign_and_the_land(stored, plan):
    done = runner.invoke(app, ["confirm", str(stored / "plan.gpkg"), "--lang", "en"])
    assert done.exit_code == 0, done.output
    folder = stored.with_name("run-confirmation")
    page = (folder / "confirmation.html").read_text(encoding="utf-8")
    parcels = gpd.read_file(folder / "parcels.gpkg")
    assert page.count('class="sheet"') == 2
    assert page.count("东至") == len(parcels) + 2 * 2
    land = land_of(read_run(stored / "plan.gpkg"))
    assert len(parcels) == len(land.places) > 0
    rows, strips = len(plan.layers["handovers"]), int(land.strips["strips"].sum())
    assert f"{rows} handovers of 1 department (layer `handovers`" in done.output
    assert f"lie in {len(parcels)} connected places" in done.output
    assert f"and {strips} strip" in done.output
    parts = plan.layers["handovers"].geometry.explode()
    assert len(parts) == len(parcels) + strips
    assert "http" not in re.sub(r"http://www\.w3\.org\S*", "", page)
    again = runner.invoke(app, ["confirm", str(stored / "plan.gpkg"), "--lang", "en"])
    assert again.exit_code == 2
    assert "holds an earlier confirmation" in again.output


def test_a_run_without_zonings_has_nothing_to_confirm(plan):
    layers = {name: one for name, one in plan.layers.items() if name != "handovers"}
    with pytest.raises(InputError, match=r"without their zonings.*\[place\]\.zonings"):
        land_of(dataclasses.replace(plan, layers=layers))


def test_a_zone_carried_on_twice_is_found(plan):
    heirs = plan.layers["zone_successors"].copy()
    heirs["old_zone_id"] = ["甲" if one in {"甲", "乙"} else one for one in heirs["old_zone_id"]]
    assert "公安/甲" in findings(plan, zone_successors=heirs)["successor_twice"].message.zh


def test_a_class_without_a_body_or_with_two_is_found(plan):
    duties = plan.layers["duties"]
    for wrong in (duties.iloc[1:], pd.concat([duties, duties.iloc[:1]], ignore_index=True)):
        assert "duty_not_one" in findings(plan, duties=wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z: z.assign(department=None), "no `department`"),
        (lambda z: z.drop(columns="department"), "lacks the columns ['department']"),
        (lambda z: z.set_geometry(z.geometry.centroid), "`zonings` must be polygons"),
    ],
)
def test_bad_zonings_are_refused_by_check_and_run(tmp_path, change, message):
    toml = tiny.write(tmp_path / "town", {**tiny.town(), "zonings": change(zonings())}, toml=TOML)
    for command in ("check", "run"):
        done = runner.invoke(app, [command, str(toml), "--lang", "en"])
        assert done.exit_code == 2
        assert message in done.output
    assert not (tmp_path / "town" / "runs").exists()


def test_an_importance_of_nobody_is_refused_by_check(project):
    other = project.with_name("other.toml")
    other.write_text(TOML.replace('"城管" = 2', '"消防" = 2'), encoding="utf-8")
    done = runner.invoke(app, ["check", str(other), "--lang", "en"])
    assert done.exit_code == 2
    assert "no zoning is theirs" in done.output


@pytest.mark.parametrize("fault", ["gap", "overlap", "beyond"])
def test_a_grid_with_faults_stops_no_boundary_for_all(fault, tmp_path):
    """The office's own grid misses a cell, or two overlap, or one reaches beyond the boundary."""
    rows = given_grid.grid()
    east, west = f"{given_grid.EAST}004", f"{given_grid.WEST}002"
    if fault == "gap":
        del rows[east]
    elif fault == "overlap":
        rows[west] = tiny.box(100, 300, 240, 400)
    else:
        rows[east] = tiny.box(300, 200, 430, 300)
    towns = {**tiny.town(), "zonings": zonings()}
    toml = given_grid.project(tmp_path / "town", given_grid.frame(rows), frames=towns)
    plan = tiny.planned(toml)
    figures = plan.summary["unify"]
    total_m2 = figures["agreed_m2"] + figures["conflict_m2"] + figures["sliver_m2"]
    assert total_m2 == pytest.approx(400 * 400, abs=1.0)
    told = [one["en"] for one in plan.summary["caveats"] if "no cell covers" in one["en"]]
    assert len(told) == (fault == "gap")
    assert all("One boundary: no cell covers 10,000.00 m² in 1 place" in one for one in told)
    moves, places = plan.layers["handovers"], plan.layers["conflicts"]
    hole = tiny.box(300, 200, 400, 300)
    if fault == "gap":
        assert shapely.area(shapely.intersection(moves.geometry.to_numpy(), hole)).sum() < 1.0
    assert shapely.within(places.geometry.to_numpy(), tiny.box(0, 0, 400, 400)).all()
    assert findings(plan) == {}


def test_to_confirm_a_run_that_is_not_there_says_so(tmp_path):
    told = runner.invoke(app, ["confirm", str(tmp_path / "nothere"), "--lang", "en"])
    assert told.exit_code == 2
    assert "There is no run" in told.output.replace("\n", " ")
    assert "lies in" not in told.output


def test_a_duty_of_a_department_without_a_zoning_is_noted(tmp_path):
    toml = TOML.replace('"施工管理" = ""', '"施工管理" = "城管局"')
    town = tiny.write(tmp_path / "town", {**tiny.town(), "zonings": zonings()}, toml=toml)
    told = runner.invoke(app, ["check", str(town), "--lang", "en"])
    assert told.exit_code == 0, told.output
    assert "[unify].duties names 1 department without a zoning: 城管局." in told.output
    assert "Departments with zonings: 公安, 城管." in told.output
    place, config = gridplan.read_project(town)
    (note,) = duty_notes(place, config)
    assert "城管局" in note.message.zh
    fine = tiny.write(tmp_path / "fine", {**tiny.town(), "zonings": zonings()}, toml=TOML)
    assert duty_notes(*gridplan.read_project(fine)) == ()


def test_zones_of_the_proposal_list_their_estates_and_homes(plan):
    table = plan.layers["zone_estates"].query("zone_system == 'unified'")
    zones = plan.layers["zones"].query("zone_system == 'unified'").set_index("zone_id")
    people = table.groupby("zone_id")["population"].sum().reindex(zones.index, fill_value=0)
    assert people.sum() == plan.layers["demand"]["population"].sum()
    assert people.tolist() == zones["population"].tolist()
    assert not [one for one in verify_plan(plan.layers, plan.summary).findings
                if one.rule == "zone_listing"]  # fmt: skip
