"""The fewest new rooms that bring everybody within a distance whom some site can bring there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from gridplan.rooms.question import RoomQuestion
from gridplan.siting import Limits, Rules, p_median
from gridplan.siting.highs import Model, Outcome, solve_model
from gridplan.siting.matrix import Flags
from gridplan.siting.result import Status
from gridplan.siting.search import PROVEN_GAP, Effort, StoppedBy, relative_gap

_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    Sites to open, and how far from the best choice they can be at most.

    Attributes
    ----------
    sites : tuple of str
        New rooms, in order.
    model : str
        ``p-median`` or ``lscp``.
    objective, bound : float
        Resident-metres (p-median) or new rooms (LSCP); ``inf`` without a plan.
    gap : float
    status : {"proven", "gap", "infeasible", "stopped"}
    stopped_by : {None, "work", "time", "interrupt"}
    """

    sites: tuple[str, ...]
    model: str
    objective: float
    bound: float
    gap: float
    status: Status
    stopped_by: StoppedBy | None


def fewest_rooms(question: RoomQuestion, *, radius_m: float) -> Chosen:
    """
    Open the fewest rooms so that all are within `radius_m` whom some site brings there.

    Among the choices with that number, the one with the least total walk is taken as far as
    the limits allow; the number is what is proven. Places that are open today and required
    sites count as open; whom no site brings within the distance is left out here, and told
    by `left_behind`.
    """
    may = np.concatenate([question.fixed, question.free])
    near = question.metres <= radius_m
    today = near[:, question.fixed].any(axis=1)
    rows = (question.residents > 0) & near[:, may].any(axis=1) & ~today
    required = question.names(question.at(question.required))
    sites = question.names(question.free)
    if not rows.any():
        return Chosen(required, "lscp", *_count(len(required)))
    chosen, outcome = _cover(near[np.ix_(rows, question.free)], required, sites, question.limits)
    bound = min(max(outcome.bound, float(len(required)), 1.0), float(len(chosen)))
    gap = relative_gap(float(len(chosen)), bound)
    proven = gap <= PROVEN_GAP
    return Chosen(
        _least_walk(question, chosen, radius_m=radius_m),
        "lscp",
        float(len(chosen)),
        bound,
        gap,
        "proven" if proven else "gap",
        None if proven else outcome.stopped_by or "work",
    )


def _cover(
    near: Flags, required: tuple[str, ...], sites: tuple[str, ...], limits: Limits
) -> tuple[tuple[str, ...], Outcome]:
    r"""
    Return the fewest sites so that each row has one that is near, and what HiGHS proved.

    The set covering model :math:`\min \sum_j y_j` with :math:`\sum_{j \in N_i} y_j \ge 1` for
    each demand :math:`i` [1]_; rows that are near to the same sites are one row.

    References
    ----------
    .. [1] Toregas, C., Swain, R., ReVelle, C. and Bergman, L. (1971). The location of emergency
       service facilities. *Operations Research*, 19(6), 1363-1373.
       https://doi.org/10.1287/opre.19.6.1363
    """
    distinct = np.unique(near, axis=0)
    must = np.isin(np.array(sites, dtype=object), np.array(required, dtype=object))
    start = _greedy_cover(distinct, must)
    count = len(sites)
    outcome = solve_model(
        Model(
            cost=np.ones(count),
            rows=csr_array(distinct.astype(float)),
            least=np.ones(len(distinct)),
            most=np.full(len(distinct), np.inf),
            lower=must.astype(float),
            upper=np.ones(count),
            whole=np.ones(count, dtype=bool),
        ),
        Effort(limits),
        start=start.astype(float),
    )
    best = _no_worse(start, outcome)
    return tuple(one for one, kept in zip(sites, best, strict=True) if kept), outcome


def _no_worse(start: Flags, outcome: Outcome) -> Flags:
    values = outcome.values  # noqa: PD011 - of a solver, not of a frame
    if values is None:
        return start
    found: Flags = np.asarray(values > _HALF)
    return start if found.sum() > start.sum() else found


def _greedy_cover(near: Flags, must: Flags) -> Flags:
    """Return a cover that opens the site with most rows again and again; of equals the first."""
    opened = must.copy()
    left: Flags = np.asarray(~near[:, must].any(axis=1))
    while left.any():
        best = int(near[left].sum(axis=0).argmax())
        opened[best] = True
        left = np.logical_and(left, ~near[:, best])
    return opened


def _count(rooms: int) -> tuple[float, float, float, Status, StoppedBy | None]:
    return float(rooms), float(rooms), 0.0, "proven", None


def _least_walk(
    question: RoomQuestion, chosen: tuple[str, ...], *, radius_m: float
) -> tuple[str, ...]:
    """Return as many rooms that bring the same residents within reach, with the least walk."""
    may = np.sort(np.concatenate([question.fixed, question.free]))
    walks = question.metres[:, may]
    opened = np.concatenate([question.fixed, question.at(chosen)])
    reached = np.isfinite(question.nearest_m(opened)) & (question.residents > 0)
    bound_to_norm: Flags = np.asarray((walks <= radius_m).any(axis=1))
    allowed = np.where(bound_to_norm[:, None] & (walks > radius_m), np.inf, walks)
    ids = [one for one, kept in zip(question.demand_ids, reached, strict=True) if kept]
    better = p_median(
        pd.DataFrame(allowed[reached], index=ids, columns=list(question.names(may))),
        pd.Series(question.residents[reached], index=ids),
        p=len(question.fixed) + len(chosen),
        rules=Rules(fixed=question.names(question.fixed), required=sorted(question.required)),
        limits=Limits(work=question.limits.work, seed=question.limits.seed),
    )
    if not better.sites:
        return chosen
    return tuple(str(one) for one in better.sites if one in question.candidates)
