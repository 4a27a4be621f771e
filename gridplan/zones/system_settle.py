"""Land that misses what is allowed, by a model: how many zones must, and which go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from gridplan.zones.system_asked import Asked
from gridplan.zones.system_found import (
    Found,
    found_of,
    piece_of,
    possible_numbers,
)
from gridplan.zones.system_loaded import MOST_GROUPS
from gridplan.zones.system_notes import CutOff, ParcelReason
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_packing import least_beyond, packed
from gridplan.zones.system_solve import Piece

_FEW_GROUPS = 500
_ROUNDING = 1e-9


@dataclass(slots=True)
class Choices:
    """
    Numbers of zones that one piece of land may have, and how few must be beyond.

    Attributes
    ----------
    asked : dict of number to Asked
    least : dict of number to (int, int) or None
        As `least_beyond` gives it, once it is asked for; None: not known.
    """

    asked: dict[int, Asked] = field(default_factory=dict)
    least: dict[int, tuple[int, int] | None] = field(default_factory=dict)

    def prove(self, number: int) -> None:
        """Find how many zones must be beyond at least."""
        for zones, one in self.asked.items():
            piece = piece_of(one, number)
            self.least[zones] = least_beyond(piece.units, piece.aims)

    def settled(self, best: Found, *, banded: bool) -> bool:
        """Return whether no number of zones is known to allow fewer beyond than there are."""
        if not best.misses:
            return True
        known = [one for one in self.least.values() if one is not None]
        return not banded and bool(known) and best.beyond <= min(known)


def choices_of(asked: Asked, pieces: Sequence[Piece], options: SystemOptions) -> dict[int, Choices]:
    """Return, by piece of land, the numbers of zones that it may have."""
    numbers = {one.number: possible_numbers(asked, one, options) for one in pieces}
    found = {number: Choices() for number in numbers}
    # Land does not depend on other land: one ground serves all, each with its next number.
    for turn in range(max(map(len, numbers.values()), default=0)):
        quota = asked.quota.copy()
        for number, own in numbers.items():
            quota[number] = own[min(turn, len(own) - 1)]
        made = asked.loosened(quota, options)
        for number, own in numbers.items():
            if turn < len(own):
                found[number].asked[own[turn]] = made
    return found


def settled_land(
    best: Found, choices: Choices, asked: Asked, options: SystemOptions
) -> tuple[Found, bool]:
    """
    Return the better of zones and of those that a model chooses, and whether it is proven best.

    Parameters
    ----------
    best : Found
    choices : Choices
    asked : Asked
        As it was at first; estates cut further than there are `loose`.
    options : SystemOptions
    """
    banded, proven = options.band is not None, True
    least = {zones: one or (0, 0) for zones, one in choices.least.items()}
    order = sorted(least, key=lambda one: (least[one], abs(one - best.zones), one))
    for zones in order:
        if not banded and least[zones] > best.beyond:
            continue
        # Where no fewer can be beyond a model only says how far they must be.
        few = not banded and least[zones] == best.beyond
        other = choices.asked[zones]
        piece = piece_of(other, best.number)
        within = None if choices.least[zones] is None else zones - least[zones][1]
        made = packed(piece.units, piece.aims, banded=banded, within=within,
                      groups=_FEW_GROUPS if few else MOST_GROUPS)  # fmt: skip
        proven = proven and made.best
        if made.zone is None:
            continue
        piece.offer(made.zone)
        loose = other.ground.land.count > asked.ground.land.count
        tried = found_of(other, piece, banded=banded, loose=loose, packed=True)
        if tried.rank < best.rank:
            best = tried
        if not best.misses:
            break
    return best, proven


def cut_off(asked: Asked, names: Sequence[str]) -> tuple[CutOff, ...]:
    """
    Return land without a way to the rest of its community that no number of zones fits.

    By each weight: for no k are k zones within what is allowed if its load is theirs.

    Parameters
    ----------
    asked : Asked
    names : sequence of str
        Of the zones, by their numbers.
    """
    weights = range(asked.ground.weights.shape[1])
    return tuple(one for weight in weights for one in _cut_off(asked, names, weight))


def _cut_off(asked: Asked, names: Sequence[str], weight: int) -> Iterator[CutOff]:
    ground, aims = asked.ground, asked.aims
    load = np.bincount(ground.piece, weights=ground.weights[:, weight])
    body = ground.body[np.unique(ground.piece, return_index=True)[1]]
    for number, zones in enumerate(asked.zones_of_pieces):
        if not len(zones) or int((body == body[number]).sum()) == 1:
            continue
        one = float(load[number])
        least, most = aims.least[zones, weight].min(), aims.most[zones, weight].max()
        # The most zones that have enough, and with one zone fewer each has more.
        many = int(one / least * (1 + _ROUNDING)) if least > 0 else len(zones)
        if many * most * (1 + _ROUNDING) < one or not many:
            whole = tuple(sorted(names[own] for own in zones.tolist()))
            yield CutOff(whole, one, why=_why(asked, number), weight=weight)


def _why(asked: Asked, piece: int) -> ParcelReason:
    """Return what parts a piece of land from the rest of its community."""
    ground, seeds = asked.ground, asked.seeds
    if any(closed and ground.piece[units[0]] == piece
           for units, closed in zip(seeds.units, seeds.closed, strict=True)):  # fmt: skip
        return "given"
    graph, inside = ground.cells.graph, ground.piece[ground.unit] == piece
    body = ground.body[ground.unit]
    beside = inside[graph.left] != inside[graph.right]
    beside &= body[graph.left] == body[graph.right]
    if not beside.any():
        return "gap"
    free = ground.home[graph.left] == ground.home[graph.right]
    return "water" if (beside & free).any() else "kept"
