"""Indivisible things that are in no group within what a zone may have, and what follows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

_HEAVY, _MOST_HEAVY = 0.25, 200
"""Things above this share of the least of a zone, so many of them, may fit in no zone."""
_ROUNDING = 1e-9
_MOST_LOOKED, _MOST_RESTS = 4_000, 1_000
"""Of a thing with more groups to look at, or more to see what they leave, nothing is said."""

Near = Sequence[AbstractSet[int]]
"""Of each thing, those that one zone can join with it."""


def stuck_things(
    load: Sequence[float],
    near: Near,
    least: float,
    most: float,
    *,
    others_even: bool = False,
    among: Iterable[int] | None = None,
) -> set[int]:
    """
    Return the things that are in no joined group within two bounds: what holds them is beyond.

    Things of which there are too many groups to look at are not named, nor light ones. Where all
    other zones have to be within the bounds, too (`others_even`), a group is none if it leaves a
    part of the rest, without a way to more, which no number of zones divides: then something is
    beyond, if not what holds the thing. With `among` only these things are looked at.

    Examples
    --------
    >>> stuck_things((3.0, 4.0, 5.0), ({1}, {0, 2}, {1}), 6.0, 7.0)
    {2}

    In a row of 3, 6 and 2 the first two can be joined, but not without leaving the last alone:

    >>> row = ({1}, {0, 2}, {1})
    >>> stuck_things((3.0, 6.0, 2.0), row, 5.0, 9.0)
    set()
    >>> stuck_things((3.0, 6.0, 2.0), row, 5.0, 9.0, others_even=True)
    {0, 1, 2}
    """
    if least <= 0:
        return {one for one, own in enumerate(load) if own > most}
    bits = [sum(1 << other for other in own) for own in near] if others_even else []
    rest = _Rest(load, bits, (least, most)) if others_even else None
    asked = range(len(load)) if among is None else among
    heavy = sorted(asked, key=lambda one: (-load[one], one))[:_MOST_HEAVY]
    return {one for one in heavy
            if load[one] > least * _HEAVY
            and _alone(load, near, one, (least, most), rest)}  # fmt: skip


def any_stuck(load: Sequence[float], near: Near, least: float, most: float) -> bool:
    """Return whether a thing is in no group, or in none that leaves what can be divided."""
    return bool(stuck_things(load, near, least, most)
                or stuck_things(load, near, least, most, others_even=True))  # fmt: skip


def _alone(
    load: Sequence[float],
    near: Near,
    thing: int,
    bounds: tuple[float, float],
    rest: _Rest | None,
) -> bool:
    """Return whether no joined group with a thing is within the bounds; no if they are many."""
    least, most = bounds
    looked, seen = 0, {frozenset({thing})}
    waiting = [(load[thing], frozenset({thing}), near[thing])]
    while waiting:
        own, group, around = waiting.pop()
        if own > most:
            continue
        looked += own >= least
        if len(seen) > _MOST_LOOKED or looked > _MOST_RESTS:
            return False
        if own >= least and (rest is None or not rest.uneven(group)):
            return False
        # The heaviest that fits is taken first: so most things are soon in a group.
        for other in sorted(around, key=lambda one: (load[one], one)):
            larger = group | {other}
            if own + load[other] <= most and larger not in seen:
                seen.add(larger)
                total = sum(load[one] for one in sorted(larger))
                waiting.append((total, larger, (around | near[other]) - larger))
    return True


@dataclass(frozen=True, slots=True)
class _Rest:
    """Things as bits: what is left of them beside a group, looked at thousands of times."""

    load: Sequence[float]
    near: list[int]
    bounds: tuple[float, float]

    def uneven(self, group: AbstractSet[int]) -> bool:
        """Return whether a group leaves a part that no number of zones divides."""
        least, most = self.bounds
        # From so much on any load is within the bounds of some number of zones.
        enough = math.ceil(least / (most - least)) * least if most > least else math.inf
        taken = around = 0
        for one in sorted(group):
            taken |= 1 << one
            around |= self.near[one]
        around &= ~taken
        while around:
            part = around & -around
            waiting, total = part, 0.0
            while waiting and total < enough:
                # Those beside the group first: they are mostly of one part.
                first = waiting & around or waiting
                low = first & -first
                one = low.bit_length() - 1
                total += self.load[one]
                new = self.near[one] & ~(part | taken)
                part |= new
                waiting = (waiting ^ low) | new
            if total < enough:
                slack = _ROUNDING * total
                if math.floor((total + slack) / least) * most < total - slack:
                    return True
            around &= ~part
        return False


def most_by_sums(
    load: Sequence[float], near: Near, least: float, most: float, zones: int, *, most_within: int
) -> int:
    """
    Return how many of so many zones can be within bounds by what is left for the others.

    If `w` zones are within, none of them has more than all of them have together less
    ``(w - 1) * least``; if all are, none has less than the total less ``(w - 1) * most``.
    What is in no group within these narrower bounds is in a zone beyond, and leaves less for
    the others, until nothing more follows or there is too little for `w` zones.

    Parameters
    ----------
    load : sequence of float
    near : sequence of sets of int
    least, most : float
    zones : int
    most_within : int
        So many can be within at most by what else is known.

    Examples
    --------
    >>> row = ({1}, {0, 2}, {1, 3}, {2})
    >>> most_by_sums((405.0, 296.0, 221.0, 80.0), row, 298.0, 365.0, 3, most_within=3)
    1
    """
    within = min(most_within, zones)
    while within > 0 and _too_many(load, near, (least, most), zones, within):
        within -= 1
    return within


def _too_many(
    load: Sequence[float], near: Near, bounds: tuple[float, float], zones: int, within: int
) -> bool:
    """Return whether so many zones cannot be within the bounds."""
    least, most = bounds
    left = total = sum(load)
    # Sums of the same loads in another order differ by as much.
    slack = _ROUNDING * total
    low = max(least, total - (within - 1) * most - slack) if within == zones else least
    stuck: set[int] = set()
    while True:
        top = min(most, left - (within - 1) * least + slack)
        if top < least or (stuck and within == zones):
            return True
        found = stuck_things(load, near, low, top)
        if found <= stuck:
            return False
        stuck |= found
        left = total - sum(load[one] for one in sorted(stuck))
