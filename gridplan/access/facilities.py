"""Facilities of any kind, with one or several service points; the nearest ones; minutes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.errors import InputError, Message, SettingsError
from gridplan.geometry import GRID_M, Floats
from gridplan.network import STEPS_CLASS

SECONDS = 60.0
"""Seconds of a minute."""


@dataclass(frozen=True, slots=True)
class WalkingSpeeds:
    """
    How fast each group walks, and which ways it cannot take.

    The adult speed is near the 1.2 m/s that signals at crossings are timed for, less the
    waits on the way; older people walk about 0.8 to 0.9 m/s [1]_. The speed in a
    wheelchair is a starting value without a verified source.

    Attributes
    ----------
    metres_per_s : mapping of group to metres per second
    without_steps : tuple of str
        Groups whose network leaves out stairs.

    References
    ----------
    .. [1] Studenski, S. et al. (2011). Gait speed and survival in older adults. *JAMA*,
       305(1), 50-58. https://doi.org/10.1001/jama.2010.1923
    """

    metres_per_s: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"adult": 1.0, "elderly": 0.8, "wheelchair": 0.55})
    )
    without_steps: tuple[str, ...] = ("wheelchair",)

    def __post_init__(self) -> None:
        """Refuse speeds that are not positive."""
        slow = [f"{group} = {v}" for group, v in self.metres_per_s.items() if not v > 0]
        if slow:
            raise SettingsError(
                Message(
                    en=f"Walking speeds must be above 0 m/s: {', '.join(slow)}.",
                    zh=f"步行速度须大于 0 米/秒：{'、'.join(slow)}。",
                )
            )


def walking_minutes(metres: pd.Series[float], *, metres_per_s: float) -> pd.Series[float]:
    """
    Return the minutes of each walk; null where there is no walk.

    Examples
    --------
    >>> walking_minutes(pd.Series([480.0]), metres_per_s=0.8).tolist()
    [10.0]
    """
    minutes: pd.Series[float] = metres / (metres_per_s * SECONDS)
    return minutes


def step_free(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the streets a wheelchair can take: all but stairs."""
    return streets[streets["highway"] != STEPS_CLASS].reset_index(drop=True)


def least_over_points(walks_m: Floats, facility_ids: pd.Series[str]) -> pd.DataFrame:
    """
    Return the walk to each facility: the least over its service points.

    Parameters
    ----------
    walks_m : float array, shape (n_demand, n_points)
        Metres to each service point, ``inf`` where there is no path.
    facility_ids : Series of str, shape (n_points,)
        The facility each point belongs to; a committee may have several.

    Returns
    -------
    DataFrame, shape (n_demand, n_facilities), columns sorted by id

    Raises
    ------
    InputError
        If points have no facility, or their number is not that of the walks.
    """
    nameless = int(facility_ids.isna().sum())
    if nameless or walks_m.shape[1] != len(facility_ids):
        raise InputError(
            Message(
                en=f"{walks_m.shape[1]} service points have walks, {len(facility_ids)} are "
                f"listed, {nameless} of them without a facility. Give each point its facility.",
                zh=f"有步行距离的服务点 {walks_m.shape[1]} 个，列出 {len(facility_ids)} 个，"
                f"其中 {nameless} 个没有所属设施。请为每个服务点指定设施。",
            )
        )
    ids = sorted(facility_ids.astype(str).unique())
    order = np.argsort(facility_ids.astype(str).to_numpy(), kind="stable")
    counts = facility_ids.astype(str).value_counts().reindex(ids).to_numpy()
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    least = [walks_m[:, order[a:b]].min(axis=1) for a, b in itertools.pairwise(ends)]
    return pd.DataFrame(dict(zip(ids, least, strict=True)), index=range(len(walks_m)))


def walks_by_kind(walks_m: Floats, facilities: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """
    Return the walks to the facilities of each kind, each with its service points.

    Parameters
    ----------
    walks_m : float array, shape (n_demand, n_points)
    facilities : DataFrame, one row per service point
        ``facility_id``, ``kind`` (committee, activity room, service station …).

    Returns
    -------
    dict of kind, sorted, to a frame as `least_over_points` gives it

    Raises
    ------
    InputError
        If points have no kind or no facility.
    """
    nameless = int(facilities["kind"].isna().sum())
    if nameless:
        raise InputError(
            Message(
                en=f"{nameless} of {len(facilities)} service points have no kind. Give each one.",
                zh=f"{len(facilities)} 个服务点中有 {nameless} 个没有类型，请补全。",
            )
        )
    kinds = facilities["kind"].astype(str).to_numpy()
    found = {}
    for kind in sorted(set(kinds)):
        own = np.flatnonzero(kinds == kind)
        found[kind] = least_over_points(walks_m[:, own], facilities["facility_id"].iloc[own])
    return found


def nearest_facilities(walks: pd.DataFrame, *, k: int) -> pd.DataFrame:
    """
    Return the k nearest facilities of each demand point, in a long frame.

    Parameters
    ----------
    walks : DataFrame, shape (n_demand, n_facilities)
        Metres, indexed by ``demand_id``, one column per facility; ``inf`` or null where
        there is no path.
    k : int
        0 or more. Points that reach fewer have fewer rows, and none if they reach none.

    Returns
    -------
    DataFrame
        ``demand_id``, ``rank`` (from 1), ``facility_id``, ``metres``; of equally near
        facilities (to the millimetre) the first by id; rows in the order of `walks`.
    """
    if k < 0:
        raise SettingsError(
            Message(en=f"k is {k}; expected 0 or more.", zh=f"k 为 {k}，应不小于 0。")
        )
    ids = np.array([str(one) for one in walks.columns], dtype=object)
    by_id = np.argsort(ids.astype(str), kind="stable")
    metres = walks.to_numpy(dtype=float, na_value=np.inf)[:, by_id]
    metres = np.where(np.isnan(metres), np.inf, metres)
    # Compared on the precision grid, so that rounding noise decides no tie.
    order = np.argsort(np.round(metres / GRID_M), axis=1, kind="stable")[:, :k]
    nearest_m = np.take_along_axis(metres, order, axis=1)
    row, rank = np.nonzero(np.isfinite(nearest_m))
    return pd.DataFrame(
        {
            "demand_id": walks.index.to_numpy()[row],
            "rank": rank + 1,
            "facility_id": ids[by_id][order[row, rank]],
            "metres": nearest_m[row, rank],
        }
    )
