"""Links between connected streets with a long way round: by hand, and against all pairs."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.access import ShortcutOptions, Terrain, added_links, shortcuts
from gridplan.network import street_spots
from tests.test_doubtful_links import walkers_of
from tests.worlds import streets, world

KINDS = ("bridge", "crossing", "join")
QUICK = settings(max_examples=12, deadline=None)

# Two banks of a river, 60 m apart, with the only bridge 900 m to the east.
NORTH, SOUTH = [(0, 60), (900, 60)], [(0, 0), (900, 0)]
FAR_BRIDGE = [(900, 0), (900, 60)]
RIVER = shapely.box(-500, 20, 890, 40)


def banks(**layers):
    bridge = [False, False, True]
    return world(streets(NORTH, SOUTH, FAR_BRIDGE, bridge=bridge), **layers)


def looked_for(place, homes, goals, residents, *, kinds=KINDS, solid=(), **options):
    walkers = walkers_of(place, homes, goals, residents)
    terrain = Terrain(place.network, place.blocks, place.options)
    found = shortcuts(
        walkers,
        terrain,
        open_today=np.ones(len(goals), dtype=bool),
        kinds=kinds,
        solid=np.array(list(solid), dtype=object),
        options=ShortcutOptions(**options),
    )
    return found, walkers, terrain


def test_a_bridge_is_proposed_where_the_walk_round_is_long():
    place = banks(water=[RIVER])
    found, walkers, terrain = looked_for(place, [(0, 0)], [(0, 60)], [10], most=1)
    assert found.frame["kind"].tolist() == ["bridge"]
    assert found.frame["length_m"].iloc[0] == pytest.approx(60)
    added = added_links(np.arange(1), found, walkers, terrain=terrain)
    today = place.walks([(0, 0)], [(0, 60)])
    assert today[0, 0] == pytest.approx(900 + 60 + 900)
    assert added.walks(today, [0])[0, 0] == pytest.approx(60)


@pytest.mark.parametrize(
    ("layers", "solid", "kind"),
    [
        ({}, (), "join"),
        ({"water": [RIVER]}, (), "bridge"),
        ({"walls": [[(-500, 30), (890, 30)]]}, (), None),
        ({"borders": [[(-500, 30), (890, 30)]]}, (), None),
        ({}, (shapely.box(-20, 25, 895, 35),), None),
    ],
)
def test_what_lies_between_says_what_it_would_be(layers, solid, kind):
    place = banks(**layers)
    found, _, _ = looked_for(place, [(0, 0)], [(0, 60)], [10], solid=solid, most=1)
    assert found.frame["kind"].tolist() == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("wanted", "options"),
    [
        (1, {}),
        (0, {"gap_m": 59.0}),
        (1, {"gap_m": 60.5}),
        (0, {"detour": 31.5}),
        (1, {"detour": 30.5}),
        (0, {"most": 0}),
        (0, {"kinds": ("join", "crossing")}),
    ],
)
def test_gap_detour_number_and_kinds_are_kept(wanted, options):
    place = banks(water=[RIVER])
    # The walk round is 1,860 m at most, 31 times the 60 m.
    found, _, _ = looked_for(place, [(0, 0)], [(0, 60)], [10], **{"most": 1, **options})
    assert len(found.frame) == wanted


def test_links_stay_apart_and_the_better_one_is_kept():
    place = banks(water=[RIVER])
    homes = [(0, 0), (400, 0)]
    found, _, _ = looked_for(place, homes, [(0, 60)], [100, 10], gap_m=100.0)
    middles = shapely.get_coordinates(shapely.centroid(found.frame.geometry.to_numpy()))
    away = np.hypot(*(middles[:, None] - middles[None, :]).transpose(2, 0, 1))
    assert len(found.frame) > 1
    assert away[~np.eye(len(away), dtype=bool)].min() > 100
    assert middles[0, 0] == pytest.approx(0)


def test_no_bridge_where_nobody_would_walk_less():
    place = banks(water=[RIVER])
    found, _, _ = looked_for(place, [(0, 0)], [(0, 60)], [0])
    assert not len(found.frame)
    found, _, _ = looked_for(place, [(0, 0)], [(10, 0)], [10])
    assert not len(found.frame)


def any_town(seed):
    """Return a town of random streets that may cross a river, with homes and places."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(-30, 630, (9, 4)).tolist()
    lines = [[(a, b), (c, d)] for a, b, c, d in ends if abs(a - c) + abs(b - d) > 100]
    lines += [[(-30, 5), (640, 20)], [(3, -30), (25, 640)], [(610, -30), (570, 640)]]
    river = shapely.box(-100, 205, 700, 215)
    at = rng.integers(-30, 600, (6, 2)).tolist()
    return streets(*lines), river, at[:4], at[4:], rng.integers(0, 50, 4).tolist()


def best_of_all(place, walkers, goals, *, gap_m, detour):
    """Return the greatest worth of all pairs that may be joined, from all walks between them."""
    spots = street_spots(place.network)
    at = spots[["x", "y"]].to_numpy()
    between = place.walks(at.tolist(), at.tolist())
    onward = place.walks(at.tolist(), goals).min(axis=1)
    homes = shapely.get_coordinates(walkers.homes)
    to_spot = place.walks(homes.tolist(), at.tolist())
    today = walkers.walks_m
    link_m = np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1))
    met = np.isfinite(onward)
    gain = np.full(link_m.shape, -1.0)
    gain[np.ix_(met, met)] = onward[met][:, None] - onward[met][None, :]
    gain -= link_m
    asked = (link_m > 1e-3) & (link_m <= gap_m) & (gain > 0) & (between >= detour * link_m - 1e-6)
    lines, best = place.network.walkable.geometry.to_numpy(), 0.0
    for u, v in zip(*np.nonzero(asked), strict=True):
        passes = np.isfinite(today) & (to_spot[:, u] + onward[u] <= today + 1e-6)
        worth = float(walkers.residents[passes].sum()) * gain[u, v]
        if worth > best:
            line = shapely.LineString([at[u], at[v]])
            inner = shapely.ops.substring(line, 0.001, line.length - 0.001)
            best = best if shapely.crosses(lines, inner).any() else worth
    return best


@given(st.integers(0, 10**6))
@QUICK
def test_the_first_saves_as_much_as_any_pair_of_places(seed):
    drawn, river, homes, goals, residents = any_town(seed)
    place = world(drawn, water=[river])
    options = {"gap_m": 110.0, "detour": 2.0}
    found, walkers, terrain = looked_for(place, homes, goals, residents, **options)
    best = best_of_all(place, walkers, goals, **options)
    if not len(found.frame):
        assert best <= 1.0
        return
    today = place.walks(homes, goals)
    added = added_links(np.arange(len(found.frame)), found, walkers, terrain=terrain)
    had = np.isfinite(walkers.walks_m)
    after = added.walks(today, [0]).min(axis=1)
    saved = float((walkers.walks_m[had] - after[had]) @ walkers.residents[had])
    assert saved >= best - 1.0
    for row, line in enumerate(found.frame.geometry):
        ends = list(line.coords)
        to, on = place.walks(homes, ends), place.walks(ends, goals)
        both = (to[:, i, None] + line.length + on[1 - i][None, :] for i in (0, 1))
        truth = np.minimum.reduce([today, *both])
        assert added.walks(today, [row]) == pytest.approx(truth, abs=0.01)


@given(st.integers(0, 10**6))
@QUICK
def test_the_order_of_streets_and_homes_does_not_matter(seed):
    drawn, river, homes, goals, residents = any_town(seed)
    turned = drawn.iloc[::-1].reset_index(drop=True)
    one, _, _ = looked_for(world(drawn, water=[river]), homes, goals, residents)
    two, _, _ = looked_for(world(turned, water=[river]), homes[::-1], goals[::-1], residents[::-1])
    assert one.frame["link_id"].tolist() == two.frame["link_id"].tolist()
    assert one.frame["kind"].tolist() == two.frame["kind"].tolist()
