"""Do tables refer to what exists: committees of communities, sequences of rooms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Tolerances
from gridplan.verify.frames import given_of, is_in, labels, missing_columns, numbers, texts
from gridplan.verify.rules import finding

_TABLE = "community_committees"
_MAXIMISED = "mclp"


def check_community_committees(
    table: pd.DataFrame,
    communities: pd.DataFrame | None = None,
    committees: pd.DataFrame | None = None,
    demand: pd.DataFrame | None = None,
) -> Checked:
    """
    Check that the table names communities and committees that exist, and that demand obeys it.

    Parameters
    ----------
    table : DataFrame
        With ``community_id``, ``committee_id``.
    communities, committees : DataFrame, optional
        With these ids.
    demand : DataFrame, optional
        With ``community_id`` and ``committee_id``, its own committee.
    """
    absent = missing_columns(table, _TABLE, ["community_id", "committee_id"])
    if absent:
        return Checked(tuple(absent))
    own, committee = texts(table, "community_id"), texts(table, "committee_id")
    findings = []
    for ids, layer, key, rule in (
        (own, communities, "community_id", "community_unknown"),
        (committee, committees, "committee_id", "committee_unknown"),
    ):
        if layer is not None and key in layer:
            strange = ~is_in(ids, set(texts(layer, key)) - {None})
            names = sorted({str(one) for one in ids[strange]})
            findings += finding(rule, names, layer=_TABLE)
    if demand is not None and {"community_id", "committee_id"} <= set(demand):
        allowed = frozenset(zip(own, committee, strict=True))
        home, aim = texts(demand, "community_id"), texts(demand, "committee_id")
        pairs = zip(home, aim, strict=True)
        listed = np.array([one in allowed for one in pairs], dtype=bool)
        foreign = given_of(aim) & is_in(home, own) & ~listed
        findings += finding("committee_not_own", labels(demand, "demand")[foreign], layer="demand")
    return Checked(tuple(findings))


def check_frontier(frontier: pd.DataFrame, *, tolerances: Tolerances = STANDARD) -> Checked:
    """
    Check a sequence of rooms: a further room never makes the objective worse, no bound above it.

    Parameters
    ----------
    frontier : DataFrame
        With ``p`` and ``objective``, to be made small (large for the model ``mclp``, whose
        bound is from above); ``lower_bound``, ``model`` and ``sequence`` are used where present.
    """
    absent = missing_columns(frontier, "frontier", ["p", "objective"])
    if absent:
        return Checked(tuple(absent))
    rooms, objective = numbers(frontier, "p"), numbers(frontier, "objective")
    model = texts(frontier, "model") if "model" in frontier else np.full(len(rooms), "")
    sequence = texts(frontier, "sequence") if "sequence" in frontier else np.full(len(rooms), "")
    sense = np.where(model == _MAXIMISED, -1.0, 1.0)
    objective = objective * sense
    names = np.array(
        [f"{which or ''} p = {one:g}".strip() for which, one in zip(sequence, rooms, strict=True)],
        dtype=object,
    )
    slack = tolerances.ratio * np.maximum(np.abs(objective), 1.0)
    least = pd.DataFrame({"model": model, "sequence": sequence, "p": rooms, "objective": objective})
    ordered = least.sort_values("p", kind="stable")
    fewer = ordered.groupby(["model", "sequence"], dropna=False)["objective"]
    before = fewer.transform(lambda values: values.cummin().shift()).sort_index().to_numpy()
    worse = objective > np.nan_to_num(before, nan=np.inf) + slack
    findings = finding("frontier_rises", names[worse], layer="frontier")
    if "lower_bound" in frontier:
        above = numbers(frontier, "lower_bound") * sense > objective + slack
        findings += finding("frontier_bound", names[above], layer="frontier")
    return Checked(tuple(findings))
