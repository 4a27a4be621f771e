"""Links that may or may not be there: where they would join the network, or what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.geometry import GRID_M, Geometries
from gridplan.network.edges import Network, NetworkOptions
from gridplan.network.gates import (
    AT_GATE_M,
    GUESS_CLASS,
    LINK_CLASSES,
    Gate,
    bare_grounds,
    closed_stretches,
    meet_streets,
)
from gridplan.network.inside import gate_places
from gridplan.network.noding import NEAR_MISS_M, street_levels
from gridplan.network.obstacles import CLEARANCE_M, Obstacles, crosses_obstacle, straight_legs

Ints = npt.NDArray[np.intp]

GATE, GAP = "gate", "gap"
OPEN, SHUT = "assumed_open", "assumed_closed"
_STUB_M = 3.0
"""A gate that a street runs through is drawn this far to both sides of the wall."""
_POINT = 0


@dataclass(frozen=True)
class DoubtfulLinks:
    """
    Links that nobody has seen, and how each would change the network.

    Attributes
    ----------
    frame : GeoDataFrame
        ``link_id``, ``kind`` (``gate``, ``gap``, or the ledger's words), ``status``
        (``assumed_open``: walked today; ``assumed_closed``: not), ``estate_id``,
        ``length_m``; the link as a line.
    feet : DataFrame
        Where links that are assumed closed would meet the network: ``link``
        (position), ``edge`` (position among the walkable edges), ``offset_m``,
        ``leg_m`` (metres from the foot to the middle of the link).
    cuts : DataFrame
        Where the network parts without a link that is assumed open: ``link``,
        ``edge``, ``offset_m``.
    indoors : DataFrame
        Walled ground whose homes would reach the link straight: ``link``, ``ground``,
        and the gate's place ``x``, ``y``.
    """

    frame: gpd.GeoDataFrame
    feet: pd.DataFrame
    cuts: pd.DataFrame
    indoors: pd.DataFrame


def doubtful_links(
    network: Network,
    *,
    proposed: gpd.GeoDataFrame,
    ledger: gpd.GeoDataFrame,
    blocks: Obstacles,
    options: NetworkOptions | None = None,
) -> DoubtfulLinks:
    """
    Return every link that the data leave in doubt.

    - Proposed gates: a street that crosses a wall is walked today and may be shut;
      a street that ends at a wall may lead through it, as a mapped gate would.
    - The link of each piece that is cut off, as the ledger draws it; not at hard borders.
    - Dead ends that stop up to 2 m short of another street at their level.

    Parameters
    ----------
    proposed : GeoDataFrame
        As `propose_gates` gives them.
    ledger : GeoDataFrame
        As `reachability_ledger` gives it.
    """
    chosen = options or NetworkOptions()
    parts = (
        links_of_gates(network, proposed, blocks, chosen),
        _pieces(network, ledger),
        _near_misses(network, blocks),
    )
    return joined_links(parts, network)


def joined_links(parts: Sequence[DoubtfulLinks], network: Network) -> DoubtfulLinks:
    """Return the links of several parts, numbered one after the other."""
    at = np.cumsum([0, *(len(part.frame) for part in parts[:-1])])
    frames, feet, cuts, indoors = (
        pd.concat(
            [
                table if name == "frame" else table.assign(link=table["link"] + first)
                for first, table in zip(at, (getattr(p, name) for p in parts), strict=True)
                if len(table)
            ]
            or [getattr(parts[0], name)],
            ignore_index=True,
        )
        for name in ("frame", "feet", "cuts", "indoors")
    )
    return DoubtfulLinks(gpd.GeoDataFrame(frames, crs=network.edges.crs), feet, cuts, indoors)


def street_spots(network: Network, *, step_m: float = 20.0) -> pd.DataFrame:
    """
    Return places along the streets on the ground, from which a link may start.

    The nodes, and places at most `step_m` apart along each street; none on bridges, in tunnels
    or on the links of gates.

    Returns
    -------
    DataFrame
        ``edge`` (position among the walkable edges), ``offset_m``, ``x``, ``y``, ``node`` (its
        number in the graph; -1 along a street).
    """
    walkable = network.walkable
    off = walkable["highway"].isin(LINK_CLASSES).to_numpy() | (street_levels(walkable) != 0)
    edges = np.flatnonzero(~off)
    lines = walkable.geometry.to_numpy()
    tails, heads, nodes = network.node_codes
    length_m = walkable["length_m"].to_numpy(dtype=float)[edges]
    parts = np.maximum(np.ceil(length_m / step_m), 1).astype(np.intp)
    edge = np.repeat(edges, parts + 1)
    first = np.cumsum(parts + 1) - (parts + 1)
    number = np.arange(len(edge)) - np.repeat(first, parts + 1)
    offset_m = number * np.repeat(length_m / parts, parts + 1)
    node = nodes + np.arange(len(edge))
    node[first], node[first + parts] = tails[edges], heads[edges]
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge], offset_m))
    spots = pd.DataFrame({"edge": edge, "offset_m": offset_m, "x": at[:, 0], "y": at[:, 1]})
    spots["node"] = np.where(node < nodes, node, -1)
    return spots[~pd.Series(node).duplicated()].reset_index(drop=True)


def straight_links(
    lines: Geometries, kinds: Sequence[str], ends: pd.DataFrame, network: Network
) -> DoubtfulLinks:
    """
    Return straight links between streets, which are not there today.

    Parameters
    ----------
    lines : array of LineString, shape (n,)
    kinds : sequence of str
    ends : DataFrame
        ``edge_start``, ``offset_m_start``, ``edge_end``, ``offset_m_end``: where each link meets
        the walkable edges.
    """
    length_m = shapely.length(lines)
    names = (("edge_start", "offset_m_start", 0 * length_m), ("edge_end", "offset_m_end", length_m))
    feet = [
        (row, int(edge), float(offset_m), float(leg_m))
        for edges, offsets, legs in names
        for row, (edge, offset_m, leg_m) in enumerate(
            zip(ends[edges], ends[offsets], legs, strict=True)
        )
    ]
    frame = _frame(
        [_id_at("short", line) for line in lines],
        kinds,
        np.full(len(lines), SHUT),
        lines,
        network=network,
    )
    return _closed_only(frame, sorted(feet))


def links_of_gates(
    network: Network, proposed: gpd.GeoDataFrame, blocks: Obstacles, options: NetworkOptions
) -> DoubtfulLinks:
    """Return gates in walls as links: walked today where a street crosses there, else not."""
    cuts = _crossings(network, proposed, blocks, wall_m=options.gate_wall_m)
    crossed = np.zeros(len(proposed), dtype=bool)
    crossed[cuts["link"].to_numpy()] = True
    shut = np.flatnonzero(~crossed)
    meeting, feet = _feet_of(network, proposed.iloc[shut], blocks, options)
    feet["link"] = shut[feet["link"]]
    hubs = np.array([gate.point for gate in meeting], dtype=object)
    ground = _reached_straight(network, hubs, feet, blocks, shut)
    lines = proposed.geometry.to_numpy().copy()
    walkable = network.walkable.geometry.to_numpy()
    for row, edge, offset_m in cuts.drop_duplicates("link")[list(_CUT)].itertuples(index=False):
        lines[row] = _along(walkable[edge], offset_m, _STUB_M)
    for row, gate in zip(shut, meeting, strict=True):
        lines[row] = _through(gate)
    frame = _frame(
        proposed["gate_id"].tolist(),
        [GATE] * len(proposed),
        np.where(crossed, OPEN, SHUT),
        lines,
        estates=proposed["estate_id"].tolist(),
        network=network,
    )
    return DoubtfulLinks(frame, feet, cuts, ground)


_CUT = ("link", "edge", "offset_m")
_FOOT = ("link", "edge", "offset_m", "leg_m")
_FOOT_TYPES = {"link": np.intp, "edge": np.intp, "offset_m": float, "leg_m": float}


def _crossings(
    network: Network, proposed: gpd.GeoDataFrame, blocks: Obstacles, *, wall_m: float
) -> pd.DataFrame:
    """
    Return where streets cross the stretch of wall at each gate.

    A street that meets the wall at its own end is cut just inside the walls, so that
    what meets it there outside stays joined.
    """
    as_closed = proposed.assign(status="closed")
    names, stretches = closed_stretches(as_closed, blocks, wall_m=wall_m)
    row_of = {name: row for row, name in enumerate(proposed["gate_id"])}
    rows = np.array([row_of[name] for name in names], dtype=np.intp)
    lines = network.walkable.geometry.to_numpy()
    streets = np.flatnonzero(~network.walkable["highway"].isin(LINK_CLASSES).to_numpy())
    stretch, near = shapely.STRtree(lines[streets]).query(stretches, predicate="intersects")
    edge = streets[near]
    points, pair = shapely.get_parts(
        shapely.intersection(lines[edge], stretches[stretch]), return_index=True
    )
    single = shapely.get_type_id(points) == _POINT
    pair, points = pair[single], points[single]
    edge, row = edge[pair], rows[stretch[pair]]
    along_m = shapely.line_locate_point(lines[edge], points)
    length_m = shapely.length(lines[edge])
    inward = _steps_in(lines[edge], along_m, length_m, blocks)
    found = pd.DataFrame({"link": row, "edge": edge, "offset_m": along_m + inward})
    inside = (found["offset_m"] > 0) & (found["offset_m"] < length_m)
    kept: pd.DataFrame = found[inside].sort_values(list(_CUT)).reset_index(drop=True)
    return kept


def _steps_in(
    lines: Geometries, along_m: np.ndarray, length_m: np.ndarray, blocks: Obstacles
) -> np.ndarray:
    """Return how far to move cuts at the ends of edges: inwards a little, 0 in between."""
    step = np.minimum(AT_GATE_M, length_m / 2)
    at_start, at_end = along_m <= GRID_M, along_m >= length_m - GRID_M
    move = np.where(at_start, step, np.where(at_end, -step, 0.0))
    ends = np.flatnonzero(move != 0)
    areas = blocks.grounds.areas
    looks = shapely.line_interpolate_point(lines[ends], along_m[ends] + move[ends])
    inner = np.isin(np.arange(len(ends)), shapely.STRtree(areas).query(looks, "within")[0])
    # An edge that leaves the wall outwards is not cut: the move takes it off its own end.
    move[ends[~inner]] = np.where(at_start[ends[~inner]], -1.0, 1.0)
    return np.asarray(move, dtype=float)


def _feet_of(
    network: Network, gates: gpd.GeoDataFrame, blocks: Obstacles, options: NetworkOptions
) -> tuple[list[Gate], pd.DataFrame]:
    """Return how each gate would be joined to the streets, and to other gates of its ground."""
    walkable = network.walkable
    streets = np.flatnonzero(~walkable["highway"].isin(LINK_CLASSES).to_numpy())
    meeting = meet_streets(
        gates,
        walkable.iloc[streets].reset_index(drop=True),
        blocks,
        wall_m=options.gate_wall_m,
        link_m=options.gate_link_m,
    )
    rows = [
        (link, int(streets[foot.edge]), foot.along_m, float(foot.point.distance(gate.point)))
        for link, gate in enumerate(meeting)
        for foot in gate.feet
    ]
    feet = pd.DataFrame(rows, columns=list(_FOOT)).astype(_FOOT_TYPES)
    acting = [gate.point for gate in meeting if gate.feet]
    number = [link for link, gate in enumerate(meeting) if gate.feet]
    courts = _courtyards(network, np.array(acting, dtype=object), blocks, options)
    courts["link"] = np.array(number, dtype=np.intp)[courts["link"]]
    every = pd.concat([feet, courts], ignore_index=True) if len(courts) else feet
    return meeting, every


def _courtyards(
    network: Network, hubs: Geometries, blocks: Obstacles, options: NetworkOptions
) -> pd.DataFrame:
    """Return the straight ways to the other gates of ground without inner streets."""
    bare = bare_grounds(blocks.grounds, network.edges, least_m=options.gate_link_m)
    gates = network.gates[network.gates["guessed_for"].isna()]
    spots = gates.geometry.to_numpy()
    area, hub = shapely.STRtree(hubs).query(bare, "dwithin", distance=CLEARANCE_M)
    of_spot, spot = shapely.STRtree(spots).query(bare, "dwithin", distance=CLEARANCE_M)
    pairs = pd.DataFrame({"area": area, "hub": hub}).merge(
        pd.DataFrame({"area": of_spot, "spot": spot}), on="area"
    )
    pairs = pairs.drop_duplicates(["hub", "spot"])
    i, j = pairs["hub"].to_numpy(), pairs["spot"].to_numpy()
    ways = straight_legs(shapely.get_coordinates(hubs[i]), shapely.get_coordinates(spots[j]))
    free = crosses_obstacle(ways, blocks, both_ends=True) == ""
    edge, offset_m = gate_places(replace(network, gates=gates))
    found = {"link": i, "edge": edge[j], "offset_m": offset_m[j], "leg_m": shapely.length(ways)}
    kept: pd.DataFrame = pd.DataFrame(found)[free]
    return kept.astype({"link": np.intp, "edge": np.intp})


def _reached_straight(
    network: Network, hubs: Geometries, feet: pd.DataFrame, blocks: Obstacles, rows: Ints
) -> pd.DataFrame:
    """Return the walled ground at each hub where no street inside leads to it."""
    areas = blocks.grounds.areas
    ground, hub = shapely.STRtree(hubs).query(areas, "dwithin", distance=CLEARANCE_M)
    lines = network.walkable.geometry.to_numpy()
    within = shapely.buffer(areas, -CLEARANCE_M)
    met = pd.DataFrame({"ground": ground, "link": rows[hub]})
    joined = met.reset_index(names="met").merge(feet, on="link")
    edge, of = (joined[name].to_numpy(dtype=np.intp) for name in ("edge", "ground"))
    foot = shapely.line_interpolate_point(lines[edge], joined["offset_m"].to_numpy(dtype=float))
    enters = shapely.length(shapely.intersection(lines[edge], within[of])) > GRID_M
    led = joined["met"][enters & shapely.dwithin(foot, areas[of], AT_GATE_M)]
    acting = met["link"].isin(feet["link"])
    met[["x", "y"]] = shapely.get_coordinates(hubs[hub])
    return met[acting & ~met.index.isin(led)].reset_index(drop=True)


def _pieces(network: Network, ledger: gpd.GeoDataFrame) -> DoubtfulLinks:
    """Return the links that the ledger draws between pieces and the main network."""
    rows = ledger[ledger["kind"].notna()]
    links = rows.geometry.to_numpy()
    lines = network.walkable.geometry.to_numpy()
    component = network.walkable["component"].to_numpy()
    main = np.flatnonzero(component == 0)
    feet = []
    for row, (piece, link) in enumerate(zip(rows["component"], links, strict=True)):
        own = np.flatnonzero(component == piece)
        for edges, end, leg_m in ((own, 0, 0.0), (main, -1, float(link.length))):
            point = shapely.get_point(link, end)
            edge = edges[int(shapely.STRtree(lines[edges]).nearest(point))]
            feet.append((row, edge, float(lines[edge].project(point)), leg_m))
    frame = _frame(
        [_id_at("piece", link) for link in links],
        rows["kind"].tolist(),
        np.full(len(rows), SHUT),
        links,
        network=network,
    )
    return _closed_only(frame, feet)


def _near_misses(network: Network, blocks: Obstacles) -> DoubtfulLinks:
    """Return the dead ends that stop just short of another street at their level."""
    walkable = network.walkable
    lines = walkable.geometry.to_numpy()
    ends = pd.concat([walkable["u"], walkable["v"]], ignore_index=True)
    # The way to a guessed gate makes no dead end a thoroughfare, and is none to go on from.
    guess = np.tile((walkable["highway"] == GUESS_CLASS).to_numpy(), 2)
    dead = np.flatnonzero(~ends.mask(guess).duplicated(keep=False).to_numpy() & ~guess)
    own, is_end = dead % len(lines), dead >= len(lines)
    points = shapely.get_point(lines[own], np.where(is_end, -1, 0))
    i, other = shapely.STRtree(lines).query(points, "dwithin", distance=NEAR_MISS_M)
    level = street_levels(walkable)
    fits = (own[i] != other) & (level[own[i]] == level[other]) & ~guess[other]
    i, other = i[fits], other[fits]
    gap = shapely.shortest_line(points[i], lines[other])
    free = (crosses_obstacle(gap, blocks) == "") & (shapely.length(gap) > 0)
    pairs = pd.DataFrame({"end": i, "other": other, "gap": gap})[free]
    pairs["rank"] = np.round(shapely.length(pairs["gap"].to_numpy()) / GRID_M)
    pairs = pairs.sort_values(["end", "rank", "other"]).drop_duplicates("end")
    pairs["id"] = [_id_at(GAP, line) for line in pairs["gap"]]
    # Two dead ends that face each other are one gap.
    pairs = pairs.sort_values(["id", "end"]).drop_duplicates("id").reset_index(drop=True)
    feet = []
    for row, (end, edge, line) in enumerate(
        zip(pairs["end"], pairs["other"], pairs["gap"], strict=True)
    ):
        at_m = float(lines[own[end]].length) if is_end[end] else 0.0
        foot_m = float(lines[edge].project(shapely.get_point(line, -1)))
        feet += [(row, own[end], at_m, 0.0), (row, edge, foot_m, float(line.length))]
    frame = _frame(
        pairs["id"].tolist(),
        [GAP] * len(pairs),
        np.full(len(pairs), SHUT),
        pairs["gap"].to_numpy(dtype=object),
        network=network,
    )
    return _closed_only(frame, feet)


def _closed_only(
    frame: gpd.GeoDataFrame, feet: list[tuple[int, int, float, float]]
) -> DoubtfulLinks:
    rows = pd.DataFrame(feet, columns=list(_FOOT)).astype(_FOOT_TYPES)
    none = pd.DataFrame({"link": np.empty(0, np.intp), "edge": np.empty(0, np.intp)})
    ground = pd.DataFrame({"ground": np.empty(0, np.intp), "link": np.empty(0, np.intp)})
    return DoubtfulLinks(frame, rows, none.assign(offset_m=0.0), ground.assign(x=0.0, y=0.0))


def _id_at(word: str, line: shapely.LineString) -> str:
    """Return an id made of the place, which stays when other rows come and go."""
    middle = line.interpolate(0.5, normalized=True)
    return f"{word}-{middle.x:.1f}-{middle.y:.1f}"


def _along(line: shapely.LineString, at_m: float, reach_m: float) -> shapely.LineString:
    low, high = max(at_m - reach_m, 0.0), min(at_m + reach_m, line.length)
    return shapely.ops.substring(line, low, high)


def _through(gate: Gate) -> shapely.LineString:
    """Return the way through a gate: from the street on one side to that on the other."""
    feet = [foot.point for foot in gate.feet]
    places = [feet[0] if feet else gate.point, gate.point, *feet[1:]]
    kept = [places[0], *(b for a, b in pairwise(places) if a.distance(b) > 0)]
    if len(kept) == 1:
        kept.append(shapely.Point(kept[0].x, kept[0].y + AT_GATE_M))
    return shapely.LineString(kept)


def _frame(
    ids: Sequence[str],
    kinds: Sequence[str],
    status: npt.NDArray[np.str_],
    lines: Geometries,
    *,
    network: Network,
    estates: Sequence[str | None] | None = None,
) -> gpd.GeoDataFrame:
    columns = {
        "link_id": pd.Series(list(ids), dtype="object"),
        "kind": pd.Series(list(kinds), dtype="object"),
        "status": pd.Series(list(status), dtype="object"),
        "estate_id": pd.Series(np.array(estates or [None] * len(ids), dtype=object)),
        "length_m": shapely.length(lines),
    }
    return gpd.GeoDataFrame(columns, geometry=lines, crs=network.edges.crs)
