"""Plans of most coverage: annealed on islands, and merged exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridplan.siting.cover import Cover, filled, merged, most_model
from gridplan.siting.highs import Options, Outcome, solve_model
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.problem import Problem
from gridplan.siting.resample import Cooling, Coverage, anneal, greedy_most

# First and last temperatures, as shares of what a site alone covers, on average: which is better
# depends on how much is left uncovered.
_HEATS = ((0.04, 0.006), (0.025, 0.004))
# Draws for each open site in one run. Shorter ones end in plans that merging does not mend,
# longer ones leave too few plans to merge.
_DRAWS_PER_SITE = 1_000
# Plans that are kept to merge. After so many rounds an island begins without any of them; after
# as many more, the best of every island come together.
_POOL, _ROUNDS, _SENT = 20, 6, 6
# Sites whose reduced cost is below such a share of the gap are annealed apart, too: fewer sites
# let the same draws go further, but the best plan may need one that is left out.
_FOCUS = (0.2, 0.05, 0.02)
# Work of one merging.
_MERGING = 3_000.0
_WHOLE, _HALF = 1e-6, 0.5


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

    Plans that are merged become alike, and no better ones come of them. So the pool is
    emptied now and then, an island of its own, and all islands are merged in turn.
    """

    def __init__(self, task: Task, state: Coverage) -> None:
        self._task = task
        # What is annealed in turn, with the columns it is made of.
        self._states = [(state, np.arange(len(task.cover.sites)))]
        self._plans: list[tuple[float, Positions]] = []
        self._sent: list[tuple[float, Positions]] = []
        self._best: tuple[float, Positions] | None = None
        self._rounds = self._runs = 0

    def focus(self, relaxed: Outcome) -> None:
        """Anneal the sites that the relaxation finds good, too, in turn with all."""
        cover, ledger = self._task.cover, self._task.ledger
        if relaxed.reduced is None or ledger.closed or not cover.free or cover.slots is None:
            return
        room = cover.done - relaxed.bound - ledger.value
        for share in _FOCUS:
            good = relaxed.reduced[: len(cover.sites)] < share * room
            if good.sum() > cover.slots:
                part = merged(cover.where(np.ones(len(cover.weights), bool), good))
                state = Coverage(part)
                greedy_most(state, ledger)
                self._states.append((state, np.flatnonzero(good)))

    def run(self, draws_per_site: int = _DRAWS_PER_SITE) -> None:
        """Anneal once, from where the last run ended."""
        ledger = self._task.ledger
        self._states.append(self._states.pop(0))
        state, columns = self._states[-1]
        slots = int(state.open.sum())
        if not slots:
            return
        typical = state.alone / slots
        # Each of what is annealed in turn gets each of the temperatures.
        hot, cold = _HEATS[self._runs // len(self._states) % len(_HEATS)]
        self._runs += 1
        cooling = Cooling(draws_per_site * slots, hot * typical, cold * typical)
        if typical > 0:
            self._keep(columns[anneal(state, cooling, ledger)[1]])

    def round(self) -> None:
        """Anneal and merge once, on the island whose turn it is."""
        self._task.ledger.spend(1.0)
        self.run()
        self.merge()
        self._rounds += 1
        if self._rounds % _ROUNDS:
            return
        self._sent += self._plans[:_SENT]
        self._plans = []
        if self._rounds % (2 * _ROUNDS) == 0:
            for _, plan in self._sent:
                self._keep(plan)
            self.merge()

    def take(self, shares: Floats) -> None:
        """Offer what a relaxation opens, rounded where that keeps all rules."""
        cover = self._task.cover
        chosen = np.flatnonzero(shares > _HALF)
        if cover.free and cover.slots is not None:
            chosen = np.sort(np.argsort(-shares, kind="stable")[: cover.slots])
        elif (np.minimum(shares, 1.0 - shares) > _WHOLE).any():
            return
        self._keep(chosen)

    def _keep(self, chosen: Positions) -> None:
        self._task.offer(chosen)
        value = self._task.cover.covered(chosen)
        if self._best is None or value > self._best[0]:
            self._best = value, chosen
        if all(not np.array_equal(chosen, other) for _, other in self._plans):
            self._plans.append((value, chosen))
            self._plans.sort(key=lambda one: -one[0])
            del self._plans[_POOL:]

    @property
    def best(self) -> Positions | None:
        """Columns of the best plan."""
        return self._best[1] if self._best else None

    def merge(self) -> None:
        """Solve the problem exactly on the sites of all plans of the island."""
        cover, ledger = self._task.cover, self._task.ledger
        if len(self._plans) <= 1:
            return
        columns = np.unique(np.concatenate([one for _, one in self._plans]))
        part = merged(cover.where(np.ones(len(cover.weights), bool), _flags(columns, cover)))
        start = start_values(part, np.searchsorted(columns, self._plans[0][1]))
        out = solve_model(most_model(part), ledger, start=start, options=Options(work=_MERGING))
        chosen = out.chosen(len(columns))
        if chosen is not None:
            self._keep(columns[chosen])
        ledger.heed(out.stopped_by)


def _flags(columns: Positions, cover: Cover) -> Flags:
    flags = np.zeros(len(cover.sites), dtype=np.bool_)
    flags[columns] = True
    return flags


def start_values(cover: Cover, chosen: Positions) -> Floats:
    """Return a set of columns as values of the model of most coverage."""
    sites = np.zeros(len(cover.sites))
    sites[chosen] = 1.0
    return np.concatenate([sites, cover.covers[:, chosen].any(axis=1).astype(np.float64)])
