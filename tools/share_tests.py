"""
Run the tests in two processes at once; `make test` calls it.

A module of tests runs in the process that comes to it first, so that both end at about the same
time. Each process is a plain pytest: interrupts, killed children and the working folder behave
as they do by hand. With arguments, or on one core, one process runs them all.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 2
PASSED, NOTHING_RAN = 0, 5


def main(arguments: list[str]) -> int:
    """Run pytest and return its status; of two processes, that of the one that failed."""
    command = [sys.executable, "-m", "pytest", *arguments]
    shared_out = not [one for one in arguments if one != "--run-slow"]
    if not shared_out or (os.cpu_count() or 1) < PROCESSES:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return _at_once(command, Path(folder))


def _at_once(command: list[str], folder: Path) -> int:
    begun = time.monotonic()
    environment = {**os.environ, "GRIDPLAN_TEST_SHARE": str(folder)}
    log = folder / "second.log"
    with log.open("wb") as out:
        others = [
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=to, stderr=to)
            for to in (None, out)
        ]
        status = [one.wait() for one in others]
    sys.stdout.write(log.read_text(encoding="utf-8", errors="replace"))
    told = [json.loads(one.read_text(encoding="utf-8")) for one in sorted(folder.glob("*.json"))]
    for process, one in zip(("first", "second"), status, strict=True):
        if one not in (PASSED, NOTHING_RAN):
            print(f"The {process} process ended with status {one}.")
    left = max((one["collected"] for one in told), default=0) - _tell(told)
    if left or len(told) < PROCESSES:
        print(f"{left} tests ran in none of {len(told)} processes, or in both.")
    print(f" {_outcomes(told)} in {time.monotonic() - begun:.2f}s ".center(80, "="), flush=True)
    ran = max((one for one in status if one != NOTHING_RAN), default=NOTHING_RAN)
    return ran or int(bool(left) or len(told) < PROCESSES)


def _tell(told: list[dict[str, Any]]) -> int:
    """Print the seconds by kind of test of all processes; return the number of tests."""
    seconds: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for one in told:
        seconds.update(one["seconds"])
        tests.update(one["tests"])
    print(" seconds by kind of test ".center(80, "="))
    for kind, spent in seconds.most_common():
        print(f"{spent:8.1f} s  {tests[kind]:5d}  {kind}")
    return tests.total()


def _outcomes(told: list[dict[str, Any]]) -> str:
    """Return how many tests ended how, in pytest's words."""
    outcomes: Counter[str] = Counter()
    for one in told:
        outcomes.update(one["outcomes"])
    # Every process leaves the same tests out.
    outcomes["deselected"] = max((one["outcomes"].get("deselected", 0) for one in told), default=0)
    first = {"failed": outcomes["failed"], "passed": outcomes["passed"]}
    return ", ".join(f"{count} {name}" for name, count in {**first, **outcomes}.items() if count)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
