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

Labels = npt.NDArray[np.int64]

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
    flat = np.bincount(row * width + column, weights=signed, minlength=frame.rows * width)
    steps = flat.reshape(frame.rows, width)[:, :-1]
    return np.asarray(np.cumsum(np.rint(steps).astype(np.int64), axis=1))


def nearest(labels: Labels, pixel_m: float) -> tuple[Labels, Floats]:
    """Return the label nearest to each pixel and its distance in metres (0 in the label)."""
    empty = labels == NONE
    if empty.all():
        return labels, np.full(labels.shape, np.inf)
    metres, places = ndimage.distance_transform_edt(empty, sampling=pixel_m, return_indices=True)
    return labels[tuple(places)], metres


def connected_labels(labels: Labels) -> Labels:
    """
    Return a label for each connected area of one label, 4 pixels being beside each pixel.

    Numbered from 0 by rows. Rows are taken as runs of equal labels, which are far
    fewer than pixels.
    """
    rows, columns = labels.shape
    begins = np.ones(labels.shape, dtype=bool)
    begins[:, 1:] = labels[:, 1:] != labels[:, :-1]
    run = (np.cumsum(begins.ravel()) - 1).reshape(rows, columns)
    upper, lower = run[:-1], run[1:]
    joined = labels[:-1] == labels[1:]
    # Of pixels side by side that join the same two runs, the first says it.
    first = joined & (begins[:-1] | begins[1:])
    first[:, 1:] |= joined[:, 1:] & ~joined[:, :-1]
    n = int(run[-1, -1]) + 1
    pairs = (upper[first], lower[first])
    graph = coo_array((np.ones(len(pairs[0]), dtype=np.int8), pairs), shape=(n, n))
    area = connected_components(graph, directed=False)[1]
    return np.asarray(area[run], dtype=np.int64)
