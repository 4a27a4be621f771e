"""Whether the buildings of a place can hold its residents: faults and notes before a run."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from gridplan.demand.homes import first_containing, home_capacity
from gridplan.demand.options import NOT_HOMES, DemandOptions
from gridplan.errors import FaultList, Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.place import POPULATION_TEXTS

MOST_FLOORS = 100
"""No home in the world has more storeys; a larger number is a height, or a year."""

_UNTOLD = " "
_NAMELESS = {
    "": Message(en="(no kind)", zh="（无类型）"),
    _UNTOLD: Message(en="(on land of no known use)", zh="（用地性质未知）"),
}
"""Buildings that no kind can be named of, so that no setting can make them housing."""


@dataclass(frozen=True, slots=True)
class HomeCheck:
    """What is wrong with the homes of a place, and what a planner should know of them."""

    faults: tuple[Message, ...]
    notes: tuple[Note, ...]


def check_place_homes(
    homes: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
    population: pd.DataFrame,
    *,
    options: DemandOptions,
    weighted: bool = False,
) -> HomeCheck:
    """
    Return the faults and notes of the buildings as homes of the residents.

    Faults: storeys that are 0 or above `MOST_FLOORS`, and a place none of whose
    buildings is housing. Notes: buildings that hold nobody because their kind is
    unknown, communities with homes and no residents, and the reverse.

    Parameters
    ----------
    homes : GeoDataFrame
        As `doors` gives it.
    population : DataFrame
        As in `Place`.
    weighted : bool
        Whether cells with weights say where residents live; then a place may do
        without housing.
    """
    faults, notes = FaultList(), []
    _floor_faults(homes, faults)
    capacity = pd.Series(home_capacity(homes, estates, options), index=homes.index)
    unknown = _unknown_kinds(homes[capacity <= 0], options)
    if len(homes) and not (capacity > 0).any() and not weighted:
        faults.extend([_no_housing(homes, options)])
    elif len(unknown):
        notes.append(_unknown_note(unknown))
    if capacity.sum() > 0:
        notes += _community_notes(homes[capacity > 0], population)
        notes += _left_out(homes[capacity > 0], population)
    return HomeCheck(tuple(faults.faults), tuple(notes))


def _floor_faults(homes: gpd.GeoDataFrame, faults: FaultList) -> None:
    floors, ids = homes["floors"].astype(float), homes["building_id"]
    for wrong, en, zh in (
        (floors <= 0, "0 storeys. Leave the cell empty where the number is not known", "为 0"),
        (floors > MOST_FLOORS, f"more than {MOST_FLOORS} storeys", f"超过 {MOST_FLOORS}"),
    ):
        if wrong.any():
            which = first_ids(
                [f"{i} = {f:g}" for i, f in zip(ids[wrong], floors[wrong], strict=True)]
            )
            faults.add(
                en=f"{int(wrong.sum())} of {len(homes)} buildings have {en}: {which}.",
                zh=f"{len(homes)} 栋建筑中有 {int(wrong.sum())} 栋层数{zh}：{which}。"
                f"层数未知请留空。",
            )


def _unknown_kinds(empty: gpd.GeoDataFrame, options: DemandOptions) -> pd.Series[int]:
    """Return how many buildings without residents are of each kind that nobody knows."""
    kinds = empty["kind"].astype("object").where(empty["kind"].notna(), "")
    if "kind_from" in empty:
        # On land of no known use "other" is what is left, not what somebody has seen.
        guessed = (empty["kind_from"] == "landuse") & (kinds == "other")
        kinds = kinds.where(~guessed, _UNTOLD)
    known = NOT_HOMES | set(options.home_m2)
    return _by_size(kinds[~kinds.isin(known)])


def _by_size(kinds: pd.Series[str]) -> pd.Series[int]:
    counts = kinds.value_counts().rename_axis("kind").reset_index(name="count")
    ordered = counts.sort_values(["count", "kind"], ascending=[False, True])
    return ordered.set_index("kind")["count"]


def _listed(counts: pd.Series[int]) -> Message:
    pairs = [(_NAMELESS.get(str(kind)), kind, f"{count:,}") for kind, count in counts.items()]
    return Message(
        en=", ".join(f"{none.en if none else kind} {count}" for none, kind, count in pairs),
        zh="、".join(f"{none.zh if none else kind} {count}" for none, kind, count in pairs),
    )


def _advice(counts: pd.Series[int]) -> Message:
    """Return how to make a kind housing, or that the buildings need one first."""
    named = [str(kind) for kind in counts.index if kind not in _NAMELESS | dict.fromkeys(NOT_HOMES)]
    if not named:
        return Message(
            en="If some are housing, say so in their column `kind`",
            zh="若其中有住宅，请在 `kind` 字段中注明",
        )
    setting = f'[demand].home_m2 = {{ "{named[0]}" = 35 }}'
    return Message(
        en=f"If one is housing, give it floor space per resident: {setting}",
        zh=f"若其中有住宅，请设定人均面积：{setting}",
    )


def _unknown_note(counts: pd.Series[int]) -> Note:
    listed, advice, total = _listed(counts), _advice(counts), int(counts.sum())
    return Note(
        "kinds_unknown",
        total,
        Message(
            en=f"{counted(total, 'building holds', 'buildings hold')} no residents, of a kind that "
            f"is not known to be housing: {listed.en}. {advice.en}.",
            zh=f"{total:,} 栋建筑因类型未知而不计居民：{listed.zh}。{advice.zh}。",
        ),
        tuple(str(kind) for kind in counts.index if kind not in _NAMELESS),
    )


def _no_housing(homes: gpd.GeoDataFrame, options: DemandOptions) -> Message:
    counts = _by_size(homes["kind"].astype("object").where(homes["kind"].notna(), ""))
    listed, advice = _listed(counts), _advice(counts)
    housing = ", ".join(sorted(options.home_m2))
    return Message(
        en=f"None of the {len(homes):,} buildings is housing, and none has households. Their "
        f"kinds are: {listed.en}; housing is {housing}. {advice.en}, or name the column of "
        f"kinds with `rename = {{ kind = … }}`.",
        zh=f"{len(homes):,} 栋建筑中没有住宅，也都没有户数。现有类型：{listed.zh}；"
        f"住宅类型为 {housing}。{advice.zh}，"
        f"或用 `rename = {{ kind = … }}` 指定类型字段。",
    )


def _community_notes(homes: gpd.GeoDataFrame, population: pd.DataFrame) -> list[Note]:
    units = population[population["level"] == "community"]
    housed = units["unit_id"].isin(homes["community_id"])
    people = units["population"].fillna(0) > 0
    idle = units.loc[housed & ~people, "unit_id"].astype(str).tolist()
    lost = units.loc[~housed & people, "unit_id"].astype(str).tolist()
    notes = []
    if idle:
        notes.append(
            Note(
                "homes_without_residents",
                len(idle),
                Message(
                    en=f"{counted(len(idle), 'community has', 'communities have')} homes but no "
                    f"residents in the table: {first_ids(idle)}. Check their counts.",
                    zh=f"{len(idle)} 个社区有住宅但表中人口为 0：{ids_zh(idle)}。请核对。",
                ),
                tuple(idle),
            )
        )
    if lost:
        notes.append(
            Note(
                "residents_without_homes",
                len(lost),
                Message(
                    en=f"{counted(len(lost), 'community has', 'communities have')} residents but "
                    f"no homes in the data: {first_ids(lost)}. These residents are counted as "
                    f"unplaced.",
                    zh=f"{len(lost)} 个社区有人口但没有住宅数据：{ids_zh(lost)}。"
                    f"其居民计为未落位。",
                ),
                tuple(lost),
            )
        )
    return notes


def _left_out(homes: gpd.GeoDataFrame, population: pd.DataFrame) -> list[Note]:
    """Return a note of the homes that stand in no unit of the table."""
    if (population["level"] == "total").any():
        return []
    units = {level: rows["unit_id"] for level, rows in population.groupby("level")}
    none = pd.Series([], dtype="object")
    counted = homes["community_id"].isin(units.get("community", none))
    counted |= homes["estate_id"].isin(units.get("estate", none))
    ids = homes.loc[~counted, "building_id"].astype(str).tolist()
    if not ids:
        return []
    message = Message(
        en=f"{len(ids):,} of {len(homes):,} homes {agreed(len(ids), 'stands', 'stand')} in no unit "
        f"of the population table, without residents: {first_ids(ids)}. Give their communities, or "
        f"a total.",
        zh=f"{len(homes):,} 栋住房中有 {len(ids):,} 栋不在人口表的任何单元内，不计居民："
        f"{ids_zh(ids)}。请补充其社区人口或总数。",
    )
    return [Note("homes_not_counted", len(ids), message, tuple(ids))]


def check_weights(cells: gpd.GeoDataFrame, homes: gpd.GeoDataFrame) -> HomeCheck:
    """
    Return what is wrong with the weights of cells: none at all, or some without a value.

    Notes count the homes that stand in no cell, which then hold nobody.
    """
    faults, notes = FaultList(), []
    weight = pd.to_numeric(cells.get("weight"), errors="coerce")
    if "weight" not in cells or not (weight.fillna(0) > 0).any():
        faults.add(
            en=f"None of the {len(cells):,} cells in `weights` has a weight above 0. Name the "
            f"column with `rename = {{ weight = … }}`.",
            zh=f"图层 `weights` 的 {len(cells):,} 个单元均无大于 0 的权重。"
            f"请用 `rename = {{ weight = … }}` 指定字段。",
        )
    elif weight.isna().any():
        ids = cells.get("weight_id", pd.Series(cells.index)).astype(str)[weight.isna()].tolist()
        faults.add(
            en=f"{len(ids):,} of {len(cells):,} cells in `weights` "
            f"{agreed(len(ids), 'has', 'have')} no weight: {first_ids(ids)}. Write 0 where nobody "
            f"lives.",
            zh=f"图层 `weights` 的 {len(cells):,} 个单元中有 {len(ids):,} 个没有权重："
            f"{ids_zh(ids)}。无人居住请填 0。",
        )
    within = homes.sindex.query(cells.geometry, predicate="intersects")[1]
    ids = homes.loc[~homes.index.isin(within), "building_id"].astype(str).tolist()
    if ids:
        message = Message(
            en=f"{len(ids):,} of {len(homes):,} buildings {agreed(len(ids), 'stands', 'stand')} in "
            f"no cell of `weights`, without residents: {first_ids(ids)}.",
            zh=f"{len(homes):,} 栋建筑中有 {len(ids):,} 栋不在 `weights` 的任何单元内，不计居民："
            f"{ids_zh(ids)}。",
        )
        notes.append(Note("homes_without_weight", len(ids), message, tuple(ids)))
    return HomeCheck(tuple(faults.faults), tuple(notes))


def estate_excess(
    population: pd.DataFrame, estates: gpd.GeoDataFrame, communities: gpd.GeoDataFrame
) -> tuple[Message, ...]:
    """Return a fault for every community whose estates count more than it does."""
    rows = population[population["level"] == "estate"]
    if rows.empty:
        return ()
    points = shapely.point_on_surface(estates.geometry.to_numpy())
    where = dict(
        zip(
            estates["estate_id"], first_containing(points, communities, "community_id"), strict=True
        )
    )
    of_community = population[population["level"] == "community"].set_index("unit_id")
    faults = FaultList()
    skip = {"level", "unit_id", "households", *POPULATION_TEXTS}
    for name in (one for one in population.columns if one not in skip):
        held = rows[name].fillna(0).groupby(rows["unit_id"].map(where)).sum()
        for community, count in held.items():
            whole = of_community[name].get(community)
            if whole is not None and pd.notna(whole) and count > whole:
                faults.add(
                    en=f"`{name}`: the estates of community {community} hold {int(count):,}, but "
                    f"it has {int(whole):,} only. Correct one of the counts.",
                    zh=f"`{name}`：社区 {community} 为 {int(whole):,}，而其内小区合计已达 "
                    f"{int(count):,}。请更正。",
                )
    return tuple(faults.faults)
