"""The tables of a plan, their titles and headings; they add up, and every resident is in them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate, tables_rooms
from gridplan.present.tables_places import committees_table, rooms_table, zones_table
from gridplan.present.tables_sums import reconcile_table, summary_table
from gridplan.present.tables_walks import (
    change_table,
    communities_table,
    groups_table,
    ledger_table,
)
from gridplan.present.words import number, reason_label
from gridplan.terms import Family, known, term

TOTALLED = tables_rooms.TOTALLED | frozenset(
    {"communities", "change", "groups", "rooms", "zones", "committees", "ledger"}
)
"""Tables whose last row is a total."""

TITLES = {
    "summary": Message(en="Summary", zh="概要"),
    "communities": Message(en="Communities", zh="社区"),
    "change": Message(en="Today and plan", zh="现状与方案"),
    "groups": Message(en="Population groups", zh="人群"),
    "rooms": Message(en="Rooms", zh="活动室"),
    **tables_rooms.TITLES,
    "zones": Message(en="Zones", zh="责任区"),
    "committees": Message(en="Committees", zh="居委会"),
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
        "the plan.",
        zh="各社区居民步行到最近居委会或活动室的距离，现状与方案对照。",
    ),
    "groups": Message(en="The same for each population group.", zh="各人群的现状与方案对照。"),
    "rooms": Message(
        en="New rooms, existing rooms and committees with the residents nearest to them.",
        zh="新增活动室、现有活动室与居委会，及以其为最近的居民。",
    ),
    **tables_rooms.ABOUT,
    "zones": Message(
        en="Responsibility zones: cells, area, residents, compactness.",
        zh="责任区：网格数、面积、居民与紧凑度。",
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
_DIGITS = {"compactness": 2, "needed": 1, "staff_gap": 1}
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
        "rooms": rooms_table,
        **tables_rooms.room_tables(),
        "zones": zones_table,
        "committees": committees_table,
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
    norm = number(float(aggregate.headline_norm(plan.summary["access"]["within"])))
    room_norm = number((plan.summary.get("siting") or {}).get("norm_m") or float(norm))
    own = {**_HEADINGS, **_norm_headings(norm), **tables_rooms.room_headings(room_norm)}
    if column in own:
        return own[column]
    at_norm = _NORM_COLUMN.fullmatch(column)
    if at_norm:
        return _share_heading(at_norm[1], number(float(at_norm[2])))
    if column.startswith("missing_"):
        return reason_label(column.removeprefix("missing_"))
    family = next((one for one in _FAMILIES if known(column, one)), None)
    if family is None:
        return Message(en=column, zh=column)
    found = term(column, family)
    if found.unit not in _UNITS:
        return found.message
    en, zh = _UNITS[found.unit]
    return Message(en=f"{found.en} ({en})", zh=f"{found.zh} ({zh})")


_FAMILIES: tuple[Family, ...] = ("column", "indicator")


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
    }


_HEADINGS = {
    "before_mean_m": Message(en="mean today (m)", zh="现状平均 (m)"),
    "after_mean_m": Message(en="mean with plan (m)", zh="方案平均 (m)"),
    "before_missing": Message(en="no distance today", zh="现状无距离"),
    "after_missing": Message(en="no distance with plan", zh="方案无距离"),
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
