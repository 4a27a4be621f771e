"""Cells within cells: a cell around another would have a hole."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridplan.cells.divisions import Way, ways_to_divide
from gridplan.cells.halves import Ground
from gridplan.cells.search import Search

Ints = npt.NDArray[np.intp]

_RING_PARTS = (2, 3)
"""In so many parts a cell around another is divided."""


def open_rings(search: Search, *, whole: frozenset[int]) -> int:
    """
    Take each cell within another together with it, and divide both anew or join them.

    Parameters
    ----------
    search : Search
        Its cells are changed.
    whole : frozenset of int
        Realms that stay as they are, also within another cell.

    Returns
    -------
    int
        How many there were.
    """
    cells, opened = search.cells, 0
    for cell in range(len(cells.members)):
        host = _ring_around(search, cell)
        if host is None or {cells.realm[cell], cells.realm[host]} & whole:
            continue
        own = np.array(sorted(cells.members[cell] | cells.members[host]))
        target = min(cells.target[one] for one in (cell, host))
        share = sum(cells.area[one] for one in (cell, host)) / target
        counts = sorted({search.score.count(share), 2})
        (ways,) = ways_to_divide(search.cutter, [[Ground(own, k, target) for k in counts]])
        ways = [way for way in ways if _without_rings(search, way.parts)]
        # A court that one building encloses stays with the building.
        best = min(ways or [Way(0.0, [own])], key=lambda way: round(way.cost, 6))
        search.divide_anew([cell, host], best.parts)
        opened += 1
    return opened


def part_rings(search: Search, *, least_m2: float, whole: frozenset[int]) -> int:
    """
    Divide each cell around another, if its parts are large enough to be cells.

    A lake around an island, say: nobody walks from one to the other, so that they are no
    one cell, but the lake may be two.

    Parameters
    ----------
    search : Search
        Its cells are changed.
    least_m2 : float
        Each part must be as large.
    whole : frozenset of int
        Realms that stay as they are.

    Returns
    -------
    int
        How many were divided.
    """
    cells, parted = search.cells, 0
    for cell in range(len(cells.members)):
        host = _ring_around(search, cell) if cells.members[cell] else None
        if host is None or cells.realm[host] in whole or cells.area[host] < 2 * least_m2:
            continue
        own = np.array(sorted(cells.members[host]), dtype=np.intp)
        grounds = [Ground(own, k, cells.area[host] / k) for k in _RING_PARTS]
        (ways,) = ways_to_divide(search.cutter, [grounds])
        met = {o for atom in cells.members[cell] for o, _, _ in search.near[atom]}
        good = [way for way in ways if _meets_several(search, met, way.parts, least_m2)]
        if good:
            search.divide_anew([host], min(good, key=lambda way: round(way.cost, 6)).parts)
            parted += 1
    return parted


def _meets_several(search: Search, met: set[int], parts: list[Ints], least_m2: float) -> bool:
    """Return whether all parts are large enough, and some atoms lie in several of them."""
    large = all(search.cutter.atoms.area_m2[part].sum() >= least_m2 for part in parts)
    return large and sum(not met.isdisjoint(part.tolist()) for part in parts) > 1


def _ring_around(search: Search, cell: int) -> int | None:
    """Return the only cell around a cell, if there is nothing else around it."""
    members, of_atom = search.cells.members[cell], search.cells.of_atom
    if any(search.rim[atom] > 0 for atom in members):
        return None
    around = {of_atom[o] for atom in members for o, _, _ in search.near[atom]} - {cell}
    return around.pop() if len(around) == 1 else None


def _without_rings(search: Search, parts: list[Ints]) -> bool:
    """Return whether each part meets something else than one of the other parts."""
    label = {atom: at for at, part in enumerate(parts) for atom in part.tolist()}
    for at, part in enumerate(parts):
        near = {label.get(o, -1) for atom in part.tolist() for o, _, _ in search.near[atom]}
        if len(near - {at}) <= 1 and not any(search.rim[atom] > 0 for atom in part.tolist()):
            return len(parts) == 1
    return True
