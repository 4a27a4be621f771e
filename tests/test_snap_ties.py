"""Equally near streets: the first by id is taken, whatever the last digits of the floats say."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridplan.network import Network, NetworkOptions, Obstacles, snap_to_network

NOTHING = Obstacles(lines=np.empty(0, dtype=object), kinds=np.empty(0, dtype=object))
MILLIMETRES = st.integers(min_value=-200_000, max_value=200_000)


def network(*lines):
    edges = gpd.GeoDataFrame(
        {
            "edge_id": [f"s{i}" for i in range(len(lines))],
            "walkable": True,
            "highway": "residential",
        },
        geometry=list(lines),
        crs="EPSG:4549",
    )
    return Network(edges=edges)


def on_the_ground(coords):
    """Return coordinates on the 1 mm grid where a town lies, so that floats are coarse."""
    return np.round(np.asarray(coords) / 1000 + [593_000.0, 3_483_000.0], 3)


PLACES = st.tuples(MILLIMETRES, MILLIMETRES)


@given(PLACES, PLACES, PLACES, st.booleans())
def test_mirrored_streets_are_equally_near(door, start, end, swapped):
    """A street and its mirror image on the other side of the door: the first by id."""
    if start == end:
        return
    here = np.array([start, end]) + door
    mirrored = (here - door) * [-1, 1] + door
    lines = [shapely.LineString(on_the_ground(one)) for one in (here, mirrored)]
    if swapped:
        lines.reverse()
    at = np.array([shapely.Point(on_the_ground(door))], dtype=object)
    options = NetworkOptions(max_leg_m=1000.0)
    snapped = snap_to_network(at, network(*lines), blocks=NOTHING, options=options)
    assert snapped.edge.tolist() == [0]


def test_a_nearer_street_by_two_millimetres_is_taken():
    lines = [shapely.LineString(on_the_ground([(-9000, y), (9000, y)])) for y in (10_002, -10_000)]
    door = np.array([shapely.Point(on_the_ground([0, 0]))], dtype=object)
    snapped = snap_to_network(door, network(*lines), blocks=NOTHING)
    assert snapped.edge.tolist() == [1]
    assert snapped.leg_m[0] == pytest.approx(10.0)
