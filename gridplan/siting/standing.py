"""Open sites with the site of each demand point, as positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridplan.siting.assessment import closest
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.problem import Problem


@dataclass(frozen=True)
class Standing:
    """
    A plan.

    Attributes
    ----------
    sites : ndarray of int
        Positions of the open sites, ascending.
    near : ndarray of int, shape (n_demand,), or None
        Position of the site that each demand point goes to, -1 for none; None: the closest.
    """

    sites: Positions
    near: Positions | None = None

    def near_of(self, problem: Problem) -> Positions:
        """Return where each demand point goes, -1 for nowhere, shape (n_demand,)."""
        if self.near is not None:
            return self.near
        if not len(self.sites):
            return np.full(len(problem.demand_ids), -1)
        return closest(problem, self.sites)[0]

    def metres(self, problem: Problem) -> Floats:
        """Return how far each demand point goes, ``inf`` where nowhere, shape (n_demand,)."""
        if self.near is None:
            return np.asarray(problem.cost[:, self.sites].min(axis=1, initial=np.inf))
        walked = problem.cost[np.arange(len(self.near)), self.near]
        return np.where(self.near >= 0, walked, np.inf)
