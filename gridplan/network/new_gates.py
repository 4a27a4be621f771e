"""Places where a wall could be opened: gates that are closed, and walls along a street."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.geometry import GRID_M, Geometries
from gridplan.network.doubtful import SHUT, DoubtfulLinks, links_of_gates
from gridplan.network.edges import Network, NetworkOptions
from gridplan.network.gates import LINK_CLASSES, closed_stretches
from gridplan.network.obstacles import Obstacles

NEW_GATE = "new_gate"
"""Kind of a link that no street suggests: a gate to be cut into a wall."""

_STEP_M = 20.0
"""Places along a wall that are looked at."""
_CORNER_M = 0.5


def new_gates(
    network: Network,
    known: Geometries,
    *,
    blocks: Obstacles,
    apart_m: float,
    options: NetworkOptions | None = None,
) -> DoubtfulLinks:
    """
    Return the gates that could be cut into walls, as links that are not there today.

    A place every 20 m along the walls of a ground, where a street passes outside within
    ``options.gate_link_m``; those nearest to the street are kept, `apart_m` from each other
    and from gates that are known. What each would save is for the walks to say.

    Parameters
    ----------
    known : array of Point
        Gates that are mapped or proposed.
    apart_m : float

    Returns
    -------
    DoubtfulLinks
        Of the kind ``new_gate``; ids are made of the ground's id and the whole metres of the
        place. Places whose way to the street is barred are left out.
    """
    chosen = options or NetworkOptions()
    places = _places(network, known, blocks, link_m=chosen.gate_link_m, apart_m=apart_m)
    found = links_of_gates(network, places, blocks, chosen)
    frame = found.frame.assign(kind=NEW_GATE)
    # A street through the wall is a gate already, whoever mapped it.
    shut = (frame["status"] == SHUT).to_numpy()
    useful = shut & np.isin(np.arange(len(frame)), found.feet["link"])
    return _some(DoubtfulLinks(frame, found.feet, found.cuts, found.indoors), useful)


def closed_gates(
    network: Network,
    gates: gpd.GeoDataFrame,
    *,
    blocks: Obstacles,
    options: NetworkOptions | None = None,
) -> DoubtfulLinks:
    """
    Return the gates that are known to be closed, as links that could be opened.

    Parameters
    ----------
    gates : GeoDataFrame
        As in `Place.gates`; those at no wall shut nothing and are left out, as are those
        with no street near on either side: opening them joins nothing.
    """
    chosen = options or NetworkOptions()
    at_wall, _ = closed_stretches(gates, blocks, wall_m=chosen.gate_wall_m)
    closed = gates[gates["gate_id"].isin(at_wall)].reset_index(drop=True)
    found = links_of_gates(network, closed, blocks, chosen)
    shut = (found.frame["status"] == SHUT).to_numpy()
    return _some(found, shut & np.isin(np.arange(len(shut)), found.feet["link"]))


def _places(
    network: Network, known: Geometries, blocks: Obstacles, *, link_m: float, apart_m: float
) -> gpd.GeoDataFrame:
    grounds = blocks.grounds
    streets = network.walkable
    lines = streets.geometry.to_numpy()[~streets["highway"].isin(LINK_CLASSES).to_numpy()]
    tree = shapely.STRtree(lines)
    rows: list[tuple[str, int, shapely.Point]] = []
    for ground, area in enumerate(grounds.areas):
        near = lines[np.sort(tree.query(area, "dwithin", distance=link_m))]
        outside = shapely.difference(near, area)
        outside = outside[shapely.length(outside) > GRID_M]
        name = str(grounds.names[ground])
        kept = _kept(area, outside, known, link_m=link_m, apart_m=apart_m)
        rows += [(f"new-{name}-{one.x:.0f}-{one.y:.0f}", ground, one) for one in kept]
    of = np.array([one for _, one, _ in rows], dtype=np.intp)
    names = np.array(grounds.names, dtype=object)[of]
    names[~grounds.is_estate[of]] = None
    estate_id = pd.Series(names, dtype="object")
    frame = gpd.GeoDataFrame(
        {
            "gate_id": pd.Series([one for one, _, _ in rows], dtype="object"),
            "estate_id": estate_id,
            "status": pd.Series([NEW_GATE] * len(rows), dtype="object"),
        },
        geometry=np.array([one for _, _, one in rows], dtype=object),
        crs=network.edges.crs,
    )
    return frame.sort_values("gate_id", kind="stable").drop_duplicates("gate_id", ignore_index=True)


def _kept(
    area: shapely.Polygon,
    outside: Geometries,
    known: Geometries,
    *,
    link_m: float,
    apart_m: float,
) -> list[shapely.Point]:
    """Return places on the wall of one ground, the nearest to a street outside first."""
    if not len(outside):
        return []
    # From the same corner, however the wall was drawn.
    ring = shapely.normalize(area).exterior
    along = np.arange(_STEP_M / 2, ring.length, _STEP_M)
    points = shapely.line_interpolate_point(ring, along)
    # Nobody opens a wall at its corner, where its two sides are not told apart.
    corners = shapely.multipoints(shapely.get_coordinates(ring))
    off = shapely.distance(points, corners) > _CORNER_M
    along, points = along[off], points[off]
    nearest = shapely.STRtree(outside).query_nearest(points, all_matches=False)
    away = shapely.distance(points[nearest[0]], outside[nearest[1]])
    free = away <= link_m
    if len(known):
        at = shapely.STRtree(known).query(points, "dwithin", distance=apart_m)[0]
        free[np.unique(at)] = False
    kept: list[shapely.Point] = []
    for at in np.lexsort([along, np.round(away / GRID_M)]):
        if free[at]:
            kept.append(points[at])
            free &= ~shapely.dwithin(points[at], points, apart_m)
    return kept


def _some(links: DoubtfulLinks, kept: np.ndarray) -> DoubtfulLinks:
    """Return some of the links, numbered anew."""
    number = np.cumsum(kept) - 1
    parts = []
    for table in (links.feet, links.cuts, links.indoors):
        own = table[kept[table["link"].to_numpy(dtype=np.intp)]]
        parts.append(own.assign(link=number[own["link"].to_numpy(dtype=np.intp)]))
    frame = links.frame[kept].reset_index(drop=True)
    return DoubtfulLinks(frame, *(one.reset_index(drop=True) for one in parts))
