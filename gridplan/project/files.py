"""The files a project names: where they are, what they hold, their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from gridplan.config import Config, LayerSource
from gridplan.errors import (
    FaultList,
    InputError,
    Message,
    MissingInputError,
    Note,
    first_ids,
    ids_zh,
)
from gridplan.people_settings import HOUSEHOLDS, PopulationSource, PopulationTable
from gridplan.place import SCHEMAS
from gridplan.sources.tables import points_from_table, read_table
from gridplan.sources.vectors import layers_in, read_attributes, read_layer, shapefile_parts

WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "boundary": ("communities", "box"),
        "communities": ("none",),
        "sites": ("estates", "public", "estates+public", "none"),
        "water": ("none",),
        "barriers": ("none",),
        "gates": ("none",),
        "estates": ("none",),
        "facilities": ("none",),
        "weights": ("none",),
        "zonings": ("none",),
        "earlier_zones": ("none",),
        "components": ("none",),
        "cases": ("none",),
    }
)
"""Values of layer settings that are no file names, by layer."""

BY_TAGS = ("boundary", "communities", "committees", "sites", "facilities", "components")
"""Layers that `{osm = {…}}` can select by tags; the others are read whole."""

PAIRS = "community_committees"

_FILE_SETTINGS = ("file", "raster", "estates")

_ALL_WORDS = tuple(dict.fromkeys(word for words in WORDS.values() for word in words))
_TABLES = (".csv", ".xlsx")
_GRAPH = ".graphml"
_CHUNK = 1 << 20


def layer_source(config: Config, layer: str) -> LayerSource | str | list[float] | None:
    """
    Return the setting of a layer; a plain file name becomes a `LayerSource`.

    Raises
    ------
    InputError
        If the setting is a word or a selection that this layer does not know.
    """
    value = getattr(config.place, layer)
    if isinstance(value, str):
        if value in WORDS.get(layer, ()):
            return value
        if value in _ALL_WORDS:
            raise InputError(_refused(layer, f'"{value}"'))
        return LayerSource(file=value)
    if isinstance(value, LayerSource):
        if value.osm is not None and layer not in BY_TAGS:
            raise InputError(_refused(layer, "{osm = …}"))
        if value.osm is not None and value.file is not None:
            raise InputError(_refused(layer, "{file = …, osm = …}"))
    return value  # type: ignore[no-any-return]


def _refused(layer: str, given: str) -> Message:
    words = [f'"{word}"' for word in WORDS.get(layer, ())]
    tags_en = ["a selection {osm = {key = value}}"] if layer in BY_TAGS else []
    tags_zh = ["按标签选取 {osm = {键 = 值}}"] if layer in BY_TAGS else []
    return Message(
        en=f"[place].{layer} = {given} means nothing for this layer. Give one of: a file name, "
        f"a table {{file = …}}, {', '.join([*tags_en, *words, 'or leave it out'])}.",
        zh=f"[place].{layer} = {given} 对该图层无意义。可填：文件名、表 {{file = …}}、"
        f"{'、'.join([*tags_zh, *words, '或不填'])}。",
    )


def named_files(config: Config) -> Iterator[tuple[str, str]]:
    """Yield (setting, file) for every file the settings name."""
    place = config.place
    for key in ("layers", "osm"):
        if getattr(place, key):
            yield key, getattr(place, key)
    for layer in (*SCHEMAS, PAIRS):
        value = getattr(place, layer)
        if isinstance(value, str) and value not in _ALL_WORDS:
            yield layer, value
        elif isinstance(value, LayerSource) and value.file:
            yield layer, value.file
    for name in field_files(config):
        yield "fieldcheck", name
    for name in _population_files(place.population):
        yield "population", name


def _population_files(population: int | str | PopulationSource) -> Iterator[str]:
    if isinstance(population, str) and population != HOUSEHOLDS:
        yield population
    elif isinstance(population, PopulationSource):
        estates = population.estates.file if population.estates else None
        for file in (population.file, population.raster, estates):
            if file:
                yield file


def field_files(config: Config) -> tuple[str, ...]:
    """Return the files of answers from the ground that the settings name."""
    given = config.place.fieldcheck
    return (given,) if isinstance(given, str) else tuple(given)


def missing_file_faults(config: Config, folder: Path) -> FaultList:
    """Return one fault per named file that is not there."""
    faults = FaultList()
    for key, name in named_files(config):
        if not (folder / name).is_file():
            faults.add(
                en=f"[place].{key}: there is no file {name} in {folder.resolve()}. Paths are "
                f"relative to the TOML.",
                zh=f"[place].{key}：{folder.resolve()} 中找不到文件 {name}。路径相对于 TOML 文件。",
            )
    return faults


def input_digests(config: Config, folder: Path) -> dict[str, str]:
    """
    Return the SHA-256 of every named file by its relative path.

    A Shapefile is all its parts. A file named by an absolute path stands under the
    path that `portable` gives it.
    """
    names = portable_names(config, folder)
    digests = {}
    for _, name in named_files(config):
        shown = Path(names[name])
        for part in shapefile_parts(folder / name):
            digests[shown.with_name(part.name).as_posix()] = _sha256(part)
    return dict(sorted(digests.items()))


def portable(config: Config, folder: Path) -> tuple[Config, list[Note]]:
    """
    Return the settings without absolute paths, and a note of what was shortened.

    A file below the folder of the settings is named from there, any other by its name
    alone: the folders of a user's machine are nobody else's business, and a stored
    plan must not depend on them.
    """
    names = portable_names(config, folder)
    shortened = sorted({names[name] for _, name in named_files(config) if names[name] != name})
    if not shortened:
        return config, []
    place = config.place.model_copy(
        update={
            key: _renamed_files(getattr(config.place, key), names)
            for key in type(config.place).model_fields
        }
    )
    files = "1 file is" if len(shortened) == 1 else f"{len(shortened)} files are"
    message = Message(
        en=f"{files} named by absolute paths in the settings; the run keeps "
        f"only {first_ids(shortened)}. Name them relative to the TOML to run it elsewhere.",
        zh=f"设置中有 {len(shortened)} 个文件使用绝对路径，成果中只保留 "
        f"{ids_zh(shortened)}。如需在其他电脑运行，请改为相对于 TOML 的路径。",
    )
    note = Note("absolute_paths", len(shortened), message, tuple(shortened))
    return config.model_copy(update={"place": place}), [note]


def portable_names(config: Config, folder: Path) -> dict[str, str]:
    """Return, for each file name in the settings, the one that may be stored (relative)."""
    names: dict[str, str] = {}
    base = folder.resolve()
    for key, name in named_files(config):
        path = Path(name)
        if not path.is_absolute():
            names[name] = path.as_posix()
            continue
        below = path.resolve().is_relative_to(base)
        short = path.resolve().relative_to(base).as_posix() if below else path.name
        taken = {stored for given, stored in names.items() if given != name}
        names[name] = f"{key}/{short}" if short in taken else short
    return names


def _renamed_files(value: object, names: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, LayerSource | PopulationTable):
        renamed = {
            key: _renamed_files(getattr(value, key), names)
            for key in _FILE_SETTINGS
            if getattr(value, key, None) is not None
        }
        return value.model_copy(update=renamed)
    return value


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_source(source: LayerSource, folder: Path, layer: str) -> gpd.GeoDataFrame:
    """
    Return the frame a source names, as it is in the file (a table with coordinates, too).

    Raises
    ------
    MissingInputError
        Without a message, where the file is not there: `missing_file_faults` has said so.
    """
    path = _there(source, folder)
    if path.suffix.lower() in _TABLES:
        table = _renamed_columns(read_table(path, sheet=source.layer), source)
        return points_from_table(table, crs=source.crs, what=source.file or path.name)
    if path.suffix.lower() == _GRAPH:
        # networkx takes longest of all imports, and few places need it.
        from gridplan.sources.osmnx_graph import read_graphml

        return read_graphml(path)
    return read_layer(
        path,
        layer=source.layer or _default_layer(path, layer),
        crs=source.crs,
        rename=source.rename,
    )


def read_pairs(source: LayerSource, folder: Path) -> pd.DataFrame:
    """Return a table without geometry: CSV, XLSX, or a layer of a GeoPackage."""
    path = _there(source, folder)
    if path.suffix.lower() in _TABLES:
        table = read_table(path, sheet=source.layer)
    else:
        table = read_attributes(path, layer=source.layer or _default_layer(path, PAIRS))
    return _renamed_columns(table, source)


def _there(source: LayerSource, folder: Path) -> Path:
    if source.file is None or not (folder / source.file).is_file():
        raise MissingInputError
    return folder / source.file


def _renamed_columns(table: pd.DataFrame, source: LayerSource) -> pd.DataFrame:
    return table.rename(columns={theirs: ours for ours, theirs in source.rename.items()})


def _default_layer(path: Path, layer: str) -> str | None:
    """Return the layer of the same name where the file has several."""
    names = layers_in(path)
    return layer if layer in names else None
