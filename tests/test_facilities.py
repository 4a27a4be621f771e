"""Facilities of any kind, and committees with several service points, from file to plan."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from gridplan import pipeline
from gridplan.cli import app
from gridplan.errors import InputError
from gridplan.present.payload import payload
from gridplan.present.tabulation import bilingual_tables, heading
from gridplan.project.read import read_project
from gridplan.store import read_run
from gridplan.verify import verify_plan
from tests import tiny

STATION = "社区服务站"


def facilities(*rows):
    """Return the layer from rows of id, kind, x and y."""
    ids, kinds, xs, ys = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {"facility_id": ids, "kind": kinds},
        geometry=[tiny.point(x, y) for x, y in zip(xs, ys, strict=True)],
        crs=tiny.CRS,
    )


def planned(folder, *rows, **changes):
    frames = tiny.town() | changes
    if rows:
        frames["facilities"] = facilities(*rows)
    place, config = read_project(tiny.write(folder / "town", frames))
    return pipeline.run(place, config)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    rows = [("f1", STATION, 150, 205), ("f1", STATION, 205, 30), ("f2", "社工站", 200, 400)]
    return planned(tmp_path_factory.mktemp("facilities"), *rows)


def test_each_home_walks_to_the_nearest_point_of_each_kind(plan):
    table, demand = plan.layers["facility_walks"], plan.layers["demand"]
    assert table["demand_id"].tolist() == np.repeat(demand["demand_id"], 2).tolist()
    assert table["kind"].tolist() == [STATION, "社工站"] * len(demand)
    stations = table[table["kind"] == STATION].reset_index(drop=True)
    # Two points of one facility: homes in the south go to the one, in the north to the other.
    for home, metres in zip(demand.geometry, stations["metres"], strict=True):
        x, y = home.x - tiny.X, home.y - tiny.Y
        if x > 200:
            continue
        aside = 200 - x
        own = aside + abs(y - 30) + 5 if y < 200 else aside + (y - 320) + 120 + 50 + 5
        assert metres == pytest.approx(own)
    assert set(stations["facility_id"]) == {"f1"}


def test_service_points_are_counted_beside_facilities_in_map_and_table(plan, tmp_path):
    shown = payload(plan)["facilities"]
    assert (shown["count"], len(shown["at"])) == (2, 3)
    assert (shown["point"], shown["points"]) == ([1, 2, 1], [2, 2, 1])
    table = bilingual_tables(plan)["kinds"]
    assert table["places"].tolist() == [1, 1]
    assert table["places"].sum() == shown["count"]
    assert table["facility_points"].tolist() == [2, 1]
    assert heading(plan, "facility_points").zh == "服务点数"
    extra = planned(tmp_path, ("k2", "committee", 100, 322))
    assert payload(extra)["facilities"]["count"] == 0, "a further door of a committee"


def test_each_kind_is_a_basis_of_the_table_by_unit(plan, plain):
    table = plan.layers["access_by_unit"]
    assert table["basis"].unique().tolist() == ["committee", "room", STATION, "社工站"]
    same = plain.layers["access_by_unit"]
    kept = table[table["basis"].isin(["committee", "room"])].reset_index(drop=True)
    assert np.allclose(kept["mean_m"], same["mean_m"], equal_nan=True)
    assert len(plain.layers["facility_walks"]) == 0


def test_a_committee_is_as_near_as_its_nearest_service_point(tmp_path, plain):
    # West of the town's middle, committee k2 opens a second point beside the homes in the north.
    plan = planned(tmp_path, ("k2", "committee", 100, 322))
    before, after = (one.layers["demand"].set_index("demand_id") for one in (plain, plan))
    nearer = after["committee_m"] < before["committee_m"] - 1
    north_west = (after.geometry.y > tiny.Y + 200) & (after["committee_id"] == "k2")
    assert nearer[north_west].all()
    assert not nearer[~north_west].any()
    for _, row in after[north_west].iterrows():
        x, y = row.geometry.x - tiny.X, row.geometry.y - tiny.Y
        assert row["committee_m"] == pytest.approx(abs(y - 320) + abs(x - 100) + 2)
    assert len(plan.layers["facility_walks"]) == 0
    report = verify_plan(
        {**plan.layers, "in_facilities": plan.place.facilities}, plan.summary, contract=False
    )
    assert not report.of_rule("walk_too_short")
    walks = plan.layers["walks"]
    for row in walks.itertuples():
        assert row.geometry.length == pytest.approx(after.loc[row.demand_id, "committee_m"])


def test_they_are_stored_and_read_again(tmp_path, plan):
    rows = facilities(("f1", STATION, 20, 205), ("f1", STATION, 380, 205))
    toml = tiny.write(tmp_path / "town", tiny.town() | {"facilities": rows})
    done = CliRunner().invoke(app, ["run", str(toml), "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    stored = read_run(tmp_path / "run")
    assert stored.place.facilities["facility_id"].tolist() == ["f1", "f1"]
    assert len(stored.layers["facility_walks"]) == len(plan.layers["demand"])
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "run")])
    assert checked.exit_code == 0, checked.output


def test_a_table_with_coordinates_will_do(tmp_path):
    toml = tiny.TOML.replace(
        'layers = "town.gpkg"',
        'layers = "town.gpkg"\nfacilities = { file = "f.csv", crs = "EPSG:4549", '
        'rename = { facility_id = "编号", kind = "类型" } }',
    )
    path = tiny.write(tmp_path, toml=toml)
    (tmp_path / "f.csv").write_text(
        f"编号,类型,x,y\nf1,{STATION},593100,3483205\n", encoding="utf-8-sig"
    )
    place, _ = read_project(path)
    assert place.facilities["facility_id"].tolist() == ["f1"]
    assert place.facilities["kind"].tolist() == [STATION]


def test_row_order_of_service_points_changes_nothing(tmp_path):
    rows = [("f1", STATION, 20, 205), ("f1", STATION, 380, 205), ("f0", STATION, 90, 205)]
    places = []
    for name, order in (("a", rows), ("b", rows[::-1])):
        frames = tiny.town() | {"facilities": facilities(*order)}
        places.append(read_project(tiny.write(tmp_path / name, frames))[0].facilities)
    assert places[0].equals(places[1])


@pytest.mark.parametrize(
    ("rows", "en", "zh"),
    [
        ([("f1", None, 20, 205)], "1 of 1 rows of `facilities` has no `kind`: f1", "没有 `kind`"),
        (
            [("f1", STATION, 20, 205), ("f1", "社工站", 30, 205)],
            "1 facility has rows of different kinds: f1",
            "类型不一致：f1",
        ),
        ([("f1", "committee", 20, 205)], "without a committee of that id", "不是居委会编号"),
        ([("f1", "room", 20, 205)], "rooms to `sites`", "活动室放入 `sites`"),
        ([("r1", STATION, 20, 205)], "used for a facility and a room: r1", "同时用于设施与活动室"),
        ([("k1", STATION, 20, 205)], "rows in `facilities` of another kind: k1", "注明了其他类型"),
        ([("f1", STATION, 9000, 205)], "1 service point of a facility lies more than", "米以外"),
    ],
)
def test_a_fault_of_the_facilities_is_named(rows, en, zh, tmp_path):
    frames = tiny.town() | {"facilities": facilities(*rows)}
    with pytest.raises(InputError) as caught:
        read_project(tiny.write(tmp_path, frames))
    [fault] = caught.value.faults
    assert en in fault.en
    assert zh in fault.zh


def test_a_facility_on_an_island_is_unreachable_not_far(tmp_path):
    frames = tiny.town()
    frames["water"] = gpd.GeoDataFrame(
        {"water_id": ["w1"]},
        geometry=[tiny.box(230, 230, 310, 310).difference(tiny.box(250, 250, 290, 290))],
        crs=tiny.CRS,
    )
    island = gpd.GeoDataFrame(
        {"street_id": ["s9"], "highway": ["path"], "name": ["岛上小路"]},
        geometry=[tiny.line((255, 270), (285, 270))],
        crs=tiny.CRS,
    )
    frames["streets"] = gpd.GeoDataFrame(
        shapely_concat(frames["streets"], island), geometry="geometry", crs=tiny.CRS
    )
    plan = planned(tmp_path, ("f1", STATION, 270, 272), **frames)
    table = plan.layers["facility_walks"]
    assert table["metres"].isna().all()
    assert set(table["reason"]) == {"unreachable"}
    units = plan.layers["access_by_unit"]
    row = units[(units["basis"] == STATION) & (units["level"] == "all")].iloc[0]
    assert row["missing_unreachable"] == row["residents"] == 1000
    assert row["beyond_1000"] == 0
    ledger = plan.layers["ledger"]
    assert ledger["facility_ids"].tolist() == ["f1"]
    assert ledger["kind"].tolist() == ["bridge"]
    told = [one for one in plan.summary["caveats"] if "f1" in one["en"]]
    assert told
    assert "cut off" in told[0]["en"]


def shapely_concat(*frames):
    """Return the rows of several layers in one."""
    columns = [name for name in frames[0].columns if name != "geometry"]
    rows = {name: [one for frame in frames for one in frame[name]] for name in columns}
    shapes = [shape for frame in frames for shape in frame.geometry]
    assert all(isinstance(one, shapely.LineString) for one in shapes)
    return {**rows, "geometry": shapes}


def test_what_a_gate_costs_counts_the_service_points_of_committees(tmp_path):
    frames = tiny.town()
    lanes = gpd.GeoDataFrame(
        {"street_id": ["s4", "s5"], "highway": ["residential"] * 2, "name": ["西巷", "东巷"]},
        geometry=[
            tiny.line((60, 320), (60, 345), (150, 345)),
            tiny.line((150, 320), (150, 345)),
        ],
        crs=tiny.CRS,
    )
    estate = gpd.GeoDataFrame(
        {"estate_id": ["e1"], "name": ["西园小区"], "walled": [1]},
        geometry=[tiny.box(20, 330, 190, 390)],
        crs=tiny.CRS,
    )
    # The west home's way to the second point of its committee leads through the west lane.
    rows = [("k2", "committee", 20, 322), ("f1", STATION, 380, 205)]
    streets = pd.concat([frames["streets"], lanes], ignore_index=True)
    changes = {"streets": streets, "estates": estate}
    plan = planned(tmp_path, *rows, **changes)
    links = plan.layers["links"].set_index("link_id")
    assert links["status"].tolist() == ["assumed_open"] * 2
    gates = plan.layer("gates").set_index("gate_id")
    for link_id, link in links.iterrows():
        shut = gates.loc[[link_id]].reset_index().assign(status="closed")
        other = planned(tmp_path / str(link_id), *rows, **changes, gates=shut)
        before, after = (one.layers["demand"] for one in (plan, other))
        longer_m = after["committee_m"] - before["committee_m"]
        cost = float((longer_m * before["population"]).sum())
        assert link["cost_resident_m"] == pytest.approx(cost)
    assert links["cost_resident_m"].max() > 0
