"""Killed at any moment, then one more command: the old run or the new one is there, whole."""

from __future__ import annotations

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
sys.path.insert(0, {root!r})
stop_at, folder, out = int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
from gridplan import store
plan = store.read_run(folder)
done = 0
rename = pathlib.Path.rename
def killing(self, target):
    global done
    done += 1
    if done == stop_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
pathlib.Path.rename = killing
files = ("report.html", "tables.xlsx", "figures/01_cells.png")
documents = {{name: (folder / name).read_bytes() for name in files}}
print("writing", flush=True)
store.write_run(plan, out, manifest={{"contract": "1.0", "marker": "new"}}, documents=documents)
"""


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


def start(command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def copy_run(run, target):
    for path in run.rglob("*"):
        if path.is_file():
            (target / path.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
            (target / path.relative_to(run)).write_bytes(path.read_bytes())


@pytest.mark.parametrize("stop_at", range(1, RENAMES + 1))
def test_killed_at_a_rename(town, tmp_path, project_root, stop_at):
    _, run = town
    target = tmp_path / "run"
    copy_run(run, target)
    script = WRITER.format(root=str(project_root))
    done = start([sys.executable, "-c", script, str(stop_at), str(run), str(target)])
    assert done.wait(timeout=120) == -signal.SIGKILL
    done.communicate()
    whole(target)


@pytest.mark.parametrize("draw", range(3))
def test_killed_while_writing(town, tmp_path, project_root, draw):
    _, run = town
    target = tmp_path / "run"
    copy_run(run, target)
    script = WRITER.format(root=str(project_root))
    process = start([sys.executable, "-c", script, "0", str(run), str(target)])
    assert process.stdout.readline() == "writing\n"
    time.sleep(random.Random(draw).uniform(0.0, 0.6))
    process.kill()
    process.communicate()
    whole(target)


def killed_run(toml, target, seconds):
    command = [sys.executable, "-m", "gridplan", "run", str(toml), "--out", str(target)]
    process = start([*command, "--replace", "--set", "siting.p=1"])
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
