"""A raster of labels: polygons filled by scan lines, and the nearest label to each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.geometry import Floats, Geometries

Labels = npt.NDArray[np.int32]
"""Rasters of whole communities: no more bytes than labels need."""

NONE = 0
"""Label of a pixel that lies in no polygon."""


@dataclass(frozen=True, slots=True)
class Frame:
    """
    A raster on multiples of its pixel, so that its lines do not depend on the data.

    Attributes
    ----------
    west, north : float
        Upper left corner, metres.
    rows, columns : int
    pixel_m : float
    """

    west: float
    north: float
    rows: int
    columns: int
    pixel_m: float

    def places(self, x: Floats, y: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return row and column of the pixel that holds each point; outside: the nearest."""
        row = np.floor((self.north - y) / self.pixel_m).astype(np.intp)
        column = np.floor((x - self.west) / self.pixel_m).astype(np.intp)
        return np.clip(row, 0, self.rows - 1), np.clip(column, 0, self.columns - 1)


def frame_around(shapes: Geometries, pixel_m: float) -> Frame:
    """Return the frame that holds the shapes, with one pixel to spare on each side."""
    west, south, east, north = shapely.total_bounds(shapes)
    first = np.floor(west / pixel_m) - 1
    top = np.ceil(north / pixel_m) + 1
    return Frame(
        west=float(first * pixel_m),
        north=float(top * pixel_m),
        rows=int(top - np.floor(south / pixel_m) + 1),
        columns=int(np.ceil(east / pixel_m) + 1 - first),
        pixel_m=pixel_m,
    )


def fill(polygons: Geometries, frame: Frame) -> Labels:
    """
    Return the position of the polygon that holds each pixel's centre, counted from 1.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon
        Without overlaps.

    Notes
    -----
    Each edge adds or takes away its polygon's label where it crosses a row; the sum
    along the row is the label. An edge that two polygons share crosses at the same
    place for both, so that no pixel is lost or taken twice.
    """
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(
        shapely.orient_polygons(parts, exterior_cw=False), return_index=True
    )
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    value = owner[part[ring[:-1][same]]] + 1
    return _filled(coords[:-1][same], coords[1:][same], value, frame)


def _filled(start: Floats, end: Floats, value: npt.NDArray[np.intp], frame: Frame) -> Labels:
    upward = end[:, 1] > start[:, 1]
    low, high = np.where(upward[:, None], start, end), np.where(upward[:, None], end, start)
    # Rows whose centre lies in [low, high): no centre counts twice where edges meet.
    first = np.floor((frame.north - high[:, 1]) / frame.pixel_m - 0.5).astype(np.int64) + 1
    last = np.floor((frame.north - low[:, 1]) / frame.pixel_m - 0.5).astype(np.int64)
    first, last = np.maximum(first, 0), np.minimum(last, frame.rows - 1)
    count = np.maximum(last - first + 1, 0)
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    y = frame.north - (row + 0.5) * frame.pixel_m
    x0, y0, x1, y1 = low[edge, 0], low[edge, 1], high[edge, 0], high[edge, 1]
    x = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    column = np.ceil((x - frame.west) / frame.pixel_m - 0.5).astype(np.int64)
    column = np.clip(column, 0, frame.columns)
    signed = np.where(upward[edge], -value[edge], value[edge])
    width = frame.columns + 1
    steps = np.zeros(frame.rows * width, dtype=np.int32)
    np.add.at(steps, row * width + column, signed.astype(np.int32))
    return np.cumsum(steps.reshape(frame.rows, width)[:, :-1], axis=1, dtype=np.int32)


def nearest(
    labels: Labels, pixel_m: float, *, most_m: float
) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Return the label nearest to each pixel, and whether that is at most `most_m` away."""
    empty = labels == NONE
    if empty.all():
        return labels, np.zeros(labels.shape, dtype=bool)
    places, squares = nearest_places(~empty)
    return labels[places], squares <= (most_m / pixel_m) ** 2


def nearest_places(
    mask: npt.NDArray[np.bool_],
) -> tuple[tuple[Labels, Labels], Labels]:
    """
    Return the place in `mask` nearest to each pixel, and the square of how far, in pixels.

    `mask` must not be empty.
    """
    row, column = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    # Whole numbers: distances in metres of all pixels would take longer than the search.
    down = row - np.arange(mask.shape[0], dtype=row.dtype)[:, None]
    right = column - np.arange(mask.shape[1], dtype=column.dtype)
    down *= down
    right *= right
    down += right
    return (row, column), down


def connected_labels(labels: npt.NDArray[np.integer]) -> Labels:
    """
    Return a label for each connected area of one label, 4 pixels being beside each pixel.

    Numbered from 0 by rows. Rows are taken as runs of equal labels, which are far
    fewer than pixels.
    """
    begins = _run_begins(labels)
    run = (np.cumsum(begins.ravel(), dtype=np.int32) - 1).reshape(labels.shape)
    joined = labels[:-1] == labels[1:]
    # Of pixels side by side that join the same two runs, the first says it.
    first = joined & (begins[:-1] | begins[1:])
    first[:, 1:] |= joined[:, 1:] & ~joined[:, :-1]
    n = int(run[-1, -1]) + 1
    pairs = (run[:-1][first], run[1:][first])
    graph = coo_array((np.ones(len(pairs[0]), dtype=np.int8), pairs), shape=(n, n))
    area = connected_components(graph, directed=False)[1]
    return np.asarray(area.astype(np.int32, copy=False)[run])


def runs_of(labels: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return where runs of equal labels in a row begin, by rows, and how many pixels each has."""
    first = np.flatnonzero(_run_begins(labels))
    return first, np.diff(first, append=labels.size)


def _run_begins(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    begins = np.ones(labels.shape, dtype=bool)
    begins[:, 1:] = labels[:, 1:] != labels[:, :-1]
    return begins
