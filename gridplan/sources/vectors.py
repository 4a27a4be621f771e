"""Vector files: one layer in, a frame with a coordinate system and readable text out."""

from __future__ import annotations

import difflib
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from pyarrow import ArrowException

from gridplan.errors import CrsError, InputError, Message, MissingInputError, first_ids
from gridplan.sources.coordinate_checks import coordinate_faults
from gridplan.sources.dbf_text import shapefile_encoding

__all__ = [
    "coordinate_faults",
    "layers_in",
    "read_attributes",
    "read_layer",
    "shapefile_parts",
]

_LOG = logging.getLogger(__name__)

_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix")
_SHAPEFILE_NEEDS = (".shp", ".shx", ".dbf")
_SHAPEFILE_CONTENT = (*_SHAPEFILE_NEEDS, ".prj", ".cpg")
_PARQUET = (".parquet", ".geoparquet", ".pq")
_VECTOR_SUFFIXES = (".gpkg", ".shp", ".geojson", ".json", ".fgb", ".kml", ".gml", *_PARQUET)
_SQLITE = b"SQLite format 3\0"
_SQLITE_MODES = slice(18, 20)
_SQLITE_WAL = b"\x02\x02"

_SAME_PLACE_M, _SAME_PLACE_DEGREES = 1.0, 1e-5


def read_layer(
    path: Path | str,
    *,
    layer: str | None = None,
    crs: object = None,
    rename: Mapping[str, str] | None = None,
) -> gpd.GeoDataFrame:
    """
    Read one layer of a GeoPackage, Shapefile, GeoJSON, GeoParquet or other vector file.

    The file is opened for reading only and stays as it is, byte for byte.
    Texts of a Shapefile are decoded strictly: as its ``.cpg`` says, else as
    UTF-8, else as GB18030. Heights and measures of geometries are left out.

    Parameters
    ----------
    path : path
    layer : str, optional
        Needed where the file holds several layers with geometry.
    crs : anything pyproj understands, optional
        The coordinate system of a file that does not say. Refused if it
        contradicts what the file says.
    rename : mapping of new name to column in the file, optional
        As settings have it, e.g. ``{"community_id": "社区编码"}``.

    Returns
    -------
    GeoDataFrame
        With a coordinate system. Whole numbers with gaps are ``Int64``, so that
        codes do not turn into fractions.

    Raises
    ------
    MissingInputError
        No such file, or a Shapefile without some of its parts.
    CrsError
        No coordinate system, or another than `crs`.
    InputError
        No vector file, an unknown layer, no geometry, text that cannot be
        decoded, or a name in `rename` that is not there.
    """
    file = Path(path)
    _require_file(file)
    if file.suffix.lower() in _PARQUET:
        frame = _read_parquet(file, layer)
    else:
        with _undisturbed(file) as source:
            chosen = _choose_layer(file, _layers(source, file), layer)
            encoding = shapefile_encoding(source) if file.suffix.lower() == ".shp" else None
            frame = _read(source, file, chosen, encoding)
    what = file.name if layer is None else f"{file.name}, {layer}"
    if len(frame) and frame.geometry.isna().all():
        raise InputError(_no_geometry(what))
    shapes = gpd.GeoSeries(shapely.force_2d(frame.geometry.to_numpy()), crs=frame.crs)
    plain = frame if frame.geometry.name == "geometry" else frame.rename_geometry("geometry")
    flat = plain.set_geometry(shapes.set_axis(frame.index))
    return _with_crs(_renamed(flat, rename or {}, what), crs, what)


def layers_in(path: Path | str) -> list[str]:
    """
    Return the names of the layers of a vector file, in its order.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputError
        If it is no vector file.
    """
    file = Path(path)
    _require_file(file)
    if file.suffix.lower() in _PARQUET:
        return [file.stem]
    with _undisturbed(file) as source:
        return [name for name, _ in _layers(source, file)]


def read_attributes(path: Path | str, *, layer: str | None = None) -> pd.DataFrame:
    """
    Read the columns of a layer or table of a vector file, every cell as text.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputError
        If it is no vector file, or `layer` is not in it.
    """
    file = Path(path)
    _require_file(file)
    with _undisturbed(file) as source:
        names = [name for name, _ in _layers(source, file)]
        chosen = layer if layer is not None else names[0]
        if chosen not in names:
            raise InputError(_unknown_layer(file, chosen, names))
        with _logged_warnings(file):
            table = pyogrio.read_dataframe(source, layer=chosen, read_geometry=False)
    texts: pd.DataFrame = table.astype("string").astype("object").where(table.notna(), None)
    return texts


def shapefile_parts(path: Path) -> list[Path]:
    """
    Return the files that make up a vector file: of a Shapefile all, else the file alone.

    Of a Shapefile geometry, attributes, index, coordinate system and encoding; what a
    program leaves beside them for speed is not its content.
    """
    if path.suffix.lower() != ".shp":
        return [path]
    return sorted(
        one
        for one in path.parent.iterdir()
        if one.stem == path.stem and one.suffix.lower() in _SHAPEFILE_CONTENT
    )


def _require_file(file: Path) -> None:
    suffix = file.suffix.lower()
    if file.is_dir():
        raise InputError(_is_folder(file))
    if suffix in _SHAPEFILE_PARTS:
        _require_shapefile(file)
    if not file.is_file():
        raise MissingInputError(
            Message(
                en=f"There is no file {file}. Check the path; it is relative to the settings file.",
                zh=f"找不到文件 {file}。请检查路径（相对于设置文件）。",
            )
        )


def _is_folder(folder: Path) -> Message:
    inside = sorted(one.name for one in folder.iterdir() if one.suffix.lower() in _VECTOR_SUFFIXES)
    return Message(
        en=f"{folder} is a folder. Name one file in it"
        f"{': ' + first_ids(inside) if inside else '; it holds no vector file'}.",
        zh=f"{folder} 是文件夹。请指定其中的一个文件"
        f"{'：' + first_ids(inside) if inside else '；其中没有矢量文件'}。",
    )


def _require_shapefile(file: Path) -> None:
    folder = file.parent
    siblings = sorted(folder.iterdir()) if folder.is_dir() else []
    parts = {
        one.suffix.lower(): one.name
        for one in siblings
        if one.stem == file.stem and one.suffix.lower() in _SHAPEFILE_PARTS
    }
    missing = [suffix for suffix in _SHAPEFILE_NEEDS if suffix not in parts]
    if parts and missing:
        there = ", ".join(parts.values())
        raise MissingInputError(
            Message(
                en=f"The Shapefile {file.stem} lacks {', '.join(missing)}; there is only {there}. "
                f"Copy all files of the set into {folder}.",
                zh=f"Shapefile {file.stem} 缺少 {', '.join(missing)}，只有 {there}。"
                f"请把整套文件复制到 {folder}。",
            )
        )
    if parts and file.suffix.lower() != ".shp":
        raise InputError(
            Message(
                en=f"{file.name} is one part of a Shapefile. Name {parts['.shp']} instead.",
                zh=f"{file.name} 只是 Shapefile 的一部分。请指定 {parts['.shp']}。",
            )
        )


@contextmanager
def _undisturbed(file: Path) -> Iterator[Path]:
    """Give a path that can be read without a write beside or into the file."""
    # A GeoPackage in WAL mode wants to create files beside itself, and folds a
    # `-wal` left by an open QGIS into its own bytes: read a copy of both.
    with file.open("rb") as stream:
        head = stream.read(_SQLITE_MODES.stop)
    log, journal = (file.with_name(file.name + end) for end in ("-wal", "-journal"))
    quiet = head[_SQLITE_MODES] != _SQLITE_WAL and not log.exists() and not journal.exists()
    if quiet or not head.startswith(_SQLITE):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="gridplan-") as folder:
        for one in (file, log, journal):
            if one.exists():
                shutil.copyfile(one, Path(folder) / one.name)
        yield Path(folder) / file.name


def _layers(source: Path, file: Path) -> list[tuple[str, str | None]]:
    """Return name and geometry type (None for a table) of each layer."""
    try:
        with _logged_warnings(file):
            found = pyogrio.list_layers(source)
    except pyogrio.errors.DataSourceError as error:
        raise InputError(_no_vector_file(file, error)) from error
    return [(str(name), kind) for name, kind in found]


def _no_vector_file(file: Path, error: Exception) -> Message:
    reason = str(error).split(";", maxsplit=1)[0].replace(str(file), file.name).strip(". ")
    return Message(
        en=f"{file.name} cannot be read as a vector file ({reason}). Expected GeoPackage, "
        f"Shapefile, GeoJSON or GeoParquet.",
        zh=f"{file.name} 无法作为矢量文件读取（{reason}）。"
        f"应为 GeoPackage、Shapefile、GeoJSON 或 GeoParquet。",
    )


@contextmanager
def _logged_warnings(file: Path) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for one in caught:
                _LOG.warning("%s: %s", file.name, one.message)


def _choose_layer(file: Path, layers: Sequence[tuple[str, str | None]], wanted: str | None) -> str:
    names = [name for name, _ in layers]
    spatial = [name for name, kind in layers if kind is not None]
    if wanted is not None and wanted not in names:
        raise InputError(_unknown_layer(file, wanted, names))
    if not spatial or (wanted is not None and wanted not in spatial):
        raise InputError(_no_geometry(file.name if wanted is None else f"{file.name}, {wanted}"))
    if wanted is None and len(spatial) > 1:
        raise InputError(
            Message(
                en=f"{file.name} holds {len(spatial)} layers: {', '.join(spatial)}. "
                f"Name one with `layer = …`.",
                zh=f"{file.name} 含有 {len(spatial)} 个图层：{'、'.join(spatial)}。"
                f"请用 `layer = …` 指定一个。",
            )
        )
    return wanted or spatial[0]


def _unknown_layer(file: Path, wanted: str, names: Sequence[str]) -> Message:
    near = difflib.get_close_matches(wanted, names, n=1)
    return Message(
        en=f"{file.name} has no layer {wanted!r}; it has {', '.join(names)}."
        f"{f' Did you mean {near[0]!r}?' if near else ''}",
        zh=f"{file.name} 中没有图层 {wanted!r}；现有图层：{'、'.join(names)}。"
        f"{f'是否为 {near[0]!r}？' if near else ''}",
    )


def _no_geometry(what: str) -> Message:
    return Message(
        en=f"{what} has no geometry: it is a table. Name a layer with points, lines or areas, or "
        f"give the table where a table is asked for.",
        zh=f"{what} 没有几何，只是表格。请指定点、线或面图层，或在需要表格处使用它。",
    )


def _read(source: Path, file: Path, layer: str, encoding: str | None) -> gpd.GeoDataFrame:
    try:
        with _logged_warnings(file):
            frame = pyogrio.read_dataframe(source, layer=layer, encoding=encoding)
            whole = _whole_number_columns(source, layer, encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError) as error:
        raise InputError(_no_vector_file(file, error)) from error
    except UnicodeDecodeError as error:
        raise InputError(_cut_names(file)) from error
    gaps = [name for name in whole if name in frame and frame[name].dtype == np.float64]
    return frame.astype(dict.fromkeys(gaps, "Int64"))


def _cut_names(file: Path) -> Message:
    return Message(
        en=f"{file.name}: a name of a field is cut in the middle of a character: in a Shapefile "
        f"they hold 10 bytes, three Chinese characters in UTF-8. Shorten the names, or save the "
        f"layer as GeoPackage.",
        zh=f"{file.name}：字段名在字符中间被截断。Shapefile 字段名最多 10 个字节"
        f"（UTF-8 下三个汉字）。请缩短字段名，或另存为 GeoPackage。",
    )


def _whole_number_columns(source: Path, layer: str, encoding: str | None) -> list[str]:
    info = pyogrio.read_info(source, layer=layer, encoding=encoding)
    kinds = zip(info["fields"], info["ogr_types"], strict=True)
    return [str(name) for name, kind in kinds if kind in {"OFTInteger", "OFTInteger64"}]


def _read_parquet(file: Path, layer: str | None) -> gpd.GeoDataFrame:
    _choose_layer(file, [(file.stem, "Unknown")], layer)
    try:
        return gpd.read_parquet(file)
    except ArrowException as error:
        raise InputError(_no_vector_file(file, error)) from error
    except ValueError as error:
        if "geo metadata" in str(error):
            raise InputError(_no_geometry(file.name)) from error
        raise InputError(_no_vector_file(file, error)) from error


def _renamed(frame: gpd.GeoDataFrame, rename: Mapping[str, str], what: str) -> gpd.GeoDataFrame:
    own = [str(name) for name in frame.columns if name != frame.geometry.name]
    faults = []
    for theirs in rename.values():
        if theirs not in own:
            near = difflib.get_close_matches(theirs, own, n=1)
            faults.append(
                Message(
                    en=f"{what} has no column {theirs!r} to rename; it has {own}."
                    f"{f' Did you mean {near[0]!r}?' if near else ''}",
                    zh=f"{what} 中没有要对应的字段 {theirs!r}；现有字段 {own}。"
                    f"{f'是否为 {near[0]!r}？' if near else ''}",
                )
            )
    names = {theirs: ours for ours, theirs in rename.items()}
    after = pd.Series([names.get(name, name) for name in own], dtype="object")
    twice = sorted(after[after.duplicated()].unique())
    if twice:
        faults.append(
            Message(
                en=f"After renaming, {what} would have the columns {twice} twice. Rename or drop "
                f"the other one.",
                zh=f"改名后 {what} 会有重复字段 {twice}。请改名或删除另一个字段。",
            )
        )
    if faults:
        raise InputError(*faults)
    return frame.rename(columns=names)


def _with_crs(frame: gpd.GeoDataFrame, crs: object, what: str) -> gpd.GeoDataFrame:
    declared = None if crs is None else _parsed(crs, what)
    if frame.crs is None and declared is None:
        raise CrsError(
            Message(
                en=f"{what} does not say its coordinate system (no .prj). Name it with "
                f'`crs = "EPSG:…"`; its x runs {_span(frame, 0)}, its y {_span(frame, 1)}.',
                zh=f'{what} 没有坐标系信息（缺少 .prj）。请用 `crs = "EPSG:…"` 指明；'
                f"x 范围 {_span(frame, 0)}，y 范围 {_span(frame, 1)}。",
            )
        )
    if declared is None:
        return frame
    if frame.crs is not None and not _same_place(frame, declared):
        raise CrsError(
            Message(
                en=f"{what} says it is in {frame.crs.name}, the settings say {declared.name}. "
                f"Remove `crs` from the settings, or correct the file.",
                zh=f"{what} 自身坐标系为 {frame.crs.name}，设置中为 {declared.name}。"
                f"请删除设置中的 `crs`，或更正文件。",
            )
        )
    return frame.set_crs(declared, allow_override=True)


def _parsed(crs: object, what: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise CrsError(
            Message(
                en=f'{what}: {crs!r} is no known coordinate system. Write it as "EPSG:4549".',
                zh=f'{what}：无法识别坐标系 {crs!r}。请写成 "EPSG:4549" 的形式。',
            )
        ) from error


def _span(frame: gpd.GeoDataFrame, axis: int) -> str:
    bounds = frame.total_bounds
    return f"{bounds[axis]:.6g} … {bounds[axis + 2]:.6g}"


def _same_place(frame: gpd.GeoDataFrame, declared: pyproj.CRS) -> bool:
    # Numbers tell more than definitions: a .prj in ESRI's words is the same
    # system as an EPSG code without comparing equal.
    x, y = frame.total_bounds[[0, 2]], frame.total_bounds[[1, 3]]
    way = pyproj.Transformer.from_crs(frame.crs, declared, always_xy=True)
    moved_x, moved_y = way.transform(x, y)
    limit = _SAME_PLACE_M if declared.is_projected else _SAME_PLACE_DEGREES
    off = np.abs([moved_x - x, moved_y - y])
    return bool(np.all(off <= limit))
