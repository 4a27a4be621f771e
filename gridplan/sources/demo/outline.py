"""Which superblocks the town has, and the polygons that tile it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from gridplan.geometry import Floats
from gridplan.sources.demo.frames import on_grid
from gridplan.sources.demo.lattice import (
    GridLine,
    Lattice,
    Warp,
    build_lattice,
    draw_lines,
    draw_warp,
    with_banks,
)
from gridplan.sources.demo.options import DemoOptions

Key = tuple[int, int]
Mask = npt.NDArray[np.bool_]

_SUPERBLOCK_M2 = 330_000.0
_LEAST_SUPERBLOCKS = 3
_SPREAD = 1.35
_LOBES = ((2, 0.20), (3, 0.13), (5, 0.07))
_ROUGH_FROM = 24
_FIELD_SHARE = 0.6
_FIELD_CORNERS = 4
_FIELD_M = (15.0, 95.0)
_FIELD_TAPER = 0.6


@dataclass(frozen=True)
class Outline:
    """
    The lattice with the superblocks chosen for the town.

    Attributes
    ----------
    lattice : Lattice
    chosen : array of bool, shape (n_columns, n_rows) of superblocks
    columns, rows : tuple of Stack
        For each road or canal, the places of its lines in the lattice.
    polygons : mapping of superblock to Polygon
        They tile the boundary; neighbours share all vertices of their border.
    """

    lattice: Lattice
    chosen: Mask
    columns: tuple[Stack, ...]
    rows: tuple[Stack, ...]
    polygons: dict[Key, shapely.Polygon]

    @property
    def keys(self) -> list[Key]:
        """The chosen superblocks in order."""
        return list(self.polygons)

    def has(self, i: int, j: int) -> bool:
        """Whether superblock (i, j) belongs to the town."""
        inside = 0 <= i < self.chosen.shape[0] and 0 <= j < self.chosen.shape[1]
        return bool(inside and self.chosen[i, j])


@dataclass(frozen=True, slots=True)
class Stack:
    """Places of one road (all three equal) or one canal's bank, middle and bank."""

    low: int
    middle: int
    high: int

    @property
    def is_canal(self) -> bool:
        """Whether the line is a canal between two banks."""
        return self.low != self.high


def draw_outline(options: DemoOptions) -> Outline:
    """Return an irregular town of the area asked for, made of whole superblocks."""
    rng = np.random.default_rng([options.seed, 1])
    wanted = max(_LEAST_SUPERBLOCKS, round(options.area_m2 / _SUPERBLOCK_M2))
    half = math.ceil(_SPREAD * math.sqrt(wanted) / 2) + 1
    # A canal and a road cross in the middle, so that the smallest town has a bridge.
    plain_columns = draw_lines(2 * half + 1, first_canal=half, rng=rng)
    plain_rows = draw_lines(2 * half + 1, first_canal=half + 1, rng=rng)
    chosen = _choose(plain_columns, plain_rows, wanted, rng)
    columns, rows = with_banks(plain_columns, rng), with_banks(plain_rows, rng)
    warp = draw_warp(rng)
    # Areas grow with the square of the scale, so one trial gives the scale exactly.
    trial = _assemble(columns, rows, warp, chosen, options.seed)
    area = sum(polygon.area for polygon in trial.polygons.values())
    scaled = Warp(warp.east, warp.north, warp.tilt, math.sqrt(options.area_m2 / area))
    return _assemble(columns, rows, scaled, chosen, options.seed)


def _choose(
    columns: tuple[GridLine, ...],
    rows: tuple[GridLine, ...],
    wanted: int,
    rng: np.random.Generator,
) -> Mask:
    u = np.array([line.base_m for line in columns])
    v = np.array([line.base_m for line in rows])
    x = ((u[:-1] + u[1:]) / 2)[:, None]
    y = ((v[:-1] + v[1:]) / 2)[None, :]
    angle = np.arctan2(y, x)
    reach = np.ones_like(angle)
    roughness = min(1.0, wanted / _ROUGH_FROM)
    for lobes, depth in _LOBES:
        reach += roughness * depth * np.sin(lobes * angle + rng.uniform(0, 2 * np.pi))
    distance = np.hypot(x, y) / reach
    chosen = np.zeros(distance.shape, dtype=np.bool_)
    chosen.flat[np.argsort(distance, axis=None, kind="stable")[:wanted]] = True
    return _one_piece(chosen)


def _one_piece(chosen: Mask) -> Mask:
    """Keep the largest piece, fill holes, and fill where two blocks meet at a corner only."""
    labels, _ = ndimage.label(chosen)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    piece = np.asarray(ndimage.binary_fill_holes(labels == sizes.argmax()), dtype=np.bool_)
    while True:
        a, b, c, d = piece[:-1, :-1], piece[1:, :-1], piece[:-1, 1:], piece[1:, 1:]
        falling, rising = a & d & ~b & ~c, b & c & ~a & ~d
        if not (falling.any() or rising.any()):
            return piece
        for i, j in np.argwhere(falling | rising)[:1]:
            piece[i : i + 2, j : j + 2] = True


def _assemble(
    columns: tuple[GridLine, ...],
    rows: tuple[GridLine, ...],
    warp: Warp,
    chosen: Mask,
    seed: int,
) -> Outline:
    lattice = build_lattice(columns, rows, warp)
    outline = Outline(lattice, chosen, _stacks(columns), _stacks(rows), {})
    sides = _sides(outline, seed)
    for i, j in np.argwhere(chosen).tolist():
        ring = [
            sides[("row", i, j)],
            sides[("column", i + 1, j)],
            sides[("row", i, j + 1)][::-1],
            sides[("column", i, j)][::-1],
        ]
        outline.polygons[(i, j)] = shapely.Polygon(_chain(ring))
    return outline


def _stacks(lines: tuple[GridLine, ...]) -> tuple[Stack, ...]:
    places: dict[int, list[int]] = {}
    for place, line in enumerate(lines):
        places.setdefault(line.order, []).append(place)
    return tuple(Stack(where[0], where[len(where) // 2], where[-1]) for where in places.values())


def _chain(pieces: list[Floats]) -> Floats:
    return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])


def _sides(outline: Outline, seed: int) -> dict[tuple[str, int, int], Floats]:
    sides: dict[tuple[str, int, int], Floats] = {}
    lattice, chosen = outline.lattice, outline.chosen
    for i in range(len(outline.columns)):
        for j in range(chosen.shape[1]):
            line = lattice.column_edges[outline.columns[i].middle]
            points = _side(line, outline.rows[j], outline.rows[j + 1])
            outward = int(outline.has(i - 1, j)) - int(outline.has(i, j))
            if outward and not outline.columns[i].is_canal:
                points = _field_edge(points, outward, np.random.default_rng([seed, 2, i, j]))
            sides[("column", i, j)] = points
    for i in range(chosen.shape[0]):
        for j in range(len(outline.rows)):
            line = lattice.row_edges[:, outline.rows[j].middle]
            points = _side(line, outline.columns[i], outline.columns[i + 1])
            outward = int(outline.has(i, j)) - int(outline.has(i, j - 1))
            if outward and not outline.rows[j].is_canal:
                points = _field_edge(points, outward, np.random.default_rng([seed, 3, i, j]))
            sides[("row", i, j)] = points
    return sides


def _side(line: Floats, start: Stack, end: Stack) -> Floats:
    pieces = [line[start.high]]
    if start.is_canal:
        pieces.insert(0, line[start.middle][[0, -1]])
    if end.is_canal:
        pieces.append(line[end.low][[0, -1]])
    return _chain(pieces)


def _field_edge(points: Floats, outward: int, rng: np.random.Generator) -> Floats:
    """Push a side of the town that is no canal out over the fields, for some of them."""
    if rng.random() > _FIELD_SHARE:
        return points
    chord = points[-1] - points[0]
    normal = outward * np.array([chord[1], -chord[0]]) / np.hypot(*chord)
    to_start = np.hypot(*(points - points[0]).T)
    to_end = np.hypot(*(points - points[-1]).T)
    # Held below the distance to the corner, so that two field edges never meet.
    depths = rng.uniform(*_FIELD_M, size=_FIELD_CORNERS)
    wandering = np.interp(
        np.linspace(0, _FIELD_CORNERS - 1, len(points)), np.arange(_FIELD_CORNERS), depths
    )
    depth = np.minimum(wandering, _FIELD_TAPER * np.minimum(to_start, to_end))
    return on_grid(points + depth[:, None] * normal)
