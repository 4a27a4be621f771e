"""Columns of a frame as arrays, whatever wrote the frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.verify.findings import Finding, Severity
from gridplan.verify.rules import finding

Shapes = npt.NDArray[np.object_]
Texts = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

_POLYGON, _MULTIPOLYGON = 3, 6
_KEYS = {
    "cells": ("cell_id", "cell_uid"),
    "communities": ("community_id", "name"),
    "zones": ("zone_id", "name"),
    "boundary": ("name",),
    "buildings": ("building_id",),
    "demand": ("demand_id",),
    "committees": ("committee_id",),
    "rooms": ("site_id",),
    "sites": ("site_id",),
}


def shapes(frame: pd.DataFrame) -> Shapes:
    """Return the column ``geometry`` as an array of shapely objects or None, shape (n,)."""
    values = np.asarray(frame["geometry"], dtype=object)
    result = np.full(len(values), None, dtype=object)
    drawn = shapely.is_geometry(values)
    result[drawn] = values[drawn]
    return result


def sound(geometries: Shapes) -> Flags:
    """Return which shapes are valid polygons with an area; only these can be measured."""
    areal = np.isin(shapely.get_type_id(geometries), [_POLYGON, _MULTIPOLYGON])
    return np.asarray(areal & ~shapely.is_empty(geometries) & shapely.is_valid(geometries))


def texts(frame: pd.DataFrame, column: str) -> Texts:
    """
    Return a column as text, None where it is null or empty.

    Examples
    --------
    >>> texts(pd.DataFrame({"zone_id": ["a", None, 3]}), "zone_id").tolist()
    ['a', None, '3']
    """
    values = frame[column].to_numpy(dtype=object)
    given = ~pd.isna(values)
    result = np.full(len(values), None, dtype=object)
    result[given] = [str(one) or None for one in values[given]]
    return result


def numbers(frame: pd.DataFrame, column: str) -> Floats:
    """Return a column as float64, NaN where it is null or no number."""
    values = pd.to_numeric(frame[column], errors="coerce")
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def number(value: object) -> float | None:
    """
    Return a value of a summary as a number, None where it is none.

    Examples
    --------
    >>> number("12"), number(None), number("many")
    (12.0, None, None)
    """
    found = pd.to_numeric(pd.Series([value], dtype=object), errors="coerce").iloc[0]
    return None if pd.isna(found) else float(found)


def labels(frame: pd.DataFrame, layer: str) -> Texts:
    """Return the name of each row for a message: its first id that is given, or its place."""
    names = np.array([f"row {place + 1}" for place in range(len(frame))], dtype=object)
    for key in reversed([key for key in _KEYS.get(layer, ()) if key in frame]):
        values = texts(frame, key)
        given = given_of(values)
        names[given] = values[given]
    return names


def given_of(values: Texts) -> Flags:
    """Return which entries are not None."""
    return np.array([one is not None for one in values], dtype=bool)


def is_in(values: Texts, known: Iterable[str | None]) -> Flags:
    """Return which entries are among `known`."""
    lookup = frozenset(known)
    return np.array([one in lookup for one in values], dtype=bool)


def repeated(values: Texts) -> list[str]:
    """Return the texts that occur more than once, sorted."""
    series = pd.Series(values[given_of(values)], dtype=object)
    return sorted(series[series.duplicated()].unique().tolist())


def missing_columns(
    frame: pd.DataFrame, layer: str, columns: Sequence[str], *, severity: Severity = "hard"
) -> list[Finding]:
    """Return a finding that names the columns of `columns` that `frame` lacks."""
    absent = [column for column in columns if column not in frame]
    return finding("column_missing", absent, layer=layer, severity=severity)
