"""A bound from below: each demand point offers a price, each site takes what pays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridplan.siting.core import Choice, Core, cheapest, forced
from gridplan.siting.interchange import plan_among
from gridplan.siting.kicks import shake
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.pairs import Pairs
from gridplan.siting.search import Search

_ITERATIONS = 400
_FIRST_STEP = 1.0
_LEAST_STEP = 1e-3
_PATIENCE = 20
_STEP_SHRINK = 0.7
_MEMORY = 0.8
# Kicks without success after which the best plan is left as it is.
_KICKS = 60
# Weight of the latest iteration in the running share of use.
_USE_SHARE = 0.03
# A site is in use if it was open in more than this share of the late iterations.
USED_SHARE = 0.02
# How often the open sites of the relaxation are taken as the start of a search for plans.
_PLAN_EVERY = 40
# Share of closed sites at which copying the matrix without them pays.
_SHRINK_SHARE = 0.1
# Pairs up to this factor of the price are kept at hand: prices move, but not far.
_REACH = 1.3
_STRIDE = 1.5


@dataclass(frozen=True)
class Dual:
    """
    The best prices found, and how often each site was open on the way.

    Attributes
    ----------
    core : Core
        What was left open: sites that no better plan uses are gone.
    prices : ndarray, shape (n,)
        Multiplier of each demand point.
    use : ndarray, shape (m,)
        Share of the late iterations in which a site was open.
    """

    core: Core
    prices: Floats
    use: Floats

    @property
    def shares(self) -> Floats:
        """The use of the sites, scaled to the slots: close to a solution of the relaxation."""
        shares: Floats = np.clip(self.use * self.core.slots / max(self.use.sum(), 1e-9), 0.0, 1.0)
        return shares


def subgradient(core: Core, search: Search) -> Dual:
    r"""
    Raise the Lagrangian bound, close and open sites for certain, collect plans.

    With the assignment constraints relaxed, prices :math:`\lambda_i` give

    .. math::
        L(\lambda) = \sum_i \lambda_i + \min_{|S| = p} \sum_{j \in S} \rho_j,
        \qquad \rho_j = \sum_i \min(0, c_{ij} - \lambda_i),

    which is never above the optimum [1]_ [2]_. The prices follow a deflected
    subgradient; the step shrinks, and the search restarts from the best prices,
    when the bound has not risen for a while. A site whose forced opening
    (closing) lifts the bound above the best plan is closed (opened) for certain.

    References
    ----------
    .. [1] Beasley, J. E. (1993). Lagrangean heuristics for location problems.
       *European Journal of Operational Research*, 65(3), 383-399.
       https://doi.org/10.1016/0377-2217(93)90118-7
    .. [2] Avella, P., Boccia, M., Salerno, S. and Vasilyev, I. (2012). An
       aggregation heuristic for large scale p-median problem. *Computers &
       Operations Research*, 39(7), 1625-1632.
       https://doi.org/10.1016/j.cor.2011.09.016
    """
    walk = _Walk.begin(core, core.like(search.sites, np.zeros(len(core.sites))))
    for iteration in range(_ITERATIONS):
        search.spend(1)
        choice, bound, slack = walk.evaluate()
        search.raise_bound(bound)
        if iteration % _PLAN_EVERY == 0:
            chosen = np.nonzero(choice.chosen)[0]
            plan_among(walk.core, chosen, np.nonzero(walk.use > USED_SHARE)[0], search)
        walk.step(choice, bound, slack, search.value)
        walk.narrow(choice, bound, search)
        if search.closed or walk.settled:
            break
    if not search.closed and not walk.core.decided:
        used = np.nonzero(walk.use > USED_SHARE)[0]
        shake(walk.core, walk.core.like(search.sites, walk.use), used, search, kicks=_KICKS)
        walk.prices = walk.best_prices
        choice, bound, _ = walk.evaluate()
        walk.narrow(choice, bound, search)
    return Dual(walk.core, walk.best_prices, walk.use)


@dataclass(frozen=True)
class _Window:
    """The pairs that can cost less than the prices, as long as no price exceeds its `top`."""

    pairs: Pairs
    top: Floats

    @classmethod
    def around(cls, pairs: Pairs, prices: Floats) -> _Window:
        count = pairs.below(_REACH * prices)
        return cls(pairs.prefix(count), pairs.paid(count))

    def widened(self, pairs: Pairs, prices: Floats) -> _Window:
        """Return a window for prices of which some have left this one."""
        beyond = prices > self.top
        return self.around(pairs, np.where(beyond, _STRIDE * prices, self.top / _REACH))

    def holds(self, prices: Floats) -> bool:
        return bool((prices <= self.top).all())

    def saved(self, prices: Floats) -> Floats:
        """Return by how much each pair undercuts the price, 0 where it does not."""
        over = prices[self.pairs.row]
        over -= self.pairs.cost
        return np.maximum(over, 0.0, out=over)


@dataclass
class _Walk:
    core: Core
    window: _Window
    prices: Floats
    best_prices: Floats
    direction: Floats
    use: Floats
    best_bound: float = -np.inf
    length: float = _FIRST_STEP
    stalled: int = 0

    @classmethod
    def begin(cls, core: Core, plan: Positions) -> _Walk:
        prices = _first_prices(core, plan)
        return cls(
            core=core,
            window=_Window.around(core.pairs, prices),
            prices=prices,
            best_prices=prices,
            direction=np.zeros(len(prices)),
            use=np.zeros(len(core.sites)),
        )

    @property
    def settled(self) -> bool:
        """Nothing is left to choose, or the steps have become too small to matter."""
        return self.core.decided or self.length < _LEAST_STEP

    def evaluate(self) -> tuple[Choice, float, Floats]:
        """Return the cheapest sites at these prices, the bound, and 1 - times served."""
        if not self.window.holds(self.prices):
            self.window = self.window.widened(self.core.pairs, self.prices)
        pairs = self.window.pairs
        saved = self.window.saved(self.prices)
        total = np.bincount(pairs.site, weights=saved, minlength=pairs.n_sites)
        site_price = np.negative(total, dtype=np.float64)
        nothing = np.zeros(len(site_price), dtype=np.bool_)
        choice = cheapest(site_price, self.core.slots, opened=nothing, closed=nothing)
        serving = np.nonzero(choice.chosen[pairs.site] & (saved > 0.0))[0]
        slack = np.ones(len(pairs))
        slack -= np.bincount(pairs.row[serving], minlength=len(pairs))
        return choice, float(self.prices.sum() + choice.total), slack

    def step(self, choice: Choice, bound: float, slack: Floats, target: float) -> None:
        """Move the prices along the deflected subgradient, or go back to the best ones."""
        self.use += _USE_SHARE * (choice.chosen - self.use)
        self.stalled += 1
        if bound > self.best_bound:
            self.best_bound, self.best_prices, self.stalled = bound, self.prices, 0
        self.direction = slack + _MEMORY * self.direction
        if self.stalled >= _PATIENCE:
            self.length, self.stalled = self.length * _STEP_SHRINK, 0
            self.prices, self.direction = self.best_prices, slack
        # Not by `@`: the threads of a BLAS wait for each other where the machine is busy.
        norm = float(np.square(self.direction).sum())
        if norm > 0.0:
            move = self.length * max(0.0, target - bound) / norm
            # Above its base a demand point is served anyway: a higher price gains nothing.
            moved = np.maximum(self.prices + move * self.direction, 0.0)
            self.prices = np.minimum(moved, self.core.base)

    def narrow(self, choice: Choice, bound: float, search: Search) -> None:
        """Drop sites whose opening or closing leads to no better plan."""
        nothing = np.zeros(len(choice.chosen), dtype=np.bool_)
        opened, closed = forced(choice, search.room - bound, opened=nothing, closed=nothing)
        if not opened.any() and closed.sum() < _SHRINK_SHARE * len(closed):
            return
        free = ~opened & ~closed
        self.core = self.core.without(opened=opened, closed=closed)
        self.use = self.use[free]
        self.prices = np.minimum(self.prices, self.core.base)
        self.best_prices = np.minimum(self.best_prices, self.core.base)
        self.window = _Window.around(self.core.pairs, self.prices)


def _first_prices(core: Core, plan: Positions) -> Floats:
    """Return the mean of what the closest and the second closest site of a plan cost."""
    is_open = core.flags(plan)
    first = core.pairs.first_open(is_open)
    second = core.pairs.second_open(is_open, first)
    paid = core.pairs.paid(first)
    # A base that stands for no service at all is no price to begin with.
    last = np.maximum(core.pairs.paid(np.maximum(core.pairs.count - 1, 0)), paid)
    prices: Floats = (paid + np.minimum(core.pairs.paid(second), last)) / 2.0
    return prices
