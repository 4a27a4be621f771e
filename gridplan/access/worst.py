"""Who walks farthest, and why: the worst places with what lies across their way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.access.routes import Route
from gridplan.errors import Message
from gridplan.geometry import Geometries
from gridplan.network import Network, Obstacles
from gridplan.network.edges import Ints

_STRAIGHT = 1.3
"""A walk up to this many times the straight line is no detour to speak of: street grids alone
make about 1.27 (4/π) over all directions."""
_NEARER_M = 100.0
_AT_GATE_M = 0.5
_OBSTACLES = (
    ("water", "water", "水面"),
    ("rail", "a railway", "铁路"),
    ("border", "a hard border", "不可通行边界"),
    ("wall", "walls", "围墙"),
)


@dataclass(frozen=True)
class Surroundings:
    """What a way may cross: streets with their bridges, obstacles, gates."""

    network: Network
    blocks: Obstacles
    gates: gpd.GeoDataFrame


def farthest_places(demand: pd.DataFrame, metres: str, *, count: int) -> Ints:
    """
    Return the positions of the farthest homes, one for each place, the farthest first.

    A place is an estate, else the community's homes outside estates. Of equally far
    homes the first by id; homes without residents or without a walk are none.

    Parameters
    ----------
    demand : DataFrame
        ``demand_id``, ``population``, ``estate_id``, ``community_id`` and the walks.
    metres : name of the column with the walks
    count : places wanted at most
    """
    lived = demand[metres].notna() & (demand["population"].fillna(0) > 0)
    rows = pd.DataFrame(
        {
            "at": np.arange(len(demand)),
            "id": demand["demand_id"].to_numpy(),
            "metres": demand[metres].to_numpy(dtype=float),
            "place": place_of(demand).to_numpy(),
        }
    )[lived.to_numpy()]
    ordered = rows.sort_values(["metres", "id"], ascending=[False, True], kind="stable")
    return ordered.drop_duplicates("place")["at"].to_numpy(dtype=np.intp)[:count]


def place_of(demand: pd.DataFrame) -> pd.Series[str]:
    """Return the place of each home as text: its estate, else its community."""
    estate = "estate " + demand["estate_id"].astype("object")
    community = "community " + demand["community_id"].astype("object")
    place: pd.Series[str] = estate.where(demand["estate_id"].notna(), community)
    return place.fillna("")


def reason_of_walk(route: Route, straight: shapely.LineString, around: Surroundings) -> Message:
    """
    Return in words why a walk is as long as it is.

    Says what lies across the straight line, which bridges and gates the way takes
    instead, or that the place is far as the crow flies too.
    """
    line_m = float(straight.length)
    ratio = route.metres / line_m if line_m > 0 else 1.0
    if ratio <= _STRAIGHT:
        return Message(
            en=f"{route.metres:,.0f} m by a nearly straight way: no facility is nearer",
            zh=f"步行 {route.metres:,.0f} 米，路线基本顺直：附近没有更近的设施",
        )
    across = _across(straight, around.blocks)
    ways = _ways(route, around)
    en = f"{route.metres:,.0f} m on foot for {line_m:,.0f} m in a straight line ({ratio:.1f} times)"
    zh = f"直线 {line_m:,.0f} 米，步行 {route.metres:,.0f} 米（{ratio:.1f} 倍）"
    if across:
        en += f": {' and '.join(one.en for one in across)} across the way"
        zh += f"：直线方向被{'、'.join(one.zh for one in across)}隔断"
    else:
        en += ": no street leads straight there"
        zh += "：没有直通的道路"
    if ways:
        en += f"; the walk goes {' and '.join(one.en for one in ways)}"
        zh += f"，须{'、'.join(one.zh for one in ways)}绕行"
    return Message(en=en, zh=zh)


def _across(straight: shapely.LineString, blocks: Obstacles) -> list[Message]:
    if not len(blocks.lines):
        return []
    crossed = blocks.kinds[np.asarray(shapely.intersects(blocks.lines, straight), dtype=bool)]
    met = {str(kind) for kind in crossed}
    return [Message(en=en, zh=zh) for kind, en, zh in _OBSTACLES if kind in met]


def _ways(route: Route, around: Surroundings) -> list[Message]:
    found: list[Message] = []
    called = _bridges(around.network.walkable.iloc[list(route.edges)])
    if called:
        found.append(
            Message(
                en=f"over the {_plural('bridge', called)} {', '.join(called)}",
                zh=f"经桥梁（{'、'.join(called)}）",
            )
        )
    if len(around.gates) and route.line is not None:
        at = np.asarray(
            shapely.dwithin(around.gates.geometry.to_numpy(), route.line, _AT_GATE_M), dtype=bool
        )
        gates = around.gates["gate_id"][at].astype(str).tolist()
        if gates:
            found.append(
                Message(
                    en=f"through the {_plural('gate', gates)} {', '.join(gates)}",
                    zh=f"经出入口（{'、'.join(gates)}）",
                )
            )
    return found


def _plural(word: str, things: Sequence[str]) -> str:
    return word if len(things) == 1 else f"{word}s"


def _bridges(edges: gpd.GeoDataFrame) -> list[str]:
    """Return the names of the bridges among edges, else their ids."""
    if "bridge" not in edges:
        return []
    bridges = edges[edges["bridge"].fillna(value=False).astype(bool)]
    names = bridges["name"] if "name" in bridges else bridges["edge_id"]
    return [str(one) for one in names.fillna(bridges["edge_id"]).unique()]


def walks_layer(
    demand: gpd.GeoDataFrame,
    rows: Sequence[int],
    routes: Sequence[Route],
    *,
    goals: Geometries,
    around: Surroundings,
) -> gpd.GeoDataFrame:
    """
    Return the layer `walks`: one line for each of the worst places, the farthest first.

    Parameters
    ----------
    demand : GeoDataFrame
        With ``committee_id`` and the nearest committee's columns.
    rows : positions of the homes, as `farthest_places` gives them
    routes : their routes to their own committee
    goals : array of Point
        Where each route leads.

    Returns
    -------
    GeoDataFrame
        ``rank``, ``demand_id``, ``estate_id``, ``community_id``, ``committee_id``,
        ``residents`` (of the place), ``walk_m``, ``straight_m``, ``detour``, ``why``
        (zh), ``why_en``; LineString.
    """
    place = place_of(demand)
    residents = demand["population"].fillna(0).groupby(place).sum()
    records = []
    for rank, (row, route, goal) in enumerate(zip(rows, routes, goals, strict=True), start=1):
        home = demand.iloc[row]
        straight = shapely.LineString([home.geometry, goal])
        why = _with_nearer(reason_of_walk(route, straight, around), home)
        records.append(
            {
                "rank": rank,
                **{name: home[name] for name in _HOME},
                "residents": int(residents[place.iloc[row]]),
                "walk_m": route.metres,
                "straight_m": float(straight.length),
                "detour": route.metres / straight.length if straight.length > 0 else np.nan,
                "why": why.zh,
                "why_en": why.en,
                "geometry": route.line,
            }
        )
    layer = gpd.GeoDataFrame(records, columns=_COLUMNS, geometry="geometry", crs=demand.crs)
    return layer.astype({"rank": "int64", "residents": "int64"})


_HOME = ("demand_id", "estate_id", "community_id", "committee_id")
_COLUMNS = [
    "rank", *_HOME, "residents", "walk_m", "straight_m", "detour", "why", "why_en", "geometry"
]  # fmt: skip


def _with_nearer(why: Message, home: pd.Series) -> Message:
    """Add that another community's committee is much nearer."""
    nearest_m, own_m = home["nearest_committee_m"], home["committee_m"]
    if pd.isna(nearest_m) or not nearest_m < own_m - _NEARER_M:
        return why
    other = home["nearest_committee_id"]
    return Message(
        en=f"{why.en}; committee {other} is {nearest_m:,.0f} m away, but not theirs",
        zh=f"{why.zh}；最近的居委会 {other} 仅 {nearest_m:,.0f} 米，但不属本社区",
    )
