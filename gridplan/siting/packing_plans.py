"""Plans that keep capacities: fill sites greedily, then shift, swap and move them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.packing import FITS, Packing, PackingSearch
from gridplan.siting.search import OutOfEffortError

_ROUNDS = 30
_MOVES = 400
_LEAST_GAIN = 1e-9
_FAR_FACTOR = 4.0
_HARDER = 8.0
_TRIES = 3
# Swaps look at all pairs of demand; beyond this many they look at a sample of rows.
_SWAP_ROWS = 700
# Shakes that bring nothing, after which the search goes on to something else.
_IDLE_SHAKES = 200
# How likely the best of the closed sites is drawn, then the next, and so on.
_NEXT_SHARE = 0.15


def plan_from(packing: Packing, chosen: Positions, search: PackingSearch) -> None:
    """Assign all demand to the chosen sites, improve the plan, offer it."""
    if len(chosen) == packing.slots:
        _improved(_State.filled(packing, chosen), search)


def assigned_among(
    packing: Packing, chosen: Positions, search: PackingSearch, before: Positions | None = None
) -> Positions:
    """
    Return an assignment of all demand to some sites after shifts and swaps; it may not fit.

    Parameters
    ----------
    before : ndarray of int, shape (n,), optional
        Where demand goes that stays there if the site is among them.
    """
    if before is None:
        state = _State.filled(packing, chosen)
    else:
        stays = np.isin(before, chosen)
        at = np.where(stays, np.searchsorted(chosen, before), 0)
        state = _State.at_sites(packing, chosen, at)
        state.fill(np.flatnonzero(~stays))
    state.settle(search)
    return state.assigned


def shaken(packing: Packing, search: PackingSearch, rounds: int) -> None:
    """Move one or two sites of the best plan nearby and improve, until that brings nothing."""
    idle = 0
    for _ in range(rounds):
        if not np.isfinite(search.value) or search.closed or idle >= _IDLE_SHAKES:
            return
        state = _shake(packing, search)
        if state is None:
            return
        before = search.value
        _improved(state, search)
        idle = 0 if search.value < before else idle + 1


def _improved(state: _State, search: PackingSearch) -> None:
    """Alternate between the best assignment found for the sites and the best sites for it."""
    search.spend(1)
    packing, best = state.packing, np.inf
    # Whatever ends the search, what fits by then is a plan.
    search.keep(packing, state.chosen, state.assigned)
    for _ in range(_ROUNDS):
        try:
            state.settle(search)
        except OutOfEffortError:
            search.keep(packing, state.chosen, state.assigned)
            raise
        value = packing.value(state.assigned)
        if value >= best:
            return
        search.keep(packing, state.chosen, state.assigned)
        best = value
        if not state.relocate():
            return


def _shake(packing: Packing, search: PackingSearch) -> _State | None:
    """Return the best plan with one or two of its sites moved; None if none can be."""
    plan = search.packed
    chosen = plan.chosen.copy()
    free = np.nonzero(~packing.must[chosen])[0]
    inside = np.zeros(len(packing.capacity), dtype=np.bool_)
    inside[chosen] = True
    closed = np.nonzero(~inside)[0]
    if not len(free) or not len(closed):
        return None
    at = np.searchsorted(chosen, plan.assigned)
    paid = packing.cost[np.arange(len(packing.load)), plan.assigned]
    saved = np.maximum(paid[:, None] - packing.cost[:, closed], 0.0).sum(axis=0)
    order = closed[np.argsort(-saved, kind="stable")]
    moved = search.rng.choice(free, min(len(free), int(search.rng.integers(1, 3))), replace=False)
    for out in moved:
        rank = min(int(search.rng.geometric(_NEXT_SHARE)) - 1, len(order) - 1)
        chosen[out], order[rank] = order[rank], chosen[out]
    state = _State.at_sites(packing, chosen, at)
    state.fill(np.nonzero(np.isin(at, moved))[0])
    return state


@dataclass
class _State:
    """Open sites and an assignment to them that may be overloaded at a price."""

    packing: Packing
    cost: Floats
    chosen: Positions
    at: Positions
    price: float

    @classmethod
    def at_sites(cls, packing: Packing, chosen: Positions, at: Positions) -> _State:
        """Return an assignment as it is; `at` are positions in `chosen`."""
        typical = float(np.median(packing.load[packing.load > 0])) if packing.load.any() else 1.0
        far = packing.far
        cost = np.where(np.isfinite(packing.cost), packing.cost, far)
        return cls(packing, cost, chosen.copy(), at.astype(np.intp), far / _FAR_FACTOR / typical)

    @classmethod
    def filled(cls, packing: Packing, chosen: Positions) -> _State:
        """Assign all demand to the chosen sites."""
        state = cls.at_sites(packing, chosen, np.zeros(len(packing.load), dtype=np.intp))
        state.fill(np.arange(len(packing.load)))
        return state

    def fill(self, rows: Positions) -> None:
        """Give demand the cheapest site with room, that with most to lose first."""
        packing = self.packing
        near = self.cost[np.ix_(rows, self.chosen)]
        regret = -packing.load[rows]
        if len(self.chosen) > 1:
            ranked = np.partition(near, 1, axis=1)
            regret = ranked[:, 1] - ranked[:, 0]
        others = np.ones(len(self.at), dtype=np.bool_)
        others[rows] = False
        room = packing.capacity[self.chosen] * FITS - np.bincount(
            self.at[others], weights=packing.load[others], minlength=len(self.chosen)
        )
        for one in np.argsort(-regret, kind="stable"):
            load = packing.load[rows[one]]
            fits = room >= load
            best = np.where(fits, near[one], np.inf).argmin() if fits.any() else room.argmax()
            self.at[rows[one]] = best
            room[best] -= load

    @property
    def assigned(self) -> Positions:
        return self.chosen[self.at]

    @property
    def _near(self) -> Floats:
        return self.cost[:, self.chosen]

    def settle(self, search: PackingSearch) -> None:
        """Shift and swap until nothing improves; price overloads higher while there are any."""
        for _ in range(_TRIES):
            near, limit = self._near, self.packing.capacity[self.chosen]
            for _ in range(_MOVES):
                search.look()
                held = self._held(len(limit))
                if not (self._shift(near, limit, held) or self._swap(near, limit, held, search)):
                    break
            if not self.packing.overload(self.assigned).any():
                return
            self.price *= _HARDER

    def _held(self, groups: int) -> Floats:
        held = np.bincount(self.at, weights=self.packing.load, minlength=groups)
        return held.astype(np.float64)

    def _shift(self, near: Floats, limit: Floats, held: Floats) -> bool:
        load, rows = self.packing.load, np.arange(len(self.at))
        over = np.maximum(held - limit, 0.0)
        joined = np.maximum(held + load[:, None] - limit, 0.0) - over
        left = np.maximum(held[self.at] - load - limit[self.at], 0.0) - over[self.at]
        gain = (near[rows, self.at] - self.price * left)[:, None] - near - self.price * joined
        gain[rows, self.at] = 0.0
        best = gain.argmax(axis=1)
        worth = gain[rows, best]
        touched, moved = np.zeros(len(limit), dtype=np.bool_), False
        for row in np.argsort(-worth, kind="stable"):
            if worth[row] <= _LEAST_GAIN * (1.0 + abs(near[row, self.at[row]])):
                break
            old, new = self.at[row], best[row]
            if not (touched[old] or touched[new]):
                touched[old] = touched[new] = moved = True
                self.at[row] = new
        return moved

    def _swap(self, near: Floats, limit: Floats, held: Floats, search: PackingSearch) -> bool:
        load, at = self.packing.load, self.at
        rows = np.arange(len(at))
        if len(rows) > _SWAP_ROWS:
            rows = np.sort(search.rng.choice(len(at), _SWAP_ROWS, replace=False))
        own, place = near[rows, at[rows]], at[rows]
        over = np.maximum(held - limit, 0.0)[place]
        room = (limit - held)[place]
        excess = np.maximum(load[rows][None, :] - (load[rows] + room)[:, None], 0.0)
        change = near[np.ix_(rows, place)] - own[:, None] + self.price * (excess - over[:, None])
        change = change + change.T
        change[place[:, None] == place[None, :]] = 0.0
        best = change.argmin(axis=1)
        worth = change[np.arange(len(rows)), best]
        touched, moved = np.zeros(len(limit), dtype=np.bool_), False
        for one in np.argsort(worth, kind="stable"):
            if worth[one] >= -_LEAST_GAIN * (1.0 + abs(own[one])):
                break
            two = best[one]
            here, there = place[one], place[two]
            if not (touched[here] or touched[there]):
                touched[here] = touched[there] = moved = True
                at[rows[one]], at[rows[two]] = there, here
        return moved

    def relocate(self) -> bool:
        """Move each group of demand to the site where it walks least; True if one moved."""
        groups = len(self.chosen)
        member = np.zeros((groups, len(self.at)))
        member[self.at, np.arange(len(self.at))] = 1.0
        held = member @ self.packing.load
        walk = member @ self.cost
        worst = float(walk.max(initial=0.0)) + 1.0
        short = np.maximum(held[:, None] - self.packing.capacity[None, :] * FITS, 0.0)
        walk = walk + np.where(short > 0.0, worst + self.price * short, 0.0)
        must: Flags = self.packing.must
        # Sites that must be open cost less than any group can gain elsewhere.
        walk[:, must] -= 2.0 * float(walk.max(initial=0.0)) + 1.0
        before = walk[np.arange(groups), self.chosen].sum()
        group, site = linear_sum_assignment(walk)
        if walk[group, site].sum() >= before - _LEAST_GAIN * (1.0 + abs(before)):
            return False
        self.chosen = site[np.argsort(group)].astype(np.intp)
        return True
