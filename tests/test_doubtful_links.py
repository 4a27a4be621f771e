"""What doubtful gates, bridges and gaps save or cost, against building the network with them."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.access import Terrain, Walkers, links_layer, measure_links
from gridplan.network import doubtful_links, propose_gates, reachability_ledger
from tests.worlds import layer, streets, world


def walkers_of(place, homes, goals, residents, allowed=None):
    doors, facilities = place.snap(*homes), place.snap(*goals)
    allowed = np.ones((len(homes), len(goals)), dtype=bool) if allowed is None else allowed
    walks_m = np.where(allowed, place.walks(homes, goals), np.inf).min(axis=1)
    return Walkers(
        homes=np.array([shapely.Point(one) for one in homes], dtype=object),
        targets=np.array([shapely.Point(one) for one in goals], dtype=object),
        doors=doors,
        facilities=facilities,
        residents=np.array(residents, dtype=float),
        allowed=allowed,
        walks_m=walks_m,
    )


def found(place, homes, goals, residents, allowed=None):
    """Return the layer `links` of a world, for walks to the goals."""
    walkers = walkers_of(place, homes, goals, residents, allowed)
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
    terrain = Terrain(place.network, place.blocks, place.options)
    table, notes = measure_links(links, walkers, terrain=terrain)
    assert notes == ()
    return links_layer(links, table, table), proposed


def with_gate(place, proposed, link_id, status):
    """Return the world with one proposed gate mapped, or closed."""
    gate = proposed[proposed["gate_id"] == link_id].assign(status=status)
    every = gate if place.gates.empty else pd.concat([place.gates, gate], ignore_index=True)
    return replace(place, gates=gpd.GeoDataFrame(every, crs=place.gates.crs))


def with_street(place, link):
    """Return the world with a link drawn as a bridge."""
    # Stretched a little, as a planner draws over the streets' lines, and joined by noding.
    extra = layer(
        "streets",
        {"street_id": ["new"], "highway": ["footway"], "bridge": [True]},
        [link],
    )
    options = replace(place.options, join_m=0.05)
    return replace(
        place, streets=pd.concat([place.streets, extra], ignore_index=True), options=options
    )


def truth(place, changed, homes, goals, residents, allowed=None):
    """Return resident-metres, residents moved and residents with or without, by rebuilding."""
    allowed = np.ones((len(homes), len(goals)), dtype=bool) if allowed is None else allowed
    one, two = (
        np.where(allowed, w.walks(homes, goals), np.inf).min(axis=1) for w in (place, changed)
    )
    both = np.isfinite(one) & np.isfinite(two)
    moved = np.zeros(len(homes))
    moved[both] = np.abs(one[both] - two[both])
    weights = np.array(residents, dtype=float)
    other = np.isfinite(one) != np.isfinite(two)
    return [moved @ weights, weights[moved > 0.001].sum(), weights[other].sum()]


OPEN = ["saved_resident_m", "shorter_residents", "gained_residents"]
SHUT = ["cost_resident_m", "longer_residents", "lost_residents"]

ESTATE = shapely.box(0, 0, 200, 100)
HOMES = [(20, 30), (100, 60), (180, 20), (260, 50), (-40, 50), (100, 140)]
GOALS = [(300, 100), (-60, -60)]
RESIDENTS = [10, 20, 30, 40, 50, 60]
RING = [(-50, -50), (250, -50), (250, 150), (-50, 150), (-50, -50)]


def check_gates(place, homes=HOMES, goals=GOALS, residents=RESIDENTS, allowed=None):
    """Compare every proposed gate with the network built with it; return the layer."""
    links, proposed = found(place, homes, goals, residents, allowed)
    gates = links[links["link_id"].isin(proposed["gate_id"])]
    assert len(gates) == len(proposed)
    for row in gates.to_dict("records"):
        is_open = row["status"] == "assumed_open"
        changed = with_gate(place, proposed, row["link_id"], "closed" if is_open else "checked")
        expected = truth(place, changed, homes, goals, residents, allowed)
        names, other = (SHUT, OPEN) if is_open else (OPEN, SHUT)
        assert [row[name] for name in names] == pytest.approx(expected, abs=1e-6), row
        assert all(np.isnan(row[name]) for name in other)
    return links


def test_a_street_through_a_wall_is_shut_for_those_who_walk_it():
    place = world(streets(RING, [(-50, 50), (150, 50)], [(150, 50), (150, -50)]), estates=[ESTATE])
    links = check_gates(place)
    assert links["status"].tolist() == ["assumed_open"] * 2
    assert (links["cost_resident_m"] > 0).any()


def test_the_only_way_out_shuts_everybody_in():
    place = world(streets(RING, [(-50, 50), (150, 50)]), estates=[ESTATE])
    links = check_gates(place)
    assert links["lost_residents"].tolist() == [60.0]
    assert "60 have no walk left" in links["why_en"][0]
    assert "60 人无路可走" in links["why"][0]


def test_a_street_that_ends_at_the_wall_may_open_it():
    place = world(streets(RING, [(-50, 50), (150, 50)], [(250, 50), (202, 50)]), estates=[ESTATE])
    links = check_gates(place)
    assert links["status"].tolist() == ["assumed_open", "assumed_closed"]
    assert links["saved_resident_m"][1] > 0


def test_a_gate_behind_a_corner_is_reached_round_it():
    bent = shapely.Polygon([(0, 0), (200, 0), (200, 100), (150, 100), (150, 40), (0, 40)])
    place = world(streets(RING, [(250, 90), (202, 90)], [(-50, 20), (-2, 20)]), estates=[bent])
    homes, residents = [(20, 20), (175, 20), (260, 50)], [10, 20, 30]
    links = check_gates(place, homes, [(240, 95)], residents)
    assert links["status"].tolist() == ["assumed_closed"] * 2
    # Round the corner at (150, 40), where the straight line from the first home is barred.
    assert links["gained_residents"].tolist() == [30.0, 30.0]


def test_an_estate_without_streets_is_reached_straight_from_its_gate():
    place = world(streets(RING, [(250, 50), (202, 50)]), estates=[ESTATE])
    links = check_gates(place)
    assert links["gained_residents"].tolist() == [60.0]
    second = world(
        streets(RING, [(250, 50), (202, 50)], [(-50, 50), (-2, 50)]),
        estates=[ESTATE],
        gates=[(200, 50)],
    )
    links = check_gates(second)
    assert links["saved_resident_m"].tolist()[0] > 0


def test_streets_that_end_at_the_wall_on_both_sides():
    place = world(
        streets(RING, [(250, 50), (200, 50)], [(200, 50), (20, 50)], [(20, 50), (20, 10)]),
        estates=[ESTATE],
    )
    links = check_gates(place)
    assert links["lost_residents"].tolist() == [60.0]


def test_whom_a_facility_serves_decides():
    place = world(streets(RING, [(-50, 50), (150, 50)], [(250, 50), (202, 50)]), estates=[ESTATE])
    allowed = np.array([[True, False]] * 3 + [[False, True]] * 2 + [[False, False]])
    check_gates(place, allowed=allowed)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-40, 240), st.integers(-40, 140), st.integers(-40, 240),
                  st.integers(-40, 140)),
        min_size=2, max_size=5,
    ),
)  # fmt: skip
def test_any_streets_through_any_wall(lines):
    drawn = [[(a, b), (c, d)] for a, b, c, d in lines if (a, b) != (c, d)]
    place = world(streets(RING, *drawn), estates=[ESTATE])
    check_gates(place)


def test_a_piece_behind_a_canal_and_a_gap_are_measured_as_built():
    canal = shapely.box(90, -200, 110, 200)
    place = world(
        streets([(0, 0), (80, 0)], [(0, 0), (0, 150)], [(81.5, 0), (81.5, 100)],
                [(120, 0), (200, 0)], [(0, 150), (81.5, 150)], [(81.5, 100), (81.5, 150)]),
        water=[canal],
    )  # fmt: skip
    homes, goals, residents = [(60, 5), (85, 60), (190, 5)], [(79, 20), (2, 90)], [3, 5, 7]
    links, _ = found(place, homes, goals, residents)
    assert sorted(links["kind"]) == ["bridge", "gap"]
    for row in links.to_dict("records"):
        changed = with_street(place, row["geometry"])
        expected = truth(place, changed, homes, goals, residents)
        assert [row[name] for name in OPEN] == pytest.approx(expected, abs=1e-6)
    assert links.set_index("kind")["gained_residents"].to_dict() == {"bridge": 7.0, "gap": 0.0}
    assert links.set_index("kind")["saved_resident_m"]["gap"] > 0


def test_row_order_does_not_matter():
    drawn = [RING, [(-50, 50), (150, 50)], [(250, 50), (202, 50)], [(150, 50), (150, -50)]]
    frame = streets(*drawn)
    place = world(frame, estates=[ESTATE])
    turned = replace(place, streets=frame.iloc[::-1].reset_index(drop=True))
    one, two = (found(each, HOMES, GOALS, RESIDENTS)[0] for each in (place, turned))
    pd.testing.assert_frame_equal(one.drop(columns="geometry"), two.drop(columns="geometry"))
