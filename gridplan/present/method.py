"""The method of a plan in plain paragraphs, and the headings of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.words import bound_label, least_of, number, weights_line, word

SECTIONS = {
    "map": Message(en="The map", zh="地图"),
    "walking": Message(en="How far residents walk", zh="居民步行距离"),
    "communities": Message(en="Communities", zh="社区"),
    "rooms": Message(en="Activity rooms", zh="居民活动室"),
    "cells": Message(en="Cells and responsibility zones", zh="单元网格与责任区"),
    "boundary": Message(en="One boundary for all departments", zh="边界统一"),
    "proofs": Message(en="Proofs and the ledger of residents", zh="核验与居民台账"),
    "notes": Message(en="What the data were like", zh="数据情况"),
    "appendix": Message(en="Appendix: norms, settings, method", zh="附录：标准、设置与方法"),
}
"""Headings of the report, by the ids of its sections."""

SHORT = {
    "map": Message(en="Map", zh="地图"),
    "walking": Message(en="Walking", zh="步行"),
    "communities": Message(en="Communities", zh="社区"),
    "rooms": Message(en="Rooms", zh="活动室"),
    "cells": Message(en="Cells and zones", zh="网格与责任区"),
    "boundary": Message(en="One boundary", zh="边界统一"),
    "proofs": Message(en="Proofs", zh="核验"),
    "notes": Message(en="Data", zh="数据"),
    "appendix": Message(en="Appendix", zh="附录"),
}
"""The same, as short as the bar at the top needs them."""

_CELLS = {
    "square": Message(
        en="Cells are squares of a lattice aligned to the coordinates, cut at the lines of the "
        "communities; a sliver joins a neighbour of the same community. They tile the "
        "sub-district without gap or overlap.",
        zh="单元网格为与坐标对齐的方格，在社区界线处切开；狭小碎片并入同一社区的相邻网格。"
        "网格不重不漏铺满辖区。",
    ),
    "given": Message(
        en="Cells and their codes are those of the office's existing grid. What is wrong with it "
        "(gaps, overlaps, cut buildings, codes) is listed and told in the proofs; it is mended "
        "only where the settings ask for it.",
        zh="单元网格及编码沿用主管部门的现有网格；其空隙、重叠、切割建筑与编码问题逐项列出并计入核验，"
        "只在设置要求时修补。",
    ),
}
_CELLS_OTHER = Message(
    en="Cells follow streets, water, walls and community lines and cut no building. They tile "
    "the sub-district without gap or overlap.",
    zh="单元网格沿道路、水系、围墙与社区界线划分，不切割建筑，不重不漏铺满辖区。",
)


def paragraphs(plan: Plan) -> list[Message]:
    """Return how the figures came about, step by step."""
    cells = plan.summary["cells"]["method"]
    found = [
        _CELLS.get(str(cells), _CELLS_OTHER),
        Message(
            en="Residents are placed in residential buildings so that the totals of the "
            "population table are kept exactly. Whoever could not be placed is counted, not lost.",
            zh="居民按人口表合计精确分配到居住建筑；无法落位的居民单独计数，不会丢失。",
        ),
        Message(
            en="A walk is measured along the walkable streets, from the building to the place, "
            "with both ends joined to the nearest walkable street, and in a walled estate through "
            "its gates. Only the leg from the building to the street is a straight line. Where "
            "there is no route the figure is missing and the reason is given.",
            zh="步行距离沿可步行道路计算，起讫两端接入最近的可步行道路，封闭小区经出入口进出，"
            "只有建筑到道路的一小段按直线计。没有路线时不给数值，并注明原因。",
        ),
        Message(
            en="Percentiles are weighted by residents with a route; shares within a norm are of "
            "all residents, so that whoever has no route counts as not reached.",
            zh="百分位按有路线的居民加权；达标比例以全部居民为分母，没有路线的居民计为未覆盖。",
        ),
    ]
    if plan.summary.get("zones"):
        found.append(
            Message(
                en="Zones are connected sets of whole cells, balanced on the workload of the "
                "settings; the largest deviation from the mean is printed.",
                zh="责任区由完整网格连片组成，按设置中的工作量均衡划分，并给出与平均值的最大偏差。",
            )
        )
    siting = plan.summary.get("siting")
    if siting:
        found.append(_siting(siting))
        weights = weights_line(siting)
        found += [weights] if weights else []
    found.append(
        Message(
            en="Areas and distances are grid values in the coordinate system named above; the "
            "proofs are computed by a separate program part that repairs nothing.",
            zh="面积与距离均为上述投影坐标系下的数值；核验由独立的程序部分完成，不做任何修补。",
        )
    )
    return found


def _siting(siting: Mapping[str, Any]) -> Message:
    rooms, named = number(siting["p"]), word("kind", str(siting["model"]))
    bound, least = bound_label(siting["model"]), least_of(siting["model"])
    return Message(
        en=f"{rooms} rooms are chosen among the candidate sites by the model "
        f"“{named.en}”; committees and existing rooms stay. The {bound.en} says what no choice "
        f"among these sites can beat; the gap is how far this one may be from it. "
        f"Only a gap of zero is called proven, and it speaks of the candidate sites given, "
        f"of {least.en}, and of nothing else.",
        zh=f"在候选场地中按“{named.zh}”模型选出 {rooms} 处活动室，居委会与现有活动室保留。"
        f"{bound.zh}是在这些场地中任何选法都无法突破的数值，差距表示本方案与{bound.zh}的距离；"
        f"只有差距为零才称为已证明，且仅就给定的候选场地与“{least.zh}”而言。",
    )
