"""Units with a load, the few among empty land: which of them one zone can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from gridplan.geometry import Floats
from gridplan.siting.highs import Model, Options, solve_model
from gridplan.siting.search import Effort
from gridplan.zones.contiguity import Contiguity, Ints, labelled_components
from gridplan.zones.districts_problem import Flags
from gridplan.zones.system_state import Units

MOST_GROUPS = 3_000
"""Land with more groups than this is left to the search: it has small units enough."""
_MOST_INSIDE = 600
"""Of more groups within what is allowed, no bound is looked for: it would take too long."""
ROUNDING = 1e-9
_LARGE = 0.25
"""Units with more than this share of the least of a zone may be stuck among others."""
_BRANCHES = 2
"""The first unit of all joins parts if so many branches hang on it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    The units of one piece of land that have a load.

    Attributes
    ----------
    units : array of int, shape (n,)
    weights : array of float, shape (n, w)
    near : tuple of int
        Of each, a bit for every other that one zone may join it with, through empty
        units alone.
    necks : tuple of tuple of int
        For each empty unit that alone joins several parts of the land, the bits of the
        loaded units in each of these parts: one zone at most reaches across.
    """

    units: Ints
    weights: Floats
    near: tuple[int, ...]
    necks: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Groups:
    """
    Connected groups of loaded units.

    Attributes
    ----------
    bits : tuple of int
        A bit for each loaded unit.
    load : array of float, shape (groups, w)
    """

    bits: tuple[int, ...]
    load: Floats


def loaded_of(units: Units) -> Loaded:
    """Return the loaded units of connected land, and which of them empty land joins."""
    heavy: Flags = np.asarray(units.weights.any(axis=1), dtype=np.bool_)
    graph = units.land.graph
    left, right = graph.left, graph.right
    empty = ~heavy[left] & ~heavy[right]
    part = labelled_components(left[empty], right[empty], units.land.count)
    place = np.cumsum(heavy) - 1
    count = int(heavy.sum())
    near = [0] * count
    beside: dict[int, int] = {}
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if heavy[a] and heavy[b]:
            near[place[a]] |= 1 << int(place[b])
            near[place[b]] |= 1 << int(place[a])
        elif heavy[a] or heavy[b]:
            own, other = (a, b) if heavy[a] else (b, a)
            beside[int(part[other])] = beside.get(int(part[other]), 0) | 1 << int(place[own])
    for bits in beside.values():
        for one in ones_of(bits):
            near[one] |= bits
    free = tuple(bits & ~(1 << at) for at, bits in enumerate(near))
    necks = tuple(_necks(units, heavy))
    return Loaded(np.flatnonzero(heavy), units.weights[heavy], free, necks)


def _necks(units: Units, heavy: Flags) -> Iterator[tuple[int, ...]]:
    """Yield the parts, as bits of their loaded units, that one empty unit alone joins."""
    graph, count = units.land.graph, units.land.count
    at = np.flatnonzero(heavy).tolist()
    for unit in articulations(graph):
        if heavy[unit]:
            continue
        kept = (graph.left != unit) & (graph.right != unit)
        part = labelled_components(graph.left[kept], graph.right[kept], count)
        bits: dict[int, int] = {}
        for place, own in enumerate(at):
            bits[int(part[own])] = bits.get(int(part[own]), 0) | 1 << place
        if len(bits) > 1:
            yield tuple(bits.values())


def articulations(graph: Contiguity) -> list[int]:
    """
    Return the units without which a connected graph falls apart [1]_.

    Examples
    --------
    >>> articulations(Contiguity(np.array([0, 1, 2]), np.array([1, 2, 3]), np.ones(3), 4))
    [1, 2]

    References
    ----------
    .. [1] Hopcroft, J. and Tarjan, R. (1973). Algorithm 447: Efficient algorithms for graph
       manipulation. *Communications of the ACM*, 16(6), 372-378.
       https://doi.org/10.1145/362248.362272
    """
    near: list[list[int]] = [[] for _ in range(graph.count)]
    for a, b in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
        near[a].append(b)
        near[b].append(a)
    parent, order = [-1] * graph.count, []
    seen, met = [-1] * graph.count, 0
    waiting = [(0, -1)]
    while waiting:
        one, up = waiting.pop()
        if seen[one] >= 0:
            continue
        seen[one], parent[one], met = met, up, met + 1
        order.append(one)
        waiting += [(other, one) for other in near[one] if seen[other] < 0]
    lowest = list(seen)
    found: set[int] = set()
    for one in reversed(order):
        up = parent[one]
        lowest[one] = min([lowest[one], *(seen[other] for other in near[one] if other != up)])
        # What hangs below: its lowest is known, for it comes later in the order.
        lowest[one] = min([lowest[one], *(lowest[other] for other in near[one]
                                          if parent[other] == one)])  # fmt: skip
        if up >= 0 and lowest[one] >= seen[up]:
            found.add(up)
    if sum(up == order[0] for up in parent) < _BRANCHES:
        found.discard(order[0])
    return sorted(found)


def ones_of(bits: int) -> Iterator[int]:
    """
    Yield the places of the bits that are set.

    Examples
    --------
    >>> list(ones_of(0b1010))
    [1, 3]
    """
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def groups_of(loaded: Loaded, most: Floats, *, limit: int = MOST_GROUPS) -> Groups | None:
    """
    Return every connected group of loaded units within `most`; None if they are too many.

    Each group is met once: from its first unit on, a unit that was passed over is not
    taken later.

    Examples
    --------
    >>> row = Loaded(np.arange(3), np.array([[3.0], [4.0], [5.0]]), (0b010, 0b101, 0b010))
    >>> groups_of(row, np.array([9.0])).bits
    (1, 3, 2, 6, 4)
    """
    top = (most * (1 + ROUNDING)).tolist()
    # One load is what most systems have: it is a number by itself, the others are lists.
    first: list[float] = loaded.weights[:, 0].tolist()
    others: list[list[float]] = loaded.weights[:, 1:].tolist()
    found: list[int] = []
    loads: list[list[float]] = []
    for root, own in enumerate(first):
        if own > top[0] or _above(others[root], top):
            continue
        waiting = [(1 << root, own, others[root], loaded.near[root], (1 << root + 1) - 1)]
        while waiting:
            bits, load, rest, edge, passed = waiting.pop()
            found.append(bits)
            loads.append([load, *rest])
            if len(found) > limit:
                return None
            free = edge & ~passed
            while free:
                low = free & -free
                free ^= low
                passed |= low
                one = low.bit_length() - 1
                more = load + first[one]
                if more > top[0]:
                    continue
                beside = rest and [a + b for a, b in zip(rest, others[one], strict=True)]
                if not _above(beside, top):
                    waiting.append((bits | low, more, beside, edge | loaded.near[one], passed))
    return Groups(tuple(found), np.array(loads).reshape(len(found), len(top)))


def _above(rest: list[float], top: list[float]) -> bool:
    """Return whether one of the loads but the first is more than allowed."""
    return any(a > b for a, b in zip(rest, top[1:], strict=True)) if rest else False


def stuck_of(loaded: Loaded, least: Floats, most: Floats) -> list[int]:
    """
    Return the places of loaded units that are in no connected group within the bounds.

    Each zone that holds one of them is beyond its bounds, whatever the others are. Units of
    which there are too many groups to look at are not named, nor those that are small.

    Examples
    --------
    >>> row = Loaded(np.arange(3), np.array([[3.0], [4.0], [5.0]]), (0b010, 0b101, 0b010))
    >>> stuck_of(row, np.array([6.0]), np.array([7.0]))
    [2]
    """
    weights = loaded.weights
    low, top = least * (1 - ROUNDING), most * (1 + ROUNDING)
    large = np.flatnonzero((weights > _LARGE * low).any(axis=1)).tolist()
    return [one for one in large if _is_stuck(loaded, one, low, top)]


def _is_stuck(loaded: Loaded, first: int, low: Floats, top: Floats) -> bool:
    """Return whether no connected group with a unit is within the bounds; False: not known."""
    waiting = [(1 << first, loaded.weights[first], loaded.near[first], 1 << first)]
    looked = 0
    while waiting:
        bits, load, edge, passed = waiting.pop()
        if (load > top).any():
            continue
        looked += 1
        if looked > MOST_GROUPS or (load >= low).all():
            return False
        # Each group is met once: without what was passed over.
        for one in ones_of(edge & ~passed):
            passed |= 1 << one
            waiting.append((bits | 1 << one, load + loaded.weights[one],
                            edge | loaded.near[one], passed))  # fmt: skip
    return True


def crossing(loaded: Loaded, bits: Sequence[int]) -> csr_array:
    """Return a row for each neck, with 1 for each group that reaches across it."""
    rows = np.array(
        [[sum(bool(one & part) for part in parts) > 1 for one in bits] for parts in loaded.necks],
        dtype=np.float64,
    )
    return csr_array(rows.reshape(len(loaded.necks), len(bits)))


def covering(groups: Groups, count: int) -> csr_array:
    """Return a row for each loaded unit, with 1 for each group that holds it."""
    pairs = [(one, at) for at, bits in enumerate(groups.bits) for one in ones_of(bits)]
    unit, group = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    return csr_array((np.ones(len(unit)), (unit, group)), shape=(count, len(groups.bits)))


def most_within(loaded: Loaded, least: Floats, most: Floats, k: int, effort: Effort) -> int | None:
    r"""
    Return how many of `k` zones can be within what is allowed at most; None: not known.

    The most groups :math:`S` of loaded units, connected through empty land that several of
    them may use, each within the bounds and none sharing a unit:
    :math:`\max \sum_S x_S` with :math:`\sum_{S \ni i} x_S \le 1` for each unit `i` and
    :math:`\sum_S x_S \le k`; of the groups that reach across a neck, one at most. No zones of
    this land are better, wherever their borders run. Where zones may have nothing, those of
    empty land alone are within, too, and no group says how many there are: it is not known.
    """
    groups = groups_of(loaded, most) if (least > 0).any() else None
    if groups is None:
        return None
    inside = np.flatnonzero((groups.load >= least * (1 - ROUNDING)).all(axis=1))
    if not len(inside):
        return 0
    if len(inside) > _MOST_INSIDE:
        return None
    chosen = Groups(tuple(groups.bits[one] for one in inside.tolist()), groups.load[inside])
    count = len(inside)
    rows = vstack([covering(chosen, len(loaded.units)), crossing(loaded, chosen.bits),
                   csr_array(np.ones((1, count)))])  # fmt: skip
    upper = np.ones(rows.shape[0])
    upper[-1] = k
    out = solve_model(
        Model(
            cost=-np.ones(count),
            rows=csr_array(rows),
            least=np.full(len(upper), -np.inf),
            most=upper,
            lower=np.zeros(count),
            upper=np.ones(count),
            whole=np.ones(count, dtype=np.bool_),
        ),
        effort,
        options=Options(),
    )
    return math.floor(-out.bound + ROUNDING) if math.isfinite(out.bound) else None
