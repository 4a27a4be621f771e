"""Staff of committees and rooms: who is there, who is needed, the gap, and what a year costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

STAFF_COLUMNS = (
    "place_id", "name", "kind", "residents", "existing", "needed", "gap", "yearly_cost",
)  # fmt: skip
_TEN_THOUSAND = 10_000.0
COMMITTEE, NO_COMMITTEE = "committee", "no_committee"
CADRES_PER_ROOM = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffNorm:
    """
    What staff is needed, and what it costs.

    Attributes
    ----------
    workers_per_10000 : float
        Community workers per 10,000 residents.
    worker_cost : float or None
        Yuan a year for one; None where it is not given.
    """

    workers_per_10000: float
    worker_cost: float | None = None


def staffing_table(
    committees: pd.DataFrame, rooms: pd.DataFrame, *, residents: float, norm: StaffNorm
) -> pd.DataFrame:
    """
    Return existing and needed staff of each committee and each activity room.

    A committee needs the norm's share of the residents in its charge, unrounded, so that
    the sum is that of the whole place; residents without a committee of their own have a
    row. Each room, existing or new, needs one cadre beside these.

    Parameters
    ----------
    committees : DataFrame
        ``committee_id``, ``name``, ``residents_own``, ``staff`` (null: not given).
    rooms : DataFrame
        The open activity rooms: ``site_id``, ``name``, ``kind``, ``residents``, ``staff``.
    residents : float
        All residents.

    Returns
    -------
    DataFrame, one row per place, columns as in `STAFF_COLUMNS`
        ``existing`` is null where it is not given, and 0 for a room that is not built yet;
        ``gap`` is needed less existing, null where that is; ``yearly_cost`` (yuan) is that of
        the staff needed, null without a cost of a worker.
    """
    share = norm.workers_per_10000 / _TEN_THOUSAND
    offices = pd.DataFrame(
        {
            "place_id": committees["committee_id"].astype("object"),
            "name": committees["name"].astype("object"),
            "kind": COMMITTEE,
            "residents": committees["residents_own"].astype("float64"),
            "existing": _numbers(committees["staff"]),
        }
    )
    offices["needed"] = offices["residents"] * share
    without = residents - math.fsum(offices["residents"])
    built = rooms["kind"].to_numpy(dtype=object) == "existing"
    places = pd.DataFrame(
        {
            "place_id": rooms["site_id"].astype("object"),
            "name": rooms["name"].astype("object"),
            "kind": rooms["kind"].astype("object"),
            "residents": rooms["residents"].astype("float64"),
            "existing": np.where(built, _numbers(rooms["staff"]), 0.0),
            "needed": CADRES_PER_ROOM,
        }
    )
    rest = pd.DataFrame(
        {
            "place_id": pd.Series([None], dtype="object"),
            "name": pd.Series([None], dtype="object"),
            "kind": NO_COMMITTEE,
            "residents": without,
            "existing": math.nan,
            "needed": without * share,
        }
    )
    ordered = [
        offices.sort_values("place_id", kind="stable"),
        *([rest] if without > 0 else []),
        places.sort_values("place_id", kind="stable"),
    ]
    table = pd.concat([part for part in ordered if len(part)], ignore_index=True)
    table["gap"] = table["needed"] - table["existing"]
    cost = math.nan if norm.worker_cost is None else norm.worker_cost
    table["yearly_cost"] = table["needed"] * cost
    return table[list(STAFF_COLUMNS)].astype({"residents": "int64"})


def _numbers(column: pd.Series) -> pd.Series:
    found: pd.Series = pd.to_numeric(column, errors="coerce").astype("float64")
    return found
