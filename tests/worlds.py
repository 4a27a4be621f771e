"""Hand-drawn worlds: a few streets, walls and canals, with metres worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely

from gridplan.network import (
    NetworkOptions,
    build_graph,
    build_network,
    obstacles,
    snap_to_network,
    straight_walks,
    walking_distances,
)
from gridplan.place import SCHEMAS, empty_layer

CRS = "EPSG:4549"


def layer(name, rows, shapes):
    """Return a layer of the place schema from a few rows."""
    frame = gpd.GeoDataFrame(rows, geometry=list(shapes), crs=CRS)
    full = empty_layer(name, crs=frame.crs)
    for column in SCHEMAS[name].columns:
        if column not in frame:
            frame[column] = None
    return frame[[*SCHEMAS[name].columns, "geometry"]].astype(
        {c: full[c].dtype for c in SCHEMAS[name].columns}
    )


def streets(*lines, **columns):
    """Return streets from coordinate lists; `columns` hold one value per line."""
    rows = {
        "street_id": [f"s{i}" for i in range(len(lines))],
        "highway": ["residential"] * len(lines),
        **columns,
    }
    return layer("streets", rows, [shapely.LineString(line) for line in lines])


def _named(name, key, shapes, **columns):
    """Return a layer with ids made of the first letter and a number; empty without shapes."""
    if not len(shapes):
        return empty_layer(name, crs=gpd.GeoSeries([], crs=CRS).crs)
    ids = [f"{name[0]}{i}" for i in range(len(shapes))]
    return layer(name, {key: ids, **columns}, shapes)


@dataclass(frozen=True)
class World:
    """The layers of a small world."""

    streets: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    estates: gpd.GeoDataFrame
    options: NetworkOptions

    @cached_property
    def blocks(self):
        return obstacles(water=self.water, barriers=self.barriers, estates=self.estates)

    @cached_property
    def network(self):
        return build_network(
            self.streets, gates=self.gates, blocks=self.blocks, options=self.options
        )

    def snap(self, *places):
        points = np.array([shapely.Point(one) for one in places], dtype=object)
        return snap_to_network(points, self.network, blocks=self.blocks, options=self.options)

    def walks(self, starts, ends, *, limit_m=np.inf):
        """Return the walks in metres, shape (starts, ends); inf where there is none."""
        return walks_on(self, starts, ends, options=self.options, limit_m=limit_m)


def walks_on(place, starts, ends, *, options=None, limit_m=np.inf):
    """Return the walks on anything that has a `network` and its `blocks`."""
    network, blocks = place.network, place.blocks
    homes, goals = (
        np.array([shapely.Point(one) for one in places], dtype=object) for places in (starts, ends)
    )
    doors, facilities = (
        snap_to_network(points, network, blocks=blocks, options=options)
        for points in (homes, goals)
    )
    metres = walking_distances(build_graph(network, facilities), doors, limit_m=limit_m)
    straight_m = straight_walks(homes, goals, network, blocks=blocks, options=options)
    return np.minimum(metres, straight_m)


def world(
    streets_layer,
    *,
    water=(),
    walls=(),
    estates=(),
    gates=(),
    borders=(),
    walled=True,
    options=None,
):
    """Return a world; walls and borders are coordinate lists, gates are places."""
    lines = [shapely.LineString(one) for one in (*walls, *borders)]
    kinds = ["wall"] * len(walls) + ["hard_border"] * len(borders)
    return World(
        streets=streets_layer,
        gates=_named("gates", "gate_id", [shapely.Point(one) for one in gates]),
        water=_named("water", "water_id", water),
        barriers=_named("barriers", "barrier_id", lines, kind=kinds),
        estates=_named("estates", "estate_id", estates, walled=[walled] * len(estates)),
        options=options or NetworkOptions(),
    )


def walk(streets_layer, start, end, **layers):
    """Return the walk in metres from one point to another (nan: no street, inf: no path)."""
    place = world(streets_layer, **layers)
    if (place.snap(start, end).edge < 0).any():
        return float("nan")
    return float(place.walks([start], [end])[0, 0])
