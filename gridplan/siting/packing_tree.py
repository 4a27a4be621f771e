"""The proof with capacities: models of few pairs, then splits by open sites in parts of town."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from gridplan.siting.counts import Region, nested_groups
from gridplan.siting.highs import Options, solve_model
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.packing import Packing, PackingSearch
from gridplan.siting.packing_bound import Bounding, Node, Steps, first_node
from gridplan.siting.packing_merge import merged_plans
from gridplan.siting.packing_model import PairModel
from gridplan.siting.packing_plans import plan_from, shaken
from gridplan.siting.search import OutOfEffortError

_AT_ROOT = Steps(most=800, length=1.5, patience=20, least_length=3e-3)
_AT_NODE = Steps(most=80, length=0.7, patience=8, least_length=2e-2)
_AT_PROBE = Steps(most=10, length=0.7, patience=4, least_length=2e-2)
_PLAN_EVERY, _SHAKE_EVERY, _SHAKES_BETWEEN = 10, 80, 20
# Shakes of the best plan: fewer where each takes longer.
_SHAKE_CELLS, _FEWEST_SHAKES, _MOST_SHAKES = 1e8, 100, 2_000
# HiGHS is quick on models up to about this many pairs.
_LEAF_PAIRS = 600
# Pairs per demand point of the first model, growth to the next, and the work each may take.
_PAIRS_PER_DEMAND, _WIDER, _STAGE_WORK = 4.0, 1.6, 1_000.0
_PROBES = 6
# A group's number of open sites is split if it is further than this from a whole number.
_SPLIT_PART = 0.03
_LARGE_PART = 0.3
_LEAST_LIFT = 1e-6
# Demand points from which the distance of two sites is taken.
_NEAR_ROWS = 400
# Cutoffs of whole objectives lie this far above what is asked for.
_WHOLE_SLACK = 0.01


@dataclass(order=True, frozen=True)
class _Entry:
    bound: float
    number: int
    node: Node = field(compare=False)


def solve_packing(packing: Packing, search: PackingSearch) -> None:
    """
    Bound the whole problem, find plans, drop pairs, and close what gap is left.

    First, models with the pairs that plans near the bound may use: where HiGHS
    finds no plan below the ceiling of such a model, the ceiling is a bound. Then
    splits, best bound first, on the number of open sites within a group of
    neighbouring sites, until the pairs that are left are few enough for HiGHS.
    """
    tree = _Tree(packing, search)
    root = tree.root()
    if root is not None:
        root = tree.staged(root)
    if root is not None:
        tree.run(root)


class _Tree:
    """Open nodes, best bound first."""

    def __init__(self, packing: Packing, search: PackingSearch) -> None:
        self._packing, self._search = packing, search
        self._number = 0
        self._nodes: list[_Entry] = []
        self._groups: list[tuple[int, ...]] = []
        # Bound of nodes that could neither be settled nor split.
        self._unsettled = math.inf

    def root(self) -> Node | None:
        """Return the whole problem less the pairs that no better plan uses; None if solved."""
        packing, search = self._packing, self._search
        count = 0

        def visit(chosen: Positions) -> None:
            nonlocal count
            if count % _PLAN_EVERY == 0:
                plan_from(packing, chosen, search)
            if count % _SHAKE_EVERY == _PLAN_EVERY:
                shaken(packing, search, _SHAKES_BETWEEN)
            count += 1

        node = self._bounding(first_node(packing)).climb(_AT_ROOT, visit)
        if node is None:
            search.raise_bound(search.cutoff)
            return None
        cells = float(len(packing.load) * max(packing.cost.shape))
        shaken(packing, search, int(np.clip(_SHAKE_CELLS / cells, _FEWEST_SHAKES, _MOST_SHAKES)))
        if search.closed:
            return None
        node = self._narrowed(node)
        merged_plans(packing, search, node)
        if search.closed:
            return None
        self._groups = nested_groups(_site_distance(packing))
        return self._narrowed(node)

    def _bounding(self, node: Node) -> Bounding:
        return Bounding(self._packing, self._search, node)

    def _narrowed(self, node: Node) -> Node:
        if not math.isfinite(self._search.value):
            return node
        return self._bounding(node).narrowed(node, self._search.room)

    def staged(self, root: Node) -> Node | None:
        """Solve models of more and more pairs while it is quick; None once all is proven."""
        search = self._search
        pairs = _PAIRS_PER_DEMAND * len(self._packing.load)
        while True:
            bounding = self._bounding(root)
            least = bounding.least_costs(root)
            if least is None:
                return root
            ranked = np.sort(least[0][root.allowed])
            ceiling = float(ranked[int(min(pairs, len(ranked) - 1))])
            if pairs >= len(ranked) - 1 or ceiling >= search.room:
                ceiling, part = search.value, root
            else:
                part = bounding.narrowed(root, ceiling)
            settled, bound = self._solved(part, ceiling, _STAGE_WORK)
            search.raise_bound(min(bound, search.value))
            if search.closed:
                return None
            root = self._narrowed(replace(root, bound=max(root.bound, bound)))
            if not settled:
                return root
            pairs *= _WIDER

    def _solved(self, node: Node, ceiling: float, work: float) -> tuple[bool, float]:
        """Give a node to HiGHS; return whether it is settled up to the ceiling, and a bound."""
        search = self._search
        form = PairModel(self._packing, node)
        cutoff = min(ceiling, search.value)
        if self._packing.integral and math.isfinite(cutoff):
            cutoff = math.ceil(cutoff) - 1.0 + _WHOLE_SLACK
        out = solve_model(
            form.model,
            search,
            options=Options(cutoff=cutoff, work=work, prune=True, presolve=False),
        )
        fits = True
        if out.values is not None:
            plan = form.plan(out.values)
            search.keep(self._packing, *plan)
            # Loads that are no whole numbers may fit by a tolerance of HiGHS alone.
            fits = math.isfinite(self._packing.value(plan[1]))
        bound = max(node.bound, min(out.bound, ceiling))
        if out.stopped_by is not None:
            self._tell(bound)
            raise OutOfEffortError(out.stopped_by)
        return fits and out.answer != "stopped", bound

    def run(self, root: Node) -> None:
        """Split until no node can have a better plan."""
        search = self._search
        self._push(root)
        while self._nodes and not search.closed:
            entry = heapq.heappop(self._nodes)
            self._tell(entry.bound)
            if entry.bound >= search.cutoff:
                self._nodes.clear()
            else:
                self._visit(entry.node)
        if not self._nodes:
            search.raise_bound(min(search.cutoff, self._unsettled))

    def _push(self, node: Node) -> None:
        self._number += 1
        heapq.heappush(self._nodes, _Entry(node.bound, self._number, node))

    def _tell(self, bound: float) -> None:
        """Raise the bound of the whole problem to the least one of an open node."""
        others = [entry.bound for entry in self._nodes[:1]]
        self._search.raise_bound(min([bound, self._unsettled, self._search.cutoff, *others]))

    def _visit(self, node: Node) -> None:
        seen: list[Positions] = []
        climbed = self._bounding(node).climb(_AT_NODE, seen.append)
        if seen:
            plan_from(self._packing, seen[-1], self._search)
        if climbed is None:
            return
        if climbed.pairs <= _LEAF_PAIRS:
            settled, _ = self._solved(climbed, self._search.value, math.inf)
            if settled:
                return
        self._split(climbed)

    def _split(self, node: Node) -> None:
        """Push the two parts of the split that lifts both bounds most."""
        best: tuple[float, list[Node]] | None = None
        most = max(self._search.value - node.bound, 0.0)
        for group, floor in self._candidates(node):
            parts, score = [], 1.0
            for region in (Region(group, 0, floor), Region(group, floor + 1, self._packing.slots)):
                child = replace(node, regions=_with(node.regions, region))
                climbed = self._bounding(child).climb(_AT_PROBE)
                lift = most if climbed is None else climbed.bound - node.bound
                score *= max(lift, _LEAST_LIFT)
                parts += [] if climbed is None else [climbed]
            if best is None or score > best[0]:
                best = score, parts
        if best is not None:
            for part in best[1]:
                self._push(part)
            return
        settled, bound = self._solved(node, self._search.value, math.inf)
        if not settled:
            self._unsettled = min(self._unsettled, bound)

    def _candidates(self, node: Node) -> Iterator[tuple[tuple[int, ...], int]]:
        """Yield groups with a split number of open sites: large ones, and the most split."""
        use = np.zeros(len(self._packing.capacity))
        use[node.sites] = node.use
        split = []
        for group in self._groups:
            count = float(use[list(group)].sum())
            part = abs(count - round(count))
            if part > _SPLIT_PART:
                split.append((part, group, math.floor(count)))
        large = sorted(split, key=lambda one: (-min(one[0], _LARGE_PART), -len(one[1]), one[1]))
        most = sorted(split, key=lambda one: (-one[0], len(one[1]), one[1]))
        tried = {group: floor for _, group, floor in [*large[: _PROBES // 2], *most[:_PROBES]]}
        yield from list(tried.items())[:_PROBES]


def _with(regions: tuple[Region, ...], new: Region) -> tuple[Region, ...]:
    """Return the regions with one more, or with a tighter one."""
    for at, one in enumerate(regions):
        if one.sites == new.sites:
            tighter = Region(one.sites, max(one.least, new.least), min(one.most, new.most))
            return (*regions[:at], tighter, *regions[at + 1 :])
    return (*regions, new)


def _site_distance(packing: Packing) -> Floats:
    """Return how far sites are apart, by way of the demand between them, shape (m, m)."""
    rows = np.linspace(0, len(packing.load) - 1, min(len(packing.load), _NEAR_ROWS))
    near = packing.cost[rows.astype(np.intp)]
    finite = np.isfinite(near)
    far = 2.0 * float(np.where(finite, near, 0.0).max(initial=0.0)) + 1.0
    near = np.where(finite, near, far)
    distance = np.empty((near.shape[1], near.shape[1]))
    for at in range(near.shape[1]):
        distance[at] = (near + near[:, [at]]).min(axis=0)
    return distance
