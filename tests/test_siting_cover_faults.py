"""Each fault of a covering problem and its rules has its sentence; the check finds planted ones."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from gridplan.errors import BrokenPlanError, CostMatrixError
from gridplan.siting import (
    Limits,
    Rules,
    SoftCapacity,
    evaluate,
    lexicographic,
    lscp,
    make_problem,
    mclp,
    median,
    p_center,
    p_ede,
    p_median,
    p_quantile,
    pareto,
    several,
)
from gridplan.siting.checked import checked
from gridplan.verify import Asked, check_choice
from gridplan.verify.choice import Distances

INF = np.inf
COST = pd.DataFrame(
    [[0.0, 500.0, 900.0], [500.0, 0.0, 400.0], [900.0, 400.0, 0.0]],
    index=["d1", "d2", "d3"],
    columns=["A", "B", "C"],
)
WEIGHTS = pd.Series({"d1": 10.0, "d2": 20.0, "d3": 30.0})
PRICE = {"A": 5.0, "B": 6.0, "C": 7.0}
GROUPS = {"A": "east", "B": "west", "C": "west"}


def cover(*, cost=COST, weights=WEIGHTS, p=2, radius_m=400.0, **rules):
    return mclp(cost, weights, p=p, radius_m=radius_m, rules=Rules(**rules))


FAULTS = {
    "radius": (lambda: cover(radius_m=-1.0), "radius_m is -1.0; expected metres"),
    "radius nan": (lambda: cover(radius_m=np.nan), "radius_m is nan; expected metres"),
    "radius text": (lambda: cover(radius_m="far"), "radius_m is 'far'; expected metres"),
    "no p": (lambda: cover(p=None), "p is None and there is no budget"),
    "p zero": (lambda: cover(p=0), "p is 0; expected a whole number"),
    "p above": (lambda: cover(p=4), "p is 4, but only 3 of 3 sites"),
    "nan": (lambda: cover(cost=COST.replace(900.0, np.nan)), r"2 of 9 costs are missing \(NaN\)"),
    "negative": (lambda: cover(cost=COST.replace(900.0, -1.0)), "2 of 9 costs are negative"),
    "text": (
        lambda: cover(cost=COST.astype(object).replace(900.0, "far")),
        "2 of 9 costs are no numbers: d1 → C = far, d3 → A = far",
    ),
    "labels": (lambda: cover(weights=WEIGHTS[:2]), "1 demand id in the cost has no weight: d3"),
    "backup": (lambda: lscp(COST, radius_m=400.0, backup=0), "backup is 0; expected a whole"),
    "backup text": (lambda: lscp(COST, radius_m=400.0, backup="2"), "backup is '2'; expected"),
    "share": (lambda: p_quantile(COST, WEIGHTS, p=1, share=1.5), "share is 1.5; expected"),
    "uncovered": (
        lambda: lscp(COST, radius_m=100.0, rules=Rules(forbidden=["A", "C"])),
        "2 of 3 demand points .* within 100 m: d1, d3. The smallest radius that would do is 500 m",
    ),
    "uncovered twice": (
        lambda: lscp(COST, radius_m=400.0, backup=2),
        "1 of 3 demand points has fewer than 2 allowed sites within 400 m: d1. .* is 500 m",
    ),
    "never covered": (
        lambda: lscp(COST.replace(500.0, INF), radius_m=400.0, rules=Rules(forbidden=["A"])),
        "No radius would do|smallest radius that would do is 900 m",
    ),
    "unreachable": (
        lambda: p_center(COST.replace(500.0, INF).replace(900.0, INF), p=1,
                         rules=Rules(forbidden=["A"])),
        "1 of 3 demand points .* is reached by no allowed site: d1",
    ),
    "budget alone": (lambda: cover(budget=9.0), r"a budget \(9\) but no costs"),
    "budget negative": (
        lambda: cover(budget=-1.0, cost_of=PRICE),
        "The budget is -1.0; expected a number of 0 or more",
    ),
    "budget below required": (
        lambda: cover(budget=9.0, cost_of=PRICE, required=["A", "B"]),
        "The budget is 9, but the required sites alone cost 11",
    ),
    "cost missing": (
        lambda: cover(cost_of={"A": 5.0}, budget=9.0),
        r"2 candidate sites have no cost \(cost_of\): B, C",
    ),
    "cost unknown": (
        lambda: cover(cost_of={**PRICE, "Z": 1.0}),
        "1 site with a cost is not in the cost matrix: Z",
    ),
    "cost wrong": (
        lambda: cover(cost_of={**PRICE, "A": -5.0, "B": "6"}),
        "2 costs are no finite numbers of 0 or more: A, B",
    ),
    "group unknown": (
        lambda: cover(groups=GROUPS, at_least={"north": 1}),
        r"1 group with a count \(at_least, at_most\) has no site: north",
    ),
    "at least too many": (
        lambda: cover(groups=GROUPS, at_least={"east": 2}),
        "1 group is asked to have more sites than may be open there .*: east",
    ),
    "at least above at most": (
        lambda: cover(groups=GROUPS, at_least={"west": 2}, at_most={"west": 1}),
        "1 group is asked to have at least more than at most: west",
    ),
    "at most below required": (
        lambda: cover(groups=GROUPS, at_most={"west": 1}, required=["B", "C"]),
        "1 group has more fixed and required sites than at_most allows: west",
    ),
    "count wrong": (
        lambda: cover(groups=GROUPS, at_most={"west": 1.5}),
        "1 count of at_most is no whole number of 0 or more: west",
    ),
    "p below groups": (
        lambda: cover(p=1, groups=GROUPS, at_least={"west": 1, "east": 1}),
        "p is 1, but at_least and the fixed and required sites need 2",
    ),
    "p-median without a number": (
        lambda: p_median(COST, WEIGHTS, rules=Rules(groups=GROUPS, at_most={"west": 1})),
        "p is None and there is no budget",
    ),
    "p-median with a budget below its needs": (
        lambda: p_median(COST, WEIGHTS, rules=Rules(budget=2.0, cost_of=PRICE, required=["A"])),
        "The budget is 2, but the required sites alone cost",
    ),
    "radii": (
        lambda: evaluate(COST, ["A"], WEIGHTS, radii_m=[-1.0]),
        r"radii_m has \[-1.0\]; expected metres",
    ),
    "aversion": (
        lambda: evaluate(COST, ["A"], WEIGHTS, aversion=0.0),
        "aversion is 0.0; expected a number above 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_fault(call, words):
    with pytest.raises(CostMatrixError, match=words) as caught:
        call()
    assert len(caught.value.faults) == 1
    assert caught.value.lines("zh") != caught.value.lines("en")


def test_limits_so_tight_that_there_is_no_plan():
    tight = Limits(work=1)
    plan = mclp(COST, WEIGHTS, p=1, radius_m=400.0, limits=tight)
    assert (plan.status, plan.stopped_by, plan.sites) == ("stopped", "work", ())
    assert plan.gap == INF
    # A first plan of a radius takes no work; where rules may forbid it, there is none.
    for plan, best in (
        (p_center(COST, p=1, limits=tight), 500.0),
        (p_quantile(COST, WEIGHTS, p=1, limits=tight), 400.0),
    ):
        assert (plan.status, plan.stopped_by, len(plan.sites)) == ("gap", "work", 1)
        assert plan.bound <= best <= plan.objective
    ruled = Rules(budget=1.5, cost_of={"A": 2.0, "B": 1.0, "C": 1.0})
    plan = p_center(COST, p=1, rules=ruled, limits=tight)
    assert (plan.status, plan.stopped_by, plan.sites) == ("stopped", "work", ())
    # The greedy plan of the LSCP takes no work; its bound is that of open sites alone.
    plan = lscp(COST, radius_m=400.0, limits=tight)
    assert plan.status in {"gap", "proven"}
    assert plan.bound <= 2.0


def test_left_out_on_request_and_counted():
    plan = lscp(COST, radius_m=100.0, rules=Rules(forbidden=["A"], allow_unreachable=True))
    assert (plan.unreachable, plan.sites, plan.objective) == (("d1",), ("B", "C"), 2.0)
    most = mclp(COST, WEIGHTS, p=1, radius_m=100.0, rules=Rules(forbidden=["A"]))
    assert (most.unreachable, most.sites, most.objective) == (("d1",), ("C",), 30.0)
    assert most.assignment.isna().tolist() == [True, True, False]


GIVEN = Distances(COST.to_numpy(), WEIGHTS.to_numpy(), ("d1", "d2", "d3"), ("A", "B", "C"))
RULED = {
    "p": 2,
    "kept": ["A"],
    "forbidden": ["C"],
    "cost_of": PRICE,
    "budget": 11.0,
    "groups": GROUPS,
    "at_least": {"east": 1},
    "at_most": {"west": 1},
}
PLANTED = {
    "nothing": (["A", "B"], 60.0, "mclp", {}, set()),
    "no site": (["A", "Z"], 10.0, "mclp", {"cost_of": None}, {"room_not_a_site"}),
    "twice": (["A", "A"], 10.0, "mclp", {}, {"room_not_a_site"}),
    "dropped": (["B", "C"], 50.0, "mclp", {"forbidden": [], "budget": 99.0},
                {"room_dropped", "siting_group"}),
    "forbidden": (["A", "C"], 60.0, "mclp", {"budget": 12.0}, {"room_forbidden"}),
    "count": (["A"], 10.0, "mclp", {}, {"siting_count"}),
    "budget": (["A", "B"], 60.0, "mclp", {"budget": 10.0}, {"siting_budget"}),
    "at least": (["A", "B"], 60.0, "mclp", {"at_least": {"west": 2}}, {"siting_group"}),
    "at most": (["A", "B"], 60.0, "mclp", {"at_most": {"east": 0}}, {"siting_group"}),
    "coverage": (["A", "B"], 59.0, "mclp", {}, {"objective_differs"}),
    "cost": (["A", "B"], 12.0, "lscp", {}, {"objective_differs"}),
    "number": (["A", "B"], 3.0, "lscp", {"cost_of": None, "budget": INF}, {"objective_differs"}),
    "uncovered": (["A", "B"], 11.0, "lscp", {"radius_m": 300.0}, {"siting_uncovered"}),
    "backup": (["A", "B"], 11.0, "lscp", {"backup": 2}, {"siting_uncovered"}),
    "left out": (["A", "B"], 11.0, "lscp", {"radius_m": 300.0, "left_out": ["d3"]}, set()),
    "longest": (["A", "B"], 500.0, "p_center", {}, {"objective_differs"}),
    "share": (["A", "B"], 0.0, "p_quantile", {"share": 0.9}, {"objective_differs"}),
    "equivalent": (["A", "B"], 266.7, "p_ede", {"kappa_per_m": 1e-3}, {"objective_differs"}),
    "equivalent right": (
        ["A", "B"], 1e3 * np.log((30.0 + 30.0 * np.exp(0.4)) / 60.0), "p_ede",
        {"kappa_per_m": 1e-3}, set(),
    ),
    "share reached": (["A", "B"], 0.0, "p_quantile", {"share": 0.5}, set()),
}  # fmt: skip


@pytest.mark.parametrize(
    ("sites", "objective", "model", "changes", "rules"), PLANTED.values(), ids=PLANTED.keys()
)
def test_the_check_finds_what_was_planted(sites, objective, model, changes, rules):
    asked = Asked(model=model, **{"radius_m": 400.0, **RULED, **changes})
    found = check_choice(sites, objective, GIVEN, asked)
    assert {one.rule for one in found.findings} == rules


def test_a_plan_that_fails_the_check_is_not_given_out():
    problem = make_problem(COST, WEIGHTS, Rules(), p=2)
    plan = mclp(COST, WEIGHTS, p=2, radius_m=400.0)
    asked = Asked(model="mclp", p=2, radius_m=400.0)
    assert checked(plan, problem, asked) is plan
    for change in ({"sites": ("A",)}, {"objective": plan.objective + 1}):
        broken = dataclasses.replace(plan, **change)
        with pytest.raises(BrokenPlanError, match=r"The plan opens 1|claims the objective"):
            checked(broken, problem, asked)


def careless(module, monkeypatch):
    """Let a solver forget which sites must be open and which may be."""
    solver = module.make_core

    def forgetful(problem, p, **options):
        anything = np.ones(len(problem.site_ids), dtype=bool)
        lax = dataclasses.replace(problem, must_open=~anything, may_open=anything)
        return solver(lax, p, **options)

    monkeypatch.setattr(module, "make_core", forgetful)


@pytest.mark.parametrize("solve", [
    p_median,
    p_ede,
    lambda *given, **asked: p_median(*given, capacity=SoftCapacity(50.0), **asked),
])  # fmt: skip
def test_no_solver_gives_out_a_plan_that_breaks_a_rule(monkeypatch, solve):
    careless(median, monkeypatch)
    with pytest.raises(BrokenPlanError, match="A"):
        solve(COST, WEIGHTS, p=1, rules=Rules(fixed=["A"]))
    with pytest.raises(BrokenPlanError, match="B"):
        solve(COST, WEIGHTS, p=1, rules=Rules(forbidden=["B"]))


def test_several_objectives_are_checked(monkeypatch):
    solved = several.solve_aim

    def boast(stand, aim, limits):
        found, plan = solved(stand, aim, limits)
        return dataclasses.replace(found, objective=found.objective + 1.0), plan

    def lose(stand, aim, limits):
        found, plan = solved(stand, aim, limits)
        return found, dataclasses.replace(plan, sites=plan.sites[:1])

    monkeypatch.setattr(several, "solve_aim", boast)
    with pytest.raises(BrokenPlanError, match="claims the objective"):
        lexicographic(COST, WEIGHTS, objectives=("mean", "ede"), p=2)
    monkeypatch.setattr(several, "solve_aim", lose)
    with pytest.raises(BrokenPlanError, match="The plan opens 1"):
        pareto(COST, WEIGHTS, aims=("mean", "ede"), p=2)


def test_every_figure_of_an_evaluation_by_hand():
    weights = pd.Series({"d1": 10.0, "d2": 50.0, "d3": 40.0})
    figures = evaluate(COST, ["A"], weights, radii_m=[0, 500, 899])
    assert (figures.mean_m, figures.median_m, figures.p90_m, figures.max_m) == (610, 500, 900, 900)
    assert figures.shares == {0.0: 0.1, 500.0: 0.6, 899.0: 0.6}
    assert figures.mean_m < figures.ede_m < figures.max_m
    assert 0 < figures.gini < 1
    assert figures.unreached_weight == 0
    lost = evaluate(COST.replace(900.0, INF), ["A"], weights)
    assert (lost.ede_m, lost.unreached_weight, lost.unreached) == (INF, 40.0, ("d3",))
    assert np.isnan(lost.gini)
    assert lost.shares[500.0] == 0.6
    nobody = evaluate(COST, ["A"], weights * 0.0)
    assert (nobody.mean_m, nobody.ede_m, nobody.shares[300.0]) == (0.0, 0.0, 0.0)
