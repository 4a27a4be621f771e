"""Communities with more cells than their codes can number: found before coding, and what helps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from gridplan.cells.options import CellOptions
from gridplan.cells.profiles import PROFILES, CodeProfile
from gridplan.cells.reasons import RURAL, WATER
from gridplan.errors import InfeasibleError, Message

_ROUND_UP_M2 = 100
_SAFETY = 1.05
_COARSER_SAFETY = 1.15
"""Open land lies in patches, so that its cells become fewer more slowly than they grow."""

MOST_OPEN_FACTOR = 100.0
"""Open land is not made coarser than this many times the target area."""


@dataclass(frozen=True, slots=True)
class Overflow:
    """
    A community whose cells the sequence cannot number.

    Attributes
    ----------
    community_id : str
    cells, open_cells : int
        All of its cells, and those of land that is not built up.
    area_m2 : float
        Its area.
    capacity : int
        How many cells the profile numbers.
    """

    community_id: str
    cells: int
    open_cells: int
    area_m2: float
    capacity: int


def overflows(cells: gpd.GeoDataFrame, profile: CodeProfile) -> tuple[Overflow, ...]:
    """
    Return the communities with more cells than `profile` numbers, sorted by id.

    Parameters
    ----------
    cells : GeoDataFrame
        ``community_id`` and geometry; ``exception`` and ``open_land`` (true: not built up, or
        water) where they are known.

    Examples
    --------
    >>> squares = [shapely.box(x, 0, x + 100, 100) for x in range(0, 1200, 100)]
    >>> cells = gpd.GeoDataFrame({"community_id": "a"}, geometry=squares, index=range(12))
    >>> narrow = CodeProfile("narrow", parts=(("community", 1), ("sequence", 1)))
    >>> [(one.community_id, one.cells, one.capacity) for one in overflows(cells, narrow)]
    [('a', 12, 9)]
    """
    reason = cells["exception"] if "exception" in cells else pd.Series(None, index=cells.index)
    # In the band open land is no exception, and can be made coarser all the same.
    inside = (
        cells["open_land"] if "open_land" in cells else pd.Series(data=False, index=cells.index)
    )
    table = pd.DataFrame(
        {
            "community": cells["community_id"].astype("string").to_numpy(dtype=object),
            "area_m2": shapely.area(cells.geometry.to_numpy()),
            "open": (reason.isin([RURAL, WATER]) | inside).to_numpy(dtype=bool),
        }
    )
    return tuple(
        Overflow(
            str(code),
            len(own),
            int(own["open"].sum()),
            # exact, so that the order of the rows does not matter
            math.fsum(own["area_m2"]),
            profile.capacity,
        )
        for code, own in table.groupby("community", sort=True)
        if len(own) > profile.capacity
    )


def coarser_open_factor(found: Sequence[Overflow], options: CellOptions) -> float | None:
    """
    Return the `open_factor` that should bring all communities to what can be numbered.

    Cells of open land are the fewer the larger they are; those of built-up land stay.
    None where they alone are too many, or where land would become coarser than
    `MOST_OPEN_FACTOR`.
    """
    factors = [_open_factor(one, options.open_factor) for one in found]
    if not factors or options.method == "square" or max(factors) > MOST_OPEN_FACTOR:
        return None
    return max(factors)


def _open_factor(one: Overflow, now: float) -> float:
    left = one.capacity - (one.cells - one.open_cells)
    if left <= 0 or not one.open_cells:
        return math.inf
    return float(math.ceil(_COARSER_SAFETY * now * one.open_cells / left))


def require_capacity(
    cells: gpd.GeoDataFrame, *, profile: CodeProfile, target_m2: float, open_factor: float | None
) -> None:
    """
    Refuse cells that the profile cannot number, with what would do, before any is coded.

    Raises
    ------
    InfeasibleError
        One message for each such community.
    """
    found = overflows(cells, profile)
    if found:
        raise InfeasibleError(*(_message(one, profile, target_m2, open_factor) for one in found))


def _message(
    one: Overflow, profile: CodeProfile, target_m2: float, open_factor: float | None
) -> Message:
    enough = _sufficient_target(one, target_m2)
    wider_en, wider_zh = _wider(one.cells, profile)
    open_en, open_zh = _open_said(one, open_factor)
    return Message(
        en=f"Community {one.community_id} has {one.cells} cells; {profile.name} numbers at most "
        f"{one.capacity} in one community. A `target_m2` of about {enough:,} would do, "
        f"{wider_en}or divide the community.{open_en}",
        zh=f"社区 {one.community_id} 有 {one.cells} 个单元网格，{profile.name} 每个社区最多编号 "
        f"{one.capacity} 个。将 `target_m2` 调到约 {enough:,} 即可，{wider_zh}或拆分该社区。"
        f"{open_zh}",
    )


def _open_said(one: Overflow, open_factor: float | None) -> tuple[str, str]:
    """Say how many cells are open land, and by which factor they would be few enough."""
    if not one.open_cells:
        return "", ""
    en = f" Of its cells {one.open_cells} are open land or water"
    zh = f"其中 {one.open_cells} 个为非建成区或水域"
    if open_factor is None:
        return (
            f"{en}; a larger `open_factor` makes them fewer.",
            f"{zh}，调大 `open_factor` 可减少。",
        )
    enough = _open_factor(one, open_factor)
    if enough > MOST_OPEN_FACTOR:
        return (
            f"{en}; to draw them larger than with `open_factor` = {open_factor:g} is not enough.",
            f"{zh}；在 `open_factor` = {open_factor:g} 的基础上继续放大也不够。",
        )
    return (
        f"{en}; an `open_factor` of about {enough:g} may be enough (drawn with {open_factor:g}).",
        f"{zh}；本次 `open_factor` 为 {open_factor:g}，调到约 {enough:g} 或可满足。",
    )


def _wider(cells: int, profile: CodeProfile) -> tuple[str, str]:
    """Name a known profile that holds so many cells of the same communities."""
    enough = [
        other
        for other in PROFILES.values()
        if other.parts[:-1] == profile.parts[:-1] and other.capacity >= cells
    ]
    if not enough:
        return "", ""
    least = min(enough, key=lambda other: other.capacity)
    return (
        f'or `code_profile = "{least.name}"` (up to {least.capacity:,}), ',
        f'或设 `code_profile = "{least.name}"`（最多 {least.capacity:,} 个），',
    )


def _sufficient_target(one: Overflow, target_m2: float) -> int:
    """
    Return the target area that brings the cells down to what is numbered, rounded up.

    A community of area A holds about A / t cells inside and e / √t along its rim; the
    two terms are fitted to the count at the present target and solved for the capacity;
    where lattice and rim meet by chance, a little more is needed.
    """
    inside = min(one.area_m2 / target_m2, float(one.cells))
    rim = one.cells - inside
    root = (-rim + math.sqrt(rim**2 + 4 * inside * one.capacity)) / (2 * inside)
    return math.ceil(_SAFETY * target_m2 / root**2 / _ROUND_UP_M2) * _ROUND_UP_M2
