"""What no mix of rooms and links can be below: everybody pays a part of the links he takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridplan.access import AddedLinks
from gridplan.rooms.measures import (
    Links,
    Mix,
    MixQuestion,
    affordable_rooms,
    limits_left,
)
from gridplan.rooms.question import NO_WAY_M, Flags, Floats, Positions, RoomQuestion
from gridplan.siting.result import Siting
from gridplan.siting.search import Effort, OutOfEffortError, StoppedBy

# Steps towards better tolls, and what each is shorter by than the one before.
_STEPS, _LENGTH = 16, 0.97
# By what share the worth of money moves at first, and what each later move is smaller by.
_MONEY_STEP, _MONEY_SHRINK = 0.03, 0.95
# The worth of money is that of the last fifth.
_LAST_SHARE = 0.2
_SAME_M = 1e-6


@dataclass(frozen=True)
class LinkedMix:
    """
    A question of rooms and links, and what the links make of all walks.

    Attributes
    ----------
    asked : MixQuestion
    added : AddedLinks
        Its links, in the order of ``asked.link_cost``; ``asked.walks`` are those of them.
    """

    asked: MixQuestion
    added: AddedLinks

    @property
    def cost(self) -> Floats:
        """Yuan of each link."""
        return np.asarray(self.asked.link_cost, dtype=np.float64)

    def saved(self, rooms: Positions, links: Links) -> tuple[Floats, Floats]:
        """
        Return the walks with some places and links open, and what each further link saves.

        Returns
        -------
        walks : float array, shape (n_demand,)
            Metres, at most `NO_WAY_M`.
        saved : float array, shape (n_demand, n_links)
            Metres that each link alone would save beside these.
        """
        question = self.asked.with_links(links)
        walks = np.minimum(question.nearest_m(rooms), NO_WAY_M)
        beside = self.added.beside(links)
        over = beside.homes_m + beside.places_m[rooms].min(axis=0, initial=np.inf)
        return walks, np.maximum(walks[:, None] - over, 0.0)


def worth_of_money(asked: MixQuestion, effort: Effort) -> float:
    """
    Return the resident-metres that a yuan saves at the end of the budget, with rooms alone.

    0 where the last fifth of it is of no use, or the required rooms leave less.
    """
    less = (1.0 - _LAST_SHARE) * asked.budget
    values = []
    for money in (asked.budget, less):
        found = rooms_beside(effort, asked.question, money)
        effort.spend(found.work + 1.0)
        if not found.sites:
            return 0.0
        values.append(found.objective)
    return max(0.0, values[1] - values[0]) / (_LAST_SHARE * asked.budget)


def toll_bound(
    linked: LinkedMix, found: Mix, *, worth: float, effort: Effort
) -> tuple[float, StoppedBy | None]:
    r"""
    Return resident-metres that no plan within the budget can be below, and what ended the search.

    Every home :math:`i` pays a toll :math:`q_{ih}` on a link that it takes, no link takes in
    more than it costs, :math:`\sum_i q_{ih} \le \mu g_h`, and money that is left is worth
    :math:`\mu` a yuan. With the cheapest ways :math:`c_{ij}(q)` over all links and their tolls,

    .. math::
        \min_P \sum_i \min_{j \in P \cup F} c_{ij}(q)
        + \mu \Bigl(\sum_{j \in P} f_j - B\Bigr)

    is a bound, as what is paid in tolls is at most :math:`\mu` times what the links cost: the
    Lagrangian of "no way over a link that is not paid for" and of the budget [1]_. Tolls begin
    with what the links save beside the plan that is known, and are raised where they are too
    low, by steps of the subgradient.

    Parameters
    ----------
    found : Mix
        A plan within the budget.
    worth : float
        The first :math:`\mu`, in resident-metres a yuan.
    effort : Effort

    References
    ----------
    .. [1] Geoffrion, A. M. (1974). Lagrangean relaxation for integer programming.
       *Mathematical Programming Study*, 2, 82-114. https://doi.org/10.1007/BFb0120690

    Examples
    --------
    Two homes, each with a gate for 10 that saves 700 m; 15 pays for one of them alone. Both
    gates for nothing would leave 400.

    >>> import pandas as pd
    >>> from gridplan.rooms.measures import best_mix
    >>> from gridplan.rooms.question import make_question
    >>> from gridplan.siting import Limits, RoomProblem
    >>> today, far = np.array([[900.0], [900.0]]), np.inf
    >>> added = AddedLinks(np.array([[100.0, far], [far, 100.0]]), np.array([[100.0, 100.0]]),
    ...                    np.array([[0.0, far], [far, 0.0]]))
    >>> rooms = RoomProblem(today, ["a", "b"], ["k"], np.ones(2), [])
    >>> question = make_question(rooms, pd.Series(dtype=float), norm_m=500.0)
    >>> asked = MixQuestion(question, (10.0, 10.0), lambda one: added.walks(today, one), 15.0)
    >>> mix = best_mix(asked)
    >>> bound, _ = toll_bound(LinkedMix(asked, added), mix, worth=70.0, effort=Effort(Limits()))
    >>> mix.objective, 700 < bound < 750
    (1100.0, True)
    """
    search = _Raising(linked, found, _Dual.of(linked, found, worth), effort)
    try:
        search.run()
    except OutOfEffortError as stop:
        return search.bound, stop.reason
    return search.bound, None


def rooms_beside(
    effort: Effort, question: RoomQuestion, money: float, *, worth: float = 0.0
) -> Siting:
    """
    Return `affordable_rooms` within what is left of the limits; the work is still to be spent.

    Raises
    ------
    OutOfEffortError
        On an interrupt.
    """
    found = affordable_rooms(question, money, limits_left(effort), worth=worth)
    if found.stopped_by == "interrupt":
        raise OutOfEffortError(found.stopped_by)
    return found


@dataclass
class _Raising:
    """Tolls raised step by step, and the best bound that they gave."""

    linked: LinkedMix
    found: Mix
    dual: _Dual
    effort: Effort
    bound: float = 0.0
    steps: int = 0

    def run(self) -> None:
        """Raise the tolls until the plan that is known is proven, or for some steps."""
        while self.steps < _STEPS and self._raised():
            self.steps += 1

    def _raised(self) -> bool:
        """Look at the tolls as they are, and raise them; return whether that may help."""
        asked, dual = self.linked.asked, self.dual
        walks, ways = dual.tolled()
        question = replace(asked.question, metres=walks)
        plan = rooms_beside(self.effort, question, asked.budget, worth=dual.worth)
        if not plan.sites:
            return False
        value = plan.bound - dual.worth * asked.budget
        self.bound = max(self.bound, value)
        self.effort.spend(plan.work + 1.0)
        rooms = [str(one) for one in plan.sites if one in question.candidates]
        taken = dual.taken(ways, np.concatenate([question.fixed, question.at(rooms)]))
        # Better tolls make ways longer, until they cost as much as the plan that is known.
        missing = self.found.objective - value
        if missing <= 0 or dual.worth <= 0 or not taken.any():
            return False
        # Whoever would pay more than there is takes money for worth too little.
        paid = question.cost_of(rooms) + float(dual.tolls[taken].sum()) / dual.worth
        by = _LENGTH**self.steps * missing / float(taken.sum())
        more = _MONEY_STEP * _MONEY_SHRINK**self.steps * float(np.sign(paid - asked.budget))
        self.dual = dual.raised(taken, by).at_worth(1.0 + more)
        return True


@dataclass(frozen=True)
class _Dual:
    """
    Tolls in resident-metres, shape (n_demand, n_links), and the worth of money.

    `limit_m`: walks without any link or new room, beyond which no way is of use.
    """

    linked: LinkedMix
    tolls: Floats
    worth: float
    limit_m: Floats

    @classmethod
    def of(cls, linked: LinkedMix, found: Mix, worth: float) -> _Dual:
        question = linked.asked.question
        rooms = np.sort(np.concatenate([question.fixed, question.at(found.rooms)]))
        # Of a link of the plan, what it saves beside the others.
        beside = [(), found.links, *(_without(found.links, one) for one in found.links)]
        savings = np.zeros((len(question.counted), len(linked.cost)))
        for links in beside:
            less = linked.saved(rooms, links)[1] * question.counted[:, None]
            np.maximum(savings, less, out=savings)
        limit_m = np.minimum(question.nearest_m(question.fixed), NO_WAY_M)
        most = worth * linked.cost
        whole = np.maximum(savings.sum(axis=0), most)
        share = np.divide(most, whole, out=np.zeros_like(most), where=whole > 0)
        return cls(linked, savings * share, worth, limit_m)

    @property
    def each_m(self) -> Floats:
        """Tolls in metres for each resident; none for homes that do not count."""
        counted = self.linked.asked.question.counted[:, None]
        return np.divide(self.tolls, counted, out=np.zeros_like(self.tolls), where=counted > 0)

    def tolled(self) -> tuple[Floats, Floats]:
        """Return the walks to all sites, tolls included, and those to beyond each link."""
        added, each_m = self.linked.added, self.each_m
        ways = self._useful(added.homes_m + each_m)
        changed = True
        while changed:
            changed, before = False, ways.copy()
            for link in range(len(added)):
                rows = np.flatnonzero(np.isfinite(before[:, link]))
                on = before[rows, link][:, None] + added.links_m[link][None, :] + each_m[rows]
                on = self._useful(on, rows)
                shorter = on < ways[rows]
                if shorter.any():
                    changed = True
                    ways[rows] = np.where(shorter, on, ways[rows])
        walks = self.linked.asked.question.metres.copy()
        for link in range(len(added)):
            rows = np.flatnonzero(np.isfinite(ways[:, link]))
            beyond = ways[rows, link][:, None] + added.places_m[:, link][None, :]
            walks[rows] = np.minimum(walks[rows], beyond)
        return walks, ways

    def _useful(self, ways: Floats, rows: Positions | None = None) -> Floats:
        limit_m = self.limit_m if rows is None else self.limit_m[rows]
        return np.where(ways < limit_m[:, None], ways, np.inf)

    def taken(self, ways: Floats, opened: Positions) -> Flags:
        """Return the links that each home takes to the nearest of some places."""
        added, question, each_m = self.linked.added, self.linked.asked.question, self.each_m
        beyond = ways + added.places_m[opened].min(axis=0, initial=np.inf)
        direct = np.minimum(question.nearest_m(opened), NO_WAY_M)
        taken: Flags = np.zeros(ways.shape, dtype=np.bool_)
        if not taken.size:
            return taken
        last = beyond.argmin(axis=1)
        rows = np.flatnonzero((beyond.min(axis=1) < direct - _SAME_M) & (question.counted > 0))
        at = last[rows]
        while len(rows):
            taken[rows, at] = True
            own = added.homes_m[rows, at] + each_m[rows, at]
            # Back along the way, to the link that was taken before; none is taken twice.
            earlier = ways[rows] + added.links_m[:, at].T + each_m[rows, at][:, None]
            earlier[taken[rows]] = np.inf
            on = earlier.min(axis=1) < own - _SAME_M
            rows, at = rows[on], earlier[on].argmin(axis=1)
        return taken

    def raised(self, taken: Flags, by: float) -> _Dual:
        """Return higher tolls where links are taken; lower ones of others who share a link."""
        tolls = np.where(taken, self.tolls + by, self.tolls)
        return replace(self, tolls=_within(tolls, self.worth * self.linked.cost))

    def at_worth(self, times: float) -> _Dual:
        """Return the tolls with another worth of money."""
        worth = self.worth * times
        return replace(self, worth=worth, tolls=_within(self.tolls, worth * self.linked.cost))


def _without(links: Links, link: int) -> Links:
    return tuple(one for one in links if one != link)


def _within(tolls: Floats, most: Floats) -> Floats:
    """Return the nearest tolls of which no column sums to more than it may."""
    found = np.maximum(tolls, 0.0)
    for link in np.flatnonzero(found.sum(axis=0) > most):
        falling = np.sort(found[:, link])[::-1]
        over = np.cumsum(falling) - most[link]
        kept = np.flatnonzero(falling * np.arange(1, len(falling) + 1) > over)
        count = int(kept[-1]) + 1 if len(kept) else 1
        found[:, link] = np.maximum(found[:, link] - over[count - 1] / count, 0.0)
        # Rounding must not leave more than a link may take in.
        total = float(found[:, link].sum())
        found[:, link] *= min(1.0, most[link] / total) if total > 0 else 0.0
    return found
