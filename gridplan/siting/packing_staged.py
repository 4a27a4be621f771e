"""The proof with capacities and conditions: models of the pairs that better plans may use."""

from __future__ import annotations

import math

import numpy as np

from gridplan.siting.highs import Options, solve_model
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.packing_interchange import Finder
from gridplan.siting.packing_linear import Form, Linear, relax
from gridplan.siting.packing_ruled import Ruled, RuledSearch
from gridplan.siting.search import OutOfEffortError

# Pairs per demand point of the first model, growth to the next, and the work each may take.
_PAIRS_PER_DEMAND, _WIDER, _STAGE_WORK = 4.0, 2.0, 2_000.0
# Cutoffs of whole objectives lie this far above what is asked for.
_WHOLE_SLACK = 0.01
_ROUNDING = 1e-11

_Cut = tuple[Floats, Floats, float]


def solve_ruled(ruled: Ruled, search: RuledSearch, start: Positions | None) -> None:
    """
    Find the plan of least cost that keeps capacities and conditions, with its bound, in `search`.

    The linear relaxation gives a bound and says which sites to try; exchanges of sites make
    plans; pairs and sites that no better plan uses are left out by their reduced costs, and HiGHS
    decides on what is left: first on the pairs of plans near the bound, where nothing below the
    ceiling of such a model makes the ceiling a bound, then on all.

    Parameters
    ----------
    start : ndarray of int, optional
        Open sites to begin with.
    """
    used = np.zeros(ruled.packing.cost.shape, dtype=np.bool_)
    finder = Finder(ruled, search, np.zeros(len(ruled.most)))
    if start is not None:
        finder.offer(start)
    if math.isfinite(search.value):
        used[np.arange(len(used)), search.packed.assigned] = True
    linear = relax(ruled, search, used)
    if search.closed:
        return
    if linear is None:
        linear = _no_relaxation(ruled, search)
    finder = Finder(ruled, search, linear.prices)
    finder.offer(finder.rounded(linear.shares))
    finder.exchange(linear.shares)
    if not search.closed:
        _staged(ruled, search, linear)


def _no_relaxation(ruled: Ruled, search: RuledSearch) -> Linear:
    """Return what is known where the relaxation could not be solved: nothing but the bound."""
    cost = ruled.packing.cost
    lift = np.where(np.isfinite(cost), 0.0, np.inf)
    sites = np.zeros(cost.shape[1])
    return Linear(search.bound, lift, sites, sites, np.zeros(len(ruled.most)))


def _staged(ruled: Ruled, search: RuledSearch, linear: Linear) -> None:
    """Solve models of more and more pairs while it is quick, then the one of all."""
    ranked = np.sort(linear.lift[np.isfinite(linear.lift)])
    pairs = _PAIRS_PER_DEMAND * len(ruled.packing.load)
    quick = True
    while not search.closed:
        room = min(search.room, search.beyond) - linear.bound + _ROUNDING * abs(linear.bound)
        more = float(ranked[int(pairs)]) if quick and pairs < len(ranked) else math.inf
        last = more >= room or not math.isfinite(more)
        form = linear.form(ruled, room if last else more)
        ceiling = search.beyond if last else min(linear.bound + more, search.beyond)
        settled = _settled(form, search, ceiling, math.inf if last else _STAGE_WORK)
        if last:
            return
        quick, pairs = settled, pairs * _WIDER


def _settled(form: Form, search: RuledSearch, ceiling: float, work: float) -> bool:
    """Give a model to HiGHS; True if no plan below the ceiling is better than the best one."""
    ruled, cuts = form.ruled, list[_Cut]()
    while True:
        cutoff = min(ceiling, search.beyond)
        if ruled.packing.integral and math.isfinite(cutoff):
            cutoff = math.ceil(cutoff) - 1.0 + _WHOLE_SLACK
        options = Options(cutoff=cutoff, work=work, prune=True, gap=search.limits.gap)
        out = solve_model(form.model(cuts), search, options=options)
        broken: _Cut | None = None
        if out.values is not None:
            chosen, assigned = form.plan(out.values)
            search.keep(ruled.packing, chosen, assigned)
            broken = _broken(ruled, chosen, assigned)
        search.raise_bound(min(out.bound, ceiling))
        if out.stopped_by is not None:
            raise OutOfEffortError(out.stopped_by)
        if out.answer == "stopped" or search.closed:
            return False
        if out.answer == "infeasible" or broken is None:
            return True
        # Within the tolerances of HiGHS, but not within ours.
        cuts.append(broken)


def _broken(ruled: Ruled, chosen: Positions, assigned: Positions) -> _Cut | None:
    """Return a row that rules out a solution that does not keep everything; None if it does."""
    packing = ruled.packing
    n, m = packing.cost.shape
    pairs, sites, every = np.zeros((n, m)), np.zeros(m), np.arange(n)
    full = np.flatnonzero(packing.overload(assigned) > 0)
    over = np.flatnonzero(ruled.tolls(assigned) > ruled.allowed_most)
    if len(full):
        rows = np.flatnonzero(assigned == full[0])
        pairs[rows, full[0]] = 1.0
    elif len(over):
        pays: Flags = ruled.further[over[0], every, assigned] > 0
        pairs[every[pays], assigned[pays]] = 1.0
    elif not ruled.holds(chosen):
        sites[:] = -1.0
        sites[chosen] = 1.0
        return pairs, sites, float(len(chosen)) - 1.0
    else:
        return None
    return pairs, sites, float(pairs.sum()) - 1.0
