"""How far everybody walks to a given set of open sites."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridplan.access.equity import AVERSION, gini, kolm_pollak_ede
from gridplan.errors import CostMatrixError, FaultList, Message
from gridplan.siting.matrix import Flags, Floats, Positions, is_number
from gridplan.siting.options import Rules
from gridplan.siting.problem import Problem, make_problem

_P90, _HALF = 0.9, 0.5
RADII_M = (300.0, 500.0, 800.0, 1000.0)
"""Distances for which `evaluate` tells the share of the weight, where none are given."""

_NO_SITE = Message(
    en="No site is open, so nobody can be served. Name at least one site of the cost matrix.",
    zh="没有开放的选址点，无法服务任何人。请至少给出成本矩阵中的一个选址点。",
)
# Weights that sum to a quantile exactly should reach it despite rounding.
_SUM_SLACK = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """
    Figures of one set of open sites; lower is better for each of the distances.

    Attributes
    ----------
    sites : tuple of site ids
        In order.
    objective : float
        Weighted total in resident-metres.
    mean_m, median_m, p90_m, max_m : float
        Metres per unit of weight; the least distance within which 50 % and 90 % of
        the weight lives; the longest distance of any weight. ``inf`` where demand
        that no open site reaches is part of it: nobody is left out of a figure.
    ede_m : float
        Kolm-Pollak equally distributed equivalent, with the usual aversion to long
        walks: between mean and maximum. ``inf`` if some weight is unreached.
    gini : float
        Of the walks, 0 (all equal) to 1; ``nan`` if some weight is unreached.
    shares : mapping of metres to share
        Of the weight that lives within each distance, 0 to 1. Unreached weight is
        part of the total.
    unreached_weight : float
    assignment : Series of site ids by demand id
        The closest open site, of equally close ones the first; null where none
        reaches.
    distance_m : Series of float by demand id
        Metres to it, ``inf`` where none reaches.
    loads : Series of float by site id
        Weight assigned to each open site.
    unreached : tuple of demand ids
        Demand with weight that no open site reaches.
    """

    sites: tuple[Hashable, ...]
    objective: float
    mean_m: float
    median_m: float
    p90_m: float
    max_m: float
    ede_m: float
    gini: float
    shares: Mapping[float, float]
    unreached_weight: float
    assignment: pd.Series
    distance_m: pd.Series
    loads: pd.Series
    unreached: tuple[Hashable, ...]


def evaluate(
    cost: np.ndarray | pd.DataFrame,
    sites: Collection[Hashable],
    weights: np.ndarray | pd.Series,
    *,
    radii_m: Sequence[float] = RADII_M,
    aversion: float = AVERSION,
    kappa_per_m: float | None = None,
) -> Evaluation:
    """
    Assign all demand to the closest of the given sites and measure the walk.

    Parameters
    ----------
    cost : ndarray or DataFrame, shape (n_demand, n_sites), or a long DataFrame
        Metres, as in `p_median`.
    sites : collection of site ids
        The open sites.
    weights : Series by demand id, or ndarray in the row order of `cost`
        Residents.
    radii_m : sequence of float
        Distances for which the share of the weight is told.
    aversion : float
        To inequality, of the equally distributed equivalent; above 0.
    kappa_per_m : float, optional
        The aversion per metre itself, in place of `aversion`, which is scaled by the walks of
        this very plan: with the one that `p_ede` was given, `ede_m` is its objective.

    Raises
    ------
    CostMatrixError
        With one message per fault of costs, weights, ids or radii, or if no site is
        open.

    Examples
    --------
    >>> cost = pd.DataFrame({"A": [100.0, 900.0], "B": [400.0, 300.0]}, ["d1", "d2"])
    >>> residents = pd.Series({"d2": 10.0, "d1": 50.0})
    >>> plan = evaluate(cost, ["A", "B"], residents)
    >>> plan.objective, plan.p90_m, plan.loads.to_dict()
    (8000.0, 300.0, {'A': 50.0, 'B': 10.0})
    """
    _check_figures(radii_m, aversion, kappa_per_m)
    opening = Rules(fixed=sites, allow_unreachable=True)
    if not opening.fixed:
        raise CostMatrixError(_NO_SITE)
    problem = make_problem(cost, weights, opening, given=True)
    chosen = np.nonzero(problem.must_open)[0]
    near, distance = closest(problem, chosen)
    weighted = problem.weights > 0
    weight, walked = problem.weights[weighted], distance[weighted]
    objective = math.fsum(weight * walked)
    total = math.fsum(weight)
    reached = bool(np.isfinite(walked).all())
    return Evaluation(
        sites=tuple(problem.site_ids[at] for at in chosen),
        objective=objective,
        mean_m=objective / total if total else 0.0,
        median_m=weighted_quantile(walked, weight, _HALF),
        p90_m=weighted_quantile(walked, weight, _P90),
        max_m=float(walked.max(initial=0.0)),
        ede_m=_ede(walked, weight, aversion, kappa_per_m) if reached else math.inf,
        gini=gini(walked, weight) if reached else math.nan,
        shares={
            float(one): math.fsum(weight[walked <= one]) / total if total else 0.0
            for one in radii_m
        },
        unreached_weight=math.fsum(weight[np.isinf(walked)]),
        assignment=labelled_sites(problem, near),
        distance_m=pd.Series(distance, index=_index(problem), name="distance_m"),
        loads=_loads(problem, chosen, near),
        unreached=labelled_demand(problem, weighted & np.isinf(distance)),
    )


def _check_figures(radii_m: Sequence[float], aversion: float, kappa_per_m: float | None) -> None:
    faults = FaultList()
    wrong = radii_m
    if isinstance(radii_m, Iterable):
        wrong = [one for one in radii_m if not (is_number(one) and 0 <= one < math.inf)]
    if not isinstance(radii_m, Iterable) or wrong:
        faults.add(
            en=f"radii_m has {wrong!r}; expected metres, 0 or more.",
            zh=f"radii_m 中有 {wrong}，应为不小于 0 的米数。",
        )
    for name, value in (("aversion", aversion), ("kappa_per_m", kappa_per_m)):
        absent = value is None and name != "aversion"
        if not (absent or (is_number(value) and 0 < float(value or 0) < math.inf)):
            faults.add(
                en=f"{name} is {value}; expected a number above 0.",
                zh=f"{name} 为 {value}，应为大于 0 的数。",
            )
    faults.raise_if_any(CostMatrixError)


def _ede(walked: Floats, weight: Floats, aversion: float, kappa_per_m: float | None) -> float:
    if not len(walked):
        return 0.0
    return kolm_pollak_ede(walked, weight, aversion=aversion, kappa_per_m=kappa_per_m)


def closest(problem: Problem, chosen: Positions) -> tuple[Positions, Floats]:
    """Return position (-1: none) and distance of the closest chosen site, shape (n_demand,)."""
    offered = problem.cost[:, chosen]
    distance = offered.min(axis=1)
    near = chosen[offered.argmin(axis=1)]
    return np.where(np.isfinite(distance), near, -1), distance


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """
    Return the least value within which at least a share of the weight lies.

    Examples
    --------
    >>> weighted_quantile(np.array([10.0, 30.0, 20.0]), np.array([8.0, 1.0, 1.0]), 0.9)
    20.0
    """
    if not len(values):
        return 0.0
    order = np.argsort(values, kind="stable")
    summed = np.cumsum(weights[order])
    within = summed >= share * summed[-1] * (1.0 - _SUM_SLACK)
    return float(values[order][int(within.argmax())])


def labelled_sites(problem: Problem, near: Positions) -> pd.Series:
    """Return the assignment as site ids by demand id, null where none."""
    ids = np.empty(len(problem.site_ids) + 1, dtype=object)
    ids[:-1] = problem.site_ids
    return pd.Series(ids[near], index=_index(problem), name="site_id", dtype="object")


def labelled_demand(problem: Problem, rows: Flags) -> tuple[Hashable, ...]:
    """Return the ids of some demand."""
    return tuple(problem.demand_ids[at] for at in np.nonzero(rows)[0])


def _loads(problem: Problem, chosen: Positions, near: Positions) -> pd.Series:
    reached = near >= 0
    load = np.bincount(
        near[reached], weights=problem.weights[reached], minlength=len(problem.site_ids)
    )
    ids = pd.Index([problem.site_ids[at] for at in chosen], name="site_id", dtype="object")
    return pd.Series(load[chosen], index=ids, name="load")


def _index(problem: Problem) -> pd.Index:
    return pd.Index(list(problem.demand_ids), name="demand_id", dtype="object")
