"""Returned answers, checked row by row: unknown words, missing figures, dates nobody can read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridplan.answers.values import (
    UNTICKED,
    as_answer,
    as_day,
    as_ids,
    as_line,
    as_number,
    as_text,
)
from gridplan.answers.words import DOOR, HOMES, KINDS, LINK, YES, check_id_of
from gridplan.errors import FaultList, InputError, counted, first_ids, ids_zh

ANSWER_LAYER = "fieldcheck"
"""Layer of a returned file that holds the answers."""

_COLUMNS = ("check_id", "kind", "target_id", "answer", "value", "checked_on")
_STOREYS = (1.0, 100.0)
_SHOWN = 40
"""Characters of a cell that a message repeats."""


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
    answered = rows[rows.apply(_looked_at, axis="columns").astype(bool)]
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
            en=f"{source}: {counted(len(twice), 'thing is', 'things are')} answered more than "
            f"once: {first_ids(twice)}. Keep one row of each.",
            zh=f"{source}：{len(twice)} 项重复答复：{ids_zh(twice)}。每项只保留一行。",
        )


def _looked_at(row: pd.Series) -> bool:
    """Return whether a row is answered; a box without tick and date was left as it was."""
    answer = as_text(row["answer"])
    return answer != "" and not (answer.lower() in UNTICKED and as_text(row["checked_on"]) == "")


def _answer(row: dict[object, object], source: str, faults: FaultList) -> Answer | None:
    """Return the answer of a row, None with its faults told."""
    known = len(faults.faults)
    where = _Where(source, as_text(row["check_id"]))
    kind, target_id = as_text(row["kind"]), as_text(row["target_id"])
    _require_ids(kind, target_id, where, faults)
    answer = as_answer(row["answer"])
    if answer is None:
        text = as_text(row["answer"])
        faults.add(
            en=f"{where.en}: the answer {text!r} is no word that is known; write yes or no.",
            zh=f"{where.zh}：答复“{text}”无法识别，请填 yes 或 no（是、否）。",
        )
    checked_on = as_day(row["checked_on"])
    if checked_on is None:
        text = as_text(row["checked_on"])
        faults.add(
            en=f"{where.en}: checked_on {text!r} is no date; write it as 2026-07-15.",
            zh=f"{where.zh}：checked_on“{text}”不是日期，请按 2026-07-15 填写。",
        )
    value = as_number(row["value"])
    if (kind, answer) == (HOMES, YES):
        _require_storeys(row["value"], where, faults)
    members = as_ids(row.get("members"))
    if members is None:
        faults.add(
            en=f"{where.en}: the column `members` is no list of building ids "
            f"({as_text(row.get('members'))[:_SHOWN]!r}). Return the row as it was written.",
            zh=f"{where.zh}：members 字段不是楼栋编号列表"
            f"（{as_text(row.get('members'))[:_SHOWN]}）。请保持该行原样。",
        )
    way, place = as_line(row.get("way")), _point(row["geometry"])
    if place is None or (kind in {LINK, DOOR} and way is None):
        faults.add(
            en=f"{where.en}: its point, or the line in the column `way`, is missing or cannot be "
            f"read. Return the row as it was written.",
            zh=f"{where.zh}：缺少点位或 way 字段中的线，或无法读取。请保持该行原样。",
        )
    if len(faults.faults) > known or answer is None or checked_on is None or place is None:
        return None
    return Answer(
        check_id=where.check_id,
        kind=kind,
        target_id=target_id,
        answer=answer,
        value=value,
        checked_on=checked_on,
        members=members or (),
        way=way,
        estate_id=as_text(row.get("estate_id")) or None,
        place=place,
        source=source,
    )


@dataclass(frozen=True)
class _Where:
    """The row that a message speaks of."""

    source: str
    check_id: str

    @property
    def en(self) -> str:
        return f"{self.source}, {self.check_id or '?'}"

    @property
    def zh(self) -> str:
        return f"{self.source}，{self.check_id or '?'}"


def _require_ids(kind: str, target_id: str, where: _Where, faults: FaultList) -> None:
    if kind not in KINDS or not where.check_id or not target_id:
        faults.add(
            en=f"{where.en}: kind {kind or '(empty)'} or its ids are not known. Return the rows "
            f"as `gridplan fieldcheck` wrote them; kinds are {', '.join(KINDS)}.",
            zh=f"{where.zh}：类别“{kind}”或编号无法识别。请保持 `gridplan fieldcheck` "
            f"写入的各行；类别有 {'、'.join(KINDS)}。",
        )
    elif where.check_id != check_id_of(kind, target_id):
        faults.add(
            en=f"{where.en}: its kind ({kind}) and target_id ({target_id}) belong to the check_id "
            f"{check_id_of(kind, target_id)}. Put the three back as `gridplan fieldcheck` wrote "
            f"them.",
            zh=f"{where.zh}：其 kind（{kind}）与 target_id（{target_id}）对应的 check_id 为 "
            f"{check_id_of(kind, target_id)}，三者不一致。请恢复为 `gridplan fieldcheck` "
            f"写入的内容。",
        )


def _require_storeys(given: object, where: _Where, faults: FaultList) -> None:
    low, high = _STOREYS
    value = as_number(given)
    if value is None or not low <= value <= high:
        faults.add(
            en=f"{where.en}: value {as_text(given) or '(empty)'} is no number of storeys; "
            f"write {low:g} to {high:g}.",
            zh=f"{where.zh}：value“{as_text(given)}”不是层数，请填 {low:g} 至 {high:g}。",
        )


def _point(shape: object) -> shapely.Point | None:
    """Return where an answer stands; None without a place, or where it is at no finite one."""
    if not isinstance(shape, shapely.Geometry) or shape.is_empty:
        return None
    point: shapely.Point = shapely.centroid(shapely.force_2d(shape))
    return point if np.isfinite(shapely.get_coordinates(point)).all() else None
