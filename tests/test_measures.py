"""Rooms, gates and bridges for one budget: brute force, and worlds worked out by hand."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.access import AddedLinks, Terrain, added_links
from gridplan.network import doubtful_links, propose_gates, reachability_ledger
from gridplan.rooms import (
    LinkedMix,
    MixQuestion,
    RoomCounts,
    best_linked_mix,
    best_mix,
    make_question,
    mix_value,
    reasons_out,
    rooms_alone,
)
from gridplan.rooms.link_tolls import _Dual, toll_bound
from gridplan.rooms.question import NO_WAY_M
from gridplan.siting import Limits, RoomProblem
from gridplan.siting.search import Effort
from tests.test_doubtful_links import walkers_of, with_gate
from tests.test_new_gates import any_lines
from tests.worlds import streets, world

QUICK = settings(max_examples=40, deadline=None)


def random_counts(rng, names):
    """Return least and greatest numbers of rooms in two communities."""
    where = dict(zip(names[1:], rng.permutation(["a", "a", "b", "b"]).tolist(), strict=True))
    least, spare = rng.integers(0, 2, 2), rng.integers(0, 3, 2)
    return RoomCounts(
        community_of=where,
        at_least={name: int(n) for name, n in zip("ab", least, strict=True)},
        at_most={name: int(n) for name, n in zip("ab", least + spare, strict=True)},
    )


def keeps(question, rooms):
    """Whether the rooms are as many as each community is to have."""
    held = Counter(question.counts.community_of.get(one) for one in rooms)
    counts = question.counts
    return all(held[one] >= n for one, n in counts.at_least.items()) and all(
        held[one] <= n for one, n in counts.at_most.items()
    )


def random_mix(seed, **sizes):
    """Return a question of rooms and links on a random network of shortcuts."""
    return random_linked(seed, **sizes).asked


def random_linked(seed, *, links=4, rooms=4, homes=8, work=100_000, ruled=False):
    """Return the same with what the links make of the walks."""
    rng = np.random.default_rng(seed)
    metres = rng.integers(3, 30, (homes, rooms + 1)).astype(float) * 100
    metres[rng.random(metres.shape) < 0.15] = np.inf
    homes_m = rng.integers(1, 12, (homes, links)).astype(float) * 100
    homes_m[rng.random(homes_m.shape) < 0.3] = np.inf
    places_m = rng.integers(1, 12, (rooms + 1, links)).astype(float) * 100
    between = rng.integers(1, 9, (links, links)).astype(float) * 100
    between = np.minimum(between, between.T)
    np.fill_diagonal(between, 0.0)
    added = AddedLinks(homes_m, places_m, between)
    names = ["k0", *(f"r{j}" for j in range(rooms))]
    problem = RoomProblem(
        metres, [f"d{i}" for i in range(homes)], names, rng.integers(0, 40, homes).astype(float),
        candidates=names[1:], required=names[1:2] if rng.random() < 0.2 else (),
    )  # fmt: skip
    cost = pd.Series({one: float(rng.integers(1, 12)) for one in names[1:]})
    if rng.random() < 0.3 and not problem.required:
        cost["r1"] = math.nan
    if ruled:
        problem = replace(problem, weights=problem.residents * rng.integers(0, 4, homes))
    question = make_question(
        problem, cost, norm_m=500.0, limits=Limits(work=work),
        counts=random_counts(rng, names) if ruled else None,
    )  # fmt: skip
    asked = MixQuestion(
        question,
        tuple(rng.integers(1, 9, links).astype(float)),
        lambda chosen: added.walks(metres, chosen),
        float(rng.integers(3, 25)),
    )
    return LinkedMix(asked, added)


def brute_force(asked):
    """Return the least value over all sets of rooms and links within the budget."""
    question, best = asked.question, math.inf
    free = [one for one in question.names(question.free) if not math.isnan(question.cost[one])]
    for size in range(len(asked.link_cost) + 1):
        for links in itertools.combinations(range(len(asked.link_cost)), size):
            with_links = asked.with_links(links)
            for count in range(len(free) + 1):
                for rooms in itertools.combinations(free, count):
                    if not (question.required <= set(rooms) and keeps(question, rooms)):
                        continue
                    if asked.cost(rooms, links) <= asked.budget + 1e-9:
                        best = min(best, mix_value(with_links, rooms))
    return best


@pytest.mark.parametrize("ruled", [False, True])
@given(seed=st.integers(0, 10**6))
@QUICK
def test_the_best_mix_equals_brute_force(ruled, seed):
    asked = random_mix(seed, ruled=ruled)
    best, found = brute_force(asked), best_mix(asked)
    if math.isinf(best):
        assert (found.status, found.objective) == ("infeasible", math.inf)
        return
    assert found.status == "proven"
    assert found.objective == pytest.approx(best, rel=1e-9)
    assert found.cost <= asked.budget + 1e-9
    assert mix_value(asked.with_links(found.links), found.rooms) == pytest.approx(best, rel=1e-9)
    alone = rooms_alone(asked)
    assert keeps(asked.question, found.rooms)
    assert alone.links == ()
    assert math.isinf(alone.objective) or keeps(asked.question, alone.rooms)
    assert alone.objective >= found.objective - 1e-6
    again = best_mix(asked, start=alone if math.isfinite(alone.objective) else None)
    assert again.objective == pytest.approx(best, rel=1e-9)


@given(st.integers(0, 10**6), st.integers(1, 400))
@QUICK
def test_stopped_anywhere_the_bound_is_on_the_right_side(seed, work):
    asked = random_mix(seed, work=work)
    best, found = brute_force(asked), best_mix(asked)
    if math.isinf(best):
        assert found.status in {"infeasible", "stopped"}
        return
    assert found.bound <= best + 1e-6
    assert found.objective >= best - 1e-6
    if found.rooms or found.links:
        assert asked.cost(found.rooms, found.links) <= asked.budget + 1e-9


@given(st.integers(0, 10**6), st.integers(0, 5))
@QUICK
def test_links_beside_open_ones_are_all_of_them_together(seed, opened):
    rng = np.random.default_rng(seed)
    today, homes_m, places_m, links_m = (
        np.where(rng.random(shape) < 0.3, np.inf, rng.integers(1, 9, shape) * 100.0)
        for shape in ((5, 3), (5, 6), (3, 6), (6, 6))
    )
    links_m = np.minimum(links_m, links_m.T)
    np.fill_diagonal(links_m, 0.0)
    added = AddedLinks(homes_m, places_m, links_m)
    first = rng.permutation(6)[:opened].tolist()
    rest = [one for one in range(6) if one not in first][:2]
    beside = added.beside(first).walks(added.walks(today, first), rest)
    np.testing.assert_array_equal(beside, added.walks(today, [*first, *rest]))


def payable(linked):
    """Return the question with the links that the budget pays for."""
    cost, added = linked.cost, linked.added
    own = np.flatnonzero(cost <= linked.asked.budget)
    fewer = AddedLinks(added.homes_m[:, own], added.places_m[:, own],
                       added.links_m[np.ix_(own, own)])  # fmt: skip
    today = linked.asked.question.metres
    asked = replace(
        linked.asked,
        link_cost=tuple(cost[own].tolist()),
        walks=lambda chosen: fewer.walks(today, chosen),
    )
    return LinkedMix(asked, fewer)


@given(st.integers(0, 10**6), st.integers(0, 3), st.sampled_from([1, 20, 500, 100_000]))
@QUICK
def test_the_bound_holds_for_links_that_were_not_tried_in_all_combinations(seed, tried, work):
    linked = payable(random_linked(seed, links=5, work=work, ruled=seed % 2 == 0))
    asked = linked.asked
    best, alone = brute_force(asked), rooms_alone(asked)
    found = best_linked_mix(linked, tried=min(tried, len(asked.link_cost)), start=alone)
    if math.isinf(best):
        assert found.status in {"infeasible", "stopped"}
        return
    assert found.bound <= best * (1 + 1e-9) + 1e-6
    assert found.objective >= best * (1 - 1e-9)
    if found.status == "proven":
        assert found.objective == pytest.approx(best, rel=1e-8)
    if math.isinf(found.objective):
        return
    assert found.objective <= alone.objective * (1 + 1e-9)
    assert asked.cost(found.rooms, found.links) <= asked.budget + 1e-9
    assert found.cost == pytest.approx(asked.cost(found.rooms, found.links))
    assert keeps(asked.question, found.rooms)
    with_links = asked.with_links(found.links)
    assert mix_value(with_links, found.rooms) == pytest.approx(found.objective, rel=1e-9)


@given(st.integers(0, 10**6), st.floats(0.0, 500.0), st.booleans())
@QUICK
def test_whatever_money_is_worth_no_plan_is_below_what_tolls_allow(seed, worth, ruled):
    linked = payable(random_linked(seed, links=5, ruled=ruled))
    start = rooms_alone(linked.asked)
    if math.isinf(start.objective):
        return
    best = brute_force(linked.asked)
    bound, ended = toll_bound(linked, start, worth=worth, effort=Effort(Limits()))
    assert bound <= best * (1 + 1e-9) + 1e-6
    assert ended is None


@given(st.integers(0, 10**6), st.booleans())
@QUICK
def test_tolled_walks_are_the_shortest_of_all_sequences_of_links(seed, free):
    linked = random_linked(seed, links=3, homes=4)
    asked, added = linked.asked, linked.added
    dual = _Dual.of(linked, rooms_alone(asked), 0.0 if free else 40.0)
    walks, _ = dual.tolled()
    best = asked.question.metres.copy()
    for count in range(1, 4):
        for way in itertools.permutations(range(3), count):
            metres = added.homes_m[:, way[0]] + sum(
                added.links_m[a, b] for a, b in itertools.pairwise(way)
            )
            metres = metres + dual.each_m[:, list(way)].sum(axis=1)
            best = np.minimum(best, metres[:, None] + added.places_m[:, way[-1]][None, :])
    # Beyond the walk of today no way is of use.
    limit_m = np.minimum(asked.question.nearest_m(asked.question.fixed), NO_WAY_M)[:, None]
    np.testing.assert_allclose(np.minimum(walks, limit_m), np.minimum(best, limit_m))
    if free:
        np.testing.assert_array_equal(
            np.minimum(walks, limit_m), np.minimum(asked.walks((0, 1, 2)), limit_m)
        )


def test_pairs_of_links_that_help_only_together_are_found_beyond_those_tried():
    """Two bridges in a row save nothing alone; a gate that saves little is tried instead."""
    far, today = np.inf, np.array([[900.0], [900.0]])
    added = AddedLinks(
        np.array([[100.0, far, far], [far, far, 800.0]]),
        np.array([[far, 200.0, 50.0]]),
        np.array([[0.0, 50.0, far], [50.0, 0.0, far], [far, far, 0.0]]),
    )
    rooms = RoomProblem(today, ["a", "b"], ["k"], np.ones(2), [])
    question = make_question(rooms, pd.Series(dtype=float), norm_m=500.0)
    asked = MixQuestion(question, (5.0, 5.0, 5.0), lambda one: added.walks(today, one), 10.0)
    found = best_linked_mix(LinkedMix(asked, added), tried=0, start=rooms_alone(asked))
    assert (found.links, found.objective) == ((0, 1), 350.0 + 900.0)


# Worlds

ESTATE = shapely.box(700, 20, 900, 120)
CANAL = shapely.box(490, -1000, 510, 1000)
HOMES = [(400, 0), (720, 70)]
RESIDENTS = [50, 30]
PLACES = [(600, 0), (400, 0), (930, 70)]


def canal_town():
    """A canal without a bridge, and an estate whose only gate looks away from the committee."""
    return world(
        streets(
            [(0, 0), (480, 0)], [(520, 0), (1200, 0)], [(930, 0), (930, 80)], [(720, 0), (720, 18)]
        ),
        water=[CANAL],
        estates=[ESTATE],
        gates=[(900, 70)],
    )


def links_of(place, homes, goals, residents):
    """Return the links of a world that are not there today, and what they make of walks."""
    walkers = walkers_of(place, homes, goals, residents)
    proposed = propose_gates(place.network, place.gates, blocks=place.blocks, options=place.options)
    ledger = reachability_ledger(
        place.network,
        doors=walkers.doors,
        residents=walkers.residents,
        facilities=walkers.facilities,
        names=[f"k{j}" for j in range(len(goals))],
        blocks=place.blocks,
    )
    links = doubtful_links(
        place.network, proposed=proposed, ledger=ledger, blocks=place.blocks, options=place.options
    )
    shut = np.flatnonzero(links.frame["status"] == "assumed_closed")
    terrain = Terrain(place.network, place.blocks, place.options)
    return links.frame.iloc[shut], added_links(shut, links, walkers, terrain=terrain), proposed


def canal_mix(budget):
    place = canal_town()
    frame, added, _ = links_of(place, HOMES, PLACES, RESIDENTS)
    today = place.walks(HOMES, PLACES)
    problem = RoomProblem(today, ["a", "b"], ["k", "r1", "r2"], np.array(RESIDENTS), ["r1", "r2"])
    question = make_question(problem, pd.Series({"r1": 45.0, "r2": 30.0}), norm_m=500.0)
    cost = [10.0 if kind == "gate" else metres for kind, metres in
            zip(frame["kind"], frame["length_m"], strict=True)]  # fmt: skip
    asked = MixQuestion(question, cost, lambda one: added.walks(today, one), budget)
    return asked, frame["kind"].tolist()


def test_the_walks_of_the_canal_town_by_hand():
    place = canal_town()
    today = place.walks(HOMES, PLACES)
    # From the gate at (900, 70): 30 m to the lane, 70 m along it, 330 m along the street.
    assert today[1].tolist() == pytest.approx([180 + 30 + 70 + 330, math.inf, 180 + 30])
    assert np.isinf(today[0, 0])
    frame, added, _ = links_of(place, HOMES, PLACES, RESIDENTS)
    assert sorted(frame["kind"]) == ["bridge", "gate"]
    both = added.walks(today, [0, 1])
    # Over the bridge; through the new gate 50 m to the wall, 20 m to the street, 120 m along it.
    assert both[:, 0].tolist() == pytest.approx([200.0, 190.0], abs=0.01)
    # From the far estate to the site beyond the canal, through the gate and over the bridge.
    assert both[1, 1] == pytest.approx(50 + 20 + 320, abs=0.01)


@pytest.mark.parametrize(
    ("budget", "kinds", "rooms", "walk"),
    [
        (5.0, [], (), 50 * NO_WAY_M + 30 * 610),
        # A gate is cheaper and better than the room on the lane.
        (30.0, ["gate"], (), 50 * NO_WAY_M + 30 * 190),
        (40.0, ["bridge"], (), 50 * 200 + 30 * 610),
        (45.0, [], ("r1",), 30 * 610),
        # Two links for what one room and half a gate would cost.
        (50.0, ["bridge", "gate"], (), 50 * 200 + 30 * 190),
        (55.0, ["gate"], ("r1",), 30 * 190),
    ],
)
def test_the_best_mix_of_the_canal_town_by_hand(budget, kinds, rooms, walk):
    asked, kind_of = canal_mix(budget)
    found = best_mix(asked)
    if budget == 50.0:
        # The room beyond the canal alone brings its home to the door: 18,300 against 15,700.
        assert rooms_alone(asked).objective == pytest.approx(30 * 610, abs=1)
    assert sorted(kind_of[one] for one in found.links) == kinds
    assert found.rooms == rooms
    assert found.status == "proven"
    assert found.objective == pytest.approx(walk, abs=1)


@pytest.mark.parametrize("seed", range(6))
def test_several_gates_at_once_are_those_of_the_network_built_with_them(seed):
    lines = any_lines(seed, 2, 6)
    drawn = [[(a, b), (c, d)] for a, b, c, d in lines if (a, b) != (c, d)]
    ring = [(-50, -50), (250, -50), (250, 150), (-50, 150), (-50, -50)]
    place = world(streets(ring, *drawn), estates=[shapely.box(0, 0, 200, 100)])
    homes, goals = [(20, 30), (100, 60), (180, 20), (-40, 50)], [(300, 100), (-60, -60), (150, 50)]
    frame, added, proposed = links_of(place, homes, goals, [1] * len(homes))
    gates = [at for at, one in enumerate(frame["link_id"]) if one in set(proposed["gate_id"])]
    today = place.walks(homes, goals)
    for size in (1, 2, 3):
        for chosen in itertools.combinations(gates[:4], size):
            built = place
            for at in chosen:
                built = with_gate(built, proposed, frame["link_id"].iloc[at], "checked")
            assert added.walks(today, chosen) == pytest.approx(
                built.walks(homes, goals), abs=1e-6
            ), chosen


def reasons(over, cost, *, most, before=(900.0, 900.0, 900.0), budget=100.0):
    """Return why links that change the walks of three homes of one resident are out."""
    walks = (np.array(before), np.array(over, dtype=float).T)
    ids = [f"h{at}" for at in range(len(over))]
    found = reasons_out(ids, np.array(cost), walks, np.ones(3), budget=budget, most=most)
    return [None if one is None else str(one) for one in found]


def test_two_links_to_one_place_are_one_choice():
    twins = [[100, 100, 900], [110, 100, 900], [900, 900, 500]]
    assert reasons(twins, [10, 10, 10], most=2) == [None, "beyond_limit", None]


def test_a_cheap_gate_is_not_lost_among_dear_bridges():
    over = [[100, 900, 900], [900, 100, 900], [900, 900, 800]]
    assert reasons(over, [90, 90, 1], most=2) == [None, "beyond_limit", None]


def test_what_costs_more_than_the_budget_or_has_no_cost_is_never_tried():
    over = [[100, 100, 100], [200, 200, 200], [800, 900, 900]]
    assert reasons(over, [101, math.nan, 100], most=5) == ["over_budget", "no_cost", None]
    assert reasons(over, [1, 1, 1], most=0) == ["beyond_limit"] * 3


def test_of_links_that_save_the_same_the_first_by_id_is_tried():
    over = [[500, 900, 900], [900, 500, 900], [900, 900, 500]]
    assert reasons(over, [5, 5, 5], most=2) == [None, None, "beyond_limit"]
