"""What each demand point would pay at each site, cheapest first, and only where it matters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from gridplan.siting.matrix import Flags, Floats, Positions

Codes = npt.NDArray[np.int32]

_FIRST_WIDTH = 16
_FULL = 1.0 - 1e-9


@dataclass(frozen=True, eq=False)
class Pairs:
    """
    Pairs of demand and site that cost less than what the demand pays anyway.

    They stand demand by demand, cheapest first, of equals the earlier site. The
    rank of a pair counts from 0 in the list of its demand; a rank as large as the
    list is long stands for what the demand pays anyway, its base.

    Attributes
    ----------
    start : ndarray, shape (n + 1,)
        Where the list of each demand point begins.
    site : ndarray of int32, shape (k,)
    cost : ndarray, shape (k,)
        Weighted cost.
    base : ndarray, shape (n,)
        What demand pays without any of these sites.
    n_sites : int
    """

    start: Positions
    site: Codes
    cost: Floats
    base: Floats
    n_sites: int

    def __len__(self) -> int:
        """Return the number of demand points."""
        return len(self.base)

    @cached_property
    def count(self) -> Positions:
        """Length of the list of each demand point, shape (n,)."""
        return np.diff(self.start)

    @cached_property
    def row(self) -> Codes:
        """Demand of each pair, shape (k,)."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.count)

    @cached_property
    def by_site(self) -> csr_array:
        """For each site (row) the demand (columns) that lists it, with 1 + its rank there."""
        rank = np.arange(len(self.site)) - np.repeat(self.start[:-1], self.count)
        shape = (len(self), self.n_sites)
        ranks = csr_array(((rank + 1).astype(np.int32), self.site, self.start), shape=shape)
        return ranks.T.tocsr()

    def at(self, counts: Positions, rows: Positions | None = None) -> Positions:
        """Return where the first few pairs of each row (all rows) are, row after row."""
        begin = self.start[:-1] if rows is None else self.start[rows]
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        where: Positions = np.arange(total) + np.repeat(begin - ends + counts, counts)
        return where

    def paid(self, rank: Positions, rows: Positions | None = None) -> Floats:
        """Return the cost of the pair with a rank in the lists of some rows (all rows)."""
        begin, count, paid = self.start[:-1], self.count, self.base.copy()
        if rows is not None:
            begin, count, paid = begin[rows], count[rows], paid[rows]
        listed = np.nonzero(rank < count)[0]
        paid[listed] = self.cost[begin[listed] + rank[listed]]
        return paid

    def sites_at(self, rank: Positions) -> Positions:
        """Return the site with a rank in each list, -1 beyond its end, shape (n,)."""
        site = np.full(len(self), -1)
        listed = np.nonzero(rank < self.count)[0]
        site[listed] = self.site[self.start[listed] + rank[listed]]
        return site

    def next_open(self, is_open: Flags, rows: Positions, rank: Positions) -> Positions:
        """Return the rank of the first open site from a rank on, for some rows."""
        found = self.count[rows].copy()
        left = np.nonzero(rank < found)[0]
        rank = rank[left]
        width = _FIRST_WIDTH
        while len(left):
            begin, end = self.start[rows[left]] + rank, self.start[rows[left] + 1]
            where = begin[:, None] + np.arange(width)
            inside = where < end[:, None]
            hit = is_open[self.site[np.where(inside, where, 0)]] & inside
            any_hit = hit.any(axis=1)
            found[left[any_hit]] = rank[any_hit] + hit[any_hit].argmax(axis=1)
            on = ~any_hit & inside[:, -1]
            left, rank = left[on], rank[on] + width
            width *= 2
        return found

    def first_open(self, is_open: Flags) -> Positions:
        """Return the rank of the first open site of each list, shape (n,)."""
        return self.next_open(is_open, np.arange(len(self)), np.zeros(len(self), dtype=np.intp))

    def second_open(self, is_open: Flags, first: Positions) -> Positions:
        """Return the rank of the second open site of each list, given the first."""
        return self.next_open(is_open, np.arange(len(self)), first + 1)

    def last_paid(self, shares: Floats) -> Floats:
        """
        Return what each demand point pays for the last part of its service, shape (n,).

        It takes the shares of the cheapest sites first, until they make one;
        where all of them do not, the last part costs `base`.
        """
        paid = self.base.copy()
        rows = np.nonzero(self.count)[0]
        rank, taken = 0, np.zeros(len(rows))
        width = _FIRST_WIDTH
        while len(rows):
            begin, end = self.start[rows] + rank, self.start[rows + 1]
            where = begin[:, None] + np.arange(width)
            inside = where < end[:, None]
            where = np.where(inside, where, 0)
            total = taken[:, None] + np.cumsum(np.where(inside, shares[self.site[where]], 0.0), 1)
            full = total >= _FULL
            done = full[:, -1]
            paid[rows[done]] = self.cost[where[done, full[done].argmax(axis=1)]]
            on = ~done & inside[:, -1]
            rows, taken, rank, width = rows[on], total[on, -1], rank + width, 2 * width
        return paid

    def below(self, prices: Floats) -> Positions:
        """Return how many pairs of each demand point cost less than its price, shape (n,)."""
        low, high = self.start[:-1].copy(), self.start[1:].copy()
        while (left := np.nonzero(low < high)[0]).size:
            middle = (low[left] + high[left]) // 2
            less = self.cost[middle] < prices[left]
            low[left[less]] = middle[less] + 1
            high[left[~less]] = middle[~less]
        return low - self.start[:-1]

    def kept(self, keep: Flags) -> Pairs:
        """Return some of the pairs of the same demand and sites."""
        start = np.concatenate([[0], np.cumsum(_sums(keep, self.start))])
        return Pairs(start, self.site[keep], self.cost[keep], self.base, self.n_sites)

    def without(self, *, base: Floats, free: Flags) -> Pairs:
        """Return what is left of the pairs with a lower base and fewer sites."""
        keep = free[self.site] & (self.cost < np.repeat(base, self.count))
        left = self.kept(keep)
        number = (np.cumsum(free) - 1).astype(np.int32)
        return Pairs(left.start, number[left.site], left.cost, base, int(free.sum()))

    def of_rows(self, rows: Positions) -> Pairs:
        """Return the pairs of some demand points alone."""
        counts = self.count[rows]
        where = self.at(counts, rows)
        start = np.concatenate([[0], np.cumsum(counts)])
        return Pairs(start, self.site[where], self.cost[where], self.base[rows], self.n_sites)

    def prefix(self, counts: Positions) -> Pairs:
        """Return only the first few pairs of each demand point."""
        where = self.at(counts)
        start = np.concatenate([[0], np.cumsum(counts)])
        return Pairs(start, self.site[where], self.cost[where], self.base, self.n_sites)


def _sums(flags: Flags, start: Positions) -> Positions:
    """Return how many flags are set in each stretch."""
    total = np.concatenate([[0], np.cumsum(flags)])
    return np.diff(total[start])


def cheapest_first(cost: Floats, base: Floats) -> Pairs:
    """
    Return the pairs of a matrix that cost less than `base`.

    Examples
    --------
    >>> pairs = cheapest_first(np.array([[3.0, 1.0, 9.0], [8.0, 8.0, 8.0]]), np.array([5.0, 8.0]))
    >>> pairs.site.tolist(), pairs.cost.tolist(), pairs.start.tolist()
    ([1, 0], [1.0, 3.0], [0, 2, 2])
    """
    order = np.argsort(cost, axis=1, kind="stable")
    value = np.take_along_axis(cost, order, axis=1)
    useful = value < base[:, None]
    start = np.concatenate([[0], np.cumsum(useful.sum(axis=1))])
    return Pairs(start, order[useful].astype(np.int32), value[useful], base, cost.shape[1])


def joined(parts: list[Pairs], n_sites: int) -> Pairs:
    """Return the pairs of some demand followed by those of other demand."""
    if not parts:
        nothing = np.empty(0)
        return Pairs(np.zeros(1, np.intp), np.empty(0, np.int32), nothing, nothing, n_sites)
    counts = np.concatenate([part.count for part in parts])
    return Pairs(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([part.site for part in parts]),
        np.concatenate([part.cost for part in parts]),
        np.concatenate([part.base for part in parts]),
        n_sites,
    )
