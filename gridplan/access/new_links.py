"""Shortcuts: where two streets lie near each other in a straight line, and far apart on foot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse, spatial
from scipy.sparse import csgraph

from gridplan.access.missing import Terrain, Walkers, as_points, gathered
from gridplan.access.walks import joined
from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.network import (
    DoubtfulLinks,
    Network,
    Snapped,
    WalkGraph,
    build_graph,
    remedies,
    straight_links,
    street_spots,
)
from gridplan.network.obstacles import Obstacles, straight_legs

Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_CHUNK = 1_000
_LOOKED_AT = 50_000
"""Pairs of places, the most promising ones, of which it is asked what lies between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortcutOptions:
    """
    Which places are joined.

    Attributes
    ----------
    gap_m : float
        The longest straight link; of two whose middles are nearer, the better one is kept.
    detour : float
        The walk today is at least so many times the link.
    most : int
        Links that are proposed.
    """

    gap_m: float = 150.0
    detour: float = 3.0
    most: int = 20


def shortcuts(
    walkers: Walkers,
    terrain: Terrain,
    *,
    open_today: Flags,
    kinds: Collection[str],
    solid: Geometries,
    options: ShortcutOptions,
) -> DoubtfulLinks:
    r"""
    Return straight links between connected streets that would save residents a long way round.

    With :math:`g` the walk on from a place to the nearest facility, a link from :math:`u` to
    :math:`v` of length :math:`l` saves everybody who passes :math:`u` today
    :math:`g_u - g_v - l`, and nobody more. So one search from all facilities ranks all pairs
    of near places, by that times the residents who pass; what lies between, and the walk from
    :math:`u` to :math:`v`, is asked for the best of them alone, until `options.most` are kept.

    Parameters
    ----------
    walkers : Walkers
    terrain : Terrain
    open_today : bool array, shape (m,)
        The targets to which residents walk today.
    kinds : collection of str
        What may be built: ``bridge`` (over water), ``crossing`` (of a railway), ``join``
        (nothing between). No link leads through a wall or over a hard border.
    solid : array of Polygon
        What no link may cross, such as buildings.
    options : ShortcutOptions

    Returns
    -------
    DoubtfulLinks
        Assumed closed; ids are made of the place.
    """
    network = terrain.network
    spots = street_spots(network)
    goals = _some(walkers.facilities, open_today)
    along = spots["node"] < 0
    graph = build_graph(network, joined(as_points(spots[along]), goals))
    spots.loc[along, "node"] = graph.facility_node[: int(along.sum())]
    is_goal = np.arange(len(graph.facility_node)) >= along.sum()
    onward_m, passing = _ways_on(gathered(graph, is_goal[None, :]), walkers)
    node = spots["node"].to_numpy()
    pairs = _pairs(spots, onward_m[node], passing[node], gap_m=options.gap_m)
    kept = _kept(pairs, spots, graph, _Between(network, terrain.blocks, kinds, solid), options)
    return straight_links(kept["line"].to_numpy(dtype=object), kept["kind"].tolist(), kept, network)


def _some(points: Snapped, chosen: Flags) -> Snapped:
    """Return some of the points."""
    rows = np.flatnonzero(chosen)
    further = points.further[points.further["point"].isin(rows)]
    number = np.cumsum(chosen) - 1
    return Snapped(
        edge=points.edge[rows],
        offset_m=points.offset_m[rows],
        leg_m=points.leg_m[rows],
        detour=points.detour[rows],
        further=further.assign(point=number[further["point"].to_numpy(dtype=np.intp)]),
    )


def _ways_on(graph: WalkGraph, walkers: Walkers) -> tuple[Floats, Floats]:
    """Return the walk from each node to the nearest goal, and the residents who pass the node."""
    source = int(graph.facility_node[0])
    metres, before = csgraph.dijkstra(
        graph.matrix, directed=True, indices=source, return_predecessors=True
    )
    passing = _first_nodes(graph, walkers, metres)
    tree = np.flatnonzero(before >= 0)
    shape = graph.matrix.shape
    branches = sparse.csr_matrix((np.ones(len(tree)), (before[tree], tree)), shape=shape)
    order = csgraph.breadth_first_order(branches, source, return_predecessors=False)
    for node in order[:0:-1].tolist():
        passing[before[node]] += passing[node]
    return np.asarray(metres, dtype=float), passing


def _first_nodes(graph: WalkGraph, walkers: Walkers, metres: Floats) -> Floats:
    """Return the residents by the first node on their walk to the nearest goal."""
    ways = walkers.doors.connections
    at_m = graph.edge_start_m[ways["edge"]] + ways["offset_m"].to_numpy()
    piece = np.searchsorted(graph.piece_start_m, at_m, side="right") - 1
    along_m = np.clip(at_m - graph.piece_start_m[piece], 0.0, graph.piece_length_m[piece])
    rest_m = graph.piece_length_m[piece] - along_m
    table = pd.DataFrame(
        {
            "point": np.tile(ways["point"].to_numpy(), 2),
            "node": np.concatenate([graph.piece_from[piece], graph.piece_to[piece]]),
            "leg_m": np.concatenate([along_m, rest_m]) + np.tile(ways["leg_m"].to_numpy(), 2),
        }
    )
    table["rank"] = np.round((metres[table["node"].to_numpy()] + table["leg_m"]) / GRID_M)
    table = table[np.isfinite(table["rank"])]
    best = table.sort_values(["point", "rank", "node"]).drop_duplicates("point")
    people = walkers.residents[best["point"].to_numpy(dtype=np.intp)]
    return np.bincount(best["node"], weights=people, minlength=len(metres)).astype(float)


def _pairs(spots: pd.DataFrame, onward_m: Floats, passing: Floats, *, gap_m: float) -> pd.DataFrame:
    """Return pairs of near spots of which the second is nearer to a goal, the best first."""
    at = spots[["x", "y"]].to_numpy(dtype=float)
    met = np.flatnonzero(np.isfinite(onward_m))
    near = met[spatial.cKDTree(at[met]).query_pairs(gap_m, output_type="ndarray")]
    less = onward_m[near[:, 0]] < onward_m[near[:, 1]]
    start, end = np.where(less, near[:, 1], near[:, 0]), np.where(less, near[:, 0], near[:, 1])
    link_m = np.hypot(*(at[start] - at[end]).T)
    worth = passing[start] * (onward_m[start] - onward_m[end] - link_m)
    useful = (worth > GRID_M) & (link_m > GRID_M)
    pairs = pd.DataFrame({"start": start, "end": end, "link_m": link_m, "worth": worth})[useful]
    # Compared on the grid, so that rounding noise decides no tie.
    pairs["rank"], pairs["step"] = -np.round(pairs["worth"]), np.round(pairs["link_m"] / GRID_M)
    ordered: pd.DataFrame = pairs.sort_values(["rank", "step", "start", "end"], ignore_index=True)
    return ordered.head(_LOOKED_AT)


@dataclass(frozen=True)
class _Between:
    """What may lie between the ends of a link."""

    network: Network
    blocks: Obstacles
    kinds: Collection[str]
    solid: Geometries

    def kinds_of(self, lines: Geometries) -> list[str | None]:
        """Return what each link would be; null where none may be built."""
        found = remedies(lines, self.blocks)
        kinds = np.array([one if one in self.kinds else None for one in found], dtype=object)
        for tree, predicate in ((self._streets, "crosses"), (self._solid, "intersects")):
            # Another street in between is nearer: the link from there is a pair of its own.
            asked = np.flatnonzero([one is not None for one in kinds])
            hit = tree.query(_inside(lines[asked]), predicate=predicate)[0]
            kinds[asked[np.unique(hit)]] = None
        return list(kinds)

    @cached_property
    def _streets(self) -> shapely.STRtree:
        return shapely.STRtree(self.network.walkable.geometry.to_numpy())

    @cached_property
    def _solid(self) -> shapely.STRtree:
        return shapely.STRtree(self.solid)


def _inside(lines: Geometries) -> Geometries:
    """Return straight links without the last grid step at either end, where they meet streets."""
    ends = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    step = (ends[:, 1] - ends[:, 0]) / shapely.length(lines)[:, None] * GRID_M
    return straight_legs(ends[:, 0] + step, ends[:, 1] - step)


def _kept(
    pairs: pd.DataFrame,
    spots: pd.DataFrame,
    graph: WalkGraph,
    between: _Between,
    options: ShortcutOptions,
) -> pd.DataFrame:
    """Return the best links apart from each other: ``start``, ``end``, ``line``, ``kind``."""
    at, node = spots[["x", "y"]].to_numpy(dtype=float), spots["node"].to_numpy(dtype=np.intp)
    middle = (at[pairs["start"]] + at[pairs["end"]]) / 2
    left = np.ones(len(pairs), dtype=bool)
    rows: list[int] = []
    kinds: list[str] = []
    for start in range(0, len(pairs), _CHUNK):
        chunk = start + np.flatnonzero(left[start : start + _CHUNK])
        if len(rows) >= options.most or not len(chunk):
            continue
        found = pairs.iloc[chunk]
        kind_of = between.kinds_of(straight_legs(at[found["start"]], at[found["end"]]))
        free = np.array([one is not None for one in kind_of], dtype=bool)
        free[free] = _far_round(found[free], node, graph, detour=options.detour)
        for row in np.flatnonzero(free).tolist():
            if left[chunk[row]] and len(rows) < options.most:
                rows.append(int(chunk[row]))
                kinds.append(str(kind_of[row]))
                left &= np.hypot(*(middle - middle[chunk[row]]).T) > options.gap_m
    best = pairs.iloc[rows].reset_index(drop=True)
    lines = straight_legs(at[best["start"]], at[best["end"]])
    ends = {
        f"{name}_{side}": spots[name].to_numpy()[best[side]]
        for side in ("start", "end")
        for name in ("edge", "offset_m")
    }
    return best.assign(**ends, line=lines, kind=pd.Series(kinds, dtype="object"))


def _far_round(pairs: pd.DataFrame, node: Ints, graph: WalkGraph, *, detour: float) -> Flags:
    """Return for which pairs the walk on the streets is so many times the link."""
    if not len(pairs):
        return np.empty(0, dtype=bool)
    asked_m = detour * pairs["link_m"].to_numpy()
    starts, row = np.unique(pairs["start"].to_numpy(), return_inverse=True)
    metres = csgraph.dijkstra(
        graph.matrix,
        directed=True,
        indices=node[starts],
        limit=float(asked_m.max()),
    )
    walk_m = metres[row, node[pairs["end"].to_numpy()]]
    return np.asarray(walk_m >= asked_m - GRID_M, dtype=bool)
