"""Better plans from a good one: shake a few neighbouring sites, improve, keep what is better."""

from __future__ import annotations

import numpy as np

from gridplan.siting.core import Core
from gridplan.siting.interchange import Exchange, descend
from gridplan.siting.matrix import Positions
from gridplan.siting.pairs import Pairs
from gridplan.siting.search import Search

# Sites exchanged at once by a kick: fewer fall back into the same plan, more lose it.
_LEAST_KICK, _MOST_KICK = 2, 4
# Lists end this many times as far as the second closest site: nobody goes farther in a
# good plan.
_REACH = 2.0
_LEAST_GAIN_SHARE = 1e-9
_SLOTS_PER_KICK = 2


def shake(
    core: Core, plan: Positions, among: Positions, search: Search, *, kicks: int
) -> Positions:
    """
    Kick a plan again and again, among some sites; offer what is better, return the best.

    A kick closes a few open sites near a demand point drawn at random and opens others
    there; interchanges then mend the plan [1]_. It is kept if it is no worse.

    Parameters
    ----------
    core : Core
    plan : ndarray
        Columns that are open at first.
    among : ndarray
        Columns that may be opened besides those of the plan.
    kicks : int
        Kicks without success after which to give up.

    References
    ----------
    .. [1] Lourenco, H. R., Martin, O. C. and Stutzle, T. (2003). Iterated local
       search. *Handbook of Metaheuristics*, 320-353.
       https://doi.org/10.1007/0-306-48056-5_11
    """
    columns = np.union1d(among, plan)
    if not 0 < core.slots < len(columns) or not len(core.pairs):
        # Nothing to choose, or nobody left for whom a choice matters.
        return np.sort(plan)
    table = Exchange.of(_at_hand(core, columns, plan), np.searchsorted(columns, plan))
    descend(table, search)
    value, idle = table.value, 0
    search.offer(core, columns[table.open_at])
    # With few open sites a kick touches much of the demand, and there are few to try.
    kicks = min(kicks, core.slots // _SLOTS_PER_KICK)
    while idle < kicks:
        trial = table.copy()
        _kick(trial, search.rng)
        descend(trial, search)
        now = trial.value
        idle += 1
        if now < value * (1.0 - _LEAST_GAIN_SHARE):
            idle = 0
            search.offer(core, columns[trial.open_at])
        if now <= value:
            table, value = trial, now
    return np.sort(columns[table.open_at])


def _at_hand(core: Core, columns: Positions, plan: Positions) -> Pairs:
    """Return the pairs of some columns that plans like this one may use."""
    pairs = core.pairs.without(base=core.base, free=core.flags(columns))
    is_open = np.zeros(len(columns), dtype=np.bool_)
    is_open[np.searchsorted(columns, plan)] = True
    first = pairs.first_open(is_open)
    second = pairs.second_open(is_open, first)
    count = np.maximum(pairs.below(_REACH * pairs.paid(second)), second + 1)
    return pairs.prefix(np.minimum(count, pairs.count))


def _kick(table: Exchange, rng: np.random.Generator) -> None:
    """Exchange a few open sites near a demand point for closed ones there."""
    pairs = table.pairs
    size = int(rng.integers(_LEAST_KICK, _MOST_KICK + 1))
    row = int(rng.integers(len(pairs)))
    width = min(int(pairs.count[row]), 2 * size * pairs.n_sites // len(table.open_at) + 1)
    near = pairs.site[pairs.start[row] : pairs.start[row] + width]
    is_open = table.slot[near] >= 0
    leaving, coming = near[is_open], near[~is_open]
    size = min(size, len(leaving), len(coming))
    chosen = rng.permutation(len(leaving))[:size], rng.permutation(len(coming))[:size]
    for out, to in zip(leaving[chosen[0]], coming[chosen[1]], strict=True):
        table.swap(int(table.slot[out]), int(to))
