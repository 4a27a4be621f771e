"""How little districts could cost at least, and what that rules out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import DistrictProblem, Flags

_PATIENCE = 20
_FIRST_STEP, _LAST_STEP = 1.5, 1e-4
_ROUNDING = 1e-10
"""A bound is lowered by this share, and what is ruled out has to be dearer by it."""


@dataclass(frozen=True, slots=True)
class LowerBound:
    """
    A lower bound, and which pairs of unit and centre a cheaper plan could use.

    Attributes
    ----------
    value : float
        No plan within the bounds of its loads costs less, whether connected or not.
    open : array of bool, shape (n, n)
        Pairs that a plan cheaper than the target could use; the diagonal is for the
        centres themselves.
    steps : int
        Subgradient steps taken.
    """

    value: float
    open: Flags
    steps: int


def lower_bound(problem: DistrictProblem, target: float, *, steps: int) -> LowerBound:
    r"""
    Return a Lagrangian bound on the cost of districts, connected or not.

    With a multiplier :math:`\lambda_i` for "each unit has one centre" and a free one
    :math:`\pi_{jw}` for the bounds of each load of a centre, what is left falls apart
    by centres [1]_: centre `j` costs

    .. math:: \rho_j = \bar C_{jj} - \sum_w \pi_{jw} (U_w [\pi_{jw} > 0] +
       L_w [\pi_{jw} < 0]) + \sum_{i \ne j} \min(0, \bar C_{ij}), \quad
       \bar C_{ij} = C_{ij} - \lambda_i + \sum_w \pi_{jw} a_{iw}

    and the bound is :math:`\sum_i \lambda_i` plus the `k` smallest :math:`\rho_j`.
    Subgradient steps raise it. A pair whose use would lift the bound above
    `target` is ruled out.

    Parameters
    ----------
    problem : DistrictProblem
    target : float
        Cost of a known plan; ``inf`` if none is known, and then nothing is ruled out
        by cost.
    steps : int
        Subgradient steps.

    References
    ----------
    .. [1] Hojati, M. (1996). Optimal political districting. *Computers & Operations
       Research*, 23(12), 1147-1161. https://doi.org/10.1016/S0305-0548(96)00029-9
    """
    count, kinds = problem.weights.shape
    mean = problem.weights.sum(axis=0) / problem.k
    weight = problem.weights / mean
    least, most = problem.lower / mean, problem.upper / mean
    aim = target if math.isfinite(target) else float(problem.cost.mean(axis=0).min()) * count
    lamb = np.sort(problem.cost, axis=1)[:, min(1, count - 1)].copy()
    pi = np.zeros((count, kinds))
    best, allowed = 0.0, np.ones((count, count), dtype=np.bool_)
    step, stale, taken = _FIRST_STEP, 0, 0
    for _ in range(steps):
        taken += 1
        reduced = problem.cost - lamb[:, None] + weight @ pi.T
        own = reduced.diagonal() - (pi * np.where(pi > 0, most, least)).sum(axis=1)
        used = np.minimum(reduced, 0.0)
        np.fill_diagonal(used, 0.0)
        rho = own + used.sum(axis=0)
        order = np.argsort(rho, kind="stable")
        chosen = order[: problem.k]
        value = math.fsum(lamb) + math.fsum(rho[chosen])
        if math.isfinite(target):
            # Where the bound meets the target, what is left between them is rounding.
            room = target - value + _ROUNDING * abs(target)
            allowed &= _not_ruled_out(reduced, rho, order, problem.k, room)
        if value > best + _ROUNDING * abs(best):
            best, stale = value, 0
        else:
            stale += 1
            if stale >= _PATIENCE:
                step, stale = step / 2, 0
        taking = reduced[:, chosen] < 0
        taking[chosen, np.arange(problem.k)] = True
        slope = 1.0 - taking.sum(axis=1)
        load = taking.T.astype(np.float64) @ weight
        over = np.where(
            pi[chosen] > 0,
            load - most,
            np.where(
                pi[chosen] < 0,
                load - least,
                np.maximum(load - most, 0.0) + np.minimum(load - least, 0.0),
            ),
        )
        # loads are shares of a district, multipliers costs: one scale for both
        scale = max(aim / problem.k, 1e-300) ** 2 / max(aim / count, 1e-300) ** 2
        norm = float((slope**2).sum() + scale * (over**2).sum())
        if norm == 0.0 or step < _LAST_STEP or value >= aim:
            break
        length = step * (aim - value) / norm
        lamb += length * slope
        pi[chosen] += length * scale * over
    return LowerBound(best * (1 - _ROUNDING), allowed, taken)


def _not_ruled_out(reduced: Floats, rho: Floats, order: Ints, k: int, room: float) -> Flags:
    """Return which pairs can be used without lifting the bound by more than `room`."""
    last = rho[order[k - 1]]
    opening = np.maximum(rho - last, 0.0)
    lift = opening + np.maximum(reduced, 0.0)
    np.fill_diagonal(lift, opening)
    open_pairs: Flags = lift <= room
    return open_pairs
