"""From several first partitions to the best that local search makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.land import Land, zone_perimeters, zone_sums
from gridplan.zones.options import ZoneOptions, ZoneStart
from gridplan.zones.pieces import zones_per_piece
from gridplan.zones.search import Goal, Phase, Zoning, anneal, pricing
from gridplan.zones.starts import bisected, metis

_HOT, _COLD = 3.0, 0.01
"""Warm enough for the ragged borders of cells that follow streets to be redrawn."""
_BEYOND = 20.0
"""A zone outside the tolerance costs more than any shape."""
_REPAIR_HOT, _REPAIR_COLD, _REPAIR_SHAPE, _REPAIR_BEYOND = 3.0, 0.02, 0.1, 1.0
"""Where zones miss the tolerance: warm enough to pass through uneven ones."""
_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A partition into `k` zones: the position of each cell's zone, and how good it is.

    ``rank``: excess over the tolerance, then price of shape and balance; smaller is
    better.
    """

    zone: Ints
    k: int
    start: ZoneStart
    rank: tuple[float, float] = (math.inf, math.inf)


def best_partition(
    land: Land, piece: Ints, k: int, options: ZoneOptions, *, balance: bool = True
) -> tuple[Candidate, int]:
    """
    Return the best of the improved starts, and the number of moves proposed.

    Parameters
    ----------
    land : Land
    piece : array of int, shape (n,)
        The connected piece of land each cell lies in.
    k : int
        From the number of pieces to the number of cells.
    options : ZoneOptions
    balance : bool
        Whether zones within the tolerance may exist; if not, no work is spent on it.
    """
    goal = Goal(mean=math.fsum(land.load) / k, tolerance=options.tolerance)
    moves = max(options.moves_per_cell * land.count, options.least_moves)
    shaping = Phase(moves, hot=_HOT, cold=_COLD, shape=1.0, margin=goal.tolerance, beyond=_BEYOND)
    zones = zones_per_piece(land.load, piece, k)
    kinds: list[ZoneStart] = ["own"] * max(1, min(options.starts, options.work // moves))
    kinds += ["metis"] if options.start == "metis" else []
    found = []
    for number, kind in enumerate(kinds):
        rng = np.random.default_rng([options.seed, number])
        first = Candidate(_first(land, piece, zones, kind, rng), k, kind)
        found.append(_improved(land, first, goal, [shaping], rng))
    found.sort(key=lambda one: one.rank)
    if not balance:
        return found[0], len(kinds) * moves
    best, repair_work = _repaired(land, found, goal, shaping, options)
    return best, len(kinds) * moves + repair_work


def _first(land: Land, piece: Ints, zones: Ints, kind: ZoneStart, rng: np.random.Generator) -> Ints:
    zone = np.zeros(land.count, dtype=np.intp)
    before = np.cumsum(zones) - zones
    for number, count in enumerate(zones.tolist()):
        members = np.flatnonzero(piece == number)
        make = metis if kind == "metis" else bisected
        zone[members] = before[number] + make(land.part(members), count, rng)
    return zone


def _improved(
    land: Land, given: Candidate, goal: Goal, phases: list[Phase], rng: np.random.Generator
) -> Candidate:
    """Return what annealing makes of a partition, ranked by the last phase's price."""
    k = given.k
    zoning = Zoning(land, given.zone, k)
    for phase in phases:
        anneal(zoning, goal, phase, rng)
    zone = np.array(zoning.zone, dtype=np.intp)
    load = zone_sums(land.load, zone, k).tolist()
    area, outline = zone_sums(land.area_m2, zone, k), zone_perimeters(land, zone, k)
    prices = map(pricing(goal, phases[-1]), load, area.tolist(), outline.tolist())
    excess = math.fsum(map(goal.beyond, load))
    rank = round(excess, _DECIMALS), round(math.fsum(prices), _DECIMALS)
    return replace(given, zone=zone, rank=rank)


def _repaired(
    land: Land, found: list[Candidate], goal: Goal, shaping: Phase, options: ZoneOptions
) -> tuple[Candidate, int]:
    """
    Return the best candidate, after attempts to bring one inside the tolerance.

    A tolerance of the size of single cells freezes the search before it is even; with
    a margin of one cell's load it can pass through uneven zones.
    """
    best = found[0]
    left = max(options.work - len(found) * shaping.moves, 0)
    moves = min(shaping.moves, left // 2)
    one_cell = float(np.median(land.load[land.load > 0])) / goal.mean
    loose = Phase(
        moves,
        hot=_REPAIR_HOT,
        cold=_REPAIR_COLD,
        shape=_REPAIR_SHAPE,
        margin=max(goal.tolerance, one_cell),
        beyond=_REPAIR_BEYOND,
    )
    work = 0
    for number, one in enumerate(found):
        if best.rank[0] == 0 or moves < options.least_moves or work + 2 * moves > left:
            break
        rng = np.random.default_rng([options.seed, number, 1])
        phases = [loose, replace(shaping, moves=moves)]
        best = min(best, _improved(land, one, goal, phases, rng), key=lambda each: each.rank)
        work += 2 * moves
    return best, work
