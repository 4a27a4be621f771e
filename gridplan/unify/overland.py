"""Zones of a proposal that hang together over land, as far as departments' zones allow it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gridplan.geometry import Floats
from gridplan.unify.claims import Claims, change_cost
from gridplan.unify.options import UnifyOptions
from gridplan.unify.search import Draft, draft_of, one_piece_each
from gridplan.zones.bridges import Bridges
from gridplan.zones.contiguity import Contiguity, Ints, labelled_components
from gridplan.zones.districts_problem import Flags
from gridplan.zones.land import Land
from gridplan.zones.overland import TINY

_MOST_TRIES = 100
"""Changes of a proposal that are tried; each mends a zone, or is not tried again."""


@dataclass(frozen=True, slots=True)
class Barred:
    """
    What parts cells, of those sorted by ``cell_uid``.

    Attributes
    ----------
    parted : array of bool, shape (m,)
        Borders without a crossing, as `gridplan.zones.uncrossed_borders` gives them.
    bridges : Bridges or None
        Crossings of cells of water with several, as `gridplan.zones.bridges_over` gives them.
    """

    parted: Flags
    bridges: Bridges | None = None


@dataclass(frozen=True, slots=True)
class _Walked:
    """Cells that one walks between, and those of open water and empty land that tear nothing."""

    graph: Contiguity
    carried: Flags


def torn_parts(land: Land, barred: Barred, label: Ints) -> dict[int, list[Ints]]:
    """
    Return the parts, the one with most residents first, of zones that are torn.

    Bridges join land; open water and empty land without a crossing tears no zone.

    Parameters
    ----------
    land : Land
        With residents as the load.
    barred : Barred
    label : array of int, shape (n,)
        Zone of each cell.
    """
    return _torn(land, _walked(land, barred, int(label.max()) + 1), label)


def _walked(land: Land, barred: Barred, k: int) -> _Walked:
    graph, open_ = land.graph, ~barred.parted
    walked = Contiguity(graph.left[open_], graph.right[open_], graph.border_m[open_], graph.count)
    if barred.bridges is not None:
        walked = barred.bridges.over_land(graph, barred.parted)
    piece = walked.components()
    load = np.bincount(piece, weights=land.load)
    carried = (load <= TINY * land.load.sum() / k) & (load < load.max(initial=0.0))
    return _Walked(walked, carried[piece])


def _torn(land: Land, walked: _Walked, label: Ints) -> dict[int, list[Ints]]:
    graph = walked.graph
    same = label[graph.left] == label[graph.right]
    part = labelled_components(graph.left[same], graph.right[same], graph.count)
    found = {}
    for zone in np.unique(label).tolist():
        dry = np.flatnonzero((label == zone) & ~walked.carried)
        parts = [dry[part[dry] == one] for one in np.unique(part[dry]).tolist()]
        if len(parts) > 1:
            found[zone] = sorted(parts, key=lambda one: (-land.load[one].sum(), int(one[0])))
    return found


@dataclass(frozen=True, slots=True)
class Floor:
    """
    What zones of a proposal are made of.

    Attributes
    ----------
    claims : Claims
    land : Land
        With residents as the load.
    piece : array of int, shape (n,)
        Connected land of each cell.
    options : UnifyOptions
    """

    claims: Claims
    land: Land
    piece: Ints
    options: UnifyOptions

    def draft(self, label: Ints, cost: Floats) -> Draft:
        """Return a division as zones in one part each, and what they cost."""
        whole = one_piece_each(self.claims, self.land.graph, self.piece, label, cost=cost)
        return draft_of(self.claims, self.land, whole, self.options)


def over_land(floor: Floor, draft: Draft, barred: Barred, most: Callable[[], float]) -> Draft:
    """
    Return zones of which as few as can be are torn, at no more than a cost.

    Cells of water and empty land go to the zone whose parts they join; parts that no way
    over land joins go to a zone beside them, the cheapest first. No change makes zones less
    even, or their number another one.

    Parameters
    ----------
    floor : Floor
    draft : Draft
        Zones in one part each.
    barred : Barred
    most : callable
        Returns what may change hands at most; asked where zones are torn alone.
    """
    walked = _walked(floor.land, barred, draft.k)
    torn = _torn(floor.land, walked, draft.label)
    limit = max(most(), draft.cost) if torn else draft.cost
    tried: set[bytes] = set()
    while torn:
        better = _mended(floor, draft, walked, limit, tried)
        if better is None:
            break
        draft = better
        torn = _torn(floor.land, walked, draft.label)
    return draft


def _mended(
    floor: Floor, draft: Draft, walked: _Walked, limit: float, tried: set[bytes]
) -> Draft | None:
    """Return zones with fewer parts, by one change; None if there is no such change."""
    land, torn = floor.land, _torn(floor.land, walked, draft.label)
    cost = change_cost(floor.claims, draft.carried)
    for label in _changes(land, walked, draft.label, torn, cost):
        if label.tobytes() in tried or len(tried) >= _MOST_TRIES:
            continue
        tried.add(label.tobytes())
        other = floor.draft(label, cost)
        fits = other.k == draft.k and other.excess <= draft.excess and other.cost <= limit
        if fits and _parts(_torn(land, walked, other.label)) < _parts(torn):
            return other
    return None


def _parts(torn: dict[int, list[Ints]]) -> int:
    return sum(len(parts) - 1 for parts in torn.values())


def _changes(
    land: Land, walked: _Walked, label: Ints, torn: dict[int, list[Ints]], cost: Floats
) -> Iterator[Ints]:
    """Yield divisions that tear a zone less, perhaps: the cheapest first."""
    found: list[tuple[float, int, int, Ints]] = []
    for zone, parts in torn.items():
        part = np.full(land.count, -1, dtype=np.intp)
        for number, cells in enumerate(parts):
            part[cells] = number
        beside = _beside(walked.graph, part)
        empty = np.flatnonzero((land.load <= 0) & (label != zone)).tolist()
        joining = [np.array([cell]) for cell in empty if len(beside.get(cell, ())) > 1]
        moves = [(cells, zone) for cells in joining]
        for cells in parts[1:]:
            inside = np.isin(np.arange(land.count), cells)
            moves += [(cells, to) for to in sorted(_around(walked.graph, inside, label) - {zone})]
        found += [(_price(cost, label, cells, to), int(cells[0]), to, cells) for cells, to in moves]
    for _, _, zone, cells in sorted(found, key=lambda one: one[:3]):
        changed = label.copy()
        changed[cells] = zone
        yield changed


def _price(cost: Floats, label: Ints, cells: Ints, zone: int) -> float:
    return math.fsum((cost[cells, zone] - cost[cells, label[cells]]).tolist())


def _beside(graph: Contiguity, part: Ints) -> dict[int, set[int]]:
    """Return the parts that each cell of no part is beside."""
    found: dict[int, set[int]] = {}
    for one, other in ((graph.left, graph.right), (graph.right, graph.left)):
        at = (part[one] < 0) & (part[other] >= 0)
        for cell, number in zip(one[at].tolist(), part[other[at]].tolist(), strict=True):
            found.setdefault(cell, set()).add(number)
    return found


def _around(graph: Contiguity, inside: Flags, label: Ints) -> set[int]:
    """Return the zones that some cells are beside."""
    found: set[int] = set()
    for one, other in ((graph.left, graph.right), (graph.right, graph.left)):
        found |= set(label[other[inside[one] & ~inside[other]]].tolist())
    return found
