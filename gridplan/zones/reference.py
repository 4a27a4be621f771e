"""How even connected zones could be at best: an exact optimum or a lower bound."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from gridplan.geometry import Floats
from gridplan.siting.highs import Model, Options, solve_model
from gridplan.siting.options import Limits
from gridplan.siting.search import Effort
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.land import zone_sums
from gridplan.zones.system import Asked, asked_of
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemPlan, SystemRules

_LIMITS = Limits(work=50_000)
_MOST_PAIRS = 900
"""Models of more pairs of units are left to the simple bound."""
_HALF = 0.5
_ROUNDING = 1e-6
_PROVEN = 1e-5
"""A gap of what the solver's tolerances take from the bound."""
_NO_RULES = SystemRules()
_OPTIONS = SystemOptions()


@dataclass(frozen=True, slots=True)
class Reference:
    """
    How far a plan is from the evenest that connected zones could be.

    Attributes
    ----------
    imbalance : float
        Of the plan: the farthest that any load of a zone is from the middle of what is
        allowed, in tolerances. Up to 1: all zones are within what is allowed.
    bound : float
        No partition into as many connected zones that keeps the rules has less.
    gap : float
        ``imbalance - bound``, in tolerances, 0 or more.
    status : {"proven", "gap"}
        ``proven``: nothing is evener than the plan.
    feasible : bool or None
        Whether some partition is within all that is allowed; null: not known.
    zone : Series of int or None
        An evener partition, by ``cell_uid``, where the model found one.
    stopped_by : {None, "size", "work", "time", "interrupt"}
        What left the bound short of a proof; ``size``: too many units for the model.
    """

    imbalance: float
    bound: float
    gap: float
    status: Literal["proven", "gap"]
    feasible: bool | None
    zone: pd.Series[int] | None = None
    stopped_by: str | None = None


def zone_reference(
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    plan: SystemPlan,
    *,
    rules: SystemRules = _NO_RULES,
    options: SystemOptions = _OPTIONS,
    limits: Limits = _LIMITS,
) -> Reference:
    r"""
    Return how even zones could be at best, beside how even those of a plan are.

    On small instances a whole-number model decides. :math:`x_{ij} = 1` if unit `i` is in
    the zone whose first unit is `j \le i`:

    .. math:: \min t, \quad \sum_j x_{ij} = 1, \quad \sum_j x_{jj} = k, \quad
       |\sum_i a_{iw} x_{ij} - m_w x_{jj}| \le h_w t, \quad x_{ij} \le x_{jj}

    with the middle :math:`m_w` and half width :math:`h_w` of what is allowed, and rounds
    of separator cuts :math:`x_{ij} \le \sum_{c \in S} x_{cj}` that keep zones
    connected [1]_. On larger ones the bound is that of the heaviest unit.

    Parameters
    ----------
    cells, weights, rules, options
        As given to `gridplan.zones.zone_system`.
    plan : SystemPlan
        What that returned.
    limits : Limits, optional
        Work and seconds of the model.

    References
    ----------
    .. [1] Oehrlein, J. and Haunert, J.-H. (2017). A cutting-plane method for
       contiguity-constrained spatial aggregation. *Journal of Spatial Information
       Science*, 15, 89-120. https://doi.org/10.5311/JOSIS.2017.15.379
    """
    asked = asked_of(cells, weights, rules, options)
    zone = pd.factorize(plan.zone_of.reindex(asked.own["cell_uid"]), sort=True)[0]
    imbalance = _imbalance(asked, _of_units(asked, zone))
    found = _decided(asked, Effort(limits))
    bound = min(max(found.bound, _heaviest(asked)), imbalance)
    better = None
    if found.zone is not None and _imbalance(asked, found.zone) < imbalance - _ROUNDING:
        better = pd.Series(found.zone[asked.ground.unit], index=asked.own["cell_uid"])
    feasible = None
    if min(imbalance, _imbalance(asked, found.zone) if better is not None else math.inf) <= (
        1 + _ROUNDING
    ):
        feasible = True
    elif bound > 1 + _ROUNDING:
        feasible = False
    gap = max(0.0, imbalance - bound)
    return Reference(
        imbalance=imbalance,
        bound=bound,
        gap=gap,
        status="proven" if gap <= _PROVEN else "gap",
        feasible=feasible,
        zone=better,
        stopped_by=found.stopped_by,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    bound: float
    zone: Ints | None = None
    stopped_by: str | None = None


def _of_units(asked: Asked, of_cell: Ints) -> Ints:
    zone = np.empty(asked.ground.land.count, dtype=np.intp)
    zone[asked.ground.unit] = of_cell
    return zone


def _middles(asked: Asked) -> tuple[Floats, Floats]:
    """Return the middle and the half width of what is allowed, shape (w,)."""
    least, most = asked.aims.least[0], asked.aims.most[0]
    return (least + most) / 2, np.maximum((most - least) / 2, _ROUNDING * np.maximum(most, 1.0))


def _imbalance(asked: Asked, zone: Ints | None) -> float:
    if zone is None:
        return math.inf
    middle, half = _middles(asked)
    load = np.stack([zone_sums(one, zone, asked.k) for one in asked.ground.weights.T], axis=1)
    return float((np.abs(load - middle) / half).max())


def _heaviest(asked: Asked) -> float:
    """Return the least imbalance that the heaviest unit and the mean load allow."""
    middle, half = _middles(asked)
    weights = asked.ground.weights
    heavy = (weights.max(axis=0) - middle) / half
    mean = np.abs(weights.sum(axis=0) / asked.k - middle) / half
    return float(max(0.0, heavy.max(), mean.max()))


@dataclass(slots=True)
class _Rows:
    """Rows of the model under way."""

    index: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    start: list[int] = field(default_factory=lambda: [0])
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)

    def add(self, terms: list[tuple[int, float]], least: float, most: float) -> None:
        self.index += [one for one, _ in terms]
        self.value += [one for _, one in terms]
        self.start.append(len(self.index))
        self.least.append(least)
        self.most.append(most)


def _decided(asked: Asked, effort: Effort) -> _Found:
    """Return what a model with rounds of cuts says."""
    piece = asked.ground.piece
    pairs = np.tril(piece[:, None] == piece[None, :])
    if int(pairs.sum()) > _MOST_PAIRS:
        return _Found(0.0, stopped_by="size")
    unit, root = np.nonzero(pairs)
    column = np.full(pairs.shape, -1, dtype=np.intp)
    column[unit, root] = np.arange(len(unit))
    rows = _rows(asked, column)
    count = len(unit) + 1
    cost = np.zeros(count)
    cost[-1] = 1.0
    whole = np.ones(count, dtype=np.bool_)
    whole[-1] = False
    upper = np.ones(count)
    upper[-1] = 1e6
    near = asked.ground.neighbours()
    bound = 0.0
    while True:
        model = Model(
            cost=cost,
            rows=csr_array((np.array(rows.value), np.array(rows.index), np.array(rows.start)),
                           shape=(len(rows.least), count)),
            least=np.array(rows.least),
            most=np.array(rows.most),
            lower=np.zeros(count),
            upper=upper,
            whole=whole,
        )  # fmt: skip
        out = solve_model(model, effort, options=Options())
        if out.answer == "infeasible":
            return _Found(math.inf)
        bound = max(bound, out.bound - _ROUNDING)
        found = out.values  # noqa: PD011 - no frame
        if out.answer == "stopped" or found is None:
            return _Found(bound, stopped_by=out.stopped_by or "work")
        chosen = found[:-1] > _HALF
        root_of = np.empty(len(piece), dtype=np.intp)
        root_of[unit[chosen]] = root[chosen]
        cuts = list(_broken(near, root_of, column))
        if not cuts:
            return _Found(bound, np.unique(root_of, return_inverse=True)[1])
        for terms in cuts:
            rows.add(terms, -np.inf, 0.0)


def _rows(asked: Asked, column: Ints) -> _Rows:
    rows, count = _Rows(), len(column)
    weights, (middle, half) = asked.ground.weights, _middles(asked)
    level = int(column.max()) + 1
    for unit in range(count):
        rows.add([(one, 1.0) for one in column[unit][column[unit] >= 0].tolist()], 1.0, 1.0)
    rows.add([(int(one), 1.0) for one in column.diagonal()], float(asked.k), float(asked.k))
    for root in range(count):
        units = np.flatnonzero(column[:, root] >= 0).tolist()
        itself = int(column[root, root])
        for kind in range(weights.shape[1]):
            terms = {
                int(column[one, root]): float(weights[one, kind] / half[kind]) for one in units
            }
            terms[itself] -= middle[kind] / half[kind]
            rows.add([*terms.items(), (level, -1.0)], -np.inf, 0.0)
            rows.add([*terms.items(), (level, 1.0)], 0.0, np.inf)
        for one in units:
            if one != root:
                rows.add([(int(column[one, root]), 1.0), (itself, -1.0)], -np.inf, 0.0)
        _add_seeds(asked, rows, column[:, root])
    return rows


def _add_seeds(asked: Asked, rows: _Rows, column: Ints) -> None:
    """Keep units of one seed in one zone, and seeds apart."""
    seeds, firsts = asked.seeds, []
    for units in seeds.units:
        held = [one for one in units if one in set(seeds.fixed)] or [units[0]]
        own = [int(column[one]) for one in held]
        firsts.append(own[0])
        for first, other in itertools.pairwise(own):
            terms = [(one, sign) for one, sign in ((first, 1.0), (other, -1.0)) if one >= 0]
            if terms:
                rows.add(terms, 0.0, 0.0)
    terms = [(one, 1.0) for one in firsts if one >= 0]
    if len(terms) > 1:
        rows.add(terms, -np.inf, 1.0)


def _broken(
    near: list[list[int]], root_of: Ints, column: Ints
) -> Iterator[list[tuple[int, float]]]:
    """Yield the cuts that zones in several parts break."""
    ends = [(a, b) for a, others in enumerate(near) for b in others if root_of[a] == root_of[b]]
    left, right = np.array(ends, dtype=np.intp).reshape(-1, 2).T
    part = labelled_components(left, right, len(near))
    for number in range(int(part.max()) + 1):
        units = np.flatnonzero(part == number).tolist()
        root = int(root_of[units[0]])
        if part[root] == number:
            continue
        around = {other for one in units for other in near[one]} - set(units)
        separator = [int(column[one, root]) for one in around if column[one, root] >= 0]
        for unit in units:
            yield [(int(column[unit, root]), 1.0), *((one, -1.0) for one in sorted(separator))]
