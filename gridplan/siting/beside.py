"""Two searches side by side that meet after counted work, whoever is faster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeVar

import highspy

from gridplan.siting.ledger import Ledger
from gridplan.siting.search import OutOfEffortError, StoppedBy

T = TypeVar("T")
U = TypeVar("U")


@dataclass
class Aside(Ledger):
    """
    The ledger of a search in another thread, which learns of the first one only between rounds.

    Attributes
    ----------
    called : threading.Event
        Set where the first search was stopped, and this one is to stop as well.
    """

    called: threading.Event = field(default_factory=threading.Event, kw_only=True)

    @property
    def late(self) -> bool:
        """The time is up, or the first search was stopped."""
        return self.called.is_set() or super().late

    def look(self) -> None:
        """Raise `OutOfEffortError` where the first search was stopped, too."""
        if self.called.is_set():
            reason: StoppedBy = "interrupt"
            raise OutOfEffortError(reason)
        super().look()


def side_by_side(
    first: Callable[[], T], other: Callable[[], U], called: threading.Event | None = None
) -> tuple[T, U]:
    """
    Run one search here and another in a thread of its own, until both have ended.

    Where the first is stopped, but not by counted work, the other is `called` to stop.
    """

    def with_solver() -> U:
        try:
            return other()
        finally:
            # What HiGHS keeps for a thread is given back before the thread ends.
            highspy.Highs.resetThreadScheduler(False)  # noqa: FBT003 (no keyword in highspy)

    with ThreadPoolExecutor(max_workers=1) as beside:
        second = beside.submit(with_solver)
        try:
            found = first()
            wait([second])
        except BaseException as stop:
            # Where work ends the first search, the other does its round: it is counted work, too.
            worked = isinstance(stop, OutOfEffortError) and stop.reason == "work"
            if called is not None and not worked:
                called.set()
            raise
    return found, second.result()
