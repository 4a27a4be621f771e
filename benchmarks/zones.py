"""
Districts and zones beside published plans and other tools: ``python benchmarks/zones.py``.

Families: ``counties`` (US counties, population times squared distance), ``territories``
(commercial territory design, three weights). One alone: its name behind the command;
``counties AL 3`` is one instance with the seed 3. Seconds are of the processor.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DISTRICTING = ROOT.parent / "shared" / "data" / "districting"
sys.path.insert(0, str(ROOT))

from gridplan.siting import Limits  # noqa: E402 (the readers stand beside the tests)
from gridplan.zones import DistrictProblem, districts  # noqa: E402
from tests.districting import COUNTIES, CTDP, county_problem, territory_problem  # noqa: E402

WORK = 1_000_000


def heading(title: str) -> None:
    """Print the head of a table of districts."""
    print(f"\n{title}\n{'instance':<16}{'units':>6}{'k':>4}{'objective':>12}{'listed':>12}"
          f"{'ratio':>10}{'bound':>12}{'gap':>9} {'status':<11}{'cpu s':>7}")  # fmt: skip


def told(name: str, problem: DistrictProblem, listed: float, seed: int) -> None:
    """Solve one instance and print its line."""
    began = time.process_time()
    plan = districts(problem, limits=Limits(work=WORK, seed=seed))
    cpu_s = time.process_time() - began
    print(
        f"{name:<16}{problem.count:>6}{problem.k:>4}{plan.objective:>12,.2f}{listed:>12,.2f}"
        f"{plan.objective / listed:>10.6f}{plan.bound:>12,.2f}{plan.gap:>9.3%} "
        f"{plan.status:<11}{cpu_s:>7.1f}",
        flush=True,
    )


def bench_counties(only: str = "", seed: str = "0") -> None:
    """Group counties; listed is the objective of the published connected plan."""
    heading("US counties, 10^6 persons x km2")
    for state in COUNTIES:
        if only in {"", state}:
            problem, listed = county_problem(DISTRICTING / "us_counties", state)
            told(state, problem, listed, int(seed))


def bench_territories(only: str = "", seed: str = "0") -> None:
    """Group basic units with three balanced weights; listed is the best value known."""
    heading("Commercial territory design, sum of distances")
    for name, listed in CTDP.items():
        if only in {"", name}:
            told(name, territory_problem(DISTRICTING / "ctdp", name), listed, int(seed))


FAMILIES: dict[str, Callable[..., None]] = {
    "counties": bench_counties,
    "territories": bench_territories,
}


def main() -> None:
    """Run every family, or the one that the argument names."""
    name, *options = sys.argv[1:] or [""]
    if name and name not in FAMILIES:
        sys.exit(f"there is no family {name!r}; there are: {', '.join(FAMILIES)}")
    if not DISTRICTING.is_dir():
        sys.exit(f"needs the published instances in {DISTRICTING}")
    for family, run in FAMILIES.items():
        if name in {"", family}:
            run(*options)


if __name__ == "__main__":
    main()
