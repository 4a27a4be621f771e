"""The population table as the place wants it: one row per unit, whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from gridplan.demand import check_place_homes, doors_of
from gridplan.errors import FaultList, InputError, Note, first_ids
from gridplan.people_settings import PopulationSource
from gridplan.place import empty_layer, normal_layer, number_faults
from gridplan.project.population_checks import (
    SUBTOTAL_WORDS,
    TOTAL_WORDS,
    check_groups,
    check_totals,
    partition_notes,
    plausibility_notes,
    total_rows,
)
from gridplan.project.population_headers import Headers, sort_headers, unused_note
from gridplan.project.reading import Reading, already_reported, no_layer
from gridplan.sources.tables import read_table


def read_population(reading: Reading) -> pd.DataFrame:
    """Return the residents as the settings give them; what is odd in a table is noted."""
    given = reading.config.place.population
    if isinstance(given, int):
        return population_total(given)
    source = PopulationSource(file=given) if isinstance(given, str) else given
    if source.total is not None:
        return population_total(source.total)
    if source.file is None:
        raise InputError(no_layer("population"))
    communities = reading.layers.get("communities")
    there = (reading.folder / source.file).is_file()
    if not there or communities is None or "community_id" not in communities:
        raise already_reported()
    table = read_table(reading.folder / source.file, sheet=source.sheet)
    ids = set(communities["community_id"].astype(str))
    units, notes = population_table(
        table, ids, rename=source.rename, groups=source.groups, what=source.file
    )
    reading.notes.extend(notes)
    return units


def check_homes(reading: Reading, population: pd.DataFrame) -> None:
    """Say what is wrong or odd with the homes; layers with faults of their own are left to them."""
    own = FaultList()
    layers = {
        name: normal_layer(reading.layers[name], name, crs=reading.crs, faults=own)
        if name in reading.layers
        else empty_layer(name, crs=reading.crs)
        for name in ("buildings", "communities", "estates")
    }
    if own.faults:
        return
    homes = doors_of(layers["buildings"], layers["communities"], layers["estates"])
    found = check_place_homes(
        homes, layers["estates"], population, options=reading.config.demand.options
    )
    reading.faults.extend(found.faults)
    reading.notes.extend(found.notes)


def population_total(total: int) -> pd.DataFrame:
    """Return the population of the whole place as a table."""
    return pd.DataFrame({"level": ["total"], "unit_id": ["total"], "population": [total]})


def population_table(
    table: pd.DataFrame,
    community_ids: set[str],
    *,
    rename: Mapping[str, str],
    groups: Sequence[str] = (),
    what: str,
) -> tuple[pd.DataFrame, list[Note]]:
    """
    Return the table by community, checked against the communities of the place.

    Parameters
    ----------
    table : DataFrame of text
        As `read_table` gives it. What its headers mean says `sort_headers`; rows of
        sums (合计, 小计, total …) are compared with the rows they sum and left out.
    rename : mapping of our column to the table's header
    groups : headers of further columns that count groups of residents

    Returns
    -------
    DataFrame
        ``level`` (``community``), ``unit_id``, ``population``, the other counts
        and the groups the table has.
    list of Note
        Columns that were not used, and what is odd but possible.

    Raises
    ------
    InputError
        With one message per fault: no key column, no population, communities
        that do not match, repeated or missing ones, counts that are negative,
        missing or no numbers, sums that are wrong, groups larger than everybody.
    """
    faults = FaultList()
    headers = sort_headers(
        [str(one) for one in table.columns], rename=rename, groups=groups, what=what, faults=faults
    )
    _need_columns(headers, table, what, faults)
    named = table.drop(columns=[*headers.personal]).rename(columns=dict(headers.ours))
    counts = list(headers.counts)
    texts = named.drop(columns=counts)
    partial, whole = total_rows(texts, SUBTOTAL_WORDS), total_rows(texts, TOTAL_WORDS)
    rows = named[~(partial | whole)]
    ids = rows["community_id"].astype("string").str.strip().fillna("")
    _match_faults(ids, community_ids, what, faults)
    for column in counts:
        number_faults(rows[column], ids, f"{what}, `{column}`", "count", faults)
    _missing_faults(rows["population"], ids, what, faults)
    if not faults.faults:
        sums = named[partial | whole].assign(partial=partial)
        check_totals(rows, sums, counts, what, faults)
    faults.raise_if_any()
    units = _units(rows, ids, counts)
    check_groups(units, headers.groups, what, faults)
    if int(units["population"].sum()) <= 0:
        faults.add(
            en=f"{what}: all counts of residents are 0. Give the residents of each community.",
            zh=f"{what}：各社区人口数均为 0。请填写各社区人口。",
        )
    faults.raise_if_any()
    odd = [*partition_notes(units, headers.groups, what), *plausibility_notes(units, what)]
    return units, [*unused_note(headers, what), *odd]


def _need_columns(headers: Headers, table: pd.DataFrame, what: str, faults: FaultList) -> None:
    if not {"community_id", "population"} <= set(headers.ours.values()):
        faults.add(
            en=f"{what} needs a column of community codes and one of residents; it has "
            f"{[str(column) for column in table.columns]}. Rename with `rename = {{…}}`.",
            zh=f"{what} 需要社区编码列与人口列；现有列为 "
            f"{[str(column) for column in table.columns]}。请用 `rename = {{…}}` 对应。",
        )
    faults.raise_if_any()


def _units(rows: pd.DataFrame, ids: pd.Series[str], counts: Sequence[str]) -> pd.DataFrame:
    numbers = {
        column: pd.to_numeric(rows[column].replace("", None)).astype("Int64").to_numpy()
        for column in counts
    }
    units = {"level": "community", "unit_id": ids.astype(object).to_numpy(), **numbers}
    return pd.DataFrame(units).astype(dict.fromkeys(counts, "Int64"))


def _missing_faults(
    population: pd.Series[str], ids: pd.Series[str], what: str, faults: FaultList
) -> None:
    empty = population.isna() | (population.astype("string").str.strip() == "")
    if empty.any():
        faults.add(
            en=f"{what}: {int(empty.sum())} communities have no count of residents: "
            f"{first_ids(ids[empty].tolist())}. Write 0 where nobody lives.",
            zh=f"{what}：{int(empty.sum())} 个社区缺少人口数：{first_ids(ids[empty].tolist())}。"
            f"无人居住请填 0。",
        )


def _match_faults(
    ids: pd.Series[str], community_ids: set[str], what: str, faults: FaultList
) -> None:
    bare = [int(position) + 1 for position in ids.index[ids == ""]]
    if bare:
        faults.add(
            en=f"{what}: {len(bare)} rows have no community code and are no row of sums (合计, "
            f"total): row {first_ids(bare)} below the header. Give the code, or delete the row.",
            zh=f"{what}：{len(bare)} 行没有社区编码，也不是合计行：表头下第 {first_ids(bare)} 行。"
            f"请补全编码，或删除该行。",
        )
    coded = ids[ids != ""]
    twice = sorted(coded[coded.duplicated()].unique())
    if twice:
        faults.add(
            en=f"{what}: {len(twice)} communities occur more than once: {first_ids(twice)}.",
            zh=f"{what}：{len(twice)} 个社区重复出现：{first_ids(twice)}。",
        )
    unknown = sorted(set(coded) - community_ids)
    absent = sorted(community_ids - set(coded))
    if unknown or absent:
        faults.add(
            en=f"{what} and the layer of communities do not match: {len(unknown)} codes only in "
            f"the table ({first_ids(unknown)}), {len(absent)} only in the layer "
            f"({first_ids(absent)}). Codes must be equal as text.",
            zh=f"{what} 与社区图层不一致：{len(unknown)} 个编码仅在表中（{first_ids(unknown)}），"
            f"{len(absent)} 个仅在图层中（{first_ids(absent)}）。编码须逐字一致。",
        )
