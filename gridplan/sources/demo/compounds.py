"""Walled compounds: gates, the street net behind them, and slabs in rows that face south."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.sources.demo.blocks import Block
from gridplan.sources.demo.frames import (
    Frame,
    boxes,
    insert_vertex,
    nearest_crossing,
    on_grid,
)
from gridplan.sources.demo.tracts import Ints, Tract
from gridplan.sources.demo.waterways import Way

Range = tuple[float, float]

_WALL_MARGIN_M = 6.0
_ARM_END_M = 10.0
_STREET_MARGIN_M = 3.0
_SPINE_MARGIN_M = 6.5
_CROSS_MARGIN_M = 8.0
_LANE_BEHIND_M = 4.5
_LANE_FROM_CROSS_M = 7.0
_LEAST_LANE_M = 18.0
_STOREY_M = 3.0
_SIDES = ("south", "north", "east", "west")
_GATE_TURNS = (("south", "north", "east", "west"), ("north", "south", "west", "east"))


@dataclass(frozen=True, slots=True)
class Style:
    """
    How the houses of a compound are built.

    A unit (单元) is one staircase: `unit_m` long, `depth_m` deep, `homes` per floor.
    Rows stand `spacing` times their height apart, at least `least_gap_m`.
    """

    name: str
    kind: str
    unit_m: Range
    depth_m: Range
    units: tuple[int, int]
    homes: int
    floors: tuple[int, int]
    gap_m: float
    spacing: float
    least_gap_m: float = 18.0


SLABS = Style("slabs", "commodity", (15.6, 17.6), (11.8, 12.4), (2, 4), 2, (5, 6), 10.0, 1.12)
LIFTS = Style("lifts", "commodity", (15.4, 17.2), (12.2, 12.8), (2, 3), 2, (9, 11), 13.0, 0.98)
TOWERS = Style("towers", "commodity", (24.0, 26.0), (15.5, 16.5), (1, 1), 4, (16, 24), 21.0, 0.62)
RESETTLED = Style("rows", "resettlement", (15.0, 16.6), (11.6, 12.2), (3, 5), 2, (5, 6), 9.0, 1.08)
DORMITORY = Style(
    "dormitory", "dormitory", (17.0, 19.0), (13.5, 14.5), (2, 3), 9, (5, 6), 12.0, 0.9
)


@dataclass
class _Net:
    """The arms from the middle to the sides: through a gate, or ending inside the wall."""

    wall: Floats
    arms: dict[str, Floats] = field(default_factory=dict)
    gates: list[Floats] = field(default_factory=list)

    @property
    def spine(self) -> Floats:
        """The line from south to north through the middle."""
        return np.concatenate([self.arms["south"][::-1], self.arms["north"][1:]])

    @property
    def cross(self) -> Floats | None:
        """The line from west to east through the middle, as far as it has gates."""
        parts = [self.arms["west"][::-1]] if "west" in self.arms else []
        if "east" in self.arms:
            parts.append(self.arms["east"][1:] if parts else self.arms["east"])
        return np.concatenate(parts) if parts else None


def lay_out(block: Block, style: Style, *, gates: int, rng: np.random.Generator) -> Tract | None:
    """
    Return a compound on the block's parcel; None where it has no room for a house.

    Gates open on the south and north first, where the spine meets the streets.
    """
    column, row = (int(rng.integers(1, size - 1)) for size in block.grid.shape[:2])
    column = central(column, block.grid.shape[0])
    row = central(row, block.grid.shape[1])
    turn = _GATE_TURNS[int(rng.integers(len(_GATE_TURNS)))]
    net = _make_net(block, column, row, turn[:gates])
    frame = Frame.along(block.grid[0, row], block.grid[-1, row])
    plan = _Plan(style, frame, net, rng)
    rows = plan.rows()
    lanes, spine = plan.lanes(rows)
    footprints, units, floors = plan.houses(rows, lanes)
    if not len(footprints):
        return None
    ways = [Way(spine, "service"), *(Way(lane, "footway") for lane in lanes)]
    if net.cross is not None:
        ways.append(Way(net.cross, "service"))
    return Tract(
        block,
        style.kind,
        outline=shapely.Polygon(net.wall),
        gates=np.stack(net.gates),
        ways=ways,
        footprints=footprints,
        floors=floors,
        households=units * style.homes * floors,
    )


def central(drawn: int, size: int) -> int:
    """Return a place in the middle third of `size` points, by a draw from all inner ones."""
    middle = (size - 1) // 2
    return int(np.clip(drawn, max(1, middle - size // 6), min(size - 2, middle + size // 6)))


def _make_net(block: Block, column: int, row: int, gated: tuple[str, ...]) -> _Net:
    grid = block.grid
    net = _Net(shapely.get_coordinates(block.parcel.exterior))
    arms = {
        "south": grid[column, row::-1],
        "north": grid[column, row:],
        "west": grid[column::-1, row],
        "east": grid[column:, row],
    }
    for side in _SIDES:
        arm = arms[side]
        gate = nearest_crossing(arm, net.wall)
        if side in gated:
            net.wall = insert_vertex(net.wall, gate)
            net.arms[side] = insert_vertex(arm, gate)
            net.gates.append(gate)
        elif side in ("south", "north"):
            net.arms[side] = _ending_inside(arm, gate)
    return net


def _ending_inside(arm: Floats, gate: Floats) -> Floats:
    line = shapely.LineString(arm)
    reach = shapely.line_locate_point(line, shapely.Point(gate)) - _ARM_END_M
    if reach < _ARM_END_M:
        return arm[:1]
    end = shapely.get_coordinates(shapely.line_interpolate_point(line, reach))[0]
    along = shapely.line_locate_point(line, shapely.points(arm))
    return np.concatenate([arm[along < reach - _STREET_MARGIN_M], on_grid(end)[None]])


@dataclass
class _Rows:
    """Rows of houses in the local frame: lower edge, depth and storeys of each."""

    y: Floats
    depth: float
    unit: float
    floors: Ints


class _Plan:
    """One compound's layout in its own frame, x along the rows and y to the north."""

    def __init__(self, style: Style, frame: Frame, net: _Net, rng: np.random.Generator) -> None:
        self._style, self._frame, self._rng = style, frame, rng
        self._net = net
        self._wall = shapely.Polygon(frame.local(net.wall))
        self._inner = shapely.buffer(self._wall, -_WALL_MARGIN_M, join_style="mitre")
        self._spine = frame.local(net.spine)
        self._cross = None if net.cross is None else frame.local(net.cross)

    def rows(self) -> _Rows:
        """Return the rows, from the cross street outwards or from the south wall."""
        style, rng = self._style, self._rng
        unit, depth = float(rng.uniform(*style.unit_m)), float(rng.uniform(*style.depth_m))
        low, high = style.floors
        floors = int(rng.integers(low, high + 1))
        pitch = depth + max(style.least_gap_m, style.spacing * floors * _STOREY_M)
        if self._inner.is_empty:
            return _Rows(np.empty(0), depth, unit, np.empty(0, dtype=np.int64))
        _, south, _, north = self._inner.bounds
        if self._cross is None:
            slack = (north - south - depth) % pitch
            y = np.arange(south + slack / 2, north - depth, pitch)
        else:
            middle = float(self._cross[:, 1].mean())
            upward = np.arange(middle + _CROSS_MARGIN_M, north - depth, pitch)
            downward = np.arange(middle - _CROSS_MARGIN_M - depth, south, -pitch)
            y = np.sort(np.concatenate([downward, upward]))
        varied = rng.integers(max(low, floors - 1), floors + 1, size=len(y))
        return _Rows(y, depth, unit, varied.astype(np.int64))

    def lanes(self, rows: _Rows) -> tuple[list[Floats], Floats]:
        """Return the footways behind the rows, and the spine with a vertex at each."""
        y = rows.y + rows.depth + _LANE_BEHIND_M
        y = y[(y > self._spine[0, 1] + 1) & (y < self._spine[-1, 1] - 1)]
        west, east = self._extent(y)
        lanes, spine = [], self._net.spine
        for height, left, right in zip(y, west, east, strict=True):
            meet = np.interp(height, self._spine[:, 1], self._spine[:, 0])
            ends = np.array(
                [[left + _ARM_END_M, height], [meet, height], [right - _ARM_END_M, height]]
            )
            if not self._fits(ends):
                continue
            lane = self._frame.ground(ends)
            keep = np.abs(ends[:, 0] - meet) > _LEAST_LANE_M
            keep[1] = True
            lanes.append(lane[keep])
            spine = insert_vertex(spine, lane[1])
        return [lane for lane in lanes if len(lane) > 1], spine

    def houses(self, rows: _Rows, lanes: list[Floats]) -> tuple[Geometries, Ints, Ints]:
        """Return footprints on the ground, staircases per floor and floors."""
        low, high = self._extent(rows.y), self._extent(rows.y + rows.depth)
        west, east = np.maximum(low[0], high[0]), np.minimum(low[1], high[1])
        middle = np.interp(rows.y + rows.depth / 2, self._spine[:, 1], self._spine[:, 0])
        placed = [
            (x, y, count, floors)
            for y, left, right, spine, floors in zip(
                rows.y, west, east, middle, rows.floors, strict=True
            )
            if left < right
            for x, count in self._fill(left, right, spine, rows.unit)
        ]
        if not placed:
            empty = np.empty(0, dtype=np.int64)
            return np.empty(0, dtype=object), empty, empty
        x, y, units, storeys = np.array(placed).T
        local = boxes(x, y, units * rows.unit, np.full_like(x, rows.depth))
        footprints = shapely.polygons(self._frame.ground(local))
        keep = self._free(footprints, lanes)
        return footprints[keep], units[keep].astype(np.int64), storeys[keep].astype(np.int64)

    def _extent(self, y: Floats) -> tuple[Floats, Floats]:
        """Return the ends, inside the wall, of horizontal lines at heights `y`."""
        if self._inner.is_empty or not len(y):
            return np.full(len(y), np.inf), np.full(len(y), -np.inf)
        west, _, east, _ = self._inner.bounds
        ends = np.stack(
            [np.stack([np.full_like(y, west), y], 1), np.stack([np.full_like(y, east), y], 1)], 1
        )
        bounds = shapely.bounds(shapely.intersection(shapely.linestrings(ends), self._inner))
        bounds = np.where(np.isnan(bounds), [np.inf, 0, -np.inf, 0], bounds)
        return bounds[:, 0], bounds[:, 2]

    def _fits(self, ends: Floats) -> bool:
        if not (ends[0, 0] < ends[1, 0] + GRID_M and ends[1, 0] < ends[2, 0] + GRID_M):
            return False
        if self._cross is None:
            return True
        lane, cross = shapely.LineString(ends), shapely.LineString(self._cross)
        return bool(shapely.distance(lane, cross) > _LANE_FROM_CROSS_M)

    def _fill(
        self, left: float, right: float, spine: float, unit: float
    ) -> list[tuple[float, int]]:
        """Return start and staircases of the houses on both sides of the spine."""
        placed: list[tuple[float, int]] = []
        start = spine + _SPINE_MARGIN_M
        for count in self._lengths(right - start, unit):
            placed.append((start, count))
            start += count * unit + self._style.gap_m
        end = spine - _SPINE_MARGIN_M
        for count in self._lengths(end - left, unit):
            placed.append((end - count * unit, count))
            end -= count * unit + self._style.gap_m
        return placed

    def _lengths(self, room: float, unit: float) -> list[int]:
        least, most = self._style.units
        counts: list[int] = []
        while room >= least * unit:
            count = min(most, int(room // unit))
            counts.append(count)
            room -= count * unit + self._style.gap_m
        # A narrow plot gets single staircases instead of standing empty.
        return counts or ([1] if room >= unit else [])

    def _free(self, footprints: Geometries, lanes: list[Floats]) -> npt.NDArray[np.bool_]:
        lines = [self._net.spine, *lanes]
        if self._net.cross is not None:
            lines.append(self._net.cross)
        net = shapely.multilinestrings(
            [shapely.LineString(line) for line in lines if len(line) > 1]
        )
        inner = shapely.buffer(shapely.Polygon(self._net.wall), -_WALL_MARGIN_M / 2)
        shapely.prepare(inner)
        free = shapely.within(footprints, inner)
        return np.asarray(free & (shapely.distance(footprints, net) > _STREET_MARGIN_M))
