"""Borders of cells as zones see them: parted by railways and motorways, along inner roads."""

from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest

import gridplan
from gridplan.steps import zone_borders
from gridplan.zones import home_households
from tests import tiny


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("borders") / "town"
    return gridplan.read_project(tiny.write(folder, tiny.town()))[0]


@pytest.fixture(scope="module")
def cells():
    corners = [(x, y) for x in range(0, 400, 100) for y in (0, 200)]
    shapes = [tiny.box(x, y, x + 100, y + 200) for x, y in corners]
    frame = pd.DataFrame({"cell_uid": [f"c{at:02}" for at in range(len(shapes))]})
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=tiny.CRS)


def test_railways_motorways_and_fenced_trunks_part_unless_raised(place, cells):
    """Along the street from north to south; those from west to east are crossings."""
    along = place.streets[place.streets["street_id"] == "s2"]

    def borders(streets, kind=None):
        line = tiny.line((200, -100), (200, 500))
        frame = pd.DataFrame({"barrier_id": ["x"], "kind": [kind or "wall"], "name": [None]})
        barriers = gpd.GeoDataFrame(frame, geometry=[line], crs=place.crs)
        own = replace(place, streets=streets, barriers=barriers)
        return int(zone_borders.parted(own, cells, reach_m=0.0).sum())

    parted = borders(along.iloc[:0], "rail")
    assert parted > 0
    assert borders(place.streets, "rail") == 0
    assert borders(place.streets, "hard_border") == parted
    for tags in ({"highway": "motorway"}, {"highway": "trunk", "foot": "no"}):
        assert borders(along.assign(**tags)) == parted
    for tags in ({"highway": "trunk"}, {"highway": "motorway", "bridge": True}):
        assert borders(along.assign(**tags)) == 0
    assert borders(along.assign(highway="trunk"), "guard_rail") == parted


def test_borders_tell_what_splits_estates_along_their_service_ways(place, cells):
    """What is a border of cells on a service way, or on a street in an estate, is told so."""
    footpath, service = (place.streets.assign(highway=one) for one in ("footway", "service"))
    bare, none = (replace(place, streets=one) for one in (place.streets, footpath))
    assert (
        zone_borders.inner_roads(none, cells).max()
        == zone_borders.inner_roads(bare, cells).max()
        == 0
    )
    town = place.estates.iloc[:0].reindex([0]).set_geometry([tiny.box(0, 0, 400, 400)])
    town = town.set_crs(tiny.CRS)
    along = [replace(place, streets=service), replace(place, estates=town)]
    shares = [zone_borders.inner_roads(one, cells) for one in along]
    assert shares[0].max() > 0.9
    assert shares[0].tolist() == pytest.approx(shares[1].tolist())


def test_homes_without_a_count_of_households_have_one_by_their_residents():
    homes = pd.DataFrame({"demand_id": ["a", "b", "c"], "population": [30, 26, pd.NA]})
    buildings = pd.DataFrame({"building_id": ["a", "b"], "households": [12, None]})
    assert home_households(homes, buildings, persons_per_household=2.6).tolist() == [12, 10, 0]
