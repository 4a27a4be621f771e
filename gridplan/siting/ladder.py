"""How far everybody walks, level by level: what a set of sites costs in several tolls at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from gridplan.siting.cover import Side
from gridplan.siting.highs import Model
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.options import Reach
from gridplan.siting.pairs import Pairs, cheapest_first, joined
from gridplan.siting.problem import Problem

# Rows of tolls are brought near this, where the absolute tolerances of HiGHS hide nothing.
_LARGEST_TOLL = 2.0**14
# Pairs that are sorted at once.
_BLOCK_PAIRS = 1_000_000


@dataclass(frozen=True)
class Toll:
    """
    What the walks of all residents cost in one sense, and how much that may be.

    Attributes
    ----------
    of : callable
        Metres to cost per resident; never falls with the metres.
    most : float
        What the total may be; ``inf`` for an objective.
    reach : Reach, optional
        The share within a distance that the limit stands for, to tell why no plan keeps it.
    """

    of: Callable[[Floats], Floats]
    most: float = math.inf
    reach: Reach | None = None


def walked(metres: Floats) -> Floats:
    """Return the metres themselves: the toll of the mean walk."""
    return metres


def beyond_radius(radius_m: float) -> Callable[[Floats], Floats]:
    """Return the toll of living farther than a radius: 1, else 0."""

    def beyond(metres: Floats) -> Floats:
        return (metres > radius_m).astype(np.float64)

    return beyond


def power_less_one(kappa_per_m: float) -> Callable[[Floats], Floats]:
    """Return the toll of the equally distributed equivalent walk."""

    def power(metres: Floats) -> Floats:
        return np.expm1(kappa_per_m * metres)

    return power


@dataclass(frozen=True)
class Ladder:
    r"""
    The different costs of each demand point, from its closest site outward.

    With :math:`v_{t,i,k}` for toll :math:`t` of demand :math:`i` at its level :math:`k`
    and :math:`z_{ik}` for "no open site is on level k or closer", the total of a toll is
    :math:`\sum_i (v_{t,i,1} + \sum_k (v_{t,i,k+1} - v_{t,i,k}) z_{ik})`: every toll
    is a linear function of the same columns.

    Attributes
    ----------
    pairs : Pairs
        Free sites closer than those that are open for certain, in metres.
    sites, opened : ndarray
        Positions in the problem of the free sites, and of those that are open for certain.
    start : ndarray, shape (n + 1,)
        Where the levels of each demand point begin.
    of_pair : ndarray, shape (k,)
        Level of each pair.
    level_m : ndarray, shape (n_levels,)
        Metres to the closest site of each level.
    values : ndarray, shape (n_tolls, n_levels)
        Weighted tolls.
    base : ndarray, shape (n_tolls, n)
        Where no free site serves; ``inf`` where then nobody does.
    slots : int or None
        Free sites to open; None for any number.
    side : Side
        Budget and counts, for the free sites.
    most : tuple of float
        What each toll but the first may come to.
    """

    pairs: Pairs
    sites: Positions
    opened: Positions
    start: Positions
    of_pair: Positions
    level_m: Floats
    values: Floats
    base: Floats
    slots: int | None
    side: Side
    most: tuple[float, ...]

    @property
    def count(self) -> Positions:
        """Levels of each demand point, shape (n,)."""
        return np.diff(self.start)

    def flags(self, chosen: Positions) -> Flags:
        """Return which columns are among some."""
        flags = np.zeros(len(self.sites), dtype=np.bool_)
        flags[chosen] = True
        return flags

    def ranks(self, chosen: Positions) -> Positions:
        """Return the level from which each demand point is served; its count for the base."""
        first = self.pairs.first_open(self.flags(chosen))
        ranks = self.count.copy()
        listed = np.flatnonzero(first < self.pairs.count)
        where = self.pairs.start[listed] + first[listed]
        ranks[listed] = self.of_pair[where] - self.start[listed]
        return ranks

    def metres_of(self, used: Positions) -> Floats:
        """Return the distance of the last of the first few levels, ``inf`` where none is left."""
        metres = np.full(len(used), np.inf)
        some = np.flatnonzero((used > 0) & (used <= self.count))
        metres[some] = self.level_m[self.start[some] + used[some] - 1]
        return metres

    def levels_within(self, reach_m: Floats) -> Positions:
        """Return how many levels of each demand point begin within a distance, at least one."""
        row = np.repeat(np.arange(len(reach_m)), self.count)
        inside = np.bincount(row[self.level_m <= reach_m[row]], minlength=len(reach_m))
        return np.maximum(inside, np.minimum(1, self.count))

    def tolls(self, ranks: Positions) -> Floats:
        """Return the total of each toll where demand is served from these levels."""
        paid = self.base.copy()
        listed = np.flatnonzero(ranks < self.count)
        paid[:, listed] = self.values[:, self.start[listed] + ranks[listed]]
        return np.array([math.fsum(row) for row in paid])

    def holds(self, chosen: Positions) -> bool:
        """Whether some columns keep the number, the budget and the counts."""
        if self.slots is not None and len(chosen) != self.slots:
            return False
        totals = self.side.matrix[:, chosen].sum(axis=1)
        slack = 1e-9 * np.maximum(1.0, np.abs(totals))
        within = (totals >= self.side.least - slack) & (totals <= self.side.most + slack)
        return bool(within.all())

    def allowed(self, tolls: Floats) -> bool:
        """Whether the tolls but the first are within what they may come to."""
        most = np.array(self.most)
        return bool((tolls[1:] <= most + 1e-9 * np.maximum(1.0, np.abs(most))).all())

    def model(self, used: Positions, barred: Sequence[Positions] = ()) -> tuple[Model, float]:
        """
        Return the model over the first few levels of each demand point, and its constant.

        Beyond those, demand pays the next level: every solution of the whole problem
        is one of this model, and costs no more here.

        Parameters
        ----------
        used : ndarray of int, shape (n,)
        barred : sequence of ndarray
            Sets of columns that are no answer.
        """
        levels = _used_levels(self, used)
        m, k = len(self.sites), len(levels.at)
        chain = _chain(self, levels)
        site_rows = [self.side.matrix]
        least, most = [self.side.least], [self.side.most]
        if self.slots is not None:
            site_rows.append(np.ones((1, m)))
            least.append(np.array([float(self.slots)]))
            most.append(np.array([float(self.slots)]))
        for columns in barred:
            # At least one site is another.
            site_rows.append(np.where(self.flags(columns), -1.0, 1.0)[None, :])
            least.append(np.array([1.0 - len(columns)]))
            most.append(np.array([math.inf]))
        beside = np.vstack(site_rows)
        beside = np.hstack([beside, np.zeros((len(beside), k))])
        bound, room = _toll_rows(self, levels)
        rows = vstack([chain, csr_array(beside), csr_array(bound)], format="csr")
        first = levels.is_first.astype(np.float64)
        model = Model(
            cost=np.concatenate([np.zeros(m), levels.step[0]]),
            rows=csr_array(rows),
            least=np.concatenate([first, *least, np.full(len(room), -np.inf)]),
            most=np.concatenate([np.full(k, np.inf), *most, room]),
            lower=np.zeros(m + k),
            upper=np.concatenate([np.ones(m), levels.may_pass.astype(np.float64)]),
            whole=np.concatenate([np.ones(m, np.bool_), np.zeros(k, np.bool_)]),
        )
        return model, float(levels.lowest[0])

    def columns(self, used: Positions, chosen: Positions) -> Floats:
        """Return a set of columns as values of the model over the first few levels."""
        levels = _used_levels(self, used)
        passed = levels.rank < self.ranks(chosen)[levels.row]
        return np.concatenate([self.flags(chosen).astype(np.float64), passed.astype(np.float64)])

    def reached(self, used: Positions, passing: Floats) -> Positions:
        """Return the demand that a solution leads past its used levels, though it has more."""
        levels = _used_levels(self, used)
        last = levels.rank == used[levels.row] - 1
        rows = levels.row[last & (passing > _PASSING)]
        further: Positions = rows[used[rows] < self.count[rows]]
        return further


_PASSING = 1e-6


@dataclass(frozen=True)
class _Levels:
    """The levels of a model: where they are, whose, and what passing each one adds."""

    at: Positions
    row: Positions
    rank: Positions
    step: Floats
    is_first: Flags
    may_pass: Flags
    lowest: Floats


def _used_levels(ladder: Ladder, used: Positions) -> _Levels:
    row = np.repeat(np.arange(len(used)), used)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(used) - used, used)
    at = ladder.start[row] + rank
    further = rank + 1 < ladder.count[row]
    after = ladder.base[:, row]
    after[:, further] = ladder.values[:, at[further] + 1]
    may_pass = np.isfinite(after[0])
    step = np.where(may_pass, after - ladder.values[:, at], 0.0)
    some = ladder.count > 0
    lowest = ladder.base.copy()
    lowest[:, some] = ladder.values[:, ladder.start[:-1][some]]
    totals = np.array([math.fsum(one) for one in lowest])
    return _Levels(at, row, rank, step, rank == 0, may_pass, totals)


def _chain(ladder: Ladder, levels: _Levels) -> csr_array:
    """Return the rows: passed here, or served here, or served before."""
    m, k = len(ladder.sites), len(levels.at)
    number = np.full(ladder.values.shape[1], -1)
    number[levels.at] = np.arange(k)
    level = number[ladder.of_pair]
    inside = np.flatnonzero(level >= 0)
    chained = np.flatnonzero(~levels.is_first)
    row = np.concatenate([level[inside], np.arange(k), chained])
    column = np.concatenate([ladder.pairs.site[inside], m + np.arange(k), m + chained - 1])
    value = np.concatenate([np.ones(len(inside) + k), -np.ones(len(chained))])
    return csr_array((value, (row, column)), shape=(k, m + k))


def _toll_rows(ladder: Ladder, levels: _Levels) -> tuple[Floats, Floats]:
    """Return a row for each toll that is limited, and what is left for it."""
    m, k = len(ladder.sites), len(levels.at)
    rows, room = np.zeros((len(ladder.most), m + k)), np.zeros(len(ladder.most))
    for at, most in enumerate(ladder.most):
        step = levels.step[at + 1]
        largest = float(step.max(initial=0.0))
        scale = _LARGEST_TOLL / largest if largest > 0 else 1.0
        rows[at, m:] = step * scale
        room[at] = (most + 1e-9 * max(1.0, abs(most)) - levels.lowest[at + 1]) * scale
    return rows, room


def weighted(tolls: Sequence[Toll], weights: Floats, metres: Floats) -> Floats:
    """Return each toll of some walks, ``inf`` where there is no way, shape (n_tolls, n)."""
    there = np.isfinite(metres)
    if there.all():
        return np.stack([weights * toll.of(metres) for toll in tolls])
    found = np.full((len(tolls), *metres.shape), np.inf)
    share = np.broadcast_to(weights, metres.shape)[there]
    for at, toll in enumerate(tolls):
        found[at, there] = share * toll.of(metres[there])
    return found


def _no_look() -> None:
    """Look at no clock."""


def _sorted_pairs(
    problem: Problem, rows: Positions, free: Flags, base_m: Floats, look: Callable[[], None]
) -> Pairs:
    """Return the pairs that are nearer than the base, some rows at a time to spare memory."""
    size = max(1, _BLOCK_PAIRS // max(1, int(free.sum())))
    parts = []
    for first in range(0, len(rows), size):
        look()
        block = slice(first, first + size)
        parts.append(cheapest_first(problem.cost[np.ix_(rows[block], free)], base_m[block]))
    look()
    return joined(parts, int(free.sum()))


def make_ladder(
    problem: Problem,
    tolls: Sequence[Toll],
    p: int | None,
    *,
    opened: Flags,
    closed: Flags,
    look: Callable[[], None] | None = None,
) -> Ladder:
    """
    Return the levels of the sites that are neither open nor closed for certain.

    Parameters
    ----------
    tolls : sequence of Toll
        The first is the objective.
    opened, closed : ndarray of bool, shape (n_sites,)
    look : callable, optional
        Called every few rows, and may raise: a large ladder takes its time.
    """
    free = ~opened & ~closed
    look = look or _no_look
    counted = np.flatnonzero(problem.counted)
    weights = problem.weights[counted]
    base_m = problem.cost[np.ix_(counted, opened)].min(axis=1, initial=np.inf)
    base = weighted(tolls, weights, base_m)
    pairs = _sorted_pairs(problem, counted, free, base_m, look)
    values = weighted(tolls, weights[pairs.row], pairs.cost)
    look()
    cheaper = np.asarray((values < base[:, pairs.row]).any(axis=0))
    pairs, values = pairs.kept(cheaper), values[:, cheaper]
    new = np.ones(len(pairs.cost), dtype=np.bool_)
    same = (pairs.row[1:] == pairs.row[:-1]) & (values[:, 1:] == values[:, :-1]).all(axis=0)
    new[1:] = ~same
    level = np.cumsum(new) - 1
    counts = np.bincount(pairs.row[new], minlength=len(weights))
    matrix, least, most = problem.conditions.rows(len(free))
    taken = matrix[:, opened].sum(axis=1)
    return Ladder(
        pairs=pairs,
        sites=np.flatnonzero(free),
        opened=np.flatnonzero(opened),
        start=np.concatenate([[0], np.cumsum(counts)]),
        of_pair=level,
        level_m=pairs.cost[new],
        values=values[:, new],
        base=base,
        slots=None if p is None else int(p) - int(opened.sum()),
        side=Side(matrix[:, free], least - taken, most - taken),
        most=tuple(toll.most for toll in tolls[1:]),
    )
