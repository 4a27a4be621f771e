"""Land that misses what is allowed: tried with large estates in cells, and other numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.system_asked import Asked
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_seeds import room_for_zones
from gridplan.zones.system_solve import Piece, Run, improved, searched, smoothed
from gridplan.zones.system_state import DECIMALS

_TRIES = 4
"""Numbers of zones that are tried for one piece of land, at most."""
_RINGS = 2
"""Zones so many steps from one that is beyond may help it."""
_MENDING = 1.25
"""Work of mending, by that of a search; the last piece of land may exceed it."""
_QUICK, _WELL = 0.15, 0.6
"""Moves of a first look at a number of zones, and of the best number, by those of a search."""
_ROUNDING = 1e-9

Rank = tuple[float, float, float]
"""
Zones beyond that no unit exceeds alone, zones beyond, and the excess in tolerances. In a size
band the excess comes first: two zones a little too small are better than one far too large.
"""


@dataclass(slots=True)
class _Land:
    """The best zones of one piece of land, by its cells."""

    cells: Ints
    zones: int
    zone: Ints
    rank: Rank
    loose: bool = False


def mended(asked: Asked, run: Run, options: SystemOptions) -> tuple[Asked, Ints]:
    """
    Return what is asked for with what misses it least, and the zones.

    Each piece of land beyond what is allowed is searched again: first with the cells of
    estates that are larger than a zone as units by themselves, then, where a size says how
    large zones are and not how many, with other numbers of zones. What is no better is left.
    Fewer zones count as beyond if one unit alone puts them there, which nothing divides.

    Parameters
    ----------
    asked : Asked
    run : Run
        Ended; its pieces hold the best zones of each. Told of the work that is added.
    options : SystemOptions
    """
    found = [_land(asked, one, banded=options.band is not None) for one in run.pieces]
    try:
        _mend(asked, found, run, options)
        _smooth(asked, found, run, options)
    except KeyboardInterrupt:
        run.stopped_by = "interrupt"
    quota = np.array([one.zones for one in found], dtype=np.intp)
    if any(one.loose for one in found):
        asked = asked.loosened(quota, options)
    elif (quota != asked.quota).any():
        asked = asked.with_quota(quota, options)
    of_cell = np.empty(len(asked.own), dtype=np.intp)
    for one, zones in zip(found, asked.zones_of_pieces, strict=True):
        of_cell[one.cells] = zones[one.zone]
    return asked, of_cell[np.unique(asked.ground.unit, return_index=True)[1]]


def _land(asked: Asked, piece: Piece, *, banded: bool) -> _Land:
    """Return what a search found, by cells."""
    unit = asked.ground.unit
    cells = np.flatnonzero(asked.ground.piece[unit] == piece.number)
    place = np.empty(asked.ground.land.count, dtype=np.intp)
    place[piece.members] = piece.zone
    return _Land(cells, len(piece.zones), place[unit[cells]], _rank(piece, banded=banded))


def _mend(asked: Asked, found: list[_Land], run: Run, options: SystemOptions) -> None:
    """Search the land that misses again while there is work left: quickly, then the best well."""
    began = run.work
    for number, zones, share in _tries(asked, found, run.pieces, options):
        if run.stopped_by is not None or run.work - began >= options.work * _MENDING:
            return
        if found[number].rank[0]:
            _try(asked, found, number, zones or found[number].zones, run, _less(options, share))


def _smooth(asked: Asked, found: list[_Land], run: Run, options: SystemOptions) -> None:
    """Let land that was mended take shape again; repairs trade shape for even loads."""
    missed = [piece.number for piece in run.pieces if piece.rank[0]]
    quota = np.array([one.zones for one in found], dtype=np.intp)
    # Estates are cut for even loads alone, not for shape.
    loose = asked.loosened(quota, options) if any(found[one].loose for one in missed) else asked
    whole = asked if (quota == asked.quota).all() else asked.with_quota(quota, options)
    for number in missed:
        best = found[number]
        if run.stopped_by is not None:
            return
        other = loose if best.loose else whole
        part = _piece(other, number)
        part.offer(best.zone[np.unique(other.ground.unit[best.cells], return_index=True)[1]])
        smoothed(part, run, options)
        tried = replace(_land(other, part, banded=options.band is not None), loose=best.loose)
        if tried.rank <= best.rank:
            found[number] = tried


def _tries(
    asked: Asked, found: list[_Land], pieces: list[Piece], options: SystemOptions
) -> Iterator[tuple[int, int, float]]:
    """Yield pieces, numbers of zones (0: the best so far) and shares of the work."""
    missed = [piece for piece in pieces if found[piece.number].rank[0]]
    # Small land first: it costs little, and what is left of the work goes to the large.
    for piece in sorted(missed, key=lambda one: (len(one.members), one.number)):
        for zones in list(_numbers(asked, piece, options))[:_TRIES]:
            yield piece.number, zones, _QUICK
        yield piece.number, 0, _WELL


def _less(options: SystemOptions, share: float) -> SystemOptions:
    """Return options for a share of the work, from one start."""
    moves = max(1, round(options.moves_per_unit * share))
    work = max(1, round(options.work * share * 2))
    return replace(options, starts=1, moves_per_unit=moves, work=work)


def _try(
    asked: Asked, found: list[_Land], number: int, zones: int, run: Run, options: SystemOptions
) -> None:
    """Search one piece of land with so many zones; keep what is better."""
    best = found[number]
    quota = np.array([one.zones for one in found], dtype=np.intp)
    quota[number] = zones
    other = asked.loosened(quota, options)
    loose = other.ground.land.count > asked.ground.land.count
    part, begun = _piece(other, number), zones == best.zones
    if begun:
        first = np.unique(other.ground.unit[best.cells], return_index=True)[1]
        part.offer(best.zone[first])
        _around(part, run, options)
    else:
        searched(part, run, options)
    tried = _land(other, part, banded=options.band is not None)
    tried.loose = loose
    if tried.rank < best.rank:
        found[number] = tried


def _around(part: Piece, run: Run, options: SystemOptions) -> None:
    """Search the zones beyond what is allowed again, with those near them."""
    graph = part.units.land.graph
    count = len(part.zones)
    a, b = part.zone[graph.left], part.zone[graph.right]
    near = _beyond(part)
    for _ in range(_RINGS):
        touched = near.copy()
        touched[b[near[a]]] = touched[a[near[b]]] = True
        near = touched
    zones = np.flatnonzero(near)
    members = np.flatnonzero(near[part.zone])
    place = np.full(count, -1, dtype=np.intp)
    place[zones] = np.arange(len(zones))
    inner = Piece(part.units.part(members, zones), members, zones, part.aims.part(zones), (),
                  part.number)  # fmt: skip
    inner.offer(place[part.zone[members]])
    improved(inner, run, options)
    zone = part.zone.copy()
    zone[members] = zones[inner.zone]
    part.offer(zone)


def _piece(asked: Asked, number: int) -> Piece:
    """Return one piece of land before any search."""
    members = np.flatnonzero(asked.ground.piece == number)
    place = {unit: at for at, unit in enumerate(members.tolist())}
    seeds = tuple(
        tuple(place[unit] for unit in one) for one in asked.seeds.units if one[0] in place
    )
    zones = asked.zones_of_pieces[number]
    return Piece(asked.units.part(members, zones), members, zones, asked.aims.part(zones), seeds,
                 number)  # fmt: skip


def _numbers(asked: Asked, piece: Piece, options: SystemOptions) -> Iterator[int]:
    """Yield the numbers of zones to try, that of now first, then those next to it."""
    now = len(piece.zones)
    yield now
    if options.mean_size is None:
        return
    room = int(room_for_zones(asked.seeds, asked.ground.piece)[piece.number])
    step = _step(piece)
    others = [now + step]
    if options.band is None:
        least, most = options.mean_size
        total = math.fsum(piece.units.weights[:, 0])
        others = [now + step, now - step, now + 2 * step, now - 2 * step]
        others = [one for one in others if one > 0 and least <= total / one <= most]
    for one in others:
        if max(1, len(piece.seeds)) <= one <= room:
            yield one


def _step(piece: Piece) -> int:
    """Return -1 if zones lack more of the first load than they have too much, else 1."""
    load = _loads(piece)[:, 0]
    lacking = np.maximum(piece.aims.least[:, 0] - load, 0.0).sum()
    return -1 if lacking >= np.maximum(load - piece.aims.most[:, 0], 0.0).sum() else 1


def _loads(piece: Piece) -> Floats:
    columns = [np.bincount(piece.zone, weights=one, minlength=len(piece.zones))
               for one in piece.units.weights.T]  # fmt: skip
    return np.stack(columns, axis=1)


def _beyond(piece: Piece) -> Flags:
    """Return which zones are beyond what is allowed."""
    load, aims = _loads(piece), piece.aims
    slack = _ROUNDING * aims.most
    off: Flags = (load > aims.most + slack) | (load < aims.least - slack)
    return np.asarray(off.any(axis=1), dtype=np.bool_)


def _rank(piece: Piece, *, banded: bool) -> Rank:
    beyond, most = _beyond(piece), piece.aims.most * (1 + _ROUNDING)
    heavy = (piece.units.weights > most[piece.zone]).any(axis=1)
    alone = np.zeros(len(piece.zones), dtype=np.bool_)
    alone[piece.zone[heavy]] = True
    open_, all_, excess = int((beyond & ~alone).sum()), int(beyond.sum()), piece.rank[0]
    excess = round(excess, DECIMALS)
    return (excess, open_, all_) if banded else (open_, all_, excess)
