"""Service areas, shared capacity, as given and as placed, and how far figures move."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridplan import pipeline
from gridplan.access import Served, catchment_tables
from gridplan.config import parse_config
from gridplan.errors import SettingsError
from gridplan.project.read import read_project
from tests import tiny

OPEN_HOMES = """
[place]
name = "小镇"
crs = "EPSG:4549"
as_of = 2026-06-30
layers = "town.gpkg"
population = 1000

[zones]
k = 2

[siting]
p = 1
"""


def mixed_town():
    """Return the town with homes of two kinds and no known households."""
    frames = tiny.town()
    homes = frames["buildings"].drop(columns="households")
    homes["kind"] = ["residential", "residential", "village", "residential", "village", "village"]
    return frames | {"buildings": homes}


def planned(folder, frames=None, toml=tiny.TOML):
    place, config = read_project(tiny.write(folder, frames, toml=toml))
    return pipeline.run(place, config)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("services"))


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("moved"), mixed_town(), OPEN_HOMES)


def test_every_open_facility_has_a_service_area(plan):
    areas, rooms = plan.layers["service_areas"], plan.layers["rooms"]
    assert sorted(areas["facility_id"]) == sorted(rooms["site_id"])
    assert set(areas["norm_m"]) == {500.0}
    assert np.allclose(areas.geometry.area, areas["area_m2"])
    assert areas.geometry.is_valid.all()
    demand = plan.layers["demand"]
    for row in areas[areas["kind"] == "committee"].itertuples():
        nearest = demand["nearest_committee_id"] == row.facility_id
        within = nearest & (demand["nearest_committee_m"] <= row.norm_m)
        assert row.residents >= demand.loc[within, "population"].sum()


def test_the_norms_of_the_areas_are_a_setting(tmp_path):
    toml = tiny.TOML + '\n[access]\narea_norms = ["walk_5min_m", "walk_10min_m"]\n'
    areas = planned(tmp_path, toml=toml).layers["service_areas"]
    for _, rows in areas.groupby("facility_id"):
        assert rows["norm_m"].tolist() == [300.0, 500.0]
        near, far = rows.geometry
        assert far.buffer(0.001).covers(near)
        assert rows["residents"].is_monotonic_increasing


def test_an_area_stops_at_the_canal(tmp_path):
    frames = tiny.town()
    frames["water"] = gpd.GeoDataFrame(
        {"water_id": ["w1"]}, geometry=[tiny.box(-60, 205, 460, 215)], crs=tiny.CRS
    )
    areas = planned(tmp_path, frames).layers["service_areas"]
    own = areas[areas["facility_id"] == "k2"].geometry.iloc[0]
    assert own.intersection(frames["water"].geometry[0]).area == 0
    # North of the canal there is land within 30 m of the street y = 200, but not of its walk.
    assert not own.intersects(tiny.box(20, 217, 160, 228))
    assert own.intersects(tiny.box(20, 172, 160, 190))


def test_unknown_norms_are_refused():
    place = {"name": "x", "as_of": "2026-06-30", "population": 10}
    for key, value in (("area_norms", ["walk_7min_m"]), ("catchment_norm", "workers_per_10000")):
        with pytest.raises(SettingsError) as caught:
            parse_config({"place": place, "access": {key: value}})
        assert "name no distance among the norms" in caught.value.faults[0].en
        assert "不存在的距离规范" in caught.value.faults[0].zh


def test_shared_capacity_is_the_capacity_that_is_reached(plan):
    table, scores = plan.layers["catchments"], plan.layers["catchment_scores"]
    assert set(table["kind"]) == {"committee", "room"}
    assert dict(zip(table["kind"], table["unit"], strict=True)) == {
        "committee": "staff", "room": "m2"
    }  # fmt: skip
    for kind, rows in table.groupby("kind"):
        own = scores[scores["kind"] == kind]
        whole = own[own["community_id"] == "all"]
        offered = rows.loc[rows["residents"] > 0, "capacity"].sum()
        assert (whole["residents"] * whole["per_1000"] / 1000).sum() == pytest.approx(offered)
        parts = own[own["community_id"] != "all"]
        assert parts["residents"].sum() == whole["residents"].iloc[0] == 1000
        assert parts["without"].sum() == whole["without"].iloc[0]


def test_a_capacity_nobody_knows_is_said_and_shares_nothing():
    demand = pd.DataFrame({"population": [10, 30], "community_id": ["a", None]})
    walks = np.array([100.0, np.inf])
    served = [
        Served("k1", "committee", (0,), walks, 4.0),
        Served("k2", "committee", (1,), np.array([600.0, 200.0])),
        Served("r1", "room", (2,), walks),
    ]
    table, scores = catchment_tables(served, demand, catchment_m=500)
    assert table["reason"].tolist() == [None, "capacity_not_known", "capacity_not_known"]
    assert table["residents"].tolist() == [10, 30, 10]
    assert table["per_1000"].tolist()[0] == 400.0
    # No scores of rooms, of which no capacity is known.
    assert scores["kind"].unique().tolist() == ["committee"]
    assert scores["community_id"].tolist() == ["a", None, "all"]
    assert scores["per_1000"].tolist() == [400.0, 0.0, 100.0]
    assert scores["without"].tolist() == [0, 30, 30]


def test_an_area_of_a_facility_off_every_street_is_empty_not_left_out(tmp_path):
    frames = tiny.town()
    frames["streets"] = frames["streets"].iloc[:2]
    toml = tiny.TOML + "\n[network]\nmax_leg_m = 120\n"
    frames["sites"].loc[0, "geometry"] = tiny.point(395, 390)
    areas = planned(tmp_path, frames, toml).layers["service_areas"]
    row = areas[areas["facility_id"] == "r1"].iloc[0]
    assert row["area_m2"] == 0
    assert row["residents"] == 0
    assert row.geometry is None


def test_as_given_is_as_placed(plan):
    table = plan.layers["placement"]
    assert (table["difference"] == 0).all()
    assert (table["unplaced"] == 0).all()
    assert set(table["figure"]) == {
        "population", "population_register", "age_0_14", "age_15_59", "age_60_plus"
    }  # fmt: skip
    assert table.groupby("figure")["given"].sum().to_dict() == {
        "population": 1000, "population_register": 400, "age_0_14": 150, "age_15_59": 730,
        "age_60_plus": 120,
    }  # fmt: skip
    assert set(table["as_of"]) == {"2026-06-30"}
    assert table["unit_id"].is_monotonic_increasing


def test_where_no_figure_matters_nothing_moves(plan):
    table = plan.layers["sensitivity"]
    assert (table["low"] == table["high"]).all()
    assert table["driver"].isna().all()


def test_the_range_is_what_a_run_with_the_figure_moved_gives(tmp_path, moved):
    """The walks are not measured again; a whole run with other settings measures them again."""
    table = moved.layers["sensitivity"].set_index(["level", "unit_id", "figure"])
    means, residents = [], []
    for number, (kind, figure) in enumerate(
        [("residential", 35 * 0.7), ("residential", 35 * 1.3), ("village", 7), ("village", 13)]
    ):
        toml = OPEN_HOMES + f"\n[demand]\nhome_m2 = {{ {kind} = {figure} }}\n"
        again = planned(tmp_path / str(number), mixed_town(), toml)
        means.append(again.summary["access"]["mean_m"])
        people = again.layers["communities"].set_index("community_id")["population"]
        residents.append(people["999901001001"])
    base = moved.summary["access"]["mean_m"]
    row = table.loc[("all", "all", "committee_m")]
    assert row["base"] == pytest.approx(base)
    assert row["low"] == pytest.approx(min(*means, base))
    assert row["high"] == pytest.approx(max(*means, base))
    assert row["spread"] > 1
    own = table.loc[("community", "999901001001", "residents")]
    assert own["low"] == min(residents)
    assert own["high"] == max(residents)
    assert own["driver"].split()[0] in {"residential", "village"}
    assert table.loc[("all", "all", "residents"), "spread"] == 0


def test_service_areas_join_the_points_of_one_facility(tmp_path):
    frames = tiny.town()
    frames["facilities"] = gpd.GeoDataFrame(
        {"facility_id": ["k1"], "kind": ["committee"]}, geometry=[tiny.point(205, 30)], crs=tiny.CRS
    )
    toml = tiny.TOML + '\n[access]\narea_norms = ["walk_5min_m"]\n'
    areas = planned(tmp_path, frames, toml).layers["service_areas"].set_index("facility_id")
    for x, y in ((300, 205), (205, 30)):
        assert areas.geometry["k1"].intersects(shapely.Point(tiny.X + x, tiny.Y + y))
