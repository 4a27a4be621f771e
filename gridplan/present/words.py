"""Numbers as printed, and the sentences of the report in both languages."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Language, Message, counted
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.gaps import at_most_percent
from gridplan.present.goals import is_given, short_goal
from gridplan.terms import Family, known, term

NOTHING = "–"
"""Printed where there is no figure; never 0, which would look like data."""

TOTAL = Message(en="Total", zh="合计")
NONE = Message(en="none", zh="无")
NOT_GIVEN = Message(en="not given", zh="未提供")
"""Stands for a figure that nobody gave: never 0, which would look like data."""

_HAN = "\u4e00-\u9fff"
_LATIN = "A-Za-z0-9%²"
_TOUCHING = re.compile(f"(?<=[{_HAN}])(?=[{_LATIN}])|(?<=[{_LATIN}])(?=[{_HAN}])")
_THOUSAND = 1000.0


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


def spaced(text: str) -> str:
    """
    Return a Chinese sentence with a space between Han and Latin letters or digits.

    The house's own words are written so; this is for sentences that join a name.

    Examples
    --------
    >>> spaced("Newport网格，共3个"), spaced("新镇街道网格")
    ('Newport 网格，共 3 个', '新镇街道网格')
    """
    return _TOUCHING.sub(" ", text)


def same(text: str) -> Message:
    """Return a text that is the same in both languages."""
    return Message(en=text, zh=text)


def word(family: Family, key: str) -> Message:
    """Return the label of a term; a key the house does not know stays as it is."""
    return term(key, family).message if known(key, family) else same(key)


def reason_label(code: str) -> Message:
    """Return a reason in words; the empty one means that there is a distance."""
    if not code:
        return Message(en="distance found", zh="有步行距离")
    if code == aggregate.NO_REASON:
        return Message(en="no reason given", zh="未给出原因")
    return word("reason", code)


def missing_line(missing: Mapping[str, int]) -> Message:
    """Return the residents without a distance, each reason by itself."""
    said = [(reason_label(code), number(count)) for code, count in missing.items()]
    return Message(
        en=", ".join(f"{label.en}: {count}" for label, count in said),
        zh="，".join(f"{label.zh} {count} 人" for label, count in said),
    )


def committees_line(inside: int, outside: int) -> Message:
    """Return the number of committees, those beyond the boundary counted apart."""
    if not outside:
        return Message(en=counted(inside, "committee", "committees"), zh=f"{inside} 个居委会")
    return Message(
        en=f"{counted(inside, 'committee', 'committees')} inside, {outside} outside the boundary",
        zh=f"辖区内 {inside} 个居委会，边界外 {outside} 个",
    )


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
        zh=spaced(f"{name}网格、责任区与步行可达性规划"),
    )


def finding(plan: Plan) -> Message:
    """Return the finding of the plan as one sentence."""
    access = plan.summary["access"]
    after = aggregate.walks_after(plan)
    norm = aggregate.headline_norm(plan.summary)
    before = access.get("before") or access.get("nearest") or access
    was = before["within"][norm]
    if not after:
        return Message(
            en=f"{percent(was, 'en')} of {number(plan.summary['residents'])} residents walk at "
            f"most {norm} m to a committee or room.",
            zh=f"{number(plan.summary['residents'])} 名居民中，{percent(was, 'zh')} 步行 "
            f"{norm} 米以内可到居委会或现有活动室。",
        )
    rooms = aggregate.new_rooms(plan)
    now = after["within"][norm]
    people = number(aggregate.residents_within(plan, float(norm)))
    goal, given = short_goal(plan), is_given(plan)
    where = f"on foot {goal.en}" if given else f"{goal.en} on foot"
    return Message(
        en=f"{number(rooms)} activity room{'s' if rooms != 1 else ''} "
        f"{'bring' if rooms != 1 else 'brings'} {people} residents ({percent(now, 'en')}) within "
        f"{norm} m {where}; today{', to the nearest,' if given else ''} it is "
        f"{percent(was, 'en')}.",
        zh=f"新增 {number(rooms)} 处活动室后，{people} 名居民（{percent(now, 'zh')}）步行 "
        f"{norm} 米以内{goal.zh}；现状{'（就近）' if given else ''}为 {percent(was, 'zh')}。",
    )


_LEAST = {
    "p-median": Message(en="the least total walk", zh="居民步行总和最小"),
    "p-center": Message(en="the shortest longest walk", zh="最远步行最短"),
    "p-quantile": Message(en="the least distance that nine in ten do not exceed",
                          zh="九成居民步行上限最小"),
    "p-ede": Message(en="the least equivalent walk (Kolm-Pollak)",
                     zh="等效步行（Kolm-Pollak）最短"),
    "mclp": Message(en="the most residents within the norm", zh="标准距离内居民最多"),
    "lscp": Message(
        en="the fewest rooms that bring everybody within the limit whom a site can bring there",
        zh="使可覆盖居民均在限距内所需活动室最少",
    ),
}  # fmt: skip


_UNWEIGHTED = ("lscp", "p-center")
"""Models in which it does not matter how much a resident counts."""


def least_of(model: object) -> Message:
    """Return what a model of the siting makes as good as it can."""
    return _LEAST.get(str(model), Message(en="the best value", zh="目标值最优"))


def weights_line(siting: Mapping[str, Any]) -> Message | None:
    """Return what residents of groups count in the choice; None where all count the same."""
    weights = siting.get("group_weights") or {}
    if not weights:
        return None
    said = [(word("group", str(group)), f"{weight:g}") for group, weight in weights.items()]
    return Message(
        en="In the choice of rooms a resident counts 1 ("
        + ", ".join(f"{label.en}: {count}" for label, count in said)
        + "); all figures of walks are unweighted.",
        zh="选址时居民权重为 1（"
        + "、".join(f"{label.zh}为 {count}" for label, count in said)
        + "）；各项步行指标均不加权。",
    )


def counts_line(plan: Plan) -> Message | None:
    """Return how many rooms communities were to have; None where nobody asked."""
    siting = plan.summary.get("siting") or {}
    names = dict(
        zip(plan.layers["communities"]["community_id"].astype(str),
            plan.layers["communities"]["name"], strict=True)
    )  # fmt: skip
    en, zh = [], []
    for key, word_en, word_zh in (("at_least", "at least", "至少"), ("at_most", "at most", "至多")):
        asked: dict[int, list[str]] = {}
        for one, number_of in (siting.get(key) or {}).items():
            asked.setdefault(int(number_of), []).append(str(names.get(one, one)))
        for number_of, where in sorted(asked.items()):
            each = len(where) == len(names)
            en.append(f"{word_en} {number_of} in {'each' if each else ', '.join(where)}")
            zh.append(f"{'各社区' if each else '、'.join(where)}{word_zh} {number_of} 处")
    if not en:
        return None
    return Message(en="; ".join(en), zh="；".join(zh))


def space_line(siting: Mapping[str, Any]) -> Message | None:
    """Return what floor area is lacking, and whether it was a limit; None if nobody asked."""
    lacking, short = siting.get("shortfall_m2"), siting.get("rooms_short")
    if lacking is None or short is None:
        return None
    en, zh = (
        (f"{counted(int(short), 'room lacks', 'rooms lack')} {number(lacking)} m² in all",
         f"{short} 处活动室面积不足，合计缺 {number(lacking)} 平方米")
        if short
        else ("no room of a known area lacks any", "面积已知的活动室均不缺面积")
    )  # fmt: skip
    if siting.get("capacity") != "hard":
        return Message(
            en=f"By the graded norm, for those whose nearest place it is, {en}; the choice of "
            f"rooms is not bound by it.",
            zh=f"按分级标准，以其为最近场所的居民计，{zh}；选址不受其限制。",
        )
    return Message(
        en=f"No room is given more households than its floor area serves by the graded norm; the "
        f"objective is about the walks to the rooms given; {en}.",
        zh=f"按分级标准，各活动室分配的户数均不超过其容量，目标值按到所分配活动室的步行计；{zh}。",
    )


def _weighted(least: Message, siting: Mapping[str, Any]) -> Message:
    """Return what is made small or large, with the word that it is weighted where it is."""
    if not siting.get("group_weights") or siting.get("model") in _UNWEIGHTED:
        return least
    return Message(en=f"{least.en} (weighted by group)", zh=f"{least.zh}（按人群加权）")


def model_unit(model: object, *, weighted: bool = False) -> Message | None:
    """Return the unit of the objective of a model; None where there is no model."""
    unit = _UNITS.get(str(model))
    if unit is None or not weighted or model not in _OF_RESIDENTS:
        return unit
    return Message(en=f"weighted {unit.en}", zh=f"加权{unit.zh}")


_OF_RESIDENTS = ("p-median", "mclp")


_UNITS = {
    "p-median": Message(en="resident-metres", zh="人·米"),
    "p-center": Message(en="m", zh="米"),
    "p-quantile": Message(en="m", zh="米"),
    "p-ede": Message(en="m", zh="米"),
    "mclp": Message(en="residents", zh="人"),
    "lscp": Message(en="committees and rooms, existing ones included", zh="处（含现有）"),
}


def bound_label(model: object) -> Message:
    """Return what the bound of a model is called: it is from above where most is asked for."""
    if str(model) == "mclp":
        return Message(en="upper bound", zh="上界")
    return term("lower_bound", "indicator").message


def siting_status(siting: Mapping[str, Any]) -> Message:
    """Return what is proven about the siting, and within which limits; never more."""
    gap, status = siting.get("gap"), siting["status"]
    if status in {"infeasible", "stopped"}:
        return Message(en="No plan was found; see the caveats.", zh="未得到可行方案，见上方提示。")
    sites = number(_candidates(siting))
    kept = _decided(siting)
    least = _weighted(least_of(siting.get("model")), siting)
    if status == "proven":
        return Message(
            en=f"Proven: {least.en} among the {sites} candidate sites given, with the committees "
            f"and existing rooms fixed{kept.en}.",
            zh=f"已证明：在给定的 {sites} 处候选场地中，居委会与现有活动室不变{kept.zh}时，"
            f"{least.zh}。",
        )
    left = Message(en=at_most_percent(gap, "en"), zh=at_most_percent(gap, "zh"))
    why, early = _stopped_by(siting.get("stopped_by")), siting.get("stopped_by") is not None
    return Message(
        en=(f"Stopped early{why.en}, not" if early else "Not")
        + f" proven: no choice among the {sites} candidate sites given, with the committees and "
        f"existing rooms fixed{kept.en}, can be better by more than {left.en}.",
        zh=(f"提前停止{why.zh}，" if early else "")
        + f"未证明最优：在给定的 {sites} 处候选场地中，居委会与现有活动室不变{kept.zh}时，"
        f"任何选法至多再改进 {left.zh}。",
    )


def _candidates(siting: Mapping[str, Any]) -> object:
    """Return the candidates a choice is among: those that a decision forbids are not."""
    count = siting.get("candidates")
    return count if count is None else int(count) - len(siting.get("forbidden") or [])


def _decided(siting: Mapping[str, Any]) -> Message:
    """Return what else was kept: budget, decisions, numbers by community, floor areas."""
    # A move requires one site and forbids another, and is one decision.
    count = sum(len(siting.get(key) or []) for key in ("required", "forbidden"))
    count -= len(siting.get("moves") or [])
    kept = []
    answer, budget = siting.get("answer", "C"), siting.get("budget")
    if answer == "C" and budget is not None:
        kept.append(
            Message(
                en=f"within the budget of {number(budget)} yuan",
                zh=f"不超过预算 {number(budget)} 元",
            )
        )
    if answer == "B" and (each := each_line(siting)):
        kept.append(each)
    if count:
        decisions = counted(count, "decision on a site", "decisions on sites")
        kept.append(Message(en=f"{decisions} kept", zh=f"{count} 条场地决定照办"))
    if siting.get("at_least") or siting.get("at_most"):
        kept.append(Message(en="the numbers by community kept", zh="各社区数量要求得到满足"))
    if siting.get("least_share") is not None:
        share = siting["least_share"]
        kept.append(
            Message(
                en=f"at least {percent(share, 'en')} within the norm",
                zh=f"至少 {percent(share, 'zh')} 达标",
            )
        )
    if siting.get("stages"):
        kept.append(Message(en="the objectives before it kept", zh="前面各级目标得到保证"))
    if siting.get("capacity") == "hard":
        kept.append(Message(en="floor area as a limit", zh="面积为硬性容量"))
    return Message(
        en="".join(f" and {one.en}" for one in kept), zh="".join(f"、{one.zh}" for one in kept)
    )


def each_line(siting: Mapping[str, Any]) -> Message | None:
    """Return how many places answer B gives each home; None where one is enough."""
    times = int(siting.get("backup") or 1)
    if times == 1:
        return None
    return Message(
        en=f"{times} places for each home, or as many as can be",
        zh=f"每处住房有 {times} 处场所（不足者尽量多）",
    )


def answer_name(plan: Plan, key: str, *, phases: object = None) -> Message:
    """Return what one of the three answers is, with its letter."""
    siting = plan.summary["siting"]
    norm, budget = number(siting.get("norm_m")), siting.get("budget")
    if key == "A":
        count = "" if phases is None or pd.isna(phases) else number(phases)  # type: ignore[call-overload]
        return Message(
            en="A: one in every estate that can host it"
            + (f", in {count} phases" if count else ""),
            zh="A：有条件的小区各设一处" + (f"，分 {count} 期" if count else ""),
        )
    if key == "B":
        each = each_line(siting)
        return Message(
            en=f"B: the fewest that bring within {norm} m all whom a site can"
            + (f", {each.en}" if each else ""),
            zh=f"B：以最少活动室使可覆盖居民均在 {norm} 米以内" + (f"，{each.zh}" if each else ""),
        )
    if budget is not None:
        return Message(
            en=f"C: what {number(budget)} yuan allow", zh=f"C：{number(budget)} 元预算以内"
        )
    return Message(en="C: the number asked for", zh="C：设定的数量")


def choice_status(option: Mapping[str, Any], siting: Mapping[str, Any]) -> Message:
    """Return what is proven of one answer, in a few words; never more than is known."""
    fewest = str(option["model"]) == "lscp"
    status, gap = option["status"], option["gap"]
    if status == "infeasible":
        return Message(en="no plan", zh="没有方案")
    if status == "stopped":
        return Message(en="stopped without a plan", zh="停止前未得到方案")
    if status == "proven":
        short = _SHORT.get(str(option["model"]), least_of(option["model"]))
        least = _weighted(short, {**siting, "model": option["model"]})
        return Message(en=f"{least.en}: proven", zh=f"{least.zh}：已证明")
    if fewest:
        # The objective counts all open places; a planner asks for new ones.
        standing = float(option["objective"]) - float(option["rooms_new"])
        bound = number(math.ceil(float(option["lower_bound"]) - standing))
        return Message(
            en=f"not proven: {bound} new rooms at least", zh=f"未证明：至少需新增 {bound} 处"
        )
    return Message(
        en=f"not proven: at most {at_most_percent(gap, 'en')} better",
        zh=f"未证明：至多再改进 {at_most_percent(gap, 'zh')}",
    )


_SHORT = {
    "lscp": Message(en="fewest rooms", zh="活动室最少"),
    "p-median": Message(en="least total walk", zh="步行总和最小"),
    "p-center": Message(en="shortest longest walk", zh="最远步行最短"),
    "p-quantile": Message(en="least 90 % distance", zh="九成步行上限最小"),
    "p-ede": Message(en="least equivalent walk", zh="等效步行最短"),
    "mclp": Message(en="most within the norm", zh="达标居民最多"),
}


_NONE = {
    "infeasible": Message(en="has no plan", zh="没有方案"),
    "stopped": Message(en="was stopped before it had a plan", zh="在得到方案之前停止"),
}


def answers_sentence(plan: Plan) -> Message | None:
    """Return the three answers in one sentence; None where the plan is an older one."""
    siting = plan.summary.get("siting") or {}
    options = siting.get("options")
    if not options:
        return None
    norm = number(siting.get("norm_m"))
    said_en, said_zh = [], []
    for one in options:
        if one["status"] in _NONE and not one["rooms_new"]:
            none = _NONE[one["status"]]
            said_en.append(f"{one['answer']} {none.en}")
            said_zh.append(f"{one['answer']} {none.zh}")
            continue
        rooms = number(one["rooms_new"])
        noun = "room" if one["rooms_new"] == 1 else "rooms"
        said_en.append(
            f"{one['answer']} takes {rooms} new {noun} and leaves "
            f"{number(one['beyond'] + one['unreachable'])} residents beyond {norm} m on foot"
        )
        said_zh.append(
            f"{one['answer']} 新增 {rooms} 处，仍有 "
            f"{number(one['beyond'] + one['unreachable'])} 名居民在步行 {norm} 米以外"
        )
    key = siting.get("answer")
    return Message(
        en=f"Answer {'; answer '.join(said_en)}. The map and the tables follow answer {key}.",
        zh=f"答案 {'；答案 '.join(said_zh)}。地图与各表采用答案 {key}。",
    )


def _stopped_by(reason: object) -> Message:
    known = {
        "work": Message(en=" (limit on counted work)", zh="（达到计算量上限）"),
        "time": Message(en=" (time limit)", zh="（达到时间上限）"),
        "key": Message(en=" (by a key, Ctrl-C)", zh="（按键 Ctrl-C）"),
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
