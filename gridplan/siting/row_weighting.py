"""Fewer sites that cover everybody: demand that stays uncovered gains weight until it is not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from gridplan.siting.cover import Cover
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions

# Moves that count as one step of work, and the share of the best cost that is less.
_MOVES_PER_STEP = 40
_LESS_SHARE = 1e-9


class Fewer:
    """
    Sets of sites that cover everybody, at lower and lower cost.

    One open site after the other is closed, the one that is missed least, and demand
    that is uncovered then is covered again by sites that fit into what was saved. Demand
    that stays uncovered after a move weighs more from then on, so that no set of sites is
    tried for long [1]_. A site that was just closed is not opened by the same move, nor
    closed by the next one if it was just opened; of equals the one that was left alone
    longest is taken.

    Parameters
    ----------
    cover : Cover
        Without rows besides coverage (`Cover.free`), and without a demand point that
        all sites together cannot cover.
    start : ndarray
        Columns that cover everybody.
    ledger : Ledger
    found : callable, optional
        Is given each better set at once, so that a limit loses none.

    Attributes
    ----------
    best : ndarray
        Columns of the best set.

    References
    ----------
    .. [1] Gao, C., Yao, X., Weise, T. and Li, J. (2015). An efficient local search heuristic
       with row weighting for the unicost set covering problem. *European Journal of
       Operational Research*, 246(3), 750-761.
       https://doi.org/10.1016/j.ejor.2015.05.038
    """

    def __init__(
        self,
        cover: Cover,
        start: Positions,
        ledger: Ledger,
        found: Callable[[Positions], object] | None = None,
    ) -> None:
        self._cover, self._ledger, self._found = cover, ledger, found
        self.best = start
        self._state = _Weighted(cover, start)

    @property
    def cost(self) -> float:
        """Cost of the best set."""
        return math.fsum(self._cover.cost[self.best])

    def run(self, moves: int, *, enough: float = -math.inf) -> None:
        """Move until that was in vain so often, or the cost is low enough."""
        state, idle = self._state, 0
        least = self.cost
        while idle < moves and least > enough and len(self.best):
            if idle % _MOVES_PER_STEP == 0:
                self._ledger.spend(1.0)
            idle += 1
            while state.complete and least > enough:
                if self._take(np.flatnonzero(state.open)):
                    least, idle = self.cost, 0
                state.close_least()
            if least > enough:
                state.move(least * (1.0 - _LESS_SHARE), self._ledger.rng)

    def _take(self, chosen: Positions) -> bool:
        """Keep a set that covers everybody if it costs less."""
        if math.fsum(self._cover.cost[chosen]) >= self.cost:
            return False
        self.best = chosen
        if self._found is not None:
            self._found(chosen)
        return True


class _Weighted:
    """
    A set of open sites, with what opening each other one would cover by weight.

    Attributes
    ----------
    open : ndarray of bool, shape (m,)
    score : ndarray, shape (m,)
        Of a closed site: weight of the demand it covers that needs it. Of an open one:
        less the weight of the demand that would need it if it closed.
    """

    def __init__(self, cover: Cover, start: Positions) -> None:
        dearest = float(cover.cost.max())
        # What costs next to nothing is not infinitely better than what costs little.
        self._cost = np.maximum(cover.cost, _LESS_SHARE * dearest) if dearest else cover.cost + 1.0
        by_site = csr_array(cover.covers.T)
        by_row = csr_array(cover.covers)
        self._rows = np.split(by_site.indices, by_site.indptr[1:-1])
        self._sites = np.split(by_row.indices, by_row.indptr[1:-1])
        self._m = len(cover.sites)
        # How many more than needed cover each demand point; the sum of their numbers, which is
        # that of the only one where one is needed and one is there.
        self._spare = -cover.needs.astype(np.int64)
        self._sum = np.zeros(len(cover.needs), dtype=np.int64)
        self._single = bool((cover.needs == 1).all())
        self._weight = np.ones(len(cover.needs))
        self._moved = np.zeros(self._m, dtype=np.int64)
        self._moves = 0
        self._last = -1
        self.open = np.zeros(self._m, dtype=np.bool_)
        self.score = np.bincount(by_row.indices, minlength=self._m).astype(np.float64)
        for site in start.tolist():
            self._add(site)

    @property
    def complete(self) -> bool:
        """Everybody is covered."""
        return not bool((self._spare < 0).any())

    def close_least(self) -> None:
        """Close the open site that is missed least for its cost."""
        self._remove(self._missed_least(but=-1))

    def move(self, below: float, rng: np.random.Generator) -> None:
        """Close a site, and open others for uncovered demand as long as all cost less."""
        self._moves += 1
        if self.open.sum() > 1:
            closed = self._missed_least(but=self._last)
            self._remove(closed)
            self._moved[closed] = self._moves
        else:
            closed = -1
        paid = math.fsum(self._cost[self.open])
        while not self.complete:
            short = np.flatnonzero(self._spare < 0)
            row = int(short[rng.integers(len(short))])
            site = self._most_useful(self._sites[row], closed)
            if site < 0 or paid + self._cost[site] >= below:
                break
            self._add(site)
            paid += float(self._cost[site])
            self._moved[site] = self._moves
            self._last = site
        short = np.flatnonzero(self._spare < 0)
        self._weight[short] += 1.0
        self._shift(short, np.ones(len(short)), among=~self.open)
        if not self._single:
            self._shift(short, -np.ones(len(short)), among=self.open)

    def _missed_least(self, *, but: int) -> int:
        opened = np.flatnonzero(self.open)
        if len(opened) > 1:
            opened = opened[opened != but]
        return self._first(opened, self.score[opened] / self._cost[opened])

    def _most_useful(self, sites: Positions, but: int) -> int:
        """Return the site that covers most weight for its cost; -1 where all are open."""
        able = sites[~self.open[sites]]
        if len(able) > 1:
            able = able[able != but]
        return self._first(able, self.score[able] / self._cost[able]) if len(able) else -1

    def _first(self, sites: Positions, score: Floats) -> int:
        """Return the site of the highest score; of equals, that left alone longest."""
        best = sites[score == score.max()]
        return int(best[self._moved[best].argmin()])

    def _add(self, site: int) -> None:
        rows = self._rows[site]
        spare, weight = self._spare[rows], self._weight[rows]
        loose, tight = spare == 0, spare == -1
        self._shift_open(rows[loose], weight[loose])
        self._shift(rows[tight], -weight[tight], among=~self.open)
        self._spare[rows] = spare + 1
        self._sum[rows] += site
        self.open[site] = True
        self.score[site] = -weight[spare < 0].sum()

    def _remove(self, site: int) -> None:
        rows = self._rows[site]
        spare, weight = self._spare[rows] - 1, self._weight[rows]
        self._spare[rows] = spare
        self._sum[rows] -= site
        self.open[site] = False
        loose, tight = spare == 0, spare == -1
        self._shift_open(rows[loose], -weight[loose])
        self._shift(rows[tight], weight[tight], among=~self.open)
        self.score[site] = weight[spare < 0].sum()

    def _shift_open(self, rows: Positions, weight: Floats) -> None:
        """Add the weight of demand with no site to spare to the open sites that cover it."""
        if self._single:
            self.score += np.bincount(self._sum[rows], weight, minlength=self._m)
        else:
            self._shift(rows, weight, among=self.open)

    def _shift(self, rows: Positions, weight: Floats, among: Flags) -> None:
        """Add the weight of some demand to the scores of those of some sites that cover it."""
        if not len(rows):
            return
        lists = [self._sites[row] for row in rows.tolist()]
        sites = np.concatenate(lists)
        amount = np.repeat(weight, [len(one) for one in lists])
        kept = among[sites]
        self.score += np.bincount(sites[kept], amount[kept], minlength=self._m)
