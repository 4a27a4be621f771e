"""What the map page holds: layers as short arrays, classes with their counts, words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Message
from gridplan.network import is_closed
from gridplan.plan import Plan
from gridplan.present import aggregate, classes
from gridplan.present.canvas import borders
from gridplan.present.conflict_map import CONFLICT_COLOURS
from gridplan.present.drawings import zone_tints
from gridplan.present.encode import Encoder
from gridplan.present.goals import nearest_goal
from gridplan.present.labels import pole
from gridplan.present.tables_measures import PLACES
from gridplan.present.tables_places import main_zones, reasons_of
from gridplan.present.tables_zones import system_label
from gridplan.present.words import before_basis, source_line, word
from gridplan.present.zone_weights import load_digits, weight_definition, weight_word, zone_weights

MOST_BUILDINGS = 8_000
"""Footprints are context only; more than this would take the page past 3 MB."""

_SIMPLER_M = 0.5
_LOAD_DIGITS = 1
_TOLD = ("population", "cells", "area_m2")
"""Weights that are facts of every zone anyway."""
_KM = 1000.0

WALKS = {"own": "committee_walk", "before": "before", "after": "after"}
"""Measures of the map by the walk they show."""

WORDS: dict[str, Message] = {
    "measure": Message(en="Colour the cells by", zh="网格着色"),
    "residents": Message(en="residents per cell", zh="每网格居民"),
    "committee_walk": Message(en="mean walk to own committee", zh="到本社区居委会平均步行"),
    "before": Message(en="mean walk today", zh="现状平均步行"),
    "after": Message(en="mean walk with the plan", zh="方案平均步行"),
    "gain": Message(en="walk saved by the plan", zh="方案缩短的步行"),
    "zones": Message(en="responsibility zones", zh="责任区"),
    "legend": Message(en="Legend", zh="图例"),
    "layers": Message(en="Layers", zh="图层"),
    "cells": Message(en="cells", zh="网格"),
    "uid": Message(en="permanent id", zh="永久标识"),
    "people": Message(en="residents", zh="居民"),
    "communities": Message(en="communities", zh="社区"),
    "zone_lines": Message(en="zone borders", zh="责任区界线"),
    "zone_count": Message(en="zones", zh="分区"),
    "fewest": Message(en="least", zh="最少"),
    "most": Message(en="most", zh="最多"),
    "committees": Message(en="committees", zh="居委会"),
    "existing": Message(en="existing rooms", zh="现有活动室"),
    "proposed": Message(en="new rooms", zh="新增活动室"),
    "mix_rooms": Message(en="mix of measures: rooms", zh="措施组合：活动室等"),
    "mix_links": Message(
        en="mix of measures: gates, bridges, paths", zh="措施组合：出入口、桥、通道"
    ),
    "conflicts": Message(en="departments differ", zh="部门分区不一致"),
    "conflict": Message(en="Conflict", zh="边界冲突"),
    "claims": Message(en="zones of the departments", zh="各部门分区"),
    "facilities": Message(en="other facilities", zh="其他设施"),
    "service_point": Message(en="service point", zh="服务点"),
    "walks": Message(en="farthest walks", zh="最远步行"),
    "walk": Message(en="Farthest walk no.", zh="最远步行 第"),
    "own_walk": Message(en="walk to own committee", zh="到本社区居委会"),
    "straight": Message(en="straight line", zh="直线"),
    "estates": Message(en="estates", zh="居住小区"),
    "gates": Message(en="gates", zh="出入口"),
    "water": Message(en="water", zh="水域"),
    "streets": Message(en="streets", zh="道路"),
    "buildings": Message(en="buildings", zh="建筑"),
    "search": Message(en="Search: cell code, zone, place name", zh="搜索：网格编码、责任区、名称"),
    "nothing": Message(en="Nothing found.", zh="没有找到。"),
    "print": Message(en="Print", zh="打印"),
    "whole": Message(en="Whole place", zh="全图"),
    "details": Message(
        en="Point at the map, or search, for details.", zh="将鼠标移到图上或搜索，查看详情。"
    ),
    "cell": Message(en="Cell", zh="网格"),
    "zone": Message(en="Zone", zh="责任区"),
    "community": Message(en="Community", zh="社区"),
    "estate": Message(en="Estate", zh="居住小区"),
    "committee": Message(en="Committee", zh="居委会"),
    "room": Message(en="Room", zh="活动室"),
    "kind": Message(en="kind", zh="类型"),
    "area": Message(en="area", zh="面积"),
    "exception": Message(en="exception", zh="例外"),
    "households": Message(en="households", zh="户数"),
    "own": Message(en="own residents", zh="本社区居民"),
    "nearest": Message(en="nearest residents", zh="就近居民"),
    "served": Message(en="residents served", zh="服务居民"),
    "mean": Message(en="mean walk", zh="平均步行"),
    "max": Message(en="longest walk", zh="最远步行"),
    "assumed": Message(en="assumed site: check on the ground", zh="推定场地：须现场核实"),
    "id": Message(en="id", zh="编号"),
    "measure_of": Message(en="measure", zh="措施"),
    "cost": Message(en="cost", zh="造价"),
    "yuan": Message(en="yuan", zh="元"),
    "helped": Message(en="residents it helps", zh="受益居民"),
    "alone": Message(en="saved alone", zh="单独节省"),
    "last": Message(en="saved in the mix", zh="组合内节省"),
    "each": Message(en="saved per resident helped", zh="受益居民人均节省"),
    "person_km": Message(en="resident-km", zh="人·公里"),
    "in_mix": Message(
        en="In the mix of measures for a budget. The colours of the map follow the answer that "
        "was chosen, not this mix.",
        zh="属于同一预算的措施组合。地图着色按所采用的答案，不随本组合变化。",
    ),
    "why": Message(en="why", zh="理由"),
    "to": Message(en="to the", zh="到"),
    "own_committee": Message(en="committee of the own community", zh="本社区居委会"),
    "counting": Message(
        en="Colour: mean of a cell's residents. Residents: each by their own walk, as in the "
        "figures and tables.",
        zh="颜色按网格内居民的平均值；居民数按各人自己的步行距离统计，与图、表一致。",
    ),
    "none": Message(en="no distance", zh="无距离"),
    "inside": Message(en="inside", zh="辖区内"),
    "outside": Message(en="outside the boundary", zh="边界外"),
    "footprint": Message(
        en="footprint of the building, not the room", zh="建筑占地（非活动室面积）"
    ),
    "m": Message(en="m", zh="米"),
    "north": Message(en="North is up", zh="上北下南"),
    "map": Message(
        en="Map: arrow keys move, plus and minus zoom", zh="地图：方向键移动，加减键缩放"
    ),
}
"""Words of the page that are no columns."""


def encoder(plan: Plan) -> Encoder:
    """Return the encoder of a plan's geometry."""
    return Encoder(plan.place.crs, plan.layer("cells").total_bounds)


def payload(plan: Plan) -> dict[str, Any]:
    """Return all that the page needs, ready for JSON."""
    encode = encoder(plan)
    bounds = plan.layer("cells").total_bounds
    measures = _measures(plan)
    words = {**WORDS, "place": nearest_goal(plan)}
    return {
        "origin": list(encode.origin),
        "bounds": [encode.corner(bounds[0], bounds[1]), encode.corner(bounds[2], bounds[3])],
        "words": {key: [word.zh, word.en] for key, word in words.items()},
        "basis": _pair(before_basis(plan)),
        "source": _pair(source_line(plan)),
        "measures": {name: _legend(name, found, plan) for name, found in measures.items()},
        "start": "after" if "after" in measures else "before",
        "cells": _cells(plan, encode, measures),
        "zones": _zones(plan, main_zones(plan), encode),
        "systems": other_systems(plan, encode),
        "communities": _communities(plan, encode),
        "estates": _estates(plan, encode),
        "committees": _committees(plan, encode),
        "rooms": _rooms(plan, encode),
        "mix": _mix(plan, encode),
        "conflicts": _conflicts(plan, encode),
        "facilities": _facilities(plan, encode),
        "walks": _walks(plan, encode),
        "gates": encode.points(plan.place.gates.geometry[~is_closed(plan.place.gates)]),
        "ground": _ground(plan, encode),
    }


def _measures(plan: Plan) -> dict[str, classes.Classes]:
    cells = aggregate.by_cell(plan)
    demand = plan.layers["demand"]
    found = {"residents": classes.by_residents(cells["population"])}
    for state, column in aggregate.walk_columns(plan).items():
        found[WALKS[state]] = classes.by_walk(
            cells[f"{state}_m"],
            cells["population"],
            classes.walk_breaks(plan),
            reasons=cells[f"{state}_reason"],
            codes=list(aggregate.missing(demand, column)),
        )
    if "after_m" in cells:
        found["gain"] = classes.by_gain(cells)
    return found


def _legend(name: str, found: classes.Classes, plan: Plan) -> dict[str, Any]:
    """Return the classes with their cells and residents: for walks, each resident's own."""
    columns = {WALKS[state]: column for state, column in aggregate.walk_columns(plan).items()}
    if name in columns:
        residents = classes.residents_by_walk(plan, columns[name])
        people = [residents.get(one.label, 0) for one in found.classes]
    else:
        people = found.counts(aggregate.people(plan.layers["cells"]).to_numpy())
    rows = zip(found.classes, found.counts(), people, strict=True)
    return {
        "unit": found.unit,
        "own": name in columns,
        "classes": [
            {"label": _pair(one.label), "colour": one.colour, "cells": count, "people": residents}
            for one, count, residents in rows
            if count or residents or not one.special
        ],
        "all": [one.colour for one in found.classes],
    }


def _cells(plan: Plan, encode: Encoder, measures: dict[str, classes.Classes]) -> dict[str, Any]:
    cells = plan.layer("cells")
    walks = aggregate.by_cell(plan)
    communities = plan.layers["communities"]["community_id"].astype(str).tolist()
    exceptions = sorted({str(one) for one in cells["exception"].dropna()})
    return {
        "shapes": encode.polygons(cells.geometry),
        "id": texts(cells["cell_id"]),
        # What notes and tables call a cell by, for ever: the search finds it, too.
        "uid": texts(cells["cell_uid"]),
        "community": _places(cells["community_id"], communities),
        "zone": _places(cells["zone_id"], _main_ids(plan)),
        "people": whole(cells["population"]),
        "area": whole(cells["area_m2"]),
        "committee_walk": whole(walks["own_m"]),
        "before": whole(walks["before_m"]),
        "after": whole(walks["after_m"]) if "after_m" in walks else [],
        "exception": _places(cells["exception"], exceptions),
        "exceptions": [_pair(word("exception", one)) for one in exceptions],
        "class": {name: found.member.tolist() for name, found in measures.items()},
    }


def _main_ids(plan: Plan) -> list[str]:
    zones = main_zones(plan)
    return [] if zones is None else zones["zone_id"].astype(str).tolist()


def _zones(plan: Plan, zones: pd.DataFrame | None, encode: Encoder) -> dict[str, Any] | None:
    if not isinstance(zones, gpd.GeoDataFrame):
        return None
    return {
        "shapes": encode.polygons(zones.geometry),
        "lines": encode.lines(borders(zones.geometry)),
        "id": texts(zones["zone_id"]),
        "name": texts(zones["name"]),
        "people": whole(zones["population"]),
        "cells": whole(zones["cells"]),
        "area": whole(zones["area_m2"]),
        "tint": zone_tints(zones.geometry.to_numpy()),
        "loads": [
            {
                "label": _pair(weight_word(name)),
                "of": load.round(_LOAD_DIGITS).tolist(),
                "digits": load_digits(load.dropna()),
                "told": name in _TOLD,
                "about": _pair(about) if (about := weight_definition(name)) else None,
            }
            for name, load in zone_weights(plan, zones)
        ],
    }


def other_systems(plan: Plan, encode: Encoder) -> list[dict[str, Any]]:
    """Return the zone systems beside the main one: their zones, and the zone of each cell."""
    zones, main = plan.layers.get("zones"), main_zones(plan)
    if not isinstance(zones, gpd.GeoDataFrame) or main is None:
        return []
    members, uid = plan.layers["cell_zones"], plan.layers["cells"]["cell_uid"]
    found = []
    for name, own in zones[~zones.index.isin(main.index)].groupby("zone_system", sort=False):
        mine = members[members["zone_system"] == name]
        zone_of = dict(zip(mine["cell_uid"], mine["zone_id"], strict=True))
        ids = own["zone_id"].astype(str).tolist()
        found.append(
            {
                "key": str(name),
                "label": _pair(system_label(str(name))),
                **(_zones(plan, own, encode) or {}),
                "of_cell": _places(uid.map(zone_of), ids),
            }
        )
    return found


def _communities(plan: Plan, encode: Encoder) -> dict[str, Any]:
    communities = plan.layer("communities")
    poles = gpd.GeoSeries([pole(shape) for shape in communities.geometry])
    return {
        "shapes": encode.polygons(communities.geometry),
        "lines": encode.lines(borders(communities.geometry)),
        "label": encode.points(poles),
        "id": texts(communities["community_id"]),
        "name": texts(communities["name"]),
        "people": whole(communities["population"]),
        "households": whole(communities["households"]),
    }


def _estates(plan: Plan, encode: Encoder) -> dict[str, Any]:
    estates = plan.place.estates
    return {
        "shapes": encode.polygons(estates.geometry),
        "id": texts(estates["estate_id"]),
        "name": texts(estates["name"]),
        "households": whole(estates["households"]),
    }


def _committees(plan: Plan, encode: Encoder) -> dict[str, Any]:
    committees = plan.layer("committees")
    return {
        "at": encode.points(committees.geometry),
        "id": texts(committees["committee_id"]),
        "name": texts(committees["name"]),
        "own": whole(committees["residents_own"]),
        "nearest": whole(committees["residents_nearest"]),
        "inside": aggregate.committees_inside(plan).tolist(),
    }


def _rooms(plan: Plan, encode: Encoder) -> dict[str, Any]:
    if "rooms" not in plan.layers:
        return {"at": [], "id": []}
    rooms = plan.layer("rooms")
    shown = rooms[~((rooms["kind"] == "existing") & (rooms["ownership"] == "committee"))]
    return {
        "at": encode.points(shown.geometry),
        "id": texts(shown["site_id"]),
        "name": texts(shown["name"]) if "name" in shown else [None] * len(shown),
        "new": shown["kind"].isin(aggregate.NEW_KINDS).tolist(),
        "kind": [_pair(word("kind", str(one))) for one in shown["kind"]],
        "people": whole(shown["residents"]),
        "mean": whole(shown["mean_m"]),
        "max": whole(shown["max_m"]),
        "area": whole(shown["area_m2"]),
        "assumed": [not pd.isna(one) and bool(one) for one in shown["assumed"]],
        "why": [None if one is None else _pair(one) for one in reasons_of(shown)],
    }


def _mix(plan: Plan, encode: Encoder) -> dict[str, Any]:
    """Return the measures of the best mix for a budget, where one was looked for."""
    if "measures" not in plan.layers:
        return {"at": [], "id": []}
    every = plan.layer("measures")
    mix = every[every["in_plan"].astype(bool)]
    sites, estates = plan.place.sites, plan.place.estates
    own = mix["measure_id"].map(dict(zip(sites["site_id"], sites["name"], strict=True)))
    estate = mix["estate_id"].map(dict(zip(estates["estate_id"], estates["name"], strict=True)))
    helped = pd.to_numeric(mix["residents"])
    return {
        "at": encode.points(mix.geometry),
        "id": texts(mix["measure_id"]),
        "name": texts(own),
        "place": mix["kind"].isin(PLACES).tolist(),
        "kind": [_pair(word("kind", str(one))) for one in mix["kind"]],
        "estate": texts(estate.where(estate.notna(), mix["estate_id"])),
        "cost": whole(mix["cost"]),
        "alone": whole(mix["alone_walk"] / _KM),
        "last": whole(mix["last_walk"] / _KM),
        "people": whole(helped),
        "each": whole(mix["last_walk"] / helped.where(helped > 0)),
    }


def _conflicts(plan: Plan, encode: Encoder) -> dict[str, Any]:
    """Return the places where departments differ, slivers of drawing apart."""
    if "conflicts" not in plan.layers:
        return {"shapes": [], "id": []}
    every = plan.layer("conflicts")
    real = every[~every["sliver"].astype(bool)]
    return {
        "shapes": encode.polygons(_simpler(real.geometry)),
        "at": encode.points(gpd.GeoSeries([pole(shape) for shape in real.geometry])),
        "id": texts(real["conflict_id"]),
        "colour": [CONFLICT_COLOURS[str(one)] for one in real["kind"]],
        "kind": [_pair(word("kind", str(one))) for one in real["kind"]],
        "claims": texts(real["claims"]),
        "area": whole(real["area_m2"]),
        "people": whole(real["population"]),
    }


def _facilities(plan: Plan, encode: Encoder) -> dict[str, Any]:
    """Return the service points of facilities; those of a committee are no facility more."""
    facilities = plan.place.facilities
    own = facilities.groupby("facility_id")["facility_id"]
    ids = set(facilities["facility_id"]) - set(plan.place.committees["committee_id"])
    return {
        "count": len(ids),
        "at": encode.points(facilities.geometry),
        "id": texts(facilities["facility_id"]),
        "name": texts(facilities["name"]),
        "kind": texts(facilities["kind"]),
        "point": (own.cumcount() + 1).tolist(),
        "points": own.transform("size").tolist(),
    }


def _walks(plan: Plan, encode: Encoder) -> dict[str, Any]:
    """Return the routes of the farthest walks; a plan of an older version has none."""
    if "walks" not in plan.layers:
        return {"shapes": [], "rank": [], "people": [], "metres": [], "straight": [], "why": []}
    walks = plan.layer("walks")
    return {
        "shapes": [encode.lines(_simpler(walks.geometry.iloc[[i]])) for i in range(len(walks))],
        "rank": whole(walks["rank"]),
        "people": whole(walks["residents"]),
        "metres": whole(walks["walk_m"]),
        "straight": whole(walks["straight_m"]),
        "why": [list(pair) for pair in zip(walks["why"], walks["why_en"], strict=True)],
    }


def _ground(plan: Plan, encode: Encoder) -> dict[str, Any]:
    place = plan.place
    buildings = place.buildings.geometry if len(place.buildings) <= MOST_BUILDINGS else None
    return {
        "land": encode.polygons(place.boundary.geometry),
        "water": encode.polygons(_simpler(place.water.geometry)),
        "streets": encode.lines(_simpler(place.streets.geometry)),
        "buildings": [] if buildings is None else encode.polygons(_simpler(buildings)),
    }


def _simpler(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    return gpd.GeoSeries(
        shapely.simplify(np.asarray(shapes, dtype=object), _SIMPLER_M), crs=shapes.crs
    )


def texts(column: pd.Series) -> list[str | None]:
    """Return a column as text, null as None: ids are never numbers in the page."""
    return [None if pd.isna(one) else str(one) for one in column]


def whole(column: pd.Series) -> list[int | None]:
    """Return a column as whole numbers, null as None."""
    numbers = pd.to_numeric(column, errors="coerce")
    return [None if pd.isna(one) else round(float(one)) for one in numbers]


def _places(column: pd.Series, values: Sequence[str]) -> list[int]:
    """Return the position of each value in `values`, -1 where it is null or unknown."""
    position = {value: place for place, value in enumerate(values)}
    return [-1 if pd.isna(one) else position.get(str(one), -1) for one in column]


def _pair(message: Message) -> list[str]:
    return [message.zh, message.en]
