"""The tables as an Excel workbook: ids stay text, the same plan gives the same bytes."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import zipfile
from typing import TYPE_CHECKING

import pandas as pd

from gridplan.plan import Plan
from gridplan.present.tabulation import TITLES, TOTALLED, heading, tables

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX, _FILE_MODE = 3, 0o644 << 16
_NOT_ALLOWED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_WIDTHS = (9, 44)
_CJK_START = 0x2E80
_TEXT = "@"
_HEADER_FILL, _TOTAL_FILL = "E3ECEF", "F3F3F0"


def tables_xlsx(plan: Plan) -> bytes:
    """
    Return the tables of a plan as one workbook, a sheet each.

    Headers are Chinese over English; ids and other texts are cells of format ``@``,
    so that a code of 15 digits survives an edit in Excel or WPS, and a name that
    begins with ``=`` stays a name. Dates in the file are the plan's.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, table in tables(plan).items():
        title = TITLES[name]
        _fill(book.create_sheet(f"{title.zh} {title.en}"), plan, table, total=name in TOTALLED)
    stamp = dt.datetime.combine(plan.place.as_of, dt.time(), tzinfo=None)
    book.properties.creator = "gridplan"
    book.properties.title = _clean(plan.place.name)
    book.properties.created = stamp
    raw = io.BytesIO()
    book.save(raw)
    return _same_bytes(raw.getvalue(), stamp)


def _fill(sheet: Worksheet, plan: Plan, table: pd.DataFrame, *, total: bool) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    for place, column in enumerate(table.columns, start=1):
        message = heading(plan, column)
        head = sheet.cell(1, place)
        _write(head, message.zh if message.zh == message.en else f"{message.zh}\n{message.en}")
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor=_HEADER_FILL)
        head.alignment = Alignment(wrap_text=True, vertical="center")
        widest = max([len(column), *(_width(value) for value in table[column])])
        sheet.column_dimensions[head.column_letter].width = min(
            max(widest + 2, _WIDTHS[0]), _WIDTHS[1]
        )
        for row, value in enumerate(table[column], start=2):
            _write(sheet.cell(row, place), value)
    if total:
        for cell in sheet[sheet.max_row]:
            cell.font = Font(bold=True)
            cell.fill = PatternFill("solid", fgColor=_TOTAL_FILL)
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions


def _write(cell: Cell, value: object) -> None:
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, str):
        cell.value = _clean(value)
        cell.data_type = "s"  # else a text that begins with "=" would become a formula
        cell.number_format = _TEXT
    elif isinstance(value, bool) or str(value) in {"True", "False"}:
        cell.value = "是 yes" if value else "否 no"
    else:
        figure = float(value)  # type: ignore[arg-type]
        cell.value = int(figure) if figure.is_integer() else round(figure, 6)
        cell.number_format = "#,##0" if figure.is_integer() else "#,##0.0##"


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
