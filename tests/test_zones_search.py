"""The search of a zone system: its sums, pairs divided anew, limits, interrupts."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import SettingsError
from gridplan.zones import SystemOptions, SystemRules, zone_system
from gridplan.zones.contiguity import Contiguity
from gridplan.zones.land import land_of
from gridplan.zones.starts import bisected
from gridplan.zones.system_recombine import recombine
from gridplan.zones.system_search import Course, Walk, anneal_system
from gridplan.zones.system_state import Aims, State, Units, rank_of
from tests.test_zones_system import QUICK, assert_system, graph_of, table, voronoi


def land_with_aims(count, k, seed, *, kinds=1, leaving=False):
    """Return random units, aims of ±10 %, first zones, and the graph as networkx has it."""
    cells = voronoi(count, seed)
    rng = np.random.default_rng(seed)
    land = land_of(cells, rng.integers(1, 20, count).astype(float))
    weights = np.stack([land.load, *rng.integers(1, 9, (kinds - 1, count))], axis=1).astype(float)
    none = Contiguity(*(np.zeros(0, dtype=np.intp) for _ in "lr"), np.zeros(0), count)
    fixed = rng.random(count) < 0.1
    before = rng.random((count, k)) if leaving else None
    mean = np.tile(weights.sum(axis=0) / k, (k, 1))
    aims = Aims(mean, mean * 0.9, mean * 1.1, mean[0] * 0.1)
    units = Units(land, weights, fixed, none, before)
    graph = nx.relabel_nodes(graph_of(cells), {uid: i for i, uid in enumerate(cells["cell_uid"])})
    return units, aims, bisected(land, k, rng), graph


def assert_zones(graph, zone, k):
    assert sorted(set(zone.tolist())) == list(range(k))
    for own in range(k):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(zone == own).tolist()))


@settings(max_examples=15)
@given(st.integers(4, 50), st.integers(2, 4), st.integers(0, 10**6), st.booleans())
def test_dividing_pairs_anew_keeps_zones_whole_and_never_ends_worse(count, k, seed, leaving):
    units, aims, zone, graph = land_with_aims(count, k, seed, kinds=2, leaving=leaving)
    told = []

    def keep(spent, best):
        told.append((spent, rank_of(units, best, aims)))
        return True

    found = recombine(units, zone, aims, np.random.default_rng(seed), keep, steps=70)
    assert_zones(graph, found, k)
    assert (found[units.fixed] == zone[units.fixed]).all()
    assert rank_of(units, found, aims) <= rank_of(units, zone, aims)
    assert [rank for _, rank in told] == sorted((rank for _, rank in told), reverse=True)
    assert all(spent > 0 for spent, _ in told[:-1])


@settings(max_examples=15)
@given(st.integers(4, 50), st.integers(2, 4), st.integers(1, 2), st.integers(0, 10**6))
def test_border_moves_keep_zones_whole_and_the_sums_of_the_state_true(count, k, kinds, seed):
    units, aims, zone, graph = land_with_aims(count, k, seed, kinds=kinds, leaving=True)
    ranks = []

    def keep(_, best):
        ranks.append(rank_of(units, best, aims))
        return True

    course = Course(9000)
    found = anneal_system(units, zone, aims, course, np.random.default_rng(seed), keep)
    assert_zones(graph, found, k)
    assert (found[units.fixed] == zone[units.fixed]).all()
    assert ranks == sorted(ranks, reverse=True)
    state = State(units, found, aims)
    assert rank_of(units, found, aims)[0] == pytest.approx(aims.excess(
        np.stack([np.bincount(found, weights=one, minlength=k) for one in units.weights.T], axis=1)
    ), abs=1e-6)  # fmt: skip
    lines = [sum(units.land.perimeter_m[found == own]) for own in range(k)]
    for a, b, metres in zip(units.land.graph.left, units.land.graph.right,
                            units.land.graph.border_m, strict=True):  # fmt: skip
        if found[a] == found[b]:
            lines[found[a]] -= 2 * metres
    assert state.outline == pytest.approx(lines)


@settings(max_examples=15)
@given(st.integers(4, 40), st.integers(2, 4), st.integers(1, 2), st.integers(0, 10**6))
def test_what_moves_cost_is_remembered_only_while_it_is_true(count, k, kinds, seed):
    units, aims, zone, _ = land_with_aims(count, k, seed, kinds=kinds, leaving=True)
    walk, rng = Walk(State(units, zone, aims), units.fixed.tolist()), np.random.default_rng(seed)
    for _ in range(3 * bool(walk.state.parts.cut)):
        walk.block(rng.random(500).tolist(), rng.exponential(0.3, 500).tolist())
        now = State(units, np.array(walk.state.parts.part), aims)
        assert [one for own in walk.state.costs for one in own] == pytest.approx(
            [one for own in now.costs for one in own], abs=1e-6)  # fmt: skip
        assert walk.total == pytest.approx(sum(one[0] for one in now.costs) + now.left_behind())


def test_a_limit_of_time_is_kept_and_said():
    cells = voronoi(300, 3)
    weights = table(cells)
    plan = zone_system(cells, weights, options=SystemOptions(k=12, time_s=0.05))
    assert plan.stopped_by == "time"
    assert_system(plan, cells, weights)
    assert plan.work < zone_system(cells, weights, options=SystemOptions(k=12, **QUICK)).work * 50
    with pytest.raises(SettingsError, match="`time_s` is 0"):
        zone_system(cells, weights, options=SystemOptions(k=12, time_s=0.0))


def test_progress_is_told_and_an_interrupt_keeps_the_best():
    cells = voronoi(120, 5)
    weights = table(cells)
    told = []

    def stop(share, excess):
        told.append((share, excess))
        if len(told) == 3:
            raise KeyboardInterrupt

    plan = zone_system(cells, weights, options=SystemOptions(k=6), progress=stop)
    assert plan.stopped_by == "interrupt"
    assert_system(plan, cells, weights)
    assert len(told) == 3
    assert [one[0] for one in told] == sorted(one[0] for one in told)
    assert [one[1] for one in told] == sorted((one[1] for one in told), reverse=True)
    whole = zone_system(cells, weights, options=SystemOptions(k=6, **QUICK))
    assert whole.stopped_by is None
    rules = SystemRules(anchors={"A": "c0000"})
    again = zone_system(cells, weights, rules=rules, options=SystemOptions(k=6), progress=stop)
    assert again.stopped_by is None
