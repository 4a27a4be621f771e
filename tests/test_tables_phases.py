"""The table of phases: what they add up to, and what is proven of each."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridplan.present.tables_phases import phases_table
from gridplan.present.words import NOT_GIVEN, TOTAL

ROWS = {
    "phase": [1, 2, 4],
    "rooms": [2, 2, 1],
    "rooms_so_far": [2, 4, 5],
    "available": [9.0, 9.0, 18.0],
    "cost": [4.0, 5.0, 6.0],
    "residents_gained": [10, -1, 3],
    "saved_walk": [3000.0, 2000.0, 500.0],
    "mean_m": [300.0, 250.0, 240.0],
    "p90_m": [600.0, 500.0, 490.0],
    "within_share": [0.5, 0.7, 0.8],
    "beyond": [50, 30, 20],
    "unreachable": [1, 1, 0],
    "gap": [0.0, 0.01, np.nan],
    "status": ["proven", "gap", None],
    "sites": ["a b", "c d", "e"],
}


def table(**changes):
    layers = {"room_phases": pd.DataFrame({**ROWS, **changes})}
    return phases_table(SimpleNamespace(layers=layers))


def test_the_last_row_adds_up_and_has_the_state_at_the_end():
    total = table().iloc[-1]
    assert total["phase"] == TOTAL
    assert (total["rooms"], total["cost"], total["residents_gained"]) == (5, 15.0, 12)
    assert total["saved_km"] == pytest.approx(5.5)
    assert (total["rooms_so_far"], total["within_share"], total["mean_m"]) == (5, 0.8, 240.0)
    assert pd.isna(total[["available", "gap_share", "status", "sites"]].to_numpy(object)).all()


def test_a_cost_that_nobody_gave_makes_no_total():
    told = table(cost=[4.0, np.nan, 6.0])["cost"].tolist()
    assert told == [4.0, NOT_GIVEN, 6.0, NOT_GIVEN]


def test_a_phase_is_proven_only_beside_what_was_built_before():
    proven, gap, unknown, _ = table()["status"]
    assert "built before" in proven.en
    assert "此前已建" in proven.zh
    assert gap.en == "not proven"
    assert unknown is None


def test_without_phases_there_is_no_table():
    assert phases_table(SimpleNamespace(layers={})).empty
    assert table(**{name: [] for name in ROWS}).empty
