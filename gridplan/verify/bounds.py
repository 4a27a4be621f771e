"""Do borders in words tell every side of every unit, and the whole of its border."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import numbers, shapes, sound, texts
from gridplan.verify.rules import finding
from gridplan.verify.world import World

_SIDES = ("east", "north", "south", "west")
_KEYS = {
    "community": ("communities", "community_id"),
    "zone": ("zones", "zone_id"),
    "cell": ("cells", "cell_uid"),
}
_ASKED = "cell"
"""The level that a plan has on request only."""


def bounds_of(world: World) -> Checked:
    """Check the table `bounds_words` of a plan."""
    units = {
        level: world.layers[layer].set_index(texts(world.layers[layer], key))
        for level, (layer, key) in _KEYS.items()
        if world.has(layer, key, "geometry")
    }
    return check_bounds(world.layers["bounds_words"], units, tolerances=world.tolerances)


def check_bounds(
    bounds: pd.DataFrame,
    units: Mapping[str, pd.DataFrame],
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check that four sides of each unit are told, and that their lengths make its border.

    Parameters
    ----------
    bounds : DataFrame
        ``level``, ``unit_id``, ``side``, ``text_zh``, ``text_en``, ``length_m``,
        ``named_share``.
    units : mapping of level to DataFrame
        With ``geometry``, by id. Cells need none, but if one has words, all have.
    """
    needed = {"level", "unit_id", "side", "text_zh", "text_en", "length_m", "named_share"}
    if not needed <= set(bounds):
        return Checked()  # the contract tells which columns are missing
    level, unit = texts(bounds, "level"), texts(bounds, "unit_id")
    findings: list[Finding] = []
    for name, frame in units.items():
        own = bounds[level == name]
        if name == _ASKED and own.empty:
            continue
        findings += _of_level(own, unit[level == name], name, frame, tolerances)
    astray = sorted({f"{a} {b}" for a, b in zip(level, unit, strict=True) if a not in _KEYS})
    return Checked((*findings, *finding("bounds_incomplete", astray, layer="bounds_words")))


def _of_level(
    own: pd.DataFrame, unit: np.ndarray, level: str, frame: pd.DataFrame, tolerances: Tolerances
) -> list[Finding]:
    share, length = numbers(own, "named_share"), numbers(own, "length_m")
    told = pd.DataFrame(
        {
            "unit": unit,
            "side": texts(own, "side"),
            "whole": [
                bool(zh and en) for zh, en in zip(texts(own, "text_zh"), texts(own, "text_en"),
                                                  strict=True)
            ],
            "likely": (length >= 0) & (np.isnan(share) | ((share >= 0) & (share <= 1))),
            "length": length,
        }
    )  # fmt: skip
    good = told[told["whole"] & told["likely"]]
    sides = {str(one): sorted(rows["side"].astype(str)) for one, rows in good.groupby("unit")}
    complete = {one for one, found in sides.items() if found == list(_SIDES)}
    known = set(frame.index.dropna())
    wrong = sorted((known | set(told["unit"].dropna())) - (complete & known))
    short = _not_the_border(good, frame, complete & known, tolerances)
    return [
        *finding("bounds_incomplete", [f"{level} {one}" for one in wrong], layer="bounds_words"),
        *finding("bounds_length", [f"{level} {one}" for one in short], layer="bounds_words"),
    ]


def _not_the_border(
    good: pd.DataFrame, frame: pd.DataFrame, complete: set[str], tolerances: Tolerances
) -> list[str]:
    """Return the units whose sides are not as long as their outer rings."""
    polygons = shapes(frame)
    fit = sound(polygons)
    parts, place = shapely.get_parts(polygons[fit], return_index=True)
    around = np.bincount(
        place, weights=shapely.length(shapely.get_exterior_ring(parts)), minlength=int(fit.sum())
    )
    measured = pd.Series(around, index=frame.index[fit])
    measured = measured[~measured.index.duplicated(keep=False)]
    told = good.groupby("unit")["length"].sum()
    both = sorted(complete & set(measured.index))
    off = np.abs(told.reindex(both).to_numpy() - measured.reindex(both).to_numpy())
    return [one for one, far in zip(both, off, strict=True) if not far <= tolerances.contact_m]
