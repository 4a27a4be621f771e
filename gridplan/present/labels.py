"""Labels on a printed map that do not cover each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridplan.present.canvas import INK, MUTED, Sheet, renderer_of

if TYPE_CHECKING:
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

_RINGS, _SPOKES = 9, 16
_STEP_PX = 9.0
_PAD_PX = 3.0
_HALO = 2.6
_POLE_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Label:
    """A text that belongs to an area, and its size in points."""

    area: shapely.Geometry
    text: str
    size: float
    colour: str = INK


def pole(area: shapely.Geometry) -> shapely.Point:
    """Return the point of an area farthest from its border, where a label sits best."""
    reach = math.sqrt(area.area)
    circle = shapely.maximum_inscribed_circle(area, tolerance=_POLE_SHARE * reach)
    return shapely.get_point(circle, 0)


def reserve_points(sheet: Sheet, points: Sequence[shapely.Geometry], radius_px: float) -> None:
    """Keep labels off the markers drawn at `points`."""
    from matplotlib.transforms import Bbox

    sheet.map.apply_aspect()
    for point in points:
        x, y = sheet.map.transData.transform((point.x, point.y))
        sheet.taken.append(
            Bbox.from_extents(x - radius_px, y - radius_px, x + radius_px, y + radius_px)
        )


def place_labels(sheet: Sheet, labels: Sequence[Label], *, order: float = 20.0) -> int:
    """
    Write labels near the poles of their areas; return how many had to overlap something.

    Largest areas first (then by text), each at the nearest free spot on rings about
    its pole; one that leaves its area gets a leader line. None is left out.
    """
    from matplotlib.patheffects import withStroke

    sheet.map.apply_aspect()
    renderer = renderer_of(sheet.figure)
    halo = [withStroke(linewidth=_HALO, foreground="white", alpha=0.9)]
    crowded = 0
    for label in sorted(labels, key=lambda one: (-one.area.area, one.text)):
        home = pole(label.area)
        drawn = sheet.map.text(
            home.x, home.y, label.text, size=label.size, color=label.colour, ha="center",
            va="center", zorder=order, linespacing=1.1, path_effects=halo,
        )  # fmt: skip
        box = drawn.get_window_extent(renderer).padded(_PAD_PX)
        shift, free = _free_shift(box, sheet)
        crowded += not free
        sheet.taken.append(box.translated(*shift))
        if shift != (0.0, 0.0):
            _move(sheet, drawn, label, shift)
    return crowded


def _free_shift(box: Bbox, sheet: Sheet) -> tuple[tuple[float, float], bool]:
    frame = sheet.map.get_window_extent()
    for ring in range(_RINGS):
        for spoke in range(_SPOKES if ring else 1):
            angle = 2 * math.pi * spoke / _SPOKES
            shift = (ring * _STEP_PX * math.cos(angle), ring * _STEP_PX * math.sin(angle))
            moved = box.translated(*shift)
            inside = frame.x0 <= moved.x0 and moved.x1 <= frame.x1
            if inside and not any(moved.overlaps(other) for other in sheet.taken):
                return shift, True
    return (0.0, 0.0), False


def _move(sheet: Sheet, drawn: Text, label: Label, shift: tuple[float, float]) -> None:
    to_pixel = sheet.map.transData
    home = np.array(drawn.get_position())
    spot = to_pixel.inverted().transform(to_pixel.transform(home) + np.array(shift))
    drawn.set_position(tuple(spot))
    if not label.area.contains(shapely.Point(spot)):
        sheet.map.plot(
            [home[0], spot[0]], [home[1], spot[1]], color=MUTED, linewidth=0.5,
            zorder=drawn.get_zorder() - 1,
        )  # fmt: skip
