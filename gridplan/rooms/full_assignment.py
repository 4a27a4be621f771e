"""Whom each of some open places is given where none may hold more households than it can."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.rooms.full_exchange import exchanged
from gridplan.rooms.question import Flags, Floats, Positions, RoomQuestion
from gridplan.rooms.searches import heeded
from gridplan.rooms.space_needs import left_over
from gridplan.siting import Rules, Siting, p_median
from gridplan.siting.result import Status

_PAIR_STEPS = 3e9
"""Pairs of home and place that all assignments of a table may look at, together."""

_MOST_STEPS, _LEAST_STEPS = 300, 2
# An exchange looks at about as many pairs as so many steps.
_EXCHANGE_STEPS = 3
_PATIENCE = 8
_LEAST_STRIDE = 1e-4
# A first step goes for this share of the value, as long as no plan is known.
_HOPE = 0.01
_MEND_EVERY = 4
_SHIFTS = 5

_CORE_HOMES, _CORE_HOMES_UNPLANNED = 60, 300
"""Homes that bounds leave open, up to which the solver has them: with a plan, and without."""
_CORE_WORK = 2_000
# Sums of capacities that are enough but for rounding.
_FITS = 1.0 + 1e-9
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Assignment:
    """
    Homes given to places that are all open.

    Attributes
    ----------
    given : int array, shape (n_demand,)
        Position of the place, -1 for none.
    objective, bound : float
        Metres times what each home counts, of this assignment and of the best one at least;
        both ``inf`` where there is none.
    status : {"proven", "gap", "infeasible", "stopped"}
    over : float
        Households that no assignment has room for, at least; 0 where none is known of.
    prices : float array, shape (n_places,)
        Of a household in each place, with which the bound was found.
    """

    given: Positions
    objective: float
    bound: float
    status: Status
    over: float
    prices: Floats

    @property
    def planned(self) -> bool:
        """Everybody who reaches a place is given one."""
        return self.status in {"proven", "gap"}


@dataclass(frozen=True, eq=False)
class _Homes:
    """Homes that have to be given a place each, on their own scale: rows and columns of pairs."""

    cost: Floats
    load: Floats
    holds: Floats

    def carried(self, goes: Positions) -> Floats:
        return np.bincount(goes, self.load, minlength=len(self.holds)).astype(np.float64)

    def total(self, goes: Positions) -> float:
        return math.fsum(self.cost[np.arange(len(goes)), goes])


@dataclass(frozen=True, eq=False)
class _Ended:
    """What a search came to: the place of each home, if there is a plan, its value, the bound."""

    goes: Positions | None
    value: float
    bound: float


_NOTHING = _Ended(None, math.inf, math.inf)
"""It is proven that there is no plan."""


class FullPlaces:
    r"""
    Gives homes to open places so that the weighted walk is least and none is overfull.

    Lower bounds are those of the Lagrangian relaxation of the capacities [1]_: with a price
    :math:`\lambda_j \ge 0` of a household in place :math:`j`,

    .. math::
        \sum_i \min_j (w_i d_{ij} + \lambda_j q_i) - \sum_j \lambda_j Q_j,

    the prices by subgradient steps [2]_. Plans come from the same minima, homes moved on from
    where there are too many. What the bound leaves open goes to `p_median`, if that is little.

    References
    ----------
    .. [1] Fisher, M. L., Jaikumar, R. and Van Wassenhove, L. N. (1986). A multiplier adjustment
       method for the generalized assignment problem. *Management Science*, 32(9), 1095-1103.
       https://doi.org/10.1287/mnsc.32.9.1095
    .. [2] Held, M., Wolfe, P. and Crowder, H. P. (1974). Validation of subgradient optimization.
       *Mathematical Programming*, 6, 62-88. https://doi.org/10.1007/BF01580223
    """

    def __init__(self, question: RoomQuestion, served: Flags, *, searches: int) -> None:
        """
        Take the homes that are to be served, and how many assignments are wanted in all.

        Parameters
        ----------
        question : RoomQuestion
            With its floor areas.
        served : bool array, shape (n_demand,)
        searches : int
            Among which the counted work is shared out.
        """
        if question.space is None:
            msg = "hard capacity needs floor areas"
            raise ValueError(msg)
        self.question, self.served, self.searches = question, served, searches
        self.holds = question.space.holds().to_numpy(dtype=float)
        self.load = question.space.households
        # A home goes to one place as a whole.
        self.fits = self.load[:, None] <= self.holds[None, :] * _FITS
        weighted = question.counted[:, None] * np.where(self.fits, question.metres, 0.0)
        self.cost: Floats = np.where(self.fits & np.isfinite(question.metres), weighted, np.inf)

    def assign(
        self, opened: Positions, prices: Floats | None = None, like: Positions | None = None
    ) -> Assignment:
        """
        Return the best assignment to some places that was found; whoever reaches none has none.

        Parameters
        ----------
        opened : int array
            Positions of the places.
        prices : float array, shape (n_places,), optional
            To begin with.
        like : int array, shape (n_demand,), optional
            Another assignment, which is tried as far as its places are open.
        """
        rows = self._rows(opened)
        homes = _Homes(self.cost[np.ix_(rows, opened)], self.load[rows], self.holds[opened])
        start = np.zeros(len(self.holds)) if prices is None else prices
        if not len(rows):
            return self._made(rows, opened, np.zeros(0, dtype=np.intp), 0.0, start)
        near = homes.cost.argmin(axis=1)
        if np.isfinite(homes.cost.min(axis=1)).all():
            least = homes.total(near)
            if (homes.carried(near) <= homes.holds * _FITS).all():
                return self._made(rows, opened, near, least, start)
        over = left_over(np.isfinite(homes.cost), homes.load, homes.holds)
        if over > 0 or not np.isfinite(homes.cost.min(axis=1)).all():
            return self._none(over, start)
        known = None if like is None else self._on(opened, like[rows])
        return self._searched(homes, rows, opened, (start, known))

    def bounds(self, rest: Positions, offered: Positions, prices: Floats) -> Floats:
        """
        Return what no assignment is better than with each of some sites beside the rest.

        Parameters
        ----------
        rest, offered : int arrays
            Positions.
        prices : float array, shape (n_places,)

        Returns
        -------
        float array, shape (n_offered,)
            ``inf`` where a home fits into none of the places it reaches.
        """
        charge = np.where(np.isfinite(self.holds), prices, 0.0)
        priced = self.cost[:, rest] + self.load[:, None] * charge[rest]
        least = priced.min(axis=1, initial=np.inf)
        paid = float(charge[rest] @ np.where(np.isfinite(self.holds[rest]), self.holds[rest], 0.0))
        reach = np.isfinite(self.question.metres)
        near = reach[:, rest].any(axis=1)
        values = []
        for site in offered:
            rows = self.served & (near | reach[:, site])
            values.append(float(np.minimum(least, self.cost[:, site])[rows].sum()) - paid)
        return np.array(values)

    def useful(self, sites: Positions) -> Flags:
        """Return which sites have room for a home that reaches them, shape (n_sites,)."""
        lived = self.served & (self.load > 0)
        return np.asarray(np.isfinite(self.cost[np.ix_(lived, sites)]).any(axis=0))

    def _rows(self, opened: Positions) -> Positions:
        return np.flatnonzero(
            self.served & np.isfinite(self.question.metres[:, opened]).any(axis=1)
        )

    def _on(self, opened: Positions, given: Positions) -> Positions:
        """Return positions of places as those among the open ones, -1 for all others."""
        at = np.full(len(self.holds) + 1, -1, dtype=np.intp)
        at[opened] = np.arange(len(opened))
        return at[given]

    def _searched(
        self,
        homes: _Homes,
        rows: Positions,
        opened: Positions,
        begin: tuple[Floats, Positions | None],
    ) -> Assignment:
        start, known = begin
        steps = _PAIR_STEPS / (max(1, self.searches) * homes.cost.size)
        dual = _Dual(homes, start[opened])
        dual.take(known)
        counted = int(min(_MOST_STEPS, max(_LEAST_STEPS, steps)))
        dual.climb(counted)
        dual.exchange(counted // _EXCHANGE_STEPS)
        ended = _Ended(dual.plan, dual.value, dual.bound)
        if not dual.settled:
            ended = self._finished(dual)
        prices = start.copy()
        prices[opened] = dual.prices
        if ended.goes is not None:
            return self._made(rows, opened, ended.goes, ended.bound, prices)
        none = self._none(0.0, prices)
        if math.isinf(ended.bound):
            return none
        return replace(none, status="stopped", bound=ended.bound)

    def _finished(self, dual: _Dual) -> _Ended:
        """Return how the search ended after the solver had what is still open."""
        homes, begun = dual.homes, _Ended(dual.plan, dual.value, dual.bound)
        keep = dual.open_pairs()
        core = np.flatnonzero(keep.sum(axis=1) > 1)
        if len(core) > (_CORE_HOMES_UNPLANNED if dual.plan is None else _CORE_HOMES):
            return begun
        goes = keep.argmax(axis=1)
        settled = np.setdiff1d(np.arange(len(goes)), core)
        held = np.bincount(goes[settled], homes.load[settled], minlength=len(homes.holds))
        left = np.maximum(homes.holds - held, 0.0)
        over = bool((held > homes.holds * _FITS).any())
        if over or math.fsum(homes.load[core]) > math.fsum(left) * _FITS:
            # Without a plan, homes are settled only where they fit nowhere else.
            return begun if dual.plan is not None else _NOTHING
        if not len(core):
            return _Ended(goes, homes.total(goes), homes.total(goes))
        found = self._solved(homes, core, keep[core], left)
        if not found.sites:
            proven = found.status == "infeasible" and dual.plan is None
            return _NOTHING if proven else begun
        goes[core] = found.assignment.astype(int).to_numpy(dtype=np.intp)
        value = homes.total(goes)
        rest = math.fsum(homes.cost[settled, goes[settled]])
        bound = value if found.status == "proven" else max(dual.bound, rest + found.bound)
        if value <= dual.value:
            return _Ended(goes, value, bound)
        return _Ended(dual.plan, dual.value, min(bound, dual.value))

    def _solved(self, homes: _Homes, core: Positions, keep: Flags, left: Floats) -> Siting:
        """Give some homes what places have left, over the pairs that are still open."""
        ids, places = pd.RangeIndex(len(core)), pd.RangeIndex(len(left))
        limits = self.question.limits
        cost = np.where(keep, homes.cost[core], np.inf)
        return heeded(
            p_median(
                pd.DataFrame(cost, index=ids, columns=places),
                pd.Series(1.0, index=ids),
                p=len(places),
                load=pd.Series(homes.load[core], index=ids),
                capacity=pd.Series(left, index=places),
                rules=Rules(fixed=places.tolist()),
                limits=replace(limits, work=min(limits.work, _CORE_WORK), explain=False),
            )
        )

    def _made(
        self, rows: Positions, opened: Positions, goes: Positions, bound: float, prices: Floats
    ) -> Assignment:
        given = np.full(len(self.served), -1, dtype=np.intp)
        given[rows] = opened[goes]
        value = math.fsum(self.cost[rows, given[rows]])
        proven = value - bound <= _SAME * abs(value)
        status: Status = "proven" if proven else "gap"
        return Assignment(given, value, value if proven else bound, status, 0.0, prices)

    def _none(self, over: float, prices: Floats) -> Assignment:
        nobody = np.full(len(self.served), -1, dtype=np.intp)
        return Assignment(nobody, math.inf, math.inf, "infeasible", over, prices)


class _Dual:
    """Prices of full places, the bound they give, and the plans met on the way."""

    def __init__(self, homes: _Homes, prices: Floats) -> None:
        self.homes = homes
        self.limited = np.isfinite(homes.holds)
        self.holds = np.where(self.limited, homes.holds, 0.0)
        self.prices = np.where(self.limited, prices, 0.0)
        self.bound, self.value = -math.inf, math.inf
        self.plan: Positions | None = None

    def take(self, known: Positions | None) -> None:
        """Offer an assignment, homes without a place (-1) given their cheapest one."""
        if known is not None:
            priced = self._priced(self.prices)
            self._offer(_mended(self.homes, priced, np.where(known >= 0, known, priced.argmin(1))))

    def exchange(self, most: int) -> None:
        """Make the plan better by a number of exchanges at most."""
        if self.plan is not None and not self.settled:
            homes = self.homes
            self._offer(exchanged(homes.cost, homes.load, homes.holds, self.plan, most=most))

    def climb(self, steps: int) -> None:
        """Raise the bound by counted steps, each of which looks at every pair once."""
        prices, stride, idle = self.prices, 1.0, 0
        for step in range(steps):
            priced = self._priced(prices)
            goes = priced.argmin(axis=1)
            value = float(priced[np.arange(len(goes)), goes].sum() - prices @ self.holds)
            if value > self.bound:
                self.bound, self.prices, idle = value, prices, 0
            else:
                idle += 1
            if step % _MEND_EVERY == 0:
                self._offer(_mended(self.homes, priced, goes))
            if self.settled or stride < _LEAST_STRIDE:
                break
            if idle >= _PATIENCE:
                prices, stride, idle = self.prices, 0.5 * stride, 0
                continue
            slope = np.where(self.limited, self.homes.carried(goes) - self.holds, 0.0)
            slope[(prices <= 0) & (slope < 0)] = 0.0
            steep = float(slope @ slope)
            if not steep:
                break
            hope = self.value - value if self.plan is not None else _HOPE * abs(value)
            prices = np.maximum(0.0, prices + stride * max(hope, 0.0) / steep * slope)

    @property
    def settled(self) -> bool:
        """The plan is as good as the bound."""
        return self.plan is not None and self.value - self.bound <= _SAME * abs(self.value)

    def open_pairs(self) -> Flags:
        """Return which pairs some better assignment may have, shape (n_homes, n_places)."""
        priced = self._priced(self.prices)
        if self.plan is None:
            return np.isfinite(priced)
        regret = priced - priced.min(axis=1)[:, None]
        slack = self.value - self.bound + _SAME * abs(self.value)
        keep: Flags = np.isfinite(priced) & (regret <= slack)
        return keep

    def _priced(self, prices: Floats) -> Floats:
        return np.asarray(self.homes.cost + self.homes.load[:, None] * prices)

    def _offer(self, goes: Positions | None) -> None:
        if goes is None:
            return
        value = self.homes.total(goes)
        if value < self.value:
            self.plan, self.value = goes, value


def _mended(homes: _Homes, priced: Floats, goes: Positions) -> Positions | None:
    """Move homes on from overfull places, those first that lose least for each household."""
    goes, held = goes.copy(), homes.carried(goes)
    limits = homes.holds * _FITS
    for place in np.flatnonzero(held > limits):
        own = np.flatnonzero(goes == place)
        others = priced[own].copy()
        others[:, place] = np.inf
        loss = (others.min(axis=1) - priced[own, place]) / np.maximum(homes.load[own], _SAME)
        for home in own[np.argsort(loss, kind="stable")]:
            if held[place] <= limits[place]:
                break
            free = np.where(held + homes.load[home] <= limits, priced[home], np.inf)
            free[place] = np.inf
            to = int(free.argmin())
            if math.isfinite(free[to]):
                _move(homes, goes, held, int(home), to)
        if held[place] > limits[place]:
            return None
    for _ in range(_SHIFTS):
        moves = list(_shorter(homes, goes, held, limits))
        for home, to in moves:
            if held[to] + homes.load[home] <= limits[to]:
                _move(homes, goes, held, home, to)
        if not moves:
            break
    return goes


def _shorter(
    homes: _Homes, goes: Positions, held: Floats, limits: Floats
) -> Iterator[tuple[int, int]]:
    """Yield homes and the places with room for them to which they walk less, most saved first."""
    rows = np.arange(len(goes))
    room = held[None, :] + homes.load[:, None] <= limits[None, :]
    offered = np.where(room, homes.cost, np.inf)
    to = offered.argmin(axis=1)
    saved = homes.cost[rows, goes] - offered[rows, to]
    worth = saved > _SAME * np.maximum(1.0, homes.cost[rows, goes])
    for home in np.argsort(-saved, kind="stable"):
        if not worth[home]:
            continue
        yield int(home), int(to[home])


def _move(homes: _Homes, goes: Positions, held: Floats, home: int, to: int) -> None:
    held[goes[home]] -= homes.load[home]
    held[to] += homes.load[home]
    goes[home] = to
