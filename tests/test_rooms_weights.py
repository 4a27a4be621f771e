"""Weights of groups in where rooms go: by hand, against all choices, whole runs, faults."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan import pipeline
from gridplan.config import parse_config
from gridplan.errors import InputError, SettingsError
from gridplan.present.keys import siting_facts, siting_notes
from gridplan.present.method import paragraphs
from gridplan.present.tables_sums import summary_table
from gridplan.present.tabulation import heading
from gridplan.present.words import siting_status
from gridplan.project.read import read_project
from gridplan.rooms import (
    MODELS,
    Extent,
    frontier_table,
    in_phases,
    planning_weights,
    rooms_for,
    within_budget,
)
from gridplan.rooms.phases import Phasing
from gridplan.verify import check_claims, verify_plan
from tests import tiny
from tests.test_rooms_objectives import question, value

PLACE = {"name": "A", "as_of": "2026-01-31", "population": 5}
RESIDENTS = np.array([10.0, 4.0, 6.0])
GROUPS = {"old": np.array([3.0, 0.0, 6.0]), "young": np.array([2.0, 4.0, 0.0])}


def test_a_resident_of_a_group_counts_its_weight_and_others_one():
    weights = planning_weights(RESIDENTS, GROUPS, {"old": 2.0, "young": 0.5})
    assert weights.tolist() == [10 + 3 - 1, 4 - 2, 6 + 6]
    assert planning_weights(RESIDENTS, GROUPS, {}) is None
    assert planning_weights(RESIDENTS, GROUPS, {"old": 1.0}).tolist() == RESIDENTS.tolist()
    assert RESIDENTS.tolist() == [10, 4, 6]


@pytest.mark.parametrize(
    ("groups", "weights", "en", "zh"),
    [
        (GROUPS, {"elderly": 2.0}, "not in the population table: elderly. It has old, young",
         "表中的人群为 old、young"),
        ({}, {"old": 2.0}, "It has no groups", "表中没有人群列"),
        ({"a": RESIDENTS, "b": RESIDENTS}, {"a": 0.0, "b": 0.0}, "3 homes would count less than",
         "权重小于 0"),
        ({"a": RESIDENTS}, {"a": 0.0}, "leave nobody who counts", "权重为 0"),
    ],
)  # fmt: skip
def test_weights_that_cannot_be_meant_are_refused(groups, weights, en, zh):
    with pytest.raises(InputError) as caught:
        planning_weights(RESIDENTS, groups, weights)
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


@pytest.mark.parametrize(
    ("weights", "told"),
    [({"old": -1}, "0 or more"), ({"old": True}, "no numbers"), ({"old": "much"}, "number")],
)
def test_a_weight_that_is_no_number_is_a_fault_of_the_settings(weights, told):
    with pytest.raises(SettingsError) as caught:
        parse_config({"place": PLACE, "siting": {"group_weights": weights}})
    assert told in caught.value.faults[0].en


# Two homes of equal residents; the weighted one decides which of two candidates is opened.
WALKS = [[900, 100, 600], [900, 600, 100]]


def test_the_weighted_home_decides_where_the_room_goes():
    plain = question(WALKS, [10, 9], 2)
    heavy = question(WALKS, [10, 9], 2, weights=[10, 18])
    assert rooms_for(plain, 1)[0].sites == ("r0",)
    assert rooms_for(heavy, 1)[0].sites == ("r1",)
    assert rooms_for(heavy, 1)[0].objective == 600 * 10 + 100 * 18
    assert in_phases(heavy, ("r0", "r1"), phasing=Phasing(rooms=1))[0] == {"r1": 1, "r0": 2}
    costs = {"r0": 1.0, "r1": 1.0}
    bought = within_budget(question(WALKS, [10, 9], 2, weights=[10, 18], cost=costs), 1.0)
    assert (bought.sites, bought.objective) == (("r1",), 7800.0)


def test_phases_and_curve_compare_weighted_walks_with_weighted_bounds():
    heavy = question(WALKS, [10, 9], 2, weights=[10, 18])
    phases = in_phases(heavy, ("r0", "r1"), phasing=Phasing(rooms=1))[1]
    assert phases["status"].tolist() == ["proven", "proven"]
    assert phases["lower_bound"].tolist() == [7800.0, 2800.0]
    # Walks themselves are not weighted.
    assert phases["mean_m"].tolist() == [pytest.approx((600 * 10 + 100 * 9) / 19), 100.0]
    curve = frontier_table(heavy, extent=Extent(rooms=2))
    assert curve["objective"].tolist() == [7800.0, 2800.0] * 2
    assert curve["status"].tolist() == ["proven"] * 4


@pytest.mark.parametrize("objective", tuple(MODELS))
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_each_weighted_objective_equals_the_best_of_all_choices(objective, seed):
    rng = np.random.default_rng(seed)
    walks = rng.integers(1, 12, (8, 6)) * 100.0
    residents = rng.integers(1, 30, 8)
    old = rng.integers(0, residents + 1)
    weights = planning_weights(residents.astype(float), {"old": old}, {"old": 2.5})
    asked = question(walks, residents, 5, weights=weights)
    chosen, _ = rooms_for(asked, 2, objective=objective)
    values = [value(asked, one, objective) for one in itertools.combinations(asked.candidates, 2)]
    best = max(values) if objective == "share" else min(values)
    assert chosen.objective == pytest.approx(best, rel=1e-9)
    assert chosen.status == "proven"


# Whole runs


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny.write(tmp_path_factory.mktemp("weights") / "town")


def planned(path, *overrides):
    place, config = read_project(path, overrides=list(overrides))
    return pipeline.run(place, config)


WEIGHTS = "siting.group_weights={age_60_plus=3.0}"


@pytest.mark.parametrize("objective", tuple(MODELS))
def test_a_weighted_run_is_verified_with_its_weights(path, objective):
    plan = planned(path, WEIGHTS, f'siting.objective="{objective}"')
    siting = plan.summary["siting"]
    assert siting["group_weights"] == {"age_60_plus": 3.0}
    report = verify_plan({**plan.layers, "in_sites": plan.place.sites}, plan.summary)
    assert [one.message.en for one in report.findings if one.severity == "hard"] == []
    claims = check_claims(siting, plan.layers["demand"])
    assert claims.figures["siting_objective"] == pytest.approx(siting["objective"])
    if objective in {"mean", "share"}:
        silent = {**siting, "group_weights": {}}
        rules = {one.rule for one in check_claims(silent, plan.layers["demand"]).findings}
        assert "objective_differs" in rules


def test_figures_of_walks_are_not_weighted_and_the_report_says_so(path):
    plan = planned(path, WEIGHTS)
    demand = plan.layers["demand"]
    people = demand["population"].to_numpy(dtype=float)
    mean = float((people * demand["room_m"]).sum() / people.sum())
    assert plan.summary["access_after"]["mean_m"] == pytest.approx(mean)
    assert plan.summary["siting"]["objective"] > mean * people.sum()
    facts = {label.en: said for label, said in siting_facts(plan)}
    assert facts["objective"].en.endswith("weighted resident-metres")
    said = siting_notes(plan)[-1]
    assert "60" in said.zh
    assert "各项步行指标均不加权" in said.zh
    assert "weighted by group" in siting_status(plan.summary["siting"]).en
    assert any("all figures of walks are unweighted" in one.en for one in paragraphs(plan))
    assert "weighted" in heading(plan, "walk_km").en
    keys = summary_table(plan).set_index("key")
    assert keys.loc["siting.group_weights.age_60_plus", "value"] == 3.0


def test_an_unknown_group_is_refused_by_run_and_by_check(path):
    place, config = read_project(path, overrides=["siting.group_weights={elderly=2.0}"])
    told = "elderly. It has age_0_14, age_15_59, age_60_plus"
    with pytest.raises(InputError, match=told):
        pipeline.run(place, config)
    with pytest.raises(InputError, match=told):
        pipeline.rehearse(place, config)
