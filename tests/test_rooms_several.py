"""Several objectives, a share as a condition, backup coverage, and the frontier of two."""

from __future__ import annotations

import contextlib
import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.config import parse_config
from gridplan.errors import InfeasibleError, Message, SettingsError, StoppedError
from gridplan.present import drawings
from gridplan.present.keys import siting_facts
from gridplan.present.tabulation import tables
from gridplan.present.words import answer_name, siting_status
from gridplan.rooms import (
    RoomCounts,
    TwoAims,
    Wanted,
    fewest_rooms,
    nobody_near_notes,
    room_reasons,
    several_rooms,
    trade_off,
)
from gridplan.rooms import several as several_module
from gridplan.rooms.objectives import MODELS
from gridplan.siting import Limits, Ranked
from gridplan.verify import verify_plan
from tests.test_rooms import FAR, question, random_question
from tests.test_rooms_reasons import objective_of, rules_of
from tests.test_rooms_run import PLACE, planned

OBJECTIVES = tuple(MODELS)
SLACK = 1e-6


def plans_of(asked, *, rooms=None, budget=None):
    """All sets of new rooms of a number, or within a budget."""
    sites = sorted(asked.candidates)
    sizes = range(len(sites) + 1) if rooms is None else [rooms]
    every = (one for size in sizes for one in itertools.combinations(sites, size))
    return [one for one in every if budget is None or asked.cost_of(one) <= budget]


def worth(asked, objective, new):
    """The value of an objective so that less is better."""
    walks = asked.nearest_m(asked.at(["k0", *new]))
    value = objective_of(asked, objective, walks)
    return -value if objective == "share" else value


def best_in_turn(asked, plans, objectives, tolerance):
    """The last objective's best among the plans that are good for those before."""
    for place, objective in enumerate(objectives):
        values = {one: worth(asked, objective, one) for one in plans}
        best = min(values.values())
        if place == len(objectives) - 1:
            return best, plans
        worst = best + tolerance * abs(best)
        plans = [one for one in plans if values[one] <= worst + SLACK * max(1.0, abs(best))]
    raise AssertionError


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    pair=st.permutations(OBJECTIVES),
    tolerance=st.sampled_from([0.0, 0.15]),
    budget=st.sampled_from([None, 9.0]),
)
def test_objectives_in_turn_equal_the_best_of_all_choices(seed, pair, tolerance, budget):
    asked = random_question(seed, new=5, unreachable=0.0)
    if not asked.residents.any():
        return
    objectives = tuple(pair[:2])
    wanted = Wanted(objectives=objectives, tolerance=tolerance, rooms=2, budget=budget)
    found = several_rooms(asked, wanted)
    plans = plans_of(asked, rooms=None if budget else 2, budget=budget)
    best, allowed = best_in_turn(asked, plans, objectives, tolerance)
    assert tuple(found.sites) in plans
    assert worth(asked, objectives[1], found.sites) == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert tuple(found.sites) in allowed
    assert found.model == MODELS[objectives[1]]
    assert [one.objective for one in found.stages] == list(objectives)
    assert found.status == "proven"
    for stage in found.stages:
        sign = -1.0 if stage.objective == "share" else 1.0
        assert sign * stage.bound <= sign * stage.best + SLACK * max(1.0, abs(stage.best))
        real = sign * worth(asked, stage.objective, found.sites)
        assert stage.value == pytest.approx(real, rel=1e-6, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.sampled_from([0.3, 0.6, 0.9]),
    objective=st.sampled_from(["mean", "longest", "p90", "ede"]),
    budget=st.sampled_from([None, 9.0]),
)
def test_a_share_as_a_condition_equals_the_best_of_all_choices(seed, share, objective, budget):
    asked = random_question(seed, new=5, unreachable=0.0)
    everybody = asked.residents.sum()
    wanted = Wanted(objectives=(objective,), rooms=2, budget=budget, least_share=share)
    plans = plans_of(asked, rooms=None if budget else 2, budget=budget)
    kept = [one for one in plans if -worth(asked, "share", one) >= share * everybody - 1e-9]
    if not kept or not everybody:
        with pytest.raises(InfeasibleError):
            several_rooms(asked, wanted)
        return
    found = several_rooms(asked, wanted)
    best = min(worth(asked, objective, one) for one in kept)
    assert worth(asked, objective, found.sites) == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert -worth(asked, "share", found.sites) >= share * everybody - 1e-6
    assert found.status == "proven"
    assert found.stages == ()


def test_of_equal_plans_one_with_the_least_walk_is_taken():
    walks = [[900, 400, 100, 900], [900, 400, 200, 900]]
    asked = question(walks, [10, 10], 3, norm_m=500.0)
    wanted = Wanted(objectives=("longest",), rooms=2, least_share=0.5)
    assert several_rooms(asked, wanted).sites == ("r0", "r1")


@pytest.mark.parametrize("budget", [None, 9.0])
def test_an_interrupted_stage_ends_the_run(monkeypatch, budget):
    solve = several_module.lexicographic

    def interrupted(*given: object, **options: object) -> Ranked:
        found = solve(*given, **options)
        last = replace(found.stages[-1], stopped_by="interrupt")
        return replace(found, stages=(*found.stages[:-1], last))

    monkeypatch.setattr(several_module, "lexicographic", interrupted)
    wanted = Wanted(objectives=("share", "mean"), rooms=2, budget=budget)
    with pytest.raises(KeyboardInterrupt):
        several_rooms(random_question(3, new=4, unreachable=0.0), wanted)


@pytest.mark.parametrize("objective", ["mean", "longest", "ede"])
def test_a_stopped_search_claims_no_more_than_it_found(objective):
    told = []
    for seed, work in itertools.product(range(4), (1, 40, 5_000)):
        asked = replace(random_question(seed, new=5, unreachable=0.0), limits=Limits(work=work))
        wanted = Wanted(objectives=(objective,), rooms=2, least_share=0.01)
        with contextlib.suppress(StoppedError):
            told.append((asked, several_rooms(asked, wanted)))
    assert told
    for asked, found in told:
        best = min(worth(asked, objective, one) for one in plans_of(asked, rooms=2))
        assert found.bound <= best + SLACK * max(1.0, best)
        assert worth(asked, objective, found.sites) == pytest.approx(found.objective)
        if found.status == "proven":
            assert found.objective == pytest.approx(best)


def test_a_share_that_no_site_gives_is_refused_with_the_most_there_is():
    asked = question([[900, 100], [900, 800]], [30, 10], 1)
    with pytest.raises(InfeasibleError) as caught:
        several_rooms(asked, Wanted(objectives=("mean",), rooms=1, least_share=0.9))
    said = caught.value.faults[0]
    assert "but with all candidate sites open the share within 500 m" in said.en
    assert "(room_norm_m of [norms]) is 0.75, and with fewer it is less." in said.en
    assert "With all open, 0.9 live within 800 m." in said.en
    assert "比例也只有 0.75" in said.zh


def test_residents_whom_nothing_reaches_count_in_the_share():
    walks = [[900, 100, 600], [900, 300, 100], [math.inf] * 3]
    asked = question(walks, [40, 40, 20], 2)
    found = several_rooms(asked, Wanted(objectives=("mean",), rooms=1, least_share=0.8))
    assert found.sites == ("r0",)
    with pytest.raises(InfeasibleError):
        several_rooms(asked, Wanted(objectives=("mean",), rooms=1, least_share=0.81))


# Backup


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), times=st.integers(2, 3))
def test_backup_equals_the_fewest_of_all_choices(seed, times):
    asked = random_question(seed, new=5)
    near = asked.metres <= 500.0
    lived = asked.residents > 0
    needed = np.minimum(near.sum(axis=1), times)

    def kept(new):
        held = near[:, asked.at(["k0", *new])].sum(axis=1)
        return bool((held >= needed)[lived].all())

    least = min(len(one) for one in plans_of(asked) if kept(one))
    found = fewest_rooms(asked, radius_m=500.0, backup=times)
    assert kept(found.sites)
    assert (len(found.sites), found.objective, found.bound) == (least, least, least)
    assert found.status == "proven"
    walks = [
        worth(asked, "mean", one)
        for one in plans_of(asked, rooms=least)
        if kept(one) and np.isfinite(asked.nearest_m(asked.at(["k0", *one])))[lived].all()
    ]
    assert not walks or worth(asked, "mean", found.sites) >= min(walks) - SLACK


# The frontier of two


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), pair=st.permutations(OBJECTIVES))
def test_no_choice_beats_a_plan_of_the_frontier(seed, pair):
    asked = random_question(seed, new=5, unreachable=0.0)
    if not asked.residents.any():
        return
    first, second = pair[:2]
    wanted = Wanted(objectives=("mean",), rooms=2)
    table, _ = trade_off(asked, wanted, TwoAims(first, second, points=5))
    every = [(worth(asked, first, one), worth(asked, second, one)) for one in
             plans_of(asked, rooms=2)]  # fmt: skip
    for row in table.itertuples():
        new = row.sites.split()
        own = worth(asked, first, new), worth(asked, second, new)
        sign = [-1.0 if one == "share" else 1.0 for one in (first, second)]
        assert (sign[0] * row.first, sign[1] * row.second) == pytest.approx(own, rel=1e-6)
        beaten = [
            one
            for one in every
            if all(a <= b + SLACK * max(1, abs(b)) for a, b in zip(one, own, strict=True))
            and any(a < b - 1e-4 * max(1, abs(b)) for a, b in zip(one, own, strict=True))
        ]
        assert not beaten
        assert row.status == "proven"
    least = min(one[0] for one in every)
    sign = -1.0 if first == "share" else 1.0
    assert sign * table["first"].iloc[0] == pytest.approx(least, rel=1e-6)


def test_a_frontier_for_a_budget_and_a_share_keeps_both():
    asked = question(
        [[900, 100, 300, 600], [900, 700, 300, 100], [900, 500, 400, 900]], [10, 10, 10], 3,
        cost={"r0": 4.0, "r1": 5.0, "r2": 4.0},
    )  # fmt: skip
    wanted = Wanted(objectives=("mean",), budget=8.0, least_share=0.9)
    table, _ = trade_off(asked, wanted, TwoAims("longest", "mean"))
    assert (table["cost"] <= 8.0).all()
    assert (table["within_share"] >= 0.9).all()
    assert {one for row in table["sites"] for one in row.split()} <= {"r0", "r1", "r2"}


def test_limits_without_a_plan_have_no_figures_and_are_told(monkeypatch):
    walks = [[900, 100, 300, 600], [900, 700, 300, 100], [900, 500, 400, 900]]
    asked = question(walks, [10, 10, 10], 3)
    wanted, aims = Wanted(objectives=("mean",), rooms=1), TwoAims("longest", "mean")
    whole, notes = trade_off(asked, wanted, aims)
    assert notes == []
    pareto = several_module.pareto

    def some_lost(*given, **options):
        curve = pareto(*given, **options)
        none = curve.iloc[[0]].assign(first=math.nan, second=math.nan, sites=[()])
        stopped = none.assign(status="stopped", stopped_by="time")
        cause = Message(en="90% of the weight within 5 m", zh="5 米内的权重达 90%")
        barred = none.assign(status="infeasible", stopped_by=None, cause=[cause])
        return pd.concat([stopped, barred, curve], ignore_index=True)

    monkeypatch.setattr(several_module, "pareto", some_lost)
    table, notes = trade_off(asked, wanted, aims)
    assert table["sites"].tolist() == ["", "", *whole["sites"]]
    figures = ["first", "rooms_new", "cost", "mean_m", "within_share", "unreachable"]
    assert table.loc[:1, figures].isna().all(axis=None)
    ended, ruled_out = notes
    assert (ended.count, ruled_out.count) == (1, 1)
    assert "within 1 of the limits" in ended.message.en
    assert "was stopped by the limit of time" in ended.message.en
    assert "有 1 个在搜索停止前未找到方案（因时间上限）" in ended.message.zh
    assert ruled_out.message.en.endswith("90% of the residents within 5 m")
    assert ruled_out.message.zh.endswith("5 米内的居民达 90%")


# Settings


def test_one_further_objective_may_be_given_without_a_list():
    config = parse_config({"place": PLACE, "siting": {"objective": "share", "then": "mean"}})
    assert config.siting.then == ("mean",)


@pytest.mark.parametrize(
    ("siting", "en", "zh"),
    [
        ({"then": ["mean"]}, "name an objective twice: mean, mean", "重复的目标"),
        ({"then": "mean"}, "name an objective twice: mean, mean", "重复的目标"),
        ({"trade_off": "share"}, 'a list of two objectives, such as ["share"', "两个目标的列表"),
        ({"tolerance": 0.1}, "there is one; give `then`", "目标只有一个"),
        ({"least_share": 0.9, "objective": "share"}, "take out one of the two", "请去掉其一"),
        ({"least_share": 0.9, "then": ["share"]}, "take out one of the two", "请去掉其一"),
        ({"least_share": 0.0}, "greater than 0", "大于 0"),
        ({"trade_off": ["share"]}, "should name two objectives, not share", "两个不同的目标"),
        ({"trade_off": ["share", "share"]}, "should name two objectives", "两个不同的目标"),
        ({"backup": 0}, "greater than or equal to 1", "不小于 1"),
        (
            {"capacity": "hard", "answer": "B", "then": ["ede"]},
            "goes with answer C",
            "只用于答案 C",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(siting, en, zh):
    with pytest.raises(SettingsError) as caught:
        parse_config({"place": PLACE, "siting": siting})
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


# Whole runs


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    return planned(
        tmp_path_factory.mktemp("several"),
        'siting.objective="share"',
        'siting.then=["longest", "mean"]',
        "siting.tolerance=0.05",
        'siting.trade_off=["longest", "mean"]',
        "siting.group_weights={age_60_plus=2.0}",
    )


def test_a_run_tells_each_objective_and_is_verified(several):
    assert rules_of(several) == set()
    siting = several.summary["siting"]
    assert [one["objective"] for one in siting["stages"]] == ["share", "longest", "mean"]
    assert siting["objective"] == siting["stages"][-1]["value"]
    facts = {label.en: value for label, value in siting_facts(several)}
    assert "weighted residents" in facts["objective 1: residents within the norm"].en
    assert facts["each but the last may be worse by"].zh == "5.0%"
    assert "the objectives before it kept" in siting_status(siting).en
    assert "前面各级目标得到保证" in siting_status(siting).zh


def test_reasons_are_told_in_the_most_important_objective(several):
    reasons = several.layers["room_reasons"]
    assert reasons["closing_objective"].notna().all()
    assert tables(several)["reasons"]["closing_objective"].str.contains("weighted residents").all()
    false = reasons.assign(closing_objective=reasons["closing_objective"] + 1e5)
    assert "closing_differs" in rules_of(several, room_reasons=false)


def test_a_next_best_site_keeps_the_least_share():
    walks = [[900, 100, 510, 100], [900, 100, 510, 900], [900, 100, 510, 900]]
    asked = question(walks, [10, 10, 10], 3)
    opened = asked.at(["k0", "r0"])
    found = [
        room_reasons(asked, opened, least_within=least).iloc[0]["next_site_id"]
        for least in (0.0, 10.0, 20.0)
    ]
    assert found == ["r1", "r2", None]


def test_a_next_best_site_is_one_that_the_budget_pays_for():
    walks = [[900, 100, 110, 120, 130, 140]] * 3
    # r1 has no cost that is known, r2 costs too much beside the other room.
    cost = {"r0": 5.0, "r2": 8.0, "r3": 6.0, "r4": 4.0}
    asked = question(walks, [10, 10, 10], 5, cost=cost)
    opened = asked.at(["k0", "r0", "r4"])
    found = [
        room_reasons(asked, opened, budget=budget).set_index("site_id")["next_site_id"]["r0"]
        for budget in (math.inf, 12.0, 10.0, 9.0)
    ]
    assert found == ["r1", "r2", "r3", None]


def test_a_run_tells_no_next_best_site_beyond_its_budget(tmp_path):
    plan = planned(tmp_path, "siting.budget=120000")
    cost = plan.place.sites.set_index("site_id")["cost"]
    named = plan.layers["room_reasons"]["next_site_id"].dropna()
    assert len(plan.layers["room_reasons"]) > 0
    assert (cost.reindex(named) <= 120_000).all()


@pytest.mark.parametrize("times", [1, 2])
def test_everybody_is_within_the_norm_whatever_a_group_weighs(times):
    walks = [[900, 100, 400, 450], [900, 900, 400, 450]]
    asked = replace(question(walks, [10, 10], 3), weights=np.array([10.0, 0.0]))
    found = fewest_rooms(asked, radius_m=500.0, backup=times)
    near = asked.metres[:, asked.at(found.sites)] <= 500.0
    assert (near.sum(axis=1) >= times).all()
    assert (len(found.sites), found.status) == (times, "proven")


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("required", [(), ("r1",)])
def test_nothing_is_opened_where_nobody_is_within_the_norm_of_anything(times, required):
    asked = question([[900, 700], [800, FAR], [100, 100]], [10, 5, 0], 2, required=required)
    assert not len(asked.fixed)
    found = fewest_rooms(asked, radius_m=500.0, backup=times)
    assert (found.sites, found.status) == (required, "proven")
    assert (found.objective, found.bound) == (len(required), len(required))
    [note] = nobody_near_notes(asked)
    assert note.ids == ("d0", "d1")
    assert "within 500 m of any of 2 homes with 15 residents (d0, d1)" in note.message.en
    assert "2 个住处（共 15 人，d0、d1）在 500 米内均无场所或候选场地" in note.message.zh


def test_numbers_by_community_hold_where_nobody_is_within_the_norm_and_one_in_reach_is_no_note():
    asked = question([[900, 700]], [10], 2)
    counts = RoomCounts(community_of={"r0": "a", "r1": "b"}, at_most={"a": 1})
    assert fewest_rooms(replace(asked, counts=counts), radius_m=500.0).sites == ()
    atleast = replace(counts, at_least={"a": 1})
    assert fewest_rooms(replace(asked, counts=atleast), radius_m=500.0, backup=2).sites == ("r0",)
    assert nobody_near_notes(question([[900, 500]], [10], 2)) == []


def test_stages_that_do_not_hold_are_found(several):
    siting = several.summary["siting"]
    layers = {**several.layers, "in_sites": several.place.sites}
    for place, change in (
        (0, {"value": 1.0}),
        (1, {"best": 1.0}),
        (1, {"bound": 1e9}),
        (2, {"bound": 0.0}),
    ):
        stages = [dict(one) for one in siting["stages"]]
        stages[place] |= change
        false = {**several.summary, "siting": {**siting, "stages": stages}}
        [said] = verify_plan(layers, false).of_rule("stage_differs")
        assert said.ids == (siting["stages"][place]["objective"],), change


def test_the_frontier_of_a_run_is_a_table_and_a_figure(several):
    table = several.layers["trade_offs"]
    assert len(table) >= 1
    shown = tables(several)["trade_offs"]
    assert shown["first_value"].str.contains(" m").all()
    assert shown["second_value"].str.contains("weighted resident-metres").all()
    name = drawings.FIGURES[6]
    assert drawings.alt_text(several, name).zh
    better = table.assign(first=table["first"] - 5.0, second=table["second"] - 900.0)
    from pandas import concat

    beaten = concat([table, better], ignore_index=True)
    assert "trade_off_beaten" in rules_of(several, trade_offs=beaten)
    assert "frontier_bound" in rules_of(several, trade_offs=table.assign(bound=1e12))


def test_backup_and_the_least_share_of_a_run_are_verified(tmp_path):
    plan = planned(tmp_path / "b", 'siting.answer="B"', "siting.backup=2")
    assert rules_of(plan) == set()
    options = plan.layers["room_options"]
    assert options["backup"].notna().all()
    assert "backup_differs" in rules_of(plan, room_options=options.assign(backup=3))
    assert "backup" in tables(plan)["options"]
    said = answer_name(plan, "B")
    assert said.en.endswith("all whom a site can, 2 places for each home, or as many as can be")
    assert said.zh.endswith("，每处住房有 2 处场所（不足者尽量多）")
    share = planned(tmp_path / "s", "siting.least_share=0.7")
    assert rules_of(share) == set()
    far = share.layers["demand"].assign(room_m=900.0)
    assert "siting_share" in rules_of(share, demand=far)
    assert "at least 70.0 % within the norm" in siting_status(share.summary["siting"]).en
