"""In which order rooms are built: what is built stays, and each phase brings the most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.errors import StoppedError
from gridplan.rooms.question import (
    Floats,
    Positions,
    RoomQuestion,
    compared_m,
    first_best,
    gains,
    walks_to,
    weighted_walk,
)
from gridplan.rooms.searches import heeded
from gridplan.siting import propose_rooms
from gridplan.siting.search import PROVEN_GAP, relative_gap

_COLUMNS = (
    "phase", "rooms", "rooms_so_far", "cost", "cost_so_far", "residents_gained", "saved_walk",
    "mean_m", "p90_m", "within_share", "beyond", "unreachable", "lower_bound", "gap", "status",
    "sites",
)  # fmt: skip
_BOUND_PAIRS = 5_000_000
"""Pairs of home and site up to which the bound of each phase is cheap enough to be computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phasing:
    """
    How much is built in one phase; the first that is given holds.

    Attributes
    ----------
    rooms : int or None
        Rooms per phase.
    budget : float or None
        Yuan per phase.
    phases : int
        Number of phases, of as equal numbers of rooms as can be.
    """

    rooms: int | None = None
    budget: float | None = None
    phases: int = 3


def in_phases(
    question: RoomQuestion, sites: Sequence[str], *, phasing: Phasing
) -> tuple[dict[str, int], pd.DataFrame]:
    """
    Return the phase of each room, and what each phase brings.

    Rooms are taken one by one, each time the one that saves most metres beside all that is
    built (greedy), so that no room is planned twice and nothing is ever closed. Whether other
    rooms of the same list would have brought more by the end of a phase is told by the bound
    of the p-median on them.

    Parameters
    ----------
    sites : new rooms, of which all are built in the end

    Returns
    -------
    dict of site id to phase, from 1
    DataFrame, one row per phase
        ``rooms``, ``rooms_so_far``, ``cost`` and ``cost_so_far`` (yuan, null where a room has
        no cost), ``residents_gained`` (more within the norm), ``saved_walk`` (resident-metres, of
        those who had a walk), the walks by its end, ``lower_bound`` (of the resident-metres by
        its end, null where it was not computed, or stopped before it had one), ``gap``,
        ``status`` (``proven`` or ``gap``; null where it was not computed), ``sites``.
    """
    order = building_order(question, question.at(sites), question.fixed)
    groups = _cut(question, order, phasing)
    walks_before = walks_to(question, question.fixed)
    rows, built = [], list[int]()
    for phase, group in enumerate(groups, start=1):
        before = built.copy()
        built += group
        places = np.concatenate([question.fixed, np.array(built, dtype=int)])
        walks = walks_to(question, places)
        rows.append(
            {
                "phase": phase,
                "rooms": len(group),
                "rooms_so_far": len(built),
                "cost": question.cost_of(question.names(group)),
                "cost_so_far": question.cost_of(question.names(built)),
                "residents_gained": round(walks.within - walks_before.within),
                "saved_walk": _saved(question, before, built),
                "mean_m": walks.mean_m,
                "p90_m": walks.p90_m,
                "within_share": walks.within_share,
                "beyond": round(walks.beyond),
                "unreachable": round(walks.unreachable),
                **_bound(question, sites, before, group, weighted_walk(question, places)),
                "sites": " ".join(sorted(question.names(group))),
            }
        )
        walks_before = walks
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    figures = ["cost", "cost_so_far", "saved_walk", "mean_m", "p90_m", "within_share",
               "lower_bound", "gap"]  # fmt: skip
    typed = table.astype({**dict.fromkeys(figures, "float64"), "status": "object"})
    phase_of = {question.site_ids[j]: n for n, group in enumerate(groups, 1) for j in group}
    return phase_of, typed


def building_order(
    question: RoomQuestion, sites: Positions, standing: Positions, *, most: int | None = None
) -> list[int]:
    """
    Return sites in the order of what each brings beside all before it.

    Reaching residents who reach nothing comes first, then the metres saved; of equals the
    first id. With `most`, the order ends after so many sites.
    """
    walks, counted = compared_m(question), question.counted
    today = walks[:, standing].min(axis=1, initial=math.inf)
    today = np.where(np.isfinite(today), today, walks.max(initial=0.0))
    left, order = sorted(int(j) for j in sites), list[int]()
    while left and (most is None or len(order) < most):
        best = left.pop(first_best(gains(walks, counted, today, np.array(left))))
        order.append(best)
        today = np.minimum(today, walks[:, best])
    return order


def _cut(question: RoomQuestion, order: Sequence[int], phasing: Phasing) -> list[list[int]]:
    if not order:
        return []
    if phasing.rooms is not None:
        return [list(order[i : i + phasing.rooms]) for i in range(0, len(order), phasing.rooms)]
    if phasing.budget is not None:
        return _cut_by_cost(question, order, phasing.budget)
    number = min(phasing.phases, len(order))
    return [part.tolist() for part in np.array_split(np.array(order), number)]


def _cut_by_cost(question: RoomQuestion, order: Sequence[int], budget: float) -> list[list[int]]:
    """
    Return phases that each cost at most the budget; what is left of one goes to the next.

    A room without a known cost counts as 0 here: the caller says that it has none.
    """
    groups: list[list[int]] = [[]]
    left = budget
    for j in order:
        known = float(question.cost.iloc[j]) if question.cost.notna().iloc[j] else 0.0
        while known > left:
            groups.append([])
            left += budget
        groups[-1].append(j)
        left -= known
    return [group for group in groups if group]


def _saved(question: RoomQuestion, before: Sequence[int], after: Sequence[int]) -> float:
    """Return the resident-metres saved by those who had a walk before."""
    was, now = (
        question.nearest_m(np.concatenate([question.fixed, np.array([*built], dtype=int)]))
        for built in (before, after)
    )
    had = np.isfinite(was)
    saved: Floats = (was[had] - now[had]) * question.residents[had]
    return math.fsum(saved)


def _bound(
    question: RoomQuestion,
    sites: Sequence[str],
    before: Sequence[int],
    group: Sequence[int],
    objective: float,
) -> dict[str, object]:
    """Return how far the phase can be from the best choice of as many of the rooms left."""
    none: dict[str, object] = {"lower_bound": math.nan, "gap": math.nan, "status": None}
    built, later = frozenset(question.names(before)), frozenset(sites)
    places = question.at([*question.names(question.fixed), *later])
    served = np.isfinite(question.nearest_m(question.at([*question.names(question.fixed), *built])))
    everybody = np.isfinite(question.metres[:, places]).any(axis=1) & (question.residents > 0)
    if question.metres.size > _BOUND_PAIRS or (everybody & ~served).any() or not served.any():
        return none
    asked = replace(
        question.uncounted(),
        metres=question.metres[:, places],
        site_ids=question.names(places),
        candidates=later - built,
        required=frozenset(),
        forbidden=frozenset(),
    )
    try:
        least = heeded(propose_rooms(asked.problem, p_new=len(group), limits=question.limits)).bound
    except StoppedError as stop:
        least = stop.bound
    if not math.isfinite(least):
        return none | {"status": "gap"}
    bound = min(least, objective)
    gap = relative_gap(objective, bound)
    return {
        "lower_bound": bound,
        "gap": gap,
        "status": "proven" if gap <= PROVEN_GAP else "gap",
    }
