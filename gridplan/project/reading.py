"""What is known while a project is being read, and how a file's layer enters it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridplan.config import Config, LayerSource
from gridplan.errors import (
    CrsError,
    FaultList,
    GridplanError,
    InputError,
    Message,
    Note,
    agreed,
    both_ids,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.geometry import (
    Geometries,
    plain_parts,
    repair_polygons,
    require_projected_metres,
    to_grid,
)
from gridplan.place import SCHEMAS
from gridplan.project.files import layer_source, read_source
from gridplan.sources.osm import OsmExtract
from gridplan.sources.tables import is_personal
from gridplan.sources.vectors import coordinate_faults, layers_in

Flags = npt.NDArray[np.bool_]

_TYPES = {
    "polygon": ((3, 6, 7), "polygons", "面"),
    "line": ((1, 5), "lines", "线"),
    "point": ((0,), "points", "点"),
    "polygon or point": ((0, 3, 6, 7), "polygons or points", "面或点"),
}
_TYPE_NAMES = (
    "Point", "LineString", "LinearRing", "Polygon", "MultiPoint", "MultiLineString",
    "MultiPolygon", "GeometryCollection",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the map of a project's faults; `where` in degrees (WGS 84)."""

    code: str
    ids: str
    area_m2: float
    where: shapely.Geometry


@dataclass
class Reading:
    """
    What is known while a project is being read.

    Attributes
    ----------
    outline : geometry or None
        What counts as inside; None where neither boundary nor communities can be read.
    from_file : set of str
        Layers that the planner gave as files, as opposed to those of the OSM extract.
    slits : list of (str, str, geometry)
        Closed gaps and overlaps of communities: those beside, the one that got it, where.
    spots : list of Spot
    left : frozenset of str
        Sections of the settings that are at fault: what depends on them is not judged.
    """

    config: Config
    folder: Path
    crs: pyproj.CRS
    extract: OsmExtract | None
    layers: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    faults: FaultList = field(default_factory=FaultList)
    outline: shapely.Geometry | None = None
    from_file: set[str] = field(default_factory=set)
    slits: list[tuple[str, str, shapely.Geometry]] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    left: frozenset[str] = frozenset()

    def spot(self, code: str, ids: str, where: shapely.Geometry) -> None:
        """Add a place to the map of what is wrong, or was mended."""
        degrees = gpd.GeoSeries([where], crs=self.crs).to_crs("EPSG:4326").iloc[0]
        self.spots.append(Spot(code, ids, float(shapely.area(where)), degrees))

    def note(
        self, code: str, ids: Sequence[object], *, en: str, zh: str, count: int | None = None
    ) -> None:
        """Add a note about the objects with these ids."""
        named = tuple(str(one) for one in ids)
        self.notes.append(
            Note(code, len(named) if count is None else count, Message(en=en, zh=zh), named)
        )


@contextmanager
def keeping_faults(faults: FaultList) -> Iterator[None]:
    """Add what is refused inside to the faults, so that the reading goes on to the next layer."""
    try:
        yield
    except GridplanError as error:
        faults.extend(error.faults)


def already_reported() -> InputError:
    """Return an error without a message, for what cannot be read because of a reported fault."""
    return InputError()


def source_of(config: Config, folder: Path, layer: str) -> LayerSource | str | list[float] | None:
    """
    Return where a layer comes from: its own setting, else the common GeoPackage.

    A setting without `file` (other columns, another layer's name) is about the common one.
    """
    source = layer_source(config, layer)
    if isinstance(source, LayerSource) and source.file is None and source.osm is None:
        if config.place.layers is None:
            raise InputError(_no_file(layer))
        return source.model_copy(
            update={"file": config.place.layers, "layer": source.layer or layer}
        )
    if source is None and config.place.layers:
        common = folder / config.place.layers
        if not common.is_file() or layer in layers_in(common):
            return LayerSource(file=config.place.layers, layer=layer)
    return source


def _no_file(layer: str) -> Message:
    return Message(
        en=f"[place].{layer} names no `file`, and there is no common GeoPackage [place].layers "
        f"that it could be about. Add `file = …`.",
        zh=f"[place].{layer} 没有写明 `file`，也没有共用的 GeoPackage（[place].layers）。"
        f"请补充 `file = …`。",
    )


def read_file(
    reading: Reading, source: LayerSource, layer: str, *, strict: bool
) -> gpd.GeoDataFrame:
    """Return a layer of a file in the project CRS, on the precision grid."""
    what = f"[place].{layer} ({source.file})"
    frame = in_project_system(reading, read_source(source, reading.folder, layer), layer, what)
    return on_grid(reading, frame, layer, strict=strict)


def in_project_system(
    reading: Reading, given: gpd.GeoDataFrame, layer: str, what: str
) -> gpd.GeoDataFrame:
    """
    Return a layer as it was read in the project CRS, without columns about persons.

    Raises
    ------
    CrsError
        If its coordinates are in no system, or in none that areas can be measured in.
    """
    frame = _impersonal(reading, given, layer, what)
    FaultList(coordinate_faults(frame, what)).raise_if_any(CrsError)
    if not pyproj.CRS(frame.crs).is_geographic:
        require_projected_metres(frame.crs, what=what)
    return frame.to_crs(reading.crs)


def _impersonal(
    reading: Reading, frame: gpd.GeoDataFrame, layer: str, what: str
) -> gpd.GeoDataFrame:
    """Return the layer without columns about persons; a note names their headers."""
    known = SCHEMAS[layer].columns
    personal = sorted(str(one) for one in frame.columns if one not in known and is_personal(one))
    if not personal:
        return frame
    shown = "、".join(personal)
    reading.notes.append(
        Note(
            f"{layer}_personal_dropped",
            len(personal),
            Message(
                en=f"{what}: columns that look personal were dropped at reading: {shown}.",
                zh=f"{what}：疑似个人信息的字段在读取时即丢弃：{shown}。",
            ),
            tuple(personal),
        )
    )
    return frame.drop(columns=personal)


def on_grid(
    reading: Reading,
    frame: gpd.GeoDataFrame,
    layer: str,
    *,
    strict: bool,
    rounded: bool = True,
) -> gpd.GeoDataFrame:
    """
    Return the layer on the precision grid, its polygons repaired.

    Not `rounded`, valid polygons stay as they are to the last digit.

    Rows without a geometry are left out and noted. Boundary and communities are never
    repaired by guess (`strict`): where a line crosses itself, which side is inside is
    the planner's to say.

    Raises
    ------
    InputError
        If no row has a geometry, some have one of another kind, or, `strict`, a
        polygon is not valid.
    """
    frame = _of_one_kind(_with_geometry(reading, frame, layer), layer)
    shapes = frame.geometry.to_numpy()
    if layer == "streets" and "u" in frame and frame["u"].notna().all():
        # Streets that bring their nodes are never overlaid: rounding each vertex would only add
        # up to millimetres over a walk.
        return frame.reset_index(drop=True)
    areal = np.isin(shapely.get_type_id(shapes), _TYPES["polygon"][0])
    fixed = shapes.copy()
    fixed[~areal] = to_grid(shapes[~areal])
    if areal.any():
        broken = ~shapely.is_valid(shapes)
        if strict and broken.any():
            raise InputError(_crosses_itself(frame, layer, broken))
        mended = np.zeros(len(shapes), dtype=bool)
        fixed[areal], mended[areal] = repair_polygons(shapes[areal], rounded=rounded)
        _note_repairs(reading, frame, layer, mended)
    fresh = frame.set_geometry(gpd.GeoSeries(fixed, index=frame.index, crs=frame.crs))
    gone = shapely.is_empty(fixed) & ~shapely.is_empty(shapes)
    if gone.any():
        _note_collapsed(reading, frame, layer, gone)
    return fresh[~gone].reset_index(drop=True)


def ids_of(frame: gpd.GeoDataFrame, layer: str, rows: Flags) -> list[str]:
    """Return the ids of some rows of a layer; their numbers where it has none."""
    key = SCHEMAS[layer].key
    if key in frame:
        ids: list[str] = frame.loc[rows, key].astype("string").fillna("?").tolist()
        return ids
    return [f"row {row + 1}" for row in np.flatnonzero(rows)]


_NEVER_LEFT_OUT = ("boundary", "communities")
"""Layers in which a row less is another place, not a gap in the data."""


def _with_geometry(reading: Reading, frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    shapes = frame.geometry.to_numpy()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if not empty.any():
        return frame
    ids = ids_of(frame, layer, empty)
    if empty.all():
        raise InputError(
            Message(
                en=f"None of the {len(frame)} rows of `{layer}` has a geometry. Draw them, or "
                f"leave the layer out.",
                zh=f"图层 `{layer}` 的 {len(frame)} 行都没有几何。请补画，或不使用该图层。",
            )
        )
    if layer in _NEVER_LEFT_OUT:
        raise InputError(
            Message(
                en=f"{len(ids)} of {len(frame)} rows of `{layer}` "
                f"{agreed(len(ids), 'has', 'have')} no geometry: {first_ids(ids)}. Draw what is "
                f"missing, or delete such rows.",
                zh=f"图层 `{layer}` 的 {len(frame)} 行中有 {len(ids)} 行没有几何："
                f"{ids_zh(ids)}。请补画或删除。",
            )
        )
    reading.note(
        f"{layer}_without_geometry",
        ids,
        en=f"{len(ids)} of {len(frame)} rows of `{layer}` {agreed(len(ids), 'has', 'have')} no "
        f"geometry and {agreed(len(ids), 'was', 'were')} left out: {first_ids(ids)}.",
        zh=f"图层 `{layer}` 的 {len(frame)} 行中有 {len(ids)} 行没有几何，未采用：{ids_zh(ids)}。",
    )
    return frame[~empty].reset_index(drop=True)


def _of_one_kind(frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Return the layer with single-part collections as their part; refuse other kinds of shape."""
    types, en, zh = _TYPES[SCHEMAS[layer].geometry]
    shapes: Geometries = plain_parts(frame.geometry.to_numpy())
    found = shapely.get_type_id(shapes)
    wrong = ~np.isin(found, types)
    if wrong.any():
        names, names_zh = both_ids([_TYPE_NAMES[one] for one in np.unique(found[wrong])])
        which, which_zh = both_ids(ids_of(frame, layer, wrong))
        raise InputError(
            Message(
                en=f"`{layer}` must be {en}; found {names} in {int(wrong.sum())} of {len(frame)} "
                f"rows: {which}. Give a layer of {en}.",
                zh=f"图层 `{layer}` 须为{zh}要素；{len(frame)} 行中有 {int(wrong.sum())} 行为 "
                f"{names_zh}：{which_zh}。请提供{zh}图层。",
            )
        )
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def _crosses_itself(frame: gpd.GeoDataFrame, layer: str, broken: Flags) -> Message:
    where = [shapely.is_valid_reason(one) for one in frame.geometry.to_numpy()[broken]]
    ids = ids_of(frame, layer, broken)
    return Message(
        en=f"{counted(int(broken.sum()), 'polygon', 'polygons')} of `{layer}` "
        f"{agreed(int(broken.sum()), 'is', 'are')} not valid ({first_ids(ids)}): "
        f"{first_ids(where)}. Mend the line in a GIS; it is not repaired by guess.",
        zh=f"图层 `{layer}` 有 {int(broken.sum())} 个多边形无效（{ids_zh(ids)}）："
        f"{ids_zh(where)}（如自相交）。请在 GIS 中修正，本软件不擅自修复边界。",
    )


def _note_repairs(reading: Reading, frame: gpd.GeoDataFrame, layer: str, mended: Flags) -> None:
    if not mended.any():
        return
    ids = ids_of(frame, layer, mended)
    reading.note(
        f"{layer}_repaired",
        ids,
        en=f"{counted(len(ids), 'invalid polygon', 'invalid polygons')} of `{layer}` "
        f"{agreed(len(ids), 'was', 'were')} repaired: {first_ids(ids)}.",
        zh=f"修复了图层 `{layer}` 中 {len(ids)} 个无效多边形：{ids_zh(ids)}。",
    )


def _note_collapsed(reading: Reading, frame: gpd.GeoDataFrame, layer: str, gone: Flags) -> None:
    ids = ids_of(frame, layer, gone)
    reading.note(
        f"{layer}_collapsed",
        ids,
        en=f"{counted(len(ids), 'object', 'objects')} of `{layer}` smaller than 1 mm "
        f"{agreed(len(ids), 'was', 'were')} left out: {first_ids(ids)}.",
        zh=f"图层 `{layer}` 中 {len(ids)} 个对象小于 1 毫米，未采用：{ids_zh(ids)}。",
    )


def extract_of(reading: Reading) -> OsmExtract:
    """Return the OSM extract of the project, or say that it names none."""
    if reading.extract is None:
        raise already_reported() if reading.config.place.osm else InputError(no_layer("osm"))
    return reading.extract


def no_layer(layer: str) -> Message:
    """Say that a layer is missing and where to name it."""
    also = _ALSO_FROM.get(layer, Message(en="", zh=""))
    return Message(
        en=f"The place has no `{layer}`. Name a file for it under [place]{also.en}.",
        zh=f"缺少 `{layer}`。请在 [place] 中指定文件{also.zh}。",
    )


_ALSO_FROM: Mapping[str, Message] = MappingProxyType(
    {
        "committees": Message(
            en=" (a layer, or a CSV or XLSX with lon and lat), or tags of the OSM file, e.g. "
            'committees = { osm = { amenity = "community_centre" } }',
            zh="（图层，或含经纬度的 CSV、XLSX），或按 OSM 标签选取，如 "
            'committees = { osm = { amenity = "community_centre" } }',
        ),
        "boundary": Message(
            en=', or give [west, south, east, north], or "communities"',
            zh='，或填写 [西, 南, 东, 北]，或 "communities"',
        ),
    }
)
