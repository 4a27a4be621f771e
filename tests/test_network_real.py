"""Walks between pairs of places, against a graph rebuilt from the raw data by other code."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely

from gridplan.errors import FaultList
from gridplan.geometry import choose_crs
from gridplan.network import build_network, obstacles, snap_to_network
from gridplan.place import empty_layer, normal_layer
from gridplan.sources.demo import DemoOptions, make_town
from gridplan.sources.osm import read_osm
from tests.raw_walks import RawNetwork
from tests.worlds import walks_on

AWAY_M = 30.0
TOLERANCE_M = 0.001


@dataclasses.dataclass(frozen=True)
class Town:
    network: object
    blocks: object


def osm_town(path):
    """Return the network of an OSM file without walls and gates, and its CRS."""
    extract = read_osm(path)
    west, south, east, north = extract.streets.total_bounds
    crs = choose_crs((west + east) / 2, (south + north) / 2)
    ways = normal_layer(extract.streets.to_crs(crs), "streets", crs=crs, faults=FaultList())
    nothing = {name: empty_layer(name, crs=crs) for name in ("water", "barriers", "estates")}
    blocks = obstacles(**nothing)
    network = build_network(ways, gates=empty_layer("gates", crs=crs), blocks=blocks)
    return Town(network, blocks), crs


def places_near(network, number, seed):
    """Return points up to 30 m from random streets; those that two streets tie for are left out."""
    rng = np.random.default_rng(seed)
    lines = network.walkable.geometry.to_numpy()
    chosen = lines[rng.integers(0, len(lines), number)]
    on = shapely.line_interpolate_point(chosen, rng.random(number), normalized=True)
    return shapely.get_coordinates(on) + rng.uniform(-AWAY_M, AWAY_M, (number, 2)) / np.sqrt(2)


def assert_equal_walks(ours, raw):
    both = np.isinf(ours) & np.isinf(raw)
    with np.errstate(invalid="ignore"):
        wrong = ~both & ~(np.abs(ours - raw) < TOLERANCE_M)
    assert not wrong.any(), (int(wrong.sum()), ours[wrong][:5], raw[wrong][:5])


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "starts", "goals"),
    [
        ("newport/newport.osm.pbf", 20, 5),
        pytest.param("newport/newport.osm.pbf", 40, 25, marks=pytest.mark.slow),
        pytest.param("heidelberg/heidelberg.osm.pbf", 40, 25, marks=pytest.mark.slow),
    ],
)
def test_walks_between_pairs_are_those_of_the_raw_file(file, starts, goals, shared):
    town, crs = osm_town(shared(file))
    homes = places_near(town.network, starts, seed=1)
    offices = places_near(town.network, goals, seed=2)
    ours = walks_on(town, homes, offices)
    assert np.isfinite(ours).mean() > 0.5
    assert_equal_walks(ours, RawNetwork(shared(file), crs).pair_walks(homes, offices))


@pytest.fixture(scope="module")
def demo():
    town = make_town(DemoOptions())
    crs = town.layers["streets"].crs
    layers = {
        name: normal_layer(town.layers[name], name, crs=crs, faults=FaultList())
        for name in ("streets", "gates", "water", "barriers", "estates", "buildings", "committees")
    }
    blocks = obstacles(
        water=layers["water"], barriers=layers["barriers"], estates=layers["estates"]
    )
    network = build_network(layers["streets"], gates=layers["gates"], blocks=blocks)
    return Town(network, blocks), layers


def test_walks_of_the_demo_are_those_of_its_lines(demo):
    town, layers = demo
    buildings = layers["buildings"]
    homes = shapely.centroid(buildings.geometry[buildings["households"] > 0].to_numpy())[::20]
    # A wall may lie between a home and its nearest street; the raw lines know nothing of walls.
    snapped = snap_to_network(homes, town.network, blocks=town.blocks)
    direct = (snapped.edge >= 0) & (snapped.detour == "")
    direct[snapped.further["point"].to_numpy(dtype=int)] = False
    assert direct.mean() > 0.9
    starts = shapely.get_coordinates(homes[direct])
    goals = shapely.get_coordinates(layers["committees"].geometry.to_numpy())
    assert len(starts) * len(goals) > 1000
    raw = RawNetwork.of_lines(layers["streets"].geometry)
    assert_equal_walks(walks_on(town, starts, goals), raw.pair_walks(starts, goals))


def test_the_demo_is_a_metric(demo):
    town, layers = demo
    offices = shapely.get_coordinates(layers["committees"].geometry.to_numpy())
    metres = walks_on(town, offices, offices)
    np.testing.assert_allclose(metres, metres.T, atol=1e-6)
    longest = (metres[:, :, None] + metres[None, :, :]).min(axis=1)
    assert (metres <= longest + 1e-6)[~np.eye(len(metres), dtype=bool)].all()
