"""Spikes: where two lines meet at almost no angle, the tip of the cell between goes to another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.geometry import Floats, Geometries

Ints = npt.NDArray[np.intp]
Point = tuple[float, float]

_SHARP = math.radians(1.5)
"""A corner with a smaller angle is a spike; a check of the plan speaks of 1 degree."""

_SIDE_M = 0.01
"""Shorter spikes are rounding."""

_WIDE_M = 0.5
"""A tip is cut off where the spike is so wide, or where its shorter side ends."""

_HELD_M2 = 1e-3
"""A tip must belong to its cell, and hold no building, up to this much."""

_SAME_M = 1e-6
_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class _Spike:
    cell: int
    before: Point
    tip: Point
    after: Point

    def ends(self) -> tuple[Point, Point]:
        """Return where the tip is cut off, on the side before it and on the one after."""
        short_m = min(math.dist(self.tip, self.before), math.dist(self.tip, self.after))
        one, other = (_unit(self.tip, end) for end in (self.before, self.after))
        wide = math.dist(one, other)
        reach_m = short_m if wide * short_m <= _WIDE_M else _WIDE_M / wide
        return _along(self.tip, self.before, reach_m), _along(self.tip, self.after, reach_m)


def without_spikes(polygons: Geometries, community: Ints, footprints: Geometries) -> Geometries:
    """
    Return cells with the tips of their spikes given to a neighbour.

    Where a street runs into another, or into a community's line, at almost no angle, the
    cell between ends in a needle. The part of it narrower than 0.5 m goes to a neighbour
    of the same community, of two to the smaller one. Both get the same corners, so that
    the cells tile the place as before. A needle that has no such neighbour, holds a part
    of a building, or meets a cell in several parts, stays.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon, shape (n,)
        A coverage: neighbours have the same vertices along their border.
    community : array of int, shape (n,)
    footprints : array of Polygon or MultiPolygon

    Examples
    --------
    >>> north = shapely.Polygon([(0, 50), (90, 50), (90, 1), (0, 0)])
    >>> needle = shapely.Polygon([(0, 0), (90, 1), (90, 0)])
    >>> cells = np.array([north, needle, shapely.box(0, -50, 90, 0)])
    >>> found = without_spikes(cells, np.zeros(3, dtype=np.intp), cells[:0])
    >>> shapely.area(shapely.intersection(found, shapely.box(0, 0, 40, 1))).round(2).tolist()
    [40.0, 0.0, 0.0]
    """
    cells = polygons.copy()
    tree, buildings = shapely.STRtree(polygons), shapely.STRtree(footprints)
    kept = set[_Spike]()
    for _ in range(_ROUNDS):
        spikes = [one for one in _spikes(cells) if one not in kept]
        if not spikes:
            break
        for spike in spikes:
            if not _blunted(cells, spike, tree, community, buildings):
                kept.add(spike)
    return np.asarray(shapely.normalize(cells), dtype=object)


def _spikes(polygons: Geometries) -> Iterator[_Spike]:
    """Return the sharp corners of cells, in their order."""
    turned = shapely.orient_polygons(polygons, exterior_cw=True)
    rings, owner = shapely.get_rings(turned, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = np.flatnonzero(ring[1:] == ring[:-1])
    # The last point of a ring is its first again: before the first comes the last but one.
    start = np.flatnonzero(np.r_[True, ring[1:] != ring[:-1]])
    end = np.r_[start[1:], len(ring)] - 1
    before = np.arange(len(ring)) - 1
    before[start] = end - 1
    back, on = xy[before[inner]] - xy[inner], xy[inner + 1] - xy[inner]
    cross = back[:, 0] * on[:, 1] - back[:, 1] * on[:, 0]
    angle = np.arctan2(np.abs(cross), (back * on).sum(axis=1))
    side_m = np.minimum(np.hypot(*back.T), np.hypot(*on.T))
    # Land is on the right of each step: at a left turn the angle is that of a notch.
    sharp = inner[(angle < _SHARP) & (side_m >= _SIDE_M) & (cross >= 0)]
    for at in sharp.tolist():
        points = (_point(xy[one]) for one in (before[at], at, at + 1))
        yield _Spike(int(owner[ring[at]]), *points)


def _blunted(
    cells: Geometries,
    spike: _Spike,
    tree: shapely.STRtree,
    community: Ints,
    buildings: shapely.STRtree,
) -> bool:
    """Give the tip of a spike away in place; return whether that could be done."""
    ends = spike.ends()
    tip = shapely.Polygon([spike.tip, *ends])
    near = sorted(tree.query(shapely.Point(spike.tip), predicate="dwithin", distance=_SIDE_M))
    if any(not isinstance(cells[one], shapely.Polygon) for one in near):
        # A cell in several parts has several shells; it is rare, and so is a needle beside it.
        return False
    rings = {one: _rings(cells[one]) for one in near}
    if not _has(rings.get(spike.cell, []), (spike.before, spike.tip, spike.after)):
        return True
    beside = [
        next((one for one in near if _has(rings[one], step)), None)
        for step in ((spike.tip, spike.before), (spike.after, spike.tip))
    ]
    hosts = [one for one in beside if one is not None and community[one] == community[spike.cell]]
    if not hosts or not _is_free(tip, cells[spike.cell], buildings):
        return False
    host = min(hosts, key=lambda one: (round(float(shapely.area(cells[one])), 3), one))
    one, other = ends
    _put(rings, beside[0], (spike.tip, spike.before), (one,))
    _put(rings, beside[1], (spike.after, spike.tip), (other,))
    if host == beside[0]:
        _put(rings, host, (spike.tip, one), (other,))
    else:
        _put(rings, host, (other, spike.tip), (one,))
    own = rings[spike.cell]
    _put(rings, spike.cell, (spike.before, spike.tip), (one,))
    _put(rings, spike.cell, (spike.tip, spike.after), (other,))
    rings[spike.cell] = [[p for p in ring[:-1] if p != spike.tip] for ring in own]
    for changed in {spike.cell, *(at for at in beside if at is not None)}:
        shell, *holes = (_tidy(ring) for ring in rings[changed])
        cells[changed] = shapely.Polygon(shell, holes)
    return True


def _is_free(tip: shapely.Polygon, cell: shapely.Polygon, buildings: shapely.STRtree) -> bool:
    """Return whether a tip is land of its cell, not most of it, and no building's."""
    tip_m2, cell_m2 = float(shapely.area(tip)), float(shapely.area(cell))
    inside = float(shapely.area(shapely.intersection(tip, cell)))
    met = buildings.geometries[buildings.query(tip, predicate="intersects")]
    held = float(shapely.area(shapely.intersection(met, tip)).sum())
    return inside >= tip_m2 - _HELD_M2 and 2 * tip_m2 < cell_m2 and held <= _HELD_M2


def _rings(polygon: shapely.Polygon) -> list[list[Point]]:
    turned = shapely.orient_polygons(polygon, exterior_cw=True)
    return [[_point(xy) for xy in ring.coords] for ring in (turned.exterior, *turned.interiors)]


def _point(xy: Floats | tuple[float, ...]) -> Point:
    return float(xy[0]), float(xy[1])


def _has(rings: list[list[Point]], steps: Sequence[Point]) -> bool:
    return any(_place(ring, steps) is not None for ring in rings)


def _place(ring: list[Point], steps: Sequence[Point]) -> int | None:
    """Return where some points follow each other on a closed ring."""
    around = ring[:-1] + ring[: len(steps) - 1]
    n, wanted = len(steps), list(steps)
    return next((at for at in range(len(ring) - 1) if around[at : at + n] == wanted), None)


def _put(
    rings: dict[int, list[list[Point]]],
    cell: int | None,
    step: tuple[Point, Point],
    points: tuple[Point, ...],
) -> None:
    """Put points between two that follow each other on a ring of a cell."""
    if cell is None or any(one in step for one in points):
        return
    for number, ring in enumerate(rings[cell]):
        at = _place(ring, step)
        if at is not None:
            rings[cell][number] = [*ring[: at + 1], *points, *ring[at + 1 :]]
            return


def _tidy(ring: list[Point]) -> list[Point]:
    """Return a ring without closing point and without steps that go back the way they came."""
    points = ring[:-1] if ring[0] == ring[-1] else ring
    while True:
        n = len(points)
        back = next(
            (at for at in range(n) if points[at - 1] == points[(at + 1) % n] or
             points[at] == points[(at + 1) % n]), None,
        )  # fmt: skip
        if back is None:
            return points
        points = [one for at, one in enumerate(points) if at != back]


def _unit(start: Point, end: Point) -> Point:
    metres = math.dist(start, end)
    return (end[0] - start[0]) / metres, (end[1] - start[1]) / metres


def _along(start: Point, end: Point, metres: float) -> Point:
    """Return the point so far from the start, the end itself where that is there."""
    step, whole = _unit(start, end), math.dist(start, end)
    if whole - metres <= _SAME_M:
        return end
    return start[0] + step[0] * metres, start[1] + step[1] * metres
