"""What walks are worth by the objective that chose a plan, for many plans at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridplan.rooms.objectives import MODELS, SHARE, Objective
from gridplan.rooms.question import Flags, Floats, Positions, RoomQuestion
from gridplan.siting.assessment import weighted_quantile

_MOST_PAIRS = 5_000_000
"""Pairs of home and site up to which the objectives that need a pass per site look at them all."""

_SHORTLIST = 100
_SAME = 1e-9
_BY_SITE = frozenset({"p90", "ede"})
"""Objectives whose value takes a pass of its own for each site."""

OBJECTIVE_OF = {model: objective for objective, model in MODELS.items()}
"""The objective of each model that has one."""


@dataclass(frozen=True, eq=False)
class Worth:
    """
    An objective of the walks of a question.

    Attributes
    ----------
    question : RoomQuestion
    objective : {"mean", "share", "longest", "p90", "ede"}
    """

    question: RoomQuestion
    objective: Objective

    @property
    def maximised(self) -> bool:
        """More is better."""
        return self.objective == "share"

    def loss(self, before: Floats, after: Floats) -> float:
        """
        Return by how much walks are worse than others, in the unit of the objective.

        Parameters
        ----------
        before, after : float array, shape (n_demand,)
            ``inf`` where nobody is reached.

        Returns
        -------
        float
            Resident-metres more of those who reach a place both times (mean), residents fewer
            within the norm (share), or metres more (longest, p90, ede: NaN where somebody who
            was reached is not). Weighted where groups have weights, but for the longest.
        """
        rows = np.isfinite(before) & (self.question.counted > 0)
        if self.objective == "mean":
            rows &= np.isfinite(after)
        values = self._values(np.stack([before[rows], after[rows]], axis=1), rows)
        worse = float(values[1] - values[0])
        return worse if math.isfinite(worse) else math.nan

    def best(self, reached: Flags, rest: Floats, offered: Floats) -> int:
        """
        Return which of some sites does best beside what is open.

        Who is stranded comes first, then the objective, then the total walk; of sites that
        are equal in all of these the first.

        Parameters
        ----------
        reached : bool array, shape (n_demand,)
            Homes that should reach a place.
        rest : float array, shape (n_demand,)
            Walks without the site that is to be opened.
        offered : float array, shape (n_demand, n_sites)
            Walks to the sites.
        """
        rows = reached & (self.question.counted > 0)
        counted = self.question.counted[rows]
        moved = np.minimum(rest[rows, None], offered[rows])
        lost: Floats = np.asarray(counted @ ~np.isfinite(moved))
        walk: Floats = np.asarray(counted @ np.where(np.isfinite(moved), moved, 0.0))
        left = _least(lost, np.arange(offered.shape[1], dtype=np.intp))
        if self.objective in _BY_SITE and offered.size > _MOST_PAIRS:
            left = left[np.argsort(walk[left], kind="stable")[:_SHORTLIST]]
        left = _least(self._values(moved[:, left], rows), left)
        return int(np.min(_least(walk[left], left)))

    def _values(self, walks: Floats, rows: Flags) -> Floats:
        """Return what each column of walks is worth, less being better, shape (n_columns,)."""
        counted = self.question.counted[rows]
        has = np.isfinite(walks)
        if self.objective == "mean":
            return np.asarray(counted @ np.where(has, walks, 0.0))
        if self.objective == "share":
            return -np.asarray(counted @ (walks <= self.question.norm_m))
        if self.objective == "longest":
            return np.asarray(walks.max(axis=0, initial=0.0))
        if self.objective == "p90":
            columns = [weighted_quantile(one, counted, SHARE) for one in walks.T]
            return np.array(columns, dtype=np.float64)
        return self._equivalents(walks, counted)

    def _equivalents(self, walks: Floats, counted: Floats) -> Floats:
        """Return the Kolm-Pollak equivalents, the longest walk taken out of the exponents."""
        if not len(counted):
            return np.zeros(walks.shape[1])
        kappa = self.question.kappa_per_m
        longest = walks.max(axis=0)
        known = np.where(np.isfinite(longest), longest, 0.0)
        spread = counted @ np.exp(np.minimum(kappa * (walks - known), 0.0)) / math.fsum(counted)
        return np.where(np.isfinite(longest), known + np.log(spread) / kappa, math.inf)


def _least(values: Floats, among: Positions) -> Positions:
    """Return those whose value is the least, but for rounding."""
    least = float(values.min())
    if not math.isfinite(least):
        return among
    return among[values <= least + _SAME * max(abs(least), 1.0)]
