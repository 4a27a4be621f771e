"""What all tests share: places, tools that may be missing, the slow ones, seconds by kind."""

import importlib.util
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable
from itertools import chain, pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
IN_CI = bool(os.environ.get("CI"))
SHARE = os.environ.pop("GRIDPLAN_TEST_SHARE", None)
"""Folder by which several processes share the tests out (tools/share_tests.py)."""

# Examples found at random are for developers; a change must not fail or pass by chance.
# Deadlines measure the machine, which is shared.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=IN_CI,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

MARKED_KINDS = {
    "package": "package",
    "browser": "browser",
    "notebook": "notebooks",
    "real": "real places",
}
"""Kind of a test that carries the marker; the first one that fits counts."""

NAMED_KINDS = {
    "fault": "faults",
    "contract": "contracts and golden",
    "golden": "contracts and golden",
}
"""Kind of a test whose file name has the word."""

OTHER_KIND = "units and properties"


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="also run tests marked slow")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


_OURS: dict[str, bool] = {}
_COLLECTED: list[int] = []


def pytest_collection_finish(session):
    _COLLECTED.append(len(session.items))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """Where processes share the tests out, run those of the modules that this one has."""
    if SHARE is None or session.testsfailed:
        return None
    ours = filter(_is_ours, session.items)
    for item, following in pairwise(chain(ours, [None])):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
    return True


def _is_ours(item):
    """Tell whether a module is this process's: it is of the one that comes to it first."""
    file = item.nodeid.partition("::")[0]
    if file not in _OURS:
        try:
            (Path(SHARE) / f"{file.replace('/', '+')}.begun").touch(exist_ok=False)
            _OURS[file] = True
        except FileExistsError:
            _OURS[file] = False
    return _OURS[file]


def kind_of(nodeid, keywords):
    """Return the kind of a test, from its file and its markers."""
    file = nodeid.partition("::")[0]
    if not file.startswith("tests/"):
        return "doctests"
    marked = [kind for marker, kind in MARKED_KINDS.items() if marker in keywords]
    named = [kind for word, kind in NAMED_KINDS.items() if word in Path(file).stem]
    return (marked + named + [OTHER_KIND])[0]


def pytest_terminal_summary(terminalreporter):
    seconds, tests = defaultdict(float), defaultdict(set)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                kind = kind_of(report.nodeid, report.keywords)
                seconds[kind] += report.duration
                tests[kind].add(report.nodeid)
    counts = {kind: len(names) for kind, names in tests.items()}
    if SHARE is not None:
        outcomes = {name: len(found) for name, found in terminalreporter.stats.items() if name}
        told = {"seconds": seconds, "tests": counts, "outcomes": outcomes}
        told["collected"] = sum(_COLLECTED)
        (Path(SHARE) / f"{os.getpid()}.json").write_text(json.dumps(told), encoding="utf-8")
    elif seconds:
        terminalreporter.section("seconds by kind of test")
        for kind in sorted(seconds, key=seconds.get, reverse=True):
            terminalreporter.write_line(f"{seconds[kind]:8.1f} s  {counts[kind]:5d}  {kind}")


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def need() -> Callable[[object, str], None]:
    """`need(present, "what")`: without it the test fails in CI and is skipped elsewhere."""

    def check(present: object, what: str) -> None:
        if not present:
            complain = pytest.fail if IN_CI else pytest.skip
            complain(f"{what} is not on this machine; `make test` says how to install it")

    return check


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """
    `shared("newport/newport.osm.pbf")`: a file or folder of the real data.

    They lie beside the project (../shared/data) and are no part of it: a test that
    needs what is not there is skipped, in CI too.
    """

    def find(name: str) -> Path:
        path = ROOT.parent / "shared" / "data" / name
        if not path.exists():
            pytest.skip(f"needs the real data: ../shared/data/{name}")
        return path

    return find


@pytest.fixture(scope="session")
def setup_tool() -> ModuleType:
    """Return tools/setup.py as a module; it belongs to no package."""
    spec = importlib.util.spec_from_file_location("setup_tool", ROOT / "tools" / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def chromium(need, setup_tool) -> str:
    """Return the path of a browser that Playwright can drive."""
    found = [path for path in map(shutil.which, setup_tool.BROWSERS) if path]
    need(found, "Chromium (Debian package chromium)")
    return found[0]
