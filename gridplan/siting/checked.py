"""Every plan passes a check that shares no code with the solvers before it is given out."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import replace

import numpy as np

from gridplan.errors import BrokenPlanError
from gridplan.siting.problem import Problem
from gridplan.siting.result import Siting
from gridplan.verify.choice import Asked, Distances, check_choice


def checked(plan: Siting, problem: Problem, asked: Asked, *, assigned: bool = False) -> Siting:
    """
    Return a plan that keeps every rule and whose objective was computed again.

    Parameters
    ----------
    plan : Siting
    problem : Problem
    asked : Asked
        The model and its numbers; the rules are those of the problem.
    assigned : bool
        Its objective is of the walks to the sites that demand is given, not to the closest.

    Raises
    ------
    BrokenPlanError
        With what is wrong: a bug in a solver.
    """
    if plan.sites:
        asked = replace(asked, left_out=plan.unreachable)
        goes = _goes(plan) if assigned else None
        check_sites(plan.sites, plan.objective, problem, asked, goes=goes)
    return plan


def _goes(plan: Siting) -> dict[Hashable, Hashable]:
    named = plan.assignment.dropna()
    return dict(zip(named.index.tolist(), named.tolist(), strict=True))


def check_sites(
    sites: Collection[Hashable],
    objective: float,
    problem: Problem,
    asked: Asked,
    *,
    goes: Mapping[Hashable, Hashable] | None = None,
) -> None:
    """
    Raise if some sites break a rule of a problem, or have another objective.

    Parameters
    ----------
    goes : mapping of demand id to site id, optional
        Where demand goes, if not to the closest.

    Raises
    ------
    BrokenPlanError
    """
    given = Distances(problem.cost, problem.weights, problem.demand_ids, problem.site_ids)
    found = check_choice(sites, objective, given, _with_rules(asked, problem), goes=goes).findings
    if found:
        raise BrokenPlanError(*(one.message for one in found))


def _with_rules(asked: Asked, problem: Problem) -> Asked:
    ids, conditions = problem.site_ids, problem.conditions
    names = conditions.names
    groups = {
        one: names[at]
        for one, at in zip(ids, conditions.group.tolist(), strict=False)
        if names and at >= 0
    }
    return replace(
        asked,
        kept=[ids[at] for at in np.flatnonzero(problem.must_open)],
        forbidden=[ids[at] for at in np.flatnonzero(~problem.may_open)],
        cost_of=None
        if conditions.cost is None
        else dict(zip(ids, conditions.cost.tolist(), strict=True)),
        budget=conditions.budget,
        groups=groups,
        at_least=dict(zip(names, conditions.least.tolist(), strict=True)),
        at_most=dict(zip(names, conditions.most.tolist(), strict=True)),
    )
