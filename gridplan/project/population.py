"""The population table as the place wants it: one row per unit, whole numbers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gridplan.errors import FaultList, first_ids
from gridplan.place import number_faults

_KEYS = ("community_id", "社区编码", "社区代码", "居委会代码", "编码", "代码")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "population": ("population", "常住人口", "人口", "实有人口", "residents"),
    "population_register": ("population_register", "户籍人口", "registered"),
    "households": ("households", "户数", "家庭户数"),
    "age_0_14": ("age_0_14", "0-14岁", "0—14岁", "0~14岁"),
    "age_15_59": ("age_15_59", "15-59岁", "15—59岁", "15~59岁"),
    "age_60_plus": ("age_60_plus", "60岁及以上", "60岁以上", "60+"),
}
_IGNORED = ("社区名称", "社区", "居委会", "名称", "name", "备注", "note")
_TOTAL_WORDS = ("合计", "总计", "total", "sum")


def population_total(total: int) -> pd.DataFrame:
    """Return the population of the whole place as a table."""
    return pd.DataFrame({"level": ["total"], "unit_id": ["total"], "population": [total]})


def population_table(
    table: pd.DataFrame,
    community_ids: set[str],
    *,
    rename: Mapping[str, str],
    what: str,
) -> pd.DataFrame:
    """
    Return the table by community, checked against the communities of the place.

    Parameters
    ----------
    table : DataFrame of text
        Known headers, Chinese or English, are recognised; `rename` (our column =
        the table's column) comes first. Other columns of whole numbers are groups.

    Raises
    ------
    InputError
        With one message per fault: no key column, no population, communities
        that do not match, repeated ones, negative, missing or non-numeric counts.
    """
    faults = FaultList()
    named = _named(table, rename)
    if "community_id" not in named or "population" not in named:
        faults.add(
            en=f"{what} needs a column of community codes and one of residents; it has "
            f"{[str(column) for column in table.columns]}. Rename with `rename = {{…}}`.",
            zh=f"{what} 需要社区编码列与人口列；现有列为 "
            f"{[str(column) for column in table.columns]}。请用 `rename = {{…}}` 对应。",
        )
        faults.raise_if_any()
    rows = named[~_is_total(named)].reset_index(drop=True)
    ids = rows["community_id"].astype("string").str.strip()
    _match_faults(ids, community_ids, what, faults)
    counts = [column for column in rows.columns if column != "community_id"]
    for column in counts:
        number_faults(rows[column], ids, f"{what}, `{column}`", "count", faults)
    empty = rows["population"].isna() | (rows["population"].astype("string").str.strip() == "")
    if empty.any():
        faults.add(
            en=f"{what}: {int(empty.sum())} communities have no count of residents: "
            f"{first_ids(ids[empty].tolist())}. Write 0 where nobody lives.",
            zh=f"{what}：{int(empty.sum())} 个社区缺少人口数：{first_ids(ids[empty].tolist())}。"
            f"无人居住请填 0。",
        )
    faults.raise_if_any()
    numbers = {
        column: pd.to_numeric(rows[column].replace("", None)).astype("Int64") for column in counts
    }
    return pd.DataFrame({"level": "community", "unit_id": ids.astype(object), **numbers})


def _named(table: pd.DataFrame, rename: Mapping[str, str]) -> pd.DataFrame:
    """Return the table with our names for its headers; what is not a count is left out."""
    ours = {theirs: name for name, theirs in rename.items()}
    for name, words in {"community_id": _KEYS, **_COLUMNS}.items():
        if name in rename:
            continue
        found = next((word for word in words if word in table.columns), None)
        if found is not None:
            ours.setdefault(found, name)
    named = table.rename(columns=ours)
    known = {"community_id", *_COLUMNS, *rename}
    keep = [
        column
        for column in named.columns
        if column in known or (column not in _IGNORED and _looks_like_counts(named[column]))
    ]
    return named[keep]


def _looks_like_counts(values: pd.Series[str]) -> bool:
    given = values.dropna()
    return bool(len(given)) and bool(pd.to_numeric(given, errors="coerce").notna().all())


def _is_total(named: pd.DataFrame) -> pd.Series[bool]:
    """Say which rows are sums of the others, as office tables end with."""
    words = named["community_id"].astype("string").str.strip().str.lower()
    return words.isin(_TOTAL_WORDS) | words.isna() | (words == "")


def _match_faults(
    ids: pd.Series[str], community_ids: set[str], what: str, faults: FaultList
) -> None:
    twice = sorted(ids[ids.duplicated()].unique())
    if twice:
        faults.add(
            en=f"{what}: {len(twice)} communities occur more than once: {first_ids(twice)}.",
            zh=f"{what}：{len(twice)} 个社区重复出现：{first_ids(twice)}。",
        )
    unknown = sorted(set(ids) - community_ids)
    absent = sorted(community_ids - set(ids))
    if unknown or absent:
        faults.add(
            en=f"{what} and the layer of communities do not match: {len(unknown)} codes only in "
            f"the table ({first_ids(unknown)}), {len(absent)} only in the layer "
            f"({first_ids(absent)}). Codes must be equal as text.",
            zh=f"{what} 与社区图层不一致：{len(unknown)} 个编码仅在表中（{first_ids(unknown)}），"
            f"{len(absent)} 个仅在图层中（{first_ids(absent)}）。编码须逐字一致。",
        )
