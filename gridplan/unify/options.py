"""Settings of the unification of departments' zonings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gridplan.errors import FaultList

CountedBy = Literal["residents", "area"]


@dataclass(frozen=True, slots=True)
class UnifyOptions:
    """
    Settings of `gridplan.unify.propose_zones`.

    Attributes
    ----------
    by : {"residents", "area"}
        What changes hands is counted in. With residents, empty land follows the larger
        area, at a price that no resident's is below.
    importance : mapping of department to float
        How much what changes hands in a department counts; 1 where nothing is said.
    tolerance : float or None
        Share by which a zone's residents may differ from the mean, e.g. 0.20; None asks
        for no balance, so that the fewest change hands.
    sliver_m : float
        A place where departments differ that is narrower than this is a sliver of
        drawing, not a conflict.
    seed : int
        Of the local search.
    moves_per_cell : int
        Moves proposed for each cell in one course of the local search.
    least_moves : int
        Moves in one course however few cells there are.
    """

    by: CountedBy = "residents"
    importance: Mapping[str, float] = field(default_factory=dict)
    tolerance: float | None = None
    sliver_m: float = 5.0
    seed: int = 0
    moves_per_cell: int = 40
    least_moves: int = 4_000


def option_faults(options: UnifyOptions, departments: list[str]) -> FaultList:
    """Return what is wrong with the settings, for the departments that there are."""
    faults = FaultList()
    unknown = sorted(set(options.importance) - set(departments))
    if unknown:
        faults.add(
            en=f"An importance is set for {', '.join(unknown)}, but no zoning is theirs. "
            f"Departments with zonings: {', '.join(departments)}.",
            zh=f"为 {'、'.join(unknown)} 设置了权重，但没有其分区。"
            f"有分区的部门：{'、'.join(departments)}。",
        )
    for name, value in sorted(options.importance.items()):
        if not (math.isfinite(value) and value > 0):
            faults.add(
                en=f"The importance of {name} is {value:g}. Give a number above 0.",
                zh=f"部门 {name} 的权重为 {value:g}，应为大于 0 的数。",
            )
    if options.tolerance is not None and not 0 < options.tolerance <= 1:
        faults.add(
            en=f"The tolerance is {options.tolerance:g}. Give a share above 0 and up to 1, "
            f"e.g. 0.20 for ±20 %, or none.",
            zh=f"容差为 {options.tolerance:g}，应大于 0 且不超过 1，例如 0.20 表示 ±20%；"
            f"也可不设。",
        )
    if not (math.isfinite(options.sliver_m) and options.sliver_m >= 0):
        faults.add(
            en=f"`sliver_m` is {options.sliver_m:g}. Give a width in metres, 0 or more.",
            zh=f"`sliver_m` 为 {options.sliver_m:g}，应为不小于 0 的米数。",
        )
    for name in ("moves_per_cell", "least_moves"):
        if getattr(options, name) < 1:
            faults.add(
                en=f"`{name}` is {getattr(options, name)}. Give 1 or more.",
                zh=f"`{name}` 为 {getattr(options, name)}，应不小于 1。",
            )
    if options.seed < 0:
        faults.add(
            en=f"The seed is {options.seed}. Give a whole number from 0 up.",
            zh=f"随机种子为 {options.seed}，应为非负整数。",
        )
    return faults
