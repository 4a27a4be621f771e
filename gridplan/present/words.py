"""Numbers as printed, and the sentences of the report in both languages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gridplan.errors import Language, Message
from gridplan.plan import Plan
from gridplan.present import aggregate

NOTHING = "–"
"""Printed where there is no figure; never 0, which would look like data."""

_THOUSAND = 1000.0
_SMALL_SHARE = 0.0005


def number(value: object, digits: int = 0) -> str:
    """
    Return a number with thousands separators, or a dash where there is none.

    Examples
    --------
    >>> number(80000), number(0.4567, 2), number(float("nan")), number(None)
    ('80,000', '0.46', '–', '–')
    """
    if value is None or isinstance(value, str):
        return value or NOTHING
    figure = float(value)  # type: ignore[arg-type]
    if not math.isfinite(figure):
        return NOTHING
    return f"{figure:,.{digits}f}".replace("-", "−")


def percent(share: object, lang: Language, digits: int = 1) -> str:
    """
    Return a share (0 to 1) as printed: with a space before the sign in English.

    Examples
    --------
    >>> percent(0.98, "en"), percent(0.98, "zh"), percent(None, "en")
    ('98.0 %', '98.0%', '–')
    """
    if share is None or not math.isfinite(float(share)):  # type: ignore[arg-type]
        return NOTHING
    sign = " %" if lang == "en" else "%"
    return number(100 * float(share), digits) + sign  # type: ignore[arg-type]


def kilometres2(area_m2: float) -> str:
    """
    Return an area in square kilometres.

    Examples
    --------
    >>> kilometres2(15_234_000)
    '15.23 km²'
    """
    return f"{number(area_m2 / _THOUSAND**2, 2)} km²"


def spoken(given: Mapping[str, Any]) -> Message:
    """Return a sentence of the summary (``targets_missed``, ``caveats``) as a Message."""
    return Message(en=str(given["en"]), zh=str(given["zh"]))


def title(plan: Plan) -> Message:
    """Return the title of the report."""
    name = plan.place.name
    return Message(
        en=f"{name}: cells, zones and walking access",
        zh=f"{name}网格、责任区与步行可达性规划",
    )


def finding(plan: Plan) -> Message:
    """Return the finding of the plan as one sentence."""
    access = plan.summary["access"]
    after = plan.summary.get("access_after")
    norm = aggregate.headline_norm(access["within"])
    before = access.get("before") or access.get("nearest") or access
    was = before["within"][norm]
    if not after:
        return Message(
            en=f"{percent(was, 'en')} of {number(plan.summary['residents'])} residents walk at "
            f"most {norm} m to a committee or room.",
            zh=f"{number(plan.summary['residents'])} 名居民中，{percent(was, 'zh')}步行 "
            f"{norm} 米以内可到居委会或现有活动室。",
        )
    rooms = aggregate.new_rooms(plan)
    now = after["within"][norm]
    people = number(aggregate.residents_within(plan, float(norm)))
    return Message(
        en=f"{number(rooms)} activity room{'s' if rooms != 1 else ''} "
        f"{'bring' if rooms != 1 else 'brings'} {people} residents ({percent(now, 'en')}) within "
        f"{norm} m of a committee or room on foot; today it is {percent(was, 'en')}.",
        zh=f"新增 {number(rooms)} 处活动室后，{people} 名居民（{percent(now, 'zh')}）步行 "
        f"{norm} 米以内可到居委会或活动室；现状为 {percent(was, 'zh')}。",
    )


def siting_status(siting: Mapping[str, Any]) -> Message:
    """Return what is proven about the siting: only ``proven`` is called optimal."""
    gap = siting.get("gap")
    if siting["status"] == "proven":
        return Message(
            en="Proven optimal: no better plan exists.", zh="已证明最优：不存在更优方案。"
        )
    if siting["status"] in {"infeasible", "stopped"}:
        return Message(en="No plan was found; see the caveats.", zh="未得到可行方案，见上方提示。")
    left = Message(
        en="less than 0.05 %" if gap is not None and gap < _SMALL_SHARE else percent(gap, "en", 2),
        zh="不足 0.05%" if gap is not None and gap < _SMALL_SHARE else percent(gap, "zh", 2),
    )
    why = _stopped_by(siting.get("stopped_by"))
    return Message(
        en=f"Stopped early{why.en}, not proven optimal: no plan whatever can be better by more "
        f"than {left.en}.",
        zh=f"提前停止{why.zh}，未证明最优：任何方案至多再改进 {left.zh}。",
    )


def _stopped_by(reason: object) -> Message:
    known = {
        "work": Message(en=" (limit on counted work)", zh="（达到计算量上限）"),
        "time": Message(en=" (time limit)", zh="（达到时间上限）"),
        "gap": Message(en=" (gap asked for was reached)", zh="（已达到要求的差距）"),
    }
    if reason is None:
        return Message(en="", zh="")
    return known.get(str(reason), Message(en=f" ({reason})", zh=f"（{reason}）"))


def before_basis(plan: Plan) -> Message:
    """Return what "today" is measured to, which depends on what the plan holds."""
    if aggregate.before_column(plan.layers["demand"]) == "room_before_m":
        return Message(en="nearest committee or existing room", zh="最近的居委会或现有活动室")
    return Message(en="nearest committee", zh="最近的居委会")


def source_line(plan: Plan) -> Message:
    """Return data date, CRS and author, as printed under every figure."""
    date = plan.place.as_of
    crs = f"{plan.place.crs.to_string()} {plan.place.crs.name}"
    return Message(
        en=f"Data as of {date.isoformat()}, sources in the settings · {crs} · gridplan",
        zh=f"数据截至 {date.year} 年 {date.month} 月 {date.day} 日，来源见设置 · {crs} · gridplan",
    )
