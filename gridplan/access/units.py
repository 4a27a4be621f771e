"""One row of figures for each unit and group: who walks how far, who has no walk, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.access.choose import NO_COMMITTEE, TOO_FAR, UNPLACED, UNREACHABLE
from gridplan.geometry import Floats
from gridplan.network.edges import Ints

Flags = npt.NDArray[np.bool_]

ALL = "all"
"""The group of all residents, and the unit that is the whole place."""

REASONS = (UNREACHABLE, TOO_FAR, NO_COMMITTEE, UNPLACED)
_SLACK = 1e-9
_QUANTILES = {"median_m": 0.5, "p90_m": 0.9}


@dataclass(frozen=True)
class Basis:
    """
    Walks to one kind of place, by position of the demand.

    Attributes
    ----------
    metres : float array, shape (n,)
        ``nan`` where there is no walk.
    reasons : object array, shape (n,)
        Why there is none, from the closed list.
    straight_m : float array, shape (n,)
        Straight line to the place that is nearest that way; ``inf`` for none.
    detour : float array, shape (n,)
        Walk over the straight line to the same place.
    """

    metres: Floats
    reasons: np.ndarray
    straight_m: Floats
    detour: Floats


def access_by_unit(
    demand: pd.DataFrame,
    bases: Mapping[str, Basis],
    *,
    levels: Mapping[str, str],
    groups: Iterable[str],
    norms_m: Iterable[float],
) -> pd.DataFrame:
    """
    Return the figures of every unit, group and basis.

    Each group is weighted by its own counts. Residents without a unit (outside every
    estate, unplaced) have a row whose ``unit_id`` is null, so that the rows of a level
    add up to all residents.

    Parameters
    ----------
    demand : DataFrame
        ``population``, one column per group, one per level.
    bases : mapping of name to Basis
    levels : mapping of level to column, e.g. ``estate`` to ``estate_id``
    groups : names of group columns
    norms_m : metres

    Returns
    -------
    DataFrame
        ``basis``, ``level``, ``unit_id``, ``group`` (``all`` or its name), ``residents``,
        ``mean_m``, ``median_m``, ``p90_m``, ``max_m`` (null if nobody has a walk),
        ``detour`` (median), and for each norm S ``within_S_share`` and
        ``straight_S_share`` (share of all residents of the row whose walk, or straight
        line, is at most S) and ``beyond_S`` (residents with a longer walk), then
        ``missing_<reason>`` (residents). Sorted by basis, level, unit and group, in the
        order given; the whole place is level and unit ``all``.
    """
    norms = list(norms_m)
    groups = list(groups)
    weights = {
        group: demand[column].fillna(0).to_numpy(dtype=float)
        for group, column in {ALL: "population", **{name: name for name in groups}}.items()
    }
    parts = []
    for name, basis in bases.items():
        for level, column in {ALL: None, **levels}.items():
            codes, units = _units(demand, column)
            rows = [
                _rows(codes, len(units), counts, basis, norms).assign(unit_id=units, group=group)
                for group, counts in weights.items()
            ]
            # Unit by unit, its groups in the order given.
            table = pd.concat(rows).sort_index(kind="stable")
            parts.append(table.assign(basis=name, level=level))
    table = pd.concat(parts, ignore_index=True)
    table["unit_id"] = table["unit_id"].astype("object").where(table["unit_id"].notna(), None)
    heads = ["basis", "level", "unit_id", "group"]
    return table[[*heads, *(column for column in table if column not in heads)]]


def _units(demand: pd.DataFrame, column: str | None) -> tuple[Ints, np.ndarray]:
    """Return the unit of each row as a number, and the ids: sorted, null last."""
    if column is None:
        return np.zeros(len(demand), dtype=np.intp), np.array([ALL], dtype=object)
    codes, ids = pd.factorize(demand[column].astype("object"), sort=True)
    units = np.asarray(ids, dtype=object)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(units), codes)
        units = np.array([*units, None], dtype=object)
    return codes, units


def _rows(
    codes: Ints, count: int, weights: Floats, basis: Basis, norms: list[float]
) -> pd.DataFrame:
    def total(which: Flags, values: Floats = weights) -> Floats:
        return np.bincount(codes[which], weights=values[which], minlength=count).astype(np.float64)

    everybody = weights > 0
    known = everybody & np.isfinite(basis.metres)
    residents, reached = total(everybody), total(known)
    walked = total(known, np.nan_to_num(basis.metres) * weights)
    straying = known & np.isfinite(basis.detour)
    rows: dict[str, Floats] = {"residents": residents, "mean_m": _ratio(walked, reached)}
    for name, share in _QUANTILES.items():
        rows[name] = _quantiles(codes[known], count, basis.metres[known], weights[known], share)
    rows["max_m"] = _quantiles(codes[known], count, basis.metres[known], weights[known], 1.0)
    rows["detour"] = _quantiles(
        codes[straying], count, basis.detour[straying], weights[straying], 0.5
    )
    for norm in norms:
        near = known & (basis.metres <= norm)
        rows[f"within_{norm:g}_share"] = _ratio(total(near), residents)
        circle = everybody & (basis.straight_m <= norm)
        rows[f"straight_{norm:g}_share"] = _ratio(total(circle), residents)
        rows[f"beyond_{norm:g}"] = total(known & ~near)
    for reason in REASONS:
        rows[f"missing_{reason}"] = total(everybody & ~known & (basis.reasons == reason))
    frame = pd.DataFrame(rows)
    whole = [
        name for name in rows if name.startswith(("beyond_", "missing_")) or name == "residents"
    ]
    return frame.astype(dict.fromkeys(whole, "int64"))


def _ratio(part: Floats, whole: Floats) -> Floats:
    share: Floats = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def _quantiles(codes: Ints, count: int, values: Floats, weights: Floats, share: float) -> Floats:
    """Return each unit's weighted quantile, as `weighted_quantile` gives it."""
    found = np.full(count, np.nan)
    if not len(codes):
        return found
    order = np.lexsort([values, codes])
    running = np.cumsum(weights[order])
    first = np.searchsorted(codes[order], np.arange(count))
    last = np.searchsorted(codes[order], np.arange(count), side="right")
    own = np.flatnonzero(last > first)
    before = np.concatenate([[0.0], running])[first[own]]
    target = before + share * (running[last[own] - 1] - before) - _SLACK
    at = np.minimum(np.searchsorted(running, target, side="left"), last[own] - 1)
    found[own] = values[order][at]
    return found
