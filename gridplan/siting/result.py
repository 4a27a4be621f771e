"""What a siting gives back, and how good it is known to be."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from gridplan.errors import Message, counted
from gridplan.siting.search import PROVEN_GAP, StoppedBy, relative_gap

Status = Literal["proven", "gap", "infeasible", "stopped"]

STOPS: dict[StoppedBy, tuple[str, str]] = {
    "work": ("the limit of work", "工作量上限"),
    "time": ("the limit of time", "时间上限"),
    "key": ("a key (Ctrl-C)", "按键（Ctrl-C）"),
    "interrupt": ("an interrupt", "人为中断"),
}
"""What ended a search, in words."""
_NO_PLAN = Message(
    en="The search was ended by {} after {}, before there was a plan. This does not mean "
    "that none exists. Allow more (Limits(work=..., time_s=...)).",
    zh="搜索在 {1}后因{0}而停止，尚未得到任何方案；这并不表示方案不存在。"
    "请放宽限制（Limits(work=..., time_s=...)）。",
)
_NO_BOUND = Message(
    en="The search was ended by {} after {}, before there was a bound: how far this plan "
    "is from the best one is not known. Allow more (Limits(work=..., time_s=...)).",
    zh="搜索在 {1}后因{0}而停止，尚未得到界：该方案与最优方案的差距未知。"
    "请放宽限制（Limits(work=..., time_s=...)）。",
)


@dataclass(frozen=True, slots=True, eq=False)
class Siting:
    """
    A plan, and how far from the best plan it can be at most.

    Attributes
    ----------
    sites : tuple of site ids
        Open sites in order, fixed ones included; empty if there is no plan.
    assignment : Series of site ids by demand id
        The closest open site; of equally close ones the first. Null for demand
        that no allowed site reaches, and for all demand if there is no plan.
    objective : float
        Weighted total in resident-metres; ``inf`` if there is no plan.
    bound : float
        No plan is better than this; ``inf`` if no plan exists.
    gap : float
        ``|objective - bound| / max(|objective|, 1e-9)``; ``inf`` if there is no plan.
    status : {"proven", "gap", "infeasible", "stopped"}
        ``proven``: the gap is at most 1e-9 (on integer data: the bound leaves no
        room for a better whole number). ``gap``: a plan with a known gap, or, where the
        limits were too tight for any bound, with an infinite one and a note.
        ``infeasible``: it is proven that no plan serves all demand. ``stopped``:
        the limits ended the search before there was a plan.
    stopped_by : {None, "work", "time", "key", "interrupt"}
        Which limit ended the search; None if it ended by itself.
    seconds : float
    work : float
        Counted steps that the search took.
    unreachable : tuple of demand ids
        Demand with weight that no allowed site reaches, left out on request. In a
        covering problem: that none reaches within the radius.
    loads : DataFrame by site id, or None
        ``load``, ``capacity`` and ``shortfall`` of each open site, in the unit of
        the load, where loads or capacities are part of the problem. With hard
        capacities the shortfall is 0.
    cause : Message or None
        Why there is no plan, and the smallest relaxation known to help.
    notes : tuple of Message
        What else the planner should know about the plan.
    """

    sites: tuple[Hashable, ...]
    assignment: pd.Series
    objective: float
    bound: float
    gap: float
    status: Status
    stopped_by: StoppedBy | None
    seconds: float
    work: float
    unreachable: tuple[Hashable, ...]
    loads: pd.DataFrame | None = None
    cause: Message | None = None
    notes: tuple[Message, ...] = ()

    def __post_init__(self) -> None:
        """Say so where limits were too tight for a plan, or for a bound."""
        if self.stopped_by is None:
            return
        if self.status == "stopped" and self.cause is None:
            object.__setattr__(self, "cause", self._ended(_NO_PLAN, self.stopped_by))
        untold = self._ended(_NO_BOUND, self.stopped_by)
        if self.status == "gap" and math.isinf(self.gap) and untold not in self.notes:
            object.__setattr__(self, "notes", (*self.notes, untold))

    def _ended(self, told: Message, by: StoppedBy) -> Message:
        en, zh = STOPS[by]
        en_after, zh_after = counted(round(self.work), "step", "steps"), f"{self.work:.0f} 步"
        if by in {"key", "interrupt"} or not round(self.work):
            # Steps of a model are counted when it ends: of one that was broken off there are none.
            en_after, zh_after = f"{self.seconds:.1f} s", f"{self.seconds:.1f} 秒"
        return Message(en=told.en.format(en, en_after), zh=told.zh.format(zh, zh_after))

    @property
    def lower_bound(self) -> float:
        """The bound: from below, or from above where most coverage is asked for (MCLP)."""
        return self.bound

    def restated(self, objective: float, bound: float) -> Siting:
        """Return the same plan with objective and bound in other units: gap and status follow."""
        gap = relative_gap(objective, bound)
        proven = self.status == "proven" or (self.status == "gap" and gap <= PROVEN_GAP)
        return replace(
            self,
            objective=objective,
            bound=bound,
            gap=gap,
            status="proven" if proven else self.status,
            stopped_by=None if proven else self.stopped_by,
        )
