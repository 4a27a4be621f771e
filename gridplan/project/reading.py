"""What is known while a project is being read, and how a file's layer enters it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridplan.config import Config, LayerSource
from gridplan.errors import CrsError, FaultList, InputError, Message, Note, first_ids
from gridplan.geometry import repair_polygons, require_projected_metres, to_grid
from gridplan.place import SCHEMAS
from gridplan.project.files import layer_source, read_source
from gridplan.sources.osm import OsmExtract
from gridplan.sources.vectors import coordinate_faults, layers_in

Flags = npt.NDArray[np.bool_]


@dataclass
class Reading:
    """What is known while a project is being read."""

    config: Config
    folder: Path
    crs: pyproj.CRS
    extract: OsmExtract | None
    layers: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    faults: FaultList = field(default_factory=FaultList)


def source_of(config: Config, folder: Path, layer: str) -> LayerSource | str | list[float] | None:
    """Return where a layer comes from: its own setting, else the common GeoPackage."""
    source = layer_source(config, layer)
    if source is None and config.place.layers:
        common = folder / config.place.layers
        if layer in layers_in(common):
            return LayerSource(file=config.place.layers, layer=layer)
    return source


def read_file(
    reading: Reading, source: LayerSource, layer: str, *, strict: bool
) -> gpd.GeoDataFrame:
    """Return a layer of a file in the project CRS, on the precision grid."""
    frame = read_source(source, reading.folder, layer)
    what = f"[place].{layer} ({source.file})"
    FaultList(coordinate_faults(frame, what)).raise_if_any(CrsError)
    if not pyproj.CRS(frame.crs).is_geographic:
        require_projected_metres(frame.crs, what=what)
    return on_grid(reading, frame.to_crs(reading.crs), layer, strict=strict)


def on_grid(
    reading: Reading, frame: gpd.GeoDataFrame, layer: str, *, strict: bool
) -> gpd.GeoDataFrame:
    """
    Return the layer on the precision grid, its polygons repaired.

    Boundary and communities are never repaired by guess (`strict`): where a
    line crosses itself, which side is inside is the planner's to say.
    """
    shapes = frame.geometry.to_numpy()
    if layer == "streets" and "u" in frame and frame["u"].notna().all():
        # Streets that bring their nodes are never overlaid: rounding each vertex would only add
        # up to millimetres over a walk.
        return frame.reset_index(drop=True)
    if SCHEMAS[layer].geometry != "polygon":
        fixed = to_grid(shapes)
    else:
        present = ~shapely.is_missing(shapes)
        broken = present & ~shapely.is_valid(shapes)
        if strict and broken.any():
            raise InputError(_crosses_itself(frame, layer, broken))
        fixed = shapes.copy()
        fixed[present], mended = repair_polygons(shapes[present])
        _note_repairs(reading, frame[present], layer, mended)
    fresh = frame.set_geometry(gpd.GeoSeries(fixed, index=frame.index, crs=frame.crs))
    gone = shapely.is_empty(fixed) & ~shapely.is_empty(shapes)
    if gone.any():
        reading.notes.append(_collapsed(frame, layer, gone))
    return fresh[~gone].reset_index(drop=True)


def _crosses_itself(frame: gpd.GeoDataFrame, layer: str, broken: Flags) -> Message:
    where = [shapely.is_valid_reason(one) for one in frame.geometry.to_numpy()[broken]]
    key = SCHEMAS[layer].key
    ids = frame.loc[broken, key].tolist() if key in frame else list(np.flatnonzero(broken))
    return Message(
        en=f"{int(broken.sum())} polygons of `{layer}` are not valid ({first_ids(ids)}): "
        f"{first_ids(where)}. Mend the line in a GIS; it is not repaired by guess.",
        zh=f"图层 `{layer}` 有 {int(broken.sum())} 个多边形无效（{first_ids(ids)}）："
        f"{first_ids(where)}（如自相交）。请在 GIS 中修正，本软件不擅自修复边界。",
    )


def _note_repairs(reading: Reading, frame: gpd.GeoDataFrame, layer: str, mended: Flags) -> None:
    if not mended.any():
        return
    key = SCHEMAS[layer].key
    ids = tuple(frame.loc[mended, key].astype(str)) if key in frame else ()
    reading.notes.append(
        Note(
            f"{layer}_repaired",
            int(mended.sum()),
            Message(
                en=f"{int(mended.sum())} invalid polygons of `{layer}` were repaired.",
                zh=f"修复了图层 `{layer}` 中 {int(mended.sum())} 个无效多边形。",
            ),
            ids,
        )
    )


def _collapsed(frame: gpd.GeoDataFrame, layer: str, gone: Flags) -> Note:
    key = SCHEMAS[layer].key
    ids = tuple(frame.loc[gone, key].astype(str)) if key in frame else ()
    return Note(
        f"{layer}_collapsed",
        int(gone.sum()),
        Message(
            en=f"{int(gone.sum())} objects of `{layer}` are smaller than 1 mm and were left out.",
            zh=f"图层 `{layer}` 中 {int(gone.sum())} 个对象小于 1 毫米，未采用。",
        ),
        ids,
    )


def extract_of(reading: Reading) -> OsmExtract:
    """Return the OSM extract of the project, or say that it names none."""
    if reading.extract is None:
        raise InputError(no_layer("osm"))
    return reading.extract


def no_layer(layer: str) -> Message:
    """Say that a layer is missing and where to name it."""
    return Message(
        en=f"The place has no `{layer}`. Name a file for it under [place].",
        zh=f"缺少 `{layer}`。请在 [place] 中指定文件。",
    )
