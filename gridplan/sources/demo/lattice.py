"""The ground plan: canals and arterial roads as a warped lattice of shared vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gridplan.geometry import Floats
from gridplan.sources.demo.frames import on_grid

STEPS = 12
"""Straight pieces per superblock side; local streets meet it at these vertices."""

ORIGIN_M = (593_000.0, 3_483_000.0)
"""Easting and northing (EPSG:4549) of the town's middle, beside Kunshan's Zhoushi town."""

BANK_M = 13.0
"""From the water's edge to the centre line of the street along the bank."""

_SPACING_M = (480.0, 640.0)
_ROAD_BEND_M, _CANAL_BEND_M = (4.0, 14.0), (35.0, 60.0)
_BEND_LENGTH_M = (1500.0, 2600.0)
_CANAL_WIDTH_M = (34.0, 62.0)
_WARP_M, _WARP_LENGTH_M, _TILT = (110.0, 170.0), (3600.0, 5200.0), (-0.16, 0.16)
_ROUNDS = 40

Role = Literal["road", "bank", "canal"]


@dataclass(frozen=True, slots=True)
class Wave:
    """A gentle bend, ``amplitude_m * sin(2 pi x / length_m + phase)``."""

    amplitude_m: float
    length_m: float
    phase: float

    def at(self, along: Floats) -> Floats:
        """Return the displacement in metres at each place along the line."""
        turn = 2 * np.pi * along / self.length_m + self.phase
        return np.asarray(self.amplitude_m * np.sin(turn), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class GridLine:
    """One line of the lattice; `order` is the road or canal that it belongs to."""

    role: Role
    highway: str
    order: int
    base_m: float
    wave: Wave
    width_m: float = 0.0

    def across(self, along: Floats) -> Floats:
        """Return the coordinate across the line at each coordinate along it."""
        return self.base_m + self.wave.at(along)


@dataclass(frozen=True, slots=True)
class Warp:
    """The map from the lattice's own plane to the ground: two waves, a tilt, a scale."""

    east: Wave
    north: Wave
    tilt: float
    scale: float = 1.0

    def ground(self, lattice: Floats) -> Floats:
        """Return ground coordinates, on the 1 mm grid, of points of the lattice plane."""
        u, v = lattice[..., 0], lattice[..., 1]
        x, y = u + self.east.at(v), v + self.north.at(u)
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        turned = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        return on_grid(self.scale * turned + np.array(ORIGIN_M))


@dataclass(frozen=True)
class Lattice:
    """
    All lines with their crossings, on the ground.

    Attributes
    ----------
    columns, rows : tuple of GridLine
        Lines that run north to south, and west to east; a canal counts three
        times: bank, middle, bank.
    column_edges : array, shape (n_columns, n_rows - 1, STEPS + 1, 2)
        Vertices of each column between two rows, from south to north.
    row_edges : array, shape (n_columns - 1, n_rows, STEPS + 1, 2)
        Vertices of each row between two columns, from west to east.
    warp : Warp
    """

    columns: tuple[GridLine, ...]
    rows: tuple[GridLine, ...]
    column_edges: Floats
    row_edges: Floats
    warp: Warp


def draw_warp(rng: np.random.Generator) -> Warp:
    """Return a random warp of scale one."""
    return Warp(
        east=_draw_wave(rng, _WARP_M, _WARP_LENGTH_M),
        north=_draw_wave(rng, _WARP_M, _WARP_LENGTH_M),
        tilt=float(rng.uniform(*_TILT)),
    )


def draw_lines(count: int, *, first_canal: int, rng: np.random.Generator) -> tuple[GridLine, ...]:
    """
    Return `count` roads and canals side by side, the middle one at zero; every third is a canal.

    Of the two roads between canals one is primary, the other secondary or
    tertiary, in random order.
    """
    lines: list[GridLine] = []
    position, primary = 0.0, bool(rng.integers(2))
    for order in range(count):
        canal = order % 3 == first_canal % 3
        if canal:
            primary = bool(rng.integers(2))
        highway = "primary" if primary else str(rng.choice(["secondary", "tertiary"]))
        width = float(rng.uniform(*_CANAL_WIDTH_M)) if canal else 0.0
        wave = _draw_wave(rng, _CANAL_BEND_M if canal else _ROAD_BEND_M, _BEND_LENGTH_M)
        role: Role = "canal" if canal else "road"
        name = "" if canal else highway
        position += width / 2
        lines.append(GridLine(role, name, order, position, wave, width))
        position += float(rng.uniform(*_SPACING_M)) + width / 2
        primary = not primary
    middle = lines[count // 2].base_m
    return tuple(_moved(line, -middle) for line in lines)


def with_banks(lines: tuple[GridLine, ...], rng: np.random.Generator) -> tuple[GridLine, ...]:
    """Return the lines with a street along each bank of every canal."""
    result: list[GridLine] = []
    for line in lines:
        if line.role == "road":
            result.append(line)
            continue
        offset = line.width_m / 2 + BANK_M
        for side in (-1, 0, 1):
            highway = str(rng.choice(["residential", "residential", "footway"])) if side else ""
            role: Role = "bank" if side else "canal"
            width = 0.0 if side else line.width_m
            base = line.base_m + side * offset
            result.append(GridLine(role, highway, line.order, base, line.wave, width))
    return tuple(result)


def build_lattice(columns: tuple[GridLine, ...], rows: tuple[GridLine, ...], warp: Warp) -> Lattice:
    """Return the lattice of lines on the ground; edges share their end vertices exactly."""
    nodes = _crossings(columns, rows)
    along_columns = _between(nodes[:, :-1, 1], nodes[:, 1:, 1])
    along_rows = _between(nodes[:-1, :, 0], nodes[1:, :, 0])
    across_columns = np.stack([c.across(along_columns[p]) for p, c in enumerate(columns)])
    across_rows = np.stack([r.across(along_rows[:, q]) for q, r in enumerate(rows)], axis=1)
    column_edges = warp.ground(np.stack([across_columns, along_columns], axis=-1))
    row_edges = warp.ground(np.stack([along_rows, across_rows], axis=-1))
    ground_nodes = warp.ground(nodes)
    column_edges[:, :, 0], column_edges[:, :, -1] = ground_nodes[:, :-1], ground_nodes[:, 1:]
    row_edges[:, :, 0], row_edges[:, :, -1] = ground_nodes[:-1], ground_nodes[1:]
    return Lattice(columns, rows, column_edges, row_edges, warp)


def patch(west: Floats, south: Floats, east: Floats, north: Floats) -> Floats:
    r"""
    Return a grid of points that fills a quadrilateral with curved sides.

    The bilinearly blended Coons patch [1]_,
    :math:`P(s,t) = (1-s) W(t) + s E(t) + (1-t) S(s) + t N(s) - B(s,t)` with the
    bilinear blend :math:`B` of the corners. The outermost points are the sides'
    own vertices.

    Parameters
    ----------
    west, east : array, shape (n, 2)
        From south to north.
    south, north : array, shape (n, 2)
        From west to east.

    Returns
    -------
    array, shape (n, n, 2)
        First axis west to east, second south to north.

    References
    ----------
    .. [1] Coons, S. A. (1967). *Surfaces for computer-aided design of space
       forms*. MIT/LCS/TR-41.

    Examples
    --------
    >>> zero, one = np.zeros(3), np.ones(3)
    >>> t = np.array([0.0, 0.5, 1.0])
    >>> sides = [np.stack(p, 1) for p in ((zero, t), (t, zero), (one, t), (t, one))]
    >>> patch(*sides)[1, 1].tolist()
    [0.5, 0.5]
    """
    steps = np.linspace(0.0, 1.0, len(west))
    s, t = steps[:, None, None], steps[None, :, None]
    sides = (1 - s) * west[None] + s * east[None] + (1 - t) * south[:, None] + t * north[:, None]
    corners = (
        (1 - s) * (1 - t) * south[0]
        + s * (1 - t) * south[-1]
        + (1 - s) * t * north[0]
        + s * t * north[-1]
    )
    grid = on_grid(sides - corners)
    grid[0], grid[-1], grid[:, 0], grid[:, -1] = west, east, south, north
    return grid


def _draw_wave(
    rng: np.random.Generator, amplitude: tuple[float, float], length: tuple[float, float]
) -> Wave:
    return Wave(
        float(rng.uniform(*amplitude)),
        float(rng.uniform(*length)),
        float(rng.uniform(0, 2 * np.pi)),
    )


def _moved(line: GridLine, by_m: float) -> GridLine:
    return GridLine(
        line.role, line.highway, line.order, line.base_m + by_m, line.wave, line.width_m
    )


def _crossings(columns: tuple[GridLine, ...], rows: tuple[GridLine, ...]) -> Floats:
    # Bends are shallow, so the fixed point converges far below the 1 mm grid.
    u = np.repeat(np.array([line.base_m for line in columns])[:, None], len(rows), axis=1)
    v = np.repeat(np.array([line.base_m for line in rows])[None], len(columns), axis=0)
    for _ in range(_ROUNDS):
        u = np.stack([line.across(v[p]) for p, line in enumerate(columns)])
        v = np.stack([line.across(u[:, q]) for q, line in enumerate(rows)], axis=1)
    return np.stack([u, v], axis=-1)


def _between(start: Floats, end: Floats) -> Floats:
    return np.asarray(np.linspace(start, end, STEPS + 1, axis=-1), dtype=np.float64)
