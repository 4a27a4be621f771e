"""The doubts of a stored plan, one function a kind: what could change, and what to ask."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.access import link_words
from gridplan.answers.words import DOOR, ESTATE_GATE, GATE, LINK, SITE, WALL
from gridplan.errors import Message
from gridplan.fieldcheck.options import CheckOptions
from gridplan.fieldcheck.scene import CUT_OFF, Scene, is_yes
from gridplan.geometry import Floats
from gridplan.network import CLOSED

_GRID_DETOUR = 4 / math.pi
"""Mean ratio of a walk along a grid of streets to the straight line, over all directions."""
_OPEN = "assumed_open"


@dataclass(frozen=True)
class Doubt:
    """
    One thing to look at on the ground.

    Attributes
    ----------
    resident_m : float
        Resident-metres (one way) by which the walks could change.
    turned : float
        Residents who could gain, or lose, any walk at all.
    residents : float
        Residents concerned.
    doubt, question : Message
        What is doubted and why; what to find out.
    point : Point
    way : LineString or None
        The link in doubt.
    members : tuple of str
        Buildings concerned.
    """

    kind: str
    target_id: str
    resident_m: float
    turned: float
    residents: float
    doubt: Message
    question: Message
    point: shapely.Point
    way: shapely.LineString | None = None
    members: tuple[str, ...] = ()
    estate_id: str | None = None


_ASK_GATE = Message(en="Can residents pass the wall here on foot?", zh="居民能否在此步行进出围墙？")
_ASK_LINK = Message(en="Can one walk along the dashed line?", zh="能否沿虚线步行通过？")


def link_doubts(scene: Scene) -> Iterator[Doubt]:
    """Give proposed gates, links to cut-off pieces and gaps, by their figures in `links`."""
    links = scene.plan.layers.get("links")
    if links is None:
        return
    for row in links.to_dict("records"):
        is_open = row["status"] == _OPEN
        metres, some, turned = (
            ("cost_resident_m", "longer_residents", "lost_residents")
            if is_open
            else ("saved_resident_m", "shorter_residents", "gained_residents")
        )
        own = [_figure(row[name]) for name in (metres, some, turned)]
        room = [_figure(row.get(f"room_{name}")) for name in (metres, some, turned)]
        is_gate = row["kind"] == GATE and row["link_id"].startswith("proposed")
        line, words = row["geometry"], link_words(row)
        yield Doubt(
            kind=GATE if is_gate else LINK,
            target_id=str(row["link_id"]),
            resident_m=max(own[0], room[0]),
            turned=max(own[2], room[2]),
            residents=max(own[1] + own[2], room[1] + room[2]),
            doubt=Message(en=_begun(words.en), zh=words.zh),
            question=_ASK_GATE if is_gate else _ASK_LINK,
            point=line.interpolate(0.5, normalized=True),
            way=None if is_gate else line,
            estate_id=row["estate_id"],
        )


def shut_estate_doubts(scene: Scene) -> Iterator[Doubt]:
    """Give walled estates that have residents, and neither a gate nor a proposal."""
    shut = _shut_estates(scene)
    demand, people = scene.demand, scene.residents
    cut_off = demand["committee_reason"].isin(CUT_OFF).to_numpy()
    for row in shut.itertuples():
        own = (demand["estate_id"] == row.estate_id).to_numpy()
        name = _called(row.name)
        yield Doubt(
            kind=ESTATE_GATE,
            target_id=str(row.estate_id),
            resident_m=0.0,
            turned=float(people[own & cut_off].sum()),
            residents=float(people[own].sum()),
            doubt=Message(
                en=_begun(
                    f"{name.en} is walled, and the map has no gate, and no street through its wall"
                ),
                zh=f"{name.zh}有围墙，但图上既无出入口也无道路穿过围墙",
            ),
            question=Message(
                en="Where is its gate? Mark it on the map.", zh="出入口在哪里？请在图上标出。"
            ),
            point=shapely.point_on_surface(row.geometry),
            estate_id=str(row.estate_id),
        )


def _shut_estates(scene: Scene) -> gpd.GeoDataFrame:
    estates, gates = scene.plan.layer("estates"), scene.plan.layers["gates"]
    passable = gates[gates["status"] != CLOSED]
    known = estates["estate_id"].isin(passable["estate_id"]).to_numpy()
    found: gpd.GeoDataFrame = estates[is_yes(estates["walled"]) & ~known]
    return found


def wall_doubts(scene: Scene) -> Iterator[Doubt]:
    """Give estates whose walls are unknown, by the range of their residents' walks."""
    demand, people = scene.demand, scene.residents
    if "committee_walled_m" not in demand:
        return
    opened, walled = scene.metres("committee_open_m"), scene.metres("committee_walled_m")
    both = np.isfinite(opened) & np.isfinite(walled)
    moved = np.abs(np.subtract(walled, opened, out=np.zeros(len(demand)), where=both))
    turned = np.isfinite(opened) != np.isfinite(walled)
    estates = scene.plan.layer("estates")
    for row in estates[estates["walled"].isna()].itertuples():
        own = (demand["estate_id"] == row.estate_id).to_numpy()
        name = _called(row.name)
        more_m = float(np.dot(moved[own], people[own]))
        lost = float(people[own & turned].sum())
        yield Doubt(
            kind=WALL,
            target_id=str(row.estate_id),
            resident_m=more_m,
            turned=lost,
            residents=float(people[own].sum()),
            doubt=Message(
                en=f"Whether {name.en} is walled is not known; the figures take it as open",
                zh=f"{name.zh}是否有围墙不明，按开放计算",
            ),
            question=Message(
                en="Is it enclosed, so that one enters at gates only? If so, gates are assumed "
                "where streets cross or reach its edge, until each is checked.",
                zh="是否封闭，只能由出入口进出？若封闭，道路穿过或到达其边界处暂按有出入口计算，"
                "待逐一核实。",
            ),
            point=shapely.point_on_surface(row.geometry),
            estate_id=str(row.estate_id),
        )


def site_doubts(scene: Scene) -> Iterator[Doubt]:
    """Give the assumed sites where the plan opens a room, by what is lost without each."""
    rooms = scene.plan.layer("rooms")
    if "without_resident_m" not in rooms:
        return
    assumed = is_yes(rooms["assumed"]) & (rooms["kind"] != "existing").to_numpy()
    for row in rooms[assumed].itertuples():
        # Null where residents are given a room: then the residents alone rank it.
        costs = (row.without_resident_m, row.without_lost_residents)
        more_m, lost = (0.0 if pd.isna(one) else float(one) for one in costs)
        yield Doubt(
            kind=SITE,
            target_id=str(row.site_id),
            resident_m=more_m,
            turned=lost,
            residents=float(row.residents),
            doubt=Message(
                en="The plan puts a room here, and nobody has seen the building; without it, "
                "residents walk to the next room",
                zh="方案在此设活动室，但无人看过该建筑；若不可用，居民须走到次近的场所",
            ),
            question=Message(en="Can a room be had in this building?", zh="该建筑能否用作活动室？"),
            point=row.geometry,
            estate_id=None if row.estate_id is None else str(row.estate_id),
        )


def door_doubts(scene: Scene, options: CheckOptions) -> Iterator[Doubt]:
    """
    Give doors with a long leg, a leg round something, or no street in reach, by place.

    Round an obstacle, the walk could be as short as a grid of streets makes it (4/π
    times the straight line); along a long leg, as much longer than the straight leg.
    """
    demand, people = scene.demand, scene.residents
    asked = demand["estate_id"].isin(_shut_estates(scene)["estate_id"]).to_numpy()
    walk_m, leg_m = scene.metres("committee_m"), scene.metres("leg_m")
    straight_m = _straight_to_own(scene)
    round_about = demand["leg_detour"].notna().to_numpy() & np.isfinite(walk_m)
    shortest_m = _GRID_DETOUR * straight_m
    spared = np.subtract(walk_m, shortest_m, out=np.zeros(len(demand)), where=round_about)
    long = np.isfinite(leg_m) & (leg_m > options.long_leg_m)
    longer = np.where(long, (_GRID_DETOUR - 1) * np.where(long, leg_m, 0.0), 0.0)
    cut_off = demand["committee_reason"].isin(CUT_OFF)
    off_street = (cut_off & demand["edge_id"].isna()).to_numpy()
    moved = np.maximum(spared, longer)
    # Who is shut in by walls is asked about the gate.
    doubted = (people > 0) & ((moved > 0) | off_street) & ~asked
    streets = scene.plan.layer("streets")
    walkable = streets[streets["walkable"]].geometry.to_numpy()
    tree = shapely.STRtree(walkable)
    for group, rows in demand[doubted].groupby("group", sort=True).groups.items():
        at = demand.index.get_indexer(rows)
        home = int(at[np.argmax(people[at])])
        door = demand.geometry.iloc[home]
        way = shapely.shortest_line(door, walkable[int(tree.nearest(door))])
        if way.length <= 0:
            continue
        yield Doubt(
            kind=DOOR,
            target_id=str(group),
            resident_m=float(np.dot(moved[at], people[at])),
            turned=float(people[at][off_street[at]].sum()),
            residents=float(people[at].sum()),
            doubt=_door_words(demand.iloc[home], way, len(at), float(leg_m[home])),
            question=_ASK_LINK,
            point=door,
            way=way,
            members=tuple(demand["demand_id"].iloc[np.sort(at)].astype(str)),
            estate_id=demand["estate_id"].iloc[home],
        )


_ACROSS = {
    "wall": ("a wall", "围墙"),
    "water": ("water", "水面"),
    "rail": ("a railway", "铁路"),
    "border": ("a hard border", "不可通行边界"),
}


def _door_words(home: pd.Series, way: shapely.LineString, doors: int, leg_m: float) -> Message:
    these_en = f"{doors:,} buildings" if doors > 1 else "one building"
    across = _ACROSS.get(str(home["leg_detour"]))
    if pd.isna(home["edge_id"]) and across:
        return Message(
            en=f"{across[0].capitalize()} lies between {these_en} and every street in reach; the "
            f"nearest is {way.length:,.0f} m away",
            zh=f"{doors:,} 栋楼与附近所有道路之间均有{across[1]}，最近的道路距离 "
            f"{way.length:,.0f} 米",
        )
    if pd.isna(home["edge_id"]):
        return Message(
            en=f"No street that can be walked to is in reach of {these_en}; the nearest is "
            f"{way.length:,.0f} m away",
            zh=f"{doors:,} 栋楼附近没有可到达的道路，最近的道路距离 {way.length:,.0f} 米",
        )
    if across:
        return Message(
            en=f"{across[0].capitalize()} lies between {these_en} and the nearest street "
            f"({way.length:,.0f} m), so the walk begins at another ({leg_m:,.0f} m)",
            zh=f"{doors:,} 栋楼与最近道路（{way.length:,.0f} 米）之间有{across[1]}，"
            f"步行改由另一道路起算（{leg_m:,.0f} 米）",
        )
    return Message(
        en=f"The map has no street within {leg_m:,.0f} m of {these_en}; the walk to it is taken "
        f"as straight",
        zh=f"{doors:,} 栋楼距道路 {leg_m:,.0f} 米，其间按直线步行计算",
    )


def _straight_to_own(scene: Scene) -> Floats:
    committees = scene.plan.layer("committees").set_index("committee_id").geometry
    goals = committees.reindex(scene.demand["committee_id"]).to_numpy()
    found: Floats = np.nan_to_num(
        shapely.distance(scene.demand.geometry.to_numpy(), goals), nan=np.inf
    )
    return found


def _figure(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else math.nan
    return 0.0 if math.isnan(number) else number


def _called(name: object) -> Message:
    if isinstance(name, str) and name:
        return Message(en=name, zh=name)
    return Message(en="this estate", zh="该小区")


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
