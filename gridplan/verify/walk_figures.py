"""Do the walks that a plan tells, and the answer it follows, agree with those of `demand`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import Floats, missing_columns, number, numbers, texts
from gridplan.verify.objective import value_of
from gridplan.verify.rules import finding
from gridplan.verify.world import World, section

WALKS = {"access_after": "room_m", "access_assigned": "assigned_m"}
"""Blocks of the summary, and the column of `demand` that each is about."""

_WALKED_TO = {"nearest": "room_m", "assigned": "assigned_m"}
_P90 = 0.9


def figures_of(
    metres: Floats, people: Floats, *, kappa_per_m: float | None = None
) -> dict[str, float]:
    """
    Return mean, 90th-percentile and longest walk of those who have one; NaN for nobody.

    With `kappa_per_m`, the one aversion per metre of a run, the equivalent walk besides.

    Examples
    --------
    >>> figures_of(np.array([100.0, 300.0, np.nan]), np.array([3.0, 1.0, 5.0]))
    {'mean_m': 150.0, 'p90_m': 300.0, 'max_m': 300.0}
    """
    has = np.isfinite(metres) & (people > 0)
    scaled = kappa_per_m is not None and kappa_per_m > 0
    if not has.any():
        names = ("mean_m", "p90_m", "max_m", *(("ede_m",) if scaled else ()))
        return dict.fromkeys(names, math.nan)
    order = np.argsort(metres[has], kind="stable")
    far, weight = metres[has][order], people[has][order]
    enough = np.cumsum(weight) >= _P90 * math.fsum(weight) * (1.0 - STANDARD.proven_gap)
    found = {
        "mean_m": math.fsum(far * weight) / math.fsum(weight),
        "p90_m": float(far[enough][0]),
        "max_m": float(far[-1]),
    }
    ede = value_of({"model": "p-ede", "kappa": kappa_per_m}, weight, far) if scaled else None
    return found if ede is None else found | {"ede_m": ede}


def check_walk_block(
    block: Mapping[str, Any],
    demand: pd.DataFrame,
    column: str,
    *,
    name: str,
    kappa_per_m: float | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check mean, p90 and longest walk of a block of the summary, and the shares within each norm.

    Parameters
    ----------
    block : mapping
        ``mean_m``, ``p90_m``, ``max_m``, ``ede_m`` and ``within`` (metres as text to share of
        all).
    demand : DataFrame
        ``population`` and the column.
    name : str
        Of the block, for the message.
    kappa_per_m : float, optional
        Of the equivalent walk, which is not looked at without it.
    """
    absent = missing_columns(demand, "demand", ["population", column])
    if absent:
        return Checked(tuple(absent))
    people, metres = np.nan_to_num(numbers(demand, "population")), numbers(demand, column)
    again = figures_of(metres, people, kappa_per_m=kappa_per_m)
    everybody = max(math.fsum(people), 1.0)
    wrong = [
        key
        for key, real in again.items()
        if _differ(number(block.get(key)), real, tolerances.distance_m)
    ]
    for norm, told in (block.get("within") or {}).items():
        near = np.isfinite(metres) & (metres <= float(norm))
        if _differ(number(told), math.fsum(people[near]) / everybody, tolerances.ratio):
            wrong.append(f"within {norm}")
    return Checked(tuple(finding("walk_figures", wrong, layer="summary", detail=name)))


def _differ(told: float | None, real: float, slack: float) -> bool:
    if told is None or not math.isfinite(told):
        return math.isfinite(real)
    return not abs(told - real) <= slack


def check_followed(
    options: pd.DataFrame,
    demand: pd.DataFrame,
    norm_m: float,
    *,
    kappa_per_m: float | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check the walks of the answer that the layers follow: to the nearest place, or the one given.

    Parameters
    ----------
    options : DataFrame
        ``answer``, ``chosen``, ``walked_to``, ``mean_m``, ``p90_m``, ``max_m``, ``ede_m``,
        ``within``, ``beyond``, ``unreachable``.
    demand : DataFrame
        ``population`` and ``room_m``, or ``assigned_m`` where ``walked_to`` says ``assigned``.
    norm_m : float
    kappa_per_m : float, optional
        Of the equivalent walk, which is not looked at without it.
    """
    if not {"chosen", "walked_to"} <= set(options):
        return Checked()
    row = options[options["chosen"].fillna(value=False).astype(bool)]
    if len(row) != 1:
        return Checked()
    column = _WALKED_TO.get(str(texts(row, "walked_to")[0]))
    if column is None or column not in demand or "population" not in demand:
        return Checked(tuple(finding("answer_walks", ["walked_to"], layer="room_options")))
    people, metres = np.nan_to_num(numbers(demand, "population")), numbers(demand, column)
    has = np.isfinite(metres)
    near = has & (metres <= norm_m)
    real = figures_of(metres, people, kappa_per_m=kappa_per_m) | {
        "within": math.fsum(people[near]),
        "beyond": math.fsum(people[has & ~near]),
        "unreachable": math.fsum(people[~has]),
    }
    wrong = [
        key
        for key, value in real.items()
        if _differ(
            number(row[key].iloc[0]) if key in row else None,
            value,
            tolerances.distance_m if key.endswith("_m") else tolerances.residents + 0.5,
        )
    ]
    return Checked(tuple(finding("answer_walks", wrong, layer="room_options")))


def walk_figures_of(world: World) -> Checked:
    """Check the walks of the summary and of the answer that a plan follows."""
    demand, siting = world.layers["demand"], section(world.summary, "siting")
    kappa = number(siting.get("ede_kappa"))
    found: list[Finding] = []
    for name, column in WALKS.items():
        block = section(world.summary, name)
        if block:
            checked = check_walk_block(
                block, demand, column, name=name, kappa_per_m=kappa, tolerances=world.tolerances
            )
            found += checked.findings
    if siting.get("capacity") == "hard" and not section(world.summary, "access_assigned"):
        found += finding("walk_figures", ["-"], layer="summary", detail="access_assigned")
    norm_m = number(siting.get("norm_m"))
    if "room_options" in world.layers and norm_m is not None:
        options = world.layers["room_options"]
        found += check_followed(
            options, demand, norm_m, kappa_per_m=kappa, tolerances=world.tolerances
        ).findings
        to = texts(options, "walked_to") if "walked_to" in options else np.array([])
        if siting.get("capacity") == "hard" and len(to) and "assigned" not in to:
            found += finding("answer_walks", ["walked_to"], layer="room_options")
    return Checked(tuple(found))
