"""`Place`: the frozen, checked layers of one sub-district, all in one projected CRS."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridplan.errors import FaultList, InputError, Note, agreed, both_ids, counted
from gridplan.geometry import plain_parts, require_projected_metres

Kind = Literal["polygon", "line", "point", "polygon or point", "none"]
Content = Literal["text", "count", "number", "signed", "flag"]

_TYPE_IDS: dict[Kind, tuple[int, ...]] = {
    "polygon": (3, 6),
    "line": (1, 5),
    "point": (0,),
    "polygon or point": (0, 3, 6),
    "none": (),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a layer: what it holds and whether it may be missing or null."""

    content: Content
    required: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """What a layer of a place must look like."""

    geometry: Kind
    key: str
    columns: Mapping[str, Column]
    repeats: bool = False
    """Whether several rows may have the same key: points of one thing."""


def _text(*, required: bool = False) -> Column:
    return Column("text", required=required)


_COUNT = Column("count")
_NUMBER = Column("number")
_FLAG = Column("flag")

SCHEMAS: dict[str, Schema] = {
    "boundary": Schema("polygon", "name", {"name": _text(required=True)}),
    "communities": Schema(
        "polygon",
        "community_id",
        {
            "community_id": _text(required=True),
            "name": _text(required=True),
            "official": _FLAG,
        },
    ),
    "committees": Schema(
        "point",
        "committee_id",
        {
            "committee_id": _text(required=True),
            "name": _text(required=True),
            "kind": _text(),
            "community_id": _text(),
            "staff": _COUNT,
        },
    ),
    "buildings": Schema(
        "polygon",
        "building_id",
        {
            "building_id": _text(required=True),
            "kind": _text(required=True),
            "floors": _NUMBER,
            "households": _COUNT,
            "estate_id": _text(),
        },
    ),
    "streets": Schema(
        "line",
        "street_id",
        {
            "street_id": _text(required=True),
            "u": _text(),
            "v": _text(),
            "name": _text(),
            "highway": _text(required=True),
            "foot": _text(),
            "access": _text(),
            "bridge": _FLAG,
            "tunnel": _FLAG,
            "layer": Column("signed"),
        },
    ),
    "water": Schema(
        "polygon",
        "water_id",
        {"water_id": _text(required=True), "name": _text(), "kind": _text()},
    ),
    "barriers": Schema(
        "line",
        "barrier_id",
        {"barrier_id": _text(required=True), "kind": _text(required=True), "name": _text()},
    ),
    "gates": Schema(
        "point",
        "gate_id",
        {"gate_id": _text(required=True), "estate_id": _text(), "status": _text()},
    ),
    "estates": Schema(
        "polygon",
        "estate_id",
        {
            "estate_id": _text(required=True),
            "name": _text(),
            "kind": _text(),
            "households": _COUNT,
            "walled": _FLAG,
        },
    ),
    "sites": Schema(
        "point",
        "site_id",
        {
            "site_id": _text(required=True),
            "name": _text(),
            "kind": _text(required=True),
            "estate_id": _text(),
            "area_m2": _NUMBER,
            "ownership": _text(),
            "cost": _NUMBER,
            "assumed": _FLAG,
        },
    ),
    "facilities": Schema(
        "point",
        "facility_id",
        {
            "facility_id": _text(required=True),
            "kind": _text(required=True),
            "name": _text(),
            "area_m2": _NUMBER,
        },
        repeats=True,
    ),
    "cells": Schema(
        "polygon",
        "cell_key",
        {one: _text() for one in ("cell_key", "cell_id", "cell_uid", "community_id", "name")},
    ),
    "zonings": Schema(
        "polygon",
        "zone_id",
        {"department": _text(required=True), "zone_id": _text(required=True), "name": _text()},
        repeats=True,
    ),
    "earlier_zones": Schema(
        "polygon",
        "zone_id",
        {"zone_system": _text(required=True), "zone_id": _text(required=True)},
        repeats=True,
    ),
    "weights": Schema(
        "polygon or point",
        "weight_id",
        {"weight_id": _text(required=True), "weight": Column("number", required=True)},
    ),
    "components": Schema(
        "point", "component_id", {"component_id": _text(required=True), "kind": _text()}
    ),
    "cases": Schema(
        "point",
        "case_id",
        {"case_id": _text(required=True), "kind": _text(), "effort_min": _NUMBER},
    ),
}
"""Layers of a place. Extra columns are kept; missing optional ones are added as null."""

REQUIRED_LAYERS = ("boundary", "communities", "committees", "buildings", "streets")

POPULATION_COLUMNS = ("population", "population_register", "households")
"""Counts of the population table that have a meaning of their own; any other is a group."""

POPULATION_TEXTS = ("as_of", "source", "grade")
"""Of each unit of the population table: the date of its counts, where from, how good."""


PAIR_COLUMNS = ("community_id", "committee_id")
"""Columns of the table that says which committees serve which community."""


FIELD_CHECK_COLUMNS = (
    "check_id", "kind", "target_id", "answer", "value", "checked_on", "source",
)  # fmt: skip
"""Columns of the record of what was checked on the ground."""


def no_field_checks() -> pd.DataFrame:
    """Return the record of a place where nothing has been checked."""
    columns = {name: pd.Series(dtype="object") for name in FIELD_CHECK_COLUMNS}
    return pd.DataFrame(columns).astype({"value": "float64"})


def _no_pairs() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="object") for name in PAIR_COLUMNS})


@dataclass(frozen=True)
class Place:
    """
    The normalised inputs of one sub-district.

    Every layer is in `crs` (projected, metres, 1 mm grid), has the columns of
    `SCHEMAS` and is sorted by its id, so that row order in a file never matters.
    Layers that the place does not have are empty frames, never None. Several rows of
    `facilities` with one id are the service points of one facility, or, with the id of a
    committee, its further service points. `cells` is a grid that a planner brings, with its
    codes as they are (missing, repeated); ``cell_key`` tells its rows apart. `zonings` are
    the zones of other departments, which may overlap and leave gaps; `earlier_zones` those of
    an earlier plan. `components` are municipal ones (lamps, manholes …), counted by cell;
    `cases` are those that were dealt with, each with its minutes where known.
    `population` has one row per unit: ``level`` (``total``, ``community`` or
    ``estate``), ``unit_id``, the counts of `POPULATION_COLUMNS`, the texts of
    `POPULATION_TEXTS` where known, and one column per group.
    `community_committees` has one row per pair of `PAIR_COLUMNS`; it is empty where
    the planner gives no such table. `field_checks` has one row per thing that was
    looked at on the ground and whose answer the layers follow.
    """

    name: str
    crs: pyproj.CRS
    as_of: dt.date
    boundary: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    committees: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    estates: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    zonings: gpd.GeoDataFrame
    earlier_zones: gpd.GeoDataFrame
    weights: gpd.GeoDataFrame
    components: gpd.GeoDataFrame
    cases: gpd.GeoDataFrame
    population: pd.DataFrame
    notes: tuple[Note, ...] = ()
    community_committees: pd.DataFrame = field(default_factory=_no_pairs)
    field_checks: pd.DataFrame = field(default_factory=no_field_checks)

    @property
    def outline(self) -> shapely.Geometry:
        """The boundary as one polygon or multipolygon."""
        return shapely.union_all(self.boundary.geometry.to_numpy())

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the population groups, in the table's order."""
        known = {"level", "unit_id", *POPULATION_COLUMNS, *POPULATION_TEXTS}
        return tuple(column for column in self.population.columns if column not in known)


def make_place(
    *,
    name: str,
    crs: pyproj.CRS,
    as_of: dt.date,
    layers: Mapping[str, gpd.GeoDataFrame],
    population: pd.DataFrame,
    notes: tuple[Note, ...] = (),
    community_committees: pd.DataFrame | None = None,
) -> Place:
    """
    Check the layers, fill optional columns, sort by id and freeze them as a `Place`.

    Parameters
    ----------
    layers : mapping of layer name to GeoDataFrame
        Names as in `SCHEMAS`, all in `crs`. Optional layers may be absent.
    population : DataFrame
        As described in `Place`.
    community_committees : DataFrame, optional
        As described in `Place`.

    Raises
    ------
    InputError
        With one message per fault of any layer.
    """
    require_projected_metres(crs, what="place")
    faults = FaultList()
    for missing in (layer for layer in REQUIRED_LAYERS if layer not in layers):
        faults.add(
            en=f"The place has no layer `{missing}`. Name a file for it under [place].",
            zh=f"缺少图层 `{missing}`。请在 [place] 中指定文件。",
        )
    normal = {
        layer: normal_layer(layers[layer], layer, crs=crs, faults=faults)
        if layer in layers
        else empty_layer(layer, crs=crs)
        for layer in SCHEMAS
    }
    faults.raise_if_any(InputError)
    ordered = population.sort_values(["level", "unit_id"], kind="stable").reset_index(drop=True)
    pairs = _no_pairs() if community_committees is None else community_committees
    pairs = pairs[list(PAIR_COLUMNS)].sort_values(list(PAIR_COLUMNS)).reset_index(drop=True)
    return Place(
        name=name,
        crs=crs,
        as_of=as_of,
        population=ordered,
        notes=notes,
        community_committees=pairs,
        **normal,
    )


def layer_faults(layers: Mapping[str, gpd.GeoDataFrame], *, crs: pyproj.CRS) -> FaultList:
    """Return what is wrong with each of the layers by itself."""
    faults = FaultList()
    for layer, frame in layers.items():
        faults.extend(_frame_faults(frame, layer, crs).faults)
    return faults


def empty_layer(layer: str, *, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return a layer without rows that has all columns of its schema."""
    columns: dict[str, list[object]] = {column: [] for column in SCHEMAS[layer].columns}
    frame = gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    return _typed(frame, SCHEMAS[layer])


def normal_layer(
    frame: gpd.GeoDataFrame, layer: str, *, crs: pyproj.CRS, faults: FaultList
) -> gpd.GeoDataFrame:
    """
    Return a layer with typed columns, sorted by id; faults are added to `faults`.

    The frame given is not changed.
    """
    schema = SCHEMAS[layer]
    found = len(faults.faults)
    faults.extend(_frame_faults(frame, layer, crs).faults)
    if len(faults.faults) > found:
        return empty_layer(layer, crs=crs)
    fresh = frame.reset_index(drop=True)
    shapes = gpd.GeoSeries(plain_parts(fresh.geometry.to_numpy()), crs=crs)
    typed = _typed(fresh.set_geometry(shapes), schema)
    if schema.repeats:  # rows of one key by where they are
        typed = typed.iloc[np.argsort(shapely.to_wkb(shapes.to_numpy()), kind="stable")]
    ordered = typed.sort_values([schema.key], kind="stable").reset_index(drop=True)
    extra = sorted(set(ordered.columns) - {*schema.columns, "geometry"})
    return ordered[[*schema.columns, *extra, "geometry"]]


def _frame_faults(frame: gpd.GeoDataFrame, layer: str, crs: pyproj.CRS) -> FaultList:
    schema = SCHEMAS[layer]
    faults = FaultList()
    if frame.crs is None or not pyproj.CRS(frame.crs).equals(crs, ignore_axis_order=True):
        faults.add(
            en=f"Layer `{layer}` is in {frame.crs}, the place in {crs.to_string()}. Reproject it.",
            zh=f"图层 `{layer}` 的坐标系为 {frame.crs}，项目为 {crs.to_string()}，请先转换。",
        )
    missing = [
        name for name, column in schema.columns.items() if column.required and name not in frame
    ]
    if missing:
        faults.add(
            en=f"Layer `{layer}` lacks the columns {missing}; it has "
            f"{[str(name) for name in frame.columns]}. Rename with `rename = {{…}}` under [place].",
            zh=f"图层 `{layer}` 缺少字段 {missing}；现有字段 "
            f"{[str(name) for name in frame.columns]}。请在 [place] 中用 `rename = {{…}}` 对应。",
        )
        return faults
    ids = frame[schema.key].astype("string")
    _id_faults(ids, layer, schema, faults)
    _geometry_faults(frame, ids, layer, faults)
    for name, column in schema.columns.items():
        if name in frame and column.content in {"count", "number", "signed"}:
            number_faults(frame[name], ids, f"`{layer}`.`{name}`", column.content, faults)
    return faults


def _id_faults(ids: pd.Series[str], layer: str, schema: Schema, faults: FaultList) -> None:
    key = schema.key
    empty = int((ids.isna() | (ids == "")).sum())
    if empty:
        faults.add(
            en=f"{empty} of {len(ids)} rows of `{layer}` {agreed(empty, 'has', 'have')} no "
            f"`{key}`. Give each an id.",
            zh=f"图层 `{layer}` 的 {len(ids)} 行中有 {empty} 行没有 `{key}`，请补全编号。",
        )
    twice = sorted(ids[ids.duplicated() & ids.notna()].unique())
    if twice and not schema.repeats:
        which, which_zh = both_ids(twice)
        faults.add(
            en=f"{counted(len(twice), 'id occurs', 'ids occur')} more than once in "
            f"`{layer}`.`{key}`: {which}. Ids must be unique.",
            zh=f"`{layer}`.`{key}` 中有 {len(twice)} 个编号重复：{which_zh}。编号必须唯一。",
        )


def _geometry_faults(
    frame: gpd.GeoDataFrame, ids: pd.Series[str], layer: str, faults: FaultList
) -> None:
    shapes = frame.geometry.to_numpy()
    kind = SCHEMAS[layer].geometry
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    wrong = ~empty & ~np.isin(shapely.get_type_id(shapes), _TYPE_IDS[kind])
    for bad, found_en, found_zh in (
        (empty, "no geometry", "没有几何"),
        (wrong, f"a geometry that is no {kind}", f"几何类型不是 {kind}"),
    ):
        if bad.any():
            which, which_zh = both_ids(ids[bad].tolist())
            faults.add(
                en=f"{int(bad.sum())} of {len(ids)} rows of `{layer}` "
                f"{agreed(int(bad.sum()), 'has', 'have')} {found_en}: {which}.",
                zh=f"`{layer}` 的 {len(ids)} 行中有 {int(bad.sum())} 行{found_zh}：{which_zh}。",
            )


def number_faults(
    values: pd.Series[float], ids: pd.Series[str], what: str, content: Content, faults: FaultList
) -> None:
    """Add a fault for text, negative (unless signed) or broken counts; null is allowed."""
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    given = values.notna() & (values.astype("string").str.strip() != "")
    text = given & numbers.isna()
    below = (numbers < 0) & (content != "signed")
    bad = numbers.notna() & (below | ~np.isfinite(numbers))
    broken = numbers.notna() & (numbers % 1 != 0) if content == "count" else bad & False
    for rows, en, zh in (
        (text, ("is no number", "are no numbers"), "不是数字"),
        (bad, ("is negative or not finite", "are negative or not finite"), "为负数或无穷"),
        (broken & ~bad, ("is no whole number", "are no whole numbers"), "不是整数"),
    ):
        if rows.any():
            which, which_zh = both_ids((ids[rows] + " = " + values[rows].astype(str)).tolist())
            faults.add(
                en=f"{int(rows.sum())} of {len(values)} values of {what} "
                f"{agreed(int(rows.sum()), *en)}: {which}.",
                zh=f"{what} 的 {len(values)} 个值中有 {int(rows.sum())} 个{zh}：{which_zh}。",
            )


def _typed(frame: gpd.GeoDataFrame, schema: Schema) -> gpd.GeoDataFrame:
    typed = frame.copy()
    for name, column in schema.columns.items():
        values = typed[name] if name in typed else pd.Series([None] * len(typed), dtype="object")
        typed[name] = _as_content(values, column.content)
    return typed


def _as_content(values: pd.Series, content: Content) -> pd.Series:
    if content == "text":
        return as_text(values)
    if content == "flag":
        return _flags(values)
    numbers = pd.to_numeric(values.replace("", None), errors="coerce").astype("float64")
    return numbers.astype("Int64") if content == "count" else numbers


def as_text(values: pd.Series) -> pd.Series:
    """
    Return ids and names as text, null where there is none.

    Codes come as numbers from tables with gaps: 320583102.0 is the code 320583102.

    Examples
    --------
    >>> as_text(pd.Series([320583102.0, None])).tolist()
    ['320583102', None]
    """
    whole = pd.api.types.is_float_dtype(values) and bool((values.dropna() % 1 == 0).all())
    exact = values.astype("Int64") if whole else values
    return exact.astype("string").astype("object").where(values.notna(), None)


def _flags(values: pd.Series) -> pd.Series:
    words = values.astype("string").str.strip().str.lower()
    yes = words.isin(["1", "1.0", "true", "yes", "y", "是", "t"])
    no = words.isin(["0", "0.0", "false", "no", "n", "否", "f"])
    return yes.astype("boolean").where(yes | no, pd.NA)
