"""What each link that nobody has seen saves, or costs if it is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse

from gridplan.access.links import LinkGain, link_gain
from gridplan.access.walks import joined
from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.geometry import Floats, Geometries
from gridplan.network import (
    GAP,
    OPEN,
    DoubtfulLinks,
    Network,
    NetworkOptions,
    Obstacles,
    Snapped,
    WalkGraph,
    build_graph,
    straight_walks,
    walking_distances,
    way_metres,
)
from gridplan.network.geodesic import bent_metres
from gridplan.network.obstacles import crosses_obstacle, straight_legs

Ints = npt.NDArray[np.intp]

MOST_LINKS = 300
"""Links of each status that are measured; those that promise least are left out, and told."""
_CHUNK = 100
_SAME_WALK_M = 0.01

OPENING = ("saved_resident_m", "shorter_residents", "gained_residents")
CLOSING = ("cost_resident_m", "longer_residents", "lost_residents")


@dataclass(frozen=True)
class Walkers:
    """
    Who walks where: the homes, the facilities, and the walks as the network is.

    Attributes
    ----------
    homes, targets : arrays of Point, shapes (n,) and (m,)
    doors, facilities : Snapped
        Where they meet the network.
    residents : float array, shape (n,)
    allowed : bool array, shape (n, m)
        Which facilities may serve whom.
    walks_m : float array, shape (n,)
        The least of the allowed walks; ``inf`` where there is none.
    """

    homes: Geometries
    targets: Geometries
    doors: Snapped
    facilities: Snapped
    residents: Floats
    allowed: npt.NDArray[np.bool_]
    walks_m: Floats

    @cached_property
    def goals(self) -> tuple[npt.NDArray[np.bool_], Ints]:
        """The distinct sets of allowed facilities, and which of them each home has."""
        sets, of_home = np.unique(self.allowed, axis=0, return_inverse=True)
        return sets, np.asarray(of_home, dtype=np.intp).reshape(-1)


@dataclass(frozen=True)
class Terrain:
    """What walks lead over: the network, its obstacles, its options."""

    network: Network
    blocks: Obstacles
    options: NetworkOptions


def measure_links(
    links: DoubtfulLinks, walkers: Walkers, *, terrain: Terrain
) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """
    Return what each link saves or costs those who walk, each by itself.

    A link that is added makes the walk of home *i* to facility *f*

        min(d(i, f), d(i, h) + d(h, f)),

    with *h* the middle of the link and d(h, ·) the least over the places where the
    link meets the network: exact, because no shortest walk passes a link twice. A
    link that is there today is taken out of the graph, for the homes whose walk
    leads over it. The network is built once for all of them, and the graph twice.

    Parameters
    ----------
    links : DoubtfulLinks
    walkers : Walkers
    terrain : Terrain

    Returns
    -------
    DataFrame, row by row as ``links.frame``
        Columns of `OPENING` (null for links walked today) and of `CLOSING` (null for
        links that are not), in resident-metres one way and residents.
    notes
        Which links were not measured, where there are more than `MOST_LINKS`.
    """
    columns = [*OPENING, *CLOSING]
    table = pd.DataFrame(np.nan, index=links.frame.index, columns=columns, dtype="float64")
    open_today = (links.frame["status"] == OPEN).to_numpy()
    added, skipped = _most(np.flatnonzero(~open_today), links)
    for chunk in _chunks(added):
        for link, after_m in _walks_with(chunk, links, walkers, terrain):
            gain = link_gain(walkers.walks_m, after_m, walkers.residents)
            table.loc[link, list(OPENING)] = _figures(gain)
    removed, more = _most(np.flatnonzero(open_today), links)
    for chunk in _chunks(removed):
        for link, after_m in _walks_without(chunk, links, walkers, terrain):
            gain = link_gain(after_m, walkers.walks_m, walkers.residents)
            table.loc[link, list(CLOSING)] = _figures(gain)
    return table, _left_out(links.frame["link_id"].to_numpy()[[*skipped, *more]].tolist())


def _chunks(rows: Ints) -> list[Ints]:
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]


def _figures(gain: LinkGain) -> list[float]:
    return [gain.saved_resident_m, gain.shorter_residents, gain.gained_residents]


def _most(rows: Ints, links: DoubtfulLinks) -> tuple[Ints, list[int]]:
    """Return the rows to measure and the others: gaps come last, then longer links."""
    if len(rows) <= MOST_LINKS:
        return rows, []
    frame = links.frame.iloc[rows]
    is_gap = (frame["kind"] == GAP).to_numpy()
    order = np.lexsort([frame["link_id"].astype(str), frame["length_m"], is_gap])
    return np.sort(rows[order[:MOST_LINKS]]), np.sort(rows[order[MOST_LINKS:]]).tolist()


def _left_out(ids: list[str]) -> tuple[Note, ...]:
    if not ids:
        return ()
    message = Message(
        en=f"{counted(len(ids), 'doubtful link was', 'doubtful links were')} not measured, "
        f"beyond the first {MOST_LINKS}: {first_ids(ids)}. They stand in the layer `links` "
        f"without figures.",
        zh=f"{len(ids)} 处存疑通路超出 {MOST_LINKS} 处的测算上限，未测算：{ids_zh(ids)}。"
        f"它们仍列于图层 links，但没有数值。",
    )
    return (Note("links_not_measured", len(ids), message, tuple(ids)),)


def _walks_with(
    chunk: Ints, links: DoubtfulLinks, walkers: Walkers, terrain: Terrain
) -> Iterator[tuple[int, Floats]]:
    """Give everybody's walk with each link of the chunk added alone."""
    homes_m, targets_m = ways_to_links(chunk, links, walkers, terrain)
    sets, of_home = walkers.goals
    for column, link in enumerate(chunk.tolist()):
        goal_m = np.where(sets, targets_m[:, column], np.inf).min(axis=1, initial=np.inf)
        yield link, np.minimum(walkers.walks_m, homes_m[:, column] + goal_m[of_home])


def ways_to_links(
    chunk: Ints, links: DoubtfulLinks, walkers: Walkers, terrain: Terrain
) -> tuple[Floats, Floats]:
    """
    Return the walks of homes and facilities to the middle of links that are not there today.

    Parameters
    ----------
    chunk : int array, shape (k,)
        Rows of ``links.frame``.

    Returns
    -------
    homes_m, targets_m : float arrays, shapes (n, k) and (m, k)
    """
    feet = links.feet[links.feet["link"].isin(chunk)].reset_index(drop=True)
    graph = build_graph(terrain.network, as_points(feet))
    leg_m = feet["leg_m"].to_numpy(dtype=float)
    found = []
    for snapped, points in ((walkers.doors, walkers.homes), (walkers.facilities, walkers.targets)):
        feet_m = walking_distances(graph, snapped) + leg_m
        metres = np.full((len(points), len(chunk)), np.inf)
        for column, link in enumerate(chunk.tolist()):
            of_link = (feet["link"] == link).to_numpy()
            metres[:, column] = feet_m[:, of_link].min(axis=1, initial=np.inf)
            gates = links.indoors[links.indoors["link"] == link]
            if len(gates):
                straight_m = straight_to(gates, points, terrain)
                metres[:, column] = np.minimum(metres[:, column], straight_m)
        found.append(metres)
    return found[0], found[1]


def as_points(rows: pd.DataFrame) -> Snapped:
    """Return places on edges as points that meet the network there."""
    return Snapped(
        edge=rows["edge"].to_numpy(dtype=np.intp),
        offset_m=rows["offset_m"].to_numpy(dtype=float),
        leg_m=np.zeros(len(rows)),
        detour=np.full(len(rows), "", dtype=object),
    )


def straight_to(gates: pd.DataFrame, points: Geometries, terrain: Terrain) -> Floats:
    """Return the legs to a gate from points inside the walls it opens, round corners too."""
    legs_m = np.full(len(points), np.inf)
    areas = terrain.blocks.grounds.areas[gates["ground"].to_numpy()]
    gate = gates[["x", "y"]].to_numpy(dtype=float)[:1]
    limit_m = terrain.options.max_leg_m
    tree = shapely.STRtree(points)
    for area in areas:
        inside = np.sort(tree.query(area, "intersects"))
        starts, ends = shapely.get_coordinates(points[inside]), np.repeat(gate, len(inside), axis=0)
        legs = straight_legs(starts, ends)
        metres = shapely.length(legs)
        hidden = (metres <= limit_m) & (crosses_obstacle(legs, terrain.blocks) != "")
        if hidden.any():
            ways = (starts[hidden], ends[hidden])
            metres[hidden] = bent_metres(area, *ways, blocks=terrain.blocks)
        metres[metres > limit_m] = np.inf
        legs_m[inside] = np.minimum(legs_m[inside], metres)
    return legs_m


def _walks_without(
    chunk: Ints, links: DoubtfulLinks, walkers: Walkers, terrain: Terrain
) -> Iterator[tuple[int, Floats]]:
    """Give everybody's walk without each of the links of the chunk that are walked today."""
    cuts = links.cuts[links.cuts["link"].isin(chunk)].reset_index(drop=True)
    graph = build_graph(terrain.network, joined(walkers.facilities, as_points(cuts)))
    stops = graph.facility_node[len(walkers.facilities) :]
    sets, of_home = walkers.goals
    whole = gathered(graph, sets)
    passing = _passing(
        replace(graph, facility_node=stops, facility_leg_m=np.zeros(len(stops))), walkers
    )
    straight_m = straight_walks(
        walkers.homes,
        walkers.targets,
        terrain.network,
        blocks=terrain.blocks,
        options=terrain.options,
    )
    least_m = np.where(walkers.allowed, straight_m, np.inf).min(axis=1, initial=np.inf)
    for link in chunk.tolist():
        own = np.flatnonzero(cuts["link"] == link)
        users = np.asarray(passing[:, own].any(axis=1), dtype=bool)
        after_m = walkers.walks_m.copy()
        if users.any():
            parted = replace(whole, matrix=_without(whole.matrix, stops[own]))
            found_m = np.minimum(_walks_to_goals(parted, walkers.doors, users, of_home), least_m)
            # Rounding alone makes no way round shorter.
            after_m[users] = np.maximum(found_m, walkers.walks_m)[users]
        yield link, after_m


def _passing(at_cuts: WalkGraph, walkers: Walkers) -> npt.NDArray[np.bool_]:
    """Return whose least walk leads over each cut, shape (n_homes, n_cuts)."""
    sets, of_home = walkers.goals
    homes_m = walking_distances(at_cuts, walkers.doors)
    targets_m = walking_distances(at_cuts, walkers.facilities)
    goals_m = np.array(
        [targets_m[chosen].min(axis=0, initial=np.inf) for chosen in sets], dtype=float
    ).reshape(len(sets), targets_m.shape[1])
    least_m = walkers.walks_m[:, None]
    over_m = homes_m + goals_m[of_home]
    return np.asarray(np.isfinite(least_m) & (over_m <= least_m + _SAME_WALK_M), dtype=bool)


def gathered(graph: WalkGraph, sets: npt.NDArray[np.bool_]) -> WalkGraph:
    """Return the graph with one node for each set of facilities, from which all of it is met."""
    at, facility = np.nonzero(sets & (graph.facility_node[: sets.shape[1]] >= 0))
    nodes, size = graph.matrix.shape[0], graph.matrix.shape[0] + len(sets)
    links = graph.matrix.tocoo()
    matrix = sparse.csr_matrix(
        (
            np.concatenate([links.data, graph.facility_leg_m[facility]]),
            (
                np.concatenate([links.row, nodes + at]),
                np.concatenate([links.col, graph.facility_node[facility]]),
            ),
        ),
        shape=(size, size),
    )
    return replace(
        graph,
        matrix=matrix,
        facility_node=nodes + np.arange(len(sets), dtype=np.intp),
        facility_leg_m=np.zeros(len(sets)),
    )


def _without(matrix: sparse.csr_matrix, nodes: Ints) -> sparse.csr_matrix:
    """Return the matrix with no way into or out of some nodes."""
    data = matrix.data.copy()
    data[np.isin(matrix.indices, nodes)] = np.inf
    for node in nodes:
        data[matrix.indptr[node] : matrix.indptr[node + 1]] = np.inf
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _walks_to_goals(
    graph: WalkGraph, doors: Snapped, users: npt.NDArray[np.bool_], of_home: Ints
) -> Floats:
    """Return the walk of some homes to their own goals, ``inf`` for all others."""
    walks_m = np.full(len(doors), np.inf)
    ways = doors.connections
    ways = ways[users[ways["point"].to_numpy()]]
    point = ways["point"].to_numpy()
    goals, column = np.unique(of_home[point], return_inverse=True)
    metres = way_metres(graph, ways, goals, limit_m=np.inf)[column, np.arange(len(ways))]
    np.minimum.at(walks_m, point, metres)
    return walks_m
