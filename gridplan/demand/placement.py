"""What was given for each unit, and what became of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.demand.spread import UNPLACED
from gridplan.place import Place


def worst_grades(demand: pd.DataFrame, by: str) -> pd.Series[str]:
    """Return the worst grade that any resident of each unit has."""
    people = demand[demand["population"].fillna(0) > 0]
    worst: pd.Series[str] = people.groupby(by)["grade"].max()
    return worst


def placement_table(
    place: Place, demand: pd.DataFrame, *, figure: str = "population"
) -> pd.DataFrame:
    """
    Return what was given for each unit, and what became of it.

    Parameters
    ----------
    demand : DataFrame
        As `spread_residents` gives it.
    figure : str
        ``population``, ``population_register`` or a group.

    Returns
    -------
    DataFrame, one row per unit that gives the figure
        ``level``, ``unit_id``, ``given``, ``placed`` (in homes), ``unplaced``
        (residents each), ``difference`` = given - placed - unplaced (0, or there
        is an error), ``grade`` (the worst of its residents), ``as_of``, ``source``.
    """
    units = place.population
    if figure not in units:
        units = units.iloc[:0].assign(**{figure: pd.array([], dtype="Int64")})
    units = units[units[figure].notna()].reset_index(drop=True)
    labels = list(zip(units["level"].astype(str), units["unit_id"].astype(str), strict=True))
    by_level = {
        level: _by_unit(demand, level, figure) for level in sorted({one for one, _ in labels})
    }
    found = [by_level[level].get(unit, (0, 0, None)) for level, unit in labels]
    placed, unplaced, grade = ([one[k] for one in found] for k in range(3))
    given = units[figure].astype("int64")
    return pd.DataFrame(
        {
            "level": units["level"],
            "unit_id": units["unit_id"],
            "given": given,
            "placed": np.array(placed, dtype=np.int64),
            "unplaced": np.array(unplaced, dtype=np.int64),
            "difference": given - np.array(placed) - np.array(unplaced),
            "grade": pd.Series(grade, dtype="object"),
            "as_of": _texts(units, "as_of"),
            "source": _texts(units, "source"),
        }
    )


def _by_unit(
    demand: pd.DataFrame, level: str, figure: str
) -> dict[str, tuple[int, int, str | None]]:
    """Return by unit of a level: residents in homes, residents in none, worst grade."""
    key = pd.Series("total", index=demand.index) if level == "total" else demand[f"{level}_id"]
    lost = demand["reason"] == UNPLACED
    counts = demand[figure].fillna(0).astype("int64")
    rows = pd.DataFrame(
        {"key": key, "placed": counts.where(~lost, 0), "lost": counts.where(lost, 0)}
    )
    sums = rows.groupby("key")[["placed", "lost"]].sum()
    worst = worst_grades(demand.assign(key=key), "key")
    return {
        str(unit): (int(placed), int(unplaced), worst.get(unit))
        for unit, placed, unplaced in sums.itertuples()
    }


def _texts(units: pd.DataFrame, name: str) -> pd.Series[str]:
    if name in units:
        return units[name].astype("object")
    return pd.Series([None] * len(units), dtype="object")
