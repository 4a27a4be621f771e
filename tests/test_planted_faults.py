"""Thirty and more faults planted in a correct grid: each found, with kind, id, place and size."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import MultiPolygon, Point, Polygon, box
from shapely.affinity import translate
from typer.testing import CliRunner

from gridplan.cli import app
from gridplan.layer_commands import check_layers
from gridplan.terms import TERMS
from gridplan.verify import verify_plan
from gridplan.verify.sizes import EXCEPTIONS
from tests.test_verify import EAST_ID, WEST_ID, at, code, square, world

runner = CliRunner()

A, RIGHT, BELOW = code(1, 1), code(2, 1), code(1, 2)
"""A cell inside the west community (x 100 to 200, y 200 to 300), and two neighbours."""

LAST, FIRST_EAST = code(2, 0), code(3, 0)
"""Two cells of the first row on both sides of the line between the communities."""


def edit(cell, **values):
    """Return a fault: columns of one cell set to values, or to what a function makes of them."""

    def plant(layers):
        cells = layers["cells"]
        row = cells["cell_id"].tolist().index(cell)
        for column, value in values.items():
            old = cells[column].astype(object).tolist()
            old[row] = value(old[row]) if callable(value) else value
            if column == "geometry":
                cells = cells.set_geometry(gpd.GeoSeries(old, index=cells.index, crs=cells.crs))
            else:
                cells = cells.assign(**{column: pd.Series(old, index=cells.index, dtype=object)})
        layers["cells"] = cells

    return plant


def both(*plants):
    def plant(layers):
        for one in plants:
            one(layers)

    return plant


def reshape(cell, change):
    return edit(cell, geometry=change)


def sides(left=0.0, right=0.0, below=0.0, above=0.0):
    """Return what moves the sides of a square outwards by metres."""

    def change(shape):
        x0, y0, x1, y1 = shape.bounds
        return box(x0 - left, y0 - below, x1 + right, y1 + above)

    return change


def swap(one, other):
    return both(edit(one, cell_id="x"), edit(other, cell_id=one), edit("x", cell_id=other))


def without(cell):
    def plant(layers):
        cells = layers["cells"]
        layers["cells"] = cells[cells["cell_id"] != cell].reset_index(drop=True)

    return plant


def another(cell, **values):
    """Return a fault: a copy of a cell, with other values."""

    def plant(layers):
        cells = layers["cells"]
        copy = cells[cells["cell_id"] == cell].assign(**{"cell_uid": "copy", **values})
        layers["cells"] = pd.concat([cells, copy], ignore_index=True)

    return plant


def building(shape):
    def plant(layers):
        row = gpd.GeoDataFrame({"building_id": ["bX"]}, geometry=[shape], crs="EPSG:4549")
        layers["in_buildings"] = pd.concat([layers["in_buildings"], row], ignore_index=True)

    return plant


def numbers(layers):
    cells = layers["cells"]
    layers["cells"] = cells.assign(cell_id=cells["cell_id"].astype("int64"))


def table(layer, row, **values):
    """Return a fault in another table of the plan, in the row for which `row` holds."""

    def plant(layers):
        frame = layers[layer].copy()
        for column, value in values.items():
            old = frame[column].astype(object)
            frame[column] = old.mask(row(frame), value)
        layers[layer] = frame

    return plant


def is_(column, value):
    return lambda frame: frame[column] == value


def bow_tie(shape):
    x0, y0, x1, y1 = shape.bounds
    return Polygon([(x0, y0), (x1, y1), (x1, y0), (x0, y1)])


def antenna(shape):
    """Return the cell with a thorn that its neighbour gives way to: a tiling, and yet a slip."""
    x0, y0, x1, y1 = shape.bounds
    tip = (x1 + 30, y0 + 50.05)
    return Polygon([(x0, y0), (x1, y0), (x1, y0 + 50), tip, (x1, y0 + 50.1), (x1, y1), (x0, y1)])


def give_way(layers):
    cells = layers["cells"].set_index("cell_id")
    thorn = cells.geometry[A]
    edit(RIGHT, geometry=lambda one: shapely.difference(one, thorn))(layers)


def recounted(layers):
    cells = layers["cells"]
    layers["cells"] = cells.assign(area_m2=cells.geometry.area)


def strip_between(layers):
    """Put a cell of 1 m between two others."""
    both(reshape(A, sides(right=-1.0)),
         another(A, cell_id=f"{WEST_ID}013", geometry=square(199, 200, 200, 300)),
         recounted)(layers)  # fmt: skip


def exceptions(layers):
    layers["cells"] = layers["cells"].assign(exception=None)


def moved_line(layers):
    """Give a cell a strip of its neighbour across the line of the communities."""
    both(reshape(LAST, sides(right=0.0002)), reshape(FIRST_EAST, sides(left=-0.0002)))(layers)


MID = at(150, 250)
"""The middle of the cell A."""

FAULTS = {
    # name: (plant, rule, named, amount or None, place or None, seen in a planner's own file)
    "a gap of 1 mm": (reshape(A, sides(right=-0.001)), "gap", f"{A} + {RIGHT}", 0.1,
                      at(200, 250), True),
    "an overlap of 1 mm": (reshape(A, sides(right=0.001)), "overlap", f"{A} + {RIGHT}", 0.1,
                           at(200, 250), True),
    "a sliver": (strip_between, "sliver", f"{WEST_ID}013", 200 / 202, at(199.5, 250), True),
    "a cut building": (building(square(195, 240, 205, 250)), "building_cut", "bX", 50.0,
                       at(200, 245), True),
    "a building cut by a hand": (building(square(190, 240, 200.01, 250)), "building_cut", "bX",
                                 0.1, at(199, 245), True),
    "codes swapped across communities": (swap(A, code(4, 1)), "code_community", A, None,
                                         at(450, 250), True),
    "codes swapped in a community": (swap(code(0, 0), code(0, 3)), "code_order", code(0, 0), None,
                                     at(50, 50), True),
    "a repeated code": (edit(A, cell_id=BELOW), "id_repeated", BELOW, None, MID, True),
    "a wrong community prefix": (edit(A, cell_id="320583102009005"), "code_community",
                                 "320583102009005", None, MID, True),
    "a code too short": (edit(A, cell_id=A[:14]), "code_malformed", A[:14], None, MID, True),
    "a code too long": (edit(A, cell_id=f"{A}0"), "code_malformed", f"{A}0", None, MID, True),
    "a lower-case letter": (edit(A, cell_id=f"{A[:-1]}a"), "code_malformed", f"{A[:-1]}a", None,
                            MID, True),
    "fullwidth digits": (edit(A, cell_id=f"{A[:-1]}５"), "code_malformed", f"{A[:-1]}５", None,
                         MID, True),
    "a blank in a code": (edit(A, cell_id=f"{A} "), "code_malformed", f"{A} ", None, MID, True),
    "the letter O for a zero": (edit(A, cell_id=A.replace("0", "O", 1)), "code_malformed",
                                A.replace("0", "O", 1), None, MID, True),
    "no code": (edit(A, cell_id=None), "id_missing", "u11", None, MID, False),
    "codes as numbers": (numbers, "code_not_text", A, None, MID, True),
    "a hole": (reshape(A, lambda one: one.difference(box(*MID.buffer(5).bounds))), "hole", A, None,
               at(110, 210), True),
    "the gap of a hole": (reshape(A, lambda one: one.difference(box(*MID.buffer(5).bounds))),
                          "gap", A, 100.0, MID, True),
    "two parts": (reshape(A, lambda one: MultiPolygon([box(*one.bounds[:2], one.bounds[0] + 40,
                  one.bounds[3]), box(one.bounds[0] + 60, *one.bounds[1:])])),
                  "multipart", A, None, at(120, 250), True),
    "a bow-tie": (reshape(A, bow_tie), "invalid", A, None, at(110, 250), True),
    "an empty shape": (reshape(A, lambda _: Polygon()), "no_geometry", A, None, None, True),
    "a null shape": (reshape(A, lambda _: None), "no_geometry", A, None, None, True),
    "the place of a null shape": (reshape(A, lambda _: None), "gap",
                                  " + ".join(sorted([code(1, 0), code(0, 1), RIGHT, BELOW])),
                                  10_000.0, MID, True),
    "the same shape twice": (another(A, cell_id=f"{WEST_ID}013"), "shape_repeated",
                             f"{WEST_ID}013", 10_000.0, MID, True),
    "a cell over another": (another(A, cell_id=f"{WEST_ID}013",
                                    geometry=square(120, 220, 140, 240)),
                            "overlap", " + ".join(sorted([A, f"{WEST_ID}013"])), 400.0,
                            at(130, 230), True),
    "a cell beyond the boundary": (reshape(code(0, 0), sides(left=2.0)), "outside", code(0, 0),
                                   200.0, at(-1, 350), True),
    "a cell elsewhere": (another(A, cell_id=f"{WEST_ID}013", geometry=square(900, 0, 1000, 100)),
                         "outside", f"{WEST_ID}013", 10_000.0, at(950, 50), True),
    "a missing cell": (without(A), "gap",
                       " + ".join(sorted([code(1, 0), code(0, 1), RIGHT, BELOW])), 10_000.0, MID,
                       True),
    "a missing cell at the edge": (without(code(0, 0)), "gap",
                                   " + ".join(sorted([code(1, 0), code(0, 1)])), 10_000.0,
                                   at(50, 350), True),
    "a line crossed by 0.02 m²": (moved_line, "community_crossed", LAST, 0.02, at(300, 350), True),
    "a vertex on one side only": (
        reshape(A, lambda one: shapely.snap(one, at(200, 250), 0.001)), "edges_differ", A, None,
        at(200, 240), True),
    "a spike": (both(reshape(A, antenna), give_way, recounted), "spike", A, 30.0, at(230, 250.05),
                True),
    "a wrong area": (edit(A, area_m2=10_001.0), "area_column", A, 1.0, MID, True),
    "an area in mu": (edit(A, area_m2=15.0), "area_column", A, 9_985.0, MID, True),
    "an unknown community": (edit(A, community_id="320583102009"), "community_unknown", A, None,
                             MID, True),
    "no community": (edit(A, community_id=None), "community_unknown", A, None, MID, True),
    "the other community": (edit(A, community_id=EAST_ID), "community_crossed", A, 10_000.0, MID,
                            True),
    "a repeated uid": (edit(A, cell_uid="u21"), "id_repeated", "u21", None, MID, False),
    "residents that do not add up": (edit(A, population=1), "population_differs", A, 79.0, MID,
                                     False),
    "a zone that does not exist": (
        table("cell_zones", is_("cell_uid", "u11"), zone_id="Z9"), "zone_unknown", "patrol/Z9",
        None, None, False),
    "a cell in no zone": (
        lambda layers: layers.update(
            cell_zones=layers["cell_zones"][layers["cell_zones"]["cell_uid"] != "u11"]),
        "cell_without_zone", f"patrol/{A}", None, MID, False),
    "a zone of other residents": (
        table("zones", is_("zone_id", "WN"), population=3), "zone_sums", "patrol/WN", None, None,
        False),
    "a size without a reason": (
        both(exceptions, reshape(A, sides(right=-60.0)), reshape(RIGHT, sides(left=60.0)),
             recounted), "exception_missing", A, 1_000.0, at(120, 250), True),
    "a reason nobody knows": (both(exceptions, edit(A, exception="since ever")),
                              "exception_unknown", A, None, MID, True),
    "a retired code in use": (
        table("cells_retired", is_("cell_uid", "old"), cell_id=A), "code_reused", A, None, MID,
        False),
    "shares of a change that lose land": (
        table("cell_lineage", is_("child_uid", "u00"), area_share=0.15), "lineage_shares", "old",
        0.1, None, False),
    "a change of an unknown kind": (
        table("cell_lineage", is_("child_uid", "u11"), kind="grown"), "lineage_kind", "- → u11",
        None, None, False),
    "a cell from nowhere": (
        lambda layers: layers.update(
            cell_lineage=layers["cell_lineage"][layers["cell_lineage"]["child_uid"] != "u11"]),
        "lineage_incomplete", "u11", None, MID, False),
}  # fmt: skip

UNORDERED = {"codes swapped in a community"}
"""Seen where no cell has a history: numbers of later cells follow no order."""

PLAN = ("boundary", "communities", "cells", "cell_zones", "zones", "demand", "in_buildings",
        "cell_lineage", "cells_retired")  # fmt: skip


def planted(name):
    """Return the layers of the plan with a fault in them."""
    layers = {one: frame for one, frame in world()[0].items() if one in PLAN}
    if name in UNORDERED:
        del layers["cell_lineage"], layers["cells_retired"]
    FAULTS[name][0](layers)
    return layers


def planners(layers):
    """Return what a planner has who drew the cells by hand: four layers in his words."""
    cells = layers["cells"]
    own = [one for one in ("cell_id", "community_id", "area_m2", "exception") if one in cells]
    named = {"cell_id": "BGCode", "community_id": "社区编码", "area_m2": "面积"}
    return {
        "边界": layers["boundary"],
        "社区": layers["communities"][["community_id", "geometry"]],
        "单元网格": cells[[*own, "geometry"]].rename(columns=named),
        "建筑": layers["in_buildings"],
    }


def package(path, layers):
    for name, frame in layers.items():
        if "geometry" in frame:
            kind = {"geometry_type": "Unknown"} if frame.geometry.isna().any() else {}
            frame.to_file(path, layer=name, driver="GPKG", engine="pyogrio", **kind)
        else:
            gpd.GeoDataFrame(frame).to_file(path, layer=name, driver="GPKG", engine="pyogrio")
    return path


def hits(report, rule, named):
    return [one for one in report.findings if one.rule == rule and named in one.ids]


def assert_named(report, name):
    """Check kind, id, place and size of what was planted."""
    _, rule, named, amount, place, _ = FAULTS[name]
    found = hits(report, rule, named)
    assert found, [(one.rule, one.ids) for one in report.findings]
    if amount is not None:
        assert found[0].amount == pytest.approx(amount, rel=1e-2, abs=2e-3)
    if place is not None:
        assert found[0].where is not None
        assert found[0].where.distance(place) < 1.0
    return found[0]


def test_there_are_thirty_and_more():
    assert len(FAULTS) >= 30
    assert len({rule for _, rule, *_ in FAULTS.values()}) >= 20
    assert sum(seen for *_, seen in FAULTS.values()) >= 30


def test_the_correct_plan_and_the_drawn_grid_have_no_finding(tmp_path):
    layers = {one: frame for one, frame in world()[0].items() if one in PLAN}
    assert verify_plan(layers).findings == ()
    report, _ = check_layers(package(tmp_path / "plan.gpkg", layers))
    assert report.findings == ()
    report, notes = check_layers(package(tmp_path / "drawn.gpkg", planners(layers)))
    assert {one.rule for one in report.findings} == {"column_missing"}
    assert "BGCode → cell_id" in " ".join(one.message.en for one in notes)
    assert report.proofs["tiling_error_m2"] == 0.0


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_by_the_checks(name):
    finding = assert_named(verify_plan(planted(name)), name)
    assert finding.ids[0] in finding.message.en
    assert finding.ids[0] in finding.message.zh


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_in_a_geopackage(name, tmp_path):
    path = package(tmp_path / "plan.gpkg", planted(name))
    report, _ = check_layers(path, map_file=tmp_path / "places.geojson")
    finding = assert_named(report, name)
    if FAULTS[name][4] is not None:
        places = gpd.read_file(tmp_path / "places.geojson")
        rows = places[(places["rule"] == finding.rule) & (places["layer"] == finding.layer)]
        assert FAULTS[name][2] in " ".join(rows["ids"])
        assert np.isclose(rows["amount"], finding.amount).any()


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault[5]])
def test_a_fault_is_found_in_what_a_planner_drew(name, tmp_path):
    path = package(tmp_path / "drawn.gpkg", planners(planted(name)))
    result = runner.invoke(app, ["check", str(path), "--lang", "en"])
    finding = assert_named(check_layers(path)[0], name)
    assert finding.severity == "soft" or result.exit_code == 2
    assert f"[{finding.rule}]" in result.stdout
    # A message shows the first ids only, the file of places all.
    assert FAULTS[name][2] in result.stdout or len(finding.ids) > 5


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32651", "EPSG:4548"])
def test_a_grid_in_another_system_than_its_place_is_refused_by_name(crs, tmp_path):
    layers = planners({one: frame for one, frame in world()[0].items() if one in PLAN})
    layers["单元网格"] = layers["单元网格"].to_crs(crs)
    result = runner.invoke(
        app, ["check", str(package(tmp_path / "a.gpkg", layers)), "--lang", "en"]
    )
    assert result.exit_code == 2
    assert "`cells`" in result.stderr


def test_a_grid_shifted_by_a_datum_is_found():
    layers = {one: frame for one, frame in world()[0].items() if one in PLAN}
    cells = layers["cells"]
    layers["cells"] = cells.set_geometry(
        gpd.GeoSeries([translate(one, 400, -250) for one in cells.geometry], crs=cells.crs)
    )
    report = verify_plan(layers)
    assert {"outside", "gap", "community_crossed"} <= {one.rule for one in report.findings}


def test_the_reasons_are_those_of_the_house():
    assert set(EXCEPTIONS) == set(TERMS["exception"])


def test_a_fault_of_a_point_is_shown_where_the_point_is():
    layers, summary = world()
    demand = layers["demand"]
    layers["demand"] = demand.assign(
        committee_m=demand["committee_m"].mask(demand["demand_id"] == "d03", -1.0)
    )
    [found] = verify_plan(layers, summary).of_rule("distance_negative")
    assert found.where.distance(Point(demand.geometry[3])) == 0
