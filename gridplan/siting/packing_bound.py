"""A bound for the p-median with capacities: prices of demand, a knapsack for each site."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gridplan.siting.counts import Chooser, Pick, Region
from gridplan.siting.knapsack import Grid, best_loads, forced_values, relaxed_values
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.packing import Packing, PackingSearch
from gridplan.siting.packing_groups import Group

_MEMORY = 0.7
_STEP_SHRINK = 0.7
_LATEST = 0.1
# Sites beyond those chosen whose knapsacks are solved at once: the next to be asked for.
_AHEAD_SHARE = 0.25
_AHEAD_LEAST = 2
# A rise of the bound by less than this share is no progress.
_RISE = 1e-5
# While there is no plan, the prices aim this far above the bound.
_BLIND_AIM = 0.05
# Up to this many cells, the knapsacks of all sites are as quick as those of a few.
_SMALL_CELLS = 6_000
# Cells that the tables of all knapsacks may fill for the bounds of pairs.
_TABLE_CELLS = 1e9


@dataclass(frozen=True)
class Node:
    """
    A part of the problem.

    Attributes
    ----------
    bound : float
        No plan in this part costs less.
    prices : ndarray, shape (n,)
    sites : ndarray of int, shape (s,)
        Sites that may be open.
    allowed : ndarray of bool, shape (n, s)
        Pairs that a better plan may use.
    regions : tuple of Region
        Least and most numbers of open sites.
    shares : ndarray, shape (n, s)
        How often each pair was used in the late iterations.
    use : ndarray, shape (s,)
        How often each site was open.
    """

    bound: float
    prices: Floats
    sites: Positions
    allowed: Flags
    regions: tuple[Region, ...] = ()
    shares: Floats = field(default_factory=lambda: np.empty((0, 0)))
    use: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def pairs(self) -> int:
        """Number of pairs left."""
        return int(self.allowed.sum())


@dataclass(frozen=True)
class Steps:
    """How long the prices move: iterations, length of the first step, patience, last step."""

    most: int
    length: float
    patience: int
    least_length: float


def first_node(packing: Packing) -> Node:
    """Return the whole problem, with prices of about the second of spread-out sites."""
    m = packing.cost.shape[1]
    rank = min(m // (2 * packing.slots), m - 1)
    dearest = np.where(np.isfinite(packing.cost), packing.cost, 0.0).max(axis=1)
    prices = np.minimum(np.partition(packing.cost, rank, axis=1)[:, rank], dearest)
    return Node(-np.inf, prices, np.arange(m), np.isfinite(packing.cost))


Visit = Callable[[Positions], None]
"""Called with the positions of the sites that a choice opens, to look for plans."""


class Bounding:
    r"""
    The Lagrangian relaxation of one node.

    With the assignment of demand relaxed at prices :math:`\lambda_i`, each site
    takes the load that pays most within its capacity, a 0/1 knapsack, and the
    sites of most value are open [1]_ [2]_. The bound is that of the set
    partitioning form, which is stronger than the linear relaxation. Knapsacks
    are solved only for the sites that a choice by bounds from above would open.

    References
    ----------
    .. [1] Pirkul, H. (1987). Efficient algorithms for the capacitated
       concentrator location problem. *Computers & Operations Research*, 14(3),
       197-208. https://doi.org/10.1016/0305-0548(87)90022-0
    .. [2] Ceselli, A. and Righini, G. (2005). A branch-and-price algorithm for
       the capacitated p-median problem. *Networks*, 45(3), 125-142.
       https://doi.org/10.1002/net.20059
    """

    def __init__(self, packing: Packing, search: PackingSearch, node: Node) -> None:
        self._search = search
        self.node = node
        self._cost = np.where(node.allowed, packing.cost[:, node.sites], np.inf)
        self._grid: Grid = packing.grid.of(node.sites)
        back = {int(site): at for at, site in enumerate(node.sites)}
        regions = tuple(
            replace(one, sites=tuple(back[site] for site in one.sites if site in back))
            for one in node.regions
        )
        self._must = packing.must[node.sites]
        self._slots, self._sites = packing.slots, len(packing.must)
        self._kept = int(packing.must.sum()) == int(self._must.sum())
        self._chooser = Chooser(self._must, packing.slots, regions)
        cells = int(self._grid.capacity.max(initial=0)) * len(node.sites)
        self._small = cells <= _SMALL_CELLS

    def evaluate(self, prices: Floats) -> tuple[Pick, Floats, Flags]:
        """Return the best choice, values (exact where chosen), and the loads of the chosen."""
        profit = prices[:, None] - self._cost
        if self._small:
            values, taken = best_loads(profit, self._grid)
            return self._chooser.pick(values), values, taken
        values = relaxed_values(profit, self._grid)
        exact = np.zeros(len(values), dtype=np.bool_)
        taken = np.zeros(profit.shape, dtype=np.bool_)
        ahead = max(_AHEAD_LEAST, int(_AHEAD_SHARE * self._slots))
        while True:
            pick = self._chooser.pick(values)
            ask = pick.chosen & ~exact
            if not np.isfinite(pick.total) or not ask.any():
                return pick, values, taken
            rest = np.nonzero(~pick.chosen & ~exact)[0]
            near = rest[np.argsort(-(values + pick.others)[rest], kind="stable")[:ahead]]
            columns = np.concatenate([np.nonzero(ask)[0], near])
            value, loads = best_loads(profit[:, columns], self._grid.of(columns))
            values[columns], exact[columns] = value, True
            taken[:, columns] = loads

    def climb(self, steps: Steps, visit: Visit | None = None) -> Node | None:
        """
        Raise the bound; return the node without what no better plan uses, or None.

        None means that the node has no plan that is better than the best known.
        """
        node, search = self.node, self._search
        if not self._kept or len(node.sites) < self._slots or not node.allowed.any(axis=1).all():
            return None
        prices, best_prices, best = node.prices, node.prices, -np.inf
        direction, length, stalled = np.zeros(len(prices)), steps.length, 0
        shares, use = np.zeros(node.allowed.shape), np.zeros(len(node.sites))
        for iteration in range(steps.most):
            search.spend(1)
            pick, _, taken = self.evaluate(prices)
            bound = float(prices.sum() - pick.total)
            if not np.isfinite(pick.total) or bound >= min(search.cutoff, search.hopeless):
                return None
            loads = taken & pick.chosen
            share = 1.0 if iteration == 0 else _LATEST
            shares, use = shares + share * (loads - shares), use + share * (pick.chosen - use)
            if visit is not None:
                self._note(loads, pick.chosen)
                visit(node.sites[pick.chosen])
            stalled = 0 if bound > best + _RISE * abs(best) else stalled + 1
            if bound > best:
                best, best_prices = bound, prices
                if not node.regions and not np.isfinite(node.bound):
                    search.raise_bound(best)
            slack = 1.0 - loads.sum(axis=1)
            direction = slack + _MEMORY * direction
            if stalled >= steps.patience:
                length, stalled = length * _STEP_SHRINK, 0
                prices, direction = best_prices, slack
            norm = float(direction @ direction)
            if length < steps.least_length or norm == 0.0 or search.closed:
                break
            aim = search.value if np.isfinite(search.value) else best + _BLIND_AIM * abs(best) + 1.0
            prices = prices + length * max(aim - bound, 0.0) / norm * direction
        bound = max(node.bound, best)
        raised = replace(node, bound=bound, prices=best_prices, shares=shares, use=use)
        return raised if not np.isfinite(search.value) else self.narrowed(raised, search.room)

    def _note(self, loads: Flags, chosen: Flags) -> None:
        """Remember what each chosen site would take: good plans are made of such groups."""
        for at in np.flatnonzero(chosen).tolist():
            rows = np.flatnonzero(loads[:, at])
            if len(rows):
                paid = math.fsum(self._cost[rows, at])
                self._search.groups.add(Group(int(self.node.sites[at]), rows, paid))

    def least_of(self, node: Node, groups: Sequence[Group]) -> Floats:
        """Return a bound for the plans that have a group, for each; ``inf`` without its site."""
        pick, _, _ = self.evaluate(node.prices)
        others = np.full(self._sites, -np.inf)
        others[node.sites] = pick.others
        return np.array(
            [node.prices.sum() - others[one.site] - node.prices[one.rows].sum() + one.cost
             for one in groups],
            dtype=np.float64,
        )  # fmt: skip

    def least_costs(self, node: Node) -> tuple[Floats, Floats] | None:
        """
        Return a bound for the plans that use a pair, or open a site, shapes (n, s) and (s,).

        None if that takes too long to compute.
        """
        paying = float((self._cost < node.prices[:, None]).sum())
        if paying * float(self._grid.capacity.max(initial=0) + 1) > _TABLE_CELLS:
            return None
        total = node.prices.sum()
        pick, _, _ = self.evaluate(node.prices)
        forced = forced_values(node.prices[:, None] - self._cost, self._grid)
        return total - (pick.others + forced), total - pick.others

    def narrowed(self, node: Node, ceiling: float) -> Node:
        """Return the node less the pairs and sites that no plan up to the ceiling uses."""
        least = self.least_costs(node)
        if least is None:
            return node
        allowed = node.allowed & (least[0] <= ceiling)
        # A site may also be open and serve nobody.
        kept = allowed.any(axis=0) | self._must | (least[1] <= ceiling)
        return replace(
            node,
            sites=node.sites[kept],
            allowed=allowed[:, kept],
            shares=node.shares[:, kept],
            use=node.use[kept],
        )
