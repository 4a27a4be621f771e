"""In which order rooms are built: what is built stays, and each phase brings the most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.errors import StoppedError
from gridplan.rooms.bought_phases import MOST_PAIRS, Built, bought_phases
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
from gridplan.siting.nulls import with_none
from gridplan.siting.search import PROVEN_GAP, relative_gap

_COLUMNS = (
    "phase", "rooms", "rooms_so_far", "available", "cost", "cost_so_far", "residents_gained",
    "saved_walk", "mean_m", "p90_m", "within_share", "beyond", "unreachable", "lower_bound", "gap",
    "status", "sites",
)  # fmt: skip


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

    Nothing is ever closed. Where phases have numbers of rooms, each is the p-median of as many
    of the rooms left, beside all that is built before, with its bound; with a budget, that of
    its money (`bought_phases`). Elsewhere (numbers of rooms with residents whom no place reaches
    yet, or more pairs of home and site than are quickly solved) rooms are taken one by one, each
    time the one that saves most metres (greedy); whether others of the list would have brought
    more by the end of a phase is told by the bound where there is one.

    Parameters
    ----------
    sites : new rooms, of which all are built in the end

    Returns
    -------
    dict of site id to phase, from 1
    DataFrame, one row per phase
        ``phase`` (one in which nothing is built has no row), ``rooms``, ``rooms_so_far``,
        ``available`` (yuan that the phase may spend: its budget and what is left of those before
        it; null without a budget), ``cost`` and ``cost_so_far`` (yuan, null where a room has no
        cost), ``residents_gained`` (more within the norm), ``saved_walk`` (resident-metres, of
        those who had a walk), the walks by its end, ``lower_bound`` (of the resident-metres by
        its end, null where it was not computed, or stopped before it had one), ``gap``,
        ``status`` (``proven`` or ``gap``; null where it was not computed), ``sites``.
    """
    walks_before = walks_to(question, question.fixed)
    rows, built, phase_of = [], list[int](), dict[str, int]()
    for one in _phases(question, sites, phasing):
        before, group = built.copy(), one.sites
        phase_of |= dict.fromkeys(question.names(group), one.phase)
        built += group
        places = np.concatenate([question.fixed, np.array(built, dtype=int)])
        walks = walks_to(question, places)
        rows.append(
            {
                "phase": one.phase,
                "rooms": len(group),
                "rooms_so_far": len(built),
                "available": one.available,
                "cost": question.cost_of(question.names(group)),
                "cost_so_far": question.cost_of(question.names(built)),
                "residents_gained": round(walks.within - walks_before.within),
                "saved_walk": _saved(question, before, built),
                "mean_m": walks.mean_m,
                "p90_m": walks.p90_m,
                "within_share": walks.within_share,
                "beyond": round(walks.beyond),
                "unreachable": round(walks.unreachable),
                **_bounded(one.bound, weighted_walk(question, places)),
                "sites": " ".join(sorted(question.names(group))),
            }
        )
        walks_before = walks
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    figures = ["available", "cost", "cost_so_far", "saved_walk", "mean_m", "p90_m", "within_share",
               "lower_bound", "gap"]  # fmt: skip
    typed = table.astype(dict.fromkeys(figures, "float64"))
    return phase_of, with_none(typed, ["status"])


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


def _phases(question: RoomQuestion, sites: Sequence[str], phasing: Phasing) -> Iterator[Built]:
    """Yield what is built, phase after phase."""
    if phasing.rooms is None and phasing.budget is not None:
        yield from bought_phases(question, sites, phasing.budget)
        return
    plan, built = _Numbered(question, tuple(sites)), list[int]()
    for phase, size in enumerate(_sizes(len(sites), phasing), 1):
        group, bound = plan.next(built, size)
        yield Built(phase, group, bound)
        built += group


@dataclass(frozen=True)
class _Numbered:
    """Says what is built next: so many rooms of a list."""

    question: RoomQuestion
    sites: tuple[str, ...]

    def next(self, built: Sequence[int], size: int) -> tuple[list[int], float | None]:
        """Return the rooms of a phase, and a bound: None where none was sought."""
        standing = np.concatenate([self.question.fixed, np.array([*built], dtype=np.intp)])
        left = np.setdiff1d(self.question.at(self.sites), standing)
        greedy = building_order(self.question, left, standing, most=size)
        best, bound = self._best(built, size)
        if best is None:
            return greedy, bound
        walks = [
            weighted_walk(self.question, np.concatenate([standing, np.array(one, dtype=np.intp)]))
            for one in (greedy, best)
        ]
        slack = PROVEN_GAP * max(abs(walks[0]), 1.0)
        if walks[1] >= walks[0] - slack:
            return greedy, bound
        # In the order of what each brings beside those before it.
        return building_order(self.question, np.array(best, dtype=np.intp), standing), bound

    def _best(self, built: Sequence[int], size: int) -> tuple[list[int] | None, float | None]:
        """Return the best choice of as many of the rooms left, and its bound."""
        question, later = self.question, frozenset(self.sites)
        standing = [*question.names(question.fixed), *question.names(built)]
        places = question.at([*standing, *later])
        served = np.isfinite(question.nearest_m(question.at(standing)))
        everybody = np.isfinite(question.metres[:, places]).any(axis=1) & (question.residents > 0)
        if question.metres.size > MOST_PAIRS or (everybody & ~served).any() or not served.any():
            return None, None
        asked = replace(
            question.uncounted(),
            metres=question.metres[:, places],
            site_ids=question.names(places),
            candidates=later - frozenset(standing),
            required=frozenset(),
            forbidden=frozenset(),
        )
        try:
            found = heeded(propose_rooms(asked.problem, p_new=size, limits=question.limits))
        except StoppedError as stop:
            return None, stop.bound
        new = [str(one) for one in found.sites if one in asked.candidates]
        return question.at(new).tolist(), found.bound


def _sizes(rooms: int, phasing: Phasing) -> list[int]:
    """Return how many rooms each phase has."""
    if not rooms:
        return []
    if phasing.rooms is not None:
        full, rest = divmod(rooms, phasing.rooms)
        return [phasing.rooms] * full + [rest] * (rest > 0)
    number = min(phasing.phases, rooms)
    return [len(part) for part in np.array_split(np.arange(rooms), number)]


def _saved(question: RoomQuestion, before: Sequence[int], after: Sequence[int]) -> float:
    """Return the resident-metres saved by those who had a walk before."""
    was, now = (
        question.nearest_m(np.concatenate([question.fixed, np.array([*built], dtype=int)]))
        for built in (before, after)
    )
    had = np.isfinite(was)
    saved: Floats = (was[had] - now[had]) * question.residents[had]
    return math.fsum(saved)


def _bounded(least: float | None, objective: float) -> dict[str, object]:
    """Return how far a phase can be from the best choice of as many of the rooms left."""
    none: dict[str, object] = {"lower_bound": math.nan, "gap": math.nan, "status": None}
    if least is None:
        return none
    if not math.isfinite(least):
        return none | {"status": "gap"}
    bound = min(least, objective)
    gap = relative_gap(objective, bound)
    return {
        "lower_bound": bound,
        "gap": gap,
        "status": "proven" if gap <= PROVEN_GAP else "gap",
    }
