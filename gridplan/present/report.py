"""The report of a plan: one HTML file, both languages, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import math
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from gridplan import __version__
from gridplan.errors import GridplanError, Language, Message, counted
from gridplan.plan import Plan
from gridplan.present import (
    appendix,
    assets,
    drawings,
    fonts,
    keys,
    method,
    tables_zones,
    tabulation,
    webmap,
)
from gridplan.present.curve_question import beside_curve
from gridplan.present.gaps import GAP_COLUMN, gap_percent
from gridplan.present.goals import nearest_goal
from gridplan.present.tables_access import sensitivity_line, unknown_capacity
from gridplan.present.tables_measures import mix_sentence
from gridplan.present.words import (
    answers_sentence,
    before_basis,
    finding,
    kilometres2,
    number,
    percent,
    same,
    siting_status,
    source_line,
    spoken,
    title,
)

_NOTE_KEY = "note_"
_FONT_MARK = "/* fonts */"
_TELLING = re.compile(r"\d[\d,.]*\s?%|\d{1,3}(?:,\d{3})+")
_NOWRAP = frozenset(
    {"name", "community", "community_id", "committee_id", "site_id", "zone_id", "estate_id", "kind",
     "group", "reason", "place", "committee", "of_unit", "counted", "walk", "link",
     "between", "as_of", "room", "next_site", "place_id", "estate", "answer", "date",
     "proof", "status", "served", "bounded", "of_level", "price_status", "sequence",
     "measure", "out", "walked_to", "moved_from", "asked_by", "allowed", "beyond_allowed"}
)  # fmt: skip
"""Columns of ids, names and short words, which never break."""


@dataclass(frozen=True, slots=True)
class Value:
    """One cell of a table: what is printed, by what it sorts, and whether it may not break."""

    text: Message
    sort: str
    numeric: bool
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a column."""

    text: Message
    numeric: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table as printed; the last row stands in the foot if it is a total."""

    name: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Value, ...], ...]
    foot: tuple[Value, ...] | None


def report_html(
    plan: Plan, *, lang: Language = "zh", figures: Mapping[str, bytes] | None = None
) -> str:
    """
    Return the report of a plan as one HTML page.

    Parameters
    ----------
    plan : Plan
    lang : {"zh", "en"}
        The language shown first; the page switches by itself.
    figures : mapping of file name to PNG bytes, optional
        The figures, if they are drawn already; else they are drawn here.

    Raises
    ------
    MissingPackageError
        If folium, its offline assets or a Chinese font are missing.
    """
    pictures = drawings.figures(plan, lang) if figures is None else figures
    made = tabulation.bilingual_tables(plan)
    # For the workbook: the report tells figures where they belong, and shows cells on the map.
    for name in ("summary", "cells", "cell_bounds", *tables_zones.WORKBOOK_ONLY):
        made.pop(name, None)
    parts = webmap.map_parts(plan)
    page = assets.render(
        "report.html.j2",
        lang=lang,
        version=__version__,
        style=assets.text("report.css"),
        script=assets.text("report.js"),
        map=parts,
        place=plan.summary["place"],
        title=title(plan),
        as_of=plan.place.as_of,
        finding=emphasised(finding(plan)),
        missed=[spoken(one) for one in plan.summary["targets_missed"]],
        caveats=_caveats(plan),
        data_notes=_data_notes(plan),
        keys=keys.key_figures(plan),
        pictures=_pictures(plan, pictures),
        tables={name: table_view(plan, name, table) for name, table in made.items()},
        proofs=keys.proofs(plan),
        siting=keys.siting_facts(plan),
        siting_notes=keys.siting_notes(plan),
        beside_curve=beside_curve(plan),
        answers=answers_sentence(plan),
        mix=mix_sentence(plan),
        about=tabulation.ABOUT,
        titles=tabulation.TITLES,
        status=siting_status(plan.summary["siting"]) if plan.summary.get("siting") else None,
        proven=(plan.summary.get("siting") or {}).get("status") == "proven",
        cells=keys.cell_facts(plan),
        network=keys.network_facts(plan),
        unknown_capacity=unknown_capacity(plan),
        sensitivity=sensitivity_line(plan),
        across=keys.zones_across_line(plan),
        unify=keys.unify_line(plan),
        settings=appendix.setting_rows(plan.settings),
        norms=appendix.norm_rows(plan),
        method=method.paragraphs(plan),
        sections=method.SECTIONS,
        short=method.SHORT,
        area=area_line(plan),
        basis=before_basis(plan),
        goal=nearest_goal(plan),
        source=source_line(plan),
    )
    spoken_large = (title(plan), finding(plan), *method.SECTIONS.values())
    serif = "".join(one.zh + one.en for one in spoken_large) + plan.place.name
    return with_fonts(page, serif=serif)


def emphasised(message: Message) -> Mapping[str, Markup]:
    """Return a sentence per language with its shares and its thousands marked."""
    return {
        key: Markup(_TELLING.sub(r"<b>\g<0></b>", str(escape(text))))  # noqa: S704 - escaped
        for key, text in (("zh", message.zh), ("en", message.en))
    }


def table_view(plan: Plan, name: str, table: pd.DataFrame) -> Table:
    """Return a table of `tabulation.tables` as it is printed."""
    hidden = tabulation.empty_columns(table)
    shown = [column for column in table.columns if column not in hidden]
    rows = [
        tuple(_value(column, value) for column, value in zip(shown, row, strict=True))
        for row in table[shown].itertuples(index=False, name=None)
    ]
    heads = tuple(
        Head(tabulation.heading(plan, column), numeric=any(row[place].numeric for row in rows))
        for place, column in enumerate(shown)
    )
    if name in tabulation.TOTALLED:
        return Table(name, heads, tuple(rows[:-1]), rows[-1])
    return Table(name, heads, tuple(rows), None)


def printed(column: str, value: object) -> str:
    """Return a value of a column of `tabulation.tables` as it is printed, in both languages."""
    cell = _value(column, value)
    return cell.text.zh if cell.numeric else str(tabulation.as_text(cell.text))


def _value(column: str, value: object) -> Value:
    whole = column in _NOWRAP
    if isinstance(value, Message):
        return Value(value, value.en, numeric=False, whole=whole)
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return Value(same(""), "", numeric=False)
    if str(value) in {"True", "False"}:
        return _flag(column, yes=str(value) == "True")
    if isinstance(value, str):
        return Value(same(value), value, numeric=False, whole=whole)
    figure = float(value)  # type: ignore[arg-type]
    digits = tabulation.digits(column)
    if column == GAP_COLUMN:
        text = Message(en=gap_percent(figure, "en", digits), zh=gap_percent(figure, "zh", digits))
    elif column.endswith(tabulation.SHARE_SUFFIX):
        text = Message(en=percent(figure, "en", digits), zh=percent(figure, "zh", digits))
    else:
        text = same(number(figure, digits))
    return Value(text, f"{figure:.6f}", numeric=True)


def _flag(column: str, *, yes: bool) -> Value:
    if column == "ok":
        return Value(same("✓" if yes else "✗"), str(int(yes)), numeric=False)
    text = Message(en="yes", zh="是") if yes else Message(en="no", zh="否")
    return Value(text, str(int(yes)), numeric=False)


def _caveats(plan: Plan) -> list[Message]:
    """Return the caveats of the plan, and those that only show when it is printed."""
    data = set(_data_notes(plan))
    found = [one for one in map(spoken, plan.summary["caveats"]) if one not in data]
    names = [
        str(one) for layer in ("communities", "committees") for one in plan.layers[layer]["name"]
    ]
    with_glyphs = fonts.matplotlib_families()[1]
    missing = fonts.missing_glyphs("".join(names) + plan.place.name, *with_glyphs)
    if missing:
        found.append(
            Message(
                en=f"The font lacks {counted(len(missing), 'character', 'characters')}, shown as "
                f"{fonts.STAND_IN} in the figures: {fonts.named(missing)}.",
                zh=f"字体缺少 {len(missing)} 个字符，图中以 {fonts.STAND_IN} 代替："
                f"{fonts.named(missing)}。",
            )
        )
    return found


def _data_notes(plan: Plan) -> list[Message]:
    """Return what reading the data and running the steps left to say, each once."""
    given = [
        spoken(one) for one in plan.summary["caveats"] if str(one["key"]).startswith(_NOTE_KEY)
    ]
    return list(dict.fromkeys([*given, *(note.message for note in plan.place.notes)]))


def _pictures(plan: Plan, pictures: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    found = {}
    for name, content in pictures.items():
        if name not in drawings.FIGURES:
            raise GridplanError(
                Message(
                    en=f"`{name}` is no figure of the report; it has {list(drawings.FIGURES)}.",
                    zh=f"“{name}”不是报告中的图；报告包含 {list(drawings.FIGURES)}。",
                )
            )
        address = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
        found[name[3:-4]] = {"src": address, "alt": drawings.alt_text(plan, name)}
    return found


def with_fonts(page: str, *, serif: str) -> str:
    """
    Return the page with the letters it uses, so that it has them on any machine.

    Parameters
    ----------
    serif : str
        Texts that are set in the serif face.
    """
    faces = []
    # Latin letters of the headings too, so that they match; running text has the system's.
    for family, name, letters in (
        ("gridplan sans", fonts.SANS, "".join(one for one in set(page) if not one.isascii())),
        ("gridplan serif", fonts.SERIF, serif + string.printable),
    ):
        for path in fonts.bundled(name):
            address = fonts.subset_woff(path, letters)
            faces.append(f'@font-face{{font-family:"{family}";src:url({address}) format("woff")}}')
    return page.replace(_FONT_MARK, "\n".join(faces), 1)


def area_line(plan: Plan) -> Message:
    """Return area and CRS in one line."""
    area = kilometres2(float(plan.summary["place"]["area_m2"]))
    crs = plan.summary["place"]["crs"]
    return Message(en=f"{area}, {crs}", zh=f"{area}，{crs}")
