"""Cells that their codes can number: drawn, drawn coarser where they are too many, and coded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd

from gridplan.cells import (
    UNIT_GRID,
    CellOptions,
    CodeProfile,
    Land,
    Overflow,
    assign_codes,
    coarser_open_factor,
    overflows,
    plan_cells,
)
from gridplan.config import Config
from gridplan.errors import Message, Note, counted, first_ids
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
    options, cells = asked, _drawn(place, asked)
    full = first = overflows(cells, profile)
    for _ in range(_MOST_ROUNDS if config.cells.when_full == "coarsen" else 0):
        factor = coarser_open_factor(full, options)
        if factor is None:
            break
        options = replace(options, open_factor=factor)
        cells = _drawn(place, options)
        full = overflows(cells, profile)
    codes = assign_codes(cells, profile=profile, target_m2=options.target_m2)
    coarser = (_coarser_note(first, asked, options),) if first else ()
    return CodedCells(_labelled(cells.assign(cell_id=codes), profile), coarser)


def _labelled(cells: gpd.GeoDataFrame, profile: CodeProfile) -> gpd.GeoDataFrame:
    """Return the cells with the standard and the grid that their codes belong to."""
    return cells.assign(standard=profile.name, grid_system=UNIT_GRID)


def _drawn(place: Place, options: CellOptions) -> gpd.GeoDataFrame:
    return plan_cells(place.communities, _land(place), options=options).cells


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
    had_zh = first_ids([f"{one.community_id}（{one.cells} 个）" for one in full])
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
