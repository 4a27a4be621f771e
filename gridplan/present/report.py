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
from gridplan.errors import GridplanError, Language, Message
from gridplan.plan import Plan
from gridplan.present import aggregate, assets, drawings, fonts, method, tabulation, webmap
from gridplan.present.words import (
    NOTHING,
    before_basis,
    finding,
    kilometres2,
    number,
    percent,
    siting_status,
    source_line,
    spoken,
    title,
)
from gridplan.terms import Family, known, term

TILING_SHARE = 1e-9
"""A tiling error below this share of the area is rounding of the last digit."""

_FONT_MARK = "/* fonts */"
_TELLING = re.compile(r"\d[\d,.]*\s?%|\d{1,3}(?:,\d{3})+")
_WORD_COLUMNS = frozenset({"kind", "ownership"})
_DIGITS = {"compactness": 2, "cost": 1}
_SHARE_SUFFIX = "_share"
_UNITS = {
    "p-median": Message(en="resident-metres", zh="人·米"),
    "p-center": Message(en="m", zh="米"),
    "mclp": Message(en="residents", zh="人"),
    "lscp": Message(en="rooms", zh="处"),
}
_PROOFS = ("tiling_error_m2", "buildings_cut", "communities_crossed", "zones_disconnected")


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure: what it is, its value, and what it was or what it rests on."""

    label: Message
    value: Message
    was: Message | None = None
    note: Message | None = None
    good: bool = True


@dataclass(frozen=True, slots=True)
class Value:
    """One cell of a table: what is printed, and by what it sorts."""

    text: Message
    sort: str
    numeric: bool


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
        keys=key_figures(plan),
        pictures=_pictures(plan, pictures),
        tables={name: table_view(plan, name, table) for name, table in made.items()},
        proofs=proofs(plan),
        siting=siting_facts(plan),
        status=siting_status(plan.summary["siting"]) if plan.summary.get("siting") else None,
        proven=(plan.summary.get("siting") or {}).get("status") == "proven",
        cells=cell_facts(plan),
        network=network_facts(plan),
        notes=plan.place.notes,
        settings=_settings(plan.settings),
        norms=[{**norm, "value": _plain(norm)} for norm in plan.summary.get("norms") or []],
        method=method.paragraphs(plan),
        sections=method.SECTIONS,
        short=method.SHORT,
        area=area_line(plan),
        basis=before_basis(plan),
        source=source_line(plan),
    )
    return _with_fonts(page, plan)


def emphasised(message: Message) -> Mapping[str, Markup]:
    """Return a sentence per language with its shares and its thousands marked."""
    return {
        key: Markup(_TELLING.sub(r"<b>\g<0></b>", str(escape(text))))  # noqa: S704 - escaped
        for key, text in (("zh", message.zh), ("en", message.en))
    }


def key_figures(plan: Plan) -> list[Figure]:
    """Return the figures of the first screen."""
    summary, access, after = plan.summary, plan.summary["access"], plan.summary.get("access_after")
    before = access.get("before") or access.get("nearest") or access
    found = [
        Figure(
            term("residents", "indicator").message,
            _same(number(summary["residents"])),
            note=Message(
                en=f"{summary['place']['communities']} communities, "
                f"{summary['place']['committees']} committees",
                zh=f"{summary['place']['communities']} 个社区，"
                f"{summary['place']['committees']} 个居委会",
            ),
        ),
        Figure(
            term("cells", "indicator").message,
            _same(number(summary["cells"]["count"])),
            note=Message(
                en=f"median {number(summary['cells']['area_median_m2'])} m²",
                zh=f"面积中位数 {number(summary['cells']['area_median_m2'])} m²",
            ),
        ),
    ]
    return [*found, *_walk_keys(access, before, after), _proof_key(plan)]


def _walk_keys(
    access: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any] | None
) -> list[Figure]:
    norm = aggregate.headline_norm(access["within"])
    now = after or before
    return [
        Figure(
            Message(en=f"within {norm} m on foot", zh=f"步行 {norm} 米以内"),
            _percent(now["within"][norm]),
            was=_percent(before["within"][norm]) if after else None,
        ),
        Figure(
            Message(en="mean walk to an open place", zh="到开放场所平均步行"),
            _metres(now["mean_m"]),
            was=_metres(before["mean_m"]) if after else None,
        ),
        Figure(
            Message(en="mean walk to own committee", zh="到本社区居委会平均步行"),
            _metres(access["mean_m"]),
            note=Message(
                en=f"one in ten walks beyond {number(access['p90_m'])} m",
                zh=f"一成居民超过 {number(access['p90_m'])} 米",
            ),
        ),
    ]


def _proof_key(plan: Plan) -> Figure:
    checks = proofs(plan)
    kept = sum(check["ok"] for check in checks)
    return Figure(
        Message(en="proofs that hold", zh="通过的核验"),
        _same(f"{kept} / {len(checks)}"),
        note=Message(en="checked independently", zh="独立程序核验"),
        good=kept == len(checks),
    )


def proofs(plan: Plan) -> list[dict[str, Any]]:
    """Return the proofs with their raw figures; only zero, or rounding, is a pass."""
    given = plan.summary["proofs"]
    area = float(plan.summary["place"]["area_m2"])
    found = []
    for key in _PROOFS:
        word = term(key, "indicator")
        value = float(given[key])
        limit = TILING_SHARE * area if key == "tiling_error_m2" else 0.0
        text = f"{value:.6g} m²" if key == "tiling_error_m2" else number(value)
        found.append({"term": word, "value": text, "ok": value <= limit})
    return found


def siting_facts(plan: Plan) -> list[tuple[Message, Message]]:
    """Return the siting as rows of label and value."""
    siting = plan.summary.get("siting")
    if not siting:
        return []
    model = str(siting["model"])
    unit = _UNITS.get(model, Message(en="", zh=""))
    rows = [
        (Message(en="model", zh="模型"), _word("kind", model)),
        (term("p", "indicator").message, _same(number(siting["p"]))),
        (term("fixed", "indicator").message, _same(number(siting.get("fixed")))),
        (
            term("candidates", "indicator").message,
            Message(
                en=f"{number(siting.get('candidates'))}, of which "
                f"{number(siting.get('assumed_candidates'))} assumed",
                zh=f"{number(siting.get('candidates'))} 处，其中推定 "
                f"{number(siting.get('assumed_candidates'))} 处",
            ),
        ),
    ]
    for key in ("objective", "lower_bound"):
        figure = number(siting.get(key))
        value = Message(en=f"{figure} {unit.en}".strip(), zh=f"{figure} {unit.zh}".strip())
        rows.append((term(key, "indicator").message, value))
    gap = siting.get("gap")
    rows.append(
        (
            term("gap", "indicator").message,
            Message(en=percent(gap, "en", 3), zh=percent(gap, "zh", 3)),
        )
    )
    return rows


def cell_facts(plan: Plan) -> list[tuple[Message, Message]]:
    """Return the cells as rows of label and value."""
    cells = plan.summary["cells"]
    rows = [
        (Message(en="method", zh="方法"), _word("kind", str(cells["method"]))),
        (term("cells", "indicator").message, _same(number(cells["count"]))),
    ]
    rows += [
        (term(key, "indicator").message, _same(f"{number(cells[key])} m²"))
        for key in ("area_p5_m2", "area_median_m2", "area_p95_m2")
    ]
    for kind, count in sorted(cells["exceptions"].items()):
        word = _word("exception", kind)
        label = Message(en=f"exception: {word.en}", zh=f"例外：{word.zh}")
        rows.append((label, _same(number(count))))
    official = plan.summary["place"]["codes_official"]
    rows.append(
        (
            Message(en="codes", zh="编码"),
            Message(en="official", zh="官方编码")
            if official
            else Message(en="place-holder digits, not official", zh="占位编码，非官方"),
        )
    )
    return rows


def network_facts(plan: Plan) -> list[tuple[Message, Message]]:
    """Return the walking network as rows of label and value."""
    network = plan.summary.get("network") or {}
    rows = []
    for key, value in network.items():
        if not known(key, "indicator"):
            continue
        word = term(key, "indicator")
        if word.unit == "share":
            rows.append((word.message, Message(en=percent(value, "en"), zh=percent(value, "zh"))))
        else:
            rows.append((word.message, _same(number(value) + (" m" if word.unit == "m" else ""))))
    return rows


def table_view(plan: Plan, name: str, table: pd.DataFrame) -> Table:
    """Return a table of `tabulation.tables` as it is printed."""
    shown = [column for column in table.columns if not _empty(table[column])]
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


def _empty(column: pd.Series) -> bool:
    return bool(column.isna().all())


def _value(column: str, value: object) -> Value:
    if isinstance(value, Message):
        return Value(value, value.en, numeric=False)
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return Value(_same(""), "", numeric=False)
    if str(value) in {"True", "False"}:
        return _flag(column, yes=str(value) == "True")
    if isinstance(value, str):
        word = _word("kind", value) if column in _WORD_COLUMNS else _same(value)
        return Value(word, value, numeric=False)
    figure = float(value)  # type: ignore[arg-type]
    if column.endswith(_SHARE_SUFFIX):
        text = Message(en=percent(figure, "en"), zh=percent(figure, "zh"))
    else:
        text = _same(number(figure, 0 if figure.is_integer() else _DIGITS.get(column, 0)))
    return Value(text, f"{figure:.6f}", numeric=True)


def _flag(column: str, *, yes: bool) -> Value:
    if column == "ok":
        return Value(_same("✓" if yes else "✗"), str(int(yes)), numeric=False)
    text = Message(en="yes", zh="是") if yes else Message(en="no", zh="否")
    return Value(text, str(int(yes)), numeric=False)


def _caveats(plan: Plan) -> list[Message]:
    """Return the caveats of the plan, and those that only show when it is printed."""
    found = [spoken(one) for one in plan.summary["caveats"]]
    names = [
        str(one) for layer in ("communities", "committees") for one in plan.layers[layer]["name"]
    ]
    with_glyphs = fonts.matplotlib_families()[1]
    missing = fonts.missing_glyphs("".join(names) + plan.place.name, *with_glyphs)
    if missing:
        found.append(
            Message(
                en=f"The font lacks {len(missing)} characters, shown as {fonts.STAND_IN} in the "
                f"figures: {fonts.named(missing)}.",
                zh=f"字体缺少 {len(missing)} 个字符，图中以 {fonts.STAND_IN} 代替："
                f"{fonts.named(missing)}。",
            )
        )
    return found


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


def _plain(norm: Mapping[str, Any]) -> str:
    unit = norm.get("unit")
    return _setting(norm["value"]) + (f" {unit}" if unit and unit != "1" else "")


def _settings(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return the settings that hold something, as rows of dotted key and value."""
    rows = []
    for key, value in settings.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping):
            rows += _settings(value, path)
        elif value is not None:
            rows.append((path, _setting(value)))
    return rows


def _setting(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_setting(one) for one in value) or NOTHING
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def _with_fonts(page: str, plan: Plan) -> str:
    """Return the page with the letters it uses, so that it has them on any machine."""
    serif = (
        "".join(one.zh + one.en for one in (title(plan), finding(plan), *method.SECTIONS.values()))
        + plan.place.name
    )
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


def _word(family: Family, key: str) -> Message:
    return term(key, family).message if known(key, family) else _same(key)


def _same(text: str) -> Message:
    return Message(en=text, zh=text)


def _percent(share: float | None) -> Message:
    return Message(en=percent(share, "en"), zh=percent(share, "zh"))


def _metres(value: float | None) -> Message:
    return Message(en=f"{number(value)} m", zh=f"{number(value)} 米")


def area_line(plan: Plan) -> Message:
    """Return area and CRS in one line."""
    area = kilometres2(float(plan.summary["place"]["area_m2"]))
    crs = plan.summary["place"]["crs"]
    return Message(en=f"{area}, {crs}", zh=f"{area}，{crs}")
