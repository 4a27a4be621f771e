"""A plan as one GeoPackage that needs nothing beside it, and back."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
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
from gridplan.verify import CONTRACT_LAYERS

_INPUT = "in_"
_PAIRS = "in_community_committees"
_CHECKS = "field_checks"
_OWN_TABLES = ("steps", "in_population", "in_notes", "gridplan_meta")
_META = ("name", "crs", "as_of", "summary", "settings", "manifest")
_OBJECTS = ("place", "cells", "proofs", "access", "siting", "zones")
_SQLITE = b"SQLite format 3\x00"

SUMMARY_BLOCKS = (
    "contract",
    "place",
    "residents",
    "residents_placed",
    "residents_unplaced",
    "cells",
    "proofs",
    "access",
    "access_after",
    "siting",
    "zones",
    "targets_missed",
    "caveats",
)
"""What a summary must have."""


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
    if len(place.community_committees):
        tables[_PAIRS] = place.community_committees
    with fixed_clock(place.as_of):
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
    meta = read_meta(_read_layer(path, "gridplan_meta"), what=path.name)
    _require_layers(names, what=path.name)
    layers = {
        name: _read_layer(path, name)
        for name in names
        if not name.startswith(_INPUT) and name not in _OWN_TABLES
    }
    steps = _read_layer(path, "steps").to_dict("records")
    plan = Plan(
        place=_read_place(path, names, meta),
        layers=layers,
        summary=summary_of(meta["summary"], what=path.name),
        settings=json_object(meta["settings"], what=f"{path.name}, settings"),
        steps=tuple(StepRecord(step["name"], step["fingerprint"]) for step in steps),
    )
    return plan, json_object(meta["manifest"], what=f"{path.name}, manifest")


def read_meta(table: pd.DataFrame, *, what: str) -> dict[str, str]:
    """
    Return the table ``gridplan_meta`` as a mapping, its contract checked.

    Raises
    ------
    InputError, ContractError
    """
    if not {"key", "value"} <= set(table):
        raise _damaged(what, "gridplan_meta")
    meta = {str(key): str(value) for key, value in zip(table["key"], table["value"], strict=True)}
    check_contract(meta.get("contract", ""), what=what)
    absent = [key for key in _META if key not in meta]
    if absent:
        raise _damaged(what, f"gridplan_meta: {', '.join(absent)}")
    return meta


def json_object(text: str, *, what: str) -> dict[str, Any]:
    """
    Return a JSON object.

    Raises
    ------
    InputError
        If the text is no JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(
            Message(
                en=f"{what} is no JSON ({error}). Run the project again, or restore the file.",
                zh=f"{what} 不是有效的 JSON（{error}）。请重新运行项目或恢复该文件。",
            )
        ) from error
    if not isinstance(value, dict):
        raise InputError(
            Message(
                en=f"{what} holds a {type(value).__name__}, not a JSON object with named blocks. "
                "Run the project again, or restore the file.",
                zh=f"{what} 的内容不是 JSON 对象（{type(value).__name__}）。"
                "请重新运行项目或恢复该文件。",
            )
        )
    return value


def summary_of(text: str, *, what: str) -> dict[str, Any]:
    """
    Return a summary with all the blocks of the contract.

    Raises
    ------
    InputError, ContractError
    """
    summary = json_object(text, what=what)
    check_contract(str(summary.get("contract", "")), what=what)
    absent = [block for block in SUMMARY_BLOCKS if block not in summary]
    odd = [block for block in _OBJECTS if not isinstance(summary.get(block, {}), dict)]
    if absent or odd:
        broken = ", ".join(sorted({*absent, *odd}))
        raise InputError(
            Message(
                en=f"The summary in {what} lacks blocks, or has broken ones: {broken}. "
                "Run the project again, or restore the file.",
                zh=f"{what} 中的摘要缺少或损坏以下部分：{broken}。请重新运行项目或恢复该文件。",
            )
        )
    return summary


def _damaged(what: str, part: str) -> InputError:
    return InputError(
        Message(
            en=f"{what} is damaged: {part} is missing. Run the project again, or restore the file.",
            zh=f"{what} 已损坏：缺少 {part}。请重新运行项目或恢复该文件。",
        )
    )


def _require_layers(names: list[str], *, what: str) -> None:
    absent = [name for name in (*CONTRACT_LAYERS, *_OWN_TABLES) if name not in names]
    if absent:
        raise _damaged(what, ", ".join(absent))


def stored_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest in a GeoPackage; empty if it is no plan of gridplan."""
    if "gridplan_meta" not in layer_names(path):
        return {}
    meta = _read_layer(path, "gridplan_meta")
    found = dict(zip(meta["key"], meta["value"], strict=True)).get("manifest", "{}")
    return dict(json.loads(found))


def read_layers(path: Path) -> dict[str, pd.DataFrame]:
    """Return all layers of any GeoPackage, hand-drawn too."""
    return {name: _read_layer(path, name) for name in layer_names(path)}


def layer_names(path: Path) -> list[str]:
    """Return the names of the layers and tables of a GeoPackage."""
    if not path.is_file():
        raise MissingInputError(Message(en=f"There is no file {path}.", zh=f"找不到文件 {path}。"))
    with path.open("rb") as file:
        head = file.read(len(_SQLITE))
    if head != _SQLITE:
        raise InputError(
            Message(
                en=f"{path.name} is {'no GeoPackage' if head else 'empty'}. Save the layers as "
                "a GeoPackage (.gpkg).",
                zh=f"{path.name} {'不是 GeoPackage' if head else '是空文件'}。"
                "请将图层存为 GeoPackage（.gpkg）。",
            )
        )
    with _readable(path), warnings.catch_warnings():
        # A wrong application id is told by what the file lacks, if it lacks anything.
        warnings.simplefilter("ignore", RuntimeWarning)
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    if not names:
        raise InputError(
            Message(
                en=f"{path.name} has no layers. Save the layers into it.",
                zh=f"{path.name} 中没有图层，请先存入图层。",
            )
        )
    return names


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise InputError(
            Message(
                en=f"{path.name} cannot be read as a GeoPackage, it is damaged or not whole: "
                f"{error}. Restore it, or run the project again.",
                zh=f"{path.name} 无法作为 GeoPackage 读取，文件损坏或不完整：{error}。"
                "请恢复该文件或重新运行项目。",
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
    with _readable(path):
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
    place = make_place(
        name=meta["name"],
        crs=crs,
        as_of=dt.date.fromisoformat(meta["as_of"]),
        layers=layers,
        population=_read_layer(path, "in_population"),
        notes=notes,
        community_committees=_read_layer(path, _PAIRS) if _PAIRS in names else None,
    )
    # A plan of an earlier version has no such table: nothing had been checked.
    return replace(place, field_checks=_read_layer(path, _CHECKS)) if _CHECKS in names else place


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


_ADDED_KINDS = {"ledger": "line", "links": "line", "walks": "line"}
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
def fixed_clock(as_of: dt.date) -> Iterator[None]:
    """Have GDAL write the data's date, not today's, so that the same input gives the same bytes."""
    stamp = f"{as_of.isoformat()}T00:00:00Z"
    earlier = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": stamp})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": earlier})
