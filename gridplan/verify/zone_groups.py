"""How many zones of a community can be within what is allowed, whatever their borders."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.verify.frames import Floats, Places, shapes
from gridplan.verify.world import World
from gridplan.verify.zone_allowed import LEAST, RATIO, main_estates
from gridplan.verify.zone_stuck import any_stuck, most_by_sums
from gridplan.verify.zone_ways import Ways, none_joined

Geometries = npt.NDArray[np.object_]
Names = npt.NDArray[np.object_]

_NEAR_M, _ALONG_M, _SHARED_M = 0.02, 0.05, 1e-4
"""Cells so near to each other along so much, or with so much border in common, may be joined."""
_MOST_GROUPS = 2_000
_SMALL = 0.5
_EMPTY = 0.1
"""Land with no more of a zone than this holds none together; half a zone is land of its own."""
_FEW = 60
"""Of land with more things than this it is not asked what is left for other zones."""
_MOST_STATES = 50_000
"""Of more than these nothing is said: communities with so many small parts have zones."""


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What indivisible things a community has, and how they lie.

    Attributes
    ----------
    load : tuple of float
        Of each thing: an estate that stays whole, else a cell.
    near : tuple of set of int
        Things that one zone can join with each, through cells without a load alone.
    necks : tuple of tuple of set of int
        For each cell without a load that alone joins several parts of the community, the
        things in each part; one zone at most reaches across.
    """

    load: tuple[float, ...]
    near: tuple[frozenset[int], ...]
    necks: tuple[tuple[frozenset[int], ...], ...]


def ground_of_body(polygons: Geometries, estate: Names, load: Floats, most: float) -> Ground | None:
    """
    Return what the cells of one community come to; None where nothing will be said of them.

    That is where they do not hang together, or have too many groups of things to look at.

    Parameters
    ----------
    polygons : array of polygons, shape (n,)
    estate : array of str or None, shape (n,)
        Estates that stay whole, unless they have more than `most`.
    load : array of float, shape (n,)
    most : float
    """
    pairs = touching(polygons)
    if parts_of(*pairs, len(load)).any():
        return None
    return _ground(pairs, _kept(estate, load, most), load, most)[1]


def _kept(estate: Names, load: Floats, most: float) -> Names:
    """Return the estates that stay whole, None for cells of the others."""
    whole = pd.Series(load).groupby(pd.Series(estate)).transform("sum").to_numpy()
    kept = np.array(estate, dtype=object)
    kept[pd.isna(estate) | ~(whole <= most)] = None
    return kept


def _ground(
    pairs: tuple[Places, Places], kept: Names, load: Floats, most: float
) -> tuple[Ground, Ground | None, Ways]:
    """Return things without their necks, with them if there are few enough groups, and ways."""
    left, right = pairs
    ends_of = zip(kept[left], kept[right], strict=True)
    same = np.array([a is not None and a == b for a, b in ends_of], dtype=np.bool_)
    part = parts_of(left[same], right[same], len(load))
    count = int(part.max(initial=-1)) + 1
    sums = np.bincount(part, weights=load, minlength=count)
    ends = {
        (min(a, b), max(a, b))
        for a, b in zip(part[left].tolist(), part[right].tolist(), strict=True)
    }
    edges = sorted((a, b) for a, b in ends if a != b)
    full = np.flatnonzero(sums > 0)
    place = {one: at for at, one in enumerate(full.tolist())}
    ground = Ground(tuple(sums[full].tolist()), tuple(_beside(edges, place, count)), ())
    ways = _ways(edges, place, count)
    # Necks are looked for where they are of use: of large land that takes long.
    if _groups(ground, 0.0, most) is None:
        return ground, None, ways
    return ground, replace(ground, necks=tuple(_necks(edges, place, count))), ways


def _ways(edges: Sequence[tuple[int, int]], place: dict[int, int], count: int) -> Ways:
    """Return the things, and after them the empty land, each with what is beside it."""
    empty = (one for one in range(count) if one not in place)
    number = place | {one: len(place) + at for at, one in enumerate(empty)}
    near: list[set[int]] = [set() for _ in range(count)]
    for a, b in edges:
        near[number[a]].add(number[b])
        near[number[b]].add(number[a])
    return Ways(len(place), near)


def fewest_beyond(
    world: World,
    claims: Mapping[str, Any],
    own: pd.DataFrame,
    cell_load: Floats,
    bounds: pd.DataFrame,
    *,
    open_: Places | None = None,
    sizes: tuple[float, float] | None = None,
) -> dict[str, tuple[int, int, bool]]:
    """
    Return, by community, how many zones it has and how many can be within what is allowed.

    And whether that is so only with numbers of zones on each piece of land by a norm.

    Only communities are named of which some zones must be beyond. Their cells hang together:
    zones of islands may have been attached to other land.

    Parameters
    ----------
    own : DataFrame
        ``cell`` (row) and ``zone_id`` of the cells of the system.
    cell_load : array of float, shape (cells,)
    bounds : DataFrame indexed by ``zone_id``
        ``least``, ``most``, ``body``, ``load``, and ``off``: whether the zone is beyond.
    open_ : array of int, shape (2, m), optional
        Pairs of cells that may hang together over land; all that touch without it.
    sizes : (float, float), optional
        As in `cells_asked`.
    """
    zone = np.full(len(cell_load), None, dtype=object)
    zone[own["cell"].to_numpy()] = own["zone_id"].to_numpy()
    estate = main_estates(world) if claims.get("estates") == "whole" else None
    polygons = shapes(world.layers["cells"])
    body = own["zone_id"].map(bounds["body"])
    across = {str(one) for one in claims.get("across") or ()}
    found = {}
    for name, zones in bounds.groupby("body", sort=True):
        if not zones["off"].any():
            continue
        at = own["cell"].to_numpy()[(body == name).to_numpy()]
        limits = float(zones["least"].min()), float(zones["most"].max())
        whole = np.full(len(at), None, dtype=object) if estate is None else estate[at]
        asked = cells_asked(cell_load[at], whole, limits, zone[at], sizes=sizes)
        dry = open_ is not None and not across & set(map(str, zones.index))
        over_land = _inside(open_, at) if open_ is not None and dry else None
        beyond, normed = fewest_of_body(asked, touching(polygons[at]), over_land)
        if beyond:
            within = len(zones) - min(beyond, int(zones["off"].sum()))
            found[str(name)] = len(zones), within, normed
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """
    The cells of a community, the bounds of its zones, and how many there are.

    ``sizes``: the least and most of a mean zone of a piece of land by a norm, and ``zone`` the
    zone of each cell, where the norm says how many zones a piece of land may have.
    """

    load: Floats
    kept: Names
    least: float
    most: float
    zones: int
    sizes: tuple[float, float] | None = None
    zone: Names | None = None


def cells_asked(
    load: Floats,
    estate: Names,
    bounds: tuple[float, float],
    zones: Names,
    *,
    sizes: tuple[float, float] | None = None,
) -> Asked:
    """
    Return what is asked of the cells of a community.

    Parameters
    ----------
    load : array of float, shape (n,)
    estate : array of str or None, shape (n,)
        Estates that stay whole, unless they have more than a zone may.
    bounds : (float, float)
        Least and most of a zone.
    zones : array, shape (n,)
        Zone of each.
    sizes : (float, float), optional
        Least and most of the mean of the zones of a piece of land, by a norm.
    """
    least, most = bounds
    slack = LEAST + RATIO * most
    kept, count = _kept(estate, load, most), len(set(zones.tolist()))
    return Asked(load, kept, least - slack, most + slack, count, sizes, zones)


def fewest_of_body(
    asked: Asked, pairs: tuple[Places, Places], over_land: tuple[Places, Places] | None
) -> tuple[int, bool]:
    """
    Return how many zones of one community must be beyond, and if by a norm's numbers alone.

    0 if none or it is not known.

    Parameters
    ----------
    asked : Asked
    pairs : two arrays of int
        Cells that touch. If they do not all hang together nothing is said.
    over_land : two arrays of int, optional
        Cells that may hang together over land, where zones have to.
    """
    if parts_of(*pairs, len(asked.load)).any():
        return 0, False
    if over_land is not None and _pairs_of(over_land) == _pairs_of(pairs):
        over_land = None
    beyond, freely = _fewest(asked, pairs if over_land is None else over_land)
    if not beyond and over_land is not None:
        beyond = freely = beyond_of(replace(asked, sizes=None), pairs)
    return beyond, freely < beyond


def _pairs_of(pairs: tuple[Places, Places]) -> set[tuple[int, int]]:
    ends = zip(pairs[0].tolist(), pairs[1].tolist(), strict=True)
    return {(min(a, b), max(a, b)) for a, b in ends}


def _inside(pairs: Places, at: Places) -> tuple[Places, Places]:
    """Return the pairs of some cells, by their place among these."""
    place = {cell: number for number, cell in enumerate(at.tolist())}
    ends = [(place[a], place[b]) for a, b in pairs.T.tolist() if a in place and b in place]
    left, right = np.array(ends, dtype=np.intp).reshape(-1, 2).T
    return left, right


def beyond_of(asked: Asked, pairs: tuple[Places, Places]) -> int:
    """
    Return how many zones must be beyond what is allowed; 0 if none or it is not known.

    Each part of the land has zones of its own. A part that is nearly empty may go with any
    zone, or be one. Nothing is said where a part has more than that, and less than half a
    zone: it may go with other land. Where a norm says how many zones a part may have, and the
    zones there are keep to it, only such numbers are looked at.
    """
    return _fewest(asked, pairs)[0]


def _fewest(asked: Asked, pairs: tuple[Places, Places]) -> tuple[int, int]:
    """Return how many zones must be beyond by the norm's numbers, and with any."""
    part = parts_of(*pairs, len(asked.load))
    sums: Floats = np.bincount(part, weights=asked.load).astype(np.float64)
    mean = asked.load.sum() / asked.zones
    small = sums <= min(_EMPTY * mean, asked.least / 2)
    if ((sums < _SMALL * mean) & ~small).any():
        return 0, 0
    spare, large = float(sums[small].sum()), np.flatnonzero(~small)
    lower = replace(asked, least=asked.least - spare)
    owned = {one: np.flatnonzero(part == one) for one in large.tolist()}
    prices = {one: _prices(lower, _inside(np.stack(pairs), own), own) for one, own in owned.items()}
    freely = _summed(list(prices.values()), asked.zones, empty=bool(small.any()))
    normed = _by_norm(asked, part, sums, large)
    kept = [
        [each if one not in normed or zones in normed[one] else asked.zones + 1
         for zones, each in enumerate(price)]
        for one, price in prices.items()
    ]  # fmt: skip
    return _summed(kept, asked.zones, empty=bool(small.any())), freely


def _summed(prices: Sequence[Sequence[int]], zones: int, *, empty: bool) -> int:
    """Return the fewest zones beyond of all parts, by how many each has with so many zones."""
    fewest = {number: number for number in range(zones * empty + 1)}
    for price in prices:
        fewest = {
            number: min(before + price[number - had]
                        for had, before in fewest.items() if had < number)
            for number in range(1, zones + 1)
            if any(had < number for had in fewest)
        }  # fmt: skip
    return fewest.get(zones, 0)


def _by_norm(asked: Asked, part: Places, sums: Floats, large: Places) -> dict[int, range]:
    """Return the numbers of zones that parts may have by a norm, of those for which it has any."""
    if asked.sizes is None or asked.zone is None:
        return {}
    least, most = asked.sizes
    found, counted = {}, 0
    for one in large.tolist():
        zones = len(set(asked.zone[(part == one) & (asked.load > 0)].tolist()))
        counted += zones
        total = float(sums[one])
        numbers = range(math.ceil(total / most - RATIO), math.floor(total / least + RATIO) + 1)
        if numbers and zones not in numbers:
            return {}
        if numbers:
            found[one] = numbers
    return found if counted == asked.zones else {}


def _prices(asked: Asked, pairs: tuple[Places, Places], own: Places) -> list[int]:
    """Return, by its number of zones, how many of a part of the land must be beyond."""
    load, total = asked.load[own], float(asked.load[own].sum())
    bare, ground, ways = _ground(pairs, asked.kept[own], load, asked.most)
    known = None if ground is None else most_within(ground, asked.least, asked.most, asked.zones)
    stuck = known is None and any_stuck(bare.load, bare.near, asked.least, asked.most)
    prices = [asked.zones + 1]
    for zones in range(1, asked.zones + 1):
        even = asked.least * zones <= total <= asked.most * zones
        within = min(zones if known is None else known, zones - (stuck or not even))
        if even and len(bare.load) <= _FEW:
            within = most_by_sums(bare.load, bare.near, asked.least, asked.most, zones,
                                  most_within=within)  # fmt: skip
        if ground is not None and within == zones:
            groups = _groups(ground, asked.least, asked.most) or []
            within -= none_joined(groups, ways, zones)
        prices.append(zones - within)
    return prices


def touching(polygons: Geometries) -> tuple[Places, Places]:
    """Return the pairs of cells that share a border, not only a corner."""
    tree = shapely.STRtree(polygons)
    left, right = tree.query(polygons, predicate="dwithin", distance=_NEAR_M)
    once = left < right
    left, right = left[once], right[once]
    edge = shapely.boundary(polygons)
    shared = shapely.length(shapely.intersection(edge[left], edge[right]))
    along = shapely.length(
        shapely.intersection(edge[left], shapely.buffer(polygons[right], _NEAR_M))
    )
    joined = (shared >= _SHARED_M) | (along >= _ALONG_M)
    return left[joined], right[joined]


def parts_of(left: Places, right: Places, count: int) -> Places:
    """Return the connected part of each of some things."""
    root = list(range(count))

    def top(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        root[max(top(a), top(b))] = min(top(a), top(b))
    return np.unique([top(one) for one in range(count)], return_inverse=True)[1].astype(np.intp)


def _beside(
    edges: Sequence[tuple[int, int]], place: dict[int, int], count: int
) -> Iterator[frozenset[int]]:
    """Yield, for each thing with a load, those that it can be joined with."""
    free = [(a, b) for a, b in edges if a not in place and b not in place]
    ends = np.array(free, dtype=np.intp).reshape(-1, 2)
    part = parts_of(ends[:, 0], ends[:, 1], count)
    around: dict[int, set[int]] = {}
    near: list[set[int]] = [set() for _ in place]
    for a, b in edges:
        for one, other in ((a, b), (b, a)):
            if one in place and other in place:
                near[place[one]].add(place[other])
            elif one in place:
                around.setdefault(int(part[other]), set()).add(place[one])
    for things in around.values():
        for one in things:
            near[one] |= things
    for at, others in enumerate(near):
        yield frozenset(others - {at})


def _necks(
    edges: Sequence[tuple[int, int]], place: dict[int, int], count: int
) -> Iterator[tuple[frozenset[int], ...]]:
    ends = np.array(edges, dtype=np.intp).reshape(-1, 2)
    for cell in sorted(_joints(edges, count) - set(place)):
        kept = (ends != cell).all(axis=1)
        part = parts_of(ends[kept, 0], ends[kept, 1], count)
        sides: dict[int, set[int]] = {}
        for one, at in place.items():
            sides.setdefault(int(part[one]), set()).add(at)
        if len(sides) > 1:
            yield tuple(frozenset(one) for one in sides.values())


def _joints(edges: Sequence[tuple[int, int]], count: int) -> set[int]:
    """Return the cells without which connected land falls apart, and perhaps the first one."""
    near: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        near[a].append(b)
        near[b].append(a)
    # The order in which a walk that goes on as far as it can meets the cells, and how early
    # a cell is that those met from each of them on are beside.
    met, early = {0: 0}, {0: 0}
    walk = [(0, iter(near[0]))] if count else []
    found = {0}
    while walk:
        cell, others = walk[-1]
        new = next((one for one in others if one not in met), None)
        if new is not None:
            met[new] = early[new] = len(met)
            walk.append((new, iter(near[new])))
            continue
        walk.pop()
        early[cell] = min([early[cell], *(met[one] for one in near[cell])])
        if walk:
            up = walk[-1][0]
            # The way back to `up` itself is no way past it.
            if early[cell] >= met[up]:
                found.add(up)
            early[up] = min(early[up], early[cell])
    return found


def most_within(ground: Ground, least: float, most: float, zones: int) -> int | None:
    """
    Return how many of so many zones can be within `least` and `most`; None if it is not known.

    The most groups that share nothing, each of things that can be joined and together within
    the bounds, of those across a neck one: found by looking at all of them. Where `least` is
    nothing, a zone of empty land alone is within, too, and no group says how many there are.

    Examples
    --------
    >>> row = tuple(map(frozenset, ({1}, {0, 2}, {1})))
    >>> most_within(Ground((3.0, 3.0, 3.0), row, ()), 4.0, 7.0, 2)
    1
    """
    groups = _groups(ground, least, most) if least > 0 else None
    if groups is None:
        return None
    count = len(ground.load)
    # Things, and the necks that a group reaches across, as bits: there are many states.
    by_first: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for one in groups:
        across = sum(1 << at for at, sides in enumerate(ground.necks)
                     if sum(bool(one & side) for side in sides) > 1)  # fmt: skip
        by_first[min(one)].append((sum(1 << thing for thing in one), across))
    states = 0
    # By what is taken of the things to come and which necks are crossed: the most groups so far.
    found: dict[tuple[int, int], int] = {(0, 0): 0}
    for at in range(count):
        further: dict[tuple[int, int], int] = {}
        thing = 1 << at
        for (taken, crossed), number in found.items():
            own = {(taken & ~thing, crossed): number}
            for bits, across in by_first[at] if not taken & thing else ():
                if not bits & taken and not across & crossed:
                    own[(taken | bits) & ~thing, crossed | across] = number + 1
            for state, most_so_far in own.items():
                if further.get(state, -1) < most_so_far:
                    further[state] = most_so_far
        found, states = further, states + len(further)
        if states > _MOST_STATES:
            return None
    return min(max(found.values()), zones)


def _groups(ground: Ground, least: float, most: float) -> list[frozenset[int]] | None:
    """Return the joined groups within the bounds; None if there are too many to look at."""
    found: list[frozenset[int]] = []
    seen = {frozenset({one}) for one, load in enumerate(ground.load) if load <= most}
    waiting = sorted(seen, key=sorted)
    for group in waiting:
        load = sum(ground.load[one] for one in sorted(group))
        if load >= least:
            found.append(group)
        for other in sorted(set().union(*(ground.near[one] for one in group)) - group):
            larger = group | {other}
            if load + ground.load[other] <= most and larger not in seen:
                seen.add(larger)
                waiting.append(larger)
        if len(waiting) > _MOST_GROUPS:
            return None
    return found
