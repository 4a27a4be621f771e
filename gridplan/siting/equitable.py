"""The p sites that make the equally distributed equivalent walk least: long walks count more."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from gridplan.access.equity import AVERSION
from gridplan.errors import FaultList, SettingsError
from gridplan.siting.center import spread
from gridplan.siting.checked import checked
from gridplan.siting.ledger import Ledger, siting_of
from gridplan.siting.matrix import Floats, Positions, is_number
from gridplan.siting.median import p_median
from gridplan.siting.options import Limits, Rules
from gridplan.siting.problem import Problem, make_problem
from gridplan.siting.result import Siting
from gridplan.siting.search import StoppedBy
from gridplan.verify.choice import Asked

_NO_RULES, _NO_LIMITS = Rules(), Limits()
_LARGEST_EXPONENT = 500.0
"""Beyond, a sum of weighted powers may leave what a float can hold."""
# More than the sum of all that a plan pays, whatever was rounded.
_ROUNDING = 1.0 + 1e-9


def p_ede(
    cost: np.ndarray | pd.DataFrame,
    weights: np.ndarray | pd.Series,
    *,
    p: int,
    aversion: float = AVERSION,
    kappa_per_m: float | None = None,
    rules: Rules = _NO_RULES,
    limits: Limits = _NO_LIMITS,
) -> Siting:
    r"""
    Open p sites so that the Kolm-Pollak equivalent of the walks is least.

    .. math::
        \min_{|P| = p} \frac{1}{\kappa} \ln \frac{1}{N} \sum_i n_i e^{\kappa d_i(P)},
        \qquad d_i(P) = \min_{j \in P} d_{ij}

    For a fixed :math:`\kappa` the logarithm only rises with the sum, so that this is a
    p-median with the costs :math:`e^{\kappa d_{ij}} - 1` [1]_, and its bound becomes a bound
    of the equivalent walk. :math:`\kappa = \varepsilon \sum n_i d_i / \sum n_i d_i^2`
    for the walks to the closest of all sites that may be open, unless it is given.

    Parameters
    ----------
    cost, weights, rules, limits
        As in `p_median`.
    p : int
        Number of open sites, fixed and required ones included.
    aversion : float
        :math:`\varepsilon` > 0; near 0 this is the p-median, the larger the more the
        longest walks count.
    kappa_per_m : float, optional
        :math:`\kappa` itself, per metre, so that several plans are measured alike.

    Returns
    -------
    Siting
        `objective` and `bound` in metres: from the mean walk up to the longest; lower is better.

    Raises
    ------
    CostMatrixError
        As `p_median`.
    SettingsError
        If the aversion or :math:`\kappa` is not above 0, or so large that the powers of
        the longest distance leave the range of numbers.

    References
    ----------
    .. [1] Horton, D., Logan, T., Murrell, J., Skipper, D. and Speakman, E. (2024). A scalable
       approach to equitable facility location. arXiv:2401.15452.
       https://doi.org/10.48550/arXiv.2401.15452

    Examples
    --------
    Two of three live at the first site. The mean walk asks for that one, a strong aversion
    for the second, from which the third has less than half as far:

    >>> walks = np.array([[0.0, 300.0], [0.0, 300.0], [900.0, 400.0]])
    >>> p_median(walks, np.ones(3), p=1).sites, p_ede(walks, np.ones(3), p=1, aversion=4).sites
    ((0,), (1,))
    """
    check_aversion(aversion, kappa_per_m)
    problem = make_problem(cost, weights, rules, p=p, conditions=True)
    ledger = Ledger(limits)
    kappa = kappa_per_m or 0.0
    try:
        kappa = kappa_of(problem, aversion) if kappa_per_m is None else kappa_per_m
        check_sizes(problem, aversion, kappa)
        plan = _found(problem, p, kappa, rules, ledger)
    except KeyboardInterrupt:
        plan = _begun(problem, ledger, "interrupt")
    return checked(plan, problem, Asked(model="p_ede", p=p, kappa_per_m=kappa))


def _found(problem: Problem, p: int, kappa: float, rules: Rules, ledger: Ledger) -> Siting:
    """Return the p-median of the powers, in metres; its beginnings stay in the ledger."""
    people = math.fsum(problem.weights[problem.counted])
    metres = partial(as_metres, people=people, kappa=kappa)
    powers = np.expm1(kappa * problem.cost)
    plan = spread(problem, p)
    if plan is not None:
        most = _total(problem, powers, plan)
        ledger.plan = (metres(most), plan)
        powers = _without_hopeless(powers, problem, most)
    ids = pd.Index(list(problem.demand_ids), dtype="object")
    found = p_median(
        pd.DataFrame(powers, index=ids, columns=list(problem.site_ids)),
        pd.Series(problem.weights, index=ids),
        p=p,
        rules=rules,
        limits=_told_in(ledger.limits, metres),
    )
    if found.status == "stopped" and plan is not None:
        ledger.bring_bound(metres(found.bound))
        ledger.work = found.work
        return _begun(problem, ledger, found.stopped_by)
    return found.restated(metres(found.objective), metres(found.bound))


def _begun(problem: Problem, ledger: Ledger, stopped_by: StoppedBy | None) -> Siting:
    """Return the plan that the search was to begin with, if it came that far."""
    return siting_of(ledger, problem, stopped_by, unreachable=problem.unreachable)


def _told_in(limits: Limits, metres: Callable[[float], float]) -> Limits:
    """Return limits whose progress is told in metres, as the result is."""
    tell = limits.progress
    if tell is None:
        return limits
    return replace(limits, progress=lambda bound, value: tell(metres(bound), metres(value)))


def _total(problem: Problem, powers: Floats, plan: Positions) -> float:
    near = powers[np.ix_(problem.counted, plan)].min(axis=1)
    return math.fsum(problem.weights[problem.counted] * near)


def _without_hopeless(powers: Floats, problem: Problem, most: float) -> Floats:
    """Drop pairs that alone pay more than a whole plan: powers reach over many digits."""
    kept = powers.copy()
    paid = problem.weights[problem.counted][:, None] * powers[problem.counted]
    kept[problem.counted] = np.where(paid > most * _ROUNDING, np.inf, powers[problem.counted])
    return kept


def kappa_of(problem: Problem, aversion: float) -> float:
    """Return the aversion per metre, from the walks to the closest site that may be open."""
    counted = problem.counted
    nearest_m = problem.cost[counted][:, problem.may_open].min(axis=1, initial=np.inf)
    people = problem.weights[counted]
    walked, squares = math.fsum(people * nearest_m), math.fsum(people * nearest_m**2)
    if squares > 0:
        return aversion * walked / squares
    # Everybody stands at a site that may be open: any length serves as the scale.
    finite = problem.cost[np.isfinite(problem.cost)]
    longest = float(finite.max(initial=0.0))
    return aversion / longest if longest > 0 else aversion


def check_aversion(aversion: float, kappa_per_m: float | None) -> None:
    """Raise a `SettingsError` where one of the two is no number."""
    faults = FaultList()
    for name, value in (("aversion", aversion), ("kappa_per_m", kappa_per_m)):
        if not (is_number(value) or (value is None and name != "aversion")):
            faults.add(
                en=f"{name} is {value!r}; expected a number above 0.",
                zh=f"{name} 为 {value!r}，应为大于 0 的数。",
            )
    faults.raise_if_any(SettingsError)


def check_sizes(problem: Problem, aversion: float, kappa: float) -> None:
    """Refuse an aversion without meaning, or powers beyond the range of numbers."""
    faults = FaultList()
    if not (aversion > 0 and kappa > 0 and math.isfinite(kappa)):
        faults.add(
            en=f"The aversion is {aversion:g} and kappa {kappa:g} per metre; both must be above 0.",
            zh=f"厌恶系数为 {aversion:g}，kappa 为每米 {kappa:g}，均须大于 0。",
        )
    longest_m = _longest(problem.cost)
    if kappa * longest_m > _LARGEST_EXPONENT:
        most = aversion * _LARGEST_EXPONENT / (kappa * longest_m)
        faults.add(
            en=f"With an aversion of {aversion:g} the walk of {longest_m:,.0f} m is beyond what "
            f"can be computed. Take at most {most:.3g}, or leave out pairs that are too far.",
            zh=f"厌恶系数为 {aversion:g} 时，{longest_m:,.0f} 米的步行超出可计算范围。"
            f"请取不超过 {most:.3g}，或去掉过远的配对。",
        )
    faults.raise_if_any(SettingsError)


def _longest(cost: Floats) -> float:
    return float(cost[np.isfinite(cost)].max(initial=0.0))


def as_metres(total: float, people: float, kappa: float) -> float:
    """Return the equivalent walk of a weighted total of powers less one."""
    if not math.isfinite(total) or people <= 0:
        return total if people > 0 else 0.0
    return math.log1p(max(total, 0.0) / people) / kappa
