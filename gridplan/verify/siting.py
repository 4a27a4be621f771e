"""Are the rooms of a plan allowed and kept, and do its objective, bound and status hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import (
    Floats,
    given_of,
    is_in,
    labels,
    missing_columns,
    number,
    numbers,
    texts,
)
from gridplan.verify.objective import in_whole_numbers, model_of, objective_again
from gridplan.verify.rules import finding
from gridplan.verify.world import World, section

STATUSES = ("proven", "gap", "infeasible", "stopped")
"""What a siting may say of itself."""

_KEPT, _FORBIDDEN = ("existing", "required"), ("forbidden",)
_INTEGER_GAP = 1.0
_SMALLEST = 1e-9
_MAXIMISED = ("mclp",)


def check_rooms(
    rooms: pd.DataFrame,
    sites: pd.DataFrame,
    *,
    required: Collection[str] = (),
    forbidden: Collection[str] = (),
    others: Collection[str | None] = (),
) -> Checked:
    """
    Check that rooms are at sites, that existing and required ones are kept, none forbidden.

    Parameters
    ----------
    rooms, sites : DataFrame
        With ``site_id``; sites of the kinds ``existing`` and ``required`` must be
        kept, those of the kind ``forbidden`` stay unused.
    required, forbidden : collection of str
        Further site ids of the settings.
    others : collection of str
        Ids of facilities that are no sites and may serve as rooms (committees).
    """
    absent = [
        *missing_columns(rooms, "rooms", ["site_id"]),
        *missing_columns(sites, "in_sites", ["site_id"]),
    ]
    if absent:
        return Checked(tuple(absent))
    chosen, offered = texts(rooms, "site_id"), texts(sites, "site_id")
    kinds = texts(sites, "kind") if "kind" in sites else np.full(len(sites), None, dtype=object)
    kept = {*offered[is_in(kinds, _KEPT)], *required}
    barred = {*offered[is_in(kinds, _FORBIDDEN)], *forbidden}
    known = {*offered, *others} - {None}
    return Checked(
        (
            *finding("room_not_a_site", _sorted(set(chosen) - known), layer="rooms"),
            *finding("room_dropped", _sorted(kept - set(chosen)), layer="rooms"),
            *finding("room_forbidden", _sorted(barred & set(chosen)), layer="rooms"),
        )
    )


def _sorted(ids: set[Any]) -> list[str]:
    return sorted(str(one) for one in ids)


def check_room_figures(
    rooms: pd.DataFrame, demand: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check ``residents``, ``mean_m`` and ``max_m`` of rooms against the demand they serve.

    That is the demand that is given a room (``assigned_id``) where there is any such, else that
    whose nearest room it is.
    The mean is weighted by ``population``; the maximum is over all rows that name the room.
    A room that serves nobody has 0 residents and, as its mean and maximum, null or 0.
    """
    absent = [
        *missing_columns(rooms, "rooms", ["site_id"]),
        *missing_columns(rooms, "rooms", ["residents", "mean_m", "max_m"], severity="soft"),
        *missing_columns(demand, "demand", ["room_id", "room_m", "population"]),
    ]
    if {"assigned_id", "assigned_m"} <= set(demand):
        own = demand[["assigned_id", "assigned_m"]].to_numpy(dtype=object).T
        demand = demand.assign(room_id=own[0], room_m=own[1])
    if "site_id" not in rooms or not {"room_id", "room_m", "population"} <= set(demand):
        return Checked(tuple(absent))
    ids = texts(rooms, "site_id")
    served = _served(demand)
    sums = served.groupby("room_id")[["population", "metres"]].sum().reindex(ids)
    residents = sums["population"].fillna(0.0).to_numpy(dtype=np.float64)
    mean_m = (sums["metres"] / sums["population"]).to_numpy(dtype=np.float64)
    max_m = served.groupby("room_id")["room_m"].max().reindex(ids).to_numpy(dtype=np.float64)
    findings = [*absent]
    for column, expected, slack in (
        ("residents", residents, tolerances.residents),
        ("mean_m", mean_m, tolerances.distance_m),
        ("max_m", max_m, tolerances.distance_m),
    ):
        if column in rooms:
            findings += _figure_findings(rooms, column, expected, slack)
    return Checked(tuple(findings))


def _served(demand: pd.DataFrame) -> pd.DataFrame:
    population, room_m = numbers(demand, "population"), numbers(demand, "room_m")
    rows = np.isfinite(room_m) & (population >= 0) & given_of(texts(demand, "room_id"))
    return pd.DataFrame(
        {
            "room_id": texts(demand, "room_id")[rows],
            "population": population[rows],
            "room_m": room_m[rows],
            "metres": population[rows] * room_m[rows],
        }
    )


def _figure_findings(
    rooms: pd.DataFrame, column: str, expected: Floats, slack: float
) -> list[Finding]:
    error = np.abs(np.nan_to_num(numbers(rooms, column)) - np.nan_to_num(expected))
    wrong = ~(error <= slack)
    return finding(
        "room_figures",
        labels(rooms, "rooms")[wrong],
        layer="rooms",
        detail=column,
        amount=float(error[wrong].max(initial=0.0)),
    )


def check_claims(
    siting: Mapping[str, Any],
    demand: pd.DataFrame | None = None,
    *,
    rooms: int | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check what a siting claims: objective, bound, gap and status.

    Parameters
    ----------
    siting : mapping
        ``model`` (``p_median``, ``p_center``, ``p_quantile``, ``p_ede``, ``lscp``, ``mclp``),
        ``objective``, ``lower_bound`` (from above for ``mclp``), ``gap``, ``status``, and what
        `objective_again` takes.
    demand : DataFrame, optional
        With ``population`` and ``room_m``, from which the objective is computed again:
        the sum of residents times metres (p-median), the longest walk (p-center),
        residents within the radius (MCLP), the distance that a share does not exceed
        (p-quantile), the Kolm-Pollak equivalent (p-EDE).
    rooms : int, optional
        Number of open rooms, the objective of the LSCP.

    Returns
    -------
    Checked
        Figures: ``siting_objective``, computed again; ``siting_gap``, by the formula
        |objective - bound| / max(|objective|, 1e-9).
    """
    status = str(siting.get("status"))
    findings = []
    if status not in STATUSES:
        findings += finding("status_unknown", [status], layer="summary", detail=", ".join(STATUSES))
    objective, bound = number(siting.get("objective")), number(siting.get("lower_bound"))
    model = model_of(siting)
    figures: dict[str, float] = {}
    again = objective_again(siting, demand, rooms)
    if objective is not None:
        findings += _objective_findings(model, objective, again, tolerances)
    if again is not None:
        figures["siting_objective"] = again
    if objective is not None and bound is not None:
        figures["siting_gap"] = abs(objective - bound) / max(abs(objective), _SMALLEST)
        findings += _bound_findings(model, objective, bound, tolerances)
        findings += _gap_findings(siting.get("gap"), figures["siting_gap"], tolerances)
    if status == "proven":
        whole = in_whole_numbers(siting, demand)
        findings += _proof_findings(objective, bound, whole=whole, tolerances=tolerances)
    return Checked(tuple(findings), figures)


def _objective_findings(
    model: str, objective: float, again: float | None, tolerances: Tolerances
) -> list[Finding]:
    if again is None:
        return finding("objective_unchecked", [f"{objective:.9g}"], layer="summary", detail=model)
    if abs(again - objective) <= tolerances.ratio * max(abs(again), 1.0):
        return []
    return finding(
        "objective_differs", [f"{again:.9g}"], layer="summary", detail=f"{objective:.9g}"
    )


def _bound_findings(
    model: str, objective: float, bound: float, tolerances: Tolerances
) -> list[Finding]:
    excess = objective - bound if model in _MAXIMISED else bound - objective
    if excess <= tolerances.proven_gap * max(abs(objective), 1.0):
        return []
    return finding("bound_wrong", [f"{bound:.9g}"], layer="summary", detail=f"{objective:.9g}")


def _gap_findings(claimed: object, gap: float, tolerances: Tolerances) -> list[Finding]:
    said = number(claimed)
    if said is not None and abs(said - gap) <= tolerances.ratio:
        return []
    words = "null" if said is None else f"{said:.6g}"
    return finding("gap_wrong", [f"{gap:.6g}"], layer="summary", detail=words)


def _proof_findings(
    objective: float | None, bound: float | None, *, whole: bool, tolerances: Tolerances
) -> list[Finding]:
    if objective is None or bound is None:
        return finding("status_unproven", ["null"], layer="summary")
    difference = abs(objective - bound)
    gap = difference / max(abs(objective), _SMALLEST)
    if gap <= tolerances.proven_gap or (whole and difference < _INTEGER_GAP):
        return []
    return finding("status_unproven", [f"{gap:.3g}"], layer="summary")


def claims_of(world: World) -> Checked:
    """Check what the siting of a plan claims against its layers."""
    return check_claims(
        section(world.summary, "siting"),
        world.get("demand"),
        rooms=len(world.layers["rooms"]),
        tolerances=world.tolerances,
    )
