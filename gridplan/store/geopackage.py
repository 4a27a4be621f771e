"""A plan as one GeoPackage that needs nothing beside it, and back."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj

from gridplan.errors import ContractError, InputError, Message, MissingInputError, Note
from gridplan.geometry import plain_parts
from gridplan.place import SCHEMAS, Place, make_place
from gridplan.plan import CONTRACT, Plan, StepRecord

_INPUT = "in_"
_OWN_TABLES = ("steps", "in_population", "in_notes", "gridplan_meta")


def write_geopackage(plan: Plan, path: Path, *, manifest: Mapping[str, Any]) -> None:
    """Write the layers, the normalised inputs, the steps and the figures of a plan."""
    place = plan.place
    inputs = {
        f"{_INPUT}{name}": getattr(place, name)
        for name in SCHEMAS
        if len(getattr(place, name)) or name == "boundary"
    }
    tables = {
        "steps": pd.DataFrame([{"name": s.name, "fingerprint": s.fingerprint} for s in plan.steps]),
        "in_population": place.population,
        "in_notes": _notes_table(place),
        "gridplan_meta": _meta_table(plan, manifest),
    }
    with _fixed_clock(place.as_of):
        for name, frame in {**plan.layers, **inputs, **tables}.items():
            _write_layer(frame, path, name)


def read_geopackage(path: Path) -> tuple[Plan, dict[str, Any]]:
    """
    Return the plan in a GeoPackage, and its manifest.

    Raises
    ------
    MissingInputError, InputError, ContractError
    """
    names = layer_names(path)
    if "gridplan_meta" not in names:
        raise InputError(
            Message(
                en=f"{path.name} is no plan of gridplan: the table gridplan_meta is missing.",
                zh=f"{path.name} 不是 gridplan 成果：缺少表 gridplan_meta。",
            )
        )
    meta_table = _read_layer(path, "gridplan_meta")
    meta = dict(zip(meta_table["key"], meta_table["value"], strict=True))
    check_contract(meta.get("contract", ""), what=path.name)
    layers = {
        name: _read_layer(path, name)
        for name in names
        if not name.startswith(_INPUT) and name not in _OWN_TABLES
    }
    steps = _read_layer(path, "steps").to_dict("records")
    plan = Plan(
        place=_read_place(path, names, meta),
        layers=layers,
        summary=json.loads(meta["summary"]),
        settings=json.loads(meta["settings"]),
        steps=tuple(StepRecord(step["name"], step["fingerprint"]) for step in steps),
    )
    return plan, json.loads(meta["manifest"])


def read_layers(path: Path) -> dict[str, pd.DataFrame]:
    """Return all layers of any GeoPackage, hand-drawn too."""
    return {name: _read_layer(path, name) for name in layer_names(path)}


def layer_names(path: Path) -> list[str]:
    """Return the names of the layers and tables of a GeoPackage."""
    if not path.is_file():
        raise MissingInputError(Message(en=f"There is no file {path}.", zh=f"找不到文件 {path}。"))
    try:
        return [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        raise InputError(
            Message(
                en=f"{path.name} cannot be read as a GeoPackage: {error}",
                zh=f"{path.name} 无法作为 GeoPackage 读取：{error}",
            )
        ) from error


def check_contract(version: str, *, what: str) -> None:
    """Refuse a plan written under a higher major version of the contract."""
    major, _, _ = str(version).partition(".")
    own, _, _ = CONTRACT.partition(".")
    if not major.isdigit() or int(major) > int(own):
        raise ContractError(
            Message(
                en=f"{what} was written under contract {version!r}; this gridplan reads "
                f"{CONTRACT}. Install a newer gridplan.",
                zh=f"{what} 的数据约定版本为 {version!r}，本软件支持 {CONTRACT}，请升级 gridplan。",
            )
        )


def _read_layer(path: Path, name: str) -> pd.DataFrame:
    frame: pd.DataFrame = gpd.read_file(path, layer=name, engine="pyogrio")
    if isinstance(frame, gpd.GeoDataFrame):
        frame = frame.set_geometry(
            gpd.GeoSeries(plain_parts(frame.geometry.to_numpy()), crs=frame.crs)
        )
    for column in frame.columns:
        if column != "geometry" and pd.api.types.is_string_dtype(frame[column].dtype):
            values = frame[column].astype("object")
            frame[column] = values.where(values.notna(), None)
    return frame


def _read_place(path: Path, names: list[str], meta: Mapping[str, str]) -> Place:
    layers = {
        name: _read_layer(path, f"{_INPUT}{name}") for name in SCHEMAS if f"{_INPUT}{name}" in names
    }
    crs = pyproj.CRS.from_user_input(meta["crs"])
    notes = tuple(
        Note(
            row["code"],
            int(row["count"]),
            Message(row["en"], row["zh"]),
            tuple(json.loads(row["ids"])),
        )
        for row in _read_layer(path, "in_notes").to_dict("records")
    )
    return make_place(
        name=meta["name"],
        crs=crs,
        as_of=dt.date.fromisoformat(meta["as_of"]),
        layers=layers,
        population=_read_layer(path, "in_population"),
        notes=notes,
    )


def _notes_table(place: Place) -> pd.DataFrame:
    rows = [
        (n.code, n.count, n.message.en, n.message.zh, json.dumps(list(n.ids), ensure_ascii=False))
        for n in place.notes
    ]
    return pd.DataFrame(rows, columns=["code", "count", "en", "zh", "ids"]).astype(
        {"code": object, "count": "int64", "en": object, "zh": object, "ids": object}
    )


def _meta_table(plan: Plan, manifest: Mapping[str, Any]) -> pd.DataFrame:
    values = {
        "contract": CONTRACT,
        "name": plan.place.name,
        "crs": plan.place.crs.to_string(),
        "as_of": plan.place.as_of.isoformat(),
        # In their own order: what is rendered from a stored plan equals what was rendered first.
        "summary": _plain_json(plan.summary),
        "settings": _plain_json(plan.settings),
        "manifest": _plain_json(manifest),
    }
    return pd.DataFrame({"key": list(values), "value": list(values.values())})


def _plain_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def as_json(value: object) -> str:
    """Return JSON with sorted keys and no infinities."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n"


_ADDED_KINDS = {"ledger": "line"}
"""Geometry of layers that are no input, where it is no polygon and the layer may be empty."""


def _write_layer(frame: pd.DataFrame, path: Path, name: str) -> None:
    plain = frame.reset_index(drop=True)
    if not isinstance(plain, gpd.GeoDataFrame):
        pyogrio.write_dataframe(plain, path, layer=name, driver="GPKG")
        return
    kinds = set(plain.geometry.geom_type.dropna())
    multi = any(kind.startswith("Multi") for kind in kinds)
    kind = _layer_kind(kinds, name)
    pyogrio.write_dataframe(
        plain, path, layer=name, driver="GPKG", geometry_type=kind, promote_to_multi=multi
    )


def _layer_kind(kinds: set[str], name: str) -> str:
    """Return the declared geometry type of a layer, also where it is empty."""
    if not kinds:
        schema = SCHEMAS.get(name.removeprefix(_INPUT))
        words = {"polygon": "Polygon", "line": "LineString", "point": "Point"}
        added = _ADDED_KINDS.get(name, "polygon")
        return words.get(schema.geometry if schema else added, "Polygon")
    multi = sorted(kind for kind in kinds if kind.startswith("Multi"))
    return multi[0] if multi else min(kinds)


@contextlib.contextmanager
def _fixed_clock(as_of: dt.date) -> Iterator[None]:
    """Have GDAL write the data's date, not today's, so that the same input gives the same bytes."""
    stamp = f"{as_of.isoformat()}T00:00:00Z"
    earlier = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": stamp})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": earlier})
