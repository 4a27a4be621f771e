"""The linear relaxation of a p-median, built from the cuts it needs."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csr_array, hstack

from gridplan.siting.core import Core
from gridplan.siting.lagrangian import USED_SHARE, Dual
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.pairs import Pairs
from gridplan.siting.relaxation import Relaxation, Relaxed, Rounds
from gridplan.siting.search import Search

# A site is used by the relaxation, or a cut violated, if by more than this.
_TOLERANCE = 1e-6
_HALFWAY = 0.5
_NONE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True)
class Rows:
    """
    Cuts: what a group of demand walks at least, ``theta[group] + sites @ y >= least``.

    Attributes
    ----------
    sites : ndarray, shape (k, m)
        Coefficient of each site.
    least, group : ndarray, shape (k,)
    idle : ndarray, shape (k,)
        Solves since the row last bound.
    """

    sites: Floats
    least: Floats
    group: Positions
    idle: Positions

    @classmethod
    def fresh(cls, sites: Floats, least: Floats, group: Positions) -> Rows:
        """Return rows that no solve has seen."""
        return cls(sites, least, group, np.zeros(len(least), dtype=np.intp))

    def joined(self, other: Rows) -> Rows:
        """Return these rows followed by others."""
        return Rows(
            np.vstack([self.sites, other.sites]),
            np.concatenate([self.least, other.least]),
            np.concatenate([self.group, other.group]),
            np.concatenate([self.idle, other.idle]),
        )

    def where(self, rows: Flags) -> Rows:
        """Return some of the rows."""
        return Rows(self.sites[rows], self.least[rows], self.group[rows], self.idle[rows])


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

    def __init__(self, core: Core, search: Search, *, group: Positions, first: Rows) -> None:
        """
        Set up the model.

        Parameters
        ----------
        core : Core
        search : Search
        group : ndarray, shape (n,)
            Group of each demand point, from 0.
        first : Rows
            Rows to begin with.
        """
        super().__init__(core, search)
        self.group = group
        n_groups, m = int(group.max()) + 1, len(core.sites)
        self._rows = Rows(np.empty((0, m)), np.empty(0), _NONE, _NONE)
        self._theta = np.full(n_groups, -np.inf)
        self._shares = np.zeros(m)
        self._solver.passModel(_model(core, n_groups, self._scale))
        self._push(first)

    @classmethod
    def of(cls, dual: Dual, search: Search) -> CutModel:
        """Set up the model of a p-median with the cuts of its Lagrangian prices."""
        group = _grouping(dual)
        first = _cuts(dual.core.pairs, group, dual.prices)
        return cls(dual.core, search, group=group, first=first)

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
            cuts = self._cuts_at(point)
            value = float((cuts.least - cuts.sites @ point).sum() + (self.core.tolls * point).sum())
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

    def within(self, groups: Positions, sites: Flags, opened: Flags) -> Rows:
        """
        Return the rows of some groups over some sites, with others open for nothing.

        `groups` are ascending; they are counted from 0 in the rows returned, whose columns
        are those of `sites`.
        """
        rows = self._rows.where(np.isin(self._rows.group, groups))
        least = rows.least - rows.sites[:, opened].sum(axis=1)
        return Rows.fresh(rows.sites[:, sites], least, np.searchsorted(groups, rows.group))

    def savings(self, of_group: Positions, count: int) -> Floats:
        """
        Return what each site saves the groups of each region at the last dual values.

        Parameters
        ----------
        of_group : ndarray, shape (n_groups,)
            Region of each group.
        count : int
            Number of regions.

        Returns
        -------
        ndarray, shape (count, m)
        """
        region = of_group[self._rows.group]
        place = (region, np.arange(len(region)))
        weight = csr_array((self._safe_duals(), place), shape=(count, len(region)))
        saved: Floats = weight @ self._rows.sites
        return saved

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
        dual = self._safe_duals()
        price = self.core.tolls - dual @ self._rows.sites
        choice = self.core.choose(price, opened=opened, closed=closed)
        bound = float(dual @ self._rows.least) + choice.total
        return Relaxed(bound, self._shares, choice)

    def _safe_duals(self) -> Floats:
        """Return dual values that take the walk of no group more than once."""
        dual, group = self._duals(), self._rows.group
        total = np.bincount(group, weights=dual, minlength=len(self._theta))
        safe: Floats = dual / np.maximum(total, 1.0)[group]
        return safe

    def _cuts_at(self, shares: Floats) -> Rows:
        return _cuts(self.core.pairs, self.group, self.core.pairs.last_paid(shares))

    def _push_exact(self) -> int:
        return self._push(self._cuts_at(self._shares))

    def _push(self, cuts: Rows) -> int:
        """Add the rows that the last solution violates; return how many."""
        short = cuts.least - cuts.sites @ self._shares - self._theta[cuts.group]
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


def _cuts(pairs: Pairs, group: Positions, prices: Floats) -> Rows:
    """Return the cut of every group at some prices."""
    count = pairs.below(prices)
    near = pairs.prefix(count)
    saved = np.repeat(prices, count) - near.cost
    n_groups, m = int(group.max()) + 1, pairs.n_sites
    at = np.repeat(group * m, count) + near.site
    sites: Floats = np.bincount(at, weights=saved, minlength=n_groups * m).astype(np.float64)
    least = np.bincount(group, weights=prices, minlength=n_groups).astype(np.float64)
    return Rows.fresh(sites.reshape(n_groups, m), least, np.arange(n_groups))


def _model(core: Core, n_groups: int, scale: float) -> highspy.HighsLp:
    m = len(core.sites)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = m + n_groups, 1
    model.col_cost_ = np.concatenate([core.tolls * scale, np.ones(n_groups)])
    model.col_lower_ = np.zeros(m + n_groups)
    model.col_upper_ = np.concatenate([np.ones(m), np.full(n_groups, highspy.kHighsInf)])
    model.row_lower_ = np.array([float(core.fewest)])
    model.row_upper_ = np.array([float(core.slots)])
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
