"""Walks straight from a raw OSM file, with none of gridplan's code: an oracle for the network."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import osmium
import pyproj

NOT_THERE = {"construction", "proposed", "planned", "abandoned", "razed"}
NEVER = {"motorway", "motorway_link", "raceway", "elevator"}
NEVER |= {"bus_guideway", "escape", "rest_area", "services"}
FOOT = {"yes", "designated", "permissive", "official"}


def walkable(tags):
    """Say whether one may walk along a way, by its tags alone."""
    kind, foot = tags.get("highway"), tags.get("foot")
    if kind is None or kind in NOT_THERE or foot == "no" or tags.get("area") == "yes":
        return False
    closed = kind in NEVER or tags.get("access") == "no" or tags.get("motorroad") == "yes"
    return tags.get("route") != "ferry" and (foot in FOOT or not closed)


def raw_segments(path, crs):
    """Return the walkable segments: node ids (n, 2) and metres x0, y0, x1, y1 (n, 4)."""
    nodes, ways = {}, []
    for thing in osmium.FileProcessor(str(path)):
        if thing.is_node():
            nodes[thing.id] = (thing.location.lon, thing.location.lat)
        elif thing.is_way() and walkable(thing.tags):
            ways.append([node.ref for node in thing.nodes])
    pairs = [
        (a, b)
        for way in ways
        for a, b in itertools.pairwise(way)
        if a in nodes and b in nodes and a != b
    ]
    metres = pyproj.Transformer.from_crs(4326, crs, always_xy=True)
    ends = np.array([[nodes[a], nodes[b]] for a, b in pairs])
    x, y = metres.transform(ends[:, :, 0], ends[:, :, 1])
    return np.array(pairs), np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)


def nearest(point, lines):
    """Return the nearest segment, the share along it, and the metres to it."""
    start, step = lines[:, :2], lines[:, 2:] - lines[:, :2]
    # Two nodes at one place make a segment of no length: its share along is 0.
    square = np.maximum((step**2).sum(axis=1), np.finfo(float).tiny)
    share = np.clip(((np.asarray(point) - start) * step).sum(axis=1) / square, 0, 1)
    feet = start + step * share[:, None]
    away = np.hypot(*(np.asarray(point) - feet).T)
    best = int(away.argmin())
    return best, float(share[best]), float(away[best])


class RawNetwork:
    """The segments of a file as a networkx graph, with walks between points."""

    def __init__(self, path, crs):
        self._build(*raw_segments(path, crs))

    @classmethod
    def of_lines(cls, lines):
        """Return the network of lines that share a vertex wherever they meet."""
        coords, line = [], []
        for number, one in enumerate(lines):
            coords.extend(one.coords)
            line.extend([number] * len(one.coords))
        places = np.round(np.array(coords), 3)
        _, node = np.unique(places, axis=0, return_inverse=True)
        node, line = node.ravel(), np.array(line)
        along = (line[1:] == line[:-1]) & (node[1:] != node[:-1])
        raw = cls.__new__(cls)
        raw._build(
            np.stack([node[:-1], node[1:]], axis=1)[along],
            np.hstack([places[:-1], places[1:]])[along],
        )
        return raw

    def _build(self, pairs, lines):
        self.pairs, self.lines = pairs, lines
        self.length = np.hypot(*(self.lines[:, 2:] - self.lines[:, :2]).T)
        self.graph = nx.Graph()
        for (a, b), metres in zip(self.pairs.tolist(), self.length, strict=True):
            known = self.graph.get_edge_data(a, b, {"metres": np.inf})["metres"]
            self.graph.add_edge(a, b, metres=min(metres, known))

    def nearest_walks(self, goals, starts):
        """Return the walk from each start to its nearest goal, both legs included."""
        source = "goals"
        graph = self.graph.copy()
        snapped = [nearest(goal, self.lines) for goal in goals]
        for edge, share, leg in snapped:
            ends = zip(self.pairs[edge].tolist(), (share, 1 - share), strict=True)
            for end, part in ends:
                metres = leg + part * self.length[edge]
                known = graph.get_edge_data(source, end, {"metres": np.inf})["metres"]
                graph.add_edge(source, end, metres=min(metres, known))
        reach = nx.single_source_dijkstra_path_length(graph, source, weight="metres")
        return np.array([self._walk(start, snapped, reach) for start in starts])

    def pair_walks(self, starts, goals):
        """Return the walk from each start to each goal, both legs included."""
        columns = []
        for goal in goals:
            snapped = [nearest(goal, self.lines)]
            edge, share, leg = snapped[0]
            a, b = self.pairs[edge].tolist()
            self.graph.add_edge("goal", a, metres=leg + share * self.length[edge])
            self.graph.add_edge("goal", b, metres=leg + (1 - share) * self.length[edge])
            reach = nx.single_source_dijkstra_path_length(self.graph, "goal", weight="metres")
            self.graph.remove_node("goal")
            columns.append([self._walk(start, snapped, reach) for start in starts])
        return np.array(columns).T

    def _walk(self, start, snapped, reach):
        edge, share, leg = nearest(start, self.lines)
        a, b = self.pairs[edge].tolist()
        ways = [
            reach.get(a, np.inf) + share * self.length[edge],
            reach.get(b, np.inf) + (1 - share) * self.length[edge],
        ]
        ways += [
            abs(share - at) * self.length[edge] + away for on, at, away in snapped if on == edge
        ]
        return leg + min(ways)
