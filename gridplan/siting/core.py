"""The part of a p-median that is still open: free sites, free slots, demand that counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.pairs import Pairs, cheapest_first, joined
from gridplan.siting.problem import Problem

_EXACT_INTEGERS = 2.0**53
# A real plan costs at most 1 / _PENALTY_FACTOR of the penalty: no rounding blurs the two.
_PENALTY_FACTOR = 2.0
_INFEASIBLE_SHARE = 0.75
# Pairs weighted together: large enough for numpy, small enough for memory.
_BLOCK_PAIRS = 1_000_000


@dataclass(frozen=True)
class Core:
    r"""
    What a p-median still has to decide.

    Sites that are open for certain are folded into `base`, so that
    demand :math:`i` pays :math:`\min(b_i, \min_{j \in S} c_{ij})` for a set
    :math:`S` of `slots` free sites. Demand that no open site serves pays
    `penalty`, which is more than all demand can pay in any real plan: a plan
    serves everybody if and only if it costs less than `penalty`.

    Attributes
    ----------
    pairs : Pairs
        Weighted costs :math:`c_{ij} = w_i d_{ij}` below the base, cheapest first.
    sites : ndarray, shape (m,)
        Positions of the free sites in the problem.
    opened : ndarray
        Positions of the sites that are open for certain.
    slots : int
        Free sites to open.
    penalty : float
    integral : bool
        All costs are whole numbers, so every objective is one.
    """

    pairs: Pairs
    sites: Positions
    opened: Positions
    slots: int
    penalty: float
    integral: bool

    @property
    def decided(self) -> bool:
        """Only one set of free sites fills the slots."""
        return self.slots in {0, len(self.sites)}

    @property
    def fewest(self) -> int:
        """Free sites that are open at least."""
        return self.slots

    @property
    def hopeless(self) -> float:
        """A bound above this proves that no plan serves everybody."""
        return _INFEASIBLE_SHARE * self.penalty

    @property
    def base(self) -> Floats:
        """What demand pays if no free site is open, shape (n,)."""
        return self.pairs.base

    def value(self, chosen: Positions) -> float:
        """Return the objective of a set of columns, opened sites included."""
        return math.fsum(self.pairs.paid(self.first_ranks(chosen)))

    @property
    def tolls(self) -> Floats:
        """What opening each free site costs by itself, shape (m,): nothing."""
        return np.zeros(len(self.sites))

    def choose(self, price: Floats, *, opened: Flags, closed: Flags) -> Choice:
        """Return the cheapest way to open free sites at some prices, see `cheapest`."""
        return cheapest(price, self.slots, opened=opened, closed=closed)

    def only_plan(self, *, opened: Flags, closed: Flags) -> Positions | None:
        """Return the one plan that some fixings leave, None if they leave several."""
        left = self.slots - int(opened.sum())
        free = ~opened & ~closed
        if left not in {0, int(free.sum())}:
            return None
        return np.nonzero(opened | (free & (left > 0)))[0]

    def first_ranks(self, chosen: Positions) -> Positions:
        """Return the rank of the cheapest of some columns in each list, shape (n,)."""
        return self.pairs.first_open(self.flags(chosen))

    def flags(self, chosen: Positions) -> Flags:
        """Return which columns are among some, shape (m,)."""
        flags = np.zeros(len(self.sites), dtype=np.bool_)
        flags[chosen] = True
        return flags

    def positions(self, chosen: Positions) -> Positions:
        """Return all open sites of a plan as positions in the problem, ascending."""
        return np.sort(np.concatenate([self.opened, self.sites[chosen]]))

    def like(self, positions: Positions, weight: Floats) -> Positions:
        """
        Return columns that fill the slots: a plan's own as far as they go, then by weight.

        The best plan known may use sites that are closed here, since no better one
        does, and lack some that are open.

        Parameters
        ----------
        positions : ndarray
            Open sites of a plan, as positions in the problem.
        weight : ndarray, shape (m,)
            0 to 1; decides which are added, or left out where they are too many.
        """
        score = np.where(np.isin(self.sites, positions), 2.0, 0.0) + weight
        return np.sort(np.argsort(-score, kind="stable")[: self.slots])

    def without(self, *, opened: Flags, closed: Flags) -> Core:
        """Return the core in which some columns are open and some closed for certain."""
        free = ~opened & ~closed
        base = self.base
        if opened.any():
            base = self.pairs.paid(self.first_ranks(np.nonzero(opened)[0]))
        return Core(
            pairs=self.pairs.without(base=base, free=free),
            sites=self.sites[free],
            opened=np.concatenate([self.opened, self.sites[opened]]),
            slots=self.slots - int(opened.sum()),
            penalty=self.penalty,
            integral=self.integral,
        )


def make_core(problem: Problem, p: int, *, look: Callable[[], None] | None = None) -> Core:
    """
    Return the open part of choosing `p` sites, with the sites that must be open folded in.

    `look` is called every few rows, and may raise: a large core takes its time.
    """
    rows = np.nonzero(problem.counted)[0]
    dearest, whole = _dearest(problem, rows, look)
    penalty = float(math.ceil(1.0 + _PENALTY_FACTOR * math.fsum(dearest)))
    free = problem.may_open & ~problem.must_open
    choosing = p > problem.must_open.sum()
    parts = []
    for block, cost in _weighted(problem, rows, look):
        base = cost[:, problem.must_open].min(axis=1, initial=np.inf)
        among = cost[:, free]
        # Where every free site serves, the dearest of them is the worst that can happen.
        always = np.isfinite(among).all(axis=1) & choosing
        base = np.minimum(base, np.where(always, dearest[block], penalty))
        parts.append(cheapest_first(among, base))
    return Core(
        pairs=joined(parts, int(free.sum())),
        sites=np.nonzero(free)[0],
        opened=np.nonzero(problem.must_open)[0],
        slots=int(p) - int(problem.must_open.sum()),
        penalty=penalty,
        integral=whole and penalty < _EXACT_INTEGERS,
    )


def _weighted(
    problem: Problem, rows: Positions, look: Callable[[], None] | None
) -> Iterator[tuple[slice, Floats]]:
    """Yield the weighted cost of some demand, a few rows at a time to spare memory."""
    size = max(1, _BLOCK_PAIRS // max(1, problem.cost.shape[1]))
    for first in range(0, len(rows), size):
        if look is not None:
            look()
        part = rows[first : first + size]
        yield slice(first, first + size), problem.cost[part] * problem.weights[part, None]


def _dearest(
    problem: Problem, rows: Positions, look: Callable[[], None] | None
) -> tuple[Floats, bool]:
    """Return the dearest allowed pair of some demand, and whether all are whole numbers."""
    dearest, whole = np.zeros(len(rows)), True
    for block, cost in _weighted(problem, rows, look):
        finite = np.where(np.isfinite(cost) & problem.may_open, cost, 0.0)
        dearest[block] = finite.max(axis=1)
        whole = whole and bool((finite == np.floor(finite)).all())
    return dearest, whole


@dataclass(frozen=True)
class Choice:
    """
    The cheapest way to fill the slots at given site prices.

    Attributes
    ----------
    total : float
        Sum of the prices of the chosen sites.
    chosen : ndarray of bool, shape (m,)
    extra : ndarray, shape (m,)
        How much dearer the total gets if a site outside is forced open, or one
        inside forced closed.
    """

    total: float
    chosen: Flags
    extra: Floats


def cheapest(price: Floats, slots: int, *, opened: Flags, closed: Flags) -> Choice:
    """
    Fill the slots with the sites that are open anyway and the cheapest others.

    Ties go to the earlier site, so that the choice does not depend on how
    sorting works inside.

    Examples
    --------
    >>> none = np.zeros(3, dtype=bool)
    >>> best = cheapest(np.array([-5.0, -9.0, -2.0]), 2, opened=none, closed=none)
    >>> best.total, best.chosen.tolist(), best.extra.tolist()
    (-14.0, [True, True, False], [3.0, 7.0, 3.0])
    """
    free = np.nonzero(~opened & ~closed)[0]
    left = slots - int(opened.sum())
    order = free[np.argsort(price[free], kind="stable")]
    chosen = opened.copy()
    chosen[order[:left]] = True
    last_in = price[order[left - 1]] if left else -np.inf
    next_in = price[order[left]] if left < len(order) else np.inf
    extra = np.where(chosen, next_in - price, price - last_in)
    return Choice(float(price[chosen].sum()), chosen, extra)


def forced(choice: Choice, room: float, *, opened: Flags, closed: Flags) -> tuple[Flags, Flags]:
    """
    Return which sites every better plan opens, and which none does.

    `room` is how far the bound of `choice` lies below the best plan known: a
    change that costs more than this leads to no better plan.
    """
    settled = ~opened & ~closed & (choice.extra > room)
    return opened | (settled & choice.chosen), closed | (settled & ~choice.chosen)
