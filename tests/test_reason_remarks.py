"""What the report remarks on the reasons of places, one cause at a time."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridplan.present.reason_remarks import remarks
from gridplan.rooms import room_reasons
from gridplan.rooms.several import Wanted, several_with_siting
from tests.test_rooms_full_changes import SHARED
from tests.test_rooms_space import question

PLAIN = {
    "site_id": "a", "kind": "proposed",
    "closing_status": "proven", "closing_walk": 5.0, "closing_objective": 5.0,
    "closing_households": np.nan, "next_status": "proven", "next_walk": 1.0, "next_objective": 1.0,
}  # fmt: skip


def remark(siting=None, **changed):
    asked = {"required": [], "status": "gap", **(siting or {})}
    plan = SimpleNamespace(summary={"siting": asked})
    [said] = remarks(plan, pd.DataFrame([{**PLAIN, **changed}]))
    return said


@pytest.mark.parametrize(
    ("changed", "en", "zh"),
    [
        ({"closing_status": "infeasible", "closing_households": 12.7}, "; 12 or more are", "余 12"),
        ({"closing_status": "infeasible", "closing_households": 0.4}, "; 1 or more are", "余 1 户"),
        ({"closing_status": "infeasible", "closing_households": 0.0}, "none of which", "不拆分"),
        ({"closing_status": "stopped"}, "everybody is not known", "能否容纳全部住户未知"),
        ({"closing_objective": -5.0}, "without it below zero: everybody", "重新分配后反而更好"),
        ({"closing_walk": -5.0}, "by the weights of groups", "按各人群权重"),
        ({"next_status": "infeasible"}, "with no other site are all", "都容纳不下"),
        ({"next_status": None}, "has room for a home", "均容纳不下任何可达的住房"),
        ({"next_status": "stopped"}, "there may be one", "不表示没有"),
        ({"next_objective": -5.0, "next_walk": -5.0}, "this move would make it better", "未证明"),
    ],
)
def test_each_cause_is_told(changed, en, zh):
    said = remark(**changed)
    assert en in said.en
    assert zh in said.zh


@pytest.mark.parametrize("status", ["proven", "gap"])
@pytest.mark.parametrize(
    "asked", [{"least_share": 0.9}, {"stages": [{"objective": "mean"}, {"objective": "share"}]}]
)
def test_what_the_plan_keeps_beside_the_walk_is_why_closing_is_below_zero(status, asked):
    said = remark({"status": status, **asked}, closing_objective=-5.0, closing_walk=-5.0)
    assert "keeps a least share or further objectives beside it" in said.en
    assert "最低比例或其他目标" in said.zh
    assert "proven" not in said.en
    unweighted = remark({"status": status}, closing_objective=np.nan, closing_walk=-5.0)
    assert "in the plan by another objective" in unweighted.en
    assert "以另一目标为准" in unweighted.zh


@pytest.mark.parametrize("objective", ["share", "longest", "p90", "ede"])
def test_walks_are_shorter_without_a_place_that_another_objective_needs(objective):
    # Walks of 400 and 450 m are better than 600 and 100 m, which are less in all.
    asked = question(*SHARED)
    chosen, siting = several_with_siting(asked, Wanted(objectives=(objective,), rooms=1))
    opened = np.sort(np.concatenate([asked.fixed, asked.at(chosen.sites)]))
    goes = pd.Index(asked.site_ids).get_indexer(pd.Index(siting.assignment, dtype="object"))
    reasons = room_reasons(asked, opened, objective=objective, given=goes)
    plan = SimpleNamespace(summary={"siting": {"required": [], "status": chosen.status}})
    said = dict(zip(reasons["site_id"], remarks(plan, reasons), strict=True))
    assert reasons.set_index("site_id").loc["k1", "closing_walk"] == -3000.0
    assert "in the plan by another objective" in said["k1"].en


def test_several_are_told_in_order_and_none_where_there_is_none():
    both = remark(closing_status="stopped", next_status="stopped")
    assert both.en.index("without it") < both.en.index("; moved")
    assert "；改设" in both.zh
    assert remark() is None
    assert remark(kind="existing", next_status=None) is None
    assert remark(closing_status=None, next_status=None, closing_objective=np.nan) is None
