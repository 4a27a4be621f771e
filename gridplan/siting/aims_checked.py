"""Every plan for an aim passes a check that shares no code with the solvers."""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np
import pandas as pd

from gridplan.siting.aims import Aim, Kind, Stand
from gridplan.siting.capacitated import check_filling
from gridplan.siting.checked import check_sites
from gridplan.siting.options import Rules
from gridplan.siting.problem import Problem
from gridplan.verify.choice import Asked
from gridplan.verify.choice import Kind as VerifyKind


def check_aim(
    plan: tuple[tuple[Hashable, ...], pd.Series],
    objective: float,
    aim: Aim,
    stand: Stand,
    rules: Rules,
) -> None:
    """
    Check open sites, where demand goes, and the value of an aim, by what was asked.

    Parameters
    ----------
    plan : (tuple of site ids, Series of site id by demand id)
    objective : float
        The value that is claimed.

    Raises
    ------
    BrokenPlanError
        With what is wrong: a bug in a solver.
    """
    sites, assignment = plan
    if not sites:
        return
    problem = stand.problem
    asked = _asked(aim, problem, stand.p)
    if stand.loads is None:
        check_sites(sites, objective, problem, asked)
        return
    named = assignment.dropna()
    goes = dict(zip(named.index.tolist(), named.tolist(), strict=True))
    check_sites(sites, objective, problem, asked, goes=goes)
    check_filling(plan, problem, stand.loads, rules)


def _asked(aim: Aim, problem: Problem, p: int | None) -> Asked:
    return Asked(
        model=_MODELS[aim.kind],
        p=p,
        radius_m=aim.radius_m if aim.kind == "share" else math.inf,
        share=aim.share if aim.kind == "p90" else 1.0,
        kappa_per_m=aim.kappa_per_m or 0.0,
        left_out=[problem.demand_ids[at] for at in np.flatnonzero(problem.unreachable)],
    )


_MODELS: dict[Kind, VerifyKind] = {
    "mean": "p_median",
    "longest": "p_center",
    "p90": "p_quantile",
    "share": "mclp",
    "ede": "p_ede",
}
