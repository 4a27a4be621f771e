"""Sums of a plan's layers that figures, tables and map print alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.plan import Plan

Floats = npt.NDArray[np.float64]

NEW_KINDS = ("required", "proposed")
"""Kinds of rooms that the plan adds."""

PREFERRED_NORM = "500"
_MEDIAN, _NINETIETH = 0.5, 0.9
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Spread:
    """Walk of a set of residents: metres of those with a route, and those without."""

    residents: int
    mean_m: float | None
    median_m: float | None
    p90_m: float | None
    max_m: float | None
    unreachable: int


def headline_norm(within: Mapping[str, object]) -> str:
    """
    Return the norm the finding speaks of: 500 m, else the middle one.

    Examples
    --------
    >>> headline_norm({"300": 0.1, "500": 0.2}), headline_norm({"240": 0.1, "400": 0, "800": 1})
    ('500', '400')
    """
    if PREFERRED_NORM in within:
        return PREFERRED_NORM
    ordered = sorted(within, key=float)
    return ordered[len(ordered) // 2]


def norms_m(plan: Plan) -> list[float]:
    """Return the walking norms of the plan in metres, ascending."""
    return sorted(float(norm) for norm in plan.summary["access"]["within"])


def before_column(demand: pd.DataFrame) -> str:
    """Return the column that says how far residents walk today."""
    return "room_before_m" if "room_before_m" in demand else "nearest_committee_m"


def after_column(plan: Plan) -> str | None:
    """Return the column that says how far residents walk with the plan; None without siting."""
    return "room_m" if plan.summary.get("access_after") else None


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
        unreachable=round(total - math.fsum(weight)),
    )


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

    Columns: ``population`` (of the layer), ``before_m`` and, with siting, ``after_m``:
    means over the residents with a route, NaN where nobody has one.
    """
    demand = plan.layers["demand"]
    cells = plan.layers["cells"]
    found = pd.DataFrame(
        {"population": people(cells).to_numpy()}, index=pd.Index(cells["cell_uid"], name="cell_uid")
    )
    found["before_m"] = mean_by(demand, "cell_uid", before_column(demand)).reindex(found.index)
    after = after_column(plan)
    if after is not None:
        found["after_m"] = mean_by(demand, "cell_uid", after).reindex(found.index)
    return found


def mean_by(demand: pd.DataFrame, key: str, column: str) -> pd.Series:
    """Return the mean walk per value of `key`, weighted by residents with a route."""
    far = metres(demand[column])
    weight = people(demand).where(far.notna(), 0.0)
    total = weight.groupby(demand[key]).sum()
    return ((far.fillna(0.0) * weight).groupby(demand[key]).sum() / total.where(total > 0)).rename(
        column
    )
