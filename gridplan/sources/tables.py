"""Tables from CSV and Excel files, every cell text, as codes need it."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd

from gridplan.errors import (
    FaultList,
    InputError,
    Message,
    MissingInputError,
    agreed,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.sources.coordinate_checks import coordinate_faults

_DELIMITERS = ",;\t|"
_ENCODINGS = ("utf-8-sig", "gb18030")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SHOWN_BYTES = 24
_EXCEL_EXACT = 10**15
_TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
_EXCEL_SUFFIXES = (".xlsx", ".xlsm")

_LON_LAT = "EPSG:4326"
_X_NAMES = ("x", "x坐标", "东坐标", "easting", "coordinate_x")
_Y_NAMES = ("y", "y坐标", "北坐标", "northing", "coordinate_y")
_LON_NAMES = ("lon", "lng", "longitude", "经度", "longitudewgs84")
_LAT_NAMES = ("lat", "latitude", "纬度", "latitudewgs84")

_PERSONAL = re.compile(
    r"电话|手机|座机|联系|微信|邮箱|身份证|证件|姓名|户主|住址|家庭地址|负责人|责任人|经办人"
    r"|phone|mobile|(?:^|[^a-z])tel(?![a-z])|contact|e-?mail|wechat|passport"
    r"|id[ _-]?(?:card|number|no)(?![a-z])|(?:first|last|full|sur)[ _-]?name"
)

Cell = str | None
Rows = list[list[Cell]]


def is_personal(header: object) -> bool:
    """
    Return whether a column, by its header, looks like data about persons.

    Such columns (telephones, names, numbers of identity cards) are nothing a
    plan needs, and must not travel in its files.

    Examples
    --------
    >>> is_personal("联系电话"), is_personal("Tel."), is_personal("ID card")
    (True, True, True)
    >>> is_personal("社区名称"), is_personal("hotel"), is_personal("name")
    (False, False, False)
    """
    return _PERSONAL.search(unicodedata.normalize("NFKC", str(header)).lower()) is not None


def read_table(path: Path | str, *, sheet: str | None = None) -> pd.DataFrame:
    """
    Read a table from a CSV or XLSX file, every cell as text.

    The first row that is not empty holds the column names. Numbers of Excel
    become text as they read (``320583102``, not ``320583102.0``), leading zeros
    of texts stay. Blanks around texts, and rows and columns that are wholly
    empty, are left out. CSV may be UTF-8, with or without a byte order mark,
    or GB18030, and be separated by comma, semicolon, tab or bar.

    Parameters
    ----------
    path : path
    sheet : str, optional
        Of an Excel file; by default the only sheet that holds anything.

    Returns
    -------
    DataFrame of object
        Each cell a str or None; the index counts from 0.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputError
        For another kind of file, an unknown sheet, an empty table, columns
        without a name or with the same one, rows longer than the first.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingInputError(
            Message(
                en=f"There is no file {file}. Check the path; it is relative to the settings file.",
                zh=f"找不到文件 {file}。请检查路径（相对于设置文件）。",
            )
        )
    suffix = file.suffix.lower()
    if suffix in _EXCEL_SUFFIXES:
        rows, what = _excel_rows(file, sheet)
    elif suffix in _TEXT_SUFFIXES:
        rows, what = _csv_rows(file), file.name
    else:
        raise InputError(_unknown_kind(file))
    return _table(rows, what)


def _unknown_kind(file: Path) -> Message:
    old = file.suffix.lower() == ".xls"
    return Message(
        en=f"{file.name} is {'an old Excel file (.xls)' if old else 'no CSV or XLSX file'}. "
        f"Save it as .xlsx or as CSV (UTF-8) and name that.",
        zh=f"{file.name} {'是旧版 Excel 文件（.xls）' if old else '不是 CSV 或 XLSX 文件'}。"
        f"请另存为 .xlsx 或 CSV（UTF-8）后再指定。",
    )


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(
            Message(
                en=f"{file.name} cannot be opened ({error.strerror}). Close the program that "
                f"holds it, or check that you may read it.",
                zh=f"无法打开 {file.name}（{error.strerror}）。"
                f"请关闭占用它的程序，或检查读取权限。",
            )
        ) from error


def _csv_rows(file: Path) -> Rows:
    text = _decoded(file)
    first = next((line for line in text.splitlines() if line.strip()), "")
    # Counting beats csv.Sniffer, which takes letters for separators in short files.
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        return [
            list(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
        ]
    except csv.Error as error:
        raise InputError(
            Message(
                en=f"{file.name} is no proper CSV file ({error}). Look for a quotation mark "
                f"without its twin, or save it again as CSV (UTF-8).",
                zh=f"{file.name} 不是规范的 CSV 文件（{error}）。"
                f"请检查不成对的引号，或重新另存为 CSV（UTF-8）。",
            )
        ) from error


def _decoded(file: Path) -> str:
    content = _content(file)
    encodings = ("utf-16",) if content.startswith(_UTF16) else _ENCODINGS
    failures: list[UnicodeDecodeError] = []
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            failures.append(error)
    start = failures[0].start
    found = content[start : start + _SHOWN_BYTES]
    raise InputError(
        Message(
            en=f"{file.name} is neither UTF-8 nor GB18030, e.g. the bytes {found!r} at {start}. "
            f"Save it again as CSV (UTF-8).",
            zh=f"{file.name} 既不是 UTF-8 也不是 GB18030，例如第 {start} 字节处的 {found!r}。"
            f"请重新另存为 CSV（UTF-8）。",
        )
    )


def _excel_rows(file: Path, sheet: str | None) -> tuple[Rows, str]:
    content = io.BytesIO(_content(file))
    try:
        # openpyxl warns of every style and validation that it leaves alone.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            book = openpyxl.load_workbook(content, read_only=True, data_only=True)
            try:
                return _chosen_sheet(book, file, sheet)
            finally:
                book.close()
    except InputError:
        raise
    except (zipfile.BadZipFile, ET.ParseError, KeyError, ValueError, OSError) as error:
        raise InputError(
            Message(
                en=f"{file.name} cannot be opened as an Excel file ({error}). Save it again as "
                f".xlsx, without a password.",
                zh=f"{file.name} 无法作为 Excel 文件打开（{error}）。"
                f"请重新另存为 .xlsx，不设密码。",
            )
        ) from error


def _chosen_sheet(book: openpyxl.Workbook, file: Path, wanted: str | None) -> tuple[Rows, str]:
    # Chart sheets have no cells and are no tables.
    names = [one.title for one in book.worksheets]
    if wanted is not None and wanted not in names:
        near = difflib.get_close_matches(wanted, names, n=1)
        raise InputError(
            Message(
                en=f"{file.name} has no sheet {wanted!r}; it has {', '.join(names)}."
                f"{f' Did you mean {near[0]!r}?' if near else ''}",
                zh=f"{file.name} 中没有工作表 {wanted!r}；现有：{'、'.join(names)}。"
                f"{f'是否为 {near[0]!r}？' if near else ''}",
            )
        )
    chosen = names if wanted is None else [wanted]
    filled = {name: rows for name in chosen if any(map(any, rows := _sheet_rows(book[name], file)))}
    if len(filled) > 1:
        raise InputError(
            Message(
                en=f"{file.name} holds {len(filled)} sheets: {', '.join(filled)}. Name one with "
                f"`sheet = …`.",
                zh=f"{file.name} 含有 {len(filled)} 个工作表：{'、'.join(filled)}。"
                f"请用 `sheet = …` 指定一个。",
            )
        )
    name = next(iter(filled), chosen[0])
    return filled.get(name, []), f"{file.name}, {name}"


def _sheet_rows(sheet: openpyxl.worksheet._read_only.ReadOnlyWorksheet, file: Path) -> Rows:
    # Some programs store a wrong extent, which read-only mode would believe.
    sheet.reset_dimensions()
    rows = list(sheet.iter_rows(values_only=True))
    long = [value for row in rows for value in row if _has_lost_digits(value)]
    if long:
        raise InputError(
            Message(
                en=f"{file.name}, {sheet.title}: "
                f"{counted(len(long), 'number has', 'numbers have')} more than 15 "
                f"digits, which Excel rounds: {first_ids(long)}. Enter such codes as text.",
                zh=f"{file.name}，{sheet.title}：{len(long)} 个数字超过 15 位，"
                f"Excel 会舍入：{ids_zh(long)}。请以文本格式录入此类编码。",
            )
        )
    return [[_text(value) for value in row] for row in rows]


def _has_lost_digits(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) >= _EXCEL_EXACT


def _text(value: object) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.15g}"  # as Excel shows it, not as binary stores it
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)


def _table(rows: Rows, what: str) -> pd.DataFrame:
    cleaned = [[(cell or "").strip() or None for cell in row] for row in rows]
    filled = [row for row in cleaned if any(row)]
    if len(filled) <= 1:
        found = "is empty" if not filled else "has column names but no rows"
        found_zh = "为空" if not filled else "只有表头，没有数据行"
        raise InputError(
            Message(
                en=f"{what} {found}. Expected a first row with column names and rows below it.",
                zh=f"{what}{found_zh}。第一行应为字段名，其下为数据。",
            )
        )
    width = max(map(len, filled))
    grid = [row + [None] * (width - len(row)) for row in filled]
    used = [column for column in range(width) if any(row[column] for row in grid)]
    header = [grid[0][column] for column in used]
    _check_header(header, [len(row) for row in filled], what)
    body = [[row[column] for column in used] for row in grid[1:]]
    return pd.DataFrame(body, columns=pd.Index(header, dtype="object"), dtype="object")


def _check_header(header: Sequence[Cell], lengths: Sequence[int], what: str) -> None:
    faults = FaultList()
    names = pd.Series(list(header), dtype="object")
    unnamed = int(names.isna().sum())
    if unnamed:
        longer = sum(length > lengths[0] for length in lengths)
        faults.add(
            en=f"{what}: "
            f"{counted(unnamed, 'column holds data but has', 'columns hold data but have')} no "
            f"name in the first row ({counted(longer, 'row is', 'rows are')} longer than it). "
            f"Give every column a name; titles above the header and merged headers are not read.",
            zh=f"{what}：{unnamed} 列有数据但第一行没有字段名（{longer} 行比表头长）。"
            f"请为每列写上字段名；不支持表头上方的标题和合并表头。",
        )
    twice = sorted(names[names.duplicated() & names.notna()].unique())
    if twice:
        faults.add(
            en=f"{what}: {counted(len(twice), 'column name occurs', 'column names occur')} more "
            f"than once: {first_ids(twice)}. Names must be unique.",
            zh=f"{what}：{len(twice)} 个字段名重复：{ids_zh(twice)}。字段名必须唯一。",
        )
    faults.raise_if_any(InputError)


class _Axes(NamedTuple):
    x: str
    y: str
    degrees: bool


def points_from_table(
    table: pd.DataFrame,
    *,
    crs: object = None,
    x: str | None = None,
    y: str | None = None,
    what: str = "table",
) -> gpd.GeoDataFrame:
    """
    Return the rows of a table as points, by its columns of coordinates.

    Without `x` and `y`, columns named lon / lat, longitude / latitude or 经度 /
    纬度 are taken as degrees, and columns x / y (东坐标 / 北坐标) as coordinates
    in `crs`.

    Parameters
    ----------
    table : DataFrame
        As `read_table` gives it.
    crs : anything pyproj understands, optional
        Of the coordinates; degrees are EPSG:4326 if it is not given.
    x, y : str, optional
        Names of the columns: longitude or easting, latitude or northing.
    what : str
        Name of the table, for messages.

    Returns
    -------
    GeoDataFrame of Point, indexed like `table`, with all its columns.

    Raises
    ------
    InputError
        If there are no such columns, or coordinates are missing, no numbers,
        out of range or exchanged; all such faults together.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["甲"], "经度": ["120.98"], "纬度": ["31.46"]})
    >>> points_from_table(table).geometry.iloc[0].wkt
    'POINT (120.98 31.46)'
    """
    axes = _axes(table, x, y, what)
    if crs is None and not axes.degrees:
        raise InputError(
            Message(
                en=f"{what}: the columns {axes.x}, {axes.y} need a coordinate system. Name it "
                f'with `crs = "EPSG:…"`.',
                zh=f'{what}：字段 {axes.x}、{axes.y} 需要坐标系。请用 `crs = "EPSG:…"` 指明。',
            )
        )
    faults = FaultList()
    columns = [_numbers(table[name], what, faults) for name in (axes.x, axes.y)]
    faults.raise_if_any(InputError)
    points = gpd.GeoDataFrame(
        table.copy(), geometry=gpd.points_from_xy(*columns), crs=_LON_LAT if crs is None else crs
    )
    faults.extend(coordinate_faults(points, what))
    faults.raise_if_any(InputError)
    return points


def _axes(table: pd.DataFrame, x: str | None, y: str | None, what: str) -> _Axes:
    own = {str(name).strip().lower(): str(name) for name in table.columns}
    if x is not None and y is not None:
        missing = [name for name in (x, y) if name not in table]
        if not missing:
            return _Axes(x, y, degrees=False)
    else:
        missing = []
        for xs, ys, degrees in ((_LON_NAMES, _LAT_NAMES, True), (_X_NAMES, _Y_NAMES, False)):
            found_x, found_y = _first(own, xs), _first(own, ys)
            if found_x is not None and found_y is not None:
                return _Axes(found_x, found_y, degrees=degrees)
    lacks = f" {missing}" if missing else ""
    raise InputError(
        Message(
            en=f"{what} has no columns of coordinates{lacks}; it has {list(own.values())}. "
            f"Expected lon, lat or x, y (经度, 纬度).",
            zh=f"{what} 没有坐标字段{lacks}；现有字段 {list(own.values())}。"
            f"应有 lon、lat 或 x、y（经度、纬度）。",
        )
    )


def _first(own: dict[str, str], names: Iterable[str]) -> str | None:
    return next((own[name] for name in names if name in own), None)


def _numbers(values: pd.Series, what: str, faults: FaultList) -> np.ndarray:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    bad = ~np.isfinite(numbers)
    if bad.any():
        found = values.astype("object").where(values.notna(), "")
        rows = [f"row {at + 1} = {found.iloc[at]!r}" for at in np.flatnonzero(bad)]
        faults.add(
            en=f"{what}: {int(bad.sum())} of {len(values)} values of `{values.name}` "
            f"{agreed(int(bad.sum()), 'is no number', 'are no numbers')}: {first_ids(rows)} "
            f"(below the header). Give every row its coordinates.",
            zh=f"{what}：`{values.name}` 的 {len(values)} 个值中有 {int(bad.sum())} 个不是数字："
            f"{ids_zh(rows)}（表头以下的行号）。请补全每行的坐标。",
        )
    return numbers.to_numpy()
