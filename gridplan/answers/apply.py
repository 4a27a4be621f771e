"""A place as it was found on the ground: answers applied, each told with its date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import pandas as pd
import shapely

from gridplan.answers.fits import require_fitting
from gridplan.answers.read import Answer
from gridplan.answers.streets import reaching_streets, with_street, without_street
from gridplan.answers.words import DOOR, ESTATE_GATE, GATE, HOMES, LINK, MEANINGS, SITE, WALL, YES
from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.place import FIELD_CHECK_COLUMNS, SCHEMAS, Place, make_place

_OTHER = "other"


@dataclass
class Merged:
    """A place while answers are applied to it: its layers, and what to tell."""

    layers: dict[str, gpd.GeoDataFrame]
    notes: list[Note] = field(default_factory=list)


def apply_answers(place: Place, answers: Sequence[Answer]) -> Place:
    """
    Return the place with the answers applied, their record and a note for each.

    An answer that is older than one already applied changes nothing, and is told.

    Parameters
    ----------
    answers : sequence of Answer
        One for each doubt, as `latest_answers` gives them.

    Raises
    ------
    InputError
        If answers concern estates, buildings or sites that the place does not have, are far
        from it in space or time, or give a way that joins no streets.
    """
    fresh, stale = _sorted_out(place, answers)
    require_fitting(place, fresh)
    if not answers:
        return place
    layers = ("buildings", "streets", "gates", "estates", "sites")
    merged = Merged({name: getattr(place, name) for name in layers})
    for one in fresh:
        _APPLY[one.kind](merged, one)
        merged.notes.append(_told(one))
    checked = make_place(
        name=place.name,
        crs=place.crs,
        as_of=place.as_of,
        layers={**{name: getattr(place, name) for name in SCHEMAS}, **merged.layers},
        population=place.population,
        notes=(*place.notes, *merged.notes, *_stale_note(stale), *_late_note(place, fresh)),
        community_committees=place.community_committees,
    )
    return replace(checked, field_checks=_record(place, fresh))


def _sorted_out(place: Place, answers: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    known = dict(zip(place.field_checks["check_id"], place.field_checks["checked_on"], strict=True))
    stale = [one for one in answers if known.get(one.check_id, "") > one.checked_on.isoformat()]
    old = {one.check_id for one in stale}
    ordered = sorted(answers, key=lambda one: one.check_id)
    return [one for one in ordered if one.check_id not in old], stale


def _gate(merged: Merged, one: Answer) -> None:
    status = "checked" if one.answer == YES else "closed"
    if one.kind == ESTATE_GATE and one.answer != YES:
        return
    gate_id = one.target_id if one.kind == GATE else f"field-{one.target_id}"
    estate_id = one.estate_id if one.kind == GATE else one.target_id
    gates = merged.layers["gates"]
    row = {"gate_id": gate_id, "estate_id": estate_id, "status": status}
    merged.layers["gates"] = _with_row(gates[gates["gate_id"] != gate_id], row, one.place)


def _wall(merged: Merged, one: Answer) -> None:
    estates = merged.layers["estates"].copy()
    estates.loc[estates["estate_id"] == one.target_id, "walled"] = one.answer == YES
    merged.layers["estates"] = estates


def _homes(merged: Merged, one: Answer) -> None:
    buildings = merged.layers["buildings"].copy()
    rows = buildings["building_id"].isin(one.members or (one.target_id,))
    if one.answer == YES:
        buildings.loc[rows, "floors"] = one.value
    else:
        buildings.loc[rows, "kind"] = _OTHER
    merged.layers["buildings"] = buildings


def _way(merged: Merged, one: Answer) -> None:
    street_id = f"field-{one.target_id}"
    streets = without_street(merged.layers["streets"], street_id)
    if one.answer == YES and one.way is not None:
        source = f"{one.source}, {one.checked_on.isoformat()}"
        way = reaching_streets(streets, one.way, both=one.kind == LINK)
        streets = with_street(streets, way, street_id=street_id, source=source)
    merged.layers["streets"] = streets


def _site(merged: Merged, one: Answer) -> None:
    sites = merged.layers["sites"].copy()
    own = sites["site_id"] == one.target_id
    if one.answer == YES:
        sites.loc[own, "assumed"] = False
        merged.layers["sites"] = sites
    else:
        merged.layers["sites"] = sites[~own].reset_index(drop=True)


_APPLY: dict[str, Callable[[Merged, Answer], None]] = {
    GATE: _gate,
    ESTATE_GATE: _gate,
    WALL: _wall,
    HOMES: _homes,
    LINK: _way,
    DOOR: _way,
    SITE: _site,
}


def _with_row(
    frame: gpd.GeoDataFrame, row: Mapping[str, object], shape: shapely.Geometry
) -> gpd.GeoDataFrame:
    fresh = gpd.GeoDataFrame([row], geometry=[shape], crs=frame.crs)
    fresh = fresh.reindex(columns=frame.columns).astype(
        {name: frame[name].dtype for name in frame.columns if name != "geometry"}
    )
    parts = [part for part in (frame, fresh) if len(part)]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=frame.crs)


def _told(one: Answer) -> Note:
    said = MEANINGS[one.kind, one.answer]
    value = "" if one.value is None or one.kind != HOMES else f" ({one.value:g})"
    message = Message(
        en=f"Checked on {one.checked_on.isoformat()}, {one.check_id}: {said.en}{value}.",
        zh=f"{one.checked_on.isoformat()} 实地核实 {one.check_id}：{said.zh}{value}。",
    )
    return Note("field_check", 1, message, (one.check_id,))


def _stale_note(stale: Sequence[Answer]) -> tuple[Note, ...]:
    if not stale:
        return ()
    ids = tuple(one.check_id for one in stale)
    message = Message(
        en=f"{counted(len(ids), 'answer is', 'answers are')} older than one applied before, and "
        f"changed nothing: {first_ids(ids)}.",
        zh=f"{len(ids)} 项答复早于已采用的答复，未采用：{ids_zh(ids)}。",
    )
    return (Note("field_checks_older", len(ids), message, ids),)


def _late_note(place: Place, answers: Sequence[Answer]) -> tuple[Note, ...]:
    ids = tuple(one.check_id for one in answers if one.checked_on > place.as_of)
    if not ids:
        return ()
    as_of = place.as_of.isoformat()
    message = Message(
        en=f"{counted(len(ids), 'answer is', 'answers are')} later than the date of the data "
        f"({as_of}); they are applied: {first_ids(ids)}. Set [place].as_of to the day the plan "
        f"speaks of.",
        zh=f"{len(ids)} 项答复晚于数据日期（{as_of}），已采用：{ids_zh(ids)}。"
        f"请将 [place].as_of 设为方案所述日期。",
    )
    return (Note("field_checks_later", len(ids), message, ids),)


def _record(place: Place, answers: Sequence[Answer]) -> pd.DataFrame:
    """Return all answers that the place stands on, by id."""
    rows = [
        (a.check_id, a.kind, a.target_id, a.answer, a.value, a.checked_on.isoformat(), a.source)
        for a in answers
    ]
    fresh = pd.DataFrame(rows, columns=list(FIELD_CHECK_COLUMNS))
    fresh["value"] = fresh["value"].astype("float64")
    kept = place.field_checks[~place.field_checks["check_id"].isin(fresh["check_id"])]
    parts = [part for part in (kept, fresh) if len(part)]
    every = pd.concat(parts, ignore_index=True) if parts else place.field_checks
    return every.sort_values("check_id", kind="stable").reset_index(drop=True)
