"""Streets along the lattice, canals as water, and the few bridges between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.sources.demo.lattice import STEPS, GridLine, Wave
from gridplan.sources.demo.outline import Key, Outline, Stack

_POLYGON = 3
_BRIDGE_SHARE = {"primary": 0.9, "secondary": 0.25, "tertiary": 0.0}
_FOOTBRIDGE_SHARE = 0.07
_WATER_STEP_M = 45.0
_WATER_WAVE = (0.06, 0.16)
_WATER_WAVE_LENGTH_M = (300.0, 700.0)
_OVERSHOOT_M = 900.0


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A street as a line of vertices; streets that meet share a vertex exactly."""

    coords: Floats
    highway: str
    name: str | None = None
    bridge: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class _Crossing:
    """A place where a bridge may stand: the superblocks on either side and its vertices."""

    sides: tuple[tuple[Key, ...], tuple[Key, ...]]
    way: Way


def lattice_ways(outline: Outline, seed: int) -> list[Way]:
    """Return arterial roads, bank streets and bridges, all parts of it connected."""
    ways: list[Way] = []
    for p, line in enumerate(outline.lattice.columns):
        runs = _runs(_edges_in_town(outline, p, by_column=True), outline.rows)
        edges = outline.lattice.column_edges[p]
        ways += _line_ways(line, "column", [[edges[q] for q in run] for run in runs])
    for q, line in enumerate(outline.lattice.rows):
        runs = _runs(_edges_in_town(outline, q, by_column=False), outline.columns)
        edges = outline.lattice.row_edges[:, q]
        ways += _line_ways(line, "row", [[edges[p] for p in run] for run in runs])
    return ways + _bridges(outline, seed)


def canals(outline: Outline, boundary: shapely.Polygon, seed: int) -> list[tuple[str, Geometries]]:
    """Return each canal's key and its water inside the boundary; canals do not overlap."""
    lattice = outline.lattice
    result: list[tuple[str, Geometries]] = []
    taken: list[shapely.Geometry] = []
    families = (("column", lattice.columns, lattice.rows), ("row", lattice.rows, lattice.columns))
    for axis, lines, others in families:
        span = (others[0].base_m - _OVERSHOOT_M, others[-1].base_m + _OVERSHOOT_M)
        for line in (one for one in lines if one.role == "canal"):
            rng = np.random.default_rng([seed, 4, axis == "row", line.order])
            ring = _water_ring(line, span, rng)
            ring = ring if axis == "column" else ring[:, ::-1]
            whole = shapely.Polygon(lattice.warp.ground(ring))
            water = shapely.intersection(whole, boundary, grid_size=GRID_M)
            if axis == "row" and taken:
                water = shapely.difference(water, shapely.union_all(taken), grid_size=GRID_M)
            parts = shapely.get_parts(water)
            parts = parts[(shapely.get_type_id(parts) == _POLYGON) & ~shapely.is_empty(parts)]
            if len(parts):
                taken.append(water)
                result.append((f"{axis}{line.order}", parts))
    return result


def way_key(axis: str, order: int) -> str:
    """Return the key that names of streets and canals are drawn for."""
    return f"{axis}{order}"


def _line_ways(line: GridLine, axis: str, runs: list[list[Floats]]) -> list[Way]:
    name = way_key(axis if line.role == "road" else f"{axis}-bank", line.order)
    return [
        Way(np.concatenate([run[0], *(edge[1:] for edge in run[1:])]), line.highway, name)
        for run in runs
    ]


def _edges_in_town(outline: Outline, place: int, *, by_column: bool) -> list[bool]:
    """Return for each superblock interval along a line whether the street exists there."""
    stacks = outline.columns if by_column else outline.rows
    count = len(outline.rows if by_column else outline.columns) - 1
    order = next(k for k, stack in enumerate(stacks) if stack.low <= place <= stack.high)
    stack = stacks[order]
    if stack.is_canal and place == stack.middle:
        return [False] * count
    beside = [order - 1] * (place == stack.low) + [order] * (place == stack.high)
    return [
        any(outline.has(*((k, along) if by_column else (along, k))) for k in beside)
        for along in range(count)
    ]


def _runs(exists: list[bool], crossed: tuple[Stack, ...]) -> list[list[int]]:
    """Return runs of lattice edges that follow each other without a canal between."""
    runs: list[list[int]] = []
    for along, there in enumerate(exists):
        if not there:
            continue
        goes_on = along > 0 and exists[along - 1] and not crossed[along].is_canal
        if goes_on:
            runs[-1].append(crossed[along].high)
        else:
            runs.append([crossed[along].high])
    return runs


def _bridges(outline: Outline, seed: int) -> list[Way]:
    rng = np.random.default_rng([seed, 5])
    road_crossings = _road_crossings(outline)
    foot_crossings = _foot_crossings(outline, rng)
    shares = [_BRIDGE_SHARE[crossing.way.highway] for crossing in road_crossings]
    shares += [_FOOTBRIDGE_SHARE] * len(foot_crossings)
    crossings = road_crossings + foot_crossings
    drawn = rng.random(len(crossings)) < np.array(shares)
    islands = _Islands(outline)
    built = [one for one, yes in zip(crossings, drawn, strict=True) if yes]
    for crossing in built:
        islands.join(crossing)
    # Whatever the draw left apart gets the first bridge that joins it.
    built += [one for one in crossings if islands.join(one)]
    return [crossing.way for crossing in built]


class _Islands:
    """Superblocks joined by land or by bridges (a union-find)."""

    def __init__(self, outline: Outline) -> None:
        self._parent = {key: key for key in outline.keys}
        for i, j in outline.keys:
            if outline.has(i + 1, j) and not outline.columns[i + 1].is_canal:
                self._union((i, j), (i + 1, j))
            if outline.has(i, j + 1) and not outline.rows[j + 1].is_canal:
                self._union((i, j), (i, j + 1))

    def join(self, crossing: _Crossing) -> bool:
        """Join the two sides; return whether they were apart."""
        return self._union(crossing.sides[0][0], crossing.sides[1][0])

    def _find(self, key: Key) -> Key:
        while self._parent[key] != key:
            key = self._parent[key]
        return key

    def _union(self, one: Key, other: Key) -> bool:
        a, b = self._find(one), self._find(other)
        self._parent[max(a, b)] = min(a, b)
        return a != b


def _road_crossings(outline: Outline) -> list[_Crossing]:
    lattice = outline.lattice
    crossings: list[_Crossing] = []
    for i, column in enumerate(outline.columns):
        for j, row in enumerate(outline.rows):
            if column.is_canal == row.is_canal:
                continue
            if row.is_canal:
                pieces = lattice.column_edges[column.middle, [row.low, row.middle]]
                line, axis = lattice.columns[column.middle], "column"
                before, after = ((i - 1, j - 1), (i, j - 1)), ((i - 1, j), (i, j))
            else:
                pieces = lattice.row_edges[[column.low, column.middle], row.middle]
                line, axis = lattice.rows[row.middle], "row"
                before, after = ((i - 1, j - 1), (i - 1, j)), ((i, j - 1), (i, j))
            sides = tuple(
                tuple(key for key in side if outline.has(*key)) for side in (before, after)
            )
            if sides[0] and sides[1]:
                coords = np.stack([pieces[0, 0], pieces[1, 0], pieces[1, -1]])
                way = Way(coords, line.highway, way_key(axis, line.order), bridge=True)
                crossings.append(_Crossing((sides[0], sides[1]), way))
    return crossings


def _foot_crossings(outline: Outline, rng: np.random.Generator) -> list[_Crossing]:
    lattice = outline.lattice
    crossings: list[_Crossing] = []
    for i, j in outline.keys:
        step = int(rng.integers(STEPS // 3, 2 * STEPS // 3 + 1))
        column, row = outline.columns[i], outline.rows[j]
        if row.is_canal and outline.has(i, j - 1):
            coords = lattice.row_edges[column.high, row.low : row.high + 1, step]
            crossings.append(_Crossing((((i, j - 1),), ((i, j),)), _footbridge(coords)))
        if column.is_canal and outline.has(i - 1, j):
            coords = lattice.column_edges[column.low : column.high + 1, row.high, step]
            crossings.append(_Crossing((((i - 1, j),), ((i, j),)), _footbridge(coords)))
    return crossings


def _footbridge(coords: Floats) -> Way:
    return Way(coords, "footway", bridge=True)


def _water_ring(line: GridLine, span: tuple[float, float], rng: np.random.Generator) -> Floats:
    along = np.arange(span[0], span[1] + _WATER_STEP_M, _WATER_STEP_M)
    edges = []
    for side in (-1, 1):
        amplitude = float(rng.uniform(*_WATER_WAVE)) * line.width_m
        length = float(rng.uniform(*_WATER_WAVE_LENGTH_M))
        wave = Wave(amplitude, length, float(rng.uniform(0, 2 * np.pi)))
        across = line.across(along) + side * line.width_m / 2 + wave.at(along)
        edges.append(np.stack([across, along], axis=1))
    return np.concatenate([edges[0], edges[1][::-1]])
