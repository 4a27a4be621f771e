"""What can be wrong, or odd, in the rows of a population table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from gridplan.demand import partitions
from gridplan.errors import FaultList, Message, Note, both_ids, first_ids
from gridplan.place import number_faults
from gridplan.project.population_headers import plain

TOTAL_WORDS = frozenset({"合计", "总计", "总和", "共计", "total", "sum", "grandtotal"})
SUBTOTAL_WORDS = frozenset({"小计", "subtotal"})

PER_HOUSEHOLD = (1.2, 6.0)
"""
Residents per household of a whole community, at the least and at the most. The census of 2020
found 2.62 in China; outside this range a column is more likely shifted or of another year than
the community that odd.
"""

REGISTER_RATIO = 3
"""Registered residents per actual one above which the two columns are likely exchanged."""


def total_rows(table: pd.DataFrame, words: Collection[str]) -> pd.Series[bool]:
    """Return which rows have one of the words in any cell, as office tables end with."""
    texts = table.astype("object").map(lambda cell: plain(cell).rstrip(":") in words)
    return texts.any(axis="columns")


def check_totals(
    rows: pd.DataFrame, sums: pd.DataFrame, counts: Sequence[str], what: str, faults: FaultList
) -> None:
    """
    Compare the rows of sums that a table carries with the sums of its other rows.

    Parameters
    ----------
    rows, sums : DataFrame of text, indexed by their position in the table
        `sums` has a column ``partial``: whether it sums all rows, or a block of them.
    """
    edges = [-1, *sums.index, 10**9]
    for place, (position, row) in enumerate(sums.iterrows(), start=1):
        for column in counts:
            number_faults(
                row[[column]], pd.Series(["合计"], [column]), f"{what}, `{column}`", "count", faults
            )
        blocks = [rows]
        if row["partial"]:
            above = rows[(rows.index > edges[place - 1]) & (rows.index < position)]
            below = rows[(rows.index > position) & (rows.index < edges[place + 1])]
            blocks = [above, below]
        differ = min((_differences(block, row, counts) for block in blocks), key=len)
        for column, given, summed in differ:
            faults.add(
                en=f"{what}, `{column}`: the row of sums says {given:,}, but its communities sum "
                f"to {summed:,}. Correct one of them, or delete the row of sums.",
                zh=f"{what}，`{column}`：合计行为 {given:,}，各社区之和为 {summed:,}。"
                f"请更正，或删除合计行。",
            )


def _differences(
    rows: pd.DataFrame, sums: pd.Series, counts: Sequence[str]
) -> list[tuple[str, int, int]]:
    summed = {name: pd.to_numeric(rows[name], errors="coerce").sum() for name in counts}
    given = {name: pd.to_numeric(sums[name], errors="coerce") for name in counts}
    return [
        (name, int(given[name]), int(summed[name]))
        for name in counts
        if pd.notna(given[name]) and given[name] != summed[name]
    ]


def check_groups(table: pd.DataFrame, groups: Sequence[str], what: str, faults: FaultList) -> None:
    """Add a fault for every group that is larger than its population in some unit."""
    for group in groups:
        over = table[(table[group] > table["population"]).fillna(value=False)]
        if len(over):
            which = first_ids(
                [
                    f"{unit}: {part:,} > {whole:,}"
                    for unit, part, whole in zip(
                        over["unit_id"], over[group], over["population"], strict=True
                    )
                ]
            )
            faults.add(
                en=f"{what}: the group `{group}` is larger than the population in {len(over)} of "
                f"{len(table)} rows: {which}. Correct the table.",
                zh=f"{what}：{len(table)} 行中有 {len(over)} 行的人群 `{group}` 超过人口数："
                f"{which}。请更正。",
            )


def partition_notes(table: pd.DataFrame, groups: Sequence[str], what: str) -> list[Note]:
    """Return a note for ages (or sexes) that do not sum to the population."""
    return [note for names in partitions(groups) for note in _gap_note(table, names, what)]


def _gap_note(table: pd.DataFrame, names: tuple[str, ...], what: str) -> list[Note]:
    summed = table[list(names)].sum(axis="columns", skipna=False)
    gap = (summed - table["population"]).fillna(0)
    odd = table.loc[gap != 0, "unit_id"].tolist()
    if not odd:
        return []
    total, first = (
        int(gap.sum()),
        first_ids([f"{u}: {g:+,}" for u, g in zip(odd, gap[gap != 0], strict=True)]),
    )
    return [
        Note(
            "groups_sum",
            len(odd),
            Message(
                en=f"{what}: {' + '.join(names)} do not sum to the population in {len(odd)} of "
                f"{len(table)} rows (in all {total:+,}): {first}. Each is kept as given.",
                zh=f"{what}：{len(table)} 行中有 {len(odd)} 行的 {'＋'.join(names)} 与人口数不符"
                f"（合计 {total:+,}）：{first}。各列均按原值采用。",
            ),
            tuple(odd),
        )
    ]


def plausibility_notes(table: pd.DataFrame, what: str) -> list[Note]:
    """Return notes of units with odd households or more registered residents than can be."""
    notes = []
    people = table["population"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    if "households" in table:
        homes = table["households"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            size = people / homes
        low, high = PER_HOUSEHOLD
        odd = ((size < low) | (size > high)) & ~((people == 0) & (homes == 0))
        notes += _odd_note(
            table,
            odd,
            size,
            "household_size",
            (
                f"residents per household are outside {low:g}–{high:g}",
                f"户均人口不在 {low:g}–{high:g} 之间",
            ),
            what,
        )
    if "population_register" in table:
        register = table["population_register"].astype("Float64")
        count = register.to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = count / people
        notes += _odd_note(
            table,
            ratio > REGISTER_RATIO,
            ratio,
            "register_ratio",
            (
                f"registered residents are more than {REGISTER_RATIO} times the actual ones",
                f"户籍人口超过常住人口的 {REGISTER_RATIO} 倍",
            ),
            what,
        )
    return notes


def _odd_note(
    table: pd.DataFrame,
    odd: np.ndarray,
    value: np.ndarray,
    code: str,
    words: tuple[str, str],
    what: str,
) -> list[Note]:
    if not odd.any():
        return []
    ids = table["unit_id"].to_numpy()[odd].tolist()
    shown, shown_zh = both_ids([f"{i} ({v:.1f})" for i, v in zip(ids, value[odd], strict=True)])
    message = Message(
        en=f"{what}: in {len(ids)} of {len(table)} rows {words[0]}: {shown}. Check the columns.",
        zh=f"{what}：{len(table)} 行中有 {len(ids)} 行{words[1]}：{shown_zh}。请核对各列。",
    )
    return [Note(code, len(ids), message, tuple(ids))]
