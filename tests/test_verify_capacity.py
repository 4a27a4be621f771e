"""Faults planted into a plan with capacities, one at a time."""

import re

import numpy as np
import pandas as pd
import pytest

from gridplan.verify import check_assignment, check_capacity, check_total

COST = pd.DataFrame(
    [[1.0, 5.0, np.inf], [4.0, 2.0, 6.0], [np.inf, 3.0, 1.0]], ["d1", "d2", "d3"], ["A", "B", "C"]
)
PLAN = pd.Series({"d1": "A", "d2": "B", "d3": "B"})
LOAD = {"d1": 6.0, "d2": 7.0, "d3": 8.0}
CAPACITY = {"A": 6.0, "B": 15.0, "C": 1.0}
WEIGHTS = {"d1": 10.0, "d2": 20.0, "d3": 30.0}


def found(plan=PLAN, **changes):
    """Return the findings of all checks, with some arguments changed."""
    rules = {"sites": ["A", "B"], "required": ["A"], "forbidden": ["C"], "unserved": []}
    rules |= {name: value for name, value in changes.items() if name in rules}
    return [
        *check_assignment(plan, COST, **rules).findings,
        *check_capacity(plan, LOAD, changes.get("capacity", CAPACITY)).findings,
        *check_total(plan, COST, WEIGHTS, changes.get("objective", 140.0)).findings,
    ]


def test_a_sound_plan_has_no_findings():
    assert found() == []


PLANTED = {
    "overload": (
        {"capacity": {**CAPACITY, "B": 14.0}},
        "site_overloaded",
        r"hold more than their capacity: 1, by up to 1 \(B\)",
    ),
    "nowhere": (
        {"plan": PLAN.drop("d3"), "objective": 50.0},
        "demand_nowhere",
        r"Demand points without a site: 1 \(d3\)",
    ),
    "null": (
        {"plan": PLAN.where(PLAN.index != "d1"), "objective": 130.0},
        "demand_nowhere",
        r"without a site: 1 \(d1\)",
    ),
    "twice": (
        {"plan": pd.concat([PLAN, pd.Series({"d1": "A"})]), "capacity": {"B": 15.0}},
        "demand_twice",
        r"assigned more than once: 1 \(d1\)",
    ),
    "closed": ({"sites": ["A", "C"], "forbidden": []}, "room_closed", r"not open.*2 \(d2, d3\)"),
    "beyond reach": (
        {"plan": pd.Series({"d1": "A", "d2": "B", "d3": "A"}), "capacity": {}, "objective": np.inf},
        "pair_barred",
        "d3 → A",
    ),
    "dropped": ({"required": ["A", "C"], "forbidden": []}, "room_dropped", r"plan: 1 \(C\)"),
    "forbidden": ({"forbidden": ["B"]}, "room_forbidden", r"forbidden sites: 1 \(B\)"),
    "counted twice": ({"sites": ["A", "B", "B"]}, "room_not_a_site", r"1 \(B\)"),
    "unknown": ({"sites": ["A", "B", "Z"]}, "room_not_a_site", r"1 \(Z\)"),
    "objective": ({"objective": 139.0}, "objective_differs", "claims the objective 139; .* is 140"),
}


@pytest.mark.parametrize(("changes", "rule", "words"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_fault_is_found(changes, rule, words):
    findings = found(**changes)
    assert [one.rule for one in findings] == [rule]
    assert findings[0].severity == "hard"
    assert re.search(words, findings[0].message.en)
    assert findings[0].message.zh


def test_demand_may_go_unserved_where_that_is_allowed():
    assert found(PLAN.drop("d3"), unserved=["d3"], objective=50.0) == []
