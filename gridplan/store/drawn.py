"""The layers of any GeoPackage, drawn by hand too: recognised, in one metric system, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj

from gridplan.errors import CrsError, FaultList, InputError, Message, Note, first_ids, ids_zh
from gridplan.geometry import require_projected_metres
from gridplan.sources.coordinate_checks import coordinate_faults
from gridplan.sources.grid_fields import FIELDS
from gridplan.store.geopackage import read_layers
from gridplan.terms import TERMS

_MAIN = "cells"
_INPUT = "in_"
_AREAS = {"Polygon", "MultiPolygon"}
_ALSO_LAYERS = ("sites", "population", "in_population", "steps", "in_notes", "gridplan_meta")
_MEANT = {
    "cells": (
        "cell_id",
        "cell_uid",
        "community_id",
        "zone_id",
        "area_m2",
        "population",
        "standard",
        "exception",
    ),
    "zones": ("zone_id", "zone_system", "community_id", "area_m2", "population"),
    "communities": ("community_id", "name", "population"),
    "boundary": ("name",),
}
"""Columns that are recognised by their labels, layer by layer; in others by their case only."""
_OF_OFFICES = {
    name.lower(): ours for ours in ("cell_id", "community_id") for name in reversed(FIELDS[ours])
}
"""Names that offices give the fields of their grids."""

_ALSO_CALLED = {"边界": "boundary", "街道边界": "boundary", "网格": "cells", "建筑物": "buildings"}
"""Names of layers beside their labels."""


def read_drawn(path: Path) -> tuple[dict[str, pd.DataFrame], tuple[Note, ...]]:
    """
    Return the layers of a GeoPackage by the names of the contract, and what was taken for what.

    A layer or column in capitals, or called by its label (``单元网格``, ``网格编码``), is
    recognised; a single layer of polygons with another name is taken for the cells.
    Layers that no check knows are left aside.

    Raises
    ------
    MissingInputError, InputError
        If the file is missing, or no GeoPackage.
    CrsError
        If a layer is in no projected system in metres, or two are in different ones.
    """
    found = read_layers(path)
    names = _layer_names(found)
    aside = sorted(set(found) - set(names.values()))
    layers, notes = {}, []
    for name, given in names.items():
        frame, renamed = _with_known_columns(found[given], name)
        layers[name] = frame
        taken = [f"{given} → {name}"] if given != name else []
        notes += _taken(name, [*taken, *renamed])
    if aside:
        notes.append(
            Note(
                "layers_aside",
                len(aside),
                Message(
                    en=f"Layers that no check knows were left aside: {first_ids(aside)}.",
                    zh=f"以下图层与核验无关，未使用：{ids_zh(aside)}。",
                ),
                tuple(aside),
            )
        )
    require_one_system(layers, what=path.name)
    return layers, tuple(notes)


def require_one_system(layers: Mapping[str, pd.DataFrame], *, what: str) -> None:
    """
    Refuse layers whose areas and distances cannot be measured together.

    Raises
    ------
    CrsError
        With a fault per layer that is not in projected metres, that has coordinates its
        system cannot have, or that is in another system than the first.
    """
    faults = FaultList()
    first: tuple[str, pyproj.CRS] | None = None
    for name, frame in layers.items():
        if not isinstance(frame, gpd.GeoDataFrame):
            continue
        label = f"{what}, `{name}`"
        try:
            crs = require_projected_metres(_declared(frame), what=f"{label}{_code(frame)}")
        except CrsError as error:
            faults.extend(error.faults)
            continue
        faults.extend(coordinate_faults(frame, label))
        first = first or (name, crs)
        if not crs.equals(first[1], ignore_axis_order=True):
            faults.add(
                en=f"{label} is in {crs.name}, but `{first[0]}` is in {first[1].name}. Save all "
                "layers in one projected CRS in metres.",
                zh=f"{label} 采用 {crs.name}，而 `{first[0]}` 采用 {first[1].name}。"
                "请将所有图层存为同一个以米为单位的投影坐标系。",
            )
    faults.raise_if_any(CrsError)


def _declared(frame: gpd.GeoDataFrame) -> pyproj.CRS | None:
    # GeoPackage has two systems of its own that say only that nothing is known.
    unknown = frame.crs is None or frame.crs.name.lower().startswith(("undefined", "unknown"))
    return None if unknown else frame.crs


def _code(frame: gpd.GeoDataFrame) -> str:
    code = None if frame.crs is None else frame.crs.to_epsg()
    return "" if code is None else f" (EPSG:{code})"


def _layer_names(found: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the name in the file by the name of the contract."""
    known = [*TERMS["layer"], *_ALSO_LAYERS]
    known += [_INPUT + one for one in known if not one.startswith(_INPUT)]
    names = {one: one for one in found if one in known or one.startswith(_INPUT)}
    for given in sorted(set(found) - set(names)):
        word = given.strip().lower()
        match = word if word in known else _ALSO_CALLED.get(word) or _of_label(word, "layer")
        if match and match not in names:
            names[match] = given
    polygons = [
        one
        for one, frame in found.items()
        if one not in names.values() and isinstance(frame, gpd.GeoDataFrame) and _areal(frame)
    ]
    if not {_MAIN, "zones"} & set(names) and len(polygons) == 1:
        names[_MAIN] = polygons[0]
    return names


def _areal(frame: gpd.GeoDataFrame) -> bool:
    return bool(set(frame.geometry.geom_type.dropna()) & _AREAS)


def _of_label(word: str, family: str) -> str | None:
    table = TERMS["layer" if family == "layer" else "column"]
    return next(
        (key for key, one in table.items() if word in {one.zh.lower(), one.en.lower()}), None
    )


def _with_known_columns(frame: pd.DataFrame, layer: str) -> tuple[pd.DataFrame, list[str]]:
    renamed: dict[str, str] = {}
    for column in map(str, frame.columns):
        word = column.strip().lower()
        label = _of_label(word, "column")
        match = label if label in _MEANT.get(layer, ()) else word
        if layer == _MAIN and match == word:
            match = _OF_OFFICES.get(word, word)
        free = match not in frame and match not in renamed.values()
        if free and match in TERMS["column"] and match != column:
            renamed[column] = match
    said = [f"{column} → {match}" for column, match in renamed.items()]
    return (frame.rename(columns=renamed) if renamed else frame), said


def _taken(layer: str, pairs: list[str]) -> list[Note]:
    if not pairs:
        return []
    shown = ", ".join(pairs)
    message = Message(
        en=f"Names in `{layer}` were taken as: {shown}. Rename them if that is wrong.",
        zh=f"图层 `{layer}` 的名称按以下理解：{shown}。若有误请改名。",
    )
    return [Note("names_taken", len(pairs), message, tuple(pairs))]


def require_something_to_verify(layers: Mapping[str, pd.DataFrame], *, what: str) -> None:
    """Refuse layers without cells and without zones."""
    if not {_MAIN, "zones"} & set(layers):
        raise InputError(
            Message(
                en=f"{what} has no layer `cells`, so there is nothing to verify. It has "
                f"{first_ids(sorted(layers)) or '-'}. Name the layer of the cells `cells`.",
                zh=f"{what} 没有图层 `cells`，无可检验内容。现有图层："
                f"{ids_zh(sorted(layers)) or '-'}。请将单元网格图层命名为 `cells`。",
            )
        )
