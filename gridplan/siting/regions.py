"""Better plans from a good one: solve it anew, region by region, with all else as it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from gridplan.siting.core import Core
from gridplan.siting.matrix import Flags, Positions
from gridplan.siting.pairs import Pairs
from gridplan.siting.search import OutOfEffortError, Search

# Open sites of a region, and steps of work it may take.
_SIZE = 12
_WORK = 1_500
# Most regions of one refinement, and of one with regions this many times as large.
_MOST = 2_000
_FEW, _GROWTH = 15, 2


@dataclass(frozen=True)
class Regions:
    """
    How a plan is refined.

    Attributes
    ----------
    solve : callable
        Solves the core of a region as far as its search allows.
    size : int
        Open sites of a region.
    most : int
        Regions after which to stop, however well it goes.
    """

    solve: Callable[[Core, Search], None]
    size: int = _SIZE
    most: int = _MOST

    @property
    def larger(self) -> Regions:
        """Fewer and larger regions, for plans that are best in each small one."""
        return replace(self, size=_GROWTH * self.size, most=_FEW)


def refine(core: Core, plan: Positions, search: Search, how: Regions) -> Positions:
    """
    Improve a plan by solving regions of it, until each has been solved in vain.

    A region is a few open sites close to each other, with all closed sites between them
    [1]_. The sites outside stay as they are, so that a region is a small p-median of its own.

    Parameters
    ----------
    core : Core
    plan : ndarray, shape (slots,)
        Columns that are open at first.
    search : Search
        Is offered every better plan.
    how : Regions

    Returns
    -------
    ndarray, shape (slots,)
        Open columns, ascending.

    References
    ----------
    .. [1] Taillard, E. D. and Voss, S. (2002). POPMUSIC: partial optimization
       metaheuristic under special intensification conditions. *Essays and Surveys
       in Metaheuristics*, 613-629. https://doi.org/10.1007/978-1-4615-1507-4_27
    """
    is_open = core.flags(plan)
    if core.slots < 2 * how.size:
        return np.sort(plan)
    waiting = is_open.copy()
    for _ in range(how.most):
        if search.closed or not waiting.any():
            break
        seed = int(search.rng.choice(np.nonzero(waiting)[0]))
        near = _region(core, is_open, seed, how.size)
        better = _solved(core, is_open, near, search, how.solve)
        waiting[seed] = False
        if better is not None:
            is_open[near] = False
            is_open[better] = True
            waiting[near] = is_open[near]
            search.offer(core, np.nonzero(is_open)[0])
    return np.nonzero(is_open)[0]


def _region(core: Core, is_open: Flags, seed: int, size: int) -> Positions:
    """Return the sites near an open one, as the demand closest to it lists them."""
    pairs, lists = core.pairs, core.pairs.by_site
    own = slice(lists.indptr[seed], lists.indptr[seed + 1])
    if own.start == own.stop:
        return np.array([seed])
    row = int(lists.indices[own][int(lists.data[own].argmin())])
    near = pairs.site[pairs.start[row] : pairs.start[row + 1]].astype(np.intp)
    reach = np.cumsum(is_open[near]) <= size
    # The seed itself, where others are closer to that demand.
    return np.union1d(near[reach], [seed])


def _solved(
    core: Core,
    is_open: Flags,
    near: Positions,
    search: Search,
    solve: Callable[[Core, Search], None],
) -> Positions | None:
    """Return the columns to open in a region, None if it is best as it is."""
    inside = is_open[near]
    if inside.all() or not inside.any():
        return None
    part = _core_of(core, is_open, near)
    left_s = None
    if search.limits.time_s is not None:
        left_s = max(search.limits.time_s - search.seconds, 1e-3)
    limits = replace(
        search.limits,
        work=_WORK,
        time_s=left_s,
        gap=0.0,
        progress=None,
        seed=int(search.rng.integers(2**31)),
    )
    trial = Search(limits, core.integral, core.penalty, core.hopeless)
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
