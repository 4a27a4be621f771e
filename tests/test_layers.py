"""Imports go downward; analysis is pure; modules and functions stay small."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gridplan"
FLOORS = """
    errors terms geometry place verify
    sources
    cells demand network access bounds cases siting zones unify rooms patrol evaluation
    setting_faults setting_fields toml_faults settings_file norm_settings people_settings
    room_settings measure_settings
    cell_settings unify_settings zone_settings zone_words
    config plan answers project dictionary settings_doc fingerprint assemble summary steps pipeline
    routing
    lenient
    compare fieldcheck store present batch widgets progress halting commands
    field_commands layer_commands sign_commands cli
""".split()  # noqa: SIM905 - one room per word reads better than a list
PURE = {
    "demand",
    "network",
    "access",
    "cells",
    "bounds",
    "zones",
    "unify",
    "siting",
    "rooms",
    "verify",
    "evaluation",
    "answers",
    "fieldcheck",
}
VERIFIER_MAY = {"numpy", "pandas", "shapely", "gridplan.errors", "gridplan.verify"}
INPUT_OUTPUT = {"pathlib", "os", "io", "shutil", "tempfile", "pyogrio", "sqlite3", "urllib",
                "requests", "socket", "subprocess", "logging"}  # fmt: skip
INPUT_OUTPUT_CALLS = {"open", "print", "input", "read_file", "to_file", "read_csv", "to_csv",
                      "read_excel", "to_excel", "read_parquet", "to_parquet"}  # fmt: skip
MODULE_LINES, FUNCTION_LINES = 500, 60

MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
EVERY_MODULE = pytest.mark.parametrize("module", MODULES)


def room(module):
    """The room a module is in; None for the top of the package, whose access is lazy."""
    parts = module.split(".")
    return None if len(parts) == 1 or parts[1].startswith("__") else parts[1]


def imported(module):
    """Every module that one imports, also inside functions and by relative names."""
    own = module.split(".")
    package = own if MODULES[module].name == "__init__.py" else own[:-1]
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*parent, *([node.module] if node.module else [])])
            for one in node.names:
                whole = f"{source}.{one.name}"
                yield whole if whole in MODULES or source == "gridplan" else source


def faults_of_floors(module):
    """What a module imports from above, or from a room without a floor."""
    here = room(module)
    if here is None:
        return
    for target in imported(module):
        there = room(target) if target.split(".")[0] == "gridplan" else here
        if there is None:
            if not target.startswith("gridplan.__"):
                yield f"{module} imports {target}: name the module that is meant"
        elif there not in FLOORS:
            yield f"{module} imports {target}: give {there} a floor"
        elif FLOORS.index(there) > FLOORS.index(here):
            yield f"{module} imports {target}, which is above it"


@EVERY_MODULE
def test_imports_go_downward(module):
    here = room(module)
    assert here is None or here in FLOORS, f"{module}: give it a floor"
    assert list(faults_of_floors(module)) == []


def test_modules_of_a_room_do_not_import_in_circles():
    def visit(module, path):
        assert module not in path, f"circle: {' -> '.join([*path, module])}"
        if module not in done:
            for target in dict.fromkeys(imported(module)):
                # The room's own __init__ gathers its modules; they do not look back at it.
                if target in MODULES and room(target) == room(module) is not None:
                    visit(target, [*path, module])
            done.add(module)

    done = set()
    for module in MODULES:
        visit(module, [])


@pytest.mark.parametrize("module", [one for one in MODULES if room(one) == "verify"])
def test_the_verifier_shares_no_code_with_what_it_checks(module):
    for target in imported(module):
        top = target.split(".")[0]
        name = ".".join(target.split(".")[:2]) if top == "gridplan" else top
        assert name in VERIFIER_MAY or top in sys.stdlib_module_names, f"{module} imports {target}"


@pytest.mark.parametrize("module", [one for one in MODULES if room(one) == "verify"])
def test_the_verifier_never_snaps_or_repairs(module):
    mending = {"snap", "set_precision", "make_valid", "normalize", "simplify", "coverage_simplify",
               "remove_repeated_points", "orient_polygons", "grid_size"}  # fmt: skip
    used = {node.attr for node in ast.walk(TREES[module]) if isinstance(node, ast.Attribute)}
    used |= {node.arg for node in ast.walk(TREES[module]) if isinstance(node, ast.keyword)}
    assert not used & mending


@pytest.mark.parametrize("module", [one for one in MODULES if room(one) in PURE])
def test_analysis_reads_and_writes_nothing(module):
    assert not {one.split(".")[0] for one in imported(module)} & INPUT_OUTPUT
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            assert name not in INPUT_OUTPUT_CALLS, f"{module}:{node.lineno} calls {name}()"


@EVERY_MODULE
def test_modules_and_functions_are_short(module):
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= MODULE_LINES, f"{module} has {lines} lines"
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= FUNCTION_LINES, f"{module}.{node.name} has {length} lines"


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("terms", "import gridplan.place", "gridplan.terms imports gridplan.place, which is above"),
        ("terms", "def f():\n from . import cli", "gridplan.terms imports gridplan.cli, which is"),
        ("cells.new", "from ..zones import x", "gridplan.cells.new imports gridplan.zones, which"),
        ("terms", "from gridplan.attic import x", "gridplan.attic: give attic a floor"),
        ("terms", "from gridplan import Place", "gridplan.Place: give Place a floor"),
        ("terms", "import gridplan", "name the module that is meant"),
        ("zones.new", "from gridplan.cells import x\nfrom . import y", None),
        ("terms", "from gridplan import __version__", None),
    ],
)
def test_an_upward_import_is_named(monkeypatch, module, source, fault):
    name = f"gridplan.{module}"
    monkeypatch.setitem(MODULES, name, PACKAGE / f"{module.replace('.', '/')}.py")
    monkeypatch.setitem(TREES, name, ast.parse(source))
    found = list(faults_of_floors(name))
    assert (fault is None and found == []) or (len(found) == 1 and fault in found[0])
