"""Anchors and locks: zones are found wherever enumeration finds some, and refused elsewhere."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridplan.errors import InfeasibleError
from gridplan.zones import SystemOptions, SystemRules, zone_system
from tests.test_zones_system import QUICK, graph_of, voronoi


def divisions(count, k):
    """All divisions of so many cells into k numbered sets, each once."""

    def further(label, used):
        if len(label) == count:
            if used == k:
                yield label
            return
        if k - used <= count - len(label):
            for own in range(min(used + 1, k)):
                yield from further([*label, own], max(used, own + 1))

    yield from further([], 0)


def keeps(uid, label, locked, anchors):
    """Whether cells of a locked name are together and apart from others, and anchors apart."""
    zone = dict(zip(uid, label, strict=True))
    named = {(locked[one], zone[one]) for one in locked}
    once = len(named) == len({name for name, _ in named}) == len({own for _, own in named})
    return once and len({zone[one] for one in anchors.values()}) == len(anchors)


def possible(cells, k, locked, anchors):
    """Whether some k connected zones keep the locks and anchors."""
    uid, graph = cells["cell_uid"].tolist(), graph_of(cells)
    return any(
        keeps(uid, label, locked, anchors)
        and all(
            nx.is_connected(graph.subgraph([one for one, at in zip(uid, label, strict=True)
                                            if at == own]))
            for own in range(k)
        )
        for label in divisions(len(uid), k)
    )  # fmt: skip


def town(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 8))
    cells = voronoi(count, seed)
    uid = sorted(cells["cell_uid"])
    k = int(rng.integers(2, count + 1))
    names = ["A", "B", "C"][: int(rng.integers(0, 4))]
    locked = {one: str(rng.choice(names)) for one in uid if names and rng.random() < 0.4}
    places = rng.choice(uid, int(rng.integers(0, k + 1)), replace=False)
    anchors = {f"a{at}": str(one) for at, one in enumerate(places)}
    loads = pd.DataFrame({"residents": rng.integers(1, 9, count).astype(float)}, uid)
    return cells, loads, k, locked, anchors


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 100_000))
@example(21)
@example(141)
def test_zones_with_anchors_and_locks_are_found_where_there_are_any(seed):
    cells, loads, k, locked, anchors = town(seed)
    rules = SystemRules(anchors=anchors, locked=locked)
    options = SystemOptions(k=k, tolerance=0.3, **QUICK)
    if not possible(cells, k, locked, anchors):
        with pytest.raises(InfeasibleError):
            zone_system(cells, loads, rules=rules, options=options)
        return
    found = zone_system(cells, loads, rules=rules, options=options).zone_of
    label = pd.factorize(found)[0].tolist()
    assert len(set(label)) == k
    assert keeps(found.index.tolist(), label, locked, anchors)
    graph = graph_of(cells)
    assert all(nx.is_connected(graph.subgraph(own.index)) for _, own in found.groupby(found))
