"""Cells that their codes can number: drawn, drawn coarser where they are too many, and coded."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd

from gridplan.cells import (
    UNIT_GRID,
    CellOptions,
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

_MOST_ROUNDS = 3
"""Open land is made coarser at most so often; what is then still too much is refused."""


def coded_cells(place: Place, config: Config) -> tuple[gpd.GeoDataFrame, tuple[Note, ...]]:
    """
    Return the cells of a place with their codes, and what had to be coarsened for them.

    Where a community has more cells than its codes can number, the cells of open land
    are made larger as far as needed, if the settings say so.

    Raises
    ------
    InfeasibleError
        If a community still has more cells than can be numbered.
    """
    asked, profile = config.cells.options, config.cells.profile
    options, cells = asked, _drawn(place, asked)
    full = first = overflows(cells, profile)
    for _ in range(_MOST_ROUNDS if config.cells.when_full == "coarsen" else 0):
        factor = coarser_open_factor(full, options)
        if factor is None:
            break
        options = replace(options, open_factor=factor)
        cells = _drawn(place, options)
        full = overflows(cells, profile)
    coded = cells.assign(
        cell_id=assign_codes(cells, profile=profile, target_m2=options.target_m2),
        standard=profile.name,
        grid_system=UNIT_GRID,
    )
    notes = (_coarser_note(first, asked, options),) if first else ()
    return coded, notes


def _drawn(place: Place, options: CellOptions) -> gpd.GeoDataFrame:
    land = Land(
        streets=place.streets,
        water=place.water,
        barriers=place.barriers,
        buildings=place.buildings,
        estates=place.estates,
    )
    return plan_cells(place.communities, land, options=options).cells


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
