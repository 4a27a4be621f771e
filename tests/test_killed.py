"""Killed at any moment, then one more command: the old run or the new one is there, whole."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from gridplan import commands
from gridplan.cli import app
from gridplan.sources.demo import DemoOptions, make_town, write_project
from gridplan.store import is_run, read_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is not there on Windows")

RENAMES = 3
"""Aside to complete, the old one away, the new one in."""

WRITER = """
import os, pathlib, signal, sys
sys.path.insert(0, sys.argv[1])
from gridplan import store
run = pathlib.Path(sys.argv[2])
plan = store.read_run(run)
files = ("report.html", "tables.xlsx", "figures/01_cells.png")
documents = {name: (run / name).read_bytes() for name in files}
rename = pathlib.Path.rename
done = 0
for line in sys.stdin:
    stop_at, out = line.rstrip().split(" ", 1)
    child = os.fork()
    if child:
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    def killing(self, target):
        global done
        done += 1
        if done == int(stop_at):
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)
    pathlib.Path.rename = killing
    manifest = {"contract": "1.0", "marker": "new"}
    store.write_run(plan, pathlib.Path(out), manifest=manifest, documents=documents)
    os._exit(0)
"""
"""Reads a run once; for each line on its input, a process of its own writes that run anew."""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Return the settings of a town of 1 km² and a run of it."""
    folder = tmp_path_factory.mktemp("town")
    options = DemoOptions(population=4_000, area_km2=1.0)
    toml = write_project(make_town(options), folder)
    _, run = commands.run_project(toml, out=folder / "first", overrides=["siting.p=1"])
    return toml, run


def whole(folder):
    """Run one more command on the folder; check that it finds a whole run."""
    result = CliRunner().invoke(app, ["check", str(folder), "--lang", "en"])
    assert result.exit_code == 0, result.output
    assert is_run(folder)
    assert (folder / "report.html").is_file()
    names = {path.name for path in folder.parent.iterdir()}
    assert not [name for name in names if name.startswith(".gridplan-")], names
    assert len(read_run(folder).layers["demand"]) > 0


@pytest.fixture(scope="module")
def writer(town, project_root):
    """`writer(stop_at, folder)` begins to write; it returns the process' id and how to wait."""
    command = [sys.executable, "-c", WRITER, str(project_root), str(town[1])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(stop_at, folder):
        process.stdin.write(f"{stop_at} {folder}\n")
        process.stdin.flush()
        return int(process.stdout.readline()), lambda: int(process.stdout.readline())

    yield begin
    process.communicate()


def copy_run(run, target):
    for path in run.rglob("*"):
        if path.is_file():
            (target / path.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
            (target / path.relative_to(run)).write_bytes(path.read_bytes())


@pytest.mark.parametrize("stop_at", range(1, RENAMES + 1))
def test_killed_at_a_rename(town, tmp_path, writer, stop_at):
    target = tmp_path / "run"
    copy_run(town[1], target)
    _, wait = writer(stop_at, target)
    assert wait() == -signal.SIGKILL
    whole(target)


@pytest.mark.parametrize("draw", range(3))
def test_killed_while_writing(town, tmp_path, writer, draw):
    target = tmp_path / "run"
    copy_run(town[1], target)
    child, wait = writer(0, target)
    time.sleep(random.Random(draw).uniform(0.0, 0.6))
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    wait()
    whole(target)


def test_a_writer_that_is_not_killed_writes_the_new_run(town, tmp_path, writer):
    target = tmp_path / "run"
    copy_run(town[1], target)
    _, wait = writer(0, target)
    assert wait() == 0
    whole(target)
    assert '"marker": "new"' in (target / "manifest.json").read_text(encoding="utf-8")


def killed_run(toml, target, seconds):
    command = [sys.executable, "-m", "gridplan", "run", str(toml), "--out", str(target)]
    whole_command = [*command, "--replace", "--set", "siting.p=1"]
    process = subprocess.Popen(whole_command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(seconds)
    process.kill()
    process.communicate()


def test_killed_during_a_whole_run(town, tmp_path):
    toml, run = town
    target = tmp_path / "run"
    copy_run(run, target)
    killed_run(toml, target, random.Random(5).uniform(3.0, 8.0))
    whole(target)


@pytest.mark.slow
def test_killed_at_twenty_random_moments(town, tmp_path):
    toml, run = town
    target = tmp_path / "run"
    copy_run(run, target)
    draws = random.Random(11)
    for _ in range(20):
        killed_run(toml, target, draws.uniform(0.5, 15.0))
        whole(target)
