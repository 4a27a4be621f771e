"""Settings of the cell partition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gridplan.errors import FaultList

CellMethod = Literal["square"]
METHODS: tuple[CellMethod, ...] = ("square",)


@dataclass(frozen=True, slots=True)
class CellOptions:
    """
    Settings of `gridplan.cells.partition`.

    Attributes
    ----------
    method : {"square"}
        ``square`` cuts a square lattice at the community lines.
    target_m2 : float
        Area aimed at, in grid square metres; 10,000 in built-up land.
    min_share : float
        A piece smaller than this share of the target (0 to 1) is a sliver and is
        merged into a neighbour of its community.
    max_cells : int
        More cells than this are refused before any work: the target is then a slip
        of the pen (square metres taken for hectares, say), not a plan.
    """

    method: CellMethod = "square"
    target_m2: float = 10_000.0
    min_share: float = 0.5
    max_cells: int = 1_000_000

    @property
    def side_m(self) -> float:
        """Side of a square cell of the target area, in metres."""
        return math.sqrt(self.target_m2)


def option_faults(options: CellOptions) -> FaultList:
    """Return what is wrong with the settings by themselves."""
    faults = FaultList()
    if options.method not in METHODS:
        known = ", ".join(METHODS)
        faults.add(
            en=f"The method `{options.method}` is unknown. Choose one of: {known}.",
            zh=f"未知的划分方法 `{options.method}`，可选：{known}。",
        )
    if not (math.isfinite(options.target_m2) and options.target_m2 > 0):
        faults.add(
            en=f"The target area is {options.target_m2:g} m². Give a positive number of square "
            f"metres, e.g. 10000.",
            zh=f"目标面积为 {options.target_m2:g} 平方米，应为正数，例如 10000。",
        )
    if not 0 <= options.min_share <= 1:
        faults.add(
            en=f"`min_share` is {options.min_share:g}. Give a share from 0 to 1, e.g. 0.5.",
            zh=f"`min_share` 为 {options.min_share:g}，应在 0 与 1 之间，例如 0.5。",
        )
    if options.max_cells < 1:
        faults.add(
            en=f"`max_cells` is {options.max_cells}. Give a positive whole number.",
            zh=f"`max_cells` 为 {options.max_cells}，应为正整数。",
        )
    return faults
