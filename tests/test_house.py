"""The house around the package: start, requirements, set-up, commands, first page."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from itertools import chain

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEAVY = ("geopandas", "shapely", "scipy", "folium", "matplotlib", "sklearn", "osmnx", "highspy")
"""Packages that would make `gridplan --help` slow."""

FIRST_LINES = 30


@pytest.mark.parametrize(
    "command", [["-c", "import gridplan"], ["-m", "gridplan", "--help"]], ids=["import", "help"]
)
def test_start_loads_nothing_heavy(command):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert done.returncode == 0, done.stderr[-2000:]
    assert "gridplan" in loaded
    assert sorted(loaded.intersection(HEAVY)) == []


def test_top_level_folders(project_root):
    promised = ("notebooks", "gridplan", "data", "tests", "docs", "schemas", "benchmarks")
    assert [name for name in promised if not (project_root / name).is_dir()] == []
    files = ("environment.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE")
    assert [name for name in files if not (project_root / name).is_file()] == []


def test_every_readme_opens_with_the_two_commands(project_root):
    pages = sorted(project_root.glob("README*.md"))
    assert len(pages) == 2, "one in English, one in Chinese"
    for page in pages:
        first = "\n".join(page.read_text(encoding="utf-8").splitlines()[:FIRST_LINES])
        assert "make demo" in first, page.name
        assert "make test" in first, page.name


# Requirements


def pyproject(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def all_requirements(root):
    """Return every requirement of the project, core and extras, as often as it is named."""
    project = pyproject(root)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    parsed = [Requirement(line) for line in chain.from_iterable(groups)]
    return [one for one in parsed if one.name != "gridplan"]


def requirements(root):
    return {canonicalize_name(one.name): one for one in all_requirements(root)}


def conda_requirements(root):
    """Return the requirements of environment.yml by the name that pyproject.toml uses."""
    lines = (root / "environment.yml").read_text(encoding="utf-8").splitlines()
    entries = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    entries = entries[entries.index("python>=3.11") :]
    parsed = [Requirement(one) for one in entries if not one.startswith(("pip", "--editable"))]
    return {canonicalize_name(one.name): one for one in parsed}


def pins(root):
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    split = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in split}


def test_all_extras_are_in_all(project_root):
    extras = pyproject(project_root)["project"]["optional-dependencies"]
    [everything] = [Requirement(line) for line in extras["all"]]
    assert everything.extras == extras.keys() - {"all"}


def test_conda_has_the_same_requirements(project_root):
    ours, conda = requirements(project_root), conda_requirements(project_root)
    python = conda.pop("python")
    assert str(python.specifier) == pyproject(project_root)["project"]["requires-python"]
    assert {name: str(one.specifier) for name, one in conda.items()} == {
        name: str(one.specifier) for name, one in ours.items()
    }


def test_one_specifier_for_each_package(project_root):
    found = {}
    for one in all_requirements(project_root):
        found.setdefault(canonicalize_name(one.name), set()).add(str(one.specifier))
    assert {name: some for name, some in found.items() if len(some) > 1} == {}


def test_pins_satisfy_the_requirements(project_root):
    pinned = pins(project_root)
    wanted = requirements(project_root)
    assert sorted(wanted.keys() - pinned.keys()) == []
    broken = [str(one) for name, one in wanted.items() if pinned[name] not in one.specifier]
    assert broken == []


def test_pins_are_versions_and_no_addresses(project_root):
    text = (project_root / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [
        line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[\w.!+]+", line)
    ] == []
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(set(names))
    assert "make pins" in text


# Set-up: shell scripts stand for the commands it calls

posix = pytest.mark.skipif(os.name == "nt", reason="make and its set-up are not for Windows")


@pytest.fixture
def setup_at(setup_tool, tmp_path, monkeypatch):
    """tools/setup.py as if it stood in a project of its own, with an empty environment."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("first", encoding="utf-8")
    monkeypatch.setattr(setup_tool, "ROOT", tmp_path)
    monkeypatch.setattr(setup_tool, "PINS", ("--constraint", "constraints.txt"))
    return setup_tool


def fake_command(path, body):
    """Write a shell script that stands for a command, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def made_environment(root):
    environment = root / ".venv"
    fake_command(environment / "bin" / "python", "exit 0")
    (environment / "pyvenv.cfg").write_text("home = somewhere", encoding="utf-8")
    return environment


def stamped(tool, root, kind):
    environment, stamps = made_environment(root), root / ".build"
    stamps.mkdir(exist_ok=True)
    (stamps / kind).write_text(tool.stamp_key(environment), encoding="utf-8")
    return environment, stamps


@posix
def test_stamp_serves_the_same_kind_and_smaller_ones(setup_at, tmp_path):
    places = stamped(setup_at, tmp_path, "lab")
    assert setup_at.is_ready("lab", *places)
    assert setup_at.is_ready("core", *places)
    assert not setup_at.is_ready("test", *places)


@posix
@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_stamp_ends_when_requirements_change(setup_at, tmp_path, name):
    places = stamped(setup_at, tmp_path, "core")
    (tmp_path / name).write_text("second", encoding="utf-8")
    assert not setup_at.is_ready("core", *places)


@posix
def test_stamp_ends_when_the_environment_is_removed(setup_at, tmp_path):
    environment, stamps = stamped(setup_at, tmp_path, "core")
    shutil.rmtree(environment)
    assert not setup_at.is_ready("core", environment, stamps)


def test_extras_of_the_set_up_exist(setup_tool, project_root):
    known = pyproject(project_root)["project"]["optional-dependencies"].keys()
    assert frozenset().union(*setup_tool.EXTRAS.values()) <= known


@posix
def test_pip_takes_over_when_uv_fails(setup_at, tmp_path, capsys):
    python = fake_command(tmp_path / "python", f'echo "$@" >> "{tmp_path}/calls"')
    uv = fake_command(tmp_path / "uv", "echo no route to the index; exit 2")
    assert setup_at.install(python, ["--editable", "."], uv=uv) == "pip"
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[-1] == (
        "-m pip install --constraint constraints.txt --editable ."
    )
    said = capsys.readouterr().out
    assert "uv failed, pip takes over" in said
    assert "no route to the index" in said


@posix
def test_a_long_step_says_that_it_is_still_at_work(setup_at, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(setup_at, "SAY_EVERY_S", 0.1)
    slow = fake_command(tmp_path / "slow", "sleep 0.35; echo done")
    assert setup_at.run([slow]) == "done\n"
    said = capsys.readouterr().out.splitlines()
    assert len(said) >= 2
    assert all("still at it after" in line for line in said)


@posix
def test_failed_step_shows_the_last_lines(setup_at, tmp_path):
    broken = fake_command(tmp_path / "python", "echo wheel is broken; exit 3")
    with pytest.raises(setup_at.SetupError, match=r"(?s)exit status 3.*wheel is broken"):
        setup_at.install(broken, ["."], uv=broken)


@posix
def test_debian_packages_without_root_are_named(setup_tool, monkeypatch):
    monkeypatch.setattr(setup_tool.os, "geteuid", lambda: 1000)
    with pytest.raises(setup_tool.SetupError, match="apt-get install chromium"):
        setup_tool.debian_install(["chromium"])


def test_old_python_is_refused_in_words(setup_tool, monkeypatch, capsys):
    monkeypatch.setattr(setup_tool, "OLDEST_PYTHON", (99, 1))
    assert setup_tool.main("core") == 2
    assert "is too old, 99.1 is needed" in capsys.readouterr().out


# Commands


@pytest.mark.parametrize(
    "target", ["help", "demo", "test", "test-all", "lint", "bench", "notebooks", "lab", "pins"]
)
def test_make_knows_the_command(project_root, need, target):
    need(shutil.which("make"), "make")
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=project_root, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_make_executes_one_notebook_or_says_which_there_are(project_root, need):
    need(shutil.which("make"), "make")

    def asked(*arguments):
        return subprocess.run(
            ["make", *arguments],
            cwd=project_root,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    names = sorted(path.stem for path in (project_root / "notebooks").glob("*.ipynb"))
    done = asked("--dry-run", "notebook", f"NAME={names[-1]}")
    assert f'"notebooks/{names[-1]}.ipynb"' in done.stdout
    wrong = asked("notebook", "NAME=nothing")
    assert wrong.returncode != 0
    for name in names:
        assert f"make notebook NAME={name}" in wrong.stdout
    for page in ("README.md", "README.zh.md"):
        found = re.findall(
            r"make notebook NAME=(\w+)", (project_root / page).read_text(encoding="utf-8")
        )
        assert found, page
        assert set(found) <= set(names), page


def test_ci_runs_what_the_readme_says(project_root):
    script = project_root / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert [line for line in lines if line.startswith("make ")][-1] == "make test"
    assert {"make demo", "make lint"} <= set(lines)
