"""Several objectives at once: one after the other, or the frontier of two."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.errors import CostMatrixError, FaultList, Message
from gridplan.siting.aims import Aim, Kind, Stand, fixed_kappa, solve_aim
from gridplan.siting.aims_checked import check_aim
from gridplan.siting.assessment import labelled_sites
from gridplan.siting.conditioned import reach_tolls
from gridplan.siting.loads import Loads, read_loads
from gridplan.siting.matrix import is_number
from gridplan.siting.nulls import with_none
from gridplan.siting.options import Limits, Rules
from gridplan.siting.problem import Problem, make_problem
from gridplan.siting.result import Siting, Status
from gridplan.siting.search import Effort, StoppedBy
from gridplan.siting.standing import Standing

_NO_RULES = Rules()
_NO_LIMITS = Limits()
_POINTS = 8
_SAME = 1e-9
_NO_TIME_S = 1e-9
"""What a search is given once the time is up: it stops at its first look."""
_COLUMNS = (
    "limit", "first", "second", "bound", "gap", "status", "stopped_by", "sites", "assignment",
    "cause",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """
    One objective of several, solved within the limits of those before it.

    Attributes
    ----------
    aim : Aim
    objective, bound, gap : float
        The best value found within those limits, in the aim's unit, and how far from the
        best possible it can be.
    status : {"proven", "gap", "infeasible", "stopped"}
    stopped_by : {None, "work", "time", "key", "interrupt"}
    final : float
        The value of the last plan, which may use the slack.
    cause : Message or None
        Why the stage has no plan: a p90, say, where more than a tenth reach no allowed site.
    """

    aim: Aim
    objective: float
    bound: float
    gap: float
    status: Status
    stopped_by: StoppedBy | None
    final: float
    cause: Message | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """
    A plan for several objectives, the first most important.

    Attributes
    ----------
    siting : Siting
        The plan of the last stage that has one, with objective and bound of that stage.
    stages : tuple of Stage
        Up to the first that has no plan, or that a key interrupted.
    """

    siting: Siting
    stages: tuple[Stage, ...]

    @property
    def status(self) -> Status:
        """``proven`` if every stage is; else the first other status."""
        return next((one.status for one in self.stages if one.status != "proven"), "proven")

    @property
    def stopped_by(self) -> StoppedBy | None:
        """``interrupt`` if stages may be missing; else what ended the first that was stopped."""
        reasons = [one.stopped_by for one in self.stages if one.stopped_by is not None]
        return "interrupt" if "interrupt" in reasons else next(iter(reasons), None)

    @property
    def cause(self) -> Message | None:
        """Why the last stage has no plan, and the smallest relaxation known to help."""
        return self.stages[-1].cause if self.stages else None


def lexicographic(
    cost: np.ndarray | pd.DataFrame,
    weights: np.ndarray | pd.Series,
    *,
    objectives: Sequence[Aim | Kind],
    p: int | None = None,
    slack: float = 0.0,
    rules: Rules = _NO_RULES,
    limits: Limits = _NO_LIMITS,
) -> Ranked:
    r"""
    Open sites for several objectives, each among the plans that are good for those before.

    .. math::
        z_k = \min f_k(P) \quad \text{s.t.} \quad f_l(P) \le (1 + s) z_l \;\; \forall l < k

    for sets :math:`P` of sites that keep the rules and serve everybody whom an allowed site
    reaches; for the share of the weight near a site, :math:`\max` and :math:`\ge (1 - s) z_l`
    [1]_. Every limit is a row of the radius formulation (see `p_median` under a budget), or
    leaves out pairs, so that each stage has its bound. Where a stage is not proven, its limit
    follows the plan that was found. With hard capacities (`Rules.capacity`) all objectives are of
    the walks to the sites that demand is given. On an interrupt the best plan so far is kept, and
    no further stage is begun.

    Parameters
    ----------
    cost, weights
        As in `p_median`.
    objectives : sequence of Aim or of their kinds
        The most important first, e.g. ``("share", "mean")``.
    p : int or None
        Number of open sites, fixed and required ones included; None, with a budget: as many
        as it allows.
    slack : float
        By what share each earlier objective may be worse than its best; 0 or more.
    rules : Rules
    limits : Limits
        What is left of the work and of the time is divided evenly among the stages to come.
        A first stage that finds no plan in its share has all that is left.

    Returns
    -------
    Ranked

    Raises
    ------
    CostMatrixError
        As `p_median`.
    SettingsError
        If an objective is not known or its numbers mean nothing.

    References
    ----------
    .. [1] Marler, R. T. and Arora, J. S. (2004). Survey of multi-objective optimization
       methods for engineering. *Structural and Multidisciplinary Optimization*, 26(6),
       369-395. https://doi.org/10.1007/s00158-003-0368-6

    Examples
    --------
    One site for three homes. Two of them are nearest on the whole, yet most people live
    within 500 m of another:

    >>> walks = np.array([[450.0, 0.0], [450.0, 600.0], [480.0, 510.0]])
    >>> people = np.array([30.0, 10.0, 10.0])
    >>> found = lexicographic(walks, people, objectives=("share", "mean"), p=1)
    >>> [(one.aim.kind, one.objective, one.status) for one in found.stages]
    [('share', 50.0, 'proven'), ('mean', 22800.0, 'proven')]
    """
    spent = Effort(limits)
    aims = _aims(objectives, slack)
    problem, loads = _problem(cost, weights, rules, p)
    aims = [fixed_kappa(problem, one) for one in aims]
    stand = Stand(problem, reach_tolls(problem, rules.reach), p, loads=loads)
    stages: list[Stage] = []
    kept: tuple[Siting, Aim] | None = None
    for at, aim in enumerate(aims):
        found, plan = _solved(stand, aim, spent, len(aims) - at)
        stages.append(_stage(aim, found))
        if kept is None or plan is not None:
            kept = found, aim
        if plan is None:
            break
        stand = replace(stand, plan=plan)
        if found.stopped_by == "interrupt":
            break
        stand = stand.limited(aim, aim.within(found.objective, slack))
    if kept is None:
        msg = "objectives were checked to be at least one"
        raise ValueError(msg)
    if stand.plan is None:
        return Ranked(kept[0], tuple(stages))
    whole, final = Stand(problem, (), p, loads=loads), stand.plan
    given = kept[0].sites, kept[0].assignment
    check_aim(given, kept[0].objective, kept[1], whole, rules)
    stages = [replace(one, final=whole.value(one.aim, final)) for one in stages]
    return Ranked(replace(kept[0], work=spent.work), tuple(stages))


def pareto(
    cost: np.ndarray | pd.DataFrame,
    weights: np.ndarray | pd.Series,
    *,
    aims: tuple[Aim | Kind, Aim | Kind],
    p: int | None = None,
    points: int = _POINTS,
    rules: Rules = _NO_RULES,
    limits: Limits = _NO_LIMITS,
) -> pd.DataFrame:
    r"""
    Return plans of which none is better in both of two objectives.

    The epsilon constraint [1]_: from the best value of the first objective to the one it has
    where the second is best, limits in equal steps; within each, the second is made as good
    as can be, and then the first as good as that allows. The limit on one as a constraint and
    the other made least is also what a planner asks: the shortest mean walk with 90 % within
    500 m, say. On an interrupt the plans so far are kept, and no further limit is tried.

    Parameters
    ----------
    cost, weights, p, rules, limits
        As in `lexicographic`; what is left of the work and of the time is divided evenly among
        the points to come.
    aims : tuple of two Aim or kinds
    points : int
        Limits that are tried, both ends included; 2 or more.

    Returns
    -------
    DataFrame, one row per plan, from the best of the first objective on
        ``limit`` on the first objective, values of ``first`` and ``second``; ``bound``: no
        plan within the limit has a better second; ``gap``, ``status`` and ``stopped_by`` of
        the second, ``sites``, and with hard capacities ``assignment``, the site of each demand
        point (else null: the closest). Plans that another one equals or beats are left out. A
        limit without a plan has no sites, and a `Message` as its ``cause``, if one is known. Where
        the last row says ``interrupt``, plans beyond it may be missing.

    Raises
    ------
    CostMatrixError, SettingsError
        As `lexicographic`.

    References
    ----------
    .. [1] Haimes, Y. Y., Lasdon, L. S. and Wismer, D. A. (1971). On a bicriterion formulation
       of the problems of integrated system identification and system optimization. *IEEE
       Transactions on Systems, Man, and Cybernetics*, 1(3), 296-297.
       https://doi.org/10.1109/TSMC.1971.4308298

    Examples
    --------
    >>> walks = np.array([[450.0, 0.0], [450.0, 600.0], [480.0, 510.0]])
    >>> people = np.array([30.0, 10.0, 10.0])
    >>> curve = pareto(walks, people, aims=("share", "mean"), p=1)
    >>> curve[["first", "second", "status"]].values.tolist()
    [[50.0, 22800.0, 'proven'], [30.0, 11100.0, 'proven']]
    """
    spent = Effort(limits)
    faults = FaultList()
    if isinstance(aims, str) or not isinstance(aims, Collection) or len(aims) != 2:  # noqa: PLR2004
        faults.add(
            en=f"aims is {aims!r}; expected two, such as ('share', 'mean').",
            zh=f"aims 为 {aims!r}，应为两个目标，如 ('share', 'mean')。",
        )
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:  # noqa: PLR2004
        faults.add(
            en=f"points is {points!r}; expected a whole number, 2 or more.",
            zh=f"points 为 {points!r}，应为不小于 2 的整数。",
        )
    faults.raise_if_any(CostMatrixError)
    first, second = _aims(aims, 0.0)
    problem, loads = _problem(cost, weights, rules, p)
    first, second = fixed_kappa(problem, first), fixed_kappa(problem, second)
    stand = Stand(problem, reach_tolls(problem, rules.reach), p, loads=loads)
    curve = _Curve(stand, first, second, spent, points, rules)
    return curve.table()


@dataclass
class _Curve:
    stand: Stand
    first: Aim
    second: Aim
    spent: Effort
    points: int
    rules: Rules
    left: int = 0
    interrupted: bool = False

    def table(self) -> pd.DataFrame:
        """Return the plans, from the best of the first objective on."""
        self.left = self.points + 2
        best, plan = self._solve(self.stand, self.first)
        if plan is None:
            return self._typed([self._lost(best)])
        limits, plans = self._ends(best, plan)
        rows = list[dict[str, object]]()
        for limit in limits:
            if not self.interrupted:
                rows.append(self._point(limit, plan))
        # An interrupt before the first limit leaves what the ends were sought with.
        rows = rows or [self._row(self.stand.value(self.first, one), one) for one in plans]
        table = _efficient(self._typed(rows), self.first, self.second)
        if self.interrupted:
            last = table.index[-1]
            table.loc[last, "stopped_by"] = "interrupt"
            # What was not tried may beat even a plan that is proven within its limit.
            table.loc[last, "status"] = "gap" if table["sites"].iloc[-1] else "stopped"
        return table

    def _ends(self, best: Siting, plan: Standing) -> tuple[list[float], list[Standing]]:
        """Return the limits on the first objective, and the plans that are known by then."""
        if self.interrupted:
            return [], [plan]
        other, apart = self._solve(replace(self.stand, plan=plan), self.second)
        if apart is None:
            return [best.objective], [plan]
        if self.interrupted:
            return [], [plan, apart]
        within = self.stand.limited(self.second, other.objective)
        nearest, closer = self._solve(replace(within, plan=apart), self.first)
        limits = np.linspace(best.objective, nearest.objective, self.points).tolist()
        return limits, [plan, apart if closer is None else closer]

    def _solve(self, stand: Stand, aim: Aim) -> tuple[Siting, Standing | None]:
        found = _solved(stand, aim, self.spent, max(1, self.left))
        self.left -= 1
        self.interrupted = self.interrupted or found[0].stopped_by == "interrupt"
        return found

    def _point(self, limit: float, plan: Standing) -> dict[str, object]:
        """Return the best second objective within a limit on the first."""
        within = replace(self.stand.limited(self.first, limit), plan=plan)
        self.left += 1
        found, chosen = self._solve(within, self.second)
        if chosen is None:
            return self._lost(found) | {"limit": limit}
        if not self.interrupted:
            again = within.limited(self.second, found.objective)
            _, better = self._solve(replace(again, plan=chosen), self.first)
            chosen = chosen if better is None else better
        return self._row(limit, chosen, found)

    def _row(
        self, limit: float, chosen: Standing, found: Siting | None = None
    ) -> dict[str, object]:
        """Return a plan; without a search of its second objective, nothing bounds that."""
        problem = self.stand.problem
        unknown = math.inf if self.second.maximised else -math.inf
        sites = tuple(problem.site_ids[one] for one in chosen.sites)
        goes = labelled_sites(problem, chosen.near_of(problem))
        values = []
        for aim in (self.first, self.second):
            values.append(self.stand.value(aim, chosen))
            check_aim((sites, goes), values[-1], aim, self.stand, self.rules)
        return {
            "limit": limit,
            "first": values[0],
            "second": values[1],
            "bound": found.bound if found else unknown,
            "gap": found.gap if found else math.inf,
            "status": found.status if found else "gap",
            "stopped_by": found.stopped_by if found else "interrupt",
            "sites": sites,
            "assignment": None if self.stand.loads is None else goes.dropna().to_dict(),
            "cause": None,
        }

    @staticmethod
    def _typed(rows: list[dict[str, object]]) -> pd.DataFrame:
        table = pd.DataFrame(rows, columns=list(_COLUMNS))
        return with_none(table, ("stopped_by", "assignment", "cause"))

    @staticmethod
    def _lost(found: Siting) -> dict[str, object]:
        nothing = dict.fromkeys(("limit", "first", "second", "gap"), math.nan)
        return {
            **nothing,
            "bound": found.bound,
            "status": found.status,
            "stopped_by": found.stopped_by,
            "sites": (),
            "assignment": None,
            "cause": found.cause,
        }


def _efficient(rows: pd.DataFrame, first: Aim, second: Aim) -> pd.DataFrame:
    """Leave out plans that another one equals or beats."""
    one = rows["first"].to_numpy(dtype=float) * (-1.0 if first.maximised else 1.0)
    two = rows["second"].to_numpy(dtype=float) * (-1.0 if second.maximised else 1.0)
    kept = []
    for at in range(len(rows)):
        as_good = (one <= one[at] + _SAME * abs(one[at])) & (two <= two[at] + _SAME * abs(two[at]))
        better = as_good & (
            (one < one[at] - _SAME * abs(one[at]))
            | (two < two[at] - _SAME * abs(two[at]))
            | (np.arange(len(rows)) < at)
        )
        kept.append(not better.any())
    return rows[kept].reset_index(drop=True)


def _problem(
    cost: object, weights: object, rules: Rules, p: int | None
) -> tuple[Problem, Loads | None]:
    if p is None and rules.budget is None:
        raise CostMatrixError(
            Message(
                en="p is None and there is no budget. Give a number of sites, or a budget.",
                zh="未给出 p，也没有预算。请给出选址数量或预算。",
            )
        )
    problem = make_problem(cost, weights, rules, p=p, conditions=True, reach=True)
    if rules.capacity is None:
        return problem, None
    return problem, read_loads(cost, problem, rules.capacity.load, rules.capacity.amounts)


def _aims(objectives: Sequence[Aim | Kind], slack: float) -> list[Aim]:
    faults = FaultList()
    if isinstance(objectives, str) or not objectives:
        faults.add(
            en=f"objectives is {objectives!r}; expected one or more, such as ('share', 'mean').",
            zh=f"objectives 为 {objectives!r}，应为一个或多个目标，如 ('share', 'mean')。",
        )
    if not (is_number(slack) and 0 <= slack < math.inf):
        faults.add(
            en=f"slack is {slack!r}; expected a share of 0 or more.",
            zh=f"slack 为 {slack!r}，应为不小于 0 的比例。",
        )
    faults.raise_if_any(CostMatrixError)
    return [one if isinstance(one, Aim) else Aim(one) for one in objectives]


def _solved(stand: Stand, aim: Aim, spent: Effort, left: int) -> tuple[Siting, Standing | None]:
    """
    Solve one of some searches to come with its share of what is left.

    Nothing comes after a first search without a plan, so that it has all the rest.
    """
    found, plan = solve_aim(stand, aim, _share(spent, left))
    spent.work += found.work
    if stand.plan is None and plan is None and left > 1 and found.stopped_by in {"work", "time"}:
        found, plan = solve_aim(stand, aim, _share(spent, 1))
        spent.work += found.work
    return found, plan


def _share(spent: Effort, left: int) -> Limits:
    """Return an even share of the work and of the time that are left."""
    limits = spent.limits
    work = max(1, int((limits.work - spent.work) / left))
    if limits.time_s is None:
        return replace(limits, work=work)
    time_s = max(_NO_TIME_S, (limits.time_s - spent.seconds) / left)
    return replace(limits, work=work, time_s=time_s)


def _stage(aim: Aim, found: Siting) -> Stage:
    return Stage(
        aim=aim,
        objective=found.objective,
        bound=found.bound,
        gap=found.gap,
        status=found.status,
        stopped_by=found.stopped_by,
        final=found.objective,
        cause=found.cause,
    )
