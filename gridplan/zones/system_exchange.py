"""Zones beyond what is allowed pass on what is wrong with them, by loads alone."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.system_found import zones_beyond
from gridplan.zones.system_redivide import (
    inner_piece,
    keep_fewer,
    with_neighbours,
    zones_inside,
    zones_with,
)
from gridplan.zones.system_solve import Piece, Run

_ROUNDING = 1e-9
_PAIR = 2
_STUCK = 0.1
"""What each span of excess counts in a zone that holds what fits into none."""
_BEYOND_FIRST = 0.7
"""Share of steps that begin at a zone beyond what is allowed."""
_BLOCK = 4096
_NEVER = 30.0
"""Cuts that are worse by so many temperatures are not drawn."""

_ALL = 1.0, 1.0
_LONG = 0.5
"""Share of the trees with long branches."""

Tree = tuple[dict[int, int], list[int]]
"""Parent of each unit, and the units from the root down."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    How long zones pass on what they have too much of, and where.

    Attributes
    ----------
    steps : int
        Pairs of zones that are thrown together, round each zone that is beyond.
    hot, cold : float
        First and last temperature, in spans of excess.
    rings : int
        Zones so many steps from one that is beyond may change.
    turns : int
        So often each zone that is still beyond is tried.
    work : int
        Units of trees after which no other zone is tried.
    """

    steps: int
    hot: float = 0.6
    cold: float = 0.25
    rings: int = 3
    turns: int = 1
    work: int = 400_000


def exchanged(part: Piece, run: Run, how: Exchange, *, stuck: Sequence[int] = ()) -> None:
    r"""
    Pass on what zones have too much or too little of until it fits somewhere [1]_.

    A zone that is beyond what is allowed and one beside it are thrown together, a random spanning
    tree of both is drawn, and they are cut apart at one of its edges: at one that leaves them
    with an excess of :math:`e` spans by a chance in proportion to :math:`\exp(-e / T)`, and by
    that of their excess of now not at all. So what is wrong with a zone wanders to where
    there is room for it, over zones that are beyond meanwhile. Shapes count for nothing,
    which makes a step take about as long as a border move takes for each unit.

    Parameters
    ----------
    part : Piece
        With zones; offered better ones, of which fewer are beyond.
    run : Run
        Told of the work: each unit of a tree is a move.
    how : Exchange
    stuck : sequence of int
        Units that no zone within the bounds can hold: what holds them is beyond anyway.

    References
    ----------
    .. [1] Cannon, S., Duchin, M., Randall, D. and Rule, P. (2022). Spanning tree methods for
       sampling graph partitions. https://doi.org/10.48550/arXiv.2210.01401
    """
    aims, units = part.aims, part.units
    even = (aims.least == aims.least[0]).all() and (aims.most == aims.most[0]).all()
    if units.fixed.any() or units.leaving is not None or not even or len(aims.span) > 1:
        return
    held: Flags = np.zeros(units.land.count, dtype=np.bool_)
    held[list(stuck)] = True
    began = run.work
    for turn in range(how.turns):
        for own in np.flatnonzero(zones_beyond(part)).tolist():
            open_ = zones_beyond(part)[own] and not held[part.zone == own].any()
            if open_ and run.stopped_by is None and run.work - began < how.work:
                _around(part, own, run, how, held, turn)


def _around(part: Piece, own: int, run: Run, how: Exchange, held: Flags, turn: int) -> None:
    """Pass on what is wrong with one zone among those near it."""
    near = np.zeros(len(part.zones), dtype=np.bool_)
    near[own] = True
    for _ in range(how.rings):
        near = with_neighbours(part, near)
    if near.sum() < _PAIR:
        return
    inner = inner_piece(part, near)
    rng = np.random.default_rng([run.options.seed, part.number, own, int(near.sum()), turn])
    walk = _Walk(inner, zones_inside(part, near), held[inner.members], rng)
    found = walk.fewest_beyond(how)
    run.work += walk.work
    keep_fewer(part, zones_with(part, near, np.array(found, dtype=np.intp)))


class _Walk:
    """The zones of some land under way."""

    def __init__(self, piece: Piece, zone: Ints, held: Flags, rng: np.random.Generator) -> None:
        graph, aims = piece.units.land.graph, piece.aims
        self.near: list[list[int]] = [[] for _ in range(graph.count)]
        for a, b in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
            self.near[a].append(b)
            self.near[b].append(a)
        span = float(aims.span[0])
        self.weight: list[float] = (piece.units.weights[:, 0] / span).tolist()
        self.least = float(aims.least[0, 0]) / span * (1 - _ROUNDING)
        self.most = float(aims.most[0, 0]) / span * (1 + _ROUNDING)
        self.held: set[int] = set(np.flatnonzero(held).tolist())
        self.zone: list[int] = zone.tolist()
        self.members: list[list[int]] = [[] for _ in range(len(piece.zones))]
        for unit, own in enumerate(self.zone):
            self.members[own].append(unit)
        self.load = [math.fsum(self.weight[unit] for unit in own) for own in self.members]
        self.stuck = [not self.held.isdisjoint(own) for own in self.members]
        self.draw = _draws(rng)
        self.work = 0

    def fewest_beyond(self, how: Exchange) -> list[int]:
        """Return the zones with the fewest beyond that are met."""
        best, fewest = list(self.zone), len(self.off())
        for step in range(how.steps):
            off = self.off()
            if len(off) < fewest:
                best, fewest = list(self.zone), len(off)
            if not off:
                break
            first = off if next(self.draw) < _BEYOND_FIRST else range(len(self.load))
            own = self._any(first)
            beside = {self.zone[other] for unit in self.members[own] for other in self.near[unit]}
            beside.discard(own)
            heat = how.hot * (how.cold / how.hot) ** (step / how.steps)
            self._divide(own, self._any(sorted(beside)), heat)
        return best

    def off(self) -> list[int]:
        """Return the zones beyond what is allowed, but for those that must be."""
        least, most = self.least, self.most
        return [own for own, load in enumerate(self.load)
                if not least <= load <= most and not self.stuck[own]]  # fmt: skip

    def _any(self, some: Sequence[int]) -> int:
        return some[int(next(self.draw) * len(some))]

    def _divide(self, own: int, other: int, heat: float) -> None:
        """Cut two zones apart at an edge of a spanning tree, by chance, or leave them."""
        tree = self._tree(self.members[own] + self.members[other])
        parent, order = tree
        self.work += len(order)
        load = {unit: self.weight[unit] for unit in order}
        for unit in reversed(order[1:]):
            load[parent[unit]] += load[unit]
        total = load[order[0]]
        shares = self._shares(tree) if self.stuck[own] or self.stuck[other] else {}
        now = math.fsum(self._price(self.load[one], _STUCK if self.stuck[one] else 1.0)
                        for one in (own, other))  # fmt: skip
        chances, chance = [], 0.0
        for unit in order[1:]:
            below, above = shares.get(unit, _ALL)
            more = self._price(load[unit], below) + self._price(total - load[unit], above) - now
            if more < _NEVER * heat:
                chance += math.exp(-more / heat)
            chances.append(chance)
        drawn = next(self.draw) * (chance + 1.0)
        if drawn < chance:
            self._cut(own, other, order[1 + bisect_right(chances, drawn)], tree)

    def _price(self, load: float, share: float) -> float:
        """Return the excess of a zone, in spans, times what it counts."""
        if load > self.most:
            return (load - self.most) * share
        return (self.least - load) * share if load < self.least else 0.0

    def _tree(self, members: list[int]) -> Tree:
        """Return a random spanning tree of units, long or short in its branches."""
        inside, near, draw = set(members), self.near, self.draw
        root = self._any(members)
        parent, order, waiting = {root: -1}, [], [root]
        long = next(draw) < _LONG
        while waiting:
            if not long:
                at = int(next(draw) * len(waiting))
                waiting[at], waiting[-1] = waiting[-1], waiting[at]
            unit = waiting.pop()
            order.append(unit)
            new = [other for other in near[unit] if other in inside and other not in parent]
            for other in new:
                parent[other] = unit
            if long and len(new) > 1:
                turn = int(next(draw) * len(new))
                new = new[turn:] + new[:turn]
            waiting += new
        return parent, order

    def _shares(self, tree: Tree) -> dict[int, tuple[float, float]]:
        """Return what the excess counts of all below each unit, and of all above it."""
        parent, order = tree
        count = {unit: int(unit in self.held) for unit in order}
        for unit in reversed(order[1:]):
            count[parent[unit]] += count[unit]
        return {
            unit: (_STUCK if own else 1.0, _STUCK if own < count[order[0]] else 1.0)
            for unit, own in count.items()
        }

    def _cut(self, own: int, other: int, below: int, tree: Tree) -> None:
        """Give what lies below a unit to one zone, and the rest to the other."""
        parent, order = tree
        inside = {below}
        for unit in order:
            if parent[unit] in inside:
                inside.add(unit)
        if next(self.draw) * _PAIR < 1:
            own, other = other, own
        self.members[own] = [unit for unit in order if unit in inside]
        self.members[other] = [unit for unit in order if unit not in inside]
        for zone in (own, other):
            self.load[zone] = math.fsum(self.weight[unit] for unit in self.members[zone])
            self.stuck[zone] = not self.held.isdisjoint(self.members[zone])
            for unit in self.members[zone]:
                self.zone[unit] = zone


def _draws(rng: np.random.Generator) -> Iterator[float]:
    """Yield random numbers, drawn in blocks: one by one they would take as long as all else."""
    while True:
        yield from rng.random(_BLOCK).tolist()
