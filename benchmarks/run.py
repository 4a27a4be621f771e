"""
Seconds per step and peak memory of whole runs: the demo town, and Newport where its file is.

Each place runs in a process of its own, so that its peak memory is its own:
``python benchmarks/run.py`` or ``make bench``. ``make bench ARGS=access`` compares walking
distances with other tools instead (`benchmarks/access.py`), ``ARGS=cells`` ways to draw cells
(`benchmarks/cells.py`), ``ARGS=siting`` sitings with published values and with spopt
(`benchmarks/siting.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEWPORT_OSM = ROOT.parent / "shared" / "data" / "newport" / "newport.osm.pbf"
COMPARISONS = ("access", "cells", "siting", "siting_capacity", "siting_cover", "zones")
NEWPORT_TOML = ROOT / "tests" / "newport.toml"

_CHILD = """
import json, resource, sys, time
from pathlib import Path
began = time.perf_counter()
from gridplan import commands
imported = time.perf_counter() - began
if sys.argv[1] == "demo":
    plan, folder = commands.make_demo(Path(sys.argv[2]))
else:
    plan, folder = commands.run_project(Path(sys.argv[1]), out=Path(sys.argv[2]) / "run")
seconds = json.loads((folder / "timing.json").read_text(encoding="utf-8"))["seconds"]
print(json.dumps({
    "seconds": {"import": imported, **seconds},
    "total": time.perf_counter() - began,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "cells": plan.summary["cells"]["count"],
    "demand": len(plan.layers["demand"]),
    "edges": plan.summary["network"]["edges"],
    "siting": plan.summary["siting"]["status"],
}))
"""


def measure(target: str, folder: Path) -> dict[str, object]:
    """Run one place in a fresh process and return its figures."""
    command = [sys.executable, "-c", _CHILD, target, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{target} failed:\n{done.stderr}")
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return figures


def show(name: str, figures: dict[str, object]) -> None:
    """Print the figures of one place."""
    seconds = figures["seconds"]
    print(
        f"\n{name}: {figures['cells']} cells, {figures['demand']} homes, "
        f"{figures['edges']} edges, siting {figures['siting']}"
    )
    if isinstance(seconds, dict):
        for step, value in seconds.items():
            print(f"  {step:<10}{value:8.2f} s")
    print(f"  {'total':<10}{figures['total']:8.2f} s   peak memory {figures['peak_mb']:.0f} MB")


def main() -> None:
    """Measure the places that are there, or what the argument names."""
    if sys.argv[1:]:
        name, *options = sys.argv[1:]
        if name not in COMPARISONS:
            sys.exit(f"there is no benchmark {name!r}; there are: {', '.join(COMPARISONS)}")
        script = Path(__file__).with_name(f"{name}.py")
        sys.exit(subprocess.run([sys.executable, str(script), *options], check=False).returncode)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        show("Demo town", measure("demo", folder / "demo"))
        if not NEWPORT_OSM.is_file():
            print(f"\nNewport: skipped, {NEWPORT_OSM.name} is not in ../shared/data")
            return
        show("Newport", measure(str(NEWPORT_TOML), folder))


if __name__ == "__main__":
    main()
