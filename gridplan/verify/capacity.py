"""Does everybody in a plan go to one open site, and does no site hold more than it can."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping

import numpy as np
import pandas as pd

from gridplan.verify.findings import Checked
from gridplan.verify.rules import finding

_FITS = 1.0 + 1e-8
_SAME = 1e-9


def check_assignment(
    assignment: pd.Series,
    cost: pd.DataFrame,
    *,
    sites: Collection[Hashable],
    required: Collection[Hashable] = (),
    forbidden: Collection[Hashable] = (),
    unserved: Collection[Hashable] = (),
) -> Checked:
    """
    Check that each demand point goes to one open site that it can reach, by the rules.

    Parameters
    ----------
    assignment : Series of site ids by demand id
        Null where a demand point is not served.
    cost : DataFrame, shape (n_demand, n_sites)
        Metres, ``inf`` where a pair is not allowed.
    sites : collection of site ids
        The open sites of the plan.
    required, forbidden : collection of site ids
        Sites that must and must not be among them.
    unserved : collection of demand ids
        Demand that may go without a site.
    """
    opened, known = list(sites), frozenset(cost.columns)
    inside, excused = frozenset(opened), frozenset(unserved)
    named = assignment.dropna()
    pairs = list(zip(named.index.tolist(), named.tolist(), strict=True))
    served = frozenset(named.index)
    twice = list(dict.fromkeys(assignment.index[assignment.index.duplicated()]))
    nowhere = [one for one in cost.index if one not in served and one not in excused]
    closed = [one for one, site in pairs if site not in inside]
    metres = _metres(pairs, cost)
    barred = [f"{one} → {site}" for (one, site), far in metres.items() if not math.isfinite(far)]
    missing = [one for one in dict.fromkeys(required) if one not in inside]
    wrong = [one for one in dict.fromkeys(forbidden) if one in inside]
    again = [one for at, one in enumerate(opened) if one in opened[:at] or one not in known]
    return Checked(
        (
            *finding("demand_twice", map(str, twice), layer="assignment"),
            *finding("demand_nowhere", map(str, nowhere), layer="assignment"),
            *finding("room_closed", map(str, closed), layer="assignment"),
            *finding("pair_barred", barred, layer="assignment"),
            *finding("room_dropped", map(str, missing), layer="sites"),
            *finding("room_forbidden", map(str, wrong), layer="sites"),
            *finding("room_not_a_site", map(str, again), layer="sites"),
        )
    )


def _metres(
    pairs: list[tuple[Hashable, Hashable]], cost: pd.DataFrame
) -> dict[tuple[Hashable, Hashable], float]:
    """Return the cost of each pair whose ids are in the matrix."""
    row = {one: at for at, one in enumerate(cost.index)}
    column = {one: at for at, one in enumerate(cost.columns)}
    values = cost.to_numpy(dtype=np.float64)
    return {
        (one, site): float(values[row[one], column[site]])
        for one, site in pairs
        if one in row and site in column
    }


def check_capacity(
    assignment: pd.Series, load: Mapping[Hashable, float], capacity: Mapping[Hashable, float]
) -> Checked:
    """
    Check that the loads of each site sum to no more than its capacity.

    Parameters
    ----------
    assignment : Series of site ids by demand id
    load : mapping of demand id to number
    capacity : mapping of site id to number
        A site that is not in it has no limit.

    Examples
    --------
    >>> plan = pd.Series({"d1": "A", "d2": "A"})
    >>> checked = check_capacity(plan, {"d1": 60.0, "d2": 50.0}, {"A": 100.0})
    >>> [(one.rule, one.ids, one.amount) for one in checked.findings]
    [('site_overloaded', ('A',), 10.0)]
    """
    held: dict[Hashable, list[float]] = {}
    for one, site in assignment.dropna().items():
        held.setdefault(site, []).append(float(load[one]))
    excess = {
        site: math.fsum(loads) - float(capacity.get(site, math.inf))
        for site, loads in held.items()
        if math.fsum(loads) > float(capacity.get(site, math.inf)) * _FITS
    }
    order = sorted(excess, key=lambda site: (-excess[site], str(site)))
    found = finding(
        "site_overloaded",
        [str(one) for one in order],
        layer="assignment",
        amount=max(excess.values(), default=0.0),
    )
    return Checked(tuple(found))


def check_total(
    assignment: pd.Series, cost: pd.DataFrame, weights: Mapping[Hashable, float], objective: float
) -> Checked:
    """Check that an objective is the sum of weight times distance to the assigned sites."""
    named = assignment.dropna()
    metres = _metres(list(zip(named.index.tolist(), named.tolist(), strict=True)), cost)
    again = math.fsum(float(weights[one]) * far for (one, _), far in metres.items())
    if again == objective or abs(again - objective) <= _SAME * max(1.0, abs(again)):
        return Checked()
    return Checked(
        tuple(
            finding(
                "objective_differs", [f"{again:.9g}"], layer="summary", detail=f"{objective:.9g}"
            )
        )
    )
