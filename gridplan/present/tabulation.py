"""The tables of a plan, their titles and headings; they add up, and every resident is in them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import (
    aggregate,
    tables_bounds,
    tables_cells,
    tables_measures,
    tables_rooms,
    tables_several,
    tables_unify,
    tables_zones,
)
from gridplan.present.room_headings import room_headings
from gridplan.present.tables_access import (
    capacity_rows,
    equity_table,
    farthest_table,
    kinds_table,
    minutes_table,
    pieces_table,
    placement_rows,
    sensitivity_rows,
)
from gridplan.present.tables_bounds import bounds_table, cell_bounds_table
from gridplan.present.tables_places import (
    cells_table,
    committees_table,
    rooms_table,
    zones_table,
)
from gridplan.present.tables_sums import reconcile_table, summary_table
from gridplan.present.tables_walks import (
    change_table,
    communities_table,
    groups_table,
    ledger_table,
    walls_table,
)
from gridplan.present.words import number, reason_label, word
from gridplan.terms import Family, known, term

TOTALLED = tables_rooms.TOTALLED | frozenset(
    {
        "communities", "change", "groups", "rooms", "zones", "cells", "committees", "ledger",
        "pieces", "sensitivity", "capacity", "walls",
    }
)  # fmt: skip
"""Tables whose last row is a total."""

TITLES = {
    "summary": Message(en="Summary", zh="概要"),
    "communities": Message(en="Communities", zh="社区"),
    "change": Message(en="Today and plan", zh="现状与方案"),
    "groups": Message(en="Population groups", zh="人群"),
    "equity": Message(en="Walks and equity", zh="步行与公平"),
    "minutes": Message(en="Minutes by group", zh="分人群步行时间"),
    "kinds": Message(en="Kinds of facility", zh="各类设施"),
    "farthest": Message(en="Farthest walks", zh="最远步行"),
    "walls": Message(en="Unknown walls", zh="围墙不明"),
    "pieces": Message(en="Cut-off streets", zh="不连通路网"),
    "rooms": Message(en="Rooms", zh="活动室"),
    **tables_rooms.TITLES,
    **tables_several.TITLES,
    **tables_measures.TITLES,
    **tables_cells.TITLES,
    "zones": Message(en="Zones", zh="责任区"),
    **tables_zones.TITLES,
    **tables_unify.TITLES,
    "bounds": Message(en="Borders in words", zh="四至"),
    "cells": Message(en="Cells", zh="单元网格"),
    "cell_bounds": Message(en="Borders of cells", zh="网格四至"),
    "committees": Message(en="Committees", zh="居委会"),
    "capacity": Message(en="Capacity in reach", zh="人均可达容量"),
    "placement": Message(en="As given, as placed", zh="给定与落位"),
    "sensitivity": Message(en="Sensitivity", zh="敏感性"),
    "ledger": Message(en="Ledger of residents", zh="居民台账"),
    "reconcile": Message(en="Reconciliation", zh="平衡核对"),
}
"""Tables in the order of the workbook."""

ABOUT = {
    "summary": Message(
        en="The figures of the whole plan, by what they are about; the last column is their key "
        "in summary.json.",
        zh="整个方案的指标，按内容分组；末列为 summary.json 中的键。",
    ),
    "communities": Message(
        en="The walk from every home to the committee of its own community, per community: "
        "length, shares within the norms, and why some residents have no distance.",
        zh="各社区居民从住处步行到本社区居委会的距离、达标比例，以及没有距离的居民及原因。",
    ),
    "change": Message(
        en="The walk to the nearest committee or activity room per community, today and with "
        "the plan; with the plan to the one given, where floor area is a hard limit.",
        zh="各社区居民步行到最近居委会或活动室的距离，现状与方案对照；面积为硬性容量时，"
        "方案按所分配的场所计。",
    ),
    "groups": Message(en="The same for each population group.", zh="各人群的现状与方案对照。"),
    "equity": Message(
        en="How far, how evenly, and which share within each norm on foot and as the crow flies. "
        "Equivalent walks here, by unit and in the tables of rooms have one aversion per metre, "
        "siting.ede_kappa = aversion × Σwd / Σwd² (d: the walks to the nearest place today), so "
        "that they can be compared.",
        zh="平均与最远一成的步行距离、公平程度，以及步行与直线口径的达标比例。此处、各单元及活动室"
        "各表的等效步行采用同一每米厌恶系数 siting.ede_kappa = aversion × Σwd / Σwd²"
        "（d 为现状到最近场所的步行距离），可相互比较。",
    ),
    "minutes": Message(
        en="Minutes to the own committee at each group's pace; a wheelchair takes no stairs.",
        zh="按各人群步行速度到本社区居委会所需分钟数；轮椅不经台阶。",
    ),
    "kinds": Message(
        en="The walk to the nearest facility of each kind; one with several service points is "
        "one facility, and the walk is to the nearest of them.",
        zh="到各类设施中最近一处的步行距离；有多个服务点的设施计为一处，步行到其最近服务点。",
    ),
    "farthest": Message(
        en="The places with the longest walks to the own committee and why; then who has no walk.",
        zh="步行到本社区居委会最远的地点及原因；其后为没有步行距离的居民。",
    ),
    "walls": Message(
        en="The walk to the own committee as a range, where nobody knows whether estates are "
        "walled: open, and walled with gates where streets enter.",
        zh="小区有无围墙不明时，到本社区居委会步行距离的范围：按开放计，及按有围墙、仅在道路进入处"
        "设出入口计。",
    ),
    "pieces": Message(
        en="Pieces of the network that are cut off, who lives there, and what would join them.",
        zh="与主路网不连通的路网、其居民，以及可连通的方式。",
    ),
    "capacity": Message(
        en="Staff of committees and floor space of rooms per 1,000 residents within the norm.",
        zh="规范距离内每千名居民可分享的居委会工作人员与活动室面积。",
    ),
    "placement": Message(
        en="What was given for each unit, what was placed in homes; the difference must be 0. The "
        "grade is the worst of the unit's homes: a home whose households are known is graded A, "
        "also where the count of its community is a table's (B).",
        zh="各单元给定的人数与落位的人数，差额应为 0。数据等级取该单元住房中最低者："
        "户数已知的住房为 A，即使其社区人数来自统计表（B）。",
    ),
    "sensitivity": Message(
        en="How residents and mean walks move when each per-person figure is 30 % off.",
        zh="各人均指标分别变动 ±30% 时，居民数与平均步行距离的变动范围。",
    ),
    "rooms": Message(
        en="New rooms, existing rooms and committees with the residents nearest to them.",
        zh="新增活动室、现有活动室与居委会，及以其为最近的居民。",
    ),
    **tables_rooms.ABOUT,
    **tables_several.ABOUT,
    **tables_measures.ABOUT,
    **tables_cells.ABOUT,
    **tables_zones.ABOUT,
    **tables_unify.ABOUT,
    "zones": Message(
        en="Responsibility zones: cells, area, residents, compactness.",
        zh="责任区：网格数、面积、居民与紧凑度。",
    ),
    "bounds": Message(
        en="What each community and zone reaches to, by the named streets, waters, railways and "
        "walls along its border; else the neighbour or the outer boundary, with the coordinates of "
        "both ends in metres of the plan's system.",
        zh="各社区与责任区的四至：沿界的有名道路、水系、铁路与围墙；无名处写相邻单元或辖区边界，"
        "并附两端坐标（成果坐标系，米）。",
    ),
    "cell_bounds": Message(en="The same for each cell.", zh="各单元网格的四至。"),
    "cells": Message(
        en="Management cells by their codes, which are text; the permanent id encodes nothing.",
        zh="单元网格及其编码（文本）；永久编号不含含义。",
    ),
    "committees": Message(
        en="Residents' committees with the residents in their charge and those nearest to them.",
        zh="居委会及其负责的居民、以其为最近的居民。",
    ),
    "ledger": Message(
        en="All residents, for each walk: who has a distance, and why the others have none.",
        zh="全部居民按步行对象列出：有距离的人数，以及没有距离的原因与人数。",
    ),
    "reconcile": Message(
        en="Sums computed in two ways; each pair must agree.",
        zh="用两种方式计算的合计，每对应当一致。",
    ),
}
"""What each table tells, for the first sheet of the workbook."""

SHARE_SUFFIX = "_share"
_DIGITS = {
    "compactness": 2, "needed": 1, "staff_gap": 1, "gini": 2, "detour": 2, "speed": 2,
    "committee_per_1000": 2, "fault_m2": 2, "east_m": 1, "north_m": 1,
    "max_over_mean": 2, "cv": 2, "compactness_median": 2,
}  # fmt: skip
_PER_1000 = "_per_1000"
_WITHOUT = "_without"
_SHARE_DIGITS = 1

_NORM_COLUMN = re.compile(r"(within|line)_([0-9.]+)_share")
_UNITS = {"m": ("m", "m"), "m²": ("m²", "m²"), "min": ("min", "min"), "元": ("yuan", "元")}


def tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """
    Return the tables of a plan, by the names of `TITLES`.

    Ids are text; distances are metres; a missing figure is null; words stand in both
    languages. Tables named in `TOTALLED` end in a row of totals whose first column
    says so. Every resident of `demand` is in ``communities``, ``rooms``,
    ``committees`` and ``ledger``: those who belong to none have a row of their own.
    """
    return {name: table.map(as_text) for name, table in bilingual_tables(plan).items()}


def bilingual_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Return the tables with words as `Message`, for a page that switches language."""
    makers: dict[str, Callable[[Plan], pd.DataFrame]] = {
        "summary": summary_table,
        "communities": communities_table,
        "change": change_table,
        "groups": groups_table,
        "equity": equity_table,
        "minutes": minutes_table,
        "kinds": kinds_table,
        "farthest": farthest_table,
        "walls": walls_table,
        "pieces": pieces_table,
        "rooms": rooms_table,
        **tables_rooms.room_tables(),
        **tables_several.several_tables(),
        **tables_measures.measure_tables(),
        "cell_faults": tables_cells.cell_faults_table,
        "zones": zones_table,
        **tables_zones.zone_tables(),
        **tables_unify.unify_tables(),
        "bounds": bounds_table,
        "cells": cells_table,
        "cell_bounds": cell_bounds_table,
        "committees": committees_table,
        "capacity": capacity_rows,
        "placement": placement_rows,
        "sensitivity": sensitivity_rows,
        "ledger": ledger_table,
        "reconcile": reconcile_table,
    }
    made = {name: make(plan) for name, make in makers.items()}
    return {name: table for name, table in made.items() if len(table)}


def as_text(value: object) -> object:
    """Return a `Message` as one text in both languages, anything else as it is."""
    if not isinstance(value, Message):
        return value
    return value.zh if value.zh == value.en else f"{value.zh} {value.en}"


def empty_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that hold nothing: they are left out of what is printed."""
    return [str(column) for column in table.columns if table[column].isna().all()]


def digits(column: str) -> int:
    """Return the decimals of a column as printed, in the report and in the workbook."""
    return _SHARE_DIGITS if column.endswith(SHARE_SUFFIX) else _DIGITS.get(column, 0)


def heading(plan: Plan, column: str) -> Message:
    """Return the heading of a column of these tables, with its unit."""
    norm = number(float(aggregate.headline_norm(plan.summary)))
    siting = plan.summary.get("siting") or {}
    room_norm = number(siting.get("norm_m") or float(norm))
    rooms = room_headings(room_norm, weighted=bool(siting.get("group_weights")))
    own = {
        **_HEADINGS,
        **_norm_headings(norm),
        **rooms,
        **tables_several.several_headings(),
        **tables_measures.measure_headings(),
        **tables_cells.cell_headings(),
        **tables_unify.unify_headings(plan),
        **tables_zones.zone_headings(),
    }
    if column in own:
        return own[column]
    made = _made_heading(column)
    if made:
        return made
    family = next((one for one in _FAMILIES if known(column, one)), None)
    if family is None:
        return Message(en=column, zh=column)
    found = term(column, family)
    if found.unit not in _UNITS:
        return found.message
    en, zh = _UNITS[found.unit]
    return Message(en=f"{found.en} ({en})", zh=f"{found.zh} ({zh})")


_FAMILIES: tuple[Family, ...] = ("column", "indicator")


def _made_heading(column: str) -> Message | None:
    """Return the heading of a column whose name is made of a norm, a reason or a kind."""
    at_norm = _NORM_COLUMN.fullmatch(column)
    if at_norm:
        return _share_heading(at_norm[1], number(float(at_norm[2])))
    if column.startswith("missing_"):
        return reason_label(column.removeprefix("missing_"))
    if column.endswith((_PER_1000, _WITHOUT)):
        return _capacity_heading(column)
    return None


def _capacity_heading(column: str) -> Message:
    kind = word("kind", column.removesuffix(_PER_1000).removesuffix(_WITHOUT))
    if column.endswith(_WITHOUT):
        return Message(en=f"{kind.en}: none in reach (residents)", zh=f"{kind.zh}：无可达（人）")
    staff = column.startswith("committee")
    unit = Message(en="staff" if staff else "m²", zh="人" if staff else "m²")
    return Message(
        en=f"{kind.en}: {unit.en} per 1,000 residents", zh=f"{kind.zh}：每千人（{unit.zh}）"
    )


def _share_heading(kind: str, norm: str) -> Message:
    if kind == "within":
        return Message(en=f"walk ≤ {norm} m", zh=f"步行 ≤ {norm} m")
    return Message(
        en=f"straight line ≤ {norm} m (service radius)", zh=f"直线 ≤ {norm} m（服务半径）"
    )


def _norm_headings(norm: str) -> dict[str, Message]:
    return {
        "before_beyond": Message(en=f"> {norm} m today", zh=f"现状 > {norm} m"),
        "after_beyond": Message(en=f"> {norm} m with plan", zh=f"方案 > {norm} m"),
        "before_within_share": Message(en=f"≤ {norm} m today", zh=f"现状 ≤ {norm} m"),
        "after_within_share": Message(en=f"≤ {norm} m with plan", zh=f"方案 ≤ {norm} m"),
        "open_within_share": Message(en=f"≤ {norm} m if open", zh=f"开放时 ≤ {norm} m"),
        "walled_within_share": Message(en=f"≤ {norm} m if walled", zh=f"有围墙时 ≤ {norm} m"),
    }


_HEADINGS = {
    "before_mean_m": Message(en="mean today (m)", zh="现状平均 (m)"),
    "after_mean_m": Message(en="mean with plan (m)", zh="方案平均 (m)"),
    "before_p90_m": Message(en="90th percentile today (m)", zh="现状第 90 百分位 (m)"),
    "after_p90_m": Message(en="90th percentile with plan (m)", zh="方案第 90 百分位 (m)"),
    "after_nearest": Message(en="nearest to most, with plan", zh="方案中多数居民最近处"),
    "before_missing": Message(en="no distance today", zh="现状无距离"),
    "after_missing": Message(en="no distance with plan", zh="方案无距离"),
    "open_mean_m": Message(en="mean if open (m)", zh="开放时平均 (m)"),
    "walled_mean_m": Message(en="mean if walled (m)", zh="有围墙时平均 (m)"),
    "open_missing": Message(en="no distance if open", zh="开放时无距离"),
    "walled_missing": Message(en="no distance if walled", zh="有围墙时无距离"),
    "committees": Message(en="own committee", zh="本社区居委会"),
    "committee_residents": Message(en="to own committee (residents)", zh="到本社区居委会（人）"),
    "nearest_committee_residents": Message(
        en="to nearest committee (residents)", zh="到最近居委会（人）"
    ),
    "room_before_residents": Message(
        en="to committee or room, today (residents)", zh="到居委会或活动室，现状（人）"
    ),
    "room_residents": Message(
        en="to committee or room, plan (residents)", zh="到居委会或活动室，方案（人）"
    ),
    "walk": Message(en="walk to", zh="步行到"),
    "gini": Message(en="Gini", zh="基尼系数"),
    "ede_m": Message(en="equally distributed equivalent (m)", zh="等效均等步行 (m)"),
    "detour": Message(en="detour (times)", zh="绕行系数"),
    "speed": Message(en="pace (m/s)", zh="步速 (m/s)"),
    "median_min": Message(en="median (min)", zh="中位数 (min)"),
    "p90_min": Message(en="90th percentile (min)", zh="第 90 百分位 (min)"),
    "without_way": Message(
        en="has a walk, but none this group can take", zh="有路但该人群无法通行"
    ),
    "assigned": Message(en="residents assigned", zh="分配居民"),
    "places": Message(en="facilities", zh="设施数"),
    "facility_points": Message(en="service points", zh="服务点数"),
    **tables_bounds.HEADINGS,
    "place": Message(en="place", zh="地点"),
    "committee": Message(en="own committee", zh="本社区居委会"),
    "component": Message(en="piece", zh="路网编号"),
    "between": Message(en="what lies between", zh="其间阻隔"),
    "link": Message(en="what would join it", zh="可连通方式"),
    "of_unit": Message(en="unit", zh="单元"),
    "cause": Message(en="why", zh="原因"),
    "counted": Message(en="counted", zh="统计对象"),
    "base_residents": Message(en="residents", zh="居民"),
    "low_residents": Message(en="residents, lowest", zh="居民（最低）"),
    "high_residents": Message(en="residents, highest", zh="居民（最高）"),
    "driver": Message(en="moved most by", zh="主要因素"),
    "base_m": Message(en="mean walk (m)", zh="平均步行 (m)"),
    "low_m": Message(en="mean walk, lowest (m)", zh="平均步行（最低，m）"),
    "high_m": Message(en="mean walk, highest (m)", zh="平均步行（最高，m）"),
    "driver_m": Message(en="walk moved most by", zh="步行主要因素"),
    "community": Message(en="community", zh="社区"),
    "group": Message(en="group", zh="人群"),
    "block": Message(en="about", zh="内容"),
    "key": Message(en="key", zh="键"),
    "figure": Message(en="figure", zh="指标"),
    "value": Message(en="value", zh="数值"),
    "unit": Message(en="unit", zh="单位"),
    "check": Message(en="sums that must agree", zh="应一致的合计"),
    "left": Message(en="left side", zh="左边"),
    "right": Message(en="right side", zh="右边"),
    "difference": Message(en="difference", zh="差"),
    "ok": Message(en="agrees", zh="一致"),
}
