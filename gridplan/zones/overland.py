"""What a zone may reach across: land first; what no zone could be made of goes over the water."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from gridplan.errors import Note
from gridplan.geometry import Floats
from gridplan.zones.bridges import Bridges
from gridplan.zones.contiguity import Contiguity, Ints, labelled_components
from gridplan.zones.districts_problem import Flags
from gridplan.zones.overland_notes import (
    carried_note,
    community_note,
    joined_note,
    lock_note,
)

SMALL = 0.5
"""Land with less than this share of a mean zone is too little for a zone."""
TINY = 0.05
"""Land with less than this, of every weight, is open water, or fields that nobody lives on."""


@dataclass(frozen=True, slots=True)
class Water:
    """
    What is asked of land that water, railways and motorways part.

    Attributes
    ----------
    own : GeoDataFrame
        Cells, sorted by ``cell_uid``.
    graph : Contiguity
        Of the cells.
    base : array of bool, shape (m,)
        Borders that a zone may reach across by community and kept zones.
    parted : array of bool, shape (m,)
    loads : array of float, shape (n, w)
    body : array of int, shape (n,)
        Cells of one number share their loads.
    mean : array of float, shape (bodies, w)
        What a zone of each body has in the mean.
    lock : array of str, shape (n,)
        Zone that each cell is locked to; empty: none.
    anchors : array of int, shape (n,)
        Anchors in each cell.
    k : int
        Number of zones that is asked for; 0: any.
    whole : array of int or None, shape (n,)
        Communities that stay whole.
    """

    own: gpd.GeoDataFrame
    graph: Contiguity
    base: Flags
    parted: Flags
    loads: Floats
    body: Ints
    mean: Floats
    lock: np.ndarray
    anchors: Ints
    k: int = 0
    whole: Ints | None = None


@dataclass(frozen=True, slots=True)
class Overland:
    """
    Which borders a zone may reach across, and what goes over the water.

    Attributes
    ----------
    ways : array of bool, shape (m,)
    glued : array of int, shape (2, j)
        Cells that stay together over the water: open water and empty land, and the bank.
    carried : array of bool, shape (n,)
        Cells of such land: no zone is torn by them.
    notes : tuple of Note
    """

    ways: Flags
    glued: Ints
    carried: Flags
    notes: tuple[Note, ...] = ()


class _Pieces:
    """Pieces of land that come together one by one."""

    def __init__(self, asked: Water) -> None:
        graph, land = asked.graph, asked.base & ~asked.parted
        self.of_cell = labelled_components(graph.left[land], graph.right[land], graph.count)
        count = int(self.of_cell.max()) + 1
        self.body = asked.body[np.unique(self.of_cell, return_index=True)[1]]
        self.loads = np.stack(
            [np.bincount(self.of_cell, weights=one, minlength=count) for one in asked.loads.T],
            axis=1,
        )
        self.cells = np.bincount(self.of_cell, minlength=count)
        self.root = list(range(count))

    def home(self, piece: int) -> int:
        """Return the first of the pieces that have come together with one."""
        while self.root[piece] != piece:
            piece = self.root[piece]
        return piece

    def join(self, one: int, other: int) -> None:
        """Let two pieces come together."""
        first, second = sorted((self.home(one), self.home(other)))
        self.root[second] = first

    def homes(self) -> Ints:
        """Return the first piece of each cell's land."""
        return np.array([self.home(one) for one in range(len(self.root))])[self.of_cell]


def overland(asked: Water) -> Overland:
    """
    Return the borders that zones may reach across: all with a way over land, and few others.

    Land that is less than half a mean zone, and has no way to the rest, goes with the land
    with which it has the longest border, at one border: open water and empty land stays
    with the cell there, so that no zone hangs together by it. So does what makes more
    pieces of land than zones are asked for, the lightest first; whole communities; and
    cells that are locked to one zone. All this is told in notes.
    """
    pieces, ways = _Pieces(asked), asked.base & ~asked.parted
    small, tiny = _little(asked, pieces)
    notes: list[Note] = []
    if asked.whole is not None:
        torn = _held_whole(asked, pieces, ways, tiny)
        notes += community_note(asked.own, asked.whole, torn)
    glued, joined = _attached(asked, pieces, ways, small=small, tiny=tiny)
    joined += _made_fewer(asked, pieces, ways)
    carried = tiny[pieces.of_cell]
    locks = list(_locks_joined(asked, ways, glued))
    notes += carried_note(asked.own, carried)
    notes += joined_note(asked.own, joined)
    notes += lock_note(asked.own, locks)
    pairs = np.array(glued, dtype=np.intp).reshape(-1, 2).T
    return Overland(ways, pairs, carried, tuple(notes))


def _little(asked: Water, pieces: _Pieces) -> tuple[Flags, Flags]:
    """Return which pieces are too little for a zone, and which are nearly empty."""
    mean = asked.mean[pieces.body]
    small = (pieces.loads[:, 0] < SMALL * mean[:, 0]) | (mean[:, 0] <= 0)
    for body in np.unique(pieces.body).tolist():
        inside = np.flatnonzero(pieces.body == body)
        largest = max(inside.tolist(), key=lambda one: (pieces.loads[one, 0], pieces.cells[one]))
        small[largest] = False
    tiny: Flags = small & (pieces.loads <= TINY * mean).all(axis=1)
    return small, tiny


def _held_whole(asked: Water, pieces: _Pieces, ways: Flags, tiny: Flags) -> list[int]:
    """Open the borders inside communities that stay whole; return those that were parted."""
    graph = asked.graph
    whole = np.zeros(graph.count, dtype=np.intp) if asked.whole is None else asked.whole
    inside = asked.base & asked.parted & (whole[graph.left] == whole[graph.right])
    for at in np.flatnonzero(inside).tolist():
        pieces.join(pieces.of_cell[graph.left[at]], pieces.of_cell[graph.right[at]])
    ways |= inside
    dry = ~tiny[pieces.of_cell]
    same = asked.base & ~asked.parted & (whole[graph.left] == whole[graph.right])
    part = labelled_components(graph.left[same], graph.right[same], graph.count)
    return [
        one for one in np.unique(whole).tolist() if len(np.unique(part[dry & (whole == one)])) > 1
    ]


def _attached(
    asked: Water, pieces: _Pieces, ways: Flags, *, small: Flags, tiny: Flags
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Let little land go with its neighbours; return the pairs of cells, of tiny land and other."""
    glued: list[tuple[int, int]] = []
    joined: list[tuple[int, int]] = []
    settled = {pieces.home(one) for one in np.flatnonzero(~small).tolist()}
    left = [one for one in np.flatnonzero(small).tolist() if pieces.home(one) not in settled]
    while left:
        homes = pieces.homes()
        found = {one: _crossing(asked, homes, pieces.home(one), hosts=settled) for one in left}
        if all(way is None for way in found.values()):
            break
        for one, way in found.items():
            if way is None or pieces.home(one) in settled:
                continue
            ends = int(asked.graph.left[way]), int(asked.graph.right[way])
            (glued if tiny[one] else joined).append(ends)
            if not tiny[one]:
                ways[way] = True
            pieces.join(pieces.of_cell[ends[0]], pieces.of_cell[ends[1]])
            settled.add(pieces.home(one))
        left = [one for one in left if pieces.home(one) not in settled]
    return glued, joined


def _crossing(asked: Water, homes: Ints, own: int, *, hosts: set[int] | None = None) -> int | None:
    """Return the parted border over which land best goes with other land; None: there is none."""
    graph = asked.graph
    a, b = homes[graph.left], homes[graph.right]
    around = asked.base & asked.parted & ((a == own) != (b == own))
    best: tuple[bool, float, int] | None = None
    for at in np.flatnonzero(around).tolist():
        mine, other = graph.left[at], graph.right[at]
        if homes[mine] != own:
            mine, other = other, mine
        locks = asked.lock[mine], asked.lock[other]
        if (hosts is not None and homes[other] not in hosts) or (all(locks) and len({*locks}) > 1):
            continue
        key = (locks[0] != locks[1], -float(graph.border_m[at]), at)
        best = key if best is None or key < best else best
    return None if best is None else best[2]


def _made_fewer(asked: Water, pieces: _Pieces, ways: Flags) -> list[tuple[int, int]]:
    """Join the lightest land while more pieces need a zone than are asked for."""
    joined: list[tuple[int, int]] = []
    barred: set[int] = set()
    while asked.k:
        homes = pieces.homes()
        begun = np.bincount(homes, weights=asked.anchors, minlength=len(pieces.root))
        alone = [one for one in np.unique(homes).tolist() if one not in barred]
        if sum(max(1, int(begun[one])) for one in np.unique(homes).tolist()) <= asked.k:
            break
        mass = np.bincount(homes, weights=asked.loads[:, 0], minlength=len(pieces.root))
        if not alone:
            break
        lightest = min(alone, key=lambda one: (begun[one] > 0, mass[one], one))
        way = _crossing(asked, homes, lightest)
        if way is None:
            barred.add(lightest)
            continue
        ends = int(asked.graph.left[way]), int(asked.graph.right[way])
        ways[way] = True
        joined.append(ends)
        pieces.join(pieces.of_cell[ends[0]], pieces.of_cell[ends[1]])
    return joined


def _locks_joined(
    asked: Water, ways: Flags, glued: list[tuple[int, int]]
) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Open borders between cells that are locked to one zone and have no way over land."""
    near: list[list[tuple[int, int]]] = [[] for _ in range(asked.graph.count)]
    for at in np.flatnonzero(asked.base).tolist():
        a, b = int(asked.graph.left[at]), int(asked.graph.right[at])
        near[a].append((b, at))
        near[b].append((a, at))
    free = {frozenset(one) for one in glued}
    for name in sorted({str(one) for one in asked.lock if one}):
        barred = (asked.lock != "") & (asked.lock != name)
        wanted = set(np.flatnonzero(asked.lock == name).tolist())
        opened = _opened(near, wanted, barred, ways, free)
        if opened:
            ways[opened] = True
            pairs = [(int(asked.graph.left[at]), int(asked.graph.right[at])) for at in opened]
            yield name, pairs


def _opened(
    near: list[list[tuple[int, int]]],
    wanted: set[int],
    barred: Flags,
    ways: Flags,
    free: set[frozenset[int]],
) -> list[int]:
    """Return the parted borders by which wanted cells come together, as few as there can be."""
    first = min(wanted)
    came: dict[int, tuple[int, int]] = {first: (-1, -1)}
    cost = {first: (0, 0)}
    queue = [(0, 0, first)]
    while queue:
        crossed, steps, cell = heapq.heappop(queue)
        if (crossed, steps) > cost[cell]:
            continue
        for other, at in near[cell]:
            wet = not ways[at] and frozenset((cell, other)) not in free
            price = (crossed + wet, steps + 1)
            if not barred[other] and (other not in cost or price < cost[other]):
                cost[other], came[other] = price, (cell, at)
                heapq.heappush(queue, (*price, other))
    opened: set[int] = set()
    for cell in sorted(wanted & set(came)):
        one = cell
        while came[one][0] >= 0:
            before, at = came[one]
            if not ways[at] and frozenset((before, one)) not in free:
                opened.add(at)
            one = before
    return sorted(opened)


def torn_zones(graph: Contiguity, parted: Flags, carried: Flags, zone: Ints, k: int) -> list[int]:
    """
    Return the zones that do not hang together over land, but for open water and empty land.

    Parameters
    ----------
    graph : Contiguity
        Of the cells.
    parted : array of bool, shape (m,)
    carried, zone : array, shape (n,)
    k : int
        Number of zones.
    """
    same = ~parted & (zone[graph.left] == zone[graph.right])
    part = labelled_components(graph.left[same], graph.right[same], graph.count)
    found = []
    for own in range(k):
        inside = zone == own
        dry = inside & ~carried
        if len(np.unique(part[dry if dry.any() else inside])) > 1:
            found.append(own)
    return found


def zones_across(
    graph: Contiguity,
    parted: Flags,
    bridges: Bridges | None,
    *,
    carried: Flags,
    home: Ints,
    zone: Ints,
    k: int,
) -> list[int]:
    """
    Return the zones that do not hang together over land, where bridges join it, not water.

    Parameters
    ----------
    graph : Contiguity
        Of the cells.
    parted : array of bool, shape (m,)
    bridges : Bridges or None
    carried, zone : array, shape (n,)
    home : array of int, shape (n,)
        Cells of one number may be in one zone. Empty land with a way, or any bridge, to
        other land of its home is not carried, whichever bridge zones use: it could be in
        the zone that it leads to.
    k : int
        Number of zones.
    """
    water = np.zeros(graph.count, dtype=np.bool_)
    if bridges is not None:
        graph, water[bridges.water] = bridges.over_land(graph, parted), True
        parted = np.zeros(len(graph.left), dtype=np.bool_)
    same = ~parted & (home[graph.left] == home[graph.right])
    part = labelled_components(graph.left[same], graph.right[same], graph.count)
    reached = np.isin(part, part[~carried & ~water])
    return torn_zones(graph, parted, carried & ~reached | water, zone, k)
