"""Settings of the partition into zones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gridplan.errors import FaultList

ZoneStart = Literal["own", "metis"]

_FEWEST = 4
_PER_ZONE = 10_000


@dataclass(frozen=True, slots=True)
class ZoneOptions:
    """
    Settings of `gridplan.zones.partition_zones`.

    Attributes
    ----------
    k : int
        Number of zones; 0 proposes one from the residents (`proposed_k`).
    tolerance : float
        Share by which a zone's load may differ from the mean, e.g. 0.20.
    seed : int
        Of all random choices.
    starts : int
        Partitions to begin with; the best result is kept.
    start : {"own", "metis"}
        ``metis`` adds a start by METIS (package ``pymetis``) to the own ones.
    moves_per_cell : int
        Moves proposed for each cell in one course of the local search.
    least_moves : int
        Moves in one course however few cells there are.
    work : int
        Moves proposed in all courses together; large places get fewer starts.
    """

    k: int = 0
    tolerance: float = 0.20
    seed: int = 0
    starts: int = 3
    start: ZoneStart = "own"
    moves_per_cell: int = 40
    least_moves: int = 4_000
    work: int = 2_000_000


def option_faults(options: ZoneOptions) -> FaultList:
    """Return what is wrong with the settings by themselves."""
    faults = FaultList()
    if options.k < 0:
        faults.add(
            en=f"The number of zones is {options.k}. Give 1 or more, or 0 to have it proposed.",
            zh=f"责任区数量为 {options.k}，应不小于 1；填 0 则自动建议。",
        )
    if not 0 < options.tolerance <= 1:
        faults.add(
            en=f"The tolerance is {options.tolerance:g}. Give a share above 0 and up to 1, "
            f"e.g. 0.20 for ±20 %.",
            zh=f"容差为 {options.tolerance:g}，应大于 0 且不超过 1，例如 0.20 表示 ±20%。",
        )
    if options.start not in ("own", "metis"):
        faults.add(
            en=f"The start `{options.start}` is unknown. Choose `own` or `metis`.",
            zh=f"未知的初始方案 `{options.start}`，可选 `own` 或 `metis`。",
        )
    for name in ("starts", "moves_per_cell", "least_moves", "work"):
        value = getattr(options, name)
        if value < 1:
            faults.add(
                en=f"`{name}` is {value}. Give a positive whole number.",
                zh=f"`{name}` 为 {value}，应为正整数。",
            )
    if options.seed < 0:
        faults.add(
            en=f"The seed is {options.seed}. Give a whole number from 0 up.",
            zh=f"随机种子为 {options.seed}，应为非负整数。",
        )
    return faults


def proposed_k(residents: float) -> int:
    """
    Return a number of zones of about 10,000 residents each, at least 4.

    A sub-district of up to 110,000 residents so gets 4 to 11 zones, as offices in
    practice have; a larger place gets more.

    Examples
    --------
    >>> proposed_k(12_000), proposed_k(80_000), proposed_k(110_000), proposed_k(3_000_000)
    (4, 8, 11, 300)
    """
    return max(_FEWEST, math.floor(residents / _PER_ZONE + 0.5))
