"""Makes an assignment to places with a limit better: one home comes, another makes room for it."""

from __future__ import annotations

import numpy as np

from gridplan.rooms.question import Floats, Positions

_SAME = 1e-9
_FITS = 1.0 + 1e-9


def exchanged(
    cost: Floats, load: Floats, holds: Floats, goes: Positions, *, most: int
) -> Positions:
    """
    Return an assignment that is no worse: in each step the exchange that saves most.

    A home goes to a place that is full, and one that is there moves on to where there is room,
    or takes the place that the other leaves.

    Parameters
    ----------
    cost : float array, shape (n_homes, n_places)
        ``inf`` where a home cannot go.
    load : float array, shape (n_homes,)
    holds : float array, shape (n_places,)
        ``inf`` for no limit.
    goes : int array, shape (n_homes,)
        An assignment that keeps the limits.
    most : int
        Exchanges at most.

    Examples
    --------
    >>> cost = np.array([[9.0, 1.0], [2.0, 1.0]])
    >>> exchanged(cost, np.array([5.0, 5.0]), np.array([5.0, 5.0]), np.array([0, 1]), most=9)
    array([1, 0])
    """
    goes = goes.copy()
    held = np.bincount(goes, load, minlength=len(holds)).astype(np.float64)
    for _ in range(most):
        found = [_best(cost, load, holds * _FITS - held, goes, int(to))
                 for to in np.flatnonzero(np.isfinite(holds))]  # fmt: skip
        saved, comes, leaves, on = max(found, default=(0.0, 0, 0, 0), key=lambda one: one[0])
        if saved <= _SAME * max(1.0, float(cost[comes, goes[comes]])):
            break
        for home, to in ((comes, int(goes[leaves])), (leaves, on)):
            held[goes[home]] -= load[home]
            held[to] += load[home]
            goes[home] = to
    return goes


def _best(
    cost: Floats, load: Floats, free: Floats, goes: Positions, place: int
) -> tuple[float, int, int, int]:
    """Return what the best exchange into a place saves, who comes, who leaves, and for where."""
    nothing = (0.0, 0, 0, 0)
    rows = np.arange(len(goes))
    wish = cost[rows, goes] - cost[:, place]
    comes = np.flatnonzero((wish > 0) & (goes != place))
    leaves = np.flatnonzero((goes == place) & (load > 0))
    if not len(comes) or not len(leaves):
        return nothing
    spare = np.where(load[leaves, None] <= free[None, :], cost[leaves], np.inf)
    spare[:, place] = np.inf
    on = spare.argmin(axis=1)
    loss = np.broadcast_to(
        spare[np.arange(len(leaves)), on] - cost[leaves, place], (len(comes), len(leaves))
    )
    back = goes[comes]
    fits = load[leaves][None, :] <= (free[back] + load[comes])[:, None]
    swap = np.where(fits, cost[np.ix_(leaves, back)].T - cost[leaves, place][None, :], np.inf)
    enough = load[comes][:, None] <= (free[place] + load[leaves])[None, :]
    gain = np.where(enough, wish[comes][:, None] - np.minimum(loss, swap), -np.inf)
    first, second = np.unravel_index(int(gain.argmax()), gain.shape)
    to = back[first] if swap[first, second] < loss[first, second] else on[second]
    return float(gain[first, second]), int(comes[first]), int(leaves[second]), int(to)
