"""Boundary and communities of a project; each may be derived from the other."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridplan.config import LayerSource
from gridplan.errors import GridplanError, InputError, Message
from gridplan.geometry import polygonal, to_grid
from gridplan.project import osm as from_osm
from gridplan.project.reading import Reading, extract_of, no_layer, on_grid, read_file, source_of

DEGREES = "EPSG:4326"
_MAX_UNCOVERED_SHARE = 0.001
_BOX_STEP_DEGREES = 0.001


def read_outline(reading: Reading) -> None:
    """Read boundary and communities; each may be derived from the other."""
    try:
        communities = _communities(reading)
        reading.layers["boundary"] = _boundary(reading, communities)
    except GridplanError as error:
        reading.faults.extend(error.faults)
        reading.faults.raise_if_any()
        return
    boundary = reading.layers["boundary"]
    if communities is None:
        communities = from_osm.single_community(
            boundary,
            name=reading.config.place.name,
            code=reading.config.place.community_code,
        )
    reading.layers["communities"] = _within_boundary(reading, communities, boundary)


def _boundary(reading: Reading, communities: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    source = source_of(reading.config, reading.folder, "boundary")
    name = reading.config.place.name
    if source == "communities" or (source is None and communities is not None):
        if communities is None:
            raise InputError(no_layer("communities"))
        outline = shapely.union_all(communities.geometry.to_numpy())
    elif isinstance(source, list):
        outline = _box_outline(checked_box(source), reading.crs)
    elif source == "box" or (source is None and reading.extract is not None):
        if reading.extract is None:
            raise InputError(no_layer("osm"))
        outline = _box_outline(reading.extract.box, reading.crs)
    elif isinstance(source, LayerSource) and source.osm is not None:
        areas = from_osm.select_areas(extract_of(reading), source.osm, what="boundary")
        outline = shapely.union_all(areas.to_crs(reading.crs).geometry.to_numpy())
    elif isinstance(source, LayerSource):
        frame = read_file(reading, source, "boundary", strict=True)
        outline = shapely.union_all(frame.geometry.to_numpy())
    else:
        raise InputError(no_layer("boundary"))
    shape = polygonal(to_grid(np.array([outline], dtype=object)))
    return gpd.GeoDataFrame({"name": [name]}, geometry=shape, crs=reading.crs)


def _communities(reading: Reading) -> gpd.GeoDataFrame | None:
    source = source_of(reading.config, reading.folder, "communities")
    if source is None or source == "none":
        return None
    if isinstance(source, LayerSource) and source.osm is not None:
        areas = from_osm.select_areas(extract_of(reading), source.osm, what="communities")
        frame = from_osm.communities_from_areas(areas).to_crs(reading.crs)
        return on_grid(reading, frame, "communities", strict=False)
    if not isinstance(source, LayerSource):
        raise InputError(no_layer("communities"))
    frame = read_file(reading, source, "communities", strict=True)
    return frame if "official" in frame else frame.assign(official=True)


def _within_boundary(
    reading: Reading, communities: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the communities cut to the boundary; refuse a boundary they do not fill."""
    outline = boundary.geometry.iloc[0]
    shapes = communities.geometry.to_numpy()
    if not shapely.covers(outline, shapes).all():
        # Not on the grid: rounding the crossings would move long lines off the boundary.
        shapes = polygonal(np.asarray(shapely.intersection(shapes, outline)))
    inside = communities.set_geometry(
        gpd.GeoSeries(shapes, index=communities.index, crs=reading.crs)
    )
    inside = inside[~inside.geometry.is_empty].reset_index(drop=True)
    uncovered = outline.difference(shapely.union_all(inside.geometry.to_numpy())).area
    if uncovered > _MAX_UNCOVERED_SHARE * outline.area:
        reading.faults.add(
            en=f"{uncovered:,.0f} m² of the boundary ({uncovered / outline.area:.1%}) lie in no "
            f'community. Complete the communities, or set boundary = "communities".',
            zh=f"边界内有 {uncovered:,.0f} 平方米（{uncovered / outline.area:.1%}）不属于任何社区。"
            f'请补全社区，或设置 boundary = "communities"。',
        )
    return inside


def checked_box(numbers: list[float]) -> tuple[float, float, float, float]:
    """Return west, south, east, north, or refuse what is no box in degrees."""
    sides = 4
    if len(numbers) != sides or numbers[0] >= numbers[2] or numbers[1] >= numbers[3]:
        raise InputError(
            Message(
                en=f"[place].boundary = {numbers}: expected [west, south, east, north] in degrees.",
                zh=f"[place].boundary = {numbers}：应为 [西, 南, 东, 北]，单位为度。",
            )
        )
    west, south, east, north = numbers
    return west, south, east, north


def _box_outline(box: tuple[float, float, float, float], crs: pyproj.CRS) -> shapely.Geometry:
    """Return a box of degrees as a polygon of the project CRS, its sides curved as they are."""
    frame = gpd.GeoSeries([shapely.segmentize(shapely.box(*box), _BOX_STEP_DEGREES)], crs=DEGREES)
    return frame.to_crs(crs).iloc[0]
