"""Is every resident accounted for, and does each distance or its absence make sense."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import (
    Flags,
    Floats,
    Texts,
    given_of,
    is_in,
    labels,
    missing_columns,
    numbers,
    shapes,
    texts,
)
from gridplan.verify.rules import finding

REASONS = (
    "no_committee",
    "no_community",
    "no_room",
    "outside_boundary",
    "over_capacity",
    "too_far_from_street",
    "unplaced",
    "unreachable",
)
"""The closed list of reasons for a missing distance."""

_NOT_COUNTED = ("level", "unit_id", "as_of", "source", "grade")
_OWN_LEVEL, _FINE_LEVEL, _TOTAL_LEVEL = "community", "estate", "total"
_REGISTER = ("community_id", "name", "geometry", "official", "households", "grade")


def check_residents(
    demand: pd.DataFrame, population: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that residents in `demand` sum to what was read, by estate, community and in total.

    Parameters
    ----------
    demand : DataFrame
        With ``population``, ``community_id`` and the groups of `population`.
    population : DataFrame
        One row per unit: ``level`` (``total``, ``community`` or ``estate``), ``unit_id``
        and the counts; null where a count was not given. Households are compared only
        where `demand` has them.

    Returns
    -------
    Checked
        Figures: ``residents``, in `demand`; ``residents_error``, the largest
        difference of any sum.
    """
    absent = [
        *missing_columns(demand, "demand", ["population", "community_id"]),
        *missing_columns(population, "population", ["level", "unit_id", "population"]),
    ]
    if absent:
        return Checked(tuple(absent))
    counts = [str(column) for column in population if column not in _NOT_COUNTED]
    findings = missing_columns(demand, "demand", [one for one in counts if one != "households"])
    level, units = texts(population, "level"), texts(population, "unit_id")
    own = {_OWN_LEVEL: texts(demand, "community_id")}
    if "estate_id" in demand:
        own[_FINE_LEVEL] = texts(demand, "estate_id")
    largest = 0.0
    for column in [one for one in counts if one in demand]:
        values = np.nan_to_num(numbers(demand, column))
        expected = numbers(population, column)
        found = np.where(level == _TOTAL_LEVEL, values.sum(), 0.0)
        for one, key in own.items():
            sums = pd.Series(values).groupby(key).sum().reindex(units, fill_value=0.0)
            found = np.where(level == one, sums.to_numpy(dtype=np.float64), found)
        checked = np.isin(level, [*own, _TOTAL_LEVEL]) & ~np.isnan(expected)
        error = np.where(checked, np.abs(found - expected), 0.0)
        lost = checked & (error > tolerances.residents)
        findings += finding(
            "residents_lost",
            [f"{units[at]}: {found[at]:g} / {expected[at]:g}" for at in np.flatnonzero(lost)],
            layer="demand",
            detail=column,
            amount=float(error[lost].max(initial=0.0)),
        )
        largest = max(largest, float(error.max(initial=0.0)))
    figures = {
        "residents": float(np.nan_to_num(numbers(demand, "population")).sum()),
        "residents_error": largest,
    }
    return Checked(tuple(findings), figures)


def community_register(communities: pd.DataFrame, demand: pd.DataFrame) -> pd.DataFrame:
    """
    Return the counts of the layer `communities` as a population table.

    Only columns that both layers have count as such, beside ``population``.
    """
    counts = [one for one in communities if one in demand and one not in _REGISTER]
    table = pd.DataFrame({column: numbers(communities, str(column)) for column in counts})
    table.insert(0, "unit_id", texts(communities, "community_id"))
    table.insert(0, "level", _OWN_LEVEL)
    return table


def check_counts(demand: pd.DataFrame, columns: Sequence[str]) -> Checked:
    """Check that counts are finite numbers from 0; only ``population`` must not be null."""
    names = labels(demand, "demand")
    findings = missing_columns(demand, "demand", columns)
    for column in [column for column in columns if column in demand]:
        values = numbers(demand, column)
        bad = ~(np.isfinite(values) & (values >= 0))
        if column != "population":
            bad &= ~np.isnan(values)
        findings += finding("residents_invalid", names[bad], layer="demand", detail=column)
    return Checked(tuple(findings))


def check_distances(
    demand: pd.DataFrame,
    walk: str,
    facilities: pd.DataFrame,
    key: str,
    *,
    reasons: Collection[str] = REASONS,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check one kind of walk: a distance to a known facility, or a reason for having none.

    Parameters
    ----------
    demand : DataFrame
        With ``{walk}_id``, ``{walk}_m``, ``{walk}_reason``; points in ``geometry``.
    walk : str
        ``"committee"``, ``"nearest_committee"`` or ``"room"``.
    facilities : DataFrame
        With the column `key`; points in ``geometry``.
    reasons : collection of str
        The closed list.

    Returns
    -------
    Checked
        Figures: ``{walk}_unexplained``, rows with neither; ``{walk}_shortfall_m``,
        the most that a walk is shorter than the straight line.
    """
    metres, reason, target = f"{walk}_m", f"{walk}_reason", f"{walk}_id"
    absent = [
        *missing_columns(demand, "demand", [metres, reason, target]),
        *missing_columns(facilities, "rooms" if walk == "room" else "committees", [key]),
    ]
    if absent:
        return Checked(tuple(absent))
    names, distance_m = labels(demand, "demand"), numbers(demand, metres)
    why, aim = texts(demand, reason), texts(demand, target)
    walked, excused = ~np.isnan(distance_m), given_of(why)
    stray = walked & ~(given_of(aim) & is_in(aim, texts(facilities, key)))
    # A room that does not exist is a fault of the siting, and named there.
    unknown = "room_closed" if walk == "room" else "facility_unknown"
    shortfall_m = _shortfall(demand, facilities, key, aim, distance_m)
    short = shortfall_m > tolerances.straight_m
    findings = [
        finding("distance_negative", names[distance_m < 0], layer="demand", detail=metres),
        finding("distance_infinite", names[np.isinf(distance_m)], layer="demand", detail=metres),
        finding("distance_unexplained", names[~walked & ~excused], layer="demand", detail=metres),
        finding("distance_and_reason", names[walked & excused], layer="demand", detail=metres),
        finding(
            "reason_unknown", names[excused & ~is_in(why, reasons)], layer="demand", detail=reason
        ),
        finding(unknown, names[stray], layer="demand", detail=target),
        finding(
            "walk_too_short",
            names[short],
            layer="demand",
            detail=metres,
            amount=float(shortfall_m[short].max(initial=0.0)),
        ),
    ]
    figures = {
        f"{walk}_unexplained": float((~walked & ~excused).sum()),
        f"{walk}_shortfall_m": float(shortfall_m.max(initial=0.0)),
    }
    return Checked(tuple(one for found in findings for one in found), figures)


def with_service_points(
    places: pd.DataFrame, key: str, points: pd.DataFrame | None
) -> pd.DataFrame:
    """
    Return the ids and shapes of `places`, with a row for each further service point of theirs.

    Parameters
    ----------
    points : DataFrame, optional
        The layer ``in_facilities``: ``facility_id`` is the id of a committee or of a facility.
    """
    theirs = ["facility_id", "geometry"]
    if points is None or not set(theirs) <= set(points) or not {key, "geometry"} <= set(places):
        return places
    own = points.loc[is_in(texts(points, theirs[0]), texts(places, key)), theirs]
    own = own.set_axis([key, "geometry"], axis="columns")
    return pd.concat([pd.DataFrame(places)[[key, "geometry"]], own], ignore_index=True)


def _shortfall(
    demand: pd.DataFrame, facilities: pd.DataFrame, key: str, aim: Texts, distance_m: Floats
) -> Floats:
    if "geometry" not in demand or "geometry" not in facilities:
        return np.zeros(len(demand))
    # A facility with several service points is as near as the nearest of them.
    points = pd.Series(shapes(facilities)).groupby(texts(facilities, key)).agg(list)
    place = {
        one: shapely.GeometryCollection([point for point in own if point is not None])
        for one, own in points.items()
    }
    goals = np.array([place.get(one) for one in aim], dtype=object)
    known = ~shapely.is_missing(goals)
    straight_m = np.zeros(len(demand))
    straight_m[known] = shapely.distance(shapes(demand)[known], goals[known])
    walked_m = np.where(np.isnan(distance_m), np.inf, np.maximum(distance_m, 0.0))
    return np.maximum(np.nan_to_num(straight_m) - walked_m, 0.0)


def check_nearest(demand: pd.DataFrame, *, tolerances: Tolerances = STANDARD) -> Checked:
    """
    Check that the nearest committee is no farther than the own one.

    Returns
    -------
    Checked
        Figures: ``nearest_excess_m``, the most it is farther.
    """
    columns = ["committee_m", "nearest_committee_m"]
    absent = missing_columns(demand, "demand", columns)
    if absent:
        return Checked(tuple(absent))
    own_m, nearest_m = (numbers(demand, column) for column in columns)
    both = np.isfinite(own_m) & np.isfinite(nearest_m)
    excess_m = np.zeros(len(demand))
    excess_m[both] = np.maximum(nearest_m[both] - own_m[both], 0.0)
    farther = excess_m > tolerances.distance_m
    worst = float(excess_m.max(initial=0.0))
    return Checked(
        tuple(
            finding(
                "nearest_farther",
                labels(demand, "demand")[farther],
                layer="demand",
                amount=worst,
            )
        ),
        {"nearest_excess_m": worst},
    )


def check_totals(
    demand: pd.DataFrame,
    key: str,
    totals: pd.DataFrame,
    column: str,
    *,
    layer: str,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check that a column of residents in another layer is the sum over `demand`.

    Parameters
    ----------
    demand : DataFrame
        With ``population`` and `key`, the id of a row of `totals`.
    key : str
        ``cell_uid``, ``committee_id`` or ``nearest_committee_id``.
    totals : DataFrame
        The layer `layer`, with its id (`key`, or `key` without ``nearest_``) and `column`.
    """
    own_key = key.removeprefix("nearest_")
    absent = [
        *missing_columns(demand, "demand", [key, "population"]),
        *missing_columns(totals, layer, [own_key]),
        *missing_columns(totals, layer, [column], severity="soft"),
    ]
    if absent:
        return Checked(tuple(absent))
    values = np.nan_to_num(numbers(demand, "population"))
    sums = pd.Series(values).groupby(texts(demand, key)).sum()
    expected = sums.reindex(texts(totals, own_key), fill_value=0.0).to_numpy(dtype=np.float64)
    error = np.abs(numbers(totals, column) - expected)
    wrong = ~(error <= tolerances.residents)
    worst = float(np.nanmax(error[wrong], initial=0.0)) if wrong.any() else 0.0
    return Checked(
        tuple(
            finding(
                "population_differs",
                labels(totals, layer)[wrong],
                layer=layer,
                detail=column,
                amount=worst,
            )
        )
    )


def check_homes(
    demand: pd.DataFrame, cells: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check that each placed demand point names a cell that exists, and lies in it.

    Returns
    -------
    Checked
        Figures: ``demand_elsewhere_m``, the farthest that a point is from its cell.
    """
    absent = [
        *missing_columns(demand, "demand", ["geometry", "cell_uid"]),
        *missing_columns(cells, "cells", ["geometry", "cell_uid"]),
    ]
    if absent:
        return Checked(tuple(absent))
    points, own = shapes(demand), texts(demand, "cell_uid")
    names = labels(demand, "demand")
    placed = ~(shapely.is_missing(points) | shapely.is_empty(points))
    place = {one: at for at, one in enumerate(texts(cells, "cell_uid")) if one is not None}
    at = np.array([place.get(one, -1) for one in own], dtype=np.intp)
    unknown = (at < 0) & given_of(own)
    away_m = np.zeros(len(demand))
    tested = placed & (at >= 0)
    away_m[tested] = np.nan_to_num(shapely.distance(points[tested], shapes(cells)[at[tested]]))
    return Checked(
        (
            *finding("cell_unknown", names[unknown], layer="demand"),
            *finding("demand_in_no_cell", names[placed & ~given_of(own)], layer="demand"),
            *_elsewhere(names, away_m, away_m > tolerances.contact_m),
        ),
        {"demand_elsewhere_m": float(away_m.max(initial=0.0))},
    )


def _elsewhere(names: Texts, away_m: Floats, outside: Flags) -> list[Finding]:
    farthest = float(away_m[outside].max(initial=0.0))
    return finding("demand_elsewhere", names[outside], layer="demand", amount=farthest)


def check_demand_communities(demand: pd.DataFrame, communities: pd.DataFrame) -> Checked:
    """Check that each community named in `demand` exists; null is for the reason to explain."""
    absent = [
        *missing_columns(demand, "demand", ["community_id"]),
        *missing_columns(communities, "communities", ["community_id"]),
    ]
    if absent:
        return Checked(tuple(absent))
    own = texts(demand, "community_id")
    unknown = given_of(own) & ~is_in(own, texts(communities, "community_id"))
    return Checked(
        tuple(finding("community_unknown", labels(demand, "demand")[unknown], layer="demand"))
    )
