"""How many zones there are, and how many each separate piece of land gets."""

from __future__ import annotations

import math

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints

_FEWEST = 4
_PER_ZONE = 10_000


def proposed_k(residents: float) -> int:
    """
    Return a number of zones of about 10,000 residents each, at least 4.

    A sub-district of up to 110,000 residents so gets 4 to 11 zones, as offices in
    practice have; a larger place gets more.

    Examples
    --------
    >>> proposed_k(12_000), proposed_k(80_000), proposed_k(110_000), proposed_k(3_000_000)
    (4, 8, 11, 300)
    """
    return max(_FEWEST, math.floor(residents / _PER_ZONE + 0.5))


def zones_per_piece(loads: Floats, piece: Ints, k: int) -> Ints:
    """
    Return how many of `k` zones each piece of land gets.

    One each, since a zone is connected; then one after the other to the piece with
    the largest mean load per zone, which keeps the largest mean as small as can be.
    A piece has no more zones than cells.

    Examples
    --------
    >>> zones_per_piece(np.array([50.0, 40.0, 30.0, 1.0]), np.array([0, 0, 0, 1]), 3).tolist()
    [2, 1]
    """
    room = np.bincount(piece)
    total = np.bincount(piece, weights=loads)
    zones = np.ones(len(room), dtype=np.intp)
    for _ in range(k - len(room)):
        zones[np.where(zones < room, total / zones, -1.0).argmax()] += 1
    return zones
