"""The mix of measures in a whole run: settings, tables, notes, report."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import jsonschema
import pandas as pd
import pytest
from typer.testing import CliRunner

from gridplan import pipeline
from gridplan.cli import app
from gridplan.config import parse_config
from gridplan.errors import InputError, SettingsError
from gridplan.present import mix_sentence, report_html
from gridplan.present.payload import payload
from gridplan.present.tabulation import tables
from gridplan.project.read import read_project
from gridplan.verify import verify_plan
from tests import tiny

PLACE = {"name": "A", "as_of": "2026-01-31", "population": 5}


def town():
    """The tiny town with a walled estate: a gate to the east, and a lane that ends at its wall."""
    frames = tiny.town()
    frames["estates"] = gpd.GeoDataFrame(
        {"estate_id": ["e1"], "name": ["东苑"], "kind": ["commodity"], "walled": [True]},
        geometry=[tiny.box(300, 10, 395, 120)],
        crs=tiny.CRS,
    )
    frames["gates"] = gpd.GeoDataFrame(
        {"gate_id": ["g1"], "estate_id": ["e1"]}, geometry=[tiny.point(395, 60)], crs=tiny.CRS
    )
    lanes = gpd.GeoDataFrame(
        {"street_id": ["s4", "s5"], "highway": ["residential"] * 2, "name": ["南巷", "东巷"]},
        geometry=[tiny.line((310, 200), (310, 122)), tiny.line((398, 200), (398, 52))],
        crs=tiny.CRS,
    )
    frames["streets"] = pd.concat([frames["streets"], lanes], ignore_index=True)
    return frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.write(tmp_path_factory.mktemp("measures") / "town", town())


def planned(path, *overrides):
    return pipeline.run(*read_project(path, overrides=list(overrides)))


@pytest.fixture(scope="module")
def plan(folder):
    return planned(folder, "measures.gate_cost=50000", "siting.budget=120000")


def test_a_gate_and_a_room_compete_for_one_budget(plan):
    measures = plan.layers["measures"].set_index("measure_id")
    plans = plan.layers["measure_plans"].set_index("plan")
    assert list(plans.index) == ["today", "rooms_alone", "mix"]
    gate = measures[measures["kind"] == "gate"].iloc[0]
    assert gate["estate_id"] == "e1"
    assert gate["cost"] == 50_000
    assert gate["alone_walk"] > 0
    mix, rooms = plans.loc["mix"], plans.loc["rooms_alone"]
    assert mix["status"] == rooms["status"] == "proven"
    assert mix["objective"] <= rooms["objective"] <= plans.loc["today", "objective"]
    assert mix["cost"] <= 120_000
    chosen = measures[measures["in_plan"]]
    assert mix["cost"] == chosen["cost"].sum()
    assert sorted(chosen.index) == mix["measures"].split()
    assert not verify_plan(plan.layers, plan.summary).findings


def test_what_the_measures_save_alone_adds_up_where_there_is_one(folder):
    plan = planned(folder, "measures.gate_cost=50000", "measures.budget=60000")
    plans = plan.layers["measure_plans"].set_index("plan")
    measures = plan.layers["measures"]
    assert plans.loc["mix", "rooms_new"] == 0
    assert plans.loc["mix", "links"] == 1
    saved = plans.loc["today", "objective"] - plans.loc["mix", "objective"]
    assert measures["alone_walk"].iloc[0] == pytest.approx(saved)
    assert measures["last_walk"].iloc[0] == pytest.approx(saved)
    # By the lane, 300 residents of the estate; by hand some 130 m each.
    assert measures["residents"].iloc[0] == 300
    assert 100 * 300 < saved < 160 * 300
    # Answer C does not follow the mix: it is a table beside it.
    assert plan.summary["siting"]["budget"] is None


def test_a_wall_may_be_opened_where_a_street_passes(folder):
    plan = planned(
        folder, "measures.new_gate_cost=20000", "measures.new_gates_apart_m=30",
        "measures.budget=30000",
    )  # fmt: skip
    measures = plan.layers["measures"]
    new = measures[measures["kind"] == "new_gate"]
    assert len(new) >= 1
    assert new["estate_id"].eq("e1").all()
    # The gate that is proposed has no cost here, and says so.
    assert measures[measures["kind"] == "gate"]["reason"].tolist() == ["no_cost"]


def test_a_gate_that_is_closed_may_be_opened(tmp_path):
    frames = town()
    closed = gpd.GeoDataFrame(
        {"gate_id": ["g2"], "estate_id": ["e1"], "status": ["closed"]},
        geometry=[tiny.point(310, 120)],
        crs=tiny.CRS,
    )
    frames["gates"] = pd.concat([frames["gates"], closed], ignore_index=True)
    path = tiny.write(tmp_path / "town", frames)
    plan = planned(path, "measures.gate_cost=50000", "measures.budget=60000")
    measures = plan.layers["measures"].set_index("measure_id")
    assert measures.loc["g2", "in_plan"]
    assert measures.loc["g2", "residents"] == 300


def test_without_costs_nothing_is_compared(folder):
    plan = planned(folder, "siting.budget=120000")
    assert "measures" not in plan.layers
    assert "measure_plans" not in plan.layers


def test_costs_without_a_budget_and_links_without_a_cost_are_told(folder):
    plan = planned(folder, "measures.gate_cost=50000")
    assert any("[measures] has costs" in one["en"] for one in plan.summary["caveats"])
    other = planned(folder, "measures.bridge_cost_per_m=50", "measures.budget=120000")
    told = [one["en"] for one in other.summary["caveats"] if "among the measures" in one["en"]]
    assert "1 gate or bridge is not considered" in told[0]
    out = other.layers["measures"]
    assert out[out["kind"] == "gate"]["reason"].tolist() == ["no_cost"]


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["measures.gate_cost=500000"], "over_budget"),
        (["measures.gate_cost=60000", "measures.most_links=0"], "beyond_limit"),
    ],
)
def test_a_link_that_stays_out_says_why(folder, overrides, reason):
    plan = planned(folder, "siting.budget=120000", *overrides)
    measures = plan.layers["measures"]
    gates = measures[measures["kind"] == "gate"]
    assert gates["reason"].tolist() == [reason]
    assert gates["alone_walk"].iloc[0] > 0
    assert not gates["in_plan"].any()
    mix = plan.layers["measure_plans"].set_index("plan").loc["mix"]
    # The bound allows for what was not tried in all combinations, too.
    assert mix["status"] == "proven"
    told = [one["en"] for one in plan.summary["caveats"] if "not tried in all" in one["en"]]
    assert len(told) == (reason == "beyond_limit")


def test_a_link_that_was_not_tried_in_all_combinations_is_taken_where_it_helps(folder):
    overrides = ("siting.budget=120000", "measures.gate_cost=5")
    few = planned(folder, *overrides, "measures.most_links=0")
    every = planned(folder, *overrides)
    for layer in ("measures", "measure_plans"):
        pd.testing.assert_frame_equal(few.layers[layer], every.layers[layer])
    gates = few.layers["measures"][few.layers["measures"]["kind"] == "gate"]
    assert gates["in_plan"].all()
    assert not [one for one in few.summary["caveats"] if "not tried in all" in one["en"]]
    assert not verify_plan(few.layers, few.summary).findings


def test_a_service_point_takes_the_place_of_a_dearer_room(folder):
    plan = planned(
        folder, "measures.service_point_cost=30000", 'measures.service_points=["r3"]',
        "measures.budget=130000",
    )  # fmt: skip
    measures = plan.layers["measures"].set_index("measure_id")
    assert measures.loc["r3", "kind"] == "service_point"
    assert measures.loc["r3", "cost"] == 30_000
    plans = plan.layers["measure_plans"].set_index("plan")
    assert plans.loc["mix", "objective"] < plans.loc["rooms_alone", "objective"]
    # The sentence and the table count alike: a service point is no room.
    table = tables(plan)["measure_plans"].iloc[-1]
    rooms, points = int(table["rooms_new"]), int(table["service_points"])
    assert (rooms, points) == (plans.loc["mix", "rooms_new"], 1)
    assert plans["service_points"].tolist() == [0, 0, 1]
    said = mix_sentence(plan)
    assert "1 service point" in said.en
    assert (f"{rooms} new room" in said.en) == (rooms > 0)


def test_the_numbers_of_rooms_by_community_bind_the_mix_too(folder):
    asked = ("measures.gate_cost=50000", "measures.budget=300000", "siting.p=1")
    layers = planned(folder, *asked).layers
    free = {name: layers[name] for name in ("measures", "measure_plans")}
    mix = free["measure_plans"].set_index("plan").loc["mix"]
    taken = set(mix["measures"].split()) & {"r2", "r3"}
    assert taken
    # r3 lies in the west, r1 too and is open; r2 in the east.
    most = {"r2": ("999901001001", 0), "r3": ("999901001002", 1)}
    barred = ", ".join('"{}"={}'.format(*most[one]) for one in sorted(taken))
    plan = planned(folder, *asked, f"siting.at_most={{{barred}}}")
    plans = plan.layers["measure_plans"].set_index("plan")
    for name in ("rooms_alone", "mix"):
        assert not taken & set(plans.loc[name, "measures"].split())
    assert not verify_plan(plan.layers, plan.summary).findings
    # The tables of the free mix are not those of a plan that keeps the numbers.
    found = verify_plan(plan.layers | free, plan.summary).findings
    assert [one.rule for one in found] == ["siting_group"]


def test_weights_of_groups_are_in_the_mix_as_in_the_answers(folder):
    plan = planned(
        folder, "measures.gate_cost=50000", "measures.budget=120000",
        "siting.group_weights={age_60_plus=3.0}",
    )  # fmt: skip
    bare = planned(folder, "measures.gate_cost=50000", "measures.budget=120000")
    weighted, plain = (
        one.layers["measure_plans"].set_index("plan")["objective"] for one in (plan, bare)
    )
    assert (weighted > plain).all()
    assert not verify_plan(plan.layers, plan.summary).findings


def test_another_aim_of_the_answers_is_told_beside_the_mix(folder):
    plan = planned(
        folder, "measures.gate_cost=50000", "measures.budget=120000", "siting.objective='longest'"
    )
    assert any("least walk in total" in one["en"] for one in plan.summary["caveats"])


def test_a_site_that_is_no_candidate_hosts_no_service_point(folder):
    with pytest.raises(InputError, match="1 is no candidate site: r1"):
        planned(
            folder, "measures.service_point_cost=3", 'measures.service_points=["r1"]',
            "measures.budget=9",
        )  # fmt: skip


def test_a_budget_below_the_required_rooms_has_no_mix_and_says_so(tmp_path):
    decided = tiny.TOML + (
        '[[siting.decisions]]\nsite_id = "r3"\ndecision = "required"\nasked_by = "社区办"\n'
        'reason = "现有用房"\ndate = "2026-05-04"\n'
    )
    path = tiny.write(tmp_path / "town", town(), toml=decided)
    plan = planned(path, "measures.gate_cost=5", "measures.budget=120000")
    plans = plan.layers["measure_plans"].set_index("plan")
    assert plans.loc[["rooms_alone", "mix"], "status"].tolist() == ["infeasible"] * 2
    assert plans.loc["mix", ["cost", "objective"]].isna().all()
    assert not verify_plan(plan.layers, plan.summary).findings
    assert len(tables(plan)["measure_plans"]) == 3


def test_a_setting_that_cannot_be_meant_is_refused():
    for measures in ({"gate_cost": -1.0}, {"budget": 0}, {"most_links": -1}):
        with pytest.raises(SettingsError):
            parse_config({"place": PLACE, "measures": measures})


def test_the_report_has_both_tables(plan):
    made = tables(plan)
    assert len(made["measure_plans"]) == 3
    assert "出入口 gate" in made["measures"]["kind"].tolist()


@pytest.fixture(scope="module")
def canal(tmp_path_factory):
    """The tiny town, its streets connected in the middle only, with a canal in the east."""
    frames = tiny.town()
    frames["water"] = gpd.GeoDataFrame(
        {"water_id": ["w1"]}, geometry=[tiny.box(230, 250, 430, 260)], crs=tiny.CRS
    )
    return tiny.write(tmp_path_factory.mktemp("canal") / "town", frames)


def test_a_bridge_is_a_measure_where_streets_have_a_long_way_round(canal):
    plan = planned(canal, "measures.bridge_cost_per_m=100", "measures.budget=30000")
    measures = plan.layers["measures"].set_index("measure_id")
    assert set(measures["kind"]) == {"bridge"}
    chosen = measures[measures["in_plan"]]
    assert len(chosen) == 1
    # From street to street, some 120 m at 100 yuan; the home in the north-east walks by the middle
    # road today, some 220 m farther.
    assert chosen["cost"].iloc[0] == pytest.approx(120 * 100, rel=0.02)
    assert chosen["residents"].iloc[0] == 300
    assert chosen["alone_walk"].iloc[0] == pytest.approx(300 * 220, rel=0.1)
    assert not verify_plan(plan.layers, plan.summary).findings


@pytest.mark.parametrize(
    "override",
    ["shortcut_gap_m=119", "shortcut_detour=3.7", "most_shortcuts=0", "budget=9000"],
)
def test_a_long_way_round_is_bounded_by_the_settings(canal, override):
    money = [] if "budget" in override else ["measures.budget=30000"]
    plan = planned(canal, "measures.bridge_cost_per_m=100", f"measures.{override}", *money)
    measures = plan.layers["measures"]
    assert not measures["in_plan"].any()
    # What costs more than the budget is listed with its reason; the others were not looked for.
    assert set(measures["reason"].dropna()) == ({"over_budget"} if "budget" in override else set())


def test_kinds_without_a_cost_are_not_looked_for_between_streets(canal):
    plan = planned(canal, "measures.path_cost_per_m=100", "measures.budget=30000")
    assert set(plan.layers["measures"]["kind"]) <= {"join"}
    lines = plan.layers["measures"].geometry
    assert not lines.intersects(tiny.box(230, 250, 430, 260)).any()


@pytest.mark.parametrize(
    "measures", [{"shortcut_gap_m": 0}, {"shortcut_detour": 0.5}, {"most_shortcuts": -1}]
)
def test_settings_of_shortcuts_that_cannot_be_meant_are_refused(measures):
    with pytest.raises(SettingsError):
        parse_config({"place": PLACE, "measures": measures})


def test_the_summary_holds_the_mix_as_the_layers_do(plan):
    schema = json.loads((Path("schemas") / "summary.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(plan.summary, schema)
    block, plans = plan.summary["measures"], plan.layers["measure_plans"].set_index("plan")
    assert [one["plan"] for one in block["plans"]] == ["today", "rooms_alone", "mix"]
    mix = block["plans"][2]
    assert mix["measures"] == plans.loc["mix", "measures"].split()
    assert mix["cost"] == sum(one["cost"] for one in block["chosen"])
    assert [one["measure_id"] for one in block["chosen"]] == mix["measures"]
    # Numbers as JSON has them, in an order that does not change.
    again = json.loads(json.dumps(block))
    assert again == block
    assert list(block) == ["plans", "chosen"]


def test_the_mix_stands_beside_the_answers_from_the_same_evaluation(plan):
    mix = plan.layers["measure_plans"].set_index("plan").loc["mix"]
    shown = tables(plan)["options"].iloc[-1]
    assert "mix of measures for 120,000 yuan: " in shown["option"]
    for column in ("cost", "mean_m", "p90_m", "within_share", "beyond", "unreachable"):
        assert shown[column] == pytest.approx(mix[column]), column
    assert shown["cadres"] == shown["rooms_existing"] + shown["rooms_new"]
    residents = plan.summary["residents"]
    assert mix[["within", "beyond", "unreachable"]].sum() == residents
    assert mix["within"] == pytest.approx(mix["within_share"] * residents)
    false = plan.layers["measure_plans"].assign(within=0)
    found = verify_plan({**plan.layers, "measure_plans": false}, plan.summary)
    assert "answer_residents" in {one.rule for one in found.findings}


def test_measures_are_named_by_estate_and_street(plan):
    shown = tables(plan)["measures"]
    gate = shown[shown["kind"].astype(str).str.contains("gate")].iloc[0]
    assert "东苑" in str(gate["where"])
    assert str(gate["where"]).count("巷") >= 1


def test_without_a_mix_the_summary_says_so(folder):
    plan = planned(folder)
    assert plan.summary["measures"] is None
    assert mix_sentence(plan) is None
    assert payload(plan)["mix"] == {"at": [], "id": []}


def test_the_mix_is_told_in_a_sentence(plan):
    said = mix_sentence(plan)
    mix = plan.layers["measure_plans"].set_index("plan").loc["mix"]
    assert "For 120,000 yuan the best mix of measures is" in said.en
    assert f"{mix['cost']:,.0f} yuan" in said.en
    assert "Proven" in said.en
    assert "已证明" in said.zh
    assert f"造价 {mix['cost']:,.0f} 元" in said.zh
    assert said.en in report_html(plan)


def test_a_mix_that_is_not_proven_is_not_called_the_best(folder):
    few = ("measures.gate_cost=5", "measures.most_links=0", "siting.work=2")
    plan = planned(folder, "siting.budget=120000", *few)
    said = mix_sentence(plan)
    assert "mix of measures that was found" in said.en
    assert "Not proven: at most" in said.en
    assert "未证明最优" in said.zh


def test_the_map_holds_what_is_in_the_mix(plan):
    shown, measures = payload(plan)["mix"], plan.layers["measures"]
    chosen = measures[measures["in_plan"]]
    assert shown["id"] == chosen["measure_id"].tolist()
    assert shown["cost"] == chosen["cost"].round().astype(int).tolist()
    assert shown["place"] == (chosen["kind"] == "room").tolist()
    each = chosen["last_walk"] / chosen["residents"]
    assert shown["each"] == each.round().astype(int).tolist()
    assert len(shown["at"]) == len(chosen)


def test_the_command_tells_the_mix(folder, tmp_path):
    arguments = ["run", str(folder), "--out", str(tmp_path / "run"), "--lang", "en"]
    for one in ("measures.gate_cost=50000", "siting.budget=120000"):
        arguments += ["--set", one]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0
    assert "For 120,000 yuan the best mix of measures is" in told.stdout
