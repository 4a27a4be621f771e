"""Good plans under conditions: greedy filling, interchanges that keep them, parts built anew."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

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
    best = _descended(table, start, ledger)
    value = _offer(table, best, ledger)
    plans = [_filled(table, np.empty(0, dtype=np.intp), ledger, by_price=way) for way in _WAYS]
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
            best = _better(table, standing, table.room_for(chosen), best, chosen)
        for leaving in chosen.tolist():
            try:
                ledger.spend(1)
            except OutOfEffortError:
                _offer(table, chosen if best[0] is None else best[0], ledger)
                raise
            kept = chosen[chosen != leaving]
            able = table.swappable(chosen, leaving)
            if able.any():
                best = _better(table, table.standing(kept), able, best, kept)
        if best[0] is None:
            return chosen
        chosen = best[0]


_Best = tuple[Positions | None, float]


def _better(table: Table, standing: Floats, able: Flags, best: _Best, kept: Positions) -> _Best:
    """Return the better of a plan and some columns with the best further one."""
    totals = table.with_each(standing)
    most = np.array(table.ladder.most)[:, None]
    able = able & (totals[1:] <= most + _SLACK * np.maximum(1.0, np.abs(most))).all(axis=0)
    value = np.where(able, totals[0], np.inf)
    at = int(value.argmin()) if len(value) else -1
    if at < 0 or value[at] >= best[1]:
        return best
    return np.sort(np.append(kept, at)), float(value[at])
