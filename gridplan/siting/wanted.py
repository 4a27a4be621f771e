"""Everything that a plan has to keep, limit by limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridplan.siting.matrix import Flags, Positions
from gridplan.siting.options import Reach
from gridplan.siting.problem import Problem

Limit = tuple[str, int]
"""Kind of a limit, and which one of its kind: a group, a share."""

SERVED, COUNT, BUDGET, KEPT = ("served", 0), ("count", 0), ("budget", 0), ("kept", 0)
SLACK = 1e-9


@dataclass(frozen=True)
class Wanted:
    """
    Everything that a plan has to keep.

    Attributes
    ----------
    problem : Problem
    p : int or None
        Open sites; None for any number.
    within : ndarray of bool, shape (n_demand, n_sites)
        Whether a site serves a demand point.
    served : ndarray of bool, shape (n_demand,)
        Demand that has to be served.
    backup : int
        By how many open sites.
    reaches : tuple of Reach
        Shares of all weight that have to live within a radius.
    """

    problem: Problem
    p: int | None
    within: Flags
    served: Flags
    backup: int = 1
    reaches: tuple[Reach, ...] = ()

    def limits(self) -> list[Limit]:
        """Return the limits, those that are left out first when a few are enough."""
        conditions, problem = self.problem.conditions, self.problem
        found = [SERVED] if self.served.any() else []
        found += [("reach", at) for at in range(len(self.reaches))]
        found += [KEPT] if problem.must_open.any() else []
        found += [("least", at) for at in np.flatnonzero(conditions.least > 0).tolist()]
        found += [("most", at) for at in np.flatnonzero(np.isfinite(conditions.most)).tolist()]
        found += [BUDGET] if math.isfinite(conditions.budget) else []
        return found + ([COUNT] if self.p is not None else [])

    def weight_within(self, at: int, sites: Positions) -> float:
        """Return the weight within the radius of a share of some open sites."""
        near = (self.problem.cost[:, sites] <= self.reaches[at].radius_m).any(axis=1)
        return math.fsum(self.problem.weights[near])

    def keeps(self, sites: Positions, limit: Limit) -> bool:
        """Whether some open sites keep a limit."""
        problem, (kind, at) = self.problem, limit
        conditions = problem.conditions
        if kind == "served":
            served = self.within[np.ix_(self.served, sites)].sum(axis=1)
            return bool((served >= self.backup).all())
        if kind == "reach":
            total = math.fsum(problem.weights)
            needed = self.reaches[at].share * total - SLACK * max(1.0, total)
            return self.weight_within(at, sites) >= needed
        if kind == "kept":
            return bool(np.isin(np.flatnonzero(problem.must_open), sites).all())
        if kind == "budget":
            return conditions.cost is None or cost_of(problem, sites) <= conditions.allowed_cost
        if kind == "count":
            return len(sites) == self.p
        count = float(conditions.counts(sites)[at])
        least, most = float(conditions.least[at]), float(conditions.most[at])
        return count >= least if kind == "least" else count <= most


def cost_of(problem: Problem, sites: Positions) -> float:
    """Return what some sites cost."""
    cost = problem.conditions.cost
    return 0.0 if cost is None else math.fsum(cost[sites])
