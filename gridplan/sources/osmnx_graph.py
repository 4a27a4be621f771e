"""Street graphs and feature frames of OSMnx as the layers that `read_osm` gives."""

from __future__ import annotations

import ast
import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridplan.errors import (
    CrsError,
    FaultList,
    InputError,
    Message,
    MissingInputError,
    agreed,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.sources import osm_tags
from gridplan.sources.osm_frames import (
    LON_LAT,
    barrier_frame,
    frames_of_areas,
    mended,
    point_frames,
    street_frame,
)
from gridplan.sources.osm_notes import Notes
from gridplan.sources.osm_objects import RawArea, RawPoint

_NULLS = frozenset({"", "nan", "none", "null"})
_ELEMENTS = {"node": "n", "way": "w", "relation": "r"}
_LINE, _POLYGONS = 1, (3, 6)

Tags = dict[str, str]


class _Edge(NamedTuple):
    u: str
    v: str
    osm_id: str
    line: shapely.LineString
    tags: Tags


def read_graphml(path: Path | str) -> gpd.GeoDataFrame:
    """
    Read streets from a GraphML file as OSMnx saves it; see `streets_from_graph`.

    Attributes may be text throughout, lists and geometries (WKT) too. OSMnx is
    not needed.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputError, CrsError
        If it is no GraphML, or as in `streets_from_graph`.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingInputError(
            Message(
                en=f"There is no file {file}. Check the path; it is relative to the settings file.",
                zh=f"找不到文件 {file}。请检查路径（相对于设置文件）。",
            )
        )
    try:
        graph = nx.read_graphml(file, node_type=str, force_multigraph=True)
    except (ET.ParseError, nx.NetworkXError, KeyError, ValueError) as error:
        raise InputError(
            Message(
                en=f"{file.name} cannot be read as GraphML ({error}). Save the graph again with "
                f"osmnx.save_graphml.",
                zh=f"{file.name} 无法作为 GraphML 读取（{error}）。"
                f"请用 osmnx.save_graphml 重新保存。",
            )
        ) from error
    return streets_from_graph(graph)


def streets_from_graph(graph: nx.MultiDiGraph[Any]) -> gpd.GeoDataFrame:
    """
    Return the edges of an OSMnx graph as streets, each once whatever its directions.

    Two edges are one street if they join the same nodes along the same line and
    have the same ``osmid``. Edges without geometry are straight. Of an
    attribute that is a list, as simplified graphs have them, the first counts.

    Parameters
    ----------
    graph : networkx.MultiDiGraph
        Nodes with ``x``, ``y``; edges with ``osmid``, ``highway`` …; the
        coordinate system under ``graph.graph["crs"]``. Attributes may be text.

    Returns
    -------
    GeoDataFrame of LineString, in degrees, sorted by ``street_id``
        Columns as ``OsmExtract.streets``; ``street_id`` is made of the end
        nodes, ``osm_id`` of all ways that were merged (``w1;w2``).

    Raises
    ------
    CrsError
        If the graph has no coordinate system.
    InputError
        If nodes lack coordinates, edges lack ``highway`` or have a geometry that
        cannot be read, or there are no edges.
    """
    crs = _crs_of(graph)
    places = _places(graph)
    edges = _undirected(graph, places)
    if not edges:
        raise InputError(
            Message(
                en="The graph has no edges. Give a street network, as osmnx.graph_from_place "
                "makes it.",
                zh="图中没有边。请提供道路网络，例如 osmnx.graph_from_place 的结果。",
            )
        )
    lines = gpd.GeoSeries([edge.line for edge in edges], crs=crs).to_crs(LON_LAT)
    keys = {
        "street_id": _street_ids(edges),
        "osm_id": [edge.osm_id for edge in edges],
        "u": [edge.u for edge in edges],
        "v": [edge.v for edge in edges],
    }
    streets = street_frame(keys, [edge.tags for edge in edges], lines.to_numpy())
    return streets.sort_values("street_id", kind="stable").reset_index(drop=True)


def _crs_of(graph: nx.MultiDiGraph[Any]) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(graph.graph.get("crs"))
    except pyproj.exceptions.CRSError as error:
        raise CrsError(
            Message(
                en='The graph does not say its coordinate system: graph.graph["crs"] is '
                f'{graph.graph.get("crs")!r}. Set it, e.g. to "EPSG:4326".',
                zh='图没有坐标系信息：graph.graph["crs"] 为 '
                f'{graph.graph.get("crs")!r}。请设置，例如 "EPSG:4326"。',
            )
        ) from error


def _places(graph: nx.MultiDiGraph[Any]) -> dict[Hashable, tuple[float, float]]:
    places = {
        node: (_number(data.get("x")), _number(data.get("y")))
        for node, data in graph.nodes(data=True)
    }
    lost = [node for node, place in places.items() if not all(map(math.isfinite, place))]
    if lost:
        raise InputError(
            Message(
                en=f"{len(lost)} of {len(places)} nodes of the graph "
                f"{agreed(len(lost), 'has', 'have')} no x, y: "
                f"{first_ids(lost)}. Use a graph that OSMnx made.",
                zh=f"图的 {len(places)} 个节点中有 {len(lost)} 个没有 x、y："
                f"{ids_zh(lost)}。请使用 OSMnx 生成的图。",
            )
        )
    return places


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _undirected(
    graph: nx.MultiDiGraph[Any], places: Mapping[Hashable, tuple[float, float]]
) -> list[_Edge]:
    found: dict[tuple[str, str, str, bytes], _Edge] = {}
    faults = FaultList()
    bad_lines, no_class = [], []
    for start, end, data in graph.edges(data=True):
        line = _line(data.get("geometry"), places[start], places[end])
        tags = {str(key): text for key in data if (text := _text(data[key])) is not None}
        if line is None:
            bad_lines.append(f"{start}-{end}")
        elif "highway" not in tags:
            no_class.append(f"{start}-{end}")
        else:
            edge = _directed_by_id(_node_id(start), _node_id(end), line)._replace(
                osm_id=_way_ids(data.get("osmid")), tags=tags
            )
            key = (edge.u, edge.v, edge.osm_id, shapely.to_wkb(edge.line))
            # Reciprocal edges may differ in tags (`reversed`): order must not decide.
            found[key] = min(found.get(key, edge), edge, key=lambda one: sorted(one.tags.items()))
    for ids, en, zh in (
        (bad_lines, "a geometry that is no line", "无法识别的几何"),
        (no_class, "no `highway`", "没有 `highway` 属性"),
    ):
        if ids:
            faults.add(
                en=f"{counted(len(ids), 'edge', 'edges')} of the graph "
                f"{agreed(len(ids), 'has', 'have')} {en}: {first_ids(ids)}. Use a "
                f"graph that OSMnx made.",
                zh=f"图中有 {len(ids)} 条边{zh}：{ids_zh(ids)}。请使用 OSMnx 生成的图。",
            )
    faults.raise_if_any(InputError)
    return [found[key] for key in sorted(found)]


def _line(
    geometry: object, start: tuple[float, float], end: tuple[float, float]
) -> shapely.LineString | None:
    if geometry is None:
        return shapely.LineString([start, end])
    if isinstance(geometry, str):
        geometry = shapely.from_wkt(geometry, on_invalid="ignore")
    return geometry if isinstance(geometry, shapely.LineString) else None


def _directed_by_id(start: str, end: str, line: shapely.LineString) -> _Edge:
    """Return the edge from the smaller id to the larger; of a loop, the smaller line."""
    turned = shapely.reverse(line)
    backward = start > end or (start == end and turned.coords[:] < line.coords[:])
    u, v = (end, start) if backward else (start, end)
    return _Edge(u, v, "", turned if backward else line, {})


def _node_id(node: Hashable) -> str:
    return f"n{node}"


def _way_ids(osmid: object) -> str:
    return ";".join(sorted(f"w{one}" for one in _listed(osmid)))


def _listed(value: object) -> list[object]:
    """Return the items of a list, also of one written as text."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError):  # a name may begin with a bracket
            return [value]
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return sorted(value, key=str) if isinstance(value, set) else list(value)
    return [] if value is None else [value]


def _text(value: object) -> str | None:
    """Return an attribute as text (of a list the first that says something), else null."""
    if isinstance(value, shapely.Geometry):
        return None
    for one in _listed(value):
        text = str(int(one)) if isinstance(one, float) and one.is_integer() else str(one)
        if text.strip().lower() not in _NULLS:
            return text.strip()
    return None


def _street_ids(edges: Iterable[_Edge]) -> list[str]:
    parallel: defaultdict[tuple[str, str], int] = defaultdict(int)
    ids = []
    for edge in edges:
        ids.append(f"{edge.u}-{edge.v}-{parallel[edge.u, edge.v]}")
        parallel[edge.u, edge.v] += 1
    return ids


def layers_from_features(features: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """
    Return layers from a frame of OSMnx features, as ``OsmExtract`` has them.

    Parameters
    ----------
    features : GeoDataFrame
        As ``osmnx.features_from_place`` and its kin make it: index (element,
        id), one column per tag.

    Returns
    -------
    dict of GeoDataFrame, in degrees
        ``buildings``, ``landuse``, ``residential``, ``water``, ``areas``,
        ``barriers``, ``gates``, ``pois``.

    Raises
    ------
    CrsError
        If the frame has no coordinate system.
    InputError
        If its index is not (element, id), or an object occurs twice.
    """
    ids = _feature_ids(features)
    if features.crs is None:
        raise CrsError(
            Message(
                en="The feature frame has no coordinate system. Set it, e.g. "
                'features.set_crs("EPSG:4326").',
                zh='要素表没有坐标系。请设置，例如 features.set_crs("EPSG:4326")。',
            )
        )
    shapes = features.geometry.to_crs(LON_LAT).to_numpy()
    tags = _feature_tags(features)
    kinds = shapely.get_type_id(shapes)
    areas = np.flatnonzero(np.isin(kinds, _POLYGONS)).tolist()
    points = np.flatnonzero(kinds == 0).tolist()
    lines = [row for row in np.flatnonzero(kinds == _LINE).tolist() if _is_barrier_above(tags[row])]
    outlines = [RawArea(ids[row], tags[row], _area_layers(tags[row]), "") for row in areas]
    valid = mended(outlines, shapes[areas], Notes())
    layers, area_pois = frames_of_areas(outlines, valid, Notes())
    gates, node_pois = point_frames(
        [RawPoint(ids[row], tags[row], shapes[row].x, shapes[row].y) for row in points]
    )
    keys = {
        "barrier_id": [f"{ids[row]}-0" for row in lines],
        "osm_id": [ids[row] for row in lines],
    }
    barriers = barrier_frame(keys, [tags[row] for row in lines], shapes[lines])
    pois = pd.concat([node_pois, area_pois], ignore_index=True)
    return {**layers, "barriers": barriers, "gates": gates, "pois": pois}


def _feature_ids(features: gpd.GeoDataFrame) -> list[str]:
    pairs = features.index.to_list()
    fitting = features.index.nlevels == 2 and all(pair[0] in _ELEMENTS for pair in pairs)  # noqa: PLR2004
    if not fitting:
        raise InputError(
            Message(
                en=f"The index of the feature frame is {list(features.index.names)}, not (element, "
                f"id). Give the frame as osmnx.features_from_place makes it.",
                zh=f"要素表的索引为 {list(features.index.names)}，而不是 (element, id)。"
                f"请直接使用 osmnx.features_from_place 的结果。",
            )
        )
    ids = pd.Series([f"{_ELEMENTS[element]}{number}" for element, number in pairs], dtype="object")
    twice = sorted(ids[ids.duplicated()].unique())
    if twice:
        raise InputError(
            Message(
                en=f"{counted(len(twice), 'object occurs', 'objects occur')} twice in the "
                f"feature frame: {first_ids(twice)}. Drop the copies.",
                zh=f"要素表中有 {len(twice)} 个对象重复：{ids_zh(twice)}。请删除重复行。",
            )
        )
    found: list[str] = ids.tolist()
    return found


def _feature_tags(features: gpd.GeoDataFrame) -> list[Tags]:
    # Column by column: most cells of the hundreds of columns are empty.
    tags: list[Tags] = [{} for _ in range(len(features))]
    for name in sorted(map(str, features.columns.drop(features.geometry.name))):
        values = features[name]
        for row in np.flatnonzero(values.notna()).tolist():
            text = _text(values.iloc[row])
            if text is not None:
                tags[row][name] = text
    return tags


def _area_layers(tags: Tags) -> tuple[str, ...]:
    pois = ("pois",) if osm_tags.poi_key(tags, area=True) else ()
    return (*osm_tags.area_layers(tags), *pois)


def _is_barrier_above(tags: Tags) -> bool:
    return osm_tags.barrier_kind(tags) is not None and not osm_tags.flag_of(tags.get("tunnel"))
