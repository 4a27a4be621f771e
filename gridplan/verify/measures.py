"""Do the tables of measures hold: costs, sums, bounds, numbers of rooms, and the better plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import STANDARD, Checked, Tolerances
from gridplan.verify.frames import missing_columns, number, numbers, shapes, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World

_MONEY = 0.01
_PLANS, _MEASURES = "measure_plans", "measures"
_PLACES = ("room", "service_point")
_OFFICE = "committee"
_NEAR_M = 1.0
"""A community's line may have moved round a building; a point on it may be in either to this."""


def check_measures(
    measures: pd.DataFrame,
    plans: pd.DataFrame,
    *,
    weighted: bool = False,
    tolerances: Tolerances = STANDARD,
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
    weighted : bool
        Homes count by weights in the objective: plans that leave somebody without a place are
        then not compared, since as many residents need not count as much.
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
        alike = lost[row] == lost[at] and not (weighted and lost[row] > 0)
        if alike and objective[row] > objective[at] + slack:
            findings += finding("measures_worse", ["mix"], layer=_PLANS)
    return Checked(tuple(findings))


def check_measure_counts(
    measures: pd.DataFrame,
    plans: pd.DataFrame,
    rooms: pd.DataFrame,
    communities: pd.DataFrame,
    *,
    at_least: Mapping[str, Any],
    at_most: Mapping[str, Any],
) -> Checked:
    """
    Check that rooms alone and the mix leave each community as many rooms as it was to have.

    Parameters
    ----------
    measures : GeoDataFrame
        ``measure_id``, ``kind``.
    plans : DataFrame
        ``plan``, ``measures``, ``objective``: null where there is no plan.
    rooms : GeoDataFrame
        ``site_id``, ``kind``, ``ownership``; those of the kind ``existing`` are open anyway.
    communities : GeoDataFrame
        ``community_id``.
    at_least, at_most : mapping of community id to number
    """
    if not (at_least or at_most):
        return Checked()
    absent = [
        *missing_columns(measures, _MEASURES, ["measure_id", "kind", "geometry"]),
        *missing_columns(plans, _PLANS, ["plan", "measures", "objective"]),
        *missing_columns(rooms, "rooms", ["site_id", "kind", "ownership", "geometry"]),
        *missing_columns(communities, "communities", ["community_id", "geometry"]),
    ]
    if absent:
        return Checked(tuple(absent))
    real = rooms[texts(rooms, "ownership") != _OFFICE]
    own = measures[np.isin(texts(measures, "kind"), _PLACES)]
    where = dict(zip(texts(real, "site_id"), shapes(real), strict=True))
    where |= dict(zip(texts(own, "measure_id"), shapes(own), strict=True))
    links = set(texts(measures, "measure_id")) - set(where)
    standing = set(texts(real, "site_id")[texts(real, "kind") == "existing"])
    areas = dict(zip(texts(communities, "community_id"), shapes(communities), strict=True))
    wrong: set[str] = set()
    planned = (texts(plans, "plan") != "today") & np.isfinite(numbers(plans, "objective"))
    for named in texts(plans, "measures")[planned]:
        opened = standing | set((named or "").split()) - links
        # Where a site of rooms alone lies, no layer says if neither answer nor mix open it.
        unknown = len(opened - set(where))
        near = [_communities(where[one], areas) for one in sorted(opened & set(where))]
        may = Counter(name for names in near for name in names)
        sure = Counter(names[0] for names in near if len(names) == 1)
        wrong |= {one for one, least in at_least.items() if may[one] + unknown < least}
        wrong |= {one for one, most in at_most.items() if sure[one] > most}
    return Checked(tuple(finding("siting_group", sorted(wrong), layer=_PLANS)))


def check_mix_residents(
    plans: pd.DataFrame, residents: float, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that each plan of measures accounts for all residents, and that its share is of them.

    Parameters
    ----------
    plans : DataFrame
        ``plan``, ``objective``, ``within``, ``beyond``, ``unreachable``, ``within_share``.
    residents : float
        All residents of the place.
    """
    wanted = ["plan", "objective", "within", "beyond", "unreachable", "within_share"]
    absent = missing_columns(plans, _PLANS, wanted)
    if absent:
        return Checked(tuple(absent))
    within = numbers(plans, "within")
    total = within + numbers(plans, "beyond") + numbers(plans, "unreachable")
    # Each of the three is rounded to whole residents by itself.
    slack = tolerances.residents + 1.0
    right = np.abs(total - residents) <= slack
    right &= np.abs(numbers(plans, "within_share") * residents - within) <= slack
    wrong = np.isfinite(numbers(plans, "objective")) & ~right
    return Checked(tuple(finding("answer_residents", texts(plans, "plan")[wrong], layer=_PLANS)))


def _communities(point: shapely.Geometry, areas: Mapping[str, shapely.Geometry]) -> list[str]:
    """Return the communities in which a point lies, or may lie."""
    return [name for name, area in areas.items() if shapely.distance(area, point) <= _NEAR_M]


def measures_of(world: World) -> Checked:
    """Check the tables of measures of a plan."""
    siting = world.summary.get("siting") or {}
    plans = world.layers[_PLANS]
    found = check_measures(
        world.layers[_MEASURES],
        plans,
        weighted=bool(siting.get("group_weights")),
        tolerances=world.tolerances,
    ).findings
    if "within" in plans:
        residents = number(world.summary.get("residents")) or 0.0
        found += check_mix_residents(plans, residents, tolerances=world.tolerances).findings
    if {"rooms", "communities"} <= set(world.layers):
        found += check_measure_counts(
            world.layers[_MEASURES],
            plans,
            world.layers["rooms"],
            world.layers["communities"],
            at_least=siting.get("at_least") or {},
            at_most=siting.get("at_most") or {},
        ).findings
    return Checked(found)
