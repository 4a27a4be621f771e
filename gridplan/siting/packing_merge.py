"""Plans with capacities, put together exactly from groups of demand that others had."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array, csr_array

from gridplan.siting.highs import Model, Options, solve_model
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.packing import Packing, PackingSearch
from gridplan.siting.packing_bound import Bounding, Node
from gridplan.siting.packing_groups import Group, groups_of
from gridplan.siting.packing_plans import plan_from, shaken
from gridplan.siting.search import OutOfEffortError

# Times that groups are put together, at most, and shakes of what came out, between two of them.
_ROUNDS, _SHAKES = 6, 100
# Groups of one model for each demand point: those that the best plans may have. With more of them
# HiGHS finds no better plan in that work.
_MOST_PER_DEMAND = 3
# Work of one model, and the gap at which its plan is good enough.
_WORK, _GAP = 2_000.0, 1e-5


def merged_plans(packing: Packing, search: PackingSearch, node: Node) -> None:
    """
    Put groups of the plans and bounds so far together, and shake the outcome, while that helps.

    An interchange moves demand between two or three sites; where all are nearly full, a better
    plan differs from the best in many at once. Its groups were often met one by one.
    """
    for _ in range(_ROUNDS):
        before = search.value
        if search.closed or not np.isfinite(before):
            return
        _merged(packing, search, Bounding(packing, search, node), node)
        if search.closed or search.value >= before:
            return
        plan_from(packing, search.packed.chosen, search)
        shaken(packing, search, _SHAKES)


def _merged(packing: Packing, search: PackingSearch, bounding: Bounding, node: Node) -> None:
    """Offer the best plan of the groups that a better plan may have."""
    packed = search.packed
    own = list(groups_of(packing.cost, packed.assigned))
    known = {(one.site, one.rows.tobytes()) for one in own}
    others = [one for one in search.groups if (one.site, one.rows.tobytes()) not in known]
    least = bounding.least_of(node, others)
    order = np.argsort(least, kind="stable")[: _MOST_PER_DEMAND * len(packing.load)]
    groups = [*own, *(others[at] for at in order.tolist() if least[at] <= search.room)]
    start = np.zeros(len(groups))
    start[: len(own)] = 1.0
    out = solve_model(
        model_of(packing, groups), search, start=start, options=Options(work=_WORK, gap=_GAP)
    )
    chosen = out.chosen(len(groups))
    if chosen is not None:
        search.keep(packing, *_plan(packing, [groups[at] for at in chosen.tolist()]))
    if out.stopped_by is not None:
        raise OutOfEffortError(out.stopped_by)


def model_of(packing: Packing, groups: list[Group]) -> Model:
    r"""
    Return the choice of groups as a model, the set partitioning form of the problem [1]_.

    .. math::
        \min \sum_g c_g x_g \quad \text{s.t.} \quad \sum_{g \ni i} x_g \ge 1, \quad
        \sum_{g \text{ at } j} x_g \le 1, \quad \sum_g x_g \le p, \quad x_g \in \{0, 1\}

    Demand in several chosen groups goes to the cheapest: what is left of a group still fits.
    Sites that are open in any case are not among the :math:`p` of the last row.

    References
    ----------
    .. [1] Lorena, L. A. N. and Senne, E. L. F. (2004). A column generation approach to
       capacitated p-median problems. *Computers & Operations Research*, 31(6), 863-876.
       https://doi.org/10.1016/S0305-0548(03)00039-X
    """
    n, m = packing.cost.shape
    site = np.array([one.site for one in groups], dtype=np.intp)
    sizes = np.array([len(one.rows) for one in groups], dtype=np.intp)
    every = np.arange(len(groups))
    counted = np.flatnonzero(~packing.must[site])
    row = np.concatenate([*(one.rows for one in groups), n + site, np.full(len(counted), n + m)])
    column = np.concatenate([np.repeat(every, sizes), every, counted])
    ones: Floats = np.ones(len(row))
    return Model(
        cost=np.array([one.cost for one in groups]),
        rows=csr_array(csc_array((ones, (row, column)), shape=(n + m + 1, len(groups)))),
        least=np.concatenate([np.ones(n), np.full(m + 1, -np.inf)]),
        most=np.concatenate(
            [np.full(n, np.inf), np.ones(m), [packing.slots - float(packing.must.sum())]]
        ),
        lower=np.zeros(len(groups)),
        upper=np.ones(len(groups)),
        whole=np.ones(len(groups), dtype=np.bool_),
    )


def _plan(packing: Packing, groups: list[Group]) -> tuple[Positions, Positions]:
    """Return open sites, as many as there have to be, and the site of each demand point."""
    assigned: Positions = np.zeros(len(packing.load), dtype=np.intp)
    paid = np.full(len(packing.load), np.inf)
    for one in groups:
        there = packing.cost[one.rows, one.site]
        nearer = there < paid[one.rows]
        assigned[one.rows[nearer]], paid[one.rows[nearer]] = one.site, there[nearer]
    used = packing.must.copy()
    used[[one.site for one in groups]] = True
    spare = np.flatnonzero(~used)[: packing.slots - int(used.sum())]
    return np.sort(np.concatenate([np.flatnonzero(used), spare])), assigned
