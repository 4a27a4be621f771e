"""Where zones of a system begin: locked cells and anchors."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from gridplan.errors import FaultList, InfeasibleError, first_ids, ids_zh
from gridplan.zones.contiguity import Ints
from gridplan.zones.system_ground import Ground
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemRules


@dataclass(frozen=True, slots=True)
class Seeds:
    """
    Zones that begin somewhere.

    Attributes
    ----------
    units : tuple of tuple of int
        Connected units in which each zone begins.
    fixed : tuple of int
        Units that stay in the zone they begin in.
    names : tuple of str or None
        Locked name of each zone; None for one with an anchor alone.
    anchors : tuple of str or None
        Anchor of each zone.
    closed : tuple of bool
        Zones that get no further unit.
    locked : tuple of tuple of int
        Units of each locked name, whatever else its zone begins with.
    anchored : tuple of int
        Units with an anchor.
    """

    units: tuple[tuple[int, ...], ...] = ()
    fixed: tuple[int, ...] = ()
    names: tuple[str | None, ...] = ()
    anchors: tuple[str | None, ...] = ()
    closed: tuple[bool, ...] = ()
    locked: tuple[tuple[int, ...], ...] = ()
    anchored: tuple[int, ...] = ()


def seeds_of(
    own: gpd.GeoDataFrame, ground: Ground, rules: SystemRules, options: SystemOptions
) -> Seeds:
    """
    Return the zones that locked cells and anchors begin.

    Raises
    ------
    InfeasibleError
        If two anchors or two locked names meet in one unit, two anchors in one locked
        zone, or there is no way between cells that are locked to one zone.
    """
    unit_of = dict(zip(own["cell_uid"], ground.unit.tolist(), strict=True))
    faults = FaultList()
    held: dict[int, str] = {}
    locks: dict[str, list[int]] = {}
    for uid, name in sorted(rules.locked.items()):
        unit = unit_of[uid]
        if held.setdefault(unit, name) != name:
            faults.add(
                en=f"Cell {uid} is locked to {name}, but stays together with cells locked to "
                f"{held[unit]} (an estate, or a community kept whole). Lock them to one zone.",
                zh=f"网格 {uid} 锁定于 {name}，但与锁定于 {held[unit]} 的网格同属一个整体"
                f"（小区或整社区）。请锁定于同一责任区。",
            )
        elif unit not in locks.setdefault(name, []):
            locks[name].append(unit)
    anchor_of = _anchors(rules, unit_of, held, faults)
    faults.raise_if_any(InfeasibleError)
    first = own["cell_uid"].to_numpy(dtype=str)[np.unique(ground.unit, return_index=True)[1]]
    seeds = _joined(ground, locks, (anchor_of, held), first, faults)
    faults.raise_if_any(InfeasibleError)
    names = sorted(locks)
    alone = sorted(set(anchor_of) - set(held))
    anchored = {held[unit]: name for unit, name in anchor_of.items() if unit in held}
    free = [name for name in names if name not in anchored and name not in set(options.kept)]
    most = len(alone) if options.shared else len(names) + len(alone) - options.k if options.k else 0
    barred = set(held) | set(anchor_of) | {one for own in seeds.values() for one in own}
    for unit, (name, way) in _shared(ground, seeds, free, alone, most, barred).items():
        seeds[name] += way
        anchored[name] = anchor_of[unit]
        alone.remove(unit)
    return Seeds(
        units=(*(tuple(seeds[name]) for name in names), *((unit,) for unit in alone)),
        fixed=tuple(sorted(set(held) | set(anchor_of))),
        names=(*names, *(None for _ in alone)),
        anchors=(*(anchored.get(name) for name in names), *(anchor_of[unit] for unit in alone)),
        closed=(*(name in set(options.kept) for name in names), *(False for _ in alone)),
        locked=tuple(tuple(locks[name]) for name in names),
        anchored=tuple(sorted(anchor_of)),
    )


def _anchors(
    rules: SystemRules, unit_of: dict[str, int], held: dict[int, str], faults: FaultList
) -> dict[int, str]:
    """Return the anchor of each unit that has one."""
    anchor_of: dict[int, str] = {}
    zones: dict[str, str] = {}
    for anchor, uid in sorted(rules.anchors.items()):
        unit = unit_of[uid]
        other = anchor_of.get(unit)
        if other is None and unit in held:
            other = zones.setdefault(held[unit], anchor)
            other = None if other == anchor else other
        if other is not None:
            faults.add(
                en=f"The anchors {other} and {anchor} are in one locked zone, cell, estate or "
                f"community kept whole ({uid}), and a zone holds one of them. Leave out one.",
                zh=f"锚点 {other} 与 {anchor} 同在一个锁定责任区、网格、小区或整社区（{uid}），"
                f"而每区只含一个锚点。请去掉其中一个。",
            )
        anchor_of.setdefault(unit, anchor)
    return anchor_of


def _joined(
    ground: Ground,
    locks: dict[str, list[int]],
    fixed: tuple[dict[int, str], dict[int, str]],
    first: np.ndarray,
    faults: FaultList,
) -> dict[str, list[int]]:
    """
    Return connected units that hold the locked ones of each zone.

    `fixed` has the anchor and the locked zone of units: an anchor on the way is held from then
    on. `first` names units.
    """
    near = ground.neighbours()
    taken = set(fixed[0]) | set(fixed[1])
    seeds: dict[str, list[int]] = {}
    for name, wanted in sorted(locks.items(), key=lambda one: (len(one[1]), one[0])):
        ways = _ways_between(near, wanted, taken - set(wanted))
        if ways is None and not any(one in fixed[0] for one in wanted):
            # The zone may hold one anchor, which then is on the way.
            ways, unit = _past_one(near, wanted, taken, sorted(set(fixed[0]) - set(fixed[1])))
            if ways is not None:
                fixed[1][unit] = name
        if ways is None:
            ids = [first[one] for one in wanted]
            faults.add(
                en=f"The {len(wanted)} units locked to {name} are not connected, and no way joins "
                f"them that is free of other locks and anchors: {first_ids(ids)}. Unlock some.",
                zh=f"锁定于 {name} 的 {len(wanted)} 个单元不连片，且没有不经其他锁定或锚点的"
                f"通路：{ids_zh(ids)}。请解除部分锁定。",
            )
            continue
        seeds[name] = ways
        taken |= set(ways)
    return seeds


def _past_one(
    near: list[list[int]], wanted: list[int], taken: set[int], anchors: list[int]
) -> tuple[list[int] | None, int]:
    """Return units that join the wanted ones past an anchor, and that anchor's unit."""
    for unit in anchors:
        ways = _ways_between(near, wanted, taken - {*wanted, unit})
        if ways is not None:
            return ways, unit
    return None, -1


def _shared(
    ground: Ground,
    seeds: dict[str, list[int]],
    free: list[str],
    alone: list[int],
    most: int,
    barred: set[int],
) -> dict[int, tuple[str, list[int]]]:
    """
    Return the locked zone that each of some anchors shares, and the units between them.

    The shortest way first, then the first name.

    Parameters
    ----------
    free : list of str
        Locked zones without an anchor, to which further units may be added.
    alone : list of int
        Units of anchors in no locked zone.
    most : int
        Number of anchors that are to share one.
    barred : set of int
        Units of locked zones and anchors.
    """
    near, found = ground.neighbours(), dict[int, tuple[str, list[int]]]()
    taken = set(barred)
    while len(found) < most:
        ways = []
        for name in free:
            if name not in {one for one, _ in found.values()}:
                for unit in alone:
                    beside = taken - {unit} - set(seeds[name])
                    way = None if unit in found else _way_to(near, seeds[name], unit, beside)
                    if way is not None:
                        ways.append((len(way), name, unit, way))
        if not ways:
            break
        _, name, unit, way = min(ways)
        found[unit] = name, way
        taken |= set(way)
    return found


def _way_to(
    near: list[list[int]], begun: list[int], unit: int, barred: set[int]
) -> list[int] | None:
    """Return the units of the shortest way from some units to another one, that one included."""
    way = _ways_between(near, [unit, *begun[:1]], barred)
    return None if way is None else [one for one in way if one not in set(begun)]


def _ways_between(near: list[list[int]], wanted: list[int], barred: set[int]) -> list[int] | None:
    """Return units that join the wanted ones by shortest ways; None where there is no way."""
    held = [wanted[0]]
    missing = set(wanted[1:])
    while missing:
        came = dict.fromkeys(held, -1)
        queue = list(held)
        found = -1
        for unit in queue:
            if unit in missing:
                found = unit
                break
            for other in near[unit]:
                if other not in came and other not in barred:
                    came[other] = unit
                    queue.append(other)
        if found < 0:
            return None
        while came[found] >= 0:
            held.append(found)
            missing.discard(found)
            found = came[found]
    return held


def least_zones(seeds: Seeds, piece: Ints) -> Ints:
    """Return how many zones begin in each piece of land."""
    at = np.array([piece[one[0]] for one in seeds.units], dtype=np.intp)
    return np.bincount(at, minlength=int(piece.max()) + 1)


def room_for_zones(seeds: Seeds, piece: Ints) -> Ints:
    """
    Return the most zones of each piece of land: one for each unit, a zone of seeds being one.

    Examples
    --------
    >>> room_for_zones(Seeds(units=((0, 1),), closed=(False,)), np.array([0, 0, 0, 1])).tolist()
    [2, 1]
    """
    room = np.bincount(piece)
    for one, closed in zip(seeds.units, seeds.closed, strict=True):
        own = piece[one[0]]
        room[own] = 1 if closed else room[own] - (len(one) - 1)
    return room
