"""Blocks between local streets, and what each superblock and block is used for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.sources.demo.lattice import STEPS, patch
from gridplan.sources.demo.outline import Key, Outline
from gridplan.sources.demo.waterways import Way

Rect = tuple[int, int, int, int]

SETBACK_M = {
    "primary": 25.0,
    "secondary": 20.0,
    "tertiary": 15.0,
    "residential": 10.0,
    "footway": 8.0,
}
"""From a street's centre line to the parcels beside it: carriageway, pavement, green."""

_URBAN_SHARE, _INDUSTRIAL_SHARE = 0.29, 0.31
_NOISE = 0.22
_CENTRE_SPACING_M = 4200.0
_TARGETS = {"urban": (9, 9, 12, 12, 16, 20, 42), "industrial": (18, 24, 36), "rural": (36, 48, 72)}
_SLACK = 1.25
_CUT = (0.4, 0.6)
_LEAST_STEPS = 3


@dataclass(frozen=True, eq=False)
class Block:
    """
    Land between streets.

    Attributes
    ----------
    key : (int, int)
        The superblock it lies in.
    land : str
        Use of the superblock: ``urban``, ``industrial`` or ``rural``.
    centrality : float
        1 in the middle of a town, less further out.
    grid : array, shape (n, m, 2)
        Points that fill the block; the outermost lie on the streets around it.
    parcel : Polygon
        The block without the streets' own land.
    """

    key: Key
    land: str
    centrality: float
    grid: Floats
    parcel: shapely.Polygon


def make_blocks(outline: Outline, seed: int) -> tuple[list[Block], list[Way]]:
    """Return the blocks of the town and the local streets between them."""
    lands = _lands(outline, seed)
    blocks: list[Block] = []
    ways: list[Way] = []
    for key in outline.keys:
        rng = np.random.default_rng([seed, 6, *key])
        grid, setbacks = _interior(outline, key)
        land, centrality = lands[key]
        rects, cuts = _split((0, 0, STEPS, STEPS), land, rng)
        ways += [_local_street(grid, cut, key, place) for place, cut in enumerate(cuts)]
        parcels = _parcels(grid, rects, setbacks)
        blocks += [
            Block(key, land, centrality, _part(grid, rect), parcel)
            for rect, parcel in zip(rects, parcels, strict=True)
            if shapely.get_type_id(parcel) == shapely.GeometryType.POLYGON and not parcel.is_empty
        ]
    return blocks, ways


def _lands(outline: Outline, seed: int) -> dict[Key, tuple[str, float]]:
    """Return use and centrality: towns around centres, industry on one flank, fields beyond."""
    rng = np.random.default_rng([seed, 7])
    middles = np.array([shapely.Point(p.centroid).coords[0] for p in outline.polygons.values()])
    offset = (middles - middles.mean(axis=0)) / _CENTRE_SPACING_M
    nearest = offset - np.round(offset)
    centrality = 1.0 - np.hypot(nearest[:, 0], nearest[:, 1]) / np.hypot(0.5, 0.5)
    flank = rng.uniform(0, 2 * np.pi)
    lean = nearest @ np.array([np.cos(flank), np.sin(flank)])
    count = len(middles)
    urban_order = np.argsort(-(centrality + rng.normal(0, _NOISE / 2, count)), kind="stable")
    urban = urban_order[: max(1, round(_URBAN_SHARE * count))]
    industrial_rank = lean + rng.normal(0, _NOISE, count)
    industrial_rank[urban] = -np.inf
    industrial_order = np.argsort(-industrial_rank, kind="stable")
    industrial = industrial_order[: max(1, round(_INDUSTRIAL_SHARE * count))]
    lands = np.full(count, "rural", dtype=object)
    lands[industrial] = "industrial"
    lands[urban] = "urban"
    return {
        key: (str(land), float(near))
        for key, land, near in zip(outline.keys, lands, centrality, strict=True)
    }


def _interior(outline: Outline, key: Key) -> tuple[Floats, dict[str, float]]:
    """Return the grid of points inside a superblock and the setback of each of its sides."""
    i, j = key
    lattice = outline.lattice
    west, east = outline.columns[i].high, outline.columns[i + 1].low
    south, north = outline.rows[j].high, outline.rows[j + 1].low
    grid = patch(
        lattice.column_edges[west, south],
        lattice.row_edges[west, south],
        lattice.column_edges[east, south],
        lattice.row_edges[west, north],
    )
    lines = {
        "west": lattice.columns[west],
        "east": lattice.columns[east],
        "south": lattice.rows[south],
        "north": lattice.rows[north],
    }
    return grid, {side: SETBACK_M[line.highway] for side, line in lines.items()}


def _split(rect: Rect, land: str, rng: np.random.Generator) -> tuple[list[Rect], list[Rect]]:
    """Return leaves of a recursive division and the cuts, as degenerate rectangles."""
    west, south, east, north = rect
    width, height = east - west, north - south
    target = int(rng.choice(_TARGETS[land]))
    longer = max(width, height)
    if width * height <= _SLACK * target or longer < 2 * _LEAST_STEPS:
        return [rect], []
    cut = round(longer * float(rng.uniform(*_CUT)))
    cut = min(max(cut, _LEAST_STEPS), longer - _LEAST_STEPS)
    if width > height or (width == height and rng.random() < 1 / 2):
        halves = ((west, south, west + cut, north), (west + cut, south, east, north))
        line = (west + cut, south, west + cut, north)
    else:
        halves = ((west, south, east, south + cut), (west, south + cut, east, north))
        line = (west, south + cut, east, south + cut)
    first, first_cuts = _split(halves[0], land, rng)
    second, second_cuts = _split(halves[1], land, rng)
    return first + second, [line, *first_cuts, *second_cuts]


def _part(grid: Floats, rect: Rect) -> Floats:
    west, south, east, north = rect
    return grid[west : east + 1, south : north + 1]


def _local_street(grid: Floats, cut: Rect, key: Key, place: int) -> Way:
    coords = _part(grid, cut).reshape(-1, 2)
    highway = "tertiary" if place == 0 else "residential"
    name = f"local{key[0]}-{key[1]}-{place}"
    return Way(coords, highway, name)


def _parcels(grid: Floats, rects: list[Rect], setbacks: dict[str, float]) -> Geometries:
    """Return the land of each block behind the setbacks of its four streets."""
    local = SETBACK_M["residential"]
    rings, street_land = [], []
    for west, south, east, north in rects:
        part = _part(grid, (west, south, east, north))
        sides = (part[0], part[:, 0], part[-1], part[:, -1])
        widths = (
            setbacks["west"] if west == 0 else local,
            setbacks["south"] if south == 0 else local,
            setbacks["east"] if east == STEPS else local,
            setbacks["north"] if north == STEPS else local,
        )
        lines = [shapely.LineString(side) for side in sides]
        strips = shapely.buffer(lines, widths, cap_style="square", join_style="mitre")
        rings.append(shapely.Polygon(outer_ring(part)))
        street_land.append(shapely.union_all(strips))
    parcels = shapely.difference(rings, street_land, grid_size=GRID_M)
    return np.asarray(shapely.simplify(parcels, GRID_M), dtype=object)


def outer_ring(grid: Floats) -> Floats:
    """Return the vertices around a grid of points, closed, counter-clockwise."""
    return np.concatenate([grid[:, 0], grid[-1, 1:], grid[-2::-1, -1], grid[0, -2::-1]])
