"""The route of a walk, as a line along the network from the door to the facility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csgraph

from gridplan.errors import InputError, Message
from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.network import Network, Obstacles, Snapped, WalkGraph, leg_line
from gridplan.network.edges import Ints

_NO_NODE = -9999
_SAME_WALK_M = 0.01


@dataclass(frozen=True)
class Ends:
    """
    Points, and where they meet the network.

    Attributes
    ----------
    points : array of Point, shape (n,)
    snapped : Snapped
    """

    points: Geometries
    snapped: Snapped


@dataclass(frozen=True, slots=True)
class Route:
    """
    One walk.

    Attributes
    ----------
    line : LineString or None
        From the door through its leg, along the streets, through the leg to the
        facility; None where there is no way.
    metres : float
        Its length, ``inf`` where there is none.
    edges : tuple of int
        Positions among the walkable edges, in the order they are walked.
    """

    line: shapely.LineString | None
    metres: float
    edges: tuple[int, ...] = ()


_NO_ROUTE = Route(line=None, metres=float("inf"))


class _Pieces:
    """The pieces of edges between nodes of the graph, found by their two nodes."""

    def __init__(self, network: Network, graph: WalkGraph) -> None:
        self.lines = network.walkable.geometry.to_numpy()
        at_m = graph.piece_start_m
        self.edge: Ints = np.searchsorted(graph.edge_start_m, at_m, side="right") - 1
        self.start_m = at_m - graph.edge_start_m[self.edge]
        self.end_m = self.start_m + graph.piece_length_m
        self.graph = graph
        self.street_nodes = int(max(graph.piece_from.max(), graph.piece_to.max())) + 1
        self._size = graph.matrix.shape[0]
        low = np.minimum(graph.piece_from, graph.piece_to)
        high = np.maximum(graph.piece_from, graph.piece_to)
        key = low * self._size + high
        # Of parallel pieces the shortest is walked, as in the graph's matrix.
        self._order = np.lexsort([graph.piece_length_m, key])
        self._key = key[self._order]

    def at(self, edge: int, offset_m: float) -> int:
        """Return the piece on which a point of an edge lies."""
        place = self.graph.edge_start_m[edge] + offset_m
        return int(np.searchsorted(self.graph.piece_start_m, place, side="right") - 1)

    def between(self, node: int, other: int) -> int:
        """Return the piece that joins two nodes."""
        key = min(node, other) * self._size + max(node, other)
        return int(self._order[np.searchsorted(self._key, key)])

    def part(self, piece: int, start_m: float, end_m: float) -> Floats:
        """Return the vertices of an edge between two places on it, in walking order."""
        line = self.lines[self.edge[piece]]
        return _substring(line, start_m, end_m)

    def whole(self, piece: int, node: int) -> Floats:
        """Return the vertices of a piece from one of its nodes to the other."""
        ends = (float(self.start_m[piece]), float(self.end_m[piece]))
        forward = self.graph.piece_from[piece] == node
        return self.part(piece, *(ends if forward else ends[::-1]))


def _substring(line: shapely.LineString, start_m: float, end_m: float) -> Floats:
    low, high = min(start_m, end_m), max(start_m, end_m)
    coords = shapely.get_coordinates(line)
    at_m = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(coords, axis=0).T))])
    between = coords[(at_m > low) & (at_m < high)]
    ends = shapely.get_coordinates(shapely.line_interpolate_point(line, [low, high]))
    part = np.concatenate([ends[:1], between, ends[1:]])
    return part if start_m <= end_m else part[::-1]


def walk_routes(
    network: Network,
    graph: WalkGraph,
    pairs: Sequence[tuple[int, int]],
    *,
    doors: Ends,
    facilities: Ends,
    walks_m: Sequence[float] | None = None,
    blocks: Obstacles | None = None,
) -> list[Route]:
    """
    Return the shortest walk of each pair as a line; its length is the walking distance.

    Of a door's several ways onto the network, the one that makes the whole walk
    shortest is taken.

    Parameters
    ----------
    graph : WalkGraph
        Built with the same facilities.
    pairs : sequence of (door, facility)
        Positions.
    walks_m : sequence of float, optional
        The walk of each pair. One that is shorter than by any street is the straight
        line between two points behind the same walls (`straight_walks`).
    blocks : Obstacles, optional
        The legs are drawn round the corners of walled ground where they are not straight.

    Raises
    ------
    InputError
        If the graph was built with other facilities.
    """
    if len(graph.facility_node) != len(facilities.points):
        raise InputError(
            Message(
                en=f"The graph knows {len(graph.facility_node)} facilities, "
                f"{len(facilities.points)} were given. Build it with the same ones.",
                zh=f"路网图中有 {len(graph.facility_node)} 个设施，给出 "
                f"{len(facilities.points)} 个。请用同一批设施建图。",
            )
        )
    pieces = _Pieces(network, graph)
    ways = doors.snapped.connections
    ways_of = ways.groupby("point").indices
    found: dict[tuple[int, int], Route] = {}
    for target in sorted({facility for _, facility in pairs}):
        node = int(graph.facility_node[target])
        own = [pair for pair in pairs if pair[1] == target]
        if node < 0:
            found.update(dict.fromkeys(own, _NO_ROUTE))
            continue
        metres, towards = csgraph.dijkstra(
            graph.matrix, directed=True, indices=node, return_predecessors=True
        )
        for door, _ in own:
            own_ways = ways.iloc[ways_of.get(door, [])]
            start = _best_start(pieces, metres, own_ways)
            ends = (doors.points[door], facilities.points[target])
            found[door, target] = _route(pieces, towards, start, ends)
    routes = [found[pair] for pair in pairs]
    if blocks is not None:
        routes = [
            _with_bent_legs(route, pair, doors, facilities, pieces.lines, blocks)
            for route, pair in zip(routes, pairs, strict=True)
        ]
    if walks_m is None:
        return routes
    ends_of = [(doors.points[door], facilities.points[target]) for door, target in pairs]
    return [_or_straight(*each, blocks) for each in zip(routes, walks_m, ends_of, strict=True)]


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a walk meets the network, and the first node it goes to."""

    piece: int
    place_m: float
    node: int


def _best_start(pieces: _Pieces, metres: Floats, ways: pd.DataFrame) -> _Start | None:
    """Return the start of the shortest walk over a door's ways; of equal ones the first."""
    starts = []
    for edge, offset_m, leg_m in ways[["edge", "offset_m", "leg_m"]].itertuples(index=False):
        piece = pieces.at(int(edge), float(offset_m))
        low, high = float(pieces.start_m[piece]), float(pieces.end_m[piece])
        place = min(max(float(offset_m), low), high)
        back, ahead = int(pieces.graph.piece_from[piece]), int(pieces.graph.piece_to[piece])
        through_back, through_ahead = metres[back] + place - low, metres[ahead] + high - place
        node = back if through_back <= through_ahead else ahead
        walk_m = min(through_back, through_ahead) + leg_m
        if np.isfinite(walk_m):
            # Compared on the grid, as the walks are, so that rounding noise decides no tie.
            starts.append((round(walk_m / GRID_M), _Start(piece, place, node)))
    return min(starts, key=lambda one: one[0])[1] if starts else None


def _route(
    pieces: _Pieces,
    towards: Ints,
    start: _Start | None,
    ends: tuple[shapely.Point, shapely.Point],
) -> Route:
    if start is None:
        return _NO_ROUTE
    back = start.node == int(pieces.graph.piece_from[start.piece])
    goal_m = float((pieces.start_m if back else pieces.end_m)[start.piece])
    parts = [
        shapely.get_coordinates(ends[0]),
        pieces.part(start.piece, start.place_m, goal_m),
    ]
    edges = [int(pieces.edge[start.piece])]
    node = start.node
    # A facility that meets the network in several places is a node beyond those of the streets.
    while towards[node] != _NO_NODE and towards[node] < pieces.street_nodes:
        step = pieces.between(node, int(towards[node]))
        parts.append(pieces.whole(step, node))
        edges.append(int(pieces.edge[step]))
        node = int(towards[node])
    parts.append(shapely.get_coordinates(ends[1]))
    line = shapely.LineString(_without_repeats(np.concatenate(parts)))
    walked = [one for one, before in zip(edges, [-1, *edges], strict=False) if one != before]
    return Route(line=line, metres=float(line.length), edges=tuple(walked))


def _with_bent_legs(
    route: Route,
    pair: tuple[int, int],
    doors: Ends,
    facilities: Ends,
    lines: Geometries,
    blocks: Obstacles,
) -> Route:
    """Return the route with its first and last leg round the corners of the ground, if need be."""
    if route.line is None:
        return route
    coords = shapely.get_coordinates(route.line)
    first = _leg(doors, pair[0], coords[1], lines, blocks)
    last = _leg(facilities, pair[1], coords[-2], lines, blocks)
    whole = np.concatenate([first, coords[1:-1], last[::-1]])
    line = shapely.LineString(_without_repeats(whole))
    return Route(line=line, metres=float(line.length), edges=route.edges)


def _leg(ends: Ends, point: int, foot: Floats, lines: Geometries, blocks: Obstacles) -> Floats:
    """Return the vertices of the leg from a point to its foot on the network."""
    place = shapely.Point(foot)
    ways = ends.snapped.connections
    own = ways[ways["point"] == point]
    feet = shapely.line_interpolate_point(lines[own["edge"].to_numpy()], own["offset_m"].to_numpy())
    leg_m = own["leg_m"].to_numpy()
    # Of ways that meet the network in the same place, the shortest was walked.
    away = np.lexsort([leg_m, np.round(shapely.distance(feet, place) / GRID_M)])
    line = leg_line(ends.points[point], place, float(leg_m[away[0]]), blocks)
    coords: Floats = shapely.get_coordinates(line)
    return coords


def _or_straight(
    route: Route,
    walk_m: float,
    ends: tuple[shapely.Point, shapely.Point],
    blocks: Obstacles | None,
) -> Route:
    if not walk_m < route.metres - _SAME_WALK_M:
        return route
    line = shapely.LineString(ends)
    if blocks is not None:
        line = leg_line(*ends, walk_m, blocks)
    return Route(line=line, metres=float(line.length))


def _without_repeats(coords: Floats) -> Floats:
    """Drop vertices that repeat the one before; a line keeps at least two."""
    moved = np.concatenate([[True], (np.diff(coords, axis=0) != 0).any(axis=1)])
    kept = coords[moved]
    return kept if len(kept) > 1 else np.repeat(kept, 2, axis=0)
