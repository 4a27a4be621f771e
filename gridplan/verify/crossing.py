"""Do cells cut what must stay whole: buildings, and the lines of communities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.contact import second_largest
from gridplan.verify.findings import STANDARD, Checked, Severity, Tolerances
from gridplan.verify.frames import (
    Flags,
    Floats,
    Places,
    Shapes,
    given_of,
    is_in,
    labels,
    missing_columns,
    shapes,
    sound,
    texts,
)
from gridplan.verify.rules import finding

CUTTING_METHODS = ("square", "given")
"""Cell methods that cut buildings by nature, or as the office drew them: there a cut building is
a soft finding."""


def check_buildings(
    cells: pd.DataFrame,
    buildings: pd.DataFrame,
    *,
    cells_method: str | None = None,
    layer: str = "buildings",
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check that no building has more than `Tolerances.area_m2` in a second cell.

    Parameters
    ----------
    cells, buildings : DataFrame
        With a column ``geometry``; buildings that are no valid polygons are reported
        and left out.
    cells_method : str, optional
        How the cells were made; for one of `CUTTING_METHODS` the finding is soft.

    Returns
    -------
    Checked
        Figures: ``buildings_cut``, their number; ``buildings_cut_m2``, what of them
        lies in a second cell.
    """
    absent = [
        *missing_columns(cells, "cells", ["geometry"]),
        *missing_columns(buildings, layer, ["geometry"]),
    ]
    if absent:
        return Checked(tuple(absent))
    footprints, names = shapes(buildings), labels(buildings, "buildings")
    good = sound(footprints)
    polygons = shapes(cells)
    second_m2 = _in_second_cell(footprints[good], polygons[sound(polygons)])
    cut = second_m2 > tolerances.area_m2
    cut_places = np.flatnonzero(good)[cut]
    worst = cut_places[np.argsort(-second_m2[cut], kind="stable")]
    severity: Severity = "soft" if cells_method in CUTTING_METHODS else "hard"
    findings = [
        *finding(
            "invalid", names[~good], layer=layer, severity="soft", detail=_why(footprints[~good])
        ),
        *finding(
            "building_cut",
            names[worst],
            layer=layer,
            severity=severity,
            amount=float(second_m2[cut].sum()),
            where=shapely.GeometryCollection(list(footprints[worst])),
        ),
    ]
    figures = {
        "buildings_cut": float(cut.sum()),
        "buildings_cut_m2": float(second_m2[cut].sum()),
    }
    return Checked(tuple(findings), figures)


def _why(unsound: Shapes) -> str:
    broken = unsound[~shapely.is_valid(unsound) & ~shapely.is_missing(unsound)]
    if len(broken):
        return str(shapely.is_valid_reason(broken[0]))
    return type(unsound[0]).__name__ if len(unsound) else ""


def _in_second_cell(footprints: Shapes, polygons: Shapes) -> Floats:
    building, cell = shapely.STRtree(polygons).query(footprints, predicate="intersects")
    several = np.bincount(building, minlength=len(footprints))[building] > 1
    building, cell = building[several], cell[several]
    area_m2 = shapely.area(shapely.intersection(footprints[building], polygons[cell]))
    return second_largest(building, area_m2, count=len(footprints))


def _covered(polygons: Shapes, outlines: Shapes, home: Places) -> Flags:
    outline, inside = shapely.STRtree(polygons).query(outlines, predicate="covers")
    covered = np.zeros(len(polygons), dtype=bool)
    covered[inside[home[inside] == outline]] = True
    return covered


def check_communities(
    cells: pd.DataFrame, communities: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that each cell lies in the community it names.

    Parameters
    ----------
    cells, communities : DataFrame
        With ``geometry`` and ``community_id``.

    Returns
    -------
    Checked
        Figures: ``communities_crossed``, the cells with more than
        `Tolerances.area_m2` outside their community; ``communities_crossed_m2``,
        that area.
    """
    absent = [
        *missing_columns(cells, "cells", ["geometry", "community_id"]),
        *missing_columns(communities, "communities", ["geometry", "community_id"]),
    ]
    if absent:
        return Checked(tuple(absent))
    names, own = labels(cells, "cells"), texts(cells, "community_id")
    ids, outlines = texts(communities, "community_id"), shapes(communities)
    known = is_in(own, ids[given_of(ids)])
    place = {one: at for at, one in enumerate(ids)}
    home = np.array([place.get(one, -1) for one in own], dtype=np.intp)
    polygons = shapes(cells)
    tested = np.flatnonzero(known & sound(polygons))
    tested = tested[sound(outlines)[home[tested]]]
    tested = tested[~_covered(polygons, outlines, home)[tested]]
    beyond = shapely.difference(polygons[tested], outlines[home[tested]])
    beyond_m2 = shapely.area(beyond)
    crossed = beyond_m2 > tolerances.area_m2
    worst = np.flatnonzero(crossed)[np.argsort(-beyond_m2[crossed], kind="stable")]
    amount = float(beyond_m2[crossed].sum())
    findings = [
        *finding("community_unknown", names[~known], layer="cells"),
        *finding(
            "community_crossed",
            names[tested[worst]],
            layer="cells",
            amount=amount,
            where=shapely.union_all(beyond[worst]),
        ),
    ]
    figures = {"communities_crossed": float(crossed.sum()), "communities_crossed_m2": amount}
    return Checked(tuple(findings), figures)
