"""Figures of walks: mean, quantiles, shares within a norm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from gridplan.access.choose import TOO_FAR, UNREACHABLE
from gridplan.geometry import Floats


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """
    Return the least value that at least `share` of the weight does not exceed.

    Examples
    --------
    >>> weighted_quantile(np.array([100.0, 200.0, 300.0]), np.array([1.0, 1.0, 2.0]), 0.5)
    200.0
    """
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    position = int(np.searchsorted(running, share * running[-1] - 1e-9, side="left"))
    return float(values[order][min(position, len(values) - 1)])


def access_figures(
    metres: pd.Series[float],
    reasons: pd.Series[str],
    residents: pd.Series[int],
    *,
    norms_m: Iterable[float],
) -> dict[str, Any]:
    """
    Return mean, median, p90 and longest walk, and the share within each norm.

    Residents without a distance are counted apart by reason, never as far; the
    shares within the norms have all residents as denominator.

    Parameters
    ----------
    metres : Series, null where there is no distance
    reasons : Series of str, why there is none, same index
    residents : Series of whole numbers, same index

    Returns
    -------
    dict
        ``residents``, ``mean_m``, ``median_m``, ``p90_m``, ``max_m`` (null if
        nobody has a distance), ``within`` (norm in metres as text to share, 0
        to 1), ``missing`` (reason to residents), ``unreachable_residents``
        (those with a home and a facility, but no walk to it).
    """
    values: Floats = np.asarray(metres.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
    weights: Floats = np.asarray(residents, dtype=np.float64)
    known = np.isfinite(values) & (weights > 0)
    total = max(float(weights.sum()), 1.0)
    missing = residents[~np.isfinite(values)].groupby(reasons[~np.isfinite(values)]).sum()
    by_reason = {str(reason): int(count) for reason, count in missing.sort_index().items() if count}
    figures: dict[str, Any] = {
        "residents": int(weights.sum()),
        "missing": by_reason,
        "unreachable_residents": sum(by_reason.get(word, 0) for word in (UNREACHABLE, TOO_FAR)),
        "within": {
            f"{norm_m:g}": float(weights[known & (values <= norm_m)].sum() / total)
            for norm_m in norms_m
        },
    }
    d, w = values[known], weights[known]
    if not len(d):
        return figures | dict.fromkeys(("mean_m", "median_m", "p90_m", "max_m"))
    return figures | {
        "mean_m": float(np.dot(d, w) / w.sum()),
        "median_m": weighted_quantile(d, w, 0.5),
        "p90_m": weighted_quantile(d, w, 0.9),
        "max_m": float(d.max()),
    }
