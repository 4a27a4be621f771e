"""Nearest facilities, minutes, straight lines, equity, catchments, what a link saves."""

from __future__ import annotations

import itertools
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridplan.access.catchment import two_step_catchment
from gridplan.access.equity import gini, kolm_pollak_ede
from gridplan.access.facilities import (
    WalkingSpeeds,
    least_over_points,
    nearest_facilities,
    step_free,
    walking_minutes,
    walks_by_kind,
)
from gridplan.access.links import LinkGain, link_gain
from gridplan.access.straight import detour_ratios, straight_distances
from gridplan.errors import InputError, SettingsError

WALKS = st.lists(
    st.tuples(st.integers(0, 3000), st.integers(0, 50)), min_size=1, max_size=25
).filter(lambda pairs: any(n for _, n in pairs))


def arrays(pairs):
    return (np.array(one, dtype=float) for one in zip(*pairs, strict=True))


# Equity


@given(WALKS)
def test_gini_is_the_mean_difference_of_all_pairs(pairs):
    metres, residents = arrays(pairs)
    total, mean = residents.sum(), np.dot(metres, residents) / residents.sum()
    differences = sum(n * m * abs(d - e) for (d, n), (e, m) in itertools.product(pairs, pairs))
    expected = differences / (2 * total**2 * mean) if mean else 0.0
    assert gini(metres, residents) == pytest.approx(expected, abs=1e-12)
    assert 0 <= gini(metres, residents) < 1


@given(WALKS, st.floats(0.05, 3))
def test_ede_is_the_formula_and_lies_between_mean_and_longest(pairs, aversion):
    metres, residents = arrays(pairs)
    found = kolm_pollak_ede(metres, residents, aversion=aversion)
    mean = np.dot(metres, residents) / residents.sum()
    longest = metres[residents > 0].max()
    assert mean - 1e-6 <= found <= longest + 1e-6
    if longest > 0:
        repeated = np.repeat(metres, residents.astype(int))
        kappa = aversion * repeated.sum() / (repeated**2).sum()
        exponents = kappa * repeated
        top = exponents.max()
        expected = (top + math.log(np.exp(exponents - top).mean())) / kappa
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)


@given(WALKS)
def test_a_longer_longest_walk_is_less_equal(pairs):
    metres, residents = arrays(pairs)
    even = np.full(len(metres), 400.0)
    assert gini(even, residents) == pytest.approx(0, abs=1e-12)
    assert kolm_pollak_ede(even, residents) == pytest.approx(400)
    more = kolm_pollak_ede(metres + 1, residents, aversion=2.0)
    assert more >= kolm_pollak_ede(metres + 1, residents, aversion=0.5) - 1e-6


def test_nobody_has_no_equity():
    assert math.isnan(gini(np.array([5.0]), np.array([0.0])))
    assert math.isnan(kolm_pollak_ede(np.array([5.0]), np.array([0.0])))


# Facilities


def test_a_facility_is_as_near_as_its_nearest_service_point():
    walks = np.array([[300.0, 100.0, 50.0], [np.inf, np.inf, 70.0]])
    found = least_over_points(walks, pd.Series(["k2", "k1", "k2"]))
    assert found.columns.tolist() == ["k1", "k2"]
    assert found.to_numpy().tolist() == [[100.0, 50.0], [np.inf, 70.0]]


def test_points_without_a_facility_are_refused():
    with pytest.raises(InputError, match="1 of them without a facility"):
        least_over_points(np.ones((1, 2)), pd.Series(["k1", None]))
    with pytest.raises(InputError, match="3 service points have walks, 2 are listed"):
        least_over_points(np.ones((1, 3)), pd.Series(["k1", "k2"]))


def test_each_kind_has_its_own_facilities():
    points = pd.DataFrame(
        {"facility_id": ["s1", "k1", "k1"], "kind": ["station", "committee", "committee"]}
    )
    found = walks_by_kind(np.array([[30.0, 100.0, 50.0]]), points)
    assert list(found) == ["committee", "station"]
    assert found["committee"].to_dict("list") == {"k1": [50.0]}
    assert found["station"].to_dict("list") == {"s1": [30.0]}
    with pytest.raises(InputError, match="1 of 3 service points have no kind"):
        walks_by_kind(np.ones((1, 3)), points.assign(kind=["station", None, "committee"]))


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_k_nearest_are_the_first_of_the_sorted_walks(seed, k):
    rng = np.random.default_rng(seed)
    metres = rng.integers(0, 6, (5, 4)) * 100.0
    metres[rng.random(metres.shape) < 0.3] = np.inf
    ids = ["d", "a", "c", "b"]
    walks = pd.DataFrame(metres, index=[f"p{i}" for i in range(5)], columns=ids)
    found = nearest_facilities(walks, k=k)
    for demand, row in walks.iterrows():
        expected = sorted((m, one) for one, m in row.items() if np.isfinite(m))[:k]
        own = found[found["demand_id"] == demand]
        assert list(zip(own["metres"], own["facility_id"], strict=True)) == expected
        assert own["rank"].tolist() == list(range(1, len(expected) + 1))


def test_k_must_be_positive():
    with pytest.raises(SettingsError, match="k is -1"):
        nearest_facilities(pd.DataFrame({"a": [1.0]}), k=-1)


def test_minutes_by_group_and_missing_walks():
    speeds = WalkingSpeeds().metres_per_s
    metres = pd.Series([480.0, np.nan])
    minutes = {group: walking_minutes(metres, metres_per_s=v) for group, v in speeds.items()}
    assert minutes["adult"].iloc[0] == 8
    assert minutes["elderly"].iloc[0] == pytest.approx(10)
    assert minutes["wheelchair"].iloc[0] == pytest.approx(480 / 33)
    assert minutes["adult"].isna().tolist() == [False, True]
    with pytest.raises(SettingsError, match=r"elderly = 0\.0"):
        WalkingSpeeds(metres_per_s={"elderly": 0.0})


def test_stairs_are_left_out_for_wheelchairs():
    line = shapely.LineString([(0, 0), (1, 0)])
    streets = gpd.GeoDataFrame(
        {"street_id": ["a", "b"], "highway": ["steps", "footway"]}, geometry=[line, line]
    )
    assert step_free(streets)["street_id"].tolist() == ["b"]


# Straight lines


def test_straight_lines_and_detours():
    points = np.array([shapely.Point(0, 0), None, shapely.Point(3, 4)], dtype=object)
    facilities = shapely.points([(3, 4), (0, 10)])
    straight = straight_distances(points, facilities)
    assert straight[0].tolist() == [5, 10]
    assert np.isinf(straight[1]).all()
    ratio = detour_ratios(np.array([7.5, np.inf, 0.0]), straight[:, 0])
    assert ratio[0] == 1.5
    assert np.isnan(ratio[1:]).all()


# Two-step floating catchment


@given(st.integers(0, 10_000))
def test_what_is_allocated_is_what_is_reached(seed):
    rng = np.random.default_rng(seed)
    walks = rng.uniform(0, 1000, (8, 5))
    walks[rng.random(walks.shape) < 0.2] = np.inf
    residents = rng.integers(0, 100, 8).astype(float)
    capacity = rng.integers(0, 500, 5).astype(float)
    found = two_step_catchment(walks, residents, capacity, catchment_m=400)
    reached = ((walks <= 400) & (residents > 0)[:, None]).any(axis=0)
    assert np.dot(residents, found.per_resident) == pytest.approx(capacity[reached].sum())
    for i, j in itertools.product(range(8), range(5)):
        if reached[j] and walks[i, j] <= 400:
            served = residents[walks[:, j] <= 400].sum()
            assert found.per_facility[j] == pytest.approx(capacity[j] / served)
    assert np.isnan(found.per_facility[~reached]).all()


def test_catchment_faults_come_together():
    with pytest.raises(InputError) as caught:
        two_step_catchment(np.ones((2, 1)), np.array([-1.0]), np.array([np.nan]), catchment_m=0)
    text = str(caught.value)
    assert "shape (2, 1); 1 demand points and 1 facilities" in text
    assert "1 of 1 residents" in text
    assert "1 of 1 capacities" in text
    assert "catchment is 0 m" in text


# Links


def test_a_link_saves_and_gains():
    before = np.array([900.0, 500.0, np.inf, np.nan, np.inf])
    after = np.array([400.0, 500.0, 250.0, 80.0, np.inf])
    residents = np.array([10.0, 20.0, 3.0, 4.0, 5.0])
    assert link_gain(before, after, residents) == LinkGain(5000.0, 10.0, 7.0)


@pytest.mark.parametrize("after", [[901.0], [np.inf]])
def test_a_link_never_makes_a_walk_longer(after):
    with pytest.raises(InputError, match="1 of 1 walks are longer, or gone"):
        link_gain(np.array([900.0]), np.array(after), np.array([10.0]))
