"""One row of figures for each unit and group: who walks how far, who has no walk, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.access.choose import NO_COMMITTEE, TOO_FAR, UNPLACED, UNREACHABLE
from gridplan.access.equity import AVERSION
from gridplan.access.facilities import SECONDS, WalkingSpeeds
from gridplan.geometry import Floats
from gridplan.network.edges import Ints

Flags = npt.NDArray[np.bool_]

ALL = "all"
"""The group of all residents, and the unit that is the whole place."""

REASONS = (UNREACHABLE, TOO_FAR, NO_COMMITTEE, UNPLACED)
_SLACK = 1e-9
_MEDIAN, _P90, _LONGEST = 0.5, 0.9, 1.0


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
    aversion: float = AVERSION,
    kappa_per_m: float | None = None,
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
    aversion, kappa_per_m
        Of `kolm_pollak_ede`: with `kappa_per_m` the rows can be compared.

    Returns
    -------
    DataFrame
        ``basis``, ``level``, ``unit_id``, ``group`` (``all`` or its name), ``residents``,
        ``mean_m``, ``median_m``, ``p90_m``, ``max_m``, ``gini`` and ``ede_m`` (as `gini` and
        `kolm_pollak_ede` give them) (null if nobody has a walk),
        ``detour`` (median), and for each norm S ``within_S_share`` and
        ``straight_S_share`` (share of all residents of the row whose walk, or straight
        line, is at most S) and ``beyond_S`` (residents with a longer walk), then
        ``missing_<reason>`` (residents). Sorted by basis, level, unit and group, in the
        order given; the whole place is level and unit ``all``.
    """
    norms = list(norms_m)
    weights = _weights(demand, groups)
    parts = []
    for name, basis in bases.items():
        for level, column in {ALL: None, **levels}.items():
            codes, units = _units(demand, column)
            ranked = _Ranked.of(codes, len(units), basis.metres)
            straying = _Ranked.of(codes, len(units), basis.detour, also=basis.metres)
            rows = [
                _rows(ranked, counts, basis, norms)
                .assign(
                    **_spread(ranked, counts, aversion, kappa_per_m),
                    detour=straying.quantile(counts, _MEDIAN),
                )
                .assign(unit_id=units, group=group)
                for group, counts in weights.items()
            ]
            # Unit by unit, its groups in the order given.
            table = pd.concat(rows).sort_index(kind="stable")
            parts.append(table.assign(basis=name, level=level))
    table = _with_plain_ids(pd.concat(parts, ignore_index=True))
    heads = ["basis", "level", "unit_id", "group", "residents", *_SPREAD, "detour"]
    return table[[*heads, *(column for column in table if column not in heads)]]


def minutes_by_unit(
    demand: pd.DataFrame,
    metres: Floats,
    step_free_m: Floats,
    *,
    levels: Mapping[str, str],
    speeds: WalkingSpeeds,
) -> pd.DataFrame:
    """
    Return the minutes of every unit at the pace of each group, as if all were of it.

    Parameters
    ----------
    demand : DataFrame
        ``population``, and one column per level.
    metres, step_free_m : float arrays, shape (n,)
        Walks, and walks without stairs; ``nan`` where there is none.
    levels : mapping of level to column

    Returns
    -------
    DataFrame
        ``level``, ``unit_id``, ``group`` (of `speeds`), ``residents`` (all of the unit),
        ``mean_min``, ``median_min``, ``p90_min`` (null if nobody has a walk that the group
        can take), ``without_way`` (residents who have a walk, but none that it can take).
        Sorted by level, unit and group, in the order given.
    """
    [people] = _weights(demand, ()).values()
    lost = np.isfinite(metres) & ~np.isfinite(step_free_m)
    parts = []
    for level, column in {ALL: None, **levels}.items():
        codes, units = _units(demand, column)
        ranked = {
            steps: _Ranked.of(codes, len(units), step_free_m if steps else metres)
            for steps in (False, True)
        }
        residents = ranked[False].total(people, people > 0)
        rows = []
        for group, metres_per_s in speeds.metres_per_s.items():
            without = group in speeds.without_steps
            own, pace = ranked[without], metres_per_s * SECONDS
            row = {
                "residents": residents,
                "mean_min": own.mean(people) / pace,
                "median_min": own.quantile(people, _MEDIAN) / pace,
                "p90_min": own.quantile(people, _P90) / pace,
                "without_way": own.total(people, lost & without),
            }
            rows.append(pd.DataFrame(row).assign(unit_id=units, group=group))
        parts.append(pd.concat(rows).sort_index(kind="stable").assign(level=level))
    table = _with_plain_ids(pd.concat(parts, ignore_index=True))
    heads = ["level", "unit_id", "group"]
    table = table[[*heads, *(column for column in table if column not in heads)]]
    return table.astype({"residents": "int64", "without_way": "int64"})


def _weights(demand: pd.DataFrame, groups: Iterable[str]) -> dict[str, Floats]:
    columns = {ALL: "population", **{name: name for name in groups}}
    return {
        group: demand[column].fillna(0).to_numpy(dtype=float) for group, column in columns.items()
    }


def _with_plain_ids(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with null for the unit of those who have none."""
    ids = table["unit_id"].astype("object")
    return table.assign(unit_id=ids.where(ids.notna(), None))


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


@dataclass(frozen=True)
class _Ranked:
    """
    Figures of homes, sorted by unit and then by figure once for all groups.

    Attributes
    ----------
    codes : int array, shape (n,)
        Unit of each home.
    order : int array
        Homes that have a figure, sorted.
    ends : int array, shape (units + 1,)
        Where each unit begins in `order`, and the last one ends.
    figures : float array
        The figures in that order.
    """

    codes: Ints
    order: Ints
    ends: Ints
    figures: Floats

    @classmethod
    def of(cls, codes: Ints, count: int, values: Floats, *, also: Floats | None = None) -> _Ranked:
        """Return the order of those who have a figure, and `also` another."""
        known = np.isfinite(values) & (True if also is None else np.isfinite(also))
        rows = np.flatnonzero(known)
        order: Ints = rows[np.lexsort([values[rows], codes[rows]])]
        ends = np.searchsorted(codes[order], np.arange(count + 1))
        return cls(codes, order, ends, values[order])

    @property
    def units(self) -> Ints:
        """Unit of each figure."""
        return self.codes[self.order]

    def total(self, weights: Floats, which: Flags) -> Floats:
        """Return the weight of some homes, by unit."""
        count = len(self.ends) - 1
        found = np.bincount(self.codes[which], weights=weights[which], minlength=count)
        return found.astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """Return the sums of figures in the order of `order`, by unit."""
        found = np.bincount(self.units, weights=values, minlength=len(self.ends) - 1)
        return found.astype(np.float64)

    def running(self, weights: Floats) -> Floats:
        """Return the weight up to each figure, 0 first."""
        found: Floats = np.concatenate([[0.0], np.cumsum(weights[self.order])])
        return found

    def mean(self, weights: Floats) -> Floats:
        """Return each unit's weighted mean, ``nan`` without any weight."""
        own = weights[self.order]
        return _ratio(self.sums(self.figures * own), self.sums(own))

    def quantile(self, weights: Floats, share: float) -> Floats:
        """Return each unit's weighted quantile, as `weighted_quantile` gives it."""
        found = np.full(len(self.ends) - 1, np.nan)
        running = self.running(weights)
        before, until = running[self.ends[:-1]], running[self.ends[1:]]
        own = np.flatnonzero(until > before)
        target = before[own] + share * (until - before)[own] - _SLACK
        at = np.searchsorted(running[1:], target, side="left")
        found[own] = self.figures[np.minimum(at, self.ends[1:][own] - 1)]
        return found


def _rows(ranked: _Ranked, weights: Floats, basis: Basis, norms: list[float]) -> pd.DataFrame:
    everybody = weights > 0
    known = everybody & np.isfinite(basis.metres)
    residents = ranked.total(weights, everybody)
    rows: dict[str, Floats] = {"residents": residents}
    for norm in norms:
        near = known & (basis.metres <= norm)
        rows[f"within_{norm:g}_share"] = _ratio(ranked.total(weights, near), residents)
        circle = everybody & (basis.straight_m <= norm)
        rows[f"straight_{norm:g}_share"] = _ratio(ranked.total(weights, circle), residents)
        rows[f"beyond_{norm:g}"] = ranked.total(weights, known & ~near)
    for reason in REASONS:
        without = everybody & ~known & (basis.reasons == reason)
        rows[f"missing_{reason}"] = ranked.total(weights, without)
    whole = [name for name in rows if not name.endswith("_share")]
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "int64"))


_SPREAD = ("mean_m", "median_m", "p90_m", "max_m", "gini", "ede_m")


def _spread(
    ranked: _Ranked, weights: Floats, aversion: float, kappa_per_m: float | None
) -> dict[str, Floats]:
    """Return the columns of `_SPREAD`, by unit."""
    longest = ranked.quantile(weights, _LONGEST)
    figures = (
        ranked.mean(weights),
        ranked.quantile(weights, _MEDIAN),
        ranked.quantile(weights, _P90),
        longest,
        _ginis(ranked, weights),
        _edes(ranked, weights, longest, aversion, kappa_per_m),
    )
    return dict(zip(_SPREAD, figures, strict=True))


def _ginis(ranked: _Ranked, weights: Floats) -> Floats:
    r"""
    Return `gini` of each unit.

    With :math:`W_i` residents up to a home and :math:`N` in all,

    .. math:: G = \frac{\sum_i n_i d_i (2 W_i - n_i - N)}{N \sum_i n_i d_i}.
    """
    own = weights[ranked.order]
    people, walked = ranked.sums(own), ranked.sums(own * ranked.figures)
    # Residents are whole numbers, so that the running sums are exact.
    up_to = ranked.running(weights)[1:] - ranked.running(weights)[ranked.ends[:-1]][ranked.units]
    leaning = own * ranked.figures * (2 * up_to - own - people[ranked.units])
    even = np.where(people > 0, 0.0, np.nan)
    found: Floats = np.maximum(_ratio(ranked.sums(leaning), people * walked), 0.0)
    return np.where(walked > 0, found, even)


def _edes(
    ranked: _Ranked,
    weights: Floats,
    longest: Floats,
    aversion: float,
    kappa_per_m: float | None,
) -> Floats:
    """Return `kolm_pollak_ede` of each unit."""
    own, metres = weights[ranked.order], ranked.figures
    people, walked = ranked.sums(own), ranked.sums(own * metres)
    kappa = aversion * _ratio(walked, ranked.sums(own * metres**2))
    if kappa_per_m is not None:
        kappa = np.full(len(people), kappa_per_m)
    # The longest walk is taken out of the exponent; a walk that nobody has is no longer.
    short = np.nan_to_num(kappa)[ranked.units] * np.minimum(
        metres - np.nan_to_num(longest)[ranked.units], 0.0
    )
    spread = _ratio(ranked.sums(own * np.exp(short)), people)
    even = np.where(people > 0, 0.0, np.nan)
    logs = np.log(spread, out=np.zeros(len(spread)), where=spread > 0)
    return np.where(walked > 0, longest + _ratio(logs, kappa), even)


def _ratio(part: Floats, whole: Floats) -> Floats:
    share: Floats = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
