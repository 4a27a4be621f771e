"""What a number of rooms is to make as good as it can: mean, share, longest walk, p90 or EDE."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from gridplan.rooms.budget import priced_sites
from gridplan.rooms.fewest import Chosen
from gridplan.rooms.full_rooms import with_hard_space
from gridplan.rooms.lower_walk import Kept, less_walk
from gridplan.rooms.phases import building_order
from gridplan.rooms.question import Flags, Floats, RoomQuestion
from gridplan.rooms.searches import heeded
from gridplan.siting import (
    Limits,
    Rules,
    Siting,
    Solver,
    mclp,
    p_center,
    p_ede,
    p_median,
    p_quantile,
    propose_rooms,
)
from gridplan.siting.assessment import weighted_quantile
from gridplan.siting.rooms import no_plan, without_plan
from gridplan.siting.search import PROVEN_GAP, relative_gap

Objective = Literal["mean", "share", "longest", "p90", "ede"]

MODELS: Mapping[Objective, str] = {
    "mean": "p-median",
    "share": "mclp",
    "longest": "p-center",
    "p90": "p-quantile",
    "ede": "p-ede",
}
"""The model of each objective."""

MAXIMISED = frozenset({"mclp"})
"""Models whose objective is to be large, and whose bound is from above."""

SHARE = 0.9
"""Of the weight that lives within the least radius, for the objective ``p90``."""

_EVERYBODY = frozenset({"mean", "longest", "ede"})
"""Objectives that have no value as long as somebody whom a site reaches reaches none."""


def rooms_for(
    question: RoomQuestion, p_new: int, *, objective: Objective = "mean"
) -> tuple[Chosen, Siting]:
    r"""
    Open a number of rooms so that an objective is as good as it can be.

    With :math:`d_i` the walk to the nearest open place and :math:`w_i` what a home counts:

    ==========  ============  ===========================================================
    objective   model         value
    ==========  ============  ===========================================================
    mean        p-median      :math:`\sum_i w_i d_i`, lower is better
    share       MCLP          :math:`\sum_{i: d_i \le S} w_i` for the norm :math:`S`, higher
    longest     p-center      :math:`\max_i d_i`, lower
    p90         p-quantile    the least radius that holds 90 % of the weight, lower
    ede         p-EDE         Kolm-Pollak equivalent of the walks, lower
    ==========  ============  ===========================================================

    Homes that no place and no candidate reaches are left out of all of these. Where many
    choices have the same share, longest walk or 90 % radius, one with a low total walk is
    taken: single interchanges that keep the value, as long as one helps. Where floor area is a
    hard limit, the mean is that of the walks to the rooms that residents are given, not always
    the nearest; the assignment is in the `Siting`.

    Returns
    -------
    Chosen
        New rooms, with the objective of these.
    Siting
        As the solver gave it, before the interchanges.

    Raises
    ------
    InputError, InfeasibleError, StoppedError
        As `propose_rooms`.
    """
    if question.space is not None and question.space.hard and objective == "mean":
        full = with_hard_space(question, p_new)
        opened = tuple(str(one) for one in full.sites if one in question.candidates)
        return _chosen(opened, full, MODELS["mean"], {}), full
    solver, basis = _solver(question, objective, p_new)
    found = propose_rooms(
        question.problem,
        p_new=p_new,
        limits=question.limits,
        solver=solver,
        everybody=objective in _EVERYBODY,
    )
    new = tuple(str(one) for one in heeded(found).sites if one in question.candidates)
    chosen = _chosen(new, found, MODELS[objective], basis)
    # A p-median has the least walk already, and nobody's walk can be improved without a path.
    if objective in {"mean", "ede"} or found.status == "infeasible":
        return chosen, found
    return _with_less_walk(question, chosen, objective), found


def choice_of(question: RoomQuestion, new: tuple[str, ...], *, objective: Objective) -> Chosen:
    """Return a choice that another search made, with its value by an objective and no bound."""
    opened = np.sort(np.concatenate([question.fixed, question.at(new)]))
    reached = _reachable(question, len(new))
    value = _value(question, objective, question.nearest_m(opened)[reached], reached)
    nothing = (math.nan, math.nan)
    return Chosen(new, MODELS[objective], value, *nothing, "gap", None)


def not_worse(
    question: RoomQuestion, found: Chosen, before: Chosen, p_new: int, *, objective: Objective
) -> Chosen:
    """
    Return a choice, or the one of fewer rooms with the next best ones added if that is better.

    A further room never makes any objective worse; a search that was stopped may.

    Parameters
    ----------
    found, before : Chosen
        Of `p_new` rooms, and of as many or fewer.
    """
    sign = -1.0 if found.model in MAXIMISED else 1.0
    slack = PROVEN_GAP * max(abs(before.objective), 1.0)
    worse = math.isnan(found.objective) or (found.objective - before.objective) * sign > slack
    if not worse or not math.isfinite(before.objective):
        return found
    standing = np.sort(np.concatenate([question.fixed, question.at(before.sites)]))
    rest = np.setdiff1d(question.free, standing)
    more = building_order(question, rest, standing, most=p_new - len(before.sites))
    new = tuple(sorted([*before.sites, *question.names(more)]))
    opened = np.sort(np.concatenate([question.fixed, question.at(new)]))
    reached = _reachable(question, p_new)
    value = _value(question, objective, question.nearest_m(opened)[reached], reached)
    bound = found.bound if math.isfinite(found.bound) else math.nan
    gap = relative_gap(value, bound) if math.isfinite(bound) else math.nan
    proven = gap <= PROVEN_GAP
    return replace(
        found,
        sites=new,
        objective=value,
        bound=bound,
        gap=gap,
        status="proven" if proven else "gap",
        stopped_by=None if proven else found.stopped_by,
    )


def most_within_budget(question: RoomQuestion, budget: float) -> Chosen:
    """
    Open the rooms that a budget allows so that most weight lives within the norm (MCLP).

    Only candidates with a cost are bought. Money that no further coverage asks for goes to the
    rooms that save most walk.

    Raises
    ------
    InputError, InfeasibleError
        As `within_budget`, for candidates without cost; if the rules leave no plan.
    StoppedError
        If the limits ended the search before any plan.
    """
    priced = question.names(priced_sites(question, budget))
    reached = _reachable(question, len(priced))
    ids = pd.Index([one for one, kept in zip(question.demand_ids, reached, strict=True) if kept])
    places = sorted({*question.names(question.fixed), *priced})
    found = mclp(
        pd.DataFrame(
            question.metres[np.ix_(reached, question.at(places))], index=ids, columns=places
        ),
        pd.Series(question.counted[reached], index=ids),
        radius_m=question.norm_m,
        rules=replace(
            question.counts.rules(places),
            fixed=question.names(question.fixed),
            required=sorted(question.required),
            cost_of={one: float(question.cost[one]) for one in priced},
            budget=budget,
        ),
        limits=question.limits,
    )
    if not heeded(found).sites:
        raise without_plan(found, no_plan(found, len(priced)))
    new = tuple(str(one) for one in found.sites if one in question.candidates)
    chosen = _chosen(new, found, MODELS["share"], {"radius_m": question.norm_m})
    return _with_less_walk(question, chosen, "share", budget=budget)


def _solver(
    question: RoomQuestion, objective: Objective, p_new: int
) -> tuple[Solver, dict[str, float]]:
    """Return the solver of an objective, and what its value can be computed again with."""
    if objective == "share":
        return partial(mclp, radius_m=question.norm_m), {"radius_m": question.norm_m}
    if objective == "longest":
        return _longest, {}
    if objective == "p90":
        weight = math.fsum(question.counted[_reachable(question, p_new)])
        return partial(p_quantile, share=SHARE), {"share": SHARE, "weight": weight}
    if objective == "ede":
        kappa = question.kappa_per_m
        return partial(p_ede, aversion=question.aversion, kappa_per_m=kappa), {"kappa": kappa}
    return p_median, {}


def _longest(
    cost: pd.DataFrame, weights: pd.Series, *, p: int, rules: Rules, limits: Limits
) -> Siting:
    return p_center(cost, p=p, weights=weights, rules=rules, limits=limits)


def _reachable(question: RoomQuestion, p_new: int) -> Flags:
    """Return the homes with residents that a place reaches, or a candidate if any is opened."""
    may = np.concatenate([question.fixed, question.free]) if p_new else question.fixed
    return np.asarray(np.isfinite(question.nearest_m(may)) & (question.residents > 0))


def _chosen(new: tuple[str, ...], found: Siting, model: str, basis: Mapping[str, float]) -> Chosen:
    return Chosen(
        new,
        model,
        found.objective,
        found.bound,
        found.gap,
        found.status,
        found.stopped_by,
        dict(basis),
    )


def _with_less_walk(
    question: RoomQuestion, chosen: Chosen, objective: Objective, *, budget: float = math.inf
) -> Chosen:
    """Return as good a choice with less walk, and its value computed anew."""
    reached = _reachable(question, len(chosen.sites))
    counted = question.counted[reached]
    if objective == "share":
        radius_m, target = question.norm_m, chosen.objective
    else:
        share = SHARE if objective == "p90" else 1.0
        radius_m, target = chosen.objective, share * math.fsum(counted)
    kept = Kept(radius_m=radius_m, weight=target, budget=budget)
    new = less_walk(question, chosen.sites, kept=kept)
    walks = question.nearest_m(np.sort(np.concatenate([question.fixed, question.at(new)])))
    value = _value(question, objective, walks[reached], reached)
    gap = relative_gap(value, chosen.bound)
    status = "proven" if chosen.status == "gap" and gap <= PROVEN_GAP else chosen.status
    return replace(chosen, sites=new, objective=value, gap=gap, status=status)


def _value(question: RoomQuestion, objective: Objective, walks: Floats, rows: Flags) -> float:
    """Return the value of an objective of the walks of some homes."""
    counted = question.counted[rows]
    if objective == "share":
        return math.fsum(counted[walks <= question.norm_m])
    asked, weight = walks[counted > 0], counted[counted > 0]
    if objective == "p90":
        return weighted_quantile(asked, weight, SHARE)
    longest = float(asked.max(initial=0.0))
    if objective == "longest" or not math.isfinite(longest):
        return longest
    if objective == "mean":
        return math.fsum(weight * asked)
    kappa = question.kappa_per_m
    spread = math.fsum(weight * np.exp(kappa * (asked - longest))) / math.fsum(weight)
    return longest + math.log(spread) / kappa
