"""Several zones at once are divided anew along a spanning tree, each within its bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.system_loaded import ones_of

_BINS = 1_000
"""Loads count in so many parts of the most that a zone may have."""
_EPS = 1e-9

Tree = tuple[list[int], list[int]]
"""Parent of each member, and the members from the root down."""

Table = dict[int, int]
"""By number of whole zones below a node, the loads that what is left with it may have, as bits."""


def deep_tree(near: Sequence[Sequence[int]], rng: np.random.Generator) -> Tree:
    """
    Return a spanning tree of connected land that goes on as far as it can before it branches.

    Few of its nodes have several branches, so that most of its parts can be cut anywhere: of
    trees with many short branches hardly any can be divided within narrow bounds.

    Parameters
    ----------
    near : sequence of sequence of int
        Neighbours of each unit; unit 0 is the root.
    rng : Generator
    """
    parent, order = [-1] * len(near), []
    seen = [False] * len(near)
    waiting = [(0, -1)]
    while waiting:
        one, up = waiting.pop()
        if seen[one]:
            continue
        seen[one], parent[one] = True, up
        order.append(one)
        others = [other for other in near[one] if not seen[other]]
        draw = np.argsort(rng.random(len(others)), kind="stable").tolist()
        waiting += [(others[at], one) for at in draw]
    return parent, order


def tree_zones(tree: Tree, load: Floats, bounds: tuple[float, float], zones: int) -> Ints | None:
    r"""
    Return zones of a tree, each connected and within the bounds; None where there are none [1]_.

    From the leaves up, each node has a table of what may lie below it: how many whole zones,
    and which loads the zone that it is in may have so far. Of two subtrees the loads are added,
    or the lower one ends a zone if its load is within the bounds. Loads are rounded to a
    thousandth of the most, so that zones may be beyond the bounds by a little.

    Parameters
    ----------
    tree : Tree
    load : array of float, shape (n,)
    bounds : (float, float)
        Least and most of a zone.
    zones : int

    Examples
    --------
    >>> row = [-1, 0, 1, 2], [0, 1, 2, 3]
    >>> tree_zones(row, np.array([2.0, 3.0, 4.0, 1.0]), (4.0, 6.0), 2).tolist()
    [0, 0, 1, 1]
    >>> tree_zones(row, np.array([2.0, 9.0, 4.0, 1.0]), (4.0, 6.0), 2) is None
    True

    References
    ----------
    .. [1] Ito, T., Zhou, X. and Nishizeki, T. (2006). Partitioning a graph of bounded
       tree-width to connected subgraphs of almost uniform size. *Journal of Discrete
       Algorithms*, 4(1), 142-154. https://doi.org/10.1016/j.jda.2005.01.005
    """
    least, most = bounds
    size = most / _BINS
    ways = _Ways(tree, np.rint(load / size).astype(np.intp).tolist(),
                 (math.ceil(least / size - _EPS), _BINS), zones)  # fmt: skip
    return ways.divided()


@dataclass(slots=True)
class _Ways:
    """The tables of a tree."""

    tree: Tree
    load: list[int]
    bounds: tuple[int, int]
    zones: int
    table: list[Table] = field(init=False)
    before: list[Table] = field(init=False)
    """Of each node, the table of its parent before its own was added."""

    def __post_init__(self) -> None:
        parent, order = self.tree
        self.table = [{0: (1 << one) & self.allowed} for one in self.load]
        self.before = [{} for _ in self.load]
        for one in reversed(order[1:]):
            up = parent[one]
            self.before[one] = self.table[up]
            self.table[up] = self._added(self.table[up], self.table[one])

    @property
    def allowed(self) -> int:
        """A bit for each load up to the most."""
        return (1 << self.bounds[1] + 1) - 1

    @property
    def whole(self) -> int:
        """A bit for each load that ends a zone."""
        return self.allowed & ~((1 << self.bounds[0]) - 1)

    def _added(self, upper: Table, lower: Table) -> Table:
        added: Table = {}
        for below, bits in lower.items():
            ends = bits & self.whole
            for above, others in upper.items():
                number = above + below
                if ends and number + 1 < self.zones:
                    added[number + 1] = added.get(number + 1, 0) | others
                if number < self.zones and (both := _sums(others, bits) & self.allowed):
                    added[number] = added.get(number, 0) | both
        return added

    def divided(self) -> Ints | None:
        """Return the zones, from the root down; ends of zones as near to the middle as can be."""
        parent, order = self.tree
        bits = self.table[0].get(self.zones - 1, 0) & self.whole
        if not bits:
            return None
        zone = np.zeros(len(self.load), dtype=np.intp)
        state = {0: (self.zones - 1, self._nearest(bits))}
        met = 0
        for one in order[1:]:
            up = parent[one]
            ended, above, below = self._undone(one, state[up])
            met += ended
            zone[one] = met if ended else zone[up]
            state[up], state[one] = above, below
        return zone

    def _undone(
        self, one: int, state: tuple[int, int]
    ) -> tuple[bool, tuple[int, int], tuple[int, int]]:
        """Return whether a zone ends below, and what lies above and below then."""
        number, load = state
        upper = self.before[one]
        for below, bits in self.table[one].items():
            ends = bits & self.whole
            if ends and upper.get(number - below - 1, 0) >> load & 1:
                return True, (number - below - 1, load), (below, self._nearest(ends))
        for below, bits in self.table[one].items():
            others = upper.get(number - below, 0)
            for own in ones_of(bits & ((1 << load + 1) - 1)):
                if others >> load - own & 1:
                    return False, (number - below, load - own), (below, own)
        message = f"no way leads to {state} at node {one}"
        raise RuntimeError(message)

    def _nearest(self, bits: int) -> int:
        middle = sum(self.bounds) / 2
        return min(ones_of(bits), key=lambda one: (abs(one - middle), one))


def _sums(first: int, second: int) -> int:
    """Return a bit for each sum of one of the first and one of the second."""
    few, many = (first, second) if first.bit_count() < second.bit_count() else (second, first)
    found = 0
    for one in ones_of(few):
        found |= many << one
    return found
