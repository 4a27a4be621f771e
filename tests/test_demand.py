"""Residents in whole numbers that keep every total."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.demand import (
    DemandOptions,
    HomeCheck,
    check_place_homes,
    doors,
    first_containing,
    largest_remainder,
    spread_groups,
    spread_residents,
)
from gridplan.errors import InputError
from gridplan.place import make_place

CRS = pyproj.CRS.from_epsg(4549)


def place(population, *, households=(None, None, None), kinds=("residential",) * 3):
    """Return two communities side by side: two homes in the first, one in the second."""
    boxes = [shapely.box(0, 0, 10, 10), shapely.box(20, 0, 40, 10), shapely.box(120, 0, 130, 10)]
    frames = {
        "boundary": gpd.GeoDataFrame({"name": ["t"]}, geometry=[shapely.box(0, 0, 200, 100)]),
        "communities": gpd.GeoDataFrame(
            {"community_id": ["a", "b"], "name": ["a", "b"]},
            geometry=[shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)],
        ),
        "committees": gpd.GeoDataFrame(
            {"committee_id": ["k"], "name": ["k"]}, geometry=[shapely.Point(5, 50)]
        ),
        "buildings": gpd.GeoDataFrame(
            {
                "building_id": ["1", "2", "3"],
                "kind": list(kinds),
                "floors": [2, 2, 2],
                "households": pd.array(households, dtype="Int64"),
            },
            geometry=boxes,
        ),
        "streets": gpd.GeoDataFrame(
            {"street_id": ["s"], "highway": ["residential"]},
            geometry=[shapely.LineString([(0, 50), (200, 50)])],
        ),
    }
    return make_place(
        name="t",
        crs=CRS,
        as_of=dt.date(2026, 6, 30),
        layers={name: frame.set_crs(CRS) for name, frame in frames.items()},
        population=population,
    )


def by_community(a, b, **groups):
    counts = {"population": pd.array([a, b], dtype="Int64")}
    counts |= {name: pd.array(values, dtype="Int64") for name, values in groups.items()}
    return pd.DataFrame({"level": "community", "unit_id": ["a", "b"], **counts})


def total(number):
    return pd.DataFrame({"level": ["total"], "unit_id": ["total"], "population": [number]})


def test_total_goes_by_floor_space():
    # Footprints 100, 200, 100 m²: a quarter, a half, a quarter.
    demand = spread_residents(place(total(100)))
    assert dict(zip(demand["demand_id"], demand["population"], strict=True)) == {
        "1": 25,
        "2": 50,
        "3": 25,
    }


def test_known_households_override_floor_space():
    demand = spread_residents(place(total(100), households=(30, 10, 10)))
    assert demand["population"].tolist() == [60, 20, 20]


def test_communities_keep_their_totals():
    demand = spread_residents(place(by_community(31, 7)))
    assert demand.groupby("community_id")["population"].sum().to_dict() == {"a": 31, "b": 7}


def test_residents_without_homes_are_a_row_of_their_own():
    homes = place(by_community(31, 7), kinds=("residential", "residential", "industrial"))
    demand = spread_residents(homes)
    lost = demand[demand["reason"] == "unplaced"]
    assert lost["population"].tolist() == [7]
    assert lost["community_id"].tolist() == ["b"]
    assert lost.geometry.isna().all()
    assert demand["population"].sum() == 38


def test_groups_keep_both_margins():
    table = by_community(31, 7, young=[10, 3], old=[21, 4])
    demand = spread_residents(place(table))
    assert (demand["young"] + demand["old"] == demand["population"]).all()
    sums = demand.groupby("community_id")[["young", "old"]].sum()
    assert sums.loc["a"].tolist() == [10, 21]
    assert sums.loc["b"].tolist() == [3, 4]


def test_group_that_is_no_partition_still_sums():
    demand = spread_residents(place(by_community(31, 7, vulnerable=[5, 1])))
    assert demand.groupby("community_id")["vulnerable"].sum().to_dict() == {"a": 5, "b": 1}


def test_nobody_at_all_is_refused():
    with pytest.raises(InputError, match="holds no residents"):
        spread_residents(place(total(0)))


def test_resettlement_estates_are_denser():
    options = DemandOptions()
    assert options.home_m2["resettlement"] < options.home_m2["residential"]


def test_a_door_of_an_angled_building_lies_on_it():
    world = place(total(10))
    angle = shapely.box(0, 0, 50, 50).difference(shapely.box(5, 5, 50, 50))
    world.buildings.loc[0, "geometry"] = angle
    door = doors(world).set_index("building_id").geometry["1"]
    assert angle.covers(door)


def test_a_point_on_a_shared_line_goes_to_the_first_area():
    world = place(total(10))
    points = np.array([shapely.Point(100, 50), shapely.Point(500, 500)], dtype=object)
    assert first_containing(points, world.communities, "community_id").tolist() == ["a", None]


def check(world, options=None):
    return check_place_homes(
        doors(world), world.estates, world.population, options=options or DemandOptions()
    )


def test_a_place_of_homes_passes():
    assert check(place(total(10))) == HomeCheck((), ())


def test_buildings_of_a_known_other_kind_are_silent():
    world = place(total(10), kinds=("residential", "school", "厂房"))
    assert check(world) == HomeCheck((), ())


def test_buildings_of_unknown_kinds_are_counted_by_kind():
    world = place(total(10), kinds=("residential", "住宅", None))
    note = check(world).notes[0]
    assert (note.code, note.count) == ("kinds_unknown", 2)
    assert "(no kind) 1, 住宅 1" in note.message.en
    assert '[demand].home_m2 = { "住宅" = 35 }' in note.message.en


def test_what_the_land_does_not_tell_is_unknown():
    world = place(total(10), kinds=("residential", "other", "other"))
    world.buildings["kind_from"] = ["tag", "tag", "landuse"]
    assert check(world).notes[0].ids == ("unknown",)


def test_a_place_without_housing_is_refused_with_the_kinds_found():
    found = check(place(total(10), kinds=("住宅", "住宅", "厂房")))
    assert len(found.faults) == 1
    assert "None of the 3 buildings is housing" in found.faults[0].en
    assert "住宅 2, 厂房 1" in found.faults[0].en
    assert 'home_m2 = { "住宅" = 35 }' in found.faults[0].en


def test_known_households_make_a_building_housing():
    world = place(total(10), kinds=("住宅", "住宅", "厂房"), households=(9, None, None))
    assert check(world).faults == ()


def test_a_kind_of_the_settings_is_housing():
    options = DemandOptions(home_m2=MappingProxyType({"住宅": 30.0}))
    assert check(place(total(10), kinds=("住宅",) * 3), options) == HomeCheck((), ())


@pytest.mark.parametrize(
    ("floors", "message"),
    [(0, "1 of 3 buildings have 0 storeys"), (200, "more than 100 storeys: 2 = 200")],
)
def test_storeys_that_cannot_be_are_refused(floors, message):
    world = place(total(10))
    world.buildings.loc[1, "floors"] = floors
    found = check(world)
    assert len(found.faults) == 1
    assert message in found.faults[0].en


def test_communities_of_homes_or_residents_alone_are_noted():
    empty = check(place(by_community(10, 0)))
    assert [(note.code, note.ids) for note in empty.notes] == [("homes_without_residents", ("b",))]
    homeless = place(by_community(10, 5), kinds=("residential", "residential", "industrial"))
    assert [note.ids for note in check(homeless).notes] == [("b",)]
    assert check(homeless).notes[0].code == "residents_without_homes"


@given(
    weights=st.lists(st.floats(0.01, 1e6), min_size=1, max_size=40),
    people=st.integers(0, 100_000),
)
@settings(max_examples=60, deadline=None)
def test_largest_remainder_sums_and_keeps_the_quota(weights, people):
    array = np.array(weights)
    whole = largest_remainder(array, people)
    assert whole.sum() == people
    assert (np.abs(whole - array / array.sum() * people) < 1 + 1e-6).all()


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_spread_groups_keeps_both_margins(rows):
    table = np.array(rows, dtype=np.int64)
    shares = spread_groups(table.sum(axis=1), table.sum(axis=0))
    assert (shares >= 0).all()
    assert (shares.sum(axis=1) == table.sum(axis=1)).all()
    assert (shares.sum(axis=0) == table.sum(axis=0)).all()
