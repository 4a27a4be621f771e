"""The walks of a plan as bases for its tables, and what the summary says beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.access.equity import AVERSION, gini, kolm_pollak_ede
from gridplan.access.facilities import WalkingSpeeds, walking_minutes
from gridplan.access.figures import weighted_quantile
from gridplan.access.straight import detour_ratios, straight_distances
from gridplan.access.units import Basis
from gridplan.errors import Message, SettingsError
from gridplan.geometry import Floats

_MIDDLE, _FAR = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class AccessOptions:
    """
    What is told of the walks.

    Attributes
    ----------
    worst : int
        Places in the layer `walks`, the farthest first.
    aversion : float
        Aversion to inequality of the equally distributed equivalent walk.
    speeds : WalkingSpeeds
    nearest_k : int
        Nearest committees and rooms of each home in the table `nearest_facilities`.
    """

    worst: int = 10
    aversion: float = AVERSION
    speeds: WalkingSpeeds = field(default_factory=WalkingSpeeds)
    nearest_k: int = 3

    def __post_init__(self) -> None:
        """Refuse counts and weights that mean nothing."""
        if self.worst < 0 or self.nearest_k < 0 or not self.aversion > 0:
            raise SettingsError(
                Message(
                    en=f"[access]: worst is {self.worst} and nearest_k {self.nearest_k} (expected "
                    f"0 or more), aversion is {self.aversion:g} (expected more than 0).",
                    zh=f"[access]：worst 为 {self.worst}，nearest_k 为 {self.nearest_k}"
                    f"（应不小于 0），aversion 为 {self.aversion:g}（应大于 0）。",
                )
            )


def basis_of(
    demand: gpd.GeoDataFrame,
    prefix: str,
    facilities: gpd.GeoSeries,
    *,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> Basis:
    """
    Return the walks of the columns ``<prefix>_id``, ``_m``, ``_reason`` with straight lines.

    Parameters
    ----------
    facilities : GeoSeries of points, indexed by facility id
        Those that could serve; several points of one facility repeat its id.
    allowed : bool array, shape (n_demand, n_facilities), optional
        Whom each of them may serve, e.g. its own community; facilities in the order
        of their first points.
    """
    point, ids = pd.factorize(facilities.index)
    to_points = straight_distances(demand.geometry.to_numpy(), facilities.to_numpy())
    straight = np.full((len(demand), len(ids)), np.inf)
    for place, facility in enumerate(point):
        np.minimum(straight[:, facility], to_points[:, place], out=straight[:, facility])
    permitted = straight if allowed is None else np.where(allowed, straight, np.inf)
    metres: Floats = demand[f"{prefix}_m"].to_numpy(dtype=np.float64, na_value=np.nan)
    column = pd.Index(ids).get_indexer(demand[f"{prefix}_id"])
    same = np.full(len(demand), np.inf)
    served = np.flatnonzero(column >= 0)
    same[served] = straight[served, column[served]]
    return Basis(
        metres=metres,
        reasons=demand[f"{prefix}_reason"].to_numpy(dtype=object),
        straight_m=permitted.min(axis=1, initial=np.inf),
        detour=detour_ratios(metres, same),
    )


def equity_figures(
    basis: Basis,
    residents: pd.Series[int],
    *,
    norms_m: Iterable[float],
    aversion: float = AVERSION,
    kappa_per_m: float | None = None,
) -> dict[str, Any]:
    """
    Return the share within each straight-line radius, the detour and the equity of the walks.

    Parameters
    ----------
    aversion, kappa_per_m
        As in `kolm_pollak_ede`: walks that are compared need one and the same `kappa_per_m`.

    Returns
    -------
    dict
        ``straight_line_within`` (norm in metres as text to share of all residents),
        ``detour`` (median of walk over straight line), ``gini``, ``ede_m``; null where
        nobody has a walk.
    """
    weights: Floats = np.asarray(residents.fillna(0), dtype=np.float64)
    total = max(float(weights.sum()), 1.0)
    within = {f"{n:g}": float(weights[basis.straight_m <= n].sum() / total) for n in norms_m}
    known = np.isfinite(basis.metres) & (weights > 0)
    straying = known & np.isfinite(basis.detour)
    figures: dict[str, Any] = {"straight_line_within": within}
    figures["detour"] = (
        weighted_quantile(basis.detour[straying], weights[straying], _MIDDLE)
        if straying.any()
        else None
    )
    if not known.any():
        return figures | dict.fromkeys(("gini", "ede_m"))
    walks_m, own = basis.metres[known], weights[known]
    return figures | {
        "gini": gini(walks_m, own),
        "ede_m": kolm_pollak_ede(walks_m, own, aversion=aversion, kappa_per_m=kappa_per_m),
    }


def minutes_figures(
    metres: Floats,
    step_free_m: Floats,
    residents: pd.Series[int],
    *,
    speeds: WalkingSpeeds,
) -> dict[str, Any]:
    """
    Return the minutes at the pace of each group, as if all residents were of it.

    Parameters
    ----------
    metres, step_free_m : float arrays, shape (n,)
        Walks, and walks without stairs; ``nan`` where there is none.

    Returns
    -------
    dict of group to ``median_min``, ``p90_min`` (null if nobody has a walk) and
    ``without_way`` (residents who have a walk, but none that the group can take)
    """
    weights: Floats = np.asarray(residents.fillna(0), dtype=np.float64)
    figures: dict[str, Any] = {}
    for group, metres_per_s in speeds.metres_per_s.items():
        own_m = step_free_m if group in speeds.without_steps else metres
        known = np.isfinite(own_m) & (weights > 0)
        lost = np.isfinite(metres) & ~np.isfinite(own_m)
        minutes: Floats = np.asarray(
            walking_minutes(pd.Series(own_m[known]), metres_per_s=metres_per_s), dtype=np.float64
        )
        figures[group] = {
            **{
                name: weighted_quantile(minutes, weights[known], share) if known.any() else None
                for name, share in (("median_min", _MIDDLE), ("p90_min", _FAR))
            },
            "without_way": int(weights[lost].sum()),
        }
    return figures


def least_of(metres: Floats, allowed: npt.NDArray[np.bool_]) -> Floats:
    """Return the least allowed walk of each row, ``nan`` where there is none."""
    least: Floats = np.where(allowed, metres, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(least), least, np.nan)
