"""Floor area by the graded norm: told, or a hard limit with its causes and relaxations."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan import pipeline
from gridplan.config import parse_config
from gridplan.errors import InfeasibleError, SettingsError
from gridplan.present.keys import siting_notes
from gridplan.present.tabulation import tables
from gridplan.present.words import finding
from gridplan.project.read import read_project
from gridplan.rooms import RoomQuestion, Space, make_question, room_space, rooms_for
from gridplan.rooms.full_rooms import limit_notes
from gridplan.rooms.space import nearest_load
from gridplan.siting import ROOM_NORM, Grade, GradedNorm, Limits, RoomProblem
from gridplan.verify import verify_plan
from tests import tiny

FAR = math.inf
PLACE = {"name": "A", "as_of": "2026-01-31", "population": 5}
SMALL = GradedNorm((Grade(50.0, 10.0), Grade(80.0, 20.0), Grade(120.0, 40.0)), source="a test")


def question(metres, households, new, area, *, hard=True) -> RoomQuestion:
    """Two residents a household; sites are ``k0…`` (open) and ``r0…``, areas by id."""
    walks = np.array(metres, dtype=float)
    opened = walks.shape[1] - new
    ids = [f"k{j}" for j in range(opened)] + [f"r{j}" for j in range(new)]
    problem = RoomProblem(
        metres=walks,
        demand_ids=[f"d{i}" for i in range(len(walks))],
        site_ids=ids,
        residents=2.0 * np.array(households, dtype=float),
        candidates=ids[opened:],
    )
    space = Space(
        norm=SMALL,
        area_m2=pd.Series(area, dtype=float),
        households=np.array(households, dtype=float),
        hard=hard,
    )
    none = pd.Series(dtype=float)
    return make_question(problem, none, norm_m=500.0, limits=Limits(work=20_000), space=space)


# The norm


def norms(**given):
    units = {"m2": "m²", "households": "households"}
    made = {
        key: {"value": value, "unit": units[key.rpartition("_")[2]], "source": "local"}
        for key, value in given.items()
    }
    return parse_config({"place": PLACE, "norms": made})


def test_the_graded_norm_is_a_set_of_norms_with_their_source():
    plain = norms()
    assert plain.room_grades == ROOM_NORM
    assert plain.all_norms["room_grade2_m2"].source == ROOM_NORM.source
    assert not plain.all_norms["room_grade2_m2"].verified
    changed = norms(room_grade1_m2=60)
    assert changed.room_grades.grades[0] == Grade(60.0, 1500.0)
    assert changed.room_grades.source == f"local; {ROOM_NORM.source}"


def test_grades_can_be_added_and_left_out():
    more = norms(room_grade4_m2=200, room_grade4_households=9000)
    assert more.room_grades.grades[-1] == Grade(200.0, 9000.0)
    fewer = norms(room_grade3_m2=0, room_grade3_households=0)
    assert fewer.room_grades.grades == ROOM_NORM.grades[:2]


@pytest.mark.parametrize(
    ("given", "en", "zh"),
    [
        ({"room_grade4_m2": 200}, "these have one of them: [4]", "只有其一"),
        ({"room_grade2_m2": 40}, "do not ascend", "不是递增的"),
        ({"room_grade3_m2": 0}, "above 0", "大于 0"),
    ],
)
def test_grades_that_cannot_be_meant_are_refused(given, en, zh):
    with pytest.raises(SettingsError) as caught:
        norms(**given)
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


def test_a_grade_in_another_unit_is_refused():
    wrong = {"room_grade1_m2": {"value": 50, "unit": "mu", "source": "x"}}
    with pytest.raises(SettingsError, match=r"unit of room_grade1_m2 should be 'm²', not 'mu'"):
        parse_config({"place": PLACE, "norms": wrong})


@pytest.mark.parametrize("answer", ["A", "B"])
def test_a_hard_limit_goes_with_answer_c(answer):
    with pytest.raises(SettingsError, match="goes with answer C") as caught:
        parse_config({"place": PLACE, "siting": {"capacity": "hard", "answer": answer}})
    assert "只用于答案 C" in caught.value.faults[0].zh


@pytest.mark.parametrize(
    "siting",
    [{"objective": "share"}, {"budget": 10}, {"at_least": {"each": 1}}, {"least_share": 0.5},
     {"then": ["ede"]}, {"trade_off": ["mean", "ede"]}],
)  # fmt: skip
def test_a_hard_limit_goes_with_every_condition_and_objective(siting):
    config = parse_config({"place": PLACE, "siting": {"capacity": "hard", **siting}})
    assert config.siting.capacity == "hard"


# What is told


def test_what_rooms_hold_need_and_lack():
    rooms = pd.DataFrame(
        {
            "site_id": ["k", "r1", "r2", "r3"],
            "area_m2": [None, 60.0, 300.0, None],
            "assumed": [False, False, True, False],
            "residents": [900, 4160, 26, 0],
        },
        index=[7, 3, 5, 1],
    )
    told = room_space(rooms, ROOM_NORM, offices=["k"], residents_per_household=2.6)
    assert told.index.tolist() == rooms.index.tolist()
    assert told.loc[7].isna().all()
    assert told.loc[3].tolist() == [1600.0, 1500.0, 80.0, 20.0]
    # The footprint of an assumed site is no area of a room; nobody served needs nothing.
    assert told.loc[5].fillna(-1).tolist() == [10.0, -1, 50.0, -1]
    assert told.loc[1].fillna(-1).tolist() == [0.0, -1, 0.0, -1]
    off = room_space(rooms, None, offices=["k"], residents_per_household=2.6)
    assert off.isna().all(axis=None)


def test_sites_of_unknown_area_have_no_limit_and_lack_nothing_that_is_known():
    asked = question([[0, 1, 2]], [5], 2, {"r0": 60.0})
    assert asked.space.holds().to_dict() == {"k0": FAR, "r0": 10.0, "r1": FAR}
    assert asked.space.holds(more_m2=20).to_dict()["r0"] == 20.0
    lacking = asked.space.lacking_m2(pd.Series({"r0": 15.0, "k0": 99.0}))
    assert lacking["r0"] == 20.0
    assert math.isnan(lacking["k0"])


def test_the_load_is_of_the_nearest_open_site_and_leaves_out_who_reaches_none():
    walks = np.array([[5.0, 5.0], [9.0, 2.0], [FAR, FAR]])
    load = nearest_load(walks, np.array([3.0, 4.0, 8.0]), np.array([0, 1]), ["a", "b"])
    assert load.to_dict() == {"a": 3.0, "b": 4.0}
    assert len(nearest_load(walks, np.ones(3), np.array([], dtype=int), ["a", "b"])) == 0


# A hard limit


def best_assignment(asked, p_new):
    """Return the least resident-metres of all choices and all assignments that fit."""
    holds = asked.space.holds().to_numpy(dtype=float)
    best = FAR
    for new in itertools.combinations(asked.free.tolist(), p_new):
        opened = [*asked.fixed.tolist(), *new]
        for goes in itertools.product(opened, repeat=len(asked.residents)):
            load = np.bincount(goes, weights=asked.space.households, minlength=len(holds))
            if (load <= holds + 1e-9).all():
                walk = asked.metres[np.arange(len(goes)), list(goes)]
                best = min(best, float((walk * asked.residents).sum()))
    return best


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_hard_limit_equals_the_best_of_all_assignments(seed):
    rng = np.random.default_rng(seed)
    walks = rng.integers(1, 12, (5, 4)) * 100.0
    area = {f"r{j}": float(rng.choice([45, 60, 90, 130])) for j in range(3)}
    area["k0"] = float(rng.choice([45, 60]))
    asked = question(walks, rng.integers(1, 12, 5), 3, area)
    best = best_assignment(asked, 2)
    if math.isinf(best):
        with pytest.raises(InfeasibleError, match='capacity = "hard"'):
            rooms_for(asked, 2)
        return
    chosen, found = rooms_for(asked, 2)
    assert (chosen.status, chosen.model) == ("proven", "p-median")
    assert chosen.objective == pytest.approx(best)
    load = found.loads["load"]
    assert (load <= asked.space.holds().reindex(load.index) + 1e-9).all()


def refused(asked, p_new):
    with pytest.raises(InfeasibleError) as caught:
        rooms_for(asked, p_new)
    return caught.value.faults[0]


def test_more_rooms_are_offered_where_they_help():
    # 30 households reach rooms alone; each of these holds 10.
    walks = [[FAR, 100, 200, 300]] * 3
    asked = question(walks, [10, 10, 10], 3, {f"r{j}": 50.0 for j in range(3)})
    said = refused(asked, 2)
    assert "30 households ask for a room" in said.en
    assert "hold them only with 3 new rooms or more, and not with 2" in said.en
    assert "With [siting].p = 3 there is a plan." in said.en
    assert "p = 3 时有可行方案" in said.zh
    assert rooms_for(asked, 3)[0].status == "proven"


@pytest.mark.parametrize("lacking", [0.0, 0.4, 0.6])
def test_square_metres_are_offered_that_do_help(lacking):
    walks = [[FAR, 100, 200]] * 3
    area = {"r0": 50.0 - lacking, "r1": 70.0}
    said = refused(question(walks, [10, 10, 10], 2, area), 2)
    assert re.search(r"\d+ m² more \(.*\) are enough for p = 2; less may do", said.en)
    for site, more in re.findall(r"(r\d) \+(\d+)", said.en):
        area[site] += float(more)
    assert rooms_for(question(walks, [10, 10, 10], 2, area), 2)[0].status == "proven"


def test_a_home_larger_than_every_room_is_named():
    asked = question([[FAR, 100], [100, 100]], [15, 3], 1, {"r0": 50.0})
    said = refused(asked, 1)
    assert "1 home has more households (up to 15) than any place in reach holds: d0" in said.en
    assert "30 m² more (r0 +30)" in said.en
    assert "增加活动室数量无济于事" in said.zh


def test_less_room_than_households_in_all_is_told_as_such():
    asked = question([[100, 100], [200, 100]], [9, 9], 1, {"k0": 40.0, "r0": 50.0})
    said = refused(asked, 1)
    assert "18 households ask for a room" in said.en
    assert "together hold 10" in said.en
    assert 'capacity = "soft"' in said.en


def test_what_a_hard_limit_means_for_odd_sites_is_a_note():
    space = question([[1, 2, 3]], [1], 2, {"r0": 40.0}).space
    unknown, small = limit_notes(space)
    assert (unknown.code, unknown.count) == ("rooms_without_area", 2)
    assert (small.code, small.count) == ("rooms_below_norm", 1)
    assert "r0" in small.message.zh
    assert limit_notes(question([[1, 2]], [1], 1, {"k0": 60.0, "r0": 90.0}).space) == []


# Whole runs


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny.write(tmp_path_factory.mktemp("space") / "town")


def grades(**households):
    return [
        f'norms.room_grade{place}_households={{value={count}, unit="households", source="test"}}'
        for place, count in zip((1, 2, 3), households.values(), strict=True)
    ]


TIGHT = grades(one=30, two=60, three=90)


def planned(path, *overrides):
    place, config = read_project(path, overrides=list(overrides))
    return pipeline.run(place, config)


def hard_findings(plan, **layers):
    made = {**plan.layers, "in_sites": plan.place.sites, **layers}
    found = verify_plan(made, plan.summary).findings
    return {one.rule for one in found if one.severity == "hard"}


def test_telling_what_is_lacking_changes_no_room(path):
    off, soft = (planned(path, f'siting.capacity="{one}"', *TIGHT) for one in ("off", "soft"))
    columns = ["site_id", "residents", "mean_m", "kind"]
    assert off.layers["rooms"][columns].equals(soft.layers["rooms"][columns])
    assert off.layers["rooms"]["shortfall_m2"].isna().all()
    assert off.summary["siting"]["shortfall_m2"] is None
    rooms = soft.layers["rooms"].set_index("site_id")
    assert rooms.loc[["k1", "k2"], "needed_m2"].isna().all()
    assert rooms["shortfall_m2"].sum() == soft.summary["siting"]["shortfall_m2"] > 0
    option = soft.layers["room_options"].set_index("answer").loc["C"]
    assert option["shortfall_m2"] == pytest.approx(rooms["shortfall_m2"].sum())
    assert hard_findings(soft) == set()
    [said] = siting_notes(soft)
    assert "not bound by it" in said.en
    assert "缺" in said.zh
    printed = tables(soft)["rooms"]
    assert printed["shortfall_m2"].iloc[-1] == rooms["shortfall_m2"].sum()


def test_a_hard_limit_is_kept_and_the_walks_stay_those_to_the_nearest(path):
    soft, hard = (planned(path, f'siting.capacity="{one}"', *TIGHT) for one in ("soft", "hard"))
    demand = hard.layers["demand"]
    assert (demand["assigned_m"] >= demand["room_m"] - 1e-9).all()
    assert (demand["assigned_m"] > demand["room_m"]).any()
    people = demand["population"].to_numpy(dtype=float)
    total = float((people * demand["assigned_m"]).sum())
    siting = hard.summary["siting"]
    assert siting["objective"] == pytest.approx(total)
    assert siting["objective"] > soft.summary["siting"]["objective"]
    assert (siting["status"], siting["capacity"]) == ("proven", "hard")
    assert hard_findings(hard) == set()
    assert tables(hard)["rooms"]["assigned"].iloc[-1] == hard.summary["residents"]
    assert "walks to the rooms given" in siting_notes(hard)[0].en


def test_headline_and_answers_tell_the_walk_to_the_room_given(path):
    hard = planned(path, 'siting.capacity="hard"', *TIGHT)
    demand, summary = hard.layers["demand"], hard.summary
    people = demand["population"].to_numpy(dtype=float)
    walk = demand["assigned_m"].to_numpy(dtype=float)
    given = summary["access_assigned"]
    assert given["mean_m"] == pytest.approx((people * walk).sum() / people.sum())
    assert given["mean_m"] > summary["access_after"]["mean_m"]
    within = people[walk <= 500].sum() / people.sum()
    assert given["within"]["500"] == pytest.approx(within)
    assert given["gini"] != summary["access_after"]["gini"]
    options = hard.layers["room_options"].set_index("answer")
    assert options["walked_to"].to_dict() == {"A": "nearest", "B": "nearest", "C": "assigned"}
    assert options.loc["C", "mean_m"] == pytest.approx(given["mean_m"])
    assert options.loc["C", "shortfall_m2"] == 0.0
    said = finding(hard)
    assert "that they are given, floor area being a limit" in said.en
    assert "所分配的居委会或活动室" in said.zh
    assert f"{100 * within:.1f} %" in said.en
    row = tables(hard)["options"].set_index("option")
    assert row["walked_to"].notna().all()
    reasons = hard.layers["room_reasons"].set_index("site_id")
    assert reasons["closing_status"].tolist() == ["proven"] * 4
    assert reasons["kind"].to_dict() == {
        "r3": "proposed", "r1": "existing", "k1": "committee", "k2": "committee"
    }  # fmt: skip
    # r2 has room for 30 households, and no home has as few.
    assert reasons.loc["r3", ["next_site_id", "next_status"]].tolist() == [None, None]
    assert "gives everybody a place anew" in siting_notes(hard)[-1].en
    shown = tables(hard)["reasons"]
    assert shown["closing_km"].notna().all()
    assert "均容纳不下任何可达的住房" in shown["mark"].iloc[0]
    assert shown["closing_objective"].isna().all()
    change = hard.layers["community_change"]
    mean = (change["after_mean_m"] * change["residents"]).sum() / people.sum()
    assert mean == pytest.approx(given["mean_m"])


def test_figures_of_rooms_are_those_of_whom_they_are_given(path):
    hard = planned(path, 'siting.capacity="hard"', *TIGHT)
    demand, rooms = hard.layers["demand"], hard.layers["rooms"].set_index("site_id")
    people = demand.groupby("assigned_id")["population"].sum().reindex(rooms.index).fillna(0)
    nearest = demand.groupby("room_id")["population"].sum().reindex(rooms.index).fillna(0)
    assert rooms["residents"].tolist() == people.tolist() != nearest.tolist()
    # Nobody is given a room beyond its area: nothing is lacking, in every place that tells it.
    siting = hard.summary["siting"]
    assert (siting["shortfall_m2"], siting["rooms_short"]) == (0.0, 0)
    assert hard.layers["room_options"].set_index("answer").loc["C", "shortfall_m2"] == 0.0
    reasons = hard.layers["room_reasons"].set_index("site_id")
    new = rooms[rooms["kind"] != "existing"]
    assert reasons["residents"].to_dict() == rooms["residents"].to_dict()
    for site, row in reasons.loc[new.index].iterrows():
        own = demand[demand["assigned_id"] == site]
        had = own[own["room_before_m"].notna()]
        saved = ((had["room_before_m"] - had["assigned_m"]) * had["population"]).sum()
        assert row["saved_walk"] == pytest.approx(saved)
        assert f"{new.loc[site, 'residents']:,} residents are given it" in new.loc[site, "why_en"]
    groups = hard.layers["room_groups"].groupby("site_id")["saved_walk"].sum()
    assert groups[new.index].to_dict() == pytest.approx(reasons["saved_walk"].dropna().to_dict())
    assert new["without_resident_m"].isna().all()
    wrong = hard.layers["rooms"].assign(residents=nearest.to_numpy())
    assert hard_findings(hard, rooms=wrong)


def test_without_a_hard_limit_nothing_is_said_of_rooms_given(path):
    soft = planned(path, *TIGHT)
    assert "access_assigned" not in soft.summary
    assert set(soft.layers["room_options"]["walked_to"]) == {"nearest"}
    assert (
        "walked_to" not in tables(soft)["options"]
        or tables(soft)["options"]["walked_to"].isna().all()
    )


@pytest.mark.parametrize(
    ("capacity", "wrong"),
    [
        ("hard", {"mean_m": 1.0}),
        ("hard", {"p90_m": 1.0}),
        ("hard", {"max_m": 1.0}),
        ("hard", {"ede_m": 1.0}),
        ("soft", {"ede_m": 1.0}),
        ("soft", {"mean_m": 1.0}),
    ],
)
def test_walks_of_the_summary_that_demand_does_not_give_are_found(path, capacity, wrong):
    plan = planned(path, f'siting.capacity="{capacity}"', *TIGHT)
    block = "access_assigned" if capacity == "hard" else "access_after"
    told = plan.summary[block]
    false = {**plan.summary, block: {**told, **{key: told[key] + by for key, by in wrong.items()}}}
    found = verify_plan({**plan.layers, "in_sites": plan.place.sites}, false)
    [said] = found.of_rule("walk_figures")
    assert said.ids == tuple(wrong)
    assert block in said.message.en


def test_shares_and_answers_of_the_nearest_are_found_where_rooms_are_given(path):
    plan = planned(path, 'siting.capacity="hard"', *TIGHT)
    layers = {**plan.layers, "in_sites": plan.place.sites}
    given = {**plan.summary["access_assigned"], "within": {"500": 0.5}}
    found = verify_plan(layers, {**plan.summary, "access_assigned": given})
    assert found.of_rule("walk_figures")[0].ids == ("within 500",)
    without = {key: one for key, one in plan.summary.items() if key != "access_assigned"}
    assert "walk_figures" in {one.rule for one in verify_plan(layers, without).findings}
    options = plan.layers["room_options"]
    nearest = options.assign(walked_to="nearest")
    rules = {
        one.rule for one in verify_plan({**layers, "room_options": nearest}, plan.summary).findings
    }
    assert "answer_walks" in rules
    short = options.assign(
        mean_m=options["mean_m"] - 2.0, ede_m=options["ede_m"] + 2.0, within=options["within"] + 9
    )
    [said] = verify_plan({**layers, "room_options": short}, plan.summary).of_rule("answer_walks")
    assert said.ids == ("mean_m", "ede_m", "within")
    # A plan that does not tell its aversion per metre is not judged by another.
    siting = {key: one for key, one in plan.summary["siting"].items() if key != "ede_kappa"}
    older = {**plan.summary, "siting": siting}
    [said] = verify_plan({**layers, "room_options": short}, older).of_rule("answer_walks")
    assert said.ids == ("mean_m", "within")


def test_a_room_given_that_is_the_nearest_is_as_far(path):
    plan = planned(path, 'siting.capacity="hard"', *TIGHT)
    demand = plan.layers["demand"]
    same = demand["assigned_id"] == demand["room_id"]
    wrong = demand.assign(assigned_m=demand["assigned_m"] + 3.0 * same)
    assert "assigned_wrong" in hard_findings(plan, demand=wrong)
    flown = {**plan.layers, "demand": demand.assign(assigned_m=1.0)}
    assert verify_plan(flown, plan.summary).of_rule("walk_too_short")


def test_a_plan_that_breaks_the_norm_is_found(path):
    hard = planned(path, 'siting.capacity="hard"', *TIGHT)
    rooms, demand = hard.layers["rooms"], hard.layers["demand"]
    known = rooms["needed_m2"].notna()
    for column, change in (("needed_m2", 30.0), ("shortfall_m2", 9.0), ("households", 50.0)):
        wrong = rooms.assign(**{column: rooms[column] + change * known})
        assert "room_space" in hard_findings(hard, rooms=wrong), column
    full = rooms.loc[known & (rooms["norm_households"] > 0), "site_id"].iloc[0]
    crowded = demand.assign(assigned_id=full, assigned_m=demand["room_m"] + 1.0)
    assert "room_overfull" in hard_findings(hard, demand=crowded)
    for wrong in (
        demand.assign(assigned_id="r9"),
        demand.assign(assigned_id=None),
        demand.assign(assigned_m=demand["room_m"] - 5.0),
    ):
        assert "assigned_wrong" in hard_findings(hard, demand=wrong)


def test_a_place_without_floor_areas_tells_nothing(tmp_path):
    frames = tiny.town()
    frames["sites"]["area_m2"] = None
    path = tiny.write(tmp_path / "town", frames)
    plan = planned(path)
    assert plan.summary["siting"]["shortfall_m2"] is None
    assert siting_notes(plan) == []
    assert plan.layers["room_options"]["shortfall_m2"].isna().all()
