"""Each community before and after: how far its residents walk, to which place, and its rooms."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.siting.assessment import weighted_quantile

Floats = npt.NDArray[np.float64]

_STATES = {"before": "room_before", "after": "room"}
"""The walks of `demand`, by the state they are of."""

_GIVEN = "assigned"
"""The walk afterwards where floor area is a hard limit."""

_FIGURES = ("mean_m", "p90_m", "within_share", "beyond", "missing", "nearest_id")
COMMUNITY_COLUMNS = (
    "community_id", "residents", "rooms_existing", "rooms_new", "shortfall_m2",
    *(f"{state}_{figure}" for state in _STATES for figure in _FIGURES),
)  # fmt: skip
_P90 = 0.9


def community_change(
    demand: pd.DataFrame, rooms: pd.DataFrame, communities: pd.Series, *, norm_m: float
) -> pd.DataFrame:
    """
    Return the walks of each community today and with the plan, and the rooms in it.

    Parameters
    ----------
    demand : DataFrame
        ``population``, ``community_id``, ``room_before_id``, ``room_before_m``, ``room_id``,
        ``room_m``; ``assigned_id`` and ``assigned_m`` in place of the last two where residents
        are given a room.
    rooms : DataFrame
        The open places: ``kind``, ``ownership``, ``community_id``, ``shortfall_m2``.
    communities : Series of community ids
    norm_m : float
        The walking norm of a room.

    Returns
    -------
    DataFrame, one row per community, then one without id for residents in none
        ``residents``; ``rooms_existing`` (committees not counted), ``rooms_new``,
        ``shortfall_m2`` of the rooms that lie in it (null where no area is known). Before and
        after: mean and 90th-percentile walk of those who have one (metres, null for
        nobody), ``within_share`` of all its residents, ``beyond``, residents with a longer
        walk, ``missing``, without one, and ``nearest_id``, the place that most of them walk to.
    """
    people = demand["population"].fillna(0).to_numpy(dtype=np.float64)
    own = demand["community_id"].astype("object").to_numpy()
    inside = frozenset(str(one) for one in communities)
    outside = np.array([one not in inside for one in own], dtype=np.bool_)
    parts: list[tuple[str | None, npt.NDArray[np.bool_]]] = [
        (one, np.asarray(own == one, dtype=np.bool_)) for one in sorted(inside)
    ]
    if (people[outside] > 0).any():
        parts.append((None, outside))
    states = _STATES | ({"after": _GIVEN} if f"{_GIVEN}_m" in demand else {})
    rows = []
    for name, which in parts:
        homes = demand[which]
        row: dict[str, object] = {
            "community_id": name,
            "residents": round(math.fsum(people[which])),
        }
        row |= _rooms_row(rooms, name)
        for state, walk in states.items():
            figures = _walk_row(homes, people[which], walk, norm_m)
            row |= {f"{state}_{figure}": value for figure, value in figures.items()}
        rows.append(row)
    return _typed(pd.DataFrame(rows, columns=list(COMMUNITY_COLUMNS)))


def _rooms_row(rooms: pd.DataFrame, name: str | None) -> dict[str, object]:
    where = rooms["community_id"]
    inside = where.isna() if name is None else where == name
    here = rooms[inside & (rooms["ownership"] != "committee")]
    lacking = here["shortfall_m2"].dropna()
    standing = int((here["kind"] == "existing").sum())
    return {
        "rooms_existing": standing,
        "rooms_new": len(here) - standing,
        "shortfall_m2": math.fsum(lacking) if len(lacking) else math.nan,
    }


def _walk_row(homes: pd.DataFrame, people: Floats, walk: str, norm_m: float) -> dict[str, object]:
    metres = homes[f"{walk}_m"].to_numpy(dtype=np.float64)
    has = np.isfinite(metres) & (people > 0)
    everybody, walkers = math.fsum(people), math.fsum(people[has])
    near = math.fsum(people[has & (metres <= norm_m)])
    by_place = pd.Series(people[has]).groupby(homes[f"{walk}_id"].to_numpy(dtype=object)[has]).sum()
    most = by_place[by_place == by_place.max()].sort_index()
    return {
        "mean_m": math.fsum(people[has] * metres[has]) / walkers if walkers else math.nan,
        "p90_m": weighted_quantile(metres[has], people[has], _P90) if walkers else math.nan,
        "within_share": near / everybody if everybody else math.nan,
        "beyond": round(walkers - near),
        "missing": round(everybody - walkers),
        "nearest_id": str(most.index[0]) if len(most) else None,
    }


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    names = COMMUNITY_COLUMNS
    whole = [one for one in names if one.endswith(("beyond", "missing")) or one == "residents"]
    texts = [one for one in names if one.endswith("_id")]
    real = [one for one in names if one.endswith(("_m", "_share", "_m2"))]
    typed = table.astype({**dict.fromkeys(whole, "int64"), **dict.fromkeys(real, "float64")})
    for column in texts:
        typed[column] = pd.Series(
            [None if one is None or pd.isna(one) else one for one in table[column]],
            index=table.index,
            dtype="object",
        )
    return typed
