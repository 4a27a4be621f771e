"""The least share: refused with the largest that can be had; the distance that rooms go by."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan import pipeline
from gridplan.errors import InfeasibleError, Message
from gridplan.present import words
from gridplan.present.keys import key_figures
from gridplan.present.tabulation import heading, tables
from gridplan.project.read import read_project
from gridplan.rooms import several as several_module
from gridplan.rooms.least_share import check_with_all_open, share_bound
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
    # Without weights of groups the weight is that of residents.
    assert f"71% of the residents within {asked.norm_m:g} m" in told.en
    assert f"{asked.norm_m:g} 米内的居民达 71%" in told.zh
    assert told.en.endswith("The distance is the norm room_norm_m of [norms].")
    assert told.zh.endswith("其中距离即 [norms] 中的 room_norm_m。")


def test_a_share_of_weights_is_not_called_one_of_residents():
    walks = [[900, 100, 900, 900], [900, 100, 900, 900], [900, 900, 100, 900], [100] * 4]
    plain = question(walks, [10, 20, 40, 30], 3)
    asked = replace(plain, weights=2.0 * plain.residents)
    wanted = Wanted(objectives=("mean",), rooms=1, least_share=0.71)
    with pytest.raises(InfeasibleError, match="71% of the weight within 500 m") as caught:
        several_rooms(asked, wanted)
    assert "500 米内的权重达 71%" in caught.value.faults[0].zh


def test_limits_without_a_distance_are_not_told_what_the_distance_is(monkeypatch):
    walks = [[900, 100, 900, 900], [900, 100, 900, 900], [900, 900, 100, 900], [100] * 4]
    asked = question(walks, [10, 20, 40, 30], 3)
    wanted = Wanted(objectives=("mean",), rooms=1, least_share=0.71)
    solve = several_module.lexicographic

    def other_cause(*given, **options):
        found = solve(*given, **options)
        if found.siting.cause is None:
            return found
        cause = Message(en="This alone cannot be kept: p = 1.", zh="仅此一项就无法满足：p = 1。")
        return replace(found, siting=replace(found.siting, cause=cause))

    monkeypatch.setattr(several_module, "lexicographic", other_cause)
    with pytest.raises(InfeasibleError) as caught:
        several_rooms(asked, wanted)
    assert caught.value.faults[0].en.endswith("This alone cannot be kept: p = 1.")
    assert caught.value.faults[0].zh.endswith("仅此一项就无法满足：p = 1。")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.3, 1.0))
def test_the_distance_that_would_do_with_all_open_is_the_least_in_tenths(seed, share):
    asked = replace(random_question(seed), norm_m=0.5)
    everybody = math.fsum(asked.residents)
    if not everybody:
        return
    nearest = asked.nearest_m(np.concatenate([asked.fixed, asked.free]))
    near = {one: math.fsum(asked.residents[nearest <= one]) / everybody for one in nearest}
    enough = [one for one in near if near[one] >= share * (1 - 1e-9) and math.isfinite(one)]
    try:
        check_with_all_open(asked, share)
    except InfeasibleError as error:
        [told] = error.faults
        assert "within 0.5 m (room_norm_m of [norms])" in told.en
        if not enough:
            assert "No distance would do" in told.en
            assert "放宽距离也不够" in told.zh
            return
        within = float(re.search(r"live within ([\d,.]+) m\.", told.en)[1].replace(",", ""))
        assert min(enough) <= within < min(enough) + 0.1 + 1e-9
        assert f"全部开设时，{within:,.12g} 米以内" in told.zh
    else:
        assert min(enough) <= 0.5


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
