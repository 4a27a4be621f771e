"""The tables as an Excel workbook: ids stay text, the same plan gives the same bytes."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import zipfile
from typing import TYPE_CHECKING

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.gaps import GAP_COLUMN, WORKBOOK_FORMAT
from gridplan.present.tabulation import (
    ABOUT,
    SHARE_SUFFIX,
    TITLES,
    TOTALLED,
    as_text,
    digits,
    empty_columns,
    heading,
    tables,
)
from gridplan.present.words import finding, source_line, title

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX, _FILE_MODE = 3, 0o644 << 16
_NOT_ALLOWED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_NARROWEST, _WIDEST = 8, 52
_PAD = 2
_CJK_START = 0x2E80
_TEXT = "@"
ABOUT_TITLE = Message(en="About", zh="说明")
_HEADER_FILL, _TOTAL_FILL = "E3ECEF", "F3F3F0"


def tables_xlsx(plan: Plan) -> bytes:
    """
    Return the tables of a plan as one workbook: a sheet that explains the others, then one each.

    Headers are Chinese over English; ids and other texts are cells of format ``@``,
    so that a code of 15 digits survives an edit in Excel or WPS, and a name that
    begins with ``=`` stays a name. Shares are percentages. Columns that hold nothing are
    left out, and the first sheet says which. Dates in the file are the plan's.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    made = tables(plan)
    _about(book.create_sheet(_sheet_name(ABOUT_TITLE)), plan, made)
    for name, table in made.items():
        kept = table.drop(columns=empty_columns(table))
        _fill(book.create_sheet(_sheet_name(TITLES[name])), plan, kept, total=name in TOTALLED)
    stamp = dt.datetime.combine(plan.place.as_of, dt.time(), tzinfo=None)
    book.properties.creator = "gridplan"
    book.properties.title = _clean(plan.place.name)
    book.properties.created = stamp
    raw = io.BytesIO()
    book.save(raw)
    return _same_bytes(raw.getvalue(), stamp)


def _sheet_name(message: Message) -> str:
    return f"{message.zh} {message.en}"


def _about(sheet: Worksheet, plan: Plan, made: dict[str, pd.DataFrame]) -> None:
    """Write the first sheet: place, finding, and what each sheet is."""
    told = [title(plan), finding(plan), source_line(plan)]
    lines: list[tuple[str, str, str, str]] = [("", one.zh, one.en, "") for one in told]
    lines += [
        ("", "", "", ""),
        _ABOUT_HEAD,
    ]
    for name, table in made.items():
        hidden = [as_text(heading(plan, column)) for column in empty_columns(table)]
        lines.append(
            (_sheet_name(TITLES[name]), ABOUT[name].zh, ABOUT[name].en, "; ".join(map(str, hidden)))
        )
    lines += [("", "", "", ""), *(("", one.zh, one.en, "") for one in _RULES)]
    for row, line in enumerate(lines, start=1):
        for place, text in enumerate(line, start=1):
            if text:
                cell = sheet.cell(row, place)
                _write(cell, text)
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        if line is _ABOUT_HEAD:
            for cell in sheet[row]:
                _as_head(cell)
    for letter, width in zip("ABCD", (30, 52, 60, 34), strict=True):
        sheet.column_dimensions[letter].width = width


_ABOUT_HEAD = ("工作表 sheet", "内容", "content", "未列出的空列 empty columns left out")
_UNITLESS = frozenset({"", "None", "nan"})
_RULES = (
    Message(
        en="Codes and ids are text. Walks are metres along the streets. Shares are of all "
        "residents; whoever has no distance is counted by reason and never as far.",
        zh="编码与编号均为文本；步行距离为沿道路的米数；比例以全部居民为分母；"
        "没有距离的居民按原因计数，不计入“远”。",
    ),
    Message(
        en="The last row of a table is its total where it says so, and equals the report's.",
        zh="表末标有“合计”的行为总数，与报告一致。",
    ),
)


def _fill(sheet: Worksheet, plan: Plan, table: pd.DataFrame, *, total: bool) -> None:
    units = table["unit"].tolist() if "unit" in table else [None] * len(table)
    keys = table["key"].tolist() if "key" in table else units
    for place, column in enumerate(table.columns, start=1):
        message = heading(plan, column)
        head = sheet.cell(1, place)
        _write(head, message.zh if message.zh == message.en else f"{message.zh}\n{message.en}")
        _as_head(head)
        formats = [
            _value_format(value, str(unit), str(key))
            if column == "value"
            else _number_format(column)
            for value, unit, key in zip(table[column], units, keys, strict=True)
        ]
        for row, (value, style) in enumerate(zip(table[column], formats, strict=True), start=2):
            cell = sheet.cell(row, place)
            _write(cell, value, style=style)
            if isinstance(value, str) and _width(value) > _WIDEST:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[head.column_letter].width = _column_width(head, table[column])
    if total:
        for cell in sheet[sheet.max_row]:
            cell.font = Font(bold=True)
            cell.fill = PatternFill("solid", fgColor=_TOTAL_FILL)
    # What names a row stays in sight: its id, and its name where it has one.
    sheet.freeze_panes = "C2" if "name" in table.columns[:2] else "B2"
    sheet.auto_filter.ref = sheet.dimensions


def _as_head(cell: Cell) -> None:
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor=_HEADER_FILL)
    cell.alignment = Alignment(wrap_text=True, vertical="center")


def _value_format(value: object, unit: str, key: str) -> str:
    """Return how Excel shows a figure of the summary, whose unit and key stand beside it."""
    if unit.endswith("share"):
        return WORKBOOK_FORMAT if key.endswith(".gap") else "0.0%"
    exact = isinstance(value, float) and not value.is_integer() and unit in _UNITLESS
    return "0.0000" if exact else "#,##0"


def _number_format(column: str) -> str:
    """Return how Excel shows the numbers of a column."""
    places = digits(column)
    if column == GAP_COLUMN:
        return WORKBOOK_FORMAT
    if column.endswith(SHARE_SUFFIX):
        return f"0.{'0' * places}%"
    return f"#,##0.{'0' * places}" if places else "#,##0"


def _column_width(head: Cell, values: pd.Series) -> float:
    shown = [_width(line) for line in str(head.value).splitlines()]
    shown += [_width(_shown(value)) for value in values]
    return min(max(max(shown) + _PAD, _NARROWEST), _WIDEST)


def _shown(value: object) -> str:
    """Return about what the cell shows, for its width."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:,.0f}" if abs(value) > 1 else "100.0%"
    return "" if value is None or value is pd.NA else str(value)


def _write(cell: Cell, value: object, *, style: str = "General") -> None:
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, str):
        cell.value = _clean(value)
        cell.data_type = "s"  # else a text that begins with "=" would become a formula
        cell.number_format = _TEXT
    elif isinstance(value, bool) or str(value) in {"True", "False"}:
        cell.value = "是 yes" if str(value) == "True" else "否 no"
        cell.number_format = _TEXT
    else:
        figure = float(value)  # type: ignore[arg-type]
        cell.value = int(figure) if figure.is_integer() else round(figure, 6)
        cell.number_format = style


def _width(value: object) -> int:
    """Return the width of a value in characters, a Chinese one counting twice."""
    text = "" if value is None else str(value)
    return sum(2 if ord(one) >= _CJK_START else 1 for one in text)


def _clean(text: str) -> str:
    return _NOT_ALLOWED.sub("", text)


def _same_bytes(workbook: bytes, stamp: dt.datetime) -> bytes:
    """Return the archive without the time of writing, which openpyxl puts in on saving."""
    when = stamp.strftime("%Y-%m-%dT%H:%M:%SZ").encode("ascii")
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as given,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fixed,
    ):
        for name in given.namelist():
            content = given.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>" + when + rb"\g<2>", content)
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = _UNIX, _FILE_MODE
            fixed.writestr(entry, content)
    return out.getvalue()
