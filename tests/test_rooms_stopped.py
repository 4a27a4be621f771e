"""Searches that a key or a limit ends: the run ends with the key, and a limit is told as one."""

from __future__ import annotations

import importlib
import json
import math
from dataclasses import replace

import pytest

from gridplan.errors import InfeasibleError, Message, StoppedError
from gridplan.rooms import (
    Answer,
    Decision,
    answers,
    decisions_table,
    fewest_rooms,
    frontier_table,
    in_phases,
    objectives,
    rooms_for,
    within_budget,
)
from gridplan.rooms import frontier as rooms_frontier
from gridplan.rooms import phases as rooms_phases
from gridplan.rooms.frontier import Extent
from gridplan.rooms.objectives import most_within_budget
from gridplan.rooms.phases import Phasing
from gridplan.rooms.question import RoomQuestion
from gridplan.siting import Siting, median, propose_rooms
from tests import tiny
from tests.test_cli import call
from tests.test_rooms import FAR, random_question
from tests.test_rooms import question as line_question
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


# Limits


def stopped(reason: str = "work", bound: float = 7.0) -> object:
    """Return what stands for a search that a limit ended before any plan."""

    def search(*_: object, **__: object) -> Siting:
        message = Message(en="Raise [siting].work.", zh="请增大 [siting].work。")
        raise StoppedError(message, reason=reason, bound=bound, work=5.0)

    return search


def test_a_search_without_a_plan_says_whether_that_is_proven():
    def ended(status: str, stopped_by: str | None) -> object:
        def solver(*given: object, **options: object) -> Siting:
            found = median.p_median(*given, **options)
            return replace(found, sites=(), status=status, stopped_by=stopped_by, bound=3.0)

        return solver

    with pytest.raises(StoppedError, match=r"Raise \[siting\].time_s") as caught:
        propose_rooms(asked().problem, p_new=2, solver=ended("stopped", "time"))
    assert (caught.value.reason, caught.value.bound, caught.value.exit_status) == ("time", 3.0, 2)
    with pytest.raises(InfeasibleError, match="proven"):
        propose_rooms(asked().problem, p_new=2, solver=ended("infeasible", None))


@pytest.mark.parametrize(
    ("module", "solver", "search"),
    [
        ("fewest", "lscp", lambda: fewest_rooms(asked(), radius_m=300.0)),
        ("fewest", "lscp", by_community),
        ("budget", "p_median", lambda: within_budget(asked(), 6.0)),
        ("objectives", "mclp", lambda: most_within_budget(asked(), 6.0)),
    ],
)
def test_a_limit_before_any_plan_is_a_fault_of_the_settings(monkeypatch, module, solver, search):
    owner = importlib.import_module(f"gridplan.rooms.{module}")
    solve = getattr(owner, solver)

    def limited(*given: object, **options: object) -> Siting:
        found = solve(*given, **options)
        return replace(found, sites=(), status="stopped", stopped_by="work", cause=None)

    monkeypatch.setattr(owner, solver, limited)
    with pytest.raises(StoppedError, match=r"before there was a plan. Raise \[siting\].work"):
        search()


@pytest.mark.parametrize(("bound", "known"), [(7.0, True), (-math.inf, False)])
def test_phases_keep_their_order_where_their_bound_was_stopped(monkeypatch, bound, known):
    whole = phases(asked())[0]
    monkeypatch.setattr(rooms_phases, "propose_rooms", stopped(bound=bound))
    order, table = phases(asked())
    assert order == whole
    assert set(table["status"]) == {"gap"}
    assert table["lower_bound"].notna().all() == table["gap"].notna().all() == known


def test_a_curve_that_was_stopped_keeps_the_nested_plan_and_its_bound(monkeypatch):
    monkeypatch.setattr(rooms_frontier, "propose_rooms", stopped())
    table = curve(asked())
    assert set(table["status"]) == {"gap"}
    assert set(table["stopped_by"]) == {"work"}
    assert table["gap"].notna().all()


def test_a_curve_without_a_plan_says_stopped_and_not_infeasible(monkeypatch):
    parts = [[0.0, FAR, FAR, FAR], [FAR, 50.0, FAR, 70.0], [FAR, FAR, 60.0, 80.0]]
    monkeypatch.setattr(rooms_frontier, "propose_rooms", stopped())
    monkeypatch.setattr(objectives, "propose_rooms", stopped("time", 9.0))
    question = line_question(parts, [5, 60, 7], 3)
    table = frontier_table(question, extent=Extent(rooms=1, objectives=("longest",)))
    assert set(table["status"]) <= {"stopped", "gap"}
    own = table[table["sequence"] == "longest"].iloc[0]
    assert (own["status"], own["stopped_by"], own["lower_bound"]) == ("stopped", "time", 9.0)
    assert math.isnan(own["objective"])


def test_a_price_whose_search_was_stopped_is_not_called_infeasible():
    question = asked(required=frozenset({"r1"}))
    found = Answer("C", rooms_for(question, 2)[0])
    one = Decision(site_id="r1", decision="required")
    table = decisions_table(question, [one], found, solve=stopped())
    assert table["price_status"].tolist() == ["stopped"]


@pytest.mark.parametrize(("followed", "status"), [("B", 2), ("C", 0)])
def test_an_answer_that_is_stopped_is_a_fault_only_where_it_is_followed(
    tmp_path, monkeypatch, followed, status
):
    monkeypatch.setattr(answers, "fewest_rooms", stopped(bound=1.0))
    out = tmp_path / "out"
    project = tiny.write(tmp_path / "town")
    follow = ("--set", f'siting.answer="{followed}"')
    result = call("run", project, "--out", out, "--lang", "en", *follow)
    assert result.exit_code == status, result.output
    if status:
        assert result.stderr.strip() == "Raise [siting].work."
        assert not out.exists()
        return
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    second = summary["siting"]["options"][1]
    assert (second["status"], second["stopped_by"], second["rooms_new"]) == ("stopped", "work", 0)
    assert any("Answer B: Raise" in str(one) for one in summary["caveats"])
