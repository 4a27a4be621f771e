"""Which settings of rooms go together: what a run refuses, `check` refuses with the same words."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan import pipeline
from gridplan.config import parse_config
from gridplan.errors import GridplanError, InfeasibleError, InputError, SettingsError
from gridplan.present.words import choice_status
from gridplan.project.read import read_project
from gridplan.rooms import Chosen, RoomCounts, claim_of, fewest_rooms, nothing_bought_note
from gridplan.rooms.counts import check_number_of, least_cost
from gridplan.rooms.phases import Phasing, in_phases
from gridplan.steps import deciding
from gridplan.steps.work import Work
from tests import tiny
from tests.test_rooms import question, random_question
from tests.test_rooms_run import DECISION, PLACE, decided, planned

CONDITIONS = (
    "siting.at_least={each=1}", "siting.at_most={each=1}", "siting.budget=120000",
    "siting.budget=100", 'siting.capacity="hard"',
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny.write(tmp_path_factory.mktemp("combined") / "town")


@pytest.fixture(scope="module")
def until_siting(path):
    """What the steps before the siting find, which no setting of `[siting]` changes."""
    place, config = read_project(path)
    work = Work(place=place, config=config)
    for step in pipeline.STEPS[: [one.name for one in pipeline.STEPS].index("siting")]:
        step.function(work)
    return work.place, work.found


def refusal(act):
    try:
        act()
    except GridplanError as error:
        return error
    return None


def outcomes(path, until_siting, overrides):
    """The refusals of `check` and of a run, the latter up to where rooms are chosen."""
    try:
        place, config = read_project(path, overrides=["siting.frontier=1", *overrides])
    except (SettingsError, InputError) as error:
        return error, error
    managed, found = until_siting
    work = Work(place=managed, config=config, found=dict(found))
    checked = refusal(lambda: pipeline.rehearse(place, config))
    return checked, refusal(lambda: deciding.add_siting(work))


@pytest.mark.parametrize("answer", ["A", "B", "C"])
@pytest.mark.parametrize(
    "conditions",
    [*itertools.combinations(CONDITIONS, 1), *itertools.combinations(CONDITIONS, 2)],
    ids=lambda given: "+".join(re.sub(r"siting\.|[^a-z_0-9=+]", "", one) for one in given),
)
def test_check_refuses_what_a_run_refuses(path, until_siting, answer, conditions):
    for p in (1, 2):
        overrides = [f'siting.answer="{answer}"', f"siting.p={p}", *conditions]
        checked, ran = outcomes(path, until_siting, overrides)
        assert type(checked) is type(ran), (overrides, checked, ran)
        if checked is not None:
            assert checked.faults == ran.faults


@pytest.mark.parametrize("more", ["siting.least_share=0.5", 'siting.then=["ede"]'])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_and_several_objectives_go_with_what_the_solver_takes(
    path, until_siting, condition, more
):
    assert outcomes(path, until_siting, ["siting.p=1", condition, more]) == (None, None)


@pytest.mark.parametrize("objective", ["longest", "p90", "ede"])
def test_every_objective_goes_with_a_budget(path, until_siting, objective):
    budget = ["siting.budget=120000", f'siting.objective="{objective}"']
    assert outcomes(path, until_siting, budget) == (None, None)
    hard = ['siting.capacity="hard"', *budget]
    assert outcomes(path, until_siting, hard) == (None, None)


def test_numbers_by_community_that_leave_no_choice_are_refused_by_check(path, until_siting):
    checked, _ = outcomes(path, until_siting, ["siting.p=2", "siting.at_most={each=1}"])
    assert "[siting].p = 2, but at_most leaves 1 new rooms" in checked.faults[0].en
    assert "最多只能新增 1 处" in checked.faults[0].zh
    checked, _ = outcomes(path, until_siting, ["siting.budget=100", "siting.at_least={each=1}"])
    assert isinstance(checked, InfeasibleError)
    assert "those of [siting].at_least cost" in checked.faults[0].en
    assert "at_least 要求的活动室" in checked.faults[0].zh


def test_an_answer_that_is_not_followed_may_be_impossible(path, until_siting):
    overrides = ['siting.answer="B"', "siting.p=0", "siting.at_least={each=1}"]
    assert outcomes(path, until_siting, overrides) == (None, None)
    overrides = ['siting.answer="A"', "siting.p=9"]
    assert outcomes(path, until_siting, overrides) == (None, None)
    refused, _ = outcomes(path, until_siting, ["siting.p=9"])
    assert "there are 2 candidate sites" in refused.faults[0].en


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"site_id": "r9"}, "1 required site is not in `sites`: r9"),
        ({"site_id": "r1"}, "1 required site is open today and stays: r1"),
    ],
)
def test_decisions_that_cannot_be_are_refused_by_check(tmp_path, change, said):
    path = tiny.write(tmp_path / "town", toml=decided({**DECISION, **change}))
    place, config = read_project(path)
    with pytest.raises(InputError, match=said):
        pipeline.rehearse(place, config)


def test_weights_that_leave_nobody_are_refused_by_check(path):
    groups = "siting.group_weights={age_0_14=0.0, age_15_59=0.0, age_60_plus=0.0}"
    place, config = read_project(path, overrides=[groups])
    assert (
        "leave nobody who counts" in refusal(lambda: pipeline.rehearse(place, config)).faults[0].en
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_numbers_that_no_choice_keeps_are_those_that_are_refused(seed):
    rng = np.random.default_rng(seed)
    sites = [f"r{j}" for j in range(5)]
    group = {one: str(rng.choice(list("ab"))) for one in sites if rng.random() < 0.8}
    standing = tuple(one for one in sites[:2] if rng.random() < 0.5)
    offered = [one for one in sites if one not in standing]
    required = [one for one in offered if rng.random() < 0.2]
    counts = RoomCounts(
        community_of=group,
        at_least={one: int(rng.integers(0, 3)) for one in "ab" if rng.random() < 0.6},
        at_most={one: int(rng.integers(0, 3)) for one in "ab" if rng.random() < 0.6},
        existing=standing,
    )
    cost = {one: float(rng.integers(1, 9)) for one in offered}
    rooms = int(rng.integers(len(required), len(offered) + 1))

    def kept(chosen):
        held = pd.Series([group.get(one) for one in [*standing, *chosen]]).value_counts()
        least = all(held.get(one, 0) >= n for one, n in counts.at_least.items())
        return least and all(held.get(one, 0) <= n for one, n in counts.at_most.items())

    choices = [
        one
        for size in range(len(offered) + 1)
        for one in itertools.combinations(offered, size)
        if set(required) <= set(one) and kept(one)
    ]
    # What is impossible whatever the number is refused by `check_counts`, before.
    if choices:
        refused = refusal(
            lambda: check_number_of(counts, rooms=rooms, required=required, candidates=offered)
        )
        assert (refused is None) == (rooms in {len(one) for one in choices})
        least = least_cost(counts, cost, required=required)
        assert least == pytest.approx(min(sum(cost[j] for j in one) for one in choices))


# Budgets in words


def notes_of(plan, code):
    sentences = [one for one in plan.summary["caveats"] if one["key"].startswith("note_")]
    return [one for one in sentences if code in one["en"]]


def test_a_budget_that_buys_nothing_says_what_the_cheapest_room_costs(tmp_path):
    plan = planned(tmp_path, "siting.budget=100")
    assert notes_of(plan, "buys no room") == []
    [said] = [one for one in plan.summary["targets_missed"] if "buys no room" in one["en"]]
    assert said["key"] == "budget_buys_nothing"
    assert "the cheapest candidate, r2, costs 100,000 yuan" in said["en"]
    assert "造价最低的候选场地 r2 需 100,000 元" in said["zh"]
    [other] = notes_of(plan, "is not used")
    assert "[siting].p = 1 is not used: [siting].budget = 100 yuan" in other["en"]


@pytest.mark.parametrize(
    ("at_most", "proven", "en"),
    [
        ({"a": 0, "b": 0}, True, "[siting].at_most leaves none of the 2 that it pays for"),
        ({"a": 0}, True, "none that it pays for, with the numbers by community kept, makes"),
        ({}, True, "none that it pays for makes the objective better"),
        ({}, False, "none that it pays for was found to make the objective better"),
    ],
)
def test_a_budget_that_buys_nothing_says_what_binds(at_most, proven, en):
    asked = question([[100, 100, 900, 50]], [10], 3, cost={"r0": 5.0, "r1": 6.0, "r2": 99.0})
    counts = RoomCounts(community_of={"r0": "a", "r1": "b", "r2": "b"}, at_most=at_most)
    note = nothing_bought_note(replace(asked, counts=counts), 10.0, proven=proven)
    assert en in note.message.en
    assert ("at_most" in note.message.zh) == (en.startswith("[siting].at_most"))


def test_a_check_says_already_that_a_number_is_not_used(path):
    place, config = read_project(path, overrides=["siting.budget=120000"])
    said = [one.message for one in pipeline.rehearse(place, config)]
    assert any(
        "[siting].p = 1 is not used: [siting].budget = 120,000 yuan" in one.en for one in said
    )
    assert any("[siting].p = 1 未采用" in one.zh for one in said)
    place, config = read_project(path)
    assert "budget_overrides_p" not in {one.code for one in pipeline.rehearse(place, config)}


def test_a_number_that_nobody_gave_is_not_said_to_be_overridden(tmp_path):
    toml = tiny.TOML.replace("p = 1", "budget = 120000")
    plan = planned(tmp_path, toml=toml)
    assert notes_of(plan, "is not used") == []
    assert notes_of(plan, "buys no room") == []


# One gap of one choice


def test_one_choice_has_one_gap(tmp_path):
    plan = planned(tmp_path, 'siting.answer="B"')
    row = plan.layers["room_options"].set_index("answer").loc["B"]
    siting = plan.summary["siting"]
    for column in ("objective", "lower_bound", "gap"):
        assert row[column] == siting[column]
    assert row["objective"] == len(plan.layers["rooms"])


def test_the_bound_of_new_rooms_is_told_without_those_that_stand():
    asked = question([[100, 200]], [5], 1)
    chosen = Chosen(("r0",), "lscp", 4.0, 3.0, 0.25, "gap", "work")
    claim = claim_of(asked, chosen)
    assert (claim.objective, claim.bound, claim.gap) == (5.0, 4.0, 0.2)
    row = {"model": "lscp", "status": "gap", "gap": claim.gap, "objective": claim.objective,
           "lower_bound": claim.bound, "rooms_new": 4}  # fmt: skip
    said = choice_status(row, {})
    assert (said.en, said.zh) == ("not proven: 3 new rooms at least", "未证明：至少需新增 3 处")
    assert claim_of(asked, fewest_rooms(asked, radius_m=500.0)).gap == 0.0


# Phases


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), rooms=st.integers(1, 3))
def test_each_phase_brings_the_most_that_its_number_can(seed, rooms):
    asked = random_question(seed, unreachable=0.0)
    sites = sorted(asked.candidates)[:5]
    phase_of, table = in_phases(asked, sites, phasing=Phasing(rooms=rooms))
    assert sorted(phase_of) == sites
    built = []
    for row in table.itertuples():
        left = [one for one in sites if one not in built]
        walks = {
            group: float(
                (asked.residents * asked.nearest_m(asked.at(["k0", *built, *group]))).sum()
            )
            for group in itertools.combinations(left, row.rooms)
        }
        built += row.sites.split()
        now = float((asked.residents * asked.nearest_m(asked.at(["k0", *built]))).sum())
        assert now == pytest.approx(min(walks.values()))
        assert row.status == "proven" or not asked.residents.any()
    assert sorted(built) == sites


def test_two_rooms_that_are_good_together_are_built_together():
    # The middle saves most alone; with the two ends nobody needs it.
    walks = [[900, 500, 100, 900], [900, 500, 900, 100], [900, 500, 800, 800]]
    asked = question(walks, [10, 10, 2], 3)
    phase_of, _ = in_phases(asked, ["r0", "r1", "r2"], phasing=Phasing(rooms=2))
    assert phase_of == {"r1": 1, "r2": 1, "r0": 2}
    greedy, _ = in_phases(asked, ["r0", "r1", "r2"], phasing=Phasing(rooms=1))
    assert greedy["r0"] == 1


def test_sources_are_printed_as_they_were_given():
    from gridplan.present.appendix import _source

    said = _source("Plan of Suzhou, draft / 苏州规划，草案")
    assert (said.en, said.zh) == ("Plan of Suzhou, draft", "苏州规划，草案")
    config = parse_config({"place": PLACE})
    told = _source(config.all_norms["walk_10min_m"].source)
    assert told.zh == "GB 50180-2018，十分钟生活圈"
