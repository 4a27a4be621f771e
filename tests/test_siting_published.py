"""Published instances: p-center on OR-Library graphs, coverage of Manhattan and the Bronx."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from gridplan.siting import Limits, lscp, mclp, p_center

pytestmark = pytest.mark.real

EARTH_M = 6_378_100.0


def graph(path):
    """Return all-pairs distances and p; of edges given twice the last counts."""
    head, *edges = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line)
    n, _, p = map(int, head)
    length = {}
    for one, other, metres in (map(int, edge) for edge in edges if edge):
        length[min(one, other) - 1, max(one, other) - 1] = float(metres)
    rows, columns = zip(*length, strict=True)
    edges = csr_array((list(length.values()), (rows, columns)), shape=(n, n))
    return shortest_path(edges, directed=False), p


def centre(folder, number):
    """Prove the published radius of one graph; return the plan."""
    lines = (folder / "kcenteropt.txt").read_text(encoding="utf-8").splitlines()
    optimum = {name: float(value) for name, value in (line.split() for line in lines if line)}
    cost, p = graph(folder / f"pmed{number}.txt")
    plan = p_center(cost, p=p)
    assert (plan.objective, plan.bound) == (optimum[f"pmed{number}"],) * 2
    assert (plan.status, len(plan.sites)) == ("proven", p)
    return plan, cost


@pytest.mark.parametrize("number", [1, 4, 10])
def test_published_radius(shared, number):
    plan, cost = centre(shared("siting/orlib"), number)
    fewest = lscp(cost, radius_m=plan.objective)
    assert fewest.objective <= len(plan.sites)
    below = np.unique(cost[cost < plan.objective]).max()
    assert lscp(cost, radius_m=below).objective > len(plan.sites)


@pytest.mark.slow
def test_the_radii_of_the_first_twenty_are_proven(shared, capsys):
    seconds = [centre(shared("siting/orlib"), number)[0].seconds for number in range(1, 21)]
    with capsys.disabled():
        sys.stdout.write(f"\np-center pmed1-20: longest {max(seconds):.2f} s\n")


def blocks(folder, name):
    """Return great-circle metres and residents of census blocks."""
    table = pd.read_csv(folder / f"{name}.csv")
    lat, lon = np.radians(table["lat"].to_numpy()), np.radians(table["lon"].to_numpy())
    across = np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    half = np.sin((lat[:, None] - lat) / 2) ** 2 + across
    metres = 2 * EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return metres, table["population"].to_numpy(dtype=float)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["NewYork", "Bronx"])
def test_published_coverage(shared, capsys, name):
    folder = shared("siting/mclp")
    known = pd.read_csv(folder / "best_known.csv").query("instance == @name")
    metres, residents = blocks(folder, name)
    lines = []
    for row in known.itertuples():
        # By work, so that a slow machine shows the same: about a minute on two cores.
        plan = mclp(metres, residents, p=row.p, radius_m=row.radius_m, limits=Limits(work=40_000))
        short = 1.0 - plan.objective / row.best_known_coverage
        lines.append(f"{name} p={row.p} short {short:.4%} gap {plan.gap:.3%} {plan.status}")
        assert plan.objective <= plan.bound
        assert plan.bound >= row.best_known_coverage
        assert short <= 0.001
        assert plan.gap <= 0.005
        assert name != "NewYork" or row.p > 80 or plan.status == "proven"
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, ""]))
