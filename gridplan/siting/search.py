"""The state of an anytime solver: best plan, best bound, work done, and when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from gridplan.siting.core import Core
from gridplan.siting.matrix import Positions
from gridplan.siting.options import Limits, check_limits

StoppedBy = Literal["work", "time", "key", "interrupt"]

PROVEN_GAP = 1e-9
"""Relative gap at or below which a plan is called proven."""

# A node within half the proven gap of the best plan can be dropped: the bound keeps its value.
_PRUNE_SHARE = 0.5 * PROVEN_GAP
# Rounding errors of a sum of some 10^5 terms stay far below these.
_WHOLE_SLACK = 1e-6
_ROUNDING_SHARE = 1e-12
_LEAST_S = 1e-3


class OutOfEffortError(Exception):
    """The limits are used up; carries which."""

    def __init__(self, reason: StoppedBy) -> None:
        super().__init__(reason)
        self.reason = reason

    def limit(self) -> StoppedBy:
        """Return the limit that a question on the way met; a key ends all of them."""
        if self.reason in {"key", "interrupt"}:
            raise self
        return self.reason


Look = Callable[[], None]
"""Asks whether the time is up, and raises if so: see `Effort.look`."""


def _now() -> float:
    """Read the clock by its name, so that a test may put its own there."""
    return time.perf_counter()


@dataclass
class Effort:
    """
    What a solver has spent of its limits, and the draws of its seed.

    `on_the_way`: it answers a question of a search that has a plan already.
    """

    limits: Limits
    started: float = field(default_factory=_now, kw_only=True)
    work: float = field(default=0.0, kw_only=True)
    on_the_way: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Seed the draws of this solver."""
        check_limits(self.limits)
        self.rng = np.random.default_rng(self.limits.seed)

    @property
    def seconds(self) -> float:
        """Seconds since the solver began."""
        return _now() - self.started

    def spend(self, steps: float) -> None:
        """Count work, and raise `OutOfEffortError` once a limit is reached."""
        self.work += steps
        if self.work >= self.limits.work:
            reason: StoppedBy = "work"
            raise OutOfEffortError(reason)
        self.look()

    def look(self) -> None:
        """Raise `OutOfEffortError` once the time is up, or a key asks; where no work is counted."""
        reason: StoppedBy = "time"
        if self.limits.time_s is not None and self.seconds >= self.limits.time_s:
            raise OutOfEffortError(reason)
        if self.called_off:
            reason = "key"
            raise OutOfEffortError(reason)

    @property
    def planned(self) -> bool:
        """There is a plan to give back."""
        return self.on_the_way

    @property
    def called_off(self) -> bool:
        """A key asks for the best plan so far, and there is one."""
        stop = self.limits.stop
        if stop is None or not self.planned:
            return False
        stop.planned = True
        stop.heeded = stop.heeded or stop.asked
        return stop.asked

    def question(self, limits: Limits) -> Limits:
        """Return limits for a question on the way, which no key ends before there is a plan."""
        return replace(limits, progress=None, stop=limits.stop if self.planned else None)


@dataclass
class Search(Effort):
    """
    Best plan and bound of a p-median so far, shared by the parts of its solver.

    `value` and `sites` change together; `bound` holds for the whole problem.
    An interrupt at any point therefore leaves a plan and a bound that are true.
    """

    integral: bool
    penalty: float
    hopeless: float
    bound: float = -math.inf
    plan: tuple[float, Positions | None] = (math.inf, None)

    @property
    def value(self) -> float:
        """Objective of the best plan, penalties included; ``inf`` before the first."""
        return self.plan[0]

    @property
    def sites(self) -> Positions:
        """Open sites of the best plan; none before the first."""
        best = self.plan[1]
        return np.empty(0, dtype=np.intp) if best is None else best

    def of_part(self, *, work: float, integral: bool, hopeless: float) -> Search:
        """Return a search of its own for a part of the problem, within the time that is left."""
        left_s = None
        if self.limits.time_s is not None:
            left_s = max(self.limits.time_s - self.seconds, _LEAST_S)
        limits = replace(
            self.question(self.limits),
            work=max(1, int(work)),
            time_s=left_s,
            gap=0.0,
            seed=int(self.rng.integers(2**31)),
        )
        return Search(limits, integral, self.penalty, hopeless, on_the_way=self.planned)

    def offer(self, core: Core, chosen: Positions) -> bool:
        """Keep a plan if it is better than the best; True if it was."""
        value = core.value(chosen)
        if value >= self.value:
            return False
        self.plan = (value, core.positions(chosen))
        self._tell()
        return True

    def raise_bound(self, bound: float) -> None:
        """Keep a bound that holds for every plan, if it is better than the best."""
        bound = min(self.rounded(bound), self.value)
        if bound > self.bound:
            self.bound = bound
            self._tell()

    def rounded(self, bound: float) -> float:
        """Return a bound less what rounding may have added; the next whole number if integral."""
        if not math.isfinite(bound):
            return bound
        safe = bound - _ROUNDING_SHARE * abs(bound)
        if self.integral:
            return float(math.ceil(safe - _WHOLE_SLACK))
        return safe

    @property
    def planned(self) -> bool:
        """There is a plan that serves everybody, with a bound."""
        known = math.isfinite(self.value) and math.isfinite(self.bound)
        return self.on_the_way or (known and self.feasible)

    @property
    def cutoff(self) -> float:
        """A part of the problem with a bound of at least this can be dropped."""
        if not math.isfinite(self.value):
            return math.inf
        return min(self.room, self.value * (1.0 - _PRUNE_SHARE))

    @property
    def room(self) -> float:
        """No plan that costs more than this, by a bound, is better than the best one."""
        rounding = 2.0 * _ROUNDING_SHARE * abs(self.value)
        if self.integral:
            return min(self.value - 1.0 + 2.0 * _WHOLE_SLACK, self.value) + rounding
        return self.value + rounding

    @property
    def feasible(self) -> bool:
        """The best plan serves everybody."""
        return self.value < self.penalty

    @property
    def infeasible(self) -> bool:
        """It is proven that no plan serves everybody."""
        return self.bound > self.hopeless

    @property
    def gap(self) -> float:
        """Relative distance of plan and bound; ``inf`` while one is missing."""
        return relative_gap(self.value, self.bound)

    @property
    def closed(self) -> bool:
        """Nothing is left to do: the gap asked for is reached."""
        return self.infeasible or self.gap <= max(PROVEN_GAP, self.limits.gap)

    def _tell(self) -> None:
        if self.limits.progress is not None:
            self.limits.progress(self.bound, self.value if self.feasible else math.inf)


_LEAST_OBJECTIVE = 1e-9


def relative_gap(objective: float, bound: float) -> float:
    """
    Return ``|objective - bound| / max(|objective|, 1e-9)``; ``inf`` if one is not finite.

    Examples
    --------
    >>> relative_gap(200.0, 199.0)
    0.005
    """
    if not (math.isfinite(objective) and math.isfinite(bound)):
        return math.inf
    return abs(objective - bound) / max(abs(objective), _LEAST_OBJECTIVE)
