"""The best zones of a system: piece by piece of land, several starts, until the work is done."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_recombine import MOVES_PER_UNIT, recombine
from gridplan.zones.system_search import Course, anneal_system
from gridplan.zones.system_starts import first_zones
from gridplan.zones.system_state import Aims, Units, rank_of, widened

SystemProgress = Callable[[float, float], None]
"""Called with the share of the work that is done, 0 to 1, and the excess of the best zones."""
StoppedBy = Literal["work", "time", "interrupt"]

_SETTLING = {"hot": 0.003, "cold": 0.0005}
"""After straight cuts: cold, so that their short borders are kept."""
_REPAIR = {"hot": 0.5, "cold": 0.005, "shape": 0.1, "beyond": 1.0}
"""Where zones miss a tolerance: warm enough to pass through uneven ones."""
_COOL = {"hot": 0.05}
"""After a repair or a recombination: warm enough for its borders to become smooth."""
_STRICT = {"hot": 0.25, "beyond": 1000.0}
"""For shape alone: else zones that are beyond drift further out, and what takes shape is lost."""
_SMOOTHING, _RAGGED = 3.0, 1.5
"""Moves of a course for shape, by those of others; of zones that were divided in pairs before."""
_ENOUGH = 2
_FINISH, _WARM = 0.8, {"hot": 0.1}
"""
Moves of the last course of even zones, by those of the starts after the second, and how warm it
begins: of many short starts the best one is not yet smooth.
"""
ROUNDS = 6
_STEPS_PER_ZONE = 40
"""Pairs of zones that are divided anew in one repair, for each zone."""
_NEVER = math.inf, math.inf


@dataclass(slots=True)
class Piece:
    """One connected piece of land, its zones, and the best that was found."""

    units: Units
    members: Ints
    zones: Ints
    aims: Aims
    seeds: tuple[tuple[int, ...], ...]
    number: int
    rank: tuple[float, float] = _NEVER
    zone: Ints = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    seen: Ints = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    @property
    def settled(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.zones) in (1, len(self.members))

    def offer(self, zone: Ints) -> None:
        """Keep zones that are better than the best."""
        # Most blocks of moves find nothing better, and ranking takes as long as many moves.
        if np.array_equal(zone, self.seen):
            return
        self.seen = zone
        rank = rank_of(self.units, zone, self.aims)
        if rank < self.rank:
            self.rank, self.zone = rank, zone


@dataclass(slots=True)
class Run:
    """What a search has found and spent; true at any moment at which it is stopped."""

    options: SystemOptions
    progress: SystemProgress | None
    pieces: list[Piece] = field(default_factory=list)
    work: int = 0
    stopped_by: StoppedBy | None = None
    began: float = field(default_factory=time.perf_counter)
    rounds: int = ROUNDS
    """Repairs of one piece of land in the first search, while zones are beyond their bounds."""

    def spend(self, moves: int, piece: Piece, zone: Ints) -> bool:
        """Count work and keep the best zones; false once a limit is reached."""
        self.work += moves
        piece.offer(zone)
        if self.progress is not None:
            excess = math.fsum(one.rank[0] for one in self.pieces if one.rank != _NEVER)
            self.progress(min(self.work / self.options.work, 1.0), excess)
        limit = self.options.time_s
        if limit is not None and time.perf_counter() - self.began >= limit:
            self.stopped_by = "time"
        return self.stopped_by is None


def solved(
    units: Units,
    piece: Ints,
    seeds: tuple[tuple[int, ...], ...],
    zones_of_piece: list[Ints],
    aims: Aims,
    run: Run,
    *,
    given: Ints | None = None,
) -> Ints:
    """
    Return the best zones found, each piece of land by itself.

    Parameters
    ----------
    units : Units
    piece : array of int, shape (n,)
    seeds : tuple of tuple of int
        Units in which the first zones begin.
    zones_of_piece : list of array of int
        Numbers of the zones of each piece, those of seeds first.
    aims : Aims
    run : Run
        Told what is done; an interrupt keeps the best so far.
    given : array of int, shape (n,), optional
        Zones to begin with, connected.

    Raises
    ------
    KeyboardInterrupt
        If it comes before there is a first solution.
    """
    for number, zones in enumerate(zones_of_piece):
        members = np.flatnonzero(piece == number)
        place = {unit: at for at, unit in enumerate(members.tolist())}
        own = tuple(tuple(place[unit] for unit in one) for one in seeds if piece[one[0]] == number)
        part = Piece(units.part(members, zones), members, zones, aims.part(zones), own, number)
        part.offer(_first(part, run, 0) if given is None else _local(given[members], zones))
        run.pieces.append(part)
    try:
        for part in run.pieces:
            if not part.settled and run.stopped_by is None:
                moves = _improve(part, run, run.options, begun=given is not None, rounds=run.rounds)
                if given is None:
                    _finished(part, run, moves)
    except KeyboardInterrupt:
        run.stopped_by = "interrupt"
    zone = np.empty(units.land.count, dtype=np.intp)
    for part in run.pieces:
        zone[part.members] = part.zones[part.zone]
    return zone


def searched(piece: Piece, run: Run, options: SystemOptions) -> None:
    """Search one piece of land by itself, from its first zones on."""
    piece.offer(_first(piece, run, 0))
    if not piece.settled:
        _improve(piece, run, options, begun=False)


def improved(piece: Piece, run: Run, options: SystemOptions, *, rounds: int = ROUNDS) -> None:
    """Search one piece of land by itself, from the zones that it has."""
    if not piece.settled:
        _improve(piece, run, options, begun=True, rounds=rounds)


def first_of_all(
    units: Units, piece: Ints, seeds: tuple[tuple[int, ...], ...], zones: Ints, members: Ints
) -> Ints:
    """Return first zones of one piece of land, by their numbers, for want of a given start."""
    place = {unit: at for at, unit in enumerate(members.tolist())}
    own = tuple(
        tuple(place[unit] for unit in one) for one in seeds if piece[one[0]] == piece[members[0]]
    )
    whole = np.zeros(len(members), dtype=np.intp)
    part = units.part(members, zones)
    rng = np.random.default_rng(0)
    return zones[first_zones(part, whole, np.array([len(zones)]), own, rng)]


def smoothed(piece: Piece, run: Run, options: SystemOptions, *, ragged: bool = False) -> None:
    """Let even zones take shape again; ragged ones by dividing pairs of them anew first."""
    if piece.settled:
        return
    moves = max(1, options.moves_per_unit * len(piece.members))
    rng = _rng(run, piece, ROUNDS, 5)

    def keep(spent: int, zone: Ints) -> bool:
        return run.spend(spent, piece, zone)

    if ragged:
        recombine(piece.units, piece.zone, piece.aims, rng, keep, steps=_steps(piece, moves))
    if run.stopped_by is None:
        course = Course(round(moves * (_RAGGED if ragged else _SMOOTHING)), **_STRICT)
        anneal_system(piece.units, piece.zone, piece.aims, course, rng, keep)


def _local(zone: Ints, zones: Ints) -> Ints:
    place = {own: at for at, own in enumerate(zones.tolist())}
    return np.array([place[own] for own in zone.tolist()], dtype=np.intp)


def _rng(run: Run, piece: Piece, *numbers: int) -> np.random.Generator:
    return np.random.default_rng([run.options.seed, piece.number, *numbers])


def _first(piece: Piece, run: Run, number: int) -> Ints:
    """Return the zones of a start: straight cuts, then bisections in turned directions."""
    whole = np.zeros(len(piece.members), dtype=np.intp)
    total = math.fsum(piece.units.weights[:, 0])
    straight = float(piece.aims.span[0] * len(piece.zones) / total) if total and not number else 0.0
    quota = np.array([len(piece.zones)])
    rng = _rng(run, piece, number)
    return first_zones(piece.units, whole, quota, piece.seeds, rng, straight=straight)


def _improve(
    piece: Piece, run: Run, options: SystemOptions, *, begun: bool, rounds: int = ROUNDS
) -> int:
    """
    Improve the starts of one piece of land, and repair the best while it is needed.

    Returns the moves of the starts after the second.
    """
    count = len(piece.members)
    moves = max(options.moves_per_unit * count, _least_moves(run, count))
    moves = max(1, min(moves, options.work * count // _open_units(run)))
    share = max(options.work * count // _open_units(run), moves)
    starts = max(1, min(options.starts, share // (moves * 2)))
    began = run.work

    def keep(spent: int, zone: Ints) -> bool:
        return run.spend(spent, piece, zone)

    def course(zone: Ints, aims: Aims, number: tuple[int, ...], **how: float) -> Ints:
        return anneal_system(piece.units, zone, aims, Course(moves, **how),
                             _rng(run, piece, *number), keep)  # fmt: skip

    loose = widened(piece.aims, piece.units)
    for number in range(starts):
        zone = piece.zone if begun or not number else _first(piece, run, number)
        zone = course(zone, piece.aims, (number, 1), **({} if number else _SETTLING))
        if run.stopped_by is not None:
            return 0
    for number in range(rounds):
        if piece.rank[0] == 0.0 or run.work - began >= share:
            break
        zone = recombine(piece.units, piece.zone, piece.aims, _rng(run, piece, number, 2), keep,
                         steps=_steps(piece, moves))  # fmt: skip
        if run.stopped_by is None and piece.rank[0] > 0.0:
            zone = course(zone, loose, (number, 3), **_REPAIR)
        if run.stopped_by is not None:
            return 0
        # While zones are beyond, a course that keeps to the bounds finds nothing better.
        if piece.rank[0] == 0.0:
            course(piece.zone, piece.aims, (number, 4), **_COOL)
    return max(0, starts - _ENOUGH) * moves


def _finished(piece: Piece, run: Run, moves: int) -> None:
    """Let the best of many short starts take shape, if its zones are even."""
    if piece.rank[0] or not moves or run.stopped_by is not None:
        return
    course = Course(max(1, round(moves * _FINISH)), **_WARM)
    anneal_system(piece.units, piece.zone, piece.aims, course, _rng(run, piece, ROUNDS, 6),
                  lambda spent, zone: run.spend(spent, piece, zone))  # fmt: skip


def _steps(piece: Piece, moves: int) -> int:
    """Return how many pairs of zones are divided anew in about as much time as a course."""
    pair = 2 * len(piece.members) / len(piece.zones)
    return max(
        1, min(_STEPS_PER_ZONE * len(piece.zones), round(moves / (pair * 3 * MOVES_PER_UNIT)))
    )


def _open_units(run: Run) -> int:
    return sum(len(one.members) for one in run.pieces if not one.settled)


def _least_moves(run: Run, count: int) -> int:
    """Return the least moves of a course, fewer where many pieces of land share the work."""
    open_pieces = sum(not one.settled for one in run.pieces)
    return max(1, run.options.least_moves // max(1, min(open_pieces, count)))
