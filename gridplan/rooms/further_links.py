"""The best mix of measures over many links: exchanged by ones and twos, with a bound."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace

import numpy as np

from gridplan.rooms.link_tolls import LinkedMix, rooms_beside, toll_bound, worth_of_money
from gridplan.rooms.measures import Links, Mix, best_mix, mix_value
from gridplan.siting.search import (
    PROVEN_GAP,
    Effort,
    OutOfEffortError,
    StoppedBy,
    relative_gap,
)

# Links of which pairs are looked at, and sets of links for which rooms are chosen anew.
_PROMISING, _TRIED = 12, 10
_MONEY = 1e-9
_SAME = 1e-9


def best_linked_mix(linked: LinkedMix, *, tried: int, start: Mix) -> Mix:
    """
    Return the best mix that is found over many links, with a bound that holds for all of them.

    The first links are tried in all combinations (`best_mix`). From rooms alone on, and from the
    best of these combinations if it is better, one link is taken out or none, and none, one or two
    are put in, for which the rooms are chosen anew, as long as that helps: of all such sets those
    first that promise most with the rooms as they are, money at what it is worth. The bound is
    the better one of `toll_bound` and, for plans that use further links, of all links open for
    nothing.

    Parameters
    ----------
    linked : LinkedMix
        With all links; each within the budget.
    tried : int
        How many of the first links are tried in all combinations.
    start : Mix
        The best rooms alone.

    Examples
    --------
    Only the first gate is tried in all combinations. The budget pays for both, which is found,
    and proven:

    >>> import pandas as pd
    >>> from gridplan.access import AddedLinks
    >>> from gridplan.rooms.measures import MixQuestion, rooms_alone
    >>> from gridplan.rooms.question import make_question
    >>> from gridplan.siting import RoomProblem
    >>> today, far = np.array([[900.0], [900.0]]), np.inf
    >>> added = AddedLinks(np.array([[100.0, far], [far, 100.0]]), np.array([[100.0, 100.0]]),
    ...                    np.array([[0.0, far], [far, 0.0]]))
    >>> rooms = RoomProblem(today, ["a", "b"], ["k"], np.ones(2), [])
    >>> question = make_question(rooms, pd.Series(dtype=float), norm_m=500.0)
    >>> asked = MixQuestion(question, (10.0, 10.0), lambda one: added.walks(today, one), 20.0)
    >>> mix = best_linked_mix(LinkedMix(asked, added), tried=1, start=rooms_alone(asked))
    >>> mix.links, mix.objective, mix.bound, mix.status
    ((0, 1), 400.0, 400.0, 'proven')
    """
    asked = linked.asked
    few = replace(asked, link_cost=asked.link_cost[:tried])
    if tried == len(asked.link_cost) or math.isinf(start.objective):
        return best_mix(few, start=start if math.isfinite(start.objective) else None)
    search, bound = _Exchange(linked, Effort(asked.question.limits), start), 0.0
    found, stopped_by = start, start.stopped_by
    try:
        worth = worth_of_money(asked, search.effort)
        search.run(worth)
        # Nothing is looked for among the few that is not better than what is known.
        found = _heeded(best_mix(few, start=replace(search.best, rooms=(), links=())))
        stopped_by = found.stopped_by
        if found.objective < search.best.objective:
            search.best = found
            search.run(worth)
        bound = _free_bound(linked, search.effort)
        paid, ended = toll_bound(linked, search.best, worth=worth, effort=search.effort)
        bound, stopped_by = max(min(bound, found.bound), paid), stopped_by or ended
    except OutOfEffortError as stop:
        stopped_by = stop.reason
        bound = min(bound, found.bound)
    bound = max(bound, _least_walk(linked))
    return _told(search.best, bound, stopped_by, found.nodes)


def _heeded(found: Mix) -> Mix:
    if found.stopped_by == "interrupt":
        raise OutOfEffortError(found.stopped_by)
    return found


def _least_walk(linked: LinkedMix) -> float:
    """Return the resident-metres with all rooms and links there may be."""
    question = linked.asked.with_links(tuple(range(len(linked.asked.link_cost))))
    return mix_value(question, question.names(question.free))


def _told(best: Mix, bound: float, stopped_by: StoppedBy | None, nodes: int) -> Mix:
    bound = min(bound, best.objective)
    gap = relative_gap(best.objective, bound)
    proven = gap <= PROVEN_GAP
    return replace(
        best,
        bound=bound,
        gap=gap,
        status="proven" if proven else "gap",
        stopped_by=None if proven else stopped_by,
        nodes=nodes,
    )


def _free_bound(linked: LinkedMix, effort: Effort) -> float:
    """Return a bound of plans with a link that is not among the few: all are open for nothing."""
    asked = linked.asked
    every = tuple(range(len(asked.link_cost)))
    money = asked.budget - min(asked.link_cost)
    plan = rooms_beside(effort, asked.with_links(every), money)
    effort.spend(plan.work + 1.0)
    # Without a plan the rooms that have to be opened leave no money for any link.
    return plan.bound


@dataclass
class _Exchange:
    linked: LinkedMix
    effort: Effort
    best: Mix
    seen: set[Links] = field(default_factory=set)

    def run(self, worth: float) -> None:
        """Exchange links as long as a set that promises much keeps it."""
        self.seen.add(self.best.links)
        better = True
        while better:
            promising = [one for one in self._promising(worth) if one not in self.seen]
            better = False
            for links in promising[:_TRIED]:
                better |= self._tried(links)
        self._without_needless()

    def _tried(self, links: Links) -> bool:
        """Choose the rooms beside some links; return whether that is the best mix so far."""
        asked = self.linked.asked
        self.seen.add(links)
        money = asked.budget - math.fsum(asked.link_cost[one] for one in links)
        question = asked.with_links(links)
        plan = rooms_beside(self.effort, question, max(money, 0.0))
        rooms = tuple(sorted(str(one) for one in plan.sites if one in question.candidates))
        value = mix_value(question, rooms) if plan.sites else math.inf
        better = value < self.best.objective * (1.0 - _SAME)
        if better:
            self.best = self._mix(rooms, links, value)
        self.effort.spend(plan.work + 1.0)
        return better

    def _mix(self, rooms: tuple[str, ...], links: Links, value: float) -> Mix:
        cost = self.linked.asked.cost(rooms, links)
        return replace(self.best, rooms=rooms, links=links, cost=cost, objective=value)

    def _promising(self, worth: float) -> list[Links]:
        """Return sets of links near those of the best mix, those that promise most first."""
        asked, best, cost = self.linked.asked, self.best, self.linked.cost
        question = asked.question
        opened = np.sort(np.concatenate([question.fixed, question.at(best.rooms)]))
        sets: dict[Links, float] = {}
        for dropped in ((), *((one,) for one in best.links)):
            kept = tuple(one for one in best.links if one not in dropped)
            walks, less = self.linked.saved(opened, kept)
            paid = math.fsum(cost[list(kept)])
            may = [
                one
                for one in range(len(cost))
                if one not in kept and paid + cost[one] <= asked.budget * (1.0 + _MONEY)
            ]
            worths = question.counted @ less - worth * cost
            may = sorted(may, key=lambda one: (-worths[one], one))[:_PROMISING]
            whole = math.fsum(walks * question.counted) + worth * paid
            for size in range(3):
                for more in itertools.combinations(may, size):
                    price = math.fsum(cost[list(more)])
                    if paid + price > asked.budget * (1.0 + _MONEY):
                        continue
                    saved = question.counted @ less[:, list(more)].max(axis=1, initial=0.0)
                    key = tuple(sorted((*kept, *more)))
                    promise = whole - float(saved) + worth * price
                    sets[key] = min(promise, sets.get(key, math.inf))
        return sorted(sets, key=lambda one: (sets[one], one))

    def _without_needless(self) -> None:
        """Take out links without which the mix is as good, the dearest first."""
        asked = self.linked.asked
        for link in sorted(self.best.links, key=lambda one: (-asked.link_cost[one], one)):
            fewer = tuple(one for one in self.best.links if one != link)
            value = mix_value(asked.with_links(fewer), self.best.rooms)
            if value <= self.best.objective:
                self.best = self._mix(self.best.rooms, fewer, value)
