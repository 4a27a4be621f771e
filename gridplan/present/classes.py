"""Class breaks and colours, the same in figures and on the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.words import number, reason_label

# ColorBrewer sequential schemes: lightness falls with the value, so that they
# survive colour blindness and a grey photocopy (https://colorbrewer2.org).
YL_GN_BU = ("#ffffcc", "#c7e9b4", "#7fcdbb", "#41b6c4", "#2c7fb8", "#253494")
YL_OR_BR = ("#fee9ad", "#fdc264", "#f58b22", "#d2590c", "#a13403")
PURPLES = ("#f2f0f7", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f")
NOBODY = "#f1f1ee"
UNREACHABLE = "#1f1f24"
REASON_COLOURS = {
    "unreachable": UNREACHABLE,
    "too_far_from_street": "#4f5d6b",
    "no_committee": "#6d3b86",
    "unplaced": "#8d99a3",
}
_OTHER_REASON = "#3a4f3f"
ZONE_TINTS = ("#cfe3d4", "#f3dfc1", "#d5d9ec", "#f0d3d3", "#cfe4ea", "#e6e3c3", "#e2d3e6")

GAINS_M = (0.0, 100.0, 300.0, 500.0)
_LAST_WALK_FACTOR = 1.5
_QUANTILES = (0.2, 0.4, 0.6, 0.8, 0.95)
_STEPS = np.array([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10])


@dataclass(frozen=True, slots=True)
class Class:
    """One class of a legend; a special one (no residents, no route) is no part of the scale."""

    label: Message
    colour: str
    special: bool = False


@dataclass(frozen=True, slots=True)
class Classes:
    """
    A classification: labelled classes and the class of each value.

    ``member`` holds positions in ``classes``; every value has one.
    """

    title: Message
    unit: str
    classes: tuple[Class, ...]
    member: npt.NDArray[np.intp]

    def colours(self) -> list[str]:
        """Return the colour of each value."""
        return [self.classes[place].colour for place in self.member]

    def counts(self, weights: npt.NDArray[np.float64] | None = None) -> list[int]:
        """Return how many values, or how much weight, each class holds."""
        found = np.bincount(self.member, weights=weights, minlength=len(self.classes))
        return [round(float(count)) for count in found]


def nice_breaks(values: npt.NDArray[np.float64]) -> list[float]:
    """
    Return rounded class limits near the quantiles of positive values, ascending.

    Examples
    --------
    >>> nice_breaks(np.arange(1.0, 1001.0))
    [200.0, 400.0, 600.0, 800.0, 1000.0]
    """
    positive = values[values > 0]
    if not len(positive):
        return []
    found: list[float] = []
    for limit in np.quantile(positive, _QUANTILES):
        power = 10.0 ** np.floor(np.log10(limit))
        rounded = float(power * _STEPS[np.abs(_STEPS - limit / power).argmin()])
        whole = float(max(1, round(rounded)))
        if not found or whole > found[-1]:
            found.append(whole)
    return found


def walk_breaks(plan: Plan) -> list[float]:
    """Return the class limits of walks in metres: the norms, and one beyond the last."""
    norms = aggregate.norms_m(plan)
    return [*norms, _LAST_WALK_FACTOR * norms[-1]]


def by_residents(population: pd.Series) -> Classes:
    """Classify cells by residents; cells without any are a class of their own."""
    values = population.to_numpy(dtype="float64")
    breaks = nice_breaks(values)
    lows = [0.0, *breaks[:-1]] if breaks else []
    highs = [*breaks[:-1], np.inf] if breaks else []
    ranges = [Class(_same("0"), NOBODY)]
    for low, high, colour in zip(lows, highs, ramp(YL_GN_BU, len(lows)), strict=True):
        text = f"> {number(low)}" if np.isinf(high) else f"{number(low + 1)}–{number(high)}"
        ranges.append(Class(_same(text), colour))
    member = np.searchsorted(np.array(lows), values, side="left")
    title = Message(en="Residents per cell", zh="每网格居民")
    return Classes(title, "人 residents", tuple(ranges), member.astype(np.intp))


def by_walk(
    distance_m: pd.Series,
    population: pd.Series,
    breaks: Sequence[float],
    *,
    reasons: pd.Series,
    codes: Sequence[str] | None = None,
) -> Classes:
    """
    Classify walks by the norms; no residents, and each reason for no distance, is a class.

    Parameters
    ----------
    reasons : why there is no distance, where there is none
    codes : the reasons to make classes of, so that two classifications can share them;
        by default those that occur
    """
    values = distance_m.to_numpy(dtype="float64")
    member = np.searchsorted(np.asarray(breaks), np.nan_to_num(values), side="left")
    labels = _walk_labels(breaks)
    ranges = [
        Class(_same(text), colour)
        for text, colour in zip(labels, ramp(YL_OR_BR, len(labels)), strict=True)
    ]
    without = np.isnan(values) & (population.to_numpy(dtype="float64") > 0)
    member = _add_reasons(ranges, member, without, reasons=reasons, codes=codes)
    member[population.to_numpy(dtype="float64") <= 0] = len(ranges) - 1
    title = Message(en="Walk", zh="步行距离")
    return Classes(title, "m", tuple(ranges), member.astype(np.intp))


def residents_by_walk(plan: Plan, column: str) -> dict[Message, int]:
    """Return all residents by the class of their own walk, by its label; they add up to all."""
    demand = plan.layers["demand"]
    people = aggregate.people(demand)
    found = by_walk(
        aggregate.metres(demand[column]),
        people,
        walk_breaks(plan),
        reasons=aggregate.reasons(demand, column),
    )
    counts = found.counts(people.to_numpy())
    return {one.label: count for one, count in zip(found.classes, counts, strict=True)}


def _add_reasons(
    ranges: list[Class],
    member: npt.NDArray[np.intp],
    without: npt.NDArray[np.bool_],
    *,
    reasons: pd.Series,
    codes: Sequence[str] | None,
) -> npt.NDArray[np.intp]:
    """Append a class per reason, then "no residents"; return members with the reasons put in."""
    given = np.array([str(one) or aggregate.NO_REASON for one in reasons.fillna("")], dtype=object)
    found = set(given[without].tolist())
    listed = sorted(found | set(codes or ()), key=aggregate.reason_order)
    placed = member.copy()
    for code in listed:
        placed[without & (given == code)] = len(ranges)
        colour = REASON_COLOURS.get(code, _OTHER_REASON)
        ranges.append(Class(reason_label(code), colour, special=True))
    ranges.append(Class(Message(en="no residents", zh="无居民"), NOBODY, special=True))
    return placed


def by_gain(cells: pd.DataFrame) -> Classes:
    """Classify cells by how much shorter the mean walk becomes."""
    gain = (cells["before_m"] - cells["after_m"]).to_numpy(dtype="float64")
    # A cell that had no route and now has one gains most of all.
    gained_route = np.isnan(cells["before_m"]) & cells["after_m"].notna()
    labels = [Message(en="no change", zh="无变化")]
    for low, high in pairwise(GAINS_M):
        labels.append(_same(f"{number(low)}–{number(high)}"))
    labels.append(
        Message(en=f"> {number(GAINS_M[-1])} or new route", zh=f"> {number(GAINS_M[-1])} 或新通达")
    )
    ranges = [Class(label, PURPLES[i]) for i, label in enumerate(labels)]
    member = np.searchsorted(np.array(GAINS_M), np.nan_to_num(np.round(gain, 3)), side="left")
    member[gained_route.to_numpy()] = len(labels) - 1
    populated = cells["population"].to_numpy() > 0
    without = np.isnan(cells["after_m"].to_numpy(dtype="float64")) & populated
    member = _add_reasons(ranges, member, without, reasons=cells["after_reason"], codes=None)
    member[~populated] = len(ranges) - 1
    title = Message(en="Walk saved", zh="缩短步行")
    return Classes(title, "m", tuple(ranges), member.astype(np.intp))


def ramp(colours: Sequence[str], count: int) -> list[str]:
    """
    Return `count` colours evenly spaced along a sequential scheme.

    Examples
    --------
    >>> ramp(("#000000", "#808080", "#ffffff"), 2), ramp(("#000000", "#646464"), 3)
    (['#000000', '#ffffff'], ['#000000', '#323232', '#646464'])
    """
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], dtype=float)
    at = np.linspace(0, len(colours) - 1, count)
    mixed = [np.interp(at, np.arange(len(colours)), stops[:, band]) for band in range(3)]
    return [f"#{round(r):02x}{round(g):02x}{round(b):02x}" for r, g, b in zip(*mixed, strict=True)]


def _walk_labels(breaks: Sequence[float]) -> list[str]:
    labels = [f"≤ {number(breaks[0])}"]
    labels += [f"{number(a)}–{number(b)}" for a, b in pairwise(breaks)]
    return [*labels, f"> {number(breaks[-1])}"]


def _same(text: str) -> Message:
    return Message(en=text, zh=text)
