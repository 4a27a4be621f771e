"""The whole run of the demo: the contract, the figures it gave before, the same bytes twice."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gridplan import commands
from gridplan.cli import app
from gridplan.store import read_run
from gridplan.verify import verify_plan
from tests.contract import check_folder, check_layers

GOLDEN = "demo_summary.json"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return commands.make_demo(tmp_path_factory.mktemp("演示 demo") / "project")


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timing.json"
    }


def leaves(node, path=""):
    """Yield (path, value) for every value of nested mappings and lists."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{path}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from leaves(value, f"{path}/{number}")
    else:
        yield path, node


def test_the_run_satisfies_the_contract(demo):
    plan, folder = demo
    check_folder(folder)
    stored = read_run(folder)
    check_layers(stored.layers)
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8")) == plan.summary
    assert stored.summary == plan.summary
    report = verify_plan(dict(stored.layers), stored.summary)
    assert report.ok, [finding.message.en for finding in report.findings]


def test_residents_of_walled_estates_leave_by_a_gate_of_theirs(demo):
    plan, _ = demo
    demand, gates = plan.layers["demand"], plan.layers["gates"]
    estates = plan.layers["estates"]
    walled = demand["estate_id"].isin(estates.loc[estates["walled"], "estate_id"])
    assert demand.loc[walled, "gate_id"].notna().mean() > 0.9
    own = dict(zip(gates["gate_id"], gates["estate_id"], strict=True))
    passed = demand[demand["gate_id"].notna()]
    assert (passed["gate_id"].map(own) == passed["estate_id"]).all()


def test_the_figures_of_the_demo(demo, project_root):
    """
    The summary equals `tests/golden/demo_summary.json` to 1e-6.

    Written by ``python -m tests.update_golden`` from a run of the demo; what the
    figures must be whatever the solver finds (80,000 residents, 11 committees,
    proofs) is asserted beside it.
    """
    plan, _ = demo
    golden = json.loads((project_root / "tests" / "golden" / GOLDEN).read_text(encoding="utf-8"))
    ours = dict(leaves(json.loads(json.dumps(plan.summary))))
    expected = dict(leaves(golden))
    assert ours.keys() == expected.keys()
    different = {
        path: (value, expected[path])
        for path, value in ours.items()
        if not (
            math.isclose(value, expected[path], rel_tol=1e-6, abs_tol=1e-6)
            if isinstance(value, float)
            else value == expected[path]
        )
    }
    assert different == {}
    assert plan.summary["residents"] == 80_000
    assert plan.summary["place"]["committees"] == 11
    assert plan.summary["proofs"]["tiling_error_m2"] <= 0.01
    assert plan.summary["proofs"]["communities_crossed"] == 0
    assert plan.summary["proofs"]["zones_disconnected"] == 0
    assert plan.summary["siting"]["status"] == "proven"


def test_the_same_bytes_from_another_process(demo, tmp_path):
    plan, folder = demo
    del plan
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland"}
    command = [sys.executable, "-m", "gridplan", "demo", "--out", str(tmp_path / "project")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert digests(tmp_path / "project") == digests(folder)


def test_row_order_never_matters(demo, tmp_path):
    """The layers in another row order give the same plan."""
    import geopandas as gpd
    import pyogrio

    _, folder = demo
    project = folder
    shuffled = tmp_path / "project"
    shuffled.mkdir()
    for name in ("gridplan.toml", "population.xlsx"):
        (shuffled / name).write_bytes((project / name).read_bytes())
    for layer, _kind in pyogrio.list_layers(project / "xinzhen.gpkg"):
        frame = gpd.read_file(project / "xinzhen.gpkg", layer=layer)
        frame.sample(frac=1, random_state=3).to_file(
            shuffled / "xinzhen.gpkg", layer=layer, engine="pyogrio"
        )
    result = CliRunner().invoke(
        app, ["run", str(shuffled / "gridplan.toml"), "--out", str(tmp_path / "run")]
    )
    assert result.exit_code == 0, result.output
    ours, theirs = digests(tmp_path / "run"), digests(folder)
    # The inputs are other files, so their digests in the manifest differ, and only they.
    project_files = {"gridplan.toml", "population.xlsx", "xinzhen.gpkg"}
    assert ours.keys() == theirs.keys() - project_files
    differs = {name for name in ours if ours[name] != theirs[name]}
    assert differs <= {"manifest.json", "plan.gpkg"}
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert summary == json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def test_the_report_again_from_the_stored_run_alone(demo, tmp_path):
    _, folder = demo
    runner = CliRunner()
    result = runner.invoke(app, ["report", str(folder), "--out", str(tmp_path / "again")])
    assert result.exit_code == 0, result.output
    again = (tmp_path / "again" / "report.html").read_bytes()
    assert again == (folder / "report.html").read_bytes()


def test_check_verifies_the_run(demo):
    _, folder = demo
    for target in (folder, folder / "plan.gpkg"):
        result = CliRunner().invoke(app, ["check", str(target), "--lang", "en"])
        assert result.exit_code == 0, result.output
        assert "zones not connected: 0" in result.stdout
        assert "Nothing hard found" in result.stdout


def test_an_earlier_run_is_replaced_only_on_request(demo):
    _, folder = demo
    toml = folder / "gridplan.toml"
    result = CliRunner().invoke(app, ["run", str(toml), "--out", str(folder), "--lang", "en"])
    assert result.exit_code == 2
    assert "holds an earlier run. Add --replace" in result.stderr


def test_a_plan_of_a_higher_contract_is_refused(demo, tmp_path):
    import sqlite3

    _, folder = demo
    newer = tmp_path / "plan.gpkg"
    newer.write_bytes((folder / "plan.gpkg").read_bytes())
    with sqlite3.connect(newer) as base:
        base.execute("update gridplan_meta set value = '2.0' where key = 'contract'")
    base.close()
    for command in ("report", "check"):
        result = CliRunner().invoke(app, [command, str(newer), "--lang", "en"])
        assert result.exit_code == 2
        assert "was written under contract '2.0'; this gridplan reads 1.0" in result.stderr


def test_the_summary_follows_its_schema(demo, project_root):
    import jsonschema

    _, folder = demo
    schema = json.loads((project_root / "schemas" / "summary.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads((folder / "summary.json").read_text("utf-8")), schema)


@pytest.mark.browser
def test_the_report_opens_without_any_request(demo, chromium):
    from playwright.sync_api import sync_playwright

    _, folder = demo
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--no-first-run"]
    asked, said = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((folder / "report.html").resolve().as_uri())
        page.wait_for_timeout(1500)
        canvas = page.locator("canvas").first
        assert canvas.bounding_box()["width"] > 300
        text = page.inner_text("body")
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert said == []
    assert "80,000" in text
