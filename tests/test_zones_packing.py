"""Land with few loaded units: which go together, beside enumeration; the verifier's bound."""

import functools

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.siting.options import Limits
from gridplan.siting.search import Effort
from gridplan.verify.zone_groups import Ground, ground_of_body, most_within
from gridplan.zones.contiguity import Contiguity
from gridplan.zones.land import Land
from gridplan.zones.system_loaded import (
    Loaded,
    articulations,
    groups_of,
    loaded_of,
)
from gridplan.zones.system_loaded import most_within as most_by_model
from gridplan.zones.system_packing import least_beyond, packed
from gridplan.zones.system_routes import joined_zones
from gridplan.zones.system_state import Aims, Units

SIDE = 4


def land_of_squares(columns, rows=SIDE):
    at = np.arange(columns * rows).reshape(rows, columns)
    pairs = [*zip(at[:, :-1].ravel(), at[:, 1:].ravel(), strict=True),
             *zip(at[:-1].ravel(), at[1:].ravel(), strict=True)]  # fmt: skip
    left, right = np.array(sorted(pairs), dtype=np.intp).T
    ones, count = np.ones(columns * rows), columns * rows
    graph = Contiguity(left, right, 100.0 * np.ones(len(left)), count)
    x, y = (one.ravel() * 100.0 for one in np.meshgrid(np.arange(columns), np.arange(rows)))
    return Land(ones, 1e4 * ones, 400 * ones, x, y, graph)


def units_of(load, columns=SIDE):
    load = np.asarray(load, dtype=np.float64)
    land = land_of_squares(columns, len(load) // columns)
    none = np.empty(0, dtype=np.intp)
    beside = Contiguity(none, none, np.empty(0), land.count)
    return Units(land, load[:, None], np.zeros(land.count, dtype=np.bool_), beside)


def aims_of(k, target, least, most):
    of = functools.partial(np.full, (k, 1))
    return Aims(of(target), of(least), of(most), np.array([(most - least) / 2]))


def ground(loaded):
    """What the verifier would say of the same land."""
    near = tuple(
        frozenset(at for at in range(len(loaded.near)) if bits >> at & 1) for bits in loaded.near
    )
    necks = tuple(
        tuple(frozenset(at for at in range(len(near)) if bits >> at & 1) for bits in parts)
        for parts in loaded.necks
    )
    return Ground(tuple(loaded.weights[:, 0].tolist()), near, necks)


@settings(max_examples=12)
@given(st.lists(st.sampled_from([0.0, 0.0, 0.0, 2.0, 3.0, 4.0, 5.0]), min_size=16, max_size=16),
       st.integers(2, 4))  # fmt: skip
def test_packed_zones_are_connected_and_no_fewer_can_be_beyond(load, k):
    units = units_of(load)
    mean = sum(load) / k
    least, most = 0.85 * mean, 1.15 * mean
    if np.count_nonzero(load) < k:
        assert packed(units, aims_of(k, 1.0, 0.5, 1.5), banded=False).zone is None
        return
    aims = aims_of(k, mean, least, most)
    bound = least_beyond(units, aims)
    loaded = loaded_of(units)
    known = most_within(ground(loaded), least - 1e-6, most + 1e-6, k)
    if bound is not None and known is not None:
        # Where one of them has too many groups to look at, it may say less.
        effort = Effort(Limits(work=2_000))
        few = most_by_model(loaded, aims.least[0], aims.most[0], k, effort) is not None
        assert bound[1] == k - known if few else bound[1] <= k - known
    made = packed(units, aims, banded=False)
    if made.zone is None:
        return
    edges = zip(units.land.graph.left, units.land.graph.right, strict=True)
    graph = nx.Graph(edges)
    for own in range(k):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(made.zone == own).tolist()))
    sums = np.bincount(made.zone, weights=load, minlength=k)
    beyond = int(((sums < least - 1e-6) | (sums > most + 1e-6)).sum())
    assert bound is None or beyond >= bound[1]


def test_units_that_go_together_are_found_across_empty_land():
    """Of 5, 4, 1 and 2 in a row only 5 + 1 and 4 + 2 are even: the 4 is between them."""
    load = [5, 0, 4, 0, 1, 0, 2, 0]
    row, even = units_of(load, 8), aims_of(2, 6.0, 5.5, 6.5)
    made = packed(row, even, banded=False)
    assert sorted(np.bincount(made.zone, weights=load)) == [5.0, 7.0]
    assert least_beyond(row, even) == (2, 2)
    wide = [*[0.0] * 8, *load, *[0.0] * 8]
    made = packed(units_of(wide, 8), even, banded=False)
    assert made.zone is not None
    assert made.best
    assert np.bincount(made.zone, weights=wide).tolist() == [6.0, 6.0]


def test_zones_in_each_others_way_are_named():
    land = land_of_squares(4, 1)
    assert joined_zones(land, [[0, 2], [1, 3]])[0] is None
    assert joined_zones(land_of_squares(4, 3), [[0, 2], [9, 11]])[1] == ()


@settings(max_examples=15)
@given(st.integers(2, 12), st.integers(0, 10**6), st.integers(0, 6))
def test_units_that_alone_join_land_are_found(count, seed, more):
    graph = nx.random_labeled_tree(count, seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(more):
        a, b = rng.choice(count, 2, replace=False).tolist()
        graph.add_edge(a, b)
    ends = np.array(sorted(map(sorted, graph.edges)), dtype=np.intp).T
    told = articulations(Contiguity(ends[0], ends[1], np.ones(ends.shape[1]), count))
    assert told == sorted(nx.articulation_points(graph))


def test_one_zone_at_most_reaches_across_a_neck():
    """Two parts with 6 + 1 + 1 and 2 + 2: both pairs of 3 would reach across the middle."""
    loaded = Loaded(np.arange(4), np.array([[2.0], [2.0], [1.0], [1.0]]),
                    (0b1110, 0b1101, 0b1011, 0b0111), ((0b0011, 0b1100),))  # fmt: skip
    least, most = np.array([2.9]), np.array([3.1])
    assert most_by_model(loaded, least, most, 2, Effort(Limits(work=100))) == 1
    assert most_within(ground(loaded), 2.9, 3.1, 2) == 1
    free = Loaded(loaded.units, loaded.weights, loaded.near)
    assert most_by_model(free, least, most, 2, Effort(Limits(work=100))) == 2


def test_too_many_groups_are_left_to_the_search():
    load = np.ones(16)
    assert groups_of(loaded_of(units_of(load)), np.array([8.0]), limit=100) is None
    many = aims_of(2, 8.0, 7.0, 9.0)
    assert packed(units_of(load), many, banded=False, groups=100).zone is None


@pytest.mark.parametrize(("estate", "things"), [([None] * 4, 4), (["A", "A", None, None], 3)])
def test_the_verifier_takes_whole_estates_as_one_thing(estate, things):
    cells = shapely.box(np.arange(4) * 10.0, 0, np.arange(4) * 10.0 + 10, 10)
    load = np.array([1.0, 2.0, 3.0, 4.0])
    told = ground_of_body(cells, np.array(estate, dtype=object), load, 5.0)
    assert len(told.load) == things
    assert len(ground_of_body(cells, np.array(estate, dtype=object), load, 2.5).load) == 4
    apart = cells[[0, 1, 3]]
    assert ground_of_body(apart, np.array(estate, dtype=object)[:3], load[:3], 5.0) is None


@pytest.mark.parametrize("least", [0.0, -1.0])
def test_where_zones_may_have_nothing_only_what_a_unit_proves_is_claimed(least):
    """Of 7, 2 and three empty cells in a row, 7 is too much; zones of empty land are within."""
    row, free = units_of([7, 2, 0, 0, 0], 5), aims_of(4, 3.0, least, 6.0)
    assert least_beyond(row, free) == (0, 1)
    assert least_beyond(units_of([5, 2, 0, 0, 0], 5), free) is None
    assert most_within(ground(loaded_of(row)), least, 6.0, 4) is None
    assert least_beyond(row, aims_of(4, 3.0, 1.0, 6.0)) == (2, 3)


def row_of_cells(load, rows=1):
    """Return square cells in rows, and what the verifier makes of them with at most 5 a zone."""
    at = np.arange(len(load))
    x, y = at // rows * 10.0, at % rows * 10.0
    none = np.full(len(load), None, dtype=object)
    return ground_of_body(shapely.box(x, y, x + 10, y + 10), none, np.array(load), 5.0)


def test_the_verifier_looks_at_hundreds_of_things_one_after_the_other():
    assert most_within(row_of_cells([3.0] * 1_200), 1.0, 5.0, 800) == 800
    assert most_within(row_of_cells([2.0, 1.0] * 300), 3.0, 3.0, 400) == 300


def test_the_verifier_finds_necks_where_they_are_of_use():
    told = row_of_cells([2.0, 0.0, 2.0, 0.0, 1.0])
    assert [sorted(map(sorted, one)) for one in told.necks] == [[[0], [1, 2]], [[0, 1], [2]]]
    assert row_of_cells([2.0, 0.0, 2.0] * 2, rows=2).necks == ()
    assert row_of_cells([0.1] * 400, rows=20) is None
