"""What closing each place costs, again from the two nearest places of each home; decisions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import Flags, Floats, missing_columns, number, numbers, texts
from gridplan.verify.given_reasons import check_given, ranked
from gridplan.verify.next_best import next_of
from gridplan.verify.objective import model_of, value_of, weights_of
from gridplan.verify.rules import finding
from gridplan.verify.world import World, section

_CLOSING = ("closing_walk", "closing_within", "closing_stranded")
_MAXIMISED = ("mclp",)
_WITHOUT_VALUE = ("lscp",)
_TOGETHER, _SEVERAL = "all_decisions", 2


def two_nearest(demand: pd.DataFrame, nearest: pd.DataFrame) -> tuple[np.ndarray, Floats, Floats]:
    """
    Return the nearest open place of each home, the walk to it, and the walk to the second.

    Parameters
    ----------
    demand : DataFrame
        ``demand_id``.
    nearest : DataFrame
        ``demand_id``, ``rank``, ``facility_id``, ``metres``.

    Returns
    -------
    ids, metres, second : arrays of shape (n_demand,)
        None and ``inf`` where there is none.
    """
    (own, first), (_, second) = (ranked(demand, nearest, place) for place in (1.0, 2.0))
    return own, first, second


def check_closing(
    reasons: pd.DataFrame,
    demand: pd.DataFrame,
    nearest: pd.DataFrame,
    siting: Mapping[str, Any],
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check metres, residents and the objective that closing each place would cost.

    Whoever has it as the nearest place goes to the second nearest. Where residents are given a
    room (``capacity`` hard) see `check_given`.

    Parameters
    ----------
    reasons : DataFrame
        ``site_id``, ``closing_walk``, ``closing_within``, ``closing_stranded``,
        ``closing_objective`` (null: not told).
    demand : DataFrame
        ``demand_id``, ``population`` and the columns of groups.
    nearest : DataFrame
        As in `two_nearest`.
    siting : mapping
        ``model``, ``norm_m`` and what `value_of` takes.
    """
    wanted = ["demand_id", "rank", "facility_id", "metres"]
    absent = [
        *missing_columns(reasons, "room_reasons", ["site_id", *_CLOSING, "closing_objective"]),
        *missing_columns(nearest, "nearest_facilities", wanted),
        *missing_columns(demand, "demand", ["demand_id", "population"]),
    ]
    norm_m = number(siting.get("norm_m"))
    if absent or norm_m is None or not (numbers(nearest, "rank") > 1).any():
        return Checked(tuple(absent))
    # Of several objectives the first is told.
    siting = {**siting, **next(iter(siting.get("stages") or [{}]))}
    own, first, second = two_nearest(demand, nearest)
    people, counted = np.nan_to_num(numbers(demand, "population")), weights_of(siting, demand)
    wrong = []
    for at, site in enumerate(texts(reasons, "site_id")):
        after = np.where(own == site, second, first)
        still = np.isfinite(after)
        walked = still & np.isfinite(first)
        real = {
            "closing_walk": math.fsum(people[walked] * (after[walked] - first[walked])),
            "closing_within": math.fsum(people[first <= norm_m])
            - math.fsum(people[after <= norm_m]),
            "closing_stranded": math.fsum(people[np.isfinite(first) & ~still]),
        }
        slack = dict.fromkeys(real, tolerances.residents + 0.5)
        slack["closing_walk"] = tolerances.distance_m * max(1.0, math.fsum(people[own == site]))
        told = number(reasons["closing_objective"].iloc[at])
        if told is not None and math.isfinite(told) and counted is not None:
            value = _worse_by(siting, counted, first, after)
            if value is not None:
                real["closing_objective"] = value
                slack["closing_objective"] = tolerances.ratio * max(1.0, abs(value)) + max(
                    slack["closing_walk"], tolerances.distance_m
                )
        wrong += [
            f"{site}: {name}"
            for name, value in real.items()
            if not abs((number(reasons[name].iloc[at]) or 0.0) - value) <= slack[name]
        ]
    return Checked(tuple(finding("closing_differs", wrong, layer="room_reasons")))


def _worse_by(
    siting: Mapping[str, Any], counted: Floats, before: Floats, after: Floats
) -> float | None:
    """Return by how much the objective is worse with other walks; None where it has no value."""
    model = model_of(siting)
    if model in _WITHOUT_VALUE:
        return None
    rows = np.isfinite(before) & (counted > 0)
    if model == "p_median":
        rows &= np.isfinite(after)
    whole = {**siting, "weight": math.fsum(counted[rows])}
    was, now = (value_of(whole, counted[rows], one[rows]) for one in (before, after))
    if was is None or now is None or not math.isfinite(now):
        return None
    return was - now if model in _MAXIMISED else now - was


def check_decisions(decisions: pd.DataFrame, siting: Mapping[str, Any]) -> Checked:
    """
    Check that the log has the decisions that were kept, and that no proven price is negative.

    All decisions together cost at least what each of them does: without them a plan is bound by
    less than without that one.

    Parameters
    ----------
    decisions : DataFrame
        ``site_id``, ``decision`` (``all_decisions``: what all cost together), ``moved_from``,
        ``price_objective``, ``price_reason``, ``price_status``.
    siting : mapping
        ``required``, ``forbidden``.
    """
    columns = ["site_id", "decision", "moved_from", "price_objective", "price_reason",
               "price_status"]  # fmt: skip
    absent = missing_columns(decisions, "decisions", columns)
    if absent:
        return Checked(tuple(absent))
    together = texts(decisions, "decision") == _TOGETHER
    cheap = _less_than_each(decisions, together, siting)
    named = texts(decisions, "site_id")
    named[together] = _TOGETHER
    site, kind, left = (texts(decisions[~together], one) for one in columns[:3])
    opened = {one for one, what in zip(site, kind, strict=True) if what != "forbidden"}
    closed = {one for one, what in zip(site, kind, strict=True) if what == "forbidden"}
    closed |= {one for one in left if one is not None}
    lists = (siting.get("required") or (), siting.get("forbidden") or ())
    astray = (opened ^ set(lists[0])) | (closed ^ set(lists[1]))
    price = numbers(decisions, "price_objective")
    proven = texts(decisions, "price_status") == "proven"
    slack = STANDARD.ratio * max(abs(number(siting.get("objective")) or 0.0), 1.0)
    cheaper = proven & np.isfinite(price) & (price < -slack)
    why = np.array([one is not None for one in texts(decisions, "price_reason")], dtype=np.bool_)
    cheaper |= why & np.isfinite(price)
    return Checked(
        (
            *finding("decision_lost", sorted(map(str, astray)), layer="decisions"),
            *finding("price_negative", [str(one) for one in named[cheaper]], layer="decisions"),
            *finding("price_together", cheap, layer="decisions"),
        )
    )


def _less_than_each(
    decisions: pd.DataFrame, together: Flags, siting: Mapping[str, Any]
) -> list[str]:
    """Return the decisions that cost more than all together, where that is told, and once."""
    if not together.any():
        return []
    if together.sum() > 1 or len(decisions) - together.sum() < _SEVERAL:
        return [_TOGETHER]
    price = numbers(decisions, "price_objective")
    proven = texts(decisions, "price_status") == "proven"
    [whole] = price[together & proven] if (together & proven).any() else [math.nan]
    slack = STANDARD.ratio * max(abs(number(siting.get("objective")) or 0.0), 1.0)
    more = proven & ~together & (price > whole + slack)
    return [str(one) for one in texts(decisions, "site_id")[more]]


def _closing_of(world: World, siting: Mapping[str, Any]) -> Checked:
    names = ("room_reasons", "demand", "nearest_facilities")
    reasons, demand, nearest = (world.layers[one] for one in names)
    if siting.get("capacity") != "hard":
        return check_closing(reasons, demand, nearest, siting, tolerances=world.tolerances)
    rooms = world.get("rooms")
    if rooms is None:
        return Checked()
    return check_given(reasons, demand, nearest, rooms, siting, tolerances=world.tolerances)


def reasons_of(world: World) -> Checked:
    """Check reasons and decisions of a plan."""
    siting, found = section(world.summary, "siting"), list[Finding]()
    found += next_of(world).findings
    if "room_reasons" in world.layers and "closing_objective" in world.layers["room_reasons"]:
        found += _closing_of(world, siting).findings
    if "decisions" in world.layers and "moved_from" in world.layers["decisions"]:
        found += check_decisions(world.layers["decisions"], siting).findings
    return Checked(tuple(found))
