"""The best connected districts by a whole-number model and rounds of separator cuts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from gridplan.siting.highs import Model, Options, solve_model
from gridplan.siting.search import Effort
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.districts_problem import DistrictProblem, Flags

_HALF = 0.5

Cut = tuple[int, int, tuple[int, ...]]
"""Unit, centre, and the units one of which has to belong to that centre, too."""


@dataclass(frozen=True, slots=True)
class Exact:
    """
    What the model says of plans below the target.

    Attributes
    ----------
    district : array of int, shape (n,), or None
        A connected plan that costs less, if one was found.
    bound : float
        No connected plan below the target costs less than this; ``inf`` if there is none.
    rounds : int
        Models solved.
    stopped_by : {None, "work", "time", "interrupt"}
    """

    district: Ints | None
    bound: float
    rounds: int
    stopped_by: str | None = None


@dataclass(slots=True)
class _Rows:
    """Rows of a model under way: columns, factors, bounds."""

    index: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    start: list[int] = field(default_factory=lambda: [0])
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)

    def add(self, index: list[int], value: list[float], least: float, most: float) -> None:
        self.index += index
        self.value += value
        self.start.append(len(self.index))
        self.least.append(least)
        self.most.append(most)

    def matrix(self, columns: int) -> csr_array:
        return csr_array(
            (np.array(self.value), np.array(self.index), np.array(self.start)),
            shape=(len(self.least), columns),
        )


def near_pairs(problem: DistrictProblem, district: Ints, *, centres: int, hops: int) -> Flags:
    """
    Return pairs of unit and centre near those of a plan, shape (n, n).

    A unit may go to districts at most `hops` borders away, each round one of the
    `centres` units that are its best centres now.
    """
    allowed = np.zeros((problem.count, problem.count), dtype=np.bool_)
    for own in range(problem.k):
        inside = district == own
        members = np.flatnonzero(inside)
        sums = problem.cost[np.ix_(members, members)].sum(axis=0)
        for _ in range(hops):
            wider = inside.copy()
            wider[problem.left[inside[problem.right]]] = True
            wider[problem.right[inside[problem.left]]] = True
            inside = wider
        allowed[np.ix_(inside, members[np.argsort(sums, kind="stable")[:centres]])] = True
    return allowed


def best_districts(
    problem: DistrictProblem,
    allowed: Flags,
    target: float,
    effort: Effort,
    *,
    work: float,
    gap: float = 0.0,
) -> Exact:
    r"""
    Look for the cheapest connected plan that costs less than `target`.

    :math:`x_{ij} = 1` if unit `i` belongs to centre `j` [1]_:

    .. math:: \min \sum C_{ij} x_{ij}, \quad \sum_j x_{ij} = 1, \quad \sum_j x_{jj} = k,
       \quad L_w x_{jj} \le \sum_i a_{iw} x_{ij} \le U_w x_{jj}, \quad x_{ij} \le x_{jj}

    and for connected districts :math:`x_{ij} \le \sum_{c \in S} x_{cj}` for sets `S`
    whose removal cuts `i` from `j` [2]_: at first the neighbours of each unit, then
    those that the answer of the round before breaks. The first answer that breaks none
    is the best plan.

    Parameters
    ----------
    problem : DistrictProblem
    allowed : array of bool, shape (n, n)
        Pairs that a plan below the target may use.
    target : float
    effort : Effort
        Limits of the whole solver; a stop is told in the outcome.
    work : float
        Most steps for this search.
    gap : float
        Relative gap at which the answer of a round is good enough.

    References
    ----------
    .. [1] Hess, S. W. et al. (1965). Nonpartisan political redistricting by computer.
       *Operations Research*, 13(6), 998-1006. https://doi.org/10.1287/opre.13.6.998
    .. [2] Oehrlein, J. and Haunert, J.-H. (2017). A cutting-plane method for
       contiguity-constrained spatial aggregation. *Journal of Spatial Information
       Science*, 15, 89-120. https://doi.org/10.5311/JOSIS.2017.15.379
    """
    near = _neighbours(problem)
    pairs = _Pairs(_reachable(near, allowed))
    rows = _assignment_rows(problem, pairs)
    for unit, others in enumerate(near):
        for centre in pairs.centres_of(unit):
            if centre != unit and centre not in others:
                _add_cut(rows, pairs, (unit, centre, tuple(others)))
    cost = problem.cost[pairs.unit, pairs.centre]
    bound, end, rounds = -math.inf, effort.work + work, 0
    while effort.work < end:
        rounds += 1
        model = Model(
            cost=cost,
            rows=rows.matrix(len(cost)),
            least=np.array(rows.least),
            most=np.array(rows.most),
            lower=np.zeros(len(cost)),
            upper=np.ones(len(cost)),
            whole=np.ones(len(cost), dtype=np.bool_),
        )
        out = solve_model(
            model,
            effort,
            options=Options(cutoff=target, gap=gap, prune=True, work=end - effort.work),
        )
        bound = max(bound, out.bound)
        if out.answer == "infeasible":
            return Exact(None, math.inf, rounds)
        if out.answer == "stopped" or out.values is None:
            return Exact(None, bound, rounds, out.stopped_by)
        chosen = out.values > _HALF
        centre_of = np.empty(problem.count, dtype=np.intp)
        centre_of[pairs.unit[chosen]] = pairs.centre[chosen]
        cuts = list(_broken(near, centre_of, pairs))
        if not cuts:
            return Exact(np.unique(centre_of, return_inverse=True)[1], bound, rounds)
        for cut in cuts:
            _add_cut(rows, pairs, cut)
    return Exact(None, bound, rounds)


class _Pairs:
    """The columns: pairs of unit and centre that may be used."""

    def __init__(self, allowed: Flags) -> None:
        self.unit, self.centre = np.nonzero(allowed)
        self.column = np.full(allowed.shape, -1, dtype=np.intp)
        self.column[self.unit, self.centre] = np.arange(len(self.unit))

    def centres_of(self, unit: int) -> list[int]:
        """Return the centres that a unit may have."""
        own: list[int] = np.flatnonzero(self.column[unit] >= 0).tolist()
        return own


def _neighbours(problem: DistrictProblem) -> list[list[int]]:
    near: list[list[int]] = [[] for _ in range(problem.count)]
    for a, b in zip(problem.left.tolist(), problem.right.tolist(), strict=True):
        near[a].append(b)
        near[b].append(a)
    return near


def _reachable(near: list[list[int]], allowed: Flags) -> Flags:
    """Return the pairs that have a way within what is allowed for their centre."""
    kept = np.zeros_like(allowed)
    for centre in np.flatnonzero(allowed.diagonal()).tolist():
        kept[_flood(near, centre, allowed[:, centre]), centre] = True
    return kept


def _flood(near: list[list[int]], source: int, inside: Flags) -> list[int]:
    seen = {source}
    found = [source]
    queue = deque(found)
    while queue:
        for other in near[queue.popleft()]:
            if inside[other] and other not in seen:
                seen.add(other)
                found.append(other)
                queue.append(other)
    return found


def _assignment_rows(problem: DistrictProblem, pairs: _Pairs) -> _Rows:
    rows = _Rows()
    column = pairs.column
    for unit in range(problem.count):
        own = column[unit][column[unit] >= 0].tolist()
        rows.add(own, [1.0] * len(own), 1.0, 1.0)
    centres = np.flatnonzero(column.diagonal() >= 0)
    own = column.diagonal()[centres].tolist()
    rows.add(own, [1.0] * len(own), float(problem.k), float(problem.k))
    mean = problem.weights.sum(axis=0) / problem.k
    weight, least, most = problem.weights / mean, problem.lower / mean, problem.upper / mean
    for centre in centres.tolist():
        units = np.flatnonzero(column[:, centre] >= 0)
        used, itself = column[units, centre].tolist(), int(column[centre, centre])
        at = used.index(itself)
        for kind in range(weight.shape[1]):
            values = weight[units, kind].tolist()
            for limit, bounds in ((most[kind], (-np.inf, 0.0)), (least[kind], (0.0, np.inf))):
                shifted = list(values)
                shifted[at] -= limit
                rows.add(used, shifted, *bounds)
        for one in used:
            if one != itself:
                rows.add([one, itself], [1.0, -1.0], -np.inf, 0.0)
    return rows


def _add_cut(rows: _Rows, pairs: _Pairs, cut: Cut) -> None:
    unit, centre, separator = cut
    through = [int(pairs.column[one, centre]) for one in separator]
    through = [one for one in through if one >= 0]
    rows.add(
        [int(pairs.column[unit, centre]), *through], [1.0, *[-1.0] * len(through)], -np.inf, 0.0
    )


def _broken(near: list[list[int]], centre_of: Ints, pairs: _Pairs) -> Iterator[Cut]:
    """Return the cuts that districts in several parts break, for other centres beside too."""
    left = np.array([a for a, others in enumerate(near) for _ in others], dtype=np.intp)
    right = np.array([b for others in near for b in others], dtype=np.intp)
    same = centre_of[left] == centre_of[right]
    part = labelled_components(left[same], right[same], len(near))
    for number in range(int(part.max()) + 1):
        units = np.flatnonzero(part == number).tolist()
        centre = int(centre_of[units[0]])
        if part[centre] == number:
            continue
        around = {other for one in units for other in near[one]} - set(units)
        outside = np.ones(len(near), dtype=np.bool_)
        outside[list(around)] = False
        side = _flood(near, centre, outside)
        touching = {other for one in side for other in near[one]}
        separator = tuple(sorted(around & touching))
        for other in sorted(side):
            for unit in units:
                if pairs.column[unit, other] >= 0:
                    yield unit, other, separator
