"""Municipal components: read, counted once each by cell, evened, stored, verified."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import gridplan
from gridplan.cells import CellOptions, plan_cells
from gridplan.cells.components import NOWHERE, built_cells, cells_of_components, unevenness
from gridplan.cli import app
from gridplan.present.tabulation import tables
from gridplan.project.osm import components_from_points
from gridplan.store import read_run
from gridplan.store.geopackage import write_geopackage
from gridplan.verify import verify_plan
from tests import tiny
from tests.test_cells_fabric import box, communities_of, grid, land_of, rows_of_houses

runner = CliRunner()
CELLS = np.array([tiny.box(x, y, x + 100, y + 100) for y in (0, 100) for x in (0, 100, 200)])
PLACES = st.tuples(st.integers(-2, 13), st.integers(-2, 9))
"""In steps of 25 m, so that many lie on borders, in corners and outside."""


def components(*places, **columns):
    """Return the layer at these places."""
    ids = {"component_id": [f"m{at:03d}" for at in range(len(places))]}
    return gpd.GeoDataFrame(
        {**ids, "kind": "路灯", **columns},
        geometry=[tiny.point(x, y) for x, y in places],
        crs=tiny.CRS,
    )


# Which cell a component belongs to


@given(st.lists(PLACES, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_each_component_belongs_to_one_cell_that_holds_it(places, random):
    points = np.array([tiny.point(25 * x, 25 * y) for x, y in places])
    home = cells_of_components(points, CELLS)
    inside = shapely.intersects(shapely.union_all(CELLS), points)
    assert ((home != NOWHERE) == inside).all()
    assert shapely.intersects(CELLS[home[inside]], points[inside]).all()
    counts = np.bincount(home[inside], minlength=len(CELLS))
    assert counts.sum() == inside.sum()
    order = list(range(len(places)))
    random.shuffle(order)
    assert cells_of_components(points[order], CELLS).tolist() == home[order].tolist()


def test_a_point_on_the_rounded_edge_of_the_place_is_in_the_nearest_cell():
    beside = np.array([tiny.point(-0.005, 50), tiny.point(-0.02, 50)])
    assert cells_of_components(beside, CELLS).tolist() == [0, NOWHERE]


def test_built_cells_are_those_with_enough_under_buildings():
    houses = np.array([tiny.box(10, 10, 35, 35), tiny.box(110, 10, 120, 20)])
    assert built_cells(CELLS, houses, open_share=0.05).tolist() == [0]
    assert unevenness(np.zeros(3)) is None
    assert unevenness(np.empty(0)) is None


def test_components_chosen_by_tags_have_their_kind():
    points = gpd.GeoDataFrame(
        {"committee_id": ["node/1"], "name": ["x"], "kind": ["highway=street_lamp"]},
        geometry=[shapely.Point(120.9, 31.4)],
        crs="EPSG:4326",
    )
    row = components_from_points(points).iloc[0]
    assert (row["component_id"], row["kind"]) == ("m-node/1", "highway=street_lamp")


# The soft rule


WIDE, HIGH = 600, 600


@pytest.fixture(scope="module")
def ground():
    """Land with streets 300 m apart, houses all over, and components crowded in the west."""
    rng = np.random.default_rng(5)
    x = WIDE * rng.random(400) ** 1.6
    points = gpd.GeoDataFrame(
        {"component_id": [f"m{at}" for at in range(len(x))]},
        geometry=[tiny.point(a, b) for a, b in zip(x, HIGH * rng.random(len(x)), strict=True)],
        crs="EPSG:4549",
    )
    land = land_of(
        streets=grid(WIDE, HIGH, 300, 300),
        buildings=rows_of_houses(WIDE, HIGH, every=(25, 25), size=(12, 12)),
    )
    return communities_of(box(0, 0, WIDE, HIGH)), land, points


def drawn(ground, weight, *, points=True):
    communities, land, own = ground
    options = CellOptions(even_components=weight)
    land = replace(land, components=own) if points else land
    return plan_cells(communities, land, options=options).cells


def counts(cells, points):
    home = cells_of_components(points.geometry.to_numpy(), cells.geometry.to_numpy())
    assert (home != NOWHERE).all()
    return np.bincount(home, minlength=len(cells)).astype(float)


def test_the_rule_makes_counts_more_even_and_keeps_what_is_hard(ground):
    communities, land, points = ground
    even, plain = drawn(ground, 3.0), drawn(ground, 0.0)
    assert unevenness(counts(even, points)) < 0.95 * unevenness(counts(plain, points))
    outline = shapely.union_all(communities.geometry.to_numpy())
    for cells in (even, plain):
        layers = {
            "boundary": gpd.GeoDataFrame({"name": ["x"]}, geometry=[outline], crs=cells.crs),
            "cells": cells.assign(cell_uid=[f"c{at}" for at in range(len(cells))]),
            "buildings": land.buildings,
        }
        proofs = verify_plan(layers, cells_method="fabric").proofs
        assert proofs["buildings_cut"] == 0
        assert proofs["tiling_error_m2"] < 0.01
        assert (cells["area_m2"] / 10_000 - 1).abs().max() < 0.5


def test_without_components_or_weight_nothing_changes(ground):
    bare = drawn(ground, 3.0, points=False).geometry.to_wkb().tolist()
    assert drawn(ground, 0.0).geometry.to_wkb().tolist() == bare
    communities, land, points = ground
    none = replace(land, components=points.iloc[:0])
    again = plan_cells(communities, none, options=CellOptions()).cells
    assert again.geometry.to_wkb().tolist() == bare


def test_row_order_of_components_changes_nothing(ground):
    communities, land, points = ground
    turned = replace(land, components=points.iloc[::-1])
    again = plan_cells(communities, turned, options=CellOptions(even_components=3.0)).cells
    assert again.geometry.to_wkb().tolist() == drawn(ground, 3.0).geometry.to_wkb().tolist()


# From file to plan


def inside_and_out():
    places = [(20, 20), (200, 100), (200, 200), (399, 399), (60, 300), (500, 20), (-90, 20)]
    return components(*places, 养护单位=["a"] * 7, 联系电话=["139"] * 7, 负责人=["甲"] * 7)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    frames = tiny.town() | {"components": inside_and_out()}
    return gridplan.run(
        *gridplan.read_project(tiny.write(tmp_path_factory.mktemp("parts") / "town", frames))
    )


def test_counts_sum_to_the_components_inside_and_the_others_are_listed(plan):
    assert plan.layers["cells"]["components"].sum() == len(plan.place.components) == 5
    (note,) = [one for one in plan.place.notes if one.code == "components_outside"]
    assert note.ids == ("m005", "m006")
    assert "2 of 7 municipal components lie outside the boundary" in note.message.en
    figures = plan.summary["cells"]
    assert (figures["components_counted"], figures["components_in_no_cell"]) == (5, 0)
    # The few houses of the town make no built-up land.
    assert (figures["components_mean"], figures["components_cv"]) == (None, None)


def test_other_columns_stay_and_persons_go(plan):
    assert list(plan.place.components.columns) == ["component_id", "kind", "养护单位", "geometry"]
    (note,) = [one for one in plan.place.notes if one.code == "components_personal_dropped"]
    assert set(note.ids) == {"联系电话", "负责人"}


def test_the_stored_plan_needs_nothing_else(plan, tmp_path):
    write_geopackage(plan, tmp_path / "plan.gpkg", manifest={})
    stored = read_run(tmp_path / "plan.gpkg")
    assert_geodataframe_equal(stored.place.components, plan.place.components, check_dtype=False)
    layers = {**stored.layers, "in_components": stored.place.components}
    assert not verify_plan(layers, plan.summary).of_rule("components_differ")
    wrong = layers["cells"].copy()
    wrong.loc[0, "components"] += 1
    for cells, named in ((wrong, wrong["cell_id"].iloc[0]), (wrong.assign(components=0), None)):
        (found,) = verify_plan({**layers, "cells": cells}, plan.summary).of_rule(
            "components_differ"
        )
        assert named is None or named in found.ids
        assert "每个部件" in found.message.zh


def test_the_tables_show_the_counts(plan):
    made = tables(plan)
    assert made["cells"]["components"].iloc[-1] == 5
    sums = made["reconcile"]
    assert sums["ok"].all()
    assert sums["check"].str.contains("components").any()


def test_without_components_nothing_is_said(tmp_path):
    bare = gridplan.run(*gridplan.read_project(tiny.write(tmp_path / "town")))
    assert "components" not in bare.layers["cells"]
    assert not [key for key in bare.summary["cells"] if key.startswith("components")]


# Faults


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.set_geometry(c.buffer(1)), "`components` must be points; found Polygon"),
        (lambda c: c.drop(columns="component_id"), "lacks the columns ['component_id']"),
        (lambda c: c.assign(component_id="m1"), "1 id occurs more than once in `components`"),
        (lambda c: c.assign(component_id=None), "5 of 5 rows of `components` have no"),
        (lambda c: c.set_geometry(c.translate(9_000)), "None of the 7 municipal components lies"),
        (lambda c: c.set_crs("EPSG:4546", allow_override=True), "None of the 7 municipal"),
    ],
)
def test_bad_components_are_refused(tmp_path, change, message):
    frames = tiny.town() | {"components": change(inside_and_out())}
    toml = tiny.write(tmp_path / "town", frames)
    done = runner.invoke(app, ["check", str(toml), "--lang", "en"])
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())


def test_a_negative_weight_is_refused(tmp_path):
    toml = tiny.write(tmp_path / "town", toml=tiny.TOML + "\n[cells]\neven_components = -1\n")
    done = runner.invoke(app, ["check", str(toml), "--lang", "en"])
    assert done.exit_code == 2
    assert "even_components" in done.output
