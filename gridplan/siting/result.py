"""What a siting gives back, and how good it is known to be."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from gridplan.errors import Message
from gridplan.siting.search import PROVEN_GAP, StoppedBy, relative_gap

Status = Literal["proven", "gap", "infeasible", "stopped"]


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
        room for a better whole number). ``gap``: a plan with a known gap.
        ``infeasible``: it is proven that no plan serves all demand. ``stopped``:
        the limits ended the search before there was a plan.
    stopped_by : {None, "work", "time", "interrupt"}
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
