"""First partitions of connected land into connected zones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.land import Land

Flags = npt.NDArray[np.bool_]

_DIRECTIONS = 8
_MENDED = 3
"""Of the directions, those with the shortest straight cuts are followed up."""
_DECIMALS = 3
_AREA_SHARE = 0.01
"""A hint of area in the load that is cut in half, so that empty land has a middle too."""
_UNEVEN = 2.0
"""Price of one zone's mean load on the wrong side, in side lengths of border."""


def bisected(land: Land, k: int, rng: np.random.Generator) -> Ints:
    """
    Return `k` connected zones by recursive bisection along straight lines.

    A piece of land is cut across some directions, each where the load is halved (in
    the proportion of the zones to be made on either side); parts that hang loose are
    given to the other side; the cut that is short and even is kept.

    Parameters
    ----------
    land : Land
        Connected, with at least `k` cells.
    k : int
    rng : Generator
        Turns the directions.
    """
    zone = np.zeros(land.count, dtype=np.intp)
    pieces = [(np.arange(land.count), k, 0)]
    while pieces:
        members, zones, first = pieces.pop()
        zone[members] = first
        if zones == 1:
            continue
        cut = _best_cut(land.part(members), zones, float(rng.random()))
        pieces.append((members[cut.side], cut.zones, first))
        pieces.append((members[~cut.side], zones - cut.zones, first + cut.zones))
    return zone


@dataclass(frozen=True, slots=True)
class Cut:
    """One of two connected sides, how many zones it gets, and how good the cut is."""

    side: Flags
    zones: int
    price: float


def _best_cut(land: Land, k: int, turn: float) -> Cut:
    even = land.load / max(math.fsum(land.load), 1.0) * (1 - _AREA_SHARE)
    load = even + land.area_m2 / math.fsum(land.area_m2) * _AREA_SHARE
    angles = (np.arange(_DIRECTIONS) + turn) * math.pi / _DIRECTIONS
    straight = [_straight_cut(land, load, (k // 2) / k, float(angle)) for angle in angles]
    straight.sort(key=lambda side: border_m(land, side))
    cuts = [connected_cut(land, load, k, side) for side in straight[:_MENDED]]
    return min(cuts, key=lambda cut: cut.price)


def _straight_cut(land: Land, load: Floats, share: float, angle: float) -> Flags:
    """Return the side of a line across a direction that has about a share of the load."""
    along = (land.x - land.x.mean()) * math.cos(angle) + (land.y - land.y.mean()) * math.sin(angle)
    order = np.argsort(along.round(_DECIMALS), kind="stable")
    reached = np.cumsum(load[order])
    number = int(np.argmin(np.abs(reached[:-1] - share * reached[-1]))) + 1
    side = np.zeros(land.count, dtype=np.bool_)
    side[order[:number]] = True
    return side


def border_m(land: Land, side: Flags) -> float:
    """Return the length of the border between one side and the other, in metres."""
    graph = land.graph
    return math.fsum(graph.border_m[side[graph.left] != side[graph.right]])


def connected_cut(land: Land, load: Floats, k: int, side: Flags) -> Cut:
    """
    Return two connected sides near to the given ones, with the zones for the first.

    The heaviest part of one side stays; of all the rest, the heaviest part is the
    other side; what is left touches the first, since the land is connected. Two sides
    of any sizes can share the zones so that none gets more than it has cells.
    """
    first = _heaviest_part(land, load, side)
    side = ~_heaviest_part(land, load, ~first)
    share = math.fsum(load[side]) / math.fsum(load)
    count = int(side.sum())
    fewest, most = max(1, k - (land.count - count)), min(count, k - 1)
    zones = min(max(round(share * k), fewest), most)
    side_m = math.sqrt(math.fsum(land.area_m2))
    return Cut(side, zones, border_m(land, side) / side_m + _UNEVEN * abs(share * k - zones))


def _heaviest_part(land: Land, load: Floats, side: Flags) -> Flags:
    left, right = land.graph.left, land.graph.right
    inside = side[left] & side[right]
    label = labelled_components(left[inside], right[inside], land.count)
    # the order of the cells is fixed, so the order of these sums is too
    heaviest = int(np.bincount(label, weights=np.where(side, load, -1.0)).argmax())
    chosen: Flags = label == heaviest
    return chosen
