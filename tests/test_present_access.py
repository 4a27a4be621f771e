"""Walks in depth as the report and the workbook tell them: who has none stands apart everywhere."""

from __future__ import annotations

import dataclasses
import io

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from gridplan import pipeline
from gridplan.present import report_html, tables_access, tabulation
from gridplan.present.report import table_view
from gridplan.present.tabulation import bilingual_tables, heading
from gridplan.present.words import TOTAL
from gridplan.present.workbook import tables_xlsx
from gridplan.project.read import read_project
from tests import tiny

ISLANDERS = "b9"


def island_town():
    """Return the town with a canal round one of its homes, and a street of its own there."""
    frames = tiny.town()
    frames["water"] = gpd.GeoDataFrame(
        {"water_id": ["w1"]},
        geometry=[tiny.box(225, 225, 315, 305).difference(tiny.box(235, 235, 305, 295))],
        crs=tiny.CRS,
    )
    homes = frames["buildings"].drop(columns="households")
    homes["kind"] = ["residential", "residential", "village", "residential", "village", "village"]
    home = {
        "building_id": ISLANDERS, "kind": "village", "floors": 2,
        "geometry": tiny.box(250, 260, 270, 275),
    }  # fmt: skip
    street = {
        "street_id": "s9", "highway": "path", "name": None,
        "geometry": tiny.line((240, 250), (300, 250)),
    }  # fmt: skip
    frames["buildings"] = appended(homes, home)
    frames["streets"] = appended(frames["streets"], street)
    frames["facilities"] = gpd.GeoDataFrame(
        {"facility_id": ["f1", "f2"], "kind": ["社工站", "社工站"], "name": ["甲站", "乙站"]},
        geometry=[tiny.point(150, 205), tiny.point(280, 252)],
        crs=tiny.CRS,
    )
    return frames


def appended(frame, row):
    return gpd.GeoDataFrame(
        pd.concat([frame, gpd.GeoDataFrame([row], crs=frame.crs)], ignore_index=True),
        crs=frame.crs,
    )


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("island")
    place, config = read_project(tiny.write(folder, island_town()))
    return pipeline.run(place, config)


@pytest.fixture(scope="module")
def made(plan):
    return bilingual_tables(plan)


@pytest.fixture(scope="module")
def islanders(plan):
    demand = plan.layers["demand"]
    return int(demand.loc[demand["demand_id"] == ISLANDERS, "population"].sum())


def test_farthest_walks_end_with_those_who_have_none(plan, made, islanders):
    table = made["farthest"]
    walks = plan.layers["walks"]
    assert table["walk_m"].dropna().tolist() == walks["walk_m"].tolist()
    last = table.iloc[-1]
    assert last["place"].en == "no walking route"
    assert last["population"] == islanders > 0
    assert pd.isna(last["walk_m"])
    assert table["cause"].iloc[0].zh == walks["why"].iloc[0]


def test_cut_off_pieces_tell_who_and_what_would_join_them(made, islanders):
    table = made["pieces"]
    assert table["population"].tolist() == [islanders, islanders]
    assert table["component"].iloc[-1] == TOTAL
    row = table.iloc[0]
    assert row["facility_ids"] == "f2"
    assert (row["between"].en, row["link"].zh) == ("water", "桥梁")
    assert row["to_main_m"] > 0


def test_equity_stands_beside_both_kinds_of_share(plan, made, islanders):
    table = made["equity"]
    assert table["gini"].tolist() == [
        plan.summary[key]["gini"] for key in ("access", "access_after")
    ]
    for norm in ("300", "500", "1000"):
        assert (table[f"line_{norm}_share"] >= table[f"within_{norm}_share"]).all()
    assert table["missing_unreachable"].tolist() == [islanders, islanders]


def test_minutes_and_kinds_count_who_has_no_walk(plan, made, islanders):
    minutes = made["minutes"]
    assert [one.zh for one in minutes["group"]] == ["成年人", "老年人", "轮椅使用者"]
    assert minutes["missing_unreachable"].tolist() == [islanders] * 3
    kinds = made["kinds"]
    assert kinds["places"].tolist() == [2]
    # The island has a station of its own: all who are placed reach one.
    assert "missing_unreachable" not in kinds
    share = plan.layers["access_by_unit"]
    whole = share[(share["basis"] == "社工站") & (share["level"] == "all")].iloc[0]
    assert kinds["within_500_share"].iloc[0] == whole["within_500_share"]


def test_as_given_and_sensitivity_have_a_row_for_each_unit(made):
    placement = made["placement"]
    assert (placement["difference"] == 0).all()
    assert {one.zh for one in placement["counted"]} >= {"户籍人口", "60 岁及以上"}
    table = made["sensitivity"]
    assert table["of_unit"].tolist() == ["东园社区", "西园社区", TOTAL]
    assert (table["low_m"] <= table["base_m"]).all()
    assert (table["base_m"] <= table["high_m"]).all()
    assert table["driver_m"].iloc[-1].zh.endswith("30%")


@pytest.mark.parametrize(
    ("driver", "en", "zh"),
    [
        ("village -30%", "village in town −30 %", "−30%"),
        ("floors +30%", "storeys assumed +30 %", "默认层数 +30%"),
        ("persons_per_household -30%", "residents per household −30 %", "户均人口 −30%"),
    ],
)
def test_drivers_are_told_in_words(driver, en, zh):
    told = tables_access.driver_words(driver)
    assert en in told.en
    assert zh in told.zh
    assert tables_access.driver_words(None) is None


def test_why_nothing_moves_is_said(plan):
    told = tables_access.sensitivity_line(plan)
    whole = plan.summary["residents"]
    assert f" of {whole:,} residents live where the households are known" in told.en
    assert "all spreads are 0" not in told.en
    still = plan.layers["sensitivity"].assign(spread=0.0)
    homes = plan.place.buildings.assign(households=10)
    layers = {**plan.layers, "sensitivity": still}
    place = dataclasses.replace(plan.place, buildings=homes)
    told = tables_access.sensitivity_line(dataclasses.replace(plan, layers=layers, place=place))
    placed = plan.summary["residents_placed"]
    assert f"all spreads are 0. {placed:,} of {whole:,} residents live" in told.en
    assert "变动范围均为 0" in told.zh
    bare = {name: one for name, one in plan.layers.items() if name != "sensitivity"}
    assert tables_access.sensitivity_line(dataclasses.replace(plan, layers=bare)) is None


def test_capacity_that_is_not_known_is_said(plan):
    told = tables_access.unknown_capacity(plan)
    assert told.en.startswith("The capacity of 2 of ")  # the two stations have no floor space
    assert "容量不明" in told.zh
    one = plan.layers["catchments"].query("reason.notna()").iloc[:1]
    single = dataclasses.replace(plan, layers={**plan.layers, "catchments": one})
    told = tables_access.unknown_capacity(single)
    assert told.en.startswith("The capacity of 1 of 1 facility is not known")


def test_every_column_has_a_heading_in_both_languages(plan, made):
    for name, table in made.items():
        for column in table.columns:
            found = heading(plan, str(column))
            assert found.zh != column or found.en == "name", (name, column)


def test_report_and_workbook_show_them(plan, made):
    page = report_html(plan)
    shown = ("equity", "minutes", "kinds", "farthest", "pieces", "capacity", "placement")
    for name in (*shown, "sensitivity"):
        assert f'id="table-{name}"' in page, name
    for name in ("pieces", "capacity", "placement"):
        assert f'<details class="more" id="more-{name}"><summary>' in page
    book = openpyxl.load_workbook(io.BytesIO(tables_xlsx(plan)))
    titles = [f"{one.zh} {one.en}" for key, one in tabulation.TITLES.items() if key in made]
    assert book.sheetnames[1:] == titles
    assert all(len(one) <= 31 for one in book.sheetnames)
    assert table_view(plan, "pieces", made["pieces"]).foot is not None


def test_an_older_plan_without_these_tables_is_still_shown(plan):
    new = {
        "service_areas", "catchments", "catchment_scores", "placement", "sensitivity",
        "facility_walks", "walks", "ledger", "access_by_unit",
    }  # fmt: skip
    kept = {name: layer for name, layer in plan.layers.items() if name not in new}
    older = type(plan)(plan.place, kept, plan.summary, plan.settings)
    page = report_html(older)
    assert 'id="table-equity"' in page
    assert 'id="table-farthest"' not in page
