"""Does the table of communities before and after agree with the walks of the plan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Tolerances
from gridplan.verify.frames import missing_columns, number, numbers, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World

_STATES = {"before": "room_before_m", "after": "room_m"}
_GIVEN = "assigned_m"
"""The walk afterwards where floor area is a hard limit."""


def check_community_change(
    table: pd.DataFrame,
    demand: pd.DataFrame,
    norm_m: float,
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check residents, mean walk, share within the norm, and who is beyond it or has no walk.

    Parameters
    ----------
    table : DataFrame
        ``community_id`` (null: residents in none), ``residents``, and ``mean_m``,
        ``within_share``, ``beyond``, ``missing`` with ``before_`` and ``after_``.
    demand : DataFrame
        ``community_id``, ``population``, ``room_before_m``, ``room_m``; ``assigned_m`` in its
        place where residents are given a room.
    norm_m : float
    """
    states = _STATES | ({"after": _GIVEN} if _GIVEN in demand else {})
    figures = ("mean_m", "within_share", "beyond", "missing")
    wanted = [f"{state}_{figure}" for state in states for figure in figures]
    absent = [
        *missing_columns(table, "community_change", ["community_id", "residents", *wanted]),
        *missing_columns(demand, "demand", ["community_id", "population", *states.values()]),
    ]
    if absent:
        return Checked(tuple(absent))
    names = np.array([one or "-" for one in texts(table, "community_id")], dtype=object)
    listed = frozenset(names)
    own = np.array([one if one in listed else "-" for one in texts(demand, "community_id")],
                   dtype=object)  # fmt: skip
    people = np.nan_to_num(numbers(demand, "population"))
    sums = {"residents": people}
    for state, column in states.items():
        metres = numbers(demand, column)
        has = np.isfinite(metres)
        near = has & (metres <= norm_m)
        sums[f"{state}_walked"] = people * np.where(has, metres, 0.0)
        sums[f"{state}_near"] = people * near
        sums[f"{state}_beyond"] = people * (has & ~near)
        sums[f"{state}_missing"] = people * ~has
    again = pd.DataFrame(sums).groupby(own).sum().reindex(names).fillna(0.0)
    wrong = ~(np.abs(numbers(table, "residents") - again["residents"]) <= tolerances.residents)
    for state in states:
        walkers = again["residents"] - again[f"{state}_missing"]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (again[f"{state}_walked"] / walkers).to_numpy()
            share = (again[f"{state}_near"] / again["residents"]).to_numpy()
        for figure, real, slack in (
            ("mean_m", mean, tolerances.distance_m),
            ("within_share", share, tolerances.ratio),
            ("beyond", again[f"{state}_beyond"].to_numpy(), tolerances.residents),
            ("missing", again[f"{state}_missing"].to_numpy(), tolerances.residents),
        ):
            told = numbers(table, f"{state}_{figure}")
            # Of nobody there is no mean and no share.
            wrong |= ~(np.abs(np.nan_to_num(told) - np.nan_to_num(real)) <= slack)
    lost = sorted(set(own[people > 0]) - listed)
    ids = [*names[np.asarray(wrong, dtype=np.bool_)], *lost]
    return Checked(tuple(finding("community_change", ids, layer="community_change")))


def check_community_change_of(world: World) -> Checked:
    """Check the table of a plan with the norm of its summary."""
    norm_m = number((world.summary.get("siting") or {}).get("norm_m"))
    if norm_m is None:
        return Checked()
    return check_community_change(
        world.layers["community_change"],
        world.layers["demand"],
        norm_m,
        tolerances=world.tolerances,
    )
