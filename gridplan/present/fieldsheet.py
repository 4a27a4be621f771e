"""The field check as a page to print: one doubt a row, with its map and boxes to tick."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from gridplan import __version__
from gridplan.answers.words import HOMES, MEANINGS
from gridplan.errors import Language, Message
from gridplan.fieldcheck import FieldCheck
from gridplan.plan import Plan
from gridplan.present import assets, spotmaps
from gridplan.present.report import with_fonts
from gridplan.present.words import number, same, source_line, spaced

_KIND_WORDS = {
    "gate": Message(en="gates in walls", zh="围墙出入口"),
    "estate_gate": Message(en="walled estates without a gate", zh="无出入口的封闭小区"),
    "wall": Message(en="estates with unknown walls", zh="围墙情况不明的小区"),
    "homes": Message(en="homes with assumed storeys", zh="层数为假定的住宅"),
    "link": Message(en="links and gaps", zh="连通线与缺口"),
    "door": Message(en="doors far from streets", zh="远离道路的楼栋"),
    "site": Message(en="assumed sites of rooms", zh="假定的活动室场地"),
}
_THOUSAND = 1000.0
_FEW_M = 10_000.0


@dataclass(frozen=True, slots=True)
class _Item:
    """One doubt as printed."""

    rank: int
    check_id: str
    question: Message
    where: Message
    doubt: Message
    effect: Message
    answers: tuple[Message, ...]
    value: Message | None
    picture: str
    alt: Message


def fieldcheck_html(plan: Plan, check: FieldCheck, *, lang: Language = "zh") -> str:
    """
    Return the list of a field check as one HTML page, in both languages.

    Parameters
    ----------
    lang : {"zh", "en"}
        The language shown first; the page switches by itself.
    """
    pictures = spotmaps.spot_maps(plan, check, lang)
    items = [
        _item(row, picture)
        for row, picture in zip(check.items.to_dict("records"), pictures, strict=True)
    ]
    title = Message(en=f"{plan.place.name}: field check", zh=f"{plan.place.name}实地核查清单")
    page = assets.render(
        "fieldcheck.html.j2",
        lang=lang,
        version=__version__,
        style=assets.text("report.css") + assets.text("fieldcheck.css"),
        script=assets.text("report.js"),
        title=title,
        source=source_line(plan),
        how=_how(check),
        items=items,
    )
    return with_fonts(page, serif=title.zh + title.en + "".join(i.question.zh for i in items))


def _item(row: Mapping[Hashable, Any], picture: bytes) -> _Item:
    kind = str(row["kind"])
    where = _where(row)
    return _Item(
        rank=int(row["rank"]),
        check_id=str(row["check_id"]),
        question=Message(en=row["question_en"], zh=row["question"]),
        where=where,
        doubt=Message(en=f"{row['doubt_en']}.", zh=f"{row['doubt']}。"),
        effect=_effect(row),
        answers=tuple(_box(said, answer) for (of, answer), said in MEANINGS.items() if of == kind),
        value=Message(en="Storeys", zh="层数") if kind == HOMES else None,
        picture="data:image/png;base64," + base64.b64encode(picture).decode("ascii"),
        alt=Message(en=f"Map of the spot: {where.en}", zh=f"核查点位置图：{where.zh}"),
    )


def _box(said: Message, answer: str) -> Message:
    word = {"yes": Message(en="yes", zh="是"), "no": Message(en="no", zh="否")}[answer]
    return Message(en=f"{word.en}: {said.en}", zh=f"{word.zh}：{said.zh}")


def _where(row: Mapping[Hashable, Any]) -> Message:
    names = [str(row[name]) for name in ("community", "estate") if row[name]]
    street = row["street"]
    en = [*names, *([f"near {street}"] if street else [])]
    zh = [*names, *([spaced(f"{street}附近")] if street else [])]
    return Message(en=", ".join(en) or "–", zh="，".join(zh) or "–")


def _effect(row: Mapping[Hashable, Any]) -> Message:
    people, turned = number(row["residents"]), row["turned"]
    kilometres = number(row["resident_m"] / _THOUSAND, 1 if row["resident_m"] < _FEW_M else 0)
    en = [f"{people} residents concerned"]
    zh = [f"涉及 {people} 名居民"]
    if row["resident_m"]:
        en.append(f"up to {kilometres} km of walking in all could change (one way)")
        zh.append(f"合计步行至多增减 {kilometres} 公里（单程）")
    if turned:
        en.append(f"{number(turned)} may gain or lose any walk at all")
        zh.append(f"{number(turned)} 人可能由可达变为不可达（或相反）")
    return Message(en=f"{'; '.join(en)}.", zh=f"{'；'.join(zh)}。")


def _how(check: FieldCheck) -> list[Message]:
    lost = number(check.options.lost_m)
    lines = [
        Message(
            en="Ranked by how much the result could change: residents times metres of walking; "
            f"whoever may gain or lose any walk at all counts {lost} m. Tick, date, and enter the "
            "answers in fieldcheck.gpkg: answer (yes, no), value, checked_on. An item that was "
            "not looked at stays empty.",
            zh="按对结果的可能影响排序：居民数 × 步行米数；可能由可达变为不可达（或相反）的居民"
            f"按每人 {lost} 米计。勾选并填写日期后，将答复录入 fieldcheck.gpkg 的 answer"
            "（yes、no）、value、checked_on 字段；未核查的项留空。",
        )
    ]
    for counts, en, zh in (
        (check.further, "Not on this list, of less effect", "未列入清单、影响较小的"),
        (check.idle, "Left out, since nothing would change", "因不影响结果而略去的"),
    ):
        if counts:
            words = {key: _KIND_WORDS.get(key, same(key)) for key in counts}
            lines.append(
                Message(
                    en=f"{en}: {', '.join(f'{n} {words[k].en}' for k, n in counts.items())}.",
                    zh=f"{zh}：{'、'.join(f'{words[k].zh} {n} 处' for k, n in counts.items())}。",
                )
            )
    if check.answered:
        lines.append(
            Message(
                en=f"Looked at already, and not asked again: {check.answered}.",
                zh=f"已核查、不再列入：{check.answered} 项。",
            )
        )
    return lines
