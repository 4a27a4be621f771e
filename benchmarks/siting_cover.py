"""
Covering problems beside published values and beside spopt: ``python benchmarks/siting_cover.py``.

Families: ``mclp`` (Manhattan, Bronx), ``p_center`` (OR-Library), ``large`` (LSCP and p-center of
a drawn town, beside HiGHS alone on the LSCP's model), ``cover_spopt`` (the same small matrices in
spopt, where it is installed, solved by HiGHS). One alone: its name behind the command;
``mclp Bronx 60 120`` is one instance with at most 120 s, ``large 120`` all with as much.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from gridplan.siting import Limits, Siting, lscp, mclp, p_center
from gridplan.siting.highs import QuietHighs

SITING = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "siting"
WORK = 1_000_000_000
"""More than any run uses: here the clock ends what is not proven."""
SECONDS = 60.0
EARTH_M = 6_378_100.0
GRAPHS = range(1, 21)
_SMALL = ((100, 40, 5), (200, 80, 8), (400, 120, 10))
_RADIUS_M = 600.0
_LARGE = ((5_900, 1_000), (18_000, 2_000))
TOWN_M, LARGE_RADIUS_M, LARGE_P = 5_000.0, 500.0, 40


def told(name: str, plan: Siting, listed: float, cpu_s: float) -> None:
    """Print one line of the table."""
    print(
        f"{name:<32}{plan.objective:>13,.0f}{listed:>13,.0f}{plan.objective / listed:>10.6f}"
        f"{plan.gap:>10.3%} {plan.status:<9}{plan.seconds:>7.1f}{cpu_s:>8.1f}",
        flush=True,
    )


def heading(title: str) -> None:
    """Print the head of a table."""
    print(f"\n{title}\n{'instance':<32}{'objective':>13}{'listed':>13}{'ratio':>10}{'gap':>10}"
          f" {'status':<9}{'s':>7}{'cpu s':>8}")  # fmt: skip


def blocks(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return great-circle metres between census blocks, and their residents."""
    table = pd.read_csv(SITING / "mclp" / f"{name}.csv")
    lat, lon = np.radians(table["lat"].to_numpy()), np.radians(table["lon"].to_numpy())
    across = np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    half = np.sin((lat[:, None] - lat) / 2) ** 2 + across
    metres = 2 * EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return metres, table["population"].to_numpy(dtype=np.float64)


def bench_mclp(only: str = "", p: str = "", seconds: str = str(SECONDS)) -> None:
    """Cover most of Manhattan and the Bronx."""
    heading(f"MCLP, at most {seconds} s each")
    known = pd.read_csv(SITING / "mclp" / "best_known.csv")
    for name, rows in known.groupby("instance", sort=False):
        if only not in {"", str(name)}:
            continue
        metres, residents = blocks(str(name))
        for row in rows.to_dict("records"):
            if p in {"", str(row["p"])}:
                began = time.process_time()
                plan = mclp(
                    metres, residents, p=int(row["p"]), radius_m=float(row["radius_m"]),
                    limits=Limits(time_s=float(seconds), work=WORK),
                )  # fmt: skip
                proven = " (listed: proven)" if row["proven_optimal_flag"] else ""
                cpu_s = time.process_time() - began
                listed = float(row["best_known_coverage"])
                told(f"{name} {row['p']}{proven}", plan, listed, cpu_s)


def graph(path: Path) -> tuple[np.ndarray, int]:
    """Return all-pairs distances and p; of edges given twice the last counts."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line)
    head, *edges = lines
    n, _, p = map(int, head)
    length: dict[tuple[int, int], float] = {}
    for one, other, metres in (map(int, edge) for edge in edges if edge):
        length[min(one, other) - 1, max(one, other) - 1] = float(metres)
    ends = tuple(np.array(list(length)).T)
    weighted = csr_array((list(length.values()), ends), shape=(n, n))
    return shortest_path(weighted, directed=False), p


def bench_p_center() -> None:
    """Prove the published radii of pmed1 to pmed20."""
    heading("p-center, OR-Library")
    lines = (SITING / "orlib" / "kcenteropt.txt").read_text(encoding="utf-8").splitlines()
    optimum = {name: float(value) for name, value in (line.split() for line in lines if line)}
    for number in GRAPHS:
        cost, p = graph(SITING / "orlib" / f"pmed{number}.txt")
        began = time.process_time()
        plan = p_center(cost, p=p, limits=Limits(work=WORK))
        cpu_s = time.process_time() - began
        told(f"pmed{number} p={p}", plan, optimum[f"pmed{number}"], cpu_s)


def town(n: int, m: int) -> np.ndarray:
    """Return metres along a grid of streets in a town of 5 km: n homes around 60 centres."""
    rng = np.random.default_rng(1)
    centres = rng.uniform(0, TOWN_M, (60, 2))
    homes = centres[rng.integers(60, size=n)] + rng.normal(0, TOWN_M / 10, (n, 2))
    homes = np.clip(homes, 0, TOWN_M)
    sites = homes[rng.permutation(n)[:m]] + rng.normal(0, 20, (m, 2))
    metres: np.ndarray = np.abs(homes[:, :1] - sites[:, 0]) + np.abs(homes[:, 1:] - sites[:, 1])
    return metres


def by_highs(within: np.ndarray, seconds: float) -> tuple[float, float]:
    """Return what HiGHS finds for the textbook model of an LSCP, and its bound."""
    highs = QuietHighs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)  # noqa: FBT003 (no keyword in highspy)
    highs.setOptionValue("time_limit", seconds)
    rows = csr_array(within.astype(np.float64))
    n, m = within.shape
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = m, n
    program.col_cost_, program.col_lower_, program.col_upper_ = np.ones(m), np.zeros(m), np.ones(m)
    program.row_lower_, program.row_upper_ = np.ones(n), np.full(n, highspy.kHighsInf)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = rows.indptr.astype(np.int32)
    program.a_matrix_.index_ = rows.indices.astype(np.int32)
    program.a_matrix_.value_ = rows.data
    program.integrality_ = [highspy.HighsVarType.kInteger] * m
    highs.passModel(program)
    highs.run()
    info = highs.getInfo()
    return info.objective_function_value, math.ceil(info.mip_dual_bound - 1e-6)


def bench_large(seconds: str = str(SECONDS)) -> None:
    """Cover a large town with the fewest sites, and with few at the least distance."""
    limits = Limits(time_s=float(seconds), work=WORK)
    print(f"\n{'a drawn town, ' + seconds + ' s each':<32}{'objective':>10}{'bound':>10}{'gap':>9}"
          f"{'HiGHS':>8}{'bound':>8}")  # fmt: skip
    for n, m in _LARGE:
        metres = town(n, m)
        plan = lscp(metres, radius_m=LARGE_RADIUS_M, limits=limits)
        theirs = by_highs(metres <= LARGE_RADIUS_M, float(seconds))
        print(f"lscp {n} x {m}, 500 m".ljust(32) + f"{plan.objective:>10,.0f}{plan.bound:>10,.0f}"
              f"{plan.gap:>9.2%}{theirs[0]:>8,.0f}{theirs[1]:>8,.0f}", flush=True)  # fmt: skip
        center = p_center(metres, p=LARGE_P, limits=limits)
        print(f"p_center {n} x {m}, p={LARGE_P}".ljust(32) + f"{center.objective:>10,.1f}"
              f"{center.bound:>10,.1f}{center.gap:>9.2%}", flush=True)  # fmt: skip


def bench_spopt() -> None:
    """Solve the same small matrices with spopt; objectives are compared."""
    if importlib.util.find_spec("spopt") is None or importlib.util.find_spec("pulp") is None:
        print("\nspopt is not installed (pip install spopt, in an environment for trials)")
        return
    locate = importlib.import_module("spopt.locate")
    solver = importlib.import_module("pulp").HiGHS(msg=False, gapRel=0)
    print(f"\n{'beside spopt':<32}{'ours':>12}{'spopt':>12}{'ours s':>9}{'spopt s':>9}{'ratio':>8}")
    for n, m, p in _SMALL:
        rng = np.random.default_rng(n)
        demand, sites = rng.uniform(0, 3000, (n, 2)), rng.uniform(0, 3000, (m, 2))
        cost = np.abs(demand[:, None] - sites[None]).sum(axis=2)
        weights = rng.integers(5, 121, n).astype(np.float64)
        widest = float(cost.min(axis=1).max()) + _RADIUS_M / 2
        for name, ours, theirs in (
            (f"lscp {n}x{m}", lambda c=cost, r=widest: lscp(c, radius_m=r),
             lambda c=cost, r=widest: locate.LSCP.from_cost_matrix(c, r)),
            (f"mclp {n}x{m} p={p}",
             lambda c=cost, w=weights, k=p: mclp(c, w, p=k, radius_m=_RADIUS_M),
             lambda c=cost, w=weights, k=p: locate.MCLP.from_cost_matrix(
                 c, w, _RADIUS_M, p_facilities=k)),
            (f"p_center {n}x{m} p={p}", lambda c=cost, k=p: p_center(c, p=k),
             lambda c=cost, k=p: locate.PCenter.from_cost_matrix(c, p_facilities=k)),
        ):  # fmt: skip
            beside(name, ours, theirs, solver)


def beside(
    name: str, ours: Callable[[], Siting], theirs: Callable[[], Any], solver: object
) -> None:
    """Print both objectives and seconds; end with a fault if objectives differ."""
    began = time.perf_counter()
    plan = ours()
    ours_s = time.perf_counter() - began
    began = time.perf_counter()
    model = theirs().solve(solver)
    theirs_s = time.perf_counter() - began
    other = abs(float(model.problem.objective.value()))
    print(f"{name:<32}{plan.objective:>12,.1f}{other:>12,.1f}{ours_s:>9.2f}{theirs_s:>9.2f}"
          f"{theirs_s / ours_s:>8.1f}")  # fmt: skip
    if abs(plan.objective - other) > 1e-6 * max(1.0, other):
        sys.exit(f"{name}: {plan.objective} here, {other} in spopt")


FAMILIES: dict[str, Callable[..., None]] = {
    "mclp": bench_mclp,
    "p_center": bench_p_center,
    "large": bench_large,
    "cover_spopt": bench_spopt,
}


if __name__ == "__main__":
    if sys.argv[1:]:
        FAMILIES[sys.argv[1]](*sys.argv[2:])
    else:
        for family in FAMILIES.values():
            family()
