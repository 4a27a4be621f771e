"""Reasons in the objective that chose the plan, moves as one decision, prices that make sense."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.config import parse_config
from gridplan.errors import SettingsError
from gridplan.present.below_zero import below_zero
from gridplan.present.tables_rooms import reasons_table
from gridplan.present.tabulation import heading, tables
from gridplan.present.words import siting_status
from gridplan.rooms import (
    Answer,
    Asked,
    Chosen,
    Decision,
    Sharing,
    answer,
    decisions_table,
    room_reasons,
)
from gridplan.rooms.objectives import MODELS, rooms_for
from gridplan.siting.assessment import weighted_quantile
from gridplan.verify import verify_plan
from tests.test_rooms import question, random_question
from tests.test_rooms_run import DECISION, PLACE, decided, planned

FAR = math.inf
OBJECTIVES = tuple(MODELS)


def objective_of(asked, objective, walks):
    """The value of some walks by its definition; homes that no place reached are left out."""
    if objective == "mean":
        return float((walks * asked.residents).sum())
    if objective == "share":
        return float(asked.residents[walks <= asked.norm_m].sum())
    if objective == "longest":
        return float(walks[asked.residents > 0].max(initial=0.0))
    if objective == "p90":
        return weighted_quantile(walks, asked.residents, 0.9)
    kappa = asked.kappa_per_m
    return math.log((asked.residents * np.exp(kappa * walks)).sum() / asked.residents.sum()) / kappa


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), objective=st.sampled_from(OBJECTIVES))
def test_closing_and_moving_are_told_in_the_objective(seed, objective):
    asked = random_question(seed, unreachable=0.0)
    if not asked.residents.any():
        return
    new = rooms_for(asked, 2, objective=objective)[0].sites
    opened = np.sort(np.concatenate([asked.fixed, asked.at(new)]))
    sign = -1.0 if objective == "share" else 1.0

    def worth(sites, stands=("k0",)):
        return objective_of(asked, objective, asked.nearest_m(asked.at([*stands, *sites])))

    table = room_reasons(asked, opened, objective=objective).set_index("site_id")
    assert table.index.tolist() == [*sorted(new), "k0"]
    shut = sign * (worth(new, stands=()) - worth(new))
    assert table.loc["k0", "closing_objective"] == pytest.approx(shut, abs=1e-6)
    for site, row in table.drop(index="k0").iterrows():
        rest = [one for one in new if one != site]
        shut = sign * (worth(rest) - worth(new))
        assert row["closing_objective"] == pytest.approx(shut, abs=1e-6)
        assert row["closing_objective"] >= -1e-6
        moves = {
            one: sign * (worth([*rest, one]) - worth(new)) for one in asked.candidates - set(new)
        }
        assert row["next_objective"] == pytest.approx(min(moves.values()), abs=1e-6)
        assert moves[row["next_site_id"]] == pytest.approx(min(moves.values()), abs=1e-6)
        # The plan is the best of its number: no move makes it better.
        assert row["next_objective"] >= -1e-6


def test_the_next_best_site_is_another_by_share_than_by_mean():
    walks = [[3000, 100, 450, 900], [3000, 100, 450, 900], [3000, 400, 2000, 600]]
    asked = question(walks, [10, 10, 30], 3)
    opened = asked.at(["k0", "r0"])
    by = {one: room_reasons(asked, opened, objective=one).iloc[0] for one in ("mean", "share")}
    assert (by["mean"]["next_site_id"], by["share"]["next_site_id"]) == ("r2", "r1")
    assert (by["share"]["closing_objective"], by["share"]["next_objective"]) == (50.0, 30.0)


def test_an_objective_that_would_have_no_value_is_not_told():
    asked = question([[100, 200], [FAR, 100]], [5, 5], 1)
    for objective in ("longest", "ede", "p90"):
        row = room_reasons(asked, asked.at(["k0", "r0"]), objective=objective).iloc[0]
        assert math.isnan(row["closing_objective"])
        assert row["closing_stranded"] == 5
    silent = room_reasons(asked, asked.at(["k0", "r0"]), objective="share", told=False)
    assert silent[["closing_objective", "next_objective"]].isna().all(axis=None)


def test_reaching_somebody_comes_before_any_objective():
    walks = [[FAR, 100, 900, 120], [100, 50, 60, 50], [FAR, 200, 900, FAR]]
    asked = question(walks, [10, 10, 1], 3)
    for objective in OBJECTIVES:
        row = room_reasons(asked, asked.at(["k0", "r0"]), objective=objective).iloc[0]
        assert row["next_site_id"] == "r1", objective


# Decisions


def one_answer(rooms=2, objective="mean"):
    asked_for = Asked(
        rooms=rooms, objective=objective, sharing=Sharing(households=1.0, within_m=500.0)
    )
    return lambda asked: answer(asked, None, "C", asked=asked_for)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), objective=st.sampled_from(OBJECTIVES))
def test_a_move_has_one_price_the_plan_against_that_without_it(seed, objective):
    free = random_question(seed, unreachable=0.0)
    solve = one_answer(objective=objective)
    best = solve(free)
    given_up, *_ = best.chosen.sites
    to = next(one for one in sorted(free.candidates) if one not in best.chosen.sites)
    move = Decision(site_id=to, decision="moved", moved_from=given_up, asked_by="x")
    moved = question(free.metres, free.residents, 6, required=move.required,
                     forbidden=move.forbidden)  # fmt: skip
    found = solve(moved)
    assert to in found.chosen.sites
    assert given_up not in found.chosen.sites
    table = decisions_table(moved, [move], found, solve=solve)
    [row] = table.to_dict("records")
    assert (row["site_id"], row["moved_from"], row["asked_by"]) == (to, given_up, "x")
    sign = -1.0 if objective == "share" else 1.0
    price = sign * (found.chosen.objective - best.chosen.objective)
    assert row["price_objective"] == pytest.approx(price, abs=1e-6)
    assert row["price_objective"] >= -1e-6


@pytest.mark.parametrize("objective", ["mean", "longest", "p90", "ede"])
def test_where_the_forbidden_site_alone_reaches_somebody_no_price_is_made_up(objective):
    walks = [[100, 300, 200], [FAR, FAR, 900], [400, 100, 300]]
    asked = question(walks, [10, 10, 10], 2, forbidden=["r1"])
    solve = one_answer(rooms=1, objective=objective)
    ban = Decision(site_id="r1", decision="forbidden")
    [row] = decisions_table(asked, [ban], solve(asked), solve=solve).to_dict("records")
    assert math.isnan(row["price_objective"])
    assert row["price_reason"] == "homes_differ"


def test_no_price_is_told_where_a_ban_lowers_how_often_homes_are_covered():
    walks = [[900, 100, 300, 200], [900, 400, 100, 900]]
    asked = question(walks, [10, 10], 3, forbidden=["r1"])
    sharing = Sharing(households=1.0, within_m=500.0)
    for times, told in ((1, True), (2, False)):
        wanted = Asked(rooms=1, backup=times, sharing=sharing)
        solve = functools.partial(answer, estates=None, key="B", asked=wanted)
        ban = Decision(site_id="r1", decision="forbidden")
        found = solve(asked)
        table = decisions_table(asked, [ban], found, solve=solve, backup=times)
        assert table["price_objective"].notna().tolist() == [told]
        assert table["price_rooms"].notna().tolist() == [told]
        assert table["price_reason"].tolist() == [None if told else "homes_differ"]


def test_with_a_budget_the_homes_are_those_that_sites_with_a_cost_reach():
    # r0 reaches the second home as r1 does, but has no cost.
    walks = [[100, 300, 200], [FAR, 900, 900], [400, 100, 300]]
    asked = question(walks, [10, 10, 10], 2, cost={"r1": 5.0}, forbidden=["r1"])
    priced = replace(asked, cost=asked.cost.fillna(3.0), forbidden=frozenset({"r1"}))
    ban = Decision(site_id="r1", decision="forbidden")
    wanted = Asked(rooms=1, budget=9.0, sharing=Sharing(households=1.0, within_m=500.0))
    nothing = Answer("C", Chosen((), "p-median", 5e3, 5e3, 0.0, "proven", None))
    told = [
        decisions_table(one, [ban], nothing, solve=lambda _: nothing, budget=wanted.budget)[
            "price_reason"
        ].tolist()
        for one in (asked, priced)
    ]
    assert told == [["homes_differ"], [None]]


def test_the_share_is_of_everybody_and_always_has_a_price():
    walks = [[100, 300, 200], [FAR, FAR, 400], [900, 700, 900]]
    asked = question(walks, [10, 10, 10], 2, forbidden=["r1"])
    solve = one_answer(rooms=1, objective="share")
    ban = Decision(site_id="r1", decision="forbidden")
    [row] = decisions_table(asked, [ban], solve(asked), solve=solve).to_dict("records")
    assert (row["price_objective"], row["price_reason"]) == (10.0, None)


@pytest.mark.parametrize(
    ("change", "en", "zh"),
    [
        ({"decision": "moved"}, 'r3 has "moved" without `moved_from`', "缺少"),
        ({"moved_from": "r2"}, 'r3 has "required" with `moved_from`', "却填了"),
        ({"decision": "moved", "moved_from": "r3"}, "r3 is moved to itself", "改设到自身"),
        ({"decision": "moved", "moved_from": " "}, "it should say something", "不能为空"),
    ],
)
def test_a_move_that_cannot_be_meant_is_refused(change, en, zh):
    with pytest.raises(SettingsError) as caught:
        parse_config({"place": PLACE, "siting": {"decisions": [{**DECISION, **change}]}})
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


def test_a_site_that_is_given_up_has_no_second_decision():
    both = [{**DECISION, "decision": "moved", "moved_from": "r2"}, {**DECISION, "site_id": "r2"}]
    with pytest.raises(SettingsError, match="but r2 has several"):
        parse_config({"place": PLACE, "siting": {"decisions": both}})


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moved")
    best = planned(folder / "free").layers["room_options"].set_index("answer").loc["C", "sites"]
    other = {"r2": "r3", "r3": "r2"}[best]
    move = {**DECISION, "site_id": other, "decision": "moved", "moved_from": best}
    return planned(folder / "kept", 'siting.objective="share"', toml=decided(move)), other, best


def test_a_move_is_one_row_of_the_log_in_a_run_and_the_report(moved):
    plan, to, given_up = moved
    [row] = plan.layers["decisions"].to_dict("records")
    assert (row["site_id"], row["moved_from"], row["decision"]) == (to, given_up, "moved")
    assert row["asked_by"] == DECISION["asked_by"]
    assert row["price_objective"] >= 0
    assert plan.summary["siting"]["moves"] == [{"from": given_up, "to": to}]
    shown = tables(plan)["decisions"].iloc[0]
    assert shown["moved_from"].startswith(given_up)
    assert "residents" in shown["price_objective"]
    assert heading(plan, "open_without").en == "open without it"
    assert "1 decision on a site kept" in siting_status(plan.summary["siting"]).en
    kinds = tables(plan)["rooms"].set_index("site_id")["kind"]
    assert f"moved from {given_up}" in kinds[to]
    assert f"由 {given_up} 改设" in kinds[to]


def rules_of(plan, **layers):
    found = verify_plan({**plan.layers, "in_sites": plan.place.sites, **layers}, plan.summary)
    return {one.rule for one in found.findings if one.severity == "hard"}


def test_reasons_and_decisions_are_checked_from_the_nearest_places(moved):
    plan, _, given_up = moved
    assert rules_of(plan) == set()
    reasons, log = plan.layers["room_reasons"], plan.layers["decisions"]
    assert reasons["closing_objective"].notna().all()
    for column in ("closing_walk", "closing_within", "closing_stranded", "closing_objective"):
        false = reasons.assign(**{column: reasons[column] + 1e6})
        assert "closing_differs" in rules_of(plan, room_reasons=false), column
    assert "next_breaks" in rules_of(plan, room_reasons=reasons.assign(next_site_id=given_up))
    assert "decision_lost" in rules_of(plan, decisions=log.iloc[:0])
    assert "decision_lost" in rules_of(plan, decisions=log.assign(moved_from=None))
    better = log.assign(price_objective=-50.0, price_status="proven")
    assert "price_negative" in rules_of(plan, decisions=better)
    both = log.assign(price_objective=50.0, price_reason="homes_differ")
    assert "price_negative" in rules_of(plan, decisions=both)


@pytest.mark.parametrize("objective", ["mean", "longest", "p90", "ede"])
def test_every_objective_of_a_run_passes_the_check_of_its_reasons(tmp_path, objective):
    weights = "siting.group_weights={age_60_plus=2.0}"
    plan = planned(tmp_path, f'siting.objective="{objective}"', weights)
    assert rules_of(plan) == set()
    reasons = plan.layers["room_reasons"]
    false = reasons.assign(closing_objective=reasons["closing_objective"] + 1e6)
    assert "closing_differs" in rules_of(plan, room_reasons=false)
    shown = tables(plan)["reasons"]
    unit = "weighted resident-metres" if objective == "mean" else " m"
    assert shown["closing_objective"].str.endswith(unit).all()


def test_combinations_of_moves_and_bans_are_priced_one_at_a_time():
    asked = question(
        [[900, 100, 200, 300], [900, 500, 100, 300], [900, 300, 400, 100]], [10, 10, 10], 3,
        required=["r1"], forbidden=["r0", "r2"],
    )  # fmt: skip
    solve = one_answer(rooms=1)
    move = Decision(site_id="r1", decision="moved", moved_from="r0")
    ban = Decision(site_id="r2", decision="forbidden")
    table = decisions_table(asked, [move, ban], solve(asked), solve=solve).set_index("site_id")
    totals = {
        one: float((asked.residents * asked.nearest_m(asked.at(["k0", one]))).sum())
        for one in ("r0", "r1", "r2")
    }
    without_move = min(totals["r0"], totals["r1"])
    assert table.loc["r1", "price_walk"] == pytest.approx(totals["r1"] - without_move)
    assert table.loc["r2", "price_walk"] == 0.0
    together = table[table["decision"] == "all_decisions"].iloc[0]
    assert together["price_walk"] == pytest.approx(totals["r1"] - min(totals.values()))
    assert together["price_objective"] == pytest.approx(together["price_walk"])
    assert table["decision"].iloc[-1] == "all_decisions"


def test_a_run_tells_what_all_decisions_cost_together(tmp_path):
    ban = {**DECISION, "site_id": "r2", "decision": "forbidden"}
    plan = planned(tmp_path, toml=decided(DECISION, ban))
    assert rules_of(plan) == set()
    log = plan.layers["decisions"]
    assert log["decision"].tolist() == ["forbidden", "required", "all_decisions"]
    # Either decision alone forces r3, so that only giving up both saves anything.
    assert log["price_objective"].tolist()[:2] == [0.0, 0.0]
    whole = log["price_objective"].iloc[-1]
    options = planned(tmp_path / "free").layers["room_options"].set_index("answer")["objective"]
    kept = plan.layers["room_options"].set_index("answer")["objective"]
    assert whole == pytest.approx(kept["C"] - options["C"])
    assert whole > 0
    shown = tables(plan)["decisions"]
    assert "all decisions together" in shown["decision"].iloc[-1]
    assert shown["price_km"].iloc[-1] == pytest.approx(whole / 1000)
    dearer = log.assign(price_objective=[whole + 5.0, 0.0, whole])
    assert "price_together" in rules_of(plan, decisions=dearer)
    assert "price_together" in rules_of(plan, decisions=log.iloc[[0, 1, 2, 2]])
    # A run that is older tells it of none.
    assert rules_of(plan, decisions=log.iloc[:2]) == set()


def test_a_required_room_that_would_do_better_elsewhere_says_why_it_stays(tmp_path):
    best = planned(tmp_path / "free").layers["room_options"].set_index("answer").loc["C", "sites"]
    other = {"r2": "r3", "r3": "r2"}[best]
    plan = planned(tmp_path / "kept", toml=decided({**DECISION, "site_id": other}))
    row = plan.layers["room_reasons"].set_index("site_id").loc[other]
    assert (row["next_site_id"], row["next_walk"] < 0) == (best, True)
    mark = reasons_table(plan)["mark"].iloc[0]
    assert "a decision keeps the room here" in mark.en
    assert "由决定指定" in mark.zh


@pytest.mark.parametrize(
    ("objective", "walk", "required", "status", "said"),
    [
        (0.0, 5.0, [], "proven", None),
        (-5.0, -5.0, ["a"], "gap", "a decision keeps"),
        (-5.0, 0.0, [], "gap", "not proven to be the best"),
        (-5.0, 0.0, [], "proven", "an aim or rule beside it"),
        (float("nan"), -5.0, [], "proven", "would walk less"),
    ],
)
def test_each_figure_below_zero_has_its_cause(objective, walk, required, status, said):
    table = pd.DataFrame({"site_id": ["a"], "next_objective": [objective], "next_walk": [walk]})
    plan = SimpleNamespace(summary={"siting": {"required": required, "status": status}})
    (remark,) = below_zero(plan, table)
    assert (remark is None) if said is None else (said in remark.en and "负值" in remark.zh)
