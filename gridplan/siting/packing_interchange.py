"""Plans that keep capacities and conditions: sites opened, closed and exchanged, then filled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.packing import FITS
from gridplan.siting.packing_plans import assigned_among
from gridplan.siting.packing_ruled import Ruled, RuledSearch, fits_sum

# Exchanges that are tried: fewer where each takes longer; and in vain, until the search goes on.
_CELLS, _FEWEST, _MOST, _IDLE = 4e6, 20, 400, 30
# How likely the best of the closed sites is drawn, then the next, and so on.
_NEXT_SHARE = 0.15
# Prices of a further toll that are tried where its limit is missed, each so many times the last.
_TRIES, _DEARER = 4, 4.0
_HALF, _LEAST_OPEN = 0.5, 0.02


@dataclass(frozen=True)
class Finder:
    """
    Looks for plans.

    Attributes
    ----------
    ruled : Ruled
    search : RuledSearch
    prices : ndarray, shape (n_tolls,)
        What a unit of each further toll costs while demand is assigned.
    """

    ruled: Ruled
    search: RuledSearch
    prices: Floats

    def offer(self, chosen: Positions, before: Positions | None = None) -> None:
        """
        Assign all demand to some sites, and keep the plan if it is better than the best.

        Parameters
        ----------
        before : ndarray of int, shape (n,), optional
            An assignment to begin with.
        """
        ruled, search = self.ruled, self.search
        if not ruled.holds(chosen) or not fits_sum(ruled, chosen):
            return
        if not len(ruled.packing.load):
            search.keep(ruled.packing, chosen, np.empty(0, dtype=np.intp))
            return
        if not len(chosen):
            return
        prices = self.prices
        for _ in range(_TRIES):
            search.spend(1)
            packing = ruled.priced(prices)
            assigned = assigned_among(packing, chosen, search, before)
            search.keep(packing, chosen, assigned)
            over = ruled.tolls(assigned) > ruled.allowed_most
            if not over.any():
                return
            prices = np.where(over, _DEARER * np.maximum(prices, self._first_price()), prices)

    def _first_price(self) -> Floats:
        """Return prices that matter beside the cost."""
        cost = self.ruled.packing.cost
        mean = float(cost[np.isfinite(cost)].mean()) if np.isfinite(cost).any() else 1.0
        tolls = self.ruled.further
        used = tolls.sum(axis=(1, 2)) / np.maximum((tolls > 0).sum(axis=(1, 2)), 1)
        return np.asarray(mean / np.where(used > 0, used, 1.0))

    def rounded(self, shares: Floats) -> Positions:
        """Return the sites that a relaxation opens most, as far as the conditions allow."""
        ruled = self.ruled
        order = np.lexsort((np.arange(len(shares)), -shares))
        chosen = np.flatnonzero(ruled.packing.must)
        while ruled.slots is None or len(chosen) < ruled.slots:
            able = ruled.may_add(chosen)
            lacking = ruled.lacking(chosen) & able
            if lacking.any():
                able = lacking
            elif ruled.slots is None and fits_sum(ruled, chosen):
                able &= shares > _LEAST_OPEN
            ranked = order[able[order]]
            if not len(ranked):
                break
            chosen = np.sort(np.append(chosen, ranked[0]))
        return chosen

    def exchange(self, shares: Floats) -> None:
        """Open, close and exchange a site of the best plan, until that brings nothing."""
        ruled, search = self.ruled, self.search
        cells = float(max(1, ruled.packing.cost.size))
        idle = 0
        for _ in range(int(np.clip(_CELLS / cells, _FEWEST, _MOST))):
            if search.closed or idle >= _IDLE or not np.isfinite(search.value):
                return
            before = search.value
            chosen = self._moved(shares)
            if chosen is not None:
                self.offer(chosen, search.packed.assigned)
            idle = 0 if search.value < before else idle + 1

    def _moved(self, shares: Floats) -> Positions | None:
        """Return the open sites of the best plan after a move; None if it breaks a condition."""
        ruled, rng = self.ruled, self.search.rng
        chosen = self.search.packed.chosen
        free = chosen[~ruled.packing.must[chosen]]
        closed = np.setdiff1d(np.arange(len(shares)), chosen)
        kinds = ("exchange",) if ruled.slots is not None else ("exchange", "open", "close")
        kind = kinds[int(rng.integers(len(kinds)))]
        kept = chosen
        if kind != "open":
            if not len(free):
                return None
            kept = kept[kept != int(rng.choice(free))]
        if kind == "close":
            return kept
        closed = closed[ruled.may_add(kept)[closed]]
        if not len(closed):
            return None
        ranked = closed[np.argsort(-self._worth(closed, shares), kind="stable")]
        rank = min(int(rng.geometric(_NEXT_SHARE)) - 1, len(ranked) - 1)
        return np.sort(np.append(kept, ranked[rank]))

    def _worth(self, closed: Positions, shares: Floats) -> Floats:
        """Return how much closed sites would save, those first that the relaxation opens."""
        cost, assigned = self.ruled.packing.cost, self.search.packed.assigned
        paid = cost[np.arange(len(assigned)), assigned]
        saved = np.maximum(paid[:, None] - cost[:, closed], 0.0).sum(axis=0)
        largest = float(saved.max(initial=0.0))
        return np.asarray(saved / (largest if largest > 0 else 1.0) + shares[closed])


def lean(ruled: Ruled, search: RuledSearch, dear: Floats) -> None:
    """
    Close what nobody needs in the best plan: as much is paid without it, the dearest first.

    Parameters
    ----------
    dear : ndarray, shape (m,)
        What each site costs.
    """
    packed, packing = search.packed, ruled.packing
    if ruled.slots is not None or not np.isfinite(packed.value):
        return
    chosen, assigned = packed.chosen, packed.assigned
    own = chosen[~packing.must[chosen]]
    for site in sorted(own.tolist(), key=lambda one: (-dear[one], one)):
        fewer = chosen[chosen != site]
        moved = _without(ruled, fewer, assigned, site) if ruled.holds(fewer) else None
        if moved is not None:
            chosen, assigned = fewer, moved
    value = packing.value(assigned)
    if value <= packed.value and ruled.keeps(chosen, assigned):
        search.packed = replace(packed, value=value, chosen=chosen, assigned=assigned)


def _without(ruled: Ruled, kept: Positions, assigned: Positions, site: int) -> Positions | None:
    """Return the assignment with the demand of a site moved where it pays no more; or None."""
    packing, moved = ruled.packing, assigned.copy()
    rows = np.flatnonzero(assigned == site)
    room = packing.capacity * FITS - np.bincount(
        assigned, weights=packing.load, minlength=len(packing.capacity)
    )
    for row in rows[np.argsort(-packing.load[rows], kind="stable")].tolist():
        able: Flags = (packing.cost[row, kept] <= packing.cost[row, site]) & (
            room[kept] >= packing.load[row]
        )
        dearer = ruled.further[:, row, kept] > ruled.further[:, row, [site]]
        able &= ~dearer.any(axis=0)
        if not able.any():
            return None
        best = kept[np.flatnonzero(able)[packing.cost[row, kept][able].argmin()]]
        moved[row] = best
        room[best] -= packing.load[row]
    return moved
