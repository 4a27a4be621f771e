"""The residents of a project: from a total, tables, a raster, or the homes alone."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.demand import (
    GRADES,
    check_place_homes,
    check_weights,
    doors_of,
    estate_excess,
    home_capacity,
    largest_remainder,
)
from gridplan.errors import FaultList, InputError, Message, Note, first_ids, ids_zh
from gridplan.geometry import Floats
from gridplan.people_settings import HOUSEHOLDS, PopulationSource, PopulationTable
from gridplan.place import empty_layer, normal_layer
from gridplan.project.files import portable_names
from gridplan.project.population_table import Units, population_table
from gridplan.project.reading import Reading, already_reported, keeping_faults
from gridplan.sources.tables import read_table

_ESTIMATED = "C"
_HOME_LAYERS = ("buildings", "communities", "estates")


def read_population(reading: Reading) -> pd.DataFrame:
    """
    Return the residents as the settings give them; what is odd in a table is noted.

    One row per unit, as in `Place`, each with ``as_of``, ``source`` and ``grade``.

    Raises
    ------
    InputError
        If a part of the source cannot be read; the faults of every part are in `reading`.
    """
    given = reading.config.place.population
    if isinstance(given, int):
        return _dated(population_total(given), PopulationTable(), reading, "[place].population")
    if given == HOUSEHOLDS:
        units = _from_homes(reading)
        return _dated(units, PopulationTable(), reading, "[demand]", grade=_ESTIMATED)
    source = PopulationSource(file=given) if isinstance(given, str) else given
    units = pd.concat(_parts(reading, source), ignore_index=True)
    twice = units[["level", "unit_id"]].duplicated()
    if twice.any():
        ids = units.loc[twice, "unit_id"].tolist()
        reading.faults.add(
            en=f"Two tables of residents count the same estates: {first_ids(ids)}. Keep one.",
            zh=f"两张人口表包含相同的小区：{ids_zh(ids)}。请保留其一。",
        )
    _note_dates(reading, units)
    return units


def population_total(total: int) -> pd.DataFrame:
    """Return the population of the whole place as a table."""
    return pd.DataFrame({"level": ["total"], "unit_id": ["total"], "population": [total]})


def _parts(reading: Reading, source: PopulationSource) -> list[pd.DataFrame]:
    """Return what the settings give and the table of estates, each read whatever fails."""
    parts: list[pd.DataFrame] = []
    wanted = 0
    if any(one is not None for one in (source.raster, source.total, source.file)):
        wanted += 1
        with keeping_faults(reading.faults):
            parts.append(_main(reading, source))
    if source.estates is not None:
        wanted += 1
        with keeping_faults(reading.faults):
            parts.append(_from_table(reading, source.estates))
    if len(parts) < wanted:
        raise already_reported()
    return parts


def _main(reading: Reading, source: PopulationSource) -> pd.DataFrame:
    """Return what the settings give beside the table of estates."""
    if source.raster is not None:
        return _from_raster(reading, source)
    if source.total is not None:
        return _dated(population_total(source.total), source, reading, "[place].population")
    return _from_table(reading, source)


def _needed(reading: Reading, file: str) -> tuple[Path, str, gpd.GeoDataFrame]:
    """
    Return the path of a file, the name that may be stored, and the communities.

    Where one is wanting, that was said.
    """
    path, communities = reading.folder / file, reading.layers.get("communities")
    if not path.is_file() or communities is None or "community_id" not in communities:
        raise already_reported()
    return path, portable_names(reading.config, reading.folder)[file], communities


def _from_table(reading: Reading, source: PopulationTable) -> pd.DataFrame:
    path, file, communities = _needed(reading, str(source.file))
    estates = empty_layer("estates", crs=reading.crs)
    if "estates" in reading.layers:
        own = FaultList()  # reported with the layer itself
        estates = normal_layer(reading.layers["estates"], "estates", crs=reading.crs, faults=own)
    codes = communities["community_id"].astype(str)
    units, notes = population_table(
        read_table(path, sheet=source.sheet),
        Units(frozenset(codes), pd.DataFrame(estates[["estate_id", "name"]])),
        settings=source,
        what=file,
    )
    reading.notes.extend(notes)
    return _dated(units, source, reading, file)


def _from_raster(reading: Reading, source: PopulationSource) -> pd.DataFrame:
    # rasterio and exactextract are an extra, which few places need.
    from gridplan.sources.raster import raster_sums

    path, file, communities = _needed(reading, str(source.raster))
    sums = raster_sums(path, communities)
    units = _by_community(communities["community_id"], sums, source.total, file)
    return _dated(units, source, reading, file, grade=_ESTIMATED)


def _from_homes(reading: Reading) -> pd.DataFrame:
    """Return the residents the homes of each community could hold."""
    layers = _home_layers(reading)
    if layers is None or not {"buildings", "communities"} <= set(reading.layers):
        raise already_reported()
    homes = doors_of(*layers)
    capacity = home_capacity(homes, layers[2], reading.config.demand.options)
    ids = layers[1]["community_id"]
    sums = pd.Series(capacity).groupby(homes["community_id"]).sum().reindex(ids).fillna(0)
    return _by_community(ids, sums.to_numpy(dtype=float), None, "[place].buildings")


def _by_community(ids: pd.Series[str], sums: Floats, total: int | None, what: str) -> pd.DataFrame:
    """Return whole residents by community: `total`, or the rounded sum, in proportion."""
    people = int(np.rint(sums.sum())) if total is None else total
    if sums.sum() <= 0 or people < 1:
        raise InputError(
            Message(
                en=f"{what} holds no residents inside the communities. Check its coordinate "
                f"system and region.",
                zh=f"{what} 在各社区内没有居民。请检查其坐标系与范围。",
            )
        )
    ordered = pd.DataFrame({"unit_id": ids.astype(str).to_numpy(), "sum": sums}).sort_values(
        "unit_id"
    )
    whole = largest_remainder(ordered["sum"].to_numpy(), people)
    return pd.DataFrame(
        {"level": "community", "unit_id": ordered["unit_id"].to_numpy(), "population": whole}
    )


def _dated(
    units: pd.DataFrame,
    source: PopulationTable,
    reading: Reading,
    what: str,
    *,
    grade: str | None = None,
) -> pd.DataFrame:
    """Return the units with date, source and grade: the row's own, else the settings'."""
    as_of = (source.as_of or reading.config.place.as_of).isoformat()
    defaults = {"as_of": as_of, "source": source.source or what}
    told = {
        name: units[name].where(units[name].notna(), value) if name in units else value
        for name, value in defaults.items()
    }
    return units.assign(**told, grade=units["level"].map(GRADES) if grade is None else grade)


def _note_dates(reading: Reading, units: pd.DataFrame) -> None:
    """Say so where counts are of several dates, or of another than the rest of the place."""
    place = reading.config.place.as_of.isoformat()
    dates = sorted({*units.get("as_of", ()), place})
    if dates == [place]:
        return
    by_date = units["as_of"].value_counts().sort_index()
    shown = ", ".join(f"{date} ({count})" for date, count in by_date.items())
    reading.notes.append(
        Note(
            "mixed_dates",
            len(dates),
            Message(
                en=f"Not all data are of one date: the counts of residents (units) are of {shown}, "
                f"the place of {place}. They are used together as they are.",
                zh=f"数据日期不一致：人口数据（单元数）为 {shown}，项目日期为 {place}。"
                f"按原值合并使用。",
            ),
            tuple(dates),
        )
    )


def check_homes(reading: Reading, population: pd.DataFrame) -> None:
    """Say what is wrong or odd with the homes; layers with faults of their own are left to them."""
    layers = _home_layers(reading)
    if layers is None:
        return
    buildings, communities, estates = layers
    homes = doors_of(buildings, communities, estates)
    found = check_place_homes(
        homes,
        estates,
        population,
        options=reading.config.demand.options,
        weighted="weights" in reading.layers,
    )
    reading.faults.extend(found.faults)
    if "weights" in reading.layers:
        weights = check_weights(reading.layers["weights"], homes)
        reading.faults.extend(weights.faults)
        reading.notes.extend(weights.notes)
    reading.faults.extend(estate_excess(population, estates, communities))
    reading.notes.extend(found.notes)


def _home_layers(
    reading: Reading,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame] | None:
    """Return buildings, communities and estates in their normal form, null if one has faults."""
    own = FaultList()
    layers = [
        normal_layer(reading.layers[name], name, crs=reading.crs, faults=own)
        if name in reading.layers
        else empty_layer(name, crs=reading.crs)
        for name in _HOME_LAYERS
    ]
    return None if own.faults else (layers[0], layers[1], layers[2])
