"""Zones that somebody drew: do they tile the land, hang together, and share the residents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Message, amount
from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import (
    Flags,
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
from gridplan.verify.world import World, section
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
    torn_findings, torn = _torn(zones, tolerances)
    alone = zones[~is_in(zone_names(zones)[0], set(torn))]
    whole = check_shapes(zones, layer="zones", tolerances=tolerances)
    # Parts that another row of the zone joins are no fault.
    fine = check_shapes(alone, layer="zones", tolerances=tolerances)
    joined = {name for one in fine.findings if one.rule == "multipart" for name in one.ids}
    findings = [*_without(whole.findings, "multipart", joined), *torn_findings]
    figures, system = dict(whole.figures), system_names(zones)
    for name in sorted(set(system)):
        own = zones.iloc[np.flatnonzero(system == name)]
        tiled = (
            check_overlaps(own, layer="zones", tolerances=tolerances)
            if outline is None
            else check_tiling(own, outline, layer="zones", tolerances=tolerances)
        )
        findings += tiled.findings
        figures |= {f"{one}/{name}": value for one, value in tiled.figures.items()}
    return Checked(tuple(findings), figures | {"zones_disconnected": float(len(torn))})


def _without(findings: Sequence[Finding], rule: str, names: set[str]) -> list[Finding]:
    """Return findings less some objects of one rule."""
    kept: list[Finding] = []
    for one in findings:
        ids = [name for name in one.ids if name not in names]
        if one.rule != rule or len(ids) == len(one.ids):
            kept.append(one)
        else:
            kept += finding(rule, ids, layer=one.layer)
    return kept


def system_names(drawn: pd.DataFrame) -> Texts:
    """Return the system of each zone; ``main`` where no column or value says."""
    if "zone_system" not in drawn:
        return np.full(len(drawn), _ONLY_SYSTEM, dtype=object)
    given = texts(drawn, "zone_system")
    return np.array([_ONLY_SYSTEM if one is None else one for one in given], dtype=object)


def _torn(zones: pd.DataFrame, tolerances: Tolerances) -> tuple[list[Finding], Texts]:
    """
    Return what is wrong with the ids of zones, and the zones in parts.

    The parts of all rows with one id hang together, or the zone is torn; a row without an id
    is a zone by itself.
    """
    names, named = zone_names(zones)
    outlines = shapes(zones)
    usable = np.flatnonzero(sound(outlines))
    parts, row = shapely.get_parts(outlines[usable], return_index=True)
    pieces = pd.DataFrame({"geometry": np.asarray(parts, dtype=object)})
    whose = names[usable[row]]
    members = pd.DataFrame({"cell": np.arange(len(parts)), "zone_system": "", "zone_id": whose})
    connected = check_connected(pieces, members, tolerances=tolerances)
    # Ids of the check: "/zone (parts)".
    told = [one[1:] for found in connected.findings for one in found.ids]
    torn = np.array(sorted(one.rpartition(" (")[0] for one in told), dtype=object)
    over_rows = set(repeated(names))
    where = [one for one, name in zip(outlines, names, strict=True) if name in set(torn)]
    findings = [
        *finding("zone_disconnected", [one for one in told if one.rpartition(" (")[0] in over_rows],
                 layer="zones", where=shapely.GeometryCollection(where)),
        *finding("id_repeated", repeated(names[named]), layer="zones", severity="soft",
                 detail="zone_id"),
    ]  # fmt: skip
    if "zone_id" in zones:
        without = labels(zones, "zones")[~named]
        findings += finding("id_missing", without, layer="zones", severity="soft", detail="zone_id")
    return findings, torn


def zone_names(zones: pd.DataFrame) -> tuple[Texts, Flags]:
    """Return ``system/zone`` of each row, and which have an id; a row without is one by itself."""
    ids = texts(zones, "zone_id") if "zone_id" in zones else np.full(len(zones), None, dtype=object)
    named = given_of(ids)
    system, own = system_names(zones), np.where(named, ids, labels(zones, "zones"))
    return np.array([f"{a}/{b}" for a, b in zip(system, own, strict=True)], dtype=object), named


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
    if world.has("demand", "population", "geometry") and "geometry" in drawn:
        living = _Living.of(world, drawn)
        if "population" in drawn:
            findings += _claimed_residents(world, drawn, living)
        for name, people in living.outside.items():
            lost = [name] if people > world.tolerances.residents else []
            findings += finding("zone_homes_outside", lost, layer="zones", amount=people)
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
    wrong, beyond_m2 = [], 0.0
    for at in np.flatnonzero(given_of(above) & sound(own)):
        parents = shapely.union_all(outlines[fit & (known == above[at]) & (names != system[at])])
        outside_m2 = float(shapely.area(shapely.difference(own[at], parents)))
        if outside_m2 > world.tolerances.area_m2:
            wrong.append(f"{system[at]}/{ids[at]}")
            beyond_m2 += outside_m2
    return finding("zone_not_nested", wrong, layer="zones", amount=beyond_m2)


@dataclass(frozen=True)
class _Living:
    """Residents of zones by ``system/zone``: surely, and with the homes on their borders."""

    surely: pd.Series[float]
    with_borders: pd.Series[float]
    shared_out: pd.Series[float]
    outside: Mapping[str, float]

    @classmethod
    def of(cls, world: World, drawn: pd.DataFrame) -> _Living:
        """Count the homes in all rows of each zone, each once; on a border the first zone's."""
        demand, polygons = world.layers["demand"], shapes(drawn)
        points, people = shapes(demand), np.nan_to_num(numbers(demand, "population"))
        placed = np.array([one is not None and not one.is_empty for one in points], dtype=bool)
        people, tree = people[placed], shapely.STRtree(points[placed])
        names, system = zone_names(drawn)[0], system_names(drawn)
        found = {}
        for kind in ("contains_properly", "intersects"):
            row, home = tree.query(polygons, predicate=kind)
            told = pd.DataFrame({"zone": names[row], "home": home, "system": system[row]})
            found[kind] = told.drop_duplicates(["zone", "home"])
        once = found["intersects"].sort_values(["zone", "home"]).drop_duplicates(["system", "home"])
        every = pd.Index(sorted(set(names)))

        def summed(told: pd.DataFrame) -> pd.Series[float]:
            own = pd.Series(people[told["home"].to_numpy()], dtype=float)
            return own.groupby(told["zone"].to_numpy()).sum().reindex(every, fill_value=0.0)

        inside = {name: set(own["home"]) for name, own in once.groupby("system")}
        outside = {
            name: math.fsum(np.delete(people, sorted(inside.get(name, set()))))
            for name in sorted(set(system))
        }
        return cls(summed(found["contains_properly"]), summed(found["intersects"]), summed(once),
                   outside)  # fmt: skip


def _claimed_residents(world: World, drawn: pd.DataFrame, living: _Living) -> list[Finding]:
    """Compare what zones tell with their homes: one row tells it, each, or all rows together."""
    names = zone_names(drawn)[0]
    slack, wrong, worst = world.tolerances.residents, [], 0.0
    claimed = numbers(drawn, "population")
    for name in sorted(set(names)):
        told = [one for one in claimed[names == name].tolist() if not math.isnan(one)]
        least, most = living.surely[name] - slack, living.with_borders[name] + slack
        claims = {math.fsum(told), *(told if len(set(told)) == 1 else ())}
        if not told or any(least <= one <= most for one in claims):
            continue
        wrong.append(name)
        worst = max(worst, min(max(least - one, one - most) for one in claims))
    return finding("zone_sums", wrong, layer="zones", detail="population", amount=worst)


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
    members = world.members
    if members is not None and world.has("cells", "population"):
        people = np.nan_to_num(numbers(world.layers["cells"], "population"))
        for name, own in members.groupby("zone_system", sort=True):
            load = pd.Series(people[own["cell"].to_numpy()])
            found[str(name)] = load.groupby(own["zone_id"].to_numpy()).sum()
    drawn = drawn_rows(world)
    if drawn is None or not world.has("demand", "population", "geometry"):
        return found
    load = _Living.of(world, drawn).shared_out
    system = pd.Series(load.index).str.split("/", n=1).str[0].to_numpy()
    ids = pd.Series(load.index).str.split("/", n=1).str[1].to_numpy()
    for name in sorted(set(system)):
        own = system == name
        found[str(name)] = pd.Series(load.to_numpy()[own], index=ids[own])
    return found


def drawn_rows(world: World) -> pd.DataFrame | None:
    """Return the zones of which no table says what cells they have; None if there are none."""
    zones, members = world.get("zones"), world.members
    if zones is None or "geometry" not in zones:
        return None
    drawn = zones if members is None else zones[~in_systems(zones, members)]
    return None if drawn.empty else drawn


def listed_zones(world: World) -> pd.DataFrame | None:
    """Return the zones without the systems that are neither of the cells nor of the summary."""
    zones, members = world.get("zones"), world.members
    if zones is None or members is None or "zone_system" not in zones:
        return zones
    described = set(section(section(world.summary, "zones"), "systems"))
    return zones[in_systems(zones, members) | is_in(texts(zones, "zone_system"), described)]


def _unbalanced(world: World, name: str, load: pd.Series[float]) -> list[Finding]:
    """Tell the zones farther from the mean of their system than the tolerance asked for."""
    share = world.tolerances.zone_share
    if share is None:
        return []
    least, most = float(load.mean()) * (1 - share), float(load.mean()) * (1 + share)
    beyond = load[(load > most + LEAST) | (load < least - LEAST)]
    told = [f"{name}/{one} (population {figure(float(value))})" for one, value in beyond.items()]
    span = f"{amount(least)}–{amount(most)}"
    detail = Message(
        en=f"{span} residents, within {share * 100:g}% of the mean",
        zh=f"居民 {span} 人，即均值上下 {share * 100:g}%",
    )
    return finding("zone_unbalanced", told, layer="zones", detail=detail)
