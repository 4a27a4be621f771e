"""Floor area of rooms by the graded norm: what each holds, needs and lacks."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.siting import GradedNorm

Floats = npt.NDArray[np.float64]

SPACE_COLUMNS = ("households", "norm_households", "needed_m2", "shortfall_m2")
"""Columns of `room_space`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Space:
    """
    Floor areas of sites, and the households that ask for them.

    Attributes
    ----------
    norm : GradedNorm
    area_m2 : Series of float by site id
        NaN where it is not known, or where no norm asks for any (a committee).
    households : float array, shape (n_demand,)
    hard : bool
        No room may be given more households than its floor area serves.
    """

    norm: GradedNorm
    area_m2: pd.Series
    households: Floats
    hard: bool = False

    def holds(self, *, more_m2: float = 0.0) -> pd.Series:
        """Return how many households each site serves; ``inf`` where its area is not known."""
        area = self.area_m2.to_numpy(dtype=float)
        known = np.isfinite(area)
        served = self.norm.households(np.where(known, area + more_m2, 0.0))
        return pd.Series(np.where(known, served, math.inf), index=self.area_m2.index)

    def lacking_m2(self, load: pd.Series) -> pd.Series:
        """
        Return the floor area that each site lacks for the households it is given, by site id.

        Parameters
        ----------
        load : Series of households by site id

        Returns
        -------
        Series of float by site id
            NaN where the area is not known.
        """
        area = self.area_m2.reindex(load.index).to_numpy(dtype=float)
        given = load.to_numpy(dtype=float)
        short = self.norm.shortfall_m2(np.nan_to_num(area), given)
        return pd.Series(np.where(np.isfinite(area), short, math.nan), index=load.index)


def nearest_load(
    metres: Floats, households: Floats, opened: npt.NDArray[np.intp], ids: Collection[str]
) -> pd.Series:
    """
    Return the households that have each open site as their nearest, by site id.

    Parameters
    ----------
    metres : float array, shape (n_demand, n_sites)
        ``inf`` where there is no path; of equally near ones the first in the order of columns.
    households : float array, shape (n_demand,)
    opened : positions of the open sites, ascending
    ids : ids of all sites, in the order of columns
    """
    names = np.array([*ids], dtype=object)[opened]
    if not len(opened):
        return pd.Series(dtype="float64")
    offered = metres[:, opened]
    reached = np.isfinite(offered).any(axis=1)
    load = np.bincount(
        offered.argmin(axis=1)[reached], weights=households[reached], minlength=len(opened)
    )
    return pd.Series(load, index=names)


def room_space(
    rooms: pd.DataFrame,
    norm: GradedNorm | None,
    *,
    offices: Collection[str],
    residents_per_household: float,
) -> pd.DataFrame:
    """
    Return what each open room holds, needs and lacks by the graded norm.

    Parameters
    ----------
    rooms : DataFrame
        ``site_id``, ``area_m2``, ``assumed`` (then the area is the footprint of a building, and
        no area of a room), ``residents`` whose nearest place it is.
    norm : GradedNorm or None
        None: no figures.
    offices : ids of committees, of which the norm says nothing
    residents_per_household : float

    Returns
    -------
    DataFrame, index as of `rooms`
        ``households`` served, ``norm_households`` that the floor area serves, ``needed_m2`` for
        those served, and ``shortfall_m2``, what is lacking, 0 or more (lower is better). Null for
        committees; where the area is not known only what is needed is told.

    Examples
    --------
    >>> from gridplan.siting import ROOM_NORM
    >>> rooms = pd.DataFrame(
    ...     {"site_id": ["r"], "area_m2": [60.0], "assumed": [False], "residents": [5200]}
    ... )
    >>> room_space(rooms, ROOM_NORM, offices=[], residents_per_household=2.6).iloc[0].to_dict()
    {'households': 2000.0, 'norm_households': 1500.0, 'needed_m2': 80.0, 'shortfall_m2': 20.0}
    """
    table = pd.DataFrame(math.nan, index=rooms.index, columns=list(SPACE_COLUMNS))
    if norm is None or not len(rooms):
        return table
    area = pd.to_numeric(rooms["area_m2"], errors="coerce").to_numpy(dtype=float)
    known = np.isfinite(area) & ~rooms["assumed"].to_numpy(dtype=bool)
    asked = ~rooms["site_id"].isin(list(offices)).to_numpy(dtype=bool)
    households = rooms["residents"].to_numpy(dtype=float) / residents_per_household
    real = np.where(known, area, 0.0)
    for column, figures, told in (
        ("households", households, asked),
        ("norm_households", norm.households(real), asked & known),
        ("needed_m2", norm.area_m2(households), asked),
        ("shortfall_m2", norm.shortfall_m2(real, households), asked & known),
    ):
        table[column] = np.where(told, figures, math.nan)
    return table
