"""The confirmation of one boundary (边界确认书): a sheet for each department to sign."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridplan import __version__
from gridplan.bounds import SIDES
from gridplan.errors import Language, Message, counted
from gridplan.plan import Plan
from gridplan.present import assets, canvas, handover_map
from gridplan.present.report import with_fonts
from gridplan.present.tables_bounds import HEADINGS
from gridplan.present.words import number, same, source_line, word
from gridplan.unify import Parcels

_NONE = Message(en="no zone", zh="无分区")
_NEW = Message(en="new zone", zh="新设")


@dataclass(frozen=True, slots=True)
class _Sides:
    """A heading, and a text for each side."""

    rows: tuple[tuple[Message, Message], ...]


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A place that changes hands, as printed."""

    number: int
    giver: Message
    taker: Message
    zone: str
    kind: Message
    area: str
    people: str
    sides: _Sides


@dataclass(frozen=True, slots=True)
class _Zone:
    """A zone for all, as printed."""

    zone_id: str
    team: Message
    area: str
    people: str
    classes: str
    sides: _Sides


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What one department signs."""

    department: str
    lead: Message
    strips: Message | None
    parcels: list[_Parcel]
    zones: list[_Zone]
    picture: str
    alt: Message


def confirmation_html(plan: Plan, land: Parcels, *, lang: Language = "zh") -> str:
    """
    Return the sheets of all departments as one HTML page, in both languages.

    Parameters
    ----------
    plan : Plan
        With zones for all departments.
    land : Parcels
        Of that plan.
    lang : {"zh", "en"}
        The language shown first; the page switches by itself.
    """
    departments = sorted(set(plan.layers["zone_successors"]["department"].astype(str)))
    with canvas.drawing(lang) as ink:
        pictures = [handover_map.picture(plan, land.places, one, ink) for one in departments]
    sheets = [
        _sheet(plan, land, department, picture)
        for department, picture in zip(departments, pictures, strict=True)
    ]
    title = Message(en="Boundary confirmation", zh="边界确认书")
    page = assets.render(
        "confirmation.html.j2",
        lang=lang,
        version=__version__,
        style=assets.text("report.css") + assets.text("confirmation.css"),
        script=assets.text("report.js"),
        title=title,
        place=plan.place.name,
        source=source_line(plan),
        sheets=sheets,
    )
    return with_fonts(page, serif=title.zh + title.en + plan.place.name + "".join(departments))


def _sheet(plan: Plan, land: Parcels, department: str, picture: bytes) -> _Sheet:
    own = land.places[land.places["department"] == department]
    return _Sheet(
        department=department,
        lead=_lead(plan, department),
        strips=_strips(land.strips, department),
        parcels=[_parcel(row) for row in own.drop(columns="geometry").to_dict("records")],
        zones=_zones(plan, department),
        picture="data:image/png;base64," + base64.b64encode(picture).decode("ascii"),
        alt=Message(en=f"Map of what {department} hands over", zh=f"{department}移交范围图"),
    )


def _lead(plan: Plan, department: str) -> Message:
    """Return what the department agrees to, in figures, by kind of change."""
    moves = plan.layer("handovers")
    own = moves[moves["department"] == department]
    parts = [
        (word("kind", kind), number(of["area_m2"].sum()), number(of["population"].sum()))
        for kind in ("handed", "blank", "overlap")
        if len(of := own[own["kind"] == kind])
    ]
    zones = plan.summary["unify"]["zones"]
    if not parts:
        return Message(
            en=f"{zones} zones hold for all departments. Nothing changes for {department}.",
            zh=f"各部门统一采用 {zones} 个责任区，{department}无变化。",
        )
    en = "; ".join(f"{kind.en}: {area} m² with {people} residents" for kind, area, people in parts)
    zh = "；".join(f"{kind.zh} {area} m²、居民 {people} 人" for kind, area, people in parts)
    return Message(
        en=f"{zones} zones hold for all departments. For {department} changes: {en}. All other "
        "land stays where it was.",
        zh=f"各部门统一采用 {zones} 个责任区。{department}的变化：{zh}。其余范围不变。",
    )


def _strips(strips: pd.DataFrame, department: str) -> Message | None:
    own = strips[strips["department"] == department]
    if own.empty:
        return None
    count, area = int(own["strips"].iloc[0]), number(own["area_m2"].iloc[0], 1)
    people = number(own["population"].iloc[0])
    return Message(
        en=f"Besides, {counted(count, 'strip', 'strips')} along the drawn lines, {area} m² with "
        f"{people} residents in all, follow the new boundary; the layer handovers draws them.",
        zh=f"另有绘图细缝 {count} 处，合计 {area} m²、{people} 人，一并以新界线为准，"
        "图形见 handovers 图层。",
    )


def _parcel(row: Mapping[Hashable, Any]) -> _Parcel:
    return _Parcel(
        number=int(row["number"]),
        giver=_NONE if pd.isna(row["from_zone_id"]) else same(str(row["from_zone_id"])),
        taker=_NEW if pd.isna(row["to_zone_id"]) else same(str(row["to_zone_id"])),
        zone=str(row["zone_id"]),
        kind=word("kind", str(row["kind"])),
        area=number(row["area_m2"]),
        people=number(row["population"]),
        sides=_Sides(
            tuple(
                (HEADINGS[one], Message(en=str(row[f"{one}_en"]), zh=str(row[f"{one}_zh"])))
                for one in SIDES
            )
        ),
    )


def _zones(plan: Plan, department: str) -> list[_Zone]:
    """Return the zones for all, with the department's team and its classes in each."""
    zones = plan.layer("zones")
    zones = zones[zones["zone_system"] == "unified"]
    heirs = plan.layers["zone_successors"]
    own = heirs[heirs["department"] == department]
    teams = dict(zip(own["zone_id"], own["old_zone_id"], strict=True))
    duties = plan.layers["duties"]
    duties = duties[(duties["department"] == department) & ~duties["by_default"].astype(bool)]
    words = plan.layers["bounds_words"]
    words = words[words["level"] == "zone"]
    made = []
    for row in zones.drop(columns="geometry").to_dict("records"):
        zone = str(row["zone_id"])
        team = teams.get(zone)
        told = words[words["unit_id"] == zone].set_index("side")
        made.append(
            _Zone(
                zone_id=zone,
                team=_NEW if pd.isna(team) else same(str(team)),
                area=number(row["area_m2"]),
                people=number(row["population"]),
                classes="、".join(duties[duties["zone_id"] == zone]["class"].astype(str)) or "–",
                sides=_Sides(
                    tuple(
                        (
                            HEADINGS[one],
                            Message(
                                en=str(told.loc[one, "text_en"]), zh=str(told.loc[one, "text_zh"])
                            ),
                        )
                        for one in SIDES
                    )
                ),
            )
        )
    return made
