"""Numbers of zones in a size band: land that misses it is tried with a zone more, or fewer."""

from __future__ import annotations

import numpy as np

from gridplan.zones.contiguity import Ints
from gridplan.zones.system_asked import Asked
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_seeds import room_for_zones
from gridplan.zones.system_solve import Piece, Run, searched


def recounted(asked: Asked, run: Run, options: SystemOptions) -> tuple[Asked, Ints]:
    """
    Return what is asked for with the numbers of zones that miss the band least, and the zones.

    A band says how large zones are, not how many there are: the number that the mean of the
    band gives may leave one zone too small where one fewer leaves none. Each piece of land
    beyond the band is searched once more, with a zone fewer if more is lacking than is too
    much, else with one more; what is no better is left.

    Parameters
    ----------
    asked : Asked
        With a band and no given number of zones.
    run : Run
        Ended; its pieces hold the best zones of each. Told of the work that is added.
    options : SystemOptions
    """
    room = room_for_zones(asked.seeds, asked.ground.piece)
    for at, piece in enumerate(run.pieces):
        if piece.rank[0] == 0.0 or run.stopped_by is not None:
            continue
        quota = asked.quota.copy()
        quota[piece.number] += _step(piece)
        if not max(1, len(piece.seeds)) <= quota[piece.number] <= room[piece.number]:
            continue
        other = asked.with_quota(quota, options)
        zones = other.zones_of_pieces[piece.number]
        part = Piece(
            other.units.part(piece.members, zones),
            piece.members,
            zones,
            other.aims.part(zones),
            piece.seeds,
            piece.number,
        )
        try:
            searched(part, run)
        except KeyboardInterrupt:
            run.stopped_by = "interrupt"
        if part.rank[0] < piece.rank[0]:
            run.pieces[at], asked = part, other
    zone = np.empty(asked.ground.land.count, dtype=np.intp)
    for piece, zones in zip(run.pieces, asked.zones_of_pieces, strict=True):
        zone[piece.members] = zones[piece.zone]
    return asked, zone


def _step(piece: Piece) -> int:
    """Return -1 if zones lack more of the band than they have too much, else 1."""
    load = np.bincount(piece.zone, weights=piece.units.weights[:, 0], minlength=len(piece.zones))
    lacking = np.maximum(piece.aims.least[:, 0] - load, 0.0).sum()
    return -1 if lacking >= np.maximum(load - piece.aims.most[:, 0], 0.0).sum() else 1
