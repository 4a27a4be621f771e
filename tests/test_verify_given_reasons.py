"""Figures of closing and moving rooms that cannot be true, planted in a plan of given rooms."""

from __future__ import annotations

import pandas as pd
import pytest

from gridplan.verify import verify_plan
from tests import tiny
from tests.test_rooms_space import grades, hard_findings, planned

# r2 has room for one of the homes, so that r3 could move there.
TIGHT = grades(one=40, two=60, three=90)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    path = tiny.write(tmp_path_factory.mktemp("given") / "town")
    return planned(path, 'siting.capacity="hard"', *TIGHT)


def found(plan, site, summary=None, **figures):
    """The columns of a place that are said to be wrong once some of its figures are others."""
    reasons = plan.layers["room_reasons"].set_index("site_id")
    for column, value in figures.items():
        reasons[column] = reasons[column].astype("object")
        reasons.loc[site, column] = value
    layers = {**plan.layers, "in_sites": plan.place.sites, "room_reasons": reasons.reset_index()}
    siting = {**plan.summary["siting"], **(summary or {})}
    told = verify_plan(layers, {**plan.summary, "siting": siting}).of_rule("given_closing")
    return [one for finding in told for one in finding.ids]


def test_a_plan_as_it_is_has_no_finding(plan):
    reasons = plan.layers["room_reasons"].set_index("site_id")
    assert hard_findings(plan) == set()
    assert found(plan, "r3") == []
    # r3 is given 200 residents, k2 none; the committees have no limit.
    assert reasons.loc[["r3", "k2"], "residents"].tolist() == [200, 0]
    assert reasons.loc[["r3", "k1", "k2"], "closing_status"].tolist() == ["proven"] * 3


@pytest.mark.parametrize(
    ("site", "figures", "wrong"),
    [
        ("r3", {"closing_stranded": 9}, "closing_stranded"),
        ("r3", {"closing_walk": -1e6}, "closing_walk"),
        ("r3", {"closing_walk": None}, "closing_walk"),
        ("r3", {"closing_objective": -1e6, "closing_bound": -1e6}, "closing_objective"),
        ("r3", {"closing_within": -500}, "closing_within"),
        ("r3", {"closing_bound": 1e7}, "closing_bound"),
        ("r3", {"closing_bound": -1e7}, "closing_bound"),
        ("r3", {"closing_status": "best"}, "closing_status"),
        ("r3", {"closing_status": "stopped"}, "closing_walk"),
        ("k2", {"closing_status": "infeasible"}, "closing_status"),
        ("k2", {"closing_objective": 9e6, "closing_bound": 9e6}, "closing_objective"),
        ("r3", {"next_objective": -1e6, "next_bound": -1e6}, "next_objective"),
        ("r3", {"next_objective": 9e6, "next_bound": 9e6}, "next_objective"),
        ("r3", {"next_stranded": 9}, "next_stranded"),
        ("r3", {"next_site_id": None}, "next_status"),
        ("r3", {"next_status": "infeasible"}, "next_walk"),
    ],
)
def test_a_figure_that_cannot_be_true_is_found(plan, site, figures, wrong):
    assert f"{site}: {wrong}" in found(plan, site, **figures)


def test_a_bound_below_a_figure_that_is_not_proven_is_right(plan):
    less = {"closing_status": "gap", "closing_bound": 0.0}
    assert found(plan, "r3", **less) == []
    assert found(plan, "r3", {"required": ["r3"]}, next_objective=-1.0, next_bound=-1.0) == []


@pytest.mark.parametrize(
    "asked", [{"least_share": 0.9}, {"stages": [{"objective": "mean"}, {"objective": "share"}]}]
)
def test_a_figure_below_zero_may_be_right_where_more_was_asked_than_the_least_walk(plan, asked):
    better = {"next_objective": -1e3, "next_bound": -1e3}
    assert found(plan, "r3", **better) == ["r3: next_objective"]
    assert found(plan, "r3", asked, **better) == []


def test_others_that_hold_too_little_cannot_hold_everybody(plan):
    rooms = plan.layers["rooms"].set_index("site_id")
    # With committees that have a limit too, nobody could do without any of the places.
    rooms["norm_households"] = rooms["norm_households"].fillna(0.0)
    layers = {**plan.layers, "in_sites": plan.place.sites, "rooms": rooms.reset_index()}
    [said] = verify_plan(layers, plan.summary).of_rule("given_closing")
    assert "k1: closing_status" in said.ids
    assert "不可能成立" in said.message.zh


def test_a_plan_of_an_earlier_version_is_checked_by_what_it_has(plan):
    reasons, rooms = plan.layers["room_reasons"], plan.layers["rooms"]
    new = rooms.loc[rooms["kind"] != "existing", "site_id"]
    later = ["kind", "closing_status", "closing_bound", "closing_households", "next_status",
             "next_bound"]  # fmt: skip
    old = reasons[reasons["site_id"].isin(new)].drop(columns=later)
    untold = [one for one in old if one.startswith(("closing_", "next_"))]
    empty = old.assign(**dict.fromkeys(untold))
    assert hard_findings(plan, room_reasons=empty) == set()
    assert "given_closing" in hard_findings(plan, room_reasons=old)
    assert "reasons_differ" in hard_findings(plan, room_reasons=empty.iloc[:0])


@pytest.mark.parametrize(
    ("site", "figures"),
    [
        ("k1", {"residents": 1}),
        ("k1", {"kind": "existing"}),
        ("r1", {"kind": "proposed"}),
        ("r1", {"saved_walk": 10.0}),
        ("k1", {"next_site_id": "r2", "next_walk": 5.0, "next_status": "proven"}),
    ],
)
def test_reasons_of_what_is_there_today_are_checked(plan, site, figures):
    reasons = plan.layers["room_reasons"].set_index("site_id")
    for column, value in figures.items():
        reasons[column] = reasons[column].astype("object")
        reasons.loc[site, column] = value
    assert "reasons_differ" in hard_findings(plan, room_reasons=reasons.reset_index())
    without = plan.layers["room_reasons"]
    left = pd.DataFrame(without[without["site_id"] != site])
    assert "reasons_differ" in hard_findings(plan, room_reasons=left)
