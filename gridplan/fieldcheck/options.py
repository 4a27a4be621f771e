"""How doubts are weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass

from gridplan.errors import Message, SettingsError


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """
    How many doubts are listed, and by what they are ranked.

    Attributes
    ----------
    top : int
        Places on the list.
    lost_m : float
        Metres that count for a resident who would gain, or lose, any walk at all.
    storeys_off : float
        Storeys by which an assumed number may be wrong.
    storeys_share : float
        Share of an assumed number by which it may be wrong, where that is more.
    long_leg_m : float
        Legs from a door to its street above this are doubted.
    """

    top: int = 30
    lost_m: float = 1000.0
    storeys_off: float = 1.0
    storeys_share: float = 0.3
    long_leg_m: float = 100.0

    def __post_init__(self) -> None:
        """Refuse counts and lengths that mean nothing."""
        if self.top < 1 or not 0 <= self.lost_m < float("inf"):
            raise SettingsError(
                Message(
                    en=f"--top is {self.top} (expected 1 or more), --lost-m is {self.lost_m:g} "
                    f"(expected 0 or more, in metres).",
                    zh=f"--top 为 {self.top}（应不小于 1），--lost-m 为 {self.lost_m:g}"
                    f"（应不小于 0，单位米）。",
                )
            )
