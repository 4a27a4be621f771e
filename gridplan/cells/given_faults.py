"""What is wrong with a grid that exists: each fault with its place and its area."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.cells.profiles import GB_T_30428, CodeProfile
from gridplan.geometry import Geometries

Ints = npt.NDArray[np.intp]

GAP, OVERLAP, OUTSIDE, SLIVER = "gap", "overlap", "outside", "sliver"
HAIRLINES, REPEATED_SHAPE, MULTIPART = "hairlines", "shape_repeated", "multipart"
BUILDING_CUT, CROSSED, UNKNOWN = "building_cut", "community_crossed", "community_unknown"
NO_CODE, MALFORMED, REPEATED_CODE, OTHER_FRONT = (
    "code_missing", "code_malformed", "code_repeated", "code_community"
)  # fmt: skip

LISTED_M2 = 0.01
"""Smaller gaps, overlaps and land beyond are summed up: rounding of borders without a common
vertex leaves thousands of them."""

SLIVER_M = 2.0
"""Cells narrower than this, measured as 2 A / P, are slivers."""

_SHOWN = 4
_BESIDE_M = 0.01
_CORNER_M = 0.1
"""What meets a gap along less than this only touches its corner."""

FAULT_COLUMNS = (
    "fault", "cell_id", "other_id", "community_id", "area_m2", "repaired", "given_to", "geometry",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One fault of a grid.

    Attributes
    ----------
    fault : str
        Its kind, a key of the terms' family ``cell_fault``.
    cell_id : str
        The cell, or the cells at fault or beside.
    area_m2 : float
        How much land it is about.
    where : geometry
    other_id : str or None
        The building that is cut, the community that is crossed into or named.
    given_to : str or None
        The cell that a repair gave the land to.
    repaired : bool
    """

    fault: str
    cell_id: str
    area_m2: float
    where: shapely.Geometry
    other_id: str | None = None
    given_to: str | None = None
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """
    The cells of a grid as arrays, in one order.

    Attributes
    ----------
    shapes : array of Polygon or MultiPolygon, shape (n,)
    names : array of str
        What a message calls each cell: its code, with a number where that is no name.
    codes : array of str or None
    community : array of int
        Position of the community each cell belongs to.
    named : array of str or None
        The community that the grid itself names.
    """

    shapes: Geometries
    names: npt.NDArray[np.object_]
    codes: npt.NDArray[np.object_]
    community: Ints
    named: npt.NDArray[np.object_]


def shape_faults(grid: Grid, outline: shapely.Geometry) -> list[Fault]:
    """Return gaps, overlaps, land beyond the boundary, slivers and cells in several parts."""
    found = [*_gaps(grid, outline), *_overlaps(grid), *_beyond(grid, outline)]
    small = [one for one in found if one.area_m2 < LISTED_M2]
    return [
        *(one for one in found if one.area_m2 >= LISTED_M2),
        *_summed(small),
        *_forms(grid),
    ]


def _summed(small: Sequence[Fault]) -> list[Fault]:
    total = float(sum(one.area_m2 for one in small))
    if total < LISTED_M2:
        return []
    where = shapely.union_all([one.where for one in small])
    return [Fault(HAIRLINES, str(len(small)), total, where)]


def _gaps(grid: Grid, outline: shapely.Geometry) -> list[Fault]:
    parts = _parts(shapely.difference(outline, shapely.union_all(grid.shapes)))
    part, cell = shapely.STRtree(grid.shapes).query(parts, "dwithin", distance=_BESIDE_M)
    near = shapely.buffer(grid.shapes[cell], _BESIDE_M, quad_segs=1, join_style="mitre")
    along_m = shapely.length(shapely.intersection(shapely.boundary(parts[part]), near))
    part, cell = part[along_m > _CORNER_M], cell[along_m > _CORNER_M]
    return [
        Fault(GAP, _joined(grid.names[cell[part == at]]), float(shapely.area(one)), one)
        for at, one in enumerate(parts)
    ]


def _overlaps(grid: Grid) -> list[Fault]:
    left, right = shapely.STRtree(grid.shapes).query(grid.shapes, "intersects")
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    left, right = left[left < right], right[left < right]
    common = shapely.intersection(grid.shapes[left], grid.shapes[right])
    area_m2 = shapely.area(common)
    same = shapely.equals(grid.shapes[left], grid.shapes[right])
    return [
        Fault(
            REPEATED_SHAPE if same[at] else OVERLAP,
            _joined(grid.names[[left[at], right[at]]]),
            float(area_m2[at]),
            _areal(common[at]),
        )
        for at in np.flatnonzero(area_m2 > 0)
    ]


def _beyond(grid: Grid, outline: shapely.Geometry) -> list[Fault]:
    reaching = np.flatnonzero(~shapely.covers(outline, grid.shapes))
    beyond = shapely.difference(grid.shapes[reaching], outline)
    return [
        Fault(OUTSIDE, grid.names[cell], float(shapely.area(part)), part)
        for cell, part in zip(reaching, beyond, strict=True)
        if shapely.area(part) > 0
    ]


def _forms(grid: Grid) -> list[Fault]:
    area_m2 = shapely.area(grid.shapes)
    narrow = 2 * area_m2 < SLIVER_M * shapely.length(grid.shapes)
    split = shapely.get_num_geometries(grid.shapes) > 1
    return [
        Fault(kind, grid.names[cell], float(area_m2[cell]), grid.shapes[cell])
        for kind, which in ((SLIVER, narrow), (MULTIPART, split))
        for cell in np.flatnonzero(which)
    ]


def ground_faults(
    grid: Grid, communities: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame
) -> list[Fault]:
    """Return the buildings that cells cut, and the cells that leave their community."""
    return [*_cut(grid, buildings), *_crossed(grid, communities)]


def _cut(grid: Grid, buildings: gpd.GeoDataFrame) -> list[Fault]:
    shapes, ids = buildings.geometry.to_numpy(), buildings["building_id"].to_numpy()
    cell, building = shapely.STRtree(shapes).query(grid.shapes, "intersects")
    several = np.bincount(building, minlength=len(shapes))[building] > 1
    cell, building = cell[several], building[several]
    part = shapely.intersection(grid.shapes[cell], shapes[building])
    held = pd.DataFrame({"cell": cell, "building": building, "area_m2": shapely.area(part)})
    held = held[held["area_m2"] > LISTED_M2].sort_values(
        ["building", "area_m2", "cell"], ascending=[True, False, True]
    )
    found = []
    for one, rows in held.groupby("building"):
        beside = rows["cell"].to_numpy()[1:]
        if not len(beside):
            continue
        # Below cells that overlap, a building is in a second cell also where one has it whole.
        second = shapely.intersection(shapes[one], shapely.union_all(grid.shapes[beside]))
        names = _joined(grid.names[rows["cell"].to_numpy()])
        found.append(
            Fault(BUILDING_CUT, names, float(second.area), _areal(second), other_id=str(ids[one]))
        )
    return found


def _crossed(grid: Grid, communities: gpd.GeoDataFrame) -> list[Fault]:
    lines, ids = communities.geometry.to_numpy(), communities["community_id"].to_numpy()
    # As the proof counts it: what lies outside the own community, be it beyond the boundary.
    beyond = shapely.difference(grid.shapes, lines[grid.community])
    area_m2 = shapely.area(beyond)
    return [
        Fault(
            CROSSED, grid.names[cell], float(area_m2[cell]), _areal(beyond[cell]),
            other_id=str(ids[grid.community[cell]]),
        )
        for cell in np.flatnonzero(area_m2 > LISTED_M2)
    ]  # fmt: skip


def code_rows(
    grid: Grid, communities: gpd.GeoDataFrame, *, profile: CodeProfile = GB_T_30428
) -> list[Fault]:
    """Return codes that are missing, malformed, repeated or of another community."""
    ids = communities["community_id"].to_numpy()
    series = pd.Series(grid.codes, dtype="object")
    missing = series.isna().to_numpy()
    formed = series.astype("string").str.fullmatch(profile.pattern)
    good = formed.fillna(value=False).to_numpy(dtype=bool)
    own = ids[grid.community].astype(str)
    front = np.array(
        [str(one)[: profile.community_length] if ok else "" for one, ok in zip(series, good,
         strict=True)], dtype=object,
    )  # fmt: skip
    told = np.array(
        [re.fullmatch(profile.community_pattern, one) is not None for one in own], dtype=bool
    )
    known = set(ids.tolist())
    unknown = np.array([one is not None and one not in known for one in grid.named], dtype=bool)
    kinds: tuple[tuple[str, npt.NDArray[np.bool_], Sequence[str | None]], ...] = (
        (NO_CODE, missing, [None] * len(own)),
        (MALFORMED, ~missing & ~good, [None] * len(own)),
        (REPEATED_CODE, ~missing & series.duplicated(keep=False).to_numpy(), [None] * len(own)),
        (OTHER_FRONT, good & told & (front != own), own.tolist()),
        (UNKNOWN, unknown, grid.named.tolist()),
    )
    return [
        Fault(
            kind, grid.names[cell], float(shapely.area(grid.shapes[cell])), grid.shapes[cell],
            other_id=others[cell],
        )
        for kind, which, others in kinds
        for cell in np.flatnonzero(which).tolist()
    ]  # fmt: skip


def fault_table(faults: Sequence[Fault], communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the faults as a layer, sorted by kind, the largest first."""
    ordered = sorted(faults, key=lambda one: (one.fault, one.repaired, -one.area_m2, one.cell_id))
    shapes = np.array([one.where for one in ordered], dtype=object)
    points = shapely.point_on_surface(shapes)
    at, community = shapely.STRtree(points).query(communities.geometry.to_numpy(), "intersects")
    where = np.full(len(ordered), None, dtype=object)
    where[community] = communities["community_id"].to_numpy()[at]
    return gpd.GeoDataFrame(
        {
            "fault": pd.Series([one.fault for one in ordered], dtype="object"),
            "cell_id": pd.Series([one.cell_id for one in ordered], dtype="object"),
            "other_id": pd.Series([one.other_id for one in ordered], dtype="object"),
            "community_id": pd.Series(where, dtype="object"),
            "area_m2": pd.Series([one.area_m2 for one in ordered], dtype="float64"),
            "repaired": pd.Series([one.repaired for one in ordered], dtype="bool"),
            "given_to": pd.Series([one.given_to for one in ordered], dtype="object"),
        },
        geometry=gpd.GeoSeries(shapes, crs=communities.crs),
        crs=communities.crs,
    )


def _parts(shape: shapely.Geometry) -> Geometries:
    parts = shapely.get_parts(shape)
    areal = parts[shapely.area(parts) > 0]
    order = np.argsort(shapely.to_wkb(shapely.normalize(areal)), kind="stable")
    return np.asarray(areal[order], dtype=object)


def _areal(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.area(parts) > 0])


def _joined(names: npt.NDArray[np.object_]) -> str:
    unique = sorted({str(one) for one in names})
    more = " …" if len(unique) > _SHOWN else ""
    return " + ".join(unique[:_SHOWN]) + more
