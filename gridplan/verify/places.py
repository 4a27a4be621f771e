"""Where a finding is, for the checks that name objects and not places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import Finding
from gridplan.verify.frames import Shapes, given_of, labels, shapes, texts

_IDS: Mapping[str, tuple[str, ...]] = {
    "cells": ("cell_id", "cell_uid"),
    "communities": ("community_id",),
    "demand": ("demand_id",),
    "committees": ("committee_id",),
    "rooms": ("site_id",),
}
"""Columns by which messages name the objects of a layer, beside its labels."""

_PAIR = " + "
_SYSTEM, _MORE = "/", " ("


def located(findings: list[Finding], layers: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """
    Return the findings, those without a place with the shapes of the objects they name.

    A table that names cells, such as ``cell_zones``, has no shapes: its findings point at
    the cells.
    """
    known: dict[str, dict[str, list[shapely.Geometry]]] = {}
    return [_with_place(one, layers, known) if one.where is None else one for one in findings]


def _with_place(
    one: Finding,
    layers: Mapping[str, pd.DataFrame],
    known: dict[str, dict[str, list[shapely.Geometry]]],
) -> Finding:
    for layer in dict.fromkeys((one.layer, "cells")):
        if layer not in known:
            known[layer] = _by_name(layers.get(layer), layer)
        names = [name for text in one.ids for name in text.split(_PAIR)]
        found = [shape for name in names for shape in _shapes_of(name, known[layer])]
        if found:
            return replace(one, where=shapely.GeometryCollection(found))
    return one


def _shapes_of(
    name: str, known: Mapping[str, list[shapely.Geometry]]
) -> Sequence[shapely.Geometry]:
    """
    Return the shapes of an object by its name.

    A message may name the object of one system, ``system/cell``, and say more of it behind:
    ``system/zone (258)``. What names most is tried first.
    """
    short = name.partition(_MORE)[0]
    for one in (name, short, name.rpartition(_SYSTEM)[2], short.rpartition(_SYSTEM)[2]):
        if one in known:
            return known[one]
    return ()


def _by_name(frame: pd.DataFrame | None, layer: str) -> dict[str, list[shapely.Geometry]]:
    if frame is None or "geometry" not in frame:
        return {}
    drawn: Shapes = shapes(frame)
    there = ~(shapely.is_missing(drawn) | shapely.is_empty(drawn))
    found: dict[str, dict[int, shapely.Geometry]] = {}
    columns = [labels(frame, layer)]
    columns += [texts(frame, column) for column in _IDS.get(layer, ()) if column in frame]
    if layer == "zones" and {"zone_system", "zone_id"} <= set(frame):
        pairs = zip(texts(frame, "zone_system"), texts(frame, "zone_id"), strict=True)
        full = [None if None in pair else _SYSTEM.join(map(str, pair)) for pair in pairs]
        columns.append(np.array(full, dtype=object))
    for names in columns:
        for row in np.flatnonzero(there & given_of(names)):
            found.setdefault(str(names[row]), {})[int(row)] = drawn[row]
    return {name: list(rows.values()) for name, rows in found.items()}
