"""The cells of a grid that exists, and what the planner is told of them."""

from __future__ import annotations

import geopandas as gpd

from gridplan.cells.given import GivenPlan, take_over
from gridplan.cells.land import Land
from gridplan.cells.options import CellOptions
from gridplan.cells.profiles import CodeProfile
from gridplan.errors import Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.place import Place
from gridplan.terms import term

_OWN = "given_"


def given_plan(
    place: Place, land: Land, options: CellOptions, *, profile: CodeProfile
) -> GivenPlan:
    """Return the grid of the place, taken over."""
    return take_over(
        place.cells, place.communities, land, place.outline, options=options, profile=profile
    )


def given_notes(faults: gpd.GeoDataFrame, *, repair: bool) -> list[Note]:
    """Return a note per kind of fault: what was found, or what was changed, and where."""
    if faults.empty:
        return [
            Note(
                f"{_OWN}clean",
                0,
                Message(
                    en="The given grid has no gap, overlap, cut building, crossed community or "
                    "bad code.",
                    zh="现有网格没有空隙、重叠、切割建筑、跨社区或编码问题。",
                ),
            )
        ]
    groups = faults.groupby(["fault", "repaired"], sort=True)
    return [
        _note(str(fault), rows, repaired=bool(repaired), repair=repair)
        for (fault, repaired), rows in groups
    ]


def _note(fault: str, rows: gpd.GeoDataFrame, *, repaired: bool, repair: bool) -> Note:
    label = term(fault, "cell_fault").message
    area_m2 = float(rows["area_m2"].sum())
    ids = tuple(_named(one) for one in rows[["cell_id", "given_to"]].itertuples(index=False))
    done_en, done_zh = _done(repaired=repaired, repair=repair)
    message = Message(
        en=f"The given grid: {label.en}: {len(rows)} ({area_m2:,.2f} m²; {first_ids(ids)}). "
        f"{done_en} The layer `cell_faults` lists each with its place.",
        zh=f"现有网格：{label.zh} {len(rows)} 处（{area_m2:,.2f} 平方米；{ids_zh(ids)}）。"
        f"{done_zh}逐项位置见 `cell_faults` 图层。",
    )
    return Note(f"{_OWN}{fault}{'_repaired' if repaired else ''}", len(rows), message, ids)


def _named(row: tuple[str, str | None]) -> str:
    cells, given_to = row
    return cells if given_to is None else f"{cells} → {given_to}"


def _done(*, repaired: bool, repair: bool) -> tuple[str, str]:
    if repaired:
        return "Mended as asked.", "已按要求修补。"
    if repair:
        return "No repair is made of this: correct the grid.", "此类问题不自动修补，请修正网格。"
    return (
        "Left as it is: correct the grid, or see [cells].repair.",
        "未作改动：请修正网格，或参见 [cells].repair。",
    )


def nowhere_notes(demand: gpd.GeoDataFrame) -> list[Note]:
    """Return a note of the homes that lie in a gap of the grid, if there are any."""
    lost = demand[demand["cell_uid"].isna() & ~demand.geometry.isna()]
    if lost.empty:
        return []
    ids = tuple(lost["demand_id"].astype(str))
    residents = int(lost["population"].fillna(0).sum())
    message = Message(
        en=f"{counted(len(ids), 'home', 'homes')} with "
        f"{counted(residents, 'resident', 'residents')} {agreed(len(ids), 'lies', 'lie')} in no "
        f"cell of the given grid: {first_ids(ids)}. They count in the place and its communities, "
        f"not in cells and zones.",
        zh=f"{len(ids)} 处住房（居民 {residents:,} 人）不在现有网格的任何单元内："
        f"{ids_zh(ids)}。他们计入全域与社区，不计入单元网格与责任区。",
    )
    return [Note(f"{_OWN}homes_in_no_cell", len(ids), message, ids)]


def no_cell_note(ids: list[str]) -> list[Note]:
    """Return a note of the municipal components that lie in a gap of the grid, if any do."""
    if not ids:
        return []
    message = Message(
        en=f"{counted(len(ids), 'municipal component lies', 'municipal components lie')} in no "
        f"cell of the given grid, counted in none: {first_ids(ids)}.",
        zh=f"{len(ids)} 个部件不在现有网格的任何单元内，未计入任何网格：{ids_zh(ids)}。",
    )
    return [Note(f"{_OWN}components_in_no_cell", len(ids), message, tuple(ids))]
