"""Land without homes: factories, schools, markets, shops, parks and ponds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.sources.demo.blocks import Block
from gridplan.sources.demo.compounds import central
from gridplan.sources.demo.frames import Frame, boxes, nearest_crossing, on_grid
from gridplan.sources.demo.tracts import Ints, Tract
from gridplan.sources.demo.waterways import Way

_MARGIN_M = 5.0
_LEAST_HOUSE_M2 = 90.0
_CUT_SHARE = 0.55
_POLYGON = 3

_SHED_M2 = (2_600.0, 9_000.0)
_SHED_GAP_M = 7.0
_SHED_FLOORS, _SHED_FLOOR_SHARES = (1, 2, 3, 4), (0.5, 0.25, 0.15, 0.1)
_YARD_ROAD_M = 5.0
_GATE_GAP_M = 6.0
_POND_STEPS = 3
_DYKE_M = 5.0
_POND_MARGIN_M = 6.0
_CREEK_SWAY_M, _CREEK_HALF_M = 12.0, (4.0, 8.0)
_SHORE_M = 14.0
_ROUND_M = 25.0

# Houses as shares of the plot: west, south, east, north, floors. South is the front.
_PLANS: dict[str, tuple[tuple[float, float, float, float, int], ...]] = {
    "school": (
        (0.05, 0.82, 0.60, 0.95, 4),
        (0.05, 0.58, 0.60, 0.71, 5),
        (0.05, 0.36, 0.45, 0.48, 4),
        (0.70, 0.70, 0.95, 0.95, 2),
    ),
    "hospital": (
        (0.08, 0.70, 0.92, 0.90, 9),
        (0.08, 0.35, 0.38, 0.58, 4),
        (0.50, 0.30, 0.92, 0.58, 5),
    ),
    "market": ((0.08, 0.42, 0.92, 0.92, 2), (0.08, 0.08, 0.60, 0.26, 3)),
    "civic": (
        (0.15, 0.60, 0.85, 0.85, 5),
        (0.08, 0.15, 0.32, 0.45, 3),
        (0.68, 0.15, 0.92, 0.45, 3),
    ),
    "mall": (
        (0.06, 0.10, 0.94, 0.62, 4),
        (0.10, 0.72, 0.34, 0.94, 16),
        (0.62, 0.72, 0.90, 0.94, 12),
    ),
    "shops": (
        (0.03, 0.02, 0.48, 0.14, 3),
        (0.52, 0.02, 0.97, 0.14, 2),
        (0.03, 0.86, 0.60, 0.98, 3),
        (0.03, 0.22, 0.15, 0.78, 2),
        (0.45, 0.35, 0.85, 0.68, 5),
    ),
    "offices": (
        (0.08, 0.10, 0.40, 0.35, 8),
        (0.60, 0.10, 0.92, 0.35, 6),
        (0.08, 0.62, 0.40, 0.88, 10),
        (0.60, 0.62, 0.92, 0.88, 7),
    ),
}
_COMMERCIAL_PLANS = ("shops", "mall", "offices", "shops")


def build_public(block: Block, use: str) -> Tract:
    """Return a school, hospital, market or civic centre on the block."""
    return _from_plan(block, use, use)


def build_commercial(block: Block, rng: np.random.Generator) -> Tract:
    """Return shops, a mall or offices on the block."""
    return _from_plan(block, "commercial", str(rng.choice(_COMMERCIAL_PLANS)))


def build_factory(block: Block, rng: np.random.Generator) -> Tract:
    """Return a walled factory: sheds on either side of a yard road that is not public."""
    frame = _frame(block)
    place = central(int(rng.integers(1, block.grid.shape[0] - 1)), block.grid.shape[0])
    depth = max(2, block.grid.shape[1] - 2)
    road = block.grid[place, :depth]
    yard = Way(road, "service", private=True)
    target = float(rng.uniform(*_SHED_M2))
    x0, y0, x1, y1 = _bounds(block, frame)
    middle = float(frame.local(road)[:, 0].mean())
    halves = [(x0, y0, middle - _YARD_ROAD_M, y1), (middle + _YARD_ROAD_M, y0, x1, y1)]
    plots = np.array([plot for half in halves for plot in _divide(half, target, rng)])
    sheds = _on_parcel(block, frame, plots, inset_m=_SHED_GAP_M)
    clear = shapely.distance(sheds, shapely.LineString(road)) > _YARD_ROAD_M
    sheds = sheds[clear]
    floors = rng.choice(_SHED_FLOORS, p=_SHED_FLOOR_SHARES, size=len(sheds)).astype(np.int64)
    return Tract(
        block,
        "factory",
        ways=[yard],
        footprints=sheds,
        floors=floors,
        households=np.zeros(len(sheds), dtype=np.int64),
        walls=[_wall_with_gap(block, road)],
    )


def build_park(block: Block, rng: np.random.Generator, *, lake: bool) -> Tract:
    """Return a park: a lake, or two footpaths that cross."""
    if lake:
        shore = shapely.buffer(block.parcel, -_SHORE_M - _ROUND_M, quad_segs=4)
        water = shapely.set_precision(shapely.buffer(shore, _ROUND_M, quad_segs=4), GRID_M)
        return Tract(block, "park", ponds=_polygons(water))
    column = central(int(rng.integers(1, block.grid.shape[0] - 1)), block.grid.shape[0])
    row = central(int(rng.integers(1, block.grid.shape[1] - 1)), block.grid.shape[1])
    paths = [Way(block.grid[column], "footway"), Way(block.grid[:, row], "footway")]
    return Tract(block, "park", ways=paths)


def build_ponds(block: Block, rng: np.random.Generator) -> Tract:
    """Return fish ponds between dykes."""
    land = shapely.buffer(block.parcel, -_POND_MARGIN_M, join_style="mitre")
    width, height = block.grid.shape[0] - 1, block.grid.shape[1] - 1
    columns = [*range(0, width, _POND_STEPS), width]
    shift = int(rng.integers(1, _POND_STEPS))
    rows = sorted({0, *range(shift, height, _POND_STEPS - 1), height})
    quads = []
    for west, east in pairwise(columns):
        for south, north in pairwise(rows):
            grid = block.grid[west : east + 1, south : north + 1]
            quads.append(np.stack([grid[0, 0], grid[-1, 0], grid[-1, -1], grid[0, -1]]))
    ponds = shapely.buffer(shapely.polygons(quads), -_DYKE_M, join_style="mitre")
    clipped = shapely.intersection(ponds, land, grid_size=GRID_M)
    return Tract(block, "ponds", ponds=_polygons(clipped))


def build_creek(block: Block, rng: np.random.Generator) -> Tract:
    """Return open fields with a creek that ends short of the streets, as in culverts."""
    land = shapely.buffer(block.parcel, -_POND_MARGIN_M, join_style="mitre")
    along_column = bool(rng.integers(2))
    grid = block.grid if along_column else block.grid.swapaxes(0, 1)
    line = grid[central(int(rng.integers(1, grid.shape[0] - 1)), grid.shape[0])]
    sway = rng.uniform(-_CREEK_SWAY_M, _CREEK_SWAY_M, size=line.shape)
    water = shapely.buffer(
        shapely.LineString(line + sway), float(rng.uniform(*_CREEK_HALF_M)), cap_style="flat"
    )
    smooth = shapely.buffer(shapely.buffer(water, _ROUND_M, quad_segs=2), -_ROUND_M, quad_segs=2)
    return Tract(
        block, "creek", ponds=_polygons(shapely.intersection(smooth, land, grid_size=GRID_M))
    )


def _from_plan(block: Block, use: str, plan: str) -> Tract:
    frame = _frame(block)
    x0, y0, x1, y1 = _bounds(block, frame)
    shares = np.array(_PLANS[plan])
    low, size = np.array([x0, y0, x0, y0]), np.array([x1 - x0, y1 - y0, x1 - x0, y1 - y0])
    houses, kept = _clipped(block, frame, low + shares[:, :4] * size)
    floors: Ints = shares[kept, 4].astype(np.int64)
    return Tract(block, use, footprints=houses, floors=floors, households=np.zeros_like(floors))


def _frame(block: Block) -> Frame:
    middle = block.grid.shape[1] // 2
    return Frame.along(block.grid[0, middle], block.grid[-1, middle])


def _bounds(block: Block, frame: Frame) -> tuple[float, float, float, float]:
    """Return the parcel's extent in the frame, between the middles of its sides."""
    local = frame.local(shapely.get_coordinates(block.parcel))
    low, high = local.min(axis=0), local.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _divide(
    plot: tuple[float, float, float, float], target: float, rng: np.random.Generator
) -> list[tuple[float, float, float, float]]:
    x0, y0, x1, y1 = plot
    if (x1 - x0) * (y1 - y0) <= target:
        return [plot]
    share = float(rng.uniform(1 - _CUT_SHARE, _CUT_SHARE))
    if x1 - x0 > y1 - y0:
        cut = x0 + share * (x1 - x0)
        halves = ((x0, y0, cut, y1), (cut, y0, x1, y1))
    else:
        cut = y0 + share * (y1 - y0)
        halves = ((x0, y0, x1, cut), (x0, cut, x1, y1))
    return [*_divide(halves[0], target, rng), *_divide(halves[1], target, rng)]


def _on_parcel(block: Block, frame: Frame, plots: Floats, *, inset_m: float) -> Geometries:
    inset = plots + inset_m * np.array([1.0, 1.0, -1.0, -1.0])
    return _clipped(block, frame, inset[(inset[:, :2] < inset[:, 2:]).all(axis=1)])[0]


def _clipped(block: Block, frame: Frame, plots: Floats) -> tuple[Geometries, Ints]:
    """Return the houses cut at the parcel's edge, and the rows of those with room left."""
    size = plots[:, 2:] - plots[:, :2]
    rings = boxes(plots[:, 0], plots[:, 1], size[:, 0], size[:, 1])
    whole = shapely.polygons(frame.ground(rings))
    land = shapely.buffer(block.parcel, -_MARGIN_M, join_style="mitre")
    houses = shapely.intersection(whole, land, grid_size=GRID_M)
    area = shapely.area(houses)
    fits = (area > _LEAST_HOUSE_M2) & (area > _CUT_SHARE * shapely.area(whole))
    kept = np.flatnonzero(fits & (shapely.get_type_id(houses) == _POLYGON))
    return houses[kept], kept


def _polygons(shapes: shapely.Geometry | Geometries) -> Geometries:
    parts = shapely.get_parts(shapes)
    large = (shapely.get_type_id(parts) == _POLYGON) & (shapely.area(parts) > _LEAST_HOUSE_M2)
    return np.asarray(parts[large], dtype=object)


def _wall_with_gap(block: Block, road: Floats) -> Floats:
    """Return the wall round the parcel, open where the yard road passes."""
    ring = shapely.get_coordinates(block.parcel.exterior)
    gate = nearest_crossing(road[::-1], ring)
    opening = shapely.buffer(shapely.Point(gate), _GATE_GAP_M)
    wall = shapely.difference(shapely.LineString(ring), opening)
    merged = shapely.line_merge(wall)
    return on_grid(shapely.get_coordinates(merged))
