"""Sums of a plan's layers that figures, tables and map print alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.plan import Plan

Floats = npt.NDArray[np.float64]

NEW_KINDS = ("required", "proposed")
"""Kinds of rooms that the plan adds."""

PREFERRED_NORM = "500"
REASONS = ("no_committee", "unreachable", "too_far_from_street", "unplaced")
"""Why a resident has no distance, in the order of tables and legends; others follow."""

NO_REASON = "?"
"""Stands for the reason where there is no distance and nothing says why."""

REASONS = ("no_committee", "unreachable", "too_far_from_street", "unplaced")
"""Why a resident has no distance, in the order of tables and legends; others follow."""

NO_REASON = "?"
"""Stands for the reason where there is no distance and nothing says why."""

_MEDIAN, _NINETIETH = 0.5, 0.9
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Spread:
    """Walk of a set of residents: metres of those with a distance, and how many have none."""

    residents: int
    mean_m: float | None
    median_m: float | None
    p90_m: float | None
    max_m: float | None
    missing: int


def headline_norm(summary: Mapping[str, Any]) -> str:
    """
    Return the norm the finding speaks of: that of the rooms, else 500 m, else the middle one.

    Examples
    --------
    >>> walks = {"240": 0.1, "400": 0.2, "500": 0.2, "800": 1.0}
    >>> headline_norm({"access": {"within": walks}, "siting": {"norm_m": 400.0}})
    '400'
    >>> headline_norm({"access": {"within": walks}})
    '500'
    """
    within = summary["access"]["within"]
    rooms = f"{float((summary.get('siting') or {}).get('norm_m') or 0):g}"
    for norm in (rooms, PREFERRED_NORM):
        if norm in within:
            return norm
    ordered = sorted(within, key=float)
    return str(ordered[len(ordered) // 2])


def norms_m(plan: Plan) -> list[float]:
    """Return the walking norms of the plan in metres, ascending."""
    return sorted(float(norm) for norm in plan.summary["access"]["within"])


def before_column(demand: pd.DataFrame) -> str:
    """Return the column that says how far residents walk today."""
    return "room_before_m" if "room_before_m" in demand else "nearest_committee_m"


def after_column(plan: Plan) -> str | None:
    """
    Return the column that says how far residents walk with the plan; None without siting.

    To the place that they are given where floor area is a hard limit, else to the nearest.
    """
    if plan.summary.get("access_assigned"):
        return "assigned_m"
    return "room_m" if plan.summary.get("access_after") else None


def walks_after(plan: Plan) -> Mapping[str, Any] | None:
    """Return the figures of the walks of `after_column`; None without siting."""
    found: Mapping[str, Any] | None = plan.summary.get("access_assigned")
    return found or plan.summary.get("access_after")


def new_rooms(plan: Plan) -> int:
    """Return the number of rooms the plan adds."""
    rooms = plan.layers.get("rooms")
    return 0 if rooms is None else int(rooms["kind"].isin(NEW_KINDS).sum())


def residents_within(plan: Plan, limit_m: float) -> int:
    """Return the residents who walk at most `limit_m` metres with the plan."""
    demand = plan.layers["demand"]
    column = after_column(plan) or before_column(demand)
    near = metres(demand[column]) <= limit_m
    return int(people(demand)[near].sum())


def people(demand: pd.DataFrame, column: str = "population") -> pd.Series:
    """Return the residents per demand point as numbers, null as 0."""
    return pd.to_numeric(demand[column], errors="coerce").fillna(0).astype("float64")


def metres(column: pd.Series) -> pd.Series:
    """Return distances as floats, NaN where there is none."""
    return pd.to_numeric(column, errors="coerce").astype("float64")


def spread(distance_m: pd.Series, residents: pd.Series) -> Spread:
    """
    Return mean, weighted median, 90th percentile and longest walk.

    A percentile is the least distance that so large a share of the residents with
    a route walk at most.

    Examples
    --------
    >>> spread(pd.Series([100.0, 400.0, None]), pd.Series([3.0, 1.0, 2.0])).mean_m
    175.0
    """
    walked = distance_m.notna() & (residents > 0)
    total = math.fsum(residents)
    if not walked.any():
        return Spread(round(total), None, None, None, None, round(total))
    order = np.argsort(distance_m[walked].to_numpy(), kind="stable")
    far = distance_m[walked].to_numpy()[order]
    weight = residents[walked].to_numpy()[order]
    share = np.cumsum(weight) / weight.sum()
    at = [int(np.searchsorted(share, q - _ROUNDING)) for q in (_MEDIAN, _NINETIETH)]
    return Spread(
        residents=round(total),
        mean_m=math.fsum(far * weight) / math.fsum(weight),
        median_m=float(far[at[0]]),
        p90_m=float(far[at[1]]),
        max_m=float(far[-1]),
        missing=round(total - math.fsum(weight)),
    )


def reasons(demand: pd.DataFrame, column: str) -> pd.Series:
    """Return why there is no distance: empty where there is one, `NO_REASON` if nothing says."""
    given = demand[f"{column.removesuffix('_m')}_reason"].astype(object)
    return given.where(given.notna(), NO_REASON).where(demand[column].isna(), "")


def missing(demand: pd.DataFrame, column: str) -> dict[str, int]:
    """
    Return the residents without a distance by reason, in the order of `REASONS`.

    With the residents who have a distance they add up to all.
    """
    residents = people(demand).groupby(reasons(demand, column)).sum()
    codes = sorted(set(residents.index) - {""}, key=reason_order)
    return {code: round(float(residents[code])) for code in codes if residents[code] > 0}


def reason_order(code: str) -> tuple[int, str]:
    """Return the place of a reason in tables and legends."""
    return (REASONS.index(code) if code in REASONS else len(REASONS), code)


def coverage(distance_m: pd.Series, residents: pd.Series) -> tuple[Floats, Floats]:
    """Return walking metres, ascending, and the share of all residents who walk at most that."""
    walked = distance_m.notna().to_numpy()
    far = distance_m.to_numpy()[walked]
    order = np.argsort(far, kind="stable")
    share = np.cumsum(residents.to_numpy()[walked][order]) / max(float(residents.sum()), 1.0)
    return far[order], share


def by_cell(plan: Plan) -> pd.DataFrame:
    """
    Return residents and mean walk per cell, indexed by ``cell_uid`` in the order of `cells`.

    Columns: ``population`` (of the layer); per walk of `walk_columns` its mean over the
    residents with a distance (``own_m``, ``before_m``, ``after_m``; NaN where nobody has
    one) and why most of the others have none (``own_reason`` …).
    """
    demand = plan.layers["demand"]
    cells = plan.layers["cells"]
    found = pd.DataFrame(
        {"population": people(cells).to_numpy()}, index=pd.Index(cells["cell_uid"], name="cell_uid")
    )
    for state, column in walk_columns(plan).items():
        found[f"{state}_m"] = mean_by(demand, "cell_uid", column).reindex(found.index)
        found[f"{state}_reason"] = _commonest_reason(demand, column).reindex(found.index)
    return found


def walk_columns(plan: Plan) -> dict[str, str]:
    """Return the columns of `demand` by the walk they hold: own, before and, with siting, after."""
    found = {"own": "committee_m", "before": before_column(plan.layers["demand"])}
    after = after_column(plan)
    return found if after is None else {**found, "after": after}


def _commonest_reason(demand: pd.DataFrame, column: str) -> pd.Series:
    """Return per cell why most of those without a distance have none; ties by `REASONS`."""
    codes = reasons(demand, column)
    rows = pd.DataFrame({"cell_uid": demand["cell_uid"], "code": codes, "people": people(demand)})
    rows = rows[codes != ""].groupby(["cell_uid", "code"]).sum().reset_index()
    rows["order"] = [reason_order(code) for code in rows["code"]]
    ordered = rows.sort_values(
        ["cell_uid", "people", "order"], ascending=[True, False, True], kind="stable"
    )
    return ordered.drop_duplicates("cell_uid").set_index("cell_uid")["code"]


def committees_inside(plan: Plan) -> npt.NDArray[np.bool_]:
    """Return which committees stand within the boundary; the others are in the buffer beyond."""
    points = plan.layer("committees").geometry.to_numpy()
    inside: npt.NDArray[np.bool_] = shapely.intersects(plan.place.outline, points)
    return inside


def zones_across(plan: Plan) -> int:
    """Return how many zones of the main system hold cells of more than one community."""
    cells = plan.layers["cells"]
    held = cells[cells["zone_id"].notna()].groupby("zone_id")["community_id"].nunique()
    return int((held > 1).sum())


def mean_by(demand: pd.DataFrame, key: str, column: str) -> pd.Series:
    """Return the mean walk per value of `key`, weighted by residents with a route."""
    far = metres(demand[column])
    weight = people(demand).where(far.notna(), 0.0)
    total = weight.groupby(demand[key]).sum()
    return ((far.fillna(0.0) * weight).groupby(demand[key]).sum() / total.where(total > 0)).rename(
        column
    )
