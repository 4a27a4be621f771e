"""The curve of rooms: what each further room brings, chosen anew or added to what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate, canvas
from gridplan.present.canvas import ACCENT, MUTED, Ink
from gridplan.present.curve_question import PLAN, curve_omits, number_asked, plan_point, plan_row
from gridplan.present.words import number, percent, source_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE_IN = (9.6, 5.0)
_BOXES = ((0.08, 0.18, 0.40, 0.56), (0.575, 0.18, 0.40, 0.56))
_POINT: dict[str, Any] = {
    "marker": "D", "markersize": 7, "color": "#2b2b2b", "linestyle": "none", "zorder": 6,
}  # fmt: skip
_TEXT_PT, _MARK_PT = 10.5, 10.0
"""Two panels share the width, and a page may show it at two thirds."""
_LEFT_SHARE = 0.25
_STYLES: dict[str, tuple[Message, dict[str, Any]]] = {
    "free": (
        Message(en="chosen anew for each number", zh="各数量分别选址"),
        {"color": ACCENT, "linewidth": 2.2, "linestyle": "solid"},
    ),
    "nested": (
        Message(en="only ever added to", zh="只增不减"),
        {"color": "#1f6f8b", "linewidth": 1.6, "linestyle": (0, (4, 2))},
    ),
}


def curve_rows(plan: Plan) -> pd.DataFrame | None:
    """Return the rows of the curve that have figures; None where there is no curve to draw."""
    curve = plan.layers.get("frontier")
    if curve is None or "sequence" not in curve or not plan.summary.get("siting"):
        return None
    known = pd.DataFrame(curve[curve["objective"].notna()])
    return known if len(known["p"].unique()) > 1 else None


def curve_title(plan: Plan) -> Message:
    """Return the finding of the curve."""
    curve = curve_rows(plan)
    if curve is None:
        return Message(en="Walks by number of rooms", zh="活动室数量与步行距离")
    free = curve[curve["sequence"] == "free"].sort_values("p")
    first, last = free.iloc[0], free.iloc[-1]
    return Message(
        en=f"From {number(first['p'])} to {number(last['p'])} new rooms the mean walk falls from "
        f"{number(first['mean_m'])} to {number(last['mean_m'])} m",
        zh=f"新增活动室由 {number(first['p'])} 处增至 {number(last['p'])} 处，平均步行由 "
        f"{number(first['mean_m'])} m 降至 {number(last['mean_m'])} m",
    )


def curve_figure(plan: Plan, curve: pd.DataFrame, ink: Ink) -> Figure:
    """Draw mean walk and share within the norm against the number of new rooms."""
    figure = canvas.new_figure(*_SIZE_IN)
    canvas.write_frame(figure, ink, title=curve_title(plan), source=source_line(plan))
    point = plan_point(plan, curve)
    if point is not None:
        _say_what_is_left_out(plan, figure, ink)
    norm = number(plan.summary["siting"].get("norm_m"))
    for box, column, label in (
        (_BOXES[0], "mean_m", Message(en="mean walk (m)", zh="平均步行 (m)")),
        (
            _BOXES[1],
            "within_share",
            Message(en=f"residents within {norm} m", zh=f"≤ {norm} m 的居民比例"),
        ),
    ):
        axes = figure.add_axes(box)
        _draw(plan, axes, ink, curve, column)
        if point is not None and not pd.isna(point[column]):
            axes.plot(point["rooms_new"], point[column], label=ink.both(PLAN), **_POINT)
        axes.set_title(ink.both(label), fontsize=_TEXT_PT, loc="left", color=MUTED, pad=8)
        axes.set_xlabel(ink.both(Message(en="new rooms", zh="新增活动室（处）")), fontsize=_TEXT_PT)
        axes.tick_params(labelsize=_MARK_PT)
    figure.axes[0].yaxis.set_major_formatter(lambda metre, _: number(metre))
    figure.axes[1].yaxis.set_major_formatter(lambda share, _: percent(share, "zh", 0))
    figure.axes[0].legend(loc="upper right", frameon=False, fontsize=_MARK_PT)
    return figure


def _say_what_is_left_out(plan: Plan, figure: Figure, ink: Ink) -> None:
    """Write under the title why the plan is not on the curve, in both languages."""
    said, (left, top) = curve_omits(plan), _OMITS_AT
    canvas.fitted(figure, left, top, ink.first(said), size=8, colour=MUTED)
    canvas.fitted(figure, left, top - _LINE, ink.second(said), size=8, colour=MUTED)


_OMITS_AT, _LINE = (0.3 / _SIZE_IN[0], 0.857), 0.029
_ASKED = Message(en="asked for", zh="设定")


def _draw(plan: Plan, axes: Axes, ink: Ink, curve: pd.DataFrame, column: str) -> None:
    for sequence, (label, style) in _STYLES.items():
        rows = curve[curve["sequence"] == sequence].sort_values("p")
        axes.plot(rows["p"], rows[column], label=ink.both(label), zorder=3, **style)
        unproven = rows[(rows["status"] != "proven") & (sequence == "free")]
        if len(unproven):
            axes.plot(
                unproven["p"],
                unproven[column],
                "o",
                markersize=4,
                markerfacecolor="white",
                color=style["color"],
                zorder=4,
                label=ink.both(Message(en="not proven", zh="未证明")),
            )
    free = curve[curve["sequence"] == "free"]
    marks: dict[int, list[Message]] = {}
    if plan_row(plan, free) is not None:
        marks.setdefault(aggregate.new_rooms(plan), []).append(
            _ASKED if number_asked(plan) else PLAN
        )
    for p in free.loc[free["knee"], "p"]:
        marks.setdefault(int(p), []).append(Message(en="knee", zh="拐点"))
    falls = column == "mean_m"
    end = float(curve["p"].max())
    for place, (p, said) in enumerate(sorted(marks.items())):
        axes.axvline(p, color=canvas.RULE, linewidth=0.9, zorder=1)
        text = f"{' · '.join(ink.both(one) for one in said)} {p}"
        left = p > _LEFT_SHARE * end
        # Where the curve is not: below it as it falls, above it as it rises.
        height = 0.05 + 0.085 * place if falls else 0.95 - 0.085 * place
        axes.annotate(
            text,
            (p, height),
            xycoords=("data", "axes fraction"),
            xytext=(-3 if left else 3, 0),
            textcoords="offset points",
            fontsize=_MARK_PT,
            color=MUTED,
            ha="right" if left else "left",
            va="center",
            # The line of another mark does not cross it.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
            zorder=2,
        )
        value = free.loc[free["p"] == p, column]
        axes.plot([p], value, "o", markersize=5, color=ACCENT, zorder=5)
    axes.grid(axis="y", color="#e7eaec", linewidth=0.7, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(left=0)
    axes.margins(y=0.08)
