"""Who serves whom, why some have none, and the figures of walks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.access import (
    access_figures,
    barred_note,
    choose_facility,
    missing_reasons,
    own_committees,
    weighted_quantile,
)

IDS = np.array(["a", "b"], dtype=object)


def test_nearest_wins_and_ties_go_to_the_first():
    walks = np.array([[100.0, 50.0], [70.0, 70.0], [np.inf, np.inf]])
    ids, metres = choose_facility(walks, IDS)
    assert ids.tolist() == ["b", "a", None]
    assert metres[:2].tolist() == [50.0, 70.0]
    assert np.isnan(metres[2])


def test_rounding_noise_decides_no_tie():
    ids, _ = choose_facility(np.array([[70.0000001, 70.0]]), IDS)
    assert ids.tolist() == ["a"]


def test_only_allowed_facilities_are_chosen():
    allowed = np.array([[True, False], [False, False]])
    ids, _ = choose_facility(np.array([[100.0, 50.0], [1.0, 1.0]]), IDS, allowed=allowed)
    assert ids.tolist() == ["a", None]


def test_no_facility_at_all():
    ids, metres = choose_facility(np.zeros((2, 0)), np.array([], dtype=object))
    assert ids.tolist() == [None, None]
    assert np.isnan(metres).all()


def test_own_committees_follow_the_table():
    demand = pd.DataFrame({"community_id": ["x", "y", None]})
    committees = pd.DataFrame({"committee_id": ["a", "b"]})
    table = pd.DataFrame({"community_id": ["x", "x"], "committee_id": ["a", "b"]})
    allowed = own_committees(demand, committees, table)
    assert allowed.tolist() == [[True, True], [False, False], [False, False]]


def test_each_missing_distance_has_its_reason():
    metres = np.array([10.0, np.nan, np.nan, np.nan, np.nan])
    reasons = missing_reasons(
        metres,
        placed=np.array([True, False, True, True, True]),
        near_street=np.array([True, False, False, True, True]),
        has_facility=np.array([True, True, True, False, True]),
    )
    assert reasons.tolist() == [
        None,
        "unplaced",
        "too_far_from_street",
        "no_committee",
        "unreachable",
    ]


def test_figures_by_hand():
    figures = access_figures(
        pd.Series([100.0, 400.0, np.nan]),
        pd.Series([None, None, "unreachable"]),
        pd.Series([3, 1, 4]),
        norms_m=(300, 500),
    )
    assert figures["mean_m"] == pytest.approx(175)
    assert figures["median_m"] == 100
    assert figures["p90_m"] == 400
    assert figures["max_m"] == 400
    # All residents are the denominator: the unreachable are not within.
    assert figures["within"] == {"300": 3 / 8, "500": 4 / 8}
    assert figures["unreachable_residents"] == 4
    assert figures["missing"] == {"unreachable": 4}


def test_figures_of_nobody_are_null_not_zero():
    figures = access_figures(
        pd.Series([np.nan]), pd.Series(["no_committee"]), pd.Series([5]), norms_m=(300,)
    )
    assert figures["mean_m"] is None
    assert figures["within"] == {"300": 0.0}
    assert figures["unreachable_residents"] == 0


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 9)), min_size=1, max_size=30),
    st.floats(0.01, 1.0),
)
@settings(max_examples=60, deadline=None)
def test_weighted_quantile_equals_repeating_each_value(pairs, share):
    values = np.array([v for v, _ in pairs], dtype=float)
    weights = np.array([w for _, w in pairs], dtype=float)
    repeated = np.sort(np.repeat(values, weights.astype(int)))
    position = int(np.ceil(share * len(repeated) - 1e-9)) - 1
    assert weighted_quantile(values, weights, share) == repeated[max(position, 0)]


def test_homes_that_are_barred_are_told_with_what_bars_them():
    ids = np.array(["d3", "d1", "d2", "d4"], dtype=object)
    barred_by = np.array(["wall", "water", "", "wall"], dtype=object)
    (note,) = barred_note(ids, np.array([30.0, 5.0, 9.0, 0.0]), barred_by)
    assert note.code == "homes_barred"
    assert note.ids == ("d1", "d3")
    assert "35 residents have a street in reach of 2 homes" in note.message.en
    assert "a wall (1), water (1); first d1, d3" in note.message.en
    assert "2 处住宅（35 名居民）" in note.message.zh
    assert barred_note(ids, np.zeros(4), barred_by) == ()
