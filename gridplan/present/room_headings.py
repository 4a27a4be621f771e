"""Headings of the tables of rooms that no term has."""

from __future__ import annotations

from gridplan.errors import Message


def room_headings(norm: str, *, weighted: bool = False) -> dict[str, Message]:
    """Return the headings of these tables that no term has; `weighted`: groups have weights."""
    unit = Message(en="weighted resident-km", zh="加权人·公里")
    unit = unit if weighted else Message(en="resident-km", zh="人·公里")
    return {
        "option": Message(en="answer", zh="答案"),
        "within_share": Message(en=f"within {norm} m", zh=f"≤ {norm} m"),
        "proof": Message(en="what is proven", zh="证明情况"),
        "gap_share": Message(en="gap", zh="差距"),
        "bound_km": Message(en=f"lower bound ({unit.en})", zh=f"下界（{unit.zh}）"),
        "walk_km": Message(en=f"total walk ({unit.en})", zh=f"步行总和（{unit.zh}）"),
        "own_value": Message(en="own objective", zh="自身目标值"),
        "own_bound": Message(en="its bound", zh="其界"),
        "own_unit": Message(en="unit", zh="单位"),
        "saved_km": Message(en="walk saved (resident-km)", zh="节省步行（人·公里）"),
        "closing_km": Message(en="without it: walk more (resident-km)",
                              zh="不设：多走（人·公里）"),
        "closing_least_km": Message(en=f"without it: at least ({unit.en})",
                                    zh=f"不设：至少（{unit.zh}）"),
        "closing_within": Message(en=f"without it: fewer within {norm} m",
                                  zh=f"不设：≤ {norm} m 减少（人）"),
        "next_km": Message(en="moved there: walk more (resident-km)",
                           zh="改设：多走（人·公里）"),
        "next_least_km": Message(en=f"moved: at least ({unit.en})", zh=f"改设：至少（{unit.zh}）"),
        "next_within": Message(en=f"moved there: fewer within {norm} m",
                               zh=f"改设：≤ {norm} m 减少（人）"),
        "closing_objective": Message(en="without it: objective worse by",
                                     zh="不设：目标值变差"),
        "next_objective": Message(en="moved there: objective worse by", zh="改设：目标值变差"),
        "open_without": Message(en="open without it", zh="无此决定时是否开设"),
        "price_objective": Message(en="price: objective worse by", zh="代价：目标值变差"),
        "price_km": Message(en="price: walk more (resident-km)", zh="代价：多走（人·公里）"),
        "price_residents": Message(en=f"price: fewer within {norm} m",
                                   zh=f"代价：≤ {norm} m 减少（人）"),
        "beyond": Message(en=f"left: beyond {norm} m", zh=f"未覆盖：> {norm} m（人）"),
        "no_site": Message(en="of them, no site allowed can help",
                           zh="其中无可用场地可及（人）"),
        "within": Message(en=f"of them within {norm} m", zh=f"其中 ≤ {norm} m（人）"),
        "unreachable": Message(en="left: no way there", zh="未覆盖：无路可达（人）"),
        "staff_gap": Message(en="gap", zh="缺口"),
        "least_m": Message(en="nearest place or site (m)", zh="最近场所或场地 (m)"),
        "room": Message(en="room", zh="活动室"),
        "open_place": Message(en="place", zh="场所"),
        "next_site": Message(en="next-best site", zh="次优场地"),
        "mark": Message(en="remark", zh="备注"),
    }  # fmt: skip
