"""Returned answers, checked row by row: unknown words, missing figures, dates nobody can read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from gridplan.answers.words import DOOR, HOMES, KINDS, LINK, WORDS, YES
from gridplan.errors import FaultList, InputError, first_ids

ANSWER_LAYER = "fieldcheck"
"""Layer of a returned file that holds the answers."""

_COLUMNS = ("check_id", "kind", "target_id", "answer", "value", "checked_on")
_STOREYS = (1.0, 100.0)


@dataclass(frozen=True)
class Answer:
    """
    One thing that was looked at.

    Attributes
    ----------
    value : float or None
        Storeys, for homes.
    checked_on : date
    members : tuple of str
        The buildings that a doubt about homes concerns.
    way : LineString or None
        The link in doubt.
    estate_id : str or None
    place : Point
        Where it is; a gate may have been moved to where it is.
    source : str
        Name of the returned file.
    """

    check_id: str
    kind: str
    target_id: str
    answer: str
    value: float | None
    checked_on: dt.date
    members: tuple[str, ...]
    way: shapely.LineString | None
    estate_id: str | None
    place: shapely.Point
    source: str


def check_answers(frame: gpd.GeoDataFrame, *, crs: pyproj.CRS, source: str) -> list[Answer]:
    """
    Return the answers of one returned file, in the order of their ids.

    Rows without an answer were not looked at, and are none.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer `fieldcheck` as it came back.
    crs : the place's; answers in another are brought to it
    source : name of the file

    Raises
    ------
    InputError
        With one message per fault of any row.
    """
    faults = FaultList()
    absent = [name for name in _COLUMNS if name not in frame]
    if absent or frame.crs is None:
        lacking = ", ".join([*absent, *([] if frame.crs is not None else ["CRS"])])
        faults.add(
            en=f"{source}, layer {ANSWER_LAYER}: {lacking} missing. Return the file that "
            f"`gridplan fieldcheck` wrote, with its columns as they were.",
            zh=f"{source} 的图层 {ANSWER_LAYER} 缺少 {lacking}。请交回 `gridplan fieldcheck` "
            f"生成的文件，字段保持不变。",
        )
        faults.raise_if_any(InputError)
    rows = frame.to_crs(crs)
    answered = rows[rows["answer"].map(_text) != ""]
    _repeated(answered, source, faults)
    ordered = answered.sort_values("check_id", kind="stable")
    found = [_answer(row, source, faults) for row in ordered.to_dict("records")]
    faults.raise_if_any(InputError)
    return [one for one in found if one is not None]


def latest_answers(files: Iterable[Sequence[Answer]]) -> list[Answer]:
    """
    Return the last answer to each doubt, by date, sorted by id.

    Raises
    ------
    InputError
        If files answer the same doubt differently on the same day.
    """
    faults = FaultList()
    every = sorted(
        (one for file in files for one in file), key=lambda one: (one.check_id, one.checked_on)
    )
    last: dict[str, Answer] = {}
    for one in every:
        before = last.get(one.check_id)
        same_day = before is not None and before.checked_on == one.checked_on
        if same_day and before and (before.answer, before.value) != (one.answer, one.value):
            faults.add(
                en=f"{one.check_id} has two answers of {one.checked_on}: {before.answer} in "
                f"{before.source}, {one.answer} in {one.source}. Correct one of them.",
                zh=f"{one.check_id} 在 {one.checked_on} 有两个不同答复：{before.source} 为 "
                f"{before.answer}，{one.source} 为 {one.answer}。请更正其一。",
            )
        last[one.check_id] = one
    faults.raise_if_any(InputError)
    return [last[key] for key in sorted(last)]


def _repeated(rows: gpd.GeoDataFrame, source: str, faults: FaultList) -> None:
    twice = sorted(rows["check_id"][rows["check_id"].duplicated()].astype(str).unique())
    if twice:
        faults.add(
            en=f"{source}: {len(twice)} things are answered more than once: {first_ids(twice)}. "
            f"Keep one row of each.",
            zh=f"{source}：{len(twice)} 项重复答复：{first_ids(twice)}。每项只保留一行。",
        )


def _answer(row: dict[object, object], source: str, faults: FaultList) -> Answer | None:
    known = len(faults.faults)
    name, kind = _text(row["check_id"]), _text(row["kind"])
    where_en, where_zh = f"{source}, {name or '?'}", f"{source}，{name or '?'}"
    if kind not in KINDS or not name or not _text(row["target_id"]):
        faults.add(
            en=f"{where_en}: kind {kind or '(empty)'} or its ids are not known. Return the rows "
            f"as `gridplan fieldcheck` wrote them; kinds are {', '.join(KINDS)}.",
            zh=f"{where_zh}：类别“{kind}”或编号无法识别。请保持 `gridplan fieldcheck` "
            f"写入的各行；类别有 {'、'.join(KINDS)}。",
        )
    answer = WORDS.get(_text(row["answer"]).lower())
    if answer is None:
        faults.add(
            en=f"{where_en}: the answer {_text(row['answer'])!r} is no word that is known; write "
            f"yes or no.",
            zh=f"{where_zh}：答复“{_text(row['answer'])}”无法识别，请填 yes 或 no（是、否）。",
        )
    checked_on = _day(row["checked_on"])
    if checked_on is None:
        faults.add(
            en=f"{where_en}: checked_on {_text(row['checked_on'])!r} is no date; write it as "
            f"2026-07-15.",
            zh=f"{where_zh}：checked_on“{_text(row['checked_on'])}”不是日期，"
            f"请按 2026-07-15 填写。",
        )
    value = _number(row["value"])
    low, high = _STOREYS
    if (kind, answer) == (HOMES, YES) and not (value is not None and low <= value <= high):
        faults.add(
            en=f"{where_en}: value {_text(row['value']) or '(empty)'} is no number of storeys; "
            f"write {low:g} to {high:g}.",
            zh=f"{where_zh}：value“{_text(row['value'])}”不是层数，请填 {low:g} 至 {high:g}。",
        )
    way = _line(row.get("way"))
    place = row["geometry"]
    if place is None or shapely.is_empty(place) or (kind in {LINK, DOOR} and way is None):
        faults.add(
            en=f"{where_en}: its point, or the line in the column `way`, is missing. Return the "
            f"row as it was written.",
            zh=f"{where_zh}：缺少点位或 way 字段中的线。请保持该行原样。",
        )
    if len(faults.faults) > known or answer is None or checked_on is None:
        return None
    return Answer(
        check_id=name,
        kind=kind,
        target_id=_text(row["target_id"]),
        answer=answer,
        value=value,
        checked_on=checked_on,
        members=_members(row.get("members")),
        way=way,
        estate_id=_text(row.get("estate_id")) or None,
        place=shapely.centroid(place),
        source=source,
    )


def _text(value: object) -> str:
    return "" if value is None or value is pd.NaT or value != value else str(value).strip()  # noqa: PLR0124 - nan


def _day(value: object) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return None if pd.isna(value) else value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(_text(value).replace("/", "-")[:10])
    except ValueError:
        return None


def _number(value: object) -> float | None:
    try:
        return float(_text(value))
    except ValueError:
        return None


def _line(value: object) -> shapely.LineString | None:
    line = shapely.from_wkt(_text(value) or None, on_invalid="ignore")
    return line if isinstance(line, shapely.LineString) and not line.is_empty else None


def _members(value: object) -> tuple[str, ...]:
    try:
        found = json.loads(_text(value) or "[]")
    except ValueError:
        return ()
    return tuple(str(one) for one in found) if isinstance(found, list) else ()
