"""Water that leaves an extract: rivers by their banks, coasts by their direction."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from gridplan.sources.osm import read_osm
from tests.osm_world import ROAD, World, note

BOX = '<bounds minlat="0" minlon="0" maxlat="1" maxlon="1"/>'
STREET = {1: (0.05, 0.05), 2: (0.06, 0.05)}
RIVER = {
    11: (0.4, -0.2), 12: (0.4, 0.5), 13: (0.4, 1.2),
    21: (0.6, 1.2), 22: (0.6, 0.5), 23: (0.6, -0.2),
    31: (0.5, -0.2), 32: (0.5, 1.2),
    41: (0.0, 0.5), 42: (0.4, 0.5),
}  # fmt: skip
WATER = {"type": "multipolygon", "natural": "water", "water": "river", "name": "大河"}
CENTRE = (6, [31, 32], {"waterway": "river", "name": "大河"})
TRIBUTARY = (7, [41, 42], {"waterway": "river"})
BANKS = [(2, [11, 12, 13], {}), (3, [21, 22, 23], {})]
MEMBERS = [(2, "outer"), (3, "outer"), (999, "outer")]


def river(*ways, nodes=None, members=MEMBERS):
    return World(
        STREET | (nodes or RIVER), [(1, [1, 2], ROAD), *BANKS, *ways], [(5, members, WATER)]
    )


@pytest.mark.parametrize("centres", [[CENTRE], [CENTRE, TRIBUTARY]])
def test_a_river_whose_ends_are_outside_is_put_together(centres, tmp_path):
    extract = river(*centres).read(tmp_path, BOX)
    assert extract.water["water_id"].tolist() == ["r5-0"]
    assert extract.water["name"].tolist() == ["大河"]
    assert extract.water.geometry.iloc[0].equals(shapely.box(0.4, 0, 0.6, 1))
    assert note(extract, "osm_water_assembled") == (1, ("r5",))
    assert note(extract, "osm_areas_incomplete") == (0, ())


def test_banks_without_a_centre_line_are_barriers(tmp_path):
    extract = river().read(tmp_path, BOX)
    assert extract.water.empty
    assert extract.barriers["barrier_id"].tolist() == ["r5-0", "r5-1"]
    assert extract.barriers["kind"].tolist() == ["river", "river"]
    assert note(extract, "osm_water_banks") == (1, ("r5",))


def test_a_bank_that_ends_in_the_middle_makes_no_area(tmp_path):
    short = RIVER | {13: (0.4, 0.6)}
    extract = river(CENTRE, nodes=short).read(tmp_path, BOX)
    assert extract.water.empty
    assert note(extract, "osm_water_banks") == (1, ("r5",))


@pytest.mark.parametrize(("refs", "side"), [((11, 12, 13), (0.4, 1.0)), ((13, 12, 11), (0.0, 0.4))])
def test_water_lies_to_the_right_of_a_coast(refs, side, tmp_path):
    coast = (8, list(refs), {"natural": "coastline"})
    world = World(STREET | RIVER, [(1, [1, 2], ROAD), coast])
    extract = world.read(tmp_path, BOX)
    assert extract.water["water_id"].tolist() == ["coast-0"]
    assert extract.water.geometry.iloc[0].equals(shapely.box(side[0], 0, side[1], 1))


def test_a_coast_that_ends_short_of_the_box_is_cut_there(tmp_path):
    coast = (8, [11, 12, 13], {"natural": "coastline"})
    world = World(STREET | RIVER | {13: (0.4, 0.9)}, [(1, [1, 2], ROAD), coast])
    extract = world.read(tmp_path, BOX)
    assert extract.water.geometry.iloc[0].equals(shapely.box(0.4, 0, 1, 0.9))


@pytest.mark.real
def test_the_usk_is_in_newport(shared):
    extract = read_osm(shared("newport/newport.osm.pbf"))
    barriers = extract.barriers.to_crs(32630)
    usk = barriers[barriers["name"] == "River Usk"].union_all()
    water = extract.water.to_crs(32630)
    tidal = water[water["osm_id"] == "coast"]
    assert usk.intersection(tidal.union_all()).length > 0.9 * usk.length
    homes = extract.buildings[extract.buildings["kind"] == "residential"].to_crs(32630)
    flooded = gpd.sjoin(homes.set_geometry(homes.centroid), tidal, predicate="within")
    assert len(flooded) < 5
    assert note(extract, "osm_water_assembled")[0] == 1
