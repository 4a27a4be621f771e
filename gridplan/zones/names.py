"""Zones are numbered as one reads."""

from __future__ import annotations

import math

import numpy as np

from gridplan.cells.order import reading_order
from gridplan.zones.contiguity import Ints
from gridplan.zones.land import Land, zone_sums

_LEAST_DIGITS = 2


def zone_names(land: Land, zone: Ints, k: int) -> list[str]:
    """
    Return the id of each zone: numbered in rows from the north, from west to east.

    Zones are placed by their centroids; a row is as high as a square of the mean area
    of a zone.
    """
    area_m2 = zone_sums(land.area_m2, zone, k)
    x = zone_sums(land.x * land.area_m2, zone, k) / area_m2
    y = zone_sums(land.y * land.area_m2, zone, k) / area_m2
    first_cell = np.unique(zone, return_index=True)[1]
    order = reading_order(x, y, row_height_m=math.sqrt(area_m2.mean()), ties=first_cell)
    digits = max(_LEAST_DIGITS, len(str(k)))
    names = [""] * k
    for number, own in enumerate(order.tolist(), start=1):
        names[own] = f"Z{number:0{digits}d}"
    return names
