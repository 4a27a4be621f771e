"""The field check as a GeoPackage for an app on the ground: points to be answered."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from gridplan.answers import ANSWER_LAYER, words_table
from gridplan.errors import Message, OutputError, counted, first_ids, ids_zh
from gridplan.store.beside import check_beside
from gridplan.store.folder import staged
from gridplan.store.geopackage import fixed_clock

FIELD_FILES = ("fieldcheck.html", "fieldcheck.gpkg")
"""What the folder of a field check holds."""

_WORDS_TABLE = "answers"
_TEXTS = (
    "check_id", "kind", "target_id", "estate_id", "community", "estate", "street", "question",
    "question_en", "doubt", "doubt_en", "way", "members",
)  # fmt: skip
_FIGURES = ("rank", "residents", "effect")


def write_field_check(items: gpd.GeoDataFrame, page: str, folder: Path, *, as_of: dt.date) -> None:
    """
    Write the folder of a field check, whole or not at all.

    Parameters
    ----------
    items : GeoDataFrame
        As `field_check` gives them.
    page : str
        The printable list.
    as_of : date
        Written as the date of the file, so that the same list gives the same bytes.
    """
    with staged(folder) as aside:
        (aside / FIELD_FILES[0]).write_text(page, encoding="utf-8")
        with fixed_clock(as_of):
            _write_points(items, aside / FIELD_FILES[1])
            table = words_table()
            pyogrio.write_dataframe(
                table, aside / FIELD_FILES[1], layer=_WORDS_TABLE, driver="GPKG"
            )


def check_field_target(folder: Path, *, replace: bool, run: Path) -> None:
    """
    Refuse a folder that must not be written: a run's own, foreign things, answers not merged.

    Raises
    ------
    OutputError
    """
    what = Message(en="field check", zh="核查清单")
    if check_beside(folder, FIELD_FILES, what=what, replace=replace, run=run):
        _keep_answers(folder / FIELD_FILES[1])


def _keep_answers(path: Path) -> None:
    """Refuse to replace a file that somebody has filled in."""
    if not path.is_file():
        return
    frame = pyogrio.read_dataframe(path, layer=ANSWER_LAYER, read_geometry=False)
    filled = frame["check_id"][frame["answer"].notna()] if "answer" in frame else frame.iloc[:, 0]
    if len(filled):
        raise OutputError(
            Message(
                en=f"{path} holds {counted(len(filled), 'answer', 'answers')} "
                f"({first_ids(filled.tolist())}), which would be lost. Merge it, "
                f"or move it elsewhere.",
                zh=f"{path} 中已有 {len(filled)} 项答复（{ids_zh(filled.tolist())}），"
                f"替换将丢失。请先合并或移走该文件。",
            )
        )


def _write_points(items: gpd.GeoDataFrame, path: Path) -> None:
    """Write the items with empty columns for the answers, the date as a date."""
    size = len(items)
    empty_text = np.full(size, None, dtype=object)
    columns: dict[str, np.ndarray] = {name: _texts(items[name]) for name in _TEXTS}
    columns |= {name: items[name].to_numpy(dtype=np.int64) for name in _FIGURES}
    columns |= {
        "answer": empty_text,
        "value": np.full(size, np.nan),
        "checked_on": np.full(size, "NaT", dtype="datetime64[D]"),
        "remark": empty_text,
    }
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(items.geometry.to_numpy()),
        field_data=list(columns.values()),
        fields=list(columns),
        field_mask=[np.asarray(pd.isna(values), dtype=bool) for values in columns.values()],
        layer=ANSWER_LAYER,
        driver="GPKG",
        geometry_type="Point",
        crs=items.crs.to_wkt(),
    )


def _texts(values: pd.Series[str]) -> np.ndarray:
    return values.astype("object").where(values.notna(), None).to_numpy(dtype=object)
