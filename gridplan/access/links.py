"""What a missing gate or bridge costs: the walks with it, against the walks without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridplan.errors import InputError, Message
from gridplan.geometry import Floats

_SAME_WALK_M = 0.001


@dataclass(frozen=True, slots=True)
class LinkGain:
    """
    What one more link saves.

    Attributes
    ----------
    saved_resident_m : float
        Resident-metres (one way) that those who had a walk already walk less.
    shorter_residents : float
        Residents whose walk gets shorter.
    gained_residents : float
        Residents who had no walk and now have one.
    """

    saved_resident_m: float
    shorter_residents: float
    gained_residents: float


def link_gain(before_m: Floats, after_m: Floats, residents: Floats) -> LinkGain:
    """
    Return what a link saves, from each resident's walk without it and with it.

    Parameters
    ----------
    before_m, after_m : float arrays, shape (n,)
        Metres; ``inf`` or ``nan`` where there is no walk.
    residents : float array, shape (n,)

    Raises
    ------
    InputError
        If a walk got longer or was lost, which no added link does: the walks are of
        different networks, or their rows do not match.

    Examples
    --------
    >>> link_gain(np.array([900.0, np.inf]), np.array([400.0, 250.0]), np.array([10.0, 3.0]))
    LinkGain(saved_resident_m=5000.0, shorter_residents=10.0, gained_residents=3.0)
    """
    before = np.where(np.isnan(before_m), np.inf, before_m)
    after = np.where(np.isnan(after_m), np.inf, after_m)
    both = np.isfinite(before) & np.isfinite(after)
    saved_m = np.subtract(before, after, out=np.zeros(len(before)), where=both)
    worse = int(((saved_m < -_SAME_WALK_M) | (np.isfinite(before) & ~np.isfinite(after))).sum())
    if worse:
        raise InputError(
            Message(
                en=f"{worse} of {len(before)} walks are longer, or gone, with the link than "
                f"without. Give walks of the same rows, the second with the link added.",
                zh=f"{len(before)} 个步行距离中有 {worse} 个在增加通路后变长或消失。"
                f"请确认两次距离的行一致，且后者为增加通路之后。",
            )
        )
    saved_m = np.maximum(saved_m, 0.0)
    gained = np.isfinite(after) & ~np.isfinite(before)
    return LinkGain(
        saved_resident_m=float(np.dot(saved_m, residents)),
        shorter_residents=float(residents[saved_m > _SAME_WALK_M].sum()),
        gained_residents=float(residents[gained].sum()),
    )
