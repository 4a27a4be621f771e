"""Cells within cells: a cell around another would have a hole."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridplan.cells.divisions import Way, ways_of, ways_to_divide
from gridplan.cells.halves import Ground, connected_labels
from gridplan.cells.search import Search

Ints = npt.NDArray[np.intp]

_RING_PARTS = (2, 3)
"""In so many parts a cell around another is divided."""

_DIRECTIONS = 16
"""So many lines through what lies inside are tried, where no other way to divide opens a ring."""

_ROUNDS = 5
"""A cell may be around several others, apart from each other."""

_BEYOND = -1
"""What lies outside a community."""

_MENDED = 3
"""How often pieces are given to the other side of such a line."""


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
    parted = 0
    for _ in range(_ROUNDS):
        before = parted
        for host, inside in enclosures(search):
            # It was parted for the sake of another that lies inside it.
            if search.cells.members[host] and search.cells.realm[host] not in whole:
                parted += _is_parted(search, host, inside, least_m2)
        if parted == before:
            break
    return parted


def _is_parted(search: Search, host: int, inside: set[int], least_m2: float) -> bool:
    """Divide a cell around others, if that can be; return whether it was."""
    cells = search.cells
    island = sorted(atom for one in inside for atom in cells.members[one])
    own = np.array(sorted(cells.members[host]), dtype=np.intp)
    if cells.area[host] < 2 * least_m2:
        return False
    grounds = [Ground(own, k, cells.area[host] / k) for k in _RING_PARTS]
    (ways,) = ways_to_divide(search.cutter, [grounds])
    met = {other for atom in island for other, _, _ in search.near[atom]} & cells.members[host]
    for tried in (ways, _ways_through(search, island, own)):
        good = [way for way in tried if _meets_several(search, met, way.parts, least_m2)]
        if good:
            search.divide_anew([host], min(good, key=lambda way: round(way.cost, 6)).parts)
            return True
    return False


def enclosures(search: Search) -> list[tuple[int, set[int]]]:
    """
    Return the cells around others, each with the cells inside it.

    Without such a cell those inside cannot be reached from beyond the community: it is an
    articulation point of the graph of cells, found by a depth-first search from outside.
    """
    around = _neighbours(search)
    order, low, seen = {_BEYOND: 0}, {_BEYOND: 0}, [_BEYOND]
    left = {cell: sorted(beside, reverse=True) for cell, beside in around.items()}
    path, found = [_BEYOND], list[tuple[int, set[int]]]()
    while len(path) > 1 or left[_BEYOND]:
        cell = path[-1]
        if not left[cell]:
            path.pop()
            host = path[-1]
            low[host] = min(low[host], low[cell])
            if host != _BEYOND and low[cell] >= order[host]:
                found.append((host, set(seen[order[cell] :])))
            continue
        other = left[cell].pop()
        if other in order:
            low[cell] = min(low[cell], order[other])
        else:
            order[other] = low[other] = len(seen)
            seen.append(other)
            path.append(other)
    return sorted(found, key=lambda one: (min(one[1]), one[0]))


def _neighbours(search: Search) -> dict[int, set[int]]:
    """Return the cells beside each cell, `_BEYOND` among them."""
    of_atom, found = search.cells.of_atom, dict[int, set[int]]()
    found[_BEYOND] = set()
    for atom, cell in enumerate(of_atom):
        beside = {of_atom[other] for other, _, _ in search.near[atom]}
        found.setdefault(cell, set()).update(beside - {cell})
        if search.rim[atom] > 0:
            found[cell].add(_BEYOND)
            found[_BEYOND].add(cell)
    return found


def _ways_through(search: Search, island: list[int], own: Ints) -> list[Way]:
    """
    Return the ways to divide a ring in two by a line through the middle of an island.

    A way that divides its area well may pass the island by, say at the other end of a lake.
    """
    atoms, weight = search.cutter.atoms, search.cutter.atoms.area_m2[island]
    x, y = (float(np.average(along[island], weights=weight)) for along in (atoms.x, atoms.y))
    turns = np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS
    across = np.outer(np.cos(turns), atoms.x[own] - x) + np.outer(np.sin(turns), atoms.y[own] - y)
    left, right, _ = search.cutter.inner_borders(own, np.zeros(len(own), dtype=np.intp))
    found = []
    for side in across.round(3) < 0:
        parts = _whole_sides(side, left, right, atoms.area_m2[own])
        if parts is not None:
            found.append([own[part] for part in parts])
    target = search.cells.target[search.cells.of_atom[int(own[0])]]
    return ways_of(search.cutter, [Ground(own, len(parts), target) for parts in found], found)


def _whole_sides(
    side: npt.NDArray[np.bool_], left: Ints, right: Ints, area_m2: npt.NDArray[np.float64]
) -> list[npt.NDArray[np.bool_]] | None:
    """Return both sides of a line, each in one piece: what hangs loose goes to the other side."""
    for _ in range(_MENDED):
        label = connected_labels(side, left, right)
        size = np.bincount(label, area_m2)
        main = [
            max(np.unique(label[own]), key=lambda one: (size[one], -one))
            for own in (side, ~side)
            if own.any()
        ]
        loose = ~np.isin(label, main)
        if not loose.any():
            break
        side = side ^ loose
    whole = len(np.unique(connected_labels(side, left, right))) == len((side, ~side))
    return [side, ~side] if whole and side.any() and not side.all() else None


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
