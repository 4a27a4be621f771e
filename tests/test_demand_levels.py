"""Counts of several levels at once: every total kept, every group, whatever the row order."""

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

from gridplan.demand import DemandOptions, placement_table, spread_residents
from gridplan.errors import InputError
from gridplan.place import make_place

CRS = pyproj.CRS.from_epsg(4549)
AGES = ("age_0_59", "age_60_plus")


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def world(population, *, households=None, kinds=None, weights=None, order=None, estate=None):
    """
    Return communities a and b of 100 m by 100 m side by side, each with four homes of 100 m².

    Homes a0 and a1 stand in the estate e (b0 and b1 in f).
    """
    names = [f"{c}{i}" for c in "ab" for i in range(4)]
    boxes = [shapely.box(100 * c + 20 * i, 0, 100 * c + 20 * i + 10, 10)
             for c in range(2) for i in range(4)]  # fmt: skip
    order = list(range(8)) if order is None else order
    homes = frame(
        boxes,
        building_id=names,
        kind=kinds or ["residential"] * 8,
        floors=[2.0] * 8,
        households=pd.array(households or [None] * 8, dtype="Int64"),
    ).iloc[order]
    layers = {
        "boundary": frame([shapely.box(0, 0, 200, 100)], name=["t"]),
        "communities": frame(
            [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)],
            community_id=["a", "b"],
            name=["a", "b"],
        ),
        "committees": frame([shapely.Point(5, 50)], committee_id=["k"], name=["k"]),
        "buildings": homes,
        "estates": frame(
            [shapely.box(0, 0, 35, 20), shapely.box(100, 0, 135, 20)],
            estate_id=["e", "f"],
            households=pd.array([estate, None], dtype="Int64"),
        ),
        "streets": frame(
            [shapely.LineString([(0, 50), (200, 50)])], street_id=["s"], highway=["residential"]
        ),
    }
    if weights is not None:
        layers["weights"] = weights
    return make_place(
        name="t", crs=CRS, as_of=dt.date(2026, 6, 30), layers=layers, population=population
    )


def units(*rows, groups=()):
    names = ["level", "unit_id", "population", *groups]
    table = pd.DataFrame([row[: len(names)] for row in rows], columns=names)
    return table.astype(dict.fromkeys(names[2:], "Int64"))


def by_home(demand, column="population"):
    return dict(zip(demand["demand_id"], demand[column], strict=True))


def test_an_estate_keeps_its_count_and_the_community_the_rest():
    place = world(units(("community", "a", 100), ("community", "b", 40), ("estate", "e", 30)))
    demand = spread_residents(place)
    assert by_home(demand) == {
        "a0": 15, "a1": 15, "a2": 35, "a3": 35, "b0": 10, "b1": 10, "b2": 10, "b3": 10,
    }  # fmt: skip
    grades = by_home(demand, "grade")
    assert (grades["a0"], grades["a2"], grades["b0"]) == ("A", "B", "B")


def test_a_total_takes_what_the_estates_leave():
    demand = spread_residents(world(units(("total", "total", 100), ("estate", "e", 40))))
    assert by_home(demand)["a0"] == 20
    assert by_home(demand)["b3"] == 10
    assert by_home(demand, "grade")["b3"] == "D"


def test_estates_alone_leave_other_homes_empty():
    demand = spread_residents(world(units(("estate", "e", 3), ("estate", "f", 4))))
    assert by_home(demand) == {"a0": 2, "a1": 1, "b0": 2, "b1": 2}


def test_more_in_the_estates_than_in_the_community_is_refused():
    place = world(units(("community", "a", 20), ("community", "b", 1), ("estate", "e", 30)))
    with pytest.raises(InputError, match="inside the community a hold 30, but it has 20 only"):
        spread_residents(place)


def test_what_finds_no_home_is_a_row_of_its_unit():
    kinds = ["residential"] * 2 + ["industrial"] * 6
    place = world(
        units(("community", "a", 100), ("community", "b", 7), ("estate", "e", 30)), kinds=kinds
    )
    demand = spread_residents(place)
    lost = demand[demand["reason"] == "unplaced"]
    assert dict(zip(lost["community_id"], lost["population"], strict=True)) == {"a": 70, "b": 7}
    empty = spread_residents(
        world(units(("total", "total", 9), ("estate", "e", 4)), kinds=[None] * 8)
    )
    assert empty["demand_id"].tolist() == ["unplaced-estate-e", "unplaced-total"]
    assert empty["community_id"].tolist() == ["a", None]
    assert empty["population"].tolist() == [4, 5]


def test_a_community_says_the_ages_of_an_estate_that_only_counts_its_residents():
    table = units(
        ("community", "a", 100, 60, 40),
        ("community", "b", 10, 10, 0),
        ("estate", "e", 30, None, None),
        groups=AGES,
    )
    demand = spread_residents(world(table))
    assert (demand[list(AGES)].sum(axis=1) == demand["population"]).all()
    assert demand.groupby("community_id")[list(AGES)].sum().to_numpy().tolist() == [
        [60, 40],
        [10, 0],
    ]


def test_households_of_an_estate_fill_its_homes_by_floor_space():
    # 26 of the estate's 40 households are known at a0; a1 gets the other 14.
    place = world(units(("estate", "e", 400)), households=[26, *[None] * 7], estate=40)
    assert by_home(spread_residents(place)) == {"a0": 260, "a1": 140}


def test_households_of_the_table_come_before_those_of_the_layer():
    table = units(("total", "total", 100), ("estate", "e", None)).assign(
        households=pd.array([None, 20], dtype="Int64")
    )
    # 20 households of 2.6 are 52 residents; six other homes hold 200 m² / 35 m² each.
    demand = by_home(spread_residents(world(table, estate=1000)))
    assert demand["a0"] + demand["a1"] == round(100 * 52 / (52 + 6 * 200 / 35))


def test_occupancy_halves_a_kind():
    kinds = ["residential", "village", *[None] * 6]
    options = DemandOptions(
        home_m2=MappingProxyType({"residential": 10.0, "village": 10.0}),
        occupancy=MappingProxyType({"village": 0.5}),
    )
    demand = spread_residents(world(units(("total", "total", 30)), kinds=kinds), options=options)
    assert by_home(demand) == {"a0": 20, "a1": 10}


def test_known_households_lift_the_grade():
    known = [10, *[None] * 7]
    table = units(("community", "a", 10), ("community", "b", 10))
    grades = by_home(spread_residents(world(table, households=known)), "grade")
    assert (grades["a0"], grades["a2"]) == ("A", "B")
    total = by_home(
        spread_residents(world(units(("total", "total", 99)), households=known)), "grade"
    )
    assert (total["a0"], total["a2"]) == ("C", "D")


def test_cells_with_weights_are_relative_demand():
    cells = frame(
        [shapely.box(0, 0, 35, 50), shapely.box(40, 0, 75, 50), shapely.box(0, 60, 50, 90),
         shapely.Point(150, 90)],
        weight_id=["w1", "w2", "w3", "w4"],
        weight=[2.0, 4.0, 1.0, 3.0],
    )  # fmt: skip
    demand = spread_residents(world(units(("total", "total", 100)), weights=cells))
    # w3 holds no home, w4 is a point; the homes of b stand in no cell.
    assert by_home(demand) == {"a0": 10, "a1": 10, "a2": 20, "a3": 20, "cell-w3": 10, "cell-w4": 30}
    assert set(demand["grade"]) == {"C"}
    assert demand["geometry"].notna().all()


def test_as_given_and_as_placed():
    table = units(("community", "a", 100), ("community", "b", 40), ("estate", "e", 30)).assign(
        as_of="2025-12-31", source="台账"
    )
    kinds = ["residential"] * 2 + ["industrial"] * 4 + ["residential"] * 2
    place = world(table, kinds=kinds)
    found = placement_table(place, spread_residents(place)).set_index("unit_id")
    assert found.loc["a", ["given", "placed", "unplaced", "difference"]].tolist() == [
        100,
        30,
        70,
        0,
    ]
    assert found.loc["e", ["given", "placed", "unplaced", "difference"]].tolist() == [30, 30, 0, 0]
    assert found["grade"].to_dict() == {"a": "B", "b": "B", "e": "A"}
    assert set(found["source"]) == {"台账"}


@st.composite
def towns(draw):
    """Return the table and the homes of a town, estates within what their community has."""
    counts = st.integers(0, 400)
    rows = []
    for community, estate in (("a", "e"), ("b", "f")):
        inner = [draw(counts) for _ in AGES]
        outer = [draw(counts) for _ in AGES]
        rows.append(
            ("community", community, sum(inner) + sum(outer), *np.add(inner, outer).tolist(),
             draw(st.integers(0, sum(inner) + sum(outer))))
        )  # fmt: skip
        shape = draw(st.sampled_from(["all", "people", "none"]))
        if shape != "none":
            ages = inner if shape == "all" else [None, None]
            rows.append(("estate", estate, sum(inner), *ages, None))
    kinds = draw(
        st.lists(st.sampled_from(["residential", "village", None]), min_size=8, max_size=8)
    )
    households = draw(st.lists(st.none() | st.integers(0, 90), min_size=8, max_size=8))
    return rows, kinds, households


@given(town=towns(), order=st.permutations(range(8)))
@settings(max_examples=25)
def test_every_total_is_kept_at_every_level_in_any_order(town, order):
    rows, kinds, households = town
    figures = ("population", *AGES, "migrants")
    table = units(*rows, groups=figures[1:])
    if table["population"].sum() == 0:
        return
    place = world(table, kinds=kinds, households=households)
    demand = spread_residents(place)
    for figure in figures:
        found = placement_table(place, demand, figure=figure)
        assert (found["difference"] == 0).all(), found
        of_all = table.loc[table["level"] == "community", figure].sum()
        assert demand[figure].sum() == of_all
    assert (demand[list(AGES)].sum(axis=1) == demand["population"]).all()
    assert (demand["migrants"] <= demand["population"]).all()
    assert demand["demand_id"].is_unique
    shuffled = world(
        table.sample(frac=1, random_state=7), kinds=kinds, households=households, order=order
    )
    pd.testing.assert_frame_equal(spread_residents(shuffled), demand)


@given(st.lists(st.integers(1, 60), min_size=8, max_size=8), st.integers(1, 5000))
@settings(max_examples=20)
def test_known_households_are_respected(households, people):
    demand = spread_residents(world(units(("total", "total", people)), households=households))
    counts = demand.set_index("demand_id")["population"].reindex(
        [f"{c}{i}" for c in "ab" for i in range(4)], fill_value=0
    )
    exact = np.array(households) / sum(households) * people
    assert (np.abs(counts.to_numpy(dtype=float) - exact) < 1).all()
