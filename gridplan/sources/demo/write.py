"""The demo town as the files a planner would have; the same bytes for the same options."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import pandas as pd
import pyogrio

from gridplan.sources.demo.options import AS_OF, CRS, TOWN_NAME, DemoTown

_GPKG, _XLSX, _TOML = "xinzhen.gpkg", "population.xlsx", "gridplan.toml"
_GPKG_DATE = f"{AS_OF}T00:00:00.000Z"
_ZIP_DATE = (2026, 6, 30, 0, 0, 0)
_CODE_COLUMN_WIDTH, _COLUMN_WIDTH = 18, 12
_ZONES, _ROOMS = 8, 12
_LEAST_ZONES = 2

_SETTINGS = """\
# 新镇街道（演示）：虚构数据，仅供试用。
# A synthetic sub-district: invented data, for trying things out.
# 各项说明见 docs/settings.md · every key is explained there.

[place]
name = "{name}"
crs = "{crs}"                  # CGCS2000 三度带，中央经线 120°E · 3-degree zone, 120°E
as_of = {as_of}                 # 数据截止日期 · date of the data
layers = "{gpkg}"            # 所有图层 · every layer, by its name
population = "{xlsx}"     # 各社区人口 · population by community

[cells]
method = "fabric"                  # 沿道路、水系、围墙 · along streets, water and walls
target_m2 = 10000                  # 万米单元网格 · about 10,000 m² each

[zones]
k = {zones}                              # 责任区个数 · number of responsibility zones

[unify.duties]                     # 分类执法：类别 = 责任部门 · class = department
"市容环境" = "城管"
"宣传广告" = "城管"
"街面秩序" = "公安"
"食品安全" = "市场监管"
"施工管理" = ""                    # 由街道兜底 · falls to the office

[siting]
p = {rooms}                             # 新建居民活动室个数 · number of new activity rooms
"""


def write_project(town: DemoTown, folder: Path) -> Path:
    """
    Write the town as a project and return the path of its ``gridplan.toml``.

    Parameters
    ----------
    town : DemoTown
    folder : Path
        Made if it is not there; files of the same names are replaced.

    Returns
    -------
    Path
        Beside it lie ``xinzhen.gpkg`` (all layers) and ``population.xlsx``.

    Notes
    -----
    The same options give the same bytes on one machine and with the same
    packages: dates inside the files are those of the data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_layers(town, folder / _GPKG)
    _write_population(town.population, folder / _XLSX)
    share = town.options.share_of_reference
    text = _SETTINGS.format(
        name=TOWN_NAME,
        crs=CRS,
        as_of=AS_OF,
        gpkg=_GPKG,
        xlsx=_XLSX,
        zones=max(_LEAST_ZONES, round(_ZONES * share)),
        rooms=max(1, round(_ROOMS * share)),
    )
    path = folder / _TOML
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _write_layers(town: DemoTown, path: Path) -> None:
    path.unlink(missing_ok=True)
    with _gdal_date(_GPKG_DATE):
        for name, layer in town.layers.items():
            pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG", append=path.exists())


@contextmanager
def _gdal_date(date: str) -> Iterator[None]:
    """Set the date that GeoPackages record as their last change."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": date})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _write_population(population: pd.DataFrame, path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "人口"
    sheet.append(list(population.columns))
    for row in population.itertuples(index=False):
        sheet.append([value if isinstance(value, str) else int(value) for value in row])
    for cell in sheet["A"]:
        # A code stays text when a planner edits it.
        cell.number_format = "@"
    for letter in "ABCDEFGH":
        wide = letter in "AB"
        sheet.column_dimensions[letter].width = _CODE_COLUMN_WIDTH if wide else _COLUMN_WIDTH
    sheet.freeze_panes = "C2"
    book.properties.creator = "gridplan"
    book.properties.created = dt.datetime(*_ZIP_DATE[:3])  # noqa: DTZ001 - Excel keeps no zone
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(_without_clock(buffer))


def _without_clock(saved: io.BytesIO) -> bytes:
    """Return the workbook with the time of saving taken out of it."""
    stamp = b">%s<" % f"{AS_OF}T00:00:00Z".encode()
    result = io.BytesIO()
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb">\d{4}-\d\d-\d\dT[\d:]+Z<", stamp, content)
            entry = zipfile.ZipInfo(name, date_time=_ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return result.getvalue()
