"""What every map of a plan has: the ground, community lines, places, and the legend's symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate, canvas, labels
from gridplan.present.canvas import ACCENT, INK, MUTED, Ink, Sheet
from gridplan.present.words import number, source_line
from gridplan.present.zone_weights import system_name
from gridplan.terms import term

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PEOPLE_PER_DOT, _LEAST_DOT = 12.0, 3.0
_MATCHED_SHARE = 0.9
_COMMITTEE = canvas.Symbol("s", 5.5, INK, "white")
_EXISTING = canvas.Symbol("o", 5.5, "white", INK)
_PROPOSED = canvas.Symbol("*", 12.0, ACCENT, "white")
_MARKER_PX = 9.0
_BUILDING_EDGE = "#00000059"
_OUTLINE = canvas.Stroke(INK, 1.6, 8)
_COMMUNITY_CASING = canvas.Stroke("white", 2.6, 6.9)
_COMMUNITY = canvas.Stroke(INK, 1.3, 7, (0, (6, 2, 1, 2)))
ZONE = canvas.Stroke("#3f4a52", 0.9, 6)


def map_of(plan: Plan, ink: Ink, title: Message) -> Sheet:
    """Return an empty sheet for the map of a plan."""
    bounds = tuple(float(one) for one in plan.layer("cells").total_bounds)
    return canvas.map_sheet(ink, bounds, title=title, source=source_line(plan))  # type: ignore[arg-type]


def ground(plan: Plan, sheet: Sheet, *, land: bool) -> None:
    """Draw water, streets and the boundary; with `land` also its ground and buildings."""
    place = plan.place
    if land:
        canvas.polygons(sheet.map, place.boundary.geometry, fill=canvas.LAND, order=1)
    canvas.polygons(
        sheet.map,
        place.water.geometry,
        fill=canvas.WATER,
        edge=canvas.WATER_EDGE,
        width=0.3,
        order=3,
    )
    if land:
        canvas.polygons(sheet.map, place.buildings.geometry, fill="#dfe1e0", order=3.5)
    colour = "#d3d6d8" if land else canvas.STREET
    streets = plan.layer("streets") if "streets" in plan.layers else place.streets
    canvas.lines(sheet.map, streets.geometry, canvas.Stroke(colour, 0.55, 4))
    canvas.lines(sheet.map, place.boundary.geometry, _OUTLINE)


def community_lines(plan: Plan, sheet: Sheet) -> None:
    """Draw the lines between communities."""
    shapes = canvas.borders(plan.layer("communities").geometry)
    canvas.lines(sheet.map, shapes, _COMMUNITY_CASING)
    canvas.lines(sheet.map, shapes, _COMMUNITY)


def communities(plan: Plan, sheet: Sheet) -> None:
    """Draw the lines between communities, and their names."""
    community_lines(plan, sheet)
    communities = plan.layer("communities")
    labels.place_labels(
        sheet,
        [
            labels.Label(shape, sheet.ink.text(str(name)), 8.0)
            for shape, name in zip(communities.geometry, communities["name"], strict=True)
        ],
    )


def places(plan: Plan, sheet: Sheet, *, new: bool) -> None:
    """Draw the places one walks to, and keep labels off them."""
    committees = plan.layer("committees").geometry
    labels.reserve_points(sheet, list(committees), _MARKER_PX)
    if "rooms" in plan.layers:
        rooms = plan.layer("rooms")
        kept = rooms[(rooms["kind"] == "existing") & (rooms["ownership"] != "committee")].geometry
        _EXISTING.draw(sheet.map, kept.x, kept.y)
        labels.reserve_points(sheet, list(kept), _MARKER_PX)
        if new:
            added = rooms[rooms["kind"].isin(aggregate.NEW_KINDS)].geometry
            _PROPOSED.draw(sheet.map, added.x, added.y, order=12)
            labels.reserve_points(sheet, list(added), _MARKER_PX)
    _COMMITTEE.draw(sheet.map, committees.x, committees.y, order=11)


def homes(
    plan: Plan, sheet: Sheet, demand: gpd.GeoDataFrame, colours: npt.NDArray[np.object_]
) -> None:
    """Draw the homes in the colours given: buildings, or dots where they have none."""
    buildings = plan.place.buildings.set_index("building_id").geometry
    shapes = buildings.reindex(demand["demand_id"])
    drawn = shapes.notna().to_numpy()
    if drawn.mean() >= _MATCHED_SHARE:
        fill = colours[drawn].tolist()
        canvas.polygons(
            sheet.map, shapes[drawn], fill=fill, edge=_BUILDING_EDGE, width=0.2, order=5
        )
        return
    size = np.maximum(aggregate.people(demand) / _PEOPLE_PER_DOT, _LEAST_DOT)
    sheet.map.scatter(
        demand.geometry.x,
        demand.geometry.y,
        s=size,
        c=colours.tolist(),
        edgecolors=_BUILDING_EDGE,
        linewidths=0.3,
        zorder=5,
    )


def symbols(plan: Plan, sheet: Sheet, *, zones: bool, new: bool) -> None:
    """List the symbols of the map."""
    rooms = plan.layers.get("rooms")
    inside = int(aggregate.committees_inside(plan).sum())
    canvas.symbol_row(sheet, term("committee", "kind").message, inside, _COMMITTEE)
    outside = len(plan.layers["committees"]) - inside
    if outside:
        label = Message(en="committees outside", zh="边界外居委会")
        canvas.symbol_row(sheet, label, outside, _COMMITTEE)
    if rooms is not None:
        kept = int(((rooms["kind"] == "existing") & (rooms["ownership"] != "committee")).sum())
        if kept:
            canvas.symbol_row(sheet, Message(en="existing room", zh="现有活动室"), kept, _EXISTING)
        if new:
            label = Message(en="new room", zh="新增活动室")
            canvas.symbol_row(sheet, label, aggregate.new_rooms(plan), _PROPOSED)
    canvas.symbol_row(sheet, term("boundary", "layer").message, None, _OUTLINE)
    canvas.symbol_row(sheet, Message(en="community line", zh="社区界线"), None, _COMMUNITY)
    if zones:
        canvas.symbol_row(sheet, system_name(plan.layer("zones")), None, ZONE)
    if len(plan.place.water):
        canvas.area_row(
            sheet, term("water", "layer").message, fill=canvas.WATER, edge=canvas.WATER_EDGE
        )


def finished(plan: Plan, sheet: Sheet) -> Figure:
    """Return the figure with its scale; residents without a place are told."""
    unplaced = int(plan.summary.get("residents_unplaced") or 0)
    if unplaced:
        note = Message(
            en=f"{number(unplaced)} residents not placed", zh=f"{number(unplaced)} 名居民未落位"
        )
        sheet.legend.text(0, 0.62, sheet.ink.both(note), size=6.5, color=MUTED)
    canvas.scale_and_north(sheet)
    return sheet.figure
