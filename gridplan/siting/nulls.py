"""Texts that are absent from a table."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd


def with_none(table: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    """
    Return a table with some columns as objects, None where there is nothing.

    A frame of rows has texts of its own type, which makes NaN of None: whoever asks for ``None``,
    or looks a text up, would find another thing.

    Examples
    --------
    >>> found = pd.DataFrame([{"stopped_by": "work"}, {"stopped_by": None}])
    >>> with_none(found, ["stopped_by"])["stopped_by"].tolist()
    ['work', None]
    """
    words = table[list(columns)].astype("object")
    return table.assign(**words.where(words.notna(), None))
