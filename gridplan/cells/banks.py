"""Cells that water parts: a bank that no bridge joins to the rest goes to a cell of its side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridplan.cells.search import Search

_LEAST_SHARE = 0.05
"""A bank below this share of the target area is the edge of the water, not a place."""


def part_banks(
    search: Search,
    wet: npt.NDArray[np.bool_],
    bridged: npt.NDArray[np.bool_],
    *,
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
    bridged : array of bool
        Atoms of water that a street or a path crosses or runs along.
    whole : frozenset of int
        Realms that stay as they are.

    Returns
    -------
    int
        How many banks went to another cell. One that has no neighbour with room for it,
        and is too small to be a cell, stays.
    """
    moved = 0
    for number in range(len(search.cells.members)):
        cell = number
        own = search.cells.members[cell]
        water = [atom for atom in own if wet[atom]]
        if not water or search.cells.realm[cell] in whole or any(bridged[atom] for atom in water):
            continue
        banks = _parts(search, {atom for atom in own if not wet[atom]})
        for bank in banks[1:]:
            # A bank that only the one before joined to the rest has gone with it.
            if bank <= search.cells.members[cell]:
                left = _moved(search, cell, bank, banks[0], wet)
                moved, cell = moved + (left != cell), left
    return moved


def bridged_water(
    left: npt.NDArray[np.intp],
    right: npt.NDArray[np.intp],
    worth: npt.NDArray[np.float64],
    wet: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """
    Return the atoms of water that meet another one at a line: it leads over the water.

    Examples
    --------
    >>> wet = np.array([True, True, True, False])
    >>> pairs, worth = np.array([[0, 1], [1, 2], [2, 3]]), np.array([1.0, 0.0, 1.0])
    >>> bridged_water(pairs[:, 0], pairs[:, 1], worth, wet).tolist()
    [True, True, False, False]
    """
    over = wet[left] & wet[right] & (worth > 0)
    found = np.zeros(len(wet), dtype=bool)
    found[left[over]] = found[right[over]] = True
    return found


def _parts(search: Search, atoms: set[int]) -> list[set[int]]:
    """Return the connected parts of some atoms, the largest first."""
    left, found = set(atoms), []
    for first in sorted(atoms):
        if first not in left:
            continue
        left.discard(first)
        part = [first]
        for atom in part:
            for other, _, _ in search.near[atom]:
                if other in left:
                    left.discard(other)
                    part.append(other)
        found.append(set(part))
    return sorted(found, key=lambda part: (-_area(search, part), min(part)))


def _area(search: Search, atoms: set[int]) -> float:
    return round(sum(search.size[atom] for atom in sorted(atoms)), 3)


def _moved(
    search: Search, cell: int, bank: set[int], main: set[int], wet: npt.NDArray[np.bool_]
) -> int:
    """Move a bank to another cell, if one has room; return the cell of the rest."""
    cells, target = search.cells, search.cells.target[cell]
    if _area(search, bank) < _LEAST_SHARE * target:
        return cell
    rest = next(p for p in _parts(search, cells.members[cell] - bank) if not main.isdisjoint(p))
    # Water that only the bank joined to the rest goes with it.
    gone = cells.members[cell] - rest
    host = _host(search, cell, gone, wet)
    score = search.score
    if host is None and _area(search, gone) < (score.aim - score.limit) * target:
        return cell
    realm = cells.realm[cell if host is None else host]
    cells.members[cell] = set()
    left = search.add(rest, realm=cells.realm[cell], target_m2=target)
    if host is not None:
        gone, target = gone | cells.members[host], cells.target[host]
        cells.members[host] = set()
    search.add(gone, realm=realm, target_m2=target)
    return left


def _host(search: Search, cell: int, gone: set[int], wet: npt.NDArray[np.bool_]) -> int | None:
    """Return the cell with room that shares most border with the land of a bank."""
    cells, score = search.cells, search.score
    area, met = _area(search, gone), dict[int, float]()
    for atom in sorted(gone):
        for other, length, _ in search.near[atom]:
            there = cells.of_atom[other]
            if there != cell and not (wet[atom] or wet[other]):
                met[there] = met.get(there, 0.0) + length
    room = [
        there
        for there in met
        if cells.realm[there] == cells.realm[cell]
        and cells.area[there] + area <= (score.aim + score.limit) * cells.target[there]
    ]
    return min(room, key=lambda there: (-round(met[there], 6), there)) if room else None
