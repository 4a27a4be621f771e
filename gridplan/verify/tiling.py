"""Do the shapes of a layer tile a boundary: sound shapes, no gap, no overlap, nothing beyond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.contact import components, neighbours, union
from gridplan.verify.findings import STANDARD, Checked, Finding, Severity, Tolerances
from gridplan.verify.frames import (
    Flags,
    Shapes,
    Texts,
    labels,
    missing_columns,
    numbers,
    shapes,
    sound,
)
from gridplan.verify.rules import finding

_AREAL = [3, 6]


def check_shapes(
    frame: pd.DataFrame,
    *,
    layer: str = "cells",
    whole: bool = True,
    buildings: pd.DataFrame | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check each shape by itself: there, a valid polygon, in one piece, no hole, no sliver.

    Parameters
    ----------
    frame : DataFrame
        With a column ``geometry``; ``area_m2`` is compared with it where present.
    layer : str
        Name of the layer, for the messages.
    whole : bool
        Whether parts, holes and slivers are faults; of a boundary they are not.
    buildings : DataFrame, optional
        With a column ``geometry``. Parts of a shape that one building holds together, with
        land between them that is beyond the boundary, are told and no fault.
    """
    absent = missing_columns(frame, layer, ["geometry"])
    if absent:
        return Checked(tuple(absent))
    polygons, names = shapes(frame), labels(frame, layer)
    missing = shapely.is_missing(polygons) | shapely.is_empty(polygons)
    flat = ~missing & ~np.isin(shapely.get_type_id(polygons), _AREAL)
    good = sound(polygons)
    invalid = ~missing & ~flat & ~good
    reason = str(shapely.is_valid_reason(polygons[invalid][0])) if invalid.any() else ""
    findings = [
        *finding("no_geometry", names[missing], layer=layer),
        *finding("not_polygon", names[flat], layer=layer),
        *finding(
            "invalid",
            names[invalid],
            layer=layer,
            detail=reason,
            where=_collected(polygons, invalid),
        ),
        *_form_findings(polygons, names, good & whole, layer=layer, tolerances=tolerances),
        *_part_findings(polygons, names, good & whole, buildings, layer=layer),
        *_area_findings(frame, polygons, names, good, layer=layer, tolerances=tolerances),
    ]
    return Checked(tuple(findings), {f"{layer}_unsound": float((~good).sum())})


def _form_findings(
    polygons: Shapes, names: Texts, good: Flags, *, layer: str, tolerances: Tolerances
) -> list[Finding]:
    pieces, owner = shapely.get_parts(polygons, return_index=True)
    rings = shapely.get_num_interior_rings(pieces)
    holes = np.bincount(owner, weights=np.maximum(rings, 0), minlength=len(polygons))
    with np.errstate(divide="ignore", invalid="ignore"):
        width_m = 2 * shapely.area(polygons) / shapely.length(polygons)
    pierced = good & (holes > 0)
    thin = good & (width_m < tolerances.sliver_m)
    narrowest = float(width_m[thin].min()) if thin.any() else 0.0
    return [
        *finding("hole", names[pierced], layer=layer, where=_collected(polygons, pierced)),
        *finding(
            "sliver",
            names[thin],
            layer=layer,
            amount=narrowest,
            where=_collected(polygons, thin),
        ),
    ]


def _part_findings(
    polygons: Shapes, names: Texts, good: Flags, buildings: pd.DataFrame | None, *, layer: str
) -> list[Finding]:
    split = good & (shapely.get_num_geometries(polygons) > 1)
    held = np.zeros(len(polygons), dtype=np.bool_)
    if buildings is not None and "geometry" in buildings and split.any():
        built = shapes(buildings)
        built = built[sound(built)]
        held[split] = [_held_together(one, built) for one in polygons[split]]
    loose, kept = split & ~held, split & held
    return [
        *finding("multipart", names[loose], layer=layer, where=_collected(polygons, loose)),
        *finding("parted_building", names[kept], layer=layer, where=_collected(polygons, kept)),
    ]


def _held_together(polygon: shapely.Geometry, buildings: Shapes) -> bool:
    """Whether each part shares a building with another, so that all hang together."""
    parts = shapely.get_parts(polygon)
    part, building = shapely.STRtree(buildings).query(parts, predicate="intersects")
    inside = shapely.area(shapely.intersection(parts[part], buildings[building])) > 0
    others = len(parts) + building[inside]
    root = components(len(parts) + len(buildings), part[inside].tolist(), others.tolist())
    return len(set(root[: len(parts)].tolist())) == 1


def _area_findings(
    frame: pd.DataFrame,
    polygons: Shapes,
    names: Texts,
    good: Flags,
    *,
    layer: str,
    tolerances: Tolerances,
) -> list[Finding]:
    if "area_m2" not in frame:
        return []
    error = np.abs(numbers(frame, "area_m2") - shapely.area(polygons))
    wrong = good & ~(error <= tolerances.column_m2)
    largest = float(np.nanmax(error[wrong], initial=0.0)) if wrong.any() else 0.0
    return finding("area_column", names[wrong], layer=layer, amount=largest)


def check_tiling(
    frame: pd.DataFrame,
    outline: shapely.Geometry,
    *,
    layer: str = "cells",
    pairs: pd.DataFrame | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check that the shapes cover `outline` exactly once; unsound shapes cover nothing.

    Parameters
    ----------
    frame : DataFrame
        With a column ``geometry``.
    outline : Polygon or MultiPolygon
        The boundary, valid.
    layer : str
        Name of the layer, for the messages and the figures.
    pairs : DataFrame, optional
        As `gridplan.verify.contact.neighbours` returns them, if already measured.

    Returns
    -------
    Checked
        Figures in m²: ``{layer}_tiling_error_m2``, the sum of ``{layer}_gap_m2`` and
        ``{layer}_outside_m2``, which are the area of (outline XOR union of shapes), and of
        ``{layer}_overlap_m2``, the area of all pairs' overlaps; and
        ``{layer}_edges_differ``, shapes with edges that break the coverage.
    """
    absent = missing_columns(frame, layer, ["geometry"])
    if absent:
        return Checked(tuple(absent))
    polygons, names = shapes(frame), labels(frame, layer)
    good = sound(polygons)
    covered = union(polygons[good])
    gap = shapely.difference(outline, covered)
    beyond = shapely.difference(covered, outline)
    close = neighbours(polygons, tolerances=tolerances) if pairs is None else pairs
    overlap = close[close["area_m2"] > tolerances.part_m2]
    findings = [
        *_gap_findings(polygons[good], names[good], gap, layer=layer, tolerances=tolerances),
        *_outside_findings(polygons[good], names[good], beyond, layer=layer, tolerances=tolerances),
        *_overlap_findings(polygons, names, overlap, layer=layer, tolerances=tolerances),
        *_edge_findings(polygons[good], names[good], layer=layer, tolerances=tolerances),
    ]
    gap_m2, outside_m2 = float(shapely.area(gap)), float(shapely.area(beyond))
    overlap_m2 = float(close["area_m2"].sum())
    figures = {
        f"{layer}_tiling_error_m2": gap_m2 + outside_m2 + overlap_m2,
        f"{layer}_gap_m2": gap_m2,
        f"{layer}_outside_m2": outside_m2,
        f"{layer}_overlap_m2": overlap_m2,
        f"{layer}_edges_differ": float(sum(f.count for f in findings if f.rule == "edges_differ")),
    }
    return Checked(tuple(findings), figures)


def check_overlaps(
    frame: pd.DataFrame,
    *,
    layer: str = "cells",
    pairs: pd.DataFrame | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check shapes of which no boundary is known: overlaps, and land that they enclose uncovered.

    Without a boundary enclosed land may be no part of the sub-district, such as a lake;
    a gap is a soft finding here. Parameters are those of `check_tiling`.

    Returns
    -------
    Checked
        Figures in m²: ``{layer}_overlap_m2``, ``{layer}_enclosed_m2``.
    """
    absent = missing_columns(frame, layer, ["geometry"])
    if absent:
        return Checked(tuple(absent))
    polygons, names = shapes(frame), labels(frame, layer)
    good = sound(polygons)
    covered = union(polygons[good])
    rings = shapely.get_rings(shapely.get_parts(covered))
    enclosed = shapely.difference(shapely.union_all(shapely.polygons(rings)), covered)
    close = neighbours(polygons, tolerances=tolerances) if pairs is None else pairs
    overlap = close[close["area_m2"] > tolerances.part_m2]
    gaps = _gap_findings(polygons[good], names[good], enclosed, layer=layer, tolerances=tolerances)
    findings = [
        *(replace(one, severity="soft") for one in gaps),
        *_overlap_findings(polygons, names, overlap, layer=layer, tolerances=tolerances),
        *_edge_findings(polygons[good], names[good], layer=layer, tolerances=tolerances),
    ]
    figures = {
        f"{layer}_overlap_m2": float(close["area_m2"].sum()),
        f"{layer}_enclosed_m2": float(shapely.area(enclosed)),
    }
    return Checked(tuple(findings), figures)


def check_boundary(
    boundary: shapely.Geometry, given: shapely.Geometry, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that the boundary a plan is proved against is the one that was read.

    Cutting cells adds vertices to the boundary, which rounding moves a little; what
    lies farther than `Tolerances.contact_m` from the line that was read is a fault.
    Without this, a plan could tile a boundary of its own making.

    Returns
    -------
    Checked
        Figures: ``boundary_moved_m2``, the area of (boundary XOR given).
    """
    moved = shapely.symmetric_difference(boundary, given)
    line = shapely.buffer(shapely.boundary(given), tolerances.contact_m)
    beyond = _large_parts(shapely.difference(moved, line), tolerances)
    corners = shapely.get_coordinates(shapely.point_on_surface(beyond))
    return Checked(
        tuple(
            finding(
                "boundary_moved",
                [f"x {x:.1f}, y {y:.1f}" for x, y in corners],
                layer="boundary",
                amount=float(shapely.area(beyond).sum()),
                where=shapely.union_all(beyond),
            )
        ),
        {"boundary_moved_m2": float(shapely.area(moved))},
    )


def _gap_findings(
    polygons: Shapes, names: Texts, gap: shapely.Geometry, *, layer: str, tolerances: Tolerances
) -> list[Finding]:
    parts = _large_parts(gap, tolerances)
    ids = _beside(parts, polygons, names, tolerances)
    amount = float(shapely.area(parts).sum())
    return finding(
        "gap",
        ids,
        layer=layer,
        severity=_by_area(amount, tolerances),
        amount=amount,
        where=shapely.union_all(parts),
    )


def _beside(parts: Shapes, polygons: Shapes, names: Texts, tolerances: Tolerances) -> list[str]:
    part, other = shapely.STRtree(polygons).query(
        parts, predicate="dwithin", distance=tolerances.contact_m
    )
    near = shapely.buffer(polygons[other], tolerances.contact_m, quad_segs=1, join_style="mitre")
    along_m = shapely.length(shapely.intersection(shapely.boundary(parts[part]), near))
    # What only meets a corner of the gap is not beside it, unless nothing else is.
    longest_m = np.zeros(len(parts))
    np.maximum.at(longest_m, part, along_m)
    beside = along_m >= np.minimum(tolerances.border_m, longest_m[part])
    return [
        " + ".join(sorted(set(names[other[beside & (part == one)]]))) or "-"
        for one in range(len(parts))
    ]


def _outside_findings(
    polygons: Shapes, names: Texts, beyond: shapely.Geometry, *, layer: str, tolerances: Tolerances
) -> list[Finding]:
    parts = _large_parts(beyond, tolerances)
    touching = np.unique(shapely.STRtree(polygons).query(parts, predicate="intersects")[1])
    area_m2 = shapely.area(shapely.intersection(polygons[touching], shapely.union_all(parts)))
    ids = sorted(names[touching[area_m2 > tolerances.part_m2]])
    amount = float(shapely.area(parts).sum())
    return finding(
        "outside",
        ids,
        layer=layer,
        severity=_by_area(amount, tolerances),
        amount=amount,
        where=shapely.union_all(parts),
    )


def _overlap_findings(
    polygons: Shapes, names: Texts, overlap: pd.DataFrame, *, layer: str, tolerances: Tolerances
) -> list[Finding]:
    left, right = overlap["left"].to_numpy(), overlap["right"].to_numpy()
    area_m2 = overlap["area_m2"].to_numpy(dtype=np.float64)
    worst = np.argsort(-area_m2, kind="stable")
    ids = [" + ".join(sorted((names[left[one]], names[right[one]]))) for one in worst]
    amount = float(area_m2.sum())
    smaller = np.minimum(shapely.area(polygons[left]), shapely.area(polygons[right]))
    twice = (area_m2 >= smaller - tolerances.part_m2) & shapely.equals(
        polygons[left], polygons[right]
    )
    return [
        *finding(
            "overlap",
            ids,
            layer=layer,
            severity=_by_area(amount, tolerances),
            amount=amount,
            where=shapely.union_all(shapely.intersection(polygons[left], polygons[right])),
        ),
        *finding(
            "shape_repeated",
            sorted(set(names[right[twice]])),
            layer=layer,
            amount=float(area_m2[twice].sum()),
            where=_collected(polygons, np.isin(np.arange(len(polygons)), right[twice])),
        ),
    ]


def _edge_findings(
    polygons: Shapes, names: Texts, *, layer: str, tolerances: Tolerances
) -> list[Finding]:
    edges = shapely.coverage_invalid_edges(polygons, gap_width=tolerances.contact_m)
    broken = ~(shapely.is_missing(edges) | shapely.is_empty(edges))
    return finding(
        "edges_differ", sorted(names[broken]), layer=layer, where=_collected(edges, broken)
    )


def _by_area(area_m2: float, tolerances: Tolerances) -> Severity:
    return "hard" if area_m2 > tolerances.area_m2 else "soft"


def _large_parts(geometry: shapely.Geometry, tolerances: Tolerances) -> Shapes:
    parts = shapely.get_parts(geometry)
    return np.asarray(parts[shapely.area(parts) > tolerances.part_m2], dtype=object)


def _collected(geometries: Shapes, chosen: Flags) -> shapely.Geometry | None:
    return shapely.GeometryCollection(list(geometries[chosen])) if chosen.any() else None
