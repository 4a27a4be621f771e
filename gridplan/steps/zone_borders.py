"""Borders of cells as zones see them: parted by water, along inner roads, streets and banks."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from gridplan.geometry import Floats
from gridplan.place import Place
from gridplan.zones import (
    Bridges,
    border_line_shares,
    bridges_over,
    inner_road_shares,
    rook_graph,
    uncrossed_borders,
)
from gridplan.zones.districts_problem import Flags

_BARRIERS = ("motorway", "motorway_link")
_FENCED = ("trunk", "trunk_link")
"""Roads that one walks across, unless a barrier runs along them."""
_ROAD_BARRIERS = ("guard_rail", "jersey_barrier", "fence")
_BESIDE_ROAD_M = 20.0
_LINES = ("river", "canal", "rail")
_HARD = "hard_border"
_NO_FOOT = "no"
_INNER_ROADS = ("service", "living_street")
"""Ways of estates wherever they run; of the other streets what lies within an estate."""
_ON_FOOT = ("footway", "path", "pedestrian", "steps", "cycleway", "corridor", "track")


def parted(place: Place, cells: gpd.GeoDataFrame, *, reach_m: float) -> Flags:
    """
    Return the borders that part the cells beside them, of the cells sorted by ``cell_uid``.

    Water, railways, motorways, and trunk roads with a barrier part, where no street or path
    crosses within `reach_m`; hard borders part whatever crosses. What runs on a bridge or in
    a tunnel parts nothing.
    """
    own = cells.sort_values("cell_uid", kind="stable")
    barriers = place.barriers
    kind = barriers["kind"]
    walled = _closed_roads(place)
    return uncrossed_borders(
        own.geometry.to_numpy(),
        rook_graph(own),
        obstacles=np.array(
            [*place.water.geometry, *barriers.geometry[kind.isin(_LINES)], *walled], dtype=object
        ),
        ways=_walked(place),
        hard=barriers.geometry[kind == _HARD].to_numpy(),
        reach_m=reach_m,
    )


def bridges(place: Place, cells: gpd.GeoDataFrame, barred: Flags) -> Bridges:
    """Return the crossings of cells of water with several, by the borders that `parted` gives."""
    own = cells.sort_values("cell_uid", kind="stable")
    return bridges_over(
        own.geometry.to_numpy(),
        rook_graph(own),
        barred,
        water=place.water.geometry.to_numpy(),
        ways=_walked(place),
    )


def _walked(place: Place) -> np.ndarray:
    """Return the streets and paths that one may walk along."""
    streets = place.streets
    open_ = ~streets["highway"].isin(_BARRIERS) & (streets["foot"] != _NO_FOOT)
    return np.asarray(streets.geometry[open_.to_numpy(dtype=bool)].to_numpy(), dtype=object)


def _closed_roads(place: Place) -> np.ndarray:
    """Return motorways on the ground, and trunk roads as far as a barrier runs along them."""
    streets, barriers = place.streets, place.barriers
    raised = streets["bridge"].fillna(value=False) | streets["tunnel"].fillna(value=False)
    ground = streets[~raised.to_numpy(dtype=bool)]
    closed = ground.geometry[ground["highway"].isin(_BARRIERS)].to_numpy()
    trunks = ground[ground["highway"].isin(_FENCED)]
    barred = trunks.geometry[trunks["foot"] == _NO_FOOT].to_numpy()
    fences = barriers.geometry[barriers["kind"].isin(_ROAD_BARRIERS)].to_numpy()
    beside = shapely.union_all(shapely.buffer(fences, _BESIDE_ROAD_M))
    fenced = shapely.intersection(trunks.geometry.to_numpy(), beside)
    lines = np.concatenate([closed, barred, fenced])
    return np.asarray(lines[shapely.length(lines) > 0], dtype=object)


def line_shares(place: Place, cells: gpd.GeoDataFrame) -> Floats:
    """Return the share of each border on streets and water, of cells sorted by ``cell_uid``."""
    own = cells.sort_values("cell_uid", kind="stable")
    return border_line_shares(
        own.geometry.to_numpy(),
        rook_graph(own),
        streets=place.streets.geometry.to_numpy(),
        water=place.water.geometry.to_numpy(),
    )


def inner_roads(place: Place, cells: gpd.GeoDataFrame) -> Floats:
    """Return the share of each border along inner roads, of the cells sorted by ``cell_uid``."""
    own = cells.sort_values("cell_uid", kind="stable")
    streets = place.streets[~place.streets["highway"].isin([*_BARRIERS, "trunk", *_ON_FOOT])]
    known = streets["highway"].isin(_INNER_ROADS)
    estates = shapely.union_all(place.estates.geometry.to_numpy())
    within = shapely.intersection(streets.geometry[~known].to_numpy(), estates)
    roads = np.concatenate([streets.geometry[known].to_numpy(), within])
    roads = roads[shapely.length(roads) > 0]
    return inner_road_shares(own.geometry.to_numpy(), rook_graph(own), roads)
