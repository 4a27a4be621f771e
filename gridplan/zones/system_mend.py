"""Land that misses what is allowed: by a model, large estates in cells, other numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gridplan.verify.zone_stuck import stuck_things
from gridplan.zones.contiguity import Ints
from gridplan.zones.system_asked import Asked
from gridplan.zones.system_exchange import Exchange, exchanged
from gridplan.zones.system_found import (
    Found,
    found_of,
    loads_of_zones,
    piece_of,
    zones_beyond,
)
from gridplan.zones.system_loaded import loaded_of, ones_of
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_redivide import (
    inner_piece,
    keep_fewer,
    redivided,
    with_neighbours,
    zones_inside,
    zones_with,
)
from gridplan.zones.system_seeds import room_for_zones
from gridplan.zones.system_settle import Choices, choices_of, settled_land
from gridplan.zones.system_solve import Piece, Run, improved, searched, smoothed

_ROUNDING = 1e-9
_TRIES = 4
"""Numbers of zones that are tried for one piece of land, at most."""
_RINGS = 2
"""Zones so many steps from one that is beyond may help it."""
_MENDING = 1.25
"""Work of mending, by that of a search; the last piece of land may exceed it."""
_EXCHANGE = Exchange(12_000, turns=2, work=400_000)
_INSIDE = Exchange(8_000, hot=0.5, cold=0.25, rings=99, work=120_000)
"""Of land of the whole place, and inside one community: all zones there may change."""
_LONGER = 1.5
"""Moves for the shapes of zones that passed on what they could, where some are beyond still."""
_QUICK, _WELL = 0.15, 0.3
"""Moves of a first look at a number of zones, and of the best number, by those of a search."""


def mended(asked: Asked, run: Run, options: SystemOptions) -> tuple[Asked, Ints]:
    """
    Return what is asked for with what misses it least, and the zones.

    Each piece of land beyond what is allowed is searched again: first quickly, with the cells
    of estates that are larger than a zone as units by themselves and, where a size says how
    large zones are and not how many, with other numbers of zones; then by a model that says
    which units go together (`packed`), where few of them have a load; then well. It ends where
    as few zones are beyond as a model says must be (`least_beyond`). What is no better is left.
    Fewer zones count as beyond if one unit alone puts them there, which nothing divides.

    Parameters
    ----------
    asked : Asked
    run : Run
        Ended; its pieces hold the best zones of each. Told of the work that is added.
    options : SystemOptions
    """
    found = [found_of(asked, one, banded=options.band is not None) for one in run.pieces]
    try:
        choices = _mend(asked, found, run, options)
        _smooth(asked, found, choices, run, options)
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


def _mend(asked: Asked, found: list[Found], run: Run, options: SystemOptions) -> dict[int, Choices]:
    """Mend the land that misses, small land first: it costs little, and work is left for large."""
    began = run.work
    missed = [piece for piece in run.pieces if found[piece.number].misses]
    choices = choices_of(asked, missed, options)
    for piece in sorted(missed, key=lambda one: (len(one.members), one.number)):
        own = choices[piece.number]
        own.prove(piece.number)
        for step in _steps(asked, piece, options):
            if step[0] is not None and own.settled(
                found[piece.number], banded=options.band is not None
            ):
                break
            if run.stopped_by is not None or run.work - began >= options.work * _MENDING:
                return choices
            if _mended(asked, found, piece.number, own, step, run, options):
                break
    return choices


def _steps(
    asked: Asked, piece: Piece, options: SystemOptions
) -> Iterator[tuple[int | None, float]]:
    """Yield numbers of zones (0: as many as there are then; None: by a model), shares of moves."""
    numbers = list(_numbers(asked, piece, options))[:_TRIES]
    yield numbers[0], _QUICK
    yield None, 0.0
    for zones in numbers[1:]:
        yield zones, _QUICK
    yield 0, _WELL


def _mended(
    asked: Asked,
    found: list[Found],
    number: int,
    choices: Choices,
    step: tuple[int | None, float],
    run: Run,
    options: SystemOptions,
) -> bool:
    """Try one step of mending; return whether it is proven that nothing is better."""
    best, (zones, share) = found[number], step
    if zones is None:
        found[number], proven = settled_land(best, choices, asked, options)
        return proven
    least = choices.least.get(zones or best.zones)
    hopeless = least is not None and best.beyond <= least and options.band is None
    if best.beyond[0] and not hopeless:
        other = choices.asked[zones or best.zones]
        tried = _tried(asked, other, best, run, _less(options, share), zones=zones or best.zones)
        if tried.rank < best.rank:
            found[number] = tried
    return False


def _passed_on(
    part: Piece, best: Found, choices: dict[int, Choices], run: Run, options: SystemOptions
) -> bool:
    """
    Let zones pass on what is wrong with them, unless a model says that as many must be.

    Returns whether fewer are beyond.
    """
    before = part.zone
    own = choices.get(best.number)
    least = None if own is None else own.least.get(best.zones)
    if least is None or best.beyond[1] > least[1]:
        loaded = loaded_of(part.units)
        near = [set(ones_of(bits)) for bits in loaded.near]
        asked = np.flatnonzero(zones_beyond(part)[part.zone[loaded.units]]).tolist()
        low, top = float(part.aims.least[0, 0]), float(part.aims.most[0, 0])
        places = stuck_things(loaded.weights[:, 0].tolist(), near, low * (1 - _ROUNDING),
                              top * (1 + _ROUNDING), others_even=True, among=asked)  # fmt: skip
        stuck = loaded.units[sorted(places)].tolist()
        how = _INSIDE if options.nest == "inside" else _EXCHANGE
        exchanged(part, run, how, stuck=stuck)
    return part.zone is not before


def _shaped(part: Piece, run: Run, options: SystemOptions) -> None:
    """Let zones that passed on what was wrong with them take shape, with no more beyond."""
    # A course looks for less excess, in however many zones: what is beyond is so far allowed.
    load = loads_of_zones(part)
    least, most = np.minimum(part.aims.least, load), np.maximum(part.aims.most, load)
    aims = replace(part.aims, least=least, most=most)
    held = replace(part, aims=aims, rank=(math.inf, math.inf), seen=part.zone[:0])
    held.offer(part.zone)
    if zones_beyond(part).any():
        options = replace(options, moves_per_unit=round(options.moves_per_unit * _LONGER))
    smoothed(held, run, options)
    keep_fewer(part, held.zone)


def _smooth(
    asked: Asked,
    found: list[Found],
    choices: dict[int, Choices],
    run: Run,
    options: SystemOptions,
) -> None:
    """Divide what still misses anew, and let land that was mended take shape again."""
    banded = options.band is not None
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
        part = piece_of(other, number)
        part.offer(best.zone[np.unique(other.ground.unit[best.cells], return_index=True)[1]])
        moved = False
        if part.rank[0]:
            redivided(part, run, _less(options, _QUICK))
            moved = _passed_on(part, best, choices, run, options)
        if moved:
            _shaped(part, run, options)
        else:
            smoothed(part, run, options, ragged=best.packed)
        tried = found_of(other, part, banded=banded, loose=best.loose)
        if tried.rank <= best.rank:
            found[number] = tried


def _less(options: SystemOptions, share: float) -> SystemOptions:
    """Return options for a share of the work, from one start."""
    moves = max(1, round(options.moves_per_unit * share))
    work = max(1, round(options.work * share * 2))
    return replace(options, starts=1, moves_per_unit=moves, work=work)


def _tried(
    asked: Asked, other: Asked, best: Found, run: Run, options: SystemOptions, *, zones: int
) -> Found:
    """Return what a search of one piece of land with so many zones finds."""
    part = piece_of(other, best.number)
    if zones == best.zones:
        first = np.unique(other.ground.unit[best.cells], return_index=True)[1]
        part.offer(best.zone[first])
        _around(part, run, options)
    else:
        searched(part, run, options)
    loose = other.ground.land.count > asked.ground.land.count
    return found_of(other, part, banded=options.band is not None, loose=loose)


def _around(part: Piece, run: Run, options: SystemOptions) -> None:
    """Search the zones beyond what is allowed again, with those near them."""
    near = zones_beyond(part)
    for _ in range(_RINGS):
        near = with_neighbours(part, near)
    inner = inner_piece(part, near)
    inner.offer(zones_inside(part, near))
    improved(inner, run, options)
    part.offer(zones_with(part, near, inner.zone))


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
    load = loads_of_zones(piece)[:, 0]
    lacking = np.maximum(piece.aims.least[:, 0] - load, 0.0).sum()
    return -1 if lacking >= np.maximum(load - piece.aims.most[:, 0], 0.0).sum() else 1
