"""Land divided into a number of cells by cutting it in two, again and again; much at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.cells.atoms import Atoms
from gridplan.cells.balance import Score
from gridplan.cells.sums import sums_by
from gridplan.geometry import Floats

Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_DIRECTIONS = 8
_ROWS = np.arange(_DIRECTIONS)[:, None]
_COS, _SIN = np.cos(_ROWS * math.pi / _DIRECTIONS), np.sin(_ROWS * math.pi / _DIRECTIONS)
_TRIED = 3
"""Cuts of which it is looked at whether both sides hang together."""

_LENGTH_COST = 0.3
"""Cost of a cut as long as the side of a cell, whatever it follows."""

_FREE_MISS, _FREE_CELLS, _MISS_COST = 0.04, 4, 6.0
"""A cut may miss the area of its sides by the first share of a cell for each cell, of up to the
second number of cells, at no cost; each cell's area beyond costs the third."""

_CANDIDATES = 6
"""Of the cheapest cuts, so many are looked at for those."""

_MENDED = 3
"""How often pieces are given to the other side before a cut is given up."""

_AT_ONCE = 30_000
"""So many atoms are swept over at once: more would leave the processor's cache."""


@dataclass(frozen=True, slots=True)
class Cutter:
    """
    What cutting needs to know of a community's atoms.

    Attributes
    ----------
    atoms : Atoms
    cut : array of float
        Cost of each border if it parts two cells.
    score : Score
    start, index : array of int
        Borders of each atom as the left one: those at ``index[start[a]:start[a + 1]]``.
    outline_m : array of float
        Length of each atom's border, whatever is beyond.
    place : array of int, shape (directions, n)
        Place of each atom in a sweep over the community in each direction.
    """

    atoms: Atoms
    cut: Floats
    score: Score
    start: Ints
    index: Ints
    outline_m: Floats
    place: Ints

    def inner_borders(self, own: Ints, owner: Ints) -> tuple[Ints, Ints, Ints]:
        """
        Return the borders between atoms of the same owner.

        Parameters
        ----------
        own, owner : array of int
            Atoms and what each belongs to; sorted by owner, then by atom. An atom may
            belong to several.

        Returns
        -------
        left, right : array of int
            Positions in `own`; sorted by the left one.
        border : array of int
        """
        n = len(self.atoms.area_m2)
        key = owner * n + own
        first = self.start[own]
        count = self.start[own + 1] - first
        left = np.repeat(np.arange(len(own)), count)
        border = self.index[np.arange(len(left)) + (first - np.cumsum(count) + count)[left]]
        wanted = owner[left] * n + self.atoms.right[border]
        right = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
        inside = key[right] == wanted
        return left[inside], right[inside], border[inside]


def make_cutter(atoms: Atoms, cut: Floats, score: Score) -> Cutter:
    """Return what cutting the atoms of a community needs."""
    n = len(atoms.area_m2)
    order = np.argsort(atoms.left, kind="stable")
    start = np.searchsorted(atoms.left[order], np.arange(n + 1))
    ends = np.concatenate([atoms.left, atoms.right])
    outline = atoms.rim_m + sums_by(ends, np.tile(atoms.length_m, 2), n)
    along = _COS * (atoms.x - atoms.x.mean()) + _SIN * (atoms.y - atoms.y.mean())
    sweep = np.argsort(along.round(3), axis=1, kind="stable")
    place = np.empty_like(sweep)
    place[_ROWS, sweep] = np.arange(n)
    return Cutter(atoms, cut, score, start.astype(np.intp), order.astype(np.intp), outline, place)


@dataclass(frozen=True, slots=True)
class Ground:
    """
    Land to divide.

    Attributes
    ----------
    own : array of int
        Its atoms, sorted.
    count : int
        Into how many cells.
    target_m2 : float
        Area a cell should have.
    """

    own: Ints
    count: int
    target_m2: float


@dataclass(slots=True)
class _Node:
    """Land that may have been cut in two."""

    ground: Ground
    halves: tuple[_Node, _Node] | None = None

    @property
    def is_open(self) -> bool:
        return self.ground.count > 1 and len(self.ground.own) > 1

    def leaves(self) -> Iterator[Ints]:
        if self.halves is None:
            yield self.ground.own
            return
        for half in self.halves:
            yield from half.leaves()


def divide_all(cutter: Cutter, grounds: Sequence[Ground]) -> list[list[Ints]]:
    """
    Return, for each ground, sets of atoms of about equal area that it divides into.

    Each cut sweeps over the land in eight directions; where it lies is decided by
    the lines it follows, the area of both sides and whether they hang together. All
    grounds are swept over together: a single one is a few dozen atoms, and calls would
    take longer than sums.
    """
    roots = [_Node(one) for one in grounds]
    level = [node for node in roots if node.is_open]
    while level:
        following: list[_Node] = []
        for some in _portions(level):
            sweep = _swept(cutter, [node.ground for node in some])
            for node, side in zip(some, _sides(cutter, sweep), strict=True):
                if side is not None:
                    node.halves = _halves(cutter, node.ground, side)
                    following += [half for half in node.halves if half.is_open]
        level = following
    return [list(root.leaves()) for root in roots]


def divide(cutter: Cutter, ground: Ground) -> list[Ints]:
    """Return the sets of atoms that one ground divides into, as `divide_all`."""
    return divide_all(cutter, [ground])[0]


def _portions(nodes: list[_Node]) -> Iterator[list[_Node]]:
    some: list[_Node] = []
    atoms = 0
    for node in nodes:
        some.append(node)
        atoms += len(node.ground.own)
        if atoms >= _AT_ONCE:
            yield some
            some, atoms = [], 0
    if some:
        yield some


def _halves(cutter: Cutter, ground: Ground, side: Flags) -> tuple[_Node, _Node]:
    area, k, count = cutter.atoms.area_m2, ground.count, 1
    one, other = ground.own[side], ground.own[~side]
    if k > len((one, other)):
        share = float(area[one].sum()) / float(area[ground.own].sum())
        count = min(max(round(k * share), 1), k - 1)
    return (
        _Node(Ground(one, count, ground.target_m2)),
        _Node(Ground(other, k - count, ground.target_m2)),
    )


@dataclass(frozen=True, slots=True)
class _Sweep:
    """
    Several grounds swept over in all directions.

    Attributes
    ----------
    own, ground : array of int, shape (n,)
        Atoms, one ground after the other.
    first : array of int, shape (grounds + 1,)
        Where each ground begins.
    left, right : array of int
        Positions of atoms that share a border inside their ground, sorted by the left.
    rank : array of int, shape (directions, n)
        Place of each position in the sweep.
    cost : array of float, shape (directions, n)
        Of the cut after each place.
    """

    own: Ints
    ground: Ints
    first: Ints
    left: Ints
    right: Ints
    rank: Ints
    cost: Floats


def _swept(cutter: Cutter, grounds: list[Ground]) -> _Sweep:
    atoms = cutter.atoms
    own = np.concatenate([one.own for one in grounds])
    first = np.cumsum([0, *(len(one.own) for one in grounds)])
    ground = np.repeat(np.arange(len(grounds)), np.diff(first))
    target = np.array([one.target_m2 for one in grounds])
    left, right, border = cutter.inner_borders(own, ground)
    order = np.argsort(ground * len(atoms.area_m2) + cutter.place[:, own], axis=1)
    rank = np.empty_like(order)
    rank[_ROWS, order] = np.arange(len(own))
    weight = cutter.cut[border] + atoms.length_m[border] * (
        _LENGTH_COST / np.sqrt(target[ground[left]])
    )
    cost = _between(rank[:, left], rank[:, right], weight, len(own))
    cost += _miss_costs(atoms.area_m2[own], order, first, grounds)
    cost[:, first[1:] - 1] = np.inf
    return _Sweep(own, ground, first, left, right, rank, cost.round(6))


def _between(one: Ints, other: Ints, value: Floats, n: int) -> Floats:
    """Return, for each direction and rank, the sum over the borders that a cut there parts."""
    # A cut after rank r parts a border whose ends have ranks low <= r < high.
    steps = np.empty((_DIRECTIONS, n))
    for row, (a, b) in enumerate(zip(one, other, strict=True)):
        begun = np.bincount(np.minimum(a, b), value, minlength=n)
        steps[row] = begun - np.bincount(np.maximum(a, b), value, minlength=n)
    return np.asarray(np.cumsum(steps, axis=1))


def _miss_costs(area: Floats, order: Ints, first: Ints, grounds: list[Ground]) -> Floats:
    """Return what each cut costs for the area its sides miss."""
    size = np.diff(first)
    count = np.array([one.count for one in grounds])
    target = np.repeat([one.target_m2 for one in grounds], size)
    done = np.cumsum(area[order], axis=1)
    total = np.add.reduceat(area, first[:-1])
    # Areas are whole pixels: sums are exact, whatever lies before.
    done -= np.repeat(np.cumsum(total) - total, size)
    low = np.repeat(total * (count // 2 / count), size)
    miss = np.minimum(np.abs(done - low), np.abs(done - (np.repeat(total, size) - low)))
    free = np.repeat(_FREE_MISS * np.minimum(count, _FREE_CELLS), size)
    return np.asarray(_MISS_COST * np.maximum(0.0, miss / target - free))


def _sides(cutter: Cutter, sweep: _Sweep) -> list[Flags | None]:
    """Return, for each ground, the atoms on one side of its best cut; None where there is none."""
    ends, left_over = sweep.first, sweep
    number, position = np.arange(len(ends) - 1), np.arange(len(sweep.own))
    tried, least_moved = np.zeros(len(number), dtype=np.intp), np.full(len(number), np.inf)
    chosen = np.zeros(len(position), dtype=bool)
    for _ in range(_CANDIDATES):
        drawn, possible = _best_cuts(left_over)
        whole = _in_two(left_over, drawn)
        # Most cuts hang together at once.
        taken = whole[left_over.ground]
        chosen[position[taken]], least_moved[number[whole]] = drawn[taken], 0.0
        again = possible & ~whole
        if not again.any():
            break
        kept = again[left_over.ground]
        position, number, left_over = position[kept], number[again], _some_of(left_over, again)
        area, drawn = cutter.atoms.area_m2[left_over.own], drawn[kept]
        mended, whole = _mended(left_over, drawn, area)
        moved = np.add.reduceat(np.where(mended != drawn, area, 0.0), left_over.first[:-1])
        better = whole & (moved < least_moved[number])
        least_moved[number[better]] = moved[better]
        taken = better[left_over.ground]
        chosen[position[taken]] = mended[taken]
        tried[number] += whole
        again = tried[number] < _TRIED
        if not again.any():
            break
        position, number = position[again[left_over.ground]], number[again]
        left_over = _some_of(left_over, again)
    found = np.isfinite(least_moved).tolist()
    return [
        chosen[a:b] if is_cut else None
        for (a, b), is_cut in zip(pairwise(ends), found, strict=True)
    ]


def _best_cuts(sweep: _Sweep) -> tuple[Flags, Flags]:
    """
    Return which atoms lie on one side of the cheapest cut of each ground, and if there is one.

    A cut that has been returned is not returned again.
    """
    least = np.minimum.reduceat(sweep.cost, sweep.first[:-1], axis=1).min(axis=0)
    row, last = np.nonzero(sweep.cost == least[sweep.ground])
    at = np.unique(sweep.ground[last], return_index=True)[1]
    row, last = row[at], last[at]
    sweep.cost[row, last] = np.inf
    ground = sweep.ground
    side = sweep.rank[row[ground], np.arange(len(ground))] <= last[ground]
    return side, np.isfinite(least)


def _some_of(sweep: _Sweep, chosen: Flags) -> _Sweep:
    """Return the sweep over some of its grounds."""
    kept = chosen[sweep.ground]
    to = np.cumsum(kept) - 1
    inside = kept[sweep.left]
    ground = (np.cumsum(chosen) - 1)[sweep.ground[kept]]
    return _Sweep(
        own=sweep.own[kept],
        ground=ground,
        first=np.searchsorted(ground, np.arange(int(chosen.sum()) + 1)),
        left=to[sweep.left[inside]],
        right=to[sweep.right[inside]],
        rank=to[sweep.rank[:, kept]],
        cost=sweep.cost[:, kept],
    )


def _mended(sweep: _Sweep, side: Flags, area: Floats) -> tuple[Flags, Flags]:
    """
    Return the sides with all but the largest piece of each given to the other.

    Returns
    -------
    side : array of bool, shape (n,)
    whole : array of bool, shape (grounds,)
        Whether both sides of a ground now hang together.
    """
    for _ in range(_MENDED):
        label, first = _pieces(sweep, side)
        ground, is_one = sweep.ground[first], side[first]
        half = 2 * ground + is_one
        size = np.bincount(label, weights=area)
        order = np.lexsort((first, -size, half))
        halves, at = np.unique(half[order], return_index=True)
        main = np.zeros(len(first), dtype=bool)
        main[order[at]] = True
        # Where one side is empty no mending gives it anything.
        main |= np.bincount(halves // 2, minlength=len(sweep.first) - 1)[ground] == 1
        if main.all():
            break
        side = side ^ ~main[label]
    return side, _in_two(sweep, side)


def _pieces(sweep: _Sweep, side: Flags) -> tuple[Ints, Ints]:
    """Return the connected piece of its side that each atom is in, and the first atom of each."""
    label = connected_labels(side, sweep.left, sweep.right)
    return label, np.unique(label, return_index=True)[1]


def _in_two(sweep: _Sweep, side: Flags) -> Flags:
    """Return of which grounds both sides hang together."""
    first = _pieces(sweep, side)[1]
    n = len(sweep.first) - 1
    ones = np.bincount(sweep.ground[first[side[first]]], minlength=n)
    pieces = np.bincount(sweep.ground[first], minlength=n)
    return np.asarray((ones == 1) & (pieces == len((True, False))))


def connected_labels(side: Flags, left: Ints, right: Ints) -> Ints:
    """Return the connected piece of its side that each atom is in."""
    same = side[left] == side[right]
    ends = (left[same], right[same])
    n = len(side)
    graph = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)
