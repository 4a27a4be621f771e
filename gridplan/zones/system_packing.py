"""Zones of land with few loaded units: which of these go together, by a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from gridplan.geometry import Floats
from gridplan.siting.highs import Model, Options, solve_model
from gridplan.siting.options import Limits
from gridplan.siting.search import Effort
from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.system_loaded import (
    MOST_GROUPS,
    ROUNDING,
    Groups,
    Loaded,
    covering,
    crossing,
    groups_of,
    loaded_of,
    most_within,
    ones_of,
    stuck_of,
)
from gridplan.zones.system_routes import joined_zones, ways_between
from gridplan.zones.system_state import Aims, Units

_WORK = 2_000
"""Work of one model; see `gridplan.siting.Limits`."""
_TRIES = 3
"""Choices that are tried where zones cannot be joined, at most: later ones seldom can."""
_MANY = 1_000
"""Of more groups than these only the first choice is tried: each takes as long as a search."""
_GAP = 1e-4
_ABOVE = 1.3
"""Groups above what is allowed by more than this are left out, but for the heaviest unit's."""
_FIRST, _SECOND, _THIRD, _SPREAD = 1000.0, 30.0, 10.0, 1.0
"""Prices of what ranks first, second and third, and of a zone as wide as a mean one."""


@dataclass(frozen=True, slots=True)
class Packed:
    """
    What a model makes of one piece of land.

    Attributes
    ----------
    zone : array of int, shape (n,), or None
        Of each unit; None where no choice could be joined.
    best : bool
        Whether it is the best choice of all: nothing was ruled out on the way.
    """

    zone: Ints | None
    best: bool = False


_NOTHING = Packed(None)


def packed(
    units: Units, aims: Aims, *, banded: bool, within: int | None = None, groups: int = MOST_GROUPS
) -> Packed:
    r"""
    Return zones of land with few loaded units, chosen by a model.

    Of all connected groups :math:`S` of loaded units `k` are chosen that hold each unit
    once and cost least,
    :math:`\min \sum_S c_S x_S` with :math:`\sum_{S \ni i} x_S = 1` and
    :math:`\sum_S x_S = k`; a group costs most for being beyond what is allowed where no
    unit of it is so alone, then for being beyond at all, then for how far, then for how far
    apart its units are. In a size band the excess comes first. Ways through the empty land
    are found for what is chosen; where there are none, the zones in each other's way are
    not chosen together again.

    Parameters
    ----------
    units : Units
        Connected; without fixed units or costs of leaving.
    aims : Aims
        The same bounds for each zone.
    banded : bool
    within : int, optional
        So many zones can be within what is allowed at most, where it is known.
    groups : int, optional
        Land with more groups of loaded units is left to the search.
    """
    k = len(aims.least)
    if units.fixed.any() or units.leaving is not None or not _even(aims):
        return _NOTHING
    loaded = loaded_of(units)
    if len(loaded.units) < k:
        return _NOTHING
    least, most = aims.least[0], aims.most[0]
    effort = Effort(Limits(work=_WORK))
    wide = np.maximum(most * _ABOVE, loaded.weights.max(axis=0, initial=0.0))
    known = groups_of(loaded, wide, limit=groups)
    if known is None:
        return _NOTHING
    cost, inside = _costs(units, loaded, known, (least, most, aims.span), banded=banded)
    rows, low, high = _rows(loaded, known, k)
    if within is not None:
        rows = csr_array(vstack([rows, csr_array(inside.astype(np.float64)[None, :])]))
        low, high = np.append(low, -np.inf), np.append(high, float(within))
    return _chosen(units, loaded, known, cost, (rows, low, high), effort)


def least_beyond(units: Units, aims: Aims) -> tuple[int, int] | None:
    """
    Return how many zones are beyond what is allowed at least, wherever borders run.

    First those that no unit alone puts there, then all; None where it is not known. Of land
    with too many groups, one where a unit is in no group within the bounds (`stuck_of`).
    """
    k = len(aims.least)
    if not _even(aims):
        return None
    loaded, most = loaded_of(units), aims.most[0]
    found = most_within(loaded, aims.least[0], most, k, Effort(Limits(work=_WORK)))
    heavy = int((loaded.weights > most * (1 + ROUNDING)).any(axis=1).sum())
    total = loaded.weights.sum(axis=0)
    # As many zones as there are would have more, or less, than all of the land has.
    uneven = bool(((total > k * most * (1 + ROUNDING))
                   | (total < k * aims.least[0] * (1 - ROUNDING))).any())  # fmt: skip
    if found is None:
        stuck = uneven or stuck_of(loaded, aims.least[0], most)
        return (int(not heavy), 1) if stuck else None
    beyond = max(int(uneven), k - found)
    return max(0, beyond - heavy), beyond


def _even(aims: Aims) -> bool:
    return bool((aims.least == aims.least[0]).all() and (aims.most == aims.most[0]).all())


def _costs(
    units: Units,
    loaded: Loaded,
    groups: Groups,
    allowed: tuple[Floats, Floats, Floats],
    *,
    banded: bool,
) -> tuple[Floats, Flags]:
    """Return what each group costs, and whether it is within what is allowed."""
    least, most, span = allowed
    above = np.maximum(groups.load - most * (1 + ROUNDING), 0.0)
    below = np.maximum(least * (1 - ROUNDING) - groups.load, 0.0)
    excess = ((above + below) / span).sum(axis=1)
    beyond = excess > 0
    heavy = np.flatnonzero((loaded.weights > most * (1 + ROUNDING)).any(axis=1)).tolist()
    bits = sum(1 << one for one in heavy)
    alone = np.array([bool(one & bits) for one in groups.bits])
    first, second = beyond & ~alone, beyond
    if banded:
        told = _FIRST * excess + _SECOND * first + _THIRD * second
    else:
        told = _FIRST * first + _SECOND * excess + _THIRD * second
    wide_m = math.sqrt(math.fsum(units.land.area_m2) / len(loaded.units))
    away = ways_between(units.land, loaded.units) / wide_m
    spread = np.array([_spread(away, list(ones_of(one))) for one in groups.bits])
    return np.asarray(told + _SPREAD * spread, dtype=np.float64), ~beyond


def _spread(away: Floats, members: list[int]) -> float:
    """Return the length of the shortest tree that joins some units."""
    if len(members) == 1:
        return 0.0
    inner = away[np.ix_(members, members)]
    nearest, left, total = inner[0].copy(), np.ones(len(members), dtype=np.bool_), 0.0
    left[0] = False
    for _ in range(len(members) - 1):
        one = int(np.where(left, nearest, np.inf).argmin())
        total += float(nearest[one])
        left[one] = False
        nearest = np.minimum(nearest, inner[one])
    return total


def _rows(loaded: Loaded, groups: Groups, k: int) -> tuple[csr_array, Floats, Floats]:
    """Return that each unit is held once, there are `k` groups, and necks are kept."""
    all_ = csr_array(np.ones((1, len(groups.bits))))
    rows = vstack([covering(groups, len(loaded.units)), all_, crossing(loaded, groups.bits)])
    once = np.append(np.ones(len(loaded.units)), float(k))
    free = len(loaded.necks)
    return (csr_array(rows), np.append(once, np.full(free, -np.inf)),
            np.append(once, np.ones(free)))  # fmt: skip


def _chosen(
    units: Units,
    loaded: Loaded,
    groups: Groups,
    cost: Floats,
    table: tuple[csr_array, Floats, Floats],
    effort: Effort,
) -> Packed:
    """Return the cheapest choice that can be joined, of the first few."""
    count = len(groups.bits)
    rows, least, most = table
    for number in range(_TRIES if count <= _MANY else 1):
        model = Model(cost=cost, rows=rows, least=least, most=most, lower=np.zeros(count),
                      upper=np.ones(count), whole=np.ones(count, dtype=np.bool_))  # fmt: skip
        out = solve_model(model, effort, options=Options(gap=_GAP))
        chosen = out.chosen(count)
        if chosen is None:
            return _NOTHING
        held = [[int(loaded.units[one]) for one in ones_of(groups.bits[at])]
                for at in chosen.tolist()]  # fmt: skip
        zone, torn = joined_zones(units.land, held)
        if zone is not None:
            return Packed(zone, best=not number and out.answer == "optimal")
        row = np.zeros((1, count))
        row[0, chosen[list(torn)]] = 1.0
        rows = csr_array(vstack([rows, csr_array(row)]))
        least, most = np.append(least, -np.inf), np.append(most, len(torn) - 1.0)
    return _NOTHING
