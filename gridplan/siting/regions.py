"""Better plans from a good one: solve it anew, region by region, with all else as it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from gridplan.siting.core import Core
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.pairs import Pairs
from gridplan.siting.search import OutOfEffortError, Search

# Open sites of a region, small ones first; steps of work that one may take.
_SIZES = (12, 24)
_WORK = 1_500
# One in so many open sites of a region, the closest ones, counts as its middle.
_MIDDLE = 4

Solver = Callable[[Core, Search], None]


class Refiner:
    """
    Improves a plan by solving regions of it, a few at a time.

    A region is a few open sites close to each other, with all closed sites between them
    [1]_. The sites outside stay as they are, so that a region is a small p-median of its
    own. Regions that were solved in vain wait until something near them has changed; once
    all do, larger ones are tried.

    Parameters
    ----------
    core : Core
    search : Search
        Is offered every better plan.
    solve : callable
        Solves the core of a region as far as its search allows.
    plan : ndarray, shape (slots,)
        Columns that are open at first.

    References
    ----------
    .. [1] Taillard, E. D. and Voss, S. (2002). POPMUSIC: partial optimization
       metaheuristic under special intensification conditions. *Essays and Surveys
       in Metaheuristics*, 613-629. https://doi.org/10.1007/978-1-4615-1507-4_27
    """

    def __init__(self, core: Core, search: Search, solve: Solver, plan: Positions) -> None:
        self._core, self._search, self._solve = core, search, solve
        self.take(plan)

    def take(self, plan: Positions) -> None:
        """Go on from another plan."""
        self._is_open = self._core.flags(plan)
        self._waiting, self._size = self._is_open.copy(), _SIZES[0]

    @property
    def plan(self) -> Positions:
        """The plan as far as it has come."""
        return np.nonzero(self._is_open)[0]

    @property
    def works(self) -> bool:
        """There are enough open sites for regions."""
        return self._core.slots >= 2 * _SIZES[0]

    def step(self, regions: int) -> bool:
        """Solve some regions; False if each of every size has been solved in vain."""
        for _ in range(regions):
            if self._search.closed or not self._ready():
                return False
            seed = int(self._search.rng.choice(np.nonzero(self._waiting)[0]))
            near = _region(self._core, self._is_open, seed, self._size)
            if self._improved(near):
                self._waiting[near] = self._is_open[near]
            else:
                # The same region, but for its rim, would be drawn from those in its middle.
                inside = near[self._is_open[near]]
                self._waiting[inside[: self._size // _MIDDLE]] = False
            self._waiting[seed] = False
        return True

    def cross(self, weight: Floats) -> None:
        """Offer the best mixture of this plan and the best one, see `Core.like`."""
        best = self._core.flags(self._core.like(self._search.sites, weight))
        self._improved(np.nonzero(self._is_open != best)[0])

    def _improved(self, near: Positions) -> bool:
        better = _solved(self._core, self._is_open, near, self._search, self._solve)
        if better is None:
            return False
        self._is_open[near] = False
        self._is_open[better] = True
        self._search.offer(self._core, self.plan)
        return True

    def _ready(self) -> bool:
        """Go on to the next size where one is through; False if all are."""
        larger = [size for size in _SIZES if size > self._size]
        if not self._waiting.any() and larger:
            self._waiting, self._size = self._is_open.copy(), larger[0]
        return bool(self._waiting.any()) and self._core.slots >= 2 * self._size


def _region(core: Core, is_open: Flags, seed: int, size: int) -> Positions:
    """Return the sites near an open one, in the order of the demand closest to it."""
    pairs, lists = core.pairs, core.pairs.by_site
    own = slice(lists.indptr[seed], lists.indptr[seed + 1])
    if own.start == own.stop:
        return np.array([seed])
    row = int(lists.indices[own][int(lists.data[own].argmin())])
    near = pairs.site[pairs.start[row] : pairs.start[row + 1]].astype(np.intp)
    reach = np.cumsum(is_open[near]) <= size
    # The seed itself, where others are closer to that demand.
    return near[reach] if seed in near[reach] else np.append(near[reach], seed)


def _solved(
    core: Core,
    is_open: Flags,
    near: Positions,
    search: Search,
    solve: Solver,
) -> Positions | None:
    """Return the columns to open in a region, None if it is best as it is."""
    inside = is_open[near]
    if inside.all() or not inside.any():
        return None
    part = _core_of(core, is_open, near)
    trial = search.of_part(work=_WORK, integral=search.integral, hopeless=search.hopeless)
    trial.offer(part, np.nonzero(inside)[0])
    before = trial.value
    # What a region has found when its effort ends is as good as it gets.
    with suppress(OutOfEffortError):
        solve(part, trial)
    search.spend(trial.work)
    return near[trial.sites] if trial.value < before else None


def _core_of(core: Core, is_open: Flags, near: Positions) -> Core:
    """Return the p-median of some sites; all others stay as they are."""
    pairs, lists = core.pairs, core.pairs.by_site
    kept = is_open.copy()
    kept[near] = False
    base = pairs.paid(pairs.first_open(kept))
    sizes = np.diff(lists.indptr)[near]
    ends = np.cumsum(sizes)
    where = np.arange(int(ends[-1])) + np.repeat(lists.indptr[near] - ends + sizes, sizes)
    row, rank = lists.indices[where], lists.data[where].astype(np.intp) - 1
    site = np.repeat(np.arange(len(near), dtype=np.int32), sizes)
    cost = pairs.cost[pairs.start[row] + rank]
    useful = np.nonzero(cost < base[row])[0]
    order = useful[np.lexsort((rank[useful], row[useful]))]
    rows, begin = np.unique(row[order], return_index=True)
    start = np.append(begin, len(order))
    listed = Pairs(start, site[order], cost[order], base[rows], len(near))
    # Demand that no site of the region can serve better counts for nothing here.
    return Core(
        pairs=listed,
        sites=np.arange(len(near)),
        opened=np.empty(0, dtype=np.intp),
        slots=int(is_open[near].sum()),
        penalty=core.penalty,
        integral=core.integral,
    )
