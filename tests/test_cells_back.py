"""A grid that gridplan has drawn, fed back as the grid of an office: it comes back as it was."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import affinity

from gridplan.project import read_project
from gridplan.steps.coding import coded_cells
from gridplan.steps.places import managed_place
from gridplan.verify import verify_plan
from tests import tiny

FABRIC = tiny.TOML.replace("[zones]", '[cells]\nmethod = "fabric"\n\n[zones]')
CORNER = (tiny.X + 200, tiny.Y + 200)


def slanted_town():
    """Return the town turned by 17°, larger, with a house across the line of its communities."""
    frames = tiny.town()
    across = frames["buildings"].iloc[[0]].assign(building_id="across")
    across = across.set_geometry([tiny.box(185, 96, 213, 112)], crs=tiny.CRS)
    rows = [*frames["buildings"].iterrows(), *across.iterrows()]
    frames["buildings"] = gpd.GeoDataFrame([row for _, row in rows], crs=tiny.CRS)

    def turned(shape):
        return affinity.scale(affinity.rotate(shape, 17, origin=CORNER), 1.37, 1.37, origin=CORNER)

    for name, frame in frames.items():
        frames[name] = frame.set_geometry(
            gpd.GeoSeries([turned(one) for one in frame.geometry], crs=tiny.CRS).values
        )
    return frames


def cells_of(toml):
    """Return the coded cells of a project, as `check` and `run` get them, and the line's moves."""
    place, config = read_project(toml)
    managed, moves = managed_place(place, config)
    return coded_cells(managed, config), moves["building_id"].tolist()


def given_project(folder, grid, *, settings=""):
    grid.to_file(folder / "grid.gpkg", layer="grid", driver="GPKG", engine="pyogrio")
    cells = f'cells = "grid.gpkg"\n\n[cells]\nmethod = "given"\n{settings}\n\n[zones]'
    return tiny.write(folder, slanted_town(), toml=tiny.TOML.replace("[zones]", cells))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    coded, moves = cells_of(
        tiny.write(tmp_path_factory.mktemp("drawn"), slanted_town(), toml=FABRIC)
    )
    return coded.cells[["cell_id", "community_id", "geometry"]], moves


def test_the_town_has_what_makes_it_hard(drawn):
    grid, moves = drawn
    assert moves == ["across"]
    digits = shapely.get_coordinates(grid.geometry.to_numpy()) * 1000
    assert (np.abs(digits - digits.round()) > 0.01).any()


@pytest.mark.parametrize("repair", [False, True])
def test_it_comes_back_without_a_fault(repair, drawn, tmp_path):
    grid, moves = drawn
    toml = given_project(tmp_path, grid, settings=f"repair = {str(repair).lower()}")
    again, moved = cells_of(toml)
    assert again.faults.empty
    assert "has no gap, overlap, cut building" in again.notes[0].message.en
    assert moved == moves
    old, new = (one.set_index("cell_id").geometry.normalize() for one in (grid, again.cells))
    old, new = old.to_numpy(), new[grid["cell_id"]].to_numpy()
    assert shapely.area(shapely.symmetric_difference(old, new)).sum() < 1e-4
    if not repair:
        assert shapely.equals_identical(old, new).all()


def test_both_checks_say_the_same_of_it(drawn, tmp_path):
    plan = tiny.planned(given_project(tmp_path, drawn[0]))
    assert plan.layers["cell_faults"].empty
    report = verify_plan(dict(plan.layers), plan.summary)
    assert [one.rule for one in report.findings if one.layer == "cells"] == []
    assert report.proofs["communities_crossed"] == 0
    assert report.proofs["tiling_error_m2"] < 1e-6


def test_it_comes_back_from_degrees_without_a_fault(drawn, tmp_path):
    again, _ = cells_of(given_project(tmp_path, drawn[0].to_crs("EPSG:4490")))
    assert again.faults.empty


def test_a_house_that_the_grid_cuts_moves_no_line(tmp_path):
    """The office's cells end at the line, through the house: that is a fact of its grid."""
    halves = slanted_town()["communities"]
    halves["cell_id"] = halves["community_id"] + "001"
    again, moves = cells_of(given_project(tmp_path, halves))
    assert moves == []
    large = again.faults[again.faults["area_m2"] > 1.0]
    assert large["fault"].tolist() == ["building_cut"]


def test_corners_that_rounding_parts_from_the_communities_meet_them(tmp_path):
    """Communities are rounded to 1 mm at reading; the office's grid has all digits."""
    frames = slanted_town()
    halves = frames["communities"]
    halves["cell_id"] = halves["community_id"] + "001"
    halves.to_file(tmp_path / "grid.gpkg", layer="grid", driver="GPKG", engine="pyogrio")
    del frames["boundary"]
    toml = tiny.TOML.replace(
        "[zones]", 'cells = "grid.gpkg"\n\n[cells]\nmethod = "given"\n\n[zones]'
    )
    again, _ = cells_of(tiny.write(tmp_path, frames, toml=toml))
    assert again.faults["fault"].tolist() == ["building_cut"]
