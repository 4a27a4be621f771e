"""A p-median with capacities: who may go where, what fits, and the best plan so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from gridplan.siting.knapsack import Grid, make_grid
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.packing_groups import Groups
from gridplan.siting.problem import Problem
from gridplan.siting.search import Search

FITS = 1.0 + 1e-9
"""A load fits if it is at most this many times the capacity: sums of decimals round."""

_EXACT_INTEGERS = 2.0**53


@dataclass(frozen=True)
class Packing:
    """
    The demand that counts and the sites that may be open.

    Attributes
    ----------
    cost : ndarray, shape (n, m)
        Weighted cost; ``inf`` where a pair is not allowed or a load alone does not fit.
    load : ndarray, shape (n,)
    capacity : ndarray, shape (m,)
    must : ndarray of bool, shape (m,)
        Sites that are open in any case.
    slots : int
        Open sites, those included.
    grid : Grid
        Loads and capacities in whole units.
    integral : bool
        All costs are whole numbers.
    rows, sites : ndarray of int
        Positions of demand and sites in the problem.
    """

    cost: Floats
    load: Floats
    capacity: Floats
    must: Flags
    slots: int
    grid: Grid
    integral: bool
    rows: Positions
    sites: Positions

    @property
    def hopeless(self) -> float:
        """No plan costs more than this."""
        finite = np.where(np.isfinite(self.cost), self.cost, 0.0)
        return math.fsum(finite.max(axis=1, initial=0.0)) * FITS + 1.0

    @property
    def far(self) -> float:
        """More than any allowed pair costs, for pairs that are not."""
        return 4.0 * float(np.where(np.isfinite(self.cost), self.cost, 0.0).max(initial=1.0)) + 1.0

    def overload(self, assigned: Positions) -> Floats:
        """Return the load above the capacity of each site, shape (m,)."""
        held = np.bincount(assigned, weights=self.load, minlength=len(self.capacity))
        limit = self.capacity * FITS
        return np.where(held > limit, held - self.capacity, 0.0)

    def value(self, assigned: Positions) -> float:
        """Return the cost of an assignment; ``inf`` if it breaks a rule."""
        paid = self.cost[np.arange(len(assigned)), assigned]
        if not np.isfinite(paid).all() or self.overload(assigned).any():
            return math.inf
        return math.fsum(paid)


def make_packing(problem: Problem, p: int, load: Floats, capacity: Floats) -> Packing:
    """Return the part of a problem that counts: demand with weight or load, allowed sites."""
    rows = np.nonzero(((problem.weights > 0) | (load > 0)) & ~problem.unreachable)[0]
    sites = np.nonzero(problem.may_open)[0]
    metres = problem.cost[np.ix_(rows, sites)]
    allowed = np.isfinite(metres) & (load[rows, None] <= capacity[None, sites] * FITS)
    finite = np.where(allowed, metres, 0.0) * problem.weights[rows, None]
    whole = bool((finite == np.floor(finite)).all()) and float(finite.sum()) < _EXACT_INTEGERS
    return Packing(
        cost=np.where(allowed, finite, np.inf),
        load=load[rows],
        # No site can hold more than all there is, and models need finite numbers.
        capacity=np.minimum(capacity[sites], math.fsum(load) + 1.0),
        must=problem.must_open[sites],
        slots=int(p),
        grid=make_grid(load[rows], capacity[sites] * FITS),
        integral=whole,
        rows=rows,
        sites=sites,
    )


@dataclass(frozen=True)
class Packed:
    """
    A plan: open sites and the site of each demand point, as positions in the packing.

    Attributes
    ----------
    value : float
        ``inf`` while there is no plan.
    chosen : ndarray of int, shape (slots,)
    assigned : ndarray of int, shape (n,)
    """

    value: float
    chosen: Positions
    assigned: Positions


_NONE = np.empty(0, dtype=np.intp)


@dataclass
class PackingSearch(Search):
    """Best plan and bound of a p-median with capacities so far, and the groups that were met."""

    packed: Packed = field(default_factory=lambda: Packed(math.inf, _NONE, _NONE))
    groups: Groups = field(default_factory=Groups)

    @property
    def value(self) -> float:
        """Cost of the best plan; ``inf`` before the first."""
        return self.packed.value

    def keep(self, packing: Packing, chosen: Positions, assigned: Positions) -> bool:
        """Keep a plan if everything fits and it is better than the best; True if it was."""
        self.groups.meet(packing.cost, assigned, packing.overload(assigned))
        value = packing.value(assigned)
        if value >= self.value:
            return False
        self.packed = Packed(value, np.sort(chosen), assigned.copy())
        self._tell()
        return True
