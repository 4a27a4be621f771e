"""Key figures and facts of a plan: label, value, and what they rest on, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridplan.errors import Message, counted
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.gaps import gap_percent
from gridplan.present.goals import goal
from gridplan.present.tables_several import stage_facts
from gridplan.present.words import (
    bound_label,
    committees_line,
    counts_line,
    missing_line,
    model_unit,
    number,
    percent,
    same,
    space_line,
    weights_line,
    word,
)
from gridplan.rooms import GIVEN_ANEW
from gridplan.terms import known, term

TILING_SHARE = 1e-9
"""A tiling error below this share of the area is rounding of the last digit."""

_LEAST_TOLD_M2 = 0.001
_HECTARE_M2 = 10_000.0
_SAME_CHANGES = 1e-4
"""A bound that is nearer than this share shows that no fewer can change hands."""
_PROOFS = ("tiling_error_m2", "buildings_cut", "communities_crossed", "zones_disconnected")
_COMPONENTS = {
    "components_counted": 0,
    "components_in_no_cell": 0,
    "components_mean": 1,
    "components_cv": 2,
}
"""Figures of municipal components, where a place has any, with their decimals."""

Fact = tuple[Message, Message]


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure: what it is, its value, what it was, and what it rests on or leaves out."""

    label: Message
    value: Message
    was: Message | None = None
    notes: tuple[Message, ...] = ()
    good: bool = True


def key_figures(plan: Plan) -> list[Figure]:
    """Return the figures of the first screen."""
    summary = plan.summary
    communities = int(summary["place"]["communities"])
    inside = int(aggregate.committees_inside(plan).sum())
    found = [
        Figure(
            term("residents", "indicator").message,
            same(number(summary["residents"])),
            notes=(
                Message(
                    en=counted(communities, "community", "communities"),
                    zh=f"{communities} 个社区",
                ),
                committees_line(inside, len(plan.layers["committees"]) - inside),
            ),
        ),
        Figure(
            term("cells", "indicator").message,
            same(number(summary["cells"]["count"])),
            notes=(
                Message(
                    en=f"median {number(summary['cells']['area_median_m2'])} m²",
                    zh=f"面积中位数 {number(summary['cells']['area_median_m2'])} m²",
                ),
            ),
        ),
    ]
    return [*found, *_walk_keys(plan), _own_key(plan), _proof_key(plan)]


def _walk_keys(plan: Plan) -> list[Figure]:
    access, after = plan.summary["access"], aggregate.walks_after(plan)
    before = access.get("before") or access.get("nearest") or access
    norm = aggregate.headline_norm(plan.summary)
    now = after or before
    states = (Message(en="today → with the plan", zh="现状 → 方案"),) if after else ()
    columns = aggregate.walk_columns(plan)
    missing = aggregate.missing(plan.layers["demand"], columns.get("after", columns["before"]))
    without = (missing_line(missing),) if missing else ()
    return [
        Figure(
            Message(en=f"within {norm} m on foot", zh=f"步行 {norm} 米以内"),
            _percent(now["within"][norm]),
            was=_percent(before["within"][norm]) if after else None,
            notes=states,
        ),
        Figure(
            Message(en=f"mean walk to {goal(plan).en}", zh=f"到{goal(plan).zh}平均步行"),
            _metres(now["mean_m"]),
            was=_metres(before["mean_m"]) if after else None,
            notes=(*states, *without),
        ),
    ]


def _own_key(plan: Plan) -> Figure:
    access = plan.summary["access"]
    missing = aggregate.missing(plan.layers["demand"], "committee_m")
    beyond = Message(
        en=f"one in ten walks beyond {number(access['p90_m'])} m",
        zh=f"一成居民超过 {number(access['p90_m'])} 米",
    )
    return Figure(
        Message(en="mean walk to own committee", zh="到本社区居委会平均步行"),
        _metres(access["mean_m"]),
        notes=(beyond, *([missing_line(missing)] if missing else [])),
    )


def _proof_key(plan: Plan) -> Figure:
    checks = proofs(plan)
    kept = sum(check["ok"] for check in checks)
    return Figure(
        Message(en="proofs that hold", zh="通过的核验"),
        same(f"{kept} / {len(checks)}"),
        notes=(Message(en="checked independently", zh="独立程序核验"),),
        good=kept == len(checks),
    )


def proofs(plan: Plan) -> list[dict[str, Any]]:
    """Return the proofs with their raw figures; only zero, or rounding, is a pass."""
    given = plan.summary["proofs"]
    area = float(plan.summary["place"]["area_m2"])
    found = []
    for key in _PROOFS:
        value = float(given[key])
        limit = TILING_SHARE * area if key == "tiling_error_m2" else 0.0
        text = _square_metres(value) if key == "tiling_error_m2" else number(value)
        found.append({"term": term(key, "indicator"), "value": text, "ok": value <= limit})
    return found


def _square_metres(value: float) -> str:
    """Return an area that is nearly nothing so that it reads well: rounding has many zeros."""
    if 0.0 < value < _LEAST_TOLD_M2:
        return f"< {_LEAST_TOLD_M2:g} m²"
    return f"{value:.6g} m²"


def siting_facts(plan: Plan) -> list[Fact]:
    """Return the siting as rows of label and value."""
    siting = plan.summary.get("siting")
    if not siting:
        return []
    model = str(siting["model"])
    unit = model_unit(model, weighted=bool(siting.get("group_weights"))) or same("")
    assumed = number(siting.get("assumed_candidates"))
    candidates = number(siting.get("candidates"))
    out = len(siting.get("forbidden") or [])
    barred = (
        Message(en=f", {out} ruled out by decisions", zh=f"，{out} 处被决定排除")
        if out
        else same("")
    )
    rows = [
        (Message(en="model", zh="模型"), word("kind", model)),
        (term("p", "indicator").message, same(number(siting["p"]))),
        (term("fixed", "indicator").message, same(number(siting.get("fixed")))),
        (
            term("candidates", "indicator").message,
            Message(
                en=f"{candidates}, of which {assumed} assumed" + barred.en,
                zh=f"{candidates} 处，其中推定 {assumed} 处" + barred.zh,
            ),
        ),
    ]
    if siting.get("budget") is not None and siting.get("answer", "C") == "C":
        money = number(siting["budget"])
        rows.append(
            (Message(en="budget", zh="预算"), Message(en=f"{money} yuan", zh=f"{money} 元"))
        )
    for key in ("objective", "lower_bound"):
        figure = number(siting.get(key))
        value = Message(en=f"{figure} {unit.en}".strip(), zh=f"{figure} {unit.zh}".strip())
        label = bound_label(model) if key == "lower_bound" else term(key, "indicator").message
        rows.append((label, value))
    gap = siting.get("gap")
    shown = Message(en=gap_percent(gap, "en", 3), zh=gap_percent(gap, "zh", 3))
    rows.append((term("gap", "indicator").message, shown))
    rows += stage_facts(siting)
    counts = counts_line(plan)
    if counts:
        rows.append((Message(en="rooms by community", zh="各社区活动室"), counts))
    return rows


def siting_notes(plan: Plan) -> list[Message]:
    """Return what is told of floor area and of weights, in sentences."""
    siting = plan.summary.get("siting") or {}
    said = [space_line(siting), weights_line(siting)]
    reasons = plan.layers.get("room_reasons", pd.DataFrame())
    # Plans of an earlier version tell nothing of closing and moving here.
    if "closing_status" in reasons and reasons["closing_status"].notna().any():
        said.append(GIVEN_ANEW)
    return [one for one in said if one]


def cell_facts(plan: Plan) -> list[Fact]:
    """Return the cells and zones as rows of label and value."""
    cells = plan.summary["cells"]
    rows = [
        (Message(en="method", zh="方法"), word("kind", str(cells["method"]))),
        (term("cells", "indicator").message, same(number(cells["count"]))),
    ]
    rows += [
        (term(key, "indicator").message, same(f"{number(cells[key])} m²"))
        for key in ("area_p5_m2", "area_median_m2", "area_p95_m2")
    ]
    for kind, count in sorted(cells["exceptions"].items()):
        found = word("exception", kind)
        label = Message(en=f"exception: {found.en}", zh=f"例外：{found.zh}")
        rows.append((label, same(number(count))))
    rows += [
        (term(key, "indicator").message, same(number(cells[key], digits)))
        for key, digits in _COMPONENTS.items()
        if cells.get(key) is not None
    ]
    official = plan.summary["place"]["codes_official"]
    value = (
        Message(en="official", zh="官方编码")
        if official
        else Message(en="place-holder digits, not official", zh="占位编码，非官方")
    )
    rows.append((Message(en="codes", zh="编码"), value))
    profile, form = cells.get("code_profile"), cells.get("code_form")
    if profile:  # a plan of an earlier version may not say
        told = f"{profile} ({form})" if form else str(profile)
        rows.append((Message(en="rule of the codes", zh="编码规则"), same(told)))
    return rows


def zones_across_line(plan: Plan) -> Message | None:
    """Return how many zones cross community lines, in words; None where there are no zones."""
    zones = (plan.summary.get("zones") or {}).get("systems")
    if not zones:
        return None
    count = int(next(iter(zones.values()))["count"])
    across = aggregate.zones_across(plan)
    if not across:
        return Message(en="No zone crosses a community line.", zh="各责任区均未跨越社区界线。")
    return Message(
        en=f"{across} of {counted(count, 'zone', 'zones')} hold cells of more than one community: "
        f"there, zone and committee are not the same residents.",
        zh=f"{count} 个责任区中有 {across} 个跨越社区界线：其居民分属不同社区的居委会。",
    )


def network_facts(plan: Plan) -> list[Fact]:
    """Return the walking network as rows of label and value."""
    network: Mapping[str, Any] = plan.summary.get("network") or {}
    rows = []
    for key, value in network.items():
        if not known(key, "indicator"):
            continue
        found = term(key, "indicator")
        if found.unit == "share":
            rows.append((found.message, _percent(value)))
        else:
            rows.append((found.message, same(number(value) + (" m" if found.unit == "m" else ""))))
    return rows


def _percent(share: float | None) -> Message:
    return Message(en=percent(share, "en"), zh=percent(share, "zh"))


def _metres(value: float | None) -> Message:
    return Message(en=f"{number(value)} m", zh=f"{number(value)} 米")


def unify_line(plan: Plan) -> Message | None:
    """Return how far departments are apart and what the proposal moves, in a sentence."""
    found = plan.summary.get("unify")
    if not found:
        return None
    en, zh = ("m²", "m²") if found["by"] == "area" else ("residents", "名居民")
    moved = number(found["changes"])
    least = found["changes"] - found["changes_bound"] <= _SAME_CHANGES * found["changes"] + 1.0
    return Message(
        en=f"The zonings of {found['departments']} departments differ by "
        f"{percent(found['mean_disagreement_share'], 'en')} (0: the same borders). They agree on "
        f"{number(found['agreed_m2'] / _HECTARE_M2)} ha and differ on "
        f"{number(found['conflict_m2'] / _HECTARE_M2)} ha, slivers of drawing apart "
        f"({number(found['sliver_m2'] / _HECTARE_M2, 1)} ha). With {found['zones']} zones for all, "
        f"{moved} {en} change hands, over all departments"
        + (", the fewest for these successors." if least else "."),
        zh=f"{found['departments']} 个部门的分区差异为 "
        f"{percent(found['mean_disagreement_share'], 'zh')}（0 为边界完全相同）。一致 "
        f"{number(found['agreed_m2'] / _HECTARE_M2)} 公顷，不一致 "
        f"{number(found['conflict_m2'] / _HECTARE_M2)} 公顷，另有绘图细缝 "
        f"{number(found['sliver_m2'] / _HECTARE_M2, 1)} 公顷。统一为 {found['zones']} 个责任区后，"
        f"各部门合计移交 {moved} {zh}" + ("，在此承接关系下为最少。" if least else "。"),
    )
