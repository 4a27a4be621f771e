"""Next-best sites that break a rule of the siting, planted one at a time."""

from __future__ import annotations

import pandas as pd
import pytest
import shapely

from gridplan.verify.next_best import check_next

ROOMS = pd.DataFrame(
    {
        "site_id": ["k", "e", "a", "b"],
        "kind": ["existing", "existing", "required", "proposed"],
        "ownership": ["committee", None, None, None],
        "community_id": ["east", "east", "east", "west"],
    }
)
SITES = pd.DataFrame(
    {
        "site_id": ["e", "a", "b", "c", "d"],
        "kind": ["existing", "candidate", "candidate", "candidate", "candidate"],
        "cost": [0.0, 10.0, 20.0, 25.0, None],
        "geometry": [shapely.Point(x, 5) for x in (2, 4, 15, 16, 5)],
    }
)
COMMUNITIES = pd.DataFrame(
    {
        "community_id": ["east", "west"],
        "geometry": [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)],
    }
)
DEMAND = pd.DataFrame({"population": [60.0, 40.0], "room_m": [100.0, 900.0]})


def broken(other, siting, within=0):
    """The next-best site of the room b, and what it is said to break."""
    reasons = pd.DataFrame(
        {"site_id": ["a", "b"], "next_site_id": [None, other], "next_within": [pd.NA, within]}
    )
    found = check_next(reasons, ROOMS, SITES, siting, communities=COMMUNITIES, demand=DEMAND)
    return [one for finding in found.findings for one in finding.ids]


@pytest.mark.parametrize(
    ("other", "siting", "within", "key"),
    [
        ("a", {}, 0, "sites"),
        ("e", {}, 0, "sites"),
        ("nowhere", {}, 0, "sites"),
        ("c", {"forbidden": ["c"]}, 0, "forbidden"),
        ("c", {"budget": 34.0, "answer": "C"}, 0, "budget"),
        ("d", {"budget": 1000.0}, 0, "budget"),
        ("d", {"at_least": {"west": 1}}, 0, "at_least"),
        ("d", {"at_most": {"east": 2}}, 0, "at_most"),
        ("c", {"least_share": 0.5, "norm_m": 500.0}, 20, "least_share"),
    ],
)
def test_a_next_best_site_that_breaks_a_rule_is_found(other, siting, within, key):
    assert broken(other, siting, within) == [f"b > {other}: {key}"]


@pytest.mark.parametrize(
    ("other", "siting", "within"),
    [
        (None, {"budget": 1.0}, 0),
        ("c", {"forbidden": ["d"], "budget": 35.0, "at_least": {"east": 2, "west": 1}}, 0),
        ("d", {"budget": 1.0, "answer": "B"}, 0),
        ("d", {"at_most": {"east": 3}}, 0),
        ("c", {"least_share": 0.5, "norm_m": 500.0}, 10),
        ("c", {"least_share": 0.6, "norm_m": 500.0, "group_weights": {"age": 2.0}}, 20),
    ],
)
def test_a_next_best_site_that_keeps_all_of_them_is_not(other, siting, within):
    assert broken(other, siting, within) == []
