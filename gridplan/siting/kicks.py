"""Better plans from a good one: shake a few neighbouring sites, improve, keep what is better."""

from __future__ import annotations

import numpy as np

from gridplan.siting.core import Core
from gridplan.siting.interchange import Exchange, descend
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.pairs import Pairs
from gridplan.siting.search import Search

# Sites exchanged at once by a kick: fewer fall back into the same plan, more lose it.
_LEAST_KICK, _MOST_KICK = 2, 4
# Lists reach this many times as far as the price: farther sites serve nobody in a good plan.
_REACH = 4.0
_LEAST_GAIN_SHARE = 1e-9


def shake(core: Core, prices: Floats, among: Positions, search: Search, *, kicks: int) -> int:
    """
    Kick the best plan again and again, among some sites; return the kicks since it improved.

    A kick closes a few open sites near a demand point drawn at random and opens others
    there; interchanges then mend the plan [1]_. It is kept if it is no worse.

    Parameters
    ----------
    core : Core
    prices : ndarray, shape (n,)
        About what each demand point pays.
    among : ndarray
        Columns that may be opened besides those of the best plan.
    kicks : int
        Number of kicks.

    References
    ----------
    .. [1] Lourenco, H. R., Martin, O. C. and Stutzle, T. (2003). Iterated local
       search. *Handbook of Metaheuristics*, 320-353.
       https://doi.org/10.1007/0-306-48056-5_11
    """
    best = core.columns(search.sites)
    columns = np.union1d(among, best)
    if not 0 < core.slots < len(columns):
        return kicks
    table = Exchange.of(_at_hand(core, prices, columns, best), np.searchsorted(columns, best))
    value, idle = table.value, 0
    for _ in range(kicks):
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
    return idle


def _at_hand(core: Core, prices: Floats, columns: Positions, best: Positions) -> Pairs:
    """Return the pairs of some columns that a good plan may use, and those of the best."""
    free = np.zeros(len(core.sites), dtype=np.bool_)
    free[columns] = True
    pairs = core.pairs.without(base=core.base, free=free)
    is_open = np.zeros(len(columns), dtype=np.bool_)
    is_open[np.searchsorted(columns, best)] = True
    everybody = np.arange(len(pairs))
    first = pairs.next_open(is_open, everybody, np.zeros(len(pairs), dtype=np.intp))
    second = pairs.next_open(is_open, everybody, first + 1)
    count = np.maximum(pairs.below(_REACH * prices), second + 1)
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
