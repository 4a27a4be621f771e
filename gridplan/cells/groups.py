"""Groups of blocks: land between major lines, small pieces joined, to be divided into cells."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.cells.atoms import Atoms
from gridplan.cells.balance import Score
from gridplan.cells.sums import sums_by
from gridplan.geometry import Floats

Ints = npt.NDArray[np.intp]

OPEN, WET = 0, -1
"""Realms: open ground that may be joined with any other, and large water. Walled estates are
positive numbers, each a realm of its own."""


_STRIP_M = 25.0
"""Land narrower than this is a strip beside a line, not a place by itself."""

_WORST_FORM = 8.0
"""Most that the form of one cell costs while blocks are joined."""


@dataclass(frozen=True, slots=True)
class Group:
    """
    Land that is divided into cells by itself.

    Attributes
    ----------
    atoms : tuple of int
    realm : int
    target_m2 : float
        Area of a cell here.
    """

    atoms: tuple[int, ...]
    realm: int
    target_m2: float


@dataclass(frozen=True, slots=True)
class Zoning:
    """
    What the blocks of a community are, one entry per atom.

    Attributes
    ----------
    block : array of int
    estate : array of int
        Walled estate, 1 and above; 0 outside.
    wet : array of bool
        In a water polygon.
    """

    block: Ints
    estate: Ints
    wet: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sizes:
    """
    Areas that cells should have.

    Attributes
    ----------
    built_m2 : float
        Target area in built-up land.
    open_m2 : float
        Target area elsewhere.
    open_share : float
        Land with less than this share under buildings is not built up.
    whole_estates : bool
        Whether a walled estate is one cell.
    """

    built_m2: float
    open_m2: float
    open_share: float
    whole_estates: bool = False


class _Blocks:
    """Blocks while they are joined."""

    def __init__(self, atoms: Atoms, zoning: Zoning, sizes: Sizes, score: Score) -> None:
        self.score, self.sizes = score, sizes
        names, own = np.unique(zoning.block, return_inverse=True)
        n = len(names)
        self.area: list[float] = np.bincount(own, weights=atoms.area_m2, minlength=n).tolist()
        # A walled estate is built up, however much green is in it.
        built = np.where(zoning.estate > 0, atoms.area_m2, atoms.built_m2)
        self.built: list[float] = np.bincount(own, weights=built, minlength=n).tolist()
        wet = np.bincount(own, weights=atoms.area_m2 * zoning.wet, minlength=n)
        self.water: list[float] = wet.tolist()
        estate = np.zeros(n, dtype=np.intp)
        np.maximum.at(estate, own, zoning.estate)
        self.estate: list[int] = estate.tolist()
        self.members: list[list[int]] = [[] for _ in range(n)]
        for atom, block in enumerate(own.tolist()):
            self.members[block].append(atom)
        self.near = _adjacency(own, atoms, score, sizes.built_m2**0.5)
        rim = np.bincount(own, weights=atoms.rim_m, minlength=n)
        self.perimeter: list[float] = [
            float(rim[one]) + sum(length for _, length in near.values())
            for one, near in enumerate(self.near)
        ]

    def target(self, one: int) -> float:
        return self._target(self.area[one], self.built[one])

    def _target(self, area: float, built: float) -> float:
        is_built = built >= self.sizes.open_share * area
        return self.sizes.built_m2 if is_built else self.sizes.open_m2

    def cost(self, one: int) -> float:
        if self.sizes.whole_estates and self.estate[one]:
            return 0.0
        return self._cost(self.area[one], self.built[one], self.perimeter[one])

    def _cost(self, area: float, built: float, perimeter: float) -> float:
        """Return what the best number of cells on this land costs, by area and form."""
        target = self._target(area, built)
        k = self.score.count(area / target)
        # A long strip cut into k pieces is rounder by about k.
        form = k * self.score.shape(area, perimeter / k**0.5)
        return self.score.land(area / target) + min(form, _WORST_FORM * k)

    def joint_cost(self, one: int, other: int) -> float:
        if self.sizes.whole_estates and (self.estate[one] or self.estate[other]):
            return 0.0
        shared = self.near[one][other][1]
        return self._cost(
            self.area[one] + self.area[other],
            self.built[one] + self.built[other],
            self.perimeter[one] + self.perimeter[other] - 2 * shared,
        )

    def is_strip(self, one: int) -> bool:
        """Return whether a block is as narrow as what lies between a wall and its street."""
        return 2 * self.area[one] < _STRIP_M * self.perimeter[one]

    def is_wet(self, one: int) -> bool:
        return self.water[one] > self.area[one] / 2

    def may_join(self, one: int, other: int) -> bool:
        """Return whether two blocks may be one group: no large estate is joined to others."""
        small = self.score.aim - self.score.limit
        least = small * self.sizes.built_m2
        if self.estate[one] != self.estate[other]:
            walled = [b for b in (one, other) if self.estate[b]]
            rest = [b for b in (one, other) if not self.estate[b]]
            # Strips outside the walls may go with the estate; small estates go with anything.
            big = [b for b in walled if self.area[b] >= least]
            if len(big) > 1 or (
                big and any(self.area[b] >= least and not self.is_strip(b) for b in rest)
            ):
                return False
        if self.is_wet(one) != self.is_wet(other):
            return min(self.area[one], self.area[other]) < least
        return True

    def join(self, one: int, host: int) -> None:
        """Let `host` take `one` over."""
        if self.area[one] > self.area[host] or (self.estate[one] and self.is_strip(host)):
            self.estate[host] = self.estate[one]
        self.perimeter[host] += self.perimeter[one] - 2 * self.near[one][host][1]
        for name in ("area", "built", "water"):
            values = getattr(self, name)
            values[host] += values[one]
        self.members[host] += self.members[one]
        self.members[one] = []
        for other, (cut, length) in self.near[one].items():
            del self.near[other][one]
            if other != host:
                before = self.near[host].get(other, (0.0, 0.0))
                joint = (before[0] + cut, before[1] + length)
                self.near[host][other] = self.near[other][host] = joint
        self.near[one] = {}


def without_strips(atoms: Atoms, zoning: Zoning, *, open_share: float) -> Zoning:
    """
    Return the zoning with the pieces of open strips given to the blocks beside them.

    Land between two carriageways, or between a street and a canal, is no place by
    itself, and as long as the street it would make a chain of what lies along it. Each
    piece goes to a block it touches: of several to that with most of the strip's border,
    so that a strip stays on one side where it can; to a walled estate only if there is
    nothing else, to water never.
    """
    names, block = np.unique(zoning.block, return_inverse=True)
    n = len(names)
    ends = np.concatenate([atoms.left, atoms.right]), np.concatenate([atoms.right, atoms.left])
    length = np.tile(atoms.length_m, 2)
    parted = block[ends[0]] != block[ends[1]]
    area, built = sums_by(block, atoms.area_m2, n), sums_by(block, atoms.built_m2, n)
    wet = sums_by(block, atoms.area_m2 * zoning.wet, n) > area / 2
    rim = sums_by(block, atoms.rim_m, n) + sums_by(block[ends[0]], length * parted, n)
    walled = np.zeros(n, dtype=bool)
    walled[block[zoning.estate > 0]] = True
    strip = (2 * area < _STRIP_M * rim) & (built < open_share * area) & ~wet & ~walled
    one, other = (end[parted] for end in ends)
    metres, given = length[parted], block.copy()
    loose = strip[block]
    while loose.any():
        beside = loose[one] & ~loose[other] & ~wet[given[other]]
        if not beside.any():
            break
        key = block[one[beside]] * n + given[other[beside]]
        keys, at = np.unique(key, return_inverse=True)
        shared = sums_by(at, metres[beside], len(keys)).round(3)[at]
        host = given[other[beside]]
        order = np.lexsort((host, -shared, walled[host], one[beside]))
        atom, first = np.unique(one[beside][order], return_index=True)
        given[atom] = host[order][first]
        loose[atom] = False
    return Zoning(names[given], zoning.estate, zoning.wet)


def _adjacency(
    own: Ints, atoms: Atoms, score: Score, side_m: float
) -> list[dict[int, tuple[float, float]]]:
    """Return, for each block, the cost and the length of its border with each neighbour."""
    near: list[dict[int, tuple[float, float]]] = [{} for _ in range(int(own.max()) + 1)]
    cut = score.cut(atoms.length_m, atoms.worth, side_m).round(6)
    a, b = own[atoms.left], own[atoms.right]
    rows = (a.tolist(), b.tolist(), cut.tolist(), atoms.length_m.tolist())
    for one, other, cost, length in zip(*rows, strict=True):
        if one != other:
            before = near[one].get(other, (0.0, 0.0))
            near[one][other] = near[other][one] = (before[0] + cost, before[1] + length)
    return near


def group_blocks(atoms: Atoms, zoning: Zoning, sizes: Sizes, score: Score) -> list[Group]:
    """
    Return groups of blocks whose area divides well into cells of the target area.

    Blocks that do not divide well are joined with a neighbour, the smallest first,
    where that costs less than the line between them is worth as a border.
    """
    zoning = without_strips(atoms, zoning, open_share=sizes.open_share)
    blocks = _Blocks(atoms, zoning, sizes, score)
    heap = [(area, one) for one, area in enumerate(blocks.area) if blocks.cost(one) > 0]
    heapq.heapify(heap)
    while heap:
        area, one = heapq.heappop(heap)
        if not blocks.members[one] or blocks.area[one] != area:
            continue
        host = _best_host(blocks, one)
        if host is None:
            continue
        blocks.join(one, host)
        if blocks.cost(host) > 0:
            heapq.heappush(heap, (blocks.area[host], host))
    return [
        Group(
            tuple(sorted(own)),
            blocks.estate[one] or (WET if blocks.is_wet(one) else OPEN),
            blocks.target(one),
        )
        for one, own in enumerate(blocks.members)
        if own
    ]


def _best_host(blocks: _Blocks, one: int) -> int | None:
    alone = blocks.cost(one)
    options = []
    for other, (cut, _) in blocks.near[one].items():
        if not blocks.may_join(one, other):
            continue
        gain = alone + blocks.cost(other) + cut - blocks.joint_cost(one, other)
        if gain > 0:
            options.append((-round(gain, 6), blocks.area[other], other))
    return min(options)[2] if options else None


def adjacency_lists(atoms: Atoms, cut: Floats) -> list[list[tuple[int, float, float]]]:
    """Return the neighbours of each atom: (atom, length of the border, cost of cutting it)."""
    near: list[list[tuple[int, float, float]]] = [[] for _ in atoms.area_m2]
    for a, b, length, cost in zip(
        atoms.left.tolist(),
        atoms.right.tolist(),
        atoms.length_m.tolist(),
        cut.round(6).tolist(),
        strict=True,
    ):
        near[a].append((b, length, cost))
        near[b].append((a, length, cost))
    return near
