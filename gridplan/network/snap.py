"""From a door to the network: the nearest edge whose leg crosses no wall and no water."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.network.edges import Network, NetworkOptions
from gridplan.network.gates import LINK_CLASSES
from gridplan.network.inside import CONNECTION_COLUMNS, gate_places, inner_connections
from gridplan.network.obstacles import WALL, Obstacles, crosses_obstacle, straight_legs
from gridplan.network.sight import nearest_in_sight

Ints = npt.NDArray[np.intp]

_NOISE_DECIMALS = 6


def _none() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in CONNECTION_COLUMNS})


@dataclass(frozen=True)
class Snapped:
    """
    Where points meet the network, by position.

    Attributes
    ----------
    edge : int array, shape (n,)
        Position among the walkable edges; -1 where none is in reach.
    offset_m : float array, shape (n,)
        Metres from the start of the edge.
    leg_m : float array, shape (n,)
        Straight metres from the point to the edge.
    detour : str array, shape (n,)
        What lay across the leg to the nearest edge, so that a farther one was taken,
        or none (``wall``, ``water``, ``rail``, ``border``); empty where it is the
        nearest, or no edge is in reach at all.
    further : DataFrame
        Further ways onto the network of points inside walls, to be chosen by the
        whole walk: ``point`` (position), ``edge``, ``offset_m``, ``leg_m``.
    if_walled : Snapped, optional
        The same points where unknown walls are there, if they are taken as open.
    """

    edge: Ints
    offset_m: Floats
    leg_m: Floats
    detour: npt.NDArray[np.object_]
    further: pd.DataFrame = field(default_factory=_none)
    if_walled: Snapped | None = None

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.edge)

    @property
    def is_barred(self) -> npt.NDArray[np.bool_]:
        """Which points have a street in reach, but something across every way to it."""
        return np.asarray((self.edge < 0) & (self.detour != ""), dtype=bool)

    @property
    def connections(self) -> pd.DataFrame:
        """
        Every way onto the network, by point, the nearest first.

        Columns ``point``, ``edge``, ``offset_m``, ``leg_m``; points without any
        are not in it.
        """
        on_street = np.flatnonzero(self.edge >= 0)
        first = pd.DataFrame(
            {
                "point": on_street,
                "edge": self.edge[on_street],
                "offset_m": self.offset_m[on_street],
                "leg_m": self.leg_m[on_street],
            }
        )
        every = pd.concat([first, self.further], ignore_index=True)
        every = every.astype({"point": np.intp, "edge": np.intp})
        return every.sort_values("point", kind="stable").reset_index(drop=True)


def snap_to_network(
    points: Geometries,
    network: Network,
    *,
    blocks: Obstacles,
    options: NetworkOptions | None = None,
) -> Snapped:
    """
    Return where each point meets the network.

    Outside walls, the nearest street within ``options.max_leg_m`` (edges, not
    nodes); of equally near ones the first by id. A leg that would cross a wall,
    water, a railway or a hard border is refused: the nearest place of any edge that is
    reached without is taken. Where there is no street, gates that a free leg reaches
    take its place.

    Inside walls, the nearest place of each piece of the network in there, gates
    among them: which is taken depends on where the walk leads. Inside walls that may be
    there, both: a wall that is not there lengthens no walk.

    Parameters
    ----------
    points : array of Point (None: nowhere), shape (n,)
    """
    limit_m = (options or NetworkOptions()).max_leg_m
    found = _snapped(points, network, blocks, limit_m)
    if blocks.if_walled is None:
        return found
    return _with_ways_if_walled(found, points, network, blocks.if_walled, limit_m)


def _with_ways_if_walled(
    found: Snapped, points: Geometries, network: Network, walled: Obstacles, limit_m: float
) -> Snapped:
    """Add the ways onto the network that points have if unknown walls are there."""
    ways = found.connections
    point = ways["point"].to_numpy()
    lines = network.walkable.geometry.to_numpy()[ways["edge"].to_numpy()]
    feet = shapely.line_interpolate_point(lines, ways["offset_m"].to_numpy())
    legs = straight_legs(shapely.get_coordinates(points[point]), shapely.get_coordinates(feet))
    # The nearest street whose leg meets no unknown wall is the nearest with the walls too.
    crossing = point[crosses_obstacle(legs, walled) != ""]
    held, _ = walled.grounds.holding(points)
    asked = np.unique(np.concatenate([held, crossing, np.flatnonzero(found.detour != "")]))
    alone = _snapped(points[asked], network, walled, limit_m)
    more = alone.connections
    more["point"] = asked[more["point"].to_numpy()]
    every = pd.concat([ways, more], ignore_index=True)
    places = every[["offset_m", "leg_m"]].round(_NOISE_DECIMALS)
    known = pd.concat([every[["point", "edge"]], places], axis="columns").duplicated()
    either = _of_ways(found, every[~known].sort_values("point", kind="stable"))
    kept = ways[~ways["point"].isin(asked)]
    shut = _of_ways(found, pd.concat([kept, more]).sort_values("point", kind="stable"))
    detour = found.detour.copy()
    detour[asked] = alone.detour
    return replace(either, if_walled=replace(shut, detour=detour))


def _of_ways(found: Snapped, ways: pd.DataFrame) -> Snapped:
    """Return the points with other ways onto the network, each point's first one first."""
    edge = np.full(len(found), -1, dtype=np.intp)
    offset_m, leg_m = np.full((2, len(found)), np.nan)
    first = ~ways.duplicated("point")
    at = ways.loc[first, "point"].to_numpy(dtype=np.intp)
    edge[at], offset_m[at], leg_m[at] = (
        ways.loc[first, name].to_numpy() for name in ("edge", "offset_m", "leg_m")
    )
    further = ways[~first].reset_index(drop=True)
    return replace(found, edge=edge, offset_m=offset_m, leg_m=leg_m, further=further)


def _snapped(points: Geometries, network: Network, blocks: Obstacles, limit_m: float) -> Snapped:
    walkable = network.walkable
    streets = np.flatnonzero(~walkable["highway"].isin(LINK_CLASSES).to_numpy())
    inside, indoors = inner_connections(points, network, blocks=blocks, limit_m=limit_m)
    lines = walkable.geometry.to_numpy()[streets]
    outdoors = _nearest_free_street(points, lines, inside, blocks=blocks, limit_m=limit_m)
    outdoors["edge"] = streets[outdoors["edge"]]
    free = outdoors[~outdoors["point"].isin(inside) & (outdoors["offset_m"].notna())]
    lost = np.setdiff1d(np.arange(len(points)), [*inside, *free["point"]])
    by_gate = _by_gate(points, lost, network, blocks=blocks, limit_m=limit_m)
    columns = list(CONNECTION_COLUMNS)
    every = pd.concat([free[columns], indoors, by_gate[columns]], ignore_index=True)
    return _as_snapped(len(points), every, outdoors, inside)


def gates_on_network(network: Network, chosen: npt.NDArray[np.bool_]) -> Snapped:
    """Return where some of ``network.gates`` lie on the network."""
    edge, offset_m = gate_places(network)
    number = int(chosen.sum())
    no_detour = np.full(number, "", dtype=object)
    return Snapped(edge[chosen], offset_m[chosen], np.zeros(number), no_detour)


def _nearest_free_street(
    points: Geometries, lines: Geometries, inside: Ints, *, blocks: Obstacles, limit_m: float
) -> pd.DataFrame:
    """
    Return for each point the nearest street that a free leg reaches.

    Points `inside` walls have other ways out: of them only the nearest is looked at.
    Points whose every leg is blocked have a row with null ``offset_m``; all rows say
    in ``blocked_by`` what lay across the leg to the nearest.
    """
    pairs = _candidates(points, lines, limit_m=limit_m, nearest_only=True)
    free = pairs.assign(blocked_by=_blocked_by(points, lines, pairs, blocks))
    chosen = free[free["blocked_by"] == ""]
    again = np.setdiff1d(free["point"], [*chosen["point"], *inside])
    first_word = free.drop_duplicates("point").set_index("point")["blocked_by"]
    first_word.loc[chosen["point"]] = ""
    if len(again):
        wider = _candidates(points[again], lines, limit_m=limit_m, nearest_only=False)
        wider["point"] = again[wider["point"]]
        chosen = pd.concat(
            [chosen, _nearest_seen(points, lines, wider, blocks, limit_m)], ignore_index=True
        )
    chosen = chosen.drop_duplicates("point").copy()
    edge, point = chosen["edge"].to_numpy(), chosen["point"].to_numpy()
    foot = points[point]
    if "x" in chosen:
        seen = chosen["x"].notna().to_numpy()
        foot[seen] = shapely.points(chosen.loc[seen, ["x", "y"]].to_numpy(dtype=float))
    chosen["offset_m"] = shapely.line_locate_point(lines[edge], foot)
    shut = free[~free["point"].isin(point)].drop_duplicates("point").assign(offset_m=np.nan)
    every = pd.concat([chosen, shut], ignore_index=True)
    every["blocked_by"] = first_word.reindex(every["point"]).to_numpy()
    return every


def _by_gate(
    points: Geometries, lost: Ints, network: Network, *, blocks: Obstacles, limit_m: float
) -> pd.DataFrame:
    """Return each gate that a free leg reaches from points without a street."""
    spots = network.gates.geometry.to_numpy()
    near, gate = shapely.STRtree(spots).query(points[lost], "dwithin", distance=limit_m)
    known = network.gates["guessed_for"].isna().to_numpy()[gate]
    point, gate = lost[near[known]], gate[known]
    legs = straight_legs(
        shapely.get_coordinates(points[point]), shapely.get_coordinates(spots[gate])
    )
    edge, offset_m = gate_places(network)
    pairs = pd.DataFrame(
        {
            "point": point,
            "edge": edge[gate],
            "offset_m": offset_m[gate],
            "leg_m": shapely.length(legs),
        }
    )
    pairs["rank"] = np.round(pairs["leg_m"] / GRID_M)
    free: pd.DataFrame = pairs[crosses_obstacle(legs, blocks) == ""]
    return free.sort_values(["point", "rank", "edge"], kind="stable")


def _candidates(
    points: Geometries, lines: Geometries, *, limit_m: float, nearest_only: bool
) -> pd.DataFrame:
    tree = shapely.STRtree(lines)
    if nearest_only:
        # Equally near edges differ by rounding noise: all within a grid step of the nearest
        # are asked for, and the comparison on the grid decides.
        near, first = tree.query_nearest(points, max_distance=limit_m, all_matches=False)
        reach_m = shapely.distance(points[near], lines[first]) + GRID_M
        row, edge = tree.query(points[near], predicate="dwithin", distance=reach_m)
        point = near[row]
    else:
        point, edge = tree.query(points, predicate="dwithin", distance=limit_m)
    leg_m = shapely.distance(points[point], lines[edge])
    pairs = pd.DataFrame({"point": point, "edge": edge, "leg_m": leg_m})
    # Distances are compared on the precision grid; noise is taken off first, since it would
    # send equal ones to either side of half a millimetre.
    pairs["rank"] = np.round(np.round(pairs["leg_m"], _NOISE_DECIMALS) / GRID_M)
    if nearest_only:
        pairs = pairs[pairs["rank"] == pairs.groupby("point")["rank"].transform("min")]
    return pairs.sort_values(["point", "rank", "edge"], kind="stable").reset_index(drop=True)


def _blocked_by(
    points: Geometries, lines: Geometries, pairs: pd.DataFrame, blocks: Obstacles
) -> npt.NDArray[np.object_]:
    start = points[pairs["point"]]
    edge = lines[pairs["edge"]]
    foot = shapely.line_interpolate_point(edge, shapely.line_locate_point(edge, start))
    legs = straight_legs(shapely.get_coordinates(start), shapely.get_coordinates(foot))
    return crosses_obstacle(legs, blocks)


def _nearest_seen(
    points: Geometries,
    lines: Geometries,
    pairs: pd.DataFrame,
    blocks: Obstacles,
    limit_m: float,
) -> pd.DataFrame:
    """
    Return for each point the nearest place of any street in reach that a free leg reaches.

    A place that is not the nearest of its street has ``x``, ``y``.
    """
    free: pd.DataFrame = pairs[_blocked_by(points, lines, pairs, blocks) == ""]
    first = free.drop_duplicates("point")
    within_m = pairs["point"].map(first.set_index("point")["leg_m"]).fillna(limit_m)
    # Streets whose nearest place is nearer than that one, and hidden: some of it may be in sight.
    hidden = pairs.assign(within_m=within_m)[pairs["leg_m"] < within_m - GRID_M]
    seen = nearest_in_sight(points, hidden, lines, blocks)
    if seen.empty:
        return first
    every = pd.concat([seen, first], ignore_index=True)
    ordered = every.sort_values(["point", "rank", "edge"], kind="stable")
    return ordered.drop_duplicates("point")


def _as_snapped(n: int, every: pd.DataFrame, outdoors: pd.DataFrame, inside: Ints) -> Snapped:
    edge = np.full(n, -1, dtype=np.intp)
    offset_m = np.full(n, np.nan)
    leg_m = np.full(n, np.nan)
    detour = np.full(n, "", dtype=object)
    first = ~every.duplicated("point")
    at = every.loc[first, "point"].to_numpy(dtype=np.intp)
    edge[at] = every.loc[first, "edge"]
    offset_m[at] = every.loc[first, "offset_m"]
    leg_m[at] = every.loc[first, "leg_m"]
    plain = outdoors.set_index("point")
    detour[at] = plain["blocked_by"].reindex(at).fillna("").to_numpy()
    # A street on top of the wall is near, and is no way out.
    other = plain["edge"].reindex(at).to_numpy() != edge[at]
    shut = plain.index.to_numpy(dtype=np.intp)
    shut = shut[edge[shut] < 0]
    detour[shut] = plain["blocked_by"].reindex(shut).to_numpy()
    walled_in = np.concatenate([at[np.isin(at, inside) & other], shut[np.isin(shut, inside)]])
    detour[walled_in] = np.where(detour[walled_in] == "", WALL, detour[walled_in])
    further = every[~first].reset_index(drop=True)
    return Snapped(edge=edge, offset_m=offset_m, leg_m=leg_m, detour=detour, further=further)
