"""Indivisible things that are in no group within what a zone may have, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

_HEAVY, _MOST_HEAVY = 0.25, 200
"""Things above this share of the least of a zone, so many of them, may fit in no zone."""
_ROUNDING = 1e-9
_MOST_LOOKED = 4_000
"""Of a thing with more groups to look at nothing is said."""

Near = Sequence[AbstractSet[int]]
"""Of each thing, those that one zone can join with it."""


def stuck_things(load: Sequence[float], near: Near, least: float, most: float) -> set[int]:
    """
    Return the things that are in no joined group within two bounds: what holds them is beyond.

    Things of which there are too many groups to look at are not named, nor light ones.

    Examples
    --------
    >>> stuck_things((3.0, 4.0, 5.0), ({1}, {0, 2}, {1}), 6.0, 7.0)
    {2}
    """
    if least <= 0:
        return {one for one, own in enumerate(load) if own > most}
    heavy = sorted(range(len(load)), key=lambda one: (-load[one], one))[:_MOST_HEAVY]
    return {one for one in heavy
            if load[one] > least * _HEAVY and _alone(load, near, one, least, most)}  # fmt: skip


def _alone(load: Sequence[float], near: Near, thing: int, least: float, most: float) -> bool:
    """Return whether no joined group with a thing is within the bounds; no if they are many."""
    seen = {frozenset({thing})}
    waiting = [(load[thing], frozenset({thing}), near[thing])]
    while waiting:
        own, group, around = waiting.pop()
        if own > most:
            continue
        if own >= least or len(seen) > _MOST_LOOKED:
            return False
        # The heaviest that fits is taken first: so most things are soon in a group.
        for other in sorted(around, key=lambda one: (load[one], one)):
            larger = group | {other}
            if own + load[other] <= most and larger not in seen:
                seen.add(larger)
                total = sum(load[one] for one in sorted(larger))
                waiting.append((total, larger, (around | near[other]) - larger))
    return True


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
