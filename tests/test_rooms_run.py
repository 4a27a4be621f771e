"""Rooms in a whole run: settings, decisions, layers that follow an answer, tables that add up."""

from __future__ import annotations

import pandas as pd
import pytest

from gridplan import pipeline
from gridplan.config import parse_config
from gridplan.errors import InfeasibleError, InputError, SettingsError
from gridplan.present.keys import siting_facts
from gridplan.project.read import read_project
from gridplan.verify import verify_plan
from tests import tiny

PLACE = {"name": "A", "as_of": "2026-01-31", "population": 5}
DECISION = {
    "site_id": "r3",
    "decision": "required",
    "asked_by": "社区办",
    "reason": "现有用房",
    "date": "2026-05-04",
}
TABLES = ("room_options", "room_phases", "estate_rooms", "room_reasons", "room_groups",
          "decisions", "left_behind", "frontier", "staffing")  # fmt: skip


def planned(folder, *overrides, toml=tiny.TOML, frames=None):
    path = tiny.write(folder / "town", frames, toml=toml)
    place, config = read_project(path, overrides=list(overrides))
    return pipeline.run(place, config)


def decided(*decisions):
    lines = [tiny.TOML]
    for one in decisions:
        lines.append("[[siting.decisions]]")
        lines += [f'{key} = "{value}"' for key, value in one.items() if key != "date"]
        lines.append(f"date = {one['date']}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("siting", "en", "zh"),
    [
        ({"answer": "D"}, "'A', 'B'", ""),
        ({"budget": 0}, "greater than 0", "大于 0"),
        ({"phase_rooms": 0}, "greater than or equal to 1", "不小于 1"),
        ({"phases": 0}, "greater than or equal to 1", "不小于 1"),
        ({"phase_budget": -5}, "greater than 0", "大于 0"),
        ({"worker_cost": 0}, "greater than 0", "大于 0"),
        ({"frontier": 0}, "greater than or equal to 1", "不小于 1"),
        ({"frontier_work": 0}, "greater than 0", "大于 0"),
        ({"phase_rooms": 2, "phase_budget": 5}, "not both", "只能填其一"),
        ({"decisions": [{**DECISION, "asked_by": " "}]}, "it should say something", "不能为空"),
        ({"decisions": [{**DECISION, "decision": "maybe"}]}, "'required'", ""),
        ({"decisions": [{**DECISION, "date": "soon"}]}, "date", ""),
        (
            {"decisions": [DECISION, {**DECISION, "decision": "forbidden"}]},
            "one decision a site, but r3 has several",
            "只能有一条决定",
        ),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(siting, en, zh):
    with pytest.raises(SettingsError) as caught:
        parse_config({"place": PLACE, "siting": siting})
    assert len(caught.value.faults) == 1
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


@pytest.mark.parametrize("answer", ["A", "B", "C"])
def test_the_layers_follow_the_answer_and_every_table_adds_up(tmp_path, answer):
    plan = planned(tmp_path, f'siting.answer="{answer}"', "siting.worker_cost=90000")
    layers, summary = plan.layers, plan.summary
    assert set(TABLES) <= set(layers)
    options = layers["room_options"].set_index("answer")
    new = layers["rooms"][layers["rooms"]["kind"] != "existing"]
    assert sorted(new["site_id"]) == options.loc[answer, "sites"].split()
    assert options["chosen"].tolist() == [one == answer for one in "ABC"]
    assert summary["siting"]["answer"] == answer
    assert [one["answer"] for one in summary["siting"]["options"]] == ["A", "B", "C"]
    after = summary["access_after"]
    row = options.loc[answer]
    assert row["mean_m"] == pytest.approx(after["mean_m"])
    assert row["p90_m"] == pytest.approx(after["p90_m"])
    assert row["within_share"] == pytest.approx(after["within"]["500"])
    assert row["ede_m"] == pytest.approx(after["ede_m"])
    if answer == "B":
        # Of places that are open today too, and it says so.
        facts = {label.en: value for label, value in siting_facts(plan)}
        told = [facts[one].zh for one in facts if one.startswith(("objective", "lower bound"))]
        assert told == [f"{len(layers['rooms'])} 处（含现有）"] * 2
    assert layers["staffing"]["yearly_cost"].notna().all()
    assert layers["rooms"]["phase"].notna().sum() == (len(new) if answer == "A" else 0)
    report = verify_plan({**layers, "in_sites": plan.place.sites}, summary)
    assert [one.message.en for one in report.findings if one.severity == "hard"] == []
    assert "room_tables" in report.checked


def test_answer_a_builds_in_phases_and_the_others_at_once(tmp_path):
    frames = tiny.town()
    frames["estates"] = tiny_estates()
    plan = planned(tmp_path, 'siting.answer="A"', "siting.phase_rooms=1", frames=frames)
    rooms = plan.layers["rooms"].set_index("site_id")
    assert sorted(rooms["phase"].dropna().tolist()) == [1, 2]
    served = plan.layers["estate_rooms"].set_index("estate_id")["served"]
    assert served.to_dict() == {"e1": "own_existing", "e2": "own_new", "e3": "own_new"}


def tiny_estates():
    import geopandas as gpd

    return gpd.GeoDataFrame(
        {
            "estate_id": ["e1", "e2", "e3"],
            "name": ["一", "二", "三"],
            "households": [400, 400, 400],
        },
        geometry=[tiny.box(20, 20, 180, 80), tiny.box(310, 320, 390, 390),
                  tiny.box(20, 320, 180, 390)],
        crs=tiny.CRS,
    )  # fmt: skip


def test_a_decision_is_kept_with_who_asked_why_and_its_price(tmp_path):
    free = planned(tmp_path / "free")
    best = free.layers["room_options"].set_index("answer").loc["C", "sites"]
    other = {"r2": "r3", "r3": "r2"}[best]
    plan = planned(tmp_path / "kept", toml=decided({**DECISION, "site_id": other}))
    row = plan.layers["decisions"].iloc[0]
    kinds = plan.layers["rooms"].set_index("site_id")["kind"]
    assert kinds[other] == "required"
    assert best not in kinds.index
    assert row[["asked_by", "reason", "date"]].tolist() == ["社区办", "现有用房", "2026-05-04"]
    gained = plan.summary["siting"]["objective"] - free.summary["siting"]["objective"]
    assert row["price_walk"] == pytest.approx(gained)
    assert (row["price_status"], row["open_without"]) == ("proven", False)
    assert plan.summary["siting"]["required"] == [other]


def test_a_forbidden_site_stays_closed_and_its_price_is_told(tmp_path):
    free = planned(tmp_path / "free")
    best = free.layers["room_options"].set_index("answer").loc["C", "sites"]
    toml = decided({**DECISION, "site_id": best, "decision": "forbidden"})
    plan = planned(tmp_path / "kept", toml=toml)
    assert best not in set(plan.layers["rooms"]["site_id"])
    row = plan.layers["decisions"].iloc[0]
    assert row["price_walk"] >= 0
    assert row["open_without"]


def test_a_site_that_the_data_require_has_its_price_too(tmp_path):
    frames = tiny.town()
    frames["sites"].loc[1, "kind"] = "required"
    plan = planned(tmp_path, frames=frames)
    rooms = plan.layers["rooms"]
    assert set(rooms["kind"]) == {"existing", "required", "proposed"}
    row = plan.layers["decisions"].iloc[0]
    assert (row["site_id"], row["decision"]) == ("r2", "required")
    assert pd.isna(row["asked_by"])
    assert row["price_walk"] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"site_id": "r9"}, "1 required site is not in `sites`: r9"),
        ({"site_id": "r1"}, "1 required site is open today and stays: r1"),
        ({"site_id": "k1"}, "1 required site is open today and stays: k1"),
    ],
)
def test_a_decision_on_a_site_that_cannot_be_is_refused(tmp_path, change, told):
    with pytest.raises(InputError, match=told):
        planned(tmp_path, toml=decided({**DECISION, **change}))


def test_more_required_sites_than_rooms_are_refused(tmp_path):
    both = [{**DECISION, "site_id": one} for one in ("r2", "r3")]
    with pytest.raises(InfeasibleError, match=r"p = 1, but 2 sites have to be opened: r2, r3"):
        planned(tmp_path, toml=decided(*both))


def test_a_budget_takes_the_place_of_a_number(tmp_path):
    plan = planned(tmp_path, "siting.budget=120000")
    assert plan.layers["room_options"].set_index("answer").loc["C", "sites"] == "r2"
    siting = plan.summary["siting"]
    assert (siting["p"], siting["budget"]) == (1, 120_000)
    assert siting["lower_bound"] <= siting["objective"]


def test_a_budget_that_buys_nothing_leaves_today_and_is_proven(tmp_path):
    plan = planned(tmp_path, "siting.budget=1")
    row = plan.layers["room_options"].set_index("answer").loc["C"]
    assert (row["status"], row["rooms_new"], row["cost"]) == ("proven", 0, 0.0)
    assert plan.summary["siting"]["p"] == 0


def test_a_fault_of_a_whole_section_names_it_and_prints_no_values():
    decisions = [DECISION, {**DECISION, "decision": "forbidden"}]
    for siting in ({"p": 12, "decisions": decisions}, {"phase_rooms": 2, "phase_budget": 5}):
        with pytest.raises(SettingsError) as caught:
            parse_config({"place": PLACE, "siting": siting})
        [fault] = caught.value.faults
        assert fault.en.startswith("The setting [siting")
        assert " cannot be used: " in fault.en
        assert "无效：" in fault.zh
        assert "{'" not in fault.en + fault.zh


@pytest.mark.parametrize("go", [pipeline.rehearse, pipeline.run])
def test_all_faults_of_decisions_and_numbers_are_told_at_once(tmp_path, go):
    unknown = {**DECISION, "site_id": "x9"}
    standing = {**DECISION, "site_id": "r3", "decision": "moved", "moved_from": "r1"}
    path = tiny.write(tmp_path / "town", toml=decided(unknown, standing))
    overrides = ['siting.at_most={"7"=1}', "measures.gate_cost=1",
                 "measures.budget=9", 'measures.service_points=["r1"]',
                 "measures.service_point_cost=5"]  # fmt: skip
    place, config = read_project(path, overrides=overrides)
    with pytest.raises(InputError) as caught:
        go(place, config)
    told = [one.en for one in caught.value.faults]
    wanted = ["1 required site is not in `sites`: x9", "1 forbidden site is open today",
              "community is not in the place: 7", "p = 1, but 2 sites have to be"]  # fmt: skip
    if go is pipeline.rehearse:
        wanted.append("[measures].service_points")
    assert [sum(word in one for one in told) for word in wanted] == [1] * len(wanted)
    assert len(told) == len(wanted)
