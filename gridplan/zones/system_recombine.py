"""Two neighbouring zones of a system are thrown together and divided anew."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.system_search import Keep
from gridplan.zones.system_state import DECIMALS, Aims, Loads, Price, State, Units

_TREES = 3
"""Spanning trees drawn for each pair of zones."""
_BLOCK = 32
_HOT, _COLD = 1.0, 0.02
"""First and last temperature."""
_EPS = 1e-9
_BEYOND_FIRST = 0.7
"""Share of steps that begin at a zone beyond what is allowed, while there is one."""
MOVES_PER_UNIT = 3
"""Each unit of a spanning tree is as much work as so many border moves."""


@dataclass(frozen=True, slots=True)
class Split:
    """One way to divide two zones: the first one's units, sums and prices of both."""

    units: frozenset[int]
    load: tuple[Loads, Loads]
    area: tuple[float, float]
    outline: tuple[float, float]
    price: tuple[Price, Price]
    total: float


def recombine(
    units: Units,
    zone: Ints,
    aims: Aims,
    rng: np.random.Generator,
    keep: Keep,
    *,
    steps: int,
) -> Ints:
    """
    Return zones improved by dividing pairs of neighbouring zones anew [1]_.

    Of two zones a few random spanning trees are drawn; each of their edges is a way to
    cut the two apart, and the one that costs least is kept if annealing allows.

    Parameters
    ----------
    units : Units
    zone : array of int, shape (n,)
        Connected zones from 0, each with a unit.
    aims : Aims
    rng : Generator
    keep : callable
    steps : int
        Pairs of zones to try.

    References
    ----------
    .. [1] DeFord, D., Duchin, M. and Solomon, J. (2021). Recombination: A family of
       Markov chains for redistricting. *Harvard Data Science Review*, 3(1).
       https://doi.org/10.1162/99608f92.eb30390f
    """
    state = State(units, zone, aims)
    fixed = units.fixed.tolist()
    best, best_zone, spent = state.rank(), zone.copy(), 0
    total, excess = best[1], best[0]
    for step in range(steps):
        if not state.parts.cut:
            break
        heat = _HOT * (_COLD / _HOT) ** (step / steps)
        pair = _pair(state, rng)
        members = [unit for own in pair for unit in state.parts.members[own]]
        spent += _TREES * len(members) * MOVES_PER_UNIT
        split = _best_split(state, pair, fixed, rng)
        if split is not None:
            costs = [state.costs[own] for own in pair]
            more = split.total - costs[0][0] - costs[1][0] - _left(state, members)
            if more < -heat * math.log1p(-rng.random()):
                worse = sum(one[1] for one in split.price) - sum(one[1] for one in costs)
                excess = max(0.0, round(excess + worse, DECIMALS))
                total += more
                _apply(state, split, pair)
                if (excess, total) < (best[0], best[1] - _EPS):
                    best, best_zone = (excess, total), np.array(state.parts.part, dtype=np.intp)
        if step % _BLOCK == _BLOCK - 1:
            if not keep(spent, best_zone):
                return best_zone
            spent = 0
    keep(spent, best_zone)
    return best_zone


def _left(state: State, members: list[int]) -> float:
    if state.leaving is None:
        return 0.0
    return math.fsum(state.leaving[one][state.parts.part[one]] for one in members)


def _pair(state: State, rng: np.random.Generator) -> tuple[int, int]:
    """Return two neighbouring zones; one of them is beyond its bounds, mostly."""
    parts = state.parts
    beyond = [own for own, cost in enumerate(state.costs) if cost[1]]
    if beyond and rng.random() < _BEYOND_FIRST:
        home = beyond[int(rng.integers(len(beyond)))]
        hosts = list(dict.fromkeys(host for _, _, host in parts.moves_from(home)))
        if hosts:
            return home, hosts[int(rng.integers(len(hosts)))]
    _, home, host = parts.proposed(rng.random())
    return home, host


def _apply(state: State, split: Split, pair: tuple[int, int]) -> None:
    """Let units change zone as a split says."""
    parts = state.parts
    home, host = pair
    for unit in (*parts.members[home], *parts.members[host]):
        own = home if unit in split.units else host
        if parts.part[unit] != own:
            parts.apply((unit, parts.part[unit], own))
    for at, own in enumerate(pair):
        state.load[own] = split.load[at]
        state.area[own], state.outline[own] = split.area[at], split.outline[at]
        state.costs[own] = split.price[at]


def _best_split(
    state: State, pair: tuple[int, int], fixed: list[bool], rng: np.random.Generator
) -> Split | None:
    """Return the cheapest way to cut two zones apart along some random spanning trees."""
    joint = _Joint(state, pair, fixed)
    best: Split | None = None
    for _ in range(_TREES):
        tree = _tree(len(joint.members), joint.edges, rng.random(len(joint.edges)))
        split = joint.best_cut(tree)
        if split is not None and (best is None or split.total < best.total - _EPS):
            best = split
    return best


class _Joint:
    """Two zones thrown together, their units renumbered."""

    def __init__(self, state: State, pair: tuple[int, int], fixed: list[bool]) -> None:
        parts = state.parts
        self.state, self.pair = state, pair
        self.members = [*parts.members[pair[0]], *parts.members[pair[1]]]
        place = {unit: at for at, unit in enumerate(self.members)}
        self.edges = [
            (at, place[other])
            for unit, at in place.items()
            for other, _ in parts.near[unit]
            if other in place and unit < other
        ]
        self.borders = [
            (at, place[other], metres)
            for unit, at in place.items()
            for other, metres in state.near[unit]
            if other in place and unit < other
        ]
        self.held = [
            [float(fixed[unit] and parts.part[unit] == own) for unit in self.members]
            for own in pair
        ]
        self.matters = (
            any(map(any, self.held))
            or state.leaving is not None
            or state.bounds[pair[0]] != state.bounds[pair[1]]
        )
        """Whether it matters which of the two zones lies on which side."""
        self.left = [
            [0.0 if state.leaving is None else state.leaving[unit][own] for unit in self.members]
            for own in pair
        ]

    def best_cut(self, tree: Tree) -> Split | None:
        """Return the cheapest split at an edge of a tree."""
        sums = _Sums(self, tree)
        found: tuple[float, int, bool] | None = None
        for below in tree[1][1:]:
            for turned in (False, True) if self.matters else (False,):
                if sums.allowed(below, turned=turned):
                    total = sums.split(below, turned=turned)[-1]
                    if found is None or total < found[0] - _EPS:
                        found = total, below, turned
        if found is None:
            return None
        total, below, turned = found
        inside = {below}
        for one in tree[1]:
            if tree[0][one] in inside:
                inside.add(one)
        first = set(range(len(self.members))) - inside if turned else inside
        return Split(
            frozenset(self.members[one] for one in first), *sums.split(below, turned=turned)
        )


Sums = tuple[
    tuple[Loads, Loads],
    tuple[float, float],
    tuple[float, float],
    tuple[Price, Price],
    float,
]
"""Loads, areas, outlines and prices of both sides, and the price of both together."""


class _Sums:
    """What lies below each node of a spanning tree of two zones."""

    def __init__(self, joint: _Joint, tree: Tree) -> None:
        parent, order = tree
        state, members = joint.state, joint.members
        self.state, self.pair = state, joint.pair
        self.load = [list(state.weight[unit]) for unit in members]
        self.area = [state.unit_area[unit] for unit in members]
        self.line = [state.unit_outline[unit] for unit in members]
        self.cut = [0.0] * len(members)
        self.held = [list(one) for one in joint.held]
        self.left = [list(one) for one in joint.left]
        self._borders(joint.borders, parent, order)
        plain: list[list[float]] = [self.area, self.line, self.cut, *self.held, *self.left]
        for one in reversed(order[1:]):
            up = parent[one]
            self.load[up] = [a + b for a, b in zip(self.load[up], self.load[one], strict=True)]
            for sums in plain:
                sums[up] += sums[one]

    def _borders(
        self, borders: list[tuple[int, int, float]], parent: list[int], order: list[int]
    ) -> None:
        """Count each border where the ways up from its two units meet."""
        depth = [0] * len(parent)
        for one in order[1:]:
            depth[one] = depth[parent[one]] + 1
        for a, b, metres in borders:
            self.cut[a] += metres
            self.cut[b] += metres
            low, high = a, b
            while low != high:
                if depth[low] < depth[high]:
                    high = parent[high]
                else:
                    low = parent[low]
            self.line[low] -= 2 * metres
            self.cut[low] -= 2 * metres

    def allowed(self, below: int, *, turned: bool) -> bool:
        """Return whether units that stay in their zone do so."""
        own, other = (1, 0) if turned else (0, 1)
        return not self.held[other][below] and self.held[own][below] == self.held[own][0]

    def split(self, below: int, *, turned: bool) -> Sums:
        """Return both sides of the cut above a node, the first zone of the pair first."""
        sides = [
            (tuple(self.load[below]), self.area[below], self.line[below]),
            (
                tuple([a - b for a, b in zip(self.load[0], self.load[below], strict=True)]),
                self.area[0] - self.area[below],
                self.line[0] + 2 * self.cut[below] - self.line[below],
            ),
        ]
        below_left, above_left = (self.left[1], self.left[0]) if turned else self.left
        left = below_left[below] + above_left[0] - above_left[below]
        if turned:
            sides.reverse()
        first, second = sides
        prices = (
            self.state.cost(self.pair[0], *first),
            self.state.cost(self.pair[1], *second),
        )
        return (
            (first[0], second[0]),
            (first[1], second[1]),
            (first[2], second[2]),
            prices,
            prices[0][0] + prices[1][0] + left,
        )


Tree = tuple[list[int], list[int]]
"""Parent of each member, and the members from the root down."""


def _tree(count: int, edges: list[tuple[int, int]], draw: Floats) -> Tree:
    """Return the spanning tree of the least drawn numbers, from its first member down."""
    root = list(range(count))
    near: list[list[int]] = [[] for _ in range(count)]
    for number in np.argsort(draw, kind="stable").tolist():
        a, b = edges[number]
        first, second = a, b
        while root[first] != first:
            root[first] = root[root[first]]
            first = root[first]
        while root[second] != second:
            root[second] = root[root[second]]
            second = root[second]
        if first != second:
            root[first] = second
            near[a].append(b)
            near[b].append(a)
    parent, order = [-1] * count, [0]
    for one in order:
        for other in near[one]:
            if other != parent[one]:
                parent[other] = one
                order.append(other)
    return parent, order
