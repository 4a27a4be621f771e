"""The map of conflicts: where departments differ, and the zones proposed for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import canvas, ground, labels
from gridplan.present.canvas import Ink
from gridplan.present.words import number
from gridplan.terms import term

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNIFIED = canvas.Stroke("#8a1c4a", 1.6, 7.5)
CONFLICT_COLOURS = {
    "dispute": "#d98930",
    "overlap": "#7a5fa8",
    "blank": "#5f8fa8",
    "unclaimed": "#555555",
}
"""Colour of the places where departments differ, by kind."""
_OPACITY = "99"
_HECTARE_M2 = 10_000.0


def conflicts_title(plan: Plan) -> Message:
    """Return the finding of the map of conflicts."""
    found = plan.summary["unify"]
    hectares = number(found["conflict_m2"] / _HECTARE_M2)
    return Message(
        en=f"{found['departments']} departments differ on {hectares} ha; "
        f"{found['zones']} zones for all are proposed",
        zh=f"{found['departments']} 个部门在 {hectares} 公顷土地上说法不一；"
        f"建议统一为 {found['zones']} 个责任区",
    )


def conflicts_figure(plan: Plan, ink: Ink) -> Figure:
    """Draw the places where departments differ, and the zones proposed for all."""
    places, zones = plan.layer("conflicts"), plan.layer("zones")
    zones = zones[zones["zone_system"] == "unified"]
    sheet = ground.map_of(plan, ink, conflicts_title(plan))
    ground.ground(plan, sheet, land=True)
    real = places[~places["sliver"].astype(bool)]
    shown = [
        (kind, f"{colour}{_OPACITY}", real[real["kind"] == kind])
        for kind, colour in CONFLICT_COLOURS.items()
    ]
    for _, fill, own in shown:
        if len(own):
            canvas.polygons(sheet.map, own.geometry, fill=fill, edge="white", width=0.3, order=4.5)
    canvas.lines(sheet.map, zones.geometry, _UNIFIED)
    ground.communities(plan, sheet)
    texts = zones["zone_id"].astype(str).tolist()
    labels.place_labels(
        sheet,
        [labels.Label(shape, ink.text(text), 6.5)
         for shape, text in zip(zones.geometry, texts, strict=True)],
    )  # fmt: skip
    canvas.heading(sheet, Message(en="Departments differ", zh="部门分区不一致"), "ha")
    for kind, fill, own in shown:
        if len(own):
            canvas.area_row(sheet, term(kind, "kind").message, fill=fill, edge="white")
            canvas.figure_row(
                sheet, Message(en="hectares", zh="公顷"), own["area_m2"].sum() / _HECTARE_M2
            )
    canvas.symbol_row(sheet, Message(en="proposed zones", zh="统一责任区"), len(zones), _UNIFIED)
    return ground.finished(plan, sheet)
