"""Whole numbers in proportion, that sum exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridplan.geometry import Floats

Counts = npt.NDArray[np.int64]


def largest_remainder(weights: Floats, total: int) -> Counts:
    """
    Return whole numbers in proportion to `weights` that sum to `total`.

    Hamilton's method: the whole parts first, the rest to the largest remainders,
    of equal ones to the first.

    Parameters
    ----------
    weights : float array, shape (n,), not negative, with a positive sum
    total : int, not negative

    Examples
    --------
    >>> largest_remainder(np.array([1.0, 1.0, 1.0]), 10).tolist()
    [4, 3, 3]
    """
    exact = weights / weights.sum() * total
    whole: Counts = np.floor(exact).astype(np.int64)
    # Remainders are compared to 1e-9, so that rounding noise decides no tie.
    remainder = np.round(exact - whole, 9)
    rest = total - int(whole.sum())
    winners = np.argsort(-remainder, kind="stable")[:rest]
    whole[winners] += 1
    return whole


def spread_groups(population: Counts, totals: Counts) -> Counts:
    """
    Return group counts per building with both margins exact.

    Building after building takes its share of what is left of each group by
    largest remainder, so that rows sum to `population` and columns to `totals`.

    Parameters
    ----------
    population : int array, shape (n_buildings,)
    totals : int array, shape (n_groups,), with the same sum

    Examples
    --------
    >>> spread_groups(np.array([3, 5, 2]), np.array([4, 6])).tolist()
    [[1, 2], [2, 3], [1, 1]]
    """
    left = totals.astype(np.int64).copy()
    shares = np.zeros((len(population), len(totals)), dtype=np.int64)
    for row, people in enumerate(population):
        if people > 0:
            shares[row] = largest_remainder(left.astype(float), int(people))
            left -= shares[row]
    return shares
