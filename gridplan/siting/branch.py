"""The end of the proof: branch on sites over the cut model until nothing better can exist."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np

from gridplan.siting.core import Core, forced
from gridplan.siting.cuts import CutModel
from gridplan.siting.dive import dive_and_shake
from gridplan.siting.interchange import plan_among
from gridplan.siting.lagrangian import USED_SHARE, Dual
from gridplan.siting.lift import Tree, lift
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.priced import PricedCore, improved
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
    solves regions of a plan, plans are refined by regions, and the bound is lifted by them.
    """
    model = _relaxation(dual, search)
    root = _at_root(model, centre=dual.shares)
    if search.closed:
        return
    dive_and_shake(model, root, search)
    best = dual.core.like(search.sites, root.shares)
    plans = _MedianPlans(model, search, Refiner(dual.core, search, solve, best) if solve else None)
    if solve and isinstance(model, CutModel):
        lift(model, best, search, _planted, between=partial(plans, root))
    _Tree(model, root, search, plans).grow()


def _at_root(model: Relaxation, *, centre: Floats | None = None) -> Relaxed:
    nothing = np.zeros(len(model.core.sites), dtype=np.bool_)
    root = model.converge(nothing, nothing, _AT_ROOT, centre=centre)
    model.purge(idle=1)
    return root


def _planted(model: CutModel, core: PricedCore, search: Search) -> Tree:
    """Return the tree of a model of priced sites."""
    return _Tree(model, _at_root(model), search, _PricedPlans(core, search))


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


class _Plans(Protocol):
    """Turns what a node found into plans."""

    def __call__(self, relaxed: Relaxed) -> None:
        """Offer plans to the search."""


class _MedianPlans:
    """Refines regions of plans, or dives now and then, or rounds."""

    def __init__(self, model: Relaxation, search: Search, refiner: Refiner | None) -> None:
        self._model, self._search, self._refiner = model, search, refiner
        self._visited = 0
        self._dive_at, self._dive_pause = _DIVE_EVERY, _DIVE_EVERY

    def __call__(self, relaxed: Relaxed) -> None:
        self._visited += 1
        core, search, shares = self._model.core, self._search, relaxed.shares
        if self._refiner and self._refiner.works:
            if not self._refiner.step(_REGIONS_A_NODE) and not search.closed:
                self._refiner.cross(shares)
                self._refiner.take(dive_and_shake(self._model, relaxed, search))
        elif self._visited >= self._dive_at:
            before = search.value
            dive_and_shake(self._model, relaxed, search)
            better = search.value < before
            self._dive_pause = _DIVE_EVERY if better else 2 * self._dive_pause
            self._dive_at = self._visited + self._dive_pause
            return
        chosen = np.sort(np.argsort(-shares, kind="stable")[: core.slots])
        if self._visited % _PLAN_EVERY:
            search.offer(core, chosen)
        else:
            plan_among(core, chosen, np.nonzero(shares > _WHOLE)[0], search)


class _PricedPlans:
    """Rounds, and opens and closes sites as long as that pays."""

    def __init__(self, core: PricedCore, search: Search) -> None:
        self._core, self._search = core, search

    def __call__(self, relaxed: Relaxed) -> None:
        rounded = np.nonzero(relaxed.shares > _HALF)[0]
        self._search.offer(self._core, improved(self._core, rounded))


class _Tree:
    """Open nodes, and the least bound of those that were dropped."""

    def __init__(self, model: Relaxation, root: Relaxed, search: Search, plans: _Plans) -> None:
        self.core: Core = model.core
        self.model, self.search, self._plans = model, search, plans
        self.dropped = np.inf
        self._visited = 0
        self._lifts = _Lifts.none(len(self.core.sites))
        self._cuts_kept = model.rows
        nothing = np.zeros(len(self.core.sites), dtype=np.bool_)
        self.nodes = [_Node(root.bound, 0, nothing, nothing)]

    def grow(self, nodes: int | None = None) -> bool:
        """Visit nodes, or only some, until nothing better can exist; False once that is so."""
        last = math.inf if nodes is None else self._visited + nodes
        while self.nodes and not self.search.closed and self._visited < last:
            self.search.raise_bound(min(self.nodes[0].bound, self.dropped))
            # What stays unvisited is not done with: without nodes the best plan is proven.
            if not self.search.closed:
                self.visit(heapq.heappop(self.nodes))
        if not self.nodes:
            self.search.raise_bound(self.dropped)
        return bool(self.nodes) and not self.search.closed

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
        self._plans(relaxed)
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
        plan = self.core.only_plan(opened=node.opened, closed=node.closed)
        if plan is not None:
            self.search.offer(self.core, plan)
        return plan is not None

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


def _relaxation(dual: Dual, search: Search) -> Relaxation:
    """Return the smaller of the two models."""
    cells = int((dual.use > USED_SHARE).sum()) * len(dual.core.sites)
    if _RADIUS_FACTOR * int(radius_pairs(dual).sum()) < cells:
        return RadiusModel(dual, search)
    return CutModel.of(dual, search)
