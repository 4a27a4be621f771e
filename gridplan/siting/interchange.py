"""Good plans: greedy and random starts, improved by the best interchange of two sites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from gridplan.siting.core import Core, Positions
from gridplan.siting.matrix import Floats
from gridplan.siting.search import Search

# Pairs looked at together: large enough for numpy, small enough for memory.
_BLOCK_PAIRS = 1_000_000
# Gains below this share of the objective are rounding.
_LEAST_GAIN_SHARE = 1e-10
# With more rows touched than this, a fresh table is cheaper than a mended one.
_FRESH_SHARE = 0.4


def _blocks(rows: Positions, columns: int) -> Iterator[Positions]:
    size = max(1, _BLOCK_PAIRS // max(1, columns))
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def greedy(cost: Floats, base: Floats, slots: int, search: Search) -> Positions:
    """Open, one after the other, the site that saves most; the earlier one of equals."""
    paid = base.copy()
    closed = np.ones(cost.shape[1], dtype=np.bool_)
    rows = np.arange(len(cost))
    for _ in range(slots):
        saved = np.zeros(cost.shape[1])
        for block in _blocks(rows, cost.shape[1]):
            part = paid[block, None] - cost[block]
            saved += np.maximum(part, 0.0, out=part).sum(axis=0)
        best = int(np.where(closed, saved, -np.inf).argmax())
        closed[best] = False
        np.minimum(paid, cost[:, best], out=paid)
        search.spend(1)
    return np.nonzero(~closed)[0]


@dataclass
class _Table:
    """
    What opening one site and closing another would change, kept up to date.

    `near` is the slot that serves each demand (-1: the base does), `first` and
    `second` what the closest and the second closest cost. `gain[j]` is what
    opening j saves with all others kept, `loss[r]` what closing slot r costs
    with nothing opened, and `mutual[r, j]` what of the two is counted twice.
    """

    open_at: Positions
    near: Positions
    first: Floats
    second: Floats
    gain: Floats
    mutual: Floats

    def profit(self) -> Floats:
        """Return the saving of each pair (slot to close, site to open), shape (slots, m)."""
        served = self.near >= 0
        loss = np.bincount(
            self.near[served],
            weights=(self.second - self.first)[served],
            minlength=len(self.open_at),
        )
        profit = self.gain + self.mutual - loss[:, None]
        profit[:, self.open_at] = -np.inf
        return profit


def improve(cost: Floats, base: Floats, start: Positions, search: Search) -> Positions:
    r"""
    Interchange one open and one closed site as long as the objective falls.

    Each step takes the best of all :math:`p (m - p)` interchanges. Their
    savings come from one table (Whitaker's fast interchange [1]_ in the form of
    Resende and Werneck [2]_): closing :math:`r` and opening :math:`j` saves
    :math:`g_j - l_r + e_{rj}`, and a step changes the table only for demand
    whose closest or second closest site has changed.

    Parameters
    ----------
    cost : ndarray, shape (n, m)
        Weighted cost.
    base : ndarray, shape (n,)
        What demand pays without any of these sites.
    start : ndarray, shape (slots,)
        Columns that are open at first.

    Returns
    -------
    ndarray, shape (slots,)
        Open columns, ascending; no single interchange improves them.

    References
    ----------
    .. [1] Whitaker, R. A. (1983). A fast algorithm for the greedy interchange
       for large-scale clustering and median location problems. *INFOR*, 21(2),
       95-108. https://doi.org/10.1080/03155986.1983.11731889
    .. [2] Resende, M. G. C. and Werneck, R. F. (2007). A fast swap-based local
       search procedure for location problems. *Annals of Operations Research*,
       150, 205-230. https://doi.org/10.1007/s10479-006-0154-0
    """
    open_at = np.sort(start)
    if len(open_at) in {0, cost.shape[1]}:
        return open_at
    table, fresh = _fresh_table(cost, base, open_at), True
    while True:
        search.spend(1)
        profit = table.profit()
        slot, site = divmod(int(profit.argmax()), cost.shape[1])
        if profit[slot, site] > _LEAST_GAIN_SHARE * table.first.sum():
            table, fresh = _swapped(cost, base, table, slot, site)
        elif fresh:
            return np.sort(table.open_at)
        else:
            # Rounding adds up in a table that was mended often: look once more.
            table, fresh = _fresh_table(cost, base, table.open_at), True


def plan_among(core: Core, chosen: Positions, among: Positions, search: Search) -> None:
    """
    Offer a set of sites, and what interchanges with some others make of it.

    Few sites are searched in a fraction of the time that all of them take; all
    of them are tried only from a plan that is better than the best.
    """
    search.offer(core, chosen)
    columns = np.union1d(among, chosen)
    cost = np.ascontiguousarray(core.cost[:, columns])
    start = np.searchsorted(columns, chosen)
    better = columns[improve(cost, core.base, start, search)]
    if search.offer(core, better):
        search.offer(core, improve(core.cost, core.base, better, search))


def _closest_two(
    cost: Floats, base: Floats, open_at: Positions
) -> tuple[Positions, Floats, Floats]:
    offered = np.column_stack([cost[:, open_at], base])
    rows = np.arange(len(cost))
    near = offered.argmin(axis=1)
    first = offered[rows, near]
    offered[rows, near] = np.inf
    # Where the base is closest, nothing is lost by closing a site.
    by_base = near == len(open_at)
    second = np.where(by_base, first, offered.min(axis=1))
    return np.where(by_base, -1, near), first, second


def _fresh_table(cost: Floats, base: Floats, open_at: Positions) -> _Table:
    near, first, second = _closest_two(cost, base, open_at)
    empty = np.zeros(cost.shape[1]), np.zeros((len(open_at), cost.shape[1]))
    table = _Table(open_at, near, first, second, *empty)
    _count(table, cost, np.arange(len(cost)), sign=1.0)
    return table


def _count(table: _Table, cost: Floats, rows: Positions, *, sign: float) -> None:
    """Add (or take away) what some demand contributes to gains and mutual savings."""
    for block in _blocks(rows, cost.shape[1]):
        part, first, near = cost[block], table.first[block, None], table.near[block]
        table.gain += sign * np.maximum(first - part, 0.0).sum(axis=0)
        served = near >= 0
        clipped = np.clip(part[served], first[served], table.second[block, None][served])
        kept = table.second[block, None][served] - clipped
        ones = np.full(len(kept), sign)
        by_slot = csr_array(
            (ones, (near[served], np.arange(len(kept)))), shape=(len(table.open_at), len(kept))
        )
        table.mutual += by_slot @ kept


def _swapped(
    cost: Floats, base: Floats, table: _Table, slot: int, site: int
) -> tuple[_Table, bool]:
    open_at = table.open_at.copy()
    open_at[slot] = site
    near, first, second = _closest_two(cost, base, open_at)
    touched = (near != table.near) | (first != table.first) | (second != table.second)
    rows = np.nonzero(touched | (near == slot) | (table.near == slot))[0]
    if len(rows) > _FRESH_SHARE * len(cost):
        return _fresh_table(cost, base, open_at), True
    _count(table, cost, rows, sign=-1.0)
    after = _Table(open_at, near, first, second, table.gain, table.mutual)
    _count(after, cost, rows, sign=1.0)
    return after, False
