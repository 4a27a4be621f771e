"""The tables `catchments` and `catchment_scores`: capacity shared among those within a norm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridplan.access.catchment import two_step_catchment
from gridplan.access.service_areas import Served
from gridplan.access.units import ALL
from gridplan.geometry import Floats

STAFF, AREA = "staff", "m2"
NOT_KNOWN = "capacity_not_known"

_PER = 1000.0


def unit_of(kind: str) -> str:
    """Return in what the capacity of a kind is counted: staff of committees, else floor space."""
    return STAFF if kind == "committee" else AREA


def catchment_tables(
    served: Sequence[Served], demand: pd.DataFrame, *, catchment_m: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Return the two-step floating catchment areas of each kind of facility.

    A facility whose capacity is not known shares nothing: it is listed with a reason, and
    the scores of its kind are then a lower bound. A kind of which no capacity is known
    has no scores.

    Parameters
    ----------
    served : sequence of Served
    demand : DataFrame
        ``population``, ``community_id``.
    catchment_m : float
        Longest walk that counts.

    Returns
    -------
    catchments : DataFrame, one row per facility
        ``kind``, ``facility_id``, ``norm_m``, ``capacity``, ``unit`` (``staff``, ``m2``),
        ``residents`` (within the norm), ``per_1000`` (capacity per 1,000 of them; null
        where nobody is), ``reason`` (why there is no capacity).
    scores : DataFrame, one row per kind and community, and the whole place (``all``)
        ``kind``, ``community_id``, ``unit``, ``residents``, ``per_1000`` (capacity per
        1,000 residents that the average resident reaches; higher is better),
        ``without`` (residents who reach none).
    """
    people: Floats = demand["population"].fillna(0).to_numpy(dtype=np.float64)
    facilities, scores = [], []
    for kind in sorted({one.kind for one in served}):
        own = [one for one in served if one.kind == kind]
        facilities.append(_facility_rows(own, people, catchment_m))
        known = [one for one in own if np.isfinite(one.capacity)]
        if known:
            found = two_step_catchment(
                np.nan_to_num(np.stack([one.metres for one in known], axis=1), nan=np.inf),
                people,
                np.array([one.capacity for one in known]),
                catchment_m=catchment_m,
            )
            scores.append(_score_rows(kind, demand, people, found.per_resident))
    return _joined(facilities, _FACILITY), _joined(scores, _SCORE)


_FACILITY = {
    "kind": "object", "facility_id": "object", "norm_m": "float64", "capacity": "float64",
    "unit": "object", "residents": "int64", "per_1000": "float64", "reason": "object",
}  # fmt: skip
_SCORE = {
    "kind": "object", "community_id": "object", "unit": "object", "residents": "int64",
    "per_1000": "float64", "without": "int64",
}  # fmt: skip


def _joined(parts: list[pd.DataFrame], types: dict[str, str]) -> pd.DataFrame:
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    joined = pd.concat(parts, ignore_index=True) if parts else empty
    typed = joined[list(types)].astype(types)
    words = [name for name, kind in types.items() if kind == "object"]
    typed[words] = typed[words].where(typed[words].notna(), None)
    return typed


def _facility_rows(own: Sequence[Served], people: Floats, catchment_m: float) -> pd.DataFrame:
    rows = []
    for one in own:
        within = float(people[one.metres <= catchment_m].sum())
        known = np.isfinite(one.capacity)
        rows.append(
            {
                "kind": one.kind,
                "facility_id": one.facility_id,
                "norm_m": catchment_m,
                "capacity": one.capacity,
                "unit": unit_of(one.kind),
                "residents": round(within),
                "per_1000": _PER * one.capacity / within if known and within else np.nan,
                "reason": None if known else NOT_KNOWN,
            }
        )
    return pd.DataFrame(rows)


def _score_rows(
    kind: str, demand: pd.DataFrame, people: Floats, per_resident: Floats
) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "community_id": demand["community_id"].to_numpy(dtype=object),
            "residents": people,
            "shared": people * per_resident,
            "without": np.where(per_resident > 0, 0.0, people),
        }
    )
    sums = table.groupby("community_id", dropna=False, sort=True).sum()
    sums.loc[ALL] = sums.sum()
    ids = pd.Series(sums.index, dtype="object")
    shared, residents = sums["shared"].to_numpy(), sums["residents"].to_numpy()
    each = np.full(len(sums), np.nan)
    np.divide(_PER * shared, residents, out=each, where=residents > 0)
    return pd.DataFrame(
        {
            "kind": kind,
            "community_id": ids.where(ids.notna(), None),
            "unit": unit_of(kind),
            "residents": np.rint(residents).astype(np.int64),
            "per_1000": each,
            "without": np.rint(sums["without"].to_numpy()).astype(np.int64),
        }
    )
