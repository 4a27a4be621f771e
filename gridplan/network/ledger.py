"""The reachability ledger: who lives on a piece of the network cut off from the rest."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.geometry import Floats, Geometries
from gridplan.network.edges import Network
from gridplan.network.obstacles import BORDER, RAIL, WALL, WATER, Obstacles, crosses_obstacle
from gridplan.network.snap import Snapped

_REMEDY = {BORDER: None, WATER: "bridge", RAIL: "crossing", WALL: "gate", None: "join"}
"""What would join two pieces, by what lies between them; what is hardest first."""


def reachability_ledger(
    network: Network,
    *,
    doors: Snapped,
    residents: Floats,
    facilities: Snapped,
    names: Sequence[str],
    blocks: Obstacles,
) -> gpd.GeoDataFrame:
    """
    Return one row per piece of the network that is cut off and that matters.

    A piece matters where residents or facilities meet the network on it and
    nowhere else. The link is the shortest line to the main piece, the longest one.

    Parameters
    ----------
    doors, residents
        The homes, and how many live there.
    facilities, names
        The facilities, and their ids.

    Returns
    -------
    GeoDataFrame, sorted by ``component``
        ``component``, ``residents``, ``length_m`` (of its streets), ``facilities``
        (count), ``facility_ids``, ``to_main_m``, ``between`` (``water``, ``rail``,
        ``wall``, ``border``, null for nothing), ``kind`` of link that would join it
        (``bridge``, ``crossing``, ``gate``, ``join``, null at a hard border); the link as a line.
    """
    walkable = network.walkable
    component = walkable["component"].to_numpy()
    pieces = int(component.max()) + 1
    home, home_piece = _pieces_of(doors, component)
    living = np.bincount(home_piece, weights=residents[home], minlength=pieces)
    place, place_piece = _pieces_of(facilities, component)
    ids = pd.Series(np.array(names, dtype=object)[place]).groupby(place_piece).agg(sorted)
    lengths_m = np.bincount(component, weights=walkable["length_m"], minlength=pieces)
    counted = np.bincount(place_piece, minlength=pieces)
    told = np.flatnonzero((living > 0) | (counted > 0))
    told = told[told > 0]
    links = _links_to_main(walkable.geometry.to_numpy(), component, told)
    between = _between(links, blocks)
    columns = {
        "component": told.astype("int64"),
        "residents": np.round(living[told]).astype("int64"),
        "length_m": lengths_m[told],
        "facilities": counted[told].astype("int64"),
        "facility_ids": pd.Series([", ".join(ids.get(one, [])) for one in told], dtype="object"),
        "to_main_m": shapely.length(links),
        "between": pd.Series(between, dtype="object"),
        "kind": pd.Series([_REMEDY[one] for one in between], dtype="object"),
    }
    return gpd.GeoDataFrame(columns, geometry=links, crs=network.edges.crs)


def cut_off_notes(
    network: Network, facilities: Snapped, names: Sequence[str], *, told: Sequence[int]
) -> tuple[Note, ...]:
    """
    Say which facilities stand off every street, or on a piece cut off from the main one.

    Parameters
    ----------
    facilities, names
        As in `reachability_ledger`.
    told : sequence of int
        Positions of those to speak of.
    """
    place, piece = _pieces_of(facilities, network.walkable["component"].to_numpy())
    met = dict(zip(place.tolist(), piece.tolist(), strict=True))
    nowhere = sorted({names[one] for one in told if one not in met})
    apart = sorted({names[one] for one in told if met.get(one, 0) > 0})
    notes = []
    if nowhere:
        message = Message(
            en=f"{counted(len(nowhere), 'committee or facility', 'committees or facilities')} "
            f"{agreed(len(nowhere), 'has', 'have')} no street to walk on in reach, and nobody "
            f"comes there: {first_ids(nowhere)}. Check the place, or draw the path there.",
            zh=f"{len(nowhere)} 处居委会或设施附近没有可步行的道路，无人能到达："
            f"{ids_zh(nowhere)}。请核对位置或补画通往该处的道路。",
        )
        notes.append(Note("facilities_off_streets", len(nowhere), message, tuple(nowhere)))
    if apart:
        message = Message(
            en=f"{counted(len(apart), 'committee or facility', 'committees or facilities')} "
            f"{agreed(len(apart), 'stands', 'stand')} on streets that are cut off from the main "
            f"network (an island, say): {first_ids(apart)}. Only who lives on the same streets "
            f"walks there; the layer `ledger` says what would join them.",
            zh=f"{len(apart)} 处居委会或设施所在道路与主路网不连通（如岛上）："
            f"{ids_zh(apart)}。只有同一片道路上的居民能到达；图层 `ledger` "
            f"列出可连通的位置。",
        )
        notes.append(Note("facilities_cut_off", len(apart), message, tuple(apart)))
    return tuple(notes)


def _pieces_of(points: Snapped, component: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points on the network, and the largest piece that each one meets."""
    ways = points.connections
    largest = pd.Series(component[ways["edge"].to_numpy()]).groupby(ways["point"]).min()
    return largest.index.to_numpy(), largest.to_numpy(dtype=np.intp)


def _links_to_main(lines: Geometries, component: np.ndarray, told: np.ndarray) -> Geometries:
    main = lines[component == 0]
    tree = shapely.STRtree(main)
    links = np.empty(len(told), dtype=object)
    for row, piece in enumerate(told):
        own = lines[component == piece]
        line, near = tree.query_nearest(own, all_matches=True)
        away = np.round(shapely.distance(own[line], main[near]), 3)
        best = np.lexsort([near, line, away])[0]
        links[row] = shapely.shortest_line(own[line[best]], main[near[best]])
    return links


def remedies(links: Geometries, blocks: Obstacles) -> list[str | None]:
    """
    Return what each straight link would have to be, by what is hardest on its way.

    Parameters
    ----------
    links : array of LineString, shape (n,)

    Returns
    -------
    list of str or None
        ``bridge``, ``crossing``, ``gate``, ``join`` (nothing between), null at a hard border.
    """
    return [_REMEDY[one] for one in _between(links, blocks)]


def _between(links: Geometries, blocks: Obstacles) -> list[str | None]:
    found: list[str | None] = [None] * len(links)
    for kind in (WALL, RAIL, WATER, BORDER):
        of_kind = blocks.kinds == kind
        one_kind = Obstacles(lines=blocks.lines[of_kind], kinds=blocks.kinds[of_kind])
        for row in np.flatnonzero(crosses_obstacle(links, one_kind, both_ends=True) != ""):
            found[row] = kind
    return found
