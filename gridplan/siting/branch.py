"""The end of the proof: branch on sites over the cut model until nothing better can exist."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from gridplan.siting.core import Core, forced
from gridplan.siting.cuts import CutModel
from gridplan.siting.dive import dive_and_shake
from gridplan.siting.interchange import plan_among
from gridplan.siting.lagrangian import USED_SHARE, Dual
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.radius import RadiusModel, radius_pairs
from gridplan.siting.regions import Refiner, Solver
from gridplan.siting.relaxation import Relaxation, Relaxed, Rounds
from gridplan.siting.search import Search

_AT_ROOT = Rounds(most=100, least_progress=0.002, halfway=True)
_AT_NODE = Rounds(most=4, least_progress=0.05, halfway=True)
_CANDIDATES = 12
_PROBES = 6
# A site's lifts are known after this many probes.
_RELIABLE = 2
# Nodes between two dives, twice as many each time that one was in vain; regions of the
# best plan that are solved at each node, which takes about as long as the node.
_DIVE_EVERY = 10
_REGIONS_A_NODE = 4
# A pair in the one model costs about as much as this many cells in the other.
_RADIUS_FACTOR = 10
_PLAN_EVERY = 10
# With this factor more cuts than were kept last, those idle for some solves are purged.
_PURGE_FACTOR = 1.5
_IDLE_SOLVES = 8
_WHOLE = 1e-6
_HALF = 0.5
_LEAST_LIFT_SHARE = 1e-9


@dataclass(order=True, frozen=True)
class _Node:
    bound: float
    number: int
    opened: Flags = field(compare=False)
    closed: Flags = field(compare=False)


def finish(dual: Dual, search: Search, solve: Solver | None = None) -> None:
    """
    Close the gap that the Lagrangian bound left, best bound first.

    Each node solves the cut model with some sites open and some closed, fixes
    what its reduced costs decide, tries its solution as a plan, and splits on
    the site whose two fixings lift the bound most. Where `solve`
    solves regions of a plan, plans are refined by regions.
    """
    tree = _Tree(dual, search, solve)
    while tree.nodes and not search.closed:
        node = heapq.heappop(tree.nodes)
        search.raise_bound(min(node.bound, tree.dropped))
        if not search.closed:
            tree.visit(node)
    if not tree.nodes:
        search.raise_bound(tree.dropped)


@dataclass(frozen=True)
class _Lifts:
    """How far fixing a site lifted the bound, per unit of its share; shape (2, m): closed, open."""

    total: Floats
    count: Floats

    @classmethod
    def none(cls, m: int) -> _Lifts:
        return cls(np.zeros((2, m)), np.zeros((2, m)))

    def learn(self, site: int, side: int, lift: float, *, moved: float) -> None:
        self.total[side, site] += lift / moved
        self.count[side, site] += 1.0

    def unknown(self, sites: Positions) -> Flags:
        few: Flags = self.count[0, sites] < _RELIABLE
        return few

    def scores(self, sites: Positions, shares: Floats, least: float) -> Floats:
        """Return the product of the two expected lifts; sites never probed come last."""
        rate = self.total[:, sites] / np.maximum(self.count[:, sites], 1.0)
        expected = np.maximum(rate * np.array([shares, 1.0 - shares]), least)
        return np.where(self.count[0, sites] > 0.0, expected.prod(axis=0), -1.0)


class _Tree:
    """Open nodes, and the least bound of those that were dropped."""

    def __init__(self, dual: Dual, search: Search, solve: Solver | None) -> None:
        self.core: Core = dual.core
        self.search = search
        self.dropped = np.inf
        self.model = _relaxation(dual, search)
        self._visited = 0
        self._lifts = _Lifts.none(len(self.core.sites))
        nothing = np.zeros(len(self.core.sites), dtype=np.bool_)
        root = self.model.converge(nothing, nothing, _AT_ROOT, centre=dual.shares)
        self.model.purge(idle=1)
        self._cuts_kept = self.model.rows
        self._dive_at, self._dive_pause = _DIVE_EVERY, _DIVE_EVERY
        if not search.closed:
            dive_and_shake(self.model, root, search)
        best = self.core.like(search.sites, root.shares)
        self._refiner = Refiner(self.core, search, solve, best) if solve else None
        self.nodes = [_Node(root.bound, 0, nothing, nothing)]

    def visit(self, node: _Node) -> None:
        """Drop a node, or settle it, or split it in two."""
        self._visited += 1
        if self._only_one_plan(node):
            return
        if self.model.rows > _PURGE_FACTOR * self._cuts_kept:
            self.model.purge(idle=_IDLE_SOLVES)
            self._cuts_kept = self.model.rows
        relaxed = self.model.converge(node.opened, node.closed, _AT_NODE)
        bound = max(node.bound, relaxed.bound)
        self._try_plan(relaxed)
        if bound >= self.search.cutoff:
            self.dropped = min(self.dropped, bound)
            return
        opened, closed = forced(
            relaxed.choice,
            self.search.room - relaxed.bound,
            opened=node.opened,
            closed=node.closed,
        )
        inside = _Node(bound, node.number, opened, closed)
        if not self._only_one_plan(inside):
            self._split(inside, relaxed)

    def _only_one_plan(self, node: _Node) -> bool:
        """Offer the plan of a node that has no choice left."""
        left = self.core.slots - int(node.opened.sum())
        free = ~node.opened & ~node.closed
        if left not in {0, int(free.sum())}:
            return False
        self.search.offer(self.core, np.nonzero(node.opened | (free & (left > 0)))[0])
        return True

    def _split(self, node: _Node, relaxed: Relaxed) -> None:
        site = self._branching_site(node, relaxed)
        for side in (True, False):
            opened, closed = node.opened.copy(), node.closed.copy()
            opened[site], closed[site] = side, not side
            number = 2 * self._visited + side
            heapq.heappush(self.nodes, _Node(node.bound, number, opened, closed))

    def _branching_site(self, node: _Node, relaxed: Relaxed) -> int:
        """Return the split site with the best product of lifts, or the one closest to a half."""
        free = np.nonzero(~node.opened & ~node.closed)[0]
        off = np.abs(relaxed.shares[free] - _HALF)
        order = free[np.argsort(off, kind="stable")]
        split = order[np.sort(off) < _HALF - _WHOLE][:_CANDIDATES]
        if len(split) <= 1:
            return int(order[0])
        for site in split[self._lifts.unknown(split)][:_PROBES]:
            self._probe(int(site), node, relaxed)
        least = _LEAST_LIFT_SHARE * self.search.value
        return int(split[int(self._lifts.scores(split, relaxed.shares[split], least).argmax())])

    def _probe(self, site: int, node: _Node, relaxed: Relaxed) -> None:
        most = max(0.0, self.search.value - relaxed.bound)
        for side in (0, 1):
            lifted = self.model.probe(site, float(side), opened=node.opened, closed=node.closed)
            lift = min(max(0.0, lifted - relaxed.bound), most)
            self._lifts.learn(site, side, lift, moved=abs(side - float(relaxed.shares[site])))

    def _try_plan(self, relaxed: Relaxed) -> None:
        shares = relaxed.shares
        if self._refiner and self._refiner.works:
            if not self._refiner.step(_REGIONS_A_NODE) and not self.search.closed:
                self._refiner.cross(shares)
                self._refiner.take(dive_and_shake(self.model, relaxed, self.search))
        elif self._visited >= self._dive_at:
            before = self.search.value
            dive_and_shake(self.model, relaxed, self.search)
            better = self.search.value < before
            self._dive_pause = _DIVE_EVERY if better else 2 * self._dive_pause
            self._dive_at = self._visited + self._dive_pause
            return
        chosen = np.sort(np.argsort(-shares, kind="stable")[: self.core.slots])
        if self._visited % _PLAN_EVERY:
            self.search.offer(self.core, chosen)
        else:
            plan_among(self.core, chosen, np.nonzero(shares > _WHOLE)[0], self.search)


def _relaxation(dual: Dual, search: Search) -> Relaxation:
    """Return the smaller of the two models."""
    cells = int((dual.use > USED_SHARE).sum()) * len(dual.core.sites)
    if _RADIUS_FACTOR * int(radius_pairs(dual).sum()) < cells:
        return RadiusModel(dual, search)
    return CutModel(dual, search)
