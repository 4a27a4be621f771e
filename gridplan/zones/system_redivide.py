"""Zones beyond what is allowed, divided anew together with those near them, along trees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.system_found import loads_of_zones, zones_beyond
from gridplan.zones.system_loaded import groups_of, loaded_of, stuck_of
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_solve import Piece, Run, improved
from gridplan.zones.system_trees import deep_tree, tree_zones

_TREES = 30
"""Trees drawn for each region and width of the bounds."""
_BEST = 2
"""So many of them are gone on with."""
_SLACKS = (2.0, 2.5, 3.0, 4.0)
"""Bounds are widened by these, one after the other; a search makes zones even then."""
_MOST_ZONES = 20
"""Larger regions are left to the search."""
_REGIONS = 4
"""Regions that are tried for each zone."""
_MIDDLE = 0.75
"""The mean of a region keeps away from the bounds: else there is no choice in it."""
_ROUNDS = 2
"""Repairs of what was divided within widened bounds."""
_MOST_MOVES = 450_000
"""Work after which no other region is divided: one with several zones beyond has many."""
_MOVES_PER_UNIT = 3
"""Each unit of a tree is as much work as so many border moves."""


def redivided(part: Piece, run: Run, options: SystemOptions) -> None:
    """
    Divide each zone that is beyond what is allowed anew, with the zones near it.

    Border moves and new borders between two zones do not get past a unit nearly as large as a
    zone, or a bridge: what has to give way lies several zones off, and each step towards it is
    worse. So a region of up to 20 zones is thrown together, and divided into as many along
    random spanning trees, all at once (`tree_zones`), within bounds that are wider each time:
    hardly any tree can be divided within the narrow ones. The best of these are made even by a
    search. What is no better is left: fewer zones beyond come before less excess.

    Parameters
    ----------
    part : Piece
        With zones; offered better ones.
    run : Run
    options : SystemOptions
    """
    aims, units = part.aims, part.units
    even = (aims.least == aims.least[0]).all() and (aims.most == aims.most[0]).all()
    if units.fixed.any() or units.leaving is not None or not even:
        return
    loaded = loaded_of(units)
    if groups_of(loaded, aims.most[0]) is not None:
        # A model has looked at all of them.
        return
    stuck = loaded.units[stuck_of(loaded, aims.least[0], aims.most[0])]
    began = run.work
    for turn, slack in enumerate(_SLACKS):
        for own in np.flatnonzero(zones_beyond(part)).tolist():
            if (part.zone[stuck] == own).any():
                continue
            for near in _regions(part, own):
                spent = run.work - began >= _MOST_MOVES or run.stopped_by is not None
                if spent or not zones_beyond(part)[own]:
                    break
                _redrawn(part, near, run, options, turn=turn, slack=slack)


def _regions(part: Piece, own: int) -> Iterator[Flags]:
    """Yield rings of zones around one that leave room between the bounds."""
    near = np.zeros(len(part.zones), dtype=np.bool_)
    near[own] = True
    found = 0
    least, most = part.aims.least[0], part.aims.most[0]
    while found < _REGIONS:
        wider = with_neighbours(part, near)
        if wider.sum() in (near.sum(), 1) or wider.sum() > _MOST_ZONES:
            return
        near = wider
        mean = loads_of_zones(part)[near].mean(axis=0)
        if (abs(mean - (least + most) / 2) <= _MIDDLE * (most - least) / 2).all():
            found += 1
            yield near


def _redrawn(
    part: Piece, near: Flags, run: Run, options: SystemOptions, *, turn: int, slack: float
) -> None:
    """Divide a region anew, and keep what comes of it if it is better."""
    seed = [run.options.seed, part.number, int(near.sum()), len(near), turn]
    inner = inner_piece(part, near)
    for at, zone in enumerate(_drawn(inner, run, slack, np.random.default_rng(seed))):
        # Courses of one piece are the same but for its number.
        tried = replace(inner_piece(part, near), number=len(_SLACKS) * at + turn)
        tried.offer(zone)
        if tried.rank[0] and run.stopped_by is None:
            improved(tried, run, options, rounds=_ROUNDS)
        keep_fewer(part, zones_with(part, near, tried.zone))


def keep_fewer(part: Piece, zone: Ints) -> None:
    """Keep zones of which fewer are beyond, or as many by less."""
    other = replace(part)
    other.rank = math.inf, math.inf
    other.offer(zone)
    if (int(zones_beyond(other).sum()), other.rank) < (int(zones_beyond(part).sum()), part.rank):
        part.rank, part.zone = other.rank, other.zone


def _drawn(inner: Piece, run: Run, slack: float, rng: np.random.Generator) -> list[Ints]:
    """Return the best zones of a region along trees, of those within widened bounds."""
    graph, k = inner.units.land.graph, len(inner.zones)
    near: list[list[int]] = [[] for _ in range(graph.count)]
    for a, b in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
        near[a].append(b)
        near[b].append(a)
    load = inner.units.weights[:, 0]
    least, most = float(inner.aims.least[0, 0]), float(inner.aims.most[0, 0])
    more = (most - least) / 2 * (slack - 1)
    bounds = max(least - more, 0.0), most + more
    found: list[tuple[float, int, Ints]] = []
    for number in range(_TREES):
        run.work += _MOVES_PER_UNIT * graph.count
        zone = tree_zones(deep_tree(near, rng), load, bounds, k)
        if zone is not None:
            own = np.bincount(zone, weights=load, minlength=k)
            off = np.maximum(np.maximum(own - most, least - own), 0.0)
            found.append((math.fsum(off.tolist()), number, zone))
    return [one[2] for one in sorted(found, key=lambda one: one[:2])[:_BEST]]


def with_neighbours(part: Piece, near: Flags) -> Flags:
    """Return some zones and all beside them."""
    graph = part.units.land.graph
    a, b = part.zone[graph.left], part.zone[graph.right]
    wider = near.copy()
    wider[b[near[a]]] = wider[a[near[b]]] = True
    return wider


def inner_piece(part: Piece, near: Flags) -> Piece:
    """Return the land of some zones as a piece by itself, before any search."""
    zones, members = np.flatnonzero(near), np.flatnonzero(near[part.zone])
    return Piece(part.units.part(members, zones), members, zones, part.aims.part(zones), (),
                 part.number)  # fmt: skip


def zones_inside(part: Piece, near: Flags) -> Ints:
    """Return the zones of the units of such land, by their place among the zones there."""
    place = np.cumsum(near) - 1
    return np.asarray(place[part.zone[near[part.zone]]], dtype=np.intp)


def zones_with(part: Piece, near: Flags, inner: Ints) -> Ints:
    """Return the zones of a piece with those of such land put in their place."""
    zone = part.zone.copy()
    zone[near[part.zone]] = np.flatnonzero(near)[inner]
    return zone
