"""What the cells of a whole place fall short of, and with which weights they are drawn again."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import shapely

from gridplan.cells.balance import RECOGNISABLE, ROUNDER, ROUNDEST, UNIFORM, Score
from gridplan.cells.options import CellOptions
from gridplan.geometry import Geometries

LEAST_CELLS = 20
"""Of fewer cells shares and percentiles say little."""

_NEAR, _MOST_NEAR = 0.2, 0.8
"""So many cells should be within so much of the target."""

_OFF = 0.03
"""The median should be as near to the target, as a share."""

_ROUND = {50: 0.55, 5: 0.25}
"""Isoperimetric quotients that percentiles of the cells should reach."""

_DIGITS = 6


def scores_of(options: CellOptions) -> Iterator[Score]:
    """Return the weights to draw cells with: those after the first where it falls short."""
    if options.preset == "recognisable":
        yield RECOGNISABLE
        return
    yield UNIFORM
    yield ROUNDER
    yield ROUNDEST


def shortfall(cells: Geometries, target_m2: float) -> float:
    r"""
    Return by how much cells fall short of what is expected of a place, 0 for by nothing.

    The sum, over some figures, of what is missing as a share of what is expected: 80 % of
    the cells within 20 % of the target, the isoperimetric quotient :math:`4 \pi A / P^2`
    0.55 in the median and 0.25 at the 5th percentile. Where one of these is missed, so
    much of the median area as is more than 3 % off the target is added: other weights
    alone are no cure for that, but it tells which of two draws is the better one.

    Parameters
    ----------
    cells : array of Polygon
        Of built-up land, without exception. Of fewer than 20 nothing is said.
    target_m2 : float

    Examples
    --------
    >>> strips = np.array([shapely.box(0, 25 * at, 400, 25 * at + 25) for at in range(20)])
    >>> round(shortfall(strips, 10_000.0), 3)
    0.988
    """
    if len(cells) < LEAST_CELLS:
        return 0.0
    area, perimeter = shapely.area(cells), shapely.length(cells)
    share = area / target_m2
    near = float(np.mean(np.abs(share - 1.0) <= _NEAR))
    off = abs(float(np.median(share)) - 1.0)
    quotient = 4 * math.pi * area / perimeter**2
    missing = max(0.0, 1.0 - near / _MOST_NEAR)
    for percentile, least in _ROUND.items():
        missing += max(0.0, 1.0 - float(np.percentile(quotient, percentile)) / least)
    return round(missing + max(0.0, off - _OFF), _DIGITS) if missing else 0.0
