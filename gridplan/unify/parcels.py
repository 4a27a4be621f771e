"""The land that changes hands, place by place, with its borders in words: what is signed."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.bounds import SIDES, Landmarks, bounds_words
from gridplan.errors import Message
from gridplan.geometry import GRID_M, Geometries
from gridplan.unify.overlay import Zoning, department_zonings, residents_in

PARCEL_COLUMNS = (
    "parcel_id", "department", "number", "from_zone_id", "to_zone_id", "zone_id", "kind",
    "area_m2", "population", "geometry",
)  # fmt: skip
"""Columns of the parcels before those of their four sides, two each."""

_OLD = Message(en="its zone {}", zh="原{}区")
_NEW = Message(en="zone {}", zh="责任区{}")
_REST = Message(en="the rest of its zone {}", zh="原{}区其余部分")
_BLANK = Message(en="land that it had in no zone", zh="原无分区之地")


@dataclass(frozen=True)
class Ground:
    """
    What parcels are described by.

    Attributes
    ----------
    zonings : GeoDataFrame
        As given to `gridplan.unify.propose_zones`.
    zones : GeoDataFrame
        ``zone_id`` and polygons of the zones for all.
    outline : polygon or multipolygon
        The sub-district.
    marks : Landmarks
    estates : GeoDataFrame
        As `gridplan.bounds.bounds_words` has them.
    """

    zonings: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    outline: shapely.Geometry
    marks: Landmarks
    estates: gpd.GeoDataFrame


@dataclass(frozen=True)
class Parcels:
    """
    Land that changes hands.

    Attributes
    ----------
    places : GeoDataFrame, one row for each connected place
        `PARCEL_COLUMNS` (``parcel_id``: the department and ``number``, from 1 in the order of
        `handovers`, the largest place of a row first), and ``east_zh``, ``east_en`` and so on
        for each of `gridplan.bounds.SIDES`.
    strips : DataFrame, one row for each department that has any
        ``department``, ``strips`` (number), ``area_m2``, ``population``: places too narrow to
        be told one by one.
    handovers, departments : int
        Rows of `handovers` that the places and strips are parts of, and whose they are.
    """

    places: gpd.GeoDataFrame
    strips: pd.DataFrame
    handovers: int
    departments: int


def parcels(
    handovers: gpd.GeoDataFrame, homes: gpd.GeoDataFrame, ground: Ground, *, sliver_m: float
) -> Parcels:
    """
    Return the connected places that change hands, each with its borders in words.

    A border is told by named streets, waters, railways and walls, by an estate across it, by
    the zone for all or the old zone of the department across it, else by coordinates.

    Parameters
    ----------
    handovers : GeoDataFrame
        As `gridplan.unify.handovers` gives it.
    homes : GeoDataFrame
        Points with ``population``.
    ground : Ground
    sliver_m : float
        Places narrower than that, by twice the area over the outline, are strips.

    Returns
    -------
    Parcels
        Areas of places and strips sum to those of `handovers`, department by department.
    """
    rows = _places(handovers, homes)
    narrow = rows.pop("width_m") < sliver_m
    strips = rows[narrow].groupby("department", sort=True)
    told = strips.agg(
        strips=("area_m2", "size"), area_m2=("area_m2", "sum"), population=("population", "sum")
    )
    places = rows[~narrow].reset_index(drop=True)
    number = places.groupby("department", sort=False).cumcount() + 1
    places["number"] = number
    places["parcel_id"] = [
        f"{department}/{at:03d}"
        for department, at in zip(places["department"], number, strict=True)
    ]
    return Parcels(
        _with_sides(places, ground),
        told.reset_index(),
        handovers=len(handovers),
        departments=int(handovers["department"].nunique()),
    )


def _places(handovers: gpd.GeoDataFrame, homes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the connected parts of each row, the largest first."""
    whole = handovers.reset_index(drop=True)
    parts, row = shapely.get_parts(whole.geometry.to_numpy(), return_index=True)
    area_m2 = shapely.area(parts)
    middle = shapely.point_on_surface(parts)
    order = np.lexsort((shapely.get_y(middle), shapely.get_x(middle), -area_m2, row))
    frame = whole.iloc[row[order]].reset_index(drop=True)
    shapes = parts[order]
    frame = frame.set_geometry(gpd.GeoSeries(shapes, crs=handovers.crs))
    frame["area_m2"] = area_m2[order]
    frame["population"] = 0
    # Row by row: departments hand the same land over, each with the same residents.
    for own in frame.groupby(row[order]).indices.values():
        people = residents_in(shapes[own], homes).astype(np.int64)
        frame.iloc[own, frame.columns.get_loc("population")] = people
    frame["width_m"] = 2 * area_m2[order] / np.maximum(shapely.length(shapes), GRID_M)
    return frame


def _with_sides(places: gpd.GeoDataFrame, ground: Ground) -> gpd.GeoDataFrame:
    """Return the places with the columns of their four sides."""
    made, _ = department_zonings(ground.zonings, ground.outline)
    drawn = {one.department: one for one in made}
    units = gpd.GeoDataFrame(
        {
            "level": "handover",
            "unit_id": places["parcel_id"],
            "name_zh": places["parcel_id"],
            "name_en": places["parcel_id"],
        },
        geometry=places.geometry.to_numpy(),
        crs=places.crs,
    )
    keys = places[["department", "zone_id"]].assign(giver=places["from_zone_id"].fillna(""))
    tables = [
        bounds_words(
            units.iloc[np.sort(rows)],
            ground.marks,
            ground.estates,
            neighbours=_across(drawn[str(department)], str(giver) or None, str(zone), ground),
        )
        for (department, zone, giver), rows in keys.groupby(
            ["department", "zone_id", "giver"], sort=True
        ).indices.items()
    ]
    columns = places[list(PARCEL_COLUMNS)].copy()
    if not tables:
        return columns.assign(**{f"{one}_{lang}": "" for one in SIDES for lang in ("zh", "en")})
    words = pd.concat(tables, ignore_index=True).set_index(["unit_id", "side"])
    for side in SIDES:
        own = words.xs(side, level="side").reindex(columns["parcel_id"])
        columns[f"{side}_zh"] = own["text_zh"].to_numpy()
        columns[f"{side}_en"] = own["text_en"].to_numpy()
    return columns


def _across(zoning: Zoning, giver: str | None, zone_id: str, ground: Ground) -> gpd.GeoDataFrame:
    """Return what may lie across the border of a place: other zones for all, then old ones."""
    others = ground.zones[ground.zones["zone_id"].astype(str) != zone_id]
    names = [_said(_NEW, str(one)) for one in others["zone_id"]]
    shapes: list[shapely.Geometry] = list(others.geometry)
    old = [pair for pair in zip(zoning.ids, zoning.shapes, strict=True) if pair[0] != giver]
    names += [_said(_OLD, one) for one, _ in old]
    shapes += [shape for _, shape in old]
    names.append(_BLANK if giver is None else _said(_REST, giver))
    rest: Geometries = zoning.shapes[[one == giver for one in zoning.ids]]
    shapes.append(ground.outline if giver is None else rest[0])
    return gpd.GeoDataFrame(
        {"name_zh": [one.zh for one in names], "name_en": [one.en for one in names]},
        geometry=shapes,
        crs=ground.zones.crs,
    )


def _said(form: Message, name: str) -> Message:
    return Message(en=form.en.format(name), zh=form.zh.format(name))
