"""A grid that exists, as its office keeps it: fields recognised, codes kept, rows told apart."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridplan.config import LayerSource
from gridplan.errors import InputError, Message, agreed, counted, first_ids, ids_zh
from gridplan.place import as_text
from gridplan.project.files import read_source
from gridplan.project.reading import (
    Reading,
    in_project_system,
    no_layer,
    on_grid,
    source_of,
)
from gridplan.sources.grid_fields import FIELDS

_LAYER = "cells"
_COLUMNS = ("cell_key", "cell_id", "cell_uid", "community_id")


def read_cells(reading: Reading) -> None:
    """
    Read the grid of ``[place].cells``, if the cells are to be taken from it.

    Rows that ended before the date of the data, and cells that lie mostly outside the
    boundary, are left out and noted; everything else stays as it is.
    """
    if reading.config.cells.method != "given":
        _note_unused(reading)
        return
    source = source_of(reading.config, reading.folder, _LAYER)
    if not isinstance(source, LayerSource):
        raise InputError(no_layer(_LAYER))
    what = f"[place].{_LAYER} ({source.file})"
    raw = read_source(source, reading.folder, _LAYER)
    if raw.empty:
        raise InputError(no_layer(_LAYER))
    frame = _with_fields(reading, raw, what)
    own = in_project_system(reading, frame, _LAYER, what)
    _note_other_system(reading, raw.crs, what)
    valid = _in_force(reading, own)
    # Not rounded: corners lie on lines of communities and on walls, and would leave them.
    strict = not reading.config.cells.repair
    keyed = _with_uids(reading, _with_keys(valid), what)
    cells = on_grid(reading, keyed, _LAYER, strict=strict, rounded=False)
    reading.layers[_LAYER] = _of_the_place(reading, cells, what)


def _note_unused(reading: Reading) -> None:
    if reading.config.place.cells is None:
        return
    reading.note(
        "cells_unused",
        [],
        count=1,
        en=f'[place].cells is not used: [cells].method is "{reading.config.cells.method}". Set '
        f'method = "given" to take the grid over.',
        zh=f"未使用 [place].cells：[cells].method 为 “{reading.config.cells.method}”。"
        f'如要沿用该网格，请设 method = "given"。',
    )


def _with_fields(reading: Reading, frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    """Return the frame with our names for the fields an office calls otherwise."""
    given = {str(one).strip().upper(): one for one in reversed(list(frame.columns))}
    renamed: dict[str, str] = {}
    for ours, theirs in FIELDS.items():
        known = [given[one.upper()] for one in (ours, *theirs) if one.upper() in given]
        if known and ours not in frame:
            renamed[known[0]] = ours
    told = frame.rename(columns=renamed)
    if "cell_id" not in told:
        fields = [str(one) for one in frame.columns if one != frame.geometry.name]
        raise InputError(
            Message(
                en=f"{what} has no field of codes; its fields are {fields}. Name it: cells = "
                f'{{ file = …, rename = {{ cell_id = "…" }} }}.',
                zh=f"{what} 中没有编码字段；现有字段 {fields}。请指明：cells = "
                f'{{ file = …, rename = {{ cell_id = "…" }} }}。',
            )
        )
    if renamed:
        said = [f"{theirs} → {ours}" for theirs, ours in renamed.items()]
        reading.note(
            "cells_fields_taken",
            said,
            en=f"Fields of {what} were taken as: {', '.join(said)}. Map them with `rename` if that "
            f"is wrong.",
            zh=f"{what} 的字段按以下理解：{'、'.join(said)}。若有误请用 `rename` 对应。",
        )
    _note_numbers(reading, told["cell_id"], what)
    return told


def _note_numbers(reading: Reading, codes: pd.Series, what: str) -> None:
    if not pd.api.types.is_numeric_dtype(codes):
        return
    reading.note(
        "cells_codes_numbers",
        [],
        count=len(codes),
        en=f"The codes of {what} are stored as numbers; they were read as text. Leading zeros are "
        f"lost, and more than 15 digits are not exact: store them as text.",
        zh=f"{what} 的编码以数值存储，已按文本读取。数值会丢失前导零，超过 15 位不精确，"
        f"请改存为文本。",
    )


def _note_other_system(reading: Reading, crs: pyproj.CRS, what: str) -> None:
    if pyproj.CRS(crs).equals(reading.crs, ignore_axis_order=True):
        return
    reading.note(
        "cells_transformed",
        [],
        count=1,
        en=f"{what} is in {pyproj.CRS(crs).name} and was transformed to {reading.crs.name}.",
        zh=f"{what} 采用 {pyproj.CRS(crs).name}，已转换为 {reading.crs.name}。",
    )


def _in_force(reading: Reading, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the cells that have not ended at the date of the data."""
    if "ended" not in frame:
        return frame
    # 9999-12-31 and other days no calendar of the machine has mean: not ended.
    days = pd.to_datetime(frame["ended"].astype("string"), errors="coerce", format="mixed")
    over = (days <= pd.Timestamp(reading.config.place.as_of)).to_numpy(dtype=bool)
    if over.any():
        ids = as_text(frame["cell_id"])[over].fillna("-").tolist()
        reading.note(
            "cells_ended",
            ids,
            en=f"{len(ids)} of {len(frame)} cells of the given grid ended on or before "
            f"{reading.config.place.as_of.isoformat()} and {agreed(len(ids), 'was', 'were')} left "
            f"out: {first_ids(ids)}.",
            zh=f"现有网格 {len(frame)} 个单元中有 {len(ids)} 个在 "
            f"{reading.config.place.as_of.isoformat()} 或之前已终止，未采用：{ids_zh(ids)}。",
        )
    return frame[~over].reset_index(drop=True)


def _with_keys(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """
    Return the frame with a key per row: the code, numbered where it is missing or repeated.

    Numbers follow the shapes, so that they do not depend on the order of the rows.
    """
    codes = as_text(frame["cell_id"])
    codes = codes.where(codes.notna() & (codes.astype("string").str.strip() != ""), None)
    base = codes.fillna("?").astype(str)
    shapes = shapely.to_wkb(shapely.normalize(frame.geometry.to_numpy()))
    order = np.array(
        sorted(range(len(frame)), key=lambda row: (base.iloc[row], shapes[row] or b"")),
        dtype=np.intp,
    )
    number = np.empty(len(frame), dtype=np.intp)
    number[order] = base.iloc[order].groupby(base.iloc[order].to_numpy()).cumcount() + 1
    several = (base.duplicated(keep=False) | (base == "?")).to_numpy()
    keys = [
        f"{one}#{at}" if more else one for one, at, more in zip(base, number, several, strict=True)
    ]
    return frame.assign(cell_id=codes, cell_key=keys)


def _with_uids(reading: Reading, frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    """
    Return the frame with the permanent ids that its cells carry; null for one that is new.

    Raises
    ------
    InputError
        If several cells carry the same.
    """
    if "cell_uid" not in frame:
        return frame
    uids = as_text(frame["cell_uid"]).astype("string").str.strip().astype("object")
    uids = uids.where(uids.notna() & (uids != ""), None)
    twice = (uids.notna() & uids.duplicated(keep=False)).to_numpy(dtype=bool)
    if twice.any():
        names = sorted(
            f"{uid} ({key})" for uid, key in zip(uids[twice], frame["cell_key"][twice], strict=True)
        )
        raise InputError(
            Message(
                en=f"{counted(len(names), 'cell', 'cells')} of {what} "
                f"{agreed(len(names), 'shares its', 'share their')} permanent id (`cell_uid`) with "
                f"another one: {first_ids(names)}. Each id must be of one cell: leave the field "
                f"empty where the cell is new, and it gets a new one.",
                zh=f"{what} 中有 {len(names)} 个单元网格的永久编号（`cell_uid`）重复："
                f"{ids_zh(names)}。每个编号只能属于一个网格：新划出的网格请将该字段留空，"
                f"程序会赋予新编号。",
            )
        )
    fresh = frame["cell_key"][uids.isna()].sort_values().tolist()
    if fresh and uids.notna().any():
        reading.note(
            "cells_new_uids",
            fresh,
            en=f"{len(fresh)} of {len(frame)} cells of {what} "
            f"{agreed(len(fresh), 'carries', 'carry')} no permanent id (`cell_uid`) and got a new "
            f"one: {first_ids(fresh)}. The others keep theirs.",
            zh=f"{what} 的 {len(frame)} 个单元网格中有 {len(fresh)} 个没有永久编号（`cell_uid`），"
            f"已赋予新编号：{ids_zh(fresh)}；其余保留原编号。",
        )
    return frame.assign(cell_uid=uids)


def _of_the_place(reading: Reading, cells: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    """Return the cells of which at least half lies inside the boundary."""
    columns = [one for one in (*_COLUMNS, "name") if one in cells]
    cells = cells[[*columns, cells.geometry.name]]
    if reading.outline is None:
        return cells
    shapes = cells.geometry.to_numpy()
    inside_m2 = shapely.area(shapely.intersection(shapes, reading.outline))
    kept = 2 * inside_m2 >= shapely.area(shapes)
    if not kept.any():
        raise InputError(
            Message(
                en=f"None of the {len(cells)} cells of {what} lies in the boundary. Check its "
                f"coordinate system, or take the grid of this place.",
                zh=f"{what} 的 {len(cells)} 个单元网格都不在边界内。"
                f"请检查其坐标系，或改用本区域的网格。",
            )
        )
    if not kept.all():
        ids = [
            f"{one} ({m2:,.0f} m²)"
            for one, m2 in zip(cells["cell_key"][~kept], inside_m2[~kept], strict=True)
        ]
        reading.note(
            "cells_outside",
            ids,
            en=f"{len(ids)} of {len(cells)} cells of the given grid "
            f"{agreed(len(ids), 'lies', 'lie')} mostly outside the boundary, left out (in "
            f"brackets: what of them is inside): {first_ids(ids)}.",
            zh=f"现有网格 {len(cells)} 个单元中有 {len(ids)} 个大部分在边界外，未采用"
            f"（括号内为边界内面积）：{ids_zh(ids)}。",
        )
    return cells[kept].reset_index(drop=True)
