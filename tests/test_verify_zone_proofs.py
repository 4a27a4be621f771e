"""What the verifier says of zones that must be beyond, beside all zones that there can be."""

import functools
import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gridplan.verify.zone_groups import Asked, beyond_of, cells_asked, fewest_of_body
from gridplan.verify.zone_stuck import most_by_sums, stuck_things
from gridplan.verify.zone_ways import Ways, none_joined

ROWS, COLUMNS = 2, 5
COUNT = ROWS * COLUMNS
CELLS = nx.convert_node_labels_to_integers(nx.grid_2d_graph(ROWS, COLUMNS), ordering="sorted")


def bits_of(graph):
    return [sum(1 << other for other in graph[one]) for one in range(COUNT)]


def hangs_together(cells, near):
    seen = step = cells & -cells
    while step:
        around = 0
        for one in range(COUNT):
            if step >> one & 1:
                around |= near[one]
        step = around & cells & ~seen
        seen |= step
    return seen == cells


def fewest_of_all(load, whole, dry, over_land, k, least, most):
    """The fewest zones beyond, of all connected zones whose dry cells hang together over land."""
    near, land = bits_of(CELLS), bits_of(over_land)
    ok = {}
    for cells in range(1, 1 << COUNT):
        if any((cells & one) not in (0, one) for one in whole):
            continue
        inside = cells & dry
        if hangs_together(cells, near) and (not inside or hangs_together(inside, land)):
            own = sum(load[one] for one in range(COUNT) if cells >> one & 1)
            ok.setdefault(cells & -cells, []).append((cells, not least <= own <= most))

    @functools.cache
    def fewest(left, zones):
        if not left or not zones:
            return 0 if not left and not zones else COUNT
        return min(
            (off + fewest(left & ~cells, zones - 1)
             for cells, off in ok.get(left & -left, ()) if not cells & ~left),
            default=COUNT,
        )  # fmt: skip

    return fewest((1 << COUNT) - 1, k)


def pairs_of(graph):
    ends = sorted((min(pair), max(pair)) for pair in graph.edges)
    return tuple(np.array(ends, dtype=np.intp).reshape(-1, 2).T)


LOADS = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.2, 2.0, 3.0, 4.0, 5.0, 6.0]),
                 min_size=COUNT, max_size=COUNT)  # fmt: skip


@settings(max_examples=60)
@given(LOADS, st.integers(2, 4), st.sampled_from([0.1, 0.2]),
       st.sets(st.integers(0, CELLS.number_of_edges() - 1), max_size=5),
       st.sets(st.integers(0, COUNT - 1), max_size=4))  # fmt: skip
def test_no_zones_are_better_than_the_verifier_says(load, k, share, shut, estate):
    assume(sum(load) > 0)
    mean = sum(load) / k
    least, most = mean * (1 - share), mean * (1 + share)
    edges = sorted(CELLS.edges)
    land = nx.create_empty_copy(CELLS)
    land.add_edges_from(pair for at, pair in enumerate(edges) if at not in shut)
    kept = np.full(COUNT, None, dtype=object)
    held = sum(load[one] for one in estate) <= most
    kept[sorted(estate) if held else []] = "E"
    whole = [sum(1 << one for one in part)
             for part in nx.connected_components(land.subgraph(estate)) if held]  # fmt: skip
    dry = sum(1 << one for part in nx.connected_components(land) for one in part
              if sum(load[other] for other in part) > 0.1 * mean)  # fmt: skip
    asked = Asked(np.array(load), kept, least - 1e-6, most + 1e-6, k)
    said = beyond_of(asked, pairs_of(land))
    assert said <= fewest_of_all(load, whole, dry, land, k, least - 1e-6, most + 1e-6)


def test_what_is_left_for_other_zones_is_too_little():
    """A cell of 405 is beyond; the rest are four zones of 299 each, which 296 is no part of."""
    load = (405.0, 296.0, 221.0, 270.0, *map(float, range(10, 49, 4)), 129.0)
    near = [set(range(15)) - {one} for one in range(15)]
    assert stuck_things(load, near, 298.8, 365.2) == {0}
    assert most_by_sums(load, near, 298.8, 365.2, 5, most_within=5) == 3


def test_a_norm_says_how_many_zones_a_piece_of_land_has():
    """465 and 1601 apart: by the norm 1 and 4 or 5 zones; 2 and 4 would leave one beyond less."""
    land = [258.0, 301.0, 164.0, 405.0, 296.0, 221.0, 270.0, *map(float, range(10, 49, 4)), 129.0]
    ends = [(1, 2), *itertools.combinations(range(3, len(land)), 2)]
    pairs = tuple(np.array(ends, dtype=np.intp).T)
    zone = np.array([0, 1, 1, 2, 3, 4, 5, *[6] * 11], dtype=object)
    none = np.full(len(land), None, dtype=object)

    def asked(zone, sizes):
        return cells_asked(np.array(land), none, (298.8, 365.2), zone, sizes=sizes)

    assert beyond_of(asked(zone, None), pairs) == 3
    assert beyond_of(asked(zone, (300.0, 500.0)), pairs) == 4
    whole = tuple(np.array([*ends, (0, 1), (2, 3)], dtype=np.intp).T)
    assert fewest_of_body(asked(zone, (300.0, 500.0)), whole, pairs) == (4, True)
    assert fewest_of_body(asked(zone, None), whole, pairs) == (3, False)
    # Zones that do not keep to it show that it does not bind.
    other = np.where(np.arange(len(land)) == 2, 4, zone)
    other[4:6] = 3
    assert beyond_of(asked(other, (300.0, 500.0)), pairs) == beyond_of(asked(other, None), pairs)


@settings(max_examples=60)
@given(LOADS, st.integers(2, 5), st.sampled_from([0.1, 0.2, 0.3]),
       st.sets(st.integers(0, CELLS.number_of_edges() - 1), max_size=6))  # fmt: skip
def test_what_leaves_others_uneven_is_in_no_zones_that_are_all_within(load, k, share, shut):
    """Cells that the proof names, beside all ways to divide each part of the land evenly."""
    assume(sum(load) > 0)
    land = nx.create_empty_copy(CELLS)
    land.add_edges_from(pair for at, pair in enumerate(sorted(CELLS.edges)) if at not in shut)
    least, most = sum(load) / k * (1 - share), sum(load) / k * (1 + share)
    full = [one for one in range(COUNT) if load[one]]
    empty = land.subgraph(set(range(COUNT)) - set(full))
    beside = [set(land[one]) for one in range(COUNT)]
    for part in nx.connected_components(empty):
        around = set().union(*(set(land[one]) for one in part)) - part
        for one in around:
            beside[one] |= around
    place = {one: at for at, one in enumerate(full)}
    near = [{place[other] for other in beside[one] if other in place and other != one}
            for one in full]  # fmt: skip
    named = stuck_things([load[one] for one in full], near, least, most, others_even=True)
    bits = bits_of(land)

    @functools.cache
    def even(left):
        """Whether zones within the bounds, and empty land of nobody, are all that is left."""
        low = next((1 << one for one in full if left >> one & 1), 0)
        rest = left & ~low
        sub = rest
        while low:
            cells = low | sub
            own = sum(load[one] for one in range(COUNT) if cells >> one & 1)
            if least <= own <= most and hangs_together(cells, bits) and even(left & ~cells):
                return True
            if not sub:
                return False
            sub = (sub - 1) & rest
        return True

    assert not named or not even((1 << COUNT) - 1)


def test_a_group_that_leaves_too_little_behind_is_none():
    """9 alone could be a zone, or with 1.5 behind it; both leave too little, and 12 is too much."""
    loads = [*[0.5] * 130, 9.0, 1.5, 1.5]
    row = tuple(np.array(ends) for ends in (range(132), range(1, 133)))
    near = [{one - 1, one + 1} & set(range(133)) for one in range(133)]
    assert stuck_things(loads, near, 8.0, 11.5) == set()
    assert stuck_things(loads, near, 8.0, 11.5, others_even=True) == {130}
    none = np.full(133, None, dtype=object)
    assert beyond_of(Asked(np.array(loads), none, 8.0, 11.5, 8), row) == 1
    assert beyond_of(Asked(np.array(loads), none, 8.0, 12.5, 8), row) == 0


def test_what_is_left_is_not_too_little_by_rounding():
    """3 and three of 0.2 are within: what is left by the others is less by 9e-16."""
    load = (0.2, 0.2, 0.2, 2.0, 3.0, 5.0, 5.0)
    near = [set(range(7)) - {one} for one in range(7)]
    assert sum(load) - sum((2.0, 5.0, 5.0)) < sum((0.2, 0.2, 0.2, 3.0))
    assert most_by_sums(load, near, 3.51, 4.29, 4, most_within=1) == 1


def test_a_cell_behind_large_ones_makes_a_zone_beyond_where_land_is_large():
    """5.5 between two of 11 is in no group of 13 to 16, whatever else there is."""
    loads = [11.0, 5.5, 11.0, *[1.0] * 100]
    row = tuple(np.array(ends) for ends in (range(102), range(1, 103)))
    none = np.full(103, None, dtype=object)
    assert beyond_of(Asked(np.array(loads), none, 13.0, 16.0, 9), row) == 1
    beside = np.array([*loads, 0.1])
    # A pond that no bridge reaches may go with any zone.
    pond = Asked(beside, np.full(104, None, dtype=object), 13.0, 16.0, 9)
    assert beyond_of(pond, row) == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_zones_that_would_have_to_cross_are_none(rows):
    """3 and 2 alternate along empty land, which is too narrow for both pairs, or wide enough."""
    empty = nx.convert_node_labels_to_integers(nx.grid_2d_graph(4, rows), 4, ordering="sorted")
    near = [set() for _ in range(4)] + [set(empty[one]) for one in sorted(empty)]
    for thing, cell in enumerate(4 + rows * at for at in range(4)):
        near[thing].add(cell)
        near[cell].add(thing)
    groups = [frozenset({0, 2}), frozenset({1, 3})]
    assert none_joined(groups, Ways(4, near), 2)
    apart = [frozenset({0, 1}), frozenset({2, 3})]
    assert not none_joined([*groups, *apart], Ways(4, near), 2)
    assert none_joined([*groups, *apart], Ways(4, near), 3)


def test_three_groups_may_be_in_each_others_way_though_no_two_are():
    """Three pairs and two empty places, each beside all: two pairs have room, three have not."""
    pairs = [frozenset({0, 1}), frozenset({2, 3}), frozenset({4, 5})]
    near = [{6, 7} for _ in range(6)] + [set(range(6)) for _ in range(2)]
    ways = Ways(6, near)
    assert not any(ways.clash(a, b) for a, b in itertools.combinations(pairs, 2))
    assert ways.together(pairs)
    assert none_joined(pairs, ways, 3)
    wider = Ways(6, [one | {8} for one in near[:6]] + [set(range(6)) for _ in range(3)])
    assert not wider.together(pairs)


PAIRS = list(itertools.combinations(range(10), 2))


@given(st.sets(st.sampled_from(PAIRS), min_size=8, max_size=16))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_groups_that_cannot_all_be_joined_are_those_no_choice_of_places_joins(edges):
    """All ways to leave four places to three pairs, or to nobody, against the proof."""
    pairs, town = [frozenset({0, 1}), frozenset({2, 3}), frozenset({4, 5})], nx.Graph()
    town.add_nodes_from(range(10))
    town.add_edges_from(edges)
    possible = any(
        all(
            nx.has_path(town.subgraph(pair | {6 + at for at in range(4) if left[at] == number}),
                        *sorted(pair))
            for number, pair in enumerate(pairs)
        )
        for left in itertools.product(range(4), repeat=4)
    )  # fmt: skip
    assert Ways(6, [set(town[one]) for one in range(10)]).together(pairs) == (not possible)
