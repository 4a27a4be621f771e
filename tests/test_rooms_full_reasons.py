"""What closing and moving rooms cost where floor area is a hard limit, against brute force."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.rooms import of_proven_plan, room_reasons
from gridplan.rooms.full_assignment import FullPlaces
from gridplan.rooms.reason_notes import reason_notes
from gridplan.siting import Limits
from gridplan.siting.options import Stop
from tests.test_rooms_full_assignment import everyway, small_question
from tests.test_rooms_space import question


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_closing_and_moving_are_those_of_brute_force(seed):
    asked = small_question(seed)
    opened = asked.at(["k0", "k1", "r0", "r1"])
    served = np.isfinite(asked.metres[:, opened]).any(axis=1)
    plan = FullPlaces(asked, served, searches=1).assign(opened)
    if not plan.planned:
        return
    table = room_reasons(asked, opened, given=plan.given).set_index("site_id")
    assert table.index.tolist() == ["r0", "r1", "k0", "k1"]
    assert table["kind"].tolist() == ["proposed", "proposed", "existing", "existing"]
    assert (
        table.loc[["k0", "k1"], ["next_site_id", "next_walk", "saved_walk"]].isna().all(axis=None)
    )
    for site, row in table.iterrows():
        others = opened[opened != asked.at([site])[0]]
        check_change(asked, plan, others, row, "closing")
        reached = np.isfinite(asked.metres[:, others]).any(axis=1)
        stranded = asked.residents[served & ~reached].sum()
        assert row["closing_stranded"] == stranded
        if site not in asked.candidates:
            continue
        if not has_room(asked, served, "r2"):
            assert row[["next_site_id", "next_status"]].isna().all()
            continue
        moves = {"r2": np.sort(np.append(others, asked.at(["r2"])))}
        best = everyway(asked, served, moves["r2"])
        assert row["next_status"] == ("infeasible" if math.isinf(best) else "proven")
        assert row["next_site_id"] == (None if math.isinf(best) else "r2")
        check_change(asked, plan, moves["r2"], row, "next")


def has_room(asked, served, site):
    """Whether a home that reaches a site fits into it."""
    [place] = asked.at([site])
    load = np.where(np.isfinite(asked.metres[:, place]), asked.space.households, math.inf)
    return (load[served] <= asked.space.holds()[site]).any()


def check_change(asked, plan, opened, row, what):
    served = plan.given >= 0
    best = everyway(asked, served, opened)
    if math.isinf(best):
        assert row[f"{what}_status"] == "infeasible"
        assert row[[f"{what}_walk", f"{what}_within", f"{what}_objective"]].isna().all()
        return
    still = served & np.isfinite(asked.metres[:, opened]).any(axis=1)
    now = sum(asked.counted[i] * asked.metres[i, plan.given[i]] for i in np.flatnonzero(still))
    assert row[f"{what}_status"] == "proven"
    for column in ("walk", "objective", "bound"):
        assert row[f"{what}_{column}"] == pytest.approx(best - now, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_next_best_site_is_the_best_of_several(seed):
    asked = small_question(seed, opened=1, new=5)
    opened = asked.at(["k0", "r0"])
    served = np.isfinite(asked.metres[:, opened]).any(axis=1)
    plan = FullPlaces(asked, served, searches=1).assign(opened)
    if not plan.planned:
        return
    row = room_reasons(asked, opened, given=plan.given).iloc[0]
    reach = np.isfinite(asked.metres)
    found = []
    for site in ("r1", "r2", "r3", "r4"):
        other = asked.at(["k0", site])
        lost = asked.residents[served & ~reach[:, other].any(axis=1)].sum()
        walk = everyway(asked, served, other)
        if math.isfinite(walk) and has_room(asked, served, site):
            found.append((lost, walk, site))
    if not any(has_room(asked, served, site) for site in ("r1", "r2", "r3", "r4")):
        assert row[["next_status", "next_site_id"]].isna().all()
        return
    if not found:
        assert (row["next_status"], row["next_site_id"]) == ("infeasible", None)
        return
    lost, walk, site = min(found)
    assert row["next_status"] == "proven"
    assert (row["next_site_id"], row["next_stranded"]) == (site, lost)


def test_what_the_others_do_not_hold_is_told_and_no_figure_made_up():
    # r0 holds 40 and has 30; k0 holds 20 and has 20.
    asked = question([[100, 900], [900, 100]], [20, 30], 1, {"k0": 80.0, "r0": 120.0})
    row = room_reasons(asked, np.array([0, 1]), given=np.array([0, 1])).set_index("site_id")
    assert row["closing_status"].tolist() == ["infeasible", "infeasible"]
    assert row["closing_households"].to_dict() == {"r0": 30.0, "k0": 10.0}
    figures = ["closing_walk", "closing_within", "closing_objective", "closing_bound"]
    assert row[figures].isna().all(axis=None)
    assert row["closing_stranded"].tolist() == [0, 0]
    [said] = reason_notes(row.reset_index())
    assert (said.code, said.ids) == ("rooms_others_do_not_hold", ("r0", "k0"))
    assert "any one of these places the others do not hold" in said.message.en.replace("2 ", "")
    assert "容纳不下全部住户" in said.message.zh


@pytest.mark.parametrize(
    ("area", "other", "status"),
    [
        ({"r1": 30.0, "r2": 80.0}, "r2", "proven"),
        # One that is too small for the only home that reaches it holds nobody, either.
        ({"r1": 30.0, "r2": 50.0}, None, None),
        ({"r1": 30.0, "r2": 30.0}, None, None),
    ],
)
def test_a_site_that_holds_nobody_is_no_next_best_one(area, other, status, monkeypatch):
    tried = []
    assign = FullPlaces.assign
    monkeypatch.setattr(
        FullPlaces, "assign", lambda self, one, *more: tried.append(one) or assign(self, one, *more)
    )
    walks = [[100, 300, 200, 900], [100, 300, 200, math.inf]]
    asked = question(walks, [15, 15], 3, {"k0": 120.0, "r0": 80.0, **area})
    row = room_reasons(asked, np.array([0, 1]), given=np.array([0, 0])).iloc[0]
    assert (row["site_id"], row["next_site_id"], row["next_status"]) == ("r0", other, status)
    assert pd.isna(row["next_walk"]) == (other is None)
    assert not any(2 in one for one in tried)


def test_homes_that_do_not_fit_as_wholes_leave_no_household_over():
    # Two places for 20 each, and three homes of 13: 39 of 40, but only two fit.
    walks = [[100, 200, 300]] * 3
    asked = question(walks, [13, 13, 13], 1, {"k0": 80.0, "k1": 80.0, "r0": 80.0})
    given_to = np.array([0, 1, 2])
    table = room_reasons(asked, np.arange(3), given=given_to).set_index("site_id")
    assert table.loc["r0", ["closing_status", "closing_households"]].tolist() == ["infeasible", 0.0]


def test_what_a_proven_plan_says_of_bounds_below_zero():
    told = pd.DataFrame(
        {
            "kind": ["proposed", "required", "existing", "existing"],
            "closing_objective": [9.0, 0.0, 0.0, 5.0],
            "closing_bound": [-2.0, -2.0, -2.0, 4.0],
            "closing_stranded": pd.array([0, 0, 3, 0], dtype="Int64"),
            "closing_status": ["gap", "gap", "gap", "gap"],
            "next_objective": [0.0, -7.0, math.nan, math.nan],
            "next_bound": [-3.0, -9.0, math.nan, math.nan],
            "next_stranded": pd.array([0, 0, None, None], dtype="Int64"),
            "next_status": ["gap", "gap", None, None],
        }
    )
    found = of_proven_plan(told)
    assert found["closing_bound"].tolist() == [0.0, 0.0, -2.0, 4.0]
    assert found["closing_status"].tolist() == ["gap", "proven", "gap", "gap"]
    # A decision may keep a room where it is no good.
    assert found["next_bound"].tolist()[:2] == [0.0, -9.0]
    assert found["next_status"].tolist() == ["proven", "gap", None, None]
    # Everybody is given a place anew without regard to a least share.
    assert of_proven_plan(told, least_within=1.0).equals(told)


def test_a_key_leaves_the_figures_out_and_says_so():
    asked = question([[100, 900], [900, 100]], [5, 5], 1, {"k0": 80.0, "r0": 120.0})
    stop = Stop(asked=True)
    asked = replace(asked, limits=Limits(work=100, stop=stop))
    table = room_reasons(asked, np.array([0, 1]), given=np.array([0, 1]))
    assert table["closing_status"].tolist() == ["stopped", "stopped"]
    assert table["closing_walk"].isna().all()
    assert stop.heeded
    [said] = reason_notes(table)
    assert said.code == "reasons_not_proven"
    assert "未经证明" in said.message.zh


def test_weights_count_in_the_objective_and_residents_in_the_walk():
    asked = question([[100, 300, 500], [400, 100, 200]], [10, 10], 2, {})
    asked = replace(asked, weights=np.array([20.0, 60.0]))
    row = room_reasons(asked, np.array([0, 1]), given=np.array([0, 1])).iloc[0]
    assert (row["closing_walk"], row["closing_objective"]) == (20 * 300, 60 * 300)
    assert (row["next_walk"], row["next_objective"]) == (20 * 100, 60 * 100)
    untold = room_reasons(asked, np.array([0, 1]), given=np.array([0, 1]), objective="share")
    assert untold[["closing_objective", "closing_bound"]].isna().all(axis=None)
