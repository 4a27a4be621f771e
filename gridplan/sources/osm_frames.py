"""Frames in degrees from the objects of an OpenStreetMap file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.geometry import Geometries, polygonal
from gridplan.sources import osm_tags
from gridplan.sources.osm_lines import (
    Faults,
    Ints,
    Pieces,
    make_pieces,
    node_ids,
    vertices_of,
)
from gridplan.sources.osm_notes import Notes
from gridplan.sources.osm_objects import RawArea, RawPoint, RawWays

LON_LAT = "EPSG:4326"

Tags = dict[str, str]
Read = Callable[[Tags], object]
Raw = TypeVar("Raw", RawArea, RawPoint)


def _tag(key: str) -> Read:
    return lambda tags: tags.get(key)


def _flag(key: str) -> Read:
    return lambda tags: osm_tags.flag_of(tags.get(key))


def _layer_number(tags: Tags) -> float | None:
    return osm_tags.number_of(tags.get("layer"))


def _poi_columns(*, area: bool) -> Mapping[str, Read]:
    def key(tags: Tags) -> str | None:
        return osm_tags.poi_key(tags, area=area)

    return {
        "name": osm_tags.name_of,
        "key": key,
        "value": lambda tags: tags.get(key(tags) or ""),
        **{name: _tag(name) for name in (*osm_tags.POI_KEYS, *_POI_DETAILS)},
    }


_POI_DETAILS = ("community_centre", "community_centre:for", "social_facility", "operator", "ref")

_STREET_COLUMNS: Mapping[str, Read] = {
    "name": osm_tags.name_of,
    "highway": _tag("highway"),
    "foot": _tag("foot"),
    "access": _tag("access"),
    "bridge": _flag("bridge"),
    "tunnel": _flag("tunnel"),
    "layer": _layer_number,
    "service": _tag("service"),
    "motorroad": _tag("motorroad"),
    "sidewalk": _tag("sidewalk"),
}
_BARRIER_COLUMNS: Mapping[str, Read] = {
    "kind": osm_tags.barrier_kind,
    "name": osm_tags.name_of,
    "bridge": _flag("bridge"),
    "layer": _layer_number,
}
_GATE_COLUMNS: Mapping[str, Read] = {
    "estate_id": lambda _: None,
    "status": lambda _: "mapped",
    "kind": osm_tags.gate_kind,
    "name": osm_tags.name_of,
    **{name: _tag(name) for name in ("barrier", "entrance", "access", "foot")},
}

_AREA_COLUMNS: Mapping[str, Mapping[str, Read]] = {
    "buildings": {
        "kind": osm_tags.building_kind,
        "building": _tag("building"),
        "floors": osm_tags.floors_of,
        "name": osm_tags.name_of,
        "households": lambda _: None,
        "estate_id": lambda _: None,
    },
    "landuse": {"kind": _tag("landuse"), "name": osm_tags.name_of},
    "residential": {
        "name": osm_tags.name_of,
        "kind": lambda tags: tags.get("residential") or "residential",
        "households": lambda _: None,
        "walled": lambda _: None,
    },
    "water": {"name": osm_tags.name_of, "kind": osm_tags.water_kind},
    "areas": {
        "boundary": _tag("boundary"),
        "admin_level": _tag("admin_level"),
        "name": osm_tags.name_of,
        "ref": _tag("ref"),
    },
}
_AREA_KEYS = {
    "buildings": "building_id",
    "landuse": "landuse_id",
    "residential": "estate_id",
    "water": "water_id",
    "areas": "area_id",
}
_NUMBERS = frozenset({"floors", "layer", "households"})
_FLAGS = frozenset({"bridge", "tunnel"})


def line_frames(
    streets: RawWays, barriers: RawWays, notes: Notes
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return streets split at junctions, and barriers, both cut at absent nodes."""
    split = _lines_of(streets, at_junctions=True)
    whole = _lines_of(barriers, at_junctions=False)
    for lines in (split, whole):
        notes.add("osm_ways_cut", lines.ways(lines.faults.cut_ways))
        notes.add("osm_ways_pointless", lines.ways(lines.faults.pointless_ways))
    found = (split.faults, whole.faults)
    notes.add("osm_nodes_absent", node_ids(np.unique(_joined(one.absent_nodes for one in found))))
    notes.add("osm_nodes_merged", node_ids(np.unique(_joined(one.merged_nodes for one in found))))
    ends = {"u": node_ids(split.pieces.u), "v": node_ids(split.pieces.v)}
    return (
        _line_frame(split, "street_id", ends, _STREET_COLUMNS),
        _line_frame(whole, "barrier_id", {}, _BARRIER_COLUMNS),
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    pieces: Pieces
    faults: Faults
    way_id: Ints
    tags: list[Tags]

    def ways(self, positions: Ints) -> list[str]:
        return [f"w{way_id}" for way_id in self.way_id[positions].tolist()]


def _joined(parts: Iterable[Ints]) -> Ints:
    return np.concatenate(list(parts))


def _lines_of(ways: RawWays, *, at_junctions: bool) -> _Lines:
    pieces, faults = make_pieces(vertices_of(ways.nodes), at_junctions=at_junctions)
    return _Lines(pieces, faults, np.asarray(ways.nodes.way_id, dtype=np.int64), ways.tags)


def _line_frame(
    lines: _Lines, key: str, ends: Mapping[str, list[str]], readers: Mapping[str, Read]
) -> gpd.GeoDataFrame:
    pieces = lines.pieces
    ways = lines.ways(pieces.way)
    ids = [f"{way}-{part}" for way, part in zip(ways, pieces.part.tolist(), strict=True)]
    keys = _texts({key: ids, "osm_id": ways, **ends})
    columns = pd.DataFrame(_columns(lines.tags, readers))
    of_pieces = columns.take(pieces.way.tolist()).reset_index(drop=True)
    return _frame(
        {**keys, **{str(name): values for name, values in of_pieces.items()}}, pieces.lines
    )


def street_frame(
    keys: Mapping[str, list[str]], tags: Sequence[Tags], lines: Geometries
) -> gpd.GeoDataFrame:
    """Return streets as `line_frames` does, from keys, tags and lines at hand."""
    return _frame({**_texts(keys), **_columns(tags, _STREET_COLUMNS)}, lines)


def barrier_frame(
    keys: Mapping[str, list[str]], tags: Sequence[Tags], lines: Geometries
) -> gpd.GeoDataFrame:
    """Return barriers as `line_frames` does, from keys, tags and lines at hand."""
    return _frame({**_texts(keys), **_columns(tags, _BARRIER_COLUMNS)}, lines)


def area_frames(
    areas: Sequence[RawArea], notes: Notes
) -> tuple[dict[str, gpd.GeoDataFrame], gpd.GeoDataFrame]:
    """Return the layers of areas by name, and the areas that are points of interest."""
    chosen = _sorted(areas)
    shapes = np.asarray(shapely.from_wkb([area.wkb for area in chosen]), dtype=object)
    single = shapely.get_num_geometries(shapes) == 1
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    return frames_of_areas(chosen, mended(chosen, shapes, notes), notes)


def frames_of_areas(
    chosen: Sequence[RawArea], shapes: Geometries, notes: Notes
) -> tuple[dict[str, gpd.GeoDataFrame], gpd.GeoDataFrame]:
    """Return the same for areas whose polygons are at hand."""
    _note_floors(chosen, notes)
    rows = {
        layer: [row for row, area in enumerate(chosen) if layer in area.layers]
        for layer in (*_AREA_KEYS, "pois")
    }
    frames = {
        layer: _area_frame([chosen[row] for row in rows[layer]], shapes[rows[layer]], layer)
        for layer in _AREA_KEYS
    }
    places = np.asarray(shapely.point_on_surface(shapes[rows["pois"]]), dtype=object)
    return frames, _poi_frame([chosen[row] for row in rows["pois"]], places, source="area")


def _note_floors(areas: Sequence[RawArea], notes: Notes) -> None:
    said = [area for area in areas if area.tags.get("building:levels")]
    notes.add(
        "osm_floors_unread", [one.osm_id for one in said if osm_tags.floors_of(one.tags) is None]
    )


def _sorted(objects: Sequence[Raw]) -> list[Raw]:
    return sorted(objects, key=lambda one: (one.osm_id[0], int(one.osm_id[1:])))


def mended(areas: Sequence[RawArea], shapes: Geometries, notes: Notes) -> Geometries:
    """Return the polygons with those that cross themselves made valid, and note which."""
    result = shapes.copy()
    broken = ~shapely.is_valid(shapes)
    if broken.any():
        result[broken] = polygonal(shapely.make_valid(shapes[broken]))
        ids = [areas[row].osm_id for row in np.flatnonzero(broken).tolist()]
        notes.add("osm_areas_repaired", ids)
    return result


def _area_frame(areas: Sequence[RawArea], shapes: Geometries, layer: str) -> gpd.GeoDataFrame:
    ids = [area.osm_id for area in areas]
    keys = _texts({_AREA_KEYS[layer]: ids, "osm_id": ids})
    return _frame({**keys, **_columns([area.tags for area in areas], _AREA_COLUMNS[layer])}, shapes)


def point_frames(points: Sequence[RawPoint]) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return gates and points of interest from tagged nodes."""
    chosen = _sorted(points)
    gates = [one for one in chosen if osm_tags.gate_kind(one.tags)]
    pois = [one for one in chosen if osm_tags.poi_key(one.tags, area=False)]
    ids = [gate.osm_id for gate in gates]
    columns = _columns([gate.tags for gate in gates], _GATE_COLUMNS)
    return (
        _frame({**_texts({"gate_id": ids, "osm_id": ids}), **columns}, _places(gates)),
        _poi_frame(pois, _places(pois), source="node"),
    )


def _places(points: Sequence[RawPoint]) -> Geometries:
    lon, lat = [point.lon for point in points], [point.lat for point in points]
    return np.asarray(shapely.points(lon, lat), dtype=object)


def _poi_frame(
    objects: Sequence[RawArea] | Sequence[RawPoint], places: Geometries, *, source: str
) -> gpd.GeoDataFrame:
    ids, tags = [one.osm_id for one in objects], [one.tags for one in objects]
    keys = _texts({"osm_id": ids, "source": [source] * len(ids)})
    return _frame({**keys, **_columns(tags, _poi_columns(area=source == "area"))}, places)


def _columns(tags: Sequence[Tags], readers: Mapping[str, Read]) -> dict[str, pd.Series]:
    return {name: _column(name, [read(one) for one in tags]) for name, read in readers.items()}


def _column(name: str, values: list[object]) -> pd.Series:
    if name in _NUMBERS:
        return pd.Series(values, dtype="float64")
    if name in _FLAGS:
        return pd.Series(values, dtype="bool")
    return pd.Series(values, dtype="object")


def _texts(columns: Mapping[str, list[str]]) -> dict[str, pd.Series]:
    return {name: pd.Series(values, dtype="object") for name, values in columns.items()}


def _frame(columns: Mapping[str, pd.Series], geometry: Geometries) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(dict(columns), geometry=geometry, crs=LON_LAT)
