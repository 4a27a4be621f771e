"""Borders of cells as zones see them: parted by water, along inner roads, streets and banks."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from gridplan.geometry import Floats
from gridplan.place import Place
from gridplan.zones import border_line_shares, inner_road_shares, rook_graph, uncrossed_borders

_BARRIERS = ("motorway", "motorway_link", "trunk")
_INNER_ROADS = ("service", "living_street")
"""Ways of estates wherever they run; of the other streets what lies within an estate."""
_ON_FOOT = ("footway", "path", "pedestrian", "steps", "cycleway", "corridor", "track")


def parted(place: Place, cells: gpd.GeoDataFrame) -> np.ndarray:
    """Return the borders that no zone reaches across, of the cells sorted by ``cell_uid``."""
    own = cells.sort_values("cell_uid", kind="stable")
    streets = place.streets
    barred = streets["highway"].isin(_BARRIERS)
    obstacles = [*place.water.geometry, *streets.geometry[barred]]
    return uncrossed_borders(
        own.geometry.to_numpy(),
        rook_graph(own),
        obstacles=np.array(obstacles, dtype=object),
        ways=streets.geometry[~barred].to_numpy(),
    )


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
    streets = place.streets[~place.streets["highway"].isin([*_BARRIERS, *_ON_FOOT])]
    known = streets["highway"].isin(_INNER_ROADS)
    estates = shapely.union_all(place.estates.geometry.to_numpy())
    within = shapely.intersection(streets.geometry[~known].to_numpy(), estates)
    roads = np.concatenate([streets.geometry[known].to_numpy(), within])
    roads = roads[shapely.length(roads) > 0]
    return inner_road_shares(own.geometry.to_numpy(), rook_graph(own), roads)
