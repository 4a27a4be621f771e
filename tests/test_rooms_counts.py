"""Rooms by community, at least and at most: against all choices, whole runs, faults."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan import pipeline
from gridplan.config import parse_config
from gridplan.errors import InfeasibleError, InputError, SettingsError
from gridplan.present.keys import siting_facts
from gridplan.present.tables_sums import summary_table
from gridplan.present.words import siting_status
from gridplan.project.read import read_project
from gridplan.rooms import (
    RoomCounts,
    check_counts,
    fewest_rooms,
    make_question,
    room_counts,
    rooms_for,
    within_budget,
)
from gridplan.rooms.objectives import most_within_budget
from gridplan.siting import Limits, RoomProblem
from gridplan.verify import verify_plan
from tests import tiny
from tests.test_rooms_objectives import value

PLACE = {"name": "A", "as_of": "2026-01-31", "population": 5}
EAST, WEST = "999901001001", "999901001002"
OBJECTIVES = ("share", "longest", "p90")
"""Objectives whose solvers keep numbers by community."""


def question(seed, *, cost=None, **counts):
    """Return six candidates, three each in the communities a and b; r0 is in none."""
    rng = np.random.default_rng(seed)
    walks = rng.integers(1, 12, (9, 7)) * 100.0
    ids = ["k0", *(f"r{j}" for j in range(6))]
    where = dict(zip(ids[2:], "aabbb", strict=True))
    problem = RoomProblem(
        metres=walks,
        demand_ids=[f"d{i}" for i in range(9)],
        site_ids=ids,
        residents=rng.integers(1, 40, 9).astype(float),
        candidates=ids[1:],
    )
    return make_question(
        problem,
        pd.Series(cost or {}, dtype=float),
        norm_m=400.0,
        limits=Limits(work=20_000),
        counts=RoomCounts(community_of=where, **counts),
    )


def kept(asked, sites):
    held = pd.Series([asked.counts.community_of.get(one) for one in sites]).value_counts()
    counts = asked.counts
    return all(held.get(one, 0) >= least for one, least in counts.at_least.items()) and all(
        held.get(one, 0) <= most for one, most in counts.at_most.items()
    )


def choices(asked, size):
    every = itertools.combinations(sorted(asked.candidates), size)
    return [one for one in every if kept(asked, one)]


COUNTS = st.fixed_dictionaries(
    {
        "at_least": st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)),
        "at_most": st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)),
    }
).filter(lambda one: all(n <= one["at_most"].get(k, n) for k, n in one["at_least"].items()))


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), counts=COUNTS)
def test_the_best_choice_that_keeps_the_numbers_is_found(objective, seed, counts):
    asked = question(seed, **counts)
    allowed = choices(asked, 3)
    if not allowed:
        with pytest.raises((InfeasibleError, InputError)):
            rooms_for(asked, 3, objective=objective)
        return
    chosen, _ = rooms_for(asked, 3, objective=objective)
    values = [value(asked, one, objective) for one in allowed]
    best = max(values) if objective == "share" else min(values)
    assert kept(asked, chosen.sites)
    assert chosen.objective == pytest.approx(best)
    assert chosen.status == "proven"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), counts=COUNTS)
def test_the_fewest_rooms_keep_the_numbers_too(seed, counts):
    asked = question(seed, **counts)
    may = asked.metres <= asked.norm_m
    rows = may.any(axis=1)

    def covers(sites):
        opened = np.concatenate([asked.fixed, asked.at(sites)])
        return bool(may[np.ix_(np.flatnonzero(rows), opened)].any(axis=1).all())

    sizes = [size for size in range(7) if any(covers(one) for one in choices(asked, size))]
    if not sizes:
        with pytest.raises(InfeasibleError):
            fewest_rooms(asked, radius_m=asked.norm_m)
        return
    found = fewest_rooms(asked, radius_m=asked.norm_m)
    assert (found.objective, found.bound, found.status) == (sizes[0], sizes[0], "proven")
    assert kept(asked, found.sites)
    assert covers(found.sites)


@pytest.mark.parametrize(
    ("within", "objective", "best"),
    [(most_within_budget, "share", max), (within_budget, "mean", min)],
)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), counts=COUNTS, budget=st.integers(2, 12))
def test_a_budget_keeps_the_numbers(within, objective, best, seed, counts, budget):
    rng = np.random.default_rng(seed)
    cost = {f"r{j}": float(rng.integers(1, 6)) for j in range(6)}
    asked = question(seed, cost=cost, **counts)
    allowed = [
        one
        for size in range(7)
        for one in choices(asked, size)
        if sum(cost[site] for site in one) <= budget
    ]
    if not allowed:
        with pytest.raises((InfeasibleError, InputError)):
            within(asked, float(budget))
        return
    found = within(asked, float(budget))
    assert found.objective == pytest.approx(best(value(asked, one, objective) for one in allowed))
    assert found.status == "proven"
    assert kept(asked, found.sites)
    assert asked.cost_of(found.sites) <= budget


def test_with_nobody_to_bring_within_the_norm_the_numbers_alone_decide():
    asked = question(4, at_least={"a": 1})
    found = fewest_rooms(asked, radius_m=1.0)
    assert (found.objective, len(found.sites)) == (1.0, 1)
    assert kept(asked, found.sites)


# What is asked for


def test_each_stands_for_the_communities_that_are_not_named():
    found = room_counts({"r": "a"}, ["b", "a", "c"], at_least={"each": 1, "b": 0}, at_most={"c": 3})
    assert found.at_least == {"a": 1, "b": 0, "c": 1}
    assert found.at_most == {"c": 3}
    assert not RoomCounts().binding


def test_an_unknown_community_is_refused_and_the_known_are_listed():
    with pytest.raises(InputError) as caught:
        room_counts({}, ["a", "b"], at_least={"x": 1}, at_most={"y": 2, "a": 1})
    assert [one.en.split(".")[0] for one in caught.value.faults] == [
        "[siting]", "[siting]"
    ]  # fmt: skip
    assert "1 community is not in the place: x. It has a, b" in caught.value.faults[0].en
    assert "y" in caught.value.faults[1].zh


@pytest.mark.parametrize(
    ("counts", "rooms", "en", "zh"),
    [
        ({"at_least": {"a": 2}, "at_most": {"a": 1}}, 9, "above at_most in 1", "大于 at_most"),
        ({"at_least": {"a": 4}}, 9, "too few rooms and sites for at_least", "少于下限"),
        ({"at_most": {"a": 0}}, 9, "required rooms are more than at_most", "多于上限"),
        ({"at_least": {"a": 3, "b": 1}}, 2, "ask for 3 new rooms. Raise p to 3", "共需新增 3 处"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_kept_are_refused(counts, rooms, en, zh):
    where = {"e": "a", "r1": "a", "r2": "a", "r3": "b"}
    # Settings that contradict each other are at fault; sound ones that nothing meets are not.
    error = InputError if "above" in en else InfeasibleError
    with pytest.raises(error) as caught:
        check_counts(
            RoomCounts(community_of=where, **counts),
            existing=["e"],
            candidates=["r1", "r2", "r3"],
            required=[],
            rooms=rooms,
        )
    assert len(caught.value.faults) == 1
    assert caught.value.exit_status == (2 if "above" in en else 3)
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


def test_required_rooms_elsewhere_need_their_own_place_among_the_number():
    counts = RoomCounts(community_of={"r1": "a", "r2": "b"}, at_least={"a": 1})
    asked = {"existing": [], "candidates": ["r1", "r2"], "required": ["r2"]}
    check_counts(counts, rooms=2, **asked)
    check_counts(counts, rooms=None, **asked)
    check_counts(RoomCounts(), rooms=0, **asked)
    with pytest.raises(InfeasibleError, match="ask for 2 new rooms"):
        check_counts(counts, rooms=1, **asked)


@pytest.mark.parametrize(
    ("siting", "en", "zh"),
    [
        ({"at_least": {"a": -1}}, "whole and 0 or more", "非负整数"),
        ({"at_most": {"each": 1.5}}, "whole and 0 or more", "非负整数"),
        ({"at_most": {"each": True}}, "whole and 0 or more", "非负整数"),
        (
            {"at_least": {"each": 1}, "capacity": "hard", "answer": "B"},
            '`answer` is "B"; change one of the two',
            '`answer` 为 "B"；请更改其一',
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(siting, en, zh):
    with pytest.raises(SettingsError) as caught:
        parse_config({"place": PLACE, "siting": siting})
    assert len(caught.value.faults) == 1
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


# Whole runs


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny.write(tmp_path_factory.mktemp("counts") / "town")


def planned(path, *overrides):
    place, config = read_project(path, overrides=list(overrides))
    return pipeline.run(place, config)


SHARE = 'siting.objective="share"'


def hard_rules(plan, **layers):
    made = {**plan.layers, "in_sites": plan.place.sites, **layers}
    found = verify_plan(made, plan.summary).findings
    return {one.rule for one in found if one.severity == "hard"}


def test_a_run_keeps_the_numbers_of_the_settings(path):
    # r1 (existing) and r3 lie in the west, r2 in the east.
    east, west = (
        planned(path, SHARE, f'siting.at_least={{"{one}"={number}}}')
        for one, number in ((EAST, 1), (WEST, 2))
    )
    assert east.layers["room_options"].set_index("answer").loc["C", "sites"] == "r2"
    assert west.layers["room_options"].set_index("answer").loc["C", "sites"] == "r3"
    rooms = west.layers["rooms"].set_index("site_id")["community_id"]
    assert rooms.to_dict() == {"k1": EAST, "k2": WEST, "r1": WEST, "r3": WEST}
    for plan, counts in ((east, {EAST: 1}), (west, {WEST: 2})):
        assert plan.summary["siting"]["at_least"] == counts
        assert hard_rules(plan) == set()
    facts = {label.en: said for label, said in siting_facts(west)}
    assert facts["rooms by community"].en == "at least 2 in 西园社区"
    assert "and the numbers by community kept" in siting_status(west.summary["siting"]).en
    assert f"siting.at_least.{WEST}" in set(summary_table(west)["key"])


def test_each_is_told_as_each(path):
    plan = planned(path, SHARE, "siting.at_least={each=1}", "siting.at_most={each=1}")
    facts = {label.en: said for label, said in siting_facts(plan)}
    assert facts["rooms by community"].en == "at least 1 in each; at most 1 in each"
    assert facts["rooms by community"].zh == "各社区至少 1 处；各社区至多 1 处"
    # Existing rooms count, so that the one new room can only be in the east.
    assert plan.layers["room_options"].set_index("answer").loc["C", "sites"] == "r2"


def test_answer_b_keeps_them_and_answer_a_does_not_claim_to(path):
    fewest = planned(path, SHARE, 'siting.answer="B"', "siting.at_least={each=1}")
    assert fewest.layers["room_options"].set_index("answer").loc["B", "sites"] == "r2"
    assert hard_rules(fewest) == set()
    estates = planned(path, SHARE, 'siting.answer="A"', "siting.at_least={each=1}")
    assert estates.summary["siting"]["at_least"] == {}


def test_a_plan_with_too_few_rooms_somewhere_is_found(path):
    plan = planned(path, SHARE, f'siting.at_least={{"{EAST}"=1}}')
    rooms = plan.layers["rooms"]
    assert "siting_group" in hard_rules(plan, rooms=rooms[rooms["site_id"] != "r2"])
    moved = rooms.assign(community_id=rooms["community_id"].where(rooms["site_id"] != "r1", EAST))
    assert "room_elsewhere" in hard_rules(plan, rooms=moved)
    more = {**plan.summary["siting"], "at_most": {EAST: 0}}
    found = verify_plan(
        {**plan.layers, "in_sites": plan.place.sites}, {**plan.summary, "siting": more}
    )
    assert "siting_group" in {one.rule for one in found.findings}


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ('siting.at_least={"7"=1}', r"1 community is not in the place: 7"),
        (f'siting.at_least={{"{EAST}"=3}}', r"too few rooms and sites for at_least.*" + EAST),
        (
            "siting.at_least={each=2}",
            r"too few rooms and sites for at_least in 1 community: " + EAST,
        ),
    ],
)
def test_numbers_that_the_place_cannot_give_are_refused(path, override, told):
    with pytest.raises(InputError if "place" in told else InfeasibleError, match=told):
        planned(path, SHARE, override)


def test_check_refuses_an_unknown_community_too(path):
    place, config = read_project(path, overrides=['siting.at_most={"7"=1}'])
    with pytest.raises(InputError, match="1 community is not in the place: 7"):
        pipeline.rehearse(place, config)


def test_sites_outside_all_communities_count_nowhere(tmp_path):
    frames = tiny.town()
    sites = frames["sites"]
    sites["geometry"] = [sites.geometry.iloc[0], tiny.point(420, 320), sites.geometry.iloc[2]]
    path = tiny.write(tmp_path / "town", frames)
    # The east has no site any more: a greatest number there asks nothing.
    plan = planned(path, SHARE, "siting.at_most={each=1}")
    where = plan.layers["rooms"].set_index("site_id")["community_id"]
    assert where.loc["r2"] is None
    assert hard_rules(plan) == set()
    with pytest.raises(InfeasibleError, match="too few rooms and sites for at_least"):
        planned(path, SHARE, f'siting.at_least={{"{EAST}"=1}}')
