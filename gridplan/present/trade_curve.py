"""The frontier of two objectives as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import canvas
from gridplan.present.canvas import ACCENT, INK, Ink
from gridplan.present.tables_several import measure, spans, trade_off_title
from gridplan.present.words import model_unit, number, same, source_line
from gridplan.rooms import MODELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE_IN = (9.6, 4.6)
_BOX = (0.11, 0.17, 0.85, 0.57)
_MARGIN = 0.08


def trade_off_figure(plan: Plan, found: pd.DataFrame, ink: Ink) -> Figure:
    """Draw the second objective against the first, proven plans filled, the plan itself marked."""
    figure = canvas.new_figure(*_SIZE_IN)
    canvas.write_frame(figure, ink, title=trade_off_title(plan), source=source_line(plan))
    axes = figure.add_axes(_BOX)
    axes.plot(found["first"], found["second"], color=ACCENT, linewidth=1.4, zorder=2)
    for proven, label in (
        (True, Message(en="proven", zh="已证明")),
        (False, Message(en="not proven", zh="未证明")),
    ):
        rows = found[(found["status"] == "proven") == proven]
        if len(rows):
            axes.plot(
                rows["first"],
                rows["second"],
                "o",
                markersize=6,
                color=ACCENT,
                markerfacecolor=ACCENT if proven else "white",
                label=ink.both(label),
                zorder=3,
            )
    new = plan.layers["rooms"]
    ours = " ".join(sorted(new.loc[new["kind"] != "existing", "site_id"].astype(str)))
    same_rooms = found[found["sites"].astype(str) == ours]
    if len(same_rooms):
        axes.plot(
            same_rooms["first"],
            same_rooms["second"],
            "o",
            markersize=12,
            color=INK,
            markerfacecolor="none",
            label=ink.both(Message(en="the plan", zh="本方案")),
            zorder=4,
        )
    for column, place in (("first", axes.set_xlim), ("second", axes.set_ylim)):
        room = _MARGIN * spans(found, column)
        place(float(found[column].min()) - room, float(found[column].max()) + room)
    axes.set_xlabel(ink.both(_axis(plan, found, "first")))
    axes.set_ylabel(ink.both(_axis(plan, found, "second")))
    axes.xaxis.set_major_formatter(lambda value, _: number(value))
    axes.yaxis.set_major_formatter(lambda value, _: number(value))
    axes.grid(color="#e7eaec", linewidth=0.7, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", frameon=False, fontsize=8)
    return figure


def _axis(plan: Plan, found: pd.DataFrame, which: str) -> Message:
    objective = str(found[f"{which}_objective"].iloc[0])
    weighted = bool(plan.summary["siting"].get("group_weights"))
    model = MODELS.get(objective)  # type: ignore[call-overload]
    unit = model_unit(model, weighted=weighted) or same("")
    name = measure(objective)
    return Message(en=f"{name.en} ({unit.en})", zh=f"{name.zh}（{unit.zh}）")
