"""Borders that follow no line, drawn as straight as the land beside them allows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.cells.faces import NO_LINE, OUTSIDE, line_kinds, segments
from gridplan.cells.land import Lines
from gridplan.geometry import Floats, Geometries

Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_CORNER_M = 3.0
"""A corner is worth a way so much longer."""

_OFFSETS_M = (60.0, 30.0, 15.0, 8.0, 4.0)
"""How far a straight piece may run from the old border: the first that the areas allow."""

_EASE = 0.12
"""A cell may deviate from its aim by this share, or by as much as it did before."""

_OPEN_EASE = 0.1
"""Cells above the band may change by this share of their area."""

_END_M = 0.05
"""A piece may touch what it ends on."""

_WALL_M = 1e-4
"""A piece may run along a wall."""

_CHAIN = 3
"""A chain with a corner that can go has so many points."""

_ASIDE = 1e-3
"""A point beside a segment lies by this share of its length aside."""

_MOST = 40
"""Longer chains of corners are looked at in parts of so many."""


@dataclass(frozen=True, slots=True)
class Chain:
    """
    A stretch of border between two cells along no line, from its first corner to its last.

    Attributes
    ----------
    points : array of float, shape (n, 2)
    left, right : int
        The cells to its left and right, seen along its way.
    """

    points: Floats
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Aim:
    """
    The areas that cells should keep to.

    Attributes
    ----------
    area_m2 : float
        What a cell should have.
    most_m2 : float
        Larger cells are exceptions.
    """

    area_m2: float
    most_m2: float

    def allows(self, before_m2: float, after_m2: float) -> bool:
        """Return whether a cell may change its area so."""
        if before_m2 > self.most_m2:
            near = abs(after_m2 - before_m2) <= _OPEN_EASE * before_m2
            return near and after_m2 > self.most_m2
        off = abs(before_m2 / self.area_m2 - 1)
        return abs(after_m2 / self.area_m2 - 1) <= max(off, _EASE)


def straight_borders(
    polygons: Geometries, community: Ints, lines: Lines, footprints: Geometries, *, aim: Aim
) -> Geometries:
    """
    Return cells whose borders have fewer corners where they run on no line of the ground.

    Of all ways over the corners of such a stretch the shortest is taken, a corner counted
    as 3 m, as Dijkstra's algorithm finds it: no piece crosses a line, a building or
    another border, no building comes to the other side, and no cell's area leaves what
    `aim` allows. Both cells lose the same corners, so that they still tile the place.

    Parameters
    ----------
    polygons : array of Polygon, shape (n,)
        A coverage: neighbours have the same vertices along their border.
    community : array of int, shape (n,)
    lines : Lines
        What may bound a cell.
    footprints : array of Polygon or MultiPolygon
    aim : Aim
    """
    found = segments(polygons)
    inner = (found["left"] != OUTSIDE).to_numpy()
    same = community[found["left"].to_numpy()] == community[found["right"].to_numpy()]
    bare = inner & same & (line_kinds(found, lines) == NO_LINE)
    ends = found[["x0", "y0", "x1", "y1"]].to_numpy().reshape(-1, 2, 2)
    beside = found[["left", "right"]].to_numpy()[bare]
    chains = _turned(_chains(ends[bare], beside), polygons)
    guided = np.concatenate([shapely.linestrings(ends[~bare]), lines.steps[0].geometries])
    straight = _Straight(chains, guided, footprints)
    area: list[float] = shapely.area(polygons).tolist()
    dropped = {
        number: corners
        for number in range(len(chains))
        if len(corners := straight.drop(number, area, aim))
    }
    while dropped:
        drawn = _without(polygons, np.concatenate(list(dropped.values())))
        # By the last digit a piece may still meet what it was seen to miss: then all stays there.
        torn = set(np.flatnonzero(~shapely.is_valid(drawn)).tolist())
        undone = [one for one in dropped if not torn.isdisjoint(_beside(chains[one]))]
        if not undone:
            return drawn
        for one in undone:
            del dropped[one]
    return polygons


def _beside(chain: Chain) -> tuple[int, int]:
    return chain.left, chain.right


def _chains(ends: Floats, beside: Ints) -> list[Chain]:
    """Return the stretches of two and more segments with the same cells beside."""
    pairs, group = np.unique(beside, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    whole = shapely.multilinestrings(shapely.linestrings(ends[order]), indices=group.ravel()[order])
    parts, pair = shapely.get_parts(shapely.line_merge(whole), return_index=True)
    chains = []
    for part, (one, other) in zip(parts, pairs[pair].tolist(), strict=True):
        points = shapely.get_coordinates(part)
        if (points[0] == points[-1]).all():
            continue
        for first in range(0, len(points) - 2, _MOST):
            stretch = points[first : first + _MOST + 1]
            if len(stretch) >= _CHAIN:
                chains.append(Chain(stretch, one, other))
    return chains


def _turned(chains: list[Chain], polygons: Geometries) -> list[Chain]:
    """Return the chains with the cell on their left as the left one."""
    if not chains:
        return chains
    first, second = (np.array([one.points[at] for one in chains]) for at in (0, 1))
    step = second - first
    beside = (first + second) / 2 + np.stack([-step[:, 1], step[:, 0]], axis=1) * _ASIDE
    own = polygons[[one.left for one in chains]]
    right = shapely.intersects(own, shapely.points(beside))
    return [
        one if is_right else Chain(one.points, one.right, one.left)
        for one, is_right in zip(chains, right.tolist(), strict=True)
    ]


class _Straight:
    """What straightening the chains one by one needs to know of all."""

    def __init__(self, chains: list[Chain], guided: Geometries, footprints: Geometries) -> None:
        self.chains = chains
        self.footprints = shapely.STRtree(footprints)
        self.inner = shapely.STRtree(shapely.point_on_surface(footprints))
        rows = [_pairs(len(one.points)) for one in chains]
        self.first = np.cumsum([0, *(len(one) for one in rows)])
        chain = np.repeat(np.arange(len(chains)), np.diff(self.first))
        ends = [one.points[pair] for one, pair in zip(chains, rows, strict=True)]
        self.pieces = _pieces(np.concatenate(ends)) if ends else np.empty(0, dtype=object)
        self.old = np.concatenate([np.diff(one, axis=1)[:, 0] == 1 for one in [_pairs(1), *rows]])
        self.whole = np.array([shapely.LineString(one.points) for one in chains], dtype=object)
        self.open = self._open(guided, chain)
        self.drawn: dict[int, Geometries] = {}
        self.near = _near(self.whole)

    def _open(self, guided: Geometries, chain: Ints) -> Flags:
        """Return which pieces cross no line, no other chain and no building."""
        free = np.ones(len(self.pieces), dtype=bool)
        # A stretch of the border as it is needs no test.
        asked = np.flatnonzero(~self.old)
        pieces = self.pieces[asked]
        free[asked[shapely.STRtree(guided).query(pieces, predicate="intersects")[0]]] = False
        piece, other = shapely.STRtree(self.whole).query(pieces, predicate="intersects")
        free[asked[piece[chain[asked[piece]] != other]]] = False
        asked = asked[free[asked]]
        piece, building = self.footprints.query(self.pieces[asked], predicate="intersects")
        met, at = np.unique(building, return_inverse=True)
        core = shapely.buffer(
            self.footprints.geometries[met], -_WALL_M, quad_segs=1, join_style="mitre"
        )
        crossed = shapely.intersects(self.pieces[asked[piece]], core[at])
        free[asked[piece[crossed]]] = False
        return free

    def drop(self, number: int, area: list[float], aim: Aim) -> Floats:
        """Return the corners that a chain can do without; `area` is brought up to date."""
        chain = self.chains[number]
        n = len(chain.points)
        span = slice(self.first[number], self.first[number + 1])
        pairs, free, old = _pairs(n), self.open[span], self.old[span]
        length_m = np.hypot(*(chain.points[pairs[:, 1]] - chain.points[pairs[:, 0]]).T)
        off_m = _offsets(chain.points, pairs)
        for most_m in _OFFSETS_M:
            kept = _best_way(n, pairs, length_m, free & (old | (off_m <= most_m)))
            if len(kept) == n:
                break
            if self._take(number, kept, area, aim):
                return np.delete(chain.points, kept, axis=0)
        return np.empty((0, 2))

    def _take(self, number: int, kept: Ints, area: list[float], aim: Aim) -> bool:
        """Return whether a chain may run over the kept corners only, and note it if so."""
        chain = self.chains[number]
        new = chain.points[kept]
        around = np.concatenate([chain.points, new[::-1][1:]])
        # What lies to the left of the old way and to the right of the new one changes sides.
        moved_m2 = _signed_area(around)
        left_m2, right_m2 = area[chain.left] - moved_m2, area[chain.right] + moved_m2
        allowed = aim.allows(area[chain.left], left_m2) and aim.allows(area[chain.right], right_m2)
        if not allowed:
            return False
        way = shapely.LineString(new)
        land = shapely.make_valid(shapely.Polygon(around))
        if not way.is_simple or len(self.inner.query(land, predicate="intersects")):
            return False
        short = _pieces(new[np.stack([np.arange(len(new) - 1), np.arange(1, len(new))], axis=1)])
        for other in self.near[number]:
            if other in self.drawn and shapely.intersects(self.drawn[other][:, None], short).any():
                return False
        self.drawn[number] = short
        area[chain.left], area[chain.right] = left_m2, right_m2
        return True


def _near(lines: Geometries) -> list[list[int]]:
    """Return, for each line, the other ones that straight pieces over its corners may meet."""
    near: list[list[int]] = [[] for _ in lines]
    for one, other in zip(*shapely.STRtree(lines).query(lines).tolist(), strict=True):
        if one != other:
            near[one].append(other)
    return near


@cache
def _pairs(n: int) -> Ints:
    """Return all pairs of positions, the lower first, in their order."""
    return np.stack(np.triu_indices(n, 1), axis=1)


def _pieces(ends: Floats) -> Geometries:
    """Return straight pieces between two places each, a little short of both."""
    step = ends[:, 1] - ends[:, 0]
    length = np.hypot(step[:, 0], step[:, 1])[:, None]
    short = step / length * np.minimum(_END_M, length / 4)
    both = np.stack([ends[:, 0] + short, ends[:, 1] - short], axis=1)
    return np.asarray(shapely.linestrings(both), dtype=object)


def _offsets(points: Floats, pairs: Ints) -> Floats:
    """Return how far the corners between both ends of each piece are from it, at most."""
    start, step = points[pairs[:, 0]], points[pairs[:, 1]] - points[pairs[:, 0]]
    along = np.maximum((step**2).sum(axis=1), _END_M**2)
    aside = points[None] - start[:, None]
    share = np.clip((aside * step[:, None]).sum(axis=2) / along[:, None], 0, 1)
    metres = np.hypot(*np.moveaxis(aside - share[..., None] * step[:, None], 2, 0))
    at = np.arange(len(points))
    metres[(at <= pairs[:, :1]) | (at >= pairs[:, 1:])] = 0.0
    return np.asarray(metres.max(axis=1))


def _best_way(n: int, pairs: Ints, length_m: Floats, free: Flags) -> Ints:
    """Return the corners of the cheapest way from the first to the last over free pieces."""
    cost, before = [0.0] + [np.inf] * (n - 1), [0] * n
    for (one, other), metres in zip(pairs[free].tolist(), length_m[free].tolist(), strict=True):
        # Pairs come in the order of their first end, so that its cost is final.
        along = cost[one] + metres + _CORNER_M
        if along < cost[other] - _END_M:
            cost[other], before[other] = along, one
    way = [n - 1]
    while way[-1]:
        way.append(before[way[-1]])
    return np.array(way[::-1], dtype=np.intp)


def _signed_area(ring: Floats) -> float:
    """Return the area of a closed ring, above 0 where it runs counter-clockwise."""
    x, y = (ring - ring[0]).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def _without(polygons: Geometries, corners: Floats) -> Geometries:
    """Return the polygons without some corners."""
    gone = np.unique(corners @ np.array([1, 1j]))
    coords, owner = shapely.get_coordinates(polygons, return_index=True)
    changed = np.unique(owner[np.isin(coords @ [1, 1j], gone)])
    # A cell may be in several parts, where the land is.
    parts, cell = shapely.get_parts(polygons[changed], return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    # The last point of a ring is its first again.
    kept = np.r_[ring[1:] == ring[:-1], False] & ~np.isin(points @ [1, 1j], gone)
    closed = shapely.linearrings(points[kept], indices=ring[kept])
    fewer = shapely.polygons(closed, indices=part)
    straight = polygons.copy()
    straight[changed] = fewer[np.searchsorted(cell, np.arange(len(changed)))]
    several = np.flatnonzero(np.bincount(cell) > 1)
    of_several = np.isin(cell, several)
    if len(several):
        straight[changed[several]] = shapely.multipolygons(
            fewer[of_several], indices=np.searchsorted(several, cell[of_several])
        )
    return np.asarray(shapely.normalize(straight), dtype=object)
