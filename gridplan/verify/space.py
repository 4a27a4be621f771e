"""Is the floor area of rooms told as the graded norm has it, and kept where it is a hard limit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import Floats, labels, missing_columns, number, numbers, texts
from gridplan.verify.rules import finding
from gridplan.verify.sums import check_distances, with_service_points
from gridplan.verify.world import World

Flags = npt.NDArray[np.bool_]

_GRADE = re.compile(r"room_grade(\d+)_(m2|households)")
_COLUMNS = ("site_id", "residents", "households", "needed_m2", "shortfall_m2", "area_m2")


def grades_of(norms: Iterable[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return square metres and households of each grade that is used, ascending."""
    parts: dict[int, dict[str, float]] = {}
    for norm in norms:
        named = _GRADE.fullmatch(str(norm.get("key")))
        value = number(norm.get("value"))
        if named and value is not None:
            parts.setdefault(int(named[1]), {})[named[2]] = value
    pairs = [(one.get("m2", 0.0), one.get("households", 0.0)) for _, one in sorted(parts.items())]
    return [pair for pair in pairs if any(pair)]


def area_for(households: float, grades: list[tuple[float, float]]) -> float:
    """Return the floor area for some households: full rooms of the last grade, and one more."""
    most_m2, most = grades[-1]
    full = max(math.ceil(households / most) - 1, 0)
    rest = households - full * most
    last = next((area for area, served in grades if rest <= served), most_m2)
    return full * most_m2 + (last if rest > 0 else 0.0)


def check_space(
    rooms: pd.DataFrame,
    grades: list[tuple[float, float]],
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check what rooms need and lack against the graded norm.

    Households are residents by one number of residents per household, the same in every row;
    what is needed follows from them, and what is lacking from the floor area.

    Parameters
    ----------
    rooms : DataFrame
        ``site_id``, ``area_m2``, ``residents``, ``households``, ``needed_m2``, ``shortfall_m2``.
    grades : list of (square metres, households), ascending
    """
    absent = missing_columns(rooms, "rooms", _COLUMNS)
    if absent or not grades:
        return Checked(tuple(absent))
    households, residents = numbers(rooms, "households"), numbers(rooms, "residents")
    needed, lacking = numbers(rooms, "needed_m2"), numbers(rooms, "shortfall_m2")
    told = np.isfinite(households)
    expected = np.array([area_for(one, grades) if np.isfinite(one) else np.nan
                         for one in households])  # fmt: skip
    wrong = told & ~(np.abs(needed - expected) <= tolerances.column_m2)
    wrong |= told & ~_same_ratio(residents, households, tolerances)
    short = np.maximum(expected - numbers(rooms, "area_m2"), 0.0)
    wrong |= np.isfinite(lacking) & ~(np.abs(lacking - short) <= tolerances.column_m2)
    return Checked(tuple(finding("room_space", labels(rooms, "rooms")[wrong], layer="rooms")))


def _same_ratio(residents: Floats, households: Floats, tolerances: Tolerances) -> Flags:
    known = np.isfinite(households) & (households > 0)
    if not known.any():
        return np.ones(len(households), dtype=np.bool_)
    ratio = float(np.median(residents[known] / households[known]))
    found: Flags = np.abs(residents - ratio * np.nan_to_num(households)) <= tolerances.residents
    return found


def check_assigned(demand: pd.DataFrame, rooms: pd.DataFrame) -> Checked:
    """
    Check that residents are given open rooms, no nearer than the nearest, none above its area.

    Parameters
    ----------
    demand : DataFrame
        ``population``, ``room_m``, ``assigned_id``, ``assigned_m``.
    rooms : DataFrame
        ``site_id``, ``residents``, ``households``, ``norm_households``.
    """
    absent = [
        *missing_columns(demand, "demand", ["population", "room_m", "assigned_id", "assigned_m"]),
        *missing_columns(rooms, "rooms", ["site_id", *_COLUMNS[1:3], "norm_households"]),
    ]
    if absent:
        return Checked(tuple(absent))
    given, names = texts(demand, "assigned_id"), labels(demand, "demand")
    people, walk = np.nan_to_num(numbers(demand, "population")), numbers(demand, "assigned_m")
    has = np.array([one is not None for one in given], dtype=np.bool_)
    ids = texts(rooms, "site_id")
    strange = has & ~np.isin(given.astype(str), ids.astype(str))
    nearer = has & ~(walk >= numbers(demand, "room_m") - STANDARD.distance_m)
    without = ~has & (people > 0) & np.isfinite(numbers(demand, "room_m"))
    wrong = strange | nearer | without
    if "room_id" in demand:
        # Whoever is given the nearest place walks as far as to the nearest.
        nearest = has & (given == texts(demand, "room_id"))
        wrong |= nearest & ~(np.abs(walk - numbers(demand, "room_m")) <= STANDARD.distance_m)
    findings = finding("assigned_wrong", names[wrong], layer="demand")
    return Checked((*findings, *_overfull(rooms, given[has], people[has])))


def _overfull(rooms: pd.DataFrame, given: np.ndarray, people: Floats) -> list[Finding]:
    residents, households = numbers(rooms, "residents"), numbers(rooms, "households")
    known = np.isfinite(households) & (households > 0)
    if not known.any():
        return []
    ratio = float(np.median(residents[known] / households[known]))
    sums = pd.Series(people).groupby(given).sum()
    load = np.array([float(sums.get(one, 0.0)) for one in texts(rooms, "site_id")]) / ratio
    holds = numbers(rooms, "norm_households")
    over = np.isfinite(holds) & (load > holds + STANDARD.residents)
    return finding("room_overfull", labels(rooms, "rooms")[over], layer="rooms")


def check_space_of(world: World) -> Checked:
    """Check floor areas and assignment of a plan."""
    rooms = world.layers["rooms"]
    siting = world.summary.get("siting") or {}
    parts: list[Finding] = []
    if "shortfall_m2" in rooms and siting.get("capacity", "off") != "off":
        grades = grades_of(world.summary.get("norms") or [])
        parts += check_space(rooms, grades, tolerances=world.tolerances).findings
    if siting.get("capacity") == "hard" and "demand" in world.layers:
        demand = world.layers["demand"]
        parts += check_assigned(demand, rooms).findings
        places = with_service_points(rooms, "site_id", world.get("in_facilities"))
        parts += check_distances(
            demand, "assigned", places, "site_id", tolerances=world.tolerances
        ).findings
    return Checked(tuple(parts))
