"""Plans from a relaxation: follow its shares down to whole sites, then shake what comes out."""

from __future__ import annotations

import numpy as np

from gridplan.siting.core import forced
from gridplan.siting.kicks import shake
from gridplan.siting.matrix import Flags, Positions
from gridplan.siting.relaxation import Relaxation, Relaxed, Rounds
from gridplan.siting.search import Search

_IN_A_DIVE = Rounds(most=2, least_progress=0.1, halfway=True)
# A dive opens this share of the sites still missing before it solves again.
_OPEN_SHARE = 0.15
# How far chance outweighs the shares when those are chosen.
_CHANCE = 0.3
_KICKS = 100
_WHOLE = 1e-6


def dive(model: Relaxation, from_here: Relaxed, search: Search) -> Positions:
    """
    Return the columns that a relaxation leads to, opened a few at a time.

    Each time some of the sites with the largest shares are opened, with some chance so
    that no two dives are the same, and the relaxation is solved again with them.
    """
    core, relaxed = model.core, from_here
    opened = np.zeros(len(core.sites), dtype=np.bool_)
    closed = np.zeros(len(core.sites), dtype=np.bool_)
    while (left := core.slots - int(opened.sum())) > 0:
        opened |= _next(relaxed, opened, closed, left, search)
        left = core.slots - int(opened.sum())
        free = ~opened & ~closed
        if left and left < free.sum():
            relaxed = model.converge(opened, closed, _IN_A_DIVE)
            room = search.room - relaxed.bound
            if room > 0.0:
                opened, closed = forced(relaxed.choice, room, opened=opened, closed=closed)
    return np.nonzero(opened)[0]


def _next(relaxed: Relaxed, opened: Flags, closed: Flags, left: int, search: Search) -> Flags:
    """Return the sites to open now: those with a whole share, or the largest of the others."""
    free = np.nonzero(~opened & ~closed)[0]
    shares = relaxed.shares[free]
    whole = free[shares > 1.0 - _WHOLE][:left]
    part = free[shares <= 1.0 - _WHOLE]
    more = min(left - len(whole), max(1, int(_OPEN_SHARE * left)))
    drawn = relaxed.shares[part] + _CHANCE * search.rng.random(len(part))
    order = np.argsort(-drawn, kind="stable")
    chosen = np.zeros(len(opened), dtype=np.bool_)
    chosen[whole] = True
    chosen[part[order[:more]]] = True
    return chosen


def dive_and_shake(model: Relaxation, from_here: Relaxed, search: Search) -> Positions:
    """Offer the plan of a dive and what shaking makes of it; return that."""
    plan = dive(model, from_here, search)
    search.offer(model.core, plan)
    among = np.nonzero(from_here.shares > _WHOLE)[0]
    shaken = shake(model.core, plan, among, search, kicks=_KICKS)
    # What two good plans do not share is little: the best mixture of them is soon found.
    best = model.core.like(search.sites, from_here.shares)
    shake(model.core, best, np.union1d(plan, shaken), search, kicks=_KICKS)
    return shaken
