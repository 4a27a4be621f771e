"""The objective of a siting, computed again from the walks of the plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD
from gridplan.verify.frames import Floats, number, numbers

_METRES = ("p_median", "p_center", "p_quantile")
"""Models whose objective is a whole number only where the walks are."""


def model_of(siting: Mapping[str, Any]) -> str:
    """Return the model of a siting, as it is called here."""
    return str(siting.get("model")).lower().replace("-", "_")


def weights_of(siting: Mapping[str, Any], demand: pd.DataFrame) -> Floats | None:
    r"""
    Return what each home counts; None where a column that it takes is missing.

    Residents, and :math:`w_g - 1` more for each resident of a group with the weight
    :math:`w_g` (``group_weights`` of the siting).
    """
    given = siting.get("group_weights") or {}
    if not {"population", *given} <= set(demand):
        return None
    counted = np.nan_to_num(numbers(demand, "population"))
    for group in sorted(given):
        counted = counted + (float(given[group]) - 1.0) * np.nan_to_num(numbers(demand, group))
    return counted


def objective_again(
    siting: Mapping[str, Any], demand: pd.DataFrame | None, rooms: int | None
) -> float | None:
    """
    Return the objective of a siting by its model; None where the plan does not hold enough.

    Parameters
    ----------
    siting : mapping
        ``model``; ``radius_m`` (MCLP), ``share`` and ``weight`` (p-quantile), ``kappa``
        (p-EDE), ``group_weights``; ``capacity``: where it is ``hard``, the walks are those to the
        rooms that residents are given.
    demand : DataFrame, optional
        With ``population``, ``room_m`` and the columns of the groups.
    rooms : int, optional
        Number of open places, the objective of the LSCP.
    """
    model = model_of(siting)
    if model == "lscp":
        return None if rooms is None else float(rooms)
    walk = walk_of(siting)
    if demand is None or walk not in demand or model not in _VALUES:
        return None
    counted, metres = weights_of(siting, demand), numbers(demand, walk)
    if counted is None:
        return None
    served = np.isfinite(metres) & (counted > 0)
    return value_of(siting, counted[served], metres[served], everybody=math.fsum(counted))


def value_of(
    siting: Mapping[str, Any], counted: Floats, metres: Floats, *, everybody: float | None = None
) -> float | None:
    """
    Return the objective of some walks by the model of a siting; None where it says too little.

    Parameters
    ----------
    counted, metres : float arrays of one shape
        What each home counts, and its walk.
    everybody : float, optional
        All weight, of homes without a walk too.
    """
    model = model_of(siting)
    if model not in _VALUES:
        return None
    whole = math.fsum(counted) if everybody is None else everybody
    return _VALUES[model](siting, counted, metres, whole)


def walk_of(siting: Mapping[str, Any]) -> str:
    """Return the column of the walks that the objective is about."""
    return "assigned_m" if siting.get("capacity") == "hard" else "room_m"


def in_whole_numbers(siting: Mapping[str, Any], demand: pd.DataFrame | None) -> bool:
    """Return whether the objective can only be a whole number."""
    model = model_of(siting)
    if model == "lscp":
        return True
    if demand is None or walk_of(siting) not in demand or model == "p_ede":
        return False
    counted = weights_of(siting, demand)
    if counted is None:
        return False
    made_of = [counted] if model in ("p_median", "mclp") else []
    if model in _METRES:
        made_of.append(numbers(demand, walk_of(siting)))
    values = np.concatenate(made_of) if made_of else np.array([0.5])
    return bool(np.all(np.mod(values[np.isfinite(values)], 1.0) == 0.0))


def _total(_: Mapping[str, Any], weights: Floats, walked: Floats, __: float) -> float:
    return math.fsum(weights * walked)


def _longest(_: Mapping[str, Any], __: Floats, walked: Floats, ___: float) -> float:
    return float(walked.max(initial=0.0))


def _covered(siting: Mapping[str, Any], weights: Floats, walked: Floats, _: float) -> float | None:
    radius_m = number(siting.get("radius_m"))
    return None if radius_m is None else math.fsum(weights[walked <= radius_m])


def _quantile(
    siting: Mapping[str, Any], weights: Floats, walked: Floats, everybody: float
) -> float | None:
    """Return the least distance within which the share of the claimed weight lives."""
    share, whole = number(siting.get("share")), number(siting.get("weight"))
    if share is None or whole is None:
        return None
    slack = STANDARD.ratio * max(everybody, 1.0)
    # Those out of reach of every site are left out of the weight, nobody else.
    if not math.fsum(weights) - slack <= whole <= everybody + slack:
        return math.nan
    order = np.argsort(walked, kind="stable")
    up_to = np.cumsum(weights[order])
    enough = up_to >= share * whole * (1.0 - STANDARD.proven_gap)
    return float(walked[order][enough][0]) if enough.any() else math.inf


def _equivalent(
    siting: Mapping[str, Any], weights: Floats, walked: Floats, _: float
) -> float | None:
    r"""Return :math:`\frac{1}{\kappa} \ln \frac{1}{W} \sum_i w_i e^{\kappa d_i}`."""
    kappa, whole = number(siting.get("kappa")), math.fsum(weights)
    if kappa is None or kappa <= 0 or whole <= 0:
        return None
    # The longest walk is taken out of the exponent.
    longest = float(walked.max(initial=0.0))
    spread = math.fsum(weights * np.exp(kappa * (walked - longest))) / whole
    return longest + math.log(spread) / kappa


_VALUES: Mapping[str, Callable[[Mapping[str, Any], Floats, Floats, float], float | None]] = {
    "p_median": _total,
    "p_center": _longest,
    "p_quantile": _quantile,
    "p_ede": _equivalent,
    "mclp": _covered,
}
"""By model: of the siting, the weights and walks of those who reach a place, and all weight."""
