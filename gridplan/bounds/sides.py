"""Borders of polygons in short pieces, and on which side of the polygon each is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.bounds.options import BoundsOptions
from gridplan.geometry import Floats, Geometries

Ints = npt.NDArray[np.intp]

SIDES = ("east", "south", "west", "north")
"""The sides in the order in which they are told."""

_QUARTER_DEG, _HALF_QUARTER_DEG, _FULL_DEG = 90.0, 45.0, 360.0
_DECIMALS = 6
_LEAST_RING = 4


@dataclass(frozen=True, slots=True)
class Pieces:
    """
    Short straight pieces of borders, unit by unit along each ring.

    Attributes
    ----------
    unit, side : array of int, shape (n,)
        Position of the polygon, and of the side in `SIDES`.
    start, end : array of float, shape (n, 2)
        Ends, the polygon on the left.
    course : array of float, shape (n, 2)
        Direction of the border without its small turns.
    length : array of float, shape (n,)
        Metres.
    """

    unit: Ints
    side: Ints
    start: Floats
    end: Floats
    course: Floats
    length: Floats

    def of(self, rows: Ints) -> Pieces:
        """Return some of the pieces."""
        return Pieces(
            self.unit[rows],
            self.side[rows],
            self.start[rows],
            self.end[rows],
            self.course[rows],
            self.length[rows],
        )

    @property
    def middle(self) -> Floats:
        """Middle points, shape (n, 2)."""
        return (self.start + self.end) / 2

    @property
    def outward(self) -> Floats:
        """Unit vectors that leave the polygon, shape (n, 2)."""
        along = self.end - self.start
        across = np.column_stack([along[:, 1], -along[:, 0]])
        return np.asarray(across / self.length[:, None])


def lengths(vectors: Floats) -> Floats:
    """Return the lengths of vectors, shape (n, 2)."""
    return np.asarray(np.hypot(vectors[:, 0], vectors[:, 1]))


def border_pieces(polygons: Geometries, *, options: BoundsOptions) -> Pieces:
    """
    Cut the outer borders of polygons into pieces, each with its side.

    The side is that of the compass quarter in which the outward normal of the border
    lies, from north-east to south-east for the east. The normal is taken of the border
    without its small turns, so that a staircase along a street is one side.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon, shape (n,)
        In projected metres. Rings of holes are not borders of the unit's four sides.
    options : BoundsOptions
    """
    parts, unit = shapely.get_parts(shapely.normalize(polygons), return_index=True)
    smooth_m = options.smooth_share * np.sqrt(shapely.area(polygons))
    rings = shapely.get_exterior_ring(parts)
    cut = [
        _of_ring(ring, float(smooth_m[own]), options.step_m)
        for ring, own in zip(rings, unit, strict=True)
    ]
    if not cut:
        nothing, nobody = np.zeros((0, 2)), np.zeros(0, np.intp)
        return Pieces(nobody, nobody, nothing, nothing, nothing, np.zeros(0))
    start, end, course = (np.concatenate([one[i] for one in cut]) for i in range(3))
    counts = [len(one[0]) for one in cut]
    whose = np.repeat(unit, counts)
    return Pieces(whose, sides_of(course), start, end, course, lengths(end - start))


def sides_of(course: Floats) -> Ints:
    """
    Return the side of borders that run in a direction, the polygon on their left.

    Examples
    --------
    >>> northward, westward = [0.0, 1.0], [-1.0, 0.0]
    >>> [SIDES[one] for one in sides_of(np.array([northward, westward, [0.0, -1.0], [1.0, 0.0]]))]
    ['east', 'north', 'west', 'south']
    """
    # The outward normal (dy, -dx) as a bearing from north, clockwise.
    bearing = np.degrees(np.arctan2(course[:, 1], -course[:, 0])).round(_DECIMALS)
    turned = (bearing - _HALF_QUARTER_DEG) % _FULL_DEG
    return np.asarray(turned // _QUARTER_DEG, dtype=np.intp)


def _of_ring(ring: shapely.LinearRing, smooth_m: float, step_m: float) -> tuple[Floats, ...]:
    turned = ring if shapely.is_ccw(ring) else shapely.reverse(ring)
    places = shapely.get_coordinates(shapely.remove_repeated_points(turned))
    course = _courses(places, smooth_m)
    # The ring begins where a side does, so that no stretch is parted by where it was begun.
    side = sides_of(course)
    first = int(np.argmax(side != np.roll(side, 1)))
    course = np.roll(course, -first, axis=0)
    places = np.roll(places[:-1], -first, axis=0)
    along = np.roll(places, -1, axis=0) - places
    count = np.maximum(np.ceil(lengths(along) / step_m), 1).astype(np.intp)
    edge = np.repeat(np.arange(len(along)), count)
    at = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    from_share, to_share = at / count[edge], (at + 1) / count[edge]
    start = places[edge] + along[edge] * from_share[:, None]
    end = places[edge] + along[edge] * to_share[:, None]
    return start, end, course[edge]


def _courses(places: Floats, smooth_m: float) -> Floats:
    """Return, for each edge of a closed ring, the direction of the smoothed ring there."""
    smoothed = shapely.get_coordinates(
        shapely.simplify(shapely.LineString(places), smooth_m, preserve_topology=False)
    )
    if len(smoothed) < _LEAST_RING:
        return np.asarray(places[1:] - places[:-1])
    kept = _positions(places, smoothed)
    chords = places[kept[1:]] - places[kept[:-1]]
    return np.asarray(np.repeat(chords, np.diff(kept), axis=0))


def _positions(places: Floats, smoothed: Floats) -> Ints:
    """Return where in a line the places stand that smoothing has kept, both ends included."""
    found = [0]
    for place in smoothed[1:-1]:
        rest = places[found[-1] + 1 :]
        found.append(found[-1] + 1 + int(np.argmax((rest == place).all(axis=1))))
    return np.array([*found, len(places) - 1], dtype=np.intp)


def corner(polygon: shapely.Geometry, side: int) -> tuple[float, float]:
    """Return the place of a polygon that lies farthest to one side."""
    places = shapely.get_coordinates(shapely.normalize(polygon))
    angle = math.radians(_QUARTER_DEG * (side + 1))
    far = places @ np.array([math.sin(angle), math.cos(angle)])
    x, y = places[int(np.argmax(far.round(_DECIMALS)))]
    return float(x), float(y)
