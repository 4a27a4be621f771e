"""Cells that water parts: a bank that no bridge joins to the rest goes to a cell of its side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.cells.atoms import Atoms
from gridplan.cells.groups import OPEN
from gridplan.cells.search import Search

_LEAST_SHARE = 0.04
"""A bank below this share of the target area of built-up land is the edge of the water, not a
place."""


_LEAST_WAY_M = 4.0
"""Over less land, two pixels, nobody walks: it is the corner of a pixel."""

_PIXELS = 0.02
"""By so much of its target the area of a cell may change once its border is a line."""

_ROUNDS = 3
"""A bank that came to another cell may be parted from it, too."""


def part_banks(
    search: Search,
    wet: npt.NDArray[np.bool_],
    walks: list[list[int]],
    *,
    target_m2: float,
    most_share: float,
    whole: frozenset[int],
) -> int:
    """
    Give each bank that nobody can walk to from the rest of its cell to a cell beside it.

    Parameters
    ----------
    search : Search
        Its cells are changed.
    wet : array of bool
        Atoms of water.
    walks : list of list of int
        As `walks` returns them.
    target_m2 : float
        Area of a cell in built-up land.
    most_share : float
        Share of its target area up to which a cell has room.
    whole : frozenset of int
        Realms that stay as they are.

    Returns
    -------
    int
        How many banks went to another cell. One that has no neighbour with room for it,
        and is too small to be a cell, stays.
    """
    beside = [[other for other, _, _ in near] for near in search.near]
    most = most_share - _PIXELS
    ground = _Ground(wet, walks, beside, target_m2, most, whole)
    moved = 0
    for _ in range(_ROUNDS):
        before = moved
        for number in range(len(search.cells.members)):
            if search.cells.realm[number] not in whole:
                moved += _parted(search, number, ground)
        if moved == before:
            break
    return moved


@dataclass(frozen=True, slots=True)
class _Ground:
    """What `part_banks` is told, and the atoms beside each."""

    wet: npt.NDArray[np.bool_]
    walks: list[list[int]]
    beside: list[list[int]]
    target_m2: float
    most_share: float
    whole: frozenset[int]


def _parted(search: Search, cell: int, ground: _Ground) -> int:
    """Return how many banks of a cell went to another one."""
    banks = _banks(search, search.cells.members[cell], ground)
    moved = 0
    for bank in banks[1:]:
        # A bank that only the one before joined to the rest has gone with it.
        here = bank <= search.cells.members[cell]
        if here and _area(search, bank) >= _LEAST_SHARE * ground.target_m2:
            left = _moved(search, cell, bank, banks[0], ground)
            moved, cell = moved + (left != cell), left
    return moved


def walks(atoms: Atoms, wet: npt.NDArray[np.bool_]) -> list[list[int]]:
    """
    Return, for each atom, the atoms beside it that can be walked to.

    Over land, or over water where a street or a path leads over it.
    """
    bridged = np.zeros(len(wet), dtype=bool)
    bridged[atoms.left[atoms.bridge]] = bridged[atoms.right[atoms.bridge]] = True
    dry = bridged | ~wet
    both = dry[atoms.left] & dry[atoms.right]
    over = bridged[atoms.left] | bridged[atoms.right]
    open_ways = both & ((atoms.land_m >= _LEAST_WAY_M) | over)
    found: list[list[int]] = [[] for _ in wet]
    ends = atoms.left[open_ways].tolist(), atoms.right[open_ways].tolist()
    for one, other in zip(*ends, strict=True):
        found[one].append(other)
        found[other].append(one)
    return found


def _banks(search: Search, own: set[int], ground: _Ground) -> list[set[int]]:
    """Return the parts of some land that can be walked over, the largest first."""
    wet, walks = ground.wet, ground.walks
    dry = {atom for atom in own if walks[atom] or not wet[atom]}
    parts = _parts(search, dry, walks)
    return [part for part in parts if not all(wet[atom] for atom in part)]


def _parts(search: Search, atoms: set[int], beside: list[list[int]]) -> list[set[int]]:
    """Return the connected parts of some atoms, the largest first."""
    left, found = set(atoms), []
    for first in sorted(atoms):
        if first not in left:
            continue
        left.discard(first)
        part = [first]
        for atom in part:
            for other in beside[atom]:
                if other in left:
                    left.discard(other)
                    part.append(other)
        found.append(set(part))
    return sorted(found, key=lambda part: (-_area(search, part), min(part)))


def _area(search: Search, atoms: set[int]) -> float:
    return round(sum(search.size[atom] for atom in sorted(atoms)), 3)


def _moved(search: Search, cell: int, bank: set[int], main: set[int], ground: _Ground) -> int:
    """Move a bank to another cell, if one has room; return the cell of the rest."""
    cells, target = search.cells, search.cells.target[cell]
    parts = _parts(search, cells.members[cell] - bank, ground.beside)
    rest = next(part for part in parts if not main.isdisjoint(part))
    # Water that only the bank joined to the rest goes with it.
    gone = cells.members[cell] - rest
    host = _host(search, cell, gone, ground)
    # Open land may have larger cells, and need not.
    alone_m2 = (search.score.aim - search.score.limit) * ground.target_m2
    if host is None and _area(search, gone) < alone_m2:
        return cell
    realm = cells.realm[cell if host is None else host]
    cells.members[cell] = set()
    left = search.add(rest, realm=cells.realm[cell], target_m2=target)
    if host is not None:
        gone, target = gone | cells.members[host], cells.target[host]
        cells.members[host] = set()
    search.add(gone, realm=realm, target_m2=target)
    return left


def _host(search: Search, cell: int, gone: set[int], ground: _Ground) -> int | None:
    """Return the cell with room that shares most border with the land of a bank."""
    cells = search.cells
    area, met, own = _area(search, gone), dict[int, float](), cells.realm[cell]
    for atom in sorted(gone):
        for other, length, _ in search.near[atom]:
            there = cells.of_atom[other]
            if there != cell and other in ground.walks[atom]:
                met[there] = met.get(there, 0.0) + length
    room = [
        there
        for there in met
        # Land outside walls goes with no estate, and an estate's with no other.
        if (cells.realm[there] == own or max(cells.realm[there], own) <= OPEN)
        and cells.realm[there] not in ground.whole
        and cells.area[there] + area <= ground.most_share * cells.target[there]
    ]
    return min(
        room,
        # Another realm only where its own has no room.
        key=lambda there: (cells.realm[there] != own, -round(met[there], 6), there),
        default=None,
    )
