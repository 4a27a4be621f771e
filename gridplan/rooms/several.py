"""Rooms for several objectives, with a share as a condition, for a number or for a budget."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from gridplan.errors import InfeasibleError, Message, Note, StoppedError
from gridplan.rooms.budget import within_budget
from gridplan.rooms.fewest import Chosen, StageTold
from gridplan.rooms.full_rooms import check_space, hard_rules
from gridplan.rooms.least_share import check_with_all_open, out_of_reach
from gridplan.rooms.objectives import MODELS, SHARE, Objective
from gridplan.rooms.question import RoomQuestion, walks_of, walks_to
from gridplan.rooms.searches import heeded
from gridplan.siting import (
    Aim,
    Limits,
    Ranked,
    Reach,
    Rules,
    Siting,
    Stage,
    lexicographic,
    pareto,
    propose_rooms,
)
from gridplan.siting.conflict import in_residents
from gridplan.siting.nulls import with_none
from gridplan.siting.result import STOPS
from gridplan.siting.rooms import check_number
from gridplan.siting.search import PROVEN_GAP, relative_gap

_ROUNDING = 1e-9
_TIES = frozenset({"share", "longest", "p90"})
"""Objectives in which many choices are equal: of these one with the least walk is taken."""

_WALKS = ("mean_m", "p90_m", "max_m", "ede_m", "within_share")
TRADE_OFF_COLUMNS = (
    "first_objective", "second_objective", "first", "second", "bound", "gap", "status",
    "stopped_by", "rooms_new", "cost", *_WALKS, "unreachable", "sites",
)  # fmt: skip
"""Columns of the frontier of two objectives."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """
    How many rooms, and what is asked of them.

    Attributes
    ----------
    objectives : tuple of {"mean", "share", "longest", "p90", "ede"}
        The most important first.
    tolerance : float
        By what share each earlier one may be worse than its best.
    rooms : int
        New rooms, required ones included; unused with a budget.
    budget : float or None
        Yuan.
    least_share : float or None
        Of all residents (weighted where groups have weights), who have to live within the norm.
    """

    objectives: tuple[Objective, ...]
    tolerance: float = 0.0
    rooms: int = 0
    budget: float | None = None
    least_share: float | None = None


@dataclass(frozen=True)
class TwoAims:
    """
    Two objectives whose frontier is sought, and with how many points.

    Attributes
    ----------
    first, second : {"mean", "share", "longest", "p90", "ede"}
    points : int
        Limits on the first that are tried, both ends included.
    """

    first: Objective
    second: Objective
    points: int = 8


def several_rooms(question: RoomQuestion, wanted: Wanted) -> Chosen:
    """
    Open rooms for several objectives, each among the plans that are good for those before.

    The problem of `lexicographic`: everybody whom an open place or a candidate reaches is
    served in each stage, so that a share may be below that of `rooms_for`, which may leave a
    cut-off piece without a room. Where nothing may be worse than its best and many choices are
    equal, one with the least walk is taken.

    Returns
    -------
    Chosen
        Objective and bound of the last objective asked for, within the limits that those before
        leave; all of them in ``stages``. The status is ``proven`` where all are.

    Raises
    ------
    InputError, InfeasibleError, StoppedError
        As `propose_rooms` and `within_budget`; where the least share cannot be had, the
        `InfeasibleError` names it, with the largest share that can.
    """
    return several_with_siting(question, wanted)[0]


def several_with_siting(question: RoomQuestion, wanted: Wanted) -> tuple[Chosen, Siting | None]:
    """
    Return the choice of `several_rooms` with the plan that the solver gave.

    Where floor area is a hard limit, all objectives and the least share are of the walks to the
    rooms that residents are given; these are in the plan. It is None where there was nothing to
    search for.
    """
    _check_space(question, wanted)
    search = _Lexicographic(question, wanted)
    try:
        bought = _searched(question, wanted, search)
    except InfeasibleError as error:
        raise _with_cause(question, wanted, error, search.cause) from error
    if isinstance(bought, Chosen):
        if search.ranked is None:
            return bought, None
        new = bought.sites
    else:
        new = tuple(str(one) for one in bought.sites if one in question.candidates)
    if search.ranked is None:
        # Nobody is reached by any place: there is nothing to choose by.
        nothing = (math.inf, math.inf, math.inf)
        return Chosen(new, MODELS[wanted.objectives[-1]], *nothing, "infeasible", None), None
    return _told(question, wanted, new, search), search.ranked.siting


def _check_space(question: RoomQuestion, wanted: Wanted) -> None:
    """Refuse what hard floor areas rule out by sums."""
    if wanted.budget is None:
        check_number(question.problem, wanted.rooms)
        check_space(question, wanted.rooms)
        return
    unpriced = [one for one in question.names(question.free) if math.isnan(question.cost[one])]
    bought = question.forbidden | (frozenset(unpriced) - question.required)
    check_space(replace(question, forbidden=bought), None)


def _searched(
    question: RoomQuestion, wanted: Wanted, search: _Lexicographic | _Pareto
) -> Chosen | Siting:
    """Search for a number of rooms, or for a budget."""
    if wanted.budget is not None:
        return within_budget(question, wanted.budget, solver=search)
    return heeded(
        propose_rooms(question.problem, p_new=wanted.rooms, limits=question.limits, solver=search)
    )


def _with_cause(
    question: RoomQuestion, wanted: Wanted, error: InfeasibleError, cause: Message | None
) -> InfeasibleError:
    """
    Return the error, or another that names the least share where that is the cause.

    With the cause that the search found, and the other numbers that would do.
    """
    least_share, everybody = wanted.least_share, math.fsum(question.counted)
    if least_share is None or everybody <= 0:
        return error
    try:
        check_with_all_open(question, least_share)
        most = several_rooms(
            question, replace(wanted, objectives=("share",), tolerance=0.0, least_share=None)
        )
    except InfeasibleError as other:
        # Without the share there is no plan either, or no site could help.
        return other
    except StoppedError:
        return error
    exact = most.status == "proven"
    share = (most.objective if exact else most.bound) / everybody
    if not share < least_share:
        return error
    told = out_of_reach(question, least_share, share, wanted.rooms, wanted.budget, exact=exact)
    if cause is not None:
        cause = in_residents(cause) if question.weights is None else cause
        told = Message(en=f"{told.en} {cause.en}", zh=f"{told.zh}{cause.zh}")
        # The norm need not be among the limits that conflict.
        if f"within {question.norm_m:g} m" in cause.en:
            told = Message(
                en=f"{told.en} The distance is the norm room_norm_m of [norms].",
                zh=f"{told.zh}其中距离即 [norms] 中的 room_norm_m。",
            )
    return InfeasibleError(told)


class _Lexicographic:
    """The solver of several objectives, with what it found."""

    def __init__(self, question: RoomQuestion, wanted: Wanted) -> None:
        self.question, self.wanted = question, wanted
        self.ranked: Ranked | None = None
        self.cause: Message | None = None
        self.weight = 0.0

    def __call__(
        self,
        cost: pd.DataFrame,
        weights: pd.Series,
        *,
        p: int | None = None,
        rules: Rules,
        limits: Limits,
    ) -> Siting:
        objectives: list[Objective] = list(self.wanted.objectives)
        if self.wanted.tolerance == 0 and objectives[-1] in _TIES:
            objectives.append("mean")
        self.weight = math.fsum(weights)
        shared = with_share(self.question, rules, self.wanted.least_share, self.weight)
        found = lexicographic(
            cost,
            weights,
            objectives=[aim_of(self.question, one) for one in dict.fromkeys(objectives)],
            p=p,
            slack=self.wanted.tolerance,
            rules=hard_rules(self.question, shared, cost),
            limits=limits,
        )
        # The stage that was interrupted need not be the one whose plan is given back.
        self.ranked = heeded(found)
        self.cause = found.siting.cause
        return found.siting


def aim_of(question: RoomQuestion, objective: Objective) -> Aim:
    """Return an objective as the solver of several takes it."""
    kappa = question.kappa_per_m if objective == "ede" else None
    return Aim(
        objective,
        radius_m=question.norm_m,
        share=SHARE,
        aversion=question.aversion,
        kappa_per_m=kappa,
    )


def with_share(
    question: RoomQuestion, rules: Rules, least_share: float | None, weight: float
) -> Rules:
    """
    Return rules with the share that has to live within the norm.

    Parameters
    ----------
    weight : float
        Of the homes that the solver is given: those that some place reaches. The share is of
        all homes.

    Raises
    ------
    InfeasibleError
        If even with all candidates open fewer live within the norm.
    """
    if least_share is None:
        return rules
    check_with_all_open(question, least_share)
    everybody = math.fsum(question.counted)
    return replace(rules, reach=Reach(question.norm_m, min(least_share * everybody / weight, 1.0)))


def _told(
    question: RoomQuestion, wanted: Wanted, new: tuple[str, ...], search: _Lexicographic
) -> Chosen:
    """Return the choice with what each objective is worth in it."""
    ranked = search.ranked
    if ranked is None:
        msg = "the search has been made"
        raise ValueError(msg)
    told = ranked.stages[: len(wanted.objectives)]
    stages = tuple(_stage(question, one, weight=search.weight) for one in told)
    last = stages[-1]
    complete = len(stages) == len(wanted.objectives)
    gap = relative_gap(last.value, last.bound) if math.isfinite(last.bound) else math.inf
    # A stage after the last one asked for only breaks ties, and proves nothing of it.
    proven = complete and all(one.status == "proven" for one in stages) and gap <= PROVEN_GAP
    asked_more = len(wanted.objectives) > 1
    return Chosen(
        new,
        last.model,
        last.value,
        last.bound,
        gap,
        "proven" if proven else "gap",
        next((one.stopped_by for one in told if one.stopped_by is not None), None),
        dict(last.basis),
        stages if asked_more else (),
    )


def _stage(question: RoomQuestion, stage: Stage, *, weight: float) -> StageTold:
    objective: Objective = stage.aim.kind
    basis: Mapping[Objective, dict[str, float]] = {
        "share": {"radius_m": question.norm_m},
        "p90": {"share": SHARE, "weight": weight},
        "ede": {"kappa": stage.aim.kappa_per_m or 0.0},
    }
    return StageTold(
        objective=objective,
        model=MODELS[objective],
        best=stage.objective,
        bound=stage.bound,
        gap=stage.gap,
        status=stage.status,
        stopped_by=stage.stopped_by,
        value=stage.final,
        basis=basis.get(objective, {}),
    )


def trade_off(
    question: RoomQuestion, wanted: Wanted, aims: TwoAims
) -> tuple[pd.DataFrame, list[Note]]:
    """
    Return plans of which none is better in both of two objectives.

    As many new rooms as `wanted` asks for, or what its budget allows, with its least share.

    Returns
    -------
    DataFrame, one row per plan, from the best of the first on, columns as in `TRADE_OFF_COLUMNS`
        ``first`` and ``second`` in the units of `rooms_for`; ``bound``, ``gap``, ``status`` and
        ``stopped_by`` of the second, within the limit on the first. Walks in metres, ``cost`` in
        yuan (null where one is not given), ``sites``: the new rooms, with blanks between. A
        limit within which no plan was found has a row with its status and bound, and else null.
    list of Note
        Why such limits have no plan: what ended the search, or what rules one out.

    Raises
    ------
    InputError, InfeasibleError, StoppedError
        As `several_rooms`.
    """
    search = _Pareto(question, wanted, aims)
    try:
        _searched(question, wanted, search)
    except InfeasibleError as error:
        raise _with_cause(question, wanted, error, search.cause) from error
    rows = [] if search.found is None else search.found.to_dict("records")
    table = pd.DataFrame(
        [_trade_row(question, aims, one) for one in rows], columns=list(TRADE_OFF_COLUMNS)
    )
    numbers = ["first", "second", "bound", "gap", "cost", *_WALKS]
    whole = dict.fromkeys(["rooms_new", "unreachable"], "Int64")
    typed = with_none(table.astype({**dict.fromkeys(numbers, "float64"), **whole}), ["stopped_by"])
    typed[numbers] = typed[numbers].replace([math.inf, -math.inf], math.nan)
    return typed, [*_stopped_notes(typed), *_ruled_out_notes(question, rows)]


def _stopped_notes(found: pd.DataFrame) -> list[Note]:
    """Return a note of the limits within which the search found no plan before it was stopped."""
    lost, tried = found[found["status"] == "stopped"], len(found)
    if lost.empty:
        return []
    stops = [STOPS[one] for one in STOPS if (lost["stopped_by"] == one).any()]
    by_en, by_zh = " and ".join(en for en, _ in stops), "和".join(zh for _, zh in stops)
    return [
        Note(
            "trade_off_stopped",
            len(lost),
            Message(
                en=f"[siting].trade_off: within {len(lost)} of the limits on the first objective "
                f"no plan was found before the search was stopped by {by_en}; "
                f"{tried - len(lost)} plans are told. Raise [siting].work or time_s.",
                zh=f"[siting].trade_off：第一目标的限值中有 {len(lost)} 个在搜索停止前未找到方案"
                f"（因{by_zh}），共列出 {tried - len(lost)} 个方案。"
                f"请提高 [siting].work 或 time_s。",
            ),
        )
    ]


def _ruled_out_notes(question: RoomQuestion, rows: Sequence[Mapping[Hashable, Any]]) -> list[Note]:
    """Return a note of the limits within which it is proven that there is no plan, and why."""
    lost = [one["cause"] for one in rows if one["status"] == "infeasible"]
    if not lost:
        return []
    known = next((one for one in lost if one is not None), Message(en="", zh=""))
    cause = in_residents(known) if question.weights is None else known
    return [
        Note(
            "trade_off_infeasible",
            len(lost),
            Message(
                en=f"[siting].trade_off: within {len(lost)} of the limits on the first objective "
                f"it is proven that there is no plan; {len(rows) - len(lost)} plans are told. "
                f"{cause.en}".rstrip(),
                zh=f"[siting].trade_off：已证明第一目标的限值中有 {len(lost)} 个不存在方案，"
                f"共列出 {len(rows) - len(lost)} 个方案。{cause.zh}",
            ),
        )
    ]


class _Pareto:
    """The solver of the frontier of two objectives, with what it found."""

    def __init__(self, question: RoomQuestion, wanted: Wanted, aims: TwoAims) -> None:
        self.question, self.wanted, self.aims = question, wanted, aims
        self.found: pd.DataFrame | None = None
        self.cause: Message | None = None

    def __call__(
        self,
        cost: pd.DataFrame,
        weights: pd.Series,
        *,
        p: int | None = None,
        rules: Rules,
        limits: Limits,
    ) -> Siting:
        kinds = (self.aims.first, self.aims.second)
        first, second = (aim_of(self.question, one) for one in kinds)
        shared = with_share(self.question, rules, self.wanted.least_share, math.fsum(weights))
        self.found = pareto(
            cost,
            weights,
            aims=(first, second),
            p=p,
            points=self.aims.points,
            rules=hard_rules(self.question, shared, cost),
            limits=limits,
        )
        found = _as_siting(self.found)
        self.cause = found.cause
        return found


def _as_siting(curve: pd.DataFrame) -> Siting:
    """Return the first plan of a frontier, for who checks that there is one."""
    planned = curve[curve["sites"].map(len) > 0]
    row = (planned if len(planned) else curve).iloc[0]
    return Siting(
        sites=row["sites"],
        assignment=pd.Series(dtype="object"),
        objective=float(row["second"]),
        bound=float(row["bound"]),
        gap=float(row["gap"]),
        status=row["status"],
        stopped_by="interrupt" if (curve["stopped_by"] == "interrupt").any() else row["stopped_by"],
        seconds=0.0,
        work=0.0,
        unreachable=(),
        cause=row["cause"],
    )


def _given_m(question: RoomQuestion, goes: Mapping[object, object]) -> np.ndarray:
    """Return how far each home walks to the place that it is given, ``inf`` without one."""
    at = {one: j for j, one in enumerate(question.site_ids)}
    near = np.array([at.get(str(goes.get(one)), -1) for one in question.demand_ids])
    walked = question.metres[np.arange(len(near)), near]
    return np.where(near >= 0, walked, math.inf)


def _trade_row(
    question: RoomQuestion, aims: TwoAims, row: Mapping[Hashable, Any]
) -> dict[str, object]:
    told = {
        "first_objective": aims.first,
        "second_objective": aims.second,
        **{key: row[key] for key in ("first", "second", "bound", "gap", "status", "stopped_by")},
    }
    opened = row["sites"]
    if row["status"] in {"stopped", "infeasible"}:
        # No plan is another than a plan without new rooms.
        nothing = dict.fromkeys(("cost", *_WALKS), math.nan)
        return {**told, "rooms_new": pd.NA, **nothing, "unreachable": pd.NA, "sites": ""}
    sites: Sequence[object] = opened if isinstance(opened, tuple) else ()
    new = sorted(str(one) for one in sites if one in question.candidates)
    places = np.sort(np.concatenate([question.fixed, question.at(new)]))
    goes = row["assignment"]
    walks = walks_to(question, places)
    if isinstance(goes, dict):
        walks = walks_of(question, _given_m(question, goes))
    return {
        **told,
        "rooms_new": len(new),
        "cost": question.cost_of(new),
        **{key: getattr(walks, key) for key in _WALKS},
        "unreachable": round(walks.unreachable),
        "sites": " ".join(new),
    }
