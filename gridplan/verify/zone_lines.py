"""How much of the borders between zones runs along streets and water, counted by points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from gridplan.verify.findings import Finding
from gridplan.verify.frames import Shapes, number, shapes, sound, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World

_STEP_M = 5.0
_BESIDE_M = 2.0
_EDGE_M = 0.05
_SHARE, _POINTS = 0.05, 4
"""What points every 5 m and the exact length may differ by: of short borders some points more."""


def line_findings(world: World, known: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Find the systems whose share of borders on streets and water is not what is told."""
    needed = all(world.has(one, "geometry") for one in ("in_streets", "in_water", "zones"))
    if not needed or not world.has("zones", "zone_system"):
        return []
    zones = world.layers["zones"]
    system, outlines = texts(zones, "zone_system"), shapes(zones)
    lines = np.concatenate([shapes(world.layers["in_streets"]), shapes(world.layers["in_water"])])
    wrong = []
    for name, claims in sorted(known.items()):
        own = outlines[system == name]
        if "border_share" not in claims or not len(own) or not sound(own).all():
            continue
        told, (beside, count) = number(claims["border_share"]), _counted(own, lines)
        if told is None or not count:
            odd = told is not None or count > 0
        else:
            odd = abs(told * count - beside) > _SHARE * count + _POINTS
        if odd:
            wrong.append(f"{name} border_share")
    return finding("zone_summary", wrong, layer="summary")


def _counted(zones: Shapes, lines: Shapes) -> tuple[float, float]:
    """Return how many points on borders between zones lie beside a line, and how many there are."""
    rings = shapely.boundary(zones)
    edge = shapely.boundary(shapely.union_all(zones))
    points = shapely.points(np.concatenate([_middles(one) for one in shapely.get_parts(rings)]))
    inner = points[shapely.distance(points, edge) > _EDGE_M]
    if not len(inner):
        return 0.0, 0.0
    # A border between two zones is walked twice, once by each, but one inside a zone that
    # overlaps once; the edge of the place is none.
    met = shapely.STRtree(inner).query(rings, predicate="dwithin", distance=_EDGE_M)[1]
    weight = 2 / np.bincount(met, minlength=len(inner))
    if not len(lines):
        return 0.0, float(weight.sum())
    near = shapely.STRtree(lines).query(inner, predicate="dwithin", distance=_BESIDE_M)[0]
    return float(weight[np.unique(near)].sum()), float(weight.sum())


def _middles(ring: shapely.Geometry) -> np.ndarray:
    """Return the middles of pieces of equal length, of some 5 m, along a ring."""
    count = max(1, round(float(shapely.length(ring)) / _STEP_M))
    at = (np.arange(count) + 0.5) / count
    places = shapely.line_interpolate_point(ring, at, normalized=True)
    return np.asarray(shapely.get_coordinates(places))
