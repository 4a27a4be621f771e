"""How residents and walks move with the per-person figures."""

from __future__ import annotations

from types import MappingProxyType

import pandas as pd
import pytest

from gridplan.demand import DemandOptions, demand_variants, sensitivity, spread_residents
from tests.test_demand_levels import by_home, units, world

OPTIONS = DemandOptions(home_m2=MappingProxyType({"residential": 20.0, "village": 10.0}))


def town(**options):
    """Return a community of one flat and one village home of 200 m² each, and one of flats."""
    kinds = ["residential", "village", None, None, *["residential"] * 4]
    return world(units(("community", "a", 300), ("community", "b", 100)), kinds=kinds, **options)


def test_each_figure_moves_down_and_up_and_totals_stay():
    variants = demand_variants(town(), options=OPTIONS)
    assert list(variants) == [
        "residential -30%",
        "residential +30%",
        "village -30%",
        "village +30%",
    ]
    # 10 / 1.3 against 20 / 1.0: the village home could hold 200 / 13 = 15.4, the flat 10.
    moved = by_home(variants["village +30%"])
    assert moved["a1"] == round(300 * (200 / 13) / (200 / 13 + 10))
    for demand in variants.values():
        assert demand.groupby("community_id")["population"].sum().to_dict() == {"a": 300, "b": 100}


def test_a_figure_that_concerns_no_home_is_left_out():
    known = demand_variants(town(households=[10] * 8), options=OPTIONS)
    assert known == {}
    partly = demand_variants(town(households=[10, *[None] * 7]), options=OPTIONS)
    assert "persons_per_household +30%" in partly


def test_storeys_that_are_assumed_are_moved_too():
    place = town()
    place.buildings.loc[[0], "floors"] = None
    variants = demand_variants(place, options=OPTIONS)
    assert list(variants)[-2:] == ["floors -30%", "floors +30%"]
    assert by_home(variants["floors +30%"])["a0"] > by_home(variants["floors -30%"])["a0"]


def test_residents_by_home_have_a_range_and_a_driver():
    base = spread_residents(town(), options=OPTIONS)
    found = sensitivity(base, demand_variants(town(), options=OPTIONS), by="demand_id")
    assert found.loc["a0", "base"] == 100
    assert found.loc["a0", "low"] < 100 < found.loc["a0", "high"]
    assert found.loc["a0", "driver"] == "residential -30%"
    # In b all homes are alike: no figure moves anybody.
    assert found.loc["b0", ["base", "low", "high", "spread"]].tolist() == [25, 25, 25, 0]
    assert found.loc["b0", "driver"] is None


def test_the_mean_walk_of_a_community_has_a_range():
    base = spread_residents(town(), options=OPTIONS)
    variants = demand_variants(town(), options=OPTIONS)
    metres = pd.Series({"a0": 100.0, "a1": 400.0, "b0": 50.0, "b1": 50.0})
    found = sensitivity(base, variants, by="community_id", metres=metres)
    assert found.loc["a", "base"] == pytest.approx(300)
    assert found.loc["a", "low"] < 300 < found.loc["a", "high"]
    assert found.loc["b", "spread"] == 0
    unreached = sensitivity(base, variants, by="community_id", metres=pd.Series({"a0": 1.0}))
    assert unreached["base"].isna().tolist() == [False, True]


def test_without_variants_nothing_moves():
    base = spread_residents(town(), options=OPTIONS)
    found = sensitivity(base, {}, by="community_id")
    assert found["spread"].tolist() == [0, 0]
    assert found["driver"].tolist() == [None, None]
