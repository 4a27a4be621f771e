"""Whether answers belong to a place: known ids, plausible dates, points and ways that are near."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely

from gridplan.answers.read import Answer
from gridplan.answers.streets import MEETS_M, ends_off_streets_m
from gridplan.answers.words import DOOR, ESTATE_GATE, GATE, HOMES, LINK, SITE, WALL, YES
from gridplan.errors import FaultList, InputError, Message, first_ids, ids_zh
from gridplan.place import Place

_LAYER_OF = {
    ESTATE_GATE: "estates", WALL: "estates", GATE: "estates", HOMES: "buildings", SITE: "sites",
}  # fmt: skip
_NEAR_M = 500.0
"""Answers stand in the place or this near to its streets: a gate may be moved, not out of town."""
_YEARS = 10
"""A date further from that of the data is a slip of the pen; today is not known here."""


def require_fitting(place: Place, answers: Sequence[Answer]) -> None:
    """
    Refuse answers that concern what the place does not have, or that are nowhere near it.

    Raises
    ------
    InputError
        With one message per fault of any answer.
    """
    faults = FaultList()
    ids = {
        "estates": set(place.estates["estate_id"]),
        "buildings": set(place.buildings["building_id"]),
        "sites": set(place.sites["site_id"]),
    }
    shapes = [place.outline, *place.streets.geometry.to_numpy()]
    around = shapely.box(*shapely.total_bounds(np.array(shapes, dtype=object)))
    for one in answers:
        faults.extend(_unknown(one, ids))
        faults.extend(_undated(one, place))
        faults.extend(_elsewhere(one, around) or _unjoined(one, place))
    faults.raise_if_any(InputError)


def _concerned(one: Answer) -> tuple[str, ...]:
    """Return the ids that an answer concerns, in the layer of its kind."""
    if one.kind == HOMES:
        return one.members or (one.target_id,)
    if one.kind == GATE:
        return (one.estate_id,) if one.estate_id else ()
    return (one.target_id,) if one.kind in _LAYER_OF else ()


def _unknown(one: Answer, ids: dict[str, set[str]]) -> Iterator[Message]:
    layer = _LAYER_OF.get(one.kind, "")
    unknown = [each for each in _concerned(one) if each not in ids[layer]]
    if unknown:
        yield Message(
            en=f"{one.source}, {one.check_id}: `{layer}` has no {first_ids(unknown)}. The file "
            f"belongs to another place, or the ids changed; remove the row.",
            zh=f"{one.source}，{one.check_id}：图层 `{layer}` 中没有 {ids_zh(unknown)}。"
            f"该文件属于其他项目，或编号已变，请删除该行。",
        )


def _undated(one: Answer, place: Place) -> Iterator[Message]:
    if abs(one.checked_on.year - place.as_of.year) > _YEARS:
        day, as_of = one.checked_on.isoformat(), place.as_of.isoformat()
        yield Message(
            en=f"{one.source}, {one.check_id}: checked_on {day} lies more than {_YEARS} years from "
            f"the date of the data ({as_of}). Write the day of the visit, or correct "
            f"[place].as_of.",
            zh=f"{one.source}，{one.check_id}：checked_on {day} 与数据日期（{as_of}）相差超过 "
            f"{_YEARS} 年。请填实际核查日期，或更正 [place].as_of。",
        )


def _elsewhere(one: Answer, around: shapely.Polygon) -> list[Message]:
    asked = one.kind in {LINK, DOOR} and one.way is not None
    places = shapely.get_coordinates([one.place, *([one.way] if asked else [])])
    away_m = float(shapely.distance(shapely.points(places), around).max())
    if away_m <= _NEAR_M:
        return []
    return [
        Message(
            en=f"{one.source}, {one.check_id}: its point, or the line in the column `way`, lies "
            f"{away_m / 1000:,.1f} km away from the place. Put it back where it belongs, or "
            f"remove the row.",
            zh=f"{one.source}，{one.check_id}：其点位或 way 字段中的线距本辖区 "
            f"{away_m / 1000:,.1f} 公里。请移回原处，或删除该行。",
        )
    ]


def _unjoined(one: Answer, place: Place) -> list[Message]:
    """Return a fault for a way that joins no streets, and so would change nothing."""
    if one.kind not in {LINK, DOOR} or one.answer != YES or one.way is None:
        return []
    away = sorted(ends_off_streets_m(place.streets, one.way))
    # A door has a street at one end, a link at both.
    away_m = away[0] if one.kind == DOOR else away[1]
    if away_m <= MEETS_M:
        return []
    return [
        Message(
            en=f"{one.source}, {one.check_id}: the line in the column `way` ends {away_m:,.0f} m "
            f"short of any street, and would join nothing. Put its ends on streets (at most "
            f"{MEETS_M:g} m off), or answer no.",
            zh=f"{one.source}，{one.check_id}：way 字段中的线端点距最近道路 {away_m:,.0f} 米，"
            f"接不上路网。请将端点移到道路上（偏差不超过 {MEETS_M:g} 米），或答复 no。",
        )
    ]
