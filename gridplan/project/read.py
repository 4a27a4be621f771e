"""From `gridplan.toml` to a checked `Place`: read, reproject, repair, select, check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from gridplan.answers import apply_answers
from gridplan.config import Config, LayerSource, read_config
from gridplan.errors import FaultList, InputError
from gridplan.geometry import choose_crs, require_projected_metres
from gridplan.place import Place, layer_faults, make_place
from gridplan.project import osm as from_osm
from gridplan.project.building_checks import note_overlaps
from gridplan.project.cells import read_cells
from gridplan.project.checks import check_place, checked_pairs
from gridplan.project.field_answers import read_all_answers
from gridplan.project.files import (
    PAIRS,
    field_files,
    input_digests,
    missing_file_faults,
    portable,
    read_pairs,
    read_source,
)
from gridplan.project.inside import (
    drop_unknown_estates,
    select_components,
    select_facilities,
    select_near,
)
from gridplan.project.outline import DEGREES, checked_box, read_outline
from gridplan.project.population import check_homes, population_total, read_population
from gridplan.project.reading import (
    Reading,
    Spot,
    already_reported,
    extract_of,
    keeping_faults,
    no_layer,
    on_grid,
    read_file,
    source_of,
)
from gridplan.project.slits import with_slits
from gridplan.sources.osm import OsmExtract, read_osm
from gridplan.sources.vectors import coordinate_faults

_LAYERS = (
    "buildings", "streets", "water", "barriers", "estates", "gates", "weights", "zonings",
    "earlier_zones", "cases",
)  # fmt: skip
_NEEDED = ("buildings", "streets")
_LOCATED = ("boundary", "communities", *_LAYERS, "committees", "sites", "facilities", "components")


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


def open_project(
    toml: str | Path,
    *,
    overrides: Sequence[str] = (),
    config: Config | None = None,
    left: frozenset[str] = frozenset(),
    spots: list[Spot] | None = None,
) -> Project:
    """
    Return the place, the settings and the digests of the files of a project.

    Every layer is read and checked whatever is wrong with the others, so that all
    faults that a run would refuse are raised together. The settings come back without
    absolute paths. Places of what is wrong with the communities are added to `spots`, also
    where the project is refused. `config` takes the place of the settings in the file, where
    they have been read already; what depends on the sections in `left` is not judged.
    """
    path = Path(toml)
    config = read_config(path, overrides=overrides) if config is None else config
    reading = _begin(config, path.parent)
    reading.left = left
    if spots is not None:
        reading.spots = spots
    read_outline(reading)
    for layer in _LAYERS:
        with keeping_faults(reading.faults):
            _read_layer(reading, layer)
    with keeping_faults(reading.faults):
        read_cells(reading)
    select_near(reading)
    note_overlaps(reading)
    with keeping_faults(reading.faults):
        _read_committees(reading)
    with keeping_faults(reading.faults):
        _read_sites(reading)
    with keeping_faults(reading.faults):
        _read_facilities(reading)
    with keeping_faults(reading.faults):
        _read_components(reading)
    drop_unknown_estates(reading)
    population: pd.DataFrame | None = None
    with keeping_faults(reading.faults):
        population = read_population(reading)
    if population is not None:
        check_homes(reading, population)
    pairs: pd.DataFrame | None = None
    with keeping_faults(reading.faults):
        pairs = _read_pairs(reading)
    check_place(reading, population)
    reading.faults.extend(layer_faults(reading.layers, crs=reading.crs).faults)
    return _finished(reading, population, pairs)


def _finished(
    reading: Reading, population: pd.DataFrame | None, pairs: pd.DataFrame | None
) -> Project:
    answers = read_all_answers(
        field_files(reading.config), reading.folder, crs=reading.crs, faults=reading.faults
    )
    _raise_each_once(reading.faults)
    config, shortened = portable(reading.config, reading.folder)
    place = make_place(
        name=config.place.name,
        crs=reading.crs,
        as_of=config.place.as_of,
        layers=reading.layers,
        population=population_total(0) if population is None else population,
        notes=(*reading.notes, *shortened),
        community_committees=pairs,
    )
    place = with_slits(apply_answers(place, answers), reading)
    return Project(place=place, config=config, inputs=input_digests(reading.config, reading.folder))


def _raise_each_once(faults: FaultList) -> None:
    # A file that cannot be read says so for each of its layers.
    FaultList(list(dict.fromkeys(faults.faults))).raise_if_any()


def _begin(config: Config, folder: Path) -> Reading:
    faults = missing_file_faults(config, folder)
    extract: OsmExtract | None = None
    if config.place.osm and (folder / config.place.osm).is_file():
        with keeping_faults(faults):
            extract = read_osm(folder / config.place.osm)
    crs = _project_crs(config, folder, extract, faults)
    reading = Reading(config=config, folder=folder, crs=crs, extract=extract, faults=faults)
    if extract is not None:
        reading.notes.extend(extract.notes)
    return reading


def _project_crs(
    config: Config, folder: Path, extract: OsmExtract | None, faults: FaultList
) -> pyproj.CRS:
    """
    Return the CRS of the settings, else the one for the place's longitude.

    A wrong setting is a fault, and the other layers are still checked in the latter.
    """
    if config.place.crs is not None:
        with keeping_faults(faults):
            return require_projected_metres(config.place.crs, what="[place].crs")
    for west, south, east, north in _boxes(config, folder, extract):
        return choose_crs((west + east) / 2, (south + north) / 2)
    if not faults.faults:
        faults.extend([no_layer("boundary")])
    _raise_each_once(faults)
    raise already_reported()


def _boxes(
    config: Config, folder: Path, extract: OsmExtract | None
) -> Iterator[tuple[float, float, float, float]]:
    """
    Yield boxes in degrees that tell where the place is, the best first.

    What cannot be read is passed over; its layer will report it.
    """
    given = config.place.boundary
    ignored = FaultList()
    if isinstance(given, list):
        with keeping_faults(ignored):
            yield checked_box(given)
    located = _LOCATED if extract is None else _LOCATED[:0]
    if extract is not None:
        yield extract.box
    for layer in located:
        with keeping_faults(ignored):
            source = source_of(config, folder, layer)
            if isinstance(source, LayerSource) and source.osm is None:
                frame = read_source(source, folder, layer)
                if not coordinate_faults(frame, layer):
                    west, south, east, north = frame.to_crs(DEGREES).total_bounds
                    if np.isfinite([west, south, east, north]).all():
                        yield west, south, east, north


def _read_layer(reading: Reading, layer: str) -> None:
    frame = _read_any(reading, layer)
    if frame is not None and len(frame):
        reading.layers[layer] = frame
    elif layer in _NEEDED:
        raise InputError(no_layer(layer))


def _read_any(reading: Reading, layer: str) -> gpd.GeoDataFrame | None:
    source = source_of(reading.config, reading.folder, layer)
    if source == "none":
        return None
    if isinstance(source, LayerSource):
        reading.from_file.add(layer)
        return read_file(reading, source, layer, strict=False)
    if not reading.config.place.osm:
        return None
    frame = from_osm.osm_layer(extract_of(reading), layer)
    if frame is None or not len(frame):
        return None
    return on_grid(reading, frame.to_crs(reading.crs), layer, strict=False)


def _read_committees(reading: Reading) -> None:
    source = source_of(reading.config, reading.folder, "committees")
    if not isinstance(source, LayerSource):
        raise InputError(no_layer("committees"))
    if source.osm is not None:
        frame = from_osm.select_points(extract_of(reading), source.osm, what="committees")
        frame = on_grid(reading, frame.to_crs(reading.crs), "committees", strict=False)
    else:
        reading.from_file.add("committees")
        frame = read_file(reading, source, "committees", strict=False)
    if frame.empty:
        raise InputError(no_layer("committees"))
    reading.layers["committees"] = frame
    select_facilities(reading, "committees", chosen=source.osm is not None)


def _read_sites(reading: Reading) -> None:
    source = source_of(reading.config, reading.folder, "sites")
    if isinstance(source, LayerSource) and source.osm is not None:
        points = from_osm.select_points(extract_of(reading), source.osm, what="sites")
        frame = from_osm.sites_from_points(points.to_crs(reading.crs))
        frame = on_grid(reading, frame, "sites", strict=False)
    elif isinstance(source, LayerSource):
        reading.from_file.add("sites")
        frame = read_file(reading, source, "sites", strict=False)
    else:
        frame = _assumed_sites(reading, source if isinstance(source, str) else "estates+public")
    if "kind" not in frame:
        frame = frame.assign(kind="candidate")
    reading.layers["sites"] = frame
    if isinstance(source, LayerSource):
        select_facilities(reading, "sites", chosen=source.osm is not None)


def _read_facilities(reading: Reading) -> None:
    source = source_of(reading.config, reading.folder, "facilities")
    if not isinstance(source, LayerSource):
        return
    if source.osm is not None:
        points = from_osm.select_points(extract_of(reading), source.osm, what="facilities")
        frame = from_osm.facilities_from_points(points.to_crs(reading.crs))
        frame = on_grid(reading, frame, "facilities", strict=False)
    else:
        reading.from_file.add("facilities")
        frame = read_file(reading, source, "facilities", strict=False)
    if len(frame):
        reading.layers["facilities"] = frame
        select_facilities(reading, "facilities", chosen=source.osm is not None)


def _read_components(reading: Reading) -> None:
    source = source_of(reading.config, reading.folder, "components")
    if not isinstance(source, LayerSource):
        return
    if source.osm is not None:
        points = from_osm.select_points(extract_of(reading), source.osm, what="components")
        frame = from_osm.components_from_points(points.to_crs(reading.crs))
        frame = on_grid(reading, frame, "components", strict=False)
    else:
        frame = read_file(reading, source, "components", strict=False)
    if len(frame):
        reading.layers["components"] = frame
        select_components(reading)


def _assumed_sites(reading: Reading, word: str) -> gpd.GeoDataFrame:
    empty = gpd.GeoDataFrame({"estate_id": []}, geometry=[], crs=reading.crs)
    buildings = reading.layers.get("buildings")
    if word == "none":
        return empty.assign(site_id=[], kind=[])
    needed = {"building_id", "kind"}
    if buildings is None or not needed <= set(buildings.columns):
        raise already_reported()
    estates = reading.layers.get("estates", empty) if "estates" in word else empty
    if "estate_id" not in estates:
        raise already_reported()
    frame = from_osm.assumed_sites(buildings, estates, public="public" in word)
    return on_grid(reading, frame, "sites", strict=False)


def _read_pairs(reading: Reading) -> pd.DataFrame | None:
    source = source_of(reading.config, reading.folder, PAIRS)
    if not isinstance(source, LayerSource):
        return None
    if source.file == reading.config.place.layers and not source.rename:
        what = f"{source.file}, {source.layer}"
    else:
        what = source.file or PAIRS
    return checked_pairs(reading, read_pairs(source, reading.folder), what=what)
