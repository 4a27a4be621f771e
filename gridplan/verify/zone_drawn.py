"""Zones that somebody drew: do they tile the land, hang together, and share the residents."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Message
from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import (
    Floats,
    Texts,
    given_of,
    is_in,
    labels,
    missing_columns,
    numbers,
    repeated,
    shapes,
    sound,
    texts,
)
from gridplan.verify.rules import figure, finding
from gridplan.verify.tiling import check_overlaps, check_shapes, check_tiling
from gridplan.verify.world import World
from gridplan.verify.zone_allowed import LEAST
from gridplan.verify.zones import check_connected, in_systems

_ONLY_SYSTEM = "main"


def check_drawn_zones(
    zones: pd.DataFrame,
    outline: shapely.Geometry | None,
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check zones of which no table says what cells they have: each system must tile `outline`.

    Rows with one ``zone_id`` are one zone, which has to be in one piece.

    Parameters
    ----------
    zones : DataFrame
        With a column ``geometry``; ``zone_system`` and ``zone_id`` where there are.
    outline : Polygon, MultiPolygon or None
        The boundary. Without one, overlaps are found, and land that zones enclose; what they
        leave out at the rim is not known.

    Returns
    -------
    Checked
        Figures of `gridplan.verify.tiling.check_tiling`, or `check_overlaps`, and
        ``zones_disconnected``, the zones of several parts.
    """
    absent = missing_columns(zones, "zones", ["geometry"])
    if absent:
        return Checked(tuple(absent))
    whole = check_shapes(zones, layer="zones", tolerances=tolerances)
    findings, figures = list(whole.findings), dict(whole.figures)
    system = system_names(zones)
    for name in sorted(set(system)):
        own = zones.iloc[np.flatnonzero(system == name)]
        tiled = (
            check_overlaps(own, layer="zones", tolerances=tolerances)
            if outline is None
            else check_tiling(own, outline, layer="zones", tolerances=tolerances)
        )
        findings += tiled.findings
        figures |= {f"{one}/{name}": value for one, value in tiled.figures.items()}
    torn, split = _rows_of_one_zone(zones, whole.findings, tolerances)
    return Checked((*findings, *torn), figures | {"zones_disconnected": float(split)})


def system_names(drawn: pd.DataFrame) -> Texts:
    """Return the system of each zone; ``main`` where no column or value says."""
    if "zone_system" not in drawn:
        return np.full(len(drawn), _ONLY_SYSTEM, dtype=object)
    given = texts(drawn, "zone_system")
    return np.array([_ONLY_SYSTEM if one is None else one for one in given], dtype=object)


def _rows_of_one_zone(
    zones: pd.DataFrame, told: tuple[Finding, ...], tolerances: Tolerances
) -> tuple[list[Finding], int]:
    """Return what is wrong with zones of several rows, and how many zones are in pieces."""
    multi = {one for part in told if part.rule == "multipart" for one in part.ids}
    in_parts = is_in(labels(zones, "zones"), multi) & (
        shapely.get_num_geometries(shapes(zones)) > 1
    )
    if "zone_id" not in zones:
        return [], int(in_parts.sum())
    system, ids = system_names(zones), texts(zones, "zone_id")
    named = given_of(ids)
    names = np.array([f"{a}/{b}" for a, b in zip(system, ids, strict=True)], dtype=object)
    usable = np.flatnonzero(named & sound(shapes(zones)))
    members = pd.DataFrame({"cell": usable, "zone_system": system[usable], "zone_id": ids[usable]})
    connected = check_connected(zones, members, tolerances=tolerances)
    torn = {one.rsplit(" (", 1)[0] for found in connected.findings for one in found.ids}
    findings = [
        *connected.findings,
        *finding("id_missing", labels(zones, "zones")[~named], layer="zones", severity="soft",
                 detail="zone_id"),
        *finding("id_repeated", repeated(names[named]), layer="zones", severity="soft",
                 detail="zone_id"),
    ]  # fmt: skip
    in_pieces = torn | set(names[in_parts & named])
    return findings, len(in_pieces) + int((in_parts & ~named).sum())


def drawn_of(world: World, drawn: pd.DataFrame) -> Checked:
    """
    Check zones drawn by hand, of which no table says what cells they have.

    Each system must tile the boundary; zones lie inside the parents they name; the residents
    they tell are those of the homes in them.
    """
    tiled = check_drawn_zones(drawn, world.outline, tolerances=world.tolerances)
    findings = list(tiled.findings)
    if "geometry" in drawn and "zone_id" in drawn:
        findings += _nesting_findings(world, drawn)
        if "population" in drawn and world.has("demand", "population", "geometry"):
            findings += _claimed_residents(world, drawn)
    return Checked(tuple(findings), tiled.figures)


def _nesting_findings(world: World, drawn: pd.DataFrame) -> list[Finding]:
    """Check that the land of each zone is land of the zone of another system it names."""
    zones = world.layers["zones"]
    if "parent_zone_id" not in drawn:
        return []
    names, known, outlines = system_names(zones), texts(zones, "zone_id"), shapes(zones)
    fit = sound(outlines)
    system, ids = system_names(drawn), texts(drawn, "zone_id")
    above, own = texts(drawn, "parent_zone_id"), shapes(drawn)
    wrong, amount = [], 0.0
    for at in np.flatnonzero(given_of(above) & sound(own)):
        parents = shapely.union_all(outlines[fit & (known == above[at]) & (names != system[at])])
        outside_m2 = float(shapely.area(shapely.difference(own[at], parents)))
        if outside_m2 > world.tolerances.area_m2:
            wrong.append(f"{system[at]}/{ids[at]}")
            amount += outside_m2
    return finding("zone_not_nested", wrong, layer="zones", amount=amount)


def _residents_inside(world: World, drawn: pd.DataFrame) -> Floats:
    """Return the residents of the homes in each row of zones."""
    demand, polygons = world.layers["demand"], shapes(drawn)
    points, people = shapes(demand), np.nan_to_num(numbers(demand, "population"))
    placed = np.array([one is not None and not one.is_empty for one in points], dtype=bool)
    zone, home = shapely.STRtree(points[placed]).query(polygons, predicate="intersects")
    return np.bincount(zone, weights=people[placed][home], minlength=len(drawn)).astype(float)


def _claimed_residents(world: World, drawn: pd.DataFrame) -> list[Finding]:
    away = np.abs(numbers(drawn, "population") - _residents_inside(world, drawn))
    off = away > world.tolerances.residents
    system, ids = system_names(drawn), texts(drawn, "zone_id")
    names = [f"{system[at]}/{ids[at]}" for at in np.flatnonzero(off)]
    worst = float(away[off].max(initial=0.0))
    return finding("zone_sums", names, layer="zones", detail="population", amount=worst)


def balance_of(world: World) -> Checked:
    """
    Tell how evenly zones that somebody drew share the residents: no summary says how they are to.

    Of cells that name their zones the residents are theirs, else those of the homes inside.

    Returns
    -------
    Checked
        Figures per system: ``zones_drawn_max_over_mean/{system}`` and
        ``zones_drawn_cv/{system}``; the first is 1, the second 0 in perfect balance. Also as
        ``zones_balance_…``, as `check_zone_sums` names those of zones made of cells.
        Zones farther from the mean than `Tolerances.zone_share` are a finding.
    """
    findings: list[Finding] = []
    figures: dict[str, float] = {}
    drawn = {} if world.summary else _residents_by_system(world)
    summed = set() if world.members is None else set(world.members["zone_system"])
    for name, load in sorted(drawn.items()):
        if not load.mean() > 0:
            continue
        findings += _unbalanced(world, name, load)
        uneven, cv = float(load.max() / load.mean()), float(load.std(ddof=0) / load.mean())
        figures |= {f"zones_drawn_max_over_mean/{name}": uneven, f"zones_drawn_cv/{name}": cv}
        if name not in summed:
            figures |= {
                f"zones_balance_max_over_mean/{name}": uneven,
                f"zones_balance_cv/{name}": cv,
            }
    return Checked(tuple(findings), figures)


def _residents_by_system(world: World) -> dict[str, pd.Series[float]]:
    """Return the residents by zone of each system."""
    found: dict[str, pd.Series[float]] = {}
    members, zones = world.members, world.get("zones")
    if members is not None and world.has("cells", "population"):
        people = np.nan_to_num(numbers(world.layers["cells"], "population"))
        for name, own in members.groupby("zone_system", sort=True):
            load = pd.Series(people[own["cell"].to_numpy()])
            found[str(name)] = load.groupby(own["zone_id"].to_numpy()).sum()
    if zones is None or not world.has("zones", "geometry", "zone_id"):
        return found
    if not world.has("demand", "population", "geometry"):
        return found
    drawn = zones if members is None else zones[~in_systems(zones, members)]
    drawn = drawn[given_of(texts(drawn, "zone_id"))]
    residents, system = _residents_inside(world, drawn), system_names(drawn)
    ids = texts(drawn, "zone_id")
    for name in sorted(set(system)):
        mine = system == name
        found[str(name)] = pd.Series(residents[mine]).groupby(ids[mine]).sum()
    return found


def _unbalanced(world: World, name: str, load: pd.Series[float]) -> list[Finding]:
    """Tell the zones farther from the mean of their system than the tolerance asked for."""
    share = world.tolerances.zone_share
    if share is None:
        return []
    least, most = float(load.mean()) * (1 - share), float(load.mean()) * (1 + share)
    beyond = load[(load > most + LEAST) | (load < least - LEAST)]
    told = [f"{name}/{one} (population {figure(float(value))})" for one, value in beyond.items()]
    span = f"{figure(round(least))}–{figure(round(most))}"
    detail = Message(
        en=f"{span} residents, within {share:.0%} of the mean",
        zh=f"居民 {span} 人，即均值上下 {share:.0%}",
    )
    return finding("zone_unbalanced", told, layer="zones", detail=detail)
