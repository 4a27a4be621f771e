"""What people write into a returned file, as values: ticks, dates, storeys, lines, ids."""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata

import numpy as np
import pandas as pd
import shapely

from gridplan.answers.words import WORDS

UNTICKED = frozenset({"false", "0", "0.0"})
"""What a box holds that nobody has ticked."""

_DATE = re.compile(
    r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*[日号]?"
    r"(?:[T ,].*)?"
)
_SHORT_DATE = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:\.0)?")
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
_SERIAL_START = dt.date(1899, 12, 30)
"""Day 0 of the serial dates of Excel and WPS, for all dates since March 1900."""

_FIGURE = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(?:层|楼|f)?", re.IGNORECASE)


def as_text(value: object) -> str:
    """Return a cell as text in ordinary (half-width) characters, empty for null."""
    absent = value is None or value is pd.NaT or value is pd.NA or value != value  # noqa: PLR0124 - nan
    return "" if absent else unicodedata.normalize("NFKC", str(value)).strip()


def as_answer(value: object) -> str | None:
    """
    Return the answer that a word, a tick or a box gives; None where it gives none.

    Examples
    --------
    >>> as_answer("是的。"), as_answer(True), as_answer("不能"), as_answer("maybe")
    ('yes', 'yes', 'no', None)
    """
    return WORDS.get(as_text(value).rstrip("。.!,").lower() or "-")


def as_day(value: object) -> dt.date | None:
    """
    Return the day of a date, of its usual ways of writing, or of a serial of Excel.

    Day and month alone, or in an order that could be read in two ways, are no date.

    Examples
    --------
    >>> [str(as_day(one)) for one in ("2026年7月5日", "2026/7/5", "20260705", 46208)]
    ['2026-07-05', '2026-07-05', '2026-07-05', '2026-07-05']
    """
    if isinstance(value, dt.datetime):
        return None if pd.isna(value) else value.date()
    if isinstance(value, dt.date):
        return value
    text = as_text(value)
    serial = _SERIAL.fullmatch(text)
    if serial:
        return _SERIAL_START + dt.timedelta(days=int(serial[1]))
    found = _DATE.fullmatch(text) or _SHORT_DATE.fullmatch(text)
    try:
        return dt.date(*(int(one) for one in found.groups())) if found else None
    except ValueError:
        return None


def as_number(value: object) -> float | None:
    """Return a number, of storeys also as ``11层``; None where there is none."""
    found = _FIGURE.fullmatch(as_text(value))
    return float(found[1]) if found else None


def as_line(value: object) -> shapely.LineString | None:
    """Return a line of well-known text; None where it is none, has no length or no finite place."""
    with np.errstate(invalid="ignore"):  # coordinates that are no numbers are refused below
        line = shapely.from_wkt(as_text(value) or None, on_invalid="ignore")
    if not isinstance(line, shapely.LineString) or line.is_empty:
        return None
    if not np.isfinite(shapely.get_coordinates(line)).all() or line.length <= 0:
        return None
    flat: shapely.LineString = shapely.force_2d(line)
    return flat


def as_ids(value: object) -> tuple[str, ...] | None:
    """
    Return the ids of a JSON list, none for an empty cell; None where it is no such list.

    Examples
    --------
    >>> as_ids('["b3", "b4"]'), as_ids(None), as_ids('["b3", "b')
    (('b3', 'b4'), (), None)
    """
    try:
        found = json.loads(as_text(value) or "[]")
    except ValueError:
        return None
    if not isinstance(found, list) or not all(isinstance(one, str | int) for one in found):
        return None
    return tuple(str(one) for one in found)
