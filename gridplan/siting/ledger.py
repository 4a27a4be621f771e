"""The state of a covering solver: best plan and bound, in either direction."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from gridplan.errors import Message
from gridplan.siting.assessment import closest, labelled_demand, labelled_sites
from gridplan.siting.matrix import Flags, Positions
from gridplan.siting.problem import Problem
from gridplan.siting.result import Siting, Status
from gridplan.siting.search import (
    PROVEN_GAP,
    Effort,
    OutOfEffortError,
    StoppedBy,
    relative_gap,
)

_WHOLE_SLACK = 1e-6
# Rounding errors of a sum of some 10^5 terms stay far below this.
_ROUNDING_SHARE = 1e-12


@dataclass
class Ledger(Effort):
    """
    Best plan and best bound so far.

    `value` and `sites` change together, so that an interrupt at any point leaves
    a plan and a bound that are true.

    Attributes
    ----------
    maximise : bool
        More is better, and the bound is from above.
    whole : bool
        Every objective is a whole number.
    exact : bool
        Bounds are free of rounding: they are values of the input, no sums.
    target : float
        Where it is only asked whether an objective of this can be reached.
    """

    maximise: bool = False
    whole: bool = False
    exact: bool = False
    plan: tuple[float, Positions | None] = (math.nan, None)
    bound: float = math.nan
    infeasible: bool = False
    target: float = math.nan
    cause: Message | None = None
    notes: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin without a plan, and with a bound that says nothing."""
        super().__post_init__()
        worst = -math.inf if self.maximise else math.inf
        self.plan, self.bound = (worst, None), -worst

    def inner(
        self, work: float, *, target: float, maximise: bool = False, whole: bool = False
    ) -> Ledger:
        """Return the ledger of a question on the way that only asks for a target."""
        most = int(min(self.limits.work, self.work + work))
        limits = replace(self.question(self.limits), gap=0.0, work=most, explain=False)
        inner = Ledger(
            limits,
            started=self.started,
            work=self.work,
            maximise=maximise,
            whole=whole,
            target=target,
            on_the_way=self.planned,
        )
        inner.rng = self.rng
        return inner

    @property
    def value(self) -> float:
        """Objective of the best plan; infinite, in the worse direction, before the first."""
        return self.plan[0]

    def better(self, value: float) -> bool:
        """Whether an objective is better than that of the best plan."""
        return value > self.value if self.maximise else value < self.value

    def offer(self, value: float, sites: Positions) -> bool:
        """Keep a plan if it is better than the best; True if it was."""
        if not self.better(value):
            return False
        self.plan = (value, np.sort(sites))
        # A bound that was rounded may miss the plan that reaches it by the last digit.
        self.bound = max(self.bound, value) if self.maximise else min(self.bound, value)
        self._tell()
        return True

    def bring_bound(self, bound: float) -> None:
        """Keep a bound that holds for every plan, if it is better than the best."""
        if self.whole and math.isfinite(bound):
            slack = _WHOLE_SLACK
            bound = math.floor(bound + slack) if self.maximise else math.ceil(bound - slack)
        elif math.isfinite(bound) and not self.exact:
            bound += _ROUNDING_SHARE * abs(bound) * (1.0 if self.maximise else -1.0)
        bound = max(bound, self.value) if self.maximise else min(bound, self.value)
        if bound < self.bound if self.maximise else bound > self.bound:
            self.bound = float(bound)
            self._tell()

    @property
    def planned(self) -> bool:
        """There is a plan to give back."""
        return self.on_the_way or (self.plan[1] is not None and not self.infeasible)

    @property
    def gap(self) -> float:
        """Relative distance of plan and bound; ``inf`` while one is missing."""
        return relative_gap(self.value, self.bound)

    @property
    def closed(self) -> bool:
        """Nothing is left to do: the gap asked for is reached."""
        if self.infeasible or self.gap <= max(PROVEN_GAP, self.limits.gap):
            return True
        beyond = self.bound < self.target if self.maximise else self.bound > self.target
        return not math.isnan(self.target) and (self.reached or beyond)

    @property
    def reached(self) -> bool:
        """The best plan is at least as good as the target."""
        return not self.better(self.target) or self.value == self.target

    @property
    def late(self) -> bool:
        """The time is up, or a key asks; where a solver cannot be left by a fault."""
        return self.called_off or (
            self.limits.time_s is not None and self.seconds >= self.limits.time_s
        )

    def heed(self, stopped_by: StoppedBy | None) -> None:
        """Stop with the limit that ended a model's run."""
        if stopped_by is not None:
            raise OutOfEffortError(stopped_by)

    def _tell(self) -> None:
        if self.limits.progress is not None:
            self.limits.progress(self.bound, self.value)


def siting_of(
    ledger: Ledger,
    problem: Problem,
    stopped_by: StoppedBy | None,
    *,
    unreachable: Flags,
    within_m: float = math.inf,
) -> Siting:
    """Return the result; demand is assigned to the closest open site within `within_m`."""
    _, sites = ledger.plan
    planned = sites is not None and not ledger.infeasible
    chosen = sites if planned and sites is not None else np.empty(0, dtype=np.intp)
    near = np.full(len(problem.demand_ids), -1)
    if len(chosen):
        near, metres = closest(problem, chosen)
        near = np.where(metres <= within_m, near, -1)
    objective = ledger.value if planned else math.inf
    bound = math.inf if ledger.infeasible else ledger.bound
    gap = relative_gap(objective, bound)
    done = gap <= PROVEN_GAP or ledger.infeasible
    return Siting(
        sites=tuple(problem.site_ids[at] for at in chosen),
        assignment=labelled_sites(problem, near),
        objective=objective,
        bound=bound,
        gap=gap,
        status=_status(gap, planned=planned, infeasible=ledger.infeasible),
        stopped_by=None if done else stopped_by,
        seconds=ledger.seconds,
        work=ledger.work,
        unreachable=labelled_demand(problem, unreachable),
        cause=ledger.cause if ledger.infeasible else None,
        notes=tuple(ledger.notes),
    )


def _status(gap: float, *, planned: bool, infeasible: bool) -> Status:
    if infeasible:
        return "infeasible"
    if not planned:
        return "stopped"
    return "proven" if gap <= PROVEN_GAP else "gap"
