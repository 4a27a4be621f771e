"""The p-center and the p-quantile: the least radius in which p sites have everybody, or most."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from gridplan.errors import CostMatrixError, FaultList, Message
from gridplan.siting.assessment import weighted_quantile
from gridplan.siting.causes import nobody_served, too_few_reached
from gridplan.siting.checked import checked
from gridplan.siting.cover import Cover, filled, greedy_cover, make_cover, reduced, set_model
from gridplan.siting.highs import Options, solve_model
from gridplan.siting.least_cover import LARGE, least_cover
from gridplan.siting.ledger import Ledger, siting_of
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.most_cover import most_coverage
from gridplan.siting.options import Limits, Rules
from gridplan.siting.problem import Problem, make_problem, require_count
from gridplan.siting.result import Siting
from gridplan.siting.search import OutOfEffortError, StoppedBy
from gridplan.verify.choice import Asked

_NO_RULES = Rules()
_NO_LIMITS = Limits()
_SHARE = 0.9
# Weights that sum to a share exactly should reach it despite rounding.
_SUM_SLACK = 1e-12
# Pairs times sites that breaking ties by the mean may look at.
_MOST_SWAPS = 200_000_000
_PASSES = 3
# Work for a radius that is asked about, and how much more the next time.
_FIRST_TRY, _NEXT_TRY = 500.0, 4.0
# Radii on either side of those left open are asked first until they are this part of all left.
_NARROW_SHARE = 0.1
# Pairs that are looked at between two looks at the clock.
_BLOCK_PAIRS = 2_000_000
_TIES = Message(
    en="Other plans may have the same radius and a lower mean: with this many sites, or with "
    "a budget or counts by group, ties are not broken by the mean.",
    zh="可能还有半径相同而平均距离更短的方案：选址点较多，或有预算、分组数量要求时，"
    "不按平均距离再择优。",
)


def p_center(
    cost: np.ndarray | pd.DataFrame,
    *,
    p: int,
    weights: np.ndarray | pd.Series | None = None,
    rules: Rules = _NO_RULES,
    limits: Limits = _NO_LIMITS,
) -> Siting:
    r"""
    Open p sites so that the longest walk to the closest one is least.

    .. math:: \min_{|P| = p} \max_{i : w_i > 0} \min_{j \in P} d_{ij}

    The optimum is one of the distances. For each that a bisection asks about, a set
    covering problem tells whether p sites bring everybody within it [1]_: dominated
    sites and implied demand are dropped, a greedy plan or the linear relaxation
    settles most, branch and bound the rest. Of the plans with the least radius, one
    of a low mean is taken where single interchanges find it; a note says if not.

    Parameters
    ----------
    cost : ndarray or DataFrame, shape (n_demand, n_sites), or a long DataFrame
        Metres, as in `p_median`.
    p : int
        Number of open sites, fixed and required ones included.
    weights : Series by demand id, or ndarray in the row order of `cost`, optional
        Demand without weight does not count; all demand does if absent.
    rules : Rules
    limits : Limits

    Returns
    -------
    Siting
        `objective` and `bound` in metres.

    Raises
    ------
    CostMatrixError
        With one message per fault.

    References
    ----------
    .. [1] Minieka, E. (1970). The m-center problem. *SIAM Review*, 12(1), 138-139.
       https://doi.org/10.1137/1012016

    Examples
    --------
    >>> cost = pd.DataFrame(
    ...     {"A": [0.0, 500.0, 900.0], "B": [500.0, 0.0, 400.0], "C": [900.0, 400.0, 0.0]},
    ...     index=["north", "middle", "south"],
    ... )
    >>> plan = p_center(cost, p=1)
    >>> plan.sites, plan.objective, plan.bound, plan.status
    (('B',), 500.0, 500.0, 'proven')
    """
    require_count(p)
    problem = make_problem(cost, weights, rules, p=p, conditions=True)
    ledger = Ledger(limits, exact=True)

    def search() -> None:
        first = spread(problem, p)
        if first is not None:
            ledger.offer(longest_walk(problem, first), first)
        if least_radius(
            possible_radii(problem, most_m=ledger.value, look=ledger.look),
            lambda at, work: _within(problem, at, p, ledger, work),
            ledger,
        ):
            _prefer_lower_mean(problem, p, ledger)
        else:
            ledger.cause = nobody_served(problem, p, ledger)

    plan = siting_of(ledger, problem, _run(search), unreachable=problem.unreachable)
    return checked(plan, problem, Asked(model="p_center", p=p))


def p_quantile(
    cost: np.ndarray | pd.DataFrame,
    weights: np.ndarray | pd.Series,
    *,
    p: int,
    share: float = _SHARE,
    rules: Rules = _NO_RULES,
    limits: Limits = _NO_LIMITS,
) -> Siting:
    r"""
    Open p sites so that a share of the weight (90 %) lives within the least radius.

    .. math::
        \min r \quad \text{s.t.} \quad \max_{|P| = p}
        \sum_{i : \min_{j \in P} d_{ij} \le r} w_i \ge s \sum_i w_i

    The least radius is one of the distances; for each that a bisection asks about,
    `mclp` covers as much as it can, until the share is reached or proven out of reach.

    Parameters
    ----------
    cost, weights, p, rules, limits
        As in `p_median`. Demand that no site reaches is part of the total weight, and
        is listed in the result.
    share : float
        Above 0, up to 1.

    Returns
    -------
    Siting
        `objective` in metres: the least distance within which the share of the
        weight lives. No smaller radius than `bound` will do.

    Raises
    ------
    CostMatrixError
        With one message per fault.

    Examples
    --------
    >>> cost = pd.DataFrame(
    ...     {"A": [0.0, 500.0, 900.0], "B": [500.0, 0.0, 400.0], "C": [900.0, 400.0, 0.0]},
    ...     index=["north", "middle", "south"],
    ... )
    >>> residents = pd.Series({"north": 5, "middle": 45, "south": 50})
    >>> plan = p_quantile(cost, residents, p=1)
    >>> plan.sites, plan.objective, plan.bound, plan.status
    (('B',), 400.0, 400.0, 'proven')
    """
    faults = FaultList()
    if not (isinstance(share, (int, float)) and 0 < share <= 1):
        faults.add(
            en=f"share is {share!r}; expected a share above 0, up to 1.",
            zh=f"share 为 {share!r}，应为大于 0、不超过 1 的比例。",
        )
    faults.raise_if_any(CostMatrixError)
    require_count(p)
    every = replace(rules, allow_unreachable=True)
    problem = make_problem(cost, weights, every, p=p, conditions=True)
    ledger = Ledger(limits, exact=True)

    def search() -> None:
        first = spread(problem, p)
        if first is not None:
            ledger.offer(_share_radius(problem, first, share), first)
        radii = possible_radii(problem, everybody=False, most_m=ledger.value, look=ledger.look)
        if not least_radius(
            radii, lambda *asked: _covering_share(problem, asked, (p, share), ledger), ledger
        ):
            ledger.cause = too_few_reached(problem, p, share, ledger)

    plan = siting_of(ledger, problem, _run(search), unreachable=problem.unreachable)
    return checked(plan, problem, Asked(model="p_quantile", p=p, share=share))


def _run(search: Callable[[], None]) -> StoppedBy | None:
    try:
        search()
    except OutOfEffortError as stop:
        return stop.reason
    except KeyboardInterrupt:
        return "interrupt"
    return None


def possible_radii(
    problem: Problem,
    *,
    everybody: bool = True,
    most_m: float = math.inf,
    look: Callable[[], None] | None = None,
) -> Floats:
    """
    Return the distances that can be the answer, ascending.

    Parameters
    ----------
    everybody : bool
        All demand is to be served within it.
    most_m : float
        Some plan does with this, so that no larger distance is the answer.
    look : callable, optional
        Called every few rows, and may raise.
    """
    rows, columns = np.flatnonzero(problem.counted), np.flatnonzero(problem.may_open)
    if not len(rows) or not len(columns):
        return np.zeros(1)
    size = max(1, _BLOCK_PAIRS // len(columns))
    least, parts = 0.0, []
    for first in range(0, len(rows), size):
        if look is not None:
            look()
        metres = problem.cost[np.ix_(rows[first : first + size], columns)]
        if everybody:
            least = max(least, float(metres.min(axis=1).max()))
        parts.append(
            np.unique(metres[np.isfinite(metres) & (metres >= least) & (metres <= most_m)])
        )
    found = np.unique(np.concatenate(parts))
    return found[found >= least]


def spread(problem: Problem, p: int) -> Positions | None:
    """
    Return p sites, the farthest demand being given the site nearest to it each time.

    None where rules may not allow them, or some demand is out of reach of them.
    """
    rows, closed = np.flatnonzero(problem.counted), problem.may_open & ~problem.must_open
    chosen = list(np.flatnonzero(problem.must_open))
    if problem.conditions.binding or not len(rows):
        return None
    near = problem.cost[np.ix_(rows, problem.must_open)].min(axis=1, initial=np.inf)
    while len(chosen) < p and closed.any():
        offered = np.where(closed, problem.cost[rows[int(near.argmax())]], np.inf)
        site = int(offered.argmin()) if np.isfinite(offered).any() else int(closed.argmax())
        closed[site] = False
        chosen.append(np.intp(site))
        near = np.minimum(near, problem.cost[rows, site])
    reached = len(chosen) == p and bool(np.isfinite(near).all())
    return np.array(sorted(chosen), dtype=np.intp) if reached else None


RadiusPlan = tuple[float, Positions] | Literal["open"] | None
"""A plan with its radius; None where it is proven that there is none; or neither was shown."""


def least_radius(radii: Floats, ask: Callable[[float, float], RadiusPlan], ledger: Ledger) -> bool:
    """
    Find the least radius with a plan, by bisection; True if there is one.

    A plan in the ledger is begun with; its radius is among those given. What is asked may leave
    one open within its work: others, maybe easier ones, come first, and it again with more.

    Parameters
    ----------
    radii : ndarray
        Ascending.
    ask : callable
        Is given a radius and the work for it.
    """
    if not len(radii):
        radii = np.zeros(1)
    ledger.bring_bound(float(radii[0]))
    work = _FIRST_TRY
    while not math.isfinite(ledger.value):
        plan = ask(float(radii[-1]), work)
        work *= _NEXT_TRY
        if plan is None:
            ledger.infeasible = True
            return False
        if plan != "open":
            ledger.offer(*plan)
    search = _Bisection(radii, -1, int(np.searchsorted(radii, ledger.value)))
    work = _FIRST_TRY
    while search.high - search.low > 1 and not ledger.closed:
        at = search.next()
        if at is None:
            search.open, work = None, work * _NEXT_TRY
            continue
        plan = ask(float(radii[at]), work)
        if plan is None:
            search.low = at
            ledger.bring_bound(float(radii[at + 1]))
        elif plan == "open":
            search.leave_open(at)
        else:
            ledger.offer(*plan)
            search.high = min(at, int(np.searchsorted(radii, plan[0])))
    if search.high - search.low == 1:
        ledger.bring_bound(float(radii[search.high]))
    return True


@dataclass
class _Bisection:
    """No plan up to `low`, one from `high` on; between the two of `open` nothing is known yet."""

    radii: Floats
    low: int
    high: int
    open: tuple[int, int] | None = None

    def next(self) -> int | None:
        """Return the position to ask about; None where few but those asked in vain are left."""
        first, last = self.open or (0, -1)
        # What a plan or a proof has passed meanwhile is not open any more.
        first, last = max(first, self.low + 1), min(last, self.high - 1)
        self.open = (first, last) if first <= last else None
        if self.open is None:
            return self._middle(self.low, self.high)
        sides = (self.low, first), (last, self.high)
        wider = max(sides, key=lambda side: self._width(*side))
        if self._width(*wider) <= _NARROW_SHARE * self._width(self.low, self.high):
            return None
        return self._middle(*wider)

    def leave_open(self, at: int) -> None:
        """Note that nothing was shown."""
        first, last = self.open or (at, at)
        self.open = min(first, at), max(last, at)

    def _middle(self, low: int, high: int) -> int:
        """Return a position between two, with a radius in the middle between theirs."""
        middle_m = (self.radii[max(low, 0)] + self.radii[high]) / 2.0
        return int(np.clip(np.searchsorted(self.radii, middle_m), low + 1, high - 1))

    def _width(self, low: int, high: int) -> float:
        """Return metres between two positions; none where no other is between them."""
        return float(self.radii[high] - self.radii[max(low, 0)]) if high - low > 1 else 0.0


def _within(problem: Problem, radius_m: float, p: int, ledger: Ledger, work: float) -> RadiusPlan:
    """Return p sites that bring everybody within a radius."""
    ledger.spend(1.0)
    within = problem.cost <= radius_m
    cover = make_cover(problem, within, problem.counted, p=p)
    if not cover.covers.any(axis=1).all():
        return None
    small = reduced(cover, ledger.look)
    slots = small.slots or 0
    start = greedy_cover(small) if small.free else None
    chosen: Positions | Literal["open"] | None = start
    if start is None or len(start) > slots:
        chosen = _decided(small, start, ledger, work)
    if chosen is None or isinstance(chosen, str):
        return chosen
    sites = small.positions(chosen)
    sites = filled(problem, sites, p) if small.free else sites
    return longest_walk(problem, sites), sites


def _decided(
    cover: Cover, start: Positions | None, ledger: Ledger, work: float
) -> Positions | Literal["open"] | None:
    """Return columns that cover everybody, few enough; None where it is proven that none do."""
    if start is not None and cover.covers.size > LARGE:
        return _few_enough(cover, start, ledger, work)
    if _too_few(cover, ledger):
        return None
    model = set_model(cover, np.zeros(len(cover.sites)))
    out = solve_model(model, ledger, options=Options(work=work))
    ledger.heed(out.stopped_by)
    return "open" if out.answer == "stopped" else out.chosen(len(cover.sites))


def _few_enough(
    cover: Cover, start: Positions, ledger: Ledger, work: float
) -> Positions | Literal["open"] | None:
    """Look for the fewest columns until there are few enough, or too many for certain."""
    slots = float(cover.slots or 0)
    cover = replace(cover, cost=np.ones(len(cover.sites)), slots=None)
    inner = ledger.inner(work, target=slots, whole=True)
    stopped: StoppedBy = "work"
    try:
        least_cover(cover, start, inner, lambda chosen: inner.offer(float(len(chosen)), chosen))
    except OutOfEffortError as stop:
        stopped = stop.limit()
    finally:
        ledger.work = inner.work
    if inner.value <= slots:
        return inner.plan[1]
    if inner.bound > slots:
        return None
    if stopped != "work" or ledger.work >= ledger.limits.work:
        raise OutOfEffortError(stopped)
    return "open"


def _too_few(cover: Cover, ledger: Ledger) -> bool:
    """Whether the relaxation shows that the sites to open cannot cover everybody."""
    ones = np.ones(len(cover.sites))
    relaxed = solve_model(set_model(replace(cover, slots=None), ones).relaxed, ledger)
    ledger.heed(relaxed.stopped_by)
    return relaxed.bound > float(cover.slots or 0) + 1e-6


def longest_walk(problem: Problem, sites: Positions) -> float:
    """Return the longest walk to the closest of some open sites."""
    metres = problem.cost[np.ix_(problem.counted, sites)]
    return float(metres.min(axis=1, initial=np.inf).max(initial=0.0))


def _share_radius(problem: Problem, sites: Positions, share: float) -> float:
    """Return the distance within which a share of the weight lives."""
    within = problem.cost[:, sites].min(axis=1)
    counted = problem.weights > 0
    return weighted_quantile(within[counted], problem.weights[counted], share)


def _covering_share(
    problem: Problem, asked: tuple[float, float], aim: tuple[int, float], ledger: Ledger
) -> RadiusPlan:
    """Return p sites that have the share of the weight within a radius."""
    (radius_m, work), (p, share) = asked, aim
    target = share * math.fsum(problem.weights) * (1.0 - _SUM_SLACK)
    inner = ledger.inner(work, target=target, maximise=True)
    stopped: StoppedBy | None = None
    try:
        most_coverage(problem, problem.cost <= radius_m, p, inner)
    except OutOfEffortError as stop:
        stopped = stop.limit()
    finally:
        ledger.work = inner.work
    value, sites = inner.plan
    if sites is not None and value >= target:
        return _share_radius(problem, sites, share), sites
    if inner.infeasible or inner.bound < target:
        return None
    if stopped != "work" or ledger.work >= ledger.limits.work:
        raise OutOfEffortError(stopped or "work")
    return "open"


def _prefer_lower_mean(problem: Problem, p: int, ledger: Ledger) -> None:
    """Interchange single sites for a lower mean, with the radius kept, where that is cheap."""
    radius_m, sites = ledger.plan
    if sites is None:
        return
    fixed = problem.must_open[sites]
    metres = problem.cost[problem.counted]
    if problem.conditions.binding or metres.size * p > _MOST_SWAPS:
        ledger.notes.append(_TIES)
        return
    # Beyond the radius, a walk costs more than all others together.
    far = 1.0 + 2.0 * max(radius_m, 1.0) * math.fsum(problem.weights)
    weights = problem.weights[problem.counted]
    paid = np.where(metres <= radius_m, metres * weights[:, None], far)
    paid[:, ~problem.may_open] = np.inf
    now = sites.copy()
    for _ in range(_PASSES):
        before = now.copy()
        for slot in np.flatnonzero(~fixed).tolist():
            ledger.spend(1.0)
            others = np.delete(now, slot)
            base = paid[:, others].min(axis=1, initial=np.inf)
            total = np.minimum(base[:, None], paid).sum(axis=0)
            total[others] = np.inf
            best = int(total.argmin())
            if total[best] < total[now[slot]] * (1.0 - 1e-9):
                now[slot] = best
        if np.array_equal(before, now):
            break
    if not longest_walk(problem, now) > radius_m:
        ledger.plan = (longest_walk(problem, now), np.sort(now))
