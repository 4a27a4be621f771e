"""Settings of the cell partition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from gridplan.errors import FaultList

CellMethod = Literal["fabric", "square", "given"]
Preset = Literal["uniform", "recognisable"]
Estates = Literal["cut", "whole"]
Borders = Literal["all", "major"]
FINEST_M2 = 400.0
"""Least target area of cells by fabric: what a raster of 2 m can tell apart."""

RECOGNISABLE_MOST = 2.0
"""Largest share of the target area that is no exception where borders come first."""

RECOGNISABLE_MEDIAN_M2 = (10_000.0, 14_000.0)
"""What the median of built-up cells should lie between where borders come first."""

METHODS: tuple[CellMethod, ...] = get_args(CellMethod)


@dataclass(frozen=True, slots=True)
class CellOptions:
    """
    Settings of `gridplan.cells.partition`.

    Attributes
    ----------
    method : {"fabric", "square", "given"}
        ``fabric`` follows streets, water and walls and cuts no building; ``square``
        cuts a square lattice at the community lines; ``given`` takes over a grid that
        exists (`gridplan.cells.given.take_over`).
    target_m2 : float
        Area aimed at, in grid square metres; 10,000 in built-up land.
    min_share : float
        A piece smaller than this share of the target (0 to 1) is a sliver and is
        merged into a neighbour of its community.
    max_cells : int
        More cells than this are refused before any work: the target is then a slip
        of the pen (square metres taken for hectares, say), not a plan.
    preset : {"uniform", "recognisable"}
        ``uniform``: cells near the target area before all; ``recognisable``: a border
        along a street, wall or canal is worth a larger deviation, and cells are a
        little larger.
    borders : {"all", "major"}
        Lines that cells may follow: ``major`` are streets for vehicles, railways,
        water, walls; ``all`` has service ways and paths too.
    estates : {"cut", "whole"}
        A walled estate is divided only inside itself, or is one cell, however large.
    open_factor : float
        Cells of land that is not built up are this many times the target area.
    open_share : float
        Land with less than this share under buildings (0 to 1) is not built up.
    even_components : float
        Cost of a cell of built-up land with as many municipal components more or fewer
        than it should have as it should have, beside those of area and form (where a
        share of the target area too large or small costs up to 14); 0 does not look.
    repair : bool
        Whether gaps, overlaps, slivers and land beyond the boundary of a given grid are
        mended; otherwise they are listed and left.
    """

    method: CellMethod = "fabric"
    target_m2: float = 10_000.0
    min_share: float = 0.5
    max_cells: int = 1_000_000
    preset: Preset = "uniform"
    borders: Borders = "all"
    estates: Estates = "cut"
    open_factor: float = 4.0
    open_share: float = 0.05
    even_components: float = 3.0
    repair: bool = False

    @property
    def most_share(self) -> float:
        """Cells above this share of the target area are exceptions."""
        return RECOGNISABLE_MOST if self.preset == "recognisable" else 2 - self.min_share

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
    _choice_faults(options, faults)
    return faults


def _choice_faults(options: CellOptions, faults: FaultList) -> None:
    if options.method == "fabric" and 0 < options.target_m2 < FINEST_M2:
        faults.add(
            en=f"Cells by `fabric` have at least {FINEST_M2:g} m²; `target_m2` is "
            f'{options.target_m2:g}. Give a larger one, or `method = "square"`.',
            zh=f"`fabric` 方法的目标面积至少为 {FINEST_M2:g} 平方米，现 `target_m2` 为 "
            f'{options.target_m2:g}。请调大，或改用 `method = "square"`。',
        )
    for key, known in (
        ("preset", get_args(Preset)),
        ("borders", get_args(Borders)),
        ("estates", get_args(Estates)),
    ):
        value = getattr(options, key)
        if value not in known:
            faults.add(
                en=f"`{key}` is {value!r}. Choose one of: {', '.join(known)}.",
                zh=f"`{key}` 为 {value!r}，可选：{'、'.join(known)}。",
            )
    if not options.open_factor >= 1:
        faults.add(
            en=f"`open_factor` is {options.open_factor:g}. Give a number of 1 or more, e.g. 4.",
            zh=f"`open_factor` 为 {options.open_factor:g}，应不小于 1，例如 4。",
        )
    if not 0 <= options.open_share <= 1:
        faults.add(
            en=f"`open_share` is {options.open_share:g}. Give a share from 0 to 1, e.g. 0.05.",
            zh=f"`open_share` 为 {options.open_share:g}，应在 0 与 1 之间，例如 0.05。",
        )
