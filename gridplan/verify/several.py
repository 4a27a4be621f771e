"""Several objectives at once: are stages, shares, backup and trade-offs what they claim."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import Floats, missing_columns, number, numbers, texts
from gridplan.verify.objective import value_of, walk_of, weights_of
from gridplan.verify.rules import finding
from gridplan.verify.world import World, section

_MAXIMISED = ("mclp", "share")
_ONE_GAP = 1e-9


def check_stages(
    siting: Mapping[str, Any], demand: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """
    Check each objective of several: its value, its bound, and that the tolerance is kept.

    Parameters
    ----------
    siting : mapping
        ``stages``: mappings with ``objective``, ``model``, ``value``, ``best``, ``bound``,
        ``status`` and what `value_of` takes; ``objective_tolerance``; ``group_weights``.
    demand : DataFrame
        ``population``, ``room_m`` (``assigned_m`` where floor area is a hard limit) and the
        columns of the groups.
    """
    walk = walk_of(siting)
    counted = weights_of(siting, demand) if walk in demand else None
    if counted is None:
        return Checked(tuple(missing_columns(demand, "demand", ["population", walk])))
    metres = numbers(demand, walk)
    rows = np.isfinite(metres) & (counted > 0)
    allowed = number(siting.get("objective_tolerance")) or 0.0
    stages = list(siting.get("stages") or ())
    wrong = []
    for place, one in enumerate(stages):
        value, best = number(one.get("value")), number(one.get("best"))
        real = value_of(one, counted[rows], metres[rows])
        if value is None or best is None or real is None:
            wrong.append(str(one.get("objective")))
            continue
        slack = tolerances.ratio * max(abs(real), 1.0)
        sign = -1.0 if one.get("model") in _MAXIMISED else 1.0
        # The last one has nobody after it to make room for.
        worst = best * (1.0 + sign * (allowed if place < len(stages) - 1 else 0.0))
        bound = number(one.get("bound"))
        proven = one.get("status") == "proven"
        if (
            abs(real - value) > slack
            or sign * (value - worst) > slack
            or (bound is not None and sign * (bound - best) > slack)
            or (proven and (bound is None or abs(best - bound) > max(_ONE_GAP, slack)))
        ):
            wrong.append(str(one.get("objective")))
    return Checked(tuple(finding("stage_differs", wrong, layer="summary")))


def check_least_share(
    siting: Mapping[str, Any], demand: pd.DataFrame, *, tolerances: Tolerances = STANDARD
) -> Checked:
    """Check that the share that was asked for lives within the norm, by what each home counts."""
    asked, norm_m = number(siting.get("least_share")), number(siting.get("norm_m"))
    if asked is None or norm_m is None or siting.get("status") in {"infeasible", "stopped"}:
        return Checked()
    counted, walk = weights_of(siting, demand), walk_of(siting)
    if counted is None or walk not in demand:
        return Checked(tuple(missing_columns(demand, "demand", ["population", walk])))
    whole = math.fsum(counted)
    share = math.fsum(counted[numbers(demand, walk) <= norm_m]) / whole if whole else 0.0
    short = [f"{share:.6g}"] if share < asked - tolerances.ratio else []
    return Checked(tuple(finding("siting_share", short, layer="demand", detail=f"{asked:g}")))


def check_backup(
    options: pd.DataFrame,
    demand: pd.DataFrame,
    nearest: pd.DataFrame,
    siting: Mapping[str, Any],
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check how many residents have several open places within the norm, by the answer followed.

    Left out where fewer places of each home are listed than were asked for.
    """
    times, norm_m = number(siting.get("backup")) or 1.0, number(siting.get("norm_m"))
    rank = numbers(nearest, "rank")
    if times <= 1 or norm_m is None or not (rank >= times).any() or "backup" not in options:
        return Checked()
    near = nearest[(rank == times) & (numbers(nearest, "metres") <= norm_m)]
    has = np.isin(texts(demand, "demand_id").astype(str), texts(near, "demand_id").astype(str))
    real = math.fsum(np.nan_to_num(numbers(demand, "population"))[has])
    row = options[options["chosen"].fillna(value=False).astype(bool)]
    told = number(row["backup"].iloc[0]) if len(row) == 1 else None
    wrong = told is None or abs(told - real) > tolerances.residents + 0.5
    said = [f"{real:g}"] if wrong else []
    return Checked(tuple(finding("backup_differs", said, layer="room_options")))


def check_trade_offs(table: pd.DataFrame, *, tolerances: Tolerances = STANDARD) -> Checked:
    """
    Check that no plan of a frontier beats another in both objectives, nor a bound.

    Parameters
    ----------
    table : DataFrame
        ``first_objective``, ``second_objective``, ``first``, ``second``, ``bound``, ``status``,
        ``sites``.
    """
    columns = ["first_objective", "second_objective", "first", "second", "bound", "status",
               "sites"]  # fmt: skip
    absent = missing_columns(table, "trade_offs", columns)
    if absent or not len(table):
        return Checked(tuple(absent))
    first, second = (_signed(table, one) for one in ("first", "second"))
    known = np.isfinite(first) & np.isfinite(second)
    wrong = []
    for at in np.flatnonzero(known):
        slack = [tolerances.proven_gap * max(abs(float(one[at])), 1.0) for one in (first, second)]
        as_good = known & (first <= first[at] + slack[0]) & (second <= second[at] + slack[1])
        better = as_good & ((first < first[at] - slack[0]) | (second < second[at] - slack[1]))
        if better.any():
            wrong.append(str(texts(table, "sites")[at]))
    bound = _signed(table, "bound", "second")
    slack_of = tolerances.ratio * np.maximum(np.abs(second), 1.0)
    above = known & np.isfinite(bound) & (bound > second + slack_of)
    false = known & (texts(table, "status") == "proven") & ~(np.abs(second - bound) <= slack_of)
    sites = texts(table, "sites")
    return Checked(
        (
            *finding("trade_off_beaten", wrong, layer="trade_offs"),
            *finding("frontier_bound", [str(one) for one in sites[above]], layer="trade_offs"),
            *finding("status_unproven", [str(one) for one in sites[false]], layer="trade_offs"),
        )
    )


def _signed(table: pd.DataFrame, column: str, of: str | None = None) -> Floats:
    """Return a column so that less is better."""
    kinds = texts(table, f"{of or column}_objective")
    return numbers(table, column) * np.where(np.isin(kinds.astype(str), _MAXIMISED), -1.0, 1.0)


def several_of(world: World) -> Checked:
    """Check stages, least share, backup and trade-offs of a plan, where it has them."""
    siting, demand = section(world.summary, "siting"), world.layers["demand"]
    found: list[Finding] = []
    found += check_stages(siting, demand, tolerances=world.tolerances).findings
    found += check_least_share(siting, demand, tolerances=world.tolerances).findings
    if "room_options" in world.layers and "nearest_facilities" in world.layers:
        found += check_backup(
            world.layers["room_options"],
            demand,
            world.layers["nearest_facilities"],
            siting,
            tolerances=world.tolerances,
        ).findings
    if "trade_offs" in world.layers:
        found += check_trade_offs(world.layers["trade_offs"], tolerances=world.tolerances).findings
    return Checked(tuple(found))
