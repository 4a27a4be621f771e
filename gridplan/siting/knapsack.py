"""What the best load of each site is worth: 0/1 knapsacks of many sites at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.siting.matrix import Flags, Floats

Units = npt.NDArray[np.int64]

_MOST_UNITS = 2_000
_COARSE_UNITS = 1_000
_ROUNDING = 1e-12
_SMALL = 1e-9


@dataclass(frozen=True)
class Grid:
    """
    Loads and capacities in whole units, so that knapsacks can be solved by counting.

    Attributes
    ----------
    load : ndarray of int, shape (n,)
        Rounded down.
    capacity : ndarray of int, shape (m,)
        Rounded down, and never above the sum of the loads.
    exact : bool
        Nothing was rounded. Otherwise whatever fits also fits on the grid, so that
        the values of the knapsacks are bounds from above.
    """

    load: Units
    capacity: Units
    exact: bool

    def of(self, sites: npt.NDArray[np.intp]) -> Grid:
        """Return the grid of some sites."""
        return Grid(self.load, self.capacity[sites], self.exact)


def make_grid(load: Floats, capacity: Floats) -> Grid:
    """
    Return loads and capacities in the greatest unit that is exact, or else a small one.

    Examples
    --------
    >>> grid = make_grid(np.array([20.0, 30.0]), np.array([45.0, 500.0]))
    >>> grid.load.tolist(), grid.capacity.tolist(), grid.exact
    ([2, 3], [4, 5], True)
    """
    enough = np.minimum(capacity, load.sum() * (1.0 + _SMALL))
    largest = float(enough.max(initial=0.0))
    whole = bool((load == np.floor(load)).all()) and largest < float(2**53)
    unit = float(np.gcd.reduce(load.astype(np.int64))) if whole else 0.0
    exact = whole and largest <= _MOST_UNITS * max(unit, 1.0)
    unit = max(unit, 1.0) if exact else max(largest / _COARSE_UNITS, np.finfo(float).tiny)
    # Rounded so that nothing that fits is lost: loads a trifle down, capacities up.
    units = np.floor(load / unit * (1.0 - _ROUNDING) + (0.0 if not exact else _SMALL))
    room = np.floor(enough / unit * (1.0 + _ROUNDING) + (0.0 if not exact else _SMALL))
    # Loads beyond every capacity would only overflow; they fit nowhere either way.
    units = np.minimum(units, room.max(initial=0.0) + 1.0)
    return Grid(units.astype(np.int64), room.astype(np.int64), exact)


def relaxed_values(profit: Floats, grid: Grid) -> Floats:
    """
    Return the value of each site's knapsack if the last load may be split, shape (m,).

    Parameters
    ----------
    profit : ndarray, shape (n, m)
        What serving demand from a site brings; only positive ones are taken.
    """
    rows = np.nonzero((profit > 0.0).any(axis=1))[0]
    if not len(rows):
        return np.zeros(profit.shape[1])
    gain, load = np.maximum(profit[rows], 0.0), grid.load[rows]
    ratio = gain / np.maximum(load, _SMALL)[:, None]
    order = np.argsort(-ratio, axis=0, kind="stable")
    filled = np.cumsum(load[order], axis=0)
    value = np.cumsum(np.take_along_axis(gain, order, axis=0), axis=0)
    columns = np.arange(profit.shape[1])
    whole = (filled <= grid.capacity).sum(axis=0)
    last = np.minimum(whole, len(rows) - 1)
    before = np.maximum(whole - 1, 0)
    taken = np.where(whole > 0, value[before, columns], 0.0)
    room = grid.capacity - np.where(whole > 0, filled[before, columns], 0)
    part = np.where(whole < len(rows), room * ratio[order[last, columns], columns], 0.0)
    values: Floats = taken + part
    return values


def best_loads(profit: Floats, grid: Grid) -> tuple[Floats, Flags]:
    """
    Return the value of each site's knapsack and what is in it, shapes (m,) and (n, m).

    Examples
    --------
    >>> grid = Grid(np.array([2, 2, 3]), np.array([4]), exact=True)
    >>> value, taken = best_loads(np.array([[5.0], [4.0], [8.0]]), grid)
    >>> value.tolist(), taken[:, 0].tolist()
    ([9.0], [True, True, False])
    """
    n, m = profit.shape
    size = int(grid.capacity.max(initial=0)) + 1
    rows = np.nonzero((profit > 0.0).any(axis=1) & (grid.load < size))[0]
    value, other = np.zeros((size, m)), np.empty((size, m))
    better = np.zeros((len(rows), size, m), dtype=np.bool_)
    for at, row in enumerate(rows):
        load = int(grid.load[row])
        np.add(value[: size - load], profit[row], out=other[load:])
        np.greater(other[load:], value[load:], out=better[at, load:])
        np.maximum(value[load:], other[load:], out=value[load:])
    columns, left = np.arange(m), grid.capacity.copy()
    taken = np.zeros((n, m), dtype=np.bool_)
    for at in range(len(rows) - 1, -1, -1):
        picked = better[at, left, columns]
        taken[rows[at]] = picked
        left -= np.where(picked, grid.load[rows[at]], 0)
    return value[grid.capacity, columns], taken


def forced_values(profit: Floats, grid: Grid) -> Floats:
    """
    Return a bound on each site's value if one demand point must be in it, shape (n, m).

    A demand point that pays is counted twice at most, so that the bound is exact
    where it does not pay; ``-inf`` where it does not fit.
    """
    size = int(grid.capacity.max(initial=0)) + 1
    value, other = np.zeros((size, profit.shape[1])), np.empty((size, profit.shape[1]))
    for row in np.nonzero((profit > 0.0).any(axis=1) & (grid.load < size))[0]:
        load = int(grid.load[row])
        np.add(value[: size - load], profit[row], out=other[load:])
        np.maximum(value[load:], other[load:], out=value[load:])
    left = grid.capacity[None, :] - grid.load[:, None]
    rest = value[np.maximum(left, 0), np.arange(profit.shape[1])[None, :]]
    forced: Floats = np.where(left >= 0, profit + rest, -np.inf)
    return forced
