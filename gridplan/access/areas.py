"""Service areas: what lies within a walk of a facility, without leaking over water or walls."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import shapely.ops
from scipy.sparse import csgraph

from gridplan.access.routes import Ends
from gridplan.errors import Message, SettingsError
from gridplan.geometry import Floats, Geometries, polygonal
from gridplan.network import Network, Obstacles, WalkGraph, leg_line

_LEAST_M = 1e-6


@dataclass(frozen=True, slots=True)
class AreaOptions:
    """
    How a service area is drawn.

    Attributes
    ----------
    buffer_m : float
        Land this far from a reached street belongs to the area.
    arc : int
        Segments of a quarter circle of the buffer.
    """

    buffer_m: float = 30.0
    arc: int = 4

    def __post_init__(self) -> None:
        """Refuse a buffer without width."""
        if not self.buffer_m > 0:
            raise SettingsError(
                Message(
                    en=f"The buffer of service areas is {self.buffer_m} m; expected more than 0.",
                    zh=f"服务范围缓冲宽度为 {self.buffer_m} 米，应大于 0。",
                )
            )


def reached_streets(
    network: Network,
    graph: WalkGraph,
    facilities: Ends,
    facility: int,
    *,
    reach_m: float,
    blocks: Obstacles | None = None,
) -> Geometries:
    """
    Return the parts of the streets within `reach_m` of a facility, its leg first.

    Parameters
    ----------
    graph : WalkGraph
        Built with the facilities.
    facility : position of the facility
    reach_m : float
        Metres on foot, the facility's leg included.
    blocks : Obstacles, optional
        The leg is drawn round the corners of walled ground where it is not straight.

    Returns
    -------
    array of LineString
        Exactly the points of the network whose walk is at most `reach_m`; empty where
        no street is near the facility.
    """
    node = int(graph.facility_node[facility])
    left_m = reach_m - (float(graph.facility_leg_m[facility]) if node >= 0 else np.inf)
    if left_m < 0:
        return np.empty(0, dtype=object)
    metres = csgraph.dijkstra(graph.matrix, directed=True, indices=node, limit=left_m)
    edge = np.searchsorted(graph.edge_start_m, graph.piece_start_m, side="right") - 1
    start_m = graph.piece_start_m - graph.edge_start_m[edge]
    length_m = graph.piece_length_m
    ahead = np.clip(left_m - metres[graph.piece_from], 0.0, length_m)
    back = np.clip(left_m - metres[graph.piece_to], 0.0, length_m)
    ahead[~np.isfinite(metres[graph.piece_from])] = 0.0
    back[~np.isfinite(metres[graph.piece_to])] = 0.0
    lines = network.walkable.geometry.to_numpy()
    parts = _legs(lines, facilities, facility, reach_m=reach_m, blocks=blocks)
    for piece in np.flatnonzero((ahead > _LEAST_M) | (back > _LEAST_M)):
        line, begin, end = lines[edge[piece]], start_m[piece], start_m[piece] + length_m[piece]
        if ahead[piece] + back[piece] >= length_m[piece]:
            parts.append(_part(line, begin, end))
            continue
        parts.append(_part(line, begin, begin + ahead[piece]))
        parts.append(_part(line, end - back[piece], end))
    return np.array([part for part in parts if part is not None], dtype=object)


def _legs(
    lines: Geometries,
    facilities: Ends,
    facility: int,
    *,
    reach_m: float,
    blocks: Obstacles | None,
) -> list[shapely.LineString | None]:
    """Return the legs from a facility to each place where it meets the network."""
    meets = facilities.snapped.connections
    meets = meets[(meets["point"] == facility) & (meets["leg_m"] <= reach_m)]
    feet = shapely.line_interpolate_point(
        lines[meets["edge"].to_numpy()], meets["offset_m"].to_numpy()
    )
    point = facilities.points[facility]
    legs = [
        shapely.LineString([point, foot]) if blocks is None else leg_line(point, foot, m, blocks)
        for foot, m in zip(feet, meets["leg_m"], strict=True)
    ]
    return [leg if leg.length > _LEAST_M else None for leg in legs]


def _part(line: shapely.LineString, start_m: float, end_m: float) -> shapely.LineString | None:
    if end_m - start_m <= _LEAST_M:
        return None
    return shapely.ops.substring(line, start_m, end_m)


def service_area(
    streets: Geometries,
    blocks: Obstacles,
    water: gpd.GeoDataFrame,
    *,
    options: AreaOptions | None = None,
) -> shapely.Geometry:
    """
    Return the land beside the reached streets, cut off where water or walls lie between.

    Each street's buffer is cut along every obstacle, and only the parts that the street
    itself runs through stay; water is taken out. A home in the area whose leg meets a
    reached street walks at most the reach and the buffer; one whose nearest street is
    another, beyond no obstacle but not reached, may walk farther.

    Parameters
    ----------
    streets : array of LineString
        As `reached_streets` gives them.
    blocks : Obstacles
    water : GeoDataFrame of polygons

    Returns
    -------
    Polygon or MultiPolygon, empty where no street is reached
    """
    chosen = options or AreaOptions()
    if not len(streets):
        return shapely.MultiPolygon()
    pieces = shapely.buffer(streets, chosen.buffer_m, quad_segs=chosen.arc)
    if len(blocks.lines):
        tree = shapely.STRtree(blocks.lines)
        piece, line = tree.query(pieces, predicate="intersects")
        for one in np.unique(piece):
            across = blocks.lines[line[piece == one]]
            pieces[one] = _near_side(pieces[one], streets[one], across)
    land = shapely.union_all(pieces)
    wet = water.geometry.to_numpy()
    if len(wet):
        near = wet[np.asarray(shapely.intersects(wet, land), dtype=bool)]
        land = shapely.difference(land, shapely.union_all(near))
    [area] = polygonal(np.array([land], dtype=object))
    return area


def _near_side(
    around: shapely.Polygon, street: shapely.LineString, across: Geometries
) -> shapely.Geometry:
    """Return the parts of a street's buffer that the street runs through."""
    cut = shapely.union_all([shapely.boundary(around), shapely.union_all(across)])
    faces = shapely.get_parts(shapely.polygonize([cut]))
    faces = faces[np.asarray(shapely.covers(around, shapely.point_on_surface(faces)), dtype=bool)]
    walked: Floats = shapely.length(shapely.intersection(faces, street))
    return shapely.union_all(faces[walked > _LEAST_M])
