"""The proof of a covering problem: a tree that splits on how many sites of a district are open."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import highspy
import numpy as np

from gridplan.siting.cover import Cover
from gridplan.siting.districts import BothSides, Counts, Districts, Part, Solved
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.odd_cuts import OddCuts
from gridplan.siting.search import PROVEN_GAP

_WHOLE, _SLACK, _HALF = 1e-6, 1e-6, 0.5
# HiGHS keeps rows and bounds up to this.
_FEASIBLE = 1e-7
# Districts that are tried at a node, how many in a row may be worse than the best, and the
# iterations of a try.
_TRIED, _PATIENCE, _ITERATIONS = 8, 3, 120
# Districts nearest to a half that are looked at, and how alike the centres of those tried are.
_LOOKED_AT, _TOO_LIKE = 2_000, 0.5
# Tries that are remembered, how they count at another level, and the weight of all of a level.
_REMEMBERED, _OTHER_LEVEL, _PRIOR = 600, 0.5, 0.05
# A lift counts for at least so much of all weight, a share moved for at least this, in scores.
_LEAST_LIFT, _LEAST_MOVED = 1e-9, 0.05
_NONE = (-math.inf, math.inf)
# Cuts are looked for as long as a round brings this share of what is between bound and plan:
# first of three rows, then of more.
_ROOT_PROGRESS = ((False, 0.05), (True, 0.02))


@dataclass(frozen=True)
class _Node:
    """A part of all plans with its relaxation, fixed as far as that rules plans out."""

    part: Part
    solved: Solved


@dataclass(frozen=True)
class _Split:
    """A district, where its count is split, and the lifts of both sides."""

    district: int
    counts: tuple[Counts, Counts]
    lifts: tuple[float, float]

    @property
    def score(self) -> float:
        """How much both sides are lifted."""
        return self.lifts[0] * self.lifts[1]


class DistrictTree:
    r"""
    Best bound first, split on the number of open sites of a district.

    A relaxation of a covering problem opens parts of many sites in place of one, so that
    closing any of them changes little. Whether :math:`\sum_{j \in D} y_j` is at
    most or more than a number, for sites D that cover much the same, lifts both sides: a
    split on a general row in place of a variable [1]_. Which district is best is told by a
    few iterations on those that neighbours let expect most. First of all, `OddCuts` are added
    as long as they bring something.

    Parameters
    ----------
    cover : Cover
    ledger : Ledger
        Where it asks for the most, weight that is covered is counted; where it asks for
        the least, the cost of covering everybody, which this takes for a negative weight.
    idea : callable
        Is given the shares of each relaxation, to make plans of; it has to offer them
        to the ledger where they are whole.
    basis : HighsBasis, optional
        That of the relaxation of the whole problem, where it has been solved.
    paid : float
        Cost of the sites that are open for certain, for the least.

    References
    ----------
    .. [1] Karamanov, M. and Cornuejols, G. (2011). Branching on general disjunctions.
       *Mathematical Programming*, 128, 403-436.
       https://doi.org/10.1007/s10107-009-0332-3
    """

    def __init__(
        self,
        cover: Cover,
        ledger: Ledger,
        idea: Callable[[Floats], None],
        *,
        basis: highspy.HighsBasis | None = None,
        paid: float = 0.0,
    ) -> None:
        self._cover, self._ledger, self._idea = cover, ledger, idea
        self._most = most = ledger.maximise
        self._sign, self._done = (1.0, cover.done) if most else (-1.0, -paid)
        whole = math.fsum(cover.weights if most else cover.cost)
        self._districts = Districts(cover)
        self._model = BothSides(cover, self._districts, ledger)
        self._rates = _Rates(self._districts)
        self._dropped, self._count = -math.inf, 0
        self._least_lift = _LEAST_LIFT * whole
        self._tolerance = _FEASIBLE * whole
        self._nodes: list[tuple[float, int, _Node]] = []
        nothing = np.zeros(len(cover.sites), dtype=np.bool_)
        everything = Part({}, nothing, nothing)
        self._cuts = OddCuts(cover, ledger.spend)
        self._cutting: Iterator[None] | None = self._cut_root()
        self._put(self._node(everything, self._model.alone(everything, basis), math.inf))

    @property
    def bound(self) -> float:
        """What no plan betters, as the ledger counts it."""
        first = -self._nodes[0][0] if self._nodes else -math.inf
        return self._sign * (max(first, self._dropped) + self._done)

    @property
    def done(self) -> bool:
        """No part of the plans is left."""
        return not self._nodes

    def at_once(self, *, yes: bool) -> None:
        """Solve both sides of a split in two threads, or not."""
        self._model.at_once = yes

    def run(self, work: float) -> None:
        """Split nodes for some steps of work, or until nothing is left."""
        end = self._ledger.work + work
        self._ledger.bring_bound(self.bound)
        while self._ledger.work < end and self._nodes and not self._ledger.closed:
            if self._cutting is None:
                self._visit(self._nodes[0][2])
            elif next(self._cutting, self) is self:
                self._cutting = None
            self._ledger.bring_bound(self.bound)

    @property
    def _need(self) -> float:
        """What a plan has to cover to be better than the best."""
        value = self._sign * self._ledger.value - self._done
        if self._ledger.whole:
            return value + 1.0 - _SLACK
        return value + abs(value) * PROVEN_GAP * _HALF

    def _node(self, part: Part, solved: Solved, most: float) -> _Node | None:
        """Fix sites of a part that covers no more than `most`; None if no better plan is in it."""
        bound = min(solved.bound, most)
        if bound < self._need:
            self._dropped = max(self._dropped, bound)
            return None
        if not self._ledger.whole:
            # What is fixed may rule out plans that are better by less than a proven gap.
            self._dropped = max(self._dropped, self._need)
        # Reduced costs belong to the bound that they came with, even where another is better.
        room = solved.bound - self._need
        free = ~(part.opened | part.closed)
        closed: Flags = part.closed | (free & (solved.reduced > room + _SLACK))
        opened: Flags = part.opened | (free & (solved.reduced < -room - _SLACK))
        tight = replace(solved, bound=bound)
        return _Node(Part(part.counts, opened, closed), tight)

    def _cut_root(self) -> Iterator[None]:
        """Cut what the relaxation of everything opens in parts; pause after each bit of work."""
        for wide, progress in _ROOT_PROGRESS:
            gained = math.inf
            while self._nodes and gained > progress * (self._nodes[0][2].solved.bound - self._need):
                root = self._nodes[0][2]
                self._idea(root.solved.shares)
                missed = root.solved.missed if self._most else np.zeros(len(self._cover.weights))
                sets = self._cuts.broken(root.solved.shares, missed, wide=wide)
                yield
                if not sets:
                    break
                self._model.add_cuts(*self._cuts.matrix(sets, most=self._most))
                while (solved := self._model.go_on(root.part)) is None:
                    yield
                gained = root.solved.bound - solved.bound
                heapq.heappop(self._nodes)
                self._put(self._node(root.part, solved, root.solved.bound))
                yield
        self._model.settle()

    def _put(self, node: _Node | None) -> None:
        if node is not None:
            self._count += 1
            heapq.heappush(self._nodes, (-node.solved.bound, self._count, node))

    def _visit(self, node: _Node) -> None:
        """Drop the first node, or split it in two."""
        bound, shares = node.solved.bound, node.solved.shares
        if bound >= self._need:
            self._idea(shares)
        split = self._best_split(node) if bound >= self._need else None
        if split is None:
            heapq.heappop(self._nodes)
            self._dropped = max(self._dropped, self._settled(node))
            return
        self._model.add_row(split.district)
        parts = [Part(one, node.part.opened, node.part.closed) for one in split.counts]
        sides = self._model.solve(parts, node.solved.basis)
        children = [self._node(*one, bound) for one in zip(parts, sides, strict=True)]
        # Only now: whatever ends the work, the bound of all that is left is in the heap.
        heapq.heappop(self._nodes)
        for child in children:
            self._put(child)

    def _settled(self, node: _Node) -> float:
        """Return the most that a part covers which is not split."""
        bound, shares = node.solved.bound, node.solved.shares
        if (np.minimum(shares, 1.0 - shares) > _WHOLE).any():
            return bound
        chosen = np.flatnonzero(shares > _HALF)
        covered = self._cover.covered(chosen) - self._cover.done
        if not self._ledger.maximise:
            covered = -math.fsum(self._cover.cost[chosen])
        # Between them is the tolerance of the solver, if it is not room for a better plan.
        within = 1.0 - _SLACK if self._ledger.whole else self._tolerance
        return covered if bound - covered <= within else bound

    def _best_split(self, node: _Node) -> _Split | None:
        """Return the split that lifts most; None where all sites are open or closed."""
        best, worse = None, 0
        for district in self._candidates(node.solved.shares):
            split = self._tried(node, district)
            if best is None or split.score > best.score:
                best, worse = split, 0
            else:
                worse += 1
            if worse == _PATIENCE:
                break
        return best

    def _tried(self, node: _Node, district: int) -> _Split:
        columns = self._districts.of(district)
        held = float(node.solved.shares[columns].sum())
        low, high = node.part.counts.get(district, _NONE)
        below, above = math.floor(held), math.ceil(held)
        counts = [{**node.part.counts, district: one} for one in ((low, below), (above, high))]
        fresh = self._model.add_row(district)
        parts = [Part(one, node.part.opened, node.part.closed) for one in counts]
        covered = self._model.probe(parts, node.solved.basis, _ITERATIONS)
        least = [node.solved.bound - max(one, self._need) for one in covered]
        lifts = [max(lift, self._least_lift) for lift in least]
        if fresh:
            self._model.drop_row()
        self._rates.learn(district, lifts, [held - below, above - held])
        return _Split(district, (counts[0], counts[1]), (lifts[0], lifts[1]))

    def _candidates(self, shares: Floats) -> list[int]:
        """Return districts with a broken count, the most promising first, not too alike."""
        held = self._districts.members @ shares
        moved = np.array([held - np.floor(held), np.ceil(held) - held])
        broken = moved.min(axis=0)
        looked = np.argsort(-broken, kind="stable")[:_LOOKED_AT]
        looked = looked[broken[looked] > _WHOLE]
        lifts = self._rates.of(looked) * moved[:, looked]
        order = looked[np.argsort(-lifts.prod(axis=0), kind="stable")]
        centres = self._districts.centre
        free = np.ones(len(self._cover.sites), dtype=np.bool_)
        chosen: list[int] = []
        for district in order.tolist():
            if free[centres[district]]:
                chosen.append(district)
                near = self._districts.like[[centres[district]]]
                free[near.indices[near.data >= _TOO_LIKE]] = False
            if len(chosen) == _TRIED:
                break
        return chosen


class _Rates:
    """What splitting a district lifts for each part of a site that is moved, by its neighbours."""

    def __init__(self, districts: Districts) -> None:
        self._districts = districts
        self._where: list[int] = []
        self._lifts: list[list[float]] = []

    def learn(self, district: int, lifts: list[float], moved: list[float]) -> None:
        """Remember a try."""
        self._where.append(district)
        pairs = zip(lifts, moved, strict=True)
        self._lifts.append([lift / max(part, _LEAST_MOVED) for lift, part in pairs])

    def of(self, some: Positions) -> Floats:
        """Return the lifts that some districts let expect, down and up; shape (2, n)."""
        if not self._where:
            return np.ones((2, len(some)))
        where = np.array(self._where[-_REMEMBERED:])
        lifts = np.array(self._lifts[-_REMEMBERED:])
        districts = self._districts
        like = districts.like[districts.centre[where]][:, districts.centre[some]].toarray()
        apart = np.abs(districts.level[where][:, None] - districts.level[some])
        weight = like**2 * _OTHER_LEVEL**apart
        usual = self._usual(districts.level[where], lifts)[:, districts.level[some]]
        expected: Floats = (lifts.T @ weight + _PRIOR * usual) / (weight.sum(axis=0) + _PRIOR)
        return expected

    def _usual(self, level: Positions, lifts: Floats) -> Floats:
        """Return the mean of each level, towards that of all where few are known."""
        size = int(self._districts.level.max()) + 1
        count = np.bincount(level, minlength=size) + 1.0
        sums = [np.bincount(level, side, minlength=size) + side.mean() for side in lifts.T]
        usual: Floats = np.array(sums) / count
        return usual
