"""Where departments disagree, and what each of them hands over under the proposal."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.unify.options import UnifyOptions
from gridplan.unify.overlay import PROPOSAL, Refinement, residents_in
from gridplan.unify.proposal import DEFAULT, Unified

CONFLICT_COLUMNS = (
    "conflict_id", "kind", "sliver", "claims", "area_m2", "population", "width_m", "geometry"
)  # fmt: skip

HANDOVER_COLUMNS = (
    "department", "from_zone_id", "to_zone_id", "zone_id", "kind", "area_m2", "population",
    "geometry",
)  # fmt: skip

_NOBODY = "-"


def conflicts(
    unified: Unified, homes: gpd.GeoDataFrame, *, options: UnifyOptions = DEFAULT
) -> gpd.GeoDataFrame:
    """
    Return the places where departments' zonings do not say the same.

    Two departments say the same of a place if their zones there are carried on by the same
    new zone.

    Parameters
    ----------
    unified : Unified
    homes : GeoDataFrame
        As given to `propose_zones`.
    options : UnifyOptions
        ``sliver_m``.

    Returns
    -------
    GeoDataFrame, one row for each connected place with the same claims
        ``conflict_id``; ``kind``: ``unclaimed`` (no department has a zone), ``blank`` (one or
        more have none), ``overlap`` (one claims it twice), ``dispute`` (they differ), the
        first that holds counts; ``sliver``: narrower than ``sliver_m``; ``claims``: each
        department's zones; ``area_m2``; ``population``; ``width_m``: twice the area over
        the outline, which is the width of a strip; the largest first.
    """
    refinement, departments = unified.refinement, _departments(unified.refinement)
    said = _signatures(refinement, departments)
    agreed = _agreed(unified, departments)
    kind = _kinds(refinement, departments)
    keys, which = np.unique(said, return_inverse=True)
    shapes: list[shapely.Geometry] = []
    labels: list[tuple[str, str]] = []
    for number, key in enumerate(keys.tolist()):
        rows = np.flatnonzero((which == number) & ~agreed)
        if not len(rows):
            continue
        for part in _places(refinement.shapes[rows]):
            shapes.append(part)
            labels.append((str(kind[rows[0]]), key))
    places = np.array(shapes, dtype=object)
    area_m2 = shapely.area(places)
    width_m = 2 * area_m2 / np.maximum(shapely.length(places), GRID_M)
    frame = gpd.GeoDataFrame(
        {
            "kind": [one for one, _ in labels],
            "sliver": width_m < options.sliver_m,
            "claims": [one for _, one in labels],
            "area_m2": area_m2,
            "population": residents_in(places, homes).astype(np.int64),
            "width_m": width_m,
        },
        geometry=places,
        crs=homes.crs,
    )
    middle = shapely.point_on_surface(places)
    order = np.lexsort((shapely.get_y(middle), shapely.get_x(middle), -area_m2, frame["sliver"]))
    frame = frame.iloc[order].reset_index(drop=True)
    frame.insert(0, "conflict_id", [f"X{at + 1:04d}" for at in range(len(frame))])
    return frame[list(CONFLICT_COLUMNS)]


def handovers(unified: Unified, homes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """
    Return for each department which land goes from which of its zones to which.

    Parameters
    ----------
    unified : Unified
    homes : GeoDataFrame
        As given to `propose_zones`.

    Returns
    -------
    GeoDataFrame, one row for each department, giver, taker and new zone
        ``department``; ``from_zone_id`` (null: no zone of the department had it);
        ``to_zone_id``, its zone that the new zone carries on (null: it has none left for
        it, and the new zone is new to it); ``zone_id``, the new zone; ``kind``: ``blank``,
        ``overlap`` (the taker had it, too) or ``handed``; ``area_m2``, ``population``.
        Land that two zones give away is in a row of each.
    """
    refinement = unified.refinement
    new = refinement.claims[PROPOSAL]
    # Cells of an office's own grid may leave gaps, which are in no new zone, and overlap.
    piece, zone = np.nonzero(new)
    within = [
        (int(at), refinement.zonings[-1].ids[one]) for at, one in zip(piece, zone, strict=True)
    ]
    rows: list[tuple[str, str | None, str | None, str, str, shapely.Geometry]] = []
    for department in _departments(refinement):
        rows += _department_rows(unified, department, within)
    shapes = np.array([row[-1] for row in rows], dtype=object)
    frame = gpd.GeoDataFrame(
        pd.DataFrame([row[:-1] for row in rows], columns=list(HANDOVER_COLUMNS[:5]), dtype=object),
        geometry=shapes,
        crs=homes.crs,
    )
    frame["area_m2"] = shapely.area(shapes)
    frame["population"] = [int(residents_in(np.array([one]), homes)[0]) for one in shapes]
    return frame[list(HANDOVER_COLUMNS)]


def _department_rows(
    unified: Unified, department: str, within: list[tuple[int, str]]
) -> list[tuple[str, str | None, str | None, str, str, shapely.Geometry]]:
    refinement = unified.refinement
    held = refinement.claims[department]
    ids = next(one.ids for one in refinement.zonings if one.department == department)
    table = unified.successors[unified.successors["department"] == department]
    heir = dict(zip(table["zone_id"], table["old_zone_id"], strict=True))
    pieces: dict[tuple[str, str, str, str], list[int]] = {}
    for at, zone in within:
        claimants = [ids[one] for one in np.flatnonzero(held[at]).tolist()]
        taker = heir[zone]
        kind = "blank" if not claimants else "overlap" if taker in claimants else "handed"
        for giver in claimants or [_NOBODY]:
            if giver != taker:
                pieces.setdefault((giver, taker or _NOBODY, zone, kind), []).append(at)
    return [
        (
            department,
            None if giver == _NOBODY else giver,
            None if taker == _NOBODY else taker,
            zone,
            kind,
            shapely.union_all(refinement.shapes[rows], grid_size=GRID_M),
        )
        for (giver, taker, zone, kind), rows in sorted(pieces.items())
    ]


def agreed_m2(unified: Unified) -> float:
    """Return the land of which all departments say the same, in m²."""
    refinement = unified.refinement
    same = _agreed(unified, _departments(refinement))
    return float(refinement.area_m2[same].sum())


def _departments(refinement: Refinement) -> list[str]:
    return [one.department for one in refinement.zonings if one.department != PROPOSAL]


def _signatures(refinement: Refinement, departments: list[str]) -> npt.NDArray[np.str_]:
    """Return each piece's claims as text: ``police: P1; parks: -``."""
    texts = []
    for zoning in refinement.zonings:
        if zoning.department in departments:
            held = refinement.claims[zoning.department]
            texts.append(
                [
                    f"{zoning.department}: "
                    + (" + ".join(zoning.ids[one] for one in np.flatnonzero(row)) or _NOBODY)
                    for row in held
                ]
            )
    return np.array(["; ".join(row) for row in zip(*texts, strict=True)])


def _kinds(refinement: Refinement, departments: list[str]) -> npt.NDArray[np.str_]:
    count = np.array([refinement.claims[one].sum(axis=1) for one in departments])
    return np.select(
        [(count == 0).all(axis=0), (count == 0).any(axis=0), (count > 1).any(axis=0)],
        ["unclaimed", "blank", "overlap"],
        "dispute",
    )


def _agreed(unified: Unified, departments: list[str]) -> npt.NDArray[np.bool_]:
    """Return whether each department claims a piece once, all for the same new zone."""
    refinement = unified.refinement
    same = np.ones(len(refinement.shapes), dtype=np.bool_)
    voted = np.full((len(departments), len(same)), -1, dtype=np.intp)
    zones = sorted(set(unified.successors["zone_id"]))
    for at, department in enumerate(departments):
        held = refinement.claims[department]
        ids = next(one.ids for one in refinement.zonings if one.department == department)
        table = unified.successors[unified.successors["department"] == department]
        pairs = zip(table["old_zone_id"], table["zone_id"], strict=True)
        heir = {old: zones.index(new) for old, new in pairs if old is not None}
        carried = np.array([heir.get(one, -1) for one in ids], dtype=np.intp)
        once = held.sum(axis=1) == 1
        voted[at] = np.where(once, carried[held.argmax(axis=1)], -1)
        same &= once & (voted[at] >= 0)
    same &= (voted == voted[0]).all(axis=0)
    return same


def _places(shapes: Geometries) -> Geometries:
    """Return the connected places that some pieces make up."""
    parts = shapely.get_parts(shapely.union_all(shapes, grid_size=GRID_M))
    places: Geometries = parts[shapely.area(parts) > 0]
    return places


def conflict_sums(places: gpd.GeoDataFrame) -> Floats:
    """Return m² of slivers and of real conflicts."""
    sliver = places["sliver"].to_numpy(dtype=bool)
    area_m2 = places["area_m2"].to_numpy(dtype=np.float64)
    return np.array([area_m2[sliver].sum(), area_m2[~sliver].sum()])
