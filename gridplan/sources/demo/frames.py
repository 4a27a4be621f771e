"""Small geometry for laying out blocks: a turned frame, boxes, vertices put into lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from gridplan.geometry import GRID_M, Floats

_DECIMALS = 3


def on_grid(coords: Floats) -> Floats:
    """Return coordinates rounded to the 1 mm grid."""
    return np.asarray(np.round(coords, _DECIMALS), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Frame:
    """A turned and moved frame; `ground` and `local` are each other's inverse but for 1 mm."""

    x: float
    y: float
    cos: float
    sin: float

    @classmethod
    def along(cls, start: Floats, end: Floats) -> Frame:
        """Return the frame whose origin is `start` and whose first axis points to `end`."""
        run = end - start
        length = float(np.hypot(*run))
        return cls(float(start[0]), float(start[1]), run[0] / length, run[1] / length)

    def local(self, ground: Floats) -> Floats:
        """Return coordinates in the frame of points on the ground."""
        x, y = ground[..., 0] - self.x, ground[..., 1] - self.y
        return np.stack([self.cos * x + self.sin * y, self.cos * y - self.sin * x], axis=-1)

    def ground(self, local: Floats) -> Floats:
        """Return coordinates on the ground, on the 1 mm grid, of points in the frame."""
        x, y = local[..., 0], local[..., 1]
        turned = np.stack([self.cos * x - self.sin * y, self.sin * x + self.cos * y], axis=-1)
        return on_grid(turned + np.array([self.x, self.y]))


def boxes(x: Floats, y: Floats, width: Floats, depth: Floats) -> Floats:
    """
    Return closed rings of rectangles from their lower left corners.

    Examples
    --------
    >>> one = np.ones(1)
    >>> boxes(0 * one, 0 * one, 2 * one, one)[0].tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    """
    corners_x = np.stack([x, x + width, x + width, x, x], axis=1)
    corners_y = np.stack([y, y, y + depth, y + depth, y], axis=1)
    return np.stack([corners_x, corners_y], axis=2)


def insert_vertex(line: Floats, point: Floats) -> Floats:
    """
    Return the line with `point` as a vertex of the segment that it lies on.

    A vertex that is there already is not repeated.

    Examples
    --------
    >>> line = np.array([[0.0, 0.0], [4.0, 0.0]])
    >>> insert_vertex(line, np.array([1.0, 0.0])).tolist()
    [[0.0, 0.0], [1.0, 0.0], [4.0, 0.0]]
    """
    if (np.abs(line - point) < GRID_M / 2).all(axis=1).any():
        return line
    segments = shapely.linestrings(np.stack([line[:-1], line[1:]], axis=1))
    place = int(np.argmin(shapely.distance(segments, shapely.Point(point))))
    return np.insert(line, place + 1, point, axis=0)


def nearest_crossing(line: Floats, ring: Floats) -> Floats:
    """Return the crossing of `line` with `ring` that is farthest along the line."""
    path = shapely.LineString(line)
    meeting = shapely.intersection(path, shapely.LineString(ring))
    points = shapely.get_coordinates(meeting)
    along = shapely.line_locate_point(path, shapely.points(points))
    return on_grid(points[int(np.argmax(along))])
