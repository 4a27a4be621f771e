"""How even connected zones could be at best: an exact optimum or a lower bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.siting.options import Limits
from gridplan.siting.search import Effort
from gridplan.zones.contiguity import Ints
from gridplan.zones.system_asked import Asked, asked_of
from gridplan.zones.system_exact import evenest, heaviest_bound, imbalance_of
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemPlan, SystemRules

_LIMITS = Limits(work=50_000)
_ROUNDING = 1e-6
_PROVEN = 1e-5
"""A gap of what the solver's tolerances take from the bound."""
_NO_RULES = SystemRules()
_OPTIONS = SystemOptions()


@dataclass(frozen=True, slots=True)
class Reference:
    """
    How far a plan is from the evenest that connected zones could be.

    Attributes
    ----------
    imbalance : float
        Of the plan: the farthest that any load of a zone is from the middle of what is
        allowed, in tolerances. Up to 1: all zones are within what is allowed.
    bound : float
        No partition into as many connected zones that keeps the rules has less.
    gap : float
        ``imbalance - bound``, in tolerances, 0 or more.
    status : {"proven", "gap"}
        ``proven``: nothing is evener than the plan.
    feasible : bool or None
        Whether some partition is within all that is allowed; null: not known.
    zone : Series of int or None
        An evener partition, by ``cell_uid``, where the model found one.
    stopped_by : {None, "size", "work", "time", "interrupt"}
        What left the bound short of a proof; ``size``: too many units for the model.
    """

    imbalance: float
    bound: float
    gap: float
    status: Literal["proven", "gap"]
    feasible: bool | None
    zone: pd.Series[int] | None = None
    stopped_by: str | None = None


def zone_reference(
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    plan: SystemPlan,
    *,
    rules: SystemRules = _NO_RULES,
    options: SystemOptions = _OPTIONS,
    limits: Limits = _LIMITS,
) -> Reference:
    r"""
    Return how even zones could be at best, beside how even those of a plan are.

    On small instances a whole-number model decides. :math:`x_{ij} = 1` if unit `i` is in
    the zone whose first unit is `j \le i`:

    .. math:: \min t, \quad \sum_j x_{ij} = 1, \quad \sum_j x_{jj} = k, \quad
       |\sum_i a_{iw} x_{ij} - m_w x_{jj}| \le h_w t, \quad x_{ij} \le x_{jj}

    with the middle :math:`m_w` and half width :math:`h_w` of what is allowed, and rounds
    of separator cuts :math:`x_{ij} \le \sum_{c \in S} x_{cj}` that keep zones
    connected [1]_. On larger ones the bound is that of the heaviest unit.

    Parameters
    ----------
    cells, weights, rules, options
        As given to `gridplan.zones.zone_system`.
    plan : SystemPlan
        What that returned.
    limits : Limits, optional
        Work and seconds of the model.

    References
    ----------
    .. [1] Oehrlein, J. and Haunert, J.-H. (2017). A cutting-plane method for
       contiguity-constrained spatial aggregation. *Journal of Spatial Information
       Science*, 15, 89-120. https://doi.org/10.5311/JOSIS.2017.15.379
    """
    asked = asked_of(cells, weights, rules, options)
    zone = pd.factorize(plan.zone_of.reindex(asked.own["cell_uid"]), sort=True)[0]
    imbalance = imbalance_of(asked, _of_units(asked, zone))
    found = evenest(asked, Effort(limits))
    # By bridges that zones do not use they might be evener.
    known = 0.0 if asked.ground.bridged else found.bound
    bound = min(max(known, heaviest_bound(asked)), imbalance)
    better = None
    if found.zone is not None and imbalance_of(asked, found.zone) < imbalance - _ROUNDING:
        better = pd.Series(found.zone[asked.ground.unit], index=asked.own["cell_uid"])
    feasible = None
    if min(imbalance, imbalance_of(asked, found.zone) if better is not None else math.inf) <= (
        1 + _ROUNDING
    ):
        feasible = True
    elif bound > 1 + _ROUNDING:
        feasible = False
    gap = max(0.0, imbalance - bound)
    return Reference(
        imbalance=imbalance,
        bound=bound,
        gap=gap,
        status="proven" if gap <= _PROVEN * max(1.0, imbalance) else "gap",
        feasible=feasible,
        zone=better,
        stopped_by=found.stopped_by,
    )


def _of_units(asked: Asked, of_cell: Ints) -> Ints:
    zone = np.empty(asked.ground.land.count, dtype=np.intp)
    zone[asked.ground.unit] = of_cell
    return zone
