"""Each fault of a siting problem has its sentence, and all of one input come together."""

import numpy as np
import pandas as pd
import pytest

from gridplan.errors import CostMatrixError, SettingsError
from gridplan.siting import (
    Aim,
    Limits,
    Reach,
    Rules,
    evaluate,
    lexicographic,
    make_problem,
    p_center,
    p_ede,
    p_median,
    p_quantile,
    pareto,
)


def frame(**changes):
    """Return three demand points by three sites, with some cells replaced."""
    cost = pd.DataFrame(
        [[0.0, 500.0, 900.0], [500.0, 0.0, 400.0], [900.0, 400.0, 0.0]],
        index=["d1", "d2", "d3"],
        columns=["A", "B", "C"],
    ).astype(object)
    for cell, value in changes.items():
        cost.loc[cell[:2], cell[2:]] = value
    return cost.infer_objects()


WEIGHTS = pd.Series({"d1": 10.0, "d2": 20.0, "d3": 30.0})
INF = np.inf
LONG = pd.DataFrame(
    {
        "demand_id": ["d1", "d2", "d3", "d3"],
        "site_id": ["A", "B", "C", "C"],
        "cost_m": [1.0, 2.0, 3.0, 4.0],
    }
)
NO_RULES = Rules()

FAULTS = {
    "nan": (frame(d2B=np.nan), WEIGHTS, 1, NO_RULES, r"1 of 9 costs is missing \(NaN\): d2 → B"),
    "negative": (frame(d1C=-1.0), WEIGHTS, 1, NO_RULES, "1 of 9 costs is negative: d1 → C"),
    "minus infinity": (frame(d1C=-INF), WEIGHTS, 1, NO_RULES, "1 of 9 costs is negative: d1 → C"),
    "text": (frame(d1C="far"), WEIGHTS, 1, NO_RULES, "1 of 9 costs is no number: d1 → C = far"),
    "number as text": (
        frame(d1C="7"),
        WEIGHTS,
        1,
        NO_RULES,
        "1 of 9 costs is no number: d1 → C = 7",
    ),
    "row twice": (
        frame().set_axis(["d1", "d1", "d3"]),
        WEIGHTS,
        1,
        NO_RULES,
        "1 id of cost rows occurs more than once: d1",
    ),
    "column twice": (
        frame().set_axis(["A", "A", "C"], axis="columns"),
        WEIGHTS,
        1,
        NO_RULES,
        "1 id of cost columns occurs more than once: A",
    ),
    "row without id": (
        frame().set_axis(["d1", None, "d3"]),
        WEIGHTS,
        1,
        NO_RULES,
        "1 of 3 cost rows has no id",
    ),
    "pair twice": (LONG, WEIGHTS, 1, NO_RULES, "1 of 4 pairs occurs more than once: d3 → C"),
    "pair without id": (
        LONG[:3].assign(site_id=["A", None, "C"]),
        WEIGHTS,
        1,
        NO_RULES,
        "1 of 3 pairs lacks a demand_id or site_id",
    ),
    "long text": (
        LONG[:3].assign(cost_m=[1.0, "x", 2.0]),
        WEIGHTS,
        1,
        NO_RULES,
        "1 of 3 values of cost_m is no number: d2 → B = x",
    ),
    "weight missing": (
        frame(),
        WEIGHTS[:2],
        1,
        NO_RULES,
        "1 demand id in the cost has no weight: d3",
    ),
    "weight too many": (
        frame(),
        pd.concat([WEIGHTS, pd.Series({"d9": 1.0})]),
        1,
        NO_RULES,
        "1 demand id has a weight but no cost: d9",
    ),
    "weight twice": (
        frame(),
        pd.concat([WEIGHTS, WEIGHTS[:1]]),
        1,
        NO_RULES,
        "1 id of weights occurs more than once: d1",
    ),
    "weight negative": (
        frame(),
        WEIGHTS * [1, -1, -1],
        1,
        NO_RULES,
        "2 of 3 weights are negative: d2, d3",
    ),
    "weight nan": (
        frame(),
        WEIGHTS.replace(10.0, np.nan),
        1,
        NO_RULES,
        r"1 of 3 weights is missing \(NaN\): d1",
    ),
    "weight infinite": (
        frame(),
        WEIGHTS.replace(10.0, INF),
        1,
        NO_RULES,
        "1 of 3 weights is infinite: d1",
    ),
    "weight text": (
        frame(),
        WEIGHTS.astype(object).replace(10.0, "many"),
        1,
        NO_RULES,
        "1 of 3 weights is no number: d1 = many",
    ),
    "weight shape": (
        frame(),
        np.ones(2),
        1,
        NO_RULES,
        r"the shape \(2,\); expected one for each of the 3",
    ),
    "weights as a list": (frame(), [1, 2, 3], 1, NO_RULES, "The weights are a list; expected"),
    "weights without labels for pairs": (
        LONG[:3],
        np.ones(3),
        1,
        NO_RULES,
        "a list of pairs has no row order",
    ),
    "no matrix": (np.ones(3), WEIGHTS, 1, NO_RULES, r"ndarray of shape \(3,\); expected a matrix"),
    "no sites": (np.ones((3, 0)), np.ones(3), 1, NO_RULES, "3 demand points and 0 sites"),
    "unreachable": (
        frame(d1A=INF, d1B=INF, d1C=INF),
        WEIGHTS,
        1,
        NO_RULES,
        r"1 of 3 demand points \(weight 10\) is reached by no allowed site: d1",
    ),
    "unreachable by rule": (
        frame(d1B=INF, d1C=INF),
        WEIGHTS,
        1,
        Rules(forbidden=["A"]),
        "reached by no allowed site: d1",
    ),
    "absent from the pairs": (
        LONG[:2],
        WEIGHTS,
        1,
        NO_RULES,
        "reached by no allowed site: d3",
    ),
    "p zero": (frame(), WEIGHTS, 0, NO_RULES, "p is 0; expected a whole number of sites"),
    "p broken": (frame(), WEIGHTS, 1.5, NO_RULES, "p is 1.5; expected a whole number"),
    "p a flag": (frame(), WEIGHTS, True, NO_RULES, "p is True; expected a whole number"),
    "p above sites": (frame(), WEIGHTS, 4, NO_RULES, "p is 4, but only 3 of 3 sites may be open"),
    "p above allowed": (
        frame(),
        WEIGHTS,
        3,
        Rules(forbidden=["B"]),
        "p is 3, but only 2 of 3 sites may be open",
    ),
    "p below fixed": (
        frame(),
        WEIGHTS,
        1,
        Rules(fixed=["A"], required=["B"]),
        "p is 1, but 2 sites are fixed or required",
    ),
    "contradiction": (
        frame(),
        WEIGHTS,
        2,
        Rules(fixed=["A"], forbidden=["A"]),
        "1 site is fixed or required and also forbidden: A",
    ),
    "unknown fixed": (
        frame(),
        WEIGHTS,
        1,
        Rules(fixed="Z"),
        "1 fixed site is not in the cost matrix: Z",
    ),
    "unknown required": (
        frame(),
        WEIGHTS,
        1,
        Rules(required=["Y", "Z"]),
        "2 required sites are not in the cost matrix: Y, Z",
    ),
    "unknown forbidden": (
        frame(),
        WEIGHTS,
        1,
        Rules(forbidden=[0]),
        "1 forbidden site is not in the cost matrix: 0",
    ),
}


@pytest.mark.parametrize(
    ("cost", "weights", "p", "rules", "words"), FAULTS.values(), ids=FAULTS.keys()
)
def test_fault(cost, weights, p, rules, words):
    with pytest.raises(CostMatrixError, match=words) as caught:
        p_median(cost, weights, p=p, rules=rules)
    assert len(caught.value.faults) == 1
    assert caught.value.lines("zh") != caught.value.lines("en")


def test_an_id_as_number_is_not_the_same_id_as_text():
    with pytest.raises(CostMatrixError) as caught:
        p_median(frame().set_axis(["1", "2", "3"]), WEIGHTS.set_axis([1, 2, 3]), p=1)
    assert [fault.en.partition(":")[0] for fault in caught.value.faults] == [
        "3 demand ids in the cost have no weight",
        "3 demand ids have a weight but no cost",
    ]


def test_all_faults_come_together():
    broken = frame(d1A=np.nan, d2B=-1.0, d3C="x")
    with pytest.raises(CostMatrixError) as caught:
        p_median(broken, WEIGHTS * [1, 1, -1], p=9, rules=Rules(fixed=["Z"]))
    found = "\n".join(caught.value.lines("en"))
    for words in ("missing", "negative: d2", "no number", "weights is negative", "Z", "p is 9"):
        assert words in found
    assert len(caught.value.faults) == 6


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"work": 0}, "`work` is 0; expected a positive count"),
        ({"time_s": 0.0}, "`time_s` is 0.0; expected positive seconds"),
        ({"gap": -0.1}, "`gap` is -0.1"),
        ({"seed": -1}, "`seed` is -1"),
        ({"seed": 1.5}, "`seed` is 1.5; expected 0 or a positive whole number"),
        ({"work": "a"}, "`work` is a; expected a positive count"),
        ({"time_s": "a"}, "`time_s` is a"),
        ({"gap": "a"}, "`gap` is a"),
    ],
)
def test_limits_without_meaning_are_refused(limits, words):
    with pytest.raises(SettingsError, match=words):
        Limits(**limits)


OF_ANOTHER_KIND = {
    "center without p": (lambda: p_center(frame(), p=None), "p is None; expected a whole"),
    "quantile without p": (lambda: p_quantile(frame(), WEIGHTS, p=None), "p is None; expected"),
    "a number for ids": (lambda: Rules(fixed=1), r"`fixed` is 1; expected site ids, such as \[1\]"),
    "open sites": (lambda: evaluate(frame(), 0, WEIGHTS), "expected site ids"),
    "costs": (
        lambda: Rules(cost_of=np.ones(3)),
        "`cost_of` is a ndarray; expected a mapping by site",
    ),
    "groups": (lambda: Rules(groups=["a"]), "`groups` is a list; expected a mapping by site"),
    "counts": (lambda: Rules(at_most=[2]), "`at_most` is a list; expected a mapping by group"),
    "no counts": (lambda: Rules(at_least=None), "`at_least` is a NoneType; expected a mapping"),
    "share near": (lambda: Rules(reach=0.5), "`reach` is 0.5; expected Reach"),
    "radius": (lambda: Reach("a", 0.5), "radius_m is 'a'; expected metres"),
    "share": (lambda: Reach(5.0, "a"), "share is 'a'; expected a share"),
    "radii": (lambda: evaluate(frame(), ["A"], WEIGHTS, radii_m=["x"]), r"radii_m has \['x'\]"),
    "one radius": (lambda: evaluate(frame(), ["A"], WEIGHTS, radii_m=5), "radii_m has 5"),
    "aversion": (lambda: evaluate(frame(), ["A"], WEIGHTS, aversion="x"), "aversion is x"),
    "kappa": (lambda: evaluate(frame(), ["A"], WEIGHTS, kappa_per_m="x"), "kappa_per_m is x"),
    "kappa of 0": (lambda: evaluate(frame(), ["A"], WEIGHTS, kappa_per_m=0), "kappa_per_m is 0"),
    "aversion asked": (lambda: p_ede(frame(), WEIGHTS, p=1, aversion="a"), "aversion is 'a'"),
    "kappa asked": (lambda: p_ede(frame(), WEIGHTS, p=1, kappa_per_m="a"), "kappa_per_m is 'a'"),
    "radius aimed at": (lambda: Aim("share", radius_m="x"), "radius_m is 'x'; expected metres"),
    "share aimed at": (lambda: Aim("p90", share="x"), "share is 'x'; expected a share"),
    "aversion aimed at": (lambda: Aim("ede", aversion="x"), "aversion is 'x'; expected a number"),
    "one aim": (lambda: pareto(frame(), WEIGHTS, aims=("mean",), p=1), "expected two, such as"),
    "slack": (
        lambda: lexicographic(frame(), WEIGHTS, objectives=["mean"], p=1, slack="a"),
        "slack is 'a'; expected a share",
    ),
    "beyond all numbers": (
        lambda: p_median(frame(d1C=1e305), WEIGHTS, p=1),
        r"The largest cost \(1e\+305\) times all weight \(60\) is above 1e\+300",
    ),
}


@pytest.mark.parametrize(("ask", "words"), OF_ANOTHER_KIND.values(), ids=OF_ANOTHER_KIND.keys())
def test_what_is_of_another_kind_is_refused_in_words(ask, words):
    with pytest.raises((CostMatrixError, SettingsError), match=words) as caught:
        ask()
    assert len(caught.value.faults) == 1
    assert caught.value.lines("zh") != caught.value.lines("en")


def test_evaluate_reports_its_faults():
    with pytest.raises(CostMatrixError, match="No site is open"):
        evaluate(frame(), [], WEIGHTS)
    with pytest.raises(CostMatrixError, match="1 given site is not in the cost matrix: Q"):
        evaluate(frame(), ["A", "Q"], WEIGHTS)


def test_sites_that_are_given_are_called_so():
    with pytest.raises(CostMatrixError) as caught:
        evaluate(frame(), ["Q", "R"], WEIGHTS)
    (fault,) = caught.value.faults
    assert fault.en.startswith("2 given sites are not in the cost matrix: Q, R.")
    assert fault.zh.startswith("2 个给定的选址点不在成本矩阵中：Q、R。")


def test_costs_that_are_no_numbers_are_named_by_row_and_column():
    # An array's rows and columns are numbers, a frame's and a list's are ids.
    array = frame(d1C="far").to_numpy(dtype=object)
    with pytest.raises(CostMatrixError, match="is no number: 0 → 2 = far"):
        p_median(array, np.ones(3), p=1)
    pairs = LONG.assign(cost_m=LONG["cost_m"].astype(object))
    pairs.loc[pairs.index[:2], "cost_m"] = "far"
    named = [f"{i} → {j} = far" for i, j in
             zip(pairs["demand_id"][:2], pairs["site_id"][:2], strict=True)]  # fmt: skip
    with pytest.raises(CostMatrixError, match=f"are no numbers: {', '.join(named)}"):
        p_median(pairs, WEIGHTS, p=1)


def test_input_is_not_changed():
    cost, weights = frame(), WEIGHTS.copy()
    before = cost.copy()
    p_median(cost, weights, p=2)
    evaluate(cost, ["A"], weights)
    pd.testing.assert_frame_equal(cost, before)
    pd.testing.assert_series_equal(weights, WEIGHTS)


def test_labels_decide_not_positions():
    shuffled = frame().loc[["d3", "d1", "d2"], ["C", "A", "B"]]
    straight = make_problem(frame(), WEIGHTS, NO_RULES)
    other = make_problem(shuffled, WEIGHTS[["d2", "d3", "d1"]], NO_RULES)
    assert other.demand_ids == straight.demand_ids == ("d1", "d2", "d3")
    np.testing.assert_array_equal(other.cost, straight.cost)
    np.testing.assert_array_equal(other.weights, straight.weights)
    # An array has no labels: it is in the order of the rows as they were given.
    by_row = make_problem(shuffled, WEIGHTS[["d3", "d1", "d2"]].to_numpy(), NO_RULES)
    np.testing.assert_array_equal(by_row.weights, straight.weights)


def test_whole_numbers_sort_by_value():
    cost = pd.DataFrame(np.ones((3, 2)), index=[10, 9, 100], columns=["b10", "b9"])
    problem = make_problem(cost, pd.Series(1.0, index=[9, 10, 100]), NO_RULES)
    assert problem.demand_ids == (9, 10, 100)
    assert problem.site_ids == ("b10", "b9")


def test_pairs_and_matrix_are_one_problem():
    cost = frame(d1C=INF, d3A=INF)
    pairs = cost.rename_axis(index="demand_id").reset_index()
    pairs = pairs.melt("demand_id", var_name="site_id", value_name="cost_m")
    pairs = pairs.sample(frac=1.0, random_state=1)
    listed = make_problem(pairs[np.isfinite(pairs["cost_m"])], WEIGHTS, NO_RULES)
    straight = make_problem(cost, WEIGHTS, NO_RULES)
    assert (listed.demand_ids, listed.site_ids) == (straight.demand_ids, straight.site_ids)
    np.testing.assert_array_equal(listed.cost, straight.cost)


def test_nullable_and_integer_costs_are_numbers():
    whole = pd.DataFrame({"A": [1, 2], "B": [3, 4]}, index=["x", "y"]).astype("Int64")
    problem = make_problem(whole, pd.Series({"x": 1, "y": 2}, dtype="Int64"), NO_RULES)
    np.testing.assert_array_equal(problem.cost, [[1.0, 3.0], [2.0, 4.0]])
    whole.loc["x", "B"] = pd.NA
    with pytest.raises(CostMatrixError, match="1 of 4 costs is missing"):
        make_problem(whole, pd.Series({"x": 1, "y": 2}), NO_RULES)
