"""Hard capacities beside budget, counts by group and limits on further tolls: the problem."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from gridplan.siting.cover import Side
from gridplan.siting.ladder import Toll
from gridplan.siting.loads import Loads
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.packing import FITS, Packed, Packing, PackingSearch, make_packing
from gridplan.siting.problem import Problem

_SLACK = 1e-9
_EXACT_INTEGERS = 2.0**53


@dataclass(frozen=True)
class Ruled:
    """
    A packing whose plans keep further conditions.

    Attributes
    ----------
    packing : Packing
        Its cost is the first toll, weighted. Its slots mean nothing.
    slots : int or None
        Open sites, those that must be open included; None for any number.
    side : Side
        Budget and counts, for the sites of the packing.
    further : ndarray, shape (n_tolls, n, m)
        Weighted tolls besides the first; 0 where a pair is not allowed.
    most : ndarray, shape (n_tolls,)
        What the total of each may be.
    """

    packing: Packing
    slots: int | None
    side: Side
    further: Floats
    most: Floats

    @property
    def allowed_most(self) -> Floats:
        """What each further toll may come to, and what rounding may add to a sum."""
        return self.most + _SLACK * np.maximum(1.0, np.abs(self.most))

    @property
    def endless(self) -> Flags:
        """Sites that hold all there is, shape (m,)."""
        return np.asarray(self.packing.capacity >= math.fsum(self.packing.load))

    def holds(self, chosen: Positions) -> bool:
        """Whether open sites are as many as they should be, and keep budget and counts."""
        if self.slots is not None and len(chosen) != self.slots:
            return False
        totals = np.array([math.fsum(row) for row in self.side.matrix[:, chosen]])
        slack = _SLACK * np.maximum(1.0, np.abs(totals))
        side = self.side
        within = (totals >= side.least - slack) & (totals <= side.most + slack)
        must = np.isin(np.flatnonzero(self.packing.must), chosen)
        return bool(within.all() and must.all())

    def may_add(self, chosen: Positions) -> Flags:
        """Return which sites can be opened besides without breaking an upper limit."""
        totals = self.side.matrix[:, chosen].sum(axis=1)[:, None] + self.side.matrix
        most = self.side.most + _SLACK * np.maximum(1.0, np.abs(self.side.most))
        able = np.asarray((totals <= most[:, None]).all(axis=0))
        able[chosen] = False
        return able

    def lacking(self, chosen: Positions) -> Flags:
        """Return which sites are in a group that has too few open ones."""
        short = self.side.matrix[:, chosen].sum(axis=1) < self.side.least - _SLACK
        return np.asarray((self.side.matrix[short] > 0).any(axis=0))

    def tolls(self, assigned: Positions) -> Floats:
        """Return the totals of the further tolls of an assignment."""
        every = np.arange(len(assigned))
        return np.array([math.fsum(toll[every, assigned]) for toll in self.further])

    def keeps(self, chosen: Positions, assigned: Positions) -> bool:
        """Whether a plan keeps everything but capacities and allowed pairs."""
        there = bool(np.isin(assigned, chosen).all())
        within = bool((self.tolls(assigned) <= self.allowed_most).all())
        return there and within and self.holds(chosen)

    def priced(self, prices: Floats) -> Packing:
        """Return the packing with each further toll at a price, added to its cost."""
        if not prices.any():
            return self.packing
        added = np.tensordot(prices, self.further, axes=1)
        return replace(self.packing, cost=self.packing.cost + added)


@dataclass
class RuledSearch(PackingSearch):
    """
    Best plan that keeps all conditions, and bound, so far.

    `target`: where it is only asked whether a plan costs no more than this.
    """

    ruled: Ruled = field(kw_only=True)
    target: float = field(default=-math.inf, kw_only=True)

    @property
    def closed(self) -> bool:
        """Nothing is left to do: the gap is reached, or what was asked is known."""
        asked = math.isfinite(self.target)
        return super().closed or (asked and (self.value <= self.target or self.bound > self.target))

    @property
    def beyond(self) -> float:
        """What costs this or more is not asked for."""
        if not math.isfinite(self.target):
            return self.value
        if self.integral:
            return min(self.value, math.floor(self.target) + 1.0)
        return min(self.value, self.target + 2.0 * _SLACK * max(1.0, abs(self.target)))

    def keep(self, packing: Packing, chosen: Positions, assigned: Positions) -> bool:
        """Keep a plan if everything holds and it is better than the best; True if it was."""
        del packing  # It may have other prices.
        value = self.ruled.packing.value(assigned)
        if value >= self.value or not self.ruled.keeps(chosen, assigned):
            return False
        self.packed = Packed(value, np.sort(chosen), assigned.copy())
        self._tell()
        return True


def make_ruled(problem: Problem, tolls: tuple[Toll, ...], p: int | None, loads: Loads) -> Ruled:
    """
    Return the part of a problem that counts, with its conditions.

    Pairs that are farther than a site that is open in any case and holds all there is are left
    out: whoever uses one can go there, which makes no toll greater and breaks no limit.

    Parameters
    ----------
    tolls : tuple of Toll
        The objective, then those that are limited.
    """
    most_sites = int(problem.may_open.sum()) if p is None else p
    packing = make_packing(problem, most_sites, loads.load, loads.capacity)
    rows, sites = packing.rows, packing.sites
    metres = problem.cost[np.ix_(rows, sites)]
    last = packing.must & (packing.capacity >= math.fsum(packing.load))
    nearest = metres[:, last].min(axis=1, initial=np.inf)
    allowed = np.isfinite(packing.cost) & (metres <= nearest[:, None])
    weights = problem.weights[rows, None]
    paid = [_paid(toll.of, metres, weights, allowed) for toll in tolls]
    whole = bool((paid[0] == np.floor(paid[0])).all()) and paid[0].sum() < _EXACT_INTEGERS
    matrix, least, most = problem.conditions.rows(len(problem.site_ids))
    limited = np.array([toll.most for toll in tolls[1:]])
    used = np.isfinite(limited)
    return Ruled(
        packing=replace(packing, cost=np.where(allowed, paid[0], np.inf), integral=whole),
        slots=None if p is None else int(p),
        side=Side(matrix[:, sites], least, most),
        further=np.array(paid)[1:][used],
        most=limited[used],
    )


def _paid(
    toll: Callable[[Floats], Floats], metres: Floats, weights: Floats, allowed: Flags
) -> Floats:
    paid = np.zeros(metres.shape)
    share = np.broadcast_to(weights, metres.shape)[allowed]
    paid[allowed] = share * toll(metres[allowed])
    return paid


def fits_sum(ruled: Ruled, chosen: Positions) -> bool:
    """Whether open sites hold all load in total."""
    packing = ruled.packing
    return math.fsum(packing.load) <= math.fsum(packing.capacity[chosen]) * FITS
