"""Do cells outside the band of areas say why, in a known word, and has none a spike."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import Checked
from gridplan.verify.frames import (
    Flags,
    Shapes,
    given_of,
    is_in,
    labels,
    missing_columns,
    number,
    shapes,
    sound,
    texts,
)
from gridplan.verify.rules import figure, finding
from gridplan.verify.world import World

EXCEPTIONS = (
    "building",
    "detached",
    "estate",
    "given",
    "given_large",
    "given_small",
    "green",
    "large",
    "large_building",
    "remainder",
    "rural",
    "sliver",
    "small",
    "small_community",
    "undivided",
    "water",
)
"""The closed list of reasons why a cell is outside the band."""

SPIKE_DEGREES = 1.0
"""A corner sharper than this is a slip of the pen."""

SPIKE_M = 1.0
"""Shorter spikes are rounding."""

_RECOGNISABLE_MOST = 2.0


@dataclass(frozen=True, slots=True)
class Band:
    """The areas, in square metres, that need no reason."""

    least_m2: float = 5_000.0
    most_m2: float = 15_000.0


STANDARD_BAND = Band()
"""Half more or less than the 10,000 m² of the standards."""


def check_sizes(cells: pd.DataFrame, *, band: Band = STANDARD_BAND) -> Checked:
    """
    Check that each cell outside the band has a reason, and that all reasons are known.

    Parameters
    ----------
    cells : DataFrame
        With ``geometry`` and ``exception``.
    band : Band

    Returns
    -------
    Checked
        Figures: ``cells_outside_band``, with or without a reason.
    """
    absent = missing_columns(cells, "cells", ["geometry", "exception"], severity="soft")
    if absent:
        return Checked(tuple(absent))
    polygons, names, why = shapes(cells), labels(cells, "cells"), texts(cells, "exception")
    area_m2 = np.where(sound(polygons), shapely.area(polygons), np.nan)
    outside = (area_m2 < band.least_m2) | (area_m2 > band.most_m2)
    silent = outside & ~given_of(why)
    strange = given_of(why) & ~is_in(why, EXCEPTIONS)
    away_m2 = np.maximum(band.least_m2 - area_m2, area_m2 - band.most_m2)
    return Checked(
        (
            *finding(
                "exception_missing",
                names[silent],
                layer="cells",
                amount=float(away_m2[silent].max(initial=0.0)),
                detail=f"{figure(band.least_m2)} – {figure(band.most_m2)}",
            ),
            *finding(
                "exception_unknown",
                names[strange],
                layer="cells",
                detail=", ".join(EXCEPTIONS),
            ),
        ),
        {"cells_outside_band": float(outside.sum())},
    )


def check_spikes(frame: pd.DataFrame, *, layer: str = "cells") -> Checked:
    """
    Check that no shape has a corner sharper than `SPIKE_DEGREES` with long sides.

    The finding's amount is the length of the longest such spike.
    """
    absent = missing_columns(frame, layer, ["geometry"])
    if absent:
        return Checked(tuple(absent))
    polygons = shapes(frame)
    good = np.flatnonzero(sound(polygons))
    length_m, tip, owner = _sharp_corners(polygons[good])
    sharp = length_m >= SPIKE_M
    ids = labels(frame, layer)[good[np.unique(owner[sharp])]]
    return Checked(
        tuple(
            finding(
                "spike",
                ids,
                layer=layer,
                amount=float(length_m[sharp].max(initial=0.0)),
                where=shapely.MultiPoint(tip[sharp]) if sharp.any() else None,
            )
        )
    )


def _sharp_corners(polygons: Shapes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the length of each sharp corner's shorter side, its place and its polygon."""
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    last = np.flatnonzero(np.r_[ring[1:] != ring[:-1], True]) if len(ring) else ring
    first = np.r_[0, last[:-1] + 1] if len(ring) else ring
    open_points = np.ones(len(points), dtype=bool)
    # The last point of a ring is its first again.
    open_points[last] = False
    after = np.arange(len(points)) + 1
    before = np.arange(len(points)) - 1
    before[first] = last - 1
    at = np.flatnonzero(open_points)
    incoming, outgoing = points[before[at]] - points[at], points[after[at]] - points[at]
    in_m, out_m = np.hypot(*incoming.T), np.hypot(*outgoing.T)
    cross = incoming[:, 0] * outgoing[:, 1] - incoming[:, 1] * outgoing[:, 0]
    angle = np.degrees(np.arctan2(np.abs(cross), (incoming * outgoing).sum(axis=1)))
    sharp: Flags = angle < SPIKE_DEGREES
    owner = part_owner[ring_part[ring[at[sharp]]]]
    return np.minimum(in_m, out_m)[sharp], points[at[sharp]], owner


def band_of(world: World) -> Band | None:
    """
    Return the band of a plan by its settings; the standard one of cells drawn by hand.

    None where it is not known, or the method of the cells does not keep to one.
    """
    settings = _cell_settings(world)
    if settings is None:
        return None if world.summary else STANDARD_BAND
    target_m2 = number(settings.get("target_m2"))
    if target_m2 is None or settings.get("method") == "square":
        return None
    half = STANDARD_BAND.least_m2 / (STANDARD_BAND.least_m2 + STANDARD_BAND.most_m2) * 2
    most = _RECOGNISABLE_MOST if settings.get("preset") == "recognisable" else 2 - half
    return Band(half * target_m2, most * target_m2)


def row_height_of(world: World) -> float | None:
    """Return the height of the rows in which gridplan numbered the cells it drew; else None."""
    settings = _cell_settings(world)
    target_m2 = number(settings.get("target_m2")) if settings else None
    if settings is None or not target_m2 or settings.get("method") not in ("fabric", "square"):
        return None
    return math.sqrt(target_m2)


def _cell_settings(world: World) -> Mapping[str, Any] | None:
    if not world.has("gridplan_meta", "key", "value"):
        return None
    meta = world.layers["gridplan_meta"]
    values = dict(zip(texts(meta, "key"), texts(meta, "value"), strict=True))
    try:
        found = json.loads(values.get("settings") or "{}")
    except ValueError:
        return None
    cells = found.get("cells") if isinstance(found, Mapping) else None
    return cells if isinstance(cells, Mapping) else None


def sizes_of(world: World) -> Checked:
    """Check spikes, and sizes where the band is known and the cells have reasons."""
    cells = world.layers["cells"]
    spikes = check_spikes(cells) if "geometry" in cells else Checked()
    band = band_of(world)
    if band is None or not world.has("cells", "geometry", "exception"):
        return spikes
    sizes = check_sizes(cells, band=band)
    return Checked((*spikes.findings, *sizes.findings), sizes.figures)
