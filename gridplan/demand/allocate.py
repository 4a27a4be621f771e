"""Counts of units onto the rows of homes, finest units first, each column by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.demand.groups import partitions
from gridplan.demand.rounding import Counts, largest_remainder, spread_groups
from gridplan.errors import FaultList
from gridplan.geometry import Floats

LEVELS = ("estate", "community", "total")
"""Levels of units, the finest first: what it counts is taken from the next."""

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: its position in the table, its rows, and the row for what finds no home."""

    position: int
    level: str
    unit_id: str
    rows: Rows
    spare: int


@dataclass(frozen=True, slots=True)
class Spots:
    """
    The rows residents can be put on, and which rows each unit has.

    The last rows are one per unit, without capacity: they take what the homes of
    the unit cannot.
    """

    capacity: Floats
    units: tuple[Unit, ...]

    @classmethod
    def of(cls, rows: pd.DataFrame, table: pd.DataFrame) -> Spots:
        """Return the spots of rows with ``community_id``, ``estate_id`` and ``capacity``."""
        homes = len(rows) - len(table)
        members = {
            "estate": rows.groupby("estate_id").indices,
            "community": rows.groupby("community_id").indices,
        }
        everybody = np.arange(len(rows), dtype=np.intp)
        units = [
            Unit(
                i,
                level,
                unit_id,
                np.asarray(members[level][unit_id]) if level in members else everybody,
                homes + i,
            )
            for i, (level, unit_id) in enumerate(
                zip(table["level"].astype(str), table["unit_id"].astype(str), strict=True)
            )
        ]
        ordered = sorted(units, key=lambda unit: (LEVELS.index(unit.level), unit.unit_id))
        return cls(rows["capacity"].to_numpy(dtype=float), tuple(ordered))


@dataclass(frozen=True, slots=True)
class Placed:
    """Counts by row, and by row the position of the unit they come from (-1: no unit's)."""

    counts: Counts
    unit: Rows

    def nullable(self) -> pd.api.extensions.ExtensionArray:
        """Return the counts with null where no unit gives any."""
        values = pd.array(self.counts, dtype="Int64")
        values[self.unit < 0] = pd.NA
        return values


def _empty(size: int) -> Placed:
    return Placed(np.zeros(size, dtype=np.int64), np.full(size, -1, dtype=np.intp))


def _given(spots: Spots, table: pd.DataFrame, name: str) -> Iterator[tuple[Unit, int]]:
    """Yield the units that give a figure, finest first, with it."""
    if name not in table:
        return
    values = table[name]
    for unit in spots.units:
        value = values.iloc[unit.position]
        if pd.notna(value):
            yield unit, int(value)


def place_counts(spots: Spots, table: pd.DataFrame, name: str, faults: FaultList) -> Placed:
    """Return residents by row: each unit's, less what finer units hold of it."""
    placed = _empty(len(spots.capacity))
    for unit, value in _given(spots, table, name):
        free = _claim(placed, unit)
        rest = value - int(placed.counts[unit.rows].sum())
        homes = free[spots.capacity[free] > 0]
        if rest < 0:
            _too_many(unit, name, value, value - rest, faults)
        elif len(homes):
            placed.counts[homes] = largest_remainder(spots.capacity[homes], rest)
        else:
            placed.counts[unit.spare] += rest
    return placed


def _claim(placed: Placed, unit: Unit) -> Rows:
    """Return the rows of a unit that no finer one has, and mark them as its own."""
    free = unit.rows[placed.unit[unit.rows] < 0]
    placed.unit[free] = unit.position
    return free


def _too_many(unit: Unit, name: str, value: int, held: int, faults: FaultList) -> None:
    what = "total" if unit.level == "total" else f"{unit.level} {unit.unit_id}"
    what_zh = "总数" if unit.level == "total" else f"社区 {unit.unit_id}"
    faults.add(
        en=f"`{name}`: the smaller units inside the {what} hold {held:,}, but it has {value:,} "
        f"only. Correct one of the counts.",
        zh=f"`{name}`：{what_zh}为 {value:,}，而其内各单元合计已达 {held:,}。请更正。",
    )


def place_groups(
    spots: Spots,
    table: pd.DataFrame,
    groups: Sequence[str],
    population: Counts,
    faults: FaultList,
) -> dict[str, Placed]:
    """
    Return each group by row, in proportion to the residents placed there.

    Groups of a set that is everybody are placed together where a unit gives them
    all and they sum to the residents of its rows: then they do so in every row.
    """
    placed = {name: _empty(len(population)) for name in groups}
    given = {name: {u.position: v for u, v in _given(spots, table, name)} for name in groups}
    sets = partitions(groups)
    alone = [(name,) for name in groups if not any(name in one for one in sets)]
    for unit in spots.units:
        for names in (*sets, *alone):
            here = [name for name in names if unit.position in given[name]]
            totals = {name: given[name][unit.position] for name in here}
            _place_set(
                spots, unit, totals, placed, population, faults, whole=len(here) == len(names) > 1
            )
    return placed


def _place_set(
    spots: Spots,
    unit: Unit,
    totals: Mapping[str, int],
    placed: Mapping[str, Placed],
    population: Counts,
    faults: FaultList,
    *,
    whole: bool,
) -> None:
    free = {name: _claim(placed[name], unit) for name in totals}
    rest = {
        name: total - int(placed[name].counts[unit.rows].sum()) for name, total in totals.items()
    }
    for name, left in rest.items():
        if left < 0:
            _too_many(unit, name, totals[name], totals[name] - left, faults)
    if not totals or min(rest.values()) < 0:
        return
    rows = free[next(iter(totals))]
    same = all(np.array_equal(rows, one) for one in free.values())
    if whole and same and sum(rest.values()) == int(population[rows].sum()):
        shares = spread_groups(population[rows], np.array(list(rest.values()), dtype=np.int64))
        for column, name in enumerate(totals):
            placed[name].counts[rows] = shares[:, column]
        return
    for name, left in rest.items():
        _place_alone(spots, unit, left, free[name], placed[name], population)


def _place_alone(
    spots: Spots, unit: Unit, left: int, free: Rows, placed: Placed, population: Counts
) -> None:
    weights = population[free].astype(float)
    if not weights.sum():
        weights = spots.capacity[free]
    if weights.sum():
        placed.counts[free] = largest_remainder(weights, left)
    else:
        placed.counts[unit.spare] += left
