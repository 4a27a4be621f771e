"""Reading order on a map: rows from the north, each from west to east."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridplan.geometry import Floats

_DECIMALS = 3


def reading_order(
    x: Floats, y: Floats, *, row_height_m: float, ties: npt.ArrayLike | None = None
) -> npt.NDArray[np.intp]:
    """
    Return the positions of points in rows from north to south, each from west to east.

    A row is a band of the plane between two multiples of `row_height_m`, as in a
    lattice of that side: the centroid of a lattice square lies in the middle of its
    band, so that rounding never moves it to another row, and the row of a point does
    not depend on what other points there are.

    Parameters
    ----------
    x, y : array of float, shape (n,)
        Metres, x to the east, y to the north.
    row_height_m : float
        Height of a row.
    ties : array, shape (n,), optional
        Decides between points that are the same to the millimetre.

    Examples
    --------
    >>> x, y = np.array([50.0, 150.0, 50.0]), np.array([50.0, 140.0, 160.0])
    >>> reading_order(x, y, row_height_m=100.0).tolist()
    [2, 1, 0]
    """
    row = np.floor(y / row_height_m)
    last = np.zeros(len(x)) if ties is None else np.unique(ties, return_inverse=True)[1]
    return np.lexsort((last, -y.round(_DECIMALS), x.round(_DECIMALS), -row))
