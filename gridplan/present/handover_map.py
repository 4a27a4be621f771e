"""The map that a department signs: its zones before, the zones for all, what changes hands."""

from __future__ import annotations

import geopandas as gpd

from gridplan.errors import Message, counted
from gridplan.plan import Plan
from gridplan.present import canvas, ground, labels
from gridplan.present.canvas import Ink

_NEW_LINE = canvas.Stroke("#8a1c4a", 1.8, 7.5)
_OLD_LINE = canvas.Stroke("#2f5d8a", 1.3, 7.2, (0, (4, 2)))
_HANDED, _EDGE = "#d9893088", "#8a5a1c"
_HECTARE_M2 = 10_000.0


def picture(plan: Plan, parcels: gpd.GeoDataFrame, department: str, ink: Ink) -> bytes:
    """Return the map of one department as PNG; the numbers are those of its parcels."""
    own = parcels[parcels["department"] == department]
    zones = plan.layer("zones")
    zones = zones[zones["zone_system"] == "unified"]
    before = plan.place.zonings
    before = before[before["department"].astype(str) == department]
    title = Message(
        en=f"{department}: {counted(len(own), 'place changes', 'places change')} hands",
        zh=f"{department}：移交 {len(own)} 处",
    )
    sheet = ground.map_of(plan, ink, title)
    ground.ground(plan, sheet, land=True)
    if len(own):
        canvas.polygons(sheet.map, own.geometry, fill=_HANDED, edge=_EDGE, width=0.5, order=4.5)
    canvas.lines(sheet.map, before.geometry.clip(plan.place.outline), _OLD_LINE)
    canvas.lines(sheet.map, zones.geometry, _NEW_LINE)
    texts = [
        labels.Label(shape, ink.text(str(zone)), 9.0, _NEW_LINE.colour)
        for shape, zone in zip(zones.geometry, zones["zone_id"], strict=True)
    ]
    texts += [
        labels.Label(shape, str(at), 6.5)
        for shape, at in zip(own.geometry, own["number"], strict=True)
    ]
    labels.place_labels(sheet, texts)
    canvas.heading(sheet, Message(en="What is signed", zh="确认内容"))
    canvas.symbol_row(sheet, Message(en="zones for all", zh="统一责任区"), len(zones), _NEW_LINE)
    canvas.symbol_row(
        sheet, Message(en="zones until now", zh="原有分区"), before["zone_id"].nunique(), _OLD_LINE
    )
    canvas.area_row(sheet, Message(en="changes hands", zh="移交范围"), fill=_HANDED, edge=_EDGE)
    canvas.figure_row(sheet, Message(en="hectares", zh="公顷"), own["area_m2"].sum() / _HECTARE_M2)
    return canvas.png(ground.finished(plan, sheet))
