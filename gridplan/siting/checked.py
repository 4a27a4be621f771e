"""Every plan passes a check that shares no code with the solvers before it is given out."""

from __future__ import annotations

import numpy as np

from gridplan.errors import BrokenPlanError
from gridplan.siting.problem import Problem
from gridplan.siting.result import Siting
from gridplan.verify.choice import Asked, Distances, Kind, check_choice


def checked(
    plan: Siting,
    problem: Problem,
    *,
    model: Kind,
    p: int | None = None,
    radius_m: float = np.inf,
    backup: int = 1,
    share: float = 1.0,
) -> Siting:
    """
    Return a plan that keeps every rule and whose objective was computed again.

    Raises
    ------
    BrokenPlanError
        With what is wrong: a bug in a solver.
    """
    if not plan.sites:
        return plan
    ids, conditions = problem.site_ids, problem.conditions
    names = conditions.names
    groups = {
        one: names[at]
        for one, at in zip(ids, conditions.group.tolist(), strict=False)
        if names and at >= 0
    }
    asked = Asked(
        model=model,
        p=p,
        kept=[ids[at] for at in np.flatnonzero(problem.must_open)],
        forbidden=[ids[at] for at in np.flatnonzero(~problem.may_open)],
        cost_of=None
        if conditions.cost is None
        else dict(zip(ids, conditions.cost.tolist(), strict=True)),
        budget=conditions.budget,
        groups=groups,
        at_least=dict(zip(names, conditions.least.tolist(), strict=True)),
        at_most=dict(zip(names, conditions.most.tolist(), strict=True)),
        radius_m=radius_m,
        backup=backup,
        share=share,
        left_out=plan.unreachable,
    )
    given = Distances(problem.cost, problem.weights, problem.demand_ids, ids)
    found = check_choice(plan.sites, plan.objective, given, asked).findings
    if found:
        raise BrokenPlanError(*(one.message for one in found))
    return plan
