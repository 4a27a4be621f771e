"""Hand-drawn worlds: a few streets, walls and canals, with metres worked out by hand."""

from __future__ import annotations

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


def walk(streets_layer, start, end, *, water=(), walls=(), estates=(), gates=(), options=None):
    """Return the walk in metres from one point to another (nan: no street, inf: no path)."""
    crs = streets_layer.crs
    water_layer = (
        layer("water", {"water_id": [f"w{i}" for i in range(len(water))]}, water)
        if water
        else empty_layer("water", crs=crs)
    )
    barriers = (
        layer(
            "barriers",
            {"barrier_id": [f"b{i}" for i in range(len(walls))], "kind": ["wall"] * len(walls)},
            [shapely.LineString(one) for one in walls],
        )
        if walls
        else empty_layer("barriers", crs=crs)
    )
    estates_layer = (
        layer(
            "estates",
            {"estate_id": [f"e{i}" for i in range(len(estates))], "walled": [True] * len(estates)},
            estates,
        )
        if estates
        else empty_layer("estates", crs=crs)
    )
    gates_layer = (
        layer(
            "gates",
            {"gate_id": [f"g{i}" for i in range(len(gates))]},
            [shapely.Point(one) for one in gates],
        )
        if gates
        else empty_layer("gates", crs=crs)
    )
    chosen = options or NetworkOptions()
    blocks = obstacles(water=water_layer, barriers=barriers, estates=estates_layer)
    network = build_network(streets_layer, gates=gates_layer, blocks=blocks, options=chosen)
    goal = np.array([shapely.Point(end)], dtype=object)
    home = np.array([shapely.Point(start)], dtype=object)
    facility = snap_to_network(goal, network, blocks=blocks, options=chosen)
    door = snap_to_network(home, network, blocks=blocks, options=chosen)
    straight_m = straight_walks(home, goal, network, blocks=blocks, options=chosen)
    if door.edge[0] < 0 or facility.edge[0] < 0:
        return float("nan")
    metres = walking_distances(build_graph(network, facility), door)
    return float(np.minimum(metres, straight_m)[0, 0])
