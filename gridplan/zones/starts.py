"""First partitions of connected land into connected zones."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.land import Land, zone_sums

Flags = npt.NDArray[np.bool_]

_DIRECTIONS = 8
_MENDED = 3
"""Of the directions, those with the shortest straight cuts are followed up."""
_DECIMALS = 3
_AREA_SHARE = 0.01
"""A hint of area in the load that is cut in half, so that empty land has a middle too."""
_UNEVEN = 2.0
"""Price of one zone's mean load on the wrong side, in side lengths of border."""
_SEEDS = 2**31 - 1
_METIS_UNITS = 1_000_000
"""METIS balances whole numbers: the total load in units of its weights."""
_METIS_HEAVIEST = 0.5
_METIS_EVEN = 0.5
"""Cells heavier than half a zone's load, or many without any, leave METIS with empty parts, which
it prints about: heavy cells count less, and each cell counts something."""


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


def metis_is_installed() -> bool:
    """Return whether METIS can be used as one more start."""
    return importlib.util.find_spec("pymetis") is not None


def metis(land: Land, k: int, rng: np.random.Generator) -> Ints:
    """
    Return `k` connected zones that METIS starts from [1]_.

    Parts that METIS leaves loose are given to a zone beside them, and zones it leaves
    empty are cut from the heaviest ones.

    References
    ----------
    .. [1] Karypis, G. and Kumar, V. (1998). A fast and high quality multilevel scheme
       for partitioning irregular graphs. *SIAM Journal on Scientific Computing*,
       20(1), 359-392. https://doi.org/10.1137/S1064827595287997
    """
    import pymetis  # optional, and slow to load

    graph = land.graph
    ends = np.concatenate([graph.left, graph.right])
    others = np.concatenate([graph.right, graph.left])
    order = np.lexsort((others, ends))
    starts = np.searchsorted(ends[order], np.arange(1, land.count))
    unit_m = float(np.median(graph.border_m)) / 100
    lengths = np.maximum(np.concatenate([graph.border_m, graph.border_m]) / unit_m, 1)
    if k == 1:
        return np.zeros(land.count, dtype=np.intp)
    mean = max(math.fsum(land.load) / k, 1.0)
    loads = np.minimum(land.load / mean, _METIS_HEAVIEST) * _METIS_UNITS / k
    loads = loads.round() + 1 + _METIS_EVEN * loads.mean()
    _, parts = pymetis.part_graph(
        k,
        adjacency=[near.tolist() for near in np.split(others[order], starts)],
        eweights=lengths[order].round().astype(int).tolist(),
        vweights=loads.astype(int).tolist(),
        recursive=False,
        options=pymetis.Options(seed=int(rng.integers(_SEEDS)), contig=1),
    )
    return _all_connected(land, np.asarray(parts, dtype=np.intp), k, rng)


def _all_connected(land: Land, zone: Ints, k: int, rng: np.random.Generator) -> Ints:
    """Return `k` connected zones near to the given ones."""
    left, right = land.graph.left, land.graph.right
    same = zone[left] == zone[right]
    part = labelled_components(left[same], right[same], land.count)
    loads = zone_sums(land.load, part, int(part.max()) + 1)
    part_zone = zone[np.unique(part, return_index=True)[1]]
    keeper = np.full(k, -1, dtype=np.intp)
    for own in np.argsort(-loads, kind="stable"):
        if keeper[part_zone[own]] < 0:
            keeper[part_zone[own]] = own
    fixed = np.isin(part, keeper)
    zone = np.where(fixed, zone, -1)
    while (zone < 0).any():
        reach = (zone[left] < 0) != (zone[right] < 0)
        a, b = left[reach], right[reach]
        loose, host = np.where(zone[a] < 0, a, b), np.where(zone[a] < 0, b, a)
        zone[loose[::-1]] = zone[host[::-1]]
    for empty in np.flatnonzero(np.bincount(zone, minlength=k) == 0):
        _split_heaviest(land, zone, int(empty), k, rng)
    return zone


def _split_heaviest(land: Land, zone: Ints, empty: int, k: int, rng: np.random.Generator) -> None:
    loads = zone_sums(land.load, zone, k)
    loads[np.bincount(zone, minlength=k) < 2] = -1.0  # noqa: PLR2004 - one cell cannot be cut
    members = np.flatnonzero(zone == int(loads.argmax()))
    halves = bisected(land.part(members), 2, rng)
    zone[members[halves == 1]] = empty
