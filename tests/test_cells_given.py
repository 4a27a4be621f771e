"""An office's own grid: taken over with its codes, its faults listed, mended only on request."""

import geopandas as gpd
import pandas as pd
import pyproj
import pytest
import shapely
from shapely import affinity
from typer.testing import CliRunner

from gridplan.cells import CellOptions, Land
from gridplan.cells.given import take_over
from gridplan.cli import app
from gridplan.layer_commands import check_layers
from gridplan.place import empty_layer
from gridplan.present.tabulation import tables
from gridplan.project import open_project
from gridplan.verify import verify_plan
from tests import tiny
from tests.test_faults_input import refused
from tests.test_faults_layers import only_note

runner = CliRunner()
LAYERS = ("streets", "water", "barriers", "estates", "buildings")
WEST, EAST = "999901001002", "999901001001"


def grid():
    """Return the codes and squares of the town's cells, west first, row by row."""
    rows = {}
    for community, x0 in ((WEST, 0), (EAST, 200)):
        places = [(x, y) for y in (300, 200, 100, 0) for x in (x0, x0 + 100)]
        for number, (x, y) in enumerate(places, 1):
            rows[f"{community}{number:03d}"] = tiny.box(x, y, x + 100, y + 100)
    return rows


def frame(rows=None, *, field="cell_id", **columns):
    """Return a layer of (code, shape) pairs, or of the whole grid."""
    pairs = list((rows or grid()).items()) if not isinstance(rows, list) else rows
    codes = [code for code, _ in pairs]
    return gpd.GeoDataFrame(
        {field: codes, **columns}, geometry=[shape for _, shape in pairs], crs=tiny.CRS
    )


def project(folder, cells, *, settings="", place='cells = "grid.gpkg"', frames=None):
    folder.mkdir(parents=True, exist_ok=True)
    cells.to_file(folder / "grid.gpkg", layer="grid", driver="GPKG", engine="pyogrio")
    toml = tiny.TOML.replace(
        "[zones]", f'{place}\n\n[cells]\nmethod = "given"\n{settings}\n\n[zones]'
    )
    return tiny.write(folder, frames, toml=toml)


def changed(**shapes):
    """Return the grid with some cells, named by their last four digits, of another shape."""
    rows = grid()
    for name, shape in shapes.items():
        rows[{"w": WEST, "e": EAST}[name[0]] + name[1:]] = shape
    return rows


def faults_of(rows, *, repair=False, buildings=(), communities=None):
    """Return the grid taken over, without a project."""
    pairs = rows if isinstance(rows, list) else list(rows.items())
    given = gpd.GeoDataFrame(
        {
            "cell_key": [f"{at:02d}:{code}" for at, (code, _) in enumerate(pairs)],
            "cell_id": [code for code, _ in pairs],
            "community_id": communities or [None] * len(pairs),
        },
        geometry=[shape for _, shape in pairs],
        crs=tiny.CRS,
    )
    town = tiny.town()
    none = {one: empty_layer(one, crs=pyproj.CRS(tiny.CRS)) for one in
            ("streets", "water", "barriers", "estates")}  # fmt: skip
    homes = gpd.GeoDataFrame(
        {"building_id": [f"b{at}" for at in range(len(buildings))]},
        geometry=list(buildings),
        crs=tiny.CRS,
    )
    land = Land(**none, buildings=homes)
    return take_over(
        given,
        town["communities"],
        land,
        tiny.box(0, 0, 400, 400),
        options=CellOptions(method="given", repair=repair),
    )


def kinds(plan):
    return dict(zip(plan.faults["fault"], plan.faults["area_m2"].round(6), strict=True))


# Taken over


def test_a_sound_grid_keeps_codes_and_shapes_and_the_whole_plan_follows(tmp_path):
    toml = project(tmp_path, frame(field="BGCODE"))
    plan = tiny.planned(toml)
    cells = plan.layers["cells"].set_index("cell_id")
    assert sorted(cells.index) == sorted(grid())
    for code, shape in grid().items():
        assert cells.geometry[code].equals(shape)
        assert cells["community_id"][code] == code[:12]
    assert plan.summary["cells"]["method"] == "given"
    assert plan.summary["proofs"] == {
        "tiling_error_m2": 0.0, "buildings_cut": 0, "communities_crossed": 0,
        "zones_disconnected": 0,
    }  # fmt: skip
    assert verify_plan(dict(plan.layers), plan.summary).ok
    assert int(cells["population"].sum()) == plan.summary["residents"]
    assert plan.layers["cell_faults"].empty
    notes = " ".join(one["en"] for one in plan.summary["caveats"])
    assert "BGCODE → cell_id" in notes
    assert "has no gap, overlap, cut building" in notes


@pytest.mark.parametrize("field", ["BGCode", "网格编码", "单元网格代码", "wgbm"])
def test_fields_that_offices_use_are_recognised(field, tmp_path):
    place = open_project(project(tmp_path, frame(field=field))).place
    assert sorted(place.cells["cell_id"]) == sorted(grid())


def test_fields_can_be_mapped(tmp_path):
    cells = frame(field="Nr", where=[code[:12] for code in grid()], CODE=["x"] * 16)
    source = 'cells = { file = "grid.gpkg", rename = { cell_id = "Nr", community_id = "where" } }'
    place = open_project(project(tmp_path, cells, place=source)).place
    assert sorted(place.cells["cell_id"]) == sorted(grid())
    assert set(place.cells["community_id"]) == {WEST, EAST}


def test_without_a_field_of_codes_it_is_refused(tmp_path):
    lines = refused(project(tmp_path, frame(field="Nr")))
    assert any("has no field of codes; its fields are ['Nr']" in line for line in lines)


def test_a_method_without_a_grid_is_refused(tmp_path):
    lines = refused(project(tmp_path, frame(), place=""))
    assert any("The place has no `cells`" in line for line in lines)


def test_a_grid_that_is_not_asked_for_is_said_to_be_unused(tmp_path):
    toml = project(tmp_path, frame())
    toml.write_text(toml.read_text("utf-8").replace('"given"', '"square"'), "utf-8")
    assert "[place].cells is not used" in only_note(toml, "cells_unused").message.en


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:32651"])
def test_a_grid_in_another_system_is_transformed_and_said(crs, tmp_path):
    toml = project(tmp_path, frame().to_crs(crs))
    assert "was transformed to CGCS2000" in only_note(toml, "cells_transformed").message.en
    cells = open_project(toml).place.cells
    for code, shape in zip(cells["cell_id"], cells.geometry, strict=True):
        # EPSG:32651 is WGS 84, the town CGCS2000: nothing tells them apart to the millimetre.
        assert shapely.hausdorff_distance(shape, grid()[code]) < 0.002


def test_degrees_that_are_declared_as_metres_are_refused(tmp_path):
    wrong = frame().to_crs(4326).set_crs(tiny.CRS, allow_override=True)
    assert any("look like degrees" in line for line in refused(project(tmp_path, wrong)))


def test_a_grid_of_another_place_is_refused(tmp_path):
    away = frame().set_geometry(frame().translate(5_000), crs=tiny.CRS)
    lines = refused(project(tmp_path, away))
    assert any("None of the 16 cells" in line and "boundary" in line for line in lines)


def test_cells_of_the_neighbours_are_left_out_and_named(tmp_path):
    rows = grid() | {"999901001003001": tiny.box(399, 0, 500, 100)}
    note = only_note(project(tmp_path, frame(rows)), "cells_outside")
    assert note.ids == ("999901001003001 (100 m²)",)


def test_cells_that_have_ended_are_left_out_and_named(tmp_path):
    old = [("999901001002099", tiny.box(0, 0, 100, 100)), *grid().items()]
    days = ["2025-01-31", None, "9999-12-31", "2099-01-01", *[None] * 13]
    toml = project(tmp_path, frame(old, 终止日期=days))
    assert only_note(toml, "cells_ended").ids == ("999901001002099",)
    assert len(open_project(toml).place.cells) == 16


def test_codes_stored_as_numbers_become_text_and_it_is_said(tmp_path):
    toml = project(tmp_path, frame([(int(code), shape) for code, shape in grid().items()]))
    assert "stored as numbers" in only_note(toml, "cells_codes_numbers").message.en
    assert sorted(open_project(toml).place.cells["cell_id"]) == sorted(grid())


def test_a_crossed_outline_is_refused_without_repair_and_mended_with_it(tmp_path):
    ring = [(0, 300), (100, 400), (100, 300), (0, 400)]
    bow = shapely.Polygon([(tiny.X + x, tiny.Y + y) for x, y in ring])
    cells = frame(changed(w001=bow))
    assert any("1 polygon of `cells` is not valid" in one for one in refused(
        project(tmp_path / "a", cells)))  # fmt: skip
    toml = project(tmp_path / "b", cells, settings="repair = true")
    assert only_note(toml, "cells_repaired").ids == (f"{WEST}001",)
    plan = tiny.planned(toml)
    assert plan.summary["proofs"]["tiling_error_m2"] == 0.0


def test_the_same_cells_in_another_order_give_the_same_plan(tmp_path):
    rows = [*changed(w001=tiny.box(0, 300, 99, 400)).items(), (None, tiny.box(0, 0, 100, 100))]
    rows.append((None, tiny.box(0, 0, 100, 90)))
    one = open_project(project(tmp_path / "a", frame(rows))).place.cells
    two = open_project(project(tmp_path / "b", frame(rows[::-1]))).place.cells
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(two))


def uids_of(folder, rows, uids, **options):
    plan = tiny.planned(project(folder, frame(rows, cell_uid=uids), **options))
    return plan, plan.layers["cells"].set_index("cell_id")["cell_uid"].to_dict()


def test_permanent_ids_that_a_grid_carries_stay_whatever_becomes_of_shape_and_code(tmp_path):
    rows = changed(w001=tiny.box(0, 300, 98, 400), w002=tiny.box(98, 300, 200, 400))
    rows[f"{WEST}099"] = rows.pop(f"{WEST}003")
    uids = [f"u{at:02d}" for at in range(15)] + [None]
    plan, found = uids_of(tmp_path, rows, uids, settings="repair = true")
    codes = list(rows)
    assert [found[one] for one in codes[:15]] == uids[:15]
    assert len(found[codes[15]]) == 13
    lineage = plan.layers["cell_lineage"].set_index("child_uid")
    assert lineage["kind"].value_counts().to_dict() == {"kept": 15, "new": 1}
    assert lineage["kind"][found[codes[15]]] == "new"
    assert (lineage["parent_uid"].dropna() == lineage.index[lineage["kind"] == "kept"]).all()
    assert verify_plan(dict(plan.layers), plan.summary).ok
    told = [one["en"] for one in plan.summary["caveats"] if "cell_uid" in one["en"]]
    assert len(told) == 1
    assert codes[15] in told[0]


def test_a_cell_that_repair_merges_is_retired_with_its_id(tmp_path):
    rows = dict(FAULTS["sliver"][0])
    uids = [f"u{at:02d}" for at in range(17)]
    plan, found = uids_of(tmp_path, rows, uids, settings="repair = true")
    [row] = plan.layers["cells_retired"].to_dict("records")
    assert (row["cell_uid"], row["cell_id"], row["reason"]) == ("u16", f"{WEST}009", "merged")
    lineage = plan.layers["cell_lineage"].set_index("parent_uid")
    assert lineage.loc["u16", "child_uid"] == found[f"{WEST}001"] == "u00"
    assert lineage.loc["u16", ["area_share", "population_share"]].tolist() == [1.0, 1.0]
    report = verify_plan(dict(plan.layers), plan.summary)
    assert [one.rule for one in report.findings if "lineage" in one.rule] == []
    assert report.ok


def test_permanent_ids_that_cells_share_are_refused_by_name(tmp_path):
    uids = ["same", "same", *[f"u{at}" for at in range(14)]]
    [line] = refused(project(tmp_path, frame(cell_uid=uids)))
    assert "2 cells of" in line
    assert f"same ({WEST}001), same ({WEST}002)" in line


# What is wrong


FAULTS = {
    "gap": (changed(w001=tiny.box(0, 300, 99, 400)), {"gap": 100.0}),
    "overlap": (changed(w003=tiny.box(0, 200, 110, 300)), {"overlap": 1000.0}),
    # As for the proof, that is land outside the cell's community, too.
    "outside": (changed(w001=tiny.box(-2, 300, 100, 400)),
                {"outside": 200.0, "community_crossed": 200.0}),
    "hairlines": (
        changed(w001=tiny.box(0, 300, 99.99991, 400), w005=tiny.box(0, 100, 99.99991, 200)),
        {"hairlines": 0.018},
    ),
    "crossed": (
        changed(w002=tiny.box(100, 300, 210, 400), e001=tiny.box(210, 300, 300, 400)),
        {"community_crossed": 1000.0}),
    "malformed": (
        [("99990100100200a" if code == f"{WEST}001" else code, one)
         for code, one in grid().items()], {"code_malformed": 10_000.0}),
    "missing": (
        [(None if code == f"{WEST}001" else code, one) for code, one in grid().items()],
        {"code_missing": 10_000.0}),
    "front": (
        [(f"{EAST}099" if code == f"{WEST}001" else code, one) for code, one in grid().items()],
        {"code_community": 10_000.0}),
    "parts": (
        changed(w001=shapely.union_all([tiny.box(0, 300, 100, 400), tiny.box(0, 0, 100, 100)]),
                w007=tiny.box(0, 0, 100, 100)),
        {"multipart": 20_000.0, "overlap": 10_000.0}),
    "twice": ([*grid().items(), (f"{WEST}009", tiny.box(0, 0, 100, 100))],
              {"shape_repeated": 10_000.0}),
    "sliver": (
        [*changed(w001=tiny.box(0, 300, 99, 400)).items(),
         (f"{WEST}009", tiny.box(99, 300, 100, 400))], {"sliver": 100.0}),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_listed_with_its_area(name):
    rows, expected = FAULTS[name]
    plan = faults_of(rows)
    assert kinds(plan) == expected
    assert shapely.area(plan.faults.geometry.to_numpy()).sum() > 0
    assert not plan.faults["repaired"].any()
    assert plan.cells["cell_id"].tolist() == [code for code, _ in (
        rows if isinstance(rows, list) else rows.items())]  # fmt: skip


def test_repeated_codes_are_listed_each():
    rows = [(f"{WEST}002" if code == f"{WEST}001" else code, one) for code, one in grid().items()]
    plan = faults_of(rows)
    assert plan.faults["fault"].tolist() == ["code_repeated"] * 2


def test_an_unknown_community_is_listed_and_the_place_decides():
    plan = faults_of(grid(), communities=["999901001007", *[None] * 15])
    assert plan.faults[["fault", "other_id"]].to_numpy().tolist() == [
        ["community_unknown", "999901001007"]
    ]
    assert plan.cells["community_id"].iloc[0] == WEST


def test_a_named_community_is_kept_where_it_is_wrong():
    plan = faults_of(grid(), communities=[EAST, *[None] * 15])
    assert plan.cells["community_id"].iloc[0] == EAST
    assert kinds(plan) == {"code_community": 10_000.0, "community_crossed": 10_000.0}


def test_a_cut_building_is_named_with_what_lies_in_the_second_cell():
    plan = faults_of(grid(), buildings=[tiny.box(40, 310, 70, 320), tiny.box(90, 310, 103, 320)])
    [row] = plan.faults.to_dict("records")
    assert (row["fault"], row["other_id"], round(row["area_m2"], 6)) == ("building_cut", "b1", 30.0)
    assert row["cell_id"].split(" + ") == [f"00:{WEST}001", f"01:{WEST}002"]


def test_a_building_below_an_overlap_is_in_a_second_cell_as_the_check_counts():
    rows = changed(w003=tiny.box(0, 200, 110, 300))
    house = tiny.box(101, 210, 109, 220)
    plan = faults_of(rows, buildings=[house])
    assert kinds(plan) == {"overlap": 1000.0, "building_cut": 80.0}
    homes = gpd.GeoDataFrame({"building_id": ["b0"]}, geometry=[house], crs=tiny.CRS)
    layers = {"cells": plan.cells, "buildings": homes, "boundary": tiny.town()["boundary"]}
    assert verify_plan(layers, cells_method="given").proofs["buildings_cut"] == 1


def test_an_overlap_goes_to_the_cell_that_has_the_building_whole():
    rows = changed(w003=tiny.box(0, 200, 110, 300))
    plan = faults_of(rows, repair=True, buildings=[tiny.box(101, 210, 115, 220)])
    [row] = plan.faults.to_dict("records")
    assert (row["fault"], row["given_to"]) == ("overlap", f"03:{WEST}004")
    # What no cell has whole is cut, mended or not, and listed with the check's 0.01 m².
    across = tiny.box(95, 210, 115, 220)
    for repair in (False, True):
        plan = faults_of(rows, repair=repair, buildings=[across])
        assert "building_cut" in set(plan.faults["fault"])


def test_a_cell_out_of_size_says_that_it_is_as_given_and_which_way():
    rows = changed(w001=tiny.box(0, 300, 60, 400), w002=tiny.box(100, 200, 200, 400))
    del rows[f"{WEST}004"]
    plan = faults_of(
        [*rows.items(), (f"{WEST}009", tiny.box(60, 300, 100, 400))],
        buildings=[tiny.box(120, 210, 160, 240), tiny.box(140, 310, 180, 340)],
    )
    told = plan.cells.set_index("cell_id")["exception"]
    assert told.dropna().to_dict() == {f"{WEST}009": "given_small", f"{WEST}002": "given_large"}


# Mended on request


def test_a_gap_goes_to_the_neighbour_with_the_longest_border():
    rows = changed(w001=tiny.box(0, 300, 99, 400), w002=tiny.box(100, 320, 200, 400),
                   w004=tiny.box(100, 200, 200, 320))  # fmt: skip
    plan = faults_of(rows, repair=True)
    [row] = plan.faults.to_dict("records")
    assert (row["fault"], row["repaired"]) == ("gap", True)
    assert row["given_to"] == f"00:{WEST}001"
    assert row["area_m2"] == pytest.approx(100)


def test_a_gap_goes_to_the_cell_whose_building_reaches_into_it():
    # The border of the second cell with the gap is the longer one.
    rows = changed(w001=tiny.box(0, 300, 99, 400).difference(tiny.box(98, 305, 99, 310)))
    house = tiny.box(90, 350, 99.5, 360)
    plan = faults_of(rows, repair=True, buildings=[house])
    assert kinds(plan) == {"gap": 105.0}
    assert plan.faults["given_to"].tolist() == [f"00:{WEST}001"]
    shorter = changed(w001=tiny.box(0, 300, 99, 400), w002=tiny.box(100, 300, 200, 400))
    plan = faults_of(shorter, repair=True, buildings=[tiny.box(99.2, 350, 110, 360)])
    assert plan.faults["given_to"].tolist() == [f"01:{WEST}002"]


def test_a_gap_stays_in_its_community():
    rows = changed(
        w002=tiny.box(100, 300, 150, 400),
        w004=tiny.box(100, 200, 200, 250),
        e001=tiny.box(200, 300, 300, 400),
    )
    plan = faults_of(rows, repair=True)
    assert set(plan.faults["given_to"].str[3:15]) == {WEST}
    assert not (plan.faults["fault"] == "community_crossed").any()


def test_an_overlap_goes_to_the_larger_cell_of_its_community():
    plan = faults_of(changed(w003=tiny.box(0, 200, 110, 300)), repair=True)
    [row] = plan.faults.to_dict("records")
    assert (row["fault"], row["given_to"], row["repaired"]) == ("overlap", f"02:{WEST}003", True)
    area = plan.cells.set_index("cell_id")["area_m2"]
    assert area[[f"{WEST}003", f"{WEST}004"]].tolist() == pytest.approx([11_000, 9_000])
    # Across the community line the land stays at home.
    plan = faults_of(changed(w004=tiny.box(100, 200, 210, 300)), repair=True)
    assert plan.faults["given_to"].tolist() == [f"10:{EAST}003"]
    assert kinds(plan) == {"overlap": 1000.0}


def test_a_sliver_is_merged_and_its_code_goes():
    rows = FAULTS["sliver"][0]
    plan = faults_of(rows, repair=True)
    [row] = plan.faults.to_dict("records")
    assert (row["fault"], row["given_to"]) == ("sliver", f"00:{WEST}001")
    assert len(plan.cells) == 16
    assert f"{WEST}009" not in set(plan.cells["cell_id"])


def test_land_beyond_the_boundary_is_cut_off_and_hairlines_are_closed():
    plan = faults_of(changed(w001=tiny.box(-2, 300, 99.99995, 400)), repair=True)
    assert kinds(plan) == {"outside": 200.0, "hairlines": 0.005}
    assert plan.faults["repaired"].all()
    assert plan.cells.area.sum() == pytest.approx(160_000, abs=1e-6)


@pytest.mark.parametrize("name", FAULTS)
def test_a_mended_grid_tiles_the_place_and_no_code_is_invented(name):
    rows, _ = FAULTS[name]
    plan = faults_of(rows, repair=True)
    report = verify_plan(
        {"cells": plan.cells, "boundary": tiny.town()["boundary"]}, cells_method="given"
    )
    assert report.proofs["tiling_error_m2"] == pytest.approx(0, abs=1e-6)
    assert report.figures["cells_overlap_m2"] == pytest.approx(0, abs=1e-6)
    given = {code for code, _ in (rows if isinstance(rows, list) else rows.items())}
    assert set(plan.cells["cell_id"]) <= given


def turned(rows):
    """Return the cells turned and shifted, so that no corner lies on the 1 mm grid."""
    middle = (tiny.X + 200, tiny.Y + 200)
    return {code: affinity.rotate(one, 17.3, origin=middle) for code, one in rows.items()}


def take_turned(rows, *, repair):
    west, east = tiny.box(0, 0, 200, 400), tiny.box(200, 0, 400, 400)
    outline, *halves = turned({"": tiny.box(0, 0, 400, 400), "w": west, "e": east}).values()
    return take_over(
        gpd.GeoDataFrame(
            {"cell_key": [*rows], "cell_id": [*rows], "community_id": [None] * len(rows)},
            geometry=list(rows.values()),
            crs=tiny.CRS,
        ),
        gpd.GeoDataFrame({"community_id": [WEST, EAST]}, geometry=halves, crs=tiny.CRS),
        Land(**{one: empty_layer(one, crs=pyproj.CRS(tiny.CRS)) for one in LAYERS}),
        outline,
        options=CellOptions(method="given", repair=repair),
    )


def test_a_grid_without_faults_comes_through_repair_untouched():
    rows = turned(grid())
    plan = take_turned(rows, repair=True)
    assert plan.faults.empty
    for code, shape in zip(plan.cells["cell_id"], plan.cells.geometry, strict=True):
        assert shapely.equals_identical(shape, rows[code]), code


@pytest.mark.parametrize(
    ("shape", "beside"),
    [
        (tiny.box(0, 300, 99, 400), {"001", "002", "003", "004"}),
        (tiny.box(-3, 300, 100, 400), {"001", "003"}),
        (tiny.box(0, 300, 101, 400), {"001", "002", "003", "004"}),
    ],
)
def test_repair_changes_only_cells_beside_a_fault(shape, beside):
    rows = turned(changed(w001=shape))
    plan = take_turned(rows, repair=True)
    assert len(plan.faults) == 1
    assert plan.faults["repaired"].all()
    new = plan.cells.set_index("cell_id").geometry
    for code, old in rows.items():
        if code not in {f"{WEST}{one}" for one in beside}:
            assert shapely.equals_identical(old, new[code]), code
    assert shapely.coverage_is_valid(new.to_numpy())
    assert shapely.area(new.to_numpy()).sum() == pytest.approx(160_000, abs=1e-6)
    known = {(x, y) for x, y in shapely.get_coordinates([*rows.values()]).tolist()}
    fresh = [
        one for one in shapely.get_coordinates(new.to_numpy()).tolist() if (*one,) not in known
    ]
    # Only the corners of the fault are new: none comes from noding lines that follow each other.
    assert len({(*one,) for one in fresh}) <= 2


def test_an_overlap_leaves_the_cells_of_a_file_as_given(tmp_path):
    rows = turned(changed(w001=tiny.box(0, 300, 103, 400)))
    cells = open_project(project(tmp_path, frame(rows))).place.cells
    for code, shape in zip(cells["cell_id"], cells.geometry, strict=True):
        assert shapely.equals_identical(shape, rows[code]), code


# The whole run


@pytest.mark.parametrize("repair", [False, True])
def test_a_broken_grid_makes_a_plan_that_tells_its_faults(repair, tmp_path):
    rows = list(changed(w001=tiny.box(0, 300, 40, 400), w004=tiny.box(100, 200, 210, 300)).items())
    rows[5] = (None, rows[5][1])
    rows[6] = (rows[7][0], rows[6][1])
    toml = project(tmp_path, frame(rows), settings=f"repair = {str(repair).lower()}")
    result = runner.invoke(app, ["run", str(toml), "--out", str(tmp_path / "run"), "--lang", "en"])
    assert result.exit_code == 0, result.output
    report, _ = check_layers(tmp_path / "run")
    assert report.ok, [one.message.en for one in report.findings if one.severity == "hard"]
    proofs = report.proofs
    if repair:
        assert proofs["tiling_error_m2"] == pytest.approx(0, abs=1e-6)
        assert proofs["communities_crossed"] == 0
    else:
        assert proofs["tiling_error_m2"] == pytest.approx(7_000)  # 1,000 of them twice
        assert proofs["communities_crossed"] == 1
        assert {"gap", "overlap", "id_missing", "id_repeated"} <= {one.rule for one in
                                                                   report.findings}  # fmt: skip
    plan = tiny.planned(toml)
    told = " ".join(one["en"] for one in plan.summary["caveats"])
    assert "The given grid: repeated code: 2" in told
    assert ("Mended as asked." in told) == repair
    nowhere = plan.layers["demand"]["cell_uid"].isna()
    assert nowhere.any() == (not repair)
    assert ("in no cell of the given grid" in told) == (not repair)
    zones = plan.layers["zones"]
    main = zones[zones["zone_system"] == plan.summary["zones"]["main"]]
    assert main["population"].sum() == plan.layers["cells"]["population"].sum()
    made = tables(plan)
    # Areas are compared with the boundary, and crossings counted as the proof counts them.
    assert plan.summary["place"]["area_m2"] == 160_000.0
    sums = made["reconcile"]
    row = sums[sums["check"].str.contains("area of the cells")].iloc[0]
    assert row["ok"] == repair
    listed = plan.layers["cell_faults"]
    crossed = listed[(listed["fault"] == "community_crossed") & ~listed["repaired"]]
    assert crossed["cell_id"].nunique() == proofs["communities_crossed"]
    table = made["cell_faults"]
    assert len(table) == len(plan.layers["cell_faults"])
    assert {"fault", "fault_m2", "east_m", "north_m"} <= set(table)


def test_check_puts_the_faults_of_a_given_grid_on_the_map(tmp_path):
    rows = list(changed(w001=tiny.box(0, 300, 40, 400), w004=tiny.box(100, 200, 210, 300)).items())
    toml, places = project(tmp_path, frame(rows)), tmp_path / "faults.geojson"
    told = runner.invoke(app, ["check", str(toml), "--map", str(places), "--lang", "en"])
    assert told.exit_code == 0, told.output
    found = gpd.read_file(places)
    assert set(found["rule"]) == {"cell_gap", "cell_overlap", "cell_community_crossed"}
    metres = found.to_crs(tiny.CRS)
    assert metres.area.to_numpy() == pytest.approx(found["area_m2"].to_numpy(), rel=1e-4)
    assert metres.within(tiny.box(-1, -1, 401, 401)).all()
