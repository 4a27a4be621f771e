"""A bound from below: each demand point offers a price, each site takes what pays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridplan.siting.core import Choice, Core, cheapest, forced
from gridplan.siting.interchange import plan_among
from gridplan.siting.matrix import Floats
from gridplan.siting.search import Search

_ITERATIONS = 400
_FIRST_STEP = 1.0
_LEAST_STEP = 1e-3
_PATIENCE = 20
_STEP_SHRINK = 0.7
_MEMORY = 0.7
# Weight of the latest iteration in the running share of use.
_USE_SHARE = 0.03
# A site is in use if it was open in more than this share of the late iterations.
USED_SHARE = 0.02
# Pairs of the hot loop that stay in the processor's cache.
_BLOCK_PAIRS = 65_536
# How often the open sites of the relaxation are taken as the start of a search for plans.
_PLAN_EVERY = 40
# Share of closed sites at which copying the matrix without them pays.
_SHRINK_SHARE = 0.1


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
    walk = _Walk.begin(core)
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
    return Dual(walk.core, walk.best_prices, walk.use)


@dataclass
class _Walk:
    core: Core
    by_site: Floats
    prices: Floats
    best_prices: Floats
    direction: Floats
    use: Floats
    best_bound: float = -np.inf
    length: float = _FIRST_STEP
    stalled: int = 0

    @classmethod
    def begin(cls, core: Core) -> _Walk:
        prices = _first_prices(core)
        return cls(
            core=core,
            by_site=np.ascontiguousarray(core.cost.T),
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
        total = self.prices.sum()
        site_price = capped_sums(self.by_site, self.prices) - total
        nothing = np.zeros(len(site_price), dtype=np.bool_)
        choice = cheapest(site_price, self.core.slots, opened=nothing, closed=nothing)
        served = (self.by_site[choice.chosen] < self.prices).sum(axis=0)
        return choice, float(total + choice.total), 1.0 - served

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
        norm = float(self.direction @ self.direction)
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
        self.by_site = np.ascontiguousarray(self.core.cost.T)
        self.use = self.use[free]
        self.prices = np.minimum(self.prices, self.core.base)
        self.best_prices = np.minimum(self.best_prices, self.core.base)


def _first_prices(core: Core) -> Floats:
    """Return what each demand point pays at about the second of `slots` spread-out sites."""
    rank = min(len(core.sites) // (2 * core.slots), len(core.sites) - 1)
    near = np.partition(core.cost, rank, axis=1)[:, rank]
    dearest = np.where(core.cost < core.base[:, None], core.cost, 0.0).max(axis=1)
    prices: Floats = np.minimum(near, dearest)
    return prices


def capped_sums(by_site: Floats, prices: Floats) -> Floats:
    """Return the sum of min(cost, price) of each site, shape (m,)."""
    sums = np.empty(len(by_site))
    size = max(1, _BLOCK_PAIRS // max(1, len(prices)))
    part = np.empty((min(size, len(by_site)), len(prices)))
    for first in range(0, len(by_site), size):
        block = by_site[first : first + size]
        np.minimum(block, prices, out=part[: len(block)])
        part[: len(block)].sum(axis=1, out=sums[first : first + size])
    return sums
