"""New rooms beside today's facilities: odd places, honest status, causes in words."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridplan import assemble, pipeline
from gridplan.errors import InfeasibleError, InputError
from gridplan.project.read import read_project
from gridplan.siting import RoomProblem, propose_rooms
from gridplan.siting.reach import separate_parts
from gridplan.siting.result import Siting
from gridplan.siting.rooms import no_plan
from gridplan.verify import verify_plan
from tests import tiny

FAR = math.inf


def problem(metres, residents, candidates):
    walks = np.array(metres, dtype=float)
    return RoomProblem(
        metres=walks,
        demand_ids=[f"d{i}" for i in range(walks.shape[0])],
        site_ids=[f"s{j}" for j in range(walks.shape[1])],
        residents=np.array(residents, dtype=float),
        candidates=candidates,
    )


def planned(folder, frames=None, toml=tiny.TOML):
    place, config = read_project(tiny.write(folder / "town", frames, toml=toml))
    return pipeline.run(place, config)


WALK_ZH, WALK = (
    "居民合计多走 12 公里（单程）",
    "residents would walk 12 km more in total (one way)",
)
STRANDED_ZH = "名居民步行无法到达任何居委会或活动室"
NO_ROOM = tiny.TOML.replace("p = 1", "p = 0")


# What a room's `why` says


def test_closing_counts_those_who_reach_no_other():
    walks = np.array([[100.0, 300.0, FAR], [50.0, FAR, FAR], [FAR, FAR, 9.0], [FAR, FAR, FAR]])
    costs = assemble.closing_costs(walks, np.array([2.0, 7.0, 5.0, 3.0]), [0, 1, 2], list("abc"))
    assert costs == {
        "a": assemble.Closing(400.0, 7.0),
        "b": assemble.Closing(0.0, 0.0),
        "c": assemble.Closing(0.0, 5.0),
    }


def test_the_only_site_strands_all_it_serves():
    costs = assemble.closing_costs(np.array([[100.0], [FAR]]), np.array([2.0, 7.0]), [0], ["a"])
    assert costs == {"a": assemble.Closing(0.0, 2.0)}


@given(st.integers(0, 10_000))
def test_closing_costs_are_those_of_taking_the_site_away(seed):
    rng = np.random.default_rng(seed)
    walks = rng.integers(1, 9, (6, 4)).astype(float) * 100
    walks[rng.random(walks.shape) < 0.4] = FAR
    residents = rng.integers(0, 50, 6).astype(float)
    opened = sorted(rng.choice(4, size=int(rng.integers(1, 5)), replace=False).tolist())
    costs = assemble.closing_costs(walks, residents, opened, list("abcd"))
    today = walks[:, opened].min(axis=1)
    for j in opened:
        others = [one for one in opened if one != j]
        left = walks[:, others].min(axis=1, initial=FAR)
        lost = np.isfinite(today) & ~np.isfinite(left)
        longer = np.isfinite(left)
        more = ((left[longer] - today[longer]) * residents[longer]).sum()
        assert costs["abcd"[j]].stranded == residents[lost].sum()
        assert costs["abcd"[j]].metres == pytest.approx(more)


@pytest.mark.parametrize(
    ("closing", "zh", "en"),
    [
        (
            assemble.Closing(12_000, 300),
            f"若不设此处，{WALK_ZH}，另有 300 {STRANDED_ZH}",
            f"without it {WALK} and 300 residents would reach no committee or room on foot",
        ),
        (
            assemble.Closing(0, 1),
            f"若不设此处，1 {STRANDED_ZH}",
            "without it 1 resident would reach no committee or room on foot",
        ),
        (
            assemble.Closing(12_000, 0),
            f"若不设此处，{WALK_ZH}",
            f"without it {WALK}",
        ),
    ],
)
def test_why_is_a_sentence_that_names_the_stranded(tmp_path, closing, zh, en):
    plan = planned(tmp_path)
    layer = assemble.rooms_layer(plan.place, plan.layers["demand"], ["r2"], {"r2": closing})
    assert layer[["why", "why_en"]].iloc[0].tolist() == [zh, en]


def test_a_room_on_an_island_says_whom_it_alone_reaches(tmp_path):
    frames = tiny.town()
    # The north street leaves the main one; the candidates and three homes stand on it.
    frames["streets"].geometry = [
        tiny.line((0, 200), (400, 200)),
        tiny.line((200, -100), (200, 250)),
        tiny.line((0, 320), (400, 320)),
    ]
    frames["water"] = frames["boundary"][["geometry"]].assign(water_id="w1")
    frames["water"].geometry = [tiny.box(-50, 252, 450, 300)]
    plan = planned(tmp_path, frames)
    rooms = plan.layers["rooms"].set_index("site_id")
    [new] = rooms.index[rooms["kind"] == "proposed"]
    assert re.search(r"500 residents would reach no committee", rooms.loc[new, "why_en"])
    assert "500 名居民步行无法到达" in rooms.loc[new, "why"]


# Causes in words


def test_too_few_rooms_for_separate_parts_names_the_least_number():
    walks = [[1, FAR, FAR, FAR], [FAR, 2, 3, FAR], [FAR, FAR, FAR, 4]]
    with pytest.raises(InfeasibleError, match="Raise p to 2 or more") as caught:
        propose_rooms(problem(walks, [5, 6, 7], {"s1", "s2", "s3"}), p_new=1)
    assert "13 residents live on 2 separate parts" in str(caught.value)
    assert "s1, s3" in str(caught.value)
    assert "13 名居民" in caught.value.lines("zh")[0]
    done = propose_rooms(problem(walks, [5, 6, 7], {"s1", "s2", "s3"}), p_new=2)
    assert done.sites == ("s0", "s1", "s3")
    assert done.status == "proven"


def test_one_site_that_serves_all_is_enough_where_far_pairs_are_absent():
    town = problem([[1, 2, FAR], [1, FAR, FAR], [1, FAR, 3]], [1, 1, 1], ["s0", "s1", "s2"])
    assert propose_rooms(town, p_new=1).sites == ("s0",)
    apart = problem([[1, 2, FAR], [FAR, 2, FAR], [FAR, FAR, 3]], [1, 1, 1], ["s0", "s1", "s2"])
    with pytest.raises(InfeasibleError, match="2 separate parts"):
        propose_rooms(apart, p_new=1)


def test_more_rooms_than_candidates():
    with pytest.raises(InputError, match="p = 2, but there are 1 candidate"):
        propose_rooms(problem([[1, 2]], [5], {"s1"}), p_new=2)


@pytest.mark.parametrize(
    ("status", "stopped_by", "en", "zh"),
    [
        ("stopped", "work", r"limit of work after 12 steps.*\[siting\].work", "计算量上限"),
        ("stopped", "time", r"limit of time after 12 steps.*\[siting\].time_s", "时限"),
        ("infeasible", None, r"proven that no choice of 3 new rooms", "已证明"),
    ],
)
def test_no_plan_says_why(status, stopped_by, en, zh):
    empty = pd.Series(dtype="object")
    result = Siting((), empty, FAR, 0.0, FAR, status, stopped_by, 1.0, 12.0, ())
    message = no_plan(result, 3)
    assert re.search(en, message.en)
    assert zh in message.zh


def test_parts_are_pieces_of_the_network():
    walks = np.array([[1, FAR, FAR], [FAR, 1, FAR], [FAR, 9, FAR], [FAR, FAR, FAR], [FAR, FAR, 1]])
    parts = separate_parts(
        walks, np.array([1, 2, 3, 4, 0.0]), opened=np.array([0]), candidates=np.array([1, 2])
    )
    assert [(part.sites, part.rows, part.weight) for part in parts] == [((1,), (1, 2), 5.0)]


# Whole plans of odd places


SHORT_LEGS = "\n[network]\nmax_leg_m = 20\n"


def far_street():
    """Return the town with one street, near one home and no facility."""
    frames = tiny.town()
    frames["streets"] = frames["streets"].iloc[:1].copy()
    frames["streets"].geometry = [tiny.line((30, 30), (80, 30))]
    return frames


def all_existing():
    frames = tiny.town()
    frames["sites"]["kind"] = "existing"
    return frames


def without(*layers):
    frames = tiny.town()
    for layer in layers:
        frames[layer] = frames[layer].iloc[:0]
    return frames


@pytest.mark.parametrize(
    ("frames", "toml", "status", "rooms"),
    [
        (tiny.town(), NO_ROOM, "proven", ["k1", "k2", "r1"]),
        (all_existing(), NO_ROOM, "proven", ["k1", "k2", "r1", "r2", "r3"]),
        (without("sites"), NO_ROOM, "proven", ["k1", "k2"]),
        (far_street(), tiny.TOML + SHORT_LEGS, "infeasible", ["k1", "k2", "r1"]),
        (far_street(), NO_ROOM + SHORT_LEGS, "infeasible", ["k1", "k2", "r1"]),
    ],
    ids=["p = 0", "all existing", "no sites", "nobody reached", "nobody, p = 0"],
)
def test_odd_places_give_a_whole_plan(tmp_path, frames, toml, status, rooms):
    plan = planned(tmp_path, frames, toml)
    siting = plan.summary["siting"]
    assert siting["status"] == status
    assert plan.layers["rooms"]["site_id"].tolist() == rooms
    assert int(plan.layers["demand"]["population"].sum()) == 1000
    missed = [one["key"] for one in plan.summary["targets_missed"]]
    assert ("siting" in missed) == (status == "infeasible")
    if status == "proven":
        assert siting["objective"] == siting["bound"] > 0
    else:
        assert [siting[key] for key in ("objective", "bound", "gap")] == [None] * 3
        assert plan.summary["access_after"]["mean_m"] is None
    found = verify_plan(
        {**plan.layers, "in_buildings": plan.place.buildings, "in_sites": plan.place.sites},
        plan.summary,
    )
    assert [one.message.en for one in found.findings if one.severity == "hard"] == []


def test_without_new_rooms_those_whom_only_candidates_reach_are_left_out():
    walks = [[1, FAR], [FAR, 2]]
    result = propose_rooms(problem(walks, [5, 6], {"s1"}), p_new=0)
    assert result.sites == ("s0",)
    assert result.objective == 5


# Estates


def test_an_estate_whose_middle_is_outside_is_kept_if_residents_live_in_it(tmp_path):
    frames = tiny.town()
    estates = frames["boundary"].rename(columns={"name": "estate_id"}).iloc[[0, 0]]
    estates = estates.reset_index(drop=True)
    estates["estate_id"] = ["across", "beyond"]
    # The first reaches from the homes in the south-west corner far beyond the boundary.
    estates.geometry = [tiny.box(-900, 0, 100, 100), tiny.box(-900, 200, -100, 300)]
    frames["estates"] = estates
    plan = planned(tmp_path, frames)
    layer = plan.layers["estates"].set_index("estate_id")
    assert list(layer.index) == ["across"]
    assert layer.loc["across", "community_id"] == "999901001002"
    named = set(plan.layers["demand"]["estate_id"].dropna())
    assert named == {"across"}
    assert layer.loc["across", "population"] > 0
