"""Boundary and communities of a project; each may be derived from the other."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridplan.config import LayerSource
from gridplan.errors import InputError, Message, counted, first_ids, ids_zh
from gridplan.geometry import polygonal, to_grid
from gridplan.project import osm as from_osm
from gridplan.project.coverage import fit_communities, without_slits
from gridplan.project.reading import (
    Reading,
    already_reported,
    extract_of,
    keeping_faults,
    no_layer,
    on_grid,
    read_file,
    source_of,
)

DEGREES = "EPSG:4326"
_BOX_STEP_DEGREES = 0.001


def read_outline(reading: Reading) -> None:
    """Read boundary and communities; each may be derived from the other."""
    communities: gpd.GeoDataFrame | None = None
    failed = True
    with keeping_faults(reading.faults):
        communities = _communities(reading)
        failed = False
    boundary: gpd.GeoDataFrame | None = None
    with keeping_faults(reading.faults):
        boundary = _boundary(reading, communities, failed=failed)
    if boundary is None:
        if communities is not None:
            reading.layers["communities"] = communities
            reading.outline = shapely.union_all(communities.geometry.to_numpy())
        return
    reading.layers["boundary"] = boundary
    reading.outline = boundary.geometry.iloc[0]
    if communities is not None:
        fit_communities(reading, communities)
    elif not failed:
        reading.layers["communities"] = _single(reading, boundary)


def _single(reading: Reading, boundary: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    place = reading.config.place
    if place.communities is None:
        reading.note(
            "communities_none",
            [],
            count=1,
            en="No layer of communities is given; the whole place is taken as one.",
            zh="未提供社区图层，整个区域作为一个社区。",
        )
    return from_osm.single_community(
        boundary,
        name=place.name,
        code=place.community_code,
        profile=reading.config.cells.profile,
    )


def _boundary(
    reading: Reading, communities: gpd.GeoDataFrame | None, *, failed: bool
) -> gpd.GeoDataFrame:
    source = source_of(reading.config, reading.folder, "boundary")
    name = reading.config.place.name
    if source == "communities" or (source is None and (failed or communities is not None)):
        outline = _of_communities(reading, communities, failed=failed, said=source is not None)
    elif isinstance(source, list):
        outline = _box_outline(checked_box(source), reading.crs)
    elif source == "box" or (source is None and reading.config.place.osm):
        outline = _box_outline(extract_of(reading).box, reading.crs)
    elif isinstance(source, LayerSource) and source.osm is not None:
        areas = from_osm.select_areas(extract_of(reading), source.osm, what="boundary")
        outline = shapely.union_all(areas.to_crs(reading.crs).geometry.to_numpy())
    elif isinstance(source, LayerSource):
        frame = read_file(reading, source, "boundary", strict=True)
        if frame.empty:
            raise InputError(no_layer("boundary"))
        outline = shapely.union_all(frame.geometry.to_numpy())
    else:
        raise InputError(no_layer("boundary"))
    shape = polygonal(to_grid(np.array([outline], dtype=object)))
    return gpd.GeoDataFrame({"name": [name]}, geometry=shape, crs=reading.crs)


def _of_communities(
    reading: Reading, communities: gpd.GeoDataFrame | None, *, failed: bool, said: bool
) -> shapely.Geometry:
    if communities is None:
        raise already_reported() if failed else InputError(no_layer("communities"))
    if not said:
        reading.note(
            "boundary_of_communities",
            [],
            count=1,
            en="No boundary is given; the communities together are taken for it.",
            zh="未提供边界，以全部社区的范围作为边界。",
        )
    outline, holes_m2 = without_slits(communities.geometry.to_numpy())
    if holes_m2:
        areas = [f"{area:,.0f} m²" for area in holes_m2]
        reading.note(
            "boundary_holes",
            areas,
            en=f"The communities leave {counted(len(areas), 'hole', 'holes')} ({first_ids(areas)}) "
            f"outside the boundary. Give a boundary if that land belongs to the place.",
            zh=f"社区之间有 {len(areas)} 处空洞（{ids_zh(areas)}），视为边界以外；"
            f"如属本区域，请提供边界。",
        )
    return outline


def _communities(reading: Reading) -> gpd.GeoDataFrame | None:
    source = source_of(reading.config, reading.folder, "communities")
    if source is None or source == "none":
        return None
    if isinstance(source, LayerSource) and source.osm is not None:
        areas = from_osm.select_areas(extract_of(reading), source.osm, what="communities")
        coded = from_osm.communities_from_areas(areas, reading.config.cells.profile)
        frame = coded.to_crs(reading.crs)
        return on_grid(reading, frame, "communities", strict=False)
    if not isinstance(source, LayerSource):
        raise InputError(no_layer("communities"))
    frame = read_file(reading, source, "communities", strict=True)
    if frame.empty:
        raise InputError(no_layer("communities"))
    return frame if "official" in frame else frame.assign(official=True)


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
