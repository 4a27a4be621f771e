"""Ctrl-C while rooms are sited: the first keeps the best plan so far, the second ends the run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from gridplan.errors import StoppedError
from gridplan.halting import Halt
from gridplan.siting import Limits, Reach, Rules, Stop, lscp, mclp, p_center, p_median
from gridplan.siting.search import Search
from gridplan.steps import rooming
from tests import tiny
from tests.test_cli import call
from tests.test_siting_median import town

_CHILD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from gridplan import commands
from gridplan.cli import app
from gridplan.siting.search import Search
commands.render = lambda *_, **__: {"report.html": b"<html>"}
look = Search.look
def slowly(self):
    stop = self.limits.stop
    if stop is not None and self.planned and not self.called_off:
        print("searching", flush=True)
        began = time.monotonic()
        while not stop.asked:
            assert time.monotonic() - began < 60.0
            time.sleep(0.01)
    look(self)
Search.look = slowly
app()
"""


@pytest.fixture
def keyed():
    """Let Ctrl-C do what it does at a terminal, wherever the tests run."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone")
def test_the_first_key_keeps_the_best_plan_and_writes_the_report(tmp_path):
    project, out = tiny.write(tmp_path / "town"), tmp_path / "out"
    command = [sys.executable, "-c", _CHILD, "run", project, "--out", out, "--lang", "en"]
    with subprocess.Popen(
        [str(one) for one in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as child:
        assert child.stdout.readline().strip() == "searching"
        child.send_signal(signal.SIGINT)
        printed, told = child.communicate(timeout=120)
    assert child.returncode == 0
    assert told.startswith("Ctrl-C: the siting ends with the best plan so far")
    assert "- The siting was ended by a key (Ctrl-C) before it was done." in printed
    assert printed.splitlines()[-1].startswith("Report: ")
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    siting = summary["siting"]
    assert siting["p"] == 1
    assert siting["status"] in {"proven", "gap"}
    assert siting["lower_bound"] <= siting["objective"]
    assert any("按键（Ctrl-C）" in one["zh"] for one in summary["caveats"])


@pytest.mark.usefixtures("keyed")
def test_the_second_key_ends_the_run(tmp_path, monkeypatch):
    look = Search.look

    def pressed_twice(self):
        if self.limits.stop is not None and self.planned and not self.called_off:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        look(self)

    monkeypatch.setattr(Search, "look", pressed_twice)
    out = tmp_path / "out"
    result = call("run", tiny.write(tmp_path / "town"), "--out", out, "--lang", "zh")
    assert result.exit_code == 130
    assert [line[:8] for line in result.stderr.splitlines()] == ["Ctrl-C：选", "已中断。"]
    assert not out.exists()


SITES = {
    "p_median": lambda cost, weights, limits: p_median(cost, weights, p=5, limits=limits),
    "capacity": lambda cost, weights, limits: p_median(
        cost, weights, p=5, capacity=0.4 * weights.sum(), limits=limits
    ),
    "reach": lambda cost, weights, limits: p_median(
        cost, weights, p=5, rules=Rules(reach=Reach(600.0, 0.2)), limits=limits
    ),
    "p_center": lambda cost, _, limits: p_center(cost, p=5, limits=limits),
    "lscp": lambda cost, _, limits: lscp(cost, radius_m=1200.0, limits=limits),
    "mclp": lambda cost, weights, limits: mclp(cost, weights, p=5, radius_m=200.0, limits=limits),
}


@pytest.mark.parametrize("solver", SITES.values(), ids=SITES.keys())
def test_a_search_that_is_called_off_from_the_start_still_has_a_plan(solver):
    cost, weights = town(150, 40)
    stop = Stop(asked=True)
    plan, whole = (solver(cost, weights, Limits(stop=one)) for one in (stop, None))
    assert plan.status in {"gap", "proven"}
    assert (plan.stopped_by == "key") == (plan.status == "gap")
    assert stop.heeded or plan.status == "proven"
    assert plan.work <= whole.work
    lower, upper = sorted([plan.bound, plan.objective])
    assert lower <= whole.objective <= upper
    assert stop.planned


def test_a_wish_that_does_not_come_changes_nothing():
    cost, weights = town(150, 40)
    stop = Stop()
    plan = p_median(cost, weights, p=5, limits=Limits(stop=stop))
    whole = p_median(cost, weights, p=5)
    assert (plan.sites, plan.work, plan.status) == (whole.sites, whole.work, "proven")
    assert (stop.planned, stop.heeded) == (True, False)


@pytest.mark.parametrize(
    ("step", "planned", "asked"),
    [("cells", True, False), ("siting", False, False), ("siting", True, True)],
)
def test_elsewhere_before_a_plan_and_the_second_time_the_key_ends_the_run(step, planned, asked):
    halt = Halt(say=lambda _: pytest.fail("it says nothing"))
    halt(step)
    halt.stop.planned, halt.stop.asked = planned, asked
    with pytest.raises(KeyboardInterrupt):
        halt.pressed(signal.SIGINT, None)


@pytest.mark.usefixtures("keyed")
def test_the_key_is_left_as_it_was():
    with Halt(say=lambda _: None) as halt:
        assert signal.getsignal(signal.SIGINT) == halt.pressed
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Halt(say=lambda _: None):
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_price_that_nobody_searched_for_is_none():
    stop = Stop(asked=True)
    with pytest.raises(StoppedError, match="ended by a key") as caught:
        rooming._again(None, case=None, found=None, stop=stop)
    assert (caught.value.reason, stop.heeded) == ("key", True)
