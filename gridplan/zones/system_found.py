"""The best zones of one piece of land, by cells and by rank, while it is mended."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.system_asked import Asked
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_seeds import room_for_zones
from gridplan.zones.system_solve import Piece
from gridplan.zones.system_state import DECIMALS

_ROUNDING = 1e-9

Rank = tuple[float, float, float, float]
"""
Zones beyond that no unit puts there alone, zones beyond, the excess in tolerances, and the mean
price of a zone. In a size band the excess comes first: two zones a little too small are better than
one far too large.
"""


@dataclass(slots=True)
class Found:
    """
    The best zones of one piece of land.

    Attributes
    ----------
    number : int
        Of the piece.
    cells : array of int
    zones : int
        How many.
    zone : array of int
        Of each of the cells.
    rank : Rank
    beyond : (int, int)
        Zones beyond that no unit puts there alone, and all.
    loose : bool
        Whether cells of estates larger than a zone are units by themselves.
    packed : bool
        Whether a model chose what goes together, and nobody looked at shapes.
    """

    number: int
    cells: Ints
    zones: int
    zone: Ints
    rank: Rank
    beyond: tuple[int, int]
    loose: bool = False
    packed: bool = False

    @property
    def misses(self) -> bool:
        """Whether a zone is beyond what is allowed."""
        return self.beyond[1] > 0


def found_of(
    asked: Asked, piece: Piece, *, banded: bool, loose: bool = False, packed: bool = False
) -> Found:
    """Return the zones of one piece of land, by cells."""
    unit = asked.ground.unit
    cells = np.flatnonzero(asked.ground.piece[unit] == piece.number)
    place = np.empty(asked.ground.land.count, dtype=np.intp)
    place[piece.members] = piece.zone
    rank, beyond = _rank(piece, banded=banded)
    return Found(piece.number, cells, len(piece.zones), place[unit[cells]], rank, beyond,
                 loose, packed)  # fmt: skip


def possible_numbers(asked: Asked, piece: Piece, options: SystemOptions) -> list[int]:
    """Return the numbers of zones that one piece of land may have, the one of now too."""
    now = len(piece.zones)
    if options.mean_size is None:
        return [now]
    room = int(room_for_zones(asked.seeds, asked.ground.piece)[piece.number])
    least, most = options.mean_size
    total = math.fsum(piece.units.weights[:, 0])
    fewest = max(1, len(piece.seeds), math.ceil(total / most - _ROUNDING))
    upper = room if least * room <= total else math.floor(total / least + _ROUNDING)
    beside = (now - 1, now + 1) if options.band is not None else ()
    numbers = {*range(fewest, upper + 1), *beside}
    return sorted({now} | {one for one in numbers if max(1, len(piece.seeds)) <= one <= room})


def piece_of(asked: Asked, number: int) -> Piece:
    """Return one piece of land before any search."""
    members = np.flatnonzero(asked.ground.piece == number)
    place = {unit: at for at, unit in enumerate(members.tolist())}
    seeds = tuple(
        tuple(place[unit] for unit in one) for one in asked.seeds.units if one[0] in place
    )
    zones = asked.zones_of_pieces[number]
    return Piece(asked.units.part(members, zones), members, zones, asked.aims.part(zones), seeds,
                 number)  # fmt: skip


def loads_of_zones(piece: Piece) -> Floats:
    """Return what each zone has, shape (k, w)."""
    columns = [np.bincount(piece.zone, weights=one, minlength=len(piece.zones))
               for one in piece.units.weights.T]  # fmt: skip
    return np.stack(columns, axis=1)


def zones_beyond(piece: Piece) -> Flags:
    """Return which zones are beyond what is allowed."""
    load, aims = loads_of_zones(piece), piece.aims
    slack = _ROUNDING * aims.most
    off: Flags = (load > aims.most + slack) | (load < aims.least - slack)
    return np.asarray(off.any(axis=1), dtype=np.bool_)


def _rank(piece: Piece, *, banded: bool) -> tuple[Rank, tuple[int, int]]:
    """Return the rank of the zones of a piece, and how many are beyond."""
    beyond, most = zones_beyond(piece), piece.aims.most * (1 + _ROUNDING)
    heavy = (piece.units.weights > most[piece.zone]).any(axis=1)
    alone = np.zeros(len(piece.zones), dtype=np.bool_)
    alone[piece.zone[heavy]] = True
    open_, all_ = int((beyond & ~alone).sum()), int(beyond.sum())
    excess = round(piece.rank[0], DECIMALS)
    price = round(piece.rank[1] / len(piece.zones), DECIMALS)
    rank = (excess, open_, all_, price) if banded else (open_, all_, excess, price)
    return rank, (open_, all_)
