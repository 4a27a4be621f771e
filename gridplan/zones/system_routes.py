"""Ways through empty land that join the units of each zone, without two zones on one unit."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.land import Land

_ROUNDS = 30
_PRESENT = 0.5
"""Each round, a unit that others use costs so much more for each of them."""
_LEAST_M = 1e-3
"""Units with one middle are that far apart, for a distance of 0 is none in a sparse table."""
_PAST = 1.0
"""For each round in which several wanted a unit it costs so much more ever after."""


def joined_zones(land: Land, held: Sequence[Sequence[int]]) -> tuple[Ints | None, tuple[int, ...]]:
    """
    Return connected zones that hold given units, and those that stood in each other's way.

    Each zone is joined along the shortest ways; units that several want become dearer from
    round to round until each has one that wants it [1]_. What is left goes to the nearest zone.

    Parameters
    ----------
    land : Land
        Connected.
    held : sequence of sequence of int
        Units of each zone, at least one; of no other zone.

    Returns
    -------
    zone : array of int, shape (n,), or None
        None where no ways were found.
    torn : tuple of int
        Zones that still want the same units.

    References
    ----------
    .. [1] McMurchie, L. and Ebeling, C. (1995). PathFinder: A negotiation-based
       performance-driven router for FPGAs. *FPGA '95*, 111-117.
       https://doi.org/10.1145/201310.201328
    """
    ways = _Ways(land, held)
    for round_ in range(_ROUNDS):
        for own in range(len(held)):
            if not ways.join(own, round_ * _PRESENT):
                return None, (own,)
        torn = ways.contested()
        if not torn:
            return ways.spread(), ()
    return None, torn


@dataclass(slots=True)
class _Ways:
    """Ways under way: which zones use each empty unit."""

    land: Land
    held: Sequence[Sequence[int]]
    near: list[list[tuple[int, float]]] = field(init=False)
    home: list[int] = field(init=False)
    users: list[set[int]] = field(init=False)
    past: list[float] = field(init=False)

    def __post_init__(self) -> None:
        land = self.land
        self.near = [[] for _ in range(land.count)]
        graph = land.graph
        away = np.hypot(land.x[graph.left] - land.x[graph.right],
                        land.y[graph.left] - land.y[graph.right])  # fmt: skip
        ends = zip(graph.left.tolist(), graph.right.tolist(), away.tolist(), strict=True)
        for a, b, metres in ends:
            self.near[a].append((b, metres))
            self.near[b].append((a, metres))
        self.home = [-1] * land.count
        for own, units in enumerate(self.held):
            for unit in units:
                self.home[unit] = own
        self.users = [set() for _ in range(land.count)]
        self.past = [1.0] * land.count

    def join(self, own: int, present: float) -> bool:
        """Join the units of a zone anew; false where others' units leave no way."""
        for users in self.users:
            users.discard(own)
        held = list(self.held[own])
        missing = set(held[1:])
        tree = {held[0]}
        while missing:
            way = self._way(own, tree, missing, present)
            if way is None:
                return False
            tree.update(way)
            missing -= tree
            for unit in way:
                if self.home[unit] < 0:
                    self.users[unit].add(own)
        return True

    def _way(self, own: int, tree: set[int], missing: set[int], present: float) -> list[int] | None:
        """Return the cheapest way from what is joined to a unit that is missing."""
        cost = dict.fromkeys(tree, 0.0)
        came: dict[int, int] = {}
        queue = [(0.0, unit) for unit in sorted(tree)]
        done: set[int] = set()
        while queue:
            spent, unit = heapq.heappop(queue)
            if unit in done:
                continue
            done.add(unit)
            if unit in missing:
                way = [unit]
                while way[-1] in came:
                    way.append(came[way[-1]])
                return way
            for other, metres in self.near[unit]:
                if other in done or self.home[other] not in (-1, own):
                    continue
                dear = 1.0 if self.home[other] == own else (
                    self.past[other] * (1 + present * len(self.users[other] - {own}))
                )  # fmt: skip
                total = spent + metres * dear
                if total < cost.get(other, math.inf):
                    cost[other], came[other] = total, unit
                    heapq.heappush(queue, (total, other))
        return None

    def contested(self) -> tuple[int, ...]:
        """Make units that several zones use dearer; return those zones."""
        torn: set[int] = set()
        for unit, users in enumerate(self.users):
            if len(users) > 1:
                self.past[unit] += _PAST
                torn |= users
        return tuple(sorted(torn))

    def spread(self) -> Ints:
        """Return the zone of each unit: what is free goes to the nearest zone."""
        zone = [own if own >= 0 else min(users, default=-1)
                for own, users in zip(self.home, self.users, strict=True)]  # fmt: skip
        queue = [(0.0, unit, own) for unit, own in enumerate(zone) if own >= 0]
        heapq.heapify(queue)
        free = {unit for unit, own in enumerate(zone) if own < 0}
        while queue:
            spent, unit, own = heapq.heappop(queue)
            if unit in free:
                free.discard(unit)
                zone[unit] = own
            elif zone[unit] != own:
                continue
            for other, metres in self.near[unit]:
                if other in free:
                    heapq.heappush(queue, (spent + metres, other, own))
        return np.array(zone, dtype=np.intp)


def ways_between(land: Land, units: Ints) -> Floats:
    """
    Return how far it is between units through all others than these, in metres.

    From middle to middle; ``inf`` where there is no way.
    """
    graph, count = land.graph, land.count
    ends = np.concatenate([graph.left, graph.right])
    others = np.concatenate([graph.right, graph.left])
    metres = np.hypot(land.x[ends] - land.x[others], land.y[ends] - land.y[others]) + _LEAST_M
    closed = np.zeros(count, dtype=np.bool_)
    closed[units] = True
    # Ways end at a unit's double, so that none leads through it.
    arrived = np.where(closed[others], others + count, others)
    table = csr_array((metres, (ends, arrived)), shape=(2 * count, 2 * count))
    found = dijkstra(table, indices=units)[:, units + count]
    np.fill_diagonal(found, 0.0)
    return np.asarray(found, dtype=np.float64)
