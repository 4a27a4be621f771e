"""Communities before and after, and the curve of further objectives with bounds of their own."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan import pipeline
from gridplan.config import parse_config
from gridplan.errors import SettingsError
from gridplan.present import canvas
from gridplan.present.curve_question import beside_curve, curve_omits
from gridplan.present.room_curve import curve_figure, curve_rows
from gridplan.present.tables_rooms import curve_table
from gridplan.present.tabulation import tables
from gridplan.project.read import read_project
from gridplan.rooms import MODELS, Chosen, Extent, community_change, frontier_table
from gridplan.rooms import frontier as rooms_frontier
from gridplan.rooms.objectives import not_worse
from gridplan.verify import check_frontier, verify_plan
from gridplan.verify.communities import check_community_change
from tests import tiny
from tests.test_rooms_objectives import question, random_question, value

OTHERS = ("share", "longest", "p90", "ede")


# Communities


def homes():
    return pd.DataFrame(
        {
            "population": [10, 20, 30, 40, 5],
            "community_id": ["a", "a", "b", "b", None],
            "room_before_id": ["k", "k", "k", None, "k"],
            "room_before_m": [100.0, 700.0, 600.0, math.nan, 900.0],
            "room_id": ["k", "r", "k", None, "r"],
            "room_m": [100.0, 300.0, 600.0, math.nan, 50.0],
        }
    )


def places():
    return pd.DataFrame(
        {
            "site_id": ["k", "e", "r"],
            "kind": ["existing", "existing", "proposed"],
            "ownership": ["committee", None, None],
            "community_id": ["a", "a", "b"],
            "shortfall_m2": [math.nan, 12.0, math.nan],
        }
    )


def test_a_community_before_and_after_by_hand():
    table = community_change(homes(), places(), pd.Series(["b", "a", "c"]), norm_m=500.0)
    assert table["community_id"].tolist() == ["a", "b", "c", None]
    assert table["residents"].tolist() == [30, 70, 0, 5]
    first = table.iloc[0]
    assert (first["rooms_existing"], first["rooms_new"], first["shortfall_m2"]) == (1, 0, 12.0)
    assert (first["before_mean_m"], first["after_mean_m"]) == (500.0, pytest.approx(7000 / 30))
    assert (first["before_p90_m"], first["after_p90_m"]) == (700.0, 300.0)
    assert (first["before_beyond"], first["after_beyond"]) == (20, 0)
    assert (first["before_nearest_id"], first["after_nearest_id"]) == ("k", "r")
    second = table.iloc[1]
    assert (second["after_missing"], second["after_beyond"]) == (40, 30)
    assert (second["rooms_new"], second["after_within_share"]) == (1, 0.0)
    assert table.iloc[2][["after_mean_m", "after_within_share"]].isna().all()
    assert table.iloc[2]["after_nearest_id"] is None


def test_row_order_changes_nothing_but_the_order():
    turned = community_change(homes()[::-1], places()[::-1], pd.Series(["a", "b"]), norm_m=500.0)
    straight = community_change(homes(), places(), pd.Series(["a", "b"]), norm_m=500.0)
    pd.testing.assert_frame_equal(turned, straight)


def changed(table, column, change):
    return table.assign(**{column: table[column] + change})


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("residents", 3),
        ("before_mean_m", 5.0),
        ("after_within_share", 0.1),
        ("after_beyond", 3),
        ("before_missing", -3),
    ],
)
def test_a_wrong_figure_of_a_community_is_found(column, change):
    table = community_change(homes(), places(), pd.Series(["a", "b"]), norm_m=500.0)
    assert check_community_change(table, homes(), 500.0).findings == ()
    wrong = check_community_change(changed(table, column, change), homes(), 500.0)
    assert {one.rule for one in wrong.findings} == {"community_change"}


def test_residents_of_a_community_that_is_not_listed_are_missed():
    table = community_change(homes(), places(), pd.Series(["a"]), norm_m=500.0)
    assert check_community_change(table, homes(), 500.0).findings == ()
    lost = check_community_change(table[table["community_id"].notna()], homes(), 500.0)
    assert [one.ids for one in lost.findings] == [("-",)]


# The curve


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_each_objective_has_a_curve_with_true_bounds(seed):
    asked = random_question(seed)
    table = frontier_table(asked, extent=Extent(rooms=5, objectives=OTHERS))
    assert check_frontier(table).findings == ()
    for objective in OTHERS:
        rows = table[table["sequence"] == objective].sort_values("p")
        assert rows["model"].unique().tolist() == [MODELS[objective]]
        assert rows["p"].tolist() == [1, 2, 3, 4, 5]
        for row in rows[rows["status"] != "infeasible"].itertuples():
            new = [one for one in row.sites.split() if one in asked.candidates]
            assert row.objective == pytest.approx(value(asked, new, objective), rel=1e-9)
            assert row.status == "proven"
    plain = frontier_table(asked, extent=Extent(rooms=5))
    mean = table[table["model"] == "p-median"].reset_index(drop=True)
    pd.testing.assert_frame_equal(mean, plain)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), aversion=st.floats(0.2, 5.0))
def test_the_best_plan_for_the_equivalent_walk_is_the_best_one_in_the_table(seed, aversion):
    asked = dataclasses.replace(random_question(seed), aversion=aversion)
    table = frontier_table(asked, extent=Extent(rooms=5, objectives=OTHERS))
    for _, rows in table.groupby("p"):
        own = rows[rows["sequence"] == "ede"].iloc[0]
        if own["status"] == "infeasible":
            continue
        assert own["ede_m"] == pytest.approx(own["objective"])
        others = rows[rows["unreachable"] <= own["unreachable"]]
        assert others["ede_m"].min() >= own["ede_m"] * (1.0 - 1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), objective=st.sampled_from(OTHERS), known=st.booleans())
def test_a_search_that_was_stopped_is_not_worse_than_the_plans_of_the_mean(seed, objective, known):
    some = random_question(seed)
    asked = dataclasses.replace(some, metres=np.minimum(some.metres, 1500.0))
    best = frontier_table(asked, extent=Extent(rooms=4, objectives=(objective,)))
    bounds = best[best["sequence"] == objective].set_index("p")["lower_bound"]

    def poor(question, p, *, objective):
        new = tuple(sorted(question.candidates))[-p:]
        worth, bound = value(asked, new, objective), bounds[p] if known else math.nan
        found = Chosen(new, MODELS[objective], worth, bound, 1.0, "gap", "work")
        return found, None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms_frontier, "rooms_for", poor)
        table = frontier_table(asked, extent=Extent(rooms=4, objectives=(objective,)))
    assert check_frontier(table).findings == ()
    sign = -1.0 if objective == "share" else 1.0
    for _, rows in table.groupby("p"):
        own = rows[rows["sequence"] == objective].iloc[0]
        for row in rows.itertuples():
            new = [one for one in row.sites.split() if one in asked.candidates]
            worth = value(asked, new, objective)
            assert sign * own["objective"] <= sign * worth + 1e-6 * max(1.0, abs(worth))
        new = [one for one in own["sites"].split() if one in asked.candidates]
        assert own["objective"] == pytest.approx(value(asked, new, objective))
        if own["status"] == "proven":
            assert known
            assert own["objective"] == pytest.approx(bounds[own["p"]], rel=1e-8)


@pytest.mark.parametrize("objective", OTHERS)
def test_a_search_that_was_stopped_never_does_worse_than_with_fewer_rooms(objective):
    asked = random_question(8)
    before = Chosen(
        ("r1",), MODELS[objective], value(asked, ["r1"], objective), 0.0, 0.0, "gap", None
    )
    bad = -1.0 if objective == "share" else 1e9
    stopped = Chosen(("r0", "r2"), MODELS[objective], bad, math.nan, 1.0, "gap", "work")
    kept = not_worse(asked, stopped, before, 2, objective=objective)
    assert "r1" in kept.sites
    assert len(kept.sites) == 2
    assert kept.objective == pytest.approx(value(asked, kept.sites, objective))
    better = Chosen(("r0",), MODELS[objective], -bad * 1e9, 0.0, 0.0, "gap", None)
    if objective == "share":
        assert not_worse(asked, better, before, 2, objective=objective) is better


def test_too_few_rooms_for_all_parts_are_a_row_without_figures():
    walks = [[100, np.inf, np.inf], [np.inf, 100, np.inf], [np.inf, np.inf, 100]]
    table = frontier_table(
        question(walks, [5, 6, 7], 2), extent=Extent(rooms=2, objectives=("longest", "share"))
    )
    rows = table.set_index(["sequence", "p"])
    assert rows.loc[("longest", 1), "status"] == "infeasible"
    assert math.isnan(rows.loc[("longest", 1), "objective"])
    assert rows.loc[("longest", 2), "objective"] == 100.0
    assert rows.loc[("share", 1), "objective"] == 12.0


def test_an_objective_that_has_no_curve_is_refused():
    place = {"name": "A", "as_of": "2026-01-31", "population": 5}
    with pytest.raises(SettingsError, match="'share', 'longest'"):
        parse_config({"place": place, "siting": {"frontier_objectives": ["median"]}})


# A whole run


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    path = tiny.write(tmp_path_factory.mktemp("curve") / "town")
    wanted = 'siting.frontier_objectives=["share", "ede", "share"]'
    place, config = read_project(path, overrides=[wanted])
    return pipeline.run(place, config)


def test_a_run_holds_both_tables_and_they_are_verified(plan):
    curve, change = plan.layers["frontier"], plan.layers["community_change"]
    assert set(curve["sequence"]) == {"free", "nested", "share", "ede"}
    assert change["residents"].sum() == plan.summary["residents"]
    units = plan.layers["access_by_unit"]
    after = units[(units["basis"] == "room") & (units["level"] == "community")
                  & (units["group"] == "all")].set_index("unit_id")  # fmt: skip
    by_id = change.set_index("community_id")
    for column in ("mean_m", "p90_m"):
        ours = by_id[f"after_{column}"]
        assert ours.to_dict() == pytest.approx(after[column].reindex(ours.index).to_dict())
    report = verify_plan({**plan.layers, "in_sites": plan.place.sites}, plan.summary)
    assert {"community_change", "frontier"} <= set(report.checked)
    assert [one.message.en for one in report.findings if one.severity == "hard"] == []


def test_the_printed_tables_tell_them(plan):
    curve = curve_table(plan)
    own = curve[curve["own_value"].notna()]
    assert own["walk_km"].isna().all()
    assert {one.en for one in own["own_unit"]} == {"residents", "m"}
    assert curve[curve["walk_km"].notna()]["own_unit"].isna().all()
    assert set(curve_rows(plan)["sequence"]) >= {"free", "nested"}
    change = tables(plan)["change"]
    assert {"before_p90_m", "after_p90_m", "after_nearest", "rooms_new"} <= set(change)
    assert change["rooms_new"].iloc[-1] == 1
    assert change["rooms_existing"].iloc[-1] == 1


# The plan on the curve


def marked(plan):
    told = curve_table(plan)
    return [(row.p, row.mark.en) for row in told.itertuples() if row.mark and row.mark.en != "knee"]


def drawn(plan):
    with canvas.drawing("en") as ink:
        figure = curve_figure(plan, curve_rows(plan), ink)
        said = {one.get_text() for one in figure.findobj(lambda one: hasattr(one, "get_text"))}
    return "\n".join(said)


def test_the_number_asked_for_is_marked_where_the_curve_is_the_question(plan):
    assert [(p, mark.split(",")[0]) for p, mark in marked(plan)] == [
        (plan.summary["siting"]["p"], "number asked for")
    ]
    assert "asked for  设定" in drawn(plan)
    assert "the plan" not in drawn(plan)


def with_siting(plan, **siting):
    return dataclasses.replace(
        plan, summary={**plan.summary, "siting": plan.summary["siting"] | siting}
    )


@pytest.mark.parametrize(
    ("siting", "en", "zh"),
    [
        ({"budget": 80000.0}, "leaves out the budget (80,000 yuan);", "未考虑预算（80,000 元）；"),
        ({"capacity": "hard"}, "leaves out floor area as a limit;", "未考虑硬性面积容量；"),
        ({"model": "mclp"}, "the objective of the plan (the most residents", "方案的目标（标准"),
        (
            {"stages": [{}], "least_share": 0.8},
            "the objectives that come first, the least share within the norm (80.0 %);",
            "优先的各级目标、最低达标比例（80.0%）；",
        ),
        ({"at_least": {"a": 1}}, "leaves out the numbers by community;", "未考虑各社区数量要求；"),
        ({"answer": "A", "model": "lscp"}, "one room for every estate", "各小区各设一处"),
        ({}, "the search for the curve found another choice", "曲线搜索得到的是另一选法"),
    ],
)
def test_a_plan_of_another_question_is_a_point_of_its_own(plan, siting, en, zh):
    worse = plan.summary["siting"]["objective"] * (1 + 1e-6)
    other = with_siting(plan, objective=worse, **siting)
    assert marked(other) == []
    assert en in curve_omits(other).en
    assert zh in curve_omits(other).zh
    said = drawn(other)
    assert "the plan  方案" in said
    assert en in said
    told = beside_curve(other)
    assert beside_curve(plan) is None
    assert told.en.startswith(curve_omits(other).en)
    assert "new room" in told.en
    assert re.search(r"it has a mean walk of [0-9.,]+ m .*; the curve has a mean walk", told.en)
    assert re.search(r"方案平均步行 [0-9.,]+ m.*；曲线上为平均步行", told.zh)
    assert "asked for" not in said


def test_a_budget_that_does_not_bind_is_marked_as_the_plan(plan):
    assert [mark.split(",")[0] for _, mark in marked(with_siting(plan, budget=1e9))] == ["the plan"]
