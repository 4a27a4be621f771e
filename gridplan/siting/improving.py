"""Good plans under conditions: greedy filling, interchanges that keep them, parts built anew."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from gridplan.siting.ladder import Ladder, Toll, weighted
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.problem import Problem
from gridplan.siting.search import OutOfEffortError

# Gains below this share of the objective are rounding.
_LEAST_GAIN_SHARE = 1e-10
_SLACK = 1e-9
# Rounds without a better plan until the exact search takes over; sites closed in a round.
_PATIENCE, _LEAST_CLOSED, _MOST_CLOSED = 15, 1, 4
# A site that costs nothing counts as this share of the dearest: of several, the best gain is first.
_LEAST_PRICE_SHARE = 1e-9
# Pairs that are looked at together.
_CELLS_AT_ONCE = 4_000_000
# Tolls of all pairs up to which every start is improved.
_MOST_STARTS = 8_000_000


@dataclass(frozen=True)
class Table:
    """
    The tolls of all demand at all free sites, to compare sets of them.

    Attributes
    ----------
    ladder : Ladder
    paid : ndarray, shape (n_tolls, n, m)
        ``inf`` is replaced by `far` in the objective.
    base : ndarray, shape (n_tolls, n)
    far : float
        More than all demand pays in any plan that serves everybody.
    price : ndarray, shape (m,)
        What a site costs, above 0; 1 where costs do not matter.
    """

    ladder: Ladder
    paid: Floats
    base: Floats
    far: float
    price: Floats

    def standing(self, chosen: Positions) -> Floats:
        """Return what demand pays with some columns open, shape (n_tolls, n)."""
        near = self.paid[:, :, chosen].min(axis=2, initial=np.inf)
        return np.asarray(np.minimum(self.base, near))

    def with_each(self, standing: Floats) -> Floats:
        """Return the totals with each column opened besides, shape (n_tolls, m)."""
        return np.asarray(np.minimum(standing[:, :, None], self.paid).sum(axis=1))

    def with_swaps(self, chosen: Positions) -> Floats:
        r"""
        Return the totals with each open column closed and each other one opened.

        All at once: with :math:`d_i` and :math:`s_i` the two least that i pays, closing
        what serves it and opening j adds :math:`\min(\max(c_{ij}, d_i), s_i) - d_i` to what
        opening j alone leaves [1]_.

        Returns
        -------
        ndarray, shape (n_tolls, len(chosen), m)

        References
        ----------
        .. [1] Resende, M. G. C. and Werneck, R. F. (2007). A fast swap-based local
           search procedure for location problems. *Annals of Operations Research*,
           150, 205-230. https://doi.org/10.1007/s10479-006-0154-0
        """
        _, n, m = self.paid.shape
        totals = np.zeros((len(self.paid), len(chosen), m))
        if not len(chosen):
            return totals
        size = max(1, _CELLS_AT_ONCE // max(1, m))
        for at, paid in enumerate(self.paid):
            for begin in range(0, n, size):
                rows = slice(begin, begin + size)
                totals[at] += _swapped(paid[rows], self.base[at, rows], chosen)
        return totals

    def room_for(self, chosen: Positions) -> Flags:
        """Return which columns can be opened without breaking an upper limit."""
        side = self.ladder.side
        totals = side.matrix[:, chosen].sum(axis=1)[:, None] + side.matrix
        most = side.most + _SLACK * np.maximum(1.0, np.abs(side.most))
        able = np.asarray((totals <= most[:, None]).all(axis=0))
        able[chosen] = False
        return able

    def swappable(self, chosen: Positions, leaving: int) -> Flags:
        """Return which columns can take the place of an open one."""
        side, kept = self.ladder.side, chosen[chosen != leaving]
        able = self.room_for(kept)
        totals = side.matrix[:, kept].sum(axis=1)[:, None] + side.matrix
        least = side.least - _SLACK * np.maximum(1.0, np.abs(side.least))
        able &= (totals >= least[:, None]).all(axis=0)
        able[leaving] = False
        return able

    def needed(self, chosen: Positions) -> Flags:
        """Return which columns help a group that has too few; all if none has."""
        side = self.ladder.side
        short = side.matrix[:, chosen].sum(axis=1) < side.least - _SLACK
        if not short.any():
            return np.ones(len(self.price), dtype=np.bool_)
        return np.asarray((side.matrix[short] > 0).any(axis=0))


def _swapped(paid: Floats, base: Floats, chosen: Positions) -> Floats:
    """Return what some demand pays with each open column replaced by each other one."""
    near = paid[:, chosen]
    every = np.arange(len(near))
    by = near.argmin(axis=1)
    first = near[every, by]
    near[every, by] = np.inf
    second = np.minimum(near.min(axis=1, initial=np.inf), base)
    # Whoever pays its base already loses nothing by any closing.
    moved = first < base
    first = np.minimum(first, base)
    with_each = np.minimum(first[:, None], paid).sum(axis=0)
    where = by[moved], np.arange(int(moved.sum()))
    served = csr_array((np.ones(len(where[1])), where), shape=(len(chosen), len(where[1])))
    low, high = first[moved, None], second[moved, None]
    lost = np.clip(paid[moved], low, high) - low
    return np.asarray(with_each + served @ lost)


def make_table(problem: Problem, tolls: tuple[Toll, ...], ladder: Ladder) -> Table:
    """Return the table of the free sites of a ladder."""
    rows, columns = problem.counted, ladder.sites
    paid = weighted(tolls, problem.weights[rows][:, None], problem.cost[np.ix_(rows, columns)])
    base = ladder.base.copy()
    dearest = np.where(np.isfinite(paid), paid, 0.0).max(axis=2, initial=0.0)
    dearest = np.maximum(dearest, np.where(np.isfinite(base), base, 0.0))
    far = 1.0 + 2.0 * math.fsum(dearest[0])
    for at in range(len(tolls)):
        worst = far if at == 0 else dearest[at]
        paid[at] = np.where(np.isfinite(paid[at]), paid[at], np.reshape(worst, (-1, 1)))
        base[at] = np.where(np.isfinite(base[at]), base[at], worst)
    cost = problem.conditions.cost
    price = np.ones(len(columns))
    if cost is not None:
        dearest_site = float(cost[columns].max(initial=0.0))
        price = np.maximum(cost[columns], _LEAST_PRICE_SHARE * dearest_site or 1.0)
    return Table(ladder, paid, base, far, price)


def improve_within(table: Table, start: Positions, ledger: Ledger) -> None:
    """Offer the best plan that greedy filling, interchanges and building anew make of a start."""
    ladder = table.ladder
    # A descent may outlast the limits; what it begins with is a plan already.
    _offer(table, start, ledger)
    plans = [start]
    plans += [_filled(table, np.empty(0, dtype=np.intp), ledger, by_price=way) for way in _WAYS]
    if table.paid.size > _MOST_STARTS:
        # Steps are dear: only the best of them is worth it.
        plans = [min(plans, key=lambda one: _offer(table, one, ledger))]
    best, value = start, math.inf
    for plan in plans:
        now = _descended(table, plan, ledger)
        found = _offer(table, now, ledger)
        if found < value:
            best, value = now, found
    idle = 0
    while idle < _PATIENCE and len(best) and len(best) < len(ladder.sites) and not ledger.closed:
        idle += 1
        size = int(ledger.rng.integers(_LEAST_CLOSED, min(_MOST_CLOSED, len(best)) + 1))
        kept = np.sort(ledger.rng.permutation(best)[size:])
        now = _filled(table, kept, ledger, by_price=bool(ledger.rng.integers(2)))
        now = _descended(table, now, ledger)
        found = _offer(table, now, ledger)
        if found < value * (1.0 - _LEAST_GAIN_SHARE):
            best, value, idle = now, found, 0


_WAYS = (True, False)


def _offer(table: Table, chosen: Positions, ledger: Ledger) -> float:
    """Offer a plan that keeps everything; return its objective, ``inf`` for any other."""
    ladder = table.ladder
    tolls = ladder.tolls(ladder.ranks(chosen))
    good = np.isfinite(tolls[0]) and ladder.holds(chosen) and ladder.allowed(tolls)
    if not good:
        return math.inf
    ledger.offer(float(tolls[0]), np.concatenate([ladder.opened, ladder.sites[chosen]]))
    return float(tolls[0])


def _filled(table: Table, kept: Positions, ledger: Ledger, *, by_price: bool) -> Positions:
    """Return some columns with others added, the best gain first, as far as conditions allow."""
    chosen, slots = kept, table.ladder.slots
    while slots is None or len(chosen) < slots:
        ledger.spend(1)
        able = table.room_for(chosen)
        if slots is not None or not table.needed(chosen).all():
            wanted = able & table.needed(chosen)
            able = wanted if wanted.any() else able
        if not able.any():
            break
        standing = table.standing(chosen)
        gain = standing[0].sum() - table.with_each(standing)[0]
        must = slots is not None or not table.needed(chosen).all()
        if not must and gain[able].max() <= _LEAST_GAIN_SHARE * standing[0].sum():
            break
        worth = gain / table.price if by_price else gain
        chosen = np.append(chosen, int(np.where(able, worth, -np.inf).argmax()))
    return np.sort(chosen)


def _descended(table: Table, chosen: Positions, ledger: Ledger) -> Positions:
    """Return a plan after the best additions and interchanges, as long as one helps."""
    while True:
        standing = table.standing(chosen)
        now = float(standing[0].sum())
        best: _Best = (None, now * (1.0 - _LEAST_GAIN_SHARE))
        if table.ladder.slots is None:
            able = table.room_for(chosen)
            best = _better(table, table.with_each(standing), able, best, chosen)
        swapped = table.with_swaps(chosen)
        for at, leaving in enumerate(chosen.tolist()):
            try:
                ledger.spend(1)
            except OutOfEffortError:
                _offer(table, chosen if best[0] is None else best[0], ledger)
                raise
            able = table.swappable(chosen, leaving)
            if able.any():
                best = _better(table, swapped[:, at], able, best, chosen[chosen != leaving])
        if best[0] is None:
            return chosen
        chosen = best[0]


_Best = tuple[Positions | None, float]


def _better(table: Table, totals: Floats, able: Flags, best: _Best, kept: Positions) -> _Best:
    """Return the better of a plan and some columns with the further one of least total."""
    most = np.array(table.ladder.most)[:, None]
    able = able & (totals[1:] <= most + _SLACK * np.maximum(1.0, np.abs(most))).all(axis=0)
    value = np.where(able, totals[0], np.inf)
    at = int(value.argmin()) if len(value) else -1
    if at < 0 or value[at] >= best[1]:
        return best
    return np.sort(np.append(kept, at)), float(value[at])
