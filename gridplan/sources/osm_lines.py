"""Ways as node lists: cut where nodes are absent, split at junctions, made into lines."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.geometry import Geometries

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DEGREE = 10_000_000
"""OpenStreetMap stores coordinates as whole numbers of 1e-7 degrees."""

_MAX_LON, _MAX_LAT = 180 * DEGREE, 90 * DEGREE


@dataclass(slots=True)
class WayNodes:
    """Ways read so far: id, number of nodes, and all nodes one after the other."""

    way_id: list[int] = field(default_factory=list)
    size: list[int] = field(default_factory=list)
    ref: list[int] = field(default_factory=list)
    x: list[int] = field(default_factory=list)
    y: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Vertices:
    """
    Vertices of lines, all in one table.

    Attributes
    ----------
    line : array of int, shape (n,)
        The way (later: the piece) each vertex belongs to, in order.
    ref : array of int, shape (n,)
        OSM node ids.
    x, y : arrays of int, shape (n,)
        Longitude and latitude in 1e-7 degrees.
    """

    line: Ints
    ref: Ints
    x: Ints
    y: Ints

    def take(self, rows: npt.NDArray[np.intp] | Flags) -> Vertices:
        """Return some of the vertices."""
        return Vertices(self.line[rows], self.ref[rows], self.x[rows], self.y[rows])


@dataclass(frozen=True, slots=True)
class Pieces:
    """
    Lines made from ways, each with the way it is part of.

    Attributes
    ----------
    way : array of int, shape (n,)
        Position of the way in the order given.
    part : array of int, shape (n,)
        0, 1, … along the way.
    u, v : arrays of int, shape (n,)
        OSM node ids of the ends.
    lines : array of LineString, shape (n,)
        In degrees, with all vertices.
    """

    way: Ints
    part: Ints
    u: Ints
    v: Ints
    lines: Geometries


@dataclass(frozen=True, slots=True)
class Faults:
    """What had to be mended in the ways: positions of ways, ids of nodes."""

    cut_ways: Ints
    absent_nodes: Ints
    pointless_ways: Ints
    merged_nodes: Ints


def vertices_of(ways: WayNodes) -> Vertices:
    """Return the nodes of all ways as arrays; ``line`` is the position of the way."""
    sizes = np.asarray(ways.size, dtype=np.int64)
    return Vertices(
        np.repeat(np.arange(len(sizes), dtype=np.int64), sizes),
        *(np.asarray(column, dtype=np.int64) for column in (ways.ref, ways.x, ways.y)),
    )


def make_pieces(nodes: Vertices, *, at_junctions: bool) -> tuple[Pieces, Faults]:
    """
    Cut ways at absent nodes and, if asked, split them where they meet.

    A way is cut on both sides of a node whose place is unknown: what lies
    beyond the gap is never joined to what lies before it. A junction is a node
    used by two ways, twice by one, or at the end of a run of known nodes.
    Consecutive nodes at one place become one node (the smallest id) in all
    ways, so that no piece has length zero and nothing that was joined comes
    apart.

    Parameters
    ----------
    nodes : Vertices
        As `vertices_of` gives them; places out of range mean "absent".
    at_junctions : bool
        Split at junctions (streets), or leave each run whole (barriers).
    """
    present = (np.abs(nodes.x) <= _MAX_LON) & (np.abs(nodes.y) <= _MAX_LAT)
    runs = _runs(nodes.line, present)
    known = nodes.take(present)
    run = runs[present]
    merged, gone = _merge_at_one_place(known, run)
    keep = np.ones(len(run), dtype=bool)
    keep[1:] = (run[1:] != run[:-1]) | (merged.ref[1:] != merged.ref[:-1])
    walked, run = merged.take(keep), run[keep]
    lone = np.bincount(run, minlength=int(run.max(initial=-1)) + 1)[run] == 1
    walked, run = walked.take(~lone), run[~lone]
    pieces = _split(walked, run, at_junctions=at_junctions)
    faults = Faults(
        cut_ways=np.unique(nodes.line[~present]),
        absent_nodes=np.unique(nodes.ref[~present]),
        pointless_ways=np.setdiff1d(nodes.line, pieces.way),
        merged_nodes=gone,
    )
    return pieces, faults


def _runs(line: Ints, present: Flags) -> Ints:
    """Give each stretch of known nodes a number: a new one with each way and after each gap."""
    starts = np.ones(len(line), dtype=bool)
    starts[1:] = (line[1:] != line[:-1]) | ~present[:-1]
    return np.cumsum(starts) - 1


def _merge_at_one_place(nodes: Vertices, run: Ints) -> tuple[Vertices, Ints]:
    same = (run[1:] == run[:-1]) & (nodes.x[1:] == nodes.x[:-1]) & (nodes.y[1:] == nodes.y[:-1])
    same &= nodes.ref[1:] != nodes.ref[:-1]
    if not same.any():
        return nodes, np.empty(0, dtype=np.int64)
    ids, position = np.unique(nodes.ref, return_inverse=True)
    links = (np.ones(int(same.sum()), dtype=bool), (position[:-1][same], position[1:][same]))
    _, group = connected_components(coo_array(links, shape=(len(ids), len(ids))), directed=False)
    smallest = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, group, ids)
    new_id = smallest[group]
    return Vertices(nodes.line, new_id[position], nodes.x, nodes.y), ids[new_id != ids]


def _split(nodes: Vertices, run: Ints, *, at_junctions: bool) -> Pieces:
    first = np.ones(len(run), dtype=bool)
    first[1:] = run[1:] != run[:-1]
    last = np.roll(first, -1)
    if at_junctions:
        _, position, uses = np.unique(nodes.ref, return_inverse=True, return_counts=True)
        ends = np.zeros(len(uses), dtype=bool)
        ends[position[first | last]] = True
        junction = ((uses > 1) | ends)[position]
    else:
        junction = first | last
    # Each junction but the first and last of a run ends one piece and begins the next.
    begin = np.flatnonzero(junction & ~last)
    end = np.flatnonzero(junction & ~first)
    way = nodes.line[begin]
    order = np.arange(len(way))
    opens = np.ones(len(way), dtype=bool)
    opens[1:] = way[1:] != way[:-1]
    part = order - np.maximum.accumulate(np.where(opens, order, 0))
    return Pieces(way, part, nodes.ref[begin], nodes.ref[end], _lines(nodes, begin, end))


def _lines(nodes: Vertices, begin: npt.NDArray[np.intp], end: npt.NDArray[np.intp]) -> Geometries:
    if not len(begin):
        return np.empty(0, dtype=object)
    sizes = end - begin + 1
    piece = np.repeat(np.arange(len(begin)), sizes)
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    row = np.repeat(begin, sizes) + within
    coords = np.column_stack([nodes.x[row], nodes.y[row]]) / DEGREE
    return np.asarray(shapely.linestrings(coords, indices=piece), dtype=object)


def node_ids(refs: Ints) -> list[str]:
    """
    Return OSM node ids as text.

    Examples
    --------
    >>> node_ids(np.array([12, 7]))
    ['n12', 'n7']
    """
    return [f"n{ref}" for ref in refs.tolist()]
