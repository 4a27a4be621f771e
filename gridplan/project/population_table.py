"""A table of residents by community or estate, checked row by row."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from gridplan.errors import FaultList, Note, both_ids, counted, first_ids, ids_zh
from gridplan.people_settings import PopulationTable
from gridplan.place import number_faults
from gridplan.project.population_checks import (
    SUBTOTAL_WORDS,
    TOTAL_WORDS,
    check_groups,
    check_totals,
    partition_notes,
    plausibility_notes,
    total_rows,
)
from gridplan.project.population_headers import ALIKE, Headers, plain, sort_headers, unused_note

_ESTATE_KEYS = ("estate_id", "estate")
_KEYS = ("community_id", *_ESTATE_KEYS)


@dataclass(frozen=True)
class Units:
    """The units of the place that a table may speak of."""

    communities: frozenset[str]
    estates: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"estate_id": [], "name": []}, dtype="object")
    )


def population_table(
    table: pd.DataFrame, units: Units, *, settings: PopulationTable, what: str
) -> tuple[pd.DataFrame, list[Note]]:
    """
    Return the table by community or estate, checked against those of the place.

    A row that names an estate (by ``estate_id``, else by name) counts it; a row
    with a community's code alone counts the community, its estates included.

    Parameters
    ----------
    table : DataFrame of text
        As `read_table` gives it. What its headers mean says `sort_headers`; rows of
        sums (合计, 小计, total …) are compared with the rows they sum and left out.

    Returns
    -------
    DataFrame
        ``level`` (``community`` or ``estate``), ``unit_id``, ``population``, the
        other counts and the groups the table has, ``as_of`` and ``source`` where a
        column gives them.
    list of Note
        Columns that were not used, and what is odd but possible.

    Raises
    ------
    InputError
        With one message per fault: no key column, no population, units that do
        not match, repeated or missing ones, counts that are negative, missing or
        no numbers, sums that are wrong, groups larger than everybody.
    """
    faults = FaultList()
    names = [str(one) for one in table.columns]
    headers = sort_headers(
        names,
        rename=settings.rename,
        groups=settings.groups,
        without=_ESTATE_KEYS if units.estates.empty else (),
        what=what,
        faults=faults,
    )
    _need_columns(headers, names, what, faults)
    named = table.drop(columns=[*headers.personal]).rename(columns=dict(headers.ours))
    counts = list(headers.counts)
    texts = named.drop(columns=counts)
    partial, whole = total_rows(texts, SUBTOTAL_WORDS), total_rows(texts, TOTAL_WORDS)
    rows = _labelled(named[~(partial | whole)], units, what, faults)
    for column in counts:
        number_faults(rows[column], rows["unit_id"], f"{what}, `{column}`", "count", faults)
    _missing_faults(rows, what, faults)
    if not faults.faults:
        coarse = rows[rows["level"] == rows["level"].min()]  # community before estate
        sums = named[partial | whole].assign(partial=partial)
        check_totals(coarse, sums, counts, what, faults)
    faults.raise_if_any()
    found = _typed(rows, counts)
    _date_faults(found, what, faults)
    check_groups(found, headers.groups, what, faults)
    if int(found["population"].fillna(0).sum()) <= 0:
        faults.add(
            en=f"{what}: all counts of residents are 0. Give the residents of each community.",
            zh=f"{what}：各社区人口数均为 0。请填写各社区人口。",
        )
    faults.raise_if_any()
    communities = found[found["level"] == "community"].reset_index(drop=True)
    odd = [*partition_notes(found, headers.groups, what), *plausibility_notes(communities, what)]
    return found, [*unused_note(headers, what), *odd]


def _need_columns(headers: Headers, names: Sequence[str], what: str, faults: FaultList) -> None:
    ours = set(headers.ours.values())
    if "population" not in ours or not ours & set(_KEYS):
        faults.add(
            en=f"{what} needs a column of community codes (or of estates) and one of residents; "
            f"it has {list(names)}. Rename with `rename = {{…}}`.",
            zh=f"{what} 需要社区编码列（或小区列）与人口列；现有列为 {list(names)}。"
            f"请用 `rename = {{…}}` 对应。",
        )
    faults.raise_if_any()


def _labelled(rows: pd.DataFrame, units: Units, what: str, faults: FaultList) -> pd.DataFrame:
    """Return the rows with the level and the id of their unit; rows without one are faults."""
    codes = _texts(rows, "community_id")
    estates = _estate_ids(rows, units, what, faults)
    is_estate = (_texts(rows, "estate_id") != "") | (_texts(rows, "estate") != "")
    bare = [int(position) + 1 for position in rows.index[~is_estate & (codes == "")]]
    if bare:
        faults.add(
            en=f"{what}: {counted(len(bare), 'row has', 'rows have')} no community code (or "
            f"estate) without being a row of sums (合计, total): row {ids_zh(bare)} below the "
            f"header. Give the code, or delete the row.",
            zh=f"{what}：{len(bare)} 行没有社区编码（或小区），也不是合计行：表头下第 "
            f"{ids_zh(bare)} 行。请补全编码，或删除该行。",
        )
    _community_faults(codes[~is_estate & (codes != "")], codes, units, what, faults)
    return rows.assign(
        level=["estate" if one else "community" for one in is_estate],
        unit_id=estates.where(is_estate, codes).astype("object"),
    )


def _texts(rows: pd.DataFrame, column: str) -> pd.Series[str]:
    if column not in rows:
        return pd.Series("", index=rows.index, dtype="object")
    return rows[column].astype("object").where(rows[column].notna(), "").astype(str).str.strip()


def _estate_ids(rows: pd.DataFrame, units: Units, what: str, faults: FaultList) -> pd.Series[str]:
    """Return the estate of each row, by its id, else by its name; empty where it names none."""
    ids, names = _texts(rows, "estate_id"), _texts(rows, "estate").map(plain)
    own = units.estates.assign(key=units.estates["name"].map(plain, na_action="ignore"))
    by_name = own[own["key"].notna()].drop_duplicates("key").set_index("key")["estate_id"]
    double = sorted(
        set(own["key"][own["key"].duplicated() & own["key"].notna()]) & set(names[ids == ""])
    )
    if double:
        which = own.loc[own["key"].isin(double), "estate_id"].tolist()
        faults.add(
            en=f"{what}: several estates have the name {first_ids(double)}: {first_ids(which)}. "
            f"Give them by a column `estate_id`.",
            zh=f"{what}：多个小区同名 {ids_zh(double)}：{ids_zh(which)}。"
            f"请用 `estate_id` 列加以区分。",
        )
    found = ids.where(ids != "", names.map(by_name.to_dict()).where(names != "", ""))
    wrong = found.isna() | ((found != "") & ~found.isin(own["estate_id"]))
    _unknown_estates(ids.where(ids != "", names)[wrong], own, what, faults)
    found = found.where(~wrong, ids.where(ids != "", names))
    twice = sorted(found[(found != "") & found.duplicated()].unique())
    if twice:
        faults.add(
            en=f"{what}: {counted(len(twice), 'estate occurs', 'estates occur')} more than once: "
            f"{first_ids(twice)}. Sum their rows, or delete one.",
            zh=f"{what}：{len(twice)} 个小区重复出现：{ids_zh(twice)}。请合并或删除多余的行。",
        )
    return found


def _unknown_estates(
    wrong: pd.Series[str], own: pd.DataFrame, what: str, faults: FaultList
) -> None:
    if wrong.empty:
        return
    names = sorted(own["key"].dropna().unique())
    near = [
        difflib.get_close_matches(one, names, n=1, cutoff=ALIKE) for one in sorted(wrong.unique())
    ]
    hint, hint_zh = both_ids(sorted({one for found in near for one in found}))
    shown, shown_zh = both_ids(sorted(wrong.unique()))
    faults.add(
        en=f"{what}: {counted(len(wrong), 'row names', 'rows name')} estates that the layer "
        f"`estates` does not have: {shown}.{f' Did you mean {hint}?' if hint else ''} Ids and "
        f"names must be equal.",
        zh=f"{what}：{len(wrong)} 行的小区不在图层 `estates` 中：{shown_zh}。"
        f"{f'是否指 {hint_zh}？' if hint else ''}编号或名称须一致。",
    )


def _community_faults(
    listed: pd.Series[str], codes: pd.Series[str], units: Units, what: str, faults: FaultList
) -> None:
    """Add faults for communities counted twice, unknown ones, and those a table leaves out."""
    twice = sorted(listed[listed.duplicated()].unique())
    if twice:
        faults.add(
            en=f"{what}: {counted(len(twice), 'community occurs', 'communities occur')} more than "
            f"once: {first_ids(twice)}.",
            zh=f"{what}：{len(twice)} 个社区重复出现：{ids_zh(twice)}。",
        )
    unknown = sorted(set(codes) - {""} - units.communities)
    absent = sorted(units.communities - set(listed)) if len(listed) else []
    if unknown or absent:
        faults.add(
            en=f"{what} and the layer of communities do not match: "
            f"{counted(len(unknown), 'code', 'codes')} only in the table ({first_ids(unknown)}), "
            f"{len(absent)} only in the layer ({first_ids(absent)}). Codes must be equal as text.",
            zh=f"{what} 与社区图层不一致：{len(unknown)} 个编码仅在表中（{ids_zh(unknown)}），"
            f"{len(absent)} 个仅在图层中（{ids_zh(absent)}）。编码须逐字一致。",
        )


def _missing_faults(rows: pd.DataFrame, what: str, faults: FaultList) -> None:
    """Add a fault for units without a count; an estate may give its households instead."""
    empty = _texts(rows, "population") == ""
    empty &= (rows["level"] == "community") | (_texts(rows, "households") == "")
    ids = rows.loc[empty, "unit_id"].tolist()
    if ids:
        faults.add(
            en=f"{what}: {counted(len(ids), 'row has', 'rows have')} no count of residents: "
            f"{first_ids(ids)}. Write 0 where nobody lives.",
            zh=f"{what}：{len(ids)} 行缺少人口数：{ids_zh(ids)}。无人居住请填 0。",
        )


def _typed(rows: pd.DataFrame, counts: Sequence[str]) -> pd.DataFrame:
    texts = {name: rows[name] for name in ("as_of", "source") if name in rows}
    numbers = {
        column: pd.to_numeric(rows[column].replace("", None)).astype("Int64") for column in counts
    }
    found = {"level": rows["level"], "unit_id": rows["unit_id"], **numbers, **texts}
    return pd.DataFrame(found).reset_index(drop=True)


def _date_faults(units: pd.DataFrame, what: str, faults: FaultList) -> None:
    if "as_of" not in units:
        return
    wrong = [one for one in units["as_of"].dropna() if not _is_date(str(one))]
    if wrong:
        faults.add(
            en=f"{what}, `as_of`: "
            f"{counted(len(wrong), 'value is no date', 'values are no dates')}: "
            f"{first_ids(wrong)}. Write them like 2026-06-30.",
            zh=f"{what}，`as_of`：{len(wrong)} 个值不是日期：{ids_zh(wrong)}。"
            f"请写成 2026-06-30 的形式。",
        )


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
