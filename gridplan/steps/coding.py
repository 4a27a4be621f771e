"""Cells that their codes can number: drawn, drawn coarser where they are too many, and coded."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import geopandas as gpd

from gridplan.cells import (
    UNIT_GRID,
    CellOptions,
    CellPlan,
    CodeProfile,
    Land,
    Overflow,
    assign_codes,
    coarser_open_factor,
    overflows,
    plan_cells,
)
from gridplan.cells.options import RECOGNISABLE_MEDIAN_M2
from gridplan.config import Config
from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.place import Place
from gridplan.steps.given import given_notes, given_plan

_MOST_ROUNDS = 3
"""Open land is made coarser at most so often; what is then still too much is refused."""


@dataclass(frozen=True)
class CodedCells:
    """
    The cells of a place with their codes.

    Attributes
    ----------
    cells : GeoDataFrame
    notes : tuple of Note
        What had to be coarsened, or what a given grid is like.
    faults : GeoDataFrame or None
        The faults of a grid that was given; None where cells were drawn.
    """

    cells: gpd.GeoDataFrame
    notes: tuple[Note, ...]
    faults: gpd.GeoDataFrame | None = None


def coded_cells(place: Place, config: Config) -> CodedCells:
    """
    Return the cells of a place with their codes: drawn, or taken over where they are given.

    Where a community has more cells than its codes can number, the cells of open land
    are made larger as far as needed, if the settings say so.

    Raises
    ------
    InfeasibleError
        If a community still has more cells than can be numbered.
    """
    asked, profile = config.cells.options, config.cells.profile
    if asked.method == "given":
        given = given_plan(place, _land(place), asked, profile=profile)
        notes = given_notes(given.faults, repair=asked.repair)
        return CodedCells(_labelled(given.cells, profile), tuple(notes), given.faults)
    options, drawn = asked, _drawn(place, asked)
    full = first = overflows(_with_ground(drawn), profile)
    for _ in range(_MOST_ROUNDS if config.cells.when_full == "coarsen" else 0):
        factor = coarser_open_factor(full, options)
        if factor is None:
            break
        options = replace(options, open_factor=factor)
        drawn = _drawn(place, options)
        full = overflows(_with_ground(drawn), profile)
    codes = assign_codes(
        _with_ground(drawn),
        profile=profile,
        target_m2=options.target_m2,
        open_factor=options.open_factor if options.method == "fabric" else None,
    )
    coarser = [_coarser_note(first, asked, options)] if first else []
    told = (*coarser, *size_notes(drawn.median_m2, options))
    return CodedCells(_labelled(drawn.cells.assign(cell_id=codes), profile), told)


def size_notes(median_m2: float, options: CellOptions) -> list[Note]:
    """
    Return a note where cells of the preset `recognisable` are not of the size it is meant for.

    Parameters
    ----------
    median_m2 : float
        Of the cells of built-up land without exception; nan where there are none.
    options : CellOptions
    """
    low, high = RECOGNISABLE_MEDIAN_M2
    asked = options.method == "fabric" and options.preset == "recognisable"
    if not asked or math.isnan(median_m2) or low <= median_m2 <= high:
        return []
    message = Message(
        en=f"The median area of built-up cells is {median_m2:,.0f} m² with the preset "
        f"`recognisable` and `target_m2` = {options.target_m2:,.0f}; the preset is meant for "
        f"{low:,.0f} to {high:,.0f} m², and draws cells larger than the target where a street, "
        f"wall or canal is a better border. Change [cells].target_m2, or take `uniform`.",
        zh=f"采用 `recognisable` 预设、`target_m2` = {options.target_m2:,.0f} 时，建成区网格面积"
        f"中位数为 {median_m2:,.0f} 平方米；该预设宜为 {low:,.0f} 至 {high:,.0f} 平方米，"
        f"为沿道路、围墙、河道划界，网格会大于目标面积。请调整 [cells].target_m2，"
        f"或改用 `uniform`。",
    )
    return [Note("recognisable_median", 1, message)]


def _with_ground(drawn: CellPlan) -> gpd.GeoDataFrame:
    return drawn.cells.assign(open_land=drawn.open_land)


def _labelled(cells: gpd.GeoDataFrame, profile: CodeProfile) -> gpd.GeoDataFrame:
    """Return the cells with the standard and the grid that their codes belong to."""
    return cells.assign(standard=profile.name, grid_system=UNIT_GRID)


def _drawn(place: Place, options: CellOptions) -> CellPlan:
    return plan_cells(place.communities, _land(place), options=options)


def _land(place: Place) -> Land:
    return Land(
        streets=place.streets,
        water=place.water,
        barriers=place.barriers,
        buildings=place.buildings,
        estates=place.estates,
        components=place.components,
    )


def _coarser_note(full: tuple[Overflow, ...], asked: CellOptions, used: CellOptions) -> Note:
    ids = tuple(one.community_id for one in full)
    had_en = first_ids([f"{one.community_id} ({one.cells} cells)" for one in full])
    had_zh = ids_zh([f"{one.community_id}（{one.cells} 个）" for one in full])
    most = full[0].capacity
    message = Message(
        en=f"{counted(len(full), 'community', 'communities')} had more than the {most} cells that "
        f"their codes can number: {had_en}. The cells of open land were drawn with "
        f"`open_factor` = {used.open_factor:g} instead of {asked.open_factor:g}.",
        zh=f"{len(full)} 个社区的网格数超过编码容量 {most} 个：{had_zh}。"
        f"非建成区网格已改按 `open_factor` = {used.open_factor:g} 划分"
        f"（原为 {asked.open_factor:g}）。",
    )
    return Note("open_land_coarser", len(full), message, ids)
