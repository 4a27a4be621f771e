"""Do conflicts, handovers and duties say what the departments' zones and the proposal are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.verify.findings import Checked, Finding
from gridplan.verify.frames import numbers, shapes, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World

_SYSTEM = "unified"
_LEAST_M2, _ALONG_M = 1.0, 0.001
"""Sums and shapes agree to this, and to this width along their borders: where two lines cross, a
vertex on the grid of 1 mm moves the whole of a long straight border by up to half of that."""

Zones = dict[tuple[str, str], shapely.Geometry]
Geometries = npt.NDArray[np.object_]


def unify_of(world: World) -> Checked:
    """Check what a plan says of one boundary for all departments."""
    findings: list[Finding] = []
    if world.has("duties", "zone_id", "class", "department"):
        findings += _duty_findings(world)
    needed = (
        world.has("in_zonings", "department", "zone_id", "geometry")
        and world.has("zone_successors", "zone_id", "department", "old_zone_id")
        and world.has("zones", "zone_system", "zone_id", "geometry")
        and world.outline is not None
    )
    if not needed:
        return Checked(tuple(findings))
    heirs = world.layers["zone_successors"]
    findings += _successor_findings(heirs)
    drawn, new = _old_zones(world), _new_zones(world)
    if world.has("conflicts", "area_m2", "geometry"):
        findings += _conflict_findings(world, drawn, heirs)
    if world.has("handovers", "department", "zone_id", "kind", "area_m2", "geometry"):
        findings += _handover_findings(world.layers["handovers"], drawn, new, heirs)
    return Checked(tuple(findings))


def _old_zones(world: World) -> Zones:
    """Return each department's zones inside the boundary."""
    frame = world.layers["in_zonings"]
    keys = list(zip(texts(frame, "department"), texts(frame, "zone_id"), strict=True))
    parts: dict[tuple[str, str], list[shapely.Geometry]] = {}
    for key, shape in zip(keys, shapes(frame), strict=True):
        parts.setdefault((str(key[0]), str(key[1])), []).append(shape)
    return {
        key: shapely.intersection(shapely.union_all(rows), world.outline)
        for key, rows in parts.items()
    }


def _new_zones(world: World) -> dict[str, shapely.Geometry]:
    """Return the zones for all, inside the boundary: an office's own cells may reach beyond."""
    zones = world.layers["zones"]
    own = zones[texts(zones, "zone_system") == _SYSTEM]
    within = shapely.intersection(shapes(own), world.outline)
    return dict(zip(map(str, texts(own, "zone_id")), within, strict=True))


def _successor_findings(heirs: pd.DataFrame) -> list[Finding]:
    known = heirs[heirs["old_zone_id"].notna()]
    twice = known.duplicated(["department", "old_zone_id"], keep=False)
    names = [f"{row.department}/{row.old_zone_id}" for row in known[twice].itertuples()]
    return finding("successor_twice", sorted(set(names)), layer="zone_successors")


def _duty_findings(world: World) -> list[Finding]:
    duties = world.layers["duties"]
    keys = [f"{a}/{b}" for a, b in zip(texts(duties, "zone_id"), texts(duties, "class"),
                                        strict=True)]  # fmt: skip
    bodies = texts(duties, "department")
    named = pd.Series([one is not None and bool(str(one).strip()) for one in bodies])
    counted = named.groupby(keys).sum()
    wrong = {str(key) for key in counted.index[counted != 1]}
    if world.has("zones", "zone_system", "zone_id"):
        every = {str(one) for one in texts(duties, "class")}
        wrong |= {f"{zone}/{one}" for zone in _zone_ids(world) for one in every} - set(keys)
    return finding("duty_not_one", sorted(wrong), layer="duties")


def _zone_ids(world: World) -> list[str]:
    zones = world.layers["zones"]
    own = texts(zones, "zone_system") == _SYSTEM
    return [str(one) for one in texts(zones, "zone_id")[own]]


def _heirs(heirs: pd.DataFrame) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Yield for each new zone the zone of each department that it carries on."""
    for zone, rows in heirs.groupby("zone_id", sort=True):
        olds = [None if pd.isna(one) else str(one) for one in rows["old_zone_id"]]
        yield str(zone), dict(zip(rows["department"].astype(str), olds, strict=True))


def _alone(drawn: Zones, department: str, zone: str) -> shapely.Geometry:
    """Return the land of a zone that no other zone of its department has."""
    others = [shape for (name, one), shape in drawn.items() if name == department and one != zone]
    return shapely.difference(drawn[department, zone], shapely.union_all(others))


def _conflict_findings(world: World, drawn: Zones, heirs: pd.DataFrame) -> list[Finding]:
    places = world.layers["conflicts"]
    agreed_m2 = 0.0
    for _, olds in _heirs(heirs):
        if all(old is not None and (name, old) in drawn for name, old in olds.items()):
            own = [_alone(drawn, name, str(old)) for name, old in olds.items()]
            agreed_m2 += float(shapely.area(shapely.intersection_all(np.array(own))))
    told = float(numbers(places, "area_m2").sum())
    drawn_m2 = float(shapely.area(shapes(places)).sum())
    whole_m2 = float(shapely.area(world.outline))
    apart = max(abs(agreed_m2 + told - whole_m2), abs(told - drawn_m2))
    allowed = _allowed_m2(np.array(list(drawn.values()), dtype=object))
    named = [f"{told:,.1f} + {agreed_m2:,.1f} / {whole_m2:,.1f} m²"] if apart > allowed else []
    return finding("conflict_sums", named, layer="conflicts", amount=apart)


def _handover_findings(
    moves: pd.DataFrame, drawn: Zones, new: dict[str, shapely.Geometry], heirs: pd.DataFrame
) -> list[Finding]:
    """Compare what a department's successor lacks of a new zone with what is handed over to it."""
    wrong: list[str] = []
    amount = 0.0
    department, zone = texts(moves, "department"), texts(moves, "zone_id")
    kind, where = texts(moves, "kind"), shapes(moves)
    badly = np.abs(shapely.area(where) - numbers(moves, "area_m2")) > _LEAST_M2
    wrong += [f"{department[at]}/{zone[at]}" for at in np.flatnonzero(badly)]
    for name, olds in _heirs(heirs):
        for body, old in olds.items():
            had = drawn.get((body, str(old)), shapely.Polygon())
            lacked = shapely.difference(new[name], had) if name in new else shapely.Polygon()
            rows = (department == body) & (zone == name) & (kind != "overlap")
            given = shapely.union_all(where[rows])
            error = float(shapely.area(shapely.symmetric_difference(lacked, given)))
            if error > _allowed_m2(np.array([lacked, had], dtype=object)):
                wrong.append(f"{body}/{name}")
                amount += error
    return finding("handover_area", sorted(set(wrong)), layer="handovers", amount=amount)


def _allowed_m2(borders: Geometries) -> float:
    """Return by how much areas may differ that were cut out of these shapes."""
    return _LEAST_M2 + _ALONG_M * float(shapely.length(borders).sum())
