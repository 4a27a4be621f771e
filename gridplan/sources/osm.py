"""OpenStreetMap extracts: one file in, the layers of a place out, in degrees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.errors import InputError, Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.geometry import Geometries
from gridplan.sources.osm_frames import LON_LAT, area_frames, line_frames, point_frames
from gridplan.sources.osm_notes import Notes
from gridplan.sources.osm_objects import Box, RawObjects, read_objects
from gridplan.sources.osm_tags import name_of, water_kind
from gridplan.sources.osm_water import bank_lines, water_of_banks, water_of_coast

_CENTRE_LINES = ("canal", "river")
_BOGUS_BOX_DEGREES = 10.0
_BOGUS_BOX_TIMES = 100.0

_LANDUSE_KINDS = {
    "residential": "residential",
    "industrial": "industrial",
    "commercial": "commercial",
    "retail": "commercial",
    "education": "public",
    "institutional": "public",
    "religious": "public",
}


@dataclass(frozen=True)
class OsmExtract:
    """
    What an OpenStreetMap file holds that gridplan can use, in EPSG:4326.

    Ids are text: ``n12``, ``w7``, ``r3`` for a node, way or relation, and
    ``w7-0``, ``w7-1`` … for the pieces of a way.

    Attributes
    ----------
    streets : GeoDataFrame of LineString
        Every highway that is a line, one row per piece between junctions:
        ``street_id``, ``osm_id``, ``u``, ``v`` (node ids of its ends), ``name``,
        ``highway``, ``foot``, ``access``, ``bridge``, ``tunnel``, ``layer``,
        ``service``, ``motorroad``, ``sidewalk``. Whether one may walk there is
        not decided here.
    buildings : GeoDataFrame of Polygon or MultiPolygon
        ``building_id``, ``osm_id``, ``kind`` (``unknown`` where the tags do not
        tell, see `kinds_from_landuse`), ``building`` (the tag), ``floors``, ``name``.
    landuse, residential, water : GeoDataFrame of Polygon or MultiPolygon
        With ``kind`` and ``name``; residential areas have ``estate_id``.
    barriers : GeoDataFrame of LineString
        Walls and fences, rivers and canals, railways above ground, with ``kind``.
    gates : GeoDataFrame of Point
        Gates and entrances; ``kind`` tells which (``entrance`` may be a building's).
    pois : GeoDataFrame of Point
        Objects with amenity, leisure, office, shop or (named or public)
        building: ``osm_id``, ``source`` (``node`` or ``area``), ``name``, ``key``,
        ``value`` and the tags themselves.
    areas : GeoDataFrame of Polygon or MultiPolygon
        Administrative areas with ``admin_level``, ``name``, ``ref``.
    box : tuple of float
        West, south, east, north in degrees.
    box_source : {"declared", "extent"}
        Whether the file declares the box, or it is the extent of what was read.
    notes : tuple of Note
        What was cut, merged, mended or left out.
    timestamp : date or None
        Of the file's header, else of the newest object.
    """

    streets: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame
    residential: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    pois: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    box: Box
    box_source: Literal["declared", "extent"]
    notes: tuple[Note, ...]
    timestamp: dt.date | None


def read_osm(path: Path | str) -> OsmExtract:
    """
    Read the layers of a place from an OpenStreetMap file.

    A way that refers to absent nodes is cut there: the pieces on either side
    become lines of their own and are never joined across the gap.

    Parameters
    ----------
    path : path of a ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` file

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputError
        If the file is of another kind, broken, or without streets.
    """
    file = Path(path)
    raw = read_objects(file)
    notes = Notes(dict(raw.skipped))
    _refuse_local_ids(file, raw)
    streets, barriers = line_frames(raw.streets, raw.barriers, notes)
    if streets.empty:
        raise InputError(_no_streets(file, raw))
    layers, area_pois = area_frames(raw.areas, notes)
    made = {area.osm_id for area in raw.areas}
    gates, node_pois = point_frames(raw.points)
    pois = pd.concat([node_pois, area_pois], ignore_index=True)
    extent = _extent([streets, barriers, gates, pois, *layers.values()])
    declared = _plausible(raw.declared_box, extent, notes)
    layers["water"], barriers, open_ids = _with_open_water(
        raw, layers["water"], barriers, declared or extent, notes
    )
    notes.add("osm_areas_incomplete", sorted(raw.expected_areas - made - open_ids))
    return OsmExtract(
        **layers,
        streets=streets,
        barriers=barriers,
        gates=gates,
        pois=pois,
        box=declared or extent,
        box_source="declared" if declared else "extent",
        notes=notes.made(),
        timestamp=raw.dated,
    )


def _with_open_water(
    raw: RawObjects, water: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, box: Box, notes: Notes
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, set[str]]:
    """Return water and barriers with what leaves the file, and the ids of those relations."""
    centres = barriers[barriers["kind"].isin(_CENTRE_LINES)]
    coast = bank_lines(raw.coast.nodes)
    found: list[tuple[str, str | None, str | None, Geometries, Geometries]] = []
    if len(coast):
        found.append(("coast", "tidal", None, coast, water_of_coast(coast, box)))
    for osm_id, ways in raw.banks.items():
        lines = bank_lines(ways.nodes)
        if len(lines):
            tags, _ = raw.open_water[osm_id]
            shapes = water_of_banks(lines, centres.geometry.to_numpy(), box)
            found.append((osm_id, water_kind(tags), name_of(tags), lines, shapes))
    areas, banks = [water], [barriers]
    for osm_id, kind, name, lines, shapes in found:
        notes.add("osm_water_assembled" if len(shapes) else "osm_water_banks", [osm_id])
        columns: dict[str, str | bool | None] = {"osm_id": osm_id, "kind": kind, "name": name}
        if len(shapes):
            areas.append(_numbered(shapes, "water_id", columns))
        else:
            columns |= {"kind": "river", "bridge": False}
            banks.append(_numbered(lines, "barrier_id", columns))
    return _stacked(areas), _stacked(banks), {osm_id for osm_id, *_ in found}


def _numbered(
    shapes: np.ndarray, key: str, columns: Mapping[str, str | bool | None]
) -> gpd.GeoDataFrame:
    ids = [f"{columns['osm_id']}-{part}" for part in range(len(shapes))]
    return gpd.GeoDataFrame({key: ids, **columns}, geometry=shapes, crs=LON_LAT)


def _stacked(frames: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if len(frames) == 1:
        return frames[0]
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=LON_LAT)


def _refuse_local_ids(file: Path, raw: RawObjects) -> None:
    # osmium keeps no places for negative ids: the ways would be cut to nothing.
    local = [f"n{ref}" for ref in raw.streets.nodes.ref if ref < 0]
    if local:
        raise InputError(
            Message(
                en=f"{counted(len(local), 'street node', 'street nodes')} of {file.name} "
                f"{agreed(len(local), 'has a negative id', 'have negative ids')} "
                f"({first_ids(local)}): an editor saved it before upload. Renumber it, e.g. "
                f"`osmium renumber`, or upload and download it again.",
                zh=f"{file.name} 中有 {len(local)} 个道路节点的编号为负（{ids_zh(local)}），"
                f"是编辑器上传前保存的文件。请重新编号（如 `osmium renumber`）或上传后重新下载。",
            )
        )


def _no_streets(file: Path, raw: RawObjects) -> Message:
    ways = len(raw.streets.tags)
    if ways:
        return Message(
            en=f"None of the {ways} streets of {file.name} has two nodes in the file. Make the "
            f"extract again with complete ways.",
            zh=f"{file.name} 的 {ways} 条道路在文件中均不足两个节点。请按“完整道路”重新截取。",
        )
    return Message(
        en=f"{file.name} has no streets (`highway=*`), only "
        f"{counted(len(raw.areas), 'area', 'areas')} and "
        f"{counted(len(raw.points), 'point', 'points')}. Get an extract with the streets in it.",
        zh=f"{file.name} 中没有道路（`highway=*`），只有 {len(raw.areas)} 个面和 "
        f"{len(raw.points)} 个点。请获取包含道路的数据。",
    )


def _extent(frames: list[gpd.GeoDataFrame]) -> Box:
    bounds = np.array([frame.total_bounds for frame in frames if len(frame)])
    west, south = bounds[:, :2].min(axis=0).tolist()
    east, north = bounds[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def _plausible(declared: Box | None, extent: Box, notes: Notes) -> Box | None:
    if declared is None:
        return None
    (width, height), (own_width, own_height) = _size(declared), _size(extent)
    large = max(width, height) > _BOGUS_BOX_DEGREES
    if large and width * height > _BOGUS_BOX_TIMES * own_width * own_height:
        notes.add("osm_box_implausible", [", ".join(f"{side:g}" for side in declared)])
        return None
    return declared


def _size(box: Box) -> tuple[float, float]:
    west, south, east, north = box
    return east - west, north - south


def kinds_from_landuse(
    buildings: gpd.GeoDataFrame, residential: gpd.GeoDataFrame, landuse: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """
    Return the buildings with the kind of unknown ones taken from the land they lie on.

    A building lies on the smallest land-use area that holds a point of it.
    Residential land makes it ``residential``, industrial ``industrial``,
    commercial and retail ``commercial``, education, institutional and religious
    land ``public``; any other land, or none, ``other``.

    Parameters
    ----------
    buildings : GeoDataFrame
        With ``kind``; only rows with ``unknown`` change, in a copy.
    residential, landuse : GeoDataFrame
        As in `OsmExtract`, in the CRS of `buildings`; `landuse` has ``kind``.

    Returns
    -------
    GeoDataFrame, indexed like `buildings`, with a further column ``kind_from``:
    ``tag`` or ``landuse``.
    """
    refined = buildings.copy()
    unknown = (buildings["kind"] == "unknown").to_numpy()
    refined["kind_from"] = np.where(unknown, "landuse", "tag").astype(object)
    land = pd.concat([landuse.geometry, residential.geometry]).to_numpy()
    kinds = np.array([*landuse["kind"], *["residential"] * len(residential)], dtype=object)
    inside = shapely.point_on_surface(buildings.geometry.to_numpy()[unknown])
    on = _smallest_around(inside, np.asarray(land, dtype=object))
    found = ["other" if one < 0 else _LANDUSE_KINDS.get(kinds[one], "other") for one in on]
    refined.loc[unknown, "kind"] = np.array(found, dtype=object)
    return refined


def _smallest_around(points: np.ndarray, land: np.ndarray) -> list[int]:
    """Return for each point the position of the smallest polygon around it, or -1."""
    point, polygon = shapely.STRtree(land).query(points, predicate="intersects")
    pairs = pd.DataFrame({"point": point, "polygon": polygon, "area": shapely.area(land)[polygon]})
    pairs["wkb"] = shapely.to_wkb(land[polygon]) if len(pairs) else None
    ordered = pairs.sort_values(["point", "area", "wkb"], kind="stable")
    nearest = ordered.drop_duplicates("point").set_index("point")["polygon"]
    around: list[int] = nearest.reindex(range(len(points)), fill_value=-1).tolist()
    return around
