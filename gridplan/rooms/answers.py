"""The three answers to where rooms go, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from gridplan.rooms.budget import within_budget
from gridplan.rooms.counts import check_number_of
from gridplan.rooms.estates import EstatePlan, Sharing, rooms_by_estate
from gridplan.rooms.fewest import Chosen, claim_of, fewest_rooms
from gridplan.rooms.objectives import Objective, most_within_budget, rooms_for
from gridplan.rooms.phases import Phasing, in_phases
from gridplan.rooms.question import Floats, Positions, RoomQuestion, walks_of
from gridplan.rooms.several import Wanted, several_rooms, several_with_siting
from gridplan.rooms.space import nearest_load
from gridplan.siting import Siting
from gridplan.siting.nulls import with_none

Key = Literal["A", "B", "C"]
KEYS: tuple[Key, ...] = ("A", "B", "C")

_FIGURES = ("mean_m", "p90_m", "max_m", "ede_m", "within_share")
OPTION_COLUMNS = (
    "answer", "chosen", "walked_to", "rooms_existing", "rooms_new", "cadres", "phases", "cost",
    "costs_missing", "shortfall_m2", *_FIGURES, "within", "backup", "beyond", "no_site",
    "unreachable", "model", "objective", "lower_bound", "gap", "status", "stopped_by", "sites",
)  # fmt: skip
"""Columns of the table of the three answers."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    What the planner asks for.

    Attributes
    ----------
    rooms : int
        New rooms of answer C, required ones included.
    objective : {"mean", "share", "longest", "p90", "ede"}
        What answer C makes as good as it can, as in `MODELS`.
    budget : float or None
        Yuan that answer C may spend, in place of a number of rooms.
    then : tuple of the same
        Objectives after that one, each among the choices that are good for those before.
    tolerance : float
        By what share each earlier objective may be worse than its best.
    least_share : float or None
        Of all residents, who have to live within the norm with answer C.
    backup : int
        Open places within the norm of each home with answer B.
    sharing : Sharing
    phasing : Phasing
    """

    rooms: int
    objective: Objective = "mean"
    budget: float | None = None
    then: tuple[Objective, ...] = ()
    tolerance: float = 0.0
    least_share: float | None = None
    backup: int = 1
    sharing: Sharing
    phasing: Phasing = field(default_factory=Phasing)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives of answer C, the most important first."""
        return (self.objective, *self.then)

    @property
    def wanted(self) -> Wanted:
        """Answer C as the search of several objectives takes it."""
        return Wanted(
            objectives=self.objectives,
            tolerance=self.tolerance,
            rooms=self.rooms,
            budget=self.budget,
            least_share=self.least_share,
        )


@dataclass(frozen=True, eq=False)
class Estates:
    """
    Estates, and where sites and homes lie among them.

    Attributes
    ----------
    table : DataFrame
        ``estate_id``, ``name``, ``households``.
    of_site : mapping of site id to estate id
    of_demand : Series of estate id, in the row order of the walks; null outside
    """

    table: pd.DataFrame
    of_site: Mapping[str, str]
    of_demand: pd.Series


@dataclass(frozen=True, eq=False)
class Answer:
    """
    One answer: the new rooms, how good they are, and in which order they are built.

    Attributes
    ----------
    key : {"A", "B", "C"}
    chosen : Chosen
    estates : EstatePlan or None
        Of answer A.
    phase_of : mapping of site id to phase
        Empty where there are no phases.
    phases : DataFrame or None
    siting : Siting or None
        Of answer C by a number of rooms, or with floor area as a hard limit, as the solver
        gave it.
    """

    key: Key
    chosen: Chosen
    estates: EstatePlan | None = None
    phase_of: Mapping[str, int] = field(default_factory=dict)
    phases: pd.DataFrame | None = None
    siting: Siting | None = None

    def opened(self, question: RoomQuestion) -> Positions:
        """Return the positions of all places that are open with this answer."""
        return np.sort(np.concatenate([question.fixed, question.at(self.chosen.sites)]))

    def given(self, question: RoomQuestion) -> Positions | None:
        """
        Return the position of the place that each home is given, shape (n_demand,).

        -1 where it is given none. None where nobody is given any: without a hard limit of floor
        area everybody goes to the nearest.
        """
        if question.space is None or not question.space.hard or self.siting is None:
            return None
        assigned = self.siting.assignment.reindex(list(question.demand_ids))
        at = pd.Index(question.site_ids).get_indexer(pd.Index(assigned, dtype="object"))
        return np.where(question.residents > 0, at, -1)

    def walks_m(self, question: RoomQuestion) -> Floats:
        """Return how far each home walks: to the place it is given, else to the nearest."""
        given = self.given(question)
        if given is None:
            return question.nearest_m(self.opened(question))
        walked = question.metres[np.arange(len(given)), given]
        return np.where(given >= 0, walked, math.inf)


def answer(question: RoomQuestion, estates: Estates, key: Key, *, asked: Asked) -> Answer:
    """
    Return one answer.

    A: a room in every estate that can host one, in phases, small neighbours sharing one.
    B: the fewest rooms that bring everybody within the norm whom some site can bring there.
    C: a number of rooms, or what a budget allows, with the least total walk or what else the
    objective asks for.

    Raises
    ------
    InputError, InfeasibleError
        As `rooms_for` and `within_budget` do, for answer C.
    StoppedError
        If the limits ended the search of answer B or C before any plan.
    """
    if key == "A":
        plan = rooms_by_estate(
            question,
            estates.table,
            estate_of_site=estates.of_site,
            estate_of_demand=estates.of_demand,
            sharing=asked.sharing,
        )
        phase_of, phases = in_phases(question, plan.chosen.sites, phasing=asked.phasing)
        return Answer("A", plan.chosen, plan, phase_of, phases)
    if key == "B":
        fewest = fewest_rooms(question, radius_m=question.norm_m, backup=asked.backup)
        return Answer("B", fewest)
    return _by_number_or_budget(question, asked)


def _by_number_or_budget(question: RoomQuestion, asked: Asked) -> Answer:
    """Return answer C."""
    if asked.budget is None:
        check_number_of(
            question.counts,
            rooms=asked.rooms,
            required=question.required,
            candidates=question.names(question.free),
        )
    if _full_and_more(question, asked):
        chosen, siting = several_with_siting(question, asked.wanted)
        return Answer("C", chosen, siting=siting)
    plain = asked.objective in {"mean", "share"} or asked.budget is None
    if asked.then or asked.least_share is not None or not plain:
        return Answer("C", several_rooms(question, asked.wanted))
    if asked.budget is not None:
        if asked.objective == "share":
            return Answer("C", most_within_budget(question, asked.budget))
        return Answer("C", within_budget(question, asked.budget))
    chosen, siting = rooms_for(question, asked.rooms, objective=asked.objective)
    return Answer("C", chosen, siting=siting)


def _full_and_more(question: RoomQuestion, asked: Asked) -> bool:
    """Whether floor area is a hard limit beside more than a number of rooms and the mean."""
    if question.space is None or not question.space.hard:
        return False
    more = asked.then or asked.least_share is not None or asked.budget is not None
    return bool(more) or asked.objective != "mean" or question.counts.binding


def options_table(
    question: RoomQuestion,
    answers: Sequence[Answer],
    *,
    existing_rooms: int,
    chosen: Key,
    backup: int = 1,
) -> pd.DataFrame:
    """
    Return the answers in one table, one row each.

    Parameters
    ----------
    existing_rooms : int
        Activity rooms that are open today, committees not counted.
    chosen : {"A", "B", "C"}
        The answer that the layers of the plan follow.
    backup : int
        Open places that were asked for within the norm of each home.

    Returns
    -------
    DataFrame, columns as in `OPTION_COLUMNS`
        ``walked_to``: ``assigned`` where floor area is a hard limit and the walks are those to
        the places that residents are given, else ``nearest``. ``cadres``: one for each room,
        existing ones included. ``cost`` in yuan, null where the
        cost of a new room is not given (``costs_missing`` counts these). ``shortfall_m2``: floor
        area that rooms of a known area lack by the graded norm for those who walk to them (null
        where no area is known, or nobody asks). Walks in metres, of
        residents who reach a place. ``backup``: residents who have as many open places within
        the norm as were asked for; null where one is enough. Who is left:
        ``beyond`` the norm, of them ``no_site`` whom no place and no candidate can bring
        within it, and ``unreachable``. ``objective`` and
        ``lower_bound`` are resident-metres (p-median), open places (LSCP), residents (MCLP:
        then the bound is from above) or metres (the other objectives).
    """
    may = np.concatenate([question.fixed, question.free])
    hopeless = question.nearest_m(may) > question.norm_m
    rows = []
    for one in answers:
        given, found = one.given(question), one.walks_m(question)
        walks = walks_of(question, found)
        left = hopeless & np.isfinite(found)
        new, claim = one.chosen.sites, claim_of(question, one.chosen)
        rows.append(
            {
                "answer": one.key,
                "chosen": one.key == chosen,
                "walked_to": "nearest" if given is None else "assigned",
                "rooms_existing": existing_rooms,
                "rooms_new": len(new),
                "cadres": existing_rooms + len(new),
                "phases": max(one.phase_of.values(), default=0) if one.phases is not None else None,
                "cost": question.cost_of(new),
                "costs_missing": int(question.cost.reindex(list(new)).isna().sum()),
                "shortfall_m2": _shortfall_m2(question, one),
                **{key: getattr(walks, key) for key in _FIGURES},
                "within": round(walks.within),
                "backup": _backed(question, one, backup),
                "beyond": round(walks.beyond),
                "no_site": round(math.fsum(question.residents[left])),
                "unreachable": round(walks.unreachable),
                "model": one.chosen.model,
                "objective": claim.objective,
                "lower_bound": claim.bound,
                "gap": claim.gap,
                "status": one.chosen.status,
                "stopped_by": one.chosen.stopped_by,
                "sites": " ".join(sorted(new)),
            }
        )
    table = pd.DataFrame(rows, columns=list(OPTION_COLUMNS))
    numbers = ["cost", "shortfall_m2", *_FIGURES, "objective", "lower_bound", "gap"]
    typed = table.astype(
        {**dict.fromkeys(numbers, "float64"), **dict.fromkeys(["phases", "backup"], "Int64")}
    )
    typed[numbers] = typed[numbers].replace([math.inf, -math.inf], math.nan)
    return with_none(typed, ["stopped_by"])


def _backed(question: RoomQuestion, found: Answer, backup: int) -> object:
    """Return the residents with several open places within the norm; null for one."""
    if backup == 1:
        return pd.NA
    near = question.metres[:, found.opened(question)] <= question.norm_m
    return round(math.fsum(question.residents[near.sum(axis=1) >= backup]))


def _shortfall_m2(question: RoomQuestion, found: Answer) -> float:
    space, given = question.space, found.given(question)
    if space is None:
        return math.nan
    opened = found.opened(question)
    if given is None:
        load = nearest_load(question.metres, space.households, opened, question.site_ids)
    else:
        has = given >= 0
        sums = np.bincount(given[has], space.households[has], minlength=len(question.site_ids))
        load = pd.Series(sums[opened], index=list(question.names(opened)))
    lacking = space.lacking_m2(load).dropna()
    return math.fsum(lacking) if len(lacking) else math.nan


def estates_table(question: RoomQuestion, estates: Estates, found: Answer) -> pd.DataFrame:
    """
    Return how each estate is served with answer A.

    Returns
    -------
    DataFrame, one row per estate
        ``served`` as in `EstatePlan`; ``site_id``, the place that is nearest to most of its
        residents, with the mean and the longest walk to the nearest place (null where nobody
        reaches one), and ``residents``.
    """
    if found.estates is None:
        msg = "only answer A goes by estates"
        raise ValueError(msg)
    opened = found.opened(question)
    offered = question.metres[:, opened]
    nearest = np.array(question.names(opened), dtype=object)[offered.argmin(axis=1)]
    metres = offered.min(axis=1)
    homes = pd.DataFrame(
        {
            "estate_id": estates.of_demand.to_numpy(dtype=object),
            "site_id": nearest,
            "residents": question.residents,
            "metres": metres,
        }
    )
    homes = homes[np.isfinite(metres) & (homes["residents"] > 0)]
    most = homes.groupby(["estate_id", "site_id"])["residents"].sum().reset_index()
    most = most.sort_values(["residents", "site_id"], ascending=[False, True], kind="stable")
    main = most.drop_duplicates("estate_id").set_index("estate_id")["site_id"]
    by = homes.assign(walked=homes["residents"] * homes["metres"]).groupby("estate_id")
    everybody = pd.Series(question.residents).groupby(estates.of_demand.to_numpy(object)).sum()
    table = estates.table[["estate_id", "name", "households"]].copy()
    ids = table["estate_id"]
    table["residents"] = ids.map(everybody).fillna(0).round().astype("int64")
    table["served"] = ids.map(found.estates.served).astype("object")
    table["site_id"] = ids.map(main).astype("object")
    table["mean_m"] = ids.map(by["walked"].sum() / by["residents"].sum()).astype("float64")
    table["max_m"] = ids.map(by["metres"].max()).astype("float64")
    return table.sort_values("estate_id", kind="stable").reset_index(drop=True)
