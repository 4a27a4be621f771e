"""The fewest new rooms that bring everybody within a distance whom some site can bring there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from gridplan.errors import InfeasibleError, Message
from gridplan.rooms.lower_walk import Kept, less_walk
from gridplan.rooms.question import RoomQuestion
from gridplan.rooms.searches import heeded
from gridplan.siting import Limits, Rules, Siting, lscp, p_median
from gridplan.siting.matrix import Flags
from gridplan.siting.result import Status
from gridplan.siting.rooms import no_plan, without_plan
from gridplan.siting.search import StoppedBy, relative_gap


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTold:
    """
    One objective of several in a choice.

    Attributes
    ----------
    objective : {"mean", "share", "longest", "p90", "ede"}
    model : str
    best, bound, gap : float
        The best value that was found within the limits of the objectives before, and how far
        it can be from the best there is.
    status : {"proven", "gap", "infeasible", "stopped"}
    stopped_by : {None, "work", "time", "key", "interrupt"}
    value : float
        Of the choice, which may use the tolerance.
    basis : mapping of str to float
        As `Chosen` has it.
    """

    objective: str
    model: str
    best: float
    bound: float
    gap: float
    status: Status
    stopped_by: StoppedBy | None
    value: float
    basis: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    Sites to open, and how far from the best choice they can be at most.

    Attributes
    ----------
    sites : tuple of str
        New rooms, in order.
    model : str
        ``p-median``, ``lscp``, or as `MODELS` has it for another objective.
    objective, bound : float
        Resident-metres (p-median), new rooms (LSCP), residents (MCLP) or metres; ``inf``
        without a plan. The bound is from above for the MCLP, else from below.
    gap : float
    status : {"proven", "gap", "infeasible", "stopped"}
    stopped_by : {None, "work", "time", "key", "interrupt"}
    basis : mapping of str to float
        What else it takes to compute the objective again: ``radius_m`` (MCLP), ``share`` and
        ``weight`` (p-quantile), ``kappa`` (p-EDE).
    stages : tuple of StageTold
        Where several objectives were asked for, each of them.
    """

    sites: tuple[str, ...]
    model: str
    objective: float
    bound: float
    gap: float
    status: Status
    stopped_by: StoppedBy | None
    basis: Mapping[str, float] = field(default_factory=dict)
    stages: tuple[StageTold, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """Objective, bound and gap of a choice as they are told everywhere."""

    objective: float
    bound: float
    gap: float


def claim_of(question: RoomQuestion, chosen: Chosen) -> Claim:
    """
    Return what a choice claims; the objective of the LSCP counts all open places.

    New rooms and places that are open today, as the layer `rooms` does, so that there is one
    gap of one choice.
    """
    if chosen.model != "lscp":
        return Claim(chosen.objective, chosen.bound, chosen.gap)
    standing = len(question.fixed)
    objective, bound = chosen.objective + standing, chosen.bound + standing
    known = math.isfinite(objective) and math.isfinite(bound)
    return Claim(objective, bound, relative_gap(objective, bound) if known else chosen.gap)


def fewest_rooms(question: RoomQuestion, *, radius_m: float, backup: int = 1) -> Chosen:
    """
    Open the fewest rooms so that all are within `radius_m` whom some site brings there.

    Among the choices with that number, the one with the least total walk is taken as far as
    the limits allow; the number is what is proven. Places that are open today and required
    sites count as open; whom no site brings within the distance is left out here, and told
    by `left_behind`. Numbers of rooms by community are kept.

    With `backup`, so many open places are within the distance of each home, or as many as it
    has places and sites there (backup coverage).

    Raises
    ------
    InfeasibleError
        If no choice brings all of these within the distance and keeps the numbers.
    StoppedError
        If the limits ended the search before any plan.
    """
    if question.counts.binding or backup > 1:
        return _fewest_beside(question, radius_m, backup)
    may = np.concatenate([question.fixed, question.free])
    near = question.metres <= radius_m
    today = near[:, question.fixed].any(axis=1)
    rows = (question.residents > 0) & near[:, may].any(axis=1) & ~today
    required = question.names(question.at(question.required))
    sites = question.names(question.free)
    if not rows.any():
        return Chosen(required, "lscp", *_count(len(required)))
    cost = pd.DataFrame(
        question.metres[np.ix_(rows, question.free)],
        index=[one for one, kept in zip(question.demand_ids, rows, strict=True) if kept],
        columns=list(sites),
    )
    rules = Rules(required=required)
    found = heeded(lscp(cost, radius_m=radius_m, rules=rules, limits=question.limits))
    if not found.sites and found.status != "infeasible":
        raise without_plan(found, no_plan(found, len(sites)))
    if not found.sites:
        return Chosen((), "lscp", math.inf, found.bound, math.inf, found.status, None)
    chosen = tuple(str(one) for one in found.sites)
    return Chosen(
        _least_walk(question, chosen, radius_m=radius_m),
        "lscp",
        found.objective,
        found.bound,
        found.gap,
        found.status,
        found.stopped_by,
    )


def _fewest_beside(question: RoomQuestion, radius_m: float, backup: int) -> Chosen:
    """Return the fewest rooms that also keep the numbers by community, or cover several times."""
    may = np.sort(np.concatenate([question.fixed, question.free]))
    near = question.metres[:, may] <= radius_m
    rows = (question.residents > 0) & near.any(axis=1)
    ids = [one for one, kept in zip(question.demand_ids, rows, strict=True) if kept]
    metres = question.metres[np.ix_(rows, may)]
    cost = pd.DataFrame(metres, index=ids, columns=list(question.names(may)))
    cost, spares = _with_spares(cost, radius_m, backup)
    found = lscp(
        cost,
        radius_m=radius_m,
        backup=backup,
        rules=replace(
            question.counts.rules(question.names(may)),
            fixed=[*question.names(question.fixed), *spares],
            required=sorted(question.required),
        ),
        limits=question.limits,
    )
    if heeded(found).status == "infeasible":
        raise InfeasibleError(_no_fewest(found, radius_m))
    if not found.sites:
        raise without_plan(found, no_plan(found, len(question.free)))
    new = tuple(str(one) for one in found.sites if one in question.candidates)
    standing = len(question.fixed) + len(spares)
    kept = _everybody(question, rows, radius_m, times=backup)
    rooms, bound = found.objective - standing, found.bound - standing
    return Chosen(
        less_walk(question, new, kept=kept),
        "lscp",
        rooms,
        bound,
        relative_gap(rooms, bound),
        found.status,
        found.stopped_by,
    )


def _everybody(question: RoomQuestion, rows: Flags, radius_m: float, *, times: int = 1) -> Kept:
    """Return that all who live in some homes stay within a distance, whatever they count in."""
    weight = math.fsum(question.residents[rows])
    return Kept(radius_m=radius_m, weight=weight, times=times, by_residents=True)


def _with_spares(
    cost: pd.DataFrame, radius_m: float, backup: int
) -> tuple[pd.DataFrame, list[str]]:
    """
    Add places that do not exist, open, for homes with fewer sites in reach than asked for.

    With them, such a home asks for all the sites it has, and not for what cannot be. With nobody
    to cover there is one home that asks for nothing else, so that no room is opened for it.
    """
    nobody = not len(cost)
    if nobody:
        cost = pd.DataFrame(math.inf, index=["-"], columns=cost.columns)
    held = (cost.to_numpy() <= radius_m).sum(axis=1)
    # Of no site: ids of sites are not padded with blanks.
    spares = {
        f" spare {count}": np.where(held <= backup - count, 0.0, math.inf)
        for count in range(1, backup + 1 if nobody else backup)
    }
    return cost.assign(**spares), list(spares)


def _no_fewest(found: Siting, radius_m: float) -> Message:
    cause = found.cause or Message(en="", zh="")
    return Message(
        en=f"It is proven that no rooms that keep [siting].at_least and at_most bring everybody "
        f"within {radius_m:g} m whom a site can bring there. Ease these numbers. "
        f"{cause.en}".rstrip(),
        zh=f"已证明：在 [siting].at_least 与 at_most 范围内，没有任何选法能使可覆盖居民均在 "
        f"{radius_m:g} 米以内。请放宽这些数量。{cause.zh}",
    )


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
    if (question.counted[reached] <= 0).any():
        # The p-median serves nobody who counts in with nothing; the norm is for all.
        rows: Flags = bound_to_norm & (question.residents > 0)
        return less_walk(question, chosen, kept=_everybody(question, rows, radius_m))
    allowed = np.where(bound_to_norm[:, None] & (walks > radius_m), np.inf, walks)
    ids = [one for one, kept in zip(question.demand_ids, reached, strict=True) if kept]
    better = p_median(
        pd.DataFrame(allowed[reached], index=ids, columns=list(question.names(may))),
        pd.Series(question.counted[reached], index=ids),
        p=len(question.fixed) + len(chosen),
        rules=Rules(fixed=question.names(question.fixed), required=sorted(question.required)),
        limits=Limits(
            work=question.limits.work, seed=question.limits.seed, stop=question.limits.stop
        ),
    )
    if not heeded(better).sites:
        return chosen
    return tuple(str(one) for one in better.sites if one in question.candidates)
