"""Published optima: p-median problems with capacities."""

import math
import sys

import numpy as np
import pytest

from gridplan.siting import Limits, p_median

pytestmark = pytest.mark.real

QUICK = ("cpmp02", "cpmp04", "cpmp06", "cpmp03")
ALL = (*(f"cpmp{number:02d}" for number in range(1, 21)), "SJC1", "SJC2")
LEAST_GAP = 1e-3


@pytest.fixture(scope="module")
def folder(shared):
    return shared("siting/cpmp")


@pytest.fixture(scope="module")
def optima(folder):
    """Return the published optima by name."""
    _, *lines = (folder / "best_known.csv").read_text(encoding="utf-8").splitlines()
    return {line.split(",")[0]: float(line.split(",")[3]) for line in lines}


def read(folder, name):
    """Return distances, demand, capacities and p; floor of Euclid for cpmp, exact for SJC."""
    path = folder / (f"{name}.dat" if name.startswith("SJC") else f"{name}.txt")
    head, *rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line)
    x, y, capacity, demand = np.array(rows, dtype=float).T
    cost = np.hypot(x[:, None] - x, y[:, None] - y)
    return (cost if name.startswith("SJC") else np.floor(cost)), demand, capacity, int(head[1])


def solve(folder, optima, name):
    """Return the plan, checked against the published optimum."""
    cost, demand, capacity, p = read(folder, name)
    plan = p_median(
        cost, np.ones(len(cost)), p=p, load=demand, capacity=capacity, limits=Limits(time_s=300)
    )
    assert plan.objective == pytest.approx(optima[name], abs=0.01 if "SJC" in name else 0.0)
    assert plan.bound <= plan.objective
    assert len(plan.sites) == p
    goes = plan.assignment.to_numpy(dtype=int)
    assert plan.objective == pytest.approx(math.fsum(cost[np.arange(len(cost)), goes]), rel=1e-12)
    assert (np.bincount(goes, weights=demand, minlength=len(cost)) <= capacity).all()
    return plan


@pytest.mark.parametrize("name", QUICK)
def test_published_optimum(folder, optima, name):
    assert solve(folder, optima, name).status == "proven"


@pytest.mark.slow
def test_all_are_proven_or_close(folder, optima, capsys):
    plans = {name: solve(folder, optima, name) for name in ALL}
    lines = [f"{k:7s} {v.status:7s} {v.gap:9.2e} {v.seconds:6.1f} s" for k, v in plans.items()]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, ""]))
    assert max(plan.gap for plan in plans.values()) <= LEAST_GAP
