"""Among choices of rooms that are equally good, one with less walk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridplan.rooms.question import (
    Flags,
    Floats,
    Positions,
    RoomQuestion,
    compared_m,
    first_best,
    gains,
)
from gridplan.siting.search import PROVEN_GAP

_MOST_PAIRS = 200_000_000
"""Pairs of home and site, times rooms, that are looked at; beyond, the choice stays as it is."""

_PASSES = 5
# Weights that sum to what has to be kept should reach it despite rounding.
_SUM_SLACK = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    What an interchange has to keep.

    Attributes
    ----------
    radius_m, weight : float
        At least so much weight lives within the radius of an open place, or of `times` of them.
    times : int
        Places within the radius that count a home in; of a home with fewer places and sites
        there, all of them.
    by_residents : bool
        The weight is of residents, each of whom counts, whatever the weight of a group.
    budget : float
        Yuan that the new rooms cost together at most; ``inf`` without a limit.
    """

    radius_m: float
    weight: float
    budget: float = math.inf
    times: int = 1
    by_residents: bool = False


def less_walk(question: RoomQuestion, new: Sequence[str], *, kept: Kept) -> tuple[str, ...]:
    """
    Return new rooms that keep what has to be kept, after single interchanges for less walk.

    Required rooms stay, and numbers of rooms by community are kept. With a budget, rooms are
    added, too, as long as one is affordable and saves walk.

    Parameters
    ----------
    new : site ids, in any order
    kept : Kept
        Must hold for `new`.
    """
    chosen = question.at(new).tolist()
    if question.metres.size * max(len(chosen), 1) > _MOST_PAIRS:
        return tuple(sorted(new))
    swap = _Swap(question, kept)
    for _ in range(_PASSES):
        before = sorted(chosen)
        for j in before:
            if question.site_ids[j] not in question.required:
                chosen[chosen.index(j)] = swap.better(chosen, j)
        if sorted(chosen) == before:
            break
    if math.isfinite(kept.budget):
        chosen = swap.filled(chosen)
    return tuple(sorted(question.names(chosen)))


class _Swap:
    """Looks for the site that should stand in place of another."""

    def __init__(self, question: RoomQuestion, kept: Kept) -> None:
        self._question, self._kept = question, kept
        self._walks: Floats = compared_m(question)
        self._counted = question.counted
        self._held: Floats = question.residents if kept.by_residents else question.counted
        self._free = question.free
        self._near: Flags = self._walks <= kept.radius_m
        may = np.concatenate([question.fixed, question.free])
        held = self._near[:, may].sum(axis=1)
        self._needed: Positions = np.clip(held, 1, kept.times)
        self._cost = question.cost.to_numpy(dtype=float)

    def better(self, chosen: Sequence[int], j: int) -> int:
        """Return the site that is best in place of `j`; `j` itself if none is better."""
        rest = [one for one in chosen if one != j]
        others: Positions = np.array([*self._question.fixed, *rest], dtype=np.intp)
        base = self._walks[:, others].min(axis=1, initial=math.inf)
        total = self._counted @ np.minimum(base[:, None], self._walks[:, self._free])
        times = self._near[:, others].sum(axis=1)
        inside: Flags = np.asarray(times >= self._needed)
        one_short = times + 1 == self._needed
        more = self._held @ (self._near[:, self._free] & one_short[:, None])
        enough = self._kept.weight * (1.0 - _SUM_SLACK)
        allowed: Flags = ~np.isin(self._free, others) & self._affordable(rest)
        allowed &= self._counts_allow(others)
        allowed &= np.asarray(math.fsum(self._held[inside]) + more >= enough)
        if not allowed.any():
            return j
        best = int(self._free[allowed][first_best(-total[allowed])])
        least, now = (float(total[self._free == one][0]) for one in (best, j))
        return best if least < now * (1.0 - PROVEN_GAP) else j

    def filled(self, chosen: Sequence[int]) -> list[int]:
        """Return the sites, and others that the budget leaves money for."""
        plan = [*chosen]
        while True:
            opened: Positions = np.array([*self._question.fixed, *plan], dtype=np.intp)
            today = self._walks[:, opened].min(axis=1, initial=math.inf)
            today = np.where(np.isfinite(today), today, self._walks.max(initial=0.0))
            saved = gains(self._walks, self._counted, today, self._free)
            fits = self._affordable(plan) & (saved > 0) & ~np.isin(self._free, opened)
            fits &= self._counts_allow(opened)
            if not fits.any():
                return plan
            plan.append(int(self._free[fits][first_best(saved[fits])]))

    def _counts_allow(self, opened: Positions) -> Flags:
        counts, ids = self._question.counts, self._question.site_ids
        if not counts.binding:
            return np.ones(len(self._free), dtype=np.bool_)
        return counts.allowed(opened, ids, self._free)

    def _affordable(self, rest: Sequence[int]) -> Flags:
        """Return which sites the budget leaves money for, beside some others."""
        if math.isinf(self._kept.budget):
            return np.ones(len(self._free), dtype=np.bool_)
        left = self._kept.budget - math.fsum(self._cost[list(rest)])
        # A cost that is not given fits nowhere.
        return np.asarray(self._cost[self._free] <= left)
