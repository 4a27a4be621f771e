"""The linear relaxation of a p-median, built from the cuts it needs."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csr_array, hstack

from gridplan.siting.core import cheapest
from gridplan.siting.lagrangian import USED_SHARE, Dual
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.relaxation import Relaxation, Relaxed, Rounds
from gridplan.siting.search import Search

# A site is used by the relaxation, or a cut violated, if by more than this.
_TOLERANCE = 1e-6
_HALFWAY = 0.5
_NONE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True)
class _Rows:
    """Cuts: coefficient of each site, right-hand side, group, solves since they last bound."""

    sites: Floats
    least: Floats
    group: Positions
    idle: Positions

    def joined(self, other: _Rows) -> _Rows:
        return _Rows(
            np.vstack([self.sites, other.sites]),
            np.concatenate([self.least, other.least]),
            np.concatenate([self.group, other.group]),
            np.concatenate([self.idle, other.idle]),
        )

    def where(self, rows: Flags) -> _Rows:
        return _Rows(self.sites[rows], self.least[rows], self.group[rows], self.idle[rows])


class CutModel(Relaxation):
    r"""
    Benders relaxation of a p-median over the sites alone, with aggregated cuts.

    .. math::
        \min \sum_g \theta_g \quad \text{s.t.} \quad
        \theta_g \ge \sum_{i \in g} \Bigl(\lambda_i - \sum_j \max(0, \lambda_i - c_{ij})\,
        y_j\Bigr), \quad \sum_j y_j = p, \quad 0 \le y_j \le 1

    for groups :math:`g` of neighbouring demand and any prices :math:`\lambda`.
    The prices of the most violated cut at a point :math:`y` are what each demand
    point pays for the last part of its service when it takes the closest open
    shares first [1]_: the linear relaxation of the p-median is solved without
    its :math:`n m` assignment variables. Grouping neighbours keeps the model at
    a few hundred rows.

    References
    ----------
    .. [1] Duran-Mateluna, C., Ales, Z. and Elloumi, S. (2023). An efficient
       Benders decomposition for the p-median problem. *European Journal of
       Operational Research*, 308(1), 84-96.
       https://doi.org/10.1016/j.ejor.2022.11.033
    """

    def __init__(self, dual: Dual, search: Search) -> None:
        super().__init__(dual.core, search)
        self._group = _grouping(dual)
        n_groups, m = int(self._group.max()) + 1, len(self.core.sites)
        self._rows = _Rows(np.empty((0, m)), np.empty(0), _NONE, _NONE)
        self._theta = np.full(n_groups, -np.inf)
        self._shares = np.zeros(m)
        self._solver.passModel(_model(m, n_groups, self.core.slots))
        self._push(self._cuts(dual.prices))

    @property
    def rows(self) -> int:
        """Number of cuts in force."""
        return len(self._rows.least)

    def converge(
        self, opened: Flags, closed: Flags, how: Rounds, *, centre: Floats | None = None
    ) -> Relaxed:
        """Solve with new cuts until they no longer matter."""
        whole = not (opened.any() or closed.any())
        self._fix(opened, closed)
        best = self._solve(opened, closed)
        centre, least = best.shares if centre is None else centre, np.inf
        for _ in range(how.most):
            left = self._search.cutoff - best.bound
            point = _HALFWAY * (self._shares + centre) if how.halfway else self._shares
            cuts = self._cuts(self.core.pairs.last_paid(point))
            value = float((cuts.least - cuts.sites @ point).sum())
            if value < least:
                centre, least = point, value
            if left <= 0.0 or not (self._push(cuts) or (how.halfway and self._push_exact())):
                break
            now = self._solve(opened, closed)
            gained = now.bound - best.bound
            best = now if gained >= 0.0 else best
            if whole:
                self._search.raise_bound(best.bound)
            ahead = least - best.bound if how.halfway else gained
            if ahead < how.least_progress * left:
                break
        return best

    def purge(self, *, idle: int) -> None:
        """Drop the cuts that have not mattered in the last `idle` solves or more."""
        old = self._rows.idle >= idle
        which = np.nonzero(old)[0] + 1
        self._solver.deleteRows(len(which), which.astype(np.int32))
        self._rows = self._rows.where(~old)

    def _solve(self, opened: Flags, closed: Flags) -> Relaxed:
        values = self._solved()
        m = len(opened)
        self._shares, self._theta = np.clip(values[:m], 0.0, 1.0), values[m:] / self._scale
        self._rows.idle[:] = np.where(self._duals() > 0.0, 0, self._rows.idle + 1)
        return self._bounded(opened, closed)

    def _duals(self) -> Floats:
        dual: Floats = np.nan_to_num(self._solver.getSolution().row_dual)[1:]
        return np.maximum(dual, 0.0)

    def _bounded(self, opened: Flags, closed: Flags) -> Relaxed:
        """Turn any dual values into a bound that holds, whatever the solver's tolerances."""
        dual, group = self._duals(), self._rows.group
        total = np.bincount(group, weights=dual, minlength=len(self._theta))
        dual /= np.maximum(total, 1.0)[group]
        price = -(dual @ self._rows.sites)
        choice = cheapest(price, self.core.slots, opened=opened, closed=closed)
        bound = float(dual @ self._rows.least) + choice.total
        return Relaxed(bound, self._shares, choice)

    def _cuts(self, prices: Floats) -> _Rows:
        """Return the cut of every group at these prices."""
        pairs = self.core.pairs
        count = pairs.below(prices)
        near = pairs.prefix(count)
        saved = np.repeat(prices, count) - near.cost
        n_groups, m = len(self._theta), len(self.core.sites)
        at = np.repeat(self._group * m, count) + near.site
        sites: Floats = np.bincount(at, weights=saved, minlength=n_groups * m).astype(np.float64)
        least = np.bincount(self._group, weights=prices, minlength=n_groups).astype(np.float64)
        fresh = np.zeros(n_groups, dtype=np.intp)
        return _Rows(sites.reshape(n_groups, m), least, np.arange(n_groups), fresh)

    def _push_exact(self) -> int:
        return self._push(self._cuts(self.core.pairs.last_paid(self._shares)))

    def _push(self, cuts: _Rows) -> int:
        """Add the cuts that the last solution violates; return how many."""
        short = cuts.least - cuts.sites @ self._shares - self._theta
        cuts = cuts.where(short > _TOLERANCE * np.maximum(1.0, np.abs(cuts.least)))
        count = len(cuts.least)
        if not count:
            return 0
        scaled = csr_array(cuts.sites * self._scale)
        theta = csr_array(
            (np.ones(count), (np.arange(count), cuts.group)), shape=(count, len(self._theta))
        )
        matrix = hstack([scaled, theta], format="csr")
        self._solver.addRows(
            count,
            cuts.least * self._scale,
            np.full(count, highspy.kHighsInf),
            matrix.nnz,
            matrix.indptr[:-1].astype(np.int32),
            matrix.indices.astype(np.int32),
            matrix.data,
        )
        self._rows = self._rows.joined(cuts)
        return count


def _model(m: int, n_groups: int, slots: int) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = m + n_groups, 1
    model.col_cost_ = np.concatenate([np.zeros(m), np.ones(n_groups)])
    model.col_lower_ = np.zeros(m + n_groups)
    model.col_upper_ = np.concatenate([np.ones(m), np.full(n_groups, highspy.kHighsInf)])
    model.row_lower_ = model.row_upper_ = np.array([float(slots)])
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.array([0, m])
    model.a_matrix_.index_ = np.arange(m)
    model.a_matrix_.value_ = np.ones(m)
    return model


def _grouping(dual: Dual) -> Positions:
    """Return the group of each demand point: those closest to the same site in use."""
    used = np.nonzero(dual.use > USED_SHARE)[0]
    if not len(used):
        used = np.arange(len(dual.use))
    closest = dual.core.pairs.sites_at(dual.core.first_ranks(used))
    _, group = np.unique(closest, return_inverse=True)
    return group.astype(np.intp)
