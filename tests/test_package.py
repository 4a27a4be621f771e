"""The built wheel, in a clean environment outside the repository."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

pytestmark = pytest.mark.package

RUN_FILES = ("plan.gpkg", "summary.json", "manifest.json", "timing.json", "report.html")
LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}


def run(*command, cwd):
    """Run a command with none of the repository on its path; return what it printed."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(project_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    run(*command, "--directory", folder, cwd=project_root)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, setup_tool, project_root, tmp_path_factory):
    """Return the Python of an environment that holds the wheel and its core, no extras."""
    environment = tmp_path_factory.mktemp("clean environment") / "环境"
    run(sys.executable, "-m", "venv", environment, cwd=environment.parent)
    python = setup_tool.tool(environment, "python")
    setup_tool.install(python, [wheel], uv=setup_tool.tool(project_root / ".venv", "uv"))
    return python


def test_wheel_holds_the_package_and_nothing_else(wheel, project_root):
    sources = {
        path.relative_to(project_root).as_posix()
        for path in (project_root / "gridplan").rglob("*")
        if path.is_file() and not LEFT_OUT.intersection(path.parts)
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packed = {name for name in names if ".dist-info/" not in name}
    assert "gridplan/py.typed" in packed
    assert packed == sources


def test_wheel_needs_what_pyproject_says(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode("utf-8")
    assert "Requires-Python: >=3.11" in metadata
    assert "License-Expression: BSD-3-Clause" in metadata
    assert "://" not in "".join(line for line in metadata.splitlines() if "Requires-Dist" in line)


def test_demo_runs_from_the_wheel(python, project_root, tmp_path):
    target = tmp_path / "out" / "demo"
    where = run(python, "-c", "import gridplan; print(gridplan.__file__)", cwd=tmp_path)
    assert str(project_root) not in where
    command = python.with_name("gridplan.exe" if os.name == "nt" else "gridplan")
    printed = run(command, "demo", "--out", target, cwd=tmp_path)
    assert [name for name in RUN_FILES if not (target / name).is_file()] == []
    assert any((target / "figures").glob("*.png"))
    assert (target / "tables.xlsx").is_file()
    assert "report.html" in printed
    summary = json.loads((target / "summary.json").read_text(encoding="utf-8"))
    assert summary["residents"] == 80_000
    assert summary["proofs"]["tiling_error_m2"] == pytest.approx(0, abs=1e-6)


def test_versions_agree(python, tmp_path):
    code = (
        "import gridplan as g, importlib.metadata as m; print(g.__version__, m.version('gridplan'))"
    )
    own, installed = run(python, "-c", code, cwd=tmp_path).split()
    assert own == installed
