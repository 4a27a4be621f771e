"""Whether the buildings of a place can hold its residents: faults and notes before a run."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from gridplan.demand.homes import home_capacity
from gridplan.demand.options import NOT_HOMES, DemandOptions
from gridplan.errors import FaultList, Message, Note, first_ids

MOST_FLOORS = 100
"""No home in the world has more storeys; a larger number is a height, or a year."""

_NO_KIND = Message(en="(no kind)", zh="（无类型）")


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
    """
    faults, notes = FaultList(), []
    _floor_faults(homes, faults)
    capacity = pd.Series(home_capacity(homes, estates, options), index=homes.index)
    unknown = _unknown_kinds(homes[capacity <= 0], options)
    if len(homes) and not (capacity > 0).any():
        faults.extend([_no_housing(homes, options)])
    elif len(unknown):
        notes.append(_unknown_note(unknown))
    if capacity.sum() > 0:
        notes += _community_notes(homes[capacity > 0], population)
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
        kinds = kinds.where(~guessed, "unknown")
    known = NOT_HOMES | set(options.home_m2)
    return _by_size(kinds[~kinds.isin(known)])


def _by_size(kinds: pd.Series[str]) -> pd.Series[int]:
    counts = kinds.value_counts().rename_axis("kind").reset_index(name="count")
    ordered = counts.sort_values(["count", "kind"], ascending=[False, True])
    return ordered.set_index("kind")["count"]


def _listed(counts: pd.Series[int]) -> Message:
    pairs = list(counts.items())
    return Message(
        en=", ".join(f"{kind or _NO_KIND.en} {count:,}" for kind, count in pairs),
        zh="、".join(f"{kind or _NO_KIND.zh} {count:,}" for kind, count in pairs),
    )


def _example(counts: pd.Series[int]) -> str:
    named = [str(kind) for kind in counts.index if kind and kind not in NOT_HOMES]
    return f'[demand].home_m2 = {{ "{named[0] if named else "住宅"}" = 35 }}'


def _unknown_note(counts: pd.Series[int]) -> Note:
    listed, total = _listed(counts), int(counts.sum())
    return Note(
        "kinds_unknown",
        total,
        Message(
            en=f"{total:,} buildings hold no residents, since their kind is not known to be "
            f"housing: {listed.en}. If one is, give it floor space per resident: "
            f"{_example(counts)}.",
            zh=f"{total:,} 栋建筑因类型未知而不计居民：{listed.zh}。"
            f"若其中有住宅，请设定人均面积：{_example(counts)}。",
        ),
        tuple(str(kind) for kind in counts.index),
    )


def _no_housing(homes: gpd.GeoDataFrame, options: DemandOptions) -> Message:
    counts = _by_size(homes["kind"].astype("object").where(homes["kind"].notna(), ""))
    listed, housing = _listed(counts), ", ".join(sorted(options.home_m2))
    return Message(
        en=f"None of the {len(homes):,} buildings is housing, and none has households. Their "
        f"kinds are: {listed.en}; housing is {housing}. Say which kinds are housing with "
        f"{_example(counts)}, or name the column of kinds with `rename = {{ kind = … }}`.",
        zh=f"{len(homes):,} 栋建筑中没有住宅，也都没有户数。现有类型：{listed.zh}；"
        f"住宅类型为 {housing}。请用 {_example(counts)} 指定住宅类型，"
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
                    en=f"{len(idle)} communities have homes but no residents in the table: "
                    f"{first_ids(idle)}. Check their counts.",
                    zh=f"{len(idle)} 个社区有住宅但表中人口为 0：{first_ids(idle)}。请核对。",
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
                    en=f"{len(lost)} communities have residents but no homes in the data: "
                    f"{first_ids(lost)}. Their residents are counted as unplaced.",
                    zh=f"{len(lost)} 个社区有人口但没有住宅数据：{first_ids(lost)}。"
                    f"其居民计为未落位。",
                ),
                tuple(lost),
            )
        )
    return notes
