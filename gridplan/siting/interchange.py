"""Good plans: greedy and random starts, improved by the best interchange of two sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridplan.siting.core import Core
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.pairs import Pairs
from gridplan.siting.search import Search

# Gains below this share of the objective are rounding.
_LEAST_GAIN_SHARE = 1e-10
# With more rows touched than this, a fresh table is cheaper than a mended one.
_FRESH_SHARE = 0.4


def greedy(pairs: Pairs, slots: int, search: Search) -> Positions:
    """Open, one after the other, the site that saves most; the earlier one of equals."""
    everybody = np.arange(len(pairs))
    rank, paid = pairs.count.copy(), pairs.base.copy()
    saved = np.zeros(pairs.n_sites)
    _add_savings(saved, pairs, everybody, rank, paid, sign=1.0)
    closed = np.ones(pairs.n_sites, dtype=np.bool_)
    for _ in range(slots):
        search.spend(1)
        best = int(np.where(closed, saved, -np.inf).argmax())
        closed[best] = False
        rows, at = _listing(pairs, best)
        nearer = at < rank[rows]
        rows, at = rows[nearer], at[nearer]
        _add_savings(saved, pairs, rows, rank[rows], paid[rows], sign=-1.0)
        rank[rows] = at
        paid[rows] = pairs.cost[pairs.start[rows] + at]
        _add_savings(saved, pairs, rows, at, paid[rows], sign=1.0)
    return np.nonzero(~closed)[0]


def _add_savings(
    saved: Floats, pairs: Pairs, rows: Positions, rank: Positions, paid: Floats, *, sign: float
) -> None:
    """Add what each site would save some demand that pays for the pair of a rank."""
    where = pairs.at(rank, rows)
    np.add.at(saved, pairs.site[where], sign * (np.repeat(paid, rank) - pairs.cost[where]))


def _listing(pairs: Pairs, site: int) -> tuple[Positions, Positions]:
    """Return the demand that lists a site, and the rank of the site there."""
    lists = pairs.by_site
    stretch = slice(lists.indptr[site], lists.indptr[site + 1])
    return lists.indices[stretch].astype(np.intp), lists.data[stretch].astype(np.intp) - 1


@dataclass
class Exchange:
    r"""
    A set of open sites, and what opening one and closing another would change.

    Attributes
    ----------
    pairs : Pairs
    open_at : ndarray, shape (slots,)
        The open sites; a slot keeps its number when its site is exchanged.
    slot : ndarray, shape (m,)
        Slot of each site, -1 if it is closed.
    first, second : ndarray, shape (n,)
        Ranks of the cheapest and the second cheapest open site of each demand.
    gain : ndarray, shape (m,)
        What opening a site saves with all others kept.
    loss : ndarray, shape (slots,)
        What closing a slot costs with nothing opened.
    mutual : ndarray, shape (slots, m)
        What of the two is counted twice.
    """

    pairs: Pairs
    open_at: Positions
    slot: Positions
    first: Positions
    second: Positions
    gain: Floats
    loss: Floats
    mutual: Floats

    @classmethod
    def of(cls, pairs: Pairs, chosen: Positions) -> Exchange:
        """Set up the table of a set of sites."""
        open_at = np.sort(chosen)
        slot = np.full(pairs.n_sites, -1)
        slot[open_at] = np.arange(len(open_at))
        first = pairs.first_open(slot >= 0)
        second = pairs.second_open(slot >= 0, first)
        m = pairs.n_sites
        gain, loss, mutual = np.zeros(m), np.zeros(len(open_at)), np.zeros((len(open_at), m))
        table = cls(pairs, open_at, slot, first, second, gain, loss, mutual)
        table.refresh()
        return table

    def copy(self) -> Exchange:
        """Return the same state, to come back to."""
        return Exchange(
            self.pairs,
            self.open_at.copy(),
            self.slot.copy(),
            self.first.copy(),
            self.second.copy(),
            self.gain.copy(),
            self.loss.copy(),
            self.mutual.copy(),
        )

    @property
    def value(self) -> float:
        """What all demand pays, without the care for the last digits that a plan's value has."""
        return float(self.pairs.paid(self.first).sum())

    def refresh(self) -> None:
        """Count everything anew, which takes out what rounding has added up."""
        self.gain[:], self.loss[:], self.mutual[:] = 0.0, 0.0, 0.0
        self._count(np.arange(len(self.pairs)), sign=1.0)

    def best(self) -> tuple[float, int, int]:
        """Return the best saving of an interchange, the slot to close and the site to open."""
        gain = np.where(self.slot >= 0, -np.inf, self.gain)
        profit = self.mutual - self.loss[:, None]
        profit += gain
        slot, site = divmod(int(profit.argmax()), len(gain))
        return float(profit[slot, site]), slot, site

    def swap(self, slot: int, site: int) -> None:
        """Close the site of a slot and open another there."""
        pairs, rows = self.pairs, np.arange(len(self.pairs))
        leaving = self.open_at[slot]
        by_first = pairs.sites_at(self.first) == leaving
        gone = rows[by_first | (pairs.sites_at(self.second) == leaving)]
        is_open = self.slot >= 0
        is_open[leaving] = False
        first, second = self.first.copy(), self.second.copy()
        first[by_first] = second[by_first]
        second[gone] = pairs.next_open(is_open, gone, second[gone] + 1)
        listing, rank = _listing(pairs, site)
        near = rank < second[listing]
        listing, rank = listing[near], rank[near]
        nearest = rank < first[listing]
        second[listing] = np.where(nearest, first[listing], rank)
        first[listing] = np.where(nearest, rank, first[listing])
        touched = np.union1d(gone, listing)
        mend = len(touched) < _FRESH_SHARE * len(pairs)
        if mend:
            self._count(touched, sign=-1.0)
        self.first, self.second = first, second
        self.slot[leaving], self.slot[site], self.open_at[slot] = -1, slot, site
        if mend:
            self._count(touched, sign=1.0)
        else:
            self.refresh()

    def _count(self, rows: Positions, *, sign: float) -> None:
        """Add (or take away) what some demand contributes."""
        pairs, first, second = self.pairs, self.first[rows], self.second[rows]
        listed = pairs.count[rows]
        lowest, next_lowest = pairs.paid(first, rows), pairs.paid(second, rows)
        where = pairs.at(first, rows)
        site, cost = pairs.site[where], pairs.cost[where]
        np.add.at(self.gain, site, sign * (np.repeat(lowest, first) - cost))
        # Where the base is cheapest, nothing is lost by closing a site.
        served = first < listed
        rows, first, second = rows[served], first[served], second[served]
        lowest, next_lowest = lowest[served], next_lowest[served]
        slot = self.slot[pairs.site[pairs.start[rows] + first]]
        np.add.at(self.loss, slot, sign * (next_lowest - lowest))
        where = pairs.at(second, rows)
        kept = np.repeat(next_lowest, second)
        kept -= np.maximum(pairs.cost[where], np.repeat(lowest, second))
        cell = np.repeat(slot * pairs.n_sites, second) + pairs.site[where]
        np.add.at(self.mutual.reshape(-1), cell, sign * kept)


def improve(pairs: Pairs, start: Positions, search: Search) -> Positions:
    r"""
    Interchange one open and one closed site as long as the objective falls.

    Each step takes the best of all :math:`p (m - p)` interchanges. Their
    savings come from one table (Whitaker's fast interchange [1]_ in the form of
    Resende and Werneck [2]_): closing :math:`r` and opening :math:`j` saves
    :math:`g_j - l_r + e_{rj}`, and a step changes the table only for demand
    whose closest or second closest site has changed. A demand point contributes
    only through the sites that are closer than its second closest open one.

    Parameters
    ----------
    pairs : Pairs
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
    if len(start) in {0, pairs.n_sites}:
        return np.sort(start)
    table = Exchange.of(pairs, start)
    descend(table, search)
    return np.sort(table.open_at)


def descend(table: Exchange, search: Search) -> None:
    """Take the best interchange until none saves anything."""
    fresh = True
    while True:
        search.spend(1)
        saving, slot, site = table.best()
        if saving > _LEAST_GAIN_SHARE * table.value:
            table.swap(slot, site)
            fresh = False
        elif fresh:
            return
        else:
            # Rounding adds up in a table that was mended often: look once more.
            table.refresh()
            fresh = True


def plan_among(core: Core, chosen: Positions, among: Positions, search: Search) -> None:
    """
    Offer a set of sites, and what interchanges with some others make of it.

    Few sites are searched in a fraction of the time that all of them take; all
    of them are tried only from a plan that is better than the best.
    """
    search.offer(core, chosen)
    columns = np.union1d(among, chosen)
    pairs = core.pairs
    if len(columns) < pairs.n_sites:
        pairs = pairs.without(base=core.base, free=core.flags(columns))
    start = np.searchsorted(columns, chosen)
    better = columns[improve(pairs, start, search)]
    if search.offer(core, better) and len(columns) < core.pairs.n_sites:
        search.offer(core, improve(core.pairs, better, search))
