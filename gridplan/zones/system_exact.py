"""The evenest connected zones of few units, by a whole-number model and rounds of cuts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from gridplan.geometry import Floats
from gridplan.siting.highs import Model, Options, solve_model
from gridplan.siting.search import Effort
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.land import zone_sums
from gridplan.zones.system_asked import Asked

_MOST_PAIRS = 900
"""Models of more pairs of units are left to the simple bound."""
_HALF = 0.5
_ROUNDING = 1e-6
_LARGEST = 1e4
"""Imbalances beyond it, of bands without any width, are counted in larger units."""


@dataclass(frozen=True, slots=True)
class Evenest:
    """
    What a model says of the evenest zones.

    Attributes
    ----------
    bound : float
        No partition has a smaller imbalance, in tolerances; ``inf`` if there is none.
    zone : array of int, shape (units,), or None
        The evenest partition, where it was found.
    stopped_by : str or None
        What left it short of a proof.
    """

    bound: float
    zone: Ints | None = None
    stopped_by: str | None = None


def _middles(asked: Asked) -> tuple[Floats, Floats]:
    """Return, of the zone of each unit, the middle and half width of what is allowed, (n, w)."""
    first = np.array([zones[0] for zones in asked.zones_of_pieces], dtype=np.intp)
    own = first[asked.ground.piece]
    least, most = asked.aims.least[own], asked.aims.most[own]
    return (least + most) / 2, np.maximum((most - least) / 2, _ROUNDING * np.maximum(most, 1.0))


def imbalance_of(asked: Asked, zone: Ints | None) -> float:
    """Return the farthest that a load is from the middle of what is allowed, in tolerances."""
    if zone is None:
        return math.inf
    of_unit = _middles(asked)
    middle, half = (one[np.unique(zone, return_index=True)[1]] for one in of_unit)
    load = np.stack([zone_sums(one, zone, asked.k) for one in asked.ground.weights.T], axis=1)
    return float((np.abs(load - middle) / half).max())


def heaviest_bound(asked: Asked) -> float:
    """Return the least imbalance that the heaviest unit and the mean load allow."""
    middle, half = _middles(asked)
    weights, piece = asked.ground.weights, asked.ground.piece
    total = np.stack([np.bincount(piece, weights=one) for one in weights.T], axis=1)
    mean = (total / asked.quota[:, None])[piece]
    return max(
        0.0, float(((weights - middle) / half).max()), float(np.abs((mean - middle) / half).max())
    )


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


def evenest(asked: Asked, effort: Effort) -> Evenest:
    """Return what a model with rounds of cuts says."""
    piece = asked.ground.piece
    pairs = np.tril(piece[:, None] == piece[None, :])
    if int(pairs.sum()) > _MOST_PAIRS:
        return Evenest(0.0, stopped_by="size")
    unit, root = np.nonzero(pairs)
    column = np.full(pairs.shape, -1, dtype=np.intp)
    column[unit, root] = np.arange(len(unit))
    unit_t = _scale(asked)
    rows = _rows(asked, column, unit_t)
    count = len(unit) + 1
    cost = np.zeros(count)
    cost[-1] = 1.0
    whole = np.ones(count, dtype=np.bool_)
    whole[-1] = False
    upper = np.ones(count)
    upper[-1] = np.inf
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
            return Evenest(math.inf)
        bound = max(bound, (out.bound - _ROUNDING) * unit_t)
        found = out.values
        if out.answer == "stopped" or found is None:
            return Evenest(bound, stopped_by=out.stopped_by or "work")
        chosen = found[:-1] > _HALF
        root_of = np.empty(len(piece), dtype=np.intp)
        root_of[unit[chosen]] = root[chosen]
        cuts = list(_broken(near, root_of, column))
        if not cuts:
            return Evenest(bound, np.unique(root_of, return_inverse=True)[1])
        for terms in cuts:
            rows.add(terms, -np.inf, 0.0)


def _scale(asked: Asked) -> float:
    """Return in how many tolerances the model counts, so that no figure of it is too large."""
    middle, half = _middles(asked)
    farthest = np.maximum(asked.ground.weights.sum(axis=0) - middle, middle) / half
    return max(1.0, float(farthest.max()) / _LARGEST)


def _rows(asked: Asked, column: Ints, unit_t: float) -> _Rows:
    rows, count = _Rows(), len(column)
    weights, (middle, half) = asked.ground.weights, _middles(asked)
    half = half * unit_t
    level = int(column.max()) + 1
    for unit in range(count):
        rows.add([(one, 1.0) for one in column[unit][column[unit] >= 0].tolist()], 1.0, 1.0)
    rows.add([(int(one), 1.0) for one in column.diagonal()], float(asked.k), float(asked.k))
    for root in range(count):
        units = np.flatnonzero(column[:, root] >= 0).tolist()
        itself = int(column[root, root])
        for kind in range(weights.shape[1]):
            terms = {
                int(column[one, root]): float(weights[one, kind] / half[root, kind])
                for one in units
            }
            terms[itself] -= middle[root, kind] / half[root, kind]
            rows.add([*terms.items(), (level, -1.0)], -np.inf, 0.0)
            rows.add([*terms.items(), (level, 1.0)], 0.0, np.inf)
        for one in units:
            if one != root:
                rows.add([(int(column[one, root]), 1.0), (itself, -1.0)], -np.inf, 0.0)
        _add_seeds(asked, rows, column[:, root])
    return rows


def _add_seeds(asked: Asked, rows: _Rows, column: Ints) -> None:
    """
    Keep units of one locked zone together, and locked zones apart, as well as anchors.

    Which anchor is in which of the locked zones is left to the model.
    """
    seeds = asked.seeds
    for apart in (seeds.locked, [(one,) for one in seeds.anchored]):
        firsts = []
        for units in apart:
            own = [int(column[one]) for one in units]
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
