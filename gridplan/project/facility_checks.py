"""Faults of the facilities, alone and beside committees and rooms."""

from __future__ import annotations

import pandas as pd

from gridplan.errors import FaultList, agreed, counted, first_ids, ids_zh
from gridplan.place import as_text

OWN_KINDS = ("committee", "居委会")
"""Kinds of a further service point of a committee, beside none."""

_TAKEN = ("committee", "nearest_committee", "room")
"""Names of walks that every plan has."""


def check_facilities(
    facilities: pd.DataFrame,
    *,
    committees: pd.DataFrame | None,
    sites: pd.DataFrame | None,
    faults: FaultList,
) -> None:
    """Add a fault for kinds that are missing or differ, and for ids that mean two things."""
    if not {"facility_id", "kind"} <= set(facilities.columns):
        return  # the layer's own fault says so
    ids = as_text(facilities["facility_id"])
    kinds = as_text(facilities["kind"]).str.strip().replace("", None)
    of_committee = ids.isin(_ids(committees, "committee_id"))
    _own_kinds(ids[of_committee], kinds[of_committee], committees, faults)
    others, kind_of = ids[~of_committee], kinds[~of_committee]
    empty = others[kind_of.isna() & others.notna()]
    if len(empty):
        faults.add(
            en=f"{len(empty)} of {len(ids)} rows of `facilities` "
            f"{agreed(len(empty), 'has', 'have')} no `kind`: {first_ids(empty.tolist())}. Say what "
            f"each is, e.g. 社区服务站.",
            zh=f"图层 `facilities` 的 {len(ids)} 行中有 {len(empty)} 行没有 `kind`："
            f"{ids_zh(empty.tolist())}。请注明设施类型，如“社区服务站”。",
        )
    several = kind_of.groupby(others).nunique()
    mixed = sorted(several.index[several > 1])
    if mixed:
        faults.add(
            en=f"{counted(len(mixed), 'facility has', 'facilities have')} rows of different kinds: "
            f"{first_ids(mixed)}. Rows with one `facility_id` are service points of one facility; "
            f"give others another id.",
            zh=f"{len(mixed)} 个设施的各行类型不一致：{ids_zh(mixed)}。同一 `facility_id` "
            f"的多行为同一设施的服务点；不同设施请用不同编号。",
        )
    odd = sorted(set(kind_of.dropna()) & {*_TAKEN, *OWN_KINDS})
    if odd:
        faults.add(
            en=f"`facilities`.`kind` = {first_ids(odd)} without a committee of that id. "
            f"Committees belong to `committees`, rooms to `sites`; a further service point of a "
            f"committee has the committee's id.",
            zh=f"`facilities`.`kind` 为 {ids_zh(odd)}，但编号不是居委会编号。居委会请放入 "
            f"`committees`，活动室放入 `sites`；居委会的其他服务点使用该居委会的编号。",
        )
    both = sorted(set(others.dropna()) & _ids(sites, "site_id"))
    if both:
        faults.add(
            en=f"{counted(len(both), 'id is', 'ids are')} used for a facility and a room: "
            f"{first_ids(both)}.",
            zh=f"{len(both)} 个编号同时用于设施与活动室：{ids_zh(both)}。",
        )


def _own_kinds(
    ids: pd.Series[str],
    kinds: pd.Series[str],
    committees: pd.DataFrame | None,
    faults: FaultList,
) -> None:
    known = _ids(committees, "kind") | set(OWN_KINDS)
    wrong = sorted(set(ids[kinds.notna() & ~kinds.isin(known)]))
    if wrong:
        faults.add(
            en=f"{counted(len(wrong), 'committee has', 'committees have')} rows in `facilities` of "
            f"another kind: {first_ids(wrong)}. Such rows are further service points of the "
            f"committee: leave `kind` empty or write `committee`, or give the facility an id of "
            f"its own.",
            zh=f"`facilities` 中有 {len(wrong)} 个居委会编号的行注明了其他类型："
            f"{ids_zh(wrong)}。这些行视为该居委会的服务点，`kind` 请留空或填“居委会”；"
            f"若为另一设施，请使用单独的编号。",
        )


def _ids(frame: pd.DataFrame | None, column: str) -> set[str]:
    if frame is None or column not in frame:
        return set()
    return set(as_text(frame[column]).dropna())
