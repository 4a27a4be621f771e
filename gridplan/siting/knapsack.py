"""What the best load of each site is worth: 0/1 knapsacks of many sites at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.siting.matrix import Flags, Floats

Units = npt.NDArray[np.int64]

_MOST_UNITS = 2_000
_COARSE_UNITS = 1_000
# A call of numpy takes about as long as this many cells of a table.
_CALL_CELLS = 2_500
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
    value, taken = np.zeros(profit.shape[1]), np.zeros(profit.shape, dtype=np.bool_)
    for columns in _batches(profit, grid):
        part = grid.of(columns)
        table, rows, better = _filled(profit[:, columns], part, flags=True)
        at, left = np.arange(len(columns)), part.capacity.copy()
        value[columns] = table[left, at]
        for step in range(len(rows) - 1, -1, -1):
            picked = better[step, left, at]
            taken[rows[step], columns] = picked
            left -= np.where(picked, grid.load[rows[step]], 0)
    return value, taken


def forced_values(profit: Floats, grid: Grid) -> Floats:
    """
    Return a bound on each site's value if one demand point must be in it, shape (n, m).

    A demand point that pays is counted twice at most, so that the bound is exact
    where it does not pay; ``-inf`` where it does not fit.
    """
    forced = np.full(profit.shape, -np.inf)
    for columns in _batches(profit, grid):
        part = grid.of(columns)
        table, _, _ = _filled(profit[:, columns], part, flags=False)
        left = part.capacity[None, :] - grid.load[:, None]
        rest = table[np.maximum(left, 0), np.arange(len(columns))[None, :]]
        forced[:, columns] = np.where(left >= 0, profit[:, columns] + rest, -np.inf)
    return forced


def _batches(profit: Floats, grid: Grid) -> list[npt.NDArray[np.intp]]:
    """Return which sites are solved together: all at once, or one by one with their own rows."""
    pays = profit > 0.0
    rows, own = int(pays.any(axis=1).sum()), int(pays.sum())
    size, m = int(grid.capacity.max(initial=0)) + 1, profit.shape[1]
    together = rows * (_CALL_CELLS + size * m)
    apart = own * (_CALL_CELLS + size) + m * _CALL_CELLS
    if together <= apart:
        return [np.arange(m)]
    return [np.array([one]) for one in range(m)]


def _filled(
    profit: Floats, grid: Grid, *, flags: bool
) -> tuple[Floats, npt.NDArray[np.intp], Flags]:
    """
    Fill tables of the best value by units of capacity, one demand point after the other.

    Returns
    -------
    table : ndarray, shape (size, m)
    rows : ndarray of int
        Demand that pays somewhere and fits.
    better : ndarray of bool, shape (rows, size, m)
        Where it was taken; without rows if `flags` is False.
    """
    size, m = int(grid.capacity.max(initial=0)) + 1, profit.shape[1]
    rows = np.nonzero((profit > 0.0).any(axis=1) & (grid.load < size))[0]
    table, other = np.zeros((size, m)), np.empty((size, m))
    better = np.zeros((len(rows) if flags else 0, size, m), dtype=np.bool_)
    for step, row in enumerate(rows):
        load = int(grid.load[row])
        old, new = table[load:], other[load:]
        np.add(table[: size - load], profit[row], out=new)
        if flags:
            np.greater(new, old, out=better[step, load:])
        np.maximum(old, new, out=old)
    return table, rows, better
