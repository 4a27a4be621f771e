"""Settings of borders in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BoundsOptions:
    """
    Settings of `gridplan.bounds.bounds_words`.

    Attributes
    ----------
    near_m : float
        A border runs along a line no farther than this from it, in metres: half a main
        street, so that a border on its kerb has its name.
    turn_deg : float
        ... and turned against it by no more than this.
    step_m : float
        Borders are looked at in pieces of at most this length.
    smooth_share : float
        Which side a piece is on follows from the border without turns smaller than this
        share of the root of the unit's area.
    least_share : float
        A name that takes less than this share of a side is not told, unless it takes most.
    beyond_m : float
        The neighbour is what lies this far across the border.
    """

    near_m: float = 15.0
    turn_deg: float = 30.0
    step_m: float = 10.0
    smooth_share: float = 0.05
    least_share: float = 0.1
    beyond_m: float = 2.0
