"""The files a project names: where they are, what they hold, their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd

from gridplan.config import Config, LayerSource
from gridplan.errors import FaultList, MissingInputError
from gridplan.people_settings import HOUSEHOLDS, PopulationSource
from gridplan.place import SCHEMAS
from gridplan.sources.tables import points_from_table, read_table
from gridplan.sources.vectors import layers_in, read_layer

WORDS = ("communities", "box", "none", "estates", "public", "estates+public")
"""Values of layer settings that are no file names."""

_TABLES = (".csv", ".xlsx")
_GRAPH = ".graphml"
_CHUNK = 1 << 20


def layer_source(config: Config, layer: str) -> LayerSource | str | list[float] | None:
    """Return the setting of a layer; a plain file name becomes a `LayerSource`."""
    value = getattr(config.place, layer)
    if isinstance(value, str) and value not in WORDS:
        return LayerSource(file=value)
    return value  # type: ignore[no-any-return]


def named_files(config: Config) -> Iterator[tuple[str, str]]:
    """Yield (setting, file) for every file the settings name."""
    place = config.place
    for key in ("layers", "osm"):
        if getattr(place, key):
            yield key, getattr(place, key)
    for layer in SCHEMAS:
        source = layer_source(config, layer)
        if isinstance(source, LayerSource) and source.file:
            yield layer, source.file
    population = place.population
    if isinstance(population, str) and population != HOUSEHOLDS:
        yield "population", population
    elif isinstance(population, PopulationSource):
        estates = population.estates.file if population.estates else None
        for file in (population.file, population.raster, estates):
            if file:
                yield "population", file


def missing_file_faults(config: Config, folder: Path) -> FaultList:
    """Return one fault per named file that is not there."""
    faults = FaultList()
    for key, name in named_files(config):
        if not (folder / name).is_file():
            faults.add(
                en=f"[place].{key}: there is no file {name} in {folder}. Paths are relative "
                f"to the TOML.",
                zh=f"[place].{key}：{folder} 中找不到文件 {name}。路径相对于 TOML 文件。",
            )
    return faults


def input_digests(config: Config, folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every named file by its relative path."""
    names = sorted({name for _, name in named_files(config)})
    return {Path(name).as_posix(): _sha256(folder / name) for name in names}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_source(source: LayerSource, folder: Path, layer: str) -> gpd.GeoDataFrame:
    """Return the frame a source names, as it is in the file (a table with coordinates, too)."""
    if source.file is None:
        raise MissingInputError
    path = folder / source.file
    if path.suffix.lower() in _TABLES:
        table = read_table(path, sheet=source.layer)
        table = table.rename(columns={theirs: ours for ours, theirs in source.rename.items()})
        return points_from_table(table, crs=source.crs, what=source.file)
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


def _default_layer(path: Path, layer: str) -> str | None:
    """Return the layer of the same name where the file has several."""
    names = layers_in(path)
    return layer if layer in names else None
