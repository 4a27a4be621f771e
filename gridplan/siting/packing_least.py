"""How little has to give way where no plan keeps the capacities: exact, while models are small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from gridplan.siting.highs import Model, Options, Outcome, solve_model
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.packing import FITS, Packing
from gridplan.siting.search import Effort

# Pairs up to which a model is tried, and the work that it may take.
_MOST_PAIRS, _WORK = 20_000, 3_000.0
_HALF = 0.5
# A count of sites is a whole number up to this.
_WHOLE = 1e-4


@dataclass(frozen=True, slots=True)
class Least:
    """
    The smallest relaxation, as far as it is known.

    Attributes
    ----------
    found : float or None
        With this there is a plan; None if none was found.
    proven : bool
        With less there is none; where none was found, with nothing at all.
    """

    found: float | None
    proven: bool


_UNKNOWN = Least(None, proven=False)


def least_factor(packing: Packing, reach: np.ndarray, capacity: Floats, effort: Effort) -> Least:
    r"""
    Return by how many times capacities have to grow at least, at equal numbers of sites.

    .. math::
        \min t \quad \text{s.t.} \quad \sum_j x_{ij} = 1, \quad
        \sum_i q_i x_{ij} \le t Q_j, \quad x_{ij} \le y_j, \quad \sum_j y_j = p

    Parameters
    ----------
    reach : ndarray of bool, shape (n, m)
        Pairs that may be used whatever the capacities.
    capacity : ndarray, shape (m,)
        :math:`Q_j`, as it was given.
    """
    load = packing.load
    row, site = np.nonzero(reach & ((capacity > 0)[None, :] | (load <= 0)[:, None]))
    n, m, k = len(load), len(capacity), len(row)
    if not k or k > _MOST_PAIRS:
        return _UNKNOWN
    pair, one = np.arange(k), np.ones(k)
    share = np.where(capacity[site] > 0, load[row] / np.where(capacity > 0, capacity, 1.0)[site], 0)
    size = k + m + 1
    served = csr_array((one, (row, pair)), shape=(n, size))
    filled = csr_array(
        (
            np.concatenate([share, -np.ones(m)]),
            (np.concatenate([site, np.arange(m)]), np.concatenate([pair, np.full(m, size - 1)])),
        ),
        shape=(m, size),
    )
    model = Model(
        cost=np.concatenate([np.zeros(k + m), [1.0]]),
        rows=csr_array(vstack([served, filled, *_opened(site, k, m, size)], format="csr")),
        least=np.concatenate([np.ones(n), np.full(m + k, -np.inf), [float(packing.slots)]]),
        most=np.concatenate([np.ones(n), np.zeros(m + k), [float(packing.slots)]]),
        lower=np.concatenate([np.zeros(k), packing.must.astype(np.float64), [0.0]]),
        upper=np.concatenate([np.ones(k + m), [np.inf]]),
        whole=np.concatenate([np.ones(k + m, dtype=np.bool_), [False]]),
    )
    out = solve_model(model, effort, options=Options(work=_WORK))
    if out.answer == "infeasible":
        return Least(None, proven=True)
    assigned = _assigned(out, row, site, n)
    if assigned is None:
        return _UNKNOWN
    held = np.bincount(assigned, weights=load, minlength=m)
    used = held > 0
    factor = float((held[used] / capacity[used]).max(initial=0.0)) / FITS
    return Least(factor, proven=out.answer == "optimal")


def least_sites(packing: Packing, effort: Effort) -> Least:
    r"""
    Return how many sites are needed at least, at the capacities given.

    .. math::
        \min \sum_j y_j \quad \text{s.t.} \quad \sum_j x_{ij} = 1, \quad
        \sum_i q_i x_{ij} \le Q_j y_j, \quad x_{ij} \le y_j
    """
    row, site = np.nonzero(np.isfinite(packing.cost))
    n, m, k = len(packing.load), len(packing.capacity), len(row)
    if not k or k > _MOST_PAIRS:
        return _UNKNOWN
    pair, one, size = np.arange(k), np.ones(k), k + m
    room = packing.capacity * FITS
    share = np.where(room[site] > 0, packing.load[row] / np.where(room > 0, room, 1.0)[site], 0)
    served = csr_array((one, (row, pair)), shape=(n, size))
    filled = csr_array(
        (
            np.concatenate([share, -np.ones(m)]),
            (np.concatenate([site, np.arange(m)]), np.concatenate([pair, k + np.arange(m)])),
        ),
        shape=(m, size),
    )
    opened, _ = _opened(site, k, m, size)
    model = Model(
        cost=np.concatenate([np.zeros(k), np.ones(m)]),
        rows=csr_array(vstack([served, filled, opened], format="csr")),
        least=np.concatenate([np.ones(n), np.full(m + k, -np.inf)]),
        most=np.concatenate([np.ones(n), np.zeros(m + k)]),
        lower=np.concatenate([np.zeros(k), packing.must.astype(np.float64)]),
        upper=np.ones(size),
        whole=np.ones(size, dtype=np.bool_),
    )
    out = solve_model(model, effort, options=Options(work=_WORK))
    if out.answer == "infeasible":
        return Least(None, proven=True)
    assigned = _assigned(out, row, site, n)
    # Loads that are no whole numbers may fit by a tolerance of the solver alone.
    if assigned is None or packing.overload(assigned).any():
        return _UNKNOWN
    used = np.union1d(assigned, np.flatnonzero(packing.must))
    return Least(float(len(used)), proven=len(used) <= out.bound + _WHOLE)


def _opened(site: Positions, k: int, m: int, size: int) -> tuple[csr_array, csr_array]:
    """Return the rows that pairs need open sites, and the one that counts the sites."""
    pair, one = np.arange(k), np.ones(k)
    needed = csr_array(
        (
            np.concatenate([one, -one]),
            (np.concatenate([pair, pair]), np.concatenate([pair, k + site])),
        ),
        shape=(k, size),
    )
    counted = csr_array((np.ones(m), (np.zeros(m, dtype=np.intp), k + np.arange(m))), (1, size))
    return needed, counted


def _assigned(out: Outcome, row: Positions, site: Positions, n: int) -> Positions | None:
    """Return the site of each demand point in a solution; None without one."""
    if out.values is None:
        return None
    used = np.flatnonzero(out.values[: len(row)] > _HALF)
    if len(used) != n:
        return None
    assigned = np.empty(n, dtype=np.intp)
    assigned[row[used]] = site[used]
    return assigned
