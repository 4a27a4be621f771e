"""A street found on the ground, joined to the streets of a place as those bring their nodes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.geometry import GRID_M

MEETS_M = 5.0
"""An end of a way this near to a street is on it: streets move a little from map to map."""
_TOUCHES_M = 0.05
_HIGHWAY = "footway"


def without_street(streets: gpd.GeoDataFrame, street_id: str) -> gpd.GeoDataFrame:
    """Return the streets without one; what was cut to join it stays cut, and joined."""
    return streets[streets["street_id"] != street_id].reset_index(drop=True)


def with_street(
    streets: gpd.GeoDataFrame, line: shapely.LineString, *, street_id: str, source: str
) -> gpd.GeoDataFrame:
    """
    Return the streets with one more, which meets others at its two ends only.

    Where streets have nodes of their own, those it meets are cut there.

    Parameters
    ----------
    line : LineString
        Its ends lie on streets, or at a door.
    source : str
        Where it comes from, in the column ``source``.
    """
    noded = bool(streets["u"].notna().all() and streets["v"].notna().all())
    nodes: list[str | None] = [None, None]
    if noded:
        for end in (0, -1):
            point = shapely.get_point(line, end)
            streets, nodes[end] = _node_at(streets, point, f"{street_id}-{abs(end)}")
    row = {
        "street_id": street_id,
        "u": nodes[0],
        "v": nodes[1],
        "highway": _HIGHWAY,
        # It passes over or under what it crosses: a canal, a railway, another path.
        "bridge": True,
        "source": source,
    }
    if "source" not in streets:
        streets = streets.assign(source=pd.Series([None] * len(streets), dtype="object"))
    fresh = gpd.GeoDataFrame([row], geometry=[line], crs=streets.crs)
    fresh = fresh.reindex(columns=streets.columns).astype(
        {name: streets[name].dtype for name in streets.columns if name != "geometry"}
    )
    return gpd.GeoDataFrame(pd.concat([streets, fresh], ignore_index=True), crs=streets.crs)


def ends_off_streets_m(streets: gpd.GeoDataFrame, way: shapely.LineString) -> tuple[float, float]:
    """Return how far the first and the last end of a way are from the nearest street, in metres."""
    first, last = (
        float(shapely.distance(streets.geometry.to_numpy(), point).min(initial=np.inf))
        for point in shapely.get_point(way, [0, -1])
    )
    return first, last


def reaching_streets(
    streets: gpd.GeoDataFrame, way: shapely.LineString, *, both: bool
) -> shapely.LineString:
    """
    Return a way whose ends near a street are led to it, by straight pieces.

    Parameters
    ----------
    both : bool
        Both ends, else only the one nearer to a street: the other is at a door.
    """
    lines = streets.geometry.to_numpy()
    away = ends_off_streets_m(streets, way)
    ends = (0, -1) if both else ((0,) if away[0] < away[1] else (-1,))
    coords = shapely.get_coordinates(way)
    for end in ends:
        if not _TOUCHES_M < away[end] <= MEETS_M:
            continue
        point = shapely.get_point(way, end)
        near = np.round(shapely.distance(lines, point) / GRID_M)
        first = int(np.lexsort([streets["street_id"].astype(str), near])[0])
        foot = shapely.get_coordinates(shapely.shortest_line(lines[first], point))[:1]
        coords = np.concatenate([foot, coords] if end == 0 else [coords, foot])
    return shapely.LineString(coords)


def _node_at(
    streets: gpd.GeoDataFrame, point: shapely.Point, name: str
) -> tuple[gpd.GeoDataFrame, str]:
    """Return the streets cut at a point that lies on one, and the node there."""
    lines = streets.geometry.to_numpy()
    near = np.sort(shapely.STRtree(lines).query(point, "dwithin", distance=_TOUCHES_M))
    if not len(near):
        return streets, name
    away = np.round(shapely.distance(lines[near], point) / GRID_M)
    row = int(near[np.argmin(away)])
    line = lines[row]
    along = float(line.project(point))
    for at, column in ((0.0, "u"), (line.length, "v")):
        if abs(along - at) <= GRID_M:
            return streets, str(streets[column].iloc[row])
    halves = [
        shapely.ops.substring(line, 0.0, along), shapely.ops.substring(line, along, line.length)
    ]  # fmt: skip
    parts = streets.iloc[[row, row]].copy()
    own = str(streets["street_id"].iloc[row])
    parts["street_id"] = [f"{own}~{name}a", f"{own}~{name}b"]
    parts["u"] = [parts["u"].iloc[0], name]
    parts["v"] = [name, parts["v"].iloc[1]]
    parts = parts.set_geometry(gpd.GeoSeries(halves, index=parts.index, crs=streets.crs))
    kept = streets.drop(index=streets.index[row])
    return gpd.GeoDataFrame(pd.concat([kept, parts], ignore_index=True), crs=streets.crs), name
