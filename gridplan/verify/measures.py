"""Do the tables of measures hold: costs within the budget, sums, bounds, and the better plan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Tolerances
from gridplan.verify.frames import missing_columns, numbers, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World

_MONEY = 0.01
_PLANS, _MEASURES = "measure_plans", "measures"


def check_measures(
    measures: pd.DataFrame, plans: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that a mix costs what its measures do, within the budget, and is no worse than rooms.

    Parameters
    ----------
    measures : DataFrame
        ``measure_id``, ``in_plan``, ``cost``.
    plans : DataFrame
        ``plan`` (``today``, ``rooms_alone``, ``mix``), ``budget``, ``cost``, ``objective``,
        ``lower_bound``, ``unreachable``, ``measures``.
    """
    columns = ["plan", "budget", "cost", "objective", "lower_bound", "unreachable", "measures"]
    absent = [
        *missing_columns(measures, _MEASURES, ["measure_id", "in_plan", "cost"]),
        *missing_columns(plans, _PLANS, columns),
    ]
    if absent:
        return Checked(tuple(absent))
    names = texts(plans, "plan")
    cost, budget = numbers(plans, "cost"), numbers(plans, "budget")
    findings = finding("measures_budget", names[cost > budget + _MONEY], layer=_PLANS)
    objective = numbers(plans, "objective")
    excess = numbers(plans, "lower_bound") - objective
    above = excess > tolerances.ratio * np.maximum(np.abs(objective), 1.0)
    findings += finding("frontier_bound", names[above], layer=_PLANS)
    mix = np.flatnonzero(names == "mix")
    if len(mix) != 1:
        return Checked((*findings, *finding("measures_differ", ["mix"], layer=_PLANS)))
    row = int(mix[0])
    chosen = measures["in_plan"].fillna(0).astype(bool).to_numpy()
    named = set((texts(plans, "measures")[row] or "").split())
    other = named ^ {str(one) for one in texts(measures, "measure_id")[chosen]}
    spent = float(np.nansum(numbers(measures, "cost")[chosen]))
    if not other and abs(spent - float(np.nan_to_num(cost[row]))) > _MONEY:
        other = {"mix"}
    findings += finding("measures_differ", sorted(other), layer=_MEASURES)
    rooms = np.flatnonzero(names == "rooms_alone")
    if len(rooms) == 1:
        lost = numbers(plans, "unreachable")
        at = int(rooms[0])
        slack = tolerances.ratio * max(abs(float(np.nan_to_num(objective[at]))), 1.0)
        if lost[row] == lost[at] and objective[row] > objective[at] + slack:
            findings += finding("measures_worse", ["mix"], layer=_PLANS)
    return Checked(tuple(findings))


def measures_of(world: World) -> Checked:
    """Check the tables of measures of a plan."""
    return check_measures(
        world.layers[_MEASURES], world.layers[_PLANS], tolerances=world.tolerances
    )
