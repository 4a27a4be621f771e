"""Published optima: the uncapacitated p-median problems of OR-Library."""

import sys

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from gridplan.siting import evaluate, p_median

pytestmark = pytest.mark.real

QUICK = range(1, 6)
ALL = range(1, 21)


@pytest.fixture(scope="module")
def folder(shared):
    return shared("siting/orlib")


@pytest.fixture(scope="module")
def optima(folder):
    """Return the published optima by name."""
    lines = (folder / "pmedopt.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line.startswith("pmed")]
    return {name: float(value) for name, value in rows}


def read(path):
    """Return all-pairs distances and p; of edges given twice the last counts."""
    head, *edges = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line)
    n, _, p = map(int, head)
    length = {}
    for one, other, metres in (map(int, edge) for edge in edges if edge):
        length[min(one, other) - 1, max(one, other) - 1] = float(metres)
    rows, columns = zip(*length, strict=True)
    graph = csr_array((list(length.values()), (rows, columns)), shape=(n, n))
    return shortest_path(graph, directed=False), p


def solve(folder, optima, name):
    cost, p = read(folder / f"{name}.txt")
    plan = p_median(cost, np.ones(len(cost)), p=p)
    assert plan.objective == optima[name]
    assert (plan.status, plan.gap, plan.bound) == ("proven", 0.0, optima[name])
    assert len(plan.sites) == p
    assert evaluate(cost, plan.sites, np.ones(len(cost))).objective == optima[name]
    return plan


@pytest.mark.parametrize("number", QUICK)
def test_published_optimum(folder, optima, number):
    solve(folder, optima, f"pmed{number}")


@pytest.mark.slow
def test_the_first_twenty_are_proven(folder, optima, capsys):
    plans = {f"pmed{number}": solve(folder, optima, f"pmed{number}") for number in ALL}
    lines = [f"{name:8s} {plan.status} {plan.seconds:6.2f} s" for name, plan in plans.items()]
    total = sum(plan.seconds for plan in plans.values())
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, f"in total {total:.2f} s", ""]))
