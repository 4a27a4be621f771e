"""What answer C makes as good as it can: each objective against all choices, ties, whole runs."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan import pipeline
from gridplan.access import kolm_pollak_ede
from gridplan.config import parse_config
from gridplan.errors import InfeasibleError, InputError, SettingsError
from gridplan.present.tables_rooms import decisions_table as printed_decisions
from gridplan.present.tables_rooms import options_table as printed_options
from gridplan.present.words import bound_label, siting_status
from gridplan.project.read import read_project
from gridplan.rooms import (
    MAXIMISED,
    MODELS,
    Answer,
    Asked,
    Decision,
    Sharing,
    answer,
    decisions_table,
    make_question,
    rooms_for,
)
from gridplan.rooms.lower_walk import Kept, less_walk
from gridplan.rooms.objectives import SHARE, most_within_budget
from gridplan.rooms.question import walks_to
from gridplan.siting import Limits, RoomProblem
from gridplan.siting.assessment import weighted_quantile
from gridplan.verify import check_claims, verify_plan
from tests import tiny

FAR = math.inf
OBJECTIVES = tuple(MODELS)


def question(
    metres, residents, new, *, cost=None, norm_m=500.0, weights=None, required=(), forbidden=()
):
    """Sites are called ``k0…`` (open) and ``r0…`` (candidates), in the order of the columns."""
    walks = np.array(metres, dtype=float)
    opened = walks.shape[1] - new
    ids = [f"k{j}" for j in range(opened)] + [f"r{j}" for j in range(new)]
    problem = RoomProblem(
        metres=walks,
        demand_ids=[f"d{i}" for i in range(len(walks))],
        site_ids=ids,
        residents=np.array(residents, dtype=float),
        candidates=ids[opened:],
        required=required,
        forbidden=forbidden,
        weights=None if weights is None else np.array(weights, dtype=float),
    )
    costs = pd.Series(cost or {}, dtype=float)
    return make_question(problem, costs, norm_m=norm_m, limits=Limits(work=20_000))


def random_question(seed, *, new=6, cost=None):
    """Return a question of nine homes; some reach a candidate only, some reach nothing."""
    rng = np.random.default_rng(seed)
    walks = rng.integers(1, 12, (9, new + 1)).astype(float) * 100
    walks[rng.random(walks.shape) < 0.15] = FAR
    walks[:, 0] = np.where(np.isfinite(walks[:, 0]), walks[:, 0], 1500.0)
    if seed % 3 == 0:
        walks[-1] = FAR
    residents = rng.integers(0, 40, 9)
    residents[0] = 7
    return question(walks, residents, new, cost=cost)


def value(asked, sites, objective):
    """Return the value of a choice, by the definition of its objective."""
    may = np.concatenate([asked.fixed, asked.free])
    rows = np.isfinite(asked.nearest_m(may)) & (asked.counted > 0)
    opened = np.concatenate([asked.fixed, asked.at(sites)])
    walks, counted = asked.nearest_m(opened)[rows], asked.counted[rows]
    if objective == "share":
        return counted[walks <= asked.norm_m].sum()
    if objective == "longest":
        return walks.max(initial=0.0)
    if objective == "p90":
        return weighted_quantile(walks, counted, SHARE)
    if not np.isfinite(walks).all():
        return FAR
    if objective == "mean":
        return float((walks * counted).sum())
    today = asked.nearest_m(asked.fixed)
    known = np.isfinite(today) & (asked.counted > 0)
    people, today = asked.counted[known], today[known]
    kappa = asked.aversion * (people @ today) / (people @ today**2)
    return math.log((counted @ np.exp(kappa * walks)) / counted.sum()) / kappa


def walked(asked, sites):
    """Return the total walk of a choice."""
    opened = np.concatenate([asked.fixed, asked.at(sites)])
    near = asked.nearest_m(opened)
    return float((np.minimum(near, 1e6) * asked.counted).sum())


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), p_new=st.integers(1, 4))
def test_each_objective_equals_the_best_of_all_choices(objective, seed, p_new):
    asked = random_question(seed)
    chosen, _ = rooms_for(asked, p_new, objective=objective)
    names = sorted(asked.candidates)
    values = [value(asked, one, objective) for one in itertools.combinations(names, p_new)]
    best = max(values) if objective == "share" else min(values)
    assert chosen.model == MODELS[objective]
    assert chosen.status == "proven"
    assert len(chosen.sites) == p_new
    assert chosen.objective == pytest.approx(best, rel=1e-9)
    assert chosen.objective == pytest.approx(value(asked, chosen.sites, objective), rel=1e-9)
    above = chosen.bound - best
    assert (above if chosen.model in MAXIMISED else -above) >= -1e-6 * max(abs(best), 1.0)


@pytest.mark.parametrize("objective", ["share", "longest", "p90"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_of_equal_choices_no_single_swap_walks_less(objective, seed):
    asked = random_question(seed)
    chosen, solved = rooms_for(asked, 3, objective=objective)
    before = [one for one in solved.sites if one in asked.candidates]
    assert walked(asked, chosen.sites) <= walked(asked, before) * (1 + 1e-12)
    best = value(asked, chosen.sites, objective)
    for out, into in itertools.product(chosen.sites, sorted(asked.candidates)):
        if into in chosen.sites:
            continue
        swapped = [into if one == out else one for one in chosen.sites]
        if value(asked, swapped, objective) == pytest.approx(best):
            assert walked(asked, swapped) >= walked(asked, chosen.sites) * (1 - 1e-9)


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_decision_makes_an_objective_better(objective, seed):
    rng = np.random.default_rng(seed)
    walks, people = rng.integers(0, 20, (9, 7)) * 100, rng.integers(0, 40, 9) + 1
    asked = question(walks, people, 6, required=["r0"], forbidden=["r1"])

    def solve(one):
        return Answer("C", rooms_for(one, 2, objective=objective)[0])

    log = [
        Decision(site_id="r0", decision="required"),
        Decision(site_id="r1", decision="forbidden"),
    ]
    table = decisions_table(asked, log, solve(asked), solve=solve)
    # The last row is the price of both together.
    assert table["price_status"].tolist() == ["proven"] * 3
    assert (table["price_objective"] >= -1e-6).all()


def test_a_required_room_is_kept_by_every_objective_and_by_the_interchanges():
    walks = [[900, 100, 120, 800], [900, 100, 110, 800], [900, 700, 700, 100]]
    asked = question(walks, [10, 10, 1], 3, required=["r1"])
    for objective in OBJECTIVES:
        chosen, _ = rooms_for(asked, 2, objective=objective)
        assert "r1" in chosen.sites, objective


def test_with_no_new_room_today_is_the_answer_of_every_objective():
    asked = question([[100, 50], [700, 20]], [3, 4], 1)
    for objective in OBJECTIVES:
        chosen, _ = rooms_for(asked, 0, objective=objective)
        assert (chosen.sites, chosen.status) == ((), "proven")
        assert chosen.objective == pytest.approx(
            2 * 50 + 700 * 4 + 200 if objective == "mean" else value(asked, (), objective)
        )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_with_no_new_room_whom_only_candidates_reach_is_left_out(objective):
    asked = question([[100, 50], [700, 20], [FAR, 10]], [3, 4, 50], 1)
    plain = question([[100, 50], [700, 20]], [3, 4], 1)
    left_out, without = (rooms_for(one, 0, objective=objective)[0] for one in (asked, plain))
    assert left_out.status == "proven"
    assert left_out.objective == without.objective
    assert left_out.basis.get("weight", 7.0) == 7.0


def test_the_equivalent_walk_is_measured_with_one_aversion_per_metre():
    asked = random_question(11)
    today = asked.nearest_m(asked.fixed)
    rows = np.isfinite(today)
    # With no new room the plan's own walks set the aversion, as the usual figure has it.
    usual = kolm_pollak_ede(today[rows], asked.residents[rows])
    assert walks_to(asked, asked.fixed).ede_m == pytest.approx(usual)
    chosen, _ = rooms_for(asked, 6, objective="ede")
    opened = np.concatenate([asked.fixed, asked.at(chosen.sites)])
    assert chosen.basis["kappa"] == asked.kappa_per_m
    assert walks_to(asked, opened).ede_m == pytest.approx(chosen.objective)
    # Neither a decision nor a site more changes it.
    decided = replace(asked, required=frozenset({"r1"}), forbidden=frozenset({"r2"}))
    assert decided.kappa_per_m == asked.kappa_per_m


def test_where_nobody_has_a_walk_today_the_aversion_is_that_of_all_sites():
    asked = question([[FAR, 100, 300], [FAR, 300, 200]], [3, 4], 2)
    assert asked.kappa_per_m == pytest.approx(1100 / (3 * 100**2 + 4 * 200**2))
    # Everybody stands at a site: any length serves.
    assert question([[FAR, 0], [FAR, 0]], [3, 4], 1).kappa_per_m == pytest.approx(1e-3)


@pytest.mark.parametrize("objective", ["mean", "longest", "ede"])
def test_too_few_rooms_for_separate_parts_are_refused_where_everybody_counts(objective):
    walks = [[100, FAR, FAR], [FAR, 100, FAR], [FAR, FAR, 100]]
    with pytest.raises(InfeasibleError, match="Raise p to 2 or more"):
        rooms_for(question(walks, [5, 6, 7], 2), 1, objective=objective)


def test_the_share_takes_the_part_with_most_residents_instead():
    walks = [[100, FAR, FAR], [FAR, 100, FAR], [FAR, FAR, 100]]
    chosen, _ = rooms_for(question(walks, [5, 6, 7], 2), 1, objective="share")
    assert (chosen.sites, chosen.objective, chosen.bound) == (("r1",), 12.0, 12.0)


def test_nobody_reached_is_infeasible_with_every_objective():
    for objective in OBJECTIVES:
        chosen, _ = rooms_for(question([[FAR, FAR]], [4], 1), 1, objective=objective)
        assert (chosen.sites, chosen.status) == ((), "infeasible")


def test_row_order_changes_no_choice():
    asked = random_question(5)
    turned = question(asked.metres[::-1], asked.residents[::-1], 6)
    for objective in OBJECTIVES:
        first, second = (rooms_for(one, 3, objective=objective)[0] for one in (asked, turned))
        assert first.sites == second.sites
        assert first.objective == pytest.approx(second.objective, rel=1e-12)


# A budget


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), budget=st.integers(1, 20))
def test_a_budget_for_the_share_equals_the_best_of_all_affordable_choices(seed, budget):
    rng = np.random.default_rng(seed)
    cost = {f"r{j}": float(rng.integers(1, 9)) for j in range(6) if j != seed % 7}
    asked = random_question(seed, cost=cost)
    chosen = most_within_budget(asked, float(budget))
    best = max(
        value(asked, one, "share")
        for size in range(7)
        for one in itertools.combinations(sorted(cost), size)
        if sum(cost[site] for site in one) <= budget
    )
    assert (chosen.objective, chosen.status) == (best, "proven")
    assert asked.cost_of(chosen.sites) <= budget
    left = budget - asked.cost_of(chosen.sites)
    for site in sorted(set(cost) - set(chosen.sites)):
        if cost[site] <= left:
            assert walked(asked, [*chosen.sites, site]) == pytest.approx(
                walked(asked, chosen.sites)
            )


def test_a_budget_without_costs_is_refused():
    with pytest.raises(InputError, match="these sites have no cost: r0"):
        most_within_budget(question([[100, 50]], [3], 1), 5.0)


def test_an_answer_by_budget_and_share_says_its_model():
    asked = question([[900, 100, 900], [900, 900, 200]], [3, 8], 2, cost={"r0": 2.0, "r1": 5.0})
    wanted = Asked(
        rooms=1, objective="share", budget=5.0, sharing=Sharing(households=0, within_m=1)
    )
    found = answer(asked, None, "C", asked=wanted)
    assert (found.chosen.model, found.chosen.sites) == ("mclp", ("r1",))


def test_interchanges_leave_large_questions_alone(monkeypatch):
    monkeypatch.setattr("gridplan.rooms.lower_walk._MOST_PAIRS", 1)
    asked = random_question(3)
    assert less_walk(asked, ("r3", "r1"), kept=Kept(radius_m=1.0, weight=0.0)) == ("r1", "r3")


# Whole runs


@pytest.mark.parametrize(
    ("siting", "en", "zh"),
    [
        ({"objective": "median"}, "'mean', 'share'", ""),
    ],
)
def test_an_objective_that_cannot_be_meant_is_refused(siting, en, zh):
    place = {"name": "A", "as_of": "2026-01-31", "population": 5}
    with pytest.raises(SettingsError) as caught:
        parse_config({"place": place, "siting": siting})
    assert len(caught.value.faults) == 1
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    path = tiny.write(tmp_path_factory.mktemp("objectives") / "town")
    made = {}
    for objective in OBJECTIVES:
        place, config = read_project(path, overrides=[f'siting.objective="{objective}"'])
        made[objective] = pipeline.run(place, config)
    return made


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_run_follows_its_objective_and_the_verifier_agrees(plans, objective):
    plan = plans[objective]
    siting = plan.summary["siting"]
    assert siting["model"] == MODELS[objective]
    assert siting["bound"] == siting["lower_bound"]
    assert siting["sense"] == ("maximise" if objective == "share" else "minimise")
    report = verify_plan({**plan.layers, "in_sites": plan.place.sites}, plan.summary)
    assert [one.message.en for one in report.findings if one.severity == "hard"] == []
    assert "objective_unchecked" not in {one.rule for one in report.findings}
    claims = check_claims(siting, plan.layers["demand"])
    assert claims.figures["siting_objective"] == pytest.approx(siting["objective"])
    row = plan.layers["room_options"].set_index("answer").loc["C"]
    assert row["objective"] == pytest.approx(siting["objective"])
    after = plan.summary["access_after"]
    if objective == "p90":
        assert after["p90_m"] == pytest.approx(siting["objective"])
    if objective == "longest":
        assert after["max_m"] == pytest.approx(siting["objective"])
    if objective == "share":
        everybody = plan.summary["residents"]
        assert after["within"]["500"] * everybody == pytest.approx(siting["objective"])


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("change", ["objective", "bound"])
def test_a_wrong_claim_is_found(plans, objective, change):
    siting = dict(plans[objective].summary["siting"])
    worse = 0.9 if objective == "share" else 1.1
    if change == "objective":
        siting["objective"] *= worse
        wrong = {"objective_differs", "gap_wrong", "status_unproven"}
    else:
        siting["lower_bound"] *= worse
        wrong = {"bound_wrong", "gap_wrong", "status_unproven"}
    rules = {one.rule for one in check_claims(siting, plans[objective].layers["demand"]).findings}
    assert rules == wrong


def test_what_a_claim_needs_and_does_not_have_is_told(plans):
    demand = plans["p90"].layers["demand"]
    for objective, key in (("share", "radius_m"), ("p90", "weight"), ("ede", "kappa")):
        siting = {**plans[objective].summary["siting"], key: None}
        rules = {
            one.rule for one in check_claims(siting, plans[objective].layers["demand"]).findings
        }
        assert "objective_unchecked" in rules
    more = {**plans["p90"].summary["siting"], "weight": 1e9}
    assert "objective_differs" in {one.rule for one in check_claims(more, demand).findings}


def test_the_report_names_what_is_proven_and_which_bound_it_is(plans):
    said = {key: siting_status(plan.summary["siting"]).en for key, plan in plans.items()}
    assert "the most residents within the norm" in said["share"]
    assert "the shortest longest walk" in said["longest"]
    assert len(set(said.values())) == len(said)
    assert (bound_label("mclp").zh, bound_label("p-center").zh) == ("上界", "下界")
    proof = printed_options(plans["share"])["proof"].iloc[-1]
    assert proof.en == "most within the norm: proven"


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_decision_is_priced_in_the_unit_of_its_objective(plans, tmp_path, objective):
    free = plans[objective]
    [best] = free.layers["room_options"].set_index("answer").loc["C", "sites"].split()
    toml = f"""{tiny.TOML}objective = "{objective}"
[[siting.decisions]]
site_id = "{best}"
decision = "forbidden"
asked_by = "城建科"
reason = "拟拆除"
date = 2026-05-11
"""
    place, config = read_project(tiny.write(tmp_path / "town", toml=toml))
    plan = pipeline.run(place, config)
    [row] = plan.layers["decisions"].to_dict("records")
    ours, theirs = (one.summary["siting"]["objective"] for one in (plan, free))
    worse = theirs - ours if objective == "share" else ours - theirs
    assert row["price_objective"] == pytest.approx(worse)
    assert row["price_objective"] >= 0
    printed = printed_decisions(plan)["price_objective"].iloc[0]
    unit = {"mean": None, "share": "人"}.get(objective, "米")
    assert printed is None if unit is None else printed.zh.endswith(unit)
