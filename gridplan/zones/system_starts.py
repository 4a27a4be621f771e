"""First zones of a system: how many each piece of land gets, and grown from seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.starts import bisected
from gridplan.zones.straight import straight_zones
from gridplan.zones.system_state import Units


def quotas(load: Floats, piece: Ints, k: int, least: Ints, room: Ints) -> Ints:
    """
    Return how many of `k` zones each piece of land gets.

    At least `least` each, then one after the other to the piece with the largest mean
    load, as far as there is `room` (`room_for_zones`).

    Examples
    --------
    >>> load = np.array([50.0, 40.0, 30.0, 1.0])
    >>> quotas(load, np.array([0, 0, 0, 1]), 3, np.array([1, 1]), np.array([3, 1])).tolist()
    [2, 1]
    """
    total = np.bincount(piece, weights=load)
    zones = np.maximum(least, 1)
    for _ in range(k - int(zones.sum())):
        free = zones < room
        if not free.any():
            break
        zones[np.where(free, total / zones, -1.0).argmax()] += 1
    return zones


def banded_quotas(
    load: Floats, piece: Ints, band: tuple[float, float], least: Ints, room: Ints
) -> Ints:
    """
    Return how many zones each piece gets, so that their mean load is within a band.

    Of the numbers that allow it the one nearest to the middle of the band; where none
    does, the number whose mean is nearest to the band. A unit beyond the band gets a zone
    that does not count. No piece gets more than it has `room` for (`room_for_zones`).

    Examples
    --------
    >>> load, piece = np.array([400.0, 500.0, 90.0]), np.array([0, 0, 1])
    >>> banded_quotas(load, piece, (300, 500), np.array([1, 1]), np.array([2, 1])).tolist()
    [2, 1]
    """
    low, high = band
    alone = load > high
    total = np.bincount(piece, weights=np.where(alone, 0.0, load))
    taken = np.bincount(piece, weights=alone).astype(np.intp)
    middle = (low + high) / 2
    zones = np.empty(len(room), dtype=np.intp)
    for own, (one, most) in enumerate(zip(total.tolist(), room.tolist(), strict=True)):
        fewest = max(int(least[own]) - int(taken[own]), 0 if taken[own] else 1)
        around = math.floor(one / middle)
        upper = max(most - int(taken[own]), fewest)
        numbers = sorted({min(max(around + step, fewest), upper) for step in (0, 1)})
        wanted = int(taken[own]) + min(numbers, key=lambda count: _beside(one, count, band))
        zones[own] = min(wanted, most)
    return zones


def _beside(load: float, zones: int, band: tuple[float, float]) -> tuple[float, float]:
    """Return how far the mean of some zones is from a band, and from its middle."""
    mean = load / zones if zones else (math.inf if load > band[0] else sum(band) / 2)
    return max(mean - band[1], band[0] - mean, 0.0), abs(mean - sum(band) / 2)


def first_zones(
    units: Units,
    piece: Ints,
    quota: Ints,
    seeds: Sequence[Sequence[int]],
    rng: np.random.Generator,
    *,
    straight: float = 0.0,
) -> Ints:
    """
    Return connected zones, one for each of `seeds` first and then the others.

    Parameters
    ----------
    units : Units
    piece : array of int, shape (n,)
    quota : array of int
        Zones of each piece, at least as many as it has seeds.
    seeds : sequence of sequence of int
        Connected units that begin a zone; each list within one piece.
    rng : Generator
    straight : float
        Tolerance of the loads, to cut pieces without seeds along the grain of the land
        (`straight_zones`); 0: by bisection in turned directions.
    """
    zone = np.full(units.land.count, -1, dtype=np.intp)
    following = len(seeds)
    for own, wanted in enumerate(quota.tolist()):
        members = np.flatnonzero(piece == own)
        inside = [number for number, one in enumerate(seeds) if piece[one[0]] == own]
        free = list(range(following, following + wanted - len(inside)))
        following += len(free)
        if not inside:
            own_land = units.land.part(members)
            cut = (
                straight_zones(own_land, wanted, straight)
                if straight
                else bisected(own_land, wanted, rng)
            )
            zone[members] = np.array(free)[cut]
            continue
        taken = {unit for number in inside for unit in seeds[number]}
        begun = [(number, list(seeds[number])) for number in inside]
        for number in free:
            unit = _farthest(units, members, [one for _, one in begun], taken, rng)
            begun.append((number, [unit]))
            taken.add(unit)
        _grow(units, members, begun, zone)
    return zone


def _farthest(
    units: Units, members: Ints, begun: list[list[int]], taken: set[int], rng: np.random.Generator
) -> int:
    """Return a unit drawn with a chance in proportion to its squared distance to all seeds."""
    x, y = units.land.x, units.land.y
    seeds = np.array([unit for one in begun for unit in one], dtype=np.intp)
    left = np.array([one for one in members.tolist() if one not in taken], dtype=np.intp)
    away = (x[left][:, None] - x[seeds]) ** 2 + (y[left][:, None] - y[seeds]) ** 2
    reached = np.cumsum(away.min(axis=1) + 1.0)
    at = int(np.searchsorted(reached, rng.random() * reached[-1], side="right"))
    return int(left[min(at, len(left) - 1)])


def _grow(units: Units, members: Ints, begun: list[tuple[int, list[int]]], zone: Ints) -> None:
    """Let the lightest zone with free land beside it take what is nearest to its seed."""
    near: dict[int, list[int]] = {one: [] for one in members.tolist()}
    graph = units.land.graph
    for a, b in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
        if a in near:
            near[a].append(b)
            near[b].append(a)
    sums = units.weights.sum(axis=0)
    share = (units.weights / np.where(sums > 0, sums, 1.0)).sum(axis=1)
    load: dict[int, float] = {}
    fringe: dict[int, dict[int, None]] = {}
    middle: dict[int, tuple[float, float]] = {}
    for number, seed in begun:
        zone[seed] = number
        load[number] = float(share[seed].sum())
        middle[number] = float(units.land.x[seed].mean()), float(units.land.y[seed].mean())
    for number, seed in begun:
        fringe[number] = {other: None for unit in seed for other in near[unit] if zone[other] < 0}
    x, y = units.land.x, units.land.y
    left = int((zone[members] < 0).sum())
    for _ in range(left):
        own = min((one for one in fringe if fringe[one]), key=lambda one: (load[one], one))
        at = middle[own]
        unit = min(
            fringe[own], key=lambda one: ((x[one] - at[0]) ** 2 + (y[one] - at[1]) ** 2, one)
        )
        zone[unit] = own
        load[own] += float(share[unit])
        for one in fringe.values():
            one.pop(unit, None)
        fringe[own].update({other: None for other in near[unit] if zone[other] < 0})
