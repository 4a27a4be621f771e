"""Searches that a key or a limit ends: the run ends with the key, and a limit is told as one."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest

from gridplan.rooms import fewest_rooms, frontier_table, in_phases, rooms_for, within_budget
from gridplan.rooms.frontier import Extent
from gridplan.rooms.objectives import most_within_budget
from gridplan.rooms.phases import Phasing
from gridplan.rooms.question import RoomQuestion
from gridplan.siting import Siting, median, propose_rooms
from tests import tiny
from tests.test_cli import call
from tests.test_rooms import random_question
from tests.test_rooms_counts import question as counted_question
from tests.test_rooms_space import question as hard_question

COSTS = {f"r{j}": 2.0 for j in range(6)}


def asked(**changes: object) -> RoomQuestion:
    return replace(random_question(3, unreachable=0.0), **changes)


def phases(question: RoomQuestion) -> object:
    return in_phases(question, ["r0", "r1", "r2"], phasing=Phasing(rooms=1))


def curve(question: RoomQuestion, *objectives: str) -> object:
    return frontier_table(question, extent=Extent(rooms=2, objectives=objectives))


def by_community() -> object:
    return fewest_rooms(counted_question(1, at_least={"a": 1}), radius_m=900.0)


def hard() -> object:
    return rooms_for(hard_question([[1, 2], [2, 1]], [5, 5], 1, {}), 1)


@pytest.mark.parametrize(
    ("module", "solver", "search"),
    [
        ("fewest", "lscp", lambda: fewest_rooms(asked(), radius_m=300.0)),
        ("fewest", "p_median", lambda: fewest_rooms(asked(), radius_m=300.0)),
        ("fewest", "lscp", by_community),
        ("budget", "p_median", lambda: within_budget(asked(), 6.0)),
        ("objectives", "propose_rooms", lambda: rooms_for(asked(), 2)),
        ("objectives", "p_center", lambda: rooms_for(asked(), 2, objective="longest")),
        ("objectives", "mclp", lambda: most_within_budget(asked(), 6.0)),
        ("full_rooms", "p_median", hard),
        ("phases", "propose_rooms", lambda: phases(asked())),
        ("frontier", "propose_rooms", lambda: curve(asked())),
        ("objectives", "p_center", lambda: curve(asked(), "longest")),
    ],
)
def test_an_interrupted_search_begins_no_other(monkeypatch, module, solver, search):
    owner = importlib.import_module(f"gridplan.rooms.{module}")
    solve, calls = getattr(owner, solver), []

    def interrupted(*given: object, **options: object) -> Siting:
        calls.append(1)
        return replace(solve(*given, **options), status="gap", stopped_by="interrupt")

    monkeypatch.setattr(owner, solver, interrupted)
    with pytest.raises(KeyboardInterrupt):
        search()
    assert len(calls) == 1


def test_an_interrupt_before_any_plan_goes_on():
    def nothing(*given: object, **options: object) -> Siting:
        found = median.p_median(*given, **options)
        return replace(found, sites=(), status="stopped", stopped_by="interrupt")

    with pytest.raises(KeyboardInterrupt):
        propose_rooms(asked().problem, p_new=2, solver=nothing)


def test_an_interrupted_run_is_status_130_and_writes_nothing(tmp_path, monkeypatch):
    calls = []

    def interrupt(*_: object) -> None:
        calls.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(median, "_solve", interrupt)
    out = tmp_path / "stopped"
    result = call("run", tiny.write(tmp_path / "town"), "--out", out, "--lang", "en")
    assert (result.exit_code, result.stderr.strip()) == (130, "Interrupted.")
    assert len(calls) == 1
    assert not out.exists()
