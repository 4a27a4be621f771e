"""Options of the demo town, its small tools, and the counts the default promises."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import SettingsError
from gridplan.sources.demo import DemoOptions, make_town
from gridplan.sources.demo.facts import measure
from gridplan.sources.demo.frames import Frame, insert_vertex, nearest_crossing
from gridplan.sources.demo.lattice import patch
from gridplan.sources.demo.names import NameBook
from gridplan.sources.demo.people import share_out


@pytest.mark.parametrize(
    ("given_options", "en", "zh"),
    [
        ({"area_km2": 0.5, "population": 2_000}, r"area_km2 is 0\.5.*at least 0\.8", "至少需要"),
        ({"area_km2": float("nan")}, "area_km2 is nan", "nan"),
        ({"population": 1_000_000}, r"1000000 residents on 15 km².*1500 to 12000", "1000000 人"),
        ({"population": 10}, "10 residents on 15 km² are outside", "请调整其中一项"),
        ({"communities": 0}, "communities is 0; give 1 to 399", "应在 1 至 399 之间"),
        ({"communities": 400}, "communities is 400", "communities 为 400"),
    ],
)
def test_sizes_that_make_no_town_are_refused(given_options, en, zh):
    with pytest.raises(SettingsError, match=en) as caught:
        DemoOptions(**given_options)
    assert any(zh in line for line in caught.value.lines("zh"))


def test_all_faults_come_together():
    with pytest.raises(SettingsError) as caught:
        DemoOptions(area_km2=-1, communities=-1)
    assert len(caught.value.faults) == 2


def test_number_of_communities_can_be_given_and_scales_otherwise():
    assert DemoOptions(population=2_000_000, area_km2=240).wanted_communities == 275
    town = make_town(DemoOptions(population=24_000, area_km2=4.0, communities=4, seed=5))
    assert len(town.layers["communities"]) == len(town.layers["committees"]) == 4


@pytest.mark.parametrize("seed", range(4))
def test_a_toy_town_of_any_seed_is_a_town(seed):
    town = make_town(DemoOptions(population=4_000, area_km2=1.0, seed=seed))
    assert town.population["常住人口"].sum() == 4_000
    assert len(town.layers["communities"]) == 2
    assert len(town.layers["sites"]) >= 2
    assert (town.layers["estates"]["walled"] == 1).sum() >= 1
    assert (town.layers["streets"]["bridge"] == 1).sum() >= 1


@pytest.fixture(scope="module")
def town():
    return make_town()


def test_counts_of_the_default_town(town):
    layers, figures = town.layers, measure(town)
    estates, sites = layers["estates"], layers["sites"]
    assert len(layers["communities"]) == len(layers["committees"]) == 11
    assert 2_500 <= len(layers["buildings"]) <= 4_500
    walled = estates[estates["walled"] == 1]
    assert 40 <= len(walled) <= 80
    assert walled["households"].max() >= 1_500
    assert walled["households"].min() <= 150
    assert set(estates["kind"]) == {"commodity", "resettlement", "village", "dormitory"}
    assert set(layers["gates"].groupby("estate_id").size()) == {1, 2, 3, 4}
    assert (sites["kind"] == "existing").sum() == 5
    assert 60 <= (sites["kind"] == "candidate").sum() <= 80
    assert 0.10 < layers["water"].area.sum() / 15e6 < 0.20
    assert 5 <= layers["streets"]["bridge"].sum() <= 20
    staff = layers["committees"]["staff"]
    assert staff.sum() < 144
    assert staff.nunique() > 4
    # Communities differ in size and people, as real ones do.
    assert layers["communities"].area.max() > 3 * layers["communities"].area.min()
    residents = town.population["常住人口"]
    assert residents.max() > 2 * residents.min()
    # Villages and dormitories are migrants' homes: several to one registered resident.
    floating = (residents - town.population["户籍人口"]) / town.population["户籍人口"]
    assert floating.max() > 4
    assert figures["residents"] == "80000"
    assert figures["age_0_14"] == "15.29 %"


def test_some_committees_are_badly_placed(town):
    buildings, committees = town.layers["buildings"], town.layers["committees"]
    area = town.layers["communities"].geometry.to_numpy()
    middles = shapely.get_coordinates(shapely.centroid(buildings.geometry.to_numpy()))
    homes = buildings["households"].to_numpy()
    metres = []
    for point, community in zip(committees.geometry, area, strict=True):
        own = shapely.contains_xy(community, middles) & (homes > 0)
        centre = np.average(middles[own], axis=0, weights=homes[own])
        metres.append(float(shapely.distance(point, shapely.Point(centre))))
    assert sum(far > 450 for far in metres) >= 2
    assert sum(far < 350 for far in metres) >= 6


numbers = st.floats(0.01, 1e6, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=30), st.integers(0, 10**6))
def test_shares_are_whole_and_sum_exactly(parts, total):
    shares = share_out(np.array(parts), total)
    assert shares.sum() == total
    exact = np.array(parts) * total / sum(parts)
    assert (np.abs(shares - exact) < 1 + 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0, 6.28))
def test_frame_goes_there_and_back(x, y, angle):
    end = np.array([np.cos(angle), np.sin(angle)]) * 50
    frame = Frame.along(np.zeros(2), end)
    point = np.array([[x, y]])
    assert np.abs(frame.ground(frame.local(point)) - point).max() < 1e-3
    assert frame.local(end[None])[0].tolist() == pytest.approx([50, 0], abs=1e-9)


def test_a_vertex_is_put_into_the_right_segment_once():
    line = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    point = np.array([10.0, 4.0])
    once = insert_vertex(line, point)
    assert once.tolist() == [[0, 0], [10, 0], [10, 4], [10, 10]]
    assert insert_vertex(once, point) is once


def test_the_farthest_crossing_is_taken():
    ring = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]])
    line = np.array([[-1.0, 2.0], [9.0, 2.0]])
    assert nearest_crossing(line, ring).tolist() == [4.0, 2.0]


def test_a_patch_keeps_its_curved_sides():
    t = np.linspace(0, 1, 5)
    bulge = 0.1 * np.sin(np.pi * t)
    south, north = np.stack([t, -bulge], 1), np.stack([t, 1 + bulge], 1)
    west, east = np.stack([0 * t, t], 1), np.stack([1 + 0 * t, t], 1)
    grid = patch(west, south, east, north)
    assert (grid[:, 0] == south).all()
    assert (grid[:, -1] == north).all()
    assert (grid[0] == west).all()
    assert grid[2, 2].tolist() == [0.5, 0.5]


def test_stems_never_repeat_even_in_a_city():
    book = NameBook(1)
    stems = [book.stem() for _ in range(25_000)]
    assert len(set(stems)) == len(stems)
