"""Sums by label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridplan.geometry import Floats

Ints = npt.NDArray[np.intp]


def sums_by(label: npt.NDArray[np.integer], values: npt.ArrayLike, count: int) -> Floats:
    """
    Return the sum of the values with each label from 0 to `count` - 1.

    Examples
    --------
    >>> sums_by(np.array([0, 2, 0]), [1.0, 5.0, 2.0], 3).tolist()
    [3.0, 0.0, 5.0]
    """
    return np.asarray(np.bincount(label, weights=values, minlength=count), dtype=np.float64)
