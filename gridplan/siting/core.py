"""The part of a p-median that is still open: free sites, free slots, demand that counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.siting.matrix import Flags, Floats
from gridplan.siting.problem import Problem

Positions = npt.NDArray[np.intp]

_EXACT_INTEGERS = 2.0**53
# A real plan costs at most 1 / _PENALTY_FACTOR of the penalty: no rounding blurs the two.
_PENALTY_FACTOR = 2.0
_INFEASIBLE_SHARE = 0.75


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
    cost : ndarray, shape (n, m)
        Weighted cost :math:`c_{ij} = w_i d_{ij}`, never above `base`.
    base : ndarray, shape (n,)
        What demand pays if no free site is open.
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

    cost: Floats
    base: Floats
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
    def hopeless(self) -> float:
        """A bound above this proves that no plan serves everybody."""
        return _INFEASIBLE_SHARE * self.penalty

    def value(self, chosen: Positions) -> float:
        """Return the objective of a set of columns, opened sites included."""
        paid = self.base
        if len(chosen):
            paid = np.minimum(paid, self.cost[:, chosen].min(axis=1))
        return math.fsum(paid)

    def positions(self, chosen: Positions) -> Positions:
        """Return all open sites of a plan as positions in the problem, ascending."""
        return np.sort(np.concatenate([self.opened, self.sites[chosen]]))

    def without(self, *, opened: Flags, closed: Flags) -> Core:
        """Return the core in which some columns are open and some closed for certain."""
        free = ~opened & ~closed
        base = self.base
        if opened.any():
            base = np.minimum(base, self.cost[:, opened].min(axis=1))
        return Core(
            cost=np.minimum(self.cost[:, free], base[:, None]),
            base=base,
            sites=self.sites[free],
            opened=np.concatenate([self.opened, self.sites[opened]]),
            slots=self.slots - int(opened.sum()),
            penalty=self.penalty,
            integral=self.integral,
        )


def make_core(problem: Problem, p: int) -> Core:
    """Return the open part of choosing `p` sites, with the sites that must be open folded in."""
    weights = problem.weights[problem.counted]
    cost = problem.cost[problem.counted] * weights[:, None]
    free = problem.may_open & ~problem.must_open
    finite = np.where(np.isfinite(cost) & problem.may_open, cost, 0.0)
    dearest = finite.max(axis=1)
    penalty = float(math.ceil(1.0 + _PENALTY_FACTOR * math.fsum(dearest)))
    whole = bool((finite == np.floor(finite)).all()) and penalty < _EXACT_INTEGERS
    base = cost[:, problem.must_open].min(axis=1, initial=np.inf)
    # Where every free site serves, the dearest of them is the worst that can happen.
    always = np.isfinite(cost[:, free]).all(axis=1) & (p > problem.must_open.sum())
    base = np.minimum(base, np.where(always, dearest, penalty))
    return Core(
        cost=np.minimum(cost[:, free], base[:, None]),
        base=base,
        sites=np.nonzero(free)[0],
        opened=np.nonzero(problem.must_open)[0],
        slots=int(p) - int(problem.must_open.sum()),
        penalty=penalty,
        integral=whole,
    )


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
