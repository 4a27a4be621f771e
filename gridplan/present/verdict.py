"""A verification in words: what is wrong, what was measured, what was left out, the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from gridplan.errors import Language, Message, Note
from gridplan.terms import term
from gridplan.verify import Finding, Report

_MARKS = MappingProxyType({"hard": "✗", "soft": "!"})
_CHECKS = MappingProxyType(
    {
        "boundary": Message("the boundary", "边界"),
        "cell_shapes": Message("shapes of the cells", "网格图形"),
        "cell_sizes": Message("sizes and spikes of the cells", "网格面积与尖刺"),
        "cell_tiling": Message("gaps and overlaps of the cells", "网格空隙与重叠"),
        "cell_codes": Message("codes of the cells", "网格编码"),
        "buildings": Message("buildings cut by cells", "建筑被网格切割"),
        "community_shapes": Message("shapes of the communities", "社区图形"),
        "community_tiling": Message("gaps and overlaps of the communities", "社区空隙与重叠"),
        "cell_communities": Message("cells inside their communities", "网格不跨社区"),
        "zone_membership": Message("each cell in one zone", "每个网格归一个责任区"),
        "zone_connection": Message("zones in one piece", "责任区连片"),
        "drawn_zones": Message("zones drawn without cells", "单独绘制的责任区"),
        "zone_balance": Message("balance of zones drawn by hand", "手绘责任区的均衡"),
        "zone_systems": Message("zone systems", "网格体系"),
        "components": Message("components of the cells", "网格部件数"),
        "zone_layer": Message("figures of the zones", "责任区数值"),
        "residents": Message("residents", "居民总数"),
        "cell_residents": Message("residents of the cells", "网格人口"),
        "committee_walks": Message("walks to committees", "到居委会的步行距离"),
        "room_walks": Message("walks to rooms", "到活动室的步行距离"),
        "room_reasons": Message("reasons and decisions", "选点理由与决定"),
        "several": Message("conditions and several objectives", "约束与多目标"),
        "walk_figures": Message("figures of walks", "步行指标"),
        "rooms": Message("sites of the rooms", "活动室选点"),
        "siting_claims": Message("claims of the siting", "选址结论"),
        "summary_copy": Message("copy of the summary", "摘要副本"),
        "community_committees": Message("committees of the communities", "社区与居委会对应"),
        "lineage": Message("lineage of the cells", "网格沿革"),
        "frontier": Message("room sequences", "活动室数量序列"),
        "bounds_words": Message("borders in words", "四至"),
        "placement": Message("residents as given and as placed", "居民数据与落位"),
        "services": Message("service areas and shared capacity", "服务范围与容量"),
        "sensitivity": Message("ranges of residents and walks", "居民与步行的变动范围"),
        "community_change": Message("communities before and after", "各社区前后对照"),
        "room_space": Message("floor area of rooms", "活动室面积"),
        "measures": Message("the mix of measures", "措施组合"),
        "unify": Message("one boundary for departments", "统一部门边界"),
        "room_tables": Message("tables about rooms", "活动室各表"),
    }
)
"""Names of the checks, for what was left out."""

_UNEVEN = "zones_drawn_max_over_mean"


def verdict_lines(
    report: Report,
    lang: Language,
    *,
    notes: Sequence[Note] = (),
    mapped: bool = False,
    judged: bool = False,
) -> list[str]:
    """
    Return a verification as lines, the verdict last.

    Parameters
    ----------
    report : Report
    lang : {"zh", "en"}
    notes : sequence of Note
        What the reader did to the layers, first.
    mapped : bool
        Whether the places were written to a map: then findings without one are named.

    Returns
    -------
    list of str
        Notes, findings (hard ones first), proofs with their labels and units, checks that
        were left out with what to add, and one sentence of verdict.
    """
    return [
        *(f"- {note.message.in_language(lang)}" for note in notes),
        *(_line(one, lang) for one in report.findings),
        *_proof_lines(report, lang),
        *_balance_lines(report, lang, judged=judged),
        *_skipped_lines(report, lang),
        *(_placeless_lines(report.findings, lang) if mapped else ()),
        verdict(report).in_language(lang),
    ]


def verdict(report: Report) -> Message:
    """Return the verdict: how many findings of which kind, of how many checks."""
    hard = sum(one.severity == "hard" for one in report.findings)
    soft = len(report.findings) - hard
    made, left = len(report.checked), len(report.skipped)
    rest_en = f"{made} checks made, {left} skipped" + (
        f", {soft} {'remark' if soft == 1 else 'remarks'}" if soft else ""
    )
    rest_zh = f"完成 {made} 项核验，跳过 {left} 项" + (f"，另有 {soft} 条提示" if soft else "")
    if hard:
        noun = "finding" if hard == 1 else "findings"
        return Message(
            en=f"{hard} hard {noun}: do not use this plan as it is ({rest_en}).",
            zh=f"发现 {hard} 个硬性问题，现状不可使用（{rest_zh}）。",
        )
    return Message(
        en=f"Nothing hard found: {rest_en}.",
        zh=f"未发现硬性问题：{rest_zh}。",
    )


def _line(one: Finding, lang: Language) -> str:
    return f"{_MARKS[one.severity]} [{one.rule}] {one.message.in_language(lang)}"


def _proof_lines(report: Report, lang: Language) -> list[str]:
    unmeasured = "未核验" if lang == "zh" else "not verified"
    lines = []
    for key, value in report.proofs.items():
        word = term(key, "indicator")
        unit = f" {word.unit}" if word.unit == "m²" else ""
        figure = unmeasured if value is None else f"{value:.6g}{unit}"
        lines.append(f"{word.label(lang)}{'：' if lang == 'zh' else ': '}{figure}")
    return lines


def _balance_lines(report: Report, lang: Language, *, judged: bool) -> list[str]:
    """Return how evenly the zones that somebody drew share the residents."""
    lines = []
    for name, value in report.figures.items():
        figure, _, system = name.partition("/")
        if figure == _UNEVEN:
            zh = f"责任区 {system}：居民最多的为均值的 {value:.2f} 倍"
            en = f"zones {system}: the one with most residents has {value:.2f} times the mean"
            if not judged:
                zh += "（可加 --tolerance 0.2 按此容差核验）"
                en += " (--tolerance 0.2 would hold them to that)"
            lines.append(zh if lang == "zh" else en)
    return lines


def _skipped_lines(report: Report, lang: Language) -> list[str]:
    lines = []
    for name, lacking in report.skipped.items():
        what = _CHECKS[name].in_language(lang) if name in _CHECKS else name
        comma = "、" if lang == "zh" else ", "
        needs = comma.join(f"`{one.replace(' | ', '` / `')}`" for one in lacking)
        lines.append(
            f"- 未核验：{what}；如需核验请补充 {needs}"
            if lang == "zh"
            else f"- skipped: {what}; to have it verified, add {needs}"
        )
    return lines


def _placeless_lines(findings: Sequence[Finding], lang: Language) -> list[str]:
    without = sorted({one.rule for one in findings if one.where is None or one.where.is_empty})
    if not without:
        return []
    shown = ("、" if lang == "zh" else ", ").join(without)
    return [
        f"- 以下问题没有位置，未写入地图：{shown}"
        if lang == "zh"
        else f"- findings without a place, not on the map: {shown}"
    ]
