"""
The p-median with capacities on published instances, and beside spopt.

``make bench ARGS=siting_capacity``, or ``python benchmarks/siting_capacity.py [instance …]``;
``... siting_capacity.py full`` solves made-up towns with little room to spare.
Each row: objective, bound, gap and status, with seconds by the clock and of the processor.
spopt's model is solved by HiGHS on a small problem where it is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from gridplan.siting import Limits, p_median

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "siting" / "cpmp"
TIME_S = 300.0
SMALL, SMALL_SITES, SMALL_P, SMALL_FILL = 60, 20, 5, 0.9
FULL, FULL_TIME_S, FULL_FILL = ((300, 25), (400, 30), (400, 40)), 60.0, 0.8
LARGE, LARGEST = 200.0, 0.9


def read(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return cost (floor of Euclid; exact for SJC), demand, capacities and p."""
    head, *rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line)
    x, y, capacity, demand = np.array(rows, dtype=float).T
    cost = np.hypot(x[:, None] - x, y[:, None] - y)
    return (cost if path.name.startswith("SJC") else np.floor(cost)), demand, capacity, int(head[1])


def published(names: list[str]) -> None:
    """Solve the instances and print how far they are from what is listed."""
    _, *lines = (FOLDER / "best_known.csv").read_text(encoding="utf-8").splitlines()
    listed = {line.split(",")[0]: float(line.split(",")[3]) for line in lines}
    paths = {path.stem: path for path in sorted(FOLDER.iterdir()) if path.stem in listed}
    print(
        f"{'instance':9s}{'n':>5s}{'p':>4s}{'listed':>11s}{'objective':>12s}{'bound':>12s}"
        f"{'gap':>10s} {'status':8s}{'seconds':>9s}{'processor':>10s}"
    )
    for name, path in paths.items():
        if names and name not in names:
            continue
        cost, demand, capacity, p = read(path)
        began = time.process_time()
        plan = p_median(
            cost,
            np.ones(len(cost)),
            p=p,
            load=demand,
            capacity=capacity,
            limits=Limits(time_s=TIME_S),
        )
        print(
            f"{name:9s}{len(cost):5d}{p:4d}{listed[name]:11.2f}{plan.objective:12.2f}"
            f"{plan.bound:12.2f}{plan.gap:10.1e} {plan.status:8s}{plan.seconds:9.1f}"
            f"{time.process_time() - began:10.1f}",
            flush=True,
        )


def full() -> None:
    """Solve towns with rooms that are 80 % full, three homes taking 90 % of one each."""
    for number, (homes, rooms) in enumerate(FULL, start=1):
        rng = np.random.default_rng(number)
        places = rng.normal(0, 1_000, (homes, 2)).round()
        cost = np.hypot(places[:, :1] - places[:, 0], places[:, 1:] - places[:, 1])
        load = np.minimum(rng.lognormal(3.3, 0.9, homes).round() + 1.0, LARGE)
        room = math.ceil(load.sum() / rooms / FULL_FILL)
        load[:3] = math.floor(LARGEST * room)
        room = max(room, math.ceil(load.sum() / rooms / FULL_FILL))
        began = time.process_time()
        plan = p_median(
            cost,
            np.ones(homes),
            p=rooms,
            load=load,
            capacity=np.full(homes, float(room)),
            limits=Limits(time_s=FULL_TIME_S),
        )
        print(
            f"{homes} homes, {rooms} rooms of {room}: {plan.objective:.1f}, "
            f"bound {plan.bound:.1f}, gap {plan.gap:.3%}, {plan.status}, {plan.seconds:.1f} s, "
            f"{time.process_time() - began:.1f} s of the processor",
            flush=True,
        )


def small() -> tuple[np.ndarray, np.ndarray, float]:
    """Return a small problem: distances, residents and the capacity of every site."""
    rng = np.random.default_rng(1)
    homes, sites = rng.uniform(0, 2000, (SMALL, 2)), rng.uniform(0, 2000, (SMALL_SITES, 2))
    cost = np.hypot(homes[:, :1] - sites[:, 0], homes[:, 1:] - sites[:, 1]).round()
    residents = rng.integers(1, 60, SMALL).astype(float)
    return cost, residents, math.ceil(residents.sum() / SMALL_P / SMALL_FILL)


def beside_spopt() -> None:
    """Solve the small problem with both, and check what spopt's plan does."""
    cost, residents, capacity = small()
    began = time.process_time()
    plan = p_median(cost, residents, p=SMALL_P, capacity=capacity)
    took = time.process_time() - began
    print(f"\n{SMALL} x {SMALL_SITES}, p = {SMALL_P}, capacity {capacity:g} each")
    print(f"  gridplan  {plan.objective:12.0f}  {plan.status}  {took:.2f} s of the processor")
    if importlib.util.find_spec("spopt") is None or importlib.util.find_spec("pulp") is None:
        print("  spopt     not installed")
        return
    pulp: Any = importlib.import_module("pulp")
    peer_model: Any = importlib.import_module("spopt.locate").PMedian
    began = time.process_time()
    model = peer_model.from_cost_matrix(
        cost, residents, p_facilities=SMALL_P, facility_capacities=np.full(SMALL_SITES, capacity)
    )
    solved = model.solve(pulp.HiGHS(msg=False, threads=1), results=True)
    peer = time.process_time() - began
    served = np.zeros(SMALL_SITES)
    for site, homes in enumerate(solved.fac2cli):
        served[site] = residents[homes].sum()
    goes = [len(sites) for sites in solved.cli2fac]
    print(
        f"  spopt     {pulp.value(solved.problem.objective):12.0f}  "
        f"{pulp.LpStatus[solved.problem.status]}  {peer:.2f} s, ratio {peer / took:.1f}; "
        f"by its lists {int((served > capacity).sum())} sites above capacity, "
        f"{sum(one != 1 for one in goes)} homes not with one site, "
        f"{int((served > 0).sum())} sites used"
    )


def main() -> None:
    """Run both parts; arguments name instances."""
    if sys.argv[1:] == ["full"]:
        full()
        return
    if FOLDER.is_dir():
        published(sys.argv[1:])
    else:
        print(f"published instances: skipped, {FOLDER.name} is not in ../shared/data")
    beside_spopt()


if __name__ == "__main__":
    main()
