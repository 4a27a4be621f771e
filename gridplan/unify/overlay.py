"""Departments' zonings laid over each other: the common refinement, and who claims what."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries, to_grid

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]

PROPOSAL = "*"
"""The proposal among the zonings; no department may be called so."""


@dataclass(frozen=True)
class Zoning:
    """
    The zones of one department.

    Attributes
    ----------
    department : str
    ids : tuple of str, length k
        Sorted.
    shapes : array of geometry, shape (k,)
        On the precision grid, inside the sub-district; they may overlap and leave gaps.
    """

    department: str
    ids: tuple[str, ...]
    shapes: Geometries


@dataclass(frozen=True)
class Refinement:
    """
    The pieces that the borders of all departments cut the sub-district into.

    Attributes
    ----------
    shapes : array of polygon, shape (n,)
        They tile the sub-district; sorted by their place.
    area_m2, residents : array of float, shape (n,)
    claims : dict of department to array of bool, shape (n, k)
        Whether a zone of the department holds the piece; none or several may.
    zonings : tuple of Zoning
        In the order of `claims`.
    """

    shapes: Geometries
    area_m2: Floats
    residents: Floats
    claims: dict[str, Flags]
    zonings: tuple[Zoning, ...]


def department_zonings(
    zonings: gpd.GeoDataFrame, outline: shapely.Geometry
) -> tuple[tuple[Zoning, ...], pd.DataFrame]:
    """
    Return each department's zones inside the sub-district, and what lies outside.

    Parameters
    ----------
    zonings : GeoDataFrame
        ``department``, ``zone_id``, polygons; a zone may have several rows.
    outline : polygon or multipolygon
        The sub-district.

    Returns
    -------
    tuple of Zoning
        By department, then zone; a zone wholly outside is left out.
    DataFrame
        ``department``, ``zone_id``, ``outside_m2``: land of zones beyond the outline.
    """
    keys = zonings[["department", "zone_id"]].astype(str)
    frame = gpd.GeoDataFrame(keys, geometry=to_grid(zonings.geometry.to_numpy()))
    groups = frame.groupby(["department", "zone_id"], sort=True).indices
    shapes = frame.geometry.to_numpy()
    found: dict[str, list[tuple[str, shapely.Geometry]]] = {}
    beyond = []
    for (department, zone), rows in groups.items():
        whole = shapely.union_all(shapes[np.sort(rows)], grid_size=GRID_M)
        inside = _polygons(shapely.intersection(whole, outline, grid_size=GRID_M))
        outside_m2 = float(shapely.area(whole) - shapely.area(inside))
        if outside_m2 > 0:
            beyond.append((department, zone, outside_m2))
        if not inside.is_empty:
            found.setdefault(department, []).append((zone, inside))
    made = tuple(
        Zoning(
            department,
            tuple(zone for zone, _ in rows),
            np.array([shape for _, shape in rows], dtype=object),
        )
        for department, rows in found.items()
    )
    return made, pd.DataFrame(beyond, columns=["department", "zone_id", "outside_m2"])


def _polygons(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shape)
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])


def common_refinement(
    outline: shapely.Geometry, zonings: tuple[Zoning, ...], homes: gpd.GeoDataFrame
) -> Refinement:
    """
    Return the pieces into which all borders together cut the sub-district.

    Parameters
    ----------
    outline : polygon or multipolygon
    zonings : tuple of Zoning
    homes : GeoDataFrame
        Points with ``population``. One on a border belongs to the first piece; one without
        a place, or outside, to none.
    """
    lines = [shapely.boundary(outline), *(shapely.boundary(one.shapes) for one in zonings)]
    noded = shapely.union_all(np.hstack(lines), grid_size=GRID_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = shapely.point_on_surface(faces)
    faces, inner = _kept(outline, faces, inner)
    order = np.lexsort((shapely.get_y(inner), shapely.get_x(inner)))
    faces, inner = faces[order], inner[order]
    return Refinement(
        shapes=faces,
        area_m2=shapely.area(faces),
        residents=residents_in(faces, homes),
        claims={one.department: _holding(inner, one.shapes) for one in zonings},
        zonings=zonings,
    )


def _kept(
    outline: shapely.Geometry, faces: Geometries, inner: Geometries
) -> tuple[Geometries, Geometries]:
    shapely.prepare(outline)
    inside = shapely.intersects(outline, inner)
    return faces[inside], inner[inside]


def _holding(points: Geometries, shapes: Geometries) -> Flags:
    held = np.zeros((len(points), len(shapes)), dtype=np.bool_)
    zone, point = shapely.STRtree(points).query(shapes, predicate="intersects")
    held[point, zone] = True
    return held


def residents_in(shapes: Geometries, homes: gpd.GeoDataFrame) -> Floats:
    """Return the residents of the homes in each shape; one on a border counts in the first."""
    where = homes.geometry.to_numpy()
    placed = ~(shapely.is_missing(where) | shapely.is_empty(where))
    people = homes["population"].fillna(0).to_numpy(dtype=np.float64)[placed]
    shape, home = shapely.STRtree(where[placed]).query(shapes, predicate="intersects")
    home, first = np.unique(home[np.argsort(shape, kind="stable")], return_index=True)
    owner = np.sort(shape, kind="stable")[first]
    return np.bincount(owner, weights=people[home], minlength=len(shapes)).astype(np.float64)
