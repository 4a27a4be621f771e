"""Do the tables of services and residents agree with the layers they speak of."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import Texts, given_of, is_in, missing_columns, numbers, texts
from gridplan.verify.rules import finding
from gridplan.verify.sums import REASONS
from gridplan.verify.world import World

_LEVELS = {"community": "community_id", "estate": "estate_id"}
_PER = 1000.0


def check_placement(
    placement: pd.DataFrame, demand: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that what each unit gave is in `demand`, and that the table says so.

    Parameters
    ----------
    placement : DataFrame
        ``level`` (``total``, ``community``, ``estate``), ``unit_id``, ``figure`` (a column of
        `demand`), ``given``, ``placed``, ``unplaced``.
    demand : DataFrame
        With the figures, and the ids of the levels.
    """
    columns = ["level", "unit_id", "figure", "given", "placed", "unplaced"]
    absent = missing_columns(placement, "placement", columns)
    if absent:
        return Checked(tuple(absent))
    level, unit, figure = (texts(placement, one) for one in columns[:3])
    given, placed, unplaced = (numbers(placement, one) for one in columns[3:])
    expected = np.full(len(placement), np.nan)
    for what in sorted({str(one) for one in figure} & set(demand.columns)):
        counts = pd.Series(np.nan_to_num(numbers(demand, what)))
        expected[(level == "total") & (figure == what)] = counts.sum()
        for name, key in _LEVELS.items():
            rows = (level == name) & (figure == what)
            if key in demand and rows.any():
                sums = counts.groupby(texts(demand, key)).sum()
                expected[rows] = sums.reindex(unit[rows], fill_value=0.0).to_numpy()
    names = np.array(
        [f"{one} {what}" for one, what in zip(unit, figure, strict=True)], dtype=object
    )
    lost = np.abs(given - expected) > tolerances.residents
    wrong = ~lost & (np.abs(placed + unplaced - expected) > tolerances.residents)
    findings = [
        *finding(
            "residents_lost",
            names[lost],
            layer="placement",
            detail="given",
            amount=float(np.abs(given - expected)[lost].max(initial=0.0)),
        ),
        *finding(
            "population_differs",
            names[wrong],
            layer="placement",
            detail="placed",
            amount=float(np.abs(placed + unplaced - expected)[wrong].max(initial=0.0)),
        ),
    ]
    return Checked(tuple(findings))


def check_served(table: pd.DataFrame, layer: str, known: Collection[str]) -> Checked:
    """Check that each row of a table of services names a facility that exists."""
    absent = missing_columns(table, layer, ["facility_id"])
    if absent:
        return Checked(tuple(absent))
    ids = texts(table, "facility_id")
    names = sorted({str(one) for one in ids[~is_in(ids, known)]})
    return Checked(tuple(finding("served_unknown", names, layer=layer)))


def check_facility_walks(walks: pd.DataFrame, known: Collection[str]) -> Checked:
    """Check that each walk to a kind of facility has a distance and an aim, or a reason."""
    columns = ["demand_id", "kind", "facility_id", "metres", "reason"]
    absent = missing_columns(walks, "facility_walks", columns)
    if absent:
        return Checked(tuple(absent))
    home, kind, aim, why = (texts(walks, one) for one in ("demand_id", "kind", *columns[2::2]))
    names = _named(home, kind)
    walked, excused = np.isfinite(numbers(walks, "metres")), given_of(why)
    strange = sorted({str(one) for one in aim[walked & ~is_in(aim, known)]})
    findings: list[list[Finding]] = [
        finding("served_unknown", strange, layer="facility_walks"),
        *(
            finding(rule, names[rows], layer="facility_walks", detail="facility_walks.metres")
            for rule, rows in (
                ("distance_unexplained", ~walked & ~excused),
                ("distance_and_reason", walked & excused),
                ("reason_unknown", excused & ~is_in(why, REASONS)),
            )
        ),
    ]
    return Checked(tuple(one for found in findings for one in found))


def check_shared(
    catchments: pd.DataFrame, scores: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that what residents reach of a capacity sums to the capacity that somebody reaches.

    Parameters
    ----------
    catchments : DataFrame
        ``kind``, ``capacity``, ``residents``.
    scores : DataFrame
        ``kind``, ``community_id`` (``all`` for the whole place), ``residents``, ``per_1000``.
    """
    absent = [
        *missing_columns(catchments, "catchments", ["kind", "capacity", "residents"]),
        *missing_columns(
            scores, "catchment_scores", ["kind", "community_id", "residents", "per_1000"]
        ),
    ]
    if absent:
        return Checked(tuple(absent))
    reached = numbers(catchments, "residents") > 0
    capacity = np.where(reached, np.nan_to_num(numbers(catchments, "capacity")), 0.0)
    offered = pd.Series(capacity).groupby(texts(catchments, "kind")).sum()
    shared = pd.Series(numbers(scores, "residents") * numbers(scores, "per_1000") / _PER)
    whole = texts(scores, "community_id") == "all"
    findings = []
    for rows in (whole, ~whole):
        found = shared[rows].fillna(0.0).groupby(texts(scores, "kind")[rows]).sum()
        off = (found - offered.reindex(found.index, fill_value=0.0)).abs()
        limit = tolerances.ratio * offered.reindex(found.index, fill_value=0.0).clip(lower=1.0)
        findings += finding("capacity_lost", list(off.index[off > limit]), layer="catchment_scores")
    return Checked(tuple(dict.fromkeys(findings)))


def check_ranges(sensitivity: pd.DataFrame, *, tolerances: Tolerances = STANDARD) -> Checked:
    """Check that each figure lies within its range; null ones have none."""
    columns = ["unit_id", "figure", "base", "low", "high"]
    absent = missing_columns(sensitivity, "sensitivity", columns)
    if absent:
        return Checked(tuple(absent))
    base, low, high = (numbers(sensitivity, one) for one in columns[2:])
    slack = tolerances.ratio * np.maximum(np.abs(base), 1.0)
    wrong = (base < low - slack) | (base > high + slack)
    names = _named(texts(sensitivity, "unit_id"), texts(sensitivity, "figure"))
    return Checked(tuple(finding("range_wrong", names[wrong], layer="sensitivity")))


def _named(ids: Texts, what: Texts) -> Texts:
    """Return the name of each row for a message: its id, and what it is about."""
    return np.array([f"{one} {word}" for one, word in zip(ids, what, strict=True)], dtype=object)


_FACILITIES = (
    ("committees", "committee_id"), ("rooms", "site_id"), ("in_facilities", "facility_id")
)  # fmt: skip


def services_of(world: World) -> Checked:
    """Check service areas, catchments and walks to facilities of a plan, as far as it has them."""
    known = {
        one
        for layer, key in _FACILITIES
        if world.has(layer, key)
        for one in texts(world.layers[layer], key)
    }
    others = "in_facilities" in world.layers
    parts = [
        check_served(_of_known_kinds(world.layers[layer], others=others), layer, known)
        for layer in ("service_areas", "catchments")
        if layer in world.layers
    ]
    if "facility_walks" in world.layers and others:
        parts.append(check_facility_walks(world.layers["facility_walks"], known))
    if {"catchments", "catchment_scores"} <= set(world.layers):
        table, scores = world.layers["catchments"], world.layers["catchment_scores"]
        parts.append(check_shared(table, scores, tolerances=world.tolerances))
    return Checked(tuple(one for part in parts for one in part.findings))


def _of_known_kinds(table: pd.DataFrame, *, others: bool) -> pd.DataFrame:
    """Return the rows whose facility can be looked up: without the inputs, only two kinds."""
    if others or "kind" not in table:
        return table
    return table[is_in(texts(table, "kind"), ("committee", "room"))]


def placement_of(world: World) -> Checked:
    """Check the table `placement` of a plan."""
    table, demand = world.layers["placement"], world.layers["demand"]
    return check_placement(table, demand, tolerances=world.tolerances)


def ranges_of(world: World) -> Checked:
    """Check the table `sensitivity` of a plan."""
    return check_ranges(world.layers["sensitivity"], tolerances=world.tolerances)
