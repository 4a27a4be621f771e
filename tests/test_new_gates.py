"""Gates that could be cut into walls: where they are looked for, and what each would save."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gridplan.access import Terrain, added_links
from gridplan.network import NEW_GATE, closed_gates, new_gates, propose_gates
from tests.test_doubtful_links import walkers_of, with_gate
from tests.worlds import streets, world

ESTATE = shapely.box(0, 0, 200, 100)


def any_lines(seed, least, most):
    """Return a few streets as ``(x, y, x, y)``, across and beside the estate."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(least, most))
    return rng.integers([-40, -40, -40, -40], [240, 140, 240, 140], (count, 4)).tolist()


def looked_for(place, *, apart_m=60.0):
    known = place.gates.geometry.to_numpy()
    return new_gates(
        place.network, known, blocks=place.blocks, apart_m=apart_m, options=place.options
    )


def test_places_are_beside_a_street_and_apart_from_gates():
    # A street 20 m south of the wall; another 60 m north of it, beyond the 40 m of a gate.
    place = world(
        streets([(-100, -20), (300, -20)], [(-100, 160), (300, 160)]),
        estates=[ESTATE],
        gates=[(200, 0)],
    )
    found = looked_for(place)
    points = shapely.get_point(found.frame.geometry.to_numpy(), -1)
    at = shapely.get_coordinates(points)
    assert len(found.frame) >= 2
    assert (at[:, 1] < 50).all()
    assert set(found.frame["kind"]) == {NEW_GATE}
    assert set(found.frame["estate_id"]) == {"e0"}
    away = np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1))
    assert away[~np.eye(len(at), dtype=bool)].min() >= 60 - 1e-6
    assert np.hypot(at[:, 0] - 200, at[:, 1]).min() >= 60 - 1e-6


def test_no_street_outside_no_gate():
    place = world(streets([(-300, 300), (300, 300)], [(50, 50), (150, 50)]), estates=[ESTATE])
    assert not len(looked_for(place).frame)


def test_the_drawing_of_the_wall_does_not_matter():
    turned = shapely.Polygon([(200, 100), (200, 0), (0, 0), (0, 100)])
    ids = [
        looked_for(world(streets([(-100, -20), (300, -20)]), estates=[one])).frame["link_id"]
        for one in (ESTATE, turned)
    ]
    assert ids[0].tolist() == ids[1].tolist()


@pytest.mark.parametrize("seed", range(6))
def test_a_new_gate_saves_what_it_does_when_it_is_mapped(seed):
    lines = any_lines(seed, 0, 5)
    drawn = [[(a, b), (c, d)] for a, b, c, d in lines if (a, b) != (c, d)]
    ring = [(-20, -20), (220, -20), (220, 120), (-20, 120), (-20, -20)]
    place = world(streets(ring, *drawn), estates=[ESTATE], gates=[(0, 50)])
    homes, goals = [(20, 30), (100, 60), (180, 20), (-30, 50)], [(230, 100), (100, -30), (150, 50)]
    found = looked_for(place)
    walkers = walkers_of(place, homes, goals, [1] * 4)
    terrain = Terrain(place.network, place.blocks, place.options)
    added = added_links(np.arange(len(found.frame)), found, walkers, terrain=terrain)
    today = place.walks(homes, goals)
    for at, link_id in enumerate(found.frame["link_id"]):
        gate = _as_gate(found, at, link_id)
        built = with_gate(place, gate, link_id, "checked")
        assert added.walks(today, [at]) == pytest.approx(built.walks(homes, goals), abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_a_closed_gate_saves_what_it_does_when_it_is_open(seed):
    lines = any_lines(seed, 2, 6)
    drawn = [[(a, b), (c, d)] for a, b, c, d in lines if (a, b) != (c, d)]
    ring = [(-50, -50), (250, -50), (250, 150), (-50, 150), (-50, -50)]
    place = world(streets(ring, *drawn), estates=[ESTATE])
    homes, goals = [(20, 30), (100, 60), (180, 20), (-30, 50)], [(240, 100), (100, -40), (150, 50)]
    proposed = propose_gates(place.network, place.gates, blocks=place.blocks, options=place.options)
    for gate_id in proposed["gate_id"]:
        shut = with_gate(place, proposed, gate_id, "closed")
        built = with_gate(place, proposed, gate_id, "checked")
        today = shut.walks(homes, goals)
        found = closed_gates(shut.network, shut.gates, blocks=shut.blocks, options=shut.options)
        walkers = walkers_of(shut, homes, goals, [1] * 4)
        terrain = Terrain(shut.network, shut.blocks, shut.options)
        added = added_links(np.arange(len(found.frame)), found, walkers, terrain=terrain)
        assert set(found.frame["link_id"]) <= {gate_id}
        if not len(found.frame):
            # At a corner of the wall no street is near on either side: left out.
            continue
        assert added.walks(today, [0]) == pytest.approx(built.walks(homes, goals), abs=1e-6)


def _as_gate(found, at, link_id):
    """Return a new gate as a row of the layer of gates; the id says where it is, to a metre."""
    wall = shapely.boundary(ESTATE)
    line = found.frame.geometry.iloc[at]
    places = [shapely.Point(one) for one in line.coords]
    point = min(places, key=lambda one: round(one.distance(wall), 6))
    frame = found.frame.iloc[[at]][["estate_id"]].assign(gate_id=link_id, status=NEW_GATE)
    return frame.set_geometry([point], crs=found.frame.crs)
