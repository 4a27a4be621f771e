"""The pictures of a plan, as PNG bytes: both languages in one picture, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Language, Message, amount
from gridplan.geometry import Geometries
from gridplan.plan import Plan
from gridplan.present import aggregate, canvas, classes, ground, labels
from gridplan.present.canvas import Ink
from gridplan.present.conflict_map import conflicts_figure, conflicts_title
from gridplan.present.curve import coverage_figure, coverage_title
from gridplan.present.goals import goal, short_goal
from gridplan.present.room_curve import curve_figure, curve_rows, curve_title
from gridplan.present.tables_places import main_zones
from gridplan.present.tables_several import trade_off_title, trade_offs
from gridplan.present.trade_curve import trade_off_figure
from gridplan.present.words import before_basis, number, percent
from gridplan.present.zone_weights import (
    RESIDENTS,
    load_digits,
    load_number,
    system_name,
    weight_word,
    zone_weights,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = (
    "01_cells.png",
    "02_walk_before.png",
    "03_walk_after.png",
    "04_coverage.png",
    "05_zones.png",
    "06_frontier.png",
    "07_trade_off.png",
    "08_conflicts.png",
)
"""
File names in the order of the report; without siting there is no ``03`` and no ``06``; ``07`` only
where a frontier of two objectives was asked for, ``08`` only where departments have zonings.
"""

_MANY_ZONES = 60
_ROUTE = canvas.Stroke("#b3261e", 1.5, 9)
_ROUTE_START = canvas.Symbol("o", 9.0, "#b3261e", "white")
_SERVED, _SERVED_EDGE = "#2f7f8c55", "#2f7f8c"


def figures(plan: Plan, lang: Language = "zh") -> dict[str, bytes]:
    """
    Return the figures of a plan: file name to PNG bytes, below 250 kB each.

    Parameters
    ----------
    plan : Plan
    lang : {"zh", "en"}
        The language set large; the other stands beside it, so that one file serves both.

    Raises
    ------
    MissingPackageError
        If no Chinese font can be found.
    """
    drawn: dict[str, bytes] = {}
    with canvas.drawing(lang) as ink:
        drawn[FIGURES[0]] = canvas.png(cells_figure(plan, ink))
        drawn[FIGURES[1]] = canvas.png(walk_figure(plan, ink, after=False))
        if aggregate.after_column(plan):
            drawn[FIGURES[2]] = canvas.png(walk_figure(plan, ink, after=True))
        drawn[FIGURES[3]] = canvas.png(coverage_figure(plan, ink))
        if _main_zones(plan) is not None:
            drawn[FIGURES[4]] = canvas.png(zones_figure(plan, ink))
        curve = curve_rows(plan)
        if curve is not None:
            drawn[FIGURES[5]] = canvas.png(curve_figure(plan, curve, ink))
        pair = trade_offs(plan)
        if pair is not None:
            drawn[FIGURES[6]] = canvas.png(trade_off_figure(plan, pair, ink))
        if "conflicts" in plan.layers:
            drawn[FIGURES[7]] = canvas.png(conflicts_figure(plan, ink))
    return drawn


def alt_text(plan: Plan, name: str) -> Message:
    """Return the sentence that stands for a figure where it cannot be seen."""
    makers = dict(
        zip(
            FIGURES,
            (
                cells_title,
                _before_title,
                _after_title,
                coverage_title,
                zones_title,
                curve_title,
                trade_off_title,
                conflicts_title,
            ),
            strict=True,
        )
    )
    return makers[name](plan)


def cells_title(plan: Plan) -> Message:
    """Return the finding of the map of cells."""
    cells = plan.summary["cells"]
    people, count = number(plan.summary["residents"]), number(cells["count"])
    area = number(cells["area_median_m2"])
    return Message(
        en=f"{people} residents in {count} cells; the median cell has {area} m²",
        zh=f"{people} 名居民，{count} 个单元网格，面积中位数 {area} m²",
    )


def cells_figure(plan: Plan, ink: Ink) -> Figure:
    """Draw cells by residents, zones outlined, with committees, streets and water."""
    cells = plan.layer("cells")
    found = classes.by_residents(aggregate.people(cells))
    sheet = ground.map_of(plan, ink, cells_title(plan))
    canvas.polygons(
        sheet.map, cells.geometry, fill=found.colours(), edge="#a3adb3", width=0.35, order=2
    )
    ground.ground(plan, sheet, land=False)
    zones = _main_zones(plan)
    if zones is not None:
        canvas.lines(sheet.map, zones.geometry, ground.ZONE)
    ground.places(plan, sheet, new=False)
    ground.communities(plan, sheet)
    canvas.heading(sheet, found.title, "人")
    residents = found.counts(aggregate.people(cells).to_numpy())
    canvas.class_rows(
        sheet,
        found,
        [(Message(en="cells", zh="网格"), found.counts()),
         (Message(en="residents", zh="居民"), residents)],
    )  # fmt: skip
    ground.symbols(plan, sheet, zones=zones is not None, new=False)
    return ground.finished(plan, sheet)


def walk_title(plan: Plan, *, after: bool) -> Message:
    """Return the finding of a map of walks."""
    access = plan.summary["access"]
    norm = aggregate.headline_norm(plan.summary)
    if after:
        share, whose = (aggregate.walks_after(plan) or {})["within"][norm], short_goal(plan)
        rooms = aggregate.new_rooms(plan)
        return Message(
            en=f"With {rooms} new rooms, {percent(share, 'en')} of residents walk at most "
            f"{norm} m to {whose.en.removeprefix('of ')}",
            zh=f"新增 {rooms} 处活动室后，{percent(share, 'zh')} 的居民"
            f"步行 {norm} m 以内{whose.zh}",
        )
    key = (
        "before" if aggregate.before_column(plan.layers["demand"]) == "room_before_m" else "nearest"
    )
    share = access.get(key, access)["within"][norm]
    basis = before_basis(plan)
    return Message(
        en=f"Today {percent(share, 'en')} of residents walk at most {norm} m to the {basis.en}",
        zh=f"现状：{percent(share, 'zh')} 的居民步行 {norm} m 以内可到{basis.zh}",
    )


def _before_title(plan: Plan) -> Message:
    return walk_title(plan, after=False)


def _after_title(plan: Plan) -> Message:
    return walk_title(plan, after=True)


def walk_figure(plan: Plan, ink: Ink, *, after: bool) -> Figure:
    """Draw the walk of each building's residents; both states share one scale."""
    demand = plan.layer("demand")
    column = aggregate.after_column(plan) if after else aggregate.before_column(demand)
    demand = demand[aggregate.people(demand) > 0]
    people = aggregate.people(demand)
    found = classes.by_walk(
        aggregate.metres(demand[str(column)]),
        people,
        classes.walk_breaks(plan),
        reasons=aggregate.reasons(demand, str(column)),
    )
    placed = demand.geometry.notna().to_numpy()
    sheet = ground.map_of(plan, ink, walk_title(plan, after=after))
    ground.ground(plan, sheet, land=True)
    ground.homes(plan, sheet, demand[placed], np.array(found.colours(), dtype=object)[placed])
    ground.places(plan, sheet, new=after)
    ground.communities(plan, sheet)
    basis = (
        Message(en=f"{goal(plan).en}, with the plan", zh=f"{goal(plan).zh}（方案）")
        if after
        else before_basis(plan)
    )
    canvas.heading(sheet, Message(en=f"Walk to the {basis.en}", zh=f"步行至{basis.zh}"), "m")
    canvas.class_rows(
        sheet,
        found,
        [(Message(en="buildings", zh="建筑"), found.counts(placed.astype(float))),
         (Message(en="residents", zh="居民"), found.counts(people.to_numpy()))],
    )  # fmt: skip
    ground.symbols(plan, sheet, zones=False, new=after)
    canvas.scale_and_north(sheet)
    return sheet.figure


def zones_title(plan: Plan) -> Message:
    """Return the finding of the map of zones."""
    zones = _main_zones(plan)
    if zones is None:
        return Message(en="No zones", zh="无责任区")
    weight, load = zone_weights(plan, zones)[0]
    mean = amount(load.mean())
    worst = float((load / load.mean() - 1).abs().max()) if load.sum() else None
    what, each = weight_word(weight), Message(en=f"{mean} residents", zh=f" {mean} 名居民")
    if weight != RESIDENTS:
        each = Message(en=f"{what.en} {mean}", zh=f"{what.zh}{mean}")
    name = _system(zones)
    return Message(
        en=f"{name.en}: {len(zones)} zones of {each.en} on average; "
        f"the largest deviation is {percent(worst, 'en')}",
        zh=f"{name.zh}：{len(zones)} 个，平均{each.zh}，最大偏差 {percent(worst, 'zh')}",
    )


def _system(zones: pd.DataFrame) -> Message:
    """Return what the zone system of some zones is called, as a heading."""
    name = system_name(zones)
    return Message(en=name.en[:1].upper() + name.en[1:], zh=name.zh)


def zones_figure(plan: Plan, ink: Ink) -> Figure:
    """Draw the zones of the main system with labels and their loads of its first weight."""
    zones = _main_zones(plan)
    if zones is None:
        msg = "the plan has no zones"
        raise ValueError(msg)
    sheet = ground.map_of(plan, ink, zones_title(plan))
    tints = zone_tints(zones.geometry.to_numpy())
    canvas.polygons(sheet.map, zones.geometry, fill=tints, edge="white", width=0.3, order=2)
    ground.ground(plan, sheet, land=False)
    canvas.lines(sheet.map, zones.geometry, ground.ZONE)
    ground.community_lines(plan, sheet)
    ground.places(plan, sheet, new=False)
    size = 6.5 if len(zones) <= _MANY_ZONES else 5.0
    texts = short_ids(zones["zone_id"].astype(str).tolist())
    weight, load = zone_weights(plan, zones)[0]
    digits = load_digits(load)
    labels.place_labels(
        sheet,
        [
            labels.Label(shape, f"{ink.text(text)}\n{load_number(own, digits)}", size)
            for shape, text, own in zip(zones.geometry, texts, load, strict=True)
        ],
    )
    canvas.heading(sheet, _system(zones))
    across = Message(en="across communities", zh="跨社区")
    for label, told in [
        *_zone_figures(zones, weight, load),
        (across, number(aggregate.zones_across(plan))),
    ]:
        canvas.figure_row(sheet, label, told)
    what = weight_word(weight)
    canvas.heading(sheet, Message(en=f"Label: zone, {what.en}", zh=f"标注：责任区编号、{what.zh}"))
    ground.symbols(plan, sheet, zones=True, new=False)
    return ground.finished(plan, sheet)


def _zone_figures(zones: pd.DataFrame, weight: str, load: pd.Series) -> list[tuple[Message, str]]:
    digits = load_digits(load)
    ends = {
        Message(en="fewest", zh="最少"): load.min(),
        Message(en="median", zh="中位数"): load.median(),
        Message(en="most", zh="最多"): load.max(),
    }
    return [
        (Message(en="zones", zh="责任区数"), number(len(zones))),
        (weight_word(weight), load_number(load.sum(), digits)),
        *((what, load_number(value, digits)) for what, value in ends.items()),
    ]


def farthest_title(plan: Plan) -> Message:
    """Return the finding of the map of the farthest walks."""
    walks = plan.layers["walks"]
    if not len(walks):
        return Message(en="No walk to a committee", zh="没有到居委会的步行路线")
    first = walks.sort_values("rank").iloc[0]
    return Message(
        en=f"The farthest walk to the own committee is {number(first['walk_m'])} m, where a "
        f"straight line is {number(first['straight_m'])} m",
        zh=f"到本社区居委会最远步行 {number(first['walk_m'])} 米，直线仅"
        f" {number(first['straight_m'])} 米",
    )


def farthest_figure(plan: Plan, ink: Ink) -> Figure:
    """Draw the routes of the farthest walks, numbered, over buildings, streets and water."""
    walks = plan.layer("walks")
    walks = walks[walks.geometry.notna()].sort_values("rank", ascending=False)
    sheet = ground.map_of(plan, ink, farthest_title(plan))
    ground.ground(plan, sheet, land=True)
    canvas.lines(sheet.map, walks.geometry, _ROUTE)
    for rank, route in zip(walks["rank"], walks.geometry, strict=True):
        door = shapely.get_point(route, 0)
        _ROUTE_START.draw(sheet.map, [door.x], [door.y], order=12)
        sheet.map.text(door.x, door.y, str(rank), size=6.5, color="white", ha="center",
                       va="center_baseline", zorder=13)  # fmt: skip
    ground.places(plan, sheet, new=False)
    ground.communities(plan, sheet)
    canvas.heading(sheet, Message(en="Farthest walks", zh="最远的步行路线"))
    label = Message(en="route", zh="路线")
    canvas.symbol_row(sheet, label, len(walks), _ROUTE)
    ground.symbols(plan, sheet, zones=False, new=False)
    return ground.finished(plan, sheet)


def service_title(plan: Plan) -> Message:
    """Return the finding of the map of service areas."""
    areas = plan.layers["service_areas"]
    norm = number(float(areas["norm_m"].min())) if len(areas) else "0"
    return Message(
        en=f"What {len(areas)} places reach within {norm} m on foot, water and walls between",
        zh=f"{len(areas)} 处设施步行 {norm} 米以内的服务范围（不越过水面与围墙）",
    )


def service_figure(plan: Plan, ink: Ink) -> Figure:
    """Draw the service areas of committees and rooms for the smallest norm drawn."""
    areas = plan.layer("service_areas")
    areas = areas[areas["norm_m"] == areas["norm_m"].min()]
    sheet = ground.map_of(plan, ink, service_title(plan))
    ground.ground(plan, sheet, land=True)
    # In one piece: where areas overlap, fills of one path would cancel out.
    served = gpd.GeoSeries([areas.union_all()], crs=areas.crs)
    canvas.polygons(sheet.map, served, fill=_SERVED, order=4.5)
    canvas.lines(sheet.map, areas.boundary, canvas.Stroke(_SERVED_EDGE, 0.4, 4.6))
    ground.places(plan, sheet, new=True)
    ground.communities(plan, sheet)
    canvas.heading(sheet, Message(en="Service areas", zh="服务范围"))
    label = Message(en="within the norm on foot", zh="步行距离之内")
    canvas.area_row(sheet, label, fill=_SERVED, edge=_SERVED_EDGE)
    ground.symbols(plan, sheet, zones=False, new=True)
    return ground.finished(plan, sheet)


def zone_tints(shapes: Geometries) -> list[str]:
    """Return a tint per zone, different from its neighbours' where the tints suffice."""
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    chosen: list[int] = []
    for zone in range(len(shapes)):
        near = {chosen[other] for other in right[left == zone].tolist() if other < zone}
        free = [tint for tint in range(len(classes.ZONE_TINTS)) if tint not in near]
        chosen.append(free[0] if free else zone % len(classes.ZONE_TINTS))
    return [classes.ZONE_TINTS[tint] for tint in chosen]


def short_ids(ids: list[str]) -> list[str]:
    """
    Return ids for a label: what they have in common at the front is left out if they are long.

    Examples
    --------
    >>> short_ids(["Z01", "Z02"]), short_ids(["320583102001-1", "320583102001-2"])
    (['Z01', 'Z02'], ['1', '2'])
    """
    longest = 6
    if max(map(len, ids), default=0) <= longest or len(ids) == 1:
        return ids
    common = len(_common_prefix(ids))
    return [one[common:].lstrip("-_ ") or one for one in ids]


def _common_prefix(ids: list[str]) -> str:
    low, high = min(ids), max(ids)
    same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    # Digits are kept whole, so that 10 and 12 do not become 0 and 2.
    while same and low[same - 1].isdigit():
        same -= 1
    return low[:same]


def _main_zones(plan: Plan) -> gpd.GeoDataFrame | None:
    return cast("gpd.GeoDataFrame | None", main_zones(plan))
