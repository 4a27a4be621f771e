"""An earlier plan as first zones of a new one: what is left of each zone, made whole."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.land import Land
from gridplan.zones.starts import bisected
from gridplan.zones.system_asked import Asked
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_seeds import least_zones, room_for_zones
from gridplan.zones.system_solve import first_of_all

_LAND_SHARE = 0.01
"""All land together counts as this share of all residents, so that empty land stays, too."""


def as_text(earlier: pd.Series) -> pd.Series[str]:
    """
    Return ids of zones as text: a column of whole numbers with gaps is read as decimals.

    Examples
    --------
    >>> as_text(pd.Series([1.0, None, "2"])).tolist()
    ['1', None, '2']
    """
    told = [
        None if pd.isna(one) else str(int(one)) if _is_whole(one) else str(one) for one in earlier
    ]
    return pd.Series(told, index=earlier.index, dtype=object, name=earlier.name)


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def moving_mass(asked: Asked, residents: Floats) -> Floats:
    """Return what each cell counts where it changes zone: residents, and a little land."""
    area = asked.ground.cells.area_m2
    total = math.fsum(residents)
    share = area / math.fsum(area)
    return residents + share * (total * _LAND_SHARE if total else 1.0)


def earlier_of_units(asked: Asked, earlier: pd.Series[str], mass: Floats) -> pd.DataFrame:
    """
    Return the mass of each unit that was in each earlier zone.

    Parameters
    ----------
    asked : Asked
    earlier : Series of str, indexed by ``cell_uid``
        Null or without a row: a new cell.
    mass : array of float, shape (n,)

    Returns
    -------
    DataFrame, shape (units, earlier zones), columns sorted
    """
    was = earlier.reindex(asked.own["cell_uid"]).to_numpy(dtype=object)
    names = sorted({str(one) for one in was[pd.notna(was)]})
    found = np.zeros((asked.ground.land.count, len(names)))
    for at, name in enumerate(names):
        inside = was == name
        found[:, at] = np.bincount(
            asked.ground.unit[inside], weights=mass[inside], minlength=len(found)
        )
    return pd.DataFrame(found, columns=names)


def earlier_quota(asked: Asked, earlier: pd.Series[str], options: SystemOptions) -> Ints:
    """
    Return the zones of each piece of land: as many as there were, where they can be so many.

    An earlier zone counts where most of it lies. With a size band land keeps its number
    only if the mean is within the band; without one the number of all zones stays as asked.
    """
    ground, seeds = asked.ground, asked.seeds
    load = ground.loads.iloc[:, 0].to_numpy(dtype=np.float64)
    held = earlier_of_units(asked, earlier, moving_mass(asked, load)).to_numpy()
    pieces = len(asked.quota)
    mass = np.stack([np.bincount(ground.piece, weights=one, minlength=pieces) for one in held.T])
    found = np.bincount(mass.argmax(axis=1), minlength=pieces)
    least = np.maximum(least_zones(seeds, ground.piece), 1)
    fits = (least <= found) & (found <= room_for_zones(seeds, ground.piece))
    if options.band is not None:
        total = np.bincount(ground.piece, weights=ground.weights[:, 0])
        mean = total / np.maximum(found, 1)
        fits &= (options.band[0] <= mean) & (mean <= options.band[1])
    quota = np.where(fits, found, asked.quota).astype(np.intp)
    kept = options.band is not None or quota.sum() == asked.k
    return quota if kept else asked.quota


def carried_on(asked: Asked, before: pd.DataFrame) -> list[str | None]:
    """
    Return the earlier zone that each new one carries on; None: a new zone.

    Locked zones carry on those of their name; an anchor's that in which it was, the
    others those with the most in their piece of land.
    """
    piece, held = asked.ground.piece, before.to_numpy()
    found: list[str | None] = [None] * asked.k
    free = set(before.columns)
    for own, (units, name) in enumerate(zip(asked.seeds.units, asked.seeds.names, strict=True)):
        if name is not None and name in free:
            found[own] = name
            free.discard(name)
        elif name is None:
            was = before.columns[int(held[units[0]].argmax())] if held.shape[1] else None
            if was in free and held[units[0]].any():
                found[own] = was
                free.discard(was)
    mass = np.stack([np.bincount(piece, weights=one) for one in held.T]) if free else held.T
    for number, zones in enumerate(asked.zones_of_pieces):
        home = [
            (-mass[before.columns.get_loc(one), number], one)
            for one in free
            if int(mass[before.columns.get_loc(one)].argmax()) == number
        ]
        open_zones = [own for own in zones.tolist() if own >= len(asked.seeds.units)]
        for own, (_, name) in zip(open_zones, sorted(home), strict=False):
            found[own] = name
    return found


def start_from(asked: Asked, before: pd.DataFrame, carried: list[str | None]) -> Ints:
    """Return connected zones as near to the earlier ones as they can simply be."""
    ground, seeds = asked.ground, asked.seeds
    label = {name: own for own, name in enumerate(carried) if name is not None}
    held = before.to_numpy()
    most = held.argmax(axis=1) if held.shape[1] else np.zeros(len(held), dtype=np.intp)
    names = list(before.columns)
    zone = np.array(
        [label.get(names[at], -1) if row.any() else -1 for at, row in zip(most, held, strict=True)],
        dtype=np.intp,
    )
    for own, units in enumerate(seeds.units):
        zone[list(units)] = own
    for own in range(len(seeds.units), asked.k):
        if carried[own] is None:
            zone[zone == own] = -1
    _keep_one_part(asked, zone, held.sum(axis=1))
    for zones, number in zip(asked.zones_of_pieces, range(len(asked.quota)), strict=True):
        members = np.flatnonzero(ground.piece == number)
        zone[members] = _filled(asked, zone[members], members, zones)
    return zone


def _keep_one_part(asked: Asked, zone: Ints, mass: Floats) -> None:
    """Let go of all parts of each zone but the one of its seed, else the heaviest."""
    graph, piece = asked.ground.land.graph, asked.ground.piece
    home = np.empty(asked.k, dtype=np.intp)
    for number, zones in enumerate(asked.zones_of_pieces):
        home[zones] = number
    elsewhere = (zone >= 0) & (home[zone] != piece)
    zone[elsewhere] = -1
    same = (zone[graph.left] == zone[graph.right]) & (zone[graph.left] >= 0)
    part = labelled_components(graph.left[same], graph.right[same], len(zone))
    heavy = np.bincount(part, weights=mass)
    for own in range(asked.k):
        inside = np.flatnonzero(zone == own)
        if not len(inside):
            continue
        if own < len(asked.seeds.units):
            kept = part[asked.seeds.units[own][0]]
        else:
            kept = min(set(part[inside].tolist()), key=lambda one: (-heavy[one], one))
        if asked.seeds.closed[own : own + 1] == (True,):
            outside = np.setdiff1d(inside, asked.seeds.units[own])
            zone[outside] = -1
        zone[inside[part[inside] != kept]] = -1


def _filled(asked: Asked, zone: Ints, members: Ints, zones: Ints) -> Ints:
    """Return the zones of one piece of land: loose units join, missing zones are cut off."""
    land = asked.ground.land.part(members)
    fixed = asked.units.fixed[members]
    if not (zone >= 0).any():
        zone[0] = zones[0]
    _join_loose(land, zone)
    for own in zones.tolist():
        if (zone == own).any():
            continue
        sums = {
            other: math.fsum(land.load[zone == other])
            for other in zones.tolist()
            if (zone == other).sum() > 1 and not fixed[zone == other].any()
        }
        if not sums:
            return first_of_all(asked.units, asked.ground.piece, asked.seeds.units, zones, members)
        heaviest = max(sums, key=lambda one: (sums[one], -one))
        inside = np.flatnonzero(zone == heaviest)
        halves = bisected(land.part(inside), 2, np.random.default_rng(own))
        zone[inside[halves == 1]] = own
    return zone


def _join_loose(land: Land, zone: Ints) -> None:
    """Let units without a zone join the one with which they have the longest border."""
    near: list[list[tuple[float, int]]] = [[] for _ in zone]
    graph = land.graph
    ends = zip(graph.left.tolist(), graph.right.tolist(), graph.border_m.tolist(), strict=True)
    for a, b, metres in ends:
        near[a].append((metres, b))
        near[b].append((metres, a))
    while (zone < 0).any():
        joins = {}
        for unit in np.flatnonzero(zone < 0).tolist():
            hosts = [(one, -int(zone[other])) for one, other in near[unit] if zone[other] >= 0]
            if hosts:
                joins[unit] = -max(hosts)[1]
        for unit, own in joins.items():
            zone[unit] = own
