"""
Siting beside published values and beside spopt: ``make bench ARGS=siting``.

Each family of problems runs in a process of its own, so that its peak memory is its own.
One family alone: ``python benchmarks/siting.py tsplib``; further words are its options, as
in ``python benchmarks/siting.py tsplib fl1400 300 200`` (p = 300 alone, at most 200 s).
A module ``siting_<name>.py`` beside this one with a table ``FAMILIES`` of its own adds to it.
"""

from __future__ import annotations

import importlib
import importlib.util
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from siting_instances import (
    NEWPORT_OSM,
    SITING,
    Instance,
    TownOptions,
    generated,
    newport,
    orlib,
    tsplib,
)

from gridplan.siting import Limits, Rules, Siting, p_median

WORK = 1_000_000_000
"""More than any run uses: here the clock ends what is not proven."""

COLUMNS = (
    f"{'instance':<26}{'p':>5}{'objective':>16}{'listed':>12}{'ratio':>9}{'bound':>16}"
    f"{'gap':>10} {'status':<8}{'s':>7}{'cpu s':>7}{'MB':>7}"
)


def solve(instance: Instance, seconds: float) -> tuple[Siting, float]:
    """Return the plan of an instance, and the seconds of processor time it took."""
    began = time.process_time()
    plan = p_median(
        instance.cost,
        instance.weights,
        p=instance.p,
        rules=Rules(allow_unreachable=True),
        limits=Limits(work=WORK, time_s=seconds),
    )
    return plan, time.process_time() - began


def show(instance: Instance, plan: Siting, cpu_s: float) -> None:
    """Print one line of the table."""
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    known = np.isfinite(instance.listed)
    listed = f"{instance.listed:12,.0f}{plan.objective / instance.listed:9.5f}"
    print(
        f"{instance.name:<26}{instance.p:5d}{plan.objective:16,.1f}"
        f"{listed if known else ' ' * 19 + '-':>21}{plan.bound:16,.1f}{plan.gap:10.4%} "
        f"{plan.status:<8}{plan.seconds:7.1f}{cpu_s:7.1f}{peak_mb:7.0f}",
        flush=True,
    )


def table(instances: Iterator[Instance], seconds: float) -> None:
    """Solve and show instances, and how many are proven."""
    print(COLUMNS)
    proven, count, wall, cpu = 0, 0, 0.0, 0.0
    for instance in instances:
        plan, cpu_s = solve(instance, seconds)
        show(instance, plan, cpu_s)
        proven, count = proven + (plan.status == "proven"), count + 1
        wall, cpu = wall + plan.seconds, cpu + cpu_s
    print(
        f"{proven} of {count} proven within {seconds:g} s each; in total {wall:.1f} s, "
        f"{cpu:.1f} s of processor time",
        flush=True,
    )


def bench_orlib() -> None:
    """Solve OR-Library pmed1-20."""
    if not SITING.is_dir():
        print("skipped: siting is not in ../shared/data")
        return
    table(orlib(), 60.0)


def bench_tsplib(name: str = "", p: str = "", seconds: str = "60") -> None:
    """
    Solve TSPLIB rl1304 and fl1400, every p that is listed.

    ``tsplib all all 300`` counts how many are proven within 300 s.
    """
    if not SITING.is_dir():
        print("skipped: siting is not in ../shared/data")
        return
    for one in ["rl1304", "fl1400"] if name in {"", "all"} else [name]:
        chosen = (instance for instance in tsplib(one) if p in {"", "all", str(instance.p)})
        table(chosen, float(seconds))


def bench_newport(seconds: str = "60", seed: str = "4") -> None:
    """Solve real walks of Newport, 4,000 homes by 500 candidates."""
    if not NEWPORT_OSM.is_file():
        print(f"skipped: {NEWPORT_OSM.name} is not in ../shared/data")
        return
    table(newport(int(seed)), float(seconds))


def bench_generated(seconds: str = "120", p: str = "100", seed: str = "0") -> None:
    """Solve 20,000 x 2,000 within 3 km, given as a long frame."""
    table(iter([generated(int(p), TownOptions(seed=int(seed)))]), float(seconds))


def bench_spopt() -> None:
    """Solve the same small matrices with spopt and HiGHS: equal objectives, ratio of times."""
    if any(importlib.util.find_spec(name) is None for name in ("spopt", "pulp")):
        print("skipped: spopt and pulp are not installed")
        return
    import pulp
    from spopt.locate import PMedian

    # HiGHS is loaded by the first model of each side, which is not what is compared.
    p_median(np.eye(12), np.ones(12), p=3)
    for size, p in (((100, 40), 5), ((200, 60), 8), ((400, 100), 12)):
        rng = np.random.default_rng(size[0])
        demand, sites = (rng.uniform(0, 3000, (count, 2)) for count in size)
        cost = np.rint(np.abs(demand[:, None] - sites[None]).sum(axis=2))
        residents = rng.integers(1, 60, size[0]).astype(float)
        began = time.perf_counter()
        ours = p_median(cost, residents, p=p)
        ours_s = time.perf_counter() - began
        began = time.perf_counter()
        model = PMedian.from_cost_matrix(cost, residents, p_facilities=p)
        solver = pulp.HiGHS(msg=False, threads=1, gapRel=0.0)
        theirs = pulp.value(model.solve(solver).problem.objective)
        theirs_s = time.perf_counter() - began
        if round(theirs) != round(ours.objective) or ours.status != "proven":
            sys.exit(f"{size} p = {p}: {ours.objective} ({ours.status}) against {theirs}")
        print(
            f"{size[0]:5d} x {size[1]:<5d}p = {p:<4d}objective {ours.objective:12,.0f}   "
            f"gridplan {ours_s:7.3f} s   spopt {theirs_s:8.3f} s   ratio {theirs_s / ours_s:.0f}"
        )


FAMILIES: dict[str, Callable[..., None]] = {
    "orlib": bench_orlib,
    "tsplib": bench_tsplib,
    "newport": bench_newport,
    "generated": bench_generated,
    "spopt": bench_spopt,
}


def families() -> dict[str, Callable[..., None]]:
    """Return the families of this module and of those beside it, `siting_<name>.py`."""
    found = dict(FAMILIES)
    for path in sorted(Path(__file__).parent.glob("siting_*.py")):
        found |= getattr(importlib.import_module(path.stem), "FAMILIES", {})
    return found


def main() -> None:
    """Run every family in a process of its own, or the one that is named here."""
    known = families()
    if not sys.argv[1:]:
        for name in known:
            done = subprocess.run([sys.executable, __file__, name], check=False)
            if done.returncode:
                sys.exit(done.returncode)
        return
    name, *options = sys.argv[1:]
    if name not in known:
        sys.exit(f"there is no family {name!r}; there are: {', '.join(known)}")
    print(f"\n{name}: {(known[name].__doc__ or '').strip()}", flush=True)
    known[name](*options)


if __name__ == "__main__":
    main()
