"""First zones by straight cuts along the grain of the land, so that zones come out square."""

from __future__ import annotations

import functools
import math

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.land import Land
from gridplan.zones.starts import Flags, connected_cut

_DECIMALS = 3
_STEP = 0.05
"""Proportions of a piece are told apart by this share of their logarithm."""
_LOOKED_AT = 40
"""Pieces of more zones than this are halved; the way to cut smaller ones is looked for."""
_SLACK = 0.25
"""Share of the tolerance by which the smaller of two zones may be cut too large or small."""


def straight_zones(land: Land, k: int, tolerance: float) -> Ints:
    """
    Return `k` connected zones by recursive cuts across the grain of the land.

    The grain is the direction in which most borders of cells have their neighbours. How
    many zones lie on either side is chosen so that, in a rectangle of the piece's
    proportions, zones would come out as square as can be; the cut itself runs where the
    border is shortest, as far as the tolerance allows.

    Parameters
    ----------
    land : Land
        Connected, with at least `k` cells.
    k : int
    tolerance : float
        Share by which loads may differ.
    """
    zone = np.zeros(land.count, dtype=np.intp)
    grain = _grain(land)
    pieces = [(np.arange(land.count), k, 0)]
    while pieces:
        members, zones, first = pieces.pop()
        zone[members] = first
        if zones == 1:
            continue
        part = land.part(members)
        side, count = _cut(part, zones, grain, tolerance)
        pieces.append((members[side], count, first))
        pieces.append((members[~side], zones - count, first + count))
    return zone


def _grain(land: Land) -> float:
    """Return the direction of the grain, an angle below a quarter turn."""
    graph = land.graph
    x = land.x[graph.right] - land.x[graph.left]
    y = land.y[graph.right] - land.y[graph.left]
    turned = np.sum(graph.border_m * np.exp(4j * np.arctan2(y, x)))
    return float(np.angle(turned)) / 4


def _cut(land: Land, k: int, grain: float, tolerance: float) -> tuple[Flags, int]:
    """Return one side of the best cut of a piece, and the zones on it."""
    load = land.load / max(math.fsum(land.load), 1.0) + land.area_m2 / math.fsum(land.area_m2) / 100
    along = land.x * math.cos(grain) + land.y * math.sin(grain)
    across = land.y * math.cos(grain) - land.x * math.sin(grain)
    side_m = math.sqrt(math.fsum(land.area_m2) / land.count)
    width, height = float(np.ptp(along)) + side_m, float(np.ptp(across)) + side_m
    step = round(math.log(width / height) / _STEP)
    best: tuple[float, Flags, int] | None = None
    for turned, first in _splits(step, k):
        axis, other = (across, along) if turned else (along, across)
        slack = tolerance * _SLACK * math.sqrt(2 / k)
        side = _shortest(land, load, np.lexsort((other.round(_DECIMALS), axis.round(_DECIMALS))),
                         first / k, slack)  # fmt: skip
        cut = connected_cut(land, load, k, side)
        price = cut.price
        if best is None or price < best[0]:
            best = price, cut.side, cut.zones
    if best is None:
        msg = "no cut was tried"
        raise RuntimeError(msg)
    return best[1], best[2]


def _splits(step: int, k: int) -> list[tuple[bool, int]]:
    """Return ways to cut: across or not, zones on the first side; mirrored ones too."""
    turned, first = _plan(step, k)[1]
    return [(turned, first), (turned, k - first)] if first * 2 != k else [(turned, first)]


@functools.cache
def _plan(step: int, k: int) -> tuple[float, tuple[bool, int]]:
    """Return the least sum of P²/16A of `k` zones in a rectangle, and its first cut."""
    ratio = math.exp(step * _STEP)
    if k == 1:
        return (1 + ratio) ** 2 / (4 * ratio), (False, 1)
    if k > _LOOKED_AT:
        return k * 1.0, (ratio < 1, k // 2)
    options = []
    for first in range(1, k // 2 + 1):
        for turned in (False, True):
            total = 0.0
            for zones in (first, k - first):
                share = zones / k
                shift = round(math.log(share) / _STEP)
                total += _plan(step - shift if turned else step + shift, zones)[0]
            options.append((round(total, 9), first, turned))
    total, first, turned = min(options)
    return total, (turned, first)


def _shortest(land: Land, load: Floats, order: Ints, share: float, slack: float) -> Flags:
    """Return the first cells of an order with about a share of the load and a short border."""
    place = np.empty(land.count, dtype=np.intp)
    place[order] = np.arange(land.count)
    ends = np.sort(np.stack([place[land.graph.left], place[land.graph.right]]), axis=0)
    change = np.bincount(ends[0], weights=land.graph.border_m, minlength=land.count)
    change -= np.bincount(ends[1], weights=land.graph.border_m, minlength=land.count)
    cut_m = np.cumsum(change)[:-1]
    reached = np.cumsum(load[order])
    off = np.abs(reached[:-1] / reached[-1] - share)
    near = np.flatnonzero(off <= max(slack * min(share, 1 - share) * 2, float(off.min())))
    number = int(near[np.lexsort((off[near], cut_m[near].round(_DECIMALS)))[0]]) + 1
    side = np.zeros(land.count, dtype=np.bool_)
    side[order[:number]] = True
    return side
