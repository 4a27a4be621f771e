"""Land divided into a number of cells by cutting it in two, again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.cells.atoms import Atoms
from gridplan.cells.balance import Score
from gridplan.geometry import Floats

Ints = npt.NDArray[np.intp]

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

_MENDED = 3
"""How often pieces are given to the other side before a cut is given up."""

_FEW = 300
"""Up to so many atoms, looking at each in turn is faster than a sparse matrix."""


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
        Borders of each atom: those at ``index[start[a]:start[a + 1]]``.
    """

    atoms: Atoms
    cut: Floats
    score: Score
    start: Ints
    index: Ints

    def borders_within(self, own: Ints) -> Ints:
        """Return the borders between atoms of `own`."""
        inside = np.zeros(len(self.atoms.area_m2), dtype=bool)
        inside[own] = True
        found = [self.index[self.start[a] : self.start[a + 1]] for a in own.tolist()]
        borders = np.concatenate(found) if found else np.empty(0, dtype=np.intp)
        return borders[inside[self.atoms.right[borders]]]


def make_cutter(atoms: Atoms, cut: Floats, score: Score) -> Cutter:
    """Return what cutting the atoms of a community needs."""
    order = np.argsort(atoms.left, kind="stable")
    start = np.searchsorted(atoms.left[order], np.arange(len(atoms.area_m2) + 1))
    return Cutter(atoms, cut, score, start.astype(np.intp), order.astype(np.intp))


def divide(cutter: Cutter, own: Ints, k: int, target_m2: float) -> list[Ints]:
    """
    Return `k` sets of atoms of about equal area that `own` divides into.

    Each cut sweeps over the land in eight directions; where it lies is decided by
    the lines it follows, the area of both sides and whether they hang together.
    """
    if k <= 1 or len(own) <= 1:
        return [own]
    first = k // 2
    parts = _cut_in_two(cutter, own, first / k, target_m2, k)
    if parts is None:
        return [own]
    area = cutter.atoms.area_m2
    found: list[Ints] = []
    total = float(area[own].sum())
    share = float(area[parts[0]].sum()) / total
    count = min(max(round(k * share), 1), k - 1)
    for part, number in zip(parts, (count, k - count), strict=True):
        found += divide(cutter, part, number, target_m2)
    return found


def _cut_in_two(
    cutter: Cutter, own: Ints, share: float, target_m2: float, k: int
) -> tuple[Ints, Ints] | None:
    atoms, n = cutter.atoms, len(own)
    place = np.full(len(atoms.area_m2), -1, dtype=np.intp)
    place[own] = np.arange(n)
    borders = cutter.borders_within(own)
    left, right = place[atoms.left[borders]], place[atoms.right[borders]]
    area = atoms.area_m2[own]
    x, y = atoms.x[own] - atoms.x[own].mean(), atoms.y[own] - atoms.y[own].mean()
    along = _COS * x + _SIN * y
    order = np.argsort(along.round(3), axis=1, kind="stable")
    rank = np.empty_like(order)
    rank[_ROWS, order] = np.arange(n)
    one, other = rank[:, left], rank[:, right]
    weight = cutter.cut[borders] + atoms.length_m[borders] * (_LENGTH_COST / math.sqrt(target_m2))
    # A cut after rank r parts a border whose ends have ranks low <= r < high.
    cost = _between(np.minimum(one, other), np.maximum(one, other), weight, n)
    done = np.cumsum(area[order], axis=1)
    total = done[:, -1:]
    miss = np.minimum(np.abs(done - share * total), np.abs(done - (1 - share) * total))
    free = _FREE_MISS * min(k, _FREE_CELLS)
    cost += _MISS_COST * np.maximum(0.0, miss / target_m2 - free)
    cost[:, -1] = np.inf
    best = _least(cost.round(6).ravel(), 6 * _TRIED)
    return _best_of(cutter, own, order, best, (left, right), cost)


def _least(values: Floats, count: int) -> Ints:
    """Return the positions of the least values in their order, the first of equal ones first."""
    if len(values) <= count:
        return np.argsort(values, kind="stable")
    few = np.flatnonzero(values <= np.partition(values, count)[count])
    return few[np.argsort(values[few], kind="stable")][:count]


def _between(low: Ints, high: Ints, value: Floats, n: int) -> Floats:
    """Return, for each direction and rank, the sum over the borders that a cut there parts."""
    at = np.stack([low, high]) + _ROWS * n
    signed = np.repeat(np.stack([value, -value])[:, None], _DIRECTIONS, axis=1)
    steps = np.bincount(at.ravel(), signed.ravel(), minlength=_DIRECTIONS * n)
    return np.asarray(np.cumsum(steps.reshape(_DIRECTIONS, n), axis=1))


def _best_of(
    cutter: Cutter,
    own: Ints,
    order: Ints,
    best: Ints,
    borders: tuple[Ints, Ints],
    cost: Floats,
) -> tuple[Ints, Ints] | None:
    n = len(own)
    area: list[float] = cutter.atoms.area_m2[own].tolist()
    near: list[list[int]] = [[] for _ in range(n)]
    for a, b in zip(*(ends.tolist() for ends in borders), strict=True):
        near[a].append(b)
        near[b].append(a)
    fallback: tuple[float, list[bool]] | None = None
    tried = 0
    for flat in best.tolist():
        direction, last = divmod(flat, n)
        if not np.isfinite(cost[direction, last]):
            break
        side = np.zeros(n, dtype=bool)
        side[order[direction, : last + 1]] = True
        drawn: list[bool] = side.tolist()
        mended = _hanging_together(drawn, near, area)
        if mended is None:
            continue
        moved = sum(m2 for m2, a, b in zip(area, mended, drawn, strict=True) if a != b)
        if fallback is None or moved < fallback[0]:
            fallback = (moved, mended)
        tried += 1
        if moved == 0.0 or tried >= _TRIED:
            break
    if fallback is None:
        return None
    chosen = np.array(fallback[1])
    return own[chosen], own[~chosen]


def _hanging_together(
    side: list[bool], near: list[list[int]], area: list[float]
) -> list[bool] | None:
    """Return the sides with all but the largest piece of each given to the other, or None."""
    mended = side
    for _ in range(_MENDED):
        pieces = _pieces(mended, near)
        count = sum(mended[piece[0]] for piece in pieces)
        if not 0 < count < len(pieces):
            return None
        if len(pieces) == len((True, False)):
            return mended
        size = [sum(area[atom] for atom in piece) for piece in pieces]
        mended = mended.copy()
        for value in (True, False):
            own = [at for at, piece in enumerate(pieces) if side[piece[0]] == value]
            main = max(own, key=lambda at: (size[at], -at))
            for at in own:
                if at != main:
                    for atom in pieces[at]:
                        mended[atom] = not value
        side = mended
    return None


def _pieces(side: list[bool], near: list[list[int]]) -> list[list[int]]:
    """Return the connected pieces of both sides, each with its first atom first."""
    seen = [False] * len(side)
    pieces = []
    for first in range(len(side)):
        if seen[first]:
            continue
        seen[first], piece = True, [first]
        for atom in piece:
            for other in near[atom]:
                if not seen[other] and side[other] == side[first]:
                    seen[other] = True
                    piece.append(other)
        pieces.append(piece)
    return pieces


def connected_labels(side: npt.NDArray[np.bool_], left: Ints, right: Ints) -> Ints:
    """Return the connected piece of its side that each atom is in."""
    same = side[left] == side[right]
    left, right = left[same], right[same]
    n = len(side)
    if n > _FEW:
        graph = coo_array((np.ones(len(left)), (left, right)), shape=(n, n))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)
    root = list(range(n))
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        a, b = one, other
        while root[a] != a:
            a = root[a]
        while root[b] != b:
            b = root[b]
        root[max(a, b)] = min(a, b)
    for one in range(n):
        root[one] = root[root[one]]
    return np.asarray(np.unique(root, return_inverse=True)[1], dtype=np.intp)
