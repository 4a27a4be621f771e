"""Cells of water with several bridges: nobody walks along them from one to the other."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridplan.cells.bridged import BESIDE_M, JOINED_M, walks_within, water_cells
from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.zones.contiguity import Contiguity, Ints, labelled_components
from gridplan.zones.crossings import common_borders
from gridplan.zones.districts_problem import Flags

_SEVERAL = 2
_FEW = 8
"""Of more crossings that want the same water the first choice is the best one alone."""

Lack = Callable[[Ints], tuple[int, float]]
"""Told the piece of land of each cell: pieces too little for a zone, and how uneven the others."""


@dataclass(frozen=True, slots=True)
class Bridges:
    """
    Crossings of cells of water that have several, far from each other.

    A cell of a canal is open to both banks at each of its bridges. Who takes it for one
    place joins the land at both of its ends by it, which may be far apart.

    Attributes
    ----------
    cell : array of int, shape (j,)
        Cells of water, by their place.
    border : array of int, shape (j,)
        A border of each that is open at a crossing, by its place in the rook graph.
    crossing : array of int, shape (j,)
        Number of that crossing.
    always : bool
        Whether zones as large as such a cell is long are kept from walking along it, too.
    """

    cell: Ints
    border: Ints
    crossing: Ints
    always: bool = False

    @property
    def water(self) -> Ints:
        """The cells of water, sorted."""
        return np.unique(self.cell)

    def only(self, kept: Flags) -> Bridges:
        """Return some of the crossings, or of their borders."""
        return Bridges(self.cell[kept], self.border[kept], self.crossing[kept], self.always)

    def parted(self, graph: Contiguity, parted: Flags, used: Ints) -> Flags:
        """Return the borders that part if these cells are open at some crossings alone."""
        water, kept = self.water, self.only(np.isin(self.crossing, used))
        wet = np.isin(graph.left, water).astype(np.intp) + np.isin(graph.right, water)
        # Where two such cells meet both have to be open.
        pairs = np.unique(np.stack([kept.cell, kept.border]), axis=1)
        return parted | (np.bincount(pairs[1], minlength=len(wet)) < wet)

    def beside(self, graph: Contiguity) -> dict[int, Ints]:
        """Return the other cells at each crossing, sorted."""
        ends = graph.left[self.border], graph.right[self.border]
        other = np.where(ends[0] == self.cell, ends[1], ends[0])
        land = ~np.isin(other, self.cell)
        return {
            one: np.unique(other[land & (self.crossing == one)])
            for one in np.unique(self.crossing[land]).tolist()
        }

    def linked(self, graph: Contiguity) -> Contiguity:
        """Return the pairs of other cells that each crossing joins; they share 0 m of border."""
        pairs: set[tuple[int, int]] = set()
        for cells in self.beside(graph).values():
            pairs.update(itertools.combinations(cells.tolist(), 2))
        left, right = np.array(sorted(pairs), dtype=np.intp).reshape(-1, 2).T
        return Contiguity(left, right, np.zeros(len(left)), graph.count)

    def within(self, graph: Contiguity, label: Ints) -> frozenset[int]:
        """Return the crossings with cells of one label on both sides; below 0: of none."""
        rook = set(zip(graph.left.tolist(), graph.right.tolist(), strict=True))
        return frozenset(
            one
            for one, cells in self.beside(graph).items()
            if any(
                label[a] == label[b] >= 0 and (a, b) not in rook
                for a, b in itertools.combinations(cells.tolist(), 2)
            )
        )

    def over_land(self, graph: Contiguity, parted: Flags) -> Contiguity:
        """Return the graph of what hangs together over land: bridges join, water does not."""
        dry = ~(parted | np.isin(graph.left, self.water) | np.isin(graph.right, self.water))
        links = self.linked(graph)
        return Contiguity(
            np.concatenate([graph.left[dry], links.left]),
            np.concatenate([graph.right[dry], links.right]),
            np.concatenate([graph.border_m[dry], links.border_m]),
            graph.count,
        )


def used_crossings(
    bridges: Bridges,
    graph: Contiguity,
    parted: Flags,
    middle: Floats,
    lack: Lack,
    wanted: Sequence[frozenset[int]] = (),
) -> Ints:
    """
    Return the crossings at which cells of water are open to zones: one for each, mostly.

    A zone is in one part, so it holds the water under its bridge, and one zone alone holds
    that. Of the crossings over one cell of water those are used that are wanted, then those
    that leave least land without a way that is too little for a zone, then that cannot be
    divided evenly; then those that join most land, and those without which one goes farthest.
    Where land would be too little for a zone all the same, its bridge is open, too, and the
    cell is one place for both.

    Parameters
    ----------
    bridges : Bridges
        Of borders that zones may reach across.
    graph : Contiguity
        Rook, of the cells.
    parted : array of bool, shape (m,)
        Borders that no zone reaches across.
    middle : array of float, shape (n, 2)
        Of the cells, in metres.
    lack : callable
    wanted : sequence of frozenset of int
        Crossings that are wanted, the most needed ones first.

    Returns
    -------
    array of int
        Numbers of crossings, sorted.
    """
    numbers = np.unique(bridges.crossing).tolist()
    water = {one: set(bridges.cell[bridges.crossing == one].tolist()) for one in numbers}
    far = {one: _way_round_m(bridges, graph, parted, middle, one) for one in numbers}
    longest = max([1.0, *(one for one in far.values() if math.isfinite(one))])
    far = {one: min(metres, 2 * longest) for one, metres in far.items()}
    joined = _Joined(bridges, graph, parted)
    dry = np.setdiff1d(np.arange(graph.count), bridges.water)

    @functools.cache
    def price(used: frozenset[int]) -> tuple[float, ...]:
        piece = joined.pieces(used)
        # Of land: a bridge that joins nothing but the water to one bank helps nobody.
        pieces = len(np.unique(piece[dry]))
        return (*lack(piece), pieces, -math.fsum(far[one] for one in sorted(used)))

    def rank(used: frozenset[int]) -> tuple[float, ...]:
        return (*(-len(used & some) for some in wanted), *price(used))

    best: frozenset[int] = frozenset()
    for group in _groups(water):
        # Which goes first decides which are left: so each of a few goes first once.
        begun = [best | {one} for one in group] if len(group) <= _FEW else [best]
        best = min(
            (_with_more(one, group, water, rank) for one in begun),
            key=lambda one: (rank(one), sorted(one)),
        )
    while left := [best | {one} for one in numbers if one not in best]:
        more = min(left, key=lambda one: (price(one), sorted(one)))
        if price(more)[0] >= price(best)[0]:
            break
        best = more
    return np.array(sorted(best), dtype=np.intp)


def _groups(water: dict[int, set[int]]) -> list[list[int]]:
    """Return the crossings that want the same water, directly or by others."""
    left, found = dict(water), []
    while left:
        group = [min(left)]
        wanted = set(left.pop(group[0]))
        while more := [one for one in sorted(left) if left[one] & wanted]:
            group += more
            wanted = wanted.union(*(left.pop(one) for one in more))
        found.append(sorted(group))
    return found


def _with_more(
    used: frozenset[int],
    group: list[int],
    water: dict[int, set[int]],
    rank: Callable[[frozenset[int]], tuple[float, ...]],
) -> frozenset[int]:
    """Return crossings with more of a group, the best first, while there is water for them."""
    while True:
        taken = {cell for one in used for cell in water[one]}
        free = [used | {one} for one in group if not water[one] & taken]
        if not free:
            return used
        used = min(free, key=lambda one: (rank(one), sorted(one)))


class _Joined:
    """Land that hangs together without cells of water, and which of it crossings join."""

    def __init__(self, bridges: Bridges, graph: Contiguity, parted: Flags) -> None:
        self.bridges, self.graph = bridges, graph
        shut = bridges.parted(graph, parted, np.empty(0, dtype=np.intp))
        self.part = labelled_components(graph.left[~shut], graph.right[~shut], graph.count)
        ends = graph.left[bridges.border], graph.right[bridges.border]
        self.wet = np.isin(ends[0], bridges.water).astype(np.intp) + np.isin(ends[1], bridges.water)

    def pieces(self, used: frozenset[int]) -> Ints:
        """Return the piece of land of each cell where some crossings are open."""
        bridges, graph = self.bridges, self.graph
        kept = np.isin(bridges.crossing, sorted(used))
        pairs = np.unique(np.stack([bridges.cell[kept], bridges.border[kept]]), axis=1)
        told = np.bincount(pairs[1], minlength=len(graph.left))[bridges.border]
        rows = np.unique(bridges.border[told >= self.wet])
        count = int(self.part.max()) + 1
        ends = self.part[graph.left[rows]], self.part[graph.right[rows]]
        return labelled_components(*ends, count)[self.part]


def _way_round_m(
    bridges: Bridges, graph: Contiguity, parted: Flags, middle: Floats, crossing: int
) -> float:
    """Return how far it is between the cells at a crossing by all others, in metres."""
    at = bridges.border[bridges.crossing == crossing]
    beside = np.setdiff1d(np.concatenate([graph.left[at], graph.right[at]]), bridges.water)
    if len(beside) < _SEVERAL:
        return 0.0
    rest = bridges.only(bridges.crossing != crossing).linked(graph)
    open_ = ~parted & ~np.isin(graph.left, bridges.water) & ~np.isin(graph.right, bridges.water)
    left = np.concatenate([graph.left[open_], rest.left])
    right = np.concatenate([graph.right[open_], rest.right])
    # Cells with one middle are not as good as not joined, in a sparse table.
    metres = np.hypot(*(middle[left] - middle[right]).T) + GRID_M
    table = csr_array((metres, (left, right)), shape=(graph.count, graph.count))
    return float(dijkstra(table, directed=False, indices=beside)[:, beside].max())


def bridges_over(
    shapes: Geometries, graph: Contiguity, parted: Flags, *, water: Geometries, ways: Geometries
) -> Bridges:
    """
    Return the crossings of each cell of water that has several.

    Parameters
    ----------
    shapes : array of polygons, shape (n,)
    graph : Contiguity
        Of the cells.
    parted : array of bool, shape (m,)
        Borders without a crossing, as `gridplan.zones.uncrossed_borders` gives them.
    water : array of polygons
        A cell with at least 95 % of its area in it is one of water.
    ways : array of lines
        Streets, paths and bridges. Those that run on within the cell, or meet within 50 m,
        are one crossing.

    Examples
    --------
    >>> from gridplan.zones import Contiguity
    >>> cells = shapely.box([0, 0, 500, 0, 500], [0, 30, 30, -100, -100],
    ...                     [1000, 500, 1000, 500, 1000], [30, 130, 130, 0, 0])
    >>> left, right = np.array([0, 0, 0, 0, 1, 3]), np.array([1, 2, 3, 4, 2, 4])
    >>> graph = Contiguity(left, right, np.array([500.0] * 4 + [100.0] * 2), 5)
    >>> ways = np.array([shapely.LineString([(x, -50), (x, 80)]) for x in (100, 900)])
    >>> found = bridges_over(cells, graph, np.zeros(6, dtype=bool), water=cells[:1], ways=ways)
    >>> pairs = found.linked(graph)
    >>> found.water.tolist(), pairs.left.tolist(), pairs.right.tolist()
    ([0], [1, 2], [3, 4])
    """
    tree = shapely.STRtree(ways)
    found: list[_Met] = []
    for own in water_cells(shapes, water):
        at = np.flatnonzero(~parted & ((graph.left == own) | (graph.right == own)))
        if len(at) < _SEVERAL or not len(ways):
            continue
        walks = walks_within(shapes[own], ways, tree)
        lines = common_borders(shapes, graph, at)
        met = [
            _Met(own, row, walk)
            for row, line in zip(at.tolist(), lines, strict=True)
            for walk in walks[shapely.distance(walks, line) <= BESIDE_M]
        ]
        if len({id(one.walk) for one in met}) >= _SEVERAL:
            found += met
    return Bridges(
        cell=np.array([one.cell for one in found], dtype=np.intp),
        border=np.array([one.border for one in found], dtype=np.intp),
        crossing=_crossings(found),
    )


@dataclass(frozen=True, slots=True)
class _Met:
    """A border of a cell of water, and the ways of one crossing that it meets."""

    cell: int
    border: int
    walk: shapely.Geometry


def _crossings(found: list[_Met]) -> Ints:
    """Return the crossing of each border: where two cells meet under a bridge it is one."""
    walks = {id(one.walk): one.walk for one in found}
    number = {one: at for at, one in enumerate(walks)}
    own = np.array([number[id(one.walk)] for one in found], dtype=np.intp)
    lines = np.array(list(walks.values()), dtype=object)
    cells = np.array([one.cell for one in found], dtype=np.intp)
    border = np.array([one.border for one in found], dtype=np.intp)
    a, b = np.nonzero((border[:, None] == border) & (cells[:, None] < cells))
    near = shapely.distance(lines[own[a]], lines[own[b]]) <= JOINED_M
    return labelled_components(own[a[near]], own[b[near]], len(walks))[own]
