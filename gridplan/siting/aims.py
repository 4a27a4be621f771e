"""What a plan can aim at, one after the other: mean, share, longest walk, quantile, equivalent."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from gridplan.access.equity import AVERSION
from gridplan.errors import FaultList, Message, SettingsError
from gridplan.siting.assessment import labelled_sites, weighted_quantile
from gridplan.siting.capacitated import solve_conditioned
from gridplan.siting.center import RadiusPlan, least_radius, possible_radii
from gridplan.siting.conditioned import cause_of, least_toll, minimise, serving_sites
from gridplan.siting.equitable import as_metres, check_aversion, check_sizes, kappa_of
from gridplan.siting.ladder import Toll, beyond_radius, power_less_one, walked
from gridplan.siting.ledger import Ledger, siting_of
from gridplan.siting.loads import Loads, loads_frame
from gridplan.siting.matrix import Positions, is_number
from gridplan.siting.options import Limits, Reach
from gridplan.siting.problem import Problem
from gridplan.siting.result import Siting
from gridplan.siting.search import OutOfEffortError, StoppedBy
from gridplan.siting.standing import Standing

Kind = Literal["mean", "share", "longest", "p90", "ede"]
_RADIUS_M, _P90 = 500.0, 0.9
_SLACK, _LEAST_S = 1e-9, 1e-9
# A plan this much beyond its bound is a plan: whether there is one within a radius is asked.
_ANY_GAP = 1e12


@dataclass(frozen=True, slots=True)
class Aim:
    """
    One objective, in the unit of the function that has it alone.

    Attributes
    ----------
    kind : {"mean", "share", "longest", "p90", "ede"}
        ``mean``: resident-metres in total, as `p_median`. ``share``: weight within
        `radius_m`, as `mclp`; more is better, and the bound is from above.
        ``longest``: metres, as `p_center`. ``p90``: metres within which `share` of the
        weight lives, as `p_quantile`. ``ede``: metres, as `p_ede`.
    radius_m : float
        Of ``share``.
    share : float
        Of ``p90``, 0.9 if not given.
    aversion : float
        Of ``ede``.
    kappa_per_m : float or None
        Of ``ede``; None: from the aversion, as `p_ede` does.
    """

    kind: Kind
    radius_m: float = _RADIUS_M
    share: float = _P90
    aversion: float = AVERSION
    kappa_per_m: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no aim."""
        faults = FaultList()
        known = get_args(Kind)
        if self.kind not in known:
            faults.add(
                en=f"The objective {self.kind!r} is not known; expected one of {', '.join(known)}.",
                zh=f"未知的目标 {self.kind!r}，应为 {'、'.join(known)} 之一。",
            )
        if not (is_number(self.radius_m) and 0 <= self.radius_m < math.inf):
            faults.add(
                en=f"radius_m is {self.radius_m!r}; expected metres, 0 or more.",
                zh=f"服务半径 radius_m 为 {self.radius_m!r}，应为不小于 0 的米数。",
            )
        if not (is_number(self.share) and 0 < self.share <= 1):
            faults.add(
                en=f"share is {self.share!r}; expected a share above 0, up to 1.",
                zh=f"share 为 {self.share!r}，应为大于 0、不超过 1 的比例。",
            )
        faults.raise_if_any(SettingsError)
        check_aversion(self.aversion, self.kappa_per_m)

    @property
    def maximised(self) -> bool:
        """More is better."""
        return self.kind == "share"

    def within(self, best: float, slack: float) -> float:
        """Return the worst value that a plan may have beside a best one."""
        return best * (1.0 - slack) if self.maximised else best * (1.0 + slack)


@dataclass(frozen=True)
class Stand:
    """
    A problem with the limits that earlier aims have left, and a plan within them.

    Attributes
    ----------
    problem : Problem
        Pairs beyond the longest walk allowed are absent.
    caps : tuple of Toll
    p : int or None
    plan : Standing or None
        A plan that keeps everything.
    loads : Loads or None
        Hard capacities. Then all walks are those to the sites that demand is given.
    """

    problem: Problem
    caps: tuple[Toll, ...]
    p: int | None
    plan: Standing | None = None
    loads: Loads | None = None

    def limited(self, aim: Aim, worst: float) -> Stand:
        """Return the problem in which an aim may not be worse than a value."""
        if aim.kind == "longest":
            far = self.problem.cost > worst + _SLACK * max(1.0, worst)
            # Demand that only takes room walks in no objective.
            far &= (self.problem.weights > 0)[:, None]
            return replace(
                self,
                problem=replace(self.problem, cost=np.where(far, np.inf, self.problem.cost)),
            )
        return replace(self, caps=(*self.caps, _cap(self.problem, aim, worst)))

    def value(self, aim: Aim, plan: Standing) -> float:
        """Return what a plan makes of an aim."""
        problem = self.problem
        metres = plan.metres(problem)
        counted = problem.counted
        weights = problem.weights
        if aim.kind == "share":
            return math.fsum(weights[counted & (metres <= aim.radius_m)])
        if aim.kind == "longest":
            return float(metres[counted].max(initial=0.0))
        if aim.kind == "p90":
            everybody = weights > 0
            return weighted_quantile(metres[everybody], weights[everybody], aim.share)
        total = math.fsum(weights[counted] * _toll(problem, aim).of(metres[counted]))
        return _in_units(problem, aim, total)


def solve_aim(stand: Stand, aim: Aim, limits: Limits) -> tuple[Siting, Standing | None]:
    """
    Return the best plan for one aim within the limits of a stand, as told and as it stands.

    The objective and the bound are in the aim's unit.
    """
    if aim.kind in {"longest", "p90"}:
        found = _least_radius(stand, aim, limits)
    else:
        toll = _toll(stand.problem, aim)
        found = _least_toll(stand, (toll, *stand.caps), limits)
        found = _in_aim(stand.problem, aim, found)
    if found.status in {"infeasible", "stopped"}:
        return found, None
    return found, standing_of(stand, found)


def standing_of(stand: Stand, found: Siting) -> Standing:
    """Return a plan that was found by its positions."""
    at = {one: position for position, one in enumerate(stand.problem.site_ids)}
    sites = np.array([at[one] for one in found.sites], dtype=np.intp)
    if stand.loads is None:
        return Standing(sites)
    near = np.array([at.get(one, -1) for one in found.assignment], dtype=np.intp)
    return Standing(sites, near)


def _least_toll(stand: Stand, tolls: tuple[Toll, ...], limits: Limits) -> Siting:
    if stand.loads is not None:
        return solve_conditioned(
            stand.problem, tolls, stand.p, stand.loads, limits, start=stand.plan
        )
    start = None if stand.plan is None else stand.plan.sites
    return least_toll(stand.problem, tolls, stand.p, limits, start=start)


def _toll(problem: Problem, aim: Aim) -> Toll:
    if aim.kind == "share":
        return Toll(beyond_radius(aim.radius_m))
    if aim.kind == "ede":
        return Toll(power_less_one(_kappa(problem, aim)))
    return Toll(walked)


def _kappa(problem: Problem, aim: Aim) -> float:
    kappa = kappa_of(problem, aim.aversion) if aim.kappa_per_m is None else aim.kappa_per_m
    check_sizes(problem, aim.aversion, kappa)
    return kappa


def fixed_kappa(problem: Problem, aim: Aim) -> Aim:
    """Return an aim with its kappa, which must not change where pairs are left out later."""
    return replace(aim, kappa_per_m=_kappa(problem, aim)) if aim.kind == "ede" else aim


def _people(problem: Problem) -> float:
    return math.fsum(problem.weights[problem.counted])


def _in_units(problem: Problem, aim: Aim, total: float) -> float:
    """Return a total of an aim's toll in its unit."""
    if aim.kind == "share":
        return _people(problem) - total if math.isfinite(total) else math.inf
    if aim.kind == "ede":
        return as_metres(total, _people(problem), _kappa(problem, aim))
    return total


def _in_aim(problem: Problem, aim: Aim, found: Siting) -> Siting:
    """Return a plan with objective and bound in the aim's unit."""
    objective = _in_units(problem, aim, found.objective)
    bound = _in_units(problem, aim, found.bound)
    if math.isinf(found.bound):
        bound = math.inf if aim.maximised or found.status == "infeasible" else -math.inf
    return found.restated(objective, bound)


def _cap(problem: Problem, aim: Aim, worst: float) -> Toll:
    """Return the toll that keeps an aim from being worse than a value."""
    toll = _toll(problem, aim)
    if aim.kind == "share":
        return replace(toll, most=_people(problem) - worst)
    if aim.kind == "p90":
        total = math.fsum(problem.weights)
        lost = math.fsum(problem.weights[problem.unreachable])
        radius_m = worst + _SLACK * max(1.0, worst)
        most = (1.0 - aim.share) * total - lost
        return Toll(beyond_radius(radius_m), most, Reach(radius_m, aim.share))
    if aim.kind == "ede":
        most = _people(problem) * math.expm1(_kappa(problem, aim) * worst)
        return replace(toll, most=most)
    return replace(toll, most=worst)


def _least_radius(stand: Stand, aim: Aim, limits: Limits) -> Siting:
    """Return the least radius of an aim, by bisection over the distances."""
    ledger = Ledger(limits, exact=True)
    stopped_by: StoppedBy | None = None
    full = None if stand.loads is None else FullWithin(stand, aim, ledger)
    radii = possible_radii(stand.problem, everybody=aim.kind == "longest")
    try:
        if full is not None:
            if not least_radius(radii, full.ask, ledger):
                ledger.cause = full.cause
        elif not least_radius(
            radii, lambda radius_m, _: _within(stand, aim, radius_m, ledger), ledger
        ):
            widest = stand.limited(aim, float(radii[-1]) if len(radii) else 0.0)
            tolls = (Toll(np.zeros_like), *widest.caps)
            ledger.cause = cause_of(widest.problem, tolls, stand.p, ledger)
    except OutOfEffortError as stop:
        stopped_by = stop.reason
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    found = siting_of(ledger, stand.problem, stopped_by, unreachable=stand.problem.unreachable)
    return found if full is None else full.told(found)


def loads_of(stand: Stand) -> Loads:
    """Return the hard capacities of a stand that has some."""
    if stand.loads is None:
        msg = "only plans with hard capacities are asked for here"
        raise ValueError(msg)
    return stand.loads


class FullWithin:
    """
    Asks for plans within a radius under hard capacities, and remembers where demand goes in them.

    Two plans with the same open sites may give demand other ones.
    """

    def __init__(self, stand: Stand, aim: Aim, ledger: Ledger) -> None:
        self._stand, self._aim, self._ledger = stand, aim, ledger
        self._near: dict[tuple[float, bytes], Positions] = {}
        self.cause: Message | None = None

    def ask(self, radius_m: float, work: float) -> RadiusPlan:
        """Return a plan that has a radius and keeps all limits; None if there is none."""
        del work
        stand, ledger, known = self._stand, self._ledger, self._stand.plan
        if known is not None and stand.value(self._aim, known) <= radius_m:
            return self._kept(known)
        asked, tolls, target = self._asked(radius_m)
        first = not math.isfinite(ledger.value)
        limits = replace(
            ledger.question(ledger.limits),
            gap=0.0 if math.isfinite(target) else _ANY_GAP,
            work=max(1, int(ledger.limits.work - ledger.work)),
            time_s=_left_s(ledger),
            explain=first and ledger.limits.explain,
        )
        found = solve_conditioned(
            asked.problem, tolls, stand.p, loads_of(stand), limits, target=target
        )
        ledger.work += found.work
        if found.status == "infeasible" or (math.isfinite(target) and found.bound > target):
            if first:
                self.cause = found.cause or self._why(radius_m, limits)
            return None
        if found.status == "stopped" or (math.isfinite(target) and found.objective > target):
            raise OutOfEffortError(found.stopped_by or "work")
        plan = self._kept(standing_of(stand, found))
        if found.stopped_by is not None:
            ledger.offer(*plan)
            raise OutOfEffortError(found.stopped_by)
        return plan

    def _why(self, radius_m: float, limits: Limits) -> Message | None:
        """Say why no plan has the widest radius, its limit being one of the conditions."""
        widest = self._stand.limited(self._aim, radius_m)
        tolls = (Toll(np.zeros_like), *widest.caps)
        found = solve_conditioned(
            widest.problem, tolls, widest.p, loads_of(widest), replace(limits, gap=_ANY_GAP)
        )
        return found.cause

    def _asked(self, radius_m: float) -> tuple[Stand, tuple[Toll, ...], float]:
        """Return the problem, its tolls and what the first may come to at most."""
        stand, aim = self._stand, self._aim
        if aim.kind == "longest":
            asked = stand.limited(aim, radius_m)
            return asked, (Toll(walked), *asked.caps), -math.inf
        # As little as can be beyond the radius: a row for it would only make plans hard to find.
        beyond = _cap(stand.problem, aim, radius_m)
        target = beyond.most + _SLACK * max(1.0, abs(beyond.most))
        return stand, (replace(beyond, most=math.inf), *stand.caps), target

    def _kept(self, plan: Standing) -> tuple[float, Positions]:
        value = self._stand.value(self._aim, plan)
        self._near[value, plan.sites.tobytes()] = plan.near_of(self._stand.problem)
        return value, plan.sites

    def told(self, found: Siting) -> Siting:
        """Return the plan of the ledger with the sites that demand is given."""
        value, sites = self._ledger.plan
        loads, problem = self._stand.loads, self._stand.problem
        if sites is None or loads is None or not found.sites:
            return found
        near = self._near[value, sites.tobytes()]
        return replace(
            found,
            assignment=labelled_sites(problem, near),
            loads=loads_frame(problem, loads, sites, near),
        )


def _left_s(ledger: Ledger) -> float | None:
    """Return the seconds that are left, hardly any once the time is up."""
    most = ledger.limits.time_s
    return None if most is None else max(_LEAST_S, most - ledger.seconds)


def _within(stand: Stand, aim: Aim, radius_m: float, ledger: Ledger) -> RadiusPlan:
    """Return a plan that has a radius and keeps all limits; None if there is none."""
    best = ledger.plan[1] if stand.plan is None else stand.plan.sites
    if best is not None and stand.value(aim, Standing(best)) <= radius_m:
        return stand.value(aim, Standing(best)), best
    asked = stand.limited(aim, radius_m)
    if not asked.caps:
        sites = serving_sites(asked.problem, asked.p, ledger)
        return None if sites is None else (stand.value(aim, Standing(sites)), sites)
    inner = Ledger(
        replace(ledger.question(ledger.limits), gap=0.0),
        started=ledger.started,
        work=ledger.work,
        on_the_way=ledger.planned,
    )
    inner.rng = ledger.rng
    try:
        minimise(asked.problem, (Toll(np.zeros_like), *asked.caps), asked.p, inner, explain=False)
    finally:
        ledger.work = inner.work
    found = inner.plan[1]
    if inner.infeasible or found is None:
        return None
    return stand.value(aim, Standing(found)), found
