"""The coverage curve: the share of residents against walking metres, today and with the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate, canvas
from gridplan.present.canvas import ACCENT, MUTED, Ink
from gridplan.present.goals import nearest_goal, short_goal
from gridplan.present.words import (
    before_basis,
    number,
    percent,
    reason_label,
    source_line,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CURVE_SIZE_IN = (9.6, 5.4)
_CURVE_BOX = (0.075, 0.14, 0.89, 0.66)
_CURVE_BEYOND = 1.7


def coverage_title(plan: Plan) -> Message:
    """Return the finding of the coverage curve."""
    access, after = plan.summary["access"], aggregate.walks_after(plan)
    norm = aggregate.headline_norm(plan.summary)
    own = access["within"][norm]
    if not after:
        return Message(
            en=f"{percent(own, 'en')} of residents have their own committee within {norm} m",
            zh=f"{percent(own, 'zh')} 的居民步行 {norm} m 以内可到本社区居委会",
        )
    before, goal = access["before"]["within"][norm], short_goal(plan)
    return Message(
        en=f"Within {norm} m {goal.en}: {percent(before, 'en')} of residents today, "
        f"{percent(after['within'][norm], 'en')} with the plan",
        zh=f"步行 {norm} m 以内{goal.zh}的居民：现状 {percent(before, 'zh')}，"
        f"方案 {percent(after['within'][norm], 'zh')}",
    )


def coverage_figure(plan: Plan, ink: Ink) -> Figure:
    """Draw the share of residents against walking metres, today and with the plan."""
    figure = canvas.new_figure(*_CURVE_SIZE_IN)
    canvas.write_frame(figure, ink, title=coverage_title(plan), source=source_line(plan))
    axes = figure.add_axes(_CURVE_BOX)
    norms = aggregate.norms_m(plan)
    end = _CURVE_BEYOND * norms[-1]
    for norm in norms:
        axes.axvline(norm, color=canvas.RULE, linewidth=0.9, zorder=1)
        axes.text(norm, 1.015, f"{number(norm)} m", size=8, color=MUTED, ha="center", va="bottom")
    for column, label, style in _curves(plan):
        _curve(plan, axes, ink, column=column, label=label, style=style, end_m=end)
    axes.set(xlim=(0, end), ylim=(0, 1.004))
    axes.set_xlabel(ink.both(Message(en="walking distance (m)", zh="步行距离 (m)")))
    axes.set_ylabel(ink.both(Message(en="share of all residents", zh="占全部居民比例")))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f}%")
    axes.xaxis.set_major_formatter(lambda metre, _: number(metre))
    axes.grid(axis="y", color="#e7eaec", linewidth=0.7, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=True, framealpha=0.94, edgecolor="none", fontsize=8)
    return figure


def _curves(plan: Plan) -> list[tuple[str, Message, dict[str, Any]]]:
    demand = plan.layers["demand"]
    basis = before_basis(plan)
    found = [
        ("committee_m", Message(en="own committee, today", zh="本社区居委会（现状）"),
         {"color": "#7b858c", "linewidth": 1.4, "linestyle": (0, (4, 2))}),
        (aggregate.before_column(demand),
         Message(en=f"{basis.en}, today", zh=f"{basis.zh}（现状）"),
         {"color": "#1f6f8b", "linewidth": 1.8, "linestyle": "solid"}),
    ]  # fmt: skip
    after = aggregate.after_column(plan)
    if after:
        label = Message(
            en=f"{nearest_goal(plan).en}, with the plan", zh=f"{nearest_goal(plan).zh}（方案）"
        )
        found.append((after, label, {"color": ACCENT, "linewidth": 2.6, "linestyle": "solid"}))
    return found


def _curve(
    plan: Plan,
    axes: Axes,
    ink: Ink,
    *,
    column: str,
    label: Message,
    style: dict[str, Any],
    end_m: float,
) -> None:
    demand = plan.layers["demand"]
    people = aggregate.people(demand)
    far, share = aggregate.coverage(aggregate.metres(demand[column]), people)
    spread = aggregate.spread(aggregate.metres(demand[column]), people)
    x = np.concatenate([[0.0], far, [max(end_m, far[-1] if len(far) else 0.0)]])
    y = np.concatenate([[0.0], share, share[-1:] if len(share) else [0.0]])
    missing = aggregate.missing(demand, column)
    text = (
        f"{ink.both(label)}\n    P50 {number(spread.median_m)} m · P90 {number(spread.p90_m)} m · "
        f"max {number(spread.max_m)} m"
        + "".join(
            f" · {ink.first(reason_label(code))} {number(count)}" for code, count in missing.items()
        )
    )
    axes.step(x, y, where="post", label=text, zorder=3, **style)
    for quantile in (spread.median_m, spread.p90_m):
        if quantile is not None and quantile <= end_m:
            reached = float(share[np.searchsorted(far, quantile, side="right") - 1])
            axes.plot(quantile, reached, "o", markersize=4.5, color=style["color"], zorder=4)
