"""Estates that alone are more than a zone may have: into groups of whole buildings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from gridplan.geometry import Floats, Geometries
from gridplan.zones.contiguity import Contiguity, Ints, labelled_components
from gridplan.zones.districts_problem import Flags
from gridplan.zones.land import Land
from gridplan.zones.starts import connected_cut

_ON_ROAD = 0.5
"""A border of which this share runs along an inner road is one."""
_ALL_CUTS = 12
"""All ways to cut so few cells in two are looked at; of more, straight ones."""
_DIRECTIONS = 16
_DECIMALS = 3
_ROUNDING = 1e-9
_PAIR = 2


@dataclass(frozen=True, slots=True)
class EstateGroups:
    """
    Which cells stay together, once estates larger than a zone are split.

    Attributes
    ----------
    group : array of int, shape (n,)
        Number of the group of each cell; -1: a cell by itself.
    divided : tuple of int
        Estates, by their code, that are split into several groups.
    heavy : tuple of int
        Cells that alone have more than a zone may: nothing divides them.
    """

    group: Ints
    divided: tuple[int, ...] = ()
    heavy: tuple[int, ...] = ()


def shared_estates(
    estate: Ints,
    shared: Mapping[int, Sequence[int]],
    loads: Floats,
    most: Floats,
    *,
    graph: Contiguity,
    lock: Ints,
) -> Ints:
    """
    Return the estate that each cell goes with, where some cells have buildings of several.

    A cell of an estate that is torn in any case, since it is too large for one zone or locked to
    several, goes with another estate that has buildings in it, so that this one is whole; two
    that are both to stay whole go together. That is done where it makes land in one piece, no
    zone would have too much, and no locks contradict: else it would keep nothing whole.

    Parameters
    ----------
    estate : array of int, shape (n,)
        Code of the estate with most residents in each cell; -1: none.
    shared : mapping of int to sequence of int
        By cell, the codes of further estates with buildings in it, those with most first.
    loads : array of float, shape (n, w)
    most : array of float, shape (w,) or (n, w)
        The upper size by each weight.
    graph : Contiguity
        Of the cells, by the borders that a zone may reach across.
    lock : array of int, shape (n,)
        Zone that each cell is locked to; below 0: none.

    Examples
    --------
    The first has 3 in three cells, where 2 is the most, and the last of them has a building of
    the second:

    >>> ones, free = np.ones((4, 1)), np.full(4, -1)
    >>> row = Contiguity(np.arange(3), np.arange(1, 4), np.ones(3), 4)
    >>> shared_estates(np.array([0, 0, 0, 1]), {2: (1,)}, ones, np.array([2.0]),
    ...                graph=row, lock=free).tolist()
    [0, 0, 1, 1]
    >>> shared_estates(np.array([1, 0, 2, 2]), {0: (0,)}, ones, np.array([2.0]),
    ...                graph=row, lock=free).tolist()
    [0, 0, 2, 2]
    """
    limit = np.broadcast_to(most * (1 + _ROUNDING), loads.shape)
    found = estate.copy()
    # Estates that have gone together have the code of one of them.
    now = {
        one: one for one in {*estate.tolist(), *(own for many in shared.values() for own in many)}
    }

    def keeps(cells: Ints) -> bool:
        inside = np.zeros(len(found), dtype=np.bool_)
        inside[cells] = True
        ways = inside[graph.left] & inside[graph.right]
        part = labelled_components(graph.left[ways], graph.right[ways], len(found))
        locks = np.unique(lock[cells][lock[cells] >= 0])
        load, least = loads[cells].sum(axis=0), limit[cells].min(axis=0)
        return len(np.unique(part[cells])) == 1 and len(locks) <= 1 and bool((load <= least).all())

    def torn(own: int) -> bool:
        cells = np.flatnonzero(estate == own)
        locks = np.unique(lock[cells][lock[cells] >= 0])
        load, least = loads[cells].sum(axis=0), limit[cells].min(axis=0, initial=np.inf)
        return len(locks) > 1 or bool((load > least).any())

    split = {one for one in now if one >= 0 and torn(one)}
    for cell in sorted(shared):
        for further in shared[cell]:
            own, other = int(found[cell]), now[further]
            if further in split or own == other:
                continue
            theirs = np.flatnonzero(found == other)
            mine = np.array([cell]) if own in split else np.flatnonzero(found == own)
            if keeps(np.concatenate([mine, theirs])):
                found[mine] = other
                if own not in split:
                    now = {one: other if at == own else at for one, at in now.items()}
    return found


def inner_road_shares(
    shapes: Geometries, graph: Contiguity, roads: Geometries, *, within_m: float = 3.0
) -> Floats:
    """
    Return the share of each common border that runs along roads, shape (m,), 0 to 1.

    Parameters
    ----------
    shapes : array of polygons, shape (n,)
    graph : Contiguity
        Of the cells.
    roads : array of lines
        The inner roads of estates.
    within_m : float
        A border so near to a road, in metres, runs along it.

    Examples
    --------
    >>> from gridplan.zones import Contiguity
    >>> cells = shapely.box([0, 10], 0, [10, 20], 10)
    >>> pair = Contiguity(np.array([0]), np.array([1]), np.array([10.0]), 2)
    >>> road = np.array([shapely.LineString([(11, -5), (11, 5)])])
    >>> inner_road_shares(cells, pair, road, within_m=1.0).round(2).tolist()
    [0.5]
    """
    share = np.zeros(len(graph.left), dtype=np.float64)
    if not len(roads) or not len(share):
        return share
    border = shapely.intersection(
        shapely.boundary(shapes[graph.left]), shapely.boundary(shapes[graph.right])
    )
    wide = shapely.buffer(roads, within_m, cap_style="flat")
    at, road = shapely.STRtree(wide).query(border, predicate="intersects")
    for number in np.unique(at).tolist():
        beside = shapely.union_all(wide[road[at == number]])
        along_m = shapely.length(shapely.intersection(border[number], beside))
        share[number] = min(1.0, along_m / max(shapely.length(border[number]), _ROUNDING))
    return share


def estate_groups(
    land: Land,
    estate: Ints,
    loads: Floats,
    most: Floats,
    *,
    on_road: Floats | None = None,
    loose: bool = False,
) -> EstateGroups:
    """
    Keep estates together, and split those that alone are more than a zone may have.

    Such an estate falls apart along its inner roads; a part that is still too large is
    cut along borders of cells, so that the fewest parts are needed and the least
    metres run where no road is. Cells cut no building, so the parts are groups of
    whole buildings.

    Parameters
    ----------
    land : Land
        Of the cells; its graph joins those that one zone may hold.
    estate : array of int, shape (n,)
        Code of each cell's estate; -1: none.
    loads : array of float, shape (n, w)
    most : array of float, shape (w,) or (n, w)
        The upper size by each weight, where that differs of the zones of each cell;
        ``inf``: none.
    on_road : array of float, shape (m,), optional
        Share of each border that runs along an inner road (`inner_road_shares`);
        without it every border of cells is taken for one that may be used.
    loose : bool
        Leave the cells of estates that are too large each by itself.

    Returns
    -------
    EstateGroups
        Each group is within the upper size, or is a single cell.

    Examples
    --------
    >>> row = Contiguity(np.arange(3), np.arange(1, 4), np.ones(3), 4)
    >>> ones = np.ones(4)
    >>> line = Land(ones, ones, 4 * ones, np.arange(4.0), 0 * ones, row)
    >>> found = estate_groups(line, np.array([0, 0, 0, 1]), ones[:, None], np.array([2.0]))
    >>> found.group.tolist(), found.divided
    ([0, 1, 1, 2], (0,))
    """
    limit = np.broadcast_to(most * (1 + _ROUNDING), loads.shape)
    inside = estate >= 0
    group = np.where(inside, estate, -1)
    count = int(estate.max(initial=-1)) + 1
    sums = np.stack(
        [np.bincount(estate[inside], weights=one[inside], minlength=count) for one in loads.T],
        axis=1,
    )
    least = np.full(sums.shape, np.inf)
    np.minimum.at(least, estate[inside], limit[inside])
    divided, following = [], count
    for own in np.flatnonzero((sums > least).any(axis=1)).tolist():
        members = np.flatnonzero(estate == own)
        if loose:
            group[members] = -1
            divided += [own] if len(members) > 1 else []
            continue
        parts = list(_parts(land, members, loads, least[own], on_road))
        for part in parts:
            group[part] = following
            following += 1
        if len(parts) > 1:
            divided.append(own)
    heavy = np.flatnonzero((loads > limit).any(axis=1) & inside)
    return EstateGroups(_renumbered(group), tuple(divided), tuple(heavy.tolist()))


def _renumbered(group: Ints) -> Ints:
    """Return groups numbered by their first cell; -1 stays."""
    found: dict[int, int] = {-1: -1}
    for one in group.tolist():
        found.setdefault(one, len(found) - 1)
    return np.array([found[one] for one in group.tolist()], dtype=np.intp)


def _parts(
    land: Land, members: Ints, loads: Floats, limit: Floats, on_road: Floats | None
) -> Iterator[Ints]:
    """Yield the parts of one estate, each connected."""
    graph = land.graph
    off_road = graph.border_m if on_road is None else graph.border_m * (1 - on_road)
    closed = np.zeros(len(off_road), dtype=np.bool_) if on_road is None else on_road >= _ON_ROAD
    within = np.zeros(land.count, dtype=np.bool_)
    within[members] = True
    joined = within[graph.left] & within[graph.right] & ~closed
    label = labelled_components(graph.left[joined], graph.right[joined], land.count)
    priced = replace(land, graph=replace(graph, border_m=off_road))
    waiting = [members[label[members] == one] for one in np.unique(label[members])]
    while waiting:
        part = waiting.pop(0)
        if len(part) == 1 or not (loads[part].sum(axis=0) > limit).any():
            yield part
            continue
        side = _cut(priced.part(part), loads[part], limit)
        waiting += [part[side], part[~side]]


def _cut(land: Land, loads: Floats, limit: Floats) -> Flags:
    """Return one side of the best cut: fewest parts, least metres off roads, most even."""
    graph = land.graph
    pairs = list(zip(graph.left.tolist(), graph.right.tolist(), strict=True))
    total = loads.sum(axis=0)
    best: tuple[tuple[float, float, float], Flags] | None = None
    for side in _sides(land):
        if not _connected(pairs, side.tolist()):
            continue
        own = loads[side].sum(axis=0)
        parts = _least_parts(own, limit) + _least_parts(total - own, limit)
        off_m = math.fsum(graph.border_m[side[graph.left] != side[graph.right]])
        uneven = float(np.abs(2 * own - total).max())
        price = parts, round(off_m, _DECIMALS), round(uneven, _DECIMALS)
        if best is None or price < best[0]:
            best = price, side
    if best is not None:
        return best[1]
    share = (loads / np.where(total > 0, total, 1.0)).sum(axis=1) + 1 / land.count
    return connected_cut(land, share, _PAIR, next(_straight_sides(land))).side


def _least_parts(load: Floats, limit: Floats) -> float:
    # A community without load has a limit of 0, and nothing to be limited.
    share = np.divide(load, limit, out=np.zeros_like(load), where=load > 0)
    return float(np.ceil(np.maximum(share, 1.0)).max())


def _sides(land: Land) -> Iterator[Flags]:
    if land.count > _ALL_CUTS:
        yield from _straight_sides(land)
        return
    bits = np.arange(land.count)
    for number in range(1, 2 ** (land.count - 1)):
        side: Flags = (number >> bits) % _PAIR == 1
        yield side


def _straight_sides(land: Land) -> Iterator[Flags]:
    """Yield what lies on one side of straight lines, the middle ones first."""
    middle = land.count // _PAIR
    numbers = sorted(range(1, land.count), key=lambda one: (abs(one - middle), one))
    for turn in range(_DIRECTIONS):
        angle = turn * math.pi / _DIRECTIONS
        along = land.x * math.cos(angle) + land.y * math.sin(angle)
        order = np.argsort(along.round(_DECIMALS), kind="stable")
        for number in numbers:
            side = np.zeros(land.count, dtype=np.bool_)
            side[order[:number]] = True
            yield side


def _connected(pairs: list[tuple[int, int]], side: list[bool]) -> bool:
    """Return whether both sides hang together: a forest of two trees."""
    root = list(range(len(side)))

    def top(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    parts = len(side)
    for a, b in pairs:
        if side[a] == side[b]:
            first, second = top(a), top(b)
            if first != second:
                root[first] = second
                parts -= 1
    return parts == _PAIR
