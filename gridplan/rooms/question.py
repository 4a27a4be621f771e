"""The question where rooms go: who walks how far to which place, and what was decided already."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.access import kolm_pollak_ede
from gridplan.errors import FaultList, InputError, agreed, counted, first_ids, ids_zh
from gridplan.rooms.counts import RoomCounts
from gridplan.rooms.space import Space
from gridplan.siting import Limits, RoomProblem
from gridplan.siting.assessment import weighted_quantile

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

NO_WAY_M = 1e6
"""Stands for a walk that does not exist while sets of sites are compared: reaching somebody comes
before any walk that can be saved. It never leaves this room."""

_P90 = 0.9
_NO_SCALE_M = 1e3
"""The scale of equivalent walks where everybody stands at a site: any length serves."""

# Gains that differ by less than this share are one gain: the first id wins, in any row order.
_SAME = 1e-9


@dataclass(frozen=True)
class RoomQuestion:
    """
    Places that are open, sites that may be opened, and how far everybody walks to each.

    Attributes
    ----------
    metres : float array, shape (n_demand, n_sites)
        Walks; ``inf`` where there is no path.
    demand_ids, site_ids : tuples of str
        Sites in the order of their ids: of equally good ones the first is taken.
    residents : float array, shape (n_demand,)
    candidates : frozenset of str
        Sites that are not open today. All others are open already and stay.
    required, forbidden : frozenset of str
        Candidates that have to be opened, and that must stay closed.
    cost : Series of float by site id
        Yuan; NaN where it is not given.
    norm_m : float
        The walking norm of a room.
    aversion : float
        Of the equally distributed equivalent walk.
    limits : Limits
        Of one search.
    weights : float array, shape (n_demand,), or None
        What each home counts in where rooms go; its residents if None. Figures of walks are
        never weighted.
    space : Space or None
        Floor areas and households, with the sites in order; None: nobody asks.
    counts : RoomCounts
        Rooms that each community has at least and at most.
    """

    metres: Floats
    demand_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    residents: Floats
    candidates: frozenset[str]
    cost: pd.Series
    norm_m: float
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    aversion: float = 1.0
    limits: Limits = field(default_factory=Limits)
    weights: Floats | None = None
    space: Space | None = None
    counts: RoomCounts = field(default_factory=RoomCounts)

    @property
    def counted(self) -> Floats:
        """What each home counts in where rooms go, shape (n_demand,)."""
        return self.residents if self.weights is None else self.weights

    @cached_property
    def kappa_per_m(self) -> float:
        r"""
        One aversion per metre for all plans of the question, and for all figures about them.

        .. math::
            \kappa = \varepsilon \frac{\sum_i w_i d_i}{\sum_i w_i d_i^2}

        with the aversion :math:`\varepsilon` and :math:`d_i` the walks of today, or, where nobody
        has one, those if every site were open, forbidden ones too. Neither depends on a decision:
        one is priced by plans with it and without, and values on two scales have no difference.
        """
        for opened in (self.fixed, np.arange(len(self.site_ids))):
            nearest = self.nearest_m(opened)
            rows = np.isfinite(nearest) & (self.counted > 0)
            walked, weight = nearest[rows], self.counted[rows]
            squares = math.fsum(weight * walked**2)
            if squares > 0:
                return self.aversion * math.fsum(weight * walked) / squares
        return self.aversion / _NO_SCALE_M

    @property
    def fixed(self) -> Positions:
        """Positions of the places that are open today."""
        return self.at([one for one in self.site_ids if one not in self.candidates])

    @property
    def free(self) -> Positions:
        """Positions of the candidates that may be opened, required ones included."""
        allowed = self.candidates - self.forbidden
        return self.at([one for one in self.site_ids if one in allowed])

    @property
    def problem(self) -> RoomProblem:
        """The question as the p-median takes it."""
        return RoomProblem(
            metres=self.metres,
            demand_ids=self.demand_ids,
            site_ids=self.site_ids,
            residents=self.residents,
            candidates=self.candidates,
            required=self.required,
            forbidden=self.forbidden,
            weights=self.weights,
            counts=self.counts.rules(self.site_ids),
        )

    def at(self, ids: Collection[str]) -> Positions:
        """Return the positions of sites, ascending."""
        wanted = frozenset(ids)
        return np.array([j for j, one in enumerate(self.site_ids) if one in wanted], dtype=np.intp)

    def names(self, positions: Sequence[int] | Positions) -> tuple[str, ...]:
        """Return the ids of sites by their positions."""
        return tuple(self.site_ids[int(j)] for j in positions)

    def nearest_m(self, opened: Positions) -> Floats:
        """Return the walk to the nearest of some sites; ``inf`` where none is reached."""
        return np.asarray(self.metres[:, opened].min(axis=1, initial=np.inf))

    def without(self, *sites: str) -> RoomQuestion:
        """Return the question with some sites neither required nor forbidden."""
        undecided = frozenset(sites)
        return replace(
            self, required=self.required - undecided, forbidden=self.forbidden - undecided
        )

    def uncounted(self) -> RoomQuestion:
        """Return the question without least and greatest numbers of rooms by community."""
        return replace(self, counts=RoomCounts())

    def cost_of(self, ids: Collection[str]) -> float:
        """Return what sites cost in yuan; NaN where the cost of one is not given."""
        return math.fsum(self.cost.reindex(sorted(ids)).to_numpy(dtype=float)) if ids else 0.0


def make_question(
    problem: RoomProblem,
    cost: pd.Series,
    *,
    norm_m: float,
    aversion: float = 1.0,
    limits: Limits | None = None,
    space: Space | None = None,
    counts: RoomCounts | None = None,
) -> RoomQuestion:
    """
    Return a question with its sites in the order of their ids.

    Parameters
    ----------
    problem : RoomProblem
        With text ids.
    cost : Series of float by site id
        Yuan; a site that is absent has none that is known.
    space : Space, optional
        Its areas by site id, in any order; a site that is absent has none that is known.
    counts : RoomCounts, optional

    Raises
    ------
    InputError
        If required or forbidden sites are unknown, open today, or both.
    """
    ids = [str(one) for one in problem.site_ids]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    check_decisions(problem)
    return RoomQuestion(
        metres=np.asarray(problem.metres, dtype=float)[:, order],
        demand_ids=tuple(str(one) for one in problem.demand_ids),
        site_ids=tuple(ids[j] for j in order),
        residents=np.asarray(problem.residents, dtype=float),
        candidates=frozenset(str(one) for one in problem.candidates),
        cost=pd.to_numeric(cost, errors="coerce").astype("float64").reindex(sorted(ids)),
        norm_m=norm_m,
        required=frozenset(str(one) for one in problem.required),
        forbidden=frozenset(str(one) for one in problem.forbidden),
        aversion=aversion,
        limits=limits or Limits(),
        counts=counts or RoomCounts(),
        space=space and replace(space, area_m2=space.area_m2.reindex(sorted(ids))),
        weights=None if problem.weights is None else np.asarray(problem.weights, dtype=float),
    )


def check_decisions(problem: RoomProblem) -> None:
    """Raise an `InputError` if required or forbidden sites are unknown, open today, or both."""
    faults, ids = FaultList(), [str(one) for one in problem.site_ids]
    known, new = frozenset(ids), frozenset(str(one) for one in problem.candidates)
    for word, zh, decided in (
        ("required", "必选", problem.required),
        ("forbidden", "禁用", problem.forbidden),
    ):
        unknown = sorted(str(one) for one in decided if str(one) not in known)
        if unknown:
            faults.add(
                en=f"[[siting.decisions]]: {len(unknown)} {word} "
                f"{agreed(len(unknown), 'site is', 'sites are')} not in `sites`: "
                f"{first_ids(unknown)}. Correct the site_id.",
                zh=f"[[siting.decisions]] 中有 {len(unknown)} 个{zh}场地不在 `sites` 图层中："
                f"{ids_zh(unknown)}。请更正 site_id。",
            )
        standing = sorted(str(one) for one in decided if str(one) in known - new)
        if standing:
            faults.add(
                en=f"[[siting.decisions]]: {len(standing)} {word} "
                f"{agreed(len(standing), 'site is', 'sites are')} open today and "
                f"{agreed(len(standing), 'stays', 'stay')}: {first_ids(standing)}. Only candidate "
                f"sites can be decided on.",
                zh=f"[[siting.decisions]] 中有 {len(standing)} 个{zh}场地现已开放并保留："
                f"{ids_zh(standing)}。只能对候选场地作决定。",
            )
    both = sorted({str(one) for one in problem.required} & {str(one) for one in problem.forbidden})
    if both:
        faults.add(
            en=f"{counted(len(both), 'site is', 'sites are')} required and forbidden at once: "
            f"{first_ids(both)}. Take out one of the two decisions.",
            zh=f"{len(both)} 个场地既必选又禁用：{ids_zh(both)}。请去掉其中一条决定。",
        )
    faults.raise_if_any(InputError)


@dataclass(frozen=True, slots=True)
class Walks:
    """
    How far residents walk with a set of open places.

    Attributes
    ----------
    objective : float
        Resident-metres of those who reach a place.
    mean_m, p90_m, max_m, ede_m : float
        Of the residents who reach a place; NaN where nobody does. Equivalent walks of one
        question have one aversion per metre, `RoomQuestion.kappa_per_m`, and can be compared.
    within : float
        Residents within the norm.
    beyond : float
        Residents who reach a place, but farther than the norm.
    unreachable : float
        Residents who reach no place.
    """

    objective: float
    mean_m: float
    p90_m: float
    max_m: float
    ede_m: float
    within: float
    beyond: float
    unreachable: float

    @property
    def within_share(self) -> float:
        """Residents within the norm among all; NaN where there are none."""
        everybody = self.within + self.beyond + self.unreachable
        return self.within / everybody if everybody else math.nan


def walks_to(question: RoomQuestion, opened: Positions) -> Walks:
    """
    Return how far residents walk to the nearest of the open places.

    Examples
    --------
    >>> walks = np.array([[100.0, 700.0], [900.0, 300.0], [np.inf, np.inf]])
    >>> problem = RoomProblem(walks, ["a", "b", "c"], ["k", "r"], np.array([1.0, 3.0, 2.0]), ["r"])
    >>> asked = make_question(problem, pd.Series(dtype=float), norm_m=500.0)
    >>> found = walks_to(asked, asked.at(["k", "r"]))
    >>> found.mean_m, found.within, found.beyond, found.unreachable
    (250.0, 4.0, 0.0, 2.0)
    """
    return walks_of(question, question.nearest_m(opened))


def walks_of(question: RoomQuestion, metres: Floats) -> Walks:
    """
    Return the figures of some walks, one per home.

    Parameters
    ----------
    metres : float array, shape (n_demand,)
        ``inf`` where there is no path.
    """
    residents = question.residents
    reached = np.isfinite(metres) & (residents > 0)
    walked, people = metres[reached], residents[reached]
    total = math.fsum(people)
    objective = math.fsum(walked * people)
    within = math.fsum(people[walked <= question.norm_m])
    known = len(people) > 0
    kappa = question.kappa_per_m
    return Walks(
        objective=objective,
        mean_m=objective / total if known else math.nan,
        p90_m=weighted_quantile(walked, people, _P90) if known else math.nan,
        max_m=float(walked.max()) if known else math.nan,
        ede_m=kolm_pollak_ede(walked, people, kappa_per_m=kappa) if known else math.nan,
        within=within,
        beyond=total - within,
        unreachable=math.fsum(residents) - total,
    )


def weighted_walk(question: RoomQuestion, opened: Positions) -> float:
    """
    Return the total walk of those who reach a place, each home by what it counts.

    Resident-metres where no group has a weight: then it is the objective of `walks_to`.
    """
    metres = question.nearest_m(opened)
    reached = np.isfinite(metres)
    return math.fsum(metres[reached] * question.counted[reached])


def compared_m(question: RoomQuestion) -> Floats:
    """Return the walks with `NO_WAY_M` where there is none, to compare sets of sites."""
    return np.where(np.isfinite(question.metres), question.metres, NO_WAY_M)


def gains(walks: Floats, residents: Floats, today_m: Floats, sites: Positions) -> Floats:
    """Return the resident-metres that opening each site alone would save, shape (n_sites,)."""
    saved = np.maximum(today_m[:, None] - walks[:, sites], 0.0)
    return np.asarray(residents @ saved)


def first_best(values: Floats) -> int:
    """
    Return the position of the greatest value; of values that differ by rounding the first.

    Examples
    --------
    >>> first_best(np.array([1.0, 3.0, 3.0 + 1e-12]))
    1
    """
    best = float(values.max())
    return int(np.argmax(values >= best - _SAME * max(abs(best), 1.0)))
