"""From `gridplan.toml` to a checked `Place`: read, reproject, repair, select, check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from gridplan.config import Config, LayerSource, read_config
from gridplan.errors import GridplanError, InputError, Message, Note, first_ids
from gridplan.geometry import (
    choose_crs,
    require_projected_metres,
)
from gridplan.place import Place, layer_faults, make_place
from gridplan.project import osm as from_osm
from gridplan.project.files import input_digests, missing_file_faults, read_source
from gridplan.project.outline import DEGREES, checked_box, read_outline
from gridplan.project.population import check_homes, read_population
from gridplan.project.reading import Reading, extract_of, no_layer, on_grid, read_file, source_of
from gridplan.sources.osm import OsmExtract, read_osm


@dataclass(frozen=True)
class Project:
    """A place, its settings, and the SHA-256 of every file they were read from."""

    place: Place
    config: Config
    inputs: dict[str, str]


def read_project(toml: str | Path, *, overrides: Sequence[str] = ()) -> tuple[Place, Config]:
    """
    Return the place and the settings of a project.

    Parameters
    ----------
    toml : path of the settings file; all paths in it are relative to it
    overrides : sequence of ``section.key=value``

    Raises
    ------
    GridplanError
        With one message per fault of the settings, or of the input.
    """
    project = open_project(toml, overrides=overrides)
    return project.place, project.config


def open_project(toml: str | Path, *, overrides: Sequence[str] = ()) -> Project:
    """Return the place, the settings and the digests of the files of a project."""
    path = Path(toml)
    config = read_config(path, overrides=overrides)
    folder = path.parent
    missing_file_faults(config, folder).raise_if_any()
    extract = read_osm(folder / config.place.osm) if config.place.osm else None
    crs = _project_crs(config, folder, extract)
    reading = Reading(config=config, folder=folder, crs=crs, extract=extract)
    if extract is not None:
        reading.notes.extend(extract.notes)
    read_outline(reading)
    for layer in ("buildings", "streets", "water", "barriers", "estates", "gates", "weights"):
        _keep_faults(reading, layer)
    reading.faults.raise_if_any()
    _select_near(reading)
    _read_committees(reading)
    _read_sites(reading)
    population = read_population(reading)
    check_homes(reading, population)
    _check_place(reading)
    reading.faults.extend(layer_faults(reading.layers, crs=crs).faults)
    reading.faults.raise_if_any()
    place = make_place(
        name=config.place.name,
        crs=crs,
        as_of=config.place.as_of,
        layers=reading.layers,
        population=population,
        notes=tuple(reading.notes),
    )
    return Project(place=place, config=config, inputs=input_digests(config, folder))


def _project_crs(config: Config, folder: Path, extract: OsmExtract | None) -> pyproj.CRS:
    """Return the CRS of the settings, else the one for the place's longitude."""
    if config.place.crs is not None:
        return require_projected_metres(config.place.crs, what="[place].crs")
    boundary = config.place.boundary
    if isinstance(boundary, list):
        west, south, east, north = checked_box(boundary)
    elif extract is not None:
        west, south, east, north = extract.box
    else:
        source = source_of(config, folder, "boundary")
        if not isinstance(source, LayerSource):
            raise InputError(no_layer("boundary"))
        frame = read_source(source, folder, "boundary")
        west, south, east, north = frame.to_crs(DEGREES).total_bounds
    return choose_crs((west + east) / 2, (south + north) / 2)


def _keep_faults(reading: Reading, layer: str) -> None:
    """Read one layer; its faults join the others, so that all are reported together."""
    try:
        frame = _read_any(reading, layer)
    except GridplanError as error:
        reading.faults.extend(error.faults)
        return
    if frame is not None and len(frame):
        reading.layers[layer] = frame
    elif layer in {"buildings", "streets"}:
        reading.faults.extend([no_layer(layer)])


def _read_any(reading: Reading, layer: str) -> gpd.GeoDataFrame | None:
    source = source_of(reading.config, reading.folder, layer)
    if isinstance(source, LayerSource) and source.file is not None:
        return read_file(reading, source, layer, strict=False)
    if reading.extract is None:
        return None
    frame = from_osm.osm_layer(reading.extract, layer)
    if frame is None or not len(frame):
        return None
    return on_grid(reading, frame.to_crs(reading.crs), layer, strict=False)


def _select_near(reading: Reading) -> None:
    """Keep what can matter: homes inside, streets and obstacles within the buffer."""
    outline = reading.layers["boundary"].geometry.iloc[0]
    near = outline.buffer(reading.config.network.buffer_m)
    shapely.prepare(outline)
    shapely.prepare(near)
    for layer, area in (
        ("buildings", outline),
        ("estates", outline),
        ("weights", outline),
        ("streets", near),
        ("water", near),
        ("barriers", near),
        ("gates", near),
    ):
        if layer in reading.layers:
            frame = reading.layers[layer]
            kept = shapely.intersects(area, frame.geometry.to_numpy())
            reading.layers[layer] = frame[kept].reset_index(drop=True)
    for layer, en, zh in (
        ("streets", "street lies within the buffer of the boundary", "边界缓冲区内没有道路"),
        ("buildings", "building lies inside the boundary", "边界内没有建筑"),
    ):
        if reading.layers[layer].empty:
            reading.faults.add(
                en=f"No {en}. Check the layer `{layer}` and its coordinate system.",
                zh=f"{zh}。请检查图层 `{layer}` 及其坐标系。",
            )
    reading.faults.raise_if_any()


def _read_committees(reading: Reading) -> None:
    source = source_of(reading.config, reading.folder, "committees")
    chosen_by_tags = isinstance(source, LayerSource) and source.osm is not None
    try:
        if chosen_by_tags:
            frame = from_osm.select_points(extract_of(reading), source.osm)  # type: ignore[union-attr, arg-type]
            frame = on_grid(reading, frame.to_crs(reading.crs), "committees", strict=False)
        elif isinstance(source, LayerSource) and source.file is not None:
            frame = read_file(reading, source, "committees", strict=False)
        else:
            raise InputError(no_layer("committees"))
    except GridplanError as error:
        reading.faults.extend(error.faults)
        return
    outline = reading.layers["boundary"].geometry.iloc[0]
    buffer_m = reading.config.network.buffer_m
    away_m = shapely.distance(frame.geometry.to_numpy(), outline)
    ids = frame["committee_id"] if "committee_id" in frame else pd.Series(frame.index.astype(str))
    beyond, outside = away_m > buffer_m, (away_m > 0) & (away_m <= buffer_m)
    if beyond.any() and not chosen_by_tags:
        reading.faults.add(
            en=f"{int(beyond.sum())} committees lie more than {buffer_m:,.0f} m outside the "
            f"boundary: {first_ids(ids[beyond].tolist())}. Check their coordinates, or raise "
            f"[network].buffer_m.",
            zh=f"{int(beyond.sum())} 个居委会在边界外 {buffer_m:,.0f} 米以外："
            f"{first_ids(ids[beyond].tolist())}。请检查坐标，或增大 [network].buffer_m。",
        )
    if outside.any():
        reading.notes.append(_outside_note(ids[outside].tolist()))
    reading.layers["committees"] = frame[~beyond].reset_index(drop=True)


def _outside_note(ids: list[str]) -> Note:
    return Note(
        "committees_outside",
        len(ids),
        Message(
            en=f"{len(ids)} committees stand outside the boundary, within the buffer; they "
            f"count: {first_ids(ids)}.",
            zh=f"{len(ids)} 个居委会位于边界外的缓冲区内，已计入：{first_ids(ids)}。",
        ),
        tuple(ids),
    )


def _read_sites(reading: Reading) -> None:
    source = source_of(reading.config, reading.folder, "sites")
    try:
        if isinstance(source, LayerSource) and source.file is not None:
            frame = read_file(reading, source, "sites", strict=False)
        else:
            empty = gpd.GeoDataFrame({"estate_id": []}, geometry=[], crs=reading.crs)
            estates = reading.layers.get("estates", empty) if source != "public" else empty
            buildings = reading.layers["buildings"]
            frame = from_osm.assumed_sites(buildings, estates, public=source != "estates")
            frame = on_grid(reading, frame, "sites", strict=False)
    except GridplanError as error:
        reading.faults.extend(error.faults)
        return
    if "kind" not in frame:
        frame = frame.assign(kind="candidate")
    reading.layers["sites"] = frame


def _check_place(reading: Reading) -> None:
    """Add the faults that only show when the layers stand side by side."""
    sites, committees = reading.layers.get("sites"), reading.layers.get("committees")
    if sites is None or committees is None:
        return
    kinds = sites["kind"].astype("string")
    odd = sorted(set(kinds.dropna()) - {"existing", "candidate", "required"})
    if odd:
        reading.faults.add(
            en=f"`sites`.`kind` has values that are none of existing, candidate, required: "
            f"{first_ids(odd)}.",
            zh=f"`sites`.`kind` 的取值应为 existing、candidate、required，发现：{first_ids(odd)}。",
        )
    candidates = int((kinds == "candidate").sum())
    p_new = reading.config.siting.p
    if p_new > candidates:
        reading.faults.add(
            en=f"[siting].p = {p_new}, but there are {candidates} candidate sites. Lower p or "
            f"add sites.",
            zh=f"[siting].p = {p_new}，但候选点只有 {candidates} 个。请减小 p 或增加候选点。",
        )
    if {"site_id"} <= set(sites.columns) and "committee_id" in committees:
        both = sorted(
            set(sites["site_id"].astype(str)) & set(committees["committee_id"].astype(str))
        )
        if both:
            reading.faults.add(
                en=f"{len(both)} ids are used for a site and a committee: {first_ids(both)}.",
                zh=f"{len(both)} 个编号同时用于活动室点与居委会：{first_ids(both)}。",
            )
