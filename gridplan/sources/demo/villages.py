"""Villages in town: houses on small irregular plots along lanes, without a wall."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.sources.demo.blocks import Block
from gridplan.sources.demo.frames import Frame, boxes, on_grid
from gridplan.sources.demo.tracts import Ints, Tract
from gridplan.sources.demo.waterways import Way

_REACH = (2, 6)
_ROWS = (6, 12)
_PLOT_M = (13.6, 17.5)
_LANE_SIDE_M = 3.0
_HOUSE_WIDTH_M, _HOUSE_DEPTH_M = (8.4, 11.0), (9.0, 12.4)
_SHIFT_M = 1.2
_TURN = 0.07
_EMPTY_SHARE = 0.1
_CLEAR_M = 1.5
_FLOORS, _FLOOR_SHARES = (2, 3, 4), (0.45, 0.45, 0.10)
_LODGERS, _LODGER_SHARES = (0, 1, 2, 3, 4, 5), (0.08, 0.17, 0.27, 0.25, 0.15, 0.08)


def lay_out_village(block: Block, rng: np.random.Generator) -> Tract:
    """
    Return a village along a lane through the block, open to the streets at both ends.

    Every house holds its owner's household and up to five that rent rooms.
    """
    width, height = block.grid.shape[0] - 1, block.grid.shape[1] - 1
    lane = int(rng.integers(1, width)) if width > 1 else 1
    lane = min(max(lane, width // 3), width - 1) if width > 1 else 1
    rows = min(height, int(rng.integers(*_ROWS)))
    first = int(rng.integers(0, height - rows + 1))
    low = np.maximum(0, lane - rng.integers(*_REACH, size=rows))
    high = np.minimum(width, lane + rng.integers(*_REACH, size=rows))
    ways = _lanes(block.grid, lane, first, np.stack([low, high], axis=1))
    plots = [
        (column, first + place)
        for place in range(rows)
        for column in range(int(low[place]), int(high[place]))
    ]
    cells = [_quad(block.grid, *plot) for plot in plots]
    outline = _largest(
        shapely.intersection(shapely.union_all(cells), block.parcel, grid_size=GRID_M)
    )
    footprints = _free(_houses(block.grid, plots, rng), outline, ways)
    floors = rng.choice(_FLOORS, p=_FLOOR_SHARES, size=len(footprints)).astype(np.int64)
    lodgers: Ints = rng.choice(_LODGERS, p=_LODGER_SHARES, size=len(footprints)).astype(np.int64)
    return Tract(
        block,
        "village",
        outline=outline,
        ways=ways,
        footprints=footprints,
        floors=floors,
        households=1 + lodgers,
    )


def _lanes(grid: Floats, lane: int, first: int, reach: npt.NDArray[np.int64]) -> list[Way]:
    ways = [Way(grid[lane], "residential")]
    for place in range(1, len(reach)):
        low = int(reach[place - 1 : place + 1, 0].min())
        high = int(reach[place - 1 : place + 1, 1].max())
        # A lane that would touch the street at the block's edge joins it there.
        ways.append(Way(grid[low : high + 1, first + place], "footway"))
    return ways


def _quad(grid: Floats, column: int, row: int) -> shapely.Polygon:
    ring = (
        grid[column, row],
        grid[column + 1, row],
        grid[column + 1, row + 1],
        grid[column, row + 1],
    )
    return shapely.Polygon(np.stack(ring))


def _houses(grid: Floats, plots: list[tuple[int, int]], rng: np.random.Generator) -> Geometries:
    houses: list[Floats] = []
    for column, row in plots:
        west, east = grid[column, row], grid[column + 1, row]
        south, north = (west + east) / 2, (grid[column, row + 1] + grid[column + 1, row + 1]) / 2
        frame = Frame.along(west, east)
        width = float(np.hypot(*(east - west))) - 2 * _LANE_SIDE_M
        height = float(np.hypot(*(north - south))) - 2 * _LANE_SIDE_M
        across, along = max(1, int(width // _PLOT_M[0])), max(1, int(height // _PLOT_M[1]))
        s, t = np.meshgrid((np.arange(across) + 0.5) / across, (np.arange(along) + 0.5) / along)
        middles = _blend(grid, column, row, s.ravel(), t.ravel())
        kept = rng.random(len(middles)) >= _EMPTY_SHARE
        houses.append(_rings(frame, middles[kept], rng))
    return np.asarray(shapely.polygons(np.concatenate(houses)), dtype=object)


def _blend(grid: Floats, column: int, row: int, s: Floats, t: Floats) -> Floats:
    """Return points inside one quadrilateral of the grid by bilinear blending."""
    s, t = s[:, None], t[:, None]
    low = (1 - s) * grid[column, row] + s * grid[column + 1, row]
    high = (1 - s) * grid[column, row + 1] + s * grid[column + 1, row + 1]
    return np.asarray((1 - t) * low + t * high, dtype=np.float64)


def _rings(frame: Frame, middles: Floats, rng: np.random.Generator) -> Floats:
    """Return closed rings of houses of various sizes, a little turned and shifted."""
    count = len(middles)
    width = rng.uniform(*_HOUSE_WIDTH_M, size=count)
    depth = rng.uniform(*_HOUSE_DEPTH_M, size=count)
    shift = rng.uniform(-_SHIFT_M, _SHIFT_M, size=(2, count))
    local = boxes(shift[0] - width / 2, shift[1] - depth / 2, width, depth)
    turn = np.arctan2(frame.sin, frame.cos) + rng.uniform(-_TURN, _TURN, size=count)
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, y = local[..., 0], local[..., 1]
    turned = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
    return on_grid(turned + middles[:, None])


def _free(houses: Geometries, outline: shapely.Polygon, ways: list[Way]) -> Geometries:
    """Return the houses inside the village that stand clear of lanes and of earlier houses."""
    lanes = shapely.multilinestrings([shapely.LineString(way.coords) for way in ways])
    clear = shapely.distance(houses, lanes) > _CLEAR_M
    houses = houses[clear & shapely.within(houses, outline)]
    tree = shapely.STRtree(houses)
    one, other = tree.query(houses, predicate="intersects")
    first = np.setdiff1d(np.arange(len(houses)), one[one > other])
    return np.asarray(houses[first], dtype=object)


def _largest(shape: shapely.Geometry) -> shapely.Polygon:
    parts = shapely.get_parts(shape)
    return parts[int(np.argmax(shapely.area(parts)))]
