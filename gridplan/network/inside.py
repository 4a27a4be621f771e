"""From inside walls onto the network: each piece of it that can be met without crossing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.network.edges import Network, NetworkOptions
from gridplan.network.gates import (
    AT_GATE_M,
    COURTYARD_CLASS,
    GUESS_CLASS,
    LINK_CLASS,
    bare_grounds,
)
from gridplan.network.geodesic import bent_connections, bent_metres
from gridplan.network.obstacles import (
    CLEARANCE_M,
    Grounds,
    Obstacles,
    crosses_obstacle,
    straight_legs,
)

Ints = npt.NDArray[np.intp]

CONNECTION_COLUMNS = ("point", "edge", "offset_m", "leg_m")


@dataclass(frozen=True)
class InnerWays:
    """
    What of the network lies inside walls, by walled ground and by connected piece.

    Attributes
    ----------
    ground : int array, shape (n,)
        Position among the grounds.
    piece : int array, shape (n,)
        Which of the pieces of the network inside the walls; pieces are
        connected by what lies inside alone.
    shape : array of LineString, MultiLineString or Point, shape (n,)
        The part of the edge inside the walls, or the gate.
    edge : int array, shape (n,)
        Position among the walkable edges.
    """

    ground: Ints
    piece: Ints
    shape: Geometries
    edge: Ints


def gate_places(network: Network) -> tuple[Ints, Floats]:
    """Return the walkable edge each of ``network.gates`` lies on, and the metres along it."""
    lines = network.walkable.geometry.to_numpy()
    points = network.gates.geometry.to_numpy()
    edge = np.full(len(points), -1, dtype=np.intp)
    gate, near = shapely.STRtree(lines).query(points, "dwithin", distance=AT_GATE_M)
    away = np.round(shapely.distance(points[gate], lines[near]) / GRID_M)
    order = np.lexsort([near, away, gate])[::-1]
    edge[gate[order]] = near[order]
    offset_m: Floats = shapely.line_locate_point(lines[edge], points)
    return edge, offset_m


def inner_ways(network: Network, grounds: Grounds) -> InnerWays:
    """
    Return what of the network can be met from inside each of some walled grounds.

    Streets count with the part inside the walls (a street that runs on top of
    the wall does not), gates where nothing inside leads to them. Links from
    gates join pieces, but are not met between their ends.
    """
    areas = grounds.areas
    walkable = network.walkable
    lines = walkable.geometry.to_numpy()
    is_link = walkable["highway"].isin([LINK_CLASS, GUESS_CLASS]).to_numpy()
    is_courtyard = (walkable["highway"] == COURTYARD_CLASS).to_numpy()
    within = shapely.buffer(areas, -CLEARANCE_M)
    ground, edge = shapely.STRtree(lines).query(within, predicate="intersects")
    enters = shapely.length(shapely.intersection(lines[edge], within[ground])) > GRID_M
    real = enters & ~is_courtyard[edge]
    ground, edge = ground[real], edge[real]
    shape = shapely.intersection(lines[edge], areas[ground])
    piece = _pieces(network, areas, ground, edge)
    own = np.flatnonzero(~is_link[edge])
    of_street = np.isin(piece, piece[own])
    led = (ground[of_street], edge[of_street])
    gate_ground, gate_edge, gate_shape = _open_gates(network, grounds, lines, led)
    return InnerWays(
        ground=np.concatenate([ground[own], gate_ground]),
        piece=np.concatenate([piece[own], len(edge) + np.arange(len(gate_edge))]),
        shape=np.concatenate([shape[own], gate_shape]),
        edge=np.concatenate([edge[own], gate_edge]),
    )


def _pieces(network: Network, areas: Geometries, ground: Ints, edge: Ints) -> Ints:
    """Label (ground, edge) pairs by connectedness over the nodes inside or in the wall."""
    lines = network.walkable.geometry.to_numpy()[edge]
    tails, heads, n_nodes = network.node_codes
    rows, nodes = [], []
    for end, codes in ((0, tails), (-1, heads)):
        at = shapely.dwithin(areas[ground], shapely.get_point(lines, end), AT_GATE_M)
        rows.append(np.flatnonzero(at))
        nodes.append(ground[at] * n_nodes + codes[edge[at]])
    row, node = np.concatenate(rows), np.concatenate(nodes)
    code, _ = pd.factorize(node)
    size = len(edge) + int(code.max(initial=-1)) + 1
    links = sparse.coo_matrix((np.ones(len(row)), (row, len(edge) + code)), shape=(size, size))
    _, label = csgraph.connected_components(links, directed=False)
    return np.asarray(label[: len(edge)], dtype=np.intp)


def _open_gates(
    network: Network, grounds: Grounds, lines: Geometries, inner: tuple[Ints, Ints]
) -> tuple[Ints, Ints, Geometries]:
    """
    Return the gates in the walls of each ground that no edge inside it leads to.

    A guessed gate opens its own estate alone.
    """
    areas = grounds.areas
    points = network.gates.geometry.to_numpy()
    edge, _ = gate_places(network)
    ground, gate = shapely.STRtree(points).query(areas, "dwithin", distance=CLEARANCE_M)
    at_wall = shapely.dwithin(shapely.boundary(areas[ground]), points[gate], CLEARANCE_M)
    guessed_for = network.gates["guessed_for"].to_numpy()[gate]
    own = np.array(grounds.names, dtype=object)[ground] == guessed_for
    opens = at_wall & (pd.isna(guessed_for) | (own & grounds.is_estate[ground]))
    ground, gate = ground[opens], gate[opens]
    pair, line = shapely.STRtree(lines).query(points[gate], "dwithin", distance=AT_GATE_M)
    keys = inner[0] * len(lines) + inner[1]
    led = pair[np.isin(ground[pair] * len(lines) + line, keys)]
    free = np.setdiff1d(np.arange(len(gate)), led)
    order = free[np.lexsort([gate[free], ground[free]])]
    return ground[order], edge[gate[order]], points[gate[order]]


def inner_connections(
    points: Geometries,
    network: Network,
    *,
    blocks: Obstacles,
    limit_m: float,
) -> tuple[Ints, pd.DataFrame]:
    """
    Return the points inside walls, and each way from them onto the network.

    A point has one connection per piece of the network inside its walls: the
    nearest place of the piece that a straight leg reaches without crossing
    an obstacle; where none does, the shortest way there round the corners of the
    ground (`bent_connections`).

    Returns
    -------
    int array of points inside walls, and a DataFrame of `CONNECTION_COLUMNS`
    """
    point, ground = blocks.grounds.holding(points)
    if not len(point):
        return point, pd.DataFrame({name: [] for name in CONNECTION_COLUMNS})
    held = np.unique(ground)
    ways = inner_ways(network, blocks.grounds.some(held))
    way_ground = held[ways.ground]
    near, way = shapely.STRtree(ways.shape).query(points[point], "dwithin", distance=limit_m)
    same = ground[near] == way_ground[way]
    at, way = point[near[same]], way[same]
    pairs = pd.DataFrame(
        {
            "point": at,
            "edge": ways.edge[way],
            "leg_m": shapely.distance(points[at], ways.shape[way]),
            "piece": ways.piece[way],
            "way": way,
            "ground": way_ground[way],
        }
    )
    pairs["rank"] = np.round(pairs["leg_m"] / GRID_M)
    pairs = pairs.sort_values(["point", "piece", "rank", "edge"], kind="stable")
    straight = _nearest_free(points, pairs.reset_index(drop=True), ways.shape, blocks)
    seen = pd.MultiIndex.from_frame(straight[["point", "piece"]])
    hidden = pairs[~pd.MultiIndex.from_frame(pairs[["point", "piece"]]).isin(seen)]
    bent = bent_connections(points, hidden, ways.shape, blocks=blocks, limit_m=limit_m)
    chosen = straight if bent.empty else pd.concat([straight, bent], ignore_index=True)
    chosen = chosen.sort_values(["point", "rank", "edge", "piece"], kind="stable")
    chosen = chosen.astype({"point": np.intp, "edge": np.intp}).reset_index(drop=True)
    lines = network.walkable.geometry.to_numpy()[chosen["edge"].to_numpy()]
    feet = shapely.points(chosen[["x", "y"]].to_numpy(dtype=float))
    chosen["offset_m"] = shapely.line_locate_point(lines, feet)
    return np.unique(point), chosen[[*CONNECTION_COLUMNS]]


def _nearest_free(
    points: Geometries, pairs: pd.DataFrame, shapes: Geometries, blocks: Obstacles
) -> pd.DataFrame:
    """Return the first pair of each point and piece whose leg is free, with its foot x, y."""
    parts = []
    left = pairs
    # Most nearest legs are free; the farther ones are looked at only where they are not.
    while len(left):
        first = ~left.duplicated(["point", "piece"])
        tried = left[first].copy()
        start = points[tried["point"].to_numpy()]
        foot = shapely.get_point(shapely.shortest_line(start, shapes[tried["way"].to_numpy()]), 1)
        tried[["x", "y"]] = shapely.get_coordinates(foot)
        legs = straight_legs(shapely.get_coordinates(start), shapely.get_coordinates(foot))
        free = crosses_obstacle(legs, blocks) == ""
        parts.append(tried[free])
        done = pd.MultiIndex.from_frame(tried.loc[free, ["point", "piece"]])
        rest = left[~first]
        left = rest[~pd.MultiIndex.from_frame(rest[["point", "piece"]]).isin(done)]
    found = pd.concat(parts, ignore_index=True) if parts else pairs.assign(x=0.0, y=0.0)
    ordered = found.sort_values(["point", "rank", "edge", "piece"], kind="stable")
    return ordered.reset_index(drop=True)


def straight_walks(
    doors: Geometries,
    goals: Geometries,
    network: Network,
    *,
    blocks: Obstacles,
    options: NetworkOptions | None = None,
) -> Floats:
    """
    Return the straight walks between points on the same ground without inner streets.

    Where walls hold no street, a home and a room behind the same walls are a
    straight line apart, as the gate is; by the streets one would leave by the gate
    and come back.

    Returns
    -------
    float array, shape (n_doors, n_goals), metres; ``inf`` elsewhere
    """
    chosen = options or NetworkOptions()
    walks_m = _straight_within(doors, goals, network, blocks, chosen)
    if blocks.if_walled is None:
        return walks_m
    walled_m = _straight_within(doors, goals, network, blocks.if_walled, chosen)
    return np.asarray(np.minimum(walks_m, walled_m))


def _straight_within(
    doors: Geometries,
    goals: Geometries,
    network: Network,
    blocks: Obstacles,
    chosen: NetworkOptions,
) -> Floats:
    walks_m = np.full((len(doors), len(goals)), np.inf)
    areas = bare_grounds(blocks.grounds, network.edges, least_m=chosen.gate_link_m)
    if not len(areas):
        return walks_m
    area, door = shapely.STRtree(doors).query(areas, predicate="intersects")
    goal_area, goal = shapely.STRtree(goals).query(areas, predicate="intersects")
    pairs = pd.DataFrame({"area": area, "door": door}).merge(
        pd.DataFrame({"area": goal_area, "goal": goal}), on="area"
    )
    i, j = pairs["door"].to_numpy(), pairs["goal"].to_numpy()
    legs = straight_legs(shapely.get_coordinates(doors[i]), shapely.get_coordinates(goals[j]))
    metres = shapely.length(legs)
    near = metres <= chosen.max_leg_m
    free = near.copy()
    free[near] = crosses_obstacle(legs[near], blocks) == ""
    walks_m[i[free], j[free]] = metres[free]
    shut = near & ~free
    for one in np.unique(pairs["area"].to_numpy()[shut]):
        rows = np.flatnonzero(shut & (pairs["area"].to_numpy() == one))
        starts = shapely.get_coordinates(doors[i[rows]])
        ends = shapely.get_coordinates(goals[j[rows]])
        bent_m = bent_metres(areas[one], starts, ends, blocks)
        within = bent_m <= chosen.max_leg_m
        walks_m[i[rows[within]], j[rows[within]]] = bent_m[within]
    return walks_m
