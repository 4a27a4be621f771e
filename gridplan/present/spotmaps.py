"""Small maps of single spots: buildings, walls, streets, water, the thing in doubt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from gridplan.errors import Language
from gridplan.fieldcheck import FieldCheck
from gridplan.geometry import Geometries
from gridplan.network import is_closed, wall_lines
from gridplan.plan import Plan
from gridplan.present import canvas
from gridplan.present.canvas import ACCENT, INK, MUTED, Ink
from gridplan.present.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

_WIDE_IN, _HIGH_IN = 2.76, 2.2
_LEAST_M, _MOST_M, _ROOM = 110.0, 700.0, 1.35
_NAMES = 4
_OF_ESTATES = ("wall", "estate_gate")
"""Kinds that concern an estate as a whole, which the map shows."""
_SCALE_SHARE = 0.32
_WALL, _HOMES, _HOMES_EDGE = "#7d5a3c", "#f3d9a4", "#b9862a"
_STREET = canvas.Stroke("#b4babe", 1.5, 3)
_BRIGHT = canvas.Stroke("#ffffff", 0.9, 3.1)
_WALLS = canvas.Stroke(_WALL, 1.3, 5)
_ESTATE = canvas.Stroke(_WALL, 0.9, 4.5, (0, (1, 2)))
_WAY = canvas.Stroke(ACCENT, 1.6, 8, (0, (3, 2)))
_GATE = canvas.Symbol("o", 4.0, _WALL, "white")
_COMMITTEE = canvas.Symbol("s", 4.5, INK, "white")


@dataclass(frozen=True)
class _Near:
    """Shapes that can be asked for by place."""

    shapes: Geometries
    tree: shapely.STRtree

    @classmethod
    def of(cls, shapes: Geometries) -> _Near:
        whole = np.asarray(shapes, dtype=object)
        return cls(whole, shapely.STRtree(whole))

    def inside(self, frame: shapely.Polygon) -> Geometries:
        """Return the shapes that meet a frame, cut to it where they are lines or areas."""
        found = self.shapes[np.sort(self.tree.query(frame, "intersects"))]
        cut = shapely.intersection(found, frame)
        return np.asarray(cut[~shapely.is_empty(cut)], dtype=object)


def spot_maps(plan: Plan, check: FieldCheck, lang: Language) -> list[bytes]:
    """Return one small map for each item, as PNG."""
    place = plan.place
    streets = plan.layer("streets")
    layers = {
        "water": _Near.of(place.water.geometry.to_numpy()),
        "buildings": _Near.of(place.buildings.geometry.to_numpy()),
        "streets": _Near.of(streets.geometry.to_numpy()),
        "walls": _Near.of(wall_lines(barriers=place.barriers, estates=place.estates).to_numpy()),
        "gates": _Near.of(place.gates.geometry.to_numpy()[~is_closed(place.gates)]),
        "committees": _Near.of(plan.layer("committees").geometry.to_numpy()),
    }
    named = streets[streets["name"].notna()]
    shapes = dict(zip(place.buildings["building_id"], place.buildings.geometry, strict=True))
    estates = dict(zip(place.estates["estate_id"], place.estates.geometry, strict=True))
    pictures = []
    with canvas.drawing(lang) as ink:
        for row in check.items.itertuples():
            estate = estates.get(row.estate_id)
            shown = _Shown(
                spot=row.geometry,
                way=None if row.way is None else shapely.from_wkt(row.way),
                homes=[shapes[one] for one in json.loads(row.members) if one in shapes],
                estate=estate,
                whole_estate=row.kind in _OF_ESTATES,
            )
            pictures.append(_spot_map(shown, layers, named, ink))
    return pictures


@dataclass(frozen=True)
class _Shown:
    """What one map is about."""

    spot: shapely.Point
    way: shapely.LineString | None
    homes: list[shapely.Geometry]
    estate: shapely.Geometry | None
    whole_estate: bool


def _spot_map(shown: _Shown, layers: dict[str, _Near], named: gpd.GeoDataFrame, ink: Ink) -> bytes:
    spot = shown.spot
    figure = canvas.new_figure(_WIDE_IN, _HIGH_IN)
    axes = figure.add_axes((0, 0, 1, 1))
    half_m = _half_width(shown)
    high_m = half_m * _HIGH_IN / _WIDE_IN
    frame = shapely.box(spot.x - half_m, spot.y - high_m, spot.x + half_m, spot.y + high_m)
    axes.set(xlim=(spot.x - half_m, spot.x + half_m), ylim=(spot.y - high_m, spot.y + high_m))
    axes.set_axis_off()
    axes.add_patch(_ground(frame))
    for name, fill, edge in (
        ("water", canvas.WATER, canvas.WATER_EDGE),
        ("buildings", "#d5d9da", "none"),
    ):
        areas = _areal(layers[name].inside(frame))
        if len(areas):
            canvas.polygons(axes, areas, fill=fill, edge=edge, width=0.4, order=2)
    homes = _areal(np.asarray(shown.homes, dtype=object))
    if len(homes):
        canvas.polygons(axes, homes, fill=_HOMES, edge=_HOMES_EDGE, width=0.6, order=4)
    for name, strokes in (("streets", (_STREET, _BRIGHT)), ("walls", (_WALLS,))):
        found = _linear(layers[name].inside(frame))
        for stroke in strokes if len(found) else ():
            canvas.lines(axes, list(found), stroke)
    for name, symbol in (("gates", _GATE), ("committees", _COMMITTEE)):
        points = shapely.get_coordinates(layers[name].inside(frame))
        symbol.draw(axes, points[:, 0].tolist(), points[:, 1].tolist(), 7)
    if shown.estate is not None:
        canvas.lines(axes, [shown.estate], _ESTATE)
    if shown.way is not None:
        canvas.lines(axes, [shown.way], _WAY)
    _ring(axes, spot)
    _street_names(axes, named, frame, ink)
    _scale_and_north(axes, half_m)
    return canvas.png(figure)


def _half_width(shown: _Shown) -> float:
    """Return half the width of the map: what is concerned fits, within limits."""
    around = [shown.way, *shown.homes, *([shown.estate] if shown.whole_estate else [])]
    reach = [
        float(shapely.hausdorff_distance(one, shown.spot)) for one in around if one is not None
    ]
    return float(min(max(max(reach, default=0.0) * _ROOM, _LEAST_M), _MOST_M))


def _ground(frame: shapely.Polygon) -> Patch:
    from matplotlib.patches import Rectangle

    west, south, east, north = frame.bounds
    return Rectangle(
        (west, south), east - west, north - south, facecolor=canvas.LAND, edgecolor="none", zorder=0
    )


def _areal(shapes: Geometries) -> Geometries:
    parts = shapely.get_parts(shapes)
    return np.asarray(parts[shapely.get_dimensions(parts) == 2], dtype=object)  # noqa: PLR2004


def _linear(shapes: Geometries) -> Geometries:
    parts = shapely.get_parts(shapes)
    return np.asarray(parts[shapely.get_dimensions(parts) == 1], dtype=object)


def _ring(axes: Axes, spot: shapely.Point) -> None:
    axes.plot(
        [spot.x], [spot.y], linestyle="none", marker="o", markersize=13, markerfacecolor="none",
        markeredgecolor=ACCENT, markeredgewidth=1.8, zorder=11,
    )  # fmt: skip


def _street_names(axes: Axes, named: gpd.GeoDataFrame, frame: shapely.Polygon, ink: Ink) -> None:
    """Write the names of the longest streets on the map, each once, along the street."""
    from matplotlib import patheffects

    lines = named.geometry.to_numpy()
    near = np.sort(shapely.STRtree(lines).query(frame, "intersects"))
    cut = shapely.intersection(lines[near], frame)
    best: dict[str, tuple[float, shapely.Geometry]] = {}
    for name, line in zip(named["name"].to_numpy()[near], cut, strict=True):
        longest = max(shapely.get_parts(line), key=shapely.length, default=None)
        if longest is not None and longest.length > best.get(str(name), (0.0, None))[0]:
            best[str(name)] = (float(longest.length), longest)
    chosen = sorted(best.items(), key=lambda one: (-round(one[1][0], 3), one[0]))[:_NAMES]
    taken: list[shapely.Point] = []
    apart = (frame.bounds[3] - frame.bounds[1]) / 8
    for name, (_, line) in chosen:
        middle = line.interpolate(0.5, normalized=True)
        if any(middle.distance(one) < apart for one in taken):
            continue
        taken.append(middle)
        text = axes.text(
            middle.x, middle.y, ink.text(name), size=6.2, color=MUTED, ha="center", va="center",
            zorder=10, clip_on=True, rotation=_slope(line), rotation_mode="anchor",
        )  # fmt: skip
        text.set_path_effects([patheffects.withStroke(linewidth=1.8, foreground="white")])


def _slope(line: shapely.LineString) -> float:
    """Return the direction of a line's middle in degrees, so that a text on it stands upright."""
    ends = shapely.get_coordinates(line.interpolate([0.4, 0.6], normalized=True))
    x, y = ends[1] - ends[0]
    angle = float(np.degrees(np.arctan2(y, x)))
    return (angle + 90) % 180 - 90


def _scale_and_north(axes: Axes, half_m: float) -> None:
    from matplotlib.patches import Polygon, Rectangle

    length_m = canvas.round_length(2 * half_m * _SCALE_SHARE)
    share = length_m / (2 * half_m)
    over: dict[str, Any] = {"transform": axes.transAxes, "zorder": 12}
    axes.add_patch(
        Rectangle((0.02, 0.025), share + 0.17, 0.1, facecolor="#ffffffd8", edgecolor="none", **over)
    )
    for half, colour in ((0, INK), (1, "white")):
        axes.add_patch(
            Rectangle(
                (0.04 + half * share / 2, 0.05), share / 2, 0.024,
                facecolor=colour, edgecolor=INK, linewidth=0.5, **over,
            )
        )  # fmt: skip
    axes.text(0.055 + share, 0.062, f"{number(length_m)} m", size=6, va="center", **over)
    x, y = 0.95, 0.8
    axes.add_patch(
        Rectangle((0.915, 0.775), 0.07, 0.205, facecolor="#ffffffd8", edgecolor="none", **over)
    )
    for side, colour in ((-1, INK), (1, "white")):
        axes.add_patch(
            Polygon(
                [(x, y + 0.1), (x + side * 0.022, y), (x, y + 0.025)],
                facecolor=colour, edgecolor=INK, linewidth=0.5, **over,
            )
        )  # fmt: skip
    axes.text(x, y + 0.11, "N", size=6.5, ha="center", va="bottom", **over)
