"""Measures of several kinds in one plan: which rooms, gates and bridges for a budget."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from gridplan.rooms.question import NO_WAY_M, Floats, RoomQuestion
from gridplan.siting import Limits, p_median
from gridplan.siting.result import Siting, Status
from gridplan.siting.search import (
    PROVEN_GAP,
    Effort,
    OutOfEffortError,
    StoppedBy,
    relative_gap,
)

_NOWHERE = "\uffff"
"""Stands for no place at all, at the walk of `NO_WAY_M`; sorts behind all ids."""

_MONEY = 1e-9
_SAME = 1e-9
_NEEDLESS = 1e-12
_LEAST_S = 0.01
# Money that is left is told in steps of the budget halved so often.
_PURSES = 10

Links = tuple[int, ...]
Walks = Callable[[Links], Floats]
"""Metres of all homes to all sites with some links added."""


@dataclass(frozen=True)
class MixQuestion:
    """
    Rooms and links that may be paid for, and how far everybody walks with them.

    Attributes
    ----------
    question : RoomQuestion
        Its `cost` is what a site costs; one without a cost is not bought.
    link_cost : sequence of float
        Yuan of each link.
    walks : callable
        Metres, shape (n_demand, n_sites) of the question, with a tuple of links added.
    budget : float
        Yuan for rooms and links together.
    """

    question: RoomQuestion
    link_cost: Sequence[float]
    walks: Walks
    budget: float

    def with_links(self, links: Links) -> RoomQuestion:
        """Return the question with some links added."""
        return replace(self.question, metres=self.walks(links)) if links else self.question

    def cost(self, rooms: Collection[str], links: Links) -> float:
        """Return what a plan costs."""
        own = [self.link_cost[one] for one in links]
        return math.fsum([self.question.cost_of(rooms), *own])


@dataclass(frozen=True, slots=True)
class Mix:
    """
    A plan of rooms and links.

    Attributes
    ----------
    rooms : tuple of str
        New rooms, required ones included.
    links : tuple of int
    cost : float
        Yuan.
    objective, bound : float
        Resident-metres (each home by what it counts), and what no plan within the budget can
        be below; whoever reaches nothing counts with `NO_WAY_M`, so that reaching somebody
        comes first. ``inf`` without a plan.
    gap : float
    status : {"proven", "gap", "infeasible", "stopped"}
    stopped_by : {None, "work", "time", "key", "interrupt"}
    nodes : int
        Sets of links that were looked at.
    """

    rooms: tuple[str, ...]
    links: Links
    cost: float
    objective: float
    bound: float
    gap: float
    status: Status
    stopped_by: StoppedBy | None
    nodes: int


def rooms_alone(asked: MixQuestion) -> Mix:
    """Return the best plan of rooms alone for the budget."""
    return best_mix(replace(asked, link_cost=()))


def best_mix(asked: MixQuestion, *, start: Mix | None = None) -> Mix:
    r"""
    Return the rooms and links for a budget with which residents walk least in total.

    .. math::
        \min_{S, P} \sum_i w_i \min_{j \in P \cup F} d^S_{ij} \quad \text{s.t.} \quad
        \sum_{l \in S} g_l + \sum_{j \in P} f_j \le B

    Homes count by the weights of the question, and its numbers of rooms by community are kept.
    Branch and bound over the links :math:`S`: at a node some links are taken, some left
    out, the others undecided. Its bound is the p-median under the money left with all
    undecided links open for free; if its plan needs no more of them than the money pays
    for, the node is solved, else it is split on the needed link that saves most [1]_.

    Parameters
    ----------
    asked : MixQuestion
    start : Mix, optional
        A plan within the budget, to begin with.

    Returns
    -------
    Mix

    References
    ----------
    .. [1] Magnanti, T. L. and Wong, R. T. (1984). Network design and transportation
       planning: models and algorithms. *Transportation Science*, 18(1), 1-55.
       https://doi.org/10.1287/trsc.18.1.1

    Examples
    --------
    A gate for 10 brings the three homes behind the wall to the committee, which a room
    for 30 would do, too; for 10 only the gate can be paid.

    >>> from gridplan.rooms.question import make_question
    >>> from gridplan.siting import RoomProblem
    >>> today = np.array([[900.0, 100.0]] * 3)
    >>> rooms = RoomProblem(today, ["a", "b", "c"], ["k", "r"], np.ones(3), ["r"])
    >>> question = make_question(rooms, pd.Series({"r": 30.0}), norm_m=500.0)
    >>> walks = lambda links: np.array([[200.0, 100.0]] * 3) if links else today
    >>> [best_mix(MixQuestion(question, (10.0,), walks, money)).objective
    ...  for money in (5.0, 10.0, 30.0)]
    [2700.0, 600.0, 300.0]
    """
    search = _Search(asked, Effort(asked.question.limits))
    stopped_by: StoppedBy | None = None
    if start is not None:
        search.offer(start.rooms, start.links, start.objective)
    try:
        search.run()
    except OutOfEffortError as stop:
        stopped_by = stop.reason
    return search.result(stopped_by)


@dataclass(order=True, frozen=True)
class _Node:
    bound: float
    number: int
    taken: Links = field(compare=False)
    undecided: Links = field(compare=False)


@dataclass
class _Search:
    asked: MixQuestion
    effort: Effort
    value: float = math.inf
    rooms: tuple[str, ...] = ()
    links: Links = ()
    heap: list[_Node] = field(default_factory=list)
    solved: float = math.inf
    nodes: int = 0
    stop: OutOfEffortError | None = None

    def offer(self, rooms: Collection[str], links: Links, value: float) -> None:
        """Keep a plan within the budget if it is better than the best."""
        if value < self.value:
            self.value, self.rooms, self.links = value, tuple(sorted(rooms)), tuple(sorted(links))

    def run(self) -> None:
        """Search the tree, best bound first."""
        everything = tuple(range(len(self.asked.link_cost)))
        self.heap = [_Node(0.0, 0, (), everything)]
        while self.heap and self.heap[0].bound < self.value * (1.0 - _SAME):
            if self.stop is not None:
                raise self.stop
            node = heapq.heappop(self.heap)
            try:
                self._visit(node)
            except OutOfEffortError:
                heapq.heappush(self.heap, node)
                raise

    def _visit(self, node: _Node) -> None:
        asked = self.asked
        money = asked.budget - math.fsum(asked.link_cost[one] for one in node.taken)
        undecided = tuple(
            one for one in node.undecided if asked.link_cost[one] <= money + _MONEY * asked.budget
        )
        open_links = tuple(sorted((*node.taken, *undecided)))
        found = self._rooms(open_links, money)
        self.nodes += 1
        if found.status == "infeasible":
            return
        bound = max(node.bound, found.bound)
        if bound >= self.value * (1.0 - _SAME):
            self.solved = min(self.solved, bound)
            return
        if not found.sites:
            # Stopped before any plan: only the limits end a search so.
            reason: StoppedBy = found.stopped_by or "work"
            raise OutOfEffortError(reason)
        rooms = tuple(str(one) for one in found.sites if one in asked.question.candidates)
        needed, losses = self._needed(rooms, node.taken, undecided)
        value = self._value(rooms, (*node.taken, *needed))
        spent = math.fsum([asked.question.cost_of(rooms), *(asked.link_cost[at] for at in needed)])
        if spent <= money + _MONEY * asked.budget:
            self.offer(rooms, (*node.taken, *needed), value)
            # With a gap of its own, the node's bound is all that is known of it.
            self.solved = min(self.solved, bound)
            return
        self.offer(rooms, node.taken, self._value(rooms, node.taken))
        split = max(needed, key=lambda one: (losses[one], -one))
        rest = tuple(one for one in undecided if one != split)
        self._push(bound, (*node.taken, split), rest)
        self._push(bound, node.taken, rest)

    def _push(self, bound: float, taken: Links, undecided: Links) -> None:
        number = 2 * self.nodes + (len(taken) % 2)
        heapq.heappush(self.heap, _Node(bound, number, tuple(sorted(taken)), undecided))

    def _needed(
        self, rooms: tuple[str, ...], taken: Links, undecided: Links
    ) -> tuple[Links, Mapping[int, float]]:
        """Return the undecided links without which a plan would be worse, and by how much."""
        kept = list(undecided)
        whole = self._value(rooms, (*taken, *kept))
        losses: dict[int, float] = {}
        for link in sorted(undecided, key=lambda one: (-self.asked.link_cost[one], one)):
            fewer = tuple(one for one in kept if one != link)
            losses[link] = self._value(rooms, (*taken, *fewer)) - whole
            if losses[link] <= _NEEDLESS * whole:
                kept.remove(link)
        return tuple(kept), losses

    def _value(self, rooms: Collection[str], links: Links) -> float:
        question = self.asked.with_links(tuple(sorted(links)))
        return mix_value(question, rooms)

    def _rooms(self, links: Links, money: float) -> Siting:
        """Return the best rooms for some money with some links, in what is left of the limits."""
        found = affordable_rooms(self.asked.with_links(links), money, limits_left(self.effort))
        if found.stopped_by == "interrupt":
            raise OutOfEffortError(found.stopped_by)
        try:
            self.effort.spend(found.work + 1.0)
        except OutOfEffortError as stop:
            # What was found is used first.
            self.stop = stop
        return found

    def result(self, stopped_by: StoppedBy | None) -> Mix:
        """Return what was found."""
        bound = min([self.value, self.solved, *(one.bound for one in self.heap)])
        if math.isinf(self.value):
            status: Status = "stopped" if stopped_by else "infeasible"
            low = bound if stopped_by else math.inf
            return Mix((), (), 0.0, math.inf, low, math.inf, status, stopped_by, self.nodes)
        gap = relative_gap(self.value, bound)
        proven = gap <= PROVEN_GAP
        return Mix(
            rooms=self.rooms,
            links=self.links,
            cost=self.asked.cost(self.rooms, self.links),
            objective=self.value,
            bound=bound,
            gap=gap,
            status="proven" if proven else "gap",
            stopped_by=None if proven else stopped_by,
            nodes=self.nodes,
        )


def mix_value(question: RoomQuestion, rooms: Collection[str]) -> float:
    """
    Return the resident-metres with some new rooms; `NO_WAY_M` for who reaches nothing.

    Each home by what it counts in where rooms go.
    """
    opened = np.concatenate([question.fixed, question.at(rooms)])
    metres = np.minimum(question.nearest_m(opened), NO_WAY_M)
    return math.fsum(metres * question.counted)


def limits_left(effort: Effort) -> Limits:
    """Return what is left of the limits for one search of several."""
    limits = effort.limits
    left = max(1, int(limits.work - effort.work))
    time_s = limits.time_s
    if time_s is not None:
        time_s = max(_LEAST_S, time_s - effort.seconds)
    return replace(limits, work=left, time_s=time_s)


def affordable_rooms(
    question: RoomQuestion, money: float, limits: Limits, *, worth: float = 0.0
) -> Siting:
    """
    Return the rooms for some money with which residents walk least in total.

    Numbers of rooms by community are kept, and each home has its weight.

    Parameters
    ----------
    worth : float
        Resident-metres that each yuan of the money is worth. Above 0 the bound is that of the
        walk and what the money spent is worth together, and so is the objective, rounded down by
        no more than a thousandth of all the money.
    """
    cost = question.cost
    priced = [
        one
        for one in question.names(question.free)
        if one in question.required or cost[one] <= money + _MONEY * max(1.0, money)
    ]
    fixed = question.names(question.fixed)
    required = question.names(question.at(question.required))
    if math.fsum(cost[list(required)]) > money + _MONEY * max(1.0, money):
        return _no_plan(question)
    if not _may_keep_counts(question, held=[*fixed, *required], offered=[*fixed, *priced]):
        return _no_plan(question)
    columns = question.at([*fixed, *priced])
    rows = question.counted > 0
    walks = pd.DataFrame(
        np.minimum(question.metres[np.ix_(rows, columns)], NO_WAY_M),
        index=[one for one, kept in zip(question.demand_ids, rows, strict=True) if kept],
        columns=list(question.names(columns)),
    ).assign(**{_NOWHERE: NO_WAY_M})
    prices: dict[Hashable, float] = {one: float(cost[one]) for one in priced}
    weights = pd.Series(question.counted[rows], index=walks.index)
    if worth > 0:
        walks, weights = _with_purses(walks, weights, prices, money, worth)
    return p_median(
        walks,
        weights,
        rules=replace(
            question.counts.rules(question.names(columns)),
            fixed=[*fixed, _NOWHERE],
            required=required,
            cost_of={**prices, _NOWHERE: 0.0},
            budget=max(money, 0.0),
        ),
        limits=limits,
    )


def _with_purses(
    walks: pd.DataFrame,
    weights: pd.Series,
    prices: dict[Hashable, float],
    money: float,
    worth: float,
) -> tuple[pd.DataFrame, pd.Series]:
    """
    Return walks and weights with sites that keep money, each twice as much as the one before.

    Each has a home of its own, which pays the worth of the money unless it is kept. All of them
    keep the money but for the least part of it, so that what is paid is never more than what the
    rooms cost is worth.
    """
    sizes = money / 2**_PURSES * 2.0 ** np.arange(_PURSES)
    names = [f"{_NOWHERE}{part:02d}" for part in range(len(sizes))]
    prices |= dict(zip(names, sizes.tolist(), strict=True))
    own = np.full((len(sizes), len(sizes)), np.inf)
    np.fill_diagonal(own, 0.0)
    wide = walks.assign(**dict.fromkeys(names, np.inf))
    purses = pd.DataFrame(np.inf, index=names, columns=wide.columns)
    purses[names] = own
    purses[_NOWHERE] = worth * sizes
    more = pd.Series(1.0, index=names)
    return pd.concat([wide, purses]), pd.concat([weights, more])


def _may_keep_counts(
    question: RoomQuestion, *, held: Sequence[str], offered: Sequence[str]
) -> bool:
    """Whether each community has enough sites that can be paid for, and not too many rooms."""
    counts = question.counts
    now, most = (
        Counter(counts.community_of[one] for one in sites if one in counts.community_of)
        for sites in (held, offered)
    )
    enough = all(most[name] >= least for name, least in counts.at_least.items())
    return enough and all(now[name] <= limit for name, limit in counts.at_most.items())


def _no_plan(question: RoomQuestion) -> Siting:
    nothing = pd.Series([None] * len(question.demand_ids), index=list(question.demand_ids))
    return Siting(
        sites=(),
        assignment=nothing,
        objective=math.inf,
        bound=math.inf,
        gap=math.inf,
        status="infeasible",
        stopped_by=None,
        seconds=0.0,
        work=0.0,
        unreachable=(),
    )
