"""Rows that every plan of a covering problem keeps and its relaxation breaks, of odd sets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from gridplan.siting.cover import Cover
from gridplan.siting.matrix import Floats, Positions

# A site that is open by less is closed; what a set may leave open and still be broken.
_OPEN, _BROKEN = 1e-6, 0.96
# A row that adds more to every set it is of takes part in none.
_MOST_PAID = 0.6
# Two rows are near if sites open by this much cover both; most rows that are near one.
_NEAR, _MOST_NEAR = 0.1, 200
# Sets of three kept for a row, those from which larger sets begin, and how often a row begins one.
_KEPT, _BEGIN, _MOST_BEGUN, _BEGUN_PER_ROW = 25, 1.4, 1_000, 8
# Rows near a larger set that are looked at, its rows at most, and the least that a step brings.
_AROUND, _LARGEST, _LEAST_STEP = 80, 21, 1e-3
# Cuts of one round, and how many of them a row may be in.
_MOST_CUTS, _CUTS_PER_ROW = 800, 6
# A product of matrices beyond this is split by BLAS among threads that wait for each other.
_MOST_AT_ONCE = 200_000
# Sums that count as one step of work.
_SUMS_PER_STEP = 5e6

Spend = Callable[[float], None]
"""Counts work, and may raise."""


@dataclass(frozen=True)
class _Ground:
    """
    What a relaxation leaves to look at.

    Attributes
    ----------
    rows : ndarray, shape (k,)
        Demand in the cover; of that which the same open sites cover, one each.
    on : ndarray of 0 and 1, shape (k, s)
        Which sites that are partly open cover it.
    shares : ndarray, shape (s,)
    paid : ndarray, shape (k,)
        How much is missed, twice as far as that is more than the relaxation had to.
    both : ndarray, shape (k, k)
        By how much the sites are open that cover two rows.
    """

    rows: Positions
    on: Floats
    shares: Floats
    paid: Floats
    both: Floats


@dataclass(frozen=True)
class _Set:
    """An odd number of rows of the ground, and the part that is open to an odd number of them."""

    left: float
    rows: tuple[int, ...]


class OddCuts:
    r"""
    Cuts from an odd number of demand rows, each taken half, and rounded up [1]_.

    For a set S of demand, with :math:`u_i = 1` where i is left out (never, where everybody
    is to be covered), :math:`y_j` the open sites and :math:`c_j` how much of S site j covers:

    .. math::
        \sum_j \lceil c_j / 2 \rceil\, y_j + \sum_{i \in S} u_i \ge (|S| + 1) / 2

    Three homes of which any two share a site, but not all three, need two sites; a
    relaxation opens half of each of the three. With :math:`|S| = 3` these are facets of
    the set covering problem under conditions told in [2]_. A set is broken where the sites
    that cover an odd number of its rows, and what it leaves out, add up to less than 1.

    Parameters
    ----------
    cover : Cover
    spend : callable
        Is told work, and may raise.

    References
    ----------
    .. [1] Caprara, A. and Fischetti, M. (1996). {0, 1/2}-Chvatal-Gomory cuts. *Mathematical
       Programming*, 74, 221-235. https://doi.org/10.1007/BF02592196
    .. [2] Balas, E. and Ng, S. M. (1989). On the set covering polytope: I. All the facets
       with coefficients in {0, 1, 2}. *Mathematical Programming*, 43, 57-69.
       https://doi.org/10.1007/BF01582278
    """

    def __init__(self, cover: Cover, spend: Spend) -> None:
        self._covers, self._spend = cover.covers, spend
        # Demand that needs several sites is not for these.
        self._rows = np.flatnonzero(cover.needs <= 1)

    def broken(self, shares: Floats, missed: Floats, *, wide: bool) -> list[Positions]:
        """
        Return sets of demand whose cut a relaxation breaks, the most broken first.

        Parameters
        ----------
        shares : ndarray, shape (m,)
            How far each site is open.
        missed : ndarray, shape (n,)
            How far each demand is left out.
        wide : bool
            Grow sets of three to larger ones, too.
        """
        ground = self._ground(shares, missed)
        threes = self._threes(ground)
        found = [one for one in threes if one.left < _BROKEN]
        if wide:
            found.extend(self._grown(ground, threes))
        return [ground.rows[list(one.rows)] for one in _spread(found, len(ground.rows))]

    def matrix(self, sets: list[Positions], *, most: bool) -> tuple[csr_array, Floats]:
        """
        Return the cuts of some sets and the least of each.

        Parameters
        ----------
        most : bool
            For the model of most coverage, whose further columns are the demand that is
            covered; otherwise for that which covers everybody, with columns for sites alone.
        """
        n, m = self._covers.shape
        sizes = np.array([len(one) for one in sets])
        columns, values = [], []
        for one in sets:
            times = np.ceil(self._covers[one].sum(axis=0) / 2.0)
            sites = np.flatnonzero(times)
            columns.append(np.concatenate([sites, m + np.sort(one)]) if most else sites)
            left_out = -np.ones(len(one) if most else 0)
            values.append(np.concatenate([times[sites], left_out]))
        start = np.concatenate([[0], np.cumsum([len(one) for one in columns])])
        data = np.concatenate(values) if values else np.empty(0)
        where = np.concatenate(columns) if columns else np.empty(0, dtype=np.intp)
        shape = len(sets), m + n * most
        least = (sizes + 1) / 2.0 - (sizes if most else 0.0)
        return csr_array((data, where, start), shape=shape), least

    def _ground(self, shares: Floats, missed: Floats) -> _Ground:
        sites = np.flatnonzero(shares > _OPEN)
        on = self._covers[np.ix_(self._rows, sites)].astype(np.float64)
        missed = np.maximum(missed[self._rows], 0.0)
        listed = csr_array(on)
        paid = missed + np.maximum(listed @ shares[sites] + missed - 1.0, 0.0)
        some = np.flatnonzero(paid < _MOST_PAID)
        some = some[np.argsort(paid[some], kind="stable")]
        _, first = np.unique(np.packbits(on[some] > 0, axis=1), axis=0, return_index=True)
        kept = np.sort(some[first])
        part = csr_array(on[kept])
        both = csr_array(part * shares[sites]) @ part.T
        return _Ground(
            self._rows[kept], on[kept], shares[sites], paid[kept], np.asarray(both.toarray())
        )

    def _threes(self, ground: _Ground) -> list[_Set]:
        """Return sets of three rows that leave little open, those that begin larger ones, too."""
        found: list[_Set] = []
        for row in range(len(ground.rows)):
            near = np.flatnonzero(ground.both[row] > _NEAR)
            near = near[near > row]
            if len(near) > _MOST_NEAR:
                order = np.argsort(-ground.both[row, near], kind="stable")
                near = np.sort(near[order[:_MOST_NEAR]])
            if len(near) > 1:
                found.extend(self._threes_of(ground, row, near))
        return sorted(found, key=lambda one: (one.left, one.rows))

    def _threes_of(self, ground: _Ground, row: int, near: Positions) -> Iterable[_Set]:
        sites = np.flatnonzero(ground.on[row])
        on = ground.on[np.ix_(near, sites)]
        self._spend(len(near) ** 2 * len(sites) / _SUMS_PER_STEP)
        three = _product(on * ground.shares[sites], on.T)
        both, own, paid = ground.both, np.diag(ground.both), ground.paid
        # What covers one of three or all of them, by inclusion and exclusion.
        alone = own[near] - 2.0 * both[row, near] + paid[near]
        left = own[row] + paid[row] + alone[:, None] + alone - 2.0 * both[np.ix_(near, near)]
        left += 4.0 * three
        one, other = np.triu_indices(len(near), 1)
        least = left[one, other]
        good = np.flatnonzero(least < _BEGIN)
        good = good[np.argsort(least[good], kind="stable")[:_KEPT]]
        for at in good.tolist():
            yield _Set(float(least[at]), (row, int(near[one[at]]), int(near[other[at]])))

    def _grown(self, ground: _Ground, threes: list[_Set]) -> list[_Set]:
        """Return larger sets that are broken, from some of three rows."""
        begun = np.zeros(len(ground.rows), dtype=np.intp)
        found: dict[tuple[int, ...], _Set] = {}
        tried = 0
        for three in threes:
            rows = list(three.rows)
            if begun[rows].max() >= _BEGUN_PER_ROW:
                continue
            begun[rows] += 1
            tried += 1
            grown = self._grow(ground, three)
            if len(grown.rows) > 1 and grown.left < _BROKEN and grown.rows != three.rows:
                found[grown.rows] = grown
            if tried == _MOST_BEGUN:
                break
        return list(found.values())

    def _grow(self, ground: _Ground, start: _Set) -> _Set:
        """Take two rows in or out as long as that leaves less open."""
        best = start
        while len(best.rows) < _LARGEST:
            step = self._step(ground, best)
            if step.left > best.left - _LEAST_STEP:
                break
            best = step
        return best

    def _step(self, ground: _Ground, old: _Set) -> _Set:
        """Return the set after the best two rows were taken in or out."""
        rows = np.array(old.rows)
        order = np.argsort(-ground.both[rows].max(axis=0), kind="stable")
        near = np.union1d(order[:_AROUND], rows)
        sites = np.flatnonzero(ground.on[near].any(axis=0))
        self._spend(len(near) ** 2 * len(sites) / _SUMS_PER_STEP)
        odd = ground.on[np.ix_(rows, sites)].sum(axis=0) % 2
        shares = ground.shares[sites]
        signs = 1.0 - 2.0 * ground.on[np.ix_(near, sites)]
        # A site changes from odd to even and back for each of two rows that it covers.
        turned = signs * (shares * (1.0 - 2.0 * odd))
        left = 0.5 * (shares.sum() - _product(turned, signs.T))
        paid = np.where(np.isin(near, rows), -1.0, 1.0) * ground.paid[near]
        left += float(ground.paid[rows].sum()) + paid[:, None] + paid
        np.fill_diagonal(left, np.inf)
        pair = np.unravel_index(int(left.argmin()), left.shape)
        changed = {int(near[pair[0]]), int(near[pair[1]])}
        return _Set(float(left[pair]), tuple(sorted(set(old.rows) ^ changed)))


def _product(one: Floats, other: Floats) -> Floats:
    """Return a product of matrices, some rows at a time."""
    rows, size = max(1, _MOST_AT_ONCE // max(1, other.size)), len(one)
    parts = -(-size // rows)
    filled = np.zeros((parts * rows, one.shape[1]))
    filled[:size] = one
    product: Floats = np.matmul(filled.reshape(parts, rows, -1), other)
    return product.reshape(parts * rows, -1)[:size]


def _spread(sets: list[_Set], size: int) -> list[_Set]:
    """Return the most broken sets, no row in too many of them."""
    used = np.zeros(size, dtype=np.intp)
    chosen = []
    for one in sorted(sets, key=lambda one: (one.left, one.rows)):
        rows = list(one.rows)
        if used[rows].max() < _CUTS_PER_ROW:
            used[rows] += 1
            chosen.append(one)
    return list(itertools.islice(chosen, _MOST_CUTS))
