"""Phases with a budget: each is the best that its money buys, and never more than it has."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.rooms import Phasing, in_phases, make_question, phase_notes
from gridplan.rooms.question import NO_WAY_M
from gridplan.siting import RoomProblem


def town(metres, cost, residents=None):
    """``k`` is open, ``r0…`` are rooms of answer A, in the order of the other columns."""
    walks = np.array(metres, dtype=float)
    rooms = [f"r{j}" for j in range(walks.shape[1] - 1)]
    people = np.ones(len(walks)) if residents is None else np.array(residents, dtype=float)
    problem = RoomProblem(walks, [f"d{i}" for i in range(len(walks))], ["k", *rooms], people, rooms)
    price = pd.Series(dict(zip(rooms, cost, strict=True)), dtype=float)
    return make_question(problem, price, norm_m=500.0), rooms


def drawn(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 9)), int(rng.integers(1, 7))
    metres = np.round(rng.random((n, m + 1)) * 2000)
    if rng.random() < 0.4:
        metres[rng.random((n, m + 1)) < 0.3] = math.inf
    cost = rng.integers(0, 30, m).astype(float)
    if rng.random() < 0.2:
        cost[-1] = math.nan
    asked, rooms = town(metres, cost, rng.integers(0, 20, n))
    return asked, rooms, float(rng.integers(1, 40))


def walk(asked, rooms):
    near = asked.nearest_m(asked.at(["k", *rooms]))
    return float((asked.residents * np.minimum(near, NO_WAY_M)).sum())


def bought_best(asked, built, left, money):
    """Brute force: the least walk that some money buys."""
    return min(
        walk(asked, (*built, *group))
        for size in range(len(left) + 1)
        for group in itertools.combinations(left, size)
        if math.fsum(asked.cost[list(group)]) <= money
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 100_000))
def test_each_phase_is_the_best_that_its_money_buys(seed):
    asked, rooms, budget = drawn(seed)
    phase_of, table = in_phases(asked, rooms, phasing=Phasing(budget=budget))
    assert sorted(phase_of) == rooms
    built, spent, before = [], 0.0, 0
    for row in table.itertuples():
        group = row.sites.split()
        assert group == sorted(one for one, at in phase_of.items() if at == row.phase)
        priced = [one for one in rooms if one not in built and not math.isnan(asked.cost[one])]
        if not priced:
            # What no budget can plan is the last phase.
            assert math.isnan(row.cost)
            assert row.phase == len(table) or row.phase == before + 1
            built += group
            continue
        assert row.available == pytest.approx(budget * row.phase - spent)
        assert row.cost <= row.available + 1e-6
        # Nothing that helps could be paid in the phases left out.
        for idle in range(before + 1, row.phase):
            least = bought_best(asked, built, priced, budget * idle - spent)
            assert least == pytest.approx(walk(asked, built))
        least = bought_best(asked, built, priced, row.available)
        built += group
        spent, before = spent + row.cost, row.phase
        assert walk(asked, built) == pytest.approx(least)
        assert row.status == "proven"
    assert sorted(built) == rooms


def test_many_cheap_rooms_come_before_a_dear_one_that_alone_saves_most():
    # The dear room saves most by itself, the three cheap ones together save more.
    asked, rooms = town(
        [[900, 100, 0, 900, 900], [900, 100, 900, 0, 900], [900, 400, 900, 900, 0]],
        [9.0, 3.0, 3.0, 3.0],
    )
    phase_of, table = in_phases(asked, rooms, phasing=Phasing(budget=9.0))
    assert phase_of == {"r1": 1, "r2": 1, "r3": 1, "r0": 2}
    assert table["status"].tolist() == ["proven", "proven"]


def test_a_room_above_the_budget_waits_and_that_is_told():
    asked, rooms = town([[900, 0, 900, 900], [900, 900, 0, 900]], [25.0, 4.0, 3.0])
    phase_of, table = in_phases(asked, rooms, phasing=Phasing(budget=5.0))
    # 5 - 4 is left; 25 is there by the sixth phase (30 - 4); what helps nobody is last.
    assert phase_of == {"r1": 1, "r0": 6, "r2": 7}
    assert table["available"].tolist() == [5.0, 26.0, 6.0]
    told = {one.code: one.message for one in phase_notes(asked, phase_of, 5.0)}
    assert set(told) == {"rooms_above_phase_budget", "phases_without_rooms"}
    dear, empty = told["rooms_above_phase_budget"], told["phases_without_rooms"]
    assert "1 of the 3 rooms of answer A cost more" in dear.en
    assert ": r0." in dear.en
    assert "每期节余转入下一期" in dear.zh
    assert "In 4 of the 7 phases of answer A nothing is built: 2-5." in empty.en
    assert "7 期中有 4 期不建设：第 2-5 期" in empty.zh


def test_rooms_without_a_cost_are_the_last_phase_and_named():
    asked, rooms = town([[900, 0, 10]], [3.0, math.nan])
    phase_of, table = in_phases(asked, rooms, phasing=Phasing(budget=5.0))
    assert phase_of == {"r0": 1, "r1": 2}
    assert table["cost"].isna().tolist() == [False, True]
    [note] = phase_notes(asked, phase_of, 5.0)
    assert "No cost is given of 1 room of answer A: r1" in note.message.en
    assert "没有造价：r1" in note.message.zh


def test_above_the_limit_of_pairs_rooms_are_taken_greedily_and_nothing_is_claimed(monkeypatch):
    monkeypatch.setattr("gridplan.rooms.bought_phases.MOST_PAIRS", 1)
    asked, rooms = town([[900, 0, 500], [900, 900, 500]], [4.0, 3.0])
    phase_of, table = in_phases(asked, rooms, phasing=Phasing(budget=4.0))
    assert set(phase_of) == set(rooms)
    assert table["cost"].le(table["available"]).all()
    assert table["status"].isna().tolist() == [True, False]
