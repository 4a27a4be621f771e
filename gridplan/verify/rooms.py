"""Do the tables about rooms add up: three answers, who is left, reasons, staff, sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import given_of, missing_columns, number, numbers, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World

_NESTED, _MAXIMISED = "nested", "mclp"
_TEN_THOUSAND = 10_000.0
_OFFICE, _EXISTING = "committee", "existing"
_OF_NEW = ("saved_walk", "saved_each_m", "next_site_id", "next_walk", "next_objective")
_NEAR_M = 1.0
"""A community's line may have moved round a building; a point on it is inside to this."""


def check_options(
    options: pd.DataFrame,
    residents: float,
    left: pd.DataFrame | None = None,
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check that each answer accounts for all residents, and that those left are listed by place.

    Parameters
    ----------
    options : DataFrame
        ``answer``, ``within``, ``beyond``, ``unreachable``, ``lower_bound``, ``objective``,
        ``model`` where it is there.
    residents : float
        All residents of the place.
    left : DataFrame, optional
        ``answer``, ``residents``: those not within the norm, by place.
    """
    columns = ["answer", "within", "beyond", "unreachable", "objective", "lower_bound"]
    absent = missing_columns(options, "room_options", columns)
    if left is not None:
        absent += missing_columns(left, "left_behind", ["answer", "residents"])
    if absent:
        return Checked(tuple(absent))
    names = texts(options, "answer")
    outside = numbers(options, "beyond") + numbers(options, "unreachable")
    total = numbers(options, "within") + outside
    # Each of the three is rounded to whole residents by itself.
    slack = tolerances.residents + 1.0
    wrong = ~(np.abs(total - residents) <= slack)
    findings = finding("answer_residents", names[wrong], layer="room_options")
    excess = numbers(options, "lower_bound") - numbers(options, "objective")
    if "model" in options:
        # Where most is asked for, the bound is from above.
        excess = np.where(texts(options, "model") == _MAXIMISED, -excess, excess)
    above = excess > tolerances.ratio * np.maximum(np.abs(numbers(options, "objective")), 1.0)
    findings += finding("frontier_bound", names[above], layer="room_options")
    if left is not None:
        findings += _left_findings(names, outside, left)
    return Checked(tuple(findings))


def _left_findings(names: np.ndarray, outside: np.ndarray, left: pd.DataFrame) -> list[Finding]:
    listed = pd.Series(numbers(left, "residents")).groupby(texts(left, "answer"))
    sums, rows = listed.sum(), listed.size()
    there = np.array([float(sums.get(one, 0.0)) for one in names])
    # Each place is rounded by itself.
    slack = np.array([1.0 + 0.5 * float(rows.get(one, 0)) for one in names])
    return finding("left_differs", names[~(np.abs(there - outside) <= slack)], layer="left_behind")


def check_room_reasons(reasons: pd.DataFrame, rooms: pd.DataFrame) -> Checked:
    """
    Check that each open place has its reasons, with the residents that the layer `rooms` says.

    What is there today saves nothing against today, and stays: it has no next-best site. Plans
    of an earlier version (without ``kind``) have reasons of new rooms alone.
    """
    absent = [
        *missing_columns(reasons, "room_reasons", ["site_id", "residents"]),
        *missing_columns(rooms, "rooms", ["site_id"]),
        *missing_columns(rooms, "rooms", ["residents"], severity="soft"),
    ]
    if absent or "kind" not in rooms:
        return Checked(tuple(absent))
    places = rooms if "kind" in reasons else rooms[texts(rooms, "kind") != _EXISTING]
    said = dict(zip(texts(reasons, "site_id"), numbers(reasons, "residents"), strict=True))
    real = dict(zip(texts(places, "site_id"), numbers(places, "residents"), strict=True))
    wrong = {
        str(one)
        for one in {*said, *real} - {None}
        if one not in said or one not in real or not abs(said[one] - real[one]) <= 1.0
    }
    if "kind" in reasons:
        wrong |= set(_of_another_kind(reasons, places))
    return Checked(tuple(finding("reasons_differ", sorted(wrong), layer="room_reasons")))


def _of_another_kind(reasons: pd.DataFrame, rooms: pd.DataFrame) -> Iterator[str]:
    """Yield places whose kind is not that of `rooms`, or that tell what only new rooms have."""
    kinds = texts(rooms, "kind")
    if "ownership" in rooms:
        kinds = np.where(texts(rooms, "ownership") == _OFFICE, _OFFICE, kinds)
    real = dict(zip(texts(rooms, "site_id"), kinds, strict=True))
    of_new = [one for one in _OF_NEW if one in reasons]
    some = reasons[of_new].notna().any(axis=1).to_numpy(dtype=bool)
    told = zip(texts(reasons, "site_id"), texts(reasons, "kind"), some, strict=True)
    for site, kind, more in told:
        if kind != real.get(site) or (more and kind in {_EXISTING, _OFFICE}):
            yield str(site)


def check_staffing(
    staffing: pd.DataFrame, residents: float, *, workers_per_10000: float | None = None
) -> Checked:
    """
    Check the staff: gaps are needed less existing, and the committees' need is the norm's.

    Parameters
    ----------
    staffing : DataFrame
        ``place_id``, ``kind``, ``residents``, ``existing``, ``needed``, ``gap``.
    residents : float
        All residents of the place.
    workers_per_10000 : float, optional
        The norm of the summary.
    """
    columns = ["place_id", "kind", "residents", "existing", "needed", "gap"]
    absent = missing_columns(staffing, "staffing", columns)
    if absent:
        return Checked(tuple(absent))
    existing, needed, gap = (numbers(staffing, one) for one in ("existing", "needed", "gap"))
    known = np.isfinite(existing)
    close = np.abs(needed - existing - gap) <= STANDARD.residents
    right = np.where(known, close, ~np.isfinite(gap))
    names = np.array([one or "-" for one in texts(staffing, "place_id")], dtype=object)
    findings = finding("staff_gap", names[~right], layer="staffing")
    charged = np.isin(texts(staffing, "kind"), ["committee", "no_committee"])
    if workers_per_10000 is not None and charged.any():
        asked = residents * workers_per_10000 / _TEN_THOUSAND
        there = float(needed[charged].sum())
        if not abs(there - asked) <= STANDARD.residents:
            findings += finding(
                "staff_norm", [f"{there:.6g}"], layer="staffing", detail=f"{asked:.6g}"
            )
    return Checked(tuple(findings))


def check_counts(
    rooms: pd.DataFrame,
    *,
    at_least: Mapping[str, Any],
    at_most: Mapping[str, Any],
    communities: pd.DataFrame | None = None,
) -> Checked:
    """
    Check that each community has as many rooms as it was to have; committees are none.

    Parameters
    ----------
    rooms : GeoDataFrame
        ``site_id``, ``ownership``, ``community_id``.
    at_least, at_most : mapping of community id to number
    communities : GeoDataFrame, optional
        ``community_id``: a room has to lie where its column says.
    """
    if not (at_least or at_most):
        return Checked()
    absent = missing_columns(rooms, "rooms", ["site_id", "ownership", "community_id"])
    if absent:
        return Checked(tuple(absent))
    where = texts(rooms, "community_id")
    real = rooms[texts(rooms, "ownership") != _OFFICE]
    held = pd.Series(texts(real, "community_id")).value_counts()
    wrong = {one for one, least in at_least.items() if held.get(one, 0) < least}
    wrong |= {one for one, most in at_most.items() if held.get(one, 0) > most}
    findings = finding("siting_group", sorted(wrong), layer="rooms")
    if communities is not None and "geometry" in rooms:
        shapes = dict(zip(texts(communities, "community_id"), communities.geometry, strict=True))
        away = np.array(
            [
                one is not None and (one not in shapes or shapes[one].distance(point) > _NEAR_M)
                for one, point in zip(where, rooms["geometry"], strict=True)
            ],
            dtype=np.bool_,
        )
        findings += finding("room_elsewhere", texts(rooms, "site_id")[away], layer="rooms")
    return Checked(tuple(findings))


def check_nested(frontier: pd.DataFrame) -> Checked:
    """Check that a nested sequence of rooms never closes one, nor beats the bound of the free."""
    if not {"sequence", "p", "sites"} <= set(frontier):
        return Checked()
    rows = frontier[texts(frontier, "sequence") == _NESTED]
    order = np.argsort(numbers(rows, "p"), kind="stable")
    sites, rooms = texts(rows, "sites")[order], numbers(rows, "p")[order]
    named = given_of(sites)
    kept = [frozenset(str(one).split()) for one in sites[named]]
    lost = [
        f"p = {p:g}"
        for p, before, after in zip(rooms[named][1:], kept[:-1], kept[1:], strict=True)
        if not before <= after
    ]
    return Checked(tuple(finding("nested_closes", lost, layer="frontier")))


def check_room_tables(world: World) -> Checked:
    """Check the tables about rooms that a plan has, with the residents of its summary."""
    residents = number(world.summary.get("residents")) or 0.0
    norms = {one.get("key"): one.get("value") for one in world.summary.get("norms") or []}
    parts = [
        check_options(
            world.layers["room_options"],
            residents,
            world.get("left_behind"),
            tolerances=world.tolerances,
        )
    ]
    if "room_reasons" in world.layers and "rooms" in world.layers:
        parts.append(check_room_reasons(world.layers["room_reasons"], world.layers["rooms"]))
    if "staffing" in world.layers:
        workers = number(norms.get("workers_per_10000"))
        parts.append(check_staffing(world.layers["staffing"], residents, workers_per_10000=workers))
    if "rooms" in world.layers:
        siting = world.summary.get("siting") or {}
        parts.append(
            check_counts(
                world.layers["rooms"],
                at_least=siting.get("at_least") or {},
                at_most=siting.get("at_most") or {},
                communities=world.get("communities"),
            )
        )
    if "frontier" in world.layers:
        parts.append(check_nested(world.layers["frontier"]))
    return Checked(tuple(one for part in parts for one in part.findings))
