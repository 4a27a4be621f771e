"""The least share: refused with the largest that can be had; the distance that rooms go by."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan import pipeline
from gridplan.errors import InfeasibleError
from gridplan.present import words
from gridplan.present.keys import key_figures
from gridplan.present.tabulation import heading, tables
from gridplan.project.read import read_project
from gridplan.rooms.least_share import share_bound
from gridplan.rooms.several import Wanted, several_rooms
from tests import tiny
from tests.test_rooms import question, random_question

NEAR = 'norms.room_norm_m={value=150,unit="m",source="x"}'


def shares(asked, sites):
    """The share within the norm of each choice of some sites."""
    everybody = math.fsum(asked.residents)
    for number in range(len(sites) + 1):
        for chosen in itertools.combinations(sites, number):
            near = asked.nearest_m(asked.at(["k0", *chosen])) <= asked.norm_m
            yield chosen, math.fsum(asked.residents[near]) / everybody


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), rooms=st.integers(0, 4), budget=st.floats(0, 20))
def test_no_choice_exceeds_the_bound_on_the_share(seed, rooms, budget):
    asked = random_question(seed)
    if not asked.residents.any():
        return
    by_number = share_bound(asked, rooms=rooms, budget=None)
    by_budget = share_bound(asked, rooms=0, budget=budget)
    for chosen, share in shares(asked, sorted(asked.candidates)):
        if len(chosen) <= rooms:
            assert share <= by_number + 1e-9
        if asked.cost_of(chosen) <= budget:
            assert share <= by_budget + 1e-9


@pytest.mark.parametrize(("rooms", "budget"), [(1, None), (0, 2.0)])
def test_a_share_that_cannot_be_had_is_named_with_the_largest_that_can(rooms, budget):
    # r0 brings the first two of four homes within the norm, r1 the next one, r2 none.
    walks = [[900, 100, 900, 900], [900, 100, 900, 900], [900, 900, 100, 900], [100] * 4]
    cost = {"r0": 2.0, "r1": 1.0, "r2": 1.0}
    asked = question(walks, [10, 20, 40, 30], 3, cost=cost)
    best = 0.7
    for share in (best, best + 0.01):
        wanted = Wanted(objectives=("mean",), rooms=rooms, budget=budget, least_share=share)
        if share == best:
            assert several_rooms(asked, wanted).sites
            continue
        with pytest.raises(InfeasibleError) as caught:
            several_rooms(asked, wanted)
    [told] = caught.value.faults
    raised = "p" if budget is None else "budget"
    assert told.en.startswith(f"[siting].least_share = 0.71, but with [siting].{raised} = ")
    assert f"is 0.7. Lower least_share to 0.7, or raise [siting].{raised}." in told.en
    assert "最大比例为 0.7。请将 least_share 降至 0.7" in told.zh
    # Other numbers that would do.
    assert re.search(r"Within [\d.]+ m \(and not [\d.]+\) 71% can be had", told.en)


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.5, "least_share = 0.5, but with .*p = 1 .* at most 0.3"), (0.6, "open the share .* 0.5")],
)
def test_check_refuses_a_share_that_it_can_tell_is_out_of_reach(tmp_path, share, told):
    path = tiny.write(tmp_path / "town")
    place, config = read_project(path, overrides=[NEAR, f"siting.least_share={share}"])
    with pytest.raises(InfeasibleError, match=told):
        pipeline.rehearse(place, config)


def test_check_accepts_the_share_it_named_and_the_report_names_the_norm_of_rooms(tmp_path):
    path = tiny.write(tmp_path / "town")
    place, config = read_project(path, overrides=[NEAR, "siting.least_share=0.3"])
    pipeline.rehearse(place, config)
    plan = pipeline.run(place, config)
    assert plan.summary["access_after"]["within"]["150"] == pytest.approx(0.3)
    assert "brings 300 residents (30.0 %) within 150 m" in words.finding(plan).en
    assert any(one.label.en == "within 150 m on foot" for one in key_figures(plan))
    options = tables(plan)["options"]
    assert options["within_share"].iloc[-1] == pytest.approx(0.3)
    assert heading(plan, "within_share").en == "within 150 m"
    assert heading(plan, "after_within_share").en == "≤ 150 m with plan"
