"""Where a finding is, for the checks that name objects and not places."""

from __future__ import annotations

from collections.abc import Mapping
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
_SYSTEM = "/"


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
        found = [shape for name in names for shape in known[layer].get(_plain(name), ())]
        if found:
            return replace(one, where=shapely.GeometryCollection(found))
    return one


def _plain(name: str) -> str:
    """Return the cell of ``system/cell``; the name alone where no system stands before it."""
    return name.rpartition(_SYSTEM)[2]


def _by_name(frame: pd.DataFrame | None, layer: str) -> dict[str, list[shapely.Geometry]]:
    if frame is None or "geometry" not in frame:
        return {}
    drawn: Shapes = shapes(frame)
    there = ~(shapely.is_missing(drawn) | shapely.is_empty(drawn))
    found: dict[str, dict[int, shapely.Geometry]] = {}
    columns = [labels(frame, layer)]
    columns += [texts(frame, column) for column in _IDS.get(layer, ()) if column in frame]
    for names in columns:
        for row in np.flatnonzero(there & given_of(names)):
            found.setdefault(str(names[row]), {})[int(row)] = drawn[row]
    return {name: list(rows.values()) for name, rows in found.items()}
