"""Plans of most coverage: annealed on islands, and merged exactly with what they came from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridplan.siting.cover import Cover, filled, merged, most_model
from gridplan.siting.highs import Options, solve_model
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.problem import Problem
from gridplan.siting.resample import Cooling, Coverage, anneal

# First and last temperatures, as shares of what a site alone covers, on average: which is better
# depends on how much is left uncovered. An island begins with the first.
_HEATS = ((0.04, 0.006), (0.02, 0.004))
# Draws for each open site: of the plan that an island begins with, and of a child.
_DRAWS_AT_FIRST, _DRAWS = 1_000, 300
# Children of a round: with as many sites as their parent, with more or fewer; how many more at
# most, as a share. Merging takes from each where a site more or less makes the best difference.
_CHILDREN = ((0, _HEATS[0]), (1, _HEATS[1]), (0, _HEATS[1]), (-1, _HEATS[1]))
_MOST_MORE = 0.1
# Rounds without a better plan until the island is left; rounds between two looks at the proof.
_PATIENCE, _ROUNDS = 4, 2
# Islands that are kept to merge, and children of an island's last rounds.
_ISLANDS, _PAST = 8, 12
# Work of one merging.
_MERGING = 3_000.0
_WHOLE, _HALF = 1e-6, 0.5
Plan = tuple[float, Positions]
"""What some columns of the cover cover, and the columns."""


@dataclass(frozen=True)
class Task:
    """A covering problem with the cover it was reduced to."""

    problem: Problem
    within: Flags
    cover: Cover
    p: int | None
    ledger: Ledger

    def offer(self, chosen: Positions) -> None:
        """Offer columns of the cover as a plan, filled up to p sites."""
        sites = self.cover.positions(chosen)
        if self.cover.free:
            sites = filled(self.problem, sites, self.p)
        covered = self.within[:, sites].any(axis=1)
        self.ledger.offer(math.fsum(self.problem.weights[covered]), sites)


class Pool:
    """
    Plans that were met; their sites together hold better ones.

    A plan is heated a little again and again, its children are merged with it exactly:
    of what each of them found better somewhere, nothing is lost to what it found worse
    elsewhere, nor that of the last rounds. Where that brings nothing more, another island
    begins, and islands are merged.
    """

    def __init__(self, task: Task, state: Coverage) -> None:
        self._task, self._state = task, state
        self._parent: Plan | None = None
        self._best: Plan | None = None
        self._idea: Plan | None = None
        self._islands: list[Plan] = []
        self._past: list[Plan] = []
        self._idle = 0

    @property
    def best(self) -> Positions | None:
        """Columns of the best plan."""
        return self._best[1] if self._best else None

    def run(self, draws_per_site: int = _DRAWS_AT_FIRST) -> Plan:
        """Anneal once, from where the last run ended."""
        return self._met(self._annealed(draws_per_site, _HEATS[0]))

    @property
    def draws_of_rounds(self) -> int:
        """Draws of `rounds`, about."""
        return _ROUNDS * len(_CHILDREN) * _DRAWS * max(1, int(self._state.open.sum()))

    def rounds(self) -> None:
        """Run as many rounds as are worth it before anybody looks at what they found."""
        for _ in range(_ROUNDS):
            if not self._task.ledger.closed:
                self.round()

    def round(self) -> None:
        """Merge a plan with its children, on the island whose turn it is."""
        self._task.ledger.spend(1.0)
        if self._parent is None:
            self._parent, self._idle = self.run(), 0
        family = [*self._past, *self._children(self._parent)]
        self._past = family[-_PAST:]
        family.append(self._parent)
        if self._idea is not None:
            family.append(self._idea)
            self._idea = None
        child = self._merged(family)
        self._idle = 0 if child[0] > self._parent[0] else self._idle + 1
        self._parent = child
        if self._idle == _PATIENCE:
            self._leave(self._parent)

    def _children(self, parent: Plan) -> list[Plan]:
        """Heat a plan a little, some with more sites than allowed and some with fewer."""
        cover, rng = self._task.cover, self._task.ledger.rng
        children = []
        for way, heats in _CHILDREN:
            self._state.reset(parent[1])
            if way and cover.free and cover.slots is not None:
                most = max(1, int(_MOST_MORE * len(parent[1])))
                self._change(way * int(rng.integers(1, most + 1)))
            chosen = self._annealed(_DRAWS, heats)
            if way and len(chosen) != len(parent[1]):
                children.append((-math.inf, chosen))
            else:
                children.append(self._met(chosen))
        return children

    def _change(self, count: int) -> None:
        """Open the best sites besides, or close those that are missed least."""
        state, covers = self._state, self._task.cover.covers
        for _ in range(abs(count)):
            if count > 0:
                state.add(int(np.where(state.open, -1.0, state.gain).argmax()))
            elif state.open.sum() > 1:
                opened = np.flatnonzero(state.open)
                alone = np.where(state.count == 1, self._task.cover.weights, 0.0)
                state.remove(int(opened[(alone @ covers[:, opened]).argmin()]))

    def _annealed(self, draws_per_site: int, heats: tuple[float, float]) -> Positions:
        slots = int(self._state.open.sum())
        typical = self._state.alone / max(1, slots)
        if typical <= 0:
            return np.flatnonzero(self._state.open)
        hot, cold = heats
        cooling = Cooling(draws_per_site * slots, hot * typical, cold * typical)
        return anneal(self._state, cooling, self._task.ledger)[1]

    def take(self, shares: Floats) -> None:
        """Offer what a relaxation opens, rounded where that keeps all rules."""
        cover = self._task.cover
        chosen = np.flatnonzero(shares > _HALF)
        if cover.free and cover.slots is not None:
            chosen = np.sort(np.argsort(-shares, kind="stable")[: cover.slots])
        elif (np.minimum(shares, 1.0 - shares) > _WHOLE).any():
            return
        self._idea = self._met(chosen)

    def _leave(self, parent: Plan) -> None:
        """Merge the plan of an island with those of others; begin anew if that brings nothing."""
        self._islands = sorted([parent, *self._islands], key=lambda one: -one[0])[:_ISLANDS]
        best = self._merged(self._islands)
        self._parent = best if best[0] > self._islands[0][0] else None
        self._past, self._idle = [], 0
        self._state.reset(parent[1])

    def _met(self, chosen: Positions) -> Plan:
        self._task.offer(chosen)
        plan = self._task.cover.covered(chosen), chosen
        if self._best is None or plan[0] > self._best[0]:
            self._best = plan
        return plan

    def _merged(self, plans: list[Plan]) -> Plan:
        """Solve the problem exactly on the sites of some plans."""
        cover, ledger = self._task.cover, self._task.ledger
        best = max(plans, key=lambda one: one[0])
        columns = np.unique(np.concatenate([one for _, one in plans]))
        part = merged(cover.where(np.ones(len(cover.weights), bool), _flags(columns, cover)))
        start = start_values(part, np.searchsorted(columns, best[1]))
        out = solve_model(most_model(part), ledger, start=start, options=Options(work=_MERGING))
        chosen = out.chosen(len(columns))
        if chosen is not None:
            best = max(best, self._met(columns[chosen]), key=lambda one: one[0])
        ledger.heed(out.stopped_by)
        return best


def _flags(columns: Positions, cover: Cover) -> Flags:
    flags = np.zeros(len(cover.sites), dtype=np.bool_)
    flags[columns] = True
    return flags


def start_values(cover: Cover, chosen: Positions) -> Floats:
    """Return a set of columns as values of the model of most coverage."""
    sites = np.zeros(len(cover.sites))
    sites[chosen] = 1.0
    return np.concatenate([sites, cover.covers[:, chosen].any(axis=1).astype(np.float64)])
