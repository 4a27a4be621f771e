"""A higher bound, region by region: what the demand of a part of town costs at least."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.sparse.csgraph import laplacian

from gridplan.siting.cuts import CutModel
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.priced import PricedCore, improved
from gridplan.siting.relaxation import Relaxed, Rounds
from gridplan.siting.search import OutOfEffortError, Search

# Most open sites of a region.
_OPEN_SITES = 14
# Nodes of a region before another one has its turn.
_NODES_AT_ONCE = 8
# A site that costs a region less than this share of the dearest is open for nothing.
_FOR_NOTHING_SHARE = 1e-6
# So that open sites that share no demand still have a distance.
_LEAST_TIE = 1e-6
_ANEW = Rounds(most=4, least_progress=0.002, halfway=False)


class Tree(Protocol):
    """The proof of a region."""

    def grow(self, nodes: int) -> bool:
        """Visit some nodes; False once none is left."""


Plant = Callable[[CutModel, PricedCore, Search], Tree]
"""Returns the tree of a model of priced sites, which tells its bound to the search."""


@dataclass
class _Region:
    """Some groups of demand with prices of sites: what they cost at least, as far as known."""

    search: Search
    tree: Tree | None

    def grow(self, work: float) -> float:
        """Go on with the proof within some work; return what it took."""
        before = self.search.work
        self.search.limits = replace(self.search.limits, work=int(before + work) + 1)
        try:
            if self.tree is None or not self.tree.grow(_NODES_AT_ONCE):
                self.tree = None
        except OutOfEffortError:
            self.tree = None
        return self.search.work - before


def lift(
    model: CutModel, plan: Positions, search: Search, plant: Plant, between: Callable[[], None]
) -> None:
    r"""
    Raise the bound by solving a p-median region by region, which needs no common plan.

    The dual values of the cuts say what site :math:`j` saves the demand of a region
    :math:`R`: :math:`\lambda^R_j`, its price there. Whatever the prices are, every plan of
    `p` sites costs at least

    .. math::
        \sum_R \min_S \Bigl(\sum_{i \in R} \min_{j \in S} c_{ij} +
        \sum_{j \in S} \lambda^R_j\Bigr)
        - \max_{|S| = p} \sum_{j \in S} \sum_R \lambda^R_j

    which is Lagrangian decomposition [1]_ by parts of town. At these prices the linear
    relaxations of the regions add up to the one of the whole, but here the sites are whole:
    what each region loses to fractions is won. A region that is not solved to the end
    counts with its bound.

    Parameters
    ----------
    model : CutModel
        Any number of sites may have been fixed when it was solved last.
    plan : ndarray
        Columns of a good plan, whose open sites are parted into regions. Few of them
        are not parted.
    search : Search
        Is told the bound.
    plant : callable
    between : callable
        Called after each few nodes: looks for better plans meanwhile.

    References
    ----------
    .. [1] Guignard, M. and Kim, S. (1987). Lagrangean decomposition: a model yielding
       stronger Lagrangean bounds. *Mathematical Programming*, 39(2), 215-228.
       https://doi.org/10.1007/BF02592954
    """
    if model.core.slots < 2 * _OPEN_SITES:
        return
    nothing = np.zeros(len(model.core.sites), dtype=np.bool_)
    solved = model.converge(nothing, nothing, _ANEW)
    of_group = _regions(model, plan)
    count = int(of_group.max()) + 1
    prices = _prices(model, solved, of_group, count)
    regions = []
    for at in range(count):
        groups = np.nonzero(of_group == at)[0]
        region, prices[at] = _region(model, groups, prices[at], plan, search, plant)
        regions.append(region)
        search.spend(region.search.work)
    paid = model.core.choose(-prices.sum(axis=0), opened=nothing, closed=nothing).total
    while not search.closed:
        search.raise_bound(math.fsum(region.search.bound for region in regions) + paid)
        left = [region for region in regions if region.tree is not None]
        if not left:
            return
        region = min(left, key=lambda region: region.search.work)
        search.spend(region.grow(search.limits.work - search.work))
        between()


def _regions(model: CutModel, plan: Positions) -> Positions:
    """Return the region of each group: open sites that share demand stand together."""
    core = model.core
    first = core.first_ranks(plan)
    second = core.pairs.second_open(core.flags(plan), first)
    slot = np.full(len(core.sites) + 1, -1)
    slot[plan] = np.arange(len(plan))
    one, other = slot[core.pairs.sites_at(first)], slot[core.pairs.sites_at(second)]
    both = (one >= 0) & (other >= 0)
    ties = np.zeros((len(plan), len(plan)))
    np.add.at(ties, (one[both], other[both]), 1.0)
    parts = _halved(ties + ties.T + _LEAST_TIE, np.arange(len(plan)))
    of_slot = np.zeros(len(plan), dtype=np.intp)
    for number, part in enumerate(parts):
        of_slot[part] = number
    votes = np.zeros((int(model.group.max()) + 1, len(parts)))
    served = one >= 0
    np.add.at(votes, (model.group[served], of_slot[one[served]]), 1.0)
    _, region = np.unique(votes.argmax(axis=1), return_inverse=True)
    return region.astype(np.intp)


def _halved(ties: Floats, among: Positions) -> list[Positions]:
    """Halve open sites until the parts are small, along the weakest ties (spectral bisection)."""
    if len(among) <= _OPEN_SITES:
        return [among]
    _, vectors = np.linalg.eigh(laplacian(ties[np.ix_(among, among)]))
    order = among[np.argsort(vectors[:, 1], kind="stable")]
    half = len(order) // 2
    return _halved(ties, np.sort(order[:half])) + _halved(ties, np.sort(order[half:]))


def _prices(model: CutModel, solved: Relaxed, of_group: Positions, count: int) -> Floats:
    """Return the price of each site in each region, shape (count, m)."""
    prices = model.savings(of_group, count)
    # What a site lacks to be worth a slot is added where it is worth most.
    lacks = np.where(solved.choice.chosen, 0.0, solved.choice.extra)
    prices[prices.argmax(axis=0), np.arange(prices.shape[1])] += lacks
    return prices


def _region(
    model: CutModel,
    groups: Positions,
    price: Floats,
    plan: Positions,
    search: Search,
    plant: Plant,
) -> tuple[_Region, Floats]:
    """Return the region of some groups, and the prices that matter there."""
    core, members = model.core, np.nonzero(np.isin(model.group, groups))[0]
    free = price <= _FOR_NOTHING_SHARE * price.max(initial=0.0)
    pairs = core.pairs.of_rows(members)
    pairs = pairs.without(base=pairs.paid(pairs.first_open(free)), free=~free)
    useful = np.bincount(pairs.site, minlength=pairs.n_sites) > 0
    pairs = pairs.without(base=pairs.base, free=useful)
    columns = np.nonzero(~free)[0][useful]
    pays = core.flags(columns)
    inside = PricedCore(
        pairs=pairs,
        sites=np.arange(len(columns)),
        opened=np.empty(0, dtype=np.intp),
        slots=len(columns),
        penalty=core.penalty,
        integral=False,
        price=price[columns],
    )
    # With its prices a region may honestly cost more than what no plan of the whole does.
    left = search.limits.work - search.work
    own = search.of_part(work=left, integral=False, hopeless=math.inf)
    own.offer(inside, improved(inside, np.nonzero(core.flags(plan)[columns])[0]))
    # What is open for nothing, or of no use there, costs nothing anywhere else either.
    prices = np.where(pays, price, 0.0)
    if inside.decided:
        own.raise_bound(own.value)
        return _Region(own, None), prices
    group = np.searchsorted(groups, model.group[members])
    small = CutModel(inside, own, group=group, first=model.within(groups, pays, free))
    return _Region(own, plant(small, inside, own)), prices
