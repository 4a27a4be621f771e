"""The linear relaxation of a p-median with many sites: how far each demand point walks."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csr_array

from gridplan.siting.lagrangian import Dual
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.pairs import Pairs
from gridplan.siting.relaxation import Relaxation, Relaxed, Rounds
from gridplan.siting.search import Search

# Levels beyond this factor of the price are left out at first.
_REACH = 1.5
# How much farther a list reaches once its last level is used.
_STRIDE = 2.0
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class _Levels:
    """
    The different costs of each demand point, as rows and columns of the model.

    Attributes
    ----------
    row : ndarray
        Demand of each level.
    step : ndarray
        How much dearer the next level is.
    is_first, is_last : ndarray of bool
        Lowest and highest level of a demand point.
    of_pair : ndarray
        Level of each pair.
    least : float
        What all demand pays at its lowest level.
    """

    row: Positions
    step: Floats
    is_first: Flags
    is_last: Flags
    of_pair: Positions
    least: float

    @classmethod
    def of(cls, pairs: Pairs, beyond: Floats) -> _Levels:
        """Return the levels of some pairs; `beyond` is what demand pays past its list."""
        begins = np.zeros(len(pairs.cost), dtype=np.bool_)
        begins[pairs.start[:-1][pairs.count > 0]] = True
        new = begins.copy()
        new[1:] |= pairs.cost[1:] > pairs.cost[:-1]
        at = np.nonzero(new)[0]
        row = pairs.row[at].astype(np.intp)
        is_first = begins[at]
        is_last = np.append(is_first[1:], np.ones(min(1, len(at)), dtype=np.bool_))
        after = np.append(pairs.cost[at][1:], np.zeros(min(1, len(at))))
        after = np.where(is_last, beyond[row], after)
        lowest = pairs.paid(np.zeros(len(pairs), dtype=np.intp))
        lowest[pairs.count == 0] = beyond[pairs.count == 0]
        step = after - pairs.cost[at]
        return cls(row, step, is_first, is_last, np.cumsum(new) - 1, float(lowest.sum()))


class RadiusModel(Relaxation):
    r"""
    Relaxation over the sites and the distance that each demand point has to go.

    With the different costs :math:`D_{i1} < D_{i2} < \dots` of a demand point and
    :math:`z_{ik}` for the share of it that no site within :math:`D_{ik}` serves,

    .. math::
        \min \sum_i \Bigl(D_{i1} + \sum_k (D_{i,k+1} - D_{ik})\, z_{ik}\Bigr)
        \quad \text{s.t.} \quad
        z_{ik} + \sum_{j: c_{ij} = D_{ik}} y_j \ge z_{i,k-1}, \quad
        \sum_j y_j = p

    with :math:`z_{i0} = 1` [1]_. Each pair occurs once. Where many sites are to be
    opened, few costs of each demand point come into question, and the model is
    small; costs farther than those are added when a solution needs them.

    References
    ----------
    .. [1] Garcia, S., Labbe, M. and Marin, A. (2011). Solving large p-median
       problems with a radius formulation. *INFORMS Journal on Computing*, 23(4),
       546-556. https://doi.org/10.1287/ijoc.1100.0418
    """

    def __init__(self, dual: Dual, search: Search) -> None:
        super().__init__(dual.core, search)
        self._count = radius_pairs(dual)
        self._build()

    @property
    def rows(self) -> int:
        """Rows are never added one by one."""
        return 0

    def purge(self, *, idle: int) -> None:
        """Keep all rows."""

    def converge(
        self, opened: Flags, closed: Flags, how: Rounds, *, centre: Floats | None = None
    ) -> Relaxed:
        """Solve; where the farthest costs of some demand are used, add those beyond."""
        del centre
        whole = not (opened.any() or closed.any())
        self._fix(opened, closed)
        for _ in range(how.most):
            values = self._solved()
            relaxed = self._bounded(opened, closed)
            if whole:
                self._search.raise_bound(relaxed.bound)
            if relaxed.bound >= self._search.cutoff or not self._widened(values):
                break
            self._fix(opened, closed)
        return relaxed

    def _build(self) -> None:
        core = self.core
        pairs = core.pairs.prefix(self._count)
        levels = self._levels = _Levels.of(pairs, core.pairs.paid(self._count))
        m, k = len(core.sites), len(levels.row)
        level = np.arange(k)
        chained = level[~levels.is_first]
        row = np.concatenate([levels.of_pair, level, chained, np.full(m, k)])
        column = np.concatenate([pairs.site, m + level, m + chained - 1, np.arange(m)])
        value = np.concatenate([np.ones(len(pairs.site) + k), -np.ones(len(chained)), np.ones(m)])
        self._matrix = csr_array((value, (row, column)), shape=(k + 1, m + k))
        self._least = np.append(levels.is_first.astype(np.float64), float(core.slots))
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = m + k, k + 1
        model.col_cost_ = np.concatenate([np.zeros(m), levels.step * self._scale])
        model.col_lower_, model.col_upper_ = np.zeros(m + k), np.ones(m + k)
        model.row_lower_ = self._least
        model.row_upper_ = np.append(np.full(k, highspy.kHighsInf), float(core.slots))
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = self._matrix.indptr.astype(np.int32)
        model.a_matrix_.index_ = self._matrix.indices.astype(np.int32)
        model.a_matrix_.value_ = self._matrix.data
        self._solver.passModel(model)

    def _widened(self, values: Floats) -> bool:
        """Add costs where demand is not served within its list; True if there were any."""
        pairs, levels = self.core.pairs, self._levels
        short = levels.is_last & (values[len(self.core.sites) :] > _TOLERANCE)
        rows = levels.row[short]
        rows = rows[self._count[rows] < pairs.count[rows]]
        if not len(rows):
            return False
        longer = np.ceil(_STRIDE * self._count[rows]).astype(np.intp)
        self._count[rows] = np.minimum(longer, pairs.count[rows])
        self._build()
        return True

    def _bounded(self, opened: Flags, closed: Flags) -> Relaxed:
        """Turn any dual values into a bound that holds, whatever the solver's tolerances."""
        m, k = len(self.core.sites), len(self._levels.row)
        solution = self._solver.getSolution()
        dual = np.maximum(np.nan_to_num(solution.row_dual)[:k], 0.0) / self._scale
        left = -(self._matrix[:k].T @ dual)
        choice = self.core.choose(left[:m], opened=opened, closed=closed)
        unserved = np.minimum(left[m:] + self._levels.step, 0.0)
        served = float(dual[self._levels.is_first].sum())
        bound = self._levels.least + served + float(unserved.sum()) + choice.total
        shares = np.clip(np.nan_to_num(solution.col_value)[:m], 0.0, 1.0)
        return Relaxed(bound, shares, choice)


def radius_pairs(dual: Dual) -> Positions:
    """Return how many pairs of each demand point a model begins with, shape (n,)."""
    pairs = dual.core.pairs
    return np.minimum(pairs.below(_REACH * dual.prices) + 1, pairs.count)
